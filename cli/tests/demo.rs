//! The tour, and the synthetic provider: what they print is what the commands give.

mod common;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Ran, done, portledger};
use serde_json::Value;

/// The lines that `demo --json` prints.
fn questions(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

/// Runs a printed command as the shell would, with further arguments.
fn rerun(dir: &Path, command: &str, more: &str) -> Ran {
    let words = command.strip_prefix("portledger ").expect("every command is ours");
    assert!(!words.contains('\''), "this test splits at blanks: {command}");
    let words: Vec<&str> = words.split(' ').chain(more.split_whitespace()).collect();
    portledger(dir, &words)
}

#[test]
fn every_answer_is_what_resolve_says_of_the_kept_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let demo = done(dir.path(), "demo --json --keep kept");
    let questions = questions(&demo);
    let mut verdicts = BTreeSet::new();
    for shown in &questions {
        let command = text(shown, "command");
        let again = rerun(dir.path(), command, "--json");
        let answer: Value = serde_json::from_str(&again.stdout).unwrap();
        for key in [
            "verdict",
            "reason",
            "subscriber",
            "candidates",
            "candidate_count",
            "margins",
            "detail",
            "inquiry",
            "discriminators",
        ] {
            assert_eq!(answer[key], shown["answer"][key], "{key} of {command}");
            assert!(answer.get(key).is_some(), "{key}");
        }
        let verdict = text(&shown["answer"], "verdict").to_owned();
        let code = [
            ("unique", 0),
            ("ambiguous", 3),
            ("not-covered", 4),
            ("conflict", 5),
            ("purged", 6),
            ("not-ours", 7),
            ("unbound", 8),
            ("free", 9),
        ];
        assert!(code.contains(&(&*verdict, again.code)), "{verdict} {}", again.code);
        assert!(!text(shown, "question").is_empty() && !text(shown, "story").is_empty());
        verdicts.insert(verdict);
    }
    let all =
        ["ambiguous", "conflict", "free", "not-covered", "not-ours", "purged", "unbound", "unique"];
    assert!(verdicts.iter().eq(all), "{verdicts:?}");
}

#[test]
fn the_prose_holds_the_same_answers_and_is_the_same_on_every_run() {
    let dir = tempfile::tempdir().unwrap();
    let prose = done(dir.path(), "demo").stdout;
    let kept = done(dir.path(), "demo --keep demo").stdout;
    let without_hint = |text: &str| {
        text.lines().filter(|l| !l.contains("To run the commands yourself")).collect::<String>()
    };
    assert_eq!(without_hint(&prose), without_hint(&kept));
    assert!(prose.is_ascii() && !prose.contains('\u{1b}'), "no colour, no odd letters");

    let asked: Vec<&str> = kept.lines().filter_map(|l| l.strip_prefix("   $ ")).collect();
    assert_eq!(asked.len(), 17);
    for command in asked {
        let answer = rerun(dir.path(), command, "").stdout;
        let shown: Vec<String> = answer.lines().map(|l| format!("   {l}")).collect();
        let shown = format!("   $ {command}\n{}\n\n", shown.join("\n"));
        assert!(kept.contains(&shown), "{shown}");
    }
    assert!(kept.trim_end().ends_with("0 of the answers are wrong."), "{kept}");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["demo"], "without --keep nothing is left");
}

#[test]
fn each_story_shows_what_it_promises() {
    let dir = tempfile::tempdir().unwrap();
    let questions = questions(&done(dir.path(), "demo --json"));
    let answer = |title: &str| {
        let found = questions.iter().find(|q| text(q, "question").contains(title));
        &found.unwrap_or_else(|| panic!("no question about `{title}`"))["answer"]
    };
    let names = |title: &str| -> Vec<String> {
        let name =
            |c: &Value| c["name"]["subscriber"].as_str().unwrap_or("?").replace("@isp.example", "");
        answer(title)["candidates"].as_array().unwrap().iter().map(name).collect()
    };
    let is = |title: &str, verdict: &str, reason: &str, who: &[&str]| {
        let a = answer(title);
        assert_eq!((text(a, "verdict"), text(a, "reason")), (verdict, reason), "{title}");
        assert_eq!(names(title), who, "{title}");
    };
    is("40 minutes", "unique", "used", &["alice"]);
    is("within a millisecond", "unique", "used", &["erin"]);
    is("address that moved", "unique", "used", &["bob"]);
    is("TCP is one", "ambiguous", "several-holders", &["frank", "grace"]);
    is("same with that fact", "unique", "used", &["grace"]);
    is("middle of a block", "unique", "used", &["heidi"]);
    is("Between two", "free", "idle", &[]);
    is("with a margin", "unique", "used", &["kim"]);
    is("beyond that margin", "ambiguous", "several-holders", &["kim", "lee"]);
    is("No port", "ambiguous", "several-holders", &["mallory", "pat", "?"]);
    is("only one can hold", "conflict", "two-holders-of-an-exclusive-key", &["mallory", "niaj"]);
    is("only arithmetic", "unique", "rule", &["olivia"]);
    is("gives to nobody", "free", "excluded-port", &[]);
    is("nobody can name", "unbound", "no-binding", &["?"]);
    is("Deleted", "purged", "expired", &[]);
    is("Not recorded", "not-covered", "outside-records", &[]);
    is("Somebody else", "not-ours", "never-seen", &[]);

    assert_eq!(answer("TCP is one")["discriminators"], serde_json::json!(["protocol"]));
    assert_eq!(answer("No port")["candidate_count"], 3);
    assert!(
        answer("address that moved")["candidates"][0]["notes"][0]
            .as_str()
            .is_some_and(|note| note.contains("carol@isp.example"))
    );
    // The margin of the one question predicts the other.
    let margin: f64 = text(&answer("with a margin")["margins"], "other_later_s").parse().unwrap();
    assert!(margin < 30.0, "{margin}");
    assert_eq!(answer("beyond that margin")["inquiry"]["tolerance"], "30s");
}

#[test]
fn a_directory_in_use_is_not_written_into() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "precious").unwrap();
    let ran = portledger(dir.path(), &["demo", "--keep", "."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("not empty"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_commands_of_synth_import_it_and_no_answer_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let synth = done(dir.path(), "synth --out isp --subscribers 120 --hours 1 --seed 3");
    assert!(synth.stderr.contains("sessions"), "{}", synth.stderr);
    let commands = synth.stdout.lines().count();
    assert!(commands >= 8, "{}", synth.stdout);
    let shell =
        Command::new("sh").args(["-ec", &synth.stdout]).current_dir(dir.path()).output().unwrap();
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));

    let rows = |name: &str| -> Vec<HashMap<String, String>> {
        let mut reader = csv::Reader::from_path(dir.path().join("isp").join(name)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    };
    let truth: HashMap<String, String> =
        rows("truth.csv").into_iter().map(|r| (r["id"].clone(), r["subscriber"].clone())).collect();
    let answers = rows("answers.csv");
    assert_eq!(answers.len(), truth.len());
    assert!(answers.len() > 1_500);
    let mut right = 0;
    for answer in &answers {
        let sender = &truth[&answer["id"]];
        let is_candidate = answer["candidates"].split(';').any(|c| c == sender);
        match answer["verdict"].as_str() {
            "unique" => {
                assert_eq!(answer["subscriber"], *sender, "{answer:?}");
                right += 1;
            }
            "ambiguous" => assert!(is_candidate || sender == "none", "{answer:?}"),
            "free" | "unbound" => assert_eq!(sender, "none", "{answer:?}"),
            other => panic!("{other}: {answer:?}"),
        }
    }
    assert!(right * 10 > answers.len() * 8, "{right} of {}", answers.len());
}

#[test]
fn synth_writes_the_same_bytes_again_and_refuses_a_directory_with_a_ledger() {
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), "synth --out a --subscribers 30 --hours 1 --seed 5");
    done(dir.path(), "synth --out b --subscribers 30 --hours 1 --seed 5");
    for name in ["conntrack-cgn-a.log", "questions.csv", "truth.csv"] {
        let read = |d: &str| fs::read(dir.path().join(d).join(name)).unwrap();
        assert_eq!(read("a"), read("b"), "{name}");
    }
    fs::create_dir(dir.path().join("a/ledger")).unwrap();
    let again = portledger(dir.path(), &["synth", "--out", "a"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("a/ledger"), "{}", again.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("'{}' demo | head -n 1", env!("CARGO_BIN_EXE_portledger"));
    let shell = Command::new("sh").args(["-c", &line]).current_dir(dir.path()).output().unwrap();
    assert!(shell.stderr.is_empty(), "{}", String::from_utf8_lossy(&shell.stderr));
}
