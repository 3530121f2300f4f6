//! Streams of log lines or export messages -> events and rejects, one format at a time.

#[cfg(feature = "netflow")]
mod datagrams;

mod blocks;
mod options;

use std::fmt;
use std::io;

use self::blocks::{Block, Braces};
pub use self::options::ReaderOptions;
use super::csv::RowScan;
use super::format::{Cut, Format, Status};
use super::lines::{Found, LineBuffer};
use super::untimed::Untimed;
use super::{Event, Reject, RejectReason, Skipped};
use crate::allocation::Span;

/// A parser of one line that knows nothing of files.
///
/// It may remember what earlier lines showed (a header, a habit of the box), so lines go to it in their order.
pub trait LineParser: fmt::Debug {
    /// Reads one record (its line ending left out) into `event`, which must be at its default; `span` and `line`
    /// are left to the caller.
    ///
    /// # Errors
    ///
    /// The reason and the byte, from 1, at which reading stopped; `event` is then in no particular state.
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)>;

    /// Reads the next record of the line that [`parse_line`](LineParser::parse_line) began, none where there is no
    /// other; asked for until there is none.
    fn parse_more(
        &mut self,
        _line: &[u8],
        _event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        None
    }

    /// Whether nothing that matters can be missing at the end of the line read last, for a last line without line
    /// ending: any digit or field could be missing from it.
    fn is_surely_whole(&self) -> bool {
        true
    }

    /// What parts the fields of a row, where records are rows.
    fn delimiter(&self) -> u8 {
        b','
    }

    /// The parser of whole messages, for formats that have no lines.
    #[cfg(feature = "netflow")]
    fn datagrams(&mut self) -> Option<&mut dyn DatagramParser> {
        None
    }
}

/// A parser of export messages that knows nothing of files.
///
/// It remembers the templates of each exporter, so messages go to it in their order.
#[cfg(feature = "netflow")]
pub trait DatagramParser: fmt::Debug {
    /// Reads every record of a message; `span`, `line` and `record` of the events are left to the caller.
    ///
    /// A message may hold none (templates alone).
    fn parse(&mut self, datagram: &Datagram<'_>, records: &mut std::collections::VecDeque<Decoded>);

    /// Another recording begins: a template holds on only where a sender goes on.
    fn begin(&mut self);
}

/// One message, as it was sent.
#[cfg(feature = "netflow")]
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Who sent it, where a capture tells.
    pub exporter: Option<Exporter>,
}

/// Who sent a message, and to which port.
#[cfg(feature = "netflow")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Exporter {
    /// The sender's address.
    pub address: std::net::IpAddr,
    /// The sender's UDP port.
    pub port: u16,
    /// The UDP port that it sends to.
    pub collector_port: u16,
}

#[cfg(feature = "netflow")]
impl Default for Exporter {
    fn default() -> Exporter {
        let address = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        Exporter { address, port: 0, collector_port: 0 }
    }
}

/// One record of a message.
#[cfg(feature = "netflow")]
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The event, its `record` zero to have it counted; of a reject the `time`, where it says one.
    pub event: Event,
    /// Whether it is one, else the reason and the byte of the message, from 1, at which reading stopped.
    pub result: Result<(), (RejectReason, u32)>,
}

#[cfg(feature = "netflow")]
impl Default for Decoded {
    fn default() -> Decoded {
        Decoded { event: Event::default(), result: Ok(()) }
    }
}

/// What a stream is made of, and [`Event::line`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Lines of text.
    #[default]
    Line,
    /// Export messages, or packets of a capture.
    Datagram,
}

impl Unit {
    /// The key under which our NDJSON counts it.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Line => "line",
            Unit::Datagram => "datagram",
        }
    }
}

/// What a reader learnt of its source (templates, counters, the year), for the file that continues it.
#[derive(Debug)]
pub struct Learnt {
    parser: Box<dyn LineParser>,
    format: Format,
    max_line_len: usize,
    #[cfg(feature = "netflow")]
    udp_port: Option<u16>,
}

/// What [`Reader::next_record`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// An event, now in the caller's [`Event`].
    Event,
    /// A line that holds none; the caller's [`Event`] is at its default.
    Rejected(Reject),
}

/// Reads the events of one stream, in order.
///
/// Lines end in LF or CRLF; the last one may end with the stream. Every line is part of one record, and every
/// record is either an event or a counted reject: nothing vanishes. What is read does not depend on how the source
/// cuts its bytes.
///
/// ```
/// use portledger::natlog::{Event, Format, Reader, ReaderOptions};
/// let log = "[1795306735.123403]\t    [NEW] tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 sport=53586 \
///     dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706\n";
/// let mut reader = Reader::new(Format::Conntrack, ReaderOptions::new(), log.as_bytes());
/// let mut event = Event::default();
/// while reader.read_event(&mut event)? {
///     assert_eq!(event.inside.as_ref().map(|host| host.to_string()).as_deref(), Some("100.64.0.10"));
///     assert_eq!(event.ports.map(|ports| ports.first()), Some(20017));
/// }
/// assert_eq!(reader.skipped().total(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Complexity
///
/// Linear in the bytes; memory is bounded by the longest permitted line. Reading conntrack allocates nothing per
/// line in the steady state.
#[derive(Debug)]
pub struct Reader<R> {
    buffer: LineBuffer<R>,
    cut: Cut,
    parser: Box<dyn LineParser>,
    /// The line that was read last and may hold more records.
    held: Option<Held>,
    skipped: Skipped,
    lines: u64,
    events: u64,
    format: Format,
    max_line_len: usize,
    #[cfg(feature = "netflow")]
    frames: datagrams::Frames,
    #[cfg(feature = "netflow")]
    opened: datagrams::Opened,
    #[cfg(feature = "netflow")]
    udp_port: Option<u16>,
}

/// A line that is read, and kept until it holds no other record.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Its length, with a CR.
    len: usize,
    /// How many lines it takes.
    lines: u64,
    /// How many of its records were read.
    records: u32,
    has_newline: bool,
}

/// The next record as bytes.
enum Row {
    /// `len` bytes over `lines` lines.
    Whole { len: usize, lines: u64, has_newline: bool },
    /// One line of `len` bytes with a quote that makes no sense, alone or with the lines after it.
    BadQuote { len: usize },
    /// A line of that many bytes, dropped already.
    Dropped { len: u64 },
    /// `len` bytes over `lines` lines of a record of several lines that is beyond the limit.
    LongBlock { len: usize, lines: u64 },
}

impl<R: io::Read> Reader<R> {
    /// A reader of `source`, which needs no buffer of its own.
    pub fn new(format: Format, options: ReaderOptions, source: R) -> Reader<R> {
        let max_line_len = options.max_line_len();
        #[cfg(feature = "netflow")]
        let udp_port = options.udp_port();
        let info = format.info();
        let parser = if options.takes_untimed() && info.status != Status::Own {
            Box::new(Untimed::new(info.parser, options))
        } else {
            (info.parser)(options)
        };
        let learnt = Learnt {
            parser,
            format,
            max_line_len,
            #[cfg(feature = "netflow")]
            udp_port,
        };
        Reader::resume(learnt, source)
    }

    /// A reader of a file that continues another one: an export message in it may need a template of that one, and a
    /// stamp without year is of the year that the other one ended in, or of the next.
    ///
    /// Lines, bytes and counts begin anew. A capture knows its exporters and learns nothing from other files.
    pub fn resume(learnt: Learnt, source: R) -> Reader<R> {
        Reader {
            buffer: LineBuffer::new(source, learnt.max_line_len),
            cut: learnt.format.info().cut,
            parser: learnt.parser,
            held: None,
            skipped: Skipped::default(),
            lines: 0,
            events: 0,
            format: learnt.format,
            max_line_len: learnt.max_line_len,
            #[cfg(feature = "netflow")]
            frames: datagrams::Frames::default(),
            #[cfg(feature = "netflow")]
            opened: datagrams::Opened::default(),
            #[cfg(feature = "netflow")]
            udp_port: learnt.udp_port,
        }
    }

    /// The next record, event or not; none at the end of the stream.
    ///
    /// Behind a reject `event` is empty but for its `time`, where the line was in order and only held no fact, or told
    /// of a loss: it shows that the source was being written then.
    ///
    /// # Errors
    ///
    /// Those of the source; the next call goes on where this one stopped.
    pub fn next_record(&mut self, event: &mut Event) -> io::Result<Option<Record>> {
        *event = Event::default();
        #[cfg(feature = "netflow")]
        if !self.is_of_lines()? {
            return self.next_in_datagrams(event);
        }
        if let Some(held) = self.held {
            let bytes = self.buffer.bytes(0, held.len);
            let record = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            if let Some(result) = self.parser.parse_more(record, event) {
                return Ok(Some(self.read(
                    Held { records: held.records + 1, ..held },
                    result,
                    event,
                )));
            }
            self.held = None;
            self.lines += held.lines;
            self.buffer.consume_line(held.len);
        }
        let offset = self.buffer.offset();
        let Some(row) = self.next_row()? else { return Ok(None) };
        let line = self.lines + 1;
        let (reason, column, offset, len) = match row {
            Row::Whole { len, lines, has_newline } => {
                let bytes = self.buffer.bytes(0, len);
                let record = bytes.strip_suffix(b"\r").unwrap_or(bytes);
                let result = if record.trim_ascii().is_empty() {
                    Err((RejectReason::Empty, 1))
                } else {
                    self.parser.parse_line(record, event)
                };
                let held = Held { len, lines, records: 1, has_newline };
                return Ok(Some(self.read(held, result, event)));
            }
            Row::BadQuote { len } => {
                self.lines += 1;
                self.buffer.consume_line(len);
                (RejectReason::BadQuote, column(len), offset, len as u64)
            }
            Row::LongBlock { len, lines } => {
                self.lines += lines;
                self.buffer.consume_line(len);
                (RejectReason::LineTooLong, 1, offset, len as u64)
            }
            Row::Dropped { len } => {
                self.lines += 1;
                (RejectReason::LineTooLong, 1, self.buffer.dropped_from(), len)
            }
        };
        let span = Span { offset, length: u32::try_from(len).unwrap_or(u32::MAX) };
        self.skipped.add(reason);
        Ok(Some(Record::Rejected(Reject { reason, span, line, column })))
    }

    /// Counts what was read of a line, and keeps the line for its other records.
    fn read(
        &mut self,
        held: Held,
        mut result: Result<(), (RejectReason, u32)>,
        event: &mut Event,
    ) -> Record {
        let bytes = self.buffer.bytes(0, held.len);
        let length = bytes.strip_suffix(b"\r").unwrap_or(bytes).len();
        if result.is_ok() && !held.has_newline && !self.parser.is_surely_whole() {
            result = Err((RejectReason::CutShort, column(length)));
        }
        let span = Span {
            offset: self.buffer.offset(),
            length: u32::try_from(length).unwrap_or(u32::MAX),
        };
        let line = self.lines + 1;
        self.held = Some(held);
        match result {
            Ok(()) => {
                self.events += 1;
                event.span = span;
                event.line = line;
                event.record = held.records;
                Record::Event
            }
            Err((reason, column)) => {
                let time = event.time.filter(|_| reason.has_time());
                *event = Event { time, ..Event::default() };
                self.skipped.add(reason);
                Record::Rejected(Reject { reason, span, line, column })
            }
        }
    }

    /// The next event; false at the end of the stream. Rejects on the way are counted in
    /// [`skipped`](Reader::skipped).
    pub fn read_event(&mut self, event: &mut Event) -> io::Result<bool> {
        loop {
            match self.next_record(event)? {
                None => return Ok(false),
                Some(Record::Event) => return Ok(true),
                Some(Record::Rejected(_)) => {}
            }
        }
    }

    fn next_row(&mut self) -> io::Result<Option<Row>> {
        if self.buffer.is_dropping() {
            return Ok(Some(Row::Dropped { len: self.buffer.drop_line()? }));
        }
        let first = self.buffer.find(0)?;
        let (first_len, has_newline) = match first {
            Found::End(0) => return Ok(None),
            Found::TooLong => return Ok(Some(Row::Dropped { len: self.buffer.drop_line()? })),
            Found::Newline(len) => (len, true),
            Found::End(len) => (len, false),
        };
        let block = match self.cut {
            Cut::Paragraphs => Some(Block::Paragraph),
            Cut::Objects => Some(Block::Object(Braces::default())),
            _ => None,
        };
        if let Some(block) = block {
            return self.next_block(block, first).map(Some);
        }
        let is_comment = self.buffer.bytes(0, 1) == b"#";
        if self.cut != Cut::Rows || is_comment {
            return Ok(Some(Row::Whole { len: first_len, lines: 1, has_newline }));
        }
        let (mut found, mut from, mut lines) = (first, 0, 1);
        let mut scan = RowScan::new(self.parser.delimiter());
        loop {
            let (len, has_newline) = match found {
                Found::Newline(len) => (len, true),
                Found::End(len) => (len, false),
                Found::TooLong => return Ok(Some(Row::BadQuote { len: first_len })),
            };
            scan.feed(self.buffer.bytes(from, len));
            if scan.is_bad() {
                return Ok(Some(Row::BadQuote { len: first_len }));
            }
            if !scan.is_open() {
                return Ok(Some(Row::Whole { len, lines, has_newline }));
            }
            scan.feed(b"\n");
            if !has_newline {
                return Ok(Some(Row::BadQuote { len: first_len }));
            }
            from = len + 1;
            lines += 1;
            found = self.buffer.find(from)?;
        }
    }
}

impl<R> Reader<R> {
    /// Whether a file that continues this one is to be read by [`Reader::resume`]: what its stamps leave out, such as the
    /// year, follows those of this one, and so do templates. Tables begin anew, each with its own header.
    pub fn is_continued(&self) -> bool {
        self.cut != Cut::Rows
    }

    /// What was learnt of the source, for [`Reader::resume`].
    pub fn into_learnt(self) -> Learnt {
        Learnt {
            parser: self.parser,
            format: self.format,
            max_line_len: self.max_line_len,
            #[cfg(feature = "netflow")]
            udp_port: self.udp_port,
        }
    }

    /// What [`Event::line`] counts in this stream.
    #[cfg(not(feature = "netflow"))]
    pub fn unit(&self) -> Unit {
        Unit::Line
    }

    /// The rejects so far, by reason.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// How many events were read.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many lines were read. Without rows of several lines this is [`events`](Reader::events) plus the total of
    /// [`skipped`](Reader::skipped).
    pub fn lines(&self) -> u64 {
        self.lines + self.held.map_or(0, |held| held.lines)
    }
}

impl<R: io::Read> Reader<R> {
    /// How many bytes of the stream make up those lines.
    pub fn bytes(&self) -> u64 {
        let held = self.held.map_or(0, |held| held.len + usize::from(held.has_newline));
        self.buffer.offset() + held as u64
    }
}

/// A byte place as a column, from 1.
pub(super) fn column(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX - 1).saturating_add(1)
}
