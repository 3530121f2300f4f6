//! `portledger`: who was behind a shared IPv4 address.

mod args;
mod commands;
mod output;
mod progress;
mod shell;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// What a command says of itself: an exit code, or why it could not be done.
type Outcome = Result<ExitCode, Failure>;

/// A command could not be done: exit code 2.
#[derive(Debug)]
enum Failure {
    /// Said on standard error.
    Message(String),
    /// The reader of our output went away; there is nobody to tell.
    PipeClosed,
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        if let Some(io) = source.and_then(|s| s.downcast_ref::<io::Error>())
            && io.kind() == io::ErrorKind::BrokenPipe
        {
            return Failure::PipeClosed;
        }
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        Failure::Message(text)
    }
}

/// A failure in our own words.
fn fail(message: impl Into<String>) -> Failure {
    Failure::Message(message.into())
}

/// Writing to standard output; a closed pipe is the reader's choice, not an error.
fn out(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => Failure::PipeClosed,
        _ => fail(format!("standard output: {e}")),
    })
}

fn main() -> ExitCode {
    let args = args::Args::parse();
    let outcome = commands::run(args, &mut io::stderr()).and_then(|code| {
        out(io::stdout().flush())?;
        Ok(code)
    });
    match outcome {
        Ok(code) => code,
        Err(Failure::PipeClosed) => ExitCode::SUCCESS,
        Err(Failure::Message(message)) => {
            let _ = writeln!(io::stderr(), "portledger: {message}");
            ExitCode::from(2)
        }
    }
}
