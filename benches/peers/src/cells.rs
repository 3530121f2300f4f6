//! What turns a question into one key of 64 bits: the ground that the peers stand on.
//!
//! A peer indexes intervals on a line. So each address is cut into *cells* that no record divides: a port and
//! protocol where every record has one port, else the stretches of ports between any two block edges of the address.
//! A record lies in one cell or in several neighbours; a question in exactly one. `cell * span + milliseconds` is a
//! place on one line, and no peer has to look at ports or protocols again: the most favourable key there is.

use portledger::index::Lean;

use crate::contender::{Question, protocol_number};

/// Numbers addresses by two loads.
struct Addresses {
    /// For each upper half of an address, one more than the page of its lower halves; 0 if it has none.
    page: Vec<u16>,
    number: Vec<u32>,
    sorted: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Addresses {
    fn new(records: &[Lean]) -> Addresses {
        let mut sorted = Vec::new();
        // A bit for every IPv4 address; the system gives memory only to the few pages that are touched.
        let mut seen = vec![0_u64; 1 << 26];
        for r in records {
            let (word, bit) =
                ((r.addr().to_bits() >> 6) as usize, 1_u64 << (r.addr().to_bits() & 63));
            if seen[word] & bit == 0 {
                seen[word] |= bit;
                sorted.push(r.addr().to_bits());
            }
        }
        drop(seen);
        sorted.sort_unstable();
        let mut page = vec![0; 1 << 16];
        let mut number = Vec::new();
        for (index, &addr) in (0..).zip(&sorted) {
            let high = &mut page[(addr >> 16) as usize];
            if *high == 0 {
                number.resize(number.len() + (1 << 16), NONE);
                *high = (number.len() >> 16) as u16;
            }
            number[usize::from(*high - 1) << 16 | (addr & 0xFFFF) as usize] = index;
        }
        Addresses { page, number, sorted }
    }

    #[inline]
    fn index(&self, addr: u32) -> Option<usize> {
        let page = usize::from(self.page[(addr >> 16) as usize].checked_sub(1)?);
        let index = self.number[page << 16 | (addr & 0xFFFF) as usize];
        (index != NONE).then_some(index as usize)
    }
}

/// The stretches of ports of every address.
struct Stretches {
    /// For each address, the number of its first stretch.
    base: Vec<u32>,
    /// First ports, ascending within an address; the first one is 0.
    first: Vec<u16>,
    /// For each address and each 64 ports, the stretch (within the address) that holds the first of them. Empty where
    /// addresses have so few stretches that it would be larger than they: a binary search then.
    coarse: Vec<u16>,
}

impl Stretches {
    fn new(records: &[Lean], addresses: &Addresses) -> Stretches {
        let mut edges = Vec::with_capacity(records.len() * 2 + addresses.sorted.len());
        let edge = |index: usize, port: u64| (index as u64) << 16 | port;
        edges.extend((0..addresses.sorted.len()).map(|index| edge(index, 0)));
        // Tenants of one block follow one another on the same edges: most pairs are caught here already.
        for r in records {
            let index = addresses.index(r.addr().to_bits()).expect("every address was numbered");
            edges.push(edge(index, u64::from(r.ports().first())));
            if r.ports().last() != u16::MAX {
                edges.push(edge(index, u64::from(r.ports().last()) + 1));
            }
        }
        edges.sort_unstable();
        edges.dedup();
        let mut base = vec![0; addresses.sorted.len() + 1];
        for e in &edges {
            base[(e >> 16) as usize + 1] += 1;
        }
        for index in 1..base.len() {
            base[index] += base[index - 1];
        }
        let first: Vec<u16> = edges.iter().map(|e| (e & 0xFFFF) as u16).collect();
        let mut coarse = Vec::new();
        let is_worth_it = first.len() >= addresses.sorted.len() << 6;
        for own in base.windows(2).filter(|_| is_worth_it) {
            let own = &first[own[0] as usize..own[1] as usize];
            let mut at = 0;
            for port in (0..=u16::MAX).step_by(64) {
                while own.get(at + 1).is_some_and(|&f| f <= port) {
                    at += 1;
                }
                coarse.push(at as u16);
            }
        }
        Stretches { base, first, coarse }
    }

    #[inline]
    fn cell(&self, index: usize, port: u16) -> u64 {
        let (base, next) = (self.base[index] as usize, self.base[index + 1] as usize);
        if self.coarse.is_empty() {
            let begun = self.first[base..next].partition_point(|&first| first <= port);
            return (base + begun - 1) as u64;
        }
        let mut at = base + usize::from(self.coarse[index << 10 | usize::from(port >> 6)]);
        while at + 1 < next && self.first[at + 1] <= port {
            at += 1;
        }
        at as u64
    }
}

/// Places on one line, and the way from a question to its place.
pub struct Cells {
    addresses: Addresses,
    stretches: Option<Stretches>,
    /// The class of each protocol; a question of another one has no place.
    class: [u8; 256],
    classes: u64,
    origin: i64,
    span: u64,
}

/// A record's part in one cell.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its begin: `cell * span + milliseconds`.
    pub key: u64,
    /// How long, milliseconds.
    pub len: u32,
    /// The record.
    pub id: u32,
}

const MILLI: i64 = 1_000;

impl Cells {
    /// Cuts the addresses of the records.
    ///
    /// # Panics
    ///
    /// When stamps are off the millisecond grid, or some records have a protocol and others none.
    pub fn new(records: &[Lean]) -> Cells {
        let origin = records.iter().map(|r| r.start_microsecond()).min().unwrap_or(0);
        let end = records.iter().map(|r| r.end_microsecond()).max().unwrap_or(0);

        let is_on_grid =
            |r: &Lean| r.start_microsecond() % MILLI == 0 && r.end_microsecond() % MILLI == 0;
        assert!(records.iter().all(is_on_grid), "stamps are off the millisecond grid");
        let mut seen = [false; 256];
        records.iter().for_each(|r| seen[usize::from(protocol_number(r))] = true);
        let mut class = [u8::MAX; 256];
        let mut classes = 0;
        for (number, _) in seen.iter().enumerate().filter(|(_, seen)| **seen) {
            class[number] = classes;
            classes += 1;
        }
        if seen[0] {
            assert!(classes == 1, "records with and without protocol in one table");
            class = [0; 256];
        }
        let addresses = Addresses::new(records);
        let single = records.iter().all(|r| r.ports().first() == r.ports().last());
        let stretches = (!single).then(|| Stretches::new(records, &addresses));
        let span = ((end - origin) / MILLI) as u64 + 1;
        Cells { addresses, stretches, class, classes: u64::from(classes.max(1)), origin, span }
    }

    #[inline]
    fn cell(&self, index: usize, port: u16, class: u8) -> u64 {
        let cell = match &self.stretches {
            None => (index as u64) << 16 | u64::from(port),
            Some(stretches) => stretches.cell(index, port),
        };
        cell * self.classes + u64::from(class)
    }

    /// Milliseconds from the first begin to the last end, and one.
    pub fn span(&self) -> u64 {
        self.span
    }

    /// One more than the last cell.
    pub fn count(&self) -> u64 {
        let cells = match &self.stretches {
            None => (self.addresses.sorted.len() as u64) << 16,
            Some(stretches) => stretches.first.len() as u64,
        };
        cells * self.classes
    }

    /// The cell and the millisecond of a question; none where nobody can have been.
    #[inline]
    pub fn place(&self, q: &Question) -> Option<(u64, u32)> {
        let at = q.at - self.origin;
        let class = self.class[usize::from(q.protocol)];
        if at < 0 || class == u8::MAX {
            return None;
        }
        let milli = at as u64 / MILLI as u64;
        let index = self.addresses.index(q.addr)?;
        (milli < self.span).then(|| (self.cell(index, q.port, class), milli as u32))
    }

    /// The place of a question on the line.
    #[inline]
    pub fn key(&self, q: &Question) -> Option<u64> {
        self.place(q).map(|(cell, milli)| cell * self.span + u64::from(milli))
    }

    /// The cell of a place.
    pub fn cell_of(&self, key: u64) -> u64 {
        key / self.span
    }

    /// The records' parts in all cells, by begin.
    pub fn entries(&self, records: &[Lean]) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(records.len());
        for (id, r) in (0..).zip(records) {
            let index =
                self.addresses.index(r.addr().to_bits()).expect("every address was numbered");
            let class = self.class[usize::from(protocol_number(r))];
            let start = ((r.start_microsecond() - self.origin) / MILLI) as u64;
            let len = ((r.end_microsecond() - r.start_microsecond()) / MILLI) as u32;
            let first = self.cell(index, r.ports().first(), class);
            let last = if r.ports().first() == r.ports().last() {
                first
            } else {
                self.cell(index, r.ports().last(), class)
            };
            for cell in (first..=last).step_by(self.classes as usize) {
                entries.push(Entry { key: cell * self.span + start, len, id });
            }
        }
        entries.sort_unstable_by_key(|e| (e.key, e.id));
        entries
    }
}

/// For each entry, whether an earlier one of its cell is still going on when it begins: who walks back from the last
/// begin before a question must go on past such an entry, and may stop at every other.
pub fn has_earlier(entries: &[Entry], cells: &Cells) -> Vec<bool> {
    let (mut cell, mut until) = (u64::MAX, 0);
    entries
        .iter()
        .map(|e| {
            if cells.cell_of(e.key) != cell {
                (cell, until) = (cells.cell_of(e.key), 0);
            }
            let earlier = until > e.key;
            until = until.max(e.key + u64::from(e.len));
            earlier
        })
        .collect()
}

/// Length and, in the lowest bit, [`has_earlier`]; then the record: 8 bytes beside a key of 8.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tail {
    /// Twice the length, plus one if an earlier entry must be looked at too.
    pub len_earlier: u32,
    /// The record.
    pub id: u32,
}

impl Tail {
    /// Packs an entry.
    pub fn new(entry: &Entry, earlier: bool) -> Tail {
        assert!(entry.len < 1 << 31, "a record longer than 24 days");
        Tail { len_earlier: entry.len << 1 | u32::from(earlier), id: entry.id }
    }

    /// Whether the entry that began `since` milliseconds ago is still going on.
    #[inline]
    pub fn holds(self, since: u64) -> bool {
        since < u64::from(self.len_earlier >> 1)
    }

    /// Whether an earlier entry may be going on too.
    #[inline]
    pub fn earlier(self) -> bool {
        self.len_earlier & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portledger::synth::{LeanTable, TableConfig};

    #[test]
    fn a_question_lies_in_the_cells_of_exactly_the_records_that_hold_its_port() {
        for config in [TableConfig::sessions(3_000), TableConfig::blocks(1_000)] {
            let table = LeanTable::generate(&TableConfig { addresses: 5, ..config });
            let cells = Cells::new(&table.records);
            let entries = cells.entries(&table.records);
            for probe in table.records.iter().step_by(7) {
                for port in [probe.ports().first(), probe.ports().last(), probe.ports().first() - 1]
                {
                    let protocol =
                        if protocol_number(probe) == 0 { 6 } else { protocol_number(probe) };
                    let at = probe.start_microsecond();
                    let q = Question { at, addr: probe.addr().to_bits(), port, protocol };
                    let key = cells.key(&q).unwrap();
                    let mut found: Vec<u32> = entries
                        .iter()
                        .filter(|e| (e.key..e.key + u64::from(e.len)).contains(&key))
                        .map(|e| e.id)
                        .collect();
                    found.sort_unstable();
                    let scan = (0..).zip(&table.records).filter(|(_, r)| {
                        r.addr().to_bits() == q.addr
                            && (r.ports().first()..=r.ports().last()).contains(&port)
                            && (protocol_number(r) == 0 || protocol_number(r) == protocol)
                            && (r.start_microsecond()..r.end_microsecond()).contains(&at)
                    });
                    assert_eq!(found, scan.map(|(id, _)| id).collect::<Vec<u32>>());
                }
            }
        }
    }
}
