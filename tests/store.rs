//! The ledger as a library user fills it.
#![cfg(feature = "readers")]

use portledger::resolver::{Evidence, Inquiry, Reason, Resolver, Verdict};
use portledger::session::Profile;
use portledger::store::Ledger;
use portledger::synth::{AllocationTable, TableConfig};
use portledger::time::{TimeDelta, WrittenTime};

/// A table whose addresses begin at another one, so that two of them never meet.
fn table(seed: u64, first: u8) -> AllocationTable {
    let config =
        TableConfig { seed, addresses: 4, overlap_share: 0.0, ..TableConfig::sessions(400) };
    let mut table = AllocationTable::generate(&config);
    for a in &mut table.allocations {
        let [_, b, c, d] = a.addr.octets();
        a.addr = [first, b, c, d].into();
    }
    table
}

#[test]
fn each_inserted_table_is_a_source_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(dir.path()).unwrap();
    let tables = [("one", table(1, 10)), ("two", table(2, 11))];
    for (name, table) in &tables {
        let (hosts, allocations) = (table.hosts.clone(), table.allocations.clone());
        ledger.insert_allocations(name, hosts, allocations, Profile::exact(), None).unwrap();
    }
    drop(ledger);
    let ledger = Ledger::open(dir.path()).unwrap();
    let resolver = Resolver::new(&ledger);
    for (name, table) in &tables {
        for allocation in &table.allocations {
            let inquiry = Inquiry::new(allocation.addr, WrittenTime::exact(allocation.created))
                .port(allocation.ports.first())
                .early(TimeDelta::ZERO);
            let inquiry = allocation.protocol.into_iter().fold(inquiry, Inquiry::protocol);
            let answer = resolver.resolve(&inquiry);
            let found = (answer.verdict, answer.reason);
            assert_eq!(found, (Verdict::Unbound, Reason::NoBinding), "{allocation:?}");
            let Evidence::Records { source, .. } = &answer.candidates[0].evidence else {
                panic!("{answer:?}");
            };
            assert_eq!(source, name);
        }
    }
    assert_eq!(Ledger::verify(dir.path()).unwrap(), 2);
}

#[test]
fn a_mapped_ledger_answers_like_one_that_was_read() {
    use portledger::index::Index;

    let dir = tempfile::tempdir().unwrap();
    let table = AllocationTable::generate(&TableConfig::sessions(3_000));
    let mut ledger = Ledger::create(dir.path()).unwrap();
    ledger
        .insert_allocations("cgn-1", table.hosts, table.allocations, Profile::exact(), None)
        .unwrap();
    drop(ledger);
    let read = Ledger::open(dir.path()).unwrap();
    #[expect(unsafe_code, reason = "the file is the test's own")]
    // SAFETY: nothing writes into the temporary directory while the ledger lives.
    let mapped = unsafe { Ledger::open_mapped(dir.path()) }.unwrap();
    let all = |index: &Index| index.iter().collect::<Vec<_>>();
    let (read, mapped) = (&read.segments()[0], &mapped.segments()[0]);
    assert_eq!(all(read.index()), all(mapped.index()));
    assert!(read.hosts().eq(mapped.hosts()) && read.hosts().count() > 0);
}

#[test]
fn stamps_without_year_go_on_from_file_to_file() {
    use portledger::natlog::Format;
    use portledger::store::{Input, LogImport};
    use portledger::time::Zone;

    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, lines: &[&str]| {
        let path = dir.path().join(name);
        let line = |l: &&str| {
            format!(
                "{l} UDP SourceIp :100.64.0.1 Sourceport:5000 TransIP :203.0.113.7 TransPort:4000 \
                 DestIp :192.0.2.1 Destport:53\n"
            )
        };
        std::fs::write(&path, lines.iter().map(line).collect::<String>()).unwrap();
        Input::Path(path)
    };
    let old =
        || file("old", &["Dec 31 23:00:00 n NAT_ACCT:START", "Dec 31 23:10:00 n NAT_ACCT:STOP"]);
    let new =
        || file("new", &["Jan  1 01:00:00 n NAT_ACCT:START", "Jan  1 01:10:00 n NAT_ACCT:STOP"]);
    let request = LogImport {
        zone: Some(("UTC".to_owned(), Zone::UTC)),
        year: Some(2026),
        ..LogImport::new(Format::NatAcct, "cgn-1")
    };
    let begins = |ledger: &Ledger| -> Vec<String> {
        let all = ledger.segments().iter().flat_map(|s| s.index().iter());
        all.map(|(_, a)| a.created.rfc3339()).collect()
    };
    let mut at_once = Ledger::in_memory();
    let _ = at_once.import(&request, vec![old(), new()], &mut |_| {}).unwrap();
    assert_eq!(begins(&at_once), ["2026-12-31T23:00:00Z", "2027-01-01T01:00:00Z"]);
    // One that is in the ledger already still says which year the next one is of.
    let mut one_by_one = Ledger::in_memory();
    let _ = one_by_one.import(&request, vec![old()], &mut |_| {}).unwrap();
    let report = one_by_one.import(&request, vec![old(), new()], &mut |_| {}).unwrap();
    assert!(report.streams[0].already);
    assert_eq!(begins(&one_by_one), begins(&at_once));
}

#[test]
fn expiry_does_not_bring_back_a_session_that_was_over() {
    use portledger::identity::IdentityFormat;
    use portledger::store::{Input, SubscriberImport};

    let packet = |status: &str, session: &str, name: &str, host: &str, at: i64| {
        format!(
            "Thu Jan  1 00:00:00 1970\n\tAcct-Status-Type = {status}\n\tAcct-Session-Id = \"{session}\"\n\
             \tUser-Name = \"{name}\"\n\tNAS-IP-Address = 192.0.2.254\n\tFramed-IP-Address = {host}\n\
             \tTimestamp = {at}\n\n"
        )
    };
    let start = packet("Start", "1", "ann", "100.64.0.1", 100);
    let stop = packet("Stop", "1", "ann", "100.64.0.1", 200);
    let next = packet("Start", "2", "bob", "100.64.0.1", 200)
        + &packet("Stop", "2", "bob", "100.64.0.1", 300);
    let later = packet("Start", "3", "cat", "100.64.0.9", 900);
    // Her Stop is in another file; it was lost, and only the next one on her address shows that she was gone.
    for files in [[&start, &(stop + &later)], [&start, &(next + &later)]] {
        let mut ledger = Ledger::in_memory();
        let request = SubscriberImport::new(IdentityFormat::RadiusDetail);
        let stream = |text: &String| {
            Input::Stream(text.len().to_string(), Box::new(std::io::Cursor::new(text.clone())))
        };
        let inputs = files.into_iter().map(stream).collect();
        let reports = ledger.import_subscribers(&request, inputs, &mut |_| {}).unwrap();
        assert!(reports.iter().all(|r| r.rejected.is_empty()));
        let host = "100.64.0.1".parse().unwrap();
        let during = "@500/@600".parse().unwrap();
        assert!(ledger.identity().lookup(&host, during).is_empty());
        let _ = ledger.expire("@400".parse().unwrap()).unwrap();
        assert!(ledger.identity().lookup(&host, during).is_empty());
        // A session without any sign of its end goes on.
        assert_eq!(ledger.identity().len(), 1);
    }
}

#[test]
fn a_file_that_is_passed_over_leaves_a_gap_between_the_others() {
    use portledger::natlog::Format;
    use portledger::store::{Input, LogImport};

    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, rows: &str| {
        let path = dir.path().join(name);
        let header = "event,time,proto,inside,outside,port\n";
        std::fs::write(&path, format!("{header}{rows}")).unwrap();
        Input::Path(path)
    };
    let first = file(
        "1",
        "session_create,@1000,tcp,100.64.0.1,203.0.113.7,4000\n\
         session_create,@1900,tcp,100.64.0.3,203.0.113.7,9\n",
    );
    let second = || file("2", "session_delete,@2500,tcp,100.64.0.1,203.0.113.7,4000\n");
    let third = file("3", "session_create,@3900,tcp,100.64.0.2,203.0.113.7,9\n");
    let request = LogImport::new(Format::Csv, "cgn-1");
    let mut ledger = Ledger::in_memory();
    let _ = ledger.import(&request, vec![second()], &mut |_| {}).unwrap();
    let report = ledger.import(&request, vec![first, second(), third], &mut |_| {}).unwrap();
    assert!(report.streams[1].already);
    // Its release is in the file between.
    let at = WrittenTime::from_second(3500);
    let inquiry = Inquiry::new("203.0.113.7".parse().unwrap(), at).port(4000);
    let answer = Resolver::new(&ledger).resolve(&inquiry);
    assert_eq!(answer.verdict, Verdict::NotCovered, "{answer:#?}");
}
