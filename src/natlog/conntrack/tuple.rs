//! The two tuples of a flow.

use std::net::IpAddr;

use crate::natlog::RejectReason;
use crate::natlog::linux_flow::{Ends, Tuple};
use crate::natlog::scan::Cursor;

/// `src=A dst=A`, then `sport=N dport=N`, `type=N code=N id=N`, or neither.
pub(super) fn tuple(c: &mut Cursor<'_>) -> Result<Tuple, RejectReason> {
    let src = address(c, b"src=")?;
    let dst = address(c, b"dst=")?;
    let ends = match c.rest() {
        [b's', b'p', ..] => Ends::Ports { src: word(c, b"sport=")?, dst: word(c, b"dport=")? },
        [b't', ..] => {
            word(c, b"type=")?;
            word(c, b"code=")?;
            Ends::Icmp { id: word(c, b"id=")? }
        }
        _ => Ends::None,
    };
    Ok(Tuple { src, dst, ends })
}

#[inline]
fn address<const N: usize>(c: &mut Cursor<'_>, key: &[u8; N]) -> Result<IpAddr, RejectReason> {
    expect(c, key)?;
    let addr = c.address().ok_or(RejectReason::BadAddress)?;
    c.skip_blanks();
    Ok(addr)
}

#[inline]
fn word<const N: usize>(c: &mut Cursor<'_>, key: &[u8; N]) -> Result<u16, RejectReason> {
    expect(c, key)?;
    let value = c.word().ok_or(RejectReason::BadPort)?;
    c.skip_blanks();
    Ok(value)
}

#[inline]
fn expect<const N: usize>(c: &mut Cursor<'_>, key: &[u8; N]) -> Result<(), RejectReason> {
    if c.take(key) {
        if c.is_at_end() { Err(RejectReason::CutShort) } else { Ok(()) }
    } else if key.starts_with(c.rest()) {
        Err(RejectReason::CutShort)
    } else {
        Err(RejectReason::UnknownField)
    }
}
