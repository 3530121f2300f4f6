//! Nokia 7750 SR.

use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

#[test]
fn nokia_s_source_is_the_public_side() {
    let nokia = |time: u16, name: &'static str| {
        let mut fields = iana(&[(148, 8), (8, 4), (12, 4), (7, 2), (11, 2), (time, 8), (4, 1)]);
        fields.extend([Field(91, 637, 2), Field(93, 637, u16::MAX)]);
        let mut values = record(&[
            U64(77),
            OUTSIDE,
            FAR,
            U16(1027),
            U16(443),
            MILLIS,
            U8(6),
            U16(100),
            Variable(name),
        ]);
        if time == 152 {
            values.push(0);
        }
        one(Format::Ipfix, Dialect::Nokia, &fields, &values)
    };
    let added = nokia(152, "alice@100.64.0.10");
    let event = added.only();
    assert_eq!(event.kind, EventKind::SessionCreate);
    assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.10%100");
    assert_eq!(
        (event.outside.unwrap().octets(), event.login.as_deref()),
        ([203, 0, 113, 7], Some("alice"))
    );
    let gone = nokia(153, "LSN-Host@100.64.0.10");
    assert_eq!((gone.only().kind, gone.only().login.as_deref()), (EventKind::SessionDelete, None));
    let named = nokia(153, "alice");
    assert_eq!(named.only().inside.as_ref().unwrap().to_string(), "name:alice");
}

/// `template-format format2`: the public side has fields of its own.
#[test]
fn the_second_format_of_nokia_names_both_sides() {
    let nokia = |fields: &[(u16, u16)], values: &[Value]| {
        let mut fields = iana(fields);
        fields.extend([Field(91, 637, 2), Field(92, 637, 2), Field(93, 637, u16::MAX)]);
        let name = Variable("LSN-Host@100.64.0.10\0\0\0\0");
        let values = [values, &[U16(2), U16(500), name]].concat();
        one(Format::Ipfix, Dialect::Nokia, &fields, &record(&values))
    };
    let ends = [(148, 8), (225, 4), (12, 4), (7, 2), (227, 2), (11, 2)];
    let values = [U64(77), OUTSIDE, FAR, U16(51_000), U16(1027), U16(443)];
    for (more, last, kind) in [
        (vec![(152, 8), (4, 1), (210, 1)], vec![MILLIS, U8(6), U8(0)], EventKind::SessionCreate),
        (vec![(4, 1), (136, 1), (153, 8)], vec![U8(6), U8(1), MILLIS], EventKind::SessionDelete),
    ] {
        let got = nokia(&[&ends[..], &more].concat(), &[&values[..], &last].concat());
        let event = got.only();
        assert_eq!((event.kind, event.flow_id, event.login.as_deref()), (kind, Some(77), None));
        assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.10%2");
        assert_eq!(event.inside_port, Some(51_000));
        assert_eq!(event.outside.unwrap().octets(), [203, 0, 113, 7]);
        assert_eq!(event.ports.unwrap().to_string(), "1027");
        assert_eq!(event.destination.unwrap().to_string(), "192.0.2.80:443");
        assert_eq!(event.time.unwrap().start().as_microsecond(), 1_700_000_000_123_000);
    }
    // Both formats at once is neither.
    let both = [(8, 4), (7, 2), (225, 4), (227, 2), (4, 1), (152, 8)];
    let got = nokia(&both, &[INSIDE, U16(1), OUTSIDE, U16(2), U8(6), MILLIS]);
    assert_eq!(got.refused(), RejectReason::DialectMismatch);
    // Without a public port nobody is named.
    let portless = [(225, 4), (7, 2), (4, 1), (152, 8)];
    let got = nokia(&portless, &[OUTSIDE, U16(1), U8(6), MILLIS]);
    assert_eq!(got.refused(), RejectReason::MissingField);
}

#[test]
fn the_kind_of_a_host_is_no_login() {
    let named = |name| {
        let mut fields = iana(&[(8, 4), (7, 2), (4, 1), (152, 8)]);
        fields.push(Field(93, 637, u16::MAX));
        let values = [OUTSIDE, U16(1027), U8(6), MILLIS, Variable(name)];
        let got = one(Format::Ipfix, Dialect::Nokia, &fields, &record(&values));
        let event = got.only();
        (event.inside.as_ref().unwrap().to_string(), event.login.as_deref().map(str::to_owned))
    };
    let nobody = |inside: &str| (inside.to_owned(), None);
    assert_eq!(named("LSN-Host@100.64.0.10"), nobody("100.64.0.10"));
    assert_eq!(named("[LSN-Host@100.64.0.10]"), nobody("100.64.0.10"));
    assert_eq!(named("NAT64-Sub@2001:db8:cc::"), nobody("2001:db8:cc::"));
    let alice = ("100.64.0.10".to_owned(), Some("alice@isp.example".to_owned()));
    assert_eq!(named("alice@isp.example@100.64.0.10"), alice);
}
