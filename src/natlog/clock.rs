//! Civil stamps -> instants: the zone and year of one source.
//!
//! A stamp that names its offset needs nothing. One without zone needs the zone of the source; one without year the
//! year too, which then follows the stamps over New Year. Where the clocks of a zone were set back, a stamp means two
//! instants, and both are kept: the [`WrittenTime`] reaches from the earlier to the end of the later. A time that the
//! clocks skipped is refused.
//!
//! The names of zones are read only as far as they are sure: UTC and GMT are what they are; any other abbreviation
//! stands for several zones and is held against the zone that the caller names, where it also tells which of the two
//! instants of a repeated hour is meant.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use super::RejectReason;
use super::reader::ReaderOptions;
use super::stamp::{Stamp, ZoneText, is_utc};
use crate::time::{MICROS_PER_SECOND, TimeDelta, Timestamp, WrittenTime, Zone};

/// How far the clocks of one record may be apart, with another zone: what lies beyond is another year.
const BESIDE_SECOND: i64 = 60 * 86_400;

/// The clock of one source.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: Option<Zone>,
    year: Option<i16>,
    /// The caller named a year, from which no stray date leads far away.
    has_named_year: bool,
    /// The month of the last stamp without year.
    month: Option<i8>,
    /// The minute that was looked up last: stamps come in order, and zones change on whole minutes.
    minute: Option<(Date, i8, i8, Instants)>,
    /// What the stamps call a zone that has no name but a number.
    name: Option<Box<[u8]>>,
}

/// An instant and, where clocks were set back, how much later the other one is.
type Instants = (Timestamp, Option<TimeDelta>);

impl Clock {
    pub(super) fn new(options: &ReaderOptions) -> Clock {
        Clock {
            zone: options.zone().cloned(),
            year: options.year(),
            has_named_year: options.year().is_some(),
            month: None,
            minute: None,
            name: None,
        }
    }

    /// A stamp with year and without zone; `subsecond_microsecond` and `resolution_microsecond` are what follows the
    /// whole second, and how fine it was written.
    pub(super) fn civil(
        &mut self,
        civil: DateTime,
        subsecond_microsecond: i64,
        resolution_microsecond: i64,
    ) -> Result<WrittenTime, RejectReason> {
        let instants = self.instants(civil)?;
        Ok(written(instants, subsecond_microsecond, resolution_microsecond))
    }

    /// The year of a stamp that has none.
    ///
    /// The year changes only where that brings the stamp within three months of the one before, in either direction:
    /// lines near midnight come out of order. One that would lie more than half a year back in its own year is refused,
    /// since it may as well be one of the next.
    pub(super) fn year_of(&mut self, month: i8) -> Result<i16, RejectReason> {
        let year = self.year.ok_or(RejectReason::NoYear)?;
        let year = match month - self.month.unwrap_or(month) {
            ..=-9 => year + 1,
            -8 | -7 => return Err(RejectReason::NoYear),
            9.. => year - 1,
            _ => year,
        };
        self.month = Some(month);
        self.year = Some(year);
        Ok(year)
    }

    /// The instant of a stamp.
    pub(super) fn read(&mut self, stamp: &Stamp<'_>) -> Result<WrittenTime, RejectReason> {
        let year = match stamp.year {
            Some(year) => year,
            None => self.year_of(stamp.month)?,
        };
        self.read_in(year, stamp)
    }

    /// The instant of a stamp beside another one of the same record, which gives the year where it has none and tells
    /// the two instants of a repeated hour apart.
    pub(super) fn read_beside(
        &mut self,
        stamp: &Stamp<'_>,
        other: WrittenTime,
    ) -> Result<WrittenTime, RejectReason> {
        let time = if let Some(year) = stamp.year {
            self.read_in(year, stamp)?
        } else {
            self.read_near(stamp, other)?
        };
        let later = time.resolution_microsecond() - resolution(stamp);
        if later == 0 {
            return Ok(time);
        }
        let second = time.start().plus(TimeDelta::from_microsecond(later));
        let (near, far) = if distance(time.start(), other) <= distance(second, other) {
            (time.start(), second)
        } else {
            (second, time.start())
        };
        // Only where the other clock is close to one and nowhere near the other.
        if distance(near, other).saturating_mul(4) < distance(far, other) {
            return Ok(WrittenTime::new(near, resolution(stamp)));
        }
        Ok(time)
    }

    /// The instant in the year that brings it nearest to `other`, from which on the stream has a year.
    fn read_near(
        &mut self,
        stamp: &Stamp<'_>,
        other: WrittenTime,
    ) -> Result<WrittenTime, RejectReason> {
        let near = year_at(other.start()).ok_or(RejectReason::NoYear)?;
        let mut best = Err(RejectReason::NoYear);
        let mut least = BESIDE_SECOND * MICROS_PER_SECOND;
        for year in [near, near.saturating_sub(1), near.saturating_add(1)] {
            match self.read_in(year, stamp) {
                Ok(time) => {
                    let apart = distance(time.start(), other);
                    if apart <= least {
                        (best, least) = (Ok((year, time)), apart);
                    }
                }
                Err(reason) if best.is_err() => best = Err(reason),
                Err(_) => {}
            }
        }
        let (year, time) = best?;
        let is_near = self.year.is_none_or(|known| known.abs_diff(year) <= 1);
        if is_near || !self.has_named_year {
            self.year = Some(year);
            self.month = Some(stamp.month);
        }
        Ok(time)
    }

    fn read_in(&mut self, year: i16, stamp: &Stamp<'_>) -> Result<WrittenTime, RejectReason> {
        let civil = civil_of(year, stamp)?;
        let (sub, resolution) = (stamp.subsecond_microsecond, resolution(stamp));
        match stamp.zone {
            ZoneText::None => self.civil(civil, sub, resolution),
            ZoneText::Offset(second) => {
                let offset = Offset::from_seconds(second).map_err(|_| RejectReason::BadTime)?;
                let at = offset.to_timestamp(civil).map_err(|_| RejectReason::BadTime)?;
                let at = Timestamp::from_microsecond(at.as_microsecond());
                Ok(written((at, None), sub, resolution))
            }
            ZoneText::Name(name) if is_utc(name) => utc(civil, sub, resolution),
            ZoneText::Name(name) => {
                let instants = self.named(civil, name)?;
                Ok(written(instants, sub, resolution))
            }
        }
    }

    fn instants(&mut self, civil: DateTime) -> Result<Instants, RejectReason> {
        let second = TimeDelta::from_second(i64::from(civil.second()));
        if let Some((date, hour, minute, (first, fold))) = self.minute
            && (date, hour, minute) == (civil.date(), civil.hour(), civil.minute())
        {
            return Ok((first.plus(second), fold));
        }
        let zone = self.zone.as_ref().ok_or(RejectReason::NoZone)?;
        let (first, fold) = zone.instants(civil).map_err(|_| RejectReason::BadTime)?;
        let at_minute = (first.minus(second), fold);
        self.minute = Some((civil.date(), civil.hour(), civil.minute(), at_minute));
        Ok((first, fold))
    }

    /// The instants of a stamp with the name of a zone, which must be one of the named zone's own.
    fn named(&mut self, civil: DateTime, name: &[u8]) -> Result<Instants, RejectReason> {
        let (first, fold) = self.instants(civil)?;
        let zone = self.zone.as_ref().ok_or(RejectReason::NoZone)?;
        let second = fold.map(|later| first.plus(later));
        match (zone.goes_by(name, first), second.map(|at| (at, zone.goes_by(name, at)))) {
            (Some(true), Some((_, Some(true)))) => Ok((first, fold)),
            (Some(true), _) => Ok((first, None)),
            (Some(false), Some((second, Some(true)))) => Ok((second, None)),
            (Some(false), _) => Err(RejectReason::ZoneMismatch),
            // Any one name will do for a number, but not two: summer time would have another number.
            (None, _) => match &self.name {
                Some(known) if !known.eq_ignore_ascii_case(name) => Err(RejectReason::ZoneMismatch),
                Some(_) => Ok((first, fold)),
                None => {
                    self.name = Some(Box::from(name));
                    Ok((first, fold))
                }
            },
        }
    }
}

/// A civil stamp in UTC, for formats whose stamps are in UTC whatever the zone of the box.
pub(super) fn utc(
    civil: DateTime,
    subsecond_microsecond: i64,
    resolution_microsecond: i64,
) -> Result<WrittenTime, RejectReason> {
    let instants = Zone::UTC.instants(civil).map_err(|_| RejectReason::BadTime)?;
    Ok(written(instants, subsecond_microsecond, resolution_microsecond))
}

/// A stamp in UTC that has its year, whatever zone it names.
pub(super) fn utc_stamp(stamp: &Stamp<'_>) -> Result<WrittenTime, RejectReason> {
    let civil = civil_of(stamp.year.ok_or(RejectReason::NoYear)?, stamp)?;
    utc(civil, stamp.subsecond_microsecond, resolution(stamp))
}

fn civil_of(year: i16, stamp: &Stamp<'_>) -> Result<DateTime, RejectReason> {
    // A leap second has no instant of its own in Unix time.
    let second = stamp.second.min(59);
    DateTime::new(year, stamp.month, stamp.day, stamp.hour, stamp.minute, second, 0)
        .map_err(|_| RejectReason::BadTime)
}

/// How fine the stamp is; a leap second shares the one before it and reaches into the one behind.
fn resolution(stamp: &Stamp<'_>) -> i64 {
    let leap = if stamp.second == 60 { MICROS_PER_SECOND } else { 0 };
    stamp.resolution_microsecond + leap
}

fn written((first, fold): Instants, subsecond: i64, resolution: i64) -> WrittenTime {
    let start = Timestamp::from_microsecond(first.as_microsecond().saturating_add(subsecond));
    WrittenTime::new(start, resolution.saturating_add(fold.map_or(0, TimeDelta::as_microsecond)))
}

/// How far apart two instants are, in microseconds.
fn distance(at: Timestamp, other: WrittenTime) -> i64 {
    at.since(other.start()).as_microsecond().saturating_abs()
}

fn year_at(at: Timestamp) -> Option<i16> {
    let at = jiff::Timestamp::from_microsecond(at.as_microsecond()).ok()?;
    Some(TimeZone::UTC.to_datetime(at).year())
}

#[cfg(test)]
mod tests;
