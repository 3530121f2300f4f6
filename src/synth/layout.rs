//! Which ranges of ports an address is dealt in, and when.

use super::config::{TableConfig, TableKind};
use super::rng::{SplitMix64, to_f64};
use crate::port::PortRange;

/// The lowest port that is handed out: those below belong to services (RFC 6056).
pub(super) const FIRST_PORT: u16 = 1024;

/// A range of ports that has one tenant at a time, or, for sessions, 512 ports of like activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// The ports.
    pub(super) ports: PortRange,
    /// From when on they are dealt so, microseconds.
    pub(super) from: i64,
    /// Until when.
    pub(super) until: i64,
    /// How busy the slot is beside its neighbours.
    pub(super) activity: f64,
}

impl Slot {
    /// Its time in hours.
    pub(super) fn weight(&self) -> f64 {
        to_f64(u64::try_from(self.until - self.from).unwrap_or(0)) / 3.6e9
    }
}

/// Whether the ports are a power of two of them, from a multiple of their number on: what one mask can say.
pub(super) fn is_aligned(ports: PortRange) -> bool {
    ports.len().is_power_of_two() && u32::from(ports.first()).is_multiple_of(ports.len())
}

/// Block sizes in use: powers of two and others.
const SIZES: [u16; 11] = [64, 96, 128, 200, 256, 500, 512, 1000, 1024, 1500, 2048];

/// The slots of an address, ascending by port within a time.
///
/// A /24 has one size; 15 % of addresses mix sizes by regions of 4096 ports. By default, the blocks of half of the
/// /24s do not begin at 1024 and every fifth address changes its size halfway.
pub(super) fn layout(config: &TableConfig, index: u32) -> Vec<Slot> {
    let from = config.start.as_microsecond();
    let until = from + config.span();
    let rng = &mut SplitMix64::stream(config.seed, (1 << 40) | u64::from(index));
    if config.kind == TableKind::Sessions {
        return regions(FIRST_PORT, u16::MAX, 512)
            .map(|ports| Slot { ports, from, until, activity: rng.lognormal(1.0, 1.0) })
            .collect();
    }
    let net = &mut SplitMix64::stream(config.seed, (1 << 41) | u64::from(index >> 8));
    let size = net.pick(&SIZES).copied().unwrap_or(512);
    let shift = if net.chance(config.unaligned_share) { 0 } else { size / 2 + 1 };
    let mut slots = Vec::new();
    if rng.chance(0.15) {
        for region in regions(FIRST_PORT, u16::MAX, 4096) {
            let size = rng.pick(&SIZES).copied().unwrap_or(512);
            deal(&mut slots, region, size, from, until);
        }
        return slots;
    }
    let whole = PortRange::new(FIRST_PORT + shift, u16::MAX).unwrap_or(PortRange::ALL);
    if rng.chance(config.resized_share) {
        let tick = config.tick();
        let middle = config.middle().div_euclid(tick) * tick;
        deal(&mut slots, whole, size, from, middle);
        let other = rng.pick(&SIZES).copied().unwrap_or(512);
        deal(&mut slots, whole, other, middle, until);
    } else {
        deal(&mut slots, whole, size, from, until);
    }
    slots
}

/// Deals the ports in blocks of one size; what is left over at the top goes to nobody.
fn deal(slots: &mut Vec<Slot>, ports: PortRange, size: u16, from: i64, until: i64) {
    let whole = regions(ports.first(), ports.last(), size).filter(|r| r.len() == u32::from(size));
    slots.extend(whole.map(|ports| Slot { ports, from, until, activity: 1.0 }));
}

/// The ports from `first` to `last` in ranges of `size`, the last one perhaps shorter.
fn regions(first: u16, last: u16, size: u16) -> impl Iterator<Item = PortRange> {
    (first..=last)
        .step_by(usize::from(size.max(1)))
        .filter_map(move |from| PortRange::new(from, from.saturating_add(size - 1).min(last)).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_regions_hold_every_port_from_1024_up() {
        let slots = layout(&TableConfig::sessions(1), 0);
        assert_eq!(slots.len(), 126);
        assert_eq!(slots.iter().map(|s| s.ports.len()).sum::<u32>(), 64_512);
    }

    #[test]
    fn blocks_of_a_time_never_overlap_and_not_all_are_aligned() {
        let config = TableConfig { addresses: 2_048, ..TableConfig::blocks(3_000) };
        let (mut odd_size, mut unaligned, mut changed) = (0, 0, 0);
        for index in (0..2_048).step_by(37) {
            let slots = layout(&config, index);
            changed += u32::from(slots.iter().any(|s| s.from > config.start.as_microsecond()));
            for pair in slots.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                assert!(a.ports.last() < b.ports.first() || a.until <= b.from);
                odd_size += u32::from(!a.ports.len().is_power_of_two());
                unaligned += u32::from(!is_aligned(a.ports));
            }
        }
        assert!(
            odd_size > 1000 && unaligned > odd_size && changed > 3,
            "{odd_size} {unaligned} {changed}"
        );
    }
}
