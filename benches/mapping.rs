//! Whose port it is by the rules: one lookup through a set of some 850 rules, against scanning all of them.
//!
//! Questions are random addresses of random rules, addresses that no rule has, and both mixed; every answer is held to
//! the scan before it is timed.
//!
//! The rules are the published tables, and as many again in private space with prefixes of 20 to 32 bits, all side by
//! side.

use std::collections::HashSet;
use std::hint::black_box;
use std::net::Ipv4Addr;

use criterion::{Criterion, Throughput};
use ipnet::{Ipv4Net, Ipv6Net};
use portledger::mapping::{BasicMappingRule, NamedRule, Preset, Reverse, RuleSet, SetAnswer};

const RULES: u32 = 849;
/// More than a branch predictor keeps.
const ASKED: u32 = 20_000;

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

/// A seeded generator (xorshift64): questions in no order that a processor could learn.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).unwrap()
    }

    fn below(&mut self, end: u32) -> u32 {
        u32::try_from((u64::from(self.next()) * u64::from(end)) >> 32).unwrap()
    }
}

/// A random address of a random rule, on a port that is not excluded.
fn hit(set: &RuleSet, random: &mut Random) -> (Ipv4Addr, u16) {
    let rule = set.rules()[usize::try_from(random.below(RULES)).unwrap()].rule();
    let host = random.next() & u32::from(rule.v4().hostmask());
    let port = u16::try_from(4096 + random.below(61_440)).unwrap();
    (Ipv4Addr::from(u32::from(rule.v4().network()) | host), port)
}

/// A random address that no rule has.
fn miss(set: &RuleSet, random: &mut Random) -> (Ipv4Addr, u16) {
    loop {
        // Half of them in the /8 that is full of rules.
        let high = if random.below(2) == 0 { 10 << 24 } else { random.next() & 0xff00_0000 };
        let addr = Ipv4Addr::from(high | random.below(1 << 24));
        if scan(set, addr, 5000).is_none() {
            return (addr, u16::try_from(random.below(65_536)).unwrap());
        }
    }
}

fn hits(set: &RuleSet) -> Vec<(Ipv4Addr, u16)> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..ASKED).map(|_| hit(set, &mut random)).collect()
}

fn misses(set: &RuleSet) -> Vec<(Ipv4Addr, u16)> {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    (0..ASKED).map(|_| miss(set, &mut random)).collect()
}

/// Three hits for a miss, at random.
fn mixed(set: &RuleSet) -> Vec<(Ipv4Addr, u16)> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let one = |random: &mut Random| match random.below(4) {
        0 => miss(set, random),
        _ => hit(set, random),
    };
    (0..ASKED).map(|_| one(&mut random)).collect()
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
    let all = ASKED..=ASKED;
    let three_quarters = ASKED * 7 / 10..=ASKED * 8 / 10;
    for (name, asked, expected) in [
        ("hit", hits(&set), all),
        ("miss", misses(&set), 0..=0),
        ("mixed", mixed(&set), three_quarters),
    ] {
        // What is timed must be right, and must be what it is called.
        let mut found = 0;
        let mut rules = HashSet::new();
        for &(addr, port) in &asked {
            let said = answer(&set, addr, port);
            assert_eq!(said, scan(&set, addr, port), "{addr} {port}");
            found += u32::from(said.is_some());
            rules.extend(set.matches(addr).map(|rule| rule.rule().v4()));
        }
        assert!(expected.contains(&found), "{name}: {found}");
        // No rule is asked more than others: all of them are.
        assert_eq!(rules.len(), if found == 0 { 0 } else { RULES as usize }, "{name}");
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
