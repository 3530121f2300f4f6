//! Binding tables as CSV, the form that has lifetimes.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::TextPosition;
use super::read::{decimal, port_params, short, short_bytes};
use super::{BadBinding, BindingLimits, BindingReadError, BindingTable, LwB4, Softwire};
use crate::time::{TimeRange, Timestamp, WrittenTime, Zone};

const COLUMNS: [&str; 8] = ["ipv4", "psid_offset", "psid_len", "psid", "b4", "br", "from", "until"];
const KNOWN: &str = "ipv4, psid_offset, psid_len, psid, b4, br, from, until";

/// One field and where it stands.
#[derive(Clone, Copy)]
struct Field<'a> {
    at: TextPosition,
    text: &'a str,
}

/// Reads a binding table with lifetimes.
///
/// ```csv
/// ipv4,psid_offset,psid_len,psid,b4,br,from,until
/// 192.0.2.1,0,8,52,2001:db8::1,2001:db8:1::2,2026-11-02T03:04:05Z,
/// ```
///
/// The header names the columns, in any order; all are needed but `br`, `from` and `until`. PSIDs are right-aligned;
/// with a `psid_len` of 0 `psid` may be empty. `from` and `until` are instants, RFC 3339 or `@seconds`, the lifetime is
/// `[from, until)`; an empty one is open. A time without offset needs `zone`.
///
/// ```
/// use portledger::mapping::lw4o6::{BindingLimits, read_bindings_csv};
/// let file = b"b4,ipv4,psid_offset,psid_len,psid,from,until\n2001:db8::1,192.0.2.1,0,8,52,@100,@200\n";
/// let table = read_bindings_csv(file, BindingLimits::default(), None)?;
/// assert_eq!(table.rows()[0].ports().to_string(), "13312-13567");
/// # Ok::<(), portledger::mapping::lw4o6::BindingReadError>(())
/// ```
///
/// # Errors
///
/// [`BindingReadError`] with line and column; one bad row refuses the file.
pub fn read_bindings_csv(
    bytes: &[u8],
    limits: BindingLimits,
    zone: Option<&Zone>,
) -> Result<BindingTable, BindingReadError> {
    limits.check_bytes(bytes)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut columns: Option<Vec<&'static str>> = None;
    let mut rows = Vec::new();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line = std::str::from_utf8(line).map_err(|e| {
            let found = format!("`{}`", short_bytes(line));
            let at = TextPosition { line: i + 1, column: e.valid_up_to() + 1 };
            at.bad(BadBinding::Unexpected { found, expected: "UTF-8 text" })
        })?;
        match &columns {
            None => columns = Some(header(i + 1, line)?),
            Some(columns) => {
                limits.check_rows(rows.len())?;
                rows.push(row(i + 1, line, columns, zone)?);
            }
        }
    }
    if columns.is_none() {
        let advice = "write the header `ipv4,psid_offset,psid_len,psid,b4,br,from,until`";
        return Err(BindingReadError::NoTable { advice });
    }
    Ok(BindingTable::new(rows))
}

/// Writes a table so that [`read_bindings_csv`] reads the same one; times as `@seconds`.
///
/// ```
/// use portledger::mapping::lw4o6::{BindingLimits, BindingTable, read_bindings_csv, write_bindings_csv};
/// let text = write_bindings_csv(&BindingTable::default());
/// assert_eq!(read_bindings_csv(text.as_bytes(), BindingLimits::default(), None), Ok(BindingTable::default()));
/// ```
pub fn write_bindings_csv(table: &BindingTable) -> String {
    let mut out = format!("{}\n", COLUMNS.join(","));
    for row in table.rows() {
        let (params, lifetime) = (row.psid_params(), row.lifetime());
        let br = row.br().map(|br| br.to_string()).unwrap_or_default();
        let open = |at: Timestamp, is_open| if is_open { String::new() } else { at.to_string() };
        let from = open(lifetime.start(), lifetime.start() == Timestamp::MIN);
        let until = open(lifetime.end(), lifetime.end() == Timestamp::MAX);
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{},{},{},{},{},{br},{from},{until}",
            row.ipv4(),
            params.offset(),
            params.len(),
            row.psid(),
            row.b4()
        );
    }
    out
}

/// The fields of a line; a field may stand in double quotes, and never holds a comma.
fn fields(line: usize, text: &str) -> impl Iterator<Item = Field<'_>> {
    let mut column = 1;
    text.split(',').map(move |raw| {
        let at = TextPosition { line, column };
        column += raw.len() + 1;
        let text = raw.trim();
        let quoted = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        Field { at, text: quoted.unwrap_or(text) }
    })
}

fn header(line: usize, text: &str) -> Result<Vec<&'static str>, BindingReadError> {
    let mut columns = Vec::new();
    for field in fields(line, text) {
        let Some(column) = COLUMNS.into_iter().find(|column| *column == field.text) else {
            let found = short(field.text);
            return Err(field.at.bad(BadBinding::Unknown { found, known: KNOWN }));
        };
        if columns.contains(&column) {
            return Err(field.at.bad(BadBinding::Twice { field: column }));
        }
        columns.push(column);
    }
    let needed = COLUMNS.into_iter().filter(|c| !matches!(*c, "br" | "from" | "until"));
    for field in needed {
        if !columns.contains(&field) {
            let at = TextPosition { line, column: 1 };
            return Err(at.bad(BadBinding::Missing { field }));
        }
    }
    Ok(columns)
}

fn row(
    line: usize,
    text: &str,
    columns: &[&'static str],
    zone: Option<&Zone>,
) -> Result<Softwire, BindingReadError> {
    let start = TextPosition { line, column: 1 };
    let found: Vec<Field<'_>> = fields(line, text).take(columns.len() + 1).collect();
    if found.len() != columns.len() {
        let found = format!("`{}`", short(text));
        let expected = "a row with as many fields as the header";
        return Err(start.bad(BadBinding::Unexpected { found, expected }));
    }
    let get = |name: &str| {
        let place = columns.iter().position(|column| *column == name);
        place.and_then(|i| found.get(i)).copied().unwrap_or(Field { at: start, text: "" })
    };
    let value = |field: &'static str, expected: &'static str| {
        let Field { at, text } = get(field);
        at.bad(BadBinding::Value { field, found: short(text), expected })
    };
    let bits = |field: &'static str| {
        decimal::<u8>(get(field).text).ok_or_else(|| value(field, "a number of bits from 0 to 16"))
    };
    let (offset, len) = (bits("psid_offset")?, bits("psid_len")?);
    let params = port_params(offset, len).map_err(|bad| get("psid_len").at.bad(bad))?;
    let psid = match get("psid").text {
        "" if len == 0 => 0,
        text => decimal(text).ok_or_else(|| value("psid", "a number from 0 to 65535"))?,
    };
    let ipv4: Ipv4Addr = get("ipv4").text.parse().map_err(|_| value("ipv4", "an IPv4 address"))?;
    let b4: LwB4 = get("b4").text.parse().map_err(|_| value("b4", "an IPv6 address or prefix"))?;
    let softwire = Softwire::new(ipv4, params, psid, b4)
        .map_err(|e| get("psid").at.bad(BadBinding::Softwire(e)))?;

    let time = |field: &'static str, open: Timestamp| {
        let Field { at, text } = get(field);
        if text.is_empty() {
            return Ok(open);
        }
        if text.len() > 100 {
            return Err(value(field, "RFC 3339 with offset, or @seconds"));
        }
        let written = WrittenTime::parse(text, zone).map_err(|e| at.bad(e.into()))?;
        Ok(written.start())
    };
    let (from, until) = (time("from", Timestamp::MIN)?, time("until", Timestamp::MAX)?);
    let lifetime = TimeRange::new(from, until).map_err(|e| get("until").at.bad(e.into()))?;
    let softwire = softwire.with_lifetime(lifetime);
    Ok(match get("br").text {
        "" => softwire,
        text => softwire.with_br(
            text.parse::<Ipv6Addr>().map_err(|_| value("br", "an IPv6 address, or nothing"))?,
        ),
    })
}
