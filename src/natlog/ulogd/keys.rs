//! The keys of the NFCT input, and what they say together.

use std::net::IpAddr;

use jiff::civil::DateTime;

use crate::natlog::clock::Clock;
use crate::natlog::linux_flow::{
    Ends, Tuple, ZoneRealms, check_zone, once, stamp_soon_after, translate,
};
use crate::natlog::reader::ReaderOptions;
use crate::natlog::{Event, EventKind, RejectReason};
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, TimeDelta, Timestamp, WrittenTime};

/// How long after its end the begin of a flow may be read; what is later is damage.
const LATEST_READ: TimeDelta = TimeDelta::from_second(1);

/// What the options say, and what earlier records showed.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    has_zone: bool,
    pub(super) realms: ZoneRealms,
}

impl State {
    pub(super) fn new(options: &ReaderOptions) -> State {
        State {
            clock: Clock::new(options),
            has_zone: options.zone().is_some(),
            realms: ZoneRealms::new(options.realm()),
        }
    }
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Direction {
    pub(super) src: Option<IpAddr>,
    pub(super) dst: Option<IpAddr>,
    pub(super) protocol: Option<u8>,
    pub(super) sport: Option<u16>,
    pub(super) dport: Option<u16>,
}

/// Seconds and microseconds, as two keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Epoch {
    pub(super) second: Option<u64>,
    pub(super) microsecond: Option<u64>,
}

/// The keys of one record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) timestamp: Option<&'a [u8]>,
    pub(super) event: Option<u64>,
    pub(super) id: Option<u64>,
    pub(super) zone: Option<u64>,
    pub(super) original: Direction,
    pub(super) reply: Direction,
    pub(super) start: Epoch,
    pub(super) end: Epoch,
    /// It has a key that only packets have.
    pub(super) is_packet: bool,
}

/// The key to which a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Timestamp,
    Event,
    Id,
    Zone,
    Source(Side),
    Destination(Side),
    Protocol(Side),
    SourcePort(Side),
    DestinationPort(Side),
    Start(Unit),
    End(Unit),
    OfPacket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Original,
    Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Microsecond,
}

impl Key {
    /// The key of that name; none for those that say nothing about a NAT.
    pub(super) fn from_name(name: &[u8]) -> Option<Key> {
        use Side::{Original, Reply};
        Some(match name {
            b"timestamp" => Key::Timestamp,
            b"ct.event" => Key::Event,
            b"ct.id" => Key::Id,
            b"ct.zone" | b"ct.zone.orig" => Key::Zone,
            b"orig.ip.saddr.str" | b"src_ip" | b"orig.ip.saddr" => Key::Source(Original),
            b"orig.ip.daddr.str" | b"dest_ip" | b"orig.ip.daddr" => Key::Destination(Original),
            b"orig.ip.protocol" => Key::Protocol(Original),
            b"orig.l4.sport" => Key::SourcePort(Original),
            b"orig.l4.dport" => Key::DestinationPort(Original),
            b"reply.ip.saddr.str" | b"reply.ip.saddr" => Key::Source(Reply),
            b"reply.ip.daddr.str" | b"reply.ip.daddr" => Key::Destination(Reply),
            b"reply.ip.protocol" => Key::Protocol(Reply),
            b"reply.l4.sport" => Key::SourcePort(Reply),
            b"reply.l4.dport" => Key::DestinationPort(Reply),
            b"flow.start.sec" => Key::Start(Unit::Second),
            b"flow.start.usec" => Key::Start(Unit::Microsecond),
            b"flow.end.sec" => Key::End(Unit::Second),
            b"flow.end.usec" => Key::End(Unit::Microsecond),
            b"oob.hook" | b"raw.pktlen" | b"ip.totlen" | b"ip.protocol" | b"oob.prefix" => {
                Key::OfPacket
            }
            _ => return None,
        })
    }
}

impl<'a> Keys<'a> {
    /// Keeps a value as its text.
    pub(super) fn set(&mut self, key: Key, text: &'a [u8]) -> Result<(), RejectReason> {
        match key {
            Key::Timestamp => once(&mut self.timestamp, text),
            Key::Source(side) => address(&mut self.side(side).src, text),
            Key::Destination(side) => address(&mut self.side(side).dst, text),
            Key::OfPacket => {
                self.is_packet = true;
                Ok(())
            }
            _ => self.set_number(key, number(text).ok_or(bad(key))?),
        }
    }

    /// Keeps a value that is a number.
    pub(super) fn set_number(&mut self, key: Key, value: u64) -> Result<(), RejectReason> {
        let short = || u16::try_from(value).map_err(|_| RejectReason::BadPort);
        match key {
            Key::Event => once(&mut self.event, value),
            Key::Id => once(&mut self.id, value),
            Key::Zone => once(&mut self.zone, value),
            Key::Protocol(side) => {
                let protocol = u8::try_from(value).map_err(|_| RejectReason::BadProtocol)?;
                once(&mut self.side(side).protocol, protocol)
            }
            Key::SourcePort(side) => once(&mut self.side(side).sport, short()?),
            Key::DestinationPort(side) => once(&mut self.side(side).dport, short()?),
            Key::Start(Unit::Second) => once(&mut self.start.second, value),
            Key::Start(Unit::Microsecond) => once(&mut self.start.microsecond, value),
            Key::End(Unit::Second) => once(&mut self.end.second, value),
            Key::End(Unit::Microsecond) => once(&mut self.end.microsecond, value),
            Key::OfPacket => {
                self.is_packet = true;
                Ok(())
            }
            // An address as a number is in some byte order or other.
            Key::Timestamp | Key::Source(_) | Key::Destination(_) => Err(bad(key)),
        }
    }

    fn side(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Original => &mut self.original,
            Side::Reply => &mut self.reply,
        }
    }

    /// Fills in what the keys say.
    pub(super) fn read(&self, state: &mut State, event: &mut Event) -> Result<(), RejectReason> {
        let has_reply = self.reply.src.is_some() || self.reply.dst.is_some();
        if self.event.is_none() && !has_reply && self.is_packet {
            event.time = self.stamp(state, None).ok().flatten();
            return Err(RejectReason::OtherEvent);
        }
        let (start, end) = (self.start.written()?, self.end.written()?);
        event.kind = match self.event {
            Some(1) => EventKind::SessionCreate,
            Some(2) => EventKind::Update,
            Some(4) => EventKind::SessionDelete,
            Some(_) => return Err(RejectReason::UnknownEvent),
            // Releases before 2.0 number no events; a flow that has ended is one all the same.
            None if end.is_some() => EventKind::SessionDelete,
            None => return Err(RejectReason::NoEvent),
        };
        event.flow_id = self.id;
        match event.kind {
            EventKind::SessionDelete => {
                event.start = start;
                event.stop = end;
                event.time = self.stamp(state, end.or(start))?.or(end);
                check_zone(event)?;
                if let (Some(start), Some(end)) = (start, end)
                    && end.end() <= start.start()
                {
                    // A flow that was over before ulogd read that it had begun.
                    let late = start.start().since(end.end());
                    if late > LATEST_READ {
                        return Err(RejectReason::BadTime);
                    }
                    event.start = None;
                }
                // It was written when the flow was over, which its whole seconds alone do not say.
                if let (Some(time), Some(end)) = (event.time, end)
                    && time.start() < end.start()
                    && end.start() < time.end()
                {
                    let left = time.end().since(end.start()).as_microsecond();
                    event.time = Some(WrittenTime::new(end.start(), left));
                }
            }
            EventKind::SessionCreate if start.is_some() => event.time = start,
            _ => event.time = self.stamp(state, start)?,
        }
        let number = self.original.protocol.ok_or(RejectReason::MissingField)?;
        let protocol = Protocol::new(number);
        if self.reply.protocol.is_some_and(|reply| reply != number) {
            return Err(RejectReason::BadProtocol);
        }
        event.protocol = Some(protocol);
        let original = self.original.tuple(protocol)?;
        let reply = self.reply.tuple(protocol)?;
        let zone = match self.zone {
            Some(zone) => Some(u16::try_from(zone).map_err(|_| RejectReason::BadValue)?),
            None => None,
        };
        translate(event, protocol, original, reply, |addr| state.realms.host(addr, zone))
    }

    /// When the record was written; `near` is an instant shortly before that.
    fn stamp(
        &self,
        state: &mut State,
        near: Option<WrittenTime>,
    ) -> Result<Option<WrittenTime>, RejectReason> {
        let Some(text) = self.timestamp else { return Ok(None) };
        let stamp = Stamp::parse(text).ok_or(RejectReason::BadTime)?;
        if let Some(offset) = stamp.offset_second {
            let utc = crate::natlog::clock::utc(stamp.civil, stamp.subsecond, stamp.resolution)?;
            let offset = TimeDelta::from_second(offset);
            return Ok(Some(utc.corrected(offset)));
        }
        match near {
            Some(near) if !state.has_zone => {
                stamp_soon_after(near.start(), stamp.civil, stamp.subsecond, stamp.resolution)
                    .map(Some)
                    .ok_or(RejectReason::BadTime)
            }
            _ => state.clock.civil(stamp.civil, stamp.subsecond, stamp.resolution).map(Some),
        }
    }
}

impl Direction {
    pub(super) fn tuple(&self, protocol: Protocol) -> Result<Tuple, RejectReason> {
        let (Some(src), Some(dst)) = (self.src, self.dst) else {
            return Err(RejectReason::MissingField);
        };
        let ends = match (self.sport, self.dport) {
            (Some(src), Some(dst)) => Ends::Ports { src, dst },
            (None, None) if protocol == Protocol::ICMP => Ends::Unlogged,
            (None, None) if !protocol.has_ports() => Ends::None,
            _ => return Err(RejectReason::MissingField),
        };
        Ok(Tuple { src, dst, ends })
    }
}

impl Epoch {
    fn written(self) -> Result<Option<WrittenTime>, RejectReason> {
        let Some(second) = self.second else {
            return if self.microsecond.is_some() { Err(RejectReason::BadTime) } else { Ok(None) };
        };
        let second = i64::try_from(second).map_err(|_| RejectReason::BadTime)?;
        let Some(micros) = self.microsecond else {
            return Ok(Some(WrittenTime::from_second(second)));
        };
        let micros = i64::try_from(micros).ok().filter(|m| *m < MICROS_PER_SECOND);
        let at =
            second.checked_mul(MICROS_PER_SECOND).zip(micros).and_then(|(s, m)| s.checked_add(m));
        let at = at.ok_or(RejectReason::BadTime)?;
        Ok(Some(WrittenTime::exact(Timestamp::from_microsecond(at))))
    }
}

/// `2026-11-22T00:18:55[.623125][+0100]` of JSON, `2026/11/22-00:18:55` of GPRINT.
struct Stamp {
    civil: DateTime,
    subsecond: i64,
    resolution: i64,
    offset_second: Option<i64>,
}

impl Stamp {
    fn parse(text: &[u8]) -> Option<Stamp> {
        let digits = |from: usize, to: usize| -> Option<i16> {
            let part = text.get(from..to)?;
            let part = std::str::from_utf8(part).ok()?;
            part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
        };
        let small = |from: usize| i8::try_from(digits(from, from + 2)?).ok();
        let marks = [text.get(4)?, text.get(7)?, text.get(10)?, text.get(13)?, text.get(16)?];
        match marks {
            [b'-', b'-', b'T' | b' ', b':', b':'] | [b'/', b'/', b'-' | b' ', b':', b':'] => {}
            _ => return None,
        }
        let (year, month, day) = (digits(0, 4)?, small(5)?, small(8)?);
        let (hour, minute, second) = (small(11)?, small(14)?, small(17)?);
        let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        let mut rest = text.get(19..)?;
        let (mut subsecond, mut resolution) = (0, MICROS_PER_SECOND);
        if let [b'.' | b',', fraction @ ..] = rest {
            let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            let (fraction, after) = fraction.split_at_checked(len)?;
            if fraction.is_empty() {
                return None;
            }
            (subsecond, resolution) =
                crate::time::fraction_micros(std::str::from_utf8(fraction).ok()?);
            rest = after;
        }
        Some(Stamp { civil, subsecond, resolution, offset_second: offset(rest)? })
    }
}

/// Nothing, `Z`, `+0100` or `+01:00`.
#[expect(clippy::option_option, reason = "an offset that is bad, missing, or there")]
fn offset(text: &[u8]) -> Option<Option<i64>> {
    let (sign, digits) = match text {
        [] => return Some(None),
        [b'Z'] => return Some(Some(0)),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits {
        [a, b, c, d] | [a, b, b':', c, d] => (number(&[*a, *b])?, number(&[*c, *d])?),
        _ => return None,
    };
    let second = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours < 24 && minutes < 60).then_some(Some(sign * second))
}

/// Keeps an address; it may come under two names if both agree.
fn address(slot: &mut Option<IpAddr>, text: &[u8]) -> Result<(), RejectReason> {
    let text = std::str::from_utf8(text).map_err(|_| RejectReason::BadAddress)?;
    let addr = text.parse().map_err(|_| RejectReason::BadAddress)?;
    match slot.replace(addr) {
        Some(before) if before != addr => Err(RejectReason::RepeatedField),
        _ => Ok(()),
    }
}

pub(super) fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The reason for a value of that key that cannot be read.
pub(super) fn bad(key: Key) -> RejectReason {
    match key {
        Key::Timestamp | Key::Start(_) | Key::End(_) => RejectReason::BadTime,
        Key::Source(_) | Key::Destination(_) => RejectReason::BadAddress,
        Key::Protocol(_) => RejectReason::BadProtocol,
        Key::SourcePort(_) | Key::DestinationPort(_) => RejectReason::BadPort,
        Key::Event | Key::Id | Key::Zone | Key::OfPacket => RejectReason::BadValue,
    }
}
