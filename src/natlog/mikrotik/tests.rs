use super::*;
use crate::natlog::Format;
use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

const FORWARD: &str = "<134>Nov  2 03:04:05 r1 firewall,info forward: in:<pppoe-user7@isp> out:ether1, \
    connection-state:new,snat src-mac 02:00:5e:10:00:01, proto TCP (SYN), 100.64.0.7:50001->198.51.100.4:443, \
    NAT (100.64.0.7:50001->203.0.113.9:20001)->198.51.100.4:443, len 60";
const SRCNAT: &str = "A|log|srcnat: in:ether1 out:ether2, proto UDP, 10.0.0.3:51258->198.51.100.4:53, \
    NAT (203.0.113.9:20001->198.51.100.4:53), len 73";
const BOTH: &str = "fw: in:ether1 out:ether2, connection-state:new,snat,dnat proto TCP (SYN,ACK), \
    10.0.0.3:51258->192.0.2.8:53, NAT (10.0.0.3:51258->203.0.113.9:7)->(192.0.2.8:53->198.51.100.4:5353), len 73";
const PING: &str = "forward: in:<l2tp-b9> out:wan, proto ICMP (type 8, code 0), 10.0.0.3->198.51.100.4, \
    NAT (10.0.0.3->203.0.113.9)->198.51.100.4, len 84";
const CEF: &str = "Nov  2 03:04:05 r1 CEF:0|MikroTik|RB4011|7.20.4 (stable)|44|firewall,info|Low|dvchost=r1 \
    dvc=192.0.2.1 msg=forward: in:bridge out:wan, connection-state:new,snat proto UDP, \
    10.0.0.3:5000->198.51.100.4:53, NAT (10.0.0.3:5000->203.0.113.9:5001)->198.51.100.4:53, len 60";

fn options() -> ReaderOptions {
    ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
}

fn event(line: &str) -> Event {
    one(Format::Mikrotik, options(), line)
}

#[test]
fn both_orders_of_the_clause_name_the_inside() {
    let forward = event(FORWARD);
    assert_eq!(forward.kind, EventKind::SessionSeen);
    assert_eq!(forward.login.as_deref(), Some("user7@isp"));
    assert_eq!(forward.inside.unwrap().to_string(), "100.64.0.7");
    assert_eq!(forward.outside.unwrap().to_string(), "203.0.113.9");
    assert_eq!(forward.ports, Some(PortRange::single(20001)));
    assert_eq!(forward.destination.unwrap().to_string(), "198.51.100.4:443");
    let srcnat = event(SRCNAT);
    assert_eq!((srcnat.inside_port, srcnat.ports), (Some(51258), Some(PortRange::single(20001))));
    assert_eq!(srcnat.login, None);
    assert_eq!(event(BOTH).destination.unwrap().to_string(), "198.51.100.4:5353");
}

#[test]
fn a_ping_has_no_port() {
    let ping = event(PING);
    assert_eq!((ping.inside_port, ping.ports), (None, None));
    assert_eq!(ping.login.as_deref(), Some("b9"));
}

#[test]
fn the_cef_form_holds_the_same_text() {
    assert_eq!(event(CEF).ports, Some(PortRange::single(5001)));
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let refused = |line: &str| refused(Format::Mikrotik, options(), line);
    let clause = ", NAT (203.0.113.9:20001->198.51.100.4:53)";
    assert_eq!(refused(&SRCNAT.replace(clause, "")).0, "other-event");
    assert_eq!(refused("system,info user admin logged in").0, "not-nat");
    assert_eq!(
        refused("in:a out:b, connection-state:new,snat proto UDP, 10.0.0.3:5->1.1.").0,
        "cut-short"
    );
    let replaced = |clause_now: &str| refused(&SRCNAT.replace(clause, clause_now)).0;
    assert_eq!(replaced(", NAT (10.0.0.3:51258->198.51.100.4:53)"), "no-translation");
    assert_eq!(replaced(", NAT (203.0.113.9:20001->198.51.100.5:53)"), "bad-address");
    assert_eq!(
        replaced(", NAT 10.0.0.3:51258->(198.51.100.4:53->10.0.0.9:53)"),
        "destination-translation"
    );
    assert_eq!(refused(&SRCNAT.replace(":20001", ":200010")).0, "bad-port");
    assert_eq!(refused(&SRCNAT.replace(":20001", "")).0, "bad-port");
    assert_eq!(refused(&SRCNAT.replace("UDP", "XXX")).0, "bad-protocol");
    assert_eq!(refused(&FORWARD.replace("NAT (100.64.0.7", "NAT (100.64.0.8")).0, "bad-address");
    let no_year = ReaderOptions::new();
    assert_eq!(values::tests::refused(Format::Mikrotik, no_year, FORWARD).1, 1);
}

#[test]
fn a_cut_line_is_never_another_flow() {
    for line in [FORWARD, SRCNAT, BOTH, PING, CEF] {
        prefixes_are_safe(Format::Mikrotik, &options(), line);
    }
}

#[test]
fn hostile_bytes_are_only_refused() {
    survives(Format::Mikrotik, &[FORWARD, SRCNAT, BOTH, PING, CEF]);
}
const ANSWER: &str = "Nov  2 03:04:05 r1 forward: in:Fibre Uplink out:<pppoe-user7>, connection-state:established,snat \
    src-mac 02:00:5e:10:00:01, proto TCP (ACK,PSH), 198.51.100.4:443->100.64.0.7:50001, \
    NAT 198.51.100.4:443->(203.0.113.9:20001->100.64.0.7:50001), len 79";

#[test]
fn an_answer_names_the_same_three() {
    let answer = event(ANSWER);
    assert_eq!((answer.kind, answer.inside_port), (EventKind::SessionSeen, Some(50001)));
    assert_eq!(answer.inside.as_ref().unwrap().to_string(), "100.64.0.7");
    assert_eq!(answer.outside.unwrap().to_string(), "203.0.113.9");
    assert_eq!(answer.ports, Some(PortRange::single(20001)));
    assert_eq!(answer.destination.unwrap().to_string(), "198.51.100.4:443");
    assert_eq!(answer.login.as_deref(), Some("user7"));
    // Before the destination is put back.
    let early = ANSWER.replace("443->100.64.0.7:50001, ", "443->203.0.113.9:20001, ");
    assert_eq!(Event { span: answer.span, ..event(&early) }, answer);
    let refused = |from: &str, to: &str| {
        let line = ANSWER.replace(from, to);
        assert_ne!(line, ANSWER);
        refused(Format::Mikrotik, options(), &line).0
    };
    assert_eq!(refused(",snat", ""), "destination-translation");
    assert_eq!(refused(",snat", ",dnat"), "destination-translation");
    assert_eq!(refused(",snat", ",snat,dnat"), "destination-translation");
    assert_eq!(refused("NAT 198.51.100.4", "NAT 198.51.100.5"), "bad-address");
    assert_eq!(refused("->100.64.0.7:50001, ", "->100.64.0.8:50001, "), "bad-address");
    assert_eq!(refused("20001->", "200010->"), "bad-port");
    assert_eq!(refused("203.0.113.9:20001->", "100.64.0.7:50001->"), "no-translation");
    prefixes_are_safe(Format::Mikrotik, &options(), ANSWER);
    survives(Format::Mikrotik, &[ANSWER]);
}

#[test]
fn a_file_of_routeros_has_its_own_stamp() {
    let line = format!("nov/02/2026 03:04:05 {SRCNAT}");
    assert_eq!(event(&line).time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
}
