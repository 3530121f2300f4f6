//! Cisco ASA: NSEL.

use portledger::Timestamp;
use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

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
