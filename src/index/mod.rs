//! Floor 3: the hot path. A set of allocations -> an immutable index; no I/O.
//!
//! What it answers, always with **all** hits, because overlaps are facts:
//!
//! | question | method | for |
//! |---|---|---|
//! | who could have held this port at this instant | [`View::at`] | one question |
//! | the same for a slice of questions | [`View::at_each`] | batches, several times as fast a question |
//! | the same from a file that may be damaged | [`WatchedIndex`] | answers that rest on checked blocks only |
//! | who could have held any of these ports in this time | [`View::during`] | a written time, a tolerance, an address without port |
//! | which allocations on this port lie next to this time | [`View::neighbours`] | the margins of an answer |
//!
//! Every test is against the *outer* interval, so that no holder is missed; the caller looks at the inner ones.
//! A lookup without protocol sees all protocols, and an allocation without protocol is seen by all lookups.
//!
//! # How it is laid out
//!
//! ```text
//! question -> address table -> region -> one 64-byte line: twelve records tested at once -> positions
//!             (cache)          (cache)   (memory)
//! position -> line, lane -> exact begin, end, host (one row of bits) -> whole allocation (one row of cold columns)
//! ```
//!
//! `lookup` takes one question at a time, `batch` many; `machine` holds what only the processor can do.
//! `line` is the hot record, `shape` and `region` are the way to it, `exact` and [`cold`] are what lies behind,
//! `build` makes all of them, `format` says where each stands in the file. Everything is one run of bytes,
//! little-endian and position-independent: in memory and in a file the same.

#[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
mod avx512;
mod batch;
mod bits;
mod build;
mod bytes;
mod clock;
pub mod cold;
mod directory;
mod exact;
mod format;
#[cfg(test)]
mod hostile_tests;
mod image;
mod lean;
mod line;
mod lookup;
mod machine;
mod neighbours;
pub mod packed;
mod region;
mod shape;
#[cfg(all(target_arch = "x86_64", not(portledger_portable)))]
mod sse2;
mod verify;
mod view;
mod watch;
mod window;

pub use build::{BuildError, BuildOptions};
pub use format::FormatError;
pub use image::{Index, IndexBuilder};
pub use lean::Lean;
pub use lookup::{Hits, Question};
pub use neighbours::Neighbours;
pub use view::View;
pub use watch::WatchedIndex;
