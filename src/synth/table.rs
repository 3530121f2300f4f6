//! Tables of allocations of any size, for benchmarks and for tests of the index.

use std::net::Ipv4Addr;

use super::config::{TableConfig, TableKind};
use super::day::{Diurnal, instant};
use super::layout::{FIRST_PORT, Slot, layout};
use super::rng::{SplitMix64, floor_u64, micros, to_f64};
use super::stats::{Measure, TableStats};
use crate::allocation::{
    Allocation, Began, Destination, Ended, Grain, InsideId, Origin, Place, SourceId, Span,
};
use crate::inside::{InsideHost, Realm};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

#[cfg(test)]
mod tests;

/// Allocations, the hosts that they name, and what they measure to.
#[derive(Clone, Debug)]
pub struct AllocationTable {
    /// The records in the order in which a log would complete them: by release stamp. Exact: `outer` is `inner`.
    pub allocations: Vec<Allocation>,
    /// The inside hosts; an [`InsideId`] is the position in it.
    pub hosts: Vec<InsideHost>,
    /// What the records are, counted, not assumed.
    pub stats: TableStats,
}

impl AllocationTable {
    /// Makes the table of a configuration; the same configuration makes the same table for ever.
    ///
    /// Numbers outside their limits are moved to the nearest limit. A slot whose records do not fit into the time
    /// beside one another gets fewer: [`TableStats::check`] tells whether the table is what its label says.
    ///
    /// # Complexity
    ///
    /// Sorts the records once; about 0.7 s and 170 MB a million sessions on one core.
    ///
    /// ```
    /// use portledger::synth::{AllocationTable, TableConfig};
    /// let config = TableConfig::sessions(2_000);
    /// let table = AllocationTable::generate(&config);
    /// assert_eq!(table.stats.check(&config), Ok(()));
    /// assert_eq!(table.allocations.len() as u64, table.stats.entries);
    /// ```
    pub fn generate(config: &TableConfig) -> AllocationTable {
        let maker = Maker::new(config);
        let mut measure = Measure::new(config);
        let capacity = usize::try_from(config.records).unwrap_or(0).min(1 << 27);
        let mut allocations = Vec::with_capacity(capacity + capacity / 64);
        let mut records = Vec::new();
        for index in 0..config.address_count() {
            records.clear();
            maker.address(index, &mut records);
            measure.address(&records);
            allocations.append(&mut records);
        }
        allocations.sort_unstable_by_key(|a| (a.outer.end(), order(a)));
        number(&mut allocations);
        AllocationTable { allocations, hosts: hosts(config), stats: measure.finish() }
    }

    /// The records of one public address, by begin, for a table that is too large to hold: the table is the
    /// concatenation of them, in another order. `index` counts from 0 to the number of addresses.
    ///
    /// # Complexity
    ///
    /// Computes every address's share each time; make addresses in bulk with [`AllocationTable::for_each_address`].
    pub fn for_address(config: &TableConfig, index: u32) -> Vec<Allocation> {
        let mut records = Vec::new();
        Maker::new(config).address(index, &mut records);
        records
    }

    /// Hands the records of each public address to `take`, one address at a time, by begin; returns what all of
    /// them measure to.
    pub fn for_each_address(
        config: &TableConfig,
        mut take: impl FnMut(&[Allocation]),
    ) -> TableStats {
        let (maker, mut measure) = (Maker::new(config), Measure::new(config));
        let mut records = Vec::new();
        for index in 0..config.address_count() {
            records.clear();
            maker.address(index, &mut records);
            measure.address(&records);
            take(&records);
        }
        measure.finish()
    }
}

/// A total order of records by begin, so that no sort depends on how equal keys fall.
fn order(a: &Allocation) -> (Timestamp, Ipv4Addr, PortRange, Option<Protocol>, InsideId) {
    (a.outer.start(), a.addr, a.ports, a.protocol, a.inside)
}

/// Gives every record its place in the log that it would come from: two lines of 110 bytes.
fn number(allocations: &mut [Allocation]) {
    for (line, a) in (0_u64..).zip(allocations) {
        let place = |line: u64| {
            let span = Span { offset: line * 111, length: 110 };
            Some(Place { source: SourceId(0), span })
        };
        a.origin = Origin { create: place(line * 2), release: place(line * 2 + 1) };
    }
}

/// The inside hosts of a table: 100.64.0.0/10 (RFC 6598), in as many realms as they need.
fn hosts(config: &TableConfig) -> Vec<InsideHost> {
    let base = Ipv4Addr::new(100, 64, 0, 0).to_bits();
    let count = config.address_count() * config.hosts_per_address();
    (0..count)
        .map(|index| {
            let addr = Ipv4Addr::from_bits(base + (index & 0x003F_FFFF));
            let realm = match index >> 22 {
                0 => Realm::EMPTY,
                n => Realm::new(&format!("r{n}")),
            };
            InsideHost::V4 { addr, realm }
        })
        .collect()
}

/// Makes the records of an address.
struct Maker<'a> {
    config: &'a TableConfig,
    shares: Vec<u64>,
    day: Diurnal,
}

impl<'a> Maker<'a> {
    fn new(config: &'a TableConfig) -> Maker<'a> {
        let start = config.start.as_microsecond();
        Maker { config, shares: config.shares(), day: Diurnal::new(start, config.hours.min(8_784)) }
    }

    /// Appends the records of an address, by begin.
    fn address(&self, index: u32, records: &mut Vec<Allocation>) {
        let rng = &mut SplitMix64::stream(self.config.seed, u64::from(index));
        let slots = layout(self.config, index);
        let mut sum = 0.0;
        let cumulative: Vec<f64> = slots
            .iter()
            .map(|slot| {
                sum += slot.weight() * slot.activity;
                sum
            })
            .collect();
        let position = usize::try_from(index).unwrap_or(usize::MAX);
        let share = self.shares.get(position).copied().unwrap_or(0);
        // Which slot, port and protocol each record falls on. Given their sum, Poisson counts are this draw.
        let mut keys: Vec<(usize, PortRange, Option<Protocol>)> = (0..share)
            .filter_map(|_| {
                let wanted = rng.unit() * sum;
                let at = cumulative.partition_point(|&c| c <= wanted).min(slots.len() - 1);
                slots.get(at).map(|slot| self.key(at, slot, rng))
            })
            .collect();
        keys.sort_unstable();
        let begin = records.len();
        let mut times = Vec::new();
        for same in keys.chunk_by(|a, b| a == b) {
            let Some(&(at, ports, protocol)) = same.first() else { continue };
            let Some(slot) = slots.get(at) else { continue };
            self.tenancies(slot, same.len(), rng, &mut times);
            for &(start, end) in &times {
                let host = self.host(index, start, rng);
                let far = rng.next_u64();
                records.push(self.record(index, ports, protocol, host, (start, end), far));
                if rng.chance(self.config.overlap_share) {
                    let (time, other) = self.second(start, end, index, host, rng);
                    // A second holder of a block holds a part of it, as an allocator's fault would leave it.
                    let part = match self.config.kind {
                        TableKind::Sessions => ports,
                        TableKind::Blocks => {
                            PortRange::new(ports.first() + 7, ports.last()).unwrap_or(ports)
                        }
                    };
                    records.push(self.record(index, part, protocol, other, time, far + 1));
                }
            }
        }
        if let Some(made) = records.get_mut(begin..) {
            made.sort_unstable_by_key(order);
        }
    }

    /// One key of a slot: a port and a protocol, or the block.
    fn key(
        &self,
        at: usize,
        slot: &Slot,
        rng: &mut SplitMix64,
    ) -> (usize, PortRange, Option<Protocol>) {
        match self.config.kind {
            TableKind::Sessions => {
                let port = rng.between(i64::from(slot.ports.first()), i64::from(slot.ports.last()));
                let protocol = if rng.chance(0.7) { Protocol::TCP } else { Protocol::UDP };
                (at, PortRange::single(u16::try_from(port).unwrap_or(u16::MAX)), Some(protocol))
            }
            TableKind::Blocks => (at, slot.ports, None),
        }
    }

    /// The times of `count` tenancies of a key, ascending, apart by at least the hold-down; fewer if they do not
    /// fit.
    fn tenancies(
        &self,
        slot: &Slot,
        count: usize,
        rng: &mut SplitMix64,
        times: &mut Vec<(i64, i64)>,
    ) {
        let length = self.config.kind.length();
        let (tick, span) = (self.config.tick(), slot.until - slot.from);
        times.clear();
        let mut busy = -length.hold_down;
        for _ in 0..count {
            let seconds = rng.lognormal(length.median, length.sigma);
            let held = micros(seconds.clamp(length.least, length.most)).min(span - 2 * tick);
            let held = (held / tick * tick).max(tick);
            if busy + length.hold_down + held + tick < span {
                busy += length.hold_down + held;
                times.push((0, held));
            }
        }
        // The free time is cut at random places; the pieces between are the gaps.
        let free = to_f64(u64::try_from(span - busy - tick).unwrap_or(0));
        let mut places: Vec<f64> = times.iter().map(|_| self.day.place(rng)).collect();
        places.sort_unstable_by(f64::total_cmp);
        let mut taken = 0;
        for ((start, end), place) in times.iter_mut().zip(places) {
            let gap = i64::try_from(floor_u64(place * free)).unwrap_or(0);
            let held = *end;
            *start = (slot.from + taken + gap).div_euclid(tick) * tick;
            *end = *start + held;
            taken += held + length.hold_down;
        }
    }

    /// Who holds a key from `start` on: a host of the address, or, in the second half, one of the few that the
    /// address before it has given away.
    fn host(&self, index: u32, start: i64, rng: &mut SplitMix64) -> u32 {
        let (addresses, per) = (self.config.address_count(), self.config.hosts_per_address());
        let number = u32::try_from(rng.below(u64::from(per))).unwrap_or(0);
        let moved = number < self.config.movers_per_address() && start >= self.config.middle();
        let home = if moved { (index + 1) % addresses } else { index };
        home * per + number
    }

    /// Another host's tenancy of the same ports that begins within the first; some at the very same instant.
    fn second(
        &self,
        start: i64,
        end: i64,
        index: u32,
        host: u32,
        rng: &mut SplitMix64,
    ) -> ((i64, i64), u32) {
        let (tick, length) = (self.config.tick(), self.config.kind.length());
        let late = if rng.chance(self.config.same_start_share) {
            0
        } else {
            rng.between(0, end - start - 1)
        };
        let begin = start + late / tick * tick;
        let latest = (end + length.hold_down / 2).min(self.end());
        let seconds = rng.lognormal(length.median, length.sigma);
        let held = micros(seconds.max(length.least)) / tick * tick;
        let finish = begin.saturating_add(held).min(latest / tick * tick).max(begin + tick);
        let per = self.config.hosts_per_address();
        let shift = u32::try_from(rng.below(u64::from(per - 1))).unwrap_or(0);
        ((begin, finish), index * per + (host % per + 1 + shift) % per)
    }

    fn end(&self) -> i64 {
        self.config.start.as_microsecond() + self.config.span()
    }

    fn record(
        &self,
        index: u32,
        ports: PortRange,
        protocol: Option<Protocol>,
        host: u32,
        (start, end): (i64, i64),
        far: u64,
    ) -> Allocation {
        let (created, released) = (instant(start), instant(end));
        let held = TimeRange::new(created, released).unwrap_or(TimeRange::instant(created));
        let sessions = self.config.kind == TableKind::Sessions;
        Allocation {
            addr: self.config.address(index),
            ports,
            protocol,
            destination: sessions.then(|| destination(far)),
            inside: InsideId(host),
            inside_port: sessions.then(|| FIRST_PORT + low(far >> 32, 64_512)),
            grain: if sessions { Grain::Session } else { Grain::Block },
            outer: held,
            inner: Some(held),
            used_until: held.end(),
            created,
            released: Some(released),
            began: Began::Logged,
            ended: Ended::Logged,
            origin: Origin::default(),
        }
    }
}

/// One of 768 documentation addresses (RFC 5737) and a service port; neighbours in `far` differ.
fn destination(far: u64) -> Destination {
    const NETS: [u32; 3] = [0xC000_0200, 0xC633_6400, 0xCB00_7100];
    let net = NETS.get(usize::from(low(far >> 10, 3))).copied().unwrap_or(0xC000_0200);
    let port = match (far >> 20) % 100 {
        0..70 => 443,
        70..80 => 80,
        80..92 => 53,
        _ => FIRST_PORT + low(far >> 30, 64_512),
    };
    Destination::new(Ipv4Addr::from_bits(net + u32::from(low(far, 256))), port)
}

fn low(bits: u64, modulus: u64) -> u16 {
    u16::try_from(bits % modulus).unwrap_or(0)
}
