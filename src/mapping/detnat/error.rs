//! Why a deterministic NAT cannot be built, or its files cannot be read.

/// Why parameters are not a deterministic NAT; in the words of the published vectors, `invalid-config`.
///
/// A configuration is refused as a whole: a mapping built from half of it would name the wrong subscriber.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetNatError {
    /// A text is not a list of IPv4 addresses, prefixes or ranges.
    #[error(
        "`{0}` is not a list of addresses: write prefixes such as `100.64.0.0/22`, ranges such as `100.64.0.1-100.64.3.254` or single addresses, joined by commas"
    )]
    Addresses(String),
    /// A prefix has bits set after its length.
    #[error(
        "`{0}` has host bits set: write the first address of the prefix, or a range, so that it is plain where the counting starts"
    )]
    HostBits(String),
    /// One address stands twice in a list of addresses.
    #[error("{0} is in the list of addresses twice: every address has one place in the order")]
    Repeated(String),
    /// More pieces in a list of addresses than are held.
    #[error("a list of addresses has more than {limit} pieces: join neighbours to ranges")]
    TooManyPieces {
        /// The limit.
        limit: usize,
    },
    /// No such algorithm.
    #[error("`{0}` is no known algorithm: write one of {known}; import others as a block table", known = super::config::ALGORITHMS.join(", "))]
    UnknownAlgorithm(String),
    /// A key that the algorithm needs is not there.
    #[error("{algorithm} needs the key `{key}`: {advice}")]
    Missing {
        /// The algorithm.
        algorithm: &'static str,
        /// The key.
        key: &'static str,
        /// What to write.
        advice: &'static str,
    },
    /// A key that has no meaning for the algorithm.
    #[error("{algorithm} has no key `{key}`: remove it, or correct the algorithm")]
    Unexpected {
        /// The algorithm.
        algorithm: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value is out of its range, or does not read.
    #[error("`{key}` cannot be {value}: {advice}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value as given.
        value: String,
        /// What it must be.
        advice: &'static str,
    },
    /// A value that was given contradicts the one that follows from the others.
    #[error(
        "`{key}` is given as {given}, but the other values make it {derived}: correct one of them"
    )]
    Disagrees {
        /// The key.
        key: &'static str,
        /// The value as given.
        given: u64,
        /// The value that follows.
        derived: u64,
    },
    /// The outside addresses cannot hold a block for each inside host.
    #[error(
        "{hosts} inside hosts need {needed} ports, {available} are there: make the blocks smaller, or the outside pool larger"
    )]
    NotEnoughPorts {
        /// How many inside hosts there are.
        hosts: u64,
        /// How many ports their blocks need, in all.
        needed: u64,
        /// How many ports blocks can be cut from.
        available: u64,
    },
    /// The division of ports by hosts leaves not one port for a host.
    #[error(
        "{ports} ports of an address shared by {sharers} hosts leave no port for each: fewer inside addresses, or more outside addresses"
    )]
    NoPorts {
        /// How many ports of one outside address are shared out.
        ports: u64,
        /// Among how many.
        sharers: u64,
    },
    /// More outside than inside addresses, where the algorithm divides the other way round.
    #[error(
        "{outside} outside addresses for {inside} inside addresses: this algorithm needs at least as many inside as outside"
    )]
    MoreOutside {
        /// How many inside addresses there are.
        inside: u64,
        /// How many outside addresses there are.
        outside: u64,
    },
    /// Something that the sources of the algorithm do not settle.
    #[error("{what} is not settled by the published algorithm: {advice}")]
    Unsettled {
        /// What is open.
        what: &'static str,
        /// How to settle it.
        advice: &'static str,
    },
    /// An algorithm whose arithmetic is not public, or needs a secret.
    #[error("{0}: import its blocks as a block table (address, first, last, stride, inside)")]
    NotSupported(&'static str),
    /// A text is not a configuration record of RFC 7422 section 3.
    #[error(
        "`{text}` is not an RFC 7422 record: {why}; write `[time]:inside:length:outside:length:D:M:A:R`"
    )]
    Record {
        /// The record, shortened.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A row of a block table contradicts another, or itself.
    #[error("block {address} {ports}: {why}")]
    Block {
        /// The outside address.
        address: std::net::Ipv4Addr,
        /// The ports of the row.
        ports: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// As much of a text as an error should repeat.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
