//! Rule sets as RFC 8676 JSON.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::error::{TOP_QUALIFIED, short};
use crate::mapping::{NamedRule, RuleSet, Transport};

/// Why a rule set cannot be written so that it reads as the same set again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SoftwireWriteError {
    /// A rule, or a rule that is switched off, has no name.
    #[error("a rule without a name cannot be written: give each rule its own name")]
    EmptyName,
    /// Two rules have one name.
    #[error("the rule name `{}` is used twice: give each rule its own", short(name))]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// The version or the date of a rule is the empty text.
    #[error("the version and the date of rule `{}` must not be empty: leave them out", short(name))]
    EmptyVersion {
        /// The name of the rule.
        name: String,
    },
}

/// Writes a rule set as the configuration of a border relay: what [`read_softwire_br`](super::read_softwire_br) reads.
///
/// Reading it again gives the same set, except for the name of the set, which has no place there. Rules that are
/// switched off are written as their names. A rule without a version of its own carries that of the set.
///
/// ```
/// use portledger::mapping::{BasicMappingRule, NamedRule, RuleSet, read_softwire_br, write_softwire_br};
/// let rule = BasicMappingRule::new(
///     "2001:db8::/40".parse().unwrap(), "192.0.2.0/24".parse().unwrap(), 16, 6, None).unwrap();
/// let set = RuleSet::new("ietf-softwire-br", vec![NamedRule::new("rfc-7597", rule)]);
/// let json = write_softwire_br(&set)?;
/// assert_eq!(read_softwire_br(json.as_bytes()).unwrap(), set);
/// # Ok::<(), portledger::mapping::SoftwireWriteError>(())
/// ```
///
/// # Errors
///
/// [`SoftwireWriteError`] for names, versions and dates that the reader refuses.
pub fn write_softwire_br(set: &RuleSet) -> Result<String, SoftwireWriteError> {
    let mut names = HashSet::new();
    let mut check = |name: &str| {
        if name.is_empty() {
            Err(SoftwireWriteError::EmptyName)
        } else if names.insert(name.to_owned()) {
            Ok(())
        } else {
            Err(SoftwireWriteError::DuplicateName { name: name.to_owned() })
        }
    };
    let mut instances = Vec::with_capacity(set.rules().len() + set.disabled().len());
    for rule in set.rules() {
        check(rule.name())?;
        instances.push(instance(rule, set.version())?);
    }
    for name in set.disabled() {
        check(name)?;
        instances.push(json!({ "name": name, "enable": false }));
    }
    let file = json!({ TOP_QUALIFIED: { "algorithm": { "algo-instance": instances } } });
    Ok(format!("{file:#}\n"))
}

fn instance(named: &NamedRule, set_version: Option<&str>) -> Result<Value, SoftwireWriteError> {
    let rule = named.rule();
    let params = rule.psid_params();
    let mut ports = Map::new();
    ports.insert("psid-offset".to_owned(), params.offset().into());
    ports.insert("psid-len".to_owned(), params.len().into());
    if let Some(psid) = rule.own_psid() {
        ports.insert("psid".to_owned(), psid.into());
    }
    let mut members = Map::new();
    let mut add = |member: &str, value: Value| members.insert(member.to_owned(), value);
    add("name", named.name().into());
    add("enable", true.into());
    add("ea-len", rule.ea_len().into());
    add("rule-ipv6-prefix", rule.v6().to_string().into());
    add("rule-ipv4-prefix", rule.v4().to_string().into());
    add("port-set", ports.into());
    match named.transport() {
        Transport::Encapsulation { br } => add("br-ipv6-addr", br.to_string().into()),
        Transport::Translation { dmr } => add("dmr-ipv6-prefix", dmr.to_string().into()),
        Transport::Unstated => None,
    };
    if let Some(forwarding) = named.forwarding() {
        add("forwarding", forwarding.into());
    }
    let mut versioning = Map::new();
    for (member, value) in [("version", named.version().or(set_version)), ("date", named.date())] {
        match value {
            Some("") => {
                return Err(SoftwireWriteError::EmptyVersion { name: named.name().to_owned() });
            }
            Some(text) => {
                versioning.insert(member.to_owned(), text.into());
            }
            None => {}
        }
    }
    if !versioning.is_empty() {
        add("algo-versioning", versioning.into());
    }
    Ok(members.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{BasicMappingRule, PsidParams, read_softwire_br};

    fn rule() -> BasicMappingRule {
        BasicMappingRule::one_to_one(
            "2001:db8:12:3400::/56".parse().unwrap(),
            "192.0.2.18/32".parse().unwrap(),
            PsidParams::new_assert(6, 8),
            0x34,
        )
        .unwrap()
    }

    #[test]
    fn a_set_version_is_carried_by_its_rules() {
        let set = RuleSet::new("x", vec![NamedRule::new("a", rule())]).with_version("7");
        let read = read_softwire_br(write_softwire_br(&set).unwrap().as_bytes()).unwrap();
        assert_eq!((read.version(), read.rules()[0].version()), (Some("7"), Some("7")));
        assert_eq!(read.rules()[0].rule(), &rule());
    }

    #[test]
    fn what_would_not_read_again_is_refused() {
        let of = |rules| write_softwire_br(&RuleSet::new("x", rules)).unwrap_err();
        assert_eq!(of(vec![NamedRule::new("", rule())]), SoftwireWriteError::EmptyName);
        let twice = vec![NamedRule::new("a", rule()), NamedRule::new("a", rule())];
        assert_eq!(of(twice), SoftwireWriteError::DuplicateName { name: "a".to_owned() });
        let empty = SoftwireWriteError::EmptyVersion { name: "a".to_owned() };
        assert_eq!(of(vec![NamedRule::new("a", rule()).with_version("")]), empty);
        assert_eq!(of(vec![NamedRule::new("a", rule()).with_date("")]), empty);
        let off = RuleSet::new("x", vec![NamedRule::new("a", rule())])
            .with_disabled(vec!["a".to_owned()]);
        assert!(write_softwire_br(&off).is_err());
    }
}
