//! Two holders at once: on an exclusive key, on one that is not, on one host, of one subscriber.

use portledger::resolver::{Discriminator, Reason, Verdict};
use portledger::session::Profile;
use portledger::store::Pool;

use crate::common::{World, about, assert_told, expiring, pool, q, shared};

const OVERLAP: &str = "proto,inside,outside,port,start,end\n\
                       tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
                       tcp,100.64.0.2,203.0.113.7,4000,@50,@150\n";

#[test]
fn an_overlap_on_an_exclusive_key_is_a_conflict() {
    let world = World::new().ann_bob_cat().log("cgn-1", Profile::exact(), OVERLAP);
    let answer = world.at("@75");
    assert_told(&answer, Verdict::Conflict, Reason::TwoHoldersOfAnExclusiveKey, "ann;bob");
    assert!(answer.discriminators.is_empty() && answer.subscriber.is_none());
    // One certain instant of the question is enough; the edge of it is not.
    let wide = world.ask(&q("@48").port(4000).tcp().tolerance("3s"));
    assert_told(&wide, Verdict::Conflict, Reason::TwoHoldersOfAnExclusiveKey, "ann;bob");
    assert_told(&world.at("@49"), Verdict::Unique, Reason::Used, "ann");
}

#[test]
fn an_overlap_on_a_key_that_is_not_exclusive_is_ambiguous() {
    let world = World::new().ann_bob_cat().log("cgn-1", Profile::unknown(), OVERLAP);
    let answer = world.at("@75");
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_eq!(answer.discriminators, [Discriminator::DestinationNotRecorded]);
    assert_eq!(answer.discriminators[0].name(), "destination (not recorded by this source)");
}

#[test]
fn recorded_destinations_would_tell() {
    let log = "proto,inside,outside,port,dst,dport,start,end\n\
               tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,@0,@100\n\
               tcp,100.64.0.2,203.0.113.7,4000,192.0.2.2,443,@0,@100\n";
    let world = World::new().ann_bob_cat().log("cgn-1", expiring(), log);
    let answer = world.at("@50");
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_eq!(answer.discriminators, [Discriminator::Destination]);
    let ask = |to: &[&str]| world.ask(&to.iter().fold(q("@50").port(4000).tcp(), |q, d| q.to(d)));
    assert_told(&ask(&["192.0.2.2:443"]), Verdict::Unique, Reason::Used, "bob");
    assert_told(&ask(&["192.0.2.2"]), Verdict::Unique, Reason::Used, "bob");
    assert_told(&ask(&["192.0.2.9:1", "192.0.2.1:443"]), Verdict::Unique, Reason::Used, "ann");
    let both = ask(&["192.0.2.1:443", "192.0.2.2:443"]);
    assert_told(&both, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
}

#[test]
fn exclusive_with_an_unrecorded_destination_in_the_key_is_no_contradiction() {
    let world = World::new().ann_bob_cat().log("cgn-1", expiring(), OVERLAP);
    let answer = world.at("@75");
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_eq!(answer.discriminators, [Discriminator::DestinationNotRecorded]);
}

#[test]
fn a_pool_that_is_declared_exclusive_makes_its_ports_the_key() {
    let exclusive = Pool { exclusive: true, ..pool("203.0.113.0/24", "") };
    let declare = |pool: Pool| {
        World::new().ann_bob_cat().pool(pool).log("cgn-1", Profile::unknown(), OVERLAP)
    };
    assert_told(
        &declare(exclusive.clone()).at("@75"),
        Verdict::Conflict,
        Reason::TwoHoldersOfAnExclusiveKey,
        "ann;bob",
    );
    // Not of other ports, of other addresses, or before it was in force.
    for other in [
        Pool { ports: "1024-3999".parse().unwrap(), ..exclusive.clone() },
        Pool { prefix: "203.0.113.8/32".parse().unwrap(), ..exclusive.clone() },
        Pool { in_force: "@76/".parse().unwrap(), ..exclusive },
    ] {
        let answer = declare(other).at("@75");
        assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    }
}

#[test]
fn uncertain_edges_are_ambiguous_and_not_a_conflict() {
    //  ann   |-----------------|.|      ends in second 100
    //  bob                     |.|----  begins in second 100
    let seconds = Profile { resolution: None, ..Profile::exact() };
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        seconds,
        "proto,inside,outside,port,start,end\n\
         tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
         tcp,100.64.0.2,203.0.113.7,4000,@100,@150\n",
    );
    assert_told(&world.at("@100"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    assert_told(&world.at("@99"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@101"), Verdict::Unique, Reason::Used, "bob");
}

#[test]
fn two_hosts_of_one_subscriber_are_one() {
    let world = World::new().bound(&[("100.64.0.1", "ann"), ("100.64.0.2", "ann")]).log(
        "cgn-1",
        shared(),
        OVERLAP,
    );
    let answer = world.at("@75");
    assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
    assert_eq!(answer.candidates.len(), 2, "both records are shown");
}

#[test]
fn two_hosts_that_nobody_names_are_two() {
    let world = World::new().log("cgn-1", shared(), OVERLAP);
    let names = "host:100.64.0.1;host:100.64.0.2";
    assert_told(&world.at("@75"), Verdict::Ambiguous, Reason::SeveralHolders, names);
    assert_told(&world.at("@25"), Verdict::Unbound, Reason::NoBinding, "host:100.64.0.1");
}

#[test]
fn two_collectors_of_one_nat_are_neither_conflict_nor_ambiguity() {
    let log = "proto,inside,outside,port,start,end\n\
               tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
               tcp,100.64.0.2,203.0.113.7,4000,@100,@150\n";
    let copy = format!("# the other collector\n{log}");
    for second in ["cgn-1", "cgn-1b"] {
        let world = World::new().ann_bob_cat().log("cgn-1", Profile::exact(), log).log(
            second,
            Profile::exact(),
            &copy,
        );
        let answer = world.at("@75");
        assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
        assert_eq!(answer.candidates.len(), 2, "each collector's record is shown");
        assert_told(&world.at("@120"), Verdict::Unique, Reason::Used, "bob");
    }
}

#[test]
fn a_port_that_another_protocol_or_destination_holds_is_free_for_this_one() {
    let log = "proto,inside,outside,port,dst,dport,start,end\n\
               tcp,100.64.0.1,203.0.113.7,4000,192.0.2.1,443,@0,@100\n\
               tcp,100.64.0.1,203.0.113.7,4000,192.0.2.2,443,@0,@100\n\
               tcp,100.64.0.2,203.0.113.7,4000,192.0.2.3,443,@0,@100\n\
               udp,100.64.0.3,203.0.113.7,4000,192.0.2.9,53,@0,@100\n";
    let world = World::new().ann_bob_cat().log_covering("cgn-1", expiring(), "@0/@200", log);
    let to = |d| world.ask(&q("@50").port(4000).tcp().to(d));
    let answer = to("192.0.2.9:443");
    assert_told(&answer, Verdict::Free, Reason::OtherDestination, "");
    assert!(
        answer.detail.ends_with(": 2"),
        "ann, bob, and not cat's other protocol: {}",
        answer.detail
    );
    let sctp = world.ask(&q("@50").port(4000).protocol(portledger::Protocol::SCTP));
    assert_told(&sctp, Verdict::Free, Reason::OtherProtocol, "");
    assert!(sctp.detail.ends_with(": 3"), "{}", sctp.detail);
    // At another time they held nothing.
    let later = world.ask(&q("@150").port(4000).tcp().to("192.0.2.9:443"));
    assert_told(&later, Verdict::Free, Reason::Idle, "");
}

#[test]
fn realms_keep_equal_inside_addresses_apart() {
    let row = |outside: &str| {
        format!("proto,inside,outside,port,start,end\ntcp,100.64.0.1,{outside},4000,@0,@100\n")
    };
    let world = World::new()
        .people(
            "inside,realm,subscriber,start,end\n\
             100.64.0.1,blue,bea,,\n\
             100.64.0.1,red,rex,,\n\
             100.64.0.1,,ann,,\n",
        )
        .log_in_realm("vrf-blue", Profile::exact(), "blue", &row("203.0.113.1"))
        .log_in_realm("vrf-red", Profile::exact(), "red", &row("203.0.113.2"))
        .log_in_realm("vrf-grey", Profile::exact(), "grey", &row("203.0.113.3"))
        .log("global", Profile::exact(), &row("203.0.113.4"));
    let who = |addr| world.ask(&about(addr, "@50").port(4000).tcp());
    assert_told(&who("203.0.113.1"), Verdict::Unique, Reason::Used, "bea");
    assert_told(&who("203.0.113.2"), Verdict::Unique, Reason::Used, "rex");
    assert_told(&who("203.0.113.3"), Verdict::Unbound, Reason::NoBinding, "host:100.64.0.1%grey");
    assert_told(&who("203.0.113.4"), Verdict::Unique, Reason::Used, "ann");
    let grey = World::new().people("inside,realm,subscriber,start,end\n100.64.0.1,blue,bea,,\n");
    let grey = grey.log("global", Profile::exact(), &row("203.0.113.4"));
    let answer = grey.ask(&about("203.0.113.4", "@50").port(4000).tcp());
    assert_told(&answer, Verdict::Unbound, Reason::NoBinding, "host:100.64.0.1");
}
