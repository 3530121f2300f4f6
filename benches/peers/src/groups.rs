//! Many cells to a tree, for peers whose keys have 32 bits.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::cells::{Cells, Entry};
use crate::contender::Question;

/// One multiplication: a user who wants speed does not keep the default hash.
#[derive(Default)]
pub struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are 64-bit numbers");
    }

    fn write_u64(&mut self, n: u64) {
        let wide = u128::from(n) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }
}

/// A map from 64-bit numbers.
pub type NumberMap<T> = HashMap<u64, T, BuildHasherDefault<Multiply>>;

/// The small groups: of four cells, two ports with two protocols. More memory, fewer steps; as 2^2 cells.
pub const SMALL: u32 = 2;

/// The trees of one peer, by group of cells.
pub struct Groups<T> {
    cells: Cells,
    /// Cells a group, as a shift.
    shift: u32,
    trees: Vec<T>,
    /// Where few groups have a record: which tree is whose. Else group `n` has tree `n`.
    sparse: Option<NumberMap<u32>>,
    empty: T,
}

impl<T> Groups<T> {
    /// Makes the trees by `make` from `(begin, length, record)`, begins ascending. As many cells (a power of two)
    /// share a tree as `limit` values of a key allow, or 2^`wanted`.
    pub fn build(
        cells: Cells,
        entries: &[Entry],
        limit: u64,
        wanted: Option<u32>,
        make: impl Fn(&[(u32, u32, u32)]) -> T,
    ) -> Groups<T> {
        let most = (limit / cells.span()).max(1).ilog2();
        let shift = wanted.unwrap_or(most).min(most);
        let group = |e: &Entry| cells.cell_of(e.key) >> shift;
        let count = (cells.count() >> shift) as usize + 1;
        let used = entries.chunk_by(|a, b| group(a) == group(b)).count();
        let mut sparse = (used < count / 2).then(NumberMap::default);
        let mut trees = Vec::with_capacity(if sparse.is_some() { used } else { count });
        let mut own = Vec::new();
        for same in entries.chunk_by(|a, b| group(a) == group(b)) {
            let number = group(&same[0]);
            let base = (number << shift) * cells.span();
            own.clear();
            own.extend(same.iter().map(|e| ((e.key - base) as u32, e.len, e.id)));
            match &mut sparse {
                Some(sparse) => _ = sparse.insert(number, trees.len() as u32),
                None => trees.resize_with(number as usize, || make(&[])),
            }
            trees.push(make(&own));
        }
        if sparse.is_none() {
            trees.resize_with(count, || make(&[]));
        }
        Groups { cells, shift, trees, sparse, empty: make(&[]) }
    }

    /// The ground.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// What the tables say of it.
    pub fn note(&self) -> String {
        let found = if self.sparse.is_some() { "hash" } else { "position" };
        format!("{} cells a tree, trees found by {found}", 1_u64 << self.shift)
    }

    /// The group, its tree, and the key in it of a question.
    #[inline]
    pub fn place(&self, q: &Question) -> Option<(u64, &T, u32)> {
        let (cell, milli) = self.cells.place(q)?;
        let inner = cell & ((1 << self.shift) - 1);
        let group = cell >> self.shift;
        let tree = match &self.sparse {
            None => &self.trees[group as usize],
            Some(sparse) => sparse.get(&group).map_or(&self.empty, |&at| &self.trees[at as usize]),
        };
        Some((group, tree, (inner * self.cells.span()) as u32 + milli))
    }
}
