//! Answers as text, tables, CSV and JSON.

pub(crate) mod csv;
pub(crate) mod json;
pub(crate) mod raw;
pub(crate) mod rejects;
pub(crate) mod table;
pub(crate) mod text;
