//! Deleting what is older than a limit, and remembering that it was deleted.

use std::collections::HashSet;
use std::fs;

use super::error::LedgerError;
use super::files;
use super::ledger::Ledger;
use super::segment::Segment;
use super::subscribers::{self, Stored};
use crate::allocation::{Allocation, SourceId};
use crate::identity::{AccountingRecord, AccountingStatus, Binding};
use crate::inside::InsideHost;
use crate::time::{TimeRange, Timestamp};

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Expired {
    /// Allocations that ended before the limit.
    pub deleted: u64,
    /// Allocations that reached across it, and were cut there.
    pub cut: u64,
    /// Bindings and accounting records that ended before it.
    pub identity_records: u64,
}

impl Ledger {
    /// Deletes every allocation and binding that ended before `before`, cuts those that reach across it, and answers
    /// `purged` from then on for the time before.
    ///
    /// A cut allocation keeps the time at which it was made, because that decides whose it was. So do accounting sessions
    /// that may still go on, in whichever files their records are: without a Stop, and without a later session on their
    /// address or another sign that they were over by then. Rules and pools stay: they name nobody.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be saved; it is then as it was.
    pub fn expire(&mut self, before: Timestamp) -> Result<Expired, LedgerError> {
        let mut changed = self.manifest.clone();
        changed.expired_before = Some(changed.expired_before.map_or(before, |b| b.max(before)));
        let mut expired = Expired::default();
        let old: Vec<String> = changed
            .segments
            .iter()
            .chain(changed.sources.iter().filter_map(|s| s.identity.as_ref()))
            .map(|e| e.file.clone())
            .collect();
        let state = changed.state + 1;
        let mut segments = Vec::new();
        for (number, segment) in self.segments.iter().enumerate() {
            let kept: Vec<Allocation> =
                segment.index().iter().filter_map(|(_, a)| cut(&a, before, &mut expired)).collect();
            let hosts: Vec<InsideHost> = segment.hosts().cloned().collect();
            let kept = Segment::new(&hosts, &kept)?;
            if let Some(dir) = &self.dir {
                let name = format!("segments/{}-{state}.seg", number + 1);
                let entry = kept.write(dir, &name)?;
                if let Some(slot) = changed.segments.get_mut(number) {
                    *slot = entry;
                }
            }
            segments.push(kept);
        }
        let over = self.sessions_over(before);
        let mut people = Vec::new();
        for (source, stored) in &self.subscribers {
            let kept = keep_people(stored, &over, before, &mut expired);
            let number = usize::try_from(source.0).unwrap_or(usize::MAX);
            if let (Some(dir), Some(entry)) = (&self.dir, changed.sources.get_mut(number)) {
                let name = format!("subscribers/{}-{state}.ids", source.0 + 1);
                let payload = postcard::to_stdvec(&kept)
                    .map_err(|e| LedgerError::corrupt(&name, &e.to_string()))?;
                entry.identity = Some(files::write(dir, &name, &payload)?);
            }
            people.push((*source, kept));
        }
        self.commit(changed)?;
        self.segments = segments;
        self.set_subscribers(people);
        if let Some(dir) = &self.dir {
            for file in old {
                // The manifest no longer names it; one that cannot be deleted now is only litter.
                let _ = fs::remove_file(dir.join(file));
            }
        }
        Ok(expired)
    }

    /// The sessions that were over before the limit, as far as the records of all files together tell.
    ///
    /// What showed that one without a Stop was over goes with it: kept alone it would seem to go on.
    fn sessions_over(&self, before: Timestamp) -> HashSet<Box<str>> {
        let first = |b: &Binding| Some((b.origin.source, b.origin.start?));
        let (mut bound, mut lasting) = (HashSet::new(), HashSet::new());
        for binding in self.identity.bindings() {
            let set = if binding.outer.end() > before { &mut lasting } else { &mut bound };
            set.extend(first(binding));
        }
        let (mut over, mut goes_on) = (HashSet::new(), HashSet::new());
        for (source, stored) in &self.subscribers {
            for r in &stored.records {
                let place = (*source, r.span);
                if r.time.end() > before || lasting.contains(&place) {
                    goes_on.insert(r.session.clone());
                } else if r.status == AccountingStatus::Stop || bound.contains(&place) {
                    over.insert(r.session.clone());
                }
            }
        }
        over.retain(|session| !goes_on.contains(session));
        over
    }

    fn set_subscribers(&mut self, people: Vec<(SourceId, Stored)>) {
        self.identity = subscribers::table(&people).0;
        self.subscribers = people;
    }
}

/// What a new import holds behind the limit: what was deleted does not come back.
pub(super) fn cut_all(allocations: &[Allocation], before: Timestamp) -> Vec<Allocation> {
    let mut expired = Expired::default();
    allocations.iter().filter_map(|a| cut(a, before, &mut expired)).collect()
}

/// The allocation as far as it lies behind the limit.
fn cut(a: &Allocation, before: Timestamp, expired: &mut Expired) -> Option<Allocation> {
    if a.outer.end() <= before {
        expired.deleted += 1;
        return None;
    }
    let mut kept = *a;
    if a.outer.start() < before {
        expired.cut += 1;
        let behind = TimeRange::since(before);
        kept.outer = a.outer.intersection(behind)?;
        kept.inner = a.inner.and_then(|inner| inner.intersection(behind));
    }
    Some(kept)
}

/// Sessions that were over before the limit go as a whole; those that go on keep the records that began them.
fn keep_people(
    stored: &Stored,
    over: &HashSet<Box<str>>,
    before: Timestamp,
    expired: &mut Expired,
) -> Stored {
    let keeps = |r: &&AccountingRecord| !over.contains(&r.session);
    let kept = Stored {
        records: stored.records.iter().filter(keeps).cloned().collect(),
        bindings: stored.bindings.iter().filter(|b| b.outer.end() > before).cloned().collect(),
    };
    let gone =
        stored.records.len() - kept.records.len() + stored.bindings.len() - kept.bindings.len();
    expired.identity_records += u64::try_from(gone).unwrap_or(u64::MAX);
    kept
}
