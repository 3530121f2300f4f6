//! Bytes that nobody wrote in good faith: an error or an answer, never a panic and never an endless loop.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::format::{FormatError, Header, Section};
use super::{Hits, Index, IndexBuilder, Lean, Question};
use crate::allocation::{Allocation, InsideId};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeRange, Timestamp};

/// Sessions, blocks and portless flows on some addresses: every section has entries.
fn records() -> Vec<Lean> {
    (0..1500_u32)
        .map(|n| {
            let spread = |modulus: u32| n.wrapping_mul(0x9E37_79B9) % modulus;
            let low = u16::try_from(n % 90).unwrap();
            let ports = match n % 5 {
                0 => PortRange::ALL,
                1 => PortRange::new_assert(1024 + 512 * low, 1535 + 512 * low),
                _ => PortRange::single(low),
            };
            let start = if n % 3 == 0 { i64::from(n) } else { i64::from(spread(86_400_000)) };
            let end = start + 1 + i64::from(n % 7) * 40_000_000;
            let outer = TimeRange::new(
                Timestamp::from_microsecond(start),
                Timestamp::from_microsecond(if n == 77 { i64::MAX } else { end }),
            );
            let protocol = [Some(Protocol::TCP), Some(Protocol::UDP), Some(Protocol::ICMP), None];
            let addr = Ipv4Addr::from_bits(0xC000_0200 + if n < 1200 { 0 } else { n % 40 });
            Lean::new(addr, ports, protocol[n as usize % 4], outer.unwrap(), InsideId(n % 50))
        })
        .collect()
}

fn whole() -> Vec<u8> {
    let allocations: Vec<Allocation> = records().iter().map(Allocation::from).collect();
    IndexBuilder::new().build(&allocations).unwrap().as_bytes().to_vec()
}

/// Asks everything that can be asked.
fn ask(index: &Index) {
    let view = index.view();
    let mut hits = Vec::new();
    let mut questions = Vec::new();
    for (port, at) in [(0, 0), (17, 5_000_000), (1500, 40_000_000), (65_535, i64::MAX - 1)] {
        for addr in [0xC000_0200, 0xC000_0207, 1] {
            let (addr, at) = (Ipv4Addr::from_bits(addr), Timestamp::from_microsecond(at));
            view.at(addr, port, Some(Protocol::TCP), at, &mut hits);
            questions.push(Question { addr, port, protocol: None, at });
            let hour = TimeRange::new(at.minus(crate::time::TimeDelta::from_second(60)), at);
            let range = hour.unwrap_or(TimeRange::ALL);
            view.during(addr, PortRange::ALL, None, range, &mut hits);
            let _ = view.neighbours(addr, port, None, TimeRange::instant(at), |_| true);
        }
    }
    let mut batch = Hits::default();
    view.at_each(&questions, &mut batch);
    for at in hits.iter().copied().chain([0, 15, 16, u32::MAX]).take(200) {
        let _ = index.get(at);
    }
    let _ = index.iter().take(3000).count();
    let _ = index.addresses().count();
}

#[test]
fn verify_finds_every_changed_byte() {
    let good = whole();
    assert_eq!(Index::from_bytes(&good).unwrap().verify(), Ok(()));
    let mut bad = good.clone();
    // Every byte of header and tables of sections, then every 37th.
    for at in (0..512).chain((512..good.len()).step_by(37)).chain(good.len() - 64..good.len()) {
        bad[at] ^= 1 << (at % 8);
        match Index::from_bytes(&bad) {
            Err(_) => {}
            Ok(index) => assert!(index.verify().is_err(), "byte {at} of {}", good.len()),
        }
        bad[at] = good[at];
    }
}

#[test]
fn a_cut_or_longer_file_is_an_error_at_once() {
    let good = whole();
    for length in (0..600).chain((600..good.len()).step_by(1001)).chain([good.len() - 1]) {
        assert!(Index::from_bytes(&good[..length]).is_err(), "{length}");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert!(matches!(Index::from_bytes(&longer), Err(FormatError::Length { .. })));
}

/// Leaves that claim more lines than any file has.
#[test]
fn a_leaf_ends_with_the_lines_of_the_file() {
    let good = whole();
    let header = Header::read(&good).unwrap();
    let regions = header.section(Section::Regions);
    let began = Instant::now();
    for region in regions.step_by(16).take(40) {
        let mut file = good.clone();
        // So many buckets, of two billion lines each.
        file[region + 4..region + 8].fill(0xFF);
        file[region + 14] = 31;
        header.seal(&mut file);
        if let Ok(index) = Index::from_bytes(&file) {
            ask(&index);
        }
    }
    // Not a measurement: four billion steps a question are minutes.
    assert!(began.elapsed() < Duration::from_secs(60));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(30)
    ))]

    /// Numbers changed on purpose, under checksums that are right.
    #[test]
    fn forged_bytes_neither_panic_nor_hang(
        changes in prop::collection::vec((0..14_usize, any::<u32>(), any::<u64>(), 0..5_u8), 1..12),
    ) {
        let mut file = whole();
        let header = Header::read(&file).unwrap();
        for (section, at, value, kind) in changes {
            let section = header.section(Section::ALL[section]);
            if section.is_empty() {
                continue;
            }
            // Sections of few bytes decide the most; half of the changes are whole words.
            let at = section.start + at as usize % section.len();
            match kind {
                0 => file[at] ^= value.to_le_bytes()[0],
                1 => file[at] = 0xFF,
                2 => file[at] = 0,
                _ => {
                    let at = at & !7;
                    if let Some(word) = file.get_mut(at..at + 8) {
                        word.copy_from_slice(&value.to_le_bytes());
                    }
                }
            }
        }
        header.seal(&mut file);
        let began = Instant::now();
        if let Ok(index) = Index::from_bytes(&file) {
            ask(&index);
            let _ = index.verify();
        }
        // Not a measurement: an endless loop would never come here, a near endless one is minutes.
        prop_assert!(began.elapsed() < Duration::from_secs(60));
    }
}
