//! `portledger rules diff`: whose ports a change of rules moves.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use portledger::mapping::{DiffTotals, PortChange, PortHolder, RuleSetId, RulesDiff, RulesInForce};
use portledger::store::Ledger;
use portledger::time::{TimeDelta, TimeRange};
use serde::Serialize;

use super::named;
use crate::args::{self, BatchOutput};
use crate::commands::said;
use crate::{Failure, Outcome, fail, out};

/// Who is bound to hosts, at the change.
struct People<'l> {
    ledger: &'l Ledger,
    at: TimeRange,
}

#[derive(Serialize)]
struct Line<'a> {
    first_address: String,
    last_address: String,
    first_port: u16,
    last_port: u16,
    change: &'a str,
    old: &'a str,
    new: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_subscriber: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_subscriber: Option<String>,
}

pub(crate) fn diff(args: &args::RulesDiff, report: &mut dyn Write) -> Outcome {
    let Some(dir) = &args.ledger else {
        let old = named(Path::new(&args.old), args.record)?;
        let new = named(Path::new(&args.new), args.record)?;
        return write(RulesDiff::new(&old, &new), None, args.output, report);
    };
    let ledger = Ledger::open(dir)?;
    let (old, new) = (version(&ledger, &args.old)?, version(&ledger, &args.new)?);
    let begin = new.in_force.start();
    let at = TimeRange::instant(begin);
    let before = TimeRange::instant(begin.minus(TimeDelta::from_microsecond(1)));
    said(writeln!(
        report,
        "version {} in force {}, version {} in force {}; subscribers at {}",
        args.old,
        old.in_force.rfc3339(),
        args.new,
        new.in_force.rfc3339(),
        begin.rfc3339()
    ))?;
    let people = People { ledger: &ledger, at };
    write(RulesDiff::at(old.set, before, new.set, at), Some(&people), args.output, report)
}

fn version<'l>(ledger: &'l Ledger, text: &str) -> Result<RulesInForce<'l>, Failure> {
    let number = text.parse::<u32>().ok().and_then(|number| number.checked_sub(1));
    number.and_then(|number| ledger.rules().get(RuleSetId(number))).ok_or_else(|| {
        let count = ledger.manifest().rules.len();
        fail(format!("`{text}` is no version: the ledger has {count}, see rules list"))
    })
}

impl People<'_> {
    /// The subscribers of a holder, each once; none where a host of it has none.
    fn of(&self, holder: &PortHolder) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for host in holder.hosts() {
            let found = self.ledger.identity().lookup(host, self.at);
            if found.is_empty() {
                return None;
            }
            names.extend(found.iter().map(|b| b.subscriber.to_string()));
        }
        Some(names)
    }

    /// The subscribers as a cell: of several hosts joined as the hosts are, of one host that several are bound to
    /// joined by `;`.
    fn cell(&self, holder: &PortHolder) -> String {
        let of_host = |host| {
            let found = self.ledger.identity().lookup(host, self.at);
            let names: BTreeSet<String> =
                found.iter().map(|b| escape(b.subscriber.as_str())).collect();
            match names.len() {
                0 => "unbound".to_owned(),
                _ => names.into_iter().collect::<Vec<_>>().join(";"),
            }
        };
        holder.hosts().iter().map(of_host).collect::<Vec<_>>().join("|")
    }

    /// Whether one subscriber has the ports before and after.
    fn stays(&self, change: &PortChange) -> bool {
        match (self.of(&change.old), self.of(&change.new)) {
            (Some(old), Some(new)) => old.len() == 1 && old == new,
            _ => false,
        }
    }
}

/// An id in a list.
fn escape(id: &str) -> String {
    id.replace('%', "%25").replace(';', "%3B").replace('|', "%7C")
}

const COLUMNS: [&str; 7] =
    ["first_address", "last_address", "first_port", "last_port", "change", "old", "new"];

fn write(
    changes: RulesDiff<'_>,
    people: Option<&People<'_>>,
    output: BatchOutput,
    report: &mut dyn Write,
) -> Outcome {
    let mut totals = DiffTotals::default();
    let mut same = 0_u64;
    let mut lines = changes.map(|change| {
        totals.add(&change);
        let stays = people.is_some_and(|people| people.stays(&change));
        if stays {
            same += u64::from(change.ports.len()) * change.addresses();
        }
        let kind = if stays { "same-subscriber".to_owned() } else { change.kind().to_string() };
        (kind, change)
    });
    let mut stdout = BufWriter::new(io::stdout().lock());
    match output {
        BatchOutput::Csv => {
            let mut csv = csv::Writer::from_writer(&mut stdout);
            let more = people.map(|_| ["old_subscriber", "new_subscriber"]);
            csv.write_record(COLUMNS.into_iter().chain(more.into_iter().flatten()))?;
            for (kind, c) in lines.by_ref() {
                let (first, last) = (c.first.to_string(), c.last.to_string());
                let (low, high) = (c.ports.first().to_string(), c.ports.last().to_string());
                let fields = [first, last, low, high, kind, c.old.to_string(), c.new.to_string()];
                let more = people.map(|people| [people.cell(&c.old), people.cell(&c.new)]);
                csv.write_record(fields.into_iter().chain(more.into_iter().flatten()))?;
            }
            out(csv.flush())?;
        }
        BatchOutput::Ndjson => {
            for (kind, c) in lines.by_ref() {
                let line = Line {
                    first_address: c.first.to_string(),
                    last_address: c.last.to_string(),
                    first_port: c.ports.first(),
                    last_port: c.ports.last(),
                    change: &kind,
                    old: &c.old.to_string(),
                    new: &c.new.to_string(),
                    old_subscriber: people.map(|people| people.cell(&c.old)),
                    new_subscriber: people.map(|people| people.cell(&c.new)),
                };
                out(serde_json::to_writer(&mut stdout, &line).map_err(io::Error::from))?;
                out(writeln!(stdout))?;
            }
        }
        BatchOutput::Table => {
            for (kind, c) in lines.by_ref() {
                let addresses = if c.first == c.last {
                    c.first.to_string()
                } else {
                    format!("{}-{}", c.first, c.last)
                };
                let with = |holder: &PortHolder| match people.map(|people| people.cell(holder)) {
                    Some(cell) if !cell.is_empty() => format!("{holder} ({cell})"),
                    _ => holder.to_string(),
                };
                let ports = c.ports.to_string();
                let (old, new) = (with(&c.old), with(&c.new));
                out(writeln!(stdout, "{addresses:<15} {ports:<11} {kind:<8} {old} -> {new}"))?;
            }
        }
    }
    drop(lines);
    out(stdout.flush())?;
    said(writeln!(
        report,
        "{} address(es) touched, {} port(s) changed; {} holder(s) lose ports, {} gain",
        totals.addresses(),
        totals.ports(),
        totals.losing(),
        totals.gaining()
    ))?;
    if same > 0 {
        said(writeln!(report, "{same} of the ports stay with the same subscriber"))?;
    }
    Ok(ExitCode::SUCCESS)
}
