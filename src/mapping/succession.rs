//! When one rule set follows another on the same addresses.

use crate::time::{TimeRange, Timestamp};

/// What a new rule set does to those that hold an address of its own.
///
/// ```text
///  already there   |---------------------...      closed where the new one begins
///  new                      |------------...      closed where a later one begins
///  already there                   |-----...
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Succession<I> {
    /// When the new set is in force: as asked, or closed at the begin of a later set.
    pub in_force: TimeRange,
    /// The later set that closes the new one.
    pub closed_by: Option<I>,
    /// The older sets that the new one closes, with the time that each keeps.
    pub closes: Vec<(I, TimeRange)>,
    /// Sets that begin with the new one: none follows the other, so both stay in force, and where they differ answers
    /// are ambiguous.
    pub same_begin: Vec<I>,
}

impl<I: Copy> Succession<I> {
    /// Decides what a set that is asked to be in force for a time does to `others`: the sets that have a public address
    /// in common with it, and when each is in force.
    ///
    /// A set ends at the first later begin among those that share an address with it, so at every instant an address is
    /// held by one set, or by several with the same begin, in whatever order they came. A closed set does not come
    /// back where its successor ends.
    ///
    /// ```
    /// use portledger::TimeRange;
    /// use portledger::mapping::Succession;
    /// let time = |s: &str| s.parse::<TimeRange>().unwrap();
    /// let new = Succession::of(time("@200/"), [(1, time("@100/")), (2, time("@300/"))]);
    /// assert_eq!(new.closes, [(1, time("@100/@200"))]);
    /// assert_eq!((new.in_force, new.closed_by), (time("@200/@300"), Some(2)));
    /// ```
    pub fn of(asked: TimeRange, others: impl IntoIterator<Item = (I, TimeRange)>) -> Succession<I> {
        let mut made =
            Succession { in_force: asked, closed_by: None, closes: Vec::new(), same_begin: vec![] };
        let mut later: Option<(Timestamp, I)> = None;
        for (other, theirs) in others {
            if !theirs.overlaps(asked) {
                continue;
            }
            if theirs.start() == asked.start() {
                made.same_begin.push(other);
            } else if theirs.start() > asked.start() {
                if later.is_none_or(|(first, _)| theirs.start() < first) {
                    later = Some((theirs.start(), other));
                }
            } else if let Ok(kept) = TimeRange::new(theirs.start(), asked.start()) {
                made.closes.push((other, kept));
            }
        }
        if let Some((at, other)) = later
            && let Ok(in_force) = TimeRange::new(asked.start(), at)
        {
            made.in_force = in_force;
            made.closed_by = Some(other);
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(s: &str) -> TimeRange {
        s.parse().unwrap()
    }

    #[test]
    fn sets_that_never_meet_in_time_leave_one_another_alone() {
        let made = Succession::of(time("@10/@20"), [(1, time("@0/@10")), (2, time("@20/"))]);
        assert_eq!(made.in_force, time("@10/@20"));
        assert_eq!((made.closed_by, made.closes, made.same_begin), (None, vec![], vec![]));
    }

    #[test]
    fn the_same_begin_closes_nobody() {
        let made = Succession::of(time("@10/"), [(1, time("@10/@20")), (2, time("@10/"))]);
        assert_eq!((made.in_force, made.same_begin), (time("@10/"), vec![1, 2]));
        assert!(made.closes.is_empty());
    }

    #[test]
    fn the_nearest_later_set_closes() {
        let made = Succession::of(time("@10/"), [(1, time("@50/")), (2, time("@30/@40"))]);
        assert_eq!((made.in_force, made.closed_by), (time("@10/@30"), Some(2)));
    }

    #[test]
    fn a_closed_set_does_not_come_back_behind_its_successor() {
        let made = Succession::of(time("@10/@20"), [(1, time("@0/@100"))]);
        assert_eq!(made.closes, [(1, time("@0/@10"))]);
    }

    /// A set: asked begin and end, and which of four addresses it holds.
    type Drawn = (i64, i64, u8);

    fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
        prop::collection::vec((0..30_i64, 1..30_i64, 0..16_u8), 1..9)
    }

    fn range((from, length, _): Drawn) -> TimeRange {
        let at = Timestamp::from_second;
        TimeRange::new(at(from), at(from + length)).unwrap()
    }

    proptest! {
        /// Whatever the order: a set ends at the first later begin on an address of its own, and at every instant an
        /// address is held by sets of one begin only.
        #[test]
        fn an_address_has_one_version_at_every_instant(sets in drawn()) {
            let mut held: Vec<TimeRange> = Vec::new();
            for (place, &set) in sets.iter().enumerate() {
                let meets = |other: &usize| sets[*other].2 & set.2 != 0;
                let others = (0..place).filter(meets).map(|other| (other, held[other]));
                let made = Succession::of(range(set), others.collect::<Vec<_>>());
                for (other, kept) in made.closes {
                    held[other] = kept;
                }
                held.push(made.in_force);
            }
            for (place, &set) in sets.iter().enumerate() {
                let later = sets.iter().filter(|o| o.2 & set.2 != 0 && o.0 > set.0).map(|o| o.0);
                let end = later.chain([set.0 + set.1]).min().unwrap();
                prop_assert_eq!(held[place].end(), Timestamp::from_second(end));
                prop_assert_eq!(held[place].start(), range(set).start());
            }
            for second in 0..60 {
                let at = Timestamp::from_second(second);
                for addr in 0..4 {
                    let here = |p: &usize| sets[*p].2 & 1 << addr != 0 && held[*p].contains(at);
                    let mut begins: Vec<i64> =
                        (0..sets.len()).filter(here).map(|p| sets[p].0).collect();
                    begins.dedup();
                    prop_assert!(begins.len() <= 1, "{begins:?} at {second}");
                }
            }
        }
    }
}
