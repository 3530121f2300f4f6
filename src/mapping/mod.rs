//! Floor 1: stateless sharing, where the answer is arithmetic on the rules that were in force.
//!
//! MAP-E (RFC 7597) gives each subscriber an IPv6 prefix, and that prefix *is* the share of the IPv4 address: nobody
//! logs anything. A [`BasicMappingRule`] computes both ways: from (address, port) to the End-user IPv6 prefix
//! ([`BasicMappingRule::reverse`]), and from the prefix to the address and its ports ([`BasicMappingRule::forward`]).
//! Who held the prefix is another room's question.
//!
//! # The port word
//!
//! A port is 16 bits in three fields (RFC 7597 section 5.1). `a` is the PSID offset, `k` the PSID length, and
//! `m = 16 - a - k`:
//!
//! ```text
//!       |<---- a ---->|<------ k ------>|<--- m --->|
//!       +-------------+-----------------+-----------+
//!  port |      A      |      PSID       |     j     |
//!       +-------------+-----------------+-----------+
//!        which range    whose it is       which port in the range
//! ```
//!
//! With `a > 0` the ports with `A = 0` belong to nobody: that keeps the well-known ports out. A subscriber so has
//! `2^a - 1` ranges of `2^m` ports; with `a = 0` exactly one range, and PSID 0 owns port 0.
//! [`PsidParams`] is this word.
//!
//! # The EA bits
//!
//! The embedded address (EA) bits follow the Rule IPv6 prefix of length `n` (RFC 7597 section 5.2). Of an IPv4 address
//! under a Rule IPv4 prefix of length `r`, they carry the last `32 - r` bits, then the PSID:
//!
//! ```text
//!       |<------ n ------>|<-- 32 - r -->|<-- k -->|
//!       +-----------------+--------------+---------+- - - - - - - -+
//!  IPv6 |  Rule prefix    |  IPv4 suffix |  PSID   |  subnet, host |
//!       +-----------------+--------------+---------+- - - - - - - -+
//!       |                 |<---- o = EA length --->|
//!       |<------ End-user prefix, n + o ---------->|
//! ```
//!
//! The provider may delegate a longer prefix than `n + o`, or a database may hold a shorter one: join by overlap, never
//! by equality.
//!
//! # What is built
//!
//! | case | condition | here |
//! |---|---|---|
//! | shared address | `o + r > 32`, `o > 0` | yes |
//! | whole address | `o + r = 32` | refused: [`UnsupportedCase::WholeAddress`] |
//! | IPv4 prefix | `o + r < 32` | refused: [`UnsupportedCase::AddressPrefix`] |
//! | rule per subscriber | `o = 0` | refused: [`UnsupportedCase::OneToOne`] |
//! | MAP-T, lightweight 4over6, deterministic NAT | | not yet |
//!
//! # Sets and their history
//!
//! Rules live in named [`RuleSet`]s, in which the longest IPv4 prefix decides; a [`RuleHistory`] says which sets were in
//! force when. MAP port sets hold for every protocol alike, so no protocol is asked here; an ICMP query goes by its
//! identifier in place of the port.

pub mod detnat;
mod error;
mod history;
mod psid;
mod rule;
mod ruleset;
#[cfg(feature = "readers")]
mod softwire_json;

pub use error::{RuleError, UnsupportedCase};
pub use history::{RuleHistory, RuleSetId, RulesInForce};
pub use psid::PsidParams;
pub use rule::{BasicMappingRule, Reverse};
pub use ruleset::{NamedRule, RuleAnswer, RuleSet};
#[cfg(feature = "readers")]
pub use softwire_json::{
    Place, SoftwireJsonError, SoftwireLimits, read_softwire_br, read_softwire_br_with,
};
