//! What the dialects share: fields -> the parts of an event.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::{Event, EventKind, RejectReason};
use super::fields::{End, Fields};
use super::scope::Realms;
use crate::allocation::Destination;
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, WrittenTime};

/// The microseconds after which a counter of milliseconds of four bytes begins anew.
const TURN: i64 = (1 << 32) * 1000;

/// One record on its way to an event.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) fields: &'a mut Fields,
    pub(super) realms: &'a mut Realms,
    pub(super) event: &'a mut Event,
    /// When the message was sent.
    pub(super) exported: WrittenTime,
    /// How long the exporter had been up then, milliseconds; NetFlow 9 only.
    pub(super) uptime: Option<u32>,
}

pub(super) type Outcome = Result<(), RejectReason>;

impl Record<'_> {
    /// One flow, or one mapping towards any destination.
    pub(super) fn session(&mut self, kind: EventKind) -> Outcome {
        let fields = &*self.fields;
        let protocol = fields.protocol.map(Protocol::new);
        let Some(outside) = fields.post_source.address() else {
            return Err(match fields.post_source {
                End { v6: Some(_), .. } => RejectReason::Ipv6Translation,
                // Zeros: it was left as it was.
                End { v4: Some(_), .. } => RejectReason::NoTranslation,
                _ => RejectReason::MissingField,
            });
        };
        untranslated(fields)?;
        if fields.origin == Some(2) {
            // Begun by the outside: the source is that.
            return Err(RejectReason::DestinationTranslation);
        }
        let (ports, inside_port) = match (protocol, fields.post_source.port) {
            (Some(p), _) if !p.has_ports() => (PortRange::ALL, None),
            (Some(p), Some(0)) if p != Protocol::ICMP => return Err(RejectReason::BadPort),
            (_, Some(port)) => (PortRange::single(port), fields.source.port),
            (_, None) => return Err(RejectReason::NoTranslatedPort),
        };
        self.event.destination = destination(fields, protocol);
        self.event.outside = Some(outside);
        self.event.ports = Some(ports);
        self.event.inside_port = inside_port;
        self.event.protocol = protocol;
        self.begin(kind)
    }

    /// A range of ports.
    pub(super) fn block(&mut self, kind: EventKind) -> Outcome {
        let outside = self.fields.post_source.address();
        self.event.outside = Some(outside.ok_or(RejectReason::MissingField)?);
        self.event.ports = Some(range(self.fields)?);
        self.event.protocol = self.fields.protocol.map(Protocol::new);
        self.begin(kind)
    }

    /// An inside host and its public address.
    pub(super) fn address(&mut self, kind: EventKind) -> Outcome {
        let outside = self.fields.post_source.address();
        self.event.outside = Some(outside.ok_or(RejectReason::MissingField)?);
        self.begin(kind)
    }

    /// What every event has: who, and what the NAT says beside it.
    pub(super) fn begin(&mut self, kind: EventKind) -> Outcome {
        self.event.kind = kind;
        self.event.inside = Some(self.inside()?);
        self.event.flow_id = self.fields.flow_id;
        self.event.login = self.fields.user.take();
        self.event.pool = match (self.fields.pool_name.take(), self.fields.pool_id) {
            (None, Some(id)) => Some(id.to_string().into_boxed_str()),
            (name, _) => name,
        };
        Ok(())
    }

    fn inside(&mut self) -> Result<InsideHost, RejectReason> {
        match (self.fields.source.v6, self.fields.source.address()) {
            (Some(addr), inner @ Some(_)) => Ok(InsideHost::B4 { addr, inner }),
            (Some(addr), None) => Ok(InsideHost::V6(addr)),
            (None, Some(addr)) => {
                let inner = self.fields.inner_realm.as_deref();
                let inner = inner.filter(|_| self.fields.vrf.is_none_or(|vrf| vrf == 0));
                let name = self.fields.vrf_name.as_deref().or(inner);
                let realm = self.realms.of(self.fields.vrf, self.fields.instance, name);
                Ok(InsideHost::V4 { addr, realm })
            }
            (None, None) => Err(RejectReason::MissingField),
        }
    }

    /// An instant that the device gives in milliseconds since it was started.
    ///
    /// The header says in whole seconds when the message was sent, so the start is known to a second only. Counters of
    /// four bytes run over every 49.7 days: the instant is that one which is nearest to the message.
    pub(super) fn since_boot(&self, uptime: Option<u64>) -> Option<WrittenTime> {
        let uptime = i64::try_from(uptime?).ok()?;
        let (base, after) = match (self.fields.boot, self.uptime) {
            (Some(boot), _) => (boot, uptime),
            (None, Some(now)) => (self.exported, uptime.checked_sub(i64::from(now))?),
            (None, None) => return None,
        };
        let at = base.start().plus(TimeDelta::from_microsecond(after.checked_mul(1000)?));
        let turns = if uptime > i64::from(u32::MAX) {
            0
        } else {
            let ahead = self.exported.start().since(at).as_microsecond();
            ahead.saturating_add(TURN / 2).div_euclid(TURN)
        };
        let at = at.plus(TimeDelta::from_microsecond(turns.checked_mul(TURN)?));
        Some(WrittenTime::new(at, base.resolution_microsecond()))
    }
}

/// Whether the fields are those of NAT64: an IPv6 source that is no tunnel.
pub(super) fn is_nat64(fields: &Fields) -> bool {
    fields.source.v6.is_some() && fields.source.address().is_none()
}

/// Refuses a flow whose source is what it was.
pub(super) fn untranslated(fields: &Fields) -> Outcome {
    if fields.source.v6.is_some() || differs(fields.source, fields.post_source) {
        return Ok(());
    }
    Err(if differs(fields.far, fields.post_far) {
        RejectReason::DestinationTranslation
    } else {
        RejectReason::NoTranslation
    })
}

/// Whether an end was translated.
pub(super) fn differs(before: End, after: End) -> bool {
    let Some(post) = after.address() else { return false };
    let Some(addr) = before.address() else { return true };
    let ports = before.port.zip(after.port);
    addr != post || ports.is_some_and(|(port, post)| port != post)
}

/// Why a record without a NAT event of the dialect is none.
pub(super) fn without_event(fields: &Fields) -> RejectReason {
    let has_post = fields.post_source != End::default() || fields.post_far != End::default();
    let others = (fields.firewall_event.is_some() && has_post)
        || fields.old_event.is_some()
        || fields.nokia_name.is_some()
        || fields.first.is_some();
    let has_far = fields.far.address().is_some() || fields.far.v6.is_some();
    let has_source = fields.source.v4.is_some() || fields.source.v6.is_some();
    // Every flow has a far side; a delete of CGv6 has none.
    if others || (!has_far && has_source && fields.source.port.is_some()) {
        return RejectReason::DialectMismatch;
    }
    flow(fields).err().unwrap_or(RejectReason::DialectMismatch)
}

/// Whether a flow record says which public port the flow had; why not.
pub(super) fn flow(fields: &Fields) -> Outcome {
    if fields.post_source.address().is_none() {
        return Err(if fields.post_source.v6.is_some() {
            RejectReason::Ipv6Translation
        } else if differs(fields.far, fields.post_far) {
            RejectReason::DestinationTranslation
        } else {
            RejectReason::NoTranslation
        });
    }
    untranslated(fields)?;
    let has_ports = fields.protocol.is_none_or(|p| Protocol::new(p).has_ports());
    if has_ports && fields.post_source.port.is_none() {
        return Err(RejectReason::NoTranslatedPort);
    }
    Ok(())
}

/// The far side as the world sees it.
pub(super) fn destination(fields: &Fields, protocol: Option<Protocol>) -> Option<Destination> {
    let (addr, port) = match (fields.post_far.address(), fields.far.address()) {
        (Some(addr), _) => (addr, fields.post_far.port.or(fields.far.port)),
        (None, Some(addr)) => (addr, fields.far.port),
        (None, None) => (embedded(fields.far.v6?)?, fields.far.port),
    };
    // A far ICMP identifier says nothing, and port zero is none.
    let has_port = protocol.is_none_or(|p| p.has_ports() && p != Protocol::ICMP);
    Some(Destination { addr, port: port.filter(|port| has_port && *port != 0) })
}

/// The IPv4 address in the well-known prefix of RFC 6052.
fn embedded(addr: Ipv6Addr) -> Option<Ipv4Addr> {
    match addr.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

/// The ports of a block: an end, or a step and a count (RFC 8158, section 8); zeros stand for the one that is not used.
fn range(fields: &Fields) -> Result<PortRange, RejectReason> {
    let first = fields.first.ok_or(RejectReason::MissingField)?;
    let counts = (fields.step, fields.count);
    let end = fields.last.filter(|&last| last != 0 || counts == (None, None));
    let (step, count) =
        if end.is_some() && matches!(counts, (Some(0), Some(0))) { (None, None) } else { counts };
    let counted = match (step, count) {
        (_, Some(0)) => return Err(RejectReason::BadPort),
        (_, Some(1)) => Some(first),
        (Some(1), Some(count)) => Some(first.checked_add(count - 1).ok_or(RejectReason::BadPort)?),
        (None, Some(count)) if end.is_some() => {
            Some(first.checked_add(count - 1).ok_or(RejectReason::BadPort)?)
        }
        (Some(0), Some(_)) | (Some(2..), _) => return Err(RejectReason::PortStep),
        _ => None,
    };
    let last = match (end, counted) {
        (Some(last), Some(counted)) if last != counted => return Err(RejectReason::BadPort),
        (last, counted) => last.or(counted).ok_or(RejectReason::MissingField)?,
    };
    PortRange::new(first, last).map_err(|_| RejectReason::BadPort)
}
