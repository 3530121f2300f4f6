use super::*;
use crate::inside::Realm;
use crate::natlog::TcpState;

/// Reads one line with a parser of its own.
fn read(line: &str) -> Result<Event, RejectReason> {
    let mut parser = ConntrackParser::new(&ReaderOptions::new());
    read_with(&mut parser, line)
}

fn read_with(parser: &mut ConntrackParser, line: &str) -> Result<Event, RejectReason> {
    let mut event = Event::default();
    parser.parse_line(line.as_bytes(), &mut event).map(|()| event).map_err(|(reason, _)| reason)
}

/// The facts of an event in one line.
fn facts(line: &str) -> String {
    match read(line) {
        Ok(e) => format!(
            "{} {} {} {} -> {} {} to {}",
            e.kind,
            e.protocol.unwrap(),
            e.inside.unwrap(),
            e.inside_port.map_or("-".into(), |p| p.to_string()),
            e.outside.unwrap(),
            e.ports.unwrap(),
            e.destination.unwrap()
        ),
        Err(reason) => reason.to_string(),
    }
}

const NEW: &str = "[1795306735.123403]\t    [NEW] ipv4     2 tcp      6 10 SYN_SENT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 id=2028815706";
const DESTROY: &str = "[1795306735.123403]\t[DESTROY] ipv4     2 tcp      6 TIME_WAIT src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 packets=5 bytes=336 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 packets=3 bytes=314 [ASSURED] delta-time=4 [start=Sun Nov 22 00:18:50 2026] [stop=Sun Nov 22 00:18:54 2026] id=2028815706";

#[test]
fn a_new_tcp_flow() {
    assert_eq!(
        facts(NEW),
        "session_create tcp 100.64.0.10 53586 -> 203.0.113.1 20017 to 192.0.2.10:80"
    );
    let event = read(NEW).unwrap();
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:55.123403Z");
    assert_eq!((event.timeout_second, event.state), (Some(10), Some(TcpState::SynSent)));
    assert_eq!((event.flow_id, event.killed), (Some(2_028_815_706), None));
    assert_eq!((event.start, event.stop), (None, None));
}

#[test]
fn an_update_without_the_family() {
    let line = "[1795306735.123444]\t [UPDATE] udp      17 30 src=100.64.0.10 dst=192.0.2.10 sport=5000 dport=53 src=192.0.2.10 dst=203.0.113.1 sport=53 dport=6000 [ASSURED] id=7";
    assert_eq!(facts(line), "update udp 100.64.0.10 5000 -> 203.0.113.1 6000 to 192.0.2.10:53");
    let event = read(line).unwrap();
    assert_eq!((event.timeout_second, event.state), (Some(30), None));
}

#[test]
fn a_destroy_with_the_times_of_the_kernel() {
    let event = read(DESTROY).unwrap();
    assert_eq!(event.kind, EventKind::SessionDelete);
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:50Z");
    assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:54Z");
    assert_eq!((event.state, event.timeout_second), (Some(TcpState::TimeWait), None));
    assert_eq!(event.killed, Some(false));
}

#[test]
fn a_destroy_that_prints_a_timeout_was_killed() {
    let event = read(&DESTROY.replace("6 TIME_WAIT", "6 1 CLOSE")).unwrap();
    assert_eq!((event.killed, event.timeout_second), (Some(true), Some(1)));
    assert_eq!(event.state, Some(TcpState::Close));
}

#[test]
fn a_destroy_asked_for_by_a_program_was_killed() {
    for tail in [
        " [USERSPACE] portid=4711 progname=conntrack",
        " [USERSPACE] portid=4711",
        " [USERSPACE] portid=1 progname=Web Content",
    ] {
        let event = read(&format!("{DESTROY}{tail}")).unwrap();
        assert_eq!((event.killed, event.flow_id), (Some(true), Some(2_028_815_706)), "{tail}");
    }
}

#[test]
fn a_kernel_that_never_prints_timeouts_on_destroy_tells_nothing() {
    let udp = "[DESTROY] udp      17 src=100.64.0.10 dst=192.0.2.10 sport=5000 dport=53 src=192.0.2.10 dst=203.0.113.1 sport=53 dport=6000 id=7";
    let old_tcp = "[DESTROY] tcp      6 src=100.64.0.10 dst=192.0.2.10 sport=5000 dport=53 src=192.0.2.10 dst=203.0.113.1 sport=53 dport=6000 id=7";
    let mut parser = ConntrackParser::new(&ReaderOptions::new());
    let mut killed = |line: &str| read_with(&mut parser, line).unwrap().killed;
    assert_eq!(killed(udp), None);
    assert_eq!(killed(old_tcp), None);
    assert_eq!(killed(udp), None);
    assert_eq!(killed(DESTROY), Some(false));
    assert_eq!(killed(udp), Some(false));
    // Another box's log follows in the same file.
    assert_eq!(killed(old_tcp), None);
    assert_eq!(killed(udp), None);
    assert_eq!(killed(&udp.replace("17 src", "17 12 src")), Some(true));
    assert_eq!(killed(udp), Some(false));
}

#[test]
fn what_marks_kills_may_be_an_untranslated_flow() {
    let own = "[DESTROY] tcp 6 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 id=1";
    let udp = "[DESTROY] udp 17 src=100.64.0.10 dst=192.0.2.10 sport=5000 dport=53 src=192.0.2.10 dst=203.0.113.1 sport=53 dport=6000 id=7";
    let mut parser = ConntrackParser::new(&ReaderOptions::new());
    assert_eq!(read_with(&mut parser, own), Err(RejectReason::NoTranslation));
    assert_eq!(read_with(&mut parser, udp).unwrap().killed, Some(false));
}

#[test]
fn an_icmp_flow_has_three_ids() {
    let line = "[1795306745.054991]\t    [NEW] ipv4     2 icmp     1 5 src=100.64.0.10 dst=192.0.2.10 type=8 code=0 id=16853 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 type=0 code=0 id=17026 id=2247354977";
    assert_eq!(
        facts(line),
        "session_create icmp 100.64.0.10 16853 -> 203.0.113.1 17026 to 192.0.2.10"
    );
    assert_eq!(read(line).unwrap().flow_id, Some(2_247_354_977));
    let without = line.replace(" id=2247354977", "");
    assert_eq!(read(&without).unwrap().flow_id, None);
}

#[test]
fn the_conntrack_of_nuttx_prints_no_numbers() {
    let tcp = "    [NEW] tcp   src=100.64.0.10 dst=192.0.2.10 sport=5 dport=80 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=7";
    assert_eq!(facts(tcp), "session_create tcp 100.64.0.10 5 -> 203.0.113.1 7 to 192.0.2.10:80");
    assert_eq!(facts(&tcp.replace("tcp", "sctp")), "bad-protocol");
}

#[test]
fn an_icmp_flow_whose_id_alone_changed_is_translated() {
    let line = "[NEW] icmp 1 5 src=203.0.113.1 dst=192.0.2.10 type=8 code=0 id=1 src=192.0.2.10 dst=203.0.113.1 type=0 code=0 id=2 id=3";
    assert_eq!(facts(line), "session_create icmp 203.0.113.1 1 -> 203.0.113.1 2 to 192.0.2.10");
}

#[test]
fn a_protocol_without_ports_holds_every_port() {
    let gre = "[NEW] gre      47 30 timeout=30 src=100.64.0.10 dst=192.0.2.10 srckey=0x0 dstkey=0x10 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 srckey=0x10 dstkey=0x0 id=7";
    assert_eq!(facts(gre), "unknown-field");
    let gre = gre.replace(" timeout=30", "");
    assert_eq!(facts(&gre), "session_create 47 100.64.0.10 - -> 203.0.113.1 0-65535 to 192.0.2.10");
    let esp = "[NEW] unknown  50 600 src=100.64.0.10 dst=192.0.2.10 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 id=7";
    assert_eq!(facts(esp), "session_create 50 100.64.0.10 - -> 203.0.113.1 0-65535 to 192.0.2.10");
    assert_eq!(read(esp).unwrap().flow_id, Some(7));
}

#[test]
fn sctp_and_dccp_states_are_passed_over() {
    let line = "[NEW] sctp     132 3 COOKIE_WAIT src=100.64.0.10 dst=192.0.2.10 sport=5 dport=6 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=6 dport=7 id=7";
    assert_eq!(facts(line), "session_create 132 100.64.0.10 5 -> 203.0.113.1 7 to 192.0.2.10:6");
    assert_eq!(read(line).unwrap().state, None);
}

#[test]
fn everything_that_may_stand_around_the_tuples() {
    let line = "[1795306735.123403]\t [UPDATE] ipv4     2 tcp      6 432000 ESTABLISHED src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 packets=5 bytes=336 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 packets=3 bytes=314 [ASSURED] [OFFLOAD] [HW_OFFLOAD] mark=0 secctx=system_u:object_r:unlabeled_t:s0 delta-time=4 [start=Sun Nov  1 00:18:50 2026] helper=ftp labels=a,b use=1 id=7";
    let event = read(line).unwrap();
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-01T00:18:50Z");
    assert_eq!(event.flow_id, Some(7));
}

#[test]
fn a_line_without_stamp_is_an_event_without_time() {
    let line = NEW.split_once('\t').unwrap().1;
    assert_eq!(read(line).unwrap().time, None);
    assert_eq!(facts(line), facts(NEW));
}

#[test]
fn digits_of_the_stamp_are_its_resolution() {
    for (stamp, resolution) in [("[5]", 1_000_000), ("[5.25]", 10_000), ("[5.123456789]", 1)] {
        let line = NEW.replace("[1795306735.123403]", stamp);
        assert_eq!(read(&line).unwrap().time.unwrap().resolution_microsecond(), resolution);
    }
    for bad in ["[5.]", "[5 ]", "[99999999999999999999]", "[9999999999999999]", "[5.x]"] {
        let line = NEW.replace("[1795306735.123403]", bad);
        assert_eq!(read(&line), Err(RejectReason::BadTime), "{bad}");
    }
}

#[test]
fn a_conntrack_zone_is_a_realm_unless_the_caller_names_one() {
    let zoned = NEW.replace(" id=", " mark=0 zone=5 id=");
    assert!(facts(&zoned).contains("100.64.0.10%zone-5 "), "{}", facts(&zoned));
    let orig = NEW.replace("dport=80 ", "dport=80 zone-orig=5 ");
    assert!(facts(&orig).contains("100.64.0.10%zone-5 "), "{}", facts(&orig));
    let none = NEW.replace(" id=", " zone=0 id=");
    assert_eq!(facts(&none), facts(NEW));
    let options = ReaderOptions::new().with_realm(Realm::new("blue"));
    let event = read_with(&mut ConntrackParser::new(&options), &zoned).unwrap();
    assert_eq!(event.inside.unwrap().to_string(), "100.64.0.10%blue");
}

#[test]
fn untranslated_flows_are_in_order_and_no_event() {
    let v4 = "[NEW] tcp 6 5 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 id=1";
    let v6 = "[NEW] ipv6 10 tcp 6 5 SYN_SENT src=2001:db8::1 dst=2001:db8::2 sport=1 dport=2 src=2001:db8::2 dst=2001:db8::1 sport=2 dport=1 id=1";
    let icmp6 = "[NEW] ipv6 10 icmpv6 58 5 src=2001:db8::1 dst=2001:db8::2 type=128 code=0 id=9 src=2001:db8::2 dst=2001:db8::1 type=129 code=0 id=9 id=1";
    for line in [v4, v6, icmp6] {
        assert_eq!(facts(line), "no-translation", "{line}");
    }
    assert!(RejectReason::NoTranslation.is_expected());
    let nat66 = v6.replace("dst=2001:db8::1", "dst=2001:db8::9");
    assert_eq!(facts(&nat66), "ipv6-translation");
    let mixed = v6.replace("dst=2001:db8::1", "dst=203.0.113.1");
    assert_eq!(facts(&mixed), "bad-address");
}

#[test]
fn a_port_forward_is_nobodys_outbound_port() {
    let line = "[NEW] tcp 6 5 SYN_SENT src=192.0.2.10 dst=203.0.113.1 sport=5000 dport=80 [UNREPLIED] src=100.64.0.10 dst=192.0.2.10 sport=8080 dport=5000 id=1";
    assert_eq!(facts(line), "destination-translation");
    // With its source translated too (hairpin), it holds a public port.
    let hairpin = line.replace(
        "src=100.64.0.10 dst=192.0.2.10 sport=8080 dport=5000",
        "src=100.64.0.10 dst=203.0.113.1 sport=8080 dport=6000",
    );
    assert_eq!(
        facts(&hairpin),
        "session_create tcp 192.0.2.10 5000 -> 203.0.113.1 6000 to 100.64.0.10:8080"
    );
}

#[test]
fn a_port_that_alone_changed_is_translated() {
    let line = "[NEW] udp 17 5 src=203.0.113.1 dst=192.0.2.10 sport=5000 dport=53 src=192.0.2.10 dst=203.0.113.1 sport=53 dport=5001 id=1";
    assert_eq!(
        facts(line),
        "session_create udp 203.0.113.1 5000 -> 203.0.113.1 5001 to 192.0.2.10:53"
    );
}

#[test]
fn what_is_no_event_says_why() {
    for (line, reason) in [
        (
            "ipv4     2 udp      17 6 src=127.0.0.1 dst=127.0.0.1 sport=1 dport=2 src=127.0.0.1 dst=127.0.0.1 sport=2 dport=1 use=1",
            "no-event",
        ),
        ("Nov 22 00:18:55 cgn conntrack: [NEW] udp 17", "no-event"),
        ("<flow type=\"new\">", "no-event"),
        ("[EXP_NEW] 300 proto=6 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=1", "unknown-event"),
        ("[NEW] 300 proto=6 src=10.0.0.1 dst=10.0.0.2 sport=0 dport=1", "bad-protocol"),
        ("conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.", "tool-message"),
        ("WARNING: We have hit ENOBUFS! We are losing events.", "events-lost"),
        ("Please, check --buffer-size in conntrack(8) manpage.", "tool-message"),
        ("[1795306735.1", "cut-short"),
        ("[1795306735.123403]\t    [NE", "cut-short"),
    ] {
        assert_eq!(facts(line), reason, "{line}");
    }
}

#[test]
fn damage_is_named() {
    for (from, to, reason) in [
        ("tcp      6 10", "tcp      17 10", "bad-protocol"),
        ("tcp      6 10", "tcp      300 10", "bad-protocol"),
        ("SYN_SENT", "SYN_SEN", "bad-value"),
        ("6 10 SYN", "6 99999999999 SYN", "bad-value"),
        ("src=100.64.0.10", "src=100.64.0.300", "bad-address"),
        ("sport=53586", "sport=535860", "bad-port"),
        ("sport=53586", "sport=", "bad-port"),
        ("dport=20017", "dport=200[17953", "bad-port"),
        (" sport=80 dport=20017", "", "bad-port"),
        ("sport=80 dport=20017", "type=8 code=0 id=7", "bad-port"),
        ("[UNREPLIED]", "[UNREP", "unknown-field"),
        ("[UNREPLIED]", "[NEW]", "repeated-field"),
        ("[UNREPLIED]", "id=7", "repeated-field"),
        ("id=2028815706", "id=2028 id=2029", "repeated-field"),
        ("id=2028815706", "id=2028x", "bad-value"),
        ("id=2028815706", "zone=1 zone=2", "repeated-field"),
        ("id=2028815706", "src=1.2.3.4", "repeated-field"),
        ("id=2028815706", "mar", "cut-short"),
        ("id=2028815706", "mark id=7", "unknown-field"),
    ] {
        assert_eq!(facts(&NEW.replacen(from, to, 1)), reason, "{from} -> {to}");
    }
    let twice = format!("{DESTROY} [USERSPACE] portid=1{NEW}");
    assert_eq!(facts(&twice), "repeated-field");
}

#[test]
fn no_head_of_a_line_is_another_event() {
    for line in [NEW, DESTROY] {
        let whole = read(line).unwrap();
        for at in 0..line.len() {
            let mut parser = ConntrackParser::new(&ReaderOptions::new());
            let head = read_with(&mut parser, &line[..at]);
            // Only the digits of the id can be missing from what an unfinished line may say.
            if let Ok(event) = head
                && parser.is_surely_whole()
            {
                assert_eq!(Event { flow_id: whole.flow_id, ..event }, whole, "{}", &line[..at]);
            }
        }
    }
}

#[test]
fn a_stop_read_in_the_wrong_zone_is_refused() {
    let tokyo = ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap());
    let mut parser = ConntrackParser::new(&tokyo);
    assert_eq!(read_with(&mut parser, DESTROY), Err(RejectReason::ZoneMismatch));
    let local = DESTROY.replace("Nov 22 00:18:5", "Nov 22 09:18:5");
    let event = read_with(&mut parser, &local).unwrap();
    assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:54Z");
    assert_eq!(read(&local), Err(RejectReason::ZoneMismatch));
    // As late as a minute of garbage collection is in order.
    let late = DESTROY.replace("stop=Sun Nov 22 00:18:54", "stop=Sun Nov 22 00:17:55");
    assert!(read(&late.replace("start=Sun Nov 22 00:18", "start=Sun Nov 22 00:16")).is_ok());
}

#[test]
fn a_local_time_that_came_twice_is_left_out() {
    let berlin = ReaderOptions::new().with_zone("Europe/Berlin".parse().unwrap());
    let line = DESTROY
        .replace("[1795306735.123403]\t", "")
        .replace("start=Sun Nov 22 00:18:50", "start=Sun Oct 25 02:30:00")
        .replace("stop=Sun Nov 22 00:18:54", "stop=Sun Oct 25 03:30:00");
    let event = read_with(&mut ConntrackParser::new(&berlin), &line).unwrap();
    assert_eq!(event.start, None);
    assert_eq!(event.stop.unwrap().rfc3339(), "2026-10-25T02:30:00Z");
}

#[test]
fn bad_dates_are_refused() {
    for bad in [
        "Sun Nov 31 00:18:54 2026",
        "Sun Nov 22 24:18:54 2026",
        "Sun Foo 22 00:18:54 2026",
        "2026-11-22T00:18:54Z",
        "",
    ] {
        let line = DESTROY.replace("Sun Nov 22 00:18:54 2026", bad);
        assert_eq!(read(&line), Err(RejectReason::BadTime), "{bad}");
    }
}

#[test]
fn a_head_of_syslog_may_stand_before_it() {
    let options = ReaderOptions::new().with_zone(Zone::UTC).with_year(2026);
    let mut parser = ConntrackParser::new(&options);
    let mut read = |line: &str| read_with(&mut parser, line);
    let bare = NEW.split_once('\t').unwrap().1;
    for head in ["Nov 22 00:18:56 cgn conntrack[77]: ", "<30>Nov 22 00:18:56 cgn conntrack: "] {
        let stamped = read(&format!("{head}{NEW}")).unwrap();
        assert_eq!(stamped.time.unwrap().rfc3339(), "2026-11-22T00:18:55.123403Z");
        assert_eq!(stamped.header_time.unwrap().rfc3339(), "2026-11-22T00:18:56Z");
        let event = read(&format!("{head}{bare}")).unwrap();
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:56Z");
        assert_eq!((event.ports, event.flow_id), (stamped.ports, stamped.flow_id));
    }
    let of_others = "Nov 22 00:18:56 cgn sshd[7]: Accepted password for root";
    assert_eq!(read(of_others), Err(RejectReason::NotNat));
    let own = "Nov 22 00:18:56 cgn conntrack[7]: conntrack v1.4.7 (conntrack-tools): 1 flow";
    assert_eq!(read(own), Err(RejectReason::ToolMessage));
    let no_year = format!("Nov 22 00:18:56 cgn conntrack[77]: {bare}");
    let mut parser = ConntrackParser::new(&ReaderOptions::new());
    assert_eq!(read_with(&mut parser, &no_year), Err(RejectReason::NoYear));
}

const VYOS: &str = "Nov 22 00:18:56 vyos-conntrack-logger[77]: [DESTROY] 2800357913 tcp      6 118 CLOSE src=100.64.0.10 dst=192.0.2.10 sport=53586 dport=80 src=192.0.2.10 dst=203.0.113.1 sport=80 dport=20017 mark=0  [ASSURED] start=1795306735123282111 stop=1795306735658908222 delta=0.535626 ";

#[test]
fn the_logger_of_vyos_writes_the_id_first() {
    let options = ReaderOptions::new().with_zone(Zone::UTC);
    let mut parser = ConntrackParser::new(&options);
    let event = read_with(&mut parser, VYOS).unwrap();
    assert_eq!((event.kind, event.flow_id), (EventKind::SessionDelete, Some(2_800_357_913)));
    assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:55.123282Z");
    assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:55.658908Z");
    // The stop has the year that the stamp lacks.
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:56Z");
    assert_eq!((event.killed, event.timeout_second), (Some(true), Some(118)));
    assert_eq!(event.ports.unwrap().first(), 20_017);
    assert!(!parser.is_surely_whole());
    let new = VYOS.replace("[DESTROY]", "[NEW]    ").replace("118 CLOSE", "120 SYN_SENT");
    let new = read_with(&mut parser, new.split_once(" start=").unwrap().0).unwrap();
    assert_eq!((new.kind, new.stop), (EventKind::SessionCreate, None));
    let by_program = VYOS.replace(" start=", " portid=7 start=").replace("118 CLOSE", "CLOSE");
    assert_eq!(read_with(&mut parser, &by_program).unwrap().killed, Some(true));
    for (from, to, reason) in [
        ("stop=1795306735658908222", "stop=1795306735658908x", RejectReason::BadTime),
        ("[ASSURED]", "[ASSURED] id=7 id=8", RejectReason::RepeatedField),
        ("00:18:56", "09:18:56", RejectReason::ZoneMismatch),
        ("2800357913 tcp", "28x tcp", RejectReason::BadProtocol),
    ] {
        assert_eq!(read_with(&mut parser, &VYOS.replace(from, to)), Err(reason), "{to}");
    }
}
