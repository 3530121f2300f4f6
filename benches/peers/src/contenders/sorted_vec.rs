//! A sorted array and a binary search; begins in an array of their own. Complete: each entry says whether an earlier
//! one is still going on.

use portledger::index::Lean;

use crate::cells::{Cells, Tail, has_earlier};
use crate::contender::{Contender, Question, Setup};

struct SortedVec {
    cells: Cells,
    keys: Vec<u64>,
    tails: Vec<Tail>,
}

pub fn build(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let earlier = has_earlier(&entries, &cells);
    let tails = entries.iter().zip(earlier).map(|(e, earlier)| Tail::new(e, earlier)).collect();
    let keys = entries.iter().map(|e| e.key).collect();
    Box::new(SortedVec { cells, keys, tails })
}

impl SortedVec {
    /// Walks back from the last entry that began.
    #[inline]
    fn back(&self, mut begun: usize, key: u64, mut hit: impl FnMut(u32)) {
        while begun > 0 {
            begun -= 1;
            let tail = self.tails[begun];
            if tail.holds(key - self.keys[begun]) {
                hit(tail.id);
            }
            if !tail.earlier() {
                break;
            }
        }
    }
}

impl Contender for SortedVec {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some(key) = self.cells.key(q) {
            self.back(self.keys.partition_point(|&k| k <= key), key, |id| hits.push(id));
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.cells.key(q).unwrap_or(u64::MAX))
    }

    // From one question to the next: steps that double, then a search between the last two.
    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        let mut from = 0;
        for &position in order {
            let Some(key) = self.cells.key(&questions[position as usize]) else { continue };
            let mut step = 1;
            while self.keys.get(from + step).is_some_and(|&k| k <= key) {
                from += step;
                step *= 2;
            }
            let until = (from + step).min(self.keys.len());
            let begun = from + self.keys[from..until].partition_point(|&k| k <= key);
            from = begun.saturating_sub(1);
            self.back(begun, key, |id| hits.push((position, id)));
        }
    }
}
