//! rust-lapper: a sorted array that is searched from the longest length back, with a cursor for sorted questions.

use portledger::synth::Lean;
use rust_lapper::{Interval, Lapper};

use crate::cells::{Cells, Groups};
use crate::contender::{Contender, Question, Setup};

struct RustLapper {
    groups: Groups,
    lappers: Vec<Lapper<u32, u32>>,
}

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    let groups = Groups::new(Cells::new(records), (1 << 32) - 2, setup.group_shift);
    let entries = groups.cells.entries(records);
    let mut lappers = vec![Lapper::new(Vec::new()); groups.count()];
    groups.split(&entries, |group, own| {
        let interval =
            |&(start, len, val): &(u32, u32, u32)| Interval { start, stop: start + len, val };
        lappers[group] = Lapper::new(own.iter().map(interval).collect());
    });
    Box::new(RustLapper { groups, lappers })
}

impl Contender for RustLapper {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((group, key)) = self.groups.place(q) {
            hits.extend(self.lappers[group].find(key, key + 1).map(|i| i.val));
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.groups.cells.key(q).unwrap_or(u64::MAX))
    }

    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        let (mut current, mut cursor) = (usize::MAX, 0);
        for &position in order {
            let Some((group, key)) = self.groups.place(&questions[position as usize]) else {
                continue;
            };
            if group != current {
                (current, cursor) = (group, 0);
            }
            let found = self.lappers[group].seek(key, key + 1, &mut cursor);
            hits.extend(found.map(|i| (position, i.val)));
        }
    }

    fn note(&self) -> String {
        format!("{} cells a lapper", self.groups.cells_per_group())
    }
}
