//! `portledger demo`.

mod conntrack;
mod questions;
mod scenario;
mod score;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portledger::resolver::{Answer, Resolver};
use portledger::store::Ledger;
use portledger::synth::{Provider, ProviderConfig, ProviderFiles};
use serde::Serialize;
use tempfile::TempDir;

use self::questions::{QUESTIONS, Question};
use super::{resolve, synth};
use crate::args::{Command, Demo};
use crate::output::text;
use crate::shell::CommandLine;
use crate::{Failure, Outcome, fail, out};

/// How the directory is called where none is to be kept.
const UNKEPT: &str = "demo";
/// The longest line of a story.
const WIDTH: usize = 96;

pub(crate) fn run(args: &Demo) -> Outcome {
    let place = Place::prepare(args.keep.as_deref())?;
    let result = tour(args, &place.dir);
    place.leave()?;
    result
}

/// Where the demo works. Paths in its output are the same on every run, so a temporary directory is entered.
struct Place {
    dir: PathBuf,
    entered: Option<(TempDir, PathBuf)>,
}

impl Place {
    fn prepare(keep: Option<&Path>) -> Result<Place, Failure> {
        let Some(dir) = keep else {
            let home = std::env::current_dir()?;
            let temporary = tempfile::tempdir()?;
            std::env::set_current_dir(temporary.path())?;
            return Ok(Place { dir: PathBuf::from(UNKEPT), entered: Some((temporary, home)) });
        };
        let shown = dir.display();
        let is_used = match fs::read_dir(dir) {
            Ok(mut entries) => entries.next().is_some(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => return Err(fail(format!("{shown}: {e}"))),
        };
        if is_used {
            return Err(fail(format!("`{shown}` is not empty: name a new directory for --keep")));
        }
        Ok(Place { dir: dir.to_owned(), entered: None })
    }

    /// Goes back, so that the temporary directory can be deleted.
    fn leave(self) -> Result<(), Failure> {
        if let Some((temporary, home)) = self.entered {
            std::env::set_current_dir(home)?;
            temporary.close()?;
        }
        Ok(())
    }
}

fn tour(args: &Demo, dir: &Path) -> Outcome {
    let background = Provider::generate(&ProviderConfig::default());
    let files = background.write_to(&dir.join("background"))?;
    let ledger = synth::path_text(&dir.join("ledger"))?;
    let mut setup = synth::imports(&files, &ledger)?;
    setup.extend(scenario::write(dir, &ledger)?);
    for line in &setup {
        super::run(line.args()?, &mut io::sink())?;
    }
    let opened = Ledger::open(&ledger)?;
    let resolver = Resolver::new(&opened);
    let mut stdout = BufWriter::new(io::stdout().lock());
    if args.json {
        for question in &QUESTIONS {
            let (command, answer) = ask(question, &ledger, &resolver)?;
            out(write_json(&mut stdout, question, &command, &answer))?;
        }
    } else {
        out(introduce(&mut stdout, &background, &setup, args.keep.is_some()))?;
        for (number, question) in (1..).zip(&QUESTIONS) {
            let (command, answer) = ask(question, &ledger, &resolver)?;
            out(write_text(&mut stdout, number, question, &command, &answer))?;
        }
        out(conclude(&mut stdout, &files, &resolver)?)?;
    }
    out(stdout.flush())?;
    Ok(ExitCode::SUCCESS)
}

/// The command of a question, and the answer of `resolve` to it.
fn ask(
    question: &Question,
    ledger: &str,
    resolver: &Resolver<'_>,
) -> Result<(CommandLine, Answer), Failure> {
    let line = question.command(ledger);
    let Command::Resolve(args) = line.args()?.command else {
        return Err(fail(format!("`{line}` is no question")));
    };
    let answer = resolver.resolve(&resolve::inquiry(&args)?);
    Ok((line, answer))
}

fn introduce(
    w: &mut impl Write,
    background: &Provider,
    setup: &[CommandLine],
    is_kept: bool,
) -> io::Result<()> {
    let made = background.summary();
    writeln!(
        w,
        "A provider that never was, on 2 November 2026. Times are UTC; names and addresses are made up.\n\
         Background: {} sessions in {} log lines, {} port blocks, a MAP-E domain whose rule changes\n\
         at 19:00, {} accounting records. In front of it, what is behind the {} questions below.\n\
         The ledger was made by\n",
        made.sessions,
        made.log_lines,
        made.blocks,
        made.accounting_records,
        QUESTIONS.len()
    )?;
    for line in setup {
        writeln!(w, "  $ {line}")?;
    }
    if !is_kept {
        writeln!(w, "\nTo run the commands yourself: portledger demo --keep {UNKEPT}")?;
    }
    Ok(())
}

fn write_text(
    w: &mut impl Write,
    number: usize,
    question: &Question,
    command: &CommandLine,
    answer: &Answer,
) -> io::Result<()> {
    writeln!(w, "\n{number}. {}", question.title)?;
    wrap(w, question.story)?;
    writeln!(w)?;
    writeln!(w, "   $ {command}")?;
    let mut shown = Vec::new();
    text::write(&mut shown, answer, false)?;
    for line in String::from_utf8_lossy(&shown).lines() {
        writeln!(w, "   {line}")?;
    }
    writeln!(w)?;
    wrap(w, question.why)
}

/// Writes a text in lines that fit a terminal.
fn wrap(w: &mut impl Write, text: &str) -> io::Result<()> {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > WIDTH {
            writeln!(w, "  {line}")?;
            line.clear();
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(w, "  {line}")
}

fn conclude(
    w: &mut impl Write,
    files: &ProviderFiles,
    resolver: &Resolver<'_>,
) -> Result<io::Result<()>, Failure> {
    let score = score::score(files, resolver)?;
    let mut write = || {
        writeln!(w)?;
        score.write(w)
    };
    Ok(write())
}

#[derive(Serialize)]
struct Shown<'a> {
    question: &'a str,
    story: &'a str,
    command: String,
    answer: &'a Answer,
    why: &'a str,
}

fn write_json(
    w: &mut impl Write,
    question: &Question,
    command: &CommandLine,
    answer: &Answer,
) -> io::Result<()> {
    let Question { title, story, why, .. } = question;
    let shown = Shown { question: title, story, command: command.to_string(), answer, why };
    serde_json::to_writer(&mut *w, &shown)?;
    w.write_all(b"\n")
}
