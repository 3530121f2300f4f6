//! VyOS `nat cgnat`, `src/conf_mode/nat_cgnat.py`.
//!
//! Inside hosts in order take blocks of `port` ports from the `external-port-range` of the external hosts in order; what
//! is left of an address when no whole block fits stays unused. Network and broadcast addresses are hosts like others.
//!
//! Until VyOS 1.5 of June 2024 (its task T6412) only the total of ports was checked. With blocks that do not divide the
//! range the walk could then come round to the first address, and two hosts got one block.

use super::error::DetNatError;
use super::pool::AddressPool;
use super::shares::{Shares, Spread};
use super::sharing::{Cut, Sharing};
use super::space::PortSpace;
use super::{Algorithm, Deterministic, Layout};
use crate::port::PortRange;

/// What the release of VyOS checks before it hands out blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VyosCheck {
    /// The total of ports: blocks may repeat, and their ports are then [`super::DetReverse::Ambiguous`]. Right for
    /// every release: where a newer one accepts a configuration, both hand out the same blocks.
    TotalPorts,
    /// Whole blocks (since T6412): a configuration in which they would repeat is refused.
    WholeBlocks,
}

impl Deterministic {
    /// A rule of VyOS `nat cgnat`: pools in the order of their ranges (`seq`), `per-user-limit port` ports a host.
    ///
    /// # Errors
    ///
    /// [`DetNatError`]: a block larger than the range, on which VyOS never finishes; not enough ports by the check.
    pub fn vyos_cgnat(
        inside: AddressPool,
        outside: AddressPool,
        ports_per_user: u32,
        external_port_range: PortRange,
        check: VyosCheck,
    ) -> Result<Deterministic, DetNatError> {
        let space = PortSpace::only(external_port_range);
        if ports_per_user == 0 || ports_per_user > space.len() {
            return Err(DetNatError::Value {
                key: "ports_per_user",
                value: ports_per_user.to_string(),
                advice: "write a number from 1 to the length of the port range",
            });
        }
        let needed = inside.len().saturating_mul(u64::from(ports_per_user));
        let available = outside.len() * u64::from(space.len());
        if needed > available {
            return Err(DetNatError::NotEnoughPorts { hosts: inside.len(), needed, available });
        }
        let parts = space.len() / ports_per_user;
        let sharing = Sharing {
            space,
            parts,
            block: ports_per_user,
            has_dynamic_pool: false,
            cut: Cut::Contiguous,
        };
        let spread = match check {
            VyosCheck::TotalPorts => Spread::AddressMajorAgain,
            VyosCheck::WholeBlocks => Spread::AddressMajor,
        };
        let shares = Shares::new(inside, outside, sharing, spread)?;
        Ok(Deterministic::new(Algorithm::VyosCgnat, Layout::Shares(shares)))
    }
}
