//! A window that puts records back into the order of their stamps.
//!
//! Syslog relays and multi-threaded exporters deliver records a few seconds out of order; a release that is read
//! before its create would otherwise become two half records.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::step::Step;
use crate::time::{TimeDelta, Timestamp};

/// How far back in time a record may come and still be put in its place.
const HORIZON: TimeDelta = TimeDelta::from_second(5);
/// How many events wait at most, so that a source without a moving clock cannot fill the memory.
const MAX_WAITING: usize = 1 << 18;

/// What comes in order queues; only what comes behind a later stamp needs a heap, which orders stamps and places while
/// the records themselves stay where they are.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    /// Ascending by stamp, then by arrival; of one stamp, none of these came behind a late one.
    in_order: VecDeque<(Timestamp, Step)>,
    late: BinaryHeap<Reverse<(Timestamp, u64, u32)>>,
    slots: Vec<Step>,
    free: Vec<u32>,
    latest: Option<Timestamp>,
    arrivals: u64,
    moved: u64,
}

impl Reorder {
    pub(super) fn push(&mut self, at: Timestamp, step: Step) {
        if self.latest.is_some_and(|latest| at < latest) {
            self.moved += 1;
        }
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
        self.arrivals += 1;
        if self.in_order.back().is_none_or(|(last, ..)| *last <= at) {
            self.in_order.push_back((at, step));
            return;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(step);
            // At most one more than MAX_WAITING.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = step;
        }
        self.late.push(Reverse((at, self.arrivals, slot)));
    }

    /// The earliest record, once nothing that may still come within the horizon can be before it.
    pub(super) fn pop_ready(&mut self) -> Option<Step> {
        let at = match (self.in_order.front(), self.late.peek()) {
            (Some((at, ..)), Some(Reverse((late, ..)))) => at.min(late),
            (Some((at, ..)), None) | (None, Some(Reverse((at, ..)))) => at,
            (None, None) => return None,
        };
        let settled = *at <= self.latest?.minus(HORIZON);
        let waiting = self.in_order.len() + self.late.len();
        if settled || waiting > MAX_WAITING { self.pop() } else { None }
    }

    pub(super) fn pop(&mut self) -> Option<Step> {
        let next = self.in_order.front().map(|(at, _)| *at);
        let late = self.late.peek().map(|Reverse((at, ..))| *at);
        if late.is_none_or(|late| next.is_some_and(|next| next <= late)) {
            return self.in_order.pop_front().map(|(_, step)| step);
        }
        let Reverse((_, _, slot)) = self.late.pop()?;
        self.free.push(slot);
        self.slots.get(slot as usize).copied()
    }

    /// How many records came behind a later stamp.
    pub(super) fn moved(&self) -> u64 {
        self.moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::Span;

    fn step(offset: u64) -> Step {
        Step { span: Span { offset, length: 1 }, ..Step::default() }
    }

    #[test]
    fn records_within_the_horizon_come_out_by_stamp_and_equal_stamps_as_they_arrived() {
        let mut reorder = Reorder::default();
        for (line, second) in [(1, 10), (2, 12), (3, 11), (4, 12), (5, 30)] {
            reorder.push(Timestamp::from_second(second), step(line));
        }
        let mut lines = Vec::new();
        while let Some(step) = reorder.pop_ready() {
            lines.push(step.span.offset);
        }
        assert_eq!(lines, [1, 3, 2, 4]);
        assert_eq!(reorder.pop().map(|step| step.span.offset), Some(5));
        assert_eq!(reorder.moved(), 1);
    }

    #[test]
    fn the_window_is_bounded() {
        let mut reorder = Reorder::default();
        for _ in 0..=MAX_WAITING {
            reorder.push(Timestamp::from_second(1), Step::default());
        }
        assert!(reorder.pop_ready().is_some());
        assert!(reorder.pop_ready().is_none());
        for _ in 0..9 {
            reorder.push(Timestamp::from_second(0), Step::default());
            assert!(reorder.pop_ready().is_some());
        }
        assert_eq!((reorder.slots.len(), reorder.in_order.len()), (1, MAX_WAITING));
    }

    #[test]
    fn what_queues_and_what_is_late_come_out_by_stamp_then_arrival() {
        let mut reorder = Reorder::default();
        let stamps = [3, 1, 3, 2, 1, 4, 3, 0, 4, 2];
        for (second, line) in stamps.into_iter().zip(0..) {
            reorder.push(Timestamp::from_second(second), step(line));
        }
        let mut expected: Vec<(i64, u64)> = stamps.into_iter().zip(0..).collect();
        expected.sort_unstable();
        let lines: Vec<u64> =
            std::iter::from_fn(|| reorder.pop()).map(|step| step.span.offset).collect();
        assert_eq!(lines, expected.iter().map(|(_, line)| *line).collect::<Vec<_>>());
        assert_eq!(reorder.moved(), 6);
    }
}
