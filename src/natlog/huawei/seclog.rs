//! The session logs of USG firewalls: `%%01SECLOG/6/SESSION_TEARDOWN(l):IPVer=4,Protocol=udp,SourceIP=...,`
//!
//! | message | what is read |
//! |---|---|
//! | `SESSION_BUILT` | a session begun at `BeginTime` |
//! | `SESSION_TEARDOWN` | a session ended at `EndTime`, with its start |
//! | `SESSION_PERIODICALLY` | a session that goes on, at the stamp of the frame |
//! | `SESSION_URL`, `PACKET_DENY` | no fact: the session has its own messages |
//!
//! `SourceIP` and `SourcePort` are the inside, `SourceNatIP` and `SourceNatPort` the public side, `DestinationNatIP` the
//! far side as the world sees it where the destination was translated too. Times are Unix time. The sentences of the
//! format `mtn` are not read.

use super::super::syslog::Head;
use super::super::values::{self, Fields, Frame, Refusal, cut, end_of, find};
use crate::natlog::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::time::WrittenTime;

const KEYS: [&[u8]; 13] = [
    b"Protocol",
    b"SourceIP",
    b"DestinationIP",
    b"SourcePort",
    b"DestinationPort",
    b"SourceNatIP",
    b"SourceNatPort",
    b"DestinationNatIP",
    b"DestinationNatPort",
    b"BeginTime",
    b"EndTime",
    b"SourceVpnID",
    b"UserName",
];

/// Reads what stands behind `SECLOG/`.
pub(super) fn read<'a>(
    text: &'a [u8],
    head: &Head<'_>,
    frame: &mut Frame,
    line: &'a [u8],
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let cut_short = (RejectReason::CutShort, end_of(line));
    let (name, record) = cut(text, b"(").ok_or(cut_short)?;
    let name = values::cut_last(name, b'/').map_or(name, |(_, name)| name);
    event.kind = match name {
        b"SESSION_BUILT" => EventKind::SessionCreate,
        b"SESSION_TEARDOWN" => EventKind::SessionDelete,
        b"SESSION_PERIODICALLY" => EventKind::Update,
        b"SESSION_URL" | b"PACKET_DENY" => return Err((RejectReason::OtherEvent, name)),
        _ => return Err((RejectReason::UnknownEvent, name)),
    };
    let (_, record) = cut(record, b":").ok_or(cut_short)?;
    let record = record.trim_ascii();
    if !record.starts_with(b"IPVer=") {
        // A sentence: `10.0.0.1:5[203.0.113.1:6] (trust) to ...`
        let is_translated = find(record, b"[").is_some();
        let reason =
            if is_translated { RejectReason::UnknownField } else { RejectReason::NoTranslation };
        return Err((reason, record));
    }
    let mut fields = Fields::new(&KEYS, line);
    let mut last: &[u8] = b"";
    let mut has_whole_name = true;
    for part in record.strip_suffix(b".").unwrap_or(record).split(|&b| b == b',') {
        let Some((key, value)) = cut(part.trim_ascii_start(), b"=") else {
            // A value with a comma in it: half a name names somebody else.
            has_whole_name &= last != b"UserName";
            continue;
        };
        fields.put(key, value.trim_ascii_end())?;
        last = key;
    }
    // The dot that ends the record may be one within a name that was cut.
    frame.is_whole &= !matches!(last, b"UserName" | b"SourceVpnID");
    let some = |text: Option<&'a [u8]>| text.filter(|text| !matches!(*text, b"0.0.0.0" | b"::"));
    let (source, source_port) = (fields.need(b"SourceIP")?, fields.need(b"SourcePort")?);
    let seen = some(fields.get(b"DestinationNatIP"));
    let Some(public) = some(fields.get(b"SourceNatIP")) else {
        let is_forward = seen.is_some();
        let reason = if is_forward {
            RejectReason::DestinationTranslation
        } else {
            RejectReason::NoTranslation
        };
        return Err((reason, record));
    };
    let Some(public_port) = fields.get(b"SourceNatPort") else {
        return Err((RejectReason::NoTranslatedPort, record));
    };
    if (source, source_port) == (public, public_port) {
        return Err((RejectReason::NoTranslation, record));
    }
    event.protocol = Some(values::protocol(fields.need(b"Protocol")?)?);
    let realm = frame.realms.of(fields.get(b"SourceVpnID").unwrap_or_default())?;
    event.inside = Some(values::host(values::ip(source)?, realm));
    event.inside_port = Some(values::port(source_port)?);
    event.outside = Some(values::ipv4(public)?);
    event.ports = Some(PortRange::single(values::port(public_port)?));
    let (far, far_port): (_, &[u8]) = match seen {
        Some(addr) => (addr, b"DestinationNatPort"),
        None => (fields.need(b"DestinationIP")?, b"DestinationPort"),
    };
    event.destination = Some(values::destination(far, fields.get(far_port))?);
    event.login = fields.name(b"UserName")?.filter(|_| has_whole_name);
    let time =
        |key: &[u8]| -> Result<WrittenTime, Refusal<'a>> { values::epoch(fields.need(key)?) };
    let begin = time(b"BeginTime")?;
    match event.kind {
        EventKind::SessionCreate => event.time = Some(begin),
        EventKind::SessionDelete => {
            let end = time(b"EndTime")?;
            if end.end() <= begin.start() {
                return Err((RejectReason::BadTime, record));
            }
            (event.start, event.time) = (Some(begin), Some(end));
        }
        _ => {
            event.start = Some(begin);
            event.time = None;
            values::stamp(event, head, line)?;
            values::settle(event);
            return Ok(());
        }
    }
    event.header_time = event.time.and_then(|time| head.time_beside(&mut frame.clock, time));
    values::settle(event);
    Ok(())
}
