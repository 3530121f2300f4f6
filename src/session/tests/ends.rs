//! Records whose end nobody logged.

use super::*;
use crate::allocation::Ended;

/// The shortest timeout of UDP without updates.
const UDP: f64 = 9.0;

#[test]
fn an_open_record_is_vouched_for_by_its_last_event_and_claims_to_the_end_of_recorded_time() {
    //   create 100   + 9 = firm 109                                recorded until 300
    //   [== used =====)
    //   [== outer =================================================)
    let a = one(&assemble(punctual(), &[create(1, 100.0), noise(300.0)]));
    assert_eq!((a.outer, a.ended), (range(100.0, 300.0), Ended::Open));
    assert_eq!(a.used_until, t(100.000_001 + UDP));
    assert_eq!((a.inner, a.released), (None, None));
}

#[test]
fn every_update_vouches_anew_and_is_certain_up_to_itself() {
    let a = one(&assemble(punctual(), &[create(1, 100.0), update(1, 140.0, 30), noise(300.0)]));
    assert_eq!(a.inner, Some(range(100.0, 140.0)));
    assert_eq!(a.used_until, t(140.000_001 + 29.0));
}

#[test]
fn an_open_record_outlives_recorded_time_by_what_vouches_for_it() {
    //   create 100, last stamp 100
    let a = one(&assemble(punctual(), &[create(1, 100.0)]));
    assert_eq!(a.outer.end(), t(100.000_001 + UDP));
}

#[test]
fn declared_coverage_is_recorded_time() {
    let mut assembler = Assembler::new(punctual());
    assembler.push(SourceId(0), &create(1, 100.0)).unwrap();
    let done = assembler.finish(Some(range(0.0, 500.0)));
    assert_eq!(one(&done).outer.end(), t(500.0));
}

#[test]
fn a_gap_stops_an_open_record() {
    //   create 100  firm 109     |<- lost at 150 ->|            300
    //   [== outer ===============)
    let lost = |a: &mut Assembler| a.saw_loss(at(150.0));
    let done = assemble_with(punctual(), &[create(1, 100.0), noise(300.0)], lost);
    let a = one(&done);
    assert_eq!((a.outer.end(), a.ended), (t(150.0), Ended::Open));
    assert_eq!(done.audit.suspected_gaps, [range(150.0, 150.000_001)]);
}

#[test]
fn a_gap_behind_the_last_event_leaves_only_what_that_vouches_for() {
    //   create 100   lost at 105   firm 109                     300
    //   [== outer =================)
    let lost = |a: &mut Assembler| a.saw_loss(at(105.0));
    let done = assemble_with(punctual(), &[create(1, 100.0), noise(300.0)], lost);
    assert_eq!(one(&done).outer.end(), t(100.000_001 + UDP));
}

#[test]
fn a_gap_before_the_last_event_is_no_matter() {
    let events = [create(1, 100.0), update(1, 200.0, 30), noise(300.0)];
    let done = assemble_with(punctual(), &events, |a| a.saw_loss(at(150.0)));
    assert_eq!(one(&done).outer.end(), t(300.0));
}

#[test]
fn the_longest_life_ends_a_record_without_an_end() {
    let p = Profile { max_life: Some(s(60.0)), ..punctual() };
    let a = one(&assemble(p.clone(), &[create(1, 100.0), noise(300.0)]));
    assert_eq!((a.outer.end(), a.ended), (t(160.0), Ended::Assumed));
    // Seen later than that, the profile is wrong, not the log.
    let a = one(&assemble(p, &[create(1, 100.0), update(1, 200.0, 30), noise(300.0)]));
    assert_eq!(a.outer.end(), t(200.000_001));
}

#[test]
fn the_next_holder_of_an_exclusive_key_ends_it() {
    //   A create 100                  B create 150       release 160
    //   [== outer ====================)
    //                                 [B ======)
    let events = [create(1, 100.0), create(2, 150.0), full(2, 150, 160, 161.0), noise(300.0)];
    let done = assemble(punctual(), &events);
    let a = made(&done)[0].1;
    assert_eq!((a.ended, a.outer), (Ended::Implied, range(100.0, 150.000_001)));
    assert_eq!((a.released, a.used_until), (None, t(100.000_001 + UDP)));
    assert_eq!(done.audit.lost_releases, 1);
}

#[test]
fn a_next_holder_known_to_the_second_ends_it_with_that_second() {
    //   A create 100                  B start 150 (.. 151), a release alone: A may have sent at 150.9
    let events = [create(1, 100.0), full(2, 150, 160, 161.0), noise(300.0)];
    assert_eq!(made(&assemble(punctual(), &events))[0].1.outer.end(), t(151.000_001));
}

#[test]
fn where_the_key_is_not_exclusive_or_not_the_same_nobody_ends_it() {
    let events = [create(1, 100.0), create(2, 150.0), full(2, 150, 160, 161.0), noise(300.0)];
    let shared = Profile { exclusive: false, ..punctual() };
    assert_eq!(made(&assemble(shared, &events))[0].1.ended, Ended::Open);
    let elsewhere = Some(Destination::new(Ipv4Addr::new(192, 0, 2, 2), 53));
    let others = events.clone().map(|e| match e.inside {
        Some(ref host) if host.to_string().ends_with(".2") => Event { destination: elsewhere, ..e },
        _ => e,
    });
    assert_eq!(made(&assemble(punctual(), &others))[0].1.ended, Ended::Open);
    // A key without the destination is one key whatever the destination.
    let by_port = Profile { key_has_destination: false, ..punctual() };
    assert_eq!(made(&assemble(by_port, &others))[0].1.ended, Ended::Implied);
}

#[test]
fn a_second_create_of_the_flow_ends_the_first() {
    let done =
        assemble(Profile::unknown(), &[create(1, 100.0), create(1, 150.0), delete(1, 160.0)]);
    let found = made(&done);
    assert_eq!((found[0].1.ended, found[0].1.outer.end()), (Ended::Implied, t(150.000_001)));
    assert_eq!(found[1].1.ended, Ended::Logged);
    assert_eq!((done.audit.superseded, done.audit.lost_releases), (1, 1));
}

#[test]
fn a_restart_of_the_device_ends_all_that_was_made_before_it() {
    let restart = Event { kind: EventKind::DeviceRestart, time: sec(150), ..Event::default() };
    let events = [create(1, 100.0), create(2, 120.0), restart, create(3, 151.5), noise(300.0)];
    let done = assemble(Profile::unknown(), &events);
    let ends: Vec<_> = made(&done).iter().map(|(h, a)| (*h, a.ended, a.outer.end())).collect();
    assert_eq!(
        ends,
        [(1, Ended::Implied, t(151.0)), (2, Ended::Implied, t(151.0)), (3, Ended::Open, t(300.0))]
    );
    assert_eq!((done.audit.ended_by_restart, done.audit.is_lossy()), (2, false));
}

#[test]
fn where_destinations_were_not_recorded_another_holder_ends_nobody() {
    //   A 100 ...   B 150 ...   one port, perhaps towards two destinations
    let anywhere = |event: Event| Event { destination: None, ..event };
    let events = [anywhere(create(1, 100.0)), anywhere(create(2, 150.0)), noise(300.0)];
    assert_eq!(made(&assemble(punctual(), &events))[0].1.ended, Ended::Open);
    let whole = Profile { key_has_destination: false, ..punctual() };
    assert_eq!(made(&assemble(whole, &events))[0].1.ended, Ended::Implied);
}
