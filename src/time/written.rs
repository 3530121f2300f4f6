//! A time as somebody wrote it down.

use std::num::NonZero;

use super::{MICROS_PER_SECOND, TimeRange, TimeRangeError, Timestamp};

/// A written time: the interval that its digits truncate.
///
/// Clocks are cut off when they are written, not rounded: `03:04:05` was somewhere in `[03:04:05, 03:04:06)` and
/// `.123` anywhere in that millisecond. A resolver that takes the digits for an instant names the old owner of a
/// port whose new owner sent the packet in the same millisecond.
///
/// ```
/// use portledger::time::WrittenTime;
/// let w = WrittenTime::from_epoch_text("@1795306735.123")?;
/// assert_eq!(w.resolution_microsecond(), 1_000);
/// assert_eq!(w.range().to_string(), "@1795306735.123000/@1795306735.124000");
/// # Ok::<(), portledger::time::ParseTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WrittenTime {
    start: Timestamp,
    /// At least one; never zero, so that a stamp that may be missing takes no more room.
    resolution: NonZero<i64>,
}

impl WrittenTime {
    /// A time known to `resolution_microsecond`; the resolution is at least one microsecond.
    pub fn new(start: Timestamp, resolution_microsecond: i64) -> WrittenTime {
        let latest = i64::MAX - 1;
        let start = Timestamp::from_microsecond(start.as_microsecond().min(latest));
        WrittenTime { start, resolution: at_least_one(resolution_microsecond) }
    }

    /// An instant known to the microsecond.
    pub fn exact(at: Timestamp) -> WrittenTime {
        WrittenTime::new(at, 1)
    }

    /// A time written in whole seconds of Unix time.
    pub fn from_second(second: i64) -> WrittenTime {
        WrittenTime::new(Timestamp::from_second(second), MICROS_PER_SECOND)
    }

    /// Reads `@seconds[.fraction]`.
    ///
    /// # Errors
    ///
    /// [`ParseTimeError::Unreadable`] when the text has another form, [`ParseTimeError::OutOfRange`] when its
    /// seconds do not fit.
    pub fn from_epoch_text(s: &str) -> Result<WrittenTime, ParseTimeError> {
        epoch(s)
    }

    /// The earliest instant that would be written so.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The length of the interval.
    pub const fn resolution_microsecond(self) -> i64 {
        self.resolution.get()
    }

    /// The first instant that would be written otherwise.
    pub fn end(self) -> Timestamp {
        Timestamp::from_microsecond(
            self.start.as_microsecond().saturating_add(self.resolution.get()),
        )
    }

    /// Every instant that would be written so.
    pub fn range(self) -> TimeRange {
        TimeRange::new(self.start, self.end()).unwrap_or(TimeRange::instant(self.start))
    }

    /// Whether the digits are finer than whole seconds.
    pub const fn is_sub_second(self) -> bool {
        self.resolution.get() < MICROS_PER_SECOND
    }

    /// The same reading of a clock that ran `offset` ahead of true time.
    #[must_use]
    pub fn corrected(self, offset: super::TimeDelta) -> WrittenTime {
        WrittenTime { start: self.start.minus(offset), resolution: self.resolution }
    }
}

const fn at_least_one(microsecond: i64) -> NonZero<i64> {
    const ONE: NonZero<i64> = NonZero::new(1).expect("one is not zero");
    match NonZero::new(microsecond) {
        Some(positive) if microsecond > 0 => positive,
        _ => ONE,
    }
}

/// Why a text is not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTimeError {
    /// Not a form that is read.
    #[error("`{0}` is not a time: write RFC 3339 with offset (2026-11-02T03:04:05Z) or @seconds")]
    Unreadable(String),
    /// A readable time that does not fit.
    #[error("`{0}` lies outside the years that can be held")]
    OutOfRange(String),
    /// A civil time without zone or offset.
    #[error(
        "`{0}` has no zone: add an offset (Z, +09:00), or name the zone with --timezone; the same digits are another instant in every zone"
    )]
    NoZone(String),
    /// A civil time that came twice when clocks went back.
    #[error("`{0}` came twice in that zone, when the clocks went back: write it with its offset")]
    Fold(String),
    /// A civil time that never came when clocks went forward.
    #[error("`{0}` never came in that zone, when the clocks went forward: check the zone")]
    Gap(String),
    /// No `/` between two times.
    #[error("`{0}` is not a range of time: write FROM/UNTIL")]
    NoRange(String),
    /// The range is empty or runs backwards.
    #[error(transparent)]
    Range(#[from] TimeRangeError),
}

/// Reads `@[-]seconds[.fraction]` into the interval that the digits truncate.
pub(super) fn epoch(s: &str) -> Result<WrittenTime, ParseTimeError> {
    let unreadable = || ParseTimeError::Unreadable(s.to_owned());
    let out_of_range = || ParseTimeError::OutOfRange(s.to_owned());
    let body = s.strip_prefix('@').ok_or_else(unreadable)?;
    let (negative, body) = match body.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, body),
    };
    let (seconds, fraction) = match body.split_once('.') {
        Some((_, "")) => return Err(unreadable()),
        Some((seconds, fraction)) => (seconds, fraction),
        None => (body, ""),
    };
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) {
        return Err(unreadable());
    }
    let seconds: i128 = seconds.parse().map_err(|_| out_of_range())?;
    let (micros, resolution) = fraction_micros(fraction);
    let value = seconds * i128::from(MICROS_PER_SECOND) + i128::from(micros);
    let value = if negative { -value } else { value };
    let start = i64::try_from(value).map_err(|_| out_of_range())?;
    let start = Timestamp::from_microsecond(start);
    Ok(WrittenTime { start, resolution: at_least_one(resolution) })
}

/// The microseconds of a decimal fraction and the resolution that its digits show; digits past the sixth are
/// cut off. The text holds digits only.
pub(crate) fn fraction_micros(fraction: &str) -> (i64, i64) {
    let mut micros = 0;
    let mut resolution = MICROS_PER_SECOND;
    for digit in fraction.bytes().take(6) {
        micros = micros * 10 + i64::from(digit - b'0');
        resolution /= 10;
    }
    (micros * resolution, resolution)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_decide_the_width_of_the_interval() {
        for (text, width) in [
            ("@5", 1_000_000),
            ("@5.1", 100_000),
            ("@5.123", 1_000),
            ("@5.123456", 1),
            ("@5.123456789", 1),
        ] {
            let w = WrittenTime::from_epoch_text(text).unwrap();
            assert_eq!(w.resolution_microsecond(), width, "{text}");
        }
        let w = WrittenTime::from_epoch_text("@5.123456789").unwrap();
        assert_eq!(w.start().as_microsecond(), 5_123_456);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in ["", "@", "5", "@5.", "@.5", "@5.x", "@ 5", "@+5", "@5-", "@--5"] {
            assert!(
                matches!(WrittenTime::from_epoch_text(bad), Err(ParseTimeError::Unreadable(_))),
                "{bad}"
            );
        }
        assert!(matches!(
            WrittenTime::from_epoch_text("@99999999999999999999999"),
            Err(ParseTimeError::OutOfRange(_))
        ));
    }
}
