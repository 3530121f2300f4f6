//! One call for every format of bindings and accounting.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use super::accounting::{AccountingRecord, AccountingStatus};
use super::binding::Binding;
use super::csv::{CsvOptions, CsvReader};
use super::lines::ReadLimits;
use super::radius_detail::DetailReader;
use super::radius_record::DetailOptions;
use super::reject::{Reject, RejectReason};
use crate::allocation::SourceId;
use crate::inside::Realm;
use crate::time::Zone;

/// A format of bindings or accounting.
///
/// ```
/// use portledger::identity::IdentityFormat;
/// assert_eq!("radius-detail".parse(), Ok(IdentityFormat::RadiusDetail));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IdentityFormat {
    /// Bindings as CSV, see [`CsvReader`].
    Csv,
    /// A FreeRADIUS `detail` file, see [`DetailReader`].
    RadiusDetail,
}

impl IdentityFormat {
    /// Every format.
    pub const ALL: [IdentityFormat; 2] = [IdentityFormat::Csv, IdentityFormat::RadiusDetail];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            IdentityFormat::Csv => "csv",
            IdentityFormat::RadiusDetail => "radius-detail",
        }
    }
}

impl fmt::Display for IdentityFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no subscriber format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no subscriber format: write csv or radius-detail")]
pub struct ParseIdentityFormatError(String);

impl FromStr for IdentityFormat {
    type Err = ParseIdentityFormatError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        IdentityFormat::ALL
            .into_iter()
            .find(|format| format.name() == s)
            .ok_or_else(|| ParseIdentityFormatError(s.to_owned()))
    }
}

/// How a file is read, whatever its format.
#[derive(Clone, Debug, Default)]
pub struct IdentityOptions {
    /// The number of the file, for the bindings' origin.
    pub source: SourceId,
    /// The realm of IPv4 addresses that name none.
    pub realm: Realm,
    /// The zone of times that carry none that can be known.
    pub zone: Option<Zone>,
    /// The attribute that names the subscriber in accounting; User-Name by default.
    pub id_attribute: Option<String>,
    /// How much is held in memory.
    pub limits: ReadLimits,
}

/// A file of bindings or accounting could not be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The stream failed.
    #[error("cannot read the file")]
    Io(#[from] io::Error),
    /// The first row does not name the columns.
    #[error("header row: {0}; expected inside,subscriber,start,end and perhaps realm")]
    Header(String),
}

/// What a file was, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityCounts {
    /// Records or rows: those yielded and those rejected.
    pub records: u64,
    /// Those rejected, by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// Records yielded that name no subscriber; they name nobody but end what others held.
    pub without_subscriber: u64,
    /// Records yielded that name no address; they say only that a session goes on or has ended.
    pub without_address: u64,
}

impl IdentityCounts {
    /// All that were rejected.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// A file of bindings or accounting, read to its end.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IdentityFile {
    /// Bindings that the file states as they are.
    pub bindings: Vec<Binding>,
    /// Accounting records, for [`bindings_from`](super::bindings_from) together with those of other files.
    pub records: Vec<AccountingRecord>,
    /// The first rejects, up to [`ReadLimits::kept_rejects`]; `counts` has them all.
    pub rejects: Vec<Reject>,
    /// What there was.
    pub counts: IdentityCounts,
}

/// Reads a whole file of the format.
///
/// # Errors
///
/// [`IdentityError::Io`] where the stream fails, [`IdentityError::Header`] where a CSV lacks a column. Records that
/// cannot be used are no errors but [`Reject`]s.
pub fn read_identity(
    format: IdentityFormat,
    options: &IdentityOptions,
    reader: impl Read,
) -> Result<IdentityFile, IdentityError> {
    let (realm, zone) = (options.realm.clone(), options.zone.clone());
    let limits = options.limits;
    let mut file = IdentityFile::default();
    match format {
        IdentityFormat::Csv => {
            let options = CsvOptions { source: options.source, realm, zone, limits };
            for row in CsvReader::new(reader, options)? {
                file.counts.records += 1;
                match row? {
                    Ok(binding) => file.bindings.push(binding),
                    Err(reject) => file.reject(reject, limits),
                }
            }
        }
        IdentityFormat::RadiusDetail => {
            let id_attribute = options.id_attribute.clone();
            let options = DetailOptions { id_attribute, realm, zone, limits };
            for record in DetailReader::new(reader, options) {
                file.counts.records += 1;
                match record? {
                    Ok(record) => file.take(record),
                    Err(reject) => file.reject(reject, limits),
                }
            }
        }
    }
    Ok(file)
}

impl IdentityFile {
    fn take(&mut self, record: AccountingRecord) {
        if !matches!(record.status, AccountingStatus::On | AccountingStatus::Off) {
            self.counts.without_subscriber += u64::from(record.subscriber.is_none());
            self.counts.without_address += u64::from(record.keys.is_empty());
        }
        self.records.push(record);
    }

    fn reject(&mut self, reject: Reject, limits: ReadLimits) {
        *self.counts.rejected.entry(reject.reason).or_default() += 1;
        if self.rejects.len() < limits.kept_rejects {
            self.rejects.push(reject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_inverse_names() {
        for format in IdentityFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "CSV".parse::<IdentityFormat>().unwrap_err();
        assert_eq!(error.to_string(), "`CSV` is no subscriber format: write csv or radius-detail");
    }

    #[test]
    fn everything_is_counted_though_not_every_reject_is_kept() {
        let mut text = "inside,subscriber,start,end\n".to_owned();
        text.push_str("10.0.0.1,ann,,\n");
        text.push_str(&"x,ann,,\n".repeat(5));
        text.push_str("10.0.0.1,,,\n");
        let limits = ReadLimits { kept_rejects: 2, ..ReadLimits::default() };
        let options = IdentityOptions { limits, ..IdentityOptions::default() };
        let file = read_identity(IdentityFormat::Csv, &options, text.as_bytes()).unwrap();
        assert_eq!((file.bindings.len(), file.rejects.len()), (1, 2));
        assert_eq!((file.counts.records, file.counts.rejected_total()), (7, 6));
        assert_eq!(file.counts.rejected[&RejectReason::BadValue], 5);
        assert_eq!(
            file.rejects[0].to_string(),
            "line 3, byte 43: bad-value: `x` is no inside address, prefix or name: write 100.64.0.10, 100.64.0.0/24 (with %REALM where it has one), 2001:db8::/56 or name:NAME"
        );
    }

    #[test]
    fn records_without_name_or_address_are_yielded_and_counted() {
        let text = "x\n\tAcct-Status-Type = Stop\n\tAcct-Session-Id = 1\n\tTimestamp = 5\n\n\
                    x\n\tAcct-Status-Type = Accounting-On\n\tTimestamp = 5\n\n";
        let options = IdentityOptions::default();
        let file = read_identity(IdentityFormat::RadiusDetail, &options, text.as_bytes()).unwrap();
        assert_eq!(file.records.len(), 2);
        assert_eq!((file.counts.without_subscriber, file.counts.without_address), (1, 1));
    }
}
