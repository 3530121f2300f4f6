//! MAP rules: history, excluded ports, everybody on an address.

use std::collections::BTreeSet;

use portledger::resolver::{Basis, Discriminator, Evidence, Reason, Verdict};
use portledger::session::Profile;

use crate::common::{World, about, assert_told, pool, q};

/// 256 sharers an address; port 1232 is PSID 0x34's, port 80 nobody's.
const MAP: (&str, &str, &str, u8, u8) = ("map", "2001:db8::/40", "203.0.113.0/24", 16, 6);
const ZOE: (&str, &str) = ("2001:db8:7:3400::/56", "zoe");

#[test]
fn a_rule_names_the_holder_of_a_port_set() {
    let world = World::new().bound(&[ZOE]).rules("@0/", &[MAP]);
    let answer = world.ask(&q("@50").port(1232).tcp());
    assert_told(&answer, Verdict::Unique, Reason::Rule, "zoe");
    let [candidate] = answer.candidates.as_slice() else { panic!("{answer:#?}") };
    assert_eq!(candidate.basis, Basis::Rule);
    assert_eq!(candidate.ports.len(), 252);
    let Evidence::Rule { rule, psid, version, .. } = &candidate.evidence else {
        panic!("{candidate:#?}")
    };
    assert_eq!((rule.as_str(), *psid, version.as_str()), ("map", Some(0x34), "1"));
    // The next port set is another line, which nobody was bound to.
    let next = world.ask(&q("@50").port(1236).tcp());
    assert_told(&next, Verdict::Unbound, Reason::NoBinding, "host:2001:db8:7:3500::/56");
}

#[test]
fn an_excluded_port_is_nobodys() {
    let world = World::new().bound(&[ZOE]).rules("@0/@100", &[MAP]);
    for port in [0, 80, 1023] {
        let answer = world.ask(&q("@50").port(port).tcp());
        assert_told(&answer, Verdict::Free, Reason::ExcludedPort, "");
    }
    let first = world.ask(&q("@50").port(1024).tcp());
    assert_eq!(first.verdict, Verdict::Unbound);
    // Where no rule was in force, nothing was excluded either.
    let late = world.ask(&q("@150").port(80).tcp());
    assert_told(&late, Verdict::NotCovered, Reason::RuleHistoryGap, "");
}

#[test]
fn a_gap_in_the_history_of_rules_is_not_covered() {
    //  rules  |---- map ----|          |---- map ----|
    //         0            100        200           300
    let world = World::new().bound(&[ZOE]).rules("@0/@100", &[MAP]).rules("@200/@300", &[MAP]);
    let at = |time| world.ask(&q(time).port(1232).tcp());
    assert_told(&at("@50"), Verdict::Unique, Reason::Rule, "zoe");
    assert_told(&at("@150"), Verdict::NotCovered, Reason::RuleHistoryGap, "");
    assert_told(&at("@350"), Verdict::NotCovered, Reason::RuleHistoryGap, "");
    // Part of the time is enough; who it would have been is still told.
    let edge = world.ask(&q("@99").port(1232).tcp().tolerance("-0s/+1s"));
    assert_told(&edge, Verdict::NotCovered, Reason::RuleHistoryGap, "zoe");
    // Hours away, and without a port, the address is still ours.
    let no_port = world.ask(&q("@99999"));
    assert_told(&no_port, Verdict::NotCovered, Reason::RuleHistoryGap, "");
    let expired = World::new().bound(&[ZOE]).rules("@200/", &[MAP]).expire("@190");
    let before = expired.ask(&q("@150").port(1232).tcp());
    assert_told(&before, Verdict::NotCovered, Reason::RuleHistoryGap, "");
}

#[test]
fn the_rules_of_the_time_decide() {
    //  rules  |-- offset 6 --|-- offset 4 --|
    //         0             100
    let world = World::new()
        .bound(&[ZOE, ("2001:db8:7:d000::/56", "dan")])
        .rules("@0/@100", &[MAP])
        .rules("@100/", &[("map-2", MAP.1, MAP.2, 16, 4)]);
    //  1232 of offset 4 is excluded (A = 0); 4096 + 0xd0 * 16 is PSID 0xd0's
    let at = |time, port| world.ask(&q(time).port(port).tcp());
    assert_told(&at("@99", 1232), Verdict::Unique, Reason::Rule, "zoe");
    assert_told(&at("@100", 1232), Verdict::Free, Reason::ExcludedPort, "");
    assert_told(&at("@100", 7424), Verdict::Unique, Reason::Rule, "dan");
}

#[test]
fn without_a_port_everybody_on_the_address_is_told() {
    for (k, count) in [(8, 256), (12, 4096)] {
        let rule = ("map", "2001:db8::/36", "203.0.113.7/32", k, if k == 8 { 6 } else { 4 });
        let world = World::new().rules("@0/", &[rule]);
        let answer = world.ask(&q("@50"));
        assert_eq!((answer.verdict, answer.reason), (Verdict::Ambiguous, Reason::SeveralHolders));
        assert_eq!((answer.candidate_count, answer.candidates.len()), (count, count));
        assert_eq!(answer.discriminators, [Discriminator::Port]);
        let hosts: BTreeSet<_> = answer.candidates.iter().map(|c| &c.inside).collect();
        assert_eq!(hosts.len(), count);
        let ports: u32 = answer.candidates.iter().map(|c| c.ports.len()).sum();
        assert_eq!(ports, 65_536 - if k == 8 { 1024 } else { 4096 });
    }
}

#[test]
fn a_protocol_without_ports_cannot_be_told_apart() {
    let world = World::new().rules("@0/", &[MAP]);
    for question in [q("@50"), q("@50").port(1232)] {
        let answer = world.ask(&question.protocol("50".parse().unwrap()));
        assert_eq!(answer.verdict, Verdict::Ambiguous);
        assert_eq!(answer.reason, Reason::PortlessProtocol);
        assert_eq!(answer.discriminators, [Discriminator::NoneExists]);
        assert_eq!(answer.discriminators[0].name(), "none exists");
        assert_eq!(answer.candidate_count, 256);
    }
}

#[test]
fn an_icmp_query_has_its_identifier_for_a_port() {
    let world = World::new().bound(&[ZOE]).rules("@0/", &[MAP]).ann_bob_cat().log(
        "cgn-1",
        Profile::exact(),
        "proto,inside,outside,port,dst,start,end\n\
         icmp,100.64.0.1,198.51.100.1,7,192.0.2.1,@0,@100\n\
         icmp,100.64.0.2,198.51.100.1,8,192.0.2.1,@0,@100\n",
    );
    let icmp = portledger::Protocol::ICMP;
    let by_rule = world.ask(&q("@50").port(1232).protocol(icmp));
    assert_told(&by_rule, Verdict::Unique, Reason::Rule, "zoe");
    let by_log = |id| about("198.51.100.1", "@50").port(id).protocol(icmp).to("192.0.2.1");
    assert_told(&world.ask(&by_log(7)), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.ask(&by_log(8)), Verdict::Unique, Reason::Used, "bob");
}

#[test]
fn a_rule_and_a_log_may_name_one_holder_each_in_its_own_terms() {
    let log = "proto,inside,outside,port,start,end\ntcp,HOST,203.0.113.7,1232,@0,@100\n";
    for host in
        ["b4[2001:db8:7:3401::1]", "2001:db8:7:34ff::9", "2001:db8:7:3400::/56", "100.64.0.9"]
    {
        let world = World::new().bound(&[ZOE, ("100.64.0.9", "zoe")]).rules("@0/", &[MAP]).log(
            "br-1",
            Profile::exact(),
            &log.replace("HOST", host),
        );
        let answer = world.ask(&q("@50").port(1232).tcp());
        assert_told(&answer, Verdict::Unique, Reason::Used, "zoe");
    }
}

#[test]
fn two_rules_that_name_two_holders_are_doubt() {
    let other = ("map-b", "2001:db8:8000::/40", MAP.2, 16, 6);
    let world = World::new().rules("@0/", &[MAP]).rules("@0/", &[other]);
    let answer = world.ask(&q("@50").port(1232).tcp());
    let names = "host:2001:db8:7:3400::/56;host:2001:db8:8007:3400::/56";
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, names);
    assert_eq!(answer.discriminators, [Discriminator::NoneExists]);
}

#[test]
fn a_port_outside_the_declared_pool_is_not_used_at_all() {
    let world = World::new().pool(pool("203.0.113.0/24", "1024-65535"));
    let answer = world.ask(&q("@50").port(80).tcp());
    assert_told(&answer, Verdict::Free, Reason::OutsidePoolRange, "");
    // A port of the pool needs a log.
    let dynamic = world.ask(&q("@50").port(4000).tcp());
    assert_told(&dynamic, Verdict::NotCovered, Reason::OutsideRecords, "");
}
