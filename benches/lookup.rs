//! The index alone: one port at one instant, on a day of sessions and a day of port blocks.

mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use portledger::index::Index;
use portledger::synth::{QuestionKind, TableConfig};

fn define(c: &mut Criterion) {
    for (name, config) in [
        ("sessions", TableConfig::sessions(common::records())),
        ("blocks", TableConfig::blocks(common::records())),
    ] {
        let table = common::table(name, &config);
        let index = Index::build(table.allocations.clone()).unwrap();
        let mut group = c.benchmark_group(format!("lookup/{name}"));
        for kind in [QuestionKind::Hit, QuestionKind::Miss, QuestionKind::Zipf] {
            let asked = common::asked(&table, kind);
            let mut hits = Vec::new();
            for q in &asked {
                hits.clear();
                index.at(q.addr, q.port, q.protocol, q.at, &mut hits);
                assert_eq!(hits.len(), q.expected.len(), "{q:?}");
            }
            group.throughput(Throughput::Elements(asked.len() as u64));
            group.bench_function(format!("{kind:?}").to_lowercase(), |b| {
                b.iter(|| {
                    let mut found = 0;
                    for q in &asked {
                        hits.clear();
                        index.at(q.addr, q.port, q.protocol, q.at, &mut hits);
                        found += hits.len();
                    }
                    black_box(found)
                });
            });
        }
        group.finish();
        let mut group = c.benchmark_group(format!("build/{name}"));
        group.sample_size(10);
        group.throughput(Throughput::Elements(table.stats.entries));
        group.bench_function("index", |b| {
            b.iter_batched(
                || table.allocations.clone(),
                |rows| Index::build(rows).unwrap(),
                criterion::BatchSize::LargeInput,
            );
        });
        group.finish();
    }
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    define(&mut c);
    c.final_summary();
}
