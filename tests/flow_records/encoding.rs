//! How fields are sent: shorter, longer, finer, of variable length, padded.

use portledger::Timestamp;
use portledger::natlog::{Dialect, Event, Format, RejectReason};
use proptest::prelude::*;

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
    let three = [values("a"), values(""), values("b")].concat();
    let got = one(Format::Ipfix, Dialect::Rfc8158, &fields, &three);
    let pools: Vec<_> = got.events.iter().map(|e| e.pool.as_deref()).collect();
    assert_eq!((pools, got.reasons()), (vec![Some("a"), None, Some("b")], vec![]));
    // Cut within the string: what was whole stands.
    let cut = &three[..three.len() - 1];
    let got = one(Format::Ipfix, Dialect::Rfc8158, &fields, cut);
    assert_eq!((got.events.len(), got.reasons()), (2, vec![RejectReason::BadMessage]));
    // A length of three bytes.
    let session = session(4);
    let (time, rest) = session.split_at(8);
    let long = [time, &[255, 0, 3], b"abc", rest, time, &[255, 0, 0], rest].concat();
    let got = one(Format::Ipfix, Dialect::Rfc8158, &fields, &long);
    let pools: Vec<_> = got.events.iter().map(|e| e.pool.as_deref()).collect();
    assert_eq!((pools, got.reasons()), (vec![Some("abc"), None], vec![]));
}

#[test]
fn a_field_of_no_length_says_nothing() {
    for format in [Format::Ipfix, Format::Netflow9] {
        // An application of no length stops the decoder, without a word.
        for number in [95, 94, 234, 148, 284] {
            let mut fields = iana(&[(number, 0)]);
            fields.extend(iana(&SESSION));
            let two = [session(4), session(5)].concat();
            let got = one(format, Dialect::Rfc8158, &fields, &two);
            assert_eq!((got.events.len(), got.reasons()), (2, vec![]), "{format} {number}");
            assert_eq!(got.events[1].ports.unwrap().to_string(), "1027");
        }
    }
}

#[test]
fn strings_of_variable_length_stand_in_netflow_9_too() {
    let mut fields = iana(&SESSION);
    fields.push(Field(284, 0, u16::MAX));
    let two = [session(1), record(&[Variable("a")]), session(2), record(&[Variable("")])].concat();
    let got = one(Format::Netflow9, Dialect::Cisco, &fields, &two);
    let pools: Vec<_> = got.events.iter().map(|e| e.pool.as_deref()).collect();
    assert_eq!((pools, got.reasons()), (vec![Some("a"), None], vec![]));
}

#[test]
fn a_time_of_another_unit_is_no_time() {
    let ntp = (1_700_000_000_u64 + 2_208_988_800) << 32 | 1 << 31;
    let at = |format, number, time: u64| {
        let mut fields = SESSION;
        fields[0] = (number, 8);
        let record = [&time.to_be_bytes(), &session(4)[8..]].concat();
        one(format, Dialect::Rfc8158, &iana(&fields), &record)
    };
    for format in [Format::Ipfix, Format::Netflow9] {
        for number in [324, 325] {
            let got = at(format, number, ntp);
            let time = got.only().time.unwrap();
            assert_eq!(time.start().as_microsecond(), 1_700_000_000_500_000, "{format}");
            // Microseconds from 1970.
            let got = at(format, number, 1_700_000_000_123_456);
            assert_eq!(got.refused(), RejectReason::BadTime);
            assert_eq!(
                got.rejects[0].1.time.unwrap().start(),
                Timestamp::from_second(1_700_000_000)
            );
        }
        for (number, time) in
            [(323, 1_700_000_000), (323, 1_700_000_000_123_456), (322, 1_700_000_000_123)]
        {
            assert_eq!(at(format, number, time).refused(), RejectReason::BadTime, "{number}");
        }
        // Zero is none, and the header's stands for it.
        let got = at(format, 323, 0);
        assert_eq!(got.only().time.unwrap().start(), Timestamp::from_second(1_700_000_000));
    }
}

#[test]
fn a_time_sent_twice_is_the_finer_one_and_no_contradiction() {
    let fields = [&[(322, 4)], &SESSION[..]].concat();
    let with = |second: u32| {
        let record = [&second.to_be_bytes()[..], &session(4)].concat();
        one(Format::Ipfix, Dialect::Rfc8158, &iana(&fields), &record)
    };
    let got = with(1_700_000_000);
    assert_eq!(got.only().time.unwrap().start().as_microsecond(), 1_700_000_000_123_000);
    assert_eq!(with(1_700_000_001).refused(), RejectReason::RepeatedField);
}

/// Fields of every type that concerns us, at the lengths they may have.
const KINDS: [(u16, &[u16]); 24] = [
    (4, &[1, 2]),
    (7, &[1, 2, 4]),
    (8, &[4]),
    (11, &[2]),
    (12, &[4]),
    (27, &[16]),
    (28, &[16]),
    (148, &[3, 4, 8]),
    (152, &[4, 8]),
    (154, &[8]),
    (225, &[4]),
    (226, &[4]),
    (227, &[2, 3]),
    (228, &[2]),
    (229, &[1]),
    (233, &[1]),
    (234, &[1, 4]),
    (236, &[8]),
    (284, &[5]),
    (323, &[6, 8]),
    (361, &[2]),
    (362, &[2]),
    (364, &[1, 2]),
    (464, &[4, 9]),
];

proptest! {
    /// A field of no length makes the decoder leave the set to ours, and it does not see a message of records alone: all
    /// read the same.
    #[test]
    fn both_decoders_read_the_same(
        picked in proptest::sample::subsequence(KINDS.to_vec(), 4..KINDS.len()).prop_shuffle(),
        event in 0..20_u8,
        lens in any::<[prop::sample::Index; 24]>(),
        bytes in proptest::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 500),
        is_ipfix in any::<bool>(),
        dialect in proptest::sample::select(Dialect::ALL.to_vec()),
    ) {
        let mut fields = iana(&[(230, 1)]);
        for (at, (number, widths)) in picked.iter().enumerate() {
            fields.push(Field(*number, 0, *lens[at].get(widths)));
        }
        let len = fields.iter().map(|field| usize::from(field.2)).sum::<usize>() - 1;
        let record = [&[event], &bytes[..len], &[event], &bytes[len..2 * len]].concat();
        let format = if is_ipfix { Format::Ipfix } else { Format::Netflow9 };
        let theirs = one(format, dialect, &fields, &record);
        let apart = if is_ipfix {
            let data = ipfix(SENT, &[set(300, &record)]);
            [ipfix(SENT, &[template(300, &fields)]), data].concat()
        } else {
            let data = netflow9(SENT, &[set(300, &record)]);
            [netflow9(SENT, &[template9(300, &fields)]), data].concat()
        };
        let apart = read(format, dialect, &apart);
        fields.push(Field(95, 0, 0));
        let ours = one(format, dialect, &fields, &record);
        let placeless = |events: &[Event]| -> Vec<Event> {
            events.iter().map(|e| Event { span: Event::default().span, ..e.clone() }).collect()
        };
        prop_assert_eq!(placeless(&ours.events), placeless(&theirs.events));
        prop_assert_eq!(ours.reasons(), theirs.reasons());
        prop_assert_eq!(ours.events.len() + ours.rejects.len(), 2);
        // It is the second message.
        let first: Vec<Event> = apart.events.iter().map(|e| Event { line: 1, ..e.clone() }).collect();
        prop_assert_eq!(placeless(&first), placeless(&theirs.events));
        prop_assert_eq!(apart.reasons(), theirs.reasons());
    }
}
