//! Questions about a table, with their answers.

use std::net::Ipv4Addr;

use super::day::{SECOND, instant};
use super::layout::FIRST_PORT;
use super::oracle::Oracle;
use super::rng::{SplitMix64, exp, floor_u64, ln, mix, to_f64};
use super::table::AllocationTable;
use crate::allocation::Allocation;
use crate::protocol::Protocol;
use crate::time::Timestamp;

/// Who held this port at this instant?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The public address.
    pub addr: Ipv4Addr,
    /// The public port.
    pub port: u16,
    /// The protocol; none asks for all of them.
    pub protocol: Option<Protocol>,
    /// The instant, to the microsecond: finer than the table's stamps.
    pub at: Timestamp,
    /// The positions in the table of all records that hold the port then, ascending.
    pub expected: Vec<u32>,
}

/// Which questions to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuestionKind {
    /// Every record equally likely, at an instant uniform over its time: every question hits.
    Hit,
    /// No question hits; half of them are near misses, just after an end.
    Miss,
    /// Hits of which few records get most: the rank of the record is log-uniform.
    Zipf,
    /// Four hits to one miss; one question in eight without a protocol.
    Mixed,
}

/// Draws `n` questions from a table and answers them with an [`Oracle`]; none if the table is empty.
///
/// # Complexity
///
/// Sorts the table once a call. A miss is drawn until no record holds the port: on a table without free ports
/// some questions of kind [`QuestionKind::Miss`] are left out after a thousand attempts each.
///
/// ```
/// use portledger::synth::{AllocationTable, QuestionKind, TableConfig, questions};
/// let table = AllocationTable::generate(&TableConfig::blocks(1_000));
/// let asked = questions(&table, 100, 1, QuestionKind::Hit);
/// assert!(asked.len() == 100 && asked.iter().all(|q| !q.expected.is_empty()));
/// ```
pub fn questions(
    table: &AllocationTable,
    n: usize,
    seed: u64,
    kind: QuestionKind,
) -> Vec<Question> {
    let oracle = Oracle::new(&table.allocations);
    let rng = &mut SplitMix64::new(seed);
    let source = Source::new(&table.allocations);
    (0..n).filter_map(|_| source.draw(&oracle, rng, kind)).collect()
}

/// What questions are drawn from.
struct Source<'a> {
    allocations: &'a [Allocation],
    /// The window of the table, microseconds.
    start: i64,
    end: i64,
}

impl Source<'_> {
    fn new(allocations: &[Allocation]) -> Source<'_> {
        let starts = allocations.iter().map(|a| a.outer.start().as_microsecond());
        let ends = allocations.iter().map(|a| a.outer.end().as_microsecond());
        Source { allocations, start: starts.min().unwrap_or(0), end: ends.max().unwrap_or(0) }
    }

    fn draw(
        &self,
        oracle: &Oracle<'_>,
        rng: &mut SplitMix64,
        kind: QuestionKind,
    ) -> Option<Question> {
        match kind {
            QuestionKind::Hit => self.hit(rng.pick(self.allocations)?, oracle, rng),
            QuestionKind::Zipf => {
                let count = u64::try_from(self.allocations.len()).ok()?;
                let rank = floor_u64(exp(rng.unit() * ln(to_f64(count + 1)))).saturating_sub(1);
                // Neighbours in rank must not be neighbours in the table.
                let position = usize::try_from(mix(rank) % count.max(1)).ok()?;
                self.hit(self.allocations.get(position)?, oracle, rng)
            }
            QuestionKind::Miss => (0..1_000).find_map(|_| self.miss(oracle, rng)),
            QuestionKind::Mixed => {
                let kind = if rng.chance(0.8) { QuestionKind::Hit } else { QuestionKind::Miss };
                let mut question = self.draw(oracle, rng, kind)?;
                if rng.chance(0.125) {
                    let Question { addr, port, at, .. } = question;
                    question.protocol = None;
                    question.expected = oracle.at(addr, port, None, at);
                }
                Some(question)
            }
        }
    }

    #[expect(clippy::unused_self, reason = "the two draws are called alike")]
    fn hit(&self, a: &Allocation, oracle: &Oracle<'_>, rng: &mut SplitMix64) -> Option<Question> {
        let port = rng.between(i64::from(a.ports.first()), i64::from(a.ports.last()));
        let (start, end) = (a.outer.start().as_microsecond(), a.outer.end().as_microsecond());
        let at = instant(rng.between(start, end - 1));
        let protocol = a.protocol.unwrap_or_else(|| protocol(rng));
        let port = u16::try_from(port).ok()?;
        let expected = oracle.at(a.addr, port, Some(protocol), at);
        Some(Question { addr: a.addr, port, protocol: Some(protocol), at, expected })
    }

    fn miss(&self, oracle: &Oracle<'_>, rng: &mut SplitMix64) -> Option<Question> {
        let a = rng.pick(self.allocations)?;
        let (port, protocol, at) = if rng.chance(0.5) {
            // Within the hold-down, where the last holder is the wrong answer; the end itself is not held any more.
            let late = if rng.chance(0.1) { 0 } else { rng.between(0, 60 * SECOND) };
            (
                a.ports.last(),
                a.protocol.unwrap_or_else(|| protocol(rng)),
                a.outer.end().as_microsecond() + late,
            )
        } else {
            let port = rng.between(i64::from(FIRST_PORT), i64::from(u16::MAX));
            (u16::try_from(port).ok()?, protocol(rng), rng.between(self.start, self.end - 1))
        };
        let (protocol, at) = (Some(protocol), instant(at));
        let expected = oracle.at(a.addr, port, protocol, at);
        expected.is_empty().then_some(Question { addr: a.addr, port, protocol, at, expected })
    }
}

/// TCP in seven of ten.
fn protocol(rng: &mut SplitMix64) -> Protocol {
    if rng.chance(0.7) { Protocol::TCP } else { Protocol::UDP }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::TableConfig;
    use crate::synth::oracle::holds;

    fn tables() -> [AllocationTable; 2] {
        let crowded = |config| TableConfig { addresses: 2, overlap_share: 0.05, ..config };
        [TableConfig::sessions(2_000), TableConfig::blocks(2_000)]
            .map(|config| AllocationTable::generate(&crowded(config)))
    }

    #[test]
    fn expected_positions_are_those_of_a_scan() {
        for table in tables() {
            for kind in
                [QuestionKind::Hit, QuestionKind::Miss, QuestionKind::Zipf, QuestionKind::Mixed]
            {
                let asked = questions(&table, 400, 5, kind);
                assert_eq!(asked.len(), 400);
                for q in &asked {
                    let scan = (0..).zip(&table.allocations);
                    let scan = scan.filter(|(_, a)| holds(a, q.addr, q.port, q.protocol, q.at));
                    assert_eq!(q.expected, scan.map(|(i, _)| i).collect::<Vec<u32>>(), "{q:?}");
                }
            }
        }
    }

    #[test]
    fn questions_hit_and_miss_as_their_kind_says() {
        for table in tables() {
            let hits = |kind| {
                let asked = questions(&table, 1_000, 1, kind);
                asked.iter().filter(|q| !q.expected.is_empty()).count()
            };
            assert_eq!((hits(QuestionKind::Hit), hits(QuestionKind::Zipf)), (1_000, 1_000));
            assert_eq!(hits(QuestionKind::Miss), 0);
            assert!((750..870).contains(&hits(QuestionKind::Mixed)));
            let mixed = questions(&table, 1_000, 1, QuestionKind::Mixed);
            assert!(mixed.iter().any(|q| q.protocol.is_none()));
            assert!(
                questions(&table, 4_000, 1, QuestionKind::Hit).iter().any(|q| q.expected.len() > 1)
            );
        }
    }

    #[test]
    fn few_records_get_most_of_the_zipf_questions() {
        let [table, _] = tables();
        let mut asked: Vec<u32> = questions(&table, 4_000, 1, QuestionKind::Zipf)
            .iter()
            .flat_map(|q| q.expected.clone())
            .collect();
        asked.sort_unstable();
        let mut counts: Vec<usize> = asked.chunk_by(|a, b| a == b).map(<[u32]>::len).collect();
        counts.sort_unstable();
        let top: usize = counts.iter().rev().take(20).sum();
        assert!(top > 1_200, "{top}");
    }

    #[test]
    fn an_empty_table_has_no_questions() {
        let table = AllocationTable::generate(&TableConfig::sessions(0));
        assert!(questions(&table, 5, 1, QuestionKind::Mixed).is_empty());
    }

    #[test]
    fn ends_are_not_held_any_more_and_ports_go_up_to_the_last() {
        let [_, table] = tables();
        let oracle = Oracle::new(&table.allocations);
        for (position, a) in (0..).zip(&table.allocations) {
            let at = |port, at| oracle.at(a.addr, port, None, at).contains(&position);
            let (start, end) = (a.outer.start(), a.outer.end());
            assert!(
                at(a.ports.first(), start) && at(a.ports.last(), start) && !at(a.ports.last(), end)
            );
        }
    }
}
