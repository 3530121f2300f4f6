//! One port at one instant: the hot path, alone and in batches.

use std::net::Ipv4Addr;

use super::lean::{EVERY_PROTOCOL, Lean};
use super::line::Wanted;
use super::machine::prefetch;
use super::view::{Spot, View, position};
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// How many lines a batch keeps in flight, at least while it has questions.
const AHEAD: usize = 40;
/// Room for them, and for the planes of one more question.
const FLIGHTS: usize = 64;

/// A line that was asked for ahead of time.
#[derive(Clone, Copy, Debug, Default)]
struct Flight {
    /// None where the address has nothing at the port.
    spot: Option<Spot>,
    question: u32,
    /// Whether no further line answers the question.
    is_last: bool,
}

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
        // What is in flight, oldest first: a question has a line for each plane of its address.
        let mut flights = [Flight::default(); FLIGHTS];
        let (mut oldest, mut newest, mut next) = (0_usize, 0_usize, 0_u32);
        loop {
            while newest - oldest < AHEAD
                && let Some(question) = questions.get(next as usize)
            {
                let step = self.clock.step(question.at.as_microsecond());
                let mut flight = Flight { question: next, ..Flight::default() };
                for plane in self.planes_of(question.addr) {
                    let Some(spot) = self.spot(plane, question.port, step) else { continue };
                    if let Some(line) = self.lines.get(spot.line as usize) {
                        prefetch(line);
                    }
                    if let (Some(_), Some(slot)) = (flight.spot, flights.get_mut(newest % FLIGHTS))
                    {
                        *slot = flight;
                        newest += 1;
                    }
                    flight.spot = Some(spot);
                }
                flight.is_last = true;
                if let Some(slot) = flights.get_mut(newest % FLIGHTS) {
                    *slot = flight;
                }
                newest += 1;
                next += 1;
            }
            if oldest == newest {
                return;
            }
            let Some(flight) = flights.get(oldest % FLIGHTS) else { return };
            oldest += 1;
            if let (Some(spot), Some(q)) = (flight.spot, questions.get(flight.question as usize)) {
                let asked = Asked::new(q.addr, q.port, q.protocol, q.at);
                self.read(spot, &asked, &mut hits.positions);
            }
            if flight.is_last {
                hits.ends.push(u32::try_from(hits.positions.len()).unwrap_or(u32::MAX));
            }
        }
    }

    /// Reads the lines of a question.
    #[inline]
    fn read(self, spot: Spot, asked: &Asked, hits: &mut Vec<u32>) {
        let from = hits.len();
        // Forged bytes may spill for ever; the builder knows how far.
        for number in (spot.line..).take(1 + (1 << spot.chain_shift)) {
            let Some(line) = self.line(number) else { return };
            let met = line.meet(spot.x, asked.wanted);
            let mut rest = met.maybe;
            let plain = met.surely & !line.copies() & !line.looks(rest);
            while rest != 0 {
                let lane = rest.trailing_zeros();
                rest &= rest - 1;
                if plain >> lane & 1 == 1 {
                    hits.push(position(number, lane));
                } else {
                    let is_sure = met.surely & !line.looks(1 << lane);
                    self.look(number, lane, is_sure >> lane & 1 == 1, asked, from, hits);
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
