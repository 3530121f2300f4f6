//! `portledger info`, `verify` and `expire`.

use std::io::{self, Write};
use std::process::ExitCode;

use portledger::store::{Ledger, SourceKind};
use portledger::time::TimeRange;

use super::{instant, said};
use crate::args::{Expire, InLedger, Info};
use crate::{Outcome, out};

pub(crate) fn info(args: &Info) -> Outcome {
    let ledger = Ledger::open(&args.ledger.ledger)?;
    let manifest = ledger.manifest();
    let mut stdout = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut stdout, manifest)?;
        out(writeln!(stdout))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(addr) = args.address {
        let coverage = ledger.coverage(addr);
        for range in coverage.present() {
            let absence =
                if coverage.is_absent(range) { "presence and absence" } else { "presence" };
            out(writeln!(stdout, "{addr}  {}  {absence}", range.rfc3339()))?;
        }
        if coverage.is_empty() {
            out(writeln!(stdout, "{addr}  no log of it"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let allocations: usize = ledger.segments().iter().map(|s| s.index().len()).sum();
    out(writeln!(
        stdout,
        "state {}  {allocations} allocations  {} bindings  {} rule sets  {} pools",
        manifest.state,
        ledger.identity().len(),
        manifest.rules.len(),
        manifest.pools.len()
    ))?;
    for source in &manifest.sources {
        let kind = match source.kind {
            SourceKind::Log => "log",
            SourceKind::Subscribers => "subscribers",
        };
        let covers = source.covers.map(|c| format!("complete {}", c.rfc3339()));
        let recorded = source.recorded.map(|r| format!("recorded {}", r.rfc3339()));
        let time = covers.or(recorded).unwrap_or_default();
        let profile = source.log.as_ref().map(|l| l.profile.label()).unwrap_or_default();
        let rejected: u64 = source.rejected.values().sum();
        out(writeln!(
            stdout,
            "{kind}  {}  {}  {} taken, {rejected} not  {profile}  {time}",
            source.name, source.format, source.accepted
        ))?;
        for gap in source.log.iter().flat_map(|l| &l.gaps) {
            out(writeln!(stdout, "  suspected gap {}", gap.rfc3339()))?;
        }
    }
    for pool in &manifest.pools {
        let device = pool.device.as_deref().unwrap_or("any device");
        let range =
            if pool.in_force == TimeRange::ALL { String::new() } else { pool.in_force.rfc3339() };
        let exclusive = if pool.exclusive { "exclusive" } else { "" };
        out(writeln!(
            stdout,
            "pool  {}  ports {}  {device}  {exclusive}  {range}",
            pool.prefix, pool.ports
        ))?;
    }
    if let Some(before) = manifest.expired_before {
        out(writeln!(stdout, "everything before {} was deleted", before.rfc3339()))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn verify(args: &InLedger) -> Outcome {
    let checked = Ledger::verify(&args.ledger)?;
    eprintln!("{checked} files are what was written");
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn expire(args: &Expire, report: &mut dyn Write) -> Outcome {
    let before = instant(&args.older_than)?;
    Ledger::open(&args.ledger.ledger)?;
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    let expired = ledger.expire(before)?;
    said(writeln!(
        report,
        "{} allocations deleted, {} cut at {}, {} accounting records and bindings deleted",
        expired.deleted,
        expired.cut,
        before.rfc3339(),
        expired.identity_records
    ))?;
    Ok(ExitCode::SUCCESS)
}
