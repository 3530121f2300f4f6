//! The whole path: reading a log into allocations, and answering questions with verdict, margin and evidence.

mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use portledger::allocation::SourceId;
use portledger::natlog::{Event, Format, Reader, ReaderOptions};
use portledger::resolver::{Inquiry, Resolver};
use portledger::session::{Assembler, Profile};
use portledger::store::Ledger;
use portledger::synth::{Provider, ProviderConfig};
use portledger::time::WrittenTime;

fn read_log(log: &[u8]) -> Assembler {
    let mut assembler = Assembler::new(Profile::conntrack());
    let mut reader = Reader::new(Format::Conntrack, ReaderOptions::new(), log);
    let mut event = Event::default();
    while reader.read_event(&mut event).unwrap() {
        assembler.push(SourceId(0), &event).unwrap();
    }
    assembler
}

fn define(c: &mut Criterion) {
    let subscribers = if common::records() < 100_000 { 100 } else { 2_000 };
    let provider = Provider::generate(&ProviderConfig { subscribers, ..ProviderConfig::default() });
    provider.check().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let files = provider.write_to(dir.path()).unwrap();
    let log = files.logs.iter().find(|l| l.format == "conntrack").unwrap();
    let log = std::fs::read(&log.path).unwrap();
    eprintln!("log: {} bytes, {} sessions", log.len(), provider.summary().sessions);

    let mut group = c.benchmark_group("import");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("conntrack", |b| b.iter(|| black_box(read_log(&log).len())));
    group.finish();

    let assembled = read_log(&log).finish(Some(files.covers));
    let asked: Vec<Inquiry> = assembled
        .allocations
        .iter()
        .step_by(assembled.allocations.len().div_ceil(1_000))
        .map(|a| {
            let time = WrittenTime::new(a.created, 1_000);
            let inquiry = Inquiry::new(a.addr, time).port(a.ports.first());
            a.protocol.into_iter().fold(inquiry, Inquiry::protocol)
        })
        .collect();
    let mut ledger = Ledger::in_memory();
    ledger.insert("cgn-a", assembled, Some(files.covers)).unwrap();
    let resolver = Resolver::new(&ledger);
    assert!(
        asked.iter().all(|q| resolver.resolve(q).candidate_count > 0),
        "a session claims itself"
    );
    let mut group = c.benchmark_group("resolve");
    group.throughput(Throughput::Elements(asked.len() as u64));
    group.bench_function("one", |b| {
        b.iter(|| asked.iter().map(|q| resolver.resolve(q).candidate_count).sum::<usize>());
    });
    group.finish();
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    define(&mut c);
    c.final_summary();
}
