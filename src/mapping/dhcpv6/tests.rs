use super::*;

/// Bytes written as hex, with blanks.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

const BR_OPTION: &str = "005a 0010 20010db8ffff00000000000000000001";

/// RFC 7597 Appendix A, example 1: F, EA 16, 192.0.2.0/24, `2001:db8::/40`.
const RULE_OPTION: &str = "0059 000d 01 10 18 c0000200 28 20010db800";

/// RFC 7597 Appendix A, example 5: no EA bits, 192.0.2.18/32, `2001:db8:12:3400::/56`, offset 6, PSID 0x34 of 8 bits.
const ONE_OPTION: &str = "0059 0017 00 00 20 c0000212 38 20010db8001234 005d 0004 06 08 3400";

fn container(code: u16, options: &[&str]) -> Vec<u8> {
    let body = hex(&options.concat());
    let mut bytes = code.to_be_bytes().to_vec();
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn map_e(rule: &str) -> Result<S46Rule, S46Error> {
    match parse_s46(&container(94, &[rule, BR_OPTION]))?.as_slice() {
        [S46Container::MapE { rules, .. }] => Ok(rules[0]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rfc_7597_appendix_a_rules_in_their_bytes() {
    let v4 = "192.0.2.0/24".parse().unwrap();
    let shared = BasicMappingRule::new("2001:db8::/40".parse().unwrap(), v4, 16, 6, None).unwrap();
    let expected = S46Rule { rule: shared, is_forwarding: true };
    assert_eq!(map_e(RULE_OPTION), Ok(expected));
    let one = map_e(ONE_OPTION).unwrap();
    assert!(!one.is_forwarding);
    assert_eq!(
        (one.rule.own_psid(), one.rule.psid_params()),
        (Some(0x34), PsidParams::new_assert(6, 8))
    );
}

#[test]
fn what_is_written_is_what_was_read() {
    let dmr = "005b 0009 40 20010db8ffff0000";
    let bind = "005c 0014 c0000212 38 20010db8001234 005d 0004 00 06 fc00";
    let bytes = [
        container(94, &[RULE_OPTION, ONE_OPTION, BR_OPTION, BR_OPTION]),
        container(95, &[RULE_OPTION, dmr]),
        container(96, &[bind, BR_OPTION]),
        container(96, &[BR_OPTION]),
    ]
    .concat();
    let read = parse_s46(&bytes).unwrap();
    assert_eq!(write_s46(&read).unwrap(), bytes);
    let [_, S46Container::MapT { dmr, .. }, S46Container::Lw { binding: Some(binding), .. }, _] =
        read.as_slice()
    else {
        panic!("{read:?}");
    };
    assert_eq!(dmr.to_string(), "2001:db8:ffff::/64");
    assert_eq!((binding.psid(), binding.psid_params().offset()), (63, 0));
    assert_eq!(binding.prefix().to_string(), "2001:db8:12:3400::/56");
    assert_eq!(binding.v4().to_string(), "192.0.2.18");
}

#[test]
fn a_container_becomes_a_rule_set() {
    let bytes = container(95, &[RULE_OPTION, "005b 000d 60 0064ff9b 0000000000000000"]);
    let read = parse_s46(&bytes).unwrap();
    let set = read[0].rule_set("ce").unwrap();
    let rule = &set.rules()[0];
    assert_eq!((rule.name(), rule.forwarding()), ("rule-1", Some(true)));
    assert!(matches!(rule.transport(), Transport::Translation { .. }));
    let lw = parse_s46(&container(96, &[BR_OPTION])).unwrap();
    assert_eq!(lw[0].rule_set("x"), None);
    assert_eq!(parse_s46(&[]), Ok(Vec::new()));
}

#[test]
fn the_psid_length_can_be_left_to_the_ea_bits() {
    let with = |params: &str| {
        map_e(&format!("0059 0015 01 10 18 c0000200 28 20010db800 005d 0004 {params}"))
    };
    let params = |read: Result<S46Rule, S46Error>| read.unwrap().rule.psid_params();
    assert_eq!(params(with("04 00 0000")), PsidParams::new_assert(4, 8));
    // What stands in the field is to be ignored then.
    assert_eq!(params(with("04 00 ffff")), PsidParams::new_assert(4, 8));
    assert_eq!(params(with("04 08 0000")), PsidParams::new_assert(4, 8));
    let err = with("04 07 0000").unwrap_err();
    assert!(matches!(err, S46Error::Rule { source: RuleError::PsidLenDisagrees { .. }, .. }));
    let err = with("04 08 3400").unwrap_err();
    assert_eq!(err, S46Error::PsidBesideEa { offset: 21, psid: 0x34, ea_len: 16 });
}

#[test]
fn bits_beyond_an_ipv4_prefix_are_ignored_and_all_others_are_checked() {
    assert_eq!(map_e(&RULE_OPTION.replace("c0000200", "c00002ff")), map_e(RULE_OPTION));
    for (rule, from, to, offset, found) in [
        (RULE_OPTION, "000d 01", "000d 81", 8, 0x80),
        (RULE_OPTION, "28 20010db800", "26 20010db803", 20, 3),
        (ONE_OPTION, "08 3400", "08 3480", 29, 0x80),
    ] {
        assert!(rule.contains(from));
        let err = map_e(&rule.replace(from, to)).unwrap_err();
        match err {
            S46Error::NotZero { offset: at, found: seen, .. } => {
                assert_eq!((at, seen), (offset, found), "{to}");
            }
            other => panic!("{to}: {other}"),
        }
    }
}

#[test]
fn what_is_cut_or_too_long_is_refused_where_it_happens() {
    let whole = container(94, &[RULE_OPTION, ONE_OPTION, BR_OPTION]);
    assert!(parse_s46(&whole).is_ok());
    for end in 1..whole.len() {
        let err = parse_s46(&whole[..end]).unwrap_err();
        assert!(matches!(err, S46Error::Truncated { .. }), "{end}: {err}");
    }
    let err = parse_s46(&container(94, &[RULE_OPTION, "005a 0011", &BR_OPTION[10..], "00"]));
    assert_eq!(err, Err(S46Error::TooLong { offset: 41, code: 90, extra: 1 }));
    let err = map_e("0059 0004 01 10 18 c0").unwrap_err();
    assert_eq!(err, S46Error::Truncated { offset: 11, what: "an IPv4 prefix", needed: 4, left: 1 });
}

#[test]
fn options_that_do_not_belong_there_and_lengths_beyond_an_address_are_refused() {
    let dmr = "005b 0009 40 20010db8ffff0000";
    let bind = "005c 000c c0000212 38 20010db8001234";
    for (bytes, text) in [
        (container(23, &[]), "option 23 does not belong outside"),
        (hex(RULE_OPTION), "option 89 does not belong outside"),
        (container(94, &[RULE_OPTION, BR_OPTION, dmr]), "option 91 does not belong into option 94"),
        (container(95, &[RULE_OPTION, BR_OPTION]), "option 90 does not belong into option 95"),
        (container(95, &[RULE_OPTION, dmr, dmr]), "option 91 stands here twice"),
        (container(96, &[BR_OPTION, bind, bind]), "option 92 stands here twice"),
        (container(94, &[BR_OPTION]), "container 94 has no option 89"),
        (container(94, &[RULE_OPTION]), "container 94 has no option 90"),
        (container(95, &[RULE_OPTION]), "container 95 has no option 91"),
        (container(96, &[bind]), "container 96 has no option 90"),
        (container(95, &["005b 0001 41"]), "needs 9 bytes and only 0 are left"),
        (
            container(95, &[RULE_OPTION, "005b 000a 41 20010db8ffff000000"]),
            "after 2001:db8:ffff::/65",
        ),
        (container(94, &["0059 0008 01 10 21 c0000200 00"]), "33 bits is too long for IPv4"),
        (container(94, &["0059 0008 01 10 18 c0000200 81"]), "129 bits is too long for IPv6"),
        (container(94, &["0059 0008 01 31 18 c0000200 00"]), "EA length 49"),
        (container(94, &["0059 0010 00 00 20 c0000200 00 005d 0004 06 11 0000"]), "PSID length 17"),
        (container(94, &["0059 0010 00 00 20 c0000200 00 005d 0004 10 00 0000"]), "PSID offset 16"),
        (
            container(94, &["0059 0010 00 00 18 c0000200 00 005d 0004 06 08 3400"]),
            "192.0.2.0/24 is several",
        ),
        (
            container(
                94,
                &["0059 0018 00 00 20 c0000200 00 005d 0004 06 08 3400 005d 0004 06 08 3400"],
            ),
            "option 93 stands here twice",
        ),
    ] {
        let err = parse_s46(&bytes).unwrap_err().to_string();
        assert!(err.contains(text), "{text}: {err}");
    }
}

#[test]
fn what_the_options_cannot_say_is_not_written() {
    let (v6, v4) = ("2001:db8::/56".parse().unwrap(), "192.0.2.0/24".parse().unwrap());
    let rule = BasicMappingRule::new(v6, v4, 8, 16, None).unwrap();
    let rule = S46Rule { rule, is_forwarding: false };
    let brs = vec!["2001:db8::1".parse().unwrap()];
    let map_e = |rules, brs| write_s46(&[S46Container::MapE { rules, brs }]);
    assert_eq!(map_e(vec![rule], brs.clone()), Err(S46Error::OffsetUnwritable));
    assert!(matches!(map_e(vec![], brs.clone()), Err(S46Error::Missing { missing: RULE, .. })));
    let rule = BasicMappingRule::new(v6, v4, 8, 6, None).unwrap();
    let rule = S46Rule { rule, is_forwarding: false };
    assert!(matches!(map_e(vec![rule], vec![]), Err(S46Error::Missing { missing: BR, .. })));
    let err = map_e(vec![rule; 4000], brs).unwrap_err();
    assert!(matches!(err, S46Error::ContainerTooLong { code: CONT_MAPE, .. }), "{err}");
}
