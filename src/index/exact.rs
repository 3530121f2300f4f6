//! The exact columns: what a lane leaves out of begin and end, the inside host, and what the lane's unit and class do
//! not say of ports and protocol. A row is one run of bits, so that it is one cache line, at times two.
//!
//! ```text
//! begin   steps from the begin of the lane's tick
//! end     steps from the shortest length that the lane's code can mean; all ones: the record is an exception
//! host    inside host, from the leaf's lowest
//! key     number of the port and protocol key, 0 = the unit's ports and the class's protocol
//! ```

use super::bits;
use super::lean::{EVERY_PROTOCOL, Lean};

pub(super) const EXCEPTION_BYTES: usize = 40;
pub(super) const KEY_BYTES: usize = 8;

/// Bits a field has at most, see [`bits`].
const WIDEST: u8 = 57;

/// A row as it stands in the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) begin: u64,
    /// None for a record that stands among the exceptions.
    pub(super) end: Option<u64>,
    pub(super) host: u64,
    pub(super) key: u64,
}

impl Row {
    /// Reads the row that begins at a bit.
    #[inline]
    pub(super) fn read(columns: &[u8], bit: u64, widths: [u8; 4]) -> Option<Row> {
        let [w0, w1, w2, w3] = widths;
        let mut at = bit;
        let mut next = |width: u8| {
            let value = bits::read(columns, at, width);
            at += u64::from(width);
            value
        };
        let begin = next(w0)?;
        let end = next(w1)?;
        let end = (w1 == 0 || end != bits::mask(w1)).then_some(end);
        Some(Row { begin, end, host: next(w2)?, key: next(w3)? })
    }

    pub(super) fn write(&self, columns: &mut bits::BitWriter, widths: [u8; 4]) {
        let [w0, w1, w2, w3] = widths;
        columns.push(self.begin, w0);
        columns.push(self.end.unwrap_or(bits::mask(w1)), w1);
        columns.push(self.host, w2);
        columns.push(self.key, w3);
    }
}

/// Chooses the widths of a leaf's rows; rows that do not fit become exceptions.
///
/// An end takes the width at which the rows and the exceptions together are smallest: one day-long session among
/// short ones must not widen them all.
pub(super) fn fit(rows: &mut [Row]) -> [u8; 4] {
    for row in rows.iter_mut().filter(|r| bits::width(r.begin) > WIDEST) {
        // Very coarse ticks over very many units; a cut begin would be another instant.
        (row.begin, row.end) = (0, None);
    }
    let most = |field: fn(&Row) -> u64| {
        bits::width(rows.iter().filter(|r| r.end.is_some()).map(field).max().unwrap_or(0))
    };
    let [begin, host, key] = [most(|r| r.begin), most(|r| r.host), most(|r| r.key)];
    let mut longer = [0_u64; 66];
    for row in rows.iter() {
        // All ones is the mark of an exception, so a value needs the width of the next one.
        let needed = row.end.map_or(65, |end| bits::width(end.saturating_add(1)).min(65));
        if let Some(count) = longer.get_mut(usize::from(needed)) {
            *count += 1;
        }
    }
    let total = rows.len() as u64;
    let (mut fits, mut best) = (0, (u64::MAX, 1));
    for (width, count) in (0..=WIDEST).zip(longer) {
        fits += count;
        let cost = total * u64::from(width) + (total - fits) * (EXCEPTION_BYTES as u64 * 8);
        if width > 0 && cost < best.0 {
            best = (cost, width);
        }
    }
    let widths = [begin, best.1, host, key];
    for row in rows {
        row.end = row.end.filter(|end| *end < bits::mask(best.1));
    }
    widths
}

/// A whole record under its row, for what the columns cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) row: u32,
    pub(super) lean: Lean,
}

impl Exception {
    pub(super) fn to_bytes(self) -> [u8; EXCEPTION_BYTES] {
        let l = self.lean;
        let words = [
            u64::from(self.row) | u64::from(l.addr) << 32,
            l.start_microsecond.cast_unsigned(),
            l.end_microsecond.cast_unsigned(),
            u64::from(l.inside),
            u64::from(l.first) | u64::from(l.last) << 16 | u64::from(l.protocol) << 32,
        ];
        let mut out = [0; EXCEPTION_BYTES];
        for (to, from) in out.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    fn from_bytes(bytes: &[u8; EXCEPTION_BYTES]) -> Exception {
        use super::shape::{half, quarter};
        let (words, _) = bytes.as_chunks::<8>();
        let word = |at: usize| words.get(at).map_or(0, |w| u64::from_le_bytes(*w));
        Exception {
            row: half(word(0)),
            lean: Lean {
                start_microsecond: word(1).cast_signed(),
                end_microsecond: word(2).cast_signed(),
                addr: half(word(0) >> 32),
                inside: half(word(3)),
                input: 0,
                first: quarter(word(4)),
                last: quarter(word(4) >> 16),
                protocol: quarter(word(4) >> 32).min(EVERY_PROTOCOL),
            },
        }
    }

    /// The exception of a row; they are sorted by row.
    pub(super) fn find(table: &[[u8; EXCEPTION_BYTES]], row: u32) -> Option<Lean> {
        let of = |bytes: &[u8; EXCEPTION_BYTES]| Exception::from_bytes(bytes);
        let at = table.partition_point(|bytes| of(bytes).row < row);
        table.get(at).map(of).filter(|e| e.row == row).map(|e| e.lean)
    }
}

/// How a record's ports and protocol differ from what its first lane says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// First port less the unit's first port, modulo 2^16.
    pub(super) first: u16,
    /// Last port less the unit's last port, modulo 2^16.
    pub(super) last: u16,
    /// The protocol.
    pub(super) protocol: u16,
}

impl Key {
    pub(super) fn to_bytes(self) -> [u8; KEY_BYTES] {
        let word =
            u64::from(self.first) | u64::from(self.last) << 16 | u64::from(self.protocol) << 32;
        word.to_le_bytes()
    }

    #[inline]
    pub(super) fn from_bytes(bytes: [u8; KEY_BYTES]) -> Key {
        use super::shape::quarter;
        let word = u64::from_le_bytes(bytes);
        let protocol = quarter(word >> 32).min(EVERY_PROTOCOL);
        Key { first: quarter(word), last: quarter(word >> 16), protocol }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_end_does_not_widen_the_rest() {
        let row = |end| Row { begin: 5, end: Some(end), host: 3, key: 0 };
        let mut rows: Vec<Row> = (0..1000).map(|n| row(n % 16)).chain([row(1 << 50)]).collect();
        let widths = fit(&mut rows);
        assert_eq!(widths, [3, 5, 2, 0]);
        assert_eq!(rows.iter().filter(|r| r.end.is_none()).count(), 1);
        let mut columns = bits::BitWriter::default();
        for row in &rows {
            row.write(&mut columns, widths);
        }
        let columns = columns.into_bytes();
        for (at, row) in (0_u64..).zip(&rows) {
            let read = Row::read(&columns, at * 10, widths).unwrap();
            assert_eq!((read.begin, read.end, read.host), (5, row.end, 3));
        }
    }

    #[test]
    fn a_begin_too_wide_for_a_field_is_an_exception() {
        let wide = Row { begin: 1 << 57, end: Some(1), host: 3, key: 0 };
        let mut rows = [wide, Row { begin: 7, ..wide }];
        let widths = fit(&mut rows);
        assert_eq!(widths, [3, 2, 2, 0]);
        assert_eq!(rows.map(|r| r.end), [None, Some(1)]);
    }

    #[test]
    fn an_exception_is_found_by_its_row() {
        let exception = |row| {
            let lean = Lean {
                start_microsecond: i64::MIN,
                end_microsecond: i64::MAX,
                addr: u32::MAX,
                inside: row,
                input: 0,
                first: 1,
                last: u16::MAX,
                protocol: EVERY_PROTOCOL,
            };
            Exception { row, lean }
        };
        let table: Vec<_> = [3, 9, 11].map(|row| exception(row).to_bytes()).into();
        assert_eq!(Exception::find(&table, 9), Some(exception(9).lean));
        assert_eq!(Exception::find(&table, 10), None);
        assert_eq!(Exception::find(&table, 12), None);
    }
}
