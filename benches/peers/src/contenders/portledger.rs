//! Ours, through its public interface.

use std::cell::RefCell;
use std::net::Ipv4Addr;

use portledger::index::{self, Hits, Index, IndexBuilder, Lean, View};
use portledger::{Protocol, Timestamp};

use crate::contender::{Contender, Question, Row, Setup};
use crate::sys::Held;

/// Questions that are handed to a batch at a time: what they are turned into stays in the caches.
const AT_ONCE: usize = 2_048;

struct Portledger {
    /// Taken once, as by anybody with many questions.
    view: View<'static>,
    index: Held<Index>,
    /// Which of the records given a row is: for checking answers only.
    order: Vec<u32>,
    room: RefCell<(Vec<index::Question>, Hits)>,
}

pub fn build(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    let (index, order) =
        IndexBuilder::new().build_lean_ordered(records.to_vec()).expect("an index holds them all");
    let index = Held::new(index);
    let room = RefCell::new((Vec::with_capacity(AT_ONCE), Hits::default()));
    Box::new(Portledger { view: index.get().view(), index, order, room })
}

/// The bytes that lookups touch before they look at exact columns.
fn hot_bytes(index: &Index) -> u64 {
    let hot = ["lines", "planes", "more planes", "regions", "shapes", "addresses"];
    index.parts().filter(|(name, _)| hot.contains(name)).map(|(_, bytes)| bytes as u64).sum()
}

/// What [`hot_bytes`] would be of these records, for a run in which ours takes no part.
pub fn hot_bytes_of(records: &[Lean]) -> u64 {
    let index = IndexBuilder::new().build_lean(records.to_vec());
    hot_bytes(&index.expect("an index holds them all"))
}

fn question(q: &Question) -> index::Question {
    index::Question {
        addr: Ipv4Addr::from_bits(q.addr),
        port: q.port,
        protocol: Some(Protocol::new(q.protocol)),
        at: Timestamp::from_microsecond(q.at),
    }
}

impl Contender for Portledger {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let q = question(q);
        self.view.at(q.addr, q.port, q.protocol, q.at, hits);
    }

    fn id(&self, hit: u32) -> u32 {
        let row = self.view.row_number(hit);
        row.and_then(|row| self.order.get(row as usize)).copied().unwrap_or(u32::MAX)
    }

    fn batch(&self, questions: &[Question], hits: &mut Vec<(u32, u32)>) {
        let (own, found) = &mut *self.room.borrow_mut();
        for (part, some) in (0_u32..).step_by(AT_ONCE).zip(questions.chunks(AT_ONCE)) {
            own.clear();
            own.extend(some.iter().map(question));
            self.view.at_each(own, found);
            for (position, positions) in (part..).zip(found.iter()) {
                hits.extend(positions.iter().map(|&hit| (position, hit)));
            }
        }
    }

    fn row(&self, hit: u32) -> Option<Row> {
        let lean = self.view.lean(hit)?;
        Some((lean.inside().0, lean.start_microsecond(), lean.end_microsecond()))
    }

    // The index's bytes are a mapping of their own.
    fn other_bytes(&self) -> u64 {
        self.index.get().as_bytes().len() as u64
    }

    fn checking_bytes(&self) -> u64 {
        (self.order.capacity() * size_of::<u32>()) as u64
    }

    fn hot_bytes(&self) -> Option<u64> {
        Some(hot_bytes(self.index.get()))
    }

    fn note(&self) -> String {
        let records = self.order.len().max(1) as f64;
        let each: Vec<String> = self
            .index
            .get()
            .parts()
            .filter(|(_, bytes)| *bytes as f64 / records >= 0.005)
            .map(|(name, bytes)| format!("{name} {:.2}", bytes as f64 / records))
            .collect();
        format!(
            "hot {:.2} B/record; by part {}",
            hot_bytes(self.index.get()) as f64 / records,
            each.join(", ")
        )
    }
}
