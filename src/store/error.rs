//! What can go wrong with a ledger.

use std::path::{Path, PathBuf};

use super::import::StreamReport;

/// An operation on a ledger failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory holds no ledger.
    #[error("{} holds no ledger: import a log into it first, or check --ledger", .0.display())]
    NoLedger(PathBuf),
    /// Somebody else is writing.
    #[error("{} is being written by another process: try again when it has ended", .0.display())]
    Locked(PathBuf),
    /// A file of the ledger is not what was written.
    #[error(
        "{file} is damaged: {why}; restore it from a copy, or delete the ledger and import again"
    )]
    Corrupt {
        /// The file below the ledger.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A segment would be too large.
    #[error(transparent)]
    Index(#[from] crate::index::BuildError),
    /// Written by a newer version.
    #[error("the ledger has version {found}, this program reads {known}: use a newer one")]
    Version {
        /// What the ledger says.
        found: u32,
        /// What is read.
        known: u32,
    },
    /// The same bytes were imported before with other options.
    #[error(
        "{path} was imported before, as source {name} with other options ({difference}): the same records would stand twice; use the same options, or another ledger"
    )]
    OtherOptions {
        /// The file.
        path: String,
        /// The source it was imported as.
        name: String,
        /// The options that differ.
        difference: String,
    },
    /// A stream, which can be read only once, came together with other inputs.
    #[error(
        "standard input must be the only FILE: whether it was imported before shows only at its end"
    )]
    StreamNotAlone,
    /// More records of a file are damaged than the import bears.
    #[error(
        "{}: {} of {} records cannot be read: is it of this format, zone and year? Correct the options, or allow more with --max-rejects 100%; nothing was imported",
        .0.name, .0.damaged, .0.damaged + .0.accepted
    )]
    TooManyRejects(Box<StreamReport>),
    /// A rule file could not be read.
    #[error("{path}: {why}")]
    Rules {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A subscriber file could not be read at all.
    #[error("{path}: {why}")]
    Subscribers {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

impl LedgerError {
    pub(super) fn corrupt(file: &str, why: &str) -> LedgerError {
        LedgerError::Corrupt { file: file.to_owned(), why: why.to_owned() }
    }

    /// Whether a file of the ledger is damaged.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, LedgerError::Corrupt { .. })
    }
}

pub(super) fn io_error(path: &Path, source: std::io::Error) -> LedgerError {
    LedgerError::Io { path: path.to_owned(), source }
}
