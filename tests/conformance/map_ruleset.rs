//! Several MAP rules at once.

use std::collections::BTreeMap;

use portledger::mapping::{NamedRule, Reverse, RuleAnswer, RuleSet, SetAnswer};

use super::map::rule;
use super::vectors::{Tally, rows};

const FILE: &str = "vectors_map_ruleset.csv";

const COLUMNS: [&str; 8] =
    ["ruleset", "ipv4", "port", "expect_kind", "rule", "psid", "end_user_prefix", "oracle"];

const RULE_COLUMNS: [&str; 8] =
    ["ruleset", "rule", "rule_v6", "rule_v4", "ea_len", "psid_offset", "psid_len", "psid_explicit"];

/// Kind, rules, PSIDs and prefixes, several joined by `|`.
fn said(answer: &SetAnswer<'_>) -> [String; 4] {
    let owners: &[RuleAnswer<'_>] = match answer {
        SetAnswer::Mapped(owner) => std::slice::from_ref(owner),
        SetAnswer::Ambiguous(owners) => owners,
        _ => &[],
    };
    let kind = match answer {
        SetAnswer::Mapped(RuleAnswer { reverse: Reverse::MappedPrefix { .. }, .. }) => {
            "mapped-prefix"
        }
        SetAnswer::Mapped(_) => "mapped",
        SetAnswer::Ambiguous(_) => "ambiguous",
        SetAnswer::NoSubscriber => "no-subscriber",
        SetAnswer::ExcludedPort => "excluded-port",
        SetAnswer::OutsideRules => "outside-rule",
        other => panic!("{other:?}"),
    };
    let joined = |of: fn(&RuleAnswer<'_>) -> String| -> String {
        owners.iter().map(of).collect::<Vec<_>>().join("|")
    };
    [
        kind.to_owned(),
        joined(|a| a.rule.name().to_owned()),
        joined(|a| match a.reverse {
            Reverse::Mapped { psid: Some(psid), .. } => psid.to_string(),
            _ => String::new(),
        }),
        joined(|a| a.reverse.end_user_prefix().map(|p| p.to_string()).unwrap_or_default()),
    ]
}

#[test]
fn every_row_agrees() {
    let mut rules: BTreeMap<String, Vec<NamedRule>> = BTreeMap::new();
    for row in rows("map_rulesets.csv", &RULE_COLUMNS) {
        let named = NamedRule::new(row.text("rule"), rule(&row).unwrap());
        rules.entry(row.text("ruleset").to_owned()).or_default().push(named);
    }
    let sets: BTreeMap<String, RuleSet> =
        rules.into_iter().map(|(name, rules)| (name.clone(), RuleSet::new(name, rules))).collect();
    let mut tally = Tally::new(FILE);
    for row in rows(FILE, &COLUMNS) {
        let kind = row.text("expect_kind");
        assert!(
            [
                "mapped",
                "mapped-prefix",
                "ambiguous",
                "no-subscriber",
                "excluded-port",
                "outside-rule"
            ]
            .contains(&kind),
            "unknown kind: {row:?}"
        );
        let set = sets.get(row.text("ruleset")).unwrap_or_else(|| panic!("no such set: {row:?}"));
        let answer = set.answer(row.need("ipv4"), row.need("port"));
        let expected: [String; 4] = std::array::from_fn(|i| row.text(COLUMNS[3 + i]).to_owned());
        tally.compare(&row, kind, &said(&answer), &expected);
    }
    tally.finish();
}
