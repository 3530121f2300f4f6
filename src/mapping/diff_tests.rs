//! The diff held to the reverse of each port in both sets.

use std::collections::BTreeSet;

use ipnet::{Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use super::*;
use crate::inside::InsideHost;
use crate::mapping::detnat::{
    AddressPool, Arrangement, Block, BlockHolder, Deterministic, Rfc7422, VyosCheck,
};
use crate::mapping::lw4o6::{BindingTable, LwB4, Softwire};
use crate::mapping::{CeLayout, PsidParams};
use crate::port::PortSet;

/// All rules of these tests lie in 192.0.2.0/29.
const BASE: u32 = 0xc000_0200;

fn addr(offset: u32) -> Ipv4Addr {
    Ipv4Addr::from(BASE + offset)
}

/// What the reverse says, as a holder.
fn holder(rules: &Stateless, addr: Ipv4Addr, port: u16) -> PortHolder {
    let answer = rules.reverse(addr, port, CeLayout::default());
    if answer.kind == "dynamic-pool" {
        return PortHolder::OnDemand;
    }
    let hosts: BTreeSet<InsideHost> = answer.holders.into_iter().map(|h| h.inside).collect();
    let mut hosts: Vec<InsideHost> = hosts.into_iter().collect();
    match hosts.len() {
        0 => PortHolder::Nobody,
        1 => PortHolder::One(hosts.remove(0)),
        _ => PortHolder::Several(hosts),
    }
}

fn check(old: &Stateless, new: &Stateless, every: usize) {
    let changes: Vec<PortChange> = RulesDiff::new(old, new).collect();
    let mut ports: BTreeSet<u16> = (0..=u16::MAX).step_by(every).chain([u16::MAX]).collect();
    // Scattered ports change one by one: some of their edges do.
    for change in changes.iter().step_by(changes.len() / 100 + 1) {
        let (first, last) = (change.ports.first(), change.ports.last());
        ports.extend([first.saturating_sub(1), first, last, last.saturating_add(1)]);
    }
    for offset in 0..9 {
        let here = addr(offset);
        let own: Vec<&PortChange> =
            changes.iter().filter(|c| (c.first..=c.last).contains(&here)).collect();
        for &port in &ports {
            let told = own.get(own.partition_point(|c| c.ports.last() < port));
            let (was, is) = (holder(old, here, port), holder(new, here, port));
            match told.filter(|c| c.ports.contains(port)) {
                None => assert_eq!(was, is, "{here}:{port} is told by no change"),
                Some(c) => assert_eq!((&c.old, &c.new), (&was, &is), "{here}:{port}"),
            }
        }
    }
    let mut totals = DiffTotals::default();
    for pair in changes.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        let is_behind = a.first < b.first || a.ports.last() < b.ports.first();
        assert!(is_behind, "{a:?} before {b:?}");
        assert!(a.first == b.first || a.last < b.first, "{a:?} and {b:?} overlap");
        let is_adjacent = u32::from(a.ports.last()) + 1 == u32::from(b.ports.first());
        let is_same = a.first == b.first && (&a.old, &a.new) == (&b.old, &b.new);
        assert!(!(is_adjacent && is_same), "{a:?} and {b:?} are one");
    }
    for change in &changes {
        assert_ne!(change.old, change.new);
        totals.add(change);
    }
    let touched = (0..9).filter(|o| changes.iter().any(|c| (c.first..=c.last).contains(&addr(*o))));
    assert_eq!(totals.addresses(), touched.count() as u64);
    let losing: BTreeSet<&InsideHost> = changes
        .iter()
        .flat_map(|c| c.old.hosts().iter().filter(|h| !c.new.hosts().contains(h)))
        .collect();
    assert_eq!(totals.losing(), losing.len());
}

fn map() -> impl Strategy<Value = Stateless> {
    let rule = (29..=32_u8, 0..8_u32, 0..7_u8, 0..7_u8, 0..3_u16, prop::option::of(0..4_u16));
    prop::collection::vec(rule, 0..4).prop_map(|drawn| {
        let rules = drawn.into_iter().filter_map(|(len, offset, ea_len, a, net, psid)| {
            let v4 = Ipv4Net::new(addr(offset), len).ok()?;
            let v6: Ipv6Net = format!("2001:db8:{net}::/48").parse().ok()?;
            let rule = match psid {
                Some(psid) if len == 32 => {
                    BasicMappingRule::one_to_one(v6, v4, PsidParams::new_assert(a, 2), psid)
                }
                _ => BasicMappingRule::new(v6, v4, ea_len, a, None),
            };
            Some(NamedRule::new("rule", rule.ok()?))
        });
        Stateless::Map(RuleSet::new("set", rules.collect()))
    })
}

fn lw4o6() -> impl Strategy<Value = Stateless> {
    let params = prop::sample::select(vec![(0, 0), (0, 1), (0, 2), (2, 1), (6, 3)]);
    let life = prop::sample::select(vec!["/", "/@50", "@50/"]);
    prop::collection::vec((0..4_u32, params, 0..4_u16, 0..4_u16, life), 0..6).prop_map(|drawn| {
        let rows = drawn.into_iter().filter_map(|(offset, (a, k), psid, host, life)| {
            let b4: LwB4 = format!("2001:db8::{host}").parse().ok()?;
            let row = Softwire::new(addr(offset), PsidParams::new_assert(a, k), psid, b4).ok()?;
            Some(row.with_lifetime(life.parse().ok()?))
        });
        Stateless::Lw4o6(rows.collect::<BindingTable>())
    })
}

fn rfc7422() -> impl Strategy<Value = Option<Deterministic>> {
    let order = prop::sample::select(vec![
        Arrangement::AddressMajor,
        Arrangement::PortMajor,
        Arrangement::Staggered,
        Arrangement::RoundRobin,
    ]);
    let reserved = prop::sample::select(vec!["", "0-1023", "1-1023,5004,5060"]);
    (0..3_u32, 0..4_u32, 1..9_u32, 0..3_u32, order, reserved).prop_map(
        |(first, more, hosts, dynamic_factor, arrangement, reserved)| {
            let pool = |from: u32, n: u32| {
                AddressPool::ranges([(Ipv4Addr::from(from), Ipv4Addr::from(from + n - 1))]).ok()
            };
            Deterministic::rfc7422(Rfc7422 {
                inside: pool(0x6440_0001, hosts)?,
                outside: pool(BASE + first, more + 1)?,
                compression: None,
                dynamic_factor,
                reserved: reserved.parse::<PortSet>().ok()?,
                arrangement,
            })
            .ok()
        },
    )
}

fn block_table() -> impl Strategy<Value = Option<Deterministic>> {
    let ends = (prop::sample::select(vec![0_u16, 1000, 2000, 60_000]), 0..5000_u16);
    let block = (0..5_u32, ends, 1..4_u16, 0..6_u8);
    prop::collection::vec(block, 1..6).prop_map(|drawn| {
        let blocks = drawn.into_iter().map(|(offset, (first, more), stride, host)| {
            let holder = match host {
                4 => BlockHolder::Excluded,
                5 => BlockHolder::Dynamic,
                n => BlockHolder::Inside([100, 64, 0, n].into()),
            };
            let stride = if host >= 4 { 1 } else { stride };
            Block {
                address: addr(offset),
                ports: PortRange::new_assert(first, first + more),
                stride,
                holder,
            }
        });
        Deterministic::block_table(&blocks.collect::<Vec<_>>()).ok()
    })
}

fn src_nat() -> impl Strategy<Value = Option<Deterministic>> {
    (0..3_u32, 0..4_u32, 2..6_u32).prop_map(|(first, more, clients)| {
        let inside = Ipv4Addr::from(0x6440_00fd);
        Deterministic::mikrotik_src_nat(inside, addr(first), addr(first + more), clients).ok()
    })
}

fn detnat() -> impl Strategy<Value = Stateless> {
    let nat = prop_oneof![rfc7422(), block_table(), block_table(), src_nat()];
    prop::collection::vec(nat, 1..3)
        .prop_map(|nats| Stateless::Deterministic(nats.into_iter().flatten().collect()))
}

fn rules() -> impl Strategy<Value = Stateless> {
    prop_oneof![map(), lw4o6(), detnat()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_diff_is_what_the_reverse_of_each_port_says(old in rules(), new in rules()) {
        check(&old, &new, 1021);
    }

    #[test]
    fn two_sets_of_map_rules_differ_where_their_reverse_does(old in map(), new in map()) {
        check(&old, &new, 509);
    }
}

#[test]
fn one_rule_is_looked_at_port_by_port() {
    let rule = |name, v6: &str, a| {
        let v4 = "192.0.2.0/30".parse().unwrap();
        let rule = BasicMappingRule::new(v6.parse().unwrap(), v4, 4, a, None).unwrap();
        Stateless::Map(RuleSet::new("s", vec![NamedRule::new(name, rule)]))
    };
    let old = rule("a", "2001:db8::/48", 6);
    check(&old, &rule("b", "2001:db8::/48", 4), 3);
    check(&old, &rule("b", "2001:db8:1::/48", 6), 5);
    // A table under another name is the same table.
    assert_eq!(RulesDiff::new(&old, &rule("b", "2001:db8::/48", 6)).count(), 0);
}

#[test]
fn addresses_with_the_same_changes_are_one() {
    let whole = |v6: &str| {
        let v4 = "192.0.2.0/29".parse().unwrap();
        let rule = BasicMappingRule::new(v6.parse().unwrap(), v4, 0, 0, None).unwrap();
        Stateless::Map(RuleSet::new("s", vec![NamedRule::new("r", rule)]))
    };
    let changes: Vec<PortChange> =
        RulesDiff::new(&whole("2001:db8::/56"), &whole("2001:db8:1::/56")).collect();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].first, changes[0].last), (addr(0), addr(7)));
    assert_eq!((changes[0].ports, changes[0].kind()), (PortRange::ALL, ChangeKind::Moved));
    let mut totals = DiffTotals::default();
    totals.add(&changes[0]);
    assert_eq!((totals.addresses(), totals.ports()), (8, 8 * 65_536));
    assert_eq!((totals.losing(), totals.gaining()), (1, 1));
}

#[test]
fn the_last_address_and_a_cut_end_a_diff() {
    let table = |host: u8| {
        let block = |address| Block {
            address,
            ports: PortRange::new_assert(1, 2),
            stride: 1,
            holder: BlockHolder::Inside([100, 64, 0, host].into()),
        };
        let blocks = [block(Ipv4Addr::BROADCAST), block([255, 255, 255, 254].into())];
        Stateless::Deterministic(vec![Deterministic::block_table(&blocks).unwrap()])
    };
    let (old, new) = (table(1), table(2));
    let changes: Vec<PortChange> = RulesDiff::new(&old, &new).collect();
    assert_eq!((changes.len(), changes[0].addresses()), (1, 2));
    let mut cut = RulesDiff::new(&old, &new);
    assert!(cut.cut_to(1));
    assert_eq!(cut.map(|c| c.addresses()).collect::<Vec<_>>(), [1]);
    let mut whole = RulesDiff::new(&old, &new);
    assert!(!whole.cut_to(2));
    assert_eq!(whole.count(), 1);
}

#[test]
fn blocks_that_repeat_have_several_holders() {
    let nat = |hosts: &str| {
        Deterministic::vyos_cgnat(
            hosts.parse().unwrap(),
            "192.0.2.0/31".parse().unwrap(),
            40_000,
            PortRange::new_assert(1024, 65_535),
            VyosCheck::TotalPorts,
        )
        .unwrap()
    };
    let old = Stateless::Deterministic(vec![nat("100.64.0.0-100.64.0.2")]);
    let new = Stateless::Deterministic(vec![nat("100.64.0.0-100.64.0.1")]);
    check(&old, &new, 997);
    let changes: Vec<PortChange> = RulesDiff::new(&old, &new).collect();
    assert_eq!((changes.len(), changes[0].old.to_string().as_str()), (1, "100.64.0.0|100.64.0.2"));
}

#[test]
fn rows_of_another_time_are_no_holders() {
    let row = |host: &str, life: &str| {
        let b4: LwB4 = host.parse().unwrap();
        let row = Softwire::new(addr(1), PsidParams::new_assert(0, 2), 1, b4).unwrap();
        row.with_lifetime(life.parse().unwrap())
    };
    let table = Stateless::Lw4o6(BindingTable::new(vec![
        row("2001:db8::1", "/@50"),
        row("2001:db8::2", "@50/"),
    ]));
    let at = |s: &str| TimeRange::instant(s.parse().unwrap());
    let changes: Vec<PortChange> = RulesDiff::at(&table, at("@49"), &table, at("@50")).collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].old.to_string(), "b4[2001:db8::1]");
    assert_eq!(changes[0].new.to_string(), "b4[2001:db8::2]");
    assert_eq!(RulesDiff::new(&table, &table).count(), 0);
}
