//! Eight wrong answers that tools of this kind give, each as a question that must be answered right.

mod common;

use std::fmt::Write;

use common::{ADDR, World, about, assert_told, expiring, q};
use portledger::Protocol;
use portledger::resolver::{Discriminator, Evidence, Reason, Verdict};
use portledger::session::Profile;
use portledger::time::TimeDelta;

/// 1. Between a release and the next assignment: the last tenant is named.
#[test]
fn between_two_tenants_nobody_held_it() {
    //        ann                 bob
    //  |--------------|     |----------|
    //  0             100   200        300
    //                    ^ 150
    let world = World::new().ann_bob_cat().log_covering(
        "cgn-1",
        Profile::exact(),
        "@0/@400",
        "event,time,proto,inside,outside,port\n\
         session_create,@0,tcp,100.64.0.1,203.0.113.7,4000\n\
         session_delete,@100,tcp,100.64.0.1,203.0.113.7,4000\n\
         session_create,@200,tcp,100.64.0.2,203.0.113.7,4000\n\
         session_delete,@300,tcp,100.64.0.2,203.0.113.7,4000\n",
    );
    assert_told(&world.at("@99"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@150"), Verdict::Free, Reason::Idle, "");
    assert_told(&world.at("@200"), Verdict::Unique, Reason::Used, "bob");
}

/// 2. Opened 40 minutes before: a search over events within 5 minutes finds nothing.
#[test]
fn a_session_that_began_forty_minutes_earlier_is_found() {
    //  create                             question            delete
    //  |------------- ann -----------------------|-------------|
    //  0                                 2400                 4000
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        Profile::unknown(),
        "event,time,proto,inside,outside,port\n\
         session_create,@0,tcp,100.64.0.1,203.0.113.7,4000\n\
         session_delete,@4000,tcp,100.64.0.1,203.0.113.7,4000\n",
    );
    let answer = world.at("@2400");
    assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
    assert_eq!(answer.margins.earlier.unwrap().distance, TimeDelta::from_second(2400));
}

/// 3. One port, two protocols, two people; the question names no protocol.
#[test]
fn without_protocol_both_protocols_holders_are_told() {
    //  tcp  |------ ann ------|
    //  udp  |------ bob ------|
    //              ^
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        Profile::exact(),
        "proto,inside,outside,port,start,end\n\
         tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
         udp,100.64.0.2,203.0.113.7,4000,@0,@100\n",
    );
    let answer = world.ask(&q("@50").port(4000));
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_eq!(answer.discriminators, [Discriminator::Protocol]);
    assert_told(&world.at("@50"), Verdict::Unique, Reason::Used, "ann");
    let udp = world.ask(&q("@50").port(4000).udp());
    assert_told(&udp, Verdict::Unique, Reason::Used, "bob");
}

/// 4. A port inside a block whose edges the asker does not know.
#[test]
fn a_port_inside_a_block_is_found_without_its_edges() {
    //  ports 1024 |---- ann ----| 1535 |---- bob ----| 2047
    //                     ^ 1400
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        Profile::exact(),
        "inside,outside,first,last,start,end\n\
         100.64.0.1,203.0.113.7,1024,1535,@0,@100\n\
         100.64.0.2,203.0.113.7,1536,2047,@0,@100\n",
    );
    for (port, who) in [(1024, "ann"), (1400, "ann"), (1535, "ann"), (1536, "bob"), (2047, "bob")] {
        let answer = world.ask(&q("@50").port(port).tcp());
        assert_told(&answer, Verdict::Unique, Reason::Used, who);
    }
}

/// 5. An allocator bug gave one port to two people.
#[test]
fn two_certain_holders_of_one_key_are_a_conflict() {
    //  |------ ann ------|
    //          |------ bob ------|
    //              ^ 80: both         ^ 150: bob alone
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        expiring(),
        "event,time,proto,inside,outside,port,dst,dport\n\
         session_create,@0,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443\n\
         session_create,@50,tcp,100.64.0.2,203.0.113.7,4000,192.0.2.1,443\n\
         session_delete,@100,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443\n\
         session_delete,@200,tcp,100.64.0.2,203.0.113.7,4000,192.0.2.1,443\n",
    );
    let answer = world.at("@80");
    assert_told(&answer, Verdict::Conflict, Reason::TwoHoldersOfAnExclusiveKey, "ann;bob");
    assert_told(&world.at("@150"), Verdict::Unique, Reason::Used, "bob");
}

/// 6. The declared rule and the observed log name two people.
#[test]
fn a_rule_and_a_log_that_disagree_are_a_conflict_that_names_both() {
    //  rule   port 1232 -> 2001:db8:7:3400::/56, zoe
    //  log    port 1232 -> 100.64.0.1, ann        ^
    let world = World::new()
        .bound(&[("100.64.0.1", "ann"), ("2001:db8:7:3400::/56", "zoe")])
        .rules("/", &[("map", "2001:db8::/40", "203.0.113.0/24", 16, 6)])
        .log(
            "cgn-1",
            Profile::exact(),
            "proto,inside,outside,port,start,end\ntcp,100.64.0.1,203.0.113.7,1232,@0,@100\n",
        );
    let answer = world.ask(&q("@50").port(1232).tcp());
    assert_told(&answer, Verdict::Conflict, Reason::RuleAgainstLog, "ann;zoe");
    let proofs: Vec<bool> =
        answer.candidates.iter().map(|c| matches!(c.evidence, Evidence::Rule { .. })).collect();
    assert_eq!(proofs, [false, true], "the log proves ann, the rule zoe");
    // Outside the log's time the rule speaks alone.
    let later = world.ask(&q("@200").port(1232).tcp());
    assert_told(&later, Verdict::Unique, Reason::Rule, "zoe");
}

/// 7. The list of candidates is cut at 25 without a word.
#[test]
fn a_thousand_candidates_are_a_thousand_candidates() {
    //  ports  1024 |1| 1087 |2| ... 1000 blocks of 64, one a subscriber
    let mut rows = String::from("inside,outside,first,last,start,end\n");
    let mut people = String::from("inside,subscriber,start,end\n");
    for i in 0..1000 {
        let inside = format!("100.64.{}.{}", i / 250, i % 250 + 1);
        let first = 1024 + i * 64;
        let last = first + 63;
        writeln!(rows, "{inside},{ADDR},{first},{last},@0,@100").unwrap();
        writeln!(people, "{inside},sub-{i:04},,").unwrap();
    }
    let world = World::new().people(&people).log("cgn-1", Profile::exact(), &rows);
    let answer = world.ask(&q("@50"));
    assert_eq!(answer.verdict, Verdict::Ambiguous);
    assert_eq!((answer.candidate_count, answer.candidates.len()), (1000, 1000));
    assert_eq!(answer.discriminators, [Discriminator::Port]);
}

/// 8. The rows were deleted, and the tool says nobody.
#[test]
fn what_was_deleted_is_purged_and_not_free() {
    //  |------ ann ------|              |------ bob ------|
    //  0                100             1000             1100
    //  . . . . . . . . . . . expired . | 500
    let world = World::new()
        .ann_bob_cat()
        .log_covering(
            "cgn-1",
            Profile::exact(),
            "@0/@2000",
            "proto,inside,outside,port,start,end\n\
             tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
             tcp,100.64.0.2,203.0.113.7,4000,@1000,@1100\n",
        )
        .expire("@500");
    assert_told(&world.at("@50"), Verdict::Purged, Reason::Expired, "");
    assert_told(&world.at("@300"), Verdict::Purged, Reason::Expired, "");
    assert_told(&world.at("@600"), Verdict::Free, Reason::Idle, "");
    assert_told(&world.at("@1050"), Verdict::Unique, Reason::Used, "bob");
    let elsewhere = world.ask(&about("198.51.100.1", "@50").port(4000).protocol(Protocol::TCP));
    assert_told(&elsewhere, Verdict::NotOurs, Reason::NeverSeen, "");
}
