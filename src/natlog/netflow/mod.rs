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
//! | `fortios` | flows: a finished allocation from first to last packet | 150 to 157; or 21, 22, known to 1 s | 225 and 227 without any event |
//!
//! The same number means other things from maker to maker, so the dialect is named ([`ReaderOptions::with_dialect`]), and
//! a record that contradicts it is refused ([`DialectMismatch`](RejectReason::DialectMismatch)).
//!
//! # What an event says
//!
//! The inside host is 8, in the realm of 234 and 463 (the name of a VRF, where options data tell it before its first
//! use, else its number; both joined as `blue/3`); 27 alone is a host of NAT64, 27 with 8 a B4 and the host behind it.
//! The destination is the far side behind the NAT (226, 228) where sent, else that before it (12, 11). A block ends at
//! 362, or counts 364 ports from 361 on; a step other than 1 is refused.
//!
//! # Templates and loss
//!
//! Templates belong to a sender (in captures its address and ports) and an observation domain or source id; the last
//! one sent counts. Records without template, and messages that the counters of the headers show to be missing, are
//! rejects with the time from the message before to this one, so no absence is concluded from that time.
//!
//! # The decoder
//!
//! `netflow_parser` decodes: it is kept well and fuzzed, and its rate is what this module is measured against. It is
//! asked message by message, with a parser a sender and domain. Its own queue of early records is left off, since it
//! would put them under the header, and so the time, of another message. What it skips without a word (a broken set,
//! the rest of a set behind an empty string) is found by walking over the sets, and becomes a reject.

mod asa;
mod cgv6;
mod cisco;
mod dialect;
mod fields;
mod flows;
mod junos;
mod nokia;
mod record;
mod rfc8158;
mod scope;

use std::collections::{HashMap, VecDeque};

use netflow_parser::NetflowPacket;
use netflow_parser::variable_versions::field_value::FieldValue;
use netflow_parser::variable_versions::ipfix::{self, IPFixFieldPair};
use netflow_parser::variable_versions::v9::{self, ScopeDataField, V9FieldPair};

pub use self::dialect::{Dialect, ParseDialectError};
use self::fields::{Fields, ipfix_number};
use self::record::Record;
use self::scope::{Header, Key, Scope};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{Datagram, DatagramParser, Decoded, LineParser, ReaderOptions, column};
use super::{Event, RejectReason};
use crate::inside::Realm;
use crate::time::WrittenTime;

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
        let Some(scope) = self.scope(key) else {
            return records.push_back(rejected(RejectReason::NoTemplate, 0, at));
        };
        let message = bytes.get(..end).unwrap_or_default();
        let mut reading = Reading { header, dialect, at: 0, records, seen: 0, is_counted: true };
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

    fn forget(&mut self) {
        self.scopes.clear();
        self.places.clear();
        (self.last, self.oldest) = (0, 0);
    }
}

fn rejected(reason: RejectReason, at: usize, time: Option<WrittenTime>) -> Decoded {
    let event = Event { time, ..Event::default() };
    Decoded { event, result: Err((reason, column(at))) }
}

/// Where the sets of a message stand: the id, the place and the length of the next one, if it is whole.
fn set_at(message: &[u8], at: usize) -> Option<(u16, usize)> {
    let half = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let (id, len) = (half(at)?, usize::from(half(at + 2)?));
    (len >= 4 && at + len <= message.len()).then_some((id, len))
}

/// One message as it is read.
struct Reading<'a> {
    header: Header,
    dialect: Dialect,
    /// The place of the current set in the message.
    at: usize,
    records: &'a mut VecDeque<Decoded>,
    /// Data records so far.
    seen: u32,
    /// Whether those are all there were.
    is_counted: bool,
}

impl Reading<'_> {
    fn message(&mut self, scope: &mut Scope, message: &[u8]) {
        let mut end = self.header.len();
        while let Some((_, len)) = set_at(message, end) {
            end += len;
        }
        // The decoder drops a whole message of NetFlow 9 for a broken end.
        let whole = if self.header.version == 9 { end } else { message.len() };
        let whole = message.get(..whole).unwrap_or_default();
        let packet = scope.parser.iter_packets(whole).next();
        self.at = self.header.len();
        match packet {
            Some(Ok(NetflowPacket::IPFix(packet))) => {
                for set in &packet.flowsets {
                    let Some((id, len)) = set_at(message, self.at) else { break };
                    self.ipfix_set(scope, id, len, message, &set.body);
                    self.at += len;
                }
            }
            Some(Ok(NetflowPacket::V9(packet))) => {
                for set in &packet.flowsets {
                    let Some((id, len)) = set_at(message, self.at) else { break };
                    self.netflow9_set(scope, id, &set.body);
                    self.at += len;
                }
            }
            _ => {}
        }
        let rest = message.get(self.at..).unwrap_or_default();
        // Padding is shorter than the head of a set.
        if rest.len() >= 4 || rest.iter().any(|&b| b != 0) {
            let is_cut = self.at == end;
            self.lose(
                scope,
                if is_cut { RejectReason::CutShort } else { RejectReason::BadMessage },
            );
        }
    }

    /// Rejects what stands from here on, or in this set; nobody knows how many records it is.
    fn lose(&mut self, scope: &Scope, reason: RejectReason) {
        self.is_counted = false;
        let time = scope.since_last(self.header);
        self.records.push_back(rejected(reason, self.at, Some(time)));
    }

    fn ipfix_set(
        &mut self,
        scope: &mut Scope,
        id: u16,
        len: usize,
        message: &[u8],
        body: &ipfix::FlowSetBody,
    ) {
        use ipfix::FlowSetBody as Body;
        match body {
            Body::Data(data) => {
                for record in &data.fields {
                    let mut fields = Fields::default();
                    for (field, value) in record {
                        if let Some(number) = ipfix_number(*field) {
                            fields.set(number, value);
                        }
                    }
                    self.record(scope, &mut fields);
                }
                if data.has_varlen_metadata() {
                    let set = message.get(self.at + 4..self.at + len).unwrap_or_default();
                    let there = scope.variable.get(&id).map(|lens| count_variable(set, lens));
                    if there != Some(data.fields.len()) {
                        self.lose(scope, RejectReason::BadMessage);
                    }
                }
            }
            Body::OptionsData(data) => {
                for record in &data.fields {
                    self.seen = self.seen.wrapping_add(1);
                    options(scope, record.iter().map(ipfix_pair));
                }
            }
            Body::Template(template) => learn(scope, template),
            Body::Templates(templates) => templates.iter().for_each(|t| learn(scope, t)),
            Body::V9Data(data) => self.netflow9_data(scope, data),
            Body::V9OptionsData(data) => self.netflow9_options(scope, data),
            Body::NoTemplate(_) => self.lose(scope, RejectReason::NoTemplate),
            Body::Empty if id > 3 => self.lose(scope, RejectReason::BadMessage),
            _ => {}
        }
    }

    fn netflow9_set(&mut self, scope: &mut Scope, id: u16, body: &v9::FlowSetBody) {
        use v9::FlowSetBody as Body;
        match body {
            Body::Data(data) => self.netflow9_data(scope, data),
            Body::OptionsData(data) => self.netflow9_options(scope, data),
            Body::NoTemplate(_) => self.lose(scope, RejectReason::NoTemplate),
            Body::Empty if id > 1 => self.lose(scope, RejectReason::BadMessage),
            _ => {}
        }
    }

    fn netflow9_data(&mut self, scope: &mut Scope, data: &v9::Data) {
        for record in &data.fields {
            let mut fields = Fields::default();
            for (field, value) in record {
                fields.set(u32::from(u16::from(*field)), value);
            }
            self.record(scope, &mut fields);
        }
    }

    fn netflow9_options(&mut self, scope: &mut Scope, data: &v9::OptionsData) {
        for record in &data.fields {
            self.seen = self.seen.wrapping_add(1);
            let scopes: Vec<(u32, FieldValue)> = record
                .scope_fields
                .iter()
                .filter_map(|field| match field {
                    ScopeDataField::Unknown(number, bytes) => {
                        Some((u32::from(*number), FieldValue::Vec(bytes.clone())))
                    }
                    _ => None,
                })
                .collect();
            let scopes = scopes.iter().map(|(number, value)| (*number, value));
            options(scope, scopes.chain(record.options_fields.iter().map(netflow9_pair)));
        }
    }

    fn record(&mut self, scope: &mut Scope, fields: &mut Fields) {
        self.seen = self.seen.wrapping_add(1);
        scope.is_of_nat = scope.is_of_nat || fields.is_of_nat();
        let exported = self.header.exported;
        // Events are large: they are made where they stay.
        self.records.push_back(Decoded::default());
        let Some(decoded) = self.records.back_mut() else { return };
        decoded.event.record = self.seen;
        let time = Some(fields.observed.unwrap_or(exported));
        decoded.event.time = time;
        let mut record = Record {
            exported,
            uptime: self.header.uptime,
            realms: &mut scope.realms,
            event: &mut decoded.event,
            fields,
        };
        let result = match record.fields.bad {
            Some(reason) => Err(reason),
            None => match self.dialect {
                Dialect::Rfc8158 => rfc8158::read(&mut record),
                Dialect::Cisco => cisco::read(&mut record),
                Dialect::Cgv6 => cgv6::read(&mut record),
                Dialect::Junos => junos::read(&mut record),
                Dialect::Asa => asa::read(&mut record),
                Dialect::Nokia => nokia::read(&mut record),
                Dialect::Fortios => flows::read(&mut record),
            },
        };
        match result {
            Ok(()) => {
                if decoded.event.time != Some(exported) {
                    decoded.event.header_time = Some(exported);
                }
            }
            Err(reason) => *decoded = rejected(reason, self.at, time),
        }
    }
}

fn ipfix_pair(pair: &IPFixFieldPair) -> (u32, &FieldValue) {
    (ipfix_number(pair.0).unwrap_or(0), &pair.1)
}

fn netflow9_pair(pair: &V9FieldPair) -> (u32, &FieldValue) {
    (u32::from(u16::from(pair.0)), &pair.1)
}

/// Takes in options data: the name of a VRF.
fn options<'a>(scope: &mut Scope, pairs: impl Iterator<Item = (u32, &'a FieldValue)>) {
    let mut fields = Fields::default();
    for (number, value) in pairs {
        fields.set(number, value);
    }
    if let (None, Some(vrf), Some(name)) = (fields.bad, fields.vrf, fields.vrf_name) {
        scope.realms.name(vrf, name);
    }
}

/// Takes in the lengths of a template with fields of variable length.
fn learn(scope: &mut Scope, template: &ipfix::Template) {
    let lens: Vec<u16> = template.fields.iter().map(|field| field.field_length).collect();
    if lens.contains(&u16::MAX) {
        scope.variable.insert(template.template_id, lens);
    } else {
        scope.variable.remove(&template.template_id);
    }
}

/// How many records of these field lengths a set holds (RFC 7011, section 7).
fn count_variable(set: &[u8], lens: &[u16]) -> usize {
    let mut rest = set;
    let mut count = 0;
    while let Some(behind) = pass(rest, lens) {
        if behind.len() == rest.len() {
            break;
        }
        rest = behind;
        count += 1;
    }
    // What is left is padding, or a record that does not fit.
    if rest.len() < 4 && rest.iter().all(|&b| b == 0) { count } else { count + 1 }
}

/// What stands behind a record.
fn pass<'a>(mut rest: &'a [u8], lens: &[u16]) -> Option<&'a [u8]> {
    for &len in lens {
        let mut len = usize::from(len);
        if len == usize::from(u16::MAX) {
            let (&short, behind) = rest.split_first()?;
            (len, rest) = (usize::from(short), behind);
            if short == u8::MAX {
                let (long, behind) = rest.split_first_chunk::<2>()?;
                (len, rest) = (usize::from(u16::from_be_bytes(*long)), behind);
            }
        }
        rest = rest.get(len..)?;
    }
    Some(rest)
}
