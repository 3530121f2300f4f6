//! Whether an index holds together: every number that a lookup follows.

use super::cold::Cold;
use super::directory::{NONE, Plane};
use super::format::FormatError;
use super::line::Line;
use super::region::{CHUNK_LINES, Region};
use super::view::View;

impl View<'_> {
    /// Follows everything once.
    pub(super) fn verify(self, records: u64) -> Result<(), FormatError> {
        let fail = |what| Err(FormatError::Inconsistent(what));
        let lines = self.lines.len() as u64;
        for plane in self.planes.iter().chain(self.more).filter_map(Plane::from_bytes) {
            let regions = 1_u64 << (16 - plane.port_shift);
            if u64::from(plane.region) + regions > self.regions.len() as u64 {
                return fail("an address names regions that are not there");
            }
            if plane.next != NONE && plane.next as usize >= self.more.len() {
                return fail("an address names a plane that is not there");
            }
        }
        for region in self.regions.iter().map(Region::from_bytes) {
            match region {
                Region::Leaf { buckets: 0, .. } => {}
                Region::Leaf { line, buckets, leaf, shape, bucket_shift, .. } => {
                    let end = u64::from(line) + (u64::from(buckets) << bucket_shift);
                    if end > lines || self.geometry(shape).is_none() || self.leaf(leaf).is_none() {
                        return fail("a region names lines, a leaf or a shape that are not there");
                    }
                }
                Region::Node { child, parts, shape, part_shift } => {
                    let end = u64::from(child) + u64::from(parts);
                    let is_short = end > self.regions.len() as u64 || part_shift == 0;
                    if is_short || self.geometry(shape).is_none() {
                        return fail("a region names parts or a shape that are not there");
                    }
                }
            }
        }
        if self.chunks.len() as u64 != lines.div_ceil(u64::from(CHUNK_LINES)) {
            return fail("the chunks are not those of the lines");
        }
        self.verify_lines(records)?;
        if self.cold.is_empty() {
            return Ok(());
        }
        let cold = Cold::open(self.cold)
            .map_err(|_| FormatError::Inconsistent("the cold columns have no right header"))?;
        if u64::from(cold.rows()) != records {
            return fail("the cold columns have another number of rows");
        }
        cold.verify().map_err(|_| FormatError::Inconsistent("a cold column contradicts itself"))
    }

    fn verify_lines(self, records: u64) -> Result<(), FormatError> {
        let fail = |what| Err(FormatError::Inconsistent(what));
        let (mut rows, mut copies) = (0_u64, 0_usize);
        for (number, bytes) in (0_u32..).zip(self.lines) {
            let line = Line(bytes);
            let Some(chunk) = self.chunk(number) else { return fail("a chunk is missing") };
            let own = line.used() & !line.copies();
            if u64::from(chunk.row) + u64::from(line.row(0)) != rows {
                return fail("a line counts its rows wrongly");
            }
            if line.copies() & !line.used() != 0 {
                return fail("a line has a copy in a lane that is not in use");
            }
            for lane in (0..12).filter(|lane| line.used() >> lane & 1 == 1) {
                let position = number << 4 | lane;
                if own >> lane & 1 == 1 {
                    rows += 1;
                    if self.lean(position).is_none() {
                        return fail("a record cannot be read");
                    }
                } else {
                    copies += 1;
                    let own = self.own_position(number, lane);
                    if own.is_none_or(|own| own >= position || self.row(own).is_none()) {
                        return fail("a copy names no record before it");
                    }
                }
            }
        }
        if rows != records || copies != self.copies.len() {
            return fail("it has more or fewer records than its header says");
        }
        Ok(())
    }
}
