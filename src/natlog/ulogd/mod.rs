//! Flows that ulogd2 logs with its NFCT input: as JSON, as `key=value` pairs, and as the text of `PRINTFLOW`.
//!
//! | fact | JSON, GPRINT, OPRINT | PRINTFLOW, LOGEMU |
//! |---|---|---|
//! | event | `ct.event`: 1 new, 2 update, 4 destroy | `[NEW]`, `[UPDATE]`, `[DESTROY]` |
//! | inside host and port | `src_ip` or `orig.ip.saddr[.str]`, `orig.l4.sport` | `ORIG: SRC=`, `SPT=` |
//! | public address and port | `reply.ip.daddr[.str]`, `reply.l4.dport` | `REPLY: DST=`, `DPT=` |
//! | destination | `reply.ip.saddr[.str]`, `reply.l4.sport` | `REPLY: SRC=`, `SPT=` |
//! | start and end of the flow | `flow.start.*`, `flow.end.*`: Unix time, 1 us | nowhere |
//! | time of the record | `timestamp`: when ulogd wrote it, local time, 1 s | the head of syslog |
//!
//! # What the times are
//!
//! - On a new flow `flow.start` is when ulogd *read* the event, and the time of ours.
//! - On a destroy `flow.end` is the kernel's stop, and the time of ours is `timestamp`: garbage collection and the
//!   buffers of ulogd lie between. `flow.start` is the kernel's start where the kernel sends it with the destroy
//!   (`nf_conntrack_timestamp`), and in hash mode (`hash_enable`, the default: one record a finished flow) again the
//!   time at which ulogd read the new flow, up to some milliseconds late.
//! - A flow that was there before ulogd started has no `flow.start`, and one that was over before ulogd read that it had
//!   begun has a `flow.start` behind its end, which is left out.
//!
//! `timestamp` has no zone. Where none is named, the quarter of an hour behind the start or end of the flow holds one
//! instant only with its digits; a record without either is refused.
//!
//! # ICMP
//!
//! No output of ulogd holds the identifier of an echo flow, so such a flow is no event.
//!
//! # Packets
//!
//! What the NFLOG input logs are packets, before the translation or behind it and never both: in order, and no fact
//! about who held a port.

pub mod json;
mod keys;
mod oprint;
pub mod text;
