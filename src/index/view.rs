//! The index as slices: what every lookup reads.

use std::net::Ipv4Addr;

use super::bits;
use super::clock::Clock;
use super::directory::{self, NONE, Plane};
use super::exact::{Exception, Key, Row};
use super::format::{Header, Section};
use super::lean::{EVERY_PROTOCOL, Lean};
use super::line::{Line, least};
use super::machine::prefetch;
use super::region::{CHUNK_LINES, Chunk, Leaf, Region};
use super::shape::Geometry;
use super::watch::Watch;

/// Lines an index has at most: a position is a line and one of 16 lanes.
pub(super) const MOST_LINES: u32 = 1 << 28;
/// Planes an address has at most: one for each size of block.
pub(super) const MOST_PLANES: usize = 17;

/// The position of a lane.
#[inline]
pub(super) const fn position(line: u32, lane: u32) -> u32 {
    line << 4 | lane & 15
}

/// An index that is ready to be asked: take it once for many lookups.
///
/// It is a handful of slices into the index, checked once; to copy it is cheap.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(super) clock: Clock,
    pub(super) geometries: &'a [Geometry],
    pub(super) planes: &'a [[u8; 16]],
    pub(super) more: &'a [[u8; 16]],
    pub(super) regions: &'a [[u8; 16]],
    pub(super) lines: &'a [[u8; 64]],
    leaves: &'a [[u8; 48]],
    pub(super) chunks: &'a [[u8; 12]],
    pub(super) copies: &'a [[u8; 8]],
    columns: &'a [u8],
    exceptions: &'a [[u8; 40]],
    keys: &'a [[u8; 8]],
    addresses: &'a [[u8; 4]],
    pub(super) cold: &'a [u8],
    /// Checks blocks before they are read.
    pub(super) watch: Option<Watch<'a>>,
}

/// A part of a region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) region: u32,
    /// Where the question is in it, in the ticks of the whole.
    pub(super) x: u64,
    /// It is 2^this long.
    pub(super) shift: u8,
}

/// The part of a node at an x.
#[inline]
fn part(node: Region, x: u64) -> Option<Part> {
    let Region::Node { child, part_shift, parts, .. } = node else { return None };
    let number = x >> part_shift;
    if number >= u64::from(parts) || part_shift == 0 {
        return None;
    }
    let region = u32::try_from(u64::from(child) + number).ok()?;
    Some(Part { region, x: x & ((1 << part_shift) - 1), shift: part_shift })
}

/// The line of a leaf at an x.
#[inline]
fn spot(leaf: Region, geometry: &Geometry, x: u64) -> Option<Spot> {
    let Region::Leaf { line, buckets, leaf, bucket_shift, chain_shift, .. } = leaf else {
        return None;
    };
    if buckets == 0 {
        return None;
    }
    let line = u64::from(line) + (geometry.bucket(x, buckets) << bucket_shift);
    Some(Spot { line: u32::try_from(line).ok()?, x, chain_shift, leaf })
}

/// Where a question's lines begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) line: u32,
    pub(super) x: u64,
    pub(super) chain_shift: u8,
    /// The leaf that the line is of.
    pub(super) leaf: u32,
}

impl<'a> View<'a> {
    pub(super) fn new(file: &'a [u8], header: &Header, geometries: &'a [Geometry]) -> View<'a> {
        let section = |section| file.get(header.section(section)).unwrap_or_default();
        View {
            clock: Clock::new(header.origin_microsecond, header.step_microsecond, header.steps),
            geometries,
            planes: section(Section::Planes).as_chunks().0,
            more: section(Section::MorePlanes).as_chunks().0,
            regions: section(Section::Regions).as_chunks().0,
            lines: section(Section::Lines).as_chunks().0,
            leaves: section(Section::Leaves).as_chunks().0,
            chunks: section(Section::Chunks).as_chunks().0,
            copies: section(Section::Copies).as_chunks().0,
            columns: section(Section::Columns),
            exceptions: section(Section::Exceptions).as_chunks().0,
            keys: section(Section::Keys).as_chunks().0,
            addresses: section(Section::Addresses).as_chunks().0,
            cold: section(Section::Cold),
            watch: None,
        }
    }

    pub(super) fn watched_by<'w>(self, watch: Watch<'w>) -> View<'w>
    where
        'a: 'w,
    {
        View { watch: Some(watch), ..self }
    }

    /// The planes of an address.
    #[inline]
    pub(super) fn planes_of(self, addr: Ipv4Addr) -> impl Iterator<Item = Plane> {
        self.planes_from(directory::find(self.planes, addr.to_bits()))
    }

    /// A plane and those behind it.
    #[inline]
    pub(super) fn planes_from(self, first: Option<Plane>) -> impl Iterator<Item = Plane> {
        let mut next = first;
        let mut left = MOST_PLANES;
        std::iter::from_fn(move || {
            let plane = next?;
            left -= 1;
            let further = plane.next != NONE && left > 0;
            let slot = || self.more.get(plane.next as usize).and_then(Plane::from_bytes);
            next = if further { slot() } else { None };
            Some(plane)
        })
    }

    #[inline]
    pub(super) fn region(self, number: u64) -> Option<Region> {
        self.regions.get(usize::try_from(number).ok()?).map(Region::from_bytes)
    }

    #[inline]
    pub(super) fn geometry(self, shape: u16) -> Option<&'a Geometry> {
        self.geometries.get(usize::from(shape))
    }

    /// Where to look for a port at a step; none where nothing can be.
    #[inline]
    pub(super) fn spot(self, plane: Plane, port: u16, step: u64) -> Option<Spot> {
        let number = u64::from(plane.region) + u64::from(u32::from(port) >> plane.port_shift);
        let inner = u32::from(port) & ((1 << plane.port_shift) - 1);
        let inner = super::shape::quarter(u64::from(inner));
        self.spot_in(self.region(number)?, plane.place, inner, step)
    }

    /// Where to look in a region, for a port counted from its first.
    #[inline]
    pub(super) fn spot_in(self, region: Region, place: u16, inner: u16, step: u64) -> Option<Spot> {
        match region {
            Region::Leaf { shape, .. } => {
                let geometry = self.geometry(shape)?;
                spot(region, geometry, geometry.place(place, inner, step))
            }
            Region::Node { .. } => self.spot_in_part(self.part_of(region, place, inner, step)?),
        }
    }

    /// The part of a node that a question is in.
    #[inline]
    pub(super) fn part_of(self, node: Region, place: u16, inner: u16, step: u64) -> Option<Part> {
        let (Region::Node { shape, .. } | Region::Leaf { shape, .. }) = node;
        part(node, self.geometry(shape)?.place(place, inner, step))
    }

    /// The same from a part of a region on.
    #[inline(never)]
    pub(super) fn spot_in_part(self, mut at: Part) -> Option<Spot> {
        loop {
            let region = Region::from_bytes(self.regions.get(at.region as usize)?);
            match region {
                Region::Leaf { shape, .. } => {
                    let geometry = self.geometry(shape)?;
                    return spot(region, geometry, at.x >> geometry.shape.shift);
                }
                // Parts of parts are smaller; anything else would never end.
                Region::Node { part_shift, .. } if part_shift >= at.shift => return None,
                Region::Node { .. } => at = part(region, at.x)?,
            }
        }
    }

    /// Asks ahead for all that a question at the spot may read before its exact columns: what the line spills into,
    /// and what decodes its rows, so that it is there by the time that the line has told whether it is needed.
    #[inline]
    pub(super) fn ask_ahead(self, spot: Spot) {
        let line = spot.line as usize;
        if let Some(line) = self.lines.get(line) {
            prefetch(line);
        }
        if let Some(next) = self.lines.get(line + 1) {
            prefetch(next);
        }
        self.ask_decoder(spot.line, spot.leaf);
    }

    /// Asks ahead for what decodes the rows of a line.
    #[inline]
    pub(super) fn ask_decoder(self, line: u32, leaf: u32) {
        if let Some(chunk) = self.chunks.get((line / CHUNK_LINES) as usize) {
            prefetch(chunk);
        }
        if let Some(leaf) = self.leaves.get(leaf as usize) {
            prefetch(leaf);
        }
    }

    /// Asks ahead for what settles those lanes of a line of that leaf that it cannot settle itself.
    pub(super) fn ask_row(self, number: u32, line: Line<'_>, leaf: u32, lanes: u32) {
        if lanes & line.copies() != 0
            && let Some((copies, about)) = self.copies_about(number)
            && let Some(copy) = copies.get(about)
        {
            prefetch(copy);
        }
        let own = lanes & !line.copies();
        if own != 0
            && let (Some(chunk), Some(leaf)) = (self.chunk(number), self.leaf(leaf))
        {
            let row = chunk.row.wrapping_add(line.row(own.trailing_zeros()));
            let total: u64 = leaf.widths.iter().map(|w| u64::from(*w)).sum();
            let bit = leaf.bit.wrapping_add(u64::from(row.wrapping_sub(leaf.row)) * total);
            let byte = usize::try_from(bit / 8).unwrap_or(usize::MAX);
            if let Some(first) = self.columns.get(byte..).and_then(|c| c.first_chunk::<1>()) {
                prefetch(first);
            }
        }
    }

    #[inline]
    pub(super) fn line(self, number: u32) -> Option<Line<'a>> {
        let line = self.lines.get(number as usize)?;
        if let Some(watch) = self.watch {
            let at = number as usize * line.len();
            if !watch.holds(Section::Lines, at..at + line.len()) {
                return None;
            }
        }
        Some(Line(line))
    }

    #[inline]
    pub(super) fn chunk(self, line: u32) -> Option<Chunk> {
        self.chunks.get((line / CHUNK_LINES) as usize).map(Chunk::from_bytes)
    }

    #[inline]
    pub(super) fn leaf(self, number: u32) -> Option<Leaf> {
        self.leaves.get(number as usize).map(Leaf::from_bytes)
    }

    /// The leaf that a line belongs to.
    #[inline]
    pub(super) fn leaf_of(self, line: u32) -> Option<Leaf> {
        let mut number = self.chunk(line)?.leaf;
        let mut leaf = self.leaf(number)?;
        // Every leaf has a line at least.
        for _ in 0..CHUNK_LINES {
            match self.leaf(number + 1) {
                Some(next) if next.line <= line => (number, leaf) = (number + 1, next),
                _ => break,
            }
        }
        Some(leaf)
    }

    /// The position of the record that a lane is a copy of.
    pub(super) fn own_position(self, line: u32, lane: u32) -> Option<u32> {
        let wanted = position(line, lane);
        let (copies, guess) = self.copies_about(line)?;
        let of = |bytes: &[u8; 8]| {
            let pair = u64::from_le_bytes(*bytes);
            (super::shape::half(pair), super::shape::half(pair >> 32))
        };
        let is_before = |at: usize| copies.get(at).is_some_and(|copy| of(copy).0 < wanted);
        // Copies lie about evenly over their lines: search from where it should be, in growing steps.
        let (mut low, mut high, mut step) = (guess, guess, 1);
        while is_before(high) {
            (low, high, step) = (high + 1, high + step, step * 2);
        }
        while low > 0 && !is_before(low - 1) {
            (high, low, step) = (low - 1, (low - 1).saturating_sub(step), step * 2);
        }
        let high = high.min(copies.len());
        let window = copies.get(low.min(high)..high).unwrap_or_default();
        let at = low + window.partition_point(|copy| of(copy).0 < wanted);
        copies.get(at).map(of).filter(|(copy, _)| *copy == wanted).map(|(_, own)| own)
    }

    /// The copies in the chunk of a line, and about where those of the line are.
    #[inline]
    fn copies_about(self, line: u32) -> Option<(&'a [[u8; 8]], usize)> {
        let chunk = (line / CHUNK_LINES) as usize;
        let from = Chunk::from_bytes(self.chunks.get(chunk)?).copy as usize;
        let next = self.chunks.get(chunk + 1);
        let until = next.map_or(self.copies.len(), |next| Chunk::from_bytes(next).copy as usize);
        let copies = self.copies.get(from..until)?;
        Some((copies, copies.len() * (line % CHUNK_LINES) as usize / CHUNK_LINES as usize))
    }

    /// The row of a record, its line and its lane; none for what is no record's position.
    #[inline]
    pub(super) fn row(self, position: u32) -> Option<(u32, Line<'a>, u32)> {
        let (number, lane) = (position >> 4, position & 15);
        let line = self.line(number)?;
        if (line.used() & !line.copies()) >> lane & 1 == 0 {
            return None;
        }
        let row = self.chunk(number)?.row.wrapping_add(line.row(lane));
        Some((row, line, lane))
    }

    /// The record at a position, exact; none for what is no record's position.
    #[inline]
    pub fn lean(self, position: u32) -> Option<Lean> {
        let (row, line, lane) = self.row(position)?;
        let leaf = self.leaf_of(position >> 4)?;
        self.decode(&leaf, row, position >> 4, line, lane)
    }

    /// The x of a lane in its leaf, and its length code.
    #[inline]
    #[expect(clippy::unused_self, reason = "reads as a property of the index")]
    pub(super) fn x(
        self,
        leaf: &Leaf,
        geometry: &Geometry,
        number: u32,
        line: Line<'_>,
        lane: u32,
    ) -> (u64, u32) {
        let (start, code, _) = line.lane(lane);
        // No lane of a line begins behind the bucket whose lines it stands among, and all begin less than 2^25 ticks
        // before that bucket's end; two ticks more cover the rounding.
        let relative = u64::from(number.saturating_sub(leaf.line)) >> leaf.bucket_shift;
        let bucket = relative.min(u64::from(leaf.buckets.max(1)) - 1);
        let behind = (bucket + 1).wrapping_mul(geometry.shape.length);
        let high = behind / u64::from(leaf.buckets.max(1)) + 2;
        (high.wrapping_sub(u64::from(line.distance(high, start))), code)
    }

    /// A record from its lane and its row.
    #[inline]
    pub(super) fn decode(
        self,
        leaf: &Leaf,
        row: u32,
        number: u32,
        line: Line<'_>,
        lane: u32,
    ) -> Option<Lean> {
        let geometry = self.geometry(leaf.shape)?;
        let outer = self.geometry(leaf.outer_shape)?;
        let total: u64 = leaf.widths.iter().map(|w| u64::from(*w)).sum();
        let index = u64::from(row.wrapping_sub(leaf.row));
        let bit = leaf.bit.wrapping_add(index.wrapping_mul(total));
        if let Some(watch) = self.watch {
            let at = usize::try_from(bit / 8).ok()?;
            let until = at.checked_add(usize::try_from(total / 8).ok()? + 9)?;
            if !watch.holds(Section::Columns, at..until.min(self.columns.len())) {
                return None;
            }
        }
        let exact = Row::read(self.columns, bit, leaf.widths)?;
        let Some(end) = exact.end else { return Exception::find(self.exceptions, row) };
        let (x, code) = self.x(leaf, geometry, number, line, lane);
        let (_, _, class) = line.lane(lane);
        let fine = outer.shape.shift & 63;
        let coarse = if geometry.shape.units == 0 { geometry.shape.shift & 63 } else { 0 };
        let x = leaf.x.wrapping_add(x << coarse).wrapping_add(exact.begin >> fine);
        let span = u64::from(outer.shape.span.max(1));
        let (unit, tick) = (x / span, x % span);
        let start = tick << fine | exact.begin & bits::mask(fine);
        let shortest = (least(code) << ((coarse + fine) & 63)).saturating_sub(exact.begin);
        let last = start.wrapping_add(shortest).wrapping_add(end);
        let units = u64::from(outer.shape.units.max(1));
        let (first_port, last_port) = outer.ports(unit, 1 << leaf.port_shift);
        let (first, last_port) =
            (leaf.port.wrapping_add(first_port), leaf.port.wrapping_add(last_port));
        let told = match class {
            0 => 6,
            1 => 17,
            _ => EVERY_PROTOCOL,
        };
        let (first, last_port, protocol) = match exact.key {
            0 => (first, last_port, told),
            key => {
                let key = Key::from_bytes(*self.keys.get(usize::try_from(key - 1).ok()?)?);
                (first.wrapping_add(key.first), last_port.wrapping_add(key.last), key.protocol)
            }
        };
        Some(Lean {
            start_microsecond: self.clock.microsecond(start),
            end_microsecond: self.clock.microsecond(last.wrapping_add(1)),
            addr: self.address(u64::from(leaf.address) + unit / units)?,
            inside: leaf.host.wrapping_add(super::shape::half(exact.host)),
            input: 0,
            first,
            last: last_port.max(first),
            protocol,
        })
    }

    pub(super) fn address(self, number: u64) -> Option<u32> {
        let bytes = self.addresses.get(usize::try_from(number).ok()?)?;
        Some(u32::from_le_bytes(*bytes))
    }

    /// The addresses, ascending.
    pub fn addresses(self) -> impl Iterator<Item = Ipv4Addr> + 'a {
        self.addresses.iter().map(|b| Ipv4Addr::from_bits(u32::from_le_bytes(*b)))
    }

    /// Whether any record is on the address.
    pub fn has_address(self, addr: Ipv4Addr) -> bool {
        directory::find(self.planes, addr.to_bits()).is_some()
    }
}
