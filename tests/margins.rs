//! Margins against a walk of the resolver itself, instant by instant, away from the question.
//!
//! Ledgers are a few records of one port within two seconds, on a grid of 10 ms; a question is asked again at every
//! microsecond at which anything can change, and at the one before it. `PROPTEST_CASES=20000 cargo test --release
//! --test margins` for a long run.

mod common;

use std::collections::BTreeSet;

use common::small_ledger::{Case, STEP, ask, at, build, case};
use common::{World, q};
use portledger::Timestamp;
use portledger::resolver::{Answer, Margin, Name, Verdict};
use portledger::session::Profile;
use portledger::time::WrittenTime;
use proptest::prelude::*;

/// Every instant at which an answer can change: the grid, the stamps moved by lateness, idleness and a second, each a
/// microsecond to either side.
fn instants(world: &World, case: &Case) -> BTreeSet<i64> {
    let (idle, second) = (15, 100);
    let mut steps = BTreeSet::new();
    let mut stamp = |step: i64| {
        for moved in [0, -case.late, -idle, -second] {
            steps.insert(step + moved);
        }
    };
    for flow in &case.flows {
        stamp(flow.start);
        stamp(flow.start + flow.length);
        stamp(flow.start + idle + idle);
        stamp(flow.start + idle);
    }
    if let Some((_, start, length)) = case.block {
        stamp(start);
        stamp(start + length);
    }
    case.moves.into_iter().for_each(&mut stamp);
    if let Some((from, until)) = case.covers {
        stamp(from);
        stamp(until);
    }
    steps.insert(case.asked.0);
    steps.insert(case.asked.0 + case.asked.1);
    let mut edges: BTreeSet<i64> = steps.into_iter().map(at).collect();
    // Where the source was seen to lose lines, and how late it turned out to be.
    let log = world.ledger.manifest().sources[0].log.as_ref().unwrap();
    edges.extend(log.gaps.iter().flat_map(|g| [g.start(), g.end()]).map(Timestamp::as_microsecond));
    let index = world.ledger.segments()[0].index();
    for a in (0..).map_while(|i| index.get(i)) {
        let inner = a.inner.iter().flat_map(|i| [i.start(), i.end()]);
        let own = [a.outer.start(), a.outer.end(), a.used_until, a.created];
        edges.extend(inner.chain(own).map(Timestamp::as_microsecond));
    }
    edges.iter().flat_map(|edge| (-3..=3).map(move |tick| edge + tick)).collect()
}

fn differs(own: &Answer, there: &Answer) -> bool {
    own.verdict != there.verdict
        || (own.verdict == Verdict::Unique && own.subscriber != there.subscriber)
}

fn is_silent(answer: &Answer) -> bool {
    matches!(answer.verdict, Verdict::NotCovered | Verdict::Purged | Verdict::NotOurs)
}

/// What the walk finds: the distance to the first instant with another answer.
fn walk(own: &Answer, distances: impl Iterator<Item = (i64, Answer)>) -> Option<(i64, bool)> {
    for (distance, there) in distances {
        if differs(own, &there) {
            return Some((distance, is_silent(&there) && !is_silent(own)));
        }
    }
    None
}

fn as_pair(margin: Option<Margin>) -> Option<(i64, bool)> {
    margin.map(|m| (m.distance.as_microsecond(), m.capped))
}

/// The distance to the nearest instant at which somebody else's outer interval stands, seen through questions that
/// every claim must answer: its record's key alone.
fn is_other(own: &Answer, name: &Name) -> bool {
    match (own.names().as_slice(), name) {
        ([one], Name::Subscriber(_)) => *one != name,
        (_, Name::Unknown(host)) => own.candidates.iter().all(|c| c.inside != *host),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
    ))]

    #[test]
    fn a_margin_ends_where_the_answer_first_differs(case in case()) {
        let world = build(&case);
        let (start, length) = (at(case.asked.0), case.asked.1 * STEP);
        let own = ask(&world, &case, start, length);
        let instants = instants(&world, &case);
        let later = walk(&own, instants.iter().filter(|i| **i >= start + length).map(|i| {
            (*i - start - length, ask(&world, &case, *i, 1))
        }));
        prop_assert_eq!(as_pair(own.margins.later), later, "later of {:#?}", own);
        // Earlier, the distance is to the end of the first stretch that differs, which is one tick behind its last
        // instant.
        let earlier = walk(&own, instants.iter().rev().filter(|i| **i < start).map(|i| {
            (start - *i - 1, ask(&world, &case, *i, 1))
        }));
        prop_assert_eq!(as_pair(own.margins.earlier), earlier, "earlier of {:#?}", own);
    }

    #[test]
    fn nobody_else_is_nearer_than_the_margin_to_somebody_else(case in case()) {
        let world = build(&case);
        let (start, length) = (at(case.asked.0), case.asked.1 * STEP);
        let own = ask(&world, &case, start, length);
        let others = |answer: &Answer| answer.names().iter().any(|name| is_other(&own, name));
        let instants = instants(&world, &case);
        if own.candidate_count > 1 {
            prop_assert_eq!(own.margins.other_later.map(|m| m.to_string()), Some("0".to_owned()));
            prop_assert_eq!(own.margins.other_earlier.map(|m| m.to_string()), Some("0".to_owned()));
            return Ok(());
        }
        // Whoever is told of an instant stood there; so the margin cannot be wider than to the first that is told.
        for i in &instants {
            let (distance, margin) = if *i < start {
                (start - *i - 1, own.margins.other_earlier)
            } else if *i >= start + length {
                (*i - start - length, own.margins.other_later)
            } else {
                continue;
            };
            let there = ask(&world, &case, *i, 1);
            // A successor is told a second before it stands.
            let stands = others(&there) && there.candidates.iter().all(|c| !is_ahead(&c.outer, *i));
            if stands {
                let margin = margin.expect("somebody else is known");
                prop_assert!(margin.distance.as_microsecond() <= distance, "{i} {margin} {own:#?} {there:#?}");
            }
        }
    }
}

/// Whether an interval as answers write it begins behind an instant.
fn is_ahead(outer: &str, instant: i64) -> bool {
    let start = outer.split_once('/').map_or("", |(start, _)| start);
    WrittenTime::parse(start, None).is_ok_and(|w| w.start().as_microsecond() > instant)
}

#[test]
fn a_margin_to_somebody_else_is_the_nearest_edge_of_their_record() {
    //  ann 0 |--------| 100   cat 130 |--| 140    bob 200 |--------| 300
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        Profile::exact(),
        "proto,inside,outside,port,start,end\n\
         tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
         tcp,100.64.0.3,203.0.113.7,4000,@130,@140\n\
         tcp,100.64.0.2,203.0.113.7,4000,@200,@300\n",
    );
    for (time, earlier, later) in [("@50", None, Some(79)), ("@250", Some(110), None)] {
        let answer = world.ask(&q(time).port(4000).tcp());
        let whole = |m: Option<Margin>| m.map(|m| m.distance.as_microsecond() / 1_000_000);
        assert_eq!(whole(answer.margins.other_earlier), earlier);
        assert_eq!(whole(answer.margins.other_later), later);
    }
}
