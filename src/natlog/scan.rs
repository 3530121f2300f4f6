//! A cursor over the bytes of one line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::natlog::reader::column;

/// The bytes of a line that are not read yet.
///
/// Its methods are small and inlined on purpose: they touch every byte of every conntrack log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    line_len: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Cursor { rest: line, line_len: line.len() }
    }

    /// The place of the next byte, from 1.
    pub(super) fn column(&self) -> u32 {
        column(self.line_len - self.rest.len())
    }

    /// The bytes that are left.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Moves to the end of the line.
    pub(super) fn finish(&mut self) {
        self.rest = &[];
    }

    /// Moves past so many bytes.
    #[inline]
    pub(super) fn skip(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Moves past blanks and tabs; false where there are none.
    #[inline]
    pub(super) fn skip_blanks(&mut self) -> bool {
        let before = self.rest.len();
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.len() < before
    }

    /// Moves past `literal` if it comes next.
    #[inline]
    pub(super) fn take<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        let Some(rest) = self.rest.strip_prefix(literal) else { return false };
        self.rest = rest;
        true
    }

    /// The bytes up to the next blank, moved past.
    #[inline]
    pub(super) fn token(&mut self) -> &'a [u8] {
        let (token, rest) = self.split_token();
        self.rest = rest;
        token
    }

    /// The bytes up to the next blank.
    #[inline]
    pub(super) fn peek_token(&self) -> &'a [u8] {
        self.split_token().0
    }

    #[inline]
    fn split_token(&self) -> (&'a [u8], &'a [u8]) {
        let end = self.rest.iter().position(|b| matches!(b, b' ' | b'\t'));
        self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or_default()
    }

    /// Decimal digits as a number of at most `max`; nothing is moved past unless there is one.
    #[inline]
    pub(super) fn number(&mut self, max: u64) -> Option<u64> {
        // Nineteen digits fit, whatever they are; a twentieth is checked.
        const SAFE: usize = 19;
        let mut rest = self.rest;
        let mut value: u64 = 0;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            let digit = u64::from(digit - b'0');
            value = if self.rest.len() - rest.len() < SAFE {
                value * 10 + digit
            } else {
                value.checked_mul(10)?.checked_add(digit)?
            };
            rest = tail;
        }
        if rest.len() == self.rest.len() || value > max {
            return None;
        }
        self.rest = rest;
        Some(value)
    }

    /// A number of 16 bits that ends at a blank or with the line.
    #[inline]
    pub(super) fn word(&mut self) -> Option<u16> {
        let before = self.rest;
        let value = self.number(u64::from(u16::MAX)).and_then(|n| u16::try_from(n).ok());
        if value.is_some() && self.is_at_boundary() {
            return value;
        }
        self.rest = before;
        None
    }

    /// An address that ends at a blank or with the line.
    #[inline]
    pub(super) fn address(&mut self) -> Option<IpAddr> {
        let before = self.rest;
        if let Some(addr) = self.ipv4()
            && self.is_at_boundary()
        {
            return Some(IpAddr::V4(addr));
        }
        self.rest = before;
        let addr: Ipv6Addr = std::str::from_utf8(self.peek_token()).ok()?.parse().ok()?;
        self.token();
        Some(IpAddr::V6(addr))
    }

    #[inline]
    fn ipv4(&mut self) -> Option<Ipv4Addr> {
        let [a, b, c] = [self.octet()?, self.dot_octet()?, self.dot_octet()?];
        Some(Ipv4Addr::new(a, b, c, self.dot_octet()?))
    }

    #[inline]
    fn dot_octet(&mut self) -> Option<u8> {
        if self.take(b".") { self.octet() } else { None }
    }

    /// Without leading zeros: some programs read them as octal.
    #[inline]
    fn octet(&mut self) -> Option<u8> {
        let (value, rest) = match self.rest {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
                (u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'), rest)
            }
            [a @ b'1'..=b'9', b @ b'0'..=b'9', rest @ ..] => {
                (u16::from(a - b'0') * 10 + u16::from(b - b'0'), rest)
            }
            [a @ b'0'..=b'9', rest @ ..] => (u16::from(a - b'0'), rest),
            _ => return None,
        };
        self.rest = rest;
        u8::try_from(value).ok()
    }

    /// Whether a value that ends here is whole.
    #[inline]
    pub(super) fn is_at_boundary(&self) -> bool {
        matches!(self.rest.first(), None | Some(b' ' | b'\t'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "203.0.113.10",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.4x",
            "1.2.3.00",
            "1.2.3.1234",
            "1..2.3",
            "99999999999999999999.0.0.1",
        ] {
            let mut cursor = Cursor::new(text.as_bytes());
            assert_eq!(cursor.address(), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_up_to_the_last_of_64_bits() {
        for (text, number) in [
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("00000000000000000000000007", Some(7)),
            ("99999999999999999999999999", None),
            ("x", None),
        ] {
            assert_eq!(Cursor::new(text.as_bytes()).number(u64::MAX), number, "{text}");
        }
        assert_eq!(Cursor::new(b"256").number(255), None);
    }

    #[test]
    fn ports_end_where_their_digits_do() {
        for (text, port) in
            [("0", Some(0)), ("65535 x", Some(65_535)), ("65536", None), ("80[", None), ("", None)]
        {
            assert_eq!(Cursor::new(text.as_bytes()).word(), port, "{text}");
        }
    }
}
