//! `portledger rules`.

mod calculate;
mod check_ledger;
mod picture;

use std::io::{self, Write};
use std::process::ExitCode;

use portledger::mapping::{RuleSet, Stateless};
use portledger::store::Ledger;

pub(crate) use calculate::{forward, reverse};
pub(crate) use check_ledger::check;

use super::{in_force, said};
use crate::args::{InLedger, RulesAdd};
use crate::{Outcome, fail, out};

pub(crate) fn add(args: &RulesAdd, report: &mut dyn Write) -> Outcome {
    let range = in_force(Some(&args.from), args.until.as_deref())?;
    let path = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).map_err(|e| fail(format!("{path}: {e}")))?;
    let mut ledger = Ledger::create(&args.ledger.ledger)?;
    if ledger.add_rules(&path, &bytes, range)? {
        let rules = ledger.rules().all().last().map_or(0, |r| r.set.len());
        said(writeln!(report, "{rules} rule(s) in force {}", range.rfc3339()))?;
    } else {
        said(writeln!(report, "those rules are in force then already: nothing to do"))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn list(args: &InLedger) -> Outcome {
    let ledger = Ledger::open(&args.ledger)?;
    let mut stdout = io::stdout().lock();
    for (entry, set) in ledger.manifest().rules.iter().zip(ledger.rules().all()) {
        out(writeln!(
            stdout,
            "{}  {}  sha256 {}",
            entry.in_force.rfc3339(),
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
