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
mod write;

pub use error::{Place, SoftwireJsonError, SoftwireLimits};
pub use write::{SoftwireWriteError, write_softwire_br};

use std::collections::HashSet;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::Value;

use crate::mapping::{
    BasicMappingRule, DefaultMappingRule, NamedRule, PsidParams, RuleError, RuleSet, Transport,
};
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

/// Reads the MAP-E and MAP-T rules of a border relay, with the default [`SoftwireLimits`].
///
/// - The top node may be written with or without its module name; other modules beside it are left alone.
/// - `enable: false` instances are skipped; [`RuleSet::disabled`] names them.
/// - Without `port-set` the PSID offset is 6, the default of MAP (RFC 7597 section 5.1). A `port-set` must write its
///   `psid-offset`: the model's own default differs between its parts.
/// - `psid` is right-aligned. It is for rules with an `ea-len` of 0, and only 0 may stand there otherwise.
/// - `br-ipv6-addr` may stand under `encapsulation` and `dmr-ipv6-prefix` under `translation`, as the RFC's own example
///   has it. `traffic-stat` is left out.
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

/// Reads the rules of a border relay; see [`read_softwire_br`].
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
    let forwarding = instance.find("forwarding").map(|n| n.boolean()).transpose()?;
    let transport = read_transport(instance)?;

    let advice = "write it as the border relay has it";
    let ea = instance.need("ea-len", advice)?.small_number()?;
    let v6 = instance.need("rule-ipv6-prefix", advice)?;
    let v6: Ipv6Net = v6.parse("an IPv6 prefix such as `2001:db8::/40`")?;
    let v4 = instance.need("rule-ipv4-prefix", advice)?;
    let v4: Ipv4Net = v4.parse("an IPv4 prefix such as `192.0.2.0/24`")?;
    let ports = match instance.find("port-set") {
        Some(port_set) => read_port_set(&port_set, ea)?,
        None => Ports { offset: PsidParams::DEFAULT_OFFSET, len: None, psid: None },
    };
    let rule = ports
        .rule(v6, v4, ea)
        .map_err(|source| SoftwireJsonError::Rule { place: instance.place.clone(), source })?;
    let mut rule = NamedRule::new(name, rule).with_transport(transport);
    if let Some(forwarding) = forwarding {
        rule = rule.with_forwarding(forwarding);
    }
    let (version, date) = read_version(instance)?;
    if let Some(version) = version {
        rule = rule.with_version(version);
    }
    if let Some(date) = date {
        rule = rule.with_date(date);
    }
    Ok(rule)
}

/// The border relay or the default mapping rule. They do not change whose a port is, but a file that garbles them is not
/// to be trusted with the rest.
fn read_transport(instance: &Node<'_>) -> Result<Transport, SoftwireJsonError> {
    let mut found: Option<(Transport, Node<'_>)> = None;
    for (case, member) in [("encapsulation", "br-ipv6-addr"), ("translation", "dmr-ipv6-prefix")] {
        let wrapped = match instance.find(case) {
            Some(node) => {
                node.check_members(&[member])?;
                node.find(member)
            }
            None => None,
        };
        for node in [instance.find(member), wrapped].into_iter().flatten() {
            let transport = if case == "encapsulation" {
                Transport::Encapsulation { br: node.parse("an IPv6 address")? }
            } else {
                let prefix = node.parse("an IPv6 prefix such as `2001:db8:ffff::/64`")?;
                let dmr = DefaultMappingRule::new(prefix).map_err(|source| {
                    SoftwireJsonError::Rule { place: node.place.clone(), source }
                })?;
                Transport::Translation { dmr }
            };
            if found.as_ref().is_some_and(|(first, _)| *first != transport) {
                return Err(node.is_not(
                    "the only one: a rule has one border relay (MAP-E) or one default mapping rule (MAP-T)",
                ));
            }
            found = Some((transport, node));
        }
    }
    Ok(found.map_or(Transport::Unstated, |(transport, _)| transport))
}

/// A `port-set`, as it stands.
struct Ports {
    offset: u8,
    len: Option<u8>,
    psid: Option<u16>,
}

impl Ports {
    fn rule(&self, v6: Ipv6Net, v4: Ipv4Net, ea_len: u8) -> Result<BasicMappingRule, RuleError> {
        match (ea_len, self.len, self.psid) {
            (0, Some(len), Some(psid)) => {
                let params = PsidParams::new(self.offset, len)?;
                BasicMappingRule::one_to_one(v6, v4, params, psid)
            }
            _ => BasicMappingRule::new(v6, v4, ea_len, self.offset, self.len),
        }
    }
}

fn read_port_set(port_set: &Node<'_>, ea_len: u8) -> Result<Ports, SoftwireJsonError> {
    port_set.check_members(&["psid-offset", "psid-len", "psid"])?;
    let advice = "write it, as 6 where the border relay uses the default of MAP";
    let offset = port_set.need("psid-offset", advice)?.small_number()?;
    let len = port_set.find("psid-len").map(|n| n.small_number()).transpose()?;
    let Some(node) = port_set.find("psid") else {
        return Ok(Ports { offset, len, psid: None });
    };
    let psid = node.value.as_u64().and_then(|v| u16::try_from(v).ok());
    let psid = psid.ok_or_else(|| node.is_not("a PSID: a number from 0 to 65535"))?;
    // The model makes `psid` mandatory; with EA bits it says nothing, each subscriber's is in the prefix.
    if ea_len > 0 && psid != 0 {
        return Err(node.is_not("0: a rule with EA bits has no PSID of its own, remove it"));
    }
    if len.is_none() && psid != 0 {
        return Err(node.is_not("0: without `psid-len` there is no PSID; write its length too"));
    }
    Ok(Ports { offset, len, psid: Some(psid) })
}

/// The version and its date.
fn read_version(
    instance: &Node<'_>,
) -> Result<(Option<String>, Option<String>), SoftwireJsonError> {
    let Some(versioning) = instance.find("algo-versioning") else {
        return Ok((None, None));
    };
    versioning.check_members(&["version", "date"])?;
    let version = match versioning.find("version") {
        None => None,
        Some(node) => match node.value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if number.is_u64() => Some(number.to_string()),
            _ => {
                return Err(node.is_not("a version: write a number, or a text that is not empty"));
            }
        },
    };
    let date = match versioning.find("date") {
        None => None,
        Some(node) => Some(node.text("a date such as `2026-11-22T00:00:00Z`")?.to_owned()),
    };
    Ok((version, date))
}

#[cfg(test)]
mod tests;
