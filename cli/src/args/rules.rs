//! Rules in the ledger, and what can be said of them before they are there.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use portledger::mapping::detnat::RecordReading;

use super::{BatchOutput, InLedger};

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger rules add --ledger L --from 2026-11-01T00:00:00Z softwire-br.json
  portledger rules add --ledger L --from 2026-11-15T02:00:00Z softwire-br-new.json     # closes the first at 02:00:00
  portledger rules add --ledger L --from @0 --record address-major,skip,use,reserve nat-record.log

A set that began earlier and holds a public address of the new one ends where the new one begins; where a later set is \
there already, the new one ends at its begin. Closed versions keep answering for their time, and the instant of a \
change belongs to the new version alone. A set closed by one with --until does not come back behind it: add it again.

Whatever is wrong with the rules is said as `error` (answers suffer) or `warning`; the rules are added all the same. \
Look before with `rules check FILE`.")]
pub(crate) struct RulesAdd {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    /// Since when
    #[arg(long, value_name = "T")]
    pub(crate) from: String,
    /// Until when, not included
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// Close nothing: two relays or NATs really share addresses
    #[arg(long)]
    pub(crate) beside: bool,
    /// How to read an RFC 7422 record: order, inside and outside boundary, port zero, such as
    /// address-major,skip,use,reserve
    #[arg(long, value_name = "READING")]
    pub(crate) record: Option<RecordReading>,
    /// The rules
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger rules check softwire-br.json
  portledger rules check blocks.csv --output csv
  portledger rules check --ledger L
  portledger rules check --ledger L --output csv > contradictions.csv

A file: rules that cannot be, tables that are there twice, rules, rows or pools that give one port to two: `error` where \
answers suffer, `warning` otherwise. Exits 0 without findings, 3 with findings, 2 when the file cannot be read.

A ledger: other-holder, the rule gives the ports to another host than a log; excluded-port and leftover-port, it gives \
them to nobody. Hosts are compared, not whose they are: two hosts of one subscriber are listed, though resolve calls \
that no conflict. Exits 0 without contradictions and 5, the code of `conflict`, with some.")]
pub(crate) struct Check {
    /// The rules, or preset:NAME
    #[arg(value_name = "FILE", required_unless_present = "ledger", conflicts_with = "ledger")]
    pub(crate) file: Option<PathBuf>,
    /// The ledger directory: hold its rules against its logs
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: Option<PathBuf>,
    /// Show the raw records of the log
    #[arg(long, requires = "ledger")]
    pub(crate) raw: bool,
    /// How to read an RFC 7422 record, such as address-major,skip,use,reserve
    #[arg(long, value_name = "READING")]
    pub(crate) record: Option<RecordReading>,
    /// The format of the findings
    #[arg(long, default_value = "table")]
    pub(crate) output: BatchOutput,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger rules diff old.json new.json
  portledger rules diff preset:v6plus new.json --output csv > moved.csv
  portledger rules diff --ledger L 1 2          # with the subscribers bound at the begin of version 2

Every port whose holder changes: `gained` from nobody, `lost` to nobody, `moved`, and with a ledger `same-subscriber` \
where only the name of the host is another. Several holders are joined with |. `on-demand` ports are in the log of \
blocks only. Rows of a binding table with lifetimes of their own are taken all together for files, and as of the \
change for versions of a ledger.")]
pub(crate) struct RulesDiff {
    /// The old rules: a file, preset:NAME, or with --ledger a version
    #[arg(value_name = "OLD")]
    pub(crate) old: String,
    /// The new rules
    #[arg(value_name = "NEW")]
    pub(crate) new: String,
    /// The ledger whose versions are compared; `rules list` has their numbers
    #[arg(long, value_name = "DIR", conflicts_with = "record")]
    pub(crate) ledger: Option<PathBuf>,
    /// How to read RFC 7422 records, such as address-major,skip,use,reserve
    #[arg(long, value_name = "READING")]
    pub(crate) record: Option<RecordReading>,
    /// The format of the changes
    #[arg(long, default_value = "table")]
    pub(crate) output: BatchOutput,
}
