//! `portledger events`.

use std::io::{self, BufWriter, Read};
use std::process::ExitCode;

use portledger::natlog::{Event, Learnt, Reader, ReaderOptions, Record, Unit, ndjson};

use super::zone;
use crate::args::Events;
use crate::{Outcome, fail, out};

pub(crate) fn run(args: Events) -> Outcome {
    let mut options = ReaderOptions::new();
    if let Some((_, zone)) = zone(args.timezone.as_ref())? {
        options = options.with_zone(zone);
    }
    if let Some(dialect) = args.dialect {
        options = options.with_dialect(dialect);
    }
    if let Some(port) = args.udp_port {
        options = options.with_udp_port(port);
    }
    let mut learnt: Option<Learnt> = None;
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut event = Event::default();
    for path in args.files {
        let name = path.display().to_string();
        let stream: Box<dyn Read> = if name == "-" {
            Box::new(io::stdin())
        } else {
            Box::new(std::fs::File::open(&path).map_err(|e| fail(format!("{name}: {e}")))?)
        };
        let mut reader = match learnt.take() {
            Some(learnt) => Reader::resume(learnt, stream),
            None => Reader::new(args.format, options.clone(), stream),
        };
        while let Some(record) =
            reader.next_record(&mut event).map_err(|e| fail(format!("{name}: {e}")))?
        {
            let unit = reader.unit();
            out(match record {
                Record::Event => ndjson::write_event_of(unit, &event, &mut stdout),
                Record::Rejected(reject) => ndjson::write_reject_of(unit, &reject, &mut stdout),
            })?;
        }
        if reader.unit() == Unit::Datagram {
            learnt = Some(reader.into_learnt());
        }
    }
    out(io::Write::flush(&mut stdout))?;
    Ok(ExitCode::SUCCESS)
}
