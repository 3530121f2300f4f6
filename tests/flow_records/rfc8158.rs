//! RFC 8158: what the fields of an event say.

use portledger::inside::Realm;
use portledger::natlog::{Dialect, EventKind, Format, ReaderOptions, RejectReason, ndjson};
use portledger::{Protocol, Timestamp};

use crate::room::*;

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
    // Zeros for what is not used.
    assert_eq!(both(1279, 0, 0), Ok("1024-1279".to_owned()));
    assert_eq!(both(0, 1, 256), Ok("1024-1279".to_owned()));
    assert_eq!(both(0, 0, 0), Err(RejectReason::BadPort));
    assert_eq!(both(1279, 0, 256), Err(RejectReason::PortStep));
    assert_eq!(ports(&[first, last], &[U16(1024), U16(0)]), Err(RejectReason::BadPort));
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
    // The realm of the inside is bytes that the NAT chooses: a name, or a number of any length.
    assert_eq!(inside(&[(8, 4), (464, 8)], &[INSIDE, Text("blue", 8)]), "100.64.0.10%blue");
    assert_eq!(inside(&[(8, 4), (464, 4)], &[INSIDE, U32(7)]), "100.64.0.10%7");
    assert_eq!(inside(&[(8, 4), (464, 4)], &[INSIDE, U32(0)]), "100.64.0.10");
    assert_eq!(inside(&[(8, 4), (234, 4), (464, 4)], &[INSIDE, U32(9), U32(7)]), "100.64.0.10%9");
    let realm = V6("2001:db8::1");
    assert_eq!(
        inside(&[(8, 4), (464, 16)], &[INSIDE, realm]),
        "100.64.0.10%20010db8000000000000000000000001"
    );
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

/// The outside began it: the source is some host of the world, whatever it was translated to.
#[test]
fn a_session_from_outside_names_no_inside_host() {
    let fields = [SESSION.as_slice(), &[(229, 1)]].concat();
    let from = |origin| {
        let record = [&session(4)[..], &[origin]].concat();
        one(Format::Ipfix, Dialect::Rfc8158, &iana(&fields), &record)
    };
    assert_eq!(from(1).only().kind, EventKind::SessionCreate);
    assert_eq!(from(2).refused(), RejectReason::DestinationTranslation);
}
