//! The standard library's B-tree, asked for the last begin: what a first version does. It forgets overlaps.

use std::collections::BTreeMap;

use portledger::index::Lean;

use crate::cells::Cells;
use crate::contender::{Contender, Question, Setup};

struct Map {
    cells: Cells,
    map: BTreeMap<u64, (u32, u32)>,
}

pub fn build(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let map = cells.entries(records).iter().map(|e| (e.key, (e.len, e.id))).collect();
    Box::new(Map { cells, map })
}

impl Contender for Map {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let Some(key) = self.cells.key(q) else { return };
        if let Some((&start, &(len, id))) = self.map.range(..=key).next_back()
            && key - start < u64::from(len)
        {
            hits.push(id);
        }
    }
}
