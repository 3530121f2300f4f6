//! The raw records behind an answer, read back from the files they were imported from.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use portledger::resolver::{Answer, Evidence, RecordPlace};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The longest record that is read back.
const MAX_RECORD: u32 = 1 << 20;

#[derive(Debug, Serialize)]
pub(crate) struct RawRecord {
    path: String,
    offset: u64,
    role: &'static str,
    /// The record, or none where the file is gone or was changed.
    text: Option<String>,
    /// SHA-256 of its bytes.
    sha256: Option<String>,
}

/// Reads records back, and remembers which files are unchanged.
#[derive(Debug, Default)]
pub(crate) struct RawReader {
    unchanged: HashMap<(String, String), bool>,
}

impl RawReader {
    /// The records of a piece of evidence; a rule has none.
    pub(crate) fn read(&mut self, evidence: &Evidence) -> Vec<RawRecord> {
        let places = match evidence {
            Evidence::Records { records, .. } => records.as_slice(),
            Evidence::Rule { .. } => &[],
        };
        let mut one = |place: &RecordPlace| {
            let same = *self
                .unchanged
                .entry((place.path.clone(), place.sha256.clone()))
                .or_insert_with(|| is_unchanged(&place.path, &place.sha256).unwrap_or(false));
            read(place, same)
        };
        places.iter().map(&mut one).collect()
    }
}

pub(crate) fn of(answer: &Answer) -> Vec<RawRecord> {
    let mut reader = RawReader::default();
    answer.candidates.iter().flat_map(|c| reader.read(&c.evidence)).collect()
}

impl RawRecord {
    /// The record, for a column.
    pub(crate) fn text_or_unavailable(&self) -> &str {
        self.text.as_deref().unwrap_or("raw unavailable")
    }
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the file is still the one that was imported; otherwise its lines prove nothing.
fn is_unchanged(path: &str, sha256: &str) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize()) == sha256),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

fn read(place: &RecordPlace, unchanged: bool) -> RawRecord {
    let bytes = if unchanged { bytes(place).ok() } else { None };
    RawRecord {
        path: place.path.clone(),
        offset: place.offset,
        role: place.role,
        sha256: bytes.as_ref().map(|b| hex(&Sha256::digest(b))),
        text: bytes.map(|b| String::from_utf8_lossy(&b).into_owned()),
    }
}

fn bytes(place: &RecordPlace) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(&place.path)?;
    file.seek(SeekFrom::Start(place.offset))?;
    let mut bytes = Vec::new();
    let length = place.length.min(MAX_RECORD);
    file.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < usize::try_from(length).unwrap_or(usize::MAX) {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

impl std::fmt::Display for RawRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.text, &self.sha256) {
            (Some(text), Some(sha256)) => {
                write!(
                    f,
                    "{} at {}:{}\n    {text}\n    sha256 {sha256}",
                    self.role, self.path, self.offset
                )
            }
            _ => write!(f, "{} at {}:{}: raw unavailable", self.role, self.path, self.offset),
        }
    }
}
