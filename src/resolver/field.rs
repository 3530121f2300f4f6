//! Everything that the ledger says of the address and port asked about, gathered once for a question.

use std::borrow::Cow;
use std::sync::Arc;

use rangemap::RangeSet;

use super::carry::carry_on;
use super::fact::{Fact, Kind, Record};
use super::inquiry::Inquiry;
use super::ruling::Ruling;
use super::timeline::Timeline;
use crate::allocation::{Allocation, Grain};
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::store::{Coverage, Ledger, Pool, Segment, SourceKind};
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How far around an address-only question records are gathered; margins beyond are cut there.
const REACH_WITHOUT_PORT: TimeDelta = TimeDelta::from_second(3600);

/// What is known of one address and port, over all the time that margins need.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
pub(super) struct Field<'l> {
    pub(super) asked: Inquiry,
    /// By outer start.
    pub(super) facts: Vec<Fact<'l>>,
    timeline: Timeline,
    /// When each record was created, ascending, and which fact it is.
    creates: Vec<(Timestamp, usize)>,
    /// Records of the port that another destination or protocol rules out, by outer start.
    elsewhere: Vec<(Elsewhere, &'l InsideHost)>,
    elsewhere_timeline: Timeline,
    pub(super) logs: Arc<Coverage>,
    /// Whether a rule set of any time holds the address.
    pub(super) is_ruled: bool,
    /// What the rules say of the port besides the facts.
    pub(super) rules: Ruling<'l>,
    /// When a declared pool holds the address, and when one holds the asked port too.
    pub(super) pooled: RangeSet<Timestamp>,
    pub(super) pooled_port: RangeSet<Timestamp>,
    is_pooled: bool,
    has_records: bool,
    /// When a record whose end was never read may still have been open, though it claims nothing any more.
    pub(super) unsettled: RangeSet<Timestamp>,
    pub(super) expired_before: Option<Timestamp>,
    /// Whether subscriber files were imported, so that `expire` deleted bindings.
    pub(super) has_people: bool,
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
        let reach = if inquiry.ports() == PortRange::ALL {
            let start = window.start().minus(REACH_WITHOUT_PORT);
            let end = window.end().plus(REACH_WITHOUT_PORT);
            TimeRange::new(start, end).unwrap_or(window)
        } else {
            TimeRange::ALL
        };
        let manifest = ledger.manifest();
        let mut field = Field {
            asked: inquiry.clone(),
            facts: Vec::new(),
            timeline: Timeline::default(),
            creates: Vec::new(),
            elsewhere: Vec::new(),
            elsewhere_timeline: Timeline::default(),
            logs,
            is_ruled: ledger.rules().covers(inquiry.addr),
            rules: Ruling::default(),
            pooled: RangeSet::new(),
            pooled_port: RangeSet::new(),
            is_pooled: false,
            has_records: false,
            unsettled: RangeSet::new(),
            expired_before: manifest.expired_before,
            has_people: manifest.sources.iter().any(|s| s.kind == SourceKind::Subscribers),
            reach,
        };
        let pools: Vec<&Pool> =
            manifest.pools.iter().filter(|p| p.prefix.contains(&inquiry.addr)).collect();
        field.gather_pools(&pools);
        let mut elsewhere = Vec::new();
        for segment in ledger.segments() {
            field.gather_records(ledger, segment, &pools, &mut elsewhere);
        }
        field.unsettled = carry_on(&mut field.facts, &field.logs);
        if field.is_ruled {
            field.rules =
                Ruling::of(ledger, inquiry.addr, inquiry.one_port(), inquiry.protocol, reach);
            field.facts.append(&mut field.rules.facts);
        }
        field.facts.sort_by_key(|f| f.outer.start());
        field.timeline = Timeline::new(field.facts.iter().map(|f| f.outer).collect());
        let created = |(at, f): (usize, &Fact<'_>)| Some((f.record()?.allocation.created, at));
        field.creates = field.facts.iter().enumerate().filter_map(created).collect();
        field.creates.sort_unstable();
        elsewhere.sort_by_key(|(outer, ..)| outer.start());
        field.elsewhere_timeline = Timeline::new(elsewhere.iter().map(|e| e.0).collect());
        field.elsewhere = elsewhere.into_iter().map(|(_, why, host)| (why, host)).collect();
        field
    }

    fn gather_pools(&mut self, pools: &[&Pool]) {
        self.is_pooled = !pools.is_empty();
        for pool in pools {
            let range = pool.in_force.start()..pool.in_force.end();
            self.pooled.insert(range.clone());
            if pool.ports.overlaps(self.asked.pool_ports()) {
                self.pooled_port.insert(range);
            }
        }
    }

    fn gather_records(
        &mut self,
        ledger: &'l Ledger,
        segment: &'l Segment,
        pools: &[&Pool],
        elsewhere: &mut Vec<(TimeRange, Elsewhere, &'l InsideHost)>,
    ) {
        let index = segment.index();
        let mut hits = Vec::new();
        index.during(self.asked.addr, self.asked.ports(), None, self.reach, &mut hits);
        let view = index.view();
        for allocation in hits.iter().filter_map(|&at| view.get(at)) {
            let Some(host) = segment.host(&allocation) else { continue };
            self.has_records |=
                allocation.protocol.is_none_or(|p| p.has_ports() && p != Protocol::ICMP);
            let other_protocol =
                allocation.protocol.zip(self.asked.protocol).is_some_and(|(own, q)| own != q);
            // A flow without ports cannot have had the port, whatever its protocol.
            let portless = self.asked.one_port().is_some()
                && allocation.protocol.is_some_and(|own| !own.has_ports());
            if other_protocol || portless {
                elsewhere.push((allocation.outer, Elsewhere::OtherProtocol, host));
            } else if !self.asked.is_compatible(allocation.destination) {
                elsewhere.push((allocation.outer, Elsewhere::OtherDestination, host));
            } else if let Some(record) = record(ledger, allocation, pools) {
                self.facts.push(Fact {
                    host: Cow::Borrowed(host),
                    outer: allocation.outer,
                    inner: allocation.inner,
                    used_until: allocation.used_until,
                    kind: Kind::Record(record),
                });
            }
        }
    }

    /// The facts whose outer interval meets `during`, by position.
    pub(super) fn meeting(&self, during: TimeRange) -> impl Iterator<Item = usize> {
        self.timeline.meeting(during)
    }

    /// The records whose create stamp lies between the two, both included.
    pub(super) fn created_between(
        &self,
        first: Timestamp,
        last: Timestamp,
    ) -> impl Iterator<Item = usize> {
        let from = self.creates.partition_point(|(at, _)| *at < first);
        let rest = self.creates.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(at, _)| *at <= last).map(|(_, fact)| *fact)
    }

    /// How many hosts held the port then, but for this reason are no answer.
    pub(super) fn held_elsewhere(&self, why: Elsewhere, during: TimeRange) -> usize {
        let meeting = self.elsewhere_timeline.meeting(during);
        let mut hosts: Vec<&InsideHost> = meeting
            .filter_map(|at| self.elsewhere.get(at))
            .filter(|(own, _)| *own == why)
            .map(|(_, host)| *host)
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len()
    }

    /// Whether the ledger has any record of the asked port, of whatever time, protocol or destination; echo
    /// identifiers and flows without ports are no ports of a pool.
    pub(super) fn has_records(&self) -> bool {
        self.has_records
    }

    /// Whether the ledger ever had the address.
    pub(super) fn is_ours(&self) -> bool {
        self.logs.is_known() || self.is_ruled || self.is_pooled
    }

    /// When the ledger is complete for what it shows: logs were recorded, or rules gave the port to somebody.
    pub(super) fn covered(&self) -> RangeSet<Timestamp> {
        let mut covered = self.rules.mapped.clone();
        covered.extend(self.logs.present().map(|t| t.start()..t.end()));
        covered
    }
}

/// What a source says of an allocation; none where the ledger does not know the source.
pub(super) fn record<'l>(
    ledger: &'l Ledger,
    allocation: Allocation,
    pools: &[&Pool],
) -> Option<Record<'l>> {
    let number = allocation.origin.first().map_or(0, |place| place.source.0);
    let source = ledger.manifest().sources.get(usize::try_from(number).ok()?)?;
    let log = source.log.as_ref()?;
    let promised = |p: &&Pool| {
        p.exclusive
            && p.in_force.covers(allocation.outer)
            && p.ports.first() <= allocation.ports.first()
            && allocation.ports.last() <= p.ports.last()
    };
    Some(Record {
        allocation,
        source,
        exclusive: log.profile.exclusive,
        pool_exclusive: pools.iter().any(promised),
        by_destination: log.profile.key_has_destination && allocation.grain == Grain::Session,
        late: log.profile.late,
        lossy: log.lossy,
    })
}

/// Whether every instant of `range` is in the set.
pub(super) fn holds(set: &RangeSet<Timestamp>, range: TimeRange) -> bool {
    set.gaps(&(range.start()..range.end())).next().is_none()
}
