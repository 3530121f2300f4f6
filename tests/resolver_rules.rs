//! Questions that MAP rules answer, of every case, through a ledger.
#![cfg(feature = "readers")]

use portledger::Protocol;
use portledger::identity::IdentityFormat;
use portledger::mapping::{BasicMappingRule, NamedRule, PsidParams, RuleSet, write_softwire_br};
use portledger::resolver::{Answer, Evidence, Inquiry, Reason, Resolver, Verdict};
use portledger::store::{Input, Ledger, SubscriberImport};
use portledger::time::WrittenTime;

const BINDINGS: &str = "inside,subscriber,start,end
2001:db8:0:7::/64,whole,,
2001:db8:ac04:ea42::/64,prefix,,
2001:db8:4000::/48,share-0,,
2001:db8:4007::/48,share-7,,
";

fn ledger(dir: &std::path::Path) -> Ledger {
    let rule = |v6: &str, v4: &str, ea_len| {
        BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), ea_len, 6, None).unwrap()
    };
    let share = |v6: &str, psid| {
        let v4 = "203.0.113.9/32".parse().unwrap();
        let params = PsidParams::new(6, 4).unwrap();
        BasicMappingRule::one_to_one(v6.parse().unwrap(), v4, params, psid).unwrap()
    };
    let rules = [
        ("whole", rule("2001:db8::/56", "192.0.2.0/24", 8)),
        ("prefix", rule("2001:db8:ac04::/48", "186.0.0.0/8", 16)),
        ("share-0", share("2001:db8:4000::/48", 0)),
        ("share-7", share("2001:db8:4007::/48", 7)),
    ];
    let named = rules.map(|(name, rule)| NamedRule::new(name, rule));
    let json = write_softwire_br(&RuleSet::new("isp", named.to_vec())).unwrap();
    let mut ledger = Ledger::create(dir.join("ledger")).unwrap();
    assert!(ledger.add_rules("rules.json", json.as_bytes(), "/".parse().unwrap()).unwrap());
    let bindings = dir.join("bindings.csv");
    std::fs::write(&bindings, BINDINGS).unwrap();
    let request = SubscriberImport::new(IdentityFormat::Csv);
    let inputs = vec![Input::Path(bindings)];
    for report in ledger.import_subscribers(&request, inputs, &mut |_| {}).unwrap() {
        assert!(report.rejected.is_empty());
    }
    ledger
}

fn inquiry(addr: &str) -> Inquiry {
    let time = WrittenTime::parse("2026-11-02T03:04:05Z", None).unwrap();
    Inquiry::new(addr.parse().unwrap(), time)
}

/// The psid of the evidence of every candidate.
fn psids(answer: &Answer) -> Vec<Option<u16>> {
    let all = answer.candidates.iter().map(|c| match &c.evidence {
        Evidence::Rule { psid, .. } => *psid,
        records @ Evidence::Records { .. } => panic!("{records:?}"),
    });
    all.collect()
}

#[test]
fn a_whole_address_or_prefix_is_one_persons_on_every_port_and_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let resolver = Resolver::new(&ledger);
    let gre: Protocol = "47".parse().unwrap();
    for (addr, name) in [("192.0.2.7", "whole"), ("186.234.66.122", "prefix")] {
        for asked in [
            inquiry(addr).port(80),
            inquiry(addr).port(65_535).protocol(Protocol::UDP),
            inquiry(addr),
            inquiry(addr).protocol(gre),
        ] {
            let answer = resolver.resolve(&asked);
            assert_eq!((answer.verdict, answer.reason), (Verdict::Unique, Reason::Rule), "{addr}");
            assert_eq!(
                answer.subscriber.as_ref().map(portledger::SubscriberId::as_str),
                Some(name)
            );
            assert_eq!(psids(&answer), [None]);
            assert_eq!(answer.candidates[0].ports.len(), 65_536);
        }
    }
    // A holder without a binding is not his neighbour.
    assert_eq!(resolver.resolve(&inquiry("192.0.2.8").port(80)).verdict, Verdict::Unbound);
}

#[test]
fn rules_for_one_subscriber_each_share_an_address() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let resolver = Resolver::new(&ledger);
    let ask = |port| resolver.resolve(&inquiry("203.0.113.9").port(port));
    for (port, psid, name) in [(1024, 0, "share-0"), (1024 + 7 * 64, 7, "share-7")] {
        let answer = ask(port);
        assert_eq!(answer.verdict, Verdict::Unique, "{port}");
        assert_eq!(answer.subscriber.as_ref().map(portledger::SubscriberId::as_str), Some(name));
        assert_eq!(psids(&answer), [Some(psid)]);
        assert_eq!(answer.candidates[0].ports.len(), 63 * 64);
    }
    let excluded = ask(80);
    assert_eq!((excluded.verdict, excluded.reason), (Verdict::Free, Reason::ExcludedPort));
    // No rule for PSID 5: nobody is named, and nothing says that the list of rules is whole.
    let other = ask(1024 + 5 * 64);
    assert_eq!((other.verdict, other.candidates.len()), (Verdict::NotCovered, 0));
    assert_eq!(other.reason, Reason::NoRuleForPsid);
    for asked in [inquiry("203.0.113.9"), inquiry("203.0.113.9").protocol("47".parse().unwrap())] {
        let answer = resolver.resolve(&asked);
        assert_eq!((answer.verdict, answer.candidate_count), (Verdict::Ambiguous, 2));
    }
}
