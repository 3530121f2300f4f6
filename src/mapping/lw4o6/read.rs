//! Limits and errors of the readers of binding tables.

use std::fmt;
use std::net::Ipv4Addr;

use super::SoftwireError;
use crate::mapping::PsidParams;
use crate::time::{ParseTimeError, TimeRangeError};

/// How much a file may ask of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BindingLimits {
    /// The longest file, in bytes. Default: 256 MiB.
    pub max_bytes: usize,
    /// The most rows in a file; entries of a PSID map and addresses of relays are counted with them. Default: 2^21. A
    /// row takes up to about 400 bytes of memory while the file is read, and about 200 in the table.
    pub max_rows: usize,
}

impl Default for BindingLimits {
    fn default() -> Self {
        BindingLimits { max_bytes: 256 << 20, max_rows: 1 << 21 }
    }
}

impl BindingLimits {
    /// The same limits with another length of the file, in bytes.
    #[must_use]
    pub const fn with_max_bytes(self, max_bytes: usize) -> BindingLimits {
        BindingLimits { max_bytes, ..self }
    }

    /// The same limits with another number of rows.
    #[must_use]
    pub const fn with_max_rows(self, max_rows: usize) -> BindingLimits {
        BindingLimits { max_rows, ..self }
    }

    pub(super) fn check_bytes(self, bytes: &[u8]) -> Result<(), BindingReadError> {
        if bytes.len() > self.max_bytes {
            let limit = self.max_bytes;
            return Err(BindingReadError::TooLarge { bytes: bytes.len(), limit });
        }
        Ok(())
    }

    /// Whether there is room for one more row.
    pub(super) fn check_rows(self, rows: usize) -> Result<(), BindingReadError> {
        if rows >= self.max_rows {
            return Err(BindingReadError::TooManyRows { limit: self.max_rows });
        }
        Ok(())
    }
}

/// A place in a text.
///
/// # Text form
///
/// `line 3, column 5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextPosition {
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1.
    pub column: usize,
}

impl TextPosition {
    pub(super) fn bad(self, what: BadBinding) -> BindingReadError {
        BindingReadError::Bad { at: self, what }
    }
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a binding table cannot be used: one bad row refuses the file, since a table with a hole answers that nobody had
/// the port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindingReadError {
    /// The file is longer than the limit.
    #[error(
        "the binding table has {bytes} bytes, the limit is {limit}: raise BindingLimits::max_bytes if it really holds that many rows"
    )]
    TooLarge {
        /// The length of the file.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More rows than the limit.
    #[error(
        "the binding table has more than {limit} rows: raise BindingLimits::max_rows if it really holds that many"
    )]
    TooManyRows {
        /// The limit.
        limit: usize,
    },
    /// The file holds no binding table.
    #[error("there is no binding table in the file: {advice}")]
    NoTable {
        /// What to look for.
        advice: &'static str,
    },
    /// Two instances with one name.
    #[error("two instances are named `{name}`: give each its own, answers refer to it")]
    DuplicateName {
        /// The name, shortened.
        name: String,
    },
    /// Something at one place.
    #[error("{at}: {what}")]
    Bad {
        /// Where, or just behind it.
        at: TextPosition,
        /// What is wrong.
        what: BadBinding,
    },
}

/// What is wrong at one place of a binding table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadBinding {
    /// Not JSON, or not the JSON of RFC 8676.
    #[error("{0}")]
    Json(String),
    /// Something else should stand here.
    #[error("{found} stands where {expected} should")]
    Unexpected {
        /// What stands here, shortened.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// A value is not what its field needs.
    #[error("`{field}` is `{found}`: write {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its value, shortened.
        found: String,
        /// What it needs.
        expected: &'static str,
    },
    /// A field that is not known here.
    #[error(
        "`{found}` is not known here ({known}): correct its spelling, or remove it if it does not change whose ports they are"
    )]
    Unknown {
        /// The name, shortened.
        found: String,
        /// The names that are known here.
        known: &'static str,
    },
    /// A field that must be there is not.
    #[error("`{field}` is missing in what begins here: write it as the relay has it")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field stands twice.
    #[error("`{field}` is written twice: keep the one that was in force")]
    Twice {
        /// The field.
        field: &'static str,
    },
    /// The bits of a port do not add up.
    #[error(
        "{offset} reserved bits, {len} bits of PSID and {shift} bits below it are not the 16 bits of a port: correct one of them"
    )]
    PortBits {
        /// The PSID offset, a.
        offset: u8,
        /// The PSID length, k.
        len: u8,
        /// The bits below the PSID, m; what is left of 16 where the file does not say.
        shift: u8,
    },
    /// Two entries of the PSID map give an address different port parameters.
    #[error(
        "the PSID map gives {addr} different port parameters before: let its entries be disjoint"
    )]
    PsidMapOverlap {
        /// The first address that both hold.
        addr: Ipv4Addr,
    },
    /// No entry of the PSID map holds the address of a row.
    #[error("the PSID map does not hold {addr}: add it, the port parameters are not known without")]
    NoPsidMap {
        /// The address of the row.
        addr: Ipv4Addr,
    },
    /// A row says in two ways what its ports or its relay are.
    #[error(
        "`{first}` and `{second}` say the same thing in two forms: keep the one of your version"
    )]
    TwoForms {
        /// One of the fields.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// An index into the addresses of the relay leads nowhere.
    #[error(
        "there is no relay address {index}, the file has {count} and they are counted from {base}: choose another SnabbOptions::br_base if the file counts otherwise"
    )]
    NoBr {
        /// The index as given.
        index: u64,
        /// How many addresses there are.
        count: usize,
        /// The index of the first.
        base: u8,
    },
    /// The PSID does not fit.
    #[error(transparent)]
    Softwire(#[from] SoftwireError),
    /// A time cannot be read.
    #[error(transparent)]
    Time(#[from] ParseTimeError),
    /// A lifetime is empty.
    #[error(transparent)]
    Lifetime(#[from] TimeRangeError),
}

/// Port parameters; an offset of 16 bits is allowed where there is no PSID (RFC 8676), and has no effect there.
pub(super) fn port_params(offset: u8, len: u8) -> Result<PsidParams, BadBinding> {
    let offset_in_force = if len == 0 && offset == 16 { 0 } else { offset };
    PsidParams::new(offset_in_force, len).map_err(|_| BadBinding::PortBits {
        offset,
        len,
        shift: 16_u8.saturating_sub(offset.saturating_add(len)),
    })
}

/// As much of a text as an error should repeat.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// As much of some bytes as an error should repeat.
pub(super) fn short_bytes(bytes: &[u8]) -> String {
    // No character has more than 4 bytes.
    short(&String::from_utf8_lossy(bytes.get(..bytes.len().min(300)).unwrap_or_default()))
}

/// A number in plain decimal digits.
pub(super) fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
