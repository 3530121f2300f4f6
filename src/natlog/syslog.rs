//! What stands before the message of a syslog record: RFC 3164 and RFC 5424 heads, with and without PRI, and what
//! relays put before them.
//!
//! A head is taken off layer by layer; what is no head is the body. The innermost stamp is the device's own as far as
//! the frame tells; formats whose body carries a clock prefer that, and keep this one as `header_time`.
//!
//! ```text
//! 2026-07-19T16:13:02.123456+00:00 relay <158>123: *Jul 19 16:13:01.998 UTC: %NAT-6-X: ...
//! |                                      |    |    |                          |
//! stamp of the relay, then its host      PRI  |    innermost stamp            body
//!                                             a sequence number
//! ```

use super::RejectReason;
use super::clock::Clock;
use super::scan::Cursor;
use super::stamp::{Stamp, stamp};
use crate::time::WrittenTime;

/// How many heads a line may have: a device and its relays.
const LAYERS: usize = 4;

/// The head of a record, and what is left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head<'a> {
    /// The innermost stamp of the frame; why it cannot be read, where there is one that cannot (no zone or year
    /// named): formats with a clock in the body need not care.
    pub(super) time: Option<Result<WrittenTime, RejectReason>>,
    /// That stamp as written, for [`Clock::read_beside`].
    pub(super) stamp: Option<Stamp<'a>>,
    /// The outermost stamp, where there are several and it can be read.
    pub(super) relay_time: Option<WrittenTime>,
    /// The host (device) name or address.
    pub(super) host: Option<&'a [u8]>,
    /// APP-NAME of RFC 5424, or the tag of RFC 3164 without `[pid]` and colon.
    pub(super) app: Option<&'a [u8]>,
    /// MSGID of RFC 5424.
    pub(super) message_id: Option<&'a [u8]>,
    /// Structured data of RFC 5424 with its brackets, all elements.
    pub(super) structured: Option<&'a [u8]>,
    /// Where the structured data begin in the line, from 0.
    pub(super) structured_at: usize,
    /// The message.
    pub(super) body: &'a [u8],
    /// Where the message begins in the line, from 0.
    pub(super) body_at: usize,
    /// Where the tag begins in the line, from 0; where there is none, the message.
    pub(super) tag_at: usize,
}

impl<'a> Head<'a> {
    /// The tag and the message, for formats that look for their own words in both.
    pub(super) fn tagged(&self, line: &'a [u8]) -> &'a [u8] {
        line.get(self.tag_at..).unwrap_or_default()
    }

    /// The stamp of the frame, held against the clock in the body: of the same moment, so that it has its year.
    pub(super) fn time_beside(&self, clock: &mut Clock, body: WrittenTime) -> Option<WrittenTime> {
        clock.read_beside(&self.stamp?, body).ok()
    }
}

/// Takes the head off a line.
pub(super) fn head<'a>(line: &'a [u8], clock: &mut Clock) -> Head<'a> {
    let mut c = Cursor::new(line);
    let mut head = Head::default();
    let (mut outer, mut inner): (Option<Stamp<'a>>, Option<Stamp<'a>>) = (None, None);
    let _ = c.take(b"\xef\xbb\xbf");
    octet_count(&mut c);
    for layer in 0..LAYERS {
        let Some(start) = start(&mut c, layer == 0) else { break };
        if start.stamp.is_some() {
            outer = outer.or(inner);
            inner = start.stamp;
        }
        if start.host.is_some() {
            head.host = start.host;
        }
        let has_more = match start.kind {
            Kind::Bare => false,
            Kind::Rfc5424 => rfc5424(&mut c, line, &mut head),
            Kind::Rfc3164 => rfc3164(&mut c, line, &mut head),
        };
        if !has_more {
            break;
        }
    }
    head.body = c.rest();
    head.body_at = line.len() - c.rest().len();
    if head.app.is_none() {
        head.tag_at = head.body_at;
    }
    head.stamp = inner;
    times(&mut head, inner, outer, clock);
    head
}

/// The length before a message that came over a stream (RFC 6587).
fn octet_count(c: &mut Cursor<'_>) {
    let mut at = *c;
    if at.number(99_999).is_some() && at.take(b" ") && at.peek() == Some(b'<') {
        *c = at;
    }
}

fn times<'a>(
    head: &mut Head<'a>,
    inner: Option<Stamp<'a>>,
    outer: Option<Stamp<'a>>,
    clock: &mut Clock,
) {
    let Some(inner) = inner else { return };
    // The one that has a year lends it to the other.
    let relay = outer.filter(|s| s.year.is_some()).and_then(|s| clock.read(&s).ok());
    let time = match relay {
        Some(relay) if inner.year.is_none() => clock.read_beside(&inner, relay),
        _ => clock.read(&inner),
    };
    head.relay_time = match (outer, time) {
        (Some(outer), Ok(time)) if outer.year.is_none() => clock.read_beside(&outer, time).ok(),
        _ => relay,
    };
    head.time = Some(time);
}

/// What begins a layer.
struct Start<'a> {
    kind: Kind,
    stamp: Option<Stamp<'a>>,
    host: Option<&'a [u8]>,
}

enum Kind {
    /// A PRI and nothing more.
    Bare,
    Rfc3164,
    Rfc5424,
}

/// PRI, version or sequence number, stamp; nothing is moved past where none stands.
fn start<'a>(c: &mut Cursor<'a>, is_first: bool) -> Option<Start<'a>> {
    let mut at = *c;
    at.skip_blanks();
    let has_pri = pri(&mut at);
    if has_pri {
        at.skip_blanks();
    }
    let after_pri = at;
    if let Some(stamp) = version(&mut at, has_pri) {
        *c = at;
        return Some(Start { kind: Kind::Rfc5424, stamp, host: None });
    }
    at = after_pri;
    let lead = lead(&mut at);
    if let Some(stamp) = stamp(&mut at) {
        let mut behind = at;
        let has_colon = behind.take(b":");
        behind.skip_blanks();
        let is_cisco = has_colon && behind.peek() == Some(b'%');
        // A word and a colon inside a message are its tag, and the stamp behind them is part of the message.
        if is_first || has_pri || lead.host.is_none() || is_cisco {
            *c = at;
            return Some(Start { kind: Kind::Rfc3164, stamp: Some(stamp), host: lead.host });
        }
    }
    if has_pri && is_first {
        *c = after_pri;
        return Some(Start { kind: Kind::Bare, stamp: None, host: None });
    }
    None
}

/// `<158>`
fn pri(c: &mut Cursor<'_>) -> bool {
    let mut at = *c;
    let is_pri = at.take(b"<") && at.number(999).is_some() && at.take(b">");
    if is_pri {
        *c = at;
    }
    is_pri
}

/// The `1` of RFC 5424 with its stamp, which may be nil behind a PRI.
#[expect(clippy::option_option, reason = "no head of RFC 5424; one without stamp; one with")]
fn version<'a>(c: &mut Cursor<'a>, has_pri: bool) -> Option<Option<Stamp<'a>>> {
    c.number(99)?;
    if !c.skip_blanks() {
        return None;
    }
    if has_pri && c.peek_token() == b"-" {
        c.token();
        return Some(None);
    }
    if !c.peek()?.is_ascii_digit() {
        return None;
    }
    let mut at = *c;
    if let Some(stamp) = stamp(c) {
        return Some(Some(stamp));
    }
    // DPtech's boxes put their address before the stamp, and nothing but their name behind it.
    let is_address = has_pri && at.address().is_some() && at.skip_blanks();
    let stamp = if is_address { stamp(&mut at) } else { None };
    if stamp.is_some() {
        *c = at;
    }
    stamp.map(Some)
}

/// What Cisco's boxes put before a stamp.
#[derive(Default)]
struct Lead<'a> {
    host: Option<&'a [u8]>,
}

/// `123: `, `HOST: `, `RP/0/RSP0/CPU0:`, a colon alone; moved past only if a stamp may follow.
fn lead<'a>(c: &mut Cursor<'a>) -> Lead<'a> {
    let mut lead = Lead::default();
    let mut at = *c;
    for _ in 0..3 {
        if may_be_stamp(&at) {
            *c = at;
            return lead;
        }
        let token = at.peek_token();
        let is_node = [b"RP/".as_slice(), b"LC/", b"0/"].iter().any(|p| token.starts_with(p));
        if is_node && let Some(colon) = token.iter().position(|&b| b == b':') {
            lead.host = token.get(..colon);
            at.skip(colon + 1);
            continue;
        }
        let Some((b':', name)) = token.split_last() else { break };
        if !name.is_empty() && !name.iter().all(u8::is_ascii_digit) {
            lead.host = Some(name);
        }
        at.token();
        at.skip_blanks();
    }
    if may_be_stamp(&at) {
        *c = at;
        return lead;
    }
    Lead::default()
}

/// Whether a stamp may begin here, without the cost of reading it.
fn may_be_stamp(c: &Cursor<'_>) -> bool {
    let rest = c.rest();
    let rest = rest.strip_prefix(b"*").or(rest.strip_prefix(b".")).unwrap_or(rest);
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).take(4).count();
    let behind = rest.get(digits.max(letters));
    (digits == 4 && matches!(behind, Some(b'-' | b'/' | b' ')))
        || (letters == 3 && matches!(behind, Some(b' ' | b'\t' | b',' | b'/')))
}

/// HOST APP PROCID MSGID SD; true if another head may follow.
fn rfc5424<'a>(c: &mut Cursor<'a>, line: &'a [u8], head: &mut Head<'a>) -> bool {
    c.skip_blanks();
    head.host = some(c.token()).or(head.host);
    c.skip_blanks();
    head.tag_at = line.len() - c.rest().len();
    if c.peek_token().last() == Some(&b':') {
        // A tag: the rest is not what the version promised.
        return tag(c, line, head);
    }
    head.app = some(c.token());
    c.skip_blanks();
    let before = *c;
    c.token();
    c.skip_blanks();
    head.message_id = some(c.token());
    c.skip_blanks();
    let at = line.len() - c.rest().len();
    if c.peek_token() == b"-" {
        c.token();
    } else if let Some(len) = structured_len(c.rest()) {
        head.structured = c.rest().get(..len);
        head.structured_at = at;
        c.skip(len);
    } else if c.peek() != Some(b'[') {
        // Too few fields: the message begins earlier.
        *c = before;
        head.message_id = None;
    }
    c.skip_blanks();
    let _ = c.take(b"\xef\xbb\xbf");
    c.peek() == Some(b'<')
}

fn some(token: &[u8]) -> Option<&[u8]> {
    if token.is_empty() || token == b"-" { None } else { Some(token) }
}

/// The length of `[id a="b"][...]`, where every element is closed.
fn structured_len(bytes: &[u8]) -> Option<usize> {
    let (mut is_open, mut is_quoted, mut is_escaped) = (false, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match byte {
            b'[' if !is_open => is_open = true,
            b'\\' if is_quoted => is_escaped = true,
            b'"' if is_open => is_quoted = !is_quoted,
            b']' if is_open && !is_quoted => is_open = false,
            b' ' if !is_open => return (at > 0).then_some(at),
            _ if !is_open => return None,
            _ => {}
        }
    }
    (!is_open && !bytes.is_empty()).then_some(bytes.len())
}

/// HOST TAG: ; true if another head may follow.
fn rfc3164<'a>(c: &mut Cursor<'a>, line: &'a [u8], head: &mut Head<'a>) -> bool {
    skip_colon(c);
    if begins(*c) {
        return true;
    }
    if is_facility(c.peek_token()) {
        c.token();
        c.skip_blanks();
    }
    let token = c.peek_token();
    let is_word = token.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if is_word {
        let mut next = *c;
        next.token();
        skip_colon(&mut next);
        let is_colon = token.last() == Some(&b':');
        if is_colon && next.peek() == Some(b'%') {
            head.host = token.split_last().map(|(_, name)| name);
            *c = next;
        } else if !is_colon && !token.contains(&b'[') && !token.contains(&b'=') {
            head.host = Some(token);
            *c = next;
            if begins(*c) {
                return true;
            }
        }
    }
    head.tag_at = line.len() - c.rest().len();
    tag(c, line, head)
}

/// `Local7.Info`, as some collectors write between stamp and host.
fn is_facility(token: &[u8]) -> bool {
    let Some(dot) = token.iter().position(|&b| b == b'.') else { return false };
    let (name, level) = token.split_at_checked(dot).unwrap_or_default();
    let name = match name.split_last() {
        Some((b'0'..=b'7', name)) if name.eq_ignore_ascii_case(b"local") => name,
        _ => name,
    };
    let is_any = |names: &[&[u8]], text: &[u8]| names.iter().any(|n| n.eq_ignore_ascii_case(text));
    is_any(&FACILITIES, name) && is_any(&LEVELS, level.get(1..).unwrap_or_default())
}

const FACILITIES: [&[u8]; 9] =
    [b"local", b"kern", b"kernel", b"user", b"daemon", b"system", b"auth", b"syslog", b"security"];
const LEVELS: [&[u8]; 10] = [
    b"emerg",
    b"alert",
    b"crit",
    b"critical",
    b"err",
    b"error",
    b"warning",
    b"notice",
    b"info",
    b"debug",
];

/// Blanks with a colon before or among them.
fn skip_colon(c: &mut Cursor<'_>) {
    let _ = c.take(b":");
    c.skip_blanks();
    let _ = c.take(b": ");
    c.skip_blanks();
}

fn begins(mut c: Cursor<'_>) -> bool {
    start(&mut c, false).is_some()
}

/// `tag[pid]: `; true if another head may follow.
fn tag<'a>(c: &mut Cursor<'a>, line: &'a [u8], head: &mut Head<'a>) -> bool {
    let token = c.rest();
    let len = token
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || b"-_./{}()@#+".contains(b))
        .count();
    let (name, rest) = token.split_at_checked(len).unwrap_or_default();
    let is_name = name.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let pid = match rest {
        [b'[', inner @ ..] => inner
            .iter()
            .position(|b| matches!(b, b']' | b' '))
            .filter(|&at| inner.get(at) == Some(&b']'))
            .map_or(0, |at| at + 2),
        _ => 0,
    };
    let has_colon = matches!(rest.get(pid..), Some([b':'] | [b':', b' ' | b'\t', ..]));
    if !is_name || !has_colon {
        return false;
    }
    head.app = Some(name);
    head.tag_at = line.len() - c.rest().len();
    c.skip(len + pid + 1);
    c.skip_blanks();
    c.peek() == Some(b'<')
}

#[cfg(test)]
mod tests;
