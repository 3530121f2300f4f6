//! The text that ulogd2 writes of flows: PRINTFLOW (in syslog, or as LOGEMU writes it), GPRINT, and OPRINT with the keys
//! of GPRINT, one a line. What it says is told in [`super`].
//!
//! ```text
//! Nov 22 00:18:55 nat-7 [NEW] ORIG: SRC=100.64.0.10 DST=192.0.2.10 PROTO=TCP SPT=53586 DPT=80 PKTS=0 BYTES=0 , REPLY: ...
//! timestamp=2026/11/22-00:18:55,orig.ip.saddr=100.64.0.10,...,ct.event=1,flow.start.sec=1795306735,...
//! ```
//!
//! All may stand in one file, behind any head of syslog or none. The head is the only clock of PRINTFLOW.
//!
//! # Cut lines
//!
//! A last line without line ending counts only where a blank stands behind its last port; one of GPRINT never does.

use super::keys::{Direction, Key, Keys, State, number};
use super::oprint::{Oprint, Taken};
use crate::natlog::format::{Cut, FormatInfo, Status, Yields};
use crate::natlog::linux_flow::{once, translate};
use crate::natlog::reader::{LineParser, ReaderOptions, column};
use crate::natlog::syslog;
use crate::natlog::{Event, EventKind, RejectReason};
use crate::protocol::Protocol;

/// What is known of the format.
pub(in crate::natlog) const INFO: FormatInfo = FormatInfo {
    name: "ulogd",
    title: "Linux, ulogd2 NFCT as text (PRINTFLOW, LOGEMU, GPRINT, OPRINT)",
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
    oprint: Oprint,
    is_whole: bool,
}

impl UlogdParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> UlogdParser {
        UlogdParser { state: State::new(options), oprint: Oprint::default(), is_whole: false }
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
        let is_silent = |way: &Direction| way.sport.is_none() && way.dport.is_none();
        if protocol.has_ports()
            && !matches!(protocol, Protocol::TCP | Protocol::UDP | Protocol::ICMP)
            && is_silent(&original)
            && is_silent(&reply)
        {
            // PRINTFLOW knows the ports of TCP and UDP only.
            return Err(fail(RejectReason::PortNotLogged));
        }
        let (original, reply) =
            (original.tuple(protocol).map_err(cut)?, reply.tuple(protocol).map_err(cut)?);
        let realms = &mut self.state.realms;
        translate(event, protocol, original, reply, |addr| realms.host(addr, None)).map_err(fail)
    }

    /// The record of OPRINT that is complete.
    fn printed(&mut self, event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.is_whole = true;
        let record = self.oprint.record();
        let result = self.pairs(&record, b'\n', event);
        self.oprint.reuse(record);
        result.map_err(|(reason, _)| (reason, 1))
    }

    /// `key=value,key=value`
    fn pairs(
        &mut self,
        line: &[u8],
        mark: u8,
        event: &mut Event,
    ) -> Result<(), (RejectReason, u32)> {
        let mut keys = Keys::default();
        let mut at = 0;
        for pair in line.split(|b| *b == mark) {
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
        match self.oprint.take(line) {
            Taken::No => {}
            Taken::Kept => return Err((RejectReason::Header, 1)),
            Taken::Complete => return self.printed(event),
            Taken::Ended => return self.printed(event).and(Err((RejectReason::CutShort, 1))),
            Taken::TooLong => return Err((RejectReason::LineTooLong, 1)),
        }
        if let Some((kind, at)) = flow_at(line) {
            return self.flow(line, kind, at, event);
        }
        if let Some(at) = pairs_at(line) {
            let pairs = line.get(at..).unwrap_or_default();
            let behind = |(reason, place): (_, u32)| (reason, place.saturating_add(column(at) - 1));
            return self.pairs(pairs, b',', event).map_err(behind);
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
    let orig = line.windows(6).position(|w| w == b"ORIG: ")?;
    let before = line.get(..orig)?.trim_ascii_end();
    let kind = [
        (&b"[NEW]"[..], EventKind::SessionCreate),
        (b"[UPDATE]", EventKind::Update),
        (b"[DESTROY]", EventKind::SessionDelete),
    ];
    let (_, kind) = kind.into_iter().find(|(name, _)| before.ends_with(name))?;
    Some((kind, orig))
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
                b"ESP" => 50,
                b"AH" => 51,
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
mod tests;
