//! The ends of a connection as ASA prints them: `inside:10.0.0.1/5000 (203.0.113.7/20017)(LOCAL\user)`.

use std::net::IpAddr;

use crate::natlog::RejectReason;
use crate::natlog::texts::{self, Refusal, split_at_text};

/// An address, and a port where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) addr: IpAddr,
    pub(super) port: Option<u16>,
}

/// One side: the end on its own interface, and what it is mapped to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) real: End,
    pub(super) mapped: Option<End>,
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
    // What stands in the bracket may also be the name of a user.
    let mapped = mapped.and_then(|(inner, _)| end(inner).ok());
    Ok(Side { real, mapped })
}

/// `203.0.113.7/20017`, `203.0.113.7`, up to a blank or bracket.
pub(super) fn end(text: &[u8]) -> Result<End, Refusal<'_>> {
    let text = text.trim_ascii_start();
    let len = text.iter().position(|b| matches!(b, b' ' | b'(')).unwrap_or(text.len());
    let text = text.get(..len).unwrap_or_default();
    let (addr, port) = match texts::split(text, b'/') {
        Some((addr, port)) => (addr, Some(texts::port(port)?)),
        None => (text, None),
    };
    Ok(End { addr: texts::address(addr)?, port })
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
