use super::*;

fn rule(
    v6: &str,
    v4: &str,
    ea_len: u8,
    offset: u8,
    psid_len: Option<u8>,
) -> Result<BasicMappingRule, RuleError> {
    BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), ea_len, offset, psid_len)
}

fn appendix_a() -> BasicMappingRule {
    rule("2001:db8::/40", "192.0.2.0/24", 16, 6, Some(8)).unwrap()
}

fn net(s: &str) -> Ipv6Net {
    s.parse().unwrap()
}

fn addr(s: &str) -> Ipv4Addr {
    s.parse().unwrap()
}

fn mapped(prefix: &str, psid: u16) -> Reverse {
    Reverse::Mapped { end_user_prefix: net(prefix), psid }
}

#[test]
fn rfc_7597_appendix_a_example_1_basic_mapping_rule() {
    let (v4, psid, ports) = appendix_a().forward(net("2001:db8:12:3400::/56")).unwrap();
    assert_eq!((v4, psid), (addr("192.0.2.18"), 0x34));
    let ranges: Vec<String> = ports.ranges().iter().map(ToString::to_string).collect();
    assert_eq!(ranges.len(), 63);
    assert_eq!(ranges[..2], ["1232-1235", "2256-2259"]);
    assert_eq!(ranges[61..], ["63696-63699", "64720-64723"]);
}

#[test]
fn rfc_7597_appendix_a_example_2_border_relay() {
    // A packet from outside to 192.0.2.18 port 1232.
    let to = appendix_a().reverse(addr("192.0.2.18"), 1232);
    assert_eq!(to, mapped("2001:db8:12:3400::/56", 0x34));
}

#[test]
fn rfc_7597_appendix_a_example_4_whole_address_is_refused_by_name() {
    let err = rule("2001:db8:12:3400::/56", "192.0.2.18/32", 0, 6, None).unwrap_err();
    assert_eq!(err, RuleError::NotSupported(UnsupportedCase::OneToOne));
    assert!(err.to_string().contains("not supported yet"), "{err}");
}

#[test]
fn rfc_7597_appendix_a_example_5_explicit_psid_is_refused_by_name() {
    let err = rule("2001:db8:12:3400::/56", "192.0.2.18/32", 0, 6, Some(8)).unwrap_err();
    assert_eq!(err, RuleError::NotSupported(UnsupportedCase::OneToOne));
}

#[test]
fn rfc_7597_section_5_1_edges_of_the_port_ranges() {
    let rule = appendix_a();
    for (port, psid) in [
        (1024, Some(0)),
        (1231, Some(0x33)),
        (1235, Some(0x34)),
        (1236, Some(0x35)),
        (64_723, Some(0x34)),
        (64_724, Some(0x35)),
        (65_535, Some(0xff)),
        (0, None),
        (1023, None),
    ] {
        let expected = match psid {
            None => Reverse::ExcludedPort,
            Some(psid) => mapped(&format!("2001:db8:12:{psid:x}00::/56"), psid),
        };
        assert_eq!(rule.reverse(addr("192.0.2.18"), port), expected, "{port}");
    }
}

#[test]
fn neighbours_of_the_ipv4_prefix_are_outside_even_on_excluded_ports() {
    let rule = appendix_a();
    for outside in ["192.0.1.255", "192.0.3.0", "0.0.0.0", "255.255.255.255"] {
        assert_eq!(rule.reverse(addr(outside), 4000), Reverse::OutsideRule);
        assert_eq!(rule.reverse(addr(outside), 80), Reverse::OutsideRule);
        assert_eq!(rule.end_users(addr(outside)).count(), 0);
    }
}

#[test]
fn a_longer_delegated_prefix_maps_and_a_shorter_one_does_not() {
    let rule = appendix_a();
    let expected = rule.forward(net("2001:db8:12:3400::/56"));
    assert_eq!(rule.forward(net("2001:db8:12:34aa::/64")), expected);
    assert_eq!(rule.forward(net("2001:db8:12:34ff:ffff::1/128")), expected);
    assert_eq!(rule.forward(net("2001:db8:12:3400::/55")), None);
    assert_eq!(rule.forward(net("2001:db8:112:3400::/56")), None);
}

#[test]
fn everybody_who_shares_an_address_is_named_once() {
    let rule = appendix_a();
    let all: Vec<_> = rule.end_users(addr("192.0.2.18")).collect();
    assert_eq!(all.len(), 256);
    assert_eq!(all[0], (0, net("2001:db8:12::/56")));
    assert_eq!(all[255], (255, net("2001:db8:12:ff00::/56")));
}

#[test]
fn the_whole_ipv4_address_can_be_in_the_ea_bits() {
    // r = 0, o = 48: one port for each End-user prefix of 96 bits.
    let rule = rule("2001:db8:1::/48", "0.0.0.0/0", 48, 0, Some(16)).unwrap();
    assert_eq!(rule.mapped_len(), 96);
    assert_eq!(
        rule.reverse(addr("203.0.113.7"), 443),
        mapped("2001:db8:1:cb00:7107:1bb::/96", 443)
    );
    let (v4, psid, ports) = rule.forward(net("2001:db8:1:cb00:7107:1bb::/96")).unwrap();
    assert_eq!((v4, psid, ports.to_string().as_str()), (addr("203.0.113.7"), 443, "443"));
}

#[test]
fn the_ea_bits_can_be_the_psid_alone() {
    // r = 32, o = k.
    let rule = rule("2001:db8::/48", "203.0.113.9/32", 4, 6, None).unwrap();
    assert_eq!(rule.psid_params().len(), 4);
    assert_eq!(rule.reverse(addr("203.0.113.9"), 1024 + 64), mapped("2001:db8:0:1000::/52", 1));
}

#[test]
fn the_end_user_prefix_can_fill_the_ipv6_address() {
    let rule = rule("2001:db8::/112", "192.0.2.0/24", 16, 6, None).unwrap();
    assert_eq!(rule.mapped_len(), 128);
    assert_eq!(rule.reverse(addr("192.0.2.18"), 1232), mapped("2001:db8::1234/128", 0x34));
}

#[test]
fn host_bits_of_the_prefixes_are_cleared() {
    let given = rule("2001:db8::77/40", "192.0.2.77/24", 16, 6, None).unwrap();
    assert_eq!(given, appendix_a());
}

#[test]
fn invalid_rules_are_refused() {
    let err = |v6: &str, v4: &str, o, a, k| rule(v6, v4, o, a, k).unwrap_err();
    assert_eq!(err("2001::/16", "10.0.0.0/8", 49, 0, None), RuleError::EaTooLong { ea_len: 49 });
    assert_eq!(err("2001::/16", "10.0.0.0/8", 255, 0, None), RuleError::EaTooLong { ea_len: 255 });
    assert_eq!(
        err("2001:db8::/96", "10.0.0.0/8", 40, 0, Some(16)),
        RuleError::EndUserPrefixTooLong { v6: net("2001:db8::/96"), ea_len: 40 }
    );
    assert_eq!(
        err("2001:db8::/32", "192.0.2.0/24", 19, 6, Some(11)),
        RuleError::PsidTooLong { offset: 6, len: 11 }
    );
    assert_eq!(
        err("2001:db8::/32", "192.0.2.0/24", 48, 0, None),
        RuleError::PsidTooLong { offset: 0, len: 40 }
    );
    assert_eq!(
        err("2001:db8::/40", "192.0.2.0/24", 16, 16, None),
        RuleError::PsidOffset { offset: 16 }
    );
    assert_eq!(
        err("2001:db8::/40", "192.0.2.0/24", 16, 6, Some(6)),
        RuleError::PsidLenDisagrees {
            given: 6,
            derived: 8,
            v4: "192.0.2.0/24".parse().unwrap(),
            ea_len: 16
        }
    );
    // Invalid before unsupported: 8 EA bits leave no PSID.
    assert!(matches!(
        err("2001:db8::/40", "192.0.2.0/24", 8, 6, Some(8)),
        RuleError::PsidLenDisagrees { derived: 0, .. }
    ));
}

#[test]
fn valid_rules_of_other_cases_are_refused_by_name() {
    for (v4, o, case) in [
        ("192.0.2.0/24", 8, UnsupportedCase::WholeAddress),
        ("0.0.0.0/0", 32, UnsupportedCase::WholeAddress),
        ("192.0.2.0/24", 7, UnsupportedCase::AddressPrefix),
        ("192.0.2.0/24", 0, UnsupportedCase::OneToOne),
        ("192.0.2.18/32", 0, UnsupportedCase::OneToOne),
    ] {
        let err = rule("2001:db8::/40", v4, o, 6, None).unwrap_err();
        assert_eq!(err, RuleError::NotSupported(case), "{v4} {o}");
        assert!(err.to_string().contains("not supported yet"), "{err}");
    }
    // Where nothing is shared the offset has no effect; 16 is written there.
    assert_eq!(
        rule("2001:db8::/56", "192.0.2.0/24", 8, 16, Some(0)).unwrap_err(),
        RuleError::NotSupported(UnsupportedCase::WholeAddress)
    );
}
