//! Where lines are missing.
//!
//! A line that is missing has left a trace: a release without its create, a create without its release. Each trace
//! says between which instants the line was lost, which may be seconds or hours. Where the whole source was silent
//! for a while within those instants, that silence was most likely when:
//!
//! ```text
//!   lines      | || | |  ||  |                          | | ||| |  |
//!   A          create - - - - - - - - - - - - - - - - - - - next create of A's key
//!   B                               start - - - - - - - - - - release
//!   suspected                 |<------- silence ------->|
//! ```
//!
//! Silence alone is no gap, and a lone line that was lost between others that were read is none either: the first
//! proves nothing, and of the second every other line is there.

use rangemap::RangeSet;

use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

/// Without a line for so long, a source is silent.
const SILENCE: TimeDelta = TimeDelta::from_second(2);
/// How many silences a search for the longest looks at; behind these the first will do.
const MAX_LOOKED_AT: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Loss {
    last: Option<Timestamp>,
    /// Ascending and apart: the newest stamp of all only grows.
    silences: Vec<TimeRange>,
    declared: RangeSet<Timestamp>,
    suspected: RangeSet<Timestamp>,
}

impl Loss {
    /// A line was written at that time.
    pub(super) fn saw(&mut self, at: Timestamp) {
        if let Some(last) = self.last.filter(|last| at.since(*last) > SILENCE) {
            self.silences.extend(TimeRange::new(last, at));
        }
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// The source says that it lost lines around that time.
    pub(super) fn declare(&mut self, at: WrittenTime, late: TimeDelta) {
        self.declared.extend(range(at.start().minus(late), at.end().plus(late)));
    }

    /// A line was lost somewhere between `from` and `until`.
    pub(super) fn suspect(&mut self, from: Timestamp, until: Timestamp) {
        let first = self.silences.partition_point(|s| s.end() <= from);
        let within = self.silences.get(first..).unwrap_or_default().iter();
        let within = within.take_while(|s| s.start() < until).take(MAX_LOOKED_AT);
        if let Some(longest) = within.max_by_key(|s| s.end().since(s.start())) {
            self.suspected.insert(longest.start()..longest.end());
        }
    }

    /// The gaps, ascending.
    pub(super) fn gaps(&self) -> Vec<TimeRange> {
        let all: RangeSet<Timestamp> =
            self.declared.iter().chain(self.suspected.iter()).cloned().collect();
        all.iter().filter_map(|r| TimeRange::new(r.start, r.end).ok()).collect()
    }
}

fn range(from: Timestamp, until: Timestamp) -> Option<std::ops::Range<Timestamp>> {
    (from < until).then_some(from..until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(second: i64) -> Timestamp {
        Timestamp::from_second(second)
    }

    fn source(stamps: &[i64]) -> Loss {
        let mut loss = Loss::default();
        stamps.iter().for_each(|&second| loss.saw(t(second)));
        loss
    }

    #[test]
    fn silence_alone_is_not_a_gap() {
        assert!(source(&[0, 1, 60, 61]).gaps().is_empty());
    }

    #[test]
    fn a_line_lost_while_others_were_read_is_not_a_gap() {
        let mut loss = source(&[0, 1, 2, 3, 4, 5]);
        loss.suspect(t(2), t(4));
        assert!(loss.gaps().is_empty());
    }

    #[test]
    fn the_longest_silence_within_the_time_of_the_loss_is_suspected() {
        let mut loss = source(&[0, 5, 6, 26, 27, 90]);
        loss.suspect(t(6), t(40));
        loss.suspect(t(1), t(3));
        assert_eq!(
            loss.gaps(),
            [TimeRange::new(t(0), t(5)).unwrap(), TimeRange::new(t(27), t(90)).unwrap()]
        );
    }

    #[test]
    fn lines_out_of_order_do_not_make_silences_overlap() {
        let mut loss = source(&[0, 10, 4, 15, 11]);
        loss.suspect(t(0), t(30));
        assert_eq!(loss.gaps(), [TimeRange::new(t(0), t(10)).unwrap()]);
    }

    #[test]
    fn declared_losses_are_gaps_whether_or_not_it_was_silent() {
        let mut loss = source(&[0, 1, 2]);
        loss.declare(WrittenTime::exact(t(1)), TimeDelta::from_second(1));
        assert_eq!(loss.gaps().len(), 1);
    }
}
