//! The README's table of formats is what the formats say of themselves.

use std::fmt::Write;

use portledger::natlog::Format;
use portledger::session::Profile;

const BEGIN: &str = "<!-- formats -->\n";
const END: &str = "<!-- end of formats -->";

fn table() -> String {
    let mut table = "\
| format | what | held to | S | B | R | D | L | clock | profile | taken from |
|---|---|---|---|---|---|---|---|---|---|---|
"
    .to_owned();
    for info in Format::ALL.iter().map(|format| format.info()) {
        let yields = info.yields;
        let mark = |is_there: bool| if is_there { "x" } else { "" };
        writeln!(
            table,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} | `{}` | {} |",
            info.name,
            info.title,
            info.status.name(),
            mark(yields.session),
            mark(yields.block),
            mark(yields.start_on_release),
            mark(yields.destination),
            mark(yields.login),
            info.time_basis,
            Profile::for_format(info.name, None).name,
            info.source
        )
        .unwrap();
    }
    table
}

/// `UPDATE_README=1 cargo test --test formats` writes it.
#[test]
fn the_readme_lists_the_formats_that_are_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let table = table();
    if found != table && std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(found, table, "run UPDATE_README=1 cargo test --test formats");
}

#[test]
fn what_a_format_says_of_itself_fits_a_table() {
    for info in Format::ALL.iter().map(|format| format.info()) {
        for text in [info.name, info.title, info.time_basis, info.source] {
            assert!(!text.is_empty() && !text.contains(['|', '\n']), "{}: `{text}`", info.name);
        }
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(info.name.chars().all(kebab), "{}", info.name);
        assert_ne!(info.name, "auto");
        assert_eq!(
            info.name.parse(),
            Ok(Format::ALL.iter().copied().find(|f| f.info().name == info.name).unwrap())
        );
    }
}
