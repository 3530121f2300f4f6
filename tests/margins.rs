//! Margins against a walk of the resolver itself, instant by instant, away from the question.
//!
//! Ledgers are a few records of one port within two seconds, on a grid of 10 ms; a question is asked again at every
//! microsecond at which anything can change, and at the one before it. `PROPTEST_CASES=20000 cargo test --release
//! --test margins` for a long run.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write;

use common::{Question, World, expiring, q};
use portledger::Timestamp;
use portledger::resolver::{Answer, Margin, Name, Verdict};
use portledger::session::Profile;
use portledger::time::{TimeDelta, WrittenTime};
use proptest::prelude::*;

/// A flow of one of three hosts: begin and length in steps of 10 ms.
#[derive(Clone, Debug)]
struct Flow {
    host: u8,
    start: i64,
    length: i64,
    udp: bool,
    destination: u8,
    is_open: bool,
}

#[derive(Clone, Debug)]
struct Case {
    flows: Vec<Flow>,
    /// When 100.64.0.1 passes from ann to another, in steps; sessions do not mind, blocks do.
    moves: Option<i64>,
    block: Option<(u8, i64, i64)>,
    late: i64,
    exclusive: bool,
    by_destination: bool,
    covers: Option<(i64, i64)>,
    asked: (i64, i64),
    with_protocol: bool,
    with_destination: bool,
}

const STEP: i64 = 10_000;
/// No stamp is negative: a round number far behind.
const BASE: i64 = 1_000_000_000;

fn at(step: i64) -> i64 {
    BASE + step * STEP
}

fn text(micros: i64) -> String {
    format!("@{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

fn flow() -> impl Strategy<Value = Flow> {
    (1..=3_u8, 0..200_i64, 1..60_i64, any::<bool>(), 0..3_u8, prop::bool::weighted(0.15)).prop_map(
        |(host, start, length, udp, destination, is_open)| Flow {
            host,
            start,
            length,
            udp,
            destination,
            is_open,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(flow(), 1..7),
        prop::option::of(0..200_i64),
        prop::option::of((1..=3_u8, 0..100_i64, 1..150_i64)),
        0..40_i64,
        any::<bool>(),
        any::<bool>(),
        prop::option::of((-20..100_i64, 101..260_i64)),
        (-10..230_i64, 1..40_i64),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(
                flows,
                moves,
                block,
                late,
                exclusive,
                by_destination,
                covers,
                asked,
                with_protocol,
                with_destination,
            )| Case {
                flows,
                moves,
                block,
                late,
                exclusive,
                by_destination,
                covers,
                asked,
                with_protocol,
                with_destination,
            },
        )
}

fn build(case: &Case) -> World {
    let mut idle = expiring().idle;
    for (_, least) in &mut idle.least {
        *least = TimeDelta::from_millisecond(150);
    }
    let profile = Profile {
        late: TimeDelta::from_microsecond(case.late * STEP),
        exclusive: case.exclusive,
        key_has_destination: case.by_destination,
        idle,
        ..expiring()
    };
    let mut csv = String::from("event,time,proto,inside,outside,port,first,last,dst,killed\n");
    let mut row = |event: &str, step: i64, proto: &str, host: u8, ports: &str, dst: &str| {
        let killed = if event.ends_with('e') { "false" } else { "" };
        let killed =
            if event.starts_with("session_c") || event.ends_with("alloc") { "" } else { killed };
        let time = text(at(step));
        writeln!(
            csv,
            "{event},{time},{proto},100.64.0.{host},{},{ports},{dst},{killed}",
            common::ADDR
        )
        .unwrap();
    };
    for flow in &case.flows {
        let proto = if flow.udp { "udp" } else { "tcp" };
        let dst = if flow.destination == 0 {
            String::new()
        } else {
            format!("192.0.2.{}", flow.destination)
        };
        row("session_create", flow.start, proto, flow.host, "4000,,", &dst);
        if !flow.is_open {
            row("session_delete", flow.start + flow.length, proto, flow.host, "4000,,", &dst);
        }
    }
    if let Some((host, start, length)) = case.block {
        row("block_alloc", start, "", host, ",3968,4031", "");
        row("block_release", start + length, "", host, ",3968,4031", "");
    }
    let world = match case.covers {
        Some((from, until)) => {
            let covers = format!("{}/{}", text(at(from)), text(at(until)));
            World::new().log_covering("cgn-1", profile, &covers, &csv)
        }
        None => World::new().log("cgn-1", profile, &csv),
    };
    let people = match case.moves {
        Some(step) => format!(
            "inside,subscriber,start,end\n100.64.0.1,ann,,{0}\n100.64.0.1,dan,{0},\n100.64.0.2,bob,,\n",
            text(at(step))
        ),
        // cat is nobody's.
        None => "inside,subscriber,start,end\n100.64.0.1,ann,,\n100.64.0.2,bob,,\n".to_owned(),
    };
    world.people(&people)
}

fn ask(world: &World, case: &Case, start: i64, length: i64) -> Answer {
    let time = WrittenTime::new(Timestamp::from_microsecond(start), length);
    let question = Question(
        portledger::resolver::Inquiry::new(common::ADDR.parse().unwrap(), time)
            .early(TimeDelta::ZERO),
    );
    let mut question = question.port(4000);
    if case.with_protocol {
        question = question.tcp();
    }
    if case.with_destination {
        question = question.to("192.0.2.1");
    }
    world.ask(&question)
}

/// Every instant at which an answer can change: the grid, the stamps moved by lateness, idleness and a second, each a
/// microsecond to either side.
fn instants(case: &Case) -> BTreeSet<i64> {
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
    for (_, start, length) in case.block {
        stamp(start);
        stamp(start + length);
    }
    case.moves.into_iter().for_each(&mut stamp);
    for (from, until) in case.covers {
        stamp(from);
        stamp(until);
    }
    steps.insert(case.asked.0);
    steps.insert(case.asked.0 + case.asked.1);
    steps.iter().flat_map(|step| (-3..=3).map(|tick| at(*step) + tick)).collect()
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
        ([], _) => true,
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
    ))]

    #[test]
    fn a_margin_ends_where_the_answer_first_differs(case in case()) {
        let world = build(&case);
        let (start, length) = (at(case.asked.0), case.asked.1 * STEP);
        let own = ask(&world, &case, start, length);
        let instants = instants(&case);
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
        let instants = instants(&case);
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
