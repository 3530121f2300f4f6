//! The index as a value: its bytes, and what is read from them once.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;

use super::build::{self, BuildError, BuildOptions, Parts};
use super::bytes::Bytes;
use super::cold::{Cold, ColdModel, ColdWriter, Known};
use super::directory;
use super::format::{FormatError, Header, Section};
use super::lean::Lean;
use super::machine;
use super::neighbours::Neighbours;
use super::shape::Geometry;
use super::view::View;
use crate::allocation::Allocation;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

/// An immutable index over a set of allocations: one run of bytes, in memory or in a mapped file.
///
/// Its methods take a [`View`] for each call; take one with [`Index::view`] for many lookups in a row.
///
/// ```
/// use portledger::index::Index;
/// let index = Index::build(Vec::new())?;
/// let mut hits = Vec::new();
/// index.at("203.0.113.7".parse()?, 40_213, None, portledger::Timestamp::from_second(1), &mut hits);
/// assert!(hits.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Index {
    bytes: Bytes,
    header: Header,
    geometries: Vec<Geometry>,
}

/// Builds an index, with what else shall stand in its bytes.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    options: BuildOptions,
    hosts: Vec<u8>,
}

impl IndexBuilder {
    /// A builder with the default options.
    pub fn new() -> IndexBuilder {
        IndexBuilder::default()
    }

    /// How lines are filled.
    #[must_use]
    pub fn options(mut self, options: BuildOptions) -> IndexBuilder {
        self.options = options;
        self
    }

    /// Bytes that the index keeps without looking at them: the inside hosts, as the store writes them.
    #[must_use]
    pub fn hosts(mut self, hosts: Vec<u8>) -> IndexBuilder {
        self.hosts = hosts;
        self
    }

    /// Builds the index of whole allocations.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when there are more than one index can number.
    ///
    /// # Complexity
    ///
    /// `O(n log n)` with sorts that stay inside the caches; at its peak two lean copies of the records (40 bytes
    /// each) besides the records and the result.
    pub fn build(self, allocations: &[Allocation]) -> Result<Index, BuildError> {
        let records: Vec<Lean> = allocations.iter().map(Lean::from).collect();
        let parts = build::build(records, self.options)?;
        let mut writer = ColdWriter::new(ColdModel::learn(allocations));
        for input in &parts.order {
            let Some(allocation) = allocations.get(*input as usize) else { continue };
            writer
                .push(&Known::of(allocation), allocation)
                .map_err(|e| BuildError::Cold { why: e.to_string() })?;
        }
        let records = parts.order.len() as u64;
        Ok(Index::assemble(parts, records, &writer.finish(), &self.hosts))
    }

    /// Builds the index of lean records: all that [`Index::get`] adds is what follows from them.
    ///
    /// # Errors
    ///
    /// As [`IndexBuilder::build`].
    ///
    /// # Complexity
    ///
    /// As [`IndexBuilder::build`], with one copy of the records besides those given.
    pub fn build_lean(self, records: Vec<Lean>) -> Result<Index, BuildError> {
        Ok(self.build_lean_ordered(records)?.0)
    }

    /// As [`IndexBuilder::build_lean`]; tells for each row ([`View::row_number`]) which of the given records it is,
    /// for columns that the caller keeps.
    ///
    /// # Errors
    ///
    /// As [`IndexBuilder::build`].
    pub fn build_lean_ordered(self, records: Vec<Lean>) -> Result<(Index, Vec<u32>), BuildError> {
        let mut parts = build::build(records, self.options)?;
        let order = std::mem::take(&mut parts.order);
        let records = order.len() as u64;
        Ok((Index::assemble(parts, records, &[], &self.hosts), order))
    }
}

impl Index {
    /// Builds the index of whole allocations with the default options.
    ///
    /// # Errors
    ///
    /// As [`IndexBuilder::build`].
    #[expect(clippy::needless_pass_by_value, reason = "from here on they are the index's")]
    pub fn build(allocations: Vec<Allocation>) -> Result<Index, BuildError> {
        IndexBuilder::new().build(&allocations)
    }

    /// An index from the bytes of a segment file, copied into memory of its own.
    ///
    /// # Errors
    ///
    /// [`FormatError`] when the header or the table of sections is not right. Blocks are not looked at: that is
    /// [`Index::verify`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Index, FormatError> {
        // What is no index is not copied first.
        Header::read(bytes)?;
        Index::over(Bytes::filled(bytes.len(), |own| own.copy_from_slice(bytes)))
    }

    /// An index over a mapped file: open at once, read from disk as it is asked.
    ///
    /// # Errors
    ///
    /// As [`Index::from_bytes`], and when the file cannot be mapped.
    ///
    /// # Safety
    ///
    /// As long as the index lives, nobody may truncate the file or write into it. Files of a ledger are never
    /// changed once they are there: they are written aside, synced, renamed, and deleted as a whole, which leaves a
    /// map of them as it was. A truncated file ends the process with `SIGBUS`.
    #[expect(unsafe_code, reason = "what a mapped file asks of its caller cannot be checked")]
    pub unsafe fn from_map(file: &File) -> io::Result<Result<Index, FormatError>> {
        // SAFETY: the caller's duty is this function's own.
        let bytes = unsafe { machine::map(file) }?;
        Ok(Index::over(bytes))
    }

    fn assemble(mut parts: Parts, records: u64, cold: &[u8], hosts: &[u8]) -> Index {
        let mut header = Header {
            records,
            origin_microsecond: parts.clock.origin_microsecond,
            step_microsecond: parts.clock.step_microsecond,
            steps: parts.clock.steps,
            ..Header::default()
        };
        let planes = directory::table(&parts.planes);
        let columns = std::mem::take(&mut parts.columns).into_bytes();
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
        let bytes = Bytes::filled(total, |file| {
            let mut put = Sections { file, header: &header };
            put.entries(Section::Lines, parts.lines.iter().copied());
            put.entries(Section::Planes, planes.iter().copied());
            put.entries(Section::MorePlanes, parts.more.iter().map(|p| p.to_bytes()));
            put.entries(Section::Regions, parts.regions.iter().map(|r| r.to_bytes()));
            let shapes = parts.shapes.iter().map(|s| Geometry::new(*s).to_bytes());
            put.entries(Section::Shapes, shapes);
            put.entries(Section::Leaves, parts.leaves.iter().map(|l| l.to_bytes()));
            put.entries(Section::Chunks, parts.chunks.iter().map(|c| c.to_bytes()));
            let pair =
                |(copy, own): &(u32, u32)| (u64::from(*copy) | u64::from(*own) << 32).to_le_bytes();
            put.entries(Section::Copies, parts.copies.iter().map(pair));
            put.entries(Section::Exceptions, parts.exceptions.iter().map(|e| e.to_bytes()));
            put.entries(Section::Keys, parts.keys.iter().map(|k| k.to_bytes()));
            put.entries(Section::Addresses, parts.planes.iter().map(|p| p.addr.to_le_bytes()));
            put.bytes(Section::Columns, &columns);
            put.bytes(Section::Cold, cold);
            put.bytes(Section::Hosts, hosts);
            header.seal(file);
        });
        let geometries = parts.shapes.iter().map(|s| Geometry::new(*s)).collect();
        Index { bytes, header, geometries }
    }

    fn over(bytes: Bytes) -> Result<Index, FormatError> {
        let header = Header::read(&bytes)?;
        let shapes = bytes.get(header.section(Section::Shapes)).unwrap_or_default();
        let most = usize::from(u16::MAX) + 1;
        let geometries = shapes.as_chunks().0.iter().take(most).map(Geometry::from_bytes).collect();
        Ok(Index { bytes, header, geometries })
    }

    /// Holds every block to its checksum, then every number that a lookup follows to what it may be.
    ///
    /// # Errors
    ///
    /// The first thing that is not as it was written.
    ///
    /// # Complexity
    ///
    /// Reads everything once.
    pub fn verify(&self) -> Result<(), FormatError> {
        self.header.verify(&self.bytes)?;
        self.view().verify(self.header.records)
    }

    /// Where a section lies.
    pub(super) fn section(&self, section: Section) -> std::ops::Range<usize> {
        self.header.section(section)
    }

    /// How many blocks have a checksum.
    pub(super) fn blocks(&self) -> usize {
        self.header.section(Section::Checks).len() / 4
    }

    /// Holds the checksums to theirs.
    pub(super) fn verify_checks(&self) -> Result<(), FormatError> {
        self.header.verify_checks(&self.bytes)
    }

    /// Holds one block to its checksum.
    pub(super) fn verify_block(&self, block: usize) -> Result<(), FormatError> {
        self.header.verify_block(&self.bytes, block)
    }

    /// What is wrong with a damaged block.
    pub(super) fn damage(&self, block: usize) -> FormatError {
        self.header.damage(block)
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

    /// All bytes: what a segment file holds.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What [`IndexBuilder::hosts`] was given.
    pub fn hosts(&self) -> &[u8] {
        self.bytes.get(self.header.section(Section::Hosts)).unwrap_or_default()
    }

    /// How many bytes each part takes, by name.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        Section::ALL.into_iter().map(|s| (s.name(), self.header.section(s).len()))
    }

    /// The allocation at a position; none for what is no record's position.
    pub fn get(&self, position: u32) -> Option<Allocation> {
        self.view().get(position)
    }

    /// All allocations with their positions, address by address; in no other order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Allocation)> {
        let view = self.view();
        view.positions().filter_map(move |at| Some((at, view.get(at)?)))
    }

    /// Whether any record is on the address.
    pub fn has_address(&self, addr: Ipv4Addr) -> bool {
        self.view().has_address(addr)
    }

    /// The addresses, ascending.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.view().addresses()
    }

    /// As [`View::at`].
    pub fn at(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        at: Timestamp,
        hits: &mut Vec<u32>,
    ) {
        self.view().at(addr, port, protocol, at, hits);
    }

    /// As [`View::during`].
    pub fn during(
        &self,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        range: TimeRange,
        hits: &mut Vec<u32>,
    ) {
        self.view().during(addr, ports, protocol, range, hits);
    }

    /// As [`View::neighbours`].
    pub fn neighbours(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        range: TimeRange,
        is_other: impl FnMut(&Allocation) -> bool,
    ) -> Neighbours {
        self.view().neighbours(addr, port, protocol, range, is_other)
    }
}

impl View<'_> {
    /// The allocation at a position; none for what is no record's position.
    ///
    /// # Complexity
    ///
    /// Three dependent looks: line, exact columns, cold columns.
    pub fn get(self, position: u32) -> Option<Allocation> {
        let lean = self.lean(position)?;
        if self.cold.is_empty() {
            return Some(Allocation::from(&lean));
        }
        let (row, ..) = self.row(position)?;
        let cold = Cold::open(self.cold).ok()?;
        if let Some(watch) = self.watch
            && !watch.holds(Section::Cold, cold.bytes_of(row)?)
        {
            return None;
        }
        cold.get(row, &Known::from(&lean))
    }

    /// The row of the record at a position: below the number of records, in the order of positions.
    pub fn row_number(self, position: u32) -> Option<u32> {
        self.row(position).map(|(row, ..)| row)
    }

    /// The positions of all records, ascending, address by address.
    pub fn positions(self) -> impl Iterator<Item = u32> {
        (0..).zip(self.lines).flat_map(|(number, line)| {
            let line = super::line::Line(line);
            let own = line.used() & !line.copies();
            (0..16).filter(move |lane| own >> lane & 1 == 1).map(move |lane| number << 4 | lane)
        })
    }
}

/// The file as it is filled.
struct Sections<'a> {
    file: &'a mut [u8],
    header: &'a Header,
}

impl Sections<'_> {
    fn entries<const N: usize>(
        &mut self,
        section: Section,
        entries: impl Iterator<Item = [u8; N]>,
    ) {
        let Some(section) = self.file.get_mut(self.header.section(section)) else { return };
        for (to, from) in section.as_chunks_mut().0.iter_mut().zip(entries) {
            *to = from;
        }
    }

    fn bytes(&mut self, section: Section, bytes: &[u8]) {
        if let Some(to) = self.file.get_mut(self.header.section(section)) {
            to.copy_from_slice(bytes);
        }
    }
}
