//! Every algorithm of deterministic NAT, by its own two directions: what hosts forward to is what ports reverse to, and
//! whatever is left over is nobody's.
#![cfg(feature = "readers")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use portledger::mapping::detnat::{
    AddressPool, Algorithm, Arrangement, Block, BlockHolder, BlockSpread, CrunchNat, DetReverse,
    Deterministic, Rfc7422, SecureKeys, VyosCheck,
};
use portledger::port::{PortRange, PortSet};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// A NAT, and all its addresses with some of its neighbours'.
#[derive(Clone, Debug)]
struct Case {
    nat: Deterministic,
    inside: Vec<Ipv4Addr>,
    outside: Vec<Ipv4Addr>,
}

const INSIDE: u32 = 0x0a00_00f8;
const OUTSIDE: u32 = 0xcb00_71fc;

/// Addresses from a first one on, a few before it and behind the last included.
fn around(first: u32, count: u32) -> Vec<Ipv4Addr> {
    (first - 1..=first + count).map(Ipv4Addr::from).collect()
}

fn case(nat: Deterministic, inside: (u32, u32), outside: (u32, u32)) -> Case {
    Case { nat, inside: around(inside.0, inside.1), outside: around(outside.0, outside.1) }
}

fn pool(first: u32, count: u32) -> AddressPool {
    AddressPool::ranges([(first.into(), (first + count - 1).into())]).unwrap()
}

fn rfc7422(arrangement: Arrangement) -> impl Strategy<Value = Case> {
    let reserved =
        prop::sample::select(vec!["", "0-1023", "1-1023,5004,5060", "0,30000-30999,65535"]);
    (1..90_u32, 1..4_u32, 0..4_u32, 0..3_u32, reserved).prop_map(
        move |(hosts, addresses, spare, dynamic_factor, reserved)| {
            let nat = Deterministic::rfc7422(Rfc7422 {
                inside: pool(INSIDE, hosts),
                outside: pool(OUTSIDE, addresses),
                compression: Some(hosts.div_ceil(addresses) + spare),
                dynamic_factor,
                reserved: reserved.parse().unwrap(),
                arrangement,
            });
            case(nat.unwrap(), (INSIDE, hosts), (OUTSIDE, addresses))
        },
    )
}

/// Prefixes, `2^ratio` inside addresses for each of the outside ones.
fn prefixes(
    ratio: std::ops::RangeInclusive<u8>,
    build: impl Fn(Ipv4Net, Ipv4Net) -> Deterministic,
) -> impl Strategy<Value = Case> {
    (ratio, 0..2_u8).prop_map(move |(ratio, bits)| {
        let (inside, outside) = (0x6440_0000_u32, 0xc000_0208_u32);
        let net = |addr: u32, len| Ipv4Net::new(addr.into(), len).unwrap();
        let nat = build(net(inside, 32 - bits - ratio), net(outside, 32 - bits));
        case(nat, (inside, 1 << (bits + ratio)), (outside, 1 << bits))
    })
}

fn vyos(check: VyosCheck) -> impl Strategy<Value = Case> {
    (1..60_u32, 1..4_u32, 600..30_000_u32, 0..1500_u16).prop_filter_map(
        "not enough ports",
        move |(hosts, addresses, ports, first)| {
            let range = PortRange::new_assert(first, 65_535);
            let (inside, outside) = (pool(INSIDE, hosts), pool(OUTSIDE, addresses));
            let nat = Deterministic::vyos_cgnat(inside, outside, ports, range, check).ok()?;
            Some(case(nat, (INSIDE, hosts), (OUTSIDE, addresses)))
        },
    )
}

fn juniper() -> impl Strategy<Value = Case> {
    let spread = prop::sample::select(vec![BlockSpread::Rounded, BlockSpread::Packed]);
    (1..90_u32, 1..4_u32, prop_oneof![Just(0), 200..4000_u32], spread).prop_filter_map(
        "not enough ports",
        |(hosts, addresses, block, spread)| {
            let (inside, outside) = (pool(INSIDE, hosts), pool(OUTSIDE, addresses));
            let nat = Deterministic::juniper_napt44(inside, outside, block, Some(spread)).ok()?;
            Some(case(nat, (INSIDE, hosts), (OUTSIDE, addresses)))
        },
    )
}

fn src_nat() -> impl Strategy<Value = Case> {
    (0..6_u32, 1..6_u32, 2..70_u32).prop_filter_map(
        "no address with a rule",
        |(skip, addresses, clients)| {
            let (first, last) = (OUTSIDE + skip, OUTSIDE + skip + addresses - 1);
            let nat =
                Deterministic::mikrotik_src_nat(INSIDE.into(), first.into(), last.into(), clients);
            Some(case(nat.ok()?, (INSIDE, addresses * clients), (first, addresses)))
        },
    )
}

fn block_table() -> impl Strategy<Value = Case> {
    // Holders by slots of 64 ports, so that excluded and dynamic ports do not meet a host's; strides within a slot.
    let slot = (0..2_u32, 0..1024_u16, 0..7_u32, 1..9_u16);
    prop::collection::btree_map((0..2_u32, 0..1024_u16), slot, 1..60).prop_map(|slots| {
        let rows = slots.into_iter().map(|((addr, at), (_, _, host, stride))| {
            let holder = match host {
                5 => BlockHolder::Excluded,
                6 => BlockHolder::Dynamic,
                host => BlockHolder::Inside((INSIDE + host).into()),
            };
            Block {
                address: (OUTSIDE + addr).into(),
                ports: PortRange::new_assert(at * 64, at * 64 + 63),
                stride: if host < 5 { stride } else { 1 },
                holder,
            }
        });
        let mut rows: Vec<Block> = rows.collect();
        // A second host of a slot that has one.
        if let Some(row) = rows.iter().find(|r| matches!(r.holder, BlockHolder::Inside(_))).copied()
        {
            rows.push(Block { holder: BlockHolder::Inside((INSIDE + 1).into()), ..row });
        }
        case(Deterministic::block_table(&rows).unwrap(), (INSIDE, 5), (OUTSIDE, 2))
    })
}

/// Every algorithm, and every variant of it.
fn every_kind() -> Vec<(&'static str, BoxedStrategy<Case>)> {
    // A host that has nearly all ports, scattered, takes long.
    let crunchnat = |variant: CrunchNat| {
        let least = if variant == CrunchNat::Simple { 0 } else { 5 };
        prefixes(least..=8, move |i, o| Deterministic::crunchnat(i, o, variant).unwrap()).boxed()
    };
    vec![
        ("rfc7422 address-major", rfc7422(Arrangement::AddressMajor).boxed()),
        ("rfc7422 port-major", rfc7422(Arrangement::PortMajor).boxed()),
        ("rfc7422 staggered", rfc7422(Arrangement::Staggered).boxed()),
        ("rfc7422 round robin", rfc7422(Arrangement::RoundRobin).boxed()),
        ("vpp-det44", prefixes(0..=9, |i, o| Deterministic::vpp_det44(i, o).unwrap()).boxed()),
        ("crunchnat-simple", crunchnat(CrunchNat::Simple)),
        ("crunchnat-stripe", crunchnat(CrunchNat::Stripe)),
        ("crunchnat-secure", crunchnat(CrunchNat::Secure(SecureKeys::default()))),
        ("vyos-cgnat, total ports", vyos(VyosCheck::TotalPorts).boxed()),
        ("vyos-cgnat, whole blocks", vyos(VyosCheck::WholeBlocks).boxed()),
        (
            "mikrotik-netmap",
            prefixes(0..=5, |i, o| Deterministic::mikrotik_netmap(i, o, 1536, 2000).unwrap())
                .boxed(),
        ),
        ("mikrotik-src-nat", src_nat().boxed()),
        ("juniper-napt44", juniper().boxed()),
        ("block-table", block_table().boxed()),
    ]
}

type Forward = BTreeMap<(Ipv4Addr, Ipv4Addr), PortSet>;

/// How many ports are of each kind.
type Kinds = BTreeMap<&'static str, u32>;

fn check(case: &Case, random: u16) -> Kinds {
    let Case { nat, inside, outside } = case;
    let mut forward = Forward::new();
    for host in inside {
        for (addr, ports) in nat.forward(*host) {
            assert!(nat.covers(addr) && outside.contains(&addr) && !ports.is_empty());
            assert_eq!(forward.insert((addr, *host), ports), None, "{addr} twice for {host}");
        }
    }
    let mut kinds = Kinds::new();
    for addr in outside {
        let mut owners: Vec<Vec<Ipv4Addr>> = vec![Vec::new(); 65_536];
        for ((at, host), ports) in &forward {
            for range in ports.ranges().iter().filter(|_| at == addr) {
                for port in range.first()..=range.last() {
                    owners[usize::from(port)].push(*host);
                }
            }
        }
        let listed: BTreeMap<_, _> = nat.owners(*addr).map(|o| (o.inside, o.ports)).collect();
        let named = forward.iter().filter(|((at, _), _)| at == addr);
        assert_eq!(listed, named.map(|((_, host), ports)| (*host, ports.clone())).collect());
        // Sets of scattered ports are long to build, so few of them are asked; the steps are prime to meet every residue.
        let is_scattered = listed.values().any(|ports| ports.ranges().len() > 16);
        let step = if is_scattered || !nat.covers(*addr) { 1499 } else { 61 };
        let mut ports: Vec<u16> = (random % step..=u16::MAX).step_by(usize::from(step)).collect();
        let ends = listed.values().flat_map(PortSet::ranges).flat_map(|r| [r.first(), r.last()]);
        let edges = ends.flat_map(|p| [p.saturating_sub(1), p, p.saturating_add(1)]);
        ports.extend(edges.take(if is_scattered { 30 } else { 600 }));
        for port in ports {
            let wanted = &owners[usize::from(port)];
            let reverse = nat.reverse(*addr, port);
            *kinds.entry(reverse.kind()).or_default() += 1;
            match &reverse {
                DetReverse::Mapped { inside, ports } => {
                    assert_eq!(wanted, &[*inside], "{addr}:{port}");
                    assert_eq!(ports, &forward[&(*addr, *inside)]);
                }
                DetReverse::Ambiguous { owners } => {
                    let named: BTreeSet<_> = owners.iter().map(|o| o.inside).collect();
                    assert_eq!(named, wanted.iter().copied().collect(), "{addr}:{port}");
                    assert!(named.len() > 1);
                    // Only these can give a port twice, and then they say so.
                    let algorithm = nat.algorithm();
                    assert!(matches!(algorithm, Algorithm::VyosCgnat | Algorithm::BlockTable));
                }
                other => {
                    assert!(wanted.is_empty(), "{addr}:{port} is {wanted:?}'s, not {other:?}");
                    assert_eq!(*other == DetReverse::OutsidePool, !nat.covers(*addr));
                    assert!(*other != DetReverse::DynamicPool || nat.has_dynamic_pool());
                }
            }
        }
    }
    kinds
}

#[test]
fn forward_then_reverse_is_the_identity_and_the_rest_is_nobodys() {
    for (name, strategy) in every_kind() {
        let mut runner = TestRunner::deterministic();
        let mut kinds = Kinds::new();
        for round in 0..6 {
            let case = strategy.new_tree(&mut runner).unwrap().current();
            for (kind, count) in check(&case, round * 211) {
                *kinds.entry(kind).or_default() += count;
            }
        }
        // What never came up was not tested.
        assert!(kinds["mapped"] > 30 && kinds["outside-pool"] > 100, "{name}: {kinds:?}");
        assert!(kinds.len() > 2, "{name}: {kinds:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn so_it_is_for_any_configuration(
        (which, case) in prop::strategy::Union::new(
            every_kind().into_iter().map(|(name, cases)| cases.prop_map(move |c| (name, c)).boxed())
        ),
        random: u16,
    ) {
        let kinds = check(&case, random);
        prop_assert!(kinds.values().sum::<u32>() > 0, "{}", which);
    }

    #[test]
    fn juniper_agrees_with_its_formula(
        (hosts, addresses) in (1..200_u32, 1..4_u32),
        block in 1..5000_u32,
        is_packed: bool,
    ) {
        let spread = if is_packed { BlockSpread::Packed } else { BlockSpread::Rounded };
        let nat = Deterministic::juniper_napt44(
            pool(INSIDE, hosts), pool(OUTSIDE, addresses), block, Some(spread),
        );
        let parts = if is_packed { 64_512 / block } else { hosts.div_ceil(addresses) };
        let fits = parts * block <= 64_512 && hosts <= parts * addresses;
        prop_assert_eq!(nat.is_ok(), fits, "{:?}", nat);
        if let Ok(nat) = nat {
            for host in 0..hosts {
                // Pr_Port_Offset = (address - first address) * block size, from 1024 on.
                let first = 1024 + host % parts * block;
                let range = PortRange::new_assert(
                    u16::try_from(first).unwrap(), u16::try_from(first + block - 1).unwrap(),
                );
                let expected = vec![(Ipv4Addr::from(OUTSIDE + host / parts), range.into())];
                prop_assert_eq!(nat.forward((INSIDE + host).into()), expected);
            }
        }
    }
}
