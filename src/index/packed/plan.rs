//! How one column of one block is written: the frame that makes it smallest.

use super::bits::{bit_length, mask, zigzag};

/// What a column's values may be multiples of, counted from the base: stamps lie on a grid of milliseconds or
/// seconds.
pub(super) const DIVISORS: [i64; 3] = [1, 1_000, 1_000_000];

/// A frame of reference for the values of a column in a block.
///
/// A value fits when it is `base + field * divisor` with a field of `width` bits; the others are exceptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) base: i64,
    /// Bits a row, 0 to 64.
    pub(super) width: u32,
    /// Position in [`DIVISORS`].
    pub(super) divisor: u8,
    /// How many rows do not fit.
    pub(super) exceptions: usize,
    /// Bits an exception, 0 to 64.
    pub(super) exception_width: u32,
    /// Whether exceptions are counted in the divisor too.
    pub(super) exceptions_divided: bool,
}

/// Bits of an exception beside its value: the row in the block.
const EXCEPTION_ROW: usize = 8;

impl Plan {
    fn step(&self) -> i64 {
        DIVISORS.get(usize::from(self.divisor)).copied().unwrap_or(1)
    }

    /// The field of a value that fits.
    pub(super) fn field(&self, value: i64) -> Option<u64> {
        if value < self.base {
            return None;
        }
        let offset = value.wrapping_sub(self.base).cast_unsigned();
        let field = divide(offset, self.divisor)?;
        (field <= mask(self.width)).then_some(field)
    }

    /// What is written for a value that does not fit.
    pub(super) fn exception(&self, value: i64) -> u64 {
        let offset = value.wrapping_sub(self.base);
        zigzag(if self.exceptions_divided { offset / self.step() } else { offset })
    }

    /// The smallest plan for the values; `sorted` and `kept` are only memory.
    ///
    /// # Complexity
    ///
    /// Sorts `n` values, then `O(n)` for each width that could still be smaller; two or three in most columns.
    pub(super) fn best(values: &[i64], sorted: &mut Vec<i64>, kept: &mut Vec<i64>) -> Plan {
        let (Some(&low), Some(&high)) = (values.iter().min(), values.iter().max()) else {
            return Plan::default();
        };
        if low == high {
            return Plan { base: low, ..Plan::default() };
        }
        let anchors = [values.first(), values.get(values.len() / 2)];
        let grid = |divisor: &u8| {
            anchors
                .iter()
                .flatten()
                .find(|a| on_grid(values, ***a, *divisor))
                .map(|a| (*divisor, **a))
        };
        let grids: [Option<(u8, i64)>; 2] = [grid(&1), grid(&2)];
        let full = bit_length(distance(low, high));
        if grids == [None, None] && is_even(values, low, full) {
            return Plan { base: low, width: full, ..Plan::default() };
        }
        sorted.clear();
        sorted.extend_from_slice(values);
        sorted.sort_unstable();
        let mut best = (usize::MAX, Plan::default());
        search(sorted, sorted.len(), (low, high), 0, &mut best);
        for (divisor, anchor) in grids.into_iter().flatten() {
            kept.clear();
            kept.extend(sorted.iter().copied().filter(|v| is_on(*v, anchor, divisor)));
            search(kept, sorted.len(), (low, high), divisor, &mut best);
        }
        let mut plan = best.1;
        let strangers = || values.iter().copied().filter(|v| plan.field(*v).is_none());
        let exceptions = strangers().count();
        let divided = strangers().all(|v| v.wrapping_sub(plan.base) % plan.step() == 0);
        plan = Plan {
            exceptions,
            exceptions_divided: divided && exceptions > 0 && plan.divisor > 0,
            ..plan
        };
        let width = |v: &i64| bit_length(plan.exception(*v));
        let strangers = values.iter().filter(|v| plan.field(**v).is_none());
        Plan { exception_width: strangers.map(width).max().unwrap_or(0), ..plan }
    }
}

/// The quotient, if it is one; with the divisor a constant, for a division by it is a multiplication.
fn divide(offset: u64, divisor: u8) -> Option<u64> {
    match divisor {
        0 => Some(offset),
        1 => offset.is_multiple_of(1_000).then_some(offset / 1_000),
        _ => offset.is_multiple_of(1_000_000).then_some(offset / 1_000_000),
    }
}

/// Whether a value lies on the grid of `anchor`.
fn is_on(value: i64, anchor: i64, divisor: u8) -> bool {
    divide(distance(value.min(anchor), value.max(anchor)), divisor).is_some()
}

/// Whether at least three quarters of the values lie on the grid of `anchor`.
fn on_grid(values: &[i64], anchor: i64, divisor: u8) -> bool {
    let mut off = values.iter().filter(|v| !is_on(**v, anchor, divisor));
    off.nth(values.len() / 4).is_none()
}

/// Whether the values lie so evenly in their range that no narrower frame can be smaller, seen without sorting.
///
/// The range is cut into 16 parts. A window that is narrower by `k` bits meets no more than `2^(4-k) + 1` of them,
/// neighbours; what lies in the others is an exception.
fn is_even(values: &[i64], low: i64, full: u32) -> bool {
    let Some(shift) = full.checked_sub(4) else { return false };
    let mut parts = [0_usize; 16];
    for &value in values {
        let part = distance(low, value) >> shift;
        if let Some(part) = usize::try_from(part).ok().and_then(|p| parts.get_mut(p)) {
            *part += 1;
        }
    }
    // Those outside a window narrower by two bits or more reach a quarter of the range away.
    let each = EXCEPTION_ROW + (full as usize).saturating_sub(2);
    (1..=4_usize).all(|narrower| {
        let window = (1 << (4 - narrower)) + 1;
        let most = parts.windows(window).map(|w| w.iter().sum::<usize>()).max().unwrap_or(0);
        let exceptions = values.len() - most;
        let each = if narrower == 1 { EXCEPTION_ROW + 1 } else { each };
        // From the fourth on the rows might shrink to nothing.
        let rows = if narrower == 4 { 0 } else { full as usize - narrower };
        exceptions * each + values.len() * rows >= values.len() * full as usize
    })
}

/// Tries every width for the values on one grid, ascending, out of `rows` values between `limits`.
fn search(kept: &[i64], rows: usize, limits: (i64, i64), divisor: u8, best: &mut (usize, Plan)) {
    let step = DIVISORS.get(usize::from(divisor)).map_or(1, |s| s.cast_unsigned());
    let (Some(&low), Some(&high)) = (kept.first(), kept.last()) else { return };
    let full = bit_length(distance(low, high) / step);
    for width in (0..=full).rev() {
        let reach = mask(width).saturating_mul(step);
        let (count, base) = fullest(kept, reach);
        let exceptions = rows - count;
        // The furthest exception, one bit more for its side; near exceptions off the grid are not looked for.
        let above = if distance(base, limits.1) > reach { distance(base, limits.1) } else { 0 };
        let furthest = bit_length(distance(limits.0, base).max(above));
        let out = (furthest as usize + 1).min(64);
        let cost = rows * width as usize
            + if exceptions > 0 { 16 + exceptions * (EXCEPTION_ROW + out) } else { 0 };
        if cost < best.0 {
            *best = (cost, Plan { base, width, divisor, ..Plan::default() });
        }
        // A smaller width has no fewer exceptions; two bits below the full one, some are a quarter of it away.
        let least = if width + 2 <= full { (full as usize).saturating_sub(2) } else { 1 };
        if exceptions * (EXCEPTION_ROW + least.max(1)) > best.0 {
            break;
        }
    }
}

/// From the lower to the higher of two values; too large for a signed number.
fn distance(low: i64, high: i64) -> u64 {
    high.wrapping_sub(low).cast_unsigned()
}

/// The window of values no further than `reach` apart that holds most of them: how many, and the lowest.
fn fullest(ascending: &[i64], reach: u64) -> (usize, i64) {
    let mut best = (0, 0);
    let mut from = ascending.iter().enumerate();
    let Some(mut first) = from.next() else { return best };
    for (at, &value) in ascending.iter().enumerate() {
        while distance(*first.1, value) > reach {
            let Some(next) = from.next() else { break };
            first = next;
        }
        let count = at + 1 - first.0;
        if count > best.0 {
            best = (count, *first.1);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(values: &[i64]) -> Plan {
        Plan::best(values, &mut Vec::new(), &mut Vec::new())
    }

    #[test]
    fn a_constant_needs_no_bits() {
        assert_eq!(best(&[7; 256]), Plan { base: 7, ..Plan::default() });
        assert_eq!(best(&[i64::MIN; 3]).base, i64::MIN);
    }

    #[test]
    fn outliers_on_both_sides_do_not_widen_the_block() {
        let mut values: Vec<i64> = (0..254).map(|i| 1000 + i % 8).collect();
        values.extend([i64::MIN, i64::MAX]);
        let plan = best(&values);
        assert_eq!((plan.base, plan.width, plan.exceptions), (1000, 3, 2));
        assert_eq!(plan.exception_width, 64);
    }

    #[test]
    fn even_values_are_seen_to_be_even_without_sorting() {
        let even: Vec<i64> = (0..256).map(|i| -77 + i * 40_503 % 65_536).collect();
        assert!(is_even(&even, -77, 16));
        assert_eq!((best(&even).width, best(&even).exceptions), (16, 0));
        let heap: Vec<i64> = (0..256).map(|i| if i % 8 == 0 { i * 256 } else { 5 }).collect();
        assert!(!is_even(&heap, 0, 16) && best(&heap).width < 8);
    }

    #[test]
    fn a_grid_is_seen_through_a_value_beside_it() {
        let values: Vec<i64> = (0..256).map(|i| 123 + i * 1_000_000 + i64::from(i == 9)).collect();
        let plan = best(&values);
        assert_eq!((plan.divisor, plan.width, plan.exceptions), (2, 8, 1));
        assert_eq!(plan.field(123 + 9_000_001), None);
        assert_eq!(plan.field(123 + 255_000_000), Some(255));
    }

    #[test]
    fn the_whole_of_i64_fits_a_frame() {
        let values: Vec<i64> = (0..256_i64)
            .map(|i| i64::MIN.wrapping_add(i.wrapping_mul(0x0101_0101_0101_0101)))
            .collect();
        let plan = best(&values);
        assert!(values.iter().all(|v| plan.field(*v).is_some()), "{plan:?}");
    }
}
