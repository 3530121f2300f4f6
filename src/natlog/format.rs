//! The formats by name, and what is known of each.

use std::fmt;
use std::str::FromStr;

use super::reader::{LineParser, ReaderOptions};

/// What is known of a format, for tables and `--help`; each file of a format holds its own.
#[derive(Clone, Copy, Debug)]
pub struct FormatInfo {
    /// The name on the command line.
    pub name: &'static str,
    /// Who writes it.
    pub title: &'static str,
    /// How well the reader is known to be right.
    pub status: Status,
    /// What the records say.
    pub yields: Yields,
    /// Whose clock the stamps are, and how fine.
    pub time_basis: &'static str,
    /// Where the form of the records is taken from.
    pub source: &'static str,
    /// How a stream is cut into records.
    pub(super) cut: Cut,
    /// A parser with the options.
    pub(super) parser: fn(ReaderOptions) -> Box<dyn LineParser>,
}

/// What a reader was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Our own format, defined here.
    Own,
    /// Recordings of real devices with known truth.
    Lab,
    /// Samples from real devices.
    Samples,
    /// What its maker, or another reader of it, documents.
    Documents,
}

impl Status {
    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Own => "own",
            Status::Lab => "lab",
            Status::Samples => "samples",
            Status::Documents => "documents",
        }
    }
}

/// What the records of a format say, where the device is set up to log it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a row of marks in a table")]
pub struct Yields {
    /// Single flows or mappings.
    pub session: bool,
    /// Blocks of ports.
    pub block: bool,
    /// A release carries its start.
    pub start_on_release: bool,
    /// The far side.
    pub destination: bool,
    /// What the NAT calls the subscriber.
    pub login: bool,
}

/// How a stream is cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// One line, one or more records.
    Lines,
    /// Rows of RFC 4180: a quoted field may hold line breaks.
    Rows,
    /// Export messages, one after the other or in a capture.
    #[cfg(feature = "netflow")]
    Datagrams,
    /// Lines up to a blank one.
    Paragraphs,
    /// Lines, and JSON objects over several of them.
    Objects,
}

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident => $info:path $(, if $feature:literal)?;)*) => {
        /// The formats that [`Reader`](super::Reader) reads.
        ///
        /// # Text form
        ///
        /// [`Format::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])* $(#[cfg(feature = $feature)])? $variant,)*
        }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Format] = &[$($(#[cfg(feature = $feature)])? Format::$variant,)*];

            /// What is known of the format.
            pub const fn info(self) -> &'static FormatInfo {
                match self {
                    $($(#[cfg(feature = $feature)])? Format::$variant => &$info,)*
                }
            }
        }
    };
}

formats! {
    /// The text of `conntrack -E` ([`super::conntrack`]).
    Conntrack => super::conntrack::INFO;
    /// A10 Thunder CGN ([`super::a10`]).
    A10 => super::a10::INFO;
    /// MikroTik RouterOS ([`super::mikrotik`]).
    Mikrotik => super::mikrotik::INFO;
    /// Huawei NE40E and NetEngine 8000 ([`super::huawei`]).
    Huawei => super::huawei::INFO;
    /// NFWare vCGNAT ([`super::nfware`]).
    Nfware => super::nfware::INFO;
    /// Jool ([`super::jool`]).
    Jool => super::jool::INFO;
    /// F5 BIG-IP CGNAT ([`super::f5`]).
    F5 => super::f5::INFO;
    /// FortiGate ([`super::fortigate`]).
    Fortigate => super::fortigate::INFO;
    /// PAN-OS ([`super::paloalto`]).
    PaloAlto => super::paloalto::INFO;
    /// 6WIND ([`super::sixwind`]).
    Sixwind => super::sixwind::INFO;
    /// Vyatta and DANOS ([`super::vyatta`]).
    Vyatta => super::vyatta::INFO;
    /// The RFC 5424 NAT logging draft ([`super::syslog_nat`]).
    SyslogNat => super::syslog_nat::INFO;
    /// VAS Experts Stingray ([`super::vasexperts`]).
    VasExperts => super::vasexperts::INFO;
    /// `NAT_ACCT` lines ([`super::nat_acct`]).
    NatAcct => super::nat_acct::INFO;
    /// Cisco's ASA and Firepower ([`super::cisco_asa`]).
    CiscoAsa => super::cisco_asa::INFO;
    /// Cisco's IOS and IOS-XE ([`super::cisco_xe`]).
    CiscoXe => super::cisco_xe::INFO;
    /// Cisco's `CGv6` on IOS-XR ([`super::cisco_xr`]).
    CiscoXr => super::cisco_xr::INFO;
    /// Juniper's `RT_NAT`, `RT_FLOW`, `JSERVICES_` and `ASP_` messages ([`super::juniper`]).
    Juniper => super::juniper::INFO;
    /// The XML of `conntrack -E -o xml` ([`super::conntrack_xml`]).
    ConntrackXml => super::conntrack_xml::INFO;
    /// Our own CSV ([`super::csv`]).
    Csv => super::csv::INFO;
    /// Our own NDJSON ([`super::ndjson`]).
    Ndjson => super::ndjson::INFO;
    /// NAT events in IPFIX ([`super::netflow`]).
    Ipfix => super::netflow::IPFIX, if "netflow";
    /// NAT events in NetFlow 9 ([`super::netflow`]).
    Netflow9 => super::netflow::NETFLOW9, if "netflow";
    /// NAT events as nfdump writes them in JSON ([`super::nfdump_json`]).
    NfdumpJson => super::nfdump_json::INFO;
    /// Port sets that RADIUS accounting carries ([`super::radius_nat`]).
    RadiusNat => super::radius_nat::INFO;
    /// The text of ulogd2 ([`super::ulogd`]).
    Ulogd => super::ulogd::text::INFO;
    /// The JSON of ulogd2 ([`super::ulogd::json`]).
    UlogdJson => super::ulogd::json::INFO;
}

impl Format {
    /// The name.
    pub const fn name(self) -> &'static str {
        self.info().name
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a NAT log format: write one of {list}", list = names())]
pub struct ParseFormatError(String);

fn names() -> String {
    Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.name() == s)
            .ok_or_else(|| ParseFormatError(s.to_owned()))
    }
}
