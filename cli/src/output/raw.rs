//! The raw records behind an answer, read back from the files they were imported from.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use portledger::natlog::unpack::{Packing, Unpack};
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
    /// Where the last packed file was left.
    packed: Option<PackedFile>,
}

/// A packed file, read as far as some offset of what it holds.
#[derive(Debug)]
struct PackedFile {
    path: String,
    at: u64,
    stream: Unpack<File>,
}

impl RawReader {
    /// The records of a piece of evidence; a rule has none.
    pub(crate) fn read(&mut self, evidence: &Evidence) -> Vec<RawRecord> {
        let places = match evidence {
            Evidence::Records { records, .. } => records.as_slice(),
            Evidence::Rule { .. } => &[],
        };
        places.iter().map(|place| self.one(place)).collect()
    }

    fn one(&mut self, place: &RecordPlace) -> RawRecord {
        let same = *self
            .unchanged
            .entry((place.path.clone(), place.sha256.clone()))
            .or_insert_with(|| is_unchanged(&place.path, &place.sha256).unwrap_or(false));
        let bytes = if same { self.bytes(place).ok() } else { None };
        RawRecord {
            path: place.path.clone(),
            offset: place.offset,
            role: place.role,
            sha256: bytes.as_ref().map(|b| hex(&Sha256::digest(b))),
            text: bytes.map(|b| String::from_utf8_lossy(&b).into_owned()),
        }
    }

    /// The bytes at a place of what the file holds.
    fn bytes(&mut self, place: &RecordPlace) -> io::Result<Vec<u8>> {
        let mut file = File::open(&place.path)?;
        let mut head = Vec::new();
        file.by_ref().take(4).read_to_end(&mut head)?;
        if Packing::of(&head) == Packing::Plain {
            file.seek(SeekFrom::Start(place.offset))?;
            return exactly(file, place.length);
        }
        file.rewind()?;
        let fits = |p: &PackedFile| p.path == place.path && p.at <= place.offset;
        let start = || PackedFile { path: place.path.clone(), at: 0, stream: Unpack::new(file) };
        let mut packed = self.packed.take().filter(fits).unwrap_or_else(start);
        let skip = place.offset - packed.at;
        if io::copy(&mut packed.stream.by_ref().take(skip), &mut io::sink())? < skip {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let bytes = exactly(packed.stream.by_ref(), place.length)?;
        packed.at = place.offset + bytes.len() as u64;
        self.packed = Some(packed);
        Ok(bytes)
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
fn is_unchanged(path: &str, sha256: &str) -> io::Result<bool> {
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

fn exactly(source: impl Read, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = length.min(MAX_RECORD);
    source.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() < usize::try_from(length).unwrap_or(usize::MAX) {
        return Err(io::ErrorKind::UnexpectedEof.into());
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
