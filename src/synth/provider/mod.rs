//! A provider that never was: the logs it would have written, and the truth behind them.

mod accounting;
mod cgn_block;
mod cgn_session;
mod conntrack;
mod flow;
mod plan;
mod softwire;
mod summary;
mod tenancy;
#[cfg(test)]
mod tests;
mod truth;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;

pub use summary::ProviderSummary;

use crate::port::PortRange;
use crate::time::{TimeRange, Timestamp};
use plan::{Access, Part, Plan, inside_b};
use softwire::Domain;
use truth::Asked;

/// The accounting server.
const SERVER_RADIUS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);

/// The subscriber's name in accounting and in `truth.csv`.
fn user_name(subscriber: u32) -> String {
    format!("user{subscriber:04}@isp.example")
}

/// What a provider shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// How many subscribers, 20 to 100,000: 45 % behind `cgn-a`, 30 % behind `cgn-b`, the rest in the MAP domain.
    pub subscribers: u32,
    /// For how many hours it is recorded, 1 to 744.
    pub hours: u32,
    /// Which provider.
    pub seed: u64,
    /// When the recording begins, cut to a whole second.
    pub start: Timestamp,
    /// How many questions are asked; one in twenty has nobody behind it.
    pub questions: u32,
}

impl Default for ProviderConfig {
    /// 200 subscribers, two hours in the evening of 2 November 2026 (UTC), 2,000 questions.
    fn default() -> ProviderConfig {
        ProviderConfig {
            subscribers: 200,
            hours: 2,
            seed: 7,
            start: Timestamp::from_second(1_793_642_400),
            questions: 2_000,
        }
    }
}

/// A file to import, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFile {
    /// Where it is.
    pub path: PathBuf,
    /// The name of its format.
    pub format: &'static str,
    /// The name to import it under.
    pub source: &'static str,
}

/// A rule file, and when its rules were in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Where it is.
    pub path: PathBuf,
    /// From when to when.
    pub in_force: TimeRange,
}

/// Public addresses that a device of the provider gives out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredPool {
    /// The addresses.
    pub prefix: Ipv4Net,
    /// The ports of each.
    pub ports: PortRange,
    /// The device, by the name under which its log is imported.
    pub device: &'static str,
    /// Whether two hosts can never hold one key at once.
    pub exclusive: bool,
}

/// What [`Provider::write_to`] has written, and how to import it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFiles {
    /// The time that all logs cover.
    pub covers: TimeRange,
    /// NAT logs: `conntrack` from `cgn-a`, `csv` from `cgn-b`.
    pub logs: Vec<ImportFile>,
    /// Accounting: `radius-detail`.
    pub accounting: Vec<ImportFile>,
    /// The MAP rule before and after the cut-over.
    pub rules: Vec<RuleFile>,
    /// The CGNs' pools.
    pub pools: Vec<DeclaredPool>,
    /// The questions, as `resolve --batch` reads them.
    pub questions: PathBuf,
    /// Who was behind each: `id,subscriber`, `none` where nobody was.
    pub truth: PathBuf,
}

/// A provider, planned and counted; its logs are made when they are written.
///
/// # Complexity
///
/// The flows are simulated once by [`generate`](Provider::generate), to draw and count, and once more by
/// [`write_to`](Provider::write_to). Neither holds them: memory goes to who was online when, the blocks, and the flows
/// alive at one time, about 150 MB for 20,000 subscribers and 24 hours, whose logs take some 10 GB.
#[derive(Clone, Debug)]
pub struct Provider {
    plan: Plan,
    asked: Vec<Asked>,
    summary: ProviderSummary,
}

impl Provider {
    /// Plans a provider and draws the questions; the same configuration is the same provider for ever.
    ///
    /// Numbers outside their limits are moved to the nearest limit.
    ///
    /// ```
    /// use portledger::synth::{Provider, ProviderConfig};
    /// let config = ProviderConfig { subscribers: 50, hours: 1, ..ProviderConfig::default() };
    /// let provider = Provider::generate(&config);
    /// assert_eq!(provider.check(), Ok(()));
    /// ```
    pub fn generate(config: &ProviderConfig) -> Provider {
        let plan = Plan::new(config);
        let (asked, summary) = plan.ask();
        Provider { plan, asked, summary }
    }

    /// What was made, counted.
    pub fn summary(&self) -> &ProviderSummary {
        &self.summary
    }

    /// Says whether the provider has what its users rely on: see [`ProviderSummary::check`].
    ///
    /// # Errors
    ///
    /// The figure that is off.
    pub fn check(&self) -> Result<(), String> {
        self.summary.check(&self.plan.config)
    }

    /// Writes all logs, rules, questions and the truth into a directory, which is made if it is not there.
    ///
    /// | file | what |
    /// |---|---|
    /// | `conntrack-cgn-a.log` | `conntrack -E -o timestamp,extended,id,ktimestamp`, its stamps in UTC |
    /// | `blocks-cgn-b.csv` | our own CSV: `block_alloc`, `block_release` |
    /// | `softwire-br-1.json`, `softwire-br-2.json` | the MAP rule before and after the cut-over (RFC 8676) |
    /// | `detail-cgn-a`, `detail-cgn-b`, `detail-br` | accounting as `FreeRADIUS` writes it |
    /// | `questions.csv`, `truth.csv` | packets that were sent, and by whom |
    pub fn write_to(&self, dir: &Path) -> io::Result<ProviderFiles> {
        std::fs::create_dir_all(dir)?;
        let plan = &self.plan;
        let mut nothing = |_: cgn_session::Opened<'_>| {};
        file(dir, "conntrack-cgn-a.log", |out| plan.run_a(false, out, &mut nothing).map(drop))?;
        file(dir, "blocks-cgn-b.csv", |out| {
            cgn_block::write(&plan.blocks, &inside_b, &|n| plan.outside_b(n), out)
        })?;
        for access in &Access::ALL {
            file(dir, &format!("detail-{}", access.name()), |out| {
                plan.account(*access, Some(out)).map(drop)
            })?;
        }
        for version in [1, 2] {
            file(dir, &format!("softwire-br-{version}.json"), |out| {
                out.write_all(Domain { version }.json().as_bytes())
            })?;
        }
        let seed = plan.seed(Part::Wording);
        file(dir, "questions.csv", |out| truth::questions(&self.asked, seed, out))?;
        file(dir, "truth.csv", |out| truth::answers(&self.asked, out))?;
        Ok(plan.files(dir))
    }
}

fn file(
    dir: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, File::create(dir.join(name))?);
    write(&mut out)?;
    out.flush()
}
