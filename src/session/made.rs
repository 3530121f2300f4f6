//! The allocations as they are made, and what the whole source says of them in the end.

use super::imply::{Implied, imply};
use super::intervals::{Intervals, SourceFacts, Stamps};
use super::pending::{FlowKey, Pending};
use super::profile::Profile;
use crate::allocation::{Allocation, Began, Ended, Grain, Origin, Place};
use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

#[derive(Debug, Default)]
pub(super) struct Made {
    rows: Vec<Allocation>,
    /// Rows whose outer start rests on `late`, and the instant before which they cannot have begun.
    rests_on_late: Vec<(usize, Timestamp)>,
    /// Rows without a logged end, ascending.
    unreleased: Vec<Unreleased>,
    /// Rows whose release carries no start that would prove it to be theirs.
    unproven: Vec<Unproven>,
}

#[derive(Clone, Copy, Debug)]
struct Unreleased {
    at: usize,
    /// It had begun by then.
    begun: Timestamp,
    /// It was seen last then.
    seen: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Unproven {
    at: usize,
    seen: Timestamp,
    firm: Timestamp,
}

impl Made {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bounds what has no logged begin or end by the other holders of exclusive keys.
    pub(super) fn imply(
        &mut self,
        profile: &Profile,
        lost: impl FnMut(Timestamp, Timestamp),
    ) -> Implied {
        let unreleased = &self.unreleased;
        let begun = |at: usize| {
            let found = unreleased.binary_search_by_key(&at, |u| u.at).ok()?;
            unreleased.get(found).map(|u| u.begun)
        };
        imply(profile, &mut self.rows, begun, lost)
    }

    pub(super) fn into_rows(self) -> Vec<Allocation> {
        self.rows
    }

    /// A tenancy whose release was read; `stamps` are those of `pending`, with the release's.
    pub(super) fn released(
        &mut self,
        facts: SourceFacts<'_>,
        key: FlowKey,
        pending: &Pending,
        stamps: &Stamps,
        release: Option<Place>,
    ) {
        let survivors = match key.grain {
            Grain::Block => facts.profile.survivors.unwrap_or(TimeDelta::ZERO),
            Grain::Session => TimeDelta::ZERO,
        };
        let Some(intervals) = stamps.closed(facts, key.protocol, survivors) else { return };
        if stamps.create.is_some() && stamps.start.is_none() {
            let seen = stamps.activity.map_or(intervals.created, WrittenTime::start);
            let firm = pending.stamps.firm_until(facts, key.protocol);
            self.unproven.push(Unproven { at: self.rows.len(), seen, firm });
        }
        self.push(key, pending, stamps, intervals, release, Ended::Logged);
    }

    /// A tenancy whose release was not read, and that `until` ends.
    pub(super) fn unreleased(
        &mut self,
        facts: SourceFacts<'_>,
        key: FlowKey,
        pending: &Pending,
        until: Timestamp,
        ended: Ended,
    ) {
        let stamps = pending.stamps;
        let intervals = stamps.unreleased(facts, key.protocol, until);
        let seen = stamps.activity.map_or(intervals.created, WrittenTime::start);
        let begun = stamps.begun_by(facts);
        self.unreleased.push(Unreleased { at: self.rows.len(), begun, seen });
        let ended =
            if stamps.longest(facts) <= intervals.outer.end() { Ended::Assumed } else { ended };
        self.push(key, pending, &stamps, intervals, None, ended);
    }

    /// A row of a table that shows no end: the ports are still held.
    pub(super) fn still_held(&mut self, facts: SourceFacts<'_>, key: FlowKey, pending: &Pending) {
        let stamps = pending.stamps;
        let mut intervals = stamps.unreleased(facts, key.protocol, Timestamp::MAX);
        intervals.used_until = intervals.outer.end();
        // Once begun it was there, however long.
        intervals.inner.get_or_insert(TimeRange::instant(stamps.begun_by(facts)));
        let ended =
            if intervals.outer.end() < Timestamp::MAX { Ended::Assumed } else { Ended::Open };
        self.push(key, pending, &stamps, intervals, None, ended);
    }

    fn push(
        &mut self,
        key: FlowKey,
        pending: &Pending,
        stamps: &Stamps,
        intervals: Intervals,
        release: Option<Place>,
        ended: Ended,
    ) {
        let mut outer = intervals.outer;
        if let Some(not_before) = pending.not_before {
            outer = TimeRange::new(outer.start().max(not_before), outer.end()).unwrap_or(outer);
        }
        let logged = stamps.create.is_some() || stamps.start.is_some();
        if stamps.create.is_some() {
            let floor = stamps.start.map_or(Timestamp::MIN, WrittenTime::start);
            let floor = floor.max(pending.not_before.unwrap_or(Timestamp::MIN));
            if floor < outer.start() {
                self.rests_on_late.push((self.rows.len(), floor));
            }
        }
        self.rows.push(Allocation {
            addr: key.addr,
            ports: key.ports,
            protocol: key.protocol,
            destination: key.destination,
            inside: key.inside,
            inside_port: key.inside_port,
            grain: key.grain,
            outer,
            inner: intervals.inner.and_then(|inner| inner.intersection(outer)),
            used_until: intervals.used_until,
            created: intervals.created.max(outer.start()),
            released: intervals.released,
            began: if logged { Began::Logged } else { Began::Assumed },
            ended,
            origin: Origin { create: pending.create, release },
        });
    }

    /// Applies a wider `late` to what was made before it was known.
    pub(super) fn widen(&mut self, late: TimeDelta) {
        for &(at, floor) in &self.rests_on_late {
            if let Some(a) = self.rows.get_mut(at) {
                let start = a.created.minus(late).max(floor).min(a.outer.start());
                a.outer = TimeRange::new(start, a.outer.end()).unwrap_or(a.outer);
            }
        }
    }

    /// Ends at a gap what only silence carries across it.
    ///
    /// A record without a logged end stops there, at the earliest where its last event stops vouching for it. A create
    /// and a release with nothing but their flow in common may be of two tenancies whose other lines the gap took: the
    /// record stays as long as it is, and is sure of no more than an open one.
    pub(super) fn cut(&mut self, gaps: &[TimeRange]) {
        let next =
            |seen: Timestamp| gaps.get(gaps.partition_point(|gap| gap.end() <= seen)).copied();
        for &Unreleased { at, seen, .. } in &self.unreleased {
            let (Some(a), Some(gap)) = (self.rows.get_mut(at), next(seen)) else { continue };
            let end = gap.start().max(a.used_until);
            if end < a.outer.end() {
                a.outer = TimeRange::new(a.outer.start(), end).unwrap_or(a.outer);
                a.used_until = a.used_until.min(a.outer.end());
                // What ended it later ends it no more.
                a.ended = Ended::Open;
            }
        }
        for &Unproven { at, seen, firm } in &self.unproven {
            let (Some(a), Some(gap)) = (self.rows.get_mut(at), next(seen)) else { continue };
            if gap.start() < a.outer.end() {
                a.inner = a.inner.and_then(|inner| TimeRange::new(inner.start(), seen).ok());
                a.used_until = firm.min(a.outer.end());
                a.released = None;
                a.ended = Ended::Implied;
            }
        }
    }
}
