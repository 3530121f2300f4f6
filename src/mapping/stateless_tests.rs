//! Tests of the two questions over every mechanism.

use super::*;
use crate::mapping::BasicMappingRule;

fn rule(name: &str, v6: &str, v4: &str, ea_len: u8) -> NamedRule {
    let rule = BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), ea_len, 6, None);
    NamedRule::new(name, rule.unwrap())
}

fn forward(rules: &Stateless, host: &str) -> (&'static str, usize) {
    let host = host.parse().unwrap();
    let answer = rules.forward(&host, CeLayout::default()).unwrap();
    (answer.kind, answer.holders.len())
}

#[test]
fn a_share_that_a_longer_ipv4_prefix_hides_is_nobodys() {
    let rules = Stateless::Map(RuleSet::new(
        "nested",
        vec![
            rule("a", "2001:db8:100::/40", "192.0.2.0/24", 16),
            rule("b", "2001:db8:200::/41", "192.0.2.128/25", 15),
        ],
    ));
    assert_eq!(forward(&rules, "2001:db8:17f::/56"), ("mapped", 1));
    assert_eq!(forward(&rules, "2001:db8:180::/56"), ("outside-rule", 0));
    assert_eq!(forward(&rules, "2001:db8:200::/56"), ("mapped", 1));
}

#[test]
fn a_prefix_of_several_shares_names_none_of_them() {
    let rules = Stateless::Map(RuleSet::new(
        "one",
        vec![rule("a", "2001:db8:100::/40", "192.0.2.0/24", 16)],
    ));
    for short in ["2001:db8:100::/55", "2001:db8::/32"] {
        assert_eq!(forward(&rules, short), ("ambiguous", 0), "{short}");
    }
    assert_eq!(forward(&rules, "2001:db9::/32"), ("outside-rule", 0));
}

#[test]
fn a_table_that_is_loaded_twice_says_a_share_once() {
    let twice = ["a", "b"].map(|name| rule(name, "2001:db8:100::/40", "192.0.2.0/24", 16));
    let rules = Stateless::Map(RuleSet::new("twice", twice.into()));
    assert_eq!(forward(&rules, "2001:db8:100::/56"), ("mapped", 1));
    let answer = rules.reverse("192.0.2.0".parse().unwrap(), 1024, CeLayout::default());
    assert_eq!((answer.kind, answer.holders.len()), ("mapped", 1));
}

#[test]
fn hosts_of_another_mechanism_are_no_question() {
    let map = Stateless::Map(RuleSet::new("none", Vec::new()));
    let nat = Stateless::Deterministic(Vec::new());
    let (v4, v6) = ("100.64.0.1".parse().unwrap(), "2001:db8::/56".parse().unwrap());
    assert_eq!(map.forward(&v4, CeLayout::default()), None);
    assert_eq!(nat.forward(&v6, CeLayout::default()), None);
    assert!(map.is_empty() && nat.is_empty());
}

#[test]
fn an_address_in_a_prefix_has_the_tunnel_address_of_its_customer_edge() {
    // RFC 7597 appendix A, example 1.
    let set = RuleSet::new("a", vec![rule("a", "2001:db8::/40", "192.0.2.0/24", 16)]);
    let rules = Stateless::Map(set);
    for host in ["2001:db8:12:3400::/56", "2001:db8:12:3400::/60", "2001:db8:12:34ff::1"] {
        let answer = rules.forward(&host.parse().unwrap(), CeLayout::Rfc7597).unwrap();
        let edge = answer.holders[0].ce_address.unwrap();
        assert_eq!(edge.to_string(), "2001:db8:12:3400:0:c000:212:34", "{host}");
    }
}
