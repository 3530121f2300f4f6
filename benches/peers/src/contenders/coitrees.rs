//! coitrees: cache-oblivious interval trees, 32-bit keys, with an interface for sorted questions.

use coitrees::{
    COITree, COITreeSortedQuerent, GenericInterval, Interval, IntervalTree, SortedQuerent,
};
use portledger::index::Lean;

use crate::cells::Cells;
use crate::contender::{Contender, Question, Setup};
use crate::groups::{Groups, SMALL};

struct Coitrees(Groups<COITree<u32, u32>>);

/// Its sorted interface takes -1 for "nothing asked yet", and its vector code steps beyond the edges: keys stay
/// clear of both.
const LEAST: u32 = 16;

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    make(records, setup.group_shift)
}

pub fn build_small(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    make(records, Some(SMALL))
}

fn make(records: &[Lean], shift: Option<u32>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let tree = |own: &[(u32, u32, u32)]| -> COITree<u32, u32> {
        let interval = |&(start, len, id): &(u32, u32, u32)| {
            let first = (start + LEAST).cast_signed();
            Interval::new(first, first + len.cast_signed() - 1, id)
        };
        let intervals: Vec<Interval<u32>> = own.iter().map(interval).collect();
        COITree::new(&intervals)
    };
    let limit = (1 << 31) - 2 * u64::from(LEAST);
    Box::new(Coitrees(Groups::build(cells, &entries, limit, shift, tree)))
}

impl Contender for Coitrees {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((_, tree, key)) = self.0.place(q) {
            let key = (key + LEAST).cast_signed();
            tree.query(key, key, |node| hits.push(*node.metadata()));
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.0.cells().key(q).unwrap_or(u64::MAX))
    }

    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        let mut current: Option<(u64, COITreeSortedQuerent<'_, u32, u32>)> = None;
        for &position in order {
            let Some((group, tree, key)) = self.0.place(&questions[position as usize]) else {
                continue;
            };
            let key = (key + LEAST).cast_signed();
            if current.as_ref().is_none_or(|(g, _)| *g != group) {
                current = Some((group, COITreeSortedQuerent::new(tree)));
            }
            if let Some((_, querent)) = &mut current {
                querent.query(key, key, |node| hits.push((position, *node.metadata())));
            }
        }
    }

    fn note(&self) -> String {
        self.0.note()
    }
}
