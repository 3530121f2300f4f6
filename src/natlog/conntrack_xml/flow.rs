//! What one `<flow>` element says.

use std::net::IpAddr;

use super::tags::{Piece, Tags, attribute};
use crate::natlog::linux_flow::{Ends, Tuple, once};
use crate::natlog::{Event, EventKind, RejectReason, TcpState};
use crate::protocol::Protocol;
use crate::time::{Timestamp, WrittenTime};

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
pub(super) struct Direction {
    pub(super) src: Option<IpAddr>,
    pub(super) dst: Option<IpAddr>,
    pub(super) protocol: Option<Protocol>,
    pub(super) sport: Option<u16>,
    pub(super) dport: Option<u16>,
    pub(super) icmp_id: Option<u16>,
}

#[derive(Default)]
pub(super) struct Flow {
    pub(super) original: Direction,
    pub(super) reply: Direction,
    pub(super) state: Option<TcpState>,
    pub(super) has_state: bool,
    pub(super) timeout_second: Option<u32>,
    pub(super) id: Option<u64>,
    pub(super) zone: Option<u16>,
    pub(super) start: Option<WrittenTime>,
    pub(super) stop: Option<WrittenTime>,
    pub(super) hour: Option<i8>,
    pub(super) minute: Option<i8>,
    pub(super) second: Option<i8>,
    pub(super) day: Option<i8>,
    pub(super) month: Option<i8>,
    pub(super) year: Option<i16>,
    pub(super) by_program: bool,
}

/// Reads `<flow>` up to and with `</flow>` and what conntrack adds behind it.
pub(super) fn flow(tags: &mut Tags<'_>, event: &mut Event) -> Result<Flow, RejectReason> {
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
            (Piece::Empty { name, attributes }, Some((_, parent))) => {
                match tag(name, attributes, parent, &mut flow) {
                    Ok(Tag::Leaf(_)) => Err(RejectReason::MissingField),
                    other => other.map(drop),
                }
            }
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
    pub(super) fn tuple(&self, protocol: Protocol) -> Result<Tuple, RejectReason> {
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
