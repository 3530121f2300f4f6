//! Signed lengths of time, and the tolerance of a question.

use std::fmt;
use std::str::FromStr;

/// A signed length of time in microseconds.
///
/// # Text form
///
/// A number with a unit, `2s`, `-3.2s`, `150ms`, `80us`, `5m`, `2h`, `1d`; a bare number means seconds. Written
/// back in seconds with as many decimals as needed.
///
/// ```
/// use portledger::time::TimeDelta;
/// assert_eq!("150ms".parse::<TimeDelta>()?.to_string(), "0.15s");
/// assert_eq!("-1.5".parse::<TimeDelta>()?.as_microsecond(), -1_500_000);
/// # Ok::<(), portledger::time::ParseTimeDeltaError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeDelta(i64);

impl TimeDelta {
    /// No time at all.
    pub const ZERO: TimeDelta = TimeDelta(0);
    /// The longest length, as good as unlimited.
    pub const MAX: TimeDelta = TimeDelta(i64::MAX);

    /// A length of that many microseconds.
    pub const fn from_microsecond(microsecond: i64) -> TimeDelta {
        TimeDelta(microsecond)
    }

    /// A length of that many milliseconds, saturating.
    pub const fn from_millisecond(millisecond: i64) -> TimeDelta {
        TimeDelta(millisecond.saturating_mul(1_000))
    }

    /// A length of that many seconds, saturating.
    pub const fn from_second(second: i64) -> TimeDelta {
        TimeDelta(second.saturating_mul(super::MICROS_PER_SECOND))
    }

    /// The length in microseconds.
    pub const fn as_microsecond(self) -> i64 {
        self.0
    }

    /// The sum of two lengths, saturating.
    #[must_use]
    pub const fn plus(self, other: TimeDelta) -> TimeDelta {
        TimeDelta(self.0.saturating_add(other.0))
    }

    /// The difference of two lengths, saturating.
    #[must_use]
    pub const fn minus(self, other: TimeDelta) -> TimeDelta {
        TimeDelta(self.0.saturating_sub(other.0))
    }

    /// Whether the length is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Seconds as a decimal number without a unit, `-3.2`.
    pub fn seconds(self) -> impl fmt::Display {
        Seconds(self)
    }
}

struct Seconds(TimeDelta);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.0;
        let sign = if micros < 0 { "-" } else { "" };
        let abs = micros.unsigned_abs();
        let fraction = format!("{:06}", abs % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{dot}{fraction}", abs / 1_000_000)
    }
}

impl fmt::Display for TimeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", Seconds(*self))
    }
}

/// A text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a length of time: write a number and a unit, as in 2s, 150ms, -3.2s, 5m, 2h or 1d"
)]
pub struct ParseTimeDeltaError(String);

impl FromStr for TimeDelta {
    type Err = ParseTimeDeltaError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse_micros(s).map(TimeDelta).ok_or_else(|| ParseTimeDeltaError(s.to_owned()))
    }
}

fn parse_micros(s: &str) -> Option<i64> {
    let (negative, body) = match s.as_bytes().first()? {
        b'-' => (true, s.get(1..)?),
        b'+' => (false, s.get(1..)?),
        _ => (false, s),
    };
    let unit_at = body.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(body.len());
    let (number, unit) = body.split_at(unit_at);
    let unit: i128 = match unit {
        "us" => 1,
        "ms" => 1_000,
        "" | "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |t: &str| !t.is_empty() && t.len() <= 18 && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let value = whole.parse::<i128>().ok()? * unit + fraction.parse::<i128>().ok()? * unit / scale;
    i64::try_from(if negative { -value } else { value }).ok()
}

/// How far the asker's clock may have been off: a question at `t` means `[t - earlier, t + later]`.
///
/// # Text form
///
/// `2s` for both sides alike, `-5s/+0s` for one of its own each.
///
/// ```
/// use portledger::time::Tolerance;
/// let slow_clock: Tolerance = "-5s/+0s".parse()?;
/// assert_eq!(slow_clock.to_string(), "-5s/+0s");
/// assert_eq!("2s".parse::<Tolerance>()?.to_string(), "2s");
/// # Ok::<(), portledger::time::ParseTimeDeltaError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tolerance {
    earlier: TimeDelta,
    later: TimeDelta,
}

impl Tolerance {
    /// The clock was right.
    pub const ZERO: Tolerance = Tolerance { earlier: TimeDelta::ZERO, later: TimeDelta::ZERO };

    /// A tolerance of its own each way; negative lengths count as none.
    pub fn new(earlier: TimeDelta, later: TimeDelta) -> Tolerance {
        Tolerance { earlier: earlier.max(TimeDelta::ZERO), later: later.max(TimeDelta::ZERO) }
    }

    /// How much earlier than written it may have been.
    pub const fn earlier(self) -> TimeDelta {
        self.earlier
    }

    /// How much later than written it may have been.
    pub const fn later(self) -> TimeDelta {
        self.later
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.earlier == self.later {
            self.earlier.fmt(f)
        } else {
            write!(f, "-{}/+{}", self.earlier, self.later)
        }
    }
}

impl FromStr for Tolerance {
    type Err = ParseTimeDeltaError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let bad = || ParseTimeDeltaError(s.to_owned());
        let tolerance = if let Some((earlier, later)) = s.split_once('/') {
            let earlier: TimeDelta = earlier.strip_prefix('-').ok_or_else(bad)?.parse()?;
            let later: TimeDelta = later.strip_prefix('+').unwrap_or(later).parse()?;
            Tolerance { earlier, later }
        } else {
            let both: TimeDelta = s.parse()?;
            Tolerance { earlier: both, later: both }
        };
        if tolerance.earlier.is_negative() || tolerance.later.is_negative() {
            return Err(bad());
        }
        Ok(tolerance)
    }
}

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(TimeDelta, i64, |d: &TimeDelta| d.0, |micros| Ok::<
    _,
    std::convert::Infallible,
>(TimeDelta(micros)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_inverse_down_to_the_limits() {
        for micros in [0, 1, -1, 150_000, -3_200_000, 86_400_000_000, i64::MAX, -i64::MAX] {
            let d = TimeDelta::from_microsecond(micros);
            assert_eq!(d.to_string().parse(), Ok(d));
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for bad in
            ["", "s", "-", "2 s", "1.s", ".5s", "2w", "1e3s", "99999999999999999999s", "--1s"]
        {
            assert!(bad.parse::<TimeDelta>().is_err(), "{bad}");
        }
        for bad in ["-2s", "5s/+1s", "-1s/-1s", "/"] {
            assert!(bad.parse::<Tolerance>().is_err(), "{bad}");
        }
    }
}
