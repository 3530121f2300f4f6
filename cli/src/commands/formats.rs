//! `portledger formats`.

use std::io::{self, Write};
use std::process::ExitCode;

use portledger::natlog::{Format, FormatInfo, Yields};
use portledger::session::Profile;
use serde::Serialize;

use crate::args::{BatchOutput, Formats};
use crate::{Outcome, out};

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "a row of marks in a table")]
struct Row {
    name: &'static str,
    title: &'static str,
    status: &'static str,
    sessions: bool,
    blocks: bool,
    start_on_release: bool,
    destination: bool,
    login: bool,
    time_basis: &'static str,
    profile: String,
    source: &'static str,
}

impl Row {
    fn of(info: &FormatInfo) -> Row {
        let yields = info.yields;
        Row {
            name: info.name,
            title: info.title,
            status: info.status.name(),
            sessions: yields.session,
            blocks: yields.block,
            start_on_release: yields.start_on_release,
            destination: yields.destination,
            login: yields.login,
            time_basis: info.time_basis,
            profile: Profile::for_format(info.name, None).label(),
            source: info.source,
        }
    }
}

/// `SBRDL`, with a dash for what is not there.
fn marks(yields: Yields) -> String {
    let marks = [
        (yields.session, 'S'),
        (yields.block, 'B'),
        (yields.start_on_release, 'R'),
        (yields.destination, 'D'),
        (yields.login, 'L'),
    ];
    marks.iter().map(|(is_there, mark)| if *is_there { *mark } else { '-' }).collect()
}

pub(crate) fn run(args: &Formats) -> Outcome {
    let infos = || Format::ALL.iter().map(|format| format.info());
    let mut stdout = io::stdout().lock();
    match args.output {
        BatchOutput::Table => {
            let width = infos().map(|info| info.name.len()).max().unwrap_or(0);
            out(writeln!(
                stdout,
                "{:<width$}  {:<9}  {:<6}  {:<12}  what; clock; taken from",
                "name", "status", "yields", "profile"
            ))?;
            for info in infos() {
                out(writeln!(
                    stdout,
                    "{:<width$}  {:<9}  {:<6}  {:<12}  {}; {}; {}",
                    info.name,
                    info.status.name(),
                    marks(info.yields),
                    Profile::for_format(info.name, None).label(),
                    info.title,
                    info.time_basis,
                    info.source
                ))?;
            }
        }
        BatchOutput::Csv => {
            let mut writer = csv::Writer::from_writer(&mut stdout);
            for info in infos() {
                writer.serialize(Row::of(info))?;
            }
            out(writer.flush())?;
        }
        BatchOutput::Ndjson => {
            for info in infos() {
                serde_json::to_writer(&mut stdout, &Row::of(info))?;
                out(writeln!(stdout))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
