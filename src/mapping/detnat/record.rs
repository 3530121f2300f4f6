//! The configuration record of RFC 7422 section 3, which an operator must keep of every change.

use std::fmt;
use std::str::FromStr;

use ipnet::Ipv4Net;

use super::Deterministic;
use super::error::{DetNatError, short};
use super::pool::AddressPool;
use super::record_reading::{PortZero, RecordReading};
use super::rfc7422::{Arrangement, Rfc7422};
use crate::port::{PortRange, PortSet};

/// What a CGN was told: `[time]:I:length:O:length:D:M:A:R`.
///
/// The record does not say enough to invert it; see [`RecordReading`]. Its time is local to the device and kept as text.
///
/// ```
/// use portledger::mapping::detnat::Rfc7422Record;
/// let text = "[Wed Oct 11 14:32:52 2000]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023,5004,5060";
/// let record: Rfc7422Record = text.parse()?;
/// assert_eq!((record.dynamic_factor, record.max_ports, record.algorithm), (2, 5040, 0));
/// assert_eq!(record.to_string(), text);
/// # Ok::<(), portledger::mapping::detnat::DetNatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rfc7422Record {
    /// When, as written between the brackets.
    pub time: String,
    /// `I`, as written: host bits are kept.
    pub inside: Ipv4Net,
    /// `O`, as written: host bits are kept.
    pub outside: Ipv4Net,
    /// `D`, the dynamic address pool factor.
    pub dynamic_factor: u32,
    /// `M`, the most ports a user may use.
    pub max_ports: u32,
    /// `A`, the number of the algorithm.
    pub algorithm: u8,
    /// `R`, the reserved ports, sorted and joined.
    pub reserved: PortSet,
}

impl Rfc7422Record {
    /// The NAT that the record describes, with `C = |I| / |O|`.
    ///
    /// # Errors
    ///
    /// [`DetNatError::NotSupported`] for the algorithms 3 to 5; otherwise as [`Deterministic::rfc7422`].
    pub fn deterministic(&self, reading: RecordReading) -> Result<Deterministic, DetNatError> {
        for prefix in [self.inside, self.outside] {
            if prefix.trunc() != prefix {
                return Err(DetNatError::HostBits(prefix.to_string()));
            }
        }
        let arrangement = match (self.algorithm, reading.sequential) {
            (0, order @ (Arrangement::AddressMajor | Arrangement::PortMajor)) => order,
            (0, _) => {
                return Err(DetNatError::Value {
                    key: "order",
                    value: "neither address-major nor port-major".to_owned(),
                    advice: "the record says algorithm 0, sequential: write one of these two",
                });
            }
            (1, _) => Arrangement::Staggered,
            (2, _) => Arrangement::RoundRobin,
            (3, _) => {
                return Err(DetNatError::NotSupported(
                    "algorithm 3, interlaced, is defined by its vendor",
                ));
            }
            (4, _) => {
                return Err(DetNatError::NotSupported(
                    "algorithm 4, cryptographically random, needs archived keys",
                ));
            }
            _ => return Err(DetNatError::NotSupported("the algorithm is its vendor's own")),
        };
        let zero = (reading.port_zero == PortZero::Reserve).then_some(PortRange::single(0));
        Deterministic::rfc7422(Rfc7422 {
            inside: AddressPool::of(self.inside, reading.inside),
            outside: AddressPool::of(self.outside, reading.outside),
            compression: None,
            dynamic_factor: self.dynamic_factor,
            reserved: self.reserved.ranges().iter().copied().chain(zero).collect(),
            arrangement,
        })
    }
}

impl fmt::Display for Rfc7422Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{}]:{}:{}:{}:{}:{}:{}:{}:{}",
            self.time,
            self.inside.addr(),
            self.inside.prefix_len(),
            self.outside.addr(),
            self.outside.prefix_len(),
            self.dynamic_factor,
            self.max_ports,
            self.algorithm,
            self.reserved
        )
    }
}

impl FromStr for Rfc7422Record {
    type Err = DetNatError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bad = |why| DetNatError::Record { text: short(s), why };
        let (time, rest) = s
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]:"))
            .ok_or_else(|| bad("the time is not in brackets"))?;
        if time.is_empty() || time.contains(['[', ']']) || time.contains(char::is_control) {
            return Err(bad("the time does not read"));
        }
        let mut fields = rest.split(':');
        let mut next =
            || fields.next().ok_or_else(|| bad("it has fewer than eight fields after the time"));
        let (inside, outside) = ((next()?, next()?), (next()?, next()?));
        let (dynamic, max, algorithm, reserved) = (next()?, next()?, next()?, next()?);
        if fields.next().is_some() {
            return Err(bad("it has more than eight fields after the time"));
        }
        let prefix = |(addr, len): (&str, &str)| {
            let len = number(len).and_then(|len| u8::try_from(len).ok());
            let prefix = addr.parse().ok().zip(len);
            prefix.and_then(|(addr, len)| Ipv4Net::new(addr, len).ok())
        };
        Ok(Rfc7422Record {
            time: time.to_owned(),
            inside: prefix(inside)
                .ok_or_else(|| bad("the inside range is no address and length"))?,
            outside: prefix(outside)
                .ok_or_else(|| bad("the outside range is no address and length"))?,
            dynamic_factor: number(dynamic).ok_or_else(|| bad("D is no number"))?,
            max_ports: number(max).ok_or_else(|| bad("M is no number"))?,
            algorithm: number(algorithm)
                .and_then(|a| u8::try_from(a).ok())
                .ok_or_else(|| bad("A is no number from 0 to 255"))?,
            reserved: reserved.parse().map_err(|_| bad("R is no list of ports"))?,
        })
    }
}

/// Plain decimal digits.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::detnat::{BoundaryAddresses, DetReverse};

    const SAMPLE: &str =
        "[Wed Oct 11 14:32:52 2000]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023,5004,5060";
    const READING: RecordReading = RecordReading {
        sequential: Arrangement::AddressMajor,
        inside: BoundaryAddresses::Skip,
        outside: BoundaryAddresses::Use,
        port_zero: PortZero::Reserve,
    };

    #[test]
    fn rfc_7422_section_3_sample_reads_and_prints() {
        let record: Rfc7422Record = SAMPLE.parse().unwrap();
        assert_eq!(record.time, "Wed Oct 11 14:32:52 2000");
        assert_eq!(record.reserved.len(), 1025);
        assert_eq!(record.to_string(), SAMPLE);
    }

    #[test]
    fn rfc_7422_section_3_sample_shares_out_what_is_not_reserved() {
        let nat = SAMPLE.parse::<Rfc7422Record>().unwrap().deterministic(READING).unwrap();
        // (65536 - 1026) / (14 + 2) = 4031; the first block has no reserved port within but two it steps over.
        assert_eq!(nat.parts(), Some((14, 4031)));
        let outside = "192.0.2.0".parse().unwrap();
        let (addr, ports) = nat.forward("198.51.100.1".parse().unwrap()).remove(0);
        assert_eq!((addr, ports.to_string().as_str()), (outside, "1024-5003,5005-5055"));
        let second = nat.forward("198.51.100.2".parse().unwrap()).remove(0).1;
        assert_eq!(second.to_string(), "5056-5059,5061-9087");
        for (port, kind) in [
            (0, "excluded-port"),
            (5004, "excluded-port"),
            (5060, "excluded-port"),
            (65_535, "dynamic-pool"),
        ] {
            assert_eq!(nat.reverse(outside, port).kind(), kind, "{port}");
        }
    }

    #[test]
    fn port_zero_moves_every_block() {
        let record: Rfc7422Record = SAMPLE.parse().unwrap();
        let nat =
            record.deterministic(RecordReading { port_zero: PortZero::Use, ..READING }).unwrap();
        assert_eq!(nat.reverse("192.0.2.0".parse().unwrap(), 0).block().unwrap().first(), 0);
        let (_, ports) = nat.forward("198.51.100.1".parse().unwrap()).remove(0);
        assert_eq!(ports.to_string(), "0,1024-5003,5005-5054");
    }

    #[test]
    fn what_the_record_leaves_open_must_be_said() {
        let mut record: Rfc7422Record = SAMPLE.parse().unwrap();
        let staggered = RecordReading { sequential: Arrangement::Staggered, ..READING };
        assert!(record.deterministic(staggered).is_err());
        record.algorithm = 1;
        let nat = record.deterministic(READING).unwrap();
        let reverse = nat.reverse("192.0.2.0".parse().unwrap(), 1025);
        assert_eq!(reverse.inside(), Some("198.51.100.2".parse().unwrap()));
        for unknown in 3..=6 {
            record.algorithm = unknown;
            assert!(matches!(record.deterministic(READING), Err(DetNatError::NotSupported(_))));
        }
        record.algorithm = 2;
        assert!(matches!(
            record.deterministic(READING).unwrap().reverse("192.0.2.0".parse().unwrap(), 9999),
            DetReverse::Mapped { .. }
        ));
    }

    #[test]
    fn texts_that_are_no_record_are_refused() {
        for bad in [
            "",
            "198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023",
            "[]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023",
            "[t]:198.51.100.0:33:192.0.2.0:32:2:5040:0:1-1023",
            "[t]:198.51.100.0:28:192.0.2.0:32:2:5040:0",
            "[t]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023:",
            "[t]:198.51.100.0:28:192.0.2.0:32:-2:5040:0:1-1023",
            "[t]:198.51.100.0:28:192.0.2.0:32:2:5040:256:1-1023",
            "[t]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023,",
            "[t]:198.51.100.0::192.0.2.0:32:2:5040:0:1-1023",
        ] {
            assert!(
                matches!(bad.parse::<Rfc7422Record>(), Err(DetNatError::Record { .. })),
                "{bad}"
            );
        }
    }
}
