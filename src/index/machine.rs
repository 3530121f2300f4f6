//! What only the machine can do: asking for a line before it is needed, testing lanes with its vectors, and mapping
//! files.
//!
//! Whether it pays: `cargo bench --bench lookup` has them, and with `RUSTFLAGS="--cfg portledger_portable"` it has
//! neither.
#![expect(
    unsafe_code,
    reason = "the language has no safe prefetch, and no safe call into vector code"
)]

use std::fs::File;
use std::io;

use super::bytes::Bytes;
use super::line::{Line, Met, Wanted};
use super::lookup::{Hits, Question};
use super::view::View;

/// Asks the processor to fetch something into its caches; elsewhere than on x86-64 it does nothing.
#[inline]
pub(super) fn prefetch<const N: usize>(line: &[u8; N]) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
    // SAFETY: a prefetch is a hint that faults on no address, and this one is a reference's; SSE is part of x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(portledger_portable))))]
    let _ = line;
}

/// Tests the lanes of a line; `x6` is the residue of the question, shifted like the starts.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would cost more than the instruction")]
pub(super) fn meet(line: Line<'_>, x6: u32, wanted: Wanted) -> Met {
    #[cfg(all(target_arch = "x86_64", not(portledger_portable)))]
    // SAFETY: SSE2 is part of x86-64, so the processor has what the function is compiled for.
    unsafe {
        super::sse2::meet(line.0, x6, wanted)
    }
    #[cfg(not(all(target_arch = "x86_64", not(portledger_portable))))]
    line.meet_each(x6, wanted)
}

/// The vectors that lines are tested with.
pub(super) trait Vectors: Copy {
    /// Tests the lanes of a line, see [`meet`].
    fn meet(self, line: Line<'_>, x6: u32, wanted: Wanted) -> Met;
}

/// Those that every processor of the kind has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual;

impl Vectors for Usual {
    #[inline]
    fn meet(self, line: Line<'_>, x6: u32, wanted: Wanted) -> Met {
        meet(line, x6, wanted)
    }
}

/// AVX-512: whoever holds one runs on a processor that has it.
#[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide(());

#[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
impl Wide {
    /// None where the processor lacks any of what [`wide`] is compiled for.
    #[inline]
    pub(super) fn found() -> Option<Wide> {
        let is_there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        is_there.then_some(Wide(()))
    }
}

#[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
impl Vectors for Wide {
    #[inline]
    fn meet(self, line: Line<'_>, x6: u32, wanted: Wanted) -> Met {
        use std::arch::x86_64::{_mm_loadu_si128, _mm512_loadu_si512};
        // SAFETY: a `Wide` exists only where the processor has these instructions. The pointers are to 64 readable
        // bytes, and to the last 16 of them; such loads need no alignment.
        unsafe {
            let all = _mm512_loadu_si512(line.0.as_ptr().cast());
            let lows = _mm_loadu_si128(line.0.as_ptr().add(48).cast());
            super::avx512::meet(all, lows, x6, wanted)
        }
    }
}

/// Answers a batch with the widest vectors that the processor has.
pub(super) fn widest(view: View<'_>, questions: &[Question], hits: &mut Hits) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
    if let Some(vectors) = Wide::found() {
        // SAFETY: a `Wide` was found, so the processor has all that the function is compiled for.
        return unsafe { wide(view, vectors, questions, hits) };
    }
    view.each(Usual, questions, hits);
}

#[cfg(all(target_arch = "x86_64", not(miri), not(portledger_portable)))]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,lzcnt,popcnt")]
fn wide(view: View<'_>, vectors: Wide, questions: &[Question], hits: &mut Hits) {
    view.each(vectors, questions, hits);
}

/// Maps a file.
///
/// # Safety
///
/// As long as the bytes live, nobody may truncate the file or write into it.
pub(super) unsafe fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: the caller promises that the file stays as it is.
    unsafe { memmap2::Mmap::map(file) }.map(Bytes::mapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::line::{Class, Lane, LineBuilder};

    /// Small enough for an interpreter: what the unsafe call returns is what safe code says.
    #[test]
    fn vectors_and_lanes_agree_on_a_line() {
        let mut line = LineBuilder::new(5);
        for n in 0..11_u32 {
            let class = [Class::Tcp, Class::Udp, Class::Look, Class::Every][n as usize % 4];
            let start = u64::from(n) * 1000;
            let _ = line.push(Lane { start, length: n * 700, class, is_copy: n == 3 });
        }
        let bytes = line.finish(false);
        prefetch(&bytes);
        for protocol in [6, 17, 1, 256] {
            for x in (0..14_000_u32).step_by(350) {
                let wanted = Wanted::new(protocol);
                let (one, other) =
                    (meet(Line(&bytes), x << 6, wanted), Line(&bytes).meet_each(x << 6, wanted));
                assert_eq!(one.maybe & Line(&bytes).used(), other.maybe & Line(&bytes).used());
                assert_eq!(one.surely & Line(&bytes).used(), other.surely & Line(&bytes).used());
            }
        }
    }

    #[cfg(not(miri))]
    #[test]
    fn a_mapped_file_is_its_bytes() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"portledger").unwrap();
        // SAFETY: the file has no name, so nobody else can change it.
        let bytes = unsafe { map(&file) }.unwrap();
        assert_eq!(&*bytes, b"portledger");
    }
}
