//! The resolver against a slow reading of its rules, on small random ledgers of records.
//!
//! It asks instant by instant where it can, compares every pair, and knows the ledger only as lists.
//! `PROPTEST_CASES=50000 cargo test --release --test resolver_oracle` for a long run.

mod common;

use std::collections::BTreeSet;

use common::World;
use common::small_ledger::{Case, STEP, ask, at, build, case};
use portledger::allocation::{Allocation, Began, Ended, Grain};
use portledger::identity::Binding;
use portledger::resolver::Verdict;
use portledger::time::TimeDelta;
use portledger::{InsideHost, Protocol, TimeRange, Timestamp};
use proptest::prelude::*;

struct Slow<'a> {
    case: &'a Case,
    records: Vec<(Allocation, InsideHost)>,
    bindings: &'a [Binding],
    present: TimeRange,
    lossy: bool,
    gaps: Vec<TimeRange>,
}

fn tick(at: Timestamp) -> TimeRange {
    TimeRange::instant(at)
}

impl<'a> Slow<'a> {
    fn new(world: &'a World, case: &'a Case) -> Slow<'a> {
        let segment = &world.ledger.segments()[0];
        let rows = segment.index().iter().map(|(_, a)| a);
        let source = &world.ledger.manifest().sources[0];
        let log = source.log.as_ref().unwrap();
        Slow {
            case,
            records: rows.map(|a| (a, segment.host(&a).unwrap().clone())).collect(),
            bindings: world.ledger.identity().bindings(),
            present: source.covers.or(source.recorded).unwrap(),
            lossy: log.lossy,
            gaps: log.gaps.clone(),
        }
    }

    fn protocol_fits(&self, a: &Allocation) -> bool {
        !self.case.with_protocol || a.protocol.is_none_or(|p| p == Protocol::TCP)
    }

    fn destination_fits(&self, a: &Allocation) -> bool {
        !self.case.with_destination
            || a.destination.is_none_or(|d| d.addr.octets() == [192, 0, 2, 1])
    }

    fn by_destination(&self, a: &Allocation) -> bool {
        self.case.by_destination && a.grain == Grain::Session
    }

    /// Whether everything asked that `old` holds is held by `new`.
    fn is_whole_key(&self, old: &Allocation, new: &Allocation) -> bool {
        let protocol =
            self.case.with_protocol || new.protocol.is_none() || old.protocol == new.protocol;
        let destination = if self.by_destination(new) {
            self.by_destination(old)
                && old.destination.is_some()
                && old.destination == new.destination
        } else {
            true
        };
        protocol && destination
    }

    fn may_be_one_key(&self, a: &Allocation, b: &Allocation) -> bool {
        let protocol = a.protocol.is_none() || b.protocol.is_none() || a.protocol == b.protocol;
        let both = self.by_destination(a) && self.by_destination(b);
        let destination = !both
            || a.destination.is_none()
            || b.destination.is_none()
            || a.destination == b.destination;
        protocol && destination
    }

    fn is_one_exclusive_key(&self, a: &Allocation, b: &Allocation) -> bool {
        let both = self.by_destination(a) && self.by_destination(b);
        self.case.exclusive
            && self.may_be_one_key(a, b)
            && (!both || (a.destination.is_some() && a.destination == b.destination))
    }

    fn claims(&self, window: TimeRange) -> Vec<(Allocation, InsideHost)> {
        let fits = |a: &Allocation| self.protocol_fits(a) && self.destination_fits(a);
        let all: Vec<_> = self.records.iter().filter(|(a, _)| fits(a)).cloned().collect();
        let meets: Vec<_> = all.iter().filter(|(a, _)| a.outer.overlaps(window)).cloned().collect();
        let mut claims = meets.clone();
        claims.retain(|(old, _)| {
            !meets.iter().any(|(new, _)| {
                window.start() >= old.used_until
                    && window.start() < new.used_until
                    && old.released.is_some_and(|released| new.created >= released)
                    && self.is_whole_key(old, new)
            })
        });
        let hosts: BTreeSet<InsideHost> = claims.iter().map(|(_, host)| host.clone()).collect();
        let all_past = claims.iter().all(|(a, _)| a.used_until <= window.start());
        if hosts.len() == 1 && all_past {
            let soon = window.end().plus(TimeDelta::from_second(1));
            let held = claims.clone();
            for (next, host) in all {
                let takes = held.iter().any(|(a, h)| *h != host && self.may_be_one_key(a, &next));
                if takes && window.end() <= next.created && next.created <= soon {
                    claims.push((next, host));
                }
            }
        }
        claims
    }

    /// The bindings of a record, at the time that decides.
    fn bound(
        &self,
        a: &Allocation,
        host: &InsideHost,
        window: TimeRange,
    ) -> (Vec<&Binding>, TimeRange) {
        let deciding = match a.grain {
            Grain::Session => {
                // Up to when it had certainly begun; stamps are exact here.
                let begun = match (a.inner, a.began) {
                    (Some(inner), _) => tick(inner.start()).end(),
                    (None, Began::Logged) => tick(a.created).end(),
                    (None, Began::Assumed) => a.outer.end(),
                };
                TimeRange::new(a.outer.start(), begun).unwrap()
            }
            Grain::Block => a.outer.intersection(window).unwrap_or(window),
        };
        let meets = |b: &&Binding| b.key.overlap(host).is_some() && b.outer.overlaps(deciding);
        (self.bindings.iter().filter(meets).collect(), deciding)
    }

    fn is_recorded(&self, instant: Timestamp) -> bool {
        self.present.contains(instant) && !self.gaps.iter().any(|gap| gap.contains(instant))
    }

    /// The instants of the window at which anything can begin or end.
    fn instants(&self, window: TimeRange) -> Vec<Timestamp> {
        let mut edges = vec![window.start(), self.present.start(), self.present.end()];
        for (a, _) in &self.records {
            edges.extend([a.outer.start(), a.outer.end(), a.used_until]);
            edges.extend(a.inner.iter().flat_map(|i| [i.start(), i.end()]));
        }
        for b in self.bindings {
            edges.extend([b.outer.start(), b.outer.end()]);
            edges.extend(b.inner.iter().flat_map(|i| [i.start(), i.end()]));
        }
        edges.extend(self.gaps.iter().flat_map(|gap| [gap.start(), gap.end()]));
        edges.retain(|e| window.contains(*e));
        edges
    }

    fn conflicts(&self, claims: &[(Allocation, InsideHost)], window: TimeRange) -> bool {
        let certain = |a: &Allocation, at| a.inner.is_some_and(|inner| inner.contains(at));
        let holders = self.instants(window).into_iter().any(|at| {
            let there: Vec<_> = claims.iter().filter(|(a, _)| certain(a, at)).collect();
            there.iter().any(|(a, host)| {
                there.iter().any(|(b, other)| host != other && self.is_one_exclusive_key(a, b))
            })
        });
        let people = claims.iter().any(|(a, host)| {
            let (bindings, deciding) = self.bound(a, host, window);
            let mut edges: Vec<Timestamp> =
                bindings.iter().filter_map(|b| Some(b.inner?.start())).collect();
            edges.push(deciding.start());
            edges.retain(|e| deciding.contains(*e));
            edges.into_iter().any(|at| {
                let certain = |b: &&&Binding| b.inner.is_some_and(|i| i.overlaps(tick(at)));
                let people: BTreeSet<_> =
                    bindings.iter().filter(certain).map(|b| b.subscriber.as_str()).collect();
                people.len() > 1
            })
        });
        holders || people
    }

    fn resolve(&self, window: TimeRange) -> (Verdict, Vec<String>) {
        let claims = self.claims(window);
        let mut names = BTreeSet::new();
        for (a, host) in &claims {
            let bound = self.bound(a, host, window).0;
            if bound.is_empty() {
                names.insert(format!("host:{host}"));
            }
            names.extend(bound.iter().map(|b| b.subscriber.to_string()));
        }
        let verdict = self.verdict(&claims, &names, window);
        (verdict, names.into_iter().collect())
    }

    fn verdict(
        &self,
        claims: &[(Allocation, InsideHost)],
        names: &BTreeSet<String>,
        window: TimeRange,
    ) -> Verdict {
        let recorded = self.instants(window).into_iter().all(|at| self.is_recorded(at));
        if self.conflicts(claims, window) {
            return Verdict::Conflict;
        }
        if names.len() > 1 {
            return Verdict::Ambiguous;
        }
        let Some(name) = names.first() else {
            // Only a declared time of a source that lost nothing proves absence.
            let proven = recorded && self.case.covers.is_some() && !self.lossy;
            return if proven { Verdict::Free } else { Verdict::NotCovered };
        };
        let leaves_no_room = |a: &Allocation| {
            let destination = !self.by_destination(a)
                || (self.case.with_destination && a.destination.is_some_and(|d| d.port.is_none()));
            let protocol = a.protocol.is_none() || self.case.with_protocol;
            self.case.exclusive && a.ended == Ended::Logged && destination && protocol
        };
        let spans = |a: &Allocation| a.inner.is_some_and(|inner| inner.covers(window));
        if !recorded && !claims.iter().any(|(a, _)| leaves_no_room(a) && spans(a)) {
            return Verdict::NotCovered;
        }
        // A lost or unread line could make somebody else's time of whatever is not vouched for.
        let vouches = |a: &Allocation, at: Timestamp| {
            let begun = match a.began {
                Began::Logged => a.outer.contains(at),
                Began::Assumed => a.inner.is_some_and(|inner| inner.start() <= at),
            };
            let certain = leaves_no_room(a) && a.inner.is_some_and(|inner| at < inner.end());
            begun && a.outer.contains(at) && (!self.lossy || at < a.used_until || certain)
        };
        let is_held = |at| claims.iter().any(|(a, _)| a.outer.contains(at));
        let is_vouched = |at| claims.iter().any(|(a, _)| vouches(a, at));
        if self.instants(window).into_iter().any(|at| is_held(at) && !is_vouched(at)) {
            return Verdict::NotCovered;
        }
        if name.starts_with("host:") { Verdict::Unbound } else { Verdict::Unique }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(100)
    ))]

    #[test]
    fn the_resolver_answers_as_a_slow_reading_of_the_rules(case in case()) {
        let world = build(&case);
        let slow = Slow::new(&world, &case);
        for step in -30..240 {
            for (offset, length) in [(0, 1), (-1, 2), (0, STEP), (-3, 7 * STEP)] {
                let start = at(step) + offset;
                let answer = ask(&world, &case, start, length);
                let range = |micros| Timestamp::from_microsecond(micros);
                let window = TimeRange::new(range(start), range(start + length)).unwrap();
                let names: Vec<String> = answer.names().iter().map(ToString::to_string).collect();
                let expected = slow.resolve(window);
                prop_assert_eq!((answer.verdict, names), expected, "{} {:#?}", window, answer);
            }
        }
    }
}
