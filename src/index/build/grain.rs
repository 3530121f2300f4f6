//! The span and the step of an index, from its records.

use crate::index::clock::Clock;
use crate::index::lean::Lean;

/// The longest span in steps: beyond it instants count as its last step.
const MOST_STEPS: u64 = 1 << 52;
const HOUR_MICROSECOND: i64 = 3_600_000_000;

/// A clock for the records: its span holds all of them, but for those that lie far away from nearly all others,
/// because a stamp of another year would cost every record its precision.
pub(super) fn clock_of(records: &[Lean]) -> Clock {
    let stride = records.len() / 4096 + 1;
    let mut starts: Vec<i64> =
        records.iter().step_by(stride).map(|r| r.start_microsecond).collect();
    let mut ends: Vec<i64> = records.iter().step_by(stride).map(|r| r.end_microsecond).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    let at =
        |sorted: &[i64], part: usize| sorted.get(sorted.len() * part / 100).copied().unwrap_or(0);
    let (first, last) = (at(&starts, 1), at(&starts, 99));
    let wide = last.saturating_sub(first).max(HOUR_MICROSECOND);
    let lowest = first.saturating_sub(wide);
    // Ends that have not come are far away however many they are; the other ends matter.
    let highest = at(&ends, 99).min(last.saturating_add(wide)).max(last).saturating_add(wide);
    let (mut from, mut until) = (i64::MAX, i64::MIN);
    let mut step = 1_000_000;
    for record in records {
        for time in [record.start_microsecond, record.end_microsecond] {
            if (lowest..=highest).contains(&time) {
                (from, until) = (from.min(time), until.max(time));
                while time % step != 0 {
                    step /= 1000;
                }
            }
        }
    }
    if from > until {
        return Clock::new(0, 1, 1);
    }
    let from = from.div_euclid(step).saturating_mul(step);
    let length = until.wrapping_sub(from).cast_unsigned();
    let step = step.cast_unsigned();
    Clock::new(from, step, (length / step).saturating_add(1).min(MOST_STEPS))
}
