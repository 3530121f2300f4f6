//! The lab recording, answered through the command line and held against what really happened.
//!
//! The recording is real kernels, servers, RADIUS and DHCP; who sent a request is known by a token in its payload,
//! never by a NAT log. It is looked for in `../shared/lab` beside the checkout, or in `PORTLEDGER_LAB`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn lab() -> Option<PathBuf> {
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

/// A NAT log of the recording: its device, its format, what else the import is told, and the file.
pub(crate) type Log<'a> = (&'a str, &'a str, &'a [&'a str], PathBuf);

/// How the answers stand against the truth.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) people: u32,
    pub(crate) right: u32,
    pub(crate) wrong: u32,
    pub(crate) false_free: u32,
    pub(crate) unanswered: u32,
    pub(crate) overclaimed: u32,
    pub(crate) named_nobody: u32,
}

impl Score {
    pub(crate) fn right_share(&self) -> f64 {
        f64::from(self.right) / f64::from(self.people)
    }
}

/// Imports the NAT logs, the rules and the accounting, asks every question, and scores: nobody may be accused wrongly.
pub(crate) fn score(lab: &Path, logs: &[Log<'_>], with_destination: bool) -> Score {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    let ledger = ledger.to_str().unwrap();
    for (source, format, more, log) in logs {
        let mut args = vec!["import", "--ledger", ledger, "--format", format, "--source", source];
        args.extend_from_slice(more);
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
    let formats: Vec<&str> = logs.iter().map(|log| log.1).collect();
    println!(
        "{formats:?} with destination {with_destination}: {score:?} {:.3} %",
        100.0 * score.right_share()
    );
    assert!(score.people > 9_000, "{score:?}: are these the lab's questions?");
    assert_eq!((score.wrong, score.false_free, score.unanswered), (0, 0, 0), "{score:?}");
    score
}
