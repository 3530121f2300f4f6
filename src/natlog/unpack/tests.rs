use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A source that gives a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.1);
        self.0.read(&mut buf[..n])
    }
}

fn unpacked(bytes: &[u8], step: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    Unpack::new(Trickle(bytes, step)).read_to_end(&mut all)?;
    Ok(all)
}

fn lines(n: usize) -> Vec<u8> {
    (0..n).flat_map(|i| format!("line {i} {}\n", i * i).into_bytes()).collect()
}

#[test]
fn packed_and_plain_streams_are_the_same_in_any_pieces() {
    let text = lines(5_000);
    for packed in [text.clone(), gzip(&text), zstd(&text)] {
        for step in [1, 3, 4096, usize::MAX] {
            assert_eq!(unpacked(&packed, step).unwrap(), text);
        }
    }
    for short in [&b""[..], b"a", b"ab\n", &[0x1F], &[0x1F, 0x8B], &[0x28, 0xB5, 0x2F]] {
        assert_eq!(unpacked(short, 1).unwrap(), short);
    }
}

#[test]
fn members_one_behind_another_are_one_stream() {
    let text = lines(100);
    let whole = [&text[..], &text, b"end"].concat();
    for pack in [gzip, zstd] {
        let parts = [pack(&text), pack(b""), pack(&text), pack(b"end")].concat();
        assert_eq!(unpacked(&parts, 7).unwrap(), whole);
    }
    // A frame to be skipped: magic, length, anything.
    let skip = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let parts = [&skip[..], &zstd(&text), &skip, &zstd(b"end")].concat();
    assert_eq!(unpacked(&parts, 7).unwrap(), [&text[..], b"end"].concat());
    assert!(unpacked(&skip[..9], 7).is_err());
}

#[test]
fn a_cut_anywhere_is_an_error_that_says_so() {
    let text = lines(200);
    for packed in [gzip(&text), zstd(&text)] {
        for cut in 4..packed.len() {
            let error = unpacked(&packed[..cut], 4096).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("damaged or cut short"), "{error}");
        }
        let garbage = [&packed[..], b"garbage"].concat();
        assert!(unpacked(&garbage, 4096).is_err());
    }
}

#[test]
fn an_error_stays() {
    let packed = gzip(&lines(200));
    let mut unpack = Unpack::new(&packed[..packed.len() - 9]);
    let mut all = Vec::new();
    let first = unpack.read_to_end(&mut all).unwrap_err().to_string();
    assert_eq!(unpack.read(&mut [0; 8]).unwrap_err().to_string(), first);
}

#[test]
fn a_window_that_would_fill_the_memory_is_refused() {
    // Frame header without single segment: window descriptor 0xFF is 3.75 TiB.
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xFF, 0, 0, 0];
    assert!(unpacked(&frame, 4096).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic_and_no_change_goes_through_unseen(
        text in prop::collection::vec(any::<u8>(), 1..2000),
        is_gzip in any::<bool>(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let packed = if is_gzip { gzip(&text) } else { zstd(&text) };
        prop_assert_eq!(unpacked(&packed, 64).unwrap(), text.clone());
        let mut changed = packed.clone();
        changed[at.index(packed.len())] ^= 1 << bit;
        // Where no checksum covers the byte (names, flags of a header) the text is the same; or it is no container.
        if let Ok(found) = unpacked(&changed, 64) {
            prop_assert!(found == text || found == changed, "{found:?}");
        }
    }
}
