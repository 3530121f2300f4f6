//! Many questions at once: the hot path when memory latency can be hidden.
//!
//! Questions go through in blocks. Each step of a lookup is a loop of its own over a block, which asks ahead for what
//! the next step reads. A block takes a step a turn, a turn being a step of every block on its way, and waits a turn where
//! what it asked for comes from far: by then it is there.
//!
//! | step | reads | asks ahead for |
//! |---|---|---|
//! | home | the question | the slot of its address |
//! | planes | the slot | the region of each grain |
//! | spots | the region | the line, or the part of the region |
//! | parts | the part | the line |
//! | test | the line, all lanes | the next line, if the answer goes on there; what decodes rows, if one must |
//! | rows | the line | the row of the lane that only it can settle |
//! | tell | - | - |
//!
//! The loops hold no branch that depends on an answer but the last one's, whose slow side a few questions in a
//! hundred take: so one question's work overlaps the next one's.

use super::directory::{self, NONE, Plane};
use super::line::{Line, Wanted};
use super::lookup::{Asked, Hits, Question};
use super::machine::{self, Vectors, prefetch};
use super::region::Region;
use super::view::{MOST_PLANES, Part, Spot, View, position};

/// Questions a block.
const QUESTIONS: usize = 16;
/// Lines a block: a question has one for each grain of its address.
const FLIGHTS: usize = 48;
/// The turn in which a block takes its last step.
const LATEST: usize = 7;
/// Blocks on their way.
const RING: usize = LATEST + 1;

/// A line on its way; never across two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Flight {
    /// The step of the question, then its x.
    x: u64,
    /// The region, its part, then the line.
    number: u32,
    leaf: u32,
    /// The lanes that hold the instant.
    met: u32,
    place: u16,
    /// The port within the region.
    inner: u16,
    protocol: u16,
    /// Of the line's chain; of the part while it is one.
    shift: u8,
    is_part: bool,
    /// Whether there is such a line.
    is_there: bool,
    /// Whether only exact columns or the next line settle it.
    is_open: bool,
}

impl Flight {
    const EMPTY: Flight = Flight {
        x: 0,
        number: 0,
        met: 0,
        place: 0,
        inner: 0,
        protocol: 0,
        leaf: 0,
        shift: 0,
        is_part: false,
        is_there: false,
        is_open: false,
    };
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Block<'q> {
    questions: &'q [Question],
    /// The slot at which each address is looked for first.
    homes: [usize; QUESTIONS],
    /// How many flights there are up to each question's last.
    ends: [usize; QUESTIONS],
    flights: [Flight; FLIGHTS],
    /// Whether its questions have more lines than there is room for.
    is_crowded: bool,
}

impl Block<'_> {
    const EMPTY: Block<'static> = Block {
        questions: &[],
        homes: [0; QUESTIONS],
        ends: [0; QUESTIONS],
        flights: [Flight::EMPTY; FLIGHTS],
        is_crowded: false,
    };

    /// The flights in use.
    #[inline]
    fn used(&mut self) -> &mut [Flight] {
        let last = self.questions.len().wrapping_sub(1);
        let used = self.ends.get(last).copied().unwrap_or(0);
        self.flights.get_mut(..used).unwrap_or_default()
    }
}

impl View<'_> {
    /// Answers a batch; `hits` is emptied first.
    ///
    /// Everything that the next questions read is fetched while one is answered, so that a batch pays for memory
    /// bandwidth, not for latency. Sorted questions are faster still, but sorting them first does not pay.
    pub fn at_each(self, questions: &[Question], hits: &mut Hits) {
        hits.clear(questions.len());
        machine::widest(self, questions, hits);
    }

    /// The steps of all blocks.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    pub(super) fn each<V: Vectors>(self, vectors: V, questions: &[Question], hits: &mut Hits) {
        let mut blocks = [Block::EMPTY; RING];
        let mut parts = questions.chunks(QUESTIONS);
        let count = parts.len();
        for turn in 0..count + LATEST {
            // A block takes one step a turn, or waits; those that are farthest go first.
            let of = |step: usize| turn.wrapping_sub(step) % RING;
            if turn >= LATEST
                && let Some(block) = blocks.get_mut(of(LATEST))
            {
                self.tell(block, hits);
                block.questions = &[];
            }
            if let Some(block) = blocks.get_mut(of(6)) {
                self.rows(block);
            }
            if let Some(block) = blocks.get_mut(of(5)) {
                self.test(vectors, block);
            }
            if let Some(block) = blocks.get_mut(of(3)) {
                self.parts(block);
            }
            if let Some(block) = blocks.get_mut(of(2)) {
                self.spots(block);
            }
            if let Some(block) = blocks.get_mut(of(1)) {
                self.grains(block);
            }
            if let (Some(block), Some(part)) = (blocks.get_mut(of(0)), parts.next()) {
                block.questions = part;
                self.homes(block);
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    fn homes(self, block: &mut Block<'_>) {
        for (home, question) in block.homes.iter_mut().zip(block.questions) {
            *home = directory::home(question.addr.to_bits(), self.planes.len());
            if let Some(slot) = self.planes.get(*home) {
                prefetch(slot);
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    fn grains(self, block: &mut Block<'_>) {
        let mut used = 0;
        block.is_crowded = false;
        let asked = block.questions.iter().zip(&block.homes).zip(&mut block.ends);
        for ((question, home), end) in asked {
            let x = self.clock.step(question.at.as_microsecond());
            let protocol = Asked::protocol(question);
            let port = u32::from(question.port);
            let mut next = directory::find_from(self.planes, question.addr.to_bits(), *home);
            let mut left = MOST_PLANES;
            while let Some(plane) = next {
                let number = plane.region.saturating_add(port >> plane.port_shift);
                if let Some(region) = self.regions.get(number as usize) {
                    prefetch(region);
                }
                let Some(flight) = block.flights.get_mut(used) else {
                    block.is_crowded = true;
                    break;
                };
                let inner = super::shape::quarter(u64::from(port & ((1 << plane.port_shift) - 1)));
                *flight =
                    Flight { x, number, place: plane.place, inner, protocol, ..Flight::EMPTY };
                used += 1;
                left -= 1;
                if plane.next == NONE || left == 0 {
                    break;
                }
                next = self.more.get(plane.next as usize).and_then(Plane::from_bytes);
            }
            *end = used;
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    fn spots(self, block: &mut Block<'_>) {
        for flight in block.used() {
            let Some(region) = self.regions.get(flight.number as usize) else { continue };
            let region = Region::from_bytes(region);
            if let Region::Node { .. } = region {
                self.part(flight, region);
            } else if let Some(spot) = self.spot_in(region, flight.place, flight.inner, flight.x) {
                self.send(flight, spot);
            }
        }
    }

    /// A region of several parts takes a step more.
    fn part(self, flight: &mut Flight, region: Region) {
        let Some(part) = self.part_of(region, flight.place, flight.inner, flight.x) else { return };
        if let Some(region) = self.regions.get(part.region as usize) {
            prefetch(region);
        }
        flight.is_part = true;
        (flight.number, flight.x, flight.shift) = (part.region, part.x, part.shift);
    }

    fn parts(self, block: &mut Block<'_>) {
        for flight in block.used().iter_mut().filter(|flight| flight.is_part) {
            let part = Part { region: flight.number, x: flight.x, shift: flight.shift };
            if let Some(spot) = self.spot_in_part(part) {
                self.send(flight, spot);
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    fn send(self, flight: &mut Flight, spot: Spot) {
        if let Some(line) = self.lines.get(spot.line as usize) {
            prefetch(line);
            flight.is_there = true;
        }
        (flight.number, flight.x) = (spot.line, spot.x);
        (flight.leaf, flight.shift) = (spot.leaf, spot.chain_shift);
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    fn test<V: Vectors>(self, vectors: V, block: &mut Block<'_>) {
        for flight in block.used() {
            let number = if flight.is_there { flight.number } else { 0 };
            let Some(line) = self.lines.get(number as usize).map(Line) else { continue };
            // A line that stands in for one that is not there answers nothing, and need not be right.
            if self.watch.is_some() && flight.is_there && self.line(number).is_none() {
                continue;
            }
            let met = line.meet_with(vectors, flight.x, Wanted::new(flight.protocol));
            let plain = met.surely & !line.copies();
            let goes_on = line.goes_on(flight.x);
            // The line itself where it does not: a branch would cost more.
            if let Some(next) = self.lines.get(number as usize + usize::from(goes_on)) {
                prefetch(next);
            }
            let unsettled = u32::from(goes_on) | met.maybe & !plain;
            flight.is_open = u32::from(flight.is_there) * unsettled != 0;
            if flight.is_open {
                self.ask_decoder(number, flight.leaf);
            }
            flight.met = met.maybe & u32::from(flight.is_there).wrapping_neg();
        }
    }

    fn rows(self, block: &mut Block<'_>) {
        for flight in block.used().iter().filter(|flight| flight.is_open) {
            let Some(line) = self.line(flight.number) else { continue };
            self.ask_row(flight.number, line, flight.leaf, flight.met);
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled anew for each kind of processor")]
    fn tell(self, block: &Block<'_>, hits: &mut Hits) {
        if block.is_crowded {
            self.tell_crowded(block, hits);
            return;
        }
        let mut flights = block.flights.iter();
        let mut begin = 0;
        for (question, end) in block.questions.iter().zip(block.ends) {
            for flight in flights.by_ref().take(end - begin) {
                if flight.is_open {
                    self.read(flight.spot(), &Asked::of(question), &mut hits.positions);
                    continue;
                }
                let mut rest = flight.met;
                while rest != 0 {
                    hits.positions.push(position(flight.number, rest.trailing_zeros()));
                    rest &= rest - 1;
                }
            }
            begin = end;
            hits.end();
        }
    }

    /// For a block whose questions have more lines than it has room for: addresses with many grains each.
    #[cold]
    fn tell_crowded(self, block: &Block<'_>, hits: &mut Hits) {
        for question in block.questions {
            let Question { addr, port, protocol, at } = *question;
            self.at(addr, port, protocol, at, &mut hits.positions);
            hits.end();
        }
    }
}

impl Flight {
    fn spot(&self) -> Spot {
        Spot { line: self.number, x: self.x, chain_shift: self.shift, leaf: self.leaf }
    }
}
