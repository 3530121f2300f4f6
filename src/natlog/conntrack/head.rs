//! What stands before the tuples: event, protocol, timeout, state.

use crate::natlog::scan::Cursor;
use crate::natlog::{Event, EventKind, RejectReason, TcpState};
use crate::protocol::Protocol;

/// `[NEW]`, `[UPDATE]` or `[DESTROY]`.
pub(super) fn kind(c: &mut Cursor<'_>) -> Result<EventKind, RejectReason> {
    let before = *c;
    let kind = match c.token() {
        b"[NEW]" => EventKind::SessionCreate,
        b"[UPDATE]" => EventKind::Update,
        b"[DESTROY]" => EventKind::SessionDelete,
        other => {
            *c = before;
            return Err(no_kind(other, c.rest()));
        }
    };
    c.skip_blanks();
    Ok(kind)
}

#[cold]
fn no_kind(token: &[u8], rest: &[u8]) -> RejectReason {
    match (own_message(rest), token) {
        (Some(reason), _) => reason,
        (None, [b'[', .., b']']) => RejectReason::UnknownEvent,
        (None, [b'[', ..]) if token.len() == rest.len() => RejectReason::CutShort,
        _ => RejectReason::NoEvent,
    }
}

/// What conntrack says on its standard error, which many a script sends to the same file.
pub(in crate::natlog) fn own_message(line: &[u8]) -> Option<RejectReason> {
    if line.starts_with(b"WARNING: We have hit ENOBUFS") {
        return Some(RejectReason::EventsLost);
    }
    let own = [
        b"conntrack v".as_slice(),
        b"NOTICE: Netlink socket buffer size",
        b"This message means that the current netlink socket buffer size",
        b"Please, check --buffer-size",
    ];
    own.iter().any(|text| line.starts_with(text)).then_some(RejectReason::ToolMessage)
}

/// `ipv4 2 tcp 6`, `tcp 6`, `unknown 47`.
pub(super) fn protocol(c: &mut Cursor<'_>) -> Result<Protocol, RejectReason> {
    let before = *c;
    let mut name = c.token();
    c.skip_blanks();
    if matches!(name, b"ipv4" | b"ipv6") {
        c.word();
        c.skip_blanks();
        name = c.token();
        c.skip_blanks();
    }
    let number = match c.peek() {
        // NuttX prints the name alone.
        Some(b's') => by_name(name),
        _ => c.word().and_then(|n| u8::try_from(n).ok()).map(Protocol::new),
    };
    let fits = match (name, number) {
        (b"tcp", Some(p)) => p == Protocol::TCP,
        (b"udp", Some(p)) => p == Protocol::UDP,
        (b"icmp", Some(p)) => p == Protocol::ICMP,
        ([first, ..], Some(_)) => first.is_ascii_alphabetic(),
        _ => false,
    };
    match number.filter(|_| fits) {
        Some(protocol) => {
            c.skip_blanks();
            Ok(protocol)
        }
        None if c.is_at_end() => Err(RejectReason::CutShort),
        None => {
            *c = before;
            Err(RejectReason::BadProtocol)
        }
    }
}

#[cold]
fn by_name(name: &[u8]) -> Option<Protocol> {
    match name {
        b"tcp" => Some(Protocol::TCP),
        b"udp" => Some(Protocol::UDP),
        b"icmp" => Some(Protocol::ICMP),
        _ => None,
    }
}

/// What stands between the protocol and the original tuple; true if a state does.
pub(super) fn timeout_and_state(
    c: &mut Cursor<'_>,
    protocol: Protocol,
    event: &mut Event,
) -> Result<bool, RejectReason> {
    if c.peek().is_some_and(|b| b.is_ascii_digit()) {
        let second = c.number(u64::from(u32::MAX)).filter(|_| c.is_at_boundary());
        let second = second.and_then(|n| u32::try_from(n).ok());
        event.timeout_second = Some(second.ok_or(RejectReason::BadValue)?);
        c.skip_blanks();
    }
    let is_state = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let token = c.peek_token();
    let has_state = token.first().is_some_and(u8::is_ascii_uppercase) && token.iter().all(is_state);
    if has_state {
        if protocol == Protocol::TCP {
            event.state = std::str::from_utf8(token).ok().and_then(TcpState::from_name);
            if event.state.is_none() {
                return Err(RejectReason::BadValue);
            }
        }
        c.token();
        c.skip_blanks();
    }
    Ok(has_state)
}
