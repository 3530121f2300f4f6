//! The accounting records of an access network, as `FreeRADIUS`'s `detail` module writes them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::tenancy::{Parting, Tenancy};
use crate::synth::day::{Civil, MILLI, SECOND};
use crate::synth::rng::{SplitMix64, mix};

/// Seconds between two interim records of a session (RFC 2869 section 2.1).
const INTERIM: i64 = 300;

/// A network access server that reports its sessions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nas {
    /// Its name.
    pub(super) name: &'static str,
    /// Its address.
    pub(super) addr: Ipv4Addr,
    /// Which stream of the seed decides what is lost, late and sent twice.
    pub(super) seed: u64,
    /// When the recording ends.
    pub(super) until: i64,
}

/// How many records there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) records: u64,
    pub(super) duplicates: u64,
    pub(super) delayed_stops: u64,
    pub(super) lost_stops: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Start,
    Interim,
    Stop { delay_second: i64 },
}

/// A record on its way to the server: received, sent, of which tenancy.
type Pending = Reverse<(i64, usize, Kind, i64)>;

/// Writes the records of the tenancies, which ascend by begin, in the order in which the server gets them; `address`
/// writes the attribute that names what the tenant was given.
///
/// Of the Starts 15 % come twice, of the Stops 10 % late (RFC 2866 section 5.2) and 4 % never.
///
/// # Complexity
///
/// Memory for the sessions that are online at one time.
pub(super) fn write(
    nas: &Nas,
    tenancies: &[Tenancy],
    address: &dyn Fn(&Tenancy) -> String,
    mut out: Option<&mut dyn Write>,
) -> io::Result<Tally> {
    let mut rng = SplitMix64::new(nas.seed);
    let mut tally = Tally::default();
    let mut pending: BinaryHeap<Pending> = BinaryHeap::new();
    let mut coming = tenancies.iter().enumerate().peekable();
    loop {
        let next = pending.peek().map(|Reverse((at, ..))| *at);
        if let Some((index, t)) = coming.next_if(|(_, t)| next.is_none_or(|at| t.attach <= at)) {
            let received = t.attach + rng.between(5 * MILLI, 60 * MILLI);
            pending.push(Reverse((received, index, Kind::Start, t.attach)));
            if rng.chance(0.15) {
                let again = received + rng.between(SECOND, 3 * SECOND);
                pending.push(Reverse((again, index, Kind::Start, t.attach)));
                tally.duplicates += u64::from(again < nas.until);
            }
            let interim = t.attach + INTERIM * SECOND;
            let late = rng.between(5 * MILLI, 60 * MILLI);
            if interim < t.detach {
                pending.push(Reverse((interim + late, index, Kind::Interim, interim)));
            }
            if t.parting == Parting::Online {
                continue;
            }
            if rng.chance(0.04) {
                tally.lost_stops += 1;
                continue;
            }
            let delay = if rng.chance(0.10) { rng.between(4, 60) } else { 0 };
            let sent = t.detach + delay * SECOND + late;
            tally.delayed_stops += u64::from(delay > 0 && sent < nas.until);
            pending.push(Reverse((sent, index, Kind::Stop { delay_second: delay }, t.detach)));
            continue;
        }
        let Some(Reverse((received, index, kind, at))) = pending.pop() else { return Ok(tally) };
        let Some(t) = tenancies.get(index) else { continue };
        if received >= nas.until {
            continue;
        }
        if kind == Kind::Interim && at + INTERIM * SECOND < t.detach {
            let (next, late) = (at + INTERIM * SECOND, rng.between(5 * MILLI, 60 * MILLI));
            pending.push(Reverse((next + late, index, Kind::Interim, next)));
        }
        tally.records += 1;
        let source_port = rng.between(32_768, 60_999);
        if let Some(out) = out.as_deref_mut() {
            record(out, nas, t, index, (kind, at, received, source_port), &address(t))?;
        }
    }
}

fn record(
    out: &mut dyn Write,
    nas: &Nas,
    t: &Tenancy,
    index: usize,
    (kind, at, received, source_port): (Kind, i64, i64, i64),
    address: &str,
) -> io::Result<()> {
    let status = match kind {
        Kind::Start => "Start",
        Kind::Interim => "Interim-Update",
        Kind::Stop { .. } => "Stop",
    };
    let session = u64::try_from(index).unwrap_or(0);
    let unique = mix(nas.seed ^ session);
    let [.., b2, b1, b0] = t.subscriber.to_be_bytes();
    writeln!(out, "{}", Civil::new(received).ctime())?;
    writeln!(out, "\tPacket-Src-IP-Address = {}", nas.addr)?;
    writeln!(out, "\tPacket-Dst-IP-Address = {}", super::SERVER_RADIUS)?;
    writeln!(out, "\tPacket-Src-Port = {source_port}")?;
    writeln!(out, "\tPacket-Dst-Port = 1813")?;
    writeln!(out, "\tAcct-Status-Type = {status}")?;
    writeln!(out, "\tUser-Name = \"{}\"", super::user_name(t.subscriber))?;
    writeln!(out, "\tAcct-Session-Id = \"{session:06x}{:08x}\"", t.attach / SECOND)?;
    writeln!(out, "\tClass = 0x{:016x}", mix(u64::from(t.subscriber)))?;
    writeln!(out, "\tNAS-IP-Address = {}", nas.addr)?;
    writeln!(out, "\tNAS-Identifier = \"{}\"", nas.name)?;
    writeln!(out, "\tNAS-Port-Id = \"line-{}\"", t.subscriber)?;
    writeln!(out, "\tCalling-Station-Id = \"02:00:5e:{b2:02x}:{b1:02x}:{b0:02x}\"")?;
    writeln!(out, "\tEvent-Timestamp = \"{}\"", Civil::new(at).radius())?;
    writeln!(out, "\t{address}")?;
    if kind != Kind::Start {
        let online = at.div_euclid(SECOND) - t.attach.div_euclid(SECOND);
        writeln!(out, "\tAcct-Session-Time = {online}")?;
    }
    if let Kind::Stop { delay_second } = kind {
        let lost = t.parting == Parting::Lost;
        let cause = if lost { "Lost-Carrier" } else { "User-Request" };
        writeln!(out, "\tAcct-Terminate-Cause = {cause}")?;
        if delay_second > 0 {
            writeln!(out, "\tAcct-Delay-Time = {delay_second}")?;
        }
    }
    writeln!(out, "\tAcct-Unique-Session-Id = \"{unique:016x}{:016x}\"", mix(unique))?;
    writeln!(out, "\tTimestamp = {}\n", received.div_euclid(SECOND))
}
