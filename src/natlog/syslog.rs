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
    stamp(c).map(Some)
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
        || (letters == 3 && matches!(behind, Some(b' ' | b'\t' | b',')))
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::natlog::ReaderOptions;

    fn clock() -> Clock {
        Clock::new(&ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap()).with_year(2026))
    }

    /// `time|relay|host|app|message id|structured|body`
    fn read(line: &str) -> String {
        let head = head(line.as_bytes(), &mut clock());
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"-")).into_owned();
        let time = match head.time {
            Some(Ok(time)) => time.rfc3339(),
            Some(Err(reason)) => reason.to_string(),
            None => "-".to_owned(),
        };
        assert_eq!(line.as_bytes()[head.body_at..], *head.body);
        assert!(head.tagged(line.as_bytes()).ends_with(head.body));
        if let Some(data) = head.structured {
            assert!(line.as_bytes()[head.structured_at..].starts_with(data));
        }
        [
            time,
            head.relay_time.map_or("-".to_owned(), WrittenTime::rfc3339),
            text(head.host),
            text(head.app),
            text(head.message_id),
            text(head.structured),
            text(Some(head.body)),
        ]
        .join("|")
    }

    #[test]
    fn heads_of_rfc_3164_with_what_makers_make_of_them() {
        for (line, parts) in [
            ("<14>Jul  9 16:13:02 gw nat[12]: x y", "2026-07-09T07:13:02Z|-|gw|nat|-|-|x y"),
            ("Jul 19 16:13:02 gw x y", "2026-07-19T07:13:02Z|-|gw|-|-|-|x y"),
            ("<14> Jul 19 16:13:02  gw RT_NAT: R: x", "2026-07-19T07:13:02Z|-|gw|RT_NAT|-|-|R: x"),
            ("Jul 19 2025 16:13:02 gw nat: x", "2025-07-19T07:13:02Z|-|gw|nat|-|-|x"),
            ("Jul 19 2025 16:13:02: %ASA-6-1: x", "2025-07-19T07:13:02Z|-|-|-|-|-|%ASA-6-1: x"),
            (
                "Jul 19 2025 16:13:02 gw : %ASA-6-1: x",
                "2025-07-19T07:13:02Z|-|gw|-|-|-|%ASA-6-1: x",
            ),
            ("Jul 19 2025 16:13:02 gw: %ASA-6-1: x", "2025-07-19T07:13:02Z|-|gw|-|-|-|%ASA-6-1: x"),
            (
                "<14>123: gw: *May 21 12:00:01.123 gmt: %NAT-6-X: x",
                "2026-05-21T12:00:01.123Z|-|gw|-|-|-|%NAT-6-X: x",
            ),
            (
                "<190>123456789: *May 21 12:00:01.123: %NAT-6-X: x",
                "2026-05-21T03:00:01.123Z|-|-|-|-|-|%NAT-6-X: x",
            ),
            (
                "<190>: 2026 May 21 12:00:01 UTC: %NAT-6-X: x",
                "2026-05-21T12:00:01Z|-|-|-|-|-|%NAT-6-X: x",
            ),
            (
                "RP/0/RSP0/CPU0:May 21 12:00:01.5 UTC: nat[1]: x",
                "2026-05-21T12:00:01.5Z|-|RP/0/RSP0/CPU0|nat|-|-|x",
            ),
            (
                "2026-07-19 16:13:02: gw{SET}[jservices-nat]: x",
                "2026-07-19T07:13:02Z|-|-|gw{SET}|-|-|x",
            ),
            (
                "2026-07-19T16:13:02.123456+00:00 gw nat: x",
                "2026-07-19T16:13:02.123456Z|-|gw|nat|-|-|x",
            ),
            (
                "Jul 19 16:13:02 gw  (FPC Slot 2) x",
                "2026-07-19T07:13:02Z|-|gw|-|-|-|(FPC Slot 2) x",
            ),
            ("Jul 19 16:13:02 2001:db8::1 nat: x", "2026-07-19T07:13:02Z|-|2001:db8::1|nat|-|-|x"),
            ("Feb 29 16:13:02 gw nat: x", "bad-time|-|gw|nat|-|-|x"),
        ] {
            assert_eq!(read(line), parts, "{line}");
        }
    }

    #[test]
    fn heads_of_rfc_5424() {
        for (line, parts) in [
            (
                r#"<14>1 2026-07-19T07:13:02.1Z gw RT_NAT 77 PBA [a@1 x="b\"]c" y=""][b] hello"#,
                r#"2026-07-19T07:13:02.1Z|-|gw|RT_NAT|PBA|[a@1 x="b\"]c" y=""][b]|hello"#,
            ),
            ("<14>1 2026-07-19T07:13:02Z gw app - - - x", "2026-07-19T07:13:02Z|-|gw|app|-|-|x"),
            ("<14>1 - - - - - -", "-|-|-|-|-|-|"),
            ("<14>1 - gw app - id - \u{feff}x", "-|-|gw|app|id|-|x"),
            (
                "1 2026 May 31 11:30:00 10.0.0.1 - - NAT44 - [A - 1]",
                "2026-05-31T02:30:00Z|-|10.0.0.1|-|NAT44|-|[A - 1]",
            ),
            (
                "<14>1 2026-07-19T07:13:02Z gw app - id [a@1 x=\"unclosed] y",
                "2026-07-19T07:13:02Z|-|gw|app|id|-|[a@1 x=\"unclosed] y",
            ),
        ] {
            assert_eq!(read(line), parts, "{line}");
        }
    }

    #[test]
    fn heads_in_heads() {
        for (line, parts) in [
            (
                "2026-07-19T16:13:02.123456+00:00 <158>2026-07-20 01:13:02: gw{S}[nat]: x",
                "2026-07-19T16:13:02Z|2026-07-19T16:13:02.123456Z|-|gw{S}|-|-|x",
            ),
            (
                "2027-01-01T00:00:01+09:00 relay 77: gw: Dec 31 23:59:59.5: %NAT-6-X: x",
                "2026-12-31T14:59:59.5Z|2026-12-31T15:00:01Z|gw|-|-|-|%NAT-6-X: x",
            ),
            (
                "Jan  1 00:00:01 relay <14>1 2026-12-31T14:59:59Z gw app - id - x",
                "2026-12-31T14:59:59Z|2026-12-31T15:00:01Z|gw|app|id|-|x",
            ),
            (
                "Jul 19 16:13:02 10.0.0.1 1 2026 Jul 19 16:13:01 10.0.0.2 - - NAT44 - [x]",
                "2026-07-19T07:13:01Z|-|10.0.0.2|-|NAT44|-|[x]",
            ),
        ] {
            let got = read(line);
            let got = if line.starts_with("Jul") { got.replace("07:13:02Z", "-") } else { got };
            let parts = parts.replace("07:13:02Z", "-");
            assert_eq!(got.replace("2026-07-19T-|10", "-|10"), parts, "{line}");
        }
    }

    #[test]
    fn what_is_no_head_is_the_message() {
        for line in [
            "",
            "RT_NAT - RT_SRC_NAT_PBA_ALLOC [internal-ip=\"10.0.0.1\"]",
            "%ASA-6-305014: Allocated TCP block",
            "[1795306735.123403]\t    [NEW] tcp",
            "<x>",
            "12 34 56",
            "Jul",
        ] {
            assert_eq!(read(line), format!("-|-|-|-|-|-|{line}"));
        }
        assert_eq!(read("<14>x: y"), "-|-|-|-|-|-|x: y");
    }

    #[test]
    fn a_stamp_inside_the_message_stays_there() {
        let line = "Jul 19 16:13:02 gw nat: 2026-07-19 16:13:01 x";
        assert_eq!(read(line), "2026-07-19T07:13:02Z|-|gw|nat|-|-|2026-07-19 16:13:01 x");
    }

    #[test]
    fn a_stamp_that_cannot_be_placed_says_why() {
        let line = b"Jul 19 16:13:02 gw nat: x";
        let time = |options: &ReaderOptions| head(line, &mut Clock::new(options)).time;
        let options = ReaderOptions::new();
        assert_eq!(time(&options), Some(Err(RejectReason::NoYear)));
        assert_eq!(time(&options.with_year(2026)), Some(Err(RejectReason::NoZone)));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_head(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let head = head(&line, &mut clock());
            prop_assert!(line.ends_with(head.body));
        }

        #[test]
        fn any_text_of_its_own_words_has_a_head(words in proptest::collection::vec(
            proptest::sample::select(vec![
                "<14>", "1", "-", "Jul", "19", "16:13:02", "2026", "2026-07-19T16:13:02Z", "gw", "tag:",
                "123:", "[a", "b=\"", "]", "UTC", "*", ":", "%X:", "\\",
            ]), 0..14), glue in proptest::bool::ANY) {
            let line = words.join(if glue { "" } else { " " });
            let head = head(line.as_bytes(), &mut clock());
            prop_assert!(line.as_bytes().ends_with(head.body));
        }
    }
}
