//! Numbers by how often they occur: the most frequent is 0.

use std::collections::HashMap;

/// The codes of the values that are worth one. A value without one is written as itself, behind all codes.
#[derive(Clone, Debug, Default)]
pub(super) struct Dictionary {
    values: Vec<u32>,
    codes: HashMap<u32, u32>,
}

impl Dictionary {
    /// The values that occur at least `least` times, by how often they do, then by value.
    pub(super) fn new(counts: impl Iterator<Item = (u32, u64)>, least: u64) -> Dictionary {
        let mut counts: Vec<(u64, u32)> =
            counts.filter(|(_, n)| *n >= least).map(|(value, n)| (n, value)).collect();
        counts.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let values: Vec<u32> = counts.iter().map(|c| c.1).collect();
        let codes = values.iter().copied().zip(0..).collect();
        Dictionary { values, codes }
    }

    pub(super) fn values(&self) -> &[u32] {
        &self.values
    }

    pub(super) fn len(&self) -> u64 {
        self.values.len() as u64
    }

    /// The code of a value, if it has one.
    pub(super) fn find(&self, value: u32) -> Option<u32> {
        self.codes.get(&value).copied()
    }

    /// The code of a value, or the value behind all codes.
    pub(super) fn code(&self, value: u32) -> u64 {
        self.find(value).map_or(self.len() + u64::from(value), u64::from)
    }
}

/// A code as its distance from the usual one: the usual is 0, those below it move up by one.
pub(super) fn around(usual: u64, code: u64) -> u64 {
    match code.cmp(&usual) {
        std::cmp::Ordering::Less => code + 1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => code,
    }
}

/// The inverse of [`around`].
#[inline]
pub(super) fn from_around(usual: u64, rank: u64) -> u64 {
    if rank == 0 {
        usual
    } else if rank <= usual {
        rank - 1
    } else {
        rank
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_comes_first_and_the_rare_stay_themselves() {
        let counts = [(7, 5), (9, 5), (1, 100), (3, 1)];
        let dictionary = Dictionary::new(counts.into_iter(), 2);
        assert_eq!(dictionary.values(), [1, 7, 9]);
        assert_eq!([1, 7, 9, 3].map(|v| dictionary.code(v)), [0, 1, 2, 6]);
    }

    #[test]
    fn ranks_around_the_usual_are_each_taken_once() {
        for usual in 0..5 {
            let mut ranks: Vec<u64> = (0..9).map(|code| around(usual, code)).collect();
            assert!(ranks.iter().zip(0..).all(|(r, code)| from_around(usual, *r) == code));
            ranks.sort_unstable();
            assert_eq!(ranks, (0..9).collect::<Vec<u64>>());
        }
    }
}
