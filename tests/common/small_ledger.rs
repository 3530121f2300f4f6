//! Small random ledgers: a few records of one port within two seconds, on a grid of 10 ms.

use std::fmt::Write;

use super::{ADDR, Question, World, expiring};
use portledger::Timestamp;
use portledger::resolver::{Answer, Inquiry};
use portledger::session::Profile;
use portledger::time::{TimeDelta, WrittenTime};
use proptest::prelude::*;

/// A flow of one of three hosts: begin and length in steps of 10 ms.
#[derive(Clone, Debug)]
pub struct Flow {
    pub host: u8,
    pub start: i64,
    pub length: i64,
    pub udp: bool,
    pub destination: u8,
    pub is_open: bool,
}

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
pub struct Case {
    pub flows: Vec<Flow>,
    /// When 100.64.0.1 passes from ann to another, in steps; sessions do not mind, blocks do.
    pub moves: Option<i64>,
    pub block: Option<(u8, i64, i64)>,
    pub late: i64,
    pub exclusive: bool,
    pub by_destination: bool,
    pub covers: Option<(i64, i64)>,
    pub asked: (i64, i64),
    pub with_protocol: bool,
    pub with_destination: bool,
}

pub const STEP: i64 = 10_000;
/// No stamp is negative: a round number far behind.
pub const BASE: i64 = 1_000_000_000;

pub fn at(step: i64) -> i64 {
    BASE + step * STEP
}

pub fn text(micros: i64) -> String {
    format!("@{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

pub fn flow() -> impl Strategy<Value = Flow> {
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

pub fn case() -> impl Strategy<Value = Case> {
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

pub fn build(case: &Case) -> World {
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
        writeln!(csv, "{event},{time},{proto},100.64.0.{host},{ADDR},{ports},{dst},{killed}")
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

pub fn ask(world: &World, case: &Case, start: i64, length: i64) -> Answer {
    let time = WrittenTime::new(Timestamp::from_microsecond(start), length);
    let question = Question(Inquiry::new(ADDR.parse().unwrap(), time).early(TimeDelta::ZERO));
    let mut question = question.port(4000);
    if case.with_protocol {
        question = question.tcp();
    }
    if case.with_destination {
        question = question.to("192.0.2.1");
    }
    world.ask(&question)
}
