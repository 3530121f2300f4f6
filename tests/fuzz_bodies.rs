//! What the fuzz targets assert, over their small corpus: whole, cut at every byte, and changed.
#![cfg(feature = "readers")]

use std::fs;
use std::path::Path;

#[path = "fuzz/bodies.rs"]
mod bodies;

/// A small generator of changes, the same in every run.
struct Changes(u64);

impl Changes {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

fn over_corpus(target: &str, body: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        body(&bytes);
        let step = (bytes.len() / 600).max(1);
        for end in (0..bytes.len()).step_by(step) {
            body(&bytes[..end]);
        }
        let mut changes = Changes(bytes.len() as u64);
        for _ in 0..300 {
            let mut changed = bytes.clone();
            for _ in 0..=changes.next(4) {
                let at = changes.next(changed.len());
                match changes.next(3) {
                    0 => changed[at] ^= 1 << changes.next(8),
                    1 => drop(changed.remove(at)),
                    _ => changed.insert(at, u8::try_from(changes.next(256)).unwrap()),
                }
                if changed.is_empty() {
                    break;
                }
            }
            body(&changed);
        }
        files += 1;
    }
    assert!(files > 0, "{target}");
}

#[test]
fn readers_hold_over_their_corpus() {
    over_corpus("readers", bodies::readers);
}

#[test]
fn the_unpacker_holds_over_its_corpus() {
    over_corpus("unpack", bodies::unpack);
}

#[test]
fn segments_hold_over_their_corpus() {
    over_corpus("segment", bodies::segment);
}

/// `WRITE_CORPUS=1 cargo test --test fuzz_bodies` makes the packed files and the segment anew.
#[test]
fn the_binary_corpus_is_what_it_says() {
    use portledger::allocation::SourceId;
    use portledger::index::Index;
    use portledger::natlog::{Event, Format, Reader, ReaderOptions};
    use portledger::session::{Assembler, Profile};

    let rows = "event,outside,first,last,inside,start,end\n\
        allocation,203.0.113.7,1024,2047,100.64.0.10,@100,@200\n\
        allocation,203.0.113.7,2048,2048,100.64.0.11,@150,\n";
    let mut reader = Reader::new(Format::Csv, ReaderOptions::new(), rows.as_bytes());
    let mut assembler = Assembler::new(Profile::exact());
    let mut event = Event::default();
    while reader.read_event(&mut event).unwrap() {
        assembler.push(SourceId(0), &event).unwrap();
    }
    let index = Index::build(assembler.finish(None).allocations).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/segment/two-rows");
    if std::env::var_os("WRITE_CORPUS").is_some() {
        fs::write(&path, index.as_bytes()).unwrap();
    }
    let kept = fs::read(path).unwrap();
    assert_eq!(Index::from_bytes(&kept).unwrap().len(), 2);
}
