//! Any bytes as a table of questions: every row is yielded, as a question or with its reason; never a panic.

use portledger::inquiry::{CsvInquiries, InquiryDefaults};
use proptest::prelude::*;

const HEADER: &str = "id,public_ip,port,protocol,time,to_ip,to_port,tolerance\n";
const ROW: &str = "7,203.0.113.7,40213,tcp,2026-11-02T03:04:05.123Z,192.0.2.10,443,-5s/+0s\n";

fn rows(table: &[u8]) -> Option<usize> {
    let inquiries = CsvInquiries::new(table, InquiryDefaults::default()).ok()?;
    let mut n = 0;
    for row in inquiries {
        n += 1;
        if let Err(why) = row.inquiry {
            assert!(!why.is_empty());
        }
    }
    Some(n)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        rows(&bytes);
        let mut behind_a_header = HEADER.as_bytes().to_vec();
        behind_a_header.extend_from_slice(&bytes);
        prop_assert!(rows(&behind_a_header).is_some());
    }

    #[test]
    fn a_good_row_with_bytes_changed_is_still_a_row(
        changes in proptest::collection::vec((0..ROW.len() - 1, any::<u8>()), 1..6),
    ) {
        let mut row = ROW.as_bytes().to_vec();
        for (at, byte) in changes {
            // A line ending or a quote changes how many rows there are.
            row[at] = if matches!(byte, b'\n' | b'\r' | b'"') { b'x' } else { byte };
        }
        let mut table = HEADER.as_bytes().to_vec();
        table.extend_from_slice(&row);
        table.extend_from_slice(ROW.as_bytes());
        prop_assert_eq!(rows(&table), Some(2));
    }
}
