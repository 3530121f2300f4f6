//! A stream cut into lines, with bounded memory.

use std::io;

/// How much is asked of the source at once.
const CHUNK: usize = 64 * 1024;

/// The bytes of a stream from the current position on.
#[derive(Debug)]
pub(super) struct LineBuffer<R> {
    source: R,
    buf: Vec<u8>,
    /// `buf[pos..filled]` is read and not consumed.
    pos: usize,
    filled: usize,
    /// The stream offset of `pos`.
    offset: u64,
    max_line_len: usize,
    is_at_end: bool,
    /// Bytes of an overlong line that are dropped already; kept across an error of the source.
    dropped: Option<u64>,
    /// Where the line that was dropped last began.
    dropped_from: u64,
}

/// Where a line ends, counted from the current position, its LF left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// At an LF.
    Newline(usize),
    /// At the end of the stream.
    End(usize),
    /// Not within the limit.
    TooLong,
}

impl<R: io::Read> LineBuffer<R> {
    pub(super) fn new(source: R, max_line_len: usize) -> Self {
        LineBuffer {
            source,
            buf: Vec::new(),
            pos: 0,
            filled: 0,
            offset: 0,
            max_line_len,
            is_at_end: false,
            dropped: None,
            dropped_from: 0,
        }
    }

    /// The stream offset of the current position.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes `from..to` after the current position, as far as they are read.
    pub(super) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.pending().get(from..to).unwrap_or_default()
    }

    fn pending(&self) -> &[u8] {
        self.buf.get(self.pos..self.filled).unwrap_or_default()
    }

    /// Where the line ends in which the byte `from` after the current position stands.
    pub(super) fn find(&mut self, from: usize) -> io::Result<Found> {
        let mut scanned = from;
        loop {
            let pending = self.pending();
            let hit = pending.get(scanned..).and_then(newline);
            let len = hit.map_or(pending.len(), |at| scanned + at);
            if len > self.max_line_len {
                return Ok(Found::TooLong);
            }
            if hit.is_some() {
                return Ok(Found::Newline(len));
            }
            if self.is_at_end {
                return Ok(Found::End(len));
            }
            scanned = len;
            self.fill()?;
        }
    }

    /// Moves past `len` bytes and an LF after them, if there is one.
    pub(super) fn consume_line(&mut self, len: usize) {
        let has_newline = self.pending().get(len) == Some(&b'\n');
        self.consume(len + usize::from(has_newline));
    }

    /// Reads until so many bytes after the current position are there; how many are, fewer only at the end.
    #[cfg(feature = "netflow")]
    pub(super) fn ensure(&mut self, len: usize) -> io::Result<usize> {
        while self.pending().len() < len && !self.is_at_end {
            self.fill()?;
        }
        Ok(self.pending().len())
    }

    /// Moves on by `len` bytes, as far as they are read.
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.filled - self.pos);
        self.pos += len;
        self.offset += len as u64;
    }

    /// Whether an overlong line is being dropped.
    pub(super) fn is_dropping(&self) -> bool {
        self.dropped.is_some()
    }

    /// Drops the line at the current position, of any length, and returns that length without its LF.
    ///
    /// After an error of the source the next call goes on where this one stopped.
    pub(super) fn drop_line(&mut self) -> io::Result<u64> {
        if self.dropped.is_none() {
            self.dropped_from = self.offset;
        }
        loop {
            let hit = newline(self.pending());
            let len = hit.unwrap_or(self.pending().len());
            let dropped = self.dropped.unwrap_or(0) + len as u64;
            self.consume(len + usize::from(hit.is_some()));
            if hit.is_some() || self.is_at_end {
                self.dropped = None;
                return Ok(dropped);
            }
            self.dropped = Some(dropped);
            self.fill()?;
        }
    }

    /// Where the line began that [`LineBuffer::drop_line`] dropped last.
    pub(super) fn dropped_from(&self) -> u64 {
        self.dropped_from
    }

    /// Reads more; sets `is_at_end` when there is no more.
    fn fill(&mut self) -> io::Result<()> {
        self.buf.copy_within(self.pos..self.filled, 0);
        self.filled -= self.pos;
        self.pos = 0;
        if self.buf.len() < self.filled + CHUNK {
            self.buf.resize(self.filled + CHUNK, 0);
        }
        loop {
            let free = self.buf.get_mut(self.filled..).unwrap_or_default();
            match self.source.read(free) {
                Ok(0) => self.is_at_end = true,
                Ok(n) => self.filled = (self.filled + n).min(self.buf.len()),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(err) => return Err(err),
            }
            return Ok(());
        }
    }
}

/// The place of the first LF: eight bytes at a time, since this loop touches every byte of every log.
fn newline(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const NEWLINES: u64 = 0x0a0a_0a0a_0a0a_0a0a;
    let (words, tail) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        // Zero bytes become 0x80; borrows reach only bytes after the first hit.
        let word = u64::from_le_bytes(*word) ^ NEWLINES;
        let hits = word.wrapping_sub(LOW) & !word & HIGH;
        if hits != 0 {
            return Some(i * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|&b| b == b'\n').map(|at| words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_newline_is_found_at_every_place() {
        for len in 0..40 {
            assert_eq!(newline(&vec![b'x'; len]), None);
            for at in 0..len {
                let mut bytes = vec![0x8a_u8; len];
                bytes[at..].fill(b'\n');
                assert_eq!(newline(&bytes), Some(at));
                bytes[at + 1..].fill(0x0b);
                assert_eq!(newline(&bytes), Some(at));
            }
        }
    }

    #[test]
    fn an_overlong_line_is_dropped_without_being_kept() {
        let long = vec![b'x'; 5 * CHUNK];
        let text = [b"ab\n".as_slice(), &long, b"\ncd"].concat();
        let mut lines = LineBuffer::new(&text[..], 10);
        assert_eq!(lines.find(0).unwrap(), Found::Newline(2));
        lines.consume_line(2);
        assert_eq!(lines.find(0).unwrap(), Found::TooLong);
        assert_eq!(lines.drop_line().unwrap(), long.len() as u64);
        assert_eq!(lines.find(0).unwrap(), Found::End(2));
        assert_eq!(lines.bytes(0, 2), b"cd");
        assert_eq!(lines.offset(), text.len() as u64 - 2);
        assert!(lines.buf.len() <= 2 * CHUNK, "{}", lines.buf.len());
    }
}
