//! A window that puts records back into the order of their stamps.
//!
//! Syslog relays and multi-threaded exporters deliver records a few seconds out of order; a release that is read
//! before its create would otherwise become two half records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::allocation::SourceId;
use crate::natlog::Event;
use crate::time::{TimeDelta, Timestamp};

/// How far back in time a record may come and still be put in its place.
const HORIZON: TimeDelta = TimeDelta::from_second(5);
/// How many events wait at most, so that a source without a moving clock cannot fill the memory.
const MAX_WAITING: usize = 1 << 18;

#[derive(Debug)]
struct Waiting {
    at: Timestamp,
    arrival: u64,
    source: SourceId,
    event: Event,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.arrival) == (other.at, other.arrival)
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.arrival).cmp(&(other.at, other.arrival))
    }
}

#[derive(Debug, Default)]
pub(super) struct Reorder {
    waiting: BinaryHeap<Reverse<Waiting>>,
    latest: Option<Timestamp>,
    arrivals: u64,
    moved: u64,
}

impl Reorder {
    pub(super) fn push(&mut self, at: Timestamp, source: SourceId, event: Event) {
        if self.latest.is_some_and(|latest| at < latest) {
            self.moved += 1;
        }
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
        self.arrivals += 1;
        self.waiting.push(Reverse(Waiting { at, arrival: self.arrivals, source, event }));
    }

    /// The earliest event, once nothing that may still come within the horizon can be before it.
    pub(super) fn pop_ready(&mut self) -> Option<(SourceId, Event)> {
        let Reverse(first) = self.waiting.peek()?;
        let settled = first.at <= self.latest?.minus(HORIZON);
        if settled || self.waiting.len() > MAX_WAITING { self.pop() } else { None }
    }

    pub(super) fn pop(&mut self) -> Option<(SourceId, Event)> {
        self.waiting.pop().map(|Reverse(waiting)| (waiting.source, waiting.event))
    }

    /// How many records came behind a later stamp.
    pub(super) fn moved(&self) -> u64 {
        self.moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_within_the_horizon_come_out_by_stamp_and_equal_stamps_as_they_arrived() {
        let mut reorder = Reorder::default();
        for (line, second) in [(1, 10), (2, 12), (3, 11), (4, 12), (5, 30)] {
            let event = Event { line, ..Event::default() };
            reorder.push(Timestamp::from_second(second), SourceId(0), event);
        }
        let mut lines = Vec::new();
        while let Some((_, event)) = reorder.pop_ready() {
            lines.push(event.line);
        }
        assert_eq!(lines, [1, 3, 2, 4]);
        assert_eq!(reorder.pop().map(|(_, e)| e.line), Some(5));
        assert_eq!(reorder.moved(), 1);
    }

    #[test]
    fn the_window_is_bounded() {
        let mut reorder = Reorder::default();
        for _ in 0..=MAX_WAITING {
            reorder.push(Timestamp::from_second(1), SourceId(0), Event::default());
        }
        assert!(reorder.pop_ready().is_some());
        assert!(reorder.pop_ready().is_none());
    }
}
