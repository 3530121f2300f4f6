//! `portledger events`.

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use portledger::natlog::unpack::Unpack;
use portledger::natlog::{Event, Learnt, Reader, Record, ndjson};
use portledger::store::Input;

use super::{inputs, logs};
use crate::args::Events;
use crate::{Outcome, fail, out};

pub(crate) fn run(args: Events, report: &mut dyn Write) -> Outcome {
    let options = logs::reader_options(&args.log)?.with_untimed(true);
    let mut files = inputs(args.files)?;
    let format = logs::format(args.log.format, &mut files, &options, report)?;
    let mut learnt: Option<Learnt> = None;
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut event = Event::default();
    for file in files {
        let name = file.name();
        let stream: Box<dyn Read> = match file {
            Input::Path(path) => {
                Box::new(std::fs::File::open(path).map_err(|e| fail(format!("{name}: {e}")))?)
            }
            Input::Stream(_, stream) => stream,
        };
        let stream = Unpack::new(stream);
        let mut reader = match learnt.take() {
            Some(learnt) => Reader::resume(learnt, stream),
            None => Reader::new(format, options.clone(), stream),
        };
        loop {
            let record = match reader.next_record(&mut event) {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(e) => {
                    // What was read before is said before.
                    out(stdout.flush())?;
                    return Err(fail(format!("{name}: {e}")));
                }
            };
            let unit = reader.unit();
            out(match record {
                Record::Event => ndjson::write_event_of(unit, &event, &mut stdout),
                Record::Rejected(reject) => ndjson::write_reject_of(unit, &reject, &mut stdout),
            })?;
        }
        if reader.is_continued() {
            learnt = Some(reader.into_learnt());
        }
    }
    out(stdout.flush())?;
    Ok(ExitCode::SUCCESS)
}
