//! Lightweight 4over6 (RFC 7596): binding tables, where the provider writes down which tunnel holds which ports.
//!
//! The border relay (lwAFTR) has a row for each share of an address: the public IPv4 address, the port parameters and
//! the PSID on one side, the IPv6 address of the subscriber's lwB4 on the other. A [`Softwire`] is such a row, with the
//! time for which it was in force; a [`BindingTable`] answers in both directions:
//!
//! ```text
//!   (address, port, time)  --- PSID of the port --->  (address, PSID)  --- row --->  B4      reverse
//!   (B4, time)             --- rows of the B4 --->    [(address, ports)]                     forward
//! ```
//!
//! A row lives as long as the lease of its address (RFC 7596 section 5.1), so a table over time holds many rows for one
//! key. Lifetimes are half-open: the instant at which one row ends and the next begins belongs to the next alone.
//!
//! # What makes an answer doubtful
//!
//! Everybody who shares an address must have the same port parameters, otherwise port sets overlap (RFC 7597 section
//! 5.1). Relays load such tables all the same, and then let the parameters that they saw first decide. Here every row in
//! force is asked with its own parameters: one holder is an answer, several are [`LwKind::Ambiguous`], and
//! [`BindingTable::validate`] says where the table contradicts itself.
//!
//! # Where tables come from
//!
//! With the feature `readers`: [`read_softwire_bindings`] (RFC 8676, JSON), [`read_snabb`] (configurations of the snabb
//! lwAFTR, all four forms), [`read_bindings_csv`] (the only one with lifetimes). The others describe one moment, so the
//! caller says for which time it holds.

mod b4;
#[cfg(feature = "readers")]
mod csv;
#[cfg(feature = "readers")]
mod json;
#[cfg(feature = "readers")]
mod read;
mod reverse;
#[cfg(feature = "readers")]
mod snabb;
mod softwire;
mod table;
mod validate;

pub use b4::{LwB4, ParseLwB4Error};
#[cfg(feature = "readers")]
pub use csv::{read_bindings_csv, write_bindings_csv};
#[cfg(feature = "readers")]
pub use json::{BindInstance, read_softwire_bindings, write_softwire_bindings};
#[cfg(feature = "readers")]
pub use read::{BadBinding, BindingLimits, BindingReadError, TextPosition};
pub use reverse::{LwKind, LwReverse};
#[cfg(feature = "readers")]
pub use snabb::{BrBase, SnabbOptions, read_snabb};
pub use softwire::{Softwire, SoftwireError};
pub use table::BindingTable;
pub use validate::BindingFinding;
