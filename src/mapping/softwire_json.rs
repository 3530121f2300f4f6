//! Rule files in the JSON encoding of the YANG module `ietf-softwire-br` (RFC 8676, RFC 7951).
//!
//! ```json
//! { "ietf-softwire-br:br-instances": { "algorithm": { "algo-instance": [ {
//!     "name": "lab-1", "enable": true, "algo-versioning": { "version": "1" },
//!     "br-ipv6-addr": "2001:db8:ffff::1", "ea-len": 16,
//!     "rule-ipv6-prefix": "2001:db8:a000::/40", "rule-ipv4-prefix": "198.51.100.0/24",
//!     "forwarding": true, "port-set": { "psid-offset": 4, "psid-len": 8 } } ] } } }
//! ```
//!
//! A member that this reader does not know is refused, not skipped: a misspelt `port-set` would silently move every port
//! to another subscriber.

use std::collections::HashSet;
use std::fmt;
use std::net::Ipv6Addr;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Map, Value};

use crate::mapping::{
    BasicMappingRule, NamedRule, PsidParams, RuleError, RuleSet, UnsupportedCase, strict_json,
};

const TOP: &str = "br-instances";
const TOP_QUALIFIED: &str = "ietf-softwire-br:br-instances";

/// What the members of an `algo-instance` may be called.
const INSTANCE_MEMBERS: &[&str] = &[
    "name",
    "enable",
    "algo-versioning",
    "br-ipv6-addr",
    "encapsulation",
    "dmr-ipv6-prefix",
    "translation",
    "ea-len",
    "rule-ipv6-prefix",
    "rule-ipv4-prefix",
    "forwarding",
    "port-set",
    "traffic-stat",
];

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
    fn member(&self, name: &str) -> Place {
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
    /// The numbers do not make a mapping rule, or one that is not built yet.
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
        matches!(
            self,
            SoftwireJsonError::NotSupported { .. }
                | SoftwireJsonError::Rule { source: RuleError::NotSupported(_), .. }
        )
    }

    /// The kind of rule that is not built yet, where that is the reason.
    pub fn unsupported_case(&self) -> Option<UnsupportedCase> {
        match self {
            SoftwireJsonError::Rule { source: RuleError::NotSupported(case), .. } => Some(*case),
            _ => None,
        }
    }
}

/// Reads the MAP-E rules of a border relay, with the default [`SoftwireLimits`].
///
/// - The top node may be written with or without its module name; other modules beside it are left alone.
/// - `enable: false` instances are skipped; [`RuleSet::disabled`] names them.
/// - Without `port-set` the PSID offset is 6, the default of MAP (RFC 7597 section 5.1). A `port-set` must write its
///   `psid-offset`: the model's own default differs between its parts.
/// - `version` may be a string (RFC 7951) or a number. Each rule carries its own; the set carries the one that all of
///   its rules share.
/// - The name of the set is `ietf-softwire-br`, for [`RuleSet::with_name`] to change.
///
/// ```
/// use portledger::mapping::read_softwire_br;
/// let set = read_softwire_br(br#"{ "ietf-softwire-br:br-instances": { "algorithm": { "algo-instance": [
///     { "name": "rfc-7597", "ea-len": 16, "algo-versioning": { "version": "3" },
///       "rule-ipv6-prefix": "2001:db8::/40", "rule-ipv4-prefix": "192.0.2.0/24" } ] } } }"#)?;
/// assert_eq!((set.rules()[0].name(), set.version()), ("rfc-7597", Some("3")));
/// assert_eq!(set.rules()[0].rule().psid_params().offset(), 6);
/// # Ok::<(), portledger::mapping::SoftwireJsonError>(())
/// ```
///
/// # Errors
///
/// [`SoftwireJsonError`], with the name and JSON pointer of the instance: one bad instance refuses the file, since with
/// a rule missing the next shorter prefix would answer in its place.
pub fn read_softwire_br(bytes: &[u8]) -> Result<RuleSet, SoftwireJsonError> {
    read_softwire_br_with(bytes, SoftwireLimits::default())
}

/// Reads the MAP-E rules of a border relay; see [`read_softwire_br`].
pub fn read_softwire_br_with(
    bytes: &[u8],
    limits: SoftwireLimits,
) -> Result<RuleSet, SoftwireJsonError> {
    if bytes.len() > limits.max_bytes {
        let limit = limits.max_bytes;
        return Err(SoftwireJsonError::TooLarge { bytes: bytes.len(), limit });
    }
    let file = strict_json::parse(bytes, limits.max_values)?;
    let root = Node { value: &file, place: Place { pointer: String::new(), instance: None } };
    let tops: Vec<Node<'_>> =
        [TOP_QUALIFIED, TOP].iter().filter_map(|name| root.find(name)).collect();
    let [top] = tops.as_slice() else {
        return Err(SoftwireJsonError::Top { found: tops.len() });
    };
    if let Some(binding) = top.find("binding") {
        let what = "binding tables (lightweight 4over6) are";
        return Err(SoftwireJsonError::NotSupported { place: binding.place, what });
    }
    top.check_members(&["algorithm"])?;
    let advice = "the rules stand in `algorithm`, `algo-instance`";
    let algorithm = top.need("algorithm", advice)?;
    algorithm.check_members(&["algo-instance"])?;
    let list = algorithm.need("algo-instance", "write `[]` where there is no rule")?;
    let Value::Array(instances) = list.value else {
        return Err(list.is_not("a list of instances"));
    };

    let mut names = HashSet::new();
    let mut rules = Vec::new();
    let mut disabled = Vec::new();
    for (i, value) in instances.iter().enumerate() {
        let mut instance = Node { value, place: list.place.member(&i.to_string()) };
        let name =
            instance.need("name", "answers refer to an instance by its name")?.text("a name")?;
        instance.place.instance = Some(name.to_owned());
        if !names.insert(name) {
            return Err(SoftwireJsonError::DuplicateName { place: instance.place });
        }
        let is_enabled = instance.find("enable").map_or(Ok(true), |n| n.boolean())?;
        if is_enabled {
            rules.push(read_instance(&instance, name)?);
        } else {
            disabled.push(name.to_owned());
        }
    }

    let version = rules.first().and_then(NamedRule::version).map(str::to_owned);
    let shared = version.filter(|v| rules.iter().all(|r| r.version() == Some(v)));
    let set = RuleSet::new("ietf-softwire-br", rules).with_disabled(disabled);
    Ok(match shared {
        Some(version) => set.with_version(version),
        None => set,
    })
}

fn read_instance(instance: &Node<'_>, name: &str) -> Result<NamedRule, SoftwireJsonError> {
    instance.check_members(INSTANCE_MEMBERS)?;
    for member in ["dmr-ipv6-prefix", "translation"] {
        if let Some(node) = instance.find(member) {
            return Err(SoftwireJsonError::NotSupported { place: node.place, what: "MAP-T is" });
        }
    }
    // The address of the border relay and the forwarding flag do not change whose a port is, but a file that garbles
    // them is not to be trusted with the rest.
    if let Some(node) = instance.find("encapsulation") {
        node.check_members(&["br-ipv6-addr"])?;
        node.find("br-ipv6-addr").map_or(Ok(()), |n| n.check_ipv6_addr())?;
    }
    instance.find("br-ipv6-addr").map_or(Ok(()), |n| n.check_ipv6_addr())?;
    instance.find("forwarding").map_or(Ok(true), |n| n.boolean())?;

    let advice = "write it as the border relay has it";
    let ea = instance.need("ea-len", advice)?.small_number()?;
    let v6 = instance.need("rule-ipv6-prefix", advice)?;
    let v6: Ipv6Net = v6.parse("an IPv6 prefix such as `2001:db8::/40`")?;
    let v4 = instance.need("rule-ipv4-prefix", advice)?;
    let v4: Ipv4Net = v4.parse("an IPv4 prefix such as `192.0.2.0/24`")?;
    let (offset, psid_len) = match instance.find("port-set") {
        Some(port_set) => read_port_set(&port_set, ea)?,
        None => (PsidParams::DEFAULT_OFFSET, None),
    };
    let rule = BasicMappingRule::new(v6, v4, ea, offset, psid_len)
        .map_err(|source| SoftwireJsonError::Rule { place: instance.place.clone(), source })?;
    let rule = NamedRule::new(name, rule);
    Ok(match read_version(instance)? {
        Some(version) => rule.with_version(version),
        None => rule,
    })
}

fn read_port_set(port_set: &Node<'_>, ea_len: u8) -> Result<(u8, Option<u8>), SoftwireJsonError> {
    port_set.check_members(&["psid-offset", "psid-len", "psid"])?;
    let advice = "write it, as 6 where the border relay uses the default of MAP";
    let offset = port_set.need("psid-offset", advice)?.small_number()?;
    let len = port_set.find("psid-len").map(|n| n.small_number()).transpose()?;
    // The model makes `psid` mandatory; with EA bits it says nothing, each subscriber's is in the prefix.
    if let Some(psid) = port_set.find("psid")
        && (psid.value.as_u64().is_none_or(|v| v > u64::from(u16::MAX))
            || (ea_len > 0 && psid.value.as_u64() != Some(0)))
    {
        return Err(psid.is_not("0: a rule with EA bits has no PSID of its own, remove it"));
    }
    Ok((offset, len))
}

fn read_version(instance: &Node<'_>) -> Result<Option<String>, SoftwireJsonError> {
    let Some(versioning) = instance.find("algo-versioning") else {
        return Ok(None);
    };
    versioning.check_members(&["version", "date"])?;
    let Some(version) = versioning.find("version") else {
        return Ok(None);
    };
    match version.value {
        Value::String(text) if !text.is_empty() => Ok(Some(text.clone())),
        Value::Number(number) if number.is_u64() => Ok(Some(number.to_string())),
        _ => Err(version.is_not("a version: write a number, or a text that is not empty")),
    }
}

/// A value and where it stands.
struct Node<'a> {
    value: &'a Value,
    place: Place,
}

impl<'a> Node<'a> {
    /// The member, where this is an object that has it. That it is an object is checked by `check_members` and `need`.
    fn find(&self, member: &str) -> Option<Node<'a>> {
        let value = self.value.as_object()?.get(member)?;
        Some(Node { value, place: self.place.member(member) })
    }

    fn need(
        &self,
        member: &'static str,
        advice: &'static str,
    ) -> Result<Node<'a>, SoftwireJsonError> {
        self.object()?;
        let place = || self.place.clone();
        self.find(member).ok_or_else(|| SoftwireJsonError::Missing {
            place: place(),
            member,
            advice,
        })
    }

    fn object(&self) -> Result<&'a Map<String, Value>, SoftwireJsonError> {
        self.value.as_object().ok_or_else(|| self.is_not("an object"))
    }

    fn check_members(&self, known: &[&str]) -> Result<(), SoftwireJsonError> {
        match self.object()?.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(SoftwireJsonError::Unknown {
                place: self.place.member(name),
                known: known.join(", "),
            }),
        }
    }

    fn text(&self, expected: &'static str) -> Result<&'a str, SoftwireJsonError> {
        self.value.as_str().filter(|s| !s.is_empty()).ok_or_else(|| self.is_not(expected))
    }

    fn parse<T: std::str::FromStr>(&self, expected: &'static str) -> Result<T, SoftwireJsonError> {
        self.text(expected)?.parse().map_err(|_| self.is_not(expected))
    }

    fn check_ipv6_addr(&self) -> Result<(), SoftwireJsonError> {
        self.parse::<Ipv6Addr>("an IPv6 address").map(|_| ())
    }

    fn boolean(&self) -> Result<bool, SoftwireJsonError> {
        self.value.as_bool().ok_or_else(|| self.is_not("true or false"))
    }

    fn small_number(&self) -> Result<u8, SoftwireJsonError> {
        let number = self.value.as_u64().and_then(|n| u8::try_from(n).ok());
        number.ok_or_else(|| self.is_not("a number from 0 to 255, without quotes"))
    }

    fn is_not(&self, expected: &'static str) -> SoftwireJsonError {
        let found = match self.value {
            Value::Object(_) => "{...}".to_owned(),
            Value::Array(_) => "[...]".to_owned(),
            Value::String(text) => short(text),
            scalar => scalar.to_string(),
        };
        SoftwireJsonError::Value { place: self.place.clone(), expected, found }
    }
}

/// As much of a text as an error should repeat.
fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "softwire_json_tests.rs"]
mod tests;
