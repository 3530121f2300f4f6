//! The hot line: up to twelve pieces of records in one cache line, all tested at once.
//!
//! ```text
//! byte   0..48   12 x u32   start (26 bits, modulo 2^26) << 6 | length code, upper 4 bits << 2 | protocol class
//! byte  48..60   12 x u8    length code, lower 8 bits
//! byte  60..64   u32        row of the first own lane, counted from the chunk's (12) | lanes that are copies (12)
//!                           | lanes in use (4) | spills into the next line (1)
//! ```
//!
//! **Length code.** A length of `L` ticks is kept as the twelve leading bits of the floating-point number `L + 256`:
//! exact up to 256 ticks, to 1/256 from there on. The code is monotone, so with `d` the ticks from the start of the
//! piece to the question, `code(d) > code(L)` proves a miss and `0 < d, code(d) < code(L)` proves a hit; only
//! `d = 0` and equal codes need exact times.
//!
//! **Why the modulus loses nothing.** The builder keeps every start that a question can meet, in the line it is sent
//! to and in those it spills to, within 2^25 ticks of the question ([`REACH`]). A start up to 2^25 before the
//! question has its true distance as the residue. A start behind the question has a residue of at least
//! 2^26 - 2^25 = 2^25, and its code is above 4095, the largest there is, because lengths stay below
//! [`LONGEST`] < 2^24. So no residue is mistaken for another.

use super::machine::{Usual, Vectors};

/// Pieces a line.
pub(super) const LANES: usize = 12;
/// Starts that a question meets are nearer to it than this many ticks.
pub(super) const REACH: u64 = 1 << 25;
/// The longest length that a code can say, in ticks.
pub(super) const LONGEST: u64 = (1 << 24) - 257;

const START_BITS: u32 = 26;
const START_MASK: u32 = (1 << START_BITS) - 1;
/// The upper bits of the floating-point number 256, which the codes count from.
pub(super) const CODE_BASE: u32 = (127 + 8) << 8;

/// The protocol of a lane, as far as two bits go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Tcp = 0,
    Udp = 1,
    /// The exact columns decide protocol and ports.
    Look = 2,
    /// Every protocol at once, all ports of the unit.
    Every = 3,
}

impl Class {
    /// The class of a protocol number.
    #[inline]
    pub(super) fn of(protocol: u16) -> Class {
        match protocol {
            6 => Class::Tcp,
            17 => Class::Udp,
            super::lean::EVERY_PROTOCOL => Class::Every,
            _ => Class::Look,
        }
    }
}

/// The length code of a number of ticks; above 4095 for more than [`LONGEST`].
#[inline]
#[expect(
    clippy::cast_precision_loss,
    reason = "exact below 2^24; above, rounding keeps the order and stays above every code"
)]
pub(super) fn code(ticks: u32) -> u32 {
    (((ticks + 256).cast_signed() as f32).to_bits() >> 15).wrapping_sub(CODE_BASE)
}

/// The fewest ticks that have this code.
#[inline]
pub(super) fn least(code: u32) -> u64 {
    let exponent = code >> 8;
    (u64::from(256 + (code & 255)) << exponent) - 256
}

/// One lane, as the builder writes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) start: u64,
    pub(super) length: u32,
    pub(super) class: Class,
    pub(super) is_copy: bool,
}

/// A line while it is filled.
#[derive(Clone, Debug, Default)]
pub(super) struct LineBuilder {
    starts: [u32; LANES],
    codes: [u8; LANES],
    copies: u32,
    count: u32,
    row: u32,
}

impl LineBuilder {
    /// An empty line whose first own lane will have this row, counted from its chunk's.
    pub(super) fn new(row: u32) -> LineBuilder {
        LineBuilder { row: row & 0xFFF, ..LineBuilder::default() }
    }

    /// Adds a lane and gives its place; the line must not be full.
    pub(super) fn push(&mut self, lane: Lane) -> u32 {
        let at = self.count;
        let slot = at as usize;
        let (Some(start), Some(low)) = (self.starts.get_mut(slot), self.codes.get_mut(slot)) else {
            return at;
        };
        let code = code(lane.length);
        let residue = u32::try_from(lane.start & u64::from(START_MASK)).unwrap_or(0);
        *start = residue << 6 | (code >> 8) << 2 | lane.class as u32;
        *low = code.to_le_bytes()[0];
        self.copies |= u32::from(lane.is_copy) << at;
        self.count += 1;
        at
    }

    pub(super) fn finish(&self, spills: bool) -> [u8; 64] {
        let mut line = [0; 64];
        let (starts, rest) = line.split_at_mut(48);
        for (to, from) in starts.chunks_exact_mut(4).zip(self.starts) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        let (codes, tail) = rest.split_at_mut(LANES);
        codes.copy_from_slice(&self.codes);
        let word = self.row | self.copies << 12 | self.count << 24 | u32::from(spills) << 28;
        tail.copy_from_slice(&word.to_le_bytes());
        line
    }
}

/// A line as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a>(pub(super) &'a [u8; 64]);

/// Which lanes a question meets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    /// Lanes that may hold the instant.
    pub(super) maybe: u32,
    /// Those of them that surely do, and whose protocol and ports the line knows.
    pub(super) surely: u32,
}

impl Line<'_> {
    #[inline]
    fn tail(self) -> u32 {
        let [.., a, b, c, d] = *self.0;
        u32::from_le_bytes([a, b, c, d])
    }

    /// Which lanes are copies of a piece in an earlier line or unit.
    #[inline]
    pub(super) fn copies(self) -> u32 {
        self.tail() >> 12 & 0xFFF
    }

    /// A bit for each lane in use.
    #[inline]
    pub(super) fn used(self) -> u32 {
        ((1 << (self.tail() >> 24 & 15)) - 1) & 0xFFF
    }

    #[inline]
    pub(super) fn spills(self) -> bool {
        self.tail() >> 28 & 1 == 1
    }

    /// The row of an own lane, counted from the chunk's.
    #[inline]
    pub(super) fn row(self, lane: u32) -> u32 {
        let before = (1 << lane) - 1;
        (self.tail() & 0xFFF) + (self.used() & !self.copies() & before).count_ones()
    }

    /// The start residue, the length code and the protocol class of a lane.
    #[inline]
    pub(super) fn lane(self, lane: u32) -> (u32, u32, u32) {
        let at = (lane as usize).min(LANES - 1);
        let (words, rest) = self.0.split_at(48);
        let word = words
            .get(at * 4..at * 4 + 4)
            .and_then(|b| b.try_into().ok())
            .map_or(0, u32::from_le_bytes);
        let low = rest.get(at).copied().unwrap_or(0);
        (word >> 6, (word >> 2 & 15) << 8 | u32::from(low), word & 3)
    }

    /// Whether pieces that a question at `x` may meet go on in the next line.
    #[inline]
    pub(super) fn goes_on(self, x: u64) -> bool {
        let (start, ..) = self.lane(11);
        self.spills() & (u64::from(self.distance(x, start)) < REACH)
    }

    #[inline]
    #[expect(clippy::unused_self, reason = "reads as a property of lines")]
    pub(super) fn distance(self, x: u64, start: u32) -> u32 {
        residue(x).wrapping_sub(start) & START_MASK
    }

    /// Tests all lanes against the instant and the class of the protocol.
    #[inline]
    pub(super) fn meet(self, x: u64, wanted: Wanted) -> Met {
        self.meet_with(Usual, x, wanted)
    }

    /// The same with these vectors.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    pub(super) fn meet_with<V: Vectors>(self, vectors: V, x: u64, wanted: Wanted) -> Met {
        let met = vectors.meet(self, residue(x) << 6, wanted);
        let used = self.used();
        Met { maybe: met.maybe & used, surely: met.surely & used }
    }

    /// Lane by lane: what [`Line::meet`] does where there are no vectors, and what holds it to account where there are.
    #[cfg_attr(
        all(target_arch = "x86_64", not(portledger_portable), not(test)),
        expect(dead_code, reason = "vectors do its work here")
    )]
    pub(super) fn meet_each(self, x6: u32, wanted: Wanted) -> Met {
        let mut met = Met::default();
        for lane in 0..12 {
            let (start, length, class) = self.lane(lane);
            let since = code(x6.wrapping_sub(start << 6) >> 6);
            let fails = ((class ^ wanted.own) | wanted.always) & !(class >> 1) & wanted.enabled & 1;
            let may = since <= length && fails == 0;
            met.maybe |= u32::from(may) << lane;
            let knows = class != Class::Look as u32;
            met.surely |= u32::from(may && knows && 0 < since && since < length) << lane;
        }
        met
    }
}

/// Which protocol classes answer, as masks: a lane fails if its lower class bit differs from `own` (or `always`),
/// unless its upper bit says that it may be any protocol; nothing fails unless `enabled`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) own: u32,
    pub(super) always: u32,
    pub(super) enabled: u32,
}

impl Wanted {
    /// The lanes for a protocol number; [`EVERY_PROTOCOL`](super::lean::EVERY_PROTOCOL) asks for all.
    #[inline]
    pub(super) fn new(protocol: u16) -> Wanted {
        let enabled = u32::from(protocol != super::lean::EVERY_PROTOCOL);
        let (tcp, udp) = (u32::from(protocol == 6), u32::from(protocol == 17));
        // Arithmetic: questions mix protocols, and a branch would be guessed wrong for a third of them.
        Wanted { own: udp, always: enabled & (tcp ^ 1) & (udp ^ 1), enabled }
    }
}

/// A position in ticks, modulo 2^26.
#[inline]
fn residue(x: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a residue is what is asked for")]
    let low = x as u32;
    low & START_MASK
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
    use crate::index::machine;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn vectors_say_what_lanes_say(
            bytes in proptest::array::uniform32(any::<u8>()),
            more in proptest::array::uniform32(any::<u8>()),
            x in 0_u64..1 << 26,
            protocol in prop_oneof![Just(6_u16), Just(17), Just(1), Just(256)],
            near in 0_u32..12,
        ) {
            let mut line = [0; 64];
            line[..32].copy_from_slice(&bytes);
            line[32..].copy_from_slice(&more);
            let line = Line(&line);
            // At random no lane is met; ask also just behind a start.
            let (start, code, _) = line.lane(near);
            for x in [x, u64::from(start), u64::from(start) + least(code), u64::from(start) + 1] {
                let (one, other) = (line.meet(x, Wanted::new(protocol)), line.meet_each(residue(x) << 6, Wanted::new(protocol)));
                prop_assert_eq!(one.maybe, other.maybe & line.used());
                prop_assert_eq!(one.surely, other.surely & line.used());
                #[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
                if let Some(wide) = machine::Wide::found() {
                    let wide = line.meet_with(wide, x, Wanted::new(protocol));
                    prop_assert_eq!((wide.maybe, wide.surely), (one.maybe, one.surely));
                }
            }
        }
    }

    #[test]
    fn codes_are_monotone_and_never_understate() {
        let mut last = 0;
        for ticks in (0..70_000).chain((70_000..16_777_000).step_by(977)) {
            let code = code(ticks);
            assert!(code >= last && code < 4096, "{ticks}");
            assert!(least(code) <= u64::from(ticks), "{ticks}");
            if code > 0 {
                assert!(least(code + 1) > u64::from(ticks), "{ticks}");
            }
            last = code;
        }
        assert_eq!(code(255), 255);
        assert_eq!(code(u32::try_from(LONGEST).unwrap()), 4095);
        for beyond in [LONGEST + 1, 1 << 24, REACH, (1 << 26) - 1] {
            assert!(code(u32::try_from(beyond).unwrap()) > 4095, "{beyond}");
        }
    }
}
