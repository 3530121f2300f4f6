//! The traffic log in the Common Event Format.
//!
//! ```text
//! CEF:0|Palo Alto Networks|PAN-OS|10.2.1|end|TRAFFIC|1|rt=Nov 02 2026 03:04:06 GMT src=100.64.0.7 dst=198.51.100.4
//!     sourceTranslatedAddress=203.0.113.9 cs3=vsys1 cn1=725 spt=50001 dpt=443 sourceTranslatedPort=20001 proto=tcp
//!     start=Nov 02 2026 03:04:05 GMT reason=aged-out
//! ```
//!
//! The log service turns subtype and type around (`|LF|2.0|TRAFFIC|end|3|`) and names the zone of its times (`dtz=UTC`).

use super::super::cef;
use super::{Places, place};
use crate::natlog::RejectReason;
use crate::natlog::values::{Refusal, end_of};

/// What CEF calls them.
const CEF_NAMES: [(&[u8], usize); 16] = [
    (b"rt", place::RECEIVED),
    (b"PanOSSessionStartTime", place::START),
    (b"start", place::GENERATED),
    (b"src", place::SRC),
    (b"dst", place::DST),
    (b"sourceTranslatedAddress", place::NAT_SRC),
    (b"destinationTranslatedAddress", place::NAT_DST),
    (b"suser", place::USER),
    (b"cs3", place::VSYS),
    (b"cn1", place::SESSION),
    (b"spt", place::SPORT),
    (b"dpt", place::DPORT),
    (b"sourceTranslatedPort", place::NAT_SPORT),
    (b"destinationTranslatedPort", place::NAT_DPORT),
    (b"proto", place::PROTO),
    (b"reason", place::END_REASON),
];

/// A record in CEF.
pub(super) struct Cef<'a> {
    pub(super) fields: Places<'a>,
    /// Its times are in UTC.
    pub(super) is_utc: bool,
    /// Nothing can be missing at the end.
    pub(super) is_whole: bool,
}

/// `Palo Alto Networks|PAN-OS|10.2|end|TRAFFIC|1|src=...`
pub(super) fn read<'a>(line: &'a [u8], text: &'a [u8]) -> Result<Cef<'a>, Refusal<'a>> {
    let mut rest = text;
    let mut header: [&[u8]; 6] = [&[]; 6];
    for field in &mut header {
        (*field, rest) = cef::header_field(rest).ok_or((RejectReason::CutShort, end_of(line)))?;
    }
    let subtype = match header {
        [_, _, _, subtype, b"TRAFFIC", _] | [_, _, _, b"TRAFFIC", subtype, _] => subtype,
        [_, _, _, _, kind, _] => return Err((RejectReason::NotNat, kind)),
    };
    let mut fields: Places<'_> = [&[]; place::END_REASON + 1];
    let mut is_utc = false;
    let last = cef::pairs(rest, |key, value| {
        is_utc |= key == b"dtz" && value == b"UTC";
        let name = CEF_NAMES.iter().find(|(name, _)| *name == key);
        match name.and_then(|(_, at)| fields.get_mut(*at)) {
            Some(slot) if slot.is_empty() => *slot = value,
            Some(_) => return Err((RejectReason::RepeatedField, value)),
            None => {}
        }
        Ok(())
    })?;
    // Times come last, a start behind the other.
    let is_there = |at: usize| fields.get(at).is_some_and(|text| !text.is_empty());
    let is_whole = is_there(place::GENERATED)
        && is_there(place::SPORT)
        && is_there(place::PROTO)
        && !CEF_NAMES.iter().any(|(name, _)| *name == last);
    if let Some(slot) = fields.get_mut(place::SUBTYPE) {
        *slot = subtype;
    }
    Ok(Cef { fields, is_utc, is_whole })
}
