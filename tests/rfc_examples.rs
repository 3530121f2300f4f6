//! The worked examples of the RFCs, each under its section. Those of RFC 6052 stand beside the code, as does the sample
//! record of RFC 7422 section 3.
#![cfg(feature = "readers")]

use std::net::Ipv4Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use portledger::TimeRange;
use portledger::mapping::detnat::{AddressPool, Arrangement, DetReverse, Deterministic, Rfc7422};
use portledger::mapping::lw4o6::{BindingLimits, LwKind, read_softwire_bindings};
use portledger::mapping::{
    BasicMappingRule, CeLayout, DefaultMappingRule, PsidParams, Reverse, RuleCase, S46Container,
    Share, parse_s46, read_softwire_br,
};

const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 18);
const PREFIX: &str = "2001:db8:12:3400::/56";

fn v6(text: &str) -> Ipv6Net {
    text.parse().unwrap()
}

fn v4(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

/// `{2001:db8::/40, 192.0.2.0/24, 16}`, the rule of examples 1 to 3, with the default offset.
fn shared() -> BasicMappingRule {
    BasicMappingRule::new(v6("2001:db8::/40"), v4("192.0.2.0/24"), 16, 6, None).unwrap()
}

fn mapped(psid: u16) -> Reverse {
    Reverse::Mapped { end_user_prefix: v6(PREFIX), psid: Some(psid) }
}

fn ce(rule: &BasicMappingRule) -> String {
    rule.ce_address(v6(PREFIX), CeLayout::Rfc7597).unwrap().to_string()
}

/// "Available ports (63 ranges): 1232-1235, 2256-2259, ...... , 63696-63699, 64720-64723".
fn has_the_63_ranges(share: &Share) {
    let ranges: Vec<String> = share.ports.ranges().iter().map(ToString::to_string).collect();
    assert_eq!(ranges.len(), 63);
    assert_eq!(ranges[..2], ["1232-1235", "2256-2259"]);
    assert_eq!(ranges[61..], ["63696-63699", "64720-64723"]);
}

#[test]
fn rfc_7597_section_5_1_and_appendix_b_formulas_1_and_2() {
    // P = (R * M) * i + M * PSID + j, and PSID = trunc((P modulo (R * M)) / M), for every R and M that are powers of 2.
    for (a, k) in (0..=15_u8).flat_map(|a| (1..=16 - a).map(move |k| (a, k))) {
        let params = PsidParams::new_assert(a, k);
        let (r, m) = (1_u32 << k, 1_u32 << (16 - a - k));
        // "i ranges from ceil(N / (R * M)) to trunc(65536/(R * M)) - 1": the first block is given up where a > 0.
        let first_block = u32::from(a > 0);
        let mut given = 0;
        for p in 0..65_536_u32 {
            let port = u16::try_from(p).unwrap();
            let (i, psid) = (p / (r * m), p % (r * m) / m);
            let expected = (i >= first_block).then(|| u16::try_from(psid).unwrap());
            assert_eq!(params.psid(port), expected, "a {a} k {k} port {p}");
            given += u32::from(expected.is_some());
        }
        // "the same number of ports is assigned to every PSID"
        let each = params.ports(0).unwrap().len();
        assert_eq!(
            (each, params.ports(u16::try_from(r - 1).unwrap()).unwrap().len()),
            (given / r, each)
        );
    }
}

#[test]
fn rfc_7597_section_5_2_shares_by_the_length_of_the_ea_bits() {
    let case = |len: &str, ea_len| {
        BasicMappingRule::new(v6("2001:db8::/32"), v4(len), ea_len, 6, None).unwrap().case()
    };
    assert_eq!(case("192.0.2.0/24", 16), RuleCase::SharedAddress);
    assert_eq!(case("192.0.2.0/24", 8), RuleCase::WholeAddress);
    assert_eq!(case("192.0.2.0/24", 4), RuleCase::AddressPrefix);
    // Without EA bits the parameters come with the rule.
    assert_eq!(case("192.0.2.18/32", 0), RuleCase::WholeAddress);
}

#[test]
fn rfc_7597_section_5_3_the_border_relay_checks_the_source_by_the_rule() {
    // From the IPv6 source the address and the ports follow that the packet inside may have.
    let share = shared().forward(v6("2001:db8:12:3400:0:c000:212:34/128")).unwrap();
    assert_eq!((share.v4, share.psid), (Ipv4Net::from(HOST), Some(0x34)));
    assert!(share.ports.contains(1232) && !share.ports.contains(1236));
    assert_eq!(shared().forward(v6("2001:db9::1/128")), None);
}

#[test]
fn rfc_7597_appendix_a_example_1_basic_mapping_rule() {
    let rule = shared();
    // "EA bits offset: 40", "PSID start: 48", "PSID length: 8", sharing ratio 256.
    assert_eq!((rule.v6().prefix_len(), rule.mapped_len(), rule.psid_params().len()), (40, 56, 8));
    assert_eq!(rule.psid_params().sharing_ratio(), 256);
    let share = rule.forward(v6(PREFIX)).unwrap();
    assert_eq!((share.v4, share.psid), (Ipv4Net::from(HOST), Some(0x34)));
    has_the_63_ranges(&share);
    assert_eq!(ce(&rule), "2001:db8:12:3400:0:c000:212:34");
}

#[test]
fn rfc_7597_appendix_a_example_2_border_relay() {
    assert_eq!(shared().reverse(HOST, 1232), mapped(0x34));
}

#[test]
fn rfc_7597_appendix_a_example_3_forwarding_mapping_rule() {
    // A packet of the customer edge to 1.2.3.4 port 80 leaves with source 192.0.2.18 port 1232: that source is the line,
    // and the far side is none of the rule's.
    let rule = shared();
    assert_eq!(rule.reverse(HOST, 1232).end_user_prefix(), Some(v6(PREFIX)));
    assert!(rule.forward(v6("2001:db8:12:3400:0:c000:212:34/128")).unwrap().ports.contains(1232));
    assert_eq!(rule.reverse("1.2.3.4".parse().unwrap(), 80), Reverse::OutsideRule);
}

#[test]
fn rfc_7597_appendix_a_example_4_no_embedded_bits_and_no_sharing() {
    let rule = BasicMappingRule::new(v6(PREFIX), v4("192.0.2.18/32"), 0, 6, None).unwrap();
    let whole = Reverse::Mapped { end_user_prefix: v6(PREFIX), psid: None };
    // "PSID offset: n/a": no port is excluded.
    for port in [0, 80, 1023, 1232, 65_535] {
        assert_eq!(rule.reverse(HOST, port), whole, "{port}");
    }
    assert_eq!(ce(&rule), "2001:db8:12:3400:0:c000:212:0");
}

#[test]
fn rfc_7597_appendix_a_example_5_no_embedded_bits_and_sharing() {
    let params = PsidParams::new_assert(6, 8);
    let rule = BasicMappingRule::one_to_one(v6(PREFIX), v4("192.0.2.18/32"), params, 0x34).unwrap();
    has_the_63_ranges(&rule.forward(v6(PREFIX)).unwrap());
    assert_eq!(rule.reverse(HOST, 1232), mapped(0x34));
    assert_eq!(rule.reverse(HOST, 1236), Reverse::OtherPsid { psid: 0x35 });
    assert_eq!(ce(&rule), "2001:db8:12:3400:0:c000:212:34");
}

#[test]
fn rfc_7597_appendix_b_2_example_1_with_offset_6() {
    let ports = PsidParams::new_assert(6, 8).ports(0).unwrap();
    let ranges: Vec<String> = ports.ranges().iter().map(ToString::to_string).collect();
    assert_eq!(ranges.len(), 63);
    assert_eq!(ranges[..2], ["1024-1027", "2048-2051"]);
    assert_eq!(ranges[61..], ["63488-63491", "64512-64515"]);
}

#[test]
fn rfc_7597_appendix_b_2_example_2_with_offset_0() {
    let params = PsidParams::new_assert(0, 6);
    assert_eq!(params.ports(0).unwrap().to_string(), "0-1023");
    assert_eq!((params.psid(0), params.excluded()), (Some(0), None));
}

/// The default mapping rule of RFC 7599 Appendix A.
fn dmr() -> DefaultMappingRule {
    DefaultMappingRule::new(v6("2001:db8:ffff::/64")).unwrap()
}

#[test]
fn rfc_7599_appendix_a_example_1_basic_mapping_rule() {
    let share = shared().forward(v6(PREFIX)).unwrap();
    assert_eq!((share.v4, share.psid), (Ipv4Net::from(HOST), Some(0x34)));
    has_the_63_ranges(&share);
    assert_eq!(ce(&shared()), "2001:db8:12:3400:0:c000:212:34");
}

#[test]
fn rfc_7599_appendix_a_example_2_border_relay() {
    // Source 10.2.3.4 port 80, destination 192.0.2.18 port 1232.
    assert_eq!(shared().reverse(HOST, 1232), mapped(0x34));
    let source = dmr().embed("10.2.3.4".parse().unwrap());
    assert_eq!(source.to_string(), "2001:db8:ffff:0:a:203:400:0");
}

#[test]
fn rfc_7599_appendix_a_example_3_the_way_back() {
    let outside = "2001:db8:ffff:0:a:203:400:0".parse().unwrap();
    assert_eq!(dmr().extract(outside), Some("10.2.3.4".parse().unwrap()));
    let source = v6("2001:db8:12:3400:0:c000:212:34/128");
    assert_eq!(shared().forward(source).unwrap().end_user_prefix, v6(PREFIX));
}

#[test]
fn rfc_7599_appendix_a_example_4_no_embedded_bits_and_no_sharing() {
    // The rule says 192.0.2.1 and so does its address of the customer edge (c000:201); "IPv4 address: 192.0.2.18" below
    // it is a slip of the text.
    let rule = BasicMappingRule::new(v6(PREFIX), v4("192.0.2.1/32"), 0, 6, None).unwrap();
    let share = rule.forward(v6(PREFIX)).unwrap();
    assert_eq!((share.v4, share.psid), (v4("192.0.2.1/32"), None));
    assert_eq!(ce(&rule), "2001:db8:12:3400:0:c000:201:0");
}

#[test]
fn rfc_7599_appendix_a_example_5_no_embedded_bits_and_sharing() {
    // "PSID: 0x20 (provisioned with DHCPv6)", and then 0x34: the ports and the address are those of 0x34.
    let rule = |psid| {
        let params = PsidParams::new_assert(6, 8);
        BasicMappingRule::one_to_one(v6(PREFIX), v4("192.0.2.18/32"), params, psid).unwrap()
    };
    has_the_63_ranges(&rule(0x34).forward(v6(PREFIX)).unwrap());
    assert_eq!(ce(&rule(0x34)), "2001:db8:12:3400:0:c000:212:34");
    assert_eq!(rule(0x20).reverse(HOST, 1232), Reverse::OtherPsid { psid: 0x34 });
}

#[test]
fn rfc_7598_sections_4_1_and_4_5_the_rule_of_example_5_as_options() {
    // OPTION_S46_RULE with F = 0, ea-len 0, 192.0.2.18/32, the prefix in 7 bytes; in it OPTION_S46_PORTPARAMS with offset
    // 6, PSID-len 8 and the PSID left-aligned. Then OPTION_S46_BR.
    let rule = "0059001700002 0c0000212 38 20010db8001234 005d00040608 3400";
    let br = "005a0010 20010db8ffff00000000000000000001";
    let bytes = |text: &str| -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        let pair = |d: &[u8]| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap();
        digits.chunks(2).map(pair).collect()
    };
    let body = bytes(&format!("{rule}{br}"));
    let mut option = bytes("005e");
    option.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    option.extend(body);
    let read = parse_s46(&option).unwrap();
    let [S46Container::MapE { rules, brs }] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(brs[0].to_string(), "2001:db8:ffff::1");
    assert_eq!((rules[0].is_forwarding, rules[0].rule.own_psid()), (false, Some(0x34)));
    has_the_63_ranges(&rules[0].rule.forward(v6(PREFIX)).unwrap());
}

#[test]
fn rfc_7422_section_2_3_ranges_of_the_outside_address() {
    let nat = Deterministic::rfc7422(Rfc7422 {
        inside: AddressPool::usable(v4("198.51.100.0/28")),
        outside: "192.0.2.1".parse().unwrap(),
        compression: None,
        dynamic_factor: 2,
        reserved: "0-1023".parse().unwrap(),
        arrangement: Arrangement::AddressMajor,
    })
    .unwrap();
    // Reserved up to 1023, 14 blocks of 4032 ports, and from 57472 on the dynamic pool.
    let outside = Ipv4Addr::new(192, 0, 2, 1);
    for port in 0..=u16::MAX {
        let host = (u32::from(port).wrapping_sub(1024)) / 4032;
        let expected = match port {
            0..=1023 => DetReverse::ExcludedPort,
            57_472.. => DetReverse::DynamicPool,
            _ => {
                let first = u16::try_from(1024 + host * 4032).unwrap();
                let ports = portledger::PortRange::new_assert(first, first + 4031);
                let inside = [198, 51, 100, u8::try_from(host + 1).unwrap()].into();
                DetReverse::Mapped { inside, ports: ports.into() }
            }
        };
        assert_eq!(nat.reverse(outside, port), expected, "{port}");
    }
}

#[test]
fn rfc_7596_the_address_of_the_lwb4() {
    // The /128 of a lwB4 is its prefix and the interface identifier of RFC 7597 section 6, here that of example 1.
    let b4: portledger::mapping::lw4o6::LwB4 = PREFIX.parse().unwrap();
    assert_eq!(b4.address(HOST, 0x34).to_string(), "2001:db8:12:3400:0:c000:212:34");
}

#[test]
fn rfc_8676_appendix_a_1_binding_table() {
    let json = r#"{ "ietf-softwire-br:br-instances": { "binding": { "bind-instance": [ {
        "name": "mybinding",
        "binding-table": { "binding-entry": [ {
            "binding-ipv6info": "2001:db8::1", "binding-ipv4-addr": "192.0.2.1",
            "port-set": { "psid-len": 8, "psid": 52 }, "br-ipv6-addr": "2001:db8:1::2" } ] }
    } ] } } }"#;
    let read = read_softwire_bindings(json.as_bytes(), TimeRange::ALL, BindingLimits::default());
    let read = read.unwrap();
    let [instance] = read.as_slice() else { panic!("{read:?}") };
    let ask = |port| instance.table.reverse(Ipv4Addr::new(192, 0, 2, 1), port, TimeRange::ALL);
    // PSID 0x34 is right-aligned here: 52.
    for (port, kind) in [
        (13_311, LwKind::NoSoftwire),
        (13_312, LwKind::Mapped),
        (13_567, LwKind::Mapped),
        (13_568, LwKind::NoSoftwire),
    ] {
        assert_eq!(ask(port).kind(), kind, "{port}");
    }
    assert_eq!(ask(13_312).b4_address(), Some("2001:db8::1".parse().unwrap()));
    assert_eq!(ask(13_312).br(), Some("2001:db8:1::2".parse().unwrap()));
}

#[test]
fn rfc_8676_appendix_a_2_map_e_forwarding_rule() {
    // Figure 4, with the `encapsulation` that it writes around the address of the relay.
    let json = r#"{ "ietf-softwire-br:br-instances": { "algorithm": { "algo-instance": [ {
        "name": "myalgo-instance", "encapsulation": { "br-ipv6-addr": "2001:db8:ffff::1" },
        "ea-len": 16, "rule-ipv4-prefix": "192.0.2.0/24", "rule-ipv6-prefix": "2001:db8::/40",
        "forwarding": true, "port-set": { "psid-offset": 6, "psid-len": 8 } } ] } } }"#;
    let set = read_softwire_br(json.as_bytes()).unwrap();
    let [rule] = set.rules() else { panic!("{set:?}") };
    assert_eq!((rule.name(), rule.forwarding()), ("myalgo-instance", Some(true)));
    assert_eq!(*rule.rule(), shared());
}
