//! One JSON object an answer.

use std::io::{self, Write};

use portledger::resolver::Answer;
use serde::Serialize;

use super::raw::{self, RawRecord};

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(flatten)]
    answer: &'a Answer,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Vec<RawRecord>>,
}

#[derive(Serialize)]
struct Invalid<'a> {
    id: &'a str,
    verdict: &'a str,
    detail: &'a str,
}

pub(crate) fn write(
    w: &mut impl Write,
    id: Option<&str>,
    answer: &Answer,
    raw: bool,
) -> io::Result<()> {
    let raw = raw.then(|| raw::of(answer));
    serde_json::to_writer(&mut *w, &Line { id, answer, raw })?;
    w.write_all(b"\n")
}

pub(crate) fn write_invalid(w: &mut impl Write, id: &str, detail: &str) -> io::Result<()> {
    serde_json::to_writer(&mut *w, &Invalid { id, verdict: "invalid", detail })?;
    w.write_all(b"\n")
}
