//! Made-up data, the same for ever.

mod day;
mod layout;
mod oracle;
mod provider;
mod questions;
mod rng;
mod stats;
mod table;

pub use oracle::Oracle;
pub use provider::{
    DeclaredPool, ImportFile, Provider, ProviderConfig, ProviderFiles, ProviderSummary, RuleFile,
};
pub use questions::{Question, QuestionKind, questions};
pub use rng::SplitMix64;
pub use stats::TableStats;
pub use table::{AllocationTable, TableConfig, TableKind};
