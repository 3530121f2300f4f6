//! Whose the inside host was: at the making of a session, at the use of a block or rule.

use portledger::resolver::{Discriminator, Reason, Verdict};
use portledger::session::Profile;

use crate::common::{World, assert_told, margins, q};

const MOVED: &str = "inside,subscriber,start,end\n\
                     100.64.0.1,ann,@0.000000,@100.000000\n\
                     100.64.0.1,bob,@100.000001,@900.000000\n";

#[test]
fn a_session_belongs_to_who_made_it() {
    //  100.64.0.1   |------ ann ------|------------ bob ------------|
    //  session           |-----------------------|
    //                   50           100   ^ 150 200
    let world = World::new().people(MOVED).log(
        "cgn-1",
        Profile::exact(),
        "proto,inside,outside,port,start,end\ntcp,100.64.0.1,203.0.113.7,4000,@50,@200\n",
    );
    let answer = world.at("@150");
    assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
    let [note] = answer.candidates[0].notes.as_slice() else { panic!("one note: {answer:#?}") };
    assert!(note.contains("belonged to bob"), "{note}");
    assert!(world.at("@75").candidates[0].notes.is_empty());
}

#[test]
fn a_block_belongs_to_who_used_it() {
    //  100.64.0.1   |------ ann ------|------------ bob ------------|
    //  block             |-----------------------|
    let world = World::new().people(MOVED).log(
        "cgn-1",
        Profile::exact(),
        "inside,outside,first,last,start,end\n100.64.0.1,203.0.113.7,4000,4063,@50,@200\n",
    );
    assert_told(&world.at("@75"), Verdict::Unique, Reason::Used, "ann");
    let answer = world.at("@150");
    assert_told(&answer, Verdict::Unique, Reason::Used, "bob");
    // Earlier than 50 nothing is recorded, but ann comes before that.
    assert_eq!(margins(&answer)[2], "49.999999");
    let across = world.ask(&q("@99").port(4000).tcp().tolerance("-0s/+1s"));
    assert_told(&across, Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    assert_eq!(across.discriminators, [Discriminator::NarrowerTime]);
}

#[test]
fn a_rule_belongs_to_who_had_the_prefix_when_it_was_used() {
    let world = World::new()
        .people(
            "inside,subscriber,start,end\n\
             2001:db8:7:3400::/56,ann,@0.000000,@100.000000\n\
             2001:db8:7:3400::/56,bob,@100.000001,\n",
        )
        .rules("@0/", &[("map", "2001:db8::/40", "203.0.113.0/24", 16, 6)]);
    for (at, who) in [("@50", "ann"), ("@150", "bob")] {
        let answer = world.ask(&q(at).port(1232).tcp());
        assert_told(&answer, Verdict::Unique, Reason::Rule, who);
    }
}

#[test]
fn two_bindings_in_one_second_are_ambiguous() {
    //  ann   ... Stop in second 100
    //  bob       Start in second 100 ...
    let world = World::new()
        .people(
            "inside,subscriber,start,end\n\
             100.64.0.1,ann,@0,@100\n\
             100.64.0.1,bob,@100,@200\n",
        )
        .log(
            "cgn-1",
            Profile::exact(),
            "proto,inside,outside,port,first,last,start,end\n\
             tcp,100.64.0.1,203.0.113.7,4000,,,@100.500000,@150\n\
             ,100.64.0.1,203.0.113.7,,5000,5063,@50,@150\n",
        );
    // The session was made in that second, whenever it is asked about.
    for at in ["@100.700", "@120"] {
        let answer = world.at(at);
        assert_told(&answer, Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    }
    let block = |at| world.ask(&q(at).port(5000).tcp());
    assert_told(&block("@100.999"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    assert_told(&block("@99.999"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&block("@101.000"), Verdict::Unique, Reason::Used, "bob");
}

#[test]
fn two_certain_bindings_are_a_conflict() {
    let world = World::new()
        .people(
            "inside,subscriber,start,end\n\
             100.64.0.1,ann,@0,@100\n\
             100.64.0.1,bob,@50,@200\n",
        )
        .log(
            "cgn-1",
            Profile::exact(),
            "inside,outside,first,last,start,end\n100.64.0.1,203.0.113.7,4000,4063,@0,@200\n",
        );
    assert_told(&world.at("@75"), Verdict::Conflict, Reason::TwoBindings, "ann;bob");
    assert_told(&world.at("@30"), Verdict::Unique, Reason::Used, "ann");
    // The edges of a second are doubt, not contradiction.
    let edge = world.at("@50.500");
    assert_told(&edge, Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
}

#[test]
fn a_host_without_binding_is_unbound_then_and_only_then() {
    let world = World::new().people("inside,subscriber,start,end\n100.64.0.1,ann,@0,@100\n").log(
        "cgn-1",
        Profile::exact(),
        "inside,outside,first,last,start,end\n100.64.0.1,203.0.113.7,4000,4063,@0,@200\n",
    );
    assert_told(&world.at("@50"), Verdict::Unique, Reason::Used, "ann");
    let answer = world.at("@150");
    assert_told(&answer, Verdict::Unbound, Reason::NoBinding, "host:100.64.0.1");
    assert!(answer.detail.contains("100.64.0.1"), "{}", answer.detail);
    // The same host, unnamed, is nobody else.
    assert_eq!(margins(&world.at("@50"))[3], "-");
    assert_eq!(margins(&answer)[2], "49");
}

#[test]
fn expiry_does_not_move_a_session_to_who_came_later() {
    //  100.64.0.1   |---- ann ----|--------- bob ---------|
    //  session          |-------------------------|
    //                  50        100   | 120, expired before
    let log = "proto,inside,outside,port,start,end\ntcp,100.64.0.1,203.0.113.7,4000,@50,@200\n";
    let world = World::new().people(MOVED).log("cgn-1", Profile::exact(), log).expire("@120");
    assert_told(&world.at("@150"), Verdict::Purged, Reason::Expired, "host:100.64.0.1");
    // What still stands and is certain, still names.
    let world = World::new().people(MOVED).log("cgn-1", Profile::exact(), log).expire("@80");
    assert_told(&world.at("@150"), Verdict::Unique, Reason::Used, "ann");
}

#[test]
fn expiry_does_not_make_a_doubtful_binding_certain() {
    //  ann   ... Stop in second 100
    //  bob       Start in second 100 ...
    //  session made at 100.5, by either; ann's binding is deleted at 101
    let world = World::new()
        .people(
            "inside,subscriber,start,end\n\
             100.64.0.1,ann,@0,@100\n\
             100.64.0.1,bob,@100,@200\n",
        )
        .log(
            "cgn-1",
            Profile::exact(),
            "proto,inside,outside,port,start,end\n\
             tcp,100.64.0.1,203.0.113.7,4000,@100.500000,@150\n",
        )
        .expire("@101");
    assert_told(&world.at("@120"), Verdict::Purged, Reason::Expired, "bob");
}

const PASSED_ON: &str = "inside,subscriber,start,end\n\
                         100.64.0.1,ann,@0.000000,@100.500000\n\
                         100.64.0.1,bob,@100.600000,@900.000000\n";

#[test]
fn a_session_was_made_anywhere_in_what_its_create_stamp_leaves_open() {
    //  create          [100        101)       cut off to the second
    //  100.64.0.1   ann ....| |.... bob
    let log = |rows: &str| format!("event,time,time_until,start,proto,inside,outside,port\n{rows}");
    let world =
        |rows: &str| World::new().people(PASSED_ON).log("cgn-1", Profile::unknown(), &log(rows));
    let second = "session_create,@100,,,tcp,100.64.0.1,203.0.113.7,4000\n\
                  session_delete,@200,,,tcp,100.64.0.1,203.0.113.7,4000\n";
    assert_told(&world(second).at("@150"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    // A stamp from an hour that clocks repeated, too.
    let fold = "session_create,@90.5,@101.5,,tcp,100.64.0.1,203.0.113.7,4000\n\
                session_delete,@200,,,tcp,100.64.0.1,203.0.113.7,4000\n";
    assert_told(&world(fold).at("@150"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    // A release alone, with its start in seconds.
    let alone = "session_create,@90,,,tcp,100.64.0.3,203.0.113.7,9\n\
                 session_delete,@200,,@100,tcp,100.64.0.1,203.0.113.7,4000\n";
    assert_told(&world(alone).at("@150"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    // One that ended in the second of its begin.
    let short = "session_create,@100,,,tcp,100.64.0.1,203.0.113.7,4000\n\
                 session_delete,@100,,,tcp,100.64.0.1,203.0.113.7,4000\n";
    assert_told(&world(short).at("@100"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
    // What the digits exclude stays excluded.
    let fine = "session_create,@101.700000,,,tcp,100.64.0.1,203.0.113.7,4000\n\
                session_delete,@200,,,tcp,100.64.0.1,203.0.113.7,4000\n";
    assert_told(&world(fine).at("@150"), Verdict::Unique, Reason::Used, "bob");
    // Expiry, which cuts the begin off, changes nothing of it.
    let cut = world(second).expire("@99.5");
    assert_told(&cut.at("@150"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
}

#[test]
fn a_session_whose_create_was_never_read_was_made_anywhere_before_it_was_seen() {
    //  log          50 |==================================
    //  100.64.0.1   ann .......|100|..... bob
    //  session                         update 160 ... 200
    let log = "event,time,proto,inside,outside,port\n\
               session_create,@50.000000,tcp,100.64.0.3,203.0.113.7,9\n\
               update,@160.000000,tcp,100.64.0.1,203.0.113.7,4000\n\
               session_delete,@200.000000,tcp,100.64.0.1,203.0.113.7,4000\n";
    let world = World::new().people(MOVED).log("cgn-1", Profile::unknown(), log);
    assert_told(&world.at("@170"), Verdict::Ambiguous, Reason::SeveralBindings, "ann;bob");
}

#[test]
fn a_row_without_an_end_belongs_to_who_made_it() {
    let log = "proto,inside,outside,port,start,end\ntcp,100.64.0.1,203.0.113.7,4000,@50,\n\
               tcp,100.64.0.3,203.0.113.7,9,@50,@300\n";
    let world = World::new().people(MOVED).log("cgn-1", Profile::exact(), log);
    assert_told(&world.at("@150"), Verdict::Unique, Reason::Used, "ann");
}
