//! Whose port it is by the rules: one lookup through a set of some 850 rules, against scanning all of them.
//!
//! The rules are the published tables, and as many again in private space with prefixes of 20 to 32 bits, all side by
//! side.

use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{Criterion, Throughput};
use ipnet::{Ipv4Net, Ipv6Net};
use portledger::mapping::{BasicMappingRule, NamedRule, Preset, Reverse, RuleSet, SetAnswer};

const RULES: u32 = 849;
const ASKED: u32 = 1000;

fn rules() -> RuleSet {
    let mut rules: Vec<NamedRule> =
        Preset::ALL.iter().flat_map(|p| p.rules().rules().to_vec()).collect();
    for i in 0.. {
        if rules.len() >= RULES as usize {
            break;
        }
        // Beside each other in 10.0.0.0/8, a /20 apart.
        let len = 20 + u8::try_from(i % 13).unwrap();
        let v4 = Ipv4Net::new((10 << 24 | i << 12).into(), len).unwrap();
        let v6 = 0x2001_0db8 << 96 | u128::from(i) << 80;
        let v6 = Ipv6Net::new(v6.into(), 48).unwrap();
        let rule = BasicMappingRule::new(v6, v4, 32 - len + 8, 6, None).unwrap();
        rules.push(NamedRule::new(format!("private-{i}"), rule));
    }
    RuleSet::new("bench", rules)
}

/// Addresses of rules in turn, and their ports.
fn hits(set: &RuleSet) -> Vec<(Ipv4Addr, u16)> {
    (0..ASKED)
        .map(|i| {
            // A step without a common factor: neighbours in the list are far apart in the set.
            let place = usize::try_from(i * 331 % RULES).unwrap();
            let v4 = set.rules()[place].rule().v4();
            let host = i.wrapping_mul(2_654_435_761) & u32::from(v4.hostmask());
            let port = u16::try_from(4096 + i * 61 % 61_440).unwrap();
            (Ipv4Addr::from(u32::from(v4.network()) | host), port)
        })
        .collect()
}

fn misses() -> Vec<(Ipv4Addr, u16)> {
    (0..ASKED)
        .map(|i| {
            let host = i.wrapping_mul(2_654_435_761) & 0x00ff_ffff;
            (Ipv4Addr::from(192 << 24 | host), 5000)
        })
        .collect()
}

/// The answer by looking at each rule.
fn scan(set: &RuleSet, addr: Ipv4Addr, port: u16) -> Option<Ipv6Net> {
    let hits = set.rules().iter().map(NamedRule::rule).filter(|r| r.v4().contains(&addr));
    hits.max_by_key(|r| r.v4().prefix_len())?.reverse(addr, port).end_user_prefix()
}

fn answer(set: &RuleSet, addr: Ipv4Addr, port: u16) -> Option<Ipv6Net> {
    match set.answer(addr, port) {
        SetAnswer::Mapped(answer) => answer.reverse.end_user_prefix(),
        _ => None,
    }
}

fn define(c: &mut Criterion) {
    let set = rules();
    assert_eq!(set.rules().len(), RULES as usize);
    assert_eq!(set.validate(), []);
    for (name, asked, expected) in [("hit", hits(&set), ASKED), ("miss", misses(), 0)] {
        // What is timed must be right, and must be what it is called.
        let mut found = 0;
        for &(addr, port) in &asked {
            let said = answer(&set, addr, port);
            assert_eq!(said, scan(&set, addr, port), "{addr} {port}");
            found += u32::from(said.is_some());
        }
        assert_eq!(found, expected, "{name}");
        let mut group = c.benchmark_group(format!("mapping/{name}"));
        group.throughput(Throughput::Elements(u64::from(ASKED)));
        let mut time = |by: &str, of: &dyn Fn(&RuleSet, Ipv4Addr, u16) -> usize| {
            group.bench_function(by, |b| {
                b.iter(|| {
                    let all = asked.iter().map(|&(addr, port)| of(&set, addr, port));
                    black_box(all.sum::<usize>())
                });
            });
        };
        time("answer", &|set, addr, port| usize::from(answer(set, addr, port).is_some()));
        time("reverse", &|set, addr, port| set.reverse(addr, port).len());
        time("scan", &|set, addr, port| usize::from(scan(set, addr, port).is_some()));
        group.finish();
    }
    let rule = *set.rules()[0].rule();
    let addr = rule.v4().network();
    c.bench_function("mapping/one rule", |b| {
        b.iter(|| matches!(rule.reverse(black_box(addr), black_box(5000)), Reverse::Mapped { .. }));
    });
}

fn main() {
    let mut c = Criterion::default().configure_from_args();
    define(&mut c);
    c.final_summary();
}
