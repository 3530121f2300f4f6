//! What is asked: written times, tolerances, missing facts.

use portledger::resolver::{Reason, Verdict};
use portledger::session::Profile;

use crate::common::{World, assert_told, margins, q};

fn two_tenants() -> World {
    //  ann   0 |--------| 100        bob   200 |--------| 300
    World::new().ann_bob_cat().log_covering(
        "cgn-1",
        Profile::exact(),
        "@-1000/@1000",
        "proto,inside,outside,port,start,end\n\
         tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
         tcp,100.64.0.2,203.0.113.7,4000,@200,@300\n",
    )
}

#[test]
fn a_window_over_one_tenant_and_free_time_is_unique() {
    let world = two_tenants();
    let wide = world.ask(&q("@110").port(4000).tcp().tolerance("50s"));
    assert_told(&wide, Verdict::Unique, Reason::Used, "ann");
    // A later instant is free, and that is what the margin says.
    assert_eq!(margins(&wide), ["60", "0", "-", "39"]);
}

#[test]
fn a_wider_tolerance_turns_unique_into_ambiguous() {
    let world = two_tenants();
    for (tolerance, verdict, names) in [
        ("0s", Verdict::Free, ""),
        ("-50s/+0s", Verdict::Free, ""),
        ("-50.000001s/+0s", Verdict::Unique, "ann"),
        ("-0s/+49s", Verdict::Free, ""),
        ("-0s/+49.000001s", Verdict::Unique, "bob"),
        ("51s", Verdict::Ambiguous, "ann;bob"),
    ] {
        let answer = world.ask(&q("@150").port(4000).tcp().tolerance(tolerance));
        let reason = match verdict {
            Verdict::Free => Reason::Idle,
            Verdict::Unique => Reason::Used,
            _ => Reason::SeveralHolders,
        };
        assert_told(&answer, verdict, reason, names);
    }
}

#[test]
fn a_written_time_is_all_that_its_digits_truncate() {
    //  ann until 100.4, bob from 100.4
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        Profile::exact(),
        "proto,inside,outside,port,start,end\n\
         tcp,100.64.0.1,203.0.113.7,4000,@0,@100.400000\n\
         tcp,100.64.0.2,203.0.113.7,4000,@100.400000,@300\n",
    );
    assert_told(&world.at("@100"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_told(&world.at("@100.3"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@100.399"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@100.4"), Verdict::Unique, Reason::Used, "bob");
}

#[test]
fn the_early_allowance_reaches_behind_the_stamp() {
    let world = two_tenants();
    let early = |time, early| world.ask(&q(time).port(4000).tcp().early(early));
    assert_told(&early("@199.900", "0.15s"), Verdict::Unique, Reason::Used, "bob");
    assert_told(&early("@199.900", "0.05s"), Verdict::Free, Reason::Idle, "");
    // A stamp of whole seconds comes from the same clock.
    assert_told(&early("@199", "0s"), Verdict::Free, Reason::Idle, "");
    assert_told(&early("@199", "0.15s"), Verdict::Unique, Reason::Used, "bob");
    assert_eq!(early("@199", "0.15s").inquiry.early_allowance_s, "0.15");
}

#[test]
fn margins_are_to_another_verdict_and_to_another_subscriber() {
    //         ann           free            bob
    //  0 |----------| 100 . . . . . 200 |----------| 300
    //            ^ 90
    let answer = two_tenants().at("@90");
    assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
    assert_eq!(margins(&answer), ["90", "9", "-", "109"]);
    assert!(!answer.fragile);
    let answer = two_tenants().at("@150");
    assert_eq!(margins(&answer), ["50", "49", "50", "49"]);
    let answer = two_tenants().at("@99.300");
    assert_eq!(margins(&answer), ["99.3", "0.699", "-", "100.699"]);
    assert!(answer.fragile);
    let answer = two_tenants().at("@600");
    assert_eq!(margins(&answer), ["300", ">=399", "300", "-"]);
}

#[test]
fn margins_end_where_recorded_time_ends() {
    //  log 0 |==========================| 300
    //  ann      10 |----------------------- beyond
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        Profile::exact(),
        "event,time,proto,inside,outside,port\n\
         session_create,@0,tcp,100.64.0.2,203.0.113.7,5000\n\
         session_create,@10,tcp,100.64.0.1,203.0.113.7,4000\n\
         session_delete,@300,tcp,100.64.0.2,203.0.113.7,5000\n",
    );
    let answer = world.at("@100");
    assert_told(&answer, Verdict::Unique, Reason::Held, "ann");
    assert_eq!(margins(&answer), [">=90", ">=199", "-", "-"]);
}

#[test]
fn an_answer_says_what_it_is_not() {
    let world = two_tenants();
    assert_eq!(world.at("@50").caution, Some("a subscriber line is not a person"));
    assert_eq!(world.at("@150").caution, None);
}
