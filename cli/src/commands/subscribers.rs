//! `portledger subscribers`.

use std::io::{self, Write};
use std::process::ExitCode;

use portledger::inside::Realm;
use portledger::store::{Ledger, SubscriberImport, SubscriberReport};

use super::{inputs, said, zone};
use crate::args::SubscribersImport;
use crate::{Outcome, progress};

pub(crate) fn import(args: SubscribersImport, report: &mut dyn Write) -> Outcome {
    let request = SubscriberImport {
        realm: Realm::new(args.realm.as_deref().unwrap_or_default()),
        id_attribute: args.id_attribute.clone(),
        zone: zone(args.timezone.as_ref())?,
        ..SubscriberImport::new(args.format)
    };
    let bar = progress::over_files(&args.files, "import");
    let files = inputs(args.files)?;
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    let reports = ledger.import_subscribers(&request, files, &mut |n| bar.inc(n));
    bar.finish_and_clear();
    said(summarise(&reports?, &ledger, report))?;
    Ok(ExitCode::SUCCESS)
}

fn summarise(reports: &[SubscriberReport], ledger: &Ledger, w: &mut dyn Write) -> io::Result<()> {
    for report in reports {
        if report.already {
            writeln!(w, "{}: imported before with these options: nothing to do", report.name)?;
            continue;
        }
        let rejected: u64 = report.rejected.values().sum();
        writeln!(
            w,
            "{}: {} accounting records, {} bindings, {rejected} rejected",
            report.name, report.records, report.bindings
        )?;
        for (reason, n) in &report.rejected {
            writeln!(w, "  {n} {reason}")?;
        }
        if let Some(reject) = &report.first_reject {
            writeln!(
                w,
                "  the first one is at line {} (byte {}): {}",
                reject.line,
                reject.span.offset,
                reject.reason.name()
            )?;
        }
    }
    if reports.iter().all(|r| r.already) {
        return Ok(());
    }
    let audit = ledger.accounting_audit();
    writeln!(w, "{} bindings in the ledger", ledger.identity().len())?;
    if audit.lost_stops > 0 {
        writeln!(
            w,
            "  {} accounting sessions have no Stop: their end is bounded by what came after",
            audit.lost_stops
        )?;
    }
    if audit.lost_starts > 0 {
        writeln!(
            w,
            "  {} accounting sessions have no Start: their begin is bounded by what came before",
            audit.lost_starts
        )?;
    }
    Ok(())
}
