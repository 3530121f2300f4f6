//! superintervals: sorted begins with branch links, 32-bit keys.

use portledger::index::Lean;
use superintervals::IntervalMap;

use crate::cells::Cells;
use crate::contender::{Contender, Question, Setup};
use crate::groups::{Groups, SMALL};

struct Superintervals(Groups<IntervalMap<u32>>);

/// All 32 bits are used: the lowest key is `i32::MIN`.
fn signed(key: u32) -> i32 {
    (key ^ 0x8000_0000).cast_signed()
}

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
        let mut map = IntervalMap::new();
        map.reserve(own.len());
        for &(start, len, id) in own {
            // Its ends are inclusive.
            map.add(signed(start), signed(start + len - 1), id);
        }
        map.build();
        map
    };
    Box::new(Superintervals(Groups::build(cells, &entries, 1 << 32, shift, tree)))
}

impl Contender for Superintervals {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((_, map, key)) = self.0.place(q) {
            map.search_values(signed(key), signed(key), hits);
        }
    }

    // It has no interface for sorted questions; order helps it by what stays in the caches.
    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.0.cells().key(q).unwrap_or(u64::MAX))
    }

    fn note(&self) -> String {
        self.0.note()
    }
}
