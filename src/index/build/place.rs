//! Pieces into lines: a record stands in every bucket that it overlaps, and a full line spills into the next.

use crate::index::bits;
use crate::index::clock::Clock;
use crate::index::line::{Class, LANES};
use crate::index::shape::{Geometry, span};

/// A record in one unit, or what is left of it from a bucket on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins in x.
    pub(super) x: u64,
    /// Where it ends in x, inclusive.
    pub(super) end: u64,
    /// Which record.
    pub(super) record: u32,
    pub(super) class: Class,
    /// Whether it is the first piece of its record: the one whose position is the record's.
    pub(super) is_first: bool,
}

/// A piece in its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) piece: Piece,
    /// The line, counted from the leaf's first.
    pub(super) line: u64,
    /// The first line of its bucket.
    pub(super) home: u64,
}

/// How a leaf is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) buckets: u32,
    pub(super) bucket_shift: u8,
}

/// What came of placing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placement {
    pub(super) lines: u64,
    /// How many lines beyond its first one a bucket reaches at most.
    pub(super) chain: u64,
}

/// Sorts pieces by begin; those that begin together keep their order. `length` is that of x, the others are room.
pub(super) fn sort(
    pieces: &mut Vec<Piece>,
    length: u64,
    keys: &mut Vec<u64>,
    sorted: &mut Vec<Piece>,
) {
    let number_bits = bits::width(pieces.len() as u64);
    if bits::width(length) + number_bits > 64 {
        pieces.sort_by_key(|p| p.x);
        return;
    }
    // Small keys sort in half the time of whole pieces.
    keys.clear();
    keys.extend((0..).zip(pieces.iter()).map(|(number, p)| p.x << number_bits | number));
    keys.sort_unstable();
    sorted.clear();
    let number = |key: &u64| usize::try_from(key & bits::mask(number_bits)).ok();
    sorted.extend(keys.iter().filter_map(|key| pieces.get(number(key)?)));
    std::mem::swap(pieces, sorted);
}

/// Makes ticks twice as long, up to those of `shift`; pieces stay sorted. `span` is how many of the old ones a unit has.
pub(super) fn coarsen(pieces: &mut [Piece], span_before: u32, clock: &Clock, shift: u8) {
    let (before, after) = (u64::from(span_before.max(1)), span(clock, shift));
    for piece in pieces {
        let unit = piece.x / before;
        let in_unit = |x: u64| unit * after + ((x - unit * before) >> 1);
        (piece.x, piece.end) = (in_unit(piece.x), in_unit(piece.end));
    }
}

/// Chooses the number of buckets: lines as full as `lanes_a_line`, more lines a bucket where long records would
/// otherwise be copied into most buckets.
pub(super) fn choose(pieces: &[Piece], geometry: &Geometry, lanes_a_line: f64) -> Cut {
    let mut best = (u64::MAX, Cut { buckets: 1, bucket_shift: 0 });
    for bucket_shift in 0..20_u8 {
        let mut lanes = pieces.len() as u64;
        let mut buckets = 1;
        for _ in 0..3 {
            let wanted = buckets_for(lanes, lanes_a_line, bucket_shift, geometry);
            // What changes the number so little changes the copies less.
            let is_near = wanted.abs_diff(buckets) <= buckets / 64;
            buckets = wanted;
            if is_near {
                break;
            }
            lanes = pieces.len() as u64 + copies(pieces, geometry, buckets);
        }
        let cut = Cut { buckets, bucket_shift };
        // Longer buckets mean more lines a question: take them only for many fewer copies.
        let cost = lanes * (4 + u64::from(bucket_shift));
        if cost < best.0 {
            best = (cost, cut);
        }
        let few = pieces.len() as u64 * if bucket_shift < 3 { 5 } else { 8 } / 4 + 8;
        if lanes <= few {
            return cut;
        }
        if buckets == 1 {
            break;
        }
    }
    best.1
}

fn buckets_for(lanes: u64, lanes_a_line: f64, bucket_shift: u8, geometry: &Geometry) -> u32 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive estimate; the result is cut to its limits"
    )]
    let buckets = (lanes as f64 / lanes_a_line / f64::from(1_u32 << bucket_shift)).ceil() as u64;
    // The product with the length must stay below 2^63, see `Geometry::bucket`.
    let most = ((1_u64 << 63) / geometry.shape.length.max(1)).min(geometry.shape.length);
    u32::try_from(buckets.min(most).max(1)).unwrap_or(u32::MAX)
}

fn copies(pieces: &[Piece], geometry: &Geometry, buckets: u32) -> u64 {
    pieces.iter().map(|p| geometry.bucket(p.end, buckets) - geometry.bucket(p.x, buckets)).sum()
}

/// Places pieces, which are sorted by begin; `placed` is emptied first.
pub(super) fn place(
    pieces: &[Piece],
    geometry: &Geometry,
    cut: Cut,
    placed: &mut Vec<Placed>,
) -> Placement {
    placed.clear();
    let (mut line, mut count, mut chain) = (0, 0, 0);
    let mut put = |piece: Piece, home: u64, placed: &mut Vec<Placed>| {
        if line < home {
            (line, count) = (home, 0);
        } else if count == LANES {
            (line, count) = (line + 1, 0);
        }
        count += 1;
        chain = chain.max(line - home);
        placed.push(Placed { piece, line, home });
    };
    // What goes on behind the bucket at hand.
    let mut going_on: Vec<Piece> = Vec::new();
    let mut rest = pieces.iter().peekable();
    let mut bucket = 0;
    loop {
        let home = bucket << cut.bucket_shift;
        if !going_on.is_empty() {
            let from = geometry.first_of(bucket, cut.buckets);
            going_on.retain(|p| p.end >= from);
            for piece in &going_on {
                put(Piece { x: from, is_first: false, ..*piece }, home, placed);
            }
        }
        while let Some(piece) = rest.next_if(|p| geometry.bucket(p.x, cut.buckets) <= bucket) {
            put(*piece, home, placed);
            if geometry.bucket(piece.end, cut.buckets) > bucket {
                going_on.push(*piece);
            }
        }
        if going_on.is_empty() {
            match rest.peek() {
                Some(next) => bucket = geometry.bucket(next.x, cut.buckets),
                None => break,
            }
        } else {
            bucket += 1;
            if bucket >= u64::from(cut.buckets) {
                break;
            }
        }
    }
    let used = placed.last().map_or(0, |p| p.line + 1);
    Placement { lines: used.max(u64::from(cut.buckets) << cut.bucket_shift), chain }
}
