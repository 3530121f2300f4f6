//! Floor 1: stateless sharing, where the answer is arithmetic on the rules that were in force.
//!
//! MAP (RFC 7597, RFC 7599) gives each subscriber an IPv6 prefix, and that prefix *is* the share of the IPv4 address: nobody
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
//! # The cases
//!
//! | condition | what a subscriber has | PSID | who has the port |
//! |---|---|---|---|
//! | `o + r > 32` | ports of an address | in the EA bits | the PSID of the port; with `a > 0` nobody has `A = 0` |
//! | `o + r = 32` | an address | none | the holder, whatever the port; `a` has no effect |
//! | `o + r < 32` | an IPv4 prefix | none | the holder, whatever the port |
//! | `o = 0`, `r = 32`, `k > 0` | ports of an address | in the rule | the PSID of the port, if the rule is for that one |
//!
//! `o = 0` is one rule for each subscriber, `r = 0` puts the whole address into the EA bits; they are no other cases.
//! Where a whole address is held, protocols without ports can be attributed too.
//!
//! MAP-T (RFC 7599) has the same rules; its [`DefaultMappingRule`] says how outside addresses look inside.
//!
//! # Where rules come from
//!
//! `read_softwire_br` reads the JSON of a border relay (RFC 8676), [`parse_s46`] the DHCPv6 options that customers get
//! (RFC 7598), and [`Preset`] holds the published tables of some services. [`RuleSet::validate`] looks for rules that
//! cannot stand beside each other. `read_rules` reads a file of any mechanism, by its content, as a [`Stateless`].
//!
//! # Sets and their history
//!
//! Rules live in named [`RuleSet`]s, in which the longest IPv4 prefix decides; a [`RuleHistory`] says which sets were in
//! force when, [`Succession`] how one set ends where the next begins, and [`RulesDiff`] whose ports that moves.
//! [`Stateless::validate`] holds rules of every mechanism against one another. MAP port sets hold for every protocol alike, so no protocol is asked here; an ICMP query goes by its
//! identifier in place of the port.

mod addresses;
mod ce_address;
pub mod detnat;
mod dhcpv6;
mod diff;
mod dmr;
mod error;
mod findings;
mod findings_detnat;
mod history;
mod holders;
pub mod lw4o6;
mod named_rule;
mod presets;
mod psid;
#[cfg(feature = "readers")]
mod read_rules;
mod reverse;
mod rule;
mod ruleset;
#[cfg(feature = "readers")]
mod softwire_json;
mod stateless;
mod succession;
mod validate;

pub use addresses::AddressRanges;
pub use ce_address::CeLayout;
pub use dhcpv6::{S46Binding, S46Container, S46Error, S46Rule, Within, parse_s46, write_s46};
pub use diff::{ChangeKind, DiffTotals, PortChange, RulesDiff};
pub use dmr::DefaultMappingRule;
pub use error::RuleError;
pub use findings::{RulesFinding, Severity};
pub use history::{RuleHistory, RuleSetId, RulesInForce};
pub use holders::PortHolder;
pub use named_rule::{NamedRule, Transport};
pub use presets::{Preset, UnknownPreset};
pub use psid::PsidParams;
#[cfg(feature = "readers")]
pub use read_rules::{ReadRulesError, read_rules, read_rules_with};
pub use reverse::{Reverse, RuleCase, Share};
pub use rule::BasicMappingRule;
pub use ruleset::{RuleAnswer, RuleSet, SetAnswer};
#[cfg(feature = "readers")]
pub use softwire_json::{
    Place, SoftwireJsonError, SoftwireLimits, SoftwireWriteError, read_softwire_br,
    read_softwire_br_with, write_softwire_br,
};
pub use stateless::{Holding, Stateless, StatelessAnswer};
pub use succession::Succession;
pub use validate::{Finding, Impossible};
