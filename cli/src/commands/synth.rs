//! `portledger synth`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portledger::synth::{Provider, ProviderConfig, ProviderFiles, ProviderSummary};
use portledger::time::Timestamp;

use super::said;
use crate::args::Synth;
use crate::shell::{CommandLine, quote};
use crate::{Failure, Outcome, fail, out, progress};

pub(crate) fn run(args: &Synth, report: &mut dyn Write) -> Outcome {
    let config = ProviderConfig {
        subscribers: args.subscribers,
        hours: args.hours,
        seed: args.seed,
        ..ProviderConfig::default()
    };
    let ledger = path_text(&args.out.join("ledger"))?;
    if fs::exists(&ledger)? {
        return Err(fail(format!(
            "`{ledger}` is there: these logs must not be mixed with what it holds; name another directory"
        )));
    }
    let spinner = progress::spinner("plan the provider");
    let provider = Provider::generate(&config);
    spinner.set_message("write its logs");
    let files =
        provider.write_to(&args.out).map_err(|e| fail(format!("{}: {e}", args.out.display())))?;
    spinner.finish_and_clear();
    said(describe(provider.summary(), &files, report))?;

    let program = program();
    let mut stdout = io::stdout().lock();
    for line in imports(&files, &ledger)? {
        out(writeln!(stdout, "{}", line.of(&program)))?;
    }
    let resolve = CommandLine::new(["resolve", "--ledger", &ledger]).with([
        "--batch",
        &path_text(&files.questions)?,
        "--input",
        "csv",
        "--output",
        "csv",
    ]);
    let answers = path_text(&args.out.join("answers.csv"))?;
    out(writeln!(stdout, "{} > {}", resolve.of(&program), quote(&answers)))?;
    Ok(ExitCode::SUCCESS)
}

/// The commands that put a provider's files into a ledger.
pub(super) fn imports(files: &ProviderFiles, ledger: &str) -> Result<Vec<CommandLine>, Failure> {
    let mut lines = Vec::new();
    for pool in &files.pools {
        let line = CommandLine::new(["pools", "add", "--ledger", ledger]).with([
            pool.prefix.to_string(),
            "--ports".to_owned(),
            pool.ports.to_string(),
            "--device".to_owned(),
            pool.device.to_owned(),
        ]);
        lines.push(if pool.exclusive { line.with(["--exclusive"]) } else { line });
    }
    for rules in &files.rules {
        let line = CommandLine::new(["rules", "add", "--ledger", ledger])
            .with(["--from".to_owned(), rules.in_force.start().rfc3339()]);
        let line = match rules.in_force.end() {
            Timestamp::MAX => line,
            end => line.with(["--until".to_owned(), end.rfc3339()]),
        };
        lines.push(line.with([path_text(&rules.path)?]));
    }
    for log in &files.logs {
        lines.push(
            CommandLine::new(["import", "--ledger", ledger, "--format", log.format])
                .with(["--source", log.source])
                .with(["--covers".to_owned(), files.covers.rfc3339(), path_text(&log.path)?]),
        );
    }
    if let Some(first) = files.accounting.first() {
        let line = CommandLine::new(["subscribers", "import", "--ledger", ledger])
            .with(["--format", first.format]);
        let paths = files.accounting.iter().map(|f| path_text(&f.path));
        lines.push(line.with(paths.collect::<Result<Vec<String>, Failure>>()?));
    }
    Ok(lines)
}

/// A path as a word of a command line.
pub(super) fn path_text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        fail(format!("the path {} is no UTF-8 and cannot be printed as a command", path.display()))
    })
}

/// How this program was called, so that the commands find it again.
fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from);
    let called = called.as_deref().and_then(Path::to_str).unwrap_or("portledger");
    // A name without a directory was found on the PATH.
    if called.contains(std::path::MAIN_SEPARATOR) {
        called.to_owned()
    } else {
        "portledger".to_owned()
    }
}

fn describe(made: &ProviderSummary, files: &ProviderFiles, w: &mut dyn Write) -> io::Result<()> {
    writeln!(w, "a provider in {}", files.covers.rfc3339())?;
    for (path, text) in [
        (
            files.logs.first().map(|f| &f.path),
            format!(
                "{} lines: {} sessions, {:.1} a port",
                made.log_lines, made.sessions, made.reuse
            ),
        ),
        (files.logs.get(1).map(|f| &f.path), format!("{} port blocks", made.blocks)),
        (
            files.accounting.first().map(|f| &f.path),
            format!(
                "and its sisters: {} accounting records, {} of them Stops that are late, {} Stops lost",
                made.accounting_records, made.delayed_stops, made.lost_stops
            ),
        ),
        (
            Some(&files.questions),
            format!(
                "{} questions, {:.0} % of them with somebody behind",
                made.questions,
                made.hit_share * 100.0
            ),
        ),
        (Some(&files.truth), "who it was".to_owned()),
    ] {
        if let Some(path) = path {
            writeln!(w, "  {}: {text}", path.display())?;
        }
    }
    writeln!(w, "the commands on standard output import all this and answer the questions")
}
