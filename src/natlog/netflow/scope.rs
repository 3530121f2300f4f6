//! What is kept of an exporter: its templates, its counters, the names of its routing domains.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use netflow_parser::NetflowParser;

use super::super::reader::Exporter;
use super::layout::Layout;
use crate::inside::Realm;
use crate::time::{TimeDelta, WrittenTime};

/// The most templates of an exporter, and fields of a template; both far beyond what a NAT sends.
pub(super) const MAX_TEMPLATES: usize = 256;
pub(super) const MAX_FIELDS: usize = 256;
/// The most routing domains of an exporter that are remembered.
const MAX_REALMS: usize = 16_384;
/// How far back a message may count and be a late one; farther back the exporter began anew.
const LATE: u32 = 4096;

/// Whose templates they are: another sender, another observation domain, another set of templates.
pub(super) type Key = (Option<Exporter>, u32);

/// The header of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) exported: WrittenTime,
    /// Milliseconds; NetFlow 9 only.
    pub(super) uptime: Option<u32>,
    pub(super) sequence: u32,
    /// Observation domain, or source id.
    pub(super) domain: u32,
    /// Its length in bytes (IPFIX), or count of records (NetFlow 9).
    pub(super) size: u16,
}

impl Header {
    /// The length of a header of that version.
    pub(super) const fn len(self) -> usize {
        if self.version == 9 { 20 } else { 16 }
    }

    /// Reads a header.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let first = word(0)?;
        let (version, size) =
            (u16::try_from(first >> 16).ok()?, u16::try_from(first & 0xffff).ok()?);
        let second = |at| Some(WrittenTime::from_second(i64::from(word(at)?)));
        let (exported, uptime, sequence, domain) = match version {
            9 => (second(8)?, Some(word(4)?), word(12)?, word(16)?),
            10 => (second(4)?, None, word(8)?, word(12)?),
            _ => return None,
        };
        Some(Header { version, exported, uptime, sequence, domain, size })
    }
}

/// What is kept of one exporter and domain.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) parser: NetflowParser,
    pub(super) realms: Realms,
    /// Every template as it was sent, by its id.
    pub(super) layouts: BTreeMap<u16, Arc<Layout>>,
    /// Whether a record of it told of a translation: what such a source loses could have.
    pub(super) is_of_nat: bool,
    /// The loss that was seen and not told yet.
    pub(super) lost: Option<WrittenTime>,
    /// Whether this recording shows that its templates still hold.
    pub(super) is_current: bool,
    counted: Option<Counted>,
    last_exported: Option<WrittenTime>,
}

/// Where the counter of an exporter stood.
#[derive(Clone, Copy, Debug)]
struct Counted {
    sequence: u32,
    /// The count that the next message has; none if this message could not be counted.
    next: Option<u32>,
    /// That of an exporter of NetFlow 9 that counts records.
    next_by_records: u32,
}

impl Scope {
    pub(super) fn new(default: &Realm) -> Option<Scope> {
        let parser = NetflowParser::builder()
            .with_allowed_versions(&[9, 10])
            .with_cache_size(MAX_TEMPLATES)
            .with_max_field_count(MAX_FIELDS)
            .with_max_records_per_flowset(usize::from(u16::MAX))
            .with_max_error_sample_size(16)
            .build()
            .ok()?;
        Some(Scope {
            parser,
            realms: Realms::new(default.clone()),
            layouts: BTreeMap::new(),
            is_of_nat: false,
            lost: None,
            is_current: true,
            counted: None,
            last_exported: None,
        })
    }

    /// Forgets every template.
    pub(super) fn forget(&mut self) {
        self.clear_decoder();
        self.layouts.clear();
    }

    /// Makes the decoder forget every template, since it has not taken in what was sent last.
    pub(super) fn clear_decoder(&mut self) {
        self.parser.clear_ipfix_templates();
        self.parser.clear_v9_templates();
    }

    /// Whether nothing was sent between the last message and this one, as far as its counter tells.
    pub(super) fn is_next(&self, header: Header) -> bool {
        self.counted.is_some_and(|before| {
            let by_records = header.version == 9 && before.next_by_records == header.sequence;
            before.sequence != header.sequence
                && (by_records || before.next == Some(header.sequence))
        })
    }

    /// The time from the message before this one to this one.
    pub(super) fn since_last(&self, header: Header) -> WrittenTime {
        let Some(last) = self.last_exported else { return header.exported };
        let (a, b) = (last.start().min(header.exported.start()), header.exported.end());
        let span: TimeDelta = b.max(last.end()).since(a);
        WrittenTime::new(a, span.as_microsecond())
    }

    /// Holds a message's counter against that of the message before it; `records` are its data records, none if they
    /// could not be counted.
    ///
    /// IPFIX counts data records (RFC 7011, section 3.1), NetFlow 9 messages (RFC 3954, section 5.1); exporters that
    /// count the other thing, or not at all, show no loss.
    pub(super) fn count(&mut self, header: Header, records: Option<u32>) {
        let lost = self.since_last(header);
        let sequence = header.sequence;
        let by_records = sequence.wrapping_add(u32::from(header.size));
        let next = if header.version == 9 {
            Some(sequence.wrapping_add(1))
        } else {
            records.map(|n| sequence.wrapping_add(n))
        };
        let now = Counted { sequence, next, next_by_records: by_records };
        if let Some(before) = self.counted
            && let Some(expected) = before.next
        {
            let ahead = sequence.wrapping_sub(expected);
            let behind = expected.wrapping_sub(sequence);
            let is_counting_records = header.version == 9 && sequence == before.next_by_records;
            if ahead == 0 || sequence == before.sequence || is_counting_records {
                // Nothing is missing, or it does not count.
            } else if ahead < behind {
                self.lost = Some(self.lost.map_or(lost, |before| {
                    let from = before.start().min(lost.start());
                    let span = before.end().max(lost.end()).since(from);
                    WrittenTime::new(from, span.as_microsecond())
                }));
            } else if behind <= LATE {
                // A late one: its gap was told.
                return;
            }
        }
        self.counted = Some(now);
        self.last_exported = Some(match self.last_exported {
            Some(last) if last.start() > header.exported.start() => last,
            _ => header.exported,
        });
    }
}

/// Routing domains by number.
#[derive(Debug)]
pub(super) struct Realms {
    /// That of hosts whose record names none.
    default: Realm,
    names: HashMap<u64, Box<str>>,
    known: HashMap<(u64, u64), Realm>,
    last: Option<((u64, u64), Realm)>,
}

impl Realms {
    pub(super) fn new(default: Realm) -> Realms {
        Realms { default, names: HashMap::new(), known: HashMap::new(), last: None }
    }

    /// Takes in the name of a VRF. A VRF that was written by its number stays so: its hosts are the same ones.
    pub(super) fn name(&mut self, vrf: u64, name: Box<str>) {
        if vrf != 0 && (self.names.len() < MAX_REALMS || self.names.contains_key(&vrf)) {
            self.names.insert(vrf, name);
        }
    }

    /// The realm of a VRF (234) and NAT instance (463), zero or none being the default of each.
    pub(super) fn of(
        &mut self,
        vrf: Option<u64>,
        instance: Option<u64>,
        name: Option<&str>,
    ) -> Realm {
        let key = (vrf.unwrap_or(0), instance.unwrap_or(0));
        if name.is_none() {
            if key == (0, 0) {
                return self.default.clone();
            }
            if let Some((last, realm)) = &self.last
                && *last == key
            {
                return realm.clone();
            }
            if let Some(realm) = self.known.get(&key) {
                self.last = Some((key, realm.clone()));
                return realm.clone();
            }
        }
        let (vrf, instance) = key;
        let number = vrf.to_string();
        let learnt = self.names.get(&vrf).map(|name| &**name);
        let vrf = name.or(learnt).or((vrf != 0).then_some(&*number));
        let realm = match (vrf, instance) {
            (Some(vrf), 0) => Realm::new(vrf),
            (Some(vrf), instance) => Realm::new(&format!("{vrf}/{instance}")),
            (None, instance) => Realm::new(&instance.to_string()),
        };
        if name.is_none() && self.known.len() < MAX_REALMS {
            self.known.insert(key, realm.clone());
        }
        realm
    }
}
