//! `portledger rules check FILE`: what is wrong in a rule file, before it is in a ledger.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use portledger::mapping::{RulesFinding, Severity};
use serde::Serialize;

use super::named;
use crate::args::{BatchOutput, Check};
use crate::commands::said;
use crate::{Outcome, out};

#[derive(Serialize)]
struct Line<'a> {
    severity: String,
    kind: &'a str,
    rules: &'a [String],
    detail: &'a str,
}

pub(super) fn run(file: &Path, args: &Check, report: &mut dyn Write) -> Outcome {
    let rules = named(file, args.record)?;
    let findings = rules.validate();
    let mut stdout = BufWriter::new(io::stdout().lock());
    match args.output {
        BatchOutput::Table => {
            for finding in &findings {
                out(writeln!(stdout, "{finding}"))?;
            }
        }
        BatchOutput::Csv => {
            let mut csv = csv::Writer::from_writer(&mut stdout);
            csv.write_record(["severity", "kind", "rules", "detail"])?;
            for f in &findings {
                let severity = f.severity.to_string();
                csv.write_record([severity.as_str(), f.kind, &joined(&f.rules), &f.text])?;
            }
            out(csv.flush())?;
        }
        BatchOutput::Ndjson => {
            for f in &findings {
                let severity = f.severity.to_string();
                let line = Line { severity, kind: f.kind, rules: &f.rules, detail: &f.text };
                out(serde_json::to_writer(&mut stdout, &line).map_err(io::Error::from))?;
                out(writeln!(stdout))?;
            }
        }
    }
    out(stdout.flush())?;
    let errors = findings.iter().filter(|f: &&RulesFinding| f.severity == Severity::Error).count();
    said(writeln!(
        report,
        "{} rule(s): {errors} error(s), {} warning(s)",
        rules.len(),
        findings.len() - errors
    ))?;
    Ok(ExitCode::from(if findings.is_empty() { 0 } else { 3 }))
}

/// Names in one field; a semicolon or percent of a name cannot break the list.
fn joined(names: &[String]) -> String {
    let escaped = names.iter().map(|name| name.replace('%', "%25").replace(';', "%3B"));
    escaped.collect::<Vec<_>>().join(";")
}
