//! portledger's index beside interval crates, plain structures, embedded databases and the memory's own limits; see
//! `benches/README.md`.

mod asked;
mod cells;
mod contender;
mod contenders;
mod groups;
mod limits;
mod measure;
mod report;
mod sys;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use portledger::index::Lean;
use portledger::synth::{LeanTable, TableConfig};

use contender::{Entry, Setup};
use limits::Limits;
use measure::{Figures, Plan, check, time};
use report::Circumstances;

#[global_allocator]
static MEMORY: sys::Counting = sys::Counting;

/// Compares portledger's index with others on the same records and questions.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Table sizes: 20k, 1M, 100M.
    #[arg(long, value_delimiter = ',', default_value = "1M", value_parser = number)]
    records: Vec<u64>,
    /// Tables.
    #[arg(long, value_delimiter = ',', default_value = "sessions,blocks")]
    kinds: Vec<Kind>,
    /// Contenders by name; all of them, or from 50M records on those that fit.
    #[arg(long, value_delimiter = ',', value_parser = contender_name)]
    contenders: Vec<String>,
    /// How often everybody is asked; each time other questions.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Where the tables go, as Markdown and CSV; they are printed in any case.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where databases are made; the default is the system's temporary directory.
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Pages for everybody's memory.
    #[arg(long, default_value = "huge")]
    pages: Pages,
    /// How many contenders are in memory at a time; by default all of them below 50M records.
    #[arg(long)]
    resident: Option<Resident>,
    /// Peers with keys of 32 bits: a tree for every 2^N cells (ports and protocols), not as many as the key allows.
    #[arg(long, value_name = "N")]
    group_shift: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// A day of sessions.
    Sessions,
    /// A day of port blocks.
    Blocks,
    /// The sessions over 1,024 addresses.
    SessionsWide,
    /// The blocks over 65,536 addresses.
    BlocksWide,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pages {
    /// Transparent huge pages, asked for.
    Huge,
    /// 4 KiB pages, huge ones forbidden.
    Small,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Resident {
    /// Everybody, taking turns.
    All,
    /// One after the other.
    One,
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M']);
    let unit = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        other => return Err(format!("`{other}` is no unit: write 20k or 10M")),
    };
    let count: u64 = digits.parse().map_err(|e| format!("`{text}`: {e}; write 20k or 10M"))?;
    // Positions have 32 bits.
    count
        .checked_mul(unit)
        .filter(|n| (1..1 << 31).contains(n))
        .ok_or(format!("`{text}` is out of range"))
}

fn contender_name(text: &str) -> Result<String, String> {
    let known: Vec<&str> = contenders::ALL.iter().map(|e| e.name).collect();
    match known.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` takes no part; there are {}", known.join(", "))),
    }
}

impl Kind {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
    }

    fn config(self, records: u64) -> TableConfig {
        match self {
            Kind::Sessions => TableConfig::sessions(records),
            Kind::Blocks => TableConfig::blocks(records),
            Kind::SessionsWide => TableConfig::sessions_wide(records),
            Kind::BlocksWide => TableConfig::blocks_wide(records),
        }
    }
}

const LARGE: u64 = 50_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    match arguments.pages {
        Pages::Huge => sys::ask_for_huge_pages(),
        Pages::Small => sys::forbid_huge_pages(),
    }
    let scratch = arguments.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = scratch.join(format!("portledger-peers-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let result = run(&arguments, &scratch);
    fs::remove_dir_all(&scratch)?;
    result
}

fn run(arguments: &Arguments, scratch: &Path) -> Result<(), Box<dyn Error>> {
    for &records in &arguments.records {
        for &kind in &arguments.kinds {
            let (markdown, csv) = compare(arguments, scratch, kind, records)?;
            println!("{markdown}");
            if let Some(out) = &arguments.out {
                fs::create_dir_all(out)?;
                let name = format!("{}-{records}", kind.name());
                fs::write(out.join(format!("{name}.md")), &markdown)?;
                fs::write(out.join(format!("{name}.csv")), &csv)?;
            }
        }
    }
    Ok(())
}

fn compare(
    arguments: &Arguments,
    scratch: &Path,
    kind: Kind,
    wanted: u64,
) -> Result<(String, String), Box<dyn Error>> {
    let config = kind.config(wanted);
    eprintln!("{} {wanted}: making records", kind.name());
    let LeanTable { records, stats } = LeanTable::generate(&config);
    stats.check(&config)?;
    let slice = if wanted < 200_000 { 8_192 } else { 65_536 };
    eprintln!("{} {wanted}: making questions", kind.name());
    let asked = asked::draw(&records, slice * 8);
    let mut plan = Plan::new(asked, slice, &cells::Cells::new(&records));
    let chosen = |entry: &&'static Entry| match arguments.contenders.as_slice() {
        [] => wanted < LARGE || contenders::LARGE.contains(&entry.name),
        names => names.iter().any(|name| name == entry.name),
    };
    let chosen: Vec<&'static Entry> = contenders::ALL.iter().filter(chosen).collect();
    let alone = arguments.resident.map_or(wanted >= LARGE, |r| r == Resident::One);
    let setup = Setup { scratch, group_shift: arguments.group_shift };
    let huge = arguments.pages == Pages::Huge;
    let count = records.len() as u64;
    let mut all: Vec<Figures> = Vec::new();
    // The limits' footprint is what a lookup of ours may touch, in every run of the same table.
    let is_in = chosen.iter().any(|entry| entry.name == "portledger");
    let mut limits = (!is_in).then(|| Limits::new(contenders::hot_bytes_of(&records), huge));
    let mut load_before = report::load();
    let mut memory = (0, 0);
    for &entry in &chosen {
        eprintln!("{} {wanted}: {} builds", kind.name(), entry.name);
        let mut figures = build(entry, &records, &setup);
        sys::collapse_heap();
        let contender = figures.contender.as_deref();
        figures.wrong = contender.map_or_else(Vec::new, |c| check(entry, c, &plan.asked));
        // Ours is the first contender, unless it was left out.
        let hot = contender.and_then(|c| c.hot_bytes()).unwrap_or(figures.bytes);
        let limits = limits.get_or_insert_with(|| Limits::new(hot, huge));
        if alone {
            memory = report::memory().max(memory);
            for round in 0..arguments.rounds {
                (0..4).for_each(|step| limits.step(step, slice));
                plan.round(&mut figures, round);
            }
            figures.contender = None;
            sys::trim();
        }
        all.push(figures);
    }
    let Some(mut limits) = limits else { return Err("no contender was chosen".into()) };
    if !alone {
        load_before = report::load();
        memory = report::memory();
        let mut step = 0;
        for round in 0..arguments.rounds {
            eprintln!("{} {wanted}: round {} of {}", kind.name(), round + 1, arguments.rounds);
            for place in 0..all.len() {
                // Everybody begins once, and nobody is asked what the one before was.
                let position = (place + round) % all.len();
                plan.round(&mut all[position], round + place);
                // Between any two of the limits' own rounds somebody else has had the caches.
                limits.step(step, slice);
                step += 1;
            }
        }
    }
    let table = format!(
        "{} records on {} ports of {} addresses; a used port has {:.1} records; depth {:.4} on average, {} at most; \
         {:.2} % begin while another holds the port, {:.3} % together with it; {:.1} % are no aligned power of two of \
         ports; {:.1} % of the later records are of hosts that moved; a random question hits in {:.1} % of cases.",
        stats.entries,
        stats.distinct_ports,
        config.addresses,
        stats.reuse,
        stats.mean_depth,
        stats.max_depth,
        100.0 * stats.overlap_share,
        100.0 * stats.same_start_share,
        100.0 * stats.unaligned_share,
        100.0 * stats.moved_share,
        100.0 * stats.hit_rate_of_uniform_questions,
    );
    let circumstances = Circumstances {
        pages: if huge { "huge" } else { "4 KiB" },
        load_before,
        table,
        records: count,
        kind: kind.name(),
        alone,
        slice,
        memory,
    };
    let tables = (
        report::markdown(&all, &limits, &circumstances),
        report::csv(&all, &limits, &circumstances),
    );
    Ok(tables)
}

fn build(entry: &'static Entry, records: &[Lean], setup: &Setup<'_>) -> Figures {
    let before = sys::live_bytes();
    let mut contender = None;
    let took = time(|| contender = Some((entry.build)(records, setup)));
    let held = sys::live_bytes().saturating_sub(before) as u64;
    let other = contender.as_deref().map_or(0, |c| c.other_bytes());
    let note = contender.as_deref().map_or_else(String::new, |c| c.note());
    let checking = contender.as_deref().map_or(0, |c| c.checking_bytes());
    Figures {
        entry,
        contender,
        bytes: held + other - checking,
        build: took,
        note,
        wrong: Vec::new(),
        times: Vec::new(),
    }
}
