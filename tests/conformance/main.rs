//! Conformance: one row of a vector file, one question, compared column by column.
//!
//! Most rows were computed by running programs that others wrote; which, and which rows rest on a reading of the RFC
//! alone, is in `tests/data/vectors/README.md`. The counts for an oracle are of rows that name it. With
//! `PORTLEDGER_VECTORS` set, that directory is read instead. A column or a kind that is not known fails, and so does a
//! file without rows: what is not compared must not look like agreement.
#![cfg(feature = "readers")]

mod detnat;
mod lw4o6;
mod map;
mod map_ruleset;
mod vectors;
