//! `portledger rules reverse` and `forward`: rules without a ledger.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;

use portledger::InsideHost;
use portledger::mapping::{CeLayout, Holding, Stateless, StatelessAnswer};
use portledger::port::{PortRange, PortSet};
use serde::Serialize;

use super::picture;
use crate::args::{BatchOutput, RuleSource, RulesForward, RulesReverse, Written};
use crate::{Failure, Outcome, fail, out};

/// How many ranges a table shows; the other formats show all.
const SHOWN: usize = 4;

pub(crate) fn reverse(args: &RulesReverse) -> Outcome {
    let (rules, layout) = read(&args.source)?;
    let questions = match (&args.batch, args.public) {
        (Some(path), _) => batch(path, ["address", "port"], |[addr, port]| {
            let addr: Ipv4Addr = addr.parse().ok()?;
            let port: u16 =
                port.bytes().all(|b| b.is_ascii_digit()).then(|| port.parse().ok())??;
            Some((addr, port))
        })?,
        (None, Some(public)) => {
            let port = public
                .port
                .ok_or_else(|| fail(format!("{}: whose port? write ADDR:PORT", public.addr)))?;
            vec![(public.addr, port)]
        }
        (None, None) => return Err(fail("an address and port are needed, or --batch FILE")),
    };
    let answers = questions.iter().map(|&(addr, port)| {
        let asked = Asked { inside: None, address: Some(addr.to_string()), port: Some(port) };
        Ok((asked, rules.reverse(addr, port, layout)))
    });
    write(answers, &args.written, false)
}

pub(crate) fn forward(args: &RulesForward) -> Outcome {
    let (rules, layout) = read(&args.source)?;
    let questions: Vec<InsideHost> = match (&args.batch, &args.inside) {
        (Some(path), _) => batch(path, ["inside"], |[inside]| inside.parse().ok())?,
        (None, Some(inside)) => vec![inside.clone()],
        (None, None) => return Err(fail("a prefix or an inside host is needed, or --batch FILE")),
    };
    let mut answers = Vec::with_capacity(questions.len());
    for host in &questions {
        let answer = rules.forward(host, layout).ok_or_else(|| {
            let wanted = match rules {
                Stateless::Deterministic(_) => "an inside IPv4 address",
                _ => "an IPv6 prefix or address",
            };
            fail(format!("{host} is no host of these rules: write {wanted}"))
        })?;
        answers.push((Asked { inside: Some(host.to_string()), address: None, port: None }, answer));
    }
    write(answers.into_iter().map(Ok), &args.written, true)
}

fn read(source: &RuleSource) -> Result<(Stateless, CeLayout), Failure> {
    if let Some(preset) = source.preset {
        return Ok((Stateless::Map(preset.rules()), preset.ce_layout()));
    }
    let Some(path) = &source.rules else {
        return Err(fail("rules are needed: --rules FILE or --preset NAME"));
    };
    Ok((super::of_file(path, source.record)?, CeLayout::Rfc7597))
}

/// The rows of a CSV; one that does not read refuses them all, before anything is written.
fn batch<T, const N: usize>(
    path: &Path,
    columns: [&str; N],
    parse: impl Fn([&str; N]) -> Option<T>,
) -> Result<Vec<T>, Failure> {
    let name = path.display();
    let stream: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|e| fail(format!("{name}: {e}")))?)
    };
    let unreadable = |e: csv::Error| fail(format!("{name}: {e}"));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(stream);
    let header = reader.headers().map_err(unreadable)?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        let mut found = header.iter().enumerate().filter(|(_, h)| *h == column);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => *place = at,
            _ => return Err(fail(format!("{name}: the header must name `{column}` once"))),
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let fields = places.map(|at| record.get(at).unwrap_or_default());
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(parse(fields).ok_or_else(|| {
            let (fields, columns) = (fields.join(","), columns.join(","));
            fail(format!("{name}: line {line}: `{fields}` is not {columns}"))
        })?);
    }
    Ok(rows)
}

/// The question, for the formats that say it.
struct Asked {
    inside: Option<String>,
    address: Option<String>,
    port: Option<u16>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<&'a str>,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    kind: &'a str,
    rule: &'a str,
    psid: &'a str,
    subscriber_prefix_or_inside: &'a str,
    ce_address: &'a str,
    port_ranges: &'a str,
}

/// The columns of an answer; several holders are joined.
struct Row {
    kind: &'static str,
    rule: String,
    psid: String,
    inside: String,
    ce_address: String,
    ports: String,
    public: String,
}

impl Row {
    fn new(answer: &StatelessAnswer, shown: usize) -> Row {
        let each = |text: &dyn Fn(&Holding) -> String| {
            let texts: Vec<String> = answer.holders.iter().map(text).collect();
            // Where no holder has one, there is nothing to keep apart.
            if texts.iter().all(String::is_empty) { String::new() } else { texts.join("|") }
        };
        let psid = |psid: Option<u16>| psid.map(|p| p.to_string()).unwrap_or_default();
        Row {
            kind: answer.kind,
            rule: each(&|h| h.rule.clone()),
            psid: match answer.psid {
                Some(_) => psid(answer.psid),
                None => each(&|h| psid(h.psid)),
            },
            inside: each(&|h| host(&h.inside)),
            ce_address: each(&|h| h.ce_address.map(|a| a.to_string()).unwrap_or_default()),
            ports: each(&|h| ports(&h.ports, shown)),
            public: each(&|h| match h.public.prefix_len() {
                32 => h.public.addr().to_string(),
                _ => h.public.to_string(),
            }),
        }
    }

    fn fields(&self) -> [&str; 6] {
        [self.kind, &self.rule, &self.psid, &self.inside, &self.ce_address, &self.ports]
    }
}

/// The host; a B4 by its bare address.
fn host(inside: &InsideHost) -> String {
    match inside {
        InsideHost::B4 { addr, inner: None } => addr.to_string(),
        other => other.to_string(),
    }
}

fn ports(ports: &PortSet, shown: usize) -> String {
    if ports.ranges() == [PortRange::ALL] {
        return "all".to_owned();
    }
    let range = |r: &PortRange| format!("{}-{}", r.first(), r.last());
    let mut texts: Vec<String> = ports.ranges().iter().take(shown).map(range).collect();
    if ports.ranges().len() > shown {
        texts.push(format!("... ({} ports)", ports.len()));
    }
    texts.join(" ")
}

const COLUMNS: [&str; 6] =
    ["kind", "rule", "psid", "subscriber_prefix_or_inside", "ce_address", "port_ranges"];

fn write(
    answers: impl Iterator<Item = Result<(Asked, StatelessAnswer), Failure>>,
    written: &Written,
    is_forward: bool,
) -> Outcome {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match written.output {
        BatchOutput::Csv => {
            let mut csv = csv::Writer::from_writer(&mut stdout);
            let address = is_forward.then_some("address");
            csv.write_record(COLUMNS.into_iter().chain(address))?;
            for item in answers {
                let (_, answer) = item?;
                draw(&answer, written)?;
                let row = Row::new(&answer, usize::MAX);
                let public = is_forward.then_some(row.public.as_str());
                csv.write_record(row.fields().into_iter().chain(public))?;
            }
            out(csv.flush())?;
        }
        BatchOutput::Ndjson => {
            for item in answers {
                let (asked, answer) = item?;
                draw(&answer, written)?;
                let row = Row::new(&answer, usize::MAX);
                let line = Line {
                    inside: asked.inside.as_deref(),
                    address: asked.address.as_deref().unwrap_or(&row.public),
                    port: asked.port,
                    kind: row.kind,
                    rule: &row.rule,
                    psid: &row.psid,
                    subscriber_prefix_or_inside: &row.inside,
                    ce_address: &row.ce_address,
                    port_ranges: &row.ports,
                };
                out(serde_json::to_writer(&mut stdout, &line).map_err(io::Error::from))?;
                out(writeln!(stdout))?;
            }
        }
        BatchOutput::Table => {
            let [kind, rule, psid, inside, ce, ports] = COLUMNS;
            out(writeln!(
                stdout,
                "{:<24} {kind:<15} {psid:>5}  {inside:<30} {ce:<38} {rule:<24} {:<18} {ports}",
                "asked", "address"
            ))?;
            for item in answers {
                let (asked, answer) = item?;
                draw(&answer, written)?;
                let row = Row::new(&answer, SHOWN);
                let question = match (&asked.inside, &asked.address, asked.port) {
                    (Some(inside), ..) => inside.clone(),
                    (_, Some(addr), Some(port)) => format!("{addr}:{port}"),
                    _ => String::new(),
                };
                let [kind, rule, psid, inside, ce, ports] =
                    row.fields().map(|f| if f.is_empty() { "-" } else { f });
                let public = if row.public.is_empty() { "-" } else { &row.public };
                out(writeln!(
                    stdout,
                    "{question:<24} {kind:<15} {psid:>5}  {inside:<30} {ce:<38} {rule:<24} {public:<18} {ports}"
                ))?;
            }
        }
    }
    out(stdout.flush())?;
    Ok(ExitCode::SUCCESS)
}

fn draw(answer: &StatelessAnswer, written: &Written) -> Result<(), Failure> {
    let Some(path) = &written.picture else { return Ok(()) };
    if answer.holders.is_empty() {
        return Err(fail(format!("nobody holds it ({}): there are no ports to draw", answer.kind)));
    }
    let svg = picture::strips(&answer.holders, host);
    std::fs::write(path, svg).map_err(|e| fail(format!("{}: {e}", path.display())))
}
