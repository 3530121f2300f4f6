//! The index alone: one port at one instant, on a day of sessions and a day of port blocks.
//!
//! `one` asks question after question, the next one chosen by what the last one found, so that hits do not overlap;
//! `batch` hands over all of them. Divide by the throughput's elements for the time of a question. Whoever wants
//! fences, huge pages and rivals runs `peers` (see README.md here).

mod common;

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use portledger::index::{self, Hits, Index, View};
use portledger::synth::{AllocationTable, Question, QuestionKind, TableConfig};
use portledger::{Allocation, TimeRange, Timestamp};

/// Records of a port at once in the deepest table.
const DEPTH: usize = 16;

/// A table with its index.
struct Ready {
    table: AllocationTable,
    index: Index,
}

impl Ready {
    fn new(table: AllocationTable) -> Ready {
        let index = Index::build(table.allocations.clone()).unwrap();
        Ready { table, index }
    }

    fn ask(&self, kind: QuestionKind) -> Vec<Question> {
        common::asked(&self.table, kind)
    }
}

/// Hits on one address.
fn hot(table: &AllocationTable) -> Vec<Question> {
    let addr = table.allocations.first().unwrap().addr;
    let mut own = table.clone();
    own.allocations.retain(|a| a.addr == addr);
    common::asked(&own, QuestionKind::Hit)
}

/// A sixteenth of the records, each there sixteen times, a millisecond apart.
fn stacked(mut table: AllocationTable) -> AllocationTable {
    let some = table.allocations.len() / DEPTH;
    let copies = table.allocations.iter().take(some).flat_map(|a| {
        (0..).step_by(1_000).take(DEPTH).map(|later| {
            let [start, end] = [a.outer.start(), a.outer.end()]
                .map(|t| Timestamp::from_microsecond(t.as_microsecond() + later));
            Allocation { outer: TimeRange::new(start, end).unwrap(), ..*a }
        })
    });
    table.allocations = copies.collect();
    table
}

/// Hits that find at least `depth` records.
fn deep(ready: &Ready, depth: usize) -> Vec<Question> {
    let mut asked = ready.ask(QuestionKind::Hit);
    asked.retain(|q| q.expected.len() >= depth);
    assert!(asked.len() * 20 > common::batch(), "only {} questions are so deep", asked.len());
    asked
}

/// Both ways to ask find what the oracle found.
fn check(view: View<'_>, asked: &[Question], batch: &[index::Question]) {
    let (mut one, mut each) = (Vec::new(), Hits::default());
    view.at_each(batch, &mut each);
    let mut answered = 0;
    for (q, found) in asked.iter().zip(each.iter()) {
        one.clear();
        view.at(q.addr, q.port, q.protocol, q.at, &mut one);
        assert_eq!(one.len(), q.expected.len(), "{q:?}");
        assert_eq!(one, found, "{q:?}");
        answered += 1;
    }
    assert_eq!(answered, asked.len());
}

fn ask(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, ready: &Ready, asked: &[Question]) {
    let view = ready.index.view();
    let batch: Vec<index::Question> = asked
        .iter()
        .map(|q| index::Question { addr: q.addr, port: q.port, protocol: q.protocol, at: q.at })
        .collect();
    check(view, asked, &batch);
    group.throughput(Throughput::Elements(batch.len() as u64));
    let mut hits = Vec::new();
    group.bench_function(format!("{name}/one"), |b| {
        b.iter(|| {
            let (mut next, mut found) = (0, 0);
            while let Some(q) = batch.get(next) {
                hits.clear();
                view.at(q.addr, q.port, q.protocol, q.at, &mut hits);
                found += hits.len();
                // Always one further, which the processor cannot know before it has the position.
                let position = u64::from(hits.first().copied().unwrap_or(0));
                next += 1 + usize::try_from(black_box(position) >> 32).unwrap_or(0);
            }
            found
        });
    });
    let mut hits = Hits::default();
    group.bench_function(format!("{name}/batch"), |b| {
        b.iter(|| {
            view.at_each(black_box(&batch), &mut hits);
            hits.positions().len()
        });
    });
}

fn define(c: &mut Criterion) {
    let records = common::records();
    for (name, config) in
        [("sessions", TableConfig::sessions(records)), ("blocks", TableConfig::blocks(records))]
    {
        let many = TableConfig { overlap_share: 0.2, same_start_share: 0.5, ..config.clone() };
        let all = Ready::new(common::table(name, &config));
        let overlaps = Ready::new(common::table(&format!("{name}, overlaps"), &many));
        let stacks = Ready::new(stacked(all.table.clone()));
        let hit = all.ask(QuestionKind::Hit);
        let mut sorted = hit.clone();
        sorted.sort_by_key(|q| (q.addr, q.port, q.protocol, q.at));
        let mut group = c.benchmark_group(format!("lookup/{name}"));
        ask(&mut group, "hit", &all, &hit);
        ask(&mut group, "sorted", &all, &sorted);
        ask(&mut group, "miss", &all, &all.ask(QuestionKind::Miss));
        ask(&mut group, "zipf", &all, &all.ask(QuestionKind::Zipf));
        ask(&mut group, "hot", &all, &hot(&all.table));
        ask(&mut group, "overlap", &overlaps, &deep(&overlaps, 2));
        ask(&mut group, "stack", &stacks, &deep(&stacks, DEPTH));
        group.finish();
    }
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    define(&mut c);
    c.final_summary();
}
