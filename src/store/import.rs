//! NAT logs into the ledger.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::error::LedgerError;
use super::files::hex;
use super::input::{Counting, Input};
use super::ledger::Ledger;
use super::manifest::{SourceEntry, SourceKind};
use super::read_log::{ImportWatch, pass_over, read_log};
use crate::allocation::SourceId;
use crate::inside::Realm;
use crate::natlog::{ColumnMap, Format, ReaderOptions, Reject, Template};
use crate::session::{Assembler, Audit, Profile};
use crate::time::{TimeDelta, TimeRange, Zone};

/// The share of damaged records that an import bears by default.
const MAX_REJECTS: f64 = 0.05;
/// From so many damaged records on, where nobody said how many may be.
const FEW: u64 = 20;

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
    /// Who numbers the NAT events of flow records; by default that of the format.
    #[cfg(feature = "netflow")]
    pub dialect: Option<crate::natlog::Dialect>,
    /// Of captures, the only UDP port that is read.
    #[cfg(feature = "netflow")]
    pub udp_port: Option<u16>,
    /// What the columns of somebody else's CSV or NDJSON are.
    pub columns: Option<ColumnMap>,
    /// The layout of the lines, for formats that leave it to the operator.
    pub template: Option<Template>,
    /// Source clock minus true time.
    pub clock_offset: TimeDelta,
    /// The time for which the files are declared complete.
    pub covers: Option<TimeRange>,
    /// The share of damaged records, from 0 to 1, over which nothing of the import is kept: a file with so many is read
    /// in the wrong format, zone or year. By default 0.05 in a file with 20 of them, and all of a file in which no
    /// record could be taken in. Records that are in order and hold no NAT fact do not count.
    pub max_rejects: Option<f64>,
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
            #[cfg(feature = "netflow")]
            dialect: None,
            #[cfg(feature = "netflow")]
            udp_port: None,
            template: None,
            columns: None,
            clock_offset: TimeDelta::ZERO,
            covers: None,
            max_rejects: None,
        }
    }

    /// What the reader is told.
    pub(super) fn reader_options(&self) -> ReaderOptions {
        let mut options = ReaderOptions::new().with_realm(self.realm.clone());
        if let Some((_, zone)) = &self.zone {
            options = options.with_zone(zone.clone());
        }
        if let Some(year) = self.year {
            options = options.with_year(year);
        }
        if let Some(columns) = &self.columns {
            options = options.with_columns(columns.clone());
        }
        if let Some(template) = &self.template {
            options = options.with_template(template.clone());
        }
        #[cfg(feature = "netflow")]
        {
            if let Some(dialect) = self.dialect {
                options = options.with_dialect(dialect);
            }
            if let Some(port) = self.udp_port {
                options = options.with_udp_port(port);
            }
        }
        options
    }

    /// Whether a file is read so badly that it must be read in another way.
    fn is_refused(&self, report: &StreamReport) -> bool {
        if report.damaged == 0 {
            return false;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let is_over =
            |share: f64| report.damaged as f64 > share * (report.damaged + report.accepted) as f64;
        match self.max_rejects {
            Some(share) => is_over(share),
            None => report.accepted == 0 || (report.damaged >= FEW && is_over(MAX_REJECTS)),
        }
    }

    #[cfg(feature = "netflow")]
    fn dialect_name(&self) -> Option<String> {
        self.dialect.map(|dialect| dialect.to_string())
    }

    #[cfg(not(feature = "netflow"))]
    #[expect(clippy::unused_self, reason = "as with flow records")]
    fn dialect_name(&self) -> Option<String> {
        None
    }

    /// The profile that will be used.
    pub fn profile(&self) -> Profile {
        let default = || Profile::for_format(self.format.name(), self.dialect_name().as_deref());
        self.profile.clone().unwrap_or_else(default)
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
        #[cfg(feature = "netflow")]
        {
            if let Some(dialect) = self.dialect {
                set("dialect", dialect.to_string());
            }
            if let Some(port) = self.udp_port {
                set("udp-port", port.to_string());
            }
        }
        if let Some(template) = &self.template {
            set("template", template.to_string());
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
    /// And the ones that are damaged; a loss that the source itself reports is neither.
    pub damaged: u64,
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
    /// [`LedgerError::StreamNotAlone`] when a stream comes with other inputs; [`LedgerError::TooManyRejects`] where
    /// more records are damaged than [`LogImport::max_rejects`] bears; I/O errors. Nothing of the import is in the
    /// ledger then.
    pub fn import(
        &mut self,
        request: &LogImport,
        inputs: Vec<Input>,
        mut progress: &mut dyn FnMut(u64),
    ) -> Result<ImportReport, LedgerError> {
        self.import_watched(request, inputs, &mut progress)
    }

    /// [`Ledger::import`] that also tells of every record that is not taken in.
    ///
    /// # Errors
    ///
    /// As [`Ledger::import`], and those of `watch`.
    pub fn import_watched(
        &mut self,
        request: &LogImport,
        inputs: Vec<Input>,
        watch: &mut dyn ImportWatch,
    ) -> Result<ImportReport, LedgerError> {
        if inputs.len() > 1 && inputs.iter().any(|i| matches!(i, Input::Stream(..))) {
            return Err(LedgerError::StreamNotAlone);
        }
        let options = request.options();
        let mut assembler = Assembler::new(request.profile());
        let mut streams = Vec::new();
        let mut learnt = None;
        let mut sources: Vec<SourceEntry> = Vec::new();
        let mut inputs = inputs.into_iter().peekable();
        while let Some(input) = inputs.next() {
            let name = input.name();
            let digest = input.digest()?;
            let again = |d: &str| sources.iter().any(|s| s.sha256 == d);
            if let Some(d) = &digest
                && (self.known(d, &options, &name, SourceKind::Log)? || again(d))
            {
                streams.push(StreamReport::already(name));
                // What it says is missing between what the others say.
                if !sources.is_empty() && inputs.peek().is_some() {
                    assembler.saw_damage(None);
                }
                // The year of the next file's stamps follows from it.
                if request.year.is_some() && inputs.peek().is_some() {
                    pass_over(input, request, &mut learnt)?;
                }
                continue;
            }
            let number = self.manifest.sources.len() + sources.len();
            let source = SourceId(u32::try_from(number).unwrap_or(u32::MAX));
            let mut stream = Counting::new(input.open()?);
            let report =
                read_log(&mut stream, request, source, &mut assembler, &name, &mut learnt, watch)?;
            let bytes = stream.bytes.get();
            let sha256 = stream.finish();
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
            if request.is_refused(&report) {
                return Err(LedgerError::TooManyRejects(Box::new(report)));
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
        StreamReport { already: true, ..StreamReport::new(name) }
    }

    pub(super) fn new(name: String) -> StreamReport {
        StreamReport {
            name,
            already: false,
            records: 0,
            accepted: 0,
            rejected: BTreeMap::new(),
            expected_rejects: 0,
            damaged: 0,
            first_damage: None,
        }
    }
}
