//! The index against a scan, over shapes that indexes get wrong.
//!
//! Equal starts, equal ends, touching intervals, a day beside a microsecond, stacks of full overlap, ports 0 and
//! 65535, blocks that are neither aligned nor powers of two, one hot address, many with one record each, records
//! without protocol. `PROPTEST_CASES=100000 cargo test --release --test index` for a long run.

mod common;

use std::net::Ipv4Addr;

use common::index_oracle::Scan;
use portledger::allocation::{Began, Ended, Grain, InsideId, Origin};
use portledger::index::{BuildOptions, Hits, Index, IndexBuilder, Question};
use portledger::synth::SplitMix64;
use portledger::{Allocation, PortRange, Protocol, TimeRange, Timestamp};
use proptest::prelude::*;

const DAY: i64 = 86_400_000_000;

/// Few instants, so that edges meet; some a tick apart, some a day.
fn instant() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0..12_i64,
        2 => (0..4_i64).prop_map(|n| n * DAY),
        2 => (0..4_i64, -1..=1_i64).prop_map(|(n, tick)| n * DAY + tick),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, i64::MAX - 1]),
    ]
}

fn range() -> impl Strategy<Value = TimeRange> {
    let end = prop_oneof![
        4 => 1..6_i64,
        2 => Just(1_i64),
        2 => prop::sample::select(vec![DAY, DAY - 1, DAY + 1]),
        1 => Just(i64::MAX),
    ];
    (instant(), end).prop_map(|(start, length)| {
        let (start, end) = (Timestamp::from_microsecond(start), start.saturating_add(length));
        TimeRange::new(start, Timestamp::from_microsecond(end)).unwrap_or(TimeRange::instant(start))
    })
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        prop::sample::select(vec![0, 1, 1023, 1024, 4095, 4096, 65_534, 65_535]),
        1000..1100_u16,
        any::<u16>(),
    ]
}

fn ports() -> impl Strategy<Value = PortRange> {
    prop_oneof![
        4 => port().prop_map(PortRange::single),
        3 => (port(), prop::sample::select(vec![1_u16, 2, 62, 63, 64, 99, 2047, 60_000]))
            .prop_map(|(first, more)| PortRange::new_assert(first, first.saturating_add(more))),
        1 => Just(PortRange::ALL),
    ]
}

fn protocol() -> impl Strategy<Value = Option<Protocol>> {
    prop::sample::select(vec![None, Some(Protocol::TCP), Some(Protocol::UDP)])
}

/// Four records out of five are on one address.
fn addr() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        4 => Just(Ipv4Addr::new(203, 0, 113, 7)),
        1 => (0..=255_u8).prop_map(|last| Ipv4Addr::new(203, 0, 113, last)),
        1 => prop::sample::select(vec![Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST]),
    ]
}

fn allocation(
    addr: Ipv4Addr,
    ports: PortRange,
    protocol: Option<Protocol>,
    outer: TimeRange,
) -> Allocation {
    Allocation {
        addr,
        ports,
        protocol,
        destination: None,
        inside: InsideId(0),
        inside_port: None,
        grain: Grain::Session,
        outer,
        inner: Some(outer),
        used_until: outer.end(),
        created: outer.start(),
        released: Some(outer.end()),
        began: Began::Logged,
        ended: Ended::Logged,
        origin: Origin::default(),
    }
}

/// Hundreds of records of a kind: enough for regions, planes and parts of their own, which a few never need.
fn many() -> impl Strategy<Value = Vec<Allocation>> {
    (0..9_u32, any::<u64>(), 100..900_u64, 0..7_u32).prop_map(|(kind, seed, count, digits)| {
        let mut rng = SplitMix64::new(seed);
        let grid = 10_i64.pow(digits);
        let mut below = |n: u64| i64::try_from(rng.next_u64() % n).unwrap();
        (0..count)
            .map(|n| {
                let day = u64::try_from(DAY).unwrap();
                let (length, start) = match kind {
                    // A burst of a second in a quiet day.
                    0 if n % 8 > 0 => (below(2_000_000) + 1, DAY / 2 + below(1_000_000)),
                    // Everybody stays: as deep as it gets.
                    1 => (DAY - below(1000), below(1000)),
                    // Stacks that begin together.
                    2 => (below(day) + 1, below(5) * 3_600_000_000),
                    // One stamp of another year.
                    3 if n == 7 => (1_000_000, -400 * DAY),
                    _ => (below(40_000_000) * below(4).pow(3) + 1, below(day)),
                };
                let ports = match kind {
                    4 => PortRange::single(u16::try_from(below(65_536)).unwrap()),
                    // Blocks that are neither aligned nor powers of two; some a part of one.
                    5 => {
                        let first = 1024 + 1000 * u16::try_from(below(64)).unwrap();
                        PortRange::new_assert(first + 7 * u16::from(n % 50 == 0), first + 999)
                    }
                    // Block sizes that change at noon.
                    6 => {
                        let size = if start < DAY / 2 { 512 } else { 1024 };
                        let first = u16::try_from(below(63)).unwrap() * 1024;
                        PortRange::new_assert(first, first + size - 1)
                    }
                    // Sessions, blocks and protocols without ports on one address.
                    7 => match below(3) {
                        0 => PortRange::ALL,
                        1 => PortRange::single(u16::try_from(below(3000)).unwrap()),
                        _ => {
                            let first = u16::try_from(below(1000)).unwrap() * 64;
                            PortRange::new_assert(first, first + 63)
                        }
                    },
                    _ => PortRange::single(u16::try_from(below(3)).unwrap() * 32_767),
                };
                let protocol = match below(5) {
                    0 => None,
                    1 => Some(Protocol::UDP),
                    2 => Some(Protocol::ICMP),
                    _ => Some(Protocol::TCP),
                };
                let addr = match kind {
                    8 => Ipv4Addr::from_bits(u32::try_from(below(200)).unwrap()),
                    _ => Ipv4Addr::new(203, 0, 113, 7),
                };
                let at = |microsecond: i64| Timestamp::from_microsecond(microsecond * grid);
                let (start, end) = (start / grid, start / grid + (length / grid).max(1));
                allocation(addr, ports, protocol, TimeRange::new(at(start), at(end)).unwrap())
            })
            .collect()
    })
}

/// Numbers the rows by their inside host, so that equal ones can be told apart.
fn numbered(rows: Vec<Allocation>) -> Vec<Allocation> {
    (0..).zip(rows).map(|(i, row)| Allocation { inside: InsideId(i), ..row }).collect()
}

fn rows() -> impl Strategy<Value = Vec<Allocation>> {
    let row = (addr(), ports(), protocol(), range())
        .prop_map(|(addr, ports, protocol, outer)| allocation(addr, ports, protocol, outer));
    prop_oneof![
        // Anything.
        prop::collection::vec(row, 0..80),
        // A stack: one port, one begin or one end.
        (port(), instant(), prop::collection::vec((1..40_i64, protocol()), 1..60)).prop_map(
            |(port, edge, rows)| {
                let stack = |(length, protocol): (i64, Option<Protocol>)| {
                    let (from, until) = match length % 2 {
                        0 => (edge, edge.saturating_add(length)),
                        _ => (edge.saturating_sub(length), edge),
                    };
                    let at = Timestamp::from_microsecond;
                    let outer = TimeRange::new(at(from), at(until)).unwrap_or(TimeRange::ALL);
                    let addr = Ipv4Addr::new(203, 0, 113, 7);
                    allocation(addr, PortRange::single(port), protocol, outer)
                };
                rows.into_iter().map(stack).collect()
            }
        ),
        // Tenants that touch: each begins where the last one ended.
        (port(), prop::collection::vec(1..5_i64, 1..80)).prop_map(|(port, lengths)| {
            let mut at = 0;
            let tenant = |length: i64| {
                let start = Timestamp::from_microsecond(at);
                at += length;
                let outer = TimeRange::new(start, Timestamp::from_microsecond(at)).unwrap();
                let addr = Ipv4Addr::new(203, 0, 113, 7);
                allocation(addr, PortRange::single(port), Some(Protocol::TCP), outer)
            };
            lengths.into_iter().map(tenant).collect()
        }),
        many(),
    ]
    .prop_map(numbered)
}

#[derive(Clone, Debug)]
struct Lookup {
    addr: Ipv4Addr,
    ports: PortRange,
    protocol: Option<Protocol>,
    range: TimeRange,
}

fn lookup() -> impl Strategy<Value = Lookup> {
    (addr(), ports(), protocol(), range()).prop_map(|(addr, ports, protocol, range)| Lookup {
        addr,
        ports,
        protocol,
        range,
    })
}

/// The hits as a sorted set of rows.
fn hosts(rows: impl IntoIterator<Item = Allocation>) -> Vec<u32> {
    let mut hosts: Vec<u32> = rows.into_iter().map(|a| a.inside.0).collect();
    hosts.sort_unstable();
    hosts
}

fn found(index: &Index, hits: &[u32]) -> Vec<u32> {
    hosts(hits.iter().map(|&at| index.get(at).expect("a hit is a position")))
}

/// Each record's own ports and edges, where a wrong comparison shows.
fn around(rows: &[Allocation]) -> Vec<Lookup> {
    let tick = portledger::time::TimeDelta::from_microsecond(1);
    rows.iter()
        .step_by(rows.len() / if rows.len() > 80 { 3 } else { 12 } + 1)
        .flat_map(|a| {
            let edges = [
                a.outer.start(),
                a.outer.start().minus(tick),
                a.outer.end(),
                a.outer.end().minus(tick),
            ];
            let ports = [
                a.ports.first(),
                a.ports.last(),
                a.ports.first().saturating_sub(1),
                a.ports.last().saturating_add(1),
            ];
            edges.into_iter().flat_map(move |at| {
                ports.map(|port| Lookup {
                    addr: a.addr,
                    ports: PortRange::single(port),
                    protocol: a.protocol,
                    range: TimeRange::instant(at),
                })
            })
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(150)
    ))]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        rows in rows(),
        lookups in prop::collection::vec(lookup(), 1..12),
        lanes_a_line in 2.0..12.0_f64,
    ) {
        let scan = Scan(rows.clone());
        let options = BuildOptions { lanes_a_line };
        let index = IndexBuilder::new().options(options).build(&rows).unwrap();
        prop_assert_eq!(index.len(), rows.len());
        prop_assert_eq!(index.verify(), Ok(()));
        let mut back: Vec<Allocation> = index.iter().map(|(_, a)| a).collect();
        back.sort_unstable_by_key(|a| a.inside.0);
        prop_assert_eq!(&back, &rows, "nothing is lost or changed");
        let (mut questions, mut answers) = (Vec::new(), Vec::new());
        for l in lookups.iter().chain(&around(&rows)) {
            let Lookup { addr, ports, protocol, range } = l.clone();
            let all = (rows.len() <= 80).then_some(PortRange::ALL);
            for ports in all.into_iter().chain([ports]) {
                let mut hits = Vec::new();
                index.during(addr, ports, protocol, range, &mut hits);
                let expected = hosts(scan.during(addr, ports, protocol, range));
                prop_assert_eq!(found(&index, &hits), expected, "during {:?} {}", l, ports);
            }
            let port = ports.first();
            let mut hits = vec![u32::MAX];
            index.at(addr, port, protocol, range.start(), &mut hits);
            prop_assert_eq!(hits.remove(0), u32::MAX, "hits are added, not replaced");
            let at = TimeRange::instant(range.start());
            let expected = hosts(scan.during(addr, PortRange::single(port), protocol, at));
            prop_assert_eq!(found(&index, &hits), expected, "at {:?}", l);
            prop_assert_eq!(index.has_address(addr), rows.iter().any(|a| a.addr == addr));
            questions.push(Question { addr, port, protocol, at: range.start() });
            answers.push(hits);
        }
        let mut batch = Hits::default();
        for questions_ahead in [questions.len(), 1, 0] {
            index.view().at_each(&questions[..questions_ahead], &mut batch);
            let found: Vec<Vec<u32>> = batch.iter().map(<[u32]>::to_vec).collect();
            prop_assert_eq!(&found, &answers[..questions_ahead], "a batch is its questions");
        }
    }

    #[test]
    fn neighbours_are_the_nearest_that_are_accepted(
        rows in rows(),
        lookups in prop::collection::vec(lookup(), 1..6),
        modulus in 1..4_u32,
    ) {
        let scan = Scan(rows.clone());
        let index = Index::build(rows.clone()).unwrap();
        for l in lookups.iter().chain(around(&rows).iter().step_by(7)) {
            let is_other = |a: &Allocation| a.inside.0.is_multiple_of(modulus);
            let port = l.ports.first();
            let n = index.neighbours(l.addr, port, l.protocol, l.range, is_other);
            let found = (
                n.before.and_then(|at| index.get(at)).map(|a| a.outer.end().as_microsecond()),
                n.after.and_then(|at| index.get(at)).map(|a| a.outer.start().as_microsecond()),
            );
            let expected = scan.neighbours(l.addr, port, l.protocol, l.range, is_other);
            prop_assert_eq!(found, expected, "{:?}", l);
            for at in [n.before, n.after].into_iter().flatten() {
                prop_assert!(index.get(at).is_some_and(|a| is_other(&a)));
            }
        }
    }
}

#[test]
fn an_empty_index_holds_nothing() {
    let index = Index::build(Vec::new()).unwrap();
    let mut hits = Vec::new();
    index.during(Ipv4Addr::LOCALHOST, PortRange::ALL, None, TimeRange::ALL, &mut hits);
    assert!(hits.is_empty() && index.is_empty() && index.addresses().next().is_none());
    let none = index.neighbours(Ipv4Addr::LOCALHOST, 0, None, TimeRange::ALL, |_| true);
    assert_eq!((none.before, none.after), (None, None));
}

#[test]
fn addresses_are_told_once_and_in_order() {
    let at = |last| Ipv4Addr::new(203, 0, 113, last);
    let row = |last| allocation(at(last), PortRange::ALL, None, TimeRange::ALL);
    let index = Index::build(vec![row(9), row(1), row(9), row(4)]).unwrap();
    assert_eq!(index.addresses().collect::<Vec<_>>(), [at(1), at(4), at(9)]);
}

#[test]
fn sparse_tables_stay_small() {
    use portledger::index::Lean;
    let record = |n: u32, addr: Ipv4Addr| {
        let port = u16::try_from(1024 + n.wrapping_mul(40_503) % 60_000).unwrap();
        let start =
            Timestamp::from_microsecond(i64::from(n.wrapping_mul(2_654_435_761) >> 8) * 5_000);
        let outer = TimeRange::new(start, start.plus(portledger::time::TimeDelta::from_second(30)));
        let protocol = Some(Protocol::TCP);
        Lean::new(addr, PortRange::single(port), protocol, outer.unwrap(), InsideId(n % 512))
    };
    let few: Vec<Lean> = (0..3_000)
        .map(|n| record(n, Ipv4Addr::new(192, 0, 2, u8::try_from(n % 4).unwrap())))
        .collect();
    let thin: Vec<Lean> =
        (0..65_536).map(|n| record(n, Ipv4Addr::from_bits(0x0A00_0000 + n))).collect();
    for records in [few, thin] {
        let (count, copy) = (records.len(), records.clone());
        let index = IndexBuilder::new().build_lean(records).unwrap();
        let bytes = index.as_bytes().len();
        println!("{count} records in {bytes} bytes: {:?}", index.parts().collect::<Vec<_>>());
        assert!(bytes <= 64 * count, "{bytes} bytes for {count} records");
        let mut hits = Vec::new();
        for record in copy.iter().step_by(101) {
            hits.clear();
            let (port, at) = (record.ports().first(), record.outer().start());
            index.at(record.addr(), port, None, at, &mut hits);
            let found =
                |at: &u32| index.view().lean(*at).is_some_and(|l| l.outer() == record.outer());
            assert!(hits.iter().any(found), "{record:?}");
        }
    }
}

/// Sixteen questions to seventeen sizes of block: more lines at once than a batch has room for.
#[test]
fn an_address_of_every_size_of_block_answers_batches() {
    let mut rng = SplitMix64::new(11);
    let addr = Ipv4Addr::new(203, 0, 113, 7);
    let rows: Vec<Allocation> = (0..17 * 60_u32)
        .map(|n| {
            let size = 1_u32 << (n % 17);
            let first = u32::try_from(rng.below(u64::from(65_536 / size))).unwrap() * size;
            let port = |p: u32| u16::try_from(p).unwrap();
            let start = Timestamp::from_second(i64::try_from(rng.below(7_200)).unwrap());
            let end = start.plus(portledger::time::TimeDelta::from_second(600));
            let ports = PortRange::new(port(first), port(first + size - 1)).unwrap();
            let outer = TimeRange::new(start, end).unwrap();
            Allocation { inside: InsideId(n), ..allocation(addr, ports, None, outer) }
        })
        .collect();
    let index = Index::build(rows.clone()).unwrap();
    let planes = index.parts().find(|(name, _)| *name == "more planes").unwrap().1 / 16;
    assert!(planes > 3, "{planes} planes beside the first are not more than there is room for");
    let questions: Vec<Question> = rows
        .iter()
        .map(|row| Question {
            addr,
            port: row.ports.last(),
            protocol: None,
            at: row.outer.start().plus(portledger::time::TimeDelta::from_second(1)),
        })
        .collect();
    let mut hits = Hits::default();
    index.view().at_each(&questions, &mut hits);
    assert_eq!(hits.iter().count(), questions.len());
    for (q, found_here) in questions.iter().zip(hits.iter()) {
        let holds = |row: &&Allocation| {
            let (from, until) = (row.ports.first(), row.ports.last());
            (from..=until).contains(&q.port) && row.outer.contains(q.at)
        };
        let expected: Vec<u32> = rows.iter().filter(holds).map(|row| row.inside.0).collect();
        assert_eq!(found(&index, found_here), expected, "{q:?}");
    }
}
