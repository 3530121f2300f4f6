//! The NAT log of Cisco IOS and IOS-XE (`ip nat log translations syslog`).
//!
//! ```text
//! <14>123: GW: *May 21 12:00:01.123 UTC: %IOSXE-6-PLATFORM: ... %NAT-6-LOG_TRANSLATION: Created Translation
//!     UDP 100.64.0.10:5000 203.0.113.7:20017 192.0.2.53:53 192.0.2.53:53 0
//!     |   inside local     inside global     |             |             |
//!     protocol             (public)          outside local outside global VRF number
//! *May 21 12:00:01.123: %IPNAT-6-CREATED: tcp 100.64.0.10:5000 203.0.113.7:20017 192.0.2.10:443 192.0.2.10:443
//! ```
//!
//! The destination as the world sees it is outside global. A translation without destination (`---`, `0.0.0.0:0`) is a
//! mapping towards any; one without ports holds the whole address. The number of a VRF other than 0 is the realm.

use super::clock::Clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::syslog;
use super::texts::{self, Realms, Refusal, at_column};
use super::{Event, EventKind, RejectReason};
use crate::allocation::Destination;
use crate::port::PortRange;
use crate::protocol::Protocol;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "cisco-xe",
    title: "Cisco IOS and IOS-XE, as syslog",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the stamp of the device (1 ms or 1 s), zone and year as it prints them",
    source: "samples; Cisco IOS configuration guides, NAT logging",
    cut: Cut::Lines,
    parser: |options| Box::new(CiscoXeParser::new(&options)),
};

/// A parser of lines.
#[derive(Debug)]
pub struct CiscoXeParser {
    clock: Clock,
    realms: Realms,
    is_whole: bool,
}

/// One of the four ends of a translation.
#[derive(Clone, Copy)]
struct End {
    addr: std::net::Ipv4Addr,
    port: Option<u16>,
}

impl CiscoXeParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> CiscoXeParser {
        CiscoXeParser { clock: Clock::new(options), realms: Realms::new(options), is_whole: false }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        self.is_whole = false;
        let head = syslog::head(line, &mut self.clock);
        event.time = head.time.and_then(Result::ok);
        let text = head.tagged(line);
        let (name, rest) = message(text)?;
        let mut c = Cursor::new(rest);
        let mut next = || {
            c.skip_blanks();
            c.token()
        };
        let mut word = next();
        let is_create = match (name, word) {
            (b"%IPNAT-6-CREATED" | b"%IPNAT-6-NAT_CREATED", _) | (_, b"Created") => Some(true),
            (b"%IPNAT-6-DELETED" | b"%IPNAT-6-NAT_DELETED", _) | (_, b"Deleted") => Some(false),
            _ => None,
        };
        let is_create = is_create.ok_or_else(|| unknown(name, word))?;
        if matches!(word, b"Created" | b"Deleted") {
            word = next();
        }
        if word == b"Translation" {
            word = next();
        }
        let is_any = is_dashes(word) || word.eq_ignore_ascii_case(b"any");
        let protocol = if is_any { None } else { Some(texts::protocol(word)?) };
        let ends = [next(), next(), next(), next()];
        let mut vrf = next();
        if vrf == b"vrf" {
            vrf = next();
        }
        if ends.iter().any(|end| end.is_empty()) {
            return Err((RejectReason::CutShort, c.rest()));
        }
        let name = unfilled(vrf);
        // What the line ends with may have lost a digit, and a name goes on behind a dot.
        let is_filled = name.len() + 2 <= vrf.len() && name.iter().all(u8::is_ascii_digit);
        self.is_whole = !c.is_at_end() || is_filled;
        let [local, global, far_local, far] = ends;
        let inside = end(local)?.ok_or((RejectReason::MissingField, local))?;
        let outside = end(global)?.ok_or((RejectReason::MissingField, global))?;
        let (far_local, far) = (end(far_local)?, end(far)?);
        if (inside.addr, inside.port) == (outside.addr, outside.port) {
            let is_same = far.map(|e| (e.addr, e.port)) == far_local.map(|e| (e.addr, e.port));
            let reason = if is_same {
                RejectReason::NoTranslation
            } else {
                RejectReason::DestinationTranslation
            };
            return Err((reason, global));
        }
        let has_ports = protocol.is_some_and(Protocol::has_ports);
        let ports = match outside.port {
            Some(port) if has_ports => PortRange::single(port),
            None if has_ports => return Err((RejectReason::BadPort, global)),
            // A port of nobody knows which protocol.
            Some(1..) if protocol.is_none() => return Err((RejectReason::BadProtocol, word)),
            _ => PortRange::ALL,
        };
        event.protocol = protocol;
        let realm = self.realms.named(name)?;
        event.inside = Some(texts::host(inside.addr.into(), realm));
        event.inside_port = inside.port.filter(|_| has_ports);
        event.outside = Some(outside.addr);
        event.ports = Some(ports);
        let has_far_port = has_ports && protocol != Some(Protocol::ICMP);
        event.destination =
            far.map(|far| Destination { addr: far.addr, port: far.port.filter(|_| has_far_port) });
        event.kind = match (is_create, event.destination.is_some()) {
            (true, true) => EventKind::SessionCreate,
            (false, true) => EventKind::SessionDelete,
            (true, false) => EventKind::PortCreate,
            (false, false) => EventKind::PortDelete,
        };
        event.header_time = head.relay_time;
        event.time = match head.time {
            Some(time) => Some(time.map_err(|reason| (reason, line))?),
            None => None,
        };
        Ok(())
    }
}

/// The message about NAT in a line, and what follows its colon.
fn message(text: &[u8]) -> Result<(&[u8], &[u8]), Refusal<'_>> {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        let found = rest.get(at..).unwrap_or_default();
        let is_nat = [&b"%NAT-"[..], b"%IPNAT-"].iter().any(|p| found.starts_with(p));
        if is_nat {
            return texts::split(found, b':').ok_or((RejectReason::CutShort, found));
        }
        rest = found.get(1..).unwrap_or_default();
    }
    // The same without facility, of older releases and debugging.
    if let Some((_, rest)) = texts::split_at_text(text, b"NAT:")
        && [&b"Created "[..], b"Deleted "].iter().any(|p| rest.trim_ascii_start().starts_with(p))
    {
        return Ok((b"", rest));
    }
    Err((RejectReason::NotNat, text))
}

/// A message that is none of the translations: a warning says nothing of who had a port.
fn unknown<'a>(name: &'a [u8], word: &'a [u8]) -> Refusal<'a> {
    let is_warning = name.iter().find(|b| b.is_ascii_digit()).is_some_and(|b| *b < b'6');
    if is_warning || name.ends_with(b"ALLOC_FAILURE") {
        (RejectReason::OtherEvent, name)
    } else if name.ends_with(b"LOG_TRANSLATION") && word.len() < 7 {
        (RejectReason::CutShort, word)
    } else {
        (RejectReason::UnknownEvent, name)
    }
}

/// A VRF without the filler behind it: zero bytes, or what collectors write for them (`.`, `#000`).
fn unfilled(mut vrf: &[u8]) -> &[u8] {
    let fillers: [&[u8]; 3] = [b"\0", b".", b"#000"];
    while let Some(rest) = fillers.iter().find_map(|filler| vrf.strip_suffix(*filler)) {
        vrf = rest;
    }
    vrf
}

fn is_dashes(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| b == b'-')
}

/// `100.64.0.10:5000`, `100.64.0.10`; none for `---` and `0.0.0.0`.
fn end(text: &[u8]) -> Result<Option<End>, Refusal<'_>> {
    if is_dashes(text) {
        return Ok(None);
    }
    let (addr, port) = match texts::split(text, b':') {
        Some((addr, port)) => (addr, Some(texts::port(port)?)),
        None => (text, None),
    };
    let addr = texts::ipv4(addr)?;
    Ok((!addr.is_unspecified()).then_some(End { addr, port }))
}

impl LineParser for CiscoXeParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.parse(line, event).map_err(|refusal| at_column(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.is_whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::natlog::ndjson;

    fn parser() -> CiscoXeParser {
        let zone = "Europe/Berlin".parse().unwrap();
        CiscoXeParser::new(&ReaderOptions::new().with_zone(zone).with_year(2026))
    }

    fn parse(line: &[u8]) -> (Result<Event, (RejectReason, u32)>, bool) {
        let (mut parser, mut event) = (parser(), Event::default());
        let result = parser.parse_line(line, &mut event).map(|()| event);
        (result, parser.is_surely_whole())
    }

    fn read(line: &str) -> String {
        match parse(line.as_bytes()).0 {
            Ok(event) => {
                let mut out = Vec::new();
                ndjson::write_event(&event, &mut out).unwrap();
                String::from_utf8(out).unwrap().trim_end().to_owned()
            }
            Err((reason, column)) => format!("{reason} {column}"),
        }
    }

    const XE: &str = "<14>123: GW: *Oct 25 02:00:01.123 CEST: %IOSXE-6-PLATFORM: F0: cpp_cp: QFP:0.0 Thread:105 TS:00000000000000 %NAT-6-LOG_TRANSLATION: Created Translation UDP 100.64.0.10:5000 203.0.113.7:20017 192.0.2.53:53 192.0.2.54:53 7........";
    const IOS: &str = "Oct 25 02:00:02.000 gw 55: Oct 25 02:00:01.123 CET: %IPNAT-6-DELETED: icmp 100.64.0.10:7 203.0.113.7:8 192.0.2.10:7 192.0.2.10:7 ";

    #[test]
    fn translations_of_both_families() {
        assert_eq!(
            read(XE),
            r#"{"event":"session_create","proto":17,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.54","dport":53,"time":"2026-10-25T00:00:01.123Z","realm":"7"}"#
        );
        for filler in ["#000#000", "\0\0\0", ""] {
            let line = XE.replace("7........", &format!("7{filler}"));
            assert_eq!(read(&line), read(XE), "{filler:?}");
        }
        assert_eq!(
            read(IOS),
            r#"{"event":"session_delete","proto":1,"inside":"100.64.0.10","inside_port":7,"outside":"203.0.113.7","port":8,"dst":"192.0.2.10","time":"2026-10-25T01:00:01.123Z","header_time":"2026-10-25T01:00:02.000Z"}"#
        );
        for head in ["%IPNAT-6-NAT_CREATED: Created", "%IPNAT-6-NAT: Created", "NAT:Created"] {
            let line = format!("{head} tcp 100.64.0.10:5 203.0.113.7:6 192.0.2.10:7 192.0.2.10:7");
            let want = r#"{"event":"session_create","proto":6,"inside":"100.64.0.10","inside_port":5,"outside":"203.0.113.7","port":6,"dst":"192.0.2.10","dport":7}"#;
            assert_eq!(read(&line), want, "{head}");
        }
    }

    #[test]
    fn translations_without_destination_or_ports() {
        let line =
            |text: &str| read(&format!("%NAT-6-LOG_TRANSLATION: Deleted Translation {text} 0"));
        assert_eq!(
            line("TCP 100.64.0.10:5 203.0.113.7:6 0.0.0.0:0 0.0.0.0:0"),
            r#"{"event":"port_delete","proto":6,"inside":"100.64.0.10","inside_port":5,"outside":"203.0.113.7","port":6}"#
        );
        for any in ["---", "Any"] {
            assert_eq!(
                line(&format!("{any} 100.64.0.10 203.0.113.7 --- ---")),
                r#"{"event":"port_delete","inside":"100.64.0.10","outside":"203.0.113.7","first":0,"last":65535}"#
            );
        }
        assert!(
            read("%IPNAT-6-CREATED: tcp 100.64.0.10:5 203.0.113.7:6 192.0.2.10:7 192.0.2.10:7 vrf BLUE ")
                .ends_with(r#""realm":"BLUE"}"#)
        );
        // A dot within a name is none of the filler.
        let tuple = "tcp 100.64.0.10:5 203.0.113.7:6 192.0.2.10:7 192.0.2.10:7";
        for (vrf, realm) in [("cust.blue", "cust.blue"), ("a#1...", "a#1"), ("a#000#000", "a")] {
            let line = format!("%IPNAT-6-CREATED: {tuple} vrf {vrf} ");
            assert!(read(&line).ends_with(&format!(r#""realm":"{realm}"}}"#)), "{vrf}");
        }
        for (vrf, is_whole) in [("cust.", false), ("cust..", false), ("7.", false), ("7..", true)] {
            let line = format!("%IPNAT-6-CREATED: {tuple} vrf {vrf}");
            assert_eq!(parse(line.as_bytes()).1, is_whole, "{vrf}");
        }
    }

    #[test]
    fn what_is_no_event_says_why() {
        for (line, reason) in [
            (
                "%NAT-6-LOG_TRANSLATION: Created Translation TCP 100.64.0.10:5 100.64.0.10:5 192.0.2.10:7 192.0.2.10:7 0",
                "no-translation",
            ),
            (
                "%NAT-6-LOG_TRANSLATION: Created Translation TCP 100.64.0.10:5 100.64.0.10:5 192.0.2.10:7 192.0.2.11:7 0",
                "destination-translation",
            ),
            (
                "%NAT-6-LOG_TRANSLATION: Created Translation TCP 100.64.0.10:5 203.0.113.7:x 192.0.2.10:7 192.0.2.11:7 0",
                "bad-port",
            ),
            (
                "%NAT-6-LOG_TRANSLATION: Created Translation TCP 100.64.0.10:5 203.0.113.7 192.0.2.10:7 192.0.2.11:7 0",
                "bad-port",
            ),
            (
                "%NAT-6-LOG_TRANSLATION: Created Translation TCP 100.64.0.10:5 203.0.113.7:6",
                "cut-short",
            ),
            ("%NAT-6-LOG_TRANSLATION: Changed Translation TCP", "unknown-event"),
            (
                "%IPNAT-4-ADDR_ALLOC_FAILURE: Address allocation failed for 100.64.0.10",
                "other-event",
            ),
            ("%NAT-6-ADDR_ALLOC_FAILURE: Address allocation failed", "other-event"),
            ("%NAT-6-CLEARED: x", "unknown-event"),
            ("%SYS-5-CONFIG_I: Configured from console", "not-nat"),
            ("nothing", "not-nat"),
        ] {
            assert_eq!(read(line).split(' ').next(), Some(reason), "{line}");
        }
        let bad = XE.replace("20017", "70000");
        let column = bad.find("70000").unwrap() + 1;
        assert_eq!(read(&bad), format!("bad-port {column}"));
    }

    #[test]
    fn no_head_of_a_line_is_another_event() {
        for line in [XE, IOS] {
            let whole = parse(line.as_bytes()).0.unwrap();
            for at in 0..line.len() {
                if let (Ok(event), true) = parse(&line.as_bytes()[..at]) {
                    assert_eq!(event, whole, "{}", &line[..at]);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_change_is_read_without_panic(at in 0..XE.len(), bytes in proptest::collection::vec(any::<u8>(), 0..4)) {
            let mut line = XE.as_bytes().to_vec();
            line.splice(at..(at + 1).min(XE.len()), bytes);
            let _ = parse(&line);
        }

        #[test]
        fn any_bytes_are_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&line);
        }
    }
}
