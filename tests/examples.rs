//! The examples run, and print what they say.
#![cfg(feature = "readers")]

use std::path::PathBuf;
use std::process::Command;

/// Runs an example that `cargo test` built beside this test.
fn run(name: &str, args: &[&str]) -> String {
    let test = std::env::current_exe().unwrap();
    let profile: PathBuf = test.ancestors().nth(2).unwrap().to_owned();
    let example =
        profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let source =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.rs"));
    let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    assert!(
        changed(&example) >= changed(&source),
        "{} is missing or older than {}: run `cargo test` without `--test`, or `cargo build --examples` first",
        example.display(),
        source.display()
    );
    let output = Command::new(&example).args(args).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn who_had_this_port_names_the_holder_and_nobody_between_two() {
    let out = run("who_had_this_port", &[]);
    assert!(out.contains("2 allocations"), "{out}");
    let (held, free) = out.split_once("2026-11-02T02:58:00Z").unwrap();
    assert!(held.contains("unique") && held.contains("subscriber bob"), "{out}");
    assert!(held.contains("100.64.0.11 held ports 40192-40255"), "{out}");
    assert!(free.contains("free") && !free.contains("subscriber"), "{out}");
    assert!(free.contains("179 s back, 207.85 s ahead"), "{out}");
}

#[test]
fn bulk_resolve_checks_every_answer() {
    let out = run("bulk_resolve", &[]);
    assert!(out.contains("10000 questions"), "{out}");
    assert!(out.contains("every answer has the expected holders"), "{out}");
    assert!(out.contains("answers/s"), "{out}");
    let share = |verdict: &str| -> f64 {
        let line = out.lines().find(|l| l.ends_with(&format!("% {verdict}"))).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    // Four hits to one miss; nobody is named, because nothing is bound.
    assert!((75.0..84.0).contains(&share("unbound")), "{out}");
    assert!((15.0..25.0).contains(&share("free")), "{out}");
    assert!(share("conflict") > 0.0, "{out}");
}

#[test]
fn read_a_log_prints_events_and_rejects_and_asks_the_ledger() {
    let out = run("read_a_log", &[]);
    assert!(out.contains(r#""event":"session_create""#), "{out}");
    assert!(out.contains("line 3, column 61: bad-address"), "{out}");
    assert!(out.contains("1 lines are damaged"), "{out}");
    assert!(out.contains("1 allocations by profile conntrack/1"), "{out}");
    assert!(
        out.contains("203.0.113.7:40213 at 2026-11-02T18:00:02Z: unbound, host:100.64.0.10"),
        "{out}"
    );

    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("conntrack.log");
    let line = "[1793642400.5]\t[NEW] udp 17 30 src=100.64.0.12 dst=192.0.2.9 sport=5000 dport=53 [UNREPLIED] \
        src=192.0.2.9 dst=203.0.113.7 sport=53 dport=40300 id=7\n";
    std::fs::write(&log, format!("{line}no log at all\n")).unwrap();
    let out = run("read_a_log", &[log.to_str().unwrap()]);
    assert!(out.contains("line 2") && out.contains("1 allocations"), "{out}");
}
