//! The answer: a verdict, why, who, by what margin, on what evidence.

use std::fmt;

use serde::Serialize;

use super::inquiry::ShownInquiry;
use super::verdict::{Reason, Verdict};
use crate::allocation::{Began, Destination, Ended};
use crate::identity::BindingKey;
use crate::inside::InsideHost;
use crate::port::PortSet;
use crate::protocol::Protocol;
use crate::subscriber::SubscriberId;
use crate::time::TimeDelta;

/// What an asker could add to tell the candidates apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Discriminator {
    /// The source port.
    Port,
    /// The protocol.
    Protocol,
    /// Where the connection went.
    Destination,
    /// The destination would tell, but this source does not record it.
    DestinationNotRecorded,
    /// A narrower or finer time.
    NarrowerTime,
    /// Nothing the asker could add.
    NoneExists,
}

impl Discriminator {
    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Discriminator::Port => "port",
            Discriminator::Protocol => "protocol",
            Discriminator::Destination => "destination",
            Discriminator::DestinationNotRecorded => "destination (not recorded by this source)",
            Discriminator::NarrowerTime => "narrower time",
            Discriminator::NoneExists => "none exists",
        }
    }
}

/// Who a candidate is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// A subscriber.
    Subscriber(SubscriberId),
    /// A host that no binding names.
    Unknown(InsideHost),
}

impl Name {
    /// The subscriber, if there is one.
    pub fn subscriber(&self) -> Option<&SubscriberId> {
        match self {
            Name::Subscriber(id) => Some(id),
            Name::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Subscriber(id) => id.fmt(f),
            Name::Unknown(host) => write!(f, "host:{host}"),
        }
    }
}

/// What a claim rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// A record, in use at that time.
    Used,
    /// A record that held the port, past its last use.
    Held,
    /// A rule.
    Rule,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Basis::Used => "used",
            Basis::Held => "held",
            Basis::Rule => "rule",
        })
    }
}

/// The record or rule that proves a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Records of a log.
    Records {
        /// The name of the source.
        source: String,
        /// SHA-256 of the file's decompressed bytes.
        sha256: String,
        /// The path it was imported from.
        path: String,
        /// Where in it the records stand: offset and length in bytes.
        records: Vec<RecordPlace>,
        /// The profile that the intervals rest on, `name/version`.
        profile: String,
    },
    /// A rule set.
    Rule {
        /// The name of the rule.
        rule: String,
        /// The version of its set in the ledger, counted from 1 as `rules list` does: one number for one set.
        version: String,
        /// What the rule file says of its own version, where it does; nothing keeps two files from saying the same.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_version: Option<String>,
        /// SHA-256 of the rule file.
        sha256: String,
        /// The path it was read from.
        path: String,
        /// The PSID of the port, where one was asked for.
        psid: Option<u16>,
    },
}

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordPlace {
    /// `create` or `release` of an allocation, `begin` or `end` of a binding.
    pub role: &'static str,
    /// The path of the file it stands in.
    pub path: String,
    /// SHA-256 of that file's decompressed bytes.
    pub sha256: String,
    /// The first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u32,
}

/// A binding that names the subscriber of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BindingEvidence {
    /// What was bound.
    #[serde(serialize_with = "text")]
    pub key: BindingKey,
    /// When it could have been the subscriber's, RFC 3339.
    pub outer: String,
    /// When it certainly was, RFC 3339.
    pub inner: Option<String>,
    /// How its begin is known.
    #[serde(serialize_with = "text")]
    pub began: Began,
    /// How its end is known.
    #[serde(serialize_with = "text")]
    pub ended: Ended,
    /// The records that show it.
    pub records: Vec<RecordPlace>,
}

/// Somebody who could have been it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// Who.
    pub name: Name,
    /// The inside host.
    pub inside: InsideHost,
    /// What the claim rests on.
    pub basis: Basis,
    /// The public ports that the record or rule gives.
    #[serde(serialize_with = "text")]
    pub ports: PortSet,
    /// The protocol of the record.
    pub protocol: Option<Protocol>,
    /// The destination of the record.
    pub destination: Option<Destination>,
    /// When it could have held them, RFC 3339.
    pub outer: String,
    /// When it certainly held them, RFC 3339.
    pub inner: Option<String>,
    /// After this no packet of it can have left, RFC 3339.
    pub used_until: Option<String>,
    /// How the begin is known.
    #[serde(serialize_with = "text_opt")]
    pub began: Option<Began>,
    /// How the end is known.
    #[serde(serialize_with = "text_opt")]
    pub ended: Option<Ended>,
    /// What proves it.
    pub evidence: Evidence,
    /// Which bindings name the subscriber at the deciding time; none for an unknown host.
    pub bindings: Vec<BindingEvidence>,
    /// What else should be known of this candidate.
    pub notes: Vec<String>,
}

fn text<T: fmt::Display, S: serde::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn text_opt<T: fmt::Display, S: serde::Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// By how much the asker's clock may be wrong before something changes.
///
/// # Text form
///
/// Seconds, `12.5`; `>=12.5` where recorded time ends before anything changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// The distance from the edge of the widened question.
    pub distance: TimeDelta,
    /// Whether it was cut at the end of recorded time.
    pub capped: bool,
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.capped { ">=" } else { "" }, self.distance.seconds())
    }
}

impl Serialize for Margin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The margins of an answer; none where no change is known in that direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Margins {
    /// Earlier, to any other verdict.
    #[serde(rename = "earlier_s")]
    pub earlier: Option<Margin>,
    /// Later, to any other verdict.
    #[serde(rename = "later_s")]
    pub later: Option<Margin>,
    /// Earlier, to another subscriber's outer interval.
    #[serde(rename = "other_earlier_s")]
    pub other_earlier: Option<Margin>,
    /// Later, to another subscriber's outer interval.
    #[serde(rename = "other_later_s")]
    pub other_later: Option<Margin>,
}

impl Margins {
    /// Whether a second's error of the clock could change the answer.
    pub fn is_fragile(&self) -> bool {
        let second = TimeDelta::from_second(1);
        [self.earlier, self.later, self.other_earlier, self.other_later]
            .into_iter()
            .flatten()
            .any(|m| m.distance < second)
    }
}

/// What portledger says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answer {
    /// The question.
    pub inquiry: ShownInquiry,
    /// The kind of answer.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The reason in a sentence, and what to do next where something can be done.
    pub detail: String,
    /// The subscriber; only for [`Verdict::Unique`].
    pub subscriber: Option<SubscriberId>,
    /// Everybody who could have been it; never cut.
    pub candidates: Vec<Candidate>,
    /// How many different subscribers or unknown hosts the candidates are.
    pub candidate_count: usize,
    /// What would tell them apart.
    pub discriminators: Vec<Discriminator>,
    /// How wrong the clock may be.
    pub margins: Margins,
    /// Whether a margin is below one second.
    pub fragile: bool,
    /// Said once: what the answer is not.
    pub caution: Option<&'static str>,
    /// The state of the ledger that was asked.
    pub ledger_state: u64,
}

impl Answer {
    /// The names of all candidates, each once, in order.
    pub fn names(&self) -> Vec<&Name> {
        let mut names: Vec<&Name> = self.candidates.iter().map(|c| &c.name).collect();
        names.sort();
        names.dedup();
        names
    }
}
