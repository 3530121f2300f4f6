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
        sorted.clear();
        sorted.extend_from_slice(values);
        sorted.sort_unstable();
        let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else {
            return Plan::default();
        };
        if low == high {
            return Plan { base: low, ..Plan::default() };
        }
        let anchor = sorted.get(sorted.len() / 2).copied().unwrap_or(low);
        let mut best = (usize::MAX, Plan::default());
        search(sorted, sorted.len(), (low, high), 0, &mut best);
        for divisor in [1, 2] {
            if on_grid(sorted, anchor, divisor, kept) {
                search(kept, sorted.len(), (low, high), divisor, &mut best);
            }
        }
        let mut plan = best.1;
        let strangers = || values.iter().copied().filter(|v| plan.field(*v).is_none());
        let exceptions = strangers().count();
        let divided = strangers().all(|v| v.wrapping_sub(plan.base) % plan.step() == 0);
        plan = Plan { exceptions, exceptions_divided: divided && plan.divisor > 0, ..plan };
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

/// Keeps the values that lie on the grid of `anchor`; false as soon as a quarter does not.
fn on_grid(sorted: &[i64], anchor: i64, divisor: u8, kept: &mut Vec<i64>) -> bool {
    let mut left = sorted.len() / 4;
    kept.clear();
    for &value in sorted {
        if divide(distance(value.min(anchor), value.max(anchor)), divisor).is_some() {
            kept.push(value);
        } else if left == 0 {
            return false;
        } else {
            left -= 1;
        }
    }
    true
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
