//! Rows of numbers, packed: a few bits a value, any row in one or two cache lines.
//!
//! A table has a fixed number of columns, 1 to 32, of `u64`; its rows stand in blocks of 256. In each block a
//! column has a frame of its own: a base, a divisor, and a number of bits that most of its values fit; the few that
//! do not are exceptions beside. A column that is zero in a whole block costs one bit a block, a constant one some
//! bytes a block. Values are taken as signed distances from zero, so that -1 is as small as 1; all 2^64 can be
//! written.
//!
//! [`TableWriter`] takes rows and gives bytes; [`Table`] reads them where they lie, in memory or mapped.
//!
//! # Bytes
//!
//! All numbers are little-endian. Bits are counted from the lowest of the first byte on. Nothing is aligned, and
//! no offset is relative to anything but the first byte of the table.
//!
//! ```text
//! offset  width  field
//!      0      4  magic "PLT\x01", the last byte is the version
//!      4      4  rows, n
//!      8      4  columns, c, 1 to 32
//!     12      4  zero
//!     16      8  length of the table in bytes
//!     24      8  offset of the directory, d
//!     32  d-32   blocks
//!      d    8 k  directory: the offset of each of the k = ceil(n / 256) blocks, 0 for a block of zeros only
//!  d+8 k      8  zero, so that eight bytes can be read wherever a bit is
//! ```
//!
//! A block of m rows (256, fewer in the last):
//!
//! ```text
//! offset  width  field
//!      0      4  bitmap: bit i is set if column i is anything but zero in this block
//!      4      2  w, bits a row: the sum of all widths
//!      6      2  length of the descriptors in bytes
//!      8      .  descriptors, one a set bit, ascending
//!      .      .  rows: m times w bits, the columns of a row side by side, ascending; last byte filled with zeros
//!      .      .  exceptions of each column that has any, ascending
//! ```
//!
//! ```text
//!          |<---------------- w bits ---------------->|
//!  row 0   | column 4 | column 6   | column 13        |
//!  row 1              | column 4 | column 6   | column 13        |
//! ```
//!
//! A descriptor:
//!
//! ```text
//! width  field
//!     1  bits 0-6: bits a row, 0 to 64; bit 7: there are exceptions
//!     1  bits 0-3: bytes of the base, b, 0 to 8; bits 4-5: divisor, 0 = 1, 1 = 1,000, 2 = 1,000,000;
//!        bit 6: the exceptions are divided too; bit 7: zero
//!     b  base, zigzag (0, -1, 1, -2 as 0, 1, 2, 3)
//!   0/1  with exceptions: how many, minus one
//!   0/1  with exceptions: bits an exception, x, 0 to 64
//! ```
//!
//! The exceptions of a column, e of them: their rows in the block, a byte each, ascending; then e times x bits, last
//! byte filled with zeros.
//!
//! The value of a row is `base + field * divisor`, wrapping. If all bits of the field are ones (which 0 bits are)
//! and the row is among the exceptions, it is `base + zigzag^-1(exception)` instead, the exception times the divisor
//! where bit 6 says so.
//!
//! # Damage
//!
//! There is no checksum here: that is for the file around it. [`Table::open`] checks what tells whether the offsets
//! lie inside, [`Table::verify`] that every block holds together; [`Table::get`] on damaged bytes gives another
//! value or none, and never a panic, an endless loop or memory without bound.

pub(crate) mod bits;
mod error;
mod plan;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use error::PackedError;
pub use table::Table;
pub use writer::TableWriter;

/// Rows in a block.
const BLOCK: usize = 256;
/// The most columns a table has.
const MAX_COLUMNS: usize = 32;
const MAGIC: [u8; 4] = *b"PLT\x01";
/// Bytes before the first block.
const HEADER: usize = 32;
/// Zeros behind the directory.
const PADDING: usize = 8;

/// Four bytes as a number.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Eight bytes as a number.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
