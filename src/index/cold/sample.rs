//! A few values that stand for many.

/// Every so manieth value of a stream; always the same ones, in bounded memory.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    kept: Vec<i64>,
    every: u64,
    seen: u64,
}

/// The most values kept.
const LIMIT: usize = 1024;

impl Default for Sample {
    fn default() -> Self {
        Sample { kept: Vec::new(), every: 1, seen: 0 }
    }
}

impl Sample {
    pub(super) fn push(&mut self, value: i64) {
        if self.seen.is_multiple_of(self.every) {
            if self.kept.len() == LIMIT {
                let mut keep = false;
                self.kept.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.every *= 2;
            }
            if self.seen.is_multiple_of(self.every) {
                self.kept.push(value);
            }
        }
        self.seen += 1;
    }

    pub(super) fn append(&mut self, other: &Sample) {
        self.kept.extend_from_slice(&other.kept);
    }

    pub(super) fn values(&self) -> &[i64] {
        &self.kept
    }

    /// The values, ascending.
    pub(super) fn sorted(&self) -> Vec<i64> {
        let mut sorted = self.kept.clone();
        sorted.sort_unstable();
        sorted
    }

    /// The middle value, 0 of none.
    pub(super) fn median(&self) -> i64 {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }
}
