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

mod error;
mod node;
mod strict;

pub use error::{Place, SoftwireJsonError, SoftwireLimits};

use std::collections::HashSet;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::Value;

use crate::mapping::{BasicMappingRule, NamedRule, PsidParams, RuleSet};
use error::TOP_QUALIFIED;
use node::Node;

const TOP: &str = "br-instances";

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
    let file = strict::parse(bytes, limits.max_values)?;
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

#[cfg(test)]
mod tests;
