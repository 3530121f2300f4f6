//! Cisco `CGv6`: no event and no time in the record. A record with a public address is a create, one without a delete;
//! whether it is of a session, a mapping or a block, its other fields say. Template numbers mean nothing.
//!
//! Deletes carry no public address, so their events have none: what they end is found by inside host, inside port and
//! protocol, or by inside host and first port.

use super::super::{EventKind, RejectReason};
use super::record::{Outcome, Record};
use crate::port::PortRange;
use crate::protocol::Protocol;

/// Reads a record.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &*record.fields;
    if fields.nat_event.is_some() || fields.firewall_event.is_some() || fields.observed.is_some() {
        return Err(RejectReason::DialectMismatch);
    }
    // These records have no times of their own: what has is a flow record of something else.
    let times = [fields.start, fields.end];
    let uptimes = [fields.start_uptime, fields.end_uptime];
    if times.iter().any(Option::is_some) || uptimes.iter().any(Option::is_some) {
        return Err(RejectReason::NoTranslation);
    }
    let is_create = fields.post_source.address().is_some();
    if let Some(first) = fields.first {
        if is_create {
            return record.block(EventKind::BlockAlloc);
        }
        record.event.ports = Some(PortRange::single(first));
        return record.begin(EventKind::BlockRelease);
    }
    let has_far = fields.far.v4.is_some() || fields.far.v6.is_some();
    let (create, delete) = if has_far {
        (EventKind::SessionCreate, EventKind::SessionDelete)
    } else {
        (EventKind::PortCreate, EventKind::PortDelete)
    };
    if is_create {
        return record.session(create);
    }
    let (Some(port), Some(protocol)) = (fields.source.port, fields.protocol) else {
        return Err(RejectReason::MissingField);
    };
    let protocol = Protocol::new(protocol);
    record.event.protocol = Some(protocol);
    record.event.inside_port = protocol.has_ports().then_some(port);
    record.event.destination = super::record::destination(record.fields, Some(protocol));
    record.begin(delete)
}
