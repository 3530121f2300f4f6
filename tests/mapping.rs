//! Properties of the MAP arithmetic, against definitions that are slow and obvious.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use portledger::mapping::{
    BasicMappingRule, CeLayout, DefaultMappingRule, Finding, NamedRule, PsidParams, Reverse,
    RuleCase, RuleHistory, RuleSet, SetAnswer,
};
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
    // Without room for all of the address, its first bits are read.
    let held = 32.min(r + rule.ea_len());
    let text =
        format!("{}{}{}", bits(&v6, 0, n), bits(&v4, r, held - r), bits(&psid_text, 16 - k, k));
    let (text, psid) = match rule.own_psid() {
        Some(own) if own != psid => return Reverse::OtherPsid { psid },
        // The prefix stands in the rule.
        Some(own) => (bits(&v6, 0, n).to_owned(), own),
        None => (text, psid),
    };
    let prefix = u128::from_str_radix(&format!("{text:0<128}"), 2).unwrap();
    let len = u8::try_from(text.len()).unwrap();
    let end_user_prefix = Ipv6Net::new(prefix.into(), len).unwrap();
    if held == 32 {
        return Reverse::Mapped { end_user_prefix, psid: (k > 0).then_some(psid) };
    }
    let kept = format!("{:0<32}", bits(&v4, 0, held));
    let v4 = u32::from_str_radix(&kept, 2).unwrap();
    Reverse::MappedPrefix { end_user_prefix, v4: Ipv4Net::new(v4.into(), held).unwrap() }
}

/// Rules for one subscriber on a shared address.
fn one_to_one() -> impl Strategy<Value = BasicMappingRule> {
    (params(), any::<u32>(), any::<u128>(), 0u8..=128, any::<u16>()).prop_map(
        |(params, v4, v6, n, psid)| {
            let v4 = Ipv4Net::new(v4.into(), 32).unwrap();
            let v6 = Ipv6Net::new(v6.into(), n).unwrap();
            let psid = u32::from(psid) % params.sharing_ratio();
            BasicMappingRule::one_to_one(v6, v4, params, u16::try_from(psid).unwrap()).unwrap()
        },
    )
}

/// Rules under which nothing is shared, the offset any that can be written.
fn unshared() -> impl Strategy<Value = BasicMappingRule> {
    (0u8..=32, any::<proptest::sample::Index>(), 0u8..=16).prop_flat_map(|(r, o, a)| {
        let o = u8::try_from(o.index(usize::from(32 - r) + 1)).unwrap();
        (any::<u32>(), any::<u128>(), 0..=128 - o).prop_map(move |(v4, v6, n)| {
            let v4 = Ipv4Net::new(v4.into(), r).unwrap();
            let v6 = Ipv6Net::new(v6.into(), n).unwrap();
            BasicMappingRule::new(v6, v4, o, a, None).unwrap()
        })
    })
}

/// Every case of rule.
fn any_rule() -> impl Strategy<Value = BasicMappingRule> {
    prop_oneof![3 => rule(), 1 => one_to_one(), 2 => unshared()]
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
    fn end_users_are_who_reverse_finds_on_any_port(rule in any_rule(), addr in any::<u32>()) {
        let addr = addr_in(&rule, addr);
        let all: Vec<_> = rule.end_users(addr).collect();
        let sharers = if rule.own_psid().is_some() { 1 } else { 1 << rule.psid_params().len() };
        prop_assert_eq!(all.len(), sharers);
        for port in (0..=u16::MAX).step_by(97) {
            let (psid, prefix) = match rule.reverse(addr, port) {
                Reverse::Mapped { end_user_prefix, psid } => (psid, end_user_prefix),
                Reverse::MappedPrefix { end_user_prefix, .. } => (None, end_user_prefix),
                _ => continue,
            };
            let place = if sharers == 1 { 0 } else { psid.unwrap_or(0) };
            prop_assert_eq!(all[usize::from(place)], (psid, prefix));
        }
    }

    #[test]
    fn every_port_of_an_address_is_somebodys_or_nobodys_by_the_rule(rule in any_rule(), addr in any::<u32>()) {
        // By the forward direction alone: the port sets of all who have a part of the address, and what is excluded.
        let addr = addr_in(&rule, addr);
        let mut owner = vec![None; 65_536];
        for (psid, prefix) in rule.end_users(addr) {
            let share = rule.forward(prefix).unwrap();
            prop_assert!(share.v4.contains(&addr));
            prop_assert_eq!(share.psid, psid);
            prop_assert_eq!(share.end_user_prefix, prefix);
            for range in share.ports.ranges() {
                for port in range.first()..=range.last() {
                    let before = owner[usize::from(port)].replace(prefix);
                    prop_assert_eq!(before, None, "port {} twice", port);
                }
            }
        }
        for port in 0..=u16::MAX {
            let reverse = rule.reverse(addr, port);
            prop_assert_eq!(reverse.end_user_prefix(), owner[usize::from(port)], "port {}", port);
            let is_excluded = rule.psid_params().excluded().is_some_and(|r| r.contains(port));
            prop_assert_eq!(reverse == Reverse::ExcludedPort, is_excluded);
            if reverse.end_user_prefix().is_none() && !is_excluded {
                let is_other = matches!(reverse, Reverse::OtherPsid { psid } if Some(psid) != rule.own_psid());
                prop_assert!(is_other, "{:?}", reverse);
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
    fn reverse_is_the_definition(rule in any_rule(), addr in any::<u32>(), inside in any::<bool>(), port in port()) {
        let addr = if inside { addr_in(&rule, addr) } else { addr.into() };
        prop_assert_eq!(rule.reverse(addr, port), naive_reverse(&rule, addr, port));
    }

    #[test]
    fn reverse_then_forward_is_the_same_share(rule in any_rule(), addr in any::<u32>(), port in port()) {
        let addr = addr_in(&rule, addr);
        let reverse = rule.reverse(addr, port);
        match reverse.end_user_prefix() {
            Some(prefix) => {
                prop_assert_eq!(prefix.prefix_len(), rule.mapped_len());
                let share = rule.forward(prefix).unwrap();
                prop_assert!(share.v4.contains(&addr) && share.ports.contains(port));
                let again = if rule.case() == RuleCase::AddressPrefix {
                    Reverse::MappedPrefix { end_user_prefix: prefix, v4: share.v4 }
                } else {
                    prop_assert_eq!(share.v4.prefix_len(), 32);
                    Reverse::Mapped { end_user_prefix: prefix, psid: share.psid }
                };
                prop_assert_eq!(reverse, again);
            }
            None if reverse == Reverse::ExcludedPort => {
                prop_assert!(rule.psid_params().excluded().unwrap().contains(port));
            }
            None => prop_assert!(rule.own_psid().is_some(), "{:?}", reverse),
        }
    }

    #[test]
    fn forward_then_reverse_is_the_same_prefix(
        rule in any_rule(),
        any in any::<u128>(),
        longer in any::<proptest::sample::Index>(),
    ) {
        let hostmask = u128::from(rule.v6().hostmask());
        let inside = u128::from(rule.v6().network()) | any & hostmask;
        let len = rule.mapped_len();
        let delegated_len = len + u8::try_from(longer.index(usize::from(128 - len) + 1)).unwrap();
        let delegated = Ipv6Net::new(inside.into(), delegated_len).unwrap();
        let expected = Ipv6Net::new(inside.into(), len).unwrap().trunc();
        let share = rule.forward(delegated).unwrap();
        prop_assert!(!share.ports.is_empty());
        prop_assert_eq!(share.end_user_prefix, expected);
        for addr in [share.v4.network(), share.v4.broadcast()] {
            for range in share.ports.ranges() {
                for port in [range.first(), range.last()] {
                    prop_assert_eq!(rule.reverse(addr, port).end_user_prefix(), Some(expected));
                }
            }
        }
    }

    #[test]
    fn the_address_of_a_customer_edge_is_its_prefix_and_its_share(
        rule in any_rule(),
        any in any::<u128>(),
        longer in any::<proptest::sample::Index>(),
    ) {
        let inside = u128::from(rule.v6().network()) | any & u128::from(rule.v6().hostmask());
        let len = rule.mapped_len();
        let len = len + u8::try_from(longer.index(usize::from(128 - len) + 1)).unwrap();
        let delegated = Ipv6Net::new(inside.into(), len).unwrap();
        let share = rule.forward(delegated).unwrap();
        let (v4, psid) = (share.v4.network().octets(), share.psid.unwrap_or(0).to_be_bytes());
        for (layout, at) in [(CeLayout::Rfc7597, 10), (CeLayout::Draft03, 9)] {
            let mut octets = [0; 16];
            octets[at..at + 4].copy_from_slice(&v4);
            octets[at + 4..at + 6].copy_from_slice(&psid);
            // The first bits are the prefix's, bit by bit.
            let written = format!("{:0128b}", u128::from_be_bytes(octets));
            let prefix = format!("{:0128b}", u128::from(delegated.network()));
            let len = usize::from(len);
            let expected = format!("{}{}", &prefix[..len], &written[len..]);
            let ce = rule.ce_address(delegated, layout).unwrap();
            prop_assert_eq!(format!("{:0128b}", u128::from(ce)), expected);
            // The border relay reads the same share from it.
            let back = rule.forward(Ipv6Net::from(ce));
            prop_assert_eq!(back.map(|b| (b.v4, b.psid)), Some((share.v4, share.psid)));
        }
    }

    #[test]
    fn a_default_mapping_rule_gives_back_what_it_embeds(
        prefix in any::<u128>(),
        len in proptest::sample::select(vec![32u8, 40, 48, 56, 64, 96]),
        addr in any::<u32>(),
    ) {
        let prefix = Ipv6Net::new((prefix & !(0xff << 56)).into(), len).unwrap();
        let dmr = DefaultMappingRule::new(prefix).unwrap();
        let embedded = dmr.embed(addr.into());
        prop_assert!(dmr.prefix().contains(&embedded));
        prop_assert_eq!(embedded.octets()[8], 0);
        // By RFC 6052 section 2.2: byte for byte after the prefix, byte 8 left out.
        let after = embedded.octets().into_iter().enumerate().skip(usize::from(len / 8));
        let bytes: Vec<u8> = after.filter(|(i, _)| *i != 8).map(|(_, b)| b).collect();
        prop_assert_eq!(&bytes[..4], &addr.to_be_bytes());
        prop_assert!(bytes[4..].iter().all(|b| *b == 0));
        prop_assert_eq!(dmr.extract(embedded), Some(addr.into()));
    }

    #[test]
    fn a_prefix_that_is_too_short_or_elsewhere_has_no_share(rule in any_rule(), any in any::<u128>(), len in 0u8..=128) {
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
            prop_assert!(ea_len <= 48 && u16::from(n) + u16::from(ea_len) <= 128);
            prop_assert_eq!(rule.psid_params().len(), ea_len.saturating_sub(32 - r));
            let case = match (ea_len + r).cmp(&32) {
                std::cmp::Ordering::Less => RuleCase::AddressPrefix,
                std::cmp::Ordering::Equal => RuleCase::WholeAddress,
                std::cmp::Ordering::Greater => RuleCase::SharedAddress,
            };
            prop_assert_eq!(rule.case(), case);
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

/// Rules for one subscriber each on one address, and sometimes two ways to share it.
fn sharing_set() -> impl Strategy<Value = RuleSet> {
    let one = (any::<u16>(), 0u8..16, prop_oneof![9 => Just(6u8), 1 => Just(4u8)]);
    proptest::collection::vec(one, 1..8).prop_map(|rules| {
        let named = rules.into_iter().map(|(v6, psid, a)| {
            let v6 = 0x2001_0db8 << 96 | u128::from(v6) << 80;
            let v6 = Ipv6Net::new(v6.into(), 48).unwrap();
            let v4 = Ipv4Net::new(0xc000_0207.into(), 32).unwrap();
            let params = PsidParams::new(a, 4).unwrap();
            let rule = BasicMappingRule::one_to_one(v6, v4, params, u16::from(psid)).unwrap();
            NamedRule::new(format!("{v6} {psid} {a}"), rule)
        });
        RuleSet::new("sharing", named.collect())
    })
}

fn crowded_addr() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        4 => (0u32..256).prop_map(|i| (0xc000_0200 | i).into()),
        1 => Just(Ipv4Addr::new(192, 0, 2, 7)),
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
        // One holder, or all who are named: never one of several.
        let named: Vec<_> =
            answers.iter().filter(|a| a.reverse.end_user_prefix().is_some()).copied().collect();
        let prefixes: BTreeSet<_> = named.iter().map(|a| a.reverse.end_user_prefix()).collect();
        let answer = set.answer(addr, port);
        match prefixes.len() {
            0 => {
                let expected = if answers.is_empty() {
                    SetAnswer::OutsideRules
                } else if answers.iter().all(|a| a.reverse == Reverse::ExcludedPort) {
                    SetAnswer::ExcludedPort
                } else {
                    SetAnswer::NoSubscriber
                };
                prop_assert_eq!(answer, expected);
            }
            1 => prop_assert_eq!(answer, SetAnswer::Mapped(named[0])),
            _ => prop_assert_eq!(answer, SetAnswer::Ambiguous(named)),
        }
    }

    #[test]
    fn a_set_without_harmful_findings_has_one_owner_for_every_port(
        set in prop_oneof![crowded_set(), sharing_set()],
        addr in crowded_addr(),
    ) {
        let ambiguous = (0..=u16::MAX)
            .step_by(61)
            .any(|port| matches!(set.answer(addr, port), SetAnswer::Ambiguous(_)));
        if ambiguous {
            let findings = set.validate();
            let is_reported = findings.iter().any(|f| {
                matches!(f, Finding::EqualPrefixes { .. } | Finding::MixedParams { .. })
            });
            prop_assert!(is_reported, "{:?}", findings);
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
            let now: Vec<&RuleSet> = history.in_force(at).filter_map(|r| r.set.as_map()).collect();
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
