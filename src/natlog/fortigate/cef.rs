//! The same records in the Common Event Format.
//!
//! ```text
//! CEF:0|Fortinet|Fortigate|v7.4.3|00013|traffic:forward close|3|FTNTFGTlogid=0000000013 cat=traffic:forward FTNTFGTvd=root
//!     FTNTFGTeventtime=1793588645123456789 src=100.64.0.7 spt=50001 dst=198.51.100.4 dpt=443 externalId=402 proto=6
//!     act=close FTNTFGTtrandisp=snat sourceTranslatedAddress=203.0.113.9 sourceTranslatedPort=20001 FTNTFGTduration=2
//! ```
//!
//! Old releases have the duration in a custom number, `cn1=2 cn1Label=Duration`, and no time but that of the frame.

use super::super::cef;
use super::{KEYS, Values};
use crate::natlog::RejectReason;
use crate::natlog::values::{Refusal, end_of, find};

const MARK: &[u8] = b"|Fortinet|Forti";
/// How far into a line its header may begin.
const HEADER: usize = 256;

/// The keys that CEF has its own names for.
const NAMES: [(&[u8], &[u8]); 12] = [
    (b"src", b"srcip"),
    (b"spt", b"srcport"),
    (b"dst", b"dstip"),
    (b"dpt", b"dstport"),
    (b"proto", b"proto"),
    (b"act", b"action"),
    (b"externalId", b"sessionid"),
    (b"suser", b"user"),
    (b"sourceTranslatedAddress", b"transip"),
    (b"sourceTranslatedPort", b"transport"),
    (b"destinationTranslatedAddress", b"tranip"),
    (b"destinationTranslatedPort", b"tranport"),
];

/// The pairs behind the header, where the line is of that form.
pub(super) fn extension(line: &[u8]) -> Result<Option<&[u8]>, Refusal<'_>> {
    // The header comes early: other lines are not searched to their end.
    let begin = line.get(..HEADER).unwrap_or(line);
    let Some(at) = find(begin, MARK).filter(|&at| find(line, b"CEF:").is_some_and(|cef| cef < at))
    else {
        return Ok(None);
    };
    let mut rest = line.get(at + 1..).unwrap_or_default();
    // Vendor, product, version, id, name, severity.
    for _ in 0..6 {
        let (_, behind) = cef::header_field(rest).ok_or((RejectReason::CutShort, end_of(line)))?;
        rest = behind;
    }
    Ok(Some(rest))
}

/// Fills in the pairs; whether nothing can be missing at their end.
pub(super) fn read<'a>(extension: &'a [u8], fields: &mut Values<'a>) -> Result<bool, Refusal<'a>> {
    let (mut number, mut label): (Option<&[u8]>, &[u8]) = (None, &[]);
    let mut is_own = false;
    let _ = cef::pairs(extension, |key, value| {
        let common = NAMES.iter().find(|(name, _)| *name == key).map(|(_, ours)| *ours);
        let ours = common.or(key.strip_prefix(b"FTNTFGT")).unwrap_or(match key {
            b"cat" => key,
            _ => b"",
        });
        is_own = KEYS.contains(&ours) || matches!(key, b"cn1" | b"cn1Label");
        match key {
            b"cn1" => number = Some(value),
            b"cn1Label" => label = value,
            b"cat" if value.starts_with(b"traffic") => fields.put(b"type", b"traffic")?,
            _ => {}
        }
        fields.put(ours, value)
    })?;
    if label == b"Duration"
        && let Some(number) = number
        && fields.get(b"duration").is_none()
    {
        fields.put(b"duration", number)?;
    }
    Ok(!is_own)
}
