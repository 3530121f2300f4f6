//! The DHCPv6 options that give a customer edge its rules (RFC 7598, options 89 to 96), in and out.
//!
//! ```text
//!  94 CONT_MAPE    89 RULE ...        90 BR ...
//!  95 CONT_MAPT    89 RULE ...        91 DMR
//!  96 CONT_LW      92 V4V6BIND        90 BR ...
//!                     |
//!                  93 PORTPARAMS, in a RULE or a V4V6BIND
//! ```
//!
//! The PSID stands *left-aligned* in its two bytes here (section 4.5): 0x34 of 8 bits is written 0x3400. Everywhere else
//! in this crate it is right-aligned.

mod error;
mod parse;
mod write;

pub use error::{S46Error, Within};
pub use parse::parse_s46;
pub use write::write_s46;

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use crate::mapping::{
    BasicMappingRule, DefaultMappingRule, NamedRule, PsidParams, RuleError, RuleSet, Transport,
};

const RULE: u16 = 89;
const BR: u16 = 90;
const DMR: u16 = 91;
const V4V6BIND: u16 = 92;
const PORTPARAMS: u16 = 93;
const CONT_MAPE: u16 = 94;
const CONT_MAPT: u16 = 95;
const CONT_LW: u16 = 96;

/// One container of softwire options: what one customer edge is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum S46Container {
    /// Option 94.
    MapE {
        /// The rules, at least one.
        rules: Vec<S46Rule>,
        /// The border relays, at least one.
        brs: Vec<Ipv6Addr>,
    },
    /// Option 95.
    MapT {
        /// The rules, at least one.
        rules: Vec<S46Rule>,
        /// Where the outside world is embedded.
        dmr: DefaultMappingRule,
    },
    /// Option 96, lightweight 4over6.
    Lw {
        /// The border relays, at least one.
        brs: Vec<Ipv6Addr>,
        /// The address and ports of the customer edge, where they are given.
        binding: Option<S46Binding>,
    },
}

impl S46Container {
    /// The rules of a MAP container as a set, `rule-1` and so on, in their order; `None` for lightweight 4over6, whose
    /// bindings are no rules.
    ///
    /// The set answers for the rules that this customer edge was given. Only the forwarding mapping rules speak for
    /// others too ([`S46Rule::is_forwarding`]).
    pub fn rule_set(&self, name: &str) -> Option<RuleSet> {
        let (rules, transport) = match self {
            S46Container::MapE { rules, brs } => {
                let br = brs.first().map(|&br| Transport::Encapsulation { br });
                (rules, br.unwrap_or(Transport::Unstated))
            }
            S46Container::MapT { rules, dmr } => (rules, Transport::Translation { dmr: *dmr }),
            S46Container::Lw { .. } => return None,
        };
        let named = rules.iter().zip(1..).map(|(rule, number): (_, u32)| {
            NamedRule::new(format!("rule-{number}"), rule.rule)
                .with_transport(transport)
                .with_forwarding(rule.is_forwarding)
        });
        Some(RuleSet::new(name, named.collect()))
    }
}

/// Option 89: a mapping rule, with its option 93 where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct S46Rule {
    /// The rule.
    pub rule: BasicMappingRule,
    /// The F flag: a forwarding mapping rule, for traffic among customers. Without it the rule is only the customer
    /// edge's own.
    pub is_forwarding: bool,
}

/// Option 92: the address of a customer edge of lightweight 4over6, its ports, and which of its prefixes to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct S46Binding {
    v4: Ipv4Addr,
    prefix: Ipv6Net,
    params: PsidParams,
    psid: u16,
}

impl S46Binding {
    /// A binding of an address and the ports of a PSID; `PsidParams` with a length of 0 and PSID 0 for a whole address.
    /// Host bits of the prefix are cleared.
    ///
    /// # Errors
    ///
    /// [`RuleError::PsidOutOfRange`] when the PSID has more bits than its length.
    pub fn new(
        v4: Ipv4Addr,
        prefix: Ipv6Net,
        params: PsidParams,
        psid: u16,
    ) -> Result<S46Binding, RuleError> {
        if psid > params.max_psid() {
            return Err(RuleError::PsidOutOfRange { psid, len: params.len() });
        }
        Ok(S46Binding { v4, prefix: prefix.trunc(), params, psid })
    }

    /// The public IPv4 address.
    pub const fn v4(&self) -> Ipv4Addr {
        self.v4
    }

    /// The prefix that the customer edge takes its tunnel address from, host bits zero.
    pub const fn prefix(&self) -> Ipv6Net {
        self.prefix
    }

    /// How the ports of the address are shared out; the offset is 0 where the option does not say it (RFC 7596 section
    /// 5.1).
    pub const fn psid_params(&self) -> PsidParams {
        self.params
    }

    /// The PSID, right-aligned; 0 for a whole address.
    pub const fn psid(&self) -> u16 {
        self.psid
    }
}

#[cfg(test)]
mod tests;
