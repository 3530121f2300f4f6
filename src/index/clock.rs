//! Time as the index counts it: steps from an origin, inside a span that most records begin and end in.

/// The grid that all begins and ends inside the span lie on.
///
/// Instants before the span count as its first step, instants behind it as its last. That keeps the order, so it
/// only makes the first and the last step coarse, and both are decided from exact times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    /// The first instant of the span.
    pub(super) origin_microsecond: i64,
    /// Microseconds a step: 1, 1000 or 1,000,000, as the records' digits allow.
    pub(super) step_microsecond: u64,
    /// Steps in the span, at least 1.
    pub(super) steps: u64,
    /// The reciprocal of the step: floor(2^64 / step), or all ones for a step of 1.
    inverse: u64,
}

impl Clock {
    /// A clock; what is 0 counts as 1.
    pub(super) fn new(origin_microsecond: i64, step_microsecond: u64, steps: u64) -> Clock {
        let step_microsecond = step_microsecond.max(1);
        let inverse = match step_microsecond {
            1 => u64::MAX,
            step => low(u128::from(u64::MAX) / u128::from(step)),
        };
        Clock { origin_microsecond, step_microsecond, steps: steps.max(1), inverse }
    }

    /// The step that an instant lies in.
    ///
    /// Both the clamp and the division are monotone, which is all that exactness needs: begins and ends are
    /// multiples of a step, so an instant and its step lie on the same side of each of them.
    #[inline]
    pub(super) fn step(&self, at_microsecond: i64) -> u64 {
        if at_microsecond <= self.origin_microsecond {
            return 0;
        }
        let since = at_microsecond.wrapping_sub(self.origin_microsecond).cast_unsigned();
        // The product with floor(2^64 / d) is the quotient or one less.
        let quotient = multiply_high(since, self.inverse);
        let rest = since.wrapping_sub(quotient.wrapping_mul(self.step_microsecond));
        let step = quotient + u64::from(rest >= self.step_microsecond);
        step.min(self.steps - 1)
    }

    /// The first microsecond of a step.
    #[inline]
    pub(super) fn microsecond(&self, step: u64) -> i64 {
        let offset = step.wrapping_mul(self.step_microsecond);
        self.origin_microsecond.wrapping_add(offset.cast_signed())
    }
}

/// The upper half of a product.
#[inline]
pub(super) fn multiply_high(a: u64, b: u64) -> u64 {
    low((u128::from(a) * u128::from(b)) >> 64)
}

/// The lower 64 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
pub(super) fn low(wide: u128) -> u64 {
    wide as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_step_is_the_clamped_quotient(
            origin in any::<i64>(),
            step in prop_oneof![Just(1_u64), Just(1000), Just(1_000_000), 1_u64..5_000_000],
            steps in 1_u64..1 << 52,
            at in any::<i64>(),
            near in -10_i64..1 << 40,
        ) {
            let clock = Clock::new(origin, step, steps);
            for at in [at, origin.saturating_add(near)] {
                let exact = (i128::from(at) - i128::from(origin)).div_euclid(i128::from(step));
                let expected = exact.clamp(0, i128::from(steps) - 1);
                prop_assert_eq!(i128::from(clock.step(at)), expected);
            }
        }
    }
}
