//! The tags of one line of XML.
//!
//! Enough for what `libnetfilter_conntrack` writes: elements, attributes in double quotes, text. It is a scanner of our
//! own because a general reader of XML keeps a stack of names that it allocates anew for every line.

use crate::natlog::RejectReason;

/// A piece of XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// `<name attributes>`
    Open { name: &'a [u8], attributes: &'a [u8] },
    /// `<name attributes/>`
    Empty { name: &'a [u8], attributes: &'a [u8] },
    /// `</name>`
    Close { name: &'a [u8] },
    /// `<?...?>` or `<!...>`
    Instruction,
    /// What stands between tags.
    Text(&'a [u8]),
}

/// The pieces of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tags<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Tags<'a> {
    pub(super) fn new(line: &'a [u8], at: usize) -> Tags<'a> {
        Tags { line, at }
    }

    /// Where the next piece begins, from 0.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Moves past blanks.
    pub(super) fn skip_blanks(&mut self) {
        self.at += self.rest().iter().take_while(|b| b.is_ascii_whitespace()).count();
    }

    /// Moves on by `len` bytes.
    pub(super) fn skip(&mut self, len: usize) {
        self.at = (self.at + len).min(self.line.len());
    }

    /// The next piece; none at the end of the line.
    pub(super) fn piece(&mut self) -> Result<Option<Piece<'a>>, RejectReason> {
        let rest = self.rest();
        let Some(first) = rest.first() else { return Ok(None) };
        if *first != b'<' {
            let len = rest.iter().position(|b| *b == b'<').unwrap_or(rest.len());
            self.at += len;
            return Ok(Some(Piece::Text(rest.get(..len).unwrap_or_default())));
        }
        let Some(len) = rest.iter().position(|b| *b == b'>') else {
            self.at = self.line.len();
            return Err(RejectReason::CutShort);
        };
        let tag = rest.get(1..len).unwrap_or_default();
        let piece = match tag {
            [b'?' | b'!', ..] => Piece::Instruction,
            [b'/', name @ ..] => Piece::Close { name: is_name(name)? },
            [tag @ .., b'/'] => {
                let (name, attributes) = split(tag);
                Piece::Empty { name: is_name(name)?, attributes }
            }
            _ => {
                let (name, attributes) = split(tag);
                Piece::Open { name: is_name(name)?, attributes }
            }
        };
        self.at += len + 1;
        Ok(Some(piece))
    }
}

fn split(tag: &[u8]) -> (&[u8], &[u8]) {
    let end = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
    tag.split_at_checked(end).unwrap_or_default()
}

fn is_name(name: &[u8]) -> Result<&[u8], RejectReason> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !name.is_empty() && name.iter().all(is_part) {
        Ok(name)
    } else {
        Err(RejectReason::UnknownField)
    }
}

/// The value of an attribute.
pub(super) fn attribute<'a>(attributes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = attributes.trim_ascii_start();
    while !rest.is_empty() {
        let equals = rest.iter().position(|b| *b == b'=')?;
        let (key, value) = rest.split_at_checked(equals)?;
        let value = value.strip_prefix(b"=\"")?;
        let end = value.iter().position(|b| *b == b'"')?;
        let (value, tail) = value.split_at_checked(end)?;
        if key == name {
            return Some(value);
        }
        rest = tail.get(1..)?.trim_ascii_start();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_into_its_tags() {
        let mut tags = Tags::new(b"<a b=\"1\" c=\"2\">x<d/></a> y", 0);
        let mut next = || tags.piece().unwrap();
        let Some(Piece::Open { name: b"a", attributes }) = next() else { panic!() };
        assert_eq!(attribute(attributes, b"c"), Some(&b"2"[..]));
        assert_eq!(attribute(attributes, b"d"), None);
        assert_eq!(next(), Some(Piece::Text(b"x")));
        assert_eq!(next(), Some(Piece::Empty { name: b"d", attributes: b"" }));
        assert_eq!(next(), Some(Piece::Close { name: b"a" }));
        assert_eq!(next(), Some(Piece::Text(b" y")));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_tag_without_its_end_is_cut_short() {
        assert_eq!(Tags::new(b"<a b=\"1\"", 0).piece(), Err(RejectReason::CutShort));
        assert_eq!(Tags::new(b"<>", 0).piece(), Err(RejectReason::UnknownField));
        assert_eq!(Tags::new(b"</a b>", 0).piece(), Err(RejectReason::UnknownField));
        assert_eq!(attribute(b" a=1 b=\"2\"", b"b"), None);
    }
}
