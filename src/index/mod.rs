//! Floor 3: the hot path. A set of allocations -> an immutable index; no I/O.
//!
//! What it answers, always with **all** hits, because overlaps are facts:
//!
//! | question | method | for |
//! |---|---|---|
//! | who could have held this port at this instant | [`Index::at`] | one question |
//! | who could have held any of these ports in this time | [`Index::during`] | a written time, a tolerance, an address without port |
//! | which allocations on this port lie next to this time | [`Index::neighbours`] | the margins of an answer |
//!
//! Every test is against the *outer* interval, so that no holder is missed; the caller looks at the inner ones.
//! A lookup without protocol sees all protocols, and an allocation without protocol is seen by all lookups.
//!
//! [`cold`] and [`packed`] are how what an allocation says beside is written down.

pub mod cold;
pub mod packed;
mod plain;

pub use plain::{Index, Neighbours};
