//! Records that were written twice.

use super::*;

#[test]
fn a_repeated_create_or_release_makes_no_second_record() {
    let events = [create(1, 100.0), create(1, 100.0), delete(1, 160.0), delete(1, 160.0)];
    let done = assemble(Profile::unknown(), &events);
    one(&done);
    assert_eq!((done.audit.duplicates, done.audit.is_lossy()), (2, false));
}

#[test]
fn a_repeated_release_does_not_end_the_next_tenancy() {
    //   create A1 100   release A1 160   release A1 again   create A2 160, the same microsecond   release A2 170
    let events =
        [create(1, 100.0), delete(1, 160.0), delete(1, 160.0), create(1, 160.0), delete(1, 170.0)];
    let done = assemble(punctual(), &events);
    let found = made(&done);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].1.outer, range(160.0, 170.000_001));
}

#[test]
fn a_create_repeated_after_its_release_was_read_adds_no_time() {
    let events = [create(1, 100.0), delete(1, 160.0), noise(200.0), create(1, 100.0)];
    let done = assemble(Profile::unknown(), &events);
    let whole = range(99.0, 160.000_001);
    assert!(made(&done).iter().all(|(host, a)| *host == 1 && whole.covers(a.outer)));
    assert_eq!((done.audit.stale, done.audit.is_lossy()), (1, false));
}

/// What is open at the end, and in doubt.
fn open(done: &Assembled) -> (u64, u64) {
    (done.audit.open, done.audit.open_in_doubt)
}

/// A record stamped in whole seconds.
fn whole(event: Event, second: i64) -> Event {
    Event { time: sec(second), ..event }
}

#[test]
fn a_release_that_repeats_one_may_be_of_another_tenancy_of_that_second() {
    let block = |kind| Event {
        ports: Some(PortRange::new(4000, 4063).unwrap()),
        inside_port: None,
        destination: None,
        ..record(kind, 1, 0.0)
    };
    for (create, delete) in [
        (create(1, 0.0), delete(1, 0.0)),
        (block(EventKind::BlockAlloc), block(EventKind::BlockRelease)),
    ] {
        let both = [whole(create, 200), whole(delete, 200)];
        let done = assemble(Profile::unknown(), &[both.clone(), both].concat());
        assert_eq!(open(&done), (1, 1));
    }
}

#[test]
fn a_release_of_the_second_of_two_creates_may_be_of_either() {
    for first in [100, 60] {
        let events = [
            whole(create(1, 0.0), first),
            whole(create(1, 0.0), 100),
            whole(delete(1, 0.0), 100),
            noise(900.0),
        ];
        let done = assemble(Profile::unknown(), &events);
        assert_eq!(done.audit.open_in_doubt, 1, "{first}");
    }
}

#[test]
fn a_port_is_held_until_as_many_flows_were_released_as_began_where_no_destination_is_logged() {
    //   D1 100 ..............................        releases 111 and 150, of either
    //   D2          110 .....................
    let anywhere = |event: Event| Event { destination: None, ..event };
    let [c1, c2] = [100.0, 110.0].map(|at| anywhere(create(1, at)));
    let [r1, r2] = [111.0, 150.0].map(|at| anywhere(delete(1, at)));
    let events = [c1.clone(), c2.clone(), r1.clone(), r2, noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    let a = one(&done);
    assert_eq!((a.inner, a.outer.end()), (Some(range(100.0, 150.0)), t(150.000_001)));
    assert_eq!((done.audit.joined, done.audit.is_lossy()), (1, false));

    let done = assemble(Profile::unknown(), &[c1.clone(), c2.clone(), noise(200.0)]);
    assert_eq!(done.audit.open_in_doubt, 1);
    // One that goes on is as certain as any.
    let done = assemble(Profile::unknown(), &[c1.clone(), c2.clone(), r1.clone(), noise(200.0)]);
    assert!(!done.audit.is_lossy());
    // Where a port is of one host whatever the destination, a second create shows that a release was lost.
    let ports = Profile { key_has_destination: false, ..Profile::unknown() };
    let done = assemble(ports, &[c1, c2, r1]);
    assert_eq!((done.audit.joined, done.audit.lost_releases), (0, 1));
}

#[test]
fn a_release_that_says_more_than_its_create_leaves_it_in_doubt() {
    let less = [
        Event { destination: None, ..create(1, 100.0) },
        Event { inside_port: None, ..create(1, 100.0) },
        Event { destination: None, inside_port: None, ..create(1, 100.0) },
    ];
    for create in less {
        let done = assemble(Profile::unknown(), &[create, delete(1, 150.0), noise(200.0)]);
        assert_eq!(done.audit.open_in_doubt, 1);
    }
}
