//! What really happened behind a NAT, and the log that a late logger and a lazy garbage collector make of it.
//!
//! Slow and obvious: tenancies follow one another on each exclusive key; packets keep a UDP flow alive; it is killed, or
//! expires a timeout after its last packet. Times are microseconds.

use std::net::Ipv4Addr;

use portledger::PortRange;
use portledger::allocation::{Destination, Span};
use portledger::natlog::{Event, EventKind};
use portledger::protocol::Protocol;
use portledger::time::{Timestamp, WrittenTime};

/// How late the logger is at most.
pub(crate) const LATE: i64 = 1_000_000;
/// The timeouts of UDP, before and after a flow counts as a stream.
const TIMEOUT: i64 = 10_000_000;
const STREAM_TIMEOUT: i64 = 20_000_000;
const SECOND: i64 = 1_000_000;

/// What a tenancy is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub key: u8,
    pub host: u8,
    /// From the end of the key's last tenancy.
    pub pause: i64,
    /// Between packets, in thousandths of the timeout.
    pub gaps: Vec<i64>,
    /// Killed this long after the last packet; it expires otherwise.
    pub killed_after: Option<i64>,
    /// How late the garbage collector comes.
    pub collector: i64,
    /// How late each line is read.
    pub late: [i64; 3],
}

/// What the log shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub updates: bool,
    pub flow_ids: bool,
    /// A killed flow's release shows neither start nor stop; only with flow numbers.
    pub bare_kills: bool,
}

/// Who held a key, from the first packet to the end of the mapping.
#[derive(Clone, Debug)]
pub(crate) struct Tenancy {
    pub key: u8,
    pub host: u8,
    pub packets: Vec<i64>,
    pub end: i64,
    pub shows_stop: bool,
}

impl Tenancy {
    pub(crate) fn start(&self) -> i64 {
        self.packets[0]
    }
}

/// The truth and its log, in the order of the lines.
#[derive(Debug)]
pub(crate) struct World {
    pub tenancies: Vec<Tenancy>,
    pub lines: Vec<Event>,
}

/// The tenancy that a line is about, by the place of the line.
pub(crate) fn tenancy_of(span: Span) -> usize {
    usize::try_from(span.offset).unwrap()
}

pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

fn whole_second(at: i64) -> WrittenTime {
    WrittenTime::from_second(at.div_euclid(SECOND))
}

fn line(kind: EventKind, number: usize, tenancy: &Tenancy, style: Style) -> Event {
    Event {
        kind,
        protocol: Some(Protocol::UDP),
        inside: Some(format!("100.64.0.{}", tenancy.host).parse().unwrap()),
        inside_port: Some(5000),
        outside: Some(Ipv4Addr::new(203, 0, 113, 7)),
        ports: Some(PortRange::single(4000 + u16::from(tenancy.key))),
        // An inside port has one public port towards each destination.
        destination: Some(Destination::new(
            Ipv4Addr::new(192, 0, 2, 1),
            53 + u16::from(tenancy.key),
        )),
        flow_id: style.flow_ids.then_some(number as u64),
        span: Span { offset: number as u64, length: 1 },
        ..Event::default()
    }
}

/// Without flow numbers, nothing tells two tenancies of a flow apart if the create of one was read in the second of the
/// other's start, and the lines between them were lost.
fn pause_before(plan: &Plan, style: Style) -> i64 {
    if style.flow_ids { plan.pause } else { plan.pause.max(SECOND + LATE) }
}

pub(crate) fn world(plans: &[Plan], style: Style) -> World {
    let mut tenancies: Vec<Tenancy> = Vec::new();
    // When the kernel reports it, how late it is read, and the line.
    let mut reports: Vec<(i64, i64, Event)> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let before = tenancies.iter().rev().find(|t| t.key == plan.key).map(|t| t.end);
        let pause = pause_before(plan, style);
        let mut at = before.unwrap_or(1_000 * SECOND) + pause;
        let start = at;
        let (mut timeout, mut packets, mut updated) = (TIMEOUT, vec![at], None);
        for gap in &plan.gaps {
            at += timeout * gap / 1000;
            packets.push(at);
            if at > start + 2 * SECOND && updated.is_none() {
                timeout = STREAM_TIMEOUT;
                updated = Some(at);
            }
        }
        let end = at + plan.killed_after.map_or(timeout, |after| after.min(timeout - 1));
        let killed = plan.killed_after.is_some();
        let shows_stop = !(killed && style.bare_kills && style.flow_ids);
        let tenancy = Tenancy { key: plan.key, host: plan.host, packets, end, shows_stop };

        let mut create = line(EventKind::SessionCreate, number, &tenancy, style);
        create.timeout_second = Some(10);
        reports.push((start, plan.late[0], create));
        if let Some(at) = updated.filter(|_| style.updates) {
            let mut update = line(EventKind::Update, number, &tenancy, style);
            update.timeout_second = Some(20);
            reports.push((at, plan.late[1], update));
        }
        // The next packet on the key collects an expired mapping before it makes its own.
        let next = plans.get(number + 1..).unwrap().iter().find(|p| p.key == plan.key);
        let collected = if killed {
            end
        } else {
            end + plan.collector.min(next.map_or(i64::MAX, |next| pause_before(next, style)))
        };
        let mut release = line(EventKind::SessionDelete, number, &tenancy, style);
        release.killed = Some(killed);
        if shows_stop {
            release.start = Some(whole_second(start));
            release.stop = Some(whole_second(end));
        }
        reports.push((collected, plan.late[2], release));
        tenancies.push(tenancy);
    }
    // At one instant, a tenancy's lines come in the order in which they were added, before those of the next.
    reports.sort_by_key(|(at, _, line)| (*at, line.span.offset));
    let mut read = i64::MIN;
    let lines = reports
        .into_iter()
        .map(|(at, late, event)| {
            read = (at + late).max(read + 1);
            Event { time: Some(WrittenTime::exact(Timestamp::from_microsecond(read))), ..event }
        })
        .collect();
    World { tenancies, lines }
}
