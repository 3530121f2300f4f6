//! The README's first screen is what the program prints.

use std::path::Path;
use std::process::Command;

const BLOCKS: &str = "\
event,time,inside,outside,first,last
block_alloc,2026-11-02T02:10:00Z,100.64.0.10,203.0.113.7,40192,40255
block_release,2026-11-02T02:55:00Z,100.64.0.10,203.0.113.7,40192,40255
block_alloc,2026-11-02T03:01:30Z,100.64.0.11,203.0.113.7,40192,40255
block_release,2026-11-02T04:20:00Z,100.64.0.11,203.0.113.7,40192,40255
";
const LEASES: &str = "\
inside,subscriber,start,end
100.64.0.10,ann,2026-11-01T00:00:00Z,
100.64.0.11,bob,2026-11-01T00:00:00Z,
";

fn run(dir: &Path, command: &str) -> String {
    let args = command.split_whitespace();
    let output = Command::new(env!("CARGO_BIN_EXE_portledger"))
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert_ne!(
        output.status.code(),
        Some(2),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_first_screen_is_real_output() {
    let readme = include_str!("../../README.md");
    let screen = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("blocks.csv"), BLOCKS).unwrap();
    std::fs::write(dir.path().join("leases.csv"), LEASES).unwrap();
    let covers = "2026-11-02T00:00:00Z/2026-11-03T00:00:00Z";
    run(
        dir.path(),
        &format!("import --ledger L --format csv --source cgn-1 --covers {covers} blocks.csv"),
    );
    run(dir.path(), "subscribers import --ledger L --format csv leases.csv");
    let mut shown = 0;
    for part in screen.split("$ portledger ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap();
        assert_eq!(run(dir.path(), command).trim_end(), expected.trim_end(), "{command}");
        shown += 1;
    }
    assert_eq!(shown, 2);
}
