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
//! | [`csv`] | read | every kind of event, finished allocations | as written | this page |
//! | [`ndjson`] | read, written | every kind of event, finished allocations | as written | this page |
//!
//! | `ipfix`, `netflow9` (module and feature `netflow`) | read | whatever the device exports: flows, mappings, blocks, address pairs | the record's own clock, mostly 1 ms; the header's second where the record has none | RFC 7011, RFC 8158, RFC 3954; what makers document; samples |
//!
//! With the feature `netflow` every format is also read out of a capture (pcap, pcapng): the payload of each UDP packet
//! is a message, or one or more lines. `ReaderOptions::with_udp_port` picks one port.
//!
//! Not read: `conntrack -L` dumps and `-o xml`, ulogd2, and the logs of hardware NATs; convert those to one of our own
//! two formats.
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

#[cfg(feature = "netflow")]
mod capture;
#[cfg(feature = "readers")]
mod clock;
#[cfg(feature = "readers")]
pub mod conntrack;
#[cfg(feature = "readers")]
pub mod csv;
mod event;
#[cfg(feature = "readers")]
mod fields;
#[cfg(feature = "readers")]
mod format;
#[cfg(feature = "readers")]
mod lines;
#[cfg(feature = "readers")]
pub mod ndjson;
#[cfg(feature = "netflow")]
pub mod netflow;
#[cfg(feature = "readers")]
mod reader;
mod reject;
#[cfg(feature = "readers")]
mod scan;
#[cfg(feature = "readers")]
pub mod syslog;

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

/// What is said of a column that is none of ours.
const KNOWN_COLUMNS: &str = "the columns are event, proto, inside, inside_port, outside, port, first, last, dst, dport, time, start, stop, end, realm, login, pool, timeout, state, killed, flow_id";
