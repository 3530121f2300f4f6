//! NAT logs as they come: packed, of an unknown format, damaged.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Ran, done, piped, portledger};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

const CSV: &str = "\
event,time,proto,inside,outside,port,dst,dport
session_create,2026-11-02T02:00:00.250Z,tcp,100.64.0.10,203.0.113.9,20000,192.0.2.10,443
session_delete,2026-11-02T02:10:00.250Z,tcp,100.64.0.10,203.0.113.9,20000,192.0.2.10,443
";
const CONNTRACK: &str = "[1795306735.123403]\t    [NEW] tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706\n";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &str) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
}

fn run(dir: &Path, line: &str) -> Ran {
    portledger(dir, &line.split_whitespace().collect::<Vec<_>>())
}

/// Runs a command line with bytes on its standard input; exit code and standard output.
fn fed(dir: &Path, line: &str, stdin: &[u8]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portledger"))
        .args(line.split_whitespace())
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_str(&done(dir, "info --ledger L --json").stdout).unwrap()
}

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_packed_log_is_the_log_and_its_lines_are_shown_from_it() {
    let lines: Vec<&str> = CSV.lines().collect();
    for packed in [gzip(CSV), zstd(CSV)] {
        let dir = dir();
        fs::write(dir.path().join("log.bin"), &packed).unwrap();
        let events = done(dir.path(), "events --format csv log.bin").stdout;
        assert_eq!(events.lines().count(), 3);
        assert_eq!(fed(dir.path(), "events --format csv -", &packed), (0, events.clone()));
        assert_eq!(fed(dir.path(), "events --format auto -", &packed), (0, events));
        let import = "import --ledger L --format csv --source edge";
        done(dir.path(), &format!("{import} log.bin"));
        assert_eq!(manifest(dir.path())["sources"][0]["bytes"], packed.len());
        let question = "resolve --ledger L 203.0.113.9:20000 2026-11-02T02:05:00Z --raw";
        let answer = run(dir.path(), question);
        for line in &lines[1..] {
            assert!(answer.stdout.contains(line), "{line} in {}", answer.stdout);
        }
        let again = done(dir.path(), &format!("{import} log.bin"));
        assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
        let (code, _) = fed(dir.path(), &format!("{import} -"), &packed);
        assert_eq!(code, 0, "the bytes count, not the path");
        assert_eq!(manifest(dir.path())["sources"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn packed_subscriber_files_are_unpacked_too() {
    let dir = dir();
    let leases = "inside,subscriber,start,end\n100.64.0.10,ann,2026-11-01T00:00:00Z,\n";
    fs::write(dir.path().join("leases"), gzip(leases)).unwrap();
    let ran = done(dir.path(), "subscribers import --ledger L --format csv leases");
    assert!(ran.stderr.contains('1'), "{}", ran.stderr);
    assert!(done(dir.path(), "info --ledger L").stdout.contains("1 bindings"));
}

#[test]
fn a_damaged_container_imports_nothing() {
    let dir = dir();
    let packed = gzip(CSV);
    fs::write(dir.path().join("log.gz"), &packed[..packed.len() - 9]).unwrap();
    for format in ["csv", "auto"] {
        let ran =
            run(dir.path(), &format!("import --ledger L --format {format} --source e log.gz"));
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("damaged or cut short"), "{}", ran.stderr);
        assert!(!dir.path().join("L").exists(), "no empty ledger stays");
    }
}

#[test]
fn the_format_is_found_and_said() {
    let dir = dir();
    fs::write(dir.path().join("a"), CSV).unwrap();
    fs::write(dir.path().join("b"), CONNTRACK).unwrap();
    let ran = done(dir.path(), "import --ledger L --format auto --source edge a");
    assert!(ran.stderr.contains("a: csv (2 events, 0 damaged"), "{}", ran.stderr);
    let args = ["import", "--ledger", "L", "--format", "auto", "--source", "nat", "-"];
    let ran = piped(dir.path(), &args, CONNTRACK);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let formats: Vec<String> = manifest(dir.path())["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["format"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(formats, ["csv", "conntrack"]);
    let named = done(dir.path(), "import --ledger L --format conntrack --source nat b");
    assert!(named.stderr.contains("nothing to do"), "found or named: {}", named.stderr);
}

#[test]
fn what_could_be_two_formats_or_none_is_refused() {
    let dir = dir();
    let ndjson = done_events(dir.path());
    fs::write(dir.path().join("none"), "nobody knows\nwhat this is\n").unwrap();
    fs::write(dir.path().join("two"), format!("{CONNTRACK}{ndjson}").repeat(5)).unwrap();
    fs::write(dir.path().join("a"), CSV).unwrap();
    fs::write(dir.path().join("b"), CONNTRACK).unwrap();
    for (files, why) in
        [("none", "no format fits"), ("two", "conntrack (5 events)"), ("a b", "import them apart")]
    {
        let line = format!("import --ledger L --format auto --source edge {files}");
        let ran = run(dir.path(), &line);
        assert_eq!((ran.code, &*ran.stdout), (2, ""), "{files}");
        assert!(ran.stderr.contains(why), "{files}: {}", ran.stderr);
        assert!(!dir.path().join("L").exists());
        assert_eq!(run(dir.path(), &format!("events --format auto {files}")).code, 2);
    }
}

fn done_events(dir: &Path) -> String {
    fs::write(dir.join("one"), CONNTRACK).unwrap();
    done(dir, "events --format conntrack one").stdout
}

/// 40 pairs with `damaged` rows that cannot be read.
fn damaged(damaged: usize) -> String {
    let rows: Vec<&str> = CSV.lines().collect();
    let mut text = format!("{}\n", rows[0]);
    for n in 0..40 {
        for row in &rows[1..] {
            text.push_str(&row.replace("20000", &(20_000 + n).to_string()));
            text.push('\n');
        }
    }
    for _ in 0..damaged {
        text.push_str(&rows[1].replace("20000", "70000"));
        text.push('\n');
    }
    text
}

#[test]
fn an_import_bears_so_many_damaged_records_and_no_more() {
    let dir = dir();
    for (rows, option, code) in [
        (19, "", 0),
        (20, "", 2),
        (20, "--max-rejects 100%", 0),
        (20, "--max-rejects 20%", 0),
        (20, "--max-rejects 19%", 2),
        (1, "--max-rejects 0%", 2),
    ] {
        let _ = fs::remove_dir_all(dir.path().join("L"));
        fs::write(dir.path().join("log.csv"), damaged(rows)).unwrap();
        let line = format!("import --ledger L --format csv --source edge {option} log.csv");
        let ran = run(dir.path(), &line);
        assert_eq!(ran.code, code, "{rows} {option}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("{rows} bad-port")), "{}", ran.stderr);
        assert_eq!(dir.path().join("L").exists(), code == 0, "{rows} {option}");
    }
    // Where nothing at all can be read, one line is enough.
    fs::write(dir.path().join("log.csv"), damaged(1)).unwrap();
    let ran = run(dir.path(), "import --ledger M --format conntrack --source edge log.csv");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--max-rejects"), "{}", ran.stderr);
}

#[test]
fn an_import_that_is_refused_leaves_the_ledger_as_it_was() {
    let dir = dir();
    fs::write(dir.path().join("good.csv"), CSV).unwrap();
    fs::write(dir.path().join("log.csv"), damaged(30)).unwrap();
    done(dir.path(), "import --ledger L --format csv --source edge good.csv");
    let before = manifest(dir.path());
    assert_eq!(run(dir.path(), "import --ledger L --format csv --source edge log.csv").code, 2);
    assert_eq!(manifest(dir.path()), before);
    assert_eq!(done(dir.path(), "verify --ledger L").code, 0);
}

#[test]
fn every_reject_is_written_down_with_its_place_and_its_bytes() {
    let dir = dir();
    let rows: Vec<&str> = CSV.lines().collect();
    let bad = rows[1].replace("20000", "70000");
    let mut text = format!("# by hand\n{}\n{}\n{bad}\n", rows[0], rows[1]).into_bytes();
    text.extend(b"session_create,\xFF\n");
    for (name, bytes) in [("log.csv", text.clone()), ("log.csv.gz", pack(&text))] {
        fs::write(dir.path().join(name), bytes).unwrap();
        let _ = fs::remove_dir_all(dir.path().join("L"));
        let line = format!(
            "import --ledger L --format csv --source edge --max-rejects 100% --rejects out {name}"
        );
        done(dir.path(), &line);
        let rejects: Vec<Value> = fs::read_to_string(dir.path().join("out"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(rejects.len(), 4, "{rejects:?}");
        assert_eq!(
            (&rejects[0]["reason"], &rejects[0]["damage"]),
            (&"comment".into(), &false.into())
        );
        assert_eq!(rejects[2]["reason"], "bad-port");
        assert_eq!(rejects[2]["raw"], bad);
        assert_eq!(rejects[2]["file"], name);
        let offset = text.windows(bad.len()).position(|w| w == bad.as_bytes()).unwrap();
        assert_eq!((&rejects[2]["line"], &rejects[2]["offset"]), (&4.into(), &offset.into()));
        assert_eq!(rejects[2]["column"], bad.find("70000").unwrap() + 1);
        assert!(rejects[2]["advice"].as_str().unwrap().contains("port"));
        assert!(rejects[3]["raw_hex"].as_str().unwrap().ends_with("2cff"), "{:?}", rejects[3]);
    }
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn formats_lists_every_format_in_every_form() {
    let dir = dir();
    let table = done(dir.path(), "formats").stdout;
    let csv_rows = done(dir.path(), "formats --output csv").stdout;
    let objects = done(dir.path(), "formats --output ndjson").stdout;
    let names: Vec<String> =
        table.lines().skip(1).map(|l| l.split(' ').next().unwrap().to_owned()).collect();
    let mut reader = csv::Reader::from_reader(csv_rows.as_bytes());
    let by_row: Vec<String> = reader.records().map(|r| r.unwrap()[0].to_owned()).collect();
    let by_object: Vec<String> = objects
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, by_row);
    assert_eq!(names, by_object);
    assert!(names.iter().any(|n| n == "conntrack"), "{names:?}");
    assert!(table.contains("conntrack/1"), "{table}");
}

#[test]
fn a_block_logged_once_for_each_protocol_is_one_answer() {
    let dir = dir();
    let mut log = "event,time,proto,inside,outside,first,last\n".to_owned();
    for (event, time) in [("alloc", "02:00:00"), ("release", "03:00:00")] {
        for proto in ["udp", "tcp"] {
            let row = [
                &format!("block_{event},2026-11-02T{time}.1Z,{proto}"),
                "100.64.0.10,203.0.113.9,1536,2047\n",
            ];
            log += &row.join(",");
        }
    }
    fs::write(dir.path().join("log.csv"), log).unwrap();
    let leases = "inside,subscriber,start,end\n100.64.0.10,ann,2026-11-01T00:00:00Z,\n";
    fs::write(dir.path().join("leases.csv"), leases).unwrap();
    let ran = done(dir.path(), "import --ledger L --format csv --source edge log.csv");
    assert!(ran.stderr.contains("2 allocations"), "{}", ran.stderr);
    done(dir.path(), "subscribers import --ledger L --format csv leases.csv");
    let ask = |protocol: &str| {
        let line =
            format!("resolve --ledger L 203.0.113.9:1700 2026-11-02T02:30:00Z --json {protocol}");
        serde_json::from_str::<Value>(&run(dir.path(), &line).stdout).unwrap()
    };
    for protocol in ["--protocol tcp", "--protocol udp", ""] {
        let answer = ask(protocol);
        assert_eq!(answer["verdict"], "unique", "{protocol}: {answer}");
        assert_eq!(answer["subscriber"], "ann");
    }
    assert_eq!(ask("--protocol udp")["candidate_count"], 1);
    assert_ne!(ask("--protocol icmp")["verdict"], "unique");
}
