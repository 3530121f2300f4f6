//! One port at one instant: the hot path, one question at a time.

use std::net::Ipv4Addr;

use super::directory::{self, NONE, Plane};
use super::lean::{EVERY_PROTOCOL, Lean};
use super::line::Wanted;
use super::view::{MOST_PLANES, Spot, View, position};
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// Who could have held this port at this instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The public address.
    pub addr: Ipv4Addr,
    /// The public port.
    pub port: u16,
    /// The protocol; none asks for all.
    pub protocol: Option<Protocol>,
    /// The instant.
    pub at: Timestamp,
}

/// What is fixed while a question reads its lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    addr: u32,
    at_microsecond: i64,
    port: u16,
    protocol: u16,
    wanted: Wanted,
}

impl Asked {
    /// What a question asks.
    #[inline]
    pub(super) fn of(question: &Question) -> Asked {
        Asked::new(question.addr, question.port, question.protocol, question.at)
    }

    /// The number of a question's protocol.
    #[inline]
    pub(super) fn protocol(question: &Question) -> u16 {
        question.protocol.map_or(EVERY_PROTOCOL, |p| u16::from(p.number()))
    }

    #[inline]
    fn new(addr: Ipv4Addr, port: u16, protocol: Option<Protocol>, at: Timestamp) -> Asked {
        let protocol = protocol.map_or(EVERY_PROTOCOL, |p| u16::from(p.number()));
        let at_microsecond = at.as_microsecond();
        Asked {
            addr: addr.to_bits(),
            at_microsecond,
            port,
            protocol,
            wanted: Wanted::new(protocol),
        }
    }

    /// Whether the exact record answers. The address matters: where several share a region, a length that is rounded
    /// up may reach into the next one's ports.
    fn is_answered_by(&self, lean: &Lean) -> bool {
        lean.addr == self.addr
            && lean.holds_at(self.at_microsecond)
            && lean.holds_port(self.port)
            && lean.serves(self.protocol)
    }
}

/// The answers to a batch, in the order of its questions.
///
/// Keep it for the next batch: it grows to the largest and allocates no more.
///
/// ```
/// use portledger::index::{Hits, Index};
/// let index = Index::build(Vec::new())?;
/// let mut hits = Hits::default();
/// index.view().at_each(&[], &mut hits);
/// assert_eq!(hits.iter().count(), 0);
/// # Ok::<(), portledger::index::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Hits {
    pub(super) positions: Vec<u32>,
    /// Where the positions of each question end.
    ends: Vec<u32>,
}

impl Hits {
    /// Forgets the last batch, and makes room for the next.
    pub(super) fn clear(&mut self, questions: usize) {
        self.positions.clear();
        self.ends.clear();
        self.ends.reserve(questions);
    }

    /// Ends the positions of a question.
    #[inline]
    pub(super) fn end(&mut self) {
        self.ends.push(u32::try_from(self.positions.len()).unwrap_or(u32::MAX));
    }

    /// The positions for each question.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(from, until)| {
            self.positions.get(*from as usize..*until as usize).unwrap_or_default()
        })
    }

    /// All positions, question after question.
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }
}

impl View<'_> {
    /// Adds the position of every record that could have held the port at the instant, in no order that means
    /// anything. A lookup without protocol sees all protocols, a record without one is seen by all lookups.
    ///
    /// # Complexity
    ///
    /// One cache line of records for most questions. A record that begins or ends within a tick of the instant, or
    /// whose ports do not fill their unit, costs a look at its exact columns; an address with blocks of very
    /// different sizes costs a line for each size. Allocates only to grow `hits`.
    #[inline]
    pub fn at(
        self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        at: Timestamp,
        hits: &mut Vec<u32>,
    ) {
        let step = self.clock.step(at.as_microsecond());
        let asked = Asked::new(addr, port, protocol, at);
        let Some(plane) = directory::find(self.planes, addr.to_bits()) else { return };
        if plane.next != NONE {
            self.at_grains(plane, port, step, &asked, hits);
        } else if let Some(spot) = self.spot(plane, port, step) {
            self.ask_ahead(spot);
            self.read(spot, &asked, hits);
        }
    }

    /// An address of several grains: the lines of all are asked for before one is read.
    #[inline(never)]
    fn at_grains(self, first: Plane, port: u16, step: u64, asked: &Asked, hits: &mut Vec<u32>) {
        let mut spots = [None; MOST_PLANES];
        for (slot, plane) in spots.iter_mut().zip(self.planes_from(Some(first))) {
            *slot = self.spot(plane, port, step);
            if let Some(spot) = *slot {
                self.ask_ahead(spot);
            }
        }
        for spot in spots.into_iter().flatten() {
            self.read(spot, asked, hits);
        }
    }

    /// Reads the lines of a question.
    #[inline]
    pub(super) fn read(self, spot: Spot, asked: &Asked, hits: &mut Vec<u32>) {
        let from = hits.len();
        // Forged bytes may spill for ever; the builder knows how far.
        for number in (spot.line..).take(1 + (1 << spot.chain_shift)) {
            let Some(line) = self.line(number) else { return };
            let met = line.meet(spot.x, asked.wanted);
            let mut rest = met.maybe;
            let plain = met.surely & !line.copies();
            while rest != 0 {
                let lane = rest.trailing_zeros();
                rest &= rest - 1;
                if plain >> lane & 1 == 1 {
                    hits.push(position(number, lane));
                } else {
                    self.look(number, lane, met.surely >> lane & 1 == 1, asked, from, hits);
                }
            }
            if !line.goes_on(spot.x) {
                return;
            }
        }
    }

    /// A lane that its line cannot settle: a copy, or one whose exact columns decide.
    #[cold]
    fn look(
        self,
        line: u32,
        lane: u32,
        is_sure: bool,
        asked: &Asked,
        from: usize,
        hits: &mut Vec<u32>,
    ) {
        let own = self.row(position(line, lane)).map(|_| position(line, lane));
        let Some(own) = own.or_else(|| self.own_position(line, lane)) else { return };
        // A record that spilled into this line may stand beside its own copy.
        if hits.get(from..).is_some_and(|seen| seen.contains(&own)) {
            return;
        }
        if is_sure || self.lean(own).is_some_and(|lean| asked.is_answered_by(&lean)) {
            hits.push(own);
        }
    }
}
