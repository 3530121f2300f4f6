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
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Recent { current: Map::default(), previous: Map::default(), since: None }
    }
}

impl<K: Eq + Hash> Recent<K> {
    /// The stamp of the last release of that key.
    pub(super) fn release_of(&self, key: &K) -> Option<WrittenTime> {
        self.current.get(key).or_else(|| self.previous.get(key)).copied()
    }

    pub(super) fn remember(&mut self, key: K, at: WrittenTime) {
        let since = *self.since.get_or_insert(at.start());
        if at.start().since(since) > WINDOW {
            self.previous = std::mem::take(&mut self.current);
            self.since = Some(at.start());
        }
        self.current.insert(key, at);
    }
}
