//! `rules check`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::BatchOutput;

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger rules check --ledger L
  portledger rules check --ledger L --output csv > contradictions.csv

Kinds: other-holder, the rule gives the ports to another host; excluded-port and leftover-port, it gives them to nobody. \
Hosts are compared, not whose they are: two hosts of one subscriber are listed, though resolve calls that no conflict. \
It exits 0 without contradictions and 5, the code of `conflict`, with some.")]
pub(crate) struct RulesCheck {
    /// The ledger directory
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) ledger: Option<PathBuf>,
    /// The format of the list
    #[arg(long, default_value = "table")]
    pub(crate) output: BatchOutput,
    /// Show the raw records of the log
    #[arg(long)]
    pub(crate) raw: bool,
}
