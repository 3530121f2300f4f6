//! Made-up data with known answers, the same for ever.
//!
//! Two generators, both driven by [`SplitMix64`] and nothing else, so that one seed gives one set of bytes on every
//! machine and in every version:
//!
//! - [`AllocationTable`]: allocations of any number, straight from memory, for benchmarks and index tests, with
//!   [`questions`] whose answers an [`Oracle`] gives;
//! - [`Provider`]: a small provider as the *files that users import* (a connection-tracking log, a port-block log,
//!   MAP rules, accounting), with questions an outsider would ask and who was behind each.
//!
//! Every set counts what it really holds and can be asked whether it is what its label says
//! ([`TableStats::check`], [`Provider::check`]): a generator of intervals that swallow one another makes a
//! benchmark of a table with a handful of entries, and nobody notices.
//!
//! # What it is not
//!
//! It is no model of NAT and proves nothing about real devices. Where stamps are late, in which order a tracker
//! reports, how long an entry outlives its last packet: the generator *imitates* what recordings of real devices
//! show, with figures chosen for tests. That a reader and a profile are right must be shown on recordings; here it
//! is shown that the parts fit together, at any size, and that no answer names somebody whom the truth does not.
//!
//! Some things are left out on purpose: collectors that lose lines, clocks that are wrong, flows that outlive a
//! reassigned block, devices that restart. Damage is better done to good files, where it is known what was lost.

mod config;
mod day;
mod layout;
mod lean;
mod oracle;
mod provider;
mod questions;
mod rng;
mod stats;
mod table;

pub use config::{TableConfig, TableKind};
pub use lean::LeanTable;
pub use oracle::Oracle;
pub use provider::{
    DeclaredPool, ImportFile, Provider, ProviderConfig, ProviderFiles, ProviderSummary, RuleFile,
};
pub use questions::{Question, QuestionKind, questions};
pub use rng::SplitMix64;
pub use stats::TableStats;
pub use table::AllocationTable;
