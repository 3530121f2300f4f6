//! What an import did not take in, as NDJSON.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use portledger::store::RejectedRecord;
use serde::Serialize;

use crate::{Failure, fail};

/// The most of a record that is written.
const MAX_RAW: usize = 16 * 1024;

#[derive(Serialize)]
struct Written<'a> {
    file: &'a str,
    line: u64,
    offset: u64,
    length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    reason: &'a str,
    damage: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: &'a str,
    /// The record where it is text,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    /// and where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Rejects {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Rejects {
    pub(crate) fn create(path: &Path) -> Result<Rejects, Failure> {
        let file = File::create(path).map_err(|e| fail(format!("{}: {e}", path.display())))?;
        Ok(Rejects { path: path.to_owned(), file: BufWriter::new(file) })
    }

    pub(crate) fn write(&mut self, record: &RejectedRecord<'_>) -> io::Result<()> {
        let raw = record.raw.map(|raw| &raw[..raw.len().min(MAX_RAW)]);
        let text = raw.and_then(|raw| std::str::from_utf8(raw).ok());
        let line = Written {
            file: record.stream,
            line: record.line,
            offset: record.span.offset,
            length: record.span.length,
            column: record.column,
            reason: record.reason,
            damage: record.is_damage,
            advice: record.advice,
            raw: text,
            raw_hex: raw.filter(|_| text.is_none()).map(hex),
        };
        serde_json::to_writer(&mut self.file, &line)?;
        self.file.write_all(b"\n")
    }

    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|e| fail(format!("{}: {e}", self.path.display())))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
