//! The blocks that the MikroTik script `cgnat-mikrotik` writes as `src-nat` rules, one for each inside address.
//!
//! Source: <https://github.com/helysonoliveira/cgnat-mikrotik>, `execute.php`. With `p = ceil(64511 / N)` for `N`
//! addresses behind one outside address, the first block is `1025..=1025+p`, one port longer than the others; each next
//! one starts after it and has `p` ports, cut at 65535. Addresses whose last octet is 0 or 255 get no rule, on both
//! sides; an inside one is counted among the `N` all the same. A formula with blocks of one size is off by one from the
//! second host on.

use std::net::Ipv4Addr;

use super::error::DetNatError;
use super::{Algorithm, DetReverse, Deterministic, Layout, Owner};
use crate::port::{PortRange, PortSet};

const FIRST_PORT: u32 = 1025;

/// Consecutive inside addresses behind the outside addresses of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SrcNat {
    inside_first: u32,
    outside_first: u32,
    outside_last: u32,
    /// Addresses behind one outside address, those without a rule counted.
    clients: u32,
    /// Ports of every block but the first of an address.
    block: u32,
    outsides: u32,
}

impl Deterministic {
    /// The rules that the MikroTik script `cgnat-mikrotik` writes: `clients` consecutive inside addresses, from
    /// `inside_first`, behind each address of the range `outside_first..=outside_last`.
    ///
    /// # Errors
    ///
    /// [`DetNatError`]: fewer than two clients, a range that runs backwards or holds no address with a rule, inside addresses that run
    /// past 255.255.255.255.
    pub fn mikrotik_src_nat(
        inside_first: Ipv4Addr,
        outside_first: Ipv4Addr,
        outside_last: Ipv4Addr,
        clients: u32,
    ) -> Result<Deterministic, DetNatError> {
        let range = || format!("{outside_first}-{outside_last}");
        if outside_first > outside_last {
            return Err(DetNatError::Addresses(range()));
        }
        if !(2..=65_536).contains(&clients) {
            return Err(DetNatError::Value {
                key: "clients_per_public",
                value: clients.to_string(),
                advice: "write how many inside addresses stand behind one outside address, 2 to 65536; for 1 the script writes a port 65536",
            });
        }
        let (first, last) = (u32::from(outside_first), u32::from(outside_last));
        let outsides = with_rule(last) + u32::from(has_rule(last)) - with_rule(first);
        if outsides == 0 {
            return Err(DetNatError::Addresses(range()));
        }
        let inside = u32::from(inside_first);
        let end = u64::from(inside) + u64::from(outsides) * u64::from(clients);
        if end > 1 << 32 {
            return Err(DetNatError::NotEnoughPorts {
                hosts: u64::from(outsides) * u64::from(clients),
                needed: end,
                available: 1 << 32,
            });
        }
        let src_nat = SrcNat {
            inside_first: inside,
            outside_first: first,
            outside_last: last,
            clients,
            block: 64_511_u32.div_ceil(clients),
            outsides,
        };
        Ok(Deterministic::new(Algorithm::MikrotikSrcNat, Layout::SrcNat(src_nat)))
    }
}

/// Whether the script writes rules for an address.
fn has_rule(addr: u32) -> bool {
    !matches!(addr & 0xff, 0 | 255)
}

/// How many addresses below this one have rules.
fn with_rule(addr: u32) -> u32 {
    (addr >> 8) * 254 + (addr & 0xff).saturating_sub(1).min(254)
}

impl SrcNat {
    pub(super) fn covers(&self, addr: Ipv4Addr) -> bool {
        self.outside_place(addr).is_some()
    }

    /// The outside addresses that have rules, as closed ranges: one for each 256 addresses.
    pub(super) fn outside_ranges(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let (first, last) = (self.outside_first, self.outside_last);
        (first >> 8..=last >> 8)
            .map(move |net| (first.max((net << 8) + 1), last.min((net << 8) + 254)))
            .filter(|(first, last)| first <= last)
    }

    fn outside_place(&self, addr: Ipv4Addr) -> Option<u32> {
        let addr = u32::from(addr);
        let is_in = (self.outside_first..=self.outside_last).contains(&addr) && has_rule(addr);
        is_in.then(|| with_rule(addr) - with_rule(self.outside_first))
    }

    /// The first inside address behind an outside one, whether it has a rule or not.
    fn chunk(&self, outside: u32) -> u32 {
        // Their end was checked to fit.
        self.inside_first + outside * self.clients
    }

    /// The ports of a block, counted among the addresses that have rules; none where it would start behind 65535.
    fn ports(&self, block: u32) -> Option<PortRange> {
        let (first, last) = match block {
            0 => (FIRST_PORT, FIRST_PORT + self.block),
            n => (FIRST_PORT + 1 + n * self.block, FIRST_PORT + (n + 1) * self.block),
        };
        PortRange::new(u16::try_from(first).ok()?, u16::try_from(last).unwrap_or(u16::MAX)).ok()
    }

    /// The host of a block, if the chunk has so many addresses with rules.
    fn host(&self, outside: u32, block: u32) -> Option<Ipv4Addr> {
        let first = self.chunk(outside);
        // The address with `wanted` others with rules below it.
        let wanted = with_rule(first) + block;
        let addr = (wanted / 254).checked_mul(256)? + wanted % 254 + 1;
        let is_in = addr >= first && addr - first < self.clients;
        is_in.then_some(Ipv4Addr::from(addr))
    }

    pub(super) fn reverse(&self, addr: Ipv4Addr, port: u16) -> DetReverse {
        let Some(outside) = self.outside_place(addr) else { return DetReverse::OutsidePool };
        let Some(offset) = u32::from(port).checked_sub(FIRST_PORT) else {
            return DetReverse::ExcludedPort;
        };
        let block = if offset <= self.block { 0 } else { (offset - 1) / self.block };
        let owner = self.ports(block).zip(self.host(outside, block));
        let owner = owner.map(|(ports, inside)| Owner { inside, ports: ports.into() });
        DetReverse::of(owner.into_iter().collect())
    }

    pub(super) fn forward(&self, inside: Ipv4Addr) -> Option<(Ipv4Addr, PortSet)> {
        let inside = u32::from(inside);
        let outside = inside.checked_sub(self.inside_first)? / self.clients;
        if outside >= self.outsides || !has_rule(inside) {
            return None;
        }
        let block = with_rule(inside) - with_rule(self.chunk(outside));
        let wanted = with_rule(self.outside_first) + outside;
        let addr = wanted / 254 * 256 + wanted % 254 + 1;
        Some((Ipv4Addr::from(addr), self.ports(block)?.into()))
    }

    pub(super) fn owners(&self, addr: Ipv4Addr) -> impl Iterator<Item = Owner> + '_ {
        let outside = self.outside_place(addr);
        outside.into_iter().flat_map(move |outside| {
            (0..self.clients).map_while(move |block| {
                let ports = self.ports(block)?.into();
                Some(Owner { inside: self.host(outside, block)?, ports })
            })
        })
    }

    pub(super) fn describe(&self) -> String {
        let [inside, first, last] =
            [self.inside_first, self.outside_first, self.outside_last].map(Ipv4Addr::from);
        format!(
            "from {inside} to {first}-{last}: {} addresses behind one, {} ports each and one more for the first, from {FIRST_PORT}; .0 and .255 have none",
            self.clients, self.block
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loops of the script, as they stand.
    fn script(inside: u32, first: u32, last: u32, clients: u32) -> Vec<(u32, u32, u32, u32)> {
        let (mut rules, mut private) = (Vec::new(), inside);
        let p = 64_511_u32.div_ceil(clients);
        for public in first..=last {
            if matches!(public % 256, 0 | 255) {
                continue;
            }
            let (mut start, mut end) = (1025, 1025 + p);
            for _ in 0..clients {
                if !matches!(private % 256, 0 | 255) {
                    rules.push((public, start, end, private));
                    start = end + 1;
                    end = (end + p).min(65_535);
                }
                private += 1;
            }
        }
        rules
    }

    #[test]
    fn it_answers_what_the_script_writes() {
        for (inside, first, last, clients) in [
            (0x6441_00f0, 0xcb00_71fa, 0xcb00_7203, 16), // over .255 and .0 on both sides
            (0x6442_0001, 0xc000_0201, 0xc000_0201, 64),
            (0x6442_0000, 0xc000_0200, 0xc000_0202, 300), // blocks that would start behind 65535
            (0x0a00_0001, 0xc000_0201, 0xc000_0202, 2),
            (0x0a00_00fe, 0xc000_02fe, 0xc000_0301, 3),
            (0x0a00_0000, 0xc000_0201, 0xc000_0202, 1000),
        ] {
            let nat =
                Deterministic::mikrotik_src_nat(inside.into(), first.into(), last.into(), clients);
            let nat = nat.unwrap();
            let rules = script(inside, first, last, clients);
            for public in first..=last {
                let mut owned = vec![None; 65_536];
                for (_, from, to, private) in rules.iter().filter(|r| r.0 == public) {
                    // A rule that runs backwards is none.
                    for port in *from..=*to {
                        owned[port as usize] = Some(Ipv4Addr::from(*private));
                    }
                }
                for port in 0..=u16::MAX {
                    let answer = nat.reverse(public.into(), port);
                    let wanted = owned[usize::from(port)];
                    assert_eq!(answer.inside(), wanted, "{clients} {public:x}:{port} {answer:?}");
                    if let DetReverse::Mapped { inside, ports } = answer {
                        assert!(ports.contains(port));
                        assert_eq!(nat.forward(inside), [(public.into(), ports)]);
                    }
                }
            }
        }
    }

    #[test]
    fn configurations_that_are_none_are_refused() {
        let nat = |i: [u8; 4], a: [u8; 4], b: [u8; 4], n| {
            Deterministic::mikrotik_src_nat(i.into(), a.into(), b.into(), n)
        };
        let (one, two) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        assert!(nat([10, 0, 0, 1], one, two, 0).is_err());
        assert!(nat([10, 0, 0, 1], one, two, 1).is_err());
        assert!(nat([10, 0, 0, 1], two, one, 8).is_err());
        assert!(nat([10, 0, 0, 1], [192, 0, 2, 255], [192, 0, 3, 0], 8).is_err());
        assert!(nat([255, 255, 255, 250], one, two, 8).is_err());
        assert!(nat([255, 255, 255, 240], one, two, 8).is_ok());
        assert!(nat([0; 4], [0; 4], [255; 4], 65_536).is_err());
    }
}
