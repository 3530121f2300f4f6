//! The tables: Markdown for people, CSV for plots; beside each the machine and its limits.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::limits::{DEPTHS, Limits};
use crate::measure::{Figures, Metric, Times};

/// What the figures depend on.
pub struct Circumstances {
    /// `huge` or `small`.
    pub pages: &'static str,
    /// The load when the rounds began.
    pub load_before: String,
    /// How the table was made and what it measures to.
    pub table: String,
    /// Records.
    pub records: u64,
    /// `sessions` or the like.
    pub kind: String,
    /// Whether contenders were resident one at a time.
    pub alone: bool,
    /// Questions a slice.
    pub slice: usize,
    /// Anonymous memory of the process after the builds, and how much of it is on huge pages (KiB).
    pub memory: (u64, u64),
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The system's load averages.
pub fn load() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Anonymous memory of this process and its part on huge pages, in KiB.
pub fn memory() -> (u64, u64) {
    let rollup = read("/proc/self/smaps_rollup");
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    };
    (field("Anonymous:"), field("AnonHugePages:"))
}

fn git(arguments: &[&str]) -> String {
    let output =
        Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output();
    output.map_or_else(|_| String::new(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}

fn machine() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let caches: Vec<String> = (0..4)
        .map(|i| {
            let of = |file| read(&format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{file}"));
            format!("L{} {} {}", of("level"), of("type").to_lowercase(), of("size"))
        })
        .filter(|text| text.len() > 4)
        .collect();
    let features: Vec<&str> = [
        ("sse2", cfg!(target_feature = "sse2")),
        ("avx2", cfg!(target_feature = "avx2")),
        ("avx512f", cfg!(target_feature = "avx512f")),
    ]
    .into_iter()
    .filter_map(|(name, has)| has.then_some(name))
    .collect();
    format!(
        "{} ({cores} threads; {}), compiled for {} with {}",
        model.trim_start_matches([' ', '\t', ':']),
        caches.join(", "),
        std::env::consts::ARCH,
        features.join(" "),
    )
}

fn thp() -> String {
    let state = read("/sys/kernel/mm/transparent_hugepage/enabled");
    state
        .split(' ')
        .find(|s| s.starts_with('['))
        .unwrap_or("unknown")
        .trim_matches(['[', ']'])
        .to_owned()
}

/// The best of a plain and a sorted way, and which it was.
fn best(
    figures: &Figures,
    plain: Metric,
    sorted: Metric,
    kind: &str,
) -> Option<(f64, &'static str)> {
    let plain = figures.of(plain, kind).map(|t| (t.median(), "loop"));
    let sorted = figures.of(sorted, kind).map(|t| (t.median(), "sort"));
    plain.into_iter().chain(sorted).min_by(|a, b| a.0.total_cmp(&b.0))
}

/// The whole comparison of one table.
pub fn markdown(all: &[Figures], limits: &Limits, c: &Circumstances) -> String {
    let mut out = String::new();
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    let dirty = if git(&["status", "--porcelain"]).is_empty() { "" } else { " with changes" };
    let _ = write!(
        out,
        "### {} records, {}\n\n{}\n\n\
         - Machine: {}.\n\
         - Load averages before and after: {}; {}.\n\
         - Pages: {} (transparent huge pages: {}); after the builds {} of {} MiB of anonymous memory on huge pages.\n\
         - Commit {commit}{dirty}. Contenders resident: {}. Questions a slice: {}.\n",
        c.records,
        c.kind,
        c.table,
        machine(),
        c.load_before,
        load(),
        c.pages,
        thp(),
        c.memory.1 >> 10,
        c.memory.0 >> 10,
        if c.alone { "one at a time" } else { "all, taking turns" },
        c.slice,
    );
    let huge = limits.huge_bytes().map_or("unknown".into(), |b| format!("{} MiB", b >> 20));
    let (depth, ahead) = limits.best_ahead();
    let each: Vec<String> =
        DEPTHS.iter().zip(&limits.ahead).map(|(d, t)| format!("{d}: {:.1}", t.median())).collect();
    let chase = limits.chase.median();
    let _ = writeln!(
        out,
        "- Limits over {} MiB ({huge} on huge pages): dependent read {chase:.1} ns; read asked for ahead {ahead:.1} ns \
         (depth {depth}; {}).\n",
        limits.bytes() >> 20,
        each.join(", "),
    );
    out.push_str(
        "Processor nanoseconds a lookup, median of the rounds; `x` = as many times as portledger takes. `loop`: \
         questions as they come (own batch interface, if any); `sort`: sorted first, sorting timed.\n\n\
         | contender | complete | B/record | build ns/record | hit | x | miss | zipf | hot | deep | batch hit | x | batch \
         miss | pre-sorted hit | x |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let ours = all.iter().find(|f| f.entry.name == "portledger");
    let records = c.records as f64;
    for f in all {
        let single = |kind| f.of(Metric::Single, kind).map(Times::median);
        let text = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.1}"));
        let batch = |f: &Figures, kind| best(f, Metric::Batch, Metric::BatchSorting, kind);
        let sorted = |f: &Figures| best(f, Metric::Sorted, Metric::SortedInOrder, "hit");
        let way =
            |b: Option<(f64, &str)>| b.map_or("-".to_owned(), |(v, way)| format!("{v:.1} {way}"));
        let times = |own: Option<f64>, of_ours: Option<f64>| match (own, of_ours) {
            (Some(own), Some(ours)) => format!("{:.2}", own / ours),
            _ => "-".to_owned(),
        };
        let wrong =
            |kind| f.wrong.iter().find(|(k, _)| *k == kind).map_or(0.0, |(_, share)| share * 100.0);
        let complete = match f.entry.complete {
            true => "yes".to_owned(),
            false => {
                format!("no: wrong on {:.1} % of hit, {:.0} % of deep", wrong("hit"), wrong("deep"))
            }
        };
        let ours_single = ours.and_then(|o| o.of(Metric::Single, "hit")).map(Times::median);
        let _ = writeln!(
            out,
            "| {} | {complete} | {:.1} | {:.0} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            f.entry.name,
            f.bytes as f64 / records,
            f.build.cpu / records,
            text(single("hit")),
            times(single("hit"), ours_single),
            text(single("miss")),
            text(single("zipf")),
            text(single("hot")),
            text(single("deep")),
            way(batch(f, "hit")),
            times(batch(f, "hit").map(|b| b.0), ours.and_then(|o| batch(o, "hit")).map(|b| b.0)),
            way(batch(f, "miss")),
            way(sorted(f)),
            times(sorted(f).map(|b| b.0), ours.and_then(sorted).map(|b| b.0)),
        );
    }
    out.push('\n');
    if let Some(ours) = ours {
        let single = ours.of(Metric::Single, "hit").map(Times::median);
        let row = ours.of(Metric::Row, "hit").map(Times::median);
        let batch = best(ours, Metric::Batch, Metric::BatchSorting, "hit").map(|b| b.0);
        let over = |value: Option<f64>, limit: f64| value.map_or(f64::NAN, |v| v / limit);
        let _ = writeln!(
            out,
            "portledger against the limits: one lookup {:.2} dependent reads; with inside host and exact times {:.1} ns, \
             {:.2} dependent reads; batch {:.2} reads asked for ahead.",
            over(single, chase),
            row.unwrap_or(f64::NAN),
            over(row, chase),
            over(batch, ahead),
        );
        let rivals = || all.iter().filter(|f| f.entry.peer && f.entry.complete);
        let batch_of =
            |f: &Figures| best(f, Metric::Batch, Metric::BatchSorting, "hit").map(|b| b.0);
        let single_of = |f: &Figures| f.of(Metric::Single, "hit").map(Times::median);
        let least = |time: &dyn Fn(&Figures) -> Option<f64>| {
            rivals()
                .filter_map(|f| Some((time(f)?, f.entry.name)))
                .min_by(|a, b| a.0.total_cmp(&b.0))
        };
        if let (Some((one, by_one)), Some((many, by_many))) = (least(&single_of), least(&batch_of))
        {
            let _ = writeln!(
                out,
                "Fastest complete peers: {by_one} in single lookups, {:.2} times as long as portledger; {by_many} in \
                 batches, {:.2} times.",
                one / single.unwrap_or(f64::NAN),
                many / batch.unwrap_or(f64::NAN),
            );
        }
    }
    let notes: Vec<String> = all
        .iter()
        .filter(|f| !f.note.is_empty())
        .map(|f| format!("{}: {}", f.entry.name, f.note))
        .collect();
    if !notes.is_empty() {
        let _ = writeln!(out, "Notes. {}.", notes.join("; "));
    }
    out
}

/// One line a figure.
pub fn csv(all: &[Figures], limits: &Limits, c: &Circumstances) -> String {
    let mut out = String::from(
        "kind,records,contender,complete,metric,questions,cpu_ns_median,cpu_ns_lower_quartile,cpu_ns_least,wall_ns_median,rounds\n",
    );
    let mut line = |contender: &str, complete: bool, metric: &str, kind: &str, t: &Times| {
        let [median, quartile, least, wall] = t.figures();
        let _ = writeln!(
            out,
            "{},{},{contender},{complete},{metric},{kind},{median:.2},{quartile:.2},{least:.2},{wall:.2},{}",
            c.kind,
            c.records,
            t.rounds()
        );
    };
    for f in all {
        for (metric, kind, times) in &f.times {
            let metric = match metric {
                Metric::Single => "single",
                Metric::Row => "single_with_row",
                Metric::Batch => "batch",
                Metric::BatchSorting => "batch_sorting",
                Metric::Sorted => "presorted",
                Metric::SortedInOrder => "presorted_in_order",
            };
            line(f.entry.name, f.entry.complete, metric, kind, times);
        }
        let mut build = Times::default();
        build.add(f.build, c.records as usize);
        line(f.entry.name, f.entry.complete, "build", "", &build);
    }
    line("limit", true, "dependent_read", "", &limits.chase);
    for (depth, times) in DEPTHS.iter().zip(&limits.ahead) {
        line("limit", true, &format!("read_ahead_{depth}"), "", times);
    }
    for f in all {
        let per_record = f.bytes as f64 / c.records as f64;
        let _ = writeln!(
            out,
            "{},{},{},{},bytes_per_record,,{per_record:.3},,,,1",
            c.kind, c.records, f.entry.name, f.entry.complete
        );
    }
    out
}
