//! Descriptors: where a region's lines are, and what decodes them.

use super::shape::{half, quarter};

pub(super) const REGION_BYTES: usize = 16;
pub(super) const LEAF_BYTES: usize = 48;
pub(super) const CHUNK_BYTES: usize = 12;
/// Lines a chunk: rows and copies are counted from its start.
pub(super) const CHUNK_LINES: u32 = 64;

/// A region or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Region {
    /// Lines.
    Leaf {
        /// The first line.
        line: u32,
        /// How many equal stretches x is cut into; 0 where nothing is held.
        buckets: u32,
        /// Which leaf it is.
        leaf: u32,
        shape: u16,
        /// A bucket has 2^this lines.
        bucket_shift: u8,
        /// A question reads at most 2^this lines.
        chain_shift: u8,
    },
    /// Equal parts of x, each a region of its own.
    Node {
        /// The region of the first part.
        child: u32,
        /// Parts are 2^this long.
        part_shift: u8,
        /// How many there are.
        parts: u32,
        shape: u16,
    },
}

impl Region {
    pub(super) const EMPTY: Region =
        Region::Leaf { line: 0, buckets: 0, leaf: 0, shape: 0, bucket_shift: 0, chain_shift: 0 };

    pub(super) fn to_bytes(self) -> [u8; REGION_BYTES] {
        let (first, count, other, shape, low, high) = match self {
            Region::Leaf { line, buckets, leaf, shape, bucket_shift, chain_shift } => {
                (line, buckets, leaf, shape, bucket_shift, chain_shift)
            }
            Region::Node { child, part_shift, parts, shape } => {
                (child, 0, parts, shape, part_shift, 0x80)
            }
        };
        let words = [
            u64::from(first) | u64::from(count) << 32,
            u64::from(other)
                | u64::from(shape) << 32
                | u64::from(low) << 48
                | u64::from(high) << 56,
        ];
        let mut out = [0; REGION_BYTES];
        for (to, from) in out.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    #[inline]
    pub(super) fn from_bytes(bytes: &[u8; REGION_BYTES]) -> Region {
        let [low, high] = split(bytes);
        let [.., d, e] = high.to_le_bytes();
        let shape = quarter(high >> 32);
        if e & 0x80 == 0 {
            Region::Leaf {
                line: half(low),
                buckets: half(low >> 32),
                leaf: half(high),
                shape,
                bucket_shift: d & 31,
                chain_shift: e & 31,
            }
        } else {
            Region::Node { child: half(low), part_shift: d & 63, parts: half(high), shape }
        }
    }
}

#[inline]
fn split(bytes: &[u8; 16]) -> [u64; 2] {
    let wide = u128::from_le_bytes(*bytes);
    [super::clock::low(wide), super::clock::low(wide >> 64)]
}

/// What turns the lanes of a leaf back into records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its first line.
    pub(super) line: u32,
    /// The row of its first record.
    pub(super) row: u32,
    /// The bit where its rows begin in the exact columns.
    pub(super) bit: u64,
    /// Where its x begins in the region's.
    pub(super) x: u64,
    /// The number of its first address.
    pub(super) address: u32,
    /// What inside host numbers count from.
    pub(super) host: u32,
    /// Its buckets.
    pub(super) buckets: u32,
    /// The shape of its x.
    pub(super) shape: u16,
    /// The shape of the whole region's x, where it is a part.
    pub(super) outer_shape: u16,
    /// The first port of the region.
    pub(super) port: u16,
    /// 2^this ports are in the region.
    pub(super) port_shift: u8,
    /// A bucket has 2^this lines.
    pub(super) bucket_shift: u8,
    /// Bits a row for begin, end, host and key.
    pub(super) widths: [u8; 4],
}

impl Leaf {
    pub(super) fn to_bytes(self) -> [u8; LEAF_BYTES] {
        let [w0, w1, w2, w3] = self.widths.map(u64::from);
        let words = [
            u64::from(self.line) | u64::from(self.row) << 32,
            self.bit,
            self.x,
            u64::from(self.address) | u64::from(self.host) << 32,
            u64::from(self.buckets)
                | u64::from(self.shape) << 32
                | u64::from(self.outer_shape) << 48,
            u64::from(self.port)
                | u64::from(self.port_shift) << 16
                | u64::from(self.bucket_shift) << 24
                | w0 << 32
                | w1 << 40
                | w2 << 48
                | w3 << 56,
        ];
        let mut out = [0; LEAF_BYTES];
        for (to, from) in out.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    #[inline]
    pub(super) fn from_bytes(bytes: &[u8; LEAF_BYTES]) -> Leaf {
        let (words, _) = bytes.as_chunks::<8>();
        let word = |at: usize| words.get(at).map_or(0, |w| u64::from_le_bytes(*w));
        let [.., port_shift, bucket_shift, w0, w1, w2, w3] = word(5).to_le_bytes();
        Leaf {
            line: half(word(0)),
            row: half(word(0) >> 32),
            bit: word(1),
            x: word(2),
            address: half(word(3)),
            host: half(word(3) >> 32),
            buckets: half(word(4)),
            shape: quarter(word(4) >> 32),
            outer_shape: quarter(word(4) >> 48),
            port: quarter(word(5)),
            port_shift: port_shift & 31,
            bucket_shift: bucket_shift & 31,
            widths: [w0, w1, w2, w3].map(|w| w.min(57)),
        }
    }
}

/// Where rows, copies and leaves of a run of [`CHUNK_LINES`] lines begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) row: u32,
    pub(super) copy: u32,
    pub(super) leaf: u32,
}

impl Chunk {
    pub(super) fn to_bytes(self) -> [u8; CHUNK_BYTES] {
        let mut out = [0; CHUNK_BYTES];
        for (to, from) in out.chunks_exact_mut(4).zip([self.row, self.copy, self.leaf]) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    #[inline]
    pub(super) fn from_bytes(bytes: &[u8; CHUNK_BYTES]) -> Chunk {
        let (words, _) = bytes.as_chunks::<4>();
        let word = |at: usize| words.get(at).map_or(0, |w| u32::from_le_bytes(*w));
        Chunk { row: word(0), copy: word(1), leaf: word(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_inverse() {
        let leaf = Region::Leaf {
            line: 7,
            buckets: u32::MAX,
            leaf: 9,
            shape: 65_535,
            bucket_shift: 31,
            chain_shift: 3,
        };
        let node = Region::Node { child: 5, part_shift: 63, parts: 64, shape: 2 };
        for region in [Region::EMPTY, leaf, node] {
            assert_eq!(Region::from_bytes(&region.to_bytes()), region);
        }
        let leaf = Leaf {
            line: 1,
            row: 2,
            bit: 3 << 40,
            x: 4 << 40,
            address: 5,
            host: 6,
            buckets: 7,
            shape: 8,
            outer_shape: 9,
            port: 10,
            port_shift: 16,
            bucket_shift: 12,
            widths: [13, 57, 0, 15],
        };
        assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), leaf);
        let chunk = Chunk { row: 1, copy: 2, leaf: 3 };
        assert_eq!(Chunk::from_bytes(&chunk.to_bytes()), chunk);
    }
}
