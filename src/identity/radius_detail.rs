//! FreeRADIUS `detail` files.
//!
//! ```text
//! Sun Nov 22 00:18:59 2026                           header line, server local time, not read
//!     Acct-Status-Type = Start                       attributes, indented
//!     User-Name = "user1703@isp.example"
//!     Acct-Unique-Session-Id = "b0c51f..."
//!     NAS-IP-Address = 10.255.2.2
//!     Delegated-IPv6-Prefix = 2001:db8:a04d:2800::/56
//!     Event-Timestamp = "Nov 22 2026 00:18:59 UTC"   when it happened
//!     Timestamp = 1795306739                         when it arrived
//!                                                    an empty line ends the record
//! ```
//!
//! A record without its header or without its empty line was cut short: an address may lack its last digit, so it is
//! rejected rather than read. A record that names no subscriber or no address is yielded all the same, since
//! it still shows that a session goes on, has ended, or took another's address.

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use super::accounting::AccountingRecord;
use super::lines::{Line, LineReader, span};
use super::radius_record::{self, DetailOptions};
use super::reject::{Refusal, Reject, RejectReason};
use crate::allocation::Span;

/// Reads the records of a `detail` file one by one; every record comes out as a value or as a [`Reject`].
///
/// After an I/O error there are no more records.
///
/// ```
/// use portledger::identity::{DetailOptions, DetailReader};
/// let file = "Sun Nov 22 00:18:59 2026
/// \tAcct-Status-Type = Start
/// \tUser-Name = \"ann\"
/// \tAcct-Session-Id = \"17\"
/// \tFramed-IP-Address = 100.64.0.10
/// \tEvent-Timestamp = \"Nov 22 2026 00:18:59 UTC\"
///
/// ";
/// let mut records = DetailReader::new(file.as_bytes(), DetailOptions::default());
/// let record = records.next().unwrap()?.unwrap();
/// assert_eq!(record.keys, ["100.64.0.10".parse()?]);
/// assert!(records.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DetailReader<R> {
    lines: LineReader<R>,
    options: DetailOptions,
    /// The record being read.
    block: Option<Block>,
    /// The text of the record being read, its lines separated by LF.
    text: Vec<u8>,
    is_done: bool,
}

#[derive(Debug)]
struct Block {
    offset: u64,
    end: u64,
    line: u64,
    refusal: Option<Refusal>,
}

impl Block {
    fn begin(line: &Line<'_>) -> Block {
        Block { offset: line.offset, end: line.end(), line: line.number, refusal: None }
    }

    fn refuse(&mut self, reason: RejectReason, detail: &str) {
        self.refusal.get_or_insert_with(|| Refusal::new(reason, detail));
    }

    fn add(&mut self, line: &Line<'_>, text: &mut Vec<u8>, most: usize) {
        self.end = line.end();
        if line.is_too_long {
            self.refuse(RejectReason::LineTooLong, "a line is longer than the limit");
        }
        if text.len().saturating_add(line.bytes.len()) > most {
            self.refuse(RejectReason::TooLarge, "the record is longer than the limit");
        }
        if self.refusal.is_none() {
            if line.number != self.line {
                text.push(b'\n');
            }
            text.extend_from_slice(line.bytes);
        }
    }

    fn finish(self, text: &[u8], options: &DetailOptions) -> Result<AccountingRecord, Reject> {
        let span: Span = span(self.offset, self.end);
        let parsed = match self.refusal {
            Some(refusal) => Err(refusal),
            None => radius_record::parse(text, options, span),
        };
        parsed.map_err(|refusal| refusal.at(span, self.line))
    }
}

impl<R: Read> DetailReader<R> {
    /// A reader of the stream; it buffers by itself.
    pub fn new(reader: R, options: DetailOptions) -> DetailReader<R> {
        let lines = LineReader::new(reader, options.limits.line_bytes);
        DetailReader { lines, options, block: None, text: Vec::new(), is_done: false }
    }

    fn next_record(&mut self) -> io::Result<Option<Result<AccountingRecord, Reject>>> {
        let most = self.options.limits.record_bytes;
        while let Some(line) = self.lines.next_line()? {
            let is_indented = line.bytes.first().is_some_and(u8::is_ascii_whitespace);
            if line.bytes.trim_ascii().is_empty() && !line.is_too_long {
                if let Some(block) = self.block.take() {
                    return Ok(Some(block.finish(&self.text, &self.options)));
                }
            } else if is_indented {
                if self.block.is_none() {
                    self.text.clear();
                }
                let block = self.block.get_or_insert_with(|| {
                    let mut block = Block::begin(&line);
                    block.refuse(RejectReason::CutShort, "the record begins without its header");
                    block
                });
                block.add(&line, &mut self.text, most);
            } else {
                let mut next = Block::begin(&line);
                let cut = self.block.take().map(|mut block| {
                    block.refuse(RejectReason::CutShort, "another record begins within it");
                    block.finish(&self.text, &self.options)
                });
                self.text.clear();
                next.add(&line, &mut self.text, most);
                self.block = Some(next);
                if cut.is_some() {
                    return Ok(cut);
                }
            }
        }
        Ok(self.block.take().map(|mut block| {
            block.refuse(RejectReason::CutShort, "the file ends before the record's empty line");
            block.finish(&self.text, &self.options)
        }))
    }
}

impl<R: Read> Iterator for DetailReader<R> {
    type Item = io::Result<Result<AccountingRecord, Reject>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.next_record().transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}
