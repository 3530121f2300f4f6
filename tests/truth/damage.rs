//! What a line that could not be read takes away from what the others say.

use portledger::identity::IdentityFormat;
use portledger::natlog::Format;
use portledger::resolver::{Answer, Inquiry, Reason, Resolver, Verdict};
use portledger::session::Profile;
use portledger::store::{Input, Ledger, LogImport, SubscriberImport};
use portledger::time::WrittenTime;

use crate::common::{World, assert_told, pool, q};

/// Asks for port 4000 of a ledger with one log, declared complete, and two people.
fn ask(format: Format, log: &'static str, at: &str) -> Answer {
    let mut ledger = Ledger::in_memory();
    let request = LogImport {
        profile: (format == Format::Csv).then(Profile::exact),
        covers: Some("@0/@100000".parse().unwrap()),
        ..LogImport::new(format, "cgn-1")
    };
    let input = |name: &str, text: &'static str| {
        vec![Input::Stream(name.to_owned(), Box::new(text.as_bytes()))]
    };
    let report = ledger.import(&request, input("log", log), &mut |_| ()).unwrap();
    assert!(report.streams[0].first_damage.is_some() || !report.streams[0].rejected.is_empty());
    let people = "inside,subscriber,start,end\n100.64.0.1,ann,,\n100.64.0.2,bob,,\n";
    let request = SubscriberImport::new(IdentityFormat::Csv);
    let reports =
        ledger.import_subscribers(&request, input("people", people), &mut |_| ()).unwrap();
    assert_eq!(reports[0].bindings, 2);
    let time = WrittenTime::parse(at, None).unwrap();
    let inquiry = Inquiry::new("203.0.113.7".parse().unwrap(), time).port(4000);
    Resolver::new(&ledger).resolve(&inquiry)
}

#[test]
fn a_damaged_row_proves_nobodys_absence() {
    //  row 1: another port, whole      row 2: this port, its begin unreadable
    let log = "event,time,inside,outside,port,start,end\n\
               allocation,,100.64.0.1,203.0.113.7,5000,@1000,@2000\n\
               allocation,,100.64.0.2,203.0.113.7,4000,yesterday,@2000\n";
    let answer = ask(Format::Csv, log, "@1500");
    assert_eq!(answer.verdict, Verdict::NotCovered, "{answer:#?}");
    assert_eq!(answer.reason, Reason::LostLines);
}

#[test]
fn an_open_record_is_not_carried_across_lines_that_were_cut_short() {
    //  ann's create is whole; her release and bob's create and release on the same key are cut
    let log = "[1000.000000]\t    [NEW] udp      17 30 src=100.64.0.1 dst=192.0.2.10 sport=4000 dport=53 [UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4000 id=1\n\
               [1040.000000]\t[DESTROY] udp      17 src=100.64.0.1 dst=192.0.2.10 sport=40\n\
               [1050.000000]\t    [NEW] udp      17 30 src=100.64.0.2 dst=192.0.2.10 spo\n\
               [1900.000000]\t[DESTROY] udp      17 src=100.64.0.2 dst=192.0.2.1\n\
               [2000.000000]\t    [NEW] udp      17 30 src=100.64.0.1 dst=192.0.2.10 sport=4001 dport=53 [UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4001 id=2\n";
    let answer = ask(Format::Conntrack, log, "@1500");
    assert_eq!(answer.verdict, Verdict::NotCovered, "{answer:#?}");
}

#[test]
fn a_flow_without_ports_is_no_answer_to_a_port() {
    let log = "event,time,proto,inside,outside,first,last,start,end\n\
               allocation,,47,100.64.0.1,203.0.113.7,0,65535,@1000,@2000\n\
               allocation,,tcp,100.64.0.2,203.0.113.7,5000,5000,@1000,@2000\n";
    let world = World::new().ann_bob_cat().log_covering("cgn-1", Profile::exact(), "@0/@5000", log);
    let answer = world.ask(&q("@1500").port(4000));
    assert_told(&answer, Verdict::Free, Reason::OtherProtocol, "");
}

#[test]
fn a_pool_range_that_the_log_contradicts_is_not_relied_on() {
    let log = "event,time,proto,inside,outside,port\n\
               session_create,@1000,tcp,100.64.0.1,203.0.113.7,1500\n\
               session_delete,@1100,tcp,100.64.0.1,203.0.113.7,1500\n";
    let world = World::new().ann_bob_cat().pool(pool("203.0.113.0/24", "5000-6000")).log(
        "cgn-1",
        Profile::exact(),
        log,
    );
    let answer = world.ask(&q("@1050").port(1500).tcp());
    assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
    let later = world.ask(&q("@3000").port(1500).tcp());
    assert_eq!(later.verdict, Verdict::NotCovered, "{later:#?}");
    let other = world.ask(&q("@3000").port(1501).tcp());
    assert_told(&other, Verdict::Free, Reason::OutsidePoolRange, "");
}

#[test]
fn an_echo_identifier_is_not_one_of_a_pools_ports() {
    let log = "event,time,proto,inside,outside,port\n\
               session_create,@1000,icmp,100.64.0.1,203.0.113.7,55646\n\
               session_delete,@1100,icmp,100.64.0.1,203.0.113.7,55646\n";
    let world = World::new()
        .ann_bob_cat()
        .pool(portledger::store::Pool {
            device: Some("cgn-1".to_owned()),
            ..pool("203.0.113.0/24", "1024-1248")
        })
        .log_covering("cgn-1", Profile::exact(), "@0/@5000", log);
    let icmp = |at: &str, id| world.ask(&q(at).port(id).protocol(portledger::Protocol::ICMP));
    assert_told(&icmp("@1050", 55_646), Verdict::Unique, Reason::Used, "ann");
    assert_told(&icmp("@1050", 7), Verdict::Free, Reason::Idle, "");
}

#[test]
fn an_answer_carries_the_binding_that_names_the_subscriber() {
    let log = "event,time,inside,outside,port,start,end\n\
               allocation,,100.64.0.1,203.0.113.7,4000,@1000,@2000\n";
    let world = World::new().ann_bob_cat().log("cgn-1", Profile::exact(), log);
    let answer = world.at("@1500");
    let binding = &answer.candidates[0].bindings[0];
    assert_eq!(binding.key.to_string(), "100.64.0.1");
    assert_eq!(binding.records[0].path, "people.csv");
    assert!(binding.records[0].length > 0 && !binding.records[0].sha256.is_empty());
}

#[test]
fn where_events_were_lost_at_an_unsaid_time_a_port_may_be_anybodys() {
    //  ann   90 |--------------------------| 300      towards one destination
    //           100   events lost   200
    let log = "[90.000000]\t    [NEW] udp      17 30 src=100.64.0.1 dst=192.0.2.10 sport=4000 dport=53 [UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4000 id=1\n\
               [100.000000]\t    [NEW] udp      17 30 src=100.64.0.1 dst=192.0.2.10 sport=4001 dport=53 [UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4001 id=2\n\
               WARNING: We have hit ENOBUFS! We are losing events.\n\
               [200.000000]\t    [NEW] udp      17 30 src=100.64.0.1 dst=192.0.2.10 sport=4002 dport=53 [UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4002 id=3\n\
               [300.000000]\t[DESTROY] udp      17 src=100.64.0.1 dst=192.0.2.10 sport=4000 dport=53 src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4000 id=1 [start=Thu Jan  1 00:01:30 1970] [stop=Thu Jan  1 00:05:00 1970]\n";
    let answer = ask(Format::Conntrack, log, "@150");
    assert_told(&answer, Verdict::NotCovered, Reason::OutsideRecords, "ann");
    let answer = ask(Format::Conntrack, log, "@250");
    assert_told(&answer, Verdict::Unique, Reason::Used, "ann");
}

#[test]
fn a_log_of_port_forwards_proves_nobodys_absence() {
    //  a question of the world to port 4000, forwarded to a host inside: its answers come from that port
    let log = "[1000.000000]\t    [NEW] udp      17 30 src=192.0.2.66 dst=203.0.113.7 sport=999 dport=4000 [UNREPLIED] src=100.64.0.1 dst=192.0.2.66 sport=4000 dport=999 id=1\n\
               [2000.000000]\t    [NEW] udp      17 30 src=100.64.0.1 dst=192.0.2.10 sport=4001 dport=53 [UNREPLIED] src=192.0.2.10 dst=203.0.113.7 sport=53 dport=4001 id=2\n";
    assert_told(
        &ask(Format::Conntrack, log, "@1500"),
        Verdict::NotCovered,
        Reason::UnnamedFlows,
        "",
    );
}
