//! Releases: of one tenancy, of one of several, of everything that a host holds.

use super::{Assembler, facts};
use crate::allocation::Ended;
use crate::session::open::{Read, Shape, Short};
use crate::session::pending::{Fit, FlowKey, Pending};
use crate::session::step::Step;
use crate::session::table::Spot;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

impl Assembler {
    pub(super) fn release(&mut self, step: &Step) {
        self.audit.releases += 1;
        let whole = step.key();
        match whole {
            Some(key) if !step.is_short() || self.open.get(&key).is_some() => {
                self.release_of(key, step);
            }
            _ => self.release_short(whole, step),
        }
    }

    /// A release that says the whole key of its tenancy.
    fn release_of(&mut self, key: FlowKey, step: &Step) {
        if step.time.is_some_and(|at| self.recent.release_since(&key, at) == Some(at)) {
            self.audit.duplicates += 1;
            // Or the end of another tenancy in one second with it.
            if let Some(pending) = self.open.get_mut(&key).filter(|p| !p.is_behind(step)) {
                pending.is_in_doubt = true;
            }
            return;
        }
        if let Some(at) = step.time {
            self.recent.remember(key, at);
        }
        let spot = self.open.find(&key);
        if let Some(pending) = self.open.at_mut(spot)
            && pending.joined > 0
            && !pending.is_behind(step)
        {
            pending.joined -= 1;
            self.audit.releases_in_doubt += 1;
            return;
        }
        let pending = self.begun(spot, key, step).unwrap_or_else(|| {
            self.audit.releases_alone += 1;
            self.doubt_what_says_less(key, step);
            Pending::default()
        });
        if pending.stamps.create.is_none() && pending.stamps.start.is_none() {
            self.note_lost_create(step);
        }
        self.end(key, &pending, step);
    }

    /// The release of a tenancy whose create said less is not known to be its own.
    fn doubt_what_says_less(&mut self, key: FlowKey, release: &Step) {
        let FlowKey { destination, inside_port, .. } = key;
        for (destination, inside_port) in [(None, inside_port), (destination, None), (None, None)] {
            let less = FlowKey { destination, inside_port, ..key };
            if less != key
                && let Some(pending) = self.open.get_mut(&less)
                && !pending.is_behind(release)
            {
                pending.is_in_doubt = true;
            }
        }
    }

    fn end(&mut self, key: FlowKey, pending: &Pending, step: &Step) {
        let mut stamps = pending.stamps;
        stamps.start = step.start.or(stamps.start);
        stamps.release = step.time;
        stamps.stop = step.stop;
        stamps.killed = step.killed;
        stamps.timer.state_at_release = step.state;
        let facts = facts(&self.profile, self.logs_updates, &self.audit);
        self.made.released(facts, key, pending, &stamps, Some(step.place()));
    }

    /// A release that does not say the whole key of its tenancy, or of which no such tenancy is open.
    ///
    /// It ends the only tenancy that it can be of. Where it fits several, or may be of one that was never read, nothing
    /// says which, so none ends before as many such releases were read as there can be tenancies: the last of them then
    /// ends all. Where it fits none and has no public side, nothing says whose port it was.
    fn release_short(&mut self, whole: Option<FlowKey>, step: &Step) {
        let shape = Shape::of(step);
        let is_again =
            step.time.is_some_and(|at| self.recent_short.release_since(&shape, at) == Some(at));
        if let Some(at) = step.time {
            self.recent_short.remember(shape, at);
        }
        let read = self.read_by(step);
        match self.open.short(step, &self.profile, is_again, read) {
            Short::One(key)
                if self.open.get(&key).is_some_and(|p| p.is_in_doubt && p.joined == 0) =>
            {
                self.audit.releases_in_doubt += 1;
                self.end_in_doubt(key, step);
            }
            Short::One(key) => self.release_of(key, step),
            Short::All(keys) => {
                self.audit.releases_in_doubt += 1;
                for key in keys {
                    self.end_in_doubt(key, step);
                }
            }
            Short::Doubt => self.audit.releases_in_doubt += 1,
            Short::Nothing if is_again => self.audit.duplicates += 1,
            Short::Nothing => {
                if let Some(key) = whole {
                    self.release_of(key, step);
                } else {
                    self.audit.releases_alone += 1;
                    self.note_lost_create(step);
                }
            }
        }
    }

    /// How much of what can be open at a release was read: what began before the first stamp goes on for the longest life
    /// at most.
    fn read_by(&self, release: &Step) -> Read {
        let since = self.audit.first.unwrap_or(Timestamp::MIN);
        let life = self.profile.max_life;
        let all_from = life.map(|life| since.plus(life).plus(self.profile.late));
        let is_past = all_from.zip(release.time).is_some_and(|(from, at)| from <= at.start());
        Read { since, is_all: is_past && !self.audit.is_lossy() }
    }

    /// Ends a tenancy that is over by now, though not necessarily since now.
    fn end_in_doubt(&mut self, key: FlowKey, step: &Step) {
        let Some(pending) = self.open.remove(&key) else { return };
        self.audit.ended_in_doubt += 1;
        if let Some(at) = step.time {
            self.recent.remember(key, at);
            self.unreleased(key, &pending, at.end(), Ended::Implied);
        }
    }

    /// Everything that a host holds was given back; with a public address or protocol, only what it holds there.
    pub(super) fn release_host(&mut self, step: &Step) {
        self.audit.host_releases += 1;
        let Some(inside) = step.inside else { return };
        for key in self.open.of_host(inside) {
            let is_of_it = step.outside.is_none_or(|addr| addr == key.addr)
                && (step.protocol.is_none() || step.protocol == key.protocol);
            let is_behind = self.open.get(&key).is_none_or(|pending| pending.is_behind(step));
            if !is_of_it || is_behind {
                continue;
            }
            if let Some(pending) = self.open.remove(&key) {
                self.audit.ended_by_host += 1;
                if let Some(at) = step.time {
                    self.recent.remember(key, at);
                }
                self.end(key, &pending, step);
            }
        }
    }

    /// What was read of the tenancy that the release ends, before it; `spot` is where its key is.
    fn begun(&mut self, spot: Spot, key: FlowKey, release: &Step) -> Option<Pending> {
        let pending = self.open.at_mut(spot)?;
        if pending.may_be_anothers(release) {
            pending.again = None;
            pending.is_in_doubt = true;
            return None;
        }
        match pending.fit(release, &self.profile) {
            Fit::Pairs(late) => {
                self.note_late(late, release);
                self.audit.paired += 1;
                self.open.remove_at(spot, &key)
            }
            Fit::LaterTenancy => {
                let mut old = self.open.remove_at(spot, &key)?;
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

    fn note_late(&mut self, late: TimeDelta, release: &Step) {
        self.audit.late_seen = self.audit.late_seen.max(late);
        if late > self.profile.late {
            // The start is cut off, so the true lateness is up to its resolution more than what is proven.
            let cut = release.start.map_or(0, WrittenTime::resolution_microsecond);
            let late = late.plus(TimeDelta::from_microsecond(cut));
            self.profile.late = late;
            self.audit.late_widened = Some(late);
        }
    }
}
