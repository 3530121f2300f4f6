//! Tables too large for whole allocations: what an index has to look at, and no more.

use super::config::TableConfig;
use super::stats::TableStats;
use super::table::AllocationTable;
use crate::allocation::Allocation;
use crate::protocol::Protocol;

/// The part of an [`Allocation`] that a lookup is answered from, in 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lean {
    /// The public address, as [`std::net::Ipv4Addr::to_bits`] has it.
    pub addr: u32,
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
    /// The protocol's number; 0 where the ports are held for all protocols at once.
    pub protocol: u8,
    /// The inside host: the position in [`AllocationTable::hosts`].
    pub inside: u32,
    /// The begin, microseconds since 1970-01-01T00:00:00Z.
    pub start_microsecond: i64,
    /// The end, the first microsecond that is not held any more.
    pub end_microsecond: i64,
}

impl From<&Allocation> for Lean {
    fn from(a: &Allocation) -> Lean {
        Lean {
            addr: a.addr.to_bits(),
            first: a.ports.first(),
            last: a.ports.last(),
            protocol: a.protocol.map_or(0, Protocol::number),
            inside: a.inside.0,
            start_microsecond: a.outer.start().as_microsecond(),
            end_microsecond: a.outer.end().as_microsecond(),
        }
    }
}

impl Lean {
    /// By release stamp, as a log would complete them; the rest makes the order total.
    fn order(&self) -> (i64, i64, u32, u16, u16, u8, u32) {
        (
            self.end_microsecond,
            self.start_microsecond,
            self.addr,
            self.first,
            self.last,
            self.protocol,
            self.inside,
        )
    }
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
    /// Sorts the records once; 33 bytes a record, and the whole allocations of the largest address.
    ///
    /// ```
    /// use portledger::synth::{AllocationTable, Lean, LeanTable, TableConfig};
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
        records.sort_unstable_by_key(Lean::order);
        LeanTable { records, stats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lean_tables_are_the_whole_ones_in_32_bytes() {
        assert_eq!(size_of::<Lean>(), 32);
        for config in [TableConfig::sessions(20_000), TableConfig::blocks(4_000)] {
            let config = TableConfig { same_start_share: 1.0, overlap_share: 0.2, ..config };
            let (lean, whole) = (LeanTable::generate(&config), AllocationTable::generate(&config));
            assert!(lean.records.iter().copied().eq(whole.allocations.iter().map(Lean::from)));
            assert_eq!(lean.stats, whole.stats);
        }
    }
}
