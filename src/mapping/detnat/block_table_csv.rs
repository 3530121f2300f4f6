//! Block tables as CSV.
//!
//! ```csv
//! address,first,last,stride,inside
//! 192.0.2.1,0,1023,,excluded
//! 192.0.2.1,1024,2047,,100.64.0.1
//! 192.0.2.1,2048,65535,2,100.64.0.2
//! ```
//!
//! The header names the columns, in any order. `stride` may be missing or empty, and is then 1. `inside` is an IPv4
//! address, `excluded` for ports that nobody is given, or `dynamic` for ports that only a log can tell about. Other
//! columns are refused: a misspelt `stride` would move ports.

use std::net::Ipv4Addr;

use super::block_table::Block;
use super::config::parse_holder;
use super::error::short;
use crate::port::{PortRange, parse_port};

/// How much a block table may ask of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockTableLimits {
    /// The longest file, in bytes. Default: 256 MiB.
    pub max_bytes: usize,
}

impl Default for BlockTableLimits {
    fn default() -> Self {
        BlockTableLimits { max_bytes: 256 << 20 }
    }
}

impl BlockTableLimits {
    /// The same limits with another length of the file, in bytes.
    #[must_use]
    pub const fn with_max_bytes(self, max_bytes: usize) -> BlockTableLimits {
        BlockTableLimits { max_bytes }
    }
}

/// Why a CSV is not a block table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockTableCsvError {
    /// The file is longer than the limit.
    #[error(
        "the block table has {bytes} bytes, the limit is {limit}: raise BlockTableLimits::max_bytes"
    )]
    TooLarge {
        /// The length of the file.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The header lacks a column, has one twice, or has one that is not known.
    #[error(
        "the header of the block table is not usable: {0}; write address,first,last,stride,inside"
    )]
    Header(String),
    /// A row does not split into the columns of the header.
    #[error("the block table is not usable CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A field of a row does not read.
    #[error("line {line} of the block table (byte {byte}): {column} `{value}` is not {expected}")]
    Field {
        /// The line, counted from 1.
        line: u64,
        /// Where the row begins, in bytes from the start of the file.
        byte: u64,
        /// The column.
        column: &'static str,
        /// The field, shortened.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

struct Columns {
    address: usize,
    first: usize,
    last: usize,
    stride: Option<usize>,
    inside: usize,
}

/// Reads a block table, for [`super::Deterministic::block_table`].
///
/// ```
/// use portledger::mapping::detnat::{Deterministic, read_block_table};
/// let table = b"address,first,last,inside\n192.0.2.1,1024,2047,100.64.0.1\n";
/// let nat = Deterministic::block_table(&read_block_table(table, Default::default())?)?;
/// assert_eq!(nat.reverse("192.0.2.1".parse()?, 1500).inside(), Some("100.64.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`BlockTableCsvError`], with line and byte: one bad row refuses the file.
pub fn read_block_table(
    bytes: &[u8],
    limits: BlockTableLimits,
) -> Result<Vec<Block>, BlockTableCsvError> {
    if bytes.len() > limits.max_bytes {
        let limit = limits.max_bytes;
        return Err(BlockTableCsvError::TooLarge { bytes: bytes.len(), limit });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = columns(reader.headers()?)?;
    let mut blocks = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        blocks.push(read_row(&record, &columns)?);
    }
    Ok(blocks)
}

fn columns(header: &csv::StringRecord) -> Result<Columns, BlockTableCsvError> {
    let known = ["address", "first", "last", "stride", "inside"];
    if let Some(name) = header.iter().find(|name| !known.contains(name)) {
        return Err(BlockTableCsvError::Header(format!("`{}` is no column", short(name))));
    }
    let find = |name: &str| {
        let mut places = header.iter().zip(0..).filter(|(n, _)| *n == name).map(|(_, at)| at);
        match (places.next(), places.next()) {
            (at, None) => Ok(at),
            _ => Err(BlockTableCsvError::Header(format!("`{name}` is there twice"))),
        }
    };
    let need = |name: &str| {
        find(name)?.ok_or_else(|| BlockTableCsvError::Header(format!("`{name}` is missing")))
    };
    Ok(Columns {
        address: need("address")?,
        first: need("first")?,
        last: need("last")?,
        stride: find("stride")?,
        inside: need("inside")?,
    })
}

fn read_row(record: &csv::StringRecord, columns: &Columns) -> Result<Block, BlockTableCsvError> {
    let place = record.position().map_or((0, 0), |at| (at.line(), at.byte()));
    let field = |at: usize| record.get(at).unwrap_or_default();
    let bad = |column, at: usize, expected| BlockTableCsvError::Field {
        line: place.0,
        byte: place.1,
        column,
        value: short(field(at)),
        expected,
    };
    let port = |column, at: usize| {
        parse_port(field(at)).ok_or_else(|| bad(column, at, "a port from 0 to 65535"))
    };
    let address: Ipv4Addr = field(columns.address)
        .parse()
        .map_err(|_| bad("address", columns.address, "an IPv4 address"))?;
    let (first, last) = (port("first", columns.first)?, port("last", columns.last)?);
    let ports = PortRange::new(first, last)
        .map_err(|_| bad("last", columns.last, "at least the first port"))?;
    let stride = match columns.stride {
        Some(at) if !field(at).is_empty() => parse_port(field(at))
            .filter(|stride| *stride > 0)
            .ok_or_else(|| bad("stride", at, "a number from 1 to 65535"))?,
        _ => 1,
    };
    let holder = parse_holder(field(columns.inside))
        .ok_or_else(|| bad("inside", columns.inside, "an IPv4 address, `excluded` or `dynamic`"))?;
    Ok(Block { address, ports, stride, holder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Block>, BlockTableCsvError> {
        read_block_table(text.as_bytes(), BlockTableLimits::default())
    }

    #[test]
    fn columns_come_in_any_order_and_stride_may_be_missing() {
        let blocks =
            read("inside,last,first,address\n10.0.0.1,9,5,192.0.2.1\ndynamic,20,10,192.0.2.1\n");
        let blocks = blocks.unwrap();
        assert_eq!((blocks[0].ports.to_string().as_str(), blocks[0].stride), ("5-9", 1));
        assert_eq!(blocks[1].holder, super::super::BlockHolder::Dynamic);
        let blocks =
            read("\u{feff}address,first,last,stride,inside\n192.0.2.1,5,9, 2 ,10.0.0.1\n").unwrap();
        assert_eq!(blocks[0].stride, 2);
    }

    #[test]
    fn errors_name_line_column_and_value() {
        let head = "address,first,last,stride,inside\n192.0.2.1,0,9,,10.0.0.1\n";
        for (row, said) in [
            ("192.0.2,0,9,,10.0.0.1", "address `192.0.2`"),
            ("192.0.2.1,65536,9,,10.0.0.1", "first `65536`"),
            ("192.0.2.1,10,9,,10.0.0.1", "last `9`"),
            ("192.0.2.1,0,9,0,10.0.0.1", "stride `0`"),
            ("192.0.2.1,0,9,,nobody", "inside `nobody`"),
        ] {
            let err = read(&format!("{head}{row}\n")).unwrap_err().to_string();
            assert!(
                err.contains("line 3") && err.contains("byte 57") && err.contains(said),
                "{err}"
            );
        }
        assert!(matches!(read(&format!("{head}192.0.2.1,0\n")), Err(BlockTableCsvError::Csv(_))));
    }

    #[test]
    fn headers_that_hide_something_are_refused() {
        for header in [
            "",
            "address,first,last",
            "address,first,last,inside,step",
            "address,first,first,last,inside",
        ] {
            assert!(
                matches!(read(&format!("{header}\n")), Err(BlockTableCsvError::Header(_))),
                "{header}"
            );
        }
        assert!(matches!(
            read_block_table(&[0; 20], BlockTableLimits::default().with_max_bytes(10)),
            Err(BlockTableCsvError::TooLarge { .. })
        ));
    }
}
