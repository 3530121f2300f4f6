use super::*;
use crate::allocation::Span;
use crate::natlog::{EventKind, Reject};

fn parse(line: &str) -> Result<Event, (RejectReason, u32)> {
    let mut event = Event::default();
    let mut parser = NdjsonParser::new(ReaderOptions::new());
    parser.parse_line(line.as_bytes(), &mut event).map(|()| event)
}

#[test]
fn an_event_is_written_in_the_order_of_the_keys_and_read_back() {
    let line = concat!(
        r#"{"line":7,"event":"session_delete","proto":6,"inside":"100.64.0.10","inside_port":53586,"#,
        r#""outside":"203.0.113.1","port":20017,"dst":"192.0.2.10","dport":80,"#,
        r#""time":"2026-11-22T00:18:55.123403Z","start":"2026-11-22T00:18:50Z","#,
        r#""stop":"2026-11-22T00:18:55Z","realm":"blue","login":"a\"b","pool":"p","#,
        r#""timeout":5,"state":"CLOSE","killed":true,"flow_id":2028815706}"#,
        "\n"
    );
    let mut event = parse(line.trim_end()).unwrap();
    assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.10%blue");
    event.line = 7;
    let mut out = Vec::new();
    write_event(&event, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), line);
}

#[test]
fn a_time_that_no_digits_say_is_written_with_its_end() {
    let line = concat!(
        r#"{"event":"session_delete","outside":"203.0.113.1","port":1,"#,
        r#""time":"2026-10-25T00:30:00Z","time_until":"2026-10-25T01:30:01Z","#,
        r#""start":"2026-10-24T00:30:00.5Z","start_until":"2026-10-24T00:30:01.5Z","#,
        r#""stop":"2026-10-25T00:30:00Z","stop_until":"2026-10-25T01:30:01Z","#,
        r#""header_time":"2026-10-25T01:30:00.125Z"}"#,
        "\n"
    );
    let event = parse(line.trim_end()).unwrap();
    assert_eq!(event.time.unwrap().resolution_microsecond(), 3_601_000_000);
    let mut out = Vec::new();
    write_event(&event, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), line);
    for (from, to, reason) in [
        (r#""time_until":"2026-10-25T01"#, r#""time_until":"2026-10-25T00"#, None),
        (
            r#""time_until":"2026-10-25T01"#,
            r#""time_until":"2026-10-24T01"#,
            Some(RejectReason::BadTime),
        ),
        (r#""time":"2026-10-25T00:30:00Z","#, "", Some(RejectReason::MissingField)),
    ] {
        let read = parse(line.replacen(from, to, 1).trim_end());
        assert_eq!(read.err().map(|(reason, _)| reason), reason, "{to}");
    }
}

#[test]
fn numbers_may_be_texts_and_null_is_missing() {
    let event =
        parse(r#"{"start":"@1.5","outside":"203.0.113.1","port":"80","login":null,"pool":""}"#)
            .unwrap();
    assert_eq!((event.ports.unwrap().first(), event.login, event.pool), (80, None, None));
}

#[test]
fn rejects_say_where() {
    for (line, reason, column) in [
        (r#"{"start":"@1","outside":"203.0.113.1","prot":6}"#, RejectReason::UnknownColumn, 39),
        (r#"{"port":1,"port":1}"#, RejectReason::RepeatedColumn, 2),
        (r#"{"port":[1]}"#, RejectReason::BadValue, 2),
        (r#"{"port":{"a":1}}"#, RejectReason::BadValue, 2),
        (r#"{"port":1.5}"#, RejectReason::BadValue, 2),
        (r#"{"start":"@1","port":65536}"#, RejectReason::BadPort, 15),
        (r#"{"start":"@1","port":-1}"#, RejectReason::BadPort, 15),
        (r#"{"start":"@1"#, RejectReason::CutShort, 12),
        (r#"{"start":"@1"} {}"#, RejectReason::BadJson, 16),
        ("[]", RejectReason::BadJson, 1),
        (r#"{"line":1,"reject":"cut-short","what":1}"#, RejectReason::RejectedUpstream, 1),
    ] {
        let (got, at) = parse(line).unwrap_err();
        assert_eq!((got, at), (reason, column), "{line}");
    }
}

#[test]
fn a_written_reject_is_counted_upstream() {
    let span = Span { offset: 512, length: 9 };
    let reject = Reject { reason: RejectReason::CutShort, span, line: 7, column: 41 };
    let mut out = Vec::new();
    write_reject(&reject, &mut out).unwrap();
    assert_eq!(out, b"{\"line\":7,\"offset\":512,\"reject\":\"cut-short\",\"column\":41}\n");
    let line = std::str::from_utf8(&out).unwrap();
    assert_eq!(parse(line.trim_end()), Err((RejectReason::RejectedUpstream, 1)));
}

#[test]
fn a_map_names_members_of_objects_in_the_object() {
    let map = "@timestamp=time, event.action=event, event(create)=session_create, event.kind=-,
        source.ip=inside, source.nat.ip=outside, source.nat.port=port, destination.ip=dst, agent=-"
        .parse()
        .unwrap();
    let options = ReaderOptions::new().with_columns(map);
    let mut parser = NdjsonParser::new(options);
    let mut read = |line: &str| {
        let mut event = Event::default();
        parser.parse_line(line.as_bytes(), &mut event).map(|()| event).map_err(|e| e.0)
    };
    let nested = r#"{"@timestamp":"2026-11-02T03:04:05Z","event":{"action":"create","kind":"event"},"source":{"ip":"100.64.0.7","nat":{"ip":"203.0.113.9","port":20001}},"destination":null,"agent":{"id":{"x":1}}}"#;
    let event = read(nested).unwrap();
    assert_eq!(event.kind, EventKind::SessionCreate);
    assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.7");
    assert_eq!(event.ports.unwrap().first(), 20_001);
    let epoch = "ts:s=time, event:=session_create".parse().unwrap();
    let mut epochs = NdjsonParser::new(ReaderOptions::new().with_columns(epoch));
    let mut broken = Event::default();
    let line = r#"{"ts":1793588645.25,"inside":"100.64.0.7","outside":"203.0.113.9","port":20001}"#;
    epochs.parse_line(line.as_bytes(), &mut broken).unwrap();
    assert_eq!(broken.time.unwrap().rfc3339(), "2026-11-02T03:04:05.25Z");
    let flat = r#"{"@timestamp":"2026-11-02T03:04:05Z","event.action":"create","source.ip":"100.64.0.7","source.nat.ip":"203.0.113.9","source.nat.port":"20001"}"#;
    assert_eq!(read(flat).unwrap(), event);
    for (from, to, reason) in [
        ("\"kind\"", "\"other\"", RejectReason::UnknownColumn),
        ("\"destination\":null", "\"source.ip\":\"100.64.0.8\"", RejectReason::RepeatedColumn),
        ("\"destination\":null", "\"destination\":7", RejectReason::BadJson),
        ("\"nat\":{\"ip\"", "\"nat\":{\"ip6\"", RejectReason::UnknownColumn),
        ("20001", "200010", RejectReason::BadPort),
    ] {
        assert_eq!(read(&nested.replace(from, to)), Err(reason), "{to}");
    }
}
