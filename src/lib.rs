#![cfg_attr(feature = "readers", doc = include_str!("../README.md"))]
#![cfg_attr(
    feature = "readers",
    expect(
        clippy::doc_markdown,
        reason = "the README's table holds what the formats say of themselves"
    )
)]
#![cfg_attr(
    not(feature = "readers"),
    doc = "Who was behind a shared IPv4 address; built without its readers."
)]
#![deny(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
#![warn(clippy::indexing_slicing)]

#[cfg(feature = "serde")]
mod serde_text;

pub mod allocation;
pub mod identity;
pub mod index;
#[cfg(feature = "readers")]
pub mod inquiry;
pub mod inside;
pub mod mapping;
pub mod natlog;
pub mod port;
pub mod protocol;
#[cfg(feature = "readers")]
pub mod resolver;
pub mod session;
#[cfg(feature = "readers")]
pub mod store;
pub mod subscriber;
#[cfg(feature = "readers")]
pub mod synth;
pub mod time;

pub use allocation::Allocation;
pub use inside::InsideHost;
pub use port::PortRange;
pub use protocol::Protocol;
pub use subscriber::SubscriberId;
pub use time::{TimeRange, Timestamp};
