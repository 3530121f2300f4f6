//! An index that is checked as it is read: no answer rests on a damaged block.

use portledger::index::{Hits, Index, Question, WatchedIndex};
use portledger::synth::{AllocationTable, SplitMix64, TableConfig};
use portledger::{PortRange, TimeRange, Timestamp};

fn below(rng: &mut SplitMix64, limit: usize) -> usize {
    usize::try_from(rng.below(limit as u64)).unwrap()
}

fn table(config: &TableConfig) -> (Index, Vec<Question>) {
    let table = AllocationTable::generate(config);
    let mut rng = SplitMix64::new(3);
    let questions = (0..200)
        .map(|n| {
            let of = table.allocations[below(&mut rng, table.allocations.len())];
            let shift = if n % 3 == 0 { 40_000_000 } else { 0 };
            let at = Timestamp::from_microsecond(of.outer.start().as_microsecond() + shift);
            Question { addr: of.addr, port: of.ports.first(), protocol: of.protocol, at }
        })
        .collect();
    (Index::build(table.allocations).unwrap(), questions)
}

/// Answers, position by position, whole.
fn answers(index: &WatchedIndex, questions: &[Question]) -> Vec<Result<String, String>> {
    let one = |q: &Question| {
        let mut hits = Vec::new();
        index.at(q.addr, q.port, q.protocol, q.at, &mut hits)?;
        let mut rows = Vec::new();
        for hit in hits {
            rows.push((index.lean(hit)?, index.get(hit)?));
        }
        let range = TimeRange::instant(q.at);
        let near = index.neighbours(q.addr, q.port, q.protocol, range, |_| true)?;
        let mut all = Vec::new();
        let ports = PortRange::single(q.port);
        index.during(q.addr, ports, q.protocol, range, &mut all)?;
        Ok(format!("{rows:?} {near:?} {all:?}"))
    };
    questions
        .iter()
        .map(|q| one(q).map_err(|e: portledger::index::FormatError| e.to_string()))
        .collect()
}

#[test]
fn a_damaged_block_is_met_or_does_not_matter() {
    for config in [TableConfig::sessions(30_000), TableConfig::blocks(20_000)] {
        let (index, questions) = table(&config);
        let bytes = index.as_bytes().to_vec();
        let whole = WatchedIndex::new(index).unwrap();
        let right = answers(&whole, &questions);
        assert!(right.iter().all(Result::is_ok));
        let (seen, blocks) = whole.checked();
        assert!(blocks > 3 && seen == blocks, "the questions touch all of {blocks} blocks");
        let mut rng = SplitMix64::new(9);
        let mut met = 0;
        for at in (512..bytes.len()).step_by(3 << 14) {
            let at = at + below(&mut rng, 1 << 12);
            let Some(mut damaged) = (at < bytes.len()).then(|| bytes.clone()) else { continue };
            damaged[at] ^= 1 << rng.below(8);
            let index = Index::from_bytes(&damaged).unwrap();
            assert!(index.verify().is_err());
            let Ok(index) = WatchedIndex::new(index) else {
                met += 1;
                continue;
            };
            let told = answers(&index, &questions);
            for (told, right) in told.iter().zip(&right) {
                match told {
                    Ok(_) => assert_eq!(told, right, "byte {at}"),
                    Err(why) => assert!(why.contains("checksum of bytes"), "{why}"),
                }
            }
            assert!(told.iter().any(Result::is_err), "nobody met byte {at}");
            met += 1;
            let mut hits = Hits::default();
            match index.at_each(&questions, &mut hits) {
                Ok(()) => {
                    let mut of_whole = Hits::default();
                    whole.at_each(&questions, &mut of_whole).unwrap();
                    assert_eq!(hits.positions(), of_whole.positions(), "byte {at}");
                }
                Err(_) => assert_eq!(hits.iter().count(), 0),
            }
        }
        assert!(met > 5, "{met}");
    }
}

#[test]
fn blocks_are_checked_when_they_are_touched() {
    let (index, questions) = table(&TableConfig::sessions(60_000));
    let index = WatchedIndex::new(index).unwrap();
    let (at_first, all) = index.checked();
    assert!(at_first * 2 < all, "{at_first} of {all}");
    let mut hits = Vec::new();
    let q = questions[0];
    index.at(q.addr, q.port, q.protocol, q.at, &mut hits).unwrap();
    let (then, _) = index.checked();
    assert!(then > at_first && then <= at_first + 3, "{then} after {at_first}");
    index.at(q.addr, q.port, q.protocol, q.at, &mut hits).unwrap();
    assert_eq!(index.checked().0, then);
}
