//! Who has each port of an address under rules of whichever mechanism, walked in the order of the ports.

use std::fmt;
use std::net::Ipv4Addr;

use super::{NamedRule, RuleSet, Stateless};
use crate::inside::InsideHost;
use crate::port::{PortRange, PortSet};
use crate::time::TimeRange;

/// Who has a port under rules.
///
/// # Text form
///
/// The host; several joined by `|`; `nobody`; `on-demand`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PortHolder {
    /// No rule gives it to a host.
    Nobody,
    /// It is handed out on demand: only the log of blocks can tell.
    OnDemand,
    /// One host.
    One(InsideHost),
    /// Several hosts, in order, each once: the rules contradict one another, or held one after the other.
    Several(Vec<InsideHost>),
}

impl PortHolder {
    /// The hosts, in order, each once.
    pub fn hosts(&self) -> &[InsideHost] {
        match self {
            PortHolder::Nobody | PortHolder::OnDemand => &[],
            PortHolder::One(host) => std::slice::from_ref(host),
            PortHolder::Several(hosts) => hosts,
        }
    }

    fn of(mut hosts: Vec<InsideHost>) -> PortHolder {
        hosts.sort_unstable();
        hosts.dedup();
        match hosts.len() {
            0 => PortHolder::Nobody,
            1 => hosts.pop().map_or(PortHolder::Nobody, PortHolder::One),
            _ => PortHolder::Several(hosts),
        }
    }
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortHolder::Nobody => f.write_str("nobody"),
            PortHolder::OnDemand => f.write_str("on-demand"),
            PortHolder::One(host) => host.fmt(f),
            PortHolder::Several(hosts) => {
                for (i, host) in hosts.iter().enumerate() {
                    write!(f, "{}{host}", if i > 0 { "|" } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

/// Everything that rules say of one address.
#[derive(Clone, Debug, Default)]
pub(super) struct Holdings {
    /// By first port.
    held: Vec<(PortRange, InsideHost)>,
    on_demand: PortSet,
}

/// A place in a walk over the ports of [`Holdings`].
#[derive(Clone, Debug, Default)]
pub(super) struct PortWalk {
    /// The next port, up to 65536.
    at: u32,
    /// The first entry of `held` that begins behind it.
    next: usize,
    /// Entries that hold it.
    active: Vec<usize>,
}

/// One step of a walk: ports from `first` to below `end` have one holder.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) holder: PortHolder,
}

impl Holdings {
    /// What the rules say of an address at any instant of `during`; only rows of a binding table have times.
    pub(super) fn of(rules: &Stateless, addr: Ipv4Addr, during: TimeRange) -> Holdings {
        let mut holdings = match rules {
            Stateless::Map(set) => of_map(set, addr),
            Stateless::Lw4o6(table) => {
                let mut held = Vec::new();
                for row in table.owners(addr, during) {
                    let host = row.b4().inside_host();
                    held.extend(row.ports().ranges().iter().map(|r| (*r, host.clone())));
                }
                Holdings { held, on_demand: PortSet::default() }
            }
            Stateless::Deterministic(nats) => {
                let (mut held, mut on_demand) = (Vec::new(), Vec::new());
                for nat in nats.iter().filter(|nat| nat.covers(addr)) {
                    on_demand.extend_from_slice(nat.dynamic_ports(addr).ranges());
                    for owner in nat.owners(addr) {
                        let host = InsideHost::v4(owner.inside);
                        held.extend(owner.ports.ranges().iter().map(|r| (*r, host.clone())));
                    }
                }
                Holdings { held, on_demand: on_demand.into_iter().collect() }
            }
        };
        holdings.held.sort_by_key(|(ports, _)| *ports);
        holdings
    }
}

fn of_map(set: &RuleSet, addr: Ipv4Addr) -> Holdings {
    let mut held = Vec::new();
    for rule in set.matches(addr).map(NamedRule::rule) {
        for (psid, prefix) in rule.end_users(addr) {
            let ports = rule.psid_params().ports(psid.unwrap_or(0)).unwrap_or_default();
            let host = InsideHost::prefix(prefix);
            held.extend(ports.ranges().iter().map(|r| (*r, host.clone())));
        }
    }
    Holdings { held, on_demand: PortSet::default() }
}

impl PortWalk {
    /// The next ports that have one holder; neighbours may have the same. None behind port 65535.
    pub(super) fn step(&mut self, holdings: &Holdings) -> Option<Step> {
        let first = self.at;
        let port = u16::try_from(first).ok()?;
        let entry = |at: &usize| holdings.held.get(*at);
        while let Some((ports, _)) = holdings.held.get(self.next)
            && ports.first() <= port
        {
            self.active.push(self.next);
            self.next += 1;
        }
        self.active.retain(|at| entry(at).is_some_and(|(ports, _)| ports.last() >= port));
        let ends = self.active.iter().filter_map(entry).map(|(r, _)| u32::from(r.last()) + 1);
        let begin = entry(&self.next).map(|(ports, _)| u32::from(ports.first()));
        let mut end = ends.chain(begin).min().unwrap_or(65_536);
        let demanded = holdings.on_demand.ranges();
        let near = demanded.get(demanded.partition_point(|r| r.last() < port));
        let is_on_demand = near.is_some_and(|r| r.contains(port));
        if let Some(range) = near {
            let edge =
                if is_on_demand { u32::from(range.last()) + 1 } else { range.first().into() };
            end = end.min(edge);
        }
        self.at = end;
        let holder = if is_on_demand {
            PortHolder::OnDemand
        } else {
            let hosts = self.active.iter().filter_map(entry).map(|(_, host)| host.clone());
            PortHolder::of(hosts.collect())
        };
        Some(Step { first, end, holder })
    }
}
