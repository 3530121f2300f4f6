//! For which times silence means nobody.

use portledger::resolver::{Reason, Verdict};
use portledger::session::Profile;
use portledger::store::Pool;
use portledger::time::TimeDelta;

use crate::common::{World, about, assert_told, margins, pool, q};

const EVENTS: &str = "event,time,proto,inside,outside,port\n\
                      session_create,@1000,tcp,100.64.0.1,203.0.113.7,4000\n\
                      session_delete,@1100,tcp,100.64.0.1,203.0.113.7,4000\n\
                      session_create,@1900,tcp,100.64.0.2,203.0.113.7,5000\n\
                      session_delete,@2000,tcp,100.64.0.2,203.0.113.7,5000\n";

fn living(seconds: i64) -> Profile {
    Profile { max_life: Some(TimeDelta::from_second(seconds)), ..Profile::exact() }
}

#[test]
fn without_a_longest_life_nobody_can_be_proven() {
    let world = World::new().ann_bob_cat().log("cgn-1", Profile::exact(), EVENTS);
    assert_told(&world.at("@1500"), Verdict::NotCovered, Reason::NoMaxLife, "");
    assert_told(&world.at("@1050"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@900"), Verdict::NotCovered, Reason::OutsideRecords, "");
    assert_told(&world.at("@2500"), Verdict::NotCovered, Reason::OutsideRecords, "");
}

#[test]
fn a_declared_time_proves_nobody() {
    let world =
        World::new().ann_bob_cat().log_covering("cgn-1", Profile::exact(), "@500/@2500", EVENTS);
    for at in ["@500", "@1500", "@2499"] {
        assert_told(&world.at(at), Verdict::Free, Reason::Idle, "");
    }
    for at in ["@499", "@2500"] {
        assert_told(&world.at(at), Verdict::NotCovered, Reason::OutsideRecords, "");
    }
}

#[test]
fn a_longest_life_proves_nobody_once_it_has_gone_by() {
    //  first                              last
    //  1000 |<- 300 ->|<---- absent ------>| 2000
    let world = World::new().ann_bob_cat().log("cgn-1", living(300), EVENTS);
    assert_told(&world.at("@1200"), Verdict::NotCovered, Reason::NoMaxLife, "");
    assert_told(&world.at("@1299"), Verdict::NotCovered, Reason::NoMaxLife, "");
    assert_told(&world.at("@1300"), Verdict::Free, Reason::Idle, "");
    let longer = World::new().ann_bob_cat().log("cgn-1", living(3000), EVENTS);
    assert_told(&longer.at("@1500"), Verdict::NotCovered, Reason::NoMaxLife, "");
}

#[test]
fn a_log_of_releases_proves_nobody_up_to_a_life_before_its_end() {
    //  first                       last
    //  |<---- absent ---->|<- 300 ->|
    let world = World::new().ann_bob_cat().log(
        "cgn-1",
        living(300),
        "event,time,start,proto,inside,outside,port\n\
         session_delete,@1100,@1000,tcp,100.64.0.1,203.0.113.7,4000\n\
         session_delete,@2000,@1900,tcp,100.64.0.2,203.0.113.7,5000\n",
    );
    assert_told(&world.at("@1500"), Verdict::Free, Reason::Idle, "");
    assert_told(&world.at("@1699"), Verdict::Free, Reason::Idle, "");
    assert_told(&world.at("@1701"), Verdict::NotCovered, Reason::NoMaxLife, "");
}

#[test]
fn a_source_that_lost_lines_proves_nothing_by_silence() {
    // ann's second create shows that her first release was lost.
    let lossy = "event,time,proto,inside,outside,port\n\
                 session_create,@1000,tcp,100.64.0.1,203.0.113.7,4000\n\
                 session_create,@1200,tcp,100.64.0.1,203.0.113.7,4000\n\
                 session_delete,@1300,tcp,100.64.0.1,203.0.113.7,4000\n\
                 session_create,@1400,tcp,100.64.0.2,203.0.113.7,5000\n";
    let world =
        World::new().ann_bob_cat().log_covering("cgn-1", Profile::exact(), "@500/@2500", lossy);
    assert_told(&world.at("@1500"), Verdict::NotCovered, Reason::LostLines, "");
    // A record with both ends stands by itself.
    assert_told(&world.at("@1250"), Verdict::Unique, Reason::Used, "ann");
    // One without an end could have been followed by anybody.
    let open = world.ask(&q("@1450").port(5000).tcp());
    assert_told(&open, Verdict::NotCovered, Reason::OpenRecordAlone, "bob");
    // So could one whose end only her next create shows.
    assert_told(&world.at("@1100"), Verdict::NotCovered, Reason::OpenRecordAlone, "ann");
    // In a source that lost nothing it stands.
    let whole = "event,time,proto,inside,outside,port\n\
                 session_create,@1000,tcp,100.64.0.2,203.0.113.7,5000\n";
    let world =
        World::new().ann_bob_cat().log_covering("cgn-1", Profile::exact(), "@500/@2500", whole);
    let open = world.ask(&q("@1450").port(5000).tcp());
    assert_told(&open, Verdict::Unique, Reason::Held, "bob");
}

#[test]
fn deleted_time_is_purged_before_across_and_not_after_the_limit() {
    //  ann  1000 |--------| 1100      covered 500 to 2500
    //             | 1050
    let world = World::new()
        .ann_bob_cat()
        .log_covering("cgn-1", Profile::exact(), "@500/@2500", EVENTS)
        .expire("@1050");
    assert_told(&world.at("@1020"), Verdict::Purged, Reason::Expired, "");
    assert_told(&world.at("@700"), Verdict::Purged, Reason::Expired, "");
    let across = world.ask(&q("@1049").port(4000).tcp().tolerance("-0s/+1s"));
    assert_told(&across, Verdict::Purged, Reason::Expired, "ann");
    assert_told(&world.at("@1050"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&world.at("@1500"), Verdict::Free, Reason::Idle, "");
    // What never was recorded was not deleted.
    assert_told(&world.at("@400"), Verdict::NotCovered, Reason::OutsideRecords, "");
    // The margin ends where nothing is known any more.
    assert_eq!(margins(&world.at("@1080"))[0], ">=30");
}

#[test]
fn an_address_whose_every_record_was_deleted_is_still_ours() {
    let world = World::new().ann_bob_cat().log("cgn-1", Profile::exact(), EVENTS).expire("@99999");
    assert_told(&world.at("@1050"), Verdict::Purged, Reason::Expired, "");
    assert_told(&world.ask(&q("@1050")), Verdict::Purged, Reason::Expired, "");
    let other = world.ask(&about("198.51.100.9", "@1050"));
    assert_told(&other, Verdict::NotOurs, Reason::NeverSeen, "");
}

#[test]
fn every_device_of_an_address_must_have_been_recording() {
    let device = |name: &str, in_force: &str| Pool {
        device: Some(name.to_owned()),
        in_force: in_force.parse().unwrap(),
        ..pool("203.0.113.0/24", "")
    };
    let one =
        || World::new().ann_bob_cat().log_covering("cgn-1", Profile::exact(), "@500/@2500", EVENTS);
    assert_told(&one().at("@1500"), Verdict::Free, Reason::Idle, "");
    // Another device has the address, and its log was never imported.
    let missing = one().pool(device("cgn-1", "/")).pool(device("cgn-2", "/"));
    assert_told(&missing.at("@1500"), Verdict::NotCovered, Reason::OutsideRecords, "");
    // A record of a key that nobody else can hold needs no other log.
    assert_told(&missing.at("@1050"), Verdict::Unique, Reason::Used, "ann");
    let any = missing.ask(&q("@1050").port(4000));
    assert_told(&any, Verdict::NotCovered, Reason::OutsideRecords, "ann");
    // It has it from 1600 on.
    let handed_over = one().pool(device("cgn-1", "/@1600")).pool(device("cgn-2", "@1600/"));
    assert_told(&handed_over.at("@1500"), Verdict::Free, Reason::Idle, "");
    assert_told(&handed_over.at("@1700"), Verdict::NotCovered, Reason::OutsideRecords, "");
    // Its log comes in: other addresses, but its pool says that it is asked too.
    let both = handed_over.log_covering(
        "cgn-2",
        Profile::exact(),
        "@1600/@2500",
        "proto,inside,outside,port,start,end\ntcp,100.64.0.3,203.0.113.9,1,@1700,@1800\n",
    );
    assert_told(&both.at("@1700"), Verdict::Free, Reason::Idle, "");
    // Other ports of the address are no matter.
    let other_ports = Pool { ports: "1-1023".parse().unwrap(), ..device("cgn-2", "/") };
    let split = one().pool(device("cgn-1", "/")).pool(other_ports);
    assert_told(&split.at("@1500"), Verdict::Free, Reason::Idle, "");
    let low = split.ask(&q("@1500").port(80).tcp());
    assert_told(&low, Verdict::NotCovered, Reason::OutsideRecords, "");
}

#[test]
fn outside_recorded_time_only_a_record_that_leaves_no_room_is_unique() {
    //  log           1000 |=================| 2000
    //  ann, by her release:  900 |----------| 1100   start logged
    let log = |dst: &str| {
        format!(
            "event,time,start,proto,inside,outside,port,dst,dport\n\
             session_delete,@1100,@900,tcp,100.64.0.1,203.0.113.7,4000,{dst}\n\
             session_delete,@1000,@990,tcp,100.64.0.2,203.0.113.7,5000,{dst}\n\
             session_delete,@2000,@1900,tcp,100.64.0.2,203.0.113.7,5000,{dst}\n"
        )
    };
    let by_destination = Profile { key_has_destination: true, ..Profile::exact() };
    let world = |profile, dst| World::new().ann_bob_cat().log("cgn-1", profile, &log(dst));
    let exact = world(Profile::exact(), ",");
    assert_told(&exact.at("@950"), Verdict::Unique, Reason::Used, "ann");
    // UDP could have been anybody's.
    let any = exact.ask(&q("@950").port(4000));
    assert_told(&any, Verdict::NotCovered, Reason::OutsideRecords, "ann");
    let to = world(by_destination, "192.0.2.1,443");
    assert_told(&to.at("@950"), Verdict::NotCovered, Reason::OutsideRecords, "ann");
    let full = to.ask(&q("@950").port(4000).tcp().to("192.0.2.1:443"));
    assert_told(&full, Verdict::Unique, Reason::Used, "ann");
    let unknown = world(Profile::unknown(), ",");
    assert_told(&unknown.at("@950"), Verdict::NotCovered, Reason::OutsideRecords, "ann");
}

/// ann's flow is open when the first log ends; in the second one bob has a flow of the port towards another destination.
const FIRST: &str = "event,time,proto,inside,inside_port,outside,port,dst,dport\n\
                     session_create,@1000,tcp,100.64.0.1,5000,203.0.113.7,4000,192.0.2.1,80\n\
                     session_create,@1900,udp,100.64.0.3,5000,203.0.113.7,9,192.0.2.1,53\n";
const SECOND: &str = "event,time,proto,inside,inside_port,outside,port,dst,dport\n\
                      session_create,@2100,udp,100.64.0.3,5001,203.0.113.7,9,192.0.2.1,53\n\
                      session_create,@2400,tcp,100.64.0.2,5000,203.0.113.7,4000,192.0.2.9,80\n\
                      session_delete,@2600,tcp,100.64.0.2,5000,203.0.113.7,4000,192.0.2.9,80\n";

#[test]
fn what_was_open_when_one_import_ended_may_be_open_in_the_next() {
    //  covers    |0 ============ 2000|2000 ============= 4000|
    //  ann            1000 |---------- - - - - - - - - - - - -
    //  bob                                2400 |----| 2600
    let profile = || Profile { exclusive: true, ..Profile::unknown() };
    let world =
        |second: &str| {
            World::new()
                .ann_bob_cat()
                .log_covering("cgn-1", profile(), "@0/@2000", FIRST)
                .log_covering("cgn-1", profile(), "@2000/@4000", second)
        };
    let open = world(SECOND);
    assert_told(&open.at("@1500"), Verdict::Unique, Reason::Held, "ann");
    assert_told(&open.at("@2200"), Verdict::NotCovered, Reason::OpenRecordAlone, "ann");
    assert_told(&open.at("@2500"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
    let to = open.ask(&q("@2500").port(4000).tcp().to("192.0.2.9:80"));
    assert_told(&to, Verdict::Unique, Reason::Used, "bob");
    // Her release, or the next holder of her whole key, ends it.
    let released =
        format!("{SECOND}session_delete,@2700,tcp,100.64.0.1,5000,203.0.113.7,4000,192.0.2.1,80\n");
    let world_released = world(&released);
    assert_told(&world_released.at("@2800"), Verdict::Free, Reason::Idle, "");
    assert_told(&world_released.at("@2650"), Verdict::NotCovered, Reason::OpenRecordAlone, "ann");
    let taken = format!(
        "{SECOND}session_create,@2700,tcp,100.64.0.2,5000,203.0.113.7,4000,192.0.2.1,80\n\
         session_delete,@2710,tcp,100.64.0.2,5000,203.0.113.7,4000,192.0.2.1,80\n"
    );
    assert_told(&world(&taken).at("@2800"), Verdict::Free, Reason::Idle, "");
}

#[test]
fn a_row_without_an_end_is_no_longer_sure_once_its_table_was_written() {
    let old = "inside,outside,first,last,start,end\n\
               100.64.0.1,203.0.113.7,4000,4063,@100,\n100.64.0.3,203.0.113.7,9,9,@100,@300\n";
    let new = "inside,outside,first,last,start,end\n\
               100.64.0.1,203.0.113.7,4000,4063,@100,@500\n\
               100.64.0.2,203.0.113.7,4000,4063,@600,\n100.64.0.3,203.0.113.7,9,9,@800,@900\n";
    let log = |world: World, csv| world.log("cgn-1", Profile::exact(), csv);
    let both = log(log(World::new().ann_bob_cat(), old), new);
    assert_told(&both.at("@250"), Verdict::Unique, Reason::Used, "ann");
    assert_told(&both.at("@550"), Verdict::NotCovered, Reason::NoMaxLife, "");
    assert_told(&both.at("@700"), Verdict::Unique, Reason::Used, "bob");
    // A later table that does not show the row at all says nothing of it.
    let silent = "inside,outside,first,last,start,end\n100.64.0.3,203.0.113.7,9,9,@800,@900\n";
    let world = log(log(World::new().ann_bob_cat(), old), silent);
    assert_told(&world.at("@850"), Verdict::NotCovered, Reason::OpenRecordAlone, "ann");
}

#[test]
fn what_lost_lines_leave_open_is_nobodys_absence_in_the_next_import() {
    //  first log         ann 1000 |---- ?            1900, damaged line between: lossy, and a gap
    //  second, whole                                 |2000 ===== 4000|
    //  or they have a hole between them: she may still be there, with bob towards another destination
    let damaged = FIRST.replace("session_create,@1900", "what\nsession_create,@1900");
    let import = |ledger: &mut portledger::store::Ledger, covers: Option<&str>, csv: &str| {
        let request = portledger::store::LogImport {
            profile: Some(Profile { exclusive: true, ..Profile::unknown() }),
            covers: covers.map(|text| text.parse().unwrap()),
            ..portledger::store::LogImport::new(portledger::natlog::Format::Csv, "cgn-1")
        };
        let stream = Box::new(std::io::Cursor::new(csv.to_owned().into_bytes()));
        let input = portledger::store::Input::Stream(csv.len().to_string(), stream);
        let _ = ledger.import(&request, vec![input], &mut |_| {}).unwrap();
    };
    let mut world = World::new().ann_bob_cat();
    import(&mut world.ledger, Some("@0/@2000"), &damaged);
    import(&mut world.ledger, Some("@2000/@4000"), SECOND);
    assert_told(&world.at("@2200"), Verdict::NotCovered, Reason::LostLines, "");
    // The damaged line may have been of any port.
    let other = world.ask(&q("@2200").port(4001).tcp());
    assert_told(&other, Verdict::NotCovered, Reason::LostLines, "");

    let mut world = World::new().ann_bob_cat();
    import(&mut world.ledger, None, FIRST);
    import(&mut world.ledger, None, SECOND);
    assert_told(&world.at("@2500"), Verdict::Ambiguous, Reason::SeveralHolders, "ann;bob");
}

#[test]
fn what_a_lossy_log_missed_may_go_on_in_the_next_one() {
    //  ann        ? - - - - - - - - - - -        her create may be among the lost ones
    //  first      500 |========| 1500            bob's second create shows that a release was lost
    //  second          1500 |===================| 9000
    let lossy = "event,time,proto,inside,outside,port\n\
                 session_create,@1000,tcp,100.64.0.2,203.0.113.7,5000\n\
                 session_create,@1100,tcp,100.64.0.2,203.0.113.7,5000\n\
                 session_delete,@1200,tcp,100.64.0.2,203.0.113.7,5000\n";
    let whole = "event,time,proto,inside,outside,port\n\
                 session_create,@2000,tcp,100.64.0.2,203.0.113.7,5000\n\
                 session_delete,@2100,tcp,100.64.0.2,203.0.113.7,5000\n";
    let told = |first: &str, life: Option<TimeDelta>, at: &str| {
        let profile = Profile { max_life: life, ..Profile::exact() };
        let world = World::new()
            .ann_bob_cat()
            .log_covering("cgn-1", profile.clone(), "@500/@1500", first)
            .log_covering("cgn-1", profile, "@1500/@9000", whole);
        world.at(at).verdict
    };
    let complete: Vec<&str> = lossy.lines().filter(|line| !line.contains("@1100")).collect();
    assert_eq!(told(&(complete.join("\n") + "\n"), None, "@3000"), Verdict::Free);
    assert_eq!(told(lossy, None, "@3000"), Verdict::NotCovered);
    let life = Some(TimeDelta::from_second(3600));
    assert_eq!(told(lossy, life, "@5000"), Verdict::NotCovered);
    assert_eq!(told(lossy, life, "@5200"), Verdict::Free);
}
