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

mod head;
mod stamp;
mod tuple;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use self::tuple::{Ends, Tuple};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::{Event, EventKind, RejectReason};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, TimeDelta, WrittenTime, Zone};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "conntrack",
    title: "Linux, `conntrack -E`",
    status: Status::Lab,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "the collector's read time (1 us); `[start=]`, `[stop=]` of the kernel (1 s)",
    source: "conntrack-tools 1.4.7; snprintf_default.c of libnetfilter_conntrack; nf_conntrack_netlink.c of Linux",
    cut: Cut::Lines,
    parser: |options| Box::new(ConntrackParser::new(&options)),
};

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

    fn parse(&mut self, c: &mut Cursor<'_>, event: &mut Event) -> Result<(), RejectReason> {
        self.has_id = false;
        c.skip_blanks();
        if c.peek() == Some(b'[') && c.rest().get(1).is_some_and(u8::is_ascii_digit) {
            event.time = Some(stamp::stamp(c)?);
            c.skip_blanks();
        }
        event.kind = head::kind(c)?;
        let protocol = head::protocol(c)?;
        event.protocol = Some(protocol);
        let prints_state = head::timeout_and_state(c, protocol, event)?;

        let mut extras = Extras::default();
        let original = tuple::tuple(c)?;
        while !c.rest().starts_with(b"src=") {
            if c.is_at_end() {
                return Err(RejectReason::CutShort);
            }
            self.extra(c, &mut extras, false)?;
        }
        let reply = tuple::tuple(c)?;
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
        let Some(civil) = stamp::ctime(c) else {
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

    fn is_surely_whole(&self) -> bool {
        self.has_id
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

#[cfg(test)]
mod tests;
