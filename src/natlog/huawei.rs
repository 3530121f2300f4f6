//! Huawei NE40E and NetEngine 8000 CGN: syslog of flows and of users' port ranges.
//!
//! ```text
//! <NAT444>:<SessionW> 1795306735|1795306795|100.64.0.7|203.0.113.9|20001|198.51.100.4|443|6
//!            |        |          |          |          |           |     |                protocol
//!            |        start      end or -   inside     public      |     far side
//!            A given, W withdrawn                      public port |
//! <NAT444>:<UserbasedA> 1795306735|-|100.64.0.7|203.0.113.9|1024|2047        a range of ports
//!
//! <134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:SessionbasedA [17 100.64.0.7 - 203.0.113.9 50001 20001 -]
//!                                                                 |   |          | |           |     |     |
//!                                                                 |   inside     | public      |     first and last port
//!                                                                 protocol       |             inside port
//!                                                                                IPv6 inside (NAT64, B4 of DS-Lite)
//! ```
//!
//! In the form between bars the one port is read as the public one, and times are Unix time. In the form between
//! brackets (type 3) the time is that of the frame, in local time of the device; `UserbasedA` has the first and last port
//! of a range. A flow without far side is a mapping to any.
//!
//! The flexible format, whose fields the operator chooses, is read by [`ReaderOptions::with_template`] (see
//! [`super::template`]): the template describes the message behind the head, and `NAT444:SessionbasedA` in the head tells
//! the event where the template has none.
//!
//! [`ReaderOptions::with_template`]: super::ReaderOptions::with_template

use std::net::IpAddr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::template::Template;
use super::values::{self, Frame, Refusal, cut, end_of, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::time::Zone;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "huawei",
    title: "Huawei NE40E, NetEngine 8000 CGN, syslog",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "the NAT's clock, Unix time (1 s); the frame's stamp in the type 3 form",
    source: "NetEngine 8000 product documentation, flow syslog format; Trisul's pattern for the form between bars",
    cut: Cut::Lines,
    parser: |options| Box::new(HuaweiParser::new(&options)),
};

/// A parser of Huawei's CGN syslog.
#[derive(Debug)]
pub struct HuaweiParser {
    frame: Frame,
    zone: Option<Zone>,
    template: Option<Template>,
}

impl HuaweiParser {
    /// A parser with the zone, year, realm and template of the options.
    pub fn new(options: &ReaderOptions) -> HuaweiParser {
        HuaweiParser {
            frame: Frame::new(options),
            zone: options.zone().cloned(),
            template: options.template().cloned(),
        }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        if let Some((_, rest)) = cut(line, b">:<").filter(|_| find(line, b"<NAT").is_some()) {
            event.time = None;
            self.bars(rest, event)?;
            match event.time {
                Some(time) => event.header_time = head.time_beside(&mut self.frame.clock, time),
                None => values::stamp(event, &head, line)?,
            }
            return Ok(());
        }
        let scene = [&b"NAT444:"[..], b"NAT64:", b"DSLITE:", b"DS-LITE:"]
            .into_iter()
            .find_map(|name| cut(line, name));
        let word = scene.and_then(|(_, rest)| values::words(rest).next());
        if let Some(template) = &self.template {
            let given = word.and_then(direction);
            // The head ends with the message id: the layout is of what is behind it.
            let body = match (scene, word) {
                (Some((_, rest)), Some(word)) => rest.get(word.len()..).unwrap_or_default(),
                _ => head.body,
            };
            event.time = None;
            let Frame { realms, .. } = &mut self.frame;
            let body = body.trim_ascii_start();
            self.frame.is_whole = template.fill(body, given, self.zone.as_ref(), realms, event)?;
            match event.time {
                Some(time) => event.header_time = head.time_beside(&mut self.frame.clock, time),
                None => values::stamp(event, &head, line)?,
            }
            return Ok(());
        }
        let (_, rest) = scene.ok_or((RejectReason::NotNat, line))?;
        let word = word.ok_or((RejectReason::CutShort, end_of(line)))?;
        let given = direction(word).ok_or((RejectReason::UnknownEvent, word))?;
        let is_range = word.starts_with(b"User");
        let (_, record) = cut(rest, b"[").ok_or((RejectReason::CutShort, end_of(line)))?;
        let (record, _) = cut(record, b"]").ok_or((RejectReason::CutShort, end_of(line)))?;
        self.brackets(record, given, is_range, event)?;
        self.frame.is_whole = true;
        values::stamp(event, &head, line)?;
        values::settle(event);
        Ok(())
    }

    /// `SessionA> start|end|inside|outside|port|dst|dport|proto` or `UserbasedA> start|end|inside|outside|first|last`
    fn bars<'a>(&mut self, text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(text));
        let (name, record) = cut(text, b">").ok_or(cut_short)?;
        let given = direction(name).ok_or((RejectReason::UnknownEvent, name))?;
        let mut fields = record.trim_ascii().split(|&b| b == b'|').map(<[u8]>::trim_ascii);
        let mut next = || fields.next().ok_or(cut_short);
        let (start, end) = (next()?, next()?);
        event.inside = Some(values::host(values::ip(next()?)?, self.frame.realms.none()));
        event.outside = Some(values::ipv4(next()?)?);
        if name.starts_with(b"User") {
            event.kind = if given { EventKind::BlockAlloc } else { EventKind::BlockRelease };
            let (first, last) = (next()?, next()?);
            event.ports = Some(values::range(first, last)?);
            self.frame.is_whole = values::is_full_port(last);
        } else {
            event.kind = if given { EventKind::SessionCreate } else { EventKind::SessionDelete };
            event.ports = Some(PortRange::single(values::port(next()?)?));
            let (dst, dport) = (next()?, next()?);
            event.destination = Some(values::destination(dst, Some(dport))?);
            event.protocol = Some(values::protocol(next()?)?);
        }
        if let Some(more) = fields.next() {
            return Err((RejectReason::FieldCount, more));
        }
        let time = |text: &'a [u8]| match text {
            b"" | b"-" | b"0" => Ok(None),
            text => values::epoch(text).map(Some),
        };
        let (start_time, end_time) = (time(start)?, time(end)?);
        if given {
            event.time = start_time;
        } else {
            event.start = start_time;
            event.time = end_time;
        }
        if let (Some(start), Some(stop)) = (start_time, end_time)
            && stop.end() <= start.start()
        {
            return Err((RejectReason::BadTime, end));
        }
        values::settle(event);
        Ok(())
    }

    /// `L4 IPv4 IPv6 public port first last`
    fn brackets<'a>(
        &mut self,
        record: &'a [u8],
        given: bool,
        is_range: bool,
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let mut words = values::words(record);
        let mut next = || words.next().ok_or((RejectReason::FieldCount, end_of(record)));
        let (protocol, ipv4, ipv6) = (next()?, next()?, next()?);
        let (public, port, first, last) = (next()?, next()?, next()?, next()?);
        if let Some(more) = words.next() {
            return Err((RejectReason::FieldCount, more));
        }
        let some = |text: &'a [u8]| Some(text).filter(|text| *text != b"-");
        event.protocol = some(protocol).map(values::protocol).transpose()?;
        let inner = some(ipv4).map(values::ipv4).transpose()?;
        event.inside = Some(match (inner, some(ipv6)) {
            (Some(addr), None) => values::host(addr.into(), self.frame.realms.none()),
            (inner, Some(text)) => match (values::ip(text)?, inner) {
                (IpAddr::V6(addr), Some(_)) => InsideHost::B4 { addr, inner },
                (IpAddr::V6(addr), None) => InsideHost::V6(addr),
                (IpAddr::V4(_), _) => return Err((RejectReason::BadHost, text)),
            },
            (None, None) => return Err((RejectReason::MissingField, ipv4)),
        });
        event.outside = Some(values::ipv4(public)?);
        if is_range {
            event.ports = Some(values::range(first, last)?);
            event.kind = if given { EventKind::BlockAlloc } else { EventKind::BlockRelease };
            return Ok(());
        }
        event.inside_port = some(port).map(values::port).transpose()?;
        event.ports = Some(PortRange::single(values::port(first)?));
        event.kind = if given { EventKind::PortCreate } else { EventKind::PortDelete };
        match some(last) {
            Some(text) => Err((RejectReason::UnknownField, text)),
            None => Ok(()),
        }
    }
}

/// Whether `SessionbasedA`, `UserbasedW` say that something was given.
fn direction(name: &[u8]) -> Option<bool> {
    let stem = name.strip_suffix(b"A").map(|stem| (stem, true));
    let (stem, given) = stem.or_else(|| name.strip_suffix(b"W").map(|stem| (stem, false)))?;
    matches!(stem, b"Session" | b"Sessionbased" | b"User" | b"Userbased").then_some(given)
}

impl LineParser for HuaweiParser {
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

    const BARS: &str = "<134>Nov  2 03:05:06 ne <NAT444>:<SessionW> 1793588645|1793588705|100.64.0.7|203.0.113.9|20001|\
        198.51.100.4|443|6";
    const RANGE: &str = "<NAT444>:<UserbasedA> 1793588645|-|100.64.0.7|203.0.113.9|18432|20479";
    const TYPE3: &str = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:SessionbasedA \
        [17 100.64.0.7 - 203.0.113.9 50001 20001 -]";
    const NAT64: &str = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT64:SessionbasedW \
        [58 - 2001:DB8::7 203.0.113.9 7 2048 -]";
    const USER3: &str = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:UserbasedW \
        [- 100.64.0.7 - 203.0.113.9 - 1024 2047]";

    fn options() -> ReaderOptions {
        ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
    }

    fn event(line: &str) -> Event {
        one(Format::Huawei, options(), line)
    }

    #[test]
    fn the_form_between_bars_has_its_own_times() {
        let flow = event(BARS);
        assert_eq!((flow.kind, flow.inside_port), (EventKind::SessionDelete, None));
        assert_eq!(flow.time.unwrap().rfc3339(), "2026-11-02T03:05:05Z");
        assert_eq!(flow.start.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!(flow.header_time.unwrap().rfc3339(), "2026-11-02T03:05:06Z");
        assert_eq!(flow.ports, Some(PortRange::single(20001)));
        let range = event(RANGE);
        assert_eq!(
            (range.kind, range.ports),
            (EventKind::BlockAlloc, PortRange::new(18432, 20479).ok())
        );
        assert_eq!((range.start, range.protocol), (None, None));
    }

    #[test]
    fn the_form_between_brackets_has_that_of_the_frame() {
        let flow = event(TYPE3);
        assert_eq!((flow.kind, flow.inside_port), (EventKind::PortCreate, Some(50001)));
        assert_eq!(flow.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!(flow.ports, Some(PortRange::single(20001)));
        let nat64 = event(NAT64);
        assert_eq!(nat64.inside.unwrap().to_string(), "2001:db8::7");
        assert_eq!(nat64.protocol, Some(crate::protocol::Protocol::ICMP));
        let user = event(USER3);
        assert_eq!(
            (user.kind, user.ports),
            (EventKind::BlockRelease, PortRange::new(1024, 2047).ok())
        );
        let dslite = event(&USER3.replace("100.64.0.7 -", "10.0.0.2 2001:db8::b4"));
        assert_eq!(dslite.inside.unwrap().to_string(), "b4[2001:db8::b4]10.0.0.2");
    }

    #[test]
    fn a_template_reads_what_the_operator_chose() {
        let template = "%time%/%proto%/%inside%/%inside_port%/%outside%/%port%/%dst%/%dport%";
        let options = options().with_template(template.parse().unwrap());
        let line = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:SessionbasedW \
            1793588645/6/100.64.0.7/50001/203.0.113.9/20001/198.51.100.4/50443";
        let event = one(Format::Huawei, options.clone(), line);
        assert_eq!((event.kind, event.inside_port), (EventKind::SessionDelete, Some(50001)));
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        prefixes_are_safe(Format::Huawei, &options, line);
        assert_eq!(
            refused(Format::Huawei, options.clone(), &line.replace("/50443", "/x")).0,
            "bad-port"
        );
        assert_eq!(
            refused(Format::Huawei, options, &line.replace("SessionbasedW", "X")).0,
            "no-event"
        );
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::Huawei, options(), line);
        assert_eq!(refused("Nov  2 03:05:06 ne %%01SSH/4/LOGIN: hello").0, "not-nat");
        assert_eq!(refused(&BARS.replace("SessionW", "SessionX")).0, "unknown-event");
        assert_eq!(refused(&BARS.replace("1793588705", "1793588000")).0, "bad-time");
        assert_eq!(refused(&BARS.replace("|443|6", "|443")).0, "cut-short");
        assert_eq!(refused(&BARS.replace("|443|6", "|443|6|7")).0, "field-count");
        assert_eq!(refused(&RANGE.replace("20479", "18000")).0, "bad-port");
        assert_eq!(refused(TYPE3.trim_end_matches(']')).0, "cut-short");
        assert_eq!(refused(&TYPE3.replace(" -]", "]")).0, "field-count");
        assert_eq!(refused(&TYPE3.replace(" -]", " 7]")).0, "unknown-field");
        assert_eq!(refused(&TYPE3.replace("100.64.0.7 -", "- -")).0, "missing-field");
        assert_eq!(refused(&TYPE3.replace("SessionbasedA", "Portblockrunout")).0, "unknown-event");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [BARS, RANGE, TYPE3, NAT64, USER3] {
            prefixes_are_safe(Format::Huawei, &options(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::Huawei, &[BARS, RANGE, TYPE3, NAT64, USER3]);
    }
}
