//! What every bench shares: tables whose labels are checked before anything is timed.

#![allow(dead_code, reason = "each bench uses its own part")]

use portledger::index::Lean;
use portledger::synth::{
    AllocationTable, LeanTable, Question, QuestionKind, TableConfig, TableStats, questions,
};

fn is_test() -> bool {
    std::env::args().any(|arg| arg == "--test")
}

/// Small data in `--test` mode, where a bench only shows that it runs.
pub(crate) fn records() -> u64 {
    if is_test() { 20_000 } else { 1_000_000 }
}

/// Questions a batch.
pub(crate) fn batch() -> usize {
    if is_test() { 2_048 } else { 65_536 }
}

/// A table that is what it says it is; prints what it counted.
///
/// # Panics
///
/// When the generated data is not what its label says.
pub(crate) fn table(name: &str, config: &TableConfig) -> AllocationTable {
    let table = AllocationTable::generate(config);
    check(name, config, &table.stats);
    table
}

/// As [`table`], with records that hold no more than an index looks at.
///
/// # Panics
///
/// When the generated data is not what its label says.
pub(crate) fn lean(name: &str, config: &TableConfig) -> Vec<Lean> {
    let table = LeanTable::generate(config);
    check(name, config, &table.stats);
    table.records
}

fn check(name: &str, config: &TableConfig, stats: &TableStats) {
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
}

/// Questions with known answers, a batch of them.
///
/// # Panics
///
/// When there are none.
pub(crate) fn asked(table: &AllocationTable, kind: QuestionKind) -> Vec<Question> {
    let asked = questions(table, batch(), 1, kind);
    assert!(!asked.is_empty(), "{kind:?}: no questions were made");
    asked
}
