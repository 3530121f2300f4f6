//! F5 BIG-IP CGNAT: the LSN events as text.
//!
//! ```text
//! LSN_ADD 100.64.0.7%3:50001 6 203.0.113.9%0:20001 198.51.100.4 443
//! |       |         | |      | |                   |
//! event   inside    | port   | public              far side, may be absent
//!                   |        protocol
//!                   route domain: the realm, none for 0
//! LSN_PB_ALLOCATED 100.64.0.7%3 203.0.113.9%0:1024-1087
//! ip_protocol="TCP",lsn_event="LSN_DELETE",start="1793588645123",cli="100.64.0.7%3:50001",nat="203.0.113.9%0:20001",duration="8080"
//!                                                 ms              inside                  public                   ms
//! ```
//!
//! | event | what is read |
//! |---|---|
//! | `LSN_ADD`, `LSN_DELETE` | a session begun, ended |
//! | `LSN_PB_ALLOCATED`, `LSN_PB_RELEASED` | a block given, taken back |
//! | `LSN_INBOUND_ADD`, `LSN_INBOUND_DELETE` | a flow from outside into a mapping that somebody holds already: no fact |
//!
//! The values may stand in quotes and between commas. Without names they have no time but that of the frame; with names
//! (a destination of type Splunk) `start` is when a session began, and it ended `duration` later.

use std::net::IpAddr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::syslog::{self, Head};
use super::values::{self, Fields, Frame, Pairs, Refusal, end_of, find, placed};
use super::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::time::{TimeDelta, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "f5",
    title: "F5 BIG-IP CGNAT, LSN events",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "the frame's stamp, or the start in a record with names, UTC (1 ms)",
    source: "pattern and generator of cgn-ec; F5 Telemetry Streaming; F5 CGNAT implementations guide (the events)",
    cut: Cut::Lines,
    parser: |options| Box::new(F5Parser::new(&options)),
};

const KEYS: [&[u8]; 7] =
    [b"ip_protocol", b"lsn_event", b"start", b"cli", b"nat", b"duration", b"pem_subscriber_id"];

/// A parser of LSN events.
#[derive(Debug)]
pub struct F5Parser {
    frame: Frame,
}

/// An address with its route domain and what stands behind.
struct Place<'a> {
    addr: IpAddr,
    domain: &'a [u8],
    ports: Option<&'a [u8]>,
}

impl F5Parser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> F5Parser {
        F5Parser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        if find(line, b"lsn_event=").is_some() {
            return self.named(line, &head, event);
        }
        let mut words = line
            .split(|b| matches!(b, b' ' | b'\t' | b'"' | b','))
            .filter(|word| !word.is_empty())
            .skip_while(|word| !word.starts_with(b"LSN_"));
        let cut_short = (RejectReason::CutShort, end_of(line));
        let name = words.next().ok_or((RejectReason::NotNat, line))?;
        event.kind = kind(name)?;
        let inside = words.next().ok_or(cut_short)?;
        let from = place(inside)?;
        event.inside = Some(values::host(from.addr, self.frame.realms.of(from.domain)?));
        if matches!(event.kind, EventKind::BlockAlloc | EventKind::BlockRelease) {
            let public = words.next().ok_or(cut_short)?;
            let to = place(public)?;
            event.outside = Some(public_address(&to, public)?);
            let ports = to.ports.or_else(|| words.next()).ok_or(cut_short)?;
            event.ports = Some(values::dashed_range(ports)?);
            if from.ports.is_some() {
                return Err((RejectReason::BadPort, inside));
            }
        } else {
            event.inside_port =
                Some(values::port(from.ports.ok_or((RejectReason::BadPort, inside))?)?);
            event.protocol = Some(values::protocol(words.next().ok_or(cut_short)?)?);
            let public = words.next().ok_or(cut_short)?;
            let to = place(public)?;
            event.outside = Some(public_address(&to, public)?);
            let port = to.ports.ok_or((RejectReason::BadPort, public))?;
            event.ports = Some(PortRange::single(values::port(port)?));
            if let Some(far) = words.next() {
                let port = words.next().ok_or(cut_short)?;
                let far = far.split(|&b| b == b'%').next().unwrap_or(far);
                event.destination = Some(values::destination(far, Some(port))?);
                self.frame.is_whole = values::is_full_port(port);
            }
        }
        if let Some(word) = words.next() {
            return Err((RejectReason::UnknownField, word));
        }
        values::stamp(event, &head, line)?;
        values::settle(event);
        Ok(())
    }

    /// `lsn_event="LSN_ADD",start="1793588645123",cli="100.64.0.7%3:50001",nat="203.0.113.9%0:20001"`
    fn named<'a>(
        &mut self,
        line: &'a [u8],
        head: &Head<'a>,
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let begin = [&b"ip_protocol="[..], b"lsn_event="].into_iter();
        let begin = begin.filter_map(|key| find(line, key)).min();
        let record = begin.and_then(|at| line.get(at..)).unwrap_or(line);
        let mut fields = Fields::new(&KEYS, line);
        let mut pairs = Pairs::new(record);
        let mut last: &[u8] = &[];
        for pair in &mut pairs {
            let (key, value) = pair?;
            fields.put(key, value)?;
            last = key;
        }
        event.kind = kind(fields.need(b"lsn_event")?)?;
        event.protocol = fields.get(b"ip_protocol").map(values::protocol).transpose()?;
        let inside = fields.need(b"cli")?;
        let from = place(inside)?;
        event.inside = Some(values::host(from.addr, self.frame.realms.of(from.domain)?));
        let public = fields.need(b"nat")?;
        let to = place(public)?;
        event.outside = Some(public_address(&to, public)?);
        let ports = to.ports.ok_or((RejectReason::BadPort, public))?;
        if matches!(event.kind, EventKind::BlockAlloc | EventKind::BlockRelease) {
            event.ports = Some(values::dashed_range(ports)?);
        } else {
            event.ports = Some(PortRange::single(values::port(ports)?));
            event.inside_port =
                Some(values::port(from.ports.ok_or((RejectReason::BadPort, inside))?)?);
        }
        let is_nobody = |name: &&[u8]| matches!(*name, b"No-lookup" | b"unknown" | b"N/A");
        let login = fields.get(b"pem_subscriber_id").filter(|name| !is_nobody(name));
        event.login = login.map(values::name).transpose()?;
        let start = fields.get(b"start").map(values::epoch).transpose()?;
        let is_end = matches!(event.kind, EventKind::SessionDelete | EventKind::BlockRelease);
        // A duration may follow the ports of an end, and more digits a value without quotes.
        let may_end = !is_end || !matches!(last, b"lsn_event" | b"start" | b"cli" | b"nat");
        self.frame.is_whole = may_end && pairs.open.is_none();
        let length = match fields.get(b"duration").filter(|_| is_end) {
            Some(text) => {
                let bad = (RejectReason::BadValue, text);
                let millis = values::number(text).and_then(|n| u32::try_from(n).ok()).ok_or(bad)?;
                Some(TimeDelta::from_microsecond(i64::from(millis) * 1_000))
            }
            None => None,
        };
        let own = match (start, length) {
            (start, _) if !is_end => start,
            (Some(start), Some(length)) => {
                // Both are cut off to a millisecond.
                let resolution = start.resolution_microsecond().saturating_mul(2);
                Some(WrittenTime::new(start.start().plus(length), resolution))
            }
            _ => None,
        };
        event.start = start.filter(|_| is_end);
        match own {
            Some(time) => {
                event.header_time = head.time_beside(&mut self.frame.clock, time);
                event.time = Some(time);
            }
            None => values::stamp(event, head, line)?,
        }
        values::settle(event);
        Ok(())
    }
}

fn kind(name: &[u8]) -> Result<EventKind, Refusal<'_>> {
    Ok(match name {
        b"LSN_ADD" => EventKind::SessionCreate,
        b"LSN_DELETE" => EventKind::SessionDelete,
        b"LSN_PB_ALLOCATED" => EventKind::BlockAlloc,
        b"LSN_PB_RELEASED" => EventKind::BlockRelease,
        b"LSN_INBOUND_ADD" | b"LSN_INBOUND_DELETE" => {
            return Err((RejectReason::OtherEvent, name));
        }
        _ => return Err((RejectReason::UnknownEvent, name)),
    })
}

fn public_address<'a>(
    place: &Place<'a>,
    text: &'a [u8],
) -> Result<std::net::Ipv4Addr, Refusal<'a>> {
    match place.addr {
        IpAddr::V4(addr) => Ok(addr),
        IpAddr::V6(_) => Err((RejectReason::Ipv6Translation, text)),
    }
}

/// `192.0.2.1%0:80`, `192.0.2.1:80`, `2001:db8::1%0.80`, and each without its port.
fn place(text: &[u8]) -> Result<Place<'_>, Refusal<'_>> {
    if let Some((addr, rest)) = values::cut(text, b"%") {
        let end = rest.iter().position(|b| matches!(b, b':' | b'.'));
        let (domain, ports) =
            rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        if values::number(domain).is_none() {
            return Err((RejectReason::BadHost, text));
        }
        return Ok(Place { addr: values::ip(addr)?, domain, ports: ports.get(1..) });
    }
    if find(text, b":").is_none() || values::ip(text).is_ok() {
        return Ok(Place { addr: values::ip(text)?, domain: &[], ports: None });
    }
    let (addr, port) = values::endpoint(text)?;
    Ok(Place { addr, domain: &[], ports: Some(port) })
}

impl LineParser for F5Parser {
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
    use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

    const FLOW: &str = "Nov  2 03:04:05 bigip tmm[7]: LSN_DELETE 100.64.0.7%3:50001 17 203.0.113.9%0:20001 198.51.100.4 \
        50443";
    const NAMED: &str = "Nov  2 03:04:14 bigip tmm[7]: ip_protocol=\"TCP\",lsn_event=\"LSN_DELETE\",\
        start=\"1793588645123\",cli=\"100.64.0.7%3:50001\",nat=\"203.0.113.9%0:20001\",duration=\"8080\",\
        pem_subscriber_id=\"No-lookup\"";
    const BLOCK: &str = "tmm LSN_PB_ALLOCATED 100.64.0.7%3 203.0.113.9%0:1024-1087";

    fn options() -> ReaderOptions {
        ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
    }

    fn event(line: &str) -> Event {
        one(Format::F5, options(), line)
    }

    #[test]
    fn sessions_and_blocks_are_read() {
        let flow = event(FLOW);
        assert_eq!((flow.kind, flow.inside_port), (EventKind::SessionDelete, Some(50001)));
        assert_eq!(flow.inside.unwrap().to_string(), "100.64.0.7%3");
        assert_eq!(flow.destination.unwrap().to_string(), "198.51.100.4:50443");
        let block = event(BLOCK);
        assert_eq!(
            (block.kind, block.ports),
            (EventKind::BlockAlloc, PortRange::new(1024, 1087).ok())
        );
        let quoted = event("\"LSN_ADD\",\"100.64.0.7%0:50001\",\"TCP\",\"203.0.113.9:20001\"");
        assert_eq!(quoted.inside.unwrap().to_string(), "100.64.0.7");
        let nat64 = event("LSN_ADD 2001:db8::7%0.50001 6 203.0.113.9%0:20001");
        assert_eq!(nat64.inside.unwrap().to_string(), "2001:db8::7");
        assert_eq!(nat64.inside_port, Some(50001));
    }

    #[test]
    fn named_values_carry_their_own_clock() {
        let end = event(NAMED);
        assert_eq!((end.kind, end.inside_port), (EventKind::SessionDelete, Some(50001)));
        assert_eq!(end.inside.unwrap().to_string(), "100.64.0.7%3");
        assert_eq!((end.ports, end.login), (Some(PortRange::single(20001)), None));
        let (start, time) = (end.start.unwrap(), end.time.unwrap());
        assert_eq!(start.rfc3339(), "2026-11-02T03:04:05.123Z");
        assert_eq!(time.start().since(start.start()), TimeDelta::from_microsecond(8_080_000));
        assert_eq!(end.header_time.unwrap().rfc3339(), "2026-11-02T03:04:14Z");
        let begin = NAMED.replace("LSN_DELETE", "LSN_ADD").replace("No-lookup", "ann");
        let begin = event(begin.strip_prefix("Nov  2 03:04:14 bigip tmm[7]: ").unwrap());
        assert_eq!((begin.kind, begin.start), (EventKind::SessionCreate, None));
        assert_eq!(begin.time.unwrap().rfc3339(), "2026-11-02T03:04:05.123Z");
        assert_eq!(begin.login.as_deref(), Some("ann"));
        let framed = event(&NAMED.replace("start=", "begin="));
        assert_eq!((framed.start, framed.header_time), (None, None));
        assert_eq!(framed.time.unwrap().rfc3339(), "2026-11-02T03:04:14Z");
        let block = NAMED.replace("DELETE", "PB_RELEASED").replace("20001", "1024-1087");
        assert_eq!(event(&block).ports, PortRange::new(1024, 1087).ok());
        for (from, to, reason) in [
            ("DELETE", "INBOUND_DELETE", "other-event"),
            ("LSN_DELETE", "LSN_QUOTA", "unknown-event"),
            (":20001", "", "bad-port"),
            (":50001", "", "bad-port"),
            ("nat=", "nat_ip=", "missing-field"),
            ("8080", "8 s", "bad-value"),
        ] {
            assert_eq!(refused(Format::F5, options(), &NAMED.replace(from, to)).0, reason, "{to}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::F5, options(), line);
        assert_eq!(refused("bigip mcpd[1]: config saved").0, "not-nat");
        assert_eq!(refused(&FLOW.replace("LSN_DELETE", "LSN_INBOUND_DELETE")).0, "other-event");
        assert_eq!(refused(&FLOW.replace("LSN_DELETE", "LSN_REMAP")), ("unknown-event", 31));
        assert_eq!(refused(&BLOCK.replace("%3", "%x")), ("bad-host", 22));
        assert_eq!(refused(&BLOCK.replace("%3", "%3:7")), ("bad-port", 22));
        assert_eq!(refused(&BLOCK.replace("-1087", "")).0, "bad-port");
        assert_eq!(refused(&BLOCK.replace(":1024-1087", "")).0, "cut-short");
        assert_eq!(refused(&FLOW.replace("17 203", "xx 203")).0, "bad-protocol");
        assert_eq!(refused(&format!("{FLOW} more")).0, "unknown-field");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [FLOW, BLOCK, NAMED] {
            prefixes_are_safe(Format::F5, &options(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::F5, &[FLOW, BLOCK, NAMED]);
    }
}
