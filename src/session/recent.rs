//! The releases of the last minutes, to know their repetitions and what comes behind them.
//!
//! They are written down one behind the other. A table of them is made only when a record comes that may be behind the
//! last of them, which in a log in order none is.

use std::hash::Hash;

use super::Map;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

/// How long a released flow is remembered at least.
const WINDOW: TimeDelta = TimeDelta::from_second(60);
/// So many releases of one stamp are looked through rather than put into a table.
const FEW: usize = 8;
/// A table of more room is dropped rather than cleared.
const ROOMY: usize = 1024;

/// The releases of one window.
#[derive(Debug)]
struct Generation<K> {
    /// As they came.
    log: Vec<(K, WrittenTime)>,
    /// How many of them are in the table.
    listed: usize,
    table: Map<K, WrittenTime>,
}

impl<K: Eq + Hash + Copy> Generation<K> {
    fn get(&mut self, key: &K) -> Option<WrittenTime> {
        self.table.extend(self.log.get(self.listed..).unwrap_or_default().iter().copied());
        self.listed = self.log.len();
        self.table.get(key).copied()
    }
}

impl<K> Default for Generation<K> {
    fn default() -> Self {
        Generation { log: Vec::new(), listed: 0, table: Map::default() }
    }
}

/// Two generations: what is remembered lives between one and two windows.
#[derive(Debug)]
pub(super) struct Recent<K> {
    current: Generation<K>,
    previous: Generation<K>,
    since: Option<Timestamp>,
    /// What was released before is no longer known.
    forgotten_before: Option<Timestamp>,
    /// The latest stamp of all: what comes behind it needs no look.
    latest: Option<Timestamp>,
    /// With how many releases of the latest stamp the log ends; none where another came between them.
    tail: Option<usize>,
    /// The releases of the tail, where they are many.
    tip: Map<K, WrittenTime>,
    /// How many of them are in that table.
    listed: usize,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Recent {
            current: Generation::default(),
            previous: Generation::default(),
            since: None,
            forgotten_before: None,
            latest: None,
            tail: None,
            tip: Map::default(),
            listed: 0,
        }
    }
}

impl<K: Eq + Hash + Copy> Recent<K> {
    /// The stamp of the last release of that key, where it may be at `at` or later.
    pub(super) fn release_since(&mut self, key: &K, at: WrittenTime) -> Option<WrittenTime> {
        let latest = self.latest.filter(|latest| *latest >= at.start())?;
        if let Some(tail) = self.tail.filter(|_| latest == at.start()) {
            // Whatever was released before the tail was released before `at`.
            let log = &self.current.log;
            let tail = log.get(log.len().saturating_sub(tail)..).unwrap_or_default();
            if tail.len() <= FEW {
                let found = tail.iter().rev().find(|(released, _)| released == key);
                return found.map(|(_, at)| *at);
            }
            self.tip.extend(tail.get(self.listed..).unwrap_or_default().iter().copied());
            self.listed = tail.len();
            return self.tip.get(key).copied();
        }
        self.current.get(key).or_else(|| self.previous.get(key))
    }

    /// Whether releases behind `at` were read and are no longer known.
    pub(super) fn has_forgotten(&self, at: WrittenTime) -> bool {
        self.forgotten_before.is_some_and(|before| at.start() < before)
    }

    pub(super) fn remember(&mut self, key: K, at: WrittenTime) {
        let since = *self.since.get_or_insert(at.start());
        let is_full = at.start().since(since) > WINDOW;
        if is_full {
            let forgotten =
                std::mem::replace(&mut self.previous, std::mem::take(&mut self.current));
            if !forgotten.log.is_empty() {
                self.forgotten_before = Some(since);
            }
            self.since = Some(at.start());
        }
        self.tail = match self.latest {
            Some(latest) if at.start() < latest => None,
            Some(latest) if at.start() == latest => self.tail.filter(|_| !is_full).map(|n| n + 1),
            _ => Some(1),
        };
        if self.tail.is_none_or(|tail| tail == 1) && self.listed > 0 {
            if self.tip.capacity() > ROOMY {
                self.tip = Map::default();
            }
            self.tip.clear();
            self.listed = 0;
        }
        self.latest = self.latest.max(Some(at.start()));
        self.current.log.push((key, at));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The oracle looks through everything that was released, newest first.
        #[test]
        fn it_knows_the_last_release_of_a_key(
            steps in prop::collection::vec((0_u8..9, 0_i64..7, any::<bool>(), 0_u8..9), 1..120)
        ) {
            let (mut recent, mut all) = (Recent::default(), Vec::new());
            let mut second = 0;
            for (key, offset, is_release, moves) in steps {
                second += i64::from(moves == 0);
                let at = WrittenTime::exact(Timestamp::from_second((second - offset / 5).max(0)));
                if is_release {
                    recent.remember(key, at);
                    all.push((key, at));
                } else {
                    let last = all.iter().rev().find(|(k, _)| *k == key).map(|(_, at)| *at);
                    let since = |found: Option<WrittenTime>| found.filter(|w| w.start() >= at.start());
                    prop_assert_eq!(since(recent.release_since(&key, at)), since(last));
                }
            }
        }
    }

    #[test]
    fn many_releases_of_one_stamp_are_known_and_then_those_of_the_next() {
        let mut recent = Recent::default();
        for second in 0..3 {
            let at = WrittenTime::exact(Timestamp::from_second(second));
            for key in 0..4 * FEW {
                assert_ne!(recent.release_since(&key, at), Some(at));
                recent.remember(key, at);
                assert_eq!(recent.release_since(&key, at), Some(at));
            }
        }
    }

    #[test]
    fn releases_are_forgotten_after_two_windows() {
        let mut recent = Recent::default();
        let at = |second| WrittenTime::exact(Timestamp::from_second(second));
        for (key, second) in [(1, 0), (2, 61), (3, 122)] {
            recent.remember(key, at(second));
        }
        assert_eq!(recent.release_since(&1, at(0)), None);
        assert_eq!(recent.release_since(&2, at(0)), Some(at(61)));
        assert_eq!(recent.release_since(&3, at(0)), Some(at(122)));
        assert!(recent.has_forgotten(at(60)) && !recent.has_forgotten(at(61)));
    }
}
