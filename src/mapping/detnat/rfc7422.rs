//! The parameters of RFC 7422 section 2.1, and the arrangements of section 2.2.

use super::error::DetNatError;
use super::pool::AddressPool;
use super::shares::{Shares, Spread};
use super::sharing::{Cut, Sharing};
use super::space::PortSpace;
use super::{Algorithm, Deterministic, Layout};
use crate::port::PortSet;

/// In which order hosts are laid over outside addresses and ports.
///
/// The RFC's algorithms 3 (interlaced) and 4 (cryptographically random) are not here: the one is a sentence, the other
/// needs the key of each address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrangement {
    /// A = 0, the first C hosts fill the first outside address, and so on.
    AddressMajor,
    /// A = 0, the first block of every outside address, then the second of every one.
    PortMajor,
    /// A = 1, host `i` has the ports at the places `i mod C + n * C` of its address. The RFC's formula, read to the
    /// letter, gives one port to two hosts; this is the partition that it must mean.
    Staggered,
    /// A = 2, a host has the same ports on every outside address, its share divided by their number.
    RoundRobin,
}

/// A deterministic NAT by the parameters of RFC 7422.
///
/// `M`, the maximum of ports a user, is no parameter here: it bounds how many ports a host uses, not which.
///
/// The example of section 2.3:
///
/// ```
/// use portledger::mapping::detnat::{Arrangement, Deterministic, DetReverse, Rfc7422};
/// let nat = Deterministic::rfc7422(Rfc7422 {
///     inside: "198.51.100.1-198.51.100.14".parse()?,
///     outside: "192.0.2.1".parse()?,
///     compression: None,
///     dynamic_factor: 2,
///     reserved: "0-1023".parse().unwrap(),
///     arrangement: Arrangement::AddressMajor,
/// })?;
/// let outside = "192.0.2.1".parse().unwrap();
/// assert_eq!(nat.reverse(outside, 2001).inside(), Some("198.51.100.1".parse().unwrap()));
/// assert_eq!(nat.reverse(outside, 58_204), DetReverse::DynamicPool);
/// # Ok::<(), portledger::mapping::detnat::DetNatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rfc7422 {
    /// `I`, the inside addresses that are hosts, in order.
    pub inside: AddressPool,
    /// `O`, the outside addresses, in order.
    pub outside: AddressPool,
    /// `C`, how many hosts share an outside address. Left out, it is `|I| / |O|`, which must then be a whole number.
    pub compression: Option<u32>,
    /// `D`, how many blocks' worth of ports stay a dynamic pool; 0 for none.
    pub dynamic_factor: u32,
    /// `R`, the ports that no host gets. Port 0 is one of the ports that blocks are cut from unless it is here.
    pub reserved: PortSet,
    /// `A`.
    pub arrangement: Arrangement,
}

impl Deterministic {
    /// A NAT by the parameters of RFC 7422 section 2.1.
    ///
    /// A block has `floor((65536 - |R|) / (C + D))` ports; what is behind the `C` blocks is the dynamic pool when `D` is
    /// not 0, and nobody's otherwise.
    ///
    /// # Errors
    ///
    /// [`DetNatError`]: `C` too small for the hosts, or left out where it is no whole number; no port for each host.
    pub fn rfc7422(params: Rfc7422) -> Result<Deterministic, DetNatError> {
        let Rfc7422 { inside, outside, compression, dynamic_factor, reserved, arrangement } =
            params;
        let space = PortSpace::without(&reserved);
        let ports = u64::from(space.len());
        let parts = match compression {
            Some(c) => u64::from(c),
            None if inside.len() % outside.len() == 0 => inside.len() / outside.len(),
            None => {
                return Err(DetNatError::Unsettled {
                    what: "a ratio of inside to outside addresses that is no whole number",
                    advice: "give `compression`, how many hosts share an outside address",
                });
            }
        };
        let no_ports = |sharers| DetNatError::NoPorts { ports, sharers };
        let sharers = parts + u64::from(dynamic_factor);
        let block =
            ports.checked_div(sharers).filter(|b| *b > 0).ok_or_else(|| no_ports(sharers))?;
        let (parts, block, spread) = match arrangement {
            Arrangement::AddressMajor | Arrangement::Staggered => {
                (parts, block, Spread::AddressMajor)
            }
            Arrangement::PortMajor => (parts, block, Spread::PortMajor),
            Arrangement::RoundRobin => {
                if inside.len() > parts.saturating_mul(outside.len()) {
                    return Err(DetNatError::NotEnoughPorts {
                        hosts: inside.len(),
                        needed: inside.len().saturating_mul(block),
                        available: parts.saturating_mul(outside.len()).saturating_mul(block),
                    });
                }
                (inside.len(), block / outside.len(), Spread::Everywhere)
            }
        };
        let cut = match arrangement {
            Arrangement::Staggered => Cut::Staggered,
            _ => Cut::Contiguous,
        };
        let fit = |n: u64| u32::try_from(n).ok().filter(|n| u64::from(*n) <= ports);
        let (Some(parts), Some(block)) = (fit(parts), fit(block)) else {
            return Err(no_ports(parts));
        };
        let sharing = Sharing { space, parts, block, has_dynamic_pool: dynamic_factor > 0, cut };
        let shares = Shares::new(inside, outside, sharing, spread)?;
        Ok(Deterministic::new(Algorithm::Rfc7422, Layout::Shares(shares)))
    }
}
