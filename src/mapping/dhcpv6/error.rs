//! Why bytes are not softwire options, or options cannot be written.

use crate::mapping::RuleError;

/// Why DHCPv6 softwire options cannot be read, or cannot be written. Offsets are in bytes, from the first byte of the
/// first option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum S46Error {
    /// The bytes end inside an option, or a field runs past the end of its option.
    #[error(
        "byte {offset}: {what} needs {needed} bytes and only {left} are left: the bytes were cut, or a length is wrong"
    )]
    Truncated {
        /// Where the field starts.
        offset: usize,
        /// The field.
        what: &'static str,
        /// How long it is.
        needed: usize,
        /// How much there is.
        left: usize,
    },
    /// Bytes after the last field of an option.
    #[error("byte {offset}: option {code} has {extra} bytes too many")]
    TooLong {
        /// Where the surplus starts.
        offset: usize,
        /// The option.
        code: u16,
        /// How many bytes.
        extra: usize,
    },
    /// An option that does not belong where it stands.
    #[error(
        "byte {offset}: option {code} does not belong {within}: pass options 94, 95 and 96 alone"
    )]
    Misplaced {
        /// Where the option starts.
        offset: usize,
        /// The option.
        code: u16,
        /// Where it stands.
        within: Within,
    },
    /// An option that may stand there once, twice.
    #[error("byte {offset}: option {code} stands here twice: keep the one that was in force")]
    Twice {
        /// Where the second one starts.
        offset: usize,
        /// The option.
        code: u16,
    },
    /// A container without an option that it must have (RFC 7598 section 5).
    #[error("byte {offset}: container {code} has no option {missing}, which it must have")]
    Missing {
        /// Where the container starts; 0 when writing.
        offset: usize,
        /// The container.
        code: u16,
        /// The option.
        missing: u16,
    },
    /// Bits that must be zero are not: flags beside F, or padding.
    #[error("byte {offset}: {what} must be zero, but is {found:#x}")]
    NotZero {
        /// Where the bits stand.
        offset: usize,
        /// What they are.
        what: &'static str,
        /// What stands there.
        found: u32,
    },
    /// A length of a prefix is beyond its address.
    #[error("byte {offset}: a prefix of {len} bits is too long for {what}")]
    PrefixLen {
        /// Where the length stands.
        offset: usize,
        /// What address.
        what: &'static str,
        /// The length as given.
        len: u8,
    },
    /// A PSID in a rule whose EA bits hold the PSID already.
    #[error(
        "byte {offset}: PSID {psid} stands in a rule with {ea_len} EA bits, where it is in the End-user prefix: remove one"
    )]
    PsidBesideEa {
        /// Where the option with the PSID starts.
        offset: usize,
        /// The PSID, right-aligned.
        psid: u16,
        /// The EA length.
        ea_len: u8,
    },
    /// The numbers do not make a rule.
    #[error("byte {offset}: {source}")]
    Rule {
        /// Where the option starts.
        offset: usize,
        /// Why not.
        source: RuleError,
    },
    /// A PSID offset of 16, which these options cannot carry. Only writing meets it.
    #[error(
        "a PSID offset of 16 cannot be written: it says nothing where there is no PSID, use 0 to 15"
    )]
    OffsetUnwritable,
    /// A container longer than the 65535 bytes that its length can say. Only writing meets it.
    #[error("container {code} has {bytes} bytes, the limit is 65535: write fewer rules")]
    ContainerTooLong {
        /// The container.
        code: u16,
        /// How long it would be.
        bytes: usize,
    },
}

/// Where an option stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Within {
    /// In no other option.
    Top,
    /// In that option.
    Option(u16),
}

impl std::fmt::Display for Within {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Within::Top => f.write_str("outside a softwire container"),
            Within::Option(code) => write!(f, "into option {code}"),
        }
    }
}
