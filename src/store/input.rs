//! Files and streams, counted, hashed and unpacked on the way.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::error::{LedgerError, io_error};
use super::files::hex;
use crate::allocation::Span;

/// Where bytes come from.
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// Anything else, under a name.
    Stream(String, Box<dyn Read>),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({:?})", self.name())
    }
}

impl Input {
    /// The name that reports and the ledger carry.
    pub fn name(&self) -> String {
        match self {
            Input::Path(path) => path.display().to_string(),
            Input::Stream(name, _) => name.clone(),
        }
    }

    pub(super) fn open(self) -> Result<Box<dyn Read>, LedgerError> {
        match self {
            Input::Path(path) => Ok(Box::new(File::open(&path).map_err(|e| io_error(&path, e))?)),
            Input::Stream(_, stream) => Ok(stream),
        }
    }

    /// The checksum of a file's bytes; a stream can only be read once.
    pub(super) fn digest(&self) -> Result<Option<String>, LedgerError> {
        let Input::Path(path) = self else { return Ok(None) };
        let mut file = File::open(path).map_err(|e| io_error(path, e))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = file.read(&mut buffer).map_err(|e| io_error(path, e))?;
            if n == 0 {
                return Ok(Some(hex(&hasher.finalize())));
            }
            hasher.update(buffer.get(..n).unwrap_or_default());
        }
    }
}

/// Hashes and counts the bytes as they lie there.
pub(super) struct Counting {
    inner: Box<dyn Read>,
    hasher: Sha256,
    /// How many were read so far.
    pub(super) bytes: Rc<Cell<u64>>,
}

impl Counting {
    pub(super) fn new(inner: Box<dyn Read>) -> Counting {
        Counting { inner, hasher: Sha256::new(), bytes: Rc::default() }
    }

    /// The checksum of all bytes, in hex.
    pub(super) fn finish(self) -> String {
        hex(&self.hasher.finalize())
    }
}

impl Read for Counting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or_default());
        self.bytes.set(self.bytes.get() + u64::try_from(n).unwrap_or(u64::MAX));
        Ok(n)
    }
}

/// The last part of a stream, long enough to hold whatever record a reader looks at.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The bytes from `offset` on.
    bytes: Vec<u8>,
    offset: u64,
}

impl Tail {
    const LEN: usize = 1 << 20;

    fn extend(&mut self, more: &[u8]) {
        if self.bytes.len() + more.len() > 2 * Self::LEN {
            let gone = self.bytes.len().saturating_sub(Self::LEN);
            self.bytes.drain(..gone);
            self.offset += gone as u64;
        }
        self.bytes.extend_from_slice(more);
    }

    /// The bytes of a span, as far as they are still here.
    pub(super) fn get(&self, span: Span) -> Option<&[u8]> {
        let from = usize::try_from(span.offset.checked_sub(self.offset)?).ok()?;
        let rest = self.bytes.get(from..)?;
        rest.get(..usize::try_from(span.length).ok()?.min(rest.len()))
    }
}

/// Keeps the last bytes of what it hands on, where somebody wants to see them.
pub(super) struct Remembering<R> {
    pub(super) inner: R,
    pub(super) tail: Option<Rc<RefCell<Tail>>>,
}

impl<R: Read> Read for Remembering<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        if let Some(tail) = &self.tail {
            tail.borrow_mut().extend(buf.get(..n).unwrap_or_default());
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_holds_the_last_bytes_by_their_place() {
        let stream: Vec<u8> = (0..5 * Tail::LEN).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let tail = Rc::new(RefCell::new(Tail::default()));
        let mut source = Remembering { inner: &stream[..], tail: Some(Rc::clone(&tail)) };
        io::copy(&mut source, &mut io::sink()).unwrap();
        let end = stream.len() - 100;
        let span = |offset, length| Span { offset: offset as u64, length };
        assert_eq!(tail.borrow().get(span(end, 60)), Some(&stream[end..end + 60]));
        assert_eq!(tail.borrow().get(span(end, 200)), Some(&stream[end..]));
        let far = stream.len() - Tail::LEN;
        assert_eq!(tail.borrow().get(span(far, 10)), Some(&stream[far..far + 10]));
        assert_eq!(tail.borrow().get(span(0, 10)), None);
    }
}
