//! Cisco HSL and NEL: 1 creates and 2 deletes, sessions and blocks of ports alike. Blocks come once a protocol.

use super::super::{EventKind, RejectReason};
use super::record::{Outcome, Record, without_event};

/// Reads a record.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &*record.fields;
    let Some(event) = fields.nat_event else { return Err(without_event(fields)) };
    match (event, fields.first.is_some()) {
        (1, true) => record.block(EventKind::BlockAlloc),
        (2, true) => record.block(EventKind::BlockRelease),
        (1, false) => record.session(EventKind::SessionCreate),
        (2, false) => record.session(EventKind::SessionDelete),
        (3, _) => Err(RejectReason::OtherEvent),
        (4..=18, _) => Err(RejectReason::DialectMismatch),
        _ => Err(RejectReason::UnknownEvent),
    }
}
