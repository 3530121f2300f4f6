//! Cisco HSL and NEL.

use portledger::Protocol;
use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

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

/// VAS Experts (Stingray) send the events of Cisco with fields of enterprise 43823: a session and a login, which
/// is empty for subscribers without one.
#[test]
fn vas_experts_name_the_login() {
    let mut fields = iana(&[(323, 8), (4, 1), (230, 1), (8, 4), (225, 4), (7, 2), (227, 2)]);
    fields.extend(iana(&[(12, 4), (11, 2)]));
    fields.extend([Field(2000, 43_823, 8), Field(2003, 43_823, u16::MAX)]);
    let session = |event, login| {
        let ends = [INSIDE, OUTSIDE, U16(51_000), U16(1027), FAR, U16(443)];
        let head = [MILLIS, U8(17), U8(event)];
        record(&[&head[..], &ends, &[U64(9_000_000_001), Variable(login)]].concat())
    };
    let two = [session(1, "alice"), session(2, ""), session(2, "bob")].concat();
    let got = one(Format::Ipfix, Dialect::Cisco, &fields, &two);
    assert_eq!(got.reasons(), []);
    let logins: Vec<_> = got.events.iter().map(|e| e.login.as_deref()).collect();
    assert_eq!(logins, [Some("alice"), None, Some("bob")]);
    for event in &got.events {
        assert_eq!(event.flow_id, Some(9_000_000_001));
        assert_eq!(event.ports.unwrap().to_string(), "1027");
        assert_eq!(event.destination.unwrap().to_string(), "192.0.2.80:443");
    }
}
