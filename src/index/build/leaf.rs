//! Leaves: pieces placed, proven to be in reach of every question, and written.

use super::place::{Cut, Piece, Placed, Placement, choose, place};
use super::{BuildError, Builder, Chosen, RegionInput};
use crate::index::bits;
use crate::index::exact::{Exception, Key, Row, fit};
use crate::index::lean::{EVERY_PROTOCOL, Lean};
use crate::index::line::{Class, LONGEST, Lane, LineBuilder, REACH, code, least};
use crate::index::region::{CHUNK_LINES, Chunk, Leaf, Region};
use crate::index::shape::{Geometry, Shape};
use crate::index::view::{MOST_LINES as MOST_LINES_OF_ALL, position};

/// A bucket of this length mostly leaves room for the buckets that spill around it.
pub(super) const FINE: u64 = REACH / 3;
/// A question should not read more lines than this beyond those of its bucket.
pub(super) const MOST_LINES: u64 = 8;
/// Parts that a dense stretch is cut into.
const PARTS_SHIFT: u8 = 6;

#[derive(Default)]
pub(super) struct Scratch {
    pub(super) pieces: Vec<Piece>,
    pub(super) keys: Vec<u64>,
    pub(super) sorted: Vec<Piece>,
    owners: Vec<u32>,
    placed: Vec<Placed>,
    extents: Vec<Extent>,
    rows: Vec<Row>,
}

/// What a leaf is a part of.
pub(super) struct Frame<'a> {
    pub(super) input: &'a RegionInput<'a>,
    /// The shape of its own x.
    pub(super) shape: u16,
    /// The shape of the region's x.
    pub(super) outer: u16,
    pub(super) outer_geometry: Geometry,
    /// Where its x begins in the region's.
    pub(super) x: u64,
}

pub(super) enum Outcome {
    Built(Region),
    /// Ticks are too fine for what a line stands for.
    TooFine,
    /// Questions would read too many lines.
    TooLong,
}

impl Builder {
    /// Places pieces into lines; writes nothing unless every start is in reach of every question that meets it.
    pub(super) fn leaf(
        &mut self,
        frame: &Frame<'_>,
        geometry: &Geometry,
        pieces: &[Piece],
        most_lines: u64,
    ) -> Result<Outcome, BuildError> {
        let cut = choose(pieces, geometry, self.lanes_a_line);
        let mut placed = std::mem::take(&mut self.scratch.placed);
        let placement = place(pieces, geometry, cut, &mut placed);
        extents(&placed, &mut self.scratch.extents);
        let outcome = if !is_in_reach(geometry, cut, &self.scratch.extents, placement) {
            Outcome::TooFine
        } else if placement.chain > most_lines + (2 << cut.bucket_shift) {
            Outcome::TooLong
        } else {
            Outcome::Built(self.write(frame, geometry, cut, placement, &placed)?)
        };
        self.scratch.placed = placed;
        Ok(outcome)
    }

    fn write(
        &mut self,
        frame: &Frame<'_>,
        geometry: &Geometry,
        cut: Cut,
        placement: Placement,
        placed: &[Placed],
    ) -> Result<Region, BuildError> {
        let input = frame.input;
        let first_line = self.parts.lines.len() as u64;
        let lines = first_line + placement.lines;
        if lines > u64::from(MOST_LINES_OF_ALL) {
            return Err(BuildError::TooManyLines { lines });
        }
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let leaf = number(self.parts.leaves.len() as u64);
        let first_row = number(self.parts.order.len() as u64);
        let mut rows = std::mem::take(&mut self.scratch.rows);
        rows.clear();
        let mut owners = std::mem::take(&mut self.scratch.owners);
        owners.clear();
        let mut rest = placed.iter().peekable();
        for line in 0..placement.lines {
            let global = number(first_line + line);
            if global % CHUNK_LINES == 0 {
                self.parts.chunks.push(Chunk {
                    row: number(self.parts.order.len() as u64),
                    copy: number(self.parts.copies.len() as u64),
                    leaf,
                });
            }
            let chunk_row = self.parts.chunks.last().map_or(0, |c| c.row);
            let row = number(self.parts.order.len() as u64).wrapping_sub(chunk_row);
            let mut builder = LineBuilder::new(row);
            while let Some(Placed { piece, .. }) = rest.next_if(|p| p.line == line) {
                let length = u32::try_from(piece.end - piece.x).unwrap_or(u32::MAX);
                let lane = builder.push(Lane {
                    start: piece.x,
                    length,
                    class: piece.class,
                    is_copy: !piece.is_first,
                });
                let at = position(global, lane);
                let Some(chosen) = input.chosen.get(piece.record as usize) else { continue };
                let Some(own) = self.positions.get_mut(chosen.member as usize) else { continue };
                if !piece.is_first {
                    self.parts.copies.push((at, *own));
                    continue;
                }
                *own = at;
                self.parts.order.push(chosen.record.input);
                let row = self.row(frame, geometry, piece, chosen);
                rows.push(row);
                owners.push(piece.record);
            }
            let spills = rest.peek().is_some_and(|next| next.line == line + 1 && next.home <= line);
            self.parts.lines.push(builder.finish(spills));
        }
        let host = rows.iter().map(|r| r.host).min().unwrap_or(0);
        for row in &mut rows {
            row.host -= host;
        }
        let widths = fit(&mut rows);
        let bit = self.parts.columns.bits();
        for ((row, owner), number) in rows.iter().zip(&owners).zip(first_row..) {
            row.write(&mut self.parts.columns, widths);
            if let (None, Some(chosen)) = (row.end, input.chosen.get(*owner as usize)) {
                self.parts.exceptions.push(Exception { row: number, lean: chosen.record });
            }
        }
        self.scratch.rows = rows;
        self.scratch.owners = owners;
        let chain = placement.chain + 1;
        self.parts.leaves.push(Leaf {
            line: number(first_line),
            row: first_row,
            bit,
            x: frame.x,
            address: input.address,
            host: number(host),
            buckets: cut.buckets,
            shape: frame.shape,
            outer_shape: frame.outer,
            port: input.port,
            port_shift: input.port_shift,
            bucket_shift: cut.bucket_shift,
            widths,
        });
        Ok(Region::Leaf {
            line: number(first_line),
            buckets: cut.buckets,
            leaf,
            shape: frame.shape,
            bucket_shift: cut.bucket_shift,
            chain_shift: bits::width(chain - 1).min(31),
        })
    }

    /// What the exact columns keep of a record whose own lane this is.
    fn row(
        &mut self,
        frame: &Frame<'_>,
        geometry: &Geometry,
        piece: &Piece,
        chosen: &Chosen,
    ) -> Row {
        let record = &chosen.record;
        let clock = self.parts.clock;
        let start = clock.step(record.start_microsecond);
        let last = clock.step(record.end_microsecond - 1);
        let outer = &frame.outer_geometry;
        let fine = outer.shape.shift;
        // A part's ticks are coarser than those of its region.
        let coarse = if geometry.shape.units == 0 { geometry.shape.shift } else { 0 };
        let exact = outer.x(frame.input.unit_of(chosen, outer), start).wrapping_sub(frame.x);
        let begin = (exact & bits::mask(coarse)) << fine | start & bits::mask(fine);
        let shift = coarse + fine;
        let step = clock.step_microsecond.cast_signed();
        let is_on_grid = clock.microsecond(start) == record.start_microsecond
            && clock.microsecond(last).checked_add(step) == Some(record.end_microsecond);
        let length = last - start;
        let ticks = u32::try_from(piece.end - piece.x).unwrap_or(u32::MAX);
        let shortest = (least(code(ticks)) << shift).saturating_sub(begin);
        let end = length.checked_sub(shortest).filter(|_| is_on_grid);
        Row {
            begin,
            end,
            host: u64::from(record.inside),
            key: self.key(frame, record, piece.class),
        }
    }

    fn key(&mut self, frame: &Frame<'_>, record: &Lean, class: Class) -> u64 {
        let outer = &frame.outer_geometry;
        let unit = outer.unit(record.first.saturating_sub(frame.input.port));
        let (first, last) = outer.ports(unit, 1 << frame.input.port_shift);
        let (first, last) = (frame.input.port + first, frame.input.port + last);
        let told = match class {
            Class::Tcp => Some(6),
            Class::Udp => Some(17),
            Class::Every => Some(EVERY_PROTOCOL),
            Class::Look => None,
        };
        if (first, last, told) == (record.first, record.last, Some(record.protocol)) {
            return 0;
        }
        let key = Key {
            first: record.first.wrapping_sub(first),
            last: record.last.wrapping_sub(last),
            protocol: record.protocol,
        };
        let next = u32::try_from(self.parts.keys.len() + 1).unwrap_or(u32::MAX);
        let number = *self.key_numbers.entry(key).or_insert(next);
        if number == next {
            self.parts.keys.push(key);
        }
        u64::from(number)
    }

    /// Cuts a stretch that is too dense for its neighbours into parts with lines of their own.
    pub(super) fn node(
        &mut self,
        input: &RegionInput<'_>,
        geometry: &Geometry,
        pieces: &mut Vec<Piece>,
        shift: u8,
    ) -> Result<Region, BuildError> {
        let mut outer = *geometry;
        // Parts choose their own ticks, so x itself is as fine as 56 bits allow.
        let mut fine = shift;
        while fine > 0 {
            let span = super::span(&self.parts.clock, fine - 1);
            let shape = geometry.shape;
            let length = input
                .places()
                .checked_mul(u64::from(shape.units))
                .and_then(|n| n.checked_mul(span))
                .filter(|length| *length < 1 << 56);
            let (Ok(span), Some(length)) = (u32::try_from(span), length) else { break };
            fine -= 1;
            outer = Geometry::new(Shape { span, shift: fine, length, ..shape });
        }
        self.pieces(input, &outer, pieces);
        let shape = self.shape(outer.shape)?;
        self.parts_of(input, &outer, shape, pieces, 0, outer.shape.length)
    }

    /// The parts of a stretch of x that begins at `from`; pieces are in the region's x.
    fn parts_of(
        &mut self,
        input: &RegionInput<'_>,
        outer: &Geometry,
        outer_shape: u16,
        pieces: &[Piece],
        from: u64,
        length: u64,
    ) -> Result<Region, BuildError> {
        let part_shift = bits::width(length.max(2) - 1).saturating_sub(PARTS_SHIFT);
        let parts = length.div_ceil(1 << part_shift);
        let child = self.parts.regions.len();
        let count = usize::try_from(parts).unwrap_or(0);
        self.parts.regions.resize(child + count, Region::EMPTY);
        for (slot, part) in (child..).zip(0..parts) {
            let low = from + (part << part_shift);
            let high = low + ((1 << part_shift) - 1);
            let inside: Vec<Piece> = pieces
                .iter()
                .filter(|p| p.x <= high && p.end >= low)
                .map(|p| Piece {
                    x: p.x.max(low) - low,
                    end: p.end.min(high) - low,
                    is_first: p.is_first && p.x >= low,
                    ..*p
                })
                .collect();
            if inside.is_empty() {
                continue;
            }
            let built = self.part(input, outer, outer_shape, &inside, low, part_shift)?;
            if let Some(region) = self.parts.regions.get_mut(slot) {
                *region = built;
            }
        }
        Ok(Region::Node {
            child: u32::try_from(child).unwrap_or(u32::MAX),
            part_shift,
            parts: u32::try_from(parts).unwrap_or(u32::MAX),
            shape: outer_shape,
        })
    }

    /// One part; its pieces are counted from `low`, in the region's ticks.
    fn part(
        &mut self,
        input: &RegionInput<'_>,
        outer: &Geometry,
        outer_shape: u16,
        pieces: &[Piece],
        low: u64,
        part_shift: u8,
    ) -> Result<Region, BuildError> {
        let mut shift = 0;
        while (1_u64 << part_shift) >> shift > LONGEST {
            shift += 1;
        }
        let mut most_lines = MOST_LINES;
        loop {
            let length = ((1_u64 << part_shift) >> shift).max(1);
            let shape = Shape { span: 0, units: 0, unit_ports: 1, phase: 0, shift, length };
            let geometry = Geometry::new(shape);
            let coarse: Vec<Piece> = pieces
                .iter()
                .map(|p| Piece { x: p.x >> shift, end: p.end >> shift, ..*p })
                .collect();
            let frame = Frame {
                input,
                shape: self.shape(shape)?,
                outer: outer_shape,
                outer_geometry: *outer,
                x: low,
            };
            match self.leaf(&frame, &geometry, &coarse, most_lines)? {
                Outcome::Built(region) => return Ok(region),
                Outcome::TooFine => shift += 1,
                Outcome::TooLong => {
                    if part_shift > PARTS_SHIFT && pays(pieces, part_shift - PARTS_SHIFT) {
                        let absolute: Vec<Piece> = pieces
                            .iter()
                            .map(|p| Piece { x: p.x + low, end: p.end + low, ..*p })
                            .collect();
                        let length = 1 << part_shift;
                        return self.parts_of(input, outer, outer_shape, &absolute, low, length);
                    }
                    // Nothing tells these pieces apart by begin: they share a long chain.
                    most_lines = u64::MAX / 2;
                }
            }
        }
    }
}

/// Whether cutting separates pieces, rather than copying most of them into most parts.
fn pays(pieces: &[Piece], part_shift: u8) -> bool {
    let cut: u64 = pieces.iter().map(|p| (p.end >> part_shift) - (p.x >> part_shift)).sum();
    cut <= pieces.len() as u64
}

/// Whether every start that a question can meet is less than [`REACH`] ticks away from it.
///
/// Walks as the last question of each bucket would: from the bucket's first line on, while a full line spills and its
/// last piece begins no later than the question. Lanes are sorted by begin, so the first lane of the first line and
/// the last lane of the last line are the extremes.
fn is_in_reach(geometry: &Geometry, cut: Cut, lines: &[Extent], placement: Placement) -> bool {
    if geometry.shape.length < REACH {
        return true;
    }
    let mut next = 0;
    (0..u64::from(cut.buckets)).all(|bucket| {
        let low = next;
        let high = geometry.first_of(bucket + 1, cut.buckets).min(geometry.shape.length);
        next = high;
        let mut line = bucket << cut.bucket_shift;
        let extent = |line: u64| lines.get(usize::try_from(line).ok()?).filter(|e| e.count > 0);
        let Some(first) = extent(line).map(|e| e.first) else { return true };
        let mut last = first;
        while let Some(extent) = extent(line) {
            last = extent.last;
            if !extent.spills
                || extent.last >= high
                || line - (bucket << cut.bucket_shift) > placement.chain
            {
                break;
            }
            line += 1;
        }
        high.saturating_sub(first) < REACH && last.saturating_sub(low) < REACH
    })
}

/// What a line holds.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    first: u64,
    last: u64,
    count: u32,
    spills: bool,
}

/// What each line of a placement holds.
fn extents(placed: &[Placed], extents: &mut Vec<Extent>) {
    extents.clear();
    for p in placed {
        let at = usize::try_from(p.line).unwrap_or(usize::MAX);
        if extents.len() <= at {
            if let Some(before) = extents.last_mut().filter(|_| p.home < p.line) {
                before.spills = true;
            }
            extents.resize(at + 1, Extent::default());
        }
        if let Some(extent) = extents.get_mut(at) {
            if extent.count == 0 {
                extent.first = p.piece.x;
            }
            extent.last = p.piece.x;
            extent.count += 1;
        }
    }
}
