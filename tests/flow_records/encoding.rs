//! How fields are sent: shorter, longer, finer, of variable length, padded.

use portledger::natlog::{Dialect, Format, RejectReason};

use crate::room::*;

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
