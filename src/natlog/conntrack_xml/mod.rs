//! The XML of `conntrack -E -o xml` (conntrack-tools; `snprintf_xml.c` of `libnetfilter_conntrack`).
//!
//! ```text
//! <?xml version="1.0" encoding="utf-8"?>
//! <conntrack>
//! <flow type="new"><meta direction="original">...</meta><meta direction="reply">...</meta>...</flow>
//! ```
//!
//! One `<flow>` a line, or several; what opens and closes the document is passed over. A flow says what a line of
//! [`super::conntrack`] says, and where the two differ:
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

mod tags;

use std::net::IpAddr;

use jiff::civil::DateTime;

use self::tags::{Piece, Tags, attribute};
use super::clock::Clock;
use super::conntrack::head::own_message;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::linux_flow::{
    Ends, KillMarks, Tuple, ZoneRealms, check_zone, once, stamp_soon_after, translate,
};
use super::reader::{LineParser, ReaderOptions, column};
use super::{Event, EventKind, RejectReason, TcpState};
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, Timestamp, WrittenTime};

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
}

/// The elements that matter, by the place in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Flow,
    Original,
    Reply,
    Independent,
    Layer3,
    Layer4,
    Timestamp,
    When,
    Leaf(Leaf),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf {
    Src,
    Dst,
    Sport,
    Dport,
    IcmpId,
    State,
    Timeout,
    Id,
    Zone,
    Start,
    Stop,
    Hour,
    Minute,
    Second,
    Day,
    Month,
    Year,
}

/// The deepest element that is written stands four levels below the flow.
const MAX_DEPTH: usize = 8;

#[derive(Default)]
struct Direction {
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    protocol: Option<Protocol>,
    sport: Option<u16>,
    dport: Option<u16>,
    icmp_id: Option<u16>,
}

#[derive(Default)]
struct Flow {
    original: Direction,
    reply: Direction,
    state: Option<TcpState>,
    has_state: bool,
    timeout_second: Option<u32>,
    id: Option<u64>,
    zone: Option<u16>,
    start: Option<WrittenTime>,
    stop: Option<WrittenTime>,
    hour: Option<i8>,
    minute: Option<i8>,
    second: Option<i8>,
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    by_program: bool,
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
        let result = flow(&mut tags, event).and_then(|flow| self.event(&flow, event));
        // Behind a flow that cannot be read nothing of the line is certain.
        self.at = if is_readable(result) { tags.at() } else { line.len() };
        Some(result.map_err(|reason| (reason, column(tags.at()))))
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

/// Reads `<flow>` up to and with `</flow>` and what conntrack adds behind it.
fn flow(tags: &mut Tags<'_>, event: &mut Event) -> Result<Flow, RejectReason> {
    let mut flow = Flow::default();
    let mut open: [(&[u8], Tag); MAX_DEPTH] = [(b"", Tag::Other); MAX_DEPTH];
    let mut depth: usize = 0;
    let mut has_text = false;
    loop {
        let before = *tags;
        let Some(piece) = tags.piece()? else { return Err(RejectReason::CutShort) };
        let inside = depth.checked_sub(1).and_then(|top| open.get(top)).copied();
        let result = match (piece, inside) {
            (Piece::Open { name, attributes }, None) if name == b"flow" => kind(attributes)
                .and_then(|kind| {
                    event.kind = kind;
                    push(&mut open, &mut depth, (name, Tag::Flow))
                }),
            (Piece::Open { name, attributes }, Some((_, parent))) => {
                has_text = false;
                tag(name, attributes, parent, &mut flow)
                    .and_then(|tag| push(&mut open, &mut depth, (name, tag)))
            }
            (Piece::Close { name }, Some((opened, tag))) if name == opened => {
                if matches!(tag, Tag::Leaf(_)) && !has_text {
                    Err(RejectReason::MissingField)
                } else {
                    depth -= 1;
                    has_text = false;
                    Ok(())
                }
            }
            (Piece::Text(text), Some((_, Tag::Leaf(leaf)))) => {
                has_text = true;
                let outside = depth.checked_sub(3).and_then(|at| open.get(at)).map(|o| o.1);
                value(leaf, outside, text, &mut flow)
            }
            (Piece::Empty { .. }, Some((_, tag))) if !matches!(tag, Tag::Leaf(_)) => Ok(()),
            (Piece::Text(_), Some((_, Tag::Other))) => Ok(()),
            (Piece::Text(text), Some(_)) if text.trim_ascii().is_empty() => Ok(()),
            _ => Err(RejectReason::UnknownField),
        };
        if let Err(reason) = result {
            *tags = before;
            return Err(reason);
        }
        if depth == 0 {
            break;
        }
    }
    tags.skip_blanks();
    if tags.rest().starts_with(b"[USERSPACE]") {
        flow.by_program = true;
        // A program name may hold anything but another flow.
        let rest = tags.rest();
        let end = rest.windows(5).position(|w| w == b"<flow");
        tags.skip(end.unwrap_or(rest.len()));
    }
    Ok(flow)
}

fn push<'a>(
    open: &mut [(&'a [u8], Tag); MAX_DEPTH],
    depth: &mut usize,
    element: (&'a [u8], Tag),
) -> Result<(), RejectReason> {
    let slot = open.get_mut(*depth).ok_or(RejectReason::UnknownField)?;
    *slot = element;
    *depth += 1;
    Ok(())
}

fn kind(attributes: &[u8]) -> Result<EventKind, RejectReason> {
    match attribute(attributes, b"type") {
        Some(b"new") => Ok(EventKind::SessionCreate),
        Some(b"update") => Ok(EventKind::Update),
        Some(b"destroy") => Ok(EventKind::SessionDelete),
        Some(_) => Err(RejectReason::UnknownEvent),
        None => Err(RejectReason::NoEvent),
    }
}

/// What an element means where it stands.
fn tag(name: &[u8], attributes: &[u8], parent: Tag, flow: &mut Flow) -> Result<Tag, RejectReason> {
    let leaf = match (parent, name) {
        (Tag::Flow, b"meta") => {
            return match attribute(attributes, b"direction") {
                Some(b"original") => Ok(Tag::Original),
                Some(b"reply") => Ok(Tag::Reply),
                Some(b"independent") => Ok(Tag::Independent),
                _ => Err(RejectReason::UnknownField),
            };
        }
        (Tag::Flow, b"when") => return Ok(Tag::When),
        (Tag::Original | Tag::Reply, b"layer3") => return Ok(Tag::Layer3),
        (Tag::Original | Tag::Reply, b"layer4") => {
            let number = attribute(attributes, b"protonum").and_then(number);
            let protocol = number.map(Protocol::new).ok_or(RejectReason::BadProtocol)?;
            once(&mut flow.direction(Some(parent))?.protocol, protocol)?;
            return Ok(Tag::Layer4);
        }
        (Tag::Independent, b"timestamp") => return Ok(Tag::Timestamp),
        (Tag::Layer3, b"src") => Leaf::Src,
        (Tag::Layer3, b"dst") => Leaf::Dst,
        (Tag::Layer4, b"sport") => Leaf::Sport,
        (Tag::Layer4, b"dport") => Leaf::Dport,
        (Tag::Layer4, b"id") => Leaf::IcmpId,
        (Tag::Independent, b"state") => Leaf::State,
        (Tag::Independent, b"timeout") => Leaf::Timeout,
        (Tag::Independent, b"id") => Leaf::Id,
        (Tag::Independent, b"zone") => Leaf::Zone,
        (Tag::Timestamp, b"start") => Leaf::Start,
        (Tag::Timestamp, b"stop") => Leaf::Stop,
        (Tag::When, b"hour") => Leaf::Hour,
        (Tag::When, b"min") => Leaf::Minute,
        (Tag::When, b"sec") => Leaf::Second,
        (Tag::When, b"day") => Leaf::Day,
        (Tag::When, b"month") => Leaf::Month,
        (Tag::When, b"year") => Leaf::Year,
        (Tag::Leaf(_), _) => return Err(RejectReason::UnknownField),
        // A second flow, where the first one has no end.
        (_, b"flow") => return Err(RejectReason::CutShort),
        _ => return Ok(Tag::Other),
    };
    Ok(Tag::Leaf(leaf))
}

/// Keeps the value of a leaf; `direction` is the element that holds its layer.
fn value(
    leaf: Leaf,
    direction: Option<Tag>,
    text: &[u8],
    flow: &mut Flow,
) -> Result<(), RejectReason> {
    const BAD: RejectReason = RejectReason::BadValue;
    const BAD_TIME: RejectReason = RejectReason::BadTime;
    match leaf {
        Leaf::Src => once(&mut flow.direction(direction)?.src, address(text)?),
        Leaf::Dst => once(&mut flow.direction(direction)?.dst, address(text)?),
        Leaf::Sport => once(&mut flow.direction(direction)?.sport, port(text)?),
        Leaf::Dport => once(&mut flow.direction(direction)?.dport, port(text)?),
        Leaf::IcmpId => once(&mut flow.direction(direction)?.icmp_id, port(text)?),
        Leaf::State => {
            if std::mem::replace(&mut flow.has_state, true) {
                return Err(RejectReason::RepeatedField);
            }
            // SCTP and DCCP have states of other names.
            flow.state = std::str::from_utf8(text).ok().and_then(TcpState::from_name);
            let is_tcp = flow.original.protocol == Some(Protocol::TCP);
            if is_tcp && flow.state.is_none() { Err(BAD) } else { Ok(()) }
        }
        Leaf::Timeout => once(&mut flow.timeout_second, number(text).ok_or(BAD)?),
        Leaf::Id => once(&mut flow.id, number(text).ok_or(BAD)?),
        Leaf::Zone => once(&mut flow.zone, number(text).ok_or(BAD)?),
        Leaf::Start => once(&mut flow.start, nanosecond(text)?),
        Leaf::Stop => once(&mut flow.stop, nanosecond(text)?),
        Leaf::Hour => once(&mut flow.hour, number(text).ok_or(BAD_TIME)?),
        Leaf::Minute => once(&mut flow.minute, number(text).ok_or(BAD_TIME)?),
        Leaf::Second => once(&mut flow.second, number(text).ok_or(BAD_TIME)?),
        Leaf::Day => once(&mut flow.day, number(text).ok_or(BAD_TIME)?),
        Leaf::Month => once(&mut flow.month, number(text).ok_or(BAD_TIME)?),
        Leaf::Year => once(&mut flow.year, number(text).ok_or(BAD_TIME)?),
    }
}

impl Flow {
    fn direction(&mut self, of: Option<Tag>) -> Result<&mut Direction, RejectReason> {
        match of {
            Some(Tag::Original) => Ok(&mut self.original),
            Some(Tag::Reply) => Ok(&mut self.reply),
            _ => Err(RejectReason::UnknownField),
        }
    }
}

impl Direction {
    fn tuple(&self, protocol: Protocol) -> Result<Tuple, RejectReason> {
        let (Some(src), Some(dst)) = (self.src, self.dst) else {
            return Err(RejectReason::MissingField);
        };
        let ends = match (self.sport, self.dport, self.icmp_id) {
            (Some(src), Some(dst), None) => Ends::Ports { src, dst },
            (None, None, Some(id)) => Ends::Icmp { id },
            (None, None, None) if protocol == Protocol::ICMP => Ends::Unlogged,
            (None, None, None) => Ends::None,
            _ => return Err(RejectReason::MissingField),
        };
        Ok(Tuple { src, dst, ends })
    }
}

fn address(text: &[u8]) -> Result<IpAddr, RejectReason> {
    let text = std::str::from_utf8(text).map_err(|_| RejectReason::BadAddress)?;
    text.parse().map_err(|_| RejectReason::BadAddress)
}

fn port(text: &[u8]) -> Result<u16, RejectReason> {
    number(text).ok_or(RejectReason::BadPort)
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn nanosecond(text: &[u8]) -> Result<WrittenTime, RejectReason> {
    let nano: i64 = number(text).ok_or(RejectReason::BadTime)?;
    Ok(WrittenTime::exact(Timestamp::from_microsecond(nano / 1_000)))
}

impl LineParser for ConntrackXmlParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.at = 0;
        self.next_flow(line, event).unwrap_or(Err((RejectReason::Header, 1)))
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
