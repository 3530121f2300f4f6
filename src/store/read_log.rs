//! One log into the assembler, with everything that is not taken in told.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use super::error::{LedgerError, io_error};
use super::import::{LogImport, StreamReport};
use super::input::{Counting, Input, Remembering, Tail};
use crate::allocation::{SourceId, Span};
use crate::natlog::unpack::Unpack;
use crate::natlog::{Event, Learnt, Reader, Record, RejectReason};
use crate::session::Assembler;
use crate::time::{TimeDelta, WrittenTime};

/// Is told what an import does while it does it.
///
/// A closure over the number of bytes is one that does not look at rejects.
pub trait ImportWatch {
    /// So many bytes more of the files were read.
    fn bytes(&mut self, n: u64);

    /// Whether [`rejected`](ImportWatch::rejected) is to be called; it costs a copy of every byte.
    fn wants_rejects(&self) -> bool {
        false
    }

    /// A record was not taken in.
    ///
    /// # Errors
    ///
    /// Whatever the watch cannot do; it ends the import, which leaves nothing.
    fn rejected(&mut self, _record: &RejectedRecord<'_>) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(u64) + ?Sized> ImportWatch for F {
    fn bytes(&mut self, n: u64) {
        self(n);
    }
}

/// A record that was not taken in.
#[derive(Clone, Copy, Debug)]
pub struct RejectedRecord<'a> {
    /// The name of the file or stream.
    pub stream: &'a str,
    /// The number of its line or datagram, from 1.
    pub line: u64,
    /// Where it stands in the unpacked stream.
    pub span: Span,
    /// The byte at which reading stopped, from 1; none where the record was read and makes no sense.
    pub column: Option<u32>,
    /// Why, by name.
    pub reason: &'a str,
    /// What to do about it; may be empty.
    pub advice: &'a str,
    /// Whether it is damage; a record that is in order and holds no NAT fact is not.
    pub is_damage: bool,
    /// Its bytes; none where it is longer than a reader looks at.
    pub raw: Option<&'a [u8]>,
}

/// Reads a log that is in the ledger already, for what the next file of the call needs of it.
pub(super) fn pass_over(
    input: Input,
    request: &LogImport,
    learnt: &mut Option<Learnt>,
) -> Result<(), LedgerError> {
    let name = input.name();
    let mut reader = open(request, learnt, Unpack::new(input.open()?));
    let mut event = Event::default();
    let failed = |e: io::Error| io_error(Path::new(&name), e);
    while reader.next_record(&mut event).map_err(failed)?.is_some() {}
    *learnt = reader.is_continued().then(|| reader.into_learnt());
    Ok(())
}

/// A reader that goes on where the file before ended.
fn open<R: io::Read>(request: &LogImport, learnt: &mut Option<Learnt>, stream: R) -> Reader<R> {
    match learnt.take() {
        Some(learnt) => Reader::resume(learnt, stream),
        None => Reader::new(request.format, request.reader_options(), stream),
    }
}

/// Reads a log to its end; `stream` has then seen all of its bytes.
pub(super) fn read_log(
    stream: &mut Counting,
    request: &LogImport,
    source: SourceId,
    assembler: &mut Assembler,
    name: &str,
    learnt: &mut Option<Learnt>,
    watch: &mut dyn ImportWatch,
) -> Result<StreamReport, LedgerError> {
    let failed = |e: io::Error| io_error(Path::new(name), e);
    let bytes = Rc::clone(&stream.bytes);
    let tail = watch.wants_rejects().then(|| Rc::new(RefCell::new(Tail::default())));
    let unpacked = Remembering { inner: Unpack::new(stream), tail: tail.clone() };
    let mut reader = open(request, learnt, unpacked);
    let mut report = StreamReport::new(name.to_owned());
    let mut event = Event::default();
    let mut told = 0;
    loop {
        let record = reader.next_record(&mut event).map_err(failed)?;
        if bytes.get() > told {
            watch.bytes(bytes.get() - told);
            told = bytes.get();
        }
        let Some(record) = record else { break };
        report.records += 1;
        correct(&mut event, request.clock_offset);
        let mut rejected = match record {
            Record::Event => match assembler.push(source, &event) {
                Ok(()) => {
                    report.accepted += 1;
                    continue;
                }
                Err(reject) => {
                    assembler.saw_damage(event.time);
                    report.damaged += 1;
                    RejectedRecord {
                        stream: name,
                        line: event.line,
                        span: event.span,
                        column: None,
                        reason: reject.name(),
                        advice: "",
                        is_damage: true,
                        raw: None,
                    }
                }
            },
            Record::Rejected(reject) => {
                if let Some(at) = event.time {
                    assembler.saw_stamp(at.start());
                }
                let is_damage = !reject.reason.is_expected();
                if reject.reason.is_of_unnamed_flow() {
                    assembler.saw_unnamed();
                }
                if is_damage {
                    // A tool that says it lost events says it right.
                    report.damaged += u64::from(reject.reason != RejectReason::EventsLost);
                    assembler.saw_damage(event.time);
                    report.first_damage.get_or_insert(reject);
                } else {
                    report.expected_rejects += 1;
                }
                RejectedRecord {
                    stream: name,
                    line: reject.line,
                    span: reject.span,
                    column: Some(reject.column),
                    reason: reject.reason.name(),
                    advice: reject.reason.advice(),
                    is_damage,
                    raw: None,
                }
            }
        };
        match report.rejected.get_mut(rejected.reason) {
            Some(count) => *count += 1,
            None => {
                report.rejected.insert(rejected.reason.to_owned(), 1);
            }
        }
        if let Some(tail) = &tail {
            let tail = tail.borrow();
            rejected.raw = tail.get(rejected.span);
            watch.rejected(&rejected).map_err(|e| io_error(Path::new("the rejects"), e))?;
        }
    }
    if reader.is_continued() {
        *learnt = Some(reader.into_learnt());
    }
    Ok(report)
}

fn correct(event: &mut Event, offset: TimeDelta) {
    if offset != TimeDelta::ZERO {
        for at in [&mut event.time, &mut event.start, &mut event.stop] {
            *at = at.map(|w: WrittenTime| w.corrected(offset));
        }
    }
}
