//! Flows with their translation (`FortiOS`, `RouterOS`, PAN-OS): no NAT events. A record says from when to when packets were
//! seen, so it is a finished allocation of that time; what the NAT held longer, no record says.

use super::super::{EventKind, RejectReason};
use super::record::{Outcome, Record, flow};
use crate::protocol::Protocol;

/// Reads a record.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &*record.fields;
    if fields.nat_event.is_some()
        || fields.old_event.is_some()
        || fields.nokia_name.is_some()
        || fields.first.is_some()
    {
        return Err(RejectReason::DialectMismatch);
    }
    // PAN-OS says beside its times what became of the connection.
    if fields.firewall_event == Some(3) {
        return Err(RejectReason::OtherEvent);
    }
    flow(fields)?;
    // Flows of ICMP without an identifier have zeros in its place.
    let is_echo = fields.protocol == Some(Protocol::ICMP.number());
    if is_echo && fields.source.port.is_none() && fields.post_source.port == Some(0) {
        return Err(RejectReason::NoTranslatedPort);
    }
    let start = fields.start.or_else(|| record.since_boot(fields.start_uptime));
    let end = fields.end.or_else(|| record.since_boot(fields.end_uptime));
    let (Some(start), Some(end)) = (start, end) else { return Err(RejectReason::NoStamp) };
    if end.start() < start.start() {
        return Err(RejectReason::BadTime);
    }
    record.event.start = Some(start);
    record.event.stop = Some(end);
    record.event.time = None;
    record.session(EventKind::Allocation)
}
