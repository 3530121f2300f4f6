//! A CGN that tracks every flow and logs each change: a connection tracker, run event by event.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::conntrack::{self, Closing, End, Tuple};
use super::flow::{Script, script};
use super::tenancy::{Parting, Tenancy};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::synth::day::{HOUR, MILLI, PEAK, SECOND, activity};
use crate::synth::rng::{SplitMix64, micros};

/// Flows a line opens in an hour, on average over the day.
pub(super) const FLOWS_PER_HOUR: f64 = 40.0;
/// A tracker's garbage collector passes every this long.
const COLLECTOR: i64 = 20 * SECOND;
/// The address of the box itself, which nothing translates.
const OWN: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 2);

/// What the box is told.
#[derive(Clone, Copy)]
pub(super) struct Config<'a> {
    /// Seed of this part.
    pub(super) seed: u64,
    /// When the recording begins and ends, microseconds.
    pub(super) from: i64,
    pub(super) until: i64,
    /// Whether lines are counted, but not written.
    pub(super) is_quiet: bool,
    /// The ports that flows are given.
    pub(super) ports: PortRange,
    /// Who is online when, ascending by begin.
    pub(super) tenancies: &'a [Tenancy],
    /// The inside address of a slot, and the outside address that serves it.
    pub(super) inside: fn(u32) -> Ipv4Addr,
    pub(super) outside: &'a dyn Fn(u32) -> Ipv4Addr,
}

/// What is told about every flow of a subscriber when it opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened<'a> {
    pub(super) tuple: &'a Tuple,
    pub(super) subscriber: u32,
    pub(super) script: &'a Script,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Flows of subscribers, untranslated flows of the box, and those of both that were open at the end.
    pub(super) sessions: u64,
    pub(super) own: u64,
    pub(super) open: u64,
    /// Flows of subscribers: pings, entries killed, entries that made room for their successor, ports shared.
    pub(super) icmp: u64,
    pub(super) killed: u64,
    pub(super) reclaimed: u64,
    pub(super) shared: u64,
    /// Lines of the log.
    pub(super) lines: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// The next reported change of a flow, by place and number.
    Change(usize, u64),
    /// The collector finds a flow expired.
    Collect(usize, u64),
    /// A flow that was reset is opened again.
    Reopen(usize, u64),
    /// An operator flushes what a tenancy left behind.
    Flush(usize),
    /// A tenancy's next flow.
    Flow(usize),
    /// The box reports to its accounting server.
    Own,
}

type ReplyKey = (u8, Ipv4Addr, u16, Ipv4Addr, u16);
type OriginalKey = (u8, Ipv4Addr, u16, Ipv4Addr, u16);

struct Session {
    number: u64,
    tuple: Tuple,
    tenancy: Option<usize>,
    script: Script,
    done: usize,
}

impl Session {
    fn reply(&self) -> ReplyKey {
        let t = &self.tuple;
        (t.protocol.number(), t.outside, t.outside_port, t.far, t.far_port)
    }

    fn original(&self) -> OriginalKey {
        let t = &self.tuple;
        (t.protocol.number(), t.inside, t.inside_port, t.far, t.far_port)
    }
}

struct Tracker<'a> {
    config: Config<'a>,
    rng: SplitMix64,
    agenda: BinaryHeap<Reverse<(i64, u64, Action)>>,
    ticket: u64,
    sessions: Vec<Option<Session>>,
    vacant: Vec<usize>,
    replies: HashMap<ReplyKey, usize>,
    originals: HashMap<OriginalKey, usize>,
    /// How many entries hold a port, towards any destination.
    ports: HashMap<(u8, Ipv4Addr, u16), u32>,
    /// What was opened lately on an outside address: where a successor of an expired entry looks for it.
    recent: HashMap<Ipv4Addr, VecDeque<ReplyKey>>,
    stamp: i64,
    tally: Tally,
    out: &'a mut dyn Write,
    opened: &'a mut dyn FnMut(Opened<'_>),
}

/// Runs the box over the window: writes its log to `out`, and tells `opened` of every flow of a subscriber.
///
/// # Complexity
///
/// Memory for the flows that are alive at one time and the tenancies still to come.
pub(super) fn run<'a>(
    config: Config<'a>,
    out: &'a mut dyn Write,
    opened: &'a mut dyn FnMut(Opened<'_>),
) -> io::Result<Tally> {
    let mut tracker = Tracker {
        rng: SplitMix64::new(config.seed),
        stamp: config.from,
        config,
        agenda: BinaryHeap::new(),
        ticket: 0,
        sessions: Vec::new(),
        vacant: Vec::new(),
        replies: HashMap::new(),
        originals: HashMap::new(),
        ports: HashMap::new(),
        recent: HashMap::new(),
        tally: Tally::default(),
        out,
        opened,
    };
    tracker.run()?;
    Ok(tracker.tally)
}

impl Tracker<'_> {
    fn run(&mut self) -> io::Result<()> {
        for (index, t) in self.config.tenancies.iter().enumerate() {
            let first = t.attach + self.rng.between(200 * MILLI, 20 * SECOND);
            self.plan(first, Action::Flow(index));
            if t.parting != Parting::Online && self.rng.chance(0.5) {
                let flush = t.detach + self.rng.between(50 * MILLI, 300 * MILLI);
                self.plan(flush, Action::Flush(index));
            }
        }
        self.plan(self.config.from + SECOND, Action::Own);
        while let Some(Reverse((now, _, action))) = self.agenda.pop() {
            if now >= self.config.until {
                break;
            }
            match action {
                Action::Change(place, number) => self.change(place, number)?,
                Action::Collect(place, number) => {
                    if self.is_there(place, number) {
                        self.destroy(place, now, End::Expired)?;
                    }
                }
                Action::Reopen(place, number) => self.reopen(place, number, now)?,
                Action::Flush(index) => self.flush(index, now)?,
                Action::Flow(index) => self.flow(index, now)?,
                Action::Own => self.own(now)?,
            }
        }
        self.tally.open = u64::try_from(self.sessions.iter().flatten().count()).unwrap_or(0);
        Ok(())
    }

    fn plan(&mut self, at: i64, action: Action) {
        // Equal instants keep the order in which they were planned.
        self.ticket += 1;
        self.agenda.push(Reverse((at, self.ticket, action)));
    }

    fn get(&self, place: usize) -> Option<&Session> {
        self.sessions.get(place).and_then(Option::as_ref)
    }

    fn is_there(&self, place: usize, number: u64) -> bool {
        self.get(place).is_some_and(|s| s.number == number)
    }

    /// When the collector of the log reads what happened at `now`: late, and never before what it read last.
    fn read(&mut self, now: i64) -> i64 {
        let late = micros(self.rng.lognormal(0.000_4, 1.3)).clamp(100, 30 * MILLI);
        self.stamp = (now + late).max(self.stamp + self.rng.between(1, 9));
        self.stamp
    }

    /// The next flow of a tenancy, if the hour is busy enough, and the time of the one after it.
    fn flow(&mut self, index: usize, now: i64) -> io::Result<()> {
        let Some(&tenancy) = self.config.tenancies.get(index) else { return Ok(()) };
        if now >= tenancy.last {
            return Ok(());
        }
        if self.rng.chance(activity(now) / PEAK) {
            self.open(index, &tenancy, now)?;
        }
        // Lines differ: the busiest tenth opens some five times as many flows as the median.
        let mut own = SplitMix64::stream(self.config.seed, u64::from(tenancy.subscriber));
        let rate = FLOWS_PER_HOUR * PEAK * own.lognormal(0.73, 0.8);
        let wait = self.rng.exponential(3_600.0 / rate);
        self.plan(now + micros(wait).max(MILLI), Action::Flow(index));
        Ok(())
    }

    fn open(&mut self, index: usize, tenancy: &Tenancy, now: i64) -> io::Result<()> {
        let inside = (self.config.inside)(tenancy.slot);
        let outside = (self.config.outside)(tenancy.slot);
        let protocol = match self.rng.below(100) {
            0..62 => Protocol::TCP,
            62..95 => Protocol::UDP,
            _ => Protocol::ICMP,
        };
        let (mut far, mut far_port) = destination(protocol, &mut self.rng);
        let mut wanted = None;
        if let Some(lapsed) = self.lapsed(protocol, outside, now) {
            let (_, _, port, addr, port_there) = lapsed;
            (wanted, far, far_port) = (Some(port), addr, port_there);
        }
        let mut tuple = Tuple {
            protocol,
            inside,
            inside_port: 0,
            outside,
            outside_port: 0,
            far,
            far_port,
            // A bijection of the number: two live entries never share an id.
            id: low_bits(self.tally.sessions + self.tally.own + 1),
        };
        // A fresh inside port: a socket of the last tenant may still stand in the tracker.
        for attempt in 0.. {
            tuple.inside_port = port(self.rng.between(32_768, 60_999));
            let key = (protocol.number(), inside, tuple.inside_port, far, far_port);
            if !self.originals.contains_key(&key) {
                break;
            }
            if attempt == 16 {
                return Ok(());
            }
        }
        self.translate(tuple, wanted, Some(index), tenancy.last, now)
    }

    /// Now and then, an entry of this address that has expired and not been collected.
    fn lapsed(&mut self, protocol: Protocol, outside: Ipv4Addr, now: i64) -> Option<ReplyKey> {
        if !self.rng.chance(0.06) {
            return None;
        }
        let expired = |key: &&ReplyKey| {
            let place = self.replies.get(*key).copied();
            let session = place.and_then(|place| self.get(place));
            key.0 == protocol.number() && session.is_some_and(|s| s.script.stop <= now)
        };
        self.recent.get(&outside)?.iter().find(expired).copied()
    }

    /// Finds an outside port that is free towards the destination, and makes the entry.
    fn translate(
        &mut self,
        mut tuple: Tuple,
        wanted: Option<u16>,
        tenancy: Option<usize>,
        last: i64,
        now: i64,
    ) -> io::Result<()> {
        let (first, upto) = (self.config.ports.first(), self.config.ports.last());
        for attempt in 0..32 {
            tuple.outside_port = match (attempt, wanted) {
                (0, Some(port)) => port,
                // An echo identifier is kept where it is free.
                (0, None) if tuple.protocol == Protocol::ICMP => tuple.inside_port,
                _ => port(self.rng.between(i64::from(first), i64::from(upto))),
            };
            let t = &tuple;
            let key = (t.protocol.number(), t.outside, t.outside_port, t.far, t.far_port);
            match self.replies.get(&key).copied() {
                None => return self.insert(tuple, tenancy, last, now),
                Some(place) if self.get(place).is_some_and(|s| s.script.stop <= now) => {
                    self.tally.reclaimed += 1;
                    self.destroy(place, now, End::Expired)?;
                    return self.insert(tuple, tenancy, last, now);
                }
                Some(_) => {}
            }
        }
        // Every port that was tried is taken: the packet is dropped, and nothing is logged.
        Ok(())
    }

    fn insert(
        &mut self,
        tuple: Tuple,
        tenancy: Option<usize>,
        last: i64,
        now: i64,
    ) -> io::Result<()> {
        let script = script(tuple.protocol, now, last, &mut self.rng);
        let number = self.ticket;
        let session = Session { number, tuple, tenancy, script, done: 0 };
        let (reply, original) = (session.reply(), session.original());
        let holders = self.ports.entry((reply.0, reply.1, reply.2)).or_insert(0);
        *holders += 1;
        let is_shared = *holders > 1;
        if let Some(index) = tenancy {
            self.tally.sessions += 1;
            self.tally.icmp += u64::from(tuple.protocol == Protocol::ICMP);
            self.tally.shared += u64::from(is_shared);
            let subscriber = self.config.tenancies.get(index).map_or(0, |t| t.subscriber);
            (self.opened)(Opened { tuple: &tuple, subscriber, script: &session.script });
            let recent = self.recent.entry(tuple.outside).or_default();
            recent.push_back(reply);
            if recent.len() > 256 {
                recent.pop_front();
            }
        } else {
            self.tally.own += 1;
        }
        // The collector's next pass after the expiry.
        let pass = session.script.stop.div_euclid(COLLECTOR) * COLLECTOR + COLLECTOR;
        let collect = pass.min(session.script.stop + COLLECTOR - 40 * MILLI);
        let place = self.vacant.pop().unwrap_or(self.sessions.len());
        self.replies.insert(reply, place);
        self.originals.insert(original, place);
        if let Some(again) = session.script.reopened {
            self.plan(again, Action::Reopen(place, number));
        }
        if place == self.sessions.len() {
            self.sessions.push(Some(session));
        } else if let Some(slot) = self.sessions.get_mut(place) {
            *slot = Some(session);
        }
        self.change(place, number)?;
        self.plan(collect, Action::Collect(place, number));
        Ok(())
    }

    /// Reports the next change of a flow and plans the one after it.
    fn change(&mut self, place: usize, number: u64) -> io::Result<()> {
        if !self.is_there(place, number) {
            return Ok(());
        }
        let Some(s) = self.sessions.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
        let Some(step) = s.script.steps.get(s.done).copied() else { return Ok(()) };
        s.done += 1;
        let (tuple, is_new) = (s.tuple, s.done == 1);
        if let Some(next) = s.script.steps.get(s.done) {
            let at = next.at;
            self.plan(at, Action::Change(place, number));
        }
        let stamp = self.read(step.at);
        self.line(stamp, |out| conntrack::change(out, stamp, &tuple, &step, is_new))
    }

    fn destroy(&mut self, place: usize, now: i64, end: End) -> io::Result<()> {
        let Some(s) = self.sessions.get_mut(place).and_then(Option::take) else { return Ok(()) };
        self.vacant.push(place);
        let reply = s.reply();
        self.replies.remove(&reply);
        self.originals.remove(&s.original());
        let port = (reply.0, reply.1, reply.2);
        if let Some(holders) = self.ports.get_mut(&port) {
            *holders -= 1;
            if *holders == 0 {
                self.ports.remove(&port);
            }
        }
        let Some(&first) = s.script.steps.first() else { return Ok(()) };
        let state = s.script.steps.get(s.done.wrapping_sub(1)).copied().unwrap_or(first);
        let sent = u64::try_from(s.script.packets.len()).unwrap_or(0);
        let closing = Closing {
            start: first.at,
            stop: if end == End::Expired { s.script.stop } else { now },
            expiry: s.script.stop,
            state,
            packets: (sent, if state.replied { sent.div_ceil(2) } else { 0 }),
            end,
        };
        self.tally.killed += u64::from(end != End::Expired);
        let stamp = self.read(now);
        self.line(stamp, |out| conntrack::destroy(out, stamp, &s.tuple, &closing))
    }

    fn line(
        &mut self,
        stamp: i64,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if stamp >= self.config.until {
            return Ok(());
        }
        self.tally.lines += 1;
        if self.config.is_quiet { Ok(()) } else { write(self.out) }
    }

    /// The inside opens a flow that was reset once more, from the same port: the tracker drops the old entry, and
    /// may choose another outside port. The number of the entry stays.
    fn reopen(&mut self, place: usize, number: u64, now: i64) -> io::Result<()> {
        if !self.is_there(place, number) {
            return Ok(());
        }
        let Some((tuple, tenancy)) = self.get(place).map(|s| (s.tuple, s.tenancy)) else {
            return Ok(());
        };
        let tenant = tenancy.and_then(|index| self.config.tenancies.get(index));
        let Some(last) = tenant.map(|t| t.last).filter(|&last| now < last) else { return Ok(()) };
        self.destroy(place, now, End::Replaced)?;
        let other = port(
            self.rng
                .between(i64::from(self.config.ports.first()), i64::from(self.config.ports.last())),
        );
        self.translate(tuple, Some(other), tenancy, last, now)
    }

    /// Drops what a tenancy left behind.
    fn flush(&mut self, index: usize, now: i64) -> io::Result<()> {
        let left = |s: &Session| s.tenancy == Some(index) && s.script.stop > now;
        let places = self.sessions.iter().enumerate();
        let left: Vec<usize> =
            places.filter(|(_, s)| s.as_ref().is_some_and(left)).map(|(place, _)| place).collect();
        left.into_iter().try_for_each(|place| self.destroy(place, now, End::Flushed))
    }

    /// A flow of the box itself, to its accounting server, untranslated.
    fn own(&mut self, now: i64) -> io::Result<()> {
        let wait = micros(self.rng.exponential(40.0)).max(SECOND);
        self.plan(now + wait, Action::Own);
        let tuple = Tuple {
            protocol: Protocol::UDP,
            inside: OWN,
            inside_port: port(self.rng.between(32_768, 60_999)),
            outside: OWN,
            outside_port: 0,
            far: super::SERVER_RADIUS,
            far_port: 1813,
            id: low_bits(self.tally.sessions + self.tally.own + 1),
        };
        let tuple = Tuple { outside_port: tuple.inside_port, ..tuple };
        let key = (tuple.protocol.number(), OWN, tuple.inside_port, tuple.far, tuple.far_port);
        if self.originals.contains_key(&key) {
            return Ok(());
        }
        self.insert(tuple, None, now + HOUR, now)
    }
}

/// A server and a service: few are asked for often.
fn destination(protocol: Protocol, rng: &mut SplitMix64) -> (Ipv4Addr, u16) {
    const TCP: [u16; 10] = [443, 443, 443, 443, 443, 443, 80, 80, 993, 25];
    const UDP: [u16; 10] = [53, 53, 53, 53, 443, 443, 443, 443, 123, 3478];
    let near = rng.below(40).min(rng.below(40));
    let far = Ipv4Addr::new(192, 0, 2, 10 + u8::try_from(near).unwrap_or(0));
    let port = match protocol {
        Protocol::TCP => rng.pick(&TCP),
        Protocol::UDP => rng.pick(&UDP),
        _ => None,
    };
    (far, port.copied().unwrap_or(0))
}

fn port(number: i64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Scatters a count over 32 bits.
fn low_bits(count: u64) -> u32 {
    let low = u32::try_from(count & 0xffff_ffff).unwrap_or(0);
    low.wrapping_mul(0x9E37_79B1) ^ 0x5bd1_e995
}
