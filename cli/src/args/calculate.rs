//! The calculator: rules without a ledger.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use portledger::InsideHost;
use portledger::allocation::Destination;
use portledger::mapping::Preset;
use portledger::mapping::detnat::RecordReading;

use super::BatchOutput;

#[derive(Debug, ClapArgs)]
pub(crate) struct RuleSource {
    /// The rules: RFC 8676 JSON, {"detnat": ...}, snabb, an RFC 7422 record, or CSV
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "preset",
        conflicts_with = "preset"
    )]
    pub(crate) rules: Option<PathBuf>,
    /// Published rules: v6plus, ocn or biglobe
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<Preset>,
    /// How to read an RFC 7422 record: order, inside and outside boundary, port zero, such as
    /// address-major,skip,use,reserve
    #[arg(long, value_name = "READING", requires = "rules")]
    pub(crate) record: Option<RecordReading>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Written {
    /// The format of the answers
    #[arg(long, default_value = "table")]
    pub(crate) output: BatchOutput,
    /// Draw the ports of every holder as a strip, SVG
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    pub(crate) picture: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger rules reverse --preset v6plus 106.73.9.9:5000
  portledger rules reverse --rules softwire-br.json --batch ports.csv --output csv    # address,port

Tunnel addresses of presets are in the layout of the MAP drafts, those of rule files in that of RFC 7597.
Several holders of one port are `ambiguous`, joined with |. It exits 0 when everything was answered.")]
pub(crate) struct RulesReverse {
    #[command(flatten)]
    pub(crate) source: RuleSource,
    /// The public address and port (ICMP: the echo identifier)
    #[arg(value_name = "ADDR:PORT", required_unless_present = "batch", conflicts_with = "batch")]
    pub(crate) public: Option<Destination>,
    /// A CSV with the columns address and port; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) batch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) written: Written,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger rules forward --preset v6plus 240b:11:909:3800::/56
  portledger rules forward --rules nat.json 100.64.0.1 --picture ports.svg
  portledger rules forward --rules nat.json --batch hosts.csv --output csv    # inside

Public addresses stand in the last column; several holdings are joined with |.")]
pub(crate) struct RulesForward {
    #[command(flatten)]
    pub(crate) source: RuleSource,
    /// An End-user prefix, a B4, or an inside IPv4 address
    #[arg(
        value_name = "PREFIX|INSIDE",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    pub(crate) inside: Option<InsideHost>,
    /// A CSV with the column inside; `-` is standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) batch: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) written: Written,
}
