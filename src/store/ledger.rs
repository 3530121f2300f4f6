//! The ledger itself: what is open, and the changes that are not imports.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::coverage::Coverage;
use super::error::{LedgerError, io_error};
use super::expire;
use super::files;
use super::manifest::{
    FileEntry, LEDGER_VERSION, LogFacts, Manifest, Pool, SourceEntry, SourceKind,
};
use super::rules;
use super::segment::Segment;
use super::subscribers;
use crate::allocation::{Allocation, Origin, Place, SourceId};
use crate::identity::IdentityTable;
use crate::inside::InsideHost;
use crate::mapping::RuleHistory;
use crate::port::PortRange;
use crate::session::{Assembled, Audit, Profile};
use crate::time::{TimeDelta, TimeRange, Timestamp};

const MANIFEST: &str = "ledger.json";

/// Allocations, rules, bindings, sources and coverage, as one thing that can be asked.
///
/// ```
/// use portledger::session::{Assembler, Profile};
/// use portledger::store::Ledger;
///
/// let mut ledger = Ledger::in_memory();
/// let assembled = Assembler::new(Profile::exact()).finish(None);
/// ledger.insert("cgn-1", assembled, None)?;
/// assert_eq!(ledger.manifest().sources.len(), 1);
/// # Ok::<(), portledger::store::LedgerError>(())
/// ```
#[derive(Debug)]
pub struct Ledger {
    pub(super) dir: Option<PathBuf>,
    pub(super) manifest: Manifest,
    pub(super) segments: Vec<Segment>,
    pub(super) rules: RuleHistory,
    pub(super) identity: IdentityTable,
    /// What bindings are made of, by source.
    pub(super) subscribers: Vec<(SourceId, subscribers::Stored)>,
    /// Held as long as this process may write; dropping it lets others.
    lock: Option<File>,
}

impl Ledger {
    /// An empty ledger without a directory.
    pub fn in_memory() -> Ledger {
        Ledger {
            dir: None,
            manifest: Manifest::default(),
            segments: Vec::new(),
            rules: RuleHistory::default(),
            identity: IdentityTable::default(),
            subscribers: Vec::new(),
            lock: None,
        }
    }

    /// Opens a ledger to ask it.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoLedger`] when `dir` holds none, [`LedgerError::Corrupt`] when a file of it was changed,
    /// [`LedgerError::Version`] when a newer version wrote it.
    pub fn open(dir: impl AsRef<Path>) -> Result<Ledger, LedgerError> {
        let dir = dir.as_ref();
        if !dir.join(MANIFEST).exists() {
            return Err(LedgerError::NoLedger(dir.to_owned()));
        }
        Ledger::load(dir, None, Segment::read)
    }

    /// Opens a ledger to ask it, its segments mapped: at once, however many records they have.
    ///
    /// Segments are checked by their headers and hosts only; run [`Ledger::verify`] first where disks or copies are not trusted,
    /// because a changed byte can name another host.
    ///
    /// # Errors
    ///
    /// As [`Ledger::open`].
    ///
    /// # Safety
    ///
    /// As long as the ledger lives, nobody may truncate or write into its segment files. This crate never does: it
    /// writes new files and deletes old ones, which leaves maps of them as they were.
    #[expect(unsafe_code, reason = "hands the duty of the maps on")]
    pub unsafe fn open_mapped(dir: impl AsRef<Path>) -> Result<Ledger, LedgerError> {
        let dir = dir.as_ref();
        if !dir.join(MANIFEST).exists() {
            return Err(LedgerError::NoLedger(dir.to_owned()));
        }
        // SAFETY: the caller's duty is this function's own.
        Ledger::load(dir, None, |dir, entry| unsafe { Segment::map(dir, entry) })
    }

    /// Opens a ledger to change it, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Locked`] while another process writes; otherwise as [`Ledger::open`].
    pub fn create(dir: impl AsRef<Path>) -> Result<Ledger, LedgerError> {
        let dir = dir.as_ref();
        fs::create_dir_all(dir).map_err(|e| io_error(dir, e))?;
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(|e| io_error(&path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(LedgerError::Locked(dir.to_owned())),
            Err(fs::TryLockError::Error(e)) => return Err(io_error(&path, e)),
        }
        if dir.join(MANIFEST).exists() {
            return Ledger::load(dir, Some(lock), Segment::read);
        }
        let mut ledger = Ledger::in_memory();
        ledger.dir = Some(dir.to_owned());
        ledger.lock = Some(lock);
        ledger.save()?;
        Ok(ledger)
    }

    /// Takes back a ledger that [`Ledger::create`] made and that holds nothing yet; any other stays as it is.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn discard(self) -> Result<(), LedgerError> {
        let holds_nothing = self.manifest.state == Manifest::default().state
            && self.manifest.sources.is_empty()
            && self.manifest.rules.is_empty()
            && self.manifest.pools.is_empty();
        let Some(dir) = self.dir.filter(|_| holds_nothing) else { return Ok(()) };
        for name in [MANIFEST, "lock"] {
            let path = dir.join(name);
            fs::remove_file(&path).map_err(|e| io_error(&path, e))?;
        }
        // Somebody may keep other things there.
        let _ = fs::remove_dir(&dir);
        Ok(())
    }

    fn load(
        dir: &Path,
        lock: Option<File>,
        read: impl Fn(&Path, &FileEntry) -> Result<Segment, LedgerError>,
    ) -> Result<Ledger, LedgerError> {
        let path = dir.join(MANIFEST);
        let bytes = fs::read(&path).map_err(|e| io_error(&path, e))?;
        let corrupt = |e: serde_json::Error| LedgerError::corrupt(MANIFEST, &e.to_string());
        let version: VersionOnly = serde_json::from_slice(&bytes).map_err(corrupt)?;
        if version.version > LEDGER_VERSION {
            return Err(LedgerError::Version { found: version.version, known: LEDGER_VERSION });
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(corrupt)?;
        let segments = manifest.segments.iter().map(|e| read(dir, e)).collect::<Result<_, _>>()?;
        let mut history = RuleHistory::default();
        for entry in &manifest.rules {
            files::check(dir, &entry.file)?;
            let path = dir.join(&entry.file.file);
            let bytes = fs::read(&path).map_err(|e| io_error(&path, e))?;
            history.add(rules::read(&entry.path, &bytes, entry.record)?, entry.in_force);
        }
        let subscribers = subscribers::load(dir, &manifest.sources)?;
        let identity = subscribers::table(&subscribers).0;
        let dir = Some(dir.to_owned());
        let rules = history;
        Ok(Ledger { dir, manifest, segments, rules, identity, subscribers, lock })
    }

    pub(super) fn save(&self) -> Result<(), LedgerError> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let mut bytes = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|e| LedgerError::corrupt(MANIFEST, &e.to_string()))?;
        bytes.push(b'\n');
        files::write(dir, MANIFEST, &bytes).map(drop)
    }

    /// Saves a change of the manifest; what could not be saved did not happen.
    pub(super) fn commit(&mut self, changed: Manifest) -> Result<(), LedgerError> {
        let before = std::mem::replace(&mut self.manifest, changed);
        self.manifest.state = before.state + 1;
        self.save().inspect_err(|_| self.manifest = before)
    }

    /// What the ledger knows of its contents.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The allocations, one segment an import.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The rules, with the times they are in force.
    pub fn rules(&self) -> &RuleHistory {
        &self.rules
    }

    /// The bindings.
    pub fn identity(&self) -> &IdentityTable {
        &self.identity
    }

    /// For which times the logs of an address are complete.
    pub fn coverage(&self, addr: Ipv4Addr) -> Coverage {
        Coverage::of(&self.manifest, addr, PortRange::ALL)
    }

    /// Declares public addresses as ours; declaring the same pool again changes nothing.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be saved.
    pub fn add_pool(&mut self, pool: Pool) -> Result<bool, LedgerError> {
        if self.manifest.pools.contains(&pool) {
            return Ok(false);
        }
        let mut changed = self.manifest.clone();
        changed.pools.push(pool);
        self.commit(changed)?;
        Ok(true)
    }

    /// Puts assembled allocations into the ledger as the source `name`, without a file behind them; whatever source
    /// their records name, they are this one's.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Corrupt`] when an allocation names no host; when the ledger cannot be saved.
    pub fn insert(
        &mut self,
        name: &str,
        mut assembled: Assembled,
        covers: Option<TimeRange>,
    ) -> Result<(), LedgerError> {
        let own = SourceId(u32::try_from(self.manifest.sources.len()).unwrap_or(u32::MAX));
        for allocation in &mut assembled.allocations {
            let origin = &mut allocation.origin;
            for place in [&mut origin.create, &mut origin.release].into_iter().flatten() {
                place.source = own;
            }
        }
        let recorded = assembled.audit.recorded();
        let source = SourceEntry {
            name: name.to_owned(),
            kind: SourceKind::Log,
            format: "memory".to_owned(),
            path: String::new(),
            sha256: String::new(),
            bytes: 0,
            options: [].into(),
            clock_offset: TimeDelta::ZERO,
            covers,
            recorded,
            rejected: [].into(),
            accepted: u64::try_from(assembled.allocations.len()).unwrap_or(u64::MAX),
            log: None,
            identity: None,
        };
        self.insert_sources(vec![source], assembled)
    }

    /// Puts finished allocations into the ledger as the source `name`: a table that is not read from a log.
    ///
    /// What they say of their origin is replaced by the new source. Without `covers`, recorded time is from the first
    /// begin to the last end.
    ///
    /// ```
    /// use portledger::session::Profile;
    /// use portledger::store::Ledger;
    /// use portledger::synth::{AllocationTable, TableConfig};
    ///
    /// let table = AllocationTable::generate(&TableConfig::blocks(100));
    /// let mut ledger = Ledger::in_memory();
    /// ledger.insert_allocations("cgn-1", table.hosts, table.allocations, Profile::exact(), None)?;
    /// assert!(ledger.segments()[0].index().len() > 90);
    /// # Ok::<(), portledger::store::LedgerError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Ledger::insert`].
    pub fn insert_allocations(
        &mut self,
        name: &str,
        hosts: Vec<InsideHost>,
        mut allocations: Vec<Allocation>,
        profile: Profile,
        covers: Option<TimeRange>,
    ) -> Result<(), LedgerError> {
        let number = u32::try_from(self.manifest.sources.len()).unwrap_or(u32::MAX);
        let mut audit = Audit::default();
        for allocation in &mut allocations {
            let place = Place { source: SourceId(number), ..Place::default() };
            allocation.origin = Origin { create: Some(place), release: None };
            audit.finished += 1;
            let (start, end) = (allocation.outer.start(), allocation.outer.end());
            audit.first = Some(audit.first.map_or(start, |first| first.min(start)));
            if end != Timestamp::MAX {
                audit.last = Some(audit.last.map_or(end, |last| last.max(end)));
            }
        }
        self.insert(name, Assembled { allocations, hosts, audit, profile }, covers)
    }

    /// Adds the sources of one stream and what was made of it; the allocations carry the sources' future numbers.
    pub(super) fn insert_sources(
        &mut self,
        mut sources: Vec<SourceEntry>,
        assembled: Assembled,
    ) -> Result<(), LedgerError> {
        let Assembled { mut allocations, hosts, audit, profile } = assembled;
        if let Some(before) = self.manifest.expired_before {
            allocations = expire::cut_all(&allocations, before);
        }
        let mut changed = self.manifest.clone();
        let segment = Segment::new(&hosts, &allocations)?;
        if let Some(dir) = &self.dir {
            let name = format!("segments/{}-{}.seg", changed.segments.len() + 1, changed.state + 1);
            changed.segments.push(segment.write(dir, &name)?);
        }
        let facts = LogFacts::new(profile, &audit, segment.index().addresses());
        for source in &mut sources {
            source.log = Some(facts.clone());
        }
        changed.sources.append(&mut sources);
        self.commit(changed)?;
        self.segments.push(segment);
        Ok(())
    }

    /// Holds every file of the ledger to its recorded checksum, and decodes all of it.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Corrupt`] for the first file that is not what was written.
    pub fn verify(dir: impl AsRef<Path>) -> Result<u64, LedgerError> {
        let ledger = Ledger::open(&dir)?;
        let manifest = &ledger.manifest;
        let files = manifest
            .segments
            .iter()
            .chain(manifest.rules.iter().map(|r| &r.file))
            .chain(manifest.sources.iter().filter_map(|s| s.identity.as_ref()));
        let mut checked = 0;
        for file in files {
            files::check(dir.as_ref(), file)?;
            checked += 1;
        }
        Ok(checked)
    }
}

#[derive(serde::Deserialize)]
struct VersionOnly {
    version: u32,
}
