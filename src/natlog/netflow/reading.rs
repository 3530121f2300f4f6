//! One message: its sets -> records -> events.

use std::collections::VecDeque;

use netflow_parser::NetflowPacket;
use netflow_parser::variable_versions::field_value::FieldValue;
use netflow_parser::variable_versions::ipfix::{self, IPFixFieldPair};
use netflow_parser::variable_versions::v9::{self, ScopeDataField, V9FieldPair};

use super::super::reader::{Decoded, column};
use super::super::{Event, RejectReason};
use super::fields::{Fields, ipfix_number};
use super::record::Record;
use super::scope::{Header, Scope};
use super::{Dialect, asa, cgv6, cisco, flows, junos, nokia, rfc8158};
use crate::time::WrittenTime;

/// A reject at a byte, from 0, of its message.
pub(super) fn rejected(reason: RejectReason, at: usize, time: Option<WrittenTime>) -> Decoded {
    let event = Event { time, ..Event::default() };
    Decoded { event, result: Err((reason, column(at))) }
}

/// Where the sets of a message stand: the id, the place and the length of the next one, if it is whole.
fn set_at(message: &[u8], at: usize) -> Option<(u16, usize)> {
    let half = |at: usize| Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?));
    let (id, len) = (half(at)?, usize::from(half(at + 2)?));
    (len >= 4 && at + len <= message.len()).then_some((id, len))
}

/// Whether templates stand behind a place, or could in a set that is not whole.
fn has_templates(message: &[u8], mut at: usize) -> bool {
    while let Some((id, len)) = set_at(message, at) {
        if id <= 3 {
            return true;
        }
        at += len;
    }
    let rest = message.get(at..).unwrap_or_default();
    rest.first_chunk::<2>().is_some_and(|id| u16::from_be_bytes(*id) <= 3)
}

/// What a set holds behind its head.
fn set_of(message: &[u8], at: usize, len: usize) -> &[u8] {
    message.get(at + 4..at + len).unwrap_or_default()
}

/// One message as it is read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) header: Header,
    pub(super) dialect: Dialect,
    /// The place of the current set in the message.
    pub(super) at: usize,
    pub(super) records: &'a mut VecDeque<Decoded>,
    /// Data records so far.
    pub(super) seen: u32,
    /// Whether those are all there were.
    pub(super) is_counted: bool,
}

impl Reading<'_> {
    /// Reads every set.
    pub(super) fn message(&mut self, scope: &mut Scope, message: &[u8]) {
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
                    self.netflow9_set(scope, id, set_of(message, self.at, len), &set.body);
                    self.at += len;
                }
            }
            _ => {}
        }
        let rest = message.get(self.at..).unwrap_or_default();
        // Padding is shorter than the head of a set.
        if rest.len() >= 4 || rest.iter().any(|&b| b != 0) {
            let is_cut = self.at == end;
            let reason = if is_cut { RejectReason::CutShort } else { RejectReason::BadMessage };
            self.lose(scope, reason);
            if has_templates(message, self.at) {
                // What they replaced would be read on.
                scope.forget();
            }
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
                    let set = set_of(message, self.at, len);
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
            Body::Template(template) => {
                learn(scope, template);
                self.hold(scope, set_of(message, self.at, len), 1);
            }
            Body::Templates(templates) => {
                for template in templates {
                    learn(scope, template);
                }
                self.hold(scope, set_of(message, self.at, len), templates.len());
            }
            Body::V9Data(data) => self.netflow9_data(scope, data),
            Body::V9OptionsData(data) => self.netflow9_options(scope, data),
            Body::NoTemplate(_) => self.lose(scope, RejectReason::NoTemplate),
            Body::Empty if id == 2 => self.hold(scope, set_of(message, self.at, len), 0),
            Body::Empty if id > 3 => self.lose(scope, RejectReason::BadMessage),
            _ => {}
        }
    }

    /// Forgets the exporter's templates where the decoder took fewer of a set than there are: it would go on reading
    /// records by the ones that these replaced.
    fn hold(&mut self, scope: &mut Scope, set: &[u8], taken: usize) {
        if count_templates(set, self.header.version) != taken {
            self.lose(scope, RejectReason::BadMessage);
            scope.forget();
        }
    }

    fn netflow9_set(&mut self, scope: &mut Scope, id: u16, set: &[u8], body: &v9::FlowSetBody) {
        use v9::FlowSetBody as Body;
        match body {
            Body::Data(data) => self.netflow9_data(scope, data),
            Body::OptionsData(data) => self.netflow9_options(scope, data),
            Body::Template(taken) => self.hold(scope, set, taken.templates.len()),
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

/// How many templates a set of them defines; withdrawals (RFC 7011, section 8.1) define none.
fn count_templates(set: &[u8], version: u16) -> usize {
    let half = |at: usize| Some(u16::from_be_bytes(set.get(at..at + 2)?.try_into().ok()?));
    let (mut at, mut count) = (0, 0);
    while let (Some(id), Some(fields)) = (half(at), half(at + 2)) {
        if id < 256 {
            // Padding.
            break;
        }
        at += 4;
        count += usize::from(fields > 0);
        for _ in 0..fields {
            let Some(field) = half(at) else { return count };
            at += if version == 10 && field >= 0x8000 { 8 } else { 4 };
        }
    }
    count
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
