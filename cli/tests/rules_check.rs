//! Rules and logs of one address, through the command line: `resolve`, and `rules check --ledger`.

mod common;

use std::fs;
use std::path::Path;

use common::{Ran, done, portledger};
use serde_json::Value;
use tempfile::TempDir;

/// RFC 7422 section 2.3: 14 hosts with 4032 ports each from 1024 on, and ports handed out on demand from 57472 on.
const RULES: &str = r#"{"detnat": {"algorithm": "rfc7422", "name": "det", "order": "address-major", "dynamic_factor": 2,
    "reserved": "0-1023", "inside": "198.51.100.1-198.51.100.14", "outside": "192.0.2.1"}}"#;

const HEADER: &str = "inside,outside,first,last,start,end\n";
/// A block of the dynamic part.
const DYNAMIC: &str =
    "198.51.100.3,192.0.2.1,57984,58495,2026-11-02T01:00:00Z,2026-11-02T02:00:00Z\n";

fn ledger(log: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("det.json"), RULES).unwrap();
    fs::write(dir.path().join("blocks.csv"), format!("{HEADER}{log}")).unwrap();
    let people: Vec<String> = (1..=14).map(|n| format!("198.51.100.{n},sub-{n},,")).collect();
    let people = people.join("\n");
    fs::write(dir.path().join("people.csv"), format!("inside,subscriber,start,end\n{people}"))
        .unwrap();
    for line in [
        "rules add --ledger L --from 2026-11-01T00:00:00Z det.json",
        "import --ledger L --format csv --source cgn-1 --profile exact \
         --covers 2026-11-02T00:00:00Z/2026-11-03T00:00:00Z blocks.csv",
        "subscribers import --ledger L --format csv people.csv",
    ] {
        done(dir.path(), line);
    }
    dir
}

/// Exit code, and the first words of the answer.
fn resolve(dir: &Path, port: u16, time: &str) -> (i32, Value) {
    let public = format!("192.0.2.1:{port}");
    let args = ["resolve", "--ledger", "L", &public, time, "--protocol", "tcp", "--json"];
    let ran = portledger(dir, &args);
    (ran.code, serde_json::from_str(&ran.stdout).unwrap())
}

fn check(dir: &Path, more: &[&str]) -> Ran {
    portledger(dir, &[&["rules", "check", "--ledger", "L"], more].concat())
}

#[test]
fn rules_and_logs_answer_for_their_own_parts_of_an_address() {
    let dir = ledger(DYNAMIC);
    let time = "2026-11-02T01:30:00Z";
    for (port, code, reason, subscriber) in [
        (2001, 0, "rule", Some("sub-1")),
        (57_471, 0, "rule", Some("sub-14")),
        (58_204, 0, "used", Some("sub-3")), // the port that the RFC's text asks about
        (58_496, 9, "idle", None),
    ] {
        let (ran, answer) = resolve(dir.path(), port, time);
        assert_eq!((ran, answer["reason"].as_str()), (code, Some(reason)), "{port}: {answer}");
        assert_eq!(answer["subscriber"].as_str(), subscriber, "{port}");
    }
    // Beyond the declared time of the log only the rule still speaks.
    let late = "2026-11-05T00:00:00Z";
    let (code, answer) = resolve(dir.path(), 58_204, late);
    assert_eq!((code, answer["reason"].as_str()), (4, Some("outside-records")));
    assert_eq!(resolve(dir.path(), 2001, late).0, 0);

    let ran = check(dir.path(), &[]);
    let summary = "0 contradiction(s) between 1 rule set(s) and 1 allocation(s)\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", summary));
}

/// A host that the rule gives other ports, and a port that it gives to nobody.
const WRONG: &str = "198.51.100.2,192.0.2.1,5000,5063,2026-11-02T03:00:00Z,2026-11-02T04:00:00Z\n\
                     198.51.100.1,192.0.2.1,80,80,2026-11-02T03:00:00Z,2026-11-02T04:00:00Z\n";

#[test]
fn every_contradiction_is_listed_with_both_sides() {
    let dir = ledger(&format!("{DYNAMIC}{WRONG}"));
    let (code, answer) = resolve(dir.path(), 5055, "2026-11-02T03:30:00Z");
    assert_eq!((code, answer["reason"].as_str()), (5, Some("rule-against-log")));
    let candidates = answer["candidates"].as_array().unwrap();
    let evidence: Vec<bool> =
        candidates.iter().map(|c| c["evidence"].get("rule").is_some()).collect();
    assert_eq!(evidence, [true, false], "sub-1 by the rule, sub-2 by the log");

    let ran = check(dir.path(), &["--output", "csv"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let offset = HEADER.len() + DYNAMIC.len();
    let first = WRONG.lines().next().unwrap().len();
    let second = WRONG.lines().nth(1).unwrap().len();
    let time = "2026-11-02T03:00:00Z,2026-11-02T04:00:00Z";
    let wanted = format!(
        "kind,public_address,ports,protocol,from,until,log_holder,source,length,rule,rule_version,rule_holder\n\
         excluded-port,192.0.2.1,80,,{time},198.51.100.1,cgn-1:{},{second},det,1,\n\
         other-holder,192.0.2.1,5000-5055,,{time},198.51.100.2,cgn-1:{offset},{first},det,1,198.51.100.1\n",
        offset + first + 1,
    );
    assert_eq!(ran.stdout, wanted);
    assert!(ran.stderr.starts_with("2 contradiction(s) "), "{}", ran.stderr);

    let table = check(dir.path(), &["--raw"]);
    assert_eq!(table.stdout.lines().count(), 1 + 2 * 4, "{}", table.stdout);
    assert!(table.stdout.contains(WRONG.lines().next().unwrap()), "{}", table.stdout);

    let ran = check(dir.path(), &["--output", "ndjson", "--raw"]);
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["raw"][0]["text"], WRONG.lines().next().unwrap());
    assert_eq!(lines[1]["log"]["records"]["records"][0]["offset"], offset);
    assert_eq!((&lines[0]["rule_holder"], &lines[1]["ports"]), (&Value::Null, &"5000-5055".into()));

    // The list does not need the log; its lines do.
    fs::remove_file(dir.path().join("blocks.csv")).unwrap();
    let ran = check(dir.path(), &["--output", "csv", "--raw"]);
    assert_eq!(ran.code, 5);
    assert_eq!(ran.stdout.matches(",raw unavailable\n").count(), 2, "{}", ran.stdout);
}

#[test]
fn a_ledger_that_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let ran = check(dir.path(), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert_eq!(portledger(dir.path(), &["rules", "check"]).code, 2);
}
