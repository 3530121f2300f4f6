//! The lines of `conntrack -E -o timestamp,extended,id,ktimestamp`.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::flow::Step;
use crate::protocol::Protocol;
use crate::synth::day::{Civil, SECOND};

/// A flow and its translation, as a tracker holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuple {
    /// The protocol.
    pub(super) protocol: Protocol,
    /// Who opened it, before translation.
    pub(super) inside: Ipv4Addr,
    /// The port there; for ICMP the echo identifier.
    pub(super) inside_port: u16,
    /// The address after translation.
    pub(super) outside: Ipv4Addr,
    /// The port after translation; for ICMP the echo identifier.
    pub(super) outside_port: u16,
    /// The far side.
    pub(super) far: Ipv4Addr,
    /// The port there; 0 for ICMP.
    pub(super) far_port: u16,
    /// The tracker's number for the entry.
    pub(super) id: u32,
}

/// What brings an entry to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its timeout.
    Expired,
    /// A new flow with the same original tuple.
    Replaced,
    /// An operator's `conntrack -D`.
    Flushed,
}

/// Writes the creation of an entry or a change to it; `stamp` is when the line was read.
pub(super) fn change(
    out: &mut dyn Write,
    stamp: i64,
    tuple: &Tuple,
    step: &Step,
    is_new: bool,
) -> io::Result<()> {
    let event = if is_new { "    [NEW]" } else { " [UPDATE]" };
    head(out, stamp, event, tuple.protocol)?;
    write!(out, "{} ", step.timeout)?;
    if !step.state.is_empty() {
        write!(out, "{} ", step.state)?;
    }
    original(out, tuple)?;
    if !step.replied {
        write!(out, "[UNREPLIED] ")?;
    }
    reply(out, tuple)?;
    if step.assured {
        write!(out, "[ASSURED] ")?;
    }
    writeln!(out, "id={}", tuple.id)
}

/// An entry's end: when it began and ended, and what passed through it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    /// When the entry was made.
    pub(super) start: i64,
    /// When it was over: expiry, or the instant of the kill.
    pub(super) stop: i64,
    /// When it would have expired.
    pub(super) expiry: i64,
    /// The last state.
    pub(super) state: Step,
    /// Packets from the inside and from the far side.
    pub(super) packets: (u64, u64),
    /// What ended it.
    pub(super) end: End,
}

/// Writes the end of an entry. One that was killed shows the seconds it had left; one that expired shows none.
pub(super) fn destroy(
    out: &mut dyn Write,
    stamp: i64,
    tuple: &Tuple,
    c: &Closing,
) -> io::Result<()> {
    head(out, stamp, "[DESTROY]", tuple.protocol)?;
    if c.end != End::Expired {
        write!(out, "{} ", (c.expiry - c.stop).max(0) / SECOND)?;
    }
    if !c.state.state.is_empty() {
        write!(out, "{} ", c.state.state)?;
    }
    original(out, tuple)?;
    let (sent, received) = c.packets;
    write!(out, "packets={sent} bytes={} ", sent * 92)?;
    if !c.state.replied {
        write!(out, "[UNREPLIED] ")?;
    }
    reply(out, tuple)?;
    write!(out, "packets={received} bytes={} ", received * 140)?;
    if c.state.assured {
        write!(out, "[ASSURED] ")?;
    }
    let seconds = c.stop.div_euclid(SECOND) - c.start.div_euclid(SECOND);
    let (start, stop) = (Civil::new(c.start), Civil::new(c.stop));
    write!(
        out,
        "delta-time={seconds} [start={}] [stop={}] id={}",
        start.ctime(),
        stop.ctime(),
        tuple.id
    )?;
    if c.end == End::Flushed {
        write!(out, " [USERSPACE] portid=3555323697 progname=conntrack")?;
    }
    writeln!(out)
}

fn head(out: &mut dyn Write, stamp: i64, event: &str, protocol: Protocol) -> io::Result<()> {
    let (second, micro) = (stamp.div_euclid(SECOND), stamp.rem_euclid(SECOND));
    let (name, number) = (protocol.to_string(), protocol.number());
    write!(out, "[{second}.{micro:06}]\t{event} ipv4     2 {name:<8} {number} ")
}

fn original(out: &mut dyn Write, t: &Tuple) -> io::Result<()> {
    write!(out, "src={} dst={} ", t.inside, t.far)?;
    if t.protocol == Protocol::ICMP {
        return write!(out, "type=8 code=0 id={} ", t.inside_port);
    }
    write!(out, "sport={} dport={} ", t.inside_port, t.far_port)
}

fn reply(out: &mut dyn Write, t: &Tuple) -> io::Result<()> {
    write!(out, "src={} dst={} ", t.far, t.outside)?;
    if t.protocol == Protocol::ICMP {
        return write!(out, "type=0 code=0 id={} ", t.outside_port);
    }
    write!(out, "sport={} dport={} ", t.far_port, t.outside_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUPLE: Tuple = Tuple {
        protocol: Protocol::TCP,
        inside: Ipv4Addr::new(100, 64, 0, 10),
        inside_port: 53_586,
        outside: Ipv4Addr::new(203, 0, 113, 1),
        outside_port: 20_017,
        far: Ipv4Addr::new(192, 0, 2, 10),
        far_port: 80,
        id: 2_028_815_706,
    };
    const STEP: Step =
        Step { at: 0, timeout: 10, state: "SYN_SENT", replied: false, assured: false };

    fn text(write: impl Fn(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    // The expected lines have the form of lines that conntrack 1.4.8 wrote.
    #[test]
    fn lines_read_as_conntrack_writes_them() {
        let new = text(|out| change(out, 1_795_306_735_123_403, &TUPLE, &STEP, true));
        assert_eq!(
            new,
            "[1795306735.123403]\t    [NEW] ipv4     2 tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 \
             sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706\n"
        );
        let up = Step { timeout: 90, state: "ESTABLISHED", replied: true, assured: true, ..STEP };
        let update = text(|out| change(out, 1_795_306_735_123_452, &TUPLE, &up, false));
        assert_eq!(
            update,
            "[1795306735.123452]\t [UPDATE] ipv4     2 tcp      6 90 ESTABLISHED src=100.64.0.10 dst=192.0.2.10 \
             sport=53586 dport=80 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 [ASSURED] id=2028815706\n"
        );
        let closing = Closing {
            start: 1_795_306_735_000_000,
            stop: 1_795_306_740_000_000,
            expiry: 1_795_306_741_500_000,
            state: Step { state: "TIME_WAIT", ..up },
            packets: (6, 4),
            end: End::Expired,
        };
        let expired = text(|out| destroy(out, 1_795_306_761_930_111, &TUPLE, &closing));
        assert_eq!(
            expired,
            "[1795306761.930111]\t[DESTROY] ipv4     2 tcp      6 TIME_WAIT src=100.64.0.10 dst=192.0.2.10 \
             sport=53586 dport=80 packets=6 bytes=552 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 packets=4 \
             bytes=560 [ASSURED] delta-time=5 [start=Sun Nov 22 00:18:55 2026] [stop=Sun Nov 22 00:19:00 2026] \
             id=2028815706\n"
        );
        let killed = Closing { end: End::Flushed, ..closing };
        let killed = text(|out| destroy(out, 1_795_306_761_930_111, &TUPLE, &killed));
        assert!(killed.contains(" tcp      6 1 TIME_WAIT src="), "{killed}");
        assert!(
            killed.ends_with(" id=2028815706 [USERSPACE] portid=3555323697 progname=conntrack\n")
        );
    }

    #[test]
    fn icmp_has_identifiers_in_place_of_ports() {
        let tuple = Tuple {
            protocol: Protocol::ICMP,
            inside_port: 9_291,
            outside_port: 9_291,
            id: 7,
            ..TUPLE
        };
        let line = text(|out| {
            change(out, 1_000_000, &tuple, &Step { state: "", timeout: 5, ..STEP }, true)
        });
        assert_eq!(
            line,
            "[1.000000]\t    [NEW] ipv4     2 icmp     1 5 src=100.64.0.10 dst=192.0.2.10 type=8 code=0 id=9291 \
             [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 type=0 code=0 id=9291 id=7\n"
        );
    }
}
