//! The lines of one record.

use crate::natlog::RejectReason;
use crate::natlog::reader::column;

/// The attributes of a record, one after the other.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    record: &'a [u8],
    at: usize,
    header: &'a [u8],
}

/// An attribute: its name, its value without quotes, and the column at which its line begins.
type Attribute<'a> = (&'a [u8], &'a [u8], u32);

impl<'a> Attributes<'a> {
    /// Moves past the header, which is not indented.
    pub(super) fn of(record: &'a [u8]) -> Result<Attributes<'a>, (RejectReason, u32)> {
        if record.first().is_none_or(u8::is_ascii_whitespace) {
            return Err((RejectReason::CutShort, 1));
        }
        let mut attributes = Attributes { record, at: 0, header: &[] };
        attributes.header = attributes.line().unwrap_or_default();
        Ok(attributes)
    }

    /// The line that is not indented.
    pub(super) fn header(&self) -> &'a [u8] {
        self.header
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = self.record.get(self.at..).filter(|rest| !rest.is_empty())?;
        let len = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        self.at += len + 1;
        rest.get(..len)
    }

    /// The place that was reached, from 1.
    pub(super) fn column(&self) -> u32 {
        column(self.at.min(self.record.len()))
    }

    /// Whether the last line of the record is surely whole.
    pub(super) fn ends_with_line(&self) -> bool {
        self.record.ends_with(b"\n")
    }

    /// The next attribute; none at the end of the record.
    ///
    /// A value with escapes is passed over: no value that says something about a NAT has any.
    pub(super) fn next(&mut self) -> Result<Option<Attribute<'a>>, (RejectReason, u32)> {
        loop {
            let at = column(self.at);
            let Some(line) = self.line() else { return Ok(None) };
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if !line.first().is_some_and(u8::is_ascii_whitespace) {
                // The header of another record.
                return Err((RejectReason::CutShort, at));
            }
            let cut = (RejectReason::CutShort, column(self.at.min(self.record.len())));
            let equals = text.windows(3).position(|w| w == b" = ");
            let Some(equals) = equals else {
                let is_last = self.at >= self.record.len();
                return Err(if is_last { cut } else { (RejectReason::UnknownField, at) });
            };
            let (name, value) = text.split_at_checked(equals).unwrap_or_default();
            let value = value.get(3..).unwrap_or_default().trim_ascii();
            let value = match value {
                [b'"', inner @ .., b'"'] => inner,
                [b'"', ..] => return Err(cut),
                value => value,
            };
            if !value.contains(&b'\\') || name == b"User-Name" {
                return Ok(Some((name, value, at)));
            }
        }
    }
}

/// `2026-11-22 00:18:59.123456 (7) Accounting-Request Id 5 ...`, or what radsniff says when it is done.
pub(in crate::natlog) fn is_of_radsniff(header: &[u8]) -> bool {
    let has = |needle: &[u8]| header.windows(needle.len()).any(|w| w == needle);
    let names: [&[u8]; 5] =
        [b") Accounting-", b") Access-", b") Status-Server", b") CoA-", b") Disconnect-"];
    if header.first().is_none_or(u8::is_ascii_whitespace) {
        return false;
    }
    header.starts_with(b"Done ") || (has(b" Id ") && names.iter().any(|name| has(name)))
}

/// Digits as a number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A text with its escapes undone: `\"`, `\\`, `\n`, `\t`, `\r` and three octal digits.
pub(super) fn text_of(value: &[u8]) -> Option<Box<str>> {
    if !value.contains(&b'\\') {
        return std::str::from_utf8(value).ok().map(Box::from);
    }
    let mut text = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        let (b'\\', [escape, tail @ ..]) = (byte, tail) else {
            text.push(*byte);
            continue;
        };
        rest = tail;
        match (escape, tail) {
            (b'n', _) => text.push(b'\n'),
            (b'r', _) => text.push(b'\r'),
            (b't', _) => text.push(b'\t'),
            (a @ b'0'..=b'3', [b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                text.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'));
                rest = tail;
            }
            (other, _) => text.push(*other),
        }
    }
    String::from_utf8(text).ok().map(String::into_boxed_str)
}
