//! Our own CSV: a header row, then one event or finished allocation a row (RFC 4180).
//!
//! Columns come by name, in any order; all but those that a row cannot do without may be missing or empty. Fields
//! that hold commas, quotes or line breaks stand in quotes, and a quote inside them is doubled. Any other quote spoils
//! its line, and reading goes on at the next one: a stray quote must not swallow the rows up to the next. Lines that
//! begin with `#` are comments. The columns and their values are those of [`super::ndjson`]; the table is in [`crate::natlog`].
//!
//! A header with a column that is not known, or that comes twice, refuses the whole file: a misspelt `dport` that is
//! read as "not recorded" would widen every answer in silence. The header and each row after it are then rejected for
//! that reason, and [`RejectReason::advice`] lists the columns. A [`ColumnMap`](super::ColumnMap) says what the columns
//! of somebody else's file are, where there is no header row, and what parts the fields.

use std::io;

use ::csv::{ByteRecord, Terminator};

use super::columns::Bound;
use super::fields::{self, Key};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions, column};
use super::{Event, RejectReason};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "csv",
    title: "our own, with a header row",
    status: Status::Own,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "as written",
    source: "this crate",
    cut: Cut::Rows,
    parser: |options| Box::new(CsvParser::new(options)),
};

/// A parser of rows; the first one that is not blank and no comment is the header.
#[derive(Debug)]
pub struct CsvParser {
    options: ReaderOptions,
    rows: Rows,
    record: ByteRecord,
    header: Header,
    /// The values of a row as ours, by key, where a map translates them.
    texts: Vec<String>,
}

#[derive(Debug)]
enum Header {
    Awaited,
    Columns(Vec<Bound>),
    Refused(RejectReason),
}

impl CsvParser {
    /// A parser that has not seen its header.
    pub fn new(options: ReaderOptions) -> CsvParser {
        let header = match options.columns() {
            Some(map) if !map.has_header() => Header::Columns(map.by_place()),
            _ => Header::Awaited,
        };
        let rows = Rows::new(delimiter(&options));
        let texts = vec![String::new(); if options.columns().is_some() { Key::COUNT } else { 0 }];
        CsvParser { options, rows, record: ByteRecord::new(), header, texts }
    }

    /// Writes the values of a row into `texts`; the field to blame is counted from 0.
    fn translate(&mut self, columns: &[Bound]) -> Result<(), (RejectReason, usize)> {
        let Some(map) = self.options.columns() else { return Ok(()) };
        self.texts.iter_mut().for_each(String::clear);
        for (key, value) in map.constants() {
            if let Some(text) = self.texts.get_mut(key as usize) {
                text.push_str(value);
            }
        }
        for (i, (bound, field)) in columns.iter().zip(&self.record).enumerate() {
            let text = bound.key.and_then(|key| self.texts.get_mut(key as usize));
            let (Some(text), Ok(field)) = (text, std::str::from_utf8(field)) else { continue };
            map.convert(*bound, field.trim_ascii(), text).map_err(|reason| (reason, i))?;
        }
        Ok(())
    }

    /// Reads the header; the field to blame is counted from 0.
    fn read_header(&mut self) -> Result<Vec<Bound>, (RejectReason, usize)> {
        let mut columns: Vec<Bound> = Vec::with_capacity(self.record.len());
        let map = self.options.columns();
        let name = |field: &'_ [u8]| {
            std::str::from_utf8(field.trim_ascii()).unwrap_or_default().to_owned()
        };
        let names: Vec<String> = self.record.iter().map(name).collect();
        for (i, name) in names.iter().enumerate() {
            let bound = match map {
                Some(map) => map.bound(name),
                None => Key::from_name(name).map(Bound::own),
            };
            let bound = bound.ok_or((RejectReason::UnknownColumn, i))?;
            let is_constant =
                |key| map.is_some_and(|map| map.constants().any(|(constant, _)| constant == key));
            let is_again = |key| columns.iter().any(|c| c.key == Some(key)) || is_constant(key);
            if bound.key.is_some_and(is_again) {
                return Err((RejectReason::RepeatedColumn, i));
            }
            columns.push(bound);
        }
        if map.is_some_and(|map| map.lacks(names.iter().map(String::as_str))) {
            return Err((RejectReason::MissingField, names.len()));
        }
        Ok(columns)
    }
}

impl LineParser for CsvParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        if line.first() == Some(&b'#') {
            return Err((RejectReason::Comment, 1));
        }
        if let Header::Refused(reason) = self.header {
            return Err((reason, 1));
        }
        if let Err(err) = std::str::from_utf8(line) {
            return Err((RejectReason::NotUtf8, column(err.valid_up_to())));
        }
        let delimiter = delimiter(&self.options);
        let mut scan = RowScan::new(delimiter);
        scan.feed(line);
        if scan.is_open() || scan.is_bad() || !self.rows.split(line, &mut self.record) {
            return Err((RejectReason::BadQuote, column(line.len())));
        }
        let place_of = |field| field_column(line, field, delimiter);
        let header = std::mem::replace(&mut self.header, Header::Awaited);
        let Header::Columns(columns) = header else {
            return Err(match self.read_header() {
                Ok(columns) => {
                    self.header = Header::Columns(columns);
                    (RejectReason::Header, 1)
                }
                Err((reason, field)) => {
                    self.header = Header::Refused(reason);
                    (reason, place_of(field))
                }
            });
        };
        let result = if self.record.len() == columns.len() {
            self.translate(&columns).and_then(|()| {
                let place = |key| columns.iter().position(|c| c.key == Some(key));
                let get = |key: Key| match self.options.columns() {
                    Some(_) => self.texts.get(key as usize).map(String::as_str),
                    None => std::str::from_utf8(self.record.get(place(key)?)?).ok(),
                };
                fields::fill(get, &self.options, event)
                    .map_err(|(reason, key)| (reason, key.and_then(place).unwrap_or(0)))
            })
        } else {
            Err((RejectReason::FieldCount, self.record.len().min(columns.len())))
        };
        self.header = Header::Columns(columns);
        result.map_err(|(reason, field)| (reason, place_of(field)))
    }

    fn delimiter(&self) -> u8 {
        delimiter(&self.options)
    }
}

fn delimiter(options: &ReaderOptions) -> u8 {
    options.columns().map_or(b',', super::ColumnMap::delimiter)
}

/// The column at which a field starts; past the last field, the end of the line.
fn field_column(line: &[u8], field: usize, delimiter: u8) -> u32 {
    let mut scan = RowScan::new(delimiter);
    let mut left = field;
    for (i, &byte) in line.iter().enumerate() {
        if left == 0 {
            return column(i);
        }
        let was_open = scan.is_open();
        scan.feed(&[byte]);
        if byte == delimiter && !was_open {
            left -= 1;
        }
    }
    column(line.len())
}

/// Follows the quotes of a row, to know which line break ends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowScan {
    place: Place,
    delimiter: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of the field, or half of a doubled quote.
    QuoteInQuoted,
    /// After a CR behind the closing quote: only the line break may follow.
    Ending,
    /// A quote stood where RFC 4180 has none.
    Bad,
}

impl RowScan {
    pub(super) fn new(delimiter: u8) -> RowScan {
        RowScan { place: Place::FieldStart, delimiter }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // What parts fields is read as the comma, and a comma that does not as any other byte.
            let byte = match byte {
                byte if byte == self.delimiter => b',',
                b',' => b'.',
                byte => byte,
            };
            self.place = match (self.place, byte) {
                (Place::Quoted, b'"') => Place::QuoteInQuoted,
                (Place::Quoted, _) | (Place::FieldStart | Place::QuoteInQuoted, b'"') => {
                    Place::Quoted
                }
                (Place::FieldStart | Place::Plain | Place::QuoteInQuoted, b',' | b'\n')
                | (Place::Ending, b'\n') => Place::FieldStart,
                (Place::QuoteInQuoted, b'\r') => Place::Ending,
                (Place::Plain, b'"') | (Place::QuoteInQuoted | Place::Ending | Place::Bad, _) => {
                    Place::Bad
                }
                (Place::FieldStart | Place::Plain, _) => Place::Plain,
            };
        }
    }

    /// Whether a line break here would belong to the row.
    pub(super) fn is_open(self) -> bool {
        self.place == Place::Quoted
    }

    /// Whether a quote made no sense.
    pub(super) fn is_bad(self) -> bool {
        self.place == Place::Bad
    }
}

/// Splits single rows with one CSV reader, whose tables are costly to build.
#[derive(Debug)]
struct Rows {
    reader: ::csv::Reader<Feed>,
    fed: u64,
    delimiter: u8,
}

/// The bytes of one row.
#[derive(Debug, Default)]
struct Feed {
    row: Vec<u8>,
    at: usize,
    /// More was asked for than the row holds.
    is_starved: bool,
}

impl io::Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.row.get(self.at..).unwrap_or_default().read(out)?;
        self.at += n;
        self.is_starved |= n == 0;
        Ok(n)
    }
}

impl Rows {
    fn new(delimiter: u8) -> Rows {
        let reader = ::csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(Feed::default());
        Rows { reader, fed: 0, delimiter }
    }

    /// The fields of a row; false unless the row is exactly one record.
    fn split(&mut self, row: &[u8], record: &mut ByteRecord) -> bool {
        let feed = self.reader.get_mut();
        feed.row.clear();
        feed.row.extend_from_slice(row);
        feed.row.push(b'\n');
        feed.at = 0;
        self.fed += row.len() as u64 + 1;
        let is_read = matches!(self.reader.read_byte_record(record), Ok(true));
        let is_whole = is_read
            && !self.reader.get_ref().is_starved
            && self.reader.position().byte() == self.fed;
        if !is_whole {
            *self = Rows::new(self.delimiter);
        }
        is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rows: &[&str]) -> Vec<Result<Event, (RejectReason, u32)>> {
        let mut parser = CsvParser::new(ReaderOptions::new());
        rows.iter()
            .map(|row| {
                let mut event = Event::default();
                parser.parse_line(row.as_bytes(), &mut event).map(|()| event)
            })
            .collect()
    }

    #[test]
    fn columns_come_by_name_in_any_order() {
        let read = parse(&[
            "\u{feff}port,inside,\"start\", outside,pool,proto",
            "20017,100.64.0.10,2026-11-02T03:04:05Z,203.0.113.1,\"a \"\"b\"\", c\",udp",
        ]);
        assert_eq!(read[0], Err((RejectReason::Header, 1)));
        let event = read[1].as_ref().unwrap();
        assert_eq!(event.pool.as_deref(), Some("a \"b\", c"));
        assert_eq!(event.outside.unwrap().to_string(), "203.0.113.1");
        assert_eq!(event.ports.unwrap().first(), 20_017);
    }

    #[test]
    fn an_unknown_column_refuses_the_whole_file_and_lists_the_known_ones() {
        let read = parse(&["port,dest,outside", "1,2,203.0.113.1", "# note"]);
        assert_eq!(read[0], Err((RejectReason::UnknownColumn, 6)));
        assert_eq!(read[1], Err((RejectReason::UnknownColumn, 1)));
        assert_eq!(read[2], Err((RejectReason::Comment, 1)));
        assert!(RejectReason::UnknownColumn.advice().contains("dport"));
        assert_eq!(parse(&["port,port"])[0], Err((RejectReason::RepeatedColumn, 6)));
    }

    #[test]
    fn the_field_to_blame_is_named_by_its_place() {
        let read = parse(&["start,pool,port", "@1,\"a,b\",x", "@1,a", "@1,a,1,2"]);
        assert_eq!(read[1], Err((RejectReason::BadPort, 10)));
        assert_eq!(read[2], Err((RejectReason::FieldCount, 5)));
        assert_eq!(read[3], Err((RejectReason::FieldCount, 8)));
    }

    #[test]
    fn a_row_goes_on_only_inside_quotes() {
        for (text, is_open, is_bad) in [
            ("a,b", false, false),
            ("a,\"b", true, false),
            ("a,\"b\"", false, false),
            ("a,\"b\"\r", false, false),
            ("a,\"b\"\r,", false, true),
            ("a,\"b\"\"", true, false),
            ("a,b\"c", false, true),
            ("\"a\"b", false, true),
            ("\"a\nb", true, false),
            ("\"a\nb\",", false, false),
        ] {
            let mut scan = RowScan::new(b',');
            scan.feed(text.as_bytes());
            assert_eq!((scan.is_open(), scan.is_bad()), (is_open, is_bad), "{text}");
        }
    }
}
