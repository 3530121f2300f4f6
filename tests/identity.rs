//! Bindings and accounting from outside: properties, hostile bytes, and the lab's real records.

#![cfg(feature = "readers")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use portledger::allocation::{Began, Ended, SourceId, Span};
use portledger::identity::{
    AccountingRecord, AccountingStatus, Binding, BindingKey, BindingOrigin, CsvOptions, CsvReader,
    DetailOptions, DetailReader, IdentityError, IdentityFormat, IdentityOptions, IdentityTable,
    ReadLimits, bindings_from, read_identity,
};
use portledger::time::WrittenTime;
use portledger::{InsideHost, SubscriberId, TimeRange, Timestamp};
use proptest::prelude::*;

const MANY: u32 = 4096;

/// The obvious, slow lookup by which the table is judged.
fn lookup_by_scan<'a>(
    bindings: &'a [Binding],
    host: &InsideHost,
    during: TimeRange,
) -> Vec<&'a Binding> {
    let meeting: Vec<&Binding> = bindings
        .iter()
        .filter(|b| b.key.overlap(host).is_some() && b.outer.overlaps(during))
        .collect();
    let gives_way = |shorter: &Binding| {
        let claimed = shorter.outer.intersection(during).unwrap();
        meeting.iter().any(|longer| {
            longer.key.overlap(host) > shorter.key.overlap(host)
                && longer.key.covers(host)
                && longer.inner.is_some_and(|inner| inner.covers(claimed))
        })
    };
    meeting.iter().copied().filter(|b| !gives_way(b)).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second)
}

fn key() -> impl Strategy<Value = BindingKey> {
    let realm = prop_oneof![Just(""), Just("%blue")];
    let v4 = (0_u8..4, 28_u8..=32, realm).prop_map(|(low, length, realm)| {
        let masked = u32::from(low) & (u32::MAX << (32 - length));
        format!("10.0.0.{masked}/{length}{realm}").parse().unwrap()
    });
    let v6 = (0_u8..4, 124_u8..=128).prop_map(|(low, length)| {
        let masked = u128::from(low) & (u128::MAX << (128 - length));
        format!("2001:db8::{masked:x}/{length}").parse().unwrap()
    });
    prop_oneof![3 => v4, 3 => v6, 1 => Just("name:a".parse().unwrap()), 1 => Just("0.0.0.0/0".parse().unwrap())]
}

fn host() -> impl Strategy<Value = InsideHost> {
    prop_oneof![
        (0_u8..4, prop_oneof![Just(""), Just("%blue")])
            .prop_map(|(low, realm)| format!("10.0.0.{low}{realm}")),
        (0_u8..4).prop_map(|low| format!("2001:db8::{low:x}")),
        (0_u8..4).prop_map(|low| format!("b4[2001:db8::{low:x}]10.0.0.1")),
        (0_u8..4, 124_u8..=128).prop_map(|(low, length)| format!("2001:db8::{low:x}/{length}")),
        Just("name:a".to_owned()),
    ]
    .prop_map(|text| text.parse().unwrap())
}

prop_compose! {
    fn range()(a in 0_i64..20, length in 1_i64..12, open in 0_u8..10) -> TimeRange {
        match open {
            0 => TimeRange::since(at(a)),
            1 => TimeRange::new(Timestamp::MIN, at(a)).unwrap(),
            _ => TimeRange::new(at(a), at(a + length)).unwrap(),
        }
    }
}

prop_compose! {
    fn binding()(key in key(), who in 0_u8..5, outer in range(), cut in 0_i64..4) -> Binding {
        let second = portledger::time::TimeDelta::from_second(cut);
        let inner = TimeRange::new(outer.start().plus(second), outer.end().minus(second)).ok();
        Binding {
            key,
            subscriber: SubscriberId::new(&format!("u{who}")),
            outer,
            inner: inner.filter(|_| cut < 3),
            began: Began::Logged,
            ended: Ended::Logged,
            origin: BindingOrigin::default(),
        }
    }
}

fn sorted(bindings: &[&Binding]) -> Vec<String> {
    let mut all: Vec<String> = bindings.iter().map(|b| format!("{b:?}")).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(MANY))]

    #[test]
    fn the_table_answers_as_a_scan_does(
        bindings in prop::collection::vec(binding(), 0..40),
        host in host(),
        during in range(),
    ) {
        let table = IdentityTable::new(bindings.clone());
        prop_assert_eq!(table.len(), bindings.len());
        let found = table.lookup(&host, during);
        prop_assert_eq!(sorted(&found), sorted(&lookup_by_scan(&bindings, &host, during)));
    }

    #[test]
    fn changes_are_the_nearest_edges(
        bindings in prop::collection::vec(binding(), 0..20),
        host in host(),
        second in -1_i64..40,
    ) {
        let table = IdentityTable::new(bindings.clone());
        let mut edges: Vec<Timestamp> = bindings
            .iter()
            .filter(|b| b.key.overlap(&host).is_some())
            .flat_map(|b| [Some(b.outer), b.inner])
            .flatten()
            .flat_map(|r| [r.start(), r.end()])
            .filter(|t| ![Timestamp::MIN, Timestamp::MAX].contains(t))
            .collect();
        edges.sort();
        let (now, own) = (at(second), table);
        prop_assert_eq!(own.next_change(&host, now), edges.iter().copied().find(|t| *t > now));
        prop_assert_eq!(own.previous_change(&host, now), edges.iter().rev().copied().find(|t| *t < now));
    }
}

prop_compose! {
    fn record()(
        status in 0_u8..12,
        who in prop::option::weighted(0.9, 0_u8..3),
        session in 0_u8..5,
        nas in 0_u8..2,
        keys in prop::collection::vec(key(), 0..3),
        second in 0_i64..60,
        session_time in prop::option::of(0_u32..60),
        interim in prop::option::weighted(0.2, 0_u32..20),
    ) -> AccountingRecord {
        AccountingRecord {
            status: match status {
                0..=3 => AccountingStatus::Start,
                4..=7 => AccountingStatus::Stop,
                8..=10 => AccountingStatus::Interim,
                _ => AccountingStatus::On,
            },
            subscriber: who.map(|who| SubscriberId::new(&format!("u{who}"))),
            session: format!("s{session}").into(),
            nas: format!("n{nas}").into(),
            keys,
            time: WrittenTime::from_second(second),
            session_time_second: session_time,
            interim_second: interim,
            span: Span { offset: second.unsigned_abs(), length: 1 },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(MANY))]

    /// Whatever the records: inner lies in outer, every report that names a subscriber and a key lies in a binding
    /// of the two, and the order of arrival does not matter.
    #[test]
    fn bindings_hold_what_the_records_say(
        records in prop::collection::vec(record(), 0..25),
        seed in any::<u64>(),
    ) {
        let (bindings, audit) = bindings_from(records.iter().cloned().map(|r| (SourceId(0), r)));
        prop_assert_eq!(audit.records, records.len() as u64);
        for b in &bindings {
            prop_assert!(b.inner.is_none_or(|inner| b.outer.covers(inner)), "{:?}", b);
            prop_assert!(b.origin.start.is_some());
        }
        for r in &records {
            if matches!(r.status, AccountingStatus::On) {
                continue;
            }
            for key in &r.keys {
                let Some(who) = &r.subscriber else { continue };
                let held = bindings.iter().any(|b| {
                    b.key == *key && b.subscriber == *who && b.outer.overlaps(r.time.range())
                });
                prop_assert!(held, "{:?} of {:?}\n{:#?}", key, r, bindings);
            }
        }
        let mut shuffled = records;
        let length = shuffled.len();
        for i in 1..length {
            let j = usize::try_from(seed.wrapping_mul(2 * i as u64 + 1) % (i as u64 + 1)).unwrap();
            shuffled.swap(i, j);
        }
        let again = bindings_from(shuffled.into_iter().map(|r| (SourceId(0), r)));
        prop_assert_eq!((bindings, audit), again);
    }
}

/// Pieces of `detail` files and of damage to them.
fn detail_piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop_oneof![
        Just("Sun Nov 22 00:18:55 2026\n"),
        Just("\n"),
        Just("\r\n"),
        Just("\tAcct-Status-Type = Start\n"),
        Just("\tAcct-Status-Type = 3\r\n"),
        Just("\tAcct-Status-Type = Accounting-On\n"),
        Just("\tUser-Name = \"ann\\303\\244\\\"\"\n"),
        Just("\tUser-Name = \"ann\n"),
        Just("\tAcct-Session-Id = \"17\"\n"),
        Just("\tAcct-Session-Time = 17\n"),
        Just("\tFramed-IP-Address = 10.0.0.1\n"),
        Just("\tFramed-IP-Address = 10.0.0.\n"),
        Just("\tDelegated-IPv6-Prefix = 2001:db8::/56\n"),
        Just("\tFramed-IPv6-Prefix = ::/0\n"),
        Just("\tEvent-Timestamp = \"Nov 22 2026 00:18:55 UTC\"\n"),
        Just("\tEvent-Timestamp = \"Nov 22 2026 00:18:55 CEST\"\n"),
        Just("\tEvent-Timestamp = 99999999999999999999\n"),
        Just("\tTimestamp = 1795306735\n"),
        Just("\tAcct-Delay-Time = 4294967295\n"),
        Just("\t = \n"),
        Just("\tx\n"),
    ];
    prop_oneof![
        6 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn bytes(piece: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieces, 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

/// The records of a `detail` file, counted in the plainest way: a record is ended by a blank line, by the next
/// header, or by the end.
fn count_blocks(bytes: &[u8]) -> usize {
    let mut blocks = 0;
    let mut inside = false;
    for line in bytes.split(|b| *b == b'\n') {
        let is_blank = line.trim_ascii().is_empty();
        let is_header = !is_blank && !line[0].is_ascii_whitespace();
        blocks += usize::from(!is_blank && (is_header || !inside));
        inside = !is_blank;
    }
    blocks
}

fn limits() -> ReadLimits {
    ReadLimits { line_bytes: 64, record_bytes: 300, ..ReadLimits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2 * MANY))]

    #[test]
    fn a_detail_reader_loses_no_record_of_any_bytes(bytes in bytes(detail_piece()), small in any::<bool>()) {
        let limits = if small { limits() } else { ReadLimits::default() };
        let options = DetailOptions { limits, ..DetailOptions::default() };
        let (mut count, mut end) = (0, 0);
        for record in DetailReader::new(&bytes[..], options) {
            let span = match record.unwrap() {
                Ok(record) => record.span,
                Err(reject) => {
                    prop_assert!(!reject.detail.is_empty() && reject.line > 0);
                    prop_assert!(reject.detail.len() < 1000, "{}", reject.detail);
                    reject.span
                }
            };
            let start = usize::try_from(span.offset).unwrap();
            prop_assert!(start >= end, "records overlap");
            // Nothing but blanks between two records.
            prop_assert!(bytes[end..start].trim_ascii().is_empty());
            end = start + usize::try_from(span.length).unwrap();
            prop_assert!(!bytes[end - 1..end].contains(&b'\n'));
            count += 1;
        }
        prop_assert!(bytes[end..].trim_ascii().is_empty());
        prop_assert_eq!(count, count_blocks(&bytes));
    }

    #[test]
    fn a_csv_reader_loses_no_row_of_any_bytes(bytes in bytes(csv_piece()), header in 0_u8..8, small in any::<bool>()) {
        let mut file = match header {
            0 => Vec::new(),
            1 => b"\xef\xbb\xbfend,start,inside,realm,x,subscriber\r\n".to_vec(),
            _ => b"inside,subscriber,start,end\n".to_vec(),
        };
        let body = file.len();
        file.extend_from_slice(&bytes);
        let limits = if small { limits() } else { ReadLimits::default() };
        let options = CsvOptions { limits, ..CsvOptions::default() };
        let rows = match CsvReader::new(&file[..], options) {
            Ok(rows) => rows,
            Err(IdentityError::Header(_)) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        let mut count = 0;
        for row in rows {
            let span = match row.unwrap() {
                Ok(binding) => {
                    prop_assert!(binding.inner.is_none_or(|inner| binding.outer.covers(inner)));
                    binding.origin.start.unwrap()
                }
                Err(reject) => reject.span,
            };
            let start = usize::try_from(span.offset).unwrap();
            let end = start + usize::try_from(span.length).unwrap();
            prop_assert!(start == 0 || file[start - 1] == b'\n');
            prop_assert!(end == file.len() || file[end] == b'\n' || file[end..].starts_with(b"\r\n"));
            count += 1;
        }
        if header > 0 {
            let rows = file[body..].split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty());
            prop_assert_eq!(count, rows.count());
        }
    }
}

fn csv_piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop_oneof![
        Just("10.0.0.1,ann,@1,@2\n"),
        Just("2001:db8::/56,bob,2026-11-02T03:04:05Z,\r\n"),
        Just("10.0.0.1,ann,@2,@1\n"),
        Just("\"10.0.0.1\",\"an\"\"n\",,\n"),
        Just("\"10.0.0.1,ann,,\n"),
        Just(",,,,,\n"),
        Just("\n"),
        Just("10.0.0.1/8,ann,,\n"),
        Just("@1,@2,name:x,,,u\n"),
    ];
    prop_oneof![
        6 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

#[test]
fn a_binding_without_end_does_not_slow_down_its_key() {
    let second = |n: i64, to: Option<i64>| Binding {
        key: "10.0.0.1".parse().unwrap(),
        subscriber: SubscriberId::new(&n.to_string()),
        outer: to.map_or(TimeRange::since(at(n)), |to| TimeRange::new(at(n), at(to)).unwrap()),
        inner: None,
        began: Began::Logged,
        ended: Ended::Logged,
        origin: BindingOrigin::default(),
    };
    let mut bindings: Vec<Binding> = (1..200_000).map(|n| second(n, Some(n + 1))).collect();
    bindings.push(second(0, None));
    let table = IdentityTable::new(bindings);
    let host: InsideHost = "10.0.0.1".parse().unwrap();
    let started = std::time::Instant::now();
    for n in 1..200_000 {
        assert_eq!(table.lookup(&host, TimeRange::instant(at(n))).len(), 2);
    }
    // A scan would need 20 000 million steps.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

fn lab() -> Option<PathBuf> {
    let own = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/lab");
    let dir = std::env::var_os("PORTLEDGER_LAB").map_or_else(own, PathBuf::from);
    dir.join("radius").is_dir().then_some(dir)
}

fn seconds(text: &str) -> i64 {
    format!("@{text}").parse::<Timestamp>().unwrap().as_microsecond()
}

/// The recorded accounting of three NAS, with duplicates, late and lost Stops, against who really held what.
#[test]
fn the_lab_names_everybody_and_nobody_else() {
    let Some(lab) = lab() else {
        println!("skipped: no data");
        return;
    };
    let mut records = Vec::new();
    for (number, name) in ["cgnA", "cgnB", "br"].into_iter().enumerate() {
        let file = std::fs::File::open(lab.join("radius").join(format!("detail-{name}"))).unwrap();
        let options = IdentityOptions::default();
        let file = read_identity(IdentityFormat::RadiusDetail, &options, file).unwrap();
        assert_eq!(file.rejects, []);
        assert_eq!(file.counts.rejected_total(), 0);
        assert_eq!(file.counts.records, file.records.len() as u64);
        assert!(file.counts.records > 0);
        let source = SourceId(u32::try_from(number).unwrap());
        records.extend(file.records.into_iter().map(|record| (source, record)));
    }
    let starts: Vec<(BindingKey, Timestamp)> = records
        .iter()
        .filter(|(_, r)| r.status == AccountingStatus::Start)
        .flat_map(|(_, r)| r.keys.iter().map(|key| (key.clone(), r.time.start())))
        .collect();
    let (bindings, audit) = bindings_from(records.into_iter());
    println!("{audit:?}");
    let table = IdentityTable::new(bindings);

    let truth = std::fs::read_to_string(lab.join("truth/identity_truth.csv")).unwrap();
    let (mut instants, mut doubled) = (0, 0);
    let mut wrong: BTreeMap<String, u64> = BTreeMap::new();
    for row in truth.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let (user, address) = (fields[2], fields[4]);
        let (from, until) = (seconds(fields[5]) + 1_000_000, seconds(fields[6]) - 1_000_000);
        let host: InsideHost = address.parse().unwrap();
        let key: BindingKey = address.parse().unwrap();
        let mut micros = from;
        while micros <= until {
            let now = Timestamp::from_microsecond(micros);
            let found = table.lookup(&host, TimeRange::instant(now));
            let names: Vec<&str> = found.iter().map(|b| b.subscriber.as_str()).collect();
            instants += 1;
            micros += 500_000;
            if names == [user] {
                continue;
            }
            // A lost Stop may leave the former holder possible, but only in the second of the next Start.
            let in_second_of_start = starts.contains(&(key.clone(), now.floor_second()));
            let others: Vec<_> = found.iter().filter(|b| b.subscriber.as_str() != user).collect();
            if in_second_of_start
                && names.contains(&user)
                && others.iter().all(|b| b.ended == Ended::Implied)
            {
                doubled += 1;
            } else {
                *wrong.entry(format!("{address} {user} {names:?}")).or_default() += 1;
            }
        }
    }
    println!("{instants} instants, {doubled} in the second of the next Start");
    assert!(instants > 1000, "{instants}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
