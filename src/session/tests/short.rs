//! Releases that say less than their create, flows that are only seen, hosts that give back everything.

use super::*;
use crate::allocation::{Began, Ended, Grain};
use crate::inside::InsideHost;

fn towards(event: Event, last: u8) -> Event {
    Event { destination: Some(Destination::new(Ipv4Addr::new(192, 0, 2, last), 53)), ..event }
}

/// A release as Cisco CGv6 writes it: protocol, inside and inside port.
fn bare(host: u8, time: f64) -> Event {
    Event { outside: None, ports: None, destination: None, ..delete(host, time) }
}

/// A release that leaves out where the flow went.
fn anywhere(host: u8, time: f64) -> Event {
    Event { destination: None, ..delete(host, time) }
}

fn block(kind: EventKind, host: u8, first: u16, time: f64) -> Event {
    Event {
        ports: Some(PortRange::new(first, first + 63).unwrap()),
        protocol: None,
        inside_port: None,
        destination: None,
        ..record(kind, host, time)
    }
}

/// Nothing that began before the first stamp goes on for longer.
fn short_lived() -> Profile {
    Profile { max_life: Some(s(50.0)), ..Profile::unknown() }
}

/// As above, for logs whose drawings take longer.
fn counted() -> Profile {
    Profile { max_life: Some(s(89.0)), ..Profile::unknown() }
}

/// A log that begins so long before that everything open was read.
fn begun_long_ago(events: &[Event]) -> Vec<Event> {
    [&[noise(10.0)], events].concat()
}

fn ends(done: &Assembled) -> Vec<(u8, Ended, Timestamp)> {
    made(done).into_iter().map(|(host, a)| (host, a.ended, a.outer.end())).collect()
}

#[test]
fn a_release_without_public_side_ends_the_only_tenancy_of_its_inside_port() {
    let towards_it = Event { destination: create(1, 0.0).destination, ..bare(1, 160.0) };
    let events = [create(1, 100.0), create(2, 101.0), towards_it, noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!(ends(&done), [(1, Ended::Logged, t(160.000_001)), (2, Ended::Open, t(200.0))]);
    assert_eq!((done.audit.paired, done.audit.is_lossy()), (1, false));
    assert_eq!(made(&done)[0].1.inner, Some(range(100.0, 160.0)));
}

#[test]
fn one_without_destination_may_be_of_a_flow_from_before_the_log() {
    //   D0 - - - - (first line 100) - - - - - .        a release of D0 or D1 150
    //   D1                       120 ...................
    let events = [noise(100.0), create(1, 120.0), bare(1, 150.0), noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!(ends(&done), [(1, Ended::Open, t(200.0))]);
    assert_eq!((done.audit.releases_in_doubt, done.audit.is_lossy()), (1, true));
    // As many as were read prove nothing either.
    let events = [noise(100.0), create(1, 120.0), anywhere(1, 150.0), anywhere(1, 151.0)];
    assert_eq!(ends(&assemble(Profile::unknown(), &events))[0].1, Ended::Open);

    // A flow number or a start tells them apart, unless it is from before the log too.
    let numbered = [noise(100.0), id(create(1, 120.0), 7), id(bare(1, 150.0), 7), noise(200.0)];
    assert_eq!(ends(&assemble(Profile::unknown(), &numbered))[0].1, Ended::Logged);
    let started = |start, create: Event| {
        let release = Event { start: sec(start), ..bare(1, 150.0) };
        let done = assemble(Profile::unknown(), &[noise(100.4), create, release, noise(200.0)]);
        ends(&done)[0].1
    };
    assert_eq!(started(120, create(1, 120.2)), Ended::Logged);
    assert_eq!(started(100, create(1, 100.6)), Ended::Open);
    // And so does a mapping that is the only one of its inside port.
    let mapping = |kind, time| Event { destination: None, ..record(kind, 1, time) };
    let release = Event { outside: None, ports: None, ..mapping(EventKind::PortDelete, 150.0) };
    let events = [noise(100.0), mapping(EventKind::PortCreate, 120.0), release];
    assert_eq!(ends(&assemble(Profile::unknown(), &events))[0].1, Ended::Logged);
}

#[test]
fn what_outlived_the_longest_life_of_any_flow_is_over() {
    let lost = Event { start: sec(60), ..record(EventKind::Update, 2, 80.0) };
    for (before, ended) in [(noise(50.0), Ended::Logged), (lost, Ended::Assumed)] {
        let events = begun_long_ago(&[before, create(1, 120.0), bare(1, 150.0), noise(200.0)]);
        let done = assemble(short_lived(), &events);
        let own = ends(&done).into_iter().find(|(host, ..)| *host == 1).unwrap();
        assert_eq!(own.1, ended);
    }
}

#[test]
fn one_that_fits_nothing_gives_nobody_a_port() {
    for release in [
        bare(3, 160.0),
        tcp(bare(1, 160.0)),
        Event { inside_port: Some(5001), ..bare(1, 160.0) },
        Event { outside: Some(Ipv4Addr::new(203, 0, 113, 8)), ..bare(1, 160.0) },
        Event { kind: EventKind::PortDelete, ..bare(1, 160.0) },
    ] {
        let done = assemble(Profile::unknown(), &[create(1, 100.0), release]);
        assert_eq!((one(&done).ended, done.audit.releases_alone), (Ended::Open, 1));
    }
}

#[test]
fn without_an_inside_port_either_it_is_refused() {
    let mut assembler = Assembler::new(Profile::unknown());
    let nothing = Event { inside_port: None, ..bare(1, 160.0) };
    assert!(assembler.push(SourceId(0), &nothing).is_err());
    let everybody = Event { inside: None, ..bare(1, 160.0) };
    assert!(assembler.push(SourceId(0), &everybody).is_err());
}

#[test]
fn one_of_several_ends_none_before_all_of_them_are_over() {
    //   D1 100 ..............      a release 150      another 160
    //   D2 101 ..............      of D1 or D2        of the other
    let [d1, d2] = [towards(create(1, 100.0), 1), towards(create(1, 101.0), 2)];
    let events = [d1.clone(), d2.clone(), anywhere(1, 150.0), noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!(ends(&done), [(1, Ended::Open, t(200.0)), (1, Ended::Open, t(200.0))]);
    assert_eq!((done.audit.open_in_doubt, done.audit.is_lossy()), (2, true));

    let events = [d1, d2, anywhere(1, 130.0), anywhere(1, 140.0), noise(200.0)];
    let done = assemble(short_lived(), &begun_long_ago(&events));
    let until = t(140.000_001);
    assert_eq!(ends(&done), [(1, Ended::Implied, until), (1, Ended::Implied, until)]);
    assert!(made(&done).iter().all(|(_, a)| a.inner.is_none_or(|i| i.end() <= t(102.0))));
    assert_eq!((done.audit.releases_in_doubt, done.audit.is_lossy()), (2, false));
}

#[test]
fn a_tenancy_that_came_between_is_counted_too() {
    let events = [
        towards(create(1, 100.0), 1),
        towards(create(1, 101.0), 2),
        anywhere(1, 150.0),
        towards(create(1, 155.0), 3),
        anywhere(1, 160.0),
        noise(180.0),
    ];
    let done = assemble(counted(), &begun_long_ago(&events));
    assert!(ends(&done).iter().all(|(_, ended, _)| *ended == Ended::Open), "{:?}", ends(&done));
    assert_eq!(done.audit.open_in_doubt, 3);
}

#[test]
fn what_a_whole_release_ended_is_not_counted_among_the_others() {
    //   D1, D2, D3; one of them ends; then D3 for certain; then one: of D1, D2 one may go on
    let events = [
        towards(create(1, 100.0), 1),
        towards(create(1, 101.0), 2),
        towards(create(1, 102.0), 3),
        anywhere(1, 150.0),
        towards(delete(1, 155.0), 3),
        anywhere(1, 160.0),
        noise(180.0),
    ];
    let done = assemble(counted(), &begun_long_ago(&events));
    let open = ends(&done).iter().filter(|(_, ended, _)| *ended == Ended::Open).count();
    assert_eq!((open, done.audit.paired), (2, 1));
}

#[test]
fn a_repeated_release_in_doubt_does_not_count_twice() {
    let events = [
        towards(create(1, 100.0), 1),
        towards(create(1, 101.0), 2),
        anywhere(1, 150.0),
        anywhere(1, 150.0),
        noise(180.0),
    ];
    let done = assemble(counted(), &begun_long_ago(&events));
    assert!(ends(&done).iter().all(|(_, ended, _)| *ended == Ended::Open));
}

#[test]
fn the_start_of_a_short_release_tells_tenancies_apart() {
    let events = [
        towards(create(1, 100.2), 1),
        towards(create(1, 130.2), 2),
        Event { start: sec(130), ..anywhere(1, 160.0) },
        noise(200.0),
    ];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!(ends(&done), [(1, Ended::Open, t(200.0)), (1, Ended::Logged, t(160.000_001))]);
}

#[test]
fn a_mapping_and_a_flow_of_one_inside_port_are_told_apart() {
    let mapping = Event {
        destination: None,
        ports: Some(PortRange::single(4001)),
        ..record(EventKind::PortCreate, 1, 100.0)
    };
    let events = [mapping, create(1, 101.0), bare(1, 150.0), noise(200.0)];
    let done = assemble(short_lived(), &begun_long_ago(&events));
    assert_eq!(ends(&done).len(), 2);
    let flow = done.allocations.iter().find(|a| a.ports.first() == 4000).unwrap();
    assert_eq!((flow.ended, done.audit.paired), (Ended::Logged, 1));
}

#[test]
fn the_first_port_of_a_block_is_enough_to_release_it() {
    let release = Event {
        outside: None,
        ports: Some(PortRange::single(4064)),
        ..block(EventKind::BlockRelease, 1, 4064, 160.0)
    };
    let events = [
        block(EventKind::BlockAlloc, 1, 4000, 100.0),
        block(EventKind::BlockAlloc, 1, 4064, 100.0),
        release,
        noise(200.0),
    ];
    let done = assemble(Profile::unknown(), &events);
    let found = made(&done);
    let [(1, gone), (1, kept)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((kept.ended, kept.ports.first()), (Ended::Open, 4000));
    assert_eq!((gone.ended, gone.ports), (Ended::Logged, PortRange::new(4064, 4127).unwrap()));
}

#[test]
fn one_block_for_two_protocols_is_two_allocations() {
    let of =
        |kind, protocol, time| Event { protocol: Some(protocol), ..block(kind, 1, 4000, time) };
    let events = [
        of(EventKind::BlockAlloc, Protocol::TCP, 100.0),
        of(EventKind::BlockAlloc, Protocol::UDP, 100.002),
        of(EventKind::BlockRelease, Protocol::TCP, 160.0),
        of(EventKind::BlockRelease, Protocol::UDP, 170.0),
    ];
    let done = assemble(Profile::unknown(), &events);
    let found: Vec<_> =
        done.allocations.iter().map(|a| (a.protocol, a.grain, a.outer.end())).collect();
    assert_eq!(
        found,
        [
            (Some(Protocol::TCP), Grain::Block, t(160.000_001)),
            (Some(Protocol::UDP), Grain::Block, t(170.000_001)),
        ]
    );
}

#[test]
fn records_that_pair_hosts_with_addresses_are_counted_and_give_no_port() {
    let bind = |kind| Event { ports: None, inside_port: None, ..record(kind, 1, 100.0) };
    let events = [bind(EventKind::AddressBind), bind(EventKind::AddressRelease)];
    let done = assemble(Profile::unknown(), &events);
    assert!(done.allocations.is_empty() && !done.audit.is_lossy());
    assert_eq!(done.audit.address_bindings, 2);
}

#[test]
fn a_host_that_gives_back_everything_holds_nothing_more() {
    let release = Event {
        outside: None,
        ports: None,
        protocol: None,
        inside_port: None,
        destination: None,
        ..record(EventKind::HostRelease, 1, 160.0)
    };
    let events = |release: Event| {
        [
            create(1, 100.0),
            block(EventKind::BlockAlloc, 1, 6000, 100.0),
            create(2, 100.0),
            release,
            create(1, 170.0),
            noise(200.0),
        ]
    };
    let done = assemble(Profile::unknown(), &events(release.clone()));
    let logged = |done: &Assembled| {
        let ended = made(done).into_iter().filter(|(_, a)| a.ended == Ended::Logged);
        ended.map(|(host, a)| (host, a.ports.first(), a.outer.end())).collect::<Vec<_>>()
    };
    let until = t(160.000_001);
    let mut both = logged(&done);
    both.sort_unstable();
    assert_eq!(both, [(1, 4000, until), (1, 6000, until)]);
    assert_eq!((done.audit.host_releases, done.audit.ended_by_host), (1, 2));
    let only = Event { protocol: Some(Protocol::UDP), ..release.clone() };
    assert_eq!(logged(&assemble(Profile::unknown(), &events(only))), [(1, 4000, until)]);
    let elsewhere = Event { outside: Some(Ipv4Addr::new(203, 0, 113, 8)), ..release };
    assert!(logged(&assemble(Profile::unknown(), &events(elsewhere))).is_empty());
}

#[test]
fn a_flow_that_is_only_seen_ends_when_another_host_is_seen_on_its_whole_key() {
    let seen = |host, time| record(EventKind::SessionSeen, host, time);
    let events = [seen(1, 100.0), seen(2, 150.0), towards(seen(3, 160.0), 9), noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!(
        ends(&done),
        [
            (1, Ended::Implied, t(150.000_001)),
            (2, Ended::Open, t(200.0)),
            (3, Ended::Open, t(200.0))
        ]
    );
    assert_eq!((done.audit.lost_lines(), done.audit.is_lossy()), (0, true));
}

#[test]
fn a_flow_seen_again_is_another_flow_of_its_host() {
    let seen = |host, time| record(EventKind::SessionSeen, host, time);
    let done = assemble(Profile::unknown(), &[seen(1, 100.0), seen(1, 150.0), noise(200.0)]);
    assert_eq!(ends(&done), [(1, Ended::Implied, t(150.000_001)), (1, Ended::Open, t(200.0))]);
    assert_eq!(done.audit.lost_lines(), 0);
}

#[test]
fn flows_seen_far_out_of_order_end_at_the_one_seen_before() {
    let seen = |host, time| record(EventKind::SessionSeen, host, time);
    let done = assemble(Profile::unknown(), &[seen(2, 150.0), noise(200.0), seen(1, 100.0)]);
    assert_eq!(ends(&done), [(1, Ended::Implied, t(150.000_001)), (2, Ended::Open, t(200.0))]);
}

#[test]
fn a_block_whose_assignment_was_not_read_is_known_from_its_logged_start() {
    //   start 50 (before the log)   first line 100   interim 150
    let interim = Event { start: sec(50), ..block(EventKind::BlockInterim, 1, 4000, 150.0) };
    let events = [noise(100.0), interim.clone(), noise(200.0)];
    let done = assemble(Profile::unknown(), &events);
    let a = one(&done);
    assert_eq!((a.began, a.outer.start(), a.ended), (Began::Logged, t(50.0), Ended::Open));
    assert_eq!((a.inner, done.audit.is_lossy()), (Some(range(51.0, 150.0)), false));
    // Begun while the log was written, its assignment was lost.
    let later = Event { start: sec(120), ..interim.clone() };
    let done = assemble(Profile::unknown(), &[noise(100.0), later, noise(200.0)]);
    assert_eq!(done.audit.lost_creates, 1);
    // And its release pairs with it.
    let events =
        [noise(100.0), interim, block(EventKind::BlockRelease, 1, 4000, 160.0), noise(200.0)];
    let a = one(&assemble(Profile::unknown(), &events));
    assert_eq!((a.outer, a.ended), (range(50.0, 160.000_001), Ended::Logged));
}

#[test]
fn an_interim_record_of_a_later_block_does_not_fuse_it_with_the_one_before() {
    //   alloc 100   (release, alloc 130 lost)   interim 150, start 130
    let interim = Event { start: sec(130), ..block(EventKind::BlockInterim, 1, 4000, 150.0) };
    let events = [block(EventKind::BlockAlloc, 1, 4000, 100.0), interim, noise(200.0)];
    let found = made(&assemble(Profile::unknown(), &events));
    let [(1, old), (1, new)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((old.ended, old.outer.end()), (Ended::Implied, t(131.0)));
    assert_eq!((new.outer.start(), new.began), (t(130.0), Began::Logged));
}

#[test]
fn a_block_release_with_its_start_is_a_full_record() {
    let release = Event { start: sec(100), ..block(EventKind::BlockRelease, 1, 4000, 160.0) };
    let a = one(&assemble(Profile::unknown(), &[release]));
    assert_eq!((a.outer, a.began), (range(100.0, 160.000_001), Began::Logged));
    assert_eq!((a.inner, a.ended), (Some(range(101.0, 160.0)), Ended::Logged));
}

#[test]
fn an_inside_host_of_two_kinds_is_two_hosts() {
    let b4 = |inner: &str, event: Event| Event {
        inside: Some(InsideHost::B4 {
            addr: "2001:db8::1".parse().unwrap(),
            inner: Some(inner.parse().unwrap()),
        }),
        ..event
    };
    let events = [b4("10.0.0.2", create(1, 100.0)), b4("10.0.0.3", bare(1, 150.0))];
    let done = assemble(Profile::unknown(), &events);
    assert_eq!((done.audit.releases_alone, done.audit.open), (1, 1));
}
