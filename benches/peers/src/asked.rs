//! Questions, and who is right about them.

use std::collections::HashMap;

use portledger::index::Lean;
use portledger::synth::SplitMix64;

use crate::contender::{Question, protocol_number};

/// Questions of one kind with the records that each of them must find.
pub struct Asked {
    /// `hit`, `miss`, `zipf`, `hot` or `deep`.
    pub kind: &'static str,
    /// The questions.
    pub questions: Vec<Question>,
    /// The records of all questions, ascending within each.
    ids: Vec<u32>,
    /// Where the records of each question begin, and the end of the last.
    begins: Vec<u32>,
}

/// What one question's record adds to a checksum; a sum of these does not depend on order.
pub fn mark(position: u32, id: u32) -> u64 {
    (u64::from(position) * 2 + 1)
        .wrapping_mul(u64::from(id) * 2 + 1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Asked {
    /// The records that question `position` must find, ascending.
    pub fn expected(&self, position: usize) -> &[u32] {
        &self.ids[self.begins[position] as usize..self.begins[position + 1] as usize]
    }

    /// The checksum of `count` questions from `from` on, whose positions count from 0.
    pub fn checksum(&self, from: usize, count: usize) -> u64 {
        let marks = (0..count).flat_map(|position| {
            self.expected(from + position).iter().map(move |&id| mark(position as u32, id))
        });
        marks.fold(0, u64::wrapping_add)
    }

    /// The same questions, sorted within each `slice` of them by `key`.
    pub fn sorted(&self, slice: usize, key: impl Fn(&Question) -> u64) -> Asked {
        let mut order: Vec<usize> = (0..self.questions.len()).collect();
        for part in order.chunks_mut(slice) {
            part.sort_by_key(|&i| key(&self.questions[i]));
        }
        let (mut ids, mut begins) = (Vec::with_capacity(self.ids.len()), vec![0]);
        for &i in &order {
            ids.extend_from_slice(self.expected(i));
            begins.push(ids.len() as u32);
        }
        let questions = order.iter().map(|&i| self.questions[i]).collect();
        Asked { kind: self.kind, questions, ids, begins }
    }

    fn new(
        kind: &'static str,
        questions: Vec<Question>,
        found: &[(u32, u32)],
        first: u32,
    ) -> Asked {
        let own = found.partition_point(|&(position, _)| position < first);
        let (mut ids, mut begins, mut at) = (Vec::new(), vec![0], own);
        for position in first..first + questions.len() as u32 {
            while found.get(at).is_some_and(|&(p, _)| p == position) {
                ids.push(found[at].1);
                at += 1;
            }
            begins.push(ids.len() as u32);
        }
        Asked { kind, questions, ids, begins }
    }
}

/// Draws `n` questions of each kind; fewer where the table has no such thing.
pub fn draw(records: &[Lean], n: usize) -> Vec<Asked> {
    let hit = |seed, choose: &dyn Fn(&mut SplitMix64) -> usize| -> Vec<Question> {
        let mut rng = SplitMix64::new(seed);
        (0..n)
            .map(|_| {
                let r = &records[choose(&mut rng)];
                within(
                    r,
                    (r.ports().first(), r.ports().last()),
                    (r.start_microsecond(), r.end_microsecond()),
                    &mut rng,
                )
            })
            .collect()
    };
    let count = records.len() as u64;
    let hot: Vec<usize> = (0..records.len())
        .filter(|&i| records[i].addr().to_bits() == records[0].addr().to_bits())
        .collect();
    let mut kinds = vec![
        ("hit", hit(1, &|rng| rng.below(count) as usize)),
        ("zipf", hit(3, &|rng| zipf(count, rng))),
        ("hot", hit(4, &|rng| hot[rng.below(hot.len() as u64) as usize])),
    ];
    let pairs = overlapping(records);
    let mut rng = SplitMix64::new(5);
    let deep: Vec<Question> = (0..n)
        .filter_map(|_| {
            let &(a, b) = rng.pick(&pairs)?;
            let (a, b) = (&records[a as usize], &records[b as usize]);
            let ports =
                (a.ports().first().max(b.ports().first()), a.ports().last().min(b.ports().last()));
            let start = a.start_microsecond().max(b.start_microsecond());
            let end = a.end_microsecond().min(b.end_microsecond());
            Some(within(a, ports, (start, end), &mut rng))
        })
        .collect();
    kinds.push(("deep", deep));
    // Misses are drawn blindly; those that hit are dropped.
    let blind = misses(records, n * 3);
    let all: Vec<Question> = kinds.iter().flat_map(|(_, q)| q).chain(&blind).copied().collect();
    let found = answer(records, &all);
    let mut first = 0;
    let mut asked: Vec<Asked> = kinds
        .into_iter()
        .filter(|(_, questions)| !questions.is_empty())
        .map(|(kind, questions)| {
            let begin = first;
            first += questions.len() as u32;
            Asked::new(kind, questions, &found, begin)
        })
        .collect();
    let hits: Vec<u32> = found.iter().map(|f| f.0).filter(|&position| position >= first).collect();
    let is_miss = |i: &usize| hits.binary_search(&(first + *i as u32)).is_err();
    let questions: Vec<Question> =
        (0..blind.len()).filter(is_miss).take(n).map(|i| blind[i]).collect();
    if !questions.is_empty() {
        asked.insert(1, Asked::new("miss", questions, &[], 0));
    }
    asked
}

fn within(r: &Lean, ports: (u16, u16), times: (i64, i64), rng: &mut SplitMix64) -> Question {
    let port = rng.between(i64::from(ports.0), i64::from(ports.1)) as u16;
    Question {
        at: rng.between(times.0, times.1 - 1),
        addr: r.addr().to_bits(),
        port,
        protocol: if protocol_number(r) == 0 { protocol(rng) } else { protocol_number(r) },
    }
}

/// TCP in seven of ten.
fn protocol(rng: &mut SplitMix64) -> u8 {
    if rng.chance(0.7) { 6 } else { 17 }
}

/// Few records get most: the rank is log-uniform, neighbours in rank are not neighbours in the table.
fn zipf(count: u64, rng: &mut SplitMix64) -> usize {
    let rank = (rng.unit() * ((count + 1) as f64).ln()).exp() as u64;
    SplitMix64::new(rank).below(count) as usize
}

/// Half just after an end, where the last holder is the wrong answer; half anywhere.
fn misses(records: &[Lean], n: usize) -> Vec<Question> {
    let mut rng = SplitMix64::new(2);
    let start = records.iter().map(|r| r.start_microsecond()).min().unwrap_or(0);
    let end = records.iter().map(|r| r.end_microsecond()).max().unwrap_or(0);
    (0..n)
        .filter_map(|_| {
            let &r = rng.pick(records)?;
            let protocol =
                if protocol_number(&r) == 0 { protocol(&mut rng) } else { protocol_number(&r) };
            Some(if rng.chance(0.5) {
                let late = if rng.chance(0.1) { 0 } else { rng.between(0, 59_000_000) };
                Question {
                    at: r.end_microsecond() + late,
                    addr: r.addr().to_bits(),
                    port: r.ports().last(),
                    protocol,
                }
            } else {
                let port = rng.between(1024, 65_535) as u16;
                Question {
                    at: rng.between(start, end - 1),
                    addr: r.addr().to_bits(),
                    port,
                    protocol,
                }
            })
        })
        .collect()
}

/// Pairs of records of which the second begins while the first holds the same port: all of a share of the keys that
/// has some two million records.
fn overlapping(records: &[Lean]) -> Vec<(u32, u32)> {
    let single = records.iter().all(|r| r.ports().first() == r.ports().last());
    let key = |r: &Lean| {
        u64::from(r.addr().to_bits()) << 16 | u64::from(if single { r.ports().first() } else { 0 })
    };
    let share = (records.len() / 2_000_000).max(1) as u64;
    let is_chosen = |r: &Lean| SplitMix64::new(key(r)).below(share) == 0;
    let mut some: Vec<u32> =
        (0..).zip(records).filter(|(_, r)| is_chosen(r)).map(|(i, _)| i).collect();
    let of = |i: u32| &records[i as usize];
    some.sort_unstable_by_key(|&i| (key(of(i)), of(i).start_microsecond(), i));
    let mut pairs = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    for (position, &i) in some.iter().enumerate() {
        if position > 0 && key(of(some[position - 1])) != key(of(i)) {
            open.clear();
        }
        let (new, start) = (of(i), of(i).start_microsecond());
        open.retain(|&o| of(o).end_microsecond() > start);
        let same = |o: &Lean| {
            let protocol = protocol_number(o) == 0
                || protocol_number(new) == 0
                || protocol_number(o) == protocol_number(new);
            protocol
                && o.ports().first() <= new.ports().last()
                && new.ports().first() <= o.ports().last()
        };
        pairs.extend(open.iter().filter(|&&o| same(of(o))).map(|&o| (o, i)));
        open.push(i);
    }
    pairs
}

/// The oracle: every record is held against every question on its address and ports. `(question, record)`, sorted.
fn answer(records: &[Lean], questions: &[Question]) -> Vec<(u32, u32)> {
    let mut by_address: HashMap<u32, Vec<(u16, u32)>> = HashMap::new();
    for (position, q) in (0..).zip(questions) {
        by_address.entry(q.addr).or_default().push((q.port, position));
    }
    by_address.values_mut().for_each(|list| list.sort_unstable());
    let mut found = Vec::new();
    for (id, r) in (0..).zip(records) {
        let Some(list) = by_address.get(&r.addr().to_bits()) else { continue };
        let from = list.partition_point(|&(port, _)| port < r.ports().first());
        for &(_, position) in list[from..].iter().take_while(|(port, _)| *port <= r.ports().last())
        {
            let q = &questions[position as usize];
            let protocol = protocol_number(r) == 0 || protocol_number(r) == q.protocol;
            if protocol && (r.start_microsecond()..r.end_microsecond()).contains(&q.at) {
                found.push((position, id));
            }
        }
    }
    found.sort_unstable();
    found
}
