//! The text of `conntrack -E` (conntrack-tools; `snprintf_default.c` of `libnetfilter_conntrack`).
//!
//! ```text
//! [1795306735.123403]     [NEW] ipv4 2 tcp 6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 ...
//!  |                       |     |     |     |  |         |
//!  -o timestamp            event |     |     |  state     original tuple
//!                                |     |     timeout, seconds
//!                                |     protocol, its number
//!                                -o extended
//! ... [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706
//!                 |                                                   |
//!                 reply tuple                                         -o id
//! ```
//!
//! What a line says about a source NAT:
//!
//! | fact | where |
//! |---|---|
//! | public address and port | reply `dst`, `dport` (ICMP: reply `id`) |
//! | inside host and port | original `src`, `sport` (ICMP: original `id`) |
//! | destination as the world sees it | reply `src`, `sport` (ICMP: the address alone) |
//! | time | the stamp of `-o timestamp`: when conntrack *read* the event; none without it |
//! | start and stop of the kernel | `[start=]`, `[stop=]` of `-o ktimestamp`: whole seconds, local time of the box |
//! | realm | `zone=N` or `zone-orig=N`, N not 0: `zone-N` |
//!
//! A flow whose original source and reply destination agree was not translated; a flow whose destination alone was
//! translated is a port forward.
//!
//! # Early ends
//!
//! Since Linux 5.12 a DESTROY still prints the remaining timeout if something cut the flow short (a reset, a flush,
//! an early drop), and none if it expired; the TCP state is printed either way. Older kernels print neither,
//! ever. So a DESTROY without timeout is an expiry only if it prints a state, or an earlier DESTROY of the same
//! stream printed a state or timeout; before that, [`Event::killed`] is unknown.
//!
//! # Cut lines
//!
//! A last line without line ending counts only if it got as far as its `id=`: any digit or field could be missing
//! from it, and a port that lost a digit is somebody else's port.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::civil::DateTime;

use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::{Event, EventKind, RejectReason, TcpState};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, TimeDelta, Timestamp, WrittenTime, Zone};

/// How long after the kernel's stop a DESTROY may be logged, seconds. Garbage collection takes a minute or so; the
/// next time zone is 15 minutes away.
const LATEST_DESTROY: i64 = 14 * 60;

/// A parser of lines of `conntrack -E`.
#[derive(Debug)]
pub struct ConntrackParser {
    zone: Zone,
    realm: Realm,
    zone_realms: BTreeMap<u16, Realm>,
    /// A DESTROY of this stream has shown what only kernels print that mark early ends.
    marks_kills: bool,
    /// The last line read got as far as its `id=`.
    has_id: bool,
}

/// One direction of a flow.
#[derive(Clone, Copy)]
struct Tuple {
    src: IpAddr,
    dst: IpAddr,
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    None,
    Ports { src: u16, dst: u16 },
    Icmp { id: u16 },
}

/// What stands around the tuples.
#[derive(Default)]
struct Extras {
    zone: Option<u16>,
    flow_id: Option<u64>,
    start: Option<WrittenTime>,
    stop: Option<WrittenTime>,
    is_userspace: bool,
}

impl ConntrackParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> ConntrackParser {
        ConntrackParser {
            zone: options.zone().cloned().unwrap_or(Zone::UTC),
            realm: options.realm().clone(),
            zone_realms: BTreeMap::new(),
            marks_kills: false,
            has_id: false,
        }
    }

    /// Whether nothing that matters can be missing at the end of the line read last.
    pub(super) fn is_surely_whole(&self) -> bool {
        self.has_id
    }

    fn parse(&mut self, c: &mut Cursor<'_>, event: &mut Event) -> Result<(), RejectReason> {
        self.has_id = false;
        c.skip_blanks();
        if c.peek() == Some(b'[') && c.rest().get(1).is_some_and(u8::is_ascii_digit) {
            event.time = Some(stamp(c)?);
            c.skip_blanks();
        }
        event.kind = kind(c)?;
        let protocol = protocol(c)?;
        event.protocol = Some(protocol);
        let prints_state = timeout_and_state(c, protocol, event)?;

        let mut extras = Extras::default();
        let original = tuple(c)?;
        while !c.rest().starts_with(b"src=") {
            if c.is_at_end() {
                return Err(RejectReason::CutShort);
            }
            self.extra(c, &mut extras, false)?;
        }
        let reply = tuple(c)?;
        while !c.is_at_end() {
            self.extra(c, &mut extras, true)?;
        }
        self.has_id = extras.flow_id.is_some();

        event.flow_id = extras.flow_id;
        event.start = extras.start;
        event.stop = extras.stop;
        if event.kind == EventKind::SessionDelete {
            event.killed = self.killed(protocol, event.timeout_second, prints_state, &extras);
            check_zone(event)?;
        }
        self.translate(event, protocol, original, reply, extras.zone)
    }

    fn killed(
        &mut self,
        protocol: Protocol,
        timeout_second: Option<u32>,
        prints_state: bool,
        extras: &Extras,
    ) -> Option<bool> {
        let has_marks = timeout_second.is_some() || prints_state;
        if has_marks {
            self.marks_kills = true;
        } else if protocol == Protocol::TCP {
            // A kernel that marks kills prints the state of every TCP flow.
            self.marks_kills = false;
        }
        if timeout_second.is_some() || extras.is_userspace {
            Some(true)
        } else {
            self.marks_kills.then_some(false)
        }
    }

    /// One field outside the tuples; `is_last` after the reply tuple.
    fn extra(
        &mut self,
        c: &mut Cursor<'_>,
        extras: &mut Extras,
        is_last: bool,
    ) -> Result<(), RejectReason> {
        let before = *c;
        let result = self.extra_field(c, extras, is_last);
        if result.is_err() {
            *c = before;
        } else {
            c.skip_blanks();
        }
        result
    }

    fn extra_field(
        &mut self,
        c: &mut Cursor<'_>,
        extras: &mut Extras,
        is_last: bool,
    ) -> Result<(), RejectReason> {
        // The commonest fields come first.
        if is_last && c.take(b"id=") {
            let id = c.number(u64::MAX).filter(|_| c.is_at_boundary());
            return once(&mut extras.flow_id, id.ok_or(RejectReason::BadValue)?);
        }
        if c.take(b"packets=") || c.take(b"bytes=") {
            let count = c.number(u64::MAX).filter(|_| c.is_at_boundary());
            return count.map(drop).ok_or(RejectReason::BadValue);
        }
        if c.take(b"zone=") || c.take(b"zone-orig=") {
            return once(&mut extras.zone, c.word().ok_or(RejectReason::BadValue)?);
        }
        if c.peek() == Some(b'[') {
            if (c.take(b"[ASSURED]") || c.take(b"[UNREPLIED]")) && c.is_at_boundary() {
                return Ok(());
            }
            if c.take(b"[start=") {
                return self.civil(c, &mut extras.start);
            }
            if c.take(b"[stop=") {
                return self.civil(c, &mut extras.stop);
            }
            let flag = c.token();
            return match flag {
                b"[NEW]" | b"[UPDATE]" | b"[DESTROY]" => Err(RejectReason::RepeatedField),
                b"[USERSPACE]" if is_last => {
                    extras.is_userspace = true;
                    // A program name may hold blanks, but no second record.
                    let rest = c.rest();
                    c.finish();
                    let is_two = rest.windows(5).any(|w| w == b" src=");
                    if is_two { Err(RejectReason::RepeatedField) } else { Ok(()) }
                }
                [b'[', name @ .., b']']
                    if !name.is_empty()
                        && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_') =>
                {
                    Ok(())
                }
                _ => Err(unknown(c)),
            };
        }
        let token = c.peek_token();
        let Some(equals) = token.iter().position(|&b| b == b'=') else {
            c.token();
            return Err(unknown(c));
        };
        let (key, _) = token.split_at(equals);
        let is_key =
            |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        match key {
            b"src" | b"dst" | b"sport" | b"dport" | b"type" | b"code" | b"id" => {
                Err(RejectReason::RepeatedField)
            }
            _ if !key.is_empty() && key.iter().all(is_key) => {
                c.token();
                Ok(())
            }
            _ => {
                c.token();
                Err(unknown(c))
            }
        }
    }

    /// `Sun Nov 22 00:18:55 2026]`, the text of ctime(3). Left out where the clocks of the zone changed: which of two
    /// instants it was, the digits do not say.
    fn civil(
        &self,
        c: &mut Cursor<'_>,
        slot: &mut Option<WrittenTime>,
    ) -> Result<(), RejectReason> {
        let Some(civil) = ctime(c) else {
            return Err(if c.is_at_end() { RejectReason::CutShort } else { RejectReason::BadTime });
        };
        match self.zone.instant(civil, "") {
            Ok(instant) => once(slot, WrittenTime::new(instant, MICROS_PER_SECOND)),
            Err(_) => Ok(()),
        }
    }

    /// Fills in who got which port, if the source was translated.
    fn translate(
        &mut self,
        event: &mut Event,
        protocol: Protocol,
        original: Tuple,
        reply: Tuple,
        zone: Option<u16>,
    ) -> Result<(), RejectReason> {
        let (is_source, is_destination) = match (original.ends, reply.ends) {
            (Ends::Ports { src, dst }, Ends::Ports { src: reply_src, dst: reply_dst }) => {
                (src != reply_dst, dst != reply_src)
            }
            (Ends::Icmp { id }, Ends::Icmp { id: reply_id }) => (id != reply_id, false),
            (Ends::None, Ends::None) => (false, false),
            _ => return Err(RejectReason::BadPort),
        };
        let is_source = is_source || original.src != reply.dst;
        let is_destination = is_destination || original.dst != reply.src;
        let (inside, outside, far) = match (original.src, original.dst, reply.src, reply.dst) {
            (IpAddr::V4(inside), IpAddr::V4(_), IpAddr::V4(far), IpAddr::V4(outside)) => {
                (inside, outside, far)
            }
            (IpAddr::V6(_), IpAddr::V6(_), IpAddr::V6(_), IpAddr::V6(_)) => {
                return Err(if is_source {
                    RejectReason::Ipv6Translation
                } else if is_destination {
                    RejectReason::DestinationTranslation
                } else {
                    RejectReason::NoTranslation
                });
            }
            _ => return Err(RejectReason::BadAddress),
        };
        let (inside_port, ports, far_port) = match (protocol, original.ends, reply.ends) {
            (Protocol::ICMP, Ends::Icmp { id }, Ends::Icmp { id: reply_id }) => {
                (Some(id), PortRange::single(reply_id), None)
            }
            (Protocol::ICMP, ..) => return Err(RejectReason::BadPort),
            (_, Ends::Ports { src, .. }, Ends::Ports { src: far_port, dst })
                if protocol.has_ports() =>
            {
                (Some(src), PortRange::single(dst), Some(far_port))
            }
            _ if protocol.has_ports() => return Err(RejectReason::BadPort),
            _ => (None, PortRange::ALL, None),
        };
        if !is_source {
            return Err(if is_destination {
                RejectReason::DestinationTranslation
            } else {
                RejectReason::NoTranslation
            });
        }
        event.inside = Some(self.host(inside, zone));
        event.inside_port = inside_port;
        event.outside = Some(outside);
        event.ports = Some(ports);
        event.destination = Some(Destination { addr: far, port: far_port });
        Ok(())
    }

    fn host(&mut self, addr: Ipv4Addr, zone: Option<u16>) -> InsideHost {
        let realm = match zone {
            Some(zone) if zone != 0 && self.realm.is_empty() => self
                .zone_realms
                .entry(zone)
                .or_insert_with(|| Realm::new(&format!("zone-{zone}")))
                .clone(),
            _ => self.realm.clone(),
        };
        InsideHost::V4 { addr, realm }
    }
}

impl LineParser for ConntrackParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let mut cursor = Cursor::new(line);
        self.parse(&mut cursor, event).map_err(|reason| (reason, cursor.column()))
    }
}

/// Refuses a stop that was read in the wrong zone: it would move the end of the flow by hours.
fn check_zone(event: &Event) -> Result<(), RejectReason> {
    let (Some(time), Some(stop)) = (event.time, event.stop) else { return Ok(()) };
    let second = TimeDelta::from_second(1);
    let is_after = stop.start() > time.end().plus(second);
    let is_before = stop.end().plus(TimeDelta::from_second(LATEST_DESTROY)) < time.start();
    if is_after || is_before { Err(RejectReason::ZoneMismatch) } else { Ok(()) }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), RejectReason> {
    if slot.replace(value).is_some() { Err(RejectReason::RepeatedField) } else { Ok(()) }
}

/// Text that is no field: at the end of the line most likely the head of one.
fn unknown(c: &Cursor<'_>) -> RejectReason {
    if c.is_at_end() { RejectReason::CutShort } else { RejectReason::UnknownField }
}

/// `[1795306735.123403]`
fn stamp(c: &mut Cursor<'_>) -> Result<WrittenTime, RejectReason> {
    c.take(b"[");
    let second = c.number(u64::MAX).and_then(|n| i64::try_from(n).ok());
    let second = second.ok_or(RejectReason::BadTime)?;
    let (mut micros, mut resolution) = (0, MICROS_PER_SECOND);
    if c.take(b".") {
        let from = c.rest();
        while let Some(digit) = c.peek().filter(u8::is_ascii_digit) {
            if resolution > 1 {
                resolution /= 10;
                micros += i64::from(digit - b'0') * resolution;
            }
            c.take(&[digit]);
        }
        if c.rest().len() == from.len() {
            return Err(RejectReason::BadTime);
        }
    }
    if !c.take(b"]") {
        return Err(if c.is_at_end() { RejectReason::CutShort } else { RejectReason::BadTime });
    }
    let micros = second.checked_mul(MICROS_PER_SECOND).and_then(|s| s.checked_add(micros));
    let start = Timestamp::from_microsecond(micros.ok_or(RejectReason::BadTime)?);
    Ok(WrittenTime::new(start, resolution))
}

/// `[NEW]`, `[UPDATE]` or `[DESTROY]`.
fn kind(c: &mut Cursor<'_>) -> Result<EventKind, RejectReason> {
    let before = *c;
    let kind = match c.token() {
        b"[NEW]" => EventKind::SessionCreate,
        b"[UPDATE]" => EventKind::Update,
        b"[DESTROY]" => EventKind::SessionDelete,
        other => {
            *c = before;
            return Err(no_kind(other, c.rest()));
        }
    };
    c.skip_blanks();
    Ok(kind)
}

#[cold]
fn no_kind(token: &[u8], rest: &[u8]) -> RejectReason {
    // What conntrack says on its standard error, which many a script sends to the same file.
    if rest.starts_with(b"WARNING: We have hit ENOBUFS") {
        return RejectReason::EventsLost;
    }
    let own = [
        b"conntrack v".as_slice(),
        b"NOTICE: Netlink socket buffer size",
        b"This message means that the current netlink socket buffer size",
        b"Please, check --buffer-size",
    ];
    if own.iter().any(|text| rest.starts_with(text)) {
        return RejectReason::ToolMessage;
    }
    match token {
        [b'[', .., b']'] => RejectReason::UnknownEvent,
        [b'[', ..] if token.len() == rest.len() => RejectReason::CutShort,
        _ => RejectReason::NoEvent,
    }
}

/// `ipv4 2 tcp 6`, `tcp 6`, `unknown 47`.
fn protocol(c: &mut Cursor<'_>) -> Result<Protocol, RejectReason> {
    let before = *c;
    let mut name = c.token();
    c.skip_blanks();
    if matches!(name, b"ipv4" | b"ipv6") {
        c.word();
        c.skip_blanks();
        name = c.token();
        c.skip_blanks();
    }
    let number = c.word().and_then(|n| u8::try_from(n).ok()).map(Protocol::new);
    let fits = match (name, number) {
        (b"tcp", Some(p)) => p == Protocol::TCP,
        (b"udp", Some(p)) => p == Protocol::UDP,
        (b"icmp", Some(p)) => p == Protocol::ICMP,
        ([first, ..], Some(_)) => first.is_ascii_alphabetic(),
        _ => false,
    };
    match number.filter(|_| fits) {
        Some(protocol) => {
            c.skip_blanks();
            Ok(protocol)
        }
        None if c.is_at_end() => Err(RejectReason::CutShort),
        None => {
            *c = before;
            Err(RejectReason::BadProtocol)
        }
    }
}

/// What stands between the protocol and the original tuple; true if a state does.
fn timeout_and_state(
    c: &mut Cursor<'_>,
    protocol: Protocol,
    event: &mut Event,
) -> Result<bool, RejectReason> {
    if c.peek().is_some_and(|b| b.is_ascii_digit()) {
        let second = c.number(u64::from(u32::MAX)).filter(|_| c.is_at_boundary());
        let second = second.and_then(|n| u32::try_from(n).ok());
        event.timeout_second = Some(second.ok_or(RejectReason::BadValue)?);
        c.skip_blanks();
    }
    let is_state = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let token = c.peek_token();
    let has_state = token.first().is_some_and(u8::is_ascii_uppercase) && token.iter().all(is_state);
    if has_state {
        if protocol == Protocol::TCP {
            event.state = std::str::from_utf8(token).ok().and_then(TcpState::from_name);
            if event.state.is_none() {
                return Err(RejectReason::BadValue);
            }
        }
        c.token();
        c.skip_blanks();
    }
    Ok(has_state)
}

/// `src=A dst=A`, then `sport=N dport=N`, `type=N code=N id=N`, or neither.
fn tuple(c: &mut Cursor<'_>) -> Result<Tuple, RejectReason> {
    let src = address(c, b"src=")?;
    let dst = address(c, b"dst=")?;
    let ends = match c.rest() {
        [b's', b'p', ..] => Ends::Ports { src: word(c, b"sport=")?, dst: word(c, b"dport=")? },
        [b't', ..] => {
            word(c, b"type=")?;
            word(c, b"code=")?;
            Ends::Icmp { id: word(c, b"id=")? }
        }
        _ => Ends::None,
    };
    Ok(Tuple { src, dst, ends })
}

#[inline]
fn address<const N: usize>(c: &mut Cursor<'_>, key: &[u8; N]) -> Result<IpAddr, RejectReason> {
    expect(c, key)?;
    let addr = c.address().ok_or(RejectReason::BadAddress)?;
    c.skip_blanks();
    Ok(addr)
}

#[inline]
fn word<const N: usize>(c: &mut Cursor<'_>, key: &[u8; N]) -> Result<u16, RejectReason> {
    expect(c, key)?;
    let value = c.word().ok_or(RejectReason::BadPort)?;
    c.skip_blanks();
    Ok(value)
}

#[inline]
fn expect<const N: usize>(c: &mut Cursor<'_>, key: &[u8; N]) -> Result<(), RejectReason> {
    if c.take(key) {
        if c.is_at_end() { Err(RejectReason::CutShort) } else { Ok(()) }
    } else if key.starts_with(c.rest()) {
        Err(RejectReason::CutShort)
    } else {
        Err(RejectReason::UnknownField)
    }
}

/// `Sun Nov 22 00:18:55 2026]`
fn ctime(c: &mut Cursor<'_>) -> Option<DateTime> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let weekday = c.token();
    if weekday.len() != 3 || !c.skip_blanks() {
        return None;
    }
    let month = MONTHS.iter().position(|name| c.take(name))?;
    c.skip_blanks();
    let day = small(c, 31)?;
    c.skip_blanks();
    let hour = small(c, 23)?;
    let minute = c.take(b":").then(|| small(c, 59)).flatten()?;
    let second = c.take(b":").then(|| small(c, 59)).flatten()?;
    c.skip_blanks();
    let year = i16::try_from(c.number(9999)?).ok()?;
    let month = i8::try_from(month + 1).ok()?;
    if !c.take(b"]") || !c.is_at_boundary() {
        return None;
    }
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

fn small(c: &mut Cursor<'_>, max: u64) -> Option<i8> {
    c.number(max).and_then(|n| i8::try_from(n).ok())
}

#[cfg(test)]
#[path = "conntrack_tests.rs"]
mod tests;
