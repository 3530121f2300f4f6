//! 6WIND Virtual Service Router and Turbo Router: the log of `fp-cgnat`.
//!
//! ```text
//! fp-cgnat[7]: USER 100.64.0.7 (matching rule 1): NEW BLOCK (pool "p", ip public 203.0.113.9, proto 6, port 1 - 512)
//! fp-cgnat[7]: NEW CONN: fwd proto 6 100.64.0.7:50001 -> 198.51.100.4:443, back proto 6 198.51.100.4:443 -> 203.0.113.9:20001
//!              |                     |                   |                                                  |
//!              NEW, DESTROY          inside              far side                                           public address and port
//! ```
//!
//! The arrows are written `->` or `-->`. Where `fwd` and `back` name different far addresses the destination was
//! translated, and the one of `back` is what the world sees. A block serves one protocol. No time but that of the frame.

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Frame, Refusal, cut, end_of, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::allocation::Destination;
use crate::port::PortRange;
use crate::protocol::Protocol;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "6wind",
    title: "6WIND fp-cgnat, syslog",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the frame's stamp; none in the records",
    source: "doc.6wind.com, Turbo Router 3.x, CG-NAT events; patterns of cgn-ec",
    cut: Cut::Lines,
    parser: |options| Box::new(SixwindParser::new(&options)),
};

/// A parser of `fp-cgnat` lines.
#[derive(Debug)]
pub struct SixwindParser {
    frame: Frame,
}

impl SixwindParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> SixwindParser {
        SixwindParser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        if let Some((before, rest)) = cut(line, b" CONN: ").or_else(|| cut(line, b" CONN ")) {
            event.kind = match values::words(before).next_back() {
                Some(b"NEW") => EventKind::SessionCreate,
                Some(b"DESTROY") => EventKind::SessionDelete,
                word => return Err((RejectReason::UnknownEvent, word.unwrap_or(line))),
            };
            self.flow(rest, event)?;
        } else if let Some((before, rest)) = cut(line, b" BLOCK (") {
            event.kind = match values::words(before).next_back() {
                Some(b"NEW") => EventKind::BlockAlloc,
                Some(b"DESTROY") => EventKind::BlockRelease,
                word => return Err((RejectReason::UnknownEvent, word.unwrap_or(line))),
            };
            self.block(line, before, rest, event)?;
        } else if find(line, b"CGNAT Log listen").is_some() {
            return Err((RejectReason::ToolMessage, line));
        } else if find(line, b"fp-cgnat").is_some() {
            return Err((RejectReason::UnknownEvent, line));
        } else {
            return Err((RejectReason::NotNat, line));
        }
        values::stamp(event, &head, line)?;
        values::settle(event);
        Ok(())
    }

    /// `fwd proto n a:p -> d:dp, back proto n d:dp -> X:xp`
    fn flow<'a>(&mut self, text: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(text));
        let (forward, back) = cut(text, b", back ").ok_or(cut_short)?;
        let forward = forward.strip_prefix(b"fwd ").ok_or((RejectReason::UnknownField, forward))?;
        let (protocol, inside, far) = way(forward)?;
        let (back_protocol, seen, public) = way(back)?;
        if protocol != back_protocol {
            return Err((RejectReason::BadProtocol, back));
        }
        event.protocol = Some(protocol);
        let (addr, port) = values::endpoint(inside)?;
        event.inside = Some(values::host(addr, self.frame.realms.none()));
        event.inside_port = Some(values::port(port)?);
        let (addr, port) = values::ipv4_endpoint(public)?;
        event.outside = Some(addr);
        event.ports = Some(PortRange::single(values::port(port)?));
        let (addr, port_text) = values::ipv4_endpoint(seen)?;
        let port = values::port(port_text)?;
        event.destination = Some(match values::endpoint(far)? {
            (far, far_port) if far == addr => {
                Destination { addr, port: Some(values::port(far_port)?) }
            }
            _ => Destination { addr, port: Some(port) },
        });
        self.frame.is_whole =
            values::cut_last(public, b':').is_some_and(|(_, port)| values::is_full_port(port));
        Ok(())
    }

    /// `USER a (matching rule n): NEW BLOCK (pool "p", ip public X, proto n, port lo - hi)`
    fn block<'a>(
        &mut self,
        line: &'a [u8],
        before: &'a [u8],
        text: &'a [u8],
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let (_, user) = cut(before, b"USER ").ok_or((RejectReason::MissingField, before))?;
        let user = values::words(user).next().ok_or((RejectReason::MissingField, before))?;
        event.inside = Some(values::host(values::ip(user)?, self.frame.realms.none()));
        let Some(text) = text.trim_ascii_end().strip_suffix(b")") else {
            return Err((RejectReason::CutShort, end_of(line)));
        };
        for field in text.split(|&b| b == b',') {
            let field = field.trim_ascii();
            if let Some(pool) = field.strip_prefix(b"pool ") {
                let bare = pool.strip_prefix(b"\"").and_then(|pool| pool.strip_suffix(b"\""));
                event.pool = Some(values::name(bare.unwrap_or(pool))?);
            } else if let Some(addr) = field.strip_prefix(b"ip public ") {
                event.outside = Some(values::ipv4(addr)?);
            } else if let Some(protocol) = field.strip_prefix(b"proto ") {
                event.protocol = Some(values::protocol(protocol)?);
            } else if let Some(ports) = field.strip_prefix(b"port ")
                && event.ports.replace(values::dashed_range(ports)?).is_some()
            {
                return Err((RejectReason::RepeatedField, field));
            }
        }
        if event.outside.is_none() || event.ports.is_none() {
            return Err((RejectReason::MissingField, text));
        }
        self.frame.is_whole = true;
        Ok(())
    }
}

/// `proto n a:p -> d:dp`
fn way(text: &[u8]) -> Result<(Protocol, &[u8], &[u8]), Refusal<'_>> {
    let mut words = values::words(text);
    let cut_short = (RejectReason::CutShort, end_of(text));
    let mut next = || words.next().ok_or(cut_short);
    let word = next()?;
    if word != b"proto" {
        return Err((RejectReason::UnknownField, word));
    }
    let protocol = values::protocol(next()?)?;
    let from = next()?;
    let arrow = next()?;
    if !matches!(arrow, b"->" | b"-->") {
        return Err((RejectReason::UnknownField, arrow));
    }
    let to = next()?;
    match words.next() {
        None => Ok((protocol, from, to)),
        Some(word) => Err((RejectReason::UnknownField, word)),
    }
}

impl LineParser for SixwindParser {
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

    const BLOCK: &str = "Nov  2 03:04:05 vsr fp-cgnat[77]: USER 100.64.0.7 (matching rule 1): DESTROY BLOCK \
        (pool \"p one\", ip public 203.0.113.9, proto 17, port 1024 - 1535)";
    const FLOW: &str = "fp-cgnat[77]: NEW CONN: fwd proto 6 100.64.0.7:50001 -> 198.51.100.4:443, back proto 6 \
        198.51.100.4:443 --> 203.0.113.9:20001";

    fn options() -> ReaderOptions {
        ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
    }

    #[test]
    fn blocks_and_flows_are_read() {
        let block = one(Format::Sixwind, options(), BLOCK);
        assert_eq!((block.kind, block.pool.as_deref()), (EventKind::BlockRelease, Some("p one")));
        assert_eq!(block.ports, PortRange::new(1024, 1535).ok());
        assert_eq!(block.protocol, Some(Protocol::UDP));
        let flow = one(Format::Sixwind, options(), FLOW);
        assert_eq!((flow.kind, flow.inside_port), (EventKind::SessionCreate, Some(50001)));
        assert_eq!(flow.outside.unwrap().to_string(), "203.0.113.9");
        assert_eq!(flow.destination.unwrap().to_string(), "198.51.100.4:443");
        let moved = FLOW.replace("back proto 6 198.51.100.4:443", "back proto 6 192.0.2.8:8443");
        let moved = one(Format::Sixwind, options(), &moved);
        assert_eq!(moved.destination.unwrap().to_string(), "192.0.2.8:8443");
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::Sixwind, options(), line);
        assert_eq!(refused("Nov  2 03:04:05 vsr sshd[1]: hello").0, "not-nat");
        assert_eq!(refused("vsr fp-cgnat[77]: CGNAT Log listen on 5001").0, "tool-message");
        assert_eq!(refused("vsr fp-cgnat[77]: NO BLOCK LEFT").0, "unknown-event");
        assert_eq!(refused(&FLOW.replace("NEW", "OLD")), ("unknown-event", 15));
        assert_eq!(refused(&FLOW.replace("back proto 6", "back proto 17")).0, "bad-protocol");
        assert_eq!(refused(&FLOW.replace(":20001", "")).0, "bad-address");
        assert_eq!(refused(&FLOW.replace(" --> ", " <> ")).0, "unknown-field");
        assert_eq!(refused(&BLOCK.replace("1535)", "1535")).0, "cut-short");
        assert_eq!(refused(&BLOCK.replace("1535)", "1000)")).0, "bad-port");
        assert_eq!(refused(&BLOCK.replace("ip public 203.0.113.9, ", "")).0, "missing-field");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [BLOCK, FLOW] {
            prefixes_are_safe(Format::Sixwind, &options(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::Sixwind, &[BLOCK, FLOW]);
    }
}
