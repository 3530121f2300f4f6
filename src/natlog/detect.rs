//! Which format a log is of: every reader is tried on its beginning.
//!
//! Nothing here knows any format. A reader that makes events of most of what it does not set aside as somebody else's
//! lines is a candidate; two that make the same events are one.

use std::io;

use super::{Event, Format, Reader, ReaderOptions, Record};

/// What the readers made of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    /// The formats that fit, best first.
    pub candidates: Vec<Candidate>,
    /// Where none does: as what flow records would, were it said whose numbers they use.
    pub dialects: Vec<InDialect>,
    /// How many bytes were looked at.
    pub bytes: usize,
}

/// A format that fits a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The format.
    pub format: Format,
    /// How many events its reader found.
    pub events: u64,
    /// How many records it found damaged.
    pub damaged: u64,
    /// How many it set aside.
    pub other: u64,
}

impl Candidate {
    /// Events by events and damaged records, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a share of at most a few thousand")]
    pub fn score(&self) -> f64 {
        self.events as f64 / (self.events + self.damaged).max(1) as f64
    }
}

/// A dialect of flow records that fits a sample; see `--dialect` and [`ReaderOptions::with_dialect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InDialect {
    /// The format.
    pub format: Format,
    /// The name of the dialect.
    pub dialect: &'static str,
    /// How many events its reader found.
    pub events: u64,
}

/// No format, or no single one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// No reader makes events of it.
    #[error("no format fits the first {0} bytes: name one with --format")]
    Nothing(usize),
    /// None does unless it is told whose numbers flow records use.
    #[error("these flow records do not say whose numbers they use, and would fit {}", dialects(.0))]
    NoDialect(Vec<InDialect>),
    /// Several do.
    #[error("{} fit: name one with --format", list(.0))]
    Several(Vec<Candidate>),
}

fn list(candidates: &[Candidate]) -> String {
    let text = |c: &Candidate| format!("{} ({} events)", c.format, c.events);
    candidates.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn dialects(fits: &[InDialect]) -> String {
    let text = |fit: &InDialect| {
        format!("--format {} --dialect {} ({} events)", fit.format, fit.dialect, fit.events)
    };
    fits.iter().map(text).collect::<Vec<_>>().join(", ")
}

impl Detected {
    /// How many bytes are worth looking at.
    pub const SAMPLE: usize = 256 * 1024;
    /// How many records of them.
    const RECORDS: u64 = 1000;
    /// A reader that damages more than half of what it reads does not fit.
    const LEAST_SCORE: f64 = 0.5;
    /// A reader that finds less than one event in twenty of the best one's met a stray line.
    const RIVAL: u64 = 20;

    /// Tries every reader on the beginning of a log, already unpacked; `is_whole` where it is all of it.
    ///
    /// A zone and year that are missing are made up, since they do not change which format it is.
    ///
    /// ```
    /// use portledger::natlog::{Format, ReaderOptions, detect::Detected};
    /// let sample = b"event,time,inside,outside,port\nsession_create,@1,100.64.0.1,203.0.113.7,4000\n";
    /// let found = Detected::of(sample, true, &ReaderOptions::new()).sole()?;
    /// assert_eq!(found.format, Format::Csv);
    /// # Ok::<(), portledger::natlog::detect::DetectError>(())
    /// ```
    pub fn of(sample: &[u8], is_whole: bool, options: &ReaderOptions) -> Detected {
        let mut options = options.clone();
        if options.zone().is_none() {
            options = options.with_zone(crate::time::Zone::UTC);
        }
        if options.year().is_none() {
            options = options.with_year(2000);
        }
        let mut tried: Vec<(Candidate, Vec<Event>)> = Vec::new();
        for &format in Format::ALL {
            let (candidate, events) = attempt(format, sample, is_whole, &options);
            // The same events by another name are the same format.
            let is_new = !tried.iter().any(|(_, others)| *others == events);
            if candidate.events > 0 && candidate.score() >= Self::LEAST_SCORE && is_new {
                tried.push((candidate, events));
            }
        }
        let mut candidates: Vec<Candidate> = tried.into_iter().map(|(c, _)| c).collect();
        candidates.sort_by_key(|c| std::cmp::Reverse(c.events.saturating_sub(c.damaged)));
        if let Some(best) = candidates.first().map(|c| c.events) {
            candidates.retain(|c| c.events.saturating_mul(Self::RIVAL) >= best);
        }
        let dialects = if candidates.is_empty() {
            in_dialects(sample, is_whole, &options)
        } else {
            Vec::new()
        };
        Detected { candidates, dialects, bytes: sample.len() }
    }

    /// The one format that fits.
    ///
    /// # Errors
    ///
    /// [`DetectError`] where none or several do.
    pub fn sole(self) -> Result<Candidate, DetectError> {
        match self.candidates.as_slice() {
            [one] => Ok(*one),
            [] if self.dialects.is_empty() => Err(DetectError::Nothing(self.bytes)),
            [] => Err(DetectError::NoDialect(self.dialects)),
            _ => Err(DetectError::Several(self.candidates)),
        }
    }
}

#[cfg(not(feature = "netflow"))]
fn in_dialects(_: &[u8], _: bool, _: &ReaderOptions) -> Vec<InDialect> {
    Vec::new()
}

/// The dialects that a sample is read by, if none was named.
#[cfg(feature = "netflow")]
fn in_dialects(sample: &[u8], is_whole: bool, options: &ReaderOptions) -> Vec<InDialect> {
    let mut fits = Vec::new();
    for format in [Format::Ipfix, Format::Netflow9] {
        for dialect in super::Dialect::ALL.into_iter().filter(|_| options.dialect().is_none()) {
            let options = options.clone().with_dialect(dialect);
            let (candidate, _) = attempt(format, sample, is_whole, &options);
            if candidate.events > 0 && candidate.score() >= Detected::LEAST_SCORE {
                fits.push(InDialect { format, dialect: dialect.name(), events: candidate.events });
            }
        }
    }
    fits
}

fn attempt(
    format: Format,
    sample: &[u8],
    is_whole: bool,
    options: &ReaderOptions,
) -> (Candidate, Vec<Event>) {
    let mut candidate = Candidate { format, events: 0, damaged: 0, other: 0 };
    let mut events = Vec::new();
    let mut reader = Reader::new(format, options.clone(), io::Cursor::new(sample));
    let mut event = Event::default();
    let is_cut = |end: u64| !is_whole && end >= sample.len() as u64;
    let records = |c: &Candidate| c.events + c.damaged + c.other;
    while records(&candidate) < Detected::RECORDS
        && let Ok(Some(record)) = reader.next_record(&mut event)
    {
        match record {
            Record::Event if is_cut(event.span.offset + u64::from(event.span.length)) => break,
            Record::Event => {
                candidate.events += 1;
                events.push(std::mem::take(&mut event));
            }
            Record::Rejected(reject) => {
                if is_cut(reject.span.offset + u64::from(reject.span.length)) {
                    break;
                }
                if reject.reason.is_expected() {
                    candidate.other += 1;
                } else {
                    candidate.damaged += 1;
                }
            }
        }
    }
    (candidate, events)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNTRACK: &str = "[1795306735.123403]\t    [NEW] tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 \
        sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706\n";
    const NDJSON: &str = "{\"event\":\"session_create\",\"time\":\"2026-11-02T00:00:00\",\"inside\":\"100.64.0.1\",\"outside\":\"203.0.113.7\",\"port\":4000}\n";

    fn sole(sample: &str, is_whole: bool) -> Result<Candidate, DetectError> {
        Detected::of(sample.as_bytes(), is_whole, &ReaderOptions::new()).sole()
    }

    #[test]
    fn a_log_is_known_by_what_its_reader_makes_of_it() {
        for (sample, format) in [(CONNTRACK, Format::Conntrack), (NDJSON, Format::Ndjson)] {
            let found = sole(&sample.repeat(2000), true).unwrap();
            assert_eq!((found.format, found.events, found.damaged), (format, 1000, 0));
        }
    }

    #[test]
    fn a_cut_at_the_end_of_the_sample_is_no_damage() {
        let text = CONNTRACK.repeat(3);
        for end in CONNTRACK.len() * 2..text.len() {
            let found = sole(&text[..end], false).unwrap();
            assert_eq!(found.damaged, 0, "{end}");
        }
    }

    #[test]
    fn some_damage_is_borne_and_much_is_not() {
        let damaged = CONNTRACK.replace("dport=20017", "dport=99999");
        let found = sole(&format!("{CONNTRACK}{CONNTRACK}{damaged}"), true).unwrap();
        assert_eq!((found.format, found.damaged), (Format::Conntrack, 1));
        let much = format!("{CONNTRACK}{}", damaged.repeat(2));
        assert_eq!(sole(&much, true), Err(DetectError::Nothing(much.len())));
        assert_eq!(sole("nobody knows\n", true), Err(DetectError::Nothing(13)));
        assert_eq!(sole("", true), Err(DetectError::Nothing(0)));
    }

    #[test]
    fn two_that_fit_are_named() {
        // Each reader sets aside or damages the other's lines: half and half.
        let mixed = format!("{CONNTRACK}{NDJSON}").repeat(10);
        let error = sole(&mixed, true).unwrap_err().to_string();
        assert!(error.contains("conntrack (10 events)") && error.contains("ndjson"), "{error}");
    }
}
