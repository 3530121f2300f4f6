//! Any bytes as a rule file: an answer or an error, never a panic.
#![cfg(feature = "readers")]

use ipnet::{Ipv4Net, Ipv6Net};
use portledger::mapping::{
    BasicMappingRule, DefaultMappingRule, NamedRule, PsidParams, RuleSet, SoftwireLimits,
    Transport, read_softwire_br, read_softwire_br_with, write_softwire_br,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

fn instance(name: &str, v4: &str) -> Value {
    json!({
        "name": name, "enable": true, "algo-versioning": { "version": "1" },
        "br-ipv6-addr": "2001:db8:ffff::1", "ea-len": 16,
        "rule-ipv6-prefix": "2001:db8:a000::/40", "rule-ipv4-prefix": v4,
        "forwarding": true, "port-set": { "psid-offset": 4, "psid-len": 8 }
    })
}

fn valid() -> Value {
    let list = [instance("lab-1", "198.51.100.0/24"), instance("lab-2", "192.0.2.0/24")];
    json!({ "ietf-softwire-br:br-instances": { "algorithm": { "algo-instance": list } } })
}

/// Values that a member may be replaced with.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0u64..=130).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9a-f:./]{0,20}".prop_map(Value::from),
        ".{0,10}".prop_map(Value::from),
        (any::<[u8; 4]>(), 0u8..=33).prop_map(|(a, len)| format!(
            "{}.{}.{}.{}/{len}",
            a[0], a[1], a[2], a[3]
        )
        .into()),
        (any::<u128>(), 0u8..=129).prop_map(|(a, len)| format!(
            "{}/{len}",
            std::net::Ipv6Addr::from(a)
        )
        .into()),
        Just(json!({})),
        Just(json!([[], {}])),
    ]
}

/// Every node of a value, as JSON pointers.
fn pointers(value: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                pointers(value, &format!("{here}/{name}"), into);
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter().enumerate() {
                pointers(value, &format!("{here}/{i}"), into);
            }
        }
        _ => {}
    }
}

/// Reads, and uses what was read.
fn exercise(bytes: &[u8]) -> bool {
    match read_softwire_br(bytes) {
        Ok(set) => {
            for rule in set.rules() {
                let addr = rule.rule().v4().network();
                assert!(!set.reverse(addr, 4096).is_empty());
            }
            true
        }
        Err(err) => {
            assert!(err.to_string().len() < 2000, "{err}");
            false
        }
    }
}

#[test]
fn the_valid_file_reads() {
    assert!(exercise(valid().to_string().as_bytes()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    #[test]
    fn json_shaped_text(text in r#"[\[\]{}:,"0-9a-z\\ .-]{0,120}"#) {
        exercise(text.as_bytes());
    }

    #[test]
    fn damaged_bytes_of_a_valid_file(
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..5),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let mut bytes = valid().to_string().into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        exercise(&bytes);
    }

    #[test]
    fn members_of_a_valid_file_replaced(
        changes in proptest::collection::vec((any::<Index>(), odd_value()), 1..4),
    ) {
        let mut file = valid();
        for (at, value) in changes {
            let mut all = Vec::new();
            pointers(&file, "", &mut all);
            let at = &all[at.index(all.len())];
            *file.pointer_mut(at).unwrap() = value;
        }
        exercise(file.to_string().as_bytes());
    }

    #[test]
    fn a_changed_number_is_read_as_it_stands_or_refused(ea_len in 0u64..=60, offset in 0u64..=20) {
        let mut file = valid();
        let instance = &mut file["ietf-softwire-br:br-instances"]["algorithm"]["algo-instance"][0];
        instance["ea-len"] = ea_len.into();
        instance["port-set"] = json!({ "psid-offset": offset });
        let read = read_softwire_br(file.to_string().as_bytes());
        // The IPv4 prefix leaves 8 bits of suffix.
        let psid_len = ea_len.saturating_sub(8);
        prop_assert_eq!(read.is_ok(), ea_len <= 48 && offset + psid_len <= 16, "{:?}", read);
        if let Ok(set) = read {
            let rule = set.rules()[0].rule();
            prop_assert_eq!(u64::from(rule.ea_len()), ea_len);
            prop_assert_eq!(u64::from(rule.psid_params().offset()), offset);
        }
    }
}

/// Every case of rule.
fn rule() -> impl Strategy<Value = BasicMappingRule> {
    let numbers = (any::<u128>(), 0u8..=128, any::<u32>(), 0u8..=32);
    (numbers, 0u8..=48, 0u8..=16, any::<u16>(), 0u8..=16).prop_filter_map(
        "not every draw is a rule",
        |((v6, n, v4, r), ea_len, offset, psid, len)| {
            let v6 = Ipv6Net::new(v6.into(), n).ok()?;
            let v4 = Ipv4Net::new(v4.into(), if ea_len < 8 { 32 } else { r }).ok()?;
            // Few draws have no EA bits by themselves.
            let rule = if ea_len < 8 {
                let params = PsidParams::new(offset, len).ok()?;
                let psid = u32::from(psid) % params.sharing_ratio();
                BasicMappingRule::one_to_one(v6, v4, params, u16::try_from(psid).ok()?)
            } else {
                BasicMappingRule::new(v6, v4, ea_len, offset, None)
            };
            rule.ok()
        },
    )
}

fn transport() -> impl Strategy<Value = Transport> {
    prop_oneof![
        Just(Transport::Unstated),
        any::<u128>().prop_map(|br| Transport::Encapsulation { br: br.into() }),
        any::<u64>().prop_map(|high| {
            let prefix = Ipv6Net::new((u128::from(high) << 64).into(), 64).unwrap();
            Transport::Translation { dmr: DefaultMappingRule::new(prefix).unwrap() }
        }),
    ]
}

fn rule_set() -> impl Strategy<Value = RuleSet> {
    let text = || proptest::option::of("[ -~\u{e9}\"]{1,12}");
    let named = (rule(), transport(), proptest::option::of(any::<bool>()), text(), text());
    let version = text();
    (proptest::collection::vec(named, 0..6), proptest::collection::vec("[ -~]{1,5}", 0..3), version)
        .prop_map(|(rules, disabled, shared)| {
            let named = rules.into_iter().enumerate();
            let rules: Vec<NamedRule> = named
                .map(|(i, (rule, transport, forwarding, version, date))| {
                    let mut named =
                        NamedRule::new(format!("rule \"{i}\""), rule).with_transport(transport);
                    if let Some(forwarding) = forwarding {
                        named = named.with_forwarding(forwarding);
                    }
                    if let Some(version) = shared.clone().or(version) {
                        named = named.with_version(version);
                    }
                    if let Some(date) = date {
                        named = named.with_date(date);
                    }
                    named
                })
                .collect();
            let disabled =
                disabled.into_iter().enumerate().map(|(i, name)| format!("off {i} {name}"));
            // A set that was read has the version that all its rules share.
            let version = rules.first().and_then(NamedRule::version).map(str::to_owned);
            let version = version.filter(|v| rules.iter().all(|r| r.version() == Some(v)));
            let set = RuleSet::new("ietf-softwire-br", rules).with_disabled(disabled.collect());
            match version {
                Some(version) => set.with_version(version),
                None => set,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_written_reads_as_the_same_set(set in rule_set()) {
        let json = write_softwire_br(&set).unwrap();
        prop_assert_eq!(&read_softwire_br(json.as_bytes()).unwrap(), &set);
        // Writing what was read changes no byte.
        let again = write_softwire_br(&read_softwire_br(json.as_bytes()).unwrap()).unwrap();
        prop_assert_eq!(again, json);
    }
}

#[test]
fn limits_hold_before_the_memory_is_taken() {
    let many = format!("[{}0]", r#"{"":0},"#.repeat(100_000));
    let limits = SoftwireLimits::default().with_max_values(1000);
    let err = read_softwire_br_with(many.as_bytes(), limits).unwrap_err();
    assert!(err.to_string().contains("max_values"), "{err}");
}
