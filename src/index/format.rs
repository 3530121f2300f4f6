//! The bytes of an index: a header with a table of sections, the sections, and checksums by block.
//!
//! All numbers are little-endian. Sections begin at multiples of 64 bytes.
//!
//! ```text
//! offset  width  header field
//!      0      8  magic "PLSEG\0\0\3"; the last byte is the version
//!      8      4  CRC-32 (IEEE) of bytes 12 to 512
//!     12      4  CRC-32 of the CHECKS section
//!     16      8  length of the file
//!     24      8  records
//!     32      8  origin of the clock, microseconds since 1970 (signed)
//!     40      8  microseconds a step
//!     48      8  steps in the span
//!     56      8  free, zero
//!     64  18*16  sections, each: u64 offset, u64 length
//!    352    160  free, zero
//!    512         the sections
//! ```
//!
//! | section | entry | content |
//! |---|---|---|
//! | 0 lines | 64 | the hot lines |
//! | 1 planes | 16 | open hash table from address to regions |
//! | 2 more planes | 16 | further planes of an address |
//! | 3 regions | 16 | descriptors |
//! | 4 shapes | 24 | geometries that descriptors name |
//! | 5 leaves | 48 | what decodes the rows of a region |
//! | 6 chunks | 12 | rows, copies and leaves at every 64th line |
//! | 7 copies | 8 | position of a copy, position of its record; ascending |
//! | 8 columns | bits | exact begin, end, host, key by row |
//! | 9 exceptions | 40 | records that the columns cannot say, by row |
//! | 10 keys | 8 | ports and protocols that differ from unit and class |
//! | 11 addresses | 4 | ascending |
//! | 12 cold | | the further columns of allocations |
//! | 13 hosts | | inside hosts, for the store |
//! | 17 checks | 4 | CRC-32 of every 64 KiB block from byte 512 to this section |

use std::ops::Range;

pub(super) const MAGIC: [u8; 8] = *b"PLSEG\0\0\x03";
pub(super) const HEADER: usize = 512;
/// Bytes that one checksum stands for.
pub(crate) const BLOCK: usize = 1 << 16;
const TABLE: usize = 64;
const SECTIONS: usize = 18;
const ALIGNMENT: usize = 64;

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Section {
    Lines = 0,
    Planes = 1,
    MorePlanes = 2,
    Regions = 3,
    Shapes = 4,
    Leaves = 5,
    Chunks = 6,
    Copies = 7,
    Columns = 8,
    Exceptions = 9,
    Keys = 10,
    Addresses = 11,
    Cold = 12,
    Hosts = 13,
    Checks = 17,
}

impl Section {
    pub(super) const ALL: [Section; 15] = [
        Section::Lines,
        Section::Planes,
        Section::MorePlanes,
        Section::Regions,
        Section::Shapes,
        Section::Leaves,
        Section::Chunks,
        Section::Copies,
        Section::Columns,
        Section::Exceptions,
        Section::Keys,
        Section::Addresses,
        Section::Cold,
        Section::Hosts,
        Section::Checks,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Section::Lines => "lines",
            Section::Planes => "planes",
            Section::MorePlanes => "more planes",
            Section::Regions => "regions",
            Section::Shapes => "shapes",
            Section::Leaves => "leaves",
            Section::Chunks => "chunks",
            Section::Copies => "copies",
            Section::Columns => "columns",
            Section::Exceptions => "exceptions",
            Section::Keys => "keys",
            Section::Addresses => "addresses",
            Section::Cold => "cold",
            Section::Hosts => "hosts",
            Section::Checks => "checks",
        }
    }
}

/// Why bytes are not an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// It does not begin like one.
    #[error("it does not begin like a segment of this version (version 3)")]
    Magic,
    /// It is shorter or longer than its header says.
    #[error("it has {found} bytes, its header says {expected}: it was cut or extended")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes the header speaks of.
        expected: u64,
    },
    /// The header was changed.
    #[error("the checksum of its header does not match: a byte was changed")]
    Header,
    /// A block was changed.
    #[error("the checksum of bytes {start} to {end} does not match: a byte was changed")]
    Block {
        /// The first byte of the block.
        start: u64,
        /// The byte after it.
        end: u64,
    },
    /// A section lies where it cannot.
    #[error("section {section} lies outside the file or has a length that cannot be")]
    Section {
        /// Its number.
        section: usize,
    },
    /// The parts do not belong together.
    #[error("it contradicts itself: {0}")]
    Inconsistent(&'static str),
}

/// What the header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) records: u64,
    pub(super) origin_microsecond: i64,
    pub(super) step_microsecond: u64,
    pub(super) steps: u64,
    pub(super) sections: [(u64, u64); SECTIONS],
}

impl Header {
    /// Where a section lies; the header was checked against the length of the file.
    pub(super) fn section(&self, section: Section) -> Range<usize> {
        let (offset, length) = self.sections.get(section as usize).copied().unwrap_or((0, 0));
        let from = usize::try_from(offset).unwrap_or(0);
        from..from + usize::try_from(length).unwrap_or(0)
    }

    /// Lays sections out, one behind the other; the last one takes the checksums.
    pub(super) fn lay_out(&mut self, lengths: &[(Section, usize)]) -> usize {
        let mut at = HEADER;
        for (section, length) in lengths {
            at = at.next_multiple_of(ALIGNMENT);
            if let Some(slot) = self.sections.get_mut(*section as usize) {
                *slot = (at as u64, *length as u64);
            }
            at += length;
        }
        at = at.next_multiple_of(ALIGNMENT);
        let blocks = (at - HEADER).div_ceil(BLOCK);
        if let Some(slot) = self.sections.get_mut(Section::Checks as usize) {
            *slot = (at as u64, blocks as u64 * 4);
        }
        at + blocks * 4
    }

    /// Computes the checksums of a file whose other sections are filled in, and writes the header.
    pub(super) fn seal(&self, file: &mut [u8]) {
        let checks = self.section(Section::Checks);
        let total = file.len() as u64;
        let Some((body, sums)) = file.split_at_mut_checked(checks.start) else { return };
        for (block, sum) in
            body.get(HEADER..).unwrap_or_default().chunks(BLOCK).zip(sums.chunks_exact_mut(4))
        {
            sum.copy_from_slice(&crc32fast::hash(block).to_le_bytes());
        }
        let sums = crc32fast::hash(sums);
        let mut header = [0; HEADER];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(to) = header.get_mut(at..at + bytes.len()) {
                to.copy_from_slice(bytes);
            }
        };
        put(0, &MAGIC);
        put(12, &sums.to_le_bytes());
        put(16, &total.to_le_bytes());
        put(24, &self.records.to_le_bytes());
        put(32, &self.origin_microsecond.to_le_bytes());
        put(40, &self.step_microsecond.to_le_bytes());
        put(48, &self.steps.to_le_bytes());
        for (at, (offset, length)) in self.sections.iter().enumerate() {
            put(TABLE + at * 16, &offset.to_le_bytes());
            put(TABLE + at * 16 + 8, &length.to_le_bytes());
        }
        let own = crc32fast::hash(header.get(12..).unwrap_or_default());
        if let Some(to) = header.get_mut(8..12) {
            to.copy_from_slice(&own.to_le_bytes());
        }
        if let Some(to) = body.get_mut(..HEADER) {
            to.copy_from_slice(&header);
        }
    }

    /// Reads and checks the header: magic, its own checksum, the length of the file, and that every section lies
    /// inside it.
    pub(super) fn read(file: &[u8]) -> Result<Header, FormatError> {
        let Some((header, _)) = file.split_first_chunk::<HEADER>() else {
            if file.get(..8) == Some(&MAGIC) {
                let (found, expected) = (file.len() as u64, HEADER as u64);
                return Err(FormatError::Length { found, expected });
            }
            return Err(FormatError::Magic);
        };
        if header.get(..8) != Some(&MAGIC) {
            return Err(FormatError::Magic);
        }
        let word = |at: usize| {
            let bytes = header.get(at..at + 8).and_then(|b| b.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        };
        let own = crc32fast::hash(header.get(12..).unwrap_or_default());
        if word(8) & 0xFFFF_FFFF != u64::from(own) {
            return Err(FormatError::Header);
        }
        let found = file.len() as u64;
        if word(16) != found {
            return Err(FormatError::Length { found, expected: word(16) });
        }
        let mut sections = [(0, 0); SECTIONS];
        for (section, slot) in sections.iter_mut().enumerate() {
            *slot = (word(TABLE + section * 16), word(TABLE + section * 16 + 8));
            let (offset, length) = *slot;
            let fits = offset.checked_add(length).is_some_and(|end| end <= found);
            if !fits || offset % ALIGNMENT as u64 != 0 {
                return Err(FormatError::Section { section });
            }
        }
        let read = Header {
            records: word(24),
            origin_microsecond: word(32).cast_signed(),
            step_microsecond: word(40),
            steps: word(48),
            sections,
        };
        let checks = read.section(Section::Checks);
        let blocks = checks.start.saturating_sub(HEADER).div_ceil(BLOCK);
        if checks.end != file.len() || checks.len() != blocks * 4 {
            return Err(FormatError::Section { section: Section::Checks as usize });
        }
        Ok(read)
    }

    /// Holds the checksums to theirs, then every block to its own.
    pub(super) fn verify(&self, file: &[u8]) -> Result<(), FormatError> {
        self.verify_checks(file)?;
        let blocks = self.section(Section::Checks).len() / 4;
        (0..blocks).try_for_each(|block| self.verify_block(file, block))
    }

    /// Holds the checksums to theirs.
    pub(super) fn verify_checks(&self, file: &[u8]) -> Result<(), FormatError> {
        let checks = file.get(self.section(Section::Checks)).unwrap_or_default();
        let stored = file.get(12..16).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        if crc32fast::hash(checks) != stored {
            let (start, end) = (self.section(Section::Checks).start as u64, file.len() as u64);
            return Err(FormatError::Block { start, end });
        }
        Ok(())
    }

    /// Holds one block to its checksum; blocks that are not there are as they should be.
    pub(super) fn verify_block(&self, file: &[u8], block: usize) -> Result<(), FormatError> {
        let checks = self.section(Section::Checks);
        let (from, until) = self.block(block);
        let sum = file.get(checks).unwrap_or_default().get(block * 4..block * 4 + 4);
        let Some(sum) = sum.and_then(|b| b.try_into().ok()).map(u32::from_le_bytes) else {
            return Ok(());
        };
        if crc32fast::hash(file.get(from..until).unwrap_or_default()) == sum {
            return Ok(());
        }
        Err(self.damage(block))
    }

    /// What is said of a damaged block.
    pub(super) fn damage(&self, block: usize) -> FormatError {
        let (start, end) = self.block(block);
        FormatError::Block { start: start as u64, end: end as u64 }
    }

    fn block(&self, block: usize) -> (usize, usize) {
        let from = HEADER.saturating_add(block.saturating_mul(BLOCK));
        (from, from.saturating_add(BLOCK).min(self.section(Section::Checks).start))
    }
}
