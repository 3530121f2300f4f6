//! The segment file as earlier builds wrote it: what a version means does not change under its number.
//!
//! `PORTLEDGER_WRITE_GOLDEN=1 cargo test --test segment_golden` writes the file of the present version anew; do so only
//! together with a new version number.

use std::net::Ipv4Addr;
use std::path::Path;

use portledger::allocation::Span;
use portledger::allocation::{Began, Destination, Ended, Grain, InsideId, Origin, Place, SourceId};
use portledger::index::{Index, IndexBuilder};
use portledger::time::TimeDelta;
use portledger::{Allocation, PortRange, Protocol, TimeRange, Timestamp};

/// Records of every kind, by arithmetic that no version of a generator changes.
fn records() -> Vec<Allocation> {
    (0..400_u32)
        .map(|n| {
            let spread = n.wrapping_mul(2_654_435_761) >> 12;
            let port = u16::try_from(1024 + spread % 60_000).unwrap();
            let (ports, protocol) = match n % 8 {
                0 => {
                    let first = 1024 + 512 * u16::try_from(n / 8).unwrap();
                    (PortRange::new_assert(first, first + 511), None)
                }
                1 => (PortRange::ALL, Some(Protocol::new(47))),
                2 => (PortRange::single(port), Some(Protocol::ICMP)),
                3 | 4 => (PortRange::single(port), Some(Protocol::UDP)),
                _ => (PortRange::single(port % 64), Some(Protocol::TCP)),
            };
            let second = 1_793_577_600 + i64::from(spread % 86_400);
            let start = Timestamp::from_second(second).plus(TimeDelta::from_millisecond(n.into()));
            let length = TimeDelta::from_millisecond(i64::from(spread % 5_000_000) + 1);
            let end = if n == 399 { Timestamp::MAX } else { start.plus(length) };
            let outer = TimeRange::new(start, end).unwrap();
            let span = Span { offset: u64::from(n) * 200, length: 180 + n % 3 };
            Allocation {
                addr: Ipv4Addr::new(203, 0, 113, u8::try_from(n % 3).unwrap()),
                ports,
                protocol,
                destination: (n % 8 > 1)
                    .then(|| Destination::new(Ipv4Addr::new(192, 0, 2, 1), 443)),
                inside: InsideId(n % 20),
                inside_port: (n % 8 > 1).then_some(port),
                grain: if n % 8 == 0 { Grain::Block } else { Grain::Session },
                outer,
                inner: (n % 5 > 0).then_some(outer),
                used_until: end,
                created: start,
                released: (end != Timestamp::MAX).then_some(end),
                began: Began::Logged,
                ended: if end == Timestamp::MAX { Ended::Open } else { Ended::Logged },
                origin: Origin { create: Some(Place { source: SourceId(0), span }), release: None },
            }
        })
        .collect()
}

#[test]
fn version_3_reads_as_it_was_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/segments/version-3.seg");
    let records = records();
    let built = IndexBuilder::new().hosts(b"hosts".to_vec()).build(&records).unwrap();
    if std::env::var_os("PORTLEDGER_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, built.as_bytes()).unwrap();
    }
    let golden = Index::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(golden.verify(), Ok(()));
    assert_eq!((golden.len(), golden.hosts()), (records.len(), &b"hosts"[..]));
    let key = |a: &Allocation| (a.origin.create.map(|p| p.span.offset), a.inside.0);
    let mut back: Vec<Allocation> = golden.iter().map(|(_, a)| a).collect();
    back.sort_unstable_by_key(key);
    assert_eq!(back, records);
    let mut hits = Vec::new();
    for record in &records {
        hits.clear();
        let (port, at) = (record.ports.last(), record.outer.start());
        golden.at(record.addr, port, record.protocol, at, &mut hits);
        assert!(hits.iter().any(|at| golden.get(*at).as_ref() == Some(record)), "{record:?}");
    }
}
