//! Samples of Juniper and Cisco that are not part of this repository, against what they are known to contain.
//!
//! The expected files name stamps in four ways: `t` (seconds, or a civil time of the record's own clock), `t_text` (the
//! frame), `header_t` (the frame beside a clock of the record) and `alloc_t` (the start on an interim record). A record
//! without any of them has no stamp in the sample, and so no time here.

#![cfg(feature = "readers")]

use std::path::{Path, PathBuf};

use portledger::inside::InsideHost;
use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record, RejectReason};
use portledger::time::{WrittenTime, Zone};
use serde_json::Value;

fn captures() -> Option<PathBuf> {
    let named = std::env::var_os("PORTLEDGER_CAPTURES").map(PathBuf::from);
    let path =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"));
    path.is_dir().then_some(path)
}

type Read = Result<Event, RejectReason>;

/// What is read of a sample, and what is expected, line by line.
fn sample(path: &str, format: Format, options: ReaderOptions) -> Option<Vec<(Read, Value)>> {
    let Some(root) = captures() else {
        println!("skipped: no data");
        return None;
    };
    let log = std::fs::read(root.join(path)).expect("the sample");
    let expected = std::fs::read_to_string(root.join(format!("{path}.expected.ndjson")));
    let expected = expected.expect("what the sample contains");
    let expected: Vec<Value> =
        expected.lines().map(|line| serde_json::from_str(line).expect("one object")).collect();
    let mut reader = Reader::new(format, options, &log[..]);
    let mut event = Event::default();
    let mut read = Vec::new();
    while let Some(record) = reader.next_record(&mut event).expect("a slice") {
        match record {
            Record::Event => read.push((event.line, Ok(event.clone()))),
            Record::Rejected(reject) if reject.reason == RejectReason::Empty => {}
            Record::Rejected(reject) => read.push((reject.line, Err(reject.reason))),
        }
    }
    assert_eq!(read.len(), expected.len(), "{path}");
    let lines: Vec<u64> = expected.iter().filter_map(|e| e["line"].as_u64()).collect();
    assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), lines, "{path}");
    Some(read.into_iter().map(|(_, read)| read).zip(expected).collect())
}

/// Everything but the times.
fn check_facts(event: &Event, expected: &Value) {
    let number = |key: &str| expected[key].as_u64().and_then(|n| u16::try_from(n).ok());
    let text = |key: &str| expected[key].as_str().map(str::to_owned);
    assert_eq!(event.kind.name(), expected["event"].as_str().unwrap(), "{expected}");
    let inside = event.inside.as_ref().map(ToString::to_string);
    let inside = inside.map(|host| host.split('%').next().unwrap_or_default().to_owned());
    assert_eq!(inside, text("inside"), "{expected}");
    assert_eq!(event.outside.map(|addr| addr.to_string()), text("outside"), "{expected}");
    assert_eq!(event.inside_port, number("inside_port"), "{expected}");
    let ports = event.ports.map(|ports| (ports.first(), ports.last()));
    let expected_ports = number("port").map(|p| (p, p)).or(number("first").zip(number("last")));
    assert_eq!(ports, expected_ports, "{expected}");
    if let Some(proto) = expected["proto"].as_u64() {
        assert_eq!(event.protocol.map(|p| u64::from(p.number())), Some(proto), "{expected}");
    }
    if let Some(name) = expected["proto_text"].as_str() {
        assert_eq!(event.protocol, name.parse().ok(), "{expected}");
    }
    if let Some(dst) = text("dst") {
        let far = event.destination.expect("a destination");
        assert_eq!((far.addr.to_string(), far.port), (dst, number("dport")), "{expected}");
    }
    if let Some(session) = text("session") {
        assert_eq!(event.flow_id.map(|id| id.to_string()), Some(session), "{expected}");
    }
    if let Some(pool) = text("pool") {
        assert_eq!(event.pool.as_deref(), Some(&*pool), "{expected}");
    }
    if let Some(vrf) = text("vrf") {
        let realm = event.inside.as_ref().and_then(InsideHost::realm);
        assert_eq!(realm.map(|realm| realm.as_str()), Some(&*vrf), "{expected}");
    }
}

/// A time of an expected file: seconds, or a civil time in UTC.
fn time(value: &Value) -> Option<WrittenTime> {
    if let Some(second) = value.as_i64() {
        return Some(WrittenTime::from_second(second));
    }
    WrittenTime::parse(value.as_str()?, Some(&Zone::UTC)).ok()
}

fn utc(year: i16) -> ReaderOptions {
    ReaderOptions::new().with_zone(Zone::UTC).with_year(year)
}

#[test]
fn juniper_blocks_with_epochs() {
    let path = "juniper-srx-sd/pba_structured.log";
    for (read, expected) in
        sample(path, Format::Juniper, ReaderOptions::new()).into_iter().flatten()
    {
        let event = read.unwrap();
        check_facts(&event, &expected);
        assert_eq!(event.time, time(&expected["t"]), "{expected}");
        assert_eq!(event.start, time(&expected["alloc_t"]), "{expected}");
    }
}

#[test]
fn juniper_flows_without_any_stamp() {
    let path = "juniper-srx-sd/rt_flow_structured.log";
    for (read, expected) in
        sample(path, Format::Juniper, ReaderOptions::new()).into_iter().flatten()
    {
        let event = read.unwrap();
        check_facts(&event, &expected);
        // Its CLOSE lasted 249 s, but from a begin that nothing in the sample dates.
        assert_eq!((event.time, event.start), (None, None), "{expected}");
    }
}

#[test]
fn juniper_flows_as_text() {
    let path = "juniper-srx-text/rt_flow_rfc3164.log";
    let none = sample(path, Format::Juniper, ReaderOptions::new()).into_iter().flatten();
    for (read, _) in none {
        assert_eq!(read.unwrap_err(), RejectReason::NoYear);
    }
    for (read, expected) in sample(path, Format::Juniper, utc(2020)).into_iter().flatten() {
        let event = read.unwrap();
        check_facts(&event, &expected);
        assert_eq!(event.time.unwrap().rfc3339(), "2020-11-18T09:56:58Z");
    }
}

#[test]
fn juniper_services_cards() {
    // The frame is in Los Angeles, the card in UTC; on the second line the two are a second apart.
    let options = ReaderOptions::new().with_zone("America/Los_Angeles".parse().unwrap());
    let headers = ["2011-10-31T04:46:04Z", "2011-10-31T04:48:35Z"];
    let path = "juniper-mx-text/asp_nat_pba.log";
    let read = sample(path, Format::Juniper, options).into_iter().flatten();
    for ((read, expected), header) in read.zip(headers) {
        let event = read.unwrap();
        check_facts(&event, &expected);
        assert_eq!(event.time, time(&expected["t"]), "{expected}");
        assert_eq!(event.header_time.unwrap().rfc3339(), header);
    }
}

#[test]
fn a_match_of_a_rule_has_no_public_port() {
    let path = "juniper-mx-text/jservices_rule_match.log";
    for (read, expected) in
        sample(path, Format::Juniper, ReaderOptions::new()).into_iter().flatten()
    {
        assert_eq!(expected["event"], "ignore");
        assert_eq!(read.unwrap_err(), RejectReason::OtherEvent);
    }
}

#[test]
fn cisco_cgv6() {
    // The expected file has no zone: the stamp is UTC, as in the source of its writer.
    let path = "cisco-xr-cgv6-syslog/userbased_docs.log";
    for (read, expected) in
        sample(path, Format::CiscoXr, ReaderOptions::new()).into_iter().flatten()
    {
        let event = read.unwrap();
        check_facts(&event, &expected);
        assert_eq!(event.time, time(&expected["t"]), "{expected}");
    }
}

#[test]
fn cisco_ios_xe() {
    // `vrf` is the number 0 there: the default table, so no realm.
    let path = "cisco-iosxe-syslog/log_translation_rsyslog_test.log";
    let read = sample(path, Format::CiscoXe, ReaderOptions::new().with_year(2017));
    for (read, expected) in read.into_iter().flatten() {
        let event = read.unwrap();
        check_facts(&event, &expected);
        assert_eq!(event.time.unwrap().rfc3339(), "2017-05-21T12:00:01.123Z");
        let far = event.destination.unwrap();
        let far = format!("{}:{}", far.addr, far.port.unwrap());
        assert_eq!(Some(&*far), expected["outside_global"].as_str());
        assert!(event.inside.unwrap().realm().unwrap().is_empty());
    }
}

#[test]
fn cisco_asa_blocks() {
    let path = "cisco-asa-syslog/asa_block_docs_shape.log";
    for (read, expected) in
        sample(path, Format::CiscoAsa, ReaderOptions::new()).into_iter().flatten()
    {
        let event = read.unwrap();
        check_facts(&event, &expected);
        assert_eq!(event.time, None);
    }
}
