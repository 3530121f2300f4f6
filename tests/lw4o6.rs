//! Binding tables against a scan of their rows.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use portledger::mapping::PsidParams;
use portledger::mapping::lw4o6::{BindingFinding, BindingTable, LwB4, LwKind, Softwire};
use portledger::{TimeRange, Timestamp};
use proptest::prelude::*;

const PARAMS: [(u8, u8); 6] = [(0, 4), (0, 6), (4, 6), (6, 8), (0, 16), (0, 0)];

fn addr(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

fn b4(number: u16) -> LwB4 {
    let text = if number < 8 {
        format!("2001:db8::{number:x}")
    } else {
        format!("2001:db8:{number:x}::/56")
    };
    text.parse().unwrap()
}

fn lifetimes() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        Just(TimeRange::ALL),
        (0..10_i64, 1..10_i64).prop_map(|(start, len)| seconds(start, start + len)),
        (0..10_i64).prop_map(|start| TimeRange::since(Timestamp::from_second(start))),
    ]
}

fn seconds(start: i64, end: i64) -> TimeRange {
    TimeRange::new(Timestamp::from_second(start), Timestamp::from_second(end)).unwrap()
}

fn row(last: u8, params: usize, psid: u16, holder: u16, lifetime: TimeRange) -> Softwire {
    let (offset, len) = PARAMS[params];
    let params = PsidParams::new_assert(offset, len);
    let psid = u16::try_from(u32::from(psid) % params.sharing_ratio()).unwrap();
    Softwire::new(addr(last), params, psid, b4(holder)).unwrap().with_lifetime(lifetime)
}

/// Rows on three addresses, each with parameters of its own but for a few.
fn rows() -> impl Strategy<Value = Vec<Softwire>> {
    let one = (1..4_u8, 0..8_usize, 0..4_u16, 0..12_u16, lifetimes());
    prop::collection::vec(one, 0..24).prop_map(|rows| {
        let pick = |last: u8, p: usize| if p < PARAMS.len() { usize::from(last) } else { p - 6 };
        rows.into_iter()
            .map(|(last, p, psid, b4, t)| row(last, pick(last, p), psid, b4, t))
            .collect()
    })
}

/// As [`rows`], with any mixture of port parameters.
fn mixed_rows() -> impl Strategy<Value = Vec<Softwire>> {
    let one = (1..3_u8, 0..PARAMS.len(), 0..20_u16, 0..12_u16, lifetimes());
    prop::collection::vec(one, 0..24).prop_map(|rows| {
        rows.into_iter().map(|(last, p, psid, b4, t)| row(last, p, psid, b4, t)).collect()
    })
}

fn questions() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        (-1..20_i64).prop_map(|s| TimeRange::instant(Timestamp::from_second(s))),
        (0..20_i64)
            .prop_map(|s| { TimeRange::instant(Timestamp::from_microsecond(s * 1_000_000 - 1)) }),
        (0..20_i64, 1..20_i64).prop_map(|(s, len)| seconds(s, s + len)),
        Just(TimeRange::ALL),
    ]
}

/// The PSID by the division of RFC 7597 Appendix B, not by shifts; `None` where A = 0 excludes the port.
fn psid(params: PsidParams, port: u16) -> Option<u16> {
    let (ratio, port) = (params.sharing_ratio(), u32::from(port));
    if ratio == 1 {
        return Some(0);
    }
    let contiguous = 65_536 / ratio / (1 << params.offset());
    if params.offset() > 0 && port / (ratio * contiguous) == 0 {
        return None;
    }
    Some(u16::try_from(port / contiguous % ratio).unwrap())
}

/// Kind, PSID and rows, from a scan.
fn scan(
    rows: &[Softwire],
    at: Ipv4Addr,
    port: u16,
    during: TimeRange,
) -> (LwKind, Option<u16>, BTreeSet<Softwire>) {
    let of_addr: Vec<&Softwire> = rows.iter().filter(|r| r.ipv4() == at).collect();
    if of_addr.is_empty() {
        return (LwKind::UnknownAddress, None, BTreeSet::new());
    }
    let in_force: Vec<&Softwire> =
        of_addr.into_iter().filter(|r| r.lifetime().overlaps(during)).collect();
    let owners: BTreeSet<Softwire> = in_force
        .iter()
        .filter(|r| psid(r.psid_params(), port) == Some(r.psid()))
        .map(|r| **r)
        .collect();
    let holders: BTreeSet<LwB4> = owners.iter().map(Softwire::b4).collect();
    let psids: BTreeSet<Option<u16>> = if owners.is_empty() {
        in_force.iter().map(|r| psid(r.psid_params(), port)).collect()
    } else {
        owners.iter().map(|r| Some(r.psid())).collect()
    };
    let agreed = if psids.len() == 1 { psids.first().copied().flatten() } else { None };
    let kind = match holders.len() {
        0 if psids.len() == 1 && agreed.is_none() => LwKind::ExcludedPort,
        0 => LwKind::NoSoftwire,
        1 => LwKind::Mapped,
        _ => LwKind::Ambiguous,
    };
    (kind, agreed, owners)
}

/// Ports at which something can change.
fn edges() -> Vec<u16> {
    let mut ports: Vec<u16> = (0..64).flat_map(|n| [n * 1024, n * 64]).collect();
    ports.extend([1, 79, 1023, 1025, 4095, 4097, 5119, 65_535]);
    ports
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn reverse_is_a_scan(
        rows in prop_oneof![rows(), mixed_rows()],
        last in 0..5_u8,
        port in prop_oneof![any::<u16>(), prop::sample::select(edges())],
        during in questions(),
    ) {
        let table = BindingTable::new(rows.clone());
        let answer = table.reverse(addr(last), port, during);
        let (kind, psid, owners) = scan(&rows, addr(last), port, during);
        prop_assert_eq!(answer.kind(), kind);
        prop_assert_eq!(answer.psid(), psid);
        let found: BTreeSet<Softwire> = answer.rows().iter().map(|r| **r).collect();
        prop_assert_eq!(found.len(), answer.rows().len());
        prop_assert_eq!(&found, &owners);
        prop_assert_eq!(answer.b4().is_some(), kind == LwKind::Mapped);
        prop_assert!(answer.rows().is_sorted_by_key(|r| r.lifetime()));

        let sharers: BTreeSet<Softwire> = table.owners(addr(last), during).copied().collect();
        let expected: BTreeSet<Softwire> = rows
            .iter()
            .filter(|r| r.ipv4() == addr(last) && r.lifetime().overlaps(during))
            .copied()
            .collect();
        prop_assert_eq!(sharers, expected);
        prop_assert_eq!(table.covers(addr(last)), rows.iter().any(|r| r.ipv4() == addr(last)));
    }

    #[test]
    fn forward_then_reverse_is_the_identity(rows in rows(), during in questions()) {
        let table = BindingTable::new(rows.clone());
        let doubtful: BTreeSet<Ipv4Addr> = table
            .validate()
            .iter()
            .filter(|f| !matches!(f, BindingFinding::Duplicate { .. }))
            .map(BindingFinding::addr)
            .collect();
        let is_instant = during.end().since(during.start()).as_microsecond() == 1;
        for number in 0..12 {
            for (at, ports) in table.forward(b4(number), during) {
                prop_assert!(!ports.is_empty());
                for range in ports.ranges() {
                    for port in [range.first(), range.last()] {
                        let answer = table.reverse(at, port, during);
                        prop_assert!(answer.rows().iter().any(|r| r.b4() == b4(number)));
                        if is_instant && !doubtful.contains(&at) {
                            prop_assert_eq!(answer.kind(), LwKind::Mapped);
                            prop_assert_eq!(answer.b4(), Some(b4(number)));
                        }
                    }
                }
            }
        }
        for port in edges() {
            for last in 1..4 {
                if let Some(b4) = table.reverse(addr(last), port, during).b4() {
                    let held = table.forward(b4, during);
                    prop_assert!(held.iter().any(|(a, p)| *a == addr(last) && p.contains(port)));
                }
            }
        }
    }

    #[test]
    fn a_port_has_at_most_one_owner_or_is_reported(
        rows in prop_oneof![rows(), mixed_rows()],
    ) {
        let table = BindingTable::new(rows.clone());
        let findings = table.validate();
        for finding in &findings {
            let (first, second) = finding.rows();
            prop_assert!(first != second && first.ipv4() == second.ipv4());
            prop_assert!(first.lifetime().overlaps(second.lifetime()));
            prop_assert!(first.lifetime().covers(finding.during()));
            let is_mixed = first.psid_params() != second.psid_params();
            match finding {
                BindingFinding::MixedParams { .. } => prop_assert!(is_mixed),
                BindingFinding::TwoHolders { .. } => {
                    prop_assert!(!is_mixed && first.psid() == second.psid());
                    prop_assert!(first.b4() != second.b4());
                }
                BindingFinding::Duplicate { .. } => {
                    prop_assert!(!is_mixed && first.psid() == second.psid());
                    prop_assert!(first.b4() == second.b4());
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        // Whoever holds what changes only where a row begins.
        for one in table.rows() {
            for other in table.rows().iter().filter(|r| r.ipv4() == one.ipv4() && r.b4() != one.b4()) {
                let Some(both) = one.lifetime().intersection(other.lifetime()) else { continue };
                let is_same_set = one.psid_params() == other.psid_params();
                if is_same_set && one.psid() == other.psid() {
                    let is_reported = findings.iter().any(|f| {
                        let (first, _) = f.rows();
                        matches!(f, BindingFinding::TwoHolders { .. })
                            && (first.ipv4(), first.psid_params(), first.psid())
                                == (one.ipv4(), one.psid_params(), one.psid())
                            && f.during().contains(both.start())
                    });
                    prop_assert!(is_reported, "{one:?} {other:?} {findings:?}");
                } else if !is_same_set {
                    let pair = BTreeSet::from([one.psid_params(), other.psid_params()]);
                    let is_reported = findings.iter().any(|f| {
                        let (first, second) = f.rows();
                        first.ipv4() == one.ipv4()
                            && BTreeSet::from([first.psid_params(), second.psid_params()]) == pair
                    });
                    prop_assert!(is_reported, "{one:?} {other:?} {findings:?}");
                }
            }
        }
    }

    #[test]
    fn an_instant_on_a_boundary_belongs_to_exactly_one_row(
        lengths in prop::collection::vec(1..5_i64, 1..12),
        psid in 0..256_u16,
    ) {
        let params = PsidParams::new_assert(0, 8);
        let (mut start, mut rows) = (0, Vec::new());
        for (i, len) in lengths.iter().enumerate() {
            let holder = b4(u16::try_from(i % 7).unwrap());
            let row = Softwire::new(addr(1), params, psid, holder).unwrap();
            rows.push(row.with_lifetime(seconds(start, start + len)));
            start += len;
        }
        let table = BindingTable::new(rows.clone());
        prop_assert_eq!(table.validate(), []);
        for (i, row) in rows.iter().enumerate() {
            let begin = row.lifetime().start();
            let before = Timestamp::from_microsecond(begin.as_microsecond() - 1);
            let said = |at| {
                let answer = table.reverse(addr(1), psid * 256, TimeRange::instant(at));
                answer.rows().iter().map(|r| **r).collect::<Vec<Softwire>>()
            };
            prop_assert_eq!(said(begin), [*row]);
            let previous: Vec<Softwire> = i.checked_sub(1).map(|i| rows[i]).into_iter().collect();
            prop_assert_eq!(said(before), previous);
        }
    }

    #[test]
    fn rows_in_a_prefix_are_those_that_overlap_it(
        rows in mixed_rows(),
        number in 0..12_u16,
        len in 0..=128_u8,
        during in questions(),
    ) {
        let prefix = ipnet::Ipv6Net::new(b4(number).net().network(), len).unwrap();
        let table = BindingTable::new(rows.clone());
        let found = table.rows_in(prefix, during);
        let set: BTreeSet<Softwire> = found.iter().map(|r| **r).collect();
        let expected: BTreeSet<Softwire> = rows
            .into_iter()
            .filter(|r| {
                let net = r.b4().net();
                (prefix.contains(&net) || net.contains(&prefix.trunc()))
                    && r.lifetime().overlaps(during)
            })
            .collect();
        prop_assert_eq!(found.len(), set.len());
        prop_assert_eq!(set, expected);
    }
}

#[test]
fn the_address_of_a_b4_is_that_of_the_map_example() {
    // RFC 7597 Appendix A, example 1: the same prefix, address and PSID.
    let b4: LwB4 = "2001:db8:12:3400::/56".parse().unwrap();
    let row = Softwire::new(addr(18), PsidParams::new_assert(6, 8), 0x34, b4).unwrap();
    assert_eq!(row.b4_address().to_string(), "2001:db8:12:3400:0:c000:212:34");
    assert_eq!(row.ports().ranges()[0].to_string(), "1232-1235");
}
