//! NAT events in flow records: each dialect, templates, loss, and bytes of any kind.

mod asa;
mod cgv6;
mod cisco;
mod encoding;
mod fortios;
mod junos;
mod loss;
mod makers;
#[path = "../common/messages.rs"]
mod messages;
mod nokia;
mod numbering;
mod rfc8158;
mod room;
mod templates;
