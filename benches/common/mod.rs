//! What every bench shares: tables whose labels are checked before anything is timed.

#![allow(dead_code, reason = "each bench uses its own part")]

use portledger::synth::{AllocationTable, Question, QuestionKind, TableConfig, questions};

/// Small data in `--test` mode, where a bench only shows that it runs.
pub(crate) fn records() -> u64 {
    if std::env::args().any(|arg| arg == "--test") { 20_000 } else { 1_000_000 }
}

/// A table that is what it says it is; prints what it counted.
///
/// # Panics
///
/// When the generated data is not what its label says.
pub(crate) fn table(name: &str, config: &TableConfig) -> AllocationTable {
    let table = AllocationTable::generate(config);
    let stats = &table.stats;
    eprintln!(
        "{name}: {} entries on {} ports, reuse {:.1}, mean depth {:.2}, max depth {}, overlaps {:.3} %, uniform hit rate {:.1} %",
        stats.entries,
        stats.distinct_ports,
        stats.reuse,
        stats.mean_depth,
        stats.max_depth,
        100.0 * stats.overlap_share,
        100.0 * stats.hit_rate_of_uniform_questions
    );
    stats.check(config).unwrap();
    table
}

/// Questions with known answers.
pub(crate) fn asked(table: &AllocationTable, kind: QuestionKind) -> Vec<Question> {
    let asked = questions(table, 4_096, 1, kind);
    assert!(!asked.is_empty(), "{kind:?}: no questions were made");
    asked
}
