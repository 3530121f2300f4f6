//! The one unsafe instruction: asking for a line before it is needed.
//!
//! It pays: `cargo bench --bench lookup` prints the batch with and without it.
#![expect(unsafe_code, reason = "there is no safe prefetch; it reads and writes nothing")]

/// Asks the processor to fetch a line into its caches; elsewhere than on x86-64 it does nothing.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would cost more than the instruction")]
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
