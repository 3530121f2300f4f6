//! Records of several lines: paragraphs, and JSON objects that are laid out over lines.

use std::io;

use super::{Reader, Row};
use crate::natlog::lines::Found;
use crate::natlog::radius_nat::is_of_radsniff;

/// What holds the lines of a record together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Lines up to a blank one, which belongs to the record and shows that it is whole; or up to the header of what
    /// radsniff prints next.
    Paragraph,
    /// From a line that begins with `{` up to the one that closes it; every other line stands alone.
    Object(Braces),
}

/// How many braces are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Braces {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
}

impl Braces {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.in_text => self.is_escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'{' if !self.in_text => self.depth += 1,
                b'}' if !self.in_text => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

/// Whether a record goes on behind a line.
enum Next {
    GoesOn,
    Ends,
}

impl Block {
    /// Whether a line begins another record.
    fn ends_before(&self, line: &[u8]) -> bool {
        *self == Block::Paragraph && is_of_radsniff(line)
    }

    fn take(&mut self, line: &[u8], is_first: bool) -> Next {
        match self {
            Block::Paragraph if line.trim_ascii().is_empty() => Next::Ends,
            Block::Paragraph => Next::GoesOn,
            Block::Object(_) if is_first && !begins_object(line) => Next::Ends,
            Block::Object(braces) => {
                braces.feed(line);
                if braces.depth == 0 { Next::Ends } else { Next::GoesOn }
            }
        }
    }
}

fn begins_object(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"[").unwrap_or(line).trim_ascii_start();
    line.starts_with(b"{")
}

impl<R: io::Read> Reader<R> {
    /// The record that begins with the line `first`.
    ///
    /// One that the end of the stream cuts off has no line ending, and keeps that of its last line.
    pub(super) fn next_block(&mut self, mut block: Block, first: Found) -> io::Result<Row> {
        let (mut found, mut from, mut lines) = (first, 0_usize, 0);
        loop {
            let (len, has_newline) = match found {
                Found::Newline(len) => (len, true),
                Found::End(len) => (len, false),
                // What is beyond the limit goes as one, or a long one would be read again from each of its lines.
                Found::TooLong => {
                    let len = from.saturating_sub(1);
                    return Ok(Row::LongBlock { len, lines });
                }
            };
            let line = self.buffer.bytes(from, len);
            if lines > 0 && block.ends_before(line) {
                return Ok(Row::Whole { len: from.saturating_sub(1), lines, has_newline: true });
            }
            let next = block.take(line, lines == 0);
            lines += 1;
            match next {
                Next::Ends => return Ok(Row::Whole { len, lines, has_newline }),
                Next::GoesOn if !has_newline => {
                    return Ok(Row::Whole { len, lines, has_newline });
                }
                Next::GoesOn => {}
            }
            from = len + 1;
            found = self.buffer.find(from)?;
            if found == Found::End(from) {
                return Ok(Row::Whole { len: from, lines, has_newline: false });
            }
        }
    }
}
