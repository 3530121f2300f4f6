//! `portledger rules add`.

use std::io::Write;
use std::process::ExitCode;

use portledger::Timestamp;
use portledger::mapping::AddressRanges;
use portledger::store::{ClosedRules, Ledger, RulesImport, RulesReport};

use crate::args::RulesAdd;
use crate::commands::{in_force, said};
use crate::{Failure, Outcome};

/// How many ranges of addresses are written out; their number is said.
const SHOWN: usize = 8;

pub(crate) fn add(args: &RulesAdd, report: &mut dyn Write) -> Outcome {
    let range = in_force(Some(&args.from), args.until.as_deref())?;
    let path = args.file.display().to_string();
    // A file that does not read must not leave a new, empty ledger behind, of which every address is `not-ours`.
    let bytes = super::bytes_of(&args.file, args.record)?;
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    let import =
        RulesImport { beside: args.beside, record: args.record, ..RulesImport::new(path, range) };
    let added = ledger.import_rules(&import, &bytes)?;
    if added.is_new {
        said(writeln!(
            report,
            "{} rule(s) in force {} as version {}",
            added.rules,
            added.in_force.rfc3339(),
            added.version
        ))?;
        change(&added, report)?;
    } else {
        said(writeln!(report, "those rules are version {} already: nothing to do", added.version))?;
    }
    for finding in &added.findings {
        said(writeln!(report, "{finding}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the new version does to the others, and they to it.
fn change(added: &RulesReport, report: &mut dyn Write) -> Result<(), Failure> {
    for closed in &added.closed {
        close(closed, added, report)?;
    }
    if let Some(later) = added.closed_by {
        said(writeln!(
            report,
            "version {} ends where version {later} begins, at {}",
            added.version,
            added.in_force.end().rfc3339()
        ))?;
    }
    Ok(())
}

fn close(closed: &ClosedRules, added: &RulesReport, report: &mut dyn Write) -> Result<(), Failure> {
    let ClosedRules { version, was, now, dropped, .. } = closed;
    said(writeln!(
        report,
        "version {version} is closed: it was in force {}, now {}",
        was.rfc3339(),
        now.rfc3339()
    ))?;
    if !dropped.is_empty() {
        said(writeln!(
            report,
            "warning dropped: {} address(es) of version {version} are in no rule of version {}: {}; --beside would have kept both",
            dropped.len(),
            added.version,
            ranges(dropped)
        ))?;
    }
    let end = added.in_force.end();
    if end < was.end() && end != Timestamp::MAX && added.closed_by.is_none() {
        said(writeln!(
            report,
            "warning not-back: version {version} does not come back at {}: add its file again if it does",
            end.rfc3339()
        ))?;
    }
    Ok(())
}

fn ranges(addresses: &AddressRanges) -> String {
    let count = addresses.ranges().count();
    let shown: AddressRanges = addresses.ranges().take(SHOWN).collect();
    match count.saturating_sub(SHOWN) {
        0 => shown.to_string(),
        more => format!("{shown} and {more} more range(s)"),
    }
}
