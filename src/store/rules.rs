//! Rule files in the ledger: each change closes what it replaces.

use super::error::LedgerError;
use super::files;
use super::ledger::Ledger;
use super::manifest::{FileEntry, RuleEntry};
use crate::mapping::detnat::RecordReading;
use crate::mapping::{self, AddressRanges, RuleSetId, RulesFinding, Stateless, Succession};
use crate::time::TimeRange;

/// How a rule file goes into a ledger.
#[derive(Clone, Debug)]
pub struct RulesImport {
    /// Where it was read from.
    pub path: String,
    /// When the rules are in force.
    pub in_force: TimeRange,
    /// Whether they stand beside sets that hold the same addresses: nothing is closed. For two relays or NATs that
    /// really share addresses.
    pub beside: bool,
    /// How to read an RFC 7422 record.
    pub record: Option<RecordReading>,
}

/// What became of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulesReport {
    /// The number of the set in the ledger, from 1.
    pub version: u32,
    /// Whether it was added; the same rules, asked for the same range, change nothing.
    pub is_new: bool,
    /// How many rules, rows or NATs it holds.
    pub rules: usize,
    /// When it is in force.
    pub in_force: TimeRange,
    /// The later version at whose begin it ends.
    pub closed_by: Option<u32>,
    /// The older versions that it closes.
    pub closed: Vec<ClosedRules>,
    /// Versions that hold some of its addresses at the same time: with the same begin, or left there on purpose.
    pub beside: Vec<u32>,
    /// What is wrong with the rules, and between them and other versions.
    pub findings: Vec<RulesFinding>,
}

/// A version that another one closes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClosedRules {
    /// Its number.
    pub version: u32,
    /// When it was in force until now.
    pub was: TimeRange,
    /// When it is in force from now on.
    pub now: TimeRange,
    /// Its addresses that the new set does not hold: behind the change no rule speaks for them.
    pub dropped: AddressRanges,
}

impl RulesImport {
    /// A file that closes what it replaces, and is no RFC 7422 record.
    pub fn new(path: impl Into<String>, in_force: TimeRange) -> RulesImport {
        RulesImport { path: path.into(), in_force, beside: false, record: None }
    }
}

impl Ledger {
    /// Adds a rule file as [`Ledger::import_rules`] does; false when it changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Ledger::import_rules`].
    pub fn add_rules(
        &mut self,
        path: &str,
        bytes: &[u8],
        in_force: TimeRange,
    ) -> Result<bool, LedgerError> {
        Ok(self.import_rules(&RulesImport::new(path, in_force), bytes)?.is_new)
    }

    /// Adds a rule file of any mechanism that [`mapping::read_rules`] knows.
    ///
    /// A set that is in force already, began earlier and holds a public address of the new one is closed where the new
    /// one begins; a later one closes the new set ([`Succession`]). A closed set keeps answering for its time. The same
    /// bytes, asked for the same range, change nothing.
    ///
    /// ```
    /// use portledger::store::{Ledger, RulesImport};
    /// let table = |b4| format!("ipv4,psid_offset,psid_len,psid,b4\n192.0.2.1,0,8,52,{b4}\n");
    /// let mut ledger = Ledger::in_memory();
    /// ledger.add_rules("old.csv", table("2001:db8::a").as_bytes(), "@100/".parse()?)?;
    /// let import = RulesImport::new("new.csv", "@200/".parse()?);
    /// let report = ledger.import_rules(&import, table("2001:db8::b").as_bytes())?;
    /// assert_eq!((report.version, report.closed[0].version), (2, 1));
    /// assert_eq!(ledger.manifest().rules[0].in_force, "@100/@200".parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LedgerError::Rules`] when the file is not one, and when the ledger cannot be saved; nothing was changed then.
    pub fn import_rules(
        &mut self,
        request: &RulesImport,
        bytes: &[u8],
    ) -> Result<RulesReport, LedgerError> {
        let set = read(&request.path, bytes, request.record)?;
        let mut report = RulesReport {
            version: number(self.manifest.rules.len()),
            is_new: true,
            rules: set.len(),
            in_force: request.in_force,
            closed_by: None,
            closed: Vec::new(),
            beside: Vec::new(),
            findings: set.validate(),
        };
        let described = files::describe("", bytes);
        let is_same = |e: &RuleEntry| {
            e.asked() == request.in_force
                && e.file.sha256 == described.sha256
                && e.record == request.record
        };
        if let Some(at) = self.manifest.rules.iter().position(is_same) {
            let entry = self.manifest.rules.get(at);
            report.version = number(at);
            report.is_new = false;
            report.in_force = entry.map_or(request.in_force, |e| e.in_force);
            report.closed_by = entry.and_then(|e| e.closed_by);
            return Ok(report);
        }
        self.succeed(&set, request, &mut report);
        self.compare(&set, &described, request.record, &mut report);

        let mut changed = self.manifest.clone();
        for closed in &report.closed {
            let at = usize::try_from(closed.version - 1).ok();
            if let Some(entry) = at.and_then(|at| changed.rules.get_mut(at)) {
                entry.asked = Some(entry.asked());
                entry.in_force = closed.now;
                entry.closed_by = Some(report.version);
            }
        }
        let name = format!("rules/{}.json", report.version);
        let file = match &self.dir {
            Some(dir) => files::write(dir, &name, bytes)?,
            None => FileEntry { file: name, ..described },
        };
        changed.rules.push(RuleEntry {
            file,
            path: request.path.clone(),
            in_force: report.in_force,
            asked: (report.in_force != request.in_force).then_some(request.in_force),
            closed_by: report.closed_by,
            record: request.record,
        });
        self.commit(changed)?;
        for closed in &report.closed {
            self.rules.set_in_force(RuleSetId(closed.version - 1), closed.now);
        }
        self.rules.add(set, report.in_force);
        Ok(report)
    }

    /// What the new set closes, and what closes it.
    fn succeed(&self, set: &Stateless, request: &RulesImport, report: &mut RulesReport) {
        let asked = request.in_force;
        let mut met = Vec::new();
        for other in self.rules.in_force(asked) {
            let Some(together) = other.in_force.intersection(asked) else { continue };
            if other.set.addresses(together).overlaps(&set.addresses(together)) {
                met.push((other.id, other.in_force));
            }
        }
        if request.beside {
            report.beside = met.iter().map(|(id, _)| id.0 + 1).collect();
            return;
        }
        let made = Succession::of(asked, met);
        report.in_force = made.in_force;
        report.closed_by = made.closed_by.map(|id| id.0 + 1);
        let sides = made.same_begin.iter().filter_map(|id| self.rules.get(*id));
        let sides = sides.filter(|other| other.in_force.overlaps(made.in_force));
        report.beside = sides.map(|other| other.id.0 + 1).collect();
        for (id, now) in made.closes {
            let Some(old) = self.rules.get(id) else { continue };
            let Ok(lost) = TimeRange::new(asked.start(), old.in_force.end()) else { continue };
            let dropped = old.set.addresses(lost).without(&set.addresses(made.in_force));
            report.closed.push(ClosedRules { version: id.0 + 1, was: old.in_force, now, dropped });
        }
    }

    /// What is wrong between the new set and the others.
    fn compare(
        &self,
        set: &Stateless,
        file: &FileEntry,
        record: Option<RecordReading>,
        report: &mut RulesReport,
    ) {
        let mut before = Vec::new();
        for (entry, other) in self.manifest.rules.iter().zip(self.rules.all()) {
            let version = other.id.0 + 1;
            let is_twice = entry.file.sha256 == file.sha256 && entry.record == record;
            let together = other.in_force.intersection(report.in_force);
            let together = together.filter(|_| report.beside.contains(&version));
            let finding = match (is_twice, together) {
                (true, Some(_)) => RulesFinding::loaded_twice(version),
                (true, None) => {
                    before.push(version);
                    continue;
                }
                (false, Some(during)) => RulesFinding::beside(version, other.set, set, during),
                (false, None) => continue,
            };
            report.findings.push(finding);
        }
        report.findings.extend(RulesFinding::loaded_before(&before));
    }
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1)
}

/// The rules of a file.
pub(super) fn read(
    path: &str,
    bytes: &[u8],
    record: Option<RecordReading>,
) -> Result<Stateless, LedgerError> {
    mapping::read_rules_with(bytes, record)
        .map_err(|e| LedgerError::Rules { path: path.to_owned(), why: e.to_string() })
}
