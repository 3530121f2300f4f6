//! Nokia 7750 SR.

use portledger::natlog::{Dialect, EventKind, Format};

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
