//! The det44 plugin of VPP (FD.io), `src/plugins/nat/det44/`.
//!
//! `ratio = 2^(outside length - inside length)` hosts share one outside address, with `64512 / ratio` ports each, from
//! 1024. The plugin's own reverse does not check that the block is one of the `ratio`: from ratio 2048 on the division
//! leaves ports over, and for those it names the next outside address's host.

use ipnet::Ipv4Net;

use super::error::DetNatError;
use super::pool::AddressPool;
use super::shares::{Shares, Spread};
use super::sharing::{Cut, Sharing};
use super::space::PortSpace;
use super::{Algorithm, Deterministic, Layout};
use crate::port::PortRange;

/// The ports that are not well known.
pub(super) const FROM_1024: PortRange = PortRange::new_assert(1024, 65_535);

impl Deterministic {
    /// A map of VPP det44: `det44 add in INSIDE out OUTSIDE`.
    ///
    /// Host bits are cleared, as VPP does. Of several maps VPP takes the first in which it finds an address, not the
    /// longest.
    ///
    /// # Errors
    ///
    /// [`DetNatError::MoreOutside`] and [`DetNatError::NoPorts`] (more than 64,512 hosts an address), where VPP divides
    /// by zero.
    pub fn vpp_det44(inside: Ipv4Net, outside: Ipv4Net) -> Result<Deterministic, DetNatError> {
        let (inside, outside) = (AddressPool::prefix(inside), AddressPool::prefix(outside));
        let layout = equal_blocks(inside, outside, Cut::Contiguous, FROM_1024)?;
        Ok(Deterministic::new(Algorithm::VppDet44, Layout::Shares(layout)))
    }
}

/// `|inside| / |outside|` hosts an address, with as many ports each as the division gives.
pub(super) fn equal_blocks(
    inside: AddressPool,
    outside: AddressPool,
    cut: Cut,
    ports: PortRange,
) -> Result<Shares, DetNatError> {
    if outside.len() > inside.len() {
        return Err(DetNatError::MoreOutside { inside: inside.len(), outside: outside.len() });
    }
    let space = PortSpace::only(ports);
    let cut_from = match &cut {
        Cut::Permuted(permuted) => permuted.len(),
        Cut::Contiguous | Cut::Staggered => space.len(),
    };
    let ratio = inside.len() / outside.len();
    let none = || DetNatError::NoPorts { ports: u64::from(cut_from), sharers: ratio };
    let parts = u32::try_from(ratio).map_err(|_| none())?;
    let block = cut_from / parts.max(1);
    if block == 0 {
        return Err(none());
    }
    let sharing = Sharing { space, parts, block, has_dynamic_pool: false, cut };
    Shares::new(inside, outside, sharing, Spread::AddressMajor)
}
