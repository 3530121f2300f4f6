//! The records of a port next to a time: what the margins of an answer are measured to.

use std::net::Ipv4Addr;

use super::view::View;
use crate::allocation::Allocation;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// The nearest records on either side of a time, by position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The one that ended last before it.
    pub before: Option<u32>,
    /// The one that began first after it.
    pub after: Option<u32>,
}

/// How far is looked first; then four times as far, until something is found or nothing is left.
const FIRST_LOOK: TimeDelta = TimeDelta::from_second(600);

impl View<'_> {
    /// The nearest records of the port wholly before and wholly after `range` that `is_other` accepts.
    ///
    /// # Complexity
    ///
    /// As many lines of the port's time as lie up to the neighbours, at most four times over.
    pub fn neighbours(
        self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        range: TimeRange,
        mut is_other: impl FnMut(&Allocation) -> bool,
    ) -> Neighbours {
        let mut found = Neighbours::default();
        let port = PortRange::single(port);
        let mut hits = Vec::new();
        let mut reach = FIRST_LOOK;
        let mut best: Option<(Timestamp, u32)> = None;
        // Whatever ended after the begin of the window overlaps it, so the latest end in it is the latest of all.
        while let Ok(window) = TimeRange::new(before(range.start(), reach), range.start()) {
            hits.clear();
            self.during(addr, port, protocol, window, &mut hits);
            for &at in &hits {
                let Some(record) = self.get(at) else { continue };
                let end = record.outer.end();
                if end <= range.start() && best.is_none_or(|(b, _)| end > b) && is_other(&record) {
                    best = Some((end, at));
                }
            }
            if best.is_some() || window.start() == Timestamp::MIN {
                break;
            }
            reach = self.further(reach);
        }
        found.before = best.map(|(_, at)| at);
        (best, reach) = (None, FIRST_LOOK);
        while let Ok(window) = TimeRange::new(range.end(), after(range.end(), reach)) {
            hits.clear();
            self.during(addr, port, protocol, window, &mut hits);
            for &at in &hits {
                let Some(record) = self.get(at) else { continue };
                let start = record.outer.start();
                if start >= range.end() && best.is_none_or(|(b, _)| start < b) && is_other(&record)
                {
                    best = Some((start, at));
                }
            }
            if best.is_some() || window.end() == Timestamp::MAX {
                break;
            }
            reach = self.further(reach);
        }
        found.after = best.map(|(_, at)| at);
        found
    }

    /// A longer reach: once it is longer than the span that nearly all records lie in, all of time.
    fn further(self, reach: TimeDelta) -> TimeDelta {
        let span = i64::try_from(self.clock.steps.saturating_mul(self.clock.step_microsecond));
        if reach.as_microsecond() > span.unwrap_or(i64::MAX) {
            return TimeDelta::MAX;
        }
        TimeDelta::from_microsecond(reach.as_microsecond().saturating_mul(4))
    }
}

/// The begin of a look back; the furthest is all of time.
fn before(at: Timestamp, reach: TimeDelta) -> Timestamp {
    if reach == TimeDelta::MAX { Timestamp::MIN } else { at.minus(reach) }
}

/// The end of a look ahead; the furthest is all of time.
fn after(at: Timestamp, reach: TimeDelta) -> Timestamp {
    if reach == TimeDelta::MAX { Timestamp::MAX } else { at.plus(reach) }
}
