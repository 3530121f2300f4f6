//! The XML of `conntrack -E -o xml` (conntrack-tools; `snprintf_xml.c` of `libnetfilter_conntrack`).
//!
//! ```text
//! <?xml version="1.0" encoding="utf-8"?>
//! <conntrack>
//! <flow type="new"><meta direction="original">...</meta><meta direction="reply">...</meta>...</flow>
//! ```
//!
//! One `<flow>` a line, or several, or one laid out over lines (up to 16 KiB); what opens and closes the document is passed
//! over. A flow says what a line of [`super::conntrack`] says, and where the two differ:
//!
//! | fact | where |
//! |---|---|
//! | time | `<when>` of `-o timestamp`: whole seconds, local time of the box |
//! | start and stop of the kernel | `<timestamp>` of `-o ktimestamp`: nanoseconds of Unix time, on destroy |
//! | public identifier of ICMP | nowhere: `libnetfilter_conntrack` leaves it out, so an echo flow is no event |
//!
//! `<when>` needs the zone of the box. Where none is named, a destroy that carries its stop is read all the same: the
//! quarter of an hour behind the stop holds one instant only with these digits. A new flow carries nothing of the kind
//! and is refused.

mod block;
mod flow;
mod tags;

use jiff::civil::DateTime;

use self::block::{Block, Taken};
use self::flow::{Flow, flow};
use self::tags::{Piece, Tags};
use super::clock::Clock;
use super::conntrack::head::own_message;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::linux_flow::{KillMarks, ZoneRealms, check_zone, stamp_soon_after, translate};
use super::reader::{LineParser, ReaderOptions, column};
use super::{Event, EventKind, RejectReason};
use crate::time::{MICROS_PER_SECOND, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "conntrack-xml",
    title: "Linux, `conntrack -E -o xml`",
    status: Status::Lab,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "the collector's read time (1 s, local); start and stop of the kernel (1 us)",
    source: "conntrack-tools 1.4.7; snprintf_xml.c of libnetfilter_conntrack",
    cut: Cut::Lines,
    parser: |options| Box::new(ConntrackXmlParser::new(&options)),
};

/// A parser of lines of `conntrack -E -o xml`.
#[derive(Debug)]
pub struct ConntrackXmlParser {
    clock: Clock,
    has_zone: bool,
    realms: ZoneRealms,
    marks: KillMarks,
    /// Where the next flow of the line begins.
    at: usize,
    /// The flow that is laid out over the lines read last.
    block: Block,
}

impl ConntrackXmlParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> ConntrackXmlParser {
        ConntrackXmlParser {
            clock: Clock::new(options),
            has_zone: options.zone().is_some(),
            realms: ZoneRealms::new(options.realm()),
            marks: KillMarks::default(),
            at: 0,
            block: Block::default(),
        }
    }

    /// The next flow of a line from `self.at` on; none where there is no other.
    fn next_flow(
        &mut self,
        line: &[u8],
        event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        let mut tags = Tags::new(line, self.at);
        if let Err(reason) = skip_document(&mut tags) {
            self.at = line.len();
            return Some(Err((reason, column(tags.at()))));
        }
        if tags.rest().is_empty() {
            return None;
        }
        if self.block.begin(tags.rest()) {
            self.at = line.len();
            return Some(Err((RejectReason::Header, column(tags.at()))));
        }
        let result = flow(&mut tags, event).and_then(|flow| self.event(&flow, event));
        // Behind a flow that cannot be read nothing of the line is certain.
        self.at = if is_readable(result) { tags.at() } else { line.len() };
        Some(result.map_err(|reason| (reason, column(tags.at()))))
    }

    /// The flow of the block that `line` closes; the rest of the line is left for what follows.
    fn close_block(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let block = std::mem::take(&mut self.block);
        let before = block.bytes().len().saturating_sub(line.len());
        self.at = 0;
        let result = self.next_flow(block.bytes(), event);
        self.at = self.at.saturating_sub(before);
        self.block.reuse(block);
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        let placed = |(reason, at): (_, u32)| (reason, at.saturating_sub(before).max(1));
        result.unwrap_or(Err((RejectReason::Header, 1))).map_err(placed)
    }

    fn event(&mut self, flow: &Flow, event: &mut Event) -> Result<(), RejectReason> {
        let protocol = flow.original.protocol.ok_or(RejectReason::BadProtocol)?;
        if flow.reply.protocol != Some(protocol) {
            return Err(RejectReason::BadProtocol);
        }
        event.protocol = Some(protocol);
        event.timeout_second = flow.timeout_second;
        event.state = flow.state;
        event.flow_id = flow.id;
        event.start = flow.start;
        event.stop = flow.stop;
        event.time = self.when(flow)?;
        if event.kind == EventKind::SessionDelete {
            let timeout = flow.timeout_second;
            event.killed = self.marks.killed(protocol, timeout, flow.has_state, flow.by_program);
            check_zone(event)?;
        }
        let (original, reply) = (flow.original.tuple(protocol)?, flow.reply.tuple(protocol)?);
        translate(event, protocol, original, reply, |addr| self.realms.host(addr, flow.zone))
    }

    fn when(&mut self, flow: &Flow) -> Result<Option<WrittenTime>, RejectReason> {
        let parts = (flow.year, flow.month, flow.day, flow.hour, flow.minute, flow.second);
        let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = parts
        else {
            let none = (None, None, None, None, None, None);
            return if parts == none { Ok(None) } else { Err(RejectReason::BadTime) };
        };
        let civil = DateTime::new(year, month, day, hour, minute, second, 0)
            .map_err(|_| RejectReason::BadTime)?;
        match flow.stop {
            Some(stop) if !self.has_zone => {
                stamp_soon_after(stop.start(), civil, 0, MICROS_PER_SECOND)
                    .map(Some)
                    .ok_or(RejectReason::BadTime)
            }
            _ => self.clock.civil(civil, 0, MICROS_PER_SECOND).map(Some),
        }
    }
}

/// Whether the reader is at the end of a flow, whatever it says.
fn is_readable(result: Result<(), RejectReason>) -> bool {
    match result {
        Ok(()) => true,
        Err(reason) => {
            reason.is_expected()
                || matches!(reason, RejectReason::NoZone | RejectReason::ZoneMismatch)
        }
    }
}

/// Moves past what opens and closes the document.
fn skip_document(tags: &mut Tags<'_>) -> Result<(), RejectReason> {
    loop {
        tags.skip_blanks();
        if tags.rest().starts_with(b"<flow") {
            return Ok(());
        }
        if let Some(reason) = own_message(tags.rest()) {
            return Err(reason);
        }
        match tags.piece()? {
            None => return Ok(()),
            Some(Piece::Instruction) => {}
            Some(Piece::Open { name, .. } | Piece::Close { name }) if name == b"conntrack" => {}
            Some(_) => return Err(RejectReason::UnknownField),
        }
    }
}

impl LineParser for ConntrackXmlParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.at = 0;
        match self.block.take(line) {
            Taken::No => self.next_flow(line, event).unwrap_or(Err((RejectReason::Header, 1))),
            Taken::Kept => {
                self.at = line.len();
                Err((RejectReason::Header, 1))
            }
            Taken::Closed => self.close_block(line, event),
            // What the line says itself comes as its next record.
            Taken::Broken(reason) => Err((reason, 1)),
        }
    }

    fn parse_more(
        &mut self,
        line: &[u8],
        event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        self.next_flow(line, event)
    }
}

#[cfg(test)]
mod tests;
