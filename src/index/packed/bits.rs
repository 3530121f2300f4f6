//! Bits in bytes: little-endian, the lowest bit of a byte first.

/// The largest value of so many bits, 0 to 64.
pub(crate) const fn mask(width: u32) -> u64 {
    match width {
        0 => 0,
        1..=63 => (1 << width) - 1,
        _ => u64::MAX,
    }
}

/// How many bits the value needs.
pub(crate) const fn bit_length(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

/// Signed to unsigned, so that small stays small: 0, -1, 1, -2 become 0, 1, 2, 3.
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// `width` bits, at most 64, from bit `at` on; what lies behind the end reads as zero.
#[inline]
pub(crate) fn read_bits(bytes: &[u8], at: usize, width: u32) -> u64 {
    let (byte, shift) = (at / 8, (at % 8) as u64);
    let Some(rest) = bytes.get(byte..) else { return 0 };
    let value = if let Some(chunk) = rest.first_chunk::<8>() {
        let low = u64::from_le_bytes(*chunk) >> shift;
        if u64::from(width) + shift > 64 {
            // Then the shift is at least one, and so is what the ninth byte has to give.
            low | u64::from(rest.get(8).copied().unwrap_or(0)) << (64 - shift)
        } else {
            low
        }
    } else {
        // Fewer than eight bytes hold fewer than 57 bits behind any shift.
        rest.iter().rev().fold(0, |sum, &b| sum << 8 | u64::from(b)) >> shift
    };
    value & mask(width)
}

/// Appends bits to bytes.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    used: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> BitWriter<'a> {
        BitWriter { out, pending: 0, used: 0 }
    }

    /// Appends the lowest `width` bits of `value`, at most 64; the others must be zero.
    pub(super) fn push(&mut self, value: u64, width: u32) {
        debug_assert!(value <= mask(width), "{value} has more than {width} bits");
        if width == 0 {
            return;
        }
        self.pending |= value << self.used;
        if self.used + width < 64 {
            self.used += width;
            return;
        }
        self.out.extend_from_slice(&self.pending.to_le_bytes());
        self.pending = if self.used == 0 { 0 } else { value >> (64 - self.used) };
        self.used = self.used + width - 64;
    }

    /// Fills the last byte with zeros.
    pub(super) fn finish(self) {
        let bytes = self.pending.to_le_bytes();
        let count = self.used.div_ceil(8) as usize;
        self.out.extend_from_slice(bytes.get(..count).unwrap_or(&bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_at_every_width_and_shift() {
        for width in 0..=64 {
            for lead in 0..=64 {
                let values = [u64::MAX, 0, 0x0123_4567_89AB_CDEF, 1].map(|v| v & mask(width));
                let mut bytes = Vec::new();
                let mut writer = BitWriter::new(&mut bytes);
                writer.push(mask(lead), lead);
                for v in values {
                    writer.push(v, width);
                }
                writer.finish();
                let bits = lead as usize + 4 * width as usize;
                assert_eq!(bytes.len(), bits.div_ceil(8), "{width} {lead}");
                for (i, v) in values.iter().enumerate() {
                    let at = lead as usize + i * width as usize;
                    assert_eq!(read_bits(&bytes, at, width), *v, "{width} {lead} {i}");
                }
                assert_eq!(read_bits(&bytes, bits.next_multiple_of(8), 64), 0);
            }
        }
    }

    #[test]
    fn zigzag_is_inverse_at_the_limits() {
        for v in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(v)), v);
        }
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }
}
