//! From an address to its regions: an open hash table, one probe for most addresses.

use super::shape::{half, quarter};

pub(super) const PLANE_BYTES: usize = 16;
/// No further plane.
pub(super) const NONE: u32 = u32::MAX;

/// The regions of one grain on one address.
///
/// ```text
/// u32 address | u32 first region | u16 place among the addresses that share the region | u8 log2 of ports a region
/// | u8 in use | u32 next plane of the address
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plane {
    pub(super) addr: u32,
    pub(super) region: u32,
    /// Which of the addresses that share the region it is.
    pub(super) place: u16,
    /// Regions have 2^this ports.
    pub(super) port_shift: u8,
    /// Its number in the further planes; [`NONE`] where there is no further one.
    pub(super) next: u32,
}

impl Plane {
    pub(super) fn to_bytes(self) -> [u8; PLANE_BYTES] {
        let words = [
            u64::from(self.addr) | u64::from(self.region) << 32,
            u64::from(self.place)
                | u64::from(self.port_shift) << 16
                | 1 << 24
                | u64::from(self.next) << 32,
        ];
        let mut out = [0; PLANE_BYTES];
        for (to, from) in out.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    /// The plane of a slot; none where the slot is free.
    #[inline]
    pub(super) fn from_bytes(bytes: &[u8; PLANE_BYTES]) -> Option<Plane> {
        let wide = u128::from_le_bytes(*bytes);
        let (low, high) = (super::clock::low(wide), super::clock::low(wide >> 64));
        (high >> 24 & 1 == 1).then_some(Plane {
            addr: half(low),
            region: half(low >> 32),
            place: quarter(high),
            port_shift: (quarter(high >> 16).to_le_bytes()[0]).min(16),
            next: half(high >> 32),
        })
    }
}

/// How many slots a table of so many addresses has: at most three quarters are in use.
pub(super) fn slots(addresses: usize) -> usize {
    addresses + addresses / 3 + 1
}

/// The first slot to look at.
#[inline]
pub(super) fn home(addr: u32, slots: usize) -> usize {
    // Fibonacci hashing: the golden ratio spreads the runs of addresses that pools are.
    let hash = u64::from(addr.wrapping_mul(0x9E37_79B9));
    usize::try_from((hash * slots as u64) >> 32).unwrap_or(0)
}

/// Puts the first plane of every address into its slot.
pub(super) fn table(planes: &[Plane]) -> Vec<[u8; PLANE_BYTES]> {
    let size = slots(planes.len());
    let mut table = vec![[0; PLANE_BYTES]; size];
    for plane in planes {
        let mut at = home(plane.addr, size);
        while let Some(slot) = table.get_mut(at) {
            if Plane::from_bytes(slot).is_none() {
                *slot = plane.to_bytes();
                break;
            }
            at = if at + 1 == size { 0 } else { at + 1 };
        }
    }
    table
}

/// The first plane of an address; a table without a free slot is given up after `size` probes.
#[inline]
pub(super) fn find(table: &[[u8; PLANE_BYTES]], addr: u32) -> Option<Plane> {
    find_from(table, addr, home(addr, table.len()))
}

/// The same, from its [`home`] on.
#[inline]
pub(super) fn find_from(table: &[[u8; PLANE_BYTES]], addr: u32, home: usize) -> Option<Plane> {
    let size = table.len();
    let mut at = home;
    for _ in 0..size {
        let plane = Plane::from_bytes(table.get(at)?)?;
        if plane.addr == addr {
            return Some(plane);
        }
        at = if at + 1 == size { 0 } else { at + 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_found_and_no_other() {
        for count in [0_u32, 1, 2, 3, 100, 1000] {
            let planes: Vec<Plane> = (0..count)
                .map(|n| Plane {
                    addr: 0xC612_0000 + n * 3,
                    region: n,
                    place: 1,
                    port_shift: 9,
                    next: NONE,
                })
                .collect();
            let table = table(&planes);
            for plane in &planes {
                assert_eq!(find(&table, plane.addr), Some(*plane));
                assert_eq!(find(&table, plane.addr + 1), None);
            }
            assert_eq!(find(&table, 7), None);
        }
        let full =
            vec![Plane { addr: 1, region: 0, place: 0, port_shift: 16, next: NONE }.to_bytes(); 8];
        assert_eq!(find(&full, 2), None);
    }
}
