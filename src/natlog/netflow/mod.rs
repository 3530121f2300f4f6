//! NAT events in flow records: IPFIX (RFC 7011) and NetFlow 9 (RFC 3954).
//!
//! | dialect | events | time | what tells it |
//! |---|---|---|---|
//! | `rfc8158` | 230: 4 to 18 | 323, 1 ms | the default of IPFIX |
//! | `cisco` | 230: 1, 2, 3; 361 marks a block | 323, 1 ms | the default of NetFlow 9 |
//! | `cgv6` | none: a create has 225, a delete has no public address | the header's, 1 s | no 230 and no 323 |
//! | `junos` | 230 of an early draft: 1, 2, 4 to 9, 12 to 15 | 323, 1 ms | IPv6 with event 4, blocks with 14 |
//! | `asa` | 233, or 40005; connections without translation are passed over | 323, 1 ms; a delete carries its start | 233 without 230 |
//! | `nokia` | a record with 152 adds, one with 153 takes away | 152, 153, 1 ms | fields of enterprise 637 |
//! | `fortios` | flows: a finished allocation from first to last packet | 150 to 157; or 21, 22, known to 1 s | 225 and 227 without a NAT event |
//!
//! The same number means other things from maker to maker, so the dialect is named ([`ReaderOptions::with_dialect`]), and
//! a record that contradicts it is refused ([`DialectMismatch`](RejectReason::DialectMismatch)).
//!
//! # What an event says
//!
//! The inside host is 8, in the realm of 234 (or 464) and 463 (the name of a VRF, where options data tell it before its
//! first use, else its number; both joined as `blue/3`); 27 alone is a host of NAT64, 27 with 8 a B4 and the host behind it.
//! The destination is the far side behind the NAT (226, 228) where sent, else that before it (12, 11). A block ends at
//! 362, or counts 364 ports from 361 on; a step other than 1 is refused.
//!
//! # Templates and loss
//!
//! Templates belong to a sender (in captures its address and ports) and an observation domain or source id; the last
//! one sent counts. They hold on from one capture to the next where the counter of the sender shows that nothing was
//! sent between. Records without template, and messages that the counters of the headers show to be missing, are
//! rejects with the time from the message before to this one, so no absence is concluded from that time.
//!
//! # The decoder
//!
//! `netflow_parser` decodes: it is kept well and fuzzed, and its rate is what this module is measured against. It is
//! asked for every message that brings templates or options, or records of templates that were not taken in, with a parser
//! a sender and domain. Its own queue of early records is left off, since it would put them under the header, and so the
//! time, of another message. What it skips without a word (the rest of a set behind an empty string, templates with a field
//! of no length, options without scope, the message around them) is found by walking over the sets, and read by the
//! template as it was sent; a broken set becomes a reject.
//!
//! Messages that are nothing but records of known templates, nearly all, are read by these at once: the decoder makes a
//! list of each record and a value of each field, which takes twice the time of everything else here and of pairing
//! (`cargo bench --bench readers --features netflow`). A property test holds each way to the others.

mod asa;
mod cgv6;
mod cisco;
mod dialect;
mod fields;
mod flows;
mod junos;
mod layout;
mod nokia;
mod reading;
mod record;
mod rfc8158;
mod scope;

use std::collections::{HashMap, VecDeque};

pub use self::dialect::{Dialect, ParseDialectError};
use self::reading::{Reading, rejected};
use self::scope::{Header, Key, Scope};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{Datagram, DatagramParser, Decoded, LineParser, ReaderOptions};
use super::{Event, RejectReason};
use crate::inside::Realm;

const YIELDS: Yields =
    Yields { session: true, block: true, start_on_release: true, destination: true, login: true };

/// What is known of IPFIX.
pub(super) const IPFIX: FormatInfo = FormatInfo {
    name: "ipfix",
    title: "IPFIX: RFC 8158, Junos, Nokia, flows",
    status: Status::Lab,
    yields: YIELDS,
    time_basis: "the record's (1 ms), else the header's (1 s)",
    source: "RFC 7011; RFC 8158; makers' documents; samples",
    cut: Cut::Datagrams,
    parser: |options| Box::new(ExportParser::new(&options, 10, Dialect::Rfc8158)),
};

/// What is known of NetFlow 9.
pub(super) const NETFLOW9: FormatInfo = FormatInfo {
    name: "netflow9",
    title: "NetFlow 9: Cisco HSL, CGv6, ASA, flows",
    status: Status::Samples,
    yields: YIELDS,
    time_basis: "the record's (1 ms), else the header's (1 s)",
    source: "RFC 3954; makers' documents; samples",
    cut: Cut::Datagrams,
    parser: |options| Box::new(ExportParser::new(&options, 9, Dialect::Cisco)),
};

/// The most senders and domains whose templates are kept; behind these the first ones are forgotten.
const MAX_SCOPES: usize = 256;

/// A parser of export messages.
#[derive(Debug)]
pub struct ExportParser {
    version: u16,
    dialect: Dialect,
    realm: Realm,
    scopes: Vec<(Key, Scope)>,
    places: HashMap<Key, usize>,
    /// The scope of the last message.
    last: usize,
    /// The scope that is forgotten next.
    oldest: usize,
}

impl ExportParser {
    fn new(options: &ReaderOptions, version: u16, default: Dialect) -> ExportParser {
        ExportParser {
            version,
            dialect: options.dialect().unwrap_or(default),
            realm: options.realm().clone(),
            scopes: Vec::new(),
            places: HashMap::new(),
            last: 0,
            oldest: 0,
        }
    }

    fn scope(&mut self, key: Key) -> Option<&mut Scope> {
        if self.scopes.get(self.last).is_none_or(|(last, _)| *last != key) {
            self.last = match self.places.get(&key) {
                Some(&at) => at,
                None => self.add(key)?,
            };
        }
        self.scopes.get_mut(self.last).map(|(_, scope)| scope)
    }

    fn add(&mut self, key: Key) -> Option<usize> {
        let mut scope = Scope::new(&self.realm)?;
        scope.is_of_nat = self.dialect == Dialect::Cgv6;
        let at = if self.scopes.len() < MAX_SCOPES {
            self.scopes.push((key, scope));
            self.scopes.len() - 1
        } else {
            let at = self.oldest;
            self.oldest = (at + 1) % MAX_SCOPES;
            let slot = self.scopes.get_mut(at)?;
            self.places.remove(&slot.0);
            *slot = (key, scope);
            at
        };
        self.places.insert(key, at);
        Some(at)
    }
}

impl LineParser for ExportParser {
    fn parse_line(&mut self, _: &[u8], _: &mut Event) -> Result<(), (RejectReason, u32)> {
        Err((RejectReason::BadMessage, 1))
    }

    fn datagrams(&mut self) -> Option<&mut dyn DatagramParser> {
        Some(self)
    }
}

impl DatagramParser for ExportParser {
    fn parse(&mut self, datagram: &Datagram<'_>, records: &mut VecDeque<Decoded>) {
        let bytes = datagram.bytes;
        let header = Header::read(bytes).filter(|header| header.version == self.version);
        let Some(header) = header else {
            let is_captured = datagram.exporter.is_some();
            let reason =
                if is_captured { RejectReason::OtherTraffic } else { RejectReason::BadMessage };
            return records.push_back(rejected(reason, 0, None));
        };
        let at = Some(header.exported);
        let mut end = bytes.len();
        if header.version == 10 {
            let len = usize::from(header.size);
            if len < header.len() || len > end {
                return records.push_back(rejected(RejectReason::CutShort, end, at));
            }
            end = len;
        }
        let dialect = self.dialect;
        let key = (datagram.exporter, header.domain);
        let realm = self.realm.clone();
        let Some(scope) = self.scope(key) else {
            return records.push_back(rejected(RejectReason::NoTemplate, 0, at));
        };
        if !scope.is_current {
            // Another recording: unless it goes on where that one ended, templates may have been replaced between them.
            if !scope.is_next(header) {
                match Scope::new(&realm) {
                    Some(fresh) => *scope = fresh,
                    None => scope.forget(),
                }
                scope.is_of_nat = dialect == Dialect::Cgv6;
            }
            scope.is_current = true;
        }
        let message = bytes.get(..end).unwrap_or_default();
        let is_datagram = datagram.exporter.is_some();
        let (at_set, seen) = (0, 0);
        let mut reading =
            Reading { header, dialect, is_datagram, at: at_set, records, seen, is_counted: true };
        reading.message(scope, message);
        let seen = reading.is_counted.then_some(reading.seen);
        scope.count(header, seen);
        if scope.is_of_nat
            && let Some(lost) = scope.lost.take()
        {
            // Before what this message says.
            records.push_front(rejected(RejectReason::EventsLost, 0, Some(lost)));
        }
        if end < bytes.len() && bytes.get(end..).is_some_and(|rest| rest.iter().any(|&b| b != 0)) {
            records.push_back(rejected(RejectReason::BadMessage, end, at));
        }
    }

    fn begin(&mut self) {
        for (_, scope) in &mut self.scopes {
            scope.is_current = false;
        }
    }
}
