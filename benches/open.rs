//! From a segment file to the first answer, and what each part of the file takes.
//!
//! The file is in the page cache: what is timed is what the library does, not the disk.

mod common;

use std::fs::File;
use std::io::Write;

use criterion::{Criterion, Throughput};
use portledger::index::{Index, IndexBuilder, WatchedIndex};
use portledger::synth::{Question, QuestionKind, TableConfig};

/// Bytes a record of every part that has any.
fn tell(name: &str, index: &Index) {
    let records = index.len();
    // A hundredth of a byte is exact enough, and no figure needs a float.
    let each = |bytes: usize| {
        let hundredths = bytes * 100 / records;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    };
    let parts: Vec<String> = index
        .parts()
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(part, bytes)| format!("{part} {}", each(bytes)))
        .collect();
    let all = each(index.as_bytes().len());
    eprintln!("{name}: {all} bytes a record: {}", parts.join(", "));
}

fn answer(index: &Index, q: &Question) -> usize {
    let mut hits = Vec::new();
    index.at(q.addr, q.port, q.protocol, q.at, &mut hits);
    hits.len()
}

#[expect(unsafe_code, reason = "maps a file that this bench wrote and that nobody else has")]
fn map(file: &File) -> Index {
    // SAFETY: the file is this bench's own temporary one and is not written any more.
    unsafe { Index::from_map(file) }.unwrap().unwrap()
}

fn define(c: &mut Criterion) {
    let records = common::records();
    for (name, config) in
        [("sessions", TableConfig::sessions(records)), ("blocks", TableConfig::blocks(records))]
    {
        let table = common::table(name, &config);
        let lean = table.allocations.iter().map(Into::into).collect();
        tell(&format!("{name}, lean"), &IndexBuilder::new().build_lean(lean).unwrap());
        let index = IndexBuilder::new().build(&table.allocations).unwrap();
        tell(&format!("{name}, whole"), &index);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(index.as_bytes()).unwrap();
        let asked = common::asked(&table, QuestionKind::Hit);
        let question = asked.first().unwrap();
        let expected = question.expected.len();
        assert_eq!(answer(&Index::from_bytes(index.as_bytes()).unwrap(), question), expected);
        assert_eq!(answer(&map(&file), question), expected);
        let mut group = c.benchmark_group(format!("open/{name}"));
        group.bench_function("map", |b| b.iter(|| map(&file)));
        group.bench_function("map and answer", |b| b.iter(|| answer(&map(&file), question)));
        let watched = || WatchedIndex::new(map(&file)).unwrap();
        let asked_of = |index: &WatchedIndex| {
            let (q, mut hits) = (question, Vec::new());
            index.at(q.addr, q.port, q.protocol, q.at, &mut hits).unwrap();
            hits.len()
        };
        assert_eq!(asked_of(&watched()), expected);
        group.bench_function("map, watch", |b| b.iter(&watched));
        // What `map, watch` does not take is the blocks that the question touched first.
        group.bench_function("map, watch and answer", |b| b.iter(|| asked_of(&watched())));
        let (plain, seen) = (map(&file), watched());
        let all = |ask: &dyn Fn(&Question, &mut Vec<u32>)| {
            let mut hits = Vec::new();
            for q in &asked {
                ask(q, &mut hits);
            }
            hits.len()
        };
        group.throughput(Throughput::Elements(asked.len() as u64));
        group.bench_function("map, then hits", |b| {
            b.iter(|| all(&|q, hits| plain.at(q.addr, q.port, q.protocol, q.at, hits)));
        });
        group.bench_function("map, watch, then hits in blocks seen before", |b| {
            b.iter(|| all(&|q, hits| seen.at(q.addr, q.port, q.protocol, q.at, hits).unwrap()));
        });
        group.throughput(Throughput::Elements(1));
        group.sample_size(10);
        group.bench_function("bytes and answer", |b| {
            b.iter(|| answer(&Index::from_bytes(index.as_bytes()).unwrap(), question));
        });
        group.bench_function("verify", |b| b.iter(|| index.verify().unwrap()));
        group.finish();
    }
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    define(&mut c);
    c.final_summary();
}
