//! The README's first screen is what the program prints.

use std::path::Path;
use std::process::Command;

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
    let mut tables = readme.split("```csv\n").skip(1).map(|t| t.split("```").next().unwrap());
    std::fs::write(dir.path().join("blocks.csv"), tables.next().unwrap()).unwrap();
    std::fs::write(dir.path().join("leases.csv"), tables.next().unwrap()).unwrap();
    let commands = readme.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    for command in commands.lines() {
        run(dir.path(), command.strip_prefix("portledger ").unwrap());
    }
    let mut shown = 0;
    for part in screen.split("$ portledger ").skip(1) {
        let (command, expected) = part.split_once('\n').unwrap();
        assert_eq!(run(dir.path(), command).trim_end(), expected.trim_end(), "{command}");
        shown += 1;
    }
    assert_eq!(shown, 2);
}
