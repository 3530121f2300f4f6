//! The lab recording, answered through the command line and held against what really happened.
//!
//! The recording is real kernels, servers, RADIUS and DHCP; who sent a request is known by a token in its payload,
//! never by a NAT log. It is looked for in `../shared/lab` beside the checkout, or in `PORTLEDGER_LAB`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn lab() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/lab");
    let dir = std::env::var_os("PORTLEDGER_LAB").map_or(beside, PathBuf::from);
    if dir.join("query.csv").exists() {
        return Some(dir);
    }
    println!("skipped: no data");
    None
}

fn portledger(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_portledger")).args(args).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "portledger {args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn table(path: &Path) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// How the answers stand against the truth.
#[derive(Debug, Default)]
struct Score {
    people: u32,
    right: u32,
    wrong: u32,
    false_free: u32,
    unanswered: u32,
    overclaimed: u32,
    named_nobody: u32,
}

impl Score {
    fn right_share(&self) -> f64 {
        f64::from(self.right) / f64::from(self.people)
    }
}

/// The conntrack logs of both NATs.
const CONNTRACK: [[&str; 3]; 2] =
    [["cgnA", "conntrack", "cgnA/conntrack_E.log"], ["cgnB", "conntrack", "cgnB/conntrack_E.log"]];

/// Imports the conntrack logs with `profile`, asks and scores.
fn score(lab: &Path, profile: Option<&str>, with_destination: bool) -> Score {
    let logs = CONNTRACK.map(|[source, format, file]| (source, format, file, profile));
    score_logs(lab, &logs, with_destination)
}

/// Imports NAT logs (source, format, file, profile), the rules and the accounting, asks every question, and scores.
fn score_logs(
    lab: &Path,
    logs: &[(&str, &str, &str, Option<&str>)],
    with_destination: bool,
) -> Score {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    let ledger = ledger.to_str().unwrap();
    for (source, format, log, profile) in logs {
        let log = lab.join(log);
        let mut args = vec!["import", "--ledger", ledger, "--format", format, "--source", source];
        args.extend(profile.iter().flat_map(|p| ["--profile", p]));
        args.push(log.to_str().unwrap());
        portledger(&args);
    }
    let rules = lab.join("br/softwire-br.json");
    let from = "2026-11-01T00:00:00Z";
    portledger(&["rules", "add", "--ledger", ledger, "--from", from, rules.to_str().unwrap()]);
    for file in ["detail-cgnA", "detail-cgnB", "detail-br"] {
        let file = lab.join("radius").join(file);
        let file = file.to_str().unwrap();
        portledger(&[
            "subscribers",
            "import",
            "--ledger",
            ledger,
            "--format",
            "radius-detail",
            file,
        ]);
    }
    let (asked, truths) = if with_destination {
        ("query.csv", "answer.csv")
    } else {
        ("query_nodst.csv", "answer_nodst.csv")
    };
    let mut questions = "id,public_ip,port,protocol,time,to_ip,to_port\n".to_owned();
    for q in table(&lab.join(asked)) {
        let to_port =
            if q["proto"] == "icmp" || q["dst_ip"].is_empty() { "" } else { &q["dst_port"] };
        writeln!(
            questions,
            "{},{},{},{},@{},{},{to_port}",
            q["qid"], q["public_ip"], q["port"], q["proto"], q["time"], q["dst_ip"]
        )
        .unwrap();
    }
    let file = dir.path().join("questions.csv");
    fs::write(&file, questions).unwrap();
    let file = file.to_str().unwrap();
    let answers = portledger(&[
        "resolve", "--ledger", ledger, "--batch", file, "--input", "csv", "--output", "csv",
    ]);
    let answers: HashMap<String, HashMap<String, String>> =
        csv::Reader::from_reader(answers.as_bytes())
            .deserialize()
            .map(|row| row.unwrap())
            .map(|row: HashMap<String, String>| (row["id"].clone(), row))
            .collect();
    let user: HashMap<String, String> = table(&lab.join("truth/subscribers.csv"))
        .into_iter()
        .map(|mut row| (row.remove("sub").unwrap(), row.remove("user").unwrap()))
        .collect();
    let mut score = Score::default();
    for truth in table(&lab.join(truths)) {
        let said = &truth["answer"];
        let sub = match truth.get("true_sub") {
            Some(sub) => sub,
            None => said,
        };
        let person = (sub != "none").then(|| user[sub].as_str());
        score.people += u32::from(person.is_some());
        let Some(answer) = answers.get(&truth["qid"]) else {
            score.unanswered += 1;
            continue;
        };
        let unique = answer["verdict"] == "unique";
        match person {
            Some(person) if unique && answer["subscriber"] != person => score.wrong += 1,
            Some(_) if unique && said == "ambiguous" => score.overclaimed += 1,
            Some(_) if unique => score.right += 1,
            Some(_) if answer["verdict"] == "free" => score.false_free += 1,
            Some(_) => {}
            None if unique => score.wrong += 1,
            None => score.named_nobody += 1,
        }
    }
    println!(
        "{logs:?} with destination {with_destination}: {score:?} {:.3} %",
        100.0 * score.right_share()
    );
    assert!(score.people > 9_000, "{score:?}: are these the lab's questions?");
    assert_eq!((score.wrong, score.false_free, score.unanswered), (0, 0, 0), "{score:?}");
    score
}

#[test]
fn with_destination_nobody_is_wronged_and_nearly_everybody_found() {
    let Some(lab) = lab() else { return };
    let score = score(&lab, None, true);
    assert!(score.right_share() >= 0.999, "{score:?}");
    assert_eq!(score.named_nobody, 60, "negatives that were rejected: {score:?}");
}

#[test]
fn without_destination_nobody_is_wronged_or_overclaimed() {
    let Some(lab) = lab() else { return };
    let score = score(&lab, None, false);
    assert_eq!(score.overclaimed, 0, "{score:?}");
    assert!(score.right_share() >= 0.97, "{score:?}");
}

#[test]
fn without_a_profile_nobody_is_wronged() {
    let Some(lab) = lab() else { return };
    for with_destination in [true, false] {
        let score = score(&lab, Some("unknown"), with_destination);
        assert!(score.right_share() >= 0.94, "{score:?}");
    }
}

/// cgnA by its NAT events in IPFIX (RFC 8158), cgnB by conntrack.
fn ipfix(profile: Option<&str>) -> [(&str, &str, &str, Option<&str>); 2] {
    [
        ("cgnA", "ipfix", "cgnA/nat_events.ipfix", profile),
        ("cgnB", "conntrack", "cgnB/conntrack_E.log", None),
    ]
}

/// What an operator of that box may know: nobody flushed its table, and the shortest TCP timeout is two seconds.
const OPERATOR: &str = r#"{
    "name": "cgn-a", "version": 1, "late": "500ms", "end_is": "event", "kills": "none",
    "idle": { "least": [["tcp", "1s"], ["udp", "9s"], ["icmp", "4s"]] },
    "key_has_destination": true, "exclusive": true
}"#;

#[test]
fn nat_events_in_ipfix_wrong_nobody() {
    let Some(lab) = lab() else { return };
    for (profile, with_destination, least) in [
        (None, true, 0.98),
        (Some("rfc8158"), true, 0.98),
        (Some("rfc8158"), false, 0.94),
        (Some("linux-conntrack-export"), true, 0.99),
        (Some("linux-conntrack-export"), false, 0.94),
    ] {
        let score = score_logs(&lab, &ipfix(profile), with_destination);
        assert!(score.right_share() >= least, "{profile:?}: {score:?}");
        assert_eq!(score.overclaimed, 0, "{profile:?}: {score:?}");
    }
}

#[test]
fn nat_events_in_ipfix_find_nearly_everybody_for_who_knows_the_box() {
    let Some(lab) = lab() else { return };
    let dir = tempfile::tempdir().unwrap();
    let profile = dir.path().join("cgn-a.json");
    fs::write(&profile, OPERATOR).unwrap();
    let profile = profile.to_str();
    let score = score_logs(&lab, &ipfix(profile), true);
    assert!(score.right_share() >= 0.999, "{score:?}");
    assert_eq!(score.named_nobody, 60, "negatives that were rejected: {score:?}");
    let score = score_logs(&lab, &ipfix(profile), false);
    assert_eq!(score.overclaimed, 0, "{score:?}");
    assert!(score.right_share() >= 0.95, "{score:?}");
}
