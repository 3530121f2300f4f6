//! Export messages and captures, put together by hand.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use portledger::natlog::{
    Dialect, Event, Format, Reader, ReaderOptions, Record, Reject, RejectReason,
};

/// A field of a template: its number, its enterprise (zero for IANA's), its length.
#[derive(Clone, Copy, Debug)]
pub struct Field(pub u16, pub u32, pub u16);

/// Fields of IANA's registry, number and length.
pub fn iana(fields: &[(u16, u16)]) -> Vec<Field> {
    fields.iter().map(|&(number, len)| Field(number, 0, len)).collect()
}

pub fn set(id: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 4).unwrap();
    [&id.to_be_bytes()[..], &len.to_be_bytes(), body].concat()
}

fn template_body(id: u16, fields: &[Field]) -> Vec<u8> {
    let count = u16::try_from(fields.len()).unwrap();
    let mut body = [id.to_be_bytes(), count.to_be_bytes()].concat();
    for &Field(number, enterprise, len) in fields {
        let bit = if enterprise == 0 { 0 } else { 0x8000 };
        body.extend((number | bit).to_be_bytes());
        body.extend(len.to_be_bytes());
        if enterprise != 0 {
            body.extend(enterprise.to_be_bytes());
        }
    }
    body
}

/// A template set of IPFIX.
pub fn template(id: u16, fields: &[Field]) -> Vec<u8> {
    set(2, &template_body(id, fields))
}

/// A template set of NetFlow 9.
pub fn template9(id: u16, fields: &[Field]) -> Vec<u8> {
    set(0, &template_body(id, fields))
}

/// An options template set of IPFIX whose first field is the scope.
pub fn options_template(id: u16, fields: &[Field]) -> Vec<u8> {
    let mut body = template_body(id, fields);
    body.splice(4..4, 1_u16.to_be_bytes());
    set(3, &body)
}

/// Where a message stands in the world.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub second: u32,
    pub sequence: u32,
    pub domain: u32,
}

pub const SENT: Sent = Sent { second: 1_700_000_000, sequence: 0, domain: 7 };

/// A message of IPFIX.
pub fn ipfix(sent: Sent, sets: &[Vec<u8>]) -> Vec<u8> {
    let body = sets.concat();
    let len = u16::try_from(body.len() + 16).unwrap();
    let mut bytes = [10_u16.to_be_bytes(), len.to_be_bytes()].concat();
    for word in [sent.second, sent.sequence, sent.domain] {
        bytes.extend(word.to_be_bytes());
    }
    [bytes, body].concat()
}

/// A message of NetFlow 9, sent a thousand seconds after the device was started.
pub fn netflow9(sent: Sent, sets: &[Vec<u8>]) -> Vec<u8> {
    let count = u16::try_from(sets.len()).unwrap();
    let mut bytes = [9_u16.to_be_bytes(), count.to_be_bytes()].concat();
    for word in [1_000_000, sent.second, sent.sequence, sent.domain] {
        bytes.extend(word.to_be_bytes());
    }
    [bytes, sets.concat()].concat()
}

/// A record of values, each with the length of its field.
pub fn record(values: &[Value]) -> Vec<u8> {
    values.iter().flat_map(|value| value.bytes()).collect()
}

#[derive(Clone, Copy, Debug)]
pub enum Value {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    V4([u8; 4]),
    V6(&'static str),
    Text(&'static str, usize),
    Variable(&'static str),
}

impl Value {
    fn bytes(self) -> Vec<u8> {
        match self {
            Value::U8(n) => vec![n],
            Value::U16(n) => n.to_be_bytes().to_vec(),
            Value::U32(n) => n.to_be_bytes().to_vec(),
            Value::U64(n) => n.to_be_bytes().to_vec(),
            Value::V4(addr) => addr.to_vec(),
            Value::V6(addr) => addr.parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
            Value::Text(text, width) => {
                let mut bytes = text.as_bytes().to_vec();
                bytes.resize(width, 0);
                bytes
            }
            Value::Variable(text) => {
                let len = u8::try_from(text.len()).unwrap();
                [&[len], text.as_bytes()].concat()
            }
        }
    }
}

/// What was read: events, and rejects with the time that came with them.
#[derive(Debug, Default)]
pub struct Got {
    pub events: Vec<Event>,
    pub rejects: Vec<(Reject, Event)>,
}

impl Got {
    pub fn reasons(&self) -> Vec<RejectReason> {
        self.rejects.iter().map(|(reject, _)| reject.reason).collect()
    }

    /// The one event there is.
    pub fn only(&self) -> &Event {
        assert!(self.rejects.is_empty(), "{:?}", self.reasons());
        let [event] = &self.events[..] else { panic!("{:?}", self.events) };
        event
    }

    /// Why the one record there is was refused.
    pub fn refused(&self) -> RejectReason {
        assert!(self.events.is_empty(), "{:?}", self.events);
        let [(reject, _)] = &self.rejects[..] else { panic!("{:?}", self.reasons()) };
        reject.reason
    }
}

pub fn read_with(format: Format, options: ReaderOptions, bytes: &[u8]) -> Got {
    let mut reader = Reader::new(format, options, bytes);
    let mut event = Event::default();
    let mut got = Got::default();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        match record {
            Record::Event => got.events.push(event.clone()),
            Record::Rejected(reject) => got.rejects.push((reject, event.clone())),
        }
    }
    assert_eq!(reader.bytes(), bytes.len() as u64);
    got
}

pub fn read(format: Format, dialect: Dialect, bytes: &[u8]) -> Got {
    read_with(format, ReaderOptions::new().with_dialect(dialect), bytes)
}

/// A packet of Ethernet, IPv4 and UDP from 192.0.2.1, port 4739.
pub fn ethernet(port: u16, payload: &[u8]) -> Vec<u8> {
    [&[0; 12][..], &[0x08, 0x00], &ipv4(17, 0, &udp(port, payload))].concat()
}

pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 8).unwrap();
    let head = [4739_u16.to_be_bytes(), port.to_be_bytes(), len.to_be_bytes(), [0, 0]].concat();
    [&head[..], payload].concat()
}

pub fn ipv4(protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 20).unwrap();
    let [high, low] = len.to_be_bytes();
    let [f, g] = fragment.to_be_bytes();
    let head = [0x45, 0, high, low, 0, 1, f, g, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    [&head[..], payload].concat()
}

pub fn ipv6(payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let address = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets();
    [&[0x60, 0, 0, 0, len[0], len[1], 17, 64][..], &address, &address, payload].concat()
}

/// A pcap file of these packets.
pub fn pcap(is_big: bool, is_nano: bool, link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let word = |n: u32| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
    let half = |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut file = word(if is_nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }).to_vec();
    file.extend([half(2), half(4)].concat());
    for n in [0, 0, 65_535, link] {
        file.extend(word(n));
    }
    for packet in packets {
        let len = u32::try_from(packet.len()).unwrap();
        for n in [1_700_000_000, 5, len, len] {
            file.extend(word(n));
        }
        file.extend(packet);
    }
    file
}

/// A pcapng file of these packets, with a block that nobody knows before each.
pub fn pcapng(is_big: bool, link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let word = |n: u32| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
    let half = |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = word(u32::try_from(body.len() + 12).unwrap());
        [&word(kind)[..], &len, &body, &len].concat()
    };
    let head = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    let mut file = block(0x0a0d_0d0a, &head);
    file.extend(block(1, &[&half(link)[..], &half(0), &word(65_535)].concat()));
    for packet in packets {
        file.extend(block(0x0bad_beef, b"whatever"));
        let len = word(u32::try_from(packet.len()).unwrap());
        let head = [word(0), word(0), word(0), len, len].concat();
        file.extend(block(6, &[&head[..], packet].concat()));
    }
    file
}
