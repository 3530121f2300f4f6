//! The files of deterministic NATs: what is not sure is refused, and no bytes panic.
#![cfg(feature = "readers")]

use std::net::Ipv4Addr;

use portledger::mapping::detnat::{
    AddressPool, BlockTableLimits, DetNatConfig, DetReverse, Deterministic, Rfc7422Record,
    read_block_table, read_detnat,
};
use portledger::port::{PortRange, PortSet};
use proptest::prelude::*;

fn reserved() -> impl Strategy<Value = PortSet> {
    let range = (any::<u16>(), 0..300_u16)
        .prop_map(|(first, len)| PortRange::new_assert(first, first.saturating_add(len)));
    prop::collection::vec(range, 0..6).prop_map(|ranges| ranges.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_detnat(&bytes);
        let _ = read_block_table(&bytes, BlockTableLimits::default());
        let text = String::from_utf8_lossy(&bytes);
        let _ = text.parse::<Rfc7422Record>();
        let _ = text.parse::<AddressPool>();
    }

    #[test]
    fn damaged_files_are_read_without_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), which in 0..SAMPLES.len()) {
        let mut bytes = SAMPLES[which].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for nat in read_detnat(&bytes).unwrap_or_default() {
            answers_hold_together(&nat);
        }
        let mut table = TABLE.to_vec();
        let at = at % table.len();
        table[at] = byte;
        if let Ok(blocks) = read_block_table(&table, BlockTableLimits::default()) {
            let _ = Deterministic::block_table(&blocks);
        }
    }

    #[test]
    fn a_record_is_read_as_it_is_printed(
        time in "[A-Za-z0-9: ,+-]{1,30}",
        (inside, inside_len, outside, outside_len) in (any::<u32>(), 0..=32_u8, any::<u32>(), 0..=32_u8),
        (dynamic, max, algorithm) in (any::<u32>(), any::<u32>(), any::<u8>()),
        reserved in reserved(),
    ) {
        let (inside, outside) = (Ipv4Addr::from(inside), Ipv4Addr::from(outside));
        let text = format!("[{time}]:{inside}:{inside_len}:{outside}:{outside_len}:{dynamic}:{max}:{algorithm}:{reserved}");
        let record: Rfc7422Record = text.parse().unwrap();
        prop_assert_eq!(record.to_string(), text);
        prop_assert_eq!(record.reserved, reserved);
    }

    #[test]
    fn any_numbers_make_a_nat_or_an_error(
        which in 0..SAMPLES.len(),
        numbers in prop::collection::vec(prop::option::of(prop_oneof![0..70_000_u32, any::<u32>()]), 8),
        (inside, inside_len, outside, outside_len) in (any::<u32>(), 0..=32_u8, any::<u32>(), 8..=32_u8),
    ) {
        let json: serde_json::Value = serde_json::from_str(SAMPLES[which]).unwrap();
        let mut config: DetNatConfig = serde_json::from_value(json["detnat"].clone()).unwrap();
        let net = |addr: u32, len| ipnet::Ipv4Net::new(addr.into(), len).unwrap().trunc().to_string();
        if config.inside.is_some() && config.algorithm != "mikrotik-src-nat" {
            config.inside = Some(net(inside, inside_len));
            config.outside = Some(net(outside, outside_len));
        }
        let set = |key: &mut Option<u32>, at: usize| {
            if key.is_some() {
                *key = numbers[at].or(*key);
            }
        };
        set(&mut config.compression, 0);
        set(&mut config.dynamic_factor, 1);
        set(&mut config.p, 2);
        set(&mut config.e, 3);
        set(&mut config.ports_per_user, 4);
        set(&mut config.block, 5);
        set(&mut config.clients_per_public, 6);
        set(&mut config.block_size, 7);
        if let Ok(nat) = config.build() {
            answers_hold_together(&nat);
        }
    }
}

const SAMPLES: [&str; 9] = [
    r#"{"detnat": {"algorithm": "rfc7422", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "order": "staggered", "reserved": "0-1023,5004", "compression": 16, "dynamic_factor": 1}}"#,
    r#"{"detnat": {"algorithm": "rfc7422", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "order": "round-robin", "reserved": "0-1023", "compression": 16, "dynamic_factor": 1}}"#,
    r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28"}}"#,
    r#"{"detnat": {"algorithm": "crunchnat-secure", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "p": 251, "q": 257, "e": 19}}"#,
    r#"{"detnat": {"algorithm": "vyos-cgnat", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "ports_per_user": 2000, "checks_whole_blocks": false}}"#,
    r#"{"detnat": {"algorithm": "mikrotik-netmap", "inside": "10.0.0.0/24", "outside": "192.0.2.0/29", "first_port": 1536, "block": 2000}}"#,
    r#"{"detnat": {"algorithm": "mikrotik-src-nat", "inside": "10.0.0.1+", "outside": "192.0.2.1-192.0.2.9", "clients_per_public": 32}}"#,
    r#"{"detnat": {"algorithm": "juniper-napt44", "inside": "10.0.0.0/24", "outside": "192.0.2.1-192.0.2.2", "block_size": 256, "spread": "rounded"}}"#,
    r#"{"detnat": {"algorithm": "block-table", "blocks": [{"address": "192.0.2.1", "first": 1, "last": 9, "stride": 2, "inside": "10.0.0.1"}, {"address": "192.0.2.1", "first": 10, "last": 19, "inside": "dynamic"}]}}"#,
];

const TABLE: &[u8] = b"address,first,last,stride,inside\n192.0.2.1,0,1023,,excluded\n192.0.2.1,1024,2047,,10.0.0.1\n192.0.2.1,2048,65535,2,10.0.0.2\n";

/// Some addresses of the NAT, found by asking: what they answer must lead back.
fn answers_hold_together(nat: &Deterministic) {
    assert!(!nat.describe().is_empty());
    let _ = nat.forward([10, 0, 0, 1].into());
    let outside: Ipv4Addr = [192, 0, 2, 1].into();
    for port in [0, 1023, 1024, 5004, 40_000, 65_535] {
        let reverse = nat.reverse(outside, port);
        assert_eq!(nat.covers(outside), reverse != DetReverse::OutsidePool);
        if let DetReverse::Mapped { inside, ports } = reverse {
            assert!(ports.contains(port));
            assert!(nat.forward(inside).contains(&(outside, ports)));
        }
    }
    assert!(nat.covers(outside) || nat.owners(outside).next().is_none());
}

#[test]
fn every_sample_is_read() {
    for sample in SAMPLES {
        let nats = read_detnat(sample.as_bytes()).unwrap_or_else(|err| panic!("{sample}: {err}"));
        assert!(nats[0].owners([192, 0, 2, 1].into()).next().is_some(), "{sample}");
        answers_hold_together(&nats[0]);
        let json: serde_json::Value = serde_json::from_str(sample).unwrap();
        let config: DetNatConfig = serde_json::from_value(json["detnat"].clone()).unwrap();
        assert_eq!(serde_json::to_value(&config).unwrap(), json["detnat"], "printed as read");
    }
}

#[test]
fn files_that_are_not_sure_are_refused() {
    for (file, said) in [
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/24"}}"#,
            "needs the key `outside`",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp", "inside": "10.0.0.0/24"}}"#,
            "`vpp` is no known algorithm",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "blok": 1}}"#,
            "blok",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "block": 1}}"#,
            "has no key `block`",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "ports_per_host": 4000}}"#,
            "make it 4032",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "inside": "10.0.1.0/24"}}"#,
            "duplicate field",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/28", "outside": "192.0.2.0/24"}}"#,
            "at least as many inside",
        ),
        (
            r#"{"detnat": {"algorithm": "vpp-det44", "inside": "10.0.0.0/8", "outside": "192.0.2.0/28"}}"#,
            "leave no port",
        ),
        (
            r#"{"detnat": {"algorithm": "rfc7422", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28", "reserved": "0-1023"}}"#,
            "`order`",
        ),
        (
            r#"{"detnat": {"algorithm": "rfc7422", "inside": "10.0.0.1/24", "outside": "192.0.2.0/28", "reserved": "0-1023", "order": "staggered"}}"#,
            "host bits",
        ),
        (
            r#"{"detnat": {"algorithm": "rfc7422", "inside": "10.0.0.1-10.0.0.9", "outside": "192.0.2.0/30", "reserved": "0-1023", "order": "staggered"}}"#,
            "`compression`",
        ),
        (
            r#"{"detnat": {"algorithm": "rfc7422", "record": "[t]:10.0.0.0:24:192.0.2.0:28:2:5040:0:1-1023", "order": "address-major", "inside_boundary": "use", "outside_boundary": "use"}}"#,
            "`port_zero`",
        ),
        (
            r#"{"detnat": {"algorithm": "juniper-napt44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28"}}"#,
            "not settled",
        ),
        (r#"{"other": 1}"#, "unknown field"),
        ("[]", "usable JSON"),
        (
            r#"{"detnat": [{"algorithm": "vpp-det44", "inside": "10.0.0.0/24", "outside": "192.0.2.0/28"}, {"algorithm": "vpp-det44", "name": "b"}]}"#,
            "detnat 2 `b`",
        ),
    ] {
        let err = read_detnat(file.as_bytes()).expect_err(file).to_string();
        assert!(err.contains(said), "{file}: {err}");
    }
}

#[test]
fn a_record_is_a_rule_file() {
    let file = br#"{"detnat": {"algorithm": "rfc7422", "order": "address-major",
        "record": "[Wed Oct 11 14:32:52 2000]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023,5004,5060",
        "inside_boundary": "skip", "outside_boundary": "use", "port_zero": "reserve", "ports_per_host": 4031}}"#;
    let nat = read_detnat(file).unwrap().remove(0);
    let (addr, ports) = nat.forward([198, 51, 100, 2].into()).remove(0);
    assert_eq!((addr, ports.to_string().as_str()), ([192, 0, 2, 0].into(), "5056-5059,5061-9087"));
}
