//! NAT events that nfdump writes as JSON (`nfdump -o json`, `-o ndjson`).
//!
//! | fact | member |
//! |---|---|
//! | event | `nat_event_id`, numbered as in RFC 8158; of an ASA `event_id` (1 created, 2 deleted, 3 denied, 5 update) |
//! | time | `t_event`: milliseconds, local time of the machine that ran nfdump |
//! | inside | `src4_addr`, `src_port`; `src6_addr` of NAT64 and DS-Lite |
//! | public side | `src4_xlt_ip`, `src_xlt_port`; of a block `pblock_start`, `pblock_end` or `pblock_size`, `pblock_step` |
//! | destination | `dst4_xlt_ip`, `dst_xlt_port`, else `dst4_addr`, `dst_port` |
//! | realm | `ingress_vrf`, 0 being none |
//!
//! nfdump up to 1.7 writes the milliseconds without leading zeros: `.86` is 86 ms, and read so. It names events by RFC
//! 8158 whatever the device means by their numbers; read the export itself where a device numbers them otherwise.
//! `-o csv` holds no translated address, and `first` and `last` of NAT events are 1970: neither is read.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use jiff::civil::DateTime;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::clock::Clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions, column};
use super::scalar::Scalar;
use super::{Event, EventKind, RejectReason};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::WrittenTime;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "nfdump-json",
    title: "nfdump, `-o json`",
    status: Status::Lab,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "t_event of the exporter (1 ms), in the zone of the machine that ran nfdump",
    source: "nfdump 1.7.1; output_json.c",
    cut: Cut::Objects,
    parser: |options| Box::new(NfdumpJsonParser::new(&options)),
};

/// A parser of objects, of one line or several.
#[derive(Debug)]
pub struct NfdumpJsonParser {
    clock: Clock,
    realm: Realm,
    /// The last realm that a record named.
    last_realm: Realm,
}

macro_rules! members {
    ($($member:ident $name:literal)*) => {
        /// A member that says something about a NAT.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Member {
            $($member,)*
        }

        impl Member {
            const ALL: &'static [Member] = &[$(Member::$member,)*];

            fn from_name(name: &str) -> Option<Member> {
                match name {
                    $($name => Some(Member::$member),)*
                    _ => None,
                }
            }
        }
    };
}

members! {
    NatEventId "nat_event_id"
    EventId "event_id"
    ConnectId "connect_id"
    Time "t_event"
    Proto "proto"
    Src4 "src4_addr"
    Src6 "src6_addr"
    Dst4 "dst4_addr"
    Dst6 "dst6_addr"
    SrcPort "src_port"
    DstPort "dst_port"
    Xlt4 "src4_xlt_ip"
    XltDst4 "dst4_xlt_ip"
    XltPort "src_xlt_port"
    XltDstPort "dst_xlt_port"
    BlockStart "pblock_start"
    BlockEnd "pblock_end"
    BlockStep "pblock_step"
    BlockSize "pblock_size"
    Vrf "ingress_vrf"
}

/// A value as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Text(&'a str),
}

/// An object as far as it concerns us.
struct Object<'a> {
    values: [Option<Value<'a>>; Member::ALL.len()],
    refusal: Option<(RejectReason, Cow<'a, str>)>,
}

impl NfdumpJsonParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> NfdumpJsonParser {
        NfdumpJsonParser {
            clock: Clock::new(options),
            realm: options.realm().clone(),
            last_realm: Realm::EMPTY,
        }
    }

    fn fill(&mut self, object: &Object<'_>, event: &mut Event) -> Result<(), RejectReason> {
        let kind = match (object.number(Member::NatEventId)?, object.number(Member::EventId)?) {
            (Some(id), _) => of_rfc8158(id),
            (None, Some(id)) => of_asa(id),
            // A flow without an event: what it used is not what it held.
            (None, None) => return Err(RejectReason::OtherEvent),
        };
        event.time = self.time(object)?;
        let (kind, family) = kind?;
        event.kind = kind;
        event.flow_id = object.number(Member::ConnectId)?.filter(|_| family == Family::Asa);
        let proto = object.number(Member::Proto)?.filter(|proto| *proto != 0);
        let proto = proto.map(|n| u8::try_from(n).map_err(|_| RejectReason::BadProtocol));
        event.protocol = proto.transpose()?.map(Protocol::new);
        let outside = object.ipv4(Member::Xlt4)?.filter(|addr| !addr.is_unspecified());
        let outside = outside.ok_or(RejectReason::NoTranslation)?;
        let (inside, is_same) = self.inside(object, family, outside)?;
        let inside_port = object.port(Member::SrcPort)?;
        let port = object.port(Member::XltPort)?;

        let block = block(object)?;
        if let Some(block) = block {
            event.kind = match kind {
                EventKind::SessionCreate | EventKind::BlockAlloc => EventKind::BlockAlloc,
                EventKind::SessionDelete | EventKind::BlockRelease => EventKind::BlockRelease,
                _ => return Err(RejectReason::BadValue),
            };
            event.ports = Some(block);
        } else if matches!(kind, EventKind::BlockAlloc | EventKind::BlockRelease) {
            return Err(RejectReason::MissingField);
        }
        event.inside = Some(inside);
        event.outside = Some(outside);
        if event.ports.is_some()
            || matches!(kind, EventKind::AddressBind | EventKind::AddressRelease)
        {
            return Ok(());
        }
        if is_same && port == inside_port {
            return Err(RejectReason::NoTranslation);
        }
        let protocol = event.protocol.ok_or(RejectReason::MissingField)?;
        event.ports = Some(match port {
            Some(port) if port != 0 && protocol.has_ports() => PortRange::single(port),
            _ if protocol == Protocol::ICMP => return Err(RejectReason::PortNotLogged),
            _ if protocol.has_ports() => return Err(RejectReason::MissingField),
            _ => PortRange::ALL,
        });
        event.inside_port = inside_port.filter(|_| protocol.has_ports());
        if matches!(kind, EventKind::PortCreate | EventKind::PortDelete) {
            return Ok(());
        }
        event.destination = object.destination(protocol)?;
        Ok(())
    }

    fn inside(
        &mut self,
        object: &Object<'_>,
        family: Family,
        outside: Ipv4Addr,
    ) -> Result<(InsideHost, bool), RejectReason> {
        let v4 = object.ipv4(Member::Src4)?.filter(|addr| !addr.is_unspecified());
        let v6 = object.address(Member::Src6)?;
        match (v4, v6) {
            (v4, Some(IpAddr::V6(addr))) => Ok(match family {
                Family::Nat64 => (InsideHost::V6(addr), false),
                _ => (InsideHost::B4 { addr, inner: v4 }, false),
            }),
            (Some(addr), None) => {
                let realm = match object.number(Member::Vrf)? {
                    None | Some(0) => self.realm.clone(),
                    Some(id) => self.named(id),
                };
                Ok((InsideHost::V4 { addr, realm }, outside == addr))
            }
            _ => Err(RejectReason::MissingField),
        }
    }

    fn named(&mut self, id: u64) -> Realm {
        if self.last_realm.as_str().parse() != Ok(id) {
            self.last_realm = Realm::new(&id.to_string());
        }
        self.last_realm.clone()
    }

    /// `2026-11-22T00:18:55.86`, the part behind the point being whole milliseconds.
    fn time(&mut self, object: &Object<'_>) -> Result<Option<WrittenTime>, RejectReason> {
        let text = match object.get(Member::Time) {
            Some(Value::Text(text)) => text,
            Some(Value::Number(_)) => return Err(RejectReason::BadTime),
            None => return Err(RejectReason::NoStamp),
        };
        if text == "<unknown>" {
            return Err(RejectReason::NoStamp);
        }
        let (whole, millis) = text.split_once('.').ok_or(RejectReason::BadTime)?;
        let is_number = millis.len() <= 3 && millis.bytes().all(|b| b.is_ascii_digit());
        let millis: i64 = millis.parse().ok().filter(|_| is_number).ok_or(RejectReason::BadTime)?;
        let is_civil = whole.len() == 19 && matches!(whole.as_bytes().get(10), Some(b'T' | b' '));
        let civil: DateTime =
            whole.parse().ok().filter(|_| is_civil).ok_or(RejectReason::BadTime)?;
        self.clock.civil(civil, millis * 1_000, 1_000).map(Some)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Nat44,
    Nat64,
    Asa,
}

type Kind = Result<(EventKind, Family), RejectReason>;

/// RFC 8158, section 4.3.
fn of_rfc8158(id: u64) -> Kind {
    use EventKind as E;
    use Family::{Nat44, Nat64};
    Ok(match id {
        1 | 4 => (E::SessionCreate, Nat44),
        2 | 5 => (E::SessionDelete, Nat44),
        6 => (E::SessionCreate, Nat64),
        7 => (E::SessionDelete, Nat64),
        8 => (E::PortCreate, Nat44),
        9 => (E::PortDelete, Nat44),
        10 => (E::PortCreate, Nat64),
        11 => (E::PortDelete, Nat64),
        14 => (E::AddressBind, Nat44),
        15 => (E::AddressRelease, Nat44),
        16 => (E::BlockAlloc, Nat44),
        17 => (E::BlockRelease, Nat44),
        // Exhausted addresses or ports, quotas, thresholds.
        3 | 12 | 13 | 18 => return Err(RejectReason::OtherEvent),
        _ => return Err(RejectReason::UnknownEvent),
    })
}

fn of_asa(id: u64) -> Kind {
    match id {
        1 => Ok((EventKind::SessionCreate, Family::Asa)),
        2 => Ok((EventKind::SessionDelete, Family::Asa)),
        5 => Ok((EventKind::Update, Family::Asa)),
        3 => Err(RejectReason::OtherEvent),
        _ => Err(RejectReason::UnknownEvent),
    }
}

fn block(object: &Object<'_>) -> Result<Option<PortRange>, RejectReason> {
    let start = object.port(Member::BlockStart)?.filter(|port| *port != 0);
    let Some(first) = start else { return Ok(None) };
    if object.number(Member::BlockStep)?.is_some_and(|step| step > 1) {
        // Ports with gaps between them: no range.
        return Err(RejectReason::BadPort);
    }
    let end = object.port(Member::BlockEnd)?.filter(|port| *port != 0);
    let size = object.port(Member::BlockSize)?.filter(|size| *size != 0);
    let by_size = size.map(|size| first.checked_add(size - 1).ok_or(RejectReason::BadPort));
    let last = match (end, by_size.transpose()?) {
        (Some(end), Some(last)) if end != last => return Err(RejectReason::BadPort),
        (Some(last), _) | (None, Some(last)) => last,
        (None, None) => return Err(RejectReason::MissingField),
    };
    PortRange::new(first, last).map(Some).map_err(|_| RejectReason::BadPort)
}

impl<'a> Object<'a> {
    fn get(&self, member: Member) -> Option<Value<'a>> {
        self.values.get(member as usize).copied().flatten()
    }

    /// Numbers may be written as texts.
    fn number(&self, member: Member) -> Result<Option<u64>, RejectReason> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(Value::Text(text)) => {
                let digits = text.bytes().all(|b| b.is_ascii_digit());
                text.parse().ok().filter(|_| digits).map(Some).ok_or(RejectReason::BadValue)
            }
        }
    }

    fn port(&self, member: Member) -> Result<Option<u16>, RejectReason> {
        let number = self.number(member).map_err(|_| RejectReason::BadPort)?;
        number.map(|n| u16::try_from(n).map_err(|_| RejectReason::BadPort)).transpose()
    }

    fn address(&self, member: Member) -> Result<Option<IpAddr>, RejectReason> {
        match self.get(member) {
            None => Ok(None),
            Some(Value::Text(text)) => text.parse().map(Some).map_err(|_| RejectReason::BadAddress),
            Some(Value::Number(_)) => Err(RejectReason::BadAddress),
        }
    }

    fn ipv4(&self, member: Member) -> Result<Option<Ipv4Addr>, RejectReason> {
        match self.address(member)? {
            None => Ok(None),
            Some(IpAddr::V4(addr)) => Ok(Some(addr)),
            Some(IpAddr::V6(_)) => Err(RejectReason::BadAddress),
        }
    }

    fn destination(&self, protocol: Protocol) -> Result<Option<Destination>, RejectReason> {
        let is_there = |addr: &Ipv4Addr| !addr.is_unspecified();
        let seen = self.ipv4(Member::XltDst4)?.filter(is_there);
        let asked = self.ipv4(Member::Dst4)?.filter(is_there);
        let (addr, port) = match (seen, asked) {
            (Some(addr), _) => (addr, self.port(Member::XltDstPort)?),
            (None, Some(addr)) => (addr, self.port(Member::DstPort)?),
            (None, None) => return Ok(None),
        };
        let has_port = protocol.has_ports() && protocol != Protocol::ICMP;
        Ok(Some(Destination { addr, port: port.filter(|port| has_port && *port != 0) }))
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut object = Object { values: [None; Member::ALL.len()], refusal: None };
        while let Some(Scalar::Text(name)) = map.next_key()? {
            let Some(member) = Member::from_name(&name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = match map.next_value()? {
                Scalar::Null => continue,
                Scalar::Number(number) => Ok(Value::Number(number)),
                Scalar::Text(Cow::Borrowed(text)) => Ok(Value::Text(text)),
                _ => Err(RejectReason::BadValue),
            };
            let slot = object.values.get_mut(member as usize);
            let result = match (value, slot) {
                (Err(reason), _) => Err(reason),
                // nfdump writes some members twice.
                (Ok(value), Some(slot)) => match slot.replace(value) {
                    Some(before) if before != value => Err(RejectReason::RepeatedField),
                    _ => Ok(()),
                },
                (Ok(_), None) => Ok(()),
            };
            if let Err(reason) = result {
                object.refusal.get_or_insert((reason, name));
            }
        }
        Ok(object)
    }
}

impl LineParser for NfdumpJsonParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let text = std::str::from_utf8(line)
            .map_err(|err| (RejectReason::NotUtf8, column(err.valid_up_to())))?;
        if matches!(text.trim(), "[" | "]" | ",") {
            return Err((RejectReason::Header, 1));
        }
        // An element of an array.
        let body = text.trim_end().trim_end_matches(']').trim_end().trim_end_matches(',');
        let object = body.trim_start().trim_start_matches('[').trim_start();
        let Object { values, refusal } = serde_json::from_str(object).map_err(|err| {
            let reason = if err.is_eof() { RejectReason::CutShort } else { RejectReason::BadJson };
            let before: usize =
                object.lines().take(err.line().saturating_sub(1)).map(|l| l.len() + 1).sum();
            let from = body.len() - object.len();
            (reason, column(from + before + err.column().saturating_sub(1)))
        })?;
        if let Some((reason, name)) = refusal {
            return Err((reason, text.find(&*name).map_or(1, column)));
        }
        let object = Object { values, refusal: None };
        self.fill(&object, event).map_err(|reason| (reason, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::{Format, Reader, Record};

    const FLOW: &str = "{
\t\"type\" : \"FLOW\",
\t\"first\" : \"1970-01-01T00:00:00.000\",
\t\"proto\" : 6,
\t\"src_port\" : 53586,
\t\"dst_port\" : 80,
\t\"src4_addr\" : \"100.64.0.10\",
\t\"dst4_addr\" : \"192.0.2.10\",
\t\"src4_xlt_ip\" : \"203.0.113.1\",
\t\"dst4_xlt_ip\" : \"192.0.2.10\",
\t\"src_xlt_port\" : \"20017\",
\t\"dst_xlt_port\" : \"80\",
\t\"nat_event_id\" : \"4\",
\t\"nat_event\" : \"NAT44 session create\",
\t\"ingress_vrf\" : \"0\",
\t\"t_event\" : \"2026-11-22T00:18:55.86\",
\t\"ingress_vrf\" : \"0\",
\t\"label\" : \"<none>\"
}";

    fn read_all(text: &str) -> Vec<Result<Event, (RejectReason, u32)>> {
        let options = ReaderOptions::new().with_zone(crate::time::Zone::UTC);
        let mut reader = Reader::new(Format::NfdumpJson, options, text.as_bytes());
        let mut event = Event::default();
        let mut out = Vec::new();
        while let Some(record) = reader.next_record(&mut event).unwrap() {
            out.push(match record {
                Record::Event => Ok(event.clone()),
                Record::Rejected(reject) => Err((reject.reason, reject.column)),
            });
        }
        out
    }

    fn read(text: &str) -> Result<Event, RejectReason> {
        let mut all = read_all(text);
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0).map_err(|(reason, _)| reason)
    }

    #[test]
    fn an_array_over_many_lines() {
        let delete = FLOW.replace("\"4\"", "\"5\"").replace(".86", ".973");
        let all = read_all(&format!("[\n{FLOW},\n{delete}]\n"));
        assert_eq!(all[0], Err((RejectReason::Header, 1)));
        let (first, second) = (all[1].as_ref().unwrap(), all[2].as_ref().unwrap());
        assert_eq!((first.kind, first.line), (EventKind::SessionCreate, 2));
        assert_eq!(first.time.unwrap().rfc3339(), "2026-11-22T00:18:55.086Z");
        assert_eq!(first.inside.as_ref().unwrap().to_string(), "100.64.0.10");
        assert_eq!(first.outside.unwrap().to_string(), "203.0.113.1");
        assert_eq!(first.ports.unwrap().first(), 20_017);
        assert_eq!(first.destination.unwrap().to_string(), "192.0.2.10:80");
        assert_eq!((second.kind, second.line), (EventKind::SessionDelete, 21));
        assert_eq!(second.time.unwrap().rfc3339(), "2026-11-22T00:18:55.973Z");
        assert_eq!(all.len(), 3);
        let one = FLOW.replace(['\n', '\t'], "");
        assert_eq!(read_all(&format!("{one}\n{one}\n")).len(), 2);
        assert!(read(&one).is_ok());
    }

    #[test]
    fn a_block_by_its_size_or_end() {
        let block = FLOW.replace("\"4\"", "\"1\"").replace("\"src_xlt_port\" : \"20017\"", "\"pblock_start\" : 1536, \"pblock_end\" : 0, \"pblock_step\": 1, \"pblock_size\" : 512");
        let event = read(&block).unwrap();
        assert_eq!(event.kind, EventKind::BlockAlloc);
        assert_eq!(event.ports.unwrap().to_string(), "1536-2047");
        assert_eq!((event.destination, event.inside_port), (None, None));
        let both = block.replace("\"pblock_end\" : 0", "\"pblock_end\" : 2048");
        assert_eq!(read(&both), Err(RejectReason::BadPort));
        let step = block.replace("\"pblock_step\": 1", "\"pblock_step\": 2");
        assert_eq!(read(&step), Err(RejectReason::BadPort));
        let freed = block.replace("\"1\",", "\"17\",");
        assert_eq!(read(&freed).unwrap().kind, EventKind::BlockRelease);
    }

    #[test]
    fn what_is_no_event_says_why() {
        for (from, to, reason) in [
            ("\"4\"", "\"3\"", RejectReason::OtherEvent),
            ("\"4\"", "\"40\"", RejectReason::UnknownEvent),
            ("\"nat_event_id\"", "\"nat_event\"", RejectReason::OtherEvent),
            ("\"4\"", "\"16\"", RejectReason::MissingField),
            ("203.0.113.1\"", "0.0.0.0\"", RejectReason::NoTranslation),
            ("203.0.113.1\"", "203.0.113.1000\"", RejectReason::BadAddress),
            ("20017", "70000", RejectReason::BadPort),
            ("20017", "0", RejectReason::MissingField),
            ("\"proto\" : 6", "\"proto\" : 600", RejectReason::BadProtocol),
            ("55.86", "55.8600", RejectReason::BadTime),
            ("2026-11-22T00:18:55.86", "<unknown>", RejectReason::NoStamp),
            ("\"label\" : \"<none>\"", "\"ingress_vrf\" : 7", RejectReason::RepeatedField),
        ] {
            assert_eq!(read(&FLOW.replace(from, to)).err(), Some(reason), "{from} {to}");
        }
        let same = FLOW.replace("203.0.113.1", "100.64.0.10").replace("20017", "53586");
        assert_eq!(read(&same), Err(RejectReason::NoTranslation));
        let vrf = FLOW.replace("\"ingress_vrf\" : \"0\"", "\"ingress_vrf\" : \"7\"");
        assert_eq!(read(&vrf).unwrap().inside.unwrap().to_string(), "100.64.0.10%7");
    }

    #[test]
    fn no_part_of_an_object_is_an_event() {
        for end in 1..FLOW.len() {
            assert!(read_all(&FLOW[..end]).iter().all(Result::is_err), "{}", &FLOW[..end]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
            at in 0_usize..500,
        ) {
            let mut text = FLOW.as_bytes().to_vec();
            let at = at.min(text.len());
            text.splice(at..at, bytes.iter().copied().take(3));
            text.extend_from_slice(&bytes);
            let mut reader = Reader::new(Format::NfdumpJson, ReaderOptions::new(), &text[..]);
            while reader.next_record(&mut Event::default()).unwrap().is_some() {}
            proptest::prop_assert_eq!(reader.bytes(), text.len() as u64);
        }
    }
}
