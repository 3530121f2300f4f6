//! What the tests of every parser share.

use crate::natlog::{Event, Format, Reader, ReaderOptions, Record, Reject};

/// What a text holds, in order.
pub(in crate::natlog) fn read(
    format: Format,
    options: ReaderOptions,
    text: &[u8],
) -> Vec<Result<Event, Reject>> {
    let mut reader = Reader::new(format, options, text);
    let mut event = Event::default();
    let mut all = Vec::new();
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        all.push(match record {
            Record::Event => Ok(event.clone()),
            Record::Rejected(reject) => Err(reject),
        });
    }
    all
}

/// The one event of a line.
pub(in crate::natlog) fn one(format: Format, options: ReaderOptions, line: &str) -> Event {
    let all = read(format, options, format!("{line}\n").as_bytes());
    assert_eq!(all.len(), 1, "{line}");
    all[0].clone().unwrap_or_else(|reject| panic!("{line}\n{reject}"))
}

/// The one reject of a line: its reason and column.
pub(in crate::natlog) fn refused(
    format: Format,
    options: ReaderOptions,
    line: &str,
) -> (&'static str, u32) {
    let all = read(format, options, format!("{line}\n").as_bytes());
    assert_eq!(all.len(), 1, "{line}");
    match &all[0] {
        Ok(event) => panic!("{line}\n{event:?}"),
        Err(reject) => (reject.reason.name(), reject.column),
    }
}

/// Checks that a line that ends too early is never another event: each prefix without line ending is refused, or says
/// the same but for what is merely missing.
pub(in crate::natlog) fn prefixes_are_safe(format: Format, options: &ReaderOptions, line: &str) {
    let whole = one(format, options.clone(), line);
    for end in 1..line.len() {
        let Some(prefix) = line.get(..end) else { continue };
        for event in read(format, options.clone(), prefix.as_bytes()).into_iter().flatten() {
            let same = |event: &Event| {
                (
                    event.kind,
                    event.time,
                    event.protocol,
                    event.inside.clone(),
                    event.inside_port,
                    event.outside,
                    event.ports,
                )
            };
            assert_eq!(same(&event), same(&whole), "{prefix}");
            assert!(
                event.destination.is_none() || event.destination == whole.destination,
                "{prefix}"
            );
            assert!(event.start.is_none() || event.start == whole.start, "{prefix}");
            assert!(event.login.is_none() || event.login == whole.login, "{prefix}");
        }
    }
}

/// Reads lines with bytes changed, taken out and put in; nothing may panic.
pub(in crate::natlog) fn survives(format: Format, lines: &[&str]) {
    use proptest::prelude::*;
    let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    let options = || ReaderOptions::new().with_year(2026).with_zone("UTC".parse().unwrap());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let edits =
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..8);
    let strategy = (proptest::sample::select(lines), edits);
    runner
        .run(&strategy, |(mut line, edits)| {
            for (at, byte, how) in edits {
                if line.is_empty() {
                    break;
                }
                let at = at.index(line.len());
                match how {
                    0 => line[at] = byte,
                    1 => drop(line.remove(at)),
                    2 => line.insert(at, byte),
                    _ => line.truncate(at),
                }
            }
            let _ = read(format, options(), &line);
            line.push(b'\n');
            let _ = read(format, options(), &line);
            Ok(())
        })
        .unwrap();
    runner
        .run(&proptest::collection::vec(any::<u8>(), 0..200), |bytes| {
            let _ = read(format, options(), &bytes);
            Ok(())
        })
        .unwrap();
}
