//! Deterministic blocks and logged blocks on one address: the rule answers for its part, the log for the rest.
#![cfg(feature = "readers")]

mod common;

use common::{World, about, assert_told};
use portledger::resolver::{Answer, Basis, Evidence, Reason, Verdict};
use portledger::session::Profile;

/// RFC 7422 section 2.3: 1024-5055 is the first host's, 53440-57471 the last one's, 57472-65535 is handed out on demand.
const RFC7422: &str = r#"{"detnat": {"algorithm": "rfc7422", "name": "det", "order": "address-major",
    "dynamic_factor": 2, "reserved": "0-1023", "inside": "198.51.100.1-198.51.100.14", "outside": "192.0.2.1"}}"#;

/// As the deterministic NAT of Nokia lays an address out: well-known ports, static forwards, one block a host, and
/// blocks that extend one when it is full, which are logged.
const EXTENDED: &str = r#"{"detnat": {"algorithm": "block-table", "name": "nokia-like", "blocks": [
    {"address": "192.0.2.1", "first": 0, "last": 1023, "inside": "excluded"},
    {"address": "192.0.2.1", "first": 1024, "last": 1535, "inside": "dynamic"},
    {"address": "192.0.2.1", "first": 1536, "last": 2047, "inside": "198.51.100.1"},
    {"address": "192.0.2.1", "first": 2048, "last": 2559, "inside": "198.51.100.2"},
    {"address": "192.0.2.1", "first": 2560, "last": 65535, "inside": "dynamic"}]}}"#;

fn world(rules: &str) -> World {
    let mut world = World::new().bound(&[
        ("198.51.100.1", "ann"),
        ("198.51.100.2", "bob"),
        ("198.51.100.3", "cat"),
    ]);
    assert!(
        world.ledger.add_rules("det.json", rules.as_bytes(), "@0/@1000".parse().unwrap()).unwrap()
    );
    world
}

fn ask(world: &World, port: u16, time: &str) -> Answer {
    world.ask(&about("192.0.2.1", time).port(port).tcp())
}

/// Two logged blocks of the first host, one after the other, and one of the second.
fn blocks(rules: &str) -> World {
    world(rules).log_covering(
        "cgn-1",
        Profile::exact(),
        "@100/@500",
        "inside,outside,first,last,start,end\n\
         198.51.100.1,192.0.2.1,58000,58511,@100,@200\n\
         198.51.100.2,192.0.2.1,58000,58511,@200,@300\n",
    )
}

#[test]
fn each_part_of_the_address_is_answered_by_what_knows_it() {
    for (rules, own) in [(RFC7422, 1024), (EXTENDED, 1536)] {
        let world = blocks(rules);
        let by_rule = ask(&world, own, "@150");
        assert_told(&by_rule, Verdict::Unique, Reason::Rule, "ann");
        let [candidate] = by_rule.candidates.as_slice() else { panic!("{by_rule:#?}") };
        assert_eq!(candidate.basis, Basis::Rule);
        assert!(matches!(candidate.evidence, Evidence::Rule { .. }));

        for (time, who) in [("@150", "ann"), ("@199", "ann"), ("@200", "bob")] {
            let by_log = ask(&world, 58_204, time);
            assert_told(&by_log, Verdict::Unique, Reason::Used, who);
            let [candidate] = by_log.candidates.as_slice() else { panic!("{by_log:#?}") };
            let Evidence::Records { source, records, .. } = &candidate.evidence else { panic!() };
            assert_eq!((source.as_str(), records.len()), ("cgn-1", 1));
            assert_eq!(candidate.ports.to_string(), "58000-58511");
        }
        // The rule needs no log and the log no rule.
        assert_told(&ask(&world, own, "@900"), Verdict::Unique, Reason::Rule, "ann");
    }
}

#[test]
fn a_dynamic_port_without_a_record_is_free_only_where_the_log_is_complete() {
    for rules in [RFC7422, EXTENDED] {
        // Nothing of a log: the rule says that one is needed.
        let world_without = world(rules);
        let answer = ask(&world_without, 58_204, "@150");
        assert_told(&answer, Verdict::NotCovered, Reason::DynamicPool, "");
        let world = blocks(rules);
        assert_told(&ask(&world, 58_204, "@400"), Verdict::Free, Reason::Idle, "");
        assert_told(&ask(&world, 59_000, "@150"), Verdict::Free, Reason::Idle, "");
        assert_told(&ask(&world, 58_204, "@600"), Verdict::NotCovered, Reason::OutsideRecords, "");
        // Recorded, but not declared complete.
        let log = "inside,outside,first,last,start,end\n198.51.100.1,192.0.2.1,58000,58511,@100,@200\n\
                   198.51.100.1,192.0.2.1,59000,59511,@100,@300\n";
        let doubtful = Profile { max_life: None, ..Profile::exact() };
        let recorded = self::world(rules).log("cgn-1", doubtful, log);
        assert_eq!(ask(&recorded, 58_204, "@250").verdict, Verdict::NotCovered);
        // The ports of the rule are nobody's business there.
        assert_told(&ask(&world, 80, "@150"), Verdict::Free, Reason::ExcludedPort, "");
    }
}

#[test]
fn a_record_of_a_deterministic_port_agrees_or_is_a_conflict() {
    for (rules, own) in [(RFC7422, 1024), (EXTENDED, 1536)] {
        let log = |host: &str| {
            format!(
                "inside,outside,first,last,start,end\n{host},192.0.2.1,{own},{},@100,@200\n",
                own + 511
            )
        };
        let same = world(rules).log("cgn-1", Profile::exact(), &log("198.51.100.1"));
        assert_told(&ask(&same, own, "@150"), Verdict::Unique, Reason::Used, "ann");
        let other = world(rules).log("cgn-1", Profile::exact(), &log("198.51.100.2"));
        let answer = ask(&other, own, "@150");
        assert_told(&answer, Verdict::Conflict, Reason::RuleAgainstLog, "ann;bob");
        let of = |who: &str| {
            let own = answer.candidates.iter().find(|c| c.name.to_string() == who).unwrap();
            (own.basis, own.evidence.clone())
        };
        let (Basis::Rule, Evidence::Rule { path, .. }) = of("ann") else { panic!("{answer:#?}") };
        let (Basis::Used, Evidence::Records { source, .. }) = of("bob") else {
            panic!("{answer:#?}")
        };
        assert_eq!((path.as_str(), source.as_str()), ("det.json", "cgn-1"));
        // Before and behind the record the rule speaks alone.
        for time in ["@99", "@200"] {
            assert_told(&ask(&other, own, time), Verdict::Unique, Reason::Rule, "ann");
        }
        assert_eq!(answer.margins.earlier.unwrap().distance.to_string(), "50s");
    }
}

#[test]
fn without_a_port_everybody_is_told_and_who_got_ports_on_demand() {
    let world = blocks(EXTENDED);
    let answer = world.ask(&about("192.0.2.1", "@150"));
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_eq!(answer.candidates.len(), 3, "two by the rule, one block");
}
