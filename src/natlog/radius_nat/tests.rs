use super::*;
use crate::natlog::{Format, Reader, Record};

/// A record with the lines between the header and the times.
fn record(status: &str, lines: &str) -> String {
    let mut text = format!(
        "Sun Nov 22 00:18:59 2026\n\tAcct-Status-Type = {status}\n\tUser-Name = \"ann@isp.example\"\n\tNAS-IP-Address = 10.0.0.1\n\tFramed-IP-Address = 100.64.0.10\n"
    );
    for line in lines.lines() {
        text += &["\t", line.trim(), "\n"].concat();
    }
    text + "\tEvent-Timestamp = \"Nov 22 2026 00:18:59 UTC\"\n\tTimestamp = 1795306741\n\n"
}

const RFC: &str = "IP-Port-Range-Ext-IPv4-Addr = 203.0.113.7
    IP-Port-Range-Range-Start = 1024
    IP-Port-Range-Range-End = 1535";

fn read_with(options: ReaderOptions, text: &str) -> Vec<Result<Event, (RejectReason, u32)>> {
    let mut reader = Reader::new(Format::RadiusNat, options, text.as_bytes());
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

fn read(text: &str) -> Vec<Result<Event, RejectReason>> {
    let all = read_with(ReaderOptions::new(), text);
    all.into_iter().map(|r| r.map_err(|(reason, _)| reason)).collect()
}

fn facts(text: &str) -> Vec<String> {
    read(text)
        .into_iter()
        .map(|read| match read {
            Ok(e) => format!(
                "{} {} {} -> {} {}",
                e.kind,
                e.protocol.map_or("-".to_owned(), |p| p.to_string()),
                e.inside.map_or("-".to_owned(), |h| h.to_string()),
                e.outside.map_or("-".to_owned(), |a| a.to_string()),
                e.ports.map_or("-".to_owned(), |p| p.to_string()),
            ),
            Err(reason) => reason.to_string(),
        })
        .collect()
}

#[test]
fn the_status_says_what_happened_to_a_block() {
    for (status, kind) in [
        ("Start", "block_alloc"),
        ("Interim-Update", "block_interim"),
        ("Alive", "block_interim"),
        ("Stop", "block_release"),
    ] {
        let expected = format!("{kind} - 100.64.0.10 -> 203.0.113.7 1024-1535");
        assert_eq!(facts(&record(status, RFC)), [expected], "{status}");
    }
    let event = read(&record("Start", RFC)).remove(0).unwrap();
    assert_eq!(event.login.as_deref(), Some("ann@isp.example"));
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:59Z");
    assert_eq!((event.line, event.record), (1, 1));
    assert_eq!(facts(&record("Failed", RFC)), ["unknown-event"]);
}

#[test]
fn a_stop_with_one_block_carries_its_start() {
    let lines = format!("{RFC}\nAcct-Session-Time = 59");
    let event = read(&record("Stop", &lines)).remove(0).unwrap();
    let start = event.start.unwrap();
    assert_eq!(start.start().rfc3339(), "2026-11-22T00:17:59Z");
    assert_eq!(start.end().rfc3339(), "2026-11-22T00:18:01Z");
    let two = format!("{lines}\n{}", RFC.replace("1024", "2048").replace("1535", "2559"));
    let all = read(&record("Stop", &two));
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|r| r.as_ref().unwrap().start.is_none()));
    let interim = format!("{lines}\nIP-Port-Range-Alloc = 2");
    let event = read(&record("Interim-Update", &interim)).remove(0).unwrap();
    assert_eq!((event.kind, event.start), (EventKind::BlockRelease, None));
}

#[test]
fn groups_of_rfc_8045_follow_one_another() {
    let second = RFC.replace("1024", "2048").replace("1535", "2559");
    let lines = format!("IP-Port-Range-Alloc = 1\n{RFC}\nIP-Port-Range-Alloc = 2\n{second}");
    assert_eq!(
        facts(&record("Interim-Update", &lines)),
        [
            "block_alloc - 100.64.0.10 -> 203.0.113.7 1024-1535",
            "block_release - 100.64.0.10 -> 203.0.113.7 2048-2559"
        ]
    );
    let dotted = RFC.replace("IP-Port-Range-", "Extended-Attribute-1.IP-Port-Range.");
    assert_eq!(facts(&record("Start", &dotted)).len(), 1);
    let typed = format!("IP-Port-Range-Type = 2\n{RFC}\nIP-Port-Range-Int-IPv4-Addr = 10.0.0.9");
    assert_eq!(
        facts(&record("Start", &typed)),
        [
            "block_alloc tcp 10.0.0.9 -> 203.0.113.7 1024-1535",
            "block_alloc udp 10.0.0.9 -> 203.0.113.7 1024-1535"
        ]
    );
    let lite = format!("{RFC}\nIP-Port-Range-Int-IPv6-Addr = 2001:db8::7");
    assert_eq!(
        facts(&record("Start", &lite)),
        ["block_alloc - 2001:db8::7 -> 203.0.113.7 1024-1535"]
    );
}

#[test]
fn the_attributes_of_makers() {
    for (outside, first, last) in [
        ("Huawei-NAT-Public-Address", "Huawei-NAT-Start-Port", "Huawei-NAT-End-Port"),
        ("HW-NAT-Public-Address", "HW-NAT-Start-Port", "HW-NAT-End-Port"),
        ("H3C-NAT-IP-Address", "H3C-NAT-Start-Port", "H3C-NAT-End-Port"),
        ("NetElastic-NAT-Public-Address", "NetElastic-NAT-Start-Port", "NetElastic-NAT-End-Port"),
        ("TP-NAT-IP-Address", "TP-NAT-Port-Start", "TP-NAT-Port-End"),
    ] {
        let lines = format!("{outside} = 203.0.113.7\n{first} = 1024\n{last} = 1535");
        let expected = "block_alloc - 100.64.0.10 -> 203.0.113.7 1024-1535";
        assert_eq!(facts(&record("Start", &lines)), [expected]);
    }
    let huawei = "Huawei-NAT-Public-Address = 203.0.113.7
        Huawei-NAT-Start-Port = 1024
        Huawei-NAT-End-Port = 1535
        Huawei-NAT-Port-Range-Update = ";
    for (update, kind) in [("0", "block_alloc"), ("1", "block_release")] {
        let expected = format!("{kind} - 100.64.0.10 -> 203.0.113.7 1024-1535");
        assert_eq!(facts(&record("Interim-Update", &format!("{huawei}{update}"))), [expected]);
    }
    assert_eq!(facts(&record("Interim-Update", &format!("{huawei}3"))), ["unknown-event"]);
    assert_eq!(facts(&record("Stop", &format!("{huawei}0"))), ["bad-value"]);
    let address = "Huawei-NAT-Public-Address = 203.0.113.7";
    assert_eq!(
        facts(&record("Start", address)),
        ["addr_binding_create - 100.64.0.10 -> 203.0.113.7 -"]
    );
}

#[test]
fn nokia_writes_a_block_as_one_text() {
    let lines = "Alc-Serv-Id = 100
        Alc-Nat-Port-Range = \"203.0.113.7 1024-1535 router base\"
        Alc-Nat-Port-Range = \"203.0.113.7 2048-2559 vprn 7\"";
    assert_eq!(
        facts(&record("Start", lines)),
        [
            "block_alloc - 100.64.0.10%100 -> 203.0.113.7 1024-1535",
            "block_alloc - 100.64.0.10%100 -> 203.0.113.7 2048-2559"
        ]
    );
    let apart = "Alc-Nat-Port-Range = \"1024-1535\"\nAlc-Nat-Outside-Ip-Addr = 203.0.113.7";
    assert_eq!(
        facts(&record("Stop", apart)),
        ["block_release - 100.64.0.10 -> 203.0.113.7 1024-1535"]
    );
    for (id, host) in [
        ("LSN44@100.64.0.10", "100.64.0.10"),
        ("DS-Lite@2001:db8::7", "b4[2001:db8::7]"),
        ("NAT64@2001:0db8::8", "2001:db8::8"),
    ] {
        let text = record("Start", &format!("Alc-Subsc-ID-Str = \"{id}\"\n{RFC}"))
            .replace("\tFramed-IP-Address = 100.64.0.10\n", "");
        let expected = format!("block_alloc - {host} -> 203.0.113.7 1024-1535");
        assert_eq!(facts(&text), [expected]);
    }
}

#[test]
fn attributes_without_a_dictionary_are_read_by_number_or_refused() {
    for (outside, first, last) in [
        ("Attr-26.25506.32", "Attr-26.25506.33", "Attr-26.25506.34"),
        ("Vendor-2011-Attr-161", "Vendor-2011-Attr-162", "Vendor-2011-Attr-163"),
    ] {
        let lines = format!("{outside} = 0xcb007107\n{first} = 0x00000400\n{last} = 0x000005ff");
        let expected = "block_alloc - 100.64.0.10 -> 203.0.113.7 1024-1535";
        assert_eq!(facts(&record("Start", &lines)), [expected]);
        let wide = lines.replace("0x000005ff", "0x000105ff");
        assert_eq!(facts(&record("Start", &wide)), ["bad-port"]);
        let short = lines.replace("0x000005ff", "0x05ff");
        assert_eq!(facts(&record("Start", &short)), ["bad-value"]);
    }
    for line in [
        "Attr-241.6.9 = 0x00000400",
        "Attr-26.6527.121 = 0x3230",
        "Extended-Attribute-1 = { IP-Port-Range = { Range-Start = 1024 } }",
    ] {
        assert_eq!(facts(&record("Start", line)), ["unknown-field"], "{line}");
    }
}

#[test]
fn nfware_says_mappings_and_flows_too() {
    let flow = "NFWare-vCGNAT-Action = Session-Created
        NFWare-vCGNAT-VRF = 7
        NFWare-vCGNAT-Protocol = 6
        NFWare-vCGNAT-Inside-Addr = 10.0.0.9
        NFWare-vCGNAT-Inside-Port = 5000
        NFWare-vCGNAT-NAT-Addr = 203.0.113.7
        NFWare-vCGNAT-NAT-Port = 20017
        NFWare-vCGNAT-Dest-Addr = 192.0.2.10
        NFWare-vCGNAT-Dest-Port = 443";
    assert_eq!(
        facts(&record("Interim-Update", flow)),
        ["session_create tcp 10.0.0.9%7 -> 203.0.113.7 20017"]
    );
    let event = read(&record("Interim-Update", flow)).remove(0).unwrap();
    assert_eq!(event.destination.unwrap().to_string(), "192.0.2.10:443");
    assert_eq!(event.inside_port, Some(5000));
    let block = "NFWare-vCGNAT-Action = Port-Block-Freed
        NFWare-vCGNAT-VRF = 0
        NFWare-vCGNAT-Inside-Addr = 10.0.0.9
        NFWare-vCGNAT-NAT-Addr = 203.0.113.7
        NFWare-vCGNAT-NAT-Port-Start = 1024
        NFWare-vCGNAT-NAT-Port-End = 1535";
    assert_eq!(
        facts(&record("Interim-Update", block)),
        ["block_release - 10.0.0.9 -> 203.0.113.7 1024-1535"]
    );
}

#[test]
fn accounting_without_a_port_set_is_no_fact() {
    assert_eq!(facts(&record("Start", "Acct-Session-Id = \"17\"")), ["not-nat"]);
    let forward = "IP-Port-Map-Int-Port = 80\nIP-Port-Map-Ext-Port = 8080";
    assert_eq!(facts(&record("Start", forward)), ["not-nat"]);
}

#[test]
fn a_restart_counts_where_the_stream_is_of_one_nas() {
    let on = record("Accounting-On", "");
    assert_eq!(facts(&on), ["device_restart - - -> - -"]);
    let other = record("Start", RFC).replace("10.0.0.1", "10.0.0.2");
    assert_eq!(facts(&format!("{other}{on}"))[1], "unknown-event");
}

#[test]
fn the_time_is_that_of_the_event_else_receipt_less_delay() {
    let delayed = record("Start", &format!("{RFC}\nAcct-Delay-Time = 5"))
        .replace("\tEvent-Timestamp = \"Nov 22 2026 00:18:59 UTC\"\n", "");
    let time = read(&delayed).remove(0).unwrap().time.unwrap();
    assert_eq!(time.start().rfc3339(), "2026-11-22T00:18:55Z");
    assert_eq!(time.resolution_microsecond(), 2 * MICROS_PER_SECOND);
    let local = record("Start", RFC).replace("00:18:59 UTC", "09:18:59 JST");
    let time = read(&local).remove(0).unwrap().time.unwrap();
    assert_eq!(time.resolution_microsecond(), 2 * MICROS_PER_SECOND);
    let tokyo = ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap());
    let time = read_with(tokyo, &local).remove(0).unwrap().time.unwrap();
    assert_eq!(time.rfc3339(), "2026-11-22T00:18:59Z");
    let none = local.replace("\tTimestamp = 1795306741\n", "");
    assert_eq!(facts(&none), ["no-zone"]);
    let without = none.replace("Event-Timestamp", "Event-Stamp");
    assert_eq!(facts(&without), ["no-stamp"]);
}

#[test]
fn records_are_parted_by_empty_lines_and_cut_ones_are_no_events() {
    let whole = record("Start", RFC);
    let text = format!("{whole}{whole}\n{}", whole.replace("1024", "1O24"));
    let all = read_with(ReaderOptions::new(), &text);
    assert_eq!(all.len(), 4);
    assert!(all[0].is_ok() && all[1].as_ref().unwrap().line == 12);
    assert_eq!(all[2], Err((RejectReason::Empty, 1)));
    let place = u32::try_from(whole.find("\tIP-Port-Range-Range-Start").unwrap()).unwrap() + 1;
    assert_eq!(all[3], Err((RejectReason::BadPort, place)));
    // Without the empty line, but with the line that is written last.
    let at_end = &whole[..whole.len() - 1];
    assert_eq!(facts(at_end).len(), 1);
    assert!(read(at_end).remove(0).is_ok());
    for end in 1..at_end.len() {
        for read in read(&whole[..end]) {
            assert!(read.is_err(), "{}", &whole[..end]);
        }
    }
    assert_eq!(facts(&whole[25..]), ["cut-short"]);
    let begun = &whole[..whole.find("\tFramed").unwrap()];
    let two = format!("{begun}{whole}");
    assert_eq!(facts(&two), ["cut-short"]);
    let half = RFC.replace("    IP-Port-Range-Range-End = 1535", "");
    assert_eq!(facts(&record("Start", &half)), ["missing-field"]);
}

#[test]
fn a_record_beyond_the_limit_is_dropped_and_the_next_one_is_read() {
    let whole = record("Start", RFC);
    let long = format!("{}{}", &whole[..100], "\tFilter-Id = \"x\"\n".repeat(400));
    let options = ReaderOptions::new().with_max_line_len(4096);
    let all = read_with(options, &format!("{long}\n{whole}"));
    assert_eq!(all[0].as_ref().unwrap_err().0, RejectReason::LineTooLong);
    assert!(all.last().unwrap().is_ok());
    assert!(all.len() < 6, "{}", all.len());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
        at in 0_usize..500,
    ) {
        let mut text = record("Stop", RFC).into_bytes();
        let at = at.min(text.len());
        text.splice(at..at, bytes.iter().copied().take(3));
        text.extend_from_slice(&bytes);
        let mut reader = Reader::new(Format::RadiusNat, ReaderOptions::new(), &text[..]);
        let mut event = Event::default();
        while reader.next_record(&mut event).unwrap().is_some() {}
        proptest::prop_assert_eq!(reader.bytes(), text.len() as u64);
    }
}

/// As `radsniff -x` prints it: no empty lines, no receipt.
const SNIFFED: &str = "2026-11-22 00:18:59.250000 (1) Accounting-Request Id 5 eth0:10.0.0.1:1646 -> 10.0.0.2:1813 +0.000
\tUser-Name = \"ann\"
\tAcct-Status-Type = Start
\tFramed-IP-Address = 100.64.0.10
\tHuawei-NAT-Public-Address = 203.0.113.7
\tHuawei-NAT-Start-Port = 1024
\tHuawei-NAT-End-Port = 1535
\tAuthenticator-Field = 0x0011
2026-11-22 00:18:59.260000 (2) Accounting-Response Id 5 eth0:10.0.0.1:1646 <- 10.0.0.2:1813 +0.010
\tAuthenticator-Field = 0x0022
2026-11-22 00:19:59.250000 (3) Accounting-Request Id 6 eth0:10.0.0.1:1646 -> 10.0.0.2:1813 +60.000
\tAcct-Status-Type = Stop
\tAcct-Delay-Time = 2
\tFramed-IP-Address = 100.64.0.10
\tHuawei-NAT-Public-Address = 203.0.113.7
\tHuawei-NAT-Start-Port = 1024
\tHuawei-NAT-End-Port = 1535
\tAuthenticator-Field = 0x0033
Done sniffing
";

#[test]
fn radsniff_prints_packets_one_behind_the_other() {
    assert_eq!(facts(&format!("{SNIFFED}\n")), ["no-zone", "not-nat", "no-zone", "not-nat"],);
    let options = ReaderOptions::new().with_zone(crate::time::Zone::UTC);
    let all = read_with(options.clone(), SNIFFED);
    let first = all[0].as_ref().unwrap();
    assert_eq!((first.kind, first.login.as_deref()), (EventKind::BlockAlloc, Some("ann")));
    let time = first.time.unwrap();
    assert_eq!(time.start().rfc3339(), "2026-11-22T00:18:58.25Z");
    assert_eq!(time.end().rfc3339(), "2026-11-22T00:18:59.250001Z");
    assert_eq!(all[1].as_ref().unwrap_err().0, RejectReason::NotNat);
    let last = all[2].as_ref().unwrap();
    assert_eq!((last.kind, last.line, last.record), (EventKind::BlockRelease, 11, 1));
    let span = usize::try_from(last.span.offset).unwrap();
    assert!(SNIFFED[span..].starts_with("2026-11-22 00:19:59.250000 (3)"));
    assert_eq!(last.time.unwrap().start().rfc3339(), "2026-11-22T00:19:56.25Z");
    assert_eq!(all.len(), 4);
    let bad = SNIFFED.replacen("1535", "15x5", 1);
    let all = read_with(options.clone(), &bad);
    let place = u32::try_from(bad.find("\tHuawei-NAT-End").unwrap()).unwrap() + 1;
    assert_eq!(all[0], Err((RejectReason::BadPort, place)));
    assert_eq!(all[2].as_ref().unwrap().kind, EventKind::BlockRelease);
    // Packets of other kinds end one too.
    for code in ["CoA-Request", "Disconnect-ACK"] {
        let other = SNIFFED.replace("Accounting-Response", code);
        assert_eq!(read_with(options.clone(), &other)[0], read_with(options.clone(), SNIFFED)[0]);
    }
    // What is cut off is no other block.
    for end in 1..SNIFFED.len() {
        for event in read_with(options.clone(), &SNIFFED[..end]).into_iter().flatten() {
            assert_eq!(event.ports.unwrap().to_string(), "1024-1535", "{}", &SNIFFED[..end]);
        }
    }
}

#[test]
fn radsniff_may_print_more_than_the_longest_record() {
    let options = ReaderOptions::new().with_zone(crate::time::Zone::UTC).with_max_line_len(2048);
    let long = SNIFFED.replace("Done sniffing\n", "").repeat(20);
    let all = read_with(options, &format!("{long}Done sniffing\n"));
    assert_eq!(all.iter().filter(|read| read.is_ok()).count(), 40);
    assert_eq!(all.len(), 61);
}
