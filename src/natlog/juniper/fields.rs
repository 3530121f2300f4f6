//! The `key="value"` pairs of structured messages.

use crate::natlog::RejectReason;
use crate::natlog::texts::Refusal;

/// The pairs in `[id key="value" ...]`, where the bracket is closed.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pairs: &'a [u8],
    /// What is to blame for a field that is missing.
    end: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields that come next, where they do: a bracket with an `="` in it.
    pub(super) fn new(text: &'a [u8]) -> Option<Result<Fields<'a>, Refusal<'a>>> {
        let start = text.iter().position(|b| !matches!(b, b' ' | b'\t' | b':'))?;
        let inner = text.get(start..)?.strip_prefix(b"[")?;
        let (mut is_quoted, mut is_escaped, mut has_pair) = (false, false, false);
        for (at, &byte) in inner.iter().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => {
                    is_quoted = !is_quoted;
                    has_pair = true;
                }
                b']' if !is_quoted && !has_pair => return None,
                b']' if !is_quoted => {
                    let (pairs, end) = inner.split_at_checked(at)?;
                    return Some(Ok(Fields { pairs, end }));
                }
                _ => {}
            }
        }
        let end = text.get(text.len()..).unwrap_or_default();
        Some(Err((RejectReason::CutShort, end)))
    }

    /// The value of a key; quotes inside a value keep their backslash.
    pub(super) fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        let mut rest = self.pairs;
        loop {
            let equals = rest.windows(2).position(|window| window == b"=\"")?;
            let (before, value) = rest.split_at_checked(equals)?;
            let value = value.get(2..)?;
            let mut is_escaped = false;
            let len = value.iter().position(|&byte| {
                let is_end = byte == b'"' && !is_escaped;
                is_escaped = byte == b'\\' && !is_escaped;
                is_end
            })?;
            let name_at = before.iter().rposition(|b| *b == b' ').map_or(0, |at| at + 1);
            if before.get(name_at..) == Some(key) {
                return value.get(..len);
            }
            rest = value.get(len + 1..)?;
        }
    }

    pub(super) fn require(&self, key: &[u8]) -> Result<&'a [u8], Refusal<'a>> {
        self.get(key).ok_or((RejectReason::MissingField, self.end))
    }
}
