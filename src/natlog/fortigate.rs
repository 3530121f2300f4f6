//! FortiGate: port blocks of its IP pools, and forwarded traffic with a translated source.
//!
//! ```text
//! date=2026-11-02 time=12:04:05 devname="FG1" eventtime=1793588645123456789 tz="+0900" logid="0100022016" type="event"
//!                                             |                                               |
//!                                             Unix time, ns (s in old releases)               the event
//!   vd="root" action="ippool-close" saddr="100.64.0.7" nat=203.0.113.9 portbegin=5117 portend=5244 poolname="pba"
//!      |                            inside             public          block
//!      realm, as written
//!   duration=600 ...
//! ```
//!
//! | logid ends in | event |
//! |---|---|
//! | 22015, 22016, 22024 | a block given, taken back, still held; the last two with their start, from `duration` |
//! | 22011 to 22014 | an exhausted pool: no fact |
//! | 32009 | the device started: it lost every block and session |
//!
//! A `type="traffic"` line with `trandisp="snat"` is a session: `srcip`, `srcport` inside, `transip`, `transport` outside,
//! `dstip`, `dstport` (`tranip`, `tranport` for `snat+dnat`) the far side. It is logged when the session is over, with
//! `duration`; with `action="start"` when it begins, and with logid 20 while it lasts. Several clients may use one public
//! port towards different destinations (pools of type overload).
//!
//! The same in CEF (`CEF:0|Fortinet|Fortigate|...`) has other names for some keys, and `FTNTFGT` before the rest.
//!
//! Values stand between blanks, or commas in CSV. The time is `eventtime`, else `date` and `time` at offset `tz`. A
//! member of a cluster that starts is no restart of the cluster: read the log of each device by itself.

mod cef;

use jiff::civil::{Date, Time};

use super::clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Fields, Frame, Pairs, Refusal, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, TimeDelta, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "fortigate",
    title: "FortiGate, PBA events and traffic log, CEF too",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "the NAT's clock: eventtime, UTC (ns, or 1 s); date and time at offset tz (1 s); the frame's stamp in CEF of old releases",
    source: "FortiOS log message reference 6.0 to 7.6; published traffic samples",
    cut: Cut::Lines,
    parser: |options| Box::new(FortigateParser::new(&options)),
};

const KEYS: [&[u8]; 28] = [
    b"date",
    b"time",
    b"tz",
    b"eventtime",
    b"logid",
    b"log_id",
    b"type",
    b"vd",
    b"action",
    b"saddr",
    b"nat",
    b"portbegin",
    b"portend",
    b"poolname",
    b"duration",
    b"user",
    b"trandisp",
    b"transip",
    b"transport",
    b"tranip",
    b"tranport",
    b"srcip",
    b"srcport",
    b"dstip",
    b"dstport",
    b"proto",
    b"sessionid",
    b"cat",
];

type Values<'a> = Fields<'a, { KEYS.len() }>;

/// A parser of FortiGate logs.
#[derive(Debug)]
pub struct FortigateParser {
    frame: Frame,
}

impl FortigateParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> FortigateParser {
        FortigateParser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let mut fields = Fields::new(&KEYS, line);
        self.frame.is_whole = if let Some(extension) = cef::extension(line)? {
            cef::read(extension, &mut fields)?
        } else {
            let begin = [&b"date="[..], b"logver=", b"timestamp="]
                .into_iter()
                .filter_map(|key| find(line, key))
                .min();
            let record = begin.and_then(|at| line.get(at..)).ok_or((RejectReason::NotNat, line))?;
            let mut pairs = Pairs::new(record);
            for pair in &mut pairs {
                let (key, value) = pair?;
                fields.put(key, value)?;
            }
            pairs.open.is_none_or(|key| !KEYS.contains(&key))
        };
        let id = fields.get(b"logid").or(fields.get(b"log_id"));
        let id = id.ok_or((RejectReason::MissingField, values::end_of(line)))?;
        let number = values::number(id).ok_or((RejectReason::BadValue, id))? % 1_000_000;
        if let Some(time) = self.time(&fields)? {
            event.header_time = head.time_beside(&mut self.frame.clock, time);
            event.time = Some(time);
        } else {
            values::stamp(event, &head, line)?;
        }
        event.login = fields.name(b"user")?;
        if fields.get(b"type") == Some(b"traffic") {
            self.traffic(&fields, number, event)?;
        } else {
            event.kind = match number {
                22_015 => EventKind::BlockAlloc,
                22_016 => EventKind::BlockRelease,
                22_024 => EventKind::BlockInterim,
                22_011..=22_014 => return Err((RejectReason::OtherEvent, id)),
                22_010..=22_029 => return Err((RejectReason::UnknownEvent, id)),
                32_009 => {
                    event.kind = EventKind::DeviceRestart;
                    event.login = None;
                    return Ok(());
                }
                _ => return Err((RejectReason::NotNat, id)),
            };
            self.block(&fields, event)?;
        }
        if let Some(seconds) = fields.get(b"duration")
            && !matches!(event.kind, EventKind::BlockAlloc | EventKind::SessionCreate)
        {
            let bad = (RejectReason::BadValue, seconds);
            let number = values::number(seconds).ok_or(bad)?;
            let before = |time| values::before(time, number).ok_or(bad);
            event.start = event.time.map(before).transpose()?;
        }
        values::settle(event);
        Ok(())
    }

    fn block<'a>(&mut self, fields: &Values<'a>, event: &mut Event) -> Result<(), Refusal<'a>> {
        let realm = self.frame.realms.of(fields.get(b"vd").unwrap_or_default())?;
        event.inside = Some(values::host(values::ip(fields.need(b"saddr")?)?, realm));
        event.outside = Some(values::ipv4(fields.need(b"nat")?)?);
        event.ports = Some(values::range(fields.need(b"portbegin")?, fields.need(b"portend")?)?);
        event.pool = fields.name(b"poolname")?;
        Ok(())
    }

    fn traffic<'a>(
        &mut self,
        fields: &Values<'a>,
        number: u64,
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let action = fields.get(b"action").unwrap_or_default();
        event.kind = match (action, number) {
            (b"start", _) => EventKind::SessionCreate,
            (_, 20) => EventKind::Update,
            _ => EventKind::SessionDelete,
        };
        if event.kind == EventKind::SessionDelete {
            event.killed = match action {
                b"timeout" => Some(false),
                b"client-rst" | b"server-rst" => Some(true),
                _ => None,
            };
        }
        let disposition = fields.get(b"trandisp").unwrap_or(b"noop");
        let (far, far_port) = match disposition {
            b"snat" => (fields.need(b"dstip")?, fields.get(b"dstport")),
            b"snat+dnat" => (fields.need(b"tranip")?, fields.get(b"tranport")),
            b"dnat" => return Err((RejectReason::DestinationTranslation, disposition)),
            b"noop" => return Err((RejectReason::NoTranslation, disposition)),
            _ => return Err((RejectReason::UnknownEvent, disposition)),
        };
        // So a sniffer logs what it only saw.
        if let Some(none @ (b"0.0.0.0" | b"::")) = fields.get(b"transip") {
            return Err((RejectReason::NoTranslation, none));
        }
        let protocol = values::protocol(fields.need(b"proto")?)?;
        event.protocol = Some(protocol);
        let realm = self.frame.realms.of(fields.get(b"vd").unwrap_or_default())?;
        event.inside = Some(values::host(values::ip(fields.need(b"srcip")?)?, realm));
        event.outside = Some(values::ipv4(fields.need(b"transip")?)?);
        event.flow_id = fields.get(b"sessionid").and_then(values::number);
        event.destination = Some(values::destination(far, far_port)?);
        if protocol.has_ports() && protocol != Protocol::ICMP {
            event.inside_port = Some(values::port(fields.need(b"srcport")?)?);
            let text = fields.need(b"transport")?;
            let port = values::port(text)?;
            if port == 0 {
                return Err((RejectReason::BadPort, text));
            }
            event.ports = Some(PortRange::single(port));
        } else {
            // The identifier of an echo, where it is logged.
            let port = |key: &[u8]| fields.get(key).map(values::port).transpose();
            event.inside_port = port(b"srcport")?;
            event.ports = port(b"transport")?.filter(|&port| port != 0).map(PortRange::single);
        }
        Ok(())
    }

    /// The clock of the record; none in CEF of old releases.
    fn time<'a>(&mut self, fields: &Values<'a>) -> Result<Option<WrittenTime>, Refusal<'a>> {
        if let Some(text) = fields.get(b"eventtime") {
            return values::epoch(text).map(Some);
        }
        if fields.get(b"cat").is_some() && fields.get(b"date").is_none() {
            return Ok(None);
        }
        let date = fields.need(b"date")?;
        let text = fields.need(b"time")?;
        let bad = (RejectReason::BadTime, date);
        let three = |text: &[u8], mark: u8| {
            let mut parts = text
                .split(|&b| b == mark)
                .map(|part| values::number(part).filter(|_| part.len() <= 4));
            let all = [parts.next()??, parts.next()??, parts.next()??];
            parts.next().is_none().then_some(all)
        };
        let small = |n: u64| i8::try_from(n).ok();
        let civil = || {
            let [year, month, day] = three(date, b'-')?;
            let [hour, minute, second] = three(text, b':')?;
            let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
            let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
            Some(date.to_datetime(time))
        };
        let civil = civil().ok_or(bad)?;
        let Some(zone) = fields.get(b"tz") else {
            let time = self.frame.clock.civil(civil, 0, MICROS_PER_SECOND);
            return time.map(Some).map_err(|reason| (reason, date));
        };
        let offset = offset(zone).ok_or((RejectReason::BadTime, zone))?;
        let time = clock::utc(civil, 0, MICROS_PER_SECOND).map_err(|reason| (reason, date))?;
        Ok(Some(time.corrected(TimeDelta::from_second(offset))))
    }
}

/// `+0900`, `-03:30` in seconds.
fn offset(text: &[u8]) -> Option<i64> {
    let (&sign, rest) = text.split_first()?;
    let (hours, minutes) = rest.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(b":").unwrap_or(minutes);
    if minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (values::number(hours)?, values::number(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

impl LineParser for FortigateParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = true;
        self.parse(line, event).map_err(|refusal| placed(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.frame.is_whole
    }
}

#[cfg(test)]
mod tests;
