use proptest::prelude::*;

use super::*;
use crate::natlog::ndjson;

fn parser() -> CiscoAsaParser {
    CiscoAsaParser::new(&ReaderOptions::new().with_zone("UTC".parse().unwrap()).with_year(2026))
}

fn read_with(parser: &mut CiscoAsaParser, line: &str) -> String {
    let mut event = Event::default();
    match parser.parse_line(line.as_bytes(), &mut event) {
        Ok(()) => {
            let mut out = Vec::new();
            ndjson::write_event(&event, &mut out).unwrap();
            String::from_utf8(out).unwrap().trim_end().to_owned()
        }
        Err((reason, column)) => format!("{reason} {column}"),
    }
}

fn read(line: &str) -> String {
    read_with(&mut parser(), line)
}

const XLATE: &str = "<166>Jul 19 2026 16:13:02 fw : %ASA-6-305012: Teardown dynamic TCP translation from inside:100.64.0.10/5000 to outside(nat_out):203.0.113.7/20017 duration 0:00:30";
const BLOCK: &str = "Jul 19 16:13:02 fw1 %FTD-6-305014: Allocated UDP block of ports for translation from inside:100.64.0.10 to outside:203.0.113.7/1024-1535";
const BUILT: &str = "<166>Jul 19 2026 16:13:02: %ASA-6-302013: Built outbound TCP connection 9 for outside:192.0.2.10/443 (192.0.2.10/443) to inside:100.64.0.10/5000 (203.0.113.7/20017)(LOCAL\\ann)";
const TEARDOWN: &str = "<166>Jul 19 2026 16:13:32: %ASA-6-302014: Teardown TCP connection 9 for outside:192.0.2.10/443 to inside:100.64.0.10/5000(LOCAL\\ann) duration 0:00:30 bytes 0 SYN Timeout";
const PING: &str = "Jul 19 2026 16:13:02: %ASA-6-302020: Built outbound ICMP connection for faddr 192.0.2.10/0 gaddr 203.0.113.7/39510 laddr 100.64.0.10/27819 type 8 code 0";

const ENDED: &str = "2026-07-19T16:13:33Z fw %FTD-1-430003: EventPriority: Low, DeviceUUID: 1-2, FirstPacketSecond: 2026-07-19T16:13:02Z, ConnectionID: 35871, SrcIP: 100.64.0.10, DstIP: 192.0.2.10, SrcPort: 5000, DstPort: 443, Protocol: tcp, IngressVRF: Global, URL: https://a/?b=1, 2, ConnectionDuration: 30, NAT_InitiatorPort: 20017, NAT_ResponderPort: 444, NAT_InitiatorIP: 203.0.113.7, NAT_ResponderIP: 192.0.2.99, ClientAppDetector: AppID";

#[test]
fn connection_events_of_firepower() {
    assert_eq!(
        read(ENDED),
        r#"{"event":"session_delete","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.99","dport":444,"time":"2026-07-19T16:13:33Z","start":"2026-07-19T16:13:02Z","flow_id":35871}"#
    );
    let bare = &ENDED[ENDED.find('%').unwrap()..];
    assert!(read(bare).contains(r#""time":"2026-07-19T16:13:32Z","time_until":"2026-07-19T16:13:34Z","start":"2026-07-19T16:13:02Z""#), "{}", read(bare));
    let yearless = ENDED.replace("2026-07-19T16:13:33Z", "Jul 19 16:13:33").replace("2026", "2023");
    assert!(
        read(&yearless).contains(r#""time":"2023-07-19T16:13:33Z","start":"2023-07-19T16:13:02Z""#)
    );
    let begun = ENDED.replace("430003", "430002").replace("Global", "blue");
    assert_eq!(
        read(&begun),
        r#"{"event":"session_create","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.99","dport":444,"time":"2026-07-19T16:13:02Z","header_time":"2026-07-19T16:13:33Z","realm":"blue","flow_id":35871}"#
    );
    let ping = ENDED.replace("tcp", "icmp").replace("Port:", "Code:");
    assert!(read(&ping).contains(r#""first":0,"last":65535,"dst":"192.0.2.99","time""#));
    for (from, to, reason) in [
        ("NAT_", "XAT_", "other-event"),
        ("URL: https", "UserAgent: https", "bad-value"),
        ("NAT_InitiatorPort: 20017", "NAT_InitiatorPort: 70017", "bad-port"),
        ("NAT_InitiatorPort: 20017, ", "", "missing-field"),
        ("203.0.113.7", "2001:db8::7", "ipv6-translation"),
        ("DeviceUUID: 1-2", "SrcIP: 10.0.0.1", "repeated-field"),
        ("FirstPacketSecond: 2026", "FirstPacketSecond: 2027", "bad-time"),
        ("430003", "430001", "not-nat"),
    ] {
        assert!(read(&ENDED.replace(from, to)).starts_with(reason), "{to}");
    }
    let own = ENDED.replace("203.0.113.7", "100.64.0.10").replace("20017", "5000");
    assert!(read(&own).starts_with("destination-translation"));
    let plain = own.replace("192.0.2.99", "192.0.2.10").replace("444", "443");
    assert!(read(&plain).starts_with("no-translation"));
}

#[test]
fn translations_and_blocks() {
    assert_eq!(
        read(XLATE),
        r#"{"event":"port_delete","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"time":"2026-07-19T16:13:02Z","start":"2026-07-19T16:12:31Z","start_until":"2026-07-19T16:12:34Z"}"#
    );
    let built = XLATE
        .replace("305012", "305011")
        .replace("Teardown", "Built")
        .replace(" duration 0:00:30", "");
    assert!(read(&built).starts_with(r#"{"event":"port_create","proto":6"#));
    assert_eq!(
        read(BLOCK),
        r#"{"event":"block_alloc","proto":17,"inside":"100.64.0.10","outside":"203.0.113.7","first":1024,"last":1535,"time":"2026-07-19T16:13:02Z"}"#
    );
    let interim = BLOCK.replace("305014: Allocated", "305017: Pba-interim-logging: Active");
    assert!(read(&interim).starts_with(r#"{"event":"block_interim","proto":17"#));
    assert_eq!(
        read("%ASA-6-305009: Built static translation from dmz:10.0.0.5 to outside:203.0.113.9"),
        r#"{"event":"port_create","inside":"10.0.0.5","outside":"203.0.113.9","first":0,"last":65535}"#
    );
    assert!(
        read("%ASA-6-305009: Built static translation from dmz:10.0.0.5 to outside:10.0.0.5")
            .starts_with("no-translation")
    );
}

#[test]
fn a_teardown_is_that_of_the_connection_that_was_built() {
    let mut p = parser();
    assert_eq!(
        read_with(&mut p, BUILT),
        r#"{"event":"session_create","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.10","dport":443,"time":"2026-07-19T16:13:02Z","flow_id":9}"#
    );
    // Another box counts its connections too.
    let other = TEARDOWN.replace("100.64.0.10/5000", "100.64.0.10/5001");
    assert!(read_with(&mut p, &other).starts_with("other-event"));
    assert_eq!(
        read_with(&mut p, TEARDOWN),
        r#"{"event":"session_delete","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.10","dport":443,"time":"2026-07-19T16:13:32Z","start":"2026-07-19T16:13:01Z","start_until":"2026-07-19T16:13:04Z","killed":false,"flow_id":9}"#
    );
    assert!(read_with(&mut p, TEARDOWN).starts_with("other-event"));
    for (reason, killed) in
        [("TCP Reset-O (ann)", r#""killed":true"#), ("(ann)", r#"04Z","flow_id""#)]
    {
        read_with(&mut p, BUILT);
        let end = TEARDOWN.replace("SYN Timeout", reason);
        assert!(read_with(&mut p, &end).contains(killed), "{reason}");
    }
}

#[test]
fn who_opened_a_connection_follows_from_its_direction() {
    let inbound = BUILT.replace("outbound", "inbound");
    assert!(read(&inbound).starts_with("destination-translation"));
    let own = BUILT.replace("203.0.113.7/20017", "100.64.0.10/5000");
    assert!(read(&own).starts_with("no-translation"));
    let mut p = parser();
    read_with(&mut p, &own);
    assert!(read_with(&mut p, TEARDOWN).starts_with("no-translation"));
    let same = "%ASA-6-302015: Built inbound UDP connection 3 for inside:100.64.0.10/5 (203.0.113.7/6) to dmz:192.0.2.10/53 (192.0.2.10/53)";
    assert!(read(same).contains(r#""inside":"100.64.0.10","inside_port":5,"outside":"203.0.113.7","port":6,"dst":"192.0.2.10","dport":53"#));
}

#[test]
fn a_far_side_with_a_name_is_left_out() {
    let mut p = parser();
    let name = |line: &str| line.replace("192.0.2.10", "far-srv.1");
    assert_eq!(
        read_with(&mut p, &name(BUILT)),
        r#"{"event":"session_create","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"time":"2026-07-19T16:13:02Z","flow_id":9}"#
    );
    assert!(read_with(&mut p, &name(TEARDOWN)).starts_with(r#"{"event":"session_delete""#));
    assert!(read(&name(PING)).contains(r#""port":39510,"time""#));
    // Who is inside, or the public address, is not guessed.
    for own in ["100.64.0.10", "203.0.113.7"] {
        assert!(read(&BUILT.replace(own, "own_srv")).starts_with("bad-address"), "{own}");
        assert!(read(&PING.replace(own, "own_srv")).starts_with("bad-address"), "{own}");
        assert!(read(&XLATE.replace(own, "own_srv")).starts_with("bad-address"), "{own}");
    }
    let plain = BUILT.replace("100.64.0.10/5000 (203.0.113.7/20017)", "own_srv/5 (own_srv/5)");
    assert!(read(&plain).starts_with("no-translation"));
}

#[test]
fn icmp_identifiers() {
    assert_eq!(
        read(PING),
        r#"{"event":"session_create","proto":1,"inside":"100.64.0.10","inside_port":27819,"outside":"203.0.113.7","port":39510,"dst":"192.0.2.10","time":"2026-07-19T16:13:02Z"}"#
    );
    let end = PING.replace("302020: Built outbound", "302021: Teardown");
    assert!(read(&end).starts_with(r#"{"event":"session_delete""#));
    assert!(read(&PING.replace("type 8 code 0", "type 3 code 1 ")).starts_with("other-event"));
    assert!(read(&PING.replace(" type 8 code 0", "")).starts_with(r#"{"event":"session_create""#));
    let inbound = "%ASA-6-302021: Teardown ICMP connection for faddr 192.0.2.10/12 gaddr 203.0.113.9/0 laddr 10.0.0.5/0 type 8 code 0";
    assert!(read(inbound).starts_with("destination-translation"));
    assert!(read(&inbound.replace("10.0.0.5", "203.0.113.9")).starts_with("no-translation"));
}

#[test]
fn what_is_no_event_says_why() {
    for (line, reason) in [
        ("%ASA-3-305006: portmap translation creation failed for udp", "other-event"),
        (
            "%ASA-6-302022: Built role stub TCP connection for inside:10.0.0.1/5 (1.2.3.4/6)",
            "other-event",
        ),
        (
            "%ASA-6-302017: Built inbound GRE connection 7 from inside:10.0.0.1 (1.2.3.4)",
            "unknown-event",
        ),
        ("%ASA-6-305099: x", "unknown-event"),
        ("%ASA-4-106023: Deny udp src inside:10.0.0.1/5", "not-nat"),
        ("sshd[7]: x", "not-nat"),
        ("%ASA-6-305011: Built dynamic TCP translation from inside:10.0.0.1/5 to", "cut-short"),
        (
            "%ASA-6-305011: Built dynamic TCP translation from inside:10.0.0.1/x to outside:203.0.113.7/6",
            "bad-port",
        ),
        (
            "%ASA-6-305011: Built dynamic FOO translation from inside:10.0.0.1/5 to outside:203.0.113.7/6",
            "bad-protocol",
        ),
        (
            "%ASA-6-305012: Teardown dynamic TCP translation from inside:10.0.0.1/5 to outside:203.0.113.7/6 duration 0:00:3",
            "bad-value",
        ),
        (
            "%ASA-6-305014: Allocated TCP block of ports for translation from inside:10.0.0.1 to outside:203.0.113.7/9-6",
            "bad-port",
        ),
    ] {
        assert_eq!(read(line).split(' ').next(), Some(reason), "{line}");
    }
    let bad = BLOCK.replace("1535", "70000");
    let column = bad.find("70000").unwrap() + 1;
    assert_eq!(read(&bad), format!("bad-port {column}"));
}

#[test]
fn no_head_of_a_line_is_another_event() {
    for line in [XLATE, BLOCK, BUILT, TEARDOWN, PING, ENDED] {
        let mut p = parser();
        read_with(&mut p, BUILT);
        let mut whole = Event::default();
        p.parse_line(line.as_bytes(), &mut whole).unwrap();
        for at in 0..line.len() {
            let mut p = parser();
            if line == TEARDOWN {
                read_with(&mut p, BUILT);
            }
            let mut event = Event::default();
            if p.parse_line(&line.as_bytes()[..at], &mut event).is_ok() && p.is_surely_whole() {
                // Why it ended is the last thing on its line.
                assert_eq!(Event { killed: whole.killed, ..event }, whole, "{}", &line[..at]);
            }
        }
    }
}

#[test]
fn the_open_connections_are_bounded() {
    let mut p = parser();
    let connection = Connection {
        protocol: Protocol::TCP,
        first: side(b"a:10.0.0.1/1").unwrap(),
        second: side(b"a:10.0.0.1/1").unwrap(),
        is_inbound: false,
    };
    p.open = (0..CONNECTIONS as u64).map(|id| (id + 100, connection)).collect();
    read_with(&mut p, BUILT);
    assert_eq!(p.open.len(), CONNECTIONS);
}

proptest! {
    #[test]
    fn any_change_is_read_without_panic(
        which in 0..5_usize, at in any::<proptest::sample::Index>(), bytes in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut line = [XLATE, BLOCK, BUILT, TEARDOWN, PING, ENDED][which].as_bytes().to_vec();
        let at = at.index(line.len());
        line.splice(at..=at, bytes);
        let mut p = parser();
        read_with(&mut p, BUILT);
        let _ = p.parse_line(&line, &mut Event::default());
    }

    #[test]
    fn any_bytes_are_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parser().parse_line(&line, &mut Event::default());
    }
}
