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
/// A silence is worth a suspicion if it is this unlikely, as a power of e: one in 22,000.
const UNUSUAL: f64 = 10.0;
/// How many silences a search for the longest looks at; behind these the first will do.
const MAX_LOOKED_AT: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Loss {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    heard: Heard,
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
        self.heard.saw(at);
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
        let recorded = self.first.zip(self.last);
        let seconds = recorded.map_or(0, |(first, last)| second(last) - second(first) + 1);
        let suspected = self.suspected.iter().filter(|r| self.heard.is_unusual(r, seconds));
        let all: RangeSet<Timestamp> = self.declared.iter().chain(suspected).cloned().collect();
        all.iter().filter_map(|r| TimeRange::new(r.start, r.end).ok()).collect()
    }
}

/// In how many seconds a line was written.
///
/// Seconds, not lines: a source that writes many at once is as silent between as one that writes few.
#[derive(Debug, Default)]
struct Heard {
    seconds: i64,
    newest: i64,
    /// The newest second: most lines are of it.
    here: Option<TimeRange>,
    /// Which of the last seconds, the newest in the lowest bit: what comes later than these counts for nothing.
    recent: u128,
}

impl Heard {
    fn saw(&mut self, at: Timestamp) {
        if self.here.is_some_and(|here| here.contains(at)) {
            return;
        }
        self.saw_in(second(at));
        let from = Timestamp::from_second(self.newest);
        self.here = TimeRange::new(from, from.plus(TimeDelta::from_second(1))).ok();
    }

    fn saw_in(&mut self, second: i64) {
        let age = match second.checked_sub(self.newest) {
            Some(ahead @ 1..) if self.recent != 0 => {
                self.recent =
                    u32::try_from(ahead).ok().and_then(|n| self.recent.checked_shl(n)).unwrap_or(0);
                self.newest = second;
                0
            }
            _ if self.recent == 0 => {
                self.newest = second;
                0
            }
            _ => self.newest.abs_diff(second),
        };
        let bit = u32::try_from(age).ok().and_then(|n| 1_u128.checked_shl(n)).unwrap_or(0);
        if bit & !self.recent != 0 {
            self.recent |= bit;
            self.seconds += 1;
        }
    }

    /// Whether so long a silence is unlikely in a source that was silent in so many of `seconds` seconds.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn is_unusual(&self, silence: &std::ops::Range<Timestamp>, seconds: i64) -> bool {
        let length = silence.end.since(silence.start).as_microsecond() as f64 / 1e6;
        let silent = (seconds - self.seconds).max(0) as f64 / seconds as f64;
        silent.ln() * length <= -UNUSUAL
    }
}

fn second(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(1_000_000)
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
    fn a_source_that_writes_many_lines_at_once_is_used_to_silences() {
        //  a hundred lines every three seconds; then every third time none, or for twenty seconds none
        let source = |silent: fn(i64) -> bool| {
            let mut loss = Loss::default();
            for second in (0..600).step_by(3).filter(|second| !silent(*second)) {
                (0..100).for_each(|_| loss.saw(t(second)));
            }
            loss.suspect(t(1), t(599));
            loss.gaps()
        };
        assert!(source(|_| false).is_empty());
        assert!(source(|second| second % 9 == 0).is_empty());
        assert_eq!(source(|second| (300..336).contains(&second)), [range(297, 336)]);
    }

    #[test]
    fn seconds_are_heard_once_in_whatever_order() {
        let mut heard = Heard::default();
        for second in [-5, 0, 0, 4, 3, 4, 3, 130, 4, 3, 2, 500, 499, 130, -5] {
            heard.saw_in(second);
        }
        // 2 is 128 seconds late, -5 and the second 130 are later still: they might be of a second that was heard.
        assert_eq!(heard.seconds, 7);
        heard.saw_in(i64::MAX);
        heard.saw_in(i64::MIN);
        assert_eq!(heard.seconds, 8);
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
