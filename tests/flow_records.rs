//! NAT events in flow records: each dialect, templates, loss, and bytes of any kind.

mod common {
    pub mod messages;
}

use common::messages::Value::{Text, U8, U16, U32, U64, V4, V6, Variable};
use common::messages::*;
use portledger::inside::Realm;
use portledger::natlog::{Dialect, EventKind, Format, Reader, ReaderOptions, RejectReason, ndjson};
use portledger::{Protocol, Timestamp};
use proptest::prelude::*;

const INSIDE: Value = V4([100, 64, 0, 10]);
const OUTSIDE: Value = V4([203, 0, 113, 7]);
const FAR: Value = V4([192, 0, 2, 80]);
const B4: Value = V6("2001:db8::b4");
/// 2023-11-14T22:13:20.123Z.
const MILLIS: Value = U64(1_700_000_000_123);

/// Time, event, inside, outside, protocol, their ports, the far side.
const SESSION: [(u16, u16); 9] =
    [(323, 8), (230, 1), (8, 4), (225, 4), (4, 1), (7, 2), (227, 2), (12, 4), (11, 2)];

fn session(event: u8) -> Vec<u8> {
    record(&[MILLIS, U8(event), INSIDE, OUTSIDE, U8(6), U16(51_000), U16(1027), FAR, U16(443)])
}

/// One record of these fields.
fn one(format: Format, dialect: Dialect, fields: &[Field], record: &[u8]) -> Got {
    let bytes = match format {
        Format::Ipfix => ipfix(SENT, &[template(300, fields), set(300, record)]),
        _ => netflow9(SENT, &[template9(300, fields), set(300, record)]),
    };
    read(format, dialect, &bytes)
}

fn rfc8158(fields: &[(u16, u16)], values: &[Value]) -> Got {
    one(Format::Ipfix, Dialect::Rfc8158, &iana(fields), &record(values))
}

#[test]
fn a_session_says_who_held_which_port_towards_whom() {
    let got = one(Format::Ipfix, Dialect::Rfc8158, &iana(&SESSION), &session(4));
    let event = got.only();
    let mut line = Vec::new();
    ndjson::write_event_of(portledger::natlog::Unit::Datagram, event, &mut line).unwrap();
    assert_eq!(
        String::from_utf8(line).unwrap(),
        "{\"datagram\":1,\"record\":1,\"offset\":0,\"event\":\"session_create\",\"proto\":6,\
         \"inside\":\"100.64.0.10\",\"inside_port\":51000,\"outside\":\"203.0.113.7\",\"port\":1027,\
         \"dst\":\"192.0.2.80\",\"dport\":443,\"time\":\"2023-11-14T22:13:20.123Z\",\
         \"header_time\":\"2023-11-14T22:13:20Z\"}\n"
    );
    assert_eq!(event.header_time.unwrap().start(), Timestamp::from_second(1_700_000_000));
    let got = one(Format::Ipfix, Dialect::Rfc8158, &iana(&SESSION), &session(5));
    assert_eq!(got.only().kind, EventKind::SessionDelete);
}

#[test]
fn the_same_numbers_mean_other_events_to_other_makers() {
    use EventKind::*;
    let v4 = iana(&SESSION);
    let v6: Vec<Field> = iana(&[(323, 8), (230, 1), (27, 16), (225, 4), (4, 1), (7, 2), (227, 2)]);
    let nat64 = |event| record(&[MILLIS, U8(event), B4, OUTSIDE, U8(17), U16(5000), U16(1924)]);
    let block = iana(&[(323, 8), (230, 1), (8, 4), (225, 4), (361, 2), (362, 2)]);
    let ports = |event| record(&[MILLIS, U8(event), INSIDE, OUTSIDE, U16(1024), U16(1279)]);
    let bind = iana(&[(323, 8), (230, 1), (8, 4), (225, 4)]);
    let pair = |event| record(&[MILLIS, U8(event), INSIDE, OUTSIDE]);
    let means = |dialect, fields: &[Field], record: &[u8]| {
        let got = one(Format::Ipfix, dialect, fields, record);
        match &got.events[..] {
            [] => Err(got.refused()),
            _ => Ok(got.only().kind),
        }
    };
    let odd = Err(RejectReason::DialectMismatch);
    let other = Err(RejectReason::OtherEvent);
    let unknown = Err(RejectReason::UnknownEvent);
    for (event, rfc, junos, cisco) in [
        (1, odd, Ok(SessionCreate), Ok(SessionCreate)),
        (2, odd, Ok(SessionDelete), Ok(SessionDelete)),
        (3, other, other, other),
        (4, Ok(SessionCreate), odd, odd),
        (5, Ok(SessionDelete), odd, odd),
        (6, odd, Ok(PortCreate), odd),
        (7, odd, Ok(PortDelete), odd),
        (8, Ok(PortCreate), odd, odd),
        (9, Ok(PortDelete), odd, odd),
        (10, odd, other, odd),
        (12, odd, Ok(AddressBind), odd),
        (13, odd, Ok(AddressRelease), odd),
        (18, other, unknown, odd),
        (19, unknown, unknown, unknown),
        (0, unknown, unknown, unknown),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &v4, &session(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &v4, &session(event)), junos, "junos {event}");
        assert_eq!(means(Dialect::Cisco, &v4, &session(event)), cisco, "cisco {event}");
        for dialect in [Dialect::Cgv6, Dialect::Asa, Dialect::Nokia, Dialect::Fortios] {
            assert_eq!(means(dialect, &v4, &session(event)), odd, "{dialect} {event}");
        }
    }
    for (event, rfc, junos) in [
        (4, odd, Ok(SessionCreate)),
        (5, odd, Ok(SessionDelete)),
        (6, Ok(SessionCreate), odd),
        (7, Ok(SessionDelete), odd),
        (8, odd, Ok(PortCreate)),
        (9, odd, Ok(PortDelete)),
        (10, Ok(PortCreate), other),
        (11, Ok(PortDelete), other),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &v6, &nat64(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &v6, &nat64(event)), junos, "junos {event}");
    }
    for (event, rfc, junos, cisco) in [
        (1, odd, odd, Ok(BlockAlloc)),
        (2, odd, odd, Ok(BlockRelease)),
        (4, odd, odd, odd),
        (14, odd, Ok(BlockAlloc), odd),
        (15, odd, Ok(BlockRelease), odd),
        (16, Ok(BlockAlloc), odd, odd),
        (17, Ok(BlockRelease), odd, odd),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &block, &ports(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &block, &ports(event)), junos, "junos {event}");
        assert_eq!(means(Dialect::Cisco, &block, &ports(event)), cisco, "cisco {event}");
    }
    for (event, rfc, junos) in [
        (14, Ok(AddressBind), odd),
        (15, Ok(AddressRelease), odd),
        (16, odd, odd),
        (12, odd, Ok(AddressBind)),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &bind, &pair(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &bind, &pair(event)), junos, "junos {event}");
    }
}

#[test]
fn quotas_and_exhausted_pools_give_nobody_a_port() {
    let fields = [(323, 8), (230, 1), (466, 4), (8, 4), (225, 4)];
    let got = rfc8158(&fields, &[MILLIS, U8(13), U32(3), INSIDE, OUTSIDE]);
    assert_eq!(got.refused(), RejectReason::OtherEvent);
    // It shows that the source was being written then.
    assert!(got.rejects[0].1.time.is_some());
}

#[test]
fn a_block_ends_where_it_says_or_counts_to() {
    let ports = |fields: &[(u16, u16)], values: &[Value]| {
        let fields = [&[(323, 8), (230, 1), (8, 4), (225, 4)], fields].concat();
        let values = [&[MILLIS, U8(16), INSIDE, OUTSIDE], values].concat();
        let got = rfc8158(&fields, &values);
        match &got.events[..] {
            [event] => Ok(event.ports.unwrap().to_string()),
            _ => Err(got.refused()),
        }
    };
    let (first, last, step, count) = ((361, 2), (362, 2), (363, 2), (364, 2));
    assert_eq!(ports(&[first, last], &[U16(1024), U16(2047)]), Ok("1024-2047".to_owned()));
    let counted = |s, n| ports(&[first, step, count], &[U16(1536), U16(s), U16(n)]);
    assert_eq!(counted(1, 512), Ok("1536-2047".to_owned()));
    assert_eq!(counted(1, 64_000), Ok("1536-65535".to_owned()));
    assert_eq!(counted(1, 64_001), Err(RejectReason::BadPort));
    assert_eq!(counted(1, 0), Err(RejectReason::BadPort));
    assert_eq!(counted(8, 1), Ok("1536".to_owned()));
    assert_eq!(counted(8, 2), Err(RejectReason::PortStep));
    assert_eq!(counted(0, 2), Err(RejectReason::PortStep));
    let both = |l, s, n| ports(&[first, last, step, count], &[U16(1024), U16(l), U16(s), U16(n)]);
    assert_eq!(both(1279, 1, 256), Ok("1024-1279".to_owned()));
    assert_eq!(both(1279, 1, 255), Err(RejectReason::BadPort));
    assert_eq!(ports(&[first], &[U16(1024)]), Err(RejectReason::MissingField));
    assert_eq!(ports(&[first, last], &[U16(1025), U16(1024)]), Err(RejectReason::BadPort));
    assert_eq!(ports(&[first, step], &[U16(1025), U16(1)]), Err(RejectReason::MissingField));
}

#[test]
fn the_inside_host_is_in_its_realm_or_behind_its_tunnel() {
    let base = [(323, 8), (230, 1), (225, 4), (361, 2), (362, 2)];
    let inside = |more: &[(u16, u16)], values: &[Value]| {
        let values = [&[MILLIS, U8(16), OUTSIDE, U16(1024), U16(1279)], values].concat();
        rfc8158(&[&base, more].concat(), &values).only().inside.as_ref().unwrap().to_string()
    };
    assert_eq!(inside(&[(8, 4), (234, 4)], &[INSIDE, U32(0)]), "100.64.0.10");
    assert_eq!(inside(&[(8, 4), (234, 4)], &[INSIDE, U32(9)]), "100.64.0.10%9");
    assert_eq!(inside(&[(8, 4), (463, 4)], &[INSIDE, U32(3)]), "100.64.0.10%3");
    assert_eq!(inside(&[(8, 4), (234, 4), (463, 4)], &[INSIDE, U32(9), U32(3)]), "100.64.0.10%9/3");
    assert_eq!(inside(&[(8, 4), (27, 16)], &[INSIDE, B4]), "b4[2001:db8::b4]100.64.0.10");
    assert_eq!(inside(&[(8, 4), (27, 16)], &[V4([0; 4]), B4]), "2001:db8::b4");
    assert_eq!(inside(&[(8, 4), (27, 16)], &[INSIDE, V6("::")]), "100.64.0.10");
}

#[test]
fn options_data_name_a_vrf_that_was_not_used_before() {
    let names = options_template(310, &iana(&[(234, 4), (236, 12)]));
    let named = set(310, &record(&[U32(9), Text("blue", 12)]));
    let fields = template(300, &iana(&[SESSION.as_slice(), &[(234, 4)]].concat()));
    let session = set(300, &[session(4), record(&[U32(9)])].concat());
    let realms = |sets: &[Vec<u8>]| -> Vec<String> {
        let got = read(Format::Ipfix, Dialect::Rfc8158, &ipfix(SENT, sets));
        assert!(got.rejects.is_empty());
        got.events
            .iter()
            .map(|e| e.inside.as_ref().unwrap().realm().unwrap().as_str().to_owned())
            .collect()
    };
    let [names, named, fields, session] = [&names, &named, &fields, &session].map(Clone::clone);
    assert_eq!(realms(&[names.clone(), named.clone(), fields.clone(), session.clone()]), ["blue"]);
    // Else the hosts of one VRF would be two.
    assert_eq!(realms(&[fields, session.clone(), names, named, session]), ["9", "9"]);
}

#[test]
fn the_realm_of_the_options_is_that_of_hosts_without_one() {
    let bytes = ipfix(SENT, &[template(300, &iana(&SESSION)), set(300, &session(4))]);
    let options = ReaderOptions::new().with_realm(Realm::new("edge"));
    let got = read_with(Format::Ipfix, options, &bytes);
    assert_eq!(got.only().inside.as_ref().unwrap().to_string(), "100.64.0.10%edge");
}

#[test]
fn the_far_side_is_that_behind_the_nat() {
    let fields = [SESSION.as_slice(), &[(226, 4), (228, 2)]].concat();
    let far = |post: Value, port| {
        let values = [
            MILLIS,
            U8(4),
            INSIDE,
            OUTSIDE,
            U8(6),
            U16(51_000),
            U16(1027),
            FAR,
            U16(443),
            post,
            U16(port),
        ];
        rfc8158(&fields, &values).only().destination.unwrap().to_string()
    };
    assert_eq!(far(V4([198, 51, 100, 9]), 8443), "198.51.100.9:8443");
    assert_eq!(far(V4([0; 4]), 0), "192.0.2.80:443");
    // NAT64 through the well-known prefix.
    let fields =
        [(323, 8), (230, 1), (27, 16), (225, 4), (4, 1), (7, 2), (227, 2), (28, 16), (11, 2)];
    let far = V6("64:ff9b::c000:250");
    let values = [MILLIS, U8(6), B4, OUTSIDE, U8(17), U16(5000), U16(1924), far, U16(53)];
    assert_eq!(rfc8158(&fields, &values).only().destination.unwrap().to_string(), "192.0.2.80:53");
}

#[test]
fn protocols_without_ports_hold_the_whole_address_and_echoes_an_identifier() {
    let of = |protocol, port| {
        let values = [MILLIS, U8(4), INSIDE, OUTSIDE, U8(protocol), U16(0), U16(port), FAR, U16(0)];
        rfc8158(&SESSION, &values)
    };
    let gre = of(47, 0);
    assert_eq!((gre.only().ports.unwrap().len(), gre.only().inside_port), (65_536, None));
    let icmp = of(1, 0);
    assert_eq!(icmp.only().protocol, Some(Protocol::ICMP));
    assert_eq!(icmp.only().ports.unwrap().to_string(), "0");
    assert_eq!(icmp.only().destination.unwrap().port, None);
    assert_eq!(of(6, 0).refused(), RejectReason::BadPort);
    let portless = [(323, 8), (230, 1), (8, 4), (225, 4), (4, 1)];
    let got = rfc8158(&portless, &[MILLIS, U8(4), INSIDE, OUTSIDE, U8(6)]);
    assert_eq!(got.refused(), RejectReason::NoTranslatedPort);
}

#[test]
fn what_the_nat_left_as_it_was_is_nobody_s() {
    let untranslated =
        [MILLIS, U8(4), INSIDE, INSIDE, U8(6), U16(51_000), U16(51_000), FAR, U16(443)];
    assert_eq!(rfc8158(&SESSION, &untranslated).refused(), RejectReason::NoTranslation);
    let fields = [SESSION.as_slice(), &[(226, 4)]].concat();
    let forward = [untranslated.as_slice(), &[V4([10, 0, 0, 5])]].concat();
    assert_eq!(rfc8158(&fields, &forward).refused(), RejectReason::DestinationTranslation);
    // The same address with another port is a translation.
    let moved = [MILLIS, U8(4), INSIDE, INSIDE, U8(6), U16(51_000), U16(1), FAR, U16(443)];
    assert_eq!(rfc8158(&SESSION, &moved).only().ports.unwrap().to_string(), "1");
}

#[test]
fn a_record_without_event_is_told_by_what_it_holds() {
    let fields = [(8, 4), (12, 4), (4, 1), (7, 2), (11, 2)];
    let values = [INSIDE, FAR, U8(6), U16(51_000), U16(443)];
    let with = |more: &[(u16, u16)], more_values: &[Value]| {
        rfc8158(&[&fields, more].concat(), &[&values, more_values].concat()).refused()
    };
    assert_eq!(with(&[], &[]), RejectReason::NoTranslation);
    assert_eq!(with(&[(233, 1)], &[U8(1)]), RejectReason::NoTranslation);
    assert_eq!(with(&[(225, 4)], &[OUTSIDE]), RejectReason::NoTranslatedPort);
    assert_eq!(with(&[(225, 4), (227, 2)], &[OUTSIDE, U16(1)]), RejectReason::DialectMismatch);
    assert_eq!(
        with(&[(225, 4), (227, 2), (233, 1)], &[OUTSIDE, U16(1), U8(1)]),
        RejectReason::DialectMismatch
    );
    assert_eq!(with(&[(281, 16)], &[B4]), RejectReason::Ipv6Translation);
    let delete = rfc8158(&[(234, 4), (8, 4), (7, 2), (4, 1)], &[U32(1), INSIDE, U16(1), U8(6)]);
    assert_eq!(delete.refused(), RejectReason::DialectMismatch);
}

#[test]
fn cisco_hsl_is_read_by_its_fields_under_any_template_number() {
    let cisco = |fields: &[(u16, u16)], values: &[Value]| {
        one(Format::Netflow9, Dialect::Cisco, &iana(fields), &record(values))
    };
    let session = [(8, 4), (225, 4), (7, 2), (227, 2), (234, 4), (4, 1), (230, 1), (323, 8)];
    let got =
        cisco(&session, &[INSIDE, OUTSIDE, U16(51_000), U16(1027), U32(0), U8(17), U8(1), MILLIS]);
    assert_eq!(got.only().kind, EventKind::SessionCreate);
    assert_eq!(got.only().destination, None);
    let block =
        [(8, 4), (225, 4), (234, 4), (4, 1), (230, 1), (323, 8), (361, 2), (363, 2), (364, 2)];
    let got = cisco(
        &block,
        &[INSIDE, OUTSIDE, U32(0), U8(6), U8(2), MILLIS, U16(1536), U16(1), U16(512)],
    );
    assert_eq!(
        (got.only().kind, got.only().protocol),
        (EventKind::BlockRelease, Some(Protocol::TCP))
    );
    assert_eq!(got.only().ports.unwrap().to_string(), "1536-2047");
    let exhausted = cisco(&[(283, 4), (230, 1)], &[U32(1), U8(3)]);
    assert_eq!(exhausted.refused(), RejectReason::OtherEvent);
    let bulk = [(234, 4), (235, 4), (8, 4), (225, 4), (361, 2), (362, 2)];
    let got = cisco(&bulk, &[U32(1), U32(0), INSIDE, OUTSIDE, U16(1), U16(2)]);
    assert_eq!(got.refused(), RejectReason::DialectMismatch);
}

#[test]
fn cgv6_tells_create_from_delete_by_the_public_address() {
    let cgv6 = |fields: &[(u16, u16)], values: &[Value]| {
        one(Format::Netflow9, Dialect::Cgv6, &iana(fields), &record(values))
    };
    let add = cgv6(
        &[(234, 4), (235, 4), (8, 4), (225, 4), (7, 2), (227, 2), (4, 1)],
        &[U32(1), U32(0), INSIDE, OUTSIDE, U16(40_001), U16(12_549), U8(6)],
    );
    let event = add.only();
    assert_eq!((event.kind, event.header_time), (EventKind::PortCreate, None));
    assert_eq!(event.time.unwrap().range().to_string(), "@1700000000.000000/@1700000001.000000");
    let delete = cgv6(&[(234, 4), (8, 4), (7, 2), (4, 1)], &[U32(1), INSIDE, U16(40_001), U8(6)]);
    let event = delete.only();
    assert_eq!((event.kind, event.outside, event.ports), (EventKind::PortDelete, None, None));
    assert_eq!(event.inside_port, Some(40_001));
    let session = cgv6(
        &[(234, 4), (8, 4), (225, 4), (7, 2), (227, 2), (4, 1), (12, 4), (11, 2)],
        &[U32(1), INSIDE, OUTSIDE, U16(1), U16(2), U8(6), FAR, U16(80)],
    );
    assert_eq!(session.only().kind, EventKind::SessionCreate);
    let release = cgv6(&[(234, 4), (8, 4), (361, 2)], &[U32(1), INSIDE, U16(12_544)]);
    let event = release.only();
    assert_eq!((event.kind, event.outside), (EventKind::BlockRelease, None));
    assert_eq!(event.ports.unwrap().to_string(), "12544");
    let timed = cgv6(&[(8, 4), (225, 4), (361, 2), (323, 8)], &[INSIDE, OUTSIDE, U16(1), MILLIS]);
    assert_eq!(timed.refused(), RejectReason::DialectMismatch);
}

#[test]
fn an_asa_s_connections_are_paired_by_their_number() {
    let new = [
        (148, 4),
        (8, 4),
        (7, 2),
        (12, 4),
        (11, 2),
        (4, 1),
        (225, 4),
        (226, 4),
        (227, 2),
        (228, 2),
        (233, 1),
        (323, 8),
        (152, 8),
    ];
    let old = new.map(|(number, len)| match number {
        225 => (40_001, len),
        226 => (40_002, len),
        227 => (40_003, len),
        228 => (40_004, len),
        233 => (40_005, len),
        _ => (number, len),
    });
    let connection = |fields: &[(u16, u16)], event, outside, port| {
        let values = [
            U32(8500),
            INSIDE,
            U16(51_000),
            FAR,
            U16(443),
            U8(6),
            outside,
            FAR,
            U16(port),
            U16(443),
            U8(event),
            MILLIS,
            U64(1_699_999_990_000),
        ];
        one(Format::Netflow9, Dialect::Asa, &iana(fields), &record(&values))
    };
    for fields in [&new, &old] {
        let got = connection(fields, 1, OUTSIDE, 1027);
        let event = got.only();
        assert_eq!(
            (event.kind, event.flow_id, event.start),
            (EventKind::SessionCreate, Some(8500), None)
        );
        assert_eq!(event.ports.unwrap().to_string(), "1027");
        let got = connection(fields, 2, OUTSIDE, 1027);
        let start = got.only().start.unwrap();
        assert_eq!(start.start(), Timestamp::from_second(1_699_999_990));
        assert_eq!(connection(fields, 5, OUTSIDE, 1027).only().kind, EventKind::Update);
        assert_eq!(connection(fields, 3, OUTSIDE, 1027).refused(), RejectReason::OtherEvent);
        assert_eq!(connection(fields, 2, INSIDE, 51_000).refused(), RejectReason::NoTranslation);
    }
}

#[test]
fn nokia_s_source_is_the_public_side() {
    let nokia = |time: u16, name: &'static str| {
        let mut fields = iana(&[(148, 8), (8, 4), (12, 4), (7, 2), (11, 2), (time, 8), (4, 1)]);
        fields.extend([Field(91, 637, 2), Field(93, 637, u16::MAX)]);
        let mut values = record(&[
            U64(77),
            OUTSIDE,
            FAR,
            U16(1027),
            U16(443),
            MILLIS,
            U8(6),
            U16(100),
            Variable(name),
        ]);
        if time == 152 {
            values.push(0);
        }
        one(Format::Ipfix, Dialect::Nokia, &fields, &values)
    };
    let added = nokia(152, "alice@100.64.0.10");
    let event = added.only();
    assert_eq!(event.kind, EventKind::SessionCreate);
    assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.10%100");
    assert_eq!(
        (event.outside.unwrap().octets(), event.login.as_deref()),
        ([203, 0, 113, 7], Some("alice"))
    );
    let gone = nokia(153, "LSN-Host@100.64.0.10");
    assert_eq!((gone.only().kind, gone.only().login.as_deref()), (EventKind::SessionDelete, None));
    let named = nokia(153, "alice");
    assert_eq!(named.only().inside.as_ref().unwrap().to_string(), "name:alice");
}

#[test]
fn flows_are_finished_allocations_from_first_to_last_packet() {
    let fields = [
        (8, 4),
        (7, 2),
        (12, 4),
        (11, 2),
        (4, 1),
        (22, 4),
        (21, 4),
        (225, 4),
        (227, 2),
        (226, 4),
        (228, 2),
    ];
    let flow = |format, first, last| {
        let values = [
            INSIDE,
            U16(51_000),
            FAR,
            U16(443),
            U8(6),
            U32(first),
            U32(last),
            OUTSIDE,
            U16(1027),
            V4([0; 4]),
            U16(0),
        ];
        one(format, Dialect::Fortios, &iana(&fields), &record(&values))
    };
    // Sent at 1,700,000,000, a thousand seconds after the start of the device.
    let got = flow(Format::Netflow9, 900_250, 990_500);
    let event = got.only();
    assert_eq!(event.kind, EventKind::Allocation);
    assert_eq!(event.start.unwrap().range().to_string(), "@1699999900.250000/@1699999901.250000");
    assert_eq!(event.stop.unwrap().start().as_microsecond(), 1_699_999_990_500_000);
    assert_eq!(event.destination.unwrap().to_string(), "192.0.2.80:443");
    assert_eq!(flow(Format::Netflow9, 990_500, 900_250).refused(), RejectReason::BadTime);
    // The header of IPFIX does not say when the device was started.
    assert_eq!(flow(Format::Ipfix, 900_250, 990_500).refused(), RejectReason::NoStamp);
}

#[test]
fn numbers_may_be_sent_shorter_or_longer_and_times_finer() {
    let fields = [(324, 8), (230, 4), (8, 4), (225, 4), (4, 2), (7, 4), (227, 1), (12, 4), (11, 2)];
    let ntp = (1_700_000_000_u64 + 2_208_988_800) << 32 | 1 << 31;
    let got = rfc8158(
        &fields,
        &[U64(ntp), U32(4), INSIDE, OUTSIDE, U16(6), U32(51_000), U8(200), FAR, U16(443)],
    );
    assert_eq!(got.only().ports.unwrap().to_string(), "200");
    assert_eq!(got.only().time.unwrap().start().as_microsecond(), 1_700_000_000_500_000);
    let fields = [(323, 8), (230, 1), (8, 4), (225, 4), (4, 1), (7, 4), (227, 4)];
    let wide = |port| rfc8158(&fields, &[MILLIS, U8(4), INSIDE, OUTSIDE, U8(6), U32(1), U32(port)]);
    assert_eq!(wide(70_000).refused(), RejectReason::BadPort);
    assert_eq!(wide(7).only().ports.unwrap().to_string(), "7");
}

#[test]
fn strings_of_any_length_are_passed_over_and_padding_too() {
    let mut fields = iana(&SESSION);
    fields.insert(1, Field(284, 0, u16::MAX));
    let values = |pool| {
        let session = session(4);
        let (time, rest) = session.split_at(8);
        [time, &record(&[Variable(pool)]), rest].concat()
    };
    for padding in 0..4 {
        let two = [values("pool-a"), values("b"), vec![0; padding]].concat();
        let got = one(Format::Ipfix, Dialect::Rfc8158, &fields, &two);
        let pools: Vec<_> = got.events.iter().map(|e| e.pool.as_deref().unwrap()).collect();
        assert_eq!((pools, got.reasons()), (vec!["pool-a", "b"], vec![]), "padding {padding}");
    }
    // The decoder stops at an empty string; what it leaves is not lost without a word.
    let two = [values("a"), values(""), values("b")].concat();
    let got = one(Format::Ipfix, Dialect::Rfc8158, &fields, &two);
    assert_eq!(got.events.len(), 1);
    assert_eq!(got.reasons(), [RejectReason::BadMessage]);
}

#[test]
fn records_without_template_are_counted_and_none_is_read_by_another_one() {
    let sent = |sequence| Sent { sequence, second: SENT.second + sequence, ..SENT };
    let fields = template(300, &iana(&SESSION));
    let data = set(300, &session(4));
    let early = ipfix(sent(0), std::slice::from_ref(&data));
    let late = ipfix(sent(1), &[fields.clone(), data.clone()]);
    let got = read(Format::Ipfix, Dialect::Rfc8158, &[early, late.clone()].concat());
    assert_eq!((got.events.len(), got.reasons()), (1, vec![RejectReason::NoTemplate]));
    assert!(got.rejects[0].1.time.is_some());
    // Another domain has other templates.
    let other = ipfix(Sent { domain: 8, ..sent(0) }, std::slice::from_ref(&data));
    let got = read(Format::Ipfix, Dialect::Rfc8158, &[late.clone(), other].concat());
    assert_eq!(got.reasons(), [RejectReason::NoTemplate]);
    // The last template counts.
    let mut swapped = SESSION;
    swapped.swap(2, 3);
    let redefined = ipfix(sent(2), &[template(300, &iana(&swapped)), data]);
    let got = read(Format::Ipfix, Dialect::Rfc8158, &[late, redefined].concat());
    let outsides: Vec<String> = got.events.iter().map(|e| e.outside.unwrap().to_string()).collect();
    assert_eq!(outsides, ["203.0.113.7", "100.64.0.10"]);
}

/// Withdrawn, replaced by options, or replaced by what the decoder does not take: no record is read by the old one,
/// neither in the message that says so nor in the next.
#[test]
fn a_template_that_is_gone_reads_nothing() {
    let data = set(300, &session(4));
    let too_many = iana(&vec![(8, 4); 300]);
    let names = iana(&[(234, 4), (236, 24)]);
    let withdrawn = set(2, &[300_u16.to_be_bytes(), 0_u16.to_be_bytes()].concat());
    let options9 = set(1, &[300, 4, 4, 234, 4, 236, 24].map(u16::to_be_bytes).concat());
    let fields = iana(&SESSION);
    for (format, gone) in [
        (Format::Ipfix, withdrawn),
        (Format::Ipfix, options_template(300, &names)),
        (Format::Ipfix, template(300, &too_many)),
        (Format::Netflow9, template9(300, &too_many)),
        (Format::Netflow9, options9),
    ] {
        let message = |sets: &[Vec<u8>]| match format {
            Format::Ipfix => ipfix(SENT, sets),
            _ => netflow9(SENT, sets),
        };
        let first = match format {
            Format::Ipfix => template(300, &fields),
            _ => template9(300, &fields),
        };
        let bytes = [
            message(&[first, data.clone()]),
            message(&[gone, data.clone()]),
            message(std::slice::from_ref(&data)),
        ]
        .concat();
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 1, "{format} {:?}", got.reasons());
    }
}

#[test]
fn a_file_may_need_the_templates_of_the_one_before() {
    let templates = ipfix(SENT, &[template(300, &iana(&SESSION))]);
    let data = ipfix(SENT, &[set(300, &session(4))]);
    let mut first = Reader::new(Format::Ipfix, ReaderOptions::new(), &templates[..]);
    let mut event = portledger::natlog::Event::default();
    assert!(!first.read_event(&mut event).unwrap());
    let mut second = Reader::resume(first.into_learnt(), &data[..]);
    assert!(second.read_event(&mut event).unwrap());
    assert_eq!((event.line, second.events(), second.skipped().total()), (1, 1, 0));
}

/// IPFIX counts records, NetFlow 9 messages.
#[test]
fn messages_that_the_counters_miss_are_a_loss_with_its_time() {
    let data = set(300, &[session(4), session(5)].concat());
    let lost = |format, sequences: &[u32]| -> Vec<(String, usize)> {
        let mut bytes = Vec::new();
        for (at, &sequence) in sequences.iter().enumerate() {
            let second = SENT.second + 10 * u32::try_from(at).unwrap();
            let sent = Sent { second, sequence, ..SENT };
            bytes.extend(match format {
                Format::Ipfix => ipfix(sent, &[template(300, &iana(&SESSION)), data.clone()]),
                _ => netflow9(sent, &[template9(300, &iana(&SESSION)), data.clone()]),
            });
        }
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 2 * sequences.len());
        got.rejects
            .iter()
            .map(|(reject, event)| {
                assert_eq!(reject.reason, RejectReason::EventsLost);
                (event.time.unwrap().range().to_string(), usize::try_from(reject.line).unwrap())
            })
            .collect()
    };
    let gap = ("@1700000000.000000/@1700000011.000000".to_owned(), 2);
    assert_eq!(lost(Format::Ipfix, &[0, 2, 4]), []);
    assert_eq!(lost(Format::Ipfix, &[0, 3, 5]), std::slice::from_ref(&gap));
    assert_eq!(lost(Format::Netflow9, &[0, 1, 2]), []);
    assert_eq!(lost(Format::Netflow9, &[0, 3, 4]), [gap]);
    // The counter runs over; the exporter begins anew; it does not count; a message is late.
    assert_eq!(lost(Format::Ipfix, &[u32::MAX - 1, 0, 2]), []);
    assert_eq!(lost(Format::Ipfix, &[70_000, 0, 2]), []);
    assert_eq!(lost(Format::Ipfix, &[0, 0, 0]), []);
    assert_eq!(lost(Format::Ipfix, &[0, 4, 2, 6]).len(), 1);
}

#[test]
fn what_flows_without_translation_lose_is_no_loss_of_ours() {
    let fields = [(8, 4), (12, 4), (4, 1), (7, 2), (11, 2)];
    let data = set(300, &record(&[INSIDE, FAR, U8(6), U16(51_000), U16(443)]));
    let bytes: Vec<u8> = [0, 50, 99]
        .iter()
        .flat_map(|&sequence| {
            ipfix(Sent { sequence, ..SENT }, &[template(300, &iana(&fields)), data.clone()])
        })
        .collect();
    let got = read(Format::Ipfix, Dialect::Rfc8158, &bytes);
    assert!(got.reasons().iter().all(|&reason| reason == RejectReason::NoTranslation));
}

#[test]
fn every_cut_of_a_stream_yields_only_events_that_were_whole() {
    for format in [Format::Ipfix, Format::Netflow9] {
        let message = |sequence: u32| match format {
            Format::Ipfix => ipfix(
                Sent { sequence, ..SENT },
                &[template(300, &iana(&SESSION)), set(300, &session(4)), set(300, &session(5))],
            ),
            _ => netflow9(
                Sent { sequence, ..SENT },
                &[template9(300, &iana(&SESSION)), set(300, &session(4)), set(300, &session(5))],
            ),
        };
        let whole = [message(0), message(if format == Format::Ipfix { 2 } else { 1 })].concat();
        let all = read(format, Dialect::Rfc8158, &whole);
        assert_eq!((all.events.len(), all.rejects.len()), (4, 0));
        for len in 0..whole.len() {
            let got = read(format, Dialect::Rfc8158, &whole[..len]);
            assert!(got.events.len() <= 4, "{len}");
            for (cut, whole) in got.events.iter().zip(&all.events) {
                assert_eq!(
                    (cut.kind, cut.ports, &cut.inside),
                    (whole.kind, whole.ports, &whole.inside)
                );
            }
            let ends_between_sets = got.rejects.is_empty();
            assert!(ends_between_sets || got.reasons().len() == 1, "{len}: {:?}", got.reasons());
        }
    }
}

#[test]
fn the_stream_is_found_again_behind_bytes_that_are_no_message() {
    for format in [Format::Ipfix, Format::Netflow9] {
        let message = match format {
            Format::Ipfix => ipfix(SENT, &[template(300, &iana(&SESSION)), set(300, &session(4))]),
            _ => netflow9(SENT, &[template9(300, &iana(&SESSION)), set(300, &session(4))]),
        };
        let bytes = [&message[..], b"what is this\0\x09\0\x0a", &message, &message].concat();
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 3, "{format} {:?}", got.reasons());
        assert!(!got.rejects.is_empty());
    }
    let other = netflow9(SENT, &[template9(300, &iana(&SESSION)), set(300, &session(4))]);
    assert_eq!(read(Format::Ipfix, Dialect::Rfc8158, &other).refused(), RejectReason::BadMessage);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in [Format::Ipfix, Format::Netflow9] {
            for dialect in Dialect::ALL {
                read(format, dialect, &bytes);
            }
        }
    }

    #[test]
    fn no_change_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_ipfix in any::<bool>(),
    ) {
        let mut fields = iana(&SESSION);
        fields.push(Field(284, 0, if is_ipfix { u16::MAX } else { 4 }));
        let data = [session(4), record(&[Variable("abc")])].concat();
        let format = if is_ipfix { Format::Ipfix } else { Format::Netflow9 };
        let mut bytes = if is_ipfix {
            ipfix(SENT, &[template(300, &fields), set(300, &data), set(300, &data)])
        } else {
            netflow9(SENT, &[template9(300, &fields), set(300, &data), set(300, &data)])
        };
        bytes = [bytes.clone(), bytes].concat();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        for dialect in Dialect::ALL {
            read(format, dialect, &bytes);
        }
    }
}
