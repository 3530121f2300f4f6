//! Accounting records -> bindings.
//!
//! A session is told in pieces: a Start, reports while it lasts, a Stop, each a packet that may come late, twice or
//! never. [`bindings_from`] takes all records at once, in any order and from any number of files, and says for
//! every key who could and who certainly did hold it.

mod neighbours;
mod session;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use self::neighbours::{Mark, Places};
use self::session::{Held, Life, Report};
use super::binding::{Binding, BindingKey, BindingOrigin};
use crate::allocation::{Began, Ended, SourceId, Span};
use crate::subscriber::SubscriberId;
use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

/// What an accounting record says (RFC 2866, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AccountingStatus {
    /// A session began.
    Start,
    /// A session goes on.
    Interim,
    /// A session ended.
    Stop,
    /// The NAS began to account: whatever it reported before is over.
    On,
    /// The NAS is about to go down: whatever it reported before is over.
    Off,
}

/// One accounting record, nothing paired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AccountingRecord {
    /// What it says.
    pub status: AccountingStatus,
    /// Who it is about; none where the record does not say. Such a record names nobody, yet it shows that whoever
    /// held its keys before holds them no more.
    pub subscriber: Option<SubscriberId>,
    /// What makes the session one: Acct-Unique-Session-Id, else NAS, Acct-Session-Id and User-Name together. Empty
    /// for `On` and `Off`.
    pub session: Box<str>,
    /// The NAS that reports; `On` and `Off` end the sessions of the NAS of the same name.
    pub nas: Box<str>,
    /// The addresses and prefixes that it names; none says nothing of them.
    pub keys: Vec<BindingKey>,
    /// When it happened, not when it arrived.
    #[cfg_attr(feature = "serde", serde(with = "written"))]
    pub time: WrittenTime,
    /// Acct-Session-Time: for how many seconds the session has lasted.
    pub session_time_second: Option<u32>,
    /// Acct-Interim-Interval: how many seconds lie between its reports.
    pub interim_second: Option<u32>,
    /// Where the record stands in its source.
    pub span: Span,
}

#[cfg(feature = "serde")]
mod written {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::time::{Timestamp, WrittenTime};

    pub(super) fn serialize<S: Serializer>(time: &WrittenTime, s: S) -> Result<S::Ok, S::Error> {
        (time.start(), time.resolution_microsecond()).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<WrittenTime, D::Error> {
        let (start, resolution) = <(Timestamp, i64)>::deserialize(d)?;
        Ok(WrittenTime::new(start, resolution))
    }
}

/// What the records were, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AccountingAudit {
    /// All records.
    pub records: u64,
    /// Records that another one repeats: same session, status, time, subscriber and keys.
    pub duplicates: u64,
    /// Records that say that a NAS began or ceased to account.
    pub restarts: u64,
    /// Sessions; an id that is used again after its Stop counts again.
    pub sessions: u64,
    /// Sessions without a Start.
    pub lost_starts: u64,
    /// Sessions without a Stop, those that still go on included.
    pub lost_stops: u64,
    /// Reports after the Stop of their own session.
    pub after_stop: u64,
    /// Sessions under two names or more: a binding for each, none of them certain.
    pub renamed: u64,
    /// Sessions that name no subscriber: they end the bindings of others and make none.
    pub without_subscriber: u64,
    /// Sessions that name no address.
    pub without_address: u64,
    /// Addresses that changed within a session.
    pub address_changes: u64,
    /// Bindings made.
    pub bindings: u64,
}

/// Makes bindings of accounting records, given in any order.
///
/// The rules; [`crate::identity`] draws the lost Stop:
///
/// - A Start in second `s` may have been at any instant of it: outer from `s`, inner from `s + 1`. A Stop in `s`:
///   inner until `s`, outer until `s + 1`.
/// - **Start lost.** With Acct-Session-Time the start is reckoned, a second wider on either side. Without it the
///   outer range reaches back to the last report of another session on an overlapping key, else to the first
///   stamp of the source ([`Began::Assumed`]); the inner one begins with the first report itself.
/// - **Stop lost.** The inner range ends with the last report. The outer one ends with the second in which another
///   session began on an overlapping key, or in which the NAS restarted ([`Ended::Implied`]), or two report
///   intervals after the last report ([`Ended::Assumed`]), whichever comes first; where neither is known, with the
///   last stamp of the NAS ([`Ended::Open`]). The interval is the session's Acct-Interim-Interval, else the longest
///   spacing of reports seen from that NAS, given at least three.
/// - **Another address** of the same family and length within a session ends the earlier one.
/// - Two sessions that both log an overlapping hold are left as they are.
///
/// The result is sorted by key, then by time.
///
/// # Complexity
///
/// `O(n p log n)` for `n` records with `p` distinct prefix lengths.
pub fn bindings_from(
    records: impl Iterator<Item = (SourceId, AccountingRecord)>,
) -> (Vec<Binding>, AccountingAudit) {
    let mut audit = AccountingAudit::default();
    let mut devices = Devices::default();
    let mut reports: Vec<Report> = Vec::new();
    for (source, record) in records {
        audit.records += 1;
        let device = devices.see(source, &record);
        match record.status {
            AccountingStatus::On | AccountingStatus::Off => audit.restarts += 1,
            _ => reports.push(Report { source, device, record }),
        }
    }
    devices.sort_restarts();
    session::sort_and_collapse(&mut reports, &mut audit);
    let lives = session::lives(&reports, &mut devices, &mut audit);
    let bindings = Bindings::new(&reports, &lives, &devices).make();
    audit.bindings = bindings.len() as u64;
    (bindings, audit)
}

/// What is known of a NAS as a whole.
#[derive(Debug, Default)]
struct Device {
    restarts: Vec<WrittenTime>,
    last_stamp_end: Option<Timestamp>,
    spacings: u64,
    longest_spacing: TimeDelta,
}

/// Spacings that must have been seen before the longest of them counts as the report interval.
const ENOUGH_SPACINGS: u64 = 3;

impl Device {
    fn interval(&self) -> Option<TimeDelta> {
        (self.spacings >= ENOUGH_SPACINGS).then_some(self.longest_spacing)
    }

    /// The first restart that ended after `instant`.
    fn restart_after(&self, instant: Timestamp) -> Option<WrittenTime> {
        self.restarts.get(self.restarts.partition_point(|r| r.end() <= instant)).copied()
    }
}

/// Every NAS, and of every source the first stamp.
#[derive(Debug, Default)]
struct Devices {
    /// By name; a NAS without a name is one of its source.
    numbers: HashMap<(Box<str>, Option<SourceId>), usize>,
    all: Vec<Device>,
    first_stamps: BTreeMap<SourceId, Timestamp>,
}

impl Devices {
    /// Takes the record's stamp into account and returns the number of its NAS.
    fn see(&mut self, source: SourceId, record: &AccountingRecord) -> usize {
        let name = (record.nas.clone(), record.nas.is_empty().then_some(source));
        let number = *self.numbers.entry(name).or_insert_with(|| {
            self.all.push(Device::default());
            self.all.len() - 1
        });
        let first = self.first_stamps.entry(source).or_insert(record.time.start());
        *first = record.time.start().min(*first);
        if let Some(device) = self.all.get_mut(number) {
            device.last_stamp_end = device.last_stamp_end.max(Some(record.time.end()));
            if matches!(record.status, AccountingStatus::On | AccountingStatus::Off) {
                device.restarts.push(record.time);
            }
        }
        number
    }

    fn sort_restarts(&mut self) {
        for device in &mut self.all {
            device.restarts.sort_by_key(|r| (r.end(), r.start()));
        }
    }

    fn first_stamp(&self, source: SourceId) -> Timestamp {
        self.first_stamps.get(&source).copied().unwrap_or(Timestamp::MIN)
    }
}

/// The last step: every key that a session held, set beside what other sessions did on the same key.
struct Bindings<'a> {
    reports: &'a [Report],
    lives: &'a [Life],
    devices: &'a Devices,
    /// For each hold, the next begin of another session after it was last seen.
    next: Vec<Option<Mark>>,
    /// For each hold, the last report of another session before it was first seen.
    previous: Vec<Option<Mark>>,
}

impl<'a> Bindings<'a> {
    fn new(reports: &'a [Report], lives: &'a [Life], devices: &'a Devices) -> Bindings<'a> {
        let mut places = Places::default();
        for held in lives.iter().flat_map(|life| &life.held) {
            places.add(&held.key);
        }
        places.finish();
        let (mut begins, mut seen, mut after, mut before) = (vec![], vec![], vec![], vec![]);
        for (number, life) in lives.iter().enumerate() {
            for held in &life.held {
                let place = places.number(&held.key);
                let mark =
                    |at: Timestamp, until: Timestamp| (place, Mark { at, until, life: number });
                begins.push(mark(held.inner_start, held.inner_start));
                seen.extend(held.seen.iter().map(|w| mark(w.start(), w.end())));
                after.push(mark(held.last_certain(), held.last_certain()));
                before.push(mark(held.first_seen().start(), held.first_seen().end()));
            }
        }
        let next = places.next_after(begins, &after);
        let previous = places.last_until(seen, &before);
        Bindings { reports, lives, devices, next, previous }
    }

    fn make(&self) -> Vec<Binding> {
        let mut bindings = Vec::new();
        let mut neighbours = self.next.iter().zip(&self.previous);
        for life in self.lives {
            for held in &life.held {
                let (next, previous) = neighbours.next().unwrap_or((&None, &None));
                let (outer_start, inner_start, began) = self.begin(life, held, *previous);
                let (outer_end, inner_end, ended) = self.end(life, held, *next);
                let outer = TimeRange::new(outer_start, outer_end)
                    .unwrap_or(TimeRange::instant(outer_start));
                let certain = life.subscribers.len() == 1;
                let inner = TimeRange::new(inner_start, inner_end).ok().filter(|_| certain);
                let origin = self.origin(held);
                bindings.extend(life.subscribers.iter().map(|subscriber| Binding {
                    key: held.key.clone(),
                    subscriber: subscriber.clone(),
                    outer,
                    inner,
                    began,
                    ended,
                    origin,
                }));
            }
        }
        bindings.sort_by(|a, b| {
            (&a.key, a.outer.start(), a.outer.end(), &a.subscriber, &a.origin).cmp(&(
                &b.key,
                b.outer.start(),
                b.outer.end(),
                &b.subscriber,
                &b.origin,
            ))
        });
        bindings
    }

    /// The outer start, the inner start, and how they are known.
    fn begin(
        &self,
        life: &Life,
        held: &Held,
        previous: Option<Mark>,
    ) -> (Timestamp, Timestamp, Began) {
        if held.started {
            return (held.outer_start.unwrap_or(held.inner_start), held.inner_start, Began::Logged);
        }
        // Another session held the key until `previous` at least, whatever this one's reckoned start is.
        let inner = previous.map_or(held.inner_start, |p| held.inner_start.max(p.until));
        if held.reckoned {
            return (held.outer_start.unwrap_or(held.inner_start), inner, Began::Logged);
        }
        let source = self.reports.get(life.first).map(|r| r.source).unwrap_or_default();
        let outer = match (held.outer_start, previous) {
            (Some(bound), Some(p)) => bound.max(p.at),
            (Some(bound), None) => bound,
            (None, Some(p)) => p.at,
            (None, None) => self.devices.first_stamp(source),
        };
        (outer.min(held.first_seen().start()), inner, Began::Assumed)
    }

    /// The outer end, the inner end, and how they are known.
    fn end(&self, life: &Life, held: &Held, next: Option<Mark>) -> (Timestamp, Timestamp, Ended) {
        let inner = held.inner_end();
        if let (Some(stop), None) = (&life.stop, held.replaced) {
            return (stop.outer_end, inner, Ended::Logged);
        }
        let device = self.devices.all.get(life.device);
        let last = life.last_seen;
        let mut ends: Vec<(Timestamp, Ended)> = Vec::new();
        ends.extend(next.map(|mark| (mark.until, Ended::Implied)));
        if let Some(replaced) = held.replaced {
            ends.push((replaced, Ended::Implied));
        } else {
            let alive = life.last_certain();
            let restart = device.and_then(|device| device.restart_after(alive));
            ends.extend(restart.map(|r| (r.end(), Ended::Implied)));
            let interval = life.interval.or_else(|| device.and_then(Device::interval));
            ends.extend(interval.map(|i| (last.end().plus(i.plus(i)), Ended::Assumed)));
        }
        let (outer, ended) = ends.into_iter().min_by_key(|(at, _)| *at).unwrap_or_else(|| {
            let silence = device.and_then(|device| device.last_stamp_end);
            (silence.map_or(last.end(), |at| at.max(last.end())), Ended::Open)
        });
        (outer, inner, ended)
    }

    fn origin(&self, held: &Held) -> BindingOrigin {
        let first = self.reports.get(held.first);
        let last = self.reports.get(held.last).filter(|_| held.last != held.first);
        let source = first.map(|r| r.source).unwrap_or_default();
        BindingOrigin {
            source,
            start: first.map(|r| r.record.span),
            end: last.map(|r| r.record.span),
            end_source: last.map(|r| r.source).filter(|s| *s != source),
        }
    }
}
