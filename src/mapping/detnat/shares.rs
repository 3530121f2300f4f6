//! Inside hosts laid out over the parts of outside addresses: the arithmetic that most algorithms share.

use std::net::Ipv4Addr;

use super::error::DetNatError;
use super::pool::AddressPool;
use super::sharing::{Share, Sharing};
use super::{DetReverse, Owner};
use crate::port::PortSet;

/// Which inside host has which part of which outside address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// The first hosts fill the first outside address, the next the second.
    AddressMajor,
    /// As address-major; when the parts run out, the count starts again and parts get a second owner.
    AddressMajorAgain,
    /// The first part of every outside address, then the second of every one.
    PortMajor,
    /// Each host has its part on every outside address.
    Everywhere,
}

/// A pool of inside hosts on the parts of a pool of outside addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    inside: AddressPool,
    outside: AddressPool,
    sharing: Sharing,
    spread: Spread,
}

impl Shares {
    /// The layout, when every host gets a part.
    pub(super) fn new(
        inside: AddressPool,
        outside: AddressPool,
        sharing: Sharing,
        spread: Spread,
    ) -> Result<Shares, DetNatError> {
        let (parts, block) = (u64::from(sharing.parts), u64::from(sharing.block));
        let cut_from = match &sharing.cut {
            super::sharing::Cut::Permuted(permuted) => permuted.len().min(sharing.space.len()),
            _ => sharing.space.len(),
        };
        let ports = u64::from(cut_from);
        if parts == 0 || block == 0 {
            return Err(DetNatError::NoPorts { ports, sharers: parts.max(1) });
        }
        let shares = Shares { inside, outside, sharing, spread };
        let (hosts, needed_each) = match spread {
            Spread::Everywhere => (shares.inside.len(), block * shares.outside.len()),
            _ => (shares.inside.len(), block),
        };
        let does_fit = match spread {
            Spread::Everywhere => hosts <= parts,
            Spread::AddressMajorAgain => true,
            Spread::AddressMajor | Spread::PortMajor => hosts <= shares.slots(),
        };
        if parts * block > ports || !does_fit {
            return Err(DetNatError::NotEnoughPorts {
                hosts,
                needed: hosts.saturating_mul(needed_each),
                available: ports.min(parts * block) * shares.outside.len(),
            });
        }
        Ok(shares)
    }

    pub(super) const fn inside(&self) -> &AddressPool {
        &self.inside
    }

    pub(super) const fn outside(&self) -> &AddressPool {
        &self.outside
    }

    pub(super) const fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    pub(super) const fn spread(&self) -> Spread {
        self.spread
    }

    /// How many parts all outside addresses have together, at most 2^48.
    fn slots(&self) -> u64 {
        self.outside.len() * u64::from(self.sharing.parts)
    }

    /// The hosts that have a part of an outside address: none, one, or several where the count started again.
    fn hosts(&self, outside: u64, part: u32) -> impl Iterator<Item = Ipv4Addr> + '_ {
        let parts = u64::from(self.sharing.parts);
        let (first, step) = match self.spread {
            Spread::AddressMajor => (outside * parts + u64::from(part), u64::MAX),
            Spread::AddressMajorAgain => (outside * parts + u64::from(part), self.slots()),
            Spread::PortMajor => (u64::from(part) * self.outside.len() + outside, u64::MAX),
            Spread::Everywhere => (u64::from(part), u64::MAX),
        };
        // `nth` is the bound check: beyond the last host there is nobody.
        std::iter::successors(Some(first), move |place| place.checked_add(step))
            .map_while(|place| self.inside.nth(place))
    }

    pub(super) fn reverse(&self, addr: Ipv4Addr, port: u16) -> DetReverse {
        let Some(outside) = self.outside.rank(addr) else { return DetReverse::OutsidePool };
        let part = match self.sharing.share(port) {
            Share::Of(part) => part,
            Share::Excluded => return DetReverse::ExcludedPort,
            Share::Leftover => return DetReverse::LeftoverPort,
            Share::Dynamic => return DetReverse::DynamicPool,
        };
        let hosts: Vec<Ipv4Addr> = self.hosts(outside, part).collect();
        DetReverse::of(
            hosts
                .into_iter()
                .map(|inside| Owner { inside, ports: self.sharing.ports(part) })
                .collect(),
        )
    }

    pub(super) fn forward(&self, inside: Ipv4Addr) -> Vec<(Ipv4Addr, PortSet)> {
        let Some(host) = self.inside.rank(inside) else { return Vec::new() };
        let parts = u64::from(self.sharing.parts);
        let (outside, part) = match self.spread {
            Spread::AddressMajor | Spread::AddressMajorAgain => {
                let slot = host % self.slots();
                (slot / parts, slot % parts)
            }
            Spread::PortMajor => (host % self.outside.len(), host / self.outside.len()),
            Spread::Everywhere => (0, host),
        };
        let Ok(part) = u32::try_from(part) else { return Vec::new() };
        let ports = self.sharing.ports(part);
        let places = match self.spread {
            Spread::Everywhere => 0..self.outside.len(),
            _ => outside..outside + 1,
        };
        places.filter_map(|place| Some((self.outside.nth(place)?, ports.clone()))).collect()
    }

    pub(super) fn owners(&self, addr: Ipv4Addr) -> impl Iterator<Item = Owner> + '_ {
        let parts = self.outside.rank(addr).map(|outside| (0..self.sharing.parts, outside));
        parts.into_iter().flat_map(move |(parts, outside)| {
            parts.flat_map(move |part| {
                self.hosts(outside, part)
                    .map(move |inside| Owner { inside, ports: self.sharing.ports(part) })
            })
        })
    }
}
