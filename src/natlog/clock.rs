//! Civil stamps -> instants: the zone, year and offset of one source.
//!
//! A stamp that names its offset needs nothing. One without zone needs the zone of the source; one without year the
//! year too, which then follows the stamps over New Year. Where the clocks of a zone were set back, a stamp means two
//! instants, and both are kept: the [`WrittenTime`] reaches from the earlier to the end of the later.

use jiff::civil::DateTime;

use super::RejectReason;
use super::reader::ReaderOptions;
use crate::time::{TimeDelta, Timestamp, WrittenTime, Zone};

/// The clock of one source.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: Option<Zone>,
    year: Option<i16>,
    /// The month of the last stamp without year.
    month: Option<i8>,
}

impl Clock {
    pub(super) fn new(options: &ReaderOptions) -> Clock {
        Clock { zone: options.zone().cloned(), year: options.year(), month: None }
    }

    /// A stamp with year and without zone; `subsecond_microsecond` and `resolution_microsecond` are what follows the
    /// whole second, and how fine it was written.
    pub(super) fn civil(
        &mut self,
        civil: DateTime,
        subsecond_microsecond: i64,
        resolution_microsecond: i64,
    ) -> Result<WrittenTime, RejectReason> {
        let zone = self.zone.as_ref().ok_or(RejectReason::NoZone)?;
        civil_in(zone, civil, subsecond_microsecond, resolution_microsecond)
    }

    /// The year of a stamp that has none.
    pub(super) fn year_of(&mut self, month: i8) -> Result<i16, RejectReason> {
        let mut year = self.year.ok_or(RejectReason::NoYear)?;
        match self.month.replace(month) {
            Some(12) if month == 1 => year += 1,
            // A December line behind a January one was written before New Year.
            Some(1) if month == 12 => year -= 1,
            _ => {}
        }
        self.year = Some(year);
        Ok(year)
    }
}

/// A civil stamp in UTC, for formats whose stamps are in UTC whatever the zone of the box.
pub(super) fn utc(
    civil: DateTime,
    subsecond_microsecond: i64,
    resolution_microsecond: i64,
) -> Result<WrittenTime, RejectReason> {
    civil_in(&Zone::UTC, civil, subsecond_microsecond, resolution_microsecond)
}

fn civil_in(
    zone: &Zone,
    civil: DateTime,
    subsecond_microsecond: i64,
    resolution_microsecond: i64,
) -> Result<WrittenTime, RejectReason> {
    let (first, fold) = zone.instants(civil).map_err(|_| RejectReason::BadTime)?;
    let start = Timestamp::from_microsecond(first.as_microsecond() + subsecond_microsecond);
    let resolution =
        resolution_microsecond.saturating_add(fold.map_or(0, TimeDelta::as_microsecond));
    Ok(WrittenTime::new(start, resolution))
}
