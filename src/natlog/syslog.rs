//! What stands before the message of a syslog record: RFC 3164 and RFC 5424 heads, with and without PRI, and what
//! relays put before them.
//!
//! A head is taken off layer by layer; what is no head is the body. The innermost stamp is the device's own as far as
//! the frame tells; formats whose body carries a clock prefer that, and keep this one as `header_time`.

use super::RejectReason;
use super::clock::Clock;
use crate::time::WrittenTime;

/// The head of a record, and what is left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head<'a> {
    /// The innermost stamp of the frame; why it cannot be read, where there is one that cannot (no zone or year
    /// named): formats with a clock in the body need not care.
    pub(super) time: Option<Result<WrittenTime, RejectReason>>,
    /// The host (device) name or address.
    pub(super) host: Option<&'a [u8]>,
    /// APP-NAME of RFC 5424, or the tag of RFC 3164 without `[pid]` and colon.
    pub(super) app: Option<&'a [u8]>,
    /// MSGID of RFC 5424.
    pub(super) message_id: Option<&'a [u8]>,
    /// Structured data of RFC 5424 with its brackets, all elements.
    pub(super) structured: Option<&'a [u8]>,
    /// The message.
    pub(super) body: &'a [u8],
    /// Where the message begins in the line, from 0.
    pub(super) body_at: usize,
}

/// Takes the head off a line.
pub(super) fn head<'a>(line: &'a [u8], _clock: &mut Clock) -> Head<'a> {
    Head { body: line, ..Head::default() }
}
