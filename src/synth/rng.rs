//! A stream of numbers that is the same for ever.
//!
//! What this room writes is pinned by hashes in tests, named in benchmark tables and quoted in bug reports, so one
//! seed must give one stream on every machine and in every later version. No random-number crate promises that:
//! they reserve the right to change the algorithm behind a distribution, and some have. The standard library's
//! `ln`, `exp` and `cos` do not promise it either: their last bit belongs to the platform. So the generator is
//! written out here, and its logarithm and exponential use only the operations that IEEE 754 fixes to the bit
//! (add, subtract, multiply, divide, square root).
//!
//! It is no source of secrets.

/// The increment of `SplitMix64`: 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The generator of Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014).
///
/// ```
/// use portledger::synth::SplitMix64;
/// let mut rng = SplitMix64::new(1_234_567);
/// assert_eq!(rng.next_u64(), 6_457_827_717_110_365_317);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// One of many streams of a seed, so that the parts of a data set can be made apart and in any order.
    pub const fn stream(seed: u64, label: u64) -> SplitMix64 {
        SplitMix64 { state: mix(mix(seed).wrapping_add(label.wrapping_mul(GOLDEN))) }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number in `0..n`; 0 when `n` is 0. The bias is below `n / 2^64`.
    pub fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number in `first..=last`; `first` when the range is empty.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        let width = u64::try_from(last.saturating_sub(first)).unwrap_or(0);
        first.saturating_add_unsigned(self.below(width.saturating_add(1)))
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        to_f64(self.next_u64() >> 11) / 9_007_199_254_740_992.0
    }

    /// True with that probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the items; none of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(u64::try_from(items.len()).unwrap_or(u64::MAX));
        items.get(usize::try_from(index).unwrap_or(usize::MAX))
    }

    /// A number of the standard normal distribution (Box and Muller, in Marsaglia's polar form, which needs no
    /// cosine).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * (-2.0 * ln(s) / s).sqrt();
            }
        }
    }

    /// A number whose logarithm is normal: half of them lie below `median`.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// A waiting time with that mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * ln(1.0 - self.unit())
    }

    /// How many of many rare things happened, `mean` on average.
    ///
    /// # Complexity
    ///
    /// Linear in `mean` up to 30; beyond, constant, by the normal approximation.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            return floor_u64(mean + mean.sqrt() * self.normal() + 0.5);
        }
        let (limit, mut product, mut count) = (exp(-mean.max(0.0)), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

/// The output function of `SplitMix64`, a bijection of 64 bits.
pub(super) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The natural logarithm of a positive number, to about 1e-15, the same bits everywhere.
pub(super) fn ln(x: f64) -> f64 {
    // x = m * 2^e with m in [1/sqrt 2, sqrt 2); ln m = 2 artanh((m - 1) / (m + 1)) converges fast there.
    let bits = x.max(f64::MIN_POSITIVE).to_bits();
    let mut exponent = to_f64(bits >> 52) - 1023.0;
    let mut m = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
    if m > core::f64::consts::SQRT_2 {
        m /= 2.0;
        exponent += 1.0;
    }
    let z = (m - 1.0) / (m + 1.0);
    let (square, mut sum) = (z * z, 0.0);
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    exponent * core::f64::consts::LN_2 + 2.0 * z * sum
}

/// The exponential, to about 1e-15 of its value, the same bits everywhere; limited to the range of 2^-1000 to
/// 2^1000.
pub(super) fn exp(x: f64) -> f64 {
    let power = (x / core::f64::consts::LN_2).floor().clamp(-1000.0, 1000.0);
    let rest = (x - power * core::f64::consts::LN_2).clamp(0.0, 1.0);
    let mut sum = 1.0;
    for n in (1..=20).rev() {
        sum = 1.0 + sum * rest / f64::from(n);
    }
    sum * f64::from_bits(floor_u64(power + 1023.0) << 52)
}

/// The nearest float.
#[expect(clippy::cast_precision_loss, reason = "counts and random bits; 53 bits are plenty")]
pub(super) const fn to_f64(n: u64) -> f64 {
    n as f64
}

/// Rounds down; 0 for negative numbers and for none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, which is what is wanted"
)]
pub(super) const fn floor_u64(x: f64) -> u64 {
    x as u64
}

/// Seconds as whole microseconds, rounded down; 0 for negative lengths.
pub(super) fn micros(seconds: f64) -> i64 {
    i64::try_from(floor_u64(seconds * 1e6)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_reference_implementation() {
        // Vigna's splitmix64.c, seed 1234567.
        let mut rng = SplitMix64::new(1_234_567);
        for expected in [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ] {
            assert_eq!(rng.next_u64(), expected);
        }
    }

    #[test]
    fn logarithm_and_exponential_agree_with_the_platform_and_keep_their_bits() {
        let mut rng = SplitMix64::new(1);
        for _ in 0..10_000 {
            let x = rng.unit() * 80.0 - 40.0;
            let e = exp(x);
            assert!((e / x.exp() - 1.0).abs() < 1e-13, "{x}");
            assert!((ln(e) - e.ln()).abs() < 1e-13 * x.abs().max(1.0), "{x}");
        }
        assert_eq!(
            (ln(0.3).to_bits(), exp(0.3).to_bits()),
            (0xBFF3_4378_FCBD_A720, 0x3FF5_9905_8C8C_1A96)
        );
    }

    #[test]
    fn distributions_have_their_mean_and_median() {
        let mut rng = SplitMix64::new(2);
        let n = 100_000_u32;
        let mean = |f: &mut dyn FnMut() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        assert!(mean(&mut || rng.normal()).abs() < 0.01);
        assert!((mean(&mut || rng.normal().powi(2)) - 1.0).abs() < 0.02);
        assert!((mean(&mut || rng.exponential(5.0)) - 5.0).abs() < 0.1);
        assert!(
            (mean(&mut || f64::from(u8::from(rng.lognormal(30.0, 1.8) < 30.0))) - 0.5).abs() < 0.01
        );
        for m in [0.3, 4.0, 100.0] {
            assert!((mean(&mut || to_f64(rng.poisson(m))) / m - 1.0).abs() < 0.02, "{m}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let mut rng = SplitMix64::new(3);
        assert_eq!((rng.below(0), rng.below(1), rng.between(5, 4)), (0, 0, 5));
        assert!((0..1000).all(|_| (-3..=3).contains(&rng.between(-3, 3))));
        assert_eq!(rng.pick::<u8>(&[]), None);
        assert_eq!((rng.poisson(0.0), rng.poisson(-1.0)), (0, 0));
        assert!(exp(-1e9) >= 0.0 && exp(1e9).is_finite() && ln(0.0).is_finite());
    }
}
