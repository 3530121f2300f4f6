//! Which release belongs to which create.

use super::*;
use crate::allocation::{Began, Ended};

#[test]
fn a_lost_release_and_a_lost_create_do_not_fuse_two_tenancies() {
    //   create A1 100   (release A1)   B 120 ... 140   (create A2)   release A2, start 150
    //   [A1 = = = implied at the latest when A2 began = = = = = )
    //                                  [B ========)              [A2 =======)
    let events =
        [create(1, 100.0), create(2, 120.0), full(2, 120, 140, 141.0), full(1, 150, 170, 171.0)];
    let done = assemble(punctual(), &events);
    let made = made(&done);
    let [(1, a1), (2, b), (1, a2)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((a1.ended, a1.outer), (Ended::Implied, range(100.0, 151.0)));
    assert_eq!(a1.inner, None);
    assert_eq!((b.outer, a2.outer), (range(120.0, 141.0), range(150.0, 171.0)));
    assert_eq!((done.audit.lost_releases, done.audit.lost_creates), (1, 1));
}

#[test]
fn updates_of_the_lost_tenancy_say_nothing_of_the_one_before() {
    //   create A1 100 (release A1) | B | (create A2) update A2 155   release A2, start 150
    //   inner of A1 must not reach to 155
    let events = [create(1, 100.0), update(1, 155.0, 30), full(1, 150, 200, 201.0)];
    let done = assemble(punctual(), &events);
    let made = made(&done);
    let [(1, a1), (1, a2)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((a1.inner, a1.outer.end()), (None, t(151.0)));
    assert_eq!((a2.began, a2.used_until), (Began::Logged, t(201.0 - 29.0)));
    assert_eq!((done.audit.paired, done.audit.begun_by_update), (1, 1));
}

#[test]
fn a_create_pairs_with_a_start_in_its_own_second() {
    let done = assemble(Profile::conntrack(), &[create(1, 100.9), full(1, 100, 150, 160.0)]);
    assert_eq!((one(&done).ended, done.audit.paired), (Ended::Logged, 1));
}

#[test]
fn a_start_after_the_pending_create_is_of_a_later_tenancy() {
    //   create 100.9     start 101
    let done = assemble(Profile::conntrack(), &[create(1, 100.9), full(1, 101, 150, 160.0)]);
    assert_eq!((made(&done).len(), done.audit.superseded), (2, 1));
}

#[test]
fn a_create_that_came_after_the_end_is_of_a_later_tenancy() {
    //   (create A1)  stop A1 120   create A2 120.5   release A1 121, start 110
    let done = assemble(punctual(), &[create(1, 120.5), full(1, 110, 120, 121.0)]);
    let made = made(&done);
    let [(1, a1), (1, a2)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((a1.outer, a1.ended), (range(110.0, 121.0), Ended::Logged));
    assert_eq!((a2.created, a2.ended), (t(120.5), Ended::Open));
    assert_eq!(done.audit.late_widened, None);
}

#[test]
fn another_flow_number_is_another_tenancy() {
    //   create #7 100            release #8 150
    let done = assemble(Profile::unknown(), &[id(create(1, 100.0), 7), id(delete(1, 150.0), 8)]);
    assert_eq!((made(&done).len(), done.audit.releases_alone), (2, 1));
    // An update under another number begins one of its own, not before the last of the old.
    let done = assemble(
        punctual(),
        &[id(create(1, 100.0), 7), id(update(1, 110.0, 30), 7), id(update(1, 120.0, 30), 8)],
    );
    let made = made(&done);
    let [(1, old), (1, new)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((old.inner, old.ended), (Some(range(100.0, 110.0)), Ended::Implied));
    assert_eq!((new.outer.start(), new.began), (t(110.0), Began::Assumed));
}

#[test]
fn a_flow_number_that_comes_again_does_not_fuse_what_the_start_tells_apart() {
    let events = [
        id(create(1, 100.0), 7),
        id(full(1, 100, 110, 112.0), 7),
        id(create(1, 130.0), 7),
        id(full(1, 130, 140, 142.0), 7),
    ];
    let done = assemble(Profile::conntrack(), &events);
    assert_eq!((made(&done).len(), done.audit.paired), (2, 2));
    let [first, _, _, last] = events;
    assert_eq!(made(&assemble(Profile::conntrack(), &[first, last])).len(), 2);
}

#[test]
fn other_destinations_ports_and_hosts_are_other_flows() {
    let other = Event { inside_port: Some(5001), ..delete(1, 150.0) };
    let elsewhere = Event {
        destination: Some(Destination::new(Ipv4Addr::new(192, 0, 2, 2), 53)),
        ..delete(1, 150.0)
    };
    for release in [other, elsewhere, delete(2, 150.0)] {
        let done = assemble(Profile::unknown(), &[create(1, 100.0), release]);
        assert_eq!((done.audit.paired, done.audit.open), (0, 1));
    }
}

#[test]
fn records_out_of_order_within_five_seconds_pair_as_if_in_order() {
    let done = assemble(Profile::unknown(), &[noise(90.0), delete(1, 104.9), create(1, 100.0)]);
    assert_eq!((one(&done).ended, done.audit.out_of_order), (Ended::Logged, 1));
    let done = assemble(
        Profile::unknown(),
        &[create(2, 104.0), delete(1, 103.0), delete(2, 104.9), create(1, 100.0)],
    );
    assert_eq!((done.audit.paired, done.audit.releases_alone), (2, 0));
}

#[test]
fn a_create_further_out_of_order_ends_where_its_release_was_read() {
    //   release A 104 .......... stamp 200 ........... create A 100, read now: over by 104
    let events = [noise(90.0), full(1, 100, 104, 104.5), noise(200.0), create(1, 100.2)];
    let done = assemble(Profile::conntrack(), &events);
    assert!(made(&done).iter().all(|(host, a)| *host == 1 && a.outer.end() <= t(105.0)));
    assert_eq!((done.audit.stale, done.audit.lost_releases), (1, 0));
}

#[test]
fn an_update_further_out_of_order_begins_nothing() {
    let events =
        [create(1, 100.0), delete(1, 104.0), noise(200.0), update(1, 101.0, 30), noise(201.0)];
    assert_eq!(one(&assemble(Profile::unknown(), &events)).ended, Ended::Logged);
}

#[test]
fn a_create_read_behind_its_updates_still_begins_the_tenancy() {
    let events = [update(1, 101.0, 30), noise(200.0), create(1, 100.0), full(1, 100, 210, 211.0)];
    let a = one(&assemble(Profile::conntrack(), &events));
    assert_eq!((a.began, a.created, a.ended), (Began::Logged, t(100.0), Ended::Logged));
}

#[test]
fn a_release_read_behind_the_next_create_leaves_that_alone() {
    //   create A1 100   create A2 130   |   release A1 120, read now   release A2 160
    let events = [
        id(create(1, 100.0), 1),
        id(create(1, 130.0), 2),
        noise(150.0),
        id(delete(1, 120.0), 1),
        id(delete(1, 160.0), 2),
    ];
    let done = assemble(Profile::unknown(), &events);
    let made = made(&done);
    let a2 = made.iter().find(|(_, a)| a.created == t(130.0)).unwrap().1;
    assert_eq!((a2.ended, a2.outer.end()), (Ended::Logged, t(160.000_001)));
}

#[test]
fn a_create_read_long_behind_what_may_be_its_release_is_in_doubt() {
    //  newer file: release A 2500, others until 4000      older file, read now: create A 1000
    let release = delete(1, 2500.0);
    let others = (0..300).flat_map(|n| {
        let (begin, end) = (2500.0 + f64::from(n) * 5.0, 2503.0 + f64::from(n) * 5.0);
        [create(9, begin), delete(9, end)]
    });
    let mut events = vec![release];
    events.extend(others);
    events.extend([create(1, 1000.0), noise(1900.0)]);
    let done = assemble(Profile::unknown(), &events);
    assert_eq!((done.audit.open_in_doubt, done.audit.is_lossy()), (2, true));
    // A little behind, it is known whether its release was read.
    let events = [create(9, 100.0), delete(9, 110.0), create(1, 60.0), noise(120.0)];
    assert!(!assemble(Profile::unknown(), &events).audit.is_lossy());
}

#[test]
fn a_create_that_changed_places_with_its_release_is_in_doubt() {
    //  second 100: release, create, as a relay turned them round; nothing after it
    let stamped = |event: Event| Event { time: sec(100), ..event };
    let events = [noise(90.0), stamped(delete(1, 100.0)), stamped(create(1, 100.0)), noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!((done.audit.open_in_doubt, done.audit.is_lossy()), (1, true));
    // Released behind it, it was another flow in that second.
    let events = [&events[..3], &[delete(1, 150.0), noise(200.0)]].concat();
    assert!(!assemble(Profile::unknown(), &events).audit.is_lossy());
}
