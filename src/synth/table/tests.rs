//! Tables against slow counts, their labels and their own bytes.

use super::*;

/// FNV-1a over what a record says.
fn hash(table: &AllocationTable) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |value: u64| {
        for byte in value.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for a in &table.allocations {
        let far = a
            .destination
            .map_or(0, |d| u64::from(d.addr.to_bits()) << 16 | u64::from(d.port.unwrap()));
        add(u64::from(a.addr.to_bits()));
        add(u64::from(a.ports.first()) << 16 | u64::from(a.ports.last()));
        add(u64::from(a.protocol.map_or(255, Protocol::number)));
        add(far);
        add(u64::from(a.inside.0));
        add(u64::from(a.inside_port.unwrap_or(0)));
        add(a.outer.start().as_microsecond().cast_unsigned());
        add(a.outer.end().as_microsecond().cast_unsigned());
    }
    hash
}

#[test]
fn one_seed_makes_one_table_for_ever() {
    let sessions = AllocationTable::generate(&TableConfig::sessions(20_000));
    let blocks = AllocationTable::generate(&TableConfig::blocks(20_000));
    assert_eq!(
        (hash(&sessions), hash(&blocks)),
        (11_230_871_403_322_903_248, 11_689_004_128_173_602_310)
    );
    let other = TableConfig { seed: 1, ..TableConfig::sessions(20_000) };
    assert_ne!(hash(&AllocationTable::generate(&other)), hash(&sessions));
}

#[test]
fn tables_are_what_their_labels_say() {
    for config in [
        TableConfig::sessions(1_000),
        TableConfig::sessions(40_000),
        TableConfig { addresses: 1, ..TableConfig::sessions(60_000) },
        TableConfig { addresses: 400, ..TableConfig::sessions(3_000) },
        TableConfig { hours: 2, tick_microsecond: 1, ..TableConfig::sessions(50_000) },
        TableConfig::blocks(3_000),
        TableConfig::blocks(12_000),
        TableConfig { hours: 240, ..TableConfig::blocks(12_000) },
        TableConfig::sessions_wide(40_000),
        TableConfig { moved_share: 1.0, same_start_share: 1.0, ..TableConfig::sessions(40_000) },
        TableConfig { moved_share: 0.0, same_start_share: 0.0, ..TableConfig::sessions(40_000) },
        TableConfig { tick_microsecond: 1_000_000, ..TableConfig::sessions(40_000) },
        TableConfig { unaligned_share: 1.0, resized_share: 1.0, ..TableConfig::blocks(12_000) },
        TableConfig { addresses: 2_048, unaligned_share: 0.0, ..TableConfig::blocks(30_000) },
    ] {
        let table = AllocationTable::generate(&config);
        assert_eq!(table.stats.check(&config), Ok(()), "{config:?} {:?}", table.stats);
    }
}

#[test]
fn a_table_that_is_not_what_it_says_is_told() {
    let config = TableConfig { overlap_share: 0.05, ..TableConfig::sessions(50_000) };
    let good = AllocationTable::generate(&config).stats;
    let wrong = |change: &dyn Fn(&mut TableStats)| {
        let mut stats = good.clone();
        change(&mut stats);
        stats.check(&config).unwrap_err()
    };
    assert!(wrong(&|s| s.entries = 47_000).contains("number of records"));
    assert!(wrong(&|s| (s.reuse, s.distinct_ports) = (1.0, 50_000)).contains("reuse"));
    assert!(wrong(&|s| s.overlap_share = 0.0).contains("overlaps"));
    assert!(wrong(&|s| s.mean_depth = 3.0).contains("mean depth"));
    assert!(wrong(&|s| s.max_depth = 1).contains("greatest depth"));
    assert!(wrong(&|s| s.same_start_share = 0.0).contains("equal begins"));
    assert!(wrong(&|s| s.same_start_share *= 2.0).contains("equal begins"));
    assert!(wrong(&|s| s.moved_share = 0.0).contains("moved hosts"));
    assert!(wrong(&|s| s.unaligned_share = 0.1).contains("unaligned"));
    assert!(wrong(&|s| s.hit_rate_of_uniform_questions *= 2.0).contains("hit rate"));
    assert!(wrong(&|s| s.hit_rate_of_uniform_questions = 0.0).contains("hit rate"));
}

#[test]
fn figures_agree_with_a_slow_count() {
    for config in [TableConfig::sessions(1_500), TableConfig::blocks(3_000)] {
        let config = TableConfig { addresses: 3, overlap_share: 0.1, ..config };
        let table = AllocationTable::generate(&config);
        let all = &table.allocations;
        let overlapped = all.iter().enumerate().filter(|&(i, a)| {
            all.iter().enumerate().any(|(j, b)| {
                let earlier = (order(b), b.outer.end(), j) < (order(a), a.outer.end(), i);
                let protocol = a.protocol == b.protocol;
                i != j
                    && earlier
                    && a.addr == b.addr
                    && protocol
                    && a.ports.overlaps(b.ports)
                    && b.outer.contains(a.outer.start())
            })
        });
        let share = to_f64(overlapped.count() as u64) / to_f64(all.len() as u64);
        assert!((share - table.stats.overlap_share).abs() < 1e-9, "{share} {:?}", table.stats);
        let together = all.iter().enumerate().filter(|&(i, a)| {
            all.iter().enumerate().any(|(j, b)| {
                let earlier = (order(b), j) < (order(a), i);
                let key = a.addr == b.addr && a.protocol == b.protocol;
                earlier && key && a.ports.overlaps(b.ports) && a.created == b.created
            })
        });
        let share = to_f64(together.count() as u64) / to_f64(all.len() as u64);
        assert!((share - table.stats.same_start_share).abs() < 1e-9, "{share} {:?}", table.stats);
        let mut rng = SplitMix64::new(9);
        let (mut hits, n) = (0_u32, 20_000);
        let by_addr: Vec<Vec<&Allocation>> =
            (0..3).map(|i| all.iter().filter(|a| a.addr == config.address(i)).collect()).collect();
        for _ in 0..n {
            let at = config.start.as_microsecond() + rng.between(0, config.span() - 1);
            let protocol = if rng.chance(0.7) { Protocol::TCP } else { Protocol::UDP };
            let port = FIRST_PORT + low(rng.next_u64(), 64_512);
            hits += u32::from(rng.pick(&by_addr).unwrap().iter().any(|a| {
                a.ports.contains(port)
                    && a.outer.contains(instant(at))
                    && a.protocol.is_none_or(|p| p == protocol)
            }));
        }
        let (rate, stated) =
            (f64::from(hits) / f64::from(n), table.stats.hit_rate_of_uniform_questions);
        let deviation = (stated / f64::from(n)).sqrt();
        assert!((rate - stated).abs() < 5.0 * deviation, "{rate} {stated}");
    }
}

#[test]
fn records_are_consistent_and_on_the_grid() {
    for config in [TableConfig::sessions(20_000), TableConfig::blocks(20_000)] {
        let table = AllocationTable::generate(&config);
        let end = config.start.as_microsecond() + config.span();
        for a in &table.allocations {
            assert_eq!(
                (Some(a.outer), a.created, a.released),
                (a.inner, a.outer.start(), Some(a.outer.end()))
            );
            assert!(a.outer.start() >= config.start && a.outer.end().as_microsecond() <= end);
            assert_eq!(
                (a.outer.start().as_microsecond() % 1000, a.outer.end().as_microsecond() % 1000),
                (0, 0)
            );
            assert!((a.inside.0 as usize) < table.hosts.len());
        }
        let mut ends = table.allocations.windows(2).map(|w| (w[0].outer.end(), w[1].outer.end()));
        assert!(ends.all(|(a, b)| a <= b));
    }
}

#[test]
fn ports_rest_between_two_holders_and_pass_to_others() {
    for (config, rest) in [(TableConfig::sessions(60_000), 120), (TableConfig::blocks(5_000), 60)] {
        let config = TableConfig { overlap_share: 0.0, addresses: 4, ..config };
        let mut all = AllocationTable::generate(&config).allocations;
        all.sort_by_key(|a| (a.addr, a.ports, a.protocol, a.outer.start()));
        let (mut pairs, mut passed) = (0, 0);
        for pair in all.windows(2) {
            let key = |a: &Allocation| (a.addr, a.ports, a.protocol);
            if key(&pair[0]) == key(&pair[1]) {
                let gap = pair[1].outer.start().since(pair[0].outer.end());
                assert!(gap >= crate::time::TimeDelta::from_second(rest), "{pair:?}");
                pairs += 1;
                passed += u32::from(pair[0].inside != pair[1].inside);
            }
        }
        assert!(pairs > 500 && passed * 10 > pairs * 9, "{pairs} {passed}");
    }
}

#[test]
fn addresses_made_one_by_one_are_the_same_records() {
    let config = TableConfig::blocks(5_000);
    let table = AllocationTable::generate(&config);
    let mut one_by_one = Vec::new();
    let stats = AllocationTable::for_each_address(&config, |records| {
        one_by_one.extend_from_slice(records);
    });
    assert_eq!(stats, table.stats);
    assert_eq!(
        AllocationTable::for_address(&config, 0),
        one_by_one.iter().filter(|a| a.addr == config.address(0)).copied().collect::<Vec<_>>()
    );
    one_by_one.sort_unstable_by_key(|a| (a.outer.end(), order(a)));
    number(&mut one_by_one);
    assert_eq!(one_by_one, table.allocations);
}

#[test]
fn limits_are_kept() {
    let zero = TableConfig {
        records: 0,
        addresses: 0,
        subscribers_per_address: 0,
        hours: 0,
        tick_microsecond: 0,
        ..TableConfig::sessions(0)
    };
    assert_eq!(AllocationTable::generate(&zero).allocations.len(), 0);
    let lone = TableConfig {
        subscribers_per_address: 1,
        overlap_share: 9.0,
        ..TableConfig::sessions(100)
    };
    assert!(AllocationTable::generate(&lone).allocations.len() >= 90);
}

#[test]
fn hosts_that_move_are_seen_on_both_addresses() {
    let config = TableConfig {
        addresses: 3,
        subscribers_per_address: 20,
        moved_share: 0.3,
        ..TableConfig::sessions(30_000)
    };
    let table = AllocationTable::generate(&config);
    let mut seen: Vec<(InsideId, Ipv4Addr)> =
        table.allocations.iter().map(|a| (a.inside, a.addr)).collect();
    seen.sort_unstable();
    seen.dedup();
    let on_two = seen.chunk_by(|a, b| a.0 == b.0).filter(|addresses| addresses.len() == 2).count();
    assert_eq!((seen.len() - on_two, on_two), (60, 18));
}

#[test]
fn every_promised_share_can_be_switched_off() {
    let config = TableConfig {
        addresses: 600,
        overlap_share: 0.0,
        moved_share: 0.0,
        resized_share: 0.0,
        ..TableConfig::blocks(30_000)
    };
    let stats = AllocationTable::generate(&config).stats;
    assert_eq!((stats.overlap_share, stats.same_start_share, stats.moved_share), (0.0, 0.0, 0.0));
    assert_eq!((stats.max_depth, stats.mean_depth), (1, 1.0));
    let resized = |config: &TableConfig| {
        let changed = |index| layout(config, index).iter().any(|s| s.from == config.middle());
        (0..600).filter(|&index| changed(index)).count()
    };
    assert_eq!(resized(&config), 0);
    let half = resized(&TableConfig { resized_share: 0.5, ..config });
    // The 15 % of addresses that mix sizes do not change theirs.
    assert!((200..310).contains(&half), "{half}");
}
