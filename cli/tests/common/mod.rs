//! The binary, run as a user runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run of the binary gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `portledger` in a directory with nothing on its standard input.
pub(crate) fn portledger(dir: &Path, args: &[&str]) -> Ran {
    piped(dir, args, "")
}

/// Runs `portledger` in a directory with a text on its standard input.
pub(crate) fn piped(dir: &Path, args: &[&str], stdin: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portledger"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that takes no input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command line of words parted by blanks, which must succeed.
pub(crate) fn done(dir: &Path, line: &str) -> Ran {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ran = portledger(dir, &words);
    assert_eq!(ran.code, 0, "{line}\n{}", ran.stderr);
    ran
}
