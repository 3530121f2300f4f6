//! Questions that an outsider would ask, and who was behind each.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::cgn_block::Block;
use super::cgn_session::Opened;
use super::conntrack::Tuple;
use crate::allocation::Destination;
use crate::protocol::Protocol;
use crate::synth::day::{Civil, SECOND};
use crate::synth::rng::SplitMix64;

/// A packet that somebody saw, or claims to have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// When it was sent, microseconds.
    pub(super) at: i64,
    /// Where it came from.
    pub(super) public: Ipv4Addr,
    /// And from which port, or with which echo identifier.
    pub(super) port: u16,
    /// Its protocol.
    pub(super) protocol: Protocol,
    /// Where it went.
    pub(super) to: Destination,
    /// Whether the asker says so.
    pub(super) with_to: bool,
    /// Who sent it; none if nobody did.
    pub(super) subscriber: Option<u32>,
}

/// Keeps a fair sample of what it is offered (Waterman's algorithm R).
#[derive(Debug)]
pub(super) struct Reservoir<T> {
    capacity: u64,
    seen: u64,
    rng: SplitMix64,
    pub(super) kept: Vec<T>,
}

impl<T> Reservoir<T> {
    pub(super) fn new(capacity: u64, rng: SplitMix64) -> Reservoir<T> {
        Reservoir { capacity, seen: 0, rng, kept: Vec::new() }
    }

    /// Offers an item, made only if it is kept.
    pub(super) fn offer(&mut self, make: impl FnOnce(&mut SplitMix64) -> Option<T>) {
        self.seen += 1;
        let place = self.rng.below(self.seen);
        let full = u64::try_from(self.kept.len()).unwrap_or(u64::MAX) >= self.capacity;
        if full && place >= self.capacity {
            return;
        }
        let Some(item) = make(&mut self.rng) else { return };
        if !full {
            self.kept.push(item);
        } else if let Some(old) = usize::try_from(place).ok().and_then(|p| self.kept.get_mut(p)) {
            *old = item;
        }
    }
}

/// One packet of a flow, before the recording ends.
pub(super) fn of_flow(opened: &Opened<'_>, until: i64, rng: &mut SplitMix64) -> Option<Asked> {
    let at = *rng.pick(&opened.script.packets)?;
    let t = opened.tuple;
    (at < until).then(|| Asked {
        at,
        public: t.outside,
        port: t.outside_port,
        protocol: t.protocol,
        to: to(t),
        with_to: !rng.chance(0.1),
        subscriber: Some(opened.subscriber),
    })
}

fn to(t: &Tuple) -> Destination {
    let port = (t.protocol != Protocol::ICMP).then_some(t.far_port);
    Destination { addr: t.far, port }
}

/// A packet through a block.
pub(super) fn of_block(b: &Block, outside: Ipv4Addr, rng: &mut SplitMix64) -> Option<Asked> {
    let ports = b.ports();
    let port = rng.between(i64::from(ports.first()), i64::from(ports.last()));
    let first = b.alloc + 1_000;
    (first < b.last).then(|| Asked {
        at: rng.between(first, b.last - 1),
        public: outside,
        port: u16::try_from(port).unwrap_or(0),
        subscriber: Some(b.subscriber),
        ..somewhere(rng)
    })
}

/// A packet with a destination and without a sender, for others to fill in.
pub(super) fn somewhere(rng: &mut SplitMix64) -> Asked {
    let last = u8::try_from(rng.between(10, 49)).unwrap_or(10);
    Asked {
        at: 0,
        public: Ipv4Addr::UNSPECIFIED,
        port: 0,
        protocol: if rng.chance(0.7) { Protocol::TCP } else { Protocol::UDP },
        to: Destination::new(Ipv4Addr::new(192, 0, 2, last), 443),
        with_to: rng.chance(0.5),
        subscriber: None,
    }
}

/// Candidates for questions that nobody is behind: endpoints drawn blindly, struck out when a flow comes near.
#[derive(Debug, Default)]
pub(super) struct Unheld {
    candidates: Vec<Option<Asked>>,
    by_endpoint: HashMap<(Protocol, Ipv4Addr, u16), Vec<usize>>,
}

impl Unheld {
    pub(super) fn add(&mut self, asked: Asked) {
        let endpoint = (asked.protocol, asked.public, asked.port);
        self.by_endpoint.entry(endpoint).or_default().push(self.candidates.len());
        self.candidates.push(Some(asked));
    }

    /// Strikes out what the flow could be taken for, from 5 s before it to 35 s after its expiry.
    pub(super) fn strike(&mut self, opened: &Opened<'_>) {
        let t = opened.tuple;
        let Some(near) = self.by_endpoint.get(&(t.protocol, t.outside, t.outside_port)) else {
            return;
        };
        let from = opened.script.packets.first().map_or(0, |&at| at - 5 * SECOND);
        let until = opened.script.stop + 35 * SECOND;
        for &index in near {
            if let Some(candidate) = self.candidates.get_mut(index) {
                *candidate = candidate.filter(|c| c.at < from || c.at >= until);
            }
        }
    }

    /// What is left.
    pub(super) fn left(&self) -> impl Iterator<Item = Asked> {
        self.candidates.iter().flatten().copied()
    }
}

/// Writes the questions, which ascend by time, as the `csv` of batches: times cut to milliseconds or seconds, here
/// and there a tolerance, no destination or no protocol.
pub(super) fn questions(asked: &[Asked], seed: u64, out: &mut dyn Write) -> io::Result<()> {
    let mut rng = SplitMix64::new(seed);
    writeln!(out, "id,public_ip,port,protocol,time,to_ip,to_port,tolerance")?;
    for (number, a) in asked.iter().enumerate() {
        let time = Civil::new(a.at);
        write!(out, "{},{},{},", id(number), a.public, a.port)?;
        if !rng.chance(0.03) {
            write!(out, "{}", a.protocol)?;
        }
        if rng.chance(0.3) {
            write!(out, ",{},", time.second())?;
        } else {
            write!(out, ",{},", time.milli())?;
        }
        if a.with_to {
            write!(out, "{}", a.to.addr)?;
        }
        write!(out, ",")?;
        if let Some(port) = a.to.port.filter(|_| a.with_to) {
            write!(out, "{port}")?;
        }
        writeln!(out, ",{}", if rng.chance(0.1) { "1s" } else { "" })?;
    }
    Ok(())
}

/// Writes who was behind the questions.
pub(super) fn answers(asked: &[Asked], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "id,subscriber")?;
    for (number, a) in asked.iter().enumerate() {
        let subscriber = a.subscriber.map_or("none".to_owned(), super::user_name);
        writeln!(out, "{},{subscriber}", id(number))?;
    }
    Ok(())
}

fn id(number: usize) -> impl std::fmt::Display {
    struct Id(usize);
    impl std::fmt::Display for Id {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "Q{:05}", self.0)
        }
    }
    Id(number)
}
