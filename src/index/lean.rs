//! The record that the index is built from: the part of an allocation that a lookup decides on, in 40 bytes.

use std::net::Ipv4Addr;

use super::cold::Known;
use crate::allocation::{Allocation, Began, Ended, Grain, InsideId, Origin};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

/// No protocol: the ports are held for all of them at once.
pub(super) const EVERY_PROTOCOL: u16 = 256;

/// Address, ports, protocol, *outer* time and inside host of an allocation.
///
/// A hundred million of them are 4 GB, where whole allocations are 15 GB.
///
/// ```
/// use portledger::index::Lean;
/// use portledger::{PortRange, Protocol, TimeRange, Timestamp};
/// let day = TimeRange::new(Timestamp::from_second(0), Timestamp::from_second(86_400))?;
/// let lean = Lean::new("192.0.2.1".parse()?, PortRange::single(443), Some(Protocol::TCP), day, Default::default());
/// assert_eq!(lean.outer(), day);
/// assert_eq!(std::mem::size_of::<Lean>(), 40);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lean {
    pub(super) start_microsecond: i64,
    pub(super) end_microsecond: i64,
    pub(super) addr: u32,
    pub(super) inside: u32,
    /// Which of the records given to the builder it is.
    pub(super) input: u32,
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) protocol: u16,
}

impl Lean {
    /// A record.
    pub fn new(
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        outer: TimeRange,
        inside: InsideId,
    ) -> Lean {
        Lean {
            start_microsecond: outer.start().as_microsecond(),
            end_microsecond: outer.end().as_microsecond(),
            addr: addr.to_bits(),
            inside: inside.0,
            input: 0,
            first: ports.first(),
            last: ports.last(),
            protocol: protocol.map_or(EVERY_PROTOCOL, |p| u16::from(p.number())),
        }
    }

    /// The public address.
    pub const fn addr(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.addr)
    }

    /// The public ports.
    pub fn ports(&self) -> PortRange {
        PortRange::new(self.first, self.last).unwrap_or(PortRange::single(self.first))
    }

    /// The protocol; none where the ports are held for all of them at once.
    pub fn protocol(&self) -> Option<Protocol> {
        u8::try_from(self.protocol).ok().map(Protocol::new)
    }

    /// The time outside which no instant is the holder's.
    pub fn outer(&self) -> TimeRange {
        let start = Timestamp::from_microsecond(self.start_microsecond);
        let end = Timestamp::from_microsecond(self.end_microsecond);
        TimeRange::new(start, end).unwrap_or(TimeRange::instant(start))
    }

    /// Where [`Lean::outer`] begins, microseconds since 1970-01-01T00:00:00Z.
    pub const fn start_microsecond(&self) -> i64 {
        self.start_microsecond
    }

    /// Where [`Lean::outer`] ends: the first microsecond that is not held any more.
    pub const fn end_microsecond(&self) -> i64 {
        self.end_microsecond
    }

    /// Who held the ports.
    pub const fn inside(&self) -> InsideId {
        InsideId(self.inside)
    }

    pub(super) const fn holds_at(&self, at_microsecond: i64) -> bool {
        self.start_microsecond <= at_microsecond && at_microsecond < self.end_microsecond
    }

    pub(super) const fn holds_port(&self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }

    pub(super) const fn serves(&self, protocol: u16) -> bool {
        self.protocol == protocol || self.protocol == EVERY_PROTOCOL || protocol == EVERY_PROTOCOL
    }
}

impl From<&Allocation> for Lean {
    fn from(a: &Allocation) -> Lean {
        Lean::new(a.addr, a.ports, a.protocol, a.outer, a.inside)
    }
}

/// What follows from the record alone: that it was certain and in use all the time.
impl From<&Lean> for Allocation {
    fn from(lean: &Lean) -> Allocation {
        let outer = lean.outer();
        let is_single = lean.first == lean.last;
        Allocation {
            addr: lean.addr(),
            ports: lean.ports(),
            protocol: lean.protocol(),
            destination: None,
            inside: lean.inside(),
            inside_port: None,
            grain: if is_single { Grain::Session } else { Grain::Block },
            outer,
            inner: Some(outer),
            used_until: outer.end(),
            created: outer.start(),
            released: Some(outer.end()),
            began: Began::Logged,
            ended: Ended::Logged,
            origin: Origin::default(),
        }
    }
}

impl From<&Lean> for Known {
    fn from(lean: &Lean) -> Known {
        Known {
            addr: lean.addr(),
            ports: lean.ports(),
            protocol: lean.protocol(),
            outer: lean.outer(),
            inside: lean.inside(),
        }
    }
}
