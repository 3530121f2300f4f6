//! The services cards: MS-MPC and MS-MIC (`JSERVICES_`), MS-DPC (`ASP_`).
//!
//! ```text
//! Oct 30 21:46:04  gw (FPC Slot 2, PIC Slot 0) 2026-10-31 04:46:04 [FWNAT]:ASP_NAT_PORT_BLOCK_ALLOC: 100.64.0.10 -> 203.0.113.7:1024-1087
//! 2026-10-31 04:46:04: gw{SET}[jservices-nat]: JSERVICES_NAT_PORT_BLOCK_RELEASE: 100.64.0.10 -> 203.0.113.7:1024-1087 0x6a44007a
//! Oct 30 21:46:04 gw (FPC Slot 2, PIC Slot 0) 2026-10-31 04:46:04 P{SET}[FWNAT]: ASP_SFW_CREATE_ACCEPT_FLOW: proto 17 (UDP)
//!     application: any, ge-1/0/0.120:100.64.0.10:5000 -> 192.0.2.10:63, creating forward or watch flow ; source address
//!     and port translate to 203.0.113.7:1048
//! {SET}JSERVICES_SESSION_OPEN: application:none, xe-3/1/1.0 100.64.0.10:18575 [203.0.113.7:1048] -> 192.0.2.10:63 (UDP)
//! ```
//!
//! The number at the end of a block is when it was allocated, in seconds.

use super::flow::{Flow, translate};
use super::{JuniperParser, Record, frame_time};
use crate::natlog::clock::utc_stamp;
use crate::natlog::scan::Cursor;
use crate::natlog::stamp::{Stamp, ZoneText, stamp};
use crate::natlog::texts::{self, Refusal, split_at_text};
use crate::natlog::{Event, EventKind, RejectReason};
use crate::time::WrittenTime;

pub(super) fn block<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
    kind: EventKind,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let end = record.rest.get(record.rest.len()..).unwrap_or_default();
    let cut = (RejectReason::CutShort, end);
    let mut c = Cursor::new(record.rest);
    c.take(b":");
    c.skip_blanks();
    let inside = c.token();
    c.skip_blanks();
    let arrow = c.token();
    c.skip_blanks();
    let outside = c.token();
    if arrow != b"->" {
        return Err(if arrow.is_empty() { cut } else { (RejectReason::UnknownField, arrow) });
    }
    let (addr, ports) = texts::split(outside, b':').ok_or(cut)?;
    let (inside, addr) = (texts::address(inside)?, texts::ipv4(addr)?);
    let ports = texts::ports(ports)?;
    c.skip_blanks();
    let epoch = epoch(c.token())?;
    // Without a number the ports come last, and may have lost a digit.
    parser.is_whole = epoch.is_some();

    event.kind = kind;
    times(parser, record, event)?;
    match (kind, event.time, epoch) {
        (EventKind::BlockInterim, ..) => event.start = epoch,
        (EventKind::BlockAlloc, None, Some(time)) => event.time = Some(time),
        // A release that repeats its own time says nothing of its start.
        (EventKind::BlockRelease, Some(time), Some(start)) if start.end() < time.start() => {
            event.start = Some(start);
        }
        _ => {}
    }
    let realm = realm(parser, record)?;
    event.inside = Some(texts::host(inside, realm));
    event.outside = Some(addr);
    event.ports = Some(ports);
    Ok(())
}

pub(super) fn flow<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
    kind: EventKind,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let end = record.rest.get(record.rest.len()..).unwrap_or_default();
    let cut = (RejectReason::CutShort, end);
    let (near, far) = split_at_text(record.rest, b" -> ").ok_or(cut)?;
    let pair = |text: &'a [u8]| {
        let bare = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]"));
        addr_port(bare.unwrap_or(text))
    };
    let near = near.trim_ascii_end();
    let (before, last) = texts::split_last(near, b' ').ok_or(cut)?;
    let (source, nat_source) = if last.starts_with(b"[") {
        let before = before.trim_ascii_end();
        (texts::split_last(before, b' ').map_or(before, |(_, token)| token), last)
    } else {
        (last, last)
    };
    let mut c = Cursor::new(far);
    c.skip_blanks();
    let destination = c.token();
    c.skip_blanks();
    let mut next = c.token();
    let mut nat_destination = destination;
    if next.starts_with(b"[") {
        nat_destination = next;
        c.skip_blanks();
        next = c.token();
    }
    let protocol = next.strip_prefix(b"(").ok_or(cut)?;
    let protocol = texts::split(protocol, b')').ok_or(cut)?.0;
    // An inside address within a tunnel is many hosts'.
    if c.rest().windows(8).any(|word| word.eq_ignore_ascii_case(b"softwire")) {
        return Err((RejectReason::UnknownField, c.rest()));
    }
    parser.is_whole = true;
    let flow = Flow {
        protocol: texts::protocol(protocol)?,
        original: (pair(source)?, pair(destination)?),
        translated: (pair(nat_source)?, pair(nat_destination)?),
        blame: nat_source,
    };
    translate(event, &flow)?;
    times(parser, record, event)?;
    event.kind = kind;
    let realm = realm(parser, record)?;
    event.inside = Some(texts::host(flow.original.0.0, realm));
    Ok(())
}

/// A flow of a stateful firewall, with what becomes of its source behind it.
pub(super) fn forwarded<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
    kind: EventKind,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let end = record.rest.get(record.rest.len()..).unwrap_or_default();
    let cut = (RejectReason::CutShort, end);
    let (near, far) = split_at_text(record.rest, b" -> ").ok_or(cut)?;
    let (far, tail) = split_at_text(far, b", ").ok_or(cut)?;
    let (what, tail) = split_at_text(tail, b";").unwrap_or((tail, end));
    let place = |name: &[u8]| {
        let (_, text) = split_at_text(tail, name)?;
        let text = text.trim_ascii_start();
        Some(texts::split(text, b' ').map_or(text, |(place, _)| place))
    };
    let source = place(b"source address and port translate to");
    let target = place(b"destination address and port translate to");
    let Some(source) = source else {
        let reason = match target {
            Some(_) => RejectReason::DestinationTranslation,
            None if tail.trim_ascii().is_empty() => RejectReason::NoTranslation,
            None => RejectReason::UnknownField,
        };
        return Err((reason, tail));
    };
    // In a flow back the source is the far side.
    if split_at_text(what, b"forward").is_none() {
        return Err((RejectReason::OtherEvent, what));
    }
    let protocol = split_at_text(near, b"proto ").ok_or(cut)?.1.trim_ascii_start();
    let protocol = texts::split(protocol, b' ').map_or(protocol, |(number, _)| number);
    let token = texts::split_last(near, b' ').ok_or(cut)?.1;
    let original = (interface_end(token)?, addr_port(far)?);
    let flow = Flow {
        protocol: texts::protocol(protocol)?,
        original,
        translated: (addr_port(source)?, target.map_or(Ok(original.1), addr_port)?),
        blame: source,
    };
    // The last port may have lost a digit, unless it has five.
    let last = texts::split_last(tail.trim_ascii_end(), b':').map_or(tail, |(_, port)| port);
    parser.is_whole = last.len() == 5;
    translate(event, &flow)?;
    times(parser, record, event)?;
    event.kind = kind;
    let realm = realm(parser, record)?;
    event.inside = Some(texts::host(flow.original.0.0, realm));
    Ok(())
}

/// `192.0.2.10:63`
fn addr_port(text: &[u8]) -> Result<(std::net::IpAddr, u16), Refusal<'_>> {
    let (addr, port) = texts::split_last(text, b':').ok_or((RejectReason::BadAddress, text))?;
    Ok((texts::address(addr)?, texts::port(port)?))
}

/// `ge-1/0/0.120:100.64.0.10:5000`; the name of a channel holds a colon itself, and so do addresses of IPv6.
fn interface_end(text: &[u8]) -> Result<(std::net::IpAddr, u16), Refusal<'_>> {
    let bad = (RejectReason::BadAddress, text);
    let (place, port) = texts::split_last(text, b':').ok_or(bad)?;
    let last = texts::split_last(place, b':').ok_or(bad)?.1;
    let addr = match texts::ipv4(last) {
        Ok(addr) => addr.into(),
        Err(_) => texts::address(texts::split(place, b':').ok_or(bad)?.1)?,
    };
    Ok((addr, texts::port(port)?))
}

/// `0x6a44007a`
fn epoch(text: &[u8]) -> Result<Option<WrittenTime>, Refusal<'_>> {
    let Some(digits) = text.strip_prefix(b"0x") else { return Ok(None) };
    let bad = (RejectReason::BadTime, text);
    if digits.len() != 8 {
        return Err(bad);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| bad)?;
    let second = u32::from_str_radix(digits, 16).map_err(|_| bad)?;
    Ok(Some(WrittenTime::from_second(i64::from(second))))
}

/// The clock of the card, which is in UTC, and beside it that of the frame.
fn times<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let Some((card, frame)) = card_stamp(record) else {
        return frame_time(record, event);
    };
    let time = utc_stamp(&card).map_err(|reason| (reason, record.line))?;
    event.time = Some(time);
    event.header_time = match frame {
        Some(frame) => parser.clock.read_beside(&frame, time).ok(),
        None => record.head.relay_time,
    };
    Ok(())
}

/// The stamp of the card, and that of the frame where it is another.
fn card_stamp<'a>(record: &Record<'a, '_>) -> Option<(Stamp<'a>, Option<Stamp<'a>>)> {
    let is_card = |s: &Stamp<'_>| s.year.is_some() && s.zone == ZoneText::None;
    // Behind the slots, in the message.
    let body = split_at_text(record.before, b") ").map_or(record.before, |(_, text)| text);
    let mut c = Cursor::new(body);
    c.skip_blanks();
    if let Some(found) = stamp(&mut c).filter(is_card) {
        return Some((found, record.head.stamp));
    }
    // Last in the frame, the service set right behind it.
    let last = record.head.stamp.filter(is_card)?;
    let has_set = record.before.contains(&b'{') || record.before.starts_with(b"[");
    (has_set && record.head.host.is_none()).then_some((last, None))
}

/// The realm of the service set in `{...}`.
fn realm<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
) -> Result<crate::inside::Realm, Refusal<'a>> {
    let set = texts::split(record.before, b'{')
        .and_then(|(_, text)| texts::split(text, b'}'))
        .map_or(&b""[..], |(set, _)| set);
    parser.service_set(set)
}
