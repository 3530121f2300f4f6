//! Every sentence about records, one test each; the intervals are drawn in seconds.

mod blocks;
mod duplicates;
mod ends;
mod intervals;
mod loss;
mod pairing;
mod profile_check;
mod short;

use std::net::Ipv4Addr;

use super::{Assembled, Assembler, Profile};
use crate::allocation::{Allocation, Destination, SourceId};
use crate::natlog::{Event, EventKind, TcpState};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

pub(super) const ADDR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

/// Seconds, to the microsecond.
#[expect(clippy::cast_possible_truncation, reason = "short decimal literals")]
pub(super) fn t(second: f64) -> Timestamp {
    Timestamp::from_microsecond((second * 1e6).round() as i64)
}

pub(super) fn s(second: f64) -> TimeDelta {
    t(second).since(t(0.0))
}

pub(super) fn range(start: f64, end: f64) -> TimeRange {
    TimeRange::new(t(start), t(end)).unwrap()
}

/// An exact stamp, as the fields of an event hold it.
#[expect(clippy::unnecessary_wraps, reason = "it is written into optional fields")]
pub(super) fn at(second: f64) -> Option<WrittenTime> {
    Some(WrittenTime::exact(t(second)))
}

/// A stamp in whole seconds, as the fields of an event hold it.
#[expect(clippy::unnecessary_wraps, reason = "it is written into optional fields")]
pub(super) fn sec(second: i64) -> Option<WrittenTime> {
    Some(WrittenTime::from_second(second))
}

/// A record of host 100.64.0.`host` on UDP port 4000 towards one destination.
pub(super) fn record(kind: EventKind, host: u8, time: f64) -> Event {
    Event {
        kind,
        time: at(time),
        protocol: Some(Protocol::UDP),
        inside: Some(format!("100.64.0.{host}").parse().unwrap()),
        inside_port: Some(5000),
        outside: Some(ADDR),
        ports: Some(PortRange::single(4000)),
        destination: Some(Destination::new(Ipv4Addr::new(192, 0, 2, 1), 53)),
        ..Event::default()
    }
}

pub(super) fn create(host: u8, time: f64) -> Event {
    record(EventKind::SessionCreate, host, time)
}

pub(super) fn update(host: u8, time: f64, timeout: u32) -> Event {
    Event { timeout_second: Some(timeout), ..record(EventKind::Update, host, time) }
}

pub(super) fn delete(host: u8, time: f64) -> Event {
    record(EventKind::SessionDelete, host, time)
}

/// A release that logs its start and stop in whole seconds, of a flow that expired.
pub(super) fn full(host: u8, start: i64, stop: i64, time: f64) -> Event {
    Event { start: sec(start), stop: sec(stop), killed: Some(false), ..delete(host, time) }
}

pub(super) fn tcp(event: Event) -> Event {
    Event { protocol: Some(Protocol::TCP), ..event }
}

pub(super) fn state(event: Event, state: TcpState) -> Event {
    Event { state: Some(state), ..tcp(event) }
}

pub(super) fn id(event: Event, id: u64) -> Event {
    Event { flow_id: Some(id), ..event }
}

/// A record of other ports and a flow of its own, so that the source is being written then.
pub(super) fn noise(time: f64) -> Event {
    let elsewhere = Ipv4Addr::from(u32::try_from(t(time).as_microsecond() / 10_000).unwrap());
    let destination = Some(Destination { addr: elsewhere, port: None });
    Event { ports: Some(PortRange::single(9)), destination, ..create(99, time) }
}

/// `conntrack` without its allowance for late stamps, so that the drawings stay small.
pub(super) fn punctual() -> Profile {
    Profile { late: TimeDelta::ZERO, ..Profile::conntrack() }
}

pub(super) fn assemble(profile: Profile, events: &[Event]) -> Assembled {
    assemble_with(profile, events, |_| {})
}

pub(super) fn assemble_with(
    profile: Profile,
    events: &[Event],
    before_end: impl FnOnce(&mut Assembler),
) -> Assembled {
    let mut assembler = Assembler::new(profile);
    for event in events {
        assembler.push(SourceId(0), event).unwrap();
    }
    before_end(&mut assembler);
    let done = assembler.finish(None);
    assert!(done.audit.adds_up(), "{:?}", done.audit);
    done
}

/// What was made of port 4000 (or a block), by host and begin.
pub(super) fn made(done: &Assembled) -> Vec<(u8, Allocation)> {
    let mut found: Vec<(u8, Allocation)> = done
        .allocations
        .iter()
        .filter(|a| a.ports != PortRange::single(9))
        .map(|a| {
            let host = &done.hosts[a.inside.0 as usize];
            (host.to_string().rsplit('.').next().unwrap().parse().unwrap(), *a)
        })
        .collect();
    found.sort_by_key(|(host, a)| (a.created, a.outer.end(), *host));
    found
}

/// The only allocation.
pub(super) fn one(done: &Assembled) -> Allocation {
    let made = made(done);
    assert_eq!(made.len(), 1, "{made:?}");
    made[0].1
}
