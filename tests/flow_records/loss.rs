//! Messages that are missing, cut, or none.

use portledger::natlog::{Dialect, Format, RejectReason};
use proptest::prelude::*;

use crate::room::*;

/// IPFIX counts records, NetFlow 9 messages.
#[test]
fn messages_that_the_counters_miss_are_a_loss_with_its_time() {
    let data = set(300, &[session(4), session(5)].concat());
    let lost = |format, sequences: &[u32]| -> Vec<(String, usize)> {
        let mut bytes = Vec::new();
        for (at, &sequence) in sequences.iter().enumerate() {
            let second = SENT.second + 10 * u32::try_from(at).unwrap();
            let sent = Sent { second, sequence, ..SENT };
            bytes.extend(match format {
                Format::Ipfix => ipfix(sent, &[template(300, &iana(&SESSION)), data.clone()]),
                _ => netflow9(sent, &[template9(300, &iana(&SESSION)), data.clone()]),
            });
        }
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 2 * sequences.len());
        got.rejects
            .iter()
            .map(|(reject, event)| {
                assert_eq!(reject.reason, RejectReason::EventsLost);
                (event.time.unwrap().range().to_string(), usize::try_from(reject.line).unwrap())
            })
            .collect()
    };
    let gap = ("@1700000000.000000/@1700000011.000000".to_owned(), 2);
    assert_eq!(lost(Format::Ipfix, &[0, 2, 4]), []);
    assert_eq!(lost(Format::Ipfix, &[0, 3, 5]), std::slice::from_ref(&gap));
    assert_eq!(lost(Format::Netflow9, &[0, 1, 2]), []);
    assert_eq!(lost(Format::Netflow9, &[0, 3, 4]), [gap]);
    // The counter runs over; the exporter begins anew; it does not count; a message is late.
    assert_eq!(lost(Format::Ipfix, &[u32::MAX - 1, 0, 2]), []);
    assert_eq!(lost(Format::Ipfix, &[70_000, 0, 2]), []);
    assert_eq!(lost(Format::Ipfix, &[0, 0, 0]), []);
    assert_eq!(lost(Format::Ipfix, &[0, 4, 2, 6]).len(), 1);
}

#[test]
fn what_flows_without_translation_lose_is_no_loss_of_ours() {
    let fields = [(8, 4), (12, 4), (4, 1), (7, 2), (11, 2)];
    let data = set(300, &record(&[INSIDE, FAR, U8(6), U16(51_000), U16(443)]));
    let bytes: Vec<u8> = [0, 50, 99]
        .iter()
        .flat_map(|&sequence| {
            ipfix(Sent { sequence, ..SENT }, &[template(300, &iana(&fields)), data.clone()])
        })
        .collect();
    let got = read(Format::Ipfix, Dialect::Rfc8158, &bytes);
    assert!(got.reasons().iter().all(|&reason| reason == RejectReason::NoTranslation));
}

#[test]
fn every_cut_of_a_stream_yields_only_events_that_were_whole() {
    for format in [Format::Ipfix, Format::Netflow9] {
        let message = |sequence: u32| match format {
            Format::Ipfix => ipfix(
                Sent { sequence, ..SENT },
                &[template(300, &iana(&SESSION)), set(300, &session(4)), set(300, &session(5))],
            ),
            _ => netflow9(
                Sent { sequence, ..SENT },
                &[template9(300, &iana(&SESSION)), set(300, &session(4)), set(300, &session(5))],
            ),
        };
        let whole = [message(0), message(if format == Format::Ipfix { 2 } else { 1 })].concat();
        let all = read(format, Dialect::Rfc8158, &whole);
        assert_eq!((all.events.len(), all.rejects.len()), (4, 0));
        for len in 0..whole.len() {
            let got = read(format, Dialect::Rfc8158, &whole[..len]);
            assert!(got.events.len() <= 4, "{len}");
            for (cut, whole) in got.events.iter().zip(&all.events) {
                assert_eq!(
                    (cut.kind, cut.ports, &cut.inside),
                    (whole.kind, whole.ports, &whole.inside)
                );
            }
            let ends_between_sets = got.rejects.is_empty();
            assert!(ends_between_sets || got.reasons().len() == 1, "{len}: {:?}", got.reasons());
        }
    }
}

#[test]
fn the_stream_is_found_again_behind_bytes_that_are_no_message() {
    for format in [Format::Ipfix, Format::Netflow9] {
        let message = match format {
            Format::Ipfix => ipfix(SENT, &[template(300, &iana(&SESSION)), set(300, &session(4))]),
            _ => netflow9(SENT, &[template9(300, &iana(&SESSION)), set(300, &session(4))]),
        };
        let bytes = [&message[..], b"what is this\0\x09\0\x0a", &message, &message].concat();
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 3, "{format} {:?}", got.reasons());
        assert!(!got.rejects.is_empty());
    }
    let other = netflow9(SENT, &[template9(300, &iana(&SESSION)), set(300, &session(4))]);
    assert_eq!(read(Format::Ipfix, Dialect::Rfc8158, &other).refused(), RejectReason::BadMessage);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in [Format::Ipfix, Format::Netflow9] {
            for dialect in Dialect::ALL {
                read(format, dialect, &bytes);
            }
        }
    }

    #[test]
    fn no_change_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_ipfix in any::<bool>(),
    ) {
        let mut fields = iana(&SESSION);
        fields.push(Field(284, 0, if is_ipfix { u16::MAX } else { 4 }));
        let data = [session(4), record(&[Variable("abc")])].concat();
        let format = if is_ipfix { Format::Ipfix } else { Format::Netflow9 };
        let mut bytes = if is_ipfix {
            ipfix(SENT, &[template(300, &fields), set(300, &data), set(300, &data)])
        } else {
            netflow9(SENT, &[template9(300, &fields), set(300, &data), set(300, &data)])
        };
        bytes = [bytes.clone(), bytes].concat();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        for dialect in Dialect::ALL {
            read(format, dialect, &bytes);
        }
    }
}
