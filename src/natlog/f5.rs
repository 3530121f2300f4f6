//! F5 BIG-IP CGNAT: the LSN events as text.
//!
//! ```text
//! LSN_ADD 100.64.0.7%3:50001 6 203.0.113.9%0:20001 198.51.100.4 443
//! |       |         | |      | |                   |
//! event   inside    | port   | public              far side, may be absent
//!                   |        protocol
//!                   route domain: the realm, none for 0
//! LSN_PB_ALLOCATED 100.64.0.7%3 203.0.113.9%0:1024-1087
//! ```
//!
//! | event | what is read |
//! |---|---|
//! | `LSN_ADD`, `LSN_DELETE` | a session begun, ended |
//! | `LSN_PB_ALLOCATED`, `LSN_PB_RELEASED` | a block given, taken back |
//! | `LSN_INBOUND_ADD`, `LSN_INBOUND_DELETE` | a flow from outside into a mapping that somebody holds already: no fact |
//!
//! The values may stand in quotes and between commas. No time but that of the frame.

use std::net::IpAddr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Frame, Refusal, end_of, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::port::PortRange;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "f5",
    title: "F5 BIG-IP CGNAT, LSN events",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the frame's stamp; none in the records",
    source: "pattern and generator of cgn-ec; F5 CGNAT implementations guide (the events, not their layout)",
    cut: Cut::Lines,
    parser: |options| Box::new(F5Parser::new(&options)),
};

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
        let mut words = line
            .split(|b| matches!(b, b' ' | b'\t' | b'"' | b','))
            .filter(|word| !word.is_empty())
            .skip_while(|word| !word.starts_with(b"LSN_"));
        let cut_short = (RejectReason::CutShort, end_of(line));
        let name = words.next().ok_or((RejectReason::NotNat, line))?;
        event.kind = match name {
            b"LSN_ADD" => EventKind::SessionCreate,
            b"LSN_DELETE" => EventKind::SessionDelete,
            b"LSN_PB_ALLOCATED" => EventKind::BlockAlloc,
            b"LSN_PB_RELEASED" => EventKind::BlockRelease,
            b"LSN_INBOUND_ADD" | b"LSN_INBOUND_DELETE" => {
                return Err((RejectReason::OtherEvent, name));
            }
            _ => return Err((RejectReason::UnknownEvent, name)),
        };
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
        for line in [FLOW, BLOCK] {
            prefixes_are_safe(Format::F5, &options(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::F5, &[FLOW, BLOCK]);
    }
}
