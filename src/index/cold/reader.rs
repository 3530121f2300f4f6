//! Cold columns -> allocations.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::columns::{COLUMNS, Columns, NAMES, PlaceColumns};
use super::curve::Source;
use super::dictionary::from_around;
use super::error::ColdError;
use super::frame::{Frame, HEADER, MAGIC, Typical};
use super::shape::Shape;
use super::{Known, protocol_number};
use crate::allocation::{Allocation, Destination, Origin, Place, SourceId, Span};
use crate::index::packed::{Table, u32_at, u64_at};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

/// Cold columns, read where they lie.
///
/// A view: cheap to copy, and cheap enough to open for every question.
#[derive(Clone, Copy, Debug)]
pub struct Cold<'a> {
    frame: Frame,
    sources: &'a [u8],
    destinations: &'a [u8],
    ports: &'a [u8],
    usual: &'a [u8],
    shapes: &'a [u8],
    knots: Table<'a>,
    rows: Table<'a>,
    /// Where the rows begin.
    rows_at: usize,
}

impl<'a> Cold<'a> {
    /// Reads the header; `bytes` are the cold columns and nothing else.
    ///
    /// # Errors
    ///
    /// [`ColdError::Header`] or [`ColdError::Packed`] when they cannot be.
    ///
    /// # Complexity
    ///
    /// Constant: rows, dictionaries and knots are looked at when they are asked for.
    pub fn open(bytes: &'a [u8]) -> Result<Cold<'a>, ColdError> {
        let header = |what| ColdError::Header { what };
        let short = || header("the header is cut short");
        if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(header("they do not begin like those of this version"));
        }
        let count = |at| u32_at(bytes, at).and_then(|n| usize::try_from(n).ok()).ok_or_else(short);
        let offset = |at| u64_at(bytes, at).and_then(|n| usize::try_from(n).ok());
        let flags = u32_at(bytes, 4).ok_or_else(short)?;
        let (shapes, ports, destinations, sources) =
            (count(8)?, count(12)?, count(16)?, count(20)?);
        let (knots_at, rows_at, length) = (
            offset(24).ok_or_else(short)?,
            offset(32).ok_or_else(short)?,
            offset(40).ok_or_else(short)?,
        );
        if length != bytes.len() {
            return Err(header("they are shorter or longer than the header says"));
        }
        let typical = Typical::read(bytes, 48).ok_or_else(short)?;
        let frame = Frame::new(flags, typical)
            .ok_or_else(|| header("they have flags of a later version"))?;
        let mut rest = bytes.get(HEADER..knots_at).ok_or_else(short)?;
        let mut part = |count: usize, width: usize| {
            let (part, behind) = rest.split_at_checked(count.checked_mul(width)?)?;
            rest = behind;
            Some(part)
        };
        let outside = || header("a dictionary lies outside");
        let sources = part(sources, Source::WIDTH).ok_or_else(outside)?;
        let addresses = part(destinations, 4).ok_or_else(outside)?;
        let ports = part(ports, 4).ok_or_else(outside)?;
        let usual = part(destinations, 2).ok_or_else(outside)?;
        let shapes = part(shapes, 2).ok_or_else(outside)?;
        if !rest.is_empty() {
            return Err(header("there are bytes between the dictionaries and the knots"));
        }
        let knots = bytes.get(knots_at..rows_at).ok_or_else(outside)?;
        let knots = Table::open(knots)?;
        let rows = Table::open(bytes.get(rows_at..).ok_or_else(outside)?)?;
        if knots.columns() != 1 || rows.columns() != COLUMNS {
            return Err(header("a table has another number of columns"));
        }
        Ok(Cold {
            frame,
            sources,
            destinations: addresses,
            ports,
            usual,
            shapes,
            knots,
            rows,
            rows_at,
        })
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.rows.rows()
    }

    /// The allocation of a row; none when there is no such row, or when its bytes are damaged and make none.
    ///
    /// `known` must be what [`ColdWriter::push`](super::ColdWriter::push) was given.
    #[inline]
    pub fn get(&self, row: u32, known: &Known) -> Option<Allocation> {
        let mut numbers = [0; COLUMNS];
        if !self.rows.get(row, &mut numbers) {
            return None;
        }
        self.allocation(&Columns::from_row(numbers), known)
    }

    /// Where the packed rows lie in the bytes; all else is small.
    pub(in crate::index) fn packed_rows(&self) -> Range<usize> {
        let packed = self.rows.packed();
        self.rows_at + packed.start..self.rows_at + packed.end
    }

    /// The bytes of the rows among which a row is packed; none where there is no such row.
    pub(in crate::index) fn bytes_of(&self, row: u32) -> Option<Range<usize>> {
        let bytes = self.rows.bytes_of(row)?;
        Some(self.rows_at + bytes.start..self.rows_at + bytes.end)
    }

    /// Looks at everything: both tables, the dictionaries, and whether each row names what is there.
    ///
    /// # Errors
    ///
    /// The first thing that does not hold together.
    ///
    /// # Complexity
    ///
    /// Reads every row once.
    pub fn verify(&self) -> Result<(), ColdError> {
        self.knots.verify()?;
        self.rows.verify()?;
        let header = |what| ColdError::Header { what };
        let mut last = None;
        for bytes in self.sources.chunks_exact(Source::WIDTH) {
            let source = Source::read(bytes).ok_or_else(|| header("a source is cut short"))?;
            let end = u64::from(source.knot) + u64::from(source.stretches) + 1;
            if end > u64::from(self.knots.rows())
                || source.stretches == 0
                || source.grain == 0
                || u32_at(bytes, 4) != Some(source.shift)
            {
                return Err(header("a source has no knots"));
            }
            if last >= Some((source.begin, source.id)) {
                return Err(header("its sources are out of order"));
            }
            last = Some((source.begin, source.id));
        }
        let mut numbers = [0; COLUMNS];
        for row in 0..self.rows() {
            let error = |what| ColdError::Row { row, what };
            if !self.rows.get(row, &mut numbers) {
                return Err(error("it cannot be read"));
            }
            let columns = Columns::from_row(numbers);
            let shape = self.shape(columns.shape).ok_or_else(|| error("it has no shape"))?;
            if shape.has_destination() && self.destination(&columns).is_none() {
                return Err(error("its destination is none"));
            }
            if shape.has_inside_port() && u16::try_from(columns.inside_port).is_err() {
                return Err(error("its inside port is none"));
            }
        }
        Ok(())
    }

    /// How many bits each column takes, by name, headers left out.
    ///
    /// # Complexity
    ///
    /// Walks over all blocks.
    pub fn column_bits(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.rows.column_bits())
    }

    /// Bytes of the parts beside the rows: dictionaries and sources, knots.
    pub fn overhead_bytes(&self) -> (usize, usize) {
        let parts = [self.sources, self.destinations, self.ports, self.usual, self.shapes];
        (parts.iter().map(|p| p.len()).sum(), self.knots.bytes())
    }

    fn shape(&self, code: u64) -> Option<Shape> {
        let count = (self.shapes.len() / 2) as u64;
        let bits = match code.checked_sub(count) {
            Some(bits) => bits,
            None => u64::from(u16_at(self.shapes, code)?),
        };
        Shape::from_bits(bits)
    }

    fn destination(&self, c: &Columns) -> Option<Destination> {
        let count = (self.destinations.len() / 4) as u64;
        let (addr, usual) = match c.destination.checked_sub(count) {
            Some(addr) => (u32::try_from(addr).ok()?, 0),
            None => {
                (value_at(self.destinations, c.destination)?, u16_at(self.usual, c.destination)?)
            }
        };
        let code = from_around(u64::from(usual), c.destination_port);
        let number = match code.checked_sub((self.ports.len() / 4) as u64) {
            Some(number) => u32::try_from(number).ok()?,
            None => value_at(self.ports, code)?,
        };
        let port = match number.checked_sub(1) {
            None => None,
            Some(port) => Some(u16::try_from(port).ok()?),
        };
        Some(Destination { addr: Ipv4Addr::from_bits(addr), port })
    }

    fn allocation(&self, c: &Columns, known: &Known) -> Option<Allocation> {
        let typical = &self.frame.typical;
        let shape = self.shape(c.shape)?;
        let (start, end) = (known.outer.start(), known.outer.end());
        let first = u64::from(known.ports.first()).wrapping_add(c.ports_first);
        let length = u64::from(known.ports.len()).wrapping_add(c.ports_length);
        let last = first.wrapping_add(length).wrapping_sub(1);
        let first = u16::try_from(first).ok()?;
        let inside_port = if shape.has_inside_port() {
            let from = if self.frame.inside_port_relative { first } else { 0 };
            Some(u16::try_from(c.inside_port).ok()?.wrapping_add(from))
        } else {
            None
        };
        let inner = if shape.has_inner() {
            let start = above(start, c.inner_start, typical.inner_start);
            Some(TimeRange::new(start, below(end, c.inner_end, typical.inner_end)).ok()?)
        } else {
            None
        };
        let created = above(start, c.created, typical.created);
        let released = shape.has_released().then(|| below(end, c.released, typical.released));
        let destination = if shape.has_destination() { Some(self.destination(c)?) } else { None };
        let protocol = protocol_number(known.protocol).wrapping_add(c.protocol);
        let protocol = match protocol.checked_sub(1) {
            None => None,
            Some(number) => Some(Protocol::new(u8::try_from(number).ok()?)),
        };
        Some(Allocation {
            addr: known.addr,
            ports: PortRange::new(first, u16::try_from(last).ok()?).ok()?,
            protocol,
            destination,
            inside: known.inside,
            inside_port,
            grain: shape.grain(),
            outer: known.outer,
            inner,
            used_until: below(end, c.used_until, typical.used_until_of(protocol)),
            created,
            released,
            began: shape.began(),
            ended: shape.ended(),
            origin: self.origin(c, shape, created, released.unwrap_or(end))?,
        })
    }

    fn origin(
        &self,
        c: &Columns,
        shape: Shape,
        created: Timestamp,
        released: Timestamp,
    ) -> Option<Origin> {
        let typical = &self.frame.typical;
        let (mut origin, mut near) = (Origin::default(), None);
        if shape.has_release() {
            let (index, place) = self.place(&c.release, released, None, typical.release_length)?;
            origin.release = Some(place);
            near = Some((index, place)).filter(|_| self.frame.beside);
        }
        if shape.has_create() {
            let (_, place) = self.place(&c.create, created, near, typical.create_length)?;
            origin.create = Some(place);
        }
        Some(origin)
    }

    /// The inverse of what the writer does with a place: the position of its source, and the place.
    fn place(
        &self,
        c: &PlaceColumns,
        at: Timestamp,
        near: Option<(u64, Place)>,
        usual_length: i64,
    ) -> Option<(u64, Place)> {
        let at = at.as_microsecond();
        let expected = near.map_or_else(|| self.expected_source(at), |(index, _)| index);
        let index = expected.wrapping_add(c.source);
        let known = self.source(index);
        let id = match known {
            Some(source) => source.id,
            None => u32::try_from(index.checked_sub(self.source_count())?).ok()?,
        };
        let offset = if let Some((_, beside)) = near.filter(|_| c.source == 0) {
            let apart = c.offset.wrapping_add(self.frame.typical.beside.cast_unsigned());
            beside.span.offset.wrapping_add(apart)
        } else if let Some(source) = known {
            let between = source.find(at);
            let [low, high] = self.knots.pair(between.knot).map(u64::cast_signed);
            let expected = source.expect(between, low, high).cast_unsigned();
            source.join(expected.wrapping_add(c.offset), c.rest)
        } else {
            c.offset
        };
        let length = c.length.wrapping_add(usual_length.cast_unsigned());
        let span = Span { offset, length: u32::try_from(length).ok()? };
        Some((index, Place { source: SourceId(id), span }))
    }

    fn source_count(&self) -> u64 {
        (self.sources.len() / Source::WIDTH) as u64
    }

    fn source(&self, index: u64) -> Option<Source> {
        let at = usize::try_from(index).ok()?.checked_mul(Source::WIDTH)?;
        Source::read(self.sources.get(at..)?)
    }

    /// Which source a record of that time is expected to be of.
    fn expected_source(&self, at: i64) -> u64 {
        let (mut low, mut high) = (0, self.sources.len() / Source::WIDTH);
        while low < high {
            let middle = low + (high - low) / 2;
            let begin = u64_at(self.sources, middle * Source::WIDTH + Source::BEGIN);
            if begin.is_some_and(|begin| begin.cast_signed() <= at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low as u64).saturating_sub(1)
    }
}

fn u16_at(bytes: &[u8], at: u64) -> Option<u16> {
    let at = usize::try_from(at).ok()?.checked_mul(2)?;
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn value_at(bytes: &[u8], at: u64) -> Option<u32> {
    u32_at(bytes, usize::try_from(at).ok()?.checked_mul(4)?)
}

fn above(from: Timestamp, column: u64, usual: i64) -> Timestamp {
    let distance = column.cast_signed().wrapping_add(usual);
    Timestamp::from_microsecond(from.as_microsecond().wrapping_add(distance))
}

fn below(from: Timestamp, column: u64, usual: i64) -> Timestamp {
    let distance = column.cast_signed().wrapping_add(usual);
    Timestamp::from_microsecond(from.as_microsecond().wrapping_sub(distance))
}
