//! Fields of any width up to 57 bits, one after another.

/// Writes fields.
#[derive(Clone, Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    filled: u32,
}

impl BitWriter {
    /// How many bits were written.
    pub(super) fn bits(&self) -> u64 {
        self.bytes.len() as u64 * 8 + u64::from(self.filled)
    }

    /// Appends the lower `width` bits of `value`; `width` is at most 57.
    pub(super) fn push(&mut self, value: u64, width: u8) {
        self.pending |= (value & mask(width)) << self.filled;
        self.filled += u32::from(width);
        while self.filled >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.filled -= 8;
        }
    }

    /// What was written so far, with room behind it for a reader's last eight-byte read.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
        }
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes
    }
}

/// The lowest `width` bits.
pub(super) const fn mask(width: u8) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// How many bits a value takes.
pub(super) const fn width(value: u64) -> u8 {
    (64 - value.leading_zeros()).to_le_bytes()[0]
}

/// Reads the field of `width` bits (at most 57) at a bit; none behind the end.
#[inline]
pub(super) fn read(bytes: &[u8], bit: u64, width: u8) -> Option<u64> {
    let at = usize::try_from(bit / 8).ok()?;
    let (window, _) = bytes.get(at..)?.split_first_chunk::<8>()?;
    Some(u64::from_le_bytes(*window) >> (bit % 8) & mask(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(fields in proptest::collection::vec((any::<u64>(), 0_u8..=57), 0..50)) {
            let mut writer = BitWriter::default();
            for (value, width) in &fields {
                writer.push(*value, *width);
            }
            let bits = writer.bits();
            let bytes = writer.into_bytes();
            let mut bit = 0;
            for (value, width) in &fields {
                prop_assert_eq!(read(&bytes, bit, *width), Some(value & mask(*width)));
                bit += u64::from(*width);
            }
            prop_assert_eq!(bit, bits);
            prop_assert_eq!(read(&bytes, bits + 64, 1), None);
        }
    }
}
