//! The life of one session: its reports in order, and the keys that they show it to hold.

use super::{AccountingAudit, AccountingRecord, AccountingStatus, Devices};
use crate::allocation::SourceId;
use crate::identity::binding::BindingKey;
use crate::identity::space::{self, Space};
use crate::subscriber::SubscriberId;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

const SECOND: TimeDelta = TimeDelta::from_second(1);

/// Each name gets a binding of each key, so a session of many more names counts as several sessions.
const MOST_NAMES: usize = 16;

/// A record and where it came from.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) source: SourceId,
    pub(super) device: usize,
    pub(super) record: AccountingRecord,
}

impl Report {
    /// The earliest instant at which the session can have begun, by its own Acct-Session-Time.
    ///
    /// The event was in `[t, t + resolution)` and the session time is cut off too, so the begin lies in
    /// `(t - s - 1, t + resolution - s)`; another second after allows for clocks read apart.
    fn reckoned_outer(&self) -> Option<Timestamp> {
        let lasted = TimeDelta::from_second(i64::from(self.record.session_time_second?));
        Some(self.record.time.start().minus(lasted).minus(SECOND))
    }

    fn reckoned_inner(&self) -> Option<Timestamp> {
        let lasted = TimeDelta::from_second(i64::from(self.record.session_time_second?));
        let end = self.record.time.end();
        Some(end.minus(lasted).plus(SECOND).min(end))
    }
}

/// One key held by a session.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) key: BindingKey,
    /// A Start names it.
    pub(super) started: bool,
    /// The begin is that of the session, reckoned by its session time.
    pub(super) reckoned: bool,
    /// The earliest begin, where the session's own records bound it.
    pub(super) outer_start: Option<Timestamp>,
    /// From here on it is certainly held.
    pub(super) inner_start: Timestamp,
    /// When the session was seen with another key in its place.
    pub(super) replaced: Option<Timestamp>,
    /// The stamps of the reports that show it, in order and never empty.
    pub(super) seen: Vec<WrittenTime>,
    /// The first and the last report that show it, by position.
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Held {
    pub(super) fn first_seen(&self) -> WrittenTime {
        self.seen.first().copied().unwrap_or(WrittenTime::exact(self.inner_start))
    }

    /// Until here it is certainly held: at some instant of its last stamp it still was.
    pub(super) fn inner_end(&self) -> Timestamp {
        self.seen.last().map_or(self.inner_start, |w| w.start())
    }

    /// What begins later than this instant came after the session.
    pub(super) fn last_certain(&self) -> Timestamp {
        self.inner_end().max(self.inner_start)
    }
}

/// A logged end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) start: Timestamp,
    pub(super) outer_end: Timestamp,
}

/// A session from its begin to its end, however much of it was reported.
#[derive(Debug)]
pub(super) struct Life {
    /// The first report, by position.
    pub(super) first: usize,
    pub(super) device: usize,
    /// The names under which it was reported, without duplicates.
    pub(super) subscribers: Vec<SubscriberId>,
    pub(super) stop: Option<Stop>,
    /// The stamp of the last report, the Stop included.
    pub(super) last_seen: WrittenTime,
    /// How much time lies between its reports, where they say.
    pub(super) interval: Option<TimeDelta>,
    /// The keys that it held, once it is finished.
    pub(super) held: Vec<Held>,
    /// The keys that it holds now.
    now: Vec<Held>,
    start: Option<WrittenTime>,
    reckoned: bool,
    outer_start: Option<Timestamp>,
    inner_start: Timestamp,
}

impl Life {
    fn new(at: usize, report: &Report) -> Life {
        let record = &report.record;
        let started = record.status == AccountingStatus::Start;
        let (outer_start, inner_start) = if started {
            (Some(record.time.start()), None)
        } else {
            (report.reckoned_outer(), report.reckoned_inner())
        };
        Life {
            first: at,
            device: report.device,
            subscribers: Vec::new(),
            stop: None,
            last_seen: record.time,
            interval: None,
            held: Vec::new(),
            now: Vec::new(),
            start: started.then_some(record.time),
            reckoned: !started && outer_start.is_some(),
            outer_start,
            inner_start: inner_start.unwrap_or(record.time.end()),
        }
    }

    /// What happened to the NAS later than this instant happened after the session's last report.
    pub(super) fn last_certain(&self) -> Timestamp {
        self.last_seen.start().max(self.inner_start)
    }

    /// Whether a later report under the same id must be of another session: ids are used again.
    fn is_over_before(&self, report: &Report, devices: &Devices) -> bool {
        let record = &report.record;
        let is_new_name = record.subscriber.as_ref().is_some_and(|s| !self.subscribers.contains(s));
        if is_new_name && self.subscribers.len() >= MOST_NAMES {
            return true;
        }
        if record.status == AccountingStatus::Start {
            return self.start != Some(record.time);
        }
        match (self.stop, report.reckoned_outer()) {
            (Some(stop), Some(began)) => began >= stop.start,
            (Some(_), None) => record.status == AccountingStatus::Interim,
            (None, Some(began)) => began > self.last_seen.end(),
            (None, None) => devices
                .all
                .get(self.device)
                .and_then(|device| device.restart_after(self.last_certain()))
                .is_some_and(|restart| restart.end() <= record.time.end()),
        }
    }

    fn take(&mut self, at: usize, report: &Report, audit: &mut AccountingAudit) {
        let record = &report.record;
        if let Some(name) = &record.subscriber
            && !self.subscribers.contains(name)
        {
            self.subscribers.push(name.clone());
        }
        if let Some(second) = record.interim_second.filter(|second| *second > 0) {
            self.interval = Some(TimeDelta::from_second(i64::from(second)));
        }
        if let Some(stop) = &mut self.stop {
            // The end is in doubt, so it may have been the later one; what was certain stays so.
            audit.after_stop += 1;
            stop.outer_end = stop.outer_end.max(record.time.end());
            let before = self.now.len();
            self.open(at, report, None);
            // Held no more, so later reports are not set beside them.
            self.held.extend(self.now.drain(before..));
            return;
        }
        self.last_seen = record.time;
        if record.keys.is_empty() {
            self.now.iter_mut().for_each(|held| held.see(at, record));
        } else {
            let replaced = self.compare(at, record);
            audit.address_changes += u64::from(replaced.is_some());
            self.open(at, report, replaced);
        }
        if record.status == AccountingStatus::Stop {
            self.now.iter_mut().for_each(|held| held.last = at);
            self.stop = Some(Stop { start: record.time.start(), outer_end: record.time.end() });
        }
    }

    /// Sets the keys held so far beside those of the record: named again they are seen, and another key of the same
    /// kind and length takes their place. Returns when the key replaced longest ago was last seen. A kind that the
    /// record does not name at all is neither.
    fn compare(&mut self, at: usize, record: &AccountingRecord) -> Option<Timestamp> {
        let slots: Vec<(Space, u8)> = record.keys.iter().map(slot).collect();
        let mut last_seen: Option<Timestamp> = None;
        for mut held in std::mem::take(&mut self.now) {
            if record.keys.contains(&held.key) {
                held.see(at, record);
            } else if slots.contains(&slot(&held.key)) {
                let seen = held.inner_end();
                last_seen = Some(last_seen.map_or(seen, |before| before.min(seen)));
                held.replaced = Some(record.time.end());
                self.held.push(held);
                continue;
            }
            self.now.push(held);
        }
        last_seen
    }

    /// Begins to hold what the record names and the session does not hold yet.
    fn open(&mut self, at: usize, report: &Report, replaced: Option<Timestamp>) {
        let record = &report.record;
        let is_first = at == self.first;
        let started = record.status == AccountingStatus::Start;
        for key in &record.keys {
            if self.now.iter().any(|held| held.key == *key) {
                continue;
            }
            let from_begin = is_first || started;
            self.now.push(Held {
                key: key.clone(),
                started,
                reckoned: is_first && self.reckoned,
                outer_start: if from_begin {
                    self.outer_start
                } else {
                    replaced.or(self.outer_start)
                },
                inner_start: if from_begin { self.inner_start } else { record.time.end() },
                replaced: None,
                seen: vec![record.time],
                first: at,
                last: at,
            });
        }
    }
}

impl Held {
    fn see(&mut self, at: usize, record: &AccountingRecord) {
        self.seen.push(record.time);
        self.last = at;
    }
}

/// What can be held once at a time: an address or prefix of one kind and length.
fn slot(key: &BindingKey) -> (Space, u8) {
    let (space, prefix) = space::of_key(key);
    (space, prefix.length)
}

/// Sorts the reports by session and time, and takes out those that repeat another one.
///
/// Within one stamp a Start comes before a report and a report before a Stop.
pub(super) fn sort_and_collapse(reports: &mut Vec<Report>, audit: &mut AccountingAudit) {
    for report in reports.iter_mut() {
        report.record.keys.sort_unstable();
        report.record.keys.dedup();
    }
    // A whole order: what duplicates leave must not depend on which of them arrived first.
    let order = |report: &Report| {
        let record = &report.record;
        let time = record.time;
        let first = (time.start(), record.status, time.resolution_microsecond());
        let rest = (record.session_time_second, record.interim_second, report.source, record.span);
        (first, rest)
    };
    reports.sort_by(|a, b| {
        let ((a_first, a_rest), (b_first, b_rest)) = (order(a), order(b));
        let (ra, rb) = (&a.record, &b.record);
        (&ra.session, a_first, &ra.subscriber, &ra.keys, &ra.nas, a_rest).cmp(&(
            &rb.session,
            b_first,
            &rb.subscriber,
            &rb.keys,
            &rb.nas,
            b_rest,
        ))
    });
    let before = reports.len();
    reports.dedup_by(|again, kept| {
        let (a, b) = (&again.record, &kept.record);
        a.session == b.session
            && a.time == b.time
            && a.status == b.status
            && a.subscriber == b.subscriber
            && a.keys == b.keys
    });
    audit.duplicates += (before - reports.len()) as u64;
}

/// The lives of all sessions, from reports in the order of [`sort_and_collapse`].
pub(super) fn lives(
    reports: &[Report],
    devices: &mut Devices,
    audit: &mut AccountingAudit,
) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    let mut session: Option<&str> = None;
    for (at, report) in reports.iter().enumerate() {
        let record = &report.record;
        let current = lives.last_mut().filter(|_| session == Some(&record.session));
        session = Some(&record.session);
        if let Some(life) = current.filter(|life| !life.is_over_before(report, devices)) {
            let spacing = record.time.start().since(life.last_seen.start());
            if record.status == AccountingStatus::Interim
                && life.stop.is_none()
                && spacing > TimeDelta::ZERO
                && let Some(device) = devices.all.get_mut(life.device)
            {
                device.spacings += 1;
                device.longest_spacing = device.longest_spacing.max(spacing);
            }
            life.take(at, report, audit);
        } else {
            let mut life = Life::new(at, report);
            life.take(at, report, audit);
            lives.push(life);
        }
    }
    for life in &mut lives {
        life.held.append(&mut life.now);
    }
    let count = |is: fn(&Life) -> bool| lives.iter().filter(|life| is(life)).count() as u64;
    audit.sessions = lives.len() as u64;
    audit.lost_starts = count(|life| life.start.is_none());
    audit.lost_stops = count(|life| life.stop.is_none());
    audit.renamed = count(|life| life.subscribers.len() > 1);
    audit.without_subscriber = count(|life| life.subscribers.is_empty());
    audit.without_address = count(|life| life.held.is_empty());
    lives
}
