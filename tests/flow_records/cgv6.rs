//! Cisco `CGv6`.

use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

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
