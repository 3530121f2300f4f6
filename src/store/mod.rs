//! Floor 4: the ledger. A directory that import fills and [`crate::resolver`] opens.
//!
//! ```text
//! DIR/ledger.json             sources, pools, rule sets, what was expired; replaced as a whole
//! DIR/lock                    held by the one process that writes
//! DIR/segments/N.seg          the allocations of one import, checksummed
//! DIR/rules/N.json            a copy of each rule file
//! DIR/subscribers/N.ids       the accounting records and bindings of one subscriber file
//! ```
//!
//! Every file is written aside, synced and renamed before `ledger.json` names it, so an import that dies leaves the
//! ledger as it was. Raw log lines stay where they are: the ledger keeps their place and the checksum of their file.

mod coverage;
mod error;
mod expire;
mod files;
mod hosts;
mod import;
mod input;
mod ledger;
mod manifest;
mod read_log;
mod rules;
mod segment;
mod subscribers;

pub use coverage::{AbsenceDoubt, Coverage};
pub use error::LedgerError;
pub use expire::Expired;
pub use import::{ImportReport, LogImport, StreamReport};
pub use input::Input;
pub use ledger::Ledger;
pub use manifest::{
    FileEntry, LEDGER_VERSION, LogFacts, Manifest, Pool, RuleEntry, SourceEntry, SourceKind,
};
pub use read_log::{ImportWatch, RejectedRecord};
pub use rules::{ClosedRules, RulesImport, RulesReport};
pub use segment::Segment;
pub use subscribers::{SubscriberImport, SubscriberReport};
