//! Cisco ASA: NSEL. Every connection is logged, translated or not; the number of the connection (148) pairs its
//! records, and a delete carries the start.

use super::super::{EventKind, RejectReason};
use super::record::{Outcome, Record, flow, without_event};

/// Reads a record.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &*record.fields;
    if fields.nat_event.is_some() {
        return Err(RejectReason::DialectMismatch);
    }
    let Some(event) = fields.firewall_event.or(fields.old_event) else {
        return Err(without_event(fields));
    };
    let kind = match event {
        1 => EventKind::SessionCreate,
        2 => EventKind::SessionDelete,
        5 => EventKind::Update,
        // Ignored, denied, alert.
        0 | 3 | 4 => return Err(RejectReason::OtherEvent),
        _ => return Err(RejectReason::UnknownEvent),
    };
    flow(fields)?;
    if kind == EventKind::SessionDelete {
        record.event.start = fields.start;
    }
    record.session(kind)
}
