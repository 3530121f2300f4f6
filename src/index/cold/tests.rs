//! Every allocation comes back, and damage is survived.

use proptest::prelude::*;

use super::{Cold, ColdError, ColdModel, ColdWriter, Known};
use crate::allocation::{
    Allocation, Began, Destination, Ended, Grain, InsideId, Origin, Place, SourceId, Span,
};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

const DAY: i64 = 1_793_577_600_000_000;

fn stamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        6 => (0..86_400_000_i64).prop_map(|ms| DAY + ms * 1_000),
        2 => (0..86_400_i64).prop_map(|s| DAY + s * 1_000_000),
        2 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX]),
    ]
    .prop_map(Timestamp::from_microsecond)
}

fn range() -> impl Strategy<Value = TimeRange> {
    (stamp(), stamp()).prop_map(|(a, b)| {
        TimeRange::new(a.min(b), a.max(b)).unwrap_or_else(|_| TimeRange::instant(a))
    })
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![prop::sample::select(vec![0, 1, 53, 443, 65_534, 65_535]), any::<u16>()]
}

fn ports() -> impl Strategy<Value = PortRange> {
    (port(), port()).prop_map(|(a, b)| PortRange::new_assert(a.min(b), a.max(b)))
}

fn protocol() -> impl Strategy<Value = Option<Protocol>> {
    prop_oneof![Just(Some(6)), Just(None), any::<u8>().prop_map(Some)]
        .prop_map(|p| p.map(Protocol::new))
}

fn place() -> impl Strategy<Value = Place> {
    let offset = prop_oneof![
        4 => (0..1_000_u64).prop_map(|line| line * 111),
        2 => 0..1_000_000_u64,
        1 => any::<u64>(),
        1 => prop::sample::select(vec![0, u64::MAX, 1 << 63]),
    ];
    let source = prop_oneof![4 => 0..3_u32, 1 => any::<u32>()];
    let length = prop_oneof![4 => 100..120_u32, 1 => any::<u32>()];
    (source, offset, length).prop_map(|(s, offset, length)| Place {
        source: SourceId(s),
        span: Span { offset, length },
    })
}

fn destination() -> impl Strategy<Value = Destination> {
    let addr = prop_oneof![4 => 0x0A00_0000..0x0A00_0008_u32, 1 => any::<u32>()];
    (addr, prop::option::of(port()))
        .prop_map(|(addr, port)| Destination { addr: addr.into(), port })
}

fn allocation() -> impl Strategy<Value = Allocation> {
    let ends =
        prop::sample::select(vec![Ended::Logged, Ended::Implied, Ended::Open, Ended::Assumed]);
    let key = (any::<u32>(), ports(), protocol(), prop::option::of(destination()), any::<u32>());
    let times = (range(), prop::option::of(range()), stamp(), stamp(), prop::option::of(stamp()));
    let rest = (prop::option::of(port()), any::<bool>(), any::<bool>(), ends);
    let origin = (prop::option::of(place()), prop::option::of(place()), any::<bool>());
    (key, times, rest, origin).prop_map(|(key, times, rest, (create, release, beside))| {
        let beside = release.filter(|_| beside).map(|r: Place| Place {
            span: Span { offset: r.span.offset.wrapping_sub(111), ..r.span },
            ..r
        });
        Allocation {
            addr: key.0.into(),
            ports: key.1,
            protocol: key.2,
            destination: key.3,
            inside: InsideId(key.4),
            inside_port: rest.0,
            grain: if rest.1 { Grain::Block } else { Grain::Session },
            outer: times.0,
            inner: times.1,
            used_until: times.2,
            created: times.3,
            released: times.4,
            began: if rest.2 { Began::Assumed } else { Began::Logged },
            ended: rest.3,
            origin: Origin { create: beside.or(create), release },
        }
    })
}

/// An allocation and a hint that may be wrong.
fn row() -> impl Strategy<Value = (Known, Allocation)> {
    (allocation(), prop::option::of((ports(), protocol()))).prop_map(|(a, hint)| {
        let known = Known::of(&a);
        let known = match hint {
            Some((ports, protocol)) => Known { ports, protocol, ..known },
            None => known,
        };
        (known, a)
    })
}

fn write(model: ColdModel, rows: &[(Known, Allocation)]) -> Vec<u8> {
    let mut writer = ColdWriter::new(model);
    for (known, a) in rows {
        writer.push(known, a).unwrap();
    }
    writer.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_allocation_comes_back(
        rows in prop::collection::vec(row(), 0..320),
        every in 1..20_usize,
    ) {
        // A model of some of them, or of none.
        let learned = rows.iter().map(|(_, a)| a).step_by(every);
        for model in [ColdModel::learn(learned), ColdModel::default()] {
            let bytes = write(model, &rows);
            let cold = Cold::open(&bytes).unwrap();
            cold.verify().unwrap();
            prop_assert_eq!(cold.rows() as usize, rows.len());
            for (at, (known, a)) in (0..).zip(&rows) {
                prop_assert_eq!(cold.get(at, known), Some(*a), "row {}", at);
            }
            prop_assert_eq!(rows.first().and_then(|(k, _)| cold.get(cold.rows(), k)), None);
        }
    }

    #[test]
    fn damage_is_survived(
        rows in prop::collection::vec(row(), 1..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        more in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut bytes = write(ColdModel::learn(rows.iter().map(|(_, a)| a)), &rows);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] ^= byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(more);
        look_at_everything(&bytes, &rows);
    }
}

fn look_at_everything(bytes: &[u8], rows: &[(Known, Allocation)]) {
    let Ok(cold) = Cold::open(bytes) else { return };
    let _ = (cold.verify(), cold.column_bits().count());
    for (at, (known, _)) in (0..).zip(rows) {
        cold.get(at, known);
    }
    cold.get(u32::MAX, &rows[0].0);
}

/// A small log: sessions that begin and end in one file, a few in another.
fn sessions(count: u32) -> Vec<(Known, Allocation)> {
    let mut x = 1_u64;
    let mut random = move |below: u64| {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 33) % below
    };
    let make = |number: u32| {
        let start = random(86_400_000);
        let end = start + 1 + random(120_000);
        let at = |ms: u64| Timestamp::from_microsecond(DAY + i64::try_from(ms).unwrap() * 1_000);
        let outer = TimeRange::new(at(start), at(end)).unwrap();
        let place = |ms: u64, line: u64| Place {
            source: SourceId(u32::from(number % 50 == 3)),
            span: Span { offset: ms / 20 * 111 + line, length: 110 },
        };
        let a = Allocation {
            addr: [203, 0, 113, 7].into(),
            ports: PortRange::single(1024 + u16::try_from(number % 60_000).unwrap()),
            protocol: Some(Protocol::TCP),
            destination: Some(Destination::new([192, 0, 2, 1].into(), 443)),
            inside: InsideId(number % 128),
            inside_port: Some(u16::try_from(random(65_536)).unwrap()),
            grain: Grain::Session,
            outer,
            inner: Some(outer),
            used_until: outer.end(),
            created: outer.start(),
            released: Some(outer.end()),
            began: Began::Logged,
            ended: Ended::Logged,
            origin: Origin { create: Some(place(start, 0)), release: Some(place(end, 0)) },
        };
        (Known::of(&a), a)
    };
    (0..count).map(make).collect()
}

#[test]
fn every_single_damage_is_survived_and_every_change_of_length_is_seen() {
    let rows = sessions(300);
    let good = write(ColdModel::learn(rows.iter().map(|(_, a)| a)), &rows);
    for at in 0..good.len() {
        for bit in [0, 3, 7] {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            look_at_everything(&bad, &rows[..3]);
        }
        assert!(Cold::open(&good[..at]).is_err(), "cut at {at}");
    }
    let mut longer = good;
    longer.push(0);
    assert!(Cold::open(&longer).is_err());
}

#[test]
fn the_offset_of_a_record_is_known_from_its_time() {
    let rows = sessions(20_000);
    let bytes = write(ColdModel::learn(rows.iter().map(|(_, a)| a)), &rows);
    let cold = Cold::open(&bytes).unwrap();
    let offsets = cold.column_bits().filter(|(name, _)| name.ends_with("offset"));
    // The file grows by a line each 20 ms, so that only rounding is left; its end is 23 bits away.
    let bits: u64 = offsets.map(|(_, bits)| bits).sum();
    assert!(bits < 2 * 4 * 20_000, "{bits}");
}

#[test]
fn rows_without_cold_information_cost_next_to_nothing() {
    let rows: Vec<(Known, Allocation)> = sessions(50_000)
        .into_iter()
        .map(|(known, a)| {
            let lean =
                Allocation { destination: None, inside_port: None, origin: Origin::default(), ..a };
            (known, lean)
        })
        .collect();
    let bytes = write(ColdModel::learn(rows.iter().map(|(_, a)| a)), &rows);
    assert!(bytes.len() < rows.len() / 20, "{} bytes", bytes.len());
    assert_eq!(Cold::open(&bytes).unwrap().get(49_999, &rows[49_999].0), Some(rows[49_999].1));
}

#[test]
fn what_contradicts_the_hot_part_is_refused() {
    let rows = sessions(2);
    let mut writer = ColdWriter::new(ColdModel::default());
    writer.push(&rows[0].0, &rows[0].1).unwrap();
    let other = Known { inside: InsideId(99), ..rows[1].0 };
    assert_eq!(writer.push(&other, &rows[1].1), Err(ColdError::Contradiction { row: 1 }));
    assert_eq!(Cold::open(&writer.finish()).unwrap().rows(), 1);
}
