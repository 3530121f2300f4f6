//! The connection events of Firepower: 430002 when one begins, 430003 when it ended.
//!
//! ```text
//! %FTD-1-430003: EventPriority: Low, FirstPacketSecond: 2026-07-19T16:13:02Z, ConnectionID: 35871, SrcIP: 100.64.0.10,
//!     DstIP: 192.0.2.10, SrcPort: 5000, DstPort: 443, Protocol: tcp, ConnectionDuration: 30, NAT_InitiatorPort: 20017,
//!     NAT_ResponderPort: 443, NAT_InitiatorIP: 203.0.113.7, NAT_ResponderIP: 192.0.2.10
//! ```
//!
//! `FirstPacketSecond` is in UTC. An event without the fields of the NAT says nothing of it: older releases have none. Behind
//! the text of a client they are refused, since it may hold anything.

use std::net::IpAddr;

use super::CiscoAsaParser;
use crate::allocation::Destination;
use crate::natlog::scan::Cursor;
use crate::natlog::stamp;
use crate::natlog::syslog::Head;
use crate::natlog::texts::{self, Refusal};
use crate::natlog::values::Fields;
use crate::natlog::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, TimeDelta, WrittenTime};

const KEYS: [&[u8]; 13] = [
    b"FirstPacketSecond",
    b"ConnectionID",
    b"SrcIP",
    b"DstIP",
    b"SrcPort",
    b"DstPort",
    b"Protocol",
    b"IngressVRF",
    b"ConnectionDuration",
    b"NAT_InitiatorIP",
    b"NAT_InitiatorPort",
    b"NAT_ResponderIP",
    b"NAT_ResponderPort",
];

/// What the client says of itself, with commas and blanks as it likes.
const CLIENTS: [&[u8]; 3] = [b"UserAgent", b"HTTPReferer", b"ReferencedHost"];

/// Reads the pairs behind the number of the message, and their time.
pub(super) fn read<'a>(
    parser: &mut CiscoAsaParser,
    rest: &'a [u8],
    kind: EventKind,
    head: &Head<'_>,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let mut fields = Fields::new(&KEYS, rest);
    let (mut is_own, mut is_behind_client) = (false, false);
    for part in rest.split(|&b| b == b',') {
        let part = part.trim_ascii();
        let Some((key, value)) = texts::split_at_text(part, b": ") else { continue };
        is_own = KEYS.contains(&key);
        is_behind_client |= CLIENTS.contains(&key);
        // It may have put them there, where the event has none of its own.
        if is_behind_client && key.starts_with(b"NAT_") {
            return Err((RejectReason::BadValue, part));
        }
        fields.put(key, value.trim_ascii())?;
    }
    parser.is_whole = !is_own;
    let Some(public) = fields.get(b"NAT_InitiatorIP") else {
        return Err((RejectReason::OtherEvent, rest));
    };
    let protocol = texts::protocol(fields.need(b"Protocol")?)?;
    let has_ports = protocol.has_ports() && protocol != Protocol::ICMP;
    let end = |addr: &'a [u8], port: &[u8]| {
        let port = if has_ports { Some(texts::port(fields.need(port)?)?) } else { None };
        Ok::<_, Refusal<'a>>((texts::address(addr)?, port))
    };
    let inside = end(fields.need(b"SrcIP")?, b"SrcPort")?;
    let outside = end(public, b"NAT_InitiatorPort")?;
    let asked = end(fields.need(b"DstIP")?, b"DstPort")?;
    let far = match fields.get(b"NAT_ResponderIP") {
        Some(addr) => end(addr, b"NAT_ResponderPort")?,
        None => asked,
    };
    if inside == outside {
        let is_plain = asked == far;
        let reason = if is_plain {
            RejectReason::NoTranslation
        } else {
            RejectReason::DestinationTranslation
        };
        return Err((reason, public));
    }
    let (IpAddr::V4(addr), IpAddr::V4(far_addr)) = (outside.0, far.0) else {
        return Err((RejectReason::Ipv6Translation, public));
    };
    event.kind = kind;
    event.protocol = Some(protocol);
    let vrf = fields.get(b"IngressVRF").filter(|name| *name != b"Global").unwrap_or_default();
    event.inside = Some(texts::host(inside.0, parser.realms.named(vrf)?));
    event.inside_port = inside.1;
    event.outside = Some(addr);
    event.ports = Some(outside.1.map_or(PortRange::ALL, PortRange::single));
    event.destination = Some(Destination { addr: far_addr, port: far.1 });
    event.flow_id = fields.get(b"ConnectionID").and_then(|text| texts::number(text, u64::MAX));

    let text = fields.need(b"FirstPacketSecond")?;
    let mut c = Cursor::new(text);
    let stamp = stamp::stamp(&mut c).filter(|_| c.is_at_end());
    let stamp = stamp.ok_or((RejectReason::BadTime, text))?;
    let first = parser.clock.read(&stamp).map_err(|reason| (reason, text))?;
    if kind == EventKind::SessionCreate {
        event.header_time = head.time_beside(&mut parser.clock, first);
        event.time = Some(first);
        return Ok(());
    }
    event.start = Some(first);
    event.header_time = head.relay_time;
    // A head without year has that of the event.
    let logged = match head.stamp {
        Some(stamp) if stamp.year.is_none() => head.time_beside(&mut parser.clock, first),
        _ => head.time.and_then(Result::ok),
    };
    event.time = match (logged, fields.get(b"ConnectionDuration")) {
        (Some(time), _) => Some(time),
        // Whole seconds on whole seconds.
        (None, Some(length)) => {
            let bad = (RejectReason::BadValue, length);
            let second = texts::number(length, u64::from(u32::MAX)).ok_or(bad)?;
            let length = TimeDelta::from_second(i64::try_from(second).map_err(|_| bad)?);
            let resolution = first.resolution_microsecond().saturating_add(MICROS_PER_SECOND);
            Some(WrittenTime::new(first.start().plus(length), resolution))
        }
        (None, None) => match head.time {
            Some(Err(reason)) => return Err((reason, rest)),
            _ => None,
        },
    };
    // The clock of a relay that is behind would have it end before it began.
    if event.time.is_some_and(|time| time.end() <= first.start()) {
        return Err((RejectReason::BadTime, text));
    }
    Ok(())
}
