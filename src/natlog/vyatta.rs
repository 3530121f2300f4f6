//! Vyatta and DANOS: the CGNAT log of the data plane.
//!
//! ```text
//! CGNAT: PB_ALLOCATED subs-addr=100.64.0.7 policy=P pub-addr=203.0.113.9 pool=Q port=1024-1535 start-time=1795306735000005
//! CGNAT: PB_RELEASED  ... the same and end-time=1795306795000000
//! CGNAT: SESSION_CREATE ifname=dp0p1 session-id=7.1 proto=6 dir=out addr=100.64.0.7->198.51.100.4 port=50001->443
//!        cgn-addr=203.0.113.9 cgn-port=1030 state=SYN[2/0x01] start-time=1795306735000005
//! ```
//!
//! | event | what is read |
//! |---|---|
//! | `PB_ALLOCATED`, `PB_RELEASED` | a block given, taken back with its start |
//! | `SESSION_CREATE`, `SESSION_ACTIVE`, `SESSION_DELETE` | a flow begun, still there at `cur-time`, ended with its start |
//! | `SUBSCRIBER_END` | the subscriber holds nothing any more |
//! | `SESSION_CLEAR` | `count` flows ended without a record each: all of the one subscriber that its text names, in a log without blocks; else these ends are lost |
//! | `SUBSCRIBER_START`, `..._FULL`, `..._AVAILABLE`, `..._THRESHOLD` and limits | no fact |
//!
//! Times are microseconds of Unix time by the NAT's own clock, which ticks in milliseconds; the frame's stamp stands
//! beside them.

use std::net::Ipv4Addr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Fields, Frame, Pairs, Refusal, cut, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::port::PortRange;
use crate::time::WrittenTime;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "vyatta",
    title: "Vyatta, DANOS, CGNAT log",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "the NAT's clock, UTC (written to 1 us, ticks of a millisecond)",
    source: "`cgn_log_rte.c` of vyatta-dataplane",
    cut: Cut::Lines,
    parser: |options| Box::new(VyattaParser::new(&options)),
};

const KEYS: [&[u8]; 14] = [
    b"subs-addr",
    b"pub-addr",
    b"pool",
    b"port",
    b"proto",
    b"addr",
    b"cgn-addr",
    b"cgn-port",
    b"start-time",
    b"end-time",
    b"cur-time",
    b"desc",
    b"count",
    b"time",
];

/// A parser of the data plane's CGNAT log.
#[derive(Debug)]
pub struct VyattaParser {
    frame: Frame,
    /// The log has blocks: a subscriber without flows may hold one.
    has_blocks: bool,
}

impl VyattaParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> VyattaParser {
        VyattaParser { frame: Frame::new(options), has_blocks: false }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let (_, record) = cut(line, b"CGNAT: ").ok_or((RejectReason::NotNat, line))?;
        let name = values::words(record).next().ok_or((RejectReason::CutShort, record))?;
        event.kind = match name {
            b"PB_ALLOCATED" => EventKind::BlockAlloc,
            b"PB_RELEASED" => EventKind::BlockRelease,
            b"SESSION_CREATE" => EventKind::SessionCreate,
            b"SESSION_ACTIVE" => EventKind::Update,
            b"SESSION_DELETE" => EventKind::SessionDelete,
            b"SUBSCRIBER_END" | b"SESSION_CLEAR" => EventKind::HostRelease,
            b"SUBSCRIBER_START" => return Err((RejectReason::OtherEvent, name)),
            _ if is_limit(name) => return Err((RejectReason::OtherEvent, name)),
            _ => return Err((RejectReason::UnknownEvent, name)),
        };
        let mut fields = Fields::new(&KEYS, line);
        let mut pairs = Pairs::new(record.get(name.len()..).unwrap_or_default());
        for pair in &mut pairs {
            let (key, value) = pair?;
            fields.put(key, value)?;
        }
        // The times are the last that matters, and always written in full.
        self.frame.is_whole = pairs.open.is_none_or(|key| !KEYS.contains(&key));
        let time = |key: &[u8]| -> Result<WrittenTime, Refusal<'a>> {
            let text = fields.need(key)?;
            values::epoch(text).and_then(|time| {
                // Microseconds: a number that is shorter was cut.
                if text.len() == 16 { Ok(time) } else { Err((RejectReason::BadTime, text)) }
            })
        };
        event.time = None;
        match name {
            b"PB_ALLOCATED" | b"PB_RELEASED" => {
                self.has_blocks = true;
                event.inside = Some(self.inside(fields.need(b"subs-addr")?)?);
                event.outside = Some(values::ipv4(fields.need(b"pub-addr")?)?);
                event.ports = Some(values::dashed_range(fields.need(b"port")?)?);
                event.pool = fields.name(b"pool")?.filter(|pool| &**pool != "(unknown)");
                if event.kind == EventKind::BlockAlloc {
                    event.time = Some(time(b"start-time")?);
                    // What has an end is no allocation.
                    if fields.get(b"end-time").is_some() {
                        return Err((RejectReason::UnknownField, name));
                    }
                } else {
                    event.start = Some(time(b"start-time")?);
                    event.time = Some(time(b"end-time")?);
                }
                self.frame.is_whole |=
                    pairs.open == Some(b"start-time") || pairs.open == Some(b"end-time");
            }
            b"SUBSCRIBER_END" => {
                event.inside = Some(self.inside(fields.need(b"subs-addr")?)?);
                event.time = Some(time(b"end-time")?);
            }
            b"SESSION_CLEAR" => {
                event.time = Some(time(b"time")?);
                let named = only_address(fields.get(b"desc").unwrap_or_default());
                let Some(addr) = named.filter(|_| !self.has_blocks) else {
                    return Err((RejectReason::EventsLost, name));
                };
                event.inside = Some(values::host(addr.into(), self.frame.realms.none()));
                self.frame.is_whole |= pairs.open == Some(b"time");
            }
            _ => {
                self.flow(&fields, event)?;
                let start = time(b"start-time")?;
                match event.kind {
                    EventKind::SessionCreate => {
                        event.time = Some(start);
                        self.frame.is_whole |= pairs.open == Some(b"start-time");
                    }
                    EventKind::Update => {
                        event.start = Some(start);
                        event.time = Some(time(b"cur-time")?);
                    }
                    _ => {
                        event.start = Some(start);
                        event.time = Some(time(b"end-time")?);
                    }
                }
            }
        }
        if let (Some(start), Some(end)) = (event.start, event.time)
            && end.end() <= start.start()
        {
            return Err((RejectReason::BadTime, name));
        }
        event.header_time =
            event.time.and_then(|time| head.time_beside(&mut self.frame.clock, time));
        values::settle(event);
        Ok(())
    }

    fn inside<'a>(&self, text: &'a [u8]) -> Result<crate::inside::InsideHost, Refusal<'a>> {
        Ok(values::host(values::ip(text)?, self.frame.realms.none()))
    }

    /// `proto=6 addr=a->d port=p->dp cgn-addr=X cgn-port=xp`
    fn flow<'a, const N: usize>(
        &self,
        fields: &Fields<'a, N>,
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        event.protocol = Some(values::protocol(fields.need(b"proto")?)?);
        let addrs = fields.need(b"addr")?;
        let (from, to) = cut(addrs, b"->").ok_or((RejectReason::BadAddress, addrs))?;
        let ports = fields.need(b"port")?;
        let (from_port, to_port) = cut(ports, b"->").ok_or((RejectReason::BadPort, ports))?;
        event.inside = Some(self.inside(from)?);
        event.inside_port = Some(values::port(from_port)?);
        event.outside = Some(values::ipv4(fields.need(b"cgn-addr")?)?);
        event.ports = Some(PortRange::single(values::port(fields.need(b"cgn-port")?)?));
        event.destination = Some(values::destination(to, Some(to_port))?);
        Ok(())
    }
}

/// Whether an event only tells of limits.
fn is_limit(name: &[u8]) -> bool {
    const ENDS: [&[u8]; 5] =
        [b"_FULL", b"_AVAILABLE", b"_THRESHOLD", b"_ABOVE_LIMIT", b"_BELOW_LIMIT"];
    ENDS.iter().any(|end| name.ends_with(end))
}

/// The subscriber that the text of a clear command names, where it names nothing that would narrow or widen it.
fn only_address(text: &[u8]) -> Option<Ipv4Addr> {
    let mut words = values::words(text).skip_while(|word| !word.starts_with(b"subs"));
    words.next()?;
    let addr = values::ipv4(words.next()?).ok()?;
    let is_all = words.next().is_none() && find(text, b"/").is_none();
    is_all.then_some(addr)
}

impl LineParser for VyattaParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = false;
        self.parse(line, event).map_err(|refusal| placed(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.frame.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::Format;
    use crate::natlog::values::tests::{one, prefixes_are_safe, read, refused, survives};

    const GIVEN: &str = "CGNAT: PB_ALLOCATED subs-addr=100.64.0.7 policy=P pub-addr=203.0.113.9 pool=Q port=1024-1535 \
        start-time=1795306735000005";
    const TAKEN: &str = "dataplane[7]: CGNAT: PB_RELEASED subs-addr=100.64.0.7 policy=P pub-addr=203.0.113.9 \
        pool=(unknown) port=1024-1535 start-time=1795306735000005 end-time=1795306795000000";
    const FLOW: &str = "CGNAT: SESSION_DELETE ifname=dp0p1 session-id=7.1 proto=6 dir=out addr=100.64.0.7->198.51.100.4 \
        port=50001->443 cgn-addr=203.0.113.9 cgn-port=1030 state=CLOSED[6/0x01] start-time=1795306735000005 \
        end-time=1795306795000000 out=5/300 in=4/4000 int-rtt=1 ext-rtt=2";
    const CLEAR: &str =
        "CGNAT: SESSION_CLEAR desc=\"subs-addr 100.64.0.7\" count=12 time=1795306735000005";

    fn event(line: &str) -> Event {
        one(Format::Vyatta, ReaderOptions::new(), line)
    }

    #[test]
    fn blocks_carry_their_times() {
        let given = event(GIVEN);
        assert_eq!((given.kind, given.start), (EventKind::BlockAlloc, None));
        assert_eq!(given.time.unwrap().start().as_microsecond(), 1_795_306_735_000_005);
        assert_eq!(given.pool.as_deref(), Some("Q"));
        let taken = event(TAKEN);
        assert_eq!((taken.kind, taken.pool), (EventKind::BlockRelease, None));
        assert_eq!(taken.start.unwrap().start().as_microsecond(), 1_795_306_735_000_005);
        assert_eq!(taken.time.unwrap().start().as_microsecond(), 1_795_306_795_000_000);
    }

    #[test]
    fn flows_are_read() {
        let flow = event(FLOW);
        assert_eq!((flow.kind, flow.inside_port), (EventKind::SessionDelete, Some(50001)));
        assert_eq!(flow.ports, Some(PortRange::single(1030)));
        assert_eq!(flow.destination.unwrap().to_string(), "198.51.100.4:443");
        let active = FLOW.replace("DELETE", "ACTIVE").replace("end-time", "cur-time");
        assert_eq!(event(&active).kind, EventKind::Update);
        let create = event(&FLOW.replace("DELETE", "CREATE"));
        assert_eq!((create.kind, create.start), (EventKind::SessionCreate, None));
    }

    #[test]
    fn a_clear_ends_all_of_the_one_it_names() {
        let clear = event(CLEAR);
        assert_eq!((clear.kind, clear.outside), (EventKind::HostRelease, None));
        assert_eq!(clear.inside.unwrap().to_string(), "100.64.0.7");
        for desc in ["all", "subs-addr 100.64.0.0/24", "subs-addr 100.64.0.7 proto 6", ""] {
            let line = CLEAR.replace("subs-addr 100.64.0.7", desc);
            assert_eq!(refused(Format::Vyatta, ReaderOptions::new(), &line).0, "events-lost");
        }
        // The block of a subscriber without flows is still held.
        let both = format!("{GIVEN}\n{CLEAR}\n");
        let all = read(Format::Vyatta, ReaderOptions::new(), both.as_bytes());
        assert_eq!(all[1].as_ref().unwrap_err().reason, RejectReason::EventsLost);
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::Vyatta, ReaderOptions::new(), line);
        assert_eq!(refused("dataplane[7]: link up").0, "not-nat");
        assert_eq!(refused("CGNAT: PB_FULL pub-addr=203.0.113.9 blocks=9/9"), ("other-event", 8));
        assert_eq!(refused("CGNAT: PB_MOVED pub-addr=203.0.113.9"), ("unknown-event", 8));
        assert_eq!(refused(&GIVEN.replace("1024-1535", "1024")), ("bad-port", 84));
        assert_eq!(refused(&GIVEN.replace("000005", "00000")).0, "bad-time");
        assert_eq!(refused(&TAKEN.replace("1795306795000000", "1795306700000000")).0, "bad-time");
        assert_eq!(refused(&FLOW.replace("cgn-port=1030 ", "")).0, "missing-field");
        assert_eq!(refused(&FLOW.replace("proto=6", "proto=6 proto=17")).0, "repeated-field");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [GIVEN, TAKEN, FLOW, CLEAR] {
            prefixes_are_safe(Format::Vyatta, &ReaderOptions::new(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::Vyatta, &[GIVEN, TAKEN, FLOW, CLEAR]);
    }
}
