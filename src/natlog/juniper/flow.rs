//! `RT_FLOW_SESSION_CREATE`, `_CLOSE` and `_UPDATE`.
//!
//! ```text
//! RT_FLOW: RT_FLOW_SESSION_CLOSE: session closed TCP FIN: 100.64.0.10/5000->192.0.2.10/443 0x0 junos-https
//!     203.0.113.7/20017->192.0.2.10/443 0x0 source rule R N/A N/A 6 POLICY TRUST UNTRUST 178 10(520) 12(840) 249 ...
//! ```
//!
//! Behind the translated pair come the rules: a name each for source and destination, or a type and a name each, where a
//! type is `N/A` or two words. Then protocol, policy, two zones and the number of the session; on a CLOSE two counts
//! of packets and bytes, and the elapsed seconds.

use std::net::IpAddr;

use super::fields::Fields;
use super::{JuniperParser, Record, frame_time};
use crate::allocation::Destination;
use crate::natlog::scan::Cursor;
use crate::natlog::texts::{self, Refusal, split_at_text};
use crate::natlog::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::protocol::Protocol;

/// An address and port of one side.
type End = (IpAddr, u16);

/// A flow, in either form.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub(super) protocol: Protocol,
    pub(super) original: (End, End),
    pub(super) translated: (End, End),
    /// What is to blame where the two do not fit.
    pub(super) blame: &'a [u8],
}

/// What stands beside the flow.
#[derive(Clone, Copy, Default)]
struct Extras<'a> {
    session: &'a [u8],
    elapsed: Option<&'a [u8]>,
    reason: &'a [u8],
    user: &'a [u8],
    system: &'a [u8],
    service_set: &'a [u8],
}

pub(super) fn read<'a>(
    parser: &mut JuniperParser,
    record: &Record<'a, '_>,
    kind: EventKind,
    event: &mut Event,
) -> Result<(), Refusal<'a>> {
    let (flow, extras) = match Fields::new(record.rest) {
        Some(fields) => {
            let found = structured(&fields?)?;
            parser.is_whole = true;
            found
        }
        None => text(parser, record.rest, kind)?,
    };
    // A line that holds no fact needs no stamp to say so.
    translate(event, &flow)?;
    frame_time(record, event)?;
    event.kind = kind;
    event.flow_id = texts::number(extras.session, u64::MAX);
    if kind == EventKind::SessionDelete {
        if let Some(elapsed) = extras.elapsed {
            let bad = (RejectReason::BadValue, elapsed);
            let second = texts::number(elapsed, u64::from(u32::MAX)).ok_or(bad)?;
            event.start = event.time.map(|time| texts::begin(time, second));
        }
        event.killed = killed(extras.reason);
    }
    let is_named = !matches!(extras.user, b"" | b"N/A" | b"UNKNOWN");
    event.login = is_named.then(|| Box::from(String::from_utf8_lossy(extras.user).as_ref()));
    let realm = if extras.system.is_empty() {
        parser.service_set(extras.service_set)?
    } else {
        parser.realms.named(extras.system)?
    };
    event.inside = Some(texts::host(flow.original.0.0, realm));
    Ok(())
}

/// Fills in who got which port, if the source was translated.
pub(super) fn translate<'a>(event: &mut Event, flow: &Flow<'a>) -> Result<(), Refusal<'a>> {
    let (inside, outside) = (flow.original.0, flow.translated.0);
    let far = flow.translated.1;
    let blame = |reason| Err((reason, flow.blame));
    let IpAddr::V4(addr) = outside.0 else {
        return match inside.0 {
            IpAddr::V6(_) if inside != outside => blame(RejectReason::Ipv6Translation),
            IpAddr::V6(_) if flow.original.1 == far => blame(RejectReason::NoTranslation),
            IpAddr::V6(_) => blame(RejectReason::DestinationTranslation),
            IpAddr::V4(_) => blame(RejectReason::BadAddress),
        };
    };
    if inside == outside || addr.is_unspecified() {
        return blame(if flow.original.1 == far || addr.is_unspecified() {
            RejectReason::NoTranslation
        } else {
            RejectReason::DestinationTranslation
        });
    }
    let IpAddr::V4(far_addr) = far.0 else { return blame(RejectReason::BadAddress) };
    let has_ports = flow.protocol.has_ports() && flow.protocol != Protocol::ICMP;
    event.protocol = Some(flow.protocol);
    event.inside_port = has_ports.then_some(inside.1);
    event.outside = Some(addr);
    event.ports = Some(if has_ports { PortRange::single(outside.1) } else { PortRange::ALL });
    event.destination = Some(Destination { addr: far_addr, port: has_ports.then_some(far.1) });
    Ok(())
}

/// Whether the reason of a CLOSE is that nothing came for too long.
fn killed(reason: &[u8]) -> Option<bool> {
    let is = |text: &[u8]| reason.windows(text.len()).any(|w| w.eq_ignore_ascii_case(text));
    if is(b"idle timeout") || is(b"aged out") {
        Some(false)
    } else if reason.is_empty() || is(b"unset") || is(b"N/A") && reason.len() == 3 {
        None
    } else {
        Some(true)
    }
}

fn structured<'a>(fields: &Fields<'a>) -> Result<(Flow<'a>, Extras<'a>), Refusal<'a>> {
    let end = |addr: &[u8], port: &[u8]| {
        let addr = fields.require(addr)?;
        let port = texts::port(fields.require(port)?)?;
        Ok((texts::address(addr)?, port))
    };
    let nat_source = fields.require(b"nat-source-address")?;
    let original = (
        end(b"source-address", b"source-port")?,
        end(b"destination-address", b"destination-port")?,
    );
    // Without a translation some releases leave the field empty.
    let translated = if matches!(nat_source, b"" | b"N/A") {
        original
    } else {
        (
            end(b"nat-source-address", b"nat-source-port")?,
            end(b"nat-destination-address", b"nat-destination-port")?,
        )
    };
    let protocol = match fields.get(b"protocol-id") {
        Some(protocol) => protocol,
        None => fields.require(b"protocol-name")?,
    };
    let flow =
        Flow { protocol: texts::protocol(protocol)?, original, translated, blame: nat_source };
    let get = |key: &[u8]| fields.get(key).unwrap_or_default();
    let extras = Extras {
        session: fields.get(b"session-id").or(fields.get(b"session-id-32")).unwrap_or_default(),
        elapsed: fields.get(b"elapsed-time"),
        reason: get(b"reason"),
        user: get(b"username"),
        system: get(b"logical-system-name"),
        service_set: get(b"service-set-name"),
    };
    Ok((flow, extras))
}

/// `100.64.0.10/5000->192.0.2.10/443`
fn pair(token: &[u8]) -> Result<(End, End), Refusal<'_>> {
    let bad = (RejectReason::BadAddress, token);
    let (near, far) = split_at_text(token, b"->").ok_or(bad)?;
    let end = |text| {
        let (addr, port) = texts::split_last(text, b'/').ok_or(bad)?;
        Ok((texts::address(addr)?, texts::port(port)?))
    };
    Ok((end(near)?, end(far)?))
}

fn text<'a>(
    parser: &mut JuniperParser,
    rest: &'a [u8],
    kind: EventKind,
) -> Result<(Flow<'a>, Extras<'a>), Refusal<'a>> {
    let end = rest.get(rest.len()..).unwrap_or_default();
    let cut = (RejectReason::CutShort, end);
    let mut extras = Extras::default();
    // AppTrack: `AppTrack volume update: `
    let words = split_at_text(rest, b"session ").or_else(|| split_at_text(rest, b" update:"));
    let (prefix, after) = words.ok_or(cut)?;
    let prefix = prefix.trim_ascii();
    if let Some((_, system)) = split_at_text(prefix, b"Lsys ") {
        extras.system = system.trim_ascii().strip_suffix(b":").unwrap_or(system);
    } else if let Some((_, set)) = split_at_text(prefix, b"svc-set-name ") {
        extras.service_set = set.trim_ascii().strip_suffix(b":").unwrap_or(set);
    }
    let mut c = Cursor::new(after);
    let before = after;
    let original = loop {
        c.skip_blanks();
        if c.is_at_end() {
            return Err(cut);
        }
        let at = before.len() - c.rest().len();
        let token = c.token();
        if token.windows(2).any(|w| w == b"->") {
            let reason = before.get(..at).unwrap_or_default().trim_ascii();
            let reason = reason.strip_prefix(b"closed").unwrap_or_default().trim_ascii();
            extras.reason = reason.strip_suffix(b":").unwrap_or(reason);
            break pair(token)?;
        }
    };
    // The service, the tag before it and the applications behind it are a word each.
    let mut skipped = 0;
    let (translated, blame) = loop {
        c.skip_blanks();
        let token = c.token();
        if token.windows(2).any(|w| w == b"->") {
            break (pair(token)?, token);
        }
        skipped += 1;
        if token.is_empty() || skipped > 5 {
            return Err(if c.is_at_end() { cut } else { (RejectReason::MissingField, token) });
        }
    };
    let protocol = rules_and_protocol(&mut c).ok_or((
        if c.is_at_end() { RejectReason::CutShort } else { RejectReason::BadProtocol },
        c.rest(),
    ))?;
    let mut next = || {
        c.skip_blanks();
        c.token()
    };
    let (_policy, _from, _to) = (next(), next(), next());
    extras.session = next();
    let mut last = next();
    if kind != EventKind::SessionCreate {
        // packets(bytes) twice
        let has_counts = last.last() == Some(&b')') && last.contains(&b'(');
        if has_counts && next().last() == Some(&b')') {
            extras.elapsed = Some(next());
            last = next();
        }
    }
    if kind == EventKind::SessionDelete && extras.elapsed.is_none_or(<[u8]>::is_empty) {
        return Err(cut);
    }
    if extras.session.is_empty() {
        return Err(cut);
    }
    parser.is_whole = !last.is_empty();
    Ok((Flow { protocol, original, translated, blame }, extras))
}

/// Moves past the rules and returns the protocol.
fn rules_and_protocol(c: &mut Cursor<'_>) -> Option<Protocol> {
    c.skip_blanks();
    if c.peek_token().starts_with(b"0x") {
        c.token();
        c.skip_blanks();
    }
    for is_typed in [true, false] {
        let mut at = *c;
        let is_read = (0..2).all(|_| {
            if is_typed && at.peek_token() != b"N/A" {
                at.token();
                at.skip_blanks();
                if at.peek_token() != b"rule" {
                    return false;
                }
            }
            if is_typed {
                at.token();
                at.skip_blanks();
            }
            let name = at.token();
            at.skip_blanks();
            !name.is_empty()
        });
        if !is_read {
            continue;
        }
        let token = at.token();
        let mut behind = at;
        behind.skip_blanks();
        if let Ok(protocol) = texts::protocol(token)
            && !behind.is_at_end()
        {
            *c = at;
            return Some(protocol);
        }
    }
    None
}
