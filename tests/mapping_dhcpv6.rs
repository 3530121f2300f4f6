//! DHCPv6 softwire options: any bytes end in containers or an error, and what is written reads back.

use ipnet::{Ipv4Net, Ipv6Net};
use portledger::mapping::{
    BasicMappingRule, DefaultMappingRule, PsidParams, S46Binding, S46Container, S46Rule, parse_s46,
    write_s46,
};
use proptest::prelude::*;
use proptest::sample::Index;

fn params() -> impl Strategy<Value = PsidParams> {
    (0u8..=15).prop_flat_map(|a| (0..=16 - a).prop_map(move |k| PsidParams::new(a, k).unwrap()))
}

fn v6() -> impl Strategy<Value = Ipv6Net> {
    (any::<u128>(), 0u8..=128).prop_map(|(v6, n)| Ipv6Net::new(v6.into(), n).unwrap())
}

fn psid_of(params: PsidParams, any: u16) -> u16 {
    u16::try_from(u32::from(any) % params.sharing_ratio()).unwrap()
}

/// Every case of rule that the options can carry.
fn rule() -> impl Strategy<Value = S46Rule> {
    let with_ea = (v6(), any::<u32>(), 0u8..=32, 0u8..=48, 0u8..=15).prop_filter_map(
        "not every draw is a rule",
        |(v6, v4, r, ea_len, offset)| {
            let v4 = Ipv4Net::new(v4.into(), r).unwrap();
            BasicMappingRule::new(v6, v4, ea_len, offset, None).ok()
        },
    );
    let one = (v6(), any::<u32>(), params(), any::<u16>()).prop_map(|(v6, v4, params, psid)| {
        let v4 = Ipv4Net::new(v4.into(), 32).unwrap();
        BasicMappingRule::one_to_one(v6, v4, params, psid_of(params, psid)).unwrap()
    });
    (prop_oneof![with_ea, one], any::<bool>())
        .prop_map(|(rule, is_forwarding)| S46Rule { rule, is_forwarding })
}

fn binding() -> impl Strategy<Value = S46Binding> {
    (any::<u32>(), v6(), params(), any::<u16>()).prop_map(|(v4, v6, params, psid)| {
        S46Binding::new(v4.into(), v6, params, psid_of(params, psid)).unwrap()
    })
}

fn container() -> impl Strategy<Value = S46Container> {
    let rules = || proptest::collection::vec(rule(), 1..4);
    let brs = || proptest::collection::vec(any::<u128>().prop_map(Into::into), 1..3);
    prop_oneof![
        (rules(), brs()).prop_map(|(rules, brs)| S46Container::MapE { rules, brs }),
        (rules(), any::<u64>()).prop_map(|(rules, high)| {
            let prefix = Ipv6Net::new((u128::from(high) << 64).into(), 64).unwrap();
            S46Container::MapT { rules, dmr: DefaultMappingRule::new(prefix).unwrap() }
        }),
        (brs(), proptest::option::of(binding()))
            .prop_map(|(brs, binding)| S46Container::Lw { brs, binding }),
    ]
}

/// Reads; what reads can be written, and reads the same again. Whether it read.
fn exercise(bytes: &[u8]) -> bool {
    match parse_s46(bytes) {
        Ok(containers) => {
            let written = write_s46(&containers).unwrap();
            assert_eq!(parse_s46(&written).unwrap(), containers);
            // Only a field that is to be ignored, or an option that says the default, can make it another length.
            assert!(written.len() <= bytes.len() + 8 * bytes.len() / 12, "{bytes:x?}");
            true
        }
        Err(err) => {
            assert!(err.to_string().len() < 300, "{err}");
            false
        }
    }
}

/// Bytes that look like options: codes and lengths that are often right.
fn shaped() -> impl Strategy<Value = Vec<u8>> {
    let leaf = (85u16..100, proptest::collection::vec(any::<u8>(), 0..40), -1i32..=1)
        .prop_map(|(code, body, off)| option(code, &body, off));
    leaf.prop_recursive(3, 24, 4, |inner| {
        let off = prop_oneof![8 => Just(0), 1 => -1i32..=1];
        (85u16..100, proptest::collection::vec(inner, 0..4), off)
            .prop_map(|(code, inner, off)| option(code, &inner.concat(), off))
    })
}

fn option(code: u16, body: &[u8], off: i32) -> Vec<u8> {
    let len = i32::try_from(body.len()).unwrap() + off;
    let len = u16::try_from(len.max(0)).unwrap();
    [&code.to_be_bytes()[..], &len.to_be_bytes()[..], body].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    #[test]
    fn bytes_shaped_like_options(bytes in shaped()) {
        exercise(&bytes);
    }

    #[test]
    fn what_is_written_reads_back(containers in proptest::collection::vec(container(), 0..4)) {
        let bytes = write_s46(&containers).unwrap();
        prop_assert_eq!(parse_s46(&bytes).unwrap(), containers);
        prop_assert!(exercise(&bytes));
    }

    #[test]
    fn damaged_options(
        containers in proptest::collection::vec(container(), 1..3),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let mut bytes = write_s46(&containers).unwrap();
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
    fn every_cut_is_noticed(containers in proptest::collection::vec(container(), 1..3), cut in any::<Index>()) {
        let bytes = write_s46(&containers).unwrap();
        let cut = cut.index(bytes.len());
        // A cut between two containers leaves the first ones whole; any other is an error.
        match parse_s46(&bytes[..cut]) {
            Ok(read) => {
                prop_assert!(read.len() < containers.len());
                prop_assert_eq!(&read[..], &containers[..read.len()]);
            }
            Err(_) => prop_assert!(cut > 0),
        }
    }
}
