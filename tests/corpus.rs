//! Inputs that once looked dangerous, given to their readers whole and cut at every byte.
#![cfg(feature = "readers")]

use std::fs;
use std::path::Path;

use portledger::identity::{IdentityFormat, IdentityOptions, read_identity};
use portledger::inquiry::{CsvInquiries, InquiryDefaults};
use portledger::mapping::read_softwire_br;
use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record};

/// Reads a log to its end; how many records it had, and how many of them were damaged.
fn log(format: Format, bytes: &[u8]) -> (u64, u64) {
    let mut reader = Reader::new(format, ReaderOptions::new(), bytes);
    let mut event = Event::default();
    let mut records = 0;
    let mut rejected = 0;
    while let Some(record) = reader.next_record(&mut event).unwrap() {
        records += 1;
        if let Record::Rejected(reject) = record {
            rejected += 1;
            assert!(reject.span.offset <= bytes.len() as u64 && reject.line > 0, "{reject:?}");
        }
    }
    assert_eq!(records, reader.events() + rejected, "every record is an event or a reject");
    assert_eq!(reader.skipped().total(), rejected);
    (records, reader.skipped().damaged())
}

/// What a reader finds wrong with the bytes.
fn damage(reader: &str, bytes: &[u8]) -> u64 {
    match reader {
        "conntrack" => log(Format::Conntrack, bytes).1,
        "csv" => log(Format::Csv, bytes).1,
        "ndjson" => log(Format::Ndjson, bytes).1,
        "radius" | "identity" => {
            let format =
                if reader == "radius" { IdentityFormat::RadiusDetail } else { IdentityFormat::Csv };
            match read_identity(format, &IdentityOptions::default(), bytes) {
                Ok(file) => file.counts.rejected_total(),
                Err(error) => u64::from(!error.to_string().is_empty()),
            }
        }
        "inquiry" => match CsvInquiries::new(bytes, InquiryDefaults::default()) {
            Ok(rows) => rows.filter(|row| row.inquiry.is_err()).count() as u64,
            Err(error) => u64::from(!error.to_string().is_empty()),
        },
        "softwire" => match read_softwire_br(bytes) {
            Ok(_) => 0,
            Err(error) => u64::from(!error.to_string().is_empty()),
        },
        other => panic!("no reader is called {other}"),
    }
}

#[test]
fn every_find_is_an_error_or_counted_rejects_whole_and_cut_anywhere() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus");
    let mut files = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name == "README.md" {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let reader = name.split('-').next().unwrap();
        assert!(damage(reader, &bytes) > 0, "{name}: nothing is wrong with it");
        for end in 0..bytes.len() {
            damage(reader, &bytes[..end]);
        }
        files += 1;
    }
    assert!(files >= 11, "only {files} files were read");
}
