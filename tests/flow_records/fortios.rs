//! Flows with their translation.

use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

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
