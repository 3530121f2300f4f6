//! The same numbers of events, from maker to maker.

use portledger::natlog::{Dialect, EventKind, Format, RejectReason};

use crate::room::*;

#[test]
fn the_same_numbers_mean_other_events_to_other_makers() {
    use EventKind::*;
    let v4 = iana(&SESSION);
    let v6: Vec<Field> = iana(&[(323, 8), (230, 1), (27, 16), (225, 4), (4, 1), (7, 2), (227, 2)]);
    let nat64 = |event| record(&[MILLIS, U8(event), B4, OUTSIDE, U8(17), U16(5000), U16(1924)]);
    let block = iana(&[(323, 8), (230, 1), (8, 4), (225, 4), (361, 2), (362, 2)]);
    let ports = |event| record(&[MILLIS, U8(event), INSIDE, OUTSIDE, U16(1024), U16(1279)]);
    let bind = iana(&[(323, 8), (230, 1), (8, 4), (225, 4)]);
    let pair = |event| record(&[MILLIS, U8(event), INSIDE, OUTSIDE]);
    let means = |dialect, fields: &[Field], record: &[u8]| {
        let got = one(Format::Ipfix, dialect, fields, record);
        match &got.events[..] {
            [] => Err(got.refused()),
            _ => Ok(got.only().kind),
        }
    };
    let odd = Err(RejectReason::DialectMismatch);
    let other = Err(RejectReason::OtherEvent);
    let unknown = Err(RejectReason::UnknownEvent);
    for (event, rfc, junos, cisco) in [
        (1, odd, Ok(SessionCreate), Ok(SessionCreate)),
        (2, odd, Ok(SessionDelete), Ok(SessionDelete)),
        (3, other, other, other),
        (4, Ok(SessionCreate), odd, odd),
        (5, Ok(SessionDelete), odd, odd),
        (6, odd, Ok(PortCreate), odd),
        (7, odd, Ok(PortDelete), odd),
        (8, Ok(PortCreate), odd, odd),
        (9, Ok(PortDelete), odd, odd),
        (10, odd, other, odd),
        (12, odd, Ok(AddressBind), odd),
        (13, odd, Ok(AddressRelease), odd),
        (18, other, unknown, odd),
        (19, unknown, unknown, unknown),
        (0, unknown, unknown, unknown),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &v4, &session(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &v4, &session(event)), junos, "junos {event}");
        assert_eq!(means(Dialect::Cisco, &v4, &session(event)), cisco, "cisco {event}");
        for dialect in [Dialect::Cgv6, Dialect::Asa, Dialect::Nokia, Dialect::Fortios] {
            assert_eq!(means(dialect, &v4, &session(event)), odd, "{dialect} {event}");
        }
    }
    for (event, rfc, junos) in [
        (4, odd, Ok(SessionCreate)),
        (5, odd, Ok(SessionDelete)),
        (6, Ok(SessionCreate), odd),
        (7, Ok(SessionDelete), odd),
        (8, odd, Ok(PortCreate)),
        (9, odd, Ok(PortDelete)),
        (10, Ok(PortCreate), other),
        (11, Ok(PortDelete), other),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &v6, &nat64(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &v6, &nat64(event)), junos, "junos {event}");
    }
    for (event, rfc, junos, cisco) in [
        (1, odd, odd, Ok(BlockAlloc)),
        (2, odd, odd, Ok(BlockRelease)),
        (4, odd, odd, odd),
        (14, odd, Ok(BlockAlloc), odd),
        (15, odd, Ok(BlockRelease), odd),
        (16, Ok(BlockAlloc), odd, odd),
        (17, Ok(BlockRelease), odd, odd),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &block, &ports(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &block, &ports(event)), junos, "junos {event}");
        assert_eq!(means(Dialect::Cisco, &block, &ports(event)), cisco, "cisco {event}");
    }
    for (event, rfc, junos) in [
        (14, Ok(AddressBind), odd),
        (15, Ok(AddressRelease), odd),
        (16, odd, odd),
        (12, odd, Ok(AddressBind)),
    ] {
        assert_eq!(means(Dialect::Rfc8158, &bind, &pair(event)), rfc, "rfc8158 {event}");
        assert_eq!(means(Dialect::Junos, &bind, &pair(event)), junos, "junos {event}");
    }
}

#[test]
fn a_log_that_fits_no_dialect_by_default_is_told_which_it_would_fit() {
    use portledger::natlog::ReaderOptions;
    use portledger::natlog::detect::Detected;
    // Event 1 of field 230 is a create to Cisco, and historic to RFC 8158.
    let sets = [template(300, &iana(&SESSION)), set(300, &session(1))];
    let found = Detected::of(&ipfix(SENT, &sets), true, &ReaderOptions::new());
    assert_eq!(found.candidates, []);
    let error = found.sole().unwrap_err().to_string();
    assert!(error.contains("--format ipfix --dialect cisco (1 events)"), "{error}");
    assert!(!error.contains("rfc8158"), "{error}");
}
