//! The releases of the last minutes, to know their repetitions and what comes behind them.

use std::hash::Hash;

use super::Map;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

/// How long a released flow is remembered at least.
const WINDOW: TimeDelta = TimeDelta::from_second(60);

/// Two generations: what is remembered lives between one and two windows.
#[derive(Debug)]
pub(super) struct Recent<K> {
    current: Map<K, WrittenTime>,
    previous: Map<K, WrittenTime>,
    since: Option<Timestamp>,
    /// The latest stamp of all: what comes behind it needs no look.
    latest: Option<Timestamp>,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Recent { current: Map::default(), previous: Map::default(), since: None, latest: None }
    }
}

impl<K: Eq + Hash> Recent<K> {
    /// The stamp of the last release of that key, where it may be at `at` or later.
    pub(super) fn release_since(&self, key: &K, at: WrittenTime) -> Option<WrittenTime> {
        if self.latest.is_none_or(|latest| latest < at.start()) {
            return None;
        }
        self.current.get(key).or_else(|| self.previous.get(key)).copied()
    }

    pub(super) fn remember(&mut self, key: K, at: WrittenTime) {
        let since = *self.since.get_or_insert(at.start());
        if at.start().since(since) > WINDOW {
            self.previous = std::mem::take(&mut self.current);
            self.since = Some(at.start());
        }
        self.latest = self.latest.max(Some(at.start()));
        self.current.insert(key, at);
    }
}
