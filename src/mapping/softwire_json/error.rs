//! Limits, places and errors of the reader of rule files.

use std::fmt;

use crate::mapping::RuleError;

pub(super) const TOP_QUALIFIED: &str = "ietf-softwire-br:br-instances";

/// How much a rule file may ask of its reader. The defaults hold some 20,000 rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SoftwireLimits {
    /// The longest file, in bytes. Default: 8 MiB.
    pub max_bytes: usize,
    /// The most JSON values in a file, every scalar, list and object counted. Default: 400,000. A value takes up to
    /// about 700 bytes of memory while the file is read.
    pub max_values: usize,
}

impl Default for SoftwireLimits {
    fn default() -> Self {
        SoftwireLimits { max_bytes: 8 << 20, max_values: 400_000 }
    }
}

impl SoftwireLimits {
    /// The same limits with another length of the file, in bytes.
    #[must_use]
    pub const fn with_max_bytes(self, max_bytes: usize) -> SoftwireLimits {
        SoftwireLimits { max_bytes, ..self }
    }

    /// The same limits with another number of JSON values.
    #[must_use]
    pub const fn with_max_values(self, max_values: usize) -> SoftwireLimits {
        SoftwireLimits { max_values, ..self }
    }
}

/// Where in a rule file something stands.
///
/// # Text form
///
/// The JSON pointer (RFC 6901), after the name of the instance where there is one:
/// ``instance `lab-1` (/ietf-softwire-br:br-instances/algorithm/algo-instance/0/ea-len)``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The JSON pointer.
    pub pointer: String,
    /// The name of the `algo-instance`, where it has a readable one.
    pub instance: Option<String>,
}

impl Place {
    pub(super) fn member(&self, name: &str) -> Place {
        let name = name.replace('~', "~0").replace('/', "~1");
        Place {
            pointer: format!("{}/{}", self.pointer, short(&name)),
            instance: self.instance.clone(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(name) => write!(f, "instance `{}` ({})", short(name), self.pointer),
            None => f.write_str(&self.pointer),
        }
    }
}

/// Why a rule file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SoftwireJsonError {
    /// The file is longer than the limit.
    #[error(
        "the rule file has {bytes} bytes, the limit is {limit}: raise SoftwireLimits::max_bytes if it really holds that many rules"
    )]
    TooLarge {
        /// The length of the file.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes are not JSON, hold more values than the limit, or write a member twice.
    #[error("the rule file is not usable JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The file holds no softwire configuration, or holds it twice.
    #[error(
        "the rule file must have one member `{TOP_QUALIFIED}` at the top, it has {found}: export the ietf-softwire-br (RFC 8676) configuration of the border relay"
    )]
    Top {
        /// How many were found: 0 or 2.
        found: usize,
    },
    /// A member that must be there is not.
    #[error("{place}: the member `{member}` is missing: {advice}")]
    Missing {
        /// The object.
        place: Place,
        /// The member.
        member: &'static str,
        /// What to write.
        advice: &'static str,
    },
    /// A value is not what its member needs.
    #[error("{place}: `{found}` is not {expected}")]
    Value {
        /// The member.
        place: Place,
        /// What it needs.
        expected: &'static str,
        /// What stands there, shortened.
        found: String,
    },
    /// A member that this reader does not know.
    #[error(
        "{place}: no such member is known here ({known}): correct its spelling, or remove it if it does not change which ports a subscriber has"
    )]
    Unknown {
        /// The member.
        place: Place,
        /// The members that are known there.
        known: String,
    },
    /// Something of RFC 8676 that is not built yet.
    #[error("{place}: {what} not supported yet: leave it out")]
    NotSupported {
        /// Where it stands.
        place: Place,
        /// What it is, with its verb.
        what: &'static str,
    },
    /// Two instances with one name.
    #[error("{place}: the name is used twice: give each instance its own, answers refer to it")]
    DuplicateName {
        /// The second of the two.
        place: Place,
    },
    /// The numbers do not make a mapping rule.
    #[error("{place}: {source}")]
    Rule {
        /// The instance.
        place: Place,
        /// Why not.
        source: RuleError,
    },
}

impl SoftwireJsonError {
    /// Whether the file may be right, but asks for something that is not built yet.
    pub fn is_not_supported(&self) -> bool {
        matches!(self, SoftwireJsonError::NotSupported { .. })
    }
}

/// As much of a text as an error should repeat.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
