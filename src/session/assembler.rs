//! The pairing itself.

use std::collections::HashMap;

use super::audit::{Audit, join_gaps};
use super::intervals::{Intervals, SourceFacts, Stamps};
use super::pending::{Fit, FlowKey, Pending};
use super::profile::Profile;
use super::reorder::Reorder;
use crate::allocation::{Allocation, Began, Ended, Grain, InsideId, Origin, Place, SourceId};
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
    hosts: Vec<InsideHost>,
    host_ids: HashMap<InsideHost, InsideId>,
    made: Vec<Allocation>,
    /// Positions in `made` whose outer start rests on `late` alone.
    rests_on_late: Vec<usize>,
    /// The last release of a flow, kept a while to know its repetition.
    released: [HashMap<FlowKey, WrittenTime>; 2],
    released_since: Option<Timestamp>,
    lost: Vec<TimeRange>,
    logs_updates: bool,
    audit: Audit,
}

/// How long a released flow is remembered to recognise a repeated line.
const REPEAT_WINDOW: TimeDelta = TimeDelta::from_second(60);

impl Assembler {
    /// An assembler for one stream of events: one file, or files that continue one another.
    pub fn new(profile: Profile) -> Assembler {
        Assembler {
            profile,
            reorder: Reorder::default(),
            pending: HashMap::new(),
            hosts: Vec::new(),
            host_ids: HashMap::new(),
            made: Vec::new(),
            rests_on_late: Vec::new(),
            released: [HashMap::new(), HashMap::new()],
            released_since: None,
            lost: Vec::new(),
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
        self.audit.saw(at);
        self.reorder.push(at, source, event.clone());
        while let Some((source, event)) = self.reorder.pop_ready() {
            self.take(source, &event);
        }
        Ok(())
    }

    /// Takes in the stamp of a record that is no event: the source was being written then.
    pub fn saw_stamp(&mut self, at: Timestamp) {
        self.audit.saw(at);
    }

    /// Takes in that the source itself says it lost lines around `at`, or at a time that it does not say.
    pub fn saw_loss(&mut self, at: Option<WrittenTime>) {
        self.audit.declared_losses += 1;
        self.lost.extend(at.map(|at| {
            let late = self.profile.late;
            let start = at.start().minus(late);
            TimeRange::new(start, at.end().plus(late)).unwrap_or(at.range())
        }));
    }

    /// The number of allocations made so far.
    pub fn len(&self) -> usize {
        self.made.len()
    }

    /// Whether none was made yet.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
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
        self.audit.suspected_gaps = join_gaps(&self.lost);
        let end = covers.map(TimeRange::end).or(self.audit.last).unwrap_or(Timestamp::MAX);
        let open: Vec<(FlowKey, Pending)> = self.pending.drain().collect();
        let closed = self.made.len();
        for (key, pending) in open {
            self.audit.open += 1;
            self.emit_open(key, &pending, end);
        }
        self.made
            .get_mut(closed..)
            .unwrap_or_default()
            .sort_by_key(|a| (a.created, a.origin.create));
        if self.profile.exclusive {
            self.audit.lost_releases += super::imply::imply_ends(&self.profile, &mut self.made);
        }
        if let Some(late) = self.audit.late_widened {
            for &at in &self.rests_on_late {
                if let Some(a) = self.made.get_mut(at) {
                    let start = a.created.minus(late).min(a.outer.start());
                    a.outer = TimeRange::new(start, a.outer.end()).unwrap_or(a.outer);
                }
            }
        }
        Assembled {
            allocations: self.made,
            hosts: self.hosts,
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
            EventKind::SessionCreate | EventKind::PortCreate | EventKind::BlockAlloc => {
                self.create(source, key, event);
            }
            EventKind::Update | EventKind::BlockInterim => self.alive(source, key, event),
            EventKind::SessionDelete | EventKind::PortDelete | EventKind::BlockRelease => {
                self.release(source, key, event);
            }
            EventKind::Allocation => self.finished(source, key, event),
            EventKind::DeviceRestart => {}
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
        let host = event.inside.as_ref()?;
        let inside = match self.host_ids.get(host) {
            Some(id) => *id,
            None => {
                let id = InsideId(u32::try_from(self.hosts.len()).ok()?);
                self.hosts.push(host.clone());
                self.host_ids.insert(host.clone(), id);
                id
            }
        };
        Some(FlowKey {
            grain,
            protocol: event.protocol,
            addr: event.outside?,
            ports: event.ports?,
            destination: event.destination,
            inside,
            inside_port: event.inside_port,
        })
    }

    fn create(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.creates += 1;
        if let Some(old) = self.pending.get(&key) {
            if old.stamps.create.is_some() && old.stamps.create == event.time {
                self.audit.duplicates += 1;
                return;
            }
            let old = *old;
            self.supersede(key, old, event.time);
        }
        self.pending.insert(key, Pending::new(source, event));
    }

    fn alive(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.updates += 1;
        self.logs_updates |= event.kind == EventKind::Update;
        let mut not_before = None;
        if let Some(pending) = self.pending.get_mut(&key) {
            if pending.same_flow_id(event) {
                pending.alive(event);
                return;
            }
            let old = *pending;
            not_before = old.stamps.activity.map(WrittenTime::start);
            self.supersede(key, old, event.time);
        }
        self.pending.insert(key, Pending { not_before, ..Pending::new(source, event) });
    }

    fn release(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.releases += 1;
        if self.is_repeated_release(key, event) {
            self.audit.duplicates += 1;
            return;
        }
        let mut ended = None;
        if let Some(pending) = self.pending.get(&key) {
            match pending.fit(event, &self.profile) {
                Fit::Pairs(late) => {
                    ended = self.pending.remove(&key);
                    self.note_late(late, event);
                }
                Fit::LaterTenancy => {
                    let old = *pending;
                    self.pending.remove(&key);
                    self.supersede(key, old, event.start.or(event.time));
                }
                Fit::Unrelated => {}
            }
        }
        let pending = ended.unwrap_or_else(|| self.release_alone(event));
        let mut stamps = pending.stamps;
        stamps.start = event.start.or(stamps.start);
        stamps.release = event.time;
        stamps.stop = event.stop;
        stamps.killed = event.killed;
        stamps.timer.state_at_release = event.state;
        self.emit_closed(
            key,
            &pending,
            &stamps,
            Some(Place { source, span: event.span }),
            Ended::Logged,
        );
    }

    /// A release whose create was not read; its start may show that the create's line was lost.
    fn release_alone(&mut self, event: &Event) -> Pending {
        self.audit.releases_alone += 1;
        if let (Some(start), Some(first)) = (event.start, self.audit.first) {
            // Before the first stamp there was nobody to read the create.
            if self.audit.creates > 0 && start.start() > first.plus(self.profile.late) {
                self.audit.lost_creates += 1;
                let until = start.end().plus(self.profile.late);
                self.lost.extend(TimeRange::new(start.start(), until));
            }
        }
        Pending { stamps: Stamps::default(), flow_id: None, create: None, not_before: None }
    }

    fn finished(&mut self, source: SourceId, key: FlowKey, event: &Event) {
        self.audit.finished += 1;
        let mut pending = Pending::new(source, event);
        pending.stamps = Stamps { start: event.start, stop: event.stop, ..Stamps::default() };
        if event.stop.is_some() {
            let stamps = pending.stamps;
            self.emit_closed(key, &pending, &stamps, None, Ended::Logged);
        } else {
            // No end in a table means that the ports are still held.
            self.emit_open(key, &pending, Timestamp::MAX);
        }
    }

    fn restart(&mut self, event: &Event) {
        self.audit.restarts += 1;
        let Some(at) = event.time else { return };
        let open: Vec<(FlowKey, Pending)> = self.pending.drain().collect();
        for (key, pending) in open {
            self.emit_implied(key, &pending, at);
        }
    }

    /// Ends a pending tenancy that a later record of the same flow shows to be over.
    fn supersede(&mut self, key: FlowKey, old: Pending, by: Option<WrittenTime>) {
        self.audit.lost_releases += 1;
        if let Some(by) = by {
            self.emit_implied(key, &old, by);
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

    fn is_repeated_release(&mut self, key: FlowKey, event: &Event) -> bool {
        let Some(time) = event.time else { return false };
        let [current, previous] = &mut self.released;
        if current.get(&key).or_else(|| previous.get(&key)) == Some(&time) {
            return true;
        }
        let since = *self.released_since.get_or_insert(time.start());
        if time.start().since(since) > REPEAT_WINDOW {
            *previous = std::mem::take(current);
            self.released_since = Some(time.start());
        }
        current.insert(key, time);
        false
    }

    fn facts(&self) -> SourceFacts<'_> {
        SourceFacts {
            profile: &self.profile,
            logs_updates: self.logs_updates,
            first: self.audit.first.unwrap_or(Timestamp::MIN),
        }
    }

    fn emit_implied(&mut self, key: FlowKey, pending: &Pending, by: WrittenTime) {
        let mut stamps = pending.stamps;
        stamps.implied_end = Some(by.end());
        self.emit_closed(key, pending, &stamps, None, Ended::Implied);
    }

    fn emit_closed(
        &mut self,
        key: FlowKey,
        pending: &Pending,
        stamps: &Stamps,
        release: Option<Place>,
        ended: Ended,
    ) {
        let survivors = match key.grain {
            Grain::Block => self.profile.survivors.unwrap_or(TimeDelta::ZERO),
            Grain::Session => TimeDelta::ZERO,
        };
        if let Some(intervals) = stamps.closed(self.facts(), key.protocol, survivors) {
            self.emit(key, pending, stamps, intervals, release, ended);
        }
    }

    fn emit_open(&mut self, key: FlowKey, pending: &Pending, recorded_until: Timestamp) {
        let stamps = pending.stamps;
        let facts = self.facts();
        let firm = stamps.firm_until(facts, key.protocol);
        let gap = self.audit.suspected_gaps.iter().find(|gap| gap.end() > firm);
        let until = gap.map_or(recorded_until, |gap| gap.start().min(recorded_until));
        let intervals = stamps.open(facts, key.protocol, until);
        let longest = facts.profile.max_life.map(|life| intervals.created.plus(life));
        let ended = match longest {
            Some(longest) if longest <= intervals.outer.end() => Ended::Assumed,
            _ => Ended::Open,
        };
        self.emit(key, pending, &stamps, intervals, None, ended);
    }

    fn emit(
        &mut self,
        key: FlowKey,
        pending: &Pending,
        stamps: &Stamps,
        intervals: Intervals,
        release: Option<Place>,
        ended: Ended,
    ) {
        let mut outer = intervals.outer;
        if let Some(not_before) = pending.not_before {
            outer = TimeRange::new(outer.start().max(not_before), outer.end()).unwrap_or(outer);
        }
        let began = if stamps.create.is_some() || stamps.start.is_some() {
            Began::Logged
        } else {
            Began::Assumed
        };
        if stamps.create.is_some() && stamps.start.is_none() {
            self.rests_on_late.push(self.made.len());
        }
        self.made.push(Allocation {
            addr: key.addr,
            ports: key.ports,
            protocol: key.protocol,
            destination: key.destination,
            inside: key.inside,
            inside_port: key.inside_port,
            grain: key.grain,
            outer,
            inner: intervals.inner,
            used_until: intervals.used_until,
            created: intervals.created.max(outer.start()),
            released: intervals.released,
            began,
            ended,
            origin: Origin { create: pending.create, release },
        });
    }
}
