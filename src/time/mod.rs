//! Time: instants, half-open ranges, the interval that a written time truncates, tolerances.
//!
//! Everything is counted in microseconds of Unix time, the finest resolution that NAT logs carry in bulk. Ranges
//! are half-open, `[start, end)`, so that one tenant's end can be the next one's start without a shared instant.
//!
//! A *written* time is not an instant: `03:04:05` was truncated from somewhere in `[03:04:05, 03:04:06)`, and
//! [`WrittenTime`] is that interval.

mod delta;
#[cfg(feature = "readers")]
mod rfc3339;
mod written;

pub use delta::{ParseTimeDeltaError, TimeDelta, Tolerance};
#[cfg(feature = "readers")]
pub use rfc3339::{ParseZoneError, Zone};
#[cfg(feature = "readers")]
pub(crate) use written::fraction_micros;
pub use written::{ParseTimeError, WrittenTime};

use std::fmt;
use std::str::FromStr;

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

/// An instant: microseconds since 1970-01-01T00:00Z, leap seconds not counted.
///
/// # Text form
///
/// `@seconds.microseconds`, always six digits. [`Timestamp::rfc3339`] writes the form that people read.
///
/// ```
/// use portledger::Timestamp;
/// let at: Timestamp = "@1795306734.974618".parse()?;
/// assert_eq!(at.as_microsecond(), 1_795_306_734_974_618);
/// assert_eq!(at.to_string(), "@1795306734.974618");
/// # Ok::<(), portledger::time::ParseTimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant; no log holds it.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest instant, the end of a range that has no end yet.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// The instant that many microseconds after the epoch.
    pub const fn from_microsecond(microsecond: i64) -> Timestamp {
        Timestamp(microsecond)
    }

    /// The instant that many seconds after the epoch; saturates at [`Timestamp::MIN`] and [`Timestamp::MAX`].
    pub const fn from_second(second: i64) -> Timestamp {
        Timestamp(second.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    pub const fn as_microsecond(self) -> i64 {
        self.0
    }

    /// This instant moved later by `delta`; [`Timestamp::MIN`] and [`Timestamp::MAX`] stay, and so does
    /// whatever would pass them.
    #[must_use]
    pub const fn plus(self, delta: TimeDelta) -> Timestamp {
        if self.0 == i64::MAX || self.0 == i64::MIN {
            return self;
        }
        Timestamp(self.0.saturating_add(delta.as_microsecond()))
    }

    /// This instant moved earlier by `delta`, with the same limits as [`Timestamp::plus`].
    #[must_use]
    pub const fn minus(self, delta: TimeDelta) -> Timestamp {
        if self.0 == i64::MAX || self.0 == i64::MIN {
            return self;
        }
        Timestamp(self.0.saturating_sub(delta.as_microsecond()))
    }

    /// How much later this instant is than `earlier`; negative when it is before it.
    #[must_use]
    pub const fn since(self, earlier: Timestamp) -> TimeDelta {
        TimeDelta::from_microsecond(self.0.saturating_sub(earlier.0))
    }

    /// The instant of its whole second, rounded down.
    #[must_use]
    pub const fn floor_second(self) -> Timestamp {
        Timestamp(self.0.saturating_sub(self.0.rem_euclid(MICROS_PER_SECOND)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let scale = MICROS_PER_SECOND.unsigned_abs();
        write!(f, "@{sign}{}.{:06}", micros / scale, micros % scale)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    /// Reads `@seconds[.fraction]`; a fraction beyond microseconds is truncated.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        written::epoch(s).map(WrittenTime::start)
    }
}

/// A half-open, never empty range of time, `[start, end)`.
///
/// # Text form
///
/// `start/end`, an end that has not come yet left empty: `@1700000000.000000/`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

/// A range of time would be empty or run backwards.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time range {start} to {end} is empty: the end must be after the start")]
pub struct TimeRangeError {
    /// The start as given.
    pub start: Timestamp,
    /// The end as given.
    pub end: Timestamp,
}

impl TimeRange {
    /// All of time.
    pub const ALL: TimeRange = TimeRange { start: Timestamp::MIN, end: Timestamp::MAX };

    /// The range `[start, end)`.
    ///
    /// # Errors
    ///
    /// [`TimeRangeError`] when `start >= end`.
    pub const fn new(start: Timestamp, end: Timestamp) -> Result<TimeRange, TimeRangeError> {
        if start.0 >= end.0 {
            return Err(TimeRangeError { start, end });
        }
        Ok(TimeRange { start, end })
    }

    /// From `start` on, with no end; [`Timestamp::MAX`] itself yields the last representable instant.
    pub const fn since(start: Timestamp) -> TimeRange {
        if start.0 == i64::MAX {
            return TimeRange { start: Timestamp(i64::MAX - 1), end: Timestamp::MAX };
        }
        TimeRange { start, end: Timestamp::MAX }
    }

    /// The single microsecond that begins at `at`.
    pub const fn instant(at: Timestamp) -> TimeRange {
        if at.0 == i64::MAX {
            return TimeRange { start: Timestamp(i64::MAX - 1), end: Timestamp::MAX };
        }
        TimeRange { start: at, end: Timestamp(at.0 + 1) }
    }

    /// The first instant in the range.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after the range.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Whether the instant is in the range.
    pub const fn contains(self, at: Timestamp) -> bool {
        self.start.0 <= at.0 && at.0 < self.end.0
    }

    /// Whether `other` lies wholly in this range.
    pub const fn covers(self, other: TimeRange) -> bool {
        self.start.0 <= other.start.0 && other.end.0 <= self.end.0
    }

    /// Whether the two ranges share an instant; ranges that only touch do not.
    pub const fn overlaps(self, other: TimeRange) -> bool {
        self.start.0 < other.end.0 && other.start.0 < self.end.0
    }

    /// The instants that both ranges hold.
    pub fn intersection(self, other: TimeRange) -> Option<TimeRange> {
        TimeRange::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start != Timestamp::MIN {
            fmt::Display::fmt(&self.start, f)?;
        }
        f.write_str("/")?;
        if self.end != Timestamp::MAX {
            fmt::Display::fmt(&self.end, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TimeRange {
    type Err = ParseTimeError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let (start, end) =
            s.split_once('/').ok_or_else(|| ParseTimeError::NoRange(s.to_owned()))?;
        let start = if start.is_empty() { Timestamp::MIN } else { start.parse()? };
        let end = if end.is_empty() { Timestamp::MAX } else { end.parse()? };
        TimeRange::new(start, end).map_err(ParseTimeError::from)
    }
}

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(Timestamp, i64, |t: &Timestamp| t.0, |micros| Ok::<
    _,
    std::convert::Infallible,
>(Timestamp(micros)));

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(
    TimeRange,
    (Timestamp, Timestamp),
    |r: &TimeRange| (r.start, r.end),
    |(start, end)| TimeRange::new(start, end)
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_inverses_down_to_the_limits() {
        for micros in [0, 1, -1, 999_999, -1_000_001, i64::MAX, i64::MIN + 1] {
            let t = Timestamp::from_microsecond(micros);
            assert_eq!(t.to_string().parse(), Ok(t), "{t}");
        }
        for text in ["@1.000000/@2.500000", "@1.000000/", "/@1.000000", "/"] {
            assert_eq!(text.parse::<TimeRange>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_end_and_the_next_start_share_no_instant() {
        //  |--- a ---|--- b ---|
        let (a, b): (TimeRange, TimeRange) = ("@1/@2".parse().unwrap(), "@2/@3".parse().unwrap());
        assert!(!a.overlaps(b) && !a.contains(b.start()) && b.contains(a.end()));
        assert_eq!(a.intersection(b), None);
    }

    #[test]
    fn empty_and_backward_ranges_are_refused() {
        assert!("@2/@2".parse::<TimeRange>().is_err());
        assert!("@3/@2".parse::<TimeRange>().is_err());
        assert!("@3".parse::<TimeRange>().is_err());
    }

    #[test]
    fn whole_seconds_round_down_before_the_epoch_too() {
        let t = Timestamp::from_microsecond(-1);
        assert_eq!(t.floor_second(), Timestamp::from_second(-1));
    }
}
