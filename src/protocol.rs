//! The protocol of a flow, which is part of the key of every logged allocation.

use std::fmt;
use std::str::FromStr;

/// An IP protocol number (IANA "Assigned Internet Protocol Numbers").
///
/// A NAT that keeps endpoint-independent mappings may give the TCP port and the UDP port of one number to
/// two subscribers (RFC 7857 section 5), so a question without a protocol can have two true answers.
///
/// # Text form
///
/// `tcp`, `udp` and `icmp` by name, every other protocol by number. Names are read in any case.
///
/// ```
/// use portledger::Protocol;
/// assert_eq!("UDP".parse::<Protocol>()?, Protocol::UDP);
/// assert_eq!(Protocol::new(47).to_string(), "47");
/// # Ok::<(), portledger::protocol::ParseProtocolError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(u8);

impl Protocol {
    /// Internet Control Message Protocol; its echo identifier plays the part of the port.
    pub const ICMP: Protocol = Protocol(1);
    /// Transmission Control Protocol.
    pub const TCP: Protocol = Protocol(6);
    /// User Datagram Protocol.
    pub const UDP: Protocol = Protocol(17);
    /// Datagram Congestion Control Protocol.
    pub const DCCP: Protocol = Protocol(33);
    /// Stream Control Transmission Protocol.
    pub const SCTP: Protocol = Protocol(132);
    /// UDP-Lite.
    pub const UDP_LITE: Protocol = Protocol(136);

    /// The protocol with this number.
    pub const fn new(number: u8) -> Protocol {
        Protocol(number)
    }

    /// The protocol number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether packets of this protocol carry something a NAT can use as a port.
    ///
    /// ICMP counts: its echo identifier is rewritten like a port (RFC 5508). GRE, ESP and 6in4 do not, so on a
    /// shared address nothing in such a packet tells two subscribers apart.
    pub const fn has_ports(self) -> bool {
        matches!(
            self,
            Self::ICMP | Self::TCP | Self::UDP | Self::DCCP | Self::SCTP | Self::UDP_LITE
        )
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ICMP => f.write_str("icmp"),
            Self::TCP => f.write_str("tcp"),
            Self::UDP => f.write_str("udp"),
            Protocol(n) => write!(f, "{n}"),
        }
    }
}

/// A protocol was neither `tcp`, `udp`, `icmp` nor a number from 0 to 255.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol: write tcp, udp, icmp or a number from 0 to 255")]
pub struct ParseProtocolError(String);

impl FromStr for Protocol {
    type Err = ParseProtocolError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if s.eq_ignore_ascii_case("tcp") {
            Ok(Self::TCP)
        } else if s.eq_ignore_ascii_case("udp") {
            Ok(Self::UDP)
        } else if s.eq_ignore_ascii_case("icmp") {
            Ok(Self::ICMP)
        } else if s.bytes().all(|b| b.is_ascii_digit()) {
            s.parse().map(Protocol).map_err(|_| ParseProtocolError(s.to_owned()))
        } else {
            Err(ParseProtocolError(s.to_owned()))
        }
    }
}

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(Protocol, u8, |p: &Protocol| p.0, |n| Ok::<
    _,
    std::convert::Infallible,
>(Protocol(n)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_inverse_for_every_number() {
        for n in 0..=255 {
            let p = Protocol::new(n);
            assert_eq!(p.to_string().parse(), Ok(p));
        }
    }

    #[test]
    fn what_is_no_protocol_is_named_in_the_error() {
        for bad in ["", "256", "-1", "tcpx", "+6", " tcp"] {
            let err = bad.parse::<Protocol>().unwrap_err();
            assert!(err.to_string().contains(bad), "{err}");
        }
    }
}
