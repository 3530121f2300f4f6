//! Events whose stamps cannot be placed, read without them.

use super::reader::{LineParser, ReaderOptions};
use super::{Event, RejectReason};
use crate::time::Zone;

/// A year with a 29 February, so that no date is refused for its sake.
const ANY_YEAR: i16 = 2000;

/// A parser that falls back on one which knows some zone and some year, and takes its times away.
#[derive(Debug)]
pub(super) struct Untimed {
    parser: Box<dyn LineParser>,
    fallback: Box<dyn LineParser>,
    /// Whether the line at hand is the fallback's.
    fell_back: Option<RejectReason>,
}

impl Untimed {
    pub(super) fn new(
        make: fn(ReaderOptions) -> Box<dyn LineParser>,
        options: ReaderOptions,
    ) -> Untimed {
        let zone = options.zone().cloned().unwrap_or(Zone::UTC);
        let year = options.year().unwrap_or(ANY_YEAR);
        let any = options.clone().with_zone(zone).with_year(year);
        Untimed { parser: make(options), fallback: make(any), fell_back: None }
    }
}

fn without_times(event: &mut Event, why: RejectReason) {
    (event.time, event.header_time, event.start, event.stop) = (None, None, None, None);
    event.unplaced = Some(why);
}

impl LineParser for Untimed {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.fell_back = None;
        let result = self.parser.parse_line(line, event);
        let Err((why @ (RejectReason::NoYear | RejectReason::NoZone), _)) = result else {
            return result;
        };
        *event = Event::default();
        self.fell_back = Some(why);
        let second = self.fallback.parse_line(line, event);
        without_times(event, why);
        second
    }

    fn parse_more(
        &mut self,
        line: &[u8],
        event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        let Some(why) = self.fell_back else { return self.parser.parse_more(line, event) };
        let more = self.fallback.parse_more(line, event);
        without_times(event, why);
        more
    }

    fn is_surely_whole(&self) -> bool {
        match self.fell_back {
            Some(_) => self.fallback.is_surely_whole(),
            None => self.parser.is_surely_whole(),
        }
    }

    fn delimiter(&self) -> u8 {
        self.parser.delimiter()
    }

    #[cfg(feature = "netflow")]
    fn datagrams(&mut self) -> Option<&mut dyn super::DatagramParser> {
        self.parser.datagrams()
    }
}
