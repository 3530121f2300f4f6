//! Rules that change: which version answers, and how far the change is.

use portledger::TimeRange;
use portledger::resolver::{Answer, Evidence, Reason, Verdict};
use portledger::store::{Ledger, RulesImport};

use crate::common::{World, about, assert_told, margins, q};

const V4: &str = "203.0.113.0/24";
/// Port 1232 of 203.0.113.7 is PSID 0x34's: zoe's under the first rules, dan's under the second.
const OLD: (&str, &str, &str, u8, u8) = ("old", "2001:db8::/40", V4, 16, 6);
const NEW: (&str, &str, &str, u8, u8) = ("new", "2001:db8:8000::/40", V4, 16, 6);
const PEOPLE: [(&str, &str); 2] =
    [("2001:db8:7:3400::/56", "zoe"), ("2001:db8:8007:3400::/56", "dan")];

/// The versions that the evidence names.
fn versions(answer: &Answer) -> Vec<&str> {
    let all = answer.candidates.iter().map(|c| match &c.evidence {
        Evidence::Rule { version, .. } => version.as_str(),
        records @ Evidence::Records { .. } => panic!("{records:?}"),
    });
    all.collect()
}

fn changed(people: &[(&str, &str)]) -> World {
    World::new().bound(people).rules("@0/", &[OLD]).rules("@1000/", &[NEW])
}

#[test]
fn a_change_of_the_holder_is_the_margin() {
    //  version 1   |------- zoe -------|
    //  version 2                       |------- dan ----...
    //              0          990     1000    1010
    let world = changed(&PEOPLE);
    let at = |time| world.ask(&q(time).port(1232).tcp());
    let before = at("@989");
    assert_told(&before, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!(margins(&before), [">=989", "10", "-", "10"]);
    assert_eq!(versions(&before), ["1"]);
    let behind = at("@1010");
    assert_told(&behind, Verdict::Unique, Reason::Rule, "dan");
    assert_eq!(margins(&behind), ["10", "-", "10", "-"]);
    assert_eq!(versions(&behind), ["2"]);
    assert!(!before.fragile && !behind.fragile);
}

#[test]
fn the_instant_of_the_change_is_the_new_versions() {
    let world = changed(&PEOPLE);
    let at = |time| world.ask(&q(time).port(1232).tcp());
    let new = at("@1000.000000");
    assert_told(&new, Verdict::Unique, Reason::Rule, "dan");
    assert_eq!((margins(&new)[0].as_str(), versions(&new)), ("0", vec!["2"]));
    assert!(new.fragile);
    let old = at("@999.999999");
    assert_told(&old, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!((margins(&old)[1].as_str(), versions(&old)), ("0", vec!["1"]));
    // A window that meets both names both.
    let both = world.ask(&q("@999").port(1232).tcp().tolerance("-0s/+1s"));
    assert_told(&both, Verdict::Ambiguous, Reason::SeveralHolders, "dan;zoe");
    assert_eq!(versions(&both), ["2", "1"]);
    let edge = world.ask(&q("@999").port(1232).tcp());
    assert_told(&edge, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!(margins(&edge)[1], "0");
}

#[test]
fn a_change_that_leaves_the_holder_goes_through() {
    // One customer has the prefix under both rules, and then another rule gives the port to dan.
    let people =
        [PEOPLE[0], ("2001:db8:8007:3400::/56", "zoe"), ("2001:db8:9007:3400::/56", "dan")];
    let third = ("third", "2001:db8:9000::/40", V4, 16, 6);
    let world = changed(&people).rules("@3000/", &[third]);
    let at = |time| world.ask(&q(time).port(1232).tcp());
    let before = at("@989");
    assert_told(&before, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!(margins(&before), [">=989", "2010", "-", "2010"]);
    assert_eq!(versions(&before), ["1"]);
    let behind = at("@1010");
    assert_told(&behind, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!(margins(&behind), [">=1010", "1989", "-", "1989"]);
    assert_eq!(versions(&behind), ["2"]);
    // Across the change it is one person all the same, by two versions.
    let across = world.ask(&q("@999").port(1232).tcp().tolerance("-0s/+1s"));
    assert_told(&across, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!(versions(&across), ["1", "2"]);
}

#[test]
fn a_change_to_an_excluded_port_is_a_margin_without_another_person() {
    let world = World::new()
        .bound(&PEOPLE)
        .rules("@0/", &[OLD])
        .rules("@1000/", &[("offset-4", OLD.1, V4, 16, 4)]);
    let before = world.ask(&q("@989").port(1232).tcp());
    assert_told(&before, Verdict::Unique, Reason::Rule, "zoe");
    assert_eq!(margins(&before), [">=989", "10", "-", "-"]);
    let behind = world.ask(&q("@1010").port(1232).tcp());
    assert_told(&behind, Verdict::Free, Reason::ExcludedPort, "");
    assert_eq!(margins(&behind)[0], "10");
}

#[test]
fn a_change_of_the_mechanism_is_a_change_of_the_rules() {
    let table = b"address,first,last,inside\n203.0.113.7,1024,2047,100.64.0.1\n";
    let world = World::new()
        .bound(&[PEOPLE[0], ("100.64.0.1", "ann")])
        .rules("@0/", &[("one", OLD.1, "203.0.113.7/32", 8, 6)])
        .rule_file("@1000/", table);
    let before = world.ask(&q("@989").port(1236).tcp());
    assert_eq!((before.verdict, margins(&before)[3].as_str()), (Verdict::Unbound, "10"));
    let behind = world.ask(&q("@1010").port(1236).tcp());
    assert_told(&behind, Verdict::Unique, Reason::Rule, "ann");
    assert_eq!(versions(&behind), ["2"]);
}

#[test]
fn the_lifetime_of_a_row_ends_where_the_next_begins() {
    let row = |b4, from, until| format!("203.0.113.7,0,8,52,{b4},{from},{until}\n");
    let table = format!(
        "ipv4,psid_offset,psid_len,psid,b4,from,until\n{}{}",
        row("2001:db8::a", "1970-01-01T00:00:00Z", "1970-01-01T00:16:40Z"),
        row("2001:db8::b", "1970-01-01T00:16:40Z", "1970-01-01T00:33:20Z")
    );
    let world = World::new()
        .bound(&[("2001:db8::a/128", "ann"), ("2001:db8::b/128", "bob")])
        .rule_file("@0/", table.as_bytes());
    let at = |time| world.ask(&q(time).port(13_400).tcp());
    let before = at("@989");
    assert_told(&before, Verdict::Unique, Reason::Rule, "ann");
    assert_eq!(margins(&before), [">=989", "10", "-", "10"]);
    assert_told(&at("@999.999999"), Verdict::Unique, Reason::Rule, "ann");
    assert_told(&at("@1000.000000"), Verdict::Unique, Reason::Rule, "bob");
    let late = at("@1989");
    assert_eq!(margins(&late)[1], ">=10", "{late:#?}");
    // Behind its lifetime a row holds nothing, and no list of rows is known to be whole.
    assert_eq!(at("@2000.000000").candidates, []);
    assert_eq!(at("@2000.000000").verdict, Verdict::NotCovered);
}

#[test]
fn a_row_lives_no_longer_than_its_version() {
    //  version 1   |-- ann's row ------|.......|      cut short by the change
    //  version 2                       |-- bob's row --...
    //              0                  1000    2000
    let row = |b4, until| {
        let header = "ipv4,psid_offset,psid_len,psid,b4,from,until";
        format!("{header}\n203.0.113.7,0,8,52,{b4},,{until}\n").into_bytes()
    };
    let world = World::new()
        .bound(&[("2001:db8::a/128", "ann"), ("2001:db8::b/128", "bob")])
        .rule_file("@0/", &row("2001:db8::a", "@2000"))
        .rule_file("@1000/", &row("2001:db8::b", ""));
    let at = |time| world.ask(&q(time).port(13_400).tcp());
    let before = at("@989");
    assert_told(&before, Verdict::Unique, Reason::Rule, "ann");
    assert_eq!((margins(&before)[3].as_str(), versions(&before)), ("10", vec!["1"]));
    let behind = at("@1000.000000");
    assert_told(&behind, Verdict::Unique, Reason::Rule, "bob");
    assert_eq!(versions(&behind), ["2"]);
}

#[test]
fn rules_of_other_addresses_stay_in_force() {
    let other = ("other", "2001:db8:4000::/40", "198.51.100.0/24", 16, 6);
    let world = changed(&PEOPLE).rules("@2000/", &[other]);
    let ranges: Vec<String> =
        world.ledger.manifest().rules.iter().map(|e| e.in_force.to_string()).collect();
    let time = |s: &str| s.parse::<TimeRange>().unwrap().to_string();
    assert_eq!(ranges, [time("@0/@1000"), time("@1000/"), time("@2000/")]);
    let answer = world.ask(&about("198.51.100.1", "@2500").port(1232).tcp());
    assert_eq!((answer.verdict, versions(&answer)), (Verdict::Unbound, vec!["3"]));
}

#[test]
fn beside_closes_nothing_and_says_where_two_are_named() {
    let table = |host| format!("address,first,last,inside\n203.0.113.7,1024,2047,{host}\n");
    let mut ledger = Ledger::in_memory();
    let first = RulesImport::new("a.csv", "@0/".parse().unwrap());
    ledger.import_rules(&first, table("100.64.0.1").as_bytes()).unwrap();
    let second = RulesImport { beside: true, ..RulesImport::new("b.csv", "@10/".parse().unwrap()) };
    let report = ledger.import_rules(&second, table("100.64.0.2").as_bytes()).unwrap();
    assert_eq!((report.closed.len(), &report.beside), (0, &vec![1]));
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(findings[0].starts_with("error beside: version 1 is in force"), "{findings:?}");
    assert_eq!(ledger.manifest().rules[0].in_force, "@0/".parse().unwrap());
    // The next change closes both.
    let third = RulesImport::new("c.csv", "@20/".parse().unwrap());
    let report = ledger.import_rules(&third, table("100.64.0.3").as_bytes()).unwrap();
    assert_eq!(report.closed.iter().map(|c| c.version).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn the_same_file_again_changes_nothing_even_when_it_was_closed() {
    let table = |host| format!("address,first,last,inside\n203.0.113.7,1024,2047,{host}\n");
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(dir.path()).unwrap();
    let add = |ledger: &mut Ledger, host, range: &str| {
        let import = RulesImport::new("t.csv", range.parse().unwrap());
        ledger.import_rules(&import, table(host).as_bytes()).unwrap()
    };
    assert!(add(&mut ledger, "100.64.0.1", "@0/").is_new);
    assert!(add(&mut ledger, "100.64.0.2", "@10/").is_new);
    // An older set that comes late ends where the next one begins.
    let late = add(&mut ledger, "100.64.0.3", "@5/");
    assert_eq!((late.closed_by, late.in_force), (Some(2), "@5/@10".parse().unwrap()));
    assert_eq!(late.closed[0].now, "@0/@5".parse().unwrap());
    let before = ledger.manifest().state;
    for (host, range, version) in
        [("100.64.0.1", "@0/", 1), ("100.64.0.2", "@10/", 2), ("100.64.0.3", "@5/", 3)]
    {
        let again = add(&mut ledger, host, range);
        assert_eq!((again.is_new, again.version), (false, version));
    }
    assert_eq!(ledger.manifest().state, before);
    // Rules that come back are a version of their own, and a warning.
    let back = add(&mut ledger, "100.64.0.1", "@20/");
    assert_eq!((back.version, back.findings[0].kind), (4, "loaded-before"));
    drop(ledger);
    let ledger = Ledger::open(dir.path()).unwrap();
    let ranges: Vec<TimeRange> = ledger.rules().all().map(|r| r.in_force).collect();
    let wanted = ["@0/@5", "@10/@20", "@5/@10", "@20/"].map(|s| s.parse().unwrap());
    assert_eq!(ranges, wanted);
    let closed: Vec<Option<u32>> = ledger.manifest().rules.iter().map(|e| e.closed_by).collect();
    assert_eq!(closed, [Some(3), Some(4), Some(2), None]);
}

#[test]
fn a_manifest_of_before_still_reads() {
    let entry = r#"{"file": {"file": "rules/1.json", "sha256": "00", "bytes": 1}, "path": "a", "in_force": "@0/@5"}"#;
    let entry: portledger::store::RuleEntry = serde_json::from_str(entry).unwrap();
    assert_eq!((entry.asked(), entry.closed_by), ("@0/@5".parse().unwrap(), None));
}
