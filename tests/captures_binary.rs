//! Recorded flow records, held against what Wireshark reads in the same bytes.
//!
//! The recordings are looked for in `../shared/captures` beside the checkout, or in `PORTLEDGER_CAPTURES`; those of the
//! lab in `../shared/lab`, or in `PORTLEDGER_LAB`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portledger::natlog::{
    Dialect, Event, EventKind, Format, Learnt, Reader, ReaderOptions, Record, RejectReason,
};
use serde_json::Value;

fn folder(variable: &str, beside: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(beside);
    let dir = std::env::var_os(variable).map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no data");
    None
}

fn capture(name: &str) -> Option<PathBuf> {
    folder("PORTLEDGER_CAPTURES", "captures").map(|dir| dir.join(name))
}

/// What was read of files that are one stream: the events, and the rejects by reason.
type Read = (Vec<Event>, BTreeMap<RejectReason, u32>);

fn read(format: Format, options: &ReaderOptions, files: &[PathBuf]) -> Read {
    let (mut events, mut rejects) = (Vec::new(), BTreeMap::new());
    let mut learnt: Option<Learnt> = None;
    for file in files {
        let bytes = fs::read(file).unwrap();
        let mut reader = match learnt.take() {
            Some(learnt) => Reader::resume(learnt, &bytes[..]),
            None => Reader::new(format, options.clone(), &bytes[..]),
        };
        let mut event = Event::default();
        while let Some(record) = reader.next_record(&mut event).unwrap() {
            match record {
                Record::Event => events.push(event.clone()),
                Record::Rejected(reject) => *rejects.entry(reject.reason).or_default() += 1,
            }
        }
        assert_eq!(reader.bytes(), bytes.len() as u64, "{}", file.display());
        learnt = Some(reader.into_learnt());
    }
    (events, rejects)
}

/// The capture, and the same datagrams as files of their own.
fn both(dir: &Path, format: Format, dialect: Dialect) -> Vec<Read> {
    let options = ReaderOptions::new().with_dialect(dialect);
    let datagrams: Vec<PathBuf> = expected(dir)["datagrams_in_order"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| dir.join(name.as_str().unwrap()))
        .collect();
    vec![read(format, &options, &[dir.join("stream.pcap")]), read(format, &options, &datagrams)]
}

fn expected(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("expected.tshark.json")).unwrap()).unwrap()
}

/// An event as far as Wireshark says it: the kind, who, the public side, the far side, when (milliseconds of the day).
fn ours(event: &Event) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let time = event.time.map(|time| time.start().as_microsecond() / 1000);
    format!(
        "{} {} {}:{} {}:{} {}:{} {} {}",
        event.kind,
        text(event.protocol.map(|p| p.number().to_string())),
        text(event.inside.as_ref().map(ToString::to_string)),
        text(event.inside_port.map(|p| p.to_string())),
        text(event.outside.map(|a| a.to_string())),
        text(event.ports.map(|p| p.to_string())),
        text(event.destination.map(|d| d.addr.to_string())),
        text(event.destination.and_then(|d| d.port).map(|p| p.to_string())),
        text(time.map(|ms| ms.to_string())),
        text(event.flow_id.map(|id| id.to_string())),
    )
}

/// `Nov 14, 2023 22:13:20.001000000 UTC` of the months that occur, in milliseconds.
fn millis(text: &str) -> i64 {
    let months = ["Jul", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|m| text.starts_with(m)).unwrap();
    let rest: Vec<&str> = text[3..].split_whitespace().collect();
    let day: i64 = rest[0].trim_end_matches(',').parse().unwrap();
    let year: i64 = rest[1].parse().unwrap();
    let leap = i64::from(year % 4 == 0);
    let before = [181, 273, 304, 334][month] + leap;
    // The days from 1970 to New Year, of each year that occurs.
    let new_year = match rest[1] {
        "2015" => 16_436,
        "2016" => 16_801,
        "2017" => 17_167,
        "2023" => 19_358,
        "2026" => 20_454,
        other => panic!("{other}"),
    };
    let clock: Vec<&str> = rest[2].split([':', '.']).collect();
    let part = |at: usize| clock[at].parse::<i64>().unwrap();
    let seconds = (new_year + before + day - 1) * 86_400 + part(0) * 3600 + part(1) * 60 + part(2);
    seconds * 1000 + clock[3][..3].parse::<i64>().unwrap()
}

/// One record of Wireshark as the event that its fields say, `kind` given.
fn theirs(record: &Value, kind: EventKind) -> String {
    let fields = &record["fields"];
    let field = |name: &str| fields[name].as_str().filter(|text| !text.is_empty());
    let get = |name: &str| field(name).unwrap_or("-").to_owned();
    let realm =
        ["nat_instanceid", "ingress_vrfid"].into_iter().filter_map(field).find(|r| *r != "0");
    let inside = match (field("srcaddrv6"), field("srcaddr")) {
        (Some(b4), Some(inner)) => format!("b4[{b4}]{inner}"),
        (Some(v6), None) => v6.to_owned(),
        (None, v4) => v4.unwrap().to_owned() + &realm.map(|r| format!("%{r}")).unwrap_or_default(),
    };
    let ports = match (field("port_range_start"), field("port_range_end")) {
        (Some(first), Some(last)) => format!("{first}-{last}"),
        // The release of a block whose end only its create says.
        (Some(first), None) => first.to_owned(),
        _ => get("post_naptsource_transport_port"),
    };
    let far = field("post_natdestination_ipv4_address").or(field("dstaddr")).unwrap_or("-");
    let far_port = field("post_naptdestination_transport_port").or(field("dstport"));
    let header = &record["hdr"];
    let time = field("observation_time_milliseconds").or(header["timestamp"].as_str());
    format!(
        "{kind} {} {inside}:{} {}:{ports} {far}:{} {} {}",
        get("protocol"),
        get("srcport"),
        get("post_natsource_ipv4_address"),
        far_port.unwrap_or("-"),
        millis(time.unwrap()),
        get("flow_id"),
    )
}

#[test]
fn rfc_8158_is_read_as_wireshark_reads_it() {
    let Some(dir) = capture("ipfix-rfc8158") else { return };
    let expected: Vec<String> = expected(&dir)["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let kind = match record["fields"]["nat_event"].as_str().unwrap() {
                "4" | "6" => EventKind::SessionCreate,
                "5" | "7" => EventKind::SessionDelete,
                "16" => EventKind::BlockAlloc,
                "17" => EventKind::BlockRelease,
                other => panic!("{other}"),
            };
            theirs(record, kind)
        })
        .collect();
    for (events, rejects) in both(&dir, Format::Ipfix, Dialect::Rfc8158) {
        assert_eq!(events.iter().map(ours).collect::<Vec<_>>(), expected);
        assert!(rejects.is_empty(), "{rejects:?}");
    }
}

#[test]
fn junos_is_read_as_wireshark_reads_it_and_as_nothing_else() {
    let Some(dir) = capture("ipfix-junos-draft02") else { return };
    let expected: Vec<String> = expected(&dir)["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let kind = match record["fields"]["nat_event"].as_str().unwrap() {
                "1" => EventKind::SessionCreate,
                "2" => EventKind::SessionDelete,
                "14" => EventKind::BlockAlloc,
                "15" => EventKind::BlockRelease,
                other => panic!("{other}"),
            };
            theirs(record, kind)
        })
        .collect();
    for (events, rejects) in both(&dir, Format::Ipfix, Dialect::Junos) {
        assert_eq!(events.iter().map(ours).collect::<Vec<_>>(), expected);
        assert!(rejects.is_empty(), "{rejects:?}");
    }
    for (events, rejects) in both(&dir, Format::Ipfix, Dialect::Rfc8158) {
        assert!(events.is_empty());
        assert_eq!(rejects, BTreeMap::from([(RejectReason::DialectMismatch, 4)]));
    }
}

#[test]
fn cgv6_is_read_by_the_fields_of_its_templates() {
    let Some(dir) = capture("netflow9-cgv6") else { return };
    let expected: Vec<String> = expected(&dir)["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            let fields = &record["fields"];
            let is_create = !fields["post_natsource_ipv4_address"].is_null();
            let is_block = !fields["port_range_start"].is_null();
            let kind = match (is_block, is_create) {
                (true, true) => EventKind::BlockAlloc,
                (true, false) => EventKind::BlockRelease,
                (false, true) => EventKind::PortCreate,
                (false, false) => EventKind::PortDelete,
            };
            theirs(record, kind)
        })
        .collect();
    for (events, rejects) in both(&dir, Format::Netflow9, Dialect::Cgv6) {
        let read: Vec<String> = events.iter().map(ours).collect();
        // Every B4 is a realm of its own: the VRF that Wireshark shows beside one is that of the tunnels.
        assert_eq!(read, expected);
        assert!(rejects.is_empty(), "{rejects:?}");
        assert!(events.iter().any(|event| event.outside.is_none()));
    }
}

/// All fourteen connections went through as they were: Wireshark shows the same address and port before and after.
#[test]
fn connections_of_an_asa_that_were_not_translated_are_nobody_s() {
    let Some(dir) = capture("netflow9-nsel-asa") else { return };
    for record in expected(&dir)["records"].as_array().unwrap() {
        let fields = &record["fields"];
        assert_eq!(fields["srcaddr"], fields["post_natsource_ipv4_address"]);
        assert_eq!(fields["srcport"], fields["post_naptsource_transport_port"]);
    }
    for (events, rejects) in both(&dir, Format::Netflow9, Dialect::Asa) {
        assert!(events.is_empty());
        assert_eq!(rejects, BTreeMap::from([(RejectReason::NoTranslation, 14)]));
    }
}

#[test]
fn the_inside_host_of_nokia_stands_in_the_name() {
    let Some(dir) = capture("ipfix-nokia") else { return };
    let record = &expected(&dir)["records"][0]["fields"];
    for (events, rejects) in both(&dir, Format::Ipfix, Dialect::Nokia) {
        // The two files are of another hour each, as their sequence numbers show.
        assert_eq!(rejects, BTreeMap::from([(RejectReason::EventsLost, 1)]));
        let [event] = &events[..] else { panic!("{events:?}") };
        assert_eq!(event.kind, EventKind::SessionCreate);
        assert_eq!(event.outside.unwrap().to_string(), record["srcaddr"].as_str().unwrap());
        assert_eq!(event.ports.unwrap().to_string(), record["srcport"].as_str().unwrap());
        let destination = event.destination.unwrap();
        assert_eq!(destination.addr.to_string(), record["dstaddr"].as_str().unwrap());
        assert_eq!(destination.port.unwrap().to_string(), record["dstport"].as_str().unwrap());
        assert_eq!(event.flow_id.unwrap().to_string(), record["flow_id"].as_str().unwrap());
        let begun = millis(record["abstimestart"].as_str().unwrap());
        assert_eq!(event.time.unwrap().start().as_microsecond(), begun * 1000);
        // 55:53:45:52:31:40:31:30:2e:31:30:2e:30:2e:31:32:33, of the service 0x64.
        assert_eq!(event.inside.as_ref().unwrap().to_string(), "10.10.0.123%100");
        assert_eq!(event.login.as_deref(), Some("USER1"));
    }
}

/// The addresses behind the NAT are there, the ports are not: such a record names nobody.
#[test]
fn flows_without_public_ports_allocate_nothing() {
    let Some(dir) = capture("ipfix-mikrotik-flow") else { return };
    let records = expected(&dir);
    let translated = |record: &&Value| {
        let post = &record["fields"]["post_natsource_ipv4_address"];
        !post.is_null() && post != "0.0.0.0" && *post != record["fields"]["srcaddr"]
    };
    let records = records["records"].as_array().unwrap();
    let count = u32::try_from(records.iter().filter(translated).count()).unwrap();
    for dialect in [Dialect::Rfc8158, Dialect::Fortios] {
        for (events, rejects) in both(&dir, Format::Ipfix, dialect) {
            assert!(events.is_empty());
            assert_eq!(rejects.get(&RejectReason::NoTranslatedPort), Some(&count), "{rejects:?}");
            let read: u32 = rejects
                .iter()
                .filter(|(reason, _)| **reason != RejectReason::EventsLost)
                .map(|(_, n)| n)
                .sum();
            assert_eq!(read as usize, records.len());
        }
    }
}

#[test]
fn without_a_nat_there_is_no_event_in_any_dialect() {
    let Some(dir) = capture("negative-no-nat") else { return };
    for format in [Format::Ipfix, Format::Netflow9] {
        for dialect in Dialect::ALL {
            let options = ReaderOptions::new().with_dialect(dialect);
            let (events, rejects) = read(format, &options, &[dir.join("stream.pcap")]);
            assert!(events.is_empty(), "{format} {dialect}: {events:?}");
            let is_default = matches!(
                (format, dialect),
                (Format::Ipfix, Dialect::Rfc8158) | (Format::Netflow9, Dialect::Cisco)
            );
            if is_default {
                assert!(rejects.keys().all(|reason| reason.is_expected()), "{rejects:?}");
            }
        }
    }
}

#[test]
fn the_lab_s_events_are_the_same_in_the_capture_of_their_export() {
    let Some(lab) = folder("PORTLEDGER_LAB", "lab") else { return };
    let lab = lab.join("cgnA");
    let bare = read(Format::Ipfix, &ReaderOptions::new(), &[lab.join("nat_events.ipfix")]);
    let strip = |read: &Read| -> Vec<Event> {
        let placeless =
            |event: &Event| Event { span: Event::default().span, line: 0, ..event.clone() };
        read.0.iter().map(placeless).collect()
    };
    assert!(bare.0.len() > 3000, "{}", bare.0.len());
    assert!(bare.1.keys().all(|reason| reason.is_expected()), "{:?}", bare.1);
    for options in [ReaderOptions::new(), ReaderOptions::new().with_udp_port(9997)] {
        // Beside the NAT's exporter there are two of flows without translation.
        let captured = read(Format::Ipfix, &options, &[lab.join("flow_export.pcap")]);
        assert_eq!(strip(&captured), strip(&bare));
        assert!(captured.1.keys().all(|reason| reason.is_expected()), "{:?}", captured.1);
    }
}
