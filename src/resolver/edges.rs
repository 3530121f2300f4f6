//! Instants to walk along, sorted only as far around the question as the walk gets.

use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How far around the question is sorted first; each time that this is not enough, 16 times as far.
const FIRST_SPAN: TimeDelta = TimeDelta::from_second(600);

#[derive(Debug)]
pub(super) struct Edges {
    all: Vec<Timestamp>,
    window: TimeRange,
    reach: TimeDelta,
    /// The edges within reach of the window, ascending.
    near: Vec<Timestamp>,
    span: TimeRange,
}

impl Edges {
    pub(super) fn new(all: Vec<Timestamp>, window: TimeRange) -> Edges {
        let mut edges = Edges { all, window, reach: FIRST_SPAN, near: Vec::new(), span: window };
        edges.sort_near();
        edges
    }

    /// The last edge before `at`.
    pub(super) fn before(&mut self, at: Timestamp) -> Option<Timestamp> {
        loop {
            let below = self.near.partition_point(|e| *e < at);
            let found = below.checked_sub(1).and_then(|i| self.near.get(i)).copied();
            if found.is_some() || self.span.start() == Timestamp::MIN {
                return found;
            }
            self.widen();
        }
    }

    /// The first edge after `at`.
    pub(super) fn after(&mut self, at: Timestamp) -> Option<Timestamp> {
        loop {
            let found = self.near.get(self.near.partition_point(|e| *e <= at)).copied();
            if found.is_some() || self.span.end() == Timestamp::MAX {
                return found;
            }
            self.widen();
        }
    }

    fn widen(&mut self) {
        self.reach = TimeDelta::from_microsecond(self.reach.as_microsecond().saturating_mul(16));
        self.sort_near();
    }

    fn sort_near(&mut self) {
        let start = self.window.start().minus(self.reach);
        let end = self.window.end().plus(self.reach);
        self.span = match TimeRange::new(start, end) {
            Ok(span) if self.reach != TimeDelta::MAX => span,
            _ => TimeRange::ALL,
        };
        self.near.clear();
        let (start, end) = (self.span.start(), self.span.end());
        self.near.extend(self.all.iter().filter(|e| start <= **e && **e <= end));
        self.near.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_beyond_the_first_span_are_found_too() {
        let at = Timestamp::from_second;
        let all = vec![at(5), at(-1_000_000), at(2_000_000), Timestamp::MAX, at(6), at(6)];
        let mut edges = Edges::new(all, "@0/@1".parse().unwrap());
        assert_eq!(edges.after(at(1)), Some(at(5)));
        assert_eq!(edges.after(at(6)), Some(at(2_000_000)));
        assert_eq!(edges.after(at(2_000_000)), Some(Timestamp::MAX));
        assert_eq!(edges.after(Timestamp::MAX), None);
        assert_eq!(edges.before(at(5)), Some(at(-1_000_000)));
        assert_eq!(edges.before(at(-1_000_000)), None);
    }
}
