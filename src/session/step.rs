//! What pairing needs of an event, without the texts.

use std::net::Ipv4Addr;

use super::pending::FlowKey;
use crate::allocation::{Destination, Grain, InsideId, Place, SourceId, Span};
use crate::natlog::{Event, EventKind, TcpState};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::WrittenTime;

/// An event on its way through the assembler: a plain value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    pub(super) kind: EventKind,
    pub(super) time: Option<WrittenTime>,
    pub(super) start: Option<WrittenTime>,
    pub(super) stop: Option<WrittenTime>,
    pub(super) protocol: Option<Protocol>,
    pub(super) inside: Option<InsideId>,
    pub(super) inside_port: Option<u16>,
    pub(super) outside: Option<Ipv4Addr>,
    pub(super) ports: Option<PortRange>,
    pub(super) destination: Option<Destination>,
    pub(super) timeout_second: Option<u32>,
    pub(super) state: Option<TcpState>,
    pub(super) killed: Option<bool>,
    pub(super) flow_id: Option<u64>,
    pub(super) source: SourceId,
    pub(super) span: Span,
}

impl Step {
    pub(super) fn new(source: SourceId, event: &Event, inside: Option<InsideId>) -> Step {
        Step {
            kind: event.kind,
            time: event.time,
            start: event.start,
            stop: event.stop,
            protocol: event.protocol,
            inside,
            inside_port: event.inside_port,
            outside: event.outside,
            ports: event.ports,
            destination: event.destination,
            timeout_second: event.timeout_second,
            state: event.state,
            killed: event.killed,
            flow_id: event.flow_id,
            source,
            span: event.span,
        }
    }

    pub(super) fn place(&self) -> Place {
        Place { source: self.source, span: self.span }
    }

    pub(super) fn grain(&self) -> Grain {
        match self.kind {
            EventKind::BlockAlloc | EventKind::BlockRelease | EventKind::BlockInterim => {
                Grain::Block
            }
            EventKind::Allocation if self.ports.is_some_and(|ports| ports.len() > 1) => {
                Grain::Block
            }
            _ => Grain::Session,
        }
    }

    /// Whether a release may say less than the create of its tenancy did: no public side, no destination, only the
    /// first port of a block.
    pub(super) fn is_short(&self) -> bool {
        match self.kind {
            EventKind::BlockRelease => {
                self.outside.is_none()
                    || self.protocol.is_none()
                    || self.ports.is_none_or(|ports| ports.len() == 1)
            }
            EventKind::PortDelete => {
                self.outside.is_none()
                    || self.ports.is_none()
                    || self.protocol.is_none()
                    || self.inside_port.is_none()
            }
            _ => {
                self.outside.is_none()
                    || self.ports.is_none()
                    || self.protocol.is_none()
                    || self.inside_port.is_none()
                    || self.destination.is_none()
            }
        }
    }

    /// The key that its records share, where it says all of it that is its own.
    pub(super) fn key(&self) -> Option<FlowKey> {
        Some(FlowKey {
            grain: self.grain(),
            protocol: self.protocol,
            addr: self.outside?,
            ports: self.ports?,
            destination: self.destination,
            inside: self.inside?,
            inside_port: self.inside_port,
        })
    }
}
