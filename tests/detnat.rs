//! Deterministic NAT against plain loops: what no closed form can get wrong together with its own inverse.
#![cfg(feature = "readers")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

use portledger::mapping::detnat::{
    AddressPool, Arrangement, Block, BlockHolder, CrunchNat, DetNatError, DetReverse,
    Deterministic, Rfc7422, SecureKeys, VyosCheck, read_detnat,
};
use portledger::port::{PortRange, PortSet};
use proptest::prelude::*;

/// Who holds what, written out: for each outside address 65,536 lists of hosts.
type Plain = BTreeMap<Ipv4Addr, Vec<Vec<Ipv4Addr>>>;

fn addrs(pool: &AddressPool) -> Vec<Ipv4Addr> {
    (0..pool.len()).map(|place| pool.nth(place).unwrap()).collect()
}

fn give(plain: &mut Plain, addr: Ipv4Addr, port: u16, inside: Ipv4Addr) {
    let hosts =
        &mut plain.entry(addr).or_insert_with(|| vec![Vec::new(); 65_536])[usize::from(port)];
    if !hosts.contains(&inside) {
        hosts.push(inside);
    }
}

fn give_all(plain: &mut Plain, addr: Ipv4Addr, ports: &[u16], inside: Ipv4Addr) {
    for port in ports {
        give(plain, addr, *port, inside);
    }
}

/// RFC 7422 by dealing out ports in turn.
fn plain_rfc7422(params: &Rfc7422, compression: usize) -> Plain {
    let ports: Vec<u16> = (0..=u16::MAX).filter(|p| !params.reserved.contains(*p)).collect();
    let (inside, outside) = (addrs(&params.inside), addrs(&params.outside));
    let block = ports.len() / (compression + params.dynamic_factor as usize);
    let mut plain = Plain::new();
    match params.arrangement {
        Arrangement::AddressMajor => {
            let mut hosts = inside.iter();
            for addr in &outside {
                for blocks in ports.chunks(block).take(compression) {
                    let Some(host) = hosts.next() else { break };
                    give_all(&mut plain, *addr, blocks, *host);
                }
            }
        }
        Arrangement::PortMajor => {
            let mut hosts = inside.iter();
            for blocks in ports.chunks(block).take(compression) {
                for addr in &outside {
                    let Some(host) = hosts.next() else { break };
                    give_all(&mut plain, *addr, blocks, *host);
                }
            }
        }
        Arrangement::Staggered => {
            for (hosts, addr) in inside.chunks(compression).zip(&outside) {
                let turns = (0..compression).cycle();
                for (port, turn) in ports.iter().zip(turns).take(block * compression) {
                    if let Some(host) = hosts.get(turn) {
                        give(&mut plain, *addr, *port, *host);
                    }
                }
            }
        }
        Arrangement::RoundRobin => {
            let share = block / outside.len();
            for addr in &outside {
                for (blocks, host) in ports.chunks(share).zip(&inside) {
                    give_all(&mut plain, *addr, blocks, *host);
                }
            }
        }
    }
    plain
}

/// The walk of VyOS, as its script goes.
fn plain_vyos(inside: &[Ipv4Addr], outside: &[Ipv4Addr], count: u32, range: PortRange) -> Plain {
    let (start, end) = (u32::from(range.first()), u32::from(range.last()));
    let (mut port, mut external) = (start, 0);
    let mut plain = Plain::new();
    for host in inside {
        let mut next_end = port + count - 1;
        while next_end > end {
            external = (external + 1) % outside.len();
            port = start;
            next_end = port + count - 1;
        }
        for p in port..=next_end {
            give(&mut plain, outside[external], u16::try_from(p).unwrap(), *host);
        }
        port = next_end + 1;
        if port > end {
            port = start;
            external += 1;
        }
    }
    plain
}

/// Compares both directions with the written-out map, at these ports of every outside address.
fn compare(
    nat: &Deterministic,
    inside: &[Ipv4Addr],
    outside: &[Ipv4Addr],
    plain: &Plain,
    ports: &[u16],
) {
    let mut by_host: HashMap<(Ipv4Addr, Ipv4Addr), Vec<PortRange>> = HashMap::new();
    for (addr, held) in plain {
        for (port, hosts) in (0..=u16::MAX).zip(held) {
            for host in hosts {
                by_host.entry((*host, *addr)).or_default().push(PortRange::single(port));
            }
        }
    }
    let sets: BTreeMap<(Ipv4Addr, Ipv4Addr), PortSet> =
        by_host.into_iter().map(|(key, ranges)| (key, ranges.into_iter().collect())).collect();
    for host in inside {
        let wanted = sets.range((*host, Ipv4Addr::UNSPECIFIED)..=(*host, Ipv4Addr::BROADCAST));
        let wanted: BTreeMap<Ipv4Addr, PortSet> =
            wanted.map(|((_, addr), set)| (*addr, set.clone())).collect();
        let forward: BTreeMap<_, _> = nat.forward(*host).into_iter().collect();
        assert_eq!(forward, wanted, "{host} of {}", nat.describe());
    }
    for addr in outside {
        let owners: BTreeMap<_, _> = nat.owners(*addr).map(|o| (o.inside, o.ports)).collect();
        let wanted = sets.iter().filter(|((_, at), _)| at == addr);
        assert_eq!(owners, wanted.map(|((host, _), set)| (*host, set.clone())).collect());
        for port in ports {
            let mut wanted =
                plain.get(addr).map(|held| held[usize::from(*port)].clone()).unwrap_or_default();
            wanted.sort_unstable();
            let reverse = nat.reverse(*addr, *port);
            let named = match &reverse {
                DetReverse::Mapped { inside, ports } => {
                    assert_eq!(ports, &sets[&(*inside, *addr)]);
                    vec![*inside]
                }
                DetReverse::Ambiguous { owners } => {
                    assert!(owners.len() > 1);
                    owners.iter().map(|o| o.inside).collect()
                }
                _ => Vec::new(),
            };
            assert_eq!(named, wanted, "{addr}:{port} is {reverse:?}");
        }
    }
}

fn every_port() -> Vec<u16> {
    (0..=u16::MAX).collect()
}

fn pool(first: [u8; 4], count: u32) -> AddressPool {
    let first = Ipv4Addr::from(first);
    AddressPool::ranges([(first, Ipv4Addr::from(u32::from(first) + count - 1))]).unwrap()
}

#[test]
fn every_port_of_small_rfc_7422_configurations() {
    use Arrangement::{AddressMajor, PortMajor, RoundRobin, Staggered};
    for arrangement in [AddressMajor, PortMajor, Staggered, RoundRobin] {
        for (hosts, addresses, compression, dynamic, reserved) in [
            (14, 1, 14, 2, "0-1023"),
            (120, 2, 64, 0, "0-1023,5004,5060"),
            (90, 3, 31, 1, "1-1023,5004,5060,65535"),
        ] {
            let params = Rfc7422 {
                inside: pool([198, 51, 100, 1], hosts),
                outside: pool([192, 0, 2, 1], addresses),
                compression: Some(compression),
                dynamic_factor: dynamic,
                reserved: reserved.parse().unwrap(),
                arrangement,
            };
            let nat = Deterministic::rfc7422(params.clone()).unwrap();
            let plain = plain_rfc7422(&params, compression as usize);
            let (inside, outside) = (addrs(&params.inside), addrs(&params.outside));
            // Scattered ports make sets of thousands of ranges. 61 has no factor in common with the numbers of hosts, so
            // every residue is met.
            let step = if arrangement == Staggered { 61 } else { 1 };
            let ports: Vec<u16> = every_port().into_iter().step_by(step).collect();
            compare(&nat, &inside, &outside, &plain, &ports);
            for port in &ports {
                let kind = nat.reverse(outside[0], *port).kind();
                let is_reserved = params.reserved.contains(*port);
                assert_eq!(kind == "excluded-port", is_reserved, "{port}");
                assert!(dynamic > 0 || kind != "dynamic-pool", "{port}");
            }
        }
    }
}

#[test]
fn every_port_of_a_permuted_address() {
    let nat = Deterministic::crunchnat(
        "100.64.0.0/24".parse().unwrap(),
        "198.51.100.77/32".parse().unwrap(),
        CrunchNat::Secure(SecureKeys::default()),
    );
    let nat = nat.unwrap();
    let (mut plain, n) = (Plain::new(), 251 * 257_u64);
    for host in 0..256_u64 {
        for x in host * 251..(host + 1) * 251 {
            let power = (0..19).fold(1, |power, _| power * x % n);
            let inside = Ipv4Addr::from(0x6440_0000 + u32::try_from(host).unwrap());
            let port = u16::try_from(1024 + power).unwrap();
            give(&mut plain, [198, 51, 100, 77].into(), port, inside);
        }
    }
    let given = plain.values().flatten().filter(|hosts| hosts.len() == 1).count();
    assert_eq!(given, 256 * 251);
    let inside = addrs(&"100.64.0.0/24".parse().unwrap());
    // A permuted set of ports takes 251 powers to build, so not every port is asked.
    let ports: Vec<u16> = every_port().into_iter().step_by(7).collect();
    compare(&nat, &inside, &[[198, 51, 100, 77].into()], &plain, &ports);
    for port in 65_531..=65_535 {
        assert_eq!(nat.reverse([198, 51, 100, 77].into(), port), DetReverse::LeftoverPort);
    }
}

#[test]
fn rfc_7422_section_2_3_hosts_and_their_blocks() {
    let nat = Deterministic::rfc7422(Rfc7422 {
        inside: AddressPool::usable("198.51.100.0/28".parse().unwrap()),
        outside: "192.0.2.1".parse().unwrap(),
        compression: None,
        dynamic_factor: 2,
        reserved: "0-1023".parse().unwrap(),
        arrangement: Arrangement::AddressMajor,
    });
    let nat = nat.unwrap();
    let block = |host: u8| nat.forward([198, 51, 100, host].into()).remove(0).1.to_string();
    assert_eq!((block(1).as_str(), block(2).as_str()), ("1024-5055", "5056-9087"));
    assert_eq!((block(3).as_str(), block(14).as_str()), ("9088-13119", "53440-57471"));
    assert!(nat.forward([198, 51, 100, 0].into()).is_empty());
    assert!(nat.forward([198, 51, 100, 15].into()).is_empty());
}

#[test]
fn rfc_7422_section_2_3_questions_and_their_answers() {
    let nat = read_detnat(
        br#"{"detnat": {"algorithm": "rfc7422", "order": "address-major", "dynamic_factor": 2, "reserved": "0-1023",
            "inside": "198.51.100.1-198.51.100.14", "outside": "192.0.2.1"}}"#,
    );
    let nat = nat.unwrap().remove(0);
    let outside = [192, 0, 2, 1].into();
    // The first is answered by the algorithm, the second only by the log.
    assert_eq!(nat.reverse(outside, 2001).inside(), Some([198, 51, 100, 1].into()));
    assert_eq!(nat.reverse(outside, 58_204), DetReverse::DynamicPool);
    assert_eq!(nat.reverse(outside, 1023), DetReverse::ExcludedPort);
    assert_eq!(nat.reverse([192, 0, 2, 2].into(), 2001), DetReverse::OutsidePool);
}

#[test]
fn kinds_add_up_to_every_port() {
    let nat =
        Deterministic::vpp_det44("10.1.0.0/17".parse().unwrap(), "192.0.2.128/31".parse().unwrap());
    let nat = nat.unwrap();
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for port in every_port() {
        *kinds.entry(nat.reverse([192, 0, 2, 129].into(), port).kind()).or_default() += 1;
    }
    // 16384 hosts with 3 ports each; VPP names a host of nobody's for the other 15360.
    let wanted = [("excluded-port", 1024), ("leftover-port", 15_360), ("mapped", 49_152)];
    assert_eq!(kinds, wanted.into_iter().collect());
}

#[test]
fn vyos_blocks_repeat_or_are_refused() {
    let build = |check| {
        let range = PortRange::new_assert(1024, 65_535);
        let inside = "100.64.0.1-100.64.0.3".parse().unwrap();
        Deterministic::vyos_cgnat(inside, "192.0.2.0/31".parse().unwrap(), 40_000, range, check)
    };
    let nat = build(VyosCheck::TotalPorts).unwrap();
    let DetReverse::Ambiguous { owners } = nat.reverse([192, 0, 2, 0].into(), 41_023) else {
        panic!("two hosts have this block");
    };
    assert_eq!(owners.iter().map(|o| o.inside.octets()[3]).collect::<Vec<_>>(), [1, 3]);
    assert!(matches!(build(VyosCheck::WholeBlocks), Err(DetNatError::NotEnoughPorts { .. })));
}

fn arrangement() -> impl Strategy<Value = Arrangement> {
    prop_oneof![
        Just(Arrangement::AddressMajor),
        Just(Arrangement::PortMajor),
        Just(Arrangement::Staggered),
        Just(Arrangement::RoundRobin),
    ]
}

/// Reserved ports: well-known ones or not, and holes where blocks lie.
fn reserved() -> impl Strategy<Value = PortSet> {
    let range = (any::<u16>(), 0..300_u16)
        .prop_map(|(first, len)| PortRange::new_assert(first, first.saturating_add(len)));
    (any::<bool>(), prop::collection::vec(range, 0..6)).prop_map(|(is_low, mut ranges)| {
        ranges.extend(is_low.then_some(PortRange::new_assert(0, 1023)));
        ranges.into_iter().collect()
    })
}

/// Random ports, and the ends of what hosts hold.
fn probes(nat: &Deterministic, outside: &[Ipv4Addr], random: &[u16]) -> Vec<u16> {
    let mut ports = random.to_vec();
    ports.extend([0, 1023, 1024, 65_535]);
    for addr in outside {
        for owner in nat.owners(*addr).take(200) {
            let block = owner.block().unwrap();
            for port in [block.first(), block.last()] {
                ports.extend([port.saturating_sub(1), port, port.saturating_add(1)]);
            }
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(400);
    ports
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rfc_7422_agrees_with_dealing_out_ports(
        arrangement in arrangement(),
        (hosts, addresses) in (1..60_u32, 1..4_u32),
        spare in 0..5_u32,
        dynamic_factor in 0..4_u32,
        reserved in reserved(),
        random in prop::collection::vec(any::<u16>(), 40),
    ) {
        let compression = hosts.div_ceil(addresses) + spare;
        let params = Rfc7422 {
            inside: pool([10, 0, 0, 250], hosts),
            outside: pool([192, 0, 2, 254], addresses),
            compression: Some(compression),
            dynamic_factor,
            reserved,
            arrangement,
        };
        let nat = Deterministic::rfc7422(params.clone()).unwrap();
        let plain = plain_rfc7422(&params, compression as usize);
        let (inside, outside) = (addrs(&params.inside), addrs(&params.outside));
        compare(&nat, &inside, &outside, &plain, &probes(&nat, &outside, &random));
    }

    #[test]
    fn vyos_agrees_with_its_walk(
        (hosts, addresses) in (1..60_u32, 1..5_u32),
        count in 500..45_000_u32,
        first in 0..2000_u16,
        random in prop::collection::vec(any::<u16>(), 40),
    ) {
        let range = PortRange::new_assert(first, 65_535);
        let (inside, outside) = (pool([10, 0, 0, 250], hosts), pool([192, 0, 2, 254], addresses));
        let nat = Deterministic::vyos_cgnat(inside.clone(), outside.clone(), count, range, VyosCheck::TotalPorts);
        let is_enough = hosts * count <= addresses * range.len();
        prop_assert_eq!(nat.is_ok(), is_enough);
        let whole = Deterministic::vyos_cgnat(inside.clone(), outside.clone(), count, range, VyosCheck::WholeBlocks);
        prop_assert_eq!(whole.is_ok(), hosts <= range.len() / count * addresses);
        if let Ok(nat) = nat {
            let (inside, outside) = (addrs(&inside), addrs(&outside));
            let plain = plain_vyos(&inside, &outside, count, range);
            compare(&nat, &inside, &outside, &plain, &probes(&nat, &outside, &random));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn vpp_netmap_and_crunchnat_agree_with_their_formulas(
        (ratio_bits, outside_bits) in (0..12_u8, 0..3_u8),
        which in 0..3_u8,
        host in any::<u32>(),
        port in any::<u16>(),
    ) {
        let outside_len = 32 - outside_bits;
        let inside: ipnet::Ipv4Net = format!("10.64.0.0/{}", outside_len - ratio_bits).parse().unwrap();
        let outside: ipnet::Ipv4Net = format!("192.0.2.8/{outside_len}").parse().unwrap();
        let (ratio, addresses) = (1_u32 << ratio_bits, 1_u32 << outside_bits);
        let host = host % (ratio * addresses);
        let pph = 64_512 / ratio;
        // The address and the ports of the host by the vendor's formula.
        let (nat, place, ports): (_, _, Vec<u32>) = match which {
            0 => {
                let low = 1024 + pph * (host % ratio);
                (Deterministic::vpp_det44(inside, outside), host / ratio, (low..low + pph).collect())
            }
            1 => {
                let block = 64_000 / ratio;
                let low = 1536 + block * (host / addresses);
                let nat = Deterministic::mikrotik_netmap(inside, outside, 1536, block);
                (nat, host % addresses, (low..low + block).collect())
            }
            _ => {
                let nat = Deterministic::crunchnat(inside, outside, CrunchNat::Stripe);
                prop_assert_eq!(nat.is_ok(), ratio <= 256);
                if ratio > 256 {
                    return Ok(());
                }
                let ports = (0..pph).map(|n| 1024 + host % ratio + n * ratio).collect();
                (nat, host / ratio, ports)
            }
        };
        let nat = nat.unwrap();
        let inside_addr = Ipv4Addr::from(0x0a40_0000 + host);
        let addr = Ipv4Addr::from(0xc000_0208 + place);
        let singles = ports.iter().map(|p| PortRange::single(u16::try_from(*p).unwrap()));
        let set: PortSet = singles.collect();
        prop_assert_eq!(nat.forward(inside_addr), vec![(addr, set.clone())]);
        let reverse = nat.reverse(addr, set.ranges()[0].first());
        prop_assert_eq!(reverse.inside(), Some(inside_addr));
        // Whatever a port answers, the one it names forwards there.
        let first = if which == 1 { 1536 } else { 1024 };
        match nat.reverse(addr, port) {
            DetReverse::Mapped { inside, ports } => {
                prop_assert!(ports.contains(port));
                prop_assert_eq!(nat.forward(inside), vec![(addr, ports)]);
            }
            DetReverse::ExcludedPort => prop_assert!(port < first),
            other => {
                prop_assert_eq!(other, DetReverse::LeftoverPort);
                let used = if which == 1 { 1536 + 64_000 / ratio * ratio } else { 1024 + pph * ratio };
                prop_assert!(u32::from(port) >= used);
            }
        }
    }
}

fn block() -> impl Strategy<Value = Block> {
    let near = prop_oneof![0..60_u16, 65_500..=65_535_u16];
    (0..3_u8, near, 0..40_u16, 1..9_u16, 0..6_u8).prop_map(|(addr, first, len, stride, host)| {
        let holder = match host {
            4 => BlockHolder::Excluded,
            5 => BlockHolder::Dynamic,
            host => BlockHolder::Inside([10, 0, 0, host].into()),
        };
        let is_host = matches!(holder, BlockHolder::Inside(_));
        Block {
            address: [192, 0, 2, addr].into(),
            ports: PortRange::new_assert(first, first.saturating_add(len)),
            stride: if is_host { stride } else { 1 },
            holder,
        }
    })
}

fn held(block: &Block) -> impl Iterator<Item = u16> {
    (block.ports.first()..=block.ports.last()).step_by(usize::from(block.stride))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_block_table_agrees_with_its_rows(blocks in prop::collection::vec(block(), 0..12)) {
        let mut plain = Plain::new();
        let mut withheld = BTreeMap::new();
        for block in &blocks {
            for port in held(block) {
                match block.holder {
                    BlockHolder::Inside(inside) => give(&mut plain, block.address, port, inside),
                    BlockHolder::Excluded => {
                        withheld.entry((block.address, port)).or_insert("excluded-port");
                    }
                    BlockHolder::Dynamic => {
                        withheld.insert((block.address, port), "dynamic-pool");
                    }
                }
            }
        }
        let is_fine = withheld.keys().all(|(addr, port): &(Ipv4Addr, u16)| {
            plain.get(addr).is_none_or(|held| held[usize::from(*port)].is_empty())
        });
        let nat = Deterministic::block_table(&blocks);
        prop_assert_eq!(nat.is_ok(), is_fine);
        if let Ok(nat) = nat {
            let hosts: Vec<Ipv4Addr> = (0..5).map(|n| [10, 0, 0, n].into()).collect();
            let covered: BTreeSet<Ipv4Addr> = blocks.iter().map(|b| b.address).collect();
            let covered: Vec<Ipv4Addr> = covered.into_iter().collect();
            let ports: Vec<u16> = (0..110).chain(65_490..=65_535).collect();
            compare(&nat, &hosts, &covered, &plain, &ports);
            for ((addr, port), kind) in withheld {
                prop_assert_eq!(nat.reverse(addr, port).kind(), kind);
            }
            prop_assert_eq!(nat.reverse([192, 0, 2, 9].into(), 5), DetReverse::OutsidePool);
        }
    }
}
