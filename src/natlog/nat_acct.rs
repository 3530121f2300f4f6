//! `NAT_ACCT` lines, as Jio's devices log them.
//!
//! ```text
//! <141>Nov 2 03:04:05 192.0.2.1 NAT_ACCT:START TCP SourceIp :100.64.0.7 Sourceport:50001 TransIP :203.0.113.9
//!                               |              |             |
//!                               START, STOP    protocol      inside
//!   TransPort:20001 DestIp :198.51.100.4 Destport:443
//!   public          far side
//! ```
//!
//! Blanks may stand around each colon. No time but that of the frame.

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Fields, Frame, Refusal, cut, end_of, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::port::PortRange;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "nat-acct",
    title: "`NAT_ACCT` lines of Jio's devices",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the frame's stamp; none in the records",
    source: "Trisul's pattern for NAT syslog",
    cut: Cut::Lines,
    parser: |options| Box::new(NatAcctParser::new(&options)),
};

const KEYS: [&[u8]; 6] =
    [b"SourceIp", b"Sourceport", b"TransIP", b"TransPort", b"DestIp", b"Destport"];

/// A parser of `NAT_ACCT` lines.
#[derive(Debug)]
pub struct NatAcctParser {
    frame: Frame,
}

impl NatAcctParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> NatAcctParser {
        NatAcctParser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let (_, record) = cut(line, b"NAT_ACCT:").ok_or((RejectReason::NotNat, line))?;
        let cut_short = (RejectReason::CutShort, end_of(line));
        let mut words = values::words(record);
        let name = words.next().ok_or(cut_short)?;
        event.kind = match name {
            b"START" => EventKind::SessionCreate,
            b"STOP" => EventKind::SessionDelete,
            _ => return Err((RejectReason::UnknownEvent, name)),
        };
        event.protocol = Some(values::protocol(words.next().ok_or(cut_short)?)?);
        let mut fields = Fields::new(&KEYS, line);
        let mut key: &[u8] = &[];
        let mut last: &[u8] = &[];
        for word in words {
            let (before, value) = cut(word, b":").unwrap_or((word, &[]));
            if find_key(before) {
                key = before;
            } else if !before.is_empty() {
                if key.is_empty() || value.len() + before.len() != word.len() {
                    return Err((RejectReason::UnknownField, word));
                }
                fields.put(key, word)?;
                (last, key) = (key, &[]);
                continue;
            }
            if !value.is_empty() {
                fields.put(key, value)?;
                (last, key) = (key, &[]);
            }
        }
        let inside = values::ip(fields.need(b"SourceIp")?)?;
        event.inside = Some(values::host(inside, self.frame.realms.none()));
        event.inside_port = Some(values::port(fields.need(b"Sourceport")?)?);
        event.outside = Some(values::ipv4(fields.need(b"TransIP")?)?);
        event.ports = Some(PortRange::single(values::port(fields.need(b"TransPort")?)?));
        if let Some(far) = fields.get(b"DestIp") {
            let port = fields.need(b"Destport")?;
            event.destination = Some(values::destination(far, Some(port))?);
            self.frame.is_whole = last == b"Destport" && values::is_full_port(port);
        }
        values::stamp(event, &head, line)?;
        values::settle(event);
        Ok(())
    }
}

fn find_key(word: &[u8]) -> bool {
    KEYS.contains(&word)
}

impl LineParser for NatAcctParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = false;
        self.parse(line, event).map_err(|refusal| placed(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.frame.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::Format;
    use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

    const START: &str = "<141>Nov  2 03:04:05 192.0.2.1 NAT_ACCT:START TCP SourceIp :100.64.0.7 Sourceport:50001 TransIP \
        :203.0.113.9 TransPort:20001 DestIp :198.51.100.4 Destport:50443";

    fn options() -> ReaderOptions {
        ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
    }

    #[test]
    fn starts_and_stops_are_read() {
        let event = one(Format::NatAcct, options(), START);
        assert_eq!((event.kind, event.inside_port), (EventKind::SessionCreate, Some(50001)));
        assert_eq!(event.inside.unwrap().to_string(), "100.64.0.7");
        assert_eq!(event.ports, Some(PortRange::single(20001)));
        assert_eq!(event.destination.unwrap().to_string(), "198.51.100.4:50443");
        let loose = START
            .replace("START", "STOP")
            .replace(":203", ": 203")
            .replace("Destport:", "Destport : ");
        assert_eq!(one(Format::NatAcct, options(), &loose).kind, EventKind::SessionDelete);
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::NatAcct, options(), line);
        assert_eq!(refused("Nov  2 03:04:05 r hello").0, "not-nat");
        assert_eq!(refused(&START.replace("START", "PAUSE")), ("unknown-event", 41));
        assert_eq!(refused(&START.replace("TransPort:20001 ", "")).0, "missing-field");
        assert_eq!(refused(&START.replace("TransPort:20001", "TransPort:99999")).0, "bad-port");
        assert_eq!(refused(&START.replace("DestIp", "Dest")).0, "unknown-field");
        assert_eq!(
            refused(&START.replace("Sourceport:50001", "SourceIp :10.0.0.1")).0,
            "repeated-field"
        );
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        prefixes_are_safe(Format::NatAcct, &options(), START);
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::NatAcct, &[START]);
    }
}
