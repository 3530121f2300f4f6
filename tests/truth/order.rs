//! Where several verdicts would do, the first that can be wrong decides.

use portledger::resolver::{Reason, Resolver, Verdict};
use portledger::session::{Assembler, Profile};
use portledger::store::Ledger;

use crate::common::{World, about, assert_told, pool, q};

/// Both certain from 50 to 100; recorded from 0 to 150 only.
const OVERLAP: &str = "proto,inside,outside,port,start,end\n\
                       tcp,100.64.0.1,203.0.113.7,4000,@0,@100\n\
                       tcp,100.64.0.2,203.0.113.7,4000,@50,@150\n";

#[test]
fn conflict_comes_before_missing_coverage() {
    let world =
        World::new().ann_bob_cat().log_covering("cgn-1", Profile::exact(), "@0/@80", OVERLAP);
    let answer = world.ask(&q("@79").port(4000).tcp().tolerance("10s"));
    assert_told(&answer, Verdict::Conflict, Reason::TwoHoldersOfAnExclusiveKey, "ann;bob");
}

#[test]
fn conflict_comes_before_deletion() {
    let world = World::new().ann_bob_cat().log("cgn-1", Profile::exact(), OVERLAP).expire("@80");
    let answer = world.ask(&q("@79").port(4000).tcp().tolerance("10s"));
    assert_told(&answer, Verdict::Conflict, Reason::TwoHoldersOfAnExclusiveKey, "ann;bob");
}

#[test]
fn ambiguity_comes_before_missing_coverage_and_deletion() {
    let loose = || Profile { exclusive: false, ..Profile::exact() };
    let world = World::new().ann_bob_cat().log_covering("cgn-1", loose(), "@0/@80", OVERLAP);
    let question = || q("@79").port(4000).tcp().tolerance("10s");
    let answer = world.ask(&question());
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    let world = World::new().ann_bob_cat().log("cgn-1", loose(), OVERLAP).expire("@80");
    let answer = world.ask(&question());
    assert_told(&answer, Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
}

#[test]
fn deletion_comes_before_missing_coverage_and_that_before_unbound() {
    let world = World::new().log_covering(
        "cgn-1",
        Profile { exclusive: false, ..Profile::exact() },
        "@0/@80",
        "proto,inside,outside,port,start,end\ntcp,100.64.0.1,203.0.113.7,4000,@0,@100\n",
    );
    let question = || q("@79").port(4000).tcp().tolerance("10s");
    let host = "host:100.64.0.1";
    let answer = world.ask(&question());
    assert_told(&answer, Verdict::NotCovered, Reason::OutsideRecords, host);
    assert_told(&world.at("@50"), Verdict::Unbound, Reason::NoBinding, host);
    let world = world.expire("@75");
    assert_told(&world.ask(&question()), Verdict::Purged, Reason::Expired, host);
}

#[test]
fn a_declared_pool_makes_an_address_ours_whatever_is_known_of_it() {
    let world = World::new().pool(pool("203.0.113.0/24", ""));
    assert_told(&world.at("@50"), Verdict::NotCovered, Reason::OutsideRecords, "");
    let other = world.ask(&about("203.0.114.1", "@50").port(4000));
    assert_told(&other, Verdict::NotOurs, Reason::NeverSeen, "");
}

#[test]
fn an_empty_ledger_owns_nothing() {
    let world = World::new();
    assert_told(&world.at("@50"), Verdict::NotOurs, Reason::NeverSeen, "");
}

#[test]
fn exit_codes_are_one_each() {
    let codes: Vec<u8> = Verdict::ALL.iter().map(|v| v.exit_code()).collect();
    assert_eq!(codes, [0, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn allocations_that_are_put_in_directly_rest_on_their_own_profile() {
    use portledger::allocation::SourceId;
    use portledger::natlog::{Event, Format, Reader, ReaderOptions};

    let put = |ledger: &mut Ledger, name: &str, profile: Profile, csv: &str| {
        let mut assembler = Assembler::new(profile);
        let mut reader = Reader::new(Format::Csv, ReaderOptions::new(), csv.as_bytes());
        let mut event = Event::default();
        while reader.read_event(&mut event).unwrap() {
            assembler.push(SourceId(0), &event).unwrap();
        }
        ledger.insert(name, assembler.finish(None), None).unwrap();
    };
    let mut ledger = Ledger::in_memory();
    let unrelated = "proto,inside,outside,port,start,end\ntcp,100.64.0.9,203.0.113.9,1,@0,@1\n";
    put(&mut ledger, "first", Profile::exact(), unrelated);
    put(&mut ledger, "second", Profile::unknown(), OVERLAP);
    let answer = Resolver::new(&ledger).resolve(&q("@75").port(4000).tcp().0);
    assert_eq!(answer.verdict, Verdict::Ambiguous, "the second promises no exclusive keys");
}
