//! The pairing itself.

mod release;

use std::net::Ipv4Addr;

use super::Map;
use super::audit::Audit;
use super::hosts::Hosts;
use super::intervals::{SourceFacts, Stamps};
use super::loss::Loss;
use super::made::Made;
use super::open::{Open, Shape};
use super::pending::{FlowKey, Pending};
use super::profile::Profile;
use super::recent::Recent;
use super::reorder::Reorder;
use super::step::Step;
use crate::allocation::{Allocation, Destination, Ended, Grain, SourceId};
use crate::inside::InsideHost;
use crate::natlog::{Event, EventKind};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp, WrittenTime};

/// Why an event cannot become part of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventReject {
    /// No stamp, so nothing says when.
    NoStamp,
    /// No public address.
    NoOutside,
    /// No public port where the kind of event needs one; on a release, no inside port either.
    NoPorts,
    /// No inside host.
    NoInside,
    /// A finished allocation that ends before it starts.
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

    /// The name in kebab case.
    pub const fn name(self) -> &'static str {
        match self {
            EventReject::NoStamp => "no-stamp",
            EventReject::NoOutside => "no-outside",
            EventReject::NoPorts => "no-ports",
            EventReject::NoInside => "no-inside",
            EventReject::BackwardTime => "backward-time",
        }
    }
}

impl std::fmt::Display for EventReject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for EventReject {}

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
    open: Open,
    hosts: Hosts,
    made: Made,
    recent: Recent<FlowKey>,
    /// The releases that do not say a whole key.
    recent_short: Recent<Shape>,
    /// Who was seen last on a whole key, in a log that never says when flows end.
    seen: Map<SeenKey, FlowKey>,
    loss: Loss,
    logs_updates: bool,
    audit: Audit,
}

/// What two hosts can never use at once, whatever the NAT.
type SeenKey = (Option<Protocol>, Ipv4Addr, PortRange, Destination);

impl Assembler {
    /// An assembler for one stream of events: one file, or files that continue one another.
    pub fn new(profile: Profile) -> Assembler {
        Assembler {
            profile,
            reorder: Reorder::default(),
            open: Open::default(),
            hosts: Hosts::default(),
            made: Made::default(),
            recent: Recent::default(),
            recent_short: Recent::default(),
            seen: Map::default(),
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
        let inside = match event.kind {
            EventKind::DeviceRestart => None,
            EventKind::AddressBind | EventKind::AddressRelease => {
                self.audit.address_bindings += 1;
                self.saw_stamp(at);
                return Ok(());
            }
            _ => {
                check_fields(event)?;
                let host = event.inside.as_ref().ok_or(EventReject::NoInside)?;
                Some(self.hosts.id(host).ok_or(EventReject::NoInside)?)
            }
        };
        let step = Step::new(source, event, inside);
        if event.kind == EventKind::Allocation {
            if event.stop.is_some_and(|stop| stop.start() < at) {
                return Err(EventReject::BackwardTime);
            }
            self.audit.saw(at);
            self.audit.saw(event.stop.map_or(at, WrittenTime::start));
            self.take(&step);
            return Ok(());
        }
        self.saw_stamp(at);
        self.reorder.push(at, step);
        while let Some(step) = self.reorder.pop_ready() {
            self.take(&step);
        }
        Ok(())
    }

    /// Takes in that a record showed a public port in use, and does not say which, or by whom.
    pub fn saw_unnamed(&mut self) {
        self.audit.unnamed += 1;
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

    /// Takes in that a record could not be used, at `at` or, where it does not say when, between the records before and
    /// behind it: whatever it said could overturn what the others say.
    pub fn saw_damage(&mut self, at: Option<WrittenTime>) {
        self.saw_loss(at);
        if at.is_none() {
            self.loss.declare_behind_last(self.profile.late);
        }
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
        while let Some(step) = self.reorder.pop() {
            self.take(&step);
        }
        self.audit.out_of_order = self.reorder.moved();
        let end = covers.map(TimeRange::end).or(self.audit.last).unwrap_or(Timestamp::MAX);
        for (key, pending) in self.open.take() {
            self.audit.open += 1;
            self.audit.open_in_doubt += u64::from(pending.is_in_doubt || pending.joined > 0);
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

    fn take(&mut self, step: &Step) {
        match step.kind {
            EventKind::DeviceRestart => return self.restart(step),
            EventKind::HostRelease => return self.release_host(step),
            EventKind::SessionDelete | EventKind::PortDelete | EventKind::BlockRelease => {
                return self.release(step);
            }
            _ => {}
        }
        let Some(key) = step.key() else { return };
        match step.kind {
            EventKind::Update | EventKind::BlockInterim => self.alive(key, step),
            EventKind::Allocation => self.finished(key, step),
            _ => self.create(key, step),
        }
    }

    fn create(&mut self, key: FlowKey, step: &Step) {
        self.audit.creates += 1;
        let new = Pending::new(step);
        if step.kind == EventKind::SessionSeen {
            self.audit.seen_only += 1;
            if !self.take_over_seen(key, &new, step) {
                return;
            }
        }
        let mut is_in_doubt = self.is_too_late(step);
        let mut again = None;
        let spot = self.open.find(&key);
        if let Some(old) = self.open.at_mut(spot) {
            if old.stamps.create.is_some() && old.stamps.create == step.time {
                self.audit.duplicates += 1;
                old.again = step.time;
                return;
            }
            if old.is_behind(step) {
                self.audit.stale += 1;
                if old.stamps.create.is_none() && old.same_flow_id(step) {
                    // The create of a flow that was known by its updates only, read late.
                    old.stamps.create = step.time;
                    old.create = new.create;
                } else if let Some(next) = old.stamps.create {
                    self.unreleased(key, &new, next.end(), Ended::Implied);
                }
                return;
            }
            if old.may_be_joined(&key, &self.profile) {
                self.audit.joined += 1;
                old.joined = old.joined.saturating_add(1);
                return;
            }
            let old = *old;
            again = step.time;
            self.supersede(key, &old, step.time);
        } else if let Some(released) = self.released_since(&key, step) {
            if is_behind(step, released) {
                self.audit.stale += 1;
                self.unreleased(key, &new, released.end(), Ended::Implied);
                return;
            }
            // Of one stamp, and lines of one second change places: it may be its own. Blocks live longer than that.
            is_in_doubt |= key.grain == Grain::Session;
        }
        self.open.insert_at(spot, key, Pending { again, is_in_doubt, ..new });
    }

    /// Whether the record comes so far behind others that its own release may have been read, and no longer be known.
    fn is_too_late(&self, step: &Step) -> bool {
        step.time.is_some_and(|at| self.recent.has_forgotten(at))
    }

    /// Ends whoever else was seen on the whole key before; false where that one is later, and ends the new one.
    fn take_over_seen(&mut self, key: FlowKey, new: &Pending, step: &Step) -> bool {
        let Some(destination) = key.destination else { return true };
        let seen = (key.protocol, key.addr, key.ports, destination);
        let Some(before) = self.seen.insert(seen, key).filter(|before| *before != key) else {
            return true;
        };
        let Some(old) = self.open.get(&before).copied() else { return true };
        if let Some(next) = old.stamps.create.filter(|_| old.is_behind(step)) {
            self.seen.insert(seen, before);
            self.audit.stale += 1;
            self.unreleased(key, new, next.end(), Ended::Implied);
            return false;
        }
        self.open.remove(&before);
        self.supersede(before, &old, step.time);
        true
    }

    fn alive(&mut self, key: FlowKey, step: &Step) {
        self.audit.updates += 1;
        self.logs_updates |= step.kind == EventKind::Update;
        let mut not_before = None;
        if let Some(pending) = self.open.get_mut(&key) {
            let is_later = pending.is_before_start_of(step);
            if pending.is_behind(step) || (pending.same_flow_id(step) && !is_later) {
                pending.alive(step);
                return;
            }
            let old = *pending;
            let late = self.profile.late;
            not_before = old.stamps.activity.map(|seen| seen.start().minus(late));
            self.supersede(key, &old, step.time.filter(|_| !is_later).or(step.start));
        } else if self.is_behind_release(&key, step).is_some() {
            return;
        }
        self.audit.begun_by_update += 1;
        self.note_lost_create(step);
        let is_in_doubt = self.is_too_late(step);
        self.open.insert(key, Pending { not_before, is_in_doubt, ..Pending::new(step) });
    }

    /// A record whose own start may show that the line of its create was lost.
    fn note_lost_create(&mut self, step: &Step) {
        if let (Some(start), Some(first)) = (step.start, self.audit.first) {
            // Before the first stamp there was nobody to read the create.
            if self.audit.creates > 0 && start.start() > first.plus(self.profile.late) {
                self.audit.lost_creates += 1;
                self.loss.suspect(start.start(), start.end().plus(self.profile.late));
            }
        }
    }

    fn finished(&mut self, key: FlowKey, step: &Step) {
        self.audit.finished += 1;
        let mut pending = Pending::new(step);
        pending.stamps = Stamps { start: step.start, stop: step.stop, ..Stamps::default() };
        let facts = facts(&self.profile, self.logs_updates, &self.audit);
        if step.stop.is_some() {
            let stamps = pending.stamps;
            self.made.released(facts, key, &pending, &stamps, None);
        } else {
            self.made.still_held(facts, key, &pending);
        }
    }

    fn restart(&mut self, step: &Step) {
        self.audit.restarts += 1;
        let Some(at) = step.time else { return };
        for (key, pending) in self.open.take() {
            if pending.is_behind(step) {
                self.open.insert(key, pending);
                continue;
            }
            self.audit.ended_by_restart += 1;
            self.unreleased(key, &pending, at.end(), Ended::Implied);
        }
    }

    /// Ends a pending tenancy that a later record of the same flow shows to be over.
    fn supersede(&mut self, key: FlowKey, old: &Pending, by: Option<WrittenTime>) {
        self.audit.superseded += 1;
        // A log that never says when flows end has lost nothing; and a release in doubt may have been this one's.
        let is_loss = !old.is_seen_only && !old.is_in_doubt;
        self.audit.lost_releases += u64::from(is_loss);
        if let Some(by) = by {
            let seen = old.stamps.activity.map_or(by.start(), WrittenTime::start);
            if is_loss {
                self.loss.suspect(seen, by.end());
            }
            self.unreleased(key, old, by.end(), Ended::Implied);
        }
    }

    /// The last release of the flow, where it was written after `step`.
    fn is_behind_release(&mut self, key: &FlowKey, step: &Step) -> Option<WrittenTime> {
        self.released_since(key, step).filter(|released| is_behind(step, *released))
    }

    /// The last release of the flow, where its stamp is not before that of `step`.
    fn released_since(&mut self, key: &FlowKey, step: &Step) -> Option<WrittenTime> {
        let at = step.time?;
        self.recent.release_since(key, at).filter(|released| released.start() >= at.start())
    }

    fn unreleased(&mut self, key: FlowKey, pending: &Pending, until: Timestamp, ended: Ended) {
        let facts = facts(&self.profile, self.logs_updates, &self.audit);
        self.made.unreleased(facts, key, pending, until, ended);
    }

    fn facts(&self) -> SourceFacts<'_> {
        facts(&self.profile, self.logs_updates, &self.audit)
    }
}

/// Whether the record was surely written before that stamp.
fn is_behind(step: &Step, stamp: WrittenTime) -> bool {
    step.time.is_some_and(|at| at.end() <= stamp.start())
}

/// What an allocation cannot do without; a release may leave its public side to its create.
fn check_fields(event: &Event) -> Result<(), EventReject> {
    match event.kind {
        EventKind::SessionDelete | EventKind::PortDelete
            if event.ports.is_none() && event.inside_port.is_none() =>
        {
            Err(EventReject::NoPorts)
        }
        EventKind::BlockRelease if event.ports.is_none() => Err(EventReject::NoPorts),
        EventKind::HostRelease
        | EventKind::SessionDelete
        | EventKind::PortDelete
        | EventKind::BlockRelease => Ok(()),
        _ => {
            event.outside.ok_or(EventReject::NoOutside)?;
            event.ports.ok_or(EventReject::NoPorts)?;
            Ok(())
        }
    }
}

fn facts<'a>(profile: &'a Profile, logs_updates: bool, audit: &Audit) -> SourceFacts<'a> {
    SourceFacts { profile, logs_updates, first: audit.first.unwrap_or(Timestamp::MIN) }
}
