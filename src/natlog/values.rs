//! Values as the logs of many NATs write them: addresses, ports, protocols, epochs, `key=value` pairs; and the place of
//! what cannot be read.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::clock::Clock;
use super::reader::{ReaderOptions, column};
use super::syslog::Head;
use super::{Event, EventKind, RejectReason};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, TimeDelta, Timestamp, WrittenTime};

/// Why a record is refused, and the part of its line at which reading stopped.
pub(super) type Refusal<'a> = (RejectReason, &'a [u8]);

/// A refusal with its column.
pub(super) fn placed(line: &[u8], (reason, part): Refusal<'_>) -> (RejectReason, u32) {
    let offset = part.as_ptr().addr().saturating_sub(line.as_ptr().addr());
    (reason, column(offset.min(line.len())))
}

/// The empty text behind a line, where something is missing.
pub(super) fn end_of(line: &[u8]) -> &[u8] {
    line.split_at(line.len()).1
}

/// Where `needle` begins in `text`.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|&b| b == first)?;
        if text.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// What stands before and behind the first `needle`.
pub(super) fn cut<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(text, needle)?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(needle.len()..)?))
}

/// What stands before and behind the last byte `mark`.
pub(super) fn cut_last(text: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|&b| b == mark)?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

/// The words between blanks.
pub(super) fn words(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// A number in plain decimal digits.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A port.
pub(super) fn port(text: &[u8]) -> Result<u16, Refusal<'_>> {
    number(text).and_then(|n| u16::try_from(n).ok()).ok_or((RejectReason::BadPort, text))
}

/// Whether a port has so many digits that none can be missing at its end.
pub(super) fn is_full_port(text: &[u8]) -> bool {
    text.len() == 5
}

/// The ports from `first` to `last`.
pub(super) fn range<'a>(first: &'a [u8], last: &'a [u8]) -> Result<PortRange, Refusal<'a>> {
    PortRange::new(port(first)?, port(last)?).map_err(|_| (RejectReason::BadPort, last))
}

/// `1024-1087`, with or without blanks around the dash.
pub(super) fn dashed_range(text: &[u8]) -> Result<PortRange, Refusal<'_>> {
    let (first, last) = cut(text, b"-").ok_or((RejectReason::BadPort, text))?;
    range(first.trim_ascii(), last.trim_ascii())
}

/// An address of either family, an IPv6 one with or without brackets.
pub(super) fn ip(text: &[u8]) -> Result<IpAddr, Refusal<'_>> {
    let bare = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]"));
    let addr = std::str::from_utf8(bare.unwrap_or(text)).ok().and_then(|t| t.parse().ok());
    addr.filter(|addr: &IpAddr| bare.is_none() || addr.is_ipv6())
        .ok_or((RejectReason::BadAddress, text))
}

/// An IPv4 address. An IPv6 one where the public address belongs is another NAT's business.
pub(super) fn ipv4(text: &[u8]) -> Result<Ipv4Addr, Refusal<'_>> {
    match ip(text)? {
        IpAddr::V4(addr) => Ok(addr),
        IpAddr::V6(_) => Err((RejectReason::Ipv6Translation, text)),
    }
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`; the port is left as text.
pub(super) fn endpoint(text: &[u8]) -> Result<(IpAddr, &[u8]), Refusal<'_>> {
    let (addr, port) = cut_last(text, b':').ok_or((RejectReason::BadAddress, text))?;
    let addr_ip = ip(addr)?;
    // Without brackets nothing tells the last group of an IPv6 address from a port.
    if addr_ip.is_ipv6() && !addr.starts_with(b"[") {
        return Err((RejectReason::BadAddress, text));
    }
    Ok((addr_ip, port))
}

/// `192.0.2.1:80`.
pub(super) fn ipv4_endpoint(text: &[u8]) -> Result<(Ipv4Addr, &[u8]), Refusal<'_>> {
    match endpoint(text)? {
        (IpAddr::V4(addr), port) => Ok((addr, port)),
        (IpAddr::V6(_), _) => Err((RejectReason::Ipv6Translation, text)),
    }
}

/// A protocol by name or number. `ICMPv6` is ICMP on the public side of a NAT64, and that side is meant.
pub(super) fn protocol(text: &[u8]) -> Result<Protocol, Refusal<'_>> {
    const NAMES: [(&[u8], Protocol); 12] = [
        (b"tcp", Protocol::TCP),
        (b"udp", Protocol::UDP),
        (b"icmp", Protocol::ICMP),
        (b"icmpv6", Protocol::ICMP),
        (b"icmp6", Protocol::ICMP),
        (b"gre", Protocol::new(47)),
        (b"esp", Protocol::new(50)),
        (b"ipsec-esp", Protocol::new(50)),
        (b"ah", Protocol::new(51)),
        (b"ipsec-ah", Protocol::new(51)),
        (b"sctp", Protocol::SCTP),
        (b"dccp", Protocol::DCCP),
    ];
    if let Some(&(_, protocol)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Ok(protocol);
    }
    match number(text).and_then(|n| u8::try_from(n).ok()) {
        Some(58) => Ok(Protocol::ICMP),
        Some(number) => Ok(Protocol::new(number)),
        None => Err((RejectReason::BadProtocol, text)),
    }
}

/// A name that the NAT gave something.
pub(super) fn name(text: &[u8]) -> Result<Box<str>, Refusal<'_>> {
    std::str::from_utf8(text).map(Box::from).map_err(|_| (RejectReason::NotUtf8, text))
}

/// Unix time as an integer: seconds, or milli-, micro- or nanoseconds by the number of its digits; or seconds with a
/// fraction.
pub(super) fn epoch(text: &[u8]) -> Result<WrittenTime, Refusal<'_>> {
    let bad = (RejectReason::BadTime, text);
    if text.contains(&b'.') {
        let text = std::str::from_utf8(text).map_err(|_| bad)?;
        return WrittenTime::from_epoch_text(&format!("@{text}")).map_err(|_| bad);
    }
    let value = number(text).and_then(|n| i64::try_from(n).ok()).ok_or(bad)?;
    let (micros, resolution) = match text.len() {
        1..=11 => (value * MICROS_PER_SECOND, MICROS_PER_SECOND),
        12..=14 => (value * 1_000, 1_000),
        15..=17 => (value, 1),
        18..=19 => (value / 1_000, 1),
        _ => return Err(bad),
    };
    Ok(WrittenTime::new(Timestamp::from_microsecond(micros), resolution))
}

/// When something began that ended at `end` and lasted that many whole seconds.
pub(super) fn before(end: WrittenTime, seconds: u64) -> Option<WrittenTime> {
    let seconds = i64::from(u32::try_from(seconds).ok()?);
    // The duration is cut off: it was up to a second longer.
    let start = end.start().minus(TimeDelta::from_second(seconds + 1));
    Some(WrittenTime::new(start, MICROS_PER_SECOND + end.resolution_microsecond()))
}

/// What every parser of framed lines keeps.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) clock: Clock,
    pub(super) realms: Realms,
    /// Nothing that matters can be missing at the end of the line read last.
    pub(super) is_whole: bool,
}

impl Frame {
    pub(super) fn new(options: &ReaderOptions) -> Frame {
        Frame {
            clock: Clock::new(options),
            realms: Realms::new(options.realm().clone()),
            is_whole: false,
        }
    }
}

/// Gives an event that has no other clock the stamp of its frame. A line without any stamp stays without.
pub(super) fn stamp<'a>(
    event: &mut Event,
    head: &Head<'_>,
    line: &'a [u8],
) -> Result<(), Refusal<'a>> {
    match head.time {
        Some(Err(reason)) => Err((reason, line)),
        Some(Ok(time)) => {
            event.time = Some(time);
            Ok(())
        }
        None => Ok(()),
    }
}

/// The stamp of the frame where it can be read.
pub(super) fn readable(head: &Head<'_>) -> Option<WrittenTime> {
    head.time.and_then(Result::ok)
}

/// The realms seen, so that a name is kept once.
#[derive(Debug)]
pub(super) struct Realms {
    none: Realm,
    known: BTreeMap<Box<[u8]>, Realm>,
}

impl Realms {
    /// More names than that are no realms.
    const MOST: usize = 4096;

    pub(super) fn new(none: Realm) -> Realms {
        Realms { none, known: BTreeMap::new() }
    }

    /// The realm of records that name none.
    pub(super) fn none(&self) -> Realm {
        self.none.clone()
    }

    /// The realm with that name; `0` and `-` are no names.
    pub(super) fn of<'a>(&mut self, text: &'a [u8]) -> Result<Realm, Refusal<'a>> {
        if matches!(text, b"" | b"0" | b"-") {
            return Ok(self.none());
        }
        if let Some(realm) = self.known.get(text) {
            return Ok(realm.clone());
        }
        let name = std::str::from_utf8(text).map_err(|_| (RejectReason::BadHost, text))?;
        let realm = Realm::new(name);
        if self.known.len() >= Self::MOST {
            self.known.clear();
        }
        self.known.insert(Box::from(text), realm.clone());
        Ok(realm)
    }
}

/// The host at an inside address.
pub(super) fn host(addr: IpAddr, realm: Realm) -> InsideHost {
    match addr {
        IpAddr::V4(addr) => InsideHost::V4 { addr, realm },
        IpAddr::V6(addr) => InsideHost::V6(addr),
    }
}

/// A destination; its port may be absent.
pub(super) fn destination<'a>(
    addr: &'a [u8],
    port_text: Option<&'a [u8]>,
) -> Result<Destination, Refusal<'a>> {
    Ok(Destination { addr: ipv4(addr)?, port: port_text.map(port).transpose()? })
}

/// Takes out what is no port: ICMP has none on the far side, and protocols without ports have none at all, so that every
/// port of the public address may be theirs.
pub(super) fn settle(event: &mut Event) {
    let Some(protocol) = event.protocol else { return };
    if (protocol == Protocol::ICMP || !protocol.has_ports())
        && let Some(destination) = &mut event.destination
    {
        destination.port = None;
    }
    if !protocol.has_ports()
        && !matches!(event.kind, EventKind::BlockAlloc | EventKind::BlockRelease)
    {
        event.inside_port = None;
        event.ports = Some(PortRange::ALL);
    }
}

/// The values of the keys that matter, each at most once.
#[derive(Debug)]
pub(super) struct Fields<'a, const N: usize> {
    keys: &'static [&'static [u8]; N],
    values: [Option<&'a [u8]>; N],
    line: &'a [u8],
}

impl<'a, const N: usize> Fields<'a, N> {
    pub(super) fn new(keys: &'static [&'static [u8]; N], line: &'a [u8]) -> Self {
        Fields { keys, values: [None; N], line }
    }

    fn at(&self, key: &[u8]) -> Option<usize> {
        self.keys.iter().position(|k| *k == key)
    }

    /// Keeps the value if its key matters.
    pub(super) fn put(&mut self, key: &[u8], value: &'a [u8]) -> Result<(), Refusal<'a>> {
        let slot = self.at(key).and_then(|at| self.values.get_mut(at));
        match slot.and_then(|slot| slot.replace(value)) {
            Some(_) => Err((RejectReason::RepeatedField, value)),
            None => Ok(()),
        }
    }

    /// The value, where there is one that is not empty.
    pub(super) fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.at(key).and_then(|at| *self.values.get(at)?).filter(|value| !value.is_empty())
    }

    /// The value, without which there is no such record.
    pub(super) fn need(&self, key: &[u8]) -> Result<&'a [u8], Refusal<'a>> {
        self.get(key).ok_or((RejectReason::MissingField, end_of(self.line)))
    }

    /// A name under that key.
    pub(super) fn name(&self, key: &[u8]) -> Result<Option<Box<str>>, Refusal<'a>> {
        self.get(key).map(name).transpose()
    }
}

/// `key=value` and `key="value"`, between blanks or commas.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    rest: &'a [u8],
    /// A bracket ends them.
    is_bracketed: bool,
    /// The key of an unquoted value that ends with the text: more of it may be missing.
    pub(super) open: Option<&'a [u8]>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(text: &'a [u8]) -> Pairs<'a> {
        Pairs { rest: text, is_bracketed: false, open: None }
    }

    /// Those of structured data, up to its closing bracket.
    pub(super) fn in_brackets(text: &'a [u8]) -> Pairs<'a> {
        Pairs { is_bracketed: true, ..Pairs::new(text) }
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Refusal<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        while let [b' ' | b'\t' | b',', rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() || self.is_bracketed && self.rest.starts_with(b"]") {
            return None;
        }
        let is_end = |b: &u8| matches!(b, b' ' | b'\t' | b',');
        let split = self.rest.iter().position(|b| *b == b'=' || is_end(b));
        let (key, rest) = self.rest.split_at_checked(split.unwrap_or(self.rest.len()))?;
        let Some(value) = rest.strip_prefix(b"=") else {
            // A word without value.
            self.rest = rest;
            self.open = rest.is_empty().then_some(key);
            return Some(Ok((key, end_of(key))));
        };
        if let Some(quoted) = value.strip_prefix(b"\"") {
            let mut is_escaped = false;
            let close = quoted.iter().position(|&b| {
                let closes = b == b'"' && !is_escaped;
                is_escaped = b == b'\\' && !is_escaped;
                closes
            });
            let Some((inner, rest)) = close.and_then(|at| quoted.split_at_checked(at)) else {
                self.rest = &[];
                return Some(Err((RejectReason::CutShort, end_of(quoted))));
            };
            self.rest = rest.get(1..).unwrap_or_default();
            self.open = None;
            return Some(Ok((key, inner)));
        }
        let is_bracketed = self.is_bracketed;
        let end = value.iter().position(|b| is_end(b) || is_bracketed && *b == b']');
        let (value, rest) = value.split_at_checked(end.unwrap_or(value.len()))?;
        self.rest = rest;
        self.open = rest.is_empty().then_some(key);
        Some(Ok((key, value)))
    }
}

#[cfg(test)]
pub(super) mod tests;
#[cfg(test)]
mod unit;
