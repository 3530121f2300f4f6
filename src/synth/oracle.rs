//! The plain answer: which records hold a port at an instant, from a sorted array.

use std::net::Ipv4Addr;

use crate::allocation::Allocation;
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// Answers questions about a set of allocations in the plainest way that is not a scan.
///
/// It takes the `outer` range, and says every position. Not the product: an index is checked against it, and it
/// is itself checked against a scan.
///
/// # Complexity
///
/// Some 40 bytes a record, blocks more; a question costs two binary searches and a walk back over the records
/// that were alive on the port.
///
/// ```
/// use portledger::synth::{AllocationTable, Oracle, TableConfig};
/// let table = AllocationTable::generate(&TableConfig::sessions(1_000));
/// let (oracle, first) = (Oracle::new(&table.allocations), &table.allocations[0]);
/// assert!(oracle.at(first.addr, first.ports.first(), None, first.outer.start()).contains(&0));
/// ```
#[derive(Clone, Debug)]
pub struct Oracle<'a> {
    allocations: &'a [Allocation],
    /// Ports a bucket, as a shift: none where every record has one port.
    shift: u32,
    /// One entry for each bucket that a record touches, ascending by bucket, then by begin.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Address, then bucket of ports.
    bucket: u64,
    start: Timestamp,
    /// The latest end of the entries of this bucket up to this one.
    latest_end: Timestamp,
    position: u32,
}

impl<'a> Oracle<'a> {
    /// Sorts the allocations; positions beyond `u32` are left out.
    pub fn new(allocations: &'a [Allocation]) -> Oracle<'a> {
        let single = allocations.iter().all(|a| a.ports.len() == 1);
        let shift = if single { 0 } else { 6 };
        let mut entries = Vec::with_capacity(allocations.len());
        for (position, a) in (0..=u32::MAX).zip(allocations) {
            for group in a.ports.first() >> shift..=a.ports.last() >> shift {
                let bucket = bucket(a.addr, group);
                let (start, latest_end) = (a.outer.start(), a.outer.end());
                entries.push(Entry { bucket, start, latest_end, position });
            }
        }
        entries.sort_unstable_by_key(|e| (e.bucket, e.start, e.position));
        let mut before: Option<Entry> = None;
        for entry in &mut entries {
            if let Some(before) = before.filter(|b| b.bucket == entry.bucket) {
                entry.latest_end = entry.latest_end.max(before.latest_end);
            }
            before = Some(*entry);
        }
        Oracle { allocations, shift, entries }
    }

    /// The positions, ascending, of the records that hold the port at the instant; without a protocol, of all of
    /// them.
    pub fn at(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        at: Timestamp,
    ) -> Vec<u32> {
        let bucket = bucket(addr, port >> self.shift);
        let begun = self.entries.partition_point(|e| (e.bucket, e.start) <= (bucket, at));
        let mut found: Vec<u32> = self
            .entries
            .get(..begun)
            .unwrap_or_default()
            .iter()
            .rev()
            .take_while(|e| e.bucket == bucket && e.latest_end > at)
            .filter(|e| self.holds(e.position, addr, port, protocol, at))
            .map(|e| e.position)
            .collect();
        found.sort_unstable();
        found
    }

    fn holds(
        &self,
        position: u32,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        at: Timestamp,
    ) -> bool {
        let allocation = usize::try_from(position).ok().and_then(|p| self.allocations.get(p));
        allocation.is_some_and(|a| holds(a, addr, port, protocol, at))
    }
}

/// Whether the allocation could be the holder: what a scan asks of every record.
pub(super) fn holds(
    a: &Allocation,
    addr: Ipv4Addr,
    port: u16,
    protocol: Option<Protocol>,
    at: Timestamp,
) -> bool {
    let same_protocol = match (a.protocol, protocol) {
        (Some(own), Some(asked)) => own == asked,
        _ => true,
    };
    a.addr == addr && same_protocol && a.ports.contains(port) && a.outer.contains(at)
}

fn bucket(addr: Ipv4Addr, group: u16) -> u64 {
    u64::from(addr.to_bits()) << 16 | u64::from(group)
}
