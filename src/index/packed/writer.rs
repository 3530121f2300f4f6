//! Rows -> the bytes of a table.

use super::bits::{BitWriter, mask, zigzag};
use super::plan::Plan;
use super::{BLOCK, HEADER, MAGIC, MAX_COLUMNS, PADDING, PackedError};

/// Packs rows of numbers, one after the other, into bytes that [`Table`](super::Table) reads.
///
/// # Complexity
///
/// Holds the bytes written, one block of rows, and eight bytes for each block behind it.
///
/// ```
/// use portledger::index::packed::{Table, TableWriter};
/// let mut writer = TableWriter::new(2);
/// for i in 0..1000 {
///     writer.push(&[5, i % 4])?;
/// }
/// let bytes = writer.finish();
/// assert!(bytes.len() < 1000 * 2 / 8 + 150, "{}", bytes.len());
/// let mut row = [0; 2];
/// assert!(Table::open(&bytes)?.get(777, &mut row));
/// assert_eq!(row, [5, 1]);
/// # Ok::<(), portledger::index::packed::PackedError>(())
/// ```
#[derive(Debug)]
pub struct TableWriter {
    out: Vec<u8>,
    /// Where the table begins in `out`.
    begin: usize,
    /// One block, a column after the other; when it is written, its values become fields.
    block: Vec<[i64; BLOCK]>,
    /// Which columns of the block are not all zero.
    filled: u32,
    rows: u32,
    in_block: usize,
    directory: Vec<u64>,
    sorted: Vec<i64>,
    kept: Vec<i64>,
    exceptions: Vec<u8>,
}

impl TableWriter {
    /// A table of so many columns; fewer than 1 or more than 32 are moved to the nearest limit.
    pub fn new(columns: usize) -> TableWriter {
        TableWriter::behind(Vec::new(), columns)
    }

    /// The same behind bytes that are there already; the table's offsets count from the end of them.
    pub fn behind(mut out: Vec<u8>, columns: usize) -> TableWriter {
        let begin = out.len();
        out.extend_from_slice(&[0; HEADER]);
        TableWriter {
            out,
            begin,
            block: vec![[0; BLOCK]; columns.clamp(1, MAX_COLUMNS)],
            filled: 0,
            rows: 0,
            in_block: 0,
            directory: Vec::new(),
            sorted: Vec::with_capacity(BLOCK),
            kept: Vec::with_capacity(BLOCK),
            exceptions: Vec::new(),
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Appends a row: one number a column. What is missing is zero, what is too much is left out.
    ///
    /// # Errors
    ///
    /// [`PackedError::TooManyRows`] behind `u32::MAX` rows.
    pub fn push(&mut self, row: &[u64]) -> Result<(), PackedError> {
        self.rows = self.rows.checked_add(1).ok_or(PackedError::TooManyRows)?;
        for ((column, values), &value) in self.block.iter_mut().enumerate().zip(row) {
            if value != 0
                && let Some(slot) = values.get_mut(self.in_block)
            {
                *slot = value.cast_signed();
                self.filled |= 1 << column;
            }
        }
        self.in_block += 1;
        if self.in_block == BLOCK {
            self.flush();
        }
        Ok(())
    }

    /// The bytes of the table, behind those it was begun with.
    pub fn finish(mut self) -> Vec<u8> {
        if self.in_block > 0 {
            self.flush();
        }
        let directory = self.position();
        for offset in &self.directory {
            self.out.extend_from_slice(&offset.to_le_bytes());
        }
        self.out.extend_from_slice(&[0; PADDING]);
        let columns = u32::try_from(self.block.len()).unwrap_or(0);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&self.rows.to_le_bytes());
        header.extend_from_slice(&columns.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&self.position().to_le_bytes());
        header.extend_from_slice(&directory.to_le_bytes());
        if let Some(space) = self.out.get_mut(self.begin..self.begin + HEADER) {
            space.copy_from_slice(&header);
        }
        self.out
    }

    /// Where in the table the next byte goes.
    fn position(&self) -> u64 {
        (self.out.len() - self.begin) as u64
    }

    fn flush(&mut self) {
        let rows = std::mem::take(&mut self.in_block);
        let filled = std::mem::take(&mut self.filled);
        if filled == 0 {
            self.directory.push(0);
            return;
        }
        self.directory.push(self.position());
        let head = self.out.len();
        self.out.extend_from_slice(&filled.to_le_bytes());
        self.out.extend_from_slice(&[0; 4]);
        self.exceptions.clear();
        let mut plans = [(Plan::default(), 0); MAX_COLUMNS];
        let mut bits = 0;
        let columns = (0..MAX_COLUMNS).filter(|column| filled >> column & 1 == 1);
        for ((plan, column), at) in plans.iter_mut().zip(columns) {
            let values = self.block.get(at).and_then(|c| c.get(..rows)).unwrap_or_default();
            *plan = Plan::best(values, &mut self.sorted, &mut self.kept);
            *column = at;
            bits += plan.width;
            describe(plan, &mut self.out);
            except(plan, values, &mut self.exceptions);
            for value in self.block.get_mut(at).into_iter().flat_map(|c| c.iter_mut().take(rows)) {
                *value = plan.field(*value).unwrap_or(mask(plan.width)).cast_signed();
            }
        }
        let described = self.out.len() - head - 8;
        let sizes = [bits, u32::try_from(described).unwrap_or(0)].map(u32::to_le_bytes);
        if let ([b0, b1, ..], [d0, d1, ..], Some(space)) =
            (sizes[0], sizes[1], self.out.get_mut(head + 4..head + 8))
        {
            space.copy_from_slice(&[b0, b1, d0, d1]);
        }
        let used = filled.count_ones() as usize;
        let mut writer = BitWriter::new(&mut self.out);
        for row in 0..rows {
            for (plan, column) in plans.iter().take(used) {
                let field = self.block.get(*column).and_then(|c| c.get(row)).copied().unwrap_or(0);
                writer.push(field.cast_unsigned(), plan.width);
            }
        }
        writer.finish();
        self.out.extend_from_slice(&self.exceptions);
        for (_, column) in plans.iter().take(used) {
            if let Some(values) = self.block.get_mut(*column) {
                values.fill(0);
            }
        }
    }
}

/// Writes the descriptor of a column.
fn describe(plan: &Plan, out: &mut Vec<u8>) {
    let base = zigzag(plan.base).to_le_bytes();
    let length = base.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let [width, ..] = plan.width.to_le_bytes();
    let [nibble, ..] = (length as u64).to_le_bytes();
    out.push(width | u8::from(plan.exceptions > 0) << 7);
    out.push(nibble | plan.divisor << 4 | u8::from(plan.exceptions_divided) << 6);
    out.extend_from_slice(base.get(..length).unwrap_or(&base));
    if plan.exceptions > 0 {
        let [count, ..] = (plan.exceptions as u64 - 1).to_le_bytes();
        let [width, ..] = plan.exception_width.to_le_bytes();
        out.extend_from_slice(&[count, width]);
    }
}

/// Writes the exceptions of a column.
fn except(plan: &Plan, values: &[i64], out: &mut Vec<u8>) {
    if plan.exceptions == 0 {
        return;
    }
    let strangers = (0..=u8::MAX).zip(values).filter(|(_, v)| plan.field(**v).is_none());
    out.extend(strangers.clone().map(|(row, _)| row));
    let mut writer = BitWriter::new(out);
    for (_, value) in strangers {
        writer.push(plan.exception(*value), plan.exception_width);
    }
    writer.finish();
}
