//! Nokia 7750 SR: the inside host stands behind the `@` of the subscriber's name. A record with a start (152) adds a
//! flow, one with an end (153) takes it away.
//!
//! In the first of its two formats the source is the public side; in the second (`template-format format2`) the public
//! side has fields of its own, and the source port is that of the inside host.

use std::net::IpAddr;
use std::sync::Arc;

use super::super::{EventKind, RejectReason};
use super::fields::End;
use super::record::{Outcome, Record, without_event};
use crate::allocation::Destination;
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::protocol::Protocol;

/// Whether what stands before the `@` is the kind of a host that no subscriber management knows: `LSN-Host`,
/// `NAT64-Sub`.
fn is_kind(login: &str) -> bool {
    let kind = login.strip_suffix("-Host").or_else(|| login.strip_suffix("-Sub"));
    matches!(kind, Some("LSN" | "NAT64" | "DSLite" | "DS-Lite" | "L2Aware" | "L2-Aware"))
}

/// Reads a record.
pub(super) fn read(record: &mut Record<'_>) -> Outcome {
    let fields = &mut *record.fields;
    let Some(name) = fields.nokia_name.take() else {
        let others = fields.nat_event.is_some();
        return Err(if others { RejectReason::DialectMismatch } else { without_event(fields) });
    };
    if fields.nat_event.is_some() {
        return Err(RejectReason::DialectMismatch);
    }
    let (outside, inside_port) = match (fields.source, fields.post_source) {
        (outside, End { v4: None, v6: None, port: None }) => (outside, None),
        (End { v4: None, v6: None, port }, outside) => (outside, port),
        _ => return Err(RejectReason::DialectMismatch),
    };
    let (kind, time) = match (fields.start, fields.end) {
        (Some(start), None) => (EventKind::SessionCreate, start),
        (_, Some(end)) => (EventKind::SessionDelete, end),
        (None, None) => return Err(RejectReason::NoStamp),
    };
    let protocol = Protocol::new(fields.protocol.ok_or(RejectReason::MissingField)?);
    let ports = match outside.port {
        _ if !protocol.has_ports() => PortRange::ALL,
        Some(0) if protocol != Protocol::ICMP => return Err(RejectReason::BadPort),
        Some(port) => PortRange::single(port),
        None => return Err(RejectReason::MissingField),
    };
    let event = &mut *record.event;
    event.outside = Some(outside.address().ok_or(RejectReason::MissingField)?);
    event.ports = Some(ports);
    event.inside_port = inside_port.filter(|_| protocol.has_ports());
    event.protocol = Some(protocol);
    event.destination = fields.far.address().map(|addr| {
        let has_port = protocol.has_ports() && protocol != Protocol::ICMP;
        Destination { addr, port: fields.far.port.filter(|port| has_port && *port != 0) }
    });
    event.kind = kind;
    event.time = Some(time);
    event.start = fields.start.filter(|_| kind == EventKind::SessionDelete);
    event.flow_id = fields.flow_id;
    // As the device's own lists have it: [LSN-Host@10.0.0.1].
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name = bare.map_or(name.clone(), Box::from);
    let (login, host) = match name.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, &*name),
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    event.inside = Some(match address {
        Ok(IpAddr::V4(addr)) => {
            let realm = record.realms.of(fields.nokia_inside, None, None);
            InsideHost::V4 { addr, realm }
        }
        Ok(IpAddr::V6(addr)) => InsideHost::V6(addr),
        Err(_) => InsideHost::Name(Arc::from(&*name)),
    });
    event.login = match address {
        Ok(_) => login.filter(|login| !login.is_empty() && !is_kind(login)).map(Box::from),
        Err(_) => Some(name),
    };
    Ok(())
}
