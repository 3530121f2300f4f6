//! Rounds: who is asked what, when, and whether the answers were right.

use std::time::Instant;

use crate::asked::{Asked, mark};
use crate::cells::Cells;
use crate::contender::{Contender, Entry, Question};
use crate::sys::{fence, thread_nanos};

/// Processor and wall nanoseconds of one run.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// Of this thread.
    pub cpu: f64,
    /// By the wall clock.
    pub wall: f64,
}

/// Runs something once.
pub fn time(work: impl FnOnce()) -> Took {
    let (cpu, wall) = (thread_nanos(), Instant::now());
    work();
    let wall = wall.elapsed().as_nanos() as f64;
    Took { cpu: (thread_nanos() - cpu) as f64, wall }
}

/// Nanoseconds an item, one entry a round.
#[derive(Clone, Debug, Default)]
pub struct Times {
    cpu: Vec<f64>,
    wall: Vec<f64>,
}

impl Times {
    /// Adds a round.
    pub fn add(&mut self, took: Took, items: usize) {
        self.cpu.push(took.cpu / items as f64);
        self.wall.push(took.wall / items as f64);
    }

    /// The median of the processor times.
    pub fn median(&self) -> f64 {
        quantile(&self.cpu, 0.5)
    }

    /// Median, lower quartile and least of the processor times, median of the wall times.
    pub fn figures(&self) -> [f64; 4] {
        let cpu = |q| quantile(&self.cpu, q);
        [cpu(0.5), cpu(0.25), cpu(0.0), quantile(&self.wall, 0.5)]
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> usize {
        self.cpu.len()
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = ((values.len().saturating_sub(1)) as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// One lookup after another, none overlapping the next.
    Single,
    /// One lookup, then inside host and exact times of each hit.
    Row,
    /// A slice of questions in random order, as a loop or by the contender's own batch.
    Batch,
    /// The same, sorted first (timed), then asked in order.
    BatchSorting,
    /// A slice that comes sorted, as a loop or by the contender's own batch.
    Sorted,
    /// The same, by the contender's interface for sorted questions.
    SortedInOrder,
}

/// The figures of one contender.
pub struct Figures {
    /// Its entry.
    pub entry: &'static Entry,
    /// The contender, as long as it is resident.
    pub contender: Option<Box<dyn Contender>>,
    /// Bytes held after the build.
    pub bytes: u64,
    /// The build.
    pub build: Took,
    /// What its author says of the figures.
    pub note: String,
    /// For each kind of question, the share of the sample that it answered wrongly; only incomplete ones may.
    pub wrong: Vec<(&'static str, f64)>,
    /// One entry for each metric and kind of question.
    pub times: Vec<(Metric, &'static str, Times)>,
}

impl Figures {
    /// The times of a metric.
    pub fn of(&self, metric: Metric, kind: &str) -> Option<&Times> {
        self.times.iter().find(|(m, k, _)| *m == metric && *k == kind).map(|(_, _, times)| times)
    }

    fn add(&mut self, metric: Metric, kind: &'static str, took: Took, items: usize) {
        let found = self.times.iter_mut().find(|(m, k, _)| *m == metric && *k == kind);
        if let Some((_, _, times)) = found {
            times.add(took, items);
        } else {
            let mut times = Times::default();
            times.add(took, items);
            self.times.push((metric, kind, times));
        }
    }
}

/// The positions of keys in ascending order, by counting digits of 11 bits; digits that are all equal are skipped.
fn ascending(keys: impl Iterator<Item = u64>) -> Vec<u32> {
    let mut items: Vec<(u64, u32)> = keys.zip(0..).collect();
    let mut other = vec![(0, 0); items.len()];
    for shift in (0..64).step_by(11) {
        let digit = |key: u64| (key >> shift) as usize & 0x7FF;
        let mut counts = [0_u32; 2048];
        items.iter().for_each(|&(key, _)| counts[digit(key)] += 1);
        if items.first().is_some_and(|&(key, _)| counts[digit(key)] as usize == items.len()) {
            continue;
        }
        let mut sum = 0;
        for count in &mut counts {
            (*count, sum) = (sum, sum + *count);
        }
        for &item in &items {
            let place = &mut counts[digit(item.0)];
            other[*place as usize] = item;
            *place += 1;
        }
        std::mem::swap(&mut items, &mut other);
    }
    items.into_iter().map(|(_, position)| position).collect()
}

/// Sorts by the contender's key; none if it has none.
fn order(contender: &dyn Contender, questions: &[Question]) -> Option<Vec<u32>> {
    contender.sort_key(questions.first()?)?;
    Some(ascending(questions.iter().map(|q| contender.sort_key(q).unwrap_or(u64::MAX))))
}

/// Holds every way to ask against the oracle on the first questions of each kind.
///
/// # Panics
///
/// When a complete contender finds another set of records in any way.
pub fn check(
    entry: &Entry,
    contender: &dyn Contender,
    asked: &[Asked],
) -> Vec<(&'static str, f64)> {
    let mut shares = Vec::new();
    for asked in asked {
        let (mut wrong, mut all) = (0, 0);
        let some = &asked.questions[..asked.questions.len().min(2_000)];
        let mut hits = Vec::new();
        let mut pairs = Vec::new();
        for (position, q) in (0..).zip(some) {
            hits.clear();
            contender.at(q, &mut hits);
            pairs.extend(hits.iter().map(|&hit| (position, hit)));
        }
        let mut ways = vec![("single", pairs)];
        let mut batch = Vec::new();
        contender.batch(some, &mut batch);
        ways.push(("batch", batch));
        if let Some(order) = order(contender, some) {
            let mut batch = Vec::new();
            contender.batch_in_order(some, &order, &mut batch);
            ways.push(("in order", batch));
        }
        for (way, mut pairs) in ways {
            pairs.iter_mut().for_each(|(_, hit)| *hit = contender.id(*hit));
            pairs.sort_unstable();
            let mut lists = pairs.chunk_by(|a, b| a.0 == b.0).peekable();
            for (position, question) in some.iter().enumerate() {
                let own = lists.next_if(|list| list[0].0 as usize == position).unwrap_or(&[]);
                let is_right =
                    own.iter().map(|&(_, id)| id).eq(asked.expected(position).iter().copied());
                assert!(
                    is_right || !entry.complete,
                    "{} ({way}) finds {own:?} for {} question {:?}, not {:?}",
                    entry.name,
                    asked.kind,
                    question,
                    asked.expected(position)
                );
                wrong += usize::from(!is_right);
                all += 1;
            }
        }
        shares.push((asked.kind, wrong as f64 / all.max(1) as f64));
    }
    shares
}

/// What a round needs beside the contender.
pub struct Plan {
    /// Questions by kind.
    pub asked: Vec<Asked>,
    /// The `hit` questions, sorted within each slice.
    pub sorted: Option<Asked>,
    /// Questions a slice.
    pub slice: usize,
    /// Room for hits, so that no run pays for growing.
    hits: Vec<u32>,
    ends: Vec<u32>,
    pairs: Vec<(u32, u32)>,
}

impl Plan {
    /// A plan for these questions. A list that comes sorted is sorted by address, ports, protocol and time, as the
    /// peers' keys are; where nobody tells ports of one block apart, neither does the list.
    pub fn new(asked: Vec<Asked>, slice: usize, cells: &Cells) -> Plan {
        let key = |q: &Question| cells.key(q).unwrap_or(u64::MAX);
        let sorted = asked.iter().find(|a| a.kind == "hit").map(|a| a.sorted(slice, key));
        let (hits, ends) = (Vec::with_capacity(slice * 8), Vec::with_capacity(slice));
        Plan { asked, sorted, slice, hits, ends, pairs: Vec::with_capacity(slice * 8) }
    }

    /// Asks one contender one slice of each kind in each way, and checks the sums of all that it found. `turn`
    /// chooses the slices.
    pub fn round(&mut self, figures: &mut Figures, turn: usize) {
        let Some(contender) = figures.contender.take() else { return };
        let c = &*contender;
        let share = if figures.entry.slow { 8 } else { 1 };
        let Plan { asked, sorted, slice, hits, ends, pairs } = self;
        for asked in asked.iter() {
            let (from, count) = slice_of(asked, *slice, turn, share);
            let questions = &asked.questions[from..from + count];
            let sum = asked.checksum(from, count);
            let expect = |pairs: &mut dyn Iterator<Item = (u32, u32)>, way: &str| {
                let found = pairs.map(|(q, hit)| mark(q, c.id(hit))).fold(0, u64::wrapping_add);
                let name = figures.entry.name;
                assert!(
                    found == sum || !figures.entry.complete,
                    "{name}: {way} {} lost hits",
                    asked.kind
                );
            };
            hits.clear();
            ends.clear();
            let took = time(|| {
                for q in questions {
                    c.at(q, hits);
                    ends.push(hits.len() as u32);
                    fence();
                }
            });
            let mut begin = 0;
            let mut of_question = (0..).zip(ends.iter()).flat_map(|(position, &end)| {
                let own = &hits[begin as usize..end as usize];
                begin = end;
                own.iter().map(move |&hit| (position, hit))
            });
            expect(&mut of_question, "single");
            let mut results = vec![(Metric::Single, took)];
            if hits.first().is_some_and(|&hit| c.row(hit).is_some()) {
                let mut sum = (0_u64, 0_i64);
                let took = time(|| {
                    for q in questions {
                        hits.clear();
                        c.at(q, hits);
                        for &hit in hits.iter() {
                            if let Some((host, start, end)) = c.row(hit) {
                                sum.0 = sum.0.wrapping_add(u64::from(host));
                                sum.1 = sum.1.wrapping_add(start ^ end);
                            }
                        }
                        fence();
                    }
                });
                std::hint::black_box(sum);
                results.push((Metric::Row, took));
            }
            if matches!(asked.kind, "hit" | "miss") {
                pairs.clear();
                let took = time(|| c.batch(questions, pairs));
                expect(&mut pairs.iter().copied(), "batch");
                results.push((Metric::Batch, took));
                if c.sort_key(&questions[0]).is_some() {
                    pairs.clear();
                    let took = time(|| {
                        if let Some(order) = order(c, questions) {
                            c.batch_in_order(questions, &order, pairs);
                        }
                    });
                    expect(&mut pairs.iter().copied(), "sorting batch");
                    results.push((Metric::BatchSorting, took));
                }
            }
            for (metric, took) in results {
                figures.add(metric, asked.kind, took, count);
            }
        }
        if let Some(asked) = sorted {
            let (from, count) = slice_of(asked, *slice, turn + 3, share);
            let questions = &asked.questions[from..from + count];
            let sum = asked.checksum(from, count);
            let natural: Vec<u32> = (0..count as u32).collect();
            let mut metrics = vec![Metric::Sorted];
            metrics.extend(c.sort_key(&questions[0]).map(|_| Metric::SortedInOrder));
            for metric in metrics {
                pairs.clear();
                let took = time(|| match metric {
                    Metric::Sorted => c.batch(questions, pairs),
                    _ => c.batch_in_order(questions, &natural, pairs),
                });
                let found =
                    pairs.iter().map(|&(q, hit)| mark(q, c.id(hit))).fold(0, u64::wrapping_add);
                assert!(found == sum || !figures.entry.complete, "{}: sorted", figures.entry.name);
                figures.add(metric, asked.kind, took, count);
            }
        }
        figures.contender = Some(contender);
    }
}

/// The begin and length of the slice that is asked in a turn.
fn slice_of(asked: &Asked, slice: usize, turn: usize, share: usize) -> (usize, usize) {
    let slices = (asked.questions.len() / slice).max(1);
    let count = slice.min(asked.questions.len());
    (turn % slices * slice, (count / share).max(1))
}
