//! Learning the curve of a source from its lines.

use super::curve::Source;
use super::sample::Sample;

/// How many lines of a source share a knot: more knots cost more than the nearer line saves.
const LINES_A_KNOT: u64 = 48;

/// What the lines of a source are like.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    count: u64,
    /// The offset that came first, which the grid is counted from.
    anchor: u64,
    lowest: u64,
    grain: u64,
    earliest: i64,
    latest: i64,
    /// The grid of the stamps, as an exponent of 1,000.
    coarse: u32,
    stamps: Sample,
}

impl Lines {
    pub(super) fn push(&mut self, at: i64, offset: u64) {
        if self.count == 0 {
            (self.anchor, self.lowest) = (offset, offset);
            (self.earliest, self.latest, self.coarse) = (at, at, 2);
        }
        self.count += 1;
        self.lowest = self.lowest.min(offset);
        if self.grain != 1 {
            self.grain = gcd(self.grain, offset.abs_diff(self.anchor));
        }
        self.earliest = self.earliest.min(at);
        self.latest = self.latest.max(at);
        while self.coarse > 0 && at % 1_000_i64.pow(self.coarse) != 0 {
            self.coarse -= 1;
        }
        self.stamps.push(at);
    }

    /// Takes in other lines of the same source.
    pub(super) fn merge(&mut self, other: &Lines) {
        if self.count == 0 {
            self.clone_from(other);
        } else if other.count > 0 {
            self.count += other.count;
            self.lowest = self.lowest.min(other.lowest);
            let apart = gcd(other.grain, self.anchor.abs_diff(other.anchor));
            self.grain = gcd(self.grain, apart);
            self.earliest = self.earliest.min(other.earliest);
            self.latest = self.latest.max(other.latest);
            self.coarse = self.coarse.min(other.coarse);
            self.stamps.append(&other.stamps);
        }
    }

    /// The times that most lines are of: a few far away would leave no knots for the others.
    fn limits(&self) -> (i64, i64) {
        let sorted = self.stamps.sorted();
        let edge = sorted.len() / 64;
        let low = sorted.get(edge).copied().unwrap_or(self.earliest);
        let high = sorted.iter().rev().nth(edge).copied().unwrap_or(self.latest);
        let margin = high.saturating_sub(low).max(1_000_000);
        (
            if self.earliest >= low.saturating_sub(margin) { self.earliest } else { low },
            if self.latest <= high.saturating_add(margin) { self.latest } else { high },
        )
    }

    /// A source with room for its knots, none of them set yet.
    pub(super) fn source(&self, id: u32) -> Source {
        let (start, end) = self.limits();
        let span = end.abs_diff(start);
        let wanted = (self.count / LINES_A_KNOT).max(self.count.min(4)).clamp(1, 1 << 26);
        // Between stamps of a second there is nothing to be known.
        let least = 4 * 1_000_u64.pow(self.coarse);
        let shift = (span / wanted).max(least).ilog2().min(62);
        Source {
            id,
            shift,
            begin: start,
            start,
            knot: 0,
            stretches: u32::try_from((span >> shift) + 1).unwrap_or(1),
            first: self.lowest,
            grain: self.grain.max(1),
        }
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The lines of one stretch: sums, whose means make a point of the curve.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    lines: u64,
    passed: u64,
    grains: u64,
}

/// The lines of a source, stretch by stretch.
#[derive(Debug)]
pub(super) struct Fit {
    source: Source,
    stretches: Vec<Stretch>,
}

impl Fit {
    pub(super) fn new(source: Source) -> Fit {
        Fit { source, stretches: vec![Stretch::default(); source.stretches as usize] }
    }

    pub(super) fn push(&mut self, at: i64, offset: u64) {
        let between = self.source.find(at);
        let within = at >= self.source.start && between.passed < 1 << self.source.shift;
        if within && let Some(stretch) = self.stretches.get_mut(between.knot as usize) {
            stretch.lines += 1;
            stretch.passed = stretch.passed.saturating_add(between.passed);
            stretch.grains = stretch.grains.saturating_add(self.source.split(offset).0);
        }
    }

    /// The values of the knots: one more than stretches.
    pub(super) fn knots(&self) -> Vec<i64> {
        let shift = self.source.shift;
        let points = self.stretches.iter().enumerate().filter(|(_, s)| s.lines > 0);
        let mut points = points.map(|(at, s)| {
            let before = (at as u128) << shift;
            let time = i128::try_from(before + u128::from(s.passed / s.lines)).unwrap_or(0);
            (time, i128::from(s.grains / s.lines))
        });
        let Some(mut low) = points.next() else {
            return vec![0; self.stretches.len() + 1];
        };
        let mut high = points.next().unwrap_or(low);
        (0..=self.stretches.len())
            .map(|knot| {
                let time = (knot as i128) << shift;
                while time > high.0
                    && let Some(next) = points.next()
                {
                    (low, high) = (high, next);
                }
                let value = if high.0 == low.0 {
                    low.1
                } else {
                    low.1 + (high.1 - low.1).saturating_mul(time - low.0) / (high.0 - low.0)
                };
                i64::try_from(value).unwrap_or(0)
            })
            .collect()
    }
}
