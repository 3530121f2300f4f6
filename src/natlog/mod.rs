//! Floor 1: the bytes of NAT logs -> [`Event`]s. One file a format; nothing is paired here.

mod event;

pub use event::{Event, EventKind, TcpState};
