//! Binary search in the order of a breadth-first walk (Eytzinger), the line four steps ahead asked for.

use portledger::index::Lean;

use crate::cells::{Cells, Tail, has_earlier};
use crate::contender::{Contender, Question, Setup};
use crate::sys::prefetch;

/// Eight keys to a line: the great-great-grandchildren of a node stand in two lines, asked for together.
const AHEAD: usize = 8;

struct Eytzinger {
    cells: Cells,
    /// From 1 on; the children of `n` are `2n` and `2n + 1`. On lines: `keys[8k]` begins one.
    keys: Vec<Line>,
    tails: Vec<Tail>,
    count: usize,
}

#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line([u64; AHEAD]);

pub fn build(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let earlier = has_earlier(&entries, &cells);
    let count = entries.len();
    let mut keys = vec![Line::default(); count / AHEAD + 1];
    let mut tails = vec![Tail::default(); count + 1];
    let mut node = first(count);
    for (entry, earlier) in entries.iter().zip(earlier) {
        keys[node / AHEAD].0[node % AHEAD] = entry.key;
        tails[node] = Tail::new(entry, earlier);
        node = after(node, count);
    }
    Box::new(Eytzinger { cells, keys, tails, count })
}

/// The leftmost node.
fn first(count: usize) -> usize {
    let mut node = 1;
    while node * 2 <= count {
        node *= 2;
    }
    node
}

/// The next node in sorted order; 0 after the last.
fn after(node: usize, count: usize) -> usize {
    if node * 2 < count {
        let mut next = node * 2 + 1;
        while next * 2 <= count {
            next *= 2;
        }
        return next;
    }
    // Up while we came from the right, then once more.
    node >> (node.trailing_ones() + 1)
}

/// The node before in sorted order; 0 before the first.
fn before(node: usize, count: usize) -> usize {
    if node * 2 <= count {
        let mut next = node * 2;
        while next * 2 < count {
            next = next * 2 + 1;
        }
        return next;
    }
    node >> (node.trailing_zeros() + 1)
}

impl Eytzinger {
    #[inline(always)]
    fn key(&self, node: usize) -> u64 {
        self.keys[node / AHEAD].0[node % AHEAD]
    }
}

impl Contender for Eytzinger {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let Some(key) = self.cells.key(q) else { return };
        let mut node = 1;
        while node <= self.count {
            // The descendants three levels down are one line: nodes 8n to 8n + 7.
            prefetch(&self.keys, node);
            node = node * 2 + usize::from(self.key(node) <= key);
        }
        // The last turn to the right was taken at the last begin that is not after the question.
        node >>= node.trailing_zeros() + 1;
        while node != 0 {
            let tail = self.tails[node];
            if tail.holds(key - self.key(node)) {
                hits.push(tail.id);
            }
            if !tail.earlier() {
                break;
            }
            node = before(node, self.count);
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.cells.key(q).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_come_in_order_both_ways() {
        for count in 1..200 {
            let (mut node, mut walk) = (first(count), Vec::new());
            while node != 0 {
                walk.push(node);
                node = after(node, count);
            }
            assert_eq!(walk.len(), count);
            for pair in walk.windows(2) {
                assert_eq!(before(pair[1], count), pair[0]);
            }
            assert_eq!(before(walk[0], count), 0);
        }
    }
}
