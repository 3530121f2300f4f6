//! Reading vector files, and counting what agreed.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// One row: column name to text.
#[derive(Debug)]
pub(crate) struct Row(HashMap<String, String>);

impl Row {
    /// The text of a column, which must exist.
    pub(crate) fn text(&self, column: &str) -> &str {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column}: {self:?}"))
    }

    /// What a column says, read as `T`; `None` where it is empty.
    pub(crate) fn get<T: std::str::FromStr>(&self, column: &str) -> Option<T> {
        let text = self.text(column);
        if text.is_empty() {
            return None;
        }
        let read = text.parse().ok();
        Some(read.unwrap_or_else(|| panic!("column {column} is unreadable: {self:?}")))
    }

    /// What a column says, which must not be empty.
    pub(crate) fn need<T: std::str::FromStr>(&self, column: &str) -> T {
        self.get(column).unwrap_or_else(|| panic!("column {column} is empty: {self:?}"))
    }
}

/// The rows of a file, which must have exactly these columns and at least one row.
pub(crate) fn rows(file: &str, columns: &[&str]) -> Vec<Row> {
    let dir = std::env::var_os("PORTLEDGER_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors"),
        PathBuf::from,
    );
    let path = dir.join(file);
    let mut reader =
        csv::Reader::from_path(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    let header: Vec<&str> = reader.headers().unwrap().iter().collect();
    assert_eq!(header, columns, "{}: the columns are not those that are compared", path.display());
    let rows: Vec<Row> = reader.deserialize().map(|row| Row(row.unwrap())).collect();
    assert!(!rows.is_empty(), "{}: no rows", path.display());
    rows
}

/// Counts the rows of one file, in sum and for each oracle.
pub(crate) struct Tally {
    file: &'static str,
    read: usize,
    differing: Vec<String>,
    kinds: BTreeMap<String, usize>,
    /// For each oracle: rows that name it, and those of them that agreed.
    oracles: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    pub(crate) fn new(file: &'static str) -> Tally {
        let (kinds, oracles) = (BTreeMap::new(), BTreeMap::new());
        Tally { file, read: 0, differing: Vec::new(), kinds, oracles }
    }

    /// Compares one row: what the library says against what the row expects.
    pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        row: &Row,
        kind: &str,
        said: &T,
        expected: &T,
    ) {
        self.read += 1;
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        let agrees = said == expected;
        for oracle in oracles(row.text("oracle")) {
            let (named, agreed) = self.oracles.entry(oracle).or_default();
            *named += 1;
            *agreed += usize::from(agrees);
        }
        if !agrees {
            self.differing.push(format!("{row:?}\n  says {said:?}\n  not  {expected:?}"));
        }
    }

    /// Prints the counts, and fails when a row differed or none was read.
    pub(crate) fn finish(self) {
        let agreed = self.read - self.differing.len();
        println!("{}: {} rows read, {agreed} agreed", self.file, self.read);
        println!("  kinds: {:?}", self.kinds);
        for (oracle, (named, agreed)) in &self.oracles {
            println!("  {oracle}: {agreed} of {named} agreed");
        }
        assert!(self.read > 0, "{}: no row was read", self.file);
        assert!(
            self.differing.is_empty(),
            "{}: {} rows differ\n{}",
            self.file,
            self.differing.len(),
            self.differing.join("\n")
        );
    }
}

/// The oracles of a row: parted by spaces, those in brackets aside.
fn oracles(text: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ' ' && depth == 0
    });
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn oracles_are_parted_outside_brackets() {
    assert_eq!(oracles("a:b  c(d e) f"), ["a:b", "c(d e)", "f"]);
    assert!(oracles("").is_empty());
}
