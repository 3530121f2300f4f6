//! Who is out of it when one holder follows another on the same key.

use portledger::resolver::{Basis, Reason, Verdict};
use portledger::session::{Kills, Profile};
use portledger::time::TimeDelta;

use crate::common::{World, assert_told, expiring, q};

/// ann until 100, whose flow was silent since 70 at least; bob from `bob_at` on.
fn ann_then_bob(profile: Profile, bob_at: &str, bob_to: &str) -> World {
    World::new().ann_bob_cat().log(
        "cgn-1",
        profile,
        &format!(
            "event,time,proto,inside,outside,port,dst,dport,killed\n\
             session_create,@0,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,\n\
             session_delete,@100,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,false\n\
             session_create,{bob_at},tcp,100.64.0.2,203.0.113.7,4000,{bob_to},\n\
             session_delete,@300,tcp,100.64.0.2,203.0.113.7,4000,{bob_to},true\n"
        ),
    )
}

fn late(late: &str, profile: Profile) -> Profile {
    Profile { late: late.parse().unwrap(), ..profile }
}

#[test]
fn past_its_last_use_a_holder_gives_way_to_who_took_the_same_key() {
    //  ann   |==== used ====|------ held ------|
    //        0             70                 100
    //  bob              90 |.... late ....|=========
    let world = ann_then_bob(late("10s", expiring()), "@100", "192.0.2.1,443");
    assert_told(&world.at("@65"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@95"), Verdict::Unique, Reason::Used, "bob");
    let answer = world.at("@95");
    // Her record still stands there, and says how near the wrong answer is.
    assert_eq!(answer.margins.other_earlier.unwrap().distance, TimeDelta::ZERO);
    assert!(answer.fragile);
}

#[test]
fn while_it_may_still_be_in_use_both_are_told() {
    //  ann   |==== used ====|--- held ---|
    //  bob          60 |.... late 40 s ..|=====
    let world = ann_then_bob(late("40s", expiring()), "@100", "192.0.2.1,443");
    assert_told(&world.at("@65"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_told(&world.at("@69"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    // Her last possible packet is the exact end of 70 s.
    assert_told(&world.at("@70"), Verdict::Unique, Reason::Used, "bob");
    let wide = world.ask(&q("@70").port(4000).tcp().tolerance("-1s/+0s"));
    assert_told(&wide, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
}

#[test]
fn a_concurrent_claim_towards_another_destination_is_never_dropped() {
    //  ann -> 192.0.2.1   |==== used ====|--- held ---|
    //  bob -> 192.0.2.2              |.. late ..|=====
    let world = ann_then_bob(late("10s", expiring()), "@100", "192.0.2.2,443");
    assert_told(&world.at("@95"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    let to = world.ask(&q("@95").port(4000).tcp().to("192.0.2.1:443"));
    assert_told(&to, Verdict::Unique, Reason::Held, "ann");
}

#[test]
fn two_destinations_that_were_not_recorded_may_be_two() {
    let world = ann_then_bob(late("10s", expiring()), "@100", ",");
    assert_told(&world.at("@95"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    // Where the destination is no part of the key, one port is one key.
    let by_port = Profile { key_has_destination: false, ..late("10s", expiring()) };
    let world = ann_then_bob(by_port, "@100", ",");
    assert_told(&world.at("@95"), Verdict::Unique, Reason::Used, "bob");
}

#[test]
fn a_create_before_the_release_replaces_nobody() {
    //  ann   |==== used ====|--- held ---| release 100
    //  bob            80 |. late .|=====|=====           create 90
    let world = ann_then_bob(late("10s", expiring()), "@90", "192.0.2.1,443");
    assert_told(&world.at("@85"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
}

#[test]
fn a_sole_holder_past_its_last_use_stays() {
    let world = ann_then_bob(expiring(), "@200", "192.0.2.1,443");
    let answer = world.at("@95");
    assert_told(&answer, Verdict::Unique, Reason::Held, "ann");
    assert_eq!(answer.candidates[0].basis, Basis::Held);
    assert_eq!(answer.candidates[0].used_until.as_deref(), Some("1970-01-01T00:01:10Z"));
}

#[test]
fn beside_a_holder_past_its_last_use_a_create_within_a_second_is_a_candidate() {
    //  ann   |==== used ====|------ held ------|
    //  bob                          question ^  | create 100.6, stamped exactly
    for (at, verdict, reason, names) in [
        ("@99.500", Verdict::Unique, Reason::Held, "ann"),
        ("@99.598", Verdict::Unique, Reason::Held, "ann"),
        ("@99.599", Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob"),
        ("@99.900", Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob"),
        ("@69.900", Verdict::Unique, Reason::Used, "ann"),
    ] {
        let world = ann_then_bob(expiring(), "@100.600", "192.0.2.1,443");
        assert_told(&world.at(at), verdict, reason, names);
    }
    // Towards another destination it takes nothing over.
    let world = ann_then_bob(expiring(), "@100.600", "192.0.2.2,443");
    assert_told(&world.at("@99.900"), Verdict::Unique, Reason::Held, "ann");
    // Her own next flow is nobody else.
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        expiring(),
        "event,time,proto,inside,outside,port,dst,dport,killed\n\
         session_create,@0,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,\n\
         session_delete,@100,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,false\n\
         session_create,@100.600,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,\n\
         session_delete,@300,tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,true\n",
    );
    assert_told(&world.at("@99.900"), Verdict::Unique, Reason::Held, "ann");
}

#[test]
fn where_kills_are_hidden_an_end_says_nothing_of_the_last_packet() {
    let hidden = Profile { kills: Kills::Hidden, ..late("10s", expiring()) };
    let world = ann_then_bob(hidden, "@100", "192.0.2.1,443");
    assert_told(&world.at("@95"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
}

#[test]
fn without_a_port_only_equal_blocks_succeed_one_another() {
    //  ann   ports 4000-4063 |== used ==|-- held --|
    //  bob   ports 4000-4031                  |. late .|=====
    //  ann may still have used 4032-4063, so without a port she stays
    let by_block = Profile { key_has_destination: false, ..late("10s", expiring()) };
    let log = |last| {
        format!(
            "event,time,proto,inside,outside,first,last,killed\n\
             block_alloc,@0,tcp,100.64.0.1,203.0.113.7,4000,4063,\n\
             block_release,@100,tcp,100.64.0.1,203.0.113.7,4000,4063,false\n\
             block_alloc,@100,tcp,100.64.0.2,203.0.113.7,4000,{last},\n\
             block_release,@300,tcp,100.64.0.2,203.0.113.7,4000,{last},true\n"
        )
    };
    let half = World::new().ann_bob_cat().log("cgn-1", by_block.clone(), &log(4031));
    assert_told(&half.at("@95"), Verdict::Unique, Reason::Used, "bob");
    let no_port = half.ask(&q("@95").tcp());
    assert_told(&no_port, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    let whole = World::new().ann_bob_cat().log("cgn-1", by_block, &log(4063));
    assert_told(&whole.ask(&q("@95").tcp()), Verdict::Unique, Reason::Used, "bob");
}
