//! Blocks held to their checksums when they are first touched: between opening blindly and reading everything.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::cold::Cold;
use super::format::{BLOCK, FormatError, HEADER, Section};
use super::image::Index;
use super::lean::Lean;
use super::lookup::{Hits, Question};
use super::neighbours::Neighbours;
use super::view::View;
use crate::allocation::Allocation;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

const UNSEEN: u8 = 0;
const RIGHT: u8 = 1;
const WRONG: u8 = 2;

/// An index that holds every block of 64 KiB to its checksum when a lookup first reads from it.
///
/// What lookups find their way by (addresses, regions, leaves, copies, exceptions, dictionaries: a few hundredths of
/// the whole) is checked once when it is made; lines, exact columns and rows of cold columns when they are read. A
/// lookup that meets a damaged block says so and gives no answer; one that does not meet it is as good as ever.
///
/// Threads may share it: the worst that a race does is to check a block twice.
///
/// ```
/// use portledger::index::{Index, WatchedIndex};
/// let index = WatchedIndex::new(Index::build(Vec::new())?)?;
/// let mut hits = Vec::new();
/// let at = portledger::Timestamp::from_second(0);
/// index.at([203, 0, 113, 7].into(), 40_213, None, at, &mut hits)?;
/// assert!(hits.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WatchedIndex {
    index: Index,
    states: Box<[AtomicU8]>,
}

/// What a lookup is watched by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch<'a> {
    index: &'a WatchedIndex,
    /// The first damaged block that the lookup met.
    met: &'a AtomicU64,
}

const NONE_MET: u64 = u64::MAX;

impl Watch<'_> {
    /// Whether bytes of a section are as they were written.
    #[inline]
    pub(super) fn holds(self, section: Section, bytes: Range<usize>) -> bool {
        let from = self.index.index.section(section).start;
        match self.index.check(from + bytes.start..from + bytes.end) {
            None => true,
            Some(block) => {
                self.met.store(block as u64, Ordering::Relaxed);
                false
            }
        }
    }
}

impl WatchedIndex {
    /// Checks what lookups find their way by.
    ///
    /// # Errors
    ///
    /// [`FormatError`] when it is not as it was written.
    ///
    /// # Complexity
    ///
    /// Reads some hundredths of the bytes: all but lines, exact columns, rows of cold columns, and hosts.
    pub fn new(index: Index) -> Result<WatchedIndex, FormatError> {
        index.verify_checks()?;
        let states = (0..index.blocks()).map(|_| AtomicU8::new(UNSEEN)).collect();
        let watched = WatchedIndex { index, states };
        for section in Section::ALL {
            let bytes = watched.index.section(section);
            match section {
                Section::Lines | Section::Columns | Section::Hosts | Section::Checks => {}
                Section::Cold => {
                    let cold = watched.index.as_bytes().get(bytes.clone()).unwrap_or_default();
                    if cold.is_empty() {
                        continue;
                    }
                    // Where its rows are stands in its header, so that comes first.
                    let head = bytes.start..bytes.end.min(bytes.start + BLOCK);
                    watched.require(head)?;
                    let rows = Cold::open(cold).map(|cold| cold.packed_rows());
                    let rows = rows.map_err(|_| FormatError::Inconsistent("no cold columns"))?;
                    watched.require(bytes.start..bytes.start + rows.start)?;
                    watched.require(bytes.start + rows.end..bytes.end)?;
                }
                _ => watched.require(bytes)?,
            }
        }
        Ok(watched)
    }

    /// The index below, unwatched.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The index, unwatched.
    pub fn into_index(self) -> Index {
        self.index
    }

    /// How many blocks were checked so far, and how many there are.
    pub fn checked(&self) -> (usize, usize) {
        let seen = |state: &&AtomicU8| state.load(Ordering::Relaxed) != UNSEEN;
        (self.states.iter().filter(seen).count(), self.states.len())
    }

    /// As [`View::at`].
    ///
    /// # Errors
    ///
    /// [`FormatError::Block`] when it met a damaged block; `hits` is then as it was before.
    pub fn at(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        at: Timestamp,
        hits: &mut Vec<u32>,
    ) -> Result<(), FormatError> {
        let before = hits.len();
        let told = self.told(|view| view.at(addr, port, protocol, at, hits));
        if told.is_err() {
            hits.truncate(before);
        }
        told
    }

    /// As [`View::at_each`].
    ///
    /// # Errors
    ///
    /// [`FormatError::Block`] when one of the questions met a damaged block; `hits` then holds no answers.
    pub fn at_each(&self, questions: &[Question], hits: &mut Hits) -> Result<(), FormatError> {
        let told = self.told(|view| view.at_each(questions, hits));
        if told.is_err() {
            hits.clear(0);
        }
        told
    }

    /// As [`View::during`].
    ///
    /// # Errors
    ///
    /// [`FormatError::Block`] when it met a damaged block; `hits` is then as it was before.
    pub fn during(
        &self,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        range: TimeRange,
        hits: &mut Vec<u32>,
    ) -> Result<(), FormatError> {
        let before = hits.len();
        let told = self.told(|view| view.during(addr, ports, protocol, range, hits));
        if told.is_err() {
            hits.truncate(before);
        }
        told
    }

    /// As [`View::neighbours`].
    ///
    /// # Errors
    ///
    /// [`FormatError::Block`] when it met a damaged block.
    pub fn neighbours(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        range: TimeRange,
        is_other: impl FnMut(&Allocation) -> bool,
    ) -> Result<Neighbours, FormatError> {
        self.told(|view| view.neighbours(addr, port, protocol, range, is_other))
    }

    /// As [`View::lean`].
    ///
    /// # Errors
    ///
    /// [`FormatError::Block`] when it met a damaged block.
    pub fn lean(&self, position: u32) -> Result<Option<Lean>, FormatError> {
        self.told(|view| view.lean(position))
    }

    /// As [`View::get`].
    ///
    /// # Errors
    ///
    /// [`FormatError::Block`] when it met a damaged block.
    pub fn get(&self, position: u32) -> Result<Option<Allocation>, FormatError> {
        self.told(|view| view.get(position))
    }

    /// What a watched view tells, unless it met a damaged block.
    fn told<T>(&self, ask: impl FnOnce(View<'_>) -> T) -> Result<T, FormatError> {
        let met = AtomicU64::new(NONE_MET);
        let told = ask(self.index.view().watched_by(Watch { index: self, met: &met }));
        match met.into_inner() {
            NONE_MET => Ok(told),
            block => Err(self.index.damage(usize::try_from(block).unwrap_or(usize::MAX))),
        }
    }

    fn require(&self, bytes: Range<usize>) -> Result<(), FormatError> {
        self.check(bytes).map_or(Ok(()), |block| Err(self.index.damage(block)))
    }

    /// The first damaged block of some bytes.
    #[inline]
    fn check(&self, bytes: Range<usize>) -> Option<usize> {
        let last = bytes.end.saturating_sub(1).saturating_sub(HEADER) / BLOCK;
        let first = bytes.start.saturating_sub(HEADER) / BLOCK;
        (first..=last).filter(|_| !bytes.is_empty()).find(|block| !self.is_right(*block))
    }

    #[inline]
    fn is_right(&self, block: usize) -> bool {
        let Some(state) = self.states.get(block) else { return true };
        match state.load(Ordering::Relaxed) {
            RIGHT => true,
            UNSEEN => self.look(block, state),
            _ => false,
        }
    }

    #[cold]
    fn look(&self, block: usize, state: &AtomicU8) -> bool {
        let is_right = self.index.verify_block(block).is_ok();
        state.store(if is_right { RIGHT } else { WRONG }, Ordering::Relaxed);
        is_right
    }
}
