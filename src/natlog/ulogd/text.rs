//! The text that ulogd2 writes of flows: PRINTFLOW (in syslog, or as LOGEMU writes it) and GPRINT. What it says is
//! told in [`super`].
//!
//! ```text
//! Nov 22 00:18:55 nat-7 [NEW] ORIG: SRC=100.64.0.10 DST=192.0.2.10 PROTO=TCP SPT=53586 DPT=80 PKTS=0 BYTES=0 , REPLY: ...
//! timestamp=2026/11/22-00:18:55,orig.ip.saddr=100.64.0.10,...,ct.event=1,flow.start.sec=1795306735,...
//! ```
//!
//! Both may stand in one file, behind any head of syslog or none. The head is the only clock of PRINTFLOW.
//!
//! # Cut lines
//!
//! A last line without line ending counts only where a blank stands behind its last port; one of GPRINT never does.

use super::keys::{Direction, Key, Keys, State, number};
use crate::natlog::format::{Cut, FormatInfo, Status, Yields};
use crate::natlog::linux_flow::{once, translate};
use crate::natlog::reader::{LineParser, ReaderOptions, column};
use crate::natlog::syslog;
use crate::natlog::{Event, EventKind, RejectReason};
use crate::protocol::Protocol;

/// What is known of the format.
pub(in crate::natlog) const INFO: FormatInfo = FormatInfo {
    name: "ulogd",
    title: "Linux, ulogd2 NFCT as text (PRINTFLOW, LOGEMU, GPRINT)",
    status: Status::Lab,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "the head of syslog (1 s); GPRINT: start and end of the flow (1 us)",
    source: "ulogd2 2.0.8; util/printflow.c and ulogd_output_GPRINT.c",
    cut: Cut::Lines,
    parser: |options| Box::new(UlogdParser::new(&options)),
};

/// A parser of lines.
#[derive(Debug)]
pub struct UlogdParser {
    state: State,
    is_whole: bool,
}

impl UlogdParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> UlogdParser {
        UlogdParser { state: State::new(options), is_whole: false }
    }

    fn flow(
        &mut self,
        line: &[u8],
        kind: EventKind,
        at: usize,
        event: &mut Event,
    ) -> Result<(), (RejectReason, u32)> {
        event.kind = kind;
        let head = syslog::head(line, &mut self.state.clock);
        event.time = match head.time {
            Some(Ok(time)) => Some(time),
            Some(Err(reason)) => return Err((reason, 1)),
            None => None,
        };
        let mut words = Words { line, at };
        let original = words.direction(b"ORIG:")?;
        words.expect(b",")?;
        let reply = words.direction(b"REPLY:")?;
        self.is_whole = words.is_behind_blank();
        let fail = |reason| (reason, column(line.len()));
        if let Some(word) = words.next() {
            return Err((RejectReason::UnknownField, column(words.at - word.len())));
        }
        let number = original.protocol.ok_or_else(|| fail(RejectReason::MissingField))?;
        if reply.protocol != Some(number) {
            return Err(fail(RejectReason::BadProtocol));
        }
        let protocol = Protocol::new(number);
        event.protocol = Some(protocol);
        let cut = |reason| {
            fail(if reason == RejectReason::MissingField { RejectReason::CutShort } else { reason })
        };
        let (original, reply) =
            (original.tuple(protocol).map_err(cut)?, reply.tuple(protocol).map_err(cut)?);
        let realms = &mut self.state.realms;
        translate(event, protocol, original, reply, |addr| realms.host(addr, None)).map_err(fail)
    }

    /// `key=value,key=value`
    fn pairs(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let mut keys = Keys::default();
        let mut at = 0;
        for pair in line.split(|b| *b == b',') {
            let here = at;
            at += pair.len() + 1;
            let Some(equals) = pair.iter().position(|b| *b == b'=') else {
                let is_last = at > line.len();
                let reason =
                    if is_last { RejectReason::CutShort } else { RejectReason::UnknownField };
                return Err((reason, column(here)));
            };
            let (name, value) = pair.split_at_checked(equals).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default();
            if let Some(key) = Key::from_name(name.trim_ascii()) {
                keys.set(key, value).map_err(|reason| (reason, column(here + equals + 1)))?;
            }
        }
        keys.read(&mut self.state, event).map_err(|reason| (reason, column(line.len())))
    }
}

impl LineParser for UlogdParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.is_whole = false;
        if let Some((kind, at)) = flow_at(line) {
            return self.flow(line, kind, at, event);
        }
        if let Some(at) = pairs_at(line) {
            let pairs = line.get(at..).unwrap_or_default();
            let behind = |(reason, place): (_, u32)| (reason, place.saturating_add(column(at) - 1));
            return self.pairs(pairs, event).map_err(behind);
        }
        let head = syslog::head(line, &mut self.state.clock);
        let has = |needle: &[u8]| line.windows(needle.len()).any(|w| w == needle);
        if has(b"IN=") && has(b" OUT=") && has(b" SRC=") {
            // A packet of NFLOG, before the translation or behind it.
            event.time = head.time.and_then(Result::ok);
            return Err((RejectReason::OtherEvent, column(head.body_at)));
        }
        if has(b"ORIG: ") {
            return Err((RejectReason::UnknownEvent, column(head.body_at)));
        }
        // What is left of a flow whose line was cut.
        let heads: [&[u8]; 4] = [b"[NEW] ", b"[UPDATE] ", b"[DESTROY] ", b"timestamp="];
        if heads.iter().any(|begin| begin.starts_with(head.body) || head.body.starts_with(begin)) {
            return Err((RejectReason::CutShort, column(line.len())));
        }
        event.time = head.time.and_then(Result::ok);
        Err((RejectReason::NotNat, column(head.body_at)))
    }

    fn is_surely_whole(&self) -> bool {
        self.is_whole
    }
}

/// The event of PRINTFLOW, and where `ORIG:` begins.
fn flow_at(line: &[u8]) -> Option<(EventKind, usize)> {
    let orig = line.windows(8).position(|w| w == b"] ORIG: ")?;
    let before = line.get(..=orig)?;
    let kind = [
        (&b"[NEW]"[..], EventKind::SessionCreate),
        (b"[UPDATE]", EventKind::Update),
        (b"[DESTROY]", EventKind::SessionDelete),
    ];
    let (_, kind) = kind.into_iter().find(|(name, _)| before.ends_with(name))?;
    Some((kind, orig + 2))
}

/// Where the pairs of GPRINT begin: at the word that holds the first `=`.
fn pairs_at(line: &[u8]) -> Option<usize> {
    let equals = line.iter().position(|b| *b == b'=')?;
    let before = line.get(..equals)?;
    let at = before.iter().rposition(|b| *b == b' ').map_or(0, |blank| blank + 1);
    let name = before.get(at..)?;
    let is_key = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_');
    let is_pairs = !name.is_empty() && name.iter().all(is_key) && line.contains(&b',');
    is_pairs.then_some(at)
}

/// The words of a line.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<(&'a [u8], usize)> {
        let rest = self.line.get(self.at..)?;
        let blanks = rest.iter().take_while(|b| **b == b' ').count();
        let rest = rest.get(blanks..)?;
        let len = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
        let word = rest.get(..len).filter(|word| !word.is_empty())?;
        Some((word, self.at + blanks + len))
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let (word, end) = self.peek()?;
        self.at = end;
        Some(word)
    }

    /// Whether a blank stands behind the last word.
    fn is_behind_blank(&self) -> bool {
        self.line.get(self.at) == Some(&b' ') || self.line.last() == Some(&b' ')
    }

    fn expect(&mut self, literal: &[u8]) -> Result<(), (RejectReason, u32)> {
        match self.peek() {
            Some((word, end)) if word == literal => {
                self.at = end;
                Ok(())
            }
            Some((word, _)) if !literal.starts_with(word) => {
                Err((RejectReason::UnknownField, column(self.at)))
            }
            _ => Err((RejectReason::CutShort, column(self.line.len()))),
        }
    }

    /// `ORIG: SRC=A DST=A PROTO=P SPT=N DPT=N PKTS=N BYTES=N`
    fn direction(&mut self, name: &[u8]) -> Result<Direction, (RejectReason, u32)> {
        self.expect(name)?;
        let mut direction = Direction::default();
        while let Some((word, end)) = self.peek() {
            if word == b"," {
                break;
            }
            let place = column(end - word.len());
            field(word, &mut direction).map_err(|reason| (reason, place))?;
            self.at = end;
        }
        Ok(direction)
    }
}

fn field(word: &[u8], direction: &mut Direction) -> Result<(), RejectReason> {
    let equals = word.iter().position(|b| *b == b'=').ok_or(RejectReason::UnknownField)?;
    let (name, value) = word.split_at_checked(equals).unwrap_or_default();
    let value = value.get(1..).unwrap_or_default();
    let text = || std::str::from_utf8(value).ok();
    let addr = || text().and_then(|t| t.parse().ok()).ok_or(RejectReason::BadAddress);
    let port = || {
        let port = number(value).and_then(|n| u16::try_from(n).ok());
        port.ok_or(RejectReason::BadPort)
    };
    match name {
        b"SRC" => once(&mut direction.src, addr()?),
        b"DST" => once(&mut direction.dst, addr()?),
        b"SPT" => once(&mut direction.sport, port()?),
        b"DPT" => once(&mut direction.dport, port()?),
        b"PROTO" => {
            let protocol = match value {
                b"TCP" => 6,
                b"UDP" => 17,
                b"ICMP" => 1,
                b"ICMPv6" => 58,
                b"SCTP" => 132,
                b"DCCP" => 33,
                b"UDPLITE" => 136,
                _ => number(value)
                    .and_then(|n| u8::try_from(n).ok())
                    .ok_or(RejectReason::BadProtocol)?,
            };
            once(&mut direction.protocol, protocol)
        }
        b"TYPE" | b"CODE" | b"PKTS" | b"BYTES" | b"ID" => {
            number(value).map(drop).ok_or(RejectReason::BadValue)
        }
        _ => Err(RejectReason::UnknownField),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::{Format, Reader, Record};

    const FLOW: &str = "[DESTROY] ORIG: SRC=100.64.0.10 DST=192.0.2.10 PROTO=TCP SPT=53586 DPT=80 PKTS=5 BYTES=336 , REPLY: SRC=192.0.2.10 DST=203.0.113.1 PROTO=TCP SPT=80 DPT=20017 PKTS=3 BYTES=314 ";
    const PAIRS: &str = "timestamp=2026/11/22-00:19:04,orig.ip.saddr=100.64.0.10,orig.ip.daddr=192.0.2.10,orig.ip.protocol=6,orig.l4.sport=53586,orig.l4.dport=80,reply.ip.saddr=192.0.2.10,reply.ip.daddr=203.0.113.1,reply.ip.protocol=6,reply.l4.sport=80,reply.l4.dport=20017,ct.mark=0,ct.id=7,ct.event=4,flow.start.sec=1795306735,flow.start.usec=123282,flow.end.sec=1795306735,flow.end.usec=658908,oob.family=2,orig.ip.saddr.str=100.64.0.10,reply.ip.daddr.str=203.0.113.1";

    fn read_all(text: &str) -> Vec<Result<Event, (RejectReason, u32)>> {
        let options = ReaderOptions::new().with_zone(crate::time::Zone::UTC).with_year(2026);
        let mut reader = Reader::new(Format::Ulogd, options, text.as_bytes());
        let mut event = Event::default();
        let mut out = Vec::new();
        while let Some(record) = reader.next_record(&mut event).unwrap() {
            out.push(match record {
                Record::Event => Ok(event.clone()),
                Record::Rejected(reject) => Err((reject.reason, reject.column)),
            });
        }
        out
    }

    fn read(line: &str) -> Result<Event, RejectReason> {
        let line = format!("{line}\n");
        read_all(&line).remove(0).map_err(|(reason, _)| reason)
    }

    fn facts(event: &Event) -> String {
        format!(
            "{} {} {} {} -> {} {} to {}",
            event.kind,
            event.protocol.unwrap(),
            event.inside.as_ref().unwrap(),
            event.inside_port.unwrap(),
            event.outside.unwrap(),
            event.ports.unwrap(),
            event.destination.unwrap()
        )
    }

    const FACTS: &str =
        "session_delete tcp 100.64.0.10 53586 -> 203.0.113.1 20017 to 192.0.2.10:80";

    #[test]
    fn a_flow_as_text_behind_any_head() {
        for head in ["", "Nov 22 00:18:55 nat-7 ", "<13>Nov  2 00:18:55 nat-7 ulogd[7]: "] {
            let event = read(&format!("{head}{FLOW}")).unwrap();
            assert_eq!(facts(&event), FACTS, "{head}");
            assert_eq!(event.time.is_some(), !head.is_empty(), "{head}");
            assert_eq!((event.start, event.stop, event.flow_id), (None, None, None));
        }
        let without_counts = FLOW.replace("PKTS=5 BYTES=336 ", "").replace("PKTS=3 BYTES=314 ", "");
        assert_eq!(facts(&read(&without_counts).unwrap()), FACTS);
        assert_eq!(read(&FLOW.replace("DESTROY", "NEW")).unwrap().kind, EventKind::SessionCreate);
    }

    #[test]
    fn a_flow_as_pairs() {
        let event = read(PAIRS).unwrap();
        assert_eq!(facts(&event), FACTS);
        assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:55.123282Z");
        assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:55.658908Z");
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:19:04Z");
        assert_eq!(event.flow_id, Some(7));
    }

    #[test]
    fn what_is_no_translated_flow() {
        let same = FLOW.replace("203.0.113.1", "100.64.0.10").replace("20017", "53586");
        assert_eq!(read(&same), Err(RejectReason::NoTranslation));
        let packet = "Nov 22 00:18:56 nat-7 pre  IN=lan OUT=wan MAC=00:00 SRC=100.65.0.10 DST=192.0.2.20 LEN=60 PROTO=TCP SPT=34460 DPT=80 MARK=0x0 ";
        assert_eq!(read(packet), Err(RejectReason::OtherEvent));
        assert_eq!(read("[GONE] ORIG: SRC=1.2.3.4 "), Err(RejectReason::UnknownEvent));
        assert_eq!(read("Nov 22 00:18:56 nat-7 cron[7]: hello"), Err(RejectReason::NotNat));
        assert_eq!(read("[DESTROY] OR"), Err(RejectReason::CutShort));
        assert_eq!(read("timestamp=2026/11/22-00:1"), Err(RejectReason::CutShort));
        let icmp = FLOW
            .replace("PROTO=TCP SPT=53586 DPT=80", "PROTO=ICMP TYPE=0 CODE=8")
            .replace("PROTO=TCP SPT=80 DPT=20017", "PROTO=ICMP TYPE=0 CODE=8");
        assert_eq!(read(&icmp), Err(RejectReason::PortNotLogged));
    }

    #[test]
    fn what_cannot_be_read_says_why_and_where() {
        for (from, to, reason, needle) in [
            ("20017", "200l7", RejectReason::BadPort, "DPT=200l7"),
            ("203.0.113.1", "203.0.113", RejectReason::BadAddress, "DST=203.0.113 "),
            ("PROTO=TCP SPT=80", "PROTO=XXX SPT=80", RejectReason::BadProtocol, "PROTO=XXX"),
            ("BYTES=336", "BYTES=336 X", RejectReason::UnknownField, "X "),
            ("DPT=80", "DPT=80 DPT=81", RejectReason::RepeatedField, "DPT=81"),
        ] {
            let text = FLOW.replace(from, to);
            let (got, place) = read_all(&format!("{text}\n")).remove(0).unwrap_err();
            assert_eq!(got, reason, "{text}");
            assert_eq!(place as usize, text.find(needle).unwrap() + 1, "{text}");
        }
        assert_eq!(read(&PAIRS.replace("=20017", "=")), Err(RejectReason::BadPort));
        let other = PAIRS.replace("daddr.str=203.0.113.1", "daddr.str=203.0.113.9");
        assert_eq!(read(&other), Err(RejectReason::RepeatedField));
    }

    #[test]
    fn a_cut_line_is_never_somebody_elses_port() {
        for text in [FLOW, PAIRS] {
            let whole = read(text).unwrap();
            for end in 1..text.len() {
                let Some(Ok(event)) = read_all(&text[..end]).pop() else { continue };
                assert_eq!(facts(&event), facts(&whole), "{}", &text[..end]);
                assert_eq!((event.start, event.stop), (whole.start, whole.stop));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
            at in 0_usize..500,
            is_flow in proptest::bool::ANY,
        ) {
            let mut text = if is_flow { FLOW } else { PAIRS }.as_bytes().to_vec();
            let at = at.min(text.len());
            text.splice(at..at, bytes.iter().copied().take(3));
            let mut parser = UlogdParser::new(&ReaderOptions::new());
            let _ = parser.parse_line(&text, &mut Event::default());
            let _ = parser.parse_line(&bytes, &mut Event::default());
        }
    }
}
