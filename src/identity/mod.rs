//! Floor 1: leases and accounting -> [`Binding`]s, inside host or prefix -> subscriber for a time.

mod accounting;
mod binding;
mod space;
mod table;

pub use accounting::{AccountingAudit, AccountingRecord, AccountingStatus, bindings_from};
pub use binding::{Binding, BindingKey, BindingOrigin, ParseBindingKeyError};
pub use table::IdentityTable;
