use super::*;
use crate::natlog::{Format, Reader, Record};

const FLOW: &str = "[DESTROY] ORIG: SRC=100.64.0.10 DST=192.0.2.10 PROTO=TCP SPT=53586 DPT=80 PKTS=5 BYTES=336 , REPLY: SRC=192.0.2.10 DST=203.0.113.1 PROTO=TCP SPT=80 DPT=20017 PKTS=3 BYTES=314 ";
const PAIRS: &str = "timestamp=2026/11/22-00:19:04,orig.ip.saddr=100.64.0.10,orig.ip.daddr=192.0.2.10,orig.ip.protocol=6,orig.l4.sport=53586,orig.l4.dport=80,reply.ip.saddr=192.0.2.10,reply.ip.daddr=203.0.113.1,reply.ip.protocol=6,reply.l4.sport=80,reply.l4.dport=20017,ct.mark=0,ct.id=7,ct.event=4,flow.start.sec=1795306735,flow.start.usec=123282,flow.end.sec=1795306735,flow.end.usec=658908,oob.family=2,orig.ip.saddr.str=100.64.0.10,reply.ip.daddr.str=203.0.113.1";

fn read_all(text: &str) -> Vec<Result<Event, (RejectReason, u32)>> {
    let options = ReaderOptions::new().with_zone(crate::time::Zone::UTC).with_year(2026);
    let mut reader = Reader::new(Format::Ulogd, options, text.as_bytes());
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

fn read(line: &str) -> Result<Event, RejectReason> {
    let line = format!("{line}\n");
    read_all(&line).remove(0).map_err(|(reason, _)| reason)
}

fn facts(event: &Event) -> String {
    format!(
        "{} {} {} {} -> {} {} to {}",
        event.kind,
        event.protocol.unwrap(),
        event.inside.as_ref().unwrap(),
        event.inside_port.unwrap(),
        event.outside.unwrap(),
        event.ports.unwrap(),
        event.destination.unwrap()
    )
}

const FACTS: &str = "session_delete tcp 100.64.0.10 53586 -> 203.0.113.1 20017 to 192.0.2.10:80";

#[test]
fn a_flow_as_text_behind_any_head() {
    for head in ["", "Nov 22 00:18:55 nat-7 ", "<13>Nov  2 00:18:55 nat-7 ulogd[7]: "] {
        let event = read(&format!("{head}{FLOW}")).unwrap();
        assert_eq!(facts(&event), FACTS, "{head}");
        assert_eq!(event.time.is_some(), !head.is_empty(), "{head}");
        assert_eq!((event.start, event.stop, event.flow_id), (None, None, None));
    }
    let without_counts = FLOW.replace("PKTS=5 BYTES=336 ", "").replace("PKTS=3 BYTES=314 ", "");
    assert_eq!(facts(&read(&without_counts).unwrap()), FACTS);
    assert_eq!(read(&FLOW.replace("DESTROY", "NEW")).unwrap().kind, EventKind::SessionCreate);
}

#[test]
fn a_flow_as_pairs() {
    let event = read(PAIRS).unwrap();
    assert_eq!(facts(&event), FACTS);
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:55.123282Z");
    assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:55.658908Z");
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:19:04Z");
    assert_eq!(event.flow_id, Some(7));
}

#[test]
fn what_is_no_translated_flow() {
    let same = FLOW.replace("203.0.113.1", "100.64.0.10").replace("20017", "53586");
    assert_eq!(read(&same), Err(RejectReason::NoTranslation));
    let packet = "Nov 22 00:18:56 nat-7 pre  IN=lan OUT=wan MAC=00:00 SRC=100.65.0.10 DST=192.0.2.20 LEN=60 PROTO=TCP SPT=34460 DPT=80 MARK=0x0 ";
    assert_eq!(read(packet), Err(RejectReason::OtherEvent));
    assert_eq!(read("[GONE] ORIG: SRC=1.2.3.4 "), Err(RejectReason::UnknownEvent));
    assert_eq!(read("Nov 22 00:18:56 nat-7 cron[7]: hello"), Err(RejectReason::NotNat));
    assert_eq!(read("[DESTROY] OR"), Err(RejectReason::CutShort));
    assert_eq!(read("timestamp=2026/11/22-00:1"), Err(RejectReason::CutShort));
    let icmp = FLOW
        .replace("PROTO=TCP SPT=53586 DPT=80", "PROTO=ICMP TYPE=0 CODE=8")
        .replace("PROTO=TCP SPT=80 DPT=20017", "PROTO=ICMP TYPE=0 CODE=8");
    assert_eq!(read(&icmp), Err(RejectReason::PortNotLogged));
}

#[test]
fn what_cannot_be_read_says_why_and_where() {
    for (from, to, reason, needle) in [
        ("20017", "200l7", RejectReason::BadPort, "DPT=200l7"),
        ("203.0.113.1", "203.0.113", RejectReason::BadAddress, "DST=203.0.113 "),
        ("PROTO=TCP SPT=80", "PROTO=XXX SPT=80", RejectReason::BadProtocol, "PROTO=XXX"),
        ("BYTES=336", "BYTES=336 X", RejectReason::UnknownField, "X "),
        ("DPT=80", "DPT=80 DPT=81", RejectReason::RepeatedField, "DPT=81"),
    ] {
        let text = FLOW.replace(from, to);
        let (got, place) = read_all(&format!("{text}\n")).remove(0).unwrap_err();
        assert_eq!(got, reason, "{text}");
        assert_eq!(place as usize, text.find(needle).unwrap() + 1, "{text}");
    }
    assert_eq!(read(&PAIRS.replace("=20017", "=")), Err(RejectReason::BadPort));
    let other = PAIRS.replace("daddr.str=203.0.113.1", "daddr.str=203.0.113.9");
    assert_eq!(read(&other), Err(RejectReason::RepeatedField));
}

#[test]
fn a_cut_line_is_never_somebody_elses_port() {
    for text in [FLOW, PAIRS] {
        let whole = read(text).unwrap();
        for end in 1..text.len() {
            let Some(Ok(event)) = read_all(&text[..end]).pop() else { continue };
            assert_eq!(facts(&event), facts(&whole), "{}", &text[..end]);
            assert_eq!((event.start, event.stop), (whole.start, whole.stop));
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
        at in 0_usize..500,
        is_flow in proptest::bool::ANY,
    ) {
        let mut text = if is_flow { FLOW } else { PAIRS }.as_bytes().to_vec();
        let at = at.min(text.len());
        text.splice(at..at, bytes.iter().copied().take(3));
        let mut parser = UlogdParser::new(&ReaderOptions::new());
        let _ = parser.parse_line(&text, &mut Event::default());
        let _ = parser.parse_line(&bytes, &mut Event::default());
    }
}
#[test]
fn printflow_as_other_programs_lay_it_out() {
    let wide = FLOW.replace("[DESTROY] ORIG", "[NEW]     ORIG");
    assert_eq!(read(&wide).unwrap().kind, EventKind::SessionCreate);
    let esp = FLOW
        .replace("PROTO=TCP SPT=53586 DPT=80", "PROTO=ESP")
        .replace("PROTO=TCP SPT=80 DPT=20017", "PROTO=ESP");
    let event = read(&esp).unwrap();
    assert_eq!(
        (event.protocol.unwrap().number(), event.ports),
        (50, Some(crate::port::PortRange::ALL))
    );
    let sctp = esp.replace("ESP", "132");
    assert_eq!(read(&sctp), Err(RejectReason::PortNotLogged));
}

#[test]
fn oprint_writes_a_key_a_line() {
    let keys = PAIRS.split_once(',').unwrap().1.replace(",oob.family=2", "").replace(',', "\n");
    let record = format!("===>PACKET BOUNDARY\n{keys}\noob.family=2\noob.protocol=0\n");
    let other = format!("{record}orig.ip.saddr.str=late\n");
    let packet = "===>PACKET BOUNDARY\nraw.pktlen=60\noob.hook=1\n";
    let all = read_all(&format!("{record}{packet}{other}===>PACKET BOUNDARY\n"));
    let told: Vec<_> = all
        .iter()
        .filter(|r| r.as_ref().err().is_none_or(|e| e.0 != RejectReason::Header))
        .map(|r| r.as_ref().map(facts).map_err(|e| e.0))
        .collect();
    assert_eq!(told[0].as_deref(), Ok(FACTS));
    assert_eq!(told[1], Err(RejectReason::OtherEvent));
    assert_eq!(told[2].as_deref(), Ok(FACTS));
    assert_eq!(told.len(), 3, "{told:?}");
    let event = all.iter().find_map(|r| r.as_ref().ok()).unwrap();
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:55.123282Z");
    assert_eq!((event.stop.is_some(), event.flow_id), (true, Some(7)));
    let mixed = read_all(&format!("{record}{PAIRS}\n{FLOW}\n"));
    assert_eq!(mixed.iter().flatten().map(facts).collect::<Vec<_>>(), [FACTS; 3]);
    // A flow without its last key may have lost digits of the one before it.
    for end in ["oob.protocol=0\n", "oob.family=2\noob.protocol=0\n"] {
        let cut = record.strip_suffix(end).unwrap();
        let cut = read_all(&format!("{cut}\n===>PACKET BOUNDARY\n"));
        assert_eq!(cut.last().unwrap().as_ref().unwrap_err().0, RejectReason::CutShort, "{end}");
        assert!(cut.iter().all(Result::is_err));
    }
    let bad = read_all(&record.replace("=20017", "=200170"));
    assert!(bad.iter().any(|r| r.as_ref().is_err_and(|e| e.0 == RejectReason::BadPort)));
}
