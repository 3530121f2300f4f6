//! Properties of the MAP arithmetic, against definitions that are slow and obvious.

use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use portledger::mapping::{BasicMappingRule, NamedRule, PsidParams, Reverse, RuleHistory, RuleSet};
use portledger::port::PortRange;
use portledger::{TimeRange, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

/// Every legal pair of PSID offset and length.
fn params() -> impl Strategy<Value = PsidParams> {
    (0u8..=15).prop_flat_map(|a| (0..=16 - a).prop_map(move |k| PsidParams::new(a, k).unwrap()))
}

/// Every shape of rule with shared addresses.
fn rule() -> impl Strategy<Value = BasicMappingRule> {
    rule_within(any::<u32>(), 0..=32)
}

fn rule_within(
    network: impl Strategy<Value = u32>,
    v4_len: std::ops::RangeInclusive<u8>,
) -> impl Strategy<Value = BasicMappingRule> {
    let shape = (v4_len, 0u8..=15).prop_flat_map(|(r, a)| (Just(r), Just(a), 1..=16 - a));
    (shape, network, any::<u128>(), any::<proptest::sample::Index>()).prop_map(
        |((r, a, k), v4, v6, n)| {
            let ea_len = 32 - r + k;
            let n = u8::try_from(n.index(usize::from(128 - ea_len) + 1)).unwrap();
            let v4 = Ipv4Net::new(v4.into(), r).unwrap();
            let v6 = Ipv6Net::new(v6.into(), n).unwrap();
            BasicMappingRule::new(v6, v4, ea_len, a, Some(k)).unwrap()
        },
    )
}

/// An address under the rule, drawn from any number.
fn addr_in(rule: &BasicMappingRule, any: u32) -> Ipv4Addr {
    let v4 = rule.v4();
    (u32::from(v4.network()) | any & u32::from(v4.hostmask())).into()
}

/// `len` bits of a number of `width` bits, written out, from `start` on.
fn bits(text: &str, start: u8, len: u8) -> &str {
    &text[usize::from(start)..usize::from(start) + usize::from(len)]
}

fn number(bits: &str) -> u16 {
    if bits.is_empty() { 0 } else { u16::from_str_radix(bits, 2).unwrap() }
}

/// The port word by its definition: a text of 16 digits, cut into fields.
fn naive_psid(params: PsidParams, port: u16) -> Option<u16> {
    let (a, k) = (params.offset(), params.len());
    let text = format!("{port:016b}");
    if a > 0 && k > 0 && number(bits(&text, 0, a)) == 0 {
        return None;
    }
    Some(number(bits(&text, a, k)))
}

/// The rule by its definition: the prefix is a text of binary digits, put together.
fn naive_reverse(rule: &BasicMappingRule, addr: Ipv4Addr, port: u16) -> Reverse {
    let (n, r) = (rule.v6().prefix_len(), rule.v4().prefix_len());
    let v4 = format!("{:032b}", u32::from(addr));
    let rule_v4 = format!("{:032b}", u32::from(rule.v4().network()));
    if bits(&v4, 0, r) != bits(&rule_v4, 0, r) {
        return Reverse::OutsideRule;
    }
    let Some(psid) = naive_psid(rule.psid_params(), port) else {
        return Reverse::ExcludedPort;
    };
    let k = rule.psid_params().len();
    let v6 = format!("{:0128b}", u128::from(rule.v6().network()));
    let psid_text = format!("{psid:016b}");
    let text =
        format!("{}{}{}", bits(&v6, 0, n), bits(&v4, r, 32 - r), bits(&psid_text, 16 - k, k));
    let prefix = u128::from_str_radix(&format!("{text:0<128}"), 2).unwrap();
    let len = u8::try_from(text.len()).unwrap();
    Reverse::Mapped { end_user_prefix: Ipv6Net::new(prefix.into(), len).unwrap(), psid }
}

/// Ports at the edges of fields, and any others.
fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        3 => any::<u16>(),
        1 => (0u32..16).prop_map(|bit| 1 << bit),
        1 => (0u32..16).prop_map(|bit| (1 << bit) - 1),
        1 => Just(u16::MAX),
    ]
}

#[test]
fn every_port_has_one_holder_or_is_excluded_for_all_parameters() {
    // Not a sample: all 152 pairs of offset and length, all ports.
    let mut pairs = 0;
    for a in 0..=15 {
        for k in 0..=16 - a {
            let params = PsidParams::new(a, k).unwrap();
            pairs += 1;
            let mut excluded = 0;
            for port in 0..=u16::MAX {
                let psid = params.psid(port);
                if psid.is_none() {
                    excluded += 1;
                }
                assert_eq!(psid.is_none(), params.excluded().is_some_and(|r| r.contains(port)));
                assert!(psid.is_none_or(|psid| u32::from(psid) < params.sharing_ratio()));
            }
            assert_eq!(excluded, params.excluded().map_or(0, PortRange::len), "{a} {k}");
        }
    }
    assert_eq!(pairs, 152);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn port_sets_and_excluded_ports_are_all_ports_once(params in params()) {
        let mut owner = vec![None; 65_536];
        if let Some(excluded) = params.excluded() {
            for port in excluded.first()..=excluded.last() {
                owner[usize::from(port)] = Some(u32::MAX);
            }
        }
        for psid in 0..params.sharing_ratio() {
            let ports = params.ports(u16::try_from(psid).unwrap()).unwrap();
            for range in ports.ranges() {
                for port in range.first()..=range.last() {
                    let before = owner[usize::from(port)].replace(psid);
                    prop_assert_eq!(before, None, "port {} twice", port);
                }
            }
        }
        for (port, owner) in owner.into_iter().enumerate() {
            let port = u16::try_from(port).unwrap();
            let expected = params.psid(port).map_or(u32::MAX, u32::from);
            prop_assert_eq!(owner, Some(expected), "port {}", port);
        }
    }

    #[test]
    fn end_users_are_who_reverse_finds_on_any_port(rule in rule(), addr in any::<u32>()) {
        let addr = addr_in(&rule, addr);
        let all: Vec<_> = rule.end_users(addr).collect();
        prop_assert_eq!(all.len(), 1 << rule.psid_params().len());
        for port in (0..=u16::MAX).step_by(97) {
            if let Reverse::Mapped { end_user_prefix, psid } = rule.reverse(addr, port) {
                prop_assert_eq!(all[usize::from(psid)], (psid, end_user_prefix));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_psid_is_the_field_of_the_port_word(params in params(), port in port()) {
        prop_assert_eq!(params.psid(port), naive_psid(params, port));
    }

    #[test]
    fn reverse_is_the_definition(rule in rule(), addr in any::<u32>(), inside in any::<bool>(), port in port()) {
        let addr = if inside { addr_in(&rule, addr) } else { addr.into() };
        prop_assert_eq!(rule.reverse(addr, port), naive_reverse(&rule, addr, port));
    }

    #[test]
    fn reverse_then_forward_is_the_same_share(rule in rule(), addr in any::<u32>(), port in port()) {
        let addr = addr_in(&rule, addr);
        match rule.reverse(addr, port) {
            Reverse::Mapped { end_user_prefix, psid } => {
                prop_assert_eq!(end_user_prefix.prefix_len(), rule.mapped_len());
                let (found, found_psid, ports) = rule.forward(end_user_prefix).unwrap();
                prop_assert_eq!((found, found_psid), (addr, psid));
                prop_assert!(ports.contains(port));
            }
            Reverse::ExcludedPort => {
                prop_assert!(rule.psid_params().excluded().unwrap().contains(port));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn forward_then_reverse_is_the_same_prefix(
        rule in rule(),
        any in any::<u128>(),
        longer in any::<proptest::sample::Index>(),
    ) {
        let hostmask = u128::from(rule.v6().hostmask());
        let inside = u128::from(rule.v6().network()) | any & hostmask;
        let len = rule.mapped_len();
        let delegated_len = len + u8::try_from(longer.index(usize::from(128 - len) + 1)).unwrap();
        let delegated = Ipv6Net::new(inside.into(), delegated_len).unwrap();
        let expected = Ipv6Net::new(inside.into(), len).unwrap().trunc();
        let (addr, psid, ports) = rule.forward(delegated).unwrap();
        prop_assert!(!ports.is_empty());
        for range in ports.ranges() {
            for port in [range.first(), range.last()] {
                let mapped = Reverse::Mapped { end_user_prefix: expected, psid };
                prop_assert_eq!(rule.reverse(addr, port), mapped);
            }
        }
    }

    #[test]
    fn a_prefix_that_is_too_short_or_elsewhere_has_no_share(rule in rule(), any in any::<u128>(), len in 0u8..=128) {
        let net = Ipv6Net::new(any.into(), len).unwrap();
        let maps = len >= rule.mapped_len() && rule.v6().contains(&net);
        prop_assert_eq!(rule.forward(net).is_some(), maps);
    }

    #[test]
    fn new_never_panics_and_keeps_what_it_takes(
        v6 in any::<u128>(), n in 0u8..=128,
        v4 in any::<u32>(), r in 0u8..=32,
        ea_len in prop_oneof![0u8..=50, any::<u8>()],
        offset in prop_oneof![0u8..=17, any::<u8>()],
        psid_len in proptest::option::of(prop_oneof![0u8..=17, any::<u8>()]),
    ) {
        let v6 = Ipv6Net::new(v6.into(), n).unwrap();
        let v4 = Ipv4Net::new(v4.into(), r).unwrap();
        if let Ok(rule) = BasicMappingRule::new(v6, v4, ea_len, offset, psid_len) {
            prop_assert_eq!((rule.v6(), rule.v4()), (v6.trunc(), v4.trunc()));
            prop_assert!(ea_len + r > 32 && u16::from(n) + u16::from(ea_len) <= 128);
            prop_assert_eq!(rule.psid_params().len(), ea_len - (32 - r));
            prop_assert!(psid_len.is_none_or(|k| k == rule.psid_params().len()));
        }
    }
}

/// Rules whose prefixes nest and repeat: eight networks, many lengths.
fn crowded_set() -> impl Strategy<Value = RuleSet> {
    let network = (0u32..8).prop_map(|i| 0xc000_0200 | i << 5);
    proptest::collection::vec(rule_within(network, 0..=32), 0..40).prop_map(|rules| {
        let named = rules.into_iter().enumerate();
        RuleSet::new("crowded", named.map(|(i, r)| NamedRule::new(i.to_string(), r)).collect())
    })
}

fn crowded_addr() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        4 => (0u32..256).prop_map(|i| (0xc000_0200 | i).into()),
        1 => any::<u32>().prop_map(Ipv4Addr::from),
    ]
}

/// The deciding rules of several sets, by looking at each rule.
fn scan<'a>(sets: &[&'a RuleSet], addr: Ipv4Addr) -> Vec<&'a NamedRule> {
    let hits = || sets.iter().flat_map(|s| s.rules()).filter(|r| r.rule().v4().contains(&addr));
    let longest = hits().map(|r| r.rule().v4().prefix_len()).max();
    hits().filter(|r| Some(r.rule().v4().prefix_len()) == longest).collect()
}

#[test]
fn crowded_sets_are_crowded() {
    // Without nesting and ties the comparison with a scan would prove little.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut nested, mut tied, mut missed) = (0, 0, 0);
    for _ in 0..1000 {
        let set = crowded_set().new_tree(&mut runner).unwrap().current();
        let addr = crowded_addr().new_tree(&mut runner).unwrap().current();
        let holding = set.rules().iter().filter(|r| r.rule().v4().contains(&addr)).count();
        let deciding = scan(&[&set], addr).len();
        nested += usize::from(holding > deciding);
        tied += usize::from(deciding > 1);
        missed += usize::from(deciding == 0);
    }
    println!("of 1000: nested {nested}, tied {tied}, missed {missed}");
    assert!(nested > 500 && tied > 100 && missed > 20, "{nested} {tied} {missed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_set_finds_what_a_scan_finds(set in crowded_set(), addr in crowded_addr(), port in port()) {
        let expected = scan(&[&set], addr);
        prop_assert_eq!(set.matches(addr).collect::<Vec<_>>(), expected.clone());
        let answers = set.reverse(addr, port);
        prop_assert_eq!(answers.len(), expected.len());
        for (answer, rule) in answers.iter().zip(expected) {
            prop_assert_eq!(answer.rule, rule);
            prop_assert_eq!(answer.reverse, naive_reverse(rule.rule(), addr, port));
            prop_assert_ne!(answer.reverse, Reverse::OutsideRule);
        }
    }

    #[test]
    fn a_history_decides_at_each_instant_as_a_scan_of_that_instant_does(
        sets in proptest::collection::vec((crowded_set(), 0i64..12, 1i64..6), 0..6),
        addr in crowded_addr(),
        asked in (0i64..14, 1i64..8),
    ) {
        let time = |(start, len): (i64, i64)| {
            let at = Timestamp::from_microsecond;
            TimeRange::new(at(start), at(start + len)).unwrap()
        };
        let mut history = RuleHistory::new();
        for (set, start, len) in &sets {
            history.add(set.clone(), time((*start, *len)));
        }
        let during = time(asked);
        let found = history.matching(addr, during);
        for (here, _) in &found {
            prop_assert!(here.in_force.overlaps(during));
            prop_assert!(history.get(here.id).unwrap().in_force.covers(here.in_force));
        }
        // Every instant, also outside the question: a stretch holds on all of its length.
        for micro in 0..24 {
            let at = TimeRange::instant(Timestamp::from_microsecond(micro));
            let now: Vec<&RuleSet> = history.in_force(at).map(|r| r.set).collect();
            let by_time: Vec<&RuleSet> = sets
                .iter()
                .filter(|(_, start, len)| (*start..start + len).contains(&micro))
                .map(|(set, ..)| set)
                .collect();
            prop_assert_eq!(&now, &by_time);
            let deciding = scan(&now, addr);
            let said: Vec<&NamedRule> = found
                .iter()
                .filter(|(here, _)| here.in_force.covers(at))
                .map(|(_, rule)| *rule)
                .collect();
            if during.covers(at) {
                prop_assert_eq!(&said, &deciding);
            } else {
                prop_assert!(said.iter().all(|rule| deciding.contains(rule)));
            }
        }
        let is_covered = sets.iter().any(|(s, ..)| !scan(&[s], addr).is_empty());
        prop_assert_eq!(history.covers(addr), is_covered);
    }
}
