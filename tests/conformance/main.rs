//! Conformance: one row of a vector file, one question, compared column by column.
//!
//! The rows were computed by running programs that others wrote (`tests/data/vectors/README.md`). With
//! `PORTLEDGER_VECTORS` set, that directory is read instead. A column or a kind that is not known fails, and so does a
//! file without rows: what is not compared must not look like agreement.
#![cfg(feature = "readers")]

mod map;
mod map_ruleset;
mod vectors;
