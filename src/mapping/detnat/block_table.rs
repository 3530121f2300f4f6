//! Blocks that are listed one by one, for vendors whose arithmetic is not public.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::error::DetNatError;
use super::{Algorithm, DetReverse, Deterministic, Layout, Owner};
use crate::port::{PortRange, PortSet};

/// One row of a block table: every `stride`-th port of a range on an outside address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// The outside address.
    pub address: Ipv4Addr,
    /// From the first port to the last.
    pub ports: PortRange,
    /// 1 for every port, 16 for every 16th from the first.
    pub stride: u16,
    /// Whose they are.
    pub holder: BlockHolder,
}

/// Whose ports a [`Block`] lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockHolder {
    /// An inside host.
    Inside(Ipv4Addr),
    /// Nobody: reserved.
    Excluded,
    /// Whoever the log of blocks names.
    Dynamic,
}

/// A row with an inside host, as it is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    address: u32,
    first: u16,
    last: u16,
    stride: u16,
    inside: u32,
    /// The highest last port of this row and those before it on the address.
    max_last: u16,
}

impl Row {
    fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port) && (port - self.first).is_multiple_of(self.stride)
    }

    /// Whether the row holds a port of the range.
    fn meets(self, range: PortRange) -> bool {
        let stride = u32::from(self.stride);
        let from = u32::from(range.first().max(self.first)) - u32::from(self.first);
        let next = u32::from(self.first) + from.div_ceil(stride) * stride;
        next <= u32::from(range.last().min(self.last))
    }
}

/// Ports of one outside address that no inside host may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Withheld {
    excluded: PortSet,
    dynamic: PortSet,
}

/// Listed blocks, by outside address and by inside host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockTable {
    /// By address and first port.
    by_port: Vec<Row>,
    /// By inside host, address and first port.
    by_inside: Vec<Row>,
    withheld: BTreeMap<u32, Withheld>,
    /// How many rows were there before.
    repeated: usize,
}

impl Deterministic {
    /// Listed blocks. A port that two rows give to two hosts is [`DetReverse::Ambiguous`]; one that no row lists, on an
    /// address that the table has, is [`DetReverse::LeftoverPort`].
    ///
    /// ```
    /// use portledger::mapping::detnat::{Block, BlockHolder, Deterministic};
    /// let block = Block {
    ///     address: "192.0.2.1".parse().unwrap(),
    ///     ports: "1024-2047".parse().unwrap(),
    ///     stride: 1,
    ///     holder: BlockHolder::Inside("100.64.0.1".parse().unwrap()),
    /// };
    /// let nat = Deterministic::block_table(&[block])?;
    /// assert_eq!(nat.reverse(block.address, 2047).inside(), Some("100.64.0.1".parse().unwrap()));
    /// assert_eq!(nat.reverse(block.address, 2048).kind(), "leftover-port");
    /// # Ok::<(), portledger::mapping::detnat::DetNatError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DetNatError::Block`]: a stride of 0, a stride on excluded or dynamic ports, ports that one row excludes or
    /// leaves to the dynamic pool and another gives to a host.
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of rows, and 24 bytes twice for each.
    pub fn block_table(blocks: &[Block]) -> Result<Deterministic, DetNatError> {
        let table = BlockTable::new(blocks)?;
        Ok(Deterministic::new(Algorithm::BlockTable, Layout::Table(table)))
    }
}

impl BlockTable {
    fn new(blocks: &[Block]) -> Result<BlockTable, DetNatError> {
        let mut by_port = Vec::new();
        let mut ranges: BTreeMap<u32, [Vec<PortRange>; 2]> = BTreeMap::new();
        for block in blocks {
            let refuse = |why| {
                Err(DetNatError::Block {
                    address: block.address,
                    ports: block.ports.to_string(),
                    why,
                })
            };
            if block.stride == 0 {
                return refuse("a stride of 0 names no ports: write 1 for every port");
            }
            let address = u32::from(block.address);
            if let BlockHolder::Inside(inside) = block.holder {
                by_port.push(Row {
                    address,
                    first: block.ports.first(),
                    last: block.ports.last(),
                    stride: block.stride,
                    inside: inside.into(),
                    max_last: 0,
                });
                continue;
            }
            if block.stride != 1 {
                return refuse("excluded and dynamic ports take no stride: list the ranges");
            }
            let [excluded, dynamic] = ranges.entry(address).or_default();
            let list = if block.holder == BlockHolder::Excluded { excluded } else { dynamic };
            list.push(block.ports);
        }
        let withheld: BTreeMap<u32, Withheld> = ranges
            .into_iter()
            .map(|(address, [excluded, dynamic])| {
                let sets = (excluded.into_iter().collect(), dynamic.into_iter().collect());
                (address, Withheld { excluded: sets.0, dynamic: sets.1 })
            })
            .collect();
        for row in &by_port {
            let Some(withheld) = withheld.get(&row.address) else { continue };
            for (set, why) in [
                (
                    &withheld.excluded,
                    "another row excludes some of these ports: remove one of the two",
                ),
                (
                    &withheld.dynamic,
                    "another row leaves some of these ports to the dynamic pool: remove one of the two",
                ),
            ] {
                let after = set.ranges().partition_point(|r| r.last() < row.first);
                let near = set.ranges().iter().skip(after).take_while(|r| r.first() <= row.last);
                if near.into_iter().any(|range| row.meets(*range)) {
                    let ports = format!("{}-{}", row.first, row.last);
                    return Err(DetNatError::Block { address: row.address.into(), ports, why });
                }
            }
        }
        by_port.sort_unstable();
        let given = by_port.len();
        by_port.dedup();
        let repeated = given - by_port.len();
        let mut highest = (None, 0);
        for row in &mut by_port {
            highest = match highest {
                (Some(address), last) if address == row.address => {
                    (Some(address), row.last.max(last))
                }
                _ => (Some(row.address), row.last),
            };
            row.max_last = highest.1;
        }
        let mut by_inside = by_port.clone();
        by_inside.sort_unstable_by_key(|row| (row.inside, row.address, row.first));
        Ok(BlockTable { by_port, by_inside, withheld, repeated })
    }

    /// The rows of an outside address.
    fn rows(&self, address: u32) -> &[Row] {
        let first = self.by_port.partition_point(|row| row.address < address);
        let end = self.by_port.partition_point(|row| row.address <= address);
        self.by_port.get(first..end).unwrap_or_default()
    }

    /// The rows of an inside host, on one address or on all.
    fn rows_of(&self, inside: u32, address: Option<u32>) -> &[Row] {
        let (low, high) = address.map_or((0, u32::MAX), |a| (a, a));
        let first = self.by_inside.partition_point(|r| (r.inside, r.address) < (inside, low));
        let end = self.by_inside.partition_point(|r| (r.inside, r.address) <= (inside, high));
        self.by_inside.get(first..end).unwrap_or_default()
    }

    pub(super) const fn repeated(&self) -> usize {
        self.repeated
    }

    /// The outside addresses, some of them several times.
    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_port.iter().map(|row| row.address).chain(self.withheld.keys().copied())
    }

    /// The ports of an address that are handed out on demand.
    pub(super) fn dynamic_ports(&self, addr: Ipv4Addr) -> PortSet {
        self.withheld.get(&u32::from(addr)).map(|w| w.dynamic.clone()).unwrap_or_default()
    }

    pub(super) fn has_dynamic_ports(&self) -> bool {
        self.withheld.values().any(|withheld| !withheld.dynamic.is_empty())
    }

    pub(super) fn covers(&self, addr: Ipv4Addr) -> bool {
        let address = u32::from(addr);
        !self.rows(address).is_empty() || self.withheld.contains_key(&address)
    }

    pub(super) fn reverse(&self, addr: Ipv4Addr, port: u16) -> DetReverse {
        let address = u32::from(addr);
        if let Some(withheld) = self.withheld.get(&address) {
            if withheld.dynamic.contains(port) {
                return DetReverse::DynamicPool;
            }
            if withheld.excluded.contains(port) {
                return DetReverse::ExcludedPort;
            }
        } else if self.rows(address).is_empty() {
            return DetReverse::OutsidePool;
        }
        let rows = self.rows(address);
        let after = rows.partition_point(|row| row.first <= port);
        // From the last that starts at or before the port, back until none before can reach it.
        let near = rows.get(..after).unwrap_or_default().iter().rev();
        let mut hosts: Vec<u32> = near
            .take_while(|row| row.max_last >= port)
            .filter(|row| row.contains(port))
            .map(|row| row.inside)
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        DetReverse::of(hosts.into_iter().map(|inside| self.owner(inside, address)).collect())
    }

    fn owner(&self, inside: u32, address: u32) -> Owner {
        Owner { inside: inside.into(), ports: ports(self.rows_of(inside, Some(address))) }
    }

    pub(super) fn forward(&self, inside: Ipv4Addr) -> Vec<(Ipv4Addr, PortSet)> {
        let rows = self.rows_of(inside.into(), None);
        rows.chunk_by(|a, b| a.address == b.address)
            .filter_map(|rows| Some((Ipv4Addr::from(rows.first()?.address), ports(rows))))
            .collect()
    }

    pub(super) fn owners(&self, addr: Ipv4Addr) -> impl Iterator<Item = Owner> + '_ {
        let address = u32::from(addr);
        let mut hosts: Vec<u32> = self.rows(address).iter().map(|row| row.inside).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.into_iter().map(move |inside| self.owner(inside, address))
    }

    pub(super) fn describe(&self) -> String {
        let hosts = self.by_inside.chunk_by(|a, b| a.inside == b.inside).count();
        format!("{} blocks of {hosts} inside hosts", self.by_port.len())
    }
}

/// The ports of rows of one address.
fn ports(rows: &[Row]) -> PortSet {
    if rows.iter().all(|row| row.stride == 1) {
        return rows.iter().filter_map(|row| PortRange::new(row.first, row.last).ok()).collect();
    }
    // One flag for each port: many rows of scattered ports then take no more room than one.
    let mut is_held = vec![false; 65_536];
    for row in rows {
        for port in (row.first..=row.last).step_by(usize::from(row.stride)) {
            if let Some(flag) = is_held.get_mut(usize::from(port)) {
                *flag = true;
            }
        }
    }
    let held = (0..=u16::MAX).zip(is_held).filter(|(_, is_held)| *is_held);
    held.map(|(port, _)| PortRange::single(port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(ports: &str, stride: u16, inside: Option<u8>) -> Block {
        let holder =
            inside.map_or(BlockHolder::Dynamic, |n| BlockHolder::Inside([10, 0, 0, n].into()));
        Block { address: [192, 0, 2, 1].into(), ports: ports.parse().unwrap(), stride, holder }
    }

    fn answer(nat: &Deterministic, port: u16) -> String {
        match nat.reverse([192, 0, 2, 1].into(), port) {
            DetReverse::Mapped { inside, .. } => inside.to_string(),
            DetReverse::Ambiguous { owners } => {
                owners.iter().map(|o| o.inside.to_string()).collect::<Vec<_>>().join("|")
            }
            other => other.kind().to_owned(),
        }
    }

    #[test]
    fn overlapping_rows_name_every_owner() {
        let nat = Deterministic::block_table(&[
            block("1000-9000", 1, Some(1)), // reaches far over the next ones
            block("2000-2010", 5, Some(2)),
            block("3000-3009", 1, Some(3)),
            block("3000-3009", 1, Some(3)),
            block("9500-9600", 1, None),
        ])
        .unwrap();
        for (port, wanted) in [
            (999, "leftover-port"),
            (1000, "10.0.0.1"),
            (2000, "10.0.0.1|10.0.0.2"),
            (2001, "10.0.0.1"),
            (2010, "10.0.0.1|10.0.0.2"),
            (3009, "10.0.0.1|10.0.0.3"),
            (9000, "10.0.0.1"),
            (9001, "leftover-port"),
            (9600, "dynamic-pool"),
        ] {
            assert_eq!(answer(&nat, port), wanted, "{port}");
        }
        assert_eq!(nat.forward([10, 0, 0, 2].into())[0].1.to_string(), "2000,2005,2010");
        assert_eq!(nat.owners([192, 0, 2, 1].into()).count(), 3);
        assert_eq!(nat.reverse([192, 0, 2, 2].into(), 80), DetReverse::OutsidePool);
    }

    #[test]
    fn rows_that_contradict_are_refused() {
        for rows in [
            vec![block("1-2", 0, Some(1))],
            vec![block("1-9", 2, None)],
            vec![block("100-200", 1, None), block("200-300", 1, Some(1))],
            vec![block("100-104", 1, None), block("90-300", 7, Some(1))],
        ] {
            assert!(matches!(Deterministic::block_table(&rows), Err(DetNatError::Block { .. })));
        }
        // 90, 97, 104: the stride steps over 98 to 103.
        let fine = vec![block("98-103", 1, None), block("90-300", 7, Some(1))];
        assert!(Deterministic::block_table(&fine).is_ok());
    }
}
