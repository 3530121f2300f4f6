//! Records of OPRINT: a line `===>PACKET BOUNDARY`, then one key a line.
//!
//! A flow is complete with `oob.protocol`, its last key; a boundary before that shows that it was cut short. The lines of a
//! record that yield nothing count as passed over.

/// Longer records are damage.
const LONGEST: usize = 16 * 1024;

const BOUNDARY: &[u8] = b"===>PACKET BOUNDARY";

/// The lines of a record so far.
#[derive(Debug, Default)]
pub(super) struct Oprint {
    bytes: Vec<u8>,
    is_within: bool,
    /// The record at hand was read: its other keys say the same again.
    is_read: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is not of OPRINT.
    No,
    /// The record goes on.
    Kept,
    /// A record is complete: [`Oprint::record`].
    Complete,
    /// Another one begins before this one is complete, which no flow is then.
    Ended,
    /// A record has no end.
    TooLong,
}

impl Oprint {
    pub(super) fn take(&mut self, line: &[u8]) -> Taken {
        if line.trim_ascii_end() == BOUNDARY {
            let has_record = self.is_within && !self.bytes.is_empty();
            self.is_within = true;
            self.is_read = false;
            return if has_record { Taken::Ended } else { Taken::Kept };
        }
        if !self.is_within {
            return Taken::No;
        }
        let is_key =
            |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_');
        let equals = line.iter().position(|b| *b == b'=');
        let name = equals.and_then(|at| line.get(..at)).unwrap_or_default();
        let is_pairs = line.contains(&b',') && name != b"oob.prefix";
        if name.is_empty() || !name.iter().all(is_key) || is_pairs {
            // Another program's, or another output's.
            return Taken::No;
        }
        if self.is_read {
            return Taken::Kept;
        }
        if self.bytes.len() + line.len() > LONGEST {
            self.bytes.clear();
            self.is_within = false;
            return Taken::TooLong;
        }
        if !self.bytes.is_empty() {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(line);
        self.is_read = name == b"oob.protocol";
        if self.is_read { Taken::Complete } else { Taken::Kept }
    }

    /// The record that is complete; what follows is another one's.
    pub(super) fn record(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Takes back the room of a record that was read.
    pub(super) fn reuse(&mut self, mut record: Vec<u8>) {
        record.clear();
        self.bytes = record;
    }
}
