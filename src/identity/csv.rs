//! Bindings as CSV.
//!
//! ```csv
//! inside,subscriber,start,end
//! 100.64.0.10,ann,2026-11-02T03:04:05Z,2026-11-02T05:00:00Z
//! 2001:db8:12:3400::/56,bob,2026-11-02T03:04:05Z,
//! ```
//!
//! The header names the columns, in any order: `inside`, `subscriber`, `start`, `end`, and `realm` where there is
//! one; others are passed over. An empty `start` means since ever, an empty `end` still bound. A row is one line:
//! quoted line breaks are refused.

use std::io::Read;

use super::IdentityError;
use super::binding::{Binding, BindingKey, BindingOrigin};
use super::lines::{Line, LineReader, ReadLimits, span};
use super::reject::{Refusal, Reject, RejectReason, excerpt};
use crate::allocation::{SourceId, Span};
use crate::inside::Realm;
use crate::subscriber::SubscriberId;
use crate::time::{ParseTimeError, WrittenTime, Zone};

/// How a CSV of bindings is read.
#[derive(Clone, Debug, Default)]
pub struct CsvOptions {
    /// The number of the file, for the bindings' origin.
    pub source: SourceId,
    /// The realm of IPv4 addresses that name none, where the `realm` column names none either.
    pub realm: Realm,
    /// The zone of times that carry none.
    pub zone: Option<Zone>,
    /// How much is held in memory.
    pub limits: ReadLimits,
}

/// Which column is where.
#[derive(Clone, Copy, Debug)]
struct Columns {
    inside: usize,
    subscriber: usize,
    start: usize,
    end: usize,
    realm: Option<usize>,
    count: usize,
}

/// Reads bindings row by row; every row comes out as a value or as a [`Reject`]. Empty lines are no rows.
///
/// After an error there are no more rows.
///
/// ```
/// use portledger::identity::{CsvOptions, CsvReader};
/// let file = "subscriber,inside,start,end\nann,100.64.0.10,@1795306735,\n";
/// let mut rows = CsvReader::new(file.as_bytes(), CsvOptions::default())?;
/// let binding = rows.next().unwrap()?.unwrap();
/// assert_eq!(binding.subscriber.as_str(), "ann");
/// assert_eq!(binding.inner.unwrap().to_string(), "@1795306736.000000/");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CsvReader<R> {
    lines: LineReader<R>,
    options: CsvOptions,
    columns: Columns,
    is_done: bool,
}

impl<R: Read> CsvReader<R> {
    /// Reads the header row.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Header`] where it lacks a column or has one twice; [`IdentityError::Io`].
    pub fn new(reader: R, options: CsvOptions) -> Result<CsvReader<R>, IdentityError> {
        let mut lines = LineReader::new(reader, options.limits.line_bytes);
        let columns = loop {
            match lines.next_line()? {
                None => return Err(header("the file is empty")),
                Some(line) if line.length == 0 => {}
                Some(line) if line.is_too_long => {
                    return Err(header("it is longer than the limit"));
                }
                Some(line) => break columns(line.bytes)?,
            }
        };
        Ok(CsvReader { lines, options, columns, is_done: false })
    }

    fn next_row(&mut self) -> Result<Option<Result<Binding, Reject>>, IdentityError> {
        while let Some(line) = self.lines.next_line()? {
            if line.bytes.trim_ascii().is_empty() && !line.is_too_long {
                continue;
            }
            let span = span(line.offset, line.end());
            let row = row(&line, span, self.columns, &self.options);
            return Ok(Some(row.map_err(|refusal| refusal.at(span, line.number))));
        }
        Ok(None)
    }
}

impl<R: Read> Iterator for CsvReader<R> {
    type Item = Result<Result<Binding, Reject>, IdentityError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let next = self.next_row().transpose();
        self.is_done = !matches!(next, Some(Ok(_)));
        next
    }
}

fn header(why: impl Into<String>) -> IdentityError {
    IdentityError::Header(why.into())
}

fn columns(line: &[u8]) -> Result<Columns, IdentityError> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let names = fields(line).map_err(|refusal| header(refusal.detail))?;
    let find = |name: &str| {
        let mut found = (0..names.len()).filter(|at| names.get(*at) == Some(name));
        match (found.next(), found.next()) {
            (at, None) => Ok(at),
            _ => Err(header(format!("column `{name}` is there twice"))),
        }
    };
    let need = |name: &str| {
        find(name)?.ok_or_else(|| header(format!("no column `{name}` in `{}`", excerpt(line))))
    };
    Ok(Columns {
        inside: need("inside")?,
        subscriber: need("subscriber")?,
        start: need("start")?,
        end: need("end")?,
        realm: find("realm")?,
        count: names.len(),
    })
}

/// The fields of one line.
fn fields(line: &[u8]) -> Result<csv::StringRecord, Refusal> {
    let bad =
        |why: &str| Refusal::new(RejectReason::BadLine, format!("{why}: `{}`", excerpt(line)));
    if line.split(|b| *b == b'"').count() % 2 == 0 {
        return Err(bad("a quote is not closed on its line"));
    }
    if line.contains(&b'\r') {
        return Err(bad("a carriage return within the line"));
    }
    let mut record = csv::StringRecord::new();
    let read = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .buffer_capacity(line.len().clamp(1, 64 << 10))
        .from_reader(line)
        .read_record(&mut record);
    match read {
        Ok(true) => Ok(record),
        Ok(false) => Err(bad("no fields")),
        Err(_) => Err(bad("not UTF-8")),
    }
}

fn row(
    line: &Line<'_>,
    span: Span,
    columns: Columns,
    options: &CsvOptions,
) -> Result<Binding, Refusal> {
    if line.is_too_long {
        return Err(Refusal::new(RejectReason::LineTooLong, "the row is longer than the limit"));
    }
    let fields = fields(line.bytes)?;
    if fields.len() != columns.count {
        let text = format!("{} fields where the header has {}", fields.len(), columns.count);
        return Err(Refusal::new(RejectReason::BadLine, text));
    }
    let field = |at: usize| fields.get(at).unwrap_or("");
    let subscriber = field(columns.subscriber);
    if subscriber.is_empty() {
        return Err(Refusal::new(RejectReason::NoSubscriber, "`subscriber` is empty"));
    }
    let key = key(field(columns.inside), columns.realm.map_or("", field), &options.realm)?;
    let time = |at: usize| written(field(at), options.zone.as_ref());
    let (start, end) = (time(columns.start)?, time(columns.end)?);
    let origin =
        BindingOrigin { source: options.source, start: Some(span), ..BindingOrigin::default() };
    Binding::new(key, SubscriberId::new(subscriber), start, end, origin).ok_or_else(|| {
        let shown = |at: usize| excerpt(field(at).as_bytes());
        let (start, end) = (shown(columns.start), shown(columns.end));
        Refusal::new(RejectReason::EmptyTime, format!("`end` {end} lies before `start` {start}"))
    })
}

/// The key, in its own realm, else the row's, else the option's.
fn key(inside: &str, realm: &str, default: &Realm) -> Result<BindingKey, Refusal> {
    if inside.is_empty() {
        return Err(Refusal::new(RejectReason::NoAddress, "`inside` is empty"));
    }
    let key: BindingKey = inside.parse().map_err(|e: super::ParseBindingKeyError| {
        let text = if inside.len() > 200 { excerpt(inside.as_bytes()) } else { e.to_string() };
        Refusal::new(RejectReason::BadValue, text)
    })?;
    let row = Realm::new(realm);
    match &key {
        BindingKey::V4 { realm: own, .. } if !own.is_empty() && !row.is_empty() && *own != row => {
            let text =
                format!("`{}` and column `realm` name two realms", excerpt(inside.as_bytes()));
            Err(Refusal::new(RejectReason::TwoValues, text))
        }
        _ => Ok(key.in_realm(&row).in_realm(default)),
    }
}

fn written(text: &str, zone: Option<&Zone>) -> Result<Option<WrittenTime>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 200 {
        return Err(Refusal::new(RejectReason::BadValue, excerpt(text.as_bytes())));
    }
    WrittenTime::parse(text, zone).map(Some).map_err(|e| {
        let reason = match e {
            ParseTimeError::NoZone(_) => RejectReason::NoZone,
            _ => RejectReason::BadValue,
        };
        Refusal::new(reason, e.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::{Began, Ended};
    use crate::identity::Reject;

    const HEADER: &str = "inside,subscriber,start,end\n";

    fn read(text: &str, options: CsvOptions) -> Vec<Result<Binding, Reject>> {
        CsvReader::new(text.as_bytes(), options).unwrap().map(Result::unwrap).collect()
    }

    fn one(row: &str) -> Result<Binding, RejectReason> {
        let mut rows = read(&format!("{HEADER}{row}\n"), CsvOptions::default());
        assert_eq!(rows.len(), 1);
        rows.remove(0).map_err(|reject| reject.reason)
    }

    #[test]
    fn ranges_are_those_of_written_times() {
        for (times, outer, inner) in [
            ("@10,@20", "@10/@21", Some("@11/@20")),
            ("@10.5,@20.25", "@10.5/@20.26", Some("@10.6/@20.25")),
            ("1970-01-01T00:00:10Z,", "@10/", Some("@11/")),
            (",@20", "/@21", Some("/@20")),
            (",", "/", Some("/")),
            ("@10,@10", "@10/@11", None),
        ] {
            let binding = one(&format!("10.0.0.1,ann,{times}")).unwrap();
            assert_eq!(binding.outer, outer.parse().unwrap(), "{times}");
            assert_eq!(binding.inner, inner.map(|r| r.parse().unwrap()), "{times}");
            let (start, end) = times.split_once(',').unwrap();
            assert_eq!(binding.began == Began::Assumed, start.is_empty());
            assert_eq!(binding.ended == Ended::Open, end.is_empty());
        }
    }

    #[test]
    fn columns_by_name_in_any_order() {
        let text = "\u{feff}note, end ,realm,start,subscriber,inside\r\nx,,blue,,\"a, b\",10.0.0.1\r\nx,,,,c,10.0.0.2%red\r\n";
        let rows = read(text, CsvOptions { realm: Realm::new("main"), ..CsvOptions::default() });
        let shown: Vec<String> = rows
            .into_iter()
            .map(|row| row.map(|b| format!("{} {}", b.key, b.subscriber)).unwrap())
            .collect();
        assert_eq!(shown, ["10.0.0.1%blue a, b", "10.0.0.2%red c"]);
    }

    #[test]
    fn the_option_names_the_realm_where_nothing_else_does() {
        let options = CsvOptions { realm: Realm::new("main"), ..CsvOptions::default() };
        let rows = read(&format!("{HEADER}10.0.0.1,a,,\n::1,b,,\n"), options);
        let keys: Vec<String> = rows.into_iter().map(|r| r.unwrap().key.to_string()).collect();
        assert_eq!(keys, ["10.0.0.1%main", "::1"]);
    }

    #[test]
    fn rows_that_cannot_be_used_are_rejected_by_reason() {
        for (row, reason) in [
            ("10.0.0.1,ann,@20,@10", RejectReason::EmptyTime),
            ("10.0.0.1,,@10,@20", RejectReason::NoSubscriber),
            (",ann,@10,@20", RejectReason::NoAddress),
            ("10.0.0.1/8,ann,@10,@20", RejectReason::BadValue),
            ("10.0.0.1,ann,yesterday,", RejectReason::BadValue),
            ("10.0.0.1,ann,2026-11-02T03:04:05,", RejectReason::NoZone),
            ("10.0.0.1,ann,@10", RejectReason::BadLine),
            ("10.0.0.1,ann,@10,@20,", RejectReason::BadLine),
            ("\"10.0.0.1,ann,@10,@20", RejectReason::BadLine),
        ] {
            assert_eq!(one(row), Err(reason), "{row}");
        }
        let text = "inside,subscriber,start,end,realm\n10.0.0.1%red,ann,,,blue\n";
        let rows = read(text, CsvOptions::default());
        assert_eq!(rows[0].as_ref().unwrap_err().reason, RejectReason::TwoValues);
    }

    #[test]
    fn a_zone_of_the_caller_applies_where_the_text_has_none() {
        let zone = Some("Asia/Tokyo".parse().unwrap());
        let text = format!("{HEADER}10.0.0.1,ann,1970-01-01T09:00:05,1970-01-01T00:00:07Z\n");
        let rows = read(&text, CsvOptions { zone, ..CsvOptions::default() });
        assert_eq!(rows[0].as_ref().unwrap().outer, "@5/@8".parse().unwrap());
    }

    #[test]
    fn rows_keep_their_places() {
        let text = format!("{HEADER}\n10.0.0.1,ann,,\r\nbad,x,,\r\n10.0.0.2,bob,,");
        let rows = read(&text, CsvOptions { source: SourceId(7), ..CsvOptions::default() });
        let cut = |span: Span| {
            let from = usize::try_from(span.offset).unwrap();
            &text[from..from + span.length as usize]
        };
        let origin = rows[0].as_ref().unwrap().origin;
        assert_eq!(origin.source, SourceId(7));
        assert_eq!(cut(origin.start.unwrap()), "10.0.0.1,ann,,");
        let reject = rows[1].as_ref().unwrap_err();
        assert_eq!((cut(reject.span), reject.line), ("bad,x,,", 4));
        assert_eq!(cut(rows[2].as_ref().unwrap().origin.start.unwrap()), "10.0.0.2,bob,,");
    }

    #[test]
    fn a_header_must_name_all_columns_once() {
        for bad in [
            "",
            "\n",
            "inside,subscriber,start\n",
            "inside,subscriber,start,end,end\n",
            "10.0.0.1,ann,@1,@2\n",
            "\"inside,subscriber,start,end\n",
        ] {
            let read = CsvReader::new(bad.as_bytes(), CsvOptions::default());
            assert!(matches!(read, Err(IdentityError::Header(_))), "{bad}");
        }
    }
}
