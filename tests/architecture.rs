//! The floors of the house: imports look down only, by module path.
//!
//! Comment lines are left out, so that documentation may link upwards.

use std::fs;
use std::path::{Path, PathBuf};

/// Every top-level module and its floor; modules of floor 1 do not see each other.
const FLOORS: [(&str, u32); 16] = [
    ("serde_text", 0),
    ("port", 0),
    ("time", 0),
    ("protocol", 0),
    ("inside", 0),
    ("subscriber", 0),
    ("allocation", 0),
    ("mapping", 1),
    ("natlog", 1),
    ("identity", 1),
    ("session", 2),
    ("index", 3),
    ("store", 4),
    ("resolver", 5),
    ("inquiry", 6),
    ("synth", 6),
];

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a line of code names through `crate::`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// What is wrong with one line of `module`.
fn complaint(module: &str, line: &str) -> Option<String> {
    let own = floor(module)?;
    named(line).filter(|name| *name != module && !name.is_empty()).find_map(|name| {
        match floor(name) {
            None => Some(format!("crate::{name} is no module path")),
            Some(other) if other > own => Some(format!("crate::{name} is upstairs")),
            Some(1) if own == 1 => Some(format!("crate::{name} is next door on floor 1")),
            Some(_) => None,
        }
    })
}

#[test]
fn imports_look_down_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut complaints = Vec::new();
    let mut checked = 0;
    for file in &files {
        let inside = file.strip_prefix(&src).unwrap();
        let top = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = top.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        if floor(module).is_none() {
            complaints.push(format!("{}: module {module} stands on no floor", inside.display()));
        }
        for (number, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            checked += named(line).count();
            if let Some(why) = complaint(module, line) {
                complaints.push(format!("{}:{}: {why}", inside.display(), number + 1));
            }
        }
    }
    assert!(checked > 100, "only {checked} imports were seen: is the test looking at the sources?");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_test_itself_can_fail() {
    for (module, line) in [
        ("port", "use crate::session::Profile;"),
        ("natlog", "use crate::identity::Binding;"),
        ("store", "let x = crate::resolver::Inquiry::new();"),
        ("index", "use crate::PortRange;"),
    ] {
        assert!(complaint(module, line).is_some(), "{module}: {line}");
    }
    for (module, line) in [
        ("resolver", "use crate::store::Ledger;"),
        ("natlog", "use crate::natlog::Event;"),
        ("session", "use crate::port::PortRange;"),
    ] {
        assert_eq!(complaint(module, line), None, "{module}: {line}");
    }
}
