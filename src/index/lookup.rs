//! One port at one instant: the hot path, alone and in batches.

use std::net::Ipv4Addr;

use super::lean::{EVERY_PROTOCOL, Lean};
use super::line::Wanted;
use super::machine::prefetch;
use super::view::{Spot, View, position};
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// How many questions a batch keeps in flight.
const AHEAD: usize = 32;

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
struct Asked {
    addr: u32,
    at_microsecond: i64,
    port: u16,
    protocol: u16,
    wanted: Wanted,
}

impl Asked {
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
    positions: Vec<u32>,
    /// Where the positions of each question end.
    ends: Vec<u32>,
}

impl Hits {
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
        for plane in self.planes_of(addr) {
            if let Some(spot) = self.spot(plane, port, step) {
                self.read(spot, &asked, hits);
            }
        }
    }

    /// Answers a batch; `hits` is emptied first.
    ///
    /// The lines of the next questions are fetched while one is answered, so that a batch pays for memory bandwidth,
    /// not for latency. Sorted questions are faster still, but sorting them first does not pay.
    pub fn at_each(self, questions: &[Question], hits: &mut Hits) {
        hits.positions.clear();
        hits.ends.clear();
        hits.ends.reserve(questions.len());
        let nowhere = Spot { line: u32::MAX, x: 0, chain_shift: 0 };
        let mut spots = [nowhere; AHEAD];
        // Questions on an address with several planes take the long way.
        let mut several = [false; AHEAD];
        let mut answered = questions.iter();
        let mut slot = 0;
        for round in 0..questions.len() + AHEAD {
            if round >= AHEAD
                && let Some(question) = answered.next()
            {
                let (Some(spot), Some(long)) = (spots.get(slot), several.get(slot)) else { return };
                if *long {
                    self.at(
                        question.addr,
                        question.port,
                        question.protocol,
                        question.at,
                        &mut hits.positions,
                    );
                } else {
                    let asked =
                        Asked::new(question.addr, question.port, question.protocol, question.at);
                    self.read(*spot, &asked, &mut hits.positions);
                }
                hits.ends.push(u32::try_from(hits.positions.len()).unwrap_or(u32::MAX));
            }
            if let Some(question) = questions.get(round) {
                let mut planes = self.planes_of(question.addr);
                let step = self.clock.step(question.at.as_microsecond());
                let spot = planes.next().and_then(|plane| self.spot(plane, question.port, step));
                let spot = spot.unwrap_or(nowhere);
                if let Some(line) = self.lines.get(spot.line as usize) {
                    prefetch(line);
                }
                if let (Some(to), Some(long)) = (spots.get_mut(slot), several.get_mut(slot)) {
                    (*to, *long) = (spot, planes.next().is_some());
                }
            }
            slot = (slot + 1) % AHEAD;
        }
    }

    /// Reads the lines of a question.
    #[inline]
    fn read(self, spot: Spot, asked: &Asked, hits: &mut Vec<u32>) {
        let from = hits.len();
        let mut number = spot.line;
        for _ in 0..=1_u64 << spot.chain_shift {
            let Some(line) = self.line(number) else { return };
            let met = line.meet(spot.x, asked.wanted);
            let mut rest = met.maybe;
            let plain = met.surely & !line.copies() & !line.looks(rest);
            while rest != 0 {
                let lane = rest.trailing_zeros();
                rest &= rest - 1;
                if plain >> lane & 1 == 1 {
                    hits.push(position(number, lane as usize));
                } else {
                    let is_sure = met.surely & !line.looks(1 << lane);
                    self.look(number, lane, is_sure >> lane & 1 == 1, asked, from, hits);
                }
            }
            if !line.goes_on(spot.x) {
                return;
            }
            number += 1;
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
        let own = self.row(position(line, lane as usize)).map(|_| position(line, lane as usize));
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
