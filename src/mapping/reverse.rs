//! What a rule says about an address and a port, and about an End-user prefix.

use ipnet::{Ipv4Net, Ipv6Net};

use crate::port::PortSet;

/// What a rule says about an address and a port.
///
/// ```
/// use portledger::mapping::{BasicMappingRule, Reverse};
/// // A rule for one subscriber, who has the address without sharing it (RFC 7597 Appendix A, example 4).
/// let rule = BasicMappingRule::new(
///     "2001:db8:12:3400::/56".parse().unwrap(),
///     "192.0.2.18/32".parse().unwrap(),
///     0,
///     6,
///     None,
/// )?;
/// let reverse = rule.reverse("192.0.2.18".parse().unwrap(), 80);
/// assert_eq!(reverse, Reverse::Mapped { end_user_prefix: rule.v6(), psid: None });
/// # Ok::<(), portledger::mapping::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reverse {
    /// The holder of this prefix has the port, or the whole address.
    Mapped {
        /// The prefix that the rule determines, of length
        /// [`BasicMappingRule::mapped_len`](crate::mapping::BasicMappingRule::mapped_len). The delegated prefix may be
        /// longer, a database may hold a shorter one: compare by overlap.
        end_user_prefix: Ipv6Net,
        /// The PSID, right-aligned: 0x34 of 8 bits is 52. `None` where the address is not shared: every port, and
        /// every protocol without ports, is the holder's.
        psid: Option<u16>,
    },
    /// The holder of this prefix has a whole IPv4 prefix, with every port and every protocol.
    MappedPrefix {
        /// The prefix that the rule determines; see [`Reverse::Mapped`].
        end_user_prefix: Ipv6Net,
        /// The IPv4 prefix of the holder, which holds the address asked about.
        v4: Ipv4Net,
    },
    /// The address is the rule's, but the port belongs to no subscriber (`A = 0`).
    ExcludedPort,
    /// The address is the rule's, but the rule speaks for one PSID, and the port has another.
    OtherPsid {
        /// The PSID of the port, right-aligned.
        psid: u16,
    },
    /// The address is not under the Rule IPv4 prefix.
    OutsideRule,
}

impl Reverse {
    /// The prefix of the holder; `None` when the rule names none.
    pub const fn end_user_prefix(&self) -> Option<Ipv6Net> {
        match self {
            Reverse::Mapped { end_user_prefix, .. }
            | Reverse::MappedPrefix { end_user_prefix, .. } => Some(*end_user_prefix),
            _ => None,
        }
    }
}

/// What a subscriber has under a rule: the answer of
/// [`BasicMappingRule::forward`](crate::mapping::BasicMappingRule::forward).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Share {
    /// The prefix that the rule reads: the End-user prefix cut to
    /// [`BasicMappingRule::mapped_len`](crate::mapping::BasicMappingRule::mapped_len).
    pub end_user_prefix: Ipv6Net,
    /// The IPv4 address as a /32, or the IPv4 prefix.
    pub v4: Ipv4Net,
    /// The PSID, right-aligned; `None` where the address is not shared.
    pub psid: Option<u16>,
    /// The ports, on each address of `v4`.
    pub ports: PortSet,
}

/// What the subscribers of a rule have: which of the three cases of RFC 7597 section 5.2 it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleCase {
    /// Ports of an address, `k > 0`.
    SharedAddress,
    /// A whole address, `o + r = 32`.
    WholeAddress,
    /// A whole IPv4 prefix, `o + r < 32`.
    AddressPrefix,
}
