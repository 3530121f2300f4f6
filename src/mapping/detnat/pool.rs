//! Addresses in the order in which a NAT counts them.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;

use super::error::{DetNatError, short};

/// The most pieces of one pool.
const MAX_PIECES: usize = 65_536;

/// An ordered list of IPv4 addresses, each at most once: an inside range `I` or an outside range `O` (RFC 7422
/// section 2).
///
/// The order is the one in which the pieces are written; it decides who is first, so it is kept.
///
/// # Text form
///
/// Prefixes, ranges and single addresses, joined by commas: `100.64.0.0/22,100.64.8.1-100.64.8.14`. A prefix holds all
/// of its addresses, the first and the last too; write a range where a NAT skips them
/// ([`AddressPool::usable`] makes it).
///
/// ```
/// use portledger::mapping::detnat::AddressPool;
/// let pool: AddressPool = "192.0.2.4/31,192.0.2.1-192.0.2.2".parse()?;
/// assert_eq!((pool.len(), pool.nth(2)), (4, Some("192.0.2.1".parse().unwrap())));
/// assert_eq!(pool.rank("192.0.2.2".parse().unwrap()), Some(3));
/// # Ok::<(), portledger::mapping::detnat::DetNatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPool {
    /// In the order of counting, never empty.
    pieces: Vec<Piece>,
    /// Places in `pieces`, ascending by address.
    by_addr: Vec<usize>,
    len: u64,
}

/// Whether the first (network) and last (broadcast) address of a prefix are hosts like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoundaryAddresses {
    /// They are hosts.
    Use,
    /// They are left out, and the counting starts at the second address. A /31 or /32 has none to leave out.
    Skip,
}

/// A closed range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    first: u32,
    last: u32,
    /// How many addresses stand before it.
    before: u64,
}

impl Piece {
    fn len(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }
}

impl AddressPool {
    /// Every address of a prefix; host bits are cleared.
    pub fn prefix(prefix: Ipv4Net) -> AddressPool {
        Self::one(prefix.network().into(), prefix.broadcast().into())
    }

    /// The addresses of a prefix without its first (network) and last (broadcast) one; of a /31 or /32 all.
    pub fn usable(prefix: Ipv4Net) -> AddressPool {
        let (first, last) = (u32::from(prefix.network()), u32::from(prefix.broadcast()));
        if prefix.prefix_len() >= 31 {
            Self::one(first, last)
        } else {
            Self::one(first + 1, last - 1)
        }
    }

    /// The addresses of a prefix, with or without its first and last one.
    pub fn of(prefix: Ipv4Net, boundary: BoundaryAddresses) -> AddressPool {
        match boundary {
            BoundaryAddresses::Use => Self::prefix(prefix),
            BoundaryAddresses::Skip => Self::usable(prefix),
        }
    }

    /// The addresses of closed ranges, in this order.
    ///
    /// # Errors
    ///
    /// [`DetNatError::Addresses`] where there is none or one runs backwards, [`DetNatError::Repeated`] where two share
    /// an address, [`DetNatError::TooManyPieces`] beyond 65,536.
    pub fn ranges<I>(ranges: I) -> Result<AddressPool, DetNatError>
    where
        I: IntoIterator<Item = (Ipv4Addr, Ipv4Addr)>,
    {
        let mut pieces = Vec::new();
        let mut len = 0;
        for (first, last) in ranges {
            if first > last {
                return Err(DetNatError::Addresses(format!("{first}-{last}")));
            }
            if pieces.len() == MAX_PIECES {
                return Err(DetNatError::TooManyPieces { limit: MAX_PIECES });
            }
            let piece = Piece { first: first.into(), last: last.into(), before: len };
            len += piece.len();
            pieces.push(piece);
        }
        if pieces.is_empty() {
            return Err(DetNatError::Addresses(String::new()));
        }
        let mut sorted: Vec<(Piece, usize)> = pieces.iter().copied().zip(0..).collect();
        sorted.sort_unstable_by_key(|(piece, _)| piece.first);
        for pair in sorted.windows(2) {
            if let [(low, _), (high, _)] = pair
                && high.first <= low.last
            {
                return Err(DetNatError::Repeated(Ipv4Addr::from(high.first).to_string()));
            }
        }
        let by_addr = sorted.into_iter().map(|(_, place)| place).collect();
        Ok(AddressPool { pieces, by_addr, len })
    }

    fn one(first: u32, last: u32) -> AddressPool {
        let piece = Piece { first, last, before: 0 };
        AddressPool { pieces: vec![piece], by_addr: vec![0], len: piece.len() }
    }

    /// How many addresses there are, 1 to 2^32.
    #[expect(clippy::len_without_is_empty, reason = "a pool is never empty")]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// The address at a place, counted from 0.
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of pieces.
    pub fn nth(&self, place: u64) -> Option<Ipv4Addr> {
        let after = self.pieces.partition_point(|p| p.before <= place);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        let offset = u32::try_from(place - piece.before).ok()?;
        let addr = piece.first.checked_add(offset)?;
        (addr <= piece.last).then_some(Ipv4Addr::from(addr))
    }

    /// The place of an address, counted from 0: the inverse of [`AddressPool::nth`].
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of pieces.
    pub fn rank(&self, addr: Ipv4Addr) -> Option<u64> {
        let addr = u32::from(addr);
        let piece_at = |place: &usize| self.pieces.get(*place);
        let after =
            self.by_addr.partition_point(|at| piece_at(at).is_some_and(|p| p.first <= addr));
        let piece = piece_at(self.by_addr.get(after.checked_sub(1)?)?)?;
        (addr <= piece.last).then(|| piece.before + u64::from(addr - piece.first))
    }

    /// The pieces as closed ranges of numbers, in the order of counting.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.pieces.iter().map(|piece| (piece.first, piece.last))
    }

    /// Whether the address is in the pool.
    pub fn contains(&self, addr: Ipv4Addr) -> bool {
        self.rank(addr).is_some()
    }
}

impl fmt::Display for AddressPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, piece) in self.pieces.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            let (first, last) = (Ipv4Addr::from(piece.first), Ipv4Addr::from(piece.last));
            if first == last {
                write!(f, "{first}")?;
            } else if piece.len().is_power_of_two() && u64::from(piece.first) % piece.len() == 0 {
                write!(f, "{first}/{}", 32 - piece.len().trailing_zeros())?;
            } else {
                write!(f, "{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for AddressPool {
    type Err = DetNatError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if s.bytes().filter(|b| *b == b',').count() >= MAX_PIECES {
            return Err(DetNatError::TooManyPieces { limit: MAX_PIECES });
        }
        let pieces: Result<Vec<_>, _> = s.split(',').map(parse_piece).collect();
        AddressPool::ranges(pieces?)
    }
}

fn parse_piece(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), DetNatError> {
    let bad = || DetNatError::Addresses(short(text));
    if text.contains('/') {
        let prefix = parse_prefix(text)?;
        return Ok((prefix.network(), prefix.broadcast()));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok((first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?))
}

/// A prefix without host bits.
pub(super) fn parse_prefix(text: &str) -> Result<Ipv4Net, DetNatError> {
    let prefix: Ipv4Net = text.parse().map_err(|_| DetNatError::Addresses(short(text)))?;
    if prefix.trunc() != prefix {
        return Err(DetNatError::HostBits(short(text)));
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn text_forms_are_inverses() {
        for text in ["0.0.0.0/0", "10.0.0.0/8,9.0.0.1-9.0.0.3,1.2.3.4", "255.255.255.254/31"] {
            let pool: AddressPool = text.parse().unwrap();
            assert_eq!(pool.to_string(), text);
            assert_eq!(pool.to_string().parse(), Ok(pool));
        }
        assert_eq!("10.0.0.1-10.0.0.1".parse::<AddressPool>().unwrap().to_string(), "10.0.0.1");
        assert_eq!("10.0.0.0-10.0.0.3".parse::<AddressPool>().unwrap().to_string(), "10.0.0.0/30");
    }

    #[test]
    fn rank_and_nth_are_inverses_at_every_place() {
        let pool: AddressPool = "10.0.0.8/30,10.0.0.0-10.0.0.2,10.0.0.4".parse().unwrap();
        assert_eq!(pool.len(), 8);
        for place in 0..8 {
            assert_eq!(pool.rank(pool.nth(place).unwrap()), Some(place));
        }
        assert_eq!(pool.nth(8), None);
        for outside in ["9.255.255.255", "10.0.0.3", "10.0.0.5", "10.0.0.12"] {
            assert_eq!(pool.rank(addr(outside)), None, "{outside}");
        }
        let all: AddressPool = "0.0.0.0/0".parse().unwrap();
        assert_eq!(all.len(), 1 << 32);
        assert_eq!(all.nth(u64::from(u32::MAX)), Some(Ipv4Addr::BROADCAST));
        assert_eq!((all.nth(1 << 32), all.nth(u64::MAX)), (None, None));
    }

    #[test]
    fn what_is_no_pool_is_refused() {
        for bad in
            ["", ",", "10.0.0.1/24", "10.0.0.2-10.0.0.1", "x", "10.0.0.0/33", "::/0", "1.2.3.4+"]
        {
            assert!(bad.parse::<AddressPool>().is_err(), "{bad}");
        }
        let twice = "10.0.0.0/30,10.0.0.3".parse::<AddressPool>();
        assert_eq!(twice, Err(DetNatError::Repeated("10.0.0.3".to_owned())));
    }

    #[test]
    fn usable_addresses_leave_out_network_and_broadcast() {
        let usable = |text: &str| AddressPool::usable(text.parse().unwrap()).to_string();
        assert_eq!(usable("198.51.100.0/28"), "198.51.100.1-198.51.100.14");
        assert_eq!(usable("198.51.100.0/31"), "198.51.100.0/31");
        assert_eq!(usable("198.51.100.7/32"), "198.51.100.7");
        assert_eq!(usable("198.51.100.0/30"), "198.51.100.1-198.51.100.2");
    }
}
