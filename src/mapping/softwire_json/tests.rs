use super::*;
use crate::mapping::{Reverse, RuleCase};

const SAMPLE: &str = r#"{
 "ietf-softwire-br:br-instances": {
  "algorithm": {
   "algo-instance": [
    {
     "name": "lab-1",
     "enable": true,
     "algo-versioning": { "version": "1", "date": "2026-11-22T00:00:00Z" },
     "br-ipv6-addr": "2001:db8:ffff::1",
     "ea-len": 16,
     "rule-ipv6-prefix": "2001:db8:a000::/40",
     "rule-ipv4-prefix": "198.51.100.0/24",
     "forwarding": true,
     "port-set": { "psid-offset": 4, "psid-len": 8 }
    }
   ]
  }
 }
}"#;

const POINTER: &str = "/ietf-softwire-br:br-instances/algorithm/algo-instance/0";

fn read(json: &str) -> Result<RuleSet, SoftwireJsonError> {
    read_softwire_br(json.as_bytes())
}

/// The sample with one text in place of another.
fn changed(from: &str, to: &str) -> Result<RuleSet, SoftwireJsonError> {
    assert!(SAMPLE.contains(from), "{from}");
    read(&SAMPLE.replace(from, to))
}

#[test]
fn the_sample_answers() {
    let set = read(SAMPLE).unwrap();
    assert_eq!((set.version(), set.disabled().len()), (Some("1"), 0));
    let answers = set.reverse("198.51.100.10".parse().unwrap(), 0x1234);
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].rule.name(), answers[0].rule.version()), ("lab-1", Some("1")));
    let end_user_prefix = "2001:db8:a00a:2300::/56".parse().unwrap();
    assert_eq!(answers[0].reverse, Reverse::Mapped { end_user_prefix, psid: Some(0x23) });
}

#[test]
fn spellings_that_mean_the_same_read_the_same() {
    let sample = read(SAMPLE).unwrap();
    for (from, to) in [
        ("ietf-softwire-br:br-instances", "br-instances"),
        (r#""version": "1""#, r#""version": 1"#),
        (
            r#""br-ipv6-addr": "2001:db8:ffff::1""#,
            r#""encapsulation": { "br-ipv6-addr": "2001:db8:ffff::1" }"#,
        ),
        (r#""enable": true,"#, ""),
        (r#", "psid-len": 8"#, ""),
        (r#""psid-len": 8"#, r#""psid-len": 8, "psid": 0"#),
        ("198.51.100.0/24", "198.51.100.7/24"),
        ("{\n \"ietf", "{ \"ietf-interfaces:interfaces\": {}, \"ietf"),
    ] {
        assert_eq!(changed(from, to).unwrap(), sample, "{to}");
    }
}

#[test]
fn without_a_port_set_the_offset_is_the_default_of_map() {
    let set = changed(",\n     \"port-set\": { \"psid-offset\": 4, \"psid-len\": 8 }", "").unwrap();
    assert_eq!(set.rules()[0].rule().psid_params(), PsidParams::new_assert(6, 8));
    // Half a port set is not none: the model's default would be another one.
    let err = changed(r#""psid-offset": 4, "#, "").unwrap_err();
    assert!(matches!(err, SoftwireJsonError::Missing { member: "psid-offset", .. }), "{err}");
}

#[test]
fn switched_off_instances_are_skipped_and_named() {
    // Whatever else is wrong with it, it is not in force.
    let off = r#"[{ "name": "off", "enable": false, "dmr-ipv6-prefix": "64:ff9b::/96" }, {"#;
    let set = changed("[\n    {", off).unwrap();
    assert_eq!((set.rules().len(), set.disabled()), (1, &["off".to_owned()][..]));
}

#[test]
fn a_set_has_the_version_that_all_its_rules_share() {
    let second = r#"[{ "name": "b", "algo-versioning": { "version": VERSION }, "ea-len": 16,
        "rule-ipv6-prefix": "2001:db8:b000::/40", "rule-ipv4-prefix": "192.0.2.0/24" }, {"#;
    let set = |version| changed("[\n    {", &second.replace("VERSION", version)).unwrap();
    assert_eq!(set("1").version(), Some("1"));
    assert_eq!(set("2").version(), None);
    assert_eq!(set("2").rules()[0].version(), Some("2"));
}

#[test]
fn errors_name_the_instance_the_pointer_and_the_way_out() {
    for (from, to, texts) in [
        (r#""ea-len": 16,"#, "", &["instance `lab-1`", POINTER, "`ea-len` is missing"][..]),
        (r#""ea-len": 16"#, r#""ea-len": "16""#, &["/0/ea-len", "without quotes"]),
        (r#""ea-len": 16"#, r#""ea-len": 16.5"#, &["`16.5`"]),
        (r#""ea-len": 16"#, r#""ea-len": -1"#, &["`-1`"]),
        (r#""ea-len": 16"#, r#""ea-len": 49"#, &[POINTER, "48 bits at most"]),
        (r#""ea-len": 16"#, r#""ea-len": 15"#, &["PSID length 8 contradicts"]),
        ("2001:db8:a000::/40", "2001:db8:a000::", &["/0/rule-ipv6-prefix", "an IPv6 prefix"]),
        ("2001:db8:ffff::1", "198.51.100.1", &["/0/br-ipv6-addr", "an IPv6 address"]),
        (r#""enable": true"#, r#""enable": "yes""#, &["/0/enable", "true or false"]),
        (r#""name": "lab-1""#, r#""name": """#, &[POINTER, "a name"]),
        (r#""name": "lab-1","#, "", &[POINTER, "`name` is missing"]),
        (
            r#""port-set""#,
            r#""portset""#,
            &["instance `lab-1`", "/0/portset", "port-set", "spelling"],
        ),
        (r#""port-set""#, r#""x:y/z~""#, &["/0/x:y~1z~0"]),
        (
            r#""psid-len": 8"#,
            r#""psid-len": 8, "psid": 52"#,
            &["port-set/psid", "`52`", "remove it"],
        ),
        (r#""version": "1""#, r#""version": 1.5"#, &["algo-versioning/version"]),
        (r#""algorithm": {"#, r#""algorithm": { "enable": true,"#, &["algorithm/enable"]),
        (r#""ea-len": 16"#, r#""ea-len": 16, "ea-len": 17"#, &["`ea-len` is written twice"]),
        ("ietf-softwire-br:br-instances", "ietf-softwire-ce:x", &["RFC 8676", "it has 0"]),
        ("{\n \"ietf", "{ \"br-instances\": {}, \"ietf", &["it has 2"]),
    ] {
        let err = changed(from, to).unwrap_err();
        for text in texts {
            assert!(err.to_string().contains(text), "{to}: `{text}` is not in: {err}");
        }
        assert!(!err.is_not_supported(), "{err}");
    }
}

#[test]
fn binding_tables_are_refused_by_name() {
    let err = changed(r#""algorithm": {"#, r#""binding": {}, "algorithm": {"#).unwrap_err();
    assert!(err.is_not_supported() && err.to_string().contains("not supported yet"), "{err}");
    assert!(err.to_string().contains("binding tables"), "{err}");
}

#[test]
fn a_rule_says_how_its_packets_travel() {
    let transport = |set: RuleSet| set.rules()[0].transport();
    let br = "2001:db8:ffff::1".parse().unwrap();
    let set = read(SAMPLE).unwrap();
    assert_eq!(set.rules()[0].forwarding(), Some(true));
    assert_eq!(set.rules()[0].date(), Some("2026-11-22T00:00:00Z"));
    assert_eq!(transport(set), Transport::Encapsulation { br });
    let br = r#""br-ipv6-addr": "2001:db8:ffff::1""#;
    assert_eq!(transport(changed(&format!("{br},"), "").unwrap()), Transport::Unstated);
    let dmr = DefaultMappingRule::new("64:ff9b::/96".parse().unwrap()).unwrap();
    for map_t in [
        r#""dmr-ipv6-prefix": "64:ff9b::/96""#,
        r#""translation": { "dmr-ipv6-prefix": "64:ff9b::/96" }"#,
    ] {
        let set = changed(br, map_t).unwrap();
        // Whose a port is does not depend on it.
        let addr = "198.51.100.10".parse().unwrap();
        assert_eq!(
            set.reverse(addr, 0x1234)[0].reverse,
            read(SAMPLE).unwrap().reverse(addr, 0x1234)[0].reverse
        );
        assert_eq!(transport(set), Transport::Translation { dmr });
    }
    for (to, text) in [
        (format!("{br}, \"dmr-ipv6-prefix\": \"64:ff9b::/96\""), "MAP-E"),
        (
            format!("{br}, \"encapsulation\": {{ \"br-ipv6-addr\": \"2001:db8::\" }}"),
            "the only one",
        ),
        (r#""dmr-ipv6-prefix": "64:ff9b::/97""#.to_owned(), "/0/dmr-ipv6-prefix"),
        (r#""dmr-ipv6-prefix": "64:ff9b::""#.to_owned(), "an IPv6 prefix"),
        (r#""translation": { "dmr": 1 }"#.to_owned(), "translation/dmr"),
    ] {
        let err = changed(br, &to).unwrap_err().to_string();
        assert!(err.contains(text), "{to}: {err}");
    }
}

#[test]
fn every_case_of_rule_reads() {
    let ports = r#""port-set": { "psid-offset": 4, "psid-len": 8 }"#;
    let read_as = |ea: u8, v4: &str, ports: &str| {
        let json = SAMPLE.replace(r#""psid-offset": 4, "psid-len": 8"#, ports);
        let json = json.replace(r#""ea-len": 16"#, &format!(r#""ea-len": {ea}"#));
        read(&json.replace("198.51.100.0/24", v4)).map(|set| *set.rules()[0].rule())
    };
    assert!(SAMPLE.contains(ports));
    for (ea, v4, ports, case) in [
        (
            8,
            "198.51.100.0/24",
            r#""psid-offset": 16, "psid-len": 0, "psid": 0"#,
            RuleCase::WholeAddress,
        ),
        (7, "198.51.100.0/24", r#""psid-offset": 0"#, RuleCase::AddressPrefix),
        (0, "198.51.100.7/32", r#""psid-offset": 0"#, RuleCase::WholeAddress),
        (
            0,
            "198.51.100.7/32",
            r#""psid-offset": 6, "psid-len": 8, "psid": 52"#,
            RuleCase::SharedAddress,
        ),
    ] {
        let rule = read_as(ea, v4, ports).unwrap();
        assert_eq!(rule.case(), case, "{ports}");
        // Right-aligned: the RFC's example writes 52 for 0x34 of 8 bits.
        let own = ports.contains("52").then_some(0x34);
        assert_eq!(rule.own_psid(), own, "{ports}");
    }
    for (ports, text) in [
        (r#""psid-offset": 6, "psid-len": 8"#, "the PSID itself is missing"),
        (r#""psid-offset": 6, "psid-len": 4, "psid": 52"#, "PSID 52 does not fit into 4 bits"),
        (r#""psid-offset": 6, "psid": 52"#, "write its length too"),
        (r#""psid-offset": 6, "psid-len": 8, "psid": 65536"#, "`65536` is not a PSID"),
        (r#""psid-offset": 16, "psid-len": 1, "psid": 0"#, "PSID offset 16"),
    ] {
        let err = read_as(0, "198.51.100.7/32", ports).unwrap_err().to_string();
        assert!(err.contains(text), "{ports}: {err}");
    }
}

#[test]
fn a_name_used_twice_is_refused() {
    let off = r#"[{ "name": "lab-1", "enable": false }, {"#;
    let err = changed("[\n    {", off).unwrap_err();
    assert!(matches!(err, SoftwireJsonError::DuplicateName { .. }), "{err}");
    assert!(err.to_string().contains("algo-instance/1"), "{err}");
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let limits = SoftwireLimits::default().with_max_bytes(SAMPLE.len());
    assert!(read_softwire_br_with(SAMPLE.as_bytes(), limits).is_ok());
    let limits = limits.with_max_bytes(SAMPLE.len() - 1);
    let err = read_softwire_br_with(SAMPLE.as_bytes(), limits).unwrap_err();
    assert!(matches!(err, SoftwireJsonError::TooLarge { .. }), "{err}");
}

#[test]
fn errors_stay_short_whatever_the_file_says() {
    let long = "x".repeat(1_000_000);
    for json in [
        SAMPLE.replace("lab-1\",", &format!("{long}\", \"{long}\": 1,")),
        SAMPLE.replace("2001:db8:a000::/40", &long),
    ] {
        let err = read(&json).unwrap_err().to_string();
        assert!(err.len() < 1000, "{}", err.len());
    }
}
