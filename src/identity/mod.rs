//! Floor 1: leases and accounting -> [`Binding`]s, inside host or prefix -> subscriber for a time.
//!
//! A NAT names an inside address; who had that address is told by other records: the accounting of a NAS, the leases
//! of a DHCP server. [`bindings_from`] makes bindings of accounting, [`IdentityTable`] finds them by host and time.
//!
//! # Two nested ranges
//!
//! Accounting is stamped in whole seconds, and a stamp was cut off, not rounded: a Start of second 10 happened
//! somewhere in `[10, 11)`. So a binding says two things. Nothing outside `outer` can be this subscriber's;
//! everything in `inner` certainly is.
//!
//! ```text
//!              Start 10                         Stop 20
//!              [10    11)                       [20    21)
//!        ann   |======|=========================|======|
//!   outer      |---------------------------------------|
//!   inner             |-------------------------|
//! ```
//!
//! An address that moves within one second has two outer bindings there and no inner one. Who it was cannot be
//! known, and [`IdentityTable::lookup`] returns both.
//!
//! # The lost Stop
//!
//! Stops get lost. A resolver that waits for one names a subscriber who left days ago; one that takes the last report
//! for the end denies one who is still there. The certain part ends with the last report, the possible part with
//! the first proof that it is over:
//!
//! ```text
//!              Start 10      report 40                    Start 70 of bob, same address
//!        ann   |======|======|====== . . . . . . . . . . .|======|
//!   outer      |-------------------------------------------------|   Implied: bob's Start
//!   inner             |------|
//!        bob                                              |======|========
//!   outer                                                 |---------------
//!   inner                                                        |--------
//! ```
//!
//! Proof is, in this order of time: the next session on the key, a restart of the NAS, or two report intervals of
//! silence. Where none is known the binding stays open until the last stamp of its NAS, and says so.
//!
//! # Realms and prefixes
//!
//! An inside IPv4 address is one host per realm, and the empty realm is a realm of its own, never a wildcard. Where
//! keys of several lengths hold a host, the longest wins, but only where it is certain.

mod accounting;
mod binding;
#[cfg(feature = "readers")]
mod csv;
#[cfg(feature = "readers")]
mod lines;
#[cfg(feature = "readers")]
mod radius_detail;
#[cfg(feature = "readers")]
mod radius_record;
#[cfg(feature = "readers")]
mod read;
#[cfg(feature = "readers")]
mod reject;
mod space;
mod table;

pub use accounting::{AccountingAudit, AccountingRecord, AccountingStatus, bindings_from};
pub use binding::{Binding, BindingKey, BindingOrigin, ParseBindingKeyError};
#[cfg(feature = "readers")]
pub use csv::{CsvOptions, CsvReader};
#[cfg(feature = "readers")]
pub use lines::ReadLimits;
#[cfg(feature = "readers")]
pub use radius_detail::DetailReader;
#[cfg(feature = "readers")]
pub use radius_record::DetailOptions;
#[cfg(feature = "readers")]
pub use read::{
    IdentityCounts, IdentityError, IdentityFile, IdentityFormat, IdentityOptions,
    ParseIdentityFormatError, read_identity,
};
#[cfg(feature = "readers")]
pub use reject::{Reject, RejectReason};
pub use table::IdentityTable;
