//! `portledger import`.

use std::io::{self, Write};
use std::process::ExitCode;

use indicatif::ProgressBar;
use portledger::inside::Realm;
use portledger::session::Profile;
use portledger::store::{
    ImportReport, ImportWatch, Ledger, LedgerError, LogImport, RejectedRecord, StreamReport,
};
use portledger::time::TimeRange;

use super::{columns, inputs, logs, said, zone};
use crate::args::Import;
use crate::output::rejects::Rejects;
use crate::{Failure, Outcome, fail, progress};

pub(crate) fn run(args: Import, report: &mut dyn Write) -> Outcome {
    let zone = zone(args.log.timezone.as_ref())?;
    let covers = match &args.covers {
        Some(text) => Some(TimeRange::parse(text, zone.as_ref().map(|(_, z)| z))?),
        None => None,
    };
    let profile = args.profile.as_deref().map(profile).transpose()?;
    let bar = progress::over_files(&args.files, "import");
    let mut files = inputs(args.files)?;
    let options = logs::reader_options(&args.log)?;
    let format = logs::format(args.log.format, &mut files, &options, report)?;
    let request = LogImport {
        profile,
        realm: Realm::new(args.log.realm.as_deref().unwrap_or_default()),
        zone,
        year: args.log.year,
        dialect: args.log.dialect,
        udp_port: args.log.udp_port,
        template: args.log.template,
        columns: args.log.columns.as_deref().map(columns).transpose()?,
        clock_offset: args.clock_offset,
        covers,
        max_rejects: args.max_rejects.map(|share| share.0),
        ..LogImport::new(format, &args.source)
    };
    let rejects = args.rejects.as_deref().map(Rejects::create).transpose()?;
    let is_new = !args.ledger.ledger.join("ledger.json").exists();
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    let mut watch = Watch { bar: &bar, rejects };
    let done = ledger.import_watched(&request, files, &mut watch);
    bar.finish_and_clear();
    let flushed = watch.rejects.map_or(Ok(()), Rejects::finish);
    if done.is_err() && is_new {
        // An empty ledger would say of every address that it is none of ours.
        ledger.discard()?;
    }
    if let Err(LedgerError::TooManyRejects(stream)) = &done {
        said(summarise_stream(stream, report))?;
    }
    said(summarise(&done?, &args.source, report))?;
    flushed?;
    Ok(ExitCode::SUCCESS)
}

/// Shows how far an import is, and writes down what it rejects.
struct Watch<'a> {
    bar: &'a ProgressBar,
    rejects: Option<Rejects>,
}

impl ImportWatch for Watch<'_> {
    fn bytes(&mut self, n: u64) {
        self.bar.inc(n);
    }

    fn wants_rejects(&self) -> bool {
        self.rejects.is_some()
    }

    fn rejected(&mut self, record: &RejectedRecord<'_>) -> io::Result<()> {
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.write(record))
    }
}

fn profile(name: &str) -> Result<Profile, Failure> {
    if let Some(profile) = Profile::builtin(name) {
        return Ok(profile);
    }
    let text = std::fs::read_to_string(name).map_err(|e| {
        fail(format!(
            "`{name}` is no built-in profile ({}), and as a file: {e}",
            Profile::builtin_names().collect::<Vec<_>>().join(", ")
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
        (audit.ended_in_doubt, "ended by releases that fit several, as many as they fit"),
        (audit.open_in_doubt, "left open, as a release may have been theirs or another's"),
        (audit.seen_only, "seen without ever an end: the log never says when flows end"),
        (
            audit.unnamed,
            "flows that do not say who held which public port: nobody's absence is proven",
        ),
        (audit.host_releases, "releases of everything that a host held"),
        (audit.address_bindings, "pairs of host and public address, which give no port"),
    ] {
        if n > 0 {
            writeln!(w, "  {n} {what}")?;
        }
    }
    if audit.is_lossy() {
        let why =
            if audit.lost_lines() > 0 { "the source lost lines" } else { "it leaves ends open" };
        writeln!(
            w,
            "  {why}: it proves nobody's absence, and its open records do not count alone"
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
