//! The hosts, the fields and the values that the tests share.
#![expect(unreachable_pub, reason = "a room of tests")]

use portledger::natlog::{Dialect, Format};

pub use crate::messages::Value::{Text, U8, U16, U32, U64, V4, V6, Variable};
pub use crate::messages::*;

pub const INSIDE: Value = V4([100, 64, 0, 10]);
pub const OUTSIDE: Value = V4([203, 0, 113, 7]);
pub const FAR: Value = V4([192, 0, 2, 80]);
pub const B4: Value = V6("2001:db8::b4");
/// 2023-11-14T22:13:20.123Z.
pub const MILLIS: Value = U64(1_700_000_000_123);

/// Time, event, inside, outside, protocol, their ports, the far side.
pub const SESSION: [(u16, u16); 9] =
    [(323, 8), (230, 1), (8, 4), (225, 4), (4, 1), (7, 2), (227, 2), (12, 4), (11, 2)];

pub fn session(event: u8) -> Vec<u8> {
    record(&[MILLIS, U8(event), INSIDE, OUTSIDE, U8(6), U16(51_000), U16(1027), FAR, U16(443)])
}

/// One record of these fields.
pub fn one(format: Format, dialect: Dialect, fields: &[Field], record: &[u8]) -> Got {
    let bytes = match format {
        Format::Ipfix => ipfix(SENT, &[template(300, fields), set(300, record)]),
        _ => netflow9(SENT, &[template9(300, fields), set(300, record)]),
    };
    read(format, dialect, &bytes)
}

pub fn rfc8158(fields: &[(u16, u16)], values: &[Value]) -> Got {
    one(Format::Ipfix, Dialect::Rfc8158, &iana(fields), &record(values))
}
