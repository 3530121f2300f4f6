//! MikroTik `netmap` rules with a range of ports for each inside subnet, as py-cgnat writes them.
//!
//! Source: <https://github.com/williamabreu/py-cgnat>. The inside prefix is cut into subnets as large as the outside
//! prefix; subnet b gets ports `first_port + b * block` of every outside address, and `netmap` keeps the host part. The
//! script's numbers are 1536, 2000 and 32 subnets. Its rules for other protocols than TCP and UDP name no ports.

use ipnet::Ipv4Net;

use super::error::DetNatError;
use super::pool::AddressPool;
use super::shares::{Shares, Spread};
use super::sharing::{Cut, Sharing};
use super::space::PortSpace;
use super::{Algorithm, Deterministic, Layout};
use crate::port::PortRange;

impl Deterministic {
    /// `netmap` rules of `block` ports for each inside subnet, from `first_port`.
    ///
    /// # Errors
    ///
    /// [`DetNatError`]: more outside than inside addresses, blocks that run past port 65535.
    pub fn mikrotik_netmap(
        inside: Ipv4Net,
        outside: Ipv4Net,
        first_port: u16,
        block: u32,
    ) -> Result<Deterministic, DetNatError> {
        let (inside, outside) = (AddressPool::prefix(inside), AddressPool::prefix(outside));
        if outside.len() > inside.len() {
            return Err(DetNatError::MoreOutside { inside: inside.len(), outside: outside.len() });
        }
        let ports = PortRange::new(first_port, u16::MAX).unwrap_or(PortRange::ALL);
        let subnets = inside.len() / outside.len();
        let needed = subnets.saturating_mul(u64::from(block));
        let parts = u32::try_from(subnets).ok().filter(|_| needed <= u64::from(ports.len()));
        let Some(parts) = parts else {
            let available = u64::from(ports.len());
            return Err(DetNatError::NotEnoughPorts { hosts: subnets, needed, available });
        };
        let space = PortSpace::only(ports);
        let sharing =
            Sharing { space, parts, block, has_dynamic_pool: false, cut: Cut::Contiguous };
        let shares = Shares::new(inside, outside, sharing, Spread::PortMajor)?;
        Ok(Deterministic::new(Algorithm::MikrotikNetmap, Layout::Shares(shares)))
    }
}
