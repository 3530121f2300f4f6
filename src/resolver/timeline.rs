//! Ranges of time by their start, to find those that meet a time without looking at all of them.

use crate::time::{TimeRange, Timestamp};

/// Positions in a list of ranges that is sorted by start.
///
/// # Complexity
///
/// A look-up walks back from the last range that has begun, as far as any earlier one can still reach.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    ranges: Vec<TimeRange>,
    /// The latest end up to and including each position.
    latest: Vec<Timestamp>,
}

impl Timeline {
    /// `ranges` must ascend by start.
    pub(super) fn new(ranges: Vec<TimeRange>) -> Timeline {
        let mut so_far = Timestamp::MIN;
        let latest = ranges
            .iter()
            .map(|range| {
                so_far = so_far.max(range.end());
                so_far
            })
            .collect();
        Timeline { ranges, latest }
    }

    /// The positions of all ranges that share an instant with `during`, in no order that means anything.
    pub(super) fn meeting(&self, during: TimeRange) -> impl Iterator<Item = usize> {
        let begun = self.ranges.partition_point(|r| r.start() < during.end());
        let both = self.ranges.iter().zip(&self.latest).take(begun).enumerate().rev();
        both.take_while(move |(_, (_, latest))| **latest > during.start())
            .filter(move |(_, (range, _))| range.overlaps(during))
            .map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_range_is_found_behind_short_ones() {
        //  0 |----------------------------|
        //  1   |-|
        //  2        |-|
        //  3             |-|
        let ranges = ["@0/@100", "@2/@4", "@10/@12", "@20/@22"].map(|r| r.parse().unwrap());
        let timeline = Timeline::new(ranges.to_vec());
        let meeting = |during: &str| -> Vec<usize> {
            let mut found: Vec<usize> = timeline.meeting(during.parse().unwrap()).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(meeting("@21/@23"), [0, 3]);
        assert_eq!(meeting("@4/@10"), [0]);
        assert_eq!(meeting("@1/@11"), [0, 1, 2]);
        assert_eq!(meeting("@100/@101"), [0_usize; 0]);
        assert_eq!(meeting("@-5/@0"), [0_usize; 0]);
    }
}
