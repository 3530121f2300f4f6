//! Lines that are missing.

use super::*;
use crate::allocation::{Began, Ended};

/// A source that writes ten times a second from `from` to `until`.
fn busy(from: i32, until: i32) -> Vec<Event> {
    (from * 10..=until * 10).map(|tenth| noise(f64::from(tenth) / 10.0)).collect()
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|e| e.time.map(WrittenTime::start));
    events
}

#[test]
fn a_start_in_recorded_time_without_a_create_shows_a_lost_line() {
    let done = assemble(Profile::conntrack(), &[noise(100.0), full(1, 200, 250, 255.0)]);
    assert_eq!((done.audit.lost_creates, done.audit.is_lossy()), (1, true));
    // Begun before the log did, it shows nothing; nor in a source that logs no creates.
    let done = assemble(Profile::conntrack(), &[noise(100.0), full(1, 100, 150, 155.0)]);
    assert_eq!((done.audit.releases_alone, done.audit.is_lossy()), (1, false));
    let only = [full(2, 90, 100, 101.0), full(1, 200, 250, 255.0)];
    assert!(!assemble(Profile::conntrack(), &only).audit.is_lossy());
}

#[test]
fn a_silence_in_which_a_line_was_lost_is_a_suspected_gap() {
    //   lines all the time   |<- 150 ... 170 ->|   all the time
    //                             start 160 ............. release 200
    let mut events = [busy(100, 150), busy(170, 250)].concat();
    events.push(full(1, 160, 195, 200.5));
    let done = assemble(Profile::conntrack(), &sorted(events));
    assert_eq!(done.audit.suspected_gaps, [range(150.0, 170.0)]);
}

#[test]
fn a_lone_lost_line_makes_the_source_lossy_but_no_gap() {
    let mut events = busy(100, 250);
    events.push(full(1, 160, 195, 200.5));
    let done = assemble(Profile::conntrack(), &sorted(events));
    assert!(done.audit.is_lossy() && done.audit.suspected_gaps.is_empty());
}

#[test]
fn silence_alone_is_no_gap() {
    let done = assemble(Profile::conntrack(), &[busy(100, 150), busy(170, 250)].concat());
    assert!(done.audit.suspected_gaps.is_empty() && !done.audit.is_lossy());
}

#[test]
fn a_loss_that_the_source_declares_is_a_gap_around_its_stamp() {
    //   L = 1:  [149, 151)
    let done = assemble_with(Profile::conntrack(), &busy(100, 200), |a| a.saw_loss(at(150.0)));
    assert_eq!(done.audit.suspected_gaps, [range(149.0, 151.000_001)]);
    assert!(done.audit.is_lossy());
    // At a time that it does not say, it is a loss all the same.
    let done = assemble_with(Profile::conntrack(), &busy(100, 200), |a| a.saw_loss(None));
    assert!(done.audit.is_lossy() && done.audit.suspected_gaps.is_empty());
}

#[test]
fn an_exclusive_key_bounds_a_begin_that_was_not_logged() {
    //   A 100 ... 150                   release B 200, no start: its create was lost behind A's end
    //   [A ==========)
    //                [B = = = = = = = = =)
    let events = [create(1, 100.0), full(1, 100, 150, 155.0), delete(2, 200.0)];
    let done = assemble(punctual(), &events);
    let b = made(&done)[1].1;
    assert_eq!((b.outer, b.began), (range(150.0, 200.000_001), Began::Assumed));
    assert_eq!(done.audit.lost_creates, 1);
    let shared = Profile { exclusive: false, ..punctual() };
    assert!(!assemble(shared, &events).audit.is_lossy());
}

#[test]
fn across_a_gap_a_pair_without_a_start_is_sure_of_no_more_than_an_open_record() {
    //   create A 100           |<- gap 150 ->|          release A 200, no start
    //   [A outer =======================================)
    //   [used 109)      A may have come back in the gap, with somebody else between
    let events = [create(1, 100.0), delete(1, 200.0)];
    let a = one(&assemble_with(punctual(), &events, |a| a.saw_loss(at(150.0))));
    assert_eq!((a.outer, a.inner), (range(100.0, 200.000_001), None));
    assert_eq!((a.ended, a.used_until), (Ended::Implied, t(109.000_001)));
    // With a start that fits, it is one tenancy.
    let events = [create(1, 100.0), full(1, 100, 195, 200.0)];
    let a = one(&assemble_with(punctual(), &events, |a| a.saw_loss(at(150.0))));
    assert_eq!((a.ended, a.inner), (Ended::Logged, Some(range(100.0, 195.0))));
    // And a gap elsewhere is no matter.
    let events = [create(1, 100.0), delete(1, 200.0), noise(300.0)];
    let a = one(&assemble_with(punctual(), &events, |a| a.saw_loss(at(250.0))));
    assert_eq!(a.ended, Ended::Logged);
}

#[test]
fn a_real_gap_shows_on_both_sides() {
    //   A create 120 .. |<-- 150 ... 170 -->| .. nothing more of A; B's key is A's
    //                       (release A, create B)   release B 200
    let mut events = [busy(100, 150), busy(170, 250)].concat();
    events.extend([create(1, 120.5), delete(2, 200.5)]);
    let done = assemble(punctual(), &sorted(events));
    assert_eq!(done.audit.suspected_gaps, [range(150.0, 170.0)]);
    let found = made(&done);
    let a = found.iter().find(|(host, _)| *host == 1).unwrap().1;
    assert_eq!(a.outer, range(120.5, 150.0));
}
