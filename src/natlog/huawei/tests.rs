use super::*;
use crate::natlog::Format;
use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

const BARS: &str = "<134>Nov  2 03:05:06 ne <NAT444>:<SessionW> 1793588645|1793588705|100.64.0.7|203.0.113.9|20001|\
    198.51.100.4|443|6";
const RANGE: &str = "<NAT444>:<UserbasedA> 1793588645|-|100.64.0.7|203.0.113.9|18432|20479";
const TYPE3: &str = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:SessionbasedA \
    [17 100.64.0.7 - 203.0.113.9 50001 20001 -]";
const NAT64: &str = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT64:SessionbasedW \
    [58 - 2001:DB8::7 203.0.113.9 7 2048 -]";
const USER3: &str = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:UserbasedW \
    [- 100.64.0.7 - 203.0.113.9 - 1024 2047]";

fn options() -> ReaderOptions {
    ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
}

fn event(line: &str) -> Event {
    one(Format::Huawei, options(), line)
}

#[test]
fn the_form_between_bars_has_its_own_times() {
    let flow = event(BARS);
    assert_eq!((flow.kind, flow.inside_port), (EventKind::SessionDelete, None));
    assert_eq!(flow.time.unwrap().rfc3339(), "2026-11-02T03:05:05Z");
    assert_eq!(flow.start.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    assert_eq!(flow.header_time.unwrap().rfc3339(), "2026-11-02T03:05:06Z");
    assert_eq!(flow.ports, Some(PortRange::single(20001)));
    let range = event(RANGE);
    assert_eq!(
        (range.kind, range.ports),
        (EventKind::BlockAlloc, PortRange::new(18432, 20479).ok())
    );
    assert_eq!((range.start, range.protocol), (None, None));
}

#[test]
fn the_form_between_brackets_has_that_of_the_frame() {
    let flow = event(TYPE3);
    assert_eq!((flow.kind, flow.inside_port), (EventKind::PortCreate, Some(50001)));
    assert_eq!(flow.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    assert_eq!(flow.ports, Some(PortRange::single(20001)));
    let nat64 = event(NAT64);
    assert_eq!(nat64.inside.unwrap().to_string(), "2001:db8::7");
    assert_eq!(nat64.protocol, Some(crate::protocol::Protocol::ICMP));
    let user = event(USER3);
    assert_eq!((user.kind, user.ports), (EventKind::BlockRelease, PortRange::new(1024, 2047).ok()));
    let dslite = event(&USER3.replace("100.64.0.7 -", "10.0.0.2 2001:db8::b4"));
    assert_eq!(dslite.inside.unwrap().to_string(), "b4[2001:db8::b4]10.0.0.2");
}

#[test]
fn a_template_reads_what_the_operator_chose() {
    let template = "%time%/%proto%/%inside%/%inside_port%/%outside%/%port%/%dst%/%dport%";
    let options = options().with_template(template.parse().unwrap());
    let line = "<134>1 2026 Nov 02 03:04:05 192.0.2.1 ne - NAT444:SessionbasedW \
        1793588645/6/100.64.0.7/50001/203.0.113.9/20001/198.51.100.4/50443";
    let event = one(Format::Huawei, options.clone(), line);
    assert_eq!((event.kind, event.inside_port), (EventKind::SessionDelete, Some(50001)));
    assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    prefixes_are_safe(Format::Huawei, &options, line);
    assert_eq!(
        refused(Format::Huawei, options.clone(), &line.replace("/50443", "/x")).0,
        "bad-port"
    );
    assert_eq!(refused(Format::Huawei, options, &line.replace("SessionbasedW", "X")).0, "no-event");
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let refused = |line: &str| refused(Format::Huawei, options(), line);
    assert_eq!(refused("Nov  2 03:05:06 ne %%01SSH/4/LOGIN: hello").0, "not-nat");
    assert_eq!(refused(&BARS.replace("SessionW", "SessionX")).0, "unknown-event");
    assert_eq!(refused(&BARS.replace("1793588705", "1793588000")).0, "bad-time");
    assert_eq!(refused(&BARS.replace("|443|6", "|443")).0, "cut-short");
    assert_eq!(refused(&BARS.replace("|443|6", "|443|6|7")).0, "field-count");
    assert_eq!(refused(&RANGE.replace("20479", "18000")).0, "bad-port");
    assert_eq!(refused(TYPE3.trim_end_matches(']')).0, "cut-short");
    assert_eq!(refused(&TYPE3.replace(" -]", "]")).0, "field-count");
    assert_eq!(refused(&TYPE3.replace(" -]", " 7]")).0, "unknown-field");
    assert_eq!(refused(&TYPE3.replace("100.64.0.7 -", "- -")).0, "missing-field");
    assert_eq!(refused(&TYPE3.replace("SessionbasedA", "Portblockrunout")).0, "unknown-event");
}

#[test]
fn a_cut_line_is_never_another_record() {
    for line in [BARS, RANGE, TYPE3, NAT64, USER3] {
        prefixes_are_safe(Format::Huawei, &options(), line);
    }
}

#[test]
fn hostile_bytes_are_only_refused() {
    survives(Format::Huawei, &[BARS, RANGE, TYPE3, NAT64, USER3]);
}

const FIREWALL: &str = "Nov  2 03:05:06 192.0.2.1 2026-11-02 03:05:05 FW-1 %%01SECLOG/6/SESSION_TEARDOWN(l):IPVer=4,\
    Protocol=udp,SourceIP=100.64.0.7,DestinationIP=198.51.100.4,SourcePort=50001,DestinationPort=53,\
    SourceNatIP=203.0.113.9,SourceNatPort=20001,BeginTime=1793588645,EndTime=1793588705,SendPkts=1,SendBytes=74,\
    SourceVpnID=0,DestinationVpnID=0,SourceZone=trust,PolicyName=All out,UserName=user7,CloseReason=aged-out.";
const BARE: &str = "<142> 1 192.0.2.1 2026 Nov 02 03:05:06 FW 350 NAT444:SessionW 1793588645|1793588705|100.64.0.7|\
    203.0.113.9|20001|198.51.100.4|443|6";
const FAR: &str = "<134> 1 2026 Nov 02 03:04:05 EDGE - - NAT444:sessionbasedA \
    [6 100.64.0.7 - 203.0.113.9 50001 20001 - 198.51.100.4 443]";

#[test]
fn a_firewall_logs_sessions_with_both_times() {
    let end = event(FIREWALL);
    assert_eq!((end.kind, end.inside_port), (EventKind::SessionDelete, Some(50001)));
    assert_eq!(end.start.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    assert_eq!(end.time.unwrap().rfc3339(), "2026-11-02T03:05:05Z");
    assert_eq!(end.ports, Some(PortRange::single(20001)));
    assert_eq!(end.outside.unwrap().to_string(), "203.0.113.9");
    assert_eq!(end.destination.unwrap().to_string(), "198.51.100.4:53");
    assert_eq!(end.login.as_deref(), Some("user7"));
    let built = FIREWALL.replace("TEARDOWN", "BUILT").replace("EndTime=1793588705,", "");
    let built = event(&built);
    assert_eq!((built.kind, built.start), (EventKind::SessionCreate, None));
    assert_eq!(built.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    let held = event(&FIREWALL.replace("TEARDOWN", "PERIODICALLY"));
    assert_eq!((held.kind, held.header_time), (EventKind::Update, None));
    assert_eq!(held.time.unwrap().rfc3339(), "2026-11-02T03:05:05Z");
    let both = "SourceNatPort=20001,DestinationNatIP=192.0.2.8,DestinationNatPort=5353";
    let both = event(&FIREWALL.replace("SourceNatPort=20001", both));
    assert_eq!(both.destination.unwrap().to_string(), "192.0.2.8:5353");
    let login = |name: &str| event(&FIREWALL.replace("=user7", name)).login;
    assert_eq!(login("=Ann Lee").as_deref(), Some("Ann Lee"));
    assert_eq!(login("=Lee, Ann"), None);
    let refused = |line: &str| refused(Format::Huawei, options(), line).0;
    assert_eq!(refused(&FIREWALL.replace("SESSION_TEARDOWN", "SESSION_URL")), "other-event");
    assert_eq!(refused(&FIREWALL.replace("SESSION_TEARDOWN", "SESSION_X")), "unknown-event");
    assert_eq!(
        refused(&FIREWALL.replace("SourceNatIP=203.0.113.9,SourceNatPort=20001,", "")),
        "no-translation"
    );
    assert_eq!(
        refused(
            &FIREWALL.replace(
                "SourceNatIP=203.0.113.9,SourceNatPort=20001",
                "DestinationNatIP=10.0.0.5"
            )
        ),
        "destination-translation"
    );
    assert_eq!(refused(&FIREWALL.replace("SourceNatPort=20001,", "")), "no-translated-port");
    assert_eq!(refused(&FIREWALL.replace("=20001", "=200010")), "bad-port");
    assert_eq!(refused(&FIREWALL.replace("=1793588705", "=1793588605")), "bad-time");
    let sentence = "%%01SECLOG/6/SESSION_BUILT(l): Built an udp session, 10.0.0.1:1 (trust) to 192.0.2.8:2 (untrust).";
    assert_eq!(refused(sentence), "no-translation");
    prefixes_are_safe(Format::Huawei, &options(), FIREWALL);
    // A dot ends the record, or stands within a name.
    prefixes_are_safe(Format::Huawei, &options(), &FIREWALL.replace("user7", "ann.lee"));
    survives(Format::Huawei, &[FIREWALL, BARE, FAR]);
}

#[test]
fn bars_need_no_angles() {
    let flow = event(BARE);
    assert_eq!((flow.kind, flow.ports), (EventKind::SessionDelete, Some(PortRange::single(20001))));
    assert_eq!(flow.start.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    assert_eq!(flow.time.unwrap().rfc3339(), "2026-11-02T03:05:05Z");
    let same = BARE.replace("203.0.113.9", "100.64.0.7");
    assert_eq!(refused(Format::Huawei, options(), &same).0, "no-translation");
    prefixes_are_safe(Format::Huawei, &options(), BARE);
}

#[test]
fn the_far_side_may_stand_behind_the_ports() {
    let flow = event(FAR);
    assert_eq!((flow.kind, flow.inside_port), (EventKind::SessionCreate, Some(50001)));
    assert_eq!(flow.destination.unwrap().to_string(), "198.51.100.4:443");
    assert_eq!(flow.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
    let end = event(&FAR.replace("sessionbasedA", "sessionbasedW"));
    assert_eq!(end.kind, EventKind::SessionDelete);
    prefixes_are_safe(Format::Huawei, &options(), FAR);
}

#[test]
fn a_port_may_stand_twice() {
    let twice = event(&TYPE3.replace("20001 -]", "20001 20001]."));
    assert_eq!((twice.kind, twice.ports), (EventKind::PortCreate, Some(PortRange::single(20001))));
    let dslite =
        event(&TYPE3.replace("NAT444", "DSLITE").replace("100.64.0.7 -", "- 2001:db8:0:0:0:0:0:7"));
    assert_eq!(dslite.inside.unwrap().to_string(), "b4[2001:db8::7]");
    let same = TYPE3.replace("203.0.113.9 50001", "100.64.0.7 20001");
    assert_eq!(refused(Format::Huawei, options(), &same).0, "no-translation");
}
