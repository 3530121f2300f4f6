//! portledger

#![deny(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
#![warn(clippy::indexing_slicing)]

#[cfg(feature = "serde")]
mod serde_text;

pub mod allocation;
pub mod inside;
pub mod natlog;
pub mod port;
pub mod protocol;
pub mod subscriber;
pub mod synth;
pub mod time;

pub use allocation::Allocation;
pub use inside::InsideHost;
pub use port::PortRange;
pub use protocol::Protocol;
pub use subscriber::SubscriberId;
pub use time::{TimeRange, Timestamp};
