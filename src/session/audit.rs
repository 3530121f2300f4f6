//! What an import saw of the source's own quality.

use crate::time::{TimeDelta, TimeRange, Timestamp};

/// Counts and findings over one source; nothing that was read is missing from it.
///
/// Every tenancy that began in the records ends in them one way or another, see [`Audit::adds_up`]:
///
/// ```text
/// creates + begun_by_update + releases
///     = duplicates + stale + joined + 2 * paired + releases_alone + releases_in_doubt + superseded
///       + ended_by_restart + ended_by_host + ended_in_doubt + open
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// Records that began a tenancy.
    pub creates: u64,
    /// Records that showed one still there.
    pub updates: u64,
    /// Records that ended one.
    pub releases: u64,
    /// Finished allocations.
    pub finished: u64,
    /// Restarts of the device.
    pub restarts: u64,
    /// Of the creates, those of a log that never says when flows end.
    pub seen_only: u64,
    /// Records that paired a host with a public address, or parted them: they give nobody a port.
    pub address_bindings: u64,
    /// Records that gave back everything of a host.
    pub host_releases: u64,
    /// Creates and releases that repeated an earlier one to the letter.
    pub duplicates: u64,
    /// Records that came behind a later stamp.
    pub out_of_order: u64,
    /// Creates that were read so late that a later record of their flow had been taken in before.
    pub stale: u64,
    /// Creates of a further flow under a key that one was open under, where no destination is logged: the key is held until
    /// as many were released.
    pub joined: u64,
    /// Releases that ended a tenancy of which an earlier record was read.
    pub paired: u64,
    /// Releases without any earlier record of their tenancy, for whatever reason.
    pub releases_alone: u64,
    /// Releases that fit several tenancies, since they say less than their creates did, or all of these say too little.
    pub releases_in_doubt: u64,
    /// Tenancies that ended by such a release: as many were read as tenancies they fit.
    pub ended_in_doubt: u64,
    /// Tenancies that such a release may have ended, or not, and that have no other end; and those that were read so far
    /// behind others that their release may have been read before.
    pub open_in_doubt: u64,
    /// Tenancies of which the first record read is an update.
    pub begun_by_update: u64,
    /// Tenancies that a later record of the same flow showed to be over, without a release of their own.
    pub superseded: u64,
    /// Tenancies that a restart of the device ended.
    pub ended_by_restart: u64,
    /// Tenancies that ended when their host gave back everything.
    pub ended_by_host: u64,
    /// Creates that were never read although the tenancy began in recorded time: its own start says so, or another
    /// holder of its exclusive key.
    pub lost_creates: u64,
    /// Creates that a later record of the same flow or key shows to be over: their release line was lost.
    pub lost_releases: u64,
    /// Losses that the source itself reports, and lines that could not be read.
    pub declared_losses: u64,
    /// Flows that the log shows without saying who held which public port: port forwards, and flows whose port or echo
    /// identifier it leaves out. Somebody used a port that no allocation is of.
    pub unnamed: u64,
    /// Tenancies without an end when the source ended.
    pub open: u64,
    /// The first stamp.
    pub first: Option<Timestamp>,
    /// The last stamp.
    pub last: Option<Timestamp>,
    /// The largest lateness of a create stamp that the logged starts prove.
    pub late_seen: TimeDelta,
    /// The lateness that was widened to, where the profile's was breached.
    pub late_widened: Option<TimeDelta>,
    /// When lines are missing: declared losses, and silences in which a line was lost.
    pub suspected_gaps: Vec<TimeRange>,
}

impl Audit {
    /// Whether the source was seen to lose lines, or leaves open which of its records ended: then absence in it
    /// proves nothing, and an open record cannot carry a claim by itself.
    pub fn is_lossy(&self) -> bool {
        self.lost_lines() + self.open_in_doubt + self.seen_only > 0
    }

    /// How many losses were seen or declared.
    pub fn lost_lines(&self) -> u64 {
        self.lost_creates + self.lost_releases + self.declared_losses
    }

    /// Whether every create and every release that was read is accounted for, once the assembly is finished.
    pub fn adds_up(&self) -> bool {
        let begun = self.creates + self.begun_by_update;
        let ended_by_others = self.ended_by_restart + self.ended_by_host + self.ended_in_doubt;
        let ended = self.paired + self.superseded + ended_by_others + self.open;
        let unpaired = self.releases_alone + self.releases_in_doubt;
        begun + self.releases
            == self.duplicates + self.stale + self.joined + ended + self.paired + unpaired
    }

    /// From the first stamp to the last.
    pub fn recorded(&self) -> Option<TimeRange> {
        let tick = TimeDelta::from_microsecond(1);
        TimeRange::new(self.first?, self.last?.plus(tick)).ok()
    }

    pub(super) fn saw(&mut self, at: Timestamp) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }
}
