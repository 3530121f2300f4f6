//! Building: records by address, addresses into regions, regions into lines.
//!
//! Nothing here is fast by trick: records are grouped by address, then by region, then sorted inside the caches.

mod grain;
mod leaf;
mod partition;
mod place;
mod plan;

use std::collections::HashMap;

use self::grain::clock_of;
use self::place::Piece;
use self::plan::{Grid, PlanePlan};
use super::bits::BitWriter;
use super::clock::Clock;
use super::directory::{NONE, Plane};
use super::exact::{Exception, Key};
use super::lean::Lean;
use super::line::{Class, LONGEST};
use super::region::{Chunk, Leaf, Region};
use super::shape::{Geometry, Shape, span};

/// How full lines are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuildOptions {
    /// Lanes in use of the twelve a line has, on average, 1 to 12. More make a smaller index in which more
    /// questions read a second line. The default is 8.6.
    pub lanes_a_line: f64,
}

impl Default for BuildOptions {
    fn default() -> BuildOptions {
        BuildOptions { lanes_a_line: 8.6 }
    }
}

/// Why records cannot be indexed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There are more lines than a position can count.
    #[error(
        "{lines} lines are more than the {} of one index: put the records into several segments",
        super::view::MOST_LINES
    )]
    TooManyLines {
        /// How many there would be.
        lines: u64,
    },
    /// There are more different block layouts than a descriptor can number.
    #[error("there are more than 65,536 block layouts: put the records into several segments")]
    TooManyShapes,
    /// A record could not be written beside its row; without it every later row would be another's.
    #[error("a record cannot be written to the cold columns: {why}")]
    Cold {
        /// Why.
        why: String,
    },
    /// There are more records than a row can count.
    #[error("{records} records are more than the 4,294,967,295 of one index: use several segments")]
    TooManyRecords {
        /// How many there are.
        records: usize,
    },
}

/// All parts of an index, before they become bytes.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) clock: Clock,
    pub(super) lines: Vec<[u8; 64]>,
    pub(super) regions: Vec<Region>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) chunks: Vec<Chunk>,
    /// Positions of copies and of the records' own lanes.
    pub(super) copies: Vec<(u32, u32)>,
    pub(super) columns: BitWriter,
    pub(super) exceptions: Vec<Exception>,
    pub(super) keys: Vec<Key>,
    pub(super) shapes: Vec<Shape>,
    /// The first plane of each address, ascending by address.
    pub(super) planes: Vec<Plane>,
    /// The further planes.
    pub(super) more: Vec<Plane>,
    /// For each row the number of the record as it was given.
    pub(super) order: Vec<u32>,
}

/// Builds the parts of an index.
pub(super) fn build(mut records: Vec<Lean>, options: BuildOptions) -> Result<Parts, BuildError> {
    let count = records.len();
    for (input, record) in (0..u32::MAX).zip(&mut records) {
        record.input = input;
    }
    if u32::try_from(count).is_err() {
        return Err(BuildError::TooManyRecords { records: count });
    }
    let clock = clock_of(&records);
    let grouped = partition::group(records);
    let mut builder = Builder::new(clock, options);
    builder.parts.order.reserve_exact(count);
    builder.parts.lines.reserve(count / 8 + count / 64);
    let records_of = |at: usize| {
        let (from, until) = (grouped.bounds.get(at)?, grouped.bounds.get(at + 1)?);
        grouped.records.get(*from..*until)
    };
    let mut at = 0;
    while let Some(records) = records_of(at) {
        let plans = plan::plan(records);
        let mut until = at + 1;
        let mut group = records.len();
        // Light addresses of one layout share regions, or a line each would be their price.
        if let (true, [plan]) = (records.len() < plan::LIGHT, plans.as_slice()) {
            let mates = |next: &[Lean]| {
                next.len() < plan::LIGHT
                    && matches!(plan::plan(next).as_slice(), [other] if other.grid == plan.grid)
            };
            while group < 4096 && until - at < 65_535 {
                let Some(next) = records_of(until).filter(|next| mates(next)) else { break };
                group += next.len();
                until += 1;
            }
        }
        let from = grouped.bounds.get(at).copied().unwrap_or(0);
        let members = grouped.records.get(from..from + group).unwrap_or_default();
        let addresses = grouped.addresses.get(at..until).unwrap_or_default();
        builder.addresses(at, addresses, members, &plans)?;
        at = until;
    }
    Ok(builder.parts)
}

/// A record of a region: a copy, so that what is built from many of them reads memory in order.
#[derive(Clone, Copy, Debug, Default)]
struct Chosen {
    record: Lean,
    /// Which of the members it is.
    member: u32,
    /// The place of its address.
    place: u32,
}

/// What a region is built from.
struct RegionInput<'a> {
    /// What lies in it.
    chosen: &'a [Chosen],
    /// The addresses that share it.
    addresses: &'a [u32],
    /// The number of its first address.
    address: u32,
    /// Its first port.
    port: u16,
    port_shift: u8,
}

impl RegionInput<'_> {
    fn places(&self) -> u64 {
        self.addresses.len() as u64
    }

    /// The unit in which a record's first port of the region lies.
    fn unit_of(&self, chosen: &Chosen, geometry: &Geometry) -> u64 {
        u64::from(chosen.place) * u64::from(geometry.shape.units)
            + geometry.unit(chosen.record.first.saturating_sub(self.port))
    }
}

struct Builder {
    parts: Parts,
    lanes_a_line: f64,
    shape_numbers: HashMap<Shape, u16>,
    key_numbers: HashMap<Key, u32>,
    /// The position of each member's own lane.
    positions: Vec<u32>,
    /// The records of the plane at hand, region by region.
    chosen: Vec<Chosen>,
    scratch: leaf::Scratch,
}

impl Builder {
    fn new(clock: Clock, options: BuildOptions) -> Builder {
        Builder {
            parts: Parts { clock, ..Parts::default() },
            lanes_a_line: options.lanes_a_line.clamp(1.0, 12.0),
            shape_numbers: HashMap::new(),
            key_numbers: HashMap::new(),
            positions: Vec::new(),
            chosen: Vec::new(),
            scratch: leaf::Scratch::default(),
        }
    }

    /// Builds the planes of addresses that share their regions: mostly one address.
    fn addresses(
        &mut self,
        number: usize,
        addresses: &[u32],
        members: &[Lean],
        plans: &[PlanePlan],
    ) -> Result<(), BuildError> {
        self.positions.clear();
        self.positions.resize(members.len(), u32::MAX);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        for (at, plan) in plans.iter().enumerate() {
            let first = u32::try_from(self.parts.regions.len()).unwrap_or(u32::MAX);
            self.plane(number, addresses, members, plan)?;
            for (place, addr) in (0_u16..).zip(addresses) {
                let mut plane = Plane {
                    addr: *addr,
                    region: first,
                    place,
                    port_shift: plan.port_shift,
                    next: NONE,
                };
                if at == 0 {
                    if plans.len() > 1 {
                        plane.next = u32::try_from(self.parts.more.len()).unwrap_or(NONE);
                    }
                    self.parts.planes.push(plane);
                } else {
                    if at + 1 < plans.len() {
                        plane.next = u32::try_from(self.parts.more.len() + 1).unwrap_or(NONE);
                    }
                    self.parts.more.push(plane);
                }
            }
        }
        Ok(())
    }

    fn plane(
        &mut self,
        address: u32,
        addresses: &[u32],
        members: &[Lean],
        plan: &PlanePlan,
    ) -> Result<(), BuildError> {
        let regions = 1_usize << (16 - plan.port_shift);
        let region_of = |port: u16| usize::from(port) >> plan.port_shift;
        // Counting sort: members by region, those that span several in each.
        let mut bounds = vec![0_usize; regions + 1];
        let spans = |r: &Lean| region_of(r.first)..=region_of(r.last);
        for record in members.iter().filter(|r| plan.holds(r)) {
            for region in spans(record) {
                if let Some(count) = bounds.get_mut(region + 1) {
                    *count += 1;
                }
            }
        }
        let mut sum = 0;
        for bound in &mut bounds {
            sum += *bound;
            *bound = sum;
        }
        let mut chosen = std::mem::take(&mut self.chosen);
        chosen.clear();
        chosen.resize(sum, Chosen::default());
        let mut next = bounds.clone();
        let mut place = 0_u32;
        for (at, record) in (0_u32..).zip(members) {
            while addresses.get(place as usize).is_some_and(|addr| *addr != record.addr) {
                place += 1;
            }
            if !plan.holds(record) {
                continue;
            }
            for region in spans(record) {
                if let Some(slot) = next.get_mut(region) {
                    if let Some(to) = chosen.get_mut(*slot) {
                        *to = Chosen { record: *record, member: at, place };
                    }
                    *slot += 1;
                }
            }
        }
        let first = self.parts.regions.len();
        self.parts.regions.resize(first + regions, Region::EMPTY);
        for (region, bound) in bounds.windows(2).enumerate() {
            let &[from, until] = bound else { continue };
            let chosen = chosen.get(from..until).unwrap_or_default();
            if chosen.is_empty() {
                continue;
            }
            let port = u16::try_from(region << plan.port_shift).unwrap_or(0);
            let input =
                RegionInput { chosen, addresses, address, port, port_shift: plan.port_shift };
            let built = self.region(&input, plan.grid)?;
            if let Some(slot) = self.parts.regions.get_mut(first + region) {
                *slot = built;
            }
        }
        self.chosen = chosen;
        Ok(())
    }

    /// Builds a region: the finest ticks that its lines allow; parts of their own for what is too dense.
    fn region(
        &mut self,
        input: &RegionInput<'_>,
        grid: Option<Grid>,
    ) -> Result<Region, BuildError> {
        let grid = grid.unwrap_or_else(|| {
            plan::grid(input.chosen.iter().map(|c| &c.record), u32::from(input.port))
        });
        let clock = self.parts.clock;
        let mut shift = 0_u8;
        let geometry = |shift: u8| {
            let ports = (1_u32 << input.port_shift) + u32::from(grid.phase);
            let units = ports.div_ceil(grid.unit_ports);
            let span = span(&clock, shift);
            Geometry::new(Shape {
                span: u32::try_from(span).unwrap_or(u32::MAX),
                units,
                unit_ports: grid.unit_ports,
                phase: grid.phase,
                shift,
                length: input.places() * u64::from(units) * span,
            })
        };
        while span(&clock, shift) > LONGEST + 1 || geometry(shift).shape.length >= 1 << 56 {
            shift += 1;
        }
        // Where a line stands for much of x, ticks must be coarse; begin near where that will end.
        let lines = input.chosen.len() as u64 / 8 + 1;
        while geometry(shift).shape.length / lines > leaf::FINE {
            shift += 1;
        }
        let mut pieces = std::mem::take(&mut self.scratch.pieces);
        self.pieces(input, &geometry(shift), &mut pieces);
        let built = loop {
            let geometry = geometry(shift);
            let frame = leaf::Frame {
                input,
                shape: self.shape(geometry.shape)?,
                outer: self.shape(geometry.shape)?,
                outer_geometry: geometry,
                x: 0,
            };
            match self.leaf(&frame, &geometry, &pieces, leaf::MOST_LINES)? {
                leaf::Outcome::Built(region) => break Ok(region),
                leaf::Outcome::TooFine => {
                    place::coarsen(&mut pieces, geometry.shape.span, &clock, shift + 1);
                    shift += 1;
                }
                leaf::Outcome::TooLong => {
                    break self.node(input, &geometry, &mut pieces, shift);
                }
            }
        };
        pieces.clear();
        self.scratch.pieces = pieces;
        built
    }

    /// The pieces of a region, sorted.
    fn pieces(&mut self, input: &RegionInput<'_>, geometry: &Geometry, pieces: &mut Vec<Piece>) {
        pieces.clear();
        let clock = self.parts.clock;
        let region_last = input.port + u16::try_from((1_u32 << input.port_shift) - 1).unwrap_or(0);
        for (at, Chosen { record, place, .. }) in (0_u32..).zip(input.chosen) {
            let start = clock.step(record.start_microsecond);
            let end = clock.step(record.end_microsecond - 1);
            let first = record.first.max(input.port) - input.port;
            let last = record.last.min(region_last) - input.port;
            let base = u64::from(*place) * u64::from(geometry.shape.units);
            let (from, until) = (geometry.unit(first), geometry.unit(last));
            for unit in from..=until {
                let ports = geometry.ports(unit, 1 << input.port_shift);
                let whole = record.holds_port(input.port + ports.0)
                    && record.holds_port(input.port + ports.1);
                let class = if whole { Class::of(record.protocol) } else { Class::Look };
                pieces.push(Piece {
                    x: geometry.x(base + unit, start),
                    end: geometry.x(base + unit, end),
                    record: at,
                    class,
                    is_first: record.first >= input.port && unit == from,
                });
            }
        }
        place::sort(
            pieces,
            geometry.shape.length,
            &mut self.scratch.keys,
            &mut self.scratch.sorted,
        );
    }

    fn shape(&mut self, shape: Shape) -> Result<u16, BuildError> {
        if let Some(number) = self.shape_numbers.get(&shape) {
            return Ok(*number);
        }
        let number =
            u16::try_from(self.parts.shapes.len()).map_err(|_| BuildError::TooManyShapes)?;
        self.parts.shapes.push(shape);
        self.shape_numbers.insert(shape, number);
        Ok(number)
    }
}
