//! MikroTik RouterOS: the lines of a firewall rule with `action=log`.
//!
//! ```text
//! firewall,info forward: in:<pppoe-user7> out:ether1, connection-state:new,snat src-mac 02:00:5e:10:00:01,
//!                        |                                              proto TCP (SYN),
//!                        login
//!   100.64.0.7:50001->198.51.100.4:443, NAT (100.64.0.7:50001->203.0.113.9:20001)->198.51.100.4:443, len 60
//!   |                 |                      |                 |
//!   inside            far side               inside again      public address and port
//! ```
//!
//! | NAT clause | chain |
//! |---|---|
//! | `NAT (S:sp->X:xp)->D:dp` | after translation: inside `S`, public `X` |
//! | `NAT (S:sp->X:xp)->(D:dp->E:ep)` | destination translated too: the world sees `E` |
//! | `NAT (X:xp->D:dp)` | `srcnat`: public `X`, far side `D`; the inside stands before the clause |
//! | `NAT S:sp->(X:xp->D:dp)` | an answer, where `connection-state` has `snat` and no `dnat`: inside `D`, public `X`, far side `S` |
//! | the same, otherwise | only the destination was translated: nobody's outbound port |
//!
//! RouterOS never logs the end of a flow, and logs each packet that meets the rule: every line is an
//! [`EventKind::SessionSeen`]. Lines without the clause say nothing about a public port. ICMP lines carry no
//! identifier, so no port.
//!
//! With `remote-log-format=cef` (RouterOS 7.18) the same text stands in `msg=`. The time is that of the frame.

use std::net::IpAddr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Frame, Refusal, cut, end_of, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::allocation::Destination;
use crate::port::PortRange;
use crate::protocol::Protocol;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "mikrotik",
    title: "MikroTik RouterOS, firewall log with a NAT clause",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: false,
        destination: true,
        login: true,
    },
    time_basis: "the frame's stamp; none in the records",
    source: "RouterOS documentation; samples and parsers published by operators",
    cut: Cut::Lines,
    parser: |options| Box::new(MikrotikParser::new(&options)),
};

/// A parser of RouterOS firewall lines.
#[derive(Debug)]
pub struct MikrotikParser {
    frame: Frame,
}

/// An address, and the port where there is one.
type End = (IpAddr, Option<u16>);

impl MikrotikParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> MikrotikParser {
        MikrotikParser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let other = (RejectReason::OtherEvent, line);
        // A log prefix is free text: what counts begins at the interface.
        let at = ["in:", "out:"].iter().filter_map(|mark| interface(line, mark.as_bytes())).min();
        let body = at.and_then(|at| line.get(at..)).unwrap_or(line);
        let (before, rest) = cut(body, b"proto ").ok_or((RejectReason::NotNat, line))?;
        let cut_short = (RejectReason::CutShort, end_of(line));

        let Some((tuple, clause)) = cut(rest, b", NAT ") else {
            // A flow that is said to be translated, in a line that does not say how.
            return Err(if find(before, b",snat").is_some() { cut_short } else { other });
        };
        // The flags and the type of an ICMP message may hold commas.
        let (protocol, tuple) = values::cut_last(tuple, b',').ok_or(cut_short)?;
        let tuple = tuple.trim_ascii_start();
        let name = values::words(protocol).next().ok_or(cut_short)?;
        let protocol = values::protocol(name.strip_suffix(b",").unwrap_or(name))?;
        event.protocol = Some(protocol);
        let (source, target) = cut(tuple, b"->").ok_or((RejectReason::BadAddress, tuple))?;
        let (source, target) = (end(source, protocol)?, end(target.trim_ascii(), protocol)?);
        event.kind = EventKind::SessionSeen;
        event.login = login(before, b"in:<")?;

        let Some(clause) = clause.strip_prefix(b"(") else {
            self.answer(clause, protocol, (source, target), before, event)?;
            values::stamp(event, &head, line)?;
            values::settle(event);
            return Ok(());
        };
        let (first, behind) = cut(clause, b")").ok_or(cut_short)?;
        let (left, right) = cut(first, b"->").ok_or((RejectReason::BadAddress, first))?;
        let (left_end, right_end) = (end(left, protocol)?, end(right, protocol)?);
        let (public, far) = if let Some(behind) = behind.strip_prefix(b"->") {
            if left_end != source {
                return Err((RejectReason::BadAddress, left));
            }
            let (first_far, far, behind) = if let Some(both) = behind.strip_prefix(b"(") {
                let (both, behind) = cut(both, b")").ok_or(cut_short)?;
                let (from, to) = cut(both, b"->").ok_or((RejectReason::BadAddress, both))?;
                (from, to, behind)
            } else {
                let length =
                    behind.iter().position(|b| !b.is_ascii_hexdigit() && !b".:[]".contains(b));
                let (far, behind) =
                    behind.split_at_checked(length.unwrap_or(behind.len())).ok_or(cut_short)?;
                (far, far, behind)
            };
            if end(first_far, protocol)? != target {
                return Err((RejectReason::BadAddress, first_far));
            }
            self.frame.is_whole = !behind.is_empty();
            (right_end, end(far, protocol)?)
        } else {
            // The order of the srcnat chain.
            if behind.is_empty() && left_end == source {
                return Err(cut_short);
            }
            if right_end != target {
                return Err((RejectReason::BadAddress, right));
            }
            self.frame.is_whole = !behind.is_empty();
            (left_end, right_end)
        };
        let (IpAddr::V4(outside), IpAddr::V4(addr)) = (public.0, far.0) else {
            return Err((RejectReason::Ipv6Translation, clause));
        };
        if public == source {
            return Err((RejectReason::NoTranslation, clause));
        }
        event.inside = Some(values::host(source.0, self.frame.realms.none()));
        event.inside_port = source.1;
        event.outside = Some(outside);
        event.ports = public.1.map(PortRange::single);
        event.destination = Some(Destination { addr, port: far.1 });
        values::stamp(event, &head, line)?;
        values::settle(event);
        Ok(())
    }
}

impl MikrotikParser {
    /// `S->(X->D)`: a packet from the far side, whose destination is put back to the inside.
    fn answer<'a>(
        &mut self,
        clause: &'a [u8],
        protocol: Protocol,
        (source, target): (End, End),
        before: &'a [u8],
        event: &mut Event,
    ) -> Result<(), Refusal<'a>> {
        let cut_short = (RejectReason::CutShort, end_of(clause));
        let (text, behind) = cut(clause, b")").ok_or(cut_short)?;
        let (from, both) = cut(text, b"->(").ok_or(cut_short)?;
        let forward = (RejectReason::DestinationTranslation, clause);
        let (public, inside) = cut(both, b"->").filter(|_| is_answer(before)).ok_or(forward)?;
        let (public_end, inside_end) = (end(public, protocol)?, end(inside, protocol)?);
        if end(from, protocol)? != source {
            return Err((RejectReason::BadAddress, from));
        }
        if target != public_end && target != inside_end {
            return Err((RejectReason::BadAddress, both));
        }
        let (IpAddr::V4(outside), IpAddr::V4(addr)) = (public_end.0, source.0) else {
            return Err((RejectReason::Ipv6Translation, clause));
        };
        if public_end == inside_end {
            return Err((RejectReason::NoTranslation, clause));
        }
        event.login = login(before, b"out:<")?;
        event.inside = Some(values::host(inside_end.0, self.frame.realms.none()));
        event.inside_port = inside_end.1;
        event.outside = Some(outside);
        event.ports = public_end.1.map(PortRange::single);
        event.destination = Some(Destination { addr, port: source.1 });
        self.frame.is_whole = !behind.is_empty();
        Ok(())
    }
}

/// Whether the source of the connection was translated, and its destination was not.
fn is_answer(before: &[u8]) -> bool {
    let Some((_, state)) = cut(before, b"connection-state:") else { return false };
    let state = values::words(state).next().unwrap_or_default();
    let has = |flag: &[u8]| state.split(|&b| b == b',').any(|part| part == flag);
    has(b"snat") && !has(b"dnat")
}

/// Where `in:` or `out:` stands as a word.
fn interface(line: &[u8], mark: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + find(line.get(from..)?, mark)?;
        if at == 0 || line.get(at - 1).is_some_and(|b| matches!(b, b' ' | b'=' | b',' | b':')) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// `192.0.2.1:80`; the address alone where the protocol shows no ports.
fn end(text: &[u8], protocol: Protocol) -> Result<End, Refusal<'_>> {
    if let Ok(addr) = values::ip(text) {
        let is_portless = protocol == Protocol::ICMP || !protocol.has_ports();
        return if is_portless { Ok((addr, None)) } else { Err((RejectReason::BadPort, text)) };
    }
    let (addr, port) = values::endpoint(text)?;
    Ok((addr, Some(values::port(port)?)))
}

/// The user of `in:<pppoe-USER>`, also of other tunnels.
fn login<'a>(before: &'a [u8], mark: &[u8]) -> Result<Option<Box<str>>, Refusal<'a>> {
    let Some((_, rest)) = cut(before, mark) else { return Ok(None) };
    let Some((interface, _)) = cut(rest, b">") else { return Ok(None) };
    match cut(interface, b"-") {
        Some((b"pppoe" | b"l2tp" | b"pptp" | b"sstp" | b"ovpn", user)) if !user.is_empty() => {
            values::name(user).map(Some)
        }
        _ => Ok(None),
    }
}

impl LineParser for MikrotikParser {
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
