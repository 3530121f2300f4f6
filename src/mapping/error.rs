//! Why numbers and prefixes are not a mapping rule.

use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};

/// Why a mapping rule, or its PSID parameters, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The PSID offset is beyond what a rule can carry.
    #[error("PSID offset {offset} is out of range: write 0 to 15 (the default of MAP is 6)")]
    PsidOffset {
        /// The offset as given.
        offset: u8,
    },
    /// Offset and PSID do not fit into the 16 bits of a port.
    #[error(
        "PSID offset {offset} and PSID length {len} do not fit into the 16 bits of a port: their sum must be at most 16; check the EA length and the IPv4 prefix, which make the PSID length"
    )]
    PsidTooLong {
        /// The PSID offset, a.
        offset: u8,
        /// The PSID length, k.
        len: u8,
    },
    /// More EA bits than an IPv4 address and a port have.
    #[error("EA length {ea_len} is out of range: an address and a port have 48 bits at most")]
    EaTooLong {
        /// The EA length as given.
        ea_len: u8,
    },
    /// The EA bits run past the end of the IPv6 address.
    #[error(
        "{ea_len} EA bits after {v6} run past bit 128: shorten the EA length or the Rule IPv6 prefix"
    )]
    EndUserPrefixTooLong {
        /// The Rule IPv6 prefix.
        v6: Ipv6Net,
        /// The EA length as given.
        ea_len: u8,
    },
    /// A PSID length was given that the EA length contradicts.
    #[error(
        "PSID length {given} contradicts the rule: {ea_len} EA bits after {v4} leave {derived} for the PSID; correct one of them"
    )]
    PsidLenDisagrees {
        /// The PSID length as given.
        given: u8,
        /// The PSID length that the EA length leaves.
        derived: u8,
        /// The Rule IPv4 prefix.
        v4: Ipv4Net,
        /// The EA length as given.
        ea_len: u8,
    },
    /// The rule is valid, but of a kind that is not built yet.
    #[error("the rule is valid, but {0} is not supported yet: leave it out")]
    NotSupported(UnsupportedCase),
}

/// The kinds of valid rules that are not built yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnsupportedCase {
    /// `o = 0`: one rule for each subscriber; address and PSID stand in the rule.
    OneToOne,
    /// `o + r = 32`: each subscriber has a whole IPv4 address.
    WholeAddress,
    /// `o + r < 32`: each subscriber has an IPv4 prefix.
    AddressPrefix,
}

impl fmt::Display for UnsupportedCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnsupportedCase::OneToOne => "a rule for one subscriber (EA length 0)",
            UnsupportedCase::WholeAddress => {
                "a rule that gives each subscriber a whole IPv4 address (EA length + IPv4 prefix length = 32)"
            }
            UnsupportedCase::AddressPrefix => {
                "a rule that gives each subscriber an IPv4 prefix (EA length + IPv4 prefix length < 32)"
            }
        })
    }
}
