//! Records that could not be used, as values.

use std::fmt;

use crate::allocation::Span;

/// Why a record was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// It begins without a header line, or ends without an empty one: part of it may be missing.
    CutShort,
    /// It has no attributes.
    Empty,
    /// A line of it is longer than [`ReadLimits::line_bytes`](super::ReadLimits::line_bytes).
    LineTooLong,
    /// It is longer than [`ReadLimits::record_bytes`](super::ReadLimits::record_bytes), or names too many addresses.
    TooLarge,
    /// A line of it cannot be taken apart.
    BadLine,
    /// A value that is used cannot be read.
    BadValue,
    /// An attribute that must be one has two different values.
    TwoValues,
    /// Acct-Status-Type is missing or none of Start, Interim-Update, Stop, Accounting-On and Accounting-Off.
    UnknownStatus,
    /// It names no session.
    NoSession,
    /// It has no time.
    NoTime,
    /// Its time has no zone that can be known.
    NoZone,
    /// It names no subscriber.
    NoSubscriber,
    /// It names no address.
    NoAddress,
    /// Its end lies before its start.
    EmptyTime,
}

impl RejectReason {
    /// A short name, as in `cut-short`.
    pub const fn name(self) -> &'static str {
        match self {
            RejectReason::CutShort => "cut-short",
            RejectReason::Empty => "empty",
            RejectReason::LineTooLong => "line-too-long",
            RejectReason::TooLarge => "too-large",
            RejectReason::BadLine => "bad-line",
            RejectReason::BadValue => "bad-value",
            RejectReason::TwoValues => "two-values",
            RejectReason::UnknownStatus => "unknown-status",
            RejectReason::NoSession => "no-session",
            RejectReason::NoTime => "no-time",
            RejectReason::NoZone => "no-zone",
            RejectReason::NoSubscriber => "no-subscriber",
            RejectReason::NoAddress => "no-address",
            RejectReason::EmptyTime => "empty-time",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record that was rejected, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, byte {}: {reason}: {detail}", span.offset)]
pub struct Reject {
    /// All of its bytes, the last line ending left out.
    pub span: Span,
    /// The number of its first line, from 1.
    pub line: u64,
    /// Why.
    pub reason: RejectReason,
    /// What was found and what to do, in one sentence.
    pub detail: Box<str>,
}

/// Why, and in which words; the place is added by the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: RejectReason,
    pub(super) detail: Box<str>,
}

impl Refusal {
    pub(super) fn new(reason: RejectReason, detail: impl Into<String>) -> Refusal {
        Refusal { reason, detail: detail.into().into_boxed_str() }
    }

    pub(super) fn at(self, span: Span, line: u64) -> Reject {
        Reject { span, line, reason: self.reason, detail: self.detail }
    }
}

/// The first characters of a text that may be long or not be text, for a message.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const MOST: usize = 60;
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(4 * MOST)).unwrap_or(bytes));
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() || bytes.len() > 4 * MOST {
        shown.push_str("...");
    }
    shown
}
