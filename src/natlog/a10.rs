//! A10 Thunder CGN: CEF and the ASCII text of its NAT logs.
//!
//! ```text
//! cgn1/part-a CEF:0|A10|CFW|6.0.0-P1|CGN 106|Nat Port Batch Pool Allocated|5|proto=UDP src=100.64.0.7
//!      |                            |                                          |         |
//!      partition: the realm         the event                                  protocol  inside
//!   ... sourceTranslatedAddress=203.0.113.9 sourceTranslatedPort=22016 cn3=22271 cn3Label=Last Nat Port
//! ```
//!
//! | id | event |
//! |---|---|
//! | `CGN 100`, `101` | a port given, taken back; a `dst` is only that of the first packet and left out |
//! | `CGN 102`, `103` | a session begun, ended, with its destination |
//! | `CGN 106`, `107` | a batch of ports of one protocol given, taken back: `sourceTranslatedPort` to `cn3` |
//!
//! ```text
//! NAT-TCP-C: 100.64.0.7:40000<-->203.0.113.9:22020 to 198.51.100.4:443              a port
//! NAT-UDP-D: 100.64.0.7:40000<->198.51.100.4:53,203.0.113.9:22021<-->198.51.100.4:53   a session
//! NAT-UDP-D: 100.64.0.7:40000<->198.51.100.4:53,198.51.100.4:53<-->203.0.113.9:22021   the same
//! FIXED-NAT-PORTS 100.64.0.7->203.0.113.9:22016-22271                               a block that stays
//! ```
//!
//! The letter is `C` or `B` (given; of a batch only the port that stands there), `D` (taken back) or `U` (still there). Several records may follow each other in
//! one line, as they do in a batched packet.
//!
//! Of the second pair of a session, the end that is not the far side of the first is the public one: readers of these
//! logs do not agree on its order. Where neither or both ends are that far side, nothing is read.
//!
//! Neither form carries a time: it is that of the frame. Whether the far side of a log is kept depends on the template
//! of the device.

use std::net::IpAddr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Fields, Frame, Refusal, cut, end_of, find, placed};
use super::{Event, EventKind, RejectReason, cef, syslog};
use crate::allocation::Destination;
use crate::inside::Realm;
use crate::port::PortRange;
use crate::time::WrittenTime;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "a10",
    title: "A10 Thunder CGN, CEF and ASCII",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the frame's stamp; none in the records",
    source: "samples and patterns of cgn-ec; axAPI 6.0.2 logging templates",
    cut: Cut::Lines,
    parser: |options| Box::new(A10Parser::new(&options)),
};

const KEYS: [&[u8]; 9] = [
    b"proto",
    b"src",
    b"spt",
    b"sourceTranslatedAddress",
    b"sourceTranslatedPort",
    b"dst",
    b"dpt",
    b"cn3",
    b"cn3Label",
];

/// A parser of A10's NAT logs.
#[derive(Debug)]
pub struct A10Parser {
    frame: Frame,
    /// Where the next record of the line begins.
    next: usize,
    time: Option<Result<WrittenTime, RejectReason>>,
    realm: Realm,
}

/// The kinds of records, by what they begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Cef,
    Ascii,
    Fixed,
}

impl A10Parser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> A10Parser {
        let frame = Frame::new(options);
        let realm = frame.realms.none();
        A10Parser { frame, next: 0, time: None, realm }
    }

    fn first<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        self.time = head.time;
        self.next = line.len();
        event.time = values::readable(&head);
        let Some((at, form)) = marker(line) else {
            let is_cef = find(line, b"CEF:").is_some() || find(line, b"|A10").is_some();
            let reason = if is_cef { RejectReason::UnknownEvent } else { RejectReason::NotNat };
            return Err((reason, line));
        };
        let (before, record) = line.split_at_checked(at).unwrap_or((line, end_of(line)));
        self.realm = match partition(before) {
            Some(name) => self.frame.realms.of(name)?,
            None => self.frame.realms.none(),
        };
        self.record(line, record, form, event)
    }

    fn record<'a>(
        &mut self,
        line: &'a [u8],
        text: &'a [u8],
        form: Form,
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let own = text.get(1..).unwrap_or_default();
        let end = marker(own).map_or(text.len(), |(at, next)| {
            // The `CEF:0` before the bar belongs to the next record.
            let own = own.get(..at).unwrap_or_default();
            let head = if next == Form::Cef && own.ends_with(b"CEF:0") { 5 } else { 0 };
            at + 1 - head
        });
        self.next = line.len() - text.len() + end;
        let text = text.get(..end).unwrap_or(text).trim_ascii_end();
        match form {
            Form::Cef => self.cef(line, text, event)?,
            Form::Ascii => self.ascii(text, event)?,
            Form::Fixed => self.fixed(text, event)?,
        }
        match self.time {
            Some(Ok(time)) => event.time = Some(time),
            Some(Err(reason)) => return Err((reason, line)),
            None => {}
        }
        values::settle(event);
        Ok(())
    }

    /// `|A10|CFW|6.0.0-P1|CGN 100|Nat Port Allocated|5|proto=...`
    fn cef<'a>(
        &mut self,
        line: &'a [u8],
        text: &'a [u8],
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let mut rest = text.strip_prefix(b"|").unwrap_or(text);
        let mut header: [&[u8]; 6] = [&[]; 6];
        for field in &mut header {
            (*field, rest) =
                cef::header_field(rest).ok_or((RejectReason::CutShort, end_of(text)))?;
        }
        let [_, _, _, id, title, _] = header;
        event.kind = match id {
            b"CGN 100" => EventKind::PortCreate,
            b"CGN 101" => EventKind::PortDelete,
            b"CGN 102" => EventKind::SessionCreate,
            b"CGN 103" => EventKind::SessionDelete,
            b"CGN 106" => EventKind::BlockAlloc,
            b"CGN 107" => EventKind::BlockRelease,
            _ if id.starts_with(b"CGN") || find(title, b"Nat ").is_some() => {
                return Err((RejectReason::UnknownEvent, id));
            }
            _ => return Err((RejectReason::OtherEvent, id)),
        };
        let is_end = matches!(
            event.kind,
            EventKind::PortDelete | EventKind::SessionDelete | EventKind::BlockRelease
        );
        let says = |words: [&[u8]; 2]| words.iter().any(|word| find(title, word).is_some());
        let opposite =
            if is_end { says([b"Allocated", b"Created"]) } else { says([b"Freed", b"Deleted"]) };
        if opposite {
            return Err((RejectReason::UnknownEvent, title));
        }

        let mut fields = Fields::new(&KEYS, line);
        let last = cef::pairs(rest, |key, value| fields.put(key, value))?;
        let is_session = matches!(event.kind, EventKind::SessionCreate | EventKind::SessionDelete);
        self.frame.is_whole = match last {
            b"dst" | b"dpt" => !is_session,
            last => !KEYS.contains(&last) || last == b"cn3Label",
        };
        event.protocol = fields.get(b"proto").map(values::protocol).transpose()?;
        event.inside = Some(values::host(values::ip(fields.need(b"src")?)?, self.realm.clone()));
        event.outside = Some(values::ipv4(fields.need(b"sourceTranslatedAddress")?)?);
        let port = fields.need(b"sourceTranslatedPort")?;
        if matches!(event.kind, EventKind::BlockAlloc | EventKind::BlockRelease) {
            let is_last = |label: &[u8]| label.eq_ignore_ascii_case(b"Last Nat Port");
            if let Some(label) = fields.get(b"cn3Label").filter(|label| !is_last(label)) {
                return Err((RejectReason::MissingField, label));
            }
            event.ports = Some(values::range(port, fields.need(b"cn3")?)?);
            return Ok(());
        }
        event.ports = Some(PortRange::single(values::port(port)?));
        event.inside_port = Some(values::port(fields.need(b"spt")?)?);
        if is_session && let Some(dst) = fields.get(b"dst") {
            event.destination = Some(values::destination(dst, fields.get(b"dpt"))?);
        }
        Ok(())
    }

    /// `NAT-TCP-C: a:p<-->x:xp to d:dp` or `NAT-TCP-C: a:p<->d:dp,x:xp<-->d:dp`
    fn ascii<'a>(&mut self, text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(text));
        let (tag, rest) = cut(text, b":").ok_or(cut_short)?;
        let tag = tag.strip_prefix(b"NAT-").unwrap_or(tag);
        let (protocol, letter) =
            values::cut_last(tag, b'-').ok_or((RejectReason::UnknownEvent, tag))?;
        event.protocol = Some(values::protocol(protocol)?);
        let is_session = find(rest, b",").is_some();
        event.kind = match (letter, is_session) {
            (b"C" | b"B", false) => EventKind::PortCreate,
            (b"D", false) => EventKind::PortDelete,
            (b"C" | b"B", true) => EventKind::SessionCreate,
            (b"D", true) => EventKind::SessionDelete,
            (b"U", _) => EventKind::Update,
            _ => return Err((RejectReason::UnknownEvent, letter)),
        };
        let (inside, outside) = if is_session {
            let (forward, reverse) = cut(rest, b",").ok_or(cut_short)?;
            let (inside, far) = cut(forward, b"<->").ok_or(cut_short)?;
            let (first, second) = cut(reverse, b"<-->").ok_or(cut_short)?;
            let (first, second) = (first.trim_ascii(), second.trim_ascii());
            let far = end(far)?;
            // Which of the two is the far side, only their equality tells.
            let outside = match (end(first)? == far, end(second)? == far) {
                (false, true) => first,
                (true, false) => second,
                _ => return Err((RejectReason::BadAddress, first)),
            };
            event.destination = Some(match far {
                (IpAddr::V4(addr), port) => Destination { addr, port: Some(port) },
                (IpAddr::V6(_), _) => return Err((RejectReason::Ipv6Translation, first)),
            });
            self.frame.is_whole =
                values::cut_last(second, b':').is_some_and(|(_, port)| values::is_full_port(port));
            (inside, outside)
        } else {
            let arrow: &[u8] = if find(rest, b"<-->").is_some() { b"<-->" } else { b"->" };
            let (inside, outside) = cut(rest, arrow).ok_or(cut_short)?;
            let (outside, far) = cut(outside, b" to ").unwrap_or((outside, &[]));
            self.frame.is_whole = !far.is_empty();
            (inside, outside)
        };
        let (addr, port) = values::endpoint(inside.trim_ascii())?;
        event.inside = Some(values::host(addr, self.realm.clone()));
        event.inside_port = Some(values::port(port.trim_ascii())?);
        let (addr, port) = values::ipv4_endpoint(outside.trim_ascii())?;
        event.outside = Some(addr);
        let port = port.trim_ascii();
        if find(port, b"-").is_some() {
            event.ports = Some(values::dashed_range(port)?);
            event.kind = match event.kind {
                EventKind::PortCreate => EventKind::BlockAlloc,
                EventKind::PortDelete => EventKind::BlockRelease,
                _ => return Err((RejectReason::BadPort, port)),
            };
        } else {
            event.ports = Some(PortRange::single(values::port(port)?));
        }
        Ok(())
    }

    /// `FIXED-NAT-PORTS A->X:lo-hi`
    fn fixed<'a>(&mut self, text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(text));
        let body = text.strip_prefix(b"FIXED-NAT-PORTS").unwrap_or(text);
        let body = body.strip_prefix(b":").unwrap_or(body);
        let (inside, outside) = cut(body, b"->").ok_or(cut_short)?;
        let inside: IpAddr = values::ip(inside.trim_ascii())?;
        let (addr, ports) = values::ipv4_endpoint(outside.trim_ascii())?;
        event.kind = EventKind::BlockAlloc;
        event.inside = Some(values::host(inside, self.realm.clone()));
        event.outside = Some(addr);
        event.ports = Some(values::dashed_range(ports)?);
        self.frame.is_whole =
            values::cut_last(ports, b'-').is_some_and(|(_, last)| values::is_full_port(last));
        Ok(())
    }
}

impl LineParser for A10Parser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = true;
        self.first(line, event).map_err(|refusal| placed(line, refusal))
    }

    fn parse_more(
        &mut self,
        line: &[u8],
        event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        let rest = line.get(self.next..)?;
        let (at, form) = marker(rest)?;
        let (_, record) = rest.split_at_checked(at)?;
        self.frame.is_whole = true;
        Some(self.record(line, record, form, event).map_err(|refusal| placed(line, refusal)))
    }

    fn is_surely_whole(&self) -> bool {
        self.frame.is_whole
    }
}

/// `192.0.2.1:80`, with blanks around the port.
fn end(text: &[u8]) -> Result<(IpAddr, u16), Refusal<'_>> {
    let (addr, port) = values::endpoint(text.trim_ascii())?;
    Ok((addr, values::port(port.trim_ascii())?))
}

/// Where the next record begins, and in which form.
fn marker(text: &[u8]) -> Option<(usize, Form)> {
    let cef = find(text, b"|A10|").map(|at| (at, Form::Cef));
    let fixed = find(text, b"FIXED-NAT-PORTS").map(|at| (at, Form::Fixed));
    let ascii = ascii_marker(text).map(|at| (at, Form::Ascii));
    [cef, fixed, ascii].into_iter().flatten().min_by_key(|&(at, _)| at)
}

/// `NAT-TCP-C:` at the begin of a word.
fn ascii_marker(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + find(text.get(from..)?, b"NAT-")?;
        let is_word =
            at == 0 || text.get(at - 1).is_some_and(|b| !b.is_ascii_alphanumeric() && *b != b'-');
        let word = values::words(text.get(at..)?).next()?;
        if is_word && word.split(|&b| b == b'-').nth(2).is_some() {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The partition of `device/partition`, the last word before a record.
fn partition(before: &[u8]) -> Option<&[u8]> {
    let is_frame = |word: &&[u8]| !matches!(*word, b"CEF:0" | b"CEF:" | b"CEF" | b"0" | b":");
    let mut words = before.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let word = words.find(is_frame)?;
    let word = word.strip_suffix(b":").unwrap_or(word);
    values::cut_last(word, b'/').map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
