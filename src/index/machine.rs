//! What only the machine can do: asking for a line before it is needed, testing lanes with its vectors, and mapping
//! files.
//!
//! The only unsafe code. It pays: `cargo bench --bench machine` shows both with and without.
#![expect(
    unsafe_code,
    reason = "the language has no safe prefetch, and no safe call into vector code"
)]

use std::fs::File;
use std::io;

use super::bytes::Bytes;
use super::line::{Line, Met, Wanted};

/// Asks the processor to fetch a line into its caches; elsewhere than on x86-64 it does nothing.
#[inline]
pub(super) fn prefetch(line: &[u8; 64]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch is a hint that faults on no address, and this one is a reference's; SSE is part of x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}

/// Tests the lanes of a line; `x6` is the residue of the question, shifted like the starts.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would cost more than the instruction")]
pub(super) fn meet(line: Line<'_>, x6: u32, wanted: Wanted) -> Met {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86-64, so the processor has what the function is compiled for.
    unsafe {
        super::sse2::meet(line.0, x6, wanted)
    }
    #[cfg(not(target_arch = "x86_64"))]
    line.meet_each(x6, wanted)
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
