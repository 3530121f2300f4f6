//! The texts of civil stamps -> their fields; [`super::clock`] makes instants of them.
//!
//! Read are `2026-07-19T16:13:02.123456+00:00` with `T` or a blank, `Jul  9 16:13:02`, `Jul 9 2026 16:13:02`,
//! `Jul  9 16:13:02 2026`, `2026 Jul 9 16:13:02` (the month in full too), `jul/09/2026 16:13:02` of RouterOS, each with a fraction, an offset or the name of a zone behind it, AM or
//! PM, a weekday before it, and the `*` or `.` with which Cisco marks a clock that is not in step with NTP.

use super::scan::Cursor;
use crate::time::MICROS_PER_SECOND;

/// A civil stamp as written; its fields are in range one by one, and may still make no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp<'a> {
    pub(super) year: Option<i16>,
    pub(super) month: i8,
    pub(super) day: i8,
    pub(super) hour: i8,
    pub(super) minute: i8,
    /// 60 in a leap second.
    pub(super) second: i8,
    pub(super) subsecond_microsecond: i64,
    pub(super) resolution_microsecond: i64,
    pub(super) zone: ZoneText<'a>,
}

/// What a stamp says of its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZoneText<'a> {
    None,
    /// Seconds ahead of UTC.
    Offset(i32),
    /// A name, most often an abbreviation that many zones share.
    Name(&'a [u8]),
}

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
const WHOLE_MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];
const WEEKDAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// Abbreviations that stand for a zone even where no colon follows; others could be the name of a host.
const ZONES: [&[u8]; 40] = [
    b"EST", b"EDT", b"CST", b"CDT", b"MST", b"MDT", b"PST", b"PDT", b"AKST", b"AKDT", b"HST",
    b"AST", b"ADT", b"NST", b"NDT", b"WET", b"WEST", b"CET", b"CEST", b"MET", b"MEST", b"EET",
    b"EEST", b"MSK", b"BST", b"IST", b"PKT", b"WIB", b"SGT", b"HKT", b"JST", b"KST", b"AWST",
    b"ACST", b"ACDT", b"AEST", b"AEDT", b"NZST", b"NZDT", b"SAST",
];

/// Whether the name means UTC wherever it is written.
pub(super) fn is_utc(name: &[u8]) -> bool {
    name == b"Z" || [b"UTC", b"GMT", b"UCT"].iter().any(|utc| name.eq_ignore_ascii_case(*utc))
}

/// Takes a stamp off; nothing is moved past where none stands.
pub(super) fn stamp<'a>(c: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let mut at = *c;
    if matches!(at.rest(), [b'*' | b'.', next, ..] if next.is_ascii_alphanumeric()) {
        let _ = at.take(b"*") || at.take(b".");
    }
    let stamp = match at.peek()? {
        b'0'..=b'9' => year_first(&mut at)?,
        _ => month_first(&mut at)?,
    };
    *c = at;
    Some(stamp)
}

/// `2026-07-19T16:13:02`, `2026/07/19 16:13:02`, `2026 Jul 19 16:13:02`
fn year_first<'a>(c: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let year = year(c)?;
    let (month, day) = if c.skip_blanks() {
        let month = name(c, &MONTHS).or_else(|| whole_month(c))?;
        (month, c.skip_blanks().then(|| small(c, 1, 31)).flatten()?)
    } else {
        let separator = c.peek().filter(|b| matches!(b, b'-' | b'/'))?;
        let _ = c.take(&[separator]);
        let month = small(c, 1, 12)?;
        (month, c.take(&[separator]).then(|| small(c, 1, 31)).flatten()?)
    };
    let is_apart = c.take(b"T") || c.take(b"t") || c.skip_blanks();
    if !is_apart {
        return None;
    }
    let clock = clock(c)?;
    finish(c, Some(year), month, day, clock)
}

/// `Jul  9 16:13:02`, `Sun Jul 9 2026 16:13:02`
fn month_first<'a>(c: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let before = *c;
    if name(c, &WEEKDAYS).is_some() {
        let _ = c.take(b",");
        if !c.skip_blanks() {
            *c = before;
        }
    }
    let month = name(c, &MONTHS)?;
    let has_slashes = c.take(b"/");
    if !has_slashes && !c.skip_blanks() {
        return None;
    }
    let day = small(c, 1, 31)?;
    if has_slashes && c.take(b"/") {
        let year = year(c).filter(|_| c.skip_blanks())?;
        let clock = clock(c)?;
        return finish(c, Some(year), month, day, clock);
    }
    if !c.skip_blanks() {
        return None;
    }
    let mut at = *c;
    let year = year(&mut at).filter(|_| at.skip_blanks());
    if year.is_some() {
        *c = at;
    }
    let clock = clock(c)?;
    finish(c, year, month, day, clock)
}

/// What may stand behind the seconds.
fn finish<'a>(
    c: &mut Cursor<'a>,
    mut years: Option<i16>,
    month: i8,
    day: i8,
    (mut hour, minute, second, subsecond_microsecond, resolution_microsecond): Clock,
) -> Option<Stamp<'a>> {
    let mut at = *c;
    if at.skip_blanks() {
        let is_afternoon = match at.token() {
            b"AM" | b"am" | b"AM:" | b"am:" => Some(false),
            b"PM" | b"pm" | b"PM:" | b"pm:" => Some(true),
            _ => None,
        };
        if let Some(is_afternoon) = is_afternoon {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
            *c = at;
        }
    }
    let mut at = *c;
    if years.is_none() && at.skip_blanks() {
        years = year(&mut at)
            .filter(|_| matches!(at.rest(), [] | [b' ' | b'\t', ..] | [b':'] | [b':', b' ', ..]));
        if years.is_some() {
            *c = at;
        }
    }
    // A fraction and a year: IOS, which may put a zone behind, and not ASA.
    let has_host = years.is_some() && resolution_microsecond == MICROS_PER_SECOND;
    let zone = zone(c, has_host);
    if c.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    Some(Stamp {
        year: years,
        month,
        day,
        hour,
        minute,
        second,
        subsecond_microsecond,
        resolution_microsecond,
        zone,
    })
}

type Clock = (i8, i8, i8, i64, i64);

/// `16:13:02.123`; some boxes print a blank behind a colon.
fn clock(c: &mut Cursor<'_>) -> Option<Clock> {
    let hour = small(c, 0, 23)?;
    let minute = colon(c).then(|| two(c, 59)).flatten()?;
    let second = colon(c).then(|| two(c, 60)).flatten()?;
    let (mut micros, mut resolution) = (0, MICROS_PER_SECOND);
    if matches!(c.rest(), [b'.' | b',', b'0'..=b'9', ..]) {
        let _ = c.take(b".") || c.take(b",");
        while let Some(digit) = c.peek().filter(u8::is_ascii_digit) {
            if resolution > 1 {
                resolution /= 10;
                micros += i64::from(digit - b'0') * resolution;
            }
            let _ = c.take(&[digit]);
        }
    }
    Some((hour, minute, second, micros, resolution))
}

fn colon(c: &mut Cursor<'_>) -> bool {
    c.take(b": ") || c.take(b":")
}

/// `Z`, `+02:00`, ` +0200`, ` UTC`, ` CEST:`
fn zone<'a>(c: &mut Cursor<'a>, has_host: bool) -> ZoneText<'a> {
    let mut at = *c;
    if (at.take(b"Z") || at.take(b"z")) && !at.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
        *c = at;
        return ZoneText::Offset(0);
    }
    at = *c;
    let is_apart = at.skip_blanks();
    if let Some(offset) = offset(&mut at) {
        *c = at;
        return ZoneText::Offset(offset);
    }
    let letters = at.rest().iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let Some((name, rest)) = at.rest().split_at_checked(letters) else { return ZoneText::None };
    if !is_apart || !(1..=6).contains(&letters) || !matches!(rest, [] | [b' ' | b'\t' | b':', ..]) {
        return ZoneText::None;
    }
    let mut behind = at;
    behind.skip(letters);
    let mut next = behind;
    let has_colon = next.take(b":");
    next.skip_blanks();
    // Cisco's IOS lets its users name zones as they like; ASA, which prints the year, has its host there.
    let is_own = !has_host && letters > 2 && name.iter().all(u8::is_ascii_uppercase);
    let is_zone = is_utc(name)
        || (is_own && has_colon && next.peek() == Some(b'%'))
        || (ZONES.contains(&name) && (has_colon || is_host(next.peek_token())));
    if !is_zone {
        return ZoneText::None;
    }
    *c = behind;
    ZoneText::Name(name)
}

/// Whether a token behind the name of a zone is a host; behind the name of a host comes a tag.
fn is_host(token: &[u8]) -> bool {
    token.first().is_some_and(u8::is_ascii_alphanumeric) && token.last() != Some(&b':')
}

/// `+02:00`, `-0330`, `+09`
fn offset(c: &mut Cursor<'_>) -> Option<i32> {
    let mut at = *c;
    let sign = if at.take(b"+") {
        1
    } else if at.take(b"-") {
        -1
    } else {
        return None;
    };
    let hour = two(&mut at, 23)?;
    let minute = if at.take(b":") || at.peek().is_some_and(|b| b.is_ascii_digit()) {
        two(&mut at, 59)?
    } else {
        0
    };
    if at.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) {
        return None;
    }
    *c = at;
    Some(sign * (i32::from(hour) * 3600 + i32::from(minute) * 60))
}

/// Four digits.
fn year(c: &mut Cursor<'_>) -> Option<i16> {
    let before = c.rest().len();
    let year = c.number(9999)?;
    if before - c.rest().len() == 4 { i16::try_from(year).ok() } else { None }
}

/// One or two digits.
fn small(c: &mut Cursor<'_>, min: u64, max: u64) -> Option<i8> {
    let before = c.rest().len();
    let value = c.number(max).filter(|value| *value >= min)?;
    if before - c.rest().len() <= 2 { i8::try_from(value).ok() } else { None }
}

/// Two digits.
fn two(c: &mut Cursor<'_>, max: u64) -> Option<i8> {
    let (&[tens, ones], _) = c.rest().split_first_chunk::<2>()?;
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    let value = (tens - b'0') * 10 + (ones - b'0');
    c.skip(2);
    i8::try_from(value).ok().filter(|_| u64::from(value) <= max)
}

/// One of the names in any case; its place, from 1.
fn name(c: &mut Cursor<'_>, names: &[&[u8; 3]]) -> Option<i8> {
    let (word, rest) = c.rest().split_first_chunk::<3>()?;
    if rest.first().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let place = names.iter().position(|name| word.eq_ignore_ascii_case(*name))?;
    let _ = c.take(word);
    i8::try_from(place + 1).ok()
}

/// The whole name of a month in any case; its place, from 1.
fn whole_month(c: &mut Cursor<'_>) -> Option<i8> {
    let word = c.peek_token();
    let place = WHOLE_MONTHS.iter().position(|name| word.eq_ignore_ascii_case(name))?;
    c.token();
    i8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, &str)> {
        let mut c = Cursor::new(text.as_bytes());
        let s = stamp(&mut c)?;
        let year = s.year.map_or("----".to_owned(), |y| format!("{y:04}"));
        let zone = match s.zone {
            ZoneText::None => String::new(),
            ZoneText::Offset(second) => format!(" {second}"),
            ZoneText::Name(name) => format!(" {}", String::from_utf8_lossy(name)),
        };
        let fields = format!(
            "{year}-{:02}-{:02} {:02}:{:02}:{:02}+{}/{}{zone}",
            s.month,
            s.day,
            s.hour,
            s.minute,
            s.second,
            s.subsecond_microsecond,
            s.resolution_microsecond
        );
        Some((fields, &text[text.len() - c.rest().len()..]))
    }

    #[test]
    fn every_form_is_read_up_to_its_end() {
        for (text, fields, rest) in [
            ("Jul  9 16:13:02 host", "-----07-09 16:13:02+0/1000000", " host"),
            ("jul 19 16:13:02: %X", "-----07-19 16:13:02+0/1000000", ": %X"),
            ("Jul 9 2026 16:13:02 h", "2026-07-09 16:13:02+0/1000000", " h"),
            ("Jul  9 16:13:02 2026 h", "2026-07-09 16:13:02+0/1000000", " h"),
            ("Thu Jul  9 16:13:02 2026", "2026-07-09 16:13:02+0/1000000", ""),
            ("2026 Jul 9 16:13:02 h", "2026-07-09 16:13:02+0/1000000", " h"),
            ("2026 July 9 16:13:02 h", "2026-07-09 16:13:02+0/1000000", " h"),
            ("jul/09/2026 16:13:02 fw", "2026-07-09 16:13:02+0/1000000", " fw"),
            ("jul/09 16:13:02 fw", "-----07-09 16:13:02+0/1000000", " fw"),
            ("2026-07-09 16:13:02: h", "2026-07-09 16:13:02+0/1000000", ": h"),
            ("2026/07/09 16:13:02", "2026-07-09 16:13:02+0/1000000", ""),
            ("2026-07-09 16: 13:02", "2026-07-09 16:13:02+0/1000000", ""),
            ("2026-07-09T16:13:02.1239999Z h", "2026-07-09 16:13:02+123999/1 0", " h"),
            ("2026-07-09T16:13:02.123+05:30 h", "2026-07-09 16:13:02+123000/1000 19800", " h"),
            ("2026-07-09 16:13:02 -0330 h", "2026-07-09 16:13:02+0/1000000 -12600", " h"),
            ("2026-07-09 16:13:02 - h", "2026-07-09 16:13:02+0/1000000", " - h"),
            ("*Jul 9 16:13:02.123 gmt: %X", "-----07-09 16:13:02+123000/1000 gmt", ": %X"),
            (".Jul 9 16:13:02.1 FOO: %X", "-----07-09 16:13:02+100000/100000 FOO", ": %X"),
            ("Jul 9 2026 16:13:02.1 BRT: %X", "2026-07-09 16:13:02+100000/100000 BRT", ": %X"),
            ("Jul 9 2026 16:13:02 GWA: %X", "2026-07-09 16:13:02+0/1000000", " GWA: %X"),
            ("Jul 9 16:13:02 CEST host x", "-----07-09 16:13:02+0/1000000 CEST", " host x"),
            ("Jul 9 16:13:02 MSK RT_FLOW: x", "-----07-09 16:13:02+0/1000000", " MSK RT_FLOW: x"),
            ("Jul 9 16:13:02 NAT: x", "-----07-09 16:13:02+0/1000000", " NAT: x"),
            ("Jul 9 2026 04:13:02 PM h", "2026-07-09 16:13:02+0/1000000", " h"),
            ("Jul 9 2026 12:13:02 AM h", "2026-07-09 00:13:02+0/1000000", " h"),
        ] {
            let (got, left) = read(text).unwrap_or_default();
            assert_eq!((got.as_str(), left), (fields, rest), "{text}");
        }
    }

    #[test]
    fn what_is_no_stamp_is_left() {
        for text in [
            "",
            "host",
            "Jul",
            "Jul 9",
            "Jul 32 16:13:02",
            "Jul 9 16:13",
            "Jul 9 24:13:02",
            "Jul 9 16:13:2 x",
            "Jul 9 16:13:02x",
            "July 9 16:13:02",
            "jul/09/26 16:13:02",
            "jul/ 9 16:13:02",
            "2026 Julyx 9 16:13:02",
            "26-07-09 16:13:02",
            "2026-07-09",
            "2026-13-09 16:13:02",
            "20260-07-09 16:13:02",
            "Jul 9 2026 13:13:02 PM",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
