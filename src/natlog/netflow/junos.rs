//! Junos MX: the event numbers of draft-ietf-behave-ipfix-nat-logging-02.
//!
//! Records of blocks have two observation times: of the event, and then of when the block was given out.

use super::super::{EventKind, RejectReason};
use super::record::{Outcome, Record, is_nat64, without_event};

/// Reads a record.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &*record.fields;
    let Some(event) = fields.nat_event else { return Err(without_event(fields)) };
    let mismatch = Err(RejectReason::DialectMismatch);
    let is_block = fields.first.is_some();
    let given = fields.second_323;
    match (fields.observed, given) {
        (_, None) => {}
        (Some(event), Some(given)) if is_block && given.start() <= event.end() => {}
        // No block is taken back before it is given out.
        _ => return Err(RejectReason::BadTime),
    }
    // NetFlow 9 has but these two for all that is created and deleted; a block has no port of a session.
    let is_netflow9 = record.uptime.is_some();
    if is_netflow9 && is_block && fields.post_source.port.is_none() && matches!(event, 1 | 2) {
        if event == 1 {
            return record.block(EventKind::BlockAlloc);
        }
        record.event.start = given;
        return record.block(EventKind::BlockRelease);
    }
    match event {
        3 | 10 | 11 if !is_block => Err(RejectReason::OtherEvent),
        1 | 2 | 6 | 7 if is_nat64(fields) || is_block => mismatch,
        4 | 5 | 8 | 9 if !is_nat64(fields) || is_block => mismatch,
        12 | 13 if is_block => mismatch,
        14 | 15 if !is_block => mismatch,
        1 | 4 => record.session(EventKind::SessionCreate),
        2 | 5 => record.session(EventKind::SessionDelete),
        6 | 8 => record.session(EventKind::PortCreate),
        7 | 9 => record.session(EventKind::PortDelete),
        12 => record.address(EventKind::AddressBind),
        13 => record.address(EventKind::AddressRelease),
        14 => record.block(EventKind::BlockAlloc),
        15 => {
            record.event.start = given;
            record.block(EventKind::BlockRelease)
        }
        3 | 10 | 11 | 16 | 17 => mismatch,
        _ => Err(RejectReason::UnknownEvent),
    }
}
