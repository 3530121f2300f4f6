//! Jool, a NAT64 of Linux: the kernel log of `--logging-bib` and `--logging-session`.
//!
//! ```text
//! [  312.493235] nat 2026/11/2 3:4:5 (GMT) - Mapped 2001:db8::7#50001 to 203.0.113.9#20001 (TCP)
//!                |   |                       |      |                    |
//!                |   GMT, digits unpadded    |      inside               public address and port
//!                instance                    Mapped, Forgot
//! ... - Added session 2001:db8::7#50001|64:ff9b::c633:6404#443|203.0.113.9#20001|198.51.100.4#443|TCP
//!       |             inside            |                      public           far side
//!       Added session, Forgot session   left out by old versions
//! ```
//!
//! The instance stands in [`Event::pool`]: each has its own IPv4 pool. For ICMP the numbers are echo identifiers.

use jiff::civil::DateTime;

use super::clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Frame, Refusal, cut, end_of, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::allocation::Destination;
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::time::{MICROS_PER_SECOND, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "jool",
    title: "Jool NAT64, kernel log",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the NAT's clock, GMT (1 s)",
    source: "db.c of Jool; its documentation of logging-bib and logging-session",
    cut: Cut::Lines,
    parser: |options| Box::new(JoolParser::new(&options)),
};

/// A parser of Jool's kernel log.
#[derive(Debug)]
pub struct JoolParser {
    frame: Frame,
}

impl JoolParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> JoolParser {
        JoolParser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        let Some((before, text)) = cut(line, b" (GMT) - ") else {
            event.time = values::readable(&head);
            return Err((RejectReason::NotNat, line));
        };
        let mut words = before.rsplit(|&b| b == b' ').filter(|word| !word.is_empty());
        let (time, date) = (words.next(), words.next());
        let time = stamp(date, time, before)?;
        event.time = Some(time);
        event.header_time = head.time_beside(&mut self.frame.clock, time);
        event.pool = match words.next() {
            Some(word) if !word.ends_with(b":") && !word.ends_with(b"]") => {
                Some(values::name(word)?)
            }
            _ => None,
        };
        if let Some(text) = text.strip_prefix(b"Added session ") {
            event.kind = EventKind::SessionCreate;
            session(text, event)?;
        } else if let Some(text) = text.strip_prefix(b"Forgot session ") {
            event.kind = EventKind::SessionDelete;
            session(text, event)?;
        } else if let Some(text) = text.strip_prefix(b"Mapped ") {
            event.kind = EventKind::PortCreate;
            mapping(text, event)?;
        } else if let Some(text) = text.strip_prefix(b"Forgot ") {
            event.kind = EventKind::PortDelete;
            mapping(text, event)?;
        } else {
            return Err((RejectReason::UnknownEvent, text));
        }
        values::settle(event);
        Ok(())
    }
}

/// `2026/11/2` and `3:4:5`, in GMT.
fn stamp<'a>(
    date: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
    before: &'a [u8],
) -> Result<WrittenTime, Refusal<'a>> {
    let bad = (RejectReason::BadTime, date.unwrap_or(before));
    let three = |text: Option<&[u8]>, mark: u8| {
        let mut parts = text?.split(|&b| b == mark).map(values::number);
        let all = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(all)
    };
    let [year, month, day] = three(date, b'/').ok_or(bad)?;
    let [hour, minute, second] = three(time, b':').ok_or(bad)?;
    let small = |n: u64| i8::try_from(n).ok();
    let civil = || {
        let year = i16::try_from(year).ok()?;
        let (month, day) = (small(month)?, small(day)?);
        DateTime::new(year, month, day, small(hour)?, small(minute)?, small(second)?, 0).ok()
    };
    clock::utc(civil().ok_or(bad)?, 0, MICROS_PER_SECOND).map_err(|reason| (reason, bad.1))
}

/// `192.0.2.1#80`
fn transport(text: &[u8]) -> Result<(std::net::IpAddr, u16), Refusal<'_>> {
    let (addr, port) = cut(text, b"#").ok_or((RejectReason::BadPort, text))?;
    Ok((values::ip(addr)?, values::port(port)?))
}

fn inside<'a>(text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
    let (std::net::IpAddr::V6(addr), port) = transport(text)? else {
        return Err((RejectReason::BadHost, text));
    };
    event.inside = Some(InsideHost::V6(addr));
    event.inside_port = Some(port);
    Ok(())
}

fn ipv4(text: &[u8]) -> Result<(std::net::Ipv4Addr, u16), Refusal<'_>> {
    match transport(text)? {
        (std::net::IpAddr::V4(addr), port) => Ok((addr, port)),
        (std::net::IpAddr::V6(_), _) => Err((RejectReason::BadAddress, text)),
    }
}

fn outside<'a>(text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
    let (addr, port) = ipv4(text)?;
    event.outside = Some(addr);
    event.ports = Some(PortRange::single(port));
    Ok(())
}

/// `v6#p to v4#p (PROTO)`
fn mapping<'a>(text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
    let cut_short = (RejectReason::CutShort, end_of(text));
    let (from, rest) = cut(text, b" to ").ok_or(cut_short)?;
    let (to, rest) = cut(rest, b" (").ok_or(cut_short)?;
    let (protocol, rest) = cut(rest, b")").ok_or(cut_short)?;
    if !rest.trim_ascii().is_empty() {
        return Err((RejectReason::UnknownField, rest));
    }
    inside(from, event)?;
    outside(to, event)?;
    event.protocol = Some(values::protocol(protocol)?);
    Ok(())
}

/// `v6#p|v6#p|v4#p|v4#p|PROTO`, or without the second part
fn session<'a>(text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
    let mut parts: [&[u8]; 6] = [&[]; 6];
    let mut found = text.trim_ascii_end().split(|&b| b == b'|');
    let mut count = 0;
    for slot in &mut parts {
        let Some(part) = found.next() else { break };
        *slot = part;
        count += 1;
    }
    let (from, public, far, protocol) = match (count, parts) {
        (5, [from, _, public, far, protocol, _]) | (4, [from, public, far, protocol, ..]) => {
            (from, public, far, protocol)
        }
        (..4, _) => return Err((RejectReason::CutShort, end_of(text))),
        _ => return Err((RejectReason::UnknownField, text)),
    };
    inside(from, event)?;
    outside(public, event)?;
    let (addr, port) = ipv4(far)?;
    event.destination = Some(Destination { addr, port: Some(port) });
    // By name: a cut name is none, and a cut number would be another protocol.
    if protocol.iter().any(u8::is_ascii_digit) {
        return Err((RejectReason::BadProtocol, protocol));
    }
    event.protocol = Some(values::protocol(protocol)?);
    Ok(())
}

impl LineParser for JoolParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.parse(line, event).map_err(|refusal| placed(line, refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::Format;
    use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

    const BIB: &str =
        "[ 9.25] nat6 2026/11/2 3:4:5 (GMT) - Mapped 2001:db8::7#50001 to 203.0.113.9#20001 (TCP)";
    const SESSION: &str = "2026/11/2 13:14:15 (GMT) - Forgot session \
        2001:db8::7#50001|64:ff9b::c633:6404#443|203.0.113.9#20001|198.51.100.4#443|UDP";
    const OLD: &str = "Nov  2 03:04:06 r1 kernel: [12.5] NAT64 Jool: 2026/11/2 3:4:5 (GMT) - Added session \
        2001:db8::7#7|203.0.113.9#8|198.51.100.4#8|ICMP";

    fn event(line: &str) -> Event {
        one(Format::Jool, ReaderOptions::new(), line)
    }

    #[test]
    fn mappings_and_sessions_are_read() {
        let bib = event(BIB);
        assert_eq!((bib.kind, bib.pool.as_deref()), (EventKind::PortCreate, Some("nat6")));
        assert_eq!(bib.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!(bib.inside.unwrap().to_string(), "2001:db8::7");
        assert_eq!(event(&BIB.replace("Mapped", "Forgot")).kind, EventKind::PortDelete);
        let session = event(SESSION);
        assert_eq!((session.kind, session.pool), (EventKind::SessionDelete, None));
        assert_eq!(session.destination.unwrap().to_string(), "198.51.100.4:443");
        let old = event(OLD);
        assert_eq!((old.protocol, old.pool), (Some(crate::protocol::Protocol::ICMP), None));
        assert_eq!(old.ports, Some(PortRange::single(8)));
        assert_eq!(old.destination.unwrap().to_string(), "198.51.100.4");
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::Jool, ReaderOptions::new(), line);
        assert_eq!(refused("[ 9.25] eth0: link up").0, "not-nat");
        assert_eq!(refused(&BIB.replace("/11/", "/13/")), ("bad-time", 14));
        assert_eq!(refused(&BIB.replace("3:4:5", "3:4")), ("bad-time", 14));
        assert_eq!(refused(&BIB.replace("Mapped", "Moved")), ("unknown-event", 38));
        assert_eq!(refused(&BIB.replace("#20001", "#70001")), ("bad-port", 78));
        assert_eq!(refused(&BIB.replace("2001:db8::7", "10.0.0.1")).0, "bad-host");
        assert_eq!(refused(&format!("{BIB} x")).0, "unknown-field");
        assert_eq!(refused(&SESSION.replace("|UDP", "|17")).0, "bad-protocol");
        assert_eq!(refused(&SESSION.replace("|UDP", "|UDP|1")).0, "unknown-field");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [BIB, SESSION, OLD] {
            prefixes_are_safe(Format::Jool, &ReaderOptions::new(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::Jool, &[BIB, SESSION, OLD]);
    }
}
