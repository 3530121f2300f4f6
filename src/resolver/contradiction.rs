//! Where a rule and a log cannot both be true: one notion of it, for answers and for whole ledgers.
//!
//! A rule and a record contradict one another at each instant at which both are certain (the rule in force, the record
//! within its inner interval), on each port of the record of which the rule says
//!
//! | kind | the rule says |
//! |---|---|
//! | `other-holder` | another host has it |
//! | `excluded-port` | nobody has it |
//! | `leftover-port` | nobody has it, though it could have been given out |
//!
//! A port that a rule hands out on demand is for the log to decide, and a port that no row of a binding table lists may
//! only be missing there: neither contradicts anything. A rule that does not bind the protocol of the record says
//! nothing of it.
//!
//! Rule and log name hosts in their own terms. They agree when an address that the log names lies in the prefix that the
//! rule names (that of the customer edge does), or one prefix in the other, or when both name one B4.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use super::answer::Evidence;
use super::explain;
use super::fact::{Fact, Kind, Rule};
use super::field::record;
use super::ruling::{Ruling, Withheld};
use crate::allocation::Allocation;
use crate::inside::InsideHost;
use crate::mapping::RuleSetId;
use crate::port::{PortRange, PortSet};
use crate::protocol::Protocol;
use crate::store::{Ledger, Segment};
use crate::time::TimeRange;

/// What a rule says against a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ContradictionKind {
    /// The rule gives the ports to another host.
    OtherHolder,
    /// The rule gives the ports to nobody.
    ExcludedPort,
    /// The rule could have given the ports out, but no inside host has them.
    LeftoverPort,
}

impl ContradictionKind {
    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            ContradictionKind::OtherHolder => "other-holder",
            ContradictionKind::ExcludedPort => "excluded-port",
            ContradictionKind::LeftoverPort => "leftover-port",
        }
    }
}

impl fmt::Display for ContradictionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record of a log and a rule that cannot both be true.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contradiction {
    /// What the rule says.
    pub kind: ContradictionKind,
    /// The public address.
    pub addr: Ipv4Addr,
    /// The ports of the record of which the rule says so.
    pub ports: PortSet,
    /// The protocol of the record.
    pub protocol: Option<Protocol>,
    /// When both are certain.
    pub during: TimeRange,
    /// The host that the log names.
    pub log_holder: InsideHost,
    /// The records; always [`Evidence::Records`].
    pub log: Evidence,
    /// The host that the rule names; none where it gives the ports to nobody.
    pub rule_holder: Option<InsideHost>,
    /// The rule; always [`Evidence::Rule`].
    pub rule: Evidence,
}

/// Every contradiction between the rules and the logs of a ledger, record by record.
///
/// A port and instant that is in one of them is answered [`Verdict::Conflict`](super::Verdict::Conflict) when asked for with
/// the record's protocol, with two exceptions: hosts are compared, and not whose they are, so two hosts of one
/// subscriber are listed here and are no conflict there; and a record past its last use that was succeeded on its very
/// key no longer claims a question.
///
/// ```
/// use portledger::resolver::contradictions;
/// use portledger::store::Ledger;
/// assert_eq!(contradictions(&Ledger::in_memory()).count(), 0);
/// ```
///
/// # Complexity
///
/// One record at a time is held in memory. Time is linear in the records; for one on an address with rules it grows with
/// the rule sets and the ports of the record (with their runs of ports, where the rules say how long these are).
pub fn contradictions(ledger: &Ledger) -> impl Iterator<Item = Contradiction> + '_ {
    ledger.segments().iter().flat_map(move |segment| {
        let records = segment.index().iter();
        records.flat_map(move |(_, allocation)| of_record(ledger, segment, &allocation))
    })
}

/// What makes contradictions of a record one, whatever the ports.
type Key<'l> = (TimeRange, ContradictionKind, RuleSetId, &'l str, Option<u16>, Option<InsideHost>);

fn of_record<'l>(
    ledger: &'l Ledger,
    segment: &Segment,
    allocation: &Allocation,
) -> Vec<Contradiction> {
    if !ledger.rules().covers(allocation.addr) {
        return Vec::new();
    }
    let (Some(certain), Some(host)) = (allocation.inner, segment.host(allocation)) else {
        return Vec::new();
    };
    // What the resolver cannot take for a record is none here either.
    let Some(record) = record(ledger, *allocation, &[]) else { return Vec::new() };
    let mut found: BTreeMap<Key<'l>, (Rule<'l>, Vec<PortRange>)> = BTreeMap::new();
    for (ports, ruling) in runs(ledger, allocation, certain) {
        let mut add = |during, kind, rule: &Rule<'l>, holder| {
            let key = (during, kind, rule.rules.id, rule.name, rule.psid, holder);
            let entry = found.entry(key).or_insert_with(|| (without_ports(rule), Vec::new()));
            entry.1.push(ports);
        };
        for fact in &ruling.facts {
            if let Kind::Rule(rule) = &fact.kind
                && let Some(during) = names_another(fact, host, allocation, ports, certain)
            {
                let holder = fact.host.as_ref().clone();
                add(during, ContradictionKind::OtherHolder, rule, Some(holder));
            }
        }
        for (withheld, during) in names_nobody(&ruling, allocation, certain) {
            let kind = if withheld.is_leftover {
                ContradictionKind::LeftoverPort
            } else {
                ContradictionKind::ExcludedPort
            };
            add(during, kind, &withheld.rule, None);
        }
    }
    let log = (!found.is_empty()).then(|| explain::records(ledger, &record));
    let listed =
        found.into_iter().filter_map(|((during, kind, .., rule_holder), (rule, ports))| {
            Some(Contradiction {
                kind,
                addr: allocation.addr,
                ports: ports.into_iter().collect(),
                protocol: allocation.protocol,
                during,
                log_holder: host.clone(),
                log: log.clone()?,
                rule_holder,
                rule: explain::of_rule(ledger, &rule),
            })
        });
    listed.collect()
}

fn without_ports<'l>(rule: &Rule<'l>) -> Rule<'l> {
    Rule { ports: PortSet::default(), ..rule.clone() }
}

/// The ports of a record in runs of which the rules say one thing; all at once where its protocol has none.
fn runs<'l>(
    ledger: &'l Ledger,
    allocation: &Allocation,
    certain: TimeRange,
) -> impl Iterator<Item = (PortRange, Ruling<'l>)> {
    let (addr, protocol, ports) = (allocation.addr, allocation.protocol, allocation.ports);
    let has_ports = protocol.is_none_or(Protocol::has_ports);
    let mut next = Some(ports.first());
    std::iter::from_fn(move || {
        let first = next?;
        let ruling = Ruling::of(ledger, addr, has_ports.then_some(first), protocol, certain);
        let last = if has_ports { ruling.same_until.min(ports.last()) } else { ports.last() };
        next = last.checked_add(1).filter(|next| *next <= ports.last());
        Some((PortRange::new(first, last).ok()?, ruling))
    })
}

/// The part of `certain` in which a rule gives ports of a record, among those asked about, to another host.
pub(super) fn names_another(
    rule: &Fact<'_>,
    logged: &InsideHost,
    record: &Allocation,
    asked: PortRange,
    certain: TimeRange,
) -> Option<TimeRange> {
    let Kind::Rule(by) = &rule.kind else { return None };
    let during = rule.inner?.intersection(certain)?;
    let ports = record.ports.intersection(asked).unwrap_or(record.ports);
    let is_against =
        by.binds(record.protocol) && rule.overlaps_ports(ports) && !is_one_host(&rule.host, logged);
    is_against.then_some(during)
}

/// The rules that give the port asked about to nobody, and the parts of `certain` in which no other rule gives it to
/// somebody or leaves it open.
pub(super) fn names_nobody<'r, 'l>(
    ruling: &'r Ruling<'l>,
    record: &Allocation,
    certain: TimeRange,
) -> Vec<(&'r Withheld<'l>, TimeRange)> {
    let mut found = Vec::new();
    for withheld in ruling.withheld.iter().filter(|w| w.rule.binds(record.protocol)) {
        let Some(then) = withheld.during.intersection(certain) else { continue };
        let nobodys = ruling.excluded.overlapping(then.start()..then.end());
        for range in nobodys {
            let during = TimeRange::new(range.start, range.end).ok();
            found.extend(during.and_then(|d| d.intersection(then)).map(|d| (withheld, d)));
        }
    }
    found
}

/// Whether a rule and a log name one host, each in its own terms.
fn is_one_host(by_rule: &InsideHost, logged: &InsideHost) -> bool {
    match (by_rule, logged) {
        (InsideHost::Prefix(prefix), InsideHost::V6(addr) | InsideHost::B4 { addr, .. })
        | (InsideHost::B4 { addr, .. }, InsideHost::Prefix(prefix)) => prefix.contains(addr),
        (InsideHost::Prefix(prefix), InsideHost::Prefix(other)) => {
            prefix.contains(other) || other.contains(prefix)
        }
        // What a log says of the host behind the tunnel is no contradiction.
        (
            InsideHost::B4 { addr, .. },
            InsideHost::V6(other) | InsideHost::B4 { addr: other, .. },
        ) => addr == other,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_be_named_in_other_terms() {
        let is_one =
            |rule: &str, log: &str| is_one_host(&rule.parse().unwrap(), &log.parse().unwrap());
        let prefix = "2001:db8:12:3400::/56";
        for same in [
            prefix,
            "2001:db8:12:3400:0:c000:212:34", // the customer edge, RFC 7597
            "2001:db8:12:3400:c0:2:1200:3400", // and in the layout of the drafts
            "b4[2001:db8:12:34ff::1]10.0.0.2",
            "2001:db8:12:3480::/64",
            "2001:db8:12::/48",
        ] {
            assert!(is_one(prefix, same), "{same}");
        }
        for other in [
            "2001:db8:12:3500::1",
            "b4[2001:db8:12:3300::1]",
            "2001:db8:12:3500::/56",
            "100.64.0.1",
            "name:ppp-1",
        ] {
            assert!(!is_one(prefix, other), "{other}");
        }
        let b4 = "b4[2001:db8::1]";
        for same in [b4, "2001:db8::1", "b4[2001:db8::1]10.0.0.2", "2001:db8::/64"] {
            assert!(is_one(b4, same), "{same}");
        }
        assert!(!is_one(b4, "b4[2001:db8::2]") && !is_one(b4, "2001:db8:0:1::/64"));
        // A realm makes another host.
        assert!(is_one("100.64.0.1", "100.64.0.1") && !is_one("100.64.0.1", "100.64.0.1%blue"));
    }
}
