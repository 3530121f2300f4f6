use portledger::synth::*;
fn main() {
    for (c, name) in [
        (TableConfig::sessions(1_000_000), "s1m"),
        (TableConfig::blocks(1_000_000), "b1m"),
        (TableConfig::sessions(4_000_000), "s4m"),
        (TableConfig { addresses: 65536, ..TableConfig::sessions(65536) }, "sparse"),
    ] {
        let t = std::time::Instant::now();
        let table = AllocationTable::generate(&c);
        println!(
            "{name} {:?} {:?} {:?} addr {}",
            t.elapsed(),
            table.stats.check(&c),
            table.stats,
            c.addresses
        );
        let t = std::time::Instant::now();
        let q = questions(&table, 100_000, 1, QuestionKind::Mixed);
        println!("q {:?} {}", t.elapsed(), q.len());
    }
}
