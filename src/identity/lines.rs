//! Lines of a stream with their exact places, however long they are.

use std::io::{self, BufRead, BufReader, Read};

use crate::allocation::Span;

/// How much of a line and of a record is held in memory; what is longer is rejected, its place kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The longest line, in bytes; 64 KiB by default.
    pub line_bytes: usize,
    /// The longest record of several lines, in bytes; 1 MiB by default.
    pub record_bytes: usize,
    /// How many rejects [`read_identity`](super::read_identity) keeps as values; all are counted. 100 000 by default.
    pub kept_rejects: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        ReadLimits { line_bytes: 64 << 10, record_bytes: 1 << 20, kept_rejects: 100_000 }
    }
}

/// One line, its ending left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The bytes, as far as they fit the limit.
    pub(super) bytes: &'a [u8],
    /// Where it stands; its true length even where it did not fit.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) is_too_long: bool,
}

impl Line<'_> {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// The span from the first to the end, its length cut off at what a span can say.
pub(super) fn span(offset: u64, end: u64) -> Span {
    let length = u32::try_from(end.saturating_sub(offset)).unwrap_or(u32::MAX);
    Span { offset, length }
}

/// Reads lines that end in LF or CRLF, the last one also in nothing.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    reader: BufReader<R>,
    limit: usize,
    buffer: Vec<u8>,
    offset: u64,
    number: u64,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(reader: R, limit: usize) -> LineReader<R> {
        let reader = BufReader::with_capacity(64 << 10, reader);
        LineReader { reader, limit, buffer: Vec::new(), offset: 0, number: 0 }
    }

    /// The next line; none at the end.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let start = self.offset;
        let mut length = 0_u64;
        let mut last = None;
        let mut is_ended = false;
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if available.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let newline = available.iter().position(|b| *b == b'\n');
            let (line, _) = available.split_at(newline.unwrap_or(available.len()));
            // One byte more than the limit, so that a CR at the very end does not count.
            let room = self.limit.saturating_add(1).saturating_sub(self.buffer.len());
            self.buffer.extend(line.iter().take(room));
            length += line.len() as u64;
            last = line.last().copied().or(last);
            let consumed = line.len() + usize::from(newline.is_some());
            self.offset += consumed as u64;
            self.reader.consume(consumed);
            if newline.is_some() {
                is_ended = true;
                break;
            }
        }
        if is_ended && last == Some(b'\r') {
            length -= 1;
            if self.buffer.len() as u64 > length {
                self.buffer.pop();
            }
        }
        let is_too_long = length > self.limit as u64;
        self.buffer.truncate(self.limit);
        self.number += 1;
        Ok(Some(Line {
            bytes: &self.buffer,
            offset: start,
            length,
            number: self.number,
            is_too_long,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], limit: usize) -> Vec<(Vec<u8>, u64, u64, bool)> {
        let mut reader = LineReader::new(bytes, limit);
        let mut found = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            found.push((line.bytes.to_vec(), line.offset, line.length, line.is_too_long));
        }
        found
    }

    #[test]
    fn places_are_exact_with_either_ending() {
        assert_eq!(
            lines(b"ab\r\n\ncd\re\nf\r", 10),
            [
                (b"ab".to_vec(), 0, 2, false),
                (vec![], 4, 0, false),
                (b"cd\re".to_vec(), 5, 4, false),
                (b"f\r".to_vec(), 10, 2, false),
            ]
        );
        assert!(lines(b"", 10).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_but_its_length_is_true() {
        assert_eq!(
            lines(b"abcdef\nabc\r\nabcd", 3),
            [
                (b"abc".to_vec(), 0, 6, true),
                (b"abc".to_vec(), 7, 3, false),
                (b"abc".to_vec(), 12, 4, true),
            ]
        );
    }
}
