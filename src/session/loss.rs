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
//! proves nothing, and of the second every other line is there. Nor is a silence of a source that seldom has
//! anything to say.

use rangemap::RangeSet;

use crate::time::{TimeDelta, TimeRange, Timestamp, WrittenTime};

/// Without a line for so long, a source is silent.
const SILENCE: TimeDelta = TimeDelta::from_second(2);
/// A silence is worth a suspicion if it is so many times as long as the source's lines are apart on average: were
/// they independent, one in 22,000 would be.
const UNUSUAL: i64 = 10;
/// How many silences a search for the longest looks at; behind these the first will do.
const MAX_LOOKED_AT: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Loss {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    lines: i64,
    /// Ascending and apart: the newest stamp of all only grows.
    silences: Vec<TimeRange>,
    declared: RangeSet<Timestamp>,
    /// Behind this stamp lines were lost, at a time that nobody says: before the next stamp. How late stamps may be.
    unplaced: Option<(Timestamp, TimeDelta)>,
    suspected: RangeSet<Timestamp>,
}

impl Loss {
    /// A line was written at that time.
    pub(super) fn saw(&mut self, at: Timestamp) {
        if let Some(last) = self.last.filter(|last| at.since(*last) > SILENCE) {
            self.silences.extend(TimeRange::new(last, at));
        }
        if let Some((from, late)) = self.unplaced.filter(|(from, _)| at > *from) {
            self.unplaced = None;
            self.declared.extend(range(from.minus(late), at.plus(late)));
        }
        self.lines = self.lines.saturating_add(1);
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// The source says that it lost lines around that time.
    pub(super) fn declare(&mut self, at: WrittenTime, late: TimeDelta) {
        self.declared.extend(range(at.start().minus(late), at.end().plus(late)));
    }

    /// Lines were lost behind the one that was seen last, and before the next.
    pub(super) fn declare_behind_last(&mut self, late: TimeDelta) {
        if let Some(last) = self.last {
            self.declare(WrittenTime::exact(last), late);
            self.unplaced.get_or_insert((last, late));
        }
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
        let recorded = self.first.zip(self.last).map(|(first, last)| last.since(first));
        let apart = recorded.map_or(0, |t| t.as_microsecond() / self.lines.max(1));
        let unusual = TimeDelta::from_microsecond(apart.saturating_mul(UNUSUAL));
        let suspected = self.suspected.iter().filter(|r| r.end.since(r.start) >= unusual);
        let all: RangeSet<Timestamp> = self.declared.iter().chain(suspected).cloned().collect();
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

    /// A line ten times a second up to 100, but in these silences.
    fn source(silences: &[(i64, i64)]) -> Loss {
        let mut loss = Loss::default();
        for tenth in 0..=1000 {
            if !silences.iter().any(|(from, until)| from * 10 < tenth && tenth < until * 10) {
                loss.saw(Timestamp::from_microsecond(tenth * 100_000));
            }
        }
        loss
    }

    fn range(from: i64, until: i64) -> TimeRange {
        TimeRange::new(t(from), t(until)).unwrap()
    }

    #[test]
    fn silence_alone_is_not_a_gap() {
        assert!(source(&[(10, 40)]).gaps().is_empty());
    }

    #[test]
    fn a_line_lost_while_others_were_read_is_not_a_gap() {
        let mut loss = source(&[(10, 40)]);
        loss.suspect(t(50), t(60));
        assert!(loss.gaps().is_empty());
    }

    #[test]
    fn the_longest_silence_within_the_time_of_the_loss_is_suspected() {
        let mut loss = source(&[(5, 8), (20, 30), (60, 80)]);
        loss.suspect(t(6), t(25));
        loss.suspect(t(70), t(71));
        assert_eq!(loss.gaps(), [range(20, 30), range(60, 80)]);
    }

    #[test]
    fn a_source_that_seldom_speaks_is_not_suspected_when_it_does_not() {
        let mut loss = Loss::default();
        (0..20).for_each(|n| loss.saw(t(n * 30)));
        loss.suspect(t(31), t(59));
        assert!(loss.gaps().is_empty());
    }

    #[test]
    fn lines_out_of_order_do_not_make_silences_overlap() {
        let mut loss = Loss::default();
        for second in [0, 10, 4, 15, 11] {
            loss.saw(t(second));
        }
        assert_eq!(loss.silences, [range(0, 10), range(10, 15)]);
    }

    #[test]
    fn a_loss_without_a_time_lies_between_the_stamps_around_it() {
        let mut loss = Loss::default();
        for second in [10, 20, 15, 20] {
            loss.saw(t(second));
        }
        loss.declare_behind_last(TimeDelta::from_second(1));
        assert_eq!(loss.gaps()[0].start(), t(19));
        // One that came late does not end it.
        for second in [12, 60, 90] {
            loss.saw(t(second));
        }
        assert_eq!(loss.gaps(), [range(19, 61)]);
    }

    #[test]
    fn declared_losses_are_gaps_whether_or_not_it_was_silent() {
        let mut loss = source(&[]);
        loss.declare(WrittenTime::exact(t(1)), TimeDelta::from_second(1));
        assert_eq!(loss.gaps().len(), 1);
    }
}
