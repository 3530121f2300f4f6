//! outer, inner and used of closed records.

use super::*;
use crate::allocation::{Began, Ended};
use crate::session::{EndIs, Kills};

#[test]
fn outer_begins_late_before_the_create_and_inner_at_it() {
    //   |<L=1>|
    //         create 100                    release 160
    //   [=====|== outer ===========================)
    //         [== inner ===========================)
    let a = one(&assemble(Profile::unknown(), &[create(1, 100.0), delete(1, 160.0)]));
    assert_eq!(a.outer, range(99.0, 160.000_001));
    assert_eq!(a.inner, Some(range(100.0, 160.0)));
    assert_eq!((a.created, a.released), (t(100.0), Some(t(160.0))));
    assert_eq!((a.began, a.ended), (Began::Logged, Ended::Logged));
}

#[test]
fn a_stamp_that_says_less_than_its_profile_is_believed() {
    // A repeated hour: the release is at 160 or an hour later, whatever the profile says of ordinary stamps.
    let coarse = Profile { resolution: Some(TimeDelta::from_second(1)), ..Profile::unknown() };
    let wide = WrittenTime::new(t(160.0), 3_601_000_000);
    let release = Event { time: Some(wide), ..delete(1, 160.0) };
    let a = one(&assemble(coarse, &[create(1, 100.0), release]));
    assert_eq!(a.outer.end(), t(160.0 + 3_601.0));
    assert_eq!(a.inner.unwrap().end(), t(160.0));
}

#[test]
fn outer_never_begins_before_a_logged_start() {
    //          start 100 (.. 101)
    //   99.2   |  create 100.2
    //    . . . [==|== outer
    let a = one(&assemble(Profile::conntrack(), &[create(1, 100.2), full(1, 100, 150, 155.0)]));
    assert_eq!(a.outer.start(), t(100.0));
    // A start that L does not reach leaves the begin with L.
    let a = one(&assemble(Profile::conntrack(), &[create(1, 101.5), full(1, 100, 150, 155.0)]));
    assert_eq!(a.outer.start(), t(100.5));
}

#[test]
fn the_logged_stop_is_the_real_end_and_the_collectors_stamp_is_not() {
    //   create 100        stop 150 (.. 151)        release 176
    //   [== outer ==================)                 .
    //   [== inner ========)
    let a = one(&assemble(punctual(), &[create(1, 100.0), full(1, 99, 150, 176.0)]));
    assert_eq!(a.outer, range(100.0, 151.0));
    assert_eq!(a.inner, Some(range(100.0, 150.0)));
    assert_eq!(a.released, Some(t(176.0)));
}

#[test]
fn the_earlier_of_stop_and_release_ends_it_each_at_its_own_resolution() {
    //   stop 150 .............. (151)
    //         release 150.4
    //   -- outer ---)           inner ends with the second's begin
    let a = one(&assemble(punctual(), &[create(1, 100.0), full(1, 99, 150, 150.4)]));
    assert_eq!(a.outer.end(), t(150.400_001));
    assert_eq!(a.inner.unwrap().end(), t(150.0));
}

#[test]
fn a_profile_whose_end_is_the_event_takes_no_stop_beside_it() {
    let event = Profile { end_is: EndIs::Event, ..punctual() };
    let a = one(&assemble(event, &[create(1, 100.0), full(1, 99, 150, 176.0)]));
    assert_eq!(a.outer, range(100.0, 176.000_001));
}

#[test]
fn a_start_that_was_read_late_is_as_late_as_a_create() {
    //   |<L=1>|
    //         start 100                     release 160
    //   [=====|== outer ============================)
    let profile = Profile { late_starts: true, ..Profile::unknown() };
    let release = Event { start: Some(WrittenTime::exact(t(100.0))), ..delete(1, 160.0) };
    let a = one(&assemble(profile.clone(), std::slice::from_ref(&release)));
    assert_eq!((a.outer.start(), a.created), (t(99.0), t(100.0)));
    assert_eq!(a.inner, Some(range(100.000_001, 160.0)));
    // Where the create was logged too, the start is the kernel's.
    let a = one(&assemble(profile, &[create(1, 100.2), release.clone()]));
    assert_eq!(a.outer.start(), t(100.0));
    let a = one(&assemble(Profile::unknown(), &[release]));
    assert_eq!(a.outer.start(), t(100.0));
}

#[test]
fn stamps_in_whole_seconds_mean_the_second() {
    //   create [100, 101)           release [160, 161)
    //   [=======|== outer ====================)
    //          [|== inner ==========)
    let mut events = [create(1, 0.0), delete(1, 0.0)];
    events[0].time = sec(100);
    events[1].time = sec(160);
    let a = one(&assemble(punctual(), &events));
    assert_eq!(a.outer, range(100.0, 161.0));
    assert_eq!(a.inner, Some(range(100.999_999, 160.0)));
}

#[test]
fn a_flow_of_less_than_a_second_has_no_certain_instant() {
    //   start 100, stop 100 (.. 101), create 100.2, release 100.3
    let a = one(&assemble(punctual(), &[create(1, 100.2), full(1, 100, 100, 100.3)]));
    assert_eq!(a.outer, range(100.2, 100.300_001));
    assert_eq!(a.inner, None);
}

#[test]
fn idle_comes_from_the_timeout_printed_last() {
    //   create 100 (10)   update 102 (30)                   stop 150 (.. 151)
    //   [== used ===================)<----- 30 - 1 -------->|
    let events = [create(1, 100.0), update(1, 102.0, 30), full(1, 99, 150, 160.0)];
    assert_eq!(one(&assemble(punctual(), &events)).used_until, t(151.0 - 29.0));
}

#[test]
fn without_updates_idle_comes_from_constants() {
    //   UDP  9 s before the end; TCP 1 s, whatever its first SYN printed
    let printing = |e: Event| Event { timeout_second: Some(120), ..e };
    let udp = [printing(create(1, 100.0)), full(1, 99, 150, 160.0)];
    assert_eq!(one(&assemble(punctual(), &udp)).used_until, t(151.0 - 9.0));
    let events = udp.map(tcp);
    assert_eq!(one(&assemble(punctual(), &events)).used_until, t(151.0 - 1.0));
}

#[test]
fn a_state_whose_update_was_lost_puts_the_constant_in_force() {
    let events = [
        state(create(1, 100.0), TcpState::SynSent),
        state(update(1, 101.0, 90), TcpState::Established),
        state(full(1, 99, 150, 160.0), TcpState::TimeWait),
    ];
    assert_eq!(one(&assemble(punctual(), &events)).used_until, t(150.0));
}

#[test]
fn a_killed_or_undeclared_end_has_no_idle() {
    for killed in [Some(true), None] {
        let end = Event { killed, ..full(1, 99, 150, 150.5) };
        let a = one(&assemble(punctual(), &[create(1, 100.0), end]));
        assert_eq!(a.used_until, a.outer.end(), "{killed:?}");
    }
}

#[test]
fn where_kills_are_hidden_no_end_has_idle_and_where_there_are_none_every_end_has() {
    let events = [create(1, 100.0), full(1, 99, 150, 160.0)];
    let hidden = Profile { kills: Kills::Hidden, ..punctual() };
    assert_eq!(one(&assemble(hidden, &events)).used_until, t(151.0));
    let none = Profile { kills: Kills::None, ..punctual() };
    let undeclared = [events[0].clone(), Event { killed: None, ..events[1].clone() }];
    assert_eq!(one(&assemble(none, &undeclared)).used_until, t(142.0));
}

#[test]
fn used_lasts_at_least_to_the_last_logged_activity() {
    //   create 100      update 149 (30)   stop 150: nothing expires a second after a packet, but the log says so
    let events = [create(1, 100.0), update(1, 149.0, 30), full(1, 99, 150, 160.0)];
    assert_eq!(one(&assemble(punctual(), &events)).used_until, t(149.000_001));
}

#[test]
fn a_release_alone_with_its_start_is_a_full_record() {
    //   start 200 (.. 201)             stop 250 (.. 251)
    //   [== outer ===========================)
    //            [== inner ============)
    let events = [noise(100.0), full(1, 200, 250, 255.0)];
    let a = one(&assemble(Profile::conntrack(), &events));
    assert_eq!((a.outer, a.inner), (range(200.0, 251.0), Some(range(201.0, 250.0))));
    assert_eq!((a.began, a.ended, a.used_until), (Began::Logged, Ended::Logged, t(242.0)));
    assert!(a.origin.create.is_none() && a.origin.release.is_some());
}

#[test]
fn a_release_alone_without_a_start_was_there_since_who_knows_when() {
    //   first 100                          release 255
    //   [== outer, begin assumed ===========)
    let a = one(&assemble(Profile::unknown(), &[noise(100.0), delete(1, 255.0)]));
    assert_eq!((a.outer, a.inner), (range(100.0, 255.000_001), None));
    assert_eq!(a.began, Began::Assumed);
}
