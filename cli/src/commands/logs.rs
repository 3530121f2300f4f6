//! NAT logs as `import` and `events` take them.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};

use portledger::inside::Realm;
use portledger::natlog::detect::{Candidate, DetectError, Detected};
use portledger::natlog::unpack::Unpack;
use portledger::natlog::{Format, ReaderOptions};
use portledger::store::Input;

use super::{columns, said, zone};
use crate::args::{FormatChoice, LogArgs};
use crate::{Failure, fail};

/// What the reader is told.
pub(crate) fn reader_options(args: &LogArgs) -> Result<ReaderOptions, Failure> {
    let realm = Realm::new(args.realm.as_deref().unwrap_or_default());
    let mut options = ReaderOptions::new().with_realm(realm);
    if let Some((_, zone)) = zone(args.timezone.as_ref())? {
        options = options.with_zone(zone);
    }
    if let Some(year) = args.year {
        options = options.with_year(year);
    }
    if let Some(map) = args.columns.as_deref() {
        options = options.with_columns(columns(map)?);
    }
    if let Some(dialect) = args.dialect {
        options = options.with_dialect(dialect);
    }
    if let Some(port) = args.udp_port {
        options = options.with_udp_port(port);
    }
    if let Some(template) = &args.template {
        options = options.with_template(template.clone());
    }
    Ok(options)
}

/// The format that was named, or the one that fits all files; a stream is as unread afterwards as before.
pub(crate) fn format(
    choice: FormatChoice,
    inputs: &mut [Input],
    options: &ReaderOptions,
    report: &mut dyn Write,
) -> Result<Format, Failure> {
    if let FormatChoice::Named(format) = choice {
        return Ok(format);
    }
    let mut first: Option<(String, Candidate)> = None;
    for input in inputs {
        let name = input.name();
        let found = detect(input, options).map_err(|e| fail(format!("{name}: {e}")))?;
        let found = match found.sole() {
            Ok(found) => found,
            // An empty file is of whatever format the others are.
            Err(DetectError::Nothing(0)) => continue,
            Err(e) => return Err(fail(format!("{name}: {e}"))),
        };
        said(writeln!(
            report,
            "{name}: {} ({} events, {} damaged, {} other records in its beginning)",
            found.format, found.events, found.damaged, found.other
        ))?;
        match &first {
            None => first = Some((name, found)),
            Some((other, before)) if before.format != found.format => {
                return Err(fail(format!(
                    "{other} is {}, {name} is {}: import them apart",
                    before.format, found.format
                )));
            }
            Some(_) => {}
        }
    }
    let nothing = || fail("nothing in the files shows a format: name one with --format");
    first.map(|(_, found)| found.format).ok_or_else(nothing)
}

fn detect(input: &mut Input, options: &ReaderOptions) -> io::Result<Detected> {
    let sample = match input {
        Input::Path(path) => sample(&mut Unpack::new(File::open(path)?))?,
        Input::Stream(_, stream) => {
            let inner = std::mem::replace(stream, Box::new(io::empty()));
            let mut recording = Recording { inner, seen: Vec::new() };
            let sample = sample(&mut Unpack::new(&mut recording))?;
            *stream = Box::new(Cursor::new(recording.seen).chain(recording.inner));
            sample
        }
    };
    Ok(Detected::of(&sample, sample.len() < Detected::SAMPLE, options))
}

fn sample(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut sample = Vec::new();
    stream.take(Detected::SAMPLE as u64).read_to_end(&mut sample)?;
    Ok(sample)
}

/// Keeps what is read, to be read again.
struct Recording {
    inner: Box<dyn Read>,
    seen: Vec<u8>,
}

impl Read for Recording {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.seen.extend_from_slice(&buf[..n]);
        Ok(n)
    }
}
