//! Learning what is usual in a set of allocations.

use std::borrow::Borrow;
use std::collections::HashMap;

use super::curve::Source;
use super::dictionary::Dictionary;
use super::fit::{Fit, Lines};
use super::frame::{Frame, Typical, timer};
use super::sample::Sample;
use super::shape::{SHAPES, Shape};
use crate::allocation::{Allocation, Origin, Place};

/// What is usual in a set of allocations: dictionaries, typical distances, and how their sources grew.
///
/// It decides how small the columns become, never what they say: an allocation that is nothing like those it
/// learned from is written too, in more bits.
#[derive(Clone, Debug, Default)]
pub struct ColdModel {
    pub(super) frame: Frame,
    pub(super) shapes: Dictionary,
    pub(super) ports: Dictionary,
    pub(super) destinations: Dictionary,
    /// The usual port of each destination, as a code of `ports`; in the order of the destinations.
    pub(super) usual: Vec<u16>,
    /// By begin, then number.
    pub(super) sources: Vec<Source>,
    /// Positions in `sources`.
    pub(super) source_codes: HashMap<u32, usize>,
    pub(super) knots: Vec<i64>,
}

/// The most destinations that are counted; those that come later are written in full.
const MOST_DESTINATIONS: usize = 1 << 21;
/// A port gets a code if it is that of one destination in so many.
const PORT_SHARE: u64 = 4096;
/// A create record is beside its release if the distance takes fewer bits than its time would leave open.
const BESIDE_BITS: u64 = 10;

/// The number of a destination port: 0 for none.
pub(super) fn port_number(port: Option<u16>) -> u32 {
    port.map_or(0, |p| u32::from(p) + 1)
}

impl ColdModel {
    /// Learns from allocations, in any order: from all of them, or from some that are like the rest.
    ///
    /// The iterator is run through twice, the second time to see where in its source a record of a time stands.
    ///
    /// # Complexity
    ///
    /// `O(n)`; memory for a counter of each distinct destination address (at most two million), for three numbers
    /// for every 32 records with an origin, and some kilobytes a source.
    pub fn learn<I>(allocations: I) -> ColdModel
    where
        I: IntoIterator + Clone,
        I::Item: Borrow<Allocation>,
    {
        let mut seen = Seen::default();
        for a in allocations.clone() {
            seen.push(a.borrow());
        }
        let mut model = seen.model();
        let mut fits: Vec<Fit> = model.sources.iter().map(|s| Fit::new(*s)).collect();
        for a in allocations {
            for line in lines(a.borrow()).into_iter().flatten() {
                if model.frame.beside && line.paired {
                    continue;
                }
                let code = model.source_codes.get(&line.place.source.0);
                if let Some(fit) = code.and_then(|at| fits.get_mut(*at)) {
                    fit.push(line.at, line.place.span.offset);
                }
            }
        }
        for (source, fit) in model.sources.iter_mut().zip(fits) {
            source.knot = u32::try_from(model.knots.len()).unwrap_or(u32::MAX);
            model.knots.extend(fit.knots());
        }
        model
    }

    /// Which source a record of that time is expected to be of.
    pub(super) fn expected_source(&self, at: i64) -> u64 {
        (self.sources.partition_point(|s| s.begin <= at) as u64).saturating_sub(1)
    }

    /// The value of a knot; 0 where there is none.
    pub(super) fn knot(&self, knot: u32) -> i64 {
        self.knots.get(knot as usize).copied().unwrap_or(0)
    }
}

/// A record of a source, and the time it was written at.
struct Line {
    at: i64,
    place: Place,
    /// Whether it is a create whose release stands in the same source.
    paired: bool,
}

/// When the release record of an allocation was written, as far as the allocation tells.
pub(super) fn release_time(a: &Allocation) -> i64 {
    a.released.unwrap_or(a.outer.end()).as_microsecond()
}

fn lines(a: &Allocation) -> [Option<Line>; 2] {
    let source = |p: Option<Place>| p.map(|p| p.source);
    let paired = source(a.origin.create) == source(a.origin.release);
    let created = a.created.as_microsecond();
    [
        a.origin.release.map(|place| Line { at: release_time(a), place, paired: false }),
        a.origin.create.map(|place| Line { at: created, place, paired }),
    ]
}

/// The port that most connections to a destination go to, found in one pass (Boyer and Moore's majority vote).
#[derive(Clone, Copy, Debug, Default)]
struct Votes {
    seen: u32,
    port: u32,
    lead: u32,
}

/// What the lines of one source are like: those at their time, and creates beside a release.
#[derive(Debug, Default)]
struct SourceLines {
    id: u32,
    own: Lines,
    paired: Lines,
}

/// Samples of the numbers of [`Typical`].
#[derive(Debug, Default)]
struct Distances {
    inner_start: Sample,
    inner_end: Sample,
    used_until: [Sample; 4],
    created: Sample,
    released: Sample,
    create_length: Sample,
    release_length: Sample,
    beside: Sample,
}

impl Distances {
    fn push(&mut self, a: &Allocation) {
        let (start, end) = (a.outer.start().as_microsecond(), a.outer.end().as_microsecond());
        if let Some(inner) = a.inner {
            self.inner_start.push(inner.start().as_microsecond().wrapping_sub(start));
            self.inner_end.push(end.wrapping_sub(inner.end().as_microsecond()));
        }
        if let Some(used) = self.used_until.get_mut(timer(a.protocol)) {
            used.push(end.wrapping_sub(a.used_until.as_microsecond()));
        }
        self.created.push(a.created.as_microsecond().wrapping_sub(start));
        if let Some(stamp) = a.released {
            self.released.push(end.wrapping_sub(stamp.as_microsecond()));
        }
        let Origin { create, release } = a.origin;
        if let Some(place) = create {
            self.create_length.push(i64::from(place.span.length));
        }
        if let Some(place) = release {
            self.release_length.push(i64::from(place.span.length));
        }
        if let (Some(create), Some(release)) = (create, release)
            && create.source == release.source
        {
            let apart = create.span.offset.wrapping_sub(release.span.offset);
            self.beside.push(apart.cast_signed());
        }
    }

    fn typical(&self) -> Typical {
        Typical {
            inner_start: self.inner_start.median(),
            inner_end: self.inner_end.median(),
            used_until: self.used_until.each_ref().map(Sample::median),
            created: self.created.median(),
            released: self.released.median(),
            create_length: self.create_length.median(),
            release_length: self.release_length.median(),
            beside: self.beside.median(),
        }
    }
}

/// The first pass: counts and samples.
#[derive(Debug)]
struct Seen {
    shapes: Vec<u64>,
    ports: Vec<u64>,
    destinations: HashMap<u32, Votes>,
    distances: Distances,
    inside_ports: u64,
    kept_ports: u64,
    codes: HashMap<u32, usize>,
    sources: Vec<SourceLines>,
    /// The source of the record before.
    last: usize,
}

impl Default for Seen {
    fn default() -> Self {
        Seen {
            shapes: vec![0; usize::from(SHAPES)],
            ports: vec![0; 65_537],
            destinations: HashMap::new(),
            distances: Distances::default(),
            inside_ports: 0,
            kept_ports: 0,
            codes: HashMap::new(),
            sources: Vec::new(),
            last: 0,
        }
    }
}

impl Seen {
    fn push(&mut self, a: &Allocation) {
        if let Some(count) = self.shapes.get_mut(usize::from(Shape::of(a).bits())) {
            *count += 1;
        }
        if let Some(port) = a.inside_port {
            self.inside_ports += 1;
            self.kept_ports += u64::from(port == a.ports.first());
        }
        if let Some(to) = a.destination {
            self.destination(to.addr.to_bits(), port_number(to.port));
        }
        self.distances.push(a);
        for line in lines(a).into_iter().flatten() {
            let id = line.place.source.0;
            if self.sources.get(self.last).is_none_or(|s| s.id != id) {
                self.last = *self.codes.entry(id).or_insert_with(|| {
                    self.sources.push(SourceLines { id, ..SourceLines::default() });
                    self.sources.len() - 1
                });
            }
            if let Some(source) = self.sources.get_mut(self.last) {
                let lines = if line.paired { &mut source.paired } else { &mut source.own };
                lines.push(line.at, line.place.span.offset);
            }
        }
    }

    fn destination(&mut self, addr: u32, port: u32) {
        if let Some(count) = self.ports.get_mut(port as usize) {
            *count += 1;
        }
        if self.destinations.len() >= MOST_DESTINATIONS && !self.destinations.contains_key(&addr) {
            return;
        }
        let votes = self.destinations.entry(addr).or_default();
        votes.seen = votes.seen.saturating_add(1);
        if votes.lead == 0 {
            (votes.port, votes.lead) = (port, 1);
        } else if votes.port == port {
            votes.lead = votes.lead.saturating_add(1);
        } else {
            votes.lead -= 1;
        }
    }

    fn model(self) -> ColdModel {
        let typical = self.distances.typical();
        let bits = |d: &i64| u64::from(64 - d.abs_diff(typical.beside).leading_zeros());
        let apart = self.distances.beside.values();
        let frame = Frame {
            typical,
            inside_port_relative: self.kept_ports * 4 > self.inside_ports,
            beside: !apart.is_empty()
                && apart.iter().map(bits).sum::<u64>() <= apart.len() as u64 * BESIDE_BITS,
        };
        let counted = |counts: &[u64]| -> Vec<(u32, u64)> {
            (0..).zip(counts.iter().copied()).filter(|(_, n)| *n > 0).collect()
        };
        let shapes = Dictionary::new(counted(&self.shapes).into_iter(), 1);
        let total: u64 = self.ports.iter().sum();
        let ports = counted(&self.ports).into_iter();
        let ports = Dictionary::new(ports, (total / PORT_SHARE).max(2));
        let seen = self.destinations.iter().map(|(addr, v)| (*addr, u64::from(v.seen)));
        let destinations = Dictionary::new(seen, 2);
        let usual = destinations.values().iter().map(|addr| {
            let port = self.destinations.get(addr).map_or(0, |v| v.port);
            ports.find(port).and_then(|code| u16::try_from(code).ok()).unwrap_or(0)
        });
        let usual = usual.collect();
        let mut sources: Vec<Source> = self
            .sources
            .into_iter()
            .map(|mut s| {
                if !frame.beside {
                    s.own.merge(&s.paired);
                }
                s.own.source(s.id)
            })
            .collect();
        sources.sort_unstable_by_key(|s| (s.begin, s.id));
        let source_codes = sources.iter().enumerate().map(|(at, s)| (s.id, at)).collect();
        ColdModel {
            frame,
            shapes,
            ports,
            destinations,
            usual,
            sources,
            source_codes,
            knots: Vec::new(),
        }
    }
}
