//! The ends of a connection as ASA prints them: `inside:10.0.0.1/5000 (203.0.113.7/20017)(LOCAL\user)`.

use std::net::IpAddr;

use crate::allocation::Destination;
use crate::natlog::RejectReason;
use crate::natlog::texts::{self, Refusal, split_at_text};

/// An address, and a port where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// None where the box prints a name that its configuration gives the address.
    pub(super) addr: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

impl End {
    /// The address, which must be one.
    pub(super) fn ip<'a>(&self, blame: &'a [u8]) -> Result<IpAddr, Refusal<'a>> {
        self.addr.ok_or((RejectReason::BadAddress, blame))
    }
}

/// One side: the end on its own interface, and what it is mapped to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) real: End,
    pub(super) mapped: Option<End>,
    /// Both are written alike: the side is not translated.
    pub(super) is_plain: bool,
}

/// Whole seconds, where a duration is printed.
pub(super) type Duration = Option<u64>;

/// `outside(acl):203.0.113.7/20017 (203.0.113.7/20017)`, up to whatever follows.
pub(super) fn side(text: &[u8]) -> Result<Side, Refusal<'_>> {
    let (_, addr) = texts::split(text, b':').ok_or((RejectReason::BadAddress, text))?;
    let real = end(addr)?;
    let behind = addr.iter().position(|b| matches!(b, b' ' | b'(')).unwrap_or(addr.len());
    let behind = addr.get(behind..).unwrap_or_default().trim_ascii_start();
    let mapped = behind.strip_prefix(b"(").and_then(|inner| texts::split(inner, b')'));
    let is_plain = mapped.is_some_and(|(inner, _)| inner == word(addr));
    // What stands in the bracket may also be the name of a user, which has no port.
    let mapped = mapped.and_then(|(inner, _)| end(inner).ok());
    let mapped = mapped.filter(|mapped| mapped.addr.is_some() || mapped.port.is_some());
    Ok(Side { real, mapped, is_plain })
}

/// `203.0.113.7/20017`, `203.0.113.7`, up to a blank or bracket.
pub(super) fn end(text: &[u8]) -> Result<End, Refusal<'_>> {
    let text = word(text);
    let (addr, port) = match texts::split(text, b'/') {
        Some((addr, port)) => (addr, Some(texts::port(port)?)),
        None => (text, None),
    };
    let addr = if is_name(addr) { None } else { Some(texts::address(addr)?) };
    Ok(End { addr, port })
}

/// The text up to a blank or bracket.
fn word(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_start();
    let len = text.iter().position(|b| matches!(b, b' ' | b'(')).unwrap_or(text.len());
    text.get(..len).unwrap_or_default()
}

/// A name of the `name` command: it begins with a letter and holds no colon.
fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

/// The far side, where it is an address.
pub(super) fn destination(
    far: End,
    port: Option<u16>,
    blame: &[u8],
) -> Result<Option<Destination>, Refusal<'_>> {
    match far.addr {
        Some(IpAddr::V4(addr)) => Ok(Some(Destination { addr, port })),
        Some(IpAddr::V6(_)) => Err((RejectReason::Ipv6Translation, blame)),
        None => Ok(None),
    }
}

/// `duration 1:02:03`
pub(super) fn duration(text: &[u8]) -> Result<Duration, Refusal<'_>> {
    let Some((_, text)) = split_at_text(text, b" duration ") else { return Ok(None) };
    let text = text.trim_ascii_start();
    let word = texts::split(text, b' ').map_or(text, |(word, _)| word);
    let bad = (RejectReason::BadValue, word);
    let (hours, rest) = texts::split(word, b':').ok_or(bad)?;
    let (minutes, seconds) = texts::split(rest, b':').ok_or(bad)?;
    if minutes.len() != 2 || seconds.len() != 2 {
        return Err(bad);
    }
    let number = |text, max| texts::number(text, max).ok_or(bad);
    Ok(Some(number(hours, 1_000_000)? * 3_600 + number(minutes, 59)? * 60 + number(seconds, 59)?))
}
