//! The command line: a stable contract that scripts and people depend on.

mod calculate;
mod logs;
mod rules;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use portledger::allocation::Destination;
use portledger::identity::IdentityFormat;
use portledger::time::Tolerance;
use portledger::{PortRange, Protocol};

pub(crate) use calculate::{RuleSource, RulesForward, RulesReverse, Written};
pub(crate) use logs::{Events, FormatChoice, Formats, Import, LogArgs};
pub(crate) use rules::{Check, RulesAdd, RulesDiff};

/// Who was behind a shared IPv4 address: (address, port, time) -> subscriber, from NAT logs, MAP rules and accounting.
#[derive(Debug, Parser)]
#[command(
    name = "portledger",
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  portledger demo
  portledger import --ledger L --format conntrack --source cgn-1 conntrack.log
  portledger subscribers import --ledger L --format radius-detail detail-*
  portledger resolve --ledger L 203.0.113.7:40213 2026-11-02T03:04:05Z --protocol tcp
  portledger resolve --ledger L --batch complaints.csv --input csv --output csv > answers.csv

Times are RFC 3339 with offset, or @seconds[.fraction]. A written time means the interval that its digits cut off.
Exit codes of a single resolve: 0 unique, 3 ambiguous, 4 not-covered, 5 conflict, 6 purged, 7 not-ours, 8 unbound, \
9 free; 2 is bad usage or a file that cannot be read."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A tour on a synthetic provider; needs nothing
    Demo(Demo),
    /// Write the logs of a synthetic provider, with questions and their true answers
    Synth(Synth),
    /// Declare which public addresses are ours
    #[command(subcommand)]
    Pools(Pools),
    /// Import NAT logs
    Import(Import),
    /// Rules of stateless mappings
    #[command(subcommand)]
    Rules(Rules),
    /// Who had which inside address when
    #[command(subcommand)]
    Subscribers(Subscribers),
    /// Answer one question, or a table of them
    Resolve(Resolve),
    /// Print what a log reader sees, as NDJSON
    Events(Events),
    /// List the NAT log formats: what each yields, whose clock, what it was held against
    Formats(Formats),
    /// What the ledger holds and for which times it is complete
    Info(Info),
    /// Hold every segment, rule file and subscriber file of the ledger to its checksum
    #[command(after_help = "Example:\n  portledger verify --ledger L")]
    Verify(InLedger),
    /// Delete everything before an instant
    Expire(Expire),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InLedger {
    /// The ledger directory
    #[arg(long, value_name = "DIR")]
    pub(crate) ledger: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  portledger demo\n  portledger demo --keep ./demo     # leaves the logs and the ledger for a look"
)]
pub(crate) struct Demo {
    /// Keep the logs and the ledger in this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Print one JSON object per question instead of prose
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  portledger synth --out isp --subscribers 500 --hours 2 --seed 7 | sh -e\n\nStandard output has the commands that import it all and answer questions.csv into answers.csv; truth.csv says who it was."
)]
pub(crate) struct Synth {
    /// Where to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How many subscribers, 20 to 100000
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub(crate) subscribers: u32,
    /// How many hours, 1 to 744
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=744))]
    pub(crate) hours: u32,
    /// The seed: the same one writes the same bytes
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pools {
    /// Declare a pool
    Add(PoolAdd),
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  portledger pools add --ledger L 203.0.113.0/24 --ports 1024-65535 --device cgn-1 --exclusive"
)]
pub(crate) struct PoolAdd {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    /// The public addresses, or one
    #[arg(value_name = "PREFIX")]
    pub(crate) prefix: String,
    /// The ports that the NAT uses on them
    #[arg(long, value_name = "A-B", default_value = "0-65535")]
    pub(crate) ports: PortRange,
    /// The device that uses them: the --source name of its logs
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Since when
    #[arg(long, value_name = "T")]
    pub(crate) from: Option<String>,
    /// Until when, not included
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// Two hosts can never hold one key of this pool at once
    #[arg(long)]
    pub(crate) exclusive: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Add a rule file (MAP, lightweight 4over6 or deterministic NAT), in force for a time
    Add(RulesAdd),
    /// Look for what is wrong in a rule file, or hold the rules of a ledger against its logs
    Check(Check),
    /// Whose ports change from one rule set to another
    Diff(RulesDiff),
    /// List the rule sets: version, when in force, mechanism, how many rules, what closed it
    #[command(after_help = "Example:\n  portledger rules list --ledger L")]
    List(InLedger),
    /// Whose port it is under a rule file, without a ledger
    Reverse(RulesReverse),
    /// What a prefix or an inside host holds under a rule file, without a ledger
    Forward(RulesForward),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Subscribers {
    /// Import leases or accounting
    Import(SubscribersImport),
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger subscribers import --ledger L --format radius-detail detail-20261102
  portledger subscribers import --ledger L --format csv --realm blue leases.csv     # inside,subscriber,start,end")]
pub(crate) struct SubscribersImport {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    /// csv or radius-detail
    #[arg(long)]
    pub(crate) format: IdentityFormat,
    /// The realm of inside IPv4 addresses
    #[arg(long, value_name = "R")]
    pub(crate) realm: Option<String>,
    /// The attribute that is the subscriber's id
    #[arg(long, value_name = "NAME")]
    pub(crate) id_attribute: Option<String>,
    /// The zone of times without one
    #[arg(long, value_name = "TZ")]
    pub(crate) timezone: Option<String>,
    /// The files; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  portledger resolve --ledger L 203.0.113.7:40213 2026-11-02T03:04:05Z --protocol tcp
  portledger resolve --ledger L 203.0.113.7:40213 '2026-11-02 12:04:05' --timezone Asia/Tokyo --tolerance 2s
  portledger resolve --ledger L 203.0.113.7 2026-11-02T03:04:05Z --tolerance 10m --to 192.0.2.10:443
  portledger resolve --ledger L --batch complaints.csv --input csv --output csv
  zcat complaints.csv.gz | portledger resolve --ledger L --batch - --input csv --output ndjson

A batch reads a header row with any of: id, public_ip, port, protocol, time, to_ip, to_port, tolerance (public_ip and \
time are needed). It exits 0 when every row was answered; a row that cannot be read is answered `invalid`.")]
pub(crate) struct Resolve {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    /// The public address, with the port if it is known (ICMP: the echo identifier)
    #[arg(value_name = "ADDR[:PORT]", required_unless_present = "batch", conflicts_with = "batch")]
    pub(crate) public: Option<Destination>,
    /// When
    #[arg(value_name = "TIME", required_unless_present = "batch", conflicts_with = "batch")]
    pub(crate) time: Option<String>,
    /// tcp, udp, icmp or a number
    #[arg(long)]
    pub(crate) protocol: Option<Protocol>,
    /// Where the connection went; several mean any one of them
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub(crate) to: Vec<Destination>,
    /// How far the asker's clock may be off: 2s, or -5s/+0s
    #[arg(long, value_name = "D", allow_hyphen_values = true, default_value = "0s")]
    pub(crate) tolerance: Tolerance,
    /// The zone of times without one
    #[arg(long, value_name = "TZ")]
    pub(crate) timezone: Option<String>,
    /// Show the raw records that prove the answer
    #[arg(long, conflicts_with = "batch")]
    pub(crate) raw: bool,
    /// One JSON object
    #[arg(long, conflicts_with = "batch")]
    pub(crate) json: bool,
    /// Answer a table of questions; `-` is standard input
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) batch: Option<PathBuf>,
    /// The format of the questions
    #[arg(long, requires = "batch")]
    pub(crate) input: Option<BatchInput>,
    /// The format of the answers
    #[arg(long, requires = "batch", default_value = "table")]
    pub(crate) output: BatchOutput,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BatchInput {
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BatchOutput {
    Table,
    Csv,
    Ndjson,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  portledger info --ledger L\n  portledger info --ledger L 203.0.113.7"
)]
pub(crate) struct Info {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    /// For one address: for which times its records are complete
    #[arg(value_name = "ADDR")]
    pub(crate) address: Option<Ipv4Addr>,
    /// The whole manifest as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Example:\n  portledger expire --ledger L --older-than 2026-05-01T00:00:00Z"
)]
pub(crate) struct Expire {
    #[command(flatten)]
    pub(crate) ledger: InLedger,
    /// What ended before this instant goes; accounting sessions without an end stay, they may go on
    #[arg(long, value_name = "T")]
    pub(crate) older_than: String,
}
