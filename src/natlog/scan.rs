//! A cursor over the bytes of one line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reader::column;

/// The bytes of a line and how far they are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Cursor { line, at: 0 }
    }

    /// The place of the next byte, from 1.
    pub(super) fn column(&self) -> u32 {
        column(self.at)
    }

    /// The bytes that are left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.line.len()
    }

    /// Moves to the end of the line.
    pub(super) fn finish(&mut self) {
        self.at = self.line.len();
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Moves past blanks and tabs; false where there are none.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let from = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at > from
    }

    /// Moves past `literal` if it comes next.
    pub(super) fn take(&mut self, literal: &[u8]) -> bool {
        let is_next = self.rest().starts_with(literal);
        if is_next {
            self.at += literal.len();
        }
        is_next
    }

    /// The bytes up to the next blank, moved past.
    pub(super) fn token(&mut self) -> &'a [u8] {
        let token = self.peek_token();
        self.at += token.len();
        token
    }

    /// The bytes up to the next blank.
    pub(super) fn peek_token(&self) -> &'a [u8] {
        let rest = self.rest();
        let len = rest.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(rest.len());
        rest.get(..len).unwrap_or_default()
    }

    /// Decimal digits as a number of at most `max`; nothing is moved past unless there is one.
    pub(super) fn number(&mut self, max: u64) -> Option<u64> {
        let mut value: u64 = 0;
        let mut at = self.at;
        while let Some(digit) = self.line.get(at).filter(|b| b.is_ascii_digit()) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            at += 1;
        }
        if at == self.at || value > max {
            return None;
        }
        self.at = at;
        Some(value)
    }

    /// A number of 16 bits that ends at a blank or with the line.
    pub(super) fn word(&mut self) -> Option<u16> {
        let before = self.at;
        let value = self.number(u64::from(u16::MAX)).and_then(|n| u16::try_from(n).ok());
        if value.is_some() && self.is_at_boundary() {
            return value;
        }
        self.at = before;
        None
    }

    /// An address that ends at a blank or with the line.
    pub(super) fn address(&mut self) -> Option<IpAddr> {
        let before = self.at;
        if let Some(addr) = self.ipv4()
            && self.is_at_boundary()
        {
            return Some(IpAddr::V4(addr));
        }
        self.at = before;
        let token = self.peek_token();
        let addr: Ipv6Addr = std::str::from_utf8(token).ok()?.parse().ok()?;
        self.at += token.len();
        Some(IpAddr::V6(addr))
    }

    fn ipv4(&mut self) -> Option<Ipv4Addr> {
        let mut bits: u32 = 0;
        for i in 0..4 {
            if i > 0 && !self.take(b".") {
                return None;
            }
            let before = self.at;
            let octet = self.number(255)?;
            // No leading zeros: some programs read them as octal.
            if self.at - before != 1 + usize::from(octet > 9) + usize::from(octet > 99) {
                return None;
            }
            bits = bits << 8 | u32::try_from(octet).ok()?;
        }
        Some(Ipv4Addr::from_bits(bits))
    }

    /// Whether a value that ends here is whole.
    pub(super) fn is_at_boundary(&self) -> bool {
        matches!(self.peek(), None | Some(b' ' | b'\t'))
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
            "1..2.3",
            "99999999999999999999.0.0.1",
        ] {
            let mut cursor = Cursor::new(text.as_bytes());
            assert_eq!(cursor.address(), text.parse().ok(), "{text}");
        }
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
