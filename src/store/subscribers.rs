//! Subscriber files into the ledger: their records are kept, and bindings are made of all of them at every opening.
//!
//! A session can begin in one file and end in another; bindings made file by file would lose its Stop.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::{LedgerError, io_error};
use super::files;
use super::input::Input;
use super::ledger::Ledger;
use super::manifest::{FileEntry, Manifest, SourceEntry, SourceKind};
use crate::allocation::SourceId;
use crate::identity::{
    AccountingAudit, AccountingRecord, Binding, IdentityError, IdentityFormat, IdentityOptions,
    IdentityTable, Reject, bindings_from, read_identity,
};
use crate::inside::Realm;
use crate::natlog::unpack::Unpack;
use crate::time::{TimeDelta, Zone};

/// How subscriber files are to be read.
#[derive(Clone, Debug)]
pub struct SubscriberImport {
    /// The format of every file.
    pub format: IdentityFormat,
    /// The realm of inside IPv4 addresses.
    pub realm: Realm,
    /// The attribute that is the subscriber's id; User-Name unless named.
    pub id_attribute: Option<String>,
    /// The zone of times without one.
    pub zone: Option<(String, Zone)>,
}

impl SubscriberImport {
    /// An import with nothing but a format.
    pub fn new(format: IdentityFormat) -> SubscriberImport {
        SubscriberImport { format, realm: Realm::EMPTY, id_attribute: None, zone: None }
    }

    fn options(&self) -> BTreeMap<String, String> {
        let mut options = BTreeMap::new();
        options.insert("format".to_owned(), self.format.to_string());
        if !self.realm.is_empty() {
            options.insert("realm".to_owned(), self.realm.as_str().to_owned());
        }
        if let Some(attribute) = &self.id_attribute {
            options.insert("id-attribute".to_owned(), attribute.clone());
        }
        if let Some((name, _)) = &self.zone {
            options.insert("timezone".to_owned(), name.clone());
        }
        options
    }
}

/// What became of one subscriber file.
#[derive(Clone, Debug)]
#[must_use = "it says what was rejected"]
pub struct SubscriberReport {
    /// Its name.
    pub name: String,
    /// Whether it was imported before with the same options, and so left alone.
    pub already: bool,
    /// Accounting records taken in.
    pub records: u64,
    /// Ready bindings taken in.
    pub bindings: u64,
    /// Rejected records, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// The first rejected record.
    pub first_reject: Option<Reject>,
}

impl Ledger {
    /// Imports subscriber files.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Subscribers`] when a file cannot be read at all, [`LedgerError::OtherOptions`] when it is in the
    /// ledger under other options. Nothing of the import is in the ledger then.
    pub fn import_subscribers(
        &mut self,
        request: &SubscriberImport,
        inputs: Vec<Input>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<SubscriberReport>, LedgerError> {
        let options = request.options();
        let mut changed = self.manifest.clone();
        let mut reports = Vec::new();
        let mut fresh = Vec::new();
        let mut payloads = Vec::new();
        for input in inputs {
            let name = input.name();
            let mut bytes = Vec::new();
            let read = std::io::Read::read_to_end(&mut input.open()?, &mut bytes);
            read.map_err(|e| io_error(Path::new(&name), e))?;
            progress(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let sha256 = files::hex(&Sha256::digest(&bytes));
            let again = changed.sources.iter().skip(self.manifest.sources.len());
            let again = again.into_iter().any(|s| s.sha256 == sha256);
            if again || self.known(&sha256, &options, &name, SourceKind::Subscribers)? {
                reports.push(SubscriberReport::new(name, true));
                continue;
            }
            let source = SourceId(u32::try_from(changed.sources.len()).unwrap_or(u32::MAX));
            let file = read_identity(
                request.format,
                &IdentityOptions {
                    source,
                    realm: request.realm.clone(),
                    zone: request.zone.as_ref().map(|(_, zone)| zone.clone()),
                    id_attribute: request.id_attribute.clone(),
                    ..IdentityOptions::default()
                },
                Unpack::new(bytes.as_slice()),
            )
            .map_err(|e| unreadable(&name, &e))?;
            let mut report = SubscriberReport::new(name.clone(), false);
            report.records = count(file.records.len());
            report.bindings = count(file.bindings.len());
            report.first_reject = file.rejects.first().cloned();
            for (reason, n) in &file.counts.rejected {
                report.rejected.insert(reason.name().to_owned(), *n);
            }
            let identity = Stored { records: file.records, bindings: file.bindings };
            let entry_name = format!("subscribers/{}-{}.ids", source.0 + 1, changed.state + 1);
            let payload = postcard::to_stdvec(&identity)
                .map_err(|e| LedgerError::corrupt(&entry_name, &e.to_string()))?;
            let entry = files::describe(&entry_name, &payload);
            payloads.push((entry_name, payload));
            changed.sources.push(SourceEntry {
                name: name.clone(),
                kind: SourceKind::Subscribers,
                format: request.format.to_string(),
                path: name,
                sha256,
                bytes: count(bytes.len()),
                options: options.clone(),
                clock_offset: TimeDelta::ZERO,
                covers: None,
                recorded: None,
                rejected: report.rejected.clone(),
                accepted: report.records + report.bindings,
                log: None,
                identity: Some(entry),
            });
            fresh.push((source, identity));
            reports.push(report);
        }
        if !fresh.is_empty() {
            self.write_subscribers(&payloads, changed)?;
            let mut all = std::mem::take(&mut self.subscribers);
            all.extend(fresh);
            self.identity = table(&all).0;
            self.subscribers = all;
        }
        Ok(reports)
    }

    /// Writes files and the manifest that names them; where that fails, none of them stays: they name people.
    fn write_subscribers(
        &mut self,
        payloads: &[(String, Vec<u8>)],
        changed: Manifest,
    ) -> Result<(), LedgerError> {
        let Some(dir) = self.dir.clone() else { return self.commit(changed) };
        let written: Result<Vec<FileEntry>, LedgerError> =
            payloads.iter().map(|(name, payload)| files::write(&dir, name, payload)).collect();
        written.and_then(|_| self.commit(changed)).inspect_err(|_| {
            for (name, _) in payloads {
                let _ = std::fs::remove_file(dir.join(name));
            }
        })
    }

    /// What pairing the accounting of all subscriber files found.
    pub fn accounting_audit(&self) -> AccountingAudit {
        table(&self.subscribers).1
    }
}

impl SubscriberReport {
    fn new(name: String, already: bool) -> SubscriberReport {
        SubscriberReport {
            name,
            already,
            records: 0,
            bindings: 0,
            rejected: BTreeMap::new(),
            first_reject: None,
        }
    }
}

/// What the ledger keeps of one subscriber file.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Stored {
    pub(super) records: Vec<AccountingRecord>,
    pub(super) bindings: Vec<Binding>,
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn unreadable(path: &str, error: &IdentityError) -> LedgerError {
    LedgerError::Subscribers { path: path.to_owned(), why: error.to_string() }
}

pub(super) fn table(all: &[(SourceId, Stored)]) -> (IdentityTable, AccountingAudit) {
    let records = all.iter().flat_map(|(source, s)| s.records.iter().map(|r| (*source, r.clone())));
    let (mut bindings, audit) = bindings_from(records);
    bindings.extend(all.iter().flat_map(|(_, s)| s.bindings.iter().cloned()));
    (IdentityTable::new(bindings), audit)
}

pub(super) fn load(
    dir: &Path,
    sources: &[SourceEntry],
) -> Result<Vec<(SourceId, Stored)>, LedgerError> {
    let mut all = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        if let Some(entry) = &source.identity {
            let id = SourceId(u32::try_from(number).unwrap_or(u32::MAX));
            all.push((id, read(dir, entry)?));
        }
    }
    Ok(all)
}

fn read(dir: &Path, entry: &FileEntry) -> Result<Stored, LedgerError> {
    files::check(dir, entry)?;
    let path = dir.join(&entry.file);
    let bytes = std::fs::read(&path).map_err(|e| io_error(&path, e))?;
    postcard::from_bytes(&bytes).map_err(|e| LedgerError::corrupt(&entry.file, &e.to_string()))
}
