//! Cisco's ASA and Firepower (FTD), PIX and FWSM, as syslog.
//!
//! | message | is |
//! |---|---|
//! | 305011, 305012 | one port translated towards any destination, with its duration at the end |
//! | 305009, 305010 | the same for a whole address: every port |
//! | 305014, 305015, 305017 | a block of ports of one protocol: given, taken back, still held |
//! | 302013 to 302016, 302303 to 302306 | a connection of TCP, UDP or SCTP |
//! | 302020, 302021 | an ICMP exchange; no event where it is an error, which has no identifier |
//! | 430002, 430003 | a connection in the events of Firepower, where they have the fields of the NAT |
//! | warnings about pools, stubs of a cluster | in order and no event |
//! | any other message 305 or 3020 | damage, since it may give or take ports |
//!
//! # Connections
//!
//! The one that opens a connection stands first in an inbound message and second in an outbound one. Its real and its
//! mapped end say whether it was translated; where the other end alone was, it is a port forward.
//!
//! A teardown prints neither direction nor mapped ends. It is read by the number of its connection, where that was seen
//! built between the same real ends; else it holds no fact. A far side that the box calls by a name is left out. The numbers of up to [`CONNECTIONS`] open ones are kept.

mod ends;
mod events;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;

use self::ends::{Duration, End, Side, destination, duration, side};
use super::clock::Clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::syslog;
use super::texts::{self, Realms, Refusal, at_column, split_at_text};
use super::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::protocol::Protocol;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "cisco-asa",
    title: "Cisco ASA, Firepower (FTD), PIX, FWSM, as syslog",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "the stamp of the device or of the collector (1 s); of Firepower's events the begin, UTC (1 s)",
    source: "Cisco Secure Firewall ASA syslog messages; document 116149",
    cut: Cut::Lines,
    parser: |options| Box::new(CiscoAsaParser::new(&options)),
};

/// How many open connections are kept, the oldest given up first.
pub const CONNECTIONS: usize = 1 << 18;

/// A parser of lines.
#[derive(Debug)]
pub struct CiscoAsaParser {
    clock: Clock,
    realms: Realms,
    /// The open connections, by number.
    open: BTreeMap<u64, Connection>,
    is_whole: bool,
}

/// A connection as it was built.
#[derive(Clone, Copy, Debug)]
struct Connection {
    protocol: Protocol,
    first: Side,
    second: Side,
    is_inbound: bool,
}

impl CiscoAsaParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> CiscoAsaParser {
        CiscoAsaParser {
            clock: Clock::new(options),
            realms: Realms::new(options),
            open: BTreeMap::new(),
            is_whole: false,
        }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        self.is_whole = false;
        let head = syslog::head(line, &mut self.clock);
        event.time = head.time.and_then(Result::ok);
        let text = head.tagged(line);
        let (id, rest) = message(text)?;
        let duration = match number(id) {
            305_009 | 305_011 => self.translation(rest, EventKind::PortCreate, event)?,
            305_010 | 305_012 => self.translation(rest, EventKind::PortDelete, event)?,
            305_014 => self.block(rest, EventKind::BlockAlloc, event)?,
            305_015 => self.block(rest, EventKind::BlockRelease, event)?,
            305_017 => self.block(rest, EventKind::BlockInterim, event)?,
            302_013 | 302_015 | 302_303 | 302_305 => self.built(rest, event)?,
            302_014 | 302_016 | 302_304 | 302_306 => self.teardown(rest, event)?,
            302_020 => self.icmp(rest, EventKind::SessionCreate, event)?,
            302_021 => self.icmp(rest, EventKind::SessionDelete, event)?,
            430_002 => return events::read(self, rest, EventKind::SessionCreate, &head, event),
            430_003 => return events::read(self, rest, EventKind::SessionDelete, &head, event),
            302_003
            | 302_004
            | 302_009
            | 302_010
            | 302_012
            | 302_022..=302_027
            | 305_005..=305_008
            | 305_013
            | 305_016
            | 305_018..=305_022 => {
                return Err((RejectReason::OtherEvent, id));
            }
            302_000..=302_099 | 302_300..=302_399 | 305_000..=305_999 => {
                return Err((RejectReason::UnknownEvent, id));
            }
            _ => return Err((RejectReason::NotNat, id)),
        };
        event.header_time = head.relay_time;
        event.time = match head.time {
            Some(time) => Some(time.map_err(|reason| (reason, line))?),
            None => None,
        };
        event.start = match (event.time, duration) {
            (Some(time), Some(second)) => Some(texts::begin(time, second)),
            _ => None,
        };
        Ok(())
    }

    /// `Built dynamic TCP translation from inside:A/p to outside(acl):X/q [duration h:mm:ss]`
    fn translation<'a>(
        &mut self,
        rest: &'a [u8],
        kind: EventKind,
        event: &mut Event,
    ) -> Result<Duration, Refusal<'a>> {
        let (before, ends) = split_at_text(rest, b" translation from ").ok_or_else(|| cut(rest))?;
        let (from, to) = split_at_text(ends, b" to ").ok_or_else(|| cut(rest))?;
        let (real, mapped) = (side(from)?.real, side(to)?.real);
        real.ip(from)?;
        let protocol = before.trim_ascii_end();
        let protocol = texts::split_last(protocol, b' ').map_or(protocol, |(_, word)| word);
        event.protocol = match (real.port, mapped.port) {
            (Some(_), Some(_)) => Some(texts::protocol(protocol)?),
            (None, None) => None,
            _ => return Err((RejectReason::BadPort, to)),
        };
        if real == mapped {
            return Err((RejectReason::NoTranslation, to));
        }
        let duration = duration(to)?;
        self.is_whole = duration.is_some();
        if kind == EventKind::PortDelete && duration.is_none() {
            return Err(cut(rest));
        }
        let has_ports = event.protocol.is_some_and(Protocol::has_ports);
        self.place(event, real, mapped, has_ports, to)?;
        event.kind = kind;
        Ok(duration)
    }

    /// `Allocated TCP block of ports for translation from inside:A to outside:X/first-last`
    fn block<'a>(
        &mut self,
        rest: &'a [u8],
        kind: EventKind,
        event: &mut Event,
    ) -> Result<Duration, Refusal<'a>> {
        let (before, ends) = split_at_text(rest, b" block of ports for translation from ")
            .ok_or_else(|| cut(rest))?;
        let (from, to) = split_at_text(ends, b" to ").ok_or_else(|| cut(rest))?;
        let protocol = texts::split_last(before, b' ').map_or(before, |(_, word)| word);
        let (_, to) = texts::split(to, b':').ok_or_else(|| cut(rest))?;
        let to = to.trim_ascii();
        let (addr, range) = texts::split(to, b'/').ok_or_else(|| cut(rest))?;
        let (range, tail) = texts::split(range, b' ').map_or((range, &b""[..]), |(r, t)| (r, t));
        self.is_whole = !tail.is_empty() || rest.last() == Some(&b' ');
        event.protocol = Some(texts::protocol(protocol)?);
        event.inside = Some(texts::host(side(from)?.real.ip(from)?, self.realms.own()));
        event.outside = Some(texts::ipv4(addr)?);
        event.ports = Some(texts::ports(range.strip_suffix(b".").unwrap_or(range))?);
        event.kind = kind;
        Ok(None)
    }

    /// `Built outbound TCP connection 9 for outside:B/q (B/q) to inside:A/p (X/r)`
    fn built<'a>(&mut self, rest: &'a [u8], event: &mut Event) -> Result<Duration, Refusal<'a>> {
        let (before, id, first, second) = connection(rest)?;
        let is_inbound = match split_at_text(before, b"inbound") {
            Some(_) => true,
            None if split_at_text(before, b"outbound").is_some() => false,
            // A bypass of the state table names the one that opened it first.
            None if split_at_text(before, b"bypass").is_some() => true,
            None => return Err((RejectReason::UnknownField, before)),
        };
        let connection = Connection {
            protocol: texts::protocol(protocol_word(before))?,
            first: side(first)?,
            second: side(second)?,
            is_inbound,
        };
        self.is_whole = connection.second.mapped.is_some();
        if connection.first.mapped.is_none() || connection.second.mapped.is_none() {
            return Err(cut(rest));
        }
        if self.open.len() >= CONNECTIONS {
            self.open.pop_first();
        }
        self.open.insert(id, connection);
        self.connect(event, &connection, second)?;
        event.flow_id = Some(id);
        event.kind = EventKind::SessionCreate;
        Ok(None)
    }

    /// `Teardown TCP connection 9 for outside:B/q to inside:A/p duration h:mm:ss bytes n reason`
    fn teardown<'a>(&mut self, rest: &'a [u8], event: &mut Event) -> Result<Duration, Refusal<'a>> {
        let (before, id, first, second) = connection(rest)?;
        let protocol = texts::protocol(protocol_word(before))?;
        let (first, last) = (side(first)?, side(second)?);
        let duration = duration(second)?;
        let Some(second_count) = duration else { return Err(cut(rest)) };
        let (_, tail) = split_at_text(second, b" bytes ").unwrap_or_default();
        self.is_whole = true;
        let is_same = |c: &&Connection| {
            c.protocol == protocol && c.first.real == first.real && c.second.real == last.real
        };
        let Some(connection) = self.open.get(&id).filter(is_same).copied() else {
            return Err((RejectReason::OtherEvent, rest));
        };
        self.open.remove(&id);
        self.connect(event, &connection, second)?;
        event.flow_id = Some(id);
        event.kind = EventKind::SessionDelete;
        let reason = texts::split(tail, b' ').map_or(&b""[..], |(_, reason)| reason);
        let has_timeout = reason.windows(7).any(|w| w.eq_ignore_ascii_case(b"timeout"));
        // A bracket names a user.
        let has_reason = reason.first().is_some_and(|b| *b != b'(');
        event.killed = has_reason.then_some(!has_timeout);
        Ok(Some(second_count))
    }

    /// Fills in who got which port, if the one that opened the connection was translated.
    fn connect<'a>(
        &self,
        event: &mut Event,
        connection: &Connection,
        blame: &'a [u8],
    ) -> Result<(), Refusal<'a>> {
        let (near, far) = if connection.is_inbound {
            (connection.first, connection.second)
        } else {
            (connection.second, connection.first)
        };
        let mapped = near.mapped.unwrap_or(near.real);
        if near.is_plain {
            let reason = if far.is_plain {
                RejectReason::NoTranslation
            } else {
                RejectReason::DestinationTranslation
            };
            return Err((reason, blame));
        }
        event.destination = destination(far.real, far.real.port, blame)?;
        event.protocol = Some(connection.protocol);
        self.place(event, near.real, mapped, true, blame)
    }

    /// `Built outbound ICMP connection for faddr B/0 gaddr X/r laddr A/p type 8 code 0`
    fn icmp<'a>(
        &mut self,
        rest: &'a [u8],
        kind: EventKind,
        event: &mut Event,
    ) -> Result<Duration, Refusal<'a>> {
        let end = |name: &[u8]| {
            let (_, text) = split_at_text(rest, name).ok_or_else(|| cut(rest))?;
            ends::end(text)
        };
        let (far, global, local) = (end(b"faddr ")?, end(b"gaddr ")?, end(b"laddr ")?);
        let (_, tail) = split_at_text(rest, b"laddr ").unwrap_or_default();
        self.is_whole = tail.contains(&b' ');
        // An error has no identifier: it is about a packet of another flow.
        let kind_text = split_at_text(tail, b" type ").map_or(tail, |(_, text)| text);
        let kind_text = texts::split(kind_text, b' ').map_or(kind_text, |(word, _)| word);
        if matches!(kind_text, b"3" | b"4" | b"5" | b"11" | b"12") {
            return Err((RejectReason::OtherEvent, kind_text));
        }
        local.ip(rest)?;
        if local == global {
            return Err((RejectReason::NoTranslation, rest));
        }
        // The one that asks has the identifier; a teardown says nothing else of the direction.
        let is_inbound = match kind {
            EventKind::SessionCreate => split_at_text(rest, b"inbound ").is_some(),
            _ => far.port != Some(0) && global.port == Some(0),
        };
        if is_inbound {
            return Err((RejectReason::DestinationTranslation, rest));
        }
        event.destination = destination(far, None, rest)?;
        event.protocol = Some(Protocol::ICMP);
        self.place(event, local, global, true, rest)?;
        event.kind = kind;
        Ok(None)
    }

    /// The inside host and its public port, or every port.
    fn place<'a>(
        &self,
        event: &mut Event,
        real: End,
        mapped: End,
        has_ports: bool,
        blame: &'a [u8],
    ) -> Result<(), Refusal<'a>> {
        let IpAddr::V4(outside) = mapped.ip(blame)? else {
            return Err((RejectReason::Ipv6Translation, blame));
        };
        event.inside = Some(texts::host(real.ip(blame)?, self.realms.own()));
        event.outside = Some(outside);
        event.inside_port = real.port.filter(|_| has_ports);
        event.ports = Some(match mapped.port {
            Some(port) if has_ports => PortRange::single(port),
            _ => PortRange::ALL,
        });
        Ok(())
    }
}

fn cut(rest: &[u8]) -> Refusal<'_> {
    (RejectReason::CutShort, rest.get(rest.len()..).unwrap_or_default())
}

/// What stands before the number of a connection, the number, and its two sides.
type Sides<'a> = (&'a [u8], u64, &'a [u8], &'a [u8]);

fn connection(rest: &[u8]) -> Result<Sides<'_>, Refusal<'_>> {
    let (before, after) = split_at_text(rest, b" connection ").ok_or_else(|| cut(rest))?;
    let (id, after) = texts::split(after, b' ').ok_or_else(|| cut(rest))?;
    let number = texts::number(id, u64::MAX).ok_or((RejectReason::BadValue, id))?;
    let after = after.strip_prefix(b"for ").or(after.strip_prefix(b"from "));
    let after = after.ok_or_else(|| cut(rest))?;
    let (first, second) = split_at_text(after, b" to ").ok_or_else(|| cut(rest))?;
    Ok((before, number, first, second))
}

/// `Built outbound TCP`, `Built TCP state-bypass`
fn protocol_word(before: &[u8]) -> &[u8] {
    let before = before.strip_suffix(b" state-bypass").unwrap_or(before);
    texts::split_last(before, b' ').map_or(before, |(_, word)| word)
}

/// `%ASA-6-305011: `, `%FTD-session-6-305011: `; the number and what follows.
fn message(text: &[u8]) -> Result<(&[u8], &[u8]), Refusal<'_>> {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        let found = rest.get(at + 1..).unwrap_or_default();
        if [&b"ASA-"[..], b"FTD-", b"PIX-", b"PIX|ASA-", b"FWSM-"]
            .iter()
            .any(|p| found.starts_with(p))
            && let Some((name, rest)) = texts::split(found, b':')
            && let Some((_, id)) = texts::split_last(name, b'-')
        {
            return Ok((id, rest.trim_ascii_start()));
        }
        rest = found;
    }
    Err((RejectReason::NotNat, text))
}

fn number(id: &[u8]) -> u64 {
    if id.len() == 6 { texts::number(id, 999_999).unwrap_or(0) } else { 0 }
}

impl LineParser for CiscoAsaParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.parse(line, event).map_err(|refusal| at_column(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.is_whole
    }
}
