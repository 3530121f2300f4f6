//! Instants to walk along, away from a question, each brought to the front only when the walk gets there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::{TimeRange, Timestamp};

/// The edges on either side of a window.
///
/// # Complexity
///
/// Linear to make; logarithmic a step, and a walk is mostly a few steps.
#[derive(Debug)]
pub(super) struct Edges {
    earlier: BinaryHeap<Timestamp>,
    later: BinaryHeap<Reverse<Timestamp>>,
}

impl Edges {
    pub(super) fn new(all: &[Timestamp], window: TimeRange) -> Edges {
        Edges {
            earlier: all.iter().copied().filter(|e| *e < window.start()).collect(),
            later: all.iter().copied().filter(|e| *e > window.end()).map(Reverse).collect(),
        }
    }

    /// The last edge before `at`, which never is later than in the call before.
    pub(super) fn before(&mut self, at: Timestamp) -> Option<Timestamp> {
        while self.earlier.peek().is_some_and(|e| *e >= at) {
            self.earlier.pop();
        }
        self.earlier.peek().copied()
    }

    /// The first edge after `at`, which never is earlier than in the call before.
    pub(super) fn after(&mut self, at: Timestamp) -> Option<Timestamp> {
        while self.later.peek().is_some_and(|Reverse(e)| *e <= at) {
            self.later.pop();
        }
        self.later.peek().map(|Reverse(e)| *e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_come_in_order_away_from_the_window() {
        let at = Timestamp::from_second;
        let all = [at(5), at(-9), Timestamp::MAX, at(0), at(6), at(6), at(-2), at(1)];
        let mut edges = Edges::new(&all, "@0/@1".parse().unwrap());
        assert_eq!(edges.after(at(1)), Some(at(5)));
        assert_eq!(edges.after(at(5)), Some(at(6)));
        assert_eq!(edges.after(at(6)), Some(Timestamp::MAX));
        assert_eq!(edges.after(Timestamp::MAX), None);
        assert_eq!(edges.before(at(0)), Some(at(-2)));
        assert_eq!(edges.before(at(-2)), Some(at(-9)));
        assert_eq!(edges.before(at(-9)), None);
    }
}
