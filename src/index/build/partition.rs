//! Records by address, without a full sort.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::index::lean::Lean;

/// Records grouped by address.
pub(super) struct Grouped {
    /// Ascending.
    pub(super) addresses: Vec<u32>,
    /// Where the records of each address begin, and where the last ones end.
    pub(super) bounds: Vec<usize>,
    pub(super) records: Vec<Lean>,
}

/// Spreads 32-bit keys; the addresses come from records that are ours to index.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.0 = (self.0 ^ u64::from(n)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
}

/// Groups records by address; within one they keep their order.
///
/// # Complexity
///
/// `O(n + a log a)` for `a` addresses; a second copy of the records while it runs.
pub(super) fn group(records: Vec<Lean>) -> Grouped {
    let mut numbers: HashMap<u32, usize, BuildHasherDefault<Spread>> = HashMap::default();
    let mut counts: Vec<(u32, usize)> = Vec::new();
    let mut last = (0, usize::MAX);
    let mut sorted = true;
    for record in &records {
        if record.addr != last.0 || last.1 == usize::MAX {
            sorted &= last.1 == usize::MAX || last.0 < record.addr;
            let number = *numbers.entry(record.addr).or_insert(counts.len());
            if number == counts.len() {
                counts.push((record.addr, 0));
            }
            last = (record.addr, number);
        }
        if let Some((_, count)) = counts.get_mut(last.1) {
            *count += 1;
        }
    }
    counts.sort_unstable();
    let addresses: Vec<u32> = counts.iter().map(|(addr, _)| *addr).collect();
    let mut bounds = Vec::with_capacity(counts.len() + 1);
    let mut sum = 0;
    for (_, count) in &counts {
        bounds.push(sum);
        sum += count;
    }
    bounds.push(sum);
    if sorted {
        return Grouped { addresses, bounds, records };
    }
    for (addr, number) in &mut numbers {
        *number = addresses.partition_point(|a| a < addr);
    }
    let mut next = bounds.clone();
    let mut grouped = vec![Lean::default(); records.len()];
    let mut last = (0, usize::MAX);
    for record in &records {
        if record.addr != last.0 || last.1 == usize::MAX {
            last = (record.addr, numbers.get(&record.addr).copied().unwrap_or(0));
        }
        if let Some(at) = next.get_mut(last.1) {
            if let Some(to) = grouped.get_mut(*at) {
                *to = *record;
            }
            *at += 1;
        }
    }
    Grouped { addresses, bounds, records: grouped }
}
