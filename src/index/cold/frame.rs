//! What is expected of every row, and the header that says so.

use crate::index::packed::u64_at;

/// Bytes before the sources.
pub(super) const HEADER: usize = 112;
pub(super) const MAGIC: [u8; 4] = *b"PLC\x01";
const INSIDE_PORT_RELATIVE: u32 = 1;
const BESIDE: u32 = 2;

/// The usual distances, each of which is written as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Typical {
    pub(super) inner_start: i64,
    pub(super) inner_end: i64,
    pub(super) used_until: i64,
    pub(super) created: i64,
    pub(super) released: i64,
    pub(super) create_length: i64,
    pub(super) release_length: i64,
    /// From the offset of the release to that of the create.
    pub(super) beside: i64,
}

impl Typical {
    pub(super) fn to_array(self) -> [i64; 8] {
        [
            self.inner_start,
            self.inner_end,
            self.used_until,
            self.created,
            self.released,
            self.create_length,
            self.release_length,
            self.beside,
        ]
    }

    pub(super) fn read(bytes: &[u8], at: usize) -> Option<Typical> {
        let number = |i: usize| u64_at(bytes, at + 8 * i).map(u64::cast_signed);
        Some(Typical {
            inner_start: number(0)?,
            inner_end: number(1)?,
            used_until: number(2)?,
            created: number(3)?,
            released: number(4)?,
            create_length: number(5)?,
            release_length: number(6)?,
            beside: number(7)?,
        })
    }
}

/// How rows are to be understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) typical: Typical,
    /// Whether inside ports are counted from the first public port: the NAT keeps ports where it can.
    pub(super) inside_port_relative: bool,
    /// Whether a create record is looked for beside the release record of its source, rather than at its time.
    pub(super) beside: bool,
}

impl Frame {
    pub(super) fn flags(&self) -> u32 {
        let flag = |on, bit| if on { bit } else { 0 };
        flag(self.inside_port_relative, INSIDE_PORT_RELATIVE) | flag(self.beside, BESIDE)
    }

    /// The frame of flags; none when there are more than are known.
    pub(super) fn new(flags: u32, typical: Typical) -> Option<Frame> {
        (flags & !(INSIDE_PORT_RELATIVE | BESIDE) == 0).then_some(Frame {
            typical,
            inside_port_relative: flags & INSIDE_PORT_RELATIVE != 0,
            beside: flags & BESIDE != 0,
        })
    }
}
