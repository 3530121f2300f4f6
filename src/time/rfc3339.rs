//! Civil times: RFC 3339, and zones for texts that carry none.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::written::fraction_micros;
use super::{ParseTimeError, TimeRange, Timestamp, WrittenTime};

/// A time zone that the caller names for texts without one.
///
/// ```
/// use portledger::time::{WrittenTime, Zone};
/// let tokyo: Zone = "Asia/Tokyo".parse()?;
/// let w = WrittenTime::parse("2026-11-02 12:04:05", Some(&tokyo))?;
/// assert_eq!(w.start().rfc3339(), "2026-11-02T03:04:05Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no time zone: write UTC, an IANA name such as Asia/Tokyo, or an offset such as +09:00"
)]
pub struct ParseZoneError(String);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Zone = Zone(TimeZone::UTC);

    /// The instant of a civil time in this zone.
    ///
    /// # Errors
    ///
    /// [`ParseTimeError::Fold`] and [`ParseTimeError::Gap`] where clocks changed: which of two instants was
    /// meant cannot be known from the digits, and is never guessed. The error carries `text`.
    pub(crate) fn instant(&self, civil: DateTime, text: &str) -> Result<Timestamp, ParseTimeError> {
        let ambiguous = self.0.to_ambiguous_timestamp(civil);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset
                .to_timestamp(civil)
                .map(|t| Timestamp::from_microsecond(t.as_microsecond()))
                .map_err(|_| ParseTimeError::OutOfRange(text.to_owned())),
            AmbiguousOffset::Fold { .. } => Err(ParseTimeError::Fold(text.to_owned())),
            AmbiguousOffset::Gap { .. } => Err(ParseTimeError::Gap(text.to_owned())),
        }
    }
}

impl Zone {
    /// The instant of a civil time in this zone; where clocks were set back, the earlier one and how much later the
    /// other is.
    ///
    /// # Errors
    ///
    /// [`ParseTimeError::Gap`] for a time that clocks skipped.
    pub(crate) fn instants(
        &self,
        civil: DateTime,
    ) -> Result<(Timestamp, Option<super::TimeDelta>), ParseTimeError> {
        let out = |_| ParseTimeError::OutOfRange(civil.to_string());
        let at = |t: jiff::Timestamp| Timestamp::from_microsecond(t.as_microsecond());
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                Ok((at(offset.to_timestamp(civil).map_err(out)?), None))
            }
            AmbiguousOffset::Fold { before, after } => {
                let first = at(before.to_timestamp(civil).map_err(out)?);
                let second = at(after.to_timestamp(civil).map_err(out)?);
                Ok((first, Some(second.since(first))))
            }
            AmbiguousOffset::Gap { .. } => Err(ParseTimeError::Gap(civil.to_string())),
        }
    }

    /// Whether the zone goes by that abbreviation at that instant; none where it has only a number then.
    pub(crate) fn goes_by(&self, name: &[u8], at: Timestamp) -> Option<bool> {
        let at = jiff::Timestamp::from_microsecond(at.as_microsecond()).ok()?;
        let info = self.0.to_offset_info(at);
        let own = info.abbreviation().as_bytes();
        let has_name = own.first().is_some_and(u8::is_ascii_alphabetic);
        has_name.then(|| own.eq_ignore_ascii_case(name))
    }
}

impl std::str::FromStr for Zone {
    type Err = ParseZoneError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if s.eq_ignore_ascii_case("utc") || s == "Z" {
            return Ok(Zone::UTC);
        }
        let err = || ParseZoneError(s.to_owned());
        if s.starts_with(['+', '-']) {
            // jiff reads an offset as the tail of a time.
            let probe = format!("1970-01-02T00:00:00{s}");
            let pieces = jiff::fmt::temporal::Pieces::parse(&probe).map_err(|_| err())?;
            return pieces.to_numeric_offset().map(|o| Zone(TimeZone::fixed(o))).ok_or_else(err);
        }
        TimeZone::get(s).map(Zone).map_err(|_| err())
    }
}

impl WrittenTime {
    /// Reads `@seconds[.fraction]`, or RFC 3339 with `T`, `t` or a blank between date and time; the seconds may be
    /// missing, which makes the interval a minute. `zone` is used only where the text has no offset.
    ///
    /// # Errors
    ///
    /// [`ParseTimeError::NoZone`] without offset and `zone`; `Fold` and `Gap` where the zone's clocks changed.
    pub fn parse(s: &str, zone: Option<&Zone>) -> Result<WrittenTime, ParseTimeError> {
        if s.starts_with('@') {
            return WrittenTime::from_epoch_text(s);
        }
        let unreadable = || ParseTimeError::Unreadable(s.to_owned());
        let pieces = jiff::fmt::temporal::Pieces::parse(s).map_err(|_| unreadable())?;
        let civil = pieces.date().to_datetime(pieces.time().ok_or_else(unreadable)?);
        let whole = civil.with().subsec_nanosecond(0).build().map_err(|_| unreadable())?;
        let start = match (pieces.to_numeric_offset(), pieces.offset(), zone) {
            (Some(offset), _, _) => offset
                .to_timestamp(whole)
                .map(|t| Timestamp::from_microsecond(t.as_microsecond()))
                .map_err(|_| ParseTimeError::OutOfRange(s.to_owned()))?,
            (None, Some(_), _) => Zone::UTC.instant(whole, s)?,
            (None, None, Some(zone)) => zone.instant(whole, s)?,
            (None, None, None) => return Err(ParseTimeError::NoZone(s.to_owned())),
        };
        let (micros, resolution) = written_fraction(s).ok_or_else(unreadable)?;
        let start = Timestamp::from_microsecond(start.as_microsecond() + micros);
        Ok(WrittenTime::new(start, resolution))
    }
}

/// The fraction digits of a civil time text, from which its resolution is known.
fn written_fraction(s: &str) -> Option<(i64, i64)> {
    // Only the extended form: jiff also reads forms whose resolution the digits do not show.
    if s.get(4..5) != Some("-") || s.get(13..14) != Some(":") {
        return None;
    }
    let clock = s.get(11..)?;
    let (seconds_missing, after) = match clock.get(5..6) {
        Some(":") => (false, clock.get(8..)?),
        _ => (true, ""),
    };
    if seconds_missing {
        return Some((0, 60 * super::MICROS_PER_SECOND));
    }
    let Some(fraction) = after.strip_prefix(['.', ',']) else {
        return Some((0, super::MICROS_PER_SECOND));
    };
    let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
    Some(fraction_micros(fraction.get(..end)?))
}

const MINUTE: i64 = 60 * super::MICROS_PER_SECOND;

/// The lengths of interval that digits say, in microseconds, with their decimals.
const STEPS: [(i64, usize); 8] =
    [(1, 6), (10, 5), (100, 4), (1_000, 3), (10_000, 2), (100_000, 1), (1_000_000, 0), (MINUTE, 0)];

impl WrittenTime {
    /// Whether the interval is one that digits truncate to, so that [`WrittenTime::rfc3339`] says it exactly.
    pub fn is_digits(self) -> bool {
        let length = self.resolution_microsecond();
        STEPS.iter().any(|(step, _)| *step == length)
            && self.start().as_microsecond().rem_euclid(length) == 0
    }

    /// RFC 3339 in UTC with the digits that its resolution has, so that reading it back gives the same interval:
    /// whole seconds print no fraction, whole minutes no seconds. Years of other than four digits are written as
    /// `@seconds[.fraction]`.
    ///
    /// An interval that no such text truncates to (a reading whose clock was corrected) is written as the shortest
    /// one that contains it, up to a minute.
    ///
    /// ```
    /// use portledger::time::WrittenTime;
    /// for text in ["2026-11-02T03:04Z", "2026-11-02T03:04:05Z", "2026-11-02T03:04:05.120Z"] {
    ///     assert_eq!(WrittenTime::parse(text, None)?.rfc3339(), text);
    /// }
    /// # Ok::<(), portledger::time::ParseTimeError>(())
    /// ```
    pub fn rfc3339(self) -> String {
        let micros = self.start().as_microsecond();
        let floor = |step: i64| micros.saturating_sub(micros.rem_euclid(step));
        let end = self.end().as_microsecond();
        let (step, decimals) = STEPS
            .into_iter()
            .find(|&(step, _)| {
                step >= self.resolution_microsecond() && end <= floor(step).saturating_add(step)
            })
            .unwrap_or((MINUTE, 0));
        let start = floor(step);
        let Some(civil) = jiff::Timestamp::from_microsecond(start)
            .ok()
            .map(|t| TimeZone::UTC.to_datetime(t))
            .filter(|civil| (0..=9999).contains(&civil.year()))
        else {
            // Truncation is towards zero here, which an aligned start does not feel.
            let text = Timestamp::from_microsecond(start).to_string();
            let cut = if decimals == 0 { 7 } else { 6 - decimals };
            return text.get(..text.len().saturating_sub(cut)).unwrap_or(&text).to_owned();
        };
        let minutes = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute()
        );
        if step == MINUTE {
            return format!("{minutes}Z");
        }
        let fraction = format!("{:06}", start.rem_euclid(super::MICROS_PER_SECOND));
        let dot = if decimals == 0 { "" } else { "." };
        let digits = fraction.get(..decimals).unwrap_or_default();
        format!("{minutes}:{:02}{dot}{digits}Z", civil.second())
    }
}

impl Timestamp {
    /// RFC 3339 in UTC with the decimals that the instant needs, `2026-11-02T03:04:05.25Z`; the text form `@...`
    /// where the year has more than four digits.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_microsecond(self.as_microsecond()) {
            Ok(t) if (0..=9999).contains(&t.to_zoned(TimeZone::UTC).year()) => t.to_string(),
            _ => self.to_string(),
        }
    }
}

impl TimeRange {
    /// Reads `FROM/UNTIL`, each side as [`WrittenTime::parse`] does and taken at the start of its interval; an
    /// empty side has no limit.
    pub fn parse(s: &str, zone: Option<&Zone>) -> Result<TimeRange, ParseTimeError> {
        let (from, until) =
            s.split_once('/').ok_or_else(|| ParseTimeError::NoRange(s.to_owned()))?;
        let side = |text: &str, open: Timestamp| match text {
            "" => Ok(open),
            text => WrittenTime::parse(text, zone).map(WrittenTime::start),
        };
        Ok(TimeRange::new(side(from, Timestamp::MIN)?, side(until, Timestamp::MAX)?)?)
    }

    /// The range in RFC 3339 on both sides, `2026-11-02T00:00:00Z/2026-11-03T00:00:00Z`.
    pub fn rfc3339(self) -> String {
        let side = |t: Timestamp| match t {
            Timestamp::MIN | Timestamp::MAX => String::new(),
            t => t.rfc3339(),
        };
        format!("{}/{}", side(self.start()), side(self.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(s: &str) -> (String, i64) {
        let w = WrittenTime::parse(s, None).unwrap();
        (w.start().rfc3339(), w.resolution_microsecond())
    }

    #[test]
    fn rfc_3339_forms_with_their_resolution() {
        for (text, start, resolution) in [
            ("2026-11-02T03:04:05Z", "2026-11-02T03:04:05Z", 1_000_000),
            ("2026-11-02t03:04:05.120z", "2026-11-02T03:04:05.12Z", 1_000),
            ("2026-11-02 12:04:05.1+09:00", "2026-11-02T03:04:05.1Z", 100_000),
            ("2026-11-02T03:04:05.123456789Z", "2026-11-02T03:04:05.123456Z", 1),
            ("2026-11-02T03:04Z", "2026-11-02T03:04:00Z", 60_000_000),
            ("@1795306735", "2026-11-22T00:18:55Z", 1_000_000),
        ] {
            assert_eq!(written(text), (start.to_owned(), resolution), "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_is_refused_unless_the_caller_names_one() {
        let text = "2026-11-02T03:04:05";
        assert!(matches!(WrittenTime::parse(text, None), Err(ParseTimeError::NoZone(_))));
        assert!(WrittenTime::parse(text, Some(&Zone::UTC)).is_ok());
    }

    #[test]
    fn where_clocks_change_nothing_is_guessed() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let fold = WrittenTime::parse("2026-10-25 02:30:00", Some(&berlin));
        assert!(matches!(fold, Err(ParseTimeError::Fold(_))), "{fold:?}");
        let gap = WrittenTime::parse("2026-03-29 02:30:00", Some(&berlin));
        assert!(matches!(gap, Err(ParseTimeError::Gap(_))), "{gap:?}");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in
            ["", "yesterday", "2026-11-02", "2026-13-02T00:00:00Z", "03:04:05Z", "2026-11-02T03Z"]
        {
            assert!(WrittenTime::parse(bad, Some(&Zone::UTC)).is_err(), "{bad}");
        }
    }

    #[test]
    fn zones_by_name_and_by_offset() {
        for (zone, start) in [
            ("UTC", "2026-11-02T12:00:00Z"),
            ("Asia/Tokyo", "2026-11-02T03:00:00Z"),
            ("+09:00", "2026-11-02T03:00:00Z"),
            ("-03:30", "2026-11-02T15:30:00Z"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            let w = WrittenTime::parse("2026-11-02T12:00:00", Some(&zone)).unwrap();
            assert_eq!(w.start().rfc3339(), start);
        }
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        assert!("+9x".parse::<Zone>().is_err());
    }

    #[test]
    fn a_written_time_prints_the_digits_it_has() {
        for text in [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "2026-11-02T03:04:05.1Z",
            "9998-12-31T23:59Z",
            "@-99999999999.25",
            "@999999999999",
            "@999999999999.000100",
        ] {
            let w = WrittenTime::parse(text, None).unwrap();
            assert_eq!(w.rfc3339(), text);
        }
    }

    #[test]
    fn a_corrected_time_prints_an_interval_that_contains_it() {
        //  05      06      07
        //   |   |-------|       known to a second, clock 0.3 s off
        let w = WrittenTime::parse("2026-11-02T03:04:05Z", None).unwrap();
        let off = w.corrected(crate::time::TimeDelta::from_millisecond(300));
        assert_eq!(off.rfc3339(), "2026-11-02T03:04Z");
    }

    #[test]
    fn every_instant_prints() {
        for t in [i64::MIN, i64::MAX] {
            let w = WrittenTime::exact(Timestamp::from_microsecond(t));
            assert!(!w.rfc3339().is_empty());
        }
        for t in [Timestamp::MIN, Timestamp::MAX, Timestamp::from_second(0)] {
            assert!(!t.rfc3339().is_empty());
        }
    }
}
