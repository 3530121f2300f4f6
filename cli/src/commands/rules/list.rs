//! `portledger rules list`.

use std::io::{self, Write};
use std::process::ExitCode;

use portledger::mapping::{RuleSet, Stateless};
use portledger::store::Ledger;

use crate::args::InLedger;
use crate::{Outcome, out};

pub(crate) fn list(args: &InLedger) -> Outcome {
    let ledger = Ledger::open(&args.ledger)?;
    let mut stdout = io::stdout().lock();
    for (entry, set) in ledger.manifest().rules.iter().zip(ledger.rules().all()) {
        let counted = match set.set {
            Stateless::Lw4o6(_) => "row(s)",
            Stateless::Deterministic(_) => "pool(s)",
            _ => "rule(s)",
        };
        let closed =
            entry.closed_by.map_or(String::new(), |by| format!("  closed by version {by}"));
        let record = entry.record.map_or(String::new(), |r| format!("  record {r}"));
        out(writeln!(
            stdout,
            "version {}  {}  {}  {} {counted}{closed}  {}{record}  sha256 {}",
            set.id.0.saturating_add(1),
            entry.in_force.rfc3339(),
            set.set.mechanism(),
            set.set.len(),
            entry.path,
            entry.file.sha256
        ))?;
        match set.set {
            Stateless::Lw4o6(table) => {
                out(writeln!(stdout, "  binding-table  {} row(s)", table.len()))?;
            }
            Stateless::Deterministic(nats) => {
                for nat in nats {
                    let name = nat.name().map(|n| format!("{n}  ")).unwrap_or_default();
                    out(writeln!(stdout, "  {name}{}", nat.describe()))?;
                }
            }
            _ => {}
        }
        for rule in set.set.as_map().into_iter().flat_map(RuleSet::rules) {
            let r = rule.rule();
            out(writeln!(
                stdout,
                "  {}  {} -> {}  ea-len {}  psid-offset {}  psid-len {}",
                rule.name(),
                r.v4(),
                r.v6(),
                r.ea_len(),
                r.psid_params().offset(),
                r.psid_params().len()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
