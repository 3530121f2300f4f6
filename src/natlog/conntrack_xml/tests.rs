use super::*;
use crate::natlog::Reader;
use crate::natlog::{Format, Record, TcpState};

const ADDRESSES: &str = r#"<meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>100.64.0.10</src><dst>192.0.2.10</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>53586</sport><dport>80</dport></layer4></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>192.0.2.10</src><dst>203.0.113.1</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>80</sport><dport>20017</dport></layer4></meta>"#;
const WHEN: &str = "<when><hour>0</hour><min>18</min><sec>05</sec><wday>1</wday><day>22</day><month>11</month><year>2026</year></when>";

fn new() -> String {
    format!(
        r#"<flow type="new">{ADDRESSES}<meta direction="independent"><state>SYN_SENT</state><timeout>10</timeout><id>7</id><unreplied/></meta>{WHEN}</flow>"#
    )
}

fn destroy() -> String {
    format!(
        r#"<flow type="destroy">{ADDRESSES}<meta direction="independent"><state>TIME_WAIT</state><id>7</id><assured/><timestamp><start>1795306680123456789</start><stop>1795306684999999999</stop></timestamp><deltatime>4</deltatime></meta>{WHEN}</flow>"#
    )
}

fn utc() -> ReaderOptions {
    ReaderOptions::new().with_zone(crate::time::Zone::UTC)
}

fn read_all(text: &str, options: ReaderOptions) -> Vec<Result<Event, (RejectReason, u32)>> {
    let mut reader = Reader::new(Format::ConntrackXml, options, text.as_bytes());
    let mut event = Event::default();
    let mut out = Vec::new();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        out.push(match record {
            Record::Event => Ok(event.clone()),
            Record::Rejected(reject) => Err((reject.reason, reject.column)),
        });
    }
    out
}

fn read(text: &str) -> Result<Event, RejectReason> {
    let mut all = read_all(text, utc());
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0).map_err(|(reason, _)| reason)
}

#[test]
fn a_new_flow() {
    let event = read(&new()).unwrap();
    assert_eq!(event.kind, EventKind::SessionCreate);
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:05Z");
    assert_eq!(event.inside.unwrap().to_string(), "100.64.0.10");
    assert_eq!(event.inside_port, Some(53_586));
    assert_eq!(event.outside.unwrap().to_string(), "203.0.113.1");
    assert_eq!(event.ports.unwrap().first(), 20_017);
    assert_eq!(event.destination.unwrap().to_string(), "192.0.2.10:80");
    assert_eq!((event.state, event.timeout_second), (Some(TcpState::SynSent), Some(10)));
    assert_eq!((event.flow_id, event.killed, event.start), (Some(7), None, None));
}

#[test]
fn a_destroy_with_the_nanoseconds_of_the_kernel() {
    let event = read(&destroy()).unwrap();
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:00.123456Z");
    assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:04.999999Z");
    assert_eq!(event.killed, Some(false));
}

#[test]
fn a_destroy_that_prints_a_timeout_or_a_program_was_killed() {
    let timeout = destroy().replace("<id>7</id>", "<timeout>83</timeout><id>7</id>");
    assert_eq!(read(&timeout).unwrap().killed, Some(true));
    let flushed = format!("{} [USERSPACE] portid=4711 progname=conntrack", destroy());
    assert_eq!(read(&flushed).unwrap().killed, Some(true));
}

#[test]
fn several_flows_share_a_line_and_the_document_around_them_is_no_event() {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n{}{}\n</conntrack>\n",
        new(),
        destroy()
    );
    let all = read_all(&text, utc());
    assert_eq!(all[0], Err((RejectReason::Header, 1)));
    assert_eq!(all[1], Err((RejectReason::Header, 1)));
    let (first, second) = (all[2].as_ref().unwrap(), all[3].as_ref().unwrap());
    assert_eq!((first.kind, first.line, first.record), (EventKind::SessionCreate, 3, 1));
    assert_eq!((second.kind, second.line, second.record), (EventKind::SessionDelete, 3, 2));
    assert_eq!(all[4], Err((RejectReason::Header, 1)));
    assert_eq!(all.len(), 5);
    let one = format!("<?xml version=\"1.0\"?><conntrack>{}</conntrack>", new());
    assert!(read(&one).is_ok());
}

#[test]
fn an_echo_flow_is_no_event_since_its_identifier_is_not_printed() {
    let icmp = new()
        .replace("protonum=\"6\" protoname=\"tcp\"", "protonum=\"1\" protoname=\"icmp\"")
        .replace("<sport>53586</sport><dport>80</dport>", "")
        .replace("<sport>80</sport><dport>20017</dport>", "")
        .replace("<state>SYN_SENT</state>", "");
    assert_eq!(read(&icmp), Err(RejectReason::PortNotLogged));
    let same = icmp.replace("203.0.113.1", "100.64.0.10");
    assert_eq!(read(&same), Err(RejectReason::NoTranslation));
}

#[test]
fn without_a_zone_only_what_carries_its_stop_is_read() {
    assert_eq!(
        read_all(&new(), ReaderOptions::new())[0].as_ref().unwrap_err().0,
        RejectReason::NoZone
    );
    let tokyo = destroy().replace("<hour>0</hour>", "<hour>9</hour>");
    let all = read_all(&tokyo, ReaderOptions::new());
    assert_eq!(all[0].as_ref().unwrap().time.unwrap().rfc3339(), "2026-11-22T00:18:05Z");
    assert_eq!(read(&tokyo), Err(RejectReason::ZoneMismatch));
}

#[test]
fn what_cannot_be_read_says_why_and_where() {
    let at = |text: &str, needle: &str| u32::try_from(text.find(needle).unwrap()).unwrap() + 1;
    for (from, to, reason, needle) in [
        ("20017", "20O17", RejectReason::BadPort, "20O17"),
        ("20017", "70000", RejectReason::BadPort, "70000"),
        ("203.0.113.1<", "203.0.113.1000<", RejectReason::BadAddress, "203.0.113.1000"),
        ("SYN_SENT", "SENT", RejectReason::BadValue, "SENT<"),
        ("<id>7</id>", "<id>7</id><id>8</id>", RejectReason::RepeatedField, "8</id>"),
        ("<id>7</id>", "<id></id>", RejectReason::MissingField, "</id>"),
        ("</layer4></meta>", "</meta>", RejectReason::UnknownField, "</meta>"),
        ("type=\"new\"", "type=\"other\"", RejectReason::UnknownEvent, "<flow"),
        (" type=\"new\"", "", RejectReason::NoEvent, "<flow"),
        ("<hour>0<", "<hour>24<", RejectReason::BadTime, ""),
    ] {
        let text = new().replacen(from, to, 1);
        let (got, place) = read_all(&text, utc())[0].clone().unwrap_err();
        assert_eq!(got, reason, "{text}");
        if !needle.is_empty() {
            assert_eq!(place, at(&text, needle), "{text}");
        }
    }
    let same = new().replace("203.0.113.1", "100.64.0.10").replace("20017", "53586");
    assert_eq!(read(&same), Err(RejectReason::NoTranslation));
    let zone = new().replace("<id>7", "<zone>5</zone><id>7");
    assert_eq!(read(&zone).unwrap().inside.unwrap().to_string(), "100.64.0.10%zone-5");
    assert_eq!(
        read("conntrack v1.4.7 (conntrack-tools): 4 flow events have been shown."),
        Err(RejectReason::ToolMessage)
    );
}

/// As `xmllint --format` lays it out.
fn laid_out(text: &str) -> String {
    text.replace("><", ">\n  <").replace("></layer4>", "/>")
}

#[test]
fn a_flow_laid_out_over_lines_is_one_event() {
    let esp = new()
        .replace("protonum=\"6\" protoname=\"tcp\"", "protonum=\"50\" protoname=\"esp\"")
        .replace("<sport>53586</sport><dport>80</dport>", "")
        .replace("<sport>80</sport><dport>20017</dport>", "")
        .replace("<state>SYN_SENT</state>", "")
        .replace("></layer4>", "/>");
    let flat = [new(), destroy(), esp];
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n{}\n</conntrack>\n",
        flat.iter().map(|flow| laid_out(flow)).collect::<Vec<_>>().join("\r\n")
    );
    let all = read_all(&text, utc());
    let events: Vec<&Event> = all.iter().filter_map(|r| r.as_ref().ok()).collect();
    assert!(all.iter().all(|r| r.as_ref().err().is_none_or(|e| e.0 == RejectReason::Header)));
    assert_eq!(events.len(), 3);
    for (event, flat) in events.iter().zip(&flat) {
        let whole = read(flat).unwrap();
        assert_eq!(
            Event { span: whole.span, line: whole.line, ..(*event).clone() },
            whole,
            "{flat}"
        );
    }
    assert!(
        text.lines().nth(usize::try_from(events[0].line).unwrap() - 1).unwrap().contains("</flow>")
    );
}

#[test]
fn a_flow_laid_out_that_has_no_end_is_damage() {
    let text = laid_out(&new());
    let cut = text[..text.find("<id>").unwrap()].trim_end();
    let all = read_all(&format!("{cut}\n{}\n{text}\n", destroy()), utc());
    let told: Vec<_> = all
        .iter()
        .filter(|r| r.as_ref().err().is_none_or(|e| e.0 != RejectReason::Header))
        .map(|r| r.as_ref().map(|e| e.kind).map_err(|e| e.0))
        .collect();
    assert_eq!(
        told,
        [Err(RejectReason::CutShort), Ok(EventKind::SessionDelete), Ok(EventKind::SessionCreate)]
    );
    let long = format!("<flow type=\"new\">\n{}", "<x/>\n".repeat(5000));
    let all = read_all(&long, utc());
    assert!(all.iter().any(|r| r.as_ref().is_err_and(|e| e.0 == RejectReason::LineTooLong)));
    // A port that a line break parts is half a port and something else.
    for port in ["20O17", "2\n0017"] {
        let bad = laid_out(&new()).replace("20017", port);
        let all = read_all(&bad, utc());
        assert!(all.iter().any(|r| r.as_ref().is_err_and(|e| e.0 == RejectReason::BadPort)));
    }
}

#[test]
fn no_part_of_a_flow_is_an_event() {
    for text in [new(), destroy()] {
        for end in 1..text.len() {
            assert!(read(&text[..end]).is_err(), "{}", &text[..end]);
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        at in 0_usize..1500,
    ) {
        let mut text = destroy().into_bytes();
        let at = at.min(text.len());
        text.splice(at..at, bytes.iter().copied().take(3));
        let mut event = Event::default();
        let mut parser = ConntrackXmlParser::new(&utc());
        let _ = parser.parse_line(&text, &mut event);
        while parser.parse_more(&text, &mut event).is_some() {}
        let _ = parser.parse_line(&bytes, &mut event);
        while parser.parse_more(&bytes, &mut event).is_some() {}
    }
}
