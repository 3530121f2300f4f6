//! Lightweight 4over6 against what independent implementations answer: one row, one question.
//!
//! The rows are in `tests/data/vectors` (`README-lw4o6.md` there says where they come from). `PORTLEDGER_VECTORS` names
//! another directory to read instead: other tables, the same columns. Every row must agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use portledger::TimeRange;
use portledger::mapping::PsidParams;
use portledger::mapping::lw4o6::{BindingFinding, BindingTable, LwKind, Softwire};

const TABLE_COLUMNS: &[&str] =
    &["table_id", "ipv4", "psid", "psid_len", "psid_offset", "b4_ipv6", "br_address", "source"];
const VECTOR_COLUMNS: &[&str] = &[
    "table_id",
    "ipv4",
    "port",
    "expect_kind",
    "psid",
    "b4_ipv6",
    "br_address",
    "oracle",
    "snabb_says",
    "family",
];
const KINDS: &[&str] = &["mapped", "no-softwire", "excluded-port", "unknown-address"];

type Row = HashMap<String, String>;

/// The rows of a file that has exactly these columns, in any order.
fn rows(file: &str, columns: &[&str]) -> Vec<Row> {
    let dir = std::env::var_os("PORTLEDGER_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors"),
        PathBuf::from,
    );
    let path = dir.join(file);
    let mut reader =
        csv::Reader::from_path(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let header = reader.headers().unwrap().clone();
    let unknown: Vec<&str> = header.iter().filter(|c| !columns.contains(c)).collect();
    assert!(unknown.is_empty(), "{file}: unknown columns {unknown:?}");
    assert_eq!(header.len(), columns.len(), "{file}: {header:?} lacks some of {columns:?}");
    let rows: Vec<Row> = reader.deserialize().map(Result::unwrap).collect();
    assert!(!rows.is_empty(), "{file}: no rows");
    rows
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not a number here: `{text}`"))
}

/// An IPv6 address by value; nothing for `none` or an empty field.
fn address(text: &str) -> Option<Ipv6Addr> {
    let is_none = text.is_empty() || text == "none";
    (!is_none).then(|| text.parse().unwrap_or_else(|_| panic!("not an address: `{text}`")))
}

fn tables() -> BTreeMap<String, BindingTable> {
    let mut softwires: BTreeMap<String, Vec<Softwire>> = BTreeMap::new();
    for row in rows("lw4o6_tables.csv", TABLE_COLUMNS) {
        let params = PsidParams::new(number(&row["psid_offset"]), number(&row["psid_len"]));
        let b4 = address(&row["b4_ipv6"]).expect("a B4");
        let ipv4: Ipv4Addr = row["ipv4"].parse().unwrap();
        let softwire = Softwire::new(ipv4, params.unwrap(), number(&row["psid"]), b4).unwrap();
        let softwire = address(&row["br_address"]).map_or(softwire, |br| softwire.with_br(br));
        softwires.entry(row["table_id"].clone()).or_default().push(softwire);
    }
    softwires.into_iter().map(|(id, rows)| (id, BindingTable::new(rows))).collect()
}

/// Kind, PSID, B4 and relay of a row, as written or as answered.
type Said = (String, Option<u16>, Option<Ipv6Addr>, Option<Ipv6Addr>);

fn expected(row: &Row) -> Said {
    let kind = &row["expect_kind"];
    assert!(KINDS.contains(&kind.as_str()), "unknown kind `{kind}`: {row:?}");
    let psid = Some(&row["psid"]).filter(|text| !text.is_empty()).map(|text| number(text));
    (kind.clone(), psid, address(&row["b4_ipv6"]), address(&row["br_address"]))
}

fn answered(table: &BindingTable, row: &Row) -> Said {
    let (addr, port) = (row["ipv4"].parse().unwrap(), number(&row["port"]));
    let answer = table.reverse(addr, port, TimeRange::ALL);
    if answer.kind() == LwKind::Mapped {
        let b4 = answer.b4().unwrap();
        let held = table.forward(b4, TimeRange::ALL);
        let is_back = held.iter().any(|(a, ports)| *a == addr && ports.contains(port));
        assert!(is_back, "forward does not lead back: {row:?}");
    }
    assert_eq!(table.covers(addr), answer.kind() != LwKind::UnknownAddress, "{row:?}");
    (answer.kind().to_string(), answer.psid(), answer.b4_address(), answer.br())
}

#[test]
fn every_row_agrees() {
    let tables = tables();
    let rows = rows("vectors_lw4o6.csv", VECTOR_COLUMNS);
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let mut differing = Vec::new();
    for row in &rows {
        let table = tables.get(&row["table_id"]).unwrap_or_else(|| panic!("no table: {row:?}"));
        let (expected, answered) = (expected(row), answered(table, row));
        for key in [("family", row["family"].as_str()), ("oracle", row["oracle"].as_str())] {
            let count = counts.entry(key).or_default();
            count.0 += 1;
            count.1 += usize::from(expected == answered);
        }
        if expected != answered {
            differing.push(format!("{row:?}\n  answered {answered:?}"));
        }
    }
    for ((by, name), (read, agreed)) in &counts {
        println!("vectors_lw4o6.csv, {by} {name}: {read} rows read, {agreed} agreed");
    }
    println!(
        "vectors_lw4o6.csv: {} rows read, {} agreed",
        rows.len(),
        rows.len() - differing.len()
    );
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn findings_are_where_a_table_contradicts_itself() {
    for (id, table) in tables() {
        let mut contradicted = BTreeSet::new();
        for (i, one) in table.rows().iter().enumerate() {
            for other in table.rows().iter().skip(i + 1).filter(|r| r.ipv4() == one.ipv4()) {
                if one.psid_params() != other.psid_params() || one.psid() == other.psid() {
                    contradicted.insert(one.ipv4());
                }
            }
        }
        let found: BTreeSet<Ipv4Addr> = table.validate().iter().map(BindingFinding::addr).collect();
        assert_eq!(found, contradicted, "{id}");
    }
}
