//! Ports that deterministic NATs, or the rows of a block table, give to two.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

use super::detnat::Deterministic;
use super::{RulesFinding, Severity};
use crate::port::PortRange;

/// How many port ranges, and pairs of them, are looked at.
const WORK: u64 = 1 << 26;

/// Ports of one address under one NAT; without a host where they are handed out on demand.
#[derive(Clone, Copy)]
struct Claim {
    ports: PortRange,
    nat: usize,
    inside: Option<Ipv4Addr>,
}

/// The first port that two give to two, and how many ranges there are.
struct Clash {
    addr: Ipv4Addr,
    ports: PortRange,
    holders: [Option<Ipv4Addr>; 2],
    more: u64,
}

pub(super) fn check(nats: &[Deterministic]) -> Vec<RulesFinding> {
    let mut findings = repeated(nats);
    let mut seen = Clashes { found: BTreeMap::new(), work: WORK };
    let is_whole = seen.look(nats);
    let name = |place: usize| {
        let name = nats.get(place).and_then(Deterministic::name);
        name.map_or_else(|| format!("#{}", place + 1), str::to_owned)
    };
    for (&(a, b), clash) in &seen.found {
        let Clash { addr, ports, holders, more } = clash;
        let holder = |host: &Option<Ipv4Addr>| {
            host.map_or_else(|| "the pool on demand".to_owned(), |h| h.to_string())
        };
        let [first, second] = holders.each_ref().map(holder);
        let kind = if holders.contains(&None) { "on-demand-overlap" } else { "two-holders" };
        let more = match more {
            0 => String::new(),
            n => format!(", and {n} more range(s)"),
        };
        let text = if a == b {
            format!(
                "`{}` gives {addr} port {ports} to {first} and to {second}{more}: correct its blocks",
                name(a)
            )
        } else {
            format!(
                "`{}` gives {addr} port {ports} to {first} and `{}` to {second}{more}: give each NAT its own addresses or ports",
                name(a),
                name(b)
            )
        };
        let mut names = vec![name(a), name(b)];
        names.dedup();
        findings.push(RulesFinding::new(Severity::Error, kind, names, text));
    }
    if !is_whole {
        let text = "more addresses or port ranges are shared by several NATs or rows than are compared: what was found is not all";
        findings.push(RulesFinding::new(Severity::Warning, "not-compared", Vec::new(), text));
    }
    findings
}

/// NATs that are there twice, and rows of block tables.
fn repeated(nats: &[Deterministic]) -> Vec<RulesFinding> {
    let mut findings = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (second, nat) in nats.iter().enumerate() {
        let named = |place: usize| {
            let name = nats.get(place).and_then(Deterministic::name);
            name.map_or_else(|| format!("#{}", place + 1), str::to_owned)
        };
        let first = *known.entry(nat.describe()).or_insert(second);
        if first != second && nats.get(first).is_some_and(|other| other.is_same_as(nat)) {
            let text = format!("`{}` repeats `{}`: remove one", named(second), named(first));
            let names = vec![named(first), named(second)];
            findings.push(RulesFinding::new(Severity::Warning, "repeated", names, text));
        }
        let rows = nat.repeated_rows();
        if rows > 0 {
            let text = format!("{rows} row(s) are there more than once and count once");
            let names = vec![named(second)];
            findings.push(RulesFinding::new(Severity::Warning, "repeated", names, text));
        }
    }
    findings
}

struct Clashes {
    found: BTreeMap<(usize, usize), Clash>,
    /// What may still be spent.
    work: u64,
}

impl Clashes {
    /// Whether everything was looked at.
    fn look(&mut self, nats: &[Deterministic]) -> bool {
        // Between two edges the same NATs have the addresses.
        let mut edges: BTreeMap<u64, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (place, nat) in nats.iter().enumerate() {
            for (first, last) in super::AddressRanges::of(nat.outside_ranges()).numbers() {
                edges.entry(u64::from(*first)).or_default().0.push(place);
                edges.entry(u64::from(*last) + 1).or_default().1.push(place);
            }
        }
        let mut here: Vec<usize> = Vec::new();
        let ends: Vec<u64> = edges.keys().copied().skip(1).collect();
        for ((start, (begun, ended)), end) in edges.iter().zip(ends) {
            here.retain(|place| !ended.contains(place));
            here.extend(begun);
            let alone = here.iter().filter_map(|place| nats.get(*place));
            if here.len() < 2 && !alone.clone().any(Deterministic::may_repeat_blocks) {
                continue;
            }
            for addr in *start..end {
                let Ok(addr) = u32::try_from(addr) else { break };
                let Some(left) = self.work.checked_sub(1) else { return false };
                self.work = left;
                if !self.look_at(nats, &here, addr.into()) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether the address was looked at wholly.
    fn look_at(&mut self, nats: &[Deterministic], here: &[usize], addr: Ipv4Addr) -> bool {
        let mut claims = Vec::new();
        for (nat, &place) in here.iter().filter_map(|place| Some((nats.get(*place)?, place))) {
            let on_demand = nat.dynamic_ports(addr);
            let ranges = on_demand.ranges().iter();
            claims.extend(ranges.map(|ports| Claim { ports: *ports, nat: place, inside: None }));
            for owner in nat.owners(addr) {
                let inside = Some(owner.inside);
                let ranges = owner.ports.ranges().iter();
                claims.extend(ranges.map(|ports| Claim { ports: *ports, nat: place, inside }));
            }
        }
        claims.sort_by_key(|c| (c.ports, c.nat, c.inside));
        let mut active: Vec<Claim> = Vec::new();
        for claim in claims {
            active.retain(|c| c.ports.last() >= claim.ports.first());
            let cost = u64::try_from(active.len()).unwrap_or(u64::MAX).saturating_add(1);
            let Some(left) = self.work.checked_sub(cost) else { return false };
            self.work = left;
            for other in active.iter().filter(|other| other.inside != claim.inside) {
                self.add(addr, *other, claim);
            }
            active.push(claim);
        }
        true
    }

    fn add(&mut self, addr: Ipv4Addr, a: Claim, b: Claim) {
        let (a, b) = if a.nat <= b.nat { (a, b) } else { (b, a) };
        let Some(ports) = a.ports.intersection(b.ports) else { return };
        let clash = Clash { addr, ports, holders: [a.inside, b.inside], more: 0 };
        self.found.entry((a.nat, b.nat)).and_modify(|known| known.more += 1).or_insert(clash);
    }
}
