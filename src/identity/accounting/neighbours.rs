//! What other sessions did on overlapping keys, just before and just after.
//!
//! Marks are swept in order of time; each place keeps the latest mark of its own and the latest of all places
//! inside it. A question looks at its own subtree and at the own marks of every wider place, so its cost is the
//! number of prefix lengths in use, however many keys overlap.

use std::collections::{BTreeSet, HashMap};

use super::super::binding::BindingKey;
use super::super::space::{self, Prefix, Space};
use crate::time::Timestamp;

/// Something that a session did on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// When, at the earliest.
    pub(super) at: Timestamp,
    /// The first instant after it.
    pub(super) until: Timestamp,
    /// The session; a session is never its own neighbour.
    pub(super) life: usize,
}

/// The last two marks of different sessions.
#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    first: Option<Mark>,
    second: Option<Mark>,
}

impl Latest {
    fn put(&mut self, mark: Mark) {
        if self.first.is_some_and(|first| first.life != mark.life) {
            self.second = self.first;
        }
        self.first = Some(mark);
    }

    fn of_another(&self, life: usize) -> Option<Mark> {
        self.first.filter(|mark| mark.life != life).or(self.second)
    }
}

/// Every key in use, numbered, with the wider keys in use that hold it.
#[derive(Debug, Default)]
pub(super) struct Places {
    spaces: HashMap<Space, usize>,
    lengths: Vec<BTreeSet<u8>>,
    numbers: HashMap<(usize, Prefix), usize>,
    wider: Vec<Vec<usize>>,
}

impl Places {
    pub(super) fn add(&mut self, key: &BindingKey) {
        let (space, prefix) = space::of_key(key);
        let next_space = self.spaces.len();
        let space = *self.spaces.entry(space).or_insert(next_space);
        self.lengths.resize_with(self.spaces.len(), BTreeSet::new);
        if let Some(lengths) = self.lengths.get_mut(space) {
            lengths.insert(prefix.length);
        }
        let next = self.numbers.len();
        self.numbers.entry((space, prefix)).or_insert(next);
    }

    /// Finds every place's wider places; to be called once all keys are added.
    pub(super) fn finish(&mut self) {
        self.wider = vec![Vec::new(); self.numbers.len()];
        for (&(space, prefix), &number) in &self.numbers {
            let lengths = self.lengths.get(space).into_iter().flatten();
            let wider = lengths
                .take_while(|length| **length < prefix.length)
                .filter_map(|length| self.numbers.get(&(space, prefix.widened(*length))).copied());
            if let Some(slot) = self.wider.get_mut(number) {
                slot.extend(wider);
            }
        }
    }

    /// The number of a key that was added.
    pub(super) fn number(&self, key: &BindingKey) -> usize {
        let (space, prefix) = space::of_key(key);
        let space = self.spaces.get(&space).copied().unwrap_or(usize::MAX);
        self.numbers.get(&(space, prefix)).copied().unwrap_or(usize::MAX)
    }

    /// For each question, the earliest mark of another session on an overlapping place that is later than the
    /// question's `at`.
    pub(super) fn next_after(
        &self,
        mut marks: Vec<(usize, Mark)>,
        questions: &[(usize, Mark)],
    ) -> Vec<Option<Mark>> {
        marks.sort_by_key(|(_, mark)| std::cmp::Reverse(mark.at));
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(questions.get(*at).map(|(_, q)| q.at)));
        self.sweep(&marks, questions, &order, |mark, question| mark.at > question.at)
    }

    /// For each question, the latest mark of another session on an overlapping place that is not later than the
    /// question's `at`.
    pub(super) fn last_until(
        &self,
        mut marks: Vec<(usize, Mark)>,
        questions: &[(usize, Mark)],
    ) -> Vec<Option<Mark>> {
        marks.sort_by_key(|(_, mark)| mark.at);
        let mut order: Vec<usize> = (0..questions.len()).collect();
        order.sort_by_key(|at| questions.get(*at).map(|(_, q)| q.at));
        self.sweep(&marks, questions, &order, |mark, question| mark.at <= question.at)
    }

    fn sweep(
        &self,
        marks: &[(usize, Mark)],
        questions: &[(usize, Mark)],
        order: &[usize],
        is_passed: impl Fn(&Mark, &Mark) -> bool,
    ) -> Vec<Option<Mark>> {
        let mut own = vec![Latest::default(); self.wider.len()];
        let mut inside = vec![Latest::default(); self.wider.len()];
        let mut answers = vec![None; questions.len()];
        let mut coming = marks.iter().peekable();
        for &asked in order {
            let Some((place, question)) = questions.get(asked) else { continue };
            while let Some((at, mark)) = coming.next_if(|(_, mark)| is_passed(mark, question)) {
                put(&mut own, *at, *mark);
                put(&mut inside, *at, *mark);
                for wider in self.wider.get(*at).into_iter().flatten() {
                    put(&mut inside, *wider, *mark);
                }
            }
            let wider = self.wider.get(*place).into_iter().flatten().filter_map(|at| own.get(*at));
            let near = inside.get(*place).into_iter().chain(wider);
            let nearest = near
                .filter_map(|latest| latest.of_another(question.life))
                .min_by_key(|mark| mark.at.since(question.at).as_microsecond().unsigned_abs());
            if let Some(answer) = answers.get_mut(asked) {
                *answer = nearest;
            }
        }
        answers
    }
}

fn put(slots: &mut [Latest], at: usize, mark: Mark) {
    if let Some(slot) = slots.get_mut(at) {
        slot.put(mark);
    }
}
