//! One file a command.

mod demo;
mod events;
mod formats;
mod import;
mod ledger;
mod logs;
mod pools;
mod resolve;
mod rules;
mod subscribers;
mod synth;

use std::io::{self, Write};
use std::path::PathBuf;

use portledger::Timestamp;
use portledger::natlog::ColumnMap;
use portledger::store::Input;
use portledger::time::{TimeRange, WrittenTime, Zone};

use crate::args::{Args, Command, Pools, Rules, Subscribers};
use crate::{Failure, Outcome, fail};

/// Runs a command; what it reports beside its data goes to `report`.
pub(crate) fn run(args: Args, report: &mut dyn Write) -> Outcome {
    match args.command {
        Command::Demo(args) => demo::run(&args),
        Command::Synth(args) => synth::run(&args, report),
        Command::Pools(Pools::Add(args)) => pools::add(&args, report),
        Command::Import(args) => import::run(args, report),
        Command::Rules(Rules::Add(args)) => rules::add(&args, report),
        Command::Rules(Rules::Check(args)) => rules::check(&args, report),
        Command::Rules(Rules::Diff(args)) => rules::diff(&args, report),
        Command::Rules(Rules::List(args)) => rules::list(&args),
        Command::Rules(Rules::Reverse(args)) => rules::reverse(&args),
        Command::Rules(Rules::Forward(args)) => rules::forward(&args),
        Command::Subscribers(Subscribers::Import(args)) => subscribers::import(args, report),
        Command::Resolve(args) => resolve::run(&args),
        Command::Events(args) => events::run(args, report),
        Command::Formats(args) => formats::run(&args),
        Command::Info(args) => ledger::info(&args),
        Command::Verify(args) => ledger::verify(&args),
        Command::Expire(args) => ledger::expire(&args, report),
    }
}

/// Saying what was done; where nobody listens it is done all the same.
fn said(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(fail(format!("the report cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}

/// A zone by the name given on the command line, with that name.
fn zone(name: Option<&String>) -> Result<Option<(String, Zone)>, Failure> {
    name.map(|name| Ok((name.clone(), name.parse()?))).transpose()
}

/// A column map: the text itself, or a file that holds it.
fn columns(text: &str) -> Result<ColumnMap, Failure> {
    let is_file = !text.contains(['=', ',']);
    let text = if is_file {
        std::fs::read_to_string(text).map_err(|e| fail(format!("{text}: {e}")))?
    } else {
        text.to_owned()
    };
    Ok(text.parse()?)
}

/// An instant of the command line.
fn instant(text: &str) -> Result<Timestamp, Failure> {
    Ok(WrittenTime::parse(text, None)?.start())
}

/// A range from optional ends.
fn in_force(from: Option<&str>, until: Option<&str>) -> Result<TimeRange, Failure> {
    let start = from.map_or(Ok(Timestamp::MIN), instant)?;
    let end = until.map_or(Ok(Timestamp::MAX), instant)?;
    Ok(TimeRange::new(start, end)?)
}

/// The files of the command line as inputs; `-` is standard input. One that is not there is said before anything is made.
fn inputs(files: Vec<PathBuf>) -> Result<Vec<Input>, Failure> {
    let input = |path: PathBuf| {
        if path.to_str() == Some("-") {
            return Ok(Input::Stream("-".to_owned(), Box::new(io::stdin())));
        }
        let name = path.display().to_string();
        let unreadable = |e: io::Error| fail(format!("{name}: {e}"));
        if std::fs::metadata(&path).map_err(unreadable)?.is_file() {
            return Ok(Input::Path(path));
        }
        // A pipe can be read only once.
        let stream = std::fs::File::open(&path).map_err(unreadable)?;
        Ok(Input::Stream(name, Box::new(stream)))
    };
    files.into_iter().map(input).collect()
}
