//! How many bytes a record the cold columns take, and that every record comes back from them.
//!
//! `cargo test --release --test cold -- --nocapture` prints what each column costs.

#![cfg(feature = "readers")]

use std::time::{Duration, Instant};

use portledger::Allocation;
use portledger::allocation::{Destination, Origin, Place, SourceId, Span};
use portledger::index::cold::{Cold, ColdModel, ColdWriter, Known};
use portledger::synth::{AllocationTable, SplitMix64, TableConfig};
use portledger::time::TimeDelta;

fn rows(config: &TableConfig) -> Vec<Allocation> {
    let mut rows = AllocationTable::generate(config).allocations;
    rows.sort_by_key(|a| (a.addr, a.ports.first(), a.outer.start()));
    rows
}

/// Writes the rows, reads them all back, prints the cost of each column, gives bytes a record.
fn bytes_a_record(name: &str, rows: &[Allocation]) -> f64 {
    let begin = Instant::now();
    let model = ColdModel::learn(rows);
    let learned = begin.elapsed();
    let mut writer = ColdWriter::new(model);
    for a in rows {
        writer.push(&Known::of(a), a).unwrap();
    }
    let bytes = writer.finish();
    let written = begin.elapsed().saturating_sub(learned);
    let cold = Cold::open(&bytes).unwrap();
    for (row, a) in (0..).zip(rows) {
        assert_eq!(cold.get(row, &Known::of(a)), Some(*a), "row {row}");
    }
    let count = u32::try_from(rows.len()).unwrap();
    // Rows of a few blocks, so that all is warm, each read only when the one before is done.
    let known: Vec<Known> = rows.iter().take(4096).map(Known::of).collect();
    let (begin, mut row, mut sum) = (Instant::now(), 0_u32, 0_u64);
    for _ in 0..count {
        let a = cold.get(row, &known[row as usize]);
        sum += a.and_then(|a| a.origin.create).map_or(0, |p| p.span.offset & 1);
        row = row.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + u32::from(sum > 1 << 60))
            % 4096;
    }
    let read = begin.elapsed();
    cold.verify().unwrap();
    let bits = |n: u64| f64::from(u32::try_from(n).unwrap()) / f64::from(count);
    let nanoseconds = |d: Duration| d.as_secs_f64() * 1e9 / f64::from(count);
    let total = bits(bytes.len() as u64);
    println!("{name}: {total:.3} bytes a record of {count}");
    for (column, sum) in cold.column_bits().filter(|(_, sum)| *sum > 0) {
        println!("  {column:<18} {:>7.3} bits", bits(sum));
    }
    let (dictionaries, knots) = cold.overhead_bytes();
    println!(
        "  dictionaries {:.3}, knots {:.3} bits; learn {:.0}, write {:.0}, read {:.0} ns",
        bits(dictionaries as u64 * 8),
        bits(knots as u64 * 8),
        nanoseconds(learned),
        nanoseconds(written),
        nanoseconds(read),
    );
    total
}

/// The sessions as a log would hold them whose lines are as long as what they say, each record at its own time.
fn logged(mut rows: Vec<Allocation>, sources: u32) -> Vec<Allocation> {
    let mut lines: Vec<(i64, usize, bool)> = Vec::new();
    for (at, a) in rows.iter().enumerate() {
        lines.push((a.created.as_microsecond(), at, true));
        lines.push((a.released.unwrap().as_microsecond(), at, false));
    }
    lines.sort_unstable();
    let (mut offset, mut source, mut rng) = (0, 0, SplitMix64::new(7));
    let a_file = lines.len().div_ceil(sources as usize);
    for (number, (_, at, create)) in lines.into_iter().enumerate() {
        if number / a_file != source as usize {
            (source, offset) = (source + 1, 0);
        }
        let length = 104 + u32::try_from(rng.below(9)).unwrap() + 10 * u32::from(create);
        let span = Span { offset, length };
        offset += u64::from(length) + 1;
        let place = Some(Place { source: SourceId(40 + source), span });
        let origin = &mut rows[at].origin;
        *(if create { &mut origin.create } else { &mut origin.release }) = place;
    }
    rows
}

/// What a profile makes of them: late creates, ends that idle timers explain.
fn profiled(mut rows: Vec<Allocation>) -> Vec<Allocation> {
    let second = TimeDelta::from_second(1);
    for a in &mut rows {
        let outer = a.outer;
        let end = outer.end().plus(TimeDelta::from_microsecond(1_000));
        a.outer = portledger::TimeRange::new(outer.start().minus(second), end).unwrap();
        a.inner = Some(outer);
        let idle = if a.protocol == Some(portledger::Protocol::TCP) { 1 } else { 9 };
        a.used_until = end.minus(TimeDelta::from_second(idle)).max(outer.start());
    }
    rows
}

#[test]
fn sessions_of_a_table_take_few_bytes_a_record() {
    let bytes = bytes_a_record("sessions, ms", &rows(&TableConfig::sessions(200_000)));
    assert!(bytes <= 4.6, "{bytes}");
    let config = TableConfig { tick_microsecond: 1, ..TableConfig::sessions(50_000) };
    let bytes = bytes_a_record("sessions, us", &rows(&config));
    assert!(bytes <= 4.7, "{bytes}");
}

#[test]
fn sessions_of_a_log_take_nine_bytes_a_record_at_most() {
    let rows = rows(&TableConfig::sessions(200_000));
    let bytes = bytes_a_record("log, one file", &logged(rows.clone(), 1));
    assert!(bytes <= 8.0, "{bytes}");
    let bytes = bytes_a_record("log, 24 files, profile", &profiled(logged(rows, 24)));
    assert!(bytes <= 8.5, "{bytes}");
}

#[test]
fn records_without_destination_and_origin_take_next_to_nothing() {
    let mut rows = rows(&TableConfig::sessions(100_000));
    for a in &mut rows {
        (a.destination, a.inside_port, a.origin) = (None, None, Origin::default());
    }
    let bytes = bytes_a_record("lean", &rows);
    assert!(bytes <= 0.05, "{bytes}");
    let blocks = self::rows(&TableConfig::blocks(50_000));
    let bytes = bytes_a_record("blocks", &blocks);
    assert!(bytes <= 0.8, "{bytes}");
}

#[test]
fn destinations_that_are_all_different_are_written_as_they_are() {
    let (mut rows, mut rng) = (rows(&TableConfig::sessions(50_000)), SplitMix64::new(1));
    for a in &mut rows {
        let addr = u32::try_from(rng.below(1 << 32)).unwrap();
        a.destination = Some(Destination::new(addr.into(), 443));
    }
    let bytes = bytes_a_record("all different", &rows);
    assert!(bytes <= 6.9, "{bytes}");
}
