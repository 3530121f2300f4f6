//! The one fact: these ports on this public address were held by this inside host during this time.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// The far side of a flow, where it was recorded.
///
/// # Text form
///
/// `192.0.2.10:443`, or the address alone where the flow has no port there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Destination {
    /// The address that the flow went to.
    pub addr: Ipv4Addr,
    /// The port there; none for ICMP and other protocols without destination ports, or where only the address is known.
    pub port: Option<u16>,
}

impl Destination {
    /// A destination with its port.
    pub const fn new(addr: Ipv4Addr, port: u16) -> Destination {
        Destination { addr, port: Some(port) }
    }

    /// Whether both could be the same far side; what is missing on either side is compatible with everything.
    pub fn is_compatible(self, other: Destination) -> bool {
        self.addr == other.addr
            && match (self.port, other.port) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.addr),
            None => self.addr.fmt(f),
        }
    }
}

/// A text is not an address with or without a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IPv4 address, alone or with :PORT")]
pub struct ParseDestinationError(String);

impl FromStr for Destination {
    type Err = ParseDestinationError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let err = || ParseDestinationError(s.to_owned());
        let (addr, port) = match s.split_once(':') {
            Some((addr, port)) => (addr, Some(crate::port::parse_port(port).ok_or_else(err)?)),
            None => (s, None),
        };
        Ok(Destination { addr: addr.parse().map_err(|_| err())?, port })
    }
}

/// What a NAT hands out at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Grain {
    /// One flow or one port mapping; it belongs to who held the inside address when it was *made*.
    Session,
    /// A range of ports held across many flows; it belongs to who held the inside address when it was *used*.
    Block,
}

/// How the begin of an allocation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Began {
    /// A create record, or the start that a release record carries.
    Logged,
    /// Only that it was there when it was first seen.
    Assumed,
}

/// How the end of an allocation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Ended {
    /// A release record.
    Logged,
    /// The next holder of an exclusive key, or a restart of the device, shows that it was over by then.
    Implied,
    /// No end is known; it claims as long as [`crate::session`] says.
    Open,
    /// The profile's longest life ends it.
    Assumed,
}

impl fmt::Display for Began {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Began::Logged => "logged",
            Began::Assumed => "assumed",
        })
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ended::Logged => "logged",
            Ended::Implied => "implied",
            Ended::Open => "open",
            Ended::Assumed => "assumed",
        })
    }
}

/// Where a record stands in its source: bytes of the decompressed stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span {
    /// The first byte.
    pub offset: u64,
    /// How many bytes, the line ending left out.
    pub length: u32,
}

/// The number of a source in its ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SourceId(pub u32);

/// The number of an inside host in the table that stands beside the allocations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InsideId(pub u32);

/// A record of a source: evidence that can be pointed at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Place {
    /// The source.
    pub source: SourceId,
    /// Where in it.
    pub span: Span,
}

/// Which records an allocation was made from; at least one of the two is known for whatever was read from a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Origin {
    /// The record that created it.
    pub create: Option<Place>,
    /// The record that released it; it may stand in another file of the same stream.
    pub release: Option<Place>,
}

impl Origin {
    /// The record to show first: the create, or the release where it stands alone.
    pub fn first(&self) -> Option<Place> {
        self.create.or(self.release)
    }
}

/// Ports on a public address, held by an inside host for a time.
///
/// The stamps of a log are not the truth, so the time is three nested statements; [`crate::session`] draws them
/// and says how a source's profile makes them:
///
/// ```text
///        outer  |----------------------------------|   could have held it
///        inner       |-----------------------|         certainly held it
///        used   |--------------------|                 could have sent a packet
/// ```
///
/// # Complexity
///
/// A plain value of some 150 bytes; the inside host is a number into a table beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Allocation {
    /// The public address.
    pub addr: Ipv4Addr,
    /// The public ports; for ICMP the echo identifier, every port where the protocol has none.
    pub ports: PortRange,
    /// The protocol; none where the NAT gives ports for all of them at once.
    pub protocol: Option<Protocol>,
    /// The far side, where the source records it.
    pub destination: Option<Destination>,
    /// Who held the ports.
    pub inside: InsideId,
    /// The port on the inside, where it is recorded.
    pub inside_port: Option<u16>,
    /// Session or block.
    pub grain: Grain,
    /// No instant outside it can be this holder's.
    pub outer: TimeRange,
    /// Every instant in it is this holder's; none where the stamps leave no certain instant.
    pub inner: Option<TimeRange>,
    /// After this instant no packet of this holder can have left, though the mapping may still stand. Where no end
    /// of its own was logged (`released` is none): up to this instant its last record vouches for it.
    pub used_until: Timestamp,
    /// The create stamp, or the earliest begin where no create record is known.
    pub created: Timestamp,
    /// The release stamp; none where no release was read.
    pub released: Option<Timestamp>,
    /// How the begin is known.
    pub began: Began,
    /// How the end is known.
    pub ended: Ended,
    /// The records that prove it.
    pub origin: Origin,
}

impl Allocation {
    /// When it was made: from the earliest begin to the first instant at which it had certainly begun.
    ///
    /// A create stamp is cut off, so that is behind it by all that its digits leave open; a begin that nobody logged
    /// lies anywhere up to the first certain instant, or up to the end where there is none.
    pub fn made(&self) -> TimeRange {
        let tick = TimeDelta::from_microsecond(1);
        let begun = match (self.inner, self.began) {
            (Some(inner), _) => inner.start(),
            (None, Began::Logged) => self.used_until.minus(tick),
            (None, Began::Assumed) => self.outer.end().minus(tick),
        };
        let end = begun.max(self.created).plus(tick).min(self.outer.end());
        TimeRange::new(self.outer.start(), end).unwrap_or(TimeRange::instant(self.outer.start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destination_text_form_is_inverse() {
        for text in ["192.0.2.10:443", "192.0.2.10"] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        for bad in
            ["", "192.0.2.10:", ":443", "192.0.2.10:65536", "example.net:80", "192.0.2.10:+1"]
        {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_missing_destination_port_is_compatible_with_every_port() {
        let with: Destination = "192.0.2.10:443".parse().unwrap();
        let without: Destination = "192.0.2.10".parse().unwrap();
        let other: Destination = "192.0.2.10:80".parse().unwrap();
        assert!(with.is_compatible(without) && without.is_compatible(other));
        assert!(!with.is_compatible(other));
    }
}
