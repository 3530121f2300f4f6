//! The other way of reading: messages one after the other, or the payloads of a capture.

use std::collections::VecDeque;
use std::io;

use super::{Datagram, Decoded, LineParser, Reader, Record, Unit};
use crate::allocation::Span;
use crate::natlog::capture::{Capture, Packet, Payload, Place, is_capture};
use crate::natlog::format::Cut;
use crate::natlog::lines::LineBuffer;
use crate::natlog::{Event, Reject, RejectReason};

/// No message of IPFIX is longer; NetFlow 9 does not say, and a datagram is no longer either.
const MAX_MESSAGE: usize = 65_535;

/// How the stream is framed.
#[derive(Debug, Default)]
pub(super) enum Frames {
    /// Nothing was read yet.
    #[default]
    Unknown,
    Lines,
    Messages,
    Capture(Capture),
}

/// The records of the datagram that was read last.
#[derive(Debug, Default)]
pub(super) struct Opened {
    ready: VecDeque<Decoded>,
    /// How many of them were delivered.
    at: usize,
    span: Span,
}

impl<R: io::Read> Reader<R> {
    /// Whether the stream is cut into lines; looks at its first bytes once.
    pub(super) fn is_of_lines(&mut self) -> io::Result<bool> {
        if matches!(self.frames, Frames::Unknown) {
            let there = self.buffer.ensure(4)?;
            self.frames = if is_capture(self.buffer.bytes(0, there.min(4))) {
                if let Some(parser) = self.parser.datagrams() {
                    parser.begin();
                }
                Frames::Capture(Capture::default())
            } else if self.cut == Cut::Datagrams {
                Frames::Messages
            } else {
                Frames::Lines
            };
        }
        Ok(matches!(self.frames, Frames::Lines))
    }

    /// The next record of the messages.
    pub(super) fn next_in_datagrams(&mut self, event: &mut Event) -> io::Result<Option<Record>> {
        loop {
            if let Some(record) = self.deliver(event) {
                return Ok(Some(record));
            }
            let found = match &mut self.frames {
                Frames::Capture(capture) => capture.next(&mut self.buffer, self.udp_port)?,
                _ => message(&mut self.buffer)?.map(|(len, whole)| {
                    let length = u32::try_from(len).unwrap_or(u32::MAX);
                    let span = Span { offset: self.buffer.offset(), length };
                    let exporter = super::Exporter::default();
                    let payload = Payload { from: 0, to: len, exporter, is_assembled: false };
                    let place = Place { line: self.lines + 1, span };
                    Packet { len, place, payload: whole.map(|()| payload) }
                }),
            };
            let Some(Packet { len, place, payload }) = found else { return Ok(None) };
            // A datagram that was given up began before.
            self.lines = self.lines.max(place.line);
            match payload {
                Ok(payload) => {
                    self.opened.span = place.span;
                    self.opened.ready.clear();
                    self.opened.at = 0;
                    let (bytes, exporter) = match &self.frames {
                        Frames::Capture(capture) if payload.is_assembled => {
                            (capture.whole(), Some(payload.exporter))
                        }
                        frames => {
                            let is_captured = matches!(frames, Frames::Capture(_));
                            let bytes = self.buffer.bytes(payload.from, payload.to);
                            (bytes, is_captured.then_some(payload.exporter))
                        }
                    };
                    if let Some(parser) = self.parser.datagrams() {
                        parser.parse(&Datagram { bytes, exporter }, &mut self.opened.ready);
                    } else {
                        lines_of(&mut *self.parser, bytes, &mut self.opened.ready);
                    }
                    self.buffer.consume(len);
                }
                Err(reason) => {
                    let reject = Reject { reason, span: place.span, line: place.line, column: 1 };
                    self.buffer.consume(len);
                    self.skipped.add(reason);
                    return Ok(Some(Record::Rejected(reject)));
                }
            }
        }
    }

    /// The next record of the datagram that was opened last.
    fn deliver(&mut self, event: &mut Event) -> Option<Record> {
        let opened = &mut self.opened;
        let decoded = opened.ready.get_mut(opened.at)?;
        opened.at += 1;
        match decoded.result {
            Ok(()) => {
                self.events += 1;
                std::mem::swap(event, &mut decoded.event);
                event.span = opened.span;
                event.line = self.lines;
                if event.record == 0 {
                    event.record = u32::try_from(opened.at).unwrap_or(u32::MAX);
                }
                Some(Record::Event)
            }
            Err((reason, column)) => {
                event.time = decoded.event.time;
                self.skipped.add(reason);
                let (span, line) = (opened.span, self.lines);
                Some(Record::Rejected(Reject { reason, span, line, column }))
            }
        }
    }
}

impl<R> Reader<R> {
    /// What [`Event::line`] counts in this stream, known once something of it was read.
    pub fn unit(&self) -> Unit {
        match self.frames {
            Frames::Messages | Frames::Capture(_) => Unit::Datagram,
            Frames::Unknown | Frames::Lines => Unit::Line,
        }
    }
}

/// The lines of a payload; its end is as good as a line ending.
fn lines_of(parser: &mut dyn LineParser, bytes: &[u8], ready: &mut VecDeque<Decoded>) {
    for line in bytes.split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_suffix(b"\0").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut decoded = Decoded::default();
        decoded.result = parser.parse_line(line, &mut decoded.event);
        loop {
            if let Err((reason, _)) = decoded.result
                && !reason.has_time()
            {
                decoded.event.time = None;
            }
            ready.push_back(decoded);
            decoded = Decoded::default();
            match parser.parse_more(line, &mut decoded.event) {
                Some(result) => decoded.result = result,
                None => break,
            }
        }
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The next message of a stream that is nothing but messages: its length, and what is wrong with it.
fn message<R: io::Read>(
    buffer: &mut LineBuffer<R>,
) -> io::Result<Option<(usize, Result<(), RejectReason>)>> {
    let there = buffer.ensure(4)?;
    if there == 0 {
        return Ok(None);
    }
    let head = buffer.bytes(0, there.min(4));
    match (half(head, 0), half(head, 2)) {
        (Some(10), Some(len)) if len >= 16 => {
            let len = usize::from(len);
            let there = buffer.ensure(len)?;
            let whole = if there < len { Err(RejectReason::CutShort) } else { Ok(()) };
            Ok(Some((len.min(there), whole)))
        }
        (Some(9), Some(_)) => {
            let there = buffer.ensure(20)?;
            if there < 20 {
                return Ok(Some((there, Err(RejectReason::CutShort))));
            }
            Ok(Some((netflow9_len(buffer)?, Ok(()))))
        }
        (_, None) => Ok(Some((there, Err(RejectReason::CutShort)))),
        _ => {
            let there = buffer.ensure(MAX_MESSAGE)?;
            let bytes = buffer.bytes(0, there);
            let skip =
                (1..there).find(|&at| looks_like_header(bytes.get(at..).unwrap_or_default()));
            // A header could begin in the last bytes and end in the next piece.
            let last = if there < MAX_MESSAGE { there } else { there - 24 };
            Ok(Some((skip.unwrap_or(last), Err(RejectReason::BadMessage))))
        }
    }
}

/// How long a message of NetFlow 9 is, which only its sets tell: it ends with the stream, or where the number 9 stands
/// in the place of a set. That number is reserved as a set, and the version of the next message.
fn netflow9_len<R: io::Read>(buffer: &mut LineBuffer<R>) -> io::Result<usize> {
    let mut at = 20;
    loop {
        let there = buffer.ensure(at + 4)?;
        let set = buffer.bytes(at, (at + 4).min(there));
        let (Some(id), Some(len)) = (half(set, 0), half(set, 2)) else { return Ok(there) };
        if id == 9 {
            return Ok(at);
        }
        let len = usize::from(len);
        if len < 4 || at + len > MAX_MESSAGE || buffer.ensure(at + len)? < at + len {
            // A broken set: the message goes on to whatever looks like the next one.
            let there = buffer.ensure(MAX_MESSAGE)?;
            let bytes = buffer.bytes(0, there);
            let next =
                (at + 1..there).find(|&at| looks_like_header(bytes.get(at..).unwrap_or_default()));
            return Ok(next.unwrap_or(there));
        }
        at += len;
    }
}

/// Whether a message begins here, all of whose sets are whole; more than that no header says of itself.
fn looks_like_header(bytes: &[u8]) -> bool {
    let (mut at, templates, end) = match (half(bytes, 0), half(bytes, 2).map(usize::from)) {
        (Some(10), Some(len)) if (20..=bytes.len()).contains(&len) => (16, [2, 3], len),
        (Some(9), Some(1..)) if bytes.len() > 20 => (20, [0, 1], bytes.len()),
        _ => return false,
    };
    // Sent after 1995, when none of this was.
    let second = half(bytes, if at == 20 { 8 } else { 4 });
    if second.is_none_or(|second| second < 0x3000) {
        return false;
    }
    while at < end {
        let (Some(id), Some(len)) = (half(bytes, at), half(bytes, at + 2)) else { return false };
        if id == 9 && at > 20 {
            return true;
        }
        if len < 4 || !(id >= 256 || templates.contains(&id)) {
            return false;
        }
        at += usize::from(len);
    }
    at == end
}
