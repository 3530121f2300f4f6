//! A rule with what its source says beside the arithmetic.

use std::net::Ipv6Addr;

use crate::mapping::{BasicMappingRule, DefaultMappingRule};

/// How packets cross the IPv6 network: what MAP-E and MAP-T differ in. It has no say in whose port it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// The source does not say.
    Unstated,
    /// MAP-E: in a tunnel to the border relay (RFC 7597).
    Encapsulation {
        /// The address of the border relay.
        br: Ipv6Addr,
    },
    /// MAP-T: translated, the outside world under a prefix (RFC 7599).
    Translation {
        /// That prefix.
        dmr: DefaultMappingRule,
    },
}

/// A rule with the name that its source gives it, such as the name of an `algo-instance` (RFC 8676).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedRule {
    name: String,
    version: Option<String>,
    date: Option<String>,
    transport: Transport,
    forwarding: Option<bool>,
    rule: BasicMappingRule,
}

impl NamedRule {
    /// A rule under a name.
    pub fn new(name: impl Into<String>, rule: BasicMappingRule) -> NamedRule {
        NamedRule {
            name: name.into(),
            version: None,
            date: None,
            transport: Transport::Unstated,
            forwarding: None,
            rule,
        }
    }

    /// The same rule with the version that its source gives it.
    #[must_use]
    pub fn with_version(self, version: impl Into<String>) -> NamedRule {
        NamedRule { version: Some(version.into()), ..self }
    }

    /// The same rule with the date that its source gives its version.
    #[must_use]
    pub fn with_date(self, date: impl Into<String>) -> NamedRule {
        NamedRule { date: Some(date.into()), ..self }
    }

    /// The same rule with its transport.
    #[must_use]
    pub fn with_transport(self, transport: Transport) -> NamedRule {
        NamedRule { transport, ..self }
    }

    /// The same rule, which says whether it is a forwarding mapping rule too.
    #[must_use]
    pub fn with_forwarding(self, forwarding: bool) -> NamedRule {
        NamedRule { forwarding: Some(forwarding), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of this one rule, where its source has one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The date that the source gives the version, as it writes it: since when this version was active (RFC 8676,
    /// `algo-versioning`). A text, not an instant: what decides is the range of time in
    /// [`RuleHistory`](crate::mapping::RuleHistory).
    pub fn date(&self) -> Option<&str> {
        self.date.as_deref()
    }

    /// How packets cross the IPv6 network.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether the rule serves subscribers of the same domain among each other (a forwarding mapping rule), where the
    /// source says it.
    pub const fn forwarding(&self) -> Option<bool> {
        self.forwarding
    }

    /// The rule.
    pub const fn rule(&self) -> &BasicMappingRule {
        &self.rule
    }
}
