//! Junos MX.

use portledger::Timestamp;
use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

/// Records of blocks say twice when: the event, and the day the block was given out.
#[test]
fn a_block_is_released_at_the_first_of_its_two_times() {
    let fields = [(323, 8), (8, 4), (225, 4), (361, 2), (362, 2), (230, 1), (323, 8)];
    let block = |event, at, given| {
        let values = [U64(at), INSIDE, OUTSIDE, U16(1024), U16(1151), U8(event), U64(given)];
        let of = |format| one(format, Dialect::Junos, &iana(&fields), &record(&values));
        (of(Format::Ipfix), of(Format::Netflow9))
    };
    let (ipfix, netflow9) = block(15, 1_700_000_000_123, 1_699_990_000_000);
    for got in [ipfix, netflow9] {
        let event = got.only();
        assert_eq!(event.kind, EventKind::BlockRelease);
        assert_eq!(event.time.unwrap().start().as_microsecond(), 1_700_000_000_123_000);
        assert_eq!(event.start.unwrap().start(), Timestamp::from_second(1_699_990_000));
        assert_eq!(event.ports.unwrap().to_string(), "1024-1151");
    }
    let (got, _) = block(14, 1_700_000_000_123, 1_700_000_000_123);
    let event = got.only();
    assert_eq!((event.kind, event.start), (EventKind::BlockAlloc, None));
    let (got, _) = block(15, 1_700_000_000_123, 1_700_000_009_000);
    assert_eq!(got.refused(), RejectReason::BadTime);
    // What two times say elsewhere, nobody knows.
    let fields = [&SESSION[..], &[(323, 8)]].concat();
    let two = [&session(4)[..], &1_700_000_009_000_u64.to_be_bytes()].concat();
    let got = one(Format::Ipfix, Dialect::Rfc8158, &iana(&fields), &two);
    assert_eq!(got.refused(), RejectReason::RepeatedField);
}

/// The makers' page for NetFlow 9 knows 1 and 2 alone, for blocks as well.
#[test]
fn in_netflow_9_a_block_is_created_and_deleted_like_a_session() {
    let block = |format, event| {
        let fields = [(323, 8), (230, 1), (8, 4), (225, 4), (361, 2), (362, 2), (284, 64)];
        let pool = Text("pool-a", 64);
        let values = [MILLIS, U8(event), INSIDE, OUTSIDE, U16(1024), U16(1151), pool];
        one(format, Dialect::Junos, &iana(&fields), &record(&values))
    };
    for (event, kind) in [(1, EventKind::BlockAlloc), (2, EventKind::BlockRelease)] {
        let got = block(Format::Netflow9, event);
        assert_eq!((got.only().kind, got.only().pool.as_deref()), (kind, Some("pool-a")));
        assert_eq!(got.only().ports.unwrap().to_string(), "1024-1151");
        assert_eq!(block(Format::Ipfix, event).refused(), RejectReason::DialectMismatch);
    }
}
