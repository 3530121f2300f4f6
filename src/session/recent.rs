//! The releases of the last minutes, to know their repetitions and what comes behind them.

use std::collections::HashMap;

use super::pending::FlowKey;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

/// How long a released flow is remembered at least.
const WINDOW: TimeDelta = TimeDelta::from_second(60);

/// Two generations: what is remembered lives between one and two windows.
#[derive(Debug, Default)]
pub(super) struct Recent {
    current: HashMap<FlowKey, WrittenTime>,
    previous: HashMap<FlowKey, WrittenTime>,
    since: Option<Timestamp>,
}

impl Recent {
    /// The stamp of the flow's last release.
    pub(super) fn release_of(&self, key: &FlowKey) -> Option<WrittenTime> {
        self.current.get(key).or_else(|| self.previous.get(key)).copied()
    }

    pub(super) fn remember(&mut self, key: FlowKey, at: WrittenTime) {
        let since = *self.since.get_or_insert(at.start());
        if at.start().since(since) > WINDOW {
            self.previous = std::mem::take(&mut self.current);
            self.since = Some(at.start());
        }
        self.current.insert(key, at);
    }
}
