//! Building an index: of lean records in the order of a log, and of whole allocations with their cold columns.
//!
//! One core; the records are copied before the clock runs.

mod common;

use criterion::{BatchSize, Criterion, Throughput};
use portledger::index::{Index, IndexBuilder};
use portledger::synth::TableConfig;

fn define(c: &mut Criterion) {
    let records = common::records();
    for (name, config) in [
        ("sessions", TableConfig::sessions(records)),
        ("sessions-wide", TableConfig::sessions_wide(records)),
        ("blocks", TableConfig::blocks(records)),
    ] {
        let lean = common::lean(name, &config);
        let table = common::table(name, &config);
        let built = IndexBuilder::new().build_lean(lean.clone()).unwrap();
        let whole = IndexBuilder::new().build(&table.allocations).unwrap();
        holds(&built, lean.len());
        holds(&whole, lean.len());
        let mut group = c.benchmark_group(format!("build/{name}"));
        group.sample_size(10);
        group.throughput(Throughput::Elements(table.stats.entries));
        group.bench_function("lean", |b| {
            b.iter_batched(
                || lean.clone(),
                |records| IndexBuilder::new().build_lean(records).unwrap(),
                BatchSize::LargeInput,
            );
        });
        group.bench_function("segment", |b| {
            b.iter(|| IndexBuilder::new().build(&table.allocations).unwrap());
        });
        group.finish();
    }
}

/// Nothing was lost, nothing is damaged.
fn holds(index: &Index, records: usize) {
    assert_eq!(index.len(), records);
    assert_eq!(index.view().positions().count(), records);
    index.verify().unwrap();
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    define(&mut c);
    c.final_summary();
}
