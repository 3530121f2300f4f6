//! Whole streams through the readers: recordings, and whatever bytes there are.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use portledger::allocation::{Destination, Span};
use portledger::inside::{InsideHost, Realm};
use portledger::natlog::{
    Event, EventKind, Format, Reader, ReaderOptions, Record, Reject, RejectReason, TcpState, ndjson,
};
use portledger::port::PortRange;
use portledger::protocol::Protocol;
use portledger::time::{Timestamp, WrittenTime};
use proptest::prelude::*;

/// All records of a stream: an event or a reject each.
fn records(
    format: Format,
    options: ReaderOptions,
    source: impl Read,
) -> Vec<Result<Event, Reject>> {
    let mut reader = Reader::new(format, options, source);
    let mut event = Event::default();
    let mut records = Vec::new();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        records.push(match record {
            Record::Event => Ok(event.clone()),
            Record::Rejected(reject) => {
                let time = event.time.filter(|_| reject.reason.is_expected());
                let left = Event { time, ..Event::default() };
                assert_eq!(event, left, "a reject leaves no half event behind, at most its stamp");
                Err(reject)
            }
        });
    }
    let events = records.iter().filter(|r| r.is_ok()).count() as u64;
    assert_eq!(reader.events(), events);
    assert_eq!(reader.skipped().total(), records.len() as u64 - events);
    records
}

fn span(record: &Result<Event, Reject>) -> (Span, u64) {
    match record {
        Ok(event) => (event.span, event.line),
        Err(reject) => (reject.span, reject.line),
    }
}

/// Hands out its bytes in pieces of the given sizes, in turn, with an interruption before each.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: &'a [usize],
    turn: usize,
    is_interrupted: bool,
}

impl<'a> Pieces<'a> {
    fn new(bytes: &'a [u8], sizes: &'a [usize]) -> Self {
        Pieces { bytes, sizes, turn: 0, is_interrupted: false }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let size = self.sizes[self.turn % self.sizes.len()].clamp(1, out.len());
        self.turn += 1;
        let n = size.min(self.bytes.len());
        let (head, tail) = self.bytes.split_at(n);
        out[..n].copy_from_slice(head);
        self.bytes = tail;
        Ok(n)
    }
}

/// Every byte belongs to one record or one line ending, and every line to one record.
fn assert_nothing_vanishes(format: Format, bytes: &[u8], records: &[Result<Event, Reject>]) {
    let mut at = 0;
    let mut line = 1;
    let mut last = None;
    let mut further = 0;
    for record in records {
        let (span, number) = span(record);
        // A line may hold several records.
        if last.replace((span, number)) == Some((span, number)) {
            further += 1;
            continue;
        }
        assert_eq!((span.offset, number), (at as u64, line), "{format}");
        let end = at + span.length as usize;
        // What the end of the stream cuts off keeps the line ending of its last line.
        let own = &bytes[at..end];
        let body = own.strip_suffix(b"\n").filter(|_| end == bytes.len()).unwrap_or(own);
        line += 1 + newlines(body) as u64;
        let ending: &[u8] = match &bytes[end..] {
            [b'\r', b'\n', ..] => b"\r\n",
            [b'\n', ..] => b"\n",
            [b'\r'] => b"\r",
            rest => {
                assert!(rest.is_empty(), "{rest:?}");
                b""
            }
        };
        at = end + ending.len();
    }
    assert_eq!(at, bytes.len());
    let lines = newlines(bytes) + usize::from(bytes.last().is_some_and(|&b| b != b'\n'));
    assert_eq!(line - 1, lines as u64, "{format}: {records:?}");
    // Records of these take several lines.
    if ![Format::Csv, Format::NfdumpJson, Format::RadiusNat].contains(&format) {
        assert_eq!(records.len() - further, lines);
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.split(|&b| b == b'\n').count() - 1
}

fn is_capture(bytes: &[u8]) -> bool {
    let magics: [[u8; 4]; 5] = [
        [0xA1, 0xB2, 0xC3, 0xD4],
        [0xD4, 0xC3, 0xB2, 0xA1],
        [0xA1, 0xB2, 0x3C, 0x4D],
        [0x4D, 0x3C, 0xB2, 0xA1],
        [0x0A, 0x0D, 0x0D, 0x0A],
    ];
    magics.iter().any(|magic| bytes.starts_with(magic))
}

fn assert_sound(bytes: &[u8], sizes: &[usize], max_line_len: usize) {
    for &format in Format::ALL {
        let options = || ReaderOptions::new().with_max_line_len(max_line_len);
        let whole = records(format, options(), bytes);
        // Messages have lengths of their own, and captures too, which any format may come in.
        let has_lines = !["ipfix", "netflow9"].contains(&format.name());
        if has_lines && !is_capture(bytes) {
            assert_nothing_vanishes(format, bytes, &whole);
        }
        let pieces = records(format, options(), Pieces::new(bytes, sizes));
        assert_eq!(whole, pieces, "{format}: the cuts of the source show");
    }
}

const VALID: [&str; 10] = [
    "[1795306735.123403]\t    [NEW] ipv4     2 tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706",
    "[1795306735.123403]\t[DESTROY] ipv4     2 tcp      6 TIME_WAIT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 packets=5 bytes=336 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 packets=3 bytes=314 [ASSURED] mark=0 zone=3 delta-time=4 [start=Sun Nov 22 00:18:50 2026] [stop=Sun Nov 22 00:18:54 2026] id=2028815706 [USERSPACE] portid=7 progname=conntrack",
    "[1795306745.054991]\t    [NEW] icmp     1 5 src=100.64.0.10 dst=192.0.2.10 type=8 code=0 id=16853 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 type=0 code=0 id=17026 id=2247354977",
    "[NEW] ipv6 10 udp 17 5 src=2001:db8::1 dst=2001:db8::2 sport=1 dport=2 src=2001:db8::2 dst=2001:db8::1 sport=2 dport=1 id=1",
    "event,time,proto,inside,inside_port,realm,outside,port,dst,dport,start,stop,pool",
    "session_create,2026-11-02T03:04:05.123Z,tcp,100.64.0.1,5000,blue,203.0.113.7,1024,192.0.2.1,80,,,\"a \"\"b\"\",",
    "c\"",
    ",,udp,2001:db8::1,,,203.0.113.7,1024,192.0.2.1,53,@1795306735.5,@1795306736,",
    r#"{"line":1,"event":"block_alloc","time":"2026-11-02T03:04:05Z","inside":"b4[2001:db8::1]","outside":"203.0.113.7","first":1024,"last":2047,"pool":"a\u0062"}"#,
    r#"{"line":2,"offset":99,"reject":"cut-short","column":4}"#,
];

/// Valid lines in any order, with some of their bytes changed, dropped or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let line = (0..VALID.len(), prop::sample::select(vec!["\n", "\r\n", "", " "]));
    let change = (any::<prop::sample::Index>(), 0..4_u8, any::<u8>());
    (prop::collection::vec(line, 1..8), prop::collection::vec(change, 0..4)).prop_map(
        |(lines, changes)| {
            let mut bytes = Vec::new();
            for (i, ending) in lines {
                bytes.extend_from_slice(VALID[i].as_bytes());
                bytes.extend_from_slice(ending.as_bytes());
            }
            for (at, how, byte) in changes {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, byte % 128),
                    _ => bytes.truncate(at + 1),
                }
            }
            bytes
        },
    )
}

/// Bytes that make quotes, lines and fields likely.
fn csv_like() -> impl Strategy<Value = Vec<u8>> {
    let header = b"event,inside,outside,start\n".to_vec();
    let byte = prop::sample::select(b"\"\"\",,\n\nab\r#1@".to_vec());
    prop::collection::vec(byte, 0..120).prop_map(move |tail| [header.clone(), tail].concat())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..200_usize, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes_are_events_or_counted_rejects(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        sizes in sizes(),
        max in 0..300_usize,
    ) {
        assert_sound(&bytes, &sizes, max);
    }

    #[test]
    fn damaged_lines_are_events_or_counted_rejects(
        bytes in mutated(),
        sizes in sizes(),
        max in prop::sample::select(vec![10, 90, 300, ReaderOptions::MAX_LINE_LEN]),
    ) {
        assert_sound(&bytes, &sizes, max);
    }

    #[test]
    fn quotes_and_line_breaks_in_any_order_are_rows(
        bytes in csv_like(),
        sizes in sizes(),
        max in prop::sample::select(vec![5, 30, ReaderOptions::MAX_LINE_LEN]),
    ) {
        assert_sound(&bytes, &sizes, max);
    }

    #[test]
    fn what_is_written_is_read_back(event in event()) {
        let mut line = Vec::new();
        ndjson::write_event(&event, &mut line).unwrap();
        let read = records(Format::Ndjson, ReaderOptions::new(), &line[..]);
        let expected = Event { line: 1, record: 1, span: Span { offset: 0, length: u32::try_from(line.len() - 1).unwrap() }, ..event };
        prop_assert_eq!(read, vec![Ok(expected)]);
    }

    #[test]
    fn a_csv_row_says_what_an_ndjson_line_does(event in event()) {
        let mut line = Vec::new();
        ndjson::write_event(&event, &mut line).unwrap();
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&line).unwrap();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => quoted(text),
            other => other.to_string(),
        };
        let of_nat: Vec<_> = object.iter().filter(|(key, _)| *key != "line").collect();
        let header: Vec<&str> = of_nat.iter().map(|(key, _)| key.as_str()).collect();
        let row: Vec<String> = of_nat.iter().map(|(_, value)| text(value)).collect();
        let csv = format!("{}\n{}\n", header.join(","), row.join(","));
        let read = records(Format::Csv, ReaderOptions::new(), csv.as_bytes());
        let (span, line) = span(&read[1]);
        let start = usize::try_from(span.offset).unwrap();
        let place = start..start + span.length as usize;
        prop_assert_eq!(&csv[place], row.join(","));
        let expected = Event { line, record: 1, span, ..event };
        prop_assert_eq!(&read[1], &Ok(expected));
    }
}

fn text() -> impl Strategy<Value = String> {
    prop::string::string_regex("[a-z\"\\\\\n, \u{e9}{}:%#-]{1,12}").unwrap()
}

fn host() -> impl Strategy<Value = InsideHost> {
    let v6 = any::<u128>().prop_map(Into::into);
    prop_oneof![
        (any::<u32>(), prop_oneof![Just(String::new()), text()]).prop_map(|(addr, realm)| {
            InsideHost::V4 { addr: addr.into(), realm: Realm::new(&realm) }
        }),
        (v6.clone(), any::<Option<u32>>())
            .prop_map(|(addr, inner)| InsideHost::B4 { addr, inner: inner.map(Into::into) }),
        v6.prop_map(InsideHost::V6),
        (any::<u128>(), 0..=128_u8).prop_map(|(addr, len)| InsideHost::prefix(
            ipnet::Ipv6Net::new_assert(addr.into(), len)
        )),
        text().prop_map(|name| InsideHost::Name(name.into())),
    ]
}

/// A time that some digits say: its start stands at a multiple of its resolution.
fn time() -> impl Strategy<Value = WrittenTime> {
    let resolution =
        prop::sample::select(vec![1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 60_000_000]);
    (resolution, -60_000_000_000_000_000..250_000_000_000_000_000_i64).prop_map(|(step, at)| {
        WrittenTime::new(Timestamp::from_microsecond(at - at.rem_euclid(step)), step)
    })
}

fn event() -> impl Strategy<Value = Event> {
    let who = (prop::option::of(host()), any::<Option<u16>>(), any::<u32>());
    let what = (
        prop::sample::select(EventKind::ALL.to_vec()),
        any::<Option<u8>>(),
        prop::option::of((any::<u16>(), any::<u16>())),
        prop::option::of((any::<u32>(), any::<Option<u16>>())),
    );
    let when = (prop::option::of(time()), prop::option::of(time()), prop::option::of(time()));
    let rest = (
        any::<Option<u32>>(),
        prop::option::of(prop::sample::select(TcpState::ALL.to_vec())),
        any::<Option<bool>>(),
        any::<Option<u64>>(),
        prop::option::of(text()),
        prop::option::of(text()),
    );
    (who, what, when, rest).prop_map(|(who, what, when, rest)| {
        let (inside, inside_port, outside) = who;
        let (kind, protocol, ports, far) = what;
        let (time, start, stop) = when;
        let (timeout_second, state, killed, flow_id, login, pool) = rest;
        let start = if kind == EventKind::Allocation { start.or(time) } else { start };
        let start = start.or((kind == EventKind::Allocation).then(|| WrittenTime::from_second(5)));
        let is_forward = |stop: &WrittenTime| start.is_none_or(|start| stop.end() > start.start());
        let stop = stop.filter(is_forward);
        Event {
            kind,
            time,
            protocol: protocol.map(Protocol::new),
            inside,
            inside_port,
            outside: Some(outside.into()),
            ports: ports.map(|(a, b)| PortRange::new_assert(a.min(b), a.max(b))),
            destination: far.map(|(addr, port)| Destination { addr: addr.into(), port }),
            start,
            stop,
            timeout_second,
            state,
            killed,
            flow_id,
            login: login.map(Into::into),
            pool: pool.map(Into::into),
            ..Event::default()
        }
    })
}

#[test]
fn an_overlong_line_costs_itself_and_no_other() {
    let good = VALID[0];
    for ending in ["\n", "\r\n"] {
        let text = format!("{good}{ending}{}{ending}{good}{ending}", "x".repeat(200_000));
        let read = records(Format::Conntrack, ReaderOptions::new(), text.as_bytes());
        assert!(read[0].is_ok() && read[2].is_ok());
        assert_eq!(read[1].as_ref().unwrap_err().reason, RejectReason::LineTooLong);
        assert_eq!(read.len(), 3);
    }
}

#[test]
fn a_stray_quote_costs_its_line_and_no_other() {
    let csv = "start,outside,pool\n@1,203.0.113.1,\"x\n@2,203.0.113.2,y\n@3,203.0.113.3,\"a\nb\"\n";
    let read = records(Format::Csv, ReaderOptions::new(), csv.as_bytes());
    // The first quote of line 4 would close that of line 2, but not where a field ends.
    let reasons: Vec<_> = read.iter().map(|r| r.as_ref().err().map(|r| r.reason)).collect();
    let (header, bad) = (Some(RejectReason::Header), Some(RejectReason::BadQuote));
    assert_eq!(reasons, [header, bad, None, None]);
    let csv = "start,outside,pool\n@1,203.0.113.1,\"x\n@2,203.0.113.2,y\n@3,203.0.113.3,z\n";
    let read = records(Format::Csv, ReaderOptions::new(), csv.as_bytes());
    assert_eq!(read[1].as_ref().unwrap_err().reason, RejectReason::BadQuote);
    assert_eq!(read[2].as_ref().unwrap().line, 3);
    assert_eq!(read[3].as_ref().unwrap().line, 4);
}

#[test]
fn a_row_may_run_over_lines() {
    let csv = "start,pool,outside\n@1,\"a\r\nb\n\",203.0.113.1\r\n@2,,203.0.113.2";
    let read = records(Format::Csv, ReaderOptions::new(), csv.as_bytes());
    let event = read[1].as_ref().unwrap();
    assert_eq!(event.pool.as_deref(), Some("a\r\nb\n"));
    assert_eq!((event.line, event.span), (2, Span { offset: 19, length: 22 }));
    let event = read[2].as_ref().unwrap();
    assert_eq!((event.line, event.span), (5, Span { offset: 43, length: 15 }));
}

#[test]
fn a_last_line_without_line_ending_counts_only_if_nothing_can_be_missing() {
    let line = VALID[0];
    let read = |text: &str| records(Format::Conntrack, ReaderOptions::new(), text.as_bytes());
    assert!(read(line)[0].is_ok());
    let (without_id, _) = line.split_once(" id=").unwrap();
    assert!(read(&format!("{without_id}\n"))[0].is_ok());
    // It may be the head of `dport=200171`.
    assert_eq!(read(without_id)[0].as_ref().unwrap_err().reason, RejectReason::CutShort);
}

#[test]
fn an_error_of_the_source_loses_nothing() {
    struct Flaky<'a>(Pieces<'a>, bool);
    impl Read for Flaky<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(out) }
        }
    }
    let text = format!("{}\n{}\n{}\n", VALID[0], "y".repeat(900), VALID[1]);
    let options = ReaderOptions::new().with_max_line_len(600);
    let whole = records(Format::Conntrack, options.clone(), text.as_bytes());
    let source = Flaky(Pieces::new(text.as_bytes(), &[70]), false);
    let mut reader = Reader::new(Format::Conntrack, options, source);
    let (mut event, mut read, mut errors) = (Event::default(), Vec::new(), 0);
    loop {
        match reader.next_record(&mut event) {
            Ok(Some(Record::Event)) => read.push(Ok(event.clone())),
            Ok(Some(Record::Rejected(reject))) => read.push(Err(reject)),
            Ok(None) => break,
            Err(_) => errors += 1,
        }
    }
    assert_eq!(read, whole);
    assert!(errors > 10);
    assert_eq!((reader.bytes(), reader.lines()), (text.len() as u64, 3));
}

/// A folder of recordings beside the repository, or none.
fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable)
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(default), PathBuf::from);
    if !path.is_dir() {
        println!("skipped: no data");
        return None;
    }
    Some(path)
}

#[test]
fn the_lab_logs_hold_what_the_lab_counted() {
    let Some(lab) = folder("PORTLEDGER_LAB", "../shared/lab") else { return };
    // Untranslated: what the box sends for itself (120 lines of cgnA, 88 of cgnB), and the DHCP renewals that
    // subscribers send to it.
    for (name, create, update, delete, untranslated) in [
        ("cgnA/conntrack_E.log", 1919, 6352, 1919, 454),
        ("cgnB/conntrack_E.log", 1382, 4682, 1382, 352),
        ("cgnB/conntrack_E_realgap.log", 1290, 0, 1257, 286),
    ] {
        let bytes = fs::read(lab.join(name)).unwrap();
        let read = records(Format::Conntrack, ReaderOptions::new(), &bytes[..]);
        assert_nothing_vanishes(Format::Conntrack, &bytes, &read);
        let mut kinds = BTreeMap::new();
        for record in &read {
            *kinds
                .entry(match record {
                    Ok(event) => event.kind.name(),
                    Err(reject) => reject.reason.name(),
                })
                .or_insert(0) += 1;
            if let Ok(event) = record {
                assert!(event.time.is_some() && event.flow_id.is_some());
                let inside = event.inside.as_ref().unwrap().to_string();
                assert!(inside.starts_with("100.6"), "{inside}");
                assert_eq!(event.ports.unwrap().len(), 1);
            }
        }
        let mut expected = BTreeMap::from([
            ("session_create", create),
            ("update", update),
            ("session_delete", delete),
            ("no-translation", untranslated),
        ]);
        expected.retain(|_, count| *count > 0);
        assert_eq!(kinds, expected, "{name}");
    }
    let dump = fs::read(lab.join("cgnA/conntrack_L_end.txt")).unwrap();
    let read = records(Format::Conntrack, ReaderOptions::new(), &dump[..]);
    let reasons: Vec<&str> =
        read.iter().map(|r| r.as_ref().map_or_else(|r| r.reason.name(), |_| "event")).collect();
    assert_eq!(reasons, ["tool-message", "no-event"]);
}

#[test]
fn the_captured_conntrack_lines_say_what_their_collection_says() {
    let Some(captures) = folder("PORTLEDGER_CAPTURES", "../shared/captures") else { return };
    let folder = captures.join("linux-conntrack");
    let log = fs::read(folder.join("weave_scope.log")).unwrap();
    let read = records(Format::Conntrack, ReaderOptions::new(), &log[..]);
    let expected = fs::read_to_string(folder.join("weave_scope.log.expected.ndjson")).unwrap();
    let mut compared = 0;
    for line in expected.lines() {
        let expected: serde_json::Value = serde_json::from_str(line).unwrap();
        let number = expected["line"].as_u64().unwrap();
        let event = read.iter().flatten().find(|event| event.line == number).unwrap();
        let mut out = Vec::new();
        ndjson::write_event(event, &mut out).unwrap();
        let written: serde_json::Value = serde_json::from_slice(&out).unwrap();
        for key in ["line", "event", "proto", "outside", "port"] {
            if let Some(value) = expected.get(key) {
                assert_eq!(&written[key], value, "line {number}, {key}");
                compared += 1;
            }
        }
    }
    assert!(compared > 0);
}
