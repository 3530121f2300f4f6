//! Port blocks and finished allocations.

use super::*;
use crate::allocation::{Ended, Grain};

fn block(kind: EventKind, host: u8, time: f64) -> Event {
    let ports = Some(PortRange::new(4000, 4063).unwrap());
    Event {
        ports,
        protocol: None,
        inside_port: None,
        destination: None,
        ..record(kind, host, time)
    }
}

fn finished(host: u8, start: Option<WrittenTime>, stop: Option<WrittenTime>) -> Event {
    Event { time: None, start, stop, ..record(EventKind::Allocation, host, 0.0) }
}

#[test]
fn a_block_is_held_from_its_assignment_to_its_release() {
    let events = [block(EventKind::BlockAlloc, 1, 100.0), block(EventKind::BlockRelease, 1, 160.0)];
    let a = one(&assemble(Profile::unknown(), &events));
    assert_eq!((a.grain, a.ports.len()), (Grain::Block, 64));
    assert_eq!((a.outer, a.inner), (range(99.0, 160.000_001), Some(range(100.0, 160.0))));
}

#[test]
fn old_flows_outlive_a_block_as_long_as_the_profile_says() {
    //   alloc 100     release 160 . . survivors 30 . .
    //   [== outer, used ==============================)
    //   [== inner ====)
    let p = Profile { survivors: Some(s(30.0)), ..punctual() };
    let events = [block(EventKind::BlockAlloc, 1, 100.0), block(EventKind::BlockRelease, 1, 160.0)];
    let a = one(&assemble(p, &events));
    assert_eq!((a.outer.end(), a.used_until), (t(190.000_001), t(190.000_001)));
    assert_eq!(a.inner.unwrap().end(), t(160.0));
}

#[test]
fn survivors_outlive_a_block_whose_release_was_lost_too() {
    let events = [
        block(EventKind::BlockAlloc, 1, 100.0),
        block(EventKind::BlockAlloc, 2, 150.0),
        noise(300.0),
    ];
    for (survivors, end) in [(None, 150.000_001), (Some(s(30.0)), 180.0)] {
        let found = made(&assemble(Profile { survivors, ..punctual() }, &events));
        assert_eq!((found[0].1.ended, found[0].1.outer.end()), (Ended::Implied, t(end)));
    }
}

#[test]
fn a_block_is_taken_over_by_any_that_overlaps_it() {
    let mut other = block(EventKind::BlockAlloc, 2, 150.0);
    let events = |other: Event| [block(EventKind::BlockAlloc, 1, 100.0), other, noise(300.0)];
    other.ports = Some(PortRange::new(4032, 4095).unwrap());
    let found = made(&assemble(punctual(), &events(other.clone())));
    assert_eq!(found[0].1.ended, Ended::Implied);
    other.ports = Some(PortRange::new(4064, 4095).unwrap());
    assert_eq!(made(&assemble(punctual(), &events(other)))[0].1.ended, Ended::Open);
}

#[test]
fn an_interim_record_shows_a_block_still_held() {
    let events = [
        block(EventKind::BlockAlloc, 1, 100.0),
        block(EventKind::BlockInterim, 1, 150.0),
        noise(300.0),
    ];
    assert_eq!(one(&assemble(punctual(), &events)).inner, Some(range(100.0, 150.0)));
}

#[test]
fn a_finished_allocation_of_an_exact_table_is_what_it_says() {
    let a = one(&assemble(Profile::exact(), &[finished(1, at(100.0), at(160.0))]));
    assert_eq!((a.outer, a.inner), (range(100.0, 160.0), Some(range(100.0, 160.0))));
    assert_eq!((a.used_until, a.ended), (t(160.0), Ended::Logged));
}

#[test]
fn a_finished_allocation_in_whole_seconds_means_the_seconds() {
    //   start [100, 101)           stop [160, 161)
    //   [== outer ========================)
    //            [== inner ========)
    let a = one(&assemble(Profile::unknown(), &[finished(1, sec(100), sec(160))]));
    assert_eq!((a.outer, a.inner), (range(100.0, 161.0), Some(range(101.0, 160.0))));
}

#[test]
fn an_equal_start_and_end_second_is_that_second() {
    let a = one(&assemble(Profile::unknown(), &[finished(1, sec(100), sec(100))]));
    assert_eq!((a.outer, a.inner), (range(100.0, 101.0), None));
}

#[test]
fn a_table_row_without_an_end_is_still_held() {
    let a = one(&assemble(Profile::exact(), &[finished(1, at(100.0), None)]));
    assert_eq!((a.outer, a.ended), (TimeRange::since(t(100.0)), Ended::Open));
    assert_eq!(a.used_until, Timestamp::MAX);
    let bounded = Profile { max_life: Some(s(60.0)), ..Profile::exact() };
    let a = one(&assemble(bounded, &[finished(1, at(100.0), None)]));
    assert_eq!((a.outer.end(), a.ended), (t(160.0), Ended::Assumed));
}

#[test]
fn an_allocation_that_ends_before_it_starts_is_refused() {
    let mut assembler = Assembler::new(Profile::exact());
    let backward = finished(1, at(160.0), at(100.0));
    assert!(assembler.push(SourceId(0), &backward).is_err());
    assert!(assembler.is_empty());
}
