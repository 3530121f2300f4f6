//! When in a day people are online, and how an instant reads in the files that tools write.

use std::fmt;

use super::rng::{SplitMix64, to_f64};
use crate::time::{MICROS_PER_SECOND, Timestamp};

/// Microseconds in an hour.
pub(super) const HOUR: i64 = 3600 * MICROS_PER_SECOND;
/// Microseconds in a second.
pub(super) const SECOND: i64 = MICROS_PER_SECOND;
/// Microseconds in a millisecond.
pub(super) const MILLI: i64 = 1_000;

/// Traffic by hour of the day (UTC), 1 on average: a night's low and an evening's peak.
const WEIGHT: [f64; 24] = [
    0.70, 0.50, 0.36, 0.30, 0.30, 0.36, 0.54, 0.76, 0.94, 1.04, 1.10, 1.14, //
    1.18, 1.16, 1.14, 1.16, 1.22, 1.32, 1.46, 1.62, 1.74, 1.70, 1.40, 0.86,
];

/// How much is going on at that instant, 1 on average over a day.
pub(super) fn activity(at: i64) -> f64 {
    let hour = at.div_euclid(HOUR).rem_euclid(24);
    usize::try_from(hour).ok().and_then(|h| WEIGHT.get(h)).copied().unwrap_or(1.0)
}

/// The highest value of [`activity`].
pub(super) const PEAK: f64 = 1.74;

/// Draws instants from a window so that they follow the day.
#[derive(Clone, Debug)]
pub(super) struct Diurnal {
    /// The sum of the weights up to the end of each hour of the window.
    cumulative: Vec<f64>,
}

impl Diurnal {
    /// Hours from `start` (microseconds) on.
    pub(super) fn new(start: i64, hours: u32) -> Diurnal {
        let mut sum = 0.0;
        let cumulative = (0..i64::from(hours.max(1)))
            .map(|hour| {
                sum += activity(start.saturating_add(hour.saturating_mul(HOUR)));
                sum
            })
            .collect();
        Diurnal { cumulative }
    }

    /// A place in the window, in `[0, 1)`.
    pub(super) fn place(&self, rng: &mut SplitMix64) -> f64 {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let wanted = rng.unit() * total;
        let hour = self.cumulative.partition_point(|&sum| sum <= wanted);
        let before = hour.checked_sub(1).and_then(|h| self.cumulative.get(h)).copied();
        let before = before.unwrap_or(0.0);
        let after = self.cumulative.get(hour).copied().unwrap_or(total);
        let within = (wanted - before) / (after - before).max(f64::MIN_POSITIVE);
        let count = |n: usize| to_f64(u64::try_from(n).unwrap_or(0));
        ((count(hour) + within) / count(self.cumulative.len())).min(0.999_999_999)
    }
}

/// The civil time of an instant in UTC, proleptic Gregorian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    year: i64,
    month: i64,
    day: i64,
    weekday: i64,
    hour: i64,
    minute: i64,
    second: i64,
    milli: i64,
}

impl Civil {
    /// The civil time of an instant, its microseconds cut off.
    pub(super) fn new(at: i64) -> Civil {
        let seconds = at.div_euclid(SECOND);
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Days to civil: eras of 400 years that begin on 1 March (Hinnant, "chrono-compatible date algorithms").
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: year + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * shifted_month + 2) / 5 + 1,
            weekday: (days + 4).rem_euclid(7),
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            milli: at.rem_euclid(SECOND) / MILLI,
        }
    }

    fn month_name(self) -> &'static str {
        const NAMES: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        name(NAMES, self.month - 1)
    }

    /// `Sun Nov  2 03:04:05 2026`, as C's `ctime` writes it.
    pub(super) fn ctime(self) -> impl fmt::Display {
        Text(self, |c, f| {
            let weekday = name("SunMonTueWedThuFriSat", c.weekday);
            write!(f, "{weekday} {} {:2} ", c.month_name(), c.day)?;
            write!(f, "{:02}:{:02}:{:02} {}", c.hour, c.minute, c.second, c.year)
        })
    }

    /// `Nov  2 2026 03:04:05 UTC`, as FreeRADIUS prints a date attribute.
    pub(super) fn radius(self) -> impl fmt::Display {
        Text(self, |c, f| {
            write!(f, "{} {:2} {} ", c.month_name(), c.day, c.year)?;
            write!(f, "{:02}:{:02}:{:02} UTC", c.hour, c.minute, c.second)
        })
    }

    /// `2026-11-02T03:04:05Z`.
    pub(super) fn second(self) -> impl fmt::Display {
        Text(self, |c, f| {
            write!(f, "{:04}-{:02}-{:02}T", c.year, c.month, c.day)?;
            write!(f, "{:02}:{:02}:{:02}Z", c.hour, c.minute, c.second)
        })
    }

    /// `2026-11-02T03:04:05.250Z`.
    pub(super) fn milli(self) -> impl fmt::Display {
        Text(self, |c, f| {
            write!(f, "{:04}-{:02}-{:02}T", c.year, c.month, c.day)?;
            write!(f, "{:02}:{:02}:{:02}.{:03}Z", c.hour, c.minute, c.second, c.milli)
        })
    }
}

/// The `index`th name of three letters.
fn name(names: &'static str, index: i64) -> &'static str {
    let at = usize::try_from(index).unwrap_or(0) * 3;
    names.get(at..at + 3).unwrap_or("???")
}

/// A civil time and how it is written.
struct Text(Civil, fn(Civil, &mut fmt::Formatter<'_>) -> fmt::Result);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}

/// The instant of a number of microseconds.
pub(super) const fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_times_read_as_the_tools_write_them() {
        let c = Civil::new(1_795_306_734_974_618);
        assert_eq!(c.ctime().to_string(), "Sun Nov 22 00:18:54 2026");
        assert_eq!(c.radius().to_string(), "Nov 22 2026 00:18:54 UTC");
        assert_eq!(c.milli().to_string(), "2026-11-22T00:18:54.974Z");
        let leap = Civil::new(1_709_164_800 * SECOND);
        assert_eq!(leap.second().to_string(), "2024-02-29T00:00:00Z");
        assert_eq!(Civil::new(-1).second().to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(
            Civil::new(1_793_577_600 * SECOND).ctime().to_string(),
            "Mon Nov  2 00:00:00 2026"
        );
    }

    #[cfg(feature = "readers")]
    #[test]
    fn civil_times_agree_with_the_date_crate() {
        let mut rng = SplitMix64::new(1);
        for _ in 0..20_000 {
            let at = rng.between(-2_000_000_000, 4_000_000_000) * SECOND;
            assert_eq!(Civil::new(at).second().to_string(), instant(at).rfc3339());
        }
    }

    #[test]
    fn the_day_is_one_on_average_and_its_instants_follow_it() {
        let mean = WEIGHT.iter().sum::<f64>() / 24.0;
        assert!((mean - 1.0).abs() < 0.04, "{mean}");
        assert!(WEIGHT.iter().all(|&w| w <= PEAK) && WEIGHT.contains(&PEAK));
        let (day, mut rng, mut evening) = (Diurnal::new(0, 24), SplitMix64::new(1), 0_u32);
        for _ in 0..100_000 {
            let place = day.place(&mut rng);
            assert!((0.0..1.0).contains(&place));
            evening += u32::from((20.0 / 24.0..21.0 / 24.0).contains(&place));
        }
        // 1.74 of a sum of 24.8: 7.0 % of the instants in 4.2 % of the day.
        assert!((6_500..7_500).contains(&evening), "{evening}");
    }
}
