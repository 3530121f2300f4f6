//! The services cards: MS-MPC and MS-MIC (`JSERVICES_`), MS-DPC (`ASP_`).
//!
//! ```text
//! Oct 30 21:46:04  gw (FPC Slot 2, PIC Slot 0) 2026-10-31 04:46:04 [FWNAT]:ASP_NAT_PORT_BLOCK_ALLOC: 100.64.0.10 -> 203.0.113.7:1024-1087
//! 2026-10-31 04:46:04: gw{SET}[jservices-nat]: JSERVICES_NAT_PORT_BLOCK_RELEASE: 100.64.0.10 -> 203.0.113.7:1024-1087 0x6a44007a
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
        let text = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")).unwrap_or(text);
        let bad = (RejectReason::BadAddress, text);
        let (addr, port) = texts::split_last(text, b':').ok_or(bad)?;
        Ok::<_, Refusal<'a>>((texts::address(addr)?, texts::port(port)?))
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
