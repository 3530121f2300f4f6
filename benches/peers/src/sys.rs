//! All that needs `unsafe` or the machine: fences, prefetches, clocks, counted memory, huge pages.

#![allow(unsafe_code, reason = "this file is where it is kept")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Ends the overlap of one lookup with the next: no later instruction begins before all earlier ones are done.
#[inline(always)]
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86-64.
    unsafe {
        core::arch::x86_64::_mm_lfence();
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// Asks for the cache line of `slice[index]`; an index outside asks for nothing that faults.
#[inline(always)]
pub fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, and `wrapping_add` may leave the slice.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(slice.as_ptr().wrapping_add(index).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// Nanoseconds of processor time that this thread has used.
pub fn thread_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "this system has no per-thread clock");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Bytes that Rust code holds on the heap now, as asked for: what the allocator adds is nobody's fault.
pub fn live_bytes() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Whether memory shall lie on huge pages.
static HUGE: AtomicBool = AtomicBool::new(false);
const HUGE_PAGE: usize = 2 << 20;

/// The system's allocator, counting; large blocks ask for huge pages before they are touched.
pub struct Counting;

/// Asks for huge pages in the part of a block that can have them.
fn advise(at: *mut u8, size: usize) {
    #[cfg(target_os = "linux")]
    if size >= HUGE_PAGE && !at.is_null() && HUGE.load(Ordering::Relaxed) {
        let from = at.addr().next_multiple_of(HUGE_PAGE);
        let until = (at.addr() + size) / HUGE_PAGE * HUGE_PAGE;
        if from < until {
            // SAFETY: the range is ours, and the advice changes no byte.
            unsafe {
                libc::madvise(at.add(from - at.addr()).cast(), until - from, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (at, size);
}

// SAFETY: every call is handed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        let at = unsafe { System.alloc(layout) };
        advise(at, layout.size());
        at
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        let at = unsafe { System.alloc_zeroed(layout) };
        advise(at, layout.size());
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_add(size, Ordering::Relaxed);
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        let at = unsafe { System.realloc(at, layout, size) };
        advise(at, size);
        at
    }
}

/// Large blocks lie on huge pages from now on.
pub fn ask_for_huge_pages() {
    HUGE.store(true, Ordering::Relaxed);
}

/// Moves what the heap holds onto huge pages, small blocks too: a peer of many small vectors has them like one of a
/// single large vector.
pub fn collapse_heap() {
    #[cfg(target_os = "linux")]
    if HUGE.load(Ordering::Relaxed) {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        for line in maps.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [range, "rw-p", _, _, "0", rest @ ..] = fields.as_slice() else { continue };
            let Some((from, until)) =
                range.split_once('-').filter(|_| matches!(rest, [] | ["[heap]"]))
            else {
                continue;
            };
            let edge = |text| usize::from_str_radix(text, 16).unwrap_or(0);
            let from = edge(from).next_multiple_of(HUGE_PAGE);
            let until = edge(until) / HUGE_PAGE * HUGE_PAGE;
            if from < until {
                // SAFETY: private anonymous memory of this process; no byte of it changes.
                unsafe {
                    let at = std::ptr::with_exposed_provenance_mut(from);
                    libc::madvise(at, until - from, libc::MADV_HUGEPAGE);
                    libc::madvise(at, until - from, libc::MADV_COLLAPSE);
                }
            }
        }
    }
}

/// Forbids huge pages to this whole process, for a run on small ones.
pub fn forbid_huge_pages() {
    #[cfg(target_os = "linux")]
    // SAFETY: PR_SET_THP_DISABLE reads no memory of ours.
    unsafe {
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Gives what was freed back to the system, so that one contender's leavings are not the next one's memory.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only touches free memory.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Opens an LMDB environment without locks and syncs: one process, one writer, read only afterwards.
pub fn open_lmdb(path: &std::path::Path, bytes: usize) -> heed::Result<heed::Env> {
    use heed::EnvFlags;
    let mut options = heed::EnvOpenOptions::new();
    options.map_size(bytes);
    // SAFETY: the directory is this process's own, and no other map of it exists.
    unsafe {
        options.flags(EnvFlags::NO_SYNC | EnvFlags::NO_META_SYNC | EnvFlags::NO_READ_AHEAD);
        options.open(path)
    }
}

/// A value that lives at one place until it is dropped, so that something which borrows from it can stand beside it.
pub struct Held<T: 'static>(*mut T);

impl<T> Held<T> {
    /// Moves a value to its place.
    pub fn new(value: T) -> Held<T> {
        Held(Box::into_raw(Box::new(value)))
    }

    /// The value, for as long as this lives: whoever keeps the reference must be dropped with it, as fields of one
    /// struct are.
    pub fn get(&self) -> &'static T {
        // SAFETY: the pointer is a box's; nobody changes or frees the value before the drop below.
        unsafe { &*self.0 }
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // SAFETY: it came from `Box::into_raw` and is given back once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}
