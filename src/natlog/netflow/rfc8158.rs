//! RFC 8158, and the events of IANA's registry.

use super::super::{EventKind, RejectReason};
use super::record::{Outcome, Record, is_nat64, without_event};

/// Reads a record; other numberings show in the fields that an event comes with.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &*record.fields;
    let Some(event) = fields.nat_event else { return Err(without_event(fields)) };
    let mismatch = Err(RejectReason::DialectMismatch);
    let is_block = fields.first.is_some();
    let binds = fields.post_source.address().is_some()
        && (fields.source.address().is_some() || fields.source.v6.is_some());
    match event {
        // Historic: a create or delete of anything.
        1 | 2 => mismatch,
        // Addresses bound and parted, to Junos.
        12 | 13 if binds && !fields.has_quota => mismatch,
        3 | 12 | 13 | 18 => Err(RejectReason::OtherEvent),
        // IPv6 in the sessions of NAT44, to Junos.
        4 | 5 | 8 | 9 if is_nat64(fields) || is_block => mismatch,
        // IPv4 in those of NAT64.
        6 | 7 | 10 | 11 if !is_nat64(fields) || is_block => mismatch,
        14 | 15 if is_block => mismatch,
        16 | 17 if !is_block => mismatch,
        4 | 6 => record.session(EventKind::SessionCreate),
        5 | 7 => record.session(EventKind::SessionDelete),
        8 | 10 => record.session(EventKind::PortCreate),
        9 | 11 => record.session(EventKind::PortDelete),
        14 => record.address(EventKind::AddressBind),
        15 => record.address(EventKind::AddressRelease),
        16 => record.block(EventKind::BlockAlloc),
        17 => record.block(EventKind::BlockRelease),
        _ => Err(RejectReason::UnknownEvent),
    }
}
