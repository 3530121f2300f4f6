//! coitrees: cache-oblivious interval trees, 32-bit keys, with an interface for sorted questions.

use coitrees::{
    COITree, COITreeSortedQuerent, GenericInterval, Interval, IntervalTree, SortedQuerent,
};
use portledger::synth::Lean;

use crate::cells::{Cells, Groups};
use crate::contender::{Contender, Question, Setup};

struct Coitrees {
    groups: Groups,
    trees: Vec<COITree<u32, u32>>,
}

/// Its sorted interface takes -1 for "nothing asked yet", and its vector code steps beyond the edges: keys stay
/// clear of both.
const LEAST: u32 = 16;

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    let groups = Groups::new(Cells::new(records), (1 << 31) - 32, setup.group_shift);
    let entries = groups.cells.entries(records);
    let none: [Interval<u32>; 0] = [];
    let mut trees: Vec<COITree<u32, u32>> = Vec::with_capacity(groups.count());
    groups.split(&entries, |group, own| {
        trees.resize_with(group, || COITree::new(&none));
        let intervals: Vec<Interval<u32>> = own
            .iter()
            .map(|&(start, len, id)| {
                let first = (start + LEAST).cast_signed();
                Interval::new(first, first + len.cast_signed() - 1, id)
            })
            .collect();
        trees.push(COITree::new(&intervals));
    });
    trees.resize_with(groups.count(), || COITree::new(&none));
    Box::new(Coitrees { groups, trees })
}

impl Contender for Coitrees {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((group, key)) = self.groups.place(q) {
            let key = (key + LEAST).cast_signed();
            self.trees[group].query(key, key, |node| hits.push(*node.metadata()));
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.groups.cells.key(q).unwrap_or(u64::MAX))
    }

    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        let mut current: Option<(usize, COITreeSortedQuerent<'_, u32, u32>)> = None;
        for &position in order {
            let Some((group, key)) = self.groups.place(&questions[position as usize]) else {
                continue;
            };
            let key = (key + LEAST).cast_signed();
            if current.as_ref().is_none_or(|(g, _)| *g != group) {
                current = Some((group, COITreeSortedQuerent::new(&self.trees[group])));
            }
            if let Some((_, querent)) = &mut current {
                querent.query(key, key, |node| hits.push((position, *node.metadata())));
            }
        }
    }

    fn note(&self) -> String {
        format!("{} cells a tree", self.groups.cells_per_group())
    }
}
