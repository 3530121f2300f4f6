//! The profile held against the file.

use super::*;
use crate::session::Kills;

#[test]
fn a_create_later_than_the_profile_allows_widens_it_and_says_so() {
    //   start 100 (.. 101)      create 104: at least 3 s late, at most 4
    let p = Profile { late: s(1.0), ..Profile::conntrack() };
    let done = assemble(p, &[create(1, 104.0), full(1, 100, 150, 155.0)]);
    assert_eq!((done.audit.late_seen, done.audit.late_widened), (s(3.0), Some(s(4.0))));
    assert_eq!(done.profile.late, s(4.0));
    assert_eq!(one(&done).outer.start(), t(100.0));
}

#[test]
fn a_breach_widens_the_records_made_before_it_was_seen() {
    //   A create 50, no start: [49 -> [46      B create 61.5, start 60: [60.5 -> [60      C breaches
    let events = [
        create(1, 50.0),
        Event { start: None, stop: None, ..full(1, 0, 0, 55.0) },
        create(2, 61.5),
        full(2, 60, 70, 71.0),
        create(3, 104.0),
        full(3, 100, 150, 155.0),
    ];
    let done = assemble(Profile { late: s(1.0), ..Profile::conntrack() }, &events);
    let starts: Vec<_> = made(&done).iter().map(|(_, a)| a.outer.start()).collect();
    assert_eq!(starts, [t(46.0), t(60.0), t(100.0)]);
}

#[test]
fn a_profile_that_holds_is_left_alone() {
    let done = assemble(Profile::conntrack(), &[create(1, 100.4), full(1, 100, 150, 155.0)]);
    assert_eq!((done.audit.late_widened, done.profile), (None, Profile::conntrack()));
}

#[test]
fn the_unknown_profile_is_never_sure_of_succession_or_exclusion() {
    //   L = 1 s, no idle, nobody ends an open record, no bound
    let events = [create(1, 100.0), create(2, 150.0), full(2, 150, 160, 161.0), noise(300.0)];
    let found = made(&assemble(Profile::unknown(), &events));
    assert_eq!(found[0].1.outer, range(99.0, 300.0));
    assert_eq!(found[1].1.used_until, found[1].1.outer.end());
    assert_eq!(Profile::unknown().kills, Kills::Hidden);
}
