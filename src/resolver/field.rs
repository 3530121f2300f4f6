//! Everything that the ledger says of the address and port asked about, gathered once for a question.

use std::borrow::Cow;
use std::sync::Arc;

use rangemap::RangeSet;

use super::inquiry::Inquiry;
use crate::allocation::{Allocation, Grain};
use crate::inside::InsideHost;
use crate::mapping::{NamedRule, Reverse, RulesInForce};
use crate::port::{PortRange, PortSet};
use crate::store::{Coverage, Ledger, Segment, SourceEntry};
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How far around an address-only question records are gathered; margins beyond are cut there.
const REACH_WITHOUT_PORT: TimeDelta = TimeDelta::from_second(3600);

/// One statement that a host held the asked port for a time.
#[derive(Clone, Debug)]
pub(super) struct Fact<'l> {
    pub(super) host: Cow<'l, InsideHost>,
    pub(super) outer: TimeRange,
    pub(super) inner: Option<TimeRange>,
    pub(super) used_until: Timestamp,
    pub(super) ports: PortSet,
    pub(super) kind: Kind<'l>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'l> {
    Record(Record<'l>),
    Rule { rules: RulesInForce<'l>, rule: &'l NamedRule, psid: Option<u16> },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'l> {
    pub(super) allocation: &'l Allocation,
    pub(super) source: &'l SourceEntry,
    /// Two hosts can never hold its full key at once.
    pub(super) exclusive: bool,
    pub(super) key_has_destination: bool,
    /// Its source was seen to lose lines.
    pub(super) lossy: bool,
}

impl<'l> Fact<'l> {
    pub(super) fn record(&self) -> Option<Record<'l>> {
        match self.kind {
            Kind::Record(record) => Some(record),
            Kind::Rule { .. } => None,
        }
    }

    /// Whether whose host it was is decided when the port was used, not when the mapping was made.
    pub(super) fn is_named_by_use(&self) -> bool {
        self.record().is_none_or(|r| r.allocation.grain == Grain::Block)
    }

    /// Whether the two can only be held by one host: same protocol, ports, and destination where the key has it.
    pub(super) fn same_full_key(&self, other: &Fact<'_>) -> bool {
        let (Some(a), Some(b)) = (self.record(), other.record()) else { return false };
        let (x, y) = (a.allocation, b.allocation);
        let protocols = match (x.protocol, y.protocol) {
            (Some(p), Some(q)) => p == q,
            _ => true,
        };
        let by_destination = a.key_has_destination && b.key_has_destination;
        protocols
            && x.ports.overlaps(y.ports)
            && (!by_destination || x.destination == y.destination)
    }
}

/// What is known of one address and port, over all the time that margins need.
#[derive(Debug)]
pub(super) struct Field<'l> {
    pub(super) facts: Vec<Fact<'l>>,
    /// Facts of the port that another destination or protocol rules out.
    pub(super) elsewhere: Vec<(TimeRange, Elsewhere)>,
    pub(super) logs: Arc<Coverage>,
    /// When a rule set that holds the address was in force.
    pub(super) ruled: RangeSet<Timestamp>,
    /// When the rules gave the asked port to nobody.
    pub(super) excluded: RangeSet<Timestamp>,
    /// When a declared pool holds the address, and when one holds the asked port too.
    pub(super) pooled: RangeSet<Timestamp>,
    pub(super) pooled_port: RangeSet<Timestamp>,
    pub(super) expired_before: Option<Timestamp>,
    /// Facts outside it were not gathered.
    pub(super) reach: TimeRange,
}

/// Why a record of the port does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    OtherDestination,
    OtherProtocol,
}

impl<'l> Field<'l> {
    pub(super) fn gather(ledger: &'l Ledger, logs: Arc<Coverage>, inquiry: &Inquiry) -> Field<'l> {
        let window = inquiry.window();
        let ports = inquiry.ports();
        let reach = if ports == PortRange::ALL {
            let start = window.start().minus(REACH_WITHOUT_PORT);
            let end = window.end().plus(REACH_WITHOUT_PORT);
            TimeRange::new(start, end).unwrap_or(window)
        } else {
            TimeRange::ALL
        };
        let mut field = Field {
            facts: Vec::new(),
            elsewhere: Vec::new(),
            logs,
            ruled: RangeSet::new(),
            excluded: RangeSet::new(),
            pooled: RangeSet::new(),
            pooled_port: RangeSet::new(),
            expired_before: ledger.manifest().expired_before,
            reach,
        };
        field.gather_pools(ledger, inquiry);
        let exclusive = ledger
            .manifest()
            .pools
            .iter()
            .filter(|p| p.exclusive && p.prefix.contains(&inquiry.addr))
            .map(|p| p.in_force)
            .collect::<Vec<_>>();
        for segment in ledger.segments() {
            field.gather_records(ledger, segment, inquiry, &exclusive);
        }
        if ledger.rules().covers(inquiry.addr) {
            field.gather_rules(ledger, inquiry);
        }
        field
    }

    fn gather_pools(&mut self, ledger: &Ledger, inquiry: &Inquiry) {
        for pool in ledger.manifest().pools.iter().filter(|p| p.prefix.contains(&inquiry.addr)) {
            let range = pool.in_force.start()..pool.in_force.end();
            self.pooled.insert(range.clone());
            if pool.ports.overlaps(inquiry.ports()) {
                self.pooled_port.insert(range);
            }
        }
    }

    fn gather_records(
        &mut self,
        ledger: &'l Ledger,
        segment: &'l Segment,
        inquiry: &Inquiry,
        exclusive_pools: &[TimeRange],
    ) {
        let index = segment.index();
        let mut hits = Vec::new();
        index.during(inquiry.addr, inquiry.ports(), None, self.reach, &mut hits);
        for allocation in hits.iter().filter_map(|&at| index.get(at)) {
            let other_protocol = match (allocation.protocol, inquiry.protocol) {
                (Some(own), Some(asked)) => own != asked,
                _ => false,
            };
            if other_protocol {
                self.elsewhere.push((allocation.outer, Elsewhere::OtherProtocol));
                continue;
            }
            if !inquiry.is_compatible(allocation.destination) {
                self.elsewhere.push((allocation.outer, Elsewhere::OtherDestination));
                continue;
            }
            let source = allocation.origin.first().map_or(0, |place| place.source.0);
            let source =
                usize::try_from(source).ok().and_then(|at| ledger.manifest().sources.get(at));
            let (Some(source), Some(host)) = (source, segment.host(allocation)) else { continue };
            let Some(log) = &source.log else { continue };
            let pool_says = exclusive_pools.iter().any(|t| t.overlaps(allocation.outer));
            let record = Record {
                allocation,
                source,
                exclusive: log.profile.exclusive || pool_says,
                key_has_destination: log.profile.key_has_destination,
                lossy: log.lossy,
            };
            self.facts.push(Fact {
                host: Cow::Borrowed(host),
                outer: allocation.outer,
                inner: allocation.inner,
                used_until: allocation.used_until,
                ports: allocation.ports.into(),
                kind: Kind::Record(record),
            });
        }
    }

    fn gather_rules(&mut self, ledger: &'l Ledger, inquiry: &Inquiry) {
        // Times at which a rule leaves the port to another PSID: somebody may have it, so it is not excluded.
        let mut left_open = Vec::new();
        for (rules, rule) in ledger.rules().matching(inquiry.addr, self.reach) {
            let in_force = rules.in_force;
            let range = in_force.start()..in_force.end();
            self.ruled.insert(range.clone());
            let mut add = |psid: Option<u16>, prefix: ipnet::Ipv6Net| {
                // Without a PSID the holder has every port.
                let ports = rule.rule().psid_params().ports(psid.unwrap_or(0)).unwrap_or_default();
                self.facts.push(Fact {
                    host: Cow::Owned(InsideHost::prefix(prefix)),
                    outer: in_force,
                    inner: Some(in_force),
                    used_until: in_force.end(),
                    ports,
                    kind: Kind::Rule { rules, rule, psid },
                });
            };
            match inquiry.port.filter(|_| !inquiry.is_portless()) {
                Some(port) => match rule.rule().reverse(inquiry.addr, port) {
                    Reverse::Mapped { end_user_prefix, psid } => add(psid, end_user_prefix),
                    Reverse::MappedPrefix { end_user_prefix, .. } => add(None, end_user_prefix),
                    Reverse::ExcludedPort => self.excluded.insert(range),
                    Reverse::OtherPsid { .. } => left_open.push(range),
                    _ => {}
                },
                None => {
                    for (psid, prefix) in rule.rule().end_users(inquiry.addr) {
                        add(psid, prefix);
                    }
                }
            }
        }
        for range in left_open {
            self.excluded.remove(range);
        }
    }

    /// Whether the ledger ever had the address.
    pub(super) fn is_ours(&self) -> bool {
        !(self.facts.is_empty()
            && self.elsewhere.is_empty()
            && self.logs.is_empty()
            && self.ruled.is_empty()
            && self.pooled.is_empty())
    }

    /// When the ledger is complete for what it shows: logs were recorded, or rules were in force.
    pub(super) fn covered(&self) -> RangeSet<Timestamp> {
        let mut covered = self.ruled.clone();
        covered.extend(self.logs.present().map(|t| t.start()..t.end()));
        covered
    }
}

/// Whether every instant of `range` is in the set.
pub(super) fn holds(set: &RangeSet<Timestamp>, range: TimeRange) -> bool {
    set.gaps(&(range.start()..range.end())).next().is_none()
}
