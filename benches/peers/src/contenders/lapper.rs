//! rust-lapper: a sorted array that is searched from the longest length back, with a cursor for sorted questions.

use portledger::index::Lean;
use rust_lapper::{Interval, Lapper};

use crate::cells::Cells;
use crate::contender::{Contender, Question, Setup};
use crate::groups::{Groups, SMALL};

struct RustLapper(Groups<Lapper<u32, u32>>);

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    make(records, setup.group_shift)
}

pub fn build_small(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    make(records, Some(SMALL))
}

fn make(records: &[Lean], shift: Option<u32>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let tree = |own: &[(u32, u32, u32)]| {
        let interval =
            |&(start, len, val): &(u32, u32, u32)| Interval { start, stop: start + len, val };
        Lapper::new(own.iter().map(interval).collect())
    };
    let limit = (1 << 32) - 2;
    Box::new(RustLapper(Groups::build(cells, &entries, limit, shift, tree)))
}

impl Contender for RustLapper {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((_, lapper, key)) = self.0.place(q) {
            hits.extend(lapper.find(key, key + 1).map(|i| i.val));
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.0.cells().key(q).unwrap_or(u64::MAX))
    }

    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        let (mut current, mut cursor) = (u64::MAX, 0);
        for &position in order {
            let Some((group, lapper, key)) = self.0.place(&questions[position as usize]) else {
                continue;
            };
            if group != current {
                (current, cursor) = (group, 0);
            }
            let found = lapper.seek(key, key + 1, &mut cursor);
            hits.extend(found.map(|i| (position, i.val)));
        }
    }

    fn note(&self) -> String {
        self.0.note()
    }
}
