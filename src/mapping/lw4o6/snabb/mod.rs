//! Configurations of the snabb lwAFTR.
//!
//! | form | rows | port parameters | relay |
//! |---|---|---|---|
//! | `snabb-softwire-v3`, `-v2` | `softwire { ipv4; psid; b4-ipv6; }` | `port-set` of the row | `br-address` of the row |
//! | `snabb-softwire-v1`, and v2 before 2017 | the same | `psid-map` of the address | `br`, an index from 1 (first versions: from 0) |
//! | text (`psid_map`) | `{ ipv4=, psid=, b4= }` | `psid_map` of the address | `aftr`, an index from 0 |
//!
//! PSIDs are right-aligned in all of them. `shift` is `m`, the bits below the PSID; reserved bits are the PSID offset
//! `a`. snabb reserves the lowest `2^a` ports only; here, as RFC 7597 section 5.1 says, all ports with `A = 0`.

mod rows;
mod text;
mod tokens;
mod yang;

use super::{BindingLimits, BindingReadError, BindingTable};
use crate::time::TimeRange;
use tokens::{Dialect, Tokens};

/// From which number a file counts the addresses of its relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BrBase {
    /// The first address is 0.
    Zero,
    /// The first address is 1.
    One,
}

/// How a configuration of snabb is read.
#[derive(Clone, Copy, Debug)]
pub struct SnabbOptions {
    /// The time for which the configuration was in force; it has no times of its own.
    pub lifetime: TimeRange,
    /// How `br` and `aftr` count. `None`: as is usual for the form, `br` from 1 and `aftr` from 0. First versions of
    /// v1 counted `br` from 0, and nothing in such a file shows it.
    pub br_base: Option<BrBase>,
    /// How much the file may ask of its reader.
    pub limits: BindingLimits,
}

impl Default for SnabbOptions {
    /// For all time, as is usual for the form, within the default limits.
    fn default() -> Self {
        SnabbOptions { lifetime: TimeRange::ALL, br_base: None, limits: BindingLimits::default() }
    }
}

/// Reads the binding table of a snabb lwAFTR, in whichever of its forms.
///
/// Outside `binding-table` whatever is well-formed is passed over; in it, what is not known is refused. Addresses that a
/// PSID map holds without any softwire are not kept: the table says nothing about them.
///
/// ```
/// use portledger::mapping::lw4o6::{SnabbOptions, read_snabb};
/// let v3 = "softwire-config { binding-table { softwire { ipv4 192.0.2.1; psid 52; b4-ipv6 2001:db8::1;
///     br-address 2001:db8:1::2; port-set { psid-length 8; } } } }";
/// let text = "psid_map { 192.0.2.0-192.0.2.255 { psid_length=8 } } br_addresses { 2001:db8:1::2 }
///     softwires { { ipv4=192.0.2.1, psid=52, b4=2001:db8::1 } }";
/// let options = SnabbOptions::default();
/// assert_eq!(read_snabb(v3.as_bytes(), &options)?, read_snabb(text.as_bytes(), &options)?);
/// # Ok::<(), portledger::mapping::lw4o6::BindingReadError>(())
/// ```
///
/// # Errors
///
/// [`BindingReadError`] with line and column; one bad row refuses the file.
pub fn read_snabb(bytes: &[u8], options: &SnabbOptions) -> Result<BindingTable, BindingReadError> {
    options.limits.check_bytes(bytes)?;
    if is_text(bytes) {
        text::read(Tokens::new(bytes, Dialect::Text), options)
    } else {
        yang::read(Tokens::new(bytes, Dialect::Yang), options)
    }
}

/// Whether the file begins like the text form, after blanks and `#` comments.
fn is_text(bytes: &[u8]) -> bool {
    let mut rest = bytes.trim_ascii_start();
    while rest.first() == Some(&b'#') {
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
    }
    let word = b"psid_map";
    rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}
