//! Words and marks of the two surface syntaxes.

use super::super::read::short_bytes;
use super::super::{BadBinding, BindingReadError, TextPosition};

/// Which syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The syntax of YANG (RFC 7950 section 6.1), which snabb uses for its data too: comments `//` and `/* */`, quotes.
    Yang,
    /// The older text form: `#` comments, `key=value`, lists with commas, ranges with a hyphen.
    Text,
}

/// What stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Word(&'a [u8]),
    /// What stands between quotes, escapes as they are.
    Quoted(&'a [u8]),
    Mark(u8),
    End,
}

/// A word or a mark, and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) at: TextPosition,
    pub(super) kind: Kind<'a>,
}

impl Token<'_> {
    pub(super) fn unexpected(&self, expected: &'static str) -> BindingReadError {
        let found = match self.kind {
            Kind::Word(text) | Kind::Quoted(text) => format!("`{}`", short_bytes(text)),
            Kind::Mark(mark) => format!("`{}`", char::from(mark)),
            Kind::End => "the end of the file".to_owned(),
        };
        self.at.bad(BadBinding::Unexpected { found, expected })
    }
}

/// Reads tokens; copies nothing.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    dialect: Dialect,
    place: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8], dialect: Dialect) -> Tokens<'a> {
        Tokens { bytes, dialect, place: 0, line: 1, line_start: 0 }
    }

    /// The next token; at the end of the file [`Kind::End`], for ever.
    pub(super) fn next(&mut self) -> Result<Token<'a>, BindingReadError> {
        self.skip_blanks()?;
        let at = self.position();
        let kind = match self.peek(0) {
            None => Kind::End,
            Some(quote @ (b'"' | b'\'')) if self.dialect == Dialect::Yang => {
                self.quoted(at, quote)?
            }
            Some(byte) if self.is_mark(byte) => {
                self.advance();
                Kind::Mark(byte)
            }
            Some(byte) => {
                let start = self.place;
                while self.is_in_word() {
                    self.advance();
                }
                let word = self.bytes.get(start..self.place).unwrap_or_default();
                if word.is_empty() {
                    let token = Token { at, kind: Kind::Mark(byte) };
                    return Err(token.unexpected("a word, a number or an address"));
                }
                Kind::Word(word)
            }
        };
        Ok(Token { at, kind })
    }

    /// The same token again, next time.
    pub(super) fn peek_token(&mut self) -> Result<Token<'a>, BindingReadError> {
        let (place, line, line_start) = (self.place, self.line, self.line_start);
        let token = self.next();
        (self.place, self.line, self.line_start) = (place, line, line_start);
        token
    }

    /// The next token, which must be this mark.
    pub(super) fn need(
        &mut self,
        mark: u8,
        expected: &'static str,
    ) -> Result<TextPosition, BindingReadError> {
        let token = self.next()?;
        if token.kind == Kind::Mark(mark) { Ok(token.at) } else { Err(token.unexpected(expected)) }
    }

    fn position(&self) -> TextPosition {
        TextPosition { line: self.line, column: self.place - self.line_start + 1 }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.place + ahead).copied()
    }

    fn advance(&mut self) {
        if self.peek(0) == Some(b'\n') {
            self.line += 1;
            self.line_start = self.place + 1;
        }
        self.place = (self.place + 1).min(self.bytes.len());
    }

    fn skip_blanks(&mut self) -> Result<(), BindingReadError> {
        loop {
            match (self.dialect, self.peek(0), self.peek(1)) {
                (_, Some(byte), _) if is_blank(byte) => self.advance(),
                (Dialect::Text, Some(b'#'), _) | (Dialect::Yang, Some(b'/'), Some(b'/')) => {
                    while self.peek(0).is_some_and(|b| b != b'\n') {
                        self.advance();
                    }
                }
                (Dialect::Yang, Some(b'/'), Some(b'*')) => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), BindingReadError> {
        let at = self.position();
        self.advance();
        self.advance();
        while (self.peek(0), self.peek(1)) != (Some(b'*'), Some(b'/')) {
            if self.peek(0).is_none() {
                let found = "a comment without end".to_owned();
                return Err(at.bad(BadBinding::Unexpected { found, expected: "`/* ... */`" }));
            }
            self.advance();
        }
        self.advance();
        self.advance();
        Ok(())
    }

    fn quoted(&mut self, at: TextPosition, quote: u8) -> Result<Kind<'a>, BindingReadError> {
        self.advance();
        let start = self.place;
        loop {
            match self.peek(0) {
                None => {
                    let found = "a quote without end".to_owned();
                    return Err(at.bad(BadBinding::Unexpected { found, expected: "a text" }));
                }
                Some(byte) if byte == quote => break,
                // In double quotes a backslash takes the next character with it.
                Some(b'\\') if quote == b'"' => self.advance(),
                Some(_) => {}
            }
            self.advance();
        }
        let text = self.bytes.get(start..self.place).unwrap_or_default();
        self.advance();
        Ok(Kind::Quoted(text))
    }

    fn is_mark(&self, byte: u8) -> bool {
        match self.dialect {
            Dialect::Yang => matches!(byte, b'{' | b'}' | b';'),
            Dialect::Text => matches!(byte, b'{' | b'}' | b';' | b',' | b'=' | b'-'),
        }
    }

    /// Whether the byte here belongs to the word before it.
    fn is_in_word(&self) -> bool {
        let Some(byte) = self.peek(0) else {
            return false;
        };
        match self.dialect {
            Dialect::Text => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':'),
            Dialect::Yang => {
                let begins_comment = byte == b'/' && matches!(self.peek(1), Some(b'/' | b'*'));
                !is_blank(byte)
                    && !self.is_mark(byte)
                    && !matches!(byte, b'"' | b'\'')
                    && !begins_comment
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, dialect: Dialect) -> Vec<String> {
        let mut tokens = Tokens::new(text.as_bytes(), dialect);
        let mut found = Vec::new();
        loop {
            let token = tokens.next().unwrap();
            let text = match token.kind {
                Kind::Word(t) => String::from_utf8_lossy(t).into_owned(),
                Kind::Quoted(t) => format!("\"{}\"", String::from_utf8_lossy(t)),
                Kind::Mark(m) => char::from(m).to_string(),
                Kind::End => return found,
            };
            found.push(format!("{}:{} {text}", token.at.line, token.at.column));
        }
    }

    #[test]
    fn yang_has_comments_and_quotes() {
        let text = "a b-c; // d;\n/* {\n */ e\"f;\\\"\" {'g'}\n h/i//j";
        assert_eq!(
            all(text, Dialect::Yang),
            [
                "1:1 a",
                "1:3 b-c",
                "1:6 ;",
                "3:5 e",
                "3:6 \"f;\\\"\"",
                "3:13 {",
                "3:14 \"g\"",
                "3:17 }",
                "4:2 h/i"
            ]
        );
    }

    #[test]
    fn the_text_form_has_lists_and_ranges() {
        assert_eq!(
            all("# x\n1.2.3.4-1.2.3.5,{k=2} # y", Dialect::Text),
            [
                "2:1 1.2.3.4",
                "2:8 -",
                "2:9 1.2.3.5",
                "2:16 ,",
                "2:17 {",
                "2:18 k",
                "2:19 =",
                "2:20 2",
                "2:21 }"
            ]
        );
    }

    #[test]
    fn what_has_no_end_is_refused_where_it_begins() {
        for (text, at) in [("a /* *", "column 3"), ("a\n \"b", "line 2, column 2")] {
            let mut tokens = Tokens::new(text.as_bytes(), Dialect::Yang);
            tokens.next().unwrap();
            let err = tokens.next().unwrap_err().to_string();
            assert!(err.contains(at), "{err}");
        }
        let err = Tokens::new(b"(", Dialect::Text).next().unwrap_err().to_string();
        assert!(err.contains("`(`"), "{err}");
    }
}
