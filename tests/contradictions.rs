//! What `contradictions` lists is what the resolver calls a conflict between a rule and a log, port by port.
#![cfg(feature = "readers")]

mod common;

use std::fmt::Write;

use common::{ADDR, World, about, assert_told, q};
use portledger::resolver::{
    Contradiction, ContradictionKind, Evidence, Inquiry, Reason, Resolver, Verdict, contradictions,
};
use portledger::session::Profile;
use portledger::store::RulesImport;
use portledger::time::{TimeDelta, WrittenTime};
use portledger::{PortRange, Protocol, TimeRange, Timestamp};
use proptest::prelude::*;

const MAP: (&str, &str, &str, u8, u8) = ("map", "2001:db8::/40", "203.0.113.0/24", 16, 6);

/// Adds a rule file beside those that are there: all of them are in force.
fn with_rules(mut world: World, text: &str, in_force: &str) -> World {
    let path = "rules".to_owned();
    let in_force = in_force.parse().unwrap();
    let request = RulesImport { path, in_force, beside: true, record: None };
    let _ = world.ledger.import_rules(&request, text.as_bytes()).unwrap();
    world
}

fn listed(world: &World) -> Vec<Contradiction> {
    contradictions(&world.ledger).collect()
}

fn in_short(found: &[Contradiction]) -> Vec<String> {
    let line = |c: &Contradiction| {
        let holder = c.rule_holder.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        let during = c.during.to_string().replace(".000000", "");
        format!("{} {} {during} {} {holder}", c.kind, c.ports, c.log_holder)
    };
    found.iter().map(line).collect()
}

#[test]
fn a_block_across_port_sets_is_listed_with_each_holder() {
    let world = World::new().rules("@0/@100", &[MAP]).log(
        "br-1",
        Profile::exact(),
        "inside,outside,first,last,start,end\n2001:db8:7:3400::/56,203.0.113.7,1022,1241,@50,@150\n",
    );
    let found = listed(&world);
    // Ports 1022 and 1023 are nobody's, 1232-1235 the holder's own; PSIDs 0 to 51 have four ports each before them.
    let (nobody, others): (Vec<_>, Vec<_>) =
        found.iter().partition(|c| c.kind == ContradictionKind::ExcludedPort);
    assert_eq!(nobody.len(), 1);
    assert_eq!(
        (nobody[0].ports.to_string().as_str(), &nobody[0].rule_holder),
        ("1022-1023", &None)
    );
    assert_eq!(others.len(), 52 + 2);
    let ports: u32 = others.iter().map(|c| c.ports.len()).sum();
    assert_eq!(ports, 52 * 4 + 6);
    for one in &found {
        assert_eq!(one.during, "@50/@100".parse().unwrap(), "as long as both are certain");
        assert!(!one.ports.contains(1233));
        let Evidence::Records { source, records, .. } = &one.log else { panic!("{one:?}") };
        assert_eq!((source.as_str(), records[0].offset, records.len()), ("br-1", 36, 1));
        let Evidence::Rule { rule, version, .. } = &one.rule else { panic!("{one:?}") };
        assert_eq!((rule.as_str(), version.as_str()), ("map", "1"));
    }
}

#[test]
fn an_address_in_the_prefix_of_the_rule_agrees() {
    let log = "inside,outside,first,last,start,end\nHOST,203.0.113.7,1232,1235,@0,@100\n";
    for (host, agrees) in [
        ("2001:db8:7:3400::/56", true),
        ("2001:db8:7:3400:0:cb00:7107:34", true), // the customer edge
        ("b4[2001:db8:7:34ff::1]10.0.0.2", true),
        ("2001:db8:7:3500::1", false),
        ("100.64.0.1", false),
    ] {
        let world = World::new().rules("@0/", &[MAP]);
        let world = world.log("br-1", Profile::exact(), &log.replace("HOST", host));
        assert_eq!(listed(&world).is_empty(), agrees, "{host}");
        let answer = world.ask(&q("@50").port(1232).tcp());
        assert_eq!(answer.verdict != Verdict::Conflict, agrees, "{host}");
    }
}

#[test]
fn two_hosts_of_one_subscriber_are_listed_and_are_no_conflict() {
    let world = World::new()
        .bound(&[("2001:db8:7:3400::/56", "zoe"), ("100.64.0.9", "zoe")])
        .rules("@0/", &[MAP])
        .log(
            "br-1",
            Profile::exact(),
            "inside,outside,first,last,start,end\n100.64.0.9,203.0.113.7,1232,1235,@0,@100\n",
        );
    assert_eq!(
        in_short(&listed(&world)),
        ["other-holder 1232-1235 @0/@100 100.64.0.9 2001:db8:7:3400::/56"]
    );
    assert_told(&world.ask(&q("@50").port(1232).tcp()), Verdict::Unique, Reason::Used, "zoe");
}

const BLOCKS: &str = r#"{"detnat": {"algorithm": "block-table", "name": "blocks", "blocks": [
    {"address": "203.0.113.7", "first": 0, "last": 1023, "inside": "excluded"},
    {"address": "203.0.113.7", "first": 1024, "last": 2047, "inside": "100.64.0.1"},
    {"address": "203.0.113.7", "first": 2048, "last": 3071, "inside": "100.64.0.2"},
    {"address": "203.0.113.7", "first": 60000, "last": 65535, "inside": "dynamic"}]}}"#;

#[test]
fn ports_that_the_rules_give_to_nobody_contradict_a_log_that_has_them() {
    let world = with_rules(World::new().ann_bob_cat(), BLOCKS, "@0/").log(
        "cgn-1",
        Profile::exact(),
        "inside,outside,first,last,start,end\n\
         100.64.0.1,203.0.113.7,1000,1029,@0,@100\n\
         100.64.0.2,203.0.113.7,5000,5001,@0,@100\n\
         100.64.0.3,203.0.113.7,60000,60511,@0,@100\n\
         100.64.0.3,203.0.113.7,2040,2050,@100,@200\n",
    );
    assert_eq!(
        in_short(&listed(&world)),
        [
            "excluded-port 1000-1023 @0/@100 100.64.0.1 nobody",
            "other-holder 2040-2047 @100/@200 100.64.0.3 100.64.0.1",
            "other-holder 2048-2050 @100/@200 100.64.0.3 100.64.0.2",
            "leftover-port 5000-5001 @0/@100 100.64.0.2 nobody",
        ]
    );
    let at = |port, time| world.ask(&q(time).port(port).tcp());
    let answer = at(1000, "@50");
    assert_told(&answer, Verdict::Conflict, Reason::NobodyAgainstLog, "ann");
    assert!(answer.detail.contains("blocks:1") && answer.detail.contains("ann"), "{answer:?}");
    assert_told(&at(5000, "@50"), Verdict::Conflict, Reason::NobodyAgainstLog, "bob");
    assert_told(&at(1024, "@50"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&at(60_000, "@50"), Verdict::Unique, Reason::Used, "cat");
    let both = at(2040, "@150");
    assert_told(&both, Verdict::Conflict, Reason::RuleAgainstLog, "ann;cat");
    // Each side with its own evidence.
    let by_rule = both.candidates.iter().filter(|c| matches!(c.evidence, Evidence::Rule { .. }));
    assert_eq!((both.candidates.len(), by_rule.count()), (2, 1));
}

#[test]
fn a_port_that_one_rule_withholds_and_another_gives_out_is_not_nobodys() {
    let other = r#"{"detnat": {"algorithm": "block-table", "blocks": [
        {"address": "203.0.113.7", "first": 80, "last": 80, "inside": "100.64.0.1"},
        {"address": "203.0.113.7", "first": 81, "last": 81, "inside": "dynamic"}]}}"#;
    let log = "inside,outside,first,last,start,end\n100.64.0.1,203.0.113.7,80,82,@0,@100\n";
    let world = with_rules(World::new().ann_bob_cat(), BLOCKS, "@0/");
    let world = with_rules(world, other, "@0/@50").log("cgn-1", Profile::exact(), log);
    assert_eq!(
        in_short(&listed(&world)),
        [
            "leftover-port 82 @0/@50 100.64.0.1 nobody",
            "excluded-port 82 @0/@100 100.64.0.1 nobody",
            "excluded-port 80-81 @50/@100 100.64.0.1 nobody",
        ]
    );
    assert_told(&world.ask(&q("@20").port(80).tcp()), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.ask(&q("@20").port(81).tcp()), Verdict::Unique, Reason::Used, "ann");
    assert_eq!(world.ask(&q("@50").port(80).tcp()).verdict, Verdict::Conflict);
}

#[test]
fn a_port_without_a_row_may_only_be_missing_there() {
    let table = "ipv4,psid_offset,psid_len,psid,b4\n203.0.113.7,0,8,52,2001:db8::1\n";
    let log = "inside,outside,first,last,start,end\n2001:db8::1,203.0.113.7,13311,13312,@0,@100\n";
    let world = with_rules(World::new(), table, "@0/").log("br-1", Profile::exact(), log);
    assert_eq!(in_short(&listed(&world)), [""; 0]);
    let log = log.replace("::1,", "::2,");
    let world = with_rules(World::new(), table, "@0/").log("br-1", Profile::exact(), &log);
    assert_eq!(
        in_short(&listed(&world)),
        ["other-holder 13312 @0/@100 2001:db8::2 b4[2001:db8::1]"]
    );
}

#[test]
fn a_rule_says_nothing_of_protocols_that_it_does_not_bind() {
    // Of block tables it is not known whether they bind ICMP; without ports sharers cannot be told apart.
    let log = "proto,inside,outside,first,last,start,end\nicmp,100.64.0.3,203.0.113.7,1024,1024,@0,@100\n\
               47,100.64.0.3,203.0.113.7,0,65535,@0,@100\n";
    let world = with_rules(World::new(), BLOCKS, "@0/").log("cgn-1", Profile::exact(), log);
    assert_eq!(in_short(&listed(&world)), [""; 0]);
    assert_eq!(world.ask(&q("@50").port(1024)).verdict, Verdict::Ambiguous);
    assert_eq!(world.ask(&q("@50")).verdict, Verdict::Ambiguous);
    let world = World::new().rules("@0/", &[MAP]).log("br-1", Profile::exact(), log);
    assert_eq!(listed(&world).len(), 1, "MAP binds echo identifiers, and nothing binds GRE");
    // A whole address is one host's whatever the protocol.
    let whole = ("whole", "2001:db8::/56", "203.0.113.0/24", 8, 6);
    let world = World::new().rules("@0/", &[whole]).log("br-1", Profile::exact(), log);
    let mut lines = in_short(&listed(&world));
    // Records come in the index's own order.
    lines.sort();
    assert_eq!(
        lines,
        [
            "other-holder 0-65535 @0/@100 100.64.0.3 2001:db8:0:7::/64",
            "other-holder 1024 @0/@100 100.64.0.3 2001:db8:0:7::/64",
        ]
    );
    let gre = about(ADDR, "@50").protocol("47".parse().unwrap());
    assert_eq!(world.ask(&gre).verdict, Verdict::Conflict);
}

/// A rule file, as text.
fn map_file() -> impl Strategy<Value = String> {
    let shape = prop_oneof![Just((0, 13)), Just((6, 8)), Just((6, 10)), Just((4, 2))];
    let psid = prop::option::of(0..9_u16);
    let prefix = prop_oneof![Just(("203.0.113.7/32", 0)), Just(("203.0.113.0/24", 8))];
    prop::collection::vec((shape, psid, prefix), 1..3).prop_map(|rules| {
        let rules = rules.into_iter().enumerate().map(|(i, ((a, k), psid, (v4, suffix)))| {
            let mut ports = serde_json::json!({ "psid-offset": a, "psid-len": k });
            let mut rule = serde_json::json!({
                "name": format!("r{i}"), "ea-len": k + suffix,
                "rule-ipv6-prefix": format!("2001:db8:{i}::/48"), "rule-ipv4-prefix": v4,
            });
            if let Some(psid) = psid.filter(|psid| u32::from(*psid) < 1 << k && suffix == 0) {
                ports["psid"] = psid.into();
                rule["ea-len"] = 0.into();
            }
            rule["port-set"] = ports;
            rule
        });
        let rules: Vec<_> = rules.collect();
        serde_json::json!({ "ietf-softwire-br:br-instances": {
            "algorithm": { "algo-instance": rules } } })
        .to_string()
    })
}

fn block_file() -> impl Strategy<Value = String> {
    let holder = prop_oneof![
        4 => Just("100.64.0.1"),
        1 => prop::sample::select(vec!["", "excluded", "dynamic", "100.64.0.2"]),
    ];
    let more = prop::option::of((0..8_usize, 0..6_u16));
    (prop::collection::vec(holder, 8), more).prop_map(|(slots, more)| {
        let row = |slot: usize, from: u16, holder: &str| {
            let first = u16::try_from(slot).unwrap() * 8 + from;
            serde_json::json!({ "address": ADDR, "first": first, "last": first + 7 - from,
                    "inside": holder })
        };
        let slot = |(i, holder): (usize, &&str)| (!holder.is_empty()).then(|| row(i, 0, holder));
        let mut rows: Vec<_> = slots.iter().enumerate().filter_map(slot).collect();
        rows.push(serde_json::json!({ "address": ADDR, "first": 2000, "last": 2007,
                "inside": "100.64.0.1" }));
        // Two hosts of one port.
        rows.extend(
            more.filter(|(i, _)| slots[*i].starts_with("100"))
                .map(|(i, from)| row(i, from, "100.64.0.3")),
        );
        serde_json::json!({ "detnat": { "algorithm": "block-table", "blocks": rows } }).to_string()
    })
}

fn table_file() -> impl Strategy<Value = String> {
    let row = (prop::bool::weighted(0.8), 0..9_u16, 1..4_u8, 0..10_i64, 1..10_i64);
    prop::collection::vec(row, 1..6).prop_map(|rows| {
        let mut text = "ipv4,psid_offset,psid_len,psid,b4,from,until\n".to_owned();
        for (is_plain, psid, host, from, len) in rows {
            let params = if is_plain { "0,13" } else { "6,8" };
            let until = from + len;
            writeln!(text, "{ADDR},{params},{psid},2001:db8:ff::{host},@{from},@{until}").unwrap();
        }
        text
    })
}

#[derive(Clone, Debug)]
struct Record {
    protocol: &'static str,
    host: &'static str,
    ports: PortRange,
    during: (i64, i64),
}

fn record(hosts: &[&'static str]) -> impl Strategy<Value = Record> + use<> {
    let first = prop_oneof![4 => 0..64_u16, 1 => 1018..1050_u16];
    let protocol =
        prop_oneof![4 => Just(""), 1 => prop::sample::select(vec!["tcp", "udp", "icmp"])];
    (protocol, prop::sample::select(hosts.to_vec()), first, 0..20_u16, (0..11_i64, 1..8_i64))
        .prop_map(|(protocol, host, first, len, (start, length))| Record {
            protocol,
            host,
            ports: PortRange::new_assert(
                first,
                if protocol == "icmp" { first } else { first + len },
            ),
            during: (start, start + length),
        })
}

const V4: [&str; 5] = ["100.64.0.1", "100.64.0.1", "100.64.0.1", "100.64.0.2", "100.64.0.3"];
const V6: [&str; 7] = [
    "2001:db8::/48", // whatever the first of MAP rules gives
    "2001:db8::/32", // and any of them
    "2001:db8:ff::/64",
    "b4[2001:db8:ff::1]",
    "2001:db8:ff::2",
    "2001:db8:0:100::1",
    "2001:db8:1:800::5",
];

/// Rule files with the times for which they are in force, and records that often agree with them.
type Scene = (Vec<(String, i64, i64)>, Vec<Record>);

fn scene() -> impl Strategy<Value = Scene> {
    let timed =
        |file: BoxedStrategy<String>| prop::collection::vec((file, 0..8_i64, 1..12_i64), 1..4);
    let all: Vec<&str> = V4.iter().chain(&V6).copied().collect();
    let (blocks, map, table) = (block_file().boxed(), map_file().boxed(), table_file().boxed());
    let records = |hosts: &[&'static str]| prop::collection::vec(record(hosts), 1..4);
    prop_oneof![
        (timed(blocks.clone()), records(&V4)),
        (timed(prop_oneof![map.clone(), table.clone()].boxed()), records(&V6)),
        (timed(prop_oneof![blocks, map, table].boxed()), records(&all)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
    ))]

    #[test]
    fn an_instant_is_listed_if_and_only_if_it_is_a_conflict(
        (rules, records) in scene(),
        random in prop::collection::vec(prop_oneof![4 => 0..70_u16, 1 => 1015..1060_u16], 3),
    ) {
        let mut csv = "proto,inside,outside,first,last,start,end\n".to_owned();
        for r in &records {
            let (start, end) = r.during;
            let ports = (r.ports.first(), r.ports.last());
            writeln!(csv, "{},{},{ADDR},{},{},@{start},@{end}", r.protocol, r.host, ports.0, ports.1)
                .unwrap();
        }
        // Two records on one key are no matter here.
        let profile = Profile { exclusive: false, ..Profile::exact() };
        let mut world = World::new().log("cgn-1", profile, &csv);
        for (text, from, len) in &rules {
            world = with_rules(world, text, &format!("@{from}/@{}", from + len));
        }
        let found = listed(&world);
        let mut ports = random;
        ports.extend(records.iter().flat_map(|r| r.ports.first()..=r.ports.last()).step_by(3));
        let mut seconds: Vec<i64> = rules.iter().flat_map(|(_, from, len)| [*from, from + len]).collect();
        seconds.extend(records.iter().flat_map(|r| [r.during.0, r.during.1]));
        seconds.extend([4, 7]);
        seconds.sort_unstable();
        seconds.dedup();
        for one in &found {
            prop_assert!(!one.ports.is_empty());
            prop_assert_eq!(one.rule_holder.is_some(), one.kind == ContradictionKind::OtherHolder);
        }
        let has = |protocol| records.iter().any(|r| r.protocol == protocol);
        let resolver = Resolver::new(&world.ledger);
        for protocol in [None, Some(Protocol::TCP), Some(Protocol::UDP), Some(Protocol::ICMP)] {
            // A rule may bind one protocol of several: then only a question with the protocol of the record is the same.
            if protocol.is_none() && has("icmp") || protocol == Some(Protocol::ICMP) && has("") {
                continue;
            }
            for port in &ports {
                for micro in seconds.iter().flat_map(|s| [s * 1_000_000 - 1, s * 1_000_000]) {
                    let at = Timestamp::from_microsecond(micro);
                    let mut question = Inquiry::new(ADDR.parse().unwrap(), WrittenTime::exact(at))
                        .early(TimeDelta::ZERO)
                        .port(*port);
                    if let Some(protocol) = protocol {
                        question = question.protocol(protocol);
                    }
                    let answer = resolver.resolve(&question);
                    let is_listed = found.iter().any(|c| {
                        c.ports.contains(*port)
                            && c.during.covers(TimeRange::instant(at))
                            && (protocol.is_none() || c.protocol.is_none_or(|p| Some(p) == protocol))
                    });
                    prop_assert_eq!(
                        answer.verdict == Verdict::Conflict, is_listed,
                        "{:?} {} {}: {:?}\n{:?}", protocol, port, micro, answer, in_short(&found)
                    );
                }
            }
        }
    }
}
