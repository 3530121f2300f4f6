//! Juniper's NAT logs as syslog: SRX, vSRX and MX-SPC3 (`RT_NAT`, `RT_FLOW`), MS-MPC, MS-MIC and MS-DPC (`JSERVICES_`,
//! `ASP_`), in whatever frames relays make of them.
//!
//! | message | event |
//! |---|---|
//! | `RT_SRC_NAT_PBA_ALLOC`, `_INTERIM`, `_RELEASE` | a block, structured or as text |
//! | `RT_FLOW_SESSION_CREATE`, `_CLOSE`, `_UPDATE`, with `_LS` or `_USF` behind | a flow, structured or as text |
//! | `JSERVICES_NAT_PORT_BLOCK_ALLOC`, `_ACTIVE`, `_RELEASE`, the same with `ASP_` or bare | a block |
//! | `APPTRACK_SESSION_CREATE`, `_CLOSE`, `_VOL_UPDATE`, `_ROUTE_UPDATE` | the same flows, as another log of the box has them |
//! | `JSERVICES_SESSION_OPEN`, `_CLOSE`, `MSVCS_LOG_SESSION_OPEN`, `_CLOSE` | a flow |
//! | `ASP_SFW_CREATE_ACCEPT_FLOW`, `ASP_SFW_DELETE_FLOW` | a flow where a translation is named behind it |
//! | `_RULE_MATCH`, `_DENY`, alarms, exhaustion | in order and no event: no public port in them |
//! | any other message about NAT | damage, since it may give or take ports |
//!
//! # Clocks
//!
//! | clock | in | is |
//! |---|---|---|
//! | epoch, seconds in hexadecimal | `epoch-time-64` and `epoch` of blocks | the time of the record; on INTERIM the time of the ALLOC, kept as start |
//! | `YYYY-MM-DD HH:MM:SS` of the services card | before `[FWNAT]` or the service set | the time of the record, always in UTC |
//! | the frame | everywhere | the time where there is no other; else `header_time`, and its year follows from the other |
//!
//! A CLOSE carries `elapsed-time` in whole seconds: its start is known to about two seconds.
//!
//! # Realms
//!
//! The name of a logical system, or its number other than 0. A service set is a realm too, unless the caller names one
//! in its place, which is right only where the service sets do not share inside addresses.
//!
//! # ICMP
//!
//! The `port` of an ICMP flow in Junos is its sequence number, not the identifier that stands in the packets outside: such
//! a flow is kept with every port, and so never names anybody alone where others use ICMP from that address.

mod blocks;
mod fields;
mod flow;
mod services;
#[cfg(test)]
mod tests;

use super::clock::Clock;
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::syslog::{self, Head};
use super::texts::{Realms, Refusal, at_column};
use super::{Event, EventKind, RejectReason};
use crate::inside::Realm;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "juniper",
    title: "Juniper SRX, vSRX, MX-SPC3, MS-MPC, MS-DPC, as syslog",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "an epoch in the record, the UTC clock of the services card, or the syslog head (1 s)",
    source: "Juniper: system log reference, MX-SPC3 message comparison, CGNAT design samples",
    cut: Cut::Lines,
    parser: |options| Box::new(JuniperParser::new(&options)),
};

/// A parser of Juniper's messages.
#[derive(Debug)]
pub struct JuniperParser {
    clock: Clock,
    realms: Realms,
    /// Blocks of this stream carry an epoch behind the pool.
    has_epochs: bool,
    is_whole: bool,
}

/// What one message is about.
#[derive(Clone, Copy)]
enum Message {
    Block(EventKind),
    Flow(EventKind),
    Service(EventKind),
    ServiceFlow(EventKind),
    Forwarded(EventKind),
    Other,
}

/// One record on its way.
struct Record<'a, 'p> {
    head: &'p Head<'a>,
    line: &'a [u8],
    /// What stands between the frame and the name of the message.
    before: &'a [u8],
    /// What follows the name.
    rest: &'a [u8],
}

impl JuniperParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> JuniperParser {
        JuniperParser {
            clock: Clock::new(options),
            realms: Realms::new(options),
            has_epochs: false,
            is_whole: false,
        }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        self.is_whole = false;
        let head = syslog::head(line, &mut self.clock);
        let text = head.tagged(line);
        event.time = head.time.and_then(Result::ok);
        let Some((before, name, rest)) = message(text) else {
            return Err((RejectReason::NotNat, text));
        };
        let record = Record { head: &head, line, before, rest };
        match kind(name).map_err(|reason| (reason, name))? {
            Message::Block(kind) => blocks::read(self, &record, kind, event),
            Message::Flow(kind) => flow::read(self, &record, kind, event),
            Message::Service(kind) => services::block(self, &record, kind, event),
            Message::ServiceFlow(kind) => services::flow(self, &record, kind, event),
            Message::Forwarded(kind) => services::forwarded(self, &record, kind, event),
            Message::Other => Err((RejectReason::OtherEvent, name)),
        }
    }

    /// The realm of a service set, unless the caller put one in its place.
    fn service_set<'a>(&mut self, name: &'a [u8]) -> Result<Realm, Refusal<'a>> {
        let own = self.realms.own();
        if own.is_empty() { self.realms.named(name) } else { Ok(own) }
    }
}

/// The stamp of the frame as the time of the record; none where there is none.
fn frame_time<'a>(record: &Record<'a, '_>, event: &mut Event) -> Result<(), Refusal<'a>> {
    event.header_time = record.head.relay_time;
    event.time = match record.head.time {
        Some(time) => Some(time.map_err(|reason| (reason, record.line))?),
        None => None,
    };
    Ok(())
}

impl LineParser for JuniperParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.parse(line, event).map_err(|refusal| at_column(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.is_whole
    }
}

const PREFIXES: [&[u8]; 6] =
    [b"RT_", b"JSERVICES_", b"ASP_", b"MSVCS_LOG_", b"NAT_PORT_BLOCK_", b"APPTRACK_"];

/// The name of the message, and what stands before and behind it.
fn message(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let start = rest.iter().position(is_word)?;
        let (_, word) = rest.split_at_checked(start)?;
        let len = word.iter().take_while(|b| is_word(b)).count();
        let (name, rest) = word.split_at_checked(len)?;
        // The name of a program, not of a message.
        let is_program = matches!(name, b"RT_NAT" | b"RT_FLOW");
        if !is_program && PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            return Some((text.get(..at + start)?, name, rest));
        }
        at += start + len;
    }
}

fn kind(name: &[u8]) -> Result<Message, RejectReason> {
    let base = name.strip_suffix(b"_LS").or(name.strip_suffix(b"_USF")).unwrap_or(name);
    let has = |part: &[u8]| base.windows(part.len()).any(|window| window == part);
    Ok(match base {
        b"RT_SRC_NAT_PBA_ALLOC" => Message::Block(EventKind::BlockAlloc),
        b"RT_SRC_NAT_PBA_RELEASE" => Message::Block(EventKind::BlockRelease),
        b"RT_SRC_NAT_PBA_INTERIM" => Message::Block(EventKind::BlockInterim),
        b"RT_FLOW_SESSION_CREATE" | b"APPTRACK_SESSION_CREATE" => {
            Message::Flow(EventKind::SessionCreate)
        }
        b"RT_FLOW_SESSION_CLOSE" | b"APPTRACK_SESSION_CLOSE" => {
            Message::Flow(EventKind::SessionDelete)
        }
        b"RT_FLOW_SESSION_UPDATE"
        | b"APPTRACK_SESSION_VOL_UPDATE"
        | b"APPTRACK_SESSION_ROUTE_UPDATE" => Message::Flow(EventKind::Update),
        b"ASP_SFW_CREATE_ACCEPT_FLOW" => Message::Forwarded(EventKind::SessionCreate),
        b"ASP_SFW_DELETE_FLOW" => Message::Forwarded(EventKind::SessionDelete),
        b"JSERVICES_SESSION_OPEN" | b"MSVCS_LOG_SESSION_OPEN" | b"ASP_SESSION_OPEN" => {
            Message::ServiceFlow(EventKind::SessionCreate)
        }
        b"JSERVICES_SESSION_CLOSE" | b"MSVCS_LOG_SESSION_CLOSE" | b"ASP_SESSION_CLOSE" => {
            Message::ServiceFlow(EventKind::SessionDelete)
        }
        _ if base.ends_with(b"NAT_PORT_BLOCK_ALLOC") => Message::Service(EventKind::BlockAlloc),
        _ if base.ends_with(b"NAT_PORT_BLOCK_RELEASE") => Message::Service(EventKind::BlockRelease),
        _ if base.ends_with(b"NAT_PORT_BLOCK_ACTIVE") => Message::Service(EventKind::BlockInterim),
        b"RT_FLOW_SESSION_DENY" => Message::Other,
        _ if [
            &b"RULE_MATCH"[..],
            b"OUTOF",
            b"OUT_OF",
            b"ALARM",
            b"EXHAUST",
            b"LIMIT",
            b"THRESHOLD",
        ]
        .iter()
        .any(|part| has(part)) =>
        {
            Message::Other
        }
        _ if has(b"NAT") || base.starts_with(b"RT_FLOW_SESSION") || has(b"_SESSION_") => {
            return Err(RejectReason::UnknownEvent);
        }
        _ => return Err(RejectReason::NotNat),
    })
}
