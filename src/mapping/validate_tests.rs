use super::*;

fn rule(v6: &str, v4: &str, ea_len: u8, offset: u8) -> BasicMappingRule {
    BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), ea_len, offset, None).unwrap()
}

fn one(v6: &str, offset: u8, len: u8, psid: u16) -> BasicMappingRule {
    let params = PsidParams::new_assert(offset, len);
    let v4 = "203.0.113.9/32".parse().unwrap();
    BasicMappingRule::one_to_one(v6.parse().unwrap(), v4, params, psid).unwrap()
}

fn findings(rules: &[BasicMappingRule]) -> Vec<Finding> {
    let named = rules.iter().enumerate().map(|(i, r)| NamedRule::new(format!("r{i}"), *r));
    let set = RuleSet::new("x", named.collect());
    let found = set.validate();
    for finding in &found {
        assert!(finding.describe(&set).contains("`r"), "{}", finding.describe(&set));
    }
    found
}

#[test]
fn rules_beside_each_other_are_fine() {
    let set = [
        rule("2001:db8:9000::/40", "203.0.113.0/24", 16, 6),
        rule("2001:db8:a000::/40", "192.0.2.0/24", 16, 4),
        rule("2001:db8:b000::/40", "198.51.100.0/25", 15, 6),
        rule("2001:db8:b100::/40", "198.51.100.128/25", 15, 0),
    ];
    assert_eq!(findings(&set), []);
    // One address, one word, one PSID each.
    let shares = [one("2001:db8:1::/48", 6, 4, 0), one("2001:db8:2::/48", 6, 4, 15)];
    assert_eq!(findings(&shares), []);
}

#[test]
fn equal_prefixes_are_found_and_a_repeated_rule_is_told_apart() {
    let a = rule("2001:db8:9000::/40", "203.0.113.0/24", 16, 6);
    let b = rule("2001:db8:a000::/40", "203.0.113.0/24", 16, 6);
    assert_eq!(findings(&[a, b]), [Finding::EqualPrefixes { first: 0, second: 1 }]);
    assert_eq!(findings(&[a, a]), [Finding::Repeated { first: 0, second: 1 }]);
    assert!(!Finding::Repeated { first: 0, second: 1 }.harms_answers());
    let same = [one("2001:db8:1::/48", 6, 4, 7), one("2001:db8:2::/48", 6, 4, 7)];
    assert_eq!(findings(&same), [Finding::EqualPrefixes { first: 0, second: 1 }]);
}

#[test]
fn a_rule_for_every_psid_beside_one_for_a_single_psid_is_found_in_either_order() {
    let all = rule("2001:db8:9000::/44", "203.0.113.9/32", 4, 6);
    let single = one("2001:db8:1::/48", 6, 4, 7);
    for rules in [[all, single], [single, all]] {
        assert_eq!(findings(&rules), [Finding::EqualPrefixes { first: 0, second: 1 }]);
    }
}

#[test]
fn ports_shared_out_in_two_ways_are_found() {
    let mixed = |b| findings(&[one("2001:db8:1::/48", 6, 4, 0), b]);
    let expected = [Finding::MixedParams { first: 0, second: 1 }];
    assert_eq!(mixed(one("2001:db8:2::/48", 4, 4, 1)), expected);
    assert_eq!(mixed(one("2001:db8:2::/48", 6, 5, 1)), expected);
    assert_eq!(mixed(one("2001:db8:2::/48", 6, 0, 0)), expected);
    // Without a PSID the offset has no effect.
    let whole = [one("2001:db8:1::/48", 6, 0, 0), one("2001:db8:2::/48", 4, 0, 0)];
    assert_eq!(findings(&whole), [Finding::EqualPrefixes { first: 0, second: 1 }]);
}

#[test]
fn nested_prefixes_are_reported_once_against_the_nearest() {
    //  0: /16 |-----------------------------|
    //  1: /24       |----------|
    //  2: /28          |--|
    //  3: /24                     |----|
    let set = [
        rule("2001:db8:1000::/36", "203.0.0.0/16", 20, 6),
        rule("2001:db8:2000::/40", "203.0.113.0/24", 16, 6),
        rule("2001:db8:3000::/44", "203.0.113.32/28", 12, 6),
        rule("2001:db8:4000::/40", "203.0.200.0/24", 16, 6),
    ];
    let overlap = |outer, inner| Finding::Overlap { outer, inner };
    assert_eq!(findings(&set), [overlap(0, 1), overlap(1, 2), overlap(0, 3)]);
}

#[test]
fn a_table_that_is_loaded_twice_with_one_copy_split_is_known_as_such() {
    let api = rule("2400:4050::/34", "153.240.0.0/16", 22, 6);
    let split = rule("2400:4050:400::/38", "153.240.16.0/20", 18, 6);
    assert_eq!(findings(&[split, api]), [Finding::Implied { outer: 1, inner: 0 }]);
    assert!(!Finding::Implied { outer: 1, inner: 0 }.harms_answers());
    // The same cut, but the bits of the address do not fit: other holders.
    let wrong = rule("2400:4050:400::/38", "153.240.32.0/20", 18, 6);
    assert_eq!(
        findings(&[wrong, api]),
        [Finding::Overlap { outer: 1, inner: 0 }, Finding::OverlapIpv6 { outer: 1, inner: 0 }]
    );
}

#[test]
fn prefixes_of_customers_that_belong_to_two_rules_are_found() {
    let wide = rule("2001:db8::/32", "192.0.2.0/24", 16, 6);
    let narrow = rule("2001:db8:100::/40", "203.0.113.0/24", 16, 6);
    assert_eq!(findings(&[narrow, wide]), [Finding::OverlapIpv6 { outer: 1, inner: 0 }]);
    let same = rule("2001:db8::/32", "203.0.113.0/24", 16, 6);
    assert_eq!(findings(&[wide, same]), [Finding::OverlapIpv6 { outer: 0, inner: 1 }]);
}

#[test]
fn rules_that_nobody_can_live_under_are_found() {
    let reasons = |v6: &str, v4: &str| {
        findings(&[rule(v6, v4, 24, 6)])
            .into_iter()
            .map(|f| match f {
                Finding::CannotBe { rule: 0, reason } => reason,
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    for v4 in ["0.1.0.0/16", "127.0.0.0/16", "224.0.0.0/16", "239.1.0.0/16", "255.255.0.0/16"] {
        assert_eq!(reasons("2001::/16", v4), [Impossible::NoHostAddress], "{v4}");
    }
    assert_eq!(reasons("ff00::/16", "192.0.0.0/16"), [Impossible::NoDelegatedPrefix]);
    assert_eq!(reasons("::/16", "0.1.0.0/16").len(), 2);
    for v4 in ["126.0.0.0/16", "223.255.0.0/16", "1.0.0.0/16", "0.0.0.0/0"] {
        assert_eq!(reasons("2001::/16", v4), [], "{v4}");
    }
}
