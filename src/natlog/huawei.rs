//! Huawei NE40E and NetEngine 8000 CGN: syslog of flows and of users' port ranges; the session logs of USG firewalls
//! (`seclog`); and the other makers who write the same forms (`DPtech`, Hillstone).
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
//! of a range. A flow without far side is a mapping to any; Hillstone's has it behind the ports. Where the one port of a
//! flow stands twice, as first and last, it is the same. `NAT444:SessionW` may stand before bars too.
//!
//! The flexible format, whose fields the operator chooses, is read by [`ReaderOptions::with_template`] (see
//! [`super::template`]): the template describes the message behind the head, and `NAT444:SessionbasedA` in the head tells
//! the event where the template has none.
//!
//! [`ReaderOptions::with_template`]: super::ReaderOptions::with_template

mod seclog;

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
    title: "Huawei NE40E, NetEngine 8000 CGN, USG; DPtech, Hillstone: syslog",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "the NAT's clock, Unix time (1 s); the frame's stamp in the type 3 form",
    source: "NetEngine 8000 and USG product documentation; published samples and patterns of the form between bars",
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
        if let Some((_, rest)) = cut(line, b"SECLOG/") {
            self.frame.is_whole = rest.ends_with(b".");
            return seclog::read(rest, &head, &mut self.frame, line, event);
        }
        let mut is_dslite = false;
        let scene =
            [&b"NAT444:"[..], b"NAT64:", b"DSLITE:", b"DS-LITE:"].into_iter().find_map(|name| {
                is_dslite = name.starts_with(b"DS");
                cut(line, name)
            });
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
        let is_range = is_of_user(word);
        let record = rest.get(word.len()..).unwrap_or_default().trim_ascii_start();
        if record.first().is_some_and(u8::is_ascii_digit) && record.contains(&b'|') {
            event.time = None;
            self.bar_fields(record, given, is_range, event)?;
            event.header_time =
                event.time.and_then(|time| head.time_beside(&mut self.frame.clock, time));
            return Ok(());
        }
        let (_, record) = cut(rest, b"[").ok_or((RejectReason::CutShort, end_of(line)))?;
        let (record, _) = cut(record, b"]").ok_or((RejectReason::CutShort, end_of(line)))?;
        self.brackets(record, given, is_range, event)?;
        if let Some(InsideHost::V6(addr)) = event.inside
            && is_dslite
        {
            event.inside = Some(InsideHost::B4 { addr, inner: None });
        }
        self.frame.is_whole = true;
        values::stamp(event, &head, line)?;
        values::settle(event);
        is_translated(event, record)
    }

    /// `SessionA> start|end|inside|outside|port|dst|dport|proto` or `UserbasedA> start|end|inside|outside|first|last`
    fn bars<'a>(&mut self, text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(text));
        let (name, record) = cut(text, b">").ok_or(cut_short)?;
        let given = direction(name).ok_or((RejectReason::UnknownEvent, name))?;
        self.bar_fields(record, given, is_of_user(name), event)
    }

    fn bar_fields<'a>(
        &mut self,
        record: &'a [u8],
        given: bool,
        is_range: bool,
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(record));
        let mut fields = record.trim_ascii().split(|&b| b == b'|').map(<[u8]>::trim_ascii);
        let mut next = || fields.next().ok_or(cut_short);
        let (start, end) = (next()?, next()?);
        event.inside = Some(values::host(values::ip(next()?)?, self.frame.realms.none()));
        event.outside = Some(values::ipv4(next()?)?);
        if is_range {
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
        is_translated(event, record)
    }

    /// `L4 IPv4 IPv6 public port first last`, and the far side behind it or not
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
        let far = words.next().zip(words.next());
        if let Some(more) = words.next() {
            return Err((RejectReason::FieldCount, more));
        }
        // A document that was set in print has a longer dash.
        let some =
            |text: &'a [u8]| Some(text).filter(|text| !matches!(*text, b"-" | b"\xe2\x80\x93"));
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
        let far = far.and_then(|(addr, port)| Some((some(addr)?, some(port))));
        event.destination = far.map(|(addr, port)| values::destination(addr, port)).transpose()?;
        event.kind = match (far, given) {
            (Some(_), true) => EventKind::SessionCreate,
            (Some(_), false) => EventKind::SessionDelete,
            (None, true) => EventKind::PortCreate,
            (None, false) => EventKind::PortDelete,
        };
        match some(last) {
            Some(text) if values::port(text)? != values::port(first)? => {
                Err((RejectReason::UnknownField, text))
            }
            _ => Ok(()),
        }
    }
}

/// Whether `SessionbasedA`, `UserbasedW`, `SessionbasedWD` say that something was given.
fn direction(name: &[u8]) -> Option<bool> {
    let name = name.strip_suffix(b"D").unwrap_or(name);
    let stem = name.strip_suffix(b"A").map(|stem| (stem, true));
    let (stem, given) = stem.or_else(|| name.strip_suffix(b"W").map(|stem| (stem, false)))?;
    let is_one = [&b"Session"[..], b"Sessionbased", b"User", b"Userbased"]
        .iter()
        .any(|known| stem.eq_ignore_ascii_case(known));
    is_one.then_some(given)
}

/// Whether the record is of a user's range of ports.
fn is_of_user(name: &[u8]) -> bool {
    name.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"user"))
}

/// Refuses a record whose address was left as it is; its port too, as far as it says.
fn is_translated<'a>(event: &Event, record: &'a [u8]) -> Result<(), Refusal<'a>> {
    let Some(InsideHost::V4 { addr, .. }) = event.inside else { return Ok(()) };
    let same_port = event.inside_port.is_none_or(|inside| {
        event.ports.is_some_and(|ports| ports.first() == inside && ports.last() == inside)
    });
    if event.outside == Some(addr) && same_port {
        return Err((RejectReason::NoTranslation, record));
    }
    Ok(())
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
mod tests;
