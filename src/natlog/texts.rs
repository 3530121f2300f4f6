//! The values that text logs share: pieces of a line -> addresses, ports, protocols, realms.
//!
//! A piece is a part of its line, so a refusal can name the piece to blame and its place follows from where it lies.

use std::net::{IpAddr, Ipv4Addr};

use super::RejectReason;
use super::reader::ReaderOptions;
use super::scan::Cursor;
pub(super) use super::values::{Refusal, host, placed as at_column, protocol};
use crate::inside::Realm;
use crate::port::PortRange;
use crate::time::{TimeDelta, WrittenTime};

pub(super) fn port(text: &[u8]) -> Result<u16, Refusal<'_>> {
    Cursor::new(text).word().filter(|_| is_digits(text)).ok_or((RejectReason::BadPort, text))
}

/// `first-last`
pub(super) fn ports(text: &[u8]) -> Result<PortRange, Refusal<'_>> {
    let (first, last) = split(text, b'-').ok_or((RejectReason::BadPort, text))?;
    PortRange::new(port(first)?, port(last)?).map_err(|_| (RejectReason::BadPort, text))
}

pub(super) fn address(text: &[u8]) -> Result<IpAddr, Refusal<'_>> {
    let mut c = Cursor::new(text);
    c.address().filter(|_| c.is_at_end()).ok_or((RejectReason::BadAddress, text))
}

pub(super) fn ipv4(text: &[u8]) -> Result<Ipv4Addr, Refusal<'_>> {
    match address(text)? {
        IpAddr::V4(addr) => Ok(addr),
        IpAddr::V6(_) => Err((RejectReason::BadAddress, text)),
    }
}

/// Decimal digits and nothing else.
pub(super) fn number(text: &[u8], max: u64) -> Option<u64> {
    let mut c = Cursor::new(text);
    c.number(max).filter(|_| c.is_at_end())
}

fn is_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// The parts before and behind the first `separator`.
pub(super) fn split(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&b| b == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The parts before and behind the last `separator`.
pub(super) fn split_last(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|&b| b == separator)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The parts before and behind the first `needle`.
pub(super) fn split_at_text<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(needle.len()).position(|window| window == needle)?;
    Some((text.get(..at)?, text.get(at + needle.len()..)?))
}

/// The begin of what ended at `end` and lasted so many whole seconds.
///
/// Whether a box cuts a duration off or takes the difference of two whole seconds is not documented: either way the
/// begin lies less than a second off.
pub(super) fn begin(end: WrittenTime, second: u64) -> WrittenTime {
    let length = TimeDelta::from_second(i64::try_from(second).unwrap_or(i64::MAX));
    let slack = TimeDelta::from_second(1);
    let start = end.start().minus(length).minus(slack);
    let resolution = end.resolution_microsecond().saturating_add(2 * slack.as_microsecond());
    // It did not begin behind its end.
    let longest = end.end().since(start).as_microsecond();
    WrittenTime::new(start, resolution.min(longest))
}

/// The realms of a source by name, so that a line needs no new one.
#[derive(Clone, Debug)]
pub(super) struct Realms {
    own: Realm,
    known: Vec<Realm>,
}

/// How many names are kept; a box has some, a hostile file any number.
const KNOWN_REALMS: usize = 64;

impl Realms {
    pub(super) fn new(options: &ReaderOptions) -> Realms {
        Realms { own: options.realm().clone(), known: Vec::new() }
    }

    /// The realm of the options.
    pub(super) fn own(&self) -> Realm {
        self.own.clone()
    }

    /// The realm of that name; that of the options for what says the default table: nothing, `-`, `0`.
    pub(super) fn named<'a>(&mut self, name: &'a [u8]) -> Result<Realm, Refusal<'a>> {
        if matches!(name, b"" | b"-" | b"0") {
            return Ok(self.own());
        }
        let known = self.known.iter().find(|realm| realm.as_str().as_bytes() == name);
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let text = std::str::from_utf8(name).map_err(|_| (RejectReason::BadHost, name))?;
        let realm = Realm::new(text);
        if self.known.len() < KNOWN_REALMS {
            self.known.push(realm.clone());
        }
        Ok(realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    #[test]
    fn values_are_whole_or_refused() {
        assert_eq!(port(b"1024"), Ok(1024));
        assert_eq!(ports(b"1024-2047").map(PortRange::len), Ok(1024));
        assert_eq!(ipv4(b"10.0.0.1").map(|a| a.to_string()), Ok("10.0.0.1".to_owned()));
        assert_eq!(protocol(b"Udp"), Ok(Protocol::UDP));
        assert_eq!(protocol(b"47").map(Protocol::number), Ok(47));
        for bad in [&b""[..], b" 1", b"1 ", b"65536", b"1x", b"-1"] {
            assert!(port(bad).is_err(), "{bad:?}");
        }
        for bad in [&b"1"[..], b"2-1", b"1-", b"-", b"1-2-3"] {
            assert!(ports(bad).is_err(), "{bad:?}");
        }
        for bad in [&b""[..], b"10.0.0.1 ", b"10.0.0", b"::1"] {
            assert!(ipv4(bad).is_err(), "{bad:?}");
        }
        assert!(protocol(b"256").is_err());
    }

    #[test]
    fn the_part_to_blame_has_its_column() {
        let line = b"abc 70000";
        assert_eq!(at_column(line, port(&line[4..]).unwrap_err()), (RejectReason::BadPort, 5));
    }

    #[test]
    fn a_duration_leaves_a_second_open_on_both_sides() {
        let end = WrittenTime::from_second(1_000);
        let begin = begin(end, 100);
        assert_eq!(begin.range().to_string(), "@899.000000/@902.000000");
        assert_eq!(super::begin(end, 0).range().to_string(), "@999.000000/@1001.000000");
    }

    #[test]
    fn realms_are_kept_up_to_a_limit() {
        let mut realms = Realms::new(&ReaderOptions::new());
        for i in 1..1_000 {
            assert_eq!(
                realms.named(format!("r{i}").as_bytes()).unwrap(),
                Realm::new(&format!("r{i}"))
            );
        }
        assert_eq!(realms.known.len(), KNOWN_REALMS);
        assert_eq!(realms.named(b"0"), Ok(Realm::EMPTY));
    }
}
