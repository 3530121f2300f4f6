//! Read a conntrack log, event by event, then import it into a ledger on disk and ask it.
//!
//! `cargo run --example read_a_log [conntrack.log]`

use std::error::Error;
use std::io::Cursor;

use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record, ndjson};
use portledger::resolver::{Inquiry, Resolver};
use portledger::store::{Input, Ledger, LogImport};
use portledger::time::{TimeDelta, WrittenTime};

const SAMPLE: &str = "\
[1793642400.500000]\t    [NEW] ipv4     2 udp      17 30 src=100.64.0.10 dst=192.0.2.53 sport=5353 dport=53 [UNREPLIED] src=192.0.2.53 dst=203.0.113.7 sport=53 dport=40213 id=7
[1793642410.000000]\t [UPDATE] ipv4     2 udp      17 30 src=100.64.0.10 dst=192.0.2.53 sport=5353 dport=53 src=192.0.2.53 dst=203.0.113.7 sport=53 dport=40213 id=7
[1793642411.000000]\t    [NEW] ipv4     2 udp      17 30 src=100.64.0.999 dst=192.0.2.53 sport=5353 dport=53 [UNREPLIED] src=192.0.2.53 dst=203.0.113.7 sport=53 dport=40214 id=8
[1793642412.000000]\t [UPDATE] ipv4     2 udp      17 30 src=100.64.0.10 dst=192.0.2.53 sport=5353 dport=53 src=192.0.2.53 dst=203.0.113.7 sport=53 dport=40213 id=7
[1793642444.000000]\t[DESTROY] ipv4     2 udp      17 src=100.64.0.10 dst=192.0.2.53 sport=5353 dport=53 packets=1 bytes=92 src=192.0.2.53 dst=203.0.113.7 sport=53 dport=40213 packets=1 bytes=140 delta-time=42 [start=Mon Nov  2 18:00:00 2026] [stop=Mon Nov  2 18:00:42 2026] id=7
";

fn main() -> Result<(), Box<dyn Error>> {
    let log = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => SAMPLE.as_bytes().to_vec(),
    };
    let mut reader = Reader::new(Format::Conntrack, ReaderOptions::new(), &*log);
    let (mut event, mut first) = (Event::default(), None);
    while let Some(record) = reader.next_record(&mut event)? {
        match record {
            Record::Event => {
                ndjson::write_event(&event, &mut std::io::stdout())?;
                let asked = event.outside.zip(event.ports).zip(event.time);
                first = first.or(asked.filter(|_| event.inside.is_some()));
            }
            Record::Rejected(reject) => {
                println!(
                    "line {}, column {}: {}",
                    reject.line,
                    reject.column,
                    reject.reason.name()
                );
            }
        }
    }
    println!("{} lines are damaged", reader.skipped().damaged());

    let dir = tempfile::tempdir()?;
    let mut ledger = Ledger::create(dir.path())?;
    let request = LogImport::new(Format::Conntrack, "cgn-1");
    let input = Input::Stream("log".to_owned(), Box::new(Cursor::new(log)));
    let report = ledger.import(&request, vec![input], &mut |_| {})?;
    println!("{} allocations by profile {}", report.allocations, report.profile.label());
    drop(ledger);

    let ledger = Ledger::open(dir.path())?;
    let Some(((addr, ports), time)) = first else { return Ok(()) };
    // Well before the damaged line, which could have said anything of the time between the lines beside it.
    let later = time.start().plus(TimeDelta::from_second(2)).floor_second();
    let inquiry = Inquiry::new(addr, WrittenTime::new(later, 1_000_000)).port(ports.first());
    let answer = Resolver::new(&ledger).resolve(&inquiry);
    let at = later.rfc3339();
    println!("{addr}:{} at {at}: {}, {}", ports.first(), answer.verdict, answer.detail);
    Ok(())
}
