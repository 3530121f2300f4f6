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

/// The counter of milliseconds runs over after 49.7 days.
#[test]
fn a_flow_begun_before_the_counter_ran_over_is_not_one_of_the_future() {
    let fields = [(8, 4), (7, 2), (12, 4), (11, 2), (4, 1), (22, 4), (21, 4), (225, 4), (227, 2)];
    let values = |first, last| {
        let ends = [INSIDE, U16(51_000), FAR, U16(443), U8(6)];
        [&ends[..], &[U32(first), U32(last), OUTSIDE, U16(1027)]].concat()
    };
    let times = |got: &Got| {
        let event = got.only();
        let [start, stop] = [event.start, event.stop].map(|t| t.unwrap().start().as_microsecond());
        (start / 1000, stop / 1000)
    };
    // Two seconds before the counter ran over, that is a thousand seconds before the message.
    let before = u32::MAX - 1999;
    let got =
        one(Format::Netflow9, Dialect::Fortios, &iana(&fields), &record(&values(before, 5000)));
    assert_eq!(times(&got), (1_699_998_998_000, 1_699_999_005_000));
    // A flow that went on while the message was made.
    let got = one(
        Format::Netflow9,
        Dialect::Fortios,
        &iana(&fields),
        &record(&values(999_000, 1_000_400)),
    );
    assert_eq!(times(&got), (1_699_999_999_000, 1_700_000_000_400));
    // The same by the day of the start, 49 days and some before.
    let fields = [&fields[..], &[(160, 8)]].concat();
    let boot = 1_700_000_000_000 - 1_000_000 - (1 << 32);
    let values = [values(before, 5000), vec![U64(boot)]].concat();
    let got = one(Format::Ipfix, Dialect::Fortios, &iana(&fields), &record(&values));
    assert_eq!(times(&got), (1_699_998_998_000, 1_699_999_005_000));
}

#[test]
fn a_flow_of_icmp_without_identifier_holds_no_port() {
    let times = [(152, 8), (153, 8), (8, 4), (12, 4), (4, 1), (225, 4), (227, 2)];
    let values = [MILLIS, U64(1_700_000_000_456), INSIDE, FAR, U8(1), OUTSIDE, U16(0)];
    let got = one(Format::Netflow9, Dialect::Fortios, &iana(&times), &record(&values));
    assert_eq!(got.refused(), RejectReason::NoTranslatedPort);
    let fields = [&times[..], &[(7, 2)]].concat();
    let values = [&values[..6], &[U16(77), U16(9)]].concat();
    let got = one(Format::Netflow9, Dialect::Fortios, &iana(&fields), &record(&values));
    assert_eq!(got.only().ports.unwrap().to_string(), "77");
}

/// PAN-OS adds what became of the connection, and its user, to the times of a flow; an ASA sends no end.
#[test]
fn a_flow_of_pan_os_is_one_like_others() {
    let flow = |times: &[(u16, u16)], event| {
        let ends = [(8, 4), (12, 4), (4, 1), (7, 2), (11, 2), (225, 4), (227, 2), (233, 1)];
        let fields = iana(&[&ends[..], times].concat());
        let values = [INSIDE, FAR, U8(6), U16(51_000), U16(443), OUTSIDE, U16(1027), U8(event)];
        let times = [U32(990_000), U32(900_000)];
        let times = &times[..times.len().min(fields.len() - ends.len())];
        one(Format::Netflow9, Dialect::Fortios, &fields, &record(&[&values[..], times].concat()))
    };
    let both = [(21, 4), (22, 4)];
    for event in [1, 2, 5] {
        let got = flow(&both, event);
        let event = got.only();
        assert_eq!((event.kind, event.inside_port), (EventKind::Allocation, Some(51_000)));
        assert_eq!(event.start.unwrap().start().as_microsecond(), 1_699_999_900_000_000);
        assert_eq!(event.stop.unwrap().start().as_microsecond(), 1_699_999_990_000_000);
    }
    assert_eq!(flow(&both, 3).refused(), RejectReason::OtherEvent);
    assert_eq!(flow(&both[..1], 2).refused(), RejectReason::NoStamp);
}
