//! Where the bytes of an index live.

use std::io;
use std::ops::Deref;

use memmap2::{Mmap, MmapMut};

/// Bytes that begin at a page, so that every 64-byte line is one cache line.
#[derive(Debug)]
pub(super) struct Bytes(Mmap);

impl Bytes {
    /// Memory of `length` bytes, filled by `fill`; in huge pages where the system gives them.
    ///
    /// # Panics
    ///
    /// When there is no memory, like every allocation.
    pub(super) fn filled(length: usize, fill: impl FnOnce(&mut [u8])) -> Bytes {
        Bytes::try_filled(length, fill)
            .unwrap_or_else(|e| panic!("there is no memory for an index of {length} bytes: {e}"))
    }

    fn try_filled(length: usize, fill: impl FnOnce(&mut [u8])) -> io::Result<Bytes> {
        let mut memory = MmapMut::map_anon(length.max(1))?;
        #[cfg(target_os = "linux")]
        if length >= 1 << 21 {
            // Advice: where it is refused, lookups are slower and nothing else changes.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        if let Some(memory) = memory.get_mut(..length) {
            fill(memory);
        }
        memory.make_read_only().map(Bytes)
    }

    /// A file that is mapped.
    pub(super) const fn mapped(map: Mmap) -> Bytes {
        Bytes(map)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}
