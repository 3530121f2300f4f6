//! What an import saw of the source's own quality.

use rangemap::RangeSet;

use crate::time::{TimeDelta, TimeRange, Timestamp};

/// Counts and findings over one source; nothing that was read is missing from it.
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
    /// Records that repeated an earlier one to the letter.
    pub duplicates: u64,
    /// Records that came behind a later stamp.
    pub out_of_order: u64,
    /// Releases whose create was never read, for whatever reason.
    pub releases_alone: u64,
    /// Of these, the ones whose own start lies in recorded time: their create line was lost.
    pub lost_creates: u64,
    /// Creates that a later record of the same flow or key shows to be over: their release line was lost.
    pub lost_releases: u64,
    /// Losses that the source itself reports.
    pub declared_losses: u64,
    /// Creates without an end when the source ended.
    pub open: u64,
    /// The first stamp.
    pub first: Option<Timestamp>,
    /// The last stamp.
    pub last: Option<Timestamp>,
    /// The largest lateness of a create stamp that the logged starts prove.
    pub late_seen: TimeDelta,
    /// The lateness that was widened to, where the profile's was breached.
    pub late_widened: Option<TimeDelta>,
    /// Times around which create lines are missing.
    pub suspected_gaps: Vec<TimeRange>,
}

impl Audit {
    /// Whether the source was seen to lose lines: then absence in it proves nothing, and an open record cannot
    /// carry a claim by itself.
    pub fn is_lossy(&self) -> bool {
        self.lost_creates + self.lost_releases + self.declared_losses > 0
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

/// Joins the times of lost lines; lines lost close together were lost together.
pub(super) fn join_gaps(lost: &[TimeRange]) -> Vec<TimeRange> {
    const REACH: TimeDelta = TimeDelta::from_second(1);
    let mut set = RangeSet::new();
    for gap in lost {
        set.insert(gap.start()..gap.end().plus(REACH));
    }
    set.iter().filter_map(|r| TimeRange::new(r.start, r.end).ok()).collect()
}
