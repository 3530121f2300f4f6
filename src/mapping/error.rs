//! Why numbers and prefixes are not a mapping rule.

use ipnet::{Ipv4Net, Ipv6Net};

/// Why a mapping rule, its PSID parameters or a default mapping rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The PSID offset is beyond what a rule can carry.
    #[error(
        "PSID offset {offset} is out of range: write 0 to 15 (the default of MAP is 6), or 16 where there is no PSID"
    )]
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
    /// A rule without EA bits has a PSID length, but its PSID is not said.
    #[error(
        "the rule has no EA bits and a PSID of {len} bits, but the PSID itself is missing: write it"
    )]
    PsidMissing {
        /// The PSID length.
        len: u8,
    },
    /// The PSID has more bits than its length.
    #[error(
        "PSID {psid} does not fit into {len} bits: write it right-aligned, or correct the PSID length"
    )]
    PsidOutOfRange {
        /// The PSID as given, right-aligned.
        psid: u16,
        /// The PSID length, k.
        len: u8,
    },
    /// A PSID of its own for a rule whose IPv4 prefix is no single address.
    #[error(
        "a PSID of {len} bits shares one address, but {v4} is several: write the /32 that is shared, or remove the PSID"
    )]
    PsidOfPrefix {
        /// The Rule IPv4 prefix.
        v4: Ipv4Net,
        /// The PSID length, k.
        len: u8,
    },
    /// A default mapping rule whose length does not say where the IPv4 address goes.
    #[error(
        "an IPv4 address cannot be embedded after {dmr}: a default mapping rule has 32, 40, 48, 56, 64 or 96 bits (64 is usual)"
    )]
    DmrLength {
        /// The prefix as given.
        dmr: Ipv6Net,
    },
    /// A default mapping rule with something in the byte that must be zero.
    #[error(
        "bits 64 to 71 of {dmr} must be zero (RFC 6052 section 2.2): correct the default mapping rule"
    )]
    DmrReservedByte {
        /// The prefix as given.
        dmr: Ipv6Net,
    },
}
