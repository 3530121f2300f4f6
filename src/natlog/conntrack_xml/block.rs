//! A flow that is laid out over several lines, as `xmllint --format` does it.
//!
//! It begins with a line that holds nothing behind `<flow type="...">`, and ends with `</flow>`. Its lines count as
//! passed over but for the last, which yields the event. A flow that is cut off inside a line begins no block: it is
//! damage there and then.

use super::own_message;
use crate::natlog::RejectReason;

/// Longer flows are damage: one takes less than two kilobytes.
const LONGEST: usize = 16 * 1024;

/// The lines of a flow so far.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    is_open: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// No flow is open.
    No,
    /// The flow goes on.
    Kept,
    /// It ends with this line.
    Closed,
    /// It has no end: the line is of something else, or the flow too long.
    Broken(RejectReason),
}

impl Block {
    /// The lines so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins a flow where `rest` is its opening tag alone.
    pub(super) fn begin(&mut self, rest: &[u8]) -> bool {
        let tag = rest.trim_ascii_end();
        let end = tag.iter().position(|b| *b == b'>');
        let is_alone = end.is_some_and(|at| at + 1 == tag.len()) && !tag.ends_with(b"/>");
        if !tag.starts_with(b"<flow ") || !is_alone {
            return false;
        }
        self.is_open = true;
        self.bytes.clear();
        self.bytes.extend_from_slice(tag);
        true
    }

    /// Takes a line into the flow that is open.
    pub(super) fn take(&mut self, line: &[u8]) -> Taken {
        if !self.is_open {
            return Taken::No;
        }
        let text = line.trim_ascii_start();
        if text.starts_with(b"<flow")
            || text.starts_with(b"</conntrack")
            || own_message(text).is_some()
        {
            self.is_open = false;
            return Taken::Broken(RejectReason::CutShort);
        }
        if self.bytes.len() + line.len() > LONGEST {
            self.is_open = false;
            return Taken::Broken(RejectReason::LineTooLong);
        }
        // No value goes on in the next line.
        self.bytes.push(b'\n');
        self.bytes.extend_from_slice(line);
        if line.windows(7).any(|w| w == b"</flow>") {
            self.is_open = false;
            Taken::Closed
        } else {
            Taken::Kept
        }
    }

    /// Takes back the room of a block that was read, unless another one has begun.
    pub(super) fn reuse(&mut self, block: Block) {
        if !self.is_open {
            self.bytes = block.bytes;
        }
    }
}
