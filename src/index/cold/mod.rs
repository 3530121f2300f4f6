//! The cold columns: everything of an allocation that the hot part of the index does not say, row by row.
//!
//! The hot part knows, of each row, the address, the outer interval and the inside host exactly, and the ports and
//! the protocol at least as a hint: [`Known`]. [`ColdWriter`] writes the rest, [`Cold`] puts both together again,
//! bit for bit, for every value that an allocation can have.
//!
//! What makes it small is that each number is written as its distance from what is expected of it:
//!
//! | column | written as | usual cost in bits |
//! |---|---|---|
//! | shape | code of: grain, how begin and end are known, which optional parts there are | 0 |
//! | ports first, ports length | difference from the hint | 0 |
//! | protocol | difference from the hint, none as 0, number n as n + 1 | 0 |
//! | destination | code of the address, by frequency; rare addresses as themselves behind all codes | log2 of the addresses |
//! | destination port | code by frequency, the usual port of the address as 0 | 0 to 3 |
//! | inside port | itself, or counted from the first public port if the NAT often keeps ports | 16, or 0 |
//! | inner start, inner end, used until, created, released | distance from the outer start or end, less the usual one | 0 where the log gives nothing new |
//! | source | position in time order, from the source that a record of the time is expected in | 0 |
//! | offset | distance from a line with knots: offset of the source as a function of time | log2 of a few lines |
//! | offset of the create | the same; or the distance from the release record, where both stand side by side | the same; or 0 |
//! | length | difference from the usual one | 0 to 5 |
//!
//! What is expected is learned first: [`ColdModel`]. A model that learned from other allocations costs bytes and
//! changes nothing else.
//!
//! ```
//! use portledger::allocation::{Allocation, Began, Ended, Grain, InsideId, Origin};
//! use portledger::index::cold::{Cold, ColdModel, ColdWriter, Known};
//! use portledger::{PortRange, Protocol, TimeRange, Timestamp};
//!
//! let outer = TimeRange::new(Timestamp::from_second(100), Timestamp::from_second(160))?;
//! let allocation = Allocation {
//!     addr: "203.0.113.7".parse()?,
//!     ports: PortRange::single(40_213),
//!     protocol: Some(Protocol::TCP),
//!     destination: "192.0.2.10:443".parse().ok(),
//!     inside: InsideId(3),
//!     inside_port: Some(1_025),
//!     grain: Grain::Session,
//!     outer,
//!     inner: Some(outer),
//!     used_until: outer.end(),
//!     created: outer.start(),
//!     released: None,
//!     began: Began::Logged,
//!     ended: Ended::Open,
//!     origin: Origin::default(),
//! };
//! let known = Known::of(&allocation);
//! let mut writer = ColdWriter::new(ColdModel::learn(&[allocation]));
//! writer.push(&known, &allocation)?;
//! let bytes = writer.finish();
//! assert_eq!(Cold::open(&bytes)?.get(0, &known), Some(allocation));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Bytes
//!
//! Little-endian; offsets count from the first byte; nothing is aligned. The tables are those of
//! [`packed`](super::packed).
//!
//! ```text
//! offset  width  field
//!      0      4  magic "PLC\x01", the last byte is the version
//!      4      4  flags: bit 0, inside ports are relative; bit 1, creates stand beside releases; others zero
//!      8      4  shapes, h
//!     12      4  ports, p
//!     16      4  destinations, d
//!     20      4  sources, s
//!     24      8  offset of the knots
//!     32      8  offset of the rows
//!     40      8  length of everything in bytes
//!     48  11 x 8 usual distances: inner start, inner end, used until (TCP, UDP, ICMP, other), created, released,
//!                create length, release length, create from release; signed
//!    136    48 s sources, by begin, then number
//!      .     4 d addresses, the most frequent first
//!      .     4 p destination ports, the most frequent first: 0 is none, n + 1 is port n
//!      .     2 d the usual port of each address, as a position among the ports
//!      .     2 h shapes, the most frequent first
//!      .      .  knots: a table of one column
//!      .      .  rows: a table of 20 columns
//! ```
//!
//! A source:
//!
//! ```text
//! offset  width  field
//!      0      4  number of the source
//!      4      4  shift: two knots are 2^shift microseconds apart, 0 to 62
//!      8      8  begin: from this time on a record is expected in this source; signed
//!     16      8  start: the time of the first knot; signed
//!     24      4  row of the first knot
//!     28      4  stretches between knots, n; it has n + 1 knots
//!     32      8  first: the offset that grains are counted from
//!     40      8  grain: the step of the offsets
//! ```
//!
//! A shape, in ten bits: 0 block, 1 begin assumed, 2-3 end (logged, implied, open, assumed), 4 inner interval,
//! 5 release stamp, 6 destination, 7 inside port, 8 create record, 9 release record.
//!
//! The columns of a row, each zero if the part is absent. All sums wrap at 64 bits. `+` a usual distance is left out.
//!
//! ```text
//!  0  shape              code, see below
//!  1  ports first        first = hint's first + column
//!  2  ports length       length = hint's length + column
//!  3  protocol           number = hint's number + column; 0 is none, n + 1 is protocol n
//!  4  destination        code of the address
//!  5  destination port   u the usual port of the address (0 if it has no code): 0 is u, 1..=u is the code less
//!                        one, more is the code
//!  6  inside port        port = column (+ first public port, wrapping at 16 bits)
//!  7  inner start        outer start + column
//!  8  inner end          outer end - column
//!  9  used until         outer end - column
//! 10  created            outer start + column
//! 11  released           outer end - column
//! 12  create source      position = expected position + column; the expected one is that of the release record
//!                        where flag 1 is set and there is one, else the last that begins at or before `created`
//! 13  create offset      where flag 1 is set, there is a release record and column 12 is 0: offset of the release
//!                        + column; else, in a known source: first + (expected + column) * grain + rest; else column
//! 14  create rest        see there
//! 15  create length      length = column
//! 16  release source     as 12, by `released`, or the outer end where there is none
//! 17  release offset     as 13, never beside another
//! 18  release rest
//! 19  release length
//! ```
//!
//! A code below the size of its dictionary is a position in it, any other is that size plus the value. A position
//! of a source is a code in the same way.
//!
//! The expected offset at time t: with x = t - start, taken to the nearest end of [0, n * 2^shift], i = x >> shift
//! (the last stretch at the very end), r = x - (i << shift), and k the knots: `k[i] + ((k[i + 1] - k[i]) * r >> shift)`,
//! in 128 bits, rounded down.
//!
//! # Damage
//!
//! There is no checksum here: that is for the file around it. On damaged bytes [`Cold::get`] gives another
//! allocation or none, and never a panic, an endless loop or memory without bound.

mod columns;
mod curve;
mod dictionary;
mod error;
mod fit;
mod frame;
mod model;
mod reader;
mod sample;
mod shape;
#[cfg(test)]
mod tests;
mod writer;

use std::net::Ipv4Addr;

pub use error::ColdError;
pub use model::ColdModel;
pub use reader::Cold;
pub use writer::ColdWriter;

use crate::allocation::{Allocation, InsideId};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::TimeRange;

/// What is known of a row without its cold columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The public address, exact.
    pub addr: Ipv4Addr,
    /// The ports, a hint: the nearer, the smaller the row.
    pub ports: PortRange,
    /// The protocol, a hint.
    pub protocol: Option<Protocol>,
    /// The outer interval, exact.
    pub outer: TimeRange,
    /// The inside host, exact.
    pub inside: InsideId,
}

impl Known {
    /// What is known when both hints are right.
    pub fn of(a: &Allocation) -> Known {
        Known {
            addr: a.addr,
            ports: a.ports,
            protocol: a.protocol,
            outer: a.outer,
            inside: a.inside,
        }
    }
}

/// A protocol as a number, 0 for none.
fn protocol_number(protocol: Option<Protocol>) -> u64 {
    protocol.map_or(0, |p| u64::from(p.number()) + 1)
}
