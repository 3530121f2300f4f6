//! Rules of whichever stateless mechanism, asked the same two questions.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::inside::InsideHost;
use crate::mapping::detnat::{DetReverse, Deterministic};
use crate::mapping::lw4o6::{BindingTable, LwKind, Softwire};
use crate::mapping::{CeLayout, NamedRule, Reverse, RuleSet, SetAnswer, Share};
use crate::port::{PortRange, PortSet};
use crate::time::TimeRange;

/// The rules of one file, of whichever mechanism.
///
/// ```
/// use portledger::mapping::{CeLayout, Preset, Stateless};
/// let rules = Stateless::Map(Preset::V6plus.rules());
/// let answer = rules.reverse("106.73.9.9".parse().unwrap(), 5000, CeLayout::Draft03);
/// assert_eq!(answer.kind, "mapped");
/// let holder = &answer.holders[0];
/// assert_eq!((holder.inside.to_string().as_str(), holder.psid), ("240b:11:909:3800::/56", Some(56)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stateless {
    /// MAP-E and MAP-T (RFC 7597, RFC 7599).
    Map(RuleSet),
    /// Lightweight 4over6 (RFC 7596).
    Lw4o6(BindingTable),
    /// Deterministic NATs, together.
    Deterministic(Vec<Deterministic>),
}

/// What rules say about an (address, port), or about an inside host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatelessAnswer {
    /// The kind in one word.
    ///
    /// | word | of | meaning |
    /// |---|---|---|
    /// | `mapped` | all | one holder |
    /// | `mapped-prefix` | MAP | one holder, who has a whole IPv4 prefix |
    /// | `ambiguous` | all | several holders: each of them is there; going forward also a prefix too short for one share |
    /// | `excluded-port` | all | the port is nobody's |
    /// | `other-psid` | MAP | the one rule of the set speaks for another PSID |
    /// | `no-subscriber` | MAP | no rule of the address speaks for this PSID |
    /// | `outside-rule` | MAP | no rule holds the address, or the prefix |
    /// | `no-softwire` | lw4o6 | no row holds the port, or the B4 |
    /// | `unknown-address` | lw4o6 | no row holds the address |
    /// | `leftover-port` | deterministic NAT | no inside host forwards to the port |
    /// | `dynamic-pool` | deterministic NAT | only the log of blocks can tell |
    /// | `outside-pool` | deterministic NAT | no NAT has the address, or the inside host |
    pub kind: &'static str,
    /// The PSID of the port, right-aligned, where nobody holds it and the rules agree on it all the same.
    pub psid: Option<u16>,
    /// Everybody who may hold the port; or, going forward, everything that the host holds.
    pub holders: Vec<Holding>,
}

/// A holder, and what it holds under one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holding {
    /// The rule: its name, `binding-table`, or the name or algorithm of the NAT.
    pub rule: String,
    /// The PSID, right-aligned; `None` where there is none.
    pub psid: Option<u16>,
    /// The End-user prefix, the B4, or the inside address.
    pub inside: InsideHost,
    /// The tunnel address: of the customer edge (MAP) or of the B4.
    pub ce_address: Option<Ipv6Addr>,
    /// The public address, or the whole prefix.
    pub public: Ipv4Net,
    /// The ports, on each address of `public`.
    pub ports: PortSet,
}

impl StatelessAnswer {
    fn nobody(kind: &'static str) -> StatelessAnswer {
        StatelessAnswer { kind, psid: None, holders: Vec::new() }
    }
}

impl Stateless {
    /// How many rules, rows or NATs there are.
    pub fn len(&self) -> usize {
        match self {
            Stateless::Map(set) => set.rules().len(),
            Stateless::Lw4o6(table) => table.len(),
            Stateless::Deterministic(nats) => nats.len(),
        }
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The mechanism in one word: `map`, `lw4o6` or `deterministic`.
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Stateless::Map(_) => "map",
            Stateless::Lw4o6(_) => "lw4o6",
            Stateless::Deterministic(_) => "deterministic",
        }
    }

    /// The MAP rules, where they are such.
    pub const fn as_map(&self) -> Option<&RuleSet> {
        match self {
            Stateless::Map(set) => Some(set),
            _ => None,
        }
    }

    /// The name of a set of MAP rules; the others have none of their own.
    pub fn name(&self) -> Option<&str> {
        self.as_map().map(RuleSet::name)
    }

    /// The version, where the source has one for all of it.
    pub fn version(&self) -> Option<&str> {
        self.as_map().and_then(RuleSet::version)
    }

    /// Whether some rule, row or NAT has the public address.
    pub fn covers(&self, addr: Ipv4Addr) -> bool {
        match self {
            Stateless::Map(set) => set.matches(addr).next().is_some(),
            Stateless::Lw4o6(table) => table.covers(addr),
            Stateless::Deterministic(nats) => nats.iter().any(|nat| nat.covers(addr)),
        }
    }

    /// Whose port it is.
    ///
    /// The layout is for the tunnel addresses of MAP: [`CeLayout::Draft03`] for the services of
    /// [`Preset`](crate::mapping::Preset), [`CeLayout::Rfc7597`] otherwise. Rows of a binding table with lifetimes are
    /// asked for all time: several holders one after the other are `ambiguous`. Where one NAT gives the port to a host
    /// and another hands it out on demand, the answer is `dynamic-pool`: a rule does not decide it.
    pub fn reverse(&self, addr: Ipv4Addr, port: u16, layout: CeLayout) -> StatelessAnswer {
        match self {
            Stateless::Map(set) => map_reverse(set, addr, port, layout),
            Stateless::Lw4o6(table) => lw4o6_reverse(table, addr, port),
            Stateless::Deterministic(nats) => detnat_reverse(nats, addr, port),
        }
    }

    /// What a host holds: a prefix or address under MAP rules, a B4 or a prefix that holds B4s, an inside IPv4 address.
    ///
    /// A MAP rule that another one with a longer IPv4 prefix hides from the address gives nothing. A prefix that is too
    /// short for one share, or holds several B4s, is `ambiguous`. `None` where the kind of host is not of the
    /// mechanism; the realm of an inside address is not looked at.
    pub fn forward(&self, host: &InsideHost, layout: CeLayout) -> Option<StatelessAnswer> {
        match (self, host) {
            (Stateless::Map(set), _) => Some(map_forward(set, net(host)?, layout)),
            (Stateless::Lw4o6(table), _) => Some(lw4o6_forward(table, net(host)?)),
            (Stateless::Deterministic(nats), InsideHost::V4 { addr, .. }) => {
                Some(detnat_forward(nats, *addr))
            }
            _ => None,
        }
    }
}

impl From<RuleSet> for Stateless {
    fn from(set: RuleSet) -> Stateless {
        Stateless::Map(set)
    }
}

/// The IPv6 side of a host; an address has 128 bits.
fn net(host: &InsideHost) -> Option<Ipv6Net> {
    match host {
        InsideHost::Prefix(prefix) => Some(*prefix),
        InsideHost::V6(addr) | InsideHost::B4 { addr, inner: None } => Some(Ipv6Net::from(*addr)),
        _ => None,
    }
}

fn map_holding(rule: &NamedRule, prefix: Ipv6Net, share: Share, layout: CeLayout) -> Holding {
    Holding {
        rule: rule.name().to_owned(),
        psid: share.psid,
        inside: InsideHost::prefix(share.end_user_prefix),
        ce_address: rule.rule().ce_address(prefix, layout),
        public: share.v4,
        ports: share.ports,
    }
}

fn map_reverse(set: &RuleSet, addr: Ipv4Addr, port: u16, layout: CeLayout) -> StatelessAnswer {
    let (kind, answers) = match set.answer(addr, port) {
        SetAnswer::Mapped(answer) => match answer.reverse {
            Reverse::MappedPrefix { .. } => ("mapped-prefix", vec![answer]),
            _ => ("mapped", vec![answer]),
        },
        SetAnswer::Ambiguous(answers) => ("ambiguous", answers),
        SetAnswer::ExcludedPort => return StatelessAnswer::nobody("excluded-port"),
        SetAnswer::OutsideRules => return StatelessAnswer::nobody("outside-rule"),
        SetAnswer::NoSubscriber => {
            // Of one rule alone the PSID of the port is worth saying; several may cut it differently.
            let [rule] = set.rules() else { return StatelessAnswer::nobody("no-subscriber") };
            let psid = rule.rule().psid_params().psid(port);
            return StatelessAnswer { psid, ..StatelessAnswer::nobody("other-psid") };
        }
    };
    let holders = answers.into_iter().filter_map(|answer| {
        let prefix = answer.reverse.end_user_prefix()?;
        let share = answer.rule.rule().forward(prefix)?;
        Some(map_holding(answer.rule, prefix, share, layout))
    });
    StatelessAnswer { kind, psid: None, holders: holders.collect() }
}

fn map_forward(set: &RuleSet, prefix: Ipv6Net, layout: CeLayout) -> StatelessAnswer {
    let mut holders = Vec::new();
    let (mut is_short, mut is_prefix) = (false, false);
    for rule in set.rules() {
        let r = rule.rule();
        let Some(share) = r.forward(prefix) else {
            let overlaps = r.v6().contains(&prefix) || prefix.contains(&r.v6());
            is_short |= overlaps && prefix.prefix_len() < r.mapped_len();
            continue;
        };
        if set.matches(share.v4.network()).any(|deciding| deciding == rule) {
            is_prefix |= share.v4.prefix_len() < 32;
            // An address is a host in the subscriber's network, not the prefix that was delegated.
            let delegated = if prefix.prefix_len() == 128 { share.end_user_prefix } else { prefix };
            let holding = map_holding(rule, delegated, share, layout);
            // A table that is loaded twice says nothing new.
            let is_known =
                |h: &Holding| Holding { rule: holding.rule.clone(), ..h.clone() } == holding;
            if !holders.iter().any(is_known) {
                holders.push(holding);
            }
        }
    }
    let kind = match (is_short, holders.is_empty(), is_prefix) {
        (true, ..) => "ambiguous",
        (_, true, _) => "outside-rule",
        (_, _, true) => "mapped-prefix",
        _ => "mapped",
    };
    StatelessAnswer { kind, psid: None, holders }
}

fn softwire_holding(row: &Softwire) -> Holding {
    Holding {
        rule: "binding-table".to_owned(),
        psid: (row.psid_params().len() > 0).then(|| row.psid()),
        inside: row.b4().inside_host(),
        ce_address: Some(row.b4_address()),
        public: Ipv4Net::from(row.ipv4()),
        ports: row.ports(),
    }
}

/// The holdings of rows, each once: a renewed lease is the same holding.
fn softwires<'a>(rows: impl IntoIterator<Item = &'a Softwire>) -> Vec<Holding> {
    let mut holders: Vec<Holding> = Vec::new();
    for holding in rows.into_iter().map(softwire_holding) {
        if !holders.contains(&holding) {
            holders.push(holding);
        }
    }
    holders
}

fn lw4o6_reverse(table: &BindingTable, addr: Ipv4Addr, port: u16) -> StatelessAnswer {
    let answer = table.reverse(addr, port, TimeRange::ALL);
    let kind = match answer.kind() {
        LwKind::Mapped => "mapped",
        LwKind::Ambiguous => "ambiguous",
        LwKind::NoSoftwire => "no-softwire",
        LwKind::ExcludedPort => "excluded-port",
        LwKind::UnknownAddress => "unknown-address",
    };
    let mut holders = softwires(answer.rows().iter().copied());
    // Said as the table says it: also a PSID of length 0.
    if let ([holder], Some(psid)) = (holders.as_mut_slice(), answer.psid()) {
        holder.psid = Some(psid);
    }
    let psid = answer.psid().filter(|_| holders.is_empty());
    StatelessAnswer { kind, psid, holders }
}

fn lw4o6_forward(table: &BindingTable, prefix: Ipv6Net) -> StatelessAnswer {
    let holders = softwires(table.rows_in(prefix, TimeRange::ALL));
    let kind = match holders.split_first() {
        None => "no-softwire",
        Some((first, rest)) if rest.iter().all(|h| h.inside == first.inside) => "mapped",
        Some(_) => "ambiguous",
    };
    StatelessAnswer { kind, psid: None, holders }
}

fn nat_holding(nat: &Deterministic, inside: Ipv4Addr, addr: Ipv4Addr, ports: PortSet) -> Holding {
    Holding {
        rule: nat.name().unwrap_or(nat.algorithm().as_str()).to_owned(),
        psid: None,
        inside: InsideHost::v4(inside),
        ce_address: None,
        public: Ipv4Net::from(addr),
        ports,
    }
}

/// Adds what a NAT gives; the same host on the same address twice has the ports of both.
fn add(holders: &mut Vec<Holding>, new: Holding) {
    match holders.iter_mut().find(|h| h.inside == new.inside && h.public == new.public) {
        Some(held) => {
            let both: Vec<PortRange> = [&held.ports, &new.ports]
                .iter()
                .flat_map(|ports| ports.ranges().iter().copied())
                .collect();
            held.ports = both.into_iter().collect();
        }
        None => holders.push(new),
    }
}

fn detnat_reverse(nats: &[Deterministic], addr: Ipv4Addr, port: u16) -> StatelessAnswer {
    let mut holders = Vec::new();
    let (mut is_dynamic, mut is_leftover, mut is_excluded) = (false, false, false);
    for nat in nats {
        match nat.reverse(addr, port) {
            DetReverse::Mapped { inside, ports } => {
                add(&mut holders, nat_holding(nat, inside, addr, ports));
            }
            DetReverse::Ambiguous { owners } => {
                for owner in owners {
                    add(&mut holders, nat_holding(nat, owner.inside, addr, owner.ports));
                }
            }
            DetReverse::DynamicPool => is_dynamic = true,
            DetReverse::LeftoverPort => is_leftover = true,
            DetReverse::ExcludedPort => is_excluded = true,
            DetReverse::OutsidePool => {}
        }
    }
    if is_dynamic {
        return StatelessAnswer::nobody("dynamic-pool");
    }
    let kind = match holders.len() {
        0 if is_leftover => "leftover-port",
        0 if is_excluded => "excluded-port",
        0 => "outside-pool",
        1 => "mapped",
        _ => "ambiguous",
    };
    StatelessAnswer { kind, psid: None, holders }
}

fn detnat_forward(nats: &[Deterministic], inside: Ipv4Addr) -> StatelessAnswer {
    let mut holders = Vec::new();
    for nat in nats {
        for (addr, ports) in nat.forward(inside) {
            add(&mut holders, nat_holding(nat, inside, addr, ports));
        }
    }
    let kind = if holders.is_empty() { "outside-pool" } else { "mapped" };
    StatelessAnswer { kind, psid: None, holders }
}

#[cfg(test)]
#[path = "stateless_tests.rs"]
mod tests;
