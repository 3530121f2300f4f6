//! rangemap: B-trees of ranges that cannot overlap, one a port in a hash map, or one over everything.

use portledger::index::Lean;
use rangemap::RangeMap;

use crate::cells::Cells;
use crate::contender::{Contender, Question, Setup};
use crate::groups::NumberMap;

struct PerPort {
    cells: Cells,
    maps: NumberMap<RangeMap<u32, u32>>,
}

pub fn build_per_port(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let mut maps: NumberMap<RangeMap<u32, u32>> = NumberMap::default();
    for same in entries.chunk_by(|a, b| cells.cell_of(a.key) == cells.cell_of(b.key)) {
        let cell = cells.cell_of(same[0].key);
        let start = |key| (key - cell * cells.span()) as u32;
        let ranges = same.iter().map(|e| (start(e.key)..start(e.key) + e.len, e.id));
        maps.insert(cell, ranges.collect());
    }
    Box::new(PerPort { cells, maps })
}

impl Contender for PerPort {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((cell, milli)) = self.cells.place(q) {
            hits.extend(self.maps.get(&cell).and_then(|map| map.get(&milli)));
        }
    }
}

struct Global {
    cells: Cells,
    map: RangeMap<u64, u32>,
}

pub fn build_global(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let ranges = cells.entries(records);
    let map = ranges.iter().map(|e| (e.key..e.key + u64::from(e.len), e.id)).collect();
    Box::new(Global { cells, map })
}

impl Contender for Global {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        hits.extend(self.cells.key(q).and_then(|key| self.map.get(&key)));
    }
}
