//! Why bytes are not cold columns, or an allocation does not go into them.

use crate::index::packed::PackedError;

/// Bytes are not cold columns, or an allocation does not go into them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ColdError {
    /// The header or a dictionary does not describe these bytes.
    #[error("cold columns: {what}; the bytes are damaged or cut short, use another copy")]
    Header {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A row names what is not there.
    #[error("cold columns: row {row}: {what}; the bytes are damaged, use another copy")]
    Row {
        /// Which row, from 0.
        row: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The packed table of the rows or of the knots is none.
    #[error("cold columns: {0}")]
    Packed(#[from] PackedError),
    /// What is known of an allocation elsewhere is not what the allocation says, so it could not be given back.
    #[error(
        "the address, outer interval or inside host that is known of row {row} is another one than its allocation \
         has: give both from the same record"
    )]
    Contradiction {
        /// Which row, from 0.
        row: u32,
    },
}
