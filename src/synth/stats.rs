//! What a table really is: counted from its records, so that no benchmark label is taken on trust.

use super::config::{TableConfig, TableKind};
use super::layout::{is_aligned, layout};
use super::rng::{exp, to_f64};
use crate::allocation::Allocation;
use crate::protocol::Protocol;

/// Ports from 1024 up, which questions are drawn from.
const PORTS: f64 = 64_512.0;

/// Figures of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableStats {
    /// Records.
    pub entries: u64,
    /// Pairs of address and port that at least one record holds.
    pub distinct_ports: u64,
    /// Records a pair of address and port that is used at all.
    pub reuse: f64,
    /// Records that hold one key (address, port, protocol) at the begin of a record, itself included, on average.
    pub mean_depth: f64,
    /// The most of them.
    pub max_depth: u32,
    /// The share of records that begin while another holds the same key.
    pub overlap_share: f64,
    /// The share of records that begin at the very instant at which an earlier one of the same key began.
    pub same_start_share: f64,
    /// The share of the records begun in the second half of the table whose host had another address in the first.
    pub moved_share: f64,
    /// The share of records whose ports are no power of two or do not begin at a multiple of their number.
    pub unaligned_share: f64,
    /// The share of questions that hit, if address, port from 1024 up and instant are uniform over the table and
    /// the protocol is TCP in 7 of 10: the measure of what is held, not a sample.
    pub hit_rate_of_uniform_questions: f64,
}

impl TableStats {
    /// Says whether the table is what its configuration promises: the records are there, ports have several
    /// holders in turn, overlaps, equal begins, moved hosts and unaligned blocks are as many as stated, and uniform
    /// questions hit within a factor of 1.6 of what the lengths promise.
    ///
    /// # Errors
    ///
    /// The figure that is off, and what it should be.
    pub fn check(&self, config: &TableConfig) -> Result<(), String> {
        let fail = |what: &str, is: f64, least: f64, most: f64| {
            if (least..=most).contains(&is) {
                return Ok(());
            }
            Err(format!(
                "{what} is {is:.6}, outside {least:.6} to {most:.6}: the table is not what it says"
            ))
        };
        let (entries, wanted) = (to_f64(self.entries), to_f64(config.records));
        // Overlaps are counted, not dealt: allow five standard deviations.
        let noise = 5.0 * (config.overlap_share.clamp(0.0, 0.5) / wanted.max(1.0)).sqrt();
        fail("the number of records", entries, 0.95 * wanted, (1.05 + noise) * wanted)?;
        let addresses = f64::from(config.address_count());
        // Were every port dealt at random, this many records would meet on a used one; busy ports only add to it.
        let load = self.ports_held() / (addresses * PORTS);
        fail("the reuse of ports", self.reuse, 0.95 * load / (1.0 - exp(-load)), 1e9)?;
        let share = config.overlap_share;
        fail(
            "the share of overlaps",
            self.overlap_share,
            0.7 * share - noise,
            1.2 * share + noise,
        )?;
        fail("the mean depth", self.mean_depth, 1.0, 1.0 + 1.5 * share + 2.0 * noise)?;
        let deep = if share * wanted > 30.0 { 2.0 } else { 1.0 };
        fail("the greatest depth", f64::from(self.max_depth), deep, 2.0 + 0.01 * wanted)?;
        let band = |share: f64, count: f64| {
            let noise =
                5.0 * (share.clamp(0.0, 1.0) / count.max(1.0)).sqrt() + 5.0 / count.max(1.0);
            (0.8 * share - noise, 1.2 * share + noise)
        };
        let share = share.clamp(0.0, 0.5);
        // An overlap that is drawn to begin later may still begin on the same tick; lengths below a second are few.
        let by_tick = 0.2 * to_f64(config.tick().unsigned_abs()) / 1e6;
        let together = share * config.same_start_share.clamp(0.0, 1.0);
        let (least, most) = (band(together, wanted).0, band(together + share * by_tick, wanted).1);
        fail("the share of equal begins", self.same_start_share, least, most)?;
        let movers = f64::from(config.movers_per_address()) / f64::from(config.hosts_per_address());
        let moved = if config.address_count() > 1 { movers } else { 0.0 };
        let (least, most) = band(moved, wanted / 2.0);
        fail("the share of moved hosts", self.moved_share, least, most)?;
        let (least, most) = band(unaligned(config), wanted);
        fail("the share of unaligned records", self.unaligned_share, least, most)?;
        let (least, most) = hit_band(config, self);
        fail("the hit rate of uniform questions", self.hit_rate_of_uniform_questions, least, most)
    }

    /// Ports summed over the records.
    fn ports_held(&self) -> f64 {
        self.reuse * to_f64(self.distinct_ports)
    }
}

/// The share of records off the grid that the layout of the addresses promises.
fn unaligned(config: &TableConfig) -> f64 {
    if config.kind == TableKind::Sessions {
        return 0.0;
    }
    let (mut odd, mut all) = (0.0, 0.0);
    for index in 0..config.address_count() {
        for slot in layout(config, index) {
            all += slot.weight();
            odd += if is_aligned(slot.ports) { 0.0 } else { slot.weight() };
        }
    }
    // The second holder of a block has its upper part.
    let overlaps = config.overlap_share.clamp(0.0, 0.5);
    (odd / f64::max(all, 1.0) + overlaps) / (1.0 + overlaps)
}

/// The hit rate that the lengths promise: mean length times records over ports times time. A protocol's share of
/// the records meets its share of the questions.
fn hit_band(config: &TableConfig, stats: &TableStats) -> (f64, f64) {
    let hours = f64::from(config.hours.clamp(1, 8_784));
    let addresses = f64::from(config.address_count());
    let mean_second = match config.kind {
        // The means of the clamped lognormals; a block is also cut to the length of its window.
        TableKind::Sessions => 0.58 * 148.0,
        TableKind::Blocks => {
            6_500.0_f64.min(hours * 1_800.0) * stats.ports_held() / to_f64(stats.entries.max(1))
        }
    };
    let expected = to_f64(stats.entries) * mean_second / (addresses * PORTS * hours * 3600.0);
    (expected / 1.6, (expected * 1.6).min(1.0))
}

/// Ports are looked after in buckets of 64.
const BUCKET: u16 = 64;

/// Counts the records of one address after another.
pub(super) struct Measure {
    config: TableConfig,
    start: i64,
    span: i64,
    addresses: u32,
    /// For each port, until when TCP and UDP are held by what was seen so far.
    covered: Vec<[i64; 2]>,
    /// For each bucket of ports, the records (position) that may still hold one of them.
    active: Vec<Vec<usize>>,
    entries: u64,
    ports_held: u64,
    distinct_ports: u64,
    depths: u64,
    max_depth: u32,
    overlaps: u64,
    same_starts: u64,
    /// Records begun in the second half, and how many of them name a host whose home is another address.
    late: u64,
    moved: u64,
    unaligned: u64,
    /// Port-microseconds held by TCP and by UDP.
    held: [u128; 2],
}

impl Measure {
    pub(super) fn new(config: &TableConfig) -> Measure {
        Measure {
            config: config.clone(),
            start: config.start.as_microsecond(),
            span: config.span(),
            addresses: config.address_count(),
            covered: vec![[i64::MIN; 2]; 65_536],
            active: vec![Vec::new(); 1_024],
            entries: 0,
            ports_held: 0,
            distinct_ports: 0,
            depths: 0,
            max_depth: 0,
            overlaps: 0,
            same_starts: 0,
            late: 0,
            moved: 0,
            unaligned: 0,
            held: [0; 2],
        }
    }

    /// Counts the records of an address, which are ordered by begin.
    ///
    /// # Complexity
    ///
    /// Linear in the ports of the records, as long as few overlap.
    pub(super) fn address(&mut self, records: &[Allocation]) {
        for (position, record) in records.iter().enumerate() {
            let depth = 1 + self.holders(records, position, record);
            self.entries += 1;
            self.unaligned += u64::from(!is_aligned(record.ports));
            if record.outer.start().as_microsecond() >= self.config.middle() {
                let home = self.config.address(record.inside.0 / self.config.hosts_per_address());
                self.late += 1;
                self.moved += u64::from(home != record.addr);
            }
            self.depths += u64::from(depth);
            self.max_depth = self.max_depth.max(depth);
            self.overlaps += u64::from(depth > 1);
            self.cover(record);
        }
        for record in records {
            let (first, last) =
                (usize::from(record.ports.first()), usize::from(record.ports.last()));
            if let Some(covered) = self.covered.get_mut(first..=last) {
                covered.fill([i64::MIN; 2]);
            }
            for bucket in buckets(record) {
                if let Some(active) = self.active.get_mut(bucket) {
                    active.clear();
                }
            }
        }
    }

    /// How many earlier records hold one of the record's ports at its begin: the most of any bucket.
    fn holders(&mut self, records: &[Allocation], position: usize, record: &Allocation) -> u32 {
        let start = record.outer.start();
        let (mut most, mut together) = (0, false);
        for bucket in buckets(record) {
            let Some(active) = self.active.get_mut(bucket) else { continue };
            active.retain(|&other| records.get(other).is_some_and(|o| o.outer.end() > start));
            let same_key = |o: &&Allocation| {
                let protocols = o.protocol.is_none() || record.protocol.is_none();
                o.ports.overlaps(record.ports) && (protocols || o.protocol == record.protocol)
            };
            let held = active.iter().filter_map(|&other| records.get(other)).filter(same_key);
            let held = held.inspect(|o| together |= o.outer.start() == start);
            most = most.max(u32::try_from(held.count()).unwrap_or(u32::MAX - 1));
            active.push(position);
        }
        self.same_starts += u64::from(together);
        most
    }

    /// Adds the time of the record that no earlier one has covered.
    fn cover(&mut self, record: &Allocation) {
        let (first, last) = (usize::from(record.ports.first()), usize::from(record.ports.last()));
        let from = record.outer.start().as_microsecond().max(self.start);
        let until = record.outer.end().as_microsecond().min(self.start + self.span);
        self.ports_held += u64::from(record.ports.len());
        for covered in self.covered.get_mut(first..=last).into_iter().flatten() {
            self.distinct_ports += u64::from(*covered == [i64::MIN; 2]);
            for ((covered, held), protocol) in
                covered.iter_mut().zip(&mut self.held).zip([Protocol::TCP, Protocol::UDP])
            {
                if record.protocol.is_none_or(|p| p == protocol) {
                    let new = until.saturating_sub(from.max(*covered));
                    *held += u128::from(u64::try_from(new).unwrap_or(0));
                    *covered = until.max(*covered);
                }
            }
        }
    }

    pub(super) fn finish(self) -> TableStats {
        let entries = to_f64(self.entries.max(1));
        let whole =
            f64::from(self.addresses) * PORTS * to_f64(u64::try_from(self.span).unwrap_or(1));
        // Halves of 128 bits: no count of port-microseconds passes 2^96.
        let rate = |held: u128| {
            to_f64(u64::try_from(held >> 32).unwrap_or(u64::MAX)) * 4_294_967_296.0 / whole
        };
        let [tcp, udp] = self.held;
        TableStats {
            entries: self.entries,
            distinct_ports: self.distinct_ports,
            reuse: to_f64(self.ports_held) / to_f64(self.distinct_ports.max(1)),
            mean_depth: to_f64(self.depths) / entries,
            max_depth: self.max_depth,
            overlap_share: to_f64(self.overlaps) / entries,
            same_start_share: to_f64(self.same_starts) / entries,
            moved_share: to_f64(self.moved) / to_f64(self.late.max(1)),
            unaligned_share: to_f64(self.unaligned) / entries,
            hit_rate_of_uniform_questions: 0.7 * rate(tcp) + 0.3 * rate(udp),
        }
    }
}

/// The buckets that a record's ports touch.
fn buckets(record: &Allocation) -> std::ops::RangeInclusive<usize> {
    usize::from(record.ports.first() / BUCKET)..=usize::from(record.ports.last() / BUCKET)
}
