//! `portledger resolve`.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use portledger::inquiry::{CsvInquiries, InquiryDefaults, InquiryRow};
use portledger::resolver::{Inquiry, Resolver};
use portledger::store::Ledger;
use portledger::time::WrittenTime;

use super::zone;
use crate::args::{BatchOutput, Resolve};
use crate::output::{csv, json, table, text};
use crate::{Failure, Outcome, fail, out, progress};

pub(crate) fn run(args: &Resolve) -> Outcome {
    if let Some(path) = &args.batch {
        let defaults = InquiryDefaults {
            protocol: args.protocol,
            to: args.to.clone(),
            tolerance: args.tolerance,
            zone: zone(args.timezone.as_ref())?.map(|(_, zone)| zone),
        };
        return batch(args, path, defaults);
    }
    let inquiry = inquiry(args)?;
    let ledger = Ledger::open(&args.ledger.ledger)?;
    let answer = Resolver::new(&ledger).resolve(&inquiry);
    let mut stdout = io::stdout().lock();
    if args.json {
        out(json::write(&mut stdout, None, &answer, args.raw))?;
    } else {
        out(text::write(&mut stdout, &answer, args.raw))?;
    }
    Ok(ExitCode::from(answer.verdict.exit_code()))
}

/// The one question of a command line.
pub(super) fn inquiry(args: &Resolve) -> Result<Inquiry, Failure> {
    let zone = zone(args.timezone.as_ref())?.map(|(_, zone)| zone);
    let (Some(public), Some(time)) = (args.public, &args.time) else {
        return Err(fail("an address and a time are needed, or --batch FILE"));
    };
    let time = WrittenTime::parse(time, zone.as_ref())?;
    let mut inquiry = Inquiry::new(public.addr, time).tolerance(args.tolerance);
    if let Some(port) = public.port {
        inquiry = inquiry.port(port);
    }
    if let Some(protocol) = args.protocol {
        inquiry = inquiry.protocol(protocol);
    }
    for to in &args.to {
        inquiry = inquiry.to(*to);
    }
    Ok(inquiry)
}

fn batch(args: &Resolve, path: &Path, defaults: InquiryDefaults) -> Outcome {
    let name = path.display().to_string();
    let stream: Box<dyn Read> = if name == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|e| fail(format!("{name}: {e}")))?)
    };
    let rows: Vec<InquiryRow> = CsvInquiries::new(stream, defaults)?.collect();
    let started = Instant::now();
    let ledger = Ledger::open(&args.ledger.ledger)?;
    let opened = started.elapsed();
    let resolver = Resolver::new(&ledger);
    let bar = progress::over_items(rows.len().try_into().unwrap_or(u64::MAX), "resolve");
    let started = Instant::now();
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut writer = match args.output {
        BatchOutput::Csv => Writer::Csv(csv::AnswerCsv::new(&mut stdout)?),
        BatchOutput::Ndjson => Writer::Ndjson(&mut stdout),
        BatchOutput::Table => Writer::Table(table::AnswerTable::new(&mut stdout)),
    };
    let asked: Vec<Inquiry> =
        rows.iter().filter_map(|row| row.inquiry.as_ref().ok()).cloned().collect();
    let mut answers = resolver.resolve_each(&asked);
    for row in &rows {
        let answer = match &row.inquiry {
            Ok(_) => Ok(answers.next().ok_or_else(|| fail("a question was left unanswered"))?),
            Err(why) => Err(why),
        };
        match &mut writer {
            Writer::Csv(csv) => csv.write(&row.id, answer.as_ref().map_err(|why| why.as_str()))?,
            Writer::Ndjson(stdout) => out(match &answer {
                Ok(answer) => json::write(stdout, Some(&row.id), answer, false),
                Err(why) => json::write_invalid(stdout, &row.id, why),
            })?,
            Writer::Table(table) => {
                out(table.write(&row.id, answer.as_ref().map_err(|why| why.as_str())))?;
            }
        }
        bar.inc(1);
    }
    drop(writer);
    out(stdout.flush())?;
    bar.finish_and_clear();
    eprintln!(
        "{} questions answered in {:.3} s, after {:.3} s to open the ledger",
        rows.len(),
        started.elapsed().as_secs_f64(),
        opened.as_secs_f64()
    );
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::large_enum_variant, reason = "there is one of it")]
enum Writer<W: Write> {
    Csv(csv::AnswerCsv<W>),
    Ndjson(W),
    Table(table::AnswerTable<W>),
}
