//! What is expected of every row, and the header that says so.

use crate::index::packed::u64_at;
use crate::protocol::Protocol;

/// Bytes before the sources.
pub(super) const HEADER: usize = 136;
pub(super) const MAGIC: [u8; 4] = *b"PLC\x01";
const INSIDE_PORT_RELATIVE: u32 = 1;
const BESIDE: u32 = 2;

/// The usual distances, each of which is written as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Typical {
    pub(super) inner_start: i64,
    pub(super) inner_end: i64,
    /// Of TCP, UDP, ICMP and all others: an end is as late as the timer of the protocol.
    pub(super) used_until: [i64; 4],
    pub(super) created: i64,
    pub(super) released: i64,
    pub(super) create_length: i64,
    pub(super) release_length: i64,
    /// From the offset of the release to that of the create.
    pub(super) beside: i64,
}

impl Typical {
    pub(super) fn to_array(self) -> [i64; 11] {
        let [tcp, udp, icmp, other] = self.used_until;
        [
            self.inner_start,
            self.inner_end,
            tcp,
            udp,
            icmp,
            other,
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
            used_until: [number(2)?, number(3)?, number(4)?, number(5)?],
            created: number(6)?,
            released: number(7)?,
            create_length: number(8)?,
            release_length: number(9)?,
            beside: number(10)?,
        })
    }

    /// The usual distance of the used end for a protocol.
    pub(super) fn used_until_of(&self, protocol: Option<Protocol>) -> i64 {
        self.used_until.get(timer(protocol)).copied().unwrap_or(0)
    }
}

/// Which timer a protocol has: a position in [`Typical::used_until`].
pub(super) fn timer(protocol: Option<Protocol>) -> usize {
    match protocol {
        Some(Protocol::TCP) => 0,
        Some(Protocol::UDP) => 1,
        Some(Protocol::ICMP) => 2,
        _ => 3,
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
