//! What every contender must do.

use portledger::Protocol;
use portledger::index::Lean;

/// Who held this port at this instant?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Microseconds since 1970.
    pub at: i64,
    /// The address, host order.
    pub addr: u32,
    /// The port.
    pub port: u16,
    /// The protocol's number.
    pub protocol: u8,
}

/// The number of a record's protocol; 0 where it holds its ports for all of them at once.
#[inline]
pub fn protocol_number(record: &Lean) -> u8 {
    record.protocol().map_or(0, Protocol::number)
}

/// A record as [`Contender::row`] tells it: inside host, begin, end (microseconds).
pub type Row = (u32, i64, i64);

/// One way to answer. Built from records in log order; a *hit* is a number of the contender's own choice that
/// [`Contender::id`] turns into the record's position, outside what is timed.
pub trait Contender {
    /// Adds a hit for every record that holds the port at the instant.
    fn at(&self, question: &Question, hits: &mut Vec<u32>);

    /// The position, in the records that were given, of a hit.
    fn id(&self, hit: u32) -> u32 {
        hit
    }

    /// Adds `(position of the question, hit)` for every hit of every question, in any order.
    fn batch(&self, questions: &[Question], hits: &mut Vec<(u32, u32)>) {
        plain_batch(self, questions, hits);
    }

    /// The key by which questions come in the order that this contender likes; none if it has no use for order.
    fn sort_key(&self, _: &Question) -> Option<u64> {
        None
    }

    /// Like [`Contender::batch`], the questions taken in `order`, which is that of [`Contender::sort_key`].
    fn batch_in_order(&self, questions: &[Question], order: &[u32], hits: &mut Vec<(u32, u32)>) {
        let mut found = Vec::new();
        for &position in order {
            found.clear();
            self.at(&questions[position as usize], &mut found);
            hits.extend(found.iter().map(|&hit| (position, hit)));
        }
    }

    /// Inside host and exact times of a hit, from the contender's own columns.
    fn row(&self, _hit: u32) -> Option<Row> {
        None
    }

    /// Bytes of its own that the counting allocator does not see: files, maps.
    fn other_bytes(&self) -> u64 {
        0
    }

    /// Bytes that only [`Contender::id`] needs: they are not counted as the contender's.
    fn checking_bytes(&self) -> u64 {
        0
    }

    /// The bytes that a lookup touches, for the limits; none: all that it holds.
    fn hot_bytes(&self) -> Option<u64> {
        None
    }

    /// What the reader must know about this one's figures.
    fn note(&self) -> String {
        String::new()
    }
}

/// A loop of single lookups.
pub fn plain_batch<C: Contender + ?Sized>(
    contender: &C,
    questions: &[Question],
    hits: &mut Vec<(u32, u32)>,
) {
    let mut found = Vec::new();
    for (position, question) in (0..).zip(questions) {
        found.clear();
        contender.at(question, &mut found);
        hits.extend(found.iter().map(|&hit| (position, hit)));
    }
}

/// What a contender is built with.
pub struct Setup<'a> {
    /// A directory for databases.
    pub scratch: &'a std::path::Path,
    /// How many ports (cells) share a tree, as a shift; none: as many as the key allows.
    pub group_shift: Option<u32>,
}

/// Makes a contender from the records.
pub type Build = fn(&[Lean], &Setup<'_>) -> Box<dyn Contender>;

/// A contender, by name.
pub struct Entry {
    /// As `--contenders` has it.
    pub name: &'static str,
    /// Whether it returns every record, overlaps included.
    pub complete: bool,
    /// Whether it is a crate or a database that a user would otherwise take.
    pub peer: bool,
    /// Databases are asked fewer questions.
    pub slow: bool,
    /// Makes it.
    pub build: Build,
}
