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
//! A head of syslog may stand before it, as where journald keeps what conntrack prints; its stamp is the time where
//! `-o timestamp` is missing. `VyOS` writes the same text with its own logger: the id before the protocol, and the times
//! of the kernel as `start=` and `stop=` in nanoseconds.
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

pub(super) mod head;
mod stamp;
mod tuple;

use super::clock::Clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::linux_flow::{KillMarks, ZoneRealms, check_zone, once, translate};
use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::syslog::{self, Head};
use super::{Event, EventKind, RejectReason};
use crate::time::{MICROS_PER_SECOND, Timestamp, WrittenTime, Zone};

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
    time_basis: "the collector's read time (1 us), or the head of syslog (1 s); `[start=]`, `[stop=]` of the kernel (1 s)",
    source: "conntrack-tools 1.4.7; snprintf_default.c of libnetfilter_conntrack; nf_conntrack_netlink.c of Linux",
    cut: Cut::Lines,
    parser: |options| Box::new(ConntrackParser::new(&options)),
};

/// A parser of lines of `conntrack -E`.
#[derive(Debug)]
pub struct ConntrackParser {
    zone: Zone,
    clock: Clock,
    realms: ZoneRealms,
    marks: KillMarks,
    /// The last line read got as far as its `id=`.
    has_id: bool,
}

/// What stands around the tuples.
#[derive(Default)]
struct Extras {
    zone: Option<u16>,
    flow_id: Option<u64>,
    /// The id that `VyOS` writes before the protocol.
    leading_id: Option<u64>,
    start: Option<WrittenTime>,
    stop: Option<WrittenTime>,
    is_userspace: bool,
}

impl ConntrackParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> ConntrackParser {
        ConntrackParser {
            zone: options.zone().cloned().unwrap_or(Zone::UTC),
            clock: Clock::new(options),
            realms: ZoneRealms::new(options.realm()),
            marks: KillMarks::default(),
            has_id: false,
        }
    }

    fn parse(&mut self, c: &mut Cursor<'_>, event: &mut Event) -> Result<(), RejectReason> {
        self.has_id = false;
        c.skip_blanks();
        if c.peek() == Some(b'[') { self.record(c, event, None) } else { self.framed(c, event) }
    }

    /// A line behind a head of syslog, or none of ours.
    #[cold]
    fn framed(&mut self, c: &mut Cursor<'_>, event: &mut Event) -> Result<(), RejectReason> {
        let head = syslog::head(c.rest(), &mut self.clock);
        if head.body_at == 0 {
            return self.record(c, event, None);
        }
        c.skip(head.body_at);
        c.skip_blanks();
        if let Some(reason) = head::own_message(c.rest()) {
            return Err(reason);
        }
        let begins = |begin: &[u8]| c.rest().starts_with(begin);
        let is_stamp = matches!(c.rest(), [b'[', second, ..] if second.is_ascii_digit());
        if !is_stamp && !begins(b"[NEW]") && !begins(b"[UPDATE]") && !begins(b"[DESTROY]") {
            event.time = head.time.and_then(Result::ok);
            return Err(RejectReason::NotNat);
        }
        if !c.rest().windows(5).any(|w| w == b" src=") {
            return Err(RejectReason::NoEvent);
        }
        self.record(c, event, Some(&head))
    }

    fn record(
        &mut self,
        c: &mut Cursor<'_>,
        event: &mut Event,
        head: Option<&Head<'_>>,
    ) -> Result<(), RejectReason> {
        if c.peek() == Some(b'[') && c.rest().get(1).is_some_and(u8::is_ascii_digit) {
            event.time = Some(stamp::stamp(c)?);
            c.skip_blanks();
        }
        event.kind = head::kind(c)?;
        let mut extras = Extras::default();
        if c.peek().is_some_and(|b| b.is_ascii_digit()) {
            extras.leading_id = c.number(u64::MAX).filter(|_| c.is_at_boundary());
            c.skip_blanks();
        }
        let protocol = head::protocol(c)?;
        event.protocol = Some(protocol);
        let prints_state = head::timeout_and_state(c, protocol, event)?;

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

        event.flow_id = extras.flow_id.or(extras.leading_id);
        event.start = extras.start;
        event.stop = extras.stop;
        if let Some(head) = head {
            self.place(head, event)?;
        }
        if event.kind == EventKind::SessionDelete {
            let (timeout, by_program) = (event.timeout_second, extras.is_userspace);
            event.killed = self.marks.killed(protocol, timeout, prints_state, by_program);
            check_zone(event)?;
        }
        translate(event, protocol, original, reply, |addr| self.realms.host(addr, extras.zone))
    }

    /// Takes the stamp of a head of syslog: beside conntrack's own one, or for want of it.
    fn place(&mut self, head: &Head<'_>, event: &mut Event) -> Result<(), RejectReason> {
        if let Some(time) = event.time {
            event.header_time = head.time_beside(&mut self.clock, time);
            return Ok(());
        }
        event.time = match (head.time, event.stop) {
            (Some(Err(reason)), Some(stop)) => {
                Some(head.time_beside(&mut self.clock, stop).ok_or(reason)?)
            }
            (Some(Err(reason)), None) => return Err(reason),
            (Some(Ok(time)), _) => Some(time),
            (None, _) => None,
        };
        Ok(())
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
            b"start" | b"stop" | b"portid" if extras.leading_id.is_some() && is_last => {
                vyos_field(c, extras)
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

/// `start=1795306735123282000`, `stop=`, `portid=` of `VyOS`' logger.
#[cold]
fn vyos_field(c: &mut Cursor<'_>, extras: &mut Extras) -> Result<(), RejectReason> {
    let slot = if c.take(b"start=") {
        &mut extras.start
    } else if c.take(b"stop=") {
        &mut extras.stop
    } else {
        c.token();
        extras.is_userspace = true;
        return Ok(());
    };
    let nano = c.number(u64::MAX).filter(|_| c.is_at_boundary());
    let nano = nano.and_then(|n| i64::try_from(n).ok()).ok_or(RejectReason::BadTime)?;
    once(slot, WrittenTime::exact(Timestamp::from_microsecond(nano / 1_000)))
}

/// Text that is no field: at the end of the line most likely the head of one.
fn unknown(c: &Cursor<'_>) -> RejectReason {
    if c.is_at_end() { RejectReason::CutShort } else { RejectReason::UnknownField }
}

#[cfg(test)]
mod tests;
