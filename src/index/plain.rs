//! A plain, correct index: allocations sorted by address, first port and time.

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::allocation::Allocation;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

/// An immutable index over a set of allocations.
///
/// Hits are *positions*, by which [`Index::get`] finds the allocation; they come in no order that means anything.
///
/// # Complexity
///
/// With `n` allocations, `p` of them on the ports looked at (and, where blocks share the address, on as many ports
/// below as the widest block is long): a lookup is `O(log n + p)`.
///
/// ```
/// use portledger::index::Index;
/// let index = Index::build(Vec::new());
/// let mut hits = Vec::new();
/// index.at("203.0.113.7".parse()?, 40_213, None, portledger::Timestamp::from_second(1), &mut hits);
/// assert!(hits.is_empty());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Default)]
pub struct Index {
    /// Sorted by address, first port, outer start.
    rows: Vec<Allocation>,
    /// Sorted by address.
    addresses: Vec<AddressRows>,
}

#[derive(Debug)]
struct AddressRows {
    addr: Ipv4Addr,
    rows: Range<usize>,
    /// How many ports the widest allocation on the address spans.
    widest: u32,
}

impl Index {
    /// Builds the index.
    ///
    /// # Complexity
    ///
    /// `O(n log n)` time, the allocations themselves and a few words an address in memory.
    pub fn build(mut rows: Vec<Allocation>) -> Index {
        rows.sort_by_key(|a| (a.addr, a.ports.first(), a.outer.start()));
        let mut addresses: Vec<AddressRows> = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            match addresses.last_mut() {
                Some(last) if last.addr == row.addr => {
                    last.rows.end = at + 1;
                    last.widest = last.widest.max(row.ports.len());
                }
                _ => addresses.push(AddressRows {
                    addr: row.addr,
                    rows: at..at + 1,
                    widest: row.ports.len(),
                }),
            }
        }
        Index { rows, addresses }
    }

    /// How many allocations are indexed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the index is empty.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The allocation at a position.
    pub fn get(&self, position: u32) -> Option<&Allocation> {
        self.rows.get(usize::try_from(position).ok()?)
    }

    /// Whether any allocation is on the address.
    pub fn has_address(&self, addr: Ipv4Addr) -> bool {
        self.address(addr).is_some()
    }

    /// The addresses, ascending.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.addresses.iter().map(|a| a.addr)
    }

    /// Adds the position of every allocation that could have held the port at the instant.
    pub fn at(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        at: Timestamp,
        hits: &mut Vec<u32>,
    ) {
        self.during(addr, PortRange::single(port), protocol, TimeRange::instant(at), hits);
    }

    /// Adds the position of every allocation that could have held any of the ports at any instant of the range.
    pub fn during(
        &self,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        range: TimeRange,
        hits: &mut Vec<u32>,
    ) {
        for (position, row) in self.on_ports(addr, ports, protocol) {
            if row.outer.overlaps(range) {
                hits.push(position);
            }
        }
    }

    /// The nearest allocations of the port wholly before and wholly after `range` that `is_other` accepts.
    ///
    /// The nearest other holder is what an answer's margin is measured to.
    pub fn neighbours(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        range: TimeRange,
        mut is_other: impl FnMut(&Allocation) -> bool,
    ) -> Neighbours {
        let mut found = Neighbours::default();
        for (position, row) in self.on_ports(addr, PortRange::single(port), protocol) {
            if !is_other(row) {
                continue;
            }
            if row.outer.end() <= range.start() {
                let later =
                    |best: u32| self.get(best).is_none_or(|b| b.outer.end() < row.outer.end());
                if found.before.is_none_or(later) {
                    found.before = Some(position);
                }
            } else if row.outer.start() >= range.end() {
                let sooner =
                    |best: u32| self.get(best).is_none_or(|b| b.outer.start() > row.outer.start());
                if found.after.is_none_or(sooner) {
                    found.after = Some(position);
                }
            }
        }
        found
    }

    fn address(&self, addr: Ipv4Addr) -> Option<&AddressRows> {
        let at = self.addresses.binary_search_by_key(&addr, |a| a.addr).ok()?;
        self.addresses.get(at)
    }

    fn on_ports(
        &self,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
    ) -> impl Iterator<Item = (u32, &Allocation)> {
        let group = self.address(addr);
        let (base, rows) = group
            .and_then(|a| Some((a.rows.start, self.rows.get(a.rows.clone())?)))
            .unwrap_or((0, &[]));
        // A block that starts this far below may still reach up to the port.
        let reach = group.map_or(0, |a| a.widest - 1);
        let lowest = u32::from(ports.first()).saturating_sub(reach);
        let from = rows.partition_point(|a| u32::from(a.ports.first()) < lowest);
        let until = rows.partition_point(|a| a.ports.first() <= ports.last());
        rows.get(from..until)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .filter(move |(_, a)| a.ports.overlaps(ports))
            .filter(move |(_, a)| match (a.protocol, protocol) {
                (Some(own), Some(asked)) => own == asked,
                _ => true,
            })
            .filter_map(move |(i, a)| Some((u32::try_from(base + from + i).ok()?, a)))
    }
}

/// The nearest allocations on either side of a time, by position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The one that ended last before it.
    pub before: Option<u32>,
    /// The one that began first after it.
    pub after: Option<u32>,
}
