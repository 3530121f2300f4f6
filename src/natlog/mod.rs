//! Floor 1: the bytes of NAT logs -> [`Event`]s. One file a format; nothing is paired here.
//!
//! A [`Reader`] cuts a stream into records and hands each to the parser of its [`Format`]. Every record becomes an
//! event or a counted [`Reject`] with its place; what a record does not say stays `None`.
//!
//! # Formats
//!
//! | format | status | yields | time basis | source |
//! |---|---|---|---|---|
//! | [`conntrack`] | read | session create, update, delete; only of flows whose source was translated | the collector's read time (1 us), late by the collector's load; `[start=]`, `[stop=]` of the kernel (1 s) | conntrack-tools 1.4.7; `snprintf_default.c` of `libnetfilter_conntrack`; `nf_conntrack_netlink.c` of Linux |
//! | [`juniper`] | read | blocks with start and pool, session create, update, delete with start, some with login | an epoch in the record (1 s), the UTC clock of the services card (1 s), or the syslog head (1 s) | Juniper system log reference; MX-SPC3 message comparison; samples |
//! | [`a10`] | read | ports, batches of ports and sessions, given and taken back | the frame's stamp | samples and patterns of cgn-ec; axAPI 6.0.2 |
//! | [`f5`] | read | sessions and blocks, given and taken back | the frame's stamp | pattern of cgn-ec; F5 guides name the events only |
//! | [`fortigate`] | read | blocks with start, interim and pool; traffic as finished sessions; device starts | `eventtime` (ns or 1 s), `date` and `time` at `tz` (1 s) | `FortiOS` log message reference 6.0 to 7.6; traffic samples |
//! | [`huawei`] | read | sessions, mappings, port ranges; layouts by [`template`] | Unix time (1 s), the frame's stamp in type 3 | NetEngine 8000 documentation; Trisul's pattern |
//! | [`jool`] | read | mappings and sessions of a NAT64 | the NAT's clock, GMT (1 s) | `db.c` of Jool |
//! | [`mikrotik`] | read | flows seen to use a port, with login; never an end | the frame's stamp | MikroTik documentation; published samples |
//! | [`nat_acct`] | read | sessions begun and ended | the frame's stamp | Trisul's pattern |
//! | [`nfware`] | read | address pairs, ports, sessions, blocks | the frame's stamp | docs.nfware.com 6.3; patterns of cgn-ec |
//! | [`paloalto`] | read | traffic as sessions begun, and ended with start and login | the NAT's local time (1 s) | PAN-OS administrator's guide 9.1 to 11.1 |
//! | [`sixwind`] | read | blocks of one protocol with pool; sessions | the frame's stamp | doc.6wind.com; patterns of cgn-ec |
//! | [`syslog_nat`] | read | sessions and mappings, DS-Lite and NAT64 too, some with login | the frame's stamp; NetElastic's own local time (1 s) | draft-ietf-behave-syslog-nat-logging-06; `nat_syslog.c` of FD.io VPP |
//! | [`vasexperts`] | read | sessions with login; layouts by [`template`] | Unix time (1 s) | wiki.vasexperts.ru |
//! | [`vyatta`] | read | blocks with start and pool; sessions begun, active, ended with start; all of a subscriber given back | the NAT's clock, UTC (1 us) | `cgn_log_rte.c` of vyatta-dataplane |
//! | [`csv`] | read | every kind of event, finished allocations | as written | this page |
//! | [`ndjson`] | read, written | every kind of event, finished allocations | as written | this page |
//!
//! Not read: `conntrack -L` dumps and `-o xml`, ulogd2, and the logs of other NATs; convert those to one of our own two
//! formats.
//!
//! # Our own formats
//!
//! The same keys are the columns of the CSV and the members of the NDJSON objects. All may be missing or empty, but
//! for what is said here.
//!
//! | key | value |
//! |---|---|
//! | `event` | a name of [`EventKind`]; without it `allocation`, where there is a `start` |
//! | `time` | when it happened |
//! | `proto` | `tcp`, `udp`, `icmp` or a number; none where a block serves all |
//! | `inside` | an [`InsideHost`](crate::inside::InsideHost): `100.64.0.10`, `b4[2001:db8::1]`, `2001:db8::1`, a prefix, `name:X` |
//! | `inside_port` | the port, or ICMP identifier, on the inside |
//! | `realm` | the routing domain of an inside IPv4 address |
//! | `outside` | the public IPv4 address; required for an allocation, and for every event without `inside` |
//! | `port`, or `first` and `last` | the public port, or the first and last of a block |
//! | `dst`, `dport` | the far side |
//! | `start`, `end` | of an allocation (`start` is required; without `end` it goes on) |
//! | `start`, `stop` | on a release: begin and end as the NAT logs them beside the stamp |
//! | `time_until`, `start_until`, `stop_until`, `end_until` | the end of an interval that no digits say: `time` is then its first instant |
//! | `timeout` | seconds that a flow lives on without another packet |
//! | `state` | the TCP state, [`TcpState::name`] |
//! | `killed` | on a release: `true` if something cut it short, `false` if it expired |
//! | `flow_id` | the NAT's own number for the flow |
//! | `login`, `pool` | what the NAT calls the subscriber, and the pool |
//!
//! Times are RFC 3339, or `@seconds` with a fraction; each digit counts, since a time written in whole seconds means
//! all of that second. A time without offset needs [`ReaderOptions::with_zone`].
//!
//! Finished allocations as CSV:
//!
//! ```
//! use portledger::natlog::{Event, Format, Reader, ReaderOptions};
//! let csv = "\
//! outside,first,last,inside,start,end
//! 203.0.113.7,1024,2047,100.64.0.10,2026-11-02T00:00:00Z,2026-11-02T06:00:00Z
//! 203.0.113.7,2048,3071,100.64.0.11,2026-11-02T00:00:00Z,
//! ";
//! let mut reader = Reader::new(Format::Csv, ReaderOptions::new(), csv.as_bytes());
//! let mut event = Event::default();
//! assert!(reader.read_event(&mut event)?);
//! assert_eq!(event.held().unwrap().rfc3339(), "2026-11-02T00:00:00Z/2026-11-02T06:00:00Z");
//! assert!(reader.read_event(&mut event)?);
//! assert_eq!(event.held().unwrap().rfc3339(), "2026-11-02T00:00:00Z/");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A block given and taken back as NDJSON:
//!
//! ```
//! use portledger::natlog::{Event, EventKind, Format, Reader, ReaderOptions, ndjson};
//! let lines = r#"
//! {"event":"block_alloc","time":"2026-11-02T00:00:00.250Z","inside":"b4[2001:db8::7]","outside":"203.0.113.7","first":1024,"last":1087}
//! {"event":"block_release","time":"2026-11-02T06:00:00Z","inside":"b4[2001:db8::7]","outside":"203.0.113.7","first":1024,"last":1087}
//! {"event":"block_release","time":"noon"}
//! "#;
//! let mut reader = Reader::new(Format::Ndjson, ReaderOptions::new(), lines.as_bytes());
//! let mut event = Event::default();
//! assert!(reader.read_event(&mut event)?);
//! assert_eq!((event.kind, event.line), (EventKind::BlockAlloc, 2));
//! let mut out = Vec::new();
//! ndjson::write_event(&event, &mut out)?;
//! assert!(String::from_utf8_lossy(&out).contains(r#""time":"2026-11-02T00:00:00.250Z""#));
//! assert!(reader.read_event(&mut event)?);
//! assert!(!reader.read_event(&mut event)?);
//! assert_eq!(reader.skipped().damaged(), 1);
//! # Ok::<(), std::io::Error>(())
//! ```

#[cfg(feature = "readers")]
pub mod a10;
#[cfg(feature = "readers")]
mod cef;
#[cfg(feature = "readers")]
mod clock;
#[cfg(feature = "readers")]
pub mod conntrack;
#[cfg(feature = "readers")]
pub mod csv;
mod event;
#[cfg(feature = "readers")]
pub mod f5;
#[cfg(feature = "readers")]
mod fields;
#[cfg(feature = "readers")]
mod format;
#[cfg(feature = "readers")]
pub mod fortigate;
#[cfg(feature = "readers")]
pub mod huawei;
#[cfg(feature = "readers")]
pub mod jool;
#[cfg(feature = "readers")]
pub mod juniper;
#[cfg(feature = "readers")]
mod lines;
#[cfg(feature = "readers")]
pub mod mikrotik;
#[cfg(feature = "readers")]
pub mod nat_acct;
#[cfg(feature = "readers")]
pub mod ndjson;
#[cfg(feature = "readers")]
pub mod nfware;
#[cfg(feature = "readers")]
pub mod paloalto;
#[cfg(feature = "readers")]
mod reader;
mod reject;
#[cfg(feature = "readers")]
mod scan;
#[cfg(feature = "readers")]
pub mod sixwind;
#[cfg(feature = "readers")]
mod stamp;
#[cfg(feature = "readers")]
pub mod syslog;
#[cfg(feature = "readers")]
pub mod syslog_nat;
#[cfg(feature = "readers")]
pub mod template;
#[cfg(feature = "readers")]
mod texts;
#[cfg(feature = "readers")]
mod values;
#[cfg(feature = "readers")]
pub mod vasexperts;
#[cfg(feature = "readers")]
pub mod vyatta;

pub use event::{Event, EventKind, TcpState};
#[cfg(feature = "readers")]
pub use format::{Format, FormatInfo, ParseFormatError, Status, Yields};
#[cfg(feature = "readers")]
pub use reader::{LineParser, Reader, ReaderOptions, Record};
pub use reject::{Reject, RejectReason, Skipped};
#[cfg(feature = "readers")]
pub use template::{ParseTemplateError, Template};

/// What is said of a column that is none of ours.
const KNOWN_COLUMNS: &str = "the columns are event, proto, inside, inside_port, outside, port, first, last, dst, dport, time, start, stop, end, realm, login, pool, timeout, state, killed, flow_id, time_until, start_until, stop_until, end_until";
