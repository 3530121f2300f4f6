//! The pairing itself.

use std::collections::HashMap;

use super::audit::Audit;
use super::hosts::Hosts;
use super::intervals::{SourceFacts, Stamps};
use super::loss::Loss;
use super::made::Made;
use super::pending::{Fit, FlowKey, Pending};
use super::profile::Profile;
use super::recent::Recent;
use super::reorder::Reorder;
use crate::allocation::{Allocation, Ended, Grain, Place, SourceId};
use crate::inside::InsideHost;
use crate::natlog::{Event, EventKind};
use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

/// Why an event cannot become part of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EventReject {
    /// No stamp, so nothing says when.
    #[error("no-stamp")]
    NoStamp,
    /// No public address.
    #[error("no-outside")]
    NoOutside,
    /// No public port where the kind of event needs one.
    #[error("no-ports")]
    NoPorts,
    /// No inside host.
    #[error("no-inside")]
    NoInside,
    /// A finished allocation that ends before it starts.
    #[error("backward-time")]
    BackwardTime,
}

impl EventReject {
    /// Every reason.
    pub const ALL: [EventReject; 5] = [
        EventReject::NoStamp,
        EventReject::NoOutside,
        EventReject::NoPorts,
        EventReject::NoInside,
        EventReject::BackwardTime,
    ];
}

/// The outcome of an assembly.
#[derive(Debug)]
#[must_use = "the audit says what was lost"]
pub struct Assembled {
    /// The allocations, in the order in which their ends were read.
    pub allocations: Vec<Allocation>,
    /// The inside hosts that the allocations name by number.
    pub hosts: Vec<InsideHost>,
    /// What was seen of the source.
    pub audit: Audit,
    /// The profile as it was used, with a widened `late` where the source breached it.
    pub profile: Profile,
}

/// Pairs events into allocations.
///
/// ```
/// use portledger::allocation::SourceId;
/// use portledger::natlog::{Event, EventKind};
/// use portledger::session::{Assembler, Profile};
/// use portledger::time::WrittenTime;
/// use portledger::{PortRange, Timestamp};
///
/// let mut create = Event { kind: EventKind::SessionCreate, ..Event::default() };
/// create.time = Some(WrittenTime::exact(Timestamp::from_second(100)));
/// create.inside = Some("100.64.0.10".parse()?);
/// create.outside = Some("203.0.113.7".parse()?);
/// create.ports = Some(PortRange::single(40_213));
/// let mut delete = Event { kind: EventKind::SessionDelete, ..create.clone() };
/// delete.time = Some(WrittenTime::exact(Timestamp::from_second(160)));
///
/// let mut assembler = Assembler::new(Profile::unknown());
/// assembler.push(SourceId(0), &create)?;
/// assembler.push(SourceId(0), &delete)?;
/// let done = assembler.finish(None);
/// assert_eq!(done.allocations.len(), 1);
/// assert_eq!(done.allocations[0].outer.start(), Timestamp::from_second(99));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Complexity
///
/// Amortised constant time an event; memory grows with the allocations made and the tenancies open.
#[derive(Debug)]
pub struct Assembler {
    profile: Profile,
    reorder: Reorder,
    pending: HashMap<FlowKey, Pending>,
    hosts: Hosts,
    made: Made,
    recent: Recent,
    loss: Loss,
    logs_updates: bool,
    audit: Audit,
}

impl Assembler {
    /// An assembler for one stream of events: one file, or files that continue one another.
    pub fn new(profile: Profile) -> Assembler {
        Assembler {
            profile,
            reorder: Reorder::default(),
            pending: HashMap::new(),
            hosts: Hosts::default(),
            made: Made::default(),
            recent: Recent::default(),
            loss: Loss::default(),
            logs_updates: false,
            audit: Audit::default(),
        }
    }

    /// Takes in one event of `source`.
    ///
    /// # Errors
    ///
    /// [`EventReject`] when the event lacks what an allocation needs; it is then left out, and the caller counts it.
    pub fn push(&mut self, source: SourceId, event: &Event) -> Result<(), EventReject> {
        let at = match event.kind {
            EventKind::Allocation => event.start,
            _ => event.time,
        };
        let at = at.ok_or(EventReject::NoStamp)?.start();
        if event.kind != EventKind::DeviceRestart {
            event.outside.ok_or(EventReject::NoOutside)?;
            event.ports.ok_or(EventReject::NoPorts)?;
            event.inside.as_ref().ok_or(EventReject::NoInside)?;
        }
        if event.kind == EventKind::Allocation {
            if event.stop.is_some_and(|stop| stop.start() < at) {
                return Err(EventReject::BackwardTime);
            }
            self.audit.saw(at);
            self.audit.saw(event.stop.map_or(at, WrittenTime::start));
            self.take(source, event);
            return Ok(());
        }
        self.saw_stamp(at);
        self.reorder.push(at, source, event.clone());
        while let Some((source, event)) = self.reorder.pop_ready() {
            self.take(source, &event);
        }
        Ok(())
    }

    /// Takes in the stamp of a record that is no event: the source was being written then.
    pub fn saw_stamp(&mut self, at: Timestamp) {
        self.audit.saw(at);
        self.loss.saw(at);
    }

    /// Takes in that the source itself says it lost lines around `at`, or at a time that it does not say.
    pub fn saw_loss(&mut self, at: Option<WrittenTime>) {
        self.audit.declared_losses += 1;
        if let Some(at) = at {
            self.loss.declare(at, self.profile.late);
        }
    }

    /// Takes in that a record could not be used, at `at` or, where it does not say when, beside the record before it:
    /// whatever it said could overturn what the others say.
    pub fn saw_damage(&mut self, at: Option<WrittenTime>) {
        self.saw_loss(at.or(self.audit.last.map(WrittenTime::exact)));
    }

    /// The number of allocations made so far.
    pub fn len(&self) -> usize {
        self.made.len()
    }

    /// Whether none was made yet.
    pub fn is_empty(&self) -> bool {
        self.made.len() == 0
    }

    /// Ends the assembly: what is still open becomes open records.
    ///
    /// `covers` is the time for which the source is declared complete; without it recorded time ends with the last
    /// stamp.
    pub fn finish(mut self, covers: Option<TimeRange>) -> Assembled {
        while let Some((source, event)) = self.reorder.pop() {
            self.take(source, &event);
        }
        self.audit.out_of_order = self.reorder.moved();
        let end = covers.map(TimeRange::end).or(self.audit.last).unwrap_or(Timestamp::MAX);
        for (key, pending) in self.take_pending() {
            self.audit.open += 1;
            let until = pending.stamps.firm_until(self.facts(), key.protocol).max(end);
            self.unreleased(key, &pending, until, Ended::Open);
        }
        if self.profile.exclusive {
            let loss = &mut self.loss;
            let implied = self.made.imply(&self.profile, |from, until| loss.suspect(from, until));
            self.audit.lost_releases += implied.ends;
            self.audit.lost_creates += implied.begins;
        }
        self.audit.suspected_gaps = self.loss.gaps();
        self.made.cut(&self.audit.suspected_gaps);
        if let Some(late) = self.audit.late_widened {
            self.made.widen(late);
        }
        debug_assert!(self.audit.adds_up(), "{:?}", self.audit);
        Assembled {
            allocations: self.made.into_rows(),
            hosts: self.hosts.into_inner(),
            audit: self.audit,
            profile: self.profile,
        }
    }

    fn take(&mut self, source: SourceId, event: &Event) {
        if event.kind == EventKind::DeviceRestart {
            self.restart(event);
            return;
        }
        let Some(key) = self.key(event) else { return };
        match event.kind {
            EventKind::SessionCreate
            | EventKind::PortCreate
            | EventKind::BlockAlloc
            | EventKind::SessionSeen => {
                self.create(source, key, event);
            }
            EventKind::Update | EventKind::BlockInterim => self.alive(source, key, event),
            EventKind::SessionDelete | EventKind::PortDelete | EventKind::BlockRelease => {
                self.release(source, key, event);
            }
            EventKind::Allocation => self.finished(source, key, event),
            EventKind::DeviceRestart
            | EventKind::AddressBind
            | EventKind::AddressRelease
            | EventKind::HostRelease => {}
        }
    }

    fn key(&mut self, event: &Event) -> Option<FlowKey> {
        let grain = match event.kind {
            EventKind::BlockAlloc | EventKind::BlockRelease | EventKind::BlockInterim => {
                Grain::Block
            }
            EventKind::Allocation if event.ports?.len() > 1 => Grain::Block,
            _ => Grain::Session,
        };
        Some(FlowKey {
            grain,
            protocol: event.protocol,
            addr: event.outside?,
            ports: event.ports?,
            destination: event.destination,
            inside: self.hosts.id(event.inside.as_ref()?)?,
            inside_port: event.inside_port,
        })
    }

    fn create(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.creates += 1;
        let new = Pending::new(source, event);
        if let Some(old) = self.pending.get_mut(&key) {
            if old.stamps.create.is_some() && old.stamps.create == event.time {
                self.audit.duplicates += 1;
                return;
            }
            if old.is_behind(event) {
                self.audit.stale += 1;
                if old.stamps.create.is_none() && old.same_flow_id(event) {
                    // The create of a flow that was known by its updates only, read late.
                    old.stamps.create = event.time;
                    old.create = new.create;
                } else if let Some(next) = old.stamps.create {
                    self.unreleased(key, &new, next.end(), Ended::Implied);
                }
                return;
            }
            let old = *old;
            self.supersede(key, &old, event.time);
        } else if let Some(released) = self.is_behind_release(&key, event) {
            self.audit.stale += 1;
            self.unreleased(key, &new, released.end(), Ended::Implied);
            return;
        }
        self.pending.insert(key, new);
    }

    fn alive(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.updates += 1;
        self.logs_updates |= event.kind == EventKind::Update;
        let mut not_before = None;
        if let Some(pending) = self.pending.get_mut(&key) {
            if pending.same_flow_id(event) || pending.is_behind(event) {
                pending.alive(event);
                return;
            }
            let old = *pending;
            let late = self.profile.late;
            not_before = old.stamps.activity.map(|seen| seen.start().minus(late));
            self.supersede(key, &old, event.time);
        } else if self.is_behind_release(&key, event).is_some() {
            return;
        }
        self.audit.begun_by_update += 1;
        self.pending.insert(key, Pending { not_before, ..Pending::new(source, event) });
    }

    fn release(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.releases += 1;
        if event.time.is_some() && self.recent.release_of(&key) == event.time {
            self.audit.duplicates += 1;
            return;
        }
        if let Some(at) = event.time {
            self.recent.remember(key, at);
        }
        let pending = self.begun(key, event).unwrap_or_else(|| {
            self.audit.releases_alone += 1;
            Pending::default()
        });
        if pending.stamps.create.is_none() {
            self.note_lost_create(event);
        }
        let mut stamps = pending.stamps;
        stamps.start = event.start.or(stamps.start);
        stamps.release = event.time;
        stamps.stop = event.stop;
        stamps.killed = event.killed;
        stamps.timer.state_at_release = event.state;
        let facts = facts(&self.profile, self.logs_updates, &self.audit);
        let place = Place { source, span: event.span };
        self.made.released(facts, key, &pending, &stamps, Some(place));
    }

    /// What was read of the tenancy that the release ends, before it.
    fn begun(&mut self, key: FlowKey, release: &Event) -> Option<Pending> {
        let pending = self.pending.get(&key)?;
        match pending.fit(release, &self.profile) {
            Fit::Pairs(late) => {
                self.note_late(late, release);
                self.audit.paired += 1;
                self.pending.remove(&key)
            }
            Fit::LaterTenancy => {
                let mut old = self.pending.remove(&key)?;
                let own = old.same_flow_id(release).then_some(release.start).flatten();
                let begun = own.and_then(|start| old.split_at(start));
                self.supersede(key, &old, release.start.or(release.time));
                if begun.is_some() {
                    self.audit.begun_by_update += 1;
                    self.audit.paired += 1;
                }
                begun
            }
            Fit::Unrelated => None,
        }
    }

    /// A release whose create was not read; its start may show that the create's line was lost.
    fn note_lost_create(&mut self, release: &Event) {
        if let (Some(start), Some(first)) = (release.start, self.audit.first) {
            // Before the first stamp there was nobody to read the create.
            if self.audit.creates > 0 && start.start() > first.plus(self.profile.late) {
                self.audit.lost_creates += 1;
                self.loss.suspect(start.start(), start.end().plus(self.profile.late));
            }
        }
    }

    fn finished(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.finished += 1;
        let mut pending = Pending::new(source, event);
        pending.stamps = Stamps { start: event.start, stop: event.stop, ..Stamps::default() };
        let facts = facts(&self.profile, self.logs_updates, &self.audit);
        if event.stop.is_some() {
            let stamps = pending.stamps;
            self.made.released(facts, key, &pending, &stamps, None);
        } else {
            self.made.still_held(facts, key, &pending);
        }
    }

    fn restart(&mut self, event: &Event) {
        self.audit.restarts += 1;
        let Some(at) = event.time else { return };
        for (key, pending) in self.take_pending() {
            if pending.is_behind(event) {
                self.pending.insert(key, pending);
                continue;
            }
            self.audit.ended_by_restart += 1;
            self.unreleased(key, &pending, at.end(), Ended::Implied);
        }
    }

    /// Every pending tenancy, in an order that does not depend on how they are kept.
    fn take_pending(&mut self) -> Vec<(FlowKey, Pending)> {
        let mut pending: Vec<(FlowKey, Pending)> = self.pending.drain().collect();
        pending.sort_by_key(|(_, p)| (p.stamps.create.map(WrittenTime::start), p.create));
        pending
    }

    /// Ends a pending tenancy that a later record of the same flow shows to be over.
    fn supersede(&mut self, key: FlowKey, old: &Pending, by: Option<WrittenTime>) {
        self.audit.superseded += 1;
        self.audit.lost_releases += 1;
        if let Some(by) = by {
            let seen = old.stamps.activity.map_or(by.start(), WrittenTime::start);
            self.loss.suspect(seen, by.end());
            self.unreleased(key, old, by.end(), Ended::Implied);
        }
    }

    fn note_late(&mut self, late: TimeDelta, release: &Event) {
        self.audit.late_seen = self.audit.late_seen.max(late);
        if late > self.profile.late {
            // The start is cut off, so the true lateness is up to its resolution more than what is proven.
            let cut = release.start.map_or(0, WrittenTime::resolution_microsecond);
            let late = late.plus(TimeDelta::from_microsecond(cut));
            self.profile.late = late;
            self.audit.late_widened = Some(late);
        }
    }

    /// The last release of the flow, where it was written after `event`.
    fn is_behind_release(&self, key: &FlowKey, event: &Event) -> Option<WrittenTime> {
        let released = self.recent.release_of(key)?;
        event.time.is_some_and(|at| at.end() <= released.start()).then_some(released)
    }

    fn unreleased(&mut self, key: FlowKey, pending: &Pending, until: Timestamp, ended: Ended) {
        let facts = facts(&self.profile, self.logs_updates, &self.audit);
        self.made.unreleased(facts, key, pending, until, ended);
    }

    fn facts(&self) -> SourceFacts<'_> {
        facts(&self.profile, self.logs_updates, &self.audit)
    }
}

fn facts<'a>(profile: &'a Profile, logs_updates: bool, audit: &Audit) -> SourceFacts<'a> {
    SourceFacts { profile, logs_updates, first: audit.first.unwrap_or(Timestamp::MIN) }
}
