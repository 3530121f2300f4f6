//! How the ports of one outside address are divided among those who share it.

use super::permuted::Permuted;
use super::space::PortSpace;
use crate::port::{PortRange, PortSet};

/// Whose part of an outside address a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// The part with this number.
    Of(u32),
    /// Reserved.
    Excluded,
    /// In no part.
    Leftover,
    /// In the pool that is handed out on demand.
    Dynamic,
}

/// The parts of one outside address, the same on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sharing {
    /// The ports that parts are cut from.
    pub(super) space: PortSpace,
    /// How many parts there are, at least 1.
    pub(super) parts: u32,
    /// How many ports a part has, at least 1; `parts * block` ports are there.
    pub(super) block: u32,
    /// Whether the ports behind the last part are a dynamic pool.
    pub(super) has_dynamic_pool: bool,
    pub(super) cut: Cut,
}

/// Which of the ports, by their place, are a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// `block` neighbours: part b has the places from `b * block`.
    Contiguous,
    /// Every `parts`-th: part b has the places `b + n * parts` (RFC 7422, A = 1).
    Staggered,
    /// Contiguous blocks of places that a permutation has shuffled.
    Permuted(Permuted),
}

impl Sharing {
    pub(super) fn share(&self, port: u16) -> Share {
        let Some(place) = self.space.rank(port) else { return Share::Excluded };
        let place = match &self.cut {
            Cut::Contiguous | Cut::Staggered => place,
            Cut::Permuted(permuted) => match permuted.place_of(place) {
                Some(place) => place,
                None => return Share::Leftover,
            },
        };
        if place >= self.parts * self.block {
            return if self.has_dynamic_pool { Share::Dynamic } else { Share::Leftover };
        }
        Share::Of(match self.cut {
            Cut::Staggered => place % self.parts,
            Cut::Contiguous | Cut::Permuted(_) => place / self.block,
        })
    }

    /// The ports that are handed out on demand.
    pub(super) fn dynamic_ports(&self) -> PortSet {
        if !self.has_dynamic_pool {
            return PortSet::default();
        }
        match &self.cut {
            Cut::Contiguous | Cut::Staggered => {
                self.space.select_range(self.parts * self.block, self.space.len())
            }
            Cut::Permuted(_) => (0..=u16::MAX)
                .filter(|port| self.share(*port) == Share::Dynamic)
                .map(PortRange::single)
                .collect(),
        }
    }

    /// The ports of a part; none beyond the last.
    pub(super) fn ports(&self, part: u32) -> PortSet {
        if part >= self.parts {
            return PortSet::default();
        }
        let single = |place| self.space.select(place).map(PortRange::single);
        match &self.cut {
            Cut::Contiguous => self.space.select_range(part * self.block, self.block),
            Cut::Staggered => {
                (0..self.block).filter_map(|n| single(part + n * self.parts)).collect()
            }
            Cut::Permuted(permuted) => (0..self.block)
                .filter_map(|n| single(permuted.offset_of(part * self.block + n)?))
                .collect(),
        }
    }
}
