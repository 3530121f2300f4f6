//! `portledger import`.

use std::io::{self, Write};
use std::process::ExitCode;

use portledger::inside::Realm;
use portledger::session::Profile;
use portledger::store::{ImportReport, Ledger, LogImport, StreamReport};
use portledger::time::TimeRange;

use super::{columns, inputs, said, zone};
use crate::args::Import;
use crate::{Failure, Outcome, fail, progress};

pub(crate) fn run(args: Import, report: &mut dyn Write) -> Outcome {
    let zone = zone(args.timezone.as_ref())?;
    let covers = match &args.covers {
        Some(text) => Some(TimeRange::parse(text, zone.as_ref().map(|(_, z)| z))?),
        None => None,
    };
    let request = LogImport {
        profile: args.profile.as_deref().map(profile).transpose()?,
        realm: Realm::new(args.realm.as_deref().unwrap_or_default()),
        zone,
        year: args.year,
        columns: args.columns.as_deref().map(columns).transpose()?,
        clock_offset: args.clock_offset,
        covers,
        ..LogImport::new(args.format, &args.source)
    };
    let bar = progress::over_files(&args.files, "import");
    let files = inputs(args.files)?;
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    let done = ledger.import(&request, files, &mut |n| bar.inc(n));
    bar.finish_and_clear();
    said(summarise(&done?, &args.source, report))?;
    Ok(ExitCode::SUCCESS)
}

fn profile(name: &str) -> Result<Profile, Failure> {
    if let Some(profile) = Profile::builtin(name) {
        return Ok(profile);
    }
    let text = std::fs::read_to_string(name).map_err(|e| {
        fail(format!(
            "`{name}` is no built-in profile (conntrack, conntrack-xml, exact, ulogd, ulogd-json, unknown), and as a file: {e}"
        ))
    })?;
    serde_json::from_str(&text).map_err(|e| fail(format!("profile {name}: {e}")))
}

fn summarise(report: &ImportReport, source: &str, w: &mut dyn Write) -> io::Result<()> {
    for stream in &report.streams {
        summarise_stream(stream, w)?;
    }
    if report.streams.iter().all(|s| s.already) {
        return Ok(());
    }
    let audit = &report.audit;
    let recorded = audit.recorded().map_or_else(|| "no time at all".to_owned(), TimeRange::rfc3339);
    writeln!(
        w,
        "{source}: {} allocations, recorded {recorded}, profile {}",
        report.allocations,
        report.profile.label()
    )?;
    for (n, what) in [
        (audit.duplicates, "repeated records left out"),
        (audit.out_of_order, "records out of order, put in their place"),
        (audit.open, "without an end when the log ended"),
        (audit.lost_creates, "releases whose create line was lost"),
        (audit.lost_releases, "creates whose release line was lost"),
    ] {
        if n > 0 {
            writeln!(w, "  {n} {what}")?;
        }
    }
    if audit.is_lossy() {
        writeln!(
            w,
            "  the source lost lines: it proves nobody's absence, and its open records do not count alone"
        )?;
    }
    if let Some(late) = audit.late_widened {
        writeln!(
            w,
            "  its create stamps are later than the profile says: `late` was widened to {late}"
        )?;
    }
    Ok(())
}

fn summarise_stream(stream: &StreamReport, w: &mut dyn Write) -> io::Result<()> {
    if stream.already {
        return writeln!(w, "{}: imported before with these options: nothing to do", stream.name);
    }
    let rejected: u64 = stream.rejected.values().sum();
    writeln!(
        w,
        "{}: {} records, {} taken, {rejected} not",
        stream.name, stream.records, stream.accepted
    )?;
    for (reason, n) in &stream.rejected {
        writeln!(w, "  {n} {reason}")?;
    }
    if let Some(reject) = &stream.first_damage {
        writeln!(
            w,
            "  the first damaged one is line {} (byte {}), column {}: {}",
            reject.line,
            reject.span.offset,
            reject.column,
            reject.reason.name()
        )?;
    }
    Ok(())
}
