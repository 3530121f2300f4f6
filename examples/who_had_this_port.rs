//! Who had this port? A ledger in memory from a few lines of a log, one question, the whole answer.

use std::error::Error;

use portledger::Protocol;
use portledger::identity::IdentityFormat;
use portledger::natlog::Format;
use portledger::resolver::{Inquiry, Resolver};
use portledger::store::{Input, Ledger, LogImport, SubscriberImport};
use portledger::time::{TimeRange, WrittenTime};

const LOG: &str = "\
event,time,inside,outside,first,last
block_alloc,2026-11-02T02:10:00Z,100.64.0.10,203.0.113.7,40192,40255
block_release,2026-11-02T02:55:00Z,100.64.0.10,203.0.113.7,40192,40255
block_alloc,2026-11-02T03:01:30Z,100.64.0.11,203.0.113.7,40192,40255
block_release,2026-11-02T04:20:00Z,100.64.0.11,203.0.113.7,40192,40255
";
const LEASES: &str = "\
inside,subscriber,start,end
100.64.0.10,ann,2026-11-01T00:00:00Z,
100.64.0.11,bob,2026-11-01T00:00:00Z,
";

fn main() -> Result<(), Box<dyn Error>> {
    let mut ledger = Ledger::in_memory();
    let text = |name: &str, text: &'static str| {
        vec![Input::Stream(name.to_owned(), Box::new(text.as_bytes()))]
    };
    // Only a time that is declared complete can prove that nobody had a port.
    let covers = TimeRange::parse("2026-11-02T00:00:00Z/2026-11-03T00:00:00Z", None)?;
    let log = LogImport { covers: Some(covers), ..LogImport::new(Format::Csv, "cgn-1") };
    let report = ledger.import(&log, text("blocks.csv", LOG), &mut |_| {})?;
    println!("{} allocations", report.allocations);
    let leases = SubscriberImport::new(IdentityFormat::Csv);
    ledger.import_subscribers(&leases, text("leases.csv", LEASES), &mut |_| {})?;

    let resolver = Resolver::new(&ledger);
    for at in ["2026-11-02T03:04:05Z", "2026-11-02T02:58:00Z"] {
        let inquiry = Inquiry::new("203.0.113.7".parse()?, WrittenTime::parse(at, None)?)
            .port(40_213)
            .protocol(Protocol::TCP);
        let answer = resolver.resolve(&inquiry);
        println!("{at}: {}, {}", answer.verdict, answer.detail);
        if let Some(subscriber) = &answer.subscriber {
            println!("  subscriber {subscriber}");
        }
        for candidate in &answer.candidates {
            println!(
                "  {} held ports {} in {}",
                candidate.inside, candidate.ports, candidate.outer
            );
        }
        if let (Some(earlier), Some(later)) = (answer.margins.earlier, answer.margins.later) {
            println!("  holds if the clock is off by less than {earlier} s back, {later} s ahead");
        }
    }
    Ok(())
}
