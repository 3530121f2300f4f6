use super::*;
use crate::mapping::{BasicMappingRule, NamedRule, RuleSet};

fn told(rules: &Stateless) -> Vec<(Severity, &'static str, Vec<String>)> {
    rules.validate().into_iter().map(|f| (f.severity, f.kind, f.rules)).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn map(rules: &[(&str, &str, &str)]) -> Stateless {
    let named = rules.iter().map(|(name, v6, v4)| {
        let rule =
            BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), 16, 6, None).unwrap();
        NamedRule::new(*name, rule)
    });
    Stateless::Map(RuleSet::new("s", named.collect()))
}

#[test]
fn rules_that_are_switched_off_are_named() {
    let Stateless::Map(set) = map(&[("a", "2001:db8:100::/40", "192.0.2.0/24")]) else { panic!() };
    let set = Stateless::Map(set.with_disabled(vec!["b".to_owned()]));
    assert_eq!(told(&set), [(Severity::Warning, "disabled", names(&["b"]))]);
}

#[cfg(feature = "readers")]
fn read(text: &str) -> Stateless {
    crate::mapping::read_rules(text.as_bytes()).unwrap()
}

#[test]
fn an_error_is_told_from_a_warning() {
    let twice = map(&[
        ("a", "2001:db8:100::/40", "192.0.2.0/24"),
        ("b", "2001:db8:100::/40", "192.0.2.0/24"),
    ]);
    assert_eq!(told(&twice), [(Severity::Warning, "repeated", names(&["a", "b"]))]);
    let two = map(&[
        ("a", "2001:db8:100::/40", "192.0.2.0/24"),
        ("b", "2001:db8:200::/40", "192.0.2.0/24"),
    ]);
    assert_eq!(told(&two), [(Severity::Error, "equal-prefixes", names(&["a", "b"]))]);
    assert!(two.validate()[0].to_string().starts_with("error equal-prefixes: `a` and `b`"));
    let never = map(&[("a", "2001:db8:100::/40", "240.0.2.0/24")]);
    assert_eq!(told(&never), [(Severity::Error, "cannot-be", names(&["a"]))]);
}

#[cfg(feature = "readers")]
#[test]
fn pools_that_meet_are_named_with_their_first_port() {
    let nats = |second: &str| {
        read(&format!(
            r#"{{"detnat": [
                {{"algorithm": "vpp-det44", "name": "east", "inside": "100.64.0.0/26", "outside": "198.51.100.0/30"}},
                {{"algorithm": "vpp-det44", "name": "west", "inside": "{second}", "outside": "198.51.100.2/31"}}]}}"#
        ))
    };
    let findings = nats("100.65.0.0/27").validate();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].severity, findings[0].kind), (Severity::Error, "two-holders"));
    assert_eq!(findings[0].rules, names(&["east", "west"]));
    assert!(findings[0].text.contains("`east` gives 198.51.100.2 port 1024-5055 to 100.64.0.32"));
    // The same hosts in the same places: nobody is wrong.
    assert!(nats("100.64.0.32/27").validate().is_empty());
}

#[cfg(feature = "readers")]
#[test]
fn a_port_of_one_nat_that_another_hands_out_on_demand_is_found() {
    let text = r#"{"detnat": [
        {"algorithm": "block-table", "name": "a", "blocks": [{"address": "192.0.2.1", "first": 1024, "last": 2047, "inside": "100.64.0.1"}]},
        {"algorithm": "block-table", "name": "b", "blocks": [{"address": "192.0.2.1", "first": 2047, "last": 3000, "inside": "dynamic"}]}]}"#;
    let findings = read(text).validate();
    assert_eq!((findings.len(), findings[0].kind), (1, "on-demand-overlap"));
    assert!(findings[0].text.contains("port 2047 to 100.64.0.1"), "{}", findings[0]);
}

#[cfg(feature = "readers")]
#[test]
fn rows_given_again_are_not_dropped_silently() {
    let row = "192.0.2.1,1024,2047,100.64.0.1\n";
    let table = read(&format!("address,first,last,inside\n{row}{row}{row}"));
    assert_eq!(told(&table), [(Severity::Warning, "repeated", names(&["#1"]))]);
    assert!(table.validate()[0].text.starts_with("2 row(s)"));
    let row = "192.0.2.1,0,8,52,2001:db8::1\n";
    let table = read(&format!("ipv4,psid_offset,psid_len,psid,b4\n{row}{row}"));
    assert_eq!(told(&table), [(Severity::Warning, "repeated", vec![])]);
    let other = "192.0.2.1,0,8,52,2001:db8::2\n";
    let table = read(&format!("ipv4,psid_offset,psid_len,psid,b4\n{row}{other}"));
    assert_eq!(table.validate()[0].kind, "two-holders");
    let table = read("ipv4,psid_offset,psid_len,psid,b4\n127.0.0.1,0,8,52,2001:db8::1\n");
    assert_eq!(told(&table), [(Severity::Error, "cannot-be", names(&["127.0.0.1"]))]);
}

#[cfg(feature = "readers")]
#[test]
fn a_nat_that_is_there_twice_is_a_warning() {
    let nat = |name| {
        format!(
            r#"{{"algorithm": "vpp-det44", "name": "{name}", "inside": "100.64.0.0/26", "outside": "198.51.100.0/30"}}"#
        )
    };
    let both = read(&format!(r#"{{"detnat": [{}, {}]}}"#, nat("a"), nat("b")));
    assert_eq!(told(&both), [(Severity::Warning, "repeated", names(&["a", "b"]))]);
}

#[test]
fn two_versions_beside_each_other_are_wrong_only_where_they_name_two() {
    let one = map(&[("a", "2001:db8:100::/40", "192.0.2.0/24")]);
    let moved = map(&[("a", "2001:db8:200::/40", "192.0.2.0/24")]);
    let finding = RulesFinding::beside(3, &one, &moved, TimeRange::ALL);
    assert_eq!((finding.severity, finding.kind), (Severity::Error, "beside"));
    assert!(finding.text.contains("192.0.2.0 port 1024-1027"), "{}", finding.text);
    let finding = RulesFinding::beside(3, &one, &one, TimeRange::ALL);
    assert_eq!(finding.severity, Severity::Warning);
}
