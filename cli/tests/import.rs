//! `import` and what keeps a ledger: idempotence, whole imports or none, info, verify, expire.

mod common;

use std::fs;
use std::path::Path;

use common::{Ran, done, piped, portledger};
use serde_json::Value;
use tempfile::TempDir;

const LOG: &str = "\
event,time,proto,inside,outside,port,dst,dport
session_create,2026-11-02T02:00:00.250Z,tcp,100.64.0.10,203.0.113.9,20000,192.0.2.10,443
session_delete,2026-11-02T02:10:00.250Z,tcp,100.64.0.10,203.0.113.9,20000,192.0.2.10,443
";
const LEASES: &str = "\
inside,subscriber,start,end
100.64.0.10,alice,2026-11-01T00:00:00Z,2026-11-03T00:00:00Z
";

fn dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log.csv"), LOG).unwrap();
    fs::write(dir.path().join("leases.csv"), LEASES).unwrap();
    dir
}

fn imported() -> TempDir {
    let dir = dir();
    done(dir.path(), "import --ledger L --format csv --source edge log.csv");
    done(dir.path(), "subscribers import --ledger L --format csv leases.csv");
    dir
}

fn run(dir: &Path, line: &str) -> Ran {
    portledger(dir, &line.split_whitespace().collect::<Vec<_>>())
}

/// Every file of the ledger with its bytes.
fn bytes(ledger: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut open = vec![ledger.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_str(&done(dir, "info --ledger L --json").stdout).unwrap()
}

#[test]
fn the_same_import_again_changes_nothing() {
    let dir = imported();
    let before = bytes(&dir.path().join("L"));
    for line in [
        "import --ledger L --format csv --source edge log.csv",
        "import --ledger L --format csv --source edge log.csv log.csv",
        "subscribers import --ledger L --format csv leases.csv",
    ] {
        let again = done(dir.path(), line);
        assert!(again.stderr.contains("nothing to do"), "{line}: {}", again.stderr);
    }
    let args = ["import", "--ledger", "L", "--format", "csv", "--source", "edge", "-"];
    let ran = piped(dir.path(), &args, LOG);
    assert_eq!(ran.code, 0, "the bytes count, not the path: {}", ran.stderr);
    assert_eq!(bytes(&dir.path().join("L")), before);
}

#[test]
fn the_same_bytes_with_other_options_are_refused() {
    let dir = imported();
    let before = bytes(&dir.path().join("L"));
    for (options, named) in [
        ("--source other", "source"),
        ("--source edge --clock-offset 1s", "clock-offset"),
        ("--source edge --profile exact", "profile"),
        ("--source edge --realm blue", "realm"),
        ("--source edge --covers 2026-11-02T00:00:00Z/2026-11-03T00:00:00Z", "covers"),
    ] {
        let ran = run(dir.path(), &format!("import --ledger L --format csv {options} log.csv"));
        assert_eq!(ran.code, 2, "{options}");
        assert!(ran.stderr.contains(named), "{options}: {}", ran.stderr);
        assert_eq!(bytes(&dir.path().join("L")), before, "{options}");
    }
}

#[test]
fn an_error_leaves_no_half_import() {
    let dir = imported();
    let before = bytes(&dir.path().join("L"));
    fs::write(dir.path().join("new.csv"), LOG.replace("20000", "20001")).unwrap();
    fs::write(dir.path().join("bob.csv"), LEASES.replace("alice", "bob")).unwrap();
    for (line, why) in [
        ("import --ledger L --format csv --source edge new.csv missing.csv", "missing.csv"),
        ("import --ledger L --format csv --source edge --profile nope new.csv", "nope"),
        ("import --ledger L --format csv --source edge --covers noon/later new.csv", "noon"),
        ("rules add --ledger L --from 2026-11-02T00:00:00Z new.csv", "new.csv"),
        ("subscribers import --ledger L --format csv bob.csv missing.csv", "missing.csv"),
        ("subscribers import --ledger L --format csv new.csv", "subscriber"),
        ("pools add --ledger L 203.0.113.0/33", "203.0.113.0/33"),
    ] {
        let ran = run(dir.path(), line);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{line}");
        assert!(ran.stderr.contains(why), "{line}: {}", ran.stderr);
        assert_eq!(bytes(&dir.path().join("L")), before, "{line}");
    }
    done(dir.path(), "import --ledger L --format csv --source edge new.csv");
}

#[test]
fn rejects_are_counted_by_reason_and_the_first_damage_is_placed() {
    let dir = dir();
    let rows: Vec<&str> = LOG.lines().collect();
    let damaged = rows[1].replace("203.0.113.9", "203.0.113.999");
    let text = format!("# made by hand\n{}\n{}\n{damaged}\n{}\n", rows[0], rows[1], rows[2]);
    fs::write(dir.path().join("log.csv"), &text).unwrap();
    let ran = done(dir.path(), "import --ledger L --format csv --source edge log.csv");
    let offset = text.find(&damaged).unwrap();
    let column = damaged.find("203.0.113.999").unwrap() + 1;
    for part in [
        "5 records, 2 taken, 3 not".to_owned(),
        "1 bad-address".to_owned(),
        "1 comment".to_owned(),
        format!("line 4 (byte {offset}), column {column}: bad-address"),
    ] {
        assert!(ran.stderr.contains(&part), "`{part}` in {}", ran.stderr);
    }
    let source = &manifest(dir.path())["sources"][0];
    assert_eq!(source["accepted"], 2);
    assert_eq!(source["rejected"]["bad-address"], 1);
}

#[test]
fn a_clock_offset_is_subtracted() {
    let dir = dir();
    done(dir.path(), "import --ledger L --format csv --source edge --clock-offset 60s log.csv");
    let at = |time: &str| {
        let line = format!("resolve --ledger L 203.0.113.9:20000 {time} --json");
        serde_json::from_str::<Value>(&run(dir.path(), &line).stdout).unwrap()
    };
    let answer = at("2026-11-02T01:59:30Z");
    // 02:00:00.250 less a minute, and a second earlier because that log's stamps may be late.
    assert_eq!(answer["verdict"], "unbound");
    assert_eq!(
        answer["candidates"][0]["outer"],
        "2026-11-02T01:58:59.25Z/2026-11-02T02:09:00.251Z"
    );
    assert_ne!(at("2026-11-02T02:09:30Z")["verdict"], "unbound");
}

#[test]
fn absence_is_proved_by_a_declared_time_only() {
    let question = "resolve --ledger L 203.0.113.9:30000 2026-11-02T02:05:00Z";
    let silent = imported();
    assert_eq!(run(silent.path(), question).code, 4, "recorded, but older mappings could stand");
    let declared = dir();
    let covers = "--covers 2026-11-02T02:00:00Z/2026-11-02T03:00:00Z";
    done(
        declared.path(),
        &format!("import --ledger L --format csv --source edge {covers} log.csv"),
    );
    assert_eq!(run(declared.path(), question).code, 9);
    let zoned = dir();
    let covers = "--covers 2026-11-02T11:00:00/2026-11-02T12:00:00 --timezone Asia/Tokyo";
    done(zoned.path(), &format!("import --ledger L --format csv --source edge {covers} log.csv"));
    assert_eq!(run(zoned.path(), question).code, 9, "the zone holds for --covers too");
}

#[test]
fn a_profile_file_says_what_the_stamps_mean_and_is_named_in_the_answer() {
    let dir = dir();
    fs::write(
        dir.path().join("edge.json"),
        r#"{"name": "edge-7", "version": 3, "late": "5s", "end_is": "event", "kills": "none",
            "idle": {"least": [["tcp", "30s"]]}, "key_has_destination": true, "exclusive": true,
            "max_life": "1m"}"#,
    )
    .unwrap();
    done(dir.path(), "import --ledger L --format csv --source edge --profile edge.json log.csv");
    let ran = run(dir.path(), "resolve --ledger L 203.0.113.9:20000 2026-11-02T02:05:00Z --json");
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let candidate = &answer["candidates"][0];
    assert_eq!(candidate["evidence"]["records"]["profile"], "edge-7/3");
    assert_eq!(candidate["outer"], "2026-11-02T01:59:55.25Z/2026-11-02T02:10:00.251Z");
    assert_eq!(candidate["used_until"], "2026-11-02T02:09:30.251Z");
    let free = run(dir.path(), "resolve --ledger L 203.0.113.9:30000 2026-11-02T02:05:00Z");
    assert_eq!(free.code, 9, "max_life settles absence: {}", free.stdout);

    fs::write(dir.path().join("bad.json"), r#"{"name": "x", "lateness": "5s"}"#).unwrap();
    let bad =
        run(dir.path(), "import --ledger M --format csv --source e --profile bad.json log.csv");
    assert_eq!(bad.code, 2);
    assert!(bad.stderr.contains("lateness"), "{}", bad.stderr);
}

#[test]
fn events_piped_into_import_answer_like_the_log_itself() {
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), "synth --out isp --subscribers 40 --hours 1 --seed 9");
    let covers = "2026-11-02T18:00:00Z/2026-11-02T19:00:00Z";
    let details = "isp/detail-cgn-a isp/detail-cgn-b isp/detail-br";
    let answers = |ledger: &str| {
        done(
            dir.path(),
            &format!("subscribers import --ledger {ledger} --format radius-detail {details}"),
        );
        let line =
            format!("resolve --ledger {ledger} --batch isp/questions.csv --input csv --output csv");
        // The place of a record in its source is another in another file; everything else is the same.
        let without_source = |row: csv::StringRecord| -> Vec<String> {
            row.iter().enumerate().filter(|(i, _)| *i != 12).map(|(_, f)| f.to_owned()).collect()
        };
        let out = done(dir.path(), &line).stdout;
        let mut reader = csv::Reader::from_reader(out.as_bytes());
        reader.records().map(|row| without_source(row.unwrap())).collect::<Vec<_>>()
    };
    done(
        dir.path(),
        &format!(
            "import --ledger A --format conntrack --source cgn-a --covers {covers} isp/conntrack-cgn-a.log"
        ),
    );
    let events = done(dir.path(), "events --format conntrack isp/conntrack-cgn-a.log").stdout;
    fs::write(dir.path().join("events.ndjson"), &events).unwrap();
    done(
        dir.path(),
        &format!(
            "import --ledger B --format ndjson --source cgn-a --profile conntrack --covers {covers} events.ndjson"
        ),
    );
    let direct = answers("A");
    assert!(direct.iter().filter(|row| row[1] == "unique").count() > 400, "{:?}", &direct[..5]);
    assert_eq!(direct, answers("B"));
}

#[test]
fn info_says_what_the_ledger_holds_and_for_which_time() {
    let dir = imported();
    done(dir.path(), "pools add --ledger L 203.0.113.0/24 --ports 1024-65535 --device edge");
    let text = done(dir.path(), "info --ledger L").stdout;
    for part in
        ["1 allocations", "1 bindings", "edge", "2 taken, 1 not", "203.0.113.0/24", "1024-65535"]
    {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    let address = done(dir.path(), "info --ledger L 203.0.113.9").stdout;
    assert!(address.contains("2026-11-02T02:00:00.25Z/2026-11-02T02:10:00.250001Z"), "{address}");
    let other = done(dir.path(), "info --ledger L 192.0.2.1").stdout;
    assert!(other.contains("no log of it"), "{other}");
    assert_eq!(manifest(dir.path())["version"], 1);
}

#[test]
fn expire_deletes_and_remembers_it() {
    let dir = imported();
    done(dir.path(), "pools add --ledger L 203.0.113.0/24 --device edge");
    let question = "resolve --ledger L 203.0.113.9:20000 2026-11-02T02:05:00Z";
    assert_eq!(run(dir.path(), question).code, 0);
    let ran = done(dir.path(), "expire --ledger L --older-than 2026-11-02T02:06:00Z");
    assert!(ran.stderr.contains("1 cut"), "{}", ran.stderr);
    assert_eq!(run(dir.path(), question).code, 6);
    assert_eq!(run(dir.path(), &question.replace("02:05", "02:07")).code, 0, "the rest stays");
    let ran = done(dir.path(), "expire --ledger L --older-than 2026-11-03T00:01:00Z");
    assert!(ran.stderr.contains("1 allocations deleted"), "{}", ran.stderr);
    let left = bytes(&dir.path().join("L"));
    let holds =
        |needle: &[u8]| left.iter().any(|(_, b)| b.windows(needle.len()).any(|w| w == needle));
    assert!(!holds(b"alice"), "the binding is gone from the disk");
    assert_eq!(run(dir.path(), question).code, 6);
    assert_eq!(done(dir.path(), "verify --ledger L").code, 0);
}

#[test]
fn a_damaged_file_is_reported_by_name_and_answers_nothing() {
    let whole = imported();
    assert_eq!(done(whole.path(), "verify --ledger L").code, 0);
    let names: Vec<String> = bytes(&whole.path().join("L"))
        .into_iter()
        .map(|(name, _)| name.rsplit_once("/L/").unwrap().1.to_owned())
        .filter(|name| name != "lock")
        .collect();
    assert_eq!(names.len(), 3, "manifest, segment, bindings: {names:?}");
    for name in names {
        let dir = imported();
        let path = dir.path().join("L").join(&name);
        let mut bytes = fs::read(&path).unwrap();
        let at = if name == "ledger.json" { 0 } else { bytes.len() / 2 };
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        for line in
            ["verify --ledger L", "resolve --ledger L 203.0.113.9:20000 2026-11-02T02:05:00Z"]
        {
            let ran = run(dir.path(), line);
            assert_eq!((ran.code, &*ran.stdout), (2, ""), "{name}: {line}");
            assert!(ran.stderr.contains(&name), "{name}: {}", ran.stderr);
        }
    }
}
