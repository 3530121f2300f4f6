//! Other people's columns as ours: which column holds what, and how its values are written.

use std::fmt;
use std::str::FromStr;

use super::RejectReason;
use super::fields::Key;

/// How the columns of a CSV, or the members of NDJSON objects, that somebody else made are to be read.
///
/// # Text form
///
/// Items parted by commas or line breaks:
///
/// | item | meaning |
/// |---|---|
/// | `src_ip=inside` | their column `src_ip` is our `inside` |
/// | `ts:ms=time` | the same, as Unix time in `s`, `ms`, `us` or `ns`; otherwise times are written as ours |
/// | `comment=-` | their column `comment` is left out |
/// | `source.nat.ip=outside` | of NDJSON also: the member `ip` of the object `nat` in the object `source` |
/// | `#3=port` | their third column, in a file without header row; every column up to the last one is named so |
/// | `event(add)=session_create` | where our `event` is `add`, it means `session_create` |
/// | `event(hello)=-` | rows with that value are no facts, and in order |
/// | `proto:=udp` | every row has our `proto` `udp` |
/// | `delimiter(;)` | fields are parted by `;`; `tab` and `space` go by name |
///
/// A column of theirs that is called like one of ours needs no item. One that is neither refuses the file, as without
/// a map, and so does a column of the map that the file does not have: what is not read must be left out on purpose.
///
/// ```
/// use portledger::natlog::{ColumnMap, Event, Format, Reader, ReaderOptions};
/// let map: ColumnMap = "src=inside, xlate=outside, xport=port, ts:ms=time, what=event, note=-,
///     event(+)=session_create, event(-)=session_delete, delimiter(;)".parse()?;
/// let log = "ts;what;src;xlate;xport;note\n1795306735123;+;100.64.0.10;203.0.113.7;20017;hello\n";
/// let options = ReaderOptions::new().with_columns(map);
/// let mut reader = Reader::new(Format::Csv, options, log.as_bytes());
/// let mut event = Event::default();
/// assert!(reader.read_event(&mut event)?);
/// assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:55.123Z");
/// assert_eq!(event.ports.unwrap().first(), 20_017);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnMap {
    columns: Vec<Column>,
    values: Vec<Value>,
    constants: Vec<(Key, String)>,
    delimiter: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    theirs: Theirs,
    bound: Bound,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Theirs {
    Name(String),
    /// Counted from 1.
    Place(usize),
}

/// What a column of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// None if it is left out.
    pub(super) key: Option<Key>,
    form: Form,
}

impl Bound {
    /// One of our own columns.
    pub(super) const fn own(key: Key) -> Bound {
        Bound { key: Some(key), form: Form::Own }
    }
}

/// How the times of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Own,
    /// Unix time, counted in units of which so many digits are below the second.
    Epoch {
        digits: usize,
    },
}

const FORMS: [(&str, usize); 4] = [("s", 0), ("ms", 3), ("us", 6), ("ns", 9)];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    key: Key,
    theirs: String,
    /// None if such rows are no facts.
    ours: Option<String>,
}

/// A text is no column map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseColumnMapError {
    /// An item of no known form.
    #[error(
        "`{0}` says nothing of a column: write THEIRS=OURS, THEIRS=-, OURS(VALUE)=VALUE or OURS:=VALUE"
    )]
    Item(String),
    /// A key that is none of ours.
    #[error("`{0}` is none of our columns: they are {list}", list = names())]
    Key(String),
    /// A form of time on something that is no time, or one that does not exist.
    #[error("`{0}` cannot be: s, ms, us and ns are forms of time, start, stop and end")]
    Form(String),
    /// A column or value that is named twice.
    #[error("`{0}` comes twice")]
    Twice(String),
    /// Places and names together, or places with gaps.
    #[error("columns go by name, or all of them by place from #1 on; `{0}` does not fit")]
    Place(String),
    /// A delimiter that is not one byte, or that rows are made of.
    #[error("`{0}` parts no fields: name one character, tab or space")]
    Delimiter(String),
}

fn names() -> String {
    Key::ALL.iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")
}

impl ColumnMap {
    /// What parts the fields of a row.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Whether the first row names the columns.
    pub fn has_header(&self) -> bool {
        !self.columns.iter().any(|c| matches!(c.theirs, Theirs::Place(_)))
    }

    /// What the columns of a file without header are.
    pub(super) fn by_place(&self) -> Vec<Bound> {
        let mut columns: Vec<&Column> = self.columns.iter().collect();
        columns.sort_by_key(|c| match c.theirs {
            Theirs::Place(place) => place,
            Theirs::Name(_) => usize::MAX,
        });
        columns.into_iter().map(|c| c.bound).collect()
    }

    /// What the column of that name is: as the map says, else one of ours.
    pub(super) fn bound(&self, name: &str) -> Option<Bound> {
        let mapped =
            self.columns.iter().find(|c| matches!(&c.theirs, Theirs::Name(n) if n == name));
        mapped.map(|c| c.bound).or_else(|| Key::from_name(name).map(Bound::own))
    }

    /// A column of the map that is none of these.
    pub(super) fn lacks<'h>(&self, mut names: impl Iterator<Item = &'h str> + Clone) -> bool {
        self.columns.iter().any(|c| match &c.theirs {
            Theirs::Name(name) => !names.clone().any(|n| n == name),
            Theirs::Place(_) => names.next().is_none(),
        })
    }

    /// Whether items name members of the object of that name, and none the object itself.
    pub(super) fn names_within(&self, name: &str) -> bool {
        let behind = |column: &'_ Column| match &column.theirs {
            Theirs::Name(theirs) => theirs.strip_prefix(name).map(|rest| rest.chars().next()),
            Theirs::Place(_) => None,
        };
        let is_any = |next: Option<char>| self.columns.iter().any(|c| behind(c) == Some(next));
        is_any(Some('.')) && !is_any(None)
    }

    /// The values that every row has.
    pub(super) fn constants(&self) -> impl Iterator<Item = (Key, &str)> {
        self.constants.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// Writes a value as our formats write it.
    pub(super) fn convert(
        &self,
        bound: Bound,
        theirs: &str,
        ours: &mut String,
    ) -> Result<(), RejectReason> {
        ours.clear();
        if theirs.is_empty() {
            return Ok(());
        }
        let mapped = self.values.iter().find(|v| Some(v.key) == bound.key && v.theirs == theirs);
        match (mapped, bound.form) {
            (Some(Value { ours: Some(value), .. }), _) => ours.push_str(value),
            (Some(Value { ours: None, .. }), _) => return Err(RejectReason::OtherEvent),
            (None, Form::Own) => ours.push_str(theirs),
            (None, Form::Epoch { digits }) => epoch(theirs, digits, ours)?,
        }
        Ok(())
    }
}

/// Unix time in some unit, as `@seconds` with as many digits as the unit has.
fn epoch(text: &str, digits: usize, out: &mut String) -> Result<(), RejectReason> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if digits == 0 => (whole, Some(fraction)),
        Some(_) => return Err(RejectReason::BadTime),
        None => (text, None),
    };
    let are_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || fraction.is_some_and(|f| !are_digits(f)) {
        return Err(RejectReason::BadTime);
    }
    let (second, below) = whole.split_at(whole.len().saturating_sub(digits));
    out.push('@');
    out.push_str(if second.is_empty() { "0" } else { second });
    match (fraction, digits) {
        (Some(fraction), _) => {
            out.push('.');
            out.push_str(fraction);
        }
        (None, 0) => {}
        (None, _) => {
            out.push('.');
            (below.len()..digits).for_each(|_| out.push('0'));
            out.push_str(below);
        }
    }
    Ok(())
}

impl FromStr for ColumnMap {
    type Err = ParseColumnMapError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let mut map = ColumnMap {
            columns: Vec::new(),
            values: Vec::new(),
            constants: Vec::new(),
            delimiter: b',',
        };
        for item in s.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty()) {
            map.add(item)?;
        }
        map.check()?;
        Ok(map)
    }
}

impl ColumnMap {
    fn add(&mut self, item: &str) -> Result<(), ParseColumnMapError> {
        let bad = || ParseColumnMapError::Item(item.to_owned());
        let twice = || ParseColumnMapError::Twice(item.to_owned());
        if let Some(name) = item.strip_prefix("delimiter(").and_then(|d| d.strip_suffix(')')) {
            self.delimiter = delimiter(name)?;
            return Ok(());
        }
        if let Some((key, value)) = item.split_once(":=") {
            let key = key_of(key.trim())?;
            if self.constants.iter().any(|(other, _)| *other == key) {
                return Err(twice());
            }
            self.constants.push((key, value.trim().to_owned()));
            return Ok(());
        }
        let (left, right) = item.rsplit_once('=').ok_or_else(bad)?;
        let (left, right) = (left.trim(), right.trim());
        if left.is_empty() || right.is_empty() {
            return Err(bad());
        }
        if let Some((key, theirs)) = left.strip_suffix(')').and_then(|l| l.split_once('(')) {
            let key = key_of(key.trim())?;
            if self.values.iter().any(|v| v.key == key && v.theirs == theirs) {
                return Err(twice());
            }
            let ours = (right != "-").then(|| right.to_owned());
            self.values.push(Value { key, theirs: theirs.to_owned(), ours });
            return Ok(());
        }
        // `-=extra` says the same as `extra=-`.
        let (theirs, ours) = if left == "-" { (right, left) } else { (left, right) };
        let (theirs, form) = match theirs.rsplit_once(':') {
            Some((name, form)) if ours != "-" => {
                let form = FORMS.iter().find(|(name, _)| *name == form);
                let (_, digits) = form.ok_or_else(|| ParseColumnMapError::Form(item.to_owned()))?;
                (name, Form::Epoch { digits: *digits })
            }
            _ => (theirs, Form::Own),
        };
        let key = if ours == "-" { None } else { Some(key_of(ours)?) };
        let is_time = matches!(key, Some(Key::Time | Key::Start | Key::Stop | Key::End));
        if form != Form::Own && !is_time {
            return Err(ParseColumnMapError::Form(item.to_owned()));
        }
        let theirs = match theirs.strip_prefix('#').map(str::parse) {
            Some(Ok(place)) if place > 0 => Theirs::Place(place),
            Some(_) => return Err(ParseColumnMapError::Place(item.to_owned())),
            None => Theirs::Name(theirs.to_owned()),
        };
        if self.columns.iter().any(|c| c.theirs == theirs) {
            return Err(twice());
        }
        if key.is_some() && self.columns.iter().any(|c| c.bound.key == key) {
            return Err(twice());
        }
        self.columns.push(Column { theirs, bound: Bound { key, form } });
        Ok(())
    }

    /// Places are either all there is, without gaps, or none.
    fn check(&self) -> Result<(), ParseColumnMapError> {
        if let Some((key, _)) = self
            .constants
            .iter()
            .find(|(key, _)| self.columns.iter().any(|c| c.bound.key == Some(*key)))
        {
            return Err(ParseColumnMapError::Twice(key.name().to_owned()));
        }
        if self.has_header() {
            return Ok(());
        }
        for column in &self.columns {
            match &column.theirs {
                Theirs::Name(name) => return Err(ParseColumnMapError::Place(name.clone())),
                Theirs::Place(place) if *place > self.columns.len() => {
                    return Err(ParseColumnMapError::Place(format!("#{place}")));
                }
                Theirs::Place(_) => {}
            }
        }
        Ok(())
    }
}

fn key_of(name: &str) -> Result<Key, ParseColumnMapError> {
    Key::from_name(name).ok_or_else(|| ParseColumnMapError::Key(name.to_owned()))
}

fn delimiter(name: &str) -> Result<u8, ParseColumnMapError> {
    match (name, name.as_bytes()) {
        ("tab", _) => Ok(b'\t'),
        ("space", _) => Ok(b' '),
        ("", _) => Ok(b','),
        (_, [byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ => Err(ParseColumnMapError::Delimiter(name.to_owned())),
    }
}

impl fmt::Display for ColumnMap {
    /// The text form, one item after the other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.delimiter {
            b',' => write!(f, "delimiter()")?,
            b'\t' => write!(f, "delimiter(tab)")?,
            b' ' => write!(f, "delimiter(space)")?,
            byte => write!(f, "delimiter({})", char::from(byte))?,
        }
        for Column { theirs, bound } in &self.columns {
            f.write_str(",")?;
            match theirs {
                Theirs::Name(name) => f.write_str(name)?,
                Theirs::Place(place) => write!(f, "#{place}")?,
            }
            if let Form::Epoch { digits } = bound.form {
                let form = FORMS.iter().find(|(_, d)| *d == digits).map_or("", |(name, _)| name);
                write!(f, ":{form}")?;
            }
            write!(f, "={}", bound.key.map_or("-", Key::name))?;
        }
        for value in &self.values {
            let ours = value.ours.as_deref().unwrap_or("-");
            write!(f, ",{}({})={ours}", value.key.name(), value.theirs)?;
        }
        self.constants.iter().try_for_each(|(key, value)| write!(f, ",{}:={value}", key.name()))
    }
}

#[cfg(test)]
mod tests;
