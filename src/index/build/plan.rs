//! How the ports of an address are cut: into planes by size of record, regions by density, units by the commonest block.

use crate::index::lean::Lean;

/// The records of a plane have from 2^`low` down to more than 2^(`low` - 1) ports, up to the same of `high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlanePlan {
    pub(super) low: u8,
    pub(super) high: u8,
    /// 2^this ports a region.
    pub(super) port_shift: u8,
    /// The units of the whole plane, where they are not chosen region by region.
    pub(super) grid: Option<Grid>,
}

impl PlanePlan {
    pub(super) fn holds(&self, record: &Lean) -> bool {
        (self.low..=self.high).contains(&class(record))
    }
}

/// Where the units of a region lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Grid {
    pub(super) unit_ports: u32,
    pub(super) phase: u16,
}

/// Addresses with fewer records share regions.
pub(super) const LIGHT: usize = 192;
/// Records that a region should have at least.
const ENOUGH: usize = 512;
/// Records that a region should have at most.
const PLENTY: usize = 8192;

fn size(record: &Lean) -> u32 {
    u32::from(record.last.saturating_sub(record.first)) + 1
}

/// The logarithm of the number of ports, rounded up: 0 to 16.
fn class(record: &Lean) -> u8 {
    (32 - (size(record) - 1).leading_zeros()).to_le_bytes()[0]
}

/// Cuts the ports of an address.
pub(super) fn plan(records: &[Lean]) -> Vec<PlanePlan> {
    let mut counts = [0_usize; 17];
    for record in records {
        if let Some(count) = counts.get_mut(usize::from(class(record))) {
            *count += 1;
        }
    }
    let mut present = (0_u8..).zip(counts).filter(|(_, count)| *count > 0);
    if records.len() < LIGHT {
        let low = present.next().map_or(0, |(class, _)| class);
        let high = present.last().map_or(low, |(class, _)| class);
        let grid = if low == high {
            grid(records.iter(), 0)
        } else {
            // Wide enough for the widest: exact ports decide.
            Grid { unit_ports: 1 << high, phase: 0 }
        };
        // Every size is at home here, so that addresses of one grid can share a region.
        return vec![PlanePlan { low: 0, high: 16, port_shift: 16, grid: Some(grid) }];
    }
    let mut planes: Vec<(PlanePlan, usize)> = Vec::new();
    for (class, count) in present {
        let minor = |n: usize| n * 20 < records.len();
        match planes.last_mut() {
            // A few odd sizes beside a common one cost copies or exact looks; a plane of their own costs every
            // question a line.
            Some((plane, own))
                if plane.low > 0 && class - plane.low <= 3 && (minor(count) || minor(*own)) =>
            {
                plane.high = class;
                *own += count;
            }
            _ => {
                planes.push((
                    PlanePlan { low: class, high: class, port_shift: 0, grid: None },
                    count,
                ));
            }
        }
    }
    let shape = |(mut plane, count): (PlanePlan, usize)| {
        let whole = plane;
        let members = || records.iter().filter(|r| whole.holds(r));
        if plane.high == 0 {
            plane.grid = Some(Grid { unit_ports: 1, phase: 0 });
            plane.port_shift = even_density(members(), count);
        } else {
            plane.port_shift = block_regions(&whole, members, count);
        }
        plane
    };
    planes.into_iter().map(shape).collect()
}

/// The largest regions in which single ports are still about equally busy.
fn even_density<'a>(records: impl Iterator<Item = &'a Lean>, count: usize) -> u8 {
    let mut shift: u8 = 0;
    while shift < 16 && count >> (16 - shift) < ENOUGH {
        shift += 1;
    }
    let mut cells = vec![0_usize; 1 << (16 - shift)];
    for record in records {
        if let Some(cell) = cells.get_mut((u32::from(record.first) >> shift) as usize) {
            *cell += 1;
        }
    }
    while shift < 16 && count >> (15 - shift) <= PLENTY {
        // Neighbours that are equally busy differ by Poisson noise, whose index of dispersion is 1.
        let (mut dispersion, mut pairs) = (0.0, 0.0);
        let (twos, _) = cells.as_chunks::<2>();
        for &[a, b] in twos {
            if a + b > 0 {
                dispersion += to_f64(a.abs_diff(b)).powi(2) / to_f64(a + b);
                pairs += 1.0;
            }
        }
        if dispersion > 2.5 * pairs {
            break;
        }
        cells = twos.iter().map(|[a, b]| a + b).collect();
        shift += 1;
    }
    shift
}

fn to_f64(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}

/// Regions for blocks: by density, but no larger than the runs of one block size.
fn block_regions<'a, I: Iterator<Item = &'a Lean> + Clone>(
    plane: &PlanePlan,
    members: impl Fn() -> I,
    count: usize,
) -> u8 {
    let mut shift: u8 = 16;
    while shift > plane.high && count >> (16 - shift) > PLENTY {
        shift -= 1;
    }
    let whole = grid(members(), 0);
    let fitting = members().filter(|r| size(r) == whole.unit_ports).count();
    if fitting * 10 < count * 9 { shift.min(12.max(plane.high)) } else { shift }
}

/// The commonest block of some records, and where it lies in a region that begins at `base`.
pub(super) fn grid<'a>(records: impl Iterator<Item = &'a Lean> + Clone, base: u32) -> Grid {
    let unit_ports = commonest(records.clone().map(size)).unwrap_or(1);
    let offset = |r: &Lean| (u32::from(r.first) + unit_ports - base % unit_ports) % unit_ports;
    let offset = commonest(records.filter(|r| size(r) == unit_ports).map(offset)).unwrap_or(0);
    let phase = u16::try_from((unit_ports - offset) % unit_ports).unwrap_or(0);
    Grid { unit_ports, phase }
}

/// The commonest value among the first few different ones.
fn commonest(values: impl Iterator<Item = u32>) -> Option<u32> {
    let mut counts: Vec<(u32, usize)> = Vec::new();
    for value in values {
        if let Some((_, count)) = counts.iter_mut().find(|(seen, _)| *seen == value) {
            *count += 1;
        } else if counts.len() < 32 {
            counts.push((value, 1));
        }
    }
    // The smaller of equals, so that the choice does not hang on the order of the records.
    counts
        .into_iter()
        .max_by_key(|&(value, count)| (count, u32::MAX - value))
        .map(|(value, _)| value)
}
