//! The question: whatever the asker holds.

use std::net::Ipv4Addr;

use serde::Serialize;

use crate::allocation::Destination;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Tolerance, WrittenTime};

/// How far before the packet's true time the stamp of a server may lie.
///
/// Servers stamp from coarse and cached clocks: BIND wrote 91 % of its stamps before the packet was sent, 4.6 ms
/// early on an idle machine and 127 ms on a loaded one. A stamp in whole seconds comes from the same clocks: one that
/// is 5 ms early writes the second before for a packet sent at its end.
pub const DEFAULT_EARLY: TimeDelta = TimeDelta::from_millisecond(150);

/// What somebody asks: who was behind this address?
///
/// Only the address and the time are needed; each missing fact widens the answer.
///
/// ```
/// use portledger::resolver::Inquiry;
/// use portledger::time::WrittenTime;
/// use portledger::Protocol;
///
/// let time = WrittenTime::parse("2026-11-02T03:04:05Z", None)?;
/// let inquiry = Inquiry::new("203.0.113.7".parse()?, time).port(40_213).protocol(Protocol::TCP);
/// assert_eq!(inquiry.window().rfc3339(), "2026-11-02T03:04:05Z/2026-11-02T03:04:06.15Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Inquiry {
    pub(super) addr: Ipv4Addr,
    pub(super) port: Option<u16>,
    pub(super) protocol: Option<Protocol>,
    pub(super) time: WrittenTime,
    pub(super) tolerance: Tolerance,
    pub(super) early: TimeDelta,
    pub(super) destinations: Vec<Destination>,
}

impl Inquiry {
    /// Who was behind the address at the written time?
    pub fn new(addr: Ipv4Addr, time: WrittenTime) -> Inquiry {
        Inquiry {
            addr,
            port: None,
            protocol: None,
            time,
            tolerance: Tolerance::ZERO,
            early: DEFAULT_EARLY,
            destinations: Vec::new(),
        }
    }

    /// On this public port (ICMP: with this outside echo identifier).
    pub fn port(mut self, port: u16) -> Inquiry {
        self.port = Some(port);
        self
    }

    /// With this protocol.
    pub fn protocol(mut self, protocol: Protocol) -> Inquiry {
        self.protocol = Some(protocol);
        self
    }

    /// The clock that wrote the time may have been off by so much.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Inquiry {
        self.tolerance = tolerance;
        self
    }

    /// How far the stamp may lie before the packet; [`DEFAULT_EARLY`] unless the asker knows better.
    pub fn early(mut self, early: TimeDelta) -> Inquiry {
        self.early = early.max(TimeDelta::ZERO);
        self
    }

    /// Towards this destination, or one of several.
    pub fn to(mut self, destination: Destination) -> Inquiry {
        self.destinations.push(destination);
        self
    }

    /// The public address.
    pub const fn addr(&self) -> Ipv4Addr {
        self.addr
    }

    /// The written time.
    pub const fn time(&self) -> WrittenTime {
        self.time
    }

    /// Every instant that is asked about: the interval that the digits truncate, widened by the tolerance, and by the
    /// early allowance behind it.
    pub fn window(&self) -> TimeRange {
        let start = self.time.start().minus(self.tolerance.earlier());
        let end = self.time.end().plus(self.tolerance.later()).plus(self.early);
        TimeRange::new(start, end).unwrap_or(self.time.range())
    }

    /// The port asked about; none for a protocol that has none.
    pub(super) fn one_port(&self) -> Option<u16> {
        self.port.filter(|_| !self.is_portless())
    }

    /// The ports asked about: all of them without a port, or for a protocol that has none.
    pub(super) fn ports(&self) -> PortRange {
        self.one_port().map_or(PortRange::ALL, PortRange::single)
    }

    /// The ports asked about as far as declared pools speak of them: a pool's ports are not echo identifiers, and
    /// without a protocol it may be one.
    pub(super) fn pool_ports(&self) -> PortRange {
        match self.protocol {
            None | Some(Protocol::ICMP) => PortRange::ALL,
            Some(_) => self.ports(),
        }
    }

    pub(super) fn is_portless(&self) -> bool {
        self.protocol.is_some_and(|p| !p.has_ports())
    }

    pub(super) fn is_compatible(&self, destination: Option<Destination>) -> bool {
        match destination {
            Some(own) if !self.destinations.is_empty() => {
                self.destinations.iter().any(|asked| asked.is_compatible(own))
            }
            _ => true,
        }
    }

    pub(super) fn shown(&self) -> ShownInquiry {
        ShownInquiry {
            public_ip: self.addr,
            port: self.port,
            protocol: self.protocol,
            time: self.time.range().rfc3339(),
            window: self.window().rfc3339(),
            tolerance: self.tolerance.to_string(),
            early_allowance_s: self.early.seconds().to_string(),
            to: self.destinations.clone(),
        }
    }
}

/// The question as the answer repeats it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ShownInquiry {
    /// The public address.
    pub public_ip: Ipv4Addr,
    /// The public port.
    pub port: Option<u16>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// The interval that the written time truncates.
    pub time: String,
    /// That interval, widened by tolerance and early allowance.
    pub window: String,
    /// The tolerance.
    pub tolerance: String,
    /// What was added for a server clock that stamps early.
    pub early_allowance_s: String,
    /// The destinations.
    pub to: Vec<Destination>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Inquiry {
        let time = WrittenTime::parse(text, None).unwrap();
        Inquiry::new(Ipv4Addr::new(203, 0, 113, 7), time)
    }

    #[test]
    fn a_written_time_is_the_interval_it_truncates() {
        assert_eq!(at("@5").early(TimeDelta::ZERO).window(), "@5/@6".parse().unwrap());
    }

    #[test]
    fn tolerance_widens_the_interval_on_its_own_side() {
        let q = at("@5").tolerance("-2s/+0s".parse().unwrap());
        assert_eq!(q.early(TimeDelta::ZERO).window(), "@3/@6".parse().unwrap());
    }

    #[test]
    fn a_stamp_gets_an_early_allowance_behind_it() {
        assert_eq!(at("@5.123").window(), "@5.123/@5.274".parse().unwrap());
        assert_eq!(at("@5.123").early(TimeDelta::ZERO).window(), "@5.123/@5.124".parse().unwrap());
        assert_eq!(at("@5").window(), "@5/@6.15".parse().unwrap());
    }

    #[test]
    fn a_destination_asked_for_is_compatible_with_one_that_was_not_recorded() {
        let q = at("@5").to("192.0.2.1:80".parse().unwrap()).to("192.0.2.2".parse().unwrap());
        assert!(q.is_compatible(None));
        assert!(q.is_compatible(Some("192.0.2.2:443".parse().unwrap())));
        assert!(!q.is_compatible(Some("192.0.2.1:443".parse().unwrap())));
    }
}
