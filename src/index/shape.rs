//! How ports and time become one number, and that number a line.
//!
//! A *unit* is a number of ports that stand together: one port for sessions, a block where blocks are handed out.
//! A *region* is a run of units; the ports of an address are cut into regions of a power of two. In a region
//!
//! ```text
//! unit   = (port in the region + phase) / ports a unit  (+ the address's place, where several share a region)
//! tick   = step >> shift
//! x      = unit * ticks a unit + tick
//! bucket = x * buckets / length of x
//! ```
//!
//! so every line stands for an equal stretch of x: many ports where records are few, a part of one port's time
//! where they are many. Every step is monotone in its argument.

use super::clock::{Clock, low, multiply_high};

/// Bytes of a shape in the file.
pub(super) const SHAPE_BYTES: usize = 24;

/// The geometry that many regions share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    /// Ticks a unit.
    pub(super) span: u32,
    /// Units an address has in the region.
    pub(super) units: u32,
    /// Ports a unit, 1 to 65,536.
    pub(super) unit_ports: u32,
    /// How many ports before the region the first unit begins.
    pub(super) phase: u16,
    /// Steps to ticks.
    pub(super) shift: u8,
    /// The length of x.
    pub(super) length: u64,
}

/// What a lookup computes with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) shape: Shape,
    /// ceil(2^40 / ports a unit).
    unit_inverse: u64,
    /// floor(2^64 / length), or all ones for a length of 1.
    length_inverse: u64,
}

impl Geometry {
    pub(super) fn new(shape: Shape) -> Geometry {
        let unit_inverse = (1_u64 << 40).div_ceil(u64::from(shape.unit_ports.max(1)));
        let length_inverse = match shape.length {
            0 | 1 => u64::MAX,
            length => low((1 << 64) / u128::from(length)),
        };
        Geometry { shape, unit_inverse, length_inverse }
    }

    /// The unit that a port lies in; `port` counts from the region's first.
    ///
    /// Exact, because the dividend is below 2^17 and the divisor at most 2^16: the error of the reciprocal, below
    /// 2^-40 of the dividend each, stays below one part of a unit.
    #[inline]
    pub(super) fn unit(&self, port: u16) -> u64 {
        ((u64::from(port) + u64::from(self.shape.phase)) * self.unit_inverse) >> 40
    }

    /// The position of an instant in a unit.
    #[inline]
    pub(super) fn x(&self, unit: u64, step: u64) -> u64 {
        let last = u64::from(self.shape.span).saturating_sub(1);
        unit * u64::from(self.shape.span) + (step >> self.shape.shift).min(last)
    }

    /// The position of an instant at a port, which counts from the region's first; `place` is the address's among those
    /// that share the region.
    #[inline]
    pub(super) fn place(&self, place: u16, port: u16, step: u64) -> u64 {
        self.x(u64::from(place) * u64::from(self.shape.units) + self.unit(port), step)
    }

    /// The bucket of a position, of `buckets`: monotone in x, and below `buckets` for x below the length.
    ///
    /// The builder keeps `length * buckets` below 2^63.
    #[inline]
    pub(super) fn bucket(&self, x: u64, buckets: u32) -> u64 {
        multiply_high(x.wrapping_mul(u64::from(buckets)), self.length_inverse)
    }

    /// The first x of a bucket; the length for the bucket behind the last.
    pub(super) fn first_of(&self, bucket: u64, buckets: u32) -> u64 {
        let length = self.shape.length.max(1);
        // Within a few of it: the reciprocal is rounded down, by less than the length in 2^64.
        let mut x = bucket.wrapping_mul(length) / u64::from(buckets.max(1));
        while x < length && self.bucket(x, buckets) < bucket {
            x += 1;
        }
        while x > 0 && self.bucket(x - 1, buckets) >= bucket {
            x -= 1;
        }
        x
    }

    /// The ports of a unit, counted from the region's first; cut to the ports of a region of `ports`.
    pub(super) fn ports(&self, unit: u64, ports: u32) -> (u16, u16) {
        let unit = unit % u64::from(self.shape.units.max(1));
        let size = u64::from(self.shape.unit_ports.max(1));
        let phase = u64::from(self.shape.phase);
        let first = (unit * size).saturating_sub(phase);
        let last = ((unit + 1) * size).saturating_sub(phase + 1);
        let most = u64::from(ports.max(1)) - 1;
        let cut = |port: u64| u16::try_from(port.min(most)).unwrap_or(u16::MAX);
        (cut(first), cut(last))
    }

    pub(super) fn to_bytes(self) -> [u8; SHAPE_BYTES] {
        let s = self.shape;
        let mut out = [0; SHAPE_BYTES];
        let fields = [
            u64::from(s.span) | u64::from(s.units) << 32,
            u64::from(s.unit_ports) | u64::from(s.phase) << 32 | u64::from(s.shift) << 48,
            s.length,
        ];
        for (to, from) in out.chunks_exact_mut(8).zip(fields) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    /// Reads a shape, whatever the bytes are.
    pub(super) fn from_bytes(bytes: &[u8; SHAPE_BYTES]) -> Geometry {
        let (words, _) = bytes.as_chunks::<8>();
        let [a, b, length] =
            [0, 1, 2].map(|i: usize| words.get(i).map_or(0, |w| u64::from_le_bytes(*w)));
        Geometry::new(Shape {
            span: half(a),
            units: half(a >> 32),
            unit_ports: half(b & 0x1_FFFF),
            phase: quarter(b >> 32),
            shift: quarter(b >> 48).to_le_bytes()[0] & 63,
            length,
        })
    }
}

/// The lower 32 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
pub(super) const fn half(wide: u64) -> u32 {
    wide as u32
}

/// The lower 16 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lowest quarter is what is asked for")]
pub(super) const fn quarter(wide: u64) -> u16 {
    wide as u16
}

/// Ticks a unit for a shift.
pub(super) fn span(clock: &Clock, shift: u8) -> u64 {
    ((clock.steps - 1) >> shift) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(unit_ports: u32, phase: u16, length: u64) -> Geometry {
        Geometry::new(Shape { span: 1, units: 1, unit_ports, phase, shift: 0, length })
    }

    #[test]
    fn a_unit_is_the_quotient_for_every_port() {
        for (size, phase) in
            [(1, 0), (3, 2), (1000, 24), (1000, 999), (63, 1), (65_535, 5), (65_536, 65_535)]
        {
            let geometry = shape(size, phase, 1);
            for port in 0..=u16::MAX {
                let exact = (u64::from(port) + u64::from(phase)) / u64::from(size);
                assert_eq!(geometry.unit(port), exact, "{port} in {size} + {phase}");
                let (first, last) =
                    Geometry::new(Shape { units: 1 << 20, ..geometry.shape }).ports(exact, 65_536);
                assert!((first..=last).contains(&port));
            }
        }
    }

    proptest! {
        #[test]
        fn buckets_are_monotone_and_their_first_is_the_first(
            length in 1_u64..1 << 40, buckets in 1_u32..1 << 20, x in any::<u64>(), bucket in any::<u32>(),
        ) {
            prop_assume!(u128::from(length) * u128::from(buckets) < 1 << 63);
            let geometry = shape(1, 0, length);
            let x = x % length;
            let at = geometry.bucket(x, buckets);
            prop_assert!(at < u64::from(buckets));
            prop_assert!(x == 0 || geometry.bucket(x - 1, buckets) <= at);
            prop_assert!(geometry.first_of(at, buckets) <= x);
            let bucket = u64::from(bucket % buckets);
            let first = geometry.first_of(bucket, buckets);
            prop_assert!(first <= length);
            prop_assert!(first == length || geometry.bucket(first, buckets) >= bucket);
            prop_assert!(first == 0 || geometry.bucket(first - 1, buckets) < bucket);
            let bytes = geometry.to_bytes();
            prop_assert_eq!(Geometry::from_bytes(&bytes).to_bytes(), bytes);
        }
    }
}
