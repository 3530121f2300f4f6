//! What independent implementations of MAP answer: one row, one question.
//!
//! The rows were computed by running programs that others wrote, and follow the RFC where those differ. They are not part
//! of this repository: `PORTLEDGER_VECTORS` names their directory, otherwise `../shared/vectors` beside the repository is
//! tried. Without them the test says so and passes.
#![cfg(feature = "readers")]

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use portledger::mapping::{BasicMappingRule, NamedRule, Reverse, RuleError, RuleSet};

type Row = HashMap<String, String>;

/// The rows of a file; nothing when it is not there.
fn rows(file: &str) -> Option<Vec<Row>> {
    let dir = std::env::var_os("PORTLEDGER_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
        PathBuf::from,
    );
    let path = dir.join(file);
    if !path.exists() {
        println!("skipped: no data");
        return None;
    }
    let mut reader = csv::Reader::from_path(&path).unwrap();
    Some(reader.deserialize().map(Result::unwrap).collect())
}

/// A number, 0 where the column is empty.
fn number<T: std::str::FromStr + Default>(text: &str) -> T {
    if text.is_empty() {
        return T::default();
    }
    text.parse().unwrap_or_else(|_| panic!("not a number here: {text}"))
}

/// The case that is built: shared addresses, with the share in the EA bits.
fn is_supported(row: &Row) -> bool {
    number::<u8>(&row["ea_len"]) > 0 && number::<u8>(&row["psid_len"]) > 0
}

fn rule(row: &Row) -> Result<BasicMappingRule, RuleError> {
    let psid_len = Some(number(&row["psid_len"]));
    BasicMappingRule::new(
        row["rule_v6"].parse().unwrap(),
        row["rule_v4"].parse().unwrap(),
        number(&row["ea_len"]),
        number(&row["psid_offset"]),
        psid_len,
    )
}

/// What the rule says, in the words of the columns: kind, psid, prefix, first ranges, number of ports.
fn answer(row: &Row) -> [String; 5] {
    let kind = |kind: &str| [kind, "", "", "", ""].map(str::to_owned);
    let rule = match rule(row) {
        Ok(rule) => rule,
        Err(RuleError::NotSupported(case)) => return kind(&format!("not supported: {case}")),
        Err(_) => return kind("invalid-rule"),
    };
    let addr = row["ipv4"].parse().unwrap();
    let port = number(&row["port"]);
    match rule.reverse(addr, port) {
        Reverse::Mapped { end_user_prefix, psid } => {
            let (back, back_psid, ports) = rule.forward(end_user_prefix).unwrap();
            assert_eq!((back, back_psid), (addr, psid), "forward is not the inverse: {row:?}");
            assert!(ports.contains(port), "the port is not in its own set: {row:?}");
            let first_four = ports.ranges().iter().take(4);
            let mut ranges: Vec<String> =
                first_four.map(|r| format!("{}-{}", r.first(), r.last())).collect();
            if ports.ranges().len() > 4 {
                ranges.push("...".to_owned());
            }
            [
                "mapped".to_owned(),
                psid.to_string(),
                end_user_prefix.to_string(),
                ranges.join(" "),
                ports.len().to_string(),
            ]
        }
        Reverse::ExcludedPort => kind("excluded-port"),
        Reverse::OutsideRule => kind("outside-rule"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_supported_row_of_one_rule_agrees() {
    let Some(rows) = rows("vectors_map.csv") else { return };
    let (mut agreed, mut other_cases) = (BTreeMap::<String, usize>::new(), 0);
    let mut differing = Vec::new();
    for row in &rows {
        if !is_supported(row) {
            // Refused as not built yet, or invalid; never answered.
            let err = rule(row).expect_err(&row["rule_id"]);
            let is_invalid = row["expect_kind"] == "invalid-rule";
            assert_eq!(matches!(err, RuleError::NotSupported(_)), !is_invalid, "{row:?}");
            other_cases += 1;
            continue;
        }
        let columns = ["expect_kind", "psid", "end_user_prefix", "port_ranges", "n_ports"];
        let expected = columns.map(|column| row[column].clone());
        let answer = answer(row);
        if answer == expected {
            *agreed.entry(answer[0].clone()).or_default() += 1;
        } else {
            differing.push(format!("{row:?}\n  answered {answer:?}"));
        }
    }
    let sum: usize = agreed.values().sum();
    println!(
        "vectors_map.csv: {} rows read, {sum} agreed {agreed:?}, {} differ, {other_cases} of other cases",
        rows.len(),
        differing.len()
    );
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(agreed.get("mapped").is_some_and(|n| *n > 0), "no supported row was read");
}

#[test]
fn every_supported_row_of_rule_sets_agrees() {
    let Some(rules) = rows("map_rulesets.csv") else { return };
    let Some(rows) = rows("vectors_map_ruleset.csv") else { return };
    let mut sets: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &rules {
        sets.entry(&row["ruleset"]).or_default().push(row);
    }
    sets.retain(|_, rows| rows.iter().all(|row| is_supported(row)));
    let sets: BTreeMap<&str, RuleSet> = sets
        .into_iter()
        .map(|(name, rows)| {
            let named = rows.iter().map(|row| NamedRule::new(&row["rule"], rule(row).unwrap()));
            (name, RuleSet::new(name, named.collect()))
        })
        .collect();

    let (mut agreed, mut other_cases) = (0, 0);
    for row in &rows {
        let Some(set) = sets.get(row["ruleset"].as_str()) else {
            other_cases += 1;
            continue;
        };
        let answers = set.reverse(row["ipv4"].parse().unwrap(), number(&row["port"]));
        let (mut names, mut psids, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
        for answer in &answers {
            if let Reverse::Mapped { end_user_prefix, psid } = answer.reverse {
                names.push(answer.rule.name());
                psids.push(psid.to_string());
                prefixes.push(end_user_prefix.to_string());
            }
        }
        let kind = match (answers.len(), names.len()) {
            (0, _) => "outside-rule",
            (_, 0) => "excluded-port",
            (_, 1) => "mapped",
            _ => "ambiguous",
        };
        let answer = [kind, &names.join("|"), &psids.join("|"), &prefixes.join("|")];
        let columns = ["expect_kind", "rule", "psid", "end_user_prefix"];
        assert_eq!(answer.map(str::to_owned), columns.map(|c| row[c].clone()), "{row:?}");
        agreed += 1;
    }
    println!(
        "vectors_map_ruleset.csv: {} rows read, {agreed} agreed, {other_cases} of other cases",
        rows.len()
    );
    assert!(agreed > 0, "no supported row was read");
}
