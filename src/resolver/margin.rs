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
//! instant in each stretch between two edges of anything that could matter, until the answer differs.

use super::answer::{Margin, Margins, Name, Verdict};
use super::field::{Fact, Field};
use super::judge::{Judgement, judge};
use super::naming::{just_before, name};
use crate::identity::IdentityTable;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How many stretches are looked at in one direction before the margin is given as a lower bound.
const MAX_STEPS: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
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
    let mut edges = static_edges(field, window);
    edges.sort_unstable();
    edges.dedup();
    let walk = |direction| Walk {
        field,
        identity,
        window,
        direction,
        recorded: recorded_until(field, window, direction),
    };
    let (earlier, later) = (walk(Direction::Earlier), walk(Direction::Later));
    Margins {
        earlier: earlier.to_other_verdict(&edges, judgement),
        later: later.to_other_verdict(&edges, judgement),
        other_earlier: earlier.to_other_name(judgement),
        other_later: later.to_other_name(judgement),
    }
}

/// The instants at which facts, coverage, rules or deletion change.
fn static_edges(field: &Field<'_>, window: TimeRange) -> Vec<Timestamp> {
    let mut edges = Vec::with_capacity(field.facts.len() * 6);
    for fact in &field.facts {
        edges.extend([fact.outer.start(), fact.outer.end(), fact.used_until]);
        edges.extend(fact.inner.iter().flat_map(|i| [i.start(), i.end()]));
        edges.extend(fact.vouched().iter().flat_map(|v| [v.start(), v.end()]));
        if let Some(record) = fact.record() {
            let created = record.allocation.created;
            edges.extend([created, created.minus(TimeDelta::from_second(1))]);
        }
    }
    edges.extend(field.logs.edges());
    for set in [&field.ruled, &field.excluded, &field.pooled, &field.pooled_port] {
        edges.extend(set.iter().flat_map(|r| [r.start, r.end]));
    }
    edges.extend(field.expired_before);
    edges.extend([field.reach.start(), field.reach.end(), window.start(), window.end()]);
    edges
}

/// Where the recorded time around the question ends.
fn recorded_until(field: &Field<'_>, window: TimeRange, direction: Direction) -> Option<Timestamp> {
    let covered = field.covered();
    let edge = match direction {
        Direction::Earlier => covered.get(&window.start()).map_or(window.start(), |r| r.start),
        Direction::Later => {
            let last = window.end().minus(TimeDelta::from_microsecond(1));
            covered.get(&last).map_or(window.end(), |r| r.end)
        }
    };
    let edge = match direction {
        Direction::Earlier => edge.max(field.reach.start()),
        Direction::Later => edge.min(field.reach.end()),
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

    /// The nearer of a finding and the end of recorded time.
    fn capped(&self, to: Timestamp) -> Margin {
        match self.recorded {
            Some(end) if self.distance(end) < self.distance(to) => {
                Margin { distance: self.distance(end), capped: true }
            }
            _ => Margin { distance: self.distance(to), capped: false },
        }
    }

    fn to_other_verdict(&self, edges: &[Timestamp], judgement: &Judgement) -> Option<Margin> {
        let mut at = self.edge();
        for _ in 0..MAX_STEPS {
            if self.recorded.is_some_and(|end| self.distance(end) <= self.distance(at))
                && !self.is_outside(judgement)
            {
                return Some(Margin { distance: self.distance(at), capped: true });
            }
            let limit = match self.direction {
                Direction::Earlier => Timestamp::MIN,
                Direction::Later => Timestamp::MAX,
            };
            if at == limit {
                return None;
            }
            let probe = match self.direction {
                Direction::Earlier => just_before(at),
                Direction::Later => TimeRange::instant(at),
            };
            let there = judge(self.field, self.identity, probe);
            if there.verdict != judgement.verdict
                || (judgement.verdict == Verdict::Unique && there.sole() != judgement.sole())
            {
                return Some(self.capped(at));
            }
            at = self.next_edge(edges, at).unwrap_or(limit);
        }
        Some(Margin { distance: self.distance(at), capped: true })
    }

    /// For an answer that is about missing records, the end of recorded time is a change like any other.
    fn is_outside(&self, judgement: &Judgement) -> bool {
        matches!(judgement.verdict, Verdict::NotCovered | Verdict::Purged | Verdict::NotOurs)
    }

    fn next_edge(&self, edges: &[Timestamp], at: Timestamp) -> Option<Timestamp> {
        let known = match self.direction {
            Direction::Earlier => {
                let below = edges.partition_point(|e| *e < at);
                below.checked_sub(1).and_then(|i| edges.get(i)).copied()
            }
            Direction::Later => edges.get(edges.partition_point(|e| *e <= at)).copied(),
        };
        let around = match self.direction {
            Direction::Earlier => just_before(at),
            Direction::Later => TimeRange::instant(at),
        };
        let bound = self
            .field
            .facts
            .iter()
            .filter(|f| f.is_named_by_use() && f.outer.overlaps(around))
            .filter_map(|f| self.next_binding_change(f, at));
        match self.direction {
            Direction::Earlier => bound.chain(known).max(),
            Direction::Later => bound.chain(known).min(),
        }
    }

    fn next_binding_change(&self, fact: &Fact<'_>, at: Timestamp) -> Option<Timestamp> {
        match self.direction {
            Direction::Earlier => self.identity.previous_change(&fact.host, at),
            Direction::Later => self.identity.next_change(&fact.host, at),
        }
    }

    /// The nearest time at which somebody else could have held the port.
    fn to_other_name(&self, judgement: &Judgement) -> Option<Margin> {
        let own = judgement.sole();
        if judgement.names().len() > 1 {
            return Some(Margin { distance: TimeDelta::ZERO, capped: false });
        }
        let is_other = |names: &[Name]| names.iter().any(|n| Some(n) != own);
        let mut facts: Vec<(TimeDelta, &Fact<'_>)> = self
            .field
            .facts
            .iter()
            .filter_map(|f| Some((self.distance(self.near_end(f)?), f)))
            .collect();
        facts.sort_by_key(|(distance, _)| *distance);
        let mut best: Option<TimeDelta> = None;
        for (distance, fact) in facts {
            if best.is_some_and(|best| best <= distance) {
                break;
            }
            let found = if fact.is_named_by_use() {
                self.other_user_of(fact, &is_other)
            } else {
                is_other(&name(self.identity, fact, fact.outer).names).then_some(distance)
            };
            best = match (best, found) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        let best = best?;
        let to = match self.direction {
            Direction::Earlier => self.window.start().minus(best),
            Direction::Later => self.window.end().plus(best),
        };
        Some(self.capped(to))
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
    ) -> Option<TimeDelta> {
        let mut at = self.near_end(fact)?;
        for _ in 0..MAX_STEPS {
            let probe = match self.direction {
                Direction::Earlier => just_before(at),
                Direction::Later => TimeRange::instant(at),
            };
            let names = name(self.identity, fact, probe).names;
            // A host that nobody was bound to is nobody else.
            let somebody = names.iter().any(|n| n.subscriber().is_some());
            if fact.outer.overlaps(probe)
                && is_other(&names)
                && (somebody || fact.record().is_some())
            {
                return Some(self.distance(at));
            }
            let next = self.next_binding_change(fact, at)?;
            if !fact.outer.contains(next) {
                return None;
            }
            at = next;
        }
        None
    }
}
