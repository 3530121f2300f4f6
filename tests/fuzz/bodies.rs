//! What the fuzz targets do with their bytes, and what must hold whatever these are.
#![allow(dead_code, unreachable_pub, reason = "each target uses one of them")]

use std::io::Read;

use portledger::allocation::SourceId;
use portledger::index::Index;
use portledger::natlog::unpack::Unpack;
use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record, ndjson};
use portledger::session::{Assembler, Profile};
use portledger::time::{TimeRange, Zone};

/// The most that is unpacked of a stream that swells.
const MOST: u64 = 1 << 22;

/// The format that the first line names, or the first byte picks, and the log.
fn split(bytes: &[u8]) -> Option<(Format, &[u8])> {
    let end = bytes.iter().position(|b| *b == b'\n');
    let named = end.and_then(|end| {
        let name = std::str::from_utf8(&bytes[..end]).ok()?;
        Some((name.parse::<Format>().ok()?, &bytes[end + 1..]))
    });
    named.or_else(|| {
        let (first, log) = bytes.split_first()?;
        Some((Format::ALL[usize::from(*first) % Format::ALL.len()], log))
    })
}

/// Every record is an event or a counted reject with its place; what the events make adds up, and our own NDJSON says
/// the same as they.
pub fn readers(bytes: &[u8]) {
    let Some((format, log)) = split(bytes) else { return };
    let options = ReaderOptions::new().with_zone(Zone::UTC).with_year(2026);
    let mut reader = Reader::new(format, options.clone(), log);
    let mut assembler = Assembler::new(Profile::for_format(format.name(), None));
    let (mut event, mut written) = (Event::default(), Vec::new());
    let (mut events, mut rejects) = (0, 0);
    while let Some(record) = reader.next_record(&mut event).expect("bytes in memory") {
        match record {
            Record::Event => {
                events += 1;
                let _ = assembler.push(SourceId(0), &event);
                ndjson::write_event(&event, &mut written).expect("memory");
            }
            Record::Rejected(reject) => {
                rejects += 1;
                assert!(reject.line > 0, "{reject:?}");
                assert!(reject.span.offset <= log.len() as u64, "{reject:?}");
                assembler.saw_damage(event.time);
            }
        }
        assert!(events + rejects <= 64 * (log.len() as u64 + 1), "records without end");
    }
    assert_eq!((reader.events(), reader.skipped().total()), (events, rejects));
    let done = assembler.finish(None);
    assert!(done.audit.adds_up(), "{:?}", done.audit);
    for a in &done.allocations {
        assert!(a.used_until <= a.outer.end(), "{a:?}");
        assert!(a.inner.is_none_or(|inner| a.outer.covers(inner)), "{a:?}");
    }
    let mut again = Reader::new(Format::Ndjson, options, &written[..]);
    while again.read_event(&mut event).expect("memory") {}
    assert_eq!((again.events(), again.skipped().total()), (events, 0), "{format}");
}

/// Either all is unpacked, or an error says that it cannot be; and it does so again.
pub fn unpack(bytes: &[u8]) {
    let mut stream = Unpack::new(bytes);
    let mut buffer = vec![0; 4096];
    let mut unpacked = 0;
    while unpacked < MOST {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => unpacked += n as u64,
            Err(e) => {
                let again = stream.read(&mut buffer).map_err(|e| e.to_string());
                assert_eq!(again, Err(e.to_string()));
                return;
            }
        }
    }
}

/// What is opened can be asked; what verifies can be read whole.
pub fn segment(bytes: &[u8]) {
    let Ok(index) = Index::from_bytes(bytes) else { return };
    let is_sound = index.verify().is_ok();
    let addresses: Vec<_> = index.addresses().take(16).collect();
    let mut found = Vec::new();
    for addr in addresses {
        index.during(addr, portledger::PortRange::ALL, None, TimeRange::ALL, &mut found);
    }
    if is_sound {
        assert_eq!(index.iter().count(), index.len());
    }
}
