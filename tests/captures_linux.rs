//! Logs of Linux from the wild, held against what they are known to say.
//!
//! The samples stay where they are, `../shared/captures` or `PORTLEDGER_CAPTURES`; without them there is nothing to
//! hold against.
#![cfg(feature = "readers")]

use std::fs;
use std::path::{Path, PathBuf};

use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record, RejectReason};
use serde_json::Value;

fn captures() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
    let dir = std::env::var_os("PORTLEDGER_CAPTURES").map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no data");
    None
}

fn read(format: Format, file: &Path) -> Vec<Result<Event, RejectReason>> {
    let options = ReaderOptions::new().with_zone(portledger::time::Zone::UTC).with_year(2020);
    let mut reader = Reader::new(format, options, fs::File::open(file).unwrap());
    let mut event = Event::default();
    let mut out = Vec::new();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        out.push(match record {
            Record::Event => Ok(event.clone()),
            Record::Rejected(reject) => Err(reject.reason),
        });
    }
    out
}

fn expected(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What both sides say must be the same; what the expected file leaves out is not compared.
fn agrees(event: &Event, expected: &Value) {
    let text = |value: Option<String>| value.map_or(Value::Null, Value::from);
    let number = |value: Option<u64>| value.map_or(Value::Null, Value::from);
    let port = event.ports.map(|p| u64::from(p.first()));
    for (key, value) in [
        ("line", number(Some(event.line))),
        ("event", text(Some(event.kind.to_string()))),
        ("proto", number(event.protocol.map(|p| u64::from(p.number())))),
        ("inside", text(event.inside.as_ref().map(ToString::to_string))),
        ("inside_port", number(event.inside_port.map(u64::from))),
        ("outside", text(event.outside.map(|a| a.to_string()))),
        ("port", number(port)),
        ("id", number(event.flow_id)),
    ] {
        if let Some(wanted) = expected.get(key) {
            assert_eq!(&value, wanted, "{key} of {expected}");
        }
    }
    for (key, host, port) in [
        ("orig", event.inside.as_ref().map(ToString::to_string), event.inside_port),
        (
            "reply",
            event.destination.map(|d| d.addr.to_string()),
            event.destination.and_then(|d| d.port),
        ),
    ] {
        if let Some(tuple) = expected.get(key) {
            assert_eq!(text(host), tuple[0], "{key} of {expected}");
            assert_eq!(number(port.map(u64::from)), tuple[1], "{key} of {expected}");
        }
    }
}

#[test]
fn conntrack_without_stamps() {
    let Some(dir) = captures() else { return };
    let file = dir.join("linux-conntrack/weave_scope.log");
    let read = read(Format::Conntrack, &file);
    let expected = expected(&dir.join("linux-conntrack/weave_scope.log.expected.ndjson"));
    assert_eq!(read.len(), expected.len());
    for (event, expected) in read.iter().zip(&expected) {
        let event = event.as_ref().unwrap();
        agrees(event, expected);
        assert_eq!(event.time, None);
    }
}

#[test]
fn ulogd_of_a_flow_that_was_not_translated() {
    let Some(dir) = captures() else { return };
    let read = read(Format::Ulogd, &dir.join("ulogd2/printflow.log"));
    // The expected file lists the flow as an event, and says itself that its public side is its inside: it was never
    // translated, and nobody held a public port.
    assert_eq!(read, [Err(RejectReason::NoTranslation)]);
}
