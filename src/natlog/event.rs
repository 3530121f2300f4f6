//! What one log record says, before anything is paired.

use std::fmt;
use std::net::Ipv4Addr;

use super::RejectReason;
use crate::allocation::{Destination, Span};
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, WrittenTime};

/// What happened.
///
/// # Text form
///
/// The names in the table are those of the `event` key of our own `csv` and `ndjson`.
///
/// | kind | text |
/// |---|---|
/// | [`SessionCreate`](EventKind::SessionCreate), [`SessionDelete`](EventKind::SessionDelete) | `session_create`, `session_delete` |
/// | [`PortCreate`](EventKind::PortCreate), [`PortDelete`](EventKind::PortDelete) | `port_create`, `port_delete` |
/// | [`BlockAlloc`](EventKind::BlockAlloc), [`BlockRelease`](EventKind::BlockRelease) | `block_alloc`, `block_release` |
/// | [`Update`](EventKind::Update), [`BlockInterim`](EventKind::BlockInterim) | `update`, `block_interim` |
/// | [`Allocation`](EventKind::Allocation) | `allocation` |
/// | [`DeviceRestart`](EventKind::DeviceRestart) | `device_restart` |
/// | [`SessionSeen`](EventKind::SessionSeen) | `session_seen` |
/// | [`AddressBind`](EventKind::AddressBind), [`AddressRelease`](EventKind::AddressRelease) | `addr_binding_create`, `addr_binding_delete` |
/// | [`HostRelease`](EventKind::HostRelease) | `host_release` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A flow got a public port.
    #[default]
    SessionCreate,
    /// A flow gave its public port back.
    SessionDelete,
    /// A mapping towards any destination was made (EIM, BIB).
    PortCreate,
    /// A mapping towards any destination was removed.
    PortDelete,
    /// A range of ports was given to an inside host.
    BlockAlloc,
    /// A range of ports was taken back.
    BlockRelease,
    /// A flow is still there, and had a packet just now.
    Update,
    /// A block is still held.
    BlockInterim,
    /// A finished allocation: `start` and `stop` say all there is.
    Allocation,
    /// The device lost all its mappings.
    DeviceRestart,
    /// A flow was seen to use a public port, in a log that never says when flows end.
    SessionSeen,
    /// An inside host was paired with a public address, whose ports it shares with others: no port is held yet.
    AddressBind,
    /// An inside host was parted from its public address.
    AddressRelease,
    /// Everything that an inside host held was given back, without a record for each.
    HostRelease,
}

impl EventKind {
    /// Every kind, in the order of the text forms above.
    pub const ALL: [EventKind; 14] = [
        EventKind::SessionCreate,
        EventKind::SessionDelete,
        EventKind::PortCreate,
        EventKind::PortDelete,
        EventKind::BlockAlloc,
        EventKind::BlockRelease,
        EventKind::Update,
        EventKind::BlockInterim,
        EventKind::Allocation,
        EventKind::DeviceRestart,
        EventKind::SessionSeen,
        EventKind::AddressBind,
        EventKind::AddressRelease,
        EventKind::HostRelease,
    ];

    /// The name used in our own formats.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::SessionCreate => "session_create",
            EventKind::SessionDelete => "session_delete",
            EventKind::PortCreate => "port_create",
            EventKind::PortDelete => "port_delete",
            EventKind::BlockAlloc => "block_alloc",
            EventKind::BlockRelease => "block_release",
            EventKind::Update => "update",
            EventKind::BlockInterim => "block_interim",
            EventKind::Allocation => "allocation",
            EventKind::DeviceRestart => "device_restart",
            EventKind::SessionSeen => "session_seen",
            EventKind::AddressBind => "addr_binding_create",
            EventKind::AddressRelease => "addr_binding_delete",
            EventKind::HostRelease => "host_release",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The last state of a TCP flow that a tracker prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "SCREAMING_SNAKE_CASE"))]
#[expect(missing_docs, reason = "the names are those of RFC 9293 and nf_conntrack")]
pub enum TcpState {
    None,
    SynSent,
    SynSent2,
    SynRecv,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    Listen,
}

impl TcpState {
    /// Every state.
    pub const ALL: [TcpState; 11] = [
        TcpState::None,
        TcpState::SynSent,
        TcpState::SynSent2,
        TcpState::SynRecv,
        TcpState::Established,
        TcpState::FinWait,
        TcpState::CloseWait,
        TcpState::LastAck,
        TcpState::TimeWait,
        TcpState::Close,
        TcpState::Listen,
    ];

    /// The name as conntrack prints it, `SYN_SENT`.
    pub const fn name(self) -> &'static str {
        match self {
            TcpState::None => "NONE",
            TcpState::SynSent => "SYN_SENT",
            TcpState::SynSent2 => "SYN_SENT2",
            TcpState::SynRecv => "SYN_RECV",
            TcpState::Established => "ESTABLISHED",
            TcpState::FinWait => "FIN_WAIT",
            TcpState::CloseWait => "CLOSE_WAIT",
            TcpState::LastAck => "LAST_ACK",
            TcpState::TimeWait => "TIME_WAIT",
            TcpState::Close => "CLOSE",
            TcpState::Listen => "LISTEN",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<TcpState> {
        TcpState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One record of a NAT log, as it stands: nothing added, nothing paired.
///
/// What a source does not say is `None`; a missing field is compatible with everything and never a default value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The stamp of the record. For a release this is when it was logged; see `stop` for the real end.
    pub time: Option<WrittenTime>,
    /// The stamp that a relay or an export header put beside the device's own one in `time`: another clock.
    pub header_time: Option<WrittenTime>,
    /// Why the record's stamps are left out, where they needed a zone or year that nobody named.
    pub unplaced: Option<RejectReason>,
    /// The protocol; none where a block serves all of them.
    pub protocol: Option<Protocol>,
    /// Who uses the public ports.
    pub inside: Option<InsideHost>,
    /// The port (ICMP: echo identifier) on the inside.
    pub inside_port: Option<u16>,
    /// The public address.
    pub outside: Option<Ipv4Addr>,
    /// The public port or ports (ICMP: echo identifier); every port for a protocol that has none.
    pub ports: Option<PortRange>,
    /// The far side as the world sees it.
    pub destination: Option<Destination>,
    /// The start that the record itself carries (a release with its start, a finished allocation).
    pub start: Option<WrittenTime>,
    /// The end that the record carries beside its stamp (a kernel's stop, the end of a finished allocation).
    pub stop: Option<WrittenTime>,
    /// The timeout that the record prints, in seconds: how long the flow lives on without another packet.
    pub timeout_second: Option<u32>,
    /// The TCP state that the record prints.
    pub state: Option<TcpState>,
    /// On a release, whether something cut the flow short (`true`) or it expired by itself (`false`); none where
    /// the source does not tell.
    pub killed: Option<bool>,
    /// The source's own number for the flow; reused over time, so never a key by itself.
    pub flow_id: Option<u64>,
    /// The subscriber name that the NAT itself logs beside the inside address.
    pub login: Option<Box<str>>,
    /// The pool that the address came from.
    pub pool: Option<Box<str>>,
    /// Where the record stands in its stream.
    pub span: Span,
    /// The number of its line (or datagram), from 1.
    pub line: u64,
    /// Which record of that line (or datagram) it is, from 1.
    pub record: u32,
}

impl Event {
    /// The finished allocation's time, where the event is one.
    pub fn held(&self) -> Option<TimeRange> {
        match (self.kind, self.start, self.stop) {
            (EventKind::Allocation, Some(start), Some(stop)) => {
                TimeRange::new(start.start(), stop.start()).ok()
            }
            (EventKind::Allocation, Some(start), None) => Some(TimeRange::since(start.start())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_inverse_names() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::from_name("create"), None);
        for state in TcpState::ALL {
            assert_eq!(TcpState::from_name(state.name()), Some(state));
        }
    }
}
