//! `portledger events`.

use std::io::{self, BufWriter, Read};
use std::process::ExitCode;

use portledger::natlog::{Event, Reader, ReaderOptions, Record, ndjson};

use super::{columns, zone};
use crate::args::Events;
use crate::{Outcome, fail, out};

pub(crate) fn run(args: Events) -> Outcome {
    let mut options = ReaderOptions::new();
    if let Some((_, zone)) = zone(args.timezone.as_ref())? {
        options = options.with_zone(zone);
    }
    if let Some(map) = args.columns.as_deref() {
        options = options.with_columns(columns(map)?);
    }
    if let Some(year) = args.year {
        options = options.with_year(year);
    }
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut event = Event::default();
    for path in args.files {
        let name = path.display().to_string();
        let stream: Box<dyn Read> = if name == "-" {
            Box::new(io::stdin())
        } else {
            Box::new(std::fs::File::open(&path).map_err(|e| fail(format!("{name}: {e}")))?)
        };
        let mut reader = Reader::new(args.format, options.clone(), stream);
        while let Some(record) =
            reader.next_record(&mut event).map_err(|e| fail(format!("{name}: {e}")))?
        {
            out(match record {
                Record::Event => ndjson::write_event(&event, &mut stdout),
                Record::Rejected(reject) => ndjson::write_reject(&reject, &mut stdout),
            })?;
        }
    }
    out(io::Write::flush(&mut stdout))?;
    Ok(ExitCode::SUCCESS)
}
