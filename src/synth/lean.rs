//! Tables too large for whole allocations: what an index has to look at, and no more.

use std::net::Ipv4Addr;

use super::config::TableConfig;
use super::stats::TableStats;
use super::table::AllocationTable;
use crate::allocation::InsideId;
use crate::index::Lean;
use crate::port::PortRange;
use crate::protocol::Protocol;

/// By release stamp, as a log would complete them; the rest makes the order total.
fn order(r: &Lean) -> (i64, i64, Ipv4Addr, PortRange, Option<Protocol>, InsideId) {
    (r.end_microsecond(), r.start_microsecond(), r.addr(), r.ports(), r.protocol(), r.inside())
}

/// The records of an [`AllocationTable`], lean.
#[derive(Clone, Debug)]
pub struct LeanTable {
    /// The same records in the same order: by release stamp, which is no order that an index could use.
    pub records: Vec<Lean>,
    /// What the records are, counted, not assumed.
    pub stats: TableStats,
}

impl LeanTable {
    /// Makes the table of a configuration, address by address: whole allocations exist for one address at a time.
    ///
    /// # Complexity
    ///
    /// Sorts the records once; 41 bytes a record, and the whole allocations of the largest address.
    ///
    /// ```
    /// use portledger::index::Lean;
    /// use portledger::synth::{AllocationTable, LeanTable, TableConfig};
    /// let config = TableConfig::blocks(2_000);
    /// let (lean, whole) = (LeanTable::generate(&config), AllocationTable::generate(&config));
    /// assert!(lean.records.iter().copied().eq(whole.allocations.iter().map(Lean::from)));
    /// assert_eq!(lean.stats, whole.stats);
    /// ```
    pub fn generate(config: &TableConfig) -> LeanTable {
        let capacity = usize::try_from(config.records).unwrap_or(0).min(1 << 28);
        let mut records = Vec::with_capacity(capacity + capacity / 64);
        let stats = AllocationTable::for_each_address(config, |of_address| {
            records.extend(of_address.iter().map(Lean::from));
        });
        records.sort_unstable_by_key(order);
        LeanTable { records, stats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lean_tables_are_the_whole_ones() {
        for config in [TableConfig::sessions(20_000), TableConfig::blocks(4_000)] {
            let config = TableConfig { same_start_share: 1.0, overlap_share: 0.2, ..config };
            let (lean, whole) = (LeanTable::generate(&config), AllocationTable::generate(&config));
            assert!(lean.records.iter().copied().eq(whole.allocations.iter().map(Lean::from)));
            assert_eq!(lean.stats, whole.stats);
        }
    }
}
