//! Questions as CSV: a header row, columns by name in any order.

use std::io::Read;
use std::net::Ipv4Addr;

use csv::{ReaderBuilder, StringRecord};

use crate::allocation::Destination;
use crate::port::parse_port;
use crate::protocol::Protocol;
use crate::resolver::Inquiry;
use crate::time::{Tolerance, WrittenTime, Zone};

/// What holds for rows that do not say it themselves.
#[derive(Clone, Debug, Default)]
pub struct InquiryDefaults {
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// The destinations, any one of them.
    pub to: Vec<Destination>,
    /// The tolerance.
    pub tolerance: Tolerance,
    /// The zone of times without one.
    pub zone: Option<Zone>,
}

/// One row: its id, and the question or why it is none.
#[derive(Clone, Debug)]
pub struct InquiryRow {
    /// The `id` column; the row's number from 1 where there is none.
    pub id: String,
    /// The question.
    pub inquiry: Result<Inquiry, String>,
}

/// The table cannot be read as questions at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InquiryError {
    /// The stream failed, or the header is no CSV.
    #[error("cannot read the questions: {0}")]
    Csv(#[from] csv::Error),
    /// A needed column is missing.
    #[error(
        "the header has no column `{0}`: the columns are {COLUMNS}; public_ip and time are needed"
    )]
    Missing(&'static str),
    /// A column that is none of ours.
    #[error("the header has an unknown column `{0}`: the columns are {COLUMNS}")]
    Unknown(String),
    /// A column that stands twice.
    #[error("the header has the column `{0}` twice")]
    Repeated(String),
}

const COLUMNS: &str = "id, public_ip, port, protocol, time, to_ip, to_port, tolerance";
const NAMES: [&str; 8] =
    ["id", "public_ip", "port", "protocol", "time", "to_ip", "to_port", "tolerance"];

/// Reads questions from CSV, row by row.
///
/// The columns are `id, public_ip, port, protocol, time, to_ip, to_port, tolerance`; all but `public_ip` and `time` may
/// be missing or empty. For ICMP, `port` is the outside echo identifier and there is no `to_port`. A row that cannot be
/// read is yielded as such, never left out.
///
/// ```
/// use portledger::inquiry::{CsvInquiries, InquiryDefaults};
/// let table = "public_ip,port,time\n203.0.113.7,40213,2026-11-02T03:04:05Z\n203.0.113.7,x,@1\n";
/// let rows: Vec<_> = CsvInquiries::new(table.as_bytes(), InquiryDefaults::default())?.collect();
/// assert!(rows[0].inquiry.is_ok());
/// assert!(rows[1].inquiry.as_ref().is_err_and(|why| why.contains('x')));
/// # Ok::<(), portledger::inquiry::InquiryError>(())
/// ```
#[derive(Debug)]
pub struct CsvInquiries<R> {
    reader: csv::Reader<R>,
    /// Where each of [`NAMES`] stands.
    columns: [Option<usize>; 8],
    defaults: InquiryDefaults,
    record: StringRecord,
    number: u64,
    ended: bool,
}

impl<R: Read> CsvInquiries<R> {
    /// A reader over a table; reads its header.
    ///
    /// # Errors
    ///
    /// [`InquiryError`] when the header is not one of questions.
    pub fn new(reader: R, defaults: InquiryDefaults) -> Result<Self, InquiryError> {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(reader);
        let mut columns = [None; 8];
        for (at, name) in reader.headers()?.iter().enumerate() {
            let name = name.trim().trim_start_matches('\u{feff}');
            let known = NAMES.iter().position(|n| *n == name);
            let slot = known
                .and_then(|k| columns.get_mut(k))
                .ok_or_else(|| InquiryError::Unknown(name.to_owned()))?;
            if slot.replace(at).is_some() {
                return Err(InquiryError::Repeated(name.to_owned()));
            }
        }
        for (needed, column) in NAMES.iter().zip(columns) {
            if column.is_none() && ["public_ip", "time"].contains(needed) {
                return Err(InquiryError::Missing(needed));
            }
        }
        let record = StringRecord::new();
        Ok(CsvInquiries { reader, columns, defaults, record, number: 0, ended: false })
    }

    fn field(&self, name: &str) -> Option<&str> {
        let known = NAMES.iter().position(|n| *n == name)?;
        let at = (*self.columns.get(known)?)?;
        self.record.get(at).map(str::trim).filter(|text| !text.is_empty())
    }

    fn inquiry(&self) -> Result<Inquiry, String> {
        let columns = self.columns.iter().flatten().count();
        if self.record.len() != columns {
            return Err(format!("the row has {} fields, the header {columns}", self.record.len()));
        }
        let addr = self.field("public_ip").ok_or("public_ip is empty")?;
        let addr: Ipv4Addr =
            addr.parse().map_err(|_| format!("public_ip `{addr}` is not an IPv4 address"))?;
        let time = self.field("time").ok_or("time is empty")?;
        let time =
            WrittenTime::parse(time, self.defaults.zone.as_ref()).map_err(|e| e.to_string())?;
        let mut inquiry = Inquiry::new(addr, time).tolerance(self.defaults.tolerance);
        if let Some(port) = self.field("port") {
            let port = parse_port(port)
                .ok_or_else(|| format!("port `{port}` is not a number from 0 to 65535"))?;
            inquiry = inquiry.port(port);
        }
        let protocol = match self.field("protocol") {
            Some(text) => Some(text.parse::<Protocol>().map_err(|e| e.to_string())?),
            None => self.defaults.protocol,
        };
        if let Some(protocol) = protocol {
            inquiry = inquiry.protocol(protocol);
        }
        if let Some(tolerance) = self.field("tolerance") {
            inquiry = inquiry.tolerance(tolerance.parse().map_err(|e| format!("{e}"))?);
        }
        match (self.field("to_ip"), self.field("to_port")) {
            (Some(ip), port) => {
                let addr =
                    ip.parse().map_err(|_| format!("to_ip `{ip}` is not an IPv4 address"))?;
                let port = match port {
                    Some(text) => Some(parse_port(text).ok_or_else(|| {
                        format!("to_port `{text}` is not a number from 0 to 65535")
                    })?),
                    None => None,
                };
                Ok(inquiry.to(Destination { addr, port }))
            }
            (None, Some(port)) => Err(format!("to_port {port} stands without a to_ip")),
            (None, None) => Ok(self.defaults.to.iter().fold(inquiry, |q, to| q.to(*to))),
        }
    }
}

impl<R: Read> Iterator for CsvInquiries<R> {
    type Item = InquiryRow;

    fn next(&mut self) -> Option<InquiryRow> {
        if self.ended {
            return None;
        }
        self.number += 1;
        let number = self.number.to_string();
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let id = self.field("id").map_or(number, str::to_owned);
                Some(InquiryRow { id, inquiry: self.inquiry() })
            }
            Err(e) => {
                // A stream that fails once fails for ever; a row that is no text does not.
                self.ended = e.is_io_error();
                Some(InquiryRow { id: number, inquiry: Err(format!("unreadable row: {e}")) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: &str) -> Vec<InquiryRow> {
        CsvInquiries::new(table.as_bytes(), InquiryDefaults::default()).unwrap().collect()
    }

    #[test]
    fn columns_come_in_any_order_and_may_be_missing_or_empty() {
        let rows = rows(
            "time,id,to_port,to_ip,public_ip\n@5,a,,192.0.2.1,203.0.113.7\n@5,,80,192.0.2.1,203.0.113.7\n",
        );
        assert_eq!(rows[0].id, "a");
        assert_eq!(rows[1].id, "2");
        assert!(rows.iter().all(|r| r.inquiry.is_ok()));
    }

    #[test]
    fn an_unreadable_row_is_yielded_with_its_reason() {
        let rows = rows(
            "public_ip,port,time\n203.0.113.7,70000,@5\nx,1,@5\n203.0.113.7,1,2026-11-02T03:04:05\n203.0.113.7,1\n203.0.113.7,1,@5\n",
        );
        let errors: Vec<bool> = rows.iter().map(|r| r.inquiry.is_err()).collect();
        assert_eq!(errors, [true, true, true, true, false]);
        let why = rows[2].inquiry.as_ref().unwrap_err();
        assert!(why.contains("zone"), "{why}");
    }

    #[test]
    fn a_header_that_is_none_of_questions_is_refused() {
        let header =
            |h: &str| CsvInquiries::new(h.as_bytes(), InquiryDefaults::default()).map(drop);
        assert!(matches!(header("id,port,time\n"), Err(InquiryError::Missing("public_ip"))));
        assert!(matches!(header("public_ip,when\n"), Err(InquiryError::Unknown(_))));
        assert!(matches!(header("public_ip,time,time\n"), Err(InquiryError::Repeated(_))));
    }

    #[test]
    fn defaults_hold_where_a_row_is_silent() {
        let defaults = InquiryDefaults {
            protocol: Some(Protocol::TCP),
            tolerance: "2s".parse().unwrap(),
            ..InquiryDefaults::default()
        };
        let table = "public_ip,time,tolerance\n203.0.113.7,@10,\n203.0.113.7,@10,1s\n";
        let rows: Vec<_> = CsvInquiries::new(table.as_bytes(), defaults).unwrap().collect();
        let window = |i: usize| rows[i].inquiry.as_ref().unwrap().window().to_string();
        assert_eq!(window(0), "@8.000000/@13.150000");
        assert_eq!(window(1), "@9.000000/@12.150000");
    }
}
