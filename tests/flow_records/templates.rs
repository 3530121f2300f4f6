//! Templates: early records, redefinition, withdrawal, files one behind the other.

use portledger::natlog::{Dialect, Format, Reader, ReaderOptions, RejectReason};

use crate::room::*;

#[test]
fn records_without_template_are_counted_and_none_is_read_by_another_one() {
    let sent = |sequence| Sent { sequence, second: SENT.second + sequence, ..SENT };
    let fields = template(300, &iana(&SESSION));
    let data = set(300, &session(4));
    let early = ipfix(sent(0), std::slice::from_ref(&data));
    let late = ipfix(sent(1), &[fields.clone(), data.clone()]);
    let got = read(Format::Ipfix, Dialect::Rfc8158, &[early, late.clone()].concat());
    assert_eq!((got.events.len(), got.reasons()), (1, vec![RejectReason::NoTemplate]));
    assert!(got.rejects[0].1.time.is_some());
    // Another domain has other templates.
    let other = ipfix(Sent { domain: 8, ..sent(0) }, std::slice::from_ref(&data));
    let got = read(Format::Ipfix, Dialect::Rfc8158, &[late.clone(), other].concat());
    assert_eq!(got.reasons(), [RejectReason::NoTemplate]);
    // The last template counts.
    let mut swapped = SESSION;
    swapped.swap(2, 3);
    let redefined = ipfix(sent(2), &[template(300, &iana(&swapped)), data]);
    let got = read(Format::Ipfix, Dialect::Rfc8158, &[late, redefined].concat());
    let outsides: Vec<String> = got.events.iter().map(|e| e.outside.unwrap().to_string()).collect();
    assert_eq!(outsides, ["203.0.113.7", "100.64.0.10"]);
}

/// Withdrawn, replaced by options, or replaced by what the decoder does not take: no record is read by the old one,
/// neither in the message that says so nor in the next.
#[test]
fn a_template_that_is_gone_reads_nothing() {
    let data = set(300, &session(4));
    let too_many = iana(&vec![(8, 4); 300]);
    let names = iana(&[(234, 4), (236, 24)]);
    let withdrawn = set(2, &[300_u16.to_be_bytes(), 0_u16.to_be_bytes()].concat());
    let options9 = set(1, &[300, 4, 4, 234, 4, 236, 24].map(u16::to_be_bytes).concat());
    let fields = iana(&SESSION);
    for (format, gone) in [
        (Format::Ipfix, withdrawn),
        (Format::Ipfix, options_template(300, &names)),
        (Format::Ipfix, template(300, &too_many)),
        (Format::Netflow9, template9(300, &too_many)),
        (Format::Netflow9, options9),
    ] {
        let message = |sets: &[Vec<u8>]| match format {
            Format::Ipfix => ipfix(SENT, sets),
            _ => netflow9(SENT, sets),
        };
        let first = match format {
            Format::Ipfix => template(300, &fields),
            _ => template9(300, &fields),
        };
        let bytes = [
            message(&[first, data.clone()]),
            message(&[gone, data.clone()]),
            message(std::slice::from_ref(&data)),
        ]
        .concat();
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 1, "{format} {:?}", got.reasons());
    }
}

#[test]
fn a_file_may_need_the_templates_of_the_one_before() {
    let templates = ipfix(SENT, &[template(300, &iana(&SESSION))]);
    let data = ipfix(SENT, &[set(300, &session(4))]);
    let mut first = Reader::new(Format::Ipfix, ReaderOptions::new(), &templates[..]);
    let mut event = portledger::natlog::Event::default();
    assert!(!first.read_event(&mut event).unwrap());
    let mut second = Reader::resume(first.into_learnt(), &data[..]);
    assert!(second.read_event(&mut event).unwrap());
    assert_eq!((event.line, second.events(), second.skipped().total()), (1, 1, 0));
}

/// Some exporters send options whose scope has no length; such a set takes nothing else along.
#[test]
fn options_without_scope_leave_the_rest_of_a_message_as_it_is() {
    let options = set(1, &[301, 0, 8, 41, 8, 42, 8].map(u16::to_be_bytes).concat());
    let fields = template9(300, &iana(&SESSION));
    let counts = set(301, &record(&[U64(5), U64(6)]));
    let data = set(300, &session(1));
    let sent = |sequence| Sent { sequence, ..SENT };
    let bytes = [
        netflow9(sent(0), &[fields, options.clone(), data.clone()]),
        netflow9(sent(1), &[options, counts.clone()]),
        netflow9(sent(2), &[counts, data]),
    ]
    .concat();
    let got = read(Format::Netflow9, Dialect::Cisco, &bytes);
    assert_eq!((got.events.len(), got.reasons()), (2, vec![]));
    assert_eq!(got.events[1].line, 3);
}

/// A set whose one template cannot be read by takes no other one along.
#[test]
fn a_template_that_cannot_be_read_by_is_a_loss_and_leaves_the_others() {
    for format in [Format::Ipfix, Format::Netflow9] {
        let message = |sets: &[Vec<u8>]| match format {
            Format::Ipfix => ipfix(SENT, sets),
            _ => netflow9(SENT, sets),
        };
        let templates = |fields: &[Field]| match format {
            Format::Ipfix => template(300, fields),
            _ => template9(300, fields),
        };
        let other = match format {
            Format::Ipfix => template(302, &iana(&SESSION)),
            _ => template9(302, &iana(&SESSION)),
        };
        let nothing = templates(&iana(&[(95, 0), (94, 0)]));
        let bytes = [
            message(&[templates(&iana(&SESSION)), other]),
            message(&[nothing, set(300, &session(4)), set(302, &session(4))]),
            message(&[set(300, &session(4)), set(302, &session(4))]),
        ]
        .concat();
        let got = read(format, Dialect::Rfc8158, &bytes);
        assert_eq!(got.events.len(), 2, "{format}");
        let [bad, early] = [RejectReason::BadMessage, RejectReason::NoTemplate];
        assert_eq!(got.reasons(), [bad, early, early], "{format}");
    }
}
