//! The two ways in which conntrack writes a time.

use jiff::civil::DateTime;

use crate::natlog::RejectReason;
use crate::natlog::scan::Cursor;
use crate::time::{MICROS_PER_SECOND, Timestamp, WrittenTime};

/// `[1795306735.123403]`
pub(super) fn stamp(c: &mut Cursor<'_>) -> Result<WrittenTime, RejectReason> {
    c.take(b"[");
    let second = c.number(u64::MAX).and_then(|n| i64::try_from(n).ok());
    let second = second.ok_or(RejectReason::BadTime)?;
    let (mut micros, mut resolution) = (0, MICROS_PER_SECOND);
    if c.take(b".") {
        let from = c.rest();
        while let Some(digit) = c.peek().filter(u8::is_ascii_digit) {
            if resolution > 1 {
                resolution /= 10;
                micros += i64::from(digit - b'0') * resolution;
            }
            c.take(&[digit]);
        }
        if c.rest().len() == from.len() {
            return Err(RejectReason::BadTime);
        }
    }
    if !c.take(b"]") {
        return Err(if c.is_at_end() { RejectReason::CutShort } else { RejectReason::BadTime });
    }
    let micros = second.checked_mul(MICROS_PER_SECOND).and_then(|s| s.checked_add(micros));
    let start = Timestamp::from_microsecond(micros.ok_or(RejectReason::BadTime)?);
    Ok(WrittenTime::new(start, resolution))
}

/// `Sun Nov 22 00:18:55 2026]`
pub(super) fn ctime(c: &mut Cursor<'_>) -> Option<DateTime> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let weekday = c.token();
    if weekday.len() != 3 || !c.skip_blanks() {
        return None;
    }
    let month = MONTHS.iter().position(|name| c.take(name))?;
    c.skip_blanks();
    let day = small(c, 31)?;
    c.skip_blanks();
    let hour = small(c, 23)?;
    let minute = c.take(b":").then(|| small(c, 59)).flatten()?;
    let second = c.take(b":").then(|| small(c, 59)).flatten()?;
    c.skip_blanks();
    let year = i16::try_from(c.number(9999)?).ok()?;
    let month = i8::try_from(month + 1).ok()?;
    if !c.take(b"]") || !c.is_at_boundary() {
        return None;
    }
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

fn small(c: &mut Cursor<'_>, max: u64) -> Option<i8> {
    c.number(max).and_then(|n| i8::try_from(n).ok())
}
