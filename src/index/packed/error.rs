//! Why bytes are not a packed table.

/// Bytes are not a packed table, or no more rows fit into one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackedError {
    /// The header does not describe these bytes.
    #[error("packed table: {what}; the bytes are damaged or cut short, use another copy")]
    Header {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A block does not hold together.
    #[error("packed table: block {block}: {what}; the bytes are damaged, use another copy")]
    Block {
        /// Which block, from 0.
        block: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A table holds as many rows as a `u32` counts.
    #[error("packed table: more than {} rows; write a second table", u32::MAX)]
    TooManyRows,
}
