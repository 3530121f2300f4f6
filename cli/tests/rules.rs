//! `rules reverse` and `rules forward`: the calculator, held to what independent implementations answer.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use common::{Ran, done, piped, portledger};
use serde_json::{Value, json};
use tempfile::TempDir;

type Row = HashMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

fn vectors(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vectors").join(file);
    rows(&fs::read_to_string(path).unwrap())
}

fn grouped(rows: Vec<Row>, column: &str) -> BTreeMap<String, Vec<Row>> {
    let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(row[column].clone()).or_default().push(row);
    }
    groups
}

fn run(dir: &Path, line: &str, stdin: &str) -> Ran {
    let words: Vec<&str> = ["rules"].into_iter().chain(line.split_whitespace()).collect();
    if stdin.is_empty() { portledger(dir, &words) } else { piped(dir, &words, stdin) }
}

/// Answers to the questions of vectors, in their order, one for each.
fn batch(dir: &Path, source: &str, asked: &[Row], addr: &str) -> Vec<Row> {
    let mut questions = "port,note,address\n".to_owned();
    for row in asked {
        let _ = writeln!(questions, "{},x,{}", row["port"], row[addr]);
    }
    let ran = run(dir, &format!("reverse {source} --batch - --output csv"), &questions);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{asked:?}");
    let header = "kind,rule,psid,subscriber_prefix_or_inside,ce_address,port_ranges";
    assert_eq!(ran.stdout.lines().next(), Some(header));
    let answers = rows(&ran.stdout);
    assert_eq!(answers.len(), asked.len());
    answers
}

fn same(answer: &Row, expected: &Row, columns: &[(&str, &str)]) {
    for (said, wanted) in columns {
        let wanted = expected[*wanted].trim_start_matches("none");
        assert_eq!(answer[*said], wanted, "{said}: {expected:?}\n{answer:?}");
    }
}

/// A MAP rule of the vectors as an `algo-instance`.
fn instance(name: &str, row: &Row) -> Value {
    let number = |column: &str| row[column].parse::<u8>().unwrap();
    let psid = row["psid_explicit"].parse::<u16>();
    let mut ports = json!({ "psid-offset": number("psid_offset"), "psid-len": number("psid_len") });
    if let Ok(psid) = psid {
        ports["psid"] = psid.into();
    }
    json!({ "name": name, "ea-len": number("ea_len"), "rule-ipv6-prefix": row["rule_v6"],
        "rule-ipv4-prefix": row["rule_v4"], "port-set": ports })
}

fn write_map(dir: &Path, instances: &[Value]) {
    let file =
        json!({ "ietf-softwire-br:br-instances": { "algorithm": { "algo-instance": instances } } });
    fs::write(dir.join("rules.json"), file.to_string()).unwrap();
}

#[test]
fn single_map_rules_answer_as_their_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let by_category = grouped(vectors("vectors_map.csv"), "category");
    assert!(by_category.len() > 5);
    for asked in by_category.into_values() {
        // One rule of each category, with all its rows.
        for (id, asked) in grouped(asked, "rule_id").into_iter().take(1) {
            write_map(dir.path(), &[instance(&id, &asked[0])]);
            if asked[0]["expect_kind"] == "invalid-rule" {
                let ran = run(dir.path(), "reverse --rules rules.json 192.0.2.1:5000", "");
                assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{asked:?}");
                continue;
            }
            let answers = batch(dir.path(), "--rules rules.json", &asked, "ipv4");
            for (answer, expected) in answers.iter().zip(&asked) {
                let columns = [
                    ("kind", "expect_kind"),
                    ("psid", "psid"),
                    ("subscriber_prefix_or_inside", "end_user_prefix"),
                ];
                same(answer, expected, &columns);
                let ce = &expected["ce_address_rfc7597"];
                assert!(ce.is_empty() || *ce == answer["ce_address"], "{expected:?}\n{answer:?}");
                let first = expected["port_ranges"].trim_end_matches(" ...");
                assert!(answer["port_ranges"].starts_with(first), "{expected:?}\n{answer:?}");
            }
        }
    }
}

#[test]
fn sets_of_map_rules_answer_as_their_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let sets = grouped(vectors("map_rulesets.csv"), "ruleset");
    let mut count = 0;
    for (name, asked) in grouped(vectors("vectors_map_ruleset.csv"), "ruleset") {
        let instances: Vec<Value> =
            sets[&name].iter().map(|row| instance(&row["rule"], row)).collect();
        write_map(dir.path(), &instances);
        let answers = batch(dir.path(), "--rules rules.json", &asked, "ipv4");
        for (answer, expected) in answers.iter().zip(&asked) {
            let columns = [
                ("kind", "expect_kind"),
                ("rule", "rule"),
                ("psid", "psid"),
                ("subscriber_prefix_or_inside", "end_user_prefix"),
            ];
            same(answer, expected, &columns);
            count += 1;
        }
    }
    assert!(count > 100);
}

#[test]
fn binding_tables_answer_as_their_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let tables = grouped(vectors("lw4o6_tables.csv"), "table_id");
    let mut count = 0;
    for (id, asked) in grouped(vectors("vectors_lw4o6.csv"), "table_id") {
        let mut table = "ipv4,psid_offset,psid_len,psid,b4\n".to_owned();
        for row in &tables[&id] {
            let fields = ["ipv4", "psid_offset", "psid_len", "psid", "b4_ipv6"];
            table += &fields.map(|f| row[f].as_str()).join(",");
            table.push('\n');
        }
        fs::write(dir.path().join("table.csv"), table).unwrap();
        let answers = batch(dir.path(), "--rules table.csv", &asked, "ipv4");
        for (answer, expected) in answers.iter().zip(&asked) {
            same(
                answer,
                expected,
                &[("kind", "expect_kind"), ("psid", "psid"), ("ce_address", "b4_ipv6")],
            );
            count += 1;
        }
    }
    assert!(count > 100);
}

#[test]
fn deterministic_nats_answer_as_their_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = BTreeMap::new();
    for (id, asked) in grouped(vectors("vectors_detnat.csv"), "config_id") {
        let row = &asked[0];
        let algorithm = row["algorithm"].split('(').next().unwrap().to_owned();
        let is_known = algorithm == "vpp-det44" || algorithm.starts_with("crunchnat-");
        if !is_known || row["expect_kind"] == "invalid-config" {
            continue;
        }
        let mut nat = json!({ "algorithm": algorithm, "name": id, "inside": row["inside_prefix"],
            "outside": row["outside_prefix"] });
        for (key, value) in row["params"].split(';').filter_map(|p| p.split_once('=')) {
            if ["p", "q", "e"].contains(&key) {
                nat[key] = value.parse::<u32>().unwrap().into();
            }
        }
        fs::write(dir.path().join("nat.json"), json!({ "detnat": nat }).to_string()).unwrap();
        let answers = batch(dir.path(), "--rules nat.json", &asked, "outside_ip");
        for (answer, expected) in answers.iter().zip(&asked) {
            same(
                answer,
                expected,
                &[("kind", "expect_kind"), ("subscriber_prefix_or_inside", "inside_ip")],
            );
            if answer["kind"] == "mapped" {
                assert_eq!(answer["rule"], id);
                let ports = &answer["port_ranges"];
                assert_eq!(ports.split('-').next().unwrap(), expected["block_lo"], "{expected:?}");
                assert_eq!(ports.rsplit('-').next().unwrap(), expected["block_hi"], "{expected:?}");
            }
        }
        *seen.entry(algorithm).or_insert(0) += answers.len();
    }
    assert!(seen.len() >= 4, "{seen:?}");
}

#[test]
fn presets_answer_in_the_layout_of_the_drafts() {
    let dir = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (preset, category) in [("v6plus", "jp-v6plus"), ("biglobe", "jp-biglobe")] {
        let asked: Vec<Row> = vectors("vectors_map.csv")
            .into_iter()
            .filter(|row| row["category"] == category && row["expect_kind"] == "mapped")
            .collect();
        let answers = batch(dir.path(), &format!("--preset {preset}"), &asked, "ipv4");
        for (answer, expected) in answers.iter().zip(&asked) {
            // A preset may have more rules than the vectors ask; those that it has agree.
            same(
                answer,
                expected,
                &[
                    ("kind", "expect_kind"),
                    ("psid", "psid"),
                    ("subscriber_prefix_or_inside", "end_user_prefix"),
                    ("ce_address", "ce_address_draft03"),
                ],
            );
            count += 1;
        }
    }
    assert!(count > 0);
}

fn with(file: &str, text: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(file), text).unwrap();
    dir
}

#[test]
fn forward_leads_back_through_reverse() {
    let dir =
        with("hosts.csv", "inside\n240b:11:909:3800::/56\n240b:11:909:3800::/40\n2001:db8::/56\n");
    let ran = run(dir.path(), "forward --preset v6plus --batch hosts.csv --output csv", "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answers = rows(&ran.stdout);
    let kinds: Vec<&str> = answers.iter().map(|a| a["kind"].as_str()).collect();
    assert_eq!(kinds, ["mapped", "ambiguous", "outside-rule"]);
    assert_eq!((answers[0]["address"].as_str(), answers[0]["psid"].as_str()), ("106.73.9.9", "56"));
    let port = answers[0]["port_ranges"].split('-').next().unwrap().to_owned();
    let ran =
        run(dir.path(), &format!("reverse --preset v6plus 106.73.9.9:{port} --output ndjson"), "");
    let line: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(line["subscriber_prefix_or_inside"], "240b:11:909:3800::/56");
    assert_eq!(line["port_ranges"].as_str(), Some(answers[0]["port_ranges"].as_str()));
}

#[test]
fn two_nats_that_give_one_port_to_two_hosts_are_ambiguous() {
    let text = r#"{"detnat": [
        {"algorithm": "block-table", "name": "a", "blocks": [{"address": "192.0.2.1", "first": 1024, "last": 2047, "inside": "100.64.0.1"}]},
        {"algorithm": "block-table", "name": "b", "blocks": [{"address": "192.0.2.1", "first": 2000, "last": 3000, "inside": "100.64.0.2"},
            {"address": "192.0.2.1", "first": 1024, "last": 1024, "inside": "dynamic"}]}]}"#;
    let dir = with("nats.json", text);
    let said = |port: &str| {
        let line = format!("reverse --rules nats.json 192.0.2.1:{port} --output csv");
        let ran = run(dir.path(), &line, "");
        ran.stdout.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(said("2000"), "ambiguous,a|b,,100.64.0.1|100.64.0.2,,1024-2047|2000-3000");
    assert_eq!(said("1025"), "mapped,a,,100.64.0.1,,1024-2047");
    // Whoever asked for it on demand is in a log only.
    assert_eq!(said("1024"), "dynamic-pool,,,,,");
}

#[test]
fn a_record_needs_a_reading() {
    let record =
        "[Wed Oct 11 14:32:52 2000]:198.51.100.0:28:192.0.2.0:32:2:5040:0:1-1023,5004,5060\n";
    let dir = with("record.log", record);
    let line = "reverse --rules record.log 192.0.2.0:5056 --output csv";
    let ran = run(dir.path(), line, "");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("leaves open"), "{}", ran.stderr);
    let ran = run(dir.path(), &format!("{line} --record address-major,skip,use,reserve"), "");
    assert!(
        ran.stdout.contains("\nmapped,rfc7422,,198.51.100.2,,5056-"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn a_picture_has_a_rectangle_for_each_range() {
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), "rules forward --preset v6plus 240b:11:909:3800::/56 --picture p.svg");
    let svg = fs::read_to_string(dir.path().join("p.svg")).unwrap();
    assert_eq!(svg.matches("<title>").count(), 15);
    assert!(svg.contains("<title>4992-5007</title>"), "{svg}");
    let ran = run(dir.path(), "reverse --preset v6plus 106.73.9.9:80 --picture q.svg", "");
    assert_eq!(ran.code, 2);
    assert!(!dir.path().join("q.svg").exists());
}

#[test]
fn bad_input_exits_2_and_answers_nothing() {
    let both = r#"{"ietf-softwire-br:br-instances": {"algorithm": {"algo-instance": []}, "binding": {"bind-instance": []}}}"#;
    let dir = with("both.json", both);
    fs::write(dir.path().join("asked.csv"), "address,port\n106.73.9.9,5000\n106.73.9.9,65536\n")
        .unwrap();
    fs::write(dir.path().join("text"), "hello\n").unwrap();
    let nat = r#"{"detnat": {"algorithm": "mikrotik-src-nat", "inside": "100.64.0.0/24", "outside": "192.0.2.1", "clients_per_public": 32}}"#;
    fs::write(dir.path().join("prefix.json"), nat).unwrap();
    // JSON of another program, that begins as a record does.
    fs::write(dir.path().join("array.json"), "[\n {\"rule_ipv4\": \"198.51.100.0/24\"}\n]\n")
        .unwrap();
    for (line, text) in [
        ("reverse --rules both.json 192.0.2.1:1", "MAP rules (`algorithm`) and binding tables"),
        ("reverse --rules text 192.0.2.1:1", "no kind of rules is recognised"),
        ("reverse --rules array.json 192.0.2.1:1", "no kind of rules is recognised"),
        ("reverse --rules prefix.json 192.0.2.1:1", "write the first inside address alone"),
        ("reverse --rules nowhere 192.0.2.1:1", "nowhere"),
        ("reverse --preset softbank 192.0.2.1:1", "softbank"),
        ("reverse --preset v6plus 106.73.9.9", "write ADDR:PORT"),
        ("reverse --preset v6plus --batch asked.csv", "line 3: `106.73.9.9,65536`"),
        ("forward --preset v6plus --batch asked.csv", "must name `inside`"),
        ("forward --preset v6plus 100.64.0.1", "write an IPv6 prefix"),
        ("reverse 192.0.2.1:1", "--rules"),
        ("reverse --preset ocn --rules text 192.0.2.1:1", "cannot be used with"),
    ] {
        let ran = run(dir.path(), line, "");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{line}");
        assert!(ran.stderr.contains(text), "{line}: {}", ran.stderr);
    }
}

#[test]
fn every_form_of_a_binding_table_is_known_by_its_content() {
    let json = r#"{ "ietf-softwire-br:br-instances": { "binding": { "bind-instance": [ { "name": "b",
        "binding-table": { "binding-entry": [ { "binding-ipv6info": "2001:db8::1/128",
        "binding-ipv4-addr": "192.0.2.1", "port-set": { "psid-offset": 0, "psid-len": 8, "psid": 52 },
        "br-ipv6-addr": "2001:db8:1::2" } ] } } ] } } }"#;
    let v3 =
        "softwire-config { binding-table { softwire { ipv4 192.0.2.1; psid 52; b4-ipv6 2001:db8::1;
        br-address 2001:db8:1::2; port-set { psid-length 8; } } } }";
    let text = "psid_map { 192.0.2.0-192.0.2.255 { psid_length=8 } } br_addresses { 2001:db8:1::2 }
        softwires { { ipv4=192.0.2.1, psid=52, b4=2001:db8::1 } }";
    let csv = "ipv4,psid_offset,psid_len,psid,b4\n192.0.2.1,0,8,52,2001:db8::1\n";
    for file in [json, v3, text, csv] {
        let dir = with("table", file);
        for line in ["reverse --rules table 192.0.2.1:13400", "forward --rules table 2001:db8::1"] {
            let ran = run(dir.path(), &format!("{line} --output csv"), "");
            let wanted = "\nmapped,binding-table,52,2001:db8::1,2001:db8::1,13312-13567";
            assert!(ran.stdout.contains(wanted), "{file}\n{}{}", ran.stdout, ran.stderr);
        }
    }
}

#[test]
fn rules_of_every_mechanism_are_added_and_listed() {
    let table = "ipv4,psid_offset,psid_len,psid,b4\n192.0.2.1,0,8,52,2001:db8::1\n";
    let dir = with("table.csv", table);
    let nat = r#"{"detnat": {"algorithm": "vpp-det44", "name": "east", "inside": "100.64.0.0/18", "outside": "198.51.100.8/29"}}"#;
    fs::write(dir.path().join("nat.json"), nat).unwrap();
    for file in ["table.csv", "nat.json"] {
        let ran = done(dir.path(), &format!("rules add --ledger L --from @0 {file}"));
        assert!(ran.stderr.starts_with("1 rule(s) in force"), "{}", ran.stderr);
    }
    let listed = done(dir.path(), "rules list --ledger L").stdout;
    assert!(listed.contains("  binding-table  1 row(s)\n"), "{listed}");
    assert!(listed.contains("  east  vpp-det44: 100.64.0.0/18 to "), "{listed}");
    let ran = portledger(
        dir.path(),
        &["resolve", "--ledger", "L", "198.51.100.8:1055", "@100", "--protocol", "tcp", "--json"],
    );
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, answer["verdict"].as_str()), (8, Some("unbound")), "{}", ran.stdout);
}
