//! What the validators of every mechanism say, in one form.

use std::fmt;

use super::findings_detnat;
use super::{AddressRanges, Finding, RulesDiff, Stateless};
use crate::mapping::lw4o6::{BindingFinding, BindingTable};
use crate::time::TimeRange;

/// How many addresses two sets are compared on before the comparison is left.
const COMPARED: u64 = 65_536;
/// Networks whose addresses no host can have, as Rule IPv4 prefixes are held to.
const NO_HOSTS: [(u32, u32); 3] =
    [(0, 0x00ff_ffff), (0x7f00_0000, 0x7fff_ffff), (0xe000_0000, 0xffff_ffff)];

/// Whether answers suffer from what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Answers stay right; the owner of the rules should look all the same.
    Warning,
    /// Answers become ambiguous, name somebody who did not have the port, or rest on one table twice.
    Error,
}

/// Something that the owner of rules should look at.
///
/// # Text form
///
/// `error equal-prefixes: ...`, the sentence last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulesFinding {
    /// Whether answers suffer.
    pub severity: Severity,
    /// The kind in one word.
    pub kind: &'static str,
    /// The names of the rules, rows or NATs; versions as `version 2`.
    pub rules: Vec<String>,
    /// The finding in one sentence, with names and what to do.
    pub text: String,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl fmt::Display for RulesFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.kind, self.text)
    }
}

impl RulesFinding {
    pub(super) fn new(
        severity: Severity,
        kind: &'static str,
        rules: Vec<String>,
        text: impl Into<String>,
    ) -> RulesFinding {
        RulesFinding { severity, kind, rules, text: text.into() }
    }

    /// The very same file is in force at the same time as this version.
    pub fn loaded_twice(version: u32) -> RulesFinding {
        let rules = vec![format!("version {version}")];
        let text = format!("version {version} is the same file and in force at the same time");
        RulesFinding::new(Severity::Error, "loaded-twice", rules, text)
    }

    /// The very same file was added before, as these versions, which are in force at other times; none without any.
    pub fn loaded_before(versions: &[u32]) -> Option<RulesFinding> {
        let rules: Vec<String> = versions.iter().map(|v| format!("version {v}")).collect();
        let text =
            format!("the same file is {} already: right if the rules came back", rules.join(", "));
        let is_any = !rules.is_empty();
        is_any.then(|| RulesFinding::new(Severity::Warning, "loaded-before", rules, text))
    }

    /// Another version is in force on some of the same addresses at the same time; an error where the two name
    /// different holders for a port.
    pub fn beside(
        version: u32,
        other: &Stateless,
        new: &Stateless,
        during: TimeRange,
    ) -> RulesFinding {
        let rules = vec![format!("version {version}")];
        let finding = |severity, text| RulesFinding::new(severity, "beside", rules, text);
        let mut diff = RulesDiff::at(other, during, new, during);
        let is_cut = diff.cut_to(COMPARED);
        let differs = |change: &super::PortChange| {
            let (old, new) = (change.old.hosts(), change.new.hosts());
            !old.is_empty() && !new.is_empty() && old != new
        };
        match diff.find(differs) {
            Some(c) => finding(
                Severity::Error,
                format!(
                    "version {version} is in force at the same time and names another holder, first on {} port {}: {} against {}; answers are ambiguous there",
                    c.first, c.ports, c.old, c.new
                ),
            ),
            None if is_cut => finding(
                Severity::Warning,
                format!(
                    "version {version} is in force at the same time; the two agree on the first {COMPARED} addresses, the others were not compared"
                ),
            ),
            None => finding(
                Severity::Warning,
                format!(
                    "version {version} is in force at the same time on some of the addresses; no port has two holders"
                ),
            ),
        }
    }
}

impl Stateless {
    /// Looks for rules that cannot stand beside each other, or cannot be at all, whatever the mechanism: MAP rules as
    /// [`RuleSet::validate`](super::RuleSet::validate) does, binding tables as [`BindingTable::validate`], NATs and
    /// block tables port by port.
    ///
    /// ```
    /// use portledger::mapping::{Severity, read_rules};
    /// let rules = read_rules(b"address,first,last,inside\n\
    ///     192.0.2.1,1024,2047,100.64.0.1\n192.0.2.1,2000,3000,100.64.0.2\n")?;
    /// let findings = rules.validate();
    /// assert_eq!((findings.len(), findings[0].severity, findings[0].kind), (1, Severity::Error, "two-holders"));
    /// assert!(findings[0].text.contains("192.0.2.1 port 2000-2047"), "{}", findings[0]);
    /// # Ok::<(), portledger::mapping::ReadRulesError>(())
    /// ```
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of MAP rules or rows; for NATs in the port ranges of the addresses that several of
    /// them have, and of block tables: 2^26 are looked at, and where there are more, a finding says so.
    pub fn validate(&self) -> Vec<RulesFinding> {
        match self {
            Stateless::Map(set) => {
                let findings = set.validate();
                let disabled = set.disabled().iter().map(|name| disabled(name));
                findings.iter().map(|f| of_map(f, set)).chain(disabled).collect()
            }
            Stateless::Lw4o6(table) => {
                let mut findings: Vec<RulesFinding> =
                    table.validate().iter().map(of_binding).collect();
                findings.extend(repeated_rows(table));
                findings.extend(no_hosts(self));
                findings
            }
            Stateless::Deterministic(nats) => {
                let mut findings = findings_detnat::check(nats);
                findings.extend(no_hosts(self));
                findings
            }
        }
    }
}

fn of_map(finding: &Finding, set: &super::RuleSet) -> RulesFinding {
    let (kind, places) = match finding {
        Finding::Repeated { first, second } => ("repeated", vec![first, second]),
        Finding::Implied { outer, inner } => ("implied", vec![outer, inner]),
        Finding::EqualPrefixes { first, second } => ("equal-prefixes", vec![first, second]),
        Finding::Overlap { outer, inner } => ("overlap", vec![outer, inner]),
        Finding::MixedParams { first, second } => ("mixed-params", vec![first, second]),
        Finding::OverlapIpv6 { outer, inner } => ("overlap-ipv6", vec![outer, inner]),
        Finding::CannotBe { rule, .. } => ("cannot-be", vec![rule]),
    };
    let name = |place: &usize| {
        set.rules().get(*place).map_or_else(|| format!("#{place}"), |r| r.name().to_owned())
    };
    let severity = if finding.harms_answers() { Severity::Error } else { Severity::Warning };
    let names = places.into_iter().map(name).collect();
    RulesFinding::new(severity, kind, names, finding.describe(set))
}

/// A rule that its source has switched off.
fn disabled(name: &str) -> RulesFinding {
    let text = format!("`{name}` is switched off in the file and gives nothing to anybody");
    RulesFinding::new(Severity::Warning, "disabled", vec![name.to_owned()], text)
}

fn of_binding(finding: &BindingFinding) -> RulesFinding {
    let (first, second) = finding.rows();
    let (severity, kind) = match finding {
        BindingFinding::MixedParams { .. } => (Severity::Error, "mixed-params"),
        BindingFinding::TwoHolders { .. } => (Severity::Error, "two-holders"),
        BindingFinding::Duplicate { .. } => (Severity::Warning, "repeated"),
    };
    let name =
        |row: super::lw4o6::Softwire| format!("{} psid {} {}", row.ipv4(), row.psid(), row.b4());
    RulesFinding::new(severity, kind, vec![name(first), name(second)], finding.to_string())
}

fn repeated_rows(table: &BindingTable) -> Option<RulesFinding> {
    let repeated = table.repeated();
    (repeated > 0).then(|| {
        let text = format!("{repeated} row(s) are there more than once and count once");
        RulesFinding::new(Severity::Warning, "repeated", Vec::new(), text)
    })
}

/// Public addresses that no host can have.
fn no_hosts(rules: &Stateless) -> Option<RulesFinding> {
    let none = AddressRanges::of(NO_HOSTS.to_vec());
    let impossible = rules.addresses(TimeRange::ALL).intersection(&none);
    let (first, _) = impossible.ranges().next()?;
    let text = format!(
        "no host can have {first}, nor {} other(s) of its public addresses: correct them",
        impossible.len() - 1
    );
    Some(RulesFinding::new(Severity::Error, "cannot-be", vec![first.to_string()], text))
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
