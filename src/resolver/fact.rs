//! One statement that a host held ports for a time, and how the keys of two of them relate.

use std::borrow::Cow;

use super::inquiry::Inquiry;
use crate::allocation::{Allocation, Began, Ended, Grain};
use crate::inside::InsideHost;
use crate::mapping::RulesInForce;
use crate::mapping::detnat::Deterministic;
use crate::port::{PortRange, PortSet};
use crate::protocol::Protocol;
use crate::session::Idle;
use crate::store::SourceEntry;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// A record or a rule that could answer.
#[derive(Clone, Debug)]
pub(super) struct Fact<'l> {
    pub(super) host: Cow<'l, InsideHost>,
    pub(super) outer: TimeRange,
    pub(super) inner: Option<TimeRange>,
    pub(super) used_until: Timestamp,
    pub(super) kind: Kind<'l>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind<'l> {
    Record(Record<'l>),
    Rule(Rule<'l>),
}

#[derive(Clone, Debug)]
pub(super) struct Rule<'l> {
    pub(super) rules: RulesInForce<'l>,
    pub(super) name: &'l str,
    /// The version of this one rule.
    pub(super) version: Option<&'l str>,
    pub(super) psid: Option<u16>,
    pub(super) ports: PortSet,
    /// Where it is a NAT, whose ports need not bind every protocol.
    pub(super) nat: Option<&'l Deterministic>,
}

impl<'l> Rule<'l> {
    /// A rule of that name, without ports yet.
    pub(super) fn new(rules: RulesInForce<'l>, name: &'l str) -> Rule<'l> {
        Rule { rules, name, version: None, psid: None, ports: PortSet::default(), nat: None }
    }

    pub(super) fn of_nat(rules: RulesInForce<'l>, nat: &'l Deterministic) -> Rule<'l> {
        let name = nat.name().unwrap_or(nat.algorithm().as_str());
        Rule { nat: Some(nat), ..Rule::new(rules, name) }
    }

    /// Whether it says whose the flows of a protocol are; none is that of a record for all protocols at once.
    pub(super) fn binds(&self, protocol: Option<Protocol>) -> bool {
        let Some(protocol) = protocol else { return true };
        match self.nat {
            Some(nat) => nat.applies_to(protocol),
            // Without ports nothing tells sharers apart.
            None => protocol.has_ports() || self.ports.len() == PortRange::ALL.len(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a statement of the source by itself")]
pub(super) struct Record<'l> {
    pub(super) allocation: Allocation,
    pub(super) source: &'l SourceEntry,
    /// Its profile says that two hosts can never hold its full key at once.
    pub(super) exclusive: bool,
    /// A declared pool says so of all its time and ports.
    pub(super) pool_exclusive: bool,
    /// One port may serve other hosts towards other destinations.
    pub(super) by_destination: bool,
    /// How late its create stamp may be.
    pub(super) late: TimeDelta,
    /// Its source was seen to lose lines.
    pub(super) lossy: bool,
}

impl Record<'_> {
    /// When it was made, the begin that `expire` may have cut off included.
    pub(super) fn made(&self) -> TimeRange {
        let a = self.allocation;
        if a.created >= a.outer.start() {
            let made = a.made();
            let end =
                made.end().min(self.begun_by().max(a.created.plus(TimeDelta::from_microsecond(1))));
            return TimeRange::new(made.start(), end).unwrap_or(made);
        }
        // How far the stamp was cut off is gone with what it was cut from.
        let end = match a.began {
            Began::Logged => a.created.plus(self.cut_off()).min(a.outer.start()),
            Began::Assumed => a.made().end(),
        };
        TimeRange::new(a.created.minus(self.late), end).unwrap_or(TimeRange::instant(a.created))
    }

    /// How much the digits of a stamp leave open, where nothing else tells; most are whole seconds.
    fn cut_off(&self) -> TimeDelta {
        let resolution = self.source.log.as_ref().and_then(|log| log.profile.resolution);
        resolution.unwrap_or(TimeDelta::from_second(1))
    }

    /// Where nothing is certain of an open record, its last event vouches for it by a timeout that its begin has not.
    fn begun_by(&self) -> Timestamp {
        let a = self.allocation;
        let has_timeout =
            self.source.log.as_ref().is_some_and(|log| log.profile.idle != Idle::default());
        if a.inner.is_none() && a.released.is_none() && a.began == Began::Logged && has_timeout {
            a.created.plus(self.cut_off())
        } else {
            Timestamp::MAX
        }
    }

    /// The time for which its source is complete.
    pub(super) fn recorded(&self) -> Option<TimeRange> {
        self.source.covers.or(self.source.recorded)
    }

    /// Up to when its own source would have shown its end; none where it has one.
    pub(super) fn followed_until(&self) -> Option<Timestamp> {
        let end = self.allocation.outer.end();
        match self.allocation.ended {
            Ended::Open if end == Timestamp::MAX => {
                Some(self.recorded().map_or(end, TimeRange::end))
            }
            Ended::Open => Some(end),
            _ => None,
        }
    }

    /// When the longest life that its profile knows is over at the latest.
    pub(super) fn longest_until(&self) -> Timestamp {
        let life = self.source.log.as_ref().and_then(|log| log.profile.max_life);
        life.map_or(Timestamp::MAX, |life| self.made().end().plus(life))
    }

    /// Whether nobody else can have held what was asked while this record certainly did.
    ///
    /// For that the question must not be wider than the key of the record.
    pub(super) fn leaves_no_room(&self, asked: &Inquiry) -> bool {
        let a = self.allocation;
        let destination = !self.by_destination
            || match a.destination {
                Some(own) => asked.destinations.as_slice() == [own],
                None => self.pool_exclusive,
            };
        (self.exclusive || self.pool_exclusive)
            && a.ended == Ended::Logged
            && asked.one_port().is_some()
            && (a.protocol.is_none() || a.protocol == asked.protocol)
            && destination
    }

    /// Whether `later` holds all of this record's key, as far as it was asked about: then it is its successor.
    pub(super) fn is_within_key_of(&self, later: &Record<'_>, asked: &Inquiry) -> bool {
        let (old, new) = (self.allocation, later.allocation);
        let protocol =
            asked.protocol.is_some() || new.protocol.is_none() || new.protocol == old.protocol;
        let ports = asked.one_port().is_some() || new.ports == old.ports;
        // Two destinations that were not recorded may be two destinations.
        let destination = !later.by_destination
            || (self.by_destination
                && old.destination.is_some()
                && old.destination == new.destination);
        protocol && ports && destination
    }

    /// Whether the two keys could have a flow in common.
    pub(super) fn may_share_key(&self, other: &Record<'_>) -> bool {
        let (x, y) = (self.allocation, other.allocation);
        let protocols = x.protocol.zip(y.protocol).is_none_or(|(p, q)| p == q);
        let destinations = !(self.by_destination && other.by_destination)
            || x.destination.zip(y.destination).is_none_or(|(d, e)| d.is_compatible(e));
        protocols && destinations && x.ports.overlaps(y.ports)
    }

    /// Whether the two keys certainly have a flow in common, which only one host can hold at a time.
    pub(super) fn shares_exclusive_key(&self, other: &Record<'_>) -> bool {
        let by_profile = self.exclusive && other.exclusive;
        let by_pool = self.pool_exclusive && other.pool_exclusive;
        if !(by_profile || by_pool) || !self.may_share_key(other) {
            return false;
        }
        if !(self.by_destination && other.by_destination) {
            return true;
        }
        match (self.allocation.destination, other.allocation.destination) {
            (Some(d), Some(e)) => d == e,
            // The pool promises it for the ports themselves.
            _ => by_pool,
        }
    }
}

impl<'l> Fact<'l> {
    pub(super) fn record(&self) -> Option<Record<'l>> {
        match self.kind {
            Kind::Record(record) => Some(record),
            Kind::Rule(_) => None,
        }
    }

    /// The part of its outer interval in which lines that were lost, or never read, cannot make somebody else's time
    /// of it.
    ///
    /// A begin that was not logged is vouched for from the first certain instant on, and an open record as long as its
    /// own source was read. Where the source loses lines, an end that was not logged is vouched for as long as the last
    /// event does; and behind the last use, only what is certain of the very key asked about.
    pub(super) fn vouched(&self, asked: &Inquiry) -> Option<TimeRange> {
        let Some(record) = self.record() else { return Some(self.outer) };
        let start = match record.allocation.began {
            Began::Logged => self.outer.start(),
            Began::Assumed => self.inner?.start(),
        };
        let certain = self.inner.map_or(start, TimeRange::end);
        let end = if !record.lossy {
            self.outer.end()
        } else if record.leaves_no_room(asked) {
            self.used_until.max(certain)
        } else {
            self.used_until
        };
        let followed = record.followed_until().unwrap_or(Timestamp::MAX);
        TimeRange::new(start, end.min(self.outer.end()).min(followed)).ok()
    }

    /// Whether whose host it was is decided when the port was used, not when the mapping was made.
    pub(super) fn is_named_by_use(&self) -> bool {
        self.record().is_none_or(|r| r.allocation.grain == Grain::Block)
    }

    pub(super) fn ports(&self) -> PortSet {
        match &self.kind {
            Kind::Record(record) => record.allocation.ports.into(),
            Kind::Rule(rule) => rule.ports.clone(),
        }
    }

    pub(super) fn overlaps_ports(&self, ports: PortRange) -> bool {
        match &self.kind {
            Kind::Record(record) => record.allocation.ports.overlaps(ports),
            Kind::Rule(rule) => {
                let ranges = rule.ports.ranges();
                let at = ranges.partition_point(|r| r.last() < ports.first());
                ranges.get(at).is_some_and(|r| r.overlaps(ports))
            }
        }
    }
}
