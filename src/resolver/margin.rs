//! Margins: how wrong the clock may be before the answer changes.
//!
//! ```text
//!            other's outer          claim's outer                other's outer
//!          |--------------|     |-----------[ question ]------|     |--------
//!                               |<--earlier--|        |-later->|
//!                         |<---other earlier-|        |-other later->|
//! ```
//!
//! Distances count from the edge of the widened question. Away from it, the question is asked again as a single
//! instant in each stretch between two edges of anything that could matter, until the answer differs. A distance is
//! capped (`>=`) where knowledge ends before anything is known to change: behind it may be anybody.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::answer::{Margin, Margins, Name};
use super::claim::SUCCESSOR_WITHIN;
use super::edges::Edges;
use super::fact::Fact;
use super::field::Field;
use super::judge::{Judgement, judge};
use super::naming::{just_before, names};
use super::verdict::Verdict;
use crate::identity::IdentityTable;
use crate::inside::InsideHost;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How many claims are weighed in one direction before the margin is given as a lower bound.
const MAX_WORK: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Earlier,
    Later,
}

struct Walk<'a, 'l> {
    field: &'a Field<'l>,
    identity: &'a IdentityTable,
    window: TimeRange,
    direction: Direction,
    /// Where recorded time ends in this direction; none where it goes on for ever.
    recorded: Option<Timestamp>,
}

pub(super) fn margins(
    field: &Field<'_>,
    identity: &IdentityTable,
    window: TimeRange,
    judgement: &Judgement,
) -> Margins {
    let walk = |direction| Walk {
        field,
        identity,
        window,
        direction,
        recorded: recorded_until(field, window, direction),
    };
    let (earlier, later) = (walk(Direction::Earlier), walk(Direction::Later));
    let mut edges = Edges::new(&all_edges(field), window);
    Margins {
        earlier: earlier.to_other_verdict(&mut edges, judgement),
        later: later.to_other_verdict(&mut edges, judgement),
        other_earlier: earlier.to_other_name(judgement),
        other_later: later.to_other_name(judgement),
    }
}

/// The instants at which facts, coverage, rules or deletion change; bindings are looked up as they are met.
fn all_edges(field: &Field<'_>) -> Vec<Timestamp> {
    let mut edges = Vec::with_capacity(field.facts.len() * 7 + 16);
    let tick = TimeDelta::from_microsecond(1);
    for fact in &field.facts {
        edges.extend([fact.outer.start(), fact.outer.end(), fact.used_until]);
        edges.extend(fact.inner.iter().flat_map(|i| [i.start(), i.end()]));
        edges.extend(fact.vouched(&field.asked).iter().flat_map(|v| [v.start(), v.end()]));
        if let Some(record) = fact.record() {
            let created = record.allocation.created;
            // An instant ends a tick behind its start, and what is created from there on may be its successor.
            edges.extend([created, created.minus(SUCCESSOR_WITHIN).minus(tick)]);
        }
    }
    edges.extend(field.logs.edges());
    for set in [
        &field.rules.ruled,
        &field.rules.mapped,
        &field.rules.excluded,
        &field.rules.leftover,
        &field.rules.dynamic,
        &field.rules.no_row,
        &field.rules.no_psid,
        &field.pooled,
        &field.pooled_port,
        &field.unsettled,
    ] {
        edges.extend(set.iter().flat_map(|r| [r.start, r.end]));
    }
    edges.extend(field.expired_before);
    edges.extend([field.reach.start(), field.reach.end()]);
    edges
}

/// Where the recorded time around the question ends.
fn recorded_until(field: &Field<'_>, window: TimeRange, direction: Direction) -> Option<Timestamp> {
    let covered = field.covered();
    let edge = match direction {
        Direction::Earlier => {
            let start = covered.get(&window.start()).map_or(window.start(), |r| r.start);
            start.max(field.reach.start())
        }
        Direction::Later => {
            let last = window.end().minus(TimeDelta::from_microsecond(1));
            covered.get(&last).map_or(window.end(), |r| r.end).min(field.reach.end())
        }
    };
    (edge != Timestamp::MIN && edge != Timestamp::MAX).then_some(edge)
}

impl Walk<'_, '_> {
    fn edge(&self) -> Timestamp {
        match self.direction {
            Direction::Earlier => self.window.start(),
            Direction::Later => self.window.end(),
        }
    }

    fn distance(&self, to: Timestamp) -> TimeDelta {
        let distance = match self.direction {
            Direction::Earlier => self.window.start().since(to),
            Direction::Later => to.since(self.window.end()),
        };
        distance.max(TimeDelta::ZERO)
    }

    /// The first instant of the stretch that begins at `at` and leads away from the question.
    fn probe(&self, at: Timestamp) -> TimeRange {
        match self.direction {
            Direction::Earlier => just_before(at),
            Direction::Later => TimeRange::instant(at),
        }
    }

    fn limit(&self) -> Timestamp {
        match self.direction {
            Direction::Earlier => Timestamp::MIN,
            Direction::Later => Timestamp::MAX,
        }
    }

    /// Whether nothing was gathered beyond this instant.
    fn is_end_of_reach(&self, at: Timestamp) -> bool {
        match self.direction {
            Direction::Earlier => at <= self.field.reach.start() && at != Timestamp::MIN,
            Direction::Later => at >= self.field.reach.end() && at != Timestamp::MAX,
        }
    }

    fn to_other_verdict(&self, edges: &mut Edges, judgement: &Judgement) -> Option<Margin> {
        let mut at = self.edge();
        let mut work = 0;
        loop {
            if at == self.limit() {
                return None;
            }
            if self.is_end_of_reach(at) || work > MAX_WORK {
                return Some(Margin { distance: self.distance(at), capped: true });
            }
            let there = judge(self.field, self.identity, self.probe(at));
            if there.verdict != judgement.verdict
                || (judgement.verdict == Verdict::Unique && there.sole() != judgement.sole())
            {
                // Silence is no other answer; it only says that nothing is known from here on.
                let capped = there.is_silent() && !judgement.is_silent();
                return Some(Margin { distance: self.distance(at), capped });
            }
            work += 1 + there.claims.len();
            at = self.next_edge(edges, at);
        }
    }

    fn next_edge(&self, edges: &mut Edges, at: Timestamp) -> Timestamp {
        let known = match self.direction {
            Direction::Earlier => edges.before(at),
            Direction::Later => edges.after(at),
        };
        let facts = self.field.meeting(self.probe(at)).filter_map(|i| self.field.facts.get(i));
        let bound = facts
            .filter(|f| f.is_named_by_use())
            .filter_map(|f| self.next_binding_change(f, at))
            .chain(known);
        match self.direction {
            Direction::Earlier => bound.max(),
            Direction::Later => bound.min(),
        }
        .unwrap_or(self.limit())
    }

    fn next_binding_change(&self, fact: &Fact<'_>, at: Timestamp) -> Option<Timestamp> {
        match self.direction {
            Direction::Earlier => self.identity.previous_change(&fact.host, at),
            Direction::Later => self.identity.next_change(&fact.host, at),
        }
    }

    /// The nearest time at which somebody else could have held the port.
    fn to_other_name(&self, judgement: &Judgement) -> Option<Margin> {
        if judgement.names().len() > 1 {
            return Some(Margin { distance: TimeDelta::ZERO, capped: false });
        }
        let own = judgement.sole();
        let claims = judgement.claims.iter().filter_map(|c| self.field.facts.get(c.fact));
        let own_hosts: Vec<&InsideHost> = claims.map(|f| f.host.as_ref()).collect();
        // The own host in a time for which no binding names it is nobody else.
        let is_other = |names: &[Name]| {
            names.iter().any(|name| match name {
                Name::Subscriber(_) => Some(name) != own,
                Name::Unknown(host) => !own_hosts.contains(&host),
            })
        };
        let cap = self.recorded.map(|end| self.distance(end));
        let near =
            |(at, f): (usize, &Fact<'_>)| Some(Reverse((self.distance(self.near_end(f)?), at)));
        let mut facts: BinaryHeap<_> =
            self.field.facts.iter().enumerate().filter_map(near).collect();
        let mut best: Option<TimeDelta> = None;
        let mut work = 0;
        while let Some(Reverse((distance, at))) = facts.pop() {
            if best.is_some_and(|best| best <= distance) {
                break;
            }
            if work > MAX_WORK {
                let distance = cap.map_or(distance, |cap| cap.min(distance));
                return Some(Margin { distance, capped: true });
            }
            let Some(fact) = self.field.facts.get(at) else { continue };
            let found = if fact.is_named_by_use() {
                self.other_user_of(fact, &is_other, &mut work)
            } else {
                work += 1;
                is_other(&names(self.identity, fact, fact.outer)).then_some(distance)
            };
            best = best.into_iter().chain(found).min();
        }
        match (best, cap) {
            (Some(distance), Some(cap)) if cap < distance => {
                Some(Margin { distance: cap, capped: true })
            }
            (Some(distance), _) => Some(Margin { distance, capped: false }),
            // Beyond the reach of an address-only question others were not looked for.
            (None, Some(cap)) if self.field.reach != TimeRange::ALL => {
                Some(Margin { distance: cap, capped: true })
            }
            (None, _) => None,
        }
    }

    /// The edge of a fact that faces the question from this direction; none where it lies on the other side.
    fn near_end(&self, fact: &Fact<'_>) -> Option<Timestamp> {
        match self.direction {
            Direction::Earlier => (fact.outer.start() < self.window.start())
                .then(|| fact.outer.end().min(self.window.start())),
            Direction::Later => (fact.outer.end() > self.window.end())
                .then(|| fact.outer.start().max(self.window.end())),
        }
    }

    /// For a host that is named by use: walks its bindings away from the question until one names somebody else.
    fn other_user_of(
        &self,
        fact: &Fact<'_>,
        is_other: &dyn Fn(&[Name]) -> bool,
        work: &mut usize,
    ) -> Option<TimeDelta> {
        let mut at = self.near_end(fact)?;
        loop {
            let probe = self.probe(at);
            if !fact.outer.overlaps(probe) {
                return None;
            }
            *work += 1;
            if *work > MAX_WORK || is_other(&names(self.identity, fact, probe)) {
                return Some(self.distance(at));
            }
            at = self.next_binding_change(fact, at)?;
        }
    }
}
