//! Logs as they lie on disk: gzip (RFC 1952), zstd (RFC 8878), or neither.
//!
//! Which it is shows in the first bytes, never in the name. Files that were written one behind another into one are read as
//! one, which is what log rotation by `cat` makes of them.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The bytes by which a container is known: no log that is read begins so.
const HEAD: usize = 4;

/// How a stream is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// Not at all.
    Plain,
    /// One or more gzip members.
    Gzip,
    /// One or more zstd frames.
    Zstd,
}

impl Packing {
    /// The packing that begins with these bytes, of which four are looked at.
    pub fn of(head: &[u8]) -> Packing {
        match head {
            [0x1F, 0x8B, 0x08, ..] => Packing::Gzip,
            // A frame, or one to be skipped.
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Packing::Zstd,
            _ => Packing::Plain,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Packing::Plain => "plain",
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}

/// Packed bytes that cannot be unpacked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the {packing} data is damaged or cut short, {unpacked} bytes into what it holds ({why}): restore the file, or unpack what is left of it by hand", packing = packing.name())]
pub struct UnpackError {
    packing: Packing,
    unpacked: u64,
    why: String,
}

/// Reads what is packed in a stream, or the stream itself.
///
/// ```
/// use portledger::natlog::unpack::Unpack;
/// use std::io::Read;
/// let mut text = String::new();
/// Unpack::new("not packed".as_bytes()).read_to_string(&mut text)?;
/// assert_eq!(text, "not packed");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of the stream, and [`UnpackError`] (as [`io::ErrorKind::InvalidData`]) for packed bytes that are damaged or cut
/// short, and for zstd windows over [`Unpack::MAX_WINDOW`]. What was read before stands.
///
/// # Complexity
///
/// Linear; memory is bounded by the window: 32 KiB of gzip, at most [`Unpack::MAX_WINDOW`] of zstd.
#[derive(Debug)]
pub struct Unpack<R: Read> {
    state: State<R>,
    unpacked: u64,
}

type Source<R> = BufReader<io::Chain<Cursor<Vec<u8>>, R>>;

enum State<R: Read> {
    /// Nothing was read yet; these bytes of the head are there.
    Start(Option<R>, Vec<u8>),
    Plain(io::Chain<Cursor<Vec<u8>>, R>),
    Gzip(Box<MultiGzDecoder<Source<R>>>),
    Zstd(Box<Zstd<Source<R>>>),
    Failed(UnpackError),
}

impl<R: Read> std::fmt::Debug for State<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            State::Start(..) => "Start",
            State::Plain(_) => "Plain",
            State::Gzip(_) => "Gzip",
            State::Zstd(_) => "Zstd",
            State::Failed(_) => "Failed",
        })
    }
}

impl<R: Read> Unpack<R> {
    /// The largest window of a zstd frame, 128 MiB: what `zstd --long` writes at most without being told otherwise.
    pub const MAX_WINDOW: u64 = 1 << 27;

    /// A reader of what is packed in `source`, which needs no buffer of its own; nothing is read yet.
    pub fn new(source: R) -> Unpack<R> {
        Unpack { state: State::Start(Some(source), Vec::with_capacity(HEAD)), unpacked: 0 }
    }

    /// Looks at the first bytes.
    fn start(&mut self) -> io::Result<()> {
        let State::Start(source, head) = &mut self.state else { return Ok(()) };
        while head.len() < HEAD {
            let Some(source) = source.as_mut() else { return Ok(()) };
            let mut byte = [0];
            match source.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => head.extend(byte),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let (Some(source), head) = (source.take(), std::mem::take(head)) else { return Ok(()) };
        let packing = Packing::of(&head);
        let source = Cursor::new(head).chain(source);
        self.state = match packing {
            Packing::Plain => State::Plain(source),
            Packing::Gzip => State::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(source)))),
            Packing::Zstd => State::Zstd(Box::new(Zstd::new(BufReader::new(source)))),
        };
        Ok(())
    }
}

impl<R: Read> Read for Unpack<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.start()?;
        let (packing, read) = match &mut self.state {
            State::Plain(source) => return source.read(buf),
            State::Gzip(decoder) => (Packing::Gzip, decoder.read(buf)),
            State::Zstd(decoder) => (Packing::Zstd, decoder.read(buf)),
            State::Start(..) => return Ok(0),
            State::Failed(error) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, error.clone()));
            }
        };
        match read {
            Ok(n) => {
                self.unpacked += n as u64;
                Ok(n)
            }
            Err(e) if is_damage(e.kind()) => {
                let error = UnpackError { packing, unpacked: self.unpacked, why: e.to_string() };
                self.state = State::Failed(error.clone());
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
            Err(e) => Err(e),
        }
    }
}

/// What the decoders say of the bytes; other kinds are the stream's own.
fn is_damage(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | Other | UnexpectedEof)
}

/// Frames one behind another, each held to its checksum.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: io::BufRead> Zstd<R> {
    fn new(source: R) -> Zstd<R> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(Unpack::<&[u8]>::MAX_WINDOW);
        Zstd { source, decoder, is_in_frame: false }
    }

    /// Begins the next frame that holds something; false at the end of the stream.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = (&mut self.source).take(length.into());
                    if io::copy(&mut skipped, &mut io::sink())? < length.into() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(e) => return Err(io::Error::other(e)),
            }
        }
        Ok(false)
    }

    fn check(&self) -> io::Result<()> {
        let written = self.decoder.get_checksum_from_data();
        if written.is_some() && written != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is another"));
        }
        Ok(())
    }
}

impl<R: io::BufRead> Read for Zstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.is_in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one_block = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, one_block)
                    .map_err(io::Error::other)?;
            }
            match self.decoder.read(buf)? {
                0 => {
                    self.check()?;
                    self.is_in_frame = false;
                }
                n => return Ok(n),
            }
        }
    }
}

#[cfg(test)]
mod tests;
