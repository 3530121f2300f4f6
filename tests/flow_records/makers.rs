//! The layouts that makers document, one record each, as the event that it says.

use portledger::natlog::{Dialect, Event, Format, RejectReason};

use crate::room::*;

/// A field, its length, its value.
type Sent = (u16, Value);

const HOST: Value = V6("2001:db8::10");
const FAR6: Value = V6("64:ff9b::c000:250");

fn len(value: Value) -> u16 {
    u16::try_from(record(&[value]).len()).unwrap()
}

/// What an event says: who, the public side, the far side.
fn said(event: &Event) -> String {
    let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} {} {}:{} {}",
        event.kind,
        or(event.protocol.map(|p| p.number().to_string())),
        or(event.inside.as_ref().map(ToString::to_string)),
        or(event.inside_port.map(|p| p.to_string())),
        or(event.outside.map(|a| a.to_string())),
        or(event.ports.map(|p| p.to_string())),
        or(event.destination.map(|d| d.to_string())),
    )
}

fn read_one(format: Format, dialect: Dialect, sent: &[Sent]) -> Result<String, RejectReason> {
    let fields: Vec<Field> = sent.iter().map(|&(id, value)| Field(id, 0, len(value))).collect();
    let values: Vec<Value> = sent.iter().map(|&(_, value)| value).collect();
    let got = one(format, dialect, &fields, &record(&values));
    if got.events.is_empty() { Err(got.refused()) } else { Ok(said(got.only())) }
}

const PORTS: [Sent; 2] = [(7, U16(51_000)), (227, U16(1027))];
const TCP: Sent = (4, U8(6));
const BLOCK: [Sent; 2] = [(361, U16(1024)), (362, U16(1535))];

/// IOS-XR (`cnat_logging.h` of FD.io's vcgn): events are told by the fields, at the second of the header.
#[test]
fn every_template_of_cgv6() {
    let vrfs = [(234, U32(1)), (235, U32(2))];
    let vrf = [(234, U32(1))];
    let v4 = [(8, INSIDE)];
    let b4 = [(8, INSIDE), (27, B4)];
    let v6 = [(27, HOST)];
    let out = [(225, OUTSIDE)];
    let far = [(12, FAR), (11, U16(443))];
    let far6 = [(28, FAR6), (11, U16(443))];
    let port = [PORTS[0]];
    let first = [BLOCK[0]];
    let tcp = [TCP];
    let tests: [(&[&[Sent]], &str); 16] = [
        (&[&vrfs, &v4, &out, &PORTS, &tcp], "port_create 6 100.64.0.10%1 51000 203.0.113.7:1027 -"),
        (&[&vrf, &v4, &port, &tcp], "port_delete 6 100.64.0.10%1 51000 -:- -"),
        (&[&v6, &out, &PORTS, &tcp], "port_create 6 2001:db8::10 51000 203.0.113.7:1027 -"),
        (&[&v6, &port, &tcp], "port_delete 6 2001:db8::10 51000 -:- -"),
        (
            &[&v6, &out, &far6, &[(226, FAR)], &PORTS, &tcp],
            "session_create 6 2001:db8::10 51000 203.0.113.7:1027 192.0.2.80:443",
        ),
        (&[&v6, &far6, &port, &tcp], "session_delete 6 2001:db8::10 51000 -:- 192.0.2.80:443"),
        (&[&vrfs, &v4, &out, &BLOCK], "block_alloc - 100.64.0.10%1 - 203.0.113.7:1024-1535 -"),
        (&[&vrf, &v4, &first], "block_release - 100.64.0.10%1 - -:1024 -"),
        (
            &[&vrfs, &b4, &out, &PORTS, &tcp],
            "port_create 6 b4[2001:db8::b4]100.64.0.10 51000 203.0.113.7:1027 -",
        ),
        (&[&vrf, &b4, &port, &tcp], "port_delete 6 b4[2001:db8::b4]100.64.0.10 51000 -:- -"),
        (
            &[&vrfs, &b4, &out, &BLOCK],
            "block_alloc - b4[2001:db8::b4]100.64.0.10 - 203.0.113.7:1024-1535 -",
        ),
        (&[&vrf, &b4, &first], "block_release - b4[2001:db8::b4]100.64.0.10 - -:1024 -"),
        (
            &[&vrfs, &v4, &out, &PORTS, &far, &tcp],
            "session_create 6 100.64.0.10%1 51000 203.0.113.7:1027 192.0.2.80:443",
        ),
        (
            &[&vrf, &v4, &far, &port, &tcp],
            "session_delete 6 100.64.0.10%1 51000 -:- 192.0.2.80:443",
        ),
        (
            &[&vrfs, &b4, &out, &PORTS, &far, &tcp],
            "session_create 6 b4[2001:db8::b4]100.64.0.10 51000 203.0.113.7:1027 192.0.2.80:443",
        ),
        (
            &[&vrf, &b4, &far, &port, &tcp],
            "session_delete 6 b4[2001:db8::b4]100.64.0.10 51000 -:- 192.0.2.80:443",
        ),
    ];
    for (parts, says) in tests {
        let got = read_one(Format::Netflow9, Dialect::Cgv6, &parts.concat());
        assert_eq!(got.as_deref(), Ok(says));
    }
}

/// FD.io VPP (`nat/lib/ipfix_logging.c`): RFC 8158, without far side for NAT44.
#[test]
fn every_template_of_vpp() {
    let vpp = |event: u8, parts: &[&[Sent]]| {
        let head = [(323, MILLIS), (230, U8(event))];
        read_one(Format::Ipfix, Dialect::Rfc8158, &[&head[..], &parts.concat()].concat())
    };
    let (v4, v6, out) = ([(8, INSIDE)], [(27, HOST)], [(225, OUTSIDE), (4, U8(17))]);
    let vrf = [(234, U32(0))];
    let says = |text: &str| Ok(text.to_owned());
    assert_eq!(
        vpp(4, &[&v4, &out, &PORTS, &vrf]),
        says("session_create 17 100.64.0.10 51000 203.0.113.7:1027 -")
    );
    assert_eq!(
        vpp(11, &[&v6, &out, &PORTS, &vrf]),
        says("port_delete 17 2001:db8::10 51000 203.0.113.7:1027 -")
    );
    let far = [(28, FAR6), (226, FAR), (11, U16(53)), (228, U16(53))];
    assert_eq!(
        vpp(6, &[&v6, &out, &PORTS, &far, &vrf]),
        says("session_create 17 2001:db8::10 51000 203.0.113.7:1027 192.0.2.80:53")
    );
    let other = Err(RejectReason::OtherEvent);
    assert_eq!(vpp(3, &[&[(283, U32(1))]]), other);
    // Quotas: of sessions, of mappings, of a user, of fragments; in whichever order of bytes.
    for quota in [0x0100_0000, 2, 3, 5, 6] {
        assert_eq!(vpp(13, &[&[(466, U32(quota)), (471, U32(9))]]), other);
        assert_eq!(vpp(13, &[&[(466, U32(quota)), (473, U32(9))], &v4]), other);
        assert_eq!(vpp(13, &[&[(466, U32(quota)), (475, U32(9))], &v6]), other);
    }
}

/// Who counts 1 and 2 like Cisco: ipt-netflow, `xt_NAT` (without time), F5 (with its realm), Huawei's `NetStream`.
#[test]
fn creates_and_deletes_by_one_and_two() {
    let cisco = |format, parts: &[&[Sent]]| read_one(format, Dialect::Cisco, &parts.concat());
    let ends = [(8, INSIDE), (225, OUTSIDE), TCP, PORTS[0], PORTS[1]];
    let far = [(12, FAR), (11, U16(443))];
    let post = [(226, FAR), (228, U16(443))];
    let time = [(323, MILLIS)];
    let (create, delete) = ([(230, U8(1))], [(230, U8(2))]);
    let created = "session_create 6 100.64.0.10 51000 203.0.113.7:1027 192.0.2.80:443";
    let deleted = "session_delete 6 100.64.0.10 51000 203.0.113.7:1027 192.0.2.80:443";
    for format in [Format::Ipfix, Format::Netflow9] {
        let got = cisco(format, &[&time, &ends, &far, &post, &create]);
        assert_eq!(got.as_deref(), Ok(created));
        let got = cisco(format, &[&ends, &far, &delete]);
        assert_eq!(got.as_deref(), Ok(deleted));
        // F5 writes zeros where it hides the far side.
        let hidden = [(12, V4([0; 4])), (11, U16(0)), (229, U8(1)), (234, U32(0)), (235, U32(0))];
        let got = cisco(format, &[&time, &hidden, &ends, &create]);
        assert_eq!(got.as_deref(), Ok("session_create 6 100.64.0.10 51000 203.0.113.7:1027 -"));
        let vlan = [(58, U16(5)), (351, U64(1))];
        let got = cisco(format, &[&time, &vlan, &ends, &far, &post, &create]);
        assert_eq!(got.as_deref(), Ok(created));
    }
    // Begun by the outside: the inside host is the translated destination.
    let inbound =
        [(8, FAR), (12, OUTSIDE), (226, INSIDE), TCP, (7, U16(443)), (229, U8(2)), (230, U8(1))];
    assert_eq!(cisco(Format::Ipfix, &[&time, &inbound]), Err(RejectReason::MissingField));
}

/// `FortiOS` tells each direction of a connection; the one back names no public port of an inside host.
#[test]
fn one_direction_of_a_flow_names_the_inside() {
    let times = [(22, U32(900_000)), (21, U32(990_000)), TCP];
    let forth = [(8, INSIDE), (12, FAR), (7, U16(51_000)), (11, U16(443))];
    let forth_post = [(225, OUTSIDE), (226, V4([0; 4])), (227, U16(1027)), (228, U16(0))];
    let back = [(8, FAR), (12, INSIDE), (7, U16(443)), (11, U16(51_000))];
    let back_post = [(225, V4([0; 4])), (226, OUTSIDE), (227, U16(0)), (228, U16(1027))];
    let flow = |parts: &[&[Sent]]| read_one(Format::Netflow9, Dialect::Fortios, &parts.concat());
    assert_eq!(
        flow(&[&times, &forth, &forth_post]).as_deref(),
        Ok("allocation 6 100.64.0.10 51000 203.0.113.7:1027 192.0.2.80:443")
    );
    assert_eq!(flow(&[&times, &back, &back_post]), Err(RejectReason::DestinationTranslation));
}
