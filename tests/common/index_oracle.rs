//! The slowest index: looks at every allocation, every time.

use std::net::Ipv4Addr;

use portledger::{Allocation, PortRange, Protocol, TimeRange, Timestamp};

/// All allocations, in the order given.
pub struct Scan(pub Vec<Allocation>);

fn is_seen(a: &Allocation, addr: Ipv4Addr, ports: PortRange, protocol: Option<Protocol>) -> bool {
    let same_protocol = a.protocol.is_none() || protocol.is_none() || a.protocol == protocol;
    let first = a.ports.first().max(ports.first());
    let last = a.ports.last().min(ports.last());
    a.addr == addr && same_protocol && first <= last
}

impl Scan {
    /// Every allocation that could have held any of the ports at any instant of the range.
    pub fn during(
        &self,
        addr: Ipv4Addr,
        ports: PortRange,
        protocol: Option<Protocol>,
        range: TimeRange,
    ) -> Vec<Allocation> {
        let meets =
            |a: &&Allocation| a.outer.start().max(range.start()) < a.outer.end().min(range.end());
        let seen = self.0.iter().filter(|a| is_seen(a, addr, ports, protocol));
        seen.filter(meets).copied().collect()
    }

    /// The latest end of those wholly before the range, and the earliest begin of those wholly behind it.
    pub fn neighbours(
        &self,
        addr: Ipv4Addr,
        port: u16,
        protocol: Option<Protocol>,
        range: TimeRange,
        is_other: impl Fn(&Allocation) -> bool,
    ) -> (Option<i64>, Option<i64>) {
        let seen = || {
            let ports = PortRange::single(port);
            self.0.iter().filter(move |a| is_seen(a, addr, ports, protocol)).filter(|a| is_other(a))
        };
        let before = seen().map(|a| a.outer.end()).filter(|end| *end <= range.start()).max();
        let after = seen().map(|a| a.outer.start()).filter(|start| *start >= range.end()).min();
        (before.map(Timestamp::as_microsecond), after.map(Timestamp::as_microsecond))
    }
}
