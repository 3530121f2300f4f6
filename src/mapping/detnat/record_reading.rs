//! What a configuration record of RFC 7422 leaves open, said in one word each.

use std::fmt;
use std::str::FromStr;

use super::pool::BoundaryAddresses;
use super::rfc7422::Arrangement;

/// How to read what a [`Rfc7422Record`](super::Rfc7422Record) leaves open; each answer moves ports from one subscriber
/// to another.
///
/// # Text form
///
/// `address-major` or `port-major`, then `use` or `skip` for the inside boundary, the same for the outside boundary,
/// then `use` or `reserve` for port 0: `address-major,skip,use,reserve`.
///
/// ```
/// use portledger::mapping::detnat::{PortZero, RecordReading};
/// let reading: RecordReading = "address-major,skip,use,reserve".parse()?;
/// assert_eq!(reading.port_zero, PortZero::Reserve);
/// assert_eq!(reading.to_string(), "address-major,skip,use,reserve");
/// # Ok::<(), portledger::mapping::detnat::ParseRecordReadingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordReading {
    /// Which order algorithm 0, "sequential", means: [`Arrangement::AddressMajor`] or [`Arrangement::PortMajor`].
    pub sequential: Arrangement,
    /// Whether the first and last inside address are hosts; in the RFC's example they are not.
    pub inside: BoundaryAddresses,
    /// Whether the first and last outside address are used.
    pub outside: BoundaryAddresses,
    /// Whether port 0 is given out where `R` does not name it.
    pub port_zero: PortZero,
}

/// Whether port 0 is the first port of a block, where the reserved list starts at 1 as in the RFC's sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortZero {
    /// It is given out.
    Use,
    /// It is reserved too.
    Reserve,
}

/// A text does not say how to read a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no reading of a record: write address-major or port-major, then use or skip for the inside boundary, the same for the outside boundary, then use or reserve for port 0, such as address-major,skip,use,reserve"
)]
pub struct ParseRecordReadingError(String);

impl fmt::Display for RecordReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The record has numbers of its own for the other arrangements.
        let order = match self.sequential {
            Arrangement::PortMajor => "port-major",
            _ => "address-major",
        };
        let boundary = |boundary| match boundary {
            BoundaryAddresses::Use => "use",
            BoundaryAddresses::Skip => "skip",
        };
        let zero = match self.port_zero {
            PortZero::Use => "use",
            PortZero::Reserve => "reserve",
        };
        write!(f, "{order},{},{},{zero}", boundary(self.inside), boundary(self.outside))
    }
}

impl FromStr for RecordReading {
    type Err = ParseRecordReadingError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let boundary = |word: &str| match word {
            "use" => Some(BoundaryAddresses::Use),
            "skip" => Some(BoundaryAddresses::Skip),
            _ => None,
        };
        let read = || {
            let [order, inside, outside, zero] =
                s.split(',').collect::<Vec<_>>().try_into().ok()?;
            Some(RecordReading {
                sequential: match order {
                    "address-major" => Arrangement::AddressMajor,
                    "port-major" => Arrangement::PortMajor,
                    _ => return None,
                },
                inside: boundary(inside)?,
                outside: boundary(outside)?,
                port_zero: match zero {
                    "use" => PortZero::Use,
                    "reserve" => PortZero::Reserve,
                    _ => return None,
                },
            })
        };
        read().ok_or_else(|| ParseRecordReadingError(super::error::short(s)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_inverses_and_others_are_refused() {
        for text in ["address-major,skip,use,reserve", "port-major,use,skip,use"] {
            assert_eq!(text.parse::<RecordReading>().unwrap().to_string(), text);
        }
        for bad in ["", "address-major", "staggered,use,use,use", "port-major,use,skip,use,use"] {
            assert!(bad.parse::<RecordReading>().is_err(), "{bad}");
        }
    }
}
