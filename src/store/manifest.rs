//! What the ledger knows of its contents: sources, pools, rule sets, what was expired.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::mapping::detnat::RecordReading;
use crate::port::PortRange;
use crate::session::{Audit, Profile};
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// The version of the ledger directory that this crate writes and reads.
pub const LEDGER_VERSION: u32 = 1;

/// The whole of `ledger.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`LEDGER_VERSION`] of the writer.
    pub version: u32,
    /// Grows with every change; answers carry it, so that it can be said what was known when.
    pub state: u64,
    /// NAT logs and subscriber files; a source's number is its place in this list.
    #[serde(default)]
    pub sources: Vec<SourceEntry>,
    /// Declared pools.
    #[serde(default)]
    pub pools: Vec<Pool>,
    /// Rule sets with the time each is in force.
    #[serde(default)]
    pub rules: Vec<RuleEntry>,
    /// Files with allocations, one an import.
    #[serde(default)]
    pub segments: Vec<FileEntry>,
    /// Everything before this instant was deleted.
    #[serde(default)]
    pub expired_before: Option<Timestamp>,
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            version: LEDGER_VERSION,
            state: 0,
            sources: Vec::new(),
            pools: Vec::new(),
            rules: Vec::new(),
            segments: Vec::new(),
            expired_before: None,
        }
    }
}

/// A file that the ledger wrote, with the checksum that `verify` holds it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The name below the ledger directory.
    pub file: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// One imported file or stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// The name given at import: the device, or the collector, that wrote it.
    pub name: String,
    /// Log or subscriber file.
    pub kind: SourceKind,
    /// The name of its format.
    pub format: String,
    /// Where it was read from; `-` for standard input.
    pub path: String,
    /// SHA-256 of its bytes as they lie there, packed or not, in hex.
    pub sha256: String,
    /// How many these are.
    pub bytes: u64,
    /// The options of the import, by name; the same bytes with other options are refused.
    pub options: BTreeMap<String, String>,
    /// What was subtracted from its stamps: source clock minus true time.
    pub clock_offset: TimeDelta,
    /// The time declared complete.
    pub covers: Option<TimeRange>,
    /// First to last stamp of the stream that the source is part of.
    pub recorded: Option<TimeRange>,
    /// Rejected records by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Records taken in.
    pub accepted: u64,
    /// For logs: what its stamps mean, as it was used.
    pub log: Option<LogFacts>,
    /// For subscriber files: where their records lie in the ledger.
    pub identity: Option<FileEntry>,
}

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A NAT log.
    Log,
    /// Leases or accounting.
    Subscribers,
}

/// What an import learned of a NAT log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
pub struct LogFacts {
    /// The profile as it was used.
    pub profile: Profile,
    /// Whether the log has create records; absence is covered from `first + max_life` on where it has, and up to
    /// `last - max_life` where it has releases only.
    pub has_creates: bool,
    /// Whether it consists of finished allocations only.
    pub is_table: bool,
    /// Whether it was seen to lose lines.
    pub lossy: bool,
    /// Whether it showed flows without saying who held which public port.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// Where lines are missing.
    pub gaps: Vec<TimeRange>,
    /// The public addresses that it showed, aggregated.
    pub addresses: Vec<Ipv4Net>,
}

impl LogFacts {
    pub(super) fn new(
        profile: Profile,
        audit: &Audit,
        addresses: impl Iterator<Item = Ipv4Addr>,
    ) -> LogFacts {
        let hosts: Vec<Ipv4Net> = addresses.map(Ipv4Net::from).collect();
        LogFacts {
            profile,
            has_creates: audit.creates > 0,
            is_table: audit.finished > 0 && audit.creates + audit.releases == 0,
            lossy: audit.is_lossy(),
            unnamed: audit.unnamed > 0,
            gaps: audit.suspected_gaps.clone(),
            addresses: Ipv4Net::aggregate(&hosts),
        }
    }

    /// Whether the source showed this public address.
    pub fn showed(&self, addr: Ipv4Addr) -> bool {
        self.addresses.iter().any(|net| net.contains(&addr))
    }
}

/// Public addresses that are ours, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// The addresses.
    pub prefix: Ipv4Net,
    /// The ports that the NAT uses on them.
    pub ports: PortRange,
    /// The device that uses them: the source name of its logs.
    pub device: Option<String>,
    /// When.
    pub in_force: TimeRange,
    /// Whether two hosts can never hold one key of this pool at once.
    pub exclusive: bool,
}

/// A rule set and the time it is in force. Its version is its place in [`Manifest::rules`], counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleEntry {
    /// The copy that the ledger keeps.
    pub file: FileEntry,
    /// Where it was read from.
    pub path: String,
    /// When it is in force.
    pub in_force: TimeRange,
    /// When it was asked to be in force; none where that is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<TimeRange>,
    /// The version at whose begin it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<u32>,
    /// How it reads where it is an RFC 7422 record.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "record_text")]
    pub record: Option<RecordReading>,
}

impl RuleEntry {
    /// When it was asked to be in force, whatever closed it since.
    pub fn asked(&self) -> TimeRange {
        self.asked.unwrap_or(self.in_force)
    }
}

/// The reading of a record as its text form.
mod record_text {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::mapping::detnat::RecordReading;

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands the field over by reference"
    )]
    pub(super) fn serialize<S: Serializer>(
        reading: &Option<RecordReading>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match reading {
            Some(reading) => serializer.collect_str(reading),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<RecordReading>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
