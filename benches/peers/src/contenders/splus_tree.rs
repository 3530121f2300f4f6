//! A static B+ tree without pointers ("S+ tree", Slotin, Algorithms for Modern Hardware): nodes of 16 keys, 17
//! children, the leaves the sorted array itself. A batch goes down level by level, 32 questions at a time, every next
//! node asked for ahead.

use portledger::index::Lean;

use crate::cells::{Cells, Tail, has_earlier};
use crate::contender::{Contender, Question, Setup};
use crate::sys::prefetch;

const KEYS: usize = 16;
const AT_ONCE: usize = 32;

/// Two cache lines of begins.
#[derive(Clone, Copy)]
#[repr(align(128))]
struct Node([u64; KEYS]);

impl Node {
    /// How many keys are at most `key`. No branches: compilers make vectors of it.
    #[inline(always)]
    fn rank(&self, key: u64) -> usize {
        self.0.iter().map(|&k| usize::from(k <= key)).sum()
    }
}

struct SPlusTree {
    cells: Cells,
    /// All levels, the root's first, the leaves' last.
    nodes: Vec<Node>,
    /// Where each level begins.
    levels: Vec<usize>,
    tails: Vec<Tail>,
}

pub fn build(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let cells = Cells::new(records);
    let entries = cells.entries(records);
    let earlier = has_earlier(&entries, &cells);
    let tails = entries.iter().zip(earlier).map(|(e, earlier)| Tail::new(e, earlier)).collect();
    // The smallest key of each node of the level below, from the second on, separates its siblings.
    let mut least: Vec<u64> = entries.iter().map(|e| e.key).collect();
    drop(entries);
    let mut sizes = vec![least.len().div_ceil(KEYS).max(1)];
    while let Some(&last) = sizes.last().filter(|&&last| last > 1) {
        sizes.push(last.div_ceil(KEYS + 1));
    }
    sizes.reverse();
    let levels: Vec<usize> = sizes
        .iter()
        .scan(0, |sum, size| {
            let begin = *sum;
            *sum += size;
            Some(begin)
        })
        .collect();
    let mut nodes = vec![Node([u64::MAX; KEYS]); sizes.iter().sum()];
    let leaves = levels[levels.len() - 1];
    for (node, keys) in nodes[leaves..].iter_mut().zip(least.chunks(KEYS)) {
        node.0[..keys.len()].copy_from_slice(keys);
    }
    least = least.chunks(KEYS).map(|keys| keys[0]).collect();
    for level in (0..levels.len() - 1).rev() {
        for (node, children) in nodes[levels[level]..].iter_mut().zip(least.chunks(KEYS + 1)) {
            node.0[..children.len() - 1].copy_from_slice(&children[1..]);
        }
        least = least.chunks(KEYS + 1).map(|children| children[0]).collect();
    }
    Box::new(SPlusTree { cells, nodes, levels, tails })
}

impl SPlusTree {
    /// Walks back from the last entry that began.
    #[inline]
    fn back(&self, mut begun: usize, key: u64, mut hit: impl FnMut(u32)) {
        let leaves = self.levels[self.levels.len() - 1];
        while begun > 0 {
            begun -= 1;
            let (tail, node) = (self.tails[begun], &self.nodes[leaves + begun / KEYS]);
            if tail.holds(key - node.0[begun % KEYS]) {
                hit(tail.id);
            }
            if !tail.earlier() {
                break;
            }
        }
    }
}

impl Contender for SPlusTree {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let Some(key) = self.cells.key(q) else { return };
        let (mut child, depth) = (0, self.levels.len() - 1);
        for &level in &self.levels[..depth] {
            child = child * (KEYS + 1) + self.nodes[level + child].rank(key);
        }
        // The tails of a leaf are two lines; both are on their way while the leaf is looked at.
        prefetch(&self.tails, child * KEYS);
        prefetch(&self.tails, child * KEYS + 8);
        let begun = child * KEYS + self.nodes[self.levels[depth] + child].rank(key);
        self.back(begun, key, |id| hits.push(id));
    }

    fn batch(&self, questions: &[Question], hits: &mut Vec<(u32, u32)>) {
        let depth = self.levels.len() - 1;
        let mut live = [(0_u32, 0_u64, 0_usize); AT_ONCE];
        for (number, some) in questions.chunks(AT_ONCE).enumerate() {
            let mut count = 0;
            for (position, q) in (number * AT_ONCE..).zip(some) {
                if let Some(key) = self.cells.key(q) {
                    live[count] = (position as u32, key, 0);
                    count += 1;
                }
            }
            let live = &mut live[..count];
            for pair in self.levels.windows(2) {
                for (_, key, child) in live.iter_mut() {
                    *child = *child * (KEYS + 1) + self.nodes[pair[0] + *child].rank(*key);
                    prefetch(&self.nodes, pair[1] + *child);
                    // The second line of the node.
                    prefetch(&self.nodes[..], pair[1] + *child + 1);
                }
            }
            for (_, key, child) in live.iter_mut() {
                *child = *child * KEYS + self.nodes[self.levels[depth] + *child].rank(*key);
                prefetch(&self.tails, child.wrapping_sub(1));
            }
            for &mut (position, key, begun) in live {
                self.back(begun, key, |id| hits.push((position, id)));
            }
        }
    }

    fn sort_key(&self, q: &Question) -> Option<u64> {
        Some(self.cells.key(q).unwrap_or(u64::MAX))
    }
}
