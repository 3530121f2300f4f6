//! NAT logs into the ledger.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::error::{LedgerError, io_error};
use super::files::hex;
use super::ledger::Ledger;
use super::manifest::{SourceEntry, SourceKind};
use crate::allocation::SourceId;
use crate::inside::Realm;
use crate::natlog::{
    ColumnMap, Event, Format, Reader, ReaderOptions, Record, Reject, RejectReason,
};
use crate::session::{Assembler, Audit, Profile};
use crate::time::{TimeDelta, TimeRange, WrittenTime, Zone};

/// Where bytes come from.
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// Anything else, under a name.
    Stream(String, Box<dyn Read>),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({:?})", self.name())
    }
}

impl Input {
    /// The name that reports and the ledger carry.
    pub fn name(&self) -> String {
        match self {
            Input::Path(path) => path.display().to_string(),
            Input::Stream(name, _) => name.clone(),
        }
    }

    pub(super) fn open(self) -> Result<Box<dyn Read>, LedgerError> {
        match self {
            Input::Path(path) => Ok(Box::new(File::open(&path).map_err(|e| io_error(&path, e))?)),
            Input::Stream(_, stream) => Ok(stream),
        }
    }

    /// The checksum of a file's bytes; a stream can only be read once.
    pub(super) fn digest(&self) -> Result<Option<String>, LedgerError> {
        let Input::Path(path) = self else { return Ok(None) };
        let mut file = File::open(path).map_err(|e| io_error(path, e))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = file.read(&mut buffer).map_err(|e| io_error(path, e))?;
            if n == 0 {
                return Ok(Some(hex(&hasher.finalize())));
            }
            hasher.update(buffer.get(..n).unwrap_or_default());
        }
    }
}

/// How a NAT log is to be read.
#[derive(Clone, Debug)]
pub struct LogImport {
    /// The format of every file.
    pub format: Format,
    /// The device, or the collector, that wrote them. Sources of one name are one device.
    pub source: String,
    /// What the stamps mean; by default the format's own.
    pub profile: Option<Profile>,
    /// The realm of inside addresses without one.
    pub realm: Realm,
    /// The zone of stamps without one.
    pub zone: Option<(String, Zone)>,
    /// The year of stamps without one.
    pub year: Option<i16>,
    /// What the columns of somebody else's CSV or NDJSON are.
    pub columns: Option<ColumnMap>,
    /// Source clock minus true time.
    pub clock_offset: TimeDelta,
    /// The time for which the files are declared complete.
    pub covers: Option<TimeRange>,
}

impl LogImport {
    /// An import with nothing but a format and a name.
    pub fn new(format: Format, source: &str) -> LogImport {
        LogImport {
            format,
            source: source.to_owned(),
            profile: None,
            realm: Realm::EMPTY,
            zone: None,
            year: None,
            columns: None,
            clock_offset: TimeDelta::ZERO,
            covers: None,
        }
    }

    /// The profile that will be used.
    pub fn profile(&self) -> Profile {
        let own = || Profile::builtin(self.format.name()).unwrap_or_else(Profile::unknown);
        self.profile.clone().unwrap_or_else(own)
    }

    fn options(&self) -> BTreeMap<String, String> {
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value: String| options.insert(name.to_owned(), value);
        set("format", self.format.to_string());
        set("source", self.source.clone());
        let profile = self.profile();
        let whole = serde_json::to_vec(&profile).unwrap_or_default();
        let digest = hex(&Sha256::digest(&whole));
        set("profile", format!("{}#{}", profile.label(), digest.get(..8).unwrap_or_default()));
        if !self.realm.is_empty() {
            set("realm", self.realm.as_str().to_owned());
        }
        if let Some((name, _)) = &self.zone {
            set("timezone", name.clone());
        }
        if let Some(columns) = &self.columns {
            set("columns", columns.to_string());
        }
        if let Some(year) = self.year {
            set("year", year.to_string());
        }
        if self.clock_offset != TimeDelta::ZERO {
            set("clock-offset", self.clock_offset.to_string());
        }
        if let Some(covers) = self.covers {
            set("covers", covers.to_string());
        }
        options
    }
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct StreamReport {
    /// Its name.
    pub name: String,
    /// Whether it was imported before with the same options, and so left alone.
    pub already: bool,
    /// Records read.
    pub records: u64,
    /// Records taken in.
    pub accepted: u64,
    /// Records rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Of these, the ones that are no NAT fact and no damage.
    pub expected_rejects: u64,
    /// The first record that was damaged, if any.
    pub first_damage: Option<Reject>,
}

/// What became of an import.
#[derive(Clone, Debug)]
#[must_use = "it says what was rejected and lost"]
pub struct ImportReport {
    /// One entry a file, in the order given.
    pub streams: Vec<StreamReport>,
    /// Allocations made.
    pub allocations: u64,
    /// What was seen of the source.
    pub audit: Audit,
    /// The profile as it was used.
    pub profile: Profile,
}

impl Ledger {
    /// Imports NAT logs: the files are read as one stream, in the order given.
    ///
    /// Files that were imported before with the same options are left alone. `progress` is told how many bytes were
    /// read since it was last called.
    ///
    /// # Errors
    ///
    /// [`LedgerError::OtherOptions`] when the same bytes are in the ledger under other options;
    /// [`LedgerError::StreamNotAlone`] when a stream comes with other inputs; I/O errors. Nothing of the import is in
    /// the ledger then.
    pub fn import(
        &mut self,
        request: &LogImport,
        inputs: Vec<Input>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<ImportReport, LedgerError> {
        if inputs.len() > 1 && inputs.iter().any(|i| matches!(i, Input::Stream(..))) {
            return Err(LedgerError::StreamNotAlone);
        }
        let options = request.options();
        let mut assembler = Assembler::new(request.profile());
        let mut streams = Vec::new();
        let mut sources: Vec<SourceEntry> = Vec::new();
        for input in inputs {
            let name = input.name();
            let digest = input.digest()?;
            let again = |d: &str| sources.iter().any(|s| s.sha256 == d);
            if let Some(d) = &digest
                && (self.known(d, &options, &name, SourceKind::Log)? || again(d))
            {
                streams.push(StreamReport::already(name));
                continue;
            }
            let number = self.manifest.sources.len() + sources.len();
            let source = SourceId(u32::try_from(number).unwrap_or(u32::MAX));
            let mut stream =
                Counting { inner: input.open()?, hasher: Sha256::new(), bytes: 0, progress };
            let report = read_log(&mut stream, request, source, &mut assembler, &name)?;
            let sha256 = hex(&stream.hasher.finalize());
            let bytes = stream.bytes;
            if digest.is_none() && self.known(&sha256, &options, &name, SourceKind::Log)? {
                // A stream shows only at its end that it was here before; its events must not count twice.
                let report = StreamReport::already(name);
                let audit = Audit::default();
                return Ok(ImportReport {
                    streams: vec![report],
                    allocations: 0,
                    audit,
                    profile: request.profile(),
                });
            }
            sources.push(SourceEntry {
                name: request.source.clone(),
                kind: SourceKind::Log,
                format: request.format.to_string(),
                path: name,
                sha256,
                bytes,
                options: options.clone(),
                clock_offset: request.clock_offset,
                covers: request.covers,
                recorded: None,
                rejected: report.rejected.clone(),
                accepted: report.accepted,
                log: None,
                identity: None,
            });
            streams.push(report);
        }
        let assembled = assembler.finish(request.covers);
        let report = ImportReport {
            streams,
            allocations: u64::try_from(assembled.allocations.len()).unwrap_or(u64::MAX),
            audit: assembled.audit.clone(),
            profile: assembled.profile.clone(),
        };
        if !sources.is_empty() {
            for source in &mut sources {
                source.recorded = assembled.audit.recorded();
            }
            self.insert_sources(sources, assembled)?;
        }
        Ok(report)
    }

    /// Whether the bytes were imported before with these options.
    pub(super) fn known(
        &self,
        sha256: &str,
        options: &BTreeMap<String, String>,
        path: &str,
        kind: SourceKind,
    ) -> Result<bool, LedgerError> {
        let same_bytes = |s: &&SourceEntry| s.sha256 == sha256 && s.kind == kind;
        let Some(source) = self.manifest.sources.iter().find(same_bytes) else { return Ok(false) };
        let same_options = |s: &SourceEntry| same_bytes(&s) && s.options == *options;
        if self.manifest.sources.iter().any(same_options) {
            return Ok(true);
        }
        // Empty files of two devices are no contradiction.
        if source.bytes == 0 {
            return Ok(false);
        }
        let names: Vec<&str> = options
            .iter()
            .filter(|(name, value)| source.options.get(*name) != Some(value))
            .map(|(name, _)| name.as_str())
            .chain(source.options.keys().filter(|k| !options.contains_key(*k)).map(String::as_str))
            .collect();
        Err(LedgerError::OtherOptions {
            path: path.to_owned(),
            name: source.name.clone(),
            difference: names.join(", "),
        })
    }
}

impl StreamReport {
    fn already(name: String) -> StreamReport {
        StreamReport {
            name,
            already: true,
            records: 0,
            accepted: 0,
            rejected: BTreeMap::new(),
            expected_rejects: 0,
            first_damage: None,
        }
    }
}

fn read_log(
    stream: &mut dyn Read,
    request: &LogImport,
    source: SourceId,
    assembler: &mut Assembler,
    name: &str,
) -> Result<StreamReport, LedgerError> {
    let mut options = ReaderOptions::new().with_realm(request.realm.clone());
    if let Some((_, zone)) = &request.zone {
        options = options.with_zone(zone.clone());
    }
    if let Some(year) = request.year {
        options = options.with_year(year);
    }
    if let Some(columns) = &request.columns {
        options = options.with_columns(columns.clone());
    }
    let mut reader = Reader::new(request.format, options, stream);
    let mut report = StreamReport { already: false, ..StreamReport::already(name.to_owned()) };
    let mut event = Event::default();
    let failed = |e: io::Error| io_error(std::path::Path::new(name), e);
    while let Some(record) = reader.next_record(&mut event).map_err(failed)? {
        report.records += 1;
        match record {
            Record::Event => {
                correct(&mut event, request.clock_offset);
                match assembler.push(source, &event) {
                    Ok(()) => report.accepted += 1,
                    Err(reject) => {
                        assembler.saw_damage(event.time);
                        *report.rejected.entry(reject.to_string()).or_default() += 1;
                    }
                }
            }
            Record::Rejected(reject) => {
                correct(&mut event, request.clock_offset);
                if let Some(at) = event.time {
                    assembler.saw_stamp(at.start());
                }
                *report.rejected.entry(reject.reason.name().to_owned()).or_default() += 1;
                if reject.reason.is_expected() {
                    report.expected_rejects += 1;
                } else {
                    match reject.reason {
                        RejectReason::EventsLost => assembler.saw_loss(event.time),
                        _ => assembler.saw_damage(event.time),
                    }
                    report.first_damage.get_or_insert(reject);
                }
            }
        }
    }
    Ok(report)
}

fn correct(event: &mut Event, offset: TimeDelta) {
    if offset != TimeDelta::ZERO {
        for at in [&mut event.time, &mut event.start, &mut event.stop] {
            *at = at.map(|w: WrittenTime| w.corrected(offset));
        }
    }
}

struct Counting<'a> {
    inner: Box<dyn Read>,
    hasher: Sha256,
    bytes: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Read for Counting<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or_default());
        let read = u64::try_from(n).unwrap_or(u64::MAX);
        self.bytes += read;
        (self.progress)(read);
        Ok(n)
    }
}
