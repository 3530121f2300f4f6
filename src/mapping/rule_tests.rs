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
    Reverse::Mapped { end_user_prefix: net(prefix), psid: Some(psid) }
}

fn whole(prefix: &str) -> Reverse {
    Reverse::Mapped { end_user_prefix: net(prefix), psid: None }
}

#[test]
fn rfc_7597_appendix_a_example_4_a_whole_address_for_one() {
    let rule = rule("2001:db8:12:3400::/56", "192.0.2.18/32", 0, 6, None).unwrap();
    assert_eq!(rule.case(), RuleCase::WholeAddress);
    // The offset has no effect: port 80 is attributable.
    for port in [0, 80, 1023, 65_535] {
        assert_eq!(rule.reverse(addr("192.0.2.18"), port), whole("2001:db8:12:3400::/56"));
    }
    assert_eq!(rule.reverse(addr("192.0.2.19"), 80), Reverse::OutsideRule);
    let share = rule.forward(net("2001:db8:12:3400::/56")).unwrap();
    assert_eq!((share.psid, share.ports.len()), (None, 65_536));
}

#[test]
fn rfc_7597_appendix_a_example_5_an_explicit_psid() {
    let params = PsidParams::new_assert(6, 8);
    let (v6, v4) = (net("2001:db8:12:3400::/56"), "192.0.2.18/32".parse().unwrap());
    let rule = BasicMappingRule::one_to_one(v6, v4, params, 0x34).unwrap();
    assert_eq!((rule.ea_len(), rule.own_psid(), rule.mapped_len()), (0, Some(0x34), 56));
    assert_eq!(rule.reverse(addr("192.0.2.18"), 1232), mapped("2001:db8:12:3400::/56", 0x34));
    assert_eq!(rule.reverse(addr("192.0.2.18"), 1231), Reverse::OtherPsid { psid: 0x33 });
    assert_eq!(rule.reverse(addr("192.0.2.18"), 80), Reverse::ExcludedPort);
    assert_eq!(rule.forward(v6).unwrap().ports, appendix_a().forward(v6).unwrap().ports);
    let all: Vec<_> = rule.end_users(addr("192.0.2.18")).collect();
    assert_eq!(all, [(Some(0x34), v6)]);
}

#[test]
fn rules_without_ea_bits_that_cannot_be_are_refused() {
    let v6 = net("2001:db8:12:3400::/56");
    let one = |v4: &str, a, k, psid| {
        BasicMappingRule::one_to_one(v6, v4.parse().unwrap(), PsidParams::new_assert(a, k), psid)
    };
    assert_eq!(
        one("192.0.2.18/32", 6, 8, 256),
        Err(RuleError::PsidOutOfRange { psid: 256, len: 8 })
    );
    assert_eq!(one("192.0.2.18/32", 6, 0, 1), Err(RuleError::PsidOutOfRange { psid: 1, len: 0 }));
    let v4 = "192.0.2.0/24".parse().unwrap();
    assert_eq!(one("192.0.2.18/24", 6, 8, 1), Err(RuleError::PsidOfPrefix { v4, len: 8 }));
    assert_eq!(
        rule("2001:db8::/56", "192.0.2.18/32", 0, 6, Some(8)),
        Err(RuleError::PsidMissing { len: 8 })
    );
    assert_eq!(
        rule("2001:db8::/56", "192.0.2.18/32", 0, 9, Some(8)),
        Err(RuleError::PsidTooLong { offset: 9, len: 8 })
    );
    // Without a PSID it is the rule with an EA length of 0.
    assert_eq!(
        one("192.0.2.0/24", 6, 0, 0),
        rule("2001:db8:12:3400::/56", "192.0.2.0/24", 0, 6, None)
    );
}

#[test]
fn each_subscriber_can_have_an_ipv4_prefix() {
    // r = 8, o = 16: a /24 each.
    let rule = rule("2001:db8:ac04::/48", "186.0.0.0/8", 16, 0, None).unwrap();
    assert_eq!(rule.case(), RuleCase::AddressPrefix);
    let v4 = "186.234.66.0/24".parse().unwrap();
    let end_user_prefix = net("2001:db8:ac04:ea42::/64");
    let expected = Reverse::MappedPrefix { end_user_prefix, v4 };
    for (host, port) in [("186.234.66.0", 0), ("186.234.66.122", 80), ("186.234.66.255", 65_535)] {
        assert_eq!(rule.reverse(addr(host), port), expected);
    }
    assert_eq!(rule.reverse(addr("187.0.0.0"), 80), Reverse::OutsideRule);
    let share = rule.forward(net("2001:db8:ac04:ea42:7::/80")).unwrap();
    assert_eq!((share.v4, share.psid, share.ports.len()), (v4, None, 65_536));
    assert_eq!(share.end_user_prefix, end_user_prefix);
    assert_eq!(rule.end_users(addr("186.234.66.9")).collect::<Vec<_>>(), [(None, end_user_prefix)]);
}

#[test]
fn everything_can_belong_to_one() {
    // n = 0, r = 0, o = 0: no bit is read anywhere.
    let rule = rule("::/0", "0.0.0.0/0", 0, 6, None).unwrap();
    let v4 = "0.0.0.0/0".parse().unwrap();
    let end_user_prefix = net("::/0");
    let expected = Reverse::MappedPrefix { end_user_prefix, v4 };
    assert_eq!(rule.reverse(addr("255.255.255.255"), 7), expected);
    assert_eq!(rule.forward(net("2001:db8::/32")).unwrap().v4, v4);
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
    assert_eq!(all[0], (Some(0), net("2001:db8:12::/56")));
    assert_eq!(all[255], (Some(255), net("2001:db8:12:ff00::/56")));
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
    let share = rule.forward(net("2001:db8:1:cb00:7107:1bb::/96")).unwrap();
    assert_eq!((share.v4.addr(), share.psid), (addr("203.0.113.7"), Some(443)));
    assert_eq!(share.ports.to_string(), "443");
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
    // 8 EA bits leave no PSID.
    assert!(matches!(
        err("2001:db8::/40", "192.0.2.0/24", 8, 6, Some(8)),
        RuleError::PsidLenDisagrees { derived: 0, .. }
    ));
}

#[test]
fn whole_addresses_ignore_the_offset() {
    // Published rules write 16 there.
    for offset in [0, 6, 15, 16] {
        let rule = rule("2001:db8::/56", "192.0.2.0/24", 8, offset, Some(0)).unwrap();
        assert_eq!(rule.reverse(addr("192.0.2.7"), 1), whole("2001:db8:0:7::/64"), "{offset}");
    }
    let err = rule("2001:db8::/56", "192.0.2.0/24", 8, 17, None).unwrap_err();
    assert_eq!(err, RuleError::PsidOffset { offset: 17 });
    // The whole address can be in the EA bits too.
    let rule = rule("2001:db8::/32", "0.0.0.0/0", 32, 6, None).unwrap();
    assert_eq!(rule.reverse(addr("192.0.2.18"), 80), whole("2001:db8:c000:212::/64"));
}
