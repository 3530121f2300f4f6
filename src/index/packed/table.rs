//! The bytes of a table -> rows.

use std::ops::Range;

use super::bits::{mask, read_bits, unzigzag};
use super::plan::DIVISORS;
use super::{BLOCK, HEADER, MAGIC, MAX_COLUMNS, PADDING, PackedError, u32_at, u64_at};

/// A packed table, read where it lies.
///
/// A view: cheap to copy, and cheap enough to open for every question.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    bytes: &'a [u8],
    directory: &'a [u8],
    rows: u32,
    columns: u32,
}

/// How one column of one block is written.
struct Descriptor {
    width: u32,
    base: i64,
    divisor: i64,
    exceptions: usize,
    exception_width: u32,
    /// What an exception is multiplied by.
    exception_divisor: i64,
}

impl Descriptor {
    /// Takes one descriptor off the front.
    #[inline]
    fn take(bytes: &mut &[u8]) -> Option<Descriptor> {
        let (&[width, form], rest) = bytes.split_first_chunk::<2>()?;
        let (base, mut rest) = rest.split_at_checked(usize::from(form & 15))?;
        let divisor = *DIVISORS.get(usize::from(form >> 4 & 3))?;
        let (mut exceptions, mut exception_width) = (0, 0);
        if width & 0x80 != 0 {
            let (&[count, bits], behind) = rest.split_first_chunk::<2>()?;
            (exceptions, exception_width) = (usize::from(count) + 1, u32::from(bits).min(64));
            rest = behind;
        }
        let base_bits = u32::from(form & 15).min(8) * 8;
        // The base is followed by the rest of the block, so its eight bytes are read in one go.
        let base = if base.is_empty() { 0 } else { read_bits(bytes, 16, base_bits) };
        *bytes = rest;
        Some(Descriptor {
            width: u32::from(width & 0x7F).min(64),
            base: unzigzag(base),
            divisor,
            exceptions,
            exception_width,
            exception_divisor: if form & 0x40 == 0 { 1 } else { divisor },
        })
    }

    /// How many bytes the exceptions take.
    fn exception_bytes(&self) -> usize {
        self.exceptions + (self.exceptions * self.exception_width as usize).div_ceil(8)
    }
}

/// One block, its parts found but not looked into.
struct Block<'a> {
    bitmap: u32,
    rows: usize,
    row_bits: usize,
    descriptors: &'a [u8],
    /// The rows and everything behind them.
    packed: &'a [u8],
    /// The exceptions and everything behind them.
    exceptions: &'a [u8],
}

impl<'a> Table<'a> {
    /// Reads the header; `bytes` are the table and nothing else.
    ///
    /// # Errors
    ///
    /// [`PackedError::Header`] when it does not fit the bytes.
    ///
    /// # Complexity
    ///
    /// Constant: blocks are looked at when they are asked for.
    pub fn open(bytes: &'a [u8]) -> Result<Table<'a>, PackedError> {
        let header = |what| PackedError::Header { what };
        if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
            return Err(header("it does not begin like one of this version"));
        }
        let short = || header("its header is cut short");
        let rows = u32_at(bytes, 4).ok_or_else(short)?;
        let columns = u32_at(bytes, 8).ok_or_else(short)?;
        let reserved = u32_at(bytes, 12).ok_or_else(short)?;
        let length = u64_at(bytes, 16).ok_or_else(short)?;
        let directory = u64_at(bytes, 24).ok_or_else(short)?;
        if columns == 0 || columns as usize > MAX_COLUMNS || reserved != 0 {
            return Err(header("its columns are not 1 to 32"));
        }
        if length != bytes.len() as u64 {
            return Err(header("it is shorter or longer than its header says"));
        }
        let begin = usize::try_from(directory).unwrap_or(usize::MAX);
        let entries = (rows as usize).div_ceil(BLOCK).saturating_mul(8);
        let end = begin.checked_add(entries).filter(|_| begin >= HEADER);
        let end = end.ok_or_else(|| header("its directory lies outside"))?;
        if end.checked_add(PADDING) != Some(bytes.len()) {
            return Err(header("its directory does not end where the table does"));
        }
        let directory = bytes.get(begin..end).ok_or_else(short)?;
        Ok(Table { bytes, directory, rows, columns })
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// How many columns a row has.
    pub fn columns(&self) -> usize {
        self.columns as usize
    }

    /// How many bytes the whole table takes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Where the blocks of rows lie.
    pub(in crate::index) fn packed(&self) -> Range<usize> {
        HEADER..self.bytes.len() - PADDING - self.directory.len()
    }

    /// The bytes of the block that holds a row; none where there is no such row. Empty for a block of zeros.
    pub(in crate::index) fn bytes_of(&self, row: u32) -> Option<Range<usize>> {
        let block = row as usize / BLOCK;
        let entry = |block: usize| u64_at(self.directory, block * 8).map(usize::try_from);
        let Ok(from) = entry(block)? else { return None };
        if from == 0 {
            return Some(0..0);
        }
        // Blocks of zeros have no place of their own.
        let mut later = (block + 1..).map_while(entry).filter_map(Result::ok);
        let packed = self.packed();
        let until = later.find(|until| *until != 0).unwrap_or(packed.end);
        (from >= packed.start && until <= packed.end && from <= until).then_some(from..until)
    }

    /// Reads a row into the front of `out`; false when there is no such row, when `out` is too short for it, or when
    /// the bytes are damaged where it should be.
    #[inline]
    pub fn get(&self, row: u32, out: &mut [u64]) -> bool {
        let Some(out) = out.get_mut(..self.columns as usize) else { return false };
        out.fill(0);
        if row >= self.rows {
            return false;
        }
        let at = row as usize;
        match u64_at(self.directory, at / BLOCK * 8) {
            None => false,
            Some(0) => true,
            Some(offset) => {
                let block = self.block(offset, at / BLOCK);
                block.is_some_and(|block| block.get(at % BLOCK, out).is_some())
            }
        }
    }

    /// The first column of a row and of the next; 0 where there is none.
    pub(crate) fn pair(&self, row: u32) -> [u64; 2] {
        let at = row as usize;
        let next = row.checked_add(1).filter(|next| *next < self.rows && at % BLOCK + 1 < BLOCK);
        if let Some(offset) = u64_at(self.directory, at / BLOCK * 8).filter(|o| *o != 0)
            && next.is_some()
            && let Some(block) = self.block(offset, at / BLOCK)
            && block.bitmap == 1
            && let Some(d) = Descriptor::take(&mut { block.descriptors })
            && d.exceptions == 0
        {
            return [at % BLOCK, at % BLOCK + 1].map(|row| {
                let field = read_bits(block.packed, row * block.row_bits, d.width);
                let offset = field.cast_signed().wrapping_mul(d.divisor);
                d.base.wrapping_add(offset).cast_unsigned()
            });
        }
        [Some(row), row.checked_add(1)].map(|row| {
            let mut value = [0; MAX_COLUMNS];
            let found = row.is_some_and(|row| self.get(row, &mut value));
            if found { value.first().copied().unwrap_or(0) } else { 0 }
        })
    }

    /// Looks at every block.
    ///
    /// # Errors
    ///
    /// The first that does not hold together: parts that do not fit, blocks out of order, bytes between them, a
    /// column that does not exist, exceptions out of order.
    pub fn verify(&self) -> Result<(), PackedError> {
        let mut next = HEADER;
        for (number, entry) in (0_u32..).zip(self.directory.chunks_exact(8)) {
            let error = |what| PackedError::Block { block: number, what };
            let offset = u64_at(entry, 0).unwrap_or(0);
            if offset == 0 {
                continue;
            }
            if offset != next as u64 {
                return Err(error("it does not begin where the one before ends"));
            }
            let block = self.block(offset, number as usize).ok_or_else(|| error("cut short"))?;
            if self.columns < 32 && block.bitmap >> self.columns != 0 {
                return Err(error("it has a column that the table has not"));
            }
            next = self.bytes.len() - block.check().map_err(error)?;
        }
        let end = self.bytes.len() - PADDING - self.directory.len();
        if next != end {
            return Err(PackedError::Header { what: "its directory leaves out bytes" });
        }
        Ok(())
    }

    /// How many bits each column takes, exceptions counted, headers not.
    ///
    /// # Complexity
    ///
    /// Walks over all blocks.
    pub fn column_bits(&self) -> Vec<u64> {
        let mut sums = vec![0; self.columns as usize];
        for (number, entry) in self.directory.chunks_exact(8).enumerate() {
            let offset = u64_at(entry, 0).unwrap_or(0);
            let Some(block) = self.block(offset, number).filter(|_| offset != 0) else { continue };
            let mut descriptors = block.descriptors;
            for (column, sum) in sums.iter_mut().enumerate() {
                if block.bitmap >> column & 1 == 0 {
                    continue;
                }
                let Some(d) = Descriptor::take(&mut descriptors) else { break };
                *sum += u64::from(d.width) * block.rows as u64 + 8 * d.exception_bytes() as u64;
            }
        }
        sums
    }

    #[inline]
    fn block(&self, offset: u64, number: usize) -> Option<Block<'a>> {
        let body = self.bytes.get(usize::try_from(offset).ok()?..)?;
        let (head, body) = body.split_first_chunk::<8>()?;
        let [a, b, c, d, w0, w1, d0, d1] = *head;
        let row_bits = usize::from(u16::from_le_bytes([w0, w1]));
        let described = usize::from(u16::from_le_bytes([d0, d1]));
        let rows = (self.rows as usize).checked_sub(number * BLOCK)?.min(BLOCK);
        let (descriptors, packed) = body.split_at_checked(described)?;
        Some(Block {
            bitmap: u32::from_le_bytes([a, b, c, d]),
            rows,
            row_bits,
            descriptors,
            packed,
            exceptions: packed.get((rows * row_bits).div_ceil(8)..)?,
        })
    }
}

impl Block<'_> {
    #[inline]
    fn get(&self, row: usize, out: &mut [u64]) -> Option<()> {
        let (mut bitmap, mut at) = (self.bitmap, row * self.row_bits);
        let (mut descriptors, mut exceptions) = (self.descriptors, self.exceptions);
        while bitmap != 0 {
            let column = bitmap.trailing_zeros() as usize;
            bitmap &= bitmap - 1;
            let d = Descriptor::take(&mut descriptors)?;
            let field = read_bits(self.packed, at, d.width);
            at += d.width as usize;
            let mut offset = field.cast_signed().wrapping_mul(d.divisor);
            if d.exceptions > 0 {
                let (rows, values) = exceptions.split_at_checked(d.exceptions)?;
                if field == mask(d.width)
                    && let Ok(at) = rows.binary_search_by(|r| usize::from(*r).cmp(&row))
                {
                    let bits =
                        read_bits(values, at * d.exception_width as usize, d.exception_width);
                    offset = unzigzag(bits).wrapping_mul(d.exception_divisor);
                }
                exceptions = exceptions.get(d.exception_bytes()..)?;
            }
            *out.get_mut(column)? = d.base.wrapping_add(offset).cast_unsigned();
        }
        Some(())
    }

    /// Whether all parts fit one another; how many bytes of the table lie behind the block.
    fn check(&self) -> Result<usize, &'static str> {
        let (mut descriptors, mut exceptions) = (self.descriptors, self.exceptions);
        let mut bits = 0;
        for _ in 0..self.bitmap.count_ones() {
            let form = descriptors.first_chunk::<2>().copied();
            let [width, form] = form.ok_or("a descriptor is cut short")?;
            if width & 0x7F > 64 || form & 0x80 != 0 || form & 15 > 8 {
                return Err("a descriptor is none");
            }
            let d = Descriptor::take(&mut descriptors).ok_or("a descriptor is none")?;
            bits += d.width as usize;
            let rows = exceptions.get(..d.exceptions).ok_or("its exceptions are cut short")?;
            if rows.windows(2).any(|pair| matches!(pair, [a, b] if a >= b))
                || rows.last().is_some_and(|last| usize::from(*last) >= self.rows)
            {
                return Err("its exceptions are out of order");
            }
            exceptions =
                exceptions.get(d.exception_bytes()..).ok_or("its exceptions are cut short")?;
        }
        if !descriptors.is_empty() || bits != self.row_bits {
            return Err("its descriptors do not add up");
        }
        Ok(exceptions.len())
    }
}
