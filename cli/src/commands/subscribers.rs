//! `portledger subscribers`.

use std::process::ExitCode;

use portledger::inside::Realm;
use portledger::store::{Ledger, SubscriberImport};

use super::{inputs, zone};
use crate::args::SubscribersImport;
use crate::{Outcome, progress};

pub(crate) fn import(args: SubscribersImport) -> Outcome {
    let request = SubscriberImport {
        realm: Realm::new(args.realm.as_deref().unwrap_or_default()),
        id_attribute: args.id_attribute.clone(),
        zone: zone(args.timezone.as_ref())?,
        ..SubscriberImport::new(args.format)
    };
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    let bar = progress::over_files(&args.files, "import");
    let reports = ledger.import_subscribers(&request, inputs(args.files), &mut |n| bar.inc(n));
    bar.finish_and_clear();
    let mut fresh = false;
    for report in reports? {
        if report.already {
            eprintln!("{}: imported before with these options: nothing to do", report.name);
            continue;
        }
        fresh = true;
        let rejected: u64 = report.rejected.values().sum();
        eprintln!(
            "{}: {} accounting records, {} bindings, {rejected} rejected",
            report.name, report.records, report.bindings
        );
        for (reason, n) in &report.rejected {
            eprintln!("  {n} {reason}");
        }
        if let Some(reject) = &report.first_reject {
            eprintln!(
                "  the first one is at line {} (byte {}): {}",
                reject.line,
                reject.span.offset,
                reject.reason.name()
            );
        }
    }
    if fresh {
        let audit = ledger.accounting_audit();
        eprintln!("{} bindings in the ledger", ledger.identity().len());
        if audit.lost_stops > 0 {
            eprintln!(
                "  {} accounting sessions have no Stop: their end is bounded by what came after",
                audit.lost_stops
            );
        }
        if audit.lost_starts > 0 {
            eprintln!(
                "  {} accounting sessions have no Start: their begin is bounded by what came before",
                audit.lost_starts
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
