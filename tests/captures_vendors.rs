//! Samples of the makers' text logs, with what they say written beside them.
//!
//! The samples stay outside the repository: `PORTLEDGER_CAPTURES` names their folder, and without it, or `../shared`,
//! nothing is compared.

use std::fs;
use std::path::PathBuf;

use portledger::inside::InsideHost;
use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record};
use portledger::protocol::Protocol;
use serde_json::Value;

fn folder() -> Option<PathBuf> {
    let path = match std::env::var_os("PORTLEDGER_CAPTURES") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"),
    };
    path.is_dir().then_some(path)
}

/// What a reader says of each line, by number.
fn read(format: Format, bytes: &[u8]) -> Vec<Result<Event, &'static str>> {
    let options = ReaderOptions::new().with_year(2024).with_zone("UTC".parse().unwrap());
    let mut reader = Reader::new(format, options, bytes);
    let mut event = Event::default();
    let mut lines = Vec::new();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        lines.push(match record {
            Record::Event => Ok(event.clone()),
            Record::Rejected(reject) => Err(reject.reason.name()),
        });
    }
    lines
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Compares one event with its row; keys that are only remarks are left out by name, unknown ones fail.
fn compare(event: &Event, row: &Value, at: &str) {
    let micros = |time: Option<portledger::time::WrittenTime>| {
        time.unwrap_or_else(|| panic!("{at}: no time")).start().as_microsecond()
    };
    let number = |value: &Value| i64::try_from(value.as_u64().unwrap()).unwrap();
    for (key, value) in row.as_object().unwrap() {
        let expected = text(value);
        let found = match key.as_str() {
            "line" | "note" | "dir" | "session" => continue,
            "event" => event.kind.name().to_owned(),
            "proto" | "proto_text" => {
                let wanted: Protocol = expected.parse().unwrap();
                assert_eq!(event.protocol, Some(wanted), "{at}");
                continue;
            }
            "inside" => match event.inside.as_ref().unwrap() {
                InsideHost::V4 { addr, .. } => addr.to_string(),
                InsideHost::B4 { inner, .. } => inner.unwrap().to_string(),
                other => other.to_string(),
            },
            "b4" => match event.inside.as_ref().unwrap() {
                InsideHost::B4 { addr, .. } => addr.to_string(),
                other => panic!("{at}: {other}"),
            },
            // A realm 0 is the one of records that name none.
            "partition" | "vrf" | "rd" | "vd" => {
                let realm = event.inside.as_ref().unwrap().realm().unwrap().as_str();
                assert_eq!(realm, if expected == "0" { "" } else { &expected }, "{at}");
                continue;
            }
            "instance" => event.pool.as_deref().unwrap().to_owned(),
            "subscriber" => event.login.as_deref().unwrap().to_owned(),
            "inside_port" => event.inside_port.unwrap().to_string(),
            "outside" => event.outside.unwrap().to_string(),
            "port" => {
                assert_eq!(event.ports.unwrap().len(), 1, "{at}");
                event.ports.unwrap().first().to_string()
            }
            "first" => event.ports.unwrap().first().to_string(),
            "last" => event.ports.unwrap().last().to_string(),
            "dst" => event.destination.unwrap().addr.to_string(),
            "dport" => event.destination.unwrap().port.unwrap().to_string(),
            "t" if value.is_string() => event.time.unwrap().rfc3339(),
            "t" => (micros(event.time) / 1_000_000).to_string(),
            "t_us" => micros(event.time).to_string(),
            "t_ns" => {
                assert_eq!(micros(event.time), number(value) / 1000, "{at}");
                continue;
            }
            "start_us" => micros(event.start).to_string(),
            "duration_s" => {
                let start = micros(event.time) - number(value) * 1_000_000;
                let written = event.start.unwrap();
                assert!(written.start().as_microsecond() <= start, "{at}");
                assert!(start < written.end().as_microsecond(), "{at}");
                continue;
            }
            other => panic!("{at}: {other} is not compared"),
        };
        assert_eq!(found, expected, "{at}: {key}");
    }
}

fn golden(format: Format, folder_name: &str, file: &str) {
    let Some(folder) = folder() else {
        eprintln!("skipped: no data");
        return;
    };
    let path = folder.join(folder_name).join(file);
    let lines = read(format, &fs::read(&path).unwrap());
    let expected =
        fs::read_to_string(path.with_file_name(format!("{file}.expected.ndjson"))).unwrap();
    let mut seen = 0;
    for row in expected.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let number = usize::try_from(row["line"].as_u64().unwrap()).unwrap();
        let at = format!("{folder_name}/{file}:{number}");
        seen += 1;
        match &lines[number - 1] {
            Ok(event) => compare(event, &row, &at),
            Err(reason) => {
                assert!(row["event"] == "ignore" && *reason == "other-event", "{at}: {reason}");
            }
        }
    }
    assert_eq!(seen, lines.len(), "{folder_name}/{file}: every line has its row");
}

#[test]
fn a10() {
    golden(Format::A10, "a10-cef", "cgn_cef.log");
}

#[test]
fn f5() {
    golden(Format::F5, "f5-lsn", "lsn_shape.log");
}

#[test]
fn nfware() {
    golden(Format::Nfware, "nfware-syslog", "nfware.log");
}

/// The second sample of its maker is torn: `fwd` goes to port 33815 and `back` comes from 33915, and the public port is
/// not the one of the first. Both are read as they stand, the far side from `fwd`.
#[test]
fn sixwind() {
    golden(Format::Sixwind, "6wind-syslog", "6wind_docs.log");
}

#[test]
fn vyatta() {
    golden(Format::Vyatta, "vyatta-cgnat-log", "cgnat_rte.log");
}

#[test]
fn syslog_nat() {
    golden(Format::SyslogNat, "syslog-nat-draft", "vpp_napmap_nsess.log");
}

/// The public address of the sample, 198.51.100.66, and the rest are made to the documented layout, not recorded.
#[test]
fn fortigate() {
    golden(Format::Fortigate, "fortigate-pba", "pba_docs_shape.log");
}

#[test]
fn mikrotik() {
    golden(Format::Mikrotik, "mikrotik-firewall", "nat_clause.log");
}

#[test]
fn jool() {
    golden(Format::Jool, "jool-bib", "jool_bib.log");
}

#[test]
fn vas_experts() {
    golden(Format::VasExperts, "vasexperts-text", "vas_text.log");
}

/// No reader finds an event in the log of another maker.
#[test]
fn foreign_logs_hold_nothing() {
    let Some(folder) = folder() else {
        eprintln!("skipped: no data");
        return;
    };
    let own = [
        (Format::A10, "a10-cef"),
        (Format::F5, "f5-lsn"),
        (Format::Nfware, "nfware-syslog"),
        (Format::Sixwind, "6wind-syslog"),
        (Format::Vyatta, "vyatta-cgnat-log"),
        (Format::SyslogNat, "syslog-nat-draft"),
        (Format::Fortigate, "fortigate-pba"),
        (Format::Mikrotik, "mikrotik-firewall"),
        (Format::Jool, "jool-bib"),
        (Format::VasExperts, "vasexperts-text"),
        (Format::NatAcct, ""),
        (Format::PaloAlto, ""),
        (Format::Huawei, ""),
    ];
    let mut logs = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let of = entry.unwrap().path();
        if !of.is_dir() {
            continue;
        }
        let name = of.file_name().unwrap().to_string_lossy().into_owned();
        for file in fs::read_dir(&of).unwrap() {
            let file = file.unwrap().path();
            if !file.extension().is_some_and(|e| e == "log" || e == "csv" || e == "txt") {
                continue;
            }
            logs += 1;
            let bytes = fs::read(&file).unwrap();
            for (format, home) in own.iter().filter(|(_, home)| *home != name) {
                let events = read(*format, &bytes).iter().filter(|line| line.is_ok()).count();
                assert_eq!(events, 0, "{format} reads {} of {home}", file.display());
            }
        }
    }
    assert!(logs > 10, "{logs} logs");
}
