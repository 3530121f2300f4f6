//! The index as a value: its bytes, and what is read from them once.

use std::net::Ipv4Addr;

use memmap2::Mmap;

use super::build::{self, BuildError, BuildOptions, Parts};
use super::bytes::Bytes;
use super::clock::Clock;
use super::directory;
use super::format::{BLOCK, FormatError, HEADER, Header, Section};
use super::lean::Lean;
use super::shape::Geometry;
use super::view::View;
use crate::allocation::Allocation;
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// An immutable index over a set of allocations: one run of bytes, in memory or in a mapped file.
#[derive(Debug)]
pub struct Index {
    bytes: Bytes,
    header: Header,
    geometries: Vec<Geometry>,
}

impl Index {
    /// Builds the index of lean records.
    pub fn build_lean(records: Vec<Lean>, options: &BuildOptions) -> Result<Index, BuildError> {
        let parts = build::build(records, options)?;
        Ok(Index::assemble(&parts, &[], &[]))
    }

    fn assemble(parts: &Parts, cold: &[u8], hosts: &[u8]) -> Index {
        let mut header = Header {
            records: parts.order.len() as u64,
            origin_microsecond: parts.clock.origin_microsecond,
            step_microsecond: parts.clock.step_microsecond,
            steps: parts.clock.steps,
            ..Header::default()
        };
        let planes = directory::table(&parts.planes);
        let columns = parts.columns.clone().finish();
        let lengths = [
            (Section::Lines, parts.lines.len() * 64),
            (Section::Planes, planes.len() * 16),
            (Section::MorePlanes, parts.more.len() * 16),
            (Section::Regions, parts.regions.len() * 16),
            (Section::Shapes, parts.shapes.len() * 24),
            (Section::Leaves, parts.leaves.len() * 48),
            (Section::Chunks, parts.chunks.len() * 12),
            (Section::Copies, parts.copies.len() * 8),
            (Section::Columns, columns.len()),
            (Section::Exceptions, parts.exceptions.len() * 40),
            (Section::Keys, parts.keys.len() * 8),
            (Section::Addresses, parts.planes.len() * 4),
            (Section::Cold, cold.len()),
            (Section::Hosts, hosts.len()),
        ];
        let total = header.lay_out(&lengths);
        let sealed = &header;
        let bytes = Bytes::filled(total, |file| {
            put(file, sealed, Section::Lines, parts.lines.iter().copied());
            put(file, sealed, Section::Planes, planes.iter().copied());
            put(file, sealed, Section::MorePlanes, parts.more.iter().map(|p| p.to_bytes()));
            put(file, sealed, Section::Regions, parts.regions.iter().map(|r| r.to_bytes()));
            let shapes = parts.shapes.iter().map(|s| Geometry::new(*s).to_bytes());
            put(file, sealed, Section::Shapes, shapes);
            put(file, sealed, Section::Leaves, parts.leaves.iter().map(|l| l.to_bytes()));
            put(file, sealed, Section::Chunks, parts.chunks.iter().map(|c| c.to_bytes()));
            let copies = parts.copies.iter().map(|(copy, own)| {
                (u64::from(*copy) | u64::from(*own) << 32).to_le_bytes()
            });
            put(file, sealed, Section::Copies, copies);
            put(file, sealed, Section::Exceptions, parts.exceptions.iter().map(|e| e.to_bytes()));
            put(file, sealed, Section::Keys, parts.keys.iter().map(|k| k.to_bytes()));
            put(file, sealed, Section::Addresses, parts.planes.iter().map(|p| p.addr.to_le_bytes()));
            for (section, bytes) in
                [(Section::Columns, &*columns), (Section::Cold, cold), (Section::Hosts, hosts)]
            {
                if let Some(to) = file.get_mut(sealed.section(section)) {
                    to.copy_from_slice(bytes);
                }
            }
            sealed.seal(file);
        });
        let bytes = bytes.unwrap_or_else(|e| panic!("{e}"));
        Index::over(bytes).unwrap_or_else(|e| panic!("{e}"))
    }

    fn over(bytes: Bytes) -> Result<Index, FormatError> {
        let header = Header::read(&bytes)?;
        let shapes = bytes.get(header.section(Section::Shapes)).unwrap_or_default();
        let geometries = shapes.as_chunks().0.iter().take(1 << 16).map(Geometry::from_bytes).collect();
        Ok(Index { bytes, header, geometries })
    }

    /// The slices that lookups read.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(&self.bytes, &self.header, &self.geometries)
    }

    /// How many records are indexed.
    pub fn len(&self) -> usize {
        usize::try_from(self.header.records).unwrap_or(usize::MAX)
    }

    /// Whether the index is empty.
    pub fn is_empty(&self) -> bool {
        self.header.records == 0
    }

    /// Sections.
    pub fn sections(&self) -> Vec<(&'static str, usize)> {
        [
            ("lines", Section::Lines), ("planes", Section::Planes), ("more", Section::MorePlanes), ("regions", Section::Regions),
            ("shapes", Section::Shapes), ("leaves", Section::Leaves), ("chunks", Section::Chunks), ("copies", Section::Copies),
            ("columns", Section::Columns), ("exceptions", Section::Exceptions), ("keys", Section::Keys), ("addresses", Section::Addresses), ("checks", Section::Checks),
        ].map(|(n, s)| (n, self.header.section(s).len())).to_vec()
    }

    /// All bytes: what a segment file holds.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Writes the entries of a section.
fn put<const N: usize>(
    file: &mut [u8],
    header: &Header,
    section: Section,
    entries: impl Iterator<Item = [u8; N]>,
) {
    let Some(section) = file.get_mut(header.section(section)) else { return };
    for (to, from) in section.as_chunks_mut().0.iter_mut().zip(entries) {
        *to = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::PortRange;
    use crate::time::TimeRange;
    use proptest::prelude::*;

    fn scan(records: &[Lean], addr: u32, port: u16, protocol: Option<Protocol>, at: i64) -> Vec<u32> {
        let protocol = protocol.map_or(256, |p| u16::from(p.number()));
        (0..)
            .zip(records)
            .filter(|(_, r)| r.addr == addr && r.holds_port(port) && r.holds_at(at) && r.serves(protocol))
            .map(|(n, _): (u32, _)| n)
            .collect()
    }

    fn record() -> impl Strategy<Value = Lean> {
        let len = prop_oneof![3 => 1_i64..50, 2 => 1_i64..100_000, 1 => 1_i64..90_000_000_000];
        let start = prop_oneof![3 => 0_i64..1000, 3 => 0_i64..86_400_000_000];
        let grid = prop_oneof![Just(1_i64), Just(1000), Just(1_000_000)];
        let ports = prop_oneof![
            4 => (0_u16..40).prop_map(|p| (p, p)),
            2 => (0_u16..8, Just(64_u16)).prop_map(|(b, s)| (b * s, b * s + s - 1)),
            1 => (0_u16..5).prop_map(|b| (1000 + b * 1000, 1999 + b * 1000)),
            1 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| (a.min(b), a.max(b))),
            1 => Just((0, 65_535)),
            1 => Just((65_535, 65_535)),
        ];
        let protocol = prop_oneof![Just(Some(6)), Just(Some(17)), Just(Some(1)), Just(None), Just(Some(0))];
        (0_u32..3, ports, start, len, grid, protocol, any::<u32>()).prop_map(|(addr, (a, b), start, len, grid, protocol, inside)| {
            let (start, end) = (start / grid * grid, (start / grid + len.min(1 << 40)) * grid);
            let outer = TimeRange::new(Timestamp::from_microsecond(start), Timestamp::from_microsecond(end)).unwrap();
            Lean::new(
                Ipv4Addr::from_bits(addr),
                PortRange::new(a, b).unwrap(),
                protocol.map(Protocol::new),
                outer,
                crate::allocation::InsideId(inside % 7),
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(std::env::var("CASES").map_or(256, |c| c.parse().unwrap())))]
        #[test]
        fn agrees(records in proptest::collection::vec(record(), 0..std::env::var("N").map_or(400, |c| c.parse().unwrap())), salt in any::<u64>(), lanes in 4.0..12.0_f64) {
            let index = Index::build_lean(records.clone(), &BuildOptions { lanes_a_line: lanes }).unwrap();
            let view = index.view();
            let mut rng = salt;
            let mut next = || { rng = rng.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); (rng >> 33) as u32 };
            let mut hits = Vec::new();
            let mut questions = Vec::new();
            let mut expect = Vec::new();
            for r in &records {
                for at in [r.start_microsecond, r.start_microsecond - 1, r.end_microsecond, r.end_microsecond - 1, (r.start_microsecond / 2 + r.end_microsecond / 2)] {
                    let port = match next() % 4 { 0 => r.first, 1 => r.last, 2 => r.first.wrapping_add(1), _ => r.first.wrapping_sub(1) };
                    let protocol = match next() % 4 { 0 => None, 1 => Some(Protocol::TCP), 2 => Some(Protocol::UDP), _ => u8::try_from(r.protocol).ok().map(Protocol::new) };
                    hits.clear();
                    view.at(r.addr(), port, protocol, Timestamp::from_microsecond(at), &mut hits);
                    let mut got: Vec<Lean> = hits.iter().map(|p| view.lean(*p).unwrap()).collect();
                    let mut expected: Vec<Lean> = scan(&records, r.addr, port, protocol, at).into_iter().map(|n| records[n as usize]).collect();
                    let key = |l: &Lean| (l.start_microsecond, l.end_microsecond, l.addr, l.inside, l.first, l.last, l.protocol);
                    got.sort_by_key(key);
                    expected.sort_by_key(key);
                    prop_assert_eq!(got, expected);
                    questions.push(crate::index::Question { addr: r.addr(), port, protocol, at: Timestamp::from_microsecond(at) });
                    expect.push(hits.clone());
                }
            }
            let mut batch = crate::index::Hits::default();
            view.at_each(&questions, &mut batch);
            let got: Vec<Vec<u32>> = batch.iter().map(<[u32]>::to_vec).collect();
            prop_assert_eq!(got, expect);
        }
    }
}
