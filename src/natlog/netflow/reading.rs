//! One message: its sets -> records -> events.

use std::collections::VecDeque;
use std::sync::Arc;

use netflow_parser::NetflowPacket;
use netflow_parser::variable_versions::field_value::FieldValue;
use netflow_parser::variable_versions::ipfix::{self, IPFixFieldPair};
use netflow_parser::variable_versions::v9::{self, ScopeDataField, V9FieldPair};

use super::super::reader::{Decoded, column};
use super::super::{Event, RejectReason};
use super::fields::{Fields, Sent, ipfix_number};
use super::layout::Layout;
use super::record::Record;
use super::scope::{Header, MAX_TEMPLATES, Scope};
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

/// Whether a message is nothing but records of templates that were taken in, and so nothing that the decoder has to know.
fn is_known(scope: &Scope, message: &[u8], mut at: usize) -> bool {
    while let Some((id, len)) = set_at(message, at) {
        if scope.layouts.get(&id).is_none_or(|layout| layout.is_options) {
            return false;
        }
        at += len;
    }
    true
}

/// What the decoder made of a set.
#[derive(Clone, Copy)]
enum Body<'a> {
    Ipfix(&'a ipfix::FlowSetBody),
    Netflow9(&'a v9::FlowSetBody),
    /// Nothing.
    Missing,
}

impl Body<'_> {
    /// Records of data or options.
    fn records(self) -> Option<usize> {
        use ipfix::FlowSetBody as Ipfix;
        use v9::FlowSetBody as Netflow9;
        match self {
            Body::Ipfix(Ipfix::Data(data)) => Some(data.fields.len()),
            Body::Ipfix(Ipfix::OptionsData(data)) => Some(data.fields.len()),
            Body::Ipfix(Ipfix::V9Data(data)) | Body::Netflow9(Netflow9::Data(data)) => {
                Some(data.fields.len())
            }
            Body::Ipfix(Ipfix::V9OptionsData(data))
            | Body::Netflow9(Netflow9::OptionsData(data)) => Some(data.fields.len()),
            _ => None,
        }
    }

    /// Templates that were taken in.
    fn templates(self) -> usize {
        use ipfix::FlowSetBody as Ipfix;
        use v9::FlowSetBody as Netflow9;
        match self {
            Body::Ipfix(
                Ipfix::Template(_)
                | Ipfix::V9Template(_)
                | Ipfix::OptionsTemplate(_)
                | Ipfix::V9OptionsTemplate(_),
            ) => 1,
            Body::Ipfix(Ipfix::Templates(all)) => all.len(),
            Body::Ipfix(Ipfix::V9Templates(all)) => all.len(),
            Body::Ipfix(Ipfix::OptionsTemplates(all)) => all.len(),
            Body::Ipfix(Ipfix::V9OptionsTemplates(all)) => all.len(),
            Body::Netflow9(Netflow9::Template(all)) => all.templates.len(),
            Body::Netflow9(Netflow9::OptionsTemplate(all)) => all.templates.len(),
            _ => 0,
        }
    }
}

/// One message as it is read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) header: Header,
    pub(super) dialect: Dialect,
    /// Whether the message is all that was sent at once.
    pub(super) is_datagram: bool,
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
        let packet = (!is_known(scope, message, self.header.len())).then(|| {
            // The decoder drops a whole message of NetFlow 9 for a broken end.
            let whole = if self.header.version == 9 { end } else { message.len() };
            scope.parser.iter_packets(message.get(..whole).unwrap_or_default()).next()
        });
        let bodies: Vec<Body<'_>> = match &packet {
            Some(Some(Ok(NetflowPacket::IPFix(p)))) => {
                p.flowsets.iter().map(|set| Body::Ipfix(&set.body)).collect()
            }
            Some(Some(Ok(NetflowPacket::V9(p)))) => {
                p.flowsets.iter().map(|set| Body::Netflow9(&set.body)).collect()
            }
            Some(_) => {
                scope.clear_decoder();
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut bodies = bodies.into_iter();
        self.at = self.header.len();
        while let Some((id, len)) = set_at(message, self.at) {
            let body = bodies.next().unwrap_or(Body::Missing);
            self.set(scope, id, set_of(message, self.at, len), body);
            self.at += len;
        }
        let rest = message.get(self.at..).unwrap_or_default();
        // Padding is shorter than the head of a set; a datagram may be filled up with it. In a file, zeros are also what
        // is left of something else.
        let is_padding = rest.len() < 4 || self.is_datagram;
        if !is_padding || rest.iter().any(|&b| b != 0) {
            self.lose(scope, RejectReason::CutShort);
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

    fn set(&mut self, scope: &mut Scope, id: u16, set: &[u8], body: Body<'_>) {
        if id < 256 {
            // Those of NetFlow 9 stand in IPFIX, too.
            if id <= if self.header.version == 9 { 1 } else { 3 } {
                self.templates(scope, id, set, body);
            } else {
                self.lose(scope, RejectReason::BadMessage);
            }
            return;
        }
        let Some(layout) = scope.layouts.get(&id).map(Arc::clone) else {
            if !self.decoded(scope, body) {
                self.lose(scope, RejectReason::NoTemplate);
            }
            return;
        };
        let (count, is_whole) = layout.count(set);
        if body.records() == Some(count) {
            self.decoded(scope, body);
        } else {
            self.walk(scope, &layout, set);
        }
        if !is_whole {
            self.lose(scope, RejectReason::BadMessage);
        }
    }

    /// Takes in templates; what the decoder did not take in, it would go on reading by the ones that these replaced.
    fn templates(&mut self, scope: &mut Scope, id: u16, set: &[u8], body: Body<'_>) {
        let learnt = Layout::learn(id, set, MAX_TEMPLATES, &mut scope.layouts);
        if learnt.is_cut || learnt.has_bad {
            self.lose(scope, RejectReason::BadMessage);
        }
        if learnt.is_cut {
            scope.forget();
        } else if learnt.has_bad || body.templates() != learnt.taken {
            scope.clear_decoder();
        }
    }

    /// Reads records by their template as it was sent.
    fn walk(&mut self, scope: &mut Scope, layout: &Layout, mut set: &[u8]) {
        loop {
            let mut fields = Fields::default();
            let found = layout.next(&mut set, |number, bytes| fields.set(number, Sent::Raw(bytes)));
            if found.is_none() {
                return;
            }
            if layout.is_options {
                self.seen = self.seen.wrapping_add(1);
                name(scope, fields);
            } else {
                self.record(scope, &mut fields);
            }
        }
    }

    /// Reads what the decoder made of a set of data, if it did.
    fn decoded(&mut self, scope: &mut Scope, body: Body<'_>) -> bool {
        use ipfix::FlowSetBody as Ipfix;
        use v9::FlowSetBody as Netflow9;
        match body {
            Body::Ipfix(Ipfix::Data(data)) => {
                for record in &data.fields {
                    let mut fields = Fields::default();
                    for (field, value) in record {
                        if let Some(number) = ipfix_number(*field) {
                            fields.set(number, Sent::Decoded(value));
                        }
                    }
                    self.record(scope, &mut fields);
                }
            }
            Body::Ipfix(Ipfix::OptionsData(data)) => {
                for record in &data.fields {
                    self.seen = self.seen.wrapping_add(1);
                    options(scope, record.iter().map(ipfix_pair));
                }
            }
            Body::Ipfix(Ipfix::V9Data(data)) | Body::Netflow9(Netflow9::Data(data)) => {
                self.netflow9_data(scope, data);
            }
            Body::Ipfix(Ipfix::V9OptionsData(data))
            | Body::Netflow9(Netflow9::OptionsData(data)) => self.netflow9_options(scope, data),
            _ => return false,
        }
        true
    }

    fn netflow9_data(&mut self, scope: &mut Scope, data: &v9::Data) {
        for record in &data.fields {
            let mut fields = Fields::default();
            for (field, value) in record {
                fields.set(u32::from(u16::from(*field)), Sent::Decoded(value));
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
            None if record.fields.is_out_of_age(exported) => Err(RejectReason::BadTime),
            None if record.fields.has_two_times() && self.dialect != Dialect::Junos => {
                Err(RejectReason::RepeatedField)
            }
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
            // A time that cannot be read says nothing of when events are missing.
            Err(RejectReason::BadTime) => {
                *decoded = rejected(RejectReason::BadTime, self.at, Some(exported));
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
        fields.set(number, Sent::Decoded(value));
    }
    name(scope, fields);
}

fn name(scope: &mut Scope, fields: Fields) {
    if let (None, Some(vrf), Some(name)) = (fields.bad, fields.vrf, fields.vrf_name) {
        scope.realms.name(vrf, name);
    }
}
