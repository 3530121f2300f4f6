use proptest::prelude::*;

use super::*;
use crate::natlog::ndjson;

fn parser() -> JuniperParser {
    let zone = "Asia/Karachi".parse().unwrap();
    JuniperParser::new(&ReaderOptions::new().with_zone(zone).with_year(2026))
}

fn read_with(parser: &mut JuniperParser, line: &[u8]) -> Result<Event, (RejectReason, u32)> {
    let mut event = Event::default();
    parser.parse_line(line, &mut event).map(|()| event)
}

/// The event as our own NDJSON, or the reject with its column.
fn read(line: &str) -> String {
    match read_with(&mut parser(), line.as_bytes()) {
        Ok(event) => {
            let mut out = Vec::new();
            ndjson::write_event(&event, &mut out).unwrap();
            String::from_utf8(out).unwrap().trim_end().to_owned()
        }
        Err((reason, column)) => format!("{reason} {column}"),
    }
}

const ALLOC: &str = r#"<14>1 2026-06-30T17:44:27.5Z gw RT_NAT - RT_SRC_NAT_PBA_ALLOC [junos@2636.1.1.1.2.129 internal-ip="100.64.0.10" block-used="1" block-max-per-host="4" block-port-low="2048" block-port-high="2175" reflexive-ip="203.0.113.7" nat-pool-name="P 1" logical-system-id="0" epoch-time-64="6a44007a"]"#;
const TEXT_ALLOC: &str = "<14>Jun 30 22:44:25 gw RT_NAT: RT_SRC_NAT_PBA_ALLOC: Subscriber 100.64.0.10 used/maximum [10/15] blocks, allocates port block [2048-2175] from 203.0.113.7 in source pool P lsys_id: 0 epoch 0x6a44007a";
const CLOSE: &str = r#"<14>1 2026-06-30T17:44:27Z gw RT_FLOW - RT_FLOW_SESSION_CLOSE_LS [junos@2636.1.1.1.2.129 logical-system-name="blue" reason="idle Timeout" source-address="100.64.0.10" source-port="5000" destination-address="192.0.2.10" destination-port="443" nat-source-address="203.0.113.7" nat-source-port="20017" nat-destination-address="192.0.2.10" nat-destination-port="443" protocol-id="6" session-id-32="178" packets-from-client="6" elapsed-time="249" username="ann" application="UNKNOWN"] session closed"#;
const TEXT_CLOSE: &str = "Jun 30 22:44:25 gw RT_FLOW: RT_FLOW_SESSION_CLOSE: session closed TCP FIN: 100.64.0.10/5000->192.0.2.10/443 0x0 junos-https 203.0.113.7/20017->192.0.2.10/443 0x0 source rule R1 N/A N/A 6 1 TRUST UNTRUST 178 10(520) 12(840) 249 UNKNOWN";
const TEXT_CREATE: &str = "<23> Jun 30 22:44:25  gw RT_FLOW: RT_FLOW_SESSION_CREATE: session created 100.64.0.10/5000->192.0.2.53/53 junos-dns-udp 203.0.113.7/20017->192.0.2.53/53 R None 17 P TRUST UNTRUST 6316 N/A(N/A) vlan.192";
const CARD: &str = "Oct 31 09:46:05  gw (FPC Slot 2, PIC Slot 0) 2026-10-31 04:46:04 [FWNAT]:ASP_NAT_PORT_BLOCK_RELEASE: 3ffe:0:0:0:0:0:0:1 -> 203.0.113.7:1050-1099";
const FORWARD: &str = "Oct 31 09:46:05 gw (FPC Slot 2, PIC Slot 0) 2026-10-31 04:46:04 P{SET}[FWNAT]: ASP_SFW_CREATE_ACCEPT_FLOW: proto 17 (UDP) application: any, ge-1/0/0.120:100.64.0.10:5000 -> 192.0.2.10:63, creating forward or watch flow ; source address and port translate to 203.0.113.7:20480";
const OPEN: &str = "Oct 31 09:46:05 2026-10-31 04: 46:04: gw{SET}[jservices-nat]: JSERVICES_SESSION_OPEN: application:none, xe-3/1/1.0 100.64.0.10:5000 [203.0.113.7:1048] -> 192.0.2.10:63 (UDP)";

#[test]
fn blocks_structured_and_as_text() {
    assert_eq!(
        read(ALLOC),
        r#"{"event":"block_alloc","inside":"100.64.0.10","outside":"203.0.113.7","first":2048,"last":2175,"time":"2026-06-30T17:44:26Z","header_time":"2026-06-30T17:44:27.5Z","pool":"P 1"}"#
    );
    // The frame is local time and a second early; the record has the epoch.
    assert_eq!(
        read(TEXT_ALLOC),
        r#"{"event":"block_alloc","inside":"100.64.0.10","outside":"203.0.113.7","first":2048,"last":2175,"time":"2026-06-30T17:44:26Z","header_time":"2026-06-30T17:44:25Z","pool":"P"}"#
    );
    let release = TEXT_ALLOC.replace("ALLOC", "RELEASE").replace("allocates", "releases");
    assert!(read(&release).starts_with(r#"{"event":"block_release""#));
    let without = release.replace(" lsys_id: 0 epoch 0x6a44007a", "");
    assert!(read(&without).contains(r#""time":"2026-06-30T17:44:25Z""#));
    let other = TEXT_ALLOC.replace("lsys_id: 0", "lsys_id: 3");
    assert!(read(&other).contains(r#""realm":"3""#));
}

#[test]
fn the_epoch_of_an_interim_record_is_when_the_block_began() {
    let interim = ALLOC.replace("ALLOC", "INTERIM").replace("06-30T17:44:27.5Z", "07-02T00:00:00Z");
    assert_eq!(
        read(&interim),
        r#"{"event":"block_interim","inside":"100.64.0.10","outside":"203.0.113.7","first":2048,"last":2175,"time":"2026-07-02T00:00:00Z","start":"2026-06-30T17:44:26Z","pool":"P 1"}"#
    );
    let before = interim.replace("2026-07-02", "2025-07-02");
    assert_eq!(read(&before), "bad-time 1");
    let bare = &interim[interim.find("RT_NAT").unwrap()..];
    assert!(read(bare).contains(r#""last":2175,"start":"2026-06-30T17:44:26Z""#));
}

#[test]
fn a_frame_without_year_takes_that_of_the_epoch() {
    let zone = "Asia/Karachi".parse().unwrap();
    let mut parser = JuniperParser::new(&ReaderOptions::new().with_zone(zone));
    assert_eq!(read_with(&mut parser, TEXT_CREATE.as_bytes()), Err((RejectReason::NoYear, 1)));
    let block = read_with(&mut parser, TEXT_ALLOC.as_bytes()).unwrap();
    assert_eq!(block.header_time.unwrap().rfc3339(), "2026-06-30T17:44:25Z");
    let flow = read_with(&mut parser, TEXT_CREATE.as_bytes()).unwrap();
    assert_eq!(flow.time.unwrap().rfc3339(), "2026-06-30T17:44:25Z");
}

#[test]
fn flows_structured_and_as_text() {
    assert_eq!(
        read(CLOSE),
        r#"{"event":"session_delete","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.10","dport":443,"time":"2026-06-30T17:44:27Z","start":"2026-06-30T17:40:17Z","start_until":"2026-06-30T17:40:20Z","realm":"blue","login":"ann","killed":false,"flow_id":178}"#
    );
    assert_eq!(
        read(TEXT_CLOSE),
        r#"{"event":"session_delete","proto":6,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.10","dport":443,"time":"2026-06-30T17:44:25Z","start":"2026-06-30T17:40:15Z","start_until":"2026-06-30T17:40:18Z","killed":true,"flow_id":178}"#
    );
    assert_eq!(
        read(TEXT_CREATE),
        r#"{"event":"session_create","proto":17,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.53","dport":53,"time":"2026-06-30T17:44:25Z","flow_id":6316}"#
    );
    let lsys = TEXT_CREATE.replace("session created", "Lsys blue: session created");
    assert!(read(&lsys).contains(r#""realm":"blue""#));
    let old = TEXT_CREATE.replace(
        "R None 17 P TRUST UNTRUST 6316 N/A(N/A) vlan.192",
        "N/A N/A 17 1 TRUST UNTRUST 6316",
    );
    assert!(read(&old).contains(r#""flow_id":6316"#));
}

#[test]
fn flows_of_apptrack_are_flows() {
    let like = |name: &str, line: &str| {
        let name = format!("APPTRACK_SESSION_{name}");
        line.replace("RT_FLOW_SESSION_CLOSE", &name).replace("RT_FLOW_SESSION_CREATE", &name)
    };
    assert_eq!(read(&like("CLOSE", CLOSE)), read(CLOSE));
    assert!(read(&like("CREATE", CLOSE)).starts_with(r#"{"event":"session_create","proto":6"#));
    for name in ["VOL_UPDATE", "ROUTE_UPDATE"] {
        assert!(read(&like(name, CLOSE)).starts_with(r#"{"event":"update","proto":6"#));
    }
    let text = like("CREATE", TEXT_CREATE)
        .replace("session created", "AppTrack session created")
        .replace("junos-dns-udp", "junos-dns-udp DNS UNKNOWN");
    assert_eq!(read(&text), read(TEXT_CREATE));
    let volume = text.replace("AppTrack session created", "AppTrack volume update:");
    let volume = volume.replace("_CREATE", "_VOL_UPDATE");
    assert!(read(&volume).starts_with(r#"{"event":"update","proto":17"#), "{}", read(&volume));
    assert!(read(&like("MERGE", CLOSE)).starts_with("unknown-event"));
}

#[test]
fn flows_of_the_older_card_name_their_translation() {
    assert_eq!(
        read(FORWARD),
        r#"{"event":"session_create","proto":17,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":20480,"dst":"192.0.2.10","dport":63,"time":"2026-10-31T04:46:04Z","header_time":"2026-10-31T04:46:05Z","realm":"SET"}"#
    );
    let end = FORWARD
        .replace("CREATE_ACCEPT", "DELETE")
        .replace("creating", "deleting ")
        .replace("ge-1/0/0.120", "xe-1/0/0:1.120");
    assert!(
        read(&end).starts_with(r#"{"event":"session_delete","proto":17,"inside":"100.64.0.10""#)
    );
    let six = FORWARD.replace("100.64.0.10", "3ffe:0:0:0:0:0:0:1");
    assert!(read(&six).contains(r#""inside":"3ffe::1","inside_port":5000"#));
    let both = format!("{FORWARD} ; destination address and port translate to 192.0.2.99:64");
    assert!(read(&both).contains(r#""dst":"192.0.2.99","dport":64"#));
    for (from, to, reason) in [
        (" ; source address and port translate to 203.0.113.7:20480", "", "no-translation"),
        ("source address and port", "destination address and port", "destination-translation"),
        ("source address and port", "source address", "unknown-field"),
        ("forward or watch", "reverse", "other-event"),
        (":5000 ", ":70000 ", "bad-port"),
        ("100.64.0.10:", "100.64.0:", "bad-address"),
        ("203.0.113.7:20480", "203.0.113.7", "bad-address"),
        ("CREATE_ACCEPT", "CREATE_DISCARD", "not-nat"),
    ] {
        let line = FORWARD.replace(from, to);
        assert!(read(&line).starts_with(reason), "{line}: {}", read(&line));
    }
    let tunnel = OPEN.replace("(UDP)", "(UDP) Softwire 2001:db8::1 -> 2001:db8::2");
    assert!(read(&tunnel).starts_with("unknown-field"));
}

#[test]
fn a_flow_without_any_stamp_is_an_event_without_time() {
    let bare = &CLOSE[CLOSE.find("RT_FLOW").unwrap()..];
    let event = read_with(&mut parser(), bare.as_bytes()).unwrap();
    assert_eq!((event.time, event.start), (None, None));
    assert_eq!(event.flow_id, Some(178));
}

#[test]
fn flows_that_were_not_translated_are_in_order() {
    let own = CLOSE
        .replace("nat-source-address=\"203.0.113.7\"", "nat-source-address=\"100.64.0.10\"")
        .replace("nat-source-port=\"20017\"", "nat-source-port=\"5000\"");
    assert!(read(&own).starts_with("no-translation"), "{}", read(&own));
    let forward = own.replace("nat-destination-port=\"443\"", "nat-destination-port=\"8443\"");
    assert!(read(&forward).starts_with("destination-translation"));
    let port_only = own.replace("nat-source-port=\"5000\"", "nat-source-port=\"5001\"");
    assert!(read(&port_only).contains(r#""outside":"100.64.0.10","port":5001"#));
    let v6 = TEXT_CREATE
        .replace("100.64.0.10/", "2001:db8::1/")
        .replace("192.0.2.53/53 junos", "64:ff9b::c000:235/53 junos");
    assert!(
        read(&v6).contains(r#""inside":"2001:db8::1","inside_port":5000,"outside":"203.0.113.7""#)
    );
    // What is ICMPv6 inside is ICMP at the public address.
    let ping = v6.replace(" 17 P", " 58 P");
    assert!(read(&ping).contains(r#""proto":1,"inside":"2001:db8::1","outside":"203.0.113.7""#));
}

#[test]
fn an_icmp_flow_says_nothing_of_the_identifier_outside() {
    let icmp = TEXT_CREATE.replace(" 17 P", " 1 P");
    assert!(read(&icmp).contains(r#""inside":"100.64.0.10","outside":"203.0.113.7","first":0,"last":65535,"dst":"192.0.2.53","time""#));
}

#[test]
fn services_cards_have_a_clock_of_their_own_in_utc() {
    assert_eq!(
        read(CARD),
        r#"{"event":"block_release","inside":"3ffe::1","outside":"203.0.113.7","first":1050,"last":1099,"time":"2026-10-31T04:46:04Z","header_time":"2026-10-31T04:46:05Z"}"#
    );
    assert_eq!(
        read(OPEN),
        r#"{"event":"session_create","proto":17,"inside":"100.64.0.10","inside_port":5000,"outside":"203.0.113.7","port":1048,"dst":"192.0.2.10","dport":63,"time":"2026-10-31T04:46:04Z","header_time":"2026-10-31T04:46:05Z","realm":"SET"}"#
    );
    let block = OPEN.split_once("JSERVICES").unwrap().0.to_owned()
        + "JSERVICES_NAT_PORT_BLOCK_ACTIVE: 100.64.0.10 -> 203.0.113.7:1024-1087 0x6a44007a";
    assert!(
        read(&block).contains(
            r#""time":"2026-10-31T04:46:04Z","start":"2026-06-30T17:44:26Z","header_time":"2026-10-31T04:46:05Z","realm":"SET""#
        )
    );
    let options = ReaderOptions::new().with_realm(Realm::new("all"));
    let event = read_with(&mut JuniperParser::new(&options), block.as_bytes()).unwrap();
    assert_eq!(event.inside.unwrap().to_string(), "100.64.0.10%all");
}

#[test]
fn what_holds_no_public_port_is_in_order() {
    for (message, reason) in [
        ("RT_NAT: RT_NAT_RULE_MATCH: protocol-id 6 protocol-name tcp", "other-event"),
        ("gw{S}[jservices-nat]: JSERVICES_NAT_RULE_MATCH: proto 17 (UDP)", "other-event"),
        ("RT_FLOW: RT_FLOW_SESSION_DENY: session denied 1.2.3.4/5->6.7.8.9/10 x", "other-event"),
        ("JSERVICES_NAT_OUTOF_PORTS_APP: x", "other-event"),
        ("RT_NAT: RT_SRC_NAT_SUBS_POOL_ALARM_RAISE: Subscriber ip: 10.0.0.1", "other-event"),
        ("RT_NAT: RT_PST_NAT_BINDING_CREATE: x", "unknown-event"),
        ("RT_FLOW - RT_FLOW_SESSION_MOVED [a=\"b\"]", "unknown-event"),
        ("RT_IDP: RT_IDP_ATTACK_LOG_EVENT: x", "not-nat"),
        ("sshd[7]: Accepted password", "not-nat"),
        ("RT_FLOW: x", "not-nat"),
    ] {
        let got = read(&format!("Jun 30 22:44:25 gw {message}"));
        assert_eq!(got.split(' ').next(), Some(reason), "{message}");
    }
}

#[test]
fn damage_has_its_place() {
    for (line, from, to, reason) in [
        (ALLOC, "\"2048\"", "\"20480\"", "bad-port"),
        (ALLOC, "\"2048\"", "\"x\"", "bad-port"),
        (ALLOC, "100.64.0.10", "100.64.0.300", "bad-address"),
        (ALLOC, "6a44007a", "6a4400", "bad-time"),
        (ALLOC, "block-port-low", "low", "missing-field"),
        (TEXT_ALLOC, "0x6a44007a", "0x6a44", "bad-time"),
        (TEXT_ALLOC, "[2048-", "[2048", "bad-port"),
        (TEXT_CREATE, "->192.0.2.53/53 R", "->192.0.2.53 R", "bad-address"),
        (TEXT_CREATE, " 17 P", " 300 P", "bad-protocol"),
        (TEXT_CLOSE, " 249 ", " 24x ", "bad-value"),
        (CARD, "1050-1099", "1050-109", "bad-port"),
        (CARD, " -> ", " <- ", "unknown-field"),
        (CARD, "10-31 04", "02-30 04", "bad-time"),
    ] {
        let got = read(&line.replacen(from, to, 1));
        let (name, column) = got.split_once(' ').unwrap();
        assert_eq!(name, reason, "{from} -> {to}");
        assert!(column.parse::<usize>().unwrap() <= line.len() + 9, "{got}");
    }
    let bad = ALLOC.replacen("\"2048\"", "\"70000\"", 1);
    let column = bad.find("70000").unwrap() + 1;
    assert_eq!(read(&bad), format!("bad-port {column}"));
}

#[test]
fn no_head_of_a_line_is_another_event() {
    for line in [ALLOC, TEXT_ALLOC, CLOSE, TEXT_CLOSE, TEXT_CREATE, CARD, FORWARD, OPEN] {
        let whole = read_with(&mut parser(), line.as_bytes()).unwrap();
        // Once a stream shows epochs, a block without is cut.
        let mut parser = parser();
        let _ = read_with(&mut parser, TEXT_ALLOC.as_bytes());
        for at in 0..line.len() {
            let head = read_with(&mut parser, &line.as_bytes()[..at]);
            if let Ok(event) = head
                && parser.is_surely_whole()
            {
                assert_eq!(event, whole, "{}", &line[..at]);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_with(&mut parser(), &line);
    }

    #[test]
    fn any_change_is_read_without_panic(
        which in 0..8_usize, at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let line = [ALLOC, TEXT_ALLOC, CLOSE, TEXT_CLOSE, TEXT_CREATE, CARD, FORWARD, OPEN][which];
        let mut line = line.as_bytes().to_vec();
        let at = at.index(line.len());
        if cut { line.remove(at); } else { line[at] = byte; }
        let _ = read_with(&mut parser(), &line);
    }
}
