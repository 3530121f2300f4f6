use super::*;
use crate::natlog::Format;
use crate::natlog::values::tests::{one, prefixes_are_safe, read, refused, survives};

const PORT: &str = "cgn9/blue CEF:0|A10|CFW|6.0.0-P1|CGN 100|Nat Port Allocated|5|proto=TCP src=100.64.7.7 spt=50001 \
    sourceTranslatedAddress=203.0.113.9 sourceTranslatedPort=20001 dst=198.51.100.4 dpt=443";
const SESSION: &str = "<134>Nov  2 03:04:05 cgn9/blue CEF:0|A10|CFW|6.0.0|CGN 103|Nat Session Freed|5|proto=17 \
    src=100.64.7.7 spt=50001 dst=198.51.100.4 dpt=443 sourceTranslatedAddress=203.0.113.9 sourceTranslatedPort=20001 \
    destinationTranslatedAddress=198.51.100.4 destinationTranslatedPort=443";
const BATCH: &str = "0|A10|CFW|6.0.0|CGN 106|Nat Port Batch Pool Allocated|5|proto=UDP src=100.64.7.7 \
    sourceTranslatedAddress=203.0.113.9 sourceTranslatedPort=22016 cn3=22271 cn3Label=Last Nat Port";
const ASCII: &str = "cgn9 NAT-TCP-C: 100.64.7.7:50001<-->203.0.113.9:20001 to 198.51.100.4:443";
const FLOW: &str =
    "cgn9 NAT-UDP-D: 100.64.7.7:50001<->198.51.100.4:50053,203.0.113.9:20001<-->198.51.100.4:50053";
const FIXED: &str = "FIXED-NAT-PORTS 100.64.7.7->203.0.113.9:22016-22271";

fn options() -> ReaderOptions {
    ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap())
}

fn event(line: &str) -> Event {
    one(Format::A10, options(), line)
}

#[test]
fn a_port_keeps_no_destination() {
    let event = event(PORT);
    assert_eq!(event.kind, EventKind::PortCreate);
    assert_eq!(event.inside.unwrap().to_string(), "100.64.7.7%blue");
    assert_eq!((event.inside_port, event.destination), (Some(50001), None));
    assert_eq!(event.ports, Some(PortRange::single(20001)));
}

#[test]
fn a_session_does() {
    let event = event(SESSION);
    assert_eq!(event.kind, EventKind::SessionDelete);
    assert_eq!(event.destination.unwrap().to_string(), "198.51.100.4:443");
    assert_eq!(event.protocol.unwrap().number(), 17);
}

#[test]
fn a_batch_reaches_to_its_last_port() {
    let event = event(BATCH);
    assert_eq!(
        (event.kind, event.ports),
        (EventKind::BlockAlloc, PortRange::new(22016, 22271).ok())
    );
    assert_eq!(event.inside.unwrap().to_string(), "100.64.7.7");
}

#[test]
fn the_ascii_forms_are_read() {
    assert_eq!(event(ASCII).kind, EventKind::PortCreate);
    let flow = event(FLOW);
    assert_eq!(flow.kind, EventKind::SessionDelete);
    assert_eq!(flow.destination.unwrap().to_string(), "198.51.100.4:50053");
    assert_eq!(flow.ports, Some(PortRange::single(20001)));
    let fixed = event(FIXED);
    assert_eq!((fixed.kind, fixed.protocol), (EventKind::BlockAlloc, None));
}

#[test]
fn the_public_end_of_a_session_is_the_one_that_is_not_the_far_side() {
    let pair = "203.0.113.9:20001<-->198.51.100.4:50053";
    let turned = FLOW.replace(pair, " 198.51.100.4:50053<-->203.0.113.9:20001");
    assert_eq!(event(&turned), Event { span: event(&turned).span, ..event(FLOW) });
    let neither = FLOW.replace(pair, "203.0.113.9:20001<-->198.51.100.5:50053");
    assert_eq!(refused(Format::A10, options(), &neither), ("bad-address", 55));
    let both = FLOW.replace(pair, "198.51.100.4:50053<-->198.51.100.4:50053");
    assert_eq!(refused(Format::A10, options(), &both).0, "bad-address");
}

#[test]
fn a_batched_line_holds_several_records() {
    let both = format!("cgn9/blue {} {}\n", &ASCII[5..], &FLOW[5..]);
    let all = read(Format::A10, options(), both.as_bytes());
    assert_eq!(all.len(), 2);
    for (record, event) in (1..).zip(&all) {
        let event = event.as_ref().unwrap();
        assert_eq!((event.record, event.line), (record, 1));
        assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.7.7%blue");
    }
    let cef = format!("{BATCH} CEF:{BATCH}\n");
    assert_eq!(read(Format::A10, options(), cef.as_bytes()).into_iter().flatten().count(), 2);
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    let refused = |line: &str| refused(Format::A10, options(), line);
    assert_eq!(refused("sshd[7]: session opened").0, "not-nat");
    assert_eq!(refused(&BATCH.replace("CGN 106", "CGN 109")), ("unknown-event", 17));
    assert_eq!(refused(&BATCH.replace("Allocated", "Freed")).0, "unknown-event");
    assert_eq!(refused(&BATCH.replace("22271", "22015")).0, "bad-port");
    assert_eq!(refused(&BATCH.replace("cn3=22271 ", "")).0, "missing-field");
    assert_eq!(refused(&BATCH.replace("Last", "Next")).0, "missing-field");
    assert_eq!(refused(&PORT.replace("spt=50001", "spt=500001")), ("bad-port", 92));
    assert_eq!(refused(&PORT.replace("dpt", "spt")).0, "repeated-field");
    assert_eq!(refused(&ASCII.replace("-C:", "-X:")).0, "unknown-event");
    assert_eq!(refused(&FIXED.replace("-22271", "")).0, "bad-port");
}

#[test]
fn a_cut_line_is_never_another_port() {
    for line in [PORT, SESSION, BATCH, ASCII, FLOW, FIXED] {
        prefixes_are_safe(Format::A10, &options(), line);
    }
}

#[test]
fn hostile_bytes_are_only_refused() {
    survives(Format::A10, &[PORT, SESSION, BATCH, ASCII, FLOW, FIXED]);
}
