//! Juniper deterministic NAPT44 (MX series).
//!
//! The vendor's pages define the block size (default 256; 0 means `int(64512 / ceil(inside / outside))`), the first port
//! 1024 and the offset of a host, `(address - first usable address) * block size`. How many hosts stand on one outside
//! address was not read in a source, and no device was asked: two readings are built, and one is required to be named
//! unless they agree.

use super::error::DetNatError;
use super::pool::AddressPool;
use super::shares::{Shares, Spread};
use super::sharing::{Cut, Sharing};
use super::space::PortSpace;
use super::vpp_det44::FROM_1024;
use super::{Algorithm, Deterministic, Layout};

/// How many hosts stand on one outside address, where the sources leave it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockSpread {
    /// `ceil(inside / outside)`: hosts are spread over all outside addresses.
    Rounded,
    /// `floor(64512 / block size)`: an outside address is filled before the next is used.
    Packed,
}

impl Deterministic {
    /// A rule with `deterministic-port-block-allocation`.
    ///
    /// `inside` starts at the first usable address of the `from` clause: without `include-boundary-addresses` the
    /// network and broadcast addresses of a prefix are left out ([`AddressPool::usable`]). The formula is not verified
    /// on a device ([`super::Sourcing::Unverified`]): compare one answer with a syslog line.
    ///
    /// # Errors
    ///
    /// [`DetNatError::Unsettled`] when the readings differ and `spread` names none; [`DetNatError::NotEnoughPorts`].
    pub fn juniper_napt44(
        inside: AddressPool,
        outside: AddressPool,
        block_size: u32,
        spread: Option<BlockSpread>,
    ) -> Result<Deterministic, DetNatError> {
        let space = PortSpace::only(FROM_1024);
        let rounded = inside.len().div_ceil(outside.len());
        let no_ports = || DetNatError::NoPorts { ports: u64::from(space.len()), sharers: rounded };
        let rounded = u32::try_from(rounded).map_err(|_| no_ports())?;
        let block = if block_size == 0 { space.len() / rounded.max(1) } else { block_size };
        if block == 0 {
            return Err(no_ports());
        }
        let packed = space.len() / block;
        // When all hosts fit on the first address, or blocks fill every one, every reading is the same.
        let do_agree = inside.len() <= u64::from(rounded.min(packed))
            || (rounded == packed && space.len().is_multiple_of(block));
        let parts = match spread {
            Some(BlockSpread::Packed) => packed,
            Some(BlockSpread::Rounded) => rounded,
            None if do_agree => rounded,
            None => {
                return Err(DetNatError::Unsettled {
                    what: "how many hosts stand on one outside address",
                    advice: "compare a log line of the device with both readings, then give `spread` as `rounded` or `packed`",
                });
            }
        };
        let sharing =
            Sharing { space, parts, block, has_dynamic_pool: false, cut: Cut::Contiguous };
        let shares = Shares::new(inside, outside, sharing, Spread::AddressMajor)?;
        Ok(Deterministic::new(Algorithm::JuniperNapt44, Layout::Shares(shares)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn napt(
        inside: &str,
        outside: &str,
        block: u32,
        spread: Option<BlockSpread>,
    ) -> Result<Deterministic, DetNatError> {
        Deterministic::juniper_napt44(
            inside.parse().unwrap(),
            outside.parse().unwrap(),
            block,
            spread,
        )
    }

    #[test]
    fn a_host_counts_from_the_first_usable_address() {
        // 252 blocks of 256 fill an address: every reading agrees.
        let nat = napt("10.0.0.1-10.0.1.248", "192.0.2.1-192.0.2.2", 256, None).unwrap();
        let at = |addr: &str, port| {
            nat.reverse(addr.parse().unwrap(), port).inside().map(|i| i.to_string())
        };
        assert_eq!(at("192.0.2.1", 1024).as_deref(), Some("10.0.0.1"));
        assert_eq!(at("192.0.2.1", 65_535).as_deref(), Some("10.0.0.252"));
        assert_eq!(at("192.0.2.2", 1280).as_deref(), Some("10.0.0.254"));
        assert!(nat.describe().contains("not verified"), "{}", nat.describe());
    }

    #[test]
    fn where_readings_differ_one_must_be_named() {
        let (inside, outside) = ("10.0.0.1-10.0.0.100", "192.0.2.1-192.0.2.4");
        assert!(matches!(napt(inside, outside, 256, None), Err(DetNatError::Unsettled { .. })));
        let host = |spread| {
            let nat = napt(inside, outside, 256, Some(spread)).unwrap();
            nat.forward("10.0.0.26".parse().unwrap()).remove(0).0.to_string()
        };
        assert_eq!(host(BlockSpread::Rounded), "192.0.2.2");
        assert_eq!(host(BlockSpread::Packed), "192.0.2.1");
    }

    #[test]
    fn block_size_0_is_worked_out() {
        // int(64512 / ceil(65533 / 254)) = int(64512 / 259) = 249
        let nat =
            napt("10.1.0.1-10.1.255.253", "192.0.2.1-192.0.2.254", 0, Some(BlockSpread::Rounded));
        assert_eq!(nat.unwrap().parts(), Some((259, 249)));
        assert!(napt("10.0.0.0/8", "192.0.2.1", 0, None).is_err());
        assert!(napt("10.0.0.0/8", "192.0.2.1", 64_513, None).is_err());
    }
}
