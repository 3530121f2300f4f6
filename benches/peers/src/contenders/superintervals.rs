//! superintervals: sorted begins with branch links, 32-bit keys.

use portledger::synth::Lean;
use superintervals::IntervalMap;

use crate::cells::{Cells, Groups};
use crate::contender::{Contender, Question, Setup};

struct Superintervals {
    groups: Groups,
    maps: Vec<IntervalMap<u32>>,
}

/// All 32 bits are used: the lowest key is `i32::MIN`.
fn signed(key: u32) -> i32 {
    (key ^ 0x8000_0000).cast_signed()
}

pub fn build(records: &[Lean], setup: &Setup<'_>) -> Box<dyn Contender> {
    let groups = Groups::new(Cells::new(records), 1 << 32, setup.group_shift);
    let entries = groups.cells.entries(records);
    let mut maps = vec![IntervalMap::new(); groups.count()];
    groups.split(&entries, |group, own| {
        let map = &mut maps[group];
        map.reserve(own.len());
        for &(start, len, id) in own {
            // Its ends are inclusive.
            map.add(signed(start), signed(start + len - 1), id);
        }
        map.build();
    });
    Box::new(Superintervals { groups, maps })
}

impl Contender for Superintervals {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        if let Some((group, key)) = self.groups.place(q) {
            self.maps[group].search_values(signed(key), signed(key), hits);
        }
    }

    // It has no interface for sorted questions; order helps it by what stays in the caches.
    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.groups.cells.key(q).unwrap_or(u64::MAX))
    }

    fn note(&self) -> String {
        format!("{} cells a map", self.groups.cells_per_group())
    }
}
