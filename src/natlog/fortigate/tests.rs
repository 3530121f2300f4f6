use super::*;
use crate::natlog::Format;
use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

const BLOCK: &str = "<189>date=2026-11-02 time=12:04:05 devname=\"FG1\" devid=\"FGX\" eventtime=1793588645123456789 tz=\"+0900\" \
    logid=\"0100022016\" type=\"event\" subtype=\"system\" level=\"notice\" vd=\"cgn\" logdesc=\"Deallocate IP pool PBA\" \
    action=\"ippool-close\" saddr=\"100.64.0.7\" nat=203.0.113.9 portbegin=5117 portend=5244 poolname=\"pba\" duration=600 \
    msg=\"closed\"";
const TRAFFIC: &str = "date=2026-11-02 time=12:04:05 logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" vd=\"root\" \
    eventtime=1793588645 srcip=100.64.0.7 srcport=50001 srcintf=\"lan\" dstip=198.51.100.4 dstport=443 sessionid=77 \
    proto=6 action=\"timeout\" policyid=1 service=\"HTTPS\" user=\"u7\" trandisp=\"snat\" transip=203.0.113.9 \
    transport=20001 duration=5 sentbyte=7";

const CEF: &str = "<189>Nov  2 03:04:06 fg CEF:0|Fortinet|Fortigate|v7.4.3|00013|traffic:forward close|3|\
    deviceExternalId=FGX FTNTFGTlogid=0000000013 cat=traffic:forward FTNTFGTsubtype=forward FTNTFGTvd=root \
    FTNTFGTeventtime=1793588645 src=100.64.0.7 spt=50001 dst=198.51.100.4 dpt=443 externalId=77 proto=6 act=timeout \
    suser=u7 FTNTFGTtrandisp=snat sourceTranslatedAddress=203.0.113.9 sourceTranslatedPort=20001 FTNTFGTduration=5 \
    out=7";

fn options() -> ReaderOptions {
    ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
}

fn event(line: &str) -> Event {
    one(Format::Fortigate, options(), line)
}

fn column_of(line: &str, part: &str) -> u32 {
    u32::try_from(line.find(part).unwrap() + 1).unwrap()
}

fn rfc3339(time: Option<WrittenTime>) -> String {
    time.unwrap().rfc3339()
}

#[test]
fn a_release_of_a_block_has_its_start() {
    let release = event(BLOCK);
    assert_eq!(release.kind, EventKind::BlockRelease);
    assert_eq!(rfc3339(release.time), "2026-11-02T03:04:05.123456Z");
    assert_eq!(release.inside.unwrap().to_string(), "100.64.0.7%cgn");
    assert_eq!(release.ports, PortRange::new(5117, 5244).ok());
    let start = release.start.unwrap();
    let exact = release.time.unwrap().start().minus(TimeDelta::from_second(600));
    assert!(start.start() < exact && exact < start.end());
    let interim = event(&BLOCK.replace("22016", "22024"));
    assert_eq!((interim.kind, interim.start.is_some()), (EventKind::BlockInterim, true));
    let alloc = event(&BLOCK.replace("22016", "22015"));
    assert_eq!((alloc.kind, alloc.start), (EventKind::BlockAlloc, None));
}

#[test]
fn times_come_from_what_the_line_has() {
    let no_epoch = BLOCK.replace("eventtime=1793588645123456789 ", "");
    assert_eq!(rfc3339(event(&no_epoch).time), "2026-11-02T03:04:05Z");
    let no_offset = no_epoch.replace("tz=\"+0900\" ", "");
    assert_eq!(rfc3339(event(&no_offset).time), "2026-11-02T12:04:05Z");
    let csv = BLOCK.replace(' ', ",").replace("Deallocate,IP,pool,PBA", "x");
    assert_eq!(event(&csv).ports, PortRange::new(5117, 5244).ok());
}

#[test]
fn a_traffic_line_is_a_finished_session() {
    let session = event(TRAFFIC);
    assert_eq!((session.kind, session.killed), (EventKind::SessionDelete, Some(false)));
    assert_eq!((session.flow_id, session.login.as_deref()), (Some(77), Some("u7")));
    assert_eq!(session.inside.unwrap().to_string(), "100.64.0.7%root");
    assert_eq!(session.destination.unwrap().to_string(), "198.51.100.4:443");
    let start = session.start.unwrap();
    let exact = session.time.unwrap().start().minus(TimeDelta::from_second(5));
    assert!(start.start() < exact && exact < start.end());
    assert_eq!(event(&TRAFFIC.replace("0013", "0020")).kind, EventKind::Update);
    let begun = event(&TRAFFIC.replace("timeout", "start"));
    assert_eq!((begun.kind, begun.start), (EventKind::SessionCreate, None));
    let ping =
        event(&TRAFFIC.replace("proto=6", "proto=1").replace("transport=20001", "transport=0"));
    assert_eq!(ping.ports, None);
    let gre = event(&TRAFFIC.replace("proto=6", "proto=47"));
    assert_eq!((gre.ports, gre.inside_port), (Some(PortRange::ALL), None));
}

#[test]
fn the_common_event_format_says_the_same() {
    let (cef, plain) = (event(CEF), event(TRAFFIC));
    assert_eq!(rfc3339(cef.header_time), "2026-11-02T03:04:06Z");
    assert_eq!(Event { header_time: None, span: plain.span, ..cef }, plain);
    // As old releases write it: a custom number, and no clock of the record.
    let old = CEF
        .replace("CEF:0", "CEF: 0")
        .replace("FTNTFGTduration=5 out=7", "cn1=5 cn1Label=Duration out=7")
        .replace("FTNTFGTeventtime=1793588645 ", "");
    let old = event(&old);
    assert_eq!(rfc3339(old.time), "2026-11-02T03:04:06Z");
    let length = old.time.unwrap().start().since(old.start.unwrap().start());
    assert_eq!(length, TimeDelta::from_second(6));
    let block = "CEF:0|Fortinet|FortiGate|v7.4.3|22015|event:system|3|FTNTFGTlogid=0100022015 cat=event:system \
        FTNTFGTvd=cgn FTNTFGTeventtime=1793588645 FTNTFGTsaddr=100.64.0.7 FTNTFGTnat=203.0.113.9 \
        FTNTFGTportbegin=5117 FTNTFGTportend=5244 FTNTFGTpoolname=pba msg=created";
    assert_eq!(
        (event(block).kind, event(block).pool.as_deref()),
        (EventKind::BlockAlloc, Some("pba"))
    );
    let refused = |line: &str| refused(Format::Fortigate, options(), line);
    assert_eq!(refused(&CEF.replace("=snat", "=noop")).0, "no-translation");
    assert_eq!(refused(&CEF.replace("20001", "70001")), ("bad-port", column_of(CEF, "20001")));
    assert_eq!(refused("CEF:0|Fortinet|Fortigate|v7.4.3|00013").0, "cut-short");
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let refused = |line: &str| refused(Format::Fortigate, options(), line);
    assert_eq!(refused("kernel: link up").0, "not-nat");
    assert_eq!(refused(&BLOCK.replace("22016", "32001")).0, "not-nat");
    assert_eq!(refused(&BLOCK.replace("22016", "22014")).0, "other-event");
    assert_eq!(refused(&BLOCK.replace("22016", "22019")).0, "unknown-event");
    assert_eq!(refused(&BLOCK.replace("portend=5244 ", "")).0, "missing-field");
    assert_eq!(refused(&BLOCK.replace("5244", "5000")).0, "bad-port");
    assert_eq!(refused(&BLOCK.replace("portend", "portbegin")).0, "repeated-field");
    assert_eq!(refused(&BLOCK.replace("duration=600", "duration=x")).0, "bad-value");
    let bad_time = BLOCK.replace("eventtime=1793588645123456789", "eventtime=x");
    assert_eq!(refused(&bad_time), ("bad-time", column_of(&bad_time, "x tz")));
    assert_eq!(refused(&TRAFFIC.replace("\"snat\"", "\"noop\"")).0, "no-translation");
    assert_eq!(refused(&TRAFFIC.replace("\"snat\"", "\"dnat\"")).0, "destination-translation");
    assert_eq!(refused(&TRAFFIC.replace("transport=20001 ", "")).0, "missing-field");
    assert_eq!(refused(&TRAFFIC.replace("transport=20001", "transport=0")).0, "bad-port");
    let seen = TRAFFIC.replace("203.0.113.9", "0.0.0.0").replace("=20001", "=0");
    assert_eq!(refused(&seen), ("no-translation", column_of(&seen, "0.0.0.0")));
    let no_zone = BLOCK.replace("eventtime=1793588645123456789 tz=\"+0900\" ", "");
    let bare = values::tests::refused(Format::Fortigate, ReaderOptions::new(), &no_zone);
    assert_eq!(bare.0, "no-zone");
}

#[test]
fn a_start_of_the_device_forgets_everything() {
    let line = "date=2026-11-02 time=12:04:05 tz=\"+0000\" logid=\"0100032009\" type=\"event\" msg=\"started\"";
    assert_eq!(event(line).kind, EventKind::DeviceRestart);
}

#[test]
fn a_cut_line_is_never_another_record() {
    for line in [BLOCK, TRAFFIC, CEF] {
        prefixes_are_safe(Format::Fortigate, &options(), line);
    }
}

#[test]
fn hostile_bytes_are_only_refused() {
    survives(Format::Fortigate, &[BLOCK, TRAFFIC, CEF]);
}
