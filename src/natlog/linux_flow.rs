//! What the two tuples of a flow of the Linux connection tracker say about a source NAT, whoever prints them.
//!
//! | fact | where |
//! |---|---|
//! | public address and port | reply destination (ICMP: reply identifier) |
//! | inside host and port | original source (ICMP: original identifier) |
//! | destination as the world sees it | reply source (ICMP: the address alone) |
//!
//! A flow whose original source and reply destination agree was not translated; a flow whose destination alone was
//! translated is a port forward.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::civil::DateTime;

use super::{Event, RejectReason};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, Timestamp, WrittenTime, Zone};

/// How long after the kernel's stop a destroy event may be logged. Garbage collection takes a minute or so; the next
/// time zone is 15 minutes away.
const LATEST_DESTROY: TimeDelta = TimeDelta::from_second(14 * 60);

/// One direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuple {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) ends: Ends,
}

/// What tells the flows between two addresses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The protocol has nothing of the kind.
    None,
    /// It has, and the format leaves it out.
    Unlogged,
    Ports {
        src: u16,
        dst: u16,
    },
    Icmp {
        id: u16,
    },
}

/// Fills in who got which port, if the source was translated.
///
/// An echo flow whose identifier the format leaves out is no event. To take it for a holder of every identifier would
/// name its host for the packets of another whose line was lost.
pub(super) fn translate(
    event: &mut Event,
    protocol: Protocol,
    original: Tuple,
    reply: Tuple,
    host: impl FnOnce(Ipv4Addr) -> InsideHost,
) -> Result<(), RejectReason> {
    let (is_source, is_destination) = match (original.ends, reply.ends) {
        (Ends::Ports { src, dst }, Ends::Ports { src: reply_src, dst: reply_dst }) => {
            (src != reply_dst, dst != reply_src)
        }
        (Ends::Icmp { id }, Ends::Icmp { id: reply_id }) => (id != reply_id, false),
        (Ends::None, Ends::None) | (Ends::Unlogged, Ends::Unlogged) => (false, false),
        _ => return Err(RejectReason::BadPort),
    };
    let is_source = is_source || original.src != reply.dst;
    let is_destination = is_destination || original.dst != reply.src;
    let (inside, outside, far) = match (original.src, original.dst, reply.src, reply.dst) {
        (IpAddr::V4(inside), IpAddr::V4(_), IpAddr::V4(far), IpAddr::V4(outside)) => {
            (inside, outside, far)
        }
        (IpAddr::V6(_), IpAddr::V6(_), IpAddr::V6(_), IpAddr::V6(_)) => {
            return Err(if is_source {
                RejectReason::Ipv6Translation
            } else if is_destination {
                RejectReason::DestinationTranslation
            } else {
                RejectReason::NoTranslation
            });
        }
        _ => return Err(RejectReason::BadAddress),
    };
    let (inside_port, ports, far_port) = match (protocol, original.ends, reply.ends) {
        (Protocol::ICMP, Ends::Icmp { id }, Ends::Icmp { id: reply_id }) => {
            (Some(id), PortRange::single(reply_id), None)
        }
        (Protocol::ICMP, Ends::Unlogged, Ends::Unlogged) if is_source => {
            return Err(RejectReason::PortNotLogged);
        }
        (Protocol::ICMP, Ends::Unlogged, Ends::Unlogged) => (None, PortRange::ALL, None),
        (Protocol::ICMP, ..) => return Err(RejectReason::BadPort),
        (_, Ends::Ports { src, .. }, Ends::Ports { src: far_port, dst })
            if protocol.has_ports() =>
        {
            (Some(src), PortRange::single(dst), Some(far_port))
        }
        _ if protocol.has_ports() => return Err(RejectReason::BadPort),
        _ => (None, PortRange::ALL, None),
    };
    if !is_source {
        return Err(if is_destination {
            RejectReason::DestinationTranslation
        } else {
            RejectReason::NoTranslation
        });
    }
    event.inside = Some(host(inside));
    event.inside_port = inside_port;
    event.outside = Some(outside);
    event.ports = Some(ports);
    event.destination = Some(Destination { addr: far, port: far_port });
    Ok(())
}

/// The realm that a conntrack zone gives an inside address: `zone-N`, unless the options name one.
#[derive(Debug)]
pub(super) struct ZoneRealms {
    realm: Realm,
    by_zone: BTreeMap<u16, Realm>,
}

impl ZoneRealms {
    pub(super) fn new(realm: &Realm) -> ZoneRealms {
        ZoneRealms { realm: realm.clone(), by_zone: BTreeMap::new() }
    }

    pub(super) fn host(&mut self, addr: Ipv4Addr, zone: Option<u16>) -> InsideHost {
        let realm = match zone {
            Some(zone) if zone != 0 && self.realm.is_empty() => self
                .by_zone
                .entry(zone)
                .or_insert_with(|| Realm::new(&format!("zone-{zone}")))
                .clone(),
            _ => self.realm.clone(),
        };
        InsideHost::V4 { addr, realm }
    }
}

/// Tells an early end from expiry by what a destroy event still prints.
///
/// Since Linux 5.12 a destroy event still carries the remaining timeout if something cut the flow short (a reset, a
/// flush, an early drop), and none if it expired; the TCP state is there either way. Older kernels send neither, ever.
/// So a destroy without timeout is an expiry only if it has a state, or an earlier one of the same stream had a state
/// or timeout; before that it is unknown.
#[derive(Debug, Default)]
pub(super) struct KillMarks {
    /// A destroy of this stream has shown what only kernels print that mark early ends.
    are_made: bool,
}

impl KillMarks {
    /// What one destroy event says; `by_program` where it names a program that asked for it.
    pub(super) fn killed(
        &mut self,
        protocol: Protocol,
        timeout_second: Option<u32>,
        has_state: bool,
        by_program: bool,
    ) -> Option<bool> {
        let has_marks = timeout_second.is_some() || has_state;
        if has_marks {
            self.are_made = true;
        } else if protocol == Protocol::TCP {
            // A kernel that marks kills prints the state of every TCP flow.
            self.are_made = false;
        }
        if timeout_second.is_some() || by_program {
            Some(true)
        } else {
            self.are_made.then_some(false)
        }
    }
}

/// Keeps a value that may come once.
pub(super) fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), RejectReason> {
    if slot.replace(value).is_some() { Err(RejectReason::RepeatedField) } else { Ok(()) }
}

/// Refuses a stop, or a stamp, that was read in the wrong zone: it would move the end of the flow by hours.
pub(super) fn check_zone(event: &Event) -> Result<(), RejectReason> {
    let (Some(time), Some(stop)) = (event.time, event.stop) else { return Ok(()) };
    let second = TimeDelta::from_second(1);
    let is_after = stop.start() > time.end().plus(second);
    let is_before = stop.end().plus(LATEST_DESTROY) < time.start();
    if is_after || is_before { Err(RejectReason::ZoneMismatch) } else { Ok(()) }
}

/// A local stamp of a zone that nobody named, written at `from` or soon after it: every zone is whole quarters of an
/// hour from UTC, so the digits fit one instant of the quarter behind `from`, and no other.
pub(super) fn stamp_soon_after(
    from: Timestamp,
    civil: DateTime,
    subsecond_microsecond: i64,
    resolution_microsecond: i64,
) -> Option<WrittenTime> {
    const QUARTER: i64 = 15 * 60;
    let digits = Zone::UTC.instants(civil).ok()?.0.as_microsecond().div_euclid(1_000_000);
    // A second earlier: the clock that stamps lines may tick coarser than the kernel's.
    let from = from.as_microsecond().div_euclid(1_000_000) - 1;
    let second = from + (digits - from).rem_euclid(QUARTER);
    let micros = second.checked_mul(1_000_000)?.checked_add(subsecond_microsecond)?;
    Some(WrittenTime::new(Timestamp::from_microsecond(micros), resolution_microsecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_without_zone_is_placed_by_the_instant_before_it() {
        let from = Timestamp::from_microsecond(1_795_306_735_658_908);
        for (hour, minute, second, offset) in
            [(0, 18, 55, 0), (0, 19, 22, 27), (9, 18, 57, 2), (5, 48, 56, 1), (20, 3, 55, 0)]
        {
            let civil = DateTime::new(2026, 11, 22, hour, minute, second, 0).unwrap();
            let time = stamp_soon_after(from, civil, 0, 1_000_000).unwrap();
            assert_eq!(time.start(), Timestamp::from_second(1_795_306_735 + offset), "{civil}");
        }
        let civil = DateTime::new(2026, 11, 22, 0, 18, 54, 0).unwrap();
        let time = stamp_soon_after(from, civil, 999_000, 1_000).unwrap();
        assert_eq!(time.start(), Timestamp::from_microsecond(1_795_306_734_999_000));
    }
}
