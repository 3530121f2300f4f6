//! Questions that binding tables and deterministic NATs answer, through a ledger.
#![cfg(feature = "readers")]

use portledger::Protocol;
use portledger::identity::IdentityFormat;
use portledger::resolver::{Answer, Evidence, Inquiry, Reason, Resolver, Verdict};
use portledger::store::{Input, Ledger, LogImport, RulesImport, SubscriberImport};
use portledger::time::WrittenTime;
use tempfile::TempDir;

const BINDINGS: &str = "inside,subscriber,start,end
100.64.0.1,ann,,
100.64.0.2,bob,,
2001:db8::1,cid,,
2001:db8::2,dan,,
";

const NAT: &str = r#"{"detnat": {"algorithm": "block-table", "name": "blocks", "blocks": [
    {"address": "192.0.2.1", "first": 0, "last": 1023, "inside": "excluded"},
    {"address": "192.0.2.1", "first": 1024, "last": 2047, "inside": "100.64.0.1"},
    {"address": "192.0.2.1", "first": 2048, "last": 3071, "inside": "100.64.0.2"},
    {"address": "192.0.2.1", "first": 60000, "last": 65535, "inside": "dynamic"},
    {"address": "192.0.2.9", "first": 1024, "last": 2047, "inside": "100.64.0.1"},
    {"address": "192.0.2.9", "first": 2048, "last": 65535, "inside": "dynamic"}]}}"#;

struct Lab(TempDir, Ledger);

impl Lab {
    fn new(rules: &[(&str, &str)]) -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::create(dir.path().join("ledger")).unwrap();
        for (text, during) in rules {
            let during = during.parse().unwrap();
            let path = "rules".to_owned();
            let request = RulesImport { path, in_force: during, beside: true, record: None };
            assert!(ledger.import_rules(&request, text.as_bytes()).unwrap().is_new);
        }
        let bindings = dir.path().join("bindings.csv");
        std::fs::write(&bindings, BINDINGS).unwrap();
        let request = SubscriberImport::new(IdentityFormat::Csv);
        let inputs = vec![Input::Path(bindings)];
        for report in ledger.import_subscribers(&request, inputs, &mut |_| {}).unwrap() {
            assert!(report.rejected.is_empty(), "{:?}", report.rejected);
        }
        drop(ledger);
        // What is read back is what was added.
        let ledger = Ledger::open(dir.path().join("ledger")).unwrap();
        Lab(dir, ledger)
    }

    fn ask(&self, question: &Inquiry) -> Answer {
        Resolver::new(&self.1).resolve(question)
    }

    /// Verdict, reason, subscriber.
    fn said(&self, question: &Inquiry) -> (Verdict, Reason, Option<String>) {
        let answer = self.ask(question);
        (answer.verdict, answer.reason, answer.subscriber.map(|s| s.to_string()))
    }
}

fn at(addr: &str, time: &str) -> Inquiry {
    Inquiry::new(addr.parse().unwrap(), WrittenTime::parse(time, None).unwrap())
}

fn tcp(addr: &str, port: u16, time: &str) -> Inquiry {
    at(addr, time).port(port).protocol(Protocol::TCP)
}

fn one(who: &str) -> (Verdict, Reason, Option<String>) {
    (Verdict::Unique, Reason::Rule, Some(who.to_owned()))
}

#[test]
fn a_block_belongs_to_its_inside_host_while_the_rules_are_in_force() {
    let lab = Lab::new(&[(NAT, "@100/@200")]);
    for (port, who) in [(1024, "ann"), (2047, "ann"), (2048, "bob")] {
        assert_eq!(lab.said(&tcp("192.0.2.1", port, "@100")), one(who), "{port}");
    }
    let answer = lab.ask(&tcp("192.0.2.1", 1024, "@100"));
    let Evidence::Rule { rule, psid, .. } = &answer.candidates[0].evidence else { panic!() };
    assert_eq!((rule.as_str(), *psid), ("blocks", None));
    let (verdict, reason, _) = lab.said(&tcp("192.0.2.1", 1024, "@200"));
    assert_eq!((verdict, reason), (Verdict::NotCovered, Reason::RuleHistoryGap));
    assert_eq!(lab.said(&tcp("192.0.2.2", 1024, "@100")).0, Verdict::NotOurs);
}

#[test]
fn ports_that_no_host_has_are_free_and_say_why() {
    let lab = Lab::new(&[(NAT, "/")]);
    assert_eq!(
        lab.said(&tcp("192.0.2.1", 80, "@100")),
        (Verdict::Free, Reason::ExcludedPort, None)
    );
    assert_eq!(
        lab.said(&tcp("192.0.2.1", 5000, "@100")),
        (Verdict::Free, Reason::LeftoverPort, None)
    );
}

#[test]
fn a_port_on_demand_is_for_the_log_to_decide() {
    let mut lab = Lab::new(&[(NAT, "/")]);
    let question = tcp("192.0.2.1", 60_100, "@150");
    assert_eq!(lab.said(&question), (Verdict::NotCovered, Reason::DynamicPool, None));
    let log = lab.0.path().join("log.csv");
    std::fs::write(
        &log,
        "inside,outside,first,last,start,end\n100.64.0.2,192.0.2.1,60000,60511,@100,@200\n",
    )
    .unwrap();
    lab.import(log);
    assert_eq!(lab.said(&question), (Verdict::Unique, Reason::Used, Some("bob".to_owned())));
    // The blocks of the rule stand beside it.
    assert_eq!(lab.said(&tcp("192.0.2.1", 1024, "@150")), one("ann"));
}

#[test]
fn a_log_that_names_another_host_than_the_rule_is_a_conflict() {
    let mut lab = Lab::new(&[(NAT, "/")]);
    let log = lab.0.path().join("log.csv");
    std::fs::write(
        &log,
        "inside,outside,first,last,start,end\n100.64.0.2,192.0.2.1,1024,2047,@100,@200\n",
    )
    .unwrap();
    lab.import(log);
    let (verdict, reason, _) = lab.said(&tcp("192.0.2.1", 1500, "@150"));
    assert_eq!((verdict, reason), (Verdict::Conflict, Reason::RuleAgainstLog));
}

#[test]
fn without_a_port_a_dynamic_pool_leaves_room_for_others() {
    let lab = Lab::new(&[(NAT, "/")]);
    // One listed host, and whoever was given ports on demand.
    assert_eq!(
        lab.said(&at("192.0.2.9", "@150")),
        (Verdict::NotCovered, Reason::DynamicPool, None)
    );
    assert_eq!(lab.said(&at("192.0.2.1", "@150")).0, Verdict::Ambiguous);
    let icmp = at("192.0.2.1", "@150").port(1024).protocol(Protocol::ICMP);
    assert_eq!(lab.said(&icmp).0, Verdict::Ambiguous);
}

#[test]
fn a_port_that_another_rule_gives_out_on_demand_is_nobodys_by_rule() {
    let other = r#"{"detnat": {"algorithm": "block-table", "blocks": [
        {"address": "192.0.2.1", "first": 1024, "last": 1500, "inside": "dynamic"}]}}"#;
    let lab = Lab::new(&[(NAT, "/"), (other, "/")]);
    assert_eq!(lab.said(&tcp("192.0.2.1", 1024, "@150")).1, Reason::DynamicPool);
    assert_eq!(lab.said(&tcp("192.0.2.1", 1501, "@150")), one("ann"));
}

const TABLE: &str = "ipv4,psid_offset,psid_len,psid,b4,from,until
203.0.113.1,0,8,52,2001:db8::1,@100,@200
203.0.113.1,0,8,52,2001:db8::2,@200,@300
";

#[test]
fn a_softwire_holds_its_ports_as_long_as_its_row() {
    let lab = Lab::new(&[(TABLE, "@150/@250")]);
    for (time, who) in [("@150", "cid"), ("@198", "cid"), ("@200.000000", "dan")] {
        assert_eq!(lab.said(&tcp("203.0.113.1", 13_400, time)), one(who), "{time}");
    }
    let both = tcp("203.0.113.1", 13_400, "@199").tolerance("2s".parse().unwrap());
    assert_eq!(lab.said(&both).0, Verdict::Ambiguous);
    for time in ["@149", "@250"] {
        let said = lab.said(&tcp("203.0.113.1", 13_400, time));
        assert_eq!(said, (Verdict::NotCovered, Reason::RuleHistoryGap, None), "{time}");
    }
    // No row, and no rule that the port is nobody's: also where the row of the port came later.
    let unlisted = (Verdict::NotCovered, Reason::NoBindingRow, None);
    assert_eq!(lab.said(&tcp("203.0.113.1", 13_312 + 256, "@150")), unlisted);
    let lab = Lab::new(&[(TABLE, "@50/@250")]);
    assert_eq!(lab.said(&tcp("203.0.113.1", 13_400, "@60")), unlisted);
    // A time without rules is more than a row that is missing.
    let wide = tcp("203.0.113.1", 13_312 + 256, "@50").tolerance("-1s/+0s".parse().unwrap());
    assert_eq!(lab.said(&wide).1, Reason::RuleHistoryGap);
}

#[test]
fn mixed_port_parameters_leave_room_for_everybody_on_the_address() {
    let mixed = "ipv4,psid_offset,psid_len,psid,b4
203.0.113.1,0,8,52,2001:db8::1
203.0.113.1,0,4,1,2001:db8::2
";
    let lab = Lab::new(&[(mixed, "/")]);
    let answer = lab.ask(&tcp("203.0.113.1", 13_400, "@150"));
    assert_eq!((answer.verdict, answer.candidate_count), (Verdict::Ambiguous, 2));
}

impl Lab {
    fn import(&mut self, log: std::path::PathBuf) {
        let dir = self.0.path().join("ledger");
        let mut import = LogImport::new(portledger::natlog::Format::Csv, "cgn");
        import.profile = Some(portledger::session::Profile::exact());
        let mut ledger = Ledger::create(&dir).unwrap();
        let report = ledger.import(&import, vec![Input::Path(log)], &mut |_| {}).unwrap();
        assert_eq!(report.allocations, 1);
        drop(ledger);
        self.1 = Ledger::open(&dir).unwrap();
    }
}
