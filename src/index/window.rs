//! Ports in a time: every record that could have held any of them at any instant of a range.

use std::net::Ipv4Addr;

use super::clock::Clock;
use super::directory::Plane;
use super::lean::{EVERY_PROTOCOL, Lean};
use super::line::least;
use super::region::{Leaf, Region};
use super::shape::Geometry;
use super::view::{View, position};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::TimeRange;

/// What records must overlap.
#[derive(Clone, Copy, Debug)]
struct Window {
    addr: u32,
    first: u16,
    last: u16,
    protocol: u16,
    start_microsecond: i64,
    end_microsecond: i64,
    /// The steps of the first and of the last instant.
    steps: (u64, u64),
}

impl Window {
    fn new(
        clock: &Clock,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        range: TimeRange,
    ) -> Window {
        let (start, end) = (range.start().as_microsecond(), range.end().as_microsecond());
        Window {
            addr: addr.to_bits(),
            first: ports.first(),
            last: ports.last(),
            protocol: protocol.map_or(EVERY_PROTOCOL, |p| u16::from(p.number())),
            start_microsecond: start,
            end_microsecond: end,
            steps: (clock.step(start), clock.step(end - 1)),
        }
    }

    fn is_met_by(&self, record: &Lean) -> bool {
        record.addr == self.addr
            && record.first <= self.last
            && self.first <= record.last
            && record.start_microsecond < self.end_microsecond
            && self.start_microsecond < record.end_microsecond
            && record.serves(self.protocol)
    }
}

/// Where a scan of a leaf has come to: lines before it were looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    leaf: Option<u32>,
    next_line: u64,
}

impl View<'_> {
    /// Adds the position of every record that could have held any of the ports at any instant of the range, each
    /// once, ascending.
    ///
    /// # Complexity
    ///
    /// The lines that the ports and the range cover, each read once, and a look at the exact columns of the records
    /// that overlap as far as lines tell.
    pub fn during(
        self,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        range: TimeRange,
        hits: &mut Vec<u32>,
    ) {
        let from = hits.len();
        let window = Window::new(&self.clock, addr, ports, protocol, range);
        for plane in self.planes_of(addr) {
            let mut progress = Progress::default();
            let region_of = |port: u16| u32::from(port) >> plane.port_shift;
            for region in region_of(ports.first())..=region_of(ports.last()) {
                self.scan_region(plane, region, &window, &mut progress, hits);
            }
        }
        // A record stands in every bucket and unit that it overlaps.
        let found = hits.split_off(from);
        let mut found = found;
        found.sort_unstable();
        found.dedup();
        hits.append(&mut found);
    }

    fn scan_region(
        self,
        plane: Plane,
        number: u32,
        window: &Window,
        progress: &mut Progress,
        hits: &mut Vec<u32>,
    ) -> Option<()> {
        let region = self.region(u64::from(plane.region) + u64::from(number))?;
        let shape = match region {
            Region::Leaf { buckets: 0, .. } => return None,
            Region::Leaf { shape, .. } | Region::Node { shape, .. } => shape,
        };
        let geometry = self.geometry(shape)?;
        let base = number << plane.port_shift;
        let mask = (1_u32 << plane.port_shift) - 1;
        let first = u32::from(window.first).saturating_sub(base);
        let last = u32::from(window.last).saturating_sub(base).min(mask);
        let unit = |port: u32| geometry.unit(u16::try_from(port).unwrap_or(u16::MAX));
        let place = u64::from(plane.place) * u64::from(geometry.shape.units);
        // Instants of the window in one unit after another; where they touch, as one stretch.
        let mut stretch: Option<(u64, u64)> = None;
        for unit in unit(first)..=unit(last) {
            let low = geometry.x(place + unit, window.steps.0);
            let high = geometry.x(place + unit, window.steps.1);
            stretch = match stretch {
                Some((from, until)) if low <= until + 1 => Some((from, high)),
                Some((from, until)) => {
                    self.scan(region, geometry, from, until, 64, window, progress, hits);
                    Some((low, high))
                }
                None => Some((low, high)),
            };
        }
        let (from, until) = stretch?;
        self.scan(region, geometry, from, until, 64, window, progress, hits)
    }

    /// Scans the stretch of a region; parts are smaller than 2^`most_shift`.
    #[expect(clippy::too_many_arguments, reason = "a recursion that carries its state")]
    fn scan(
        self,
        region: Region,
        geometry: &Geometry,
        low: u64,
        high: u64,
        most_shift: u8,
        window: &Window,
        progress: &mut Progress,
        hits: &mut Vec<u32>,
    ) -> Option<()> {
        match region {
            Region::Leaf { buckets: 0, .. } => None,
            Region::Leaf { line, buckets, leaf, bucket_shift, chain_shift, .. } => {
                let last = geometry.shape.length.saturating_sub(1);
                let at = |x: u64| geometry.bucket(x.min(last), buckets) << bucket_shift;
                let leaf_number = leaf;
                let leaf = self.leaf(leaf)?;
                let line = u64::from(line);
                if progress.leaf != Some(leaf_number) {
                    *progress = Progress { leaf: Some(leaf_number), next_line: 0 };
                }
                // All lines of the buckets, then those that the last one spills into; a forged number of buckets reaches
                // no farther than the lines that there are.
                let behind = line + at(high) + (1 << bucket_shift);
                let behind = behind.min(self.lines.len() as u64);
                let mut number = (line + at(low)).max(progress.next_line);
                while number < behind
                    || number < behind + (1 << chain_shift)
                        && self.line(u32::try_from(number - 1).ok()?)?.spills()
                {
                    self.scan_line(&leaf, geometry, u32::try_from(number).ok()?, window, hits);
                    number += 1;
                }
                progress.next_line = number;
                Some(())
            }
            Region::Node { child, part_shift, parts, .. } => {
                if part_shift >= most_shift || part_shift == 0 {
                    return None;
                }
                let last = u64::from(parts).checked_sub(1)?.min(high >> part_shift);
                for part in low >> part_shift..=last {
                    let base = part << part_shift;
                    let mask = (1_u64 << part_shift) - 1;
                    let from = low.saturating_sub(base);
                    let until = (high - base).min(mask);
                    let region = self.region(u64::from(child) + part)?;
                    let Region::Leaf { shape, .. } = region else {
                        self.scan(
                            region, geometry, from, until, part_shift, window, progress, hits,
                        );
                        continue;
                    };
                    let own = self.geometry(shape)?;
                    let shift = own.shape.shift;
                    let (from, until) = (from >> shift, until >> shift);
                    self.scan(region, own, from, until, 0, window, progress, hits);
                }
                Some(())
            }
        }
    }

    fn scan_line(
        self,
        leaf: &Leaf,
        geometry: &Geometry,
        number: u32,
        window: &Window,
        hits: &mut Vec<u32>,
    ) -> Option<()> {
        let line = self.line(number)?;
        let outer = self.geometry(leaf.outer_shape)?;
        let is_part = geometry.shape.units == 0;
        let mut rest = line.used();
        while rest != 0 {
            let lane = rest.trailing_zeros();
            rest &= rest - 1;
            // What the line alone rules out needs no exact columns; parts of a region are too few to matter.
            if !is_part {
                let (x, code) = self.x(leaf, geometry, number, line, lane);
                let tick = x % u64::from(outer.shape.span.max(1));
                let shift = outer.shape.shift;
                let (first, last) = (window.steps.0 >> shift, window.steps.1 >> shift);
                if tick > last || tick + least(code + 1) <= first {
                    continue;
                }
            }
            let own = position(number, lane);
            let own = if line.copies() >> lane & 1 == 1 {
                let Some(own) = self.own_position(number, lane) else { continue };
                own
            } else {
                own
            };
            if self.lean(own).is_some_and(|record| window.is_met_by(&record)) {
                hits.push(own);
            }
        }
        Some(())
    }
}
