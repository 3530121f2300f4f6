//! `portledger rules`.

mod add;
mod calculate;
mod check_file;
mod check_ledger;
mod diff;
mod list;
mod picture;

use std::io::Write;
use std::path::Path;

use portledger::mapping::detnat::RecordReading;
use portledger::mapping::{Preset, Stateless, read_rules_with};

pub(crate) use add::add;
pub(crate) use calculate::{forward, reverse};
pub(crate) use diff::diff;
pub(crate) use list::list;

use crate::args::Check;
use crate::{Failure, Outcome, fail};

pub(crate) fn check(args: &Check, report: &mut dyn Write) -> Outcome {
    match (&args.file, &args.ledger) {
        (Some(file), None) => check_file::run(file, args, report),
        (None, Some(ledger)) => check_ledger::run(ledger, args, report),
        _ => Err(fail("either a rule file or --ledger DIR is needed")),
    }
}

/// The rules of a file, or of `preset:NAME`.
fn named(path: &Path, record: Option<RecordReading>) -> Result<Stateless, Failure> {
    match path.to_str().and_then(|path| path.strip_prefix("preset:")) {
        Some(name) => Ok(Stateless::Map(name.parse::<Preset>()?.rules())),
        None => of_file(path, record),
    }
}

/// The rules of a file.
fn of_file(path: &Path, record: Option<RecordReading>) -> Result<Stateless, Failure> {
    let bytes = read(path)?;
    read_rules_with(&bytes, record).map_err(|e| fail(format!("{}: {e}", path.display())))
}

/// The bytes of a file that reads as rules.
fn bytes_of(path: &Path, record: Option<RecordReading>) -> Result<Vec<u8>, Failure> {
    let bytes = read(path)?;
    match read_rules_with(&bytes, record) {
        Ok(_) => Ok(bytes),
        Err(e) => Err(fail(format!("{}: {e}", path.display()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| fail(format!("{}: {e}", path.display())))
}
