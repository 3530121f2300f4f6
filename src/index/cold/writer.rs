//! Allocations -> cold columns.

use super::columns::{COLUMNS, Columns, PlaceColumns};
use super::dictionary::around;
use super::error::ColdError;
use super::frame::{HEADER, MAGIC};
use super::model::{ColdModel, port_number, release_time};
use super::shape::Shape;
use super::{Known, protocol_number};
use crate::allocation::{Allocation, Place};
use crate::index::packed::TableWriter;

/// Writes the cold columns of allocations, one row after the other.
///
/// # Complexity
///
/// Holds the model, the bytes written and one block of rows.
#[derive(Debug)]
pub struct ColdWriter {
    model: ColdModel,
    rows: TableWriter,
}

impl ColdWriter {
    /// A writer that expects what the model has learned.
    pub fn new(model: ColdModel) -> ColdWriter {
        let head = head(&model);
        ColdWriter { model, rows: TableWriter::behind(head, COLUMNS) }
    }

    /// Appends the row of an allocation.
    ///
    /// # Errors
    ///
    /// [`ColdError::Contradiction`] when address, outer interval or inside host are known otherwise; a packed error
    /// behind `u32::MAX` rows. Nothing was written then.
    pub fn push(&mut self, known: &Known, allocation: &Allocation) -> Result<(), ColdError> {
        let a = allocation;
        if (known.addr, known.outer, known.inside) != (a.addr, a.outer, a.inside) {
            return Err(ColdError::Contradiction { row: self.rows.rows() });
        }
        let columns = self.model.columns(known, allocation);
        Ok(self.rows.push(&columns.to_row())?)
    }

    /// The bytes of all rows, to be read by [`Cold`](super::Cold).
    pub fn finish(self) -> Vec<u8> {
        let mut out = self.rows.finish();
        let length = (out.len() as u64).to_le_bytes();
        if let Some(space) = out.get_mut(40..48) {
            space.copy_from_slice(&length);
        }
        out
    }
}

/// Everything before the rows; the length is not known yet.
fn head(model: &ColdModel) -> Vec<u8> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(HEADER);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&model.frame.flags().to_le_bytes());
    out.extend_from_slice(&count(model.shapes.values().len()));
    out.extend_from_slice(&count(model.ports.values().len()));
    out.extend_from_slice(&count(model.destinations.values().len()));
    out.extend_from_slice(&count(model.sources.len()));
    out.extend_from_slice(&[0; 24]);
    for distance in model.frame.typical.to_array() {
        out.extend_from_slice(&distance.to_le_bytes());
    }
    for source in &model.sources {
        out.extend_from_slice(&source.to_bytes());
    }
    for value in model.destinations.values().iter().chain(model.ports.values()) {
        out.extend_from_slice(&value.to_le_bytes());
    }
    for code in &model.usual {
        out.extend_from_slice(&code.to_le_bytes());
    }
    for shape in model.shapes.values() {
        let [low, high, ..] = shape.to_le_bytes();
        out.extend_from_slice(&[low, high]);
    }
    let knots_at = out.len() as u64;
    let mut knots = TableWriter::behind(out, 1);
    for knot in &model.knots {
        // There are fewer knots than a table has rows: a 32nd of the records, and a few a source.
        let _ = knots.push(&[knot.cast_unsigned()]);
    }
    let mut out = knots.finish();
    let rows_at = out.len() as u64;
    if let Some(space) = out.get_mut(24..32) {
        space.copy_from_slice(&knots_at.to_le_bytes());
    }
    if let Some(space) = out.get_mut(32..40) {
        space.copy_from_slice(&rows_at.to_le_bytes());
    }
    out
}

/// How far `value` lies above `from`, less what is usual.
fn distance(value: i64, from: i64, usual: i64) -> u64 {
    value.wrapping_sub(from).wrapping_sub(usual).cast_unsigned()
}

impl ColdModel {
    fn columns(&self, known: &Known, a: &Allocation) -> Columns {
        let typical = &self.frame.typical;
        let (start, end) = (a.outer.start().as_microsecond(), a.outer.end().as_microsecond());
        let mut c = Columns {
            shape: self.shapes.code(u32::from(Shape::of(a).bits())),
            ports_first: difference(a.ports.first(), known.ports.first()),
            ports_length: u64::from(a.ports.len()).wrapping_sub(u64::from(known.ports.len())),
            protocol: protocol_number(a.protocol).wrapping_sub(protocol_number(known.protocol)),
            used_until: distance(
                end,
                a.used_until.as_microsecond(),
                typical.used_until_of(a.protocol),
            ),
            created: distance(a.created.as_microsecond(), start, typical.created),
            ..Columns::default()
        };
        if let Some(to) = a.destination {
            let addr = to.addr.to_bits();
            c.destination = self.destinations.code(addr);
            let usual = self.destinations.find(addr).and_then(|at| self.usual.get(at as usize));
            let port = self.ports.code(port_number(to.port));
            c.destination_port = around(usual.copied().map_or(0, u64::from), port);
        }
        if let Some(port) = a.inside_port {
            let from = if self.frame.inside_port_relative { a.ports.first() } else { 0 };
            c.inside_port = u64::from(port.wrapping_sub(from));
        }
        if let Some(inner) = a.inner {
            c.inner_start = distance(inner.start().as_microsecond(), start, typical.inner_start);
            c.inner_end = distance(end, inner.end().as_microsecond(), typical.inner_end);
        }
        if let Some(released) = a.released {
            c.released = distance(end, released.as_microsecond(), typical.released);
        }
        let mut near = None;
        if let Some(place) = a.origin.release {
            let (index, columns) = self.place(place, release_time(a), None);
            c.release = columns;
            c.release.length = distance(i64::from(place.span.length), 0, typical.release_length);
            near = Some((index, place)).filter(|_| self.frame.beside);
        }
        if let Some(place) = a.origin.create {
            (_, c.create) = self.place(place, a.created.as_microsecond(), near);
            c.create.length = distance(i64::from(place.span.length), 0, typical.create_length);
        }
        c
    }

    /// A place relative to the record it stands beside, or to where a record of that time is expected.
    fn place(&self, place: Place, at: i64, near: Option<(u64, Place)>) -> (u64, PlaceColumns) {
        let Place { source, span } = place;
        let behind = || self.sources.len() as u64 + u64::from(source.0);
        let index = self.source_codes.get(&source.0).map_or_else(behind, |at| *at as u64);
        let expected = near.map_or_else(|| self.expected_source(at), |(index, _)| index);
        let mut c =
            PlaceColumns { source: index.wrapping_sub(expected), ..PlaceColumns::default() };
        let known = usize::try_from(index).ok().and_then(|at| self.sources.get(at));
        if let Some((_, beside)) = near.filter(|_| c.source == 0) {
            let apart = span.offset.wrapping_sub(beside.span.offset);
            c.offset = apart.wrapping_sub(self.frame.typical.beside.cast_unsigned());
        } else if let Some(source) = known {
            let between = source.find(at);
            let [low, high] = [between.knot, between.knot.wrapping_add(1)].map(|k| self.knot(k));
            let (grains, rest) = source.split(span.offset);
            let expected = source.expect(between, low, high).cast_unsigned();
            (c.offset, c.rest) = (grains.wrapping_sub(expected), rest);
        } else {
            c.offset = span.offset;
        }
        (index, c)
    }
}

fn difference(a: u16, b: u16) -> u64 {
    u64::from(a).wrapping_sub(u64::from(b))
}
