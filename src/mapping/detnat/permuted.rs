//! The permutation of port offsets that CrunchNAT calls `secure`: textbook RSA over a small modulus.

use super::error::DetNatError;

/// `x -> x^e mod p*q`, and back by `d = e^-1 mod (p-1)(q-1)`.
///
/// It hides which offset follows which and keeps nothing secret: the modulus has 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permuted {
    n: u64,
    e: u64,
    d: u64,
}

impl Permuted {
    /// The permutation of `0..p*q`; `available` is how many offsets there are.
    pub(super) fn new(p: u32, q: u32, e: u32, available: u32) -> Result<Permuted, DetNatError> {
        let value =
            |key, value: u32, advice| DetNatError::Value { key, value: value.to_string(), advice };
        let is_small = |factor: u32| (2..=available).contains(&factor);
        if !is_small(p) || !is_prime(p) {
            return Err(value("p", p, "a prime is needed, otherwise two hosts share ports"));
        }
        if !is_small(q) || !is_prime(q) || p == q {
            return Err(value(
                "q",
                q,
                "a prime other than p is needed, otherwise two hosts share ports",
            ));
        }
        let modulus = u64::from(p) * u64::from(q);
        if modulus > u64::from(available) {
            return Err(value(
                "q",
                q,
                "p times q must not be more than the ports that are not reserved",
            ));
        }
        let phi = u64::from(p - 1) * u64::from(q - 1);
        let Some(back) = inverse(u64::from(e) % phi, phi) else {
            return Err(value("e", e, "it must have no factor in common with (p-1)(q-1)"));
        };
        Ok(Permuted { n: modulus, e: u64::from(e), d: back })
    }

    /// How many offsets are permuted.
    pub(super) fn len(self) -> u32 {
        u32::try_from(self.n).unwrap_or(0)
    }

    /// Where the host's port at a place went.
    pub(super) fn offset_of(self, place: u32) -> Option<u32> {
        self.power(place, self.e)
    }

    /// Which place went to an offset; none beyond the modulus, where no place goes.
    pub(super) fn place_of(self, offset: u32) -> Option<u32> {
        self.power(offset, self.d)
    }

    fn power(self, base: u32, mut exponent: u64) -> Option<u32> {
        let mut base = u64::from(base);
        if base >= self.n {
            return None;
        }
        // n is below 2^16, so no product overflows.
        let mut result = 1 % self.n;
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * base % self.n;
            }
            base = base * base % self.n;
            exponent >>= 1;
        }
        u32::try_from(result).ok()
    }
}

fn is_prime(n: u32) -> bool {
    // At most 65535, so at most 255 trials.
    n >= 2 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

/// The inverse of `a` modulo `m`, where there is one.
fn inverse(a: u64, m: u64) -> Option<u64> {
    let (mut old_r, mut r) = (i128::from(a), i128::from(m));
    let (mut old_s, mut s) = (1_i128, 0_i128);
    while r != 0 {
        let quotient = old_r / r;
        (old_r, r) = (r, old_r - quotient * r);
        (old_s, s) = (s, old_s - quotient * s);
    }
    if old_r != 1 {
        return None;
    }
    u64::try_from(old_s.rem_euclid(i128::from(m))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_permutation_with_a_true_inverse() {
        for (p, q, e) in [(251, 257, 19), (3, 5, 3), (2, 3, 1), (101, 103, 7), (7, 11, 1)] {
            let permuted = Permuted::new(p, q, e, 64_512).unwrap();
            let mut seen = vec![false; permuted.len() as usize];
            for place in 0..permuted.len() {
                let offset = permuted.offset_of(place).unwrap();
                assert_eq!(permuted.place_of(offset), Some(place), "{p} {q} {e}");
                assert!(!std::mem::replace(&mut seen[offset as usize], true));
            }
            assert_eq!(permuted.place_of(permuted.len()), None);
        }
    }

    #[test]
    fn numbers_that_permute_nothing_are_refused() {
        for (p, q, e) in [
            (251, 251, 19),
            (250, 257, 19),
            (251, 257, 2),
            (251, 263, 19),
            (0, 257, 19),
            (251, 1, 19),
        ] {
            assert!(Permuted::new(p, q, e, 64_512).is_err(), "{p} {q} {e}");
        }
        assert!(Permuted::new(251, 257, 0, 64_512).is_err());
    }
}
