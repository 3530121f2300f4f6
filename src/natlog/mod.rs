//! Floor 1: the bytes of NAT logs -> [`Event`]s. One file a format; nothing is paired here.
//!
//! A [`Reader`] cuts a stream into records and hands each to the parser of its [`Format`]. Every record becomes an
//! event or a counted [`Reject`] with its place; what a record does not say stays `None`.
//!
//! # Formats
//!
//! | format | status | yields | time basis | source |
//! |---|---|---|---|---|
//! | [`conntrack`] | read | session create, update, delete; only of flows whose source was translated | the collector's read time (1 us), late by the collector's load, or the head of syslog (1 s); `[start=]`, `[stop=]` of the kernel (1 s) | conntrack-tools 1.4.7; `snprintf_default.c` of `libnetfilter_conntrack`; `nf_conntrack_netlink.c` of Linux |
//! | [`conntrack_xml`] | read | the same | the collector's read time (1 s, local); start and stop of the kernel (1 us) | `snprintf_xml.c` of `libnetfilter_conntrack` |
//! | [`juniper`] | read | blocks with start and pool, session create, update, delete with start, some with login | an epoch in the record (1 s), the UTC clock of the services card (1 s), or the syslog head (1 s) | Juniper system log reference; MX-SPC3 message comparison; samples |
//! | [`a10`] | read | ports, batches of ports and sessions, given and taken back | the frame's stamp | samples and patterns of cgn-ec; axAPI 6.0.2 |
//! | [`f5`] | read | sessions and blocks, given and taken back, some with start and login | the frame's stamp, or the start in a record with names (1 ms) | pattern of cgn-ec; F5 Telemetry Streaming; F5 guides name the events only |
//! | [`fortigate`] | read | blocks with start, interim and pool; traffic as finished sessions; device starts | `eventtime` (ns or 1 s), `date` and `time` at `tz` (1 s); the frame's stamp in CEF of old releases | `FortiOS` log message reference 6.0 to 7.6; traffic samples |
//! | [`huawei`] | read | sessions (of USG firewalls with login), mappings, port ranges; layouts by [`template`] | Unix time (1 s), the frame's stamp in type 3 | NetEngine 8000 and USG documentation; published samples |
//! | [`jool`] | read | mappings and sessions of a NAT64 | the NAT's clock, GMT (1 s) | `db.c` of Jool |
//! | [`mikrotik`] | read | flows seen to use a port, with login; never an end | the frame's stamp | MikroTik documentation; published samples |
//! | [`nat_acct`] | read | sessions begun and ended | the frame's stamp | Trisul's pattern |
//! | [`nfware`] | read | address pairs, ports, sessions, blocks | the frame's stamp | docs.nfware.com 6.3; patterns of cgn-ec |
//! | [`paloalto`] | read | traffic as sessions begun, and ended with start and login | the NAT's local time unless it names another (1 s) | PAN-OS administrator's guide 9.1 to 11.1 |
//! | [`sixwind`] | read | blocks of one protocol with pool; sessions | the frame's stamp | doc.6wind.com; patterns of cgn-ec |
//! | [`syslog_nat`] | read | sessions and mappings, DS-Lite and NAT64 too, some with login | the frame's stamp; NetElastic's own local time (1 s) | draft-ietf-behave-syslog-nat-logging-06; `nat_syslog.c` of FD.io VPP |
//! | [`vasexperts`] | read | sessions with login; layouts by [`template`] | Unix time (1 s) | wiki.vasexperts.ru |
//! | [`vyatta`] | read | blocks with start and pool; sessions begun, active, ended with start; all of a subscriber given back | the NAT's clock, UTC (1 us) | `cgn_log_rte.c` of vyatta-dataplane |
//! | [`cisco_asa`] | read | ports and blocks, session create and delete with start | the syslog head (1 s); of Firepower's events the begin (1 s) | Cisco ASA syslog messages |
//! | [`cisco_xe`] | read | session create, delete, mappings without destination | the device's stamp (1 ms or 1 s) | samples; Cisco IOS configuration guides |
//! | [`cisco_xr`] | read | blocks, session create, delete; several records a datagram | the head of the datagram, UTC (1 s; 2 s behind its first record) | Cisco CGN guide; `cnat_syslog.c` of VPP |
//! | [`csv`] | read | every kind of event, finished allocations | as written | this page |
//! | [`ndjson`] | read, written | every kind of event, finished allocations | as written | this page |
//! | `ipfix`, `netflow9` (module and feature `netflow`) | read | whatever the device exports: flows, mappings, blocks, address pairs | the record's own clock, mostly 1 ms; the header's second where the record has none | RFC 7011, RFC 8158, RFC 3954; what makers document; samples |
//! | [`nfdump_json`] | read | flows, mappings, blocks, address pairs | the exporter's stamp (1 ms), local | nfdump 1.7.1; `output_json.c` |
//! | [`radius_nat`] | read | blocks given, held and taken back; `NFWare` also mappings and flows | Event-Timestamp (1 s), else receipt less delay (2 s) | RFC 8045, RFC 2866; what makers document |
//! | [`ulogd`], [`ulogd-json`](ulogd::json) | read | session create, update, delete; finished flows | start and end of the flow (1 us), or the head of syslog | ulogd2 2.0.8; `ulogd_inpflow_NFCT.c`, `util/printflow.c` |
//!
//! With the feature `netflow` every format is also read out of a capture (pcap, pcapng): the payload of each UDP packet
//! is a message, or one or more lines. `ReaderOptions::with_udp_port` picks one port.
//!
//! Not read: `conntrack -L` dumps, and the logs of other NATs; convert those to one of our own two formats.
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
//! | `b4` | of DS-Lite, the B4 element of an `inside` IPv4 address behind it |
//! | `inside_port` | the port, or ICMP identifier, on the inside |
//! | `realm` | the routing domain of an inside IPv4 address |
//! | `outside` | the public IPv4 address; required for an allocation, and for every event without `inside` |
//! | `port`, or `first` and `last` | the public port, or the first and last of a block |
//! | `dst`, `dport` | the far side |
//! | `start`, `end` | of an allocation (`start` is required; without `end` it goes on) |
//! | `start`, `stop` | on a release: begin and end as the NAT logs them beside the stamp |
//! | `header_time` | the stamp that a relay or an export header put beside `time` |
//! | `time_until`, `start_until`, `stop_until`, `end_until`, `header_time_until` | the end of an interval that no digits say: `time` is then its first instant |
//! | `timeout` | seconds that a flow lives on without another packet |
//! | `state` | the TCP state, [`TcpState::name`] |
//! | `killed` | on a release: `true` if something cut it short, `false` if it expired |
//! | `flow_id` | the NAT's own number for the flow |
//! | `login`, `pool` | what the NAT calls the subscriber, and the pool |
//!
//! Times are RFC 3339, or `@seconds` with a fraction; each digit counts, since a time written in whole seconds means
//! all of that second. A time without offset needs [`ReaderOptions::with_zone`].
//!
//! Rows and objects that name their columns otherwise are read with a [`ColumnMap`].
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
#[cfg(feature = "netflow")]
mod capture;
#[cfg(feature = "readers")]
mod cef;
#[cfg(feature = "readers")]
pub mod cisco_asa;
#[cfg(feature = "readers")]
pub mod cisco_xe;
#[cfg(feature = "readers")]
pub mod cisco_xr;
#[cfg(feature = "readers")]
mod clock;
#[cfg(feature = "readers")]
mod columns;
#[cfg(feature = "readers")]
pub mod conntrack;
#[cfg(feature = "readers")]
pub mod conntrack_xml;
#[cfg(feature = "readers")]
pub mod csv;
#[cfg(feature = "readers")]
pub mod detect;
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
mod linux_flow;
#[cfg(feature = "readers")]
pub mod mikrotik;
#[cfg(feature = "readers")]
pub mod nat_acct;
#[cfg(feature = "readers")]
pub mod ndjson;
#[cfg(feature = "netflow")]
pub mod netflow;
#[cfg(feature = "readers")]
pub mod nfdump_json;
#[cfg(feature = "readers")]
pub mod nfware;
#[cfg(feature = "readers")]
pub mod paloalto;
#[cfg(feature = "readers")]
pub mod radius_nat;
#[cfg(feature = "readers")]
mod reader;
mod reject;
#[cfg(feature = "readers")]
mod scalar;
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
pub mod ulogd;
#[cfg(feature = "readers")]
pub mod unpack;
#[cfg(feature = "readers")]
mod untimed;
#[cfg(feature = "readers")]
mod values;
#[cfg(feature = "readers")]
pub mod vasexperts;
#[cfg(feature = "readers")]
pub mod vyatta;

#[cfg(feature = "readers")]
pub use columns::{ColumnMap, ParseColumnMapError};
pub use event::{Event, EventKind, TcpState};
#[cfg(feature = "readers")]
pub use format::{Format, FormatInfo, ParseFormatError, Status, Yields};
#[cfg(feature = "netflow")]
pub use netflow::{Dialect, ParseDialectError};
#[cfg(feature = "netflow")]
pub use reader::{Datagram, DatagramParser, Decoded, Exporter};
#[cfg(feature = "readers")]
pub use reader::{Learnt, LineParser, Reader, ReaderOptions, Record, Unit};
pub use reject::{Reject, RejectReason, Skipped};
#[cfg(feature = "readers")]
pub use template::{ParseTemplateError, Template};

/// What is said of a column that is none of ours.
const KNOWN_COLUMNS: &str = "the columns are event, proto, inside, inside_port, outside, port, first, last, dst, dport, time, start, stop, end, realm, login, pool, timeout, state, killed, flow_id, time_until, start_until, stop_until, end_until, header_time, header_time_until, b4";
