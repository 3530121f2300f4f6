//! How far a source had been written at a time: a line with knots.

/// A source: its number, and its offsets as a function of time.
///
/// ```text
///  offset                          knots stand every 2^shift microseconds from `start` on;
///    |              _.--o---       between two of them the offset is expected on the straight line
///    |        __.o-'
///    | ..o---'
///    o-'------------------ time
///   start  +1   +2     +3
/// ```
///
/// Offsets are counted in grains from the first one: lines of one length stand on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) id: u32,
    /// Two to this power microseconds lie between two knots, 0 to 62.
    pub(super) shift: u32,
    /// From which time on a record is expected to be of this source, and not of one before.
    pub(super) begin: i64,
    /// The time of the first knot.
    pub(super) start: i64,
    /// Which knot is the first.
    pub(super) knot: u32,
    /// How many stretches there are; one knot more.
    pub(super) stretches: u32,
    /// The lowest offset.
    pub(super) first: u64,
    /// The step of the offsets, at least 1.
    pub(super) grain: u64,
}

/// A place between two knots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    /// The knot before; the other one is the next.
    pub(super) knot: u32,
    /// How much of the stretch lies before, in microseconds.
    pub(super) passed: u64,
}

impl Source {
    /// Bytes of a source in the file.
    pub(super) const WIDTH: usize = 48;
    /// Where in them `begin` stands.
    pub(super) const BEGIN: usize = 8;

    /// Between which knots a time lies; a time outside is taken to the nearest.
    #[inline]
    pub(super) fn find(&self, at: i64) -> Between {
        let since = at.saturating_sub(self.start);
        if since < 0 || self.stretches == 0 {
            return Between { knot: self.knot, passed: 0 };
        }
        let since = since.cast_unsigned();
        let (stretch, last) = (since >> self.shift, self.stretches - 1);
        match u32::try_from(stretch) {
            Ok(stretch) if stretch <= last => Between {
                knot: self.knot.wrapping_add(stretch),
                passed: since & ((1 << self.shift) - 1),
            },
            _ => Between { knot: self.knot.wrapping_add(last), passed: 1 << self.shift },
        }
    }

    /// The expected offset in grains, from the values of the knots on both sides.
    #[inline]
    pub(super) fn expect(&self, between: Between, low: i64, high: i64) -> i64 {
        let rise = i128::from(high.wrapping_sub(low)) * i128::from(between.passed);
        low.wrapping_add(i64::try_from(rise >> self.shift).unwrap_or(0))
    }

    /// An offset as whole grains from the first one on, and the rest.
    pub(super) fn split(&self, offset: u64) -> (u64, u64) {
        let from = offset.wrapping_sub(self.first);
        let grain = self.grain.max(1);
        (from / grain, from % grain)
    }

    /// The inverse of [`Source::split`].
    #[inline]
    pub(super) fn join(&self, grains: u64, rest: u64) -> u64 {
        self.first.wrapping_add(grains.wrapping_mul(self.grain)).wrapping_add(rest)
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Source::WIDTH);
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.shift.to_le_bytes());
        out.extend_from_slice(&self.begin.to_le_bytes());
        out.extend_from_slice(&self.start.to_le_bytes());
        out.extend_from_slice(&self.knot.to_le_bytes());
        out.extend_from_slice(&self.stretches.to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.grain.to_le_bytes());
        out
    }

    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Option<Source> {
        use crate::index::packed::{u32_at, u64_at};
        Some(Source {
            id: u32_at(bytes, 0)?,
            shift: u32_at(bytes, 4)?.min(62),
            begin: u64_at(bytes, Source::BEGIN)?.cast_signed(),
            start: u64_at(bytes, 16)?.cast_signed(),
            knot: u32_at(bytes, 24)?,
            stretches: u32_at(bytes, 28)?,
            first: u64_at(bytes, 32)?,
            grain: u64_at(bytes, 40)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = Source {
        id: 7,
        shift: 4,
        begin: 0,
        start: 1_000,
        knot: 3,
        stretches: 2,
        first: 111,
        grain: 222,
    };

    #[test]
    fn a_time_lies_between_two_knots_or_at_an_end() {
        //  1000     1016     1032
        //    3--------4--------5
        for (at, knot, passed) in [
            (i64::MIN, 3, 0),
            (999, 3, 0),
            (1_000, 3, 0),
            (1_015, 3, 15),
            (1_016, 4, 0),
            (1_032, 4, 16),
            (i64::MAX, 4, 16),
        ] {
            assert_eq!(SOURCE.find(at), Between { knot, passed }, "{at}");
        }
        assert_eq!(SOURCE.expect(Between { knot: 3, passed: 4 }, 100, 103), 100);
        assert_eq!(SOURCE.expect(Between { knot: 3, passed: 4 }, 100, 97), 99);
        assert_eq!(SOURCE.expect(Between { knot: 4, passed: 16 }, i64::MAX, i64::MIN), i64::MIN);
    }

    #[test]
    fn offsets_come_back_from_their_grains_and_sources_from_their_bytes() {
        for offset in [0, 110, 111, 112, 333, u64::MAX] {
            let (grains, rest) = SOURCE.split(offset);
            assert_eq!(SOURCE.join(grains, rest), offset);
        }
        assert_eq!(SOURCE.split(333), (1, 0));
        assert_eq!(Source::read(&SOURCE.to_bytes()), Some(SOURCE));
    }
}
