//! `portledger rules check --ledger`.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use portledger::Timestamp;
use portledger::resolver::{Contradiction, Evidence, Verdict, contradictions};
use portledger::store::Ledger;
use serde::Serialize;

use crate::args::{BatchOutput, Check};
use crate::commands::said;
use crate::output::csv::source;
use crate::output::raw::{RawReader, RawRecord};
use crate::{Failure, Outcome, out, progress};

const HEADER: [&str; 12] = [
    "kind",
    "public_address",
    "ports",
    "protocol",
    "from",
    "until",
    "log_holder",
    "source",
    "length",
    "rule",
    "rule_version",
    "rule_holder",
];

pub(super) fn run(dir: &Path, args: &Check, report: &mut dyn Write) -> Outcome {
    let ledger = Ledger::open(dir)?;
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut writer = Writer::new(args, &mut stdout)?;
    let spinner = progress::spinner("check");
    let mut count = 0_u64;
    for found in contradictions(&ledger) {
        writer.write(&found)?;
        count += 1;
    }
    spinner.finish_and_clear();
    writer.finish()?;
    let allocations: usize = ledger.segments().iter().map(|s| s.index().len()).sum();
    said(writeln!(
        report,
        "{count} contradiction(s) between {} rule set(s) and {allocations} allocation(s)",
        ledger.manifest().rules.len()
    ))?;
    let verdict = if count == 0 { Verdict::Unique } else { Verdict::Conflict };
    Ok(ExitCode::from(verdict.exit_code()))
}

/// Writes contradictions one by one.
struct Writer<W: Write> {
    form: Form<W>,
    raw: Option<RawReader>,
}

enum Form<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(W),
    Table { writer: W, is_begun: bool },
}

#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    public_address: String,
    ports: String,
    protocol: Option<String>,
    from: String,
    until: String,
    log_holder: String,
    log: &'a Evidence,
    rule: &'a Evidence,
    rule_holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Vec<RawRecord>>,
}

impl<W: Write> Writer<W> {
    fn new(args: &Check, stdout: W) -> Result<Writer<W>, Failure> {
        let form = match args.output {
            BatchOutput::Csv => {
                let mut writer = csv::Writer::from_writer(stdout);
                writer.write_record(HEADER.iter().chain(args.raw.then_some(&"raw")))?;
                Form::Csv(Box::new(writer))
            }
            BatchOutput::Ndjson => Form::Ndjson(stdout),
            BatchOutput::Table => Form::Table { writer: stdout, is_begun: false },
        };
        Ok(Writer { form, raw: args.raw.then(RawReader::default) })
    }

    fn write(&mut self, found: &Contradiction) -> Result<(), Failure> {
        let raw = self.raw.as_mut().map(|reader| reader.read(&found.log));
        match &mut self.form {
            Form::Csv(writer) => {
                let raw = raw.map(|records| {
                    let texts = records.iter().map(RawRecord::text_or_unavailable);
                    texts.collect::<Vec<_>>().join("\n")
                });
                writer.write_record(row(found).iter().chain(raw.as_ref()))?;
            }
            Form::Ndjson(writer) => {
                let written = serde_json::to_writer(&mut *writer, &line(found, raw));
                out(written.map_err(io::Error::from))?;
                out(writer.write_all(b"\n"))?;
            }
            Form::Table { writer, is_begun } => {
                let begin = !std::mem::replace(is_begun, true);
                out(table(writer, begin, found, &raw.unwrap_or_default()))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self.form {
            Form::Csv(mut writer) => out(writer.flush()),
            Form::Ndjson(mut writer) | Form::Table { mut writer, .. } => out(writer.flush()),
        }
    }
}

/// An end of a range of time; empty where it has none.
fn time(at: Timestamp) -> String {
    if at == Timestamp::MIN || at == Timestamp::MAX { String::new() } else { at.rfc3339() }
}

fn line(found: &Contradiction, raw: Option<Vec<RawRecord>>) -> Line<'_> {
    Line {
        kind: found.kind.name(),
        public_address: found.addr.to_string(),
        ports: found.ports.to_string(),
        protocol: found.protocol.map(|p| p.to_string()),
        from: time(found.during.start()),
        until: time(found.during.end()),
        log_holder: found.log_holder.to_string(),
        log: &found.log,
        rule: &found.rule,
        rule_holder: found.rule_holder.as_ref().map(ToString::to_string),
        raw,
    }
}

fn row(found: &Contradiction) -> [String; 12] {
    let length = match &found.log {
        Evidence::Records { records, .. } => records.first().map(|r| r.length.to_string()),
        Evidence::Rule { .. } => None,
    };
    let (rule, version) = match &found.rule {
        Evidence::Rule { rule, version, .. } => (rule.clone(), version.clone()),
        Evidence::Records { .. } => (String::new(), String::new()),
    };
    [
        found.kind.name().to_owned(),
        found.addr.to_string(),
        found.ports.to_string(),
        found.protocol.map(|p| p.to_string()).unwrap_or_default(),
        time(found.during.start()),
        time(found.during.end()),
        found.log_holder.to_string(),
        source(&found.log),
        length.unwrap_or_default(),
        rule,
        version,
        found.rule_holder.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

fn table(
    w: &mut impl Write,
    begin: bool,
    found: &Contradiction,
    raw: &[RawRecord],
) -> io::Result<()> {
    if begin {
        writeln!(
            w,
            "{:<13} {:<27} {:<49} {:<24} {:<20} {:<24} rule holder",
            "kind", "public", "time", "log holder", "source", "rule"
        )?;
    }
    let protocol = found.protocol.map(|p| format!("/{p}")).unwrap_or_default();
    writeln!(
        w,
        "{:<13} {:<27} {:<49} {:<24} {:<20} {:<24} {}",
        found.kind.name(),
        format!("{}:{}{protocol}", found.addr, found.ports),
        found.during.rfc3339(),
        found.log_holder.to_string(),
        source(&found.log),
        source(&found.rule),
        found.rule_holder.as_ref().map_or("nobody".to_owned(), ToString::to_string)
    )?;
    for record in raw {
        writeln!(w, "  {record}")?;
    }
    Ok(())
}
