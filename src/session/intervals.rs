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

/// How much a stamp leaves open: what its profile says of its digits. One that leaves open more than a second says so
/// itself, and is believed.
fn resolution(profile: &Profile, at: WrittenTime) -> TimeDelta {
    let own = TimeDelta::from_microsecond(at.resolution_microsecond());
    match profile.resolution {
        Some(of_digits) if own <= TimeDelta::from_second(1) => of_digits,
        Some(of_digits) => of_digits.max(own),
        None => own,
    }
}

/// The first instant after everything that `at` may mean.
fn latest(profile: &Profile, at: WrittenTime) -> Timestamp {
    at.start().plus(resolution(profile, at))
}

impl Stamps {
    /// The intervals of a tenancy whose end was logged; `survivors` is added to the outer end of blocks.
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
        let end = ends.clone().map(|w| latest(p, *w)).min()?;
        let surely_until = ends.map(|w| w.start()).min()?;
        let begin = self.begin(facts);
        let idle = p.idle_before_end(protocol, self.killed, self.timer, facts.logs_updates);
        // The packet that made it, and whatever was seen later, left in it.
        let seen = self.activity.map_or(begin.inner, |at| latest(p, at));
        let used_until = end.minus(idle).max(seen).plus(survivors);
        let end = end.plus(survivors);
        let outer = TimeRange::new(begin.outer, end).unwrap_or(TimeRange::instant(begin.outer));
        Some(Intervals {
            outer,
            inner: TimeRange::new(begin.inner, surely_until).ok(),
            used_until: used_until.min(outer.end()),
            created: begin.created,
            released: self.release.map(WrittenTime::start).or(Some(surely_until)),
        })
    }

    /// The intervals of a tenancy whose end was not logged, and that nothing bears out behind `until`.
    ///
    /// `used_until` is then how long the last event vouches for it, see [`Stamps::firm_until`].
    pub(super) fn unreleased(
        &self,
        facts: SourceFacts<'_>,
        protocol: Option<Protocol>,
        until: Timestamp,
    ) -> Intervals {
        let begin = self.begin(facts);
        let until = until.min(self.longest(facts));
        let outer = TimeRange::new(begin.outer, until).unwrap_or(TimeRange::instant(begin.outer));
        let seen = self.activity.map_or(begin.inner, WrittenTime::start);
        Intervals {
            outer,
            inner: TimeRange::new(begin.inner, seen.min(outer.end())).ok(),
            used_until: self.firm_until(facts, protocol).min(outer.end()),
            created: begin.created,
            released: None,
        }
    }

    /// An instant by which the tenancy had begun.
    pub(super) fn begun_by(&self, facts: SourceFacts<'_>) -> Timestamp {
        self.begin(facts).inner
    }

    /// When the profile's longest life is over at the latest.
    pub(super) fn longest(&self, facts: SourceFacts<'_>) -> Timestamp {
        let life = facts.profile.max_life;
        let longest = life.map_or(Timestamp::MAX, |life| self.begin(facts).inner.plus(life));
        let seen = self.activity.map_or(Timestamp::MIN, |at| latest(facts.profile, at));
        longest.max(seen)
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
                let late = if p.late_starts { p.late } else { TimeDelta::ZERO };
                let outer = start.start().minus(late);
                Begin { outer, inner: latest(p, start), created: start.start() }
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
