//! `resolve`: exit codes, the batch contract, written times, raw records.

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use common::{Ran, done, piped, portledger};
use serde_json::Value;
use tempfile::TempDir;

const BLOCKS: &str = "\
outside,first,last,inside,start,end
203.0.113.7,1024,2047,100.64.0.10,2026-11-02T00:00:00Z,2026-11-02T06:00:00Z
203.0.113.7,2048,3071,100.64.0.11,2026-11-02T00:00:00Z,2026-11-02T06:00:00Z
203.0.113.7,3072,4095,100.64.0.12,2026-11-02T01:00:00Z,2026-11-02T02:00:00Z
203.0.113.7,4096,5119,100.64.0.10,2026-11-02T03:00:00Z,2026-11-02T04:00:00Z
203.0.113.7,4096,5119,100.64.0.11,2026-11-02T03:30:00Z,2026-11-02T04:30:00Z
203.0.113.7,5120,6143,100.64.0.10,2026-11-02T01:00:00Z,2026-11-02T03:00:00Z
203.0.113.7,5120,6143,100.64.0.11,2026-11-02T03:00:00Z,2026-11-02T05:00:00Z
";
/// The second id would break a list joined by semicolons.
const LEASES: &str = "\
inside,subscriber,start,end
100.64.0.10,alice,2026-11-01T00:00:00Z,2026-11-03T00:00:00Z
100.64.0.11,b;o%b,2026-11-01T00:00:00Z,2026-11-03T00:00:00Z
";
/// Flows towards two destinations, in a log that records them.
const FLOWS: &str = "\
event,time,proto,inside,outside,port,dst,dport
session_create,2026-11-02T02:00:00.250Z,tcp,100.64.0.10,203.0.113.9,20000,192.0.2.10,443
session_create,2026-11-02T02:00:00.500Z,tcp,100.64.0.11,203.0.113.9,20000,192.0.2.20,443
session_delete,2026-11-02T02:10:00.250Z,tcp,100.64.0.10,203.0.113.9,20000,192.0.2.10,443
session_delete,2026-11-02T02:10:00.500Z,tcp,100.64.0.11,203.0.113.9,20000,192.0.2.20,443
";

fn ledger() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("blocks.csv", BLOCKS), ("leases.csv", LEASES), ("flows.csv", FLOWS)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let covers = "--covers 2026-11-02T00:00:00Z/2026-11-02T06:00:00Z";
    for line in [
        "pools add --ledger L 203.0.113.0/29 --device cgn --ports 1024-65535".to_owned(),
        format!("import --ledger L --format csv --source cgn --profile exact {covers} blocks.csv"),
        format!("import --ledger L --format csv --source edge {covers} flows.csv"),
        "subscribers import --ledger L --format csv leases.csv".to_owned(),
        "expire --ledger L --older-than 2026-11-02T00:30:00Z".to_owned(),
    ] {
        done(dir.path(), &line);
    }
    dir
}

fn resolve(dir: &Path, words: &str) -> Ran {
    let words: Vec<&str> =
        ["resolve", "--ledger", "L"].into_iter().chain(words.split_whitespace()).collect();
    portledger(dir, &words)
}

fn json(dir: &Path, words: &str) -> Value {
    let ran = resolve(dir, &format!("{words} --json"));
    assert_eq!(ran.stdout.lines().count(), 1, "one object an answer: {}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn each_verdict_has_its_exit_code_and_says_its_name_first() {
    let dir = ledger();
    for (words, verdict, code) in [
        ("203.0.113.7:1500 2026-11-02T02:00:00Z", "unique", 0),
        ("203.0.113.7:5200 2026-11-02T02:59:59Z", "ambiguous", 3),
        ("203.0.113.7:1500 2026-11-02T07:00:00Z", "not-covered", 4),
        ("203.0.113.7:4100 2026-11-02T03:45:00Z", "conflict", 5),
        ("203.0.113.7:1500 2026-11-02T00:10:00Z", "purged", 6),
        ("192.0.2.1:1500 2026-11-02T02:00:00Z", "not-ours", 7),
        ("203.0.113.7:3100 2026-11-02T01:30:00Z", "unbound", 8),
        ("203.0.113.7:7000 2026-11-02T02:00:00Z", "free", 9),
    ] {
        let ran = resolve(dir.path(), words);
        assert_eq!(ran.code, code, "{words}\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stdout.split_whitespace().next(), Some(verdict), "{words}");
        let answer = json(dir.path(), words);
        assert_eq!(answer["verdict"], verdict);
        assert_eq!(answer["subscriber"].is_string(), verdict == "unique", "{words}");
    }
}

#[test]
fn bad_usage_is_exit_2_with_nothing_on_standard_output() {
    let dir = ledger();
    for (words, why) in [
        ("203.0.113.7:1500 2026-11-02T02:00:00", "--timezone"),
        ("203.0.113.7:1500 yesterday", "yesterday"),
        ("203.0.113.7:99999 2026-11-02T02:00:00Z", "99999"),
        ("203.0.113.7:1500 2026-11-02T02:00:00Z --protocol tcpp", "tcpp"),
        ("203.0.113.7:1500 2026-11-02T02:00:00Z --timezone Mars/Base", "Mars/Base"),
        ("203.0.113.7:1500", "TIME"),
        ("--batch missing.csv --input csv", "missing.csv"),
        ("--batch blocks.csv --input csv", "outside"),
    ] {
        let ran = resolve(dir.path(), words);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{words}");
        assert!(ran.stderr.contains(why), "{words}: {}", ran.stderr);
    }
    let ran = portledger(dir.path(), &["resolve", "--ledger", "none", "203.0.113.7", "@5"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("none"), "{}", ran.stderr);
    assert!(!dir.path().join("none").exists(), "asking makes no ledger");
}

#[test]
fn a_written_time_is_the_interval_that_its_digits_cut_off() {
    let dir = ledger();
    let window = |words: &str| {
        json(dir.path(), &format!("203.0.113.7:1500 {words}"))["inquiry"]["window"].clone()
    };
    // 1793584800 is 2026-11-02T02:00:00Z.
    let second = "2026-11-02T02:00:00Z/2026-11-02T02:00:01.15Z";
    for same in [
        "2026-11-02T02:00:00Z",
        "2026-11-02T11:00:00+09:00",
        "2026-11-02T11:00:00 --timezone Asia/Tokyo",
        "@1793584800",
    ] {
        assert_eq!(window(same), second, "{same}");
    }
    assert_eq!(window("@1793584800.5"), "2026-11-02T02:00:00.5Z/2026-11-02T02:00:00.75Z");
    assert_eq!(window("@1793584800.250"), "2026-11-02T02:00:00.25Z/2026-11-02T02:00:00.401Z");
    let tolerant = window("2026-11-02T02:00:00Z --tolerance -5s/+0s");
    assert_eq!(tolerant, "2026-11-02T01:59:55Z/2026-11-02T02:00:01.15Z");
}

#[test]
fn several_destinations_mean_any_one_of_them() {
    let dir = ledger();
    let answer =
        |to: &str| json(dir.path(), &format!("203.0.113.9:20000 2026-11-02T02:05:00Z {to}"));
    assert_eq!(answer("")["discriminators"], serde_json::json!(["destination"]));
    assert_eq!(answer("--to 192.0.2.10:443")["subscriber"], "alice");
    assert_eq!(answer("--to 192.0.2.20")["subscriber"], "b;o%b");
    let both = answer("--to 192.0.2.10:443 --to 192.0.2.20:443");
    assert_eq!((&both["verdict"], &both["candidate_count"]), (&"ambiguous".into(), &2.into()));
    let neither = answer("--to 192.0.2.10:80 --to 192.0.2.30:443");
    assert_eq!(neither["reason"], "other-destination");
}

const QUESTIONS: &str = "\
time,id,port,public_ip,tolerance
2026-11-02T02:00:00Z,u,1500,203.0.113.7,
2026-11-02T07:00:00Z,nc,1500,203.0.113.7,
2026-11-02T02:59:00Z,near,5200,203.0.113.7,
2026-11-02T02:59:00Z,wide,5200,203.0.113.7,2m
2026-11-02T02:00:00Z,bad,70000,203.0.113.7,
2026-11-02T01:30:00Z,unb,3100,203.0.113.7,
2026-11-02T02:00:00,zone,1500,203.0.113.7,
2026-11-02T01:30:00Z,all,,203.0.113.7,
2026-11-02T02:00:00Z,,2500,203.0.113.7,
";

fn batch(dir: &Path, more: &str) -> Ran {
    fs::write(dir.join("questions.csv"), QUESTIONS).unwrap();
    let ran = resolve(dir, &format!("--batch questions.csv --input csv {more}"));
    assert_eq!(ran.code, 0, "every row was answered: {}", ran.stderr);
    ran
}

#[test]
fn the_csv_of_a_batch_is_the_contract() {
    let dir = ledger();
    let ran = batch(dir.path(), "--output csv");
    assert_eq!(
        ran.stdout.lines().next(),
        Some(
            "id,verdict,reason,subscriber,inside,basis,candidates,candidate_count,margin_earlier_s,margin_later_s,\
             other_earlier_s,other_later_s,source,detail"
        )
    );
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    let rows: Vec<HashMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let ids: Vec<&str> = rows.iter().map(|r| r["id"].as_str()).collect();
    assert_eq!(ids, ["u", "nc", "near", "wide", "bad", "unb", "zone", "all", "9"], "as asked");
    let row = |id: &str| rows.iter().find(|r| r["id"] == id).unwrap();
    let fields = |id: &str, names: &[&str]| -> Vec<&str> {
        names.iter().map(|n| row(id)[*n].as_str()).collect()
    };

    let who = ["verdict", "subscriber", "candidates", "candidate_count", "inside", "basis"];
    assert_eq!(fields("u", &who), ["unique", "alice", "alice", "1", "100.64.0.10", "used"]);
    assert_eq!(row("u")["source"], "cgn:36", "the source and the offset of the record");
    assert_eq!(
        fields("unb", &who),
        ["unbound", "", "host:100.64.0.12", "1", "100.64.0.12", "used"]
    );
    // In a list, semicolons and percents of an id are encoded; the one subscriber stands as it is.
    assert_eq!(fields("9", &who[..3]), ["unique", "b;o%b", "b%3Bo%25b"]);
    assert_eq!(fields("wide", &who[..4]), ["ambiguous", "", "alice;b%3Bo%25b", "2"]);
    assert_eq!(row("all")["candidates"], "alice;b%3Bo%25b;host:100.64.0.12");
    assert_eq!(row("all")["candidate_count"], "3");

    let margins = ["margin_earlier_s", "margin_later_s", "other_earlier_s", "other_later_s"];
    // Recorded time ends before anything changes: the deletion at 00:30 and the end at 06:00.
    assert_eq!(fields("u", &margins), [">=5400", ">=14398.85", "", ""]);
    // 02:59:01.15 to the next tenant at 03:00:00.
    assert_eq!(fields("near", &margins)[1..], ["58.85", "", "58.85"]);

    let empty = fields("bad", &["reason", "subscriber", "candidates", "candidate_count", "source"]);
    assert_eq!((&*row("bad")["verdict"], empty), ("invalid", vec![""; 5]));
    assert!(row("bad")["detail"].contains("70000"), "{:?}", row("bad"));
    assert!(row("zone")["detail"].contains("--timezone"), "{:?}", row("zone"));
}

#[test]
fn defaults_of_the_command_line_hold_for_rows_that_are_silent() {
    let dir = ledger();
    let ran = batch(dir.path(), "--output csv --timezone UTC --tolerance 2m");
    let verdict = |id: &str| {
        let row = ran.stdout.lines().find(|l| l.starts_with(&format!("{id},"))).unwrap();
        row.split(',').nth(1).unwrap().to_owned()
    };
    assert_eq!(verdict("zone"), "unique");
    assert_eq!(verdict("near"), "ambiguous");
}

#[test]
fn a_batch_comes_as_table_and_ndjson_too_and_from_standard_input() {
    let dir = ledger();
    let ndjson = batch(dir.path(), "--output ndjson").stdout;
    let objects: Vec<Value> = ndjson.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(objects.len(), 9);
    assert_eq!((&objects[0]["id"], &objects[0]["subscriber"]), (&"u".into(), &"alice".into()));
    assert_eq!((&objects[4]["id"], &objects[4]["verdict"]), (&"bad".into(), &"invalid".into()));
    assert!(objects[4]["detail"].as_str().unwrap().contains("70000"));

    let table = batch(dir.path(), "").stdout;
    assert_eq!(table, batch(dir.path(), "--output table").stdout, "the table is the default");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 10);
    assert!(
        lines[1].starts_with("u ") && lines[1].contains("unique") && lines[1].contains("alice")
    );
    assert!(lines[5].starts_with("bad ") && lines[5].contains("invalid"), "{}", lines[5]);

    let args = ["resolve", "--ledger", "L", "--batch", "-", "--input", "csv", "--output", "ndjson"];
    let ran = piped(dir.path(), &args, QUESTIONS);
    assert_eq!((ran.code, ran.stdout), (0, ndjson));
}

#[test]
fn raw_records_are_shown_until_the_log_is_changed_or_gone() {
    let dir = ledger();
    let question = "203.0.113.7:1500 2026-11-02T02:00:00Z --raw";
    let record = BLOCKS.lines().nth(1).unwrap();
    let text = resolve(dir.path(), question).stdout;
    assert!(text.contains(record), "{text}");
    let raw = json(dir.path(), question)["raw"].clone();
    assert_eq!((&raw[0]["text"], &raw[0]["offset"]), (&record.into(), &36.into()));
    assert_eq!(raw[0]["sha256"].as_str().map(str::len), Some(64));
    assert!(json(dir.path(), &question.replace(" --raw", "")).get("raw").is_none());

    let log = dir.path().join("blocks.csv");
    fs::write(&log, BLOCKS.replace("100.64.0.12", "100.64.0.13")).unwrap();
    for gone in [false, true] {
        if gone {
            fs::remove_file(&log).unwrap();
        }
        let ran = resolve(dir.path(), question);
        assert!(ran.stdout.contains("raw unavailable"), "{}", ran.stdout);
        assert!(!ran.stdout.contains(record), "a changed file proves nothing: {}", ran.stdout);
        assert_eq!(ran.code, 0, "the answer rests on the ledger");
        assert_eq!(json(dir.path(), question)["raw"][0]["text"], Value::Null);
    }
}

#[test]
fn every_command_shows_an_example() {
    let dir = tempfile::tempdir().unwrap();
    let help = |words: &[&str]| {
        let ran = portledger(dir.path(), &[words, &["--help"]].concat());
        assert_eq!(ran.code, 0, "{words:?}");
        ran.stdout
    };
    for words in [
        &["demo"][..],
        &["synth"],
        &["pools", "add"],
        &["import"],
        &["rules", "add"],
        &["rules", "list"],
        &["subscribers", "import"],
        &["resolve"],
        &["events"],
        &["info"],
        &["verify"],
        &["expire"],
    ] {
        let text = help(words);
        let example = format!("portledger {}", words.join(" "));
        assert!(text.contains("Example") && text.contains(&example), "{text}");
    }
    assert!(help(&[]).contains("portledger demo"));
}
