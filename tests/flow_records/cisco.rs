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
