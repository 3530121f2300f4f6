//! What the commands that read NAT logs have in common.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args as ClapArgs;
use portledger::natlog::{Dialect, Format, Template};

use super::{BatchOutput, InLedger};
use portledger::time::TimeDelta;

/// A format by name, or whichever the log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormatChoice {
    Auto,
    Named(Format),
}

impl FromStr for FormatChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(FormatChoice::Auto);
        }
        text.parse().map(FormatChoice::Named).map_err(|e: portledger::natlog::ParseFormatError| {
            format!("{e}; or `auto`; `portledger formats` says what each is")
        })
    }
}

/// A share of records, written in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
        match percent.filter(|n| (0.0..=100.0).contains(n)) {
            Some(percent) => Ok(Share(percent / 100.0)),
            None => Err(format!("`{text}` is no share: write 0% to 100%")),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 * 100.0)
    }
}

/// How the records of a log are to be read.
#[derive(Debug, ClapArgs)]
pub(crate) struct LogArgs {
    /// A name that `portledger formats` lists, or `auto`: whichever fits the beginning of the log
    #[arg(long)]
    pub(crate) format: FormatChoice,
    /// The realm (VRF, NAT instance) of inside addresses without one
    #[arg(long, value_name = "R")]
    pub(crate) realm: Option<String>,
    /// The zone of stamps without one: UTC, Asia/Tokyo, +09:00
    #[arg(long, value_name = "TZ")]
    pub(crate) timezone: Option<String>,
    /// The year of the first stamp that has none, as in most syslog; later ones follow it over New Year
    #[arg(long, value_name = "Y")]
    pub(crate) year: Option<i16>,
    /// What the columns of somebody else's CSV or NDJSON are, THEIRS=OURS,..., or a file that says it
    #[arg(long, value_name = "MAP|FILE")]
    pub(crate) columns: Option<String>,
    /// Whose numbers the NAT events of flow records have: rfc8158, cisco, cgv6, junos, asa, nokia or fortios
    #[arg(long, value_name = "NAME")]
    pub(crate) dialect: Option<Dialect>,
    /// Of a capture, read UDP to this port only
    #[arg(long, value_name = "PORT")]
    pub(crate) udp_port: Option<u16>,
    /// The layout of the lines where the operator chose it (huawei, vasexperts): '%time%|%inside%|%outside%|%port%', or
    /// the value of `ajb_save_nat_format`
    #[arg(long, value_name = "TEXT")]
    pub(crate) template: Option<Template>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger import --ledger L --format conntrack --source cgn-1 conntrack.log
  portledger import --ledger L --format auto --source cgn-1 --timezone UTC --year 2026 nat.log.1.gz nat.log
  zcat blocks.csv.gz | portledger import --ledger L --format csv --source cgn-2 --profile exact -

The files of one call are read as one stream, in the order given: a file of flow records may need the templates of the \
one before it. gzip and zstd are unpacked, whatever the names; logs may also be captures (pcap, pcapng) of UDP. The same \
file with the same options changes nothing; the same bytes with other options are refused.

Nothing is kept of an import in which too many records cannot be read, see --max-rejects; --rejects lists them.

Profiles say what the stamps of a source mean: `portledger formats` names the one of each format; `exact` is a table that \
is the truth itself, `unknown` claims the least; or write a JSON file.")]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// The device, or the collector, that wrote the log; sources of one name are one device
    #[arg(long, value_name = "NAME")]
    pub(crate) source: String,
    /// What the stamps mean: a built-in profile such as conntrack, exact, unknown, or a JSON file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) profile: Option<String>,
    /// Source clock minus true time, which is subtracted: 2.7s for a clock that is ahead; --covers is in true time
    #[arg(long, value_name = "D", allow_hyphen_values = true, default_value = "0s")]
    pub(crate) clock_offset: TimeDelta,
    /// The time for which the log is complete; without it, recorded time is first to last stamp and never proves absence
    #[arg(long, value_name = "FROM/UNTIL")]
    pub(crate) covers: Option<String>,
    /// Write every record that is not taken in to this file, as NDJSON: where it stands, why, and the record itself
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// The share of damaged records in a file over which nothing is imported [default: 5%, from 20 of them on]
    #[arg(long, value_name = "SHARE")]
    pub(crate) max_rejects: Option<Share>,
    /// The logs; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger events --format conntrack conntrack.log | head
  portledger events --format auto --timezone UTC --year 2026 nat.log.gz
  portledger events --format conntrack conntrack.log | portledger import --ledger L --format ndjson --source s -

One object a record, events and rejects alike; gzip and zstd are unpacked.")]
pub(crate) struct Events {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// The logs; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger formats
  portledger formats --output csv

Status: `own` is defined here, `lab` was held against recordings with known truth, `samples` against logs of real devices, \
`documents` against what its maker or another reader of it writes.
Yields: S sessions or mappings, B port blocks, R releases that carry their start, D destinations, L subscriber names.")]
pub(crate) struct Formats {
    /// How to print it
    #[arg(long, default_value = "table")]
    pub(crate) output: BatchOutput,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent() {
        assert_eq!("5%".parse(), Ok(Share(0.05)));
        assert_eq!("100%".parse(), Ok(Share(1.0)));
        for bad in ["5", "101%", "-1%", "%", "x%", "NaN%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }

    #[test]
    fn auto_is_a_format() {
        assert_eq!("auto".parse(), Ok(FormatChoice::Auto));
        assert_eq!("csv".parse(), Ok(FormatChoice::Named(Format::Csv)));
        assert!("cvs".parse::<FormatChoice>().unwrap_err().contains("portledger formats"));
    }
}
