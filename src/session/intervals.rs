//! Stamps and profile -> the three nested intervals.

use super::profile::{EndIs, Profile, Timer};
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

/// Everything that the log said about one tenancy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stamps {
    pub(super) create: Option<WrittenTime>,
    /// The start that the source itself logs, on the release or beside a finished allocation.
    pub(super) start: Option<WrittenTime>,
    /// The latest record that shows the flow alive: create, update, interim.
    pub(super) activity: Option<WrittenTime>,
    pub(super) release: Option<WrittenTime>,
    /// The end that the source logs beside the release stamp.
    pub(super) stop: Option<WrittenTime>,
    pub(super) killed: Option<bool>,
    pub(super) timer: Timer,
    /// Not logged: another record shows that it was over by then.
    pub(super) implied_end: Option<Timestamp>,
}

/// The nested intervals of one tenancy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Intervals {
    pub(super) outer: TimeRange,
    pub(super) inner: Option<TimeRange>,
    pub(super) used_until: Timestamp,
    pub(super) created: Timestamp,
    pub(super) released: Option<Timestamp>,
}

/// What the whole source adds to the stamps of one record.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceFacts<'a> {
    pub(super) profile: &'a Profile,
    pub(super) logs_updates: bool,
    /// Where an unknown begin is taken to lie: the first stamp of the source.
    pub(super) first: Timestamp,
}

fn resolution(profile: &Profile, at: WrittenTime) -> TimeDelta {
    profile.resolution.unwrap_or(TimeDelta::from_microsecond(at.resolution_microsecond()))
}

/// The first instant after everything that `at` may mean.
fn latest(profile: &Profile, at: WrittenTime) -> Timestamp {
    at.start().plus(resolution(profile, at))
}

impl Stamps {
    /// The intervals of a tenancy with a known end; `survivors` is added to the outer end of blocks.
    pub(super) fn closed(
        &self,
        facts: SourceFacts<'_>,
        protocol: Option<Protocol>,
        survivors: TimeDelta,
    ) -> Option<Intervals> {
        let p = facts.profile;
        let stop = self.stop.filter(|_| p.end_is == EndIs::LoggedStop || self.release.is_none());
        let ends = [self.release, stop];
        let ends = ends.iter().flatten();
        let outer_end = ends.clone().map(|w| latest(p, *w)).chain(self.implied_end).min()?;
        // An implied end only bounds: the mapping was certainly there as long as it was seen alive.
        let seen = self.implied_end.and(self.activity).map(WrittenTime::start);
        let logged_end = ends.map(|w| w.start()).min();
        let inner_end = logged_end.or(seen).unwrap_or(outer_end);
        let idle = if self.implied_end.is_some() {
            TimeDelta::ZERO
        } else {
            p.idle_before_end(protocol, self.killed, self.timer, facts.logs_updates)
        };
        let used_until = match self.activity {
            Some(activity) => latest(p, activity).max(outer_end.minus(idle)),
            None => outer_end.minus(idle),
        };
        let begin = self.begin(facts);
        let outer_end = outer_end.plus(survivors);
        let outer =
            TimeRange::new(begin.outer, outer_end).unwrap_or(TimeRange::instant(begin.outer));
        Some(Intervals {
            outer,
            inner: TimeRange::new(begin.inner, inner_end).ok(),
            used_until: used_until.plus(survivors).min(outer.end()),
            created: begin.created,
            released: self.implied_end.or(self.release.map(WrittenTime::start)).or(logged_end),
        })
    }

    /// The intervals of a tenancy whose end nobody logged.
    ///
    /// `claims_until` is the end of recorded time, or the first gap behind `firm`, whichever comes first; see
    /// [`Stamps::firm_until`]. For such a record `used_until` is that firm instant.
    pub(super) fn open(
        &self,
        facts: SourceFacts<'_>,
        protocol: Option<Protocol>,
        claims_until: Timestamp,
    ) -> Intervals {
        let begin = self.begin(facts);
        let firm = self.firm_until(facts, protocol);
        let longest =
            facts.profile.max_life.map_or(Timestamp::MAX, |life| begin.created.plus(life));
        let end = firm.max(claims_until).min(longest.max(firm));
        let activity = self.activity.map_or(begin.inner, WrittenTime::start);
        Intervals {
            outer: TimeRange::new(begin.outer, end).unwrap_or(TimeRange::instant(begin.outer)),
            inner: TimeRange::new(begin.inner, activity).ok(),
            used_until: firm,
            created: begin.created,
            released: None,
        }
    }

    /// Up to when the last event vouches for an open record: that event plus the shortest timeout.
    pub(super) fn firm_until(
        &self,
        facts: SourceFacts<'_>,
        protocol: Option<Protocol>,
    ) -> Timestamp {
        let timeout = facts.profile.shortest_timeout(protocol, self.timer, facts.logs_updates);
        let last = self.activity.or(self.create).or(self.start);
        last.map_or(facts.first, |w| latest(facts.profile, w).plus(timeout))
    }

    fn begin(&self, facts: SourceFacts<'_>) -> Begin {
        let p = facts.profile;
        let last_tick = |w: WrittenTime| {
            let tick = TimeDelta::from_microsecond(1);
            w.start().max(latest(p, w).minus(tick))
        };
        match (self.create, self.start) {
            (Some(create), start) => {
                let earliest = create.start().minus(p.late);
                let outer = start.map_or(earliest, |s| earliest.max(s.start()));
                Begin { outer, inner: last_tick(create), created: create.start() }
            }
            (None, Some(start)) => {
                Begin { outer: start.start(), inner: latest(p, start), created: start.start() }
            }
            (None, None) => {
                let seen = self.activity.or(self.release).or(self.stop);
                let inner = seen.map_or(facts.first, last_tick);
                let life = p.max_life.map_or(Timestamp::MIN, |life| inner.minus(life));
                let outer = facts.first.max(life).min(inner);
                Begin { outer, inner, created: outer }
            }
        }
    }
}

struct Begin {
    outer: Timestamp,
    inner: Timestamp,
    created: Timestamp,
}
