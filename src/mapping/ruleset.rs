//! Rules that are in force together: the longest IPv4 prefix decides (RFC 7597 section 5).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::mapping::{NamedRule, Reverse};

/// What one of the deciding rules says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleAnswer<'a> {
    /// The rule that says it.
    pub rule: &'a NamedRule,
    /// What it says; never [`Reverse::OutsideRule`].
    pub reverse: Reverse,
}

/// What the rules of a set say together about an address and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetAnswer<'a> {
    /// One holder: [`Reverse::Mapped`] or [`Reverse::MappedPrefix`]. When several rules name the same prefix, the first
    /// of them.
    Mapped(RuleAnswer<'a>),
    /// Several rules name different prefixes: all of them, in the order of the rules.
    Ambiguous(Vec<RuleAnswer<'a>>),
    /// The deciding rules speak for single PSIDs of the address, and none of them for this port's.
    NoSubscriber,
    /// The port belongs to no subscriber (`A = 0`).
    ExcludedPort,
    /// No rule holds the address.
    OutsideRules,
}

/// The rules of one domain that are in force together.
///
/// Of the rules that hold an address, those with the longest Rule IPv4 prefix decide. When several are equally long,
/// all of them are kept: two rules that name two holders are doubt, and doubt must be seen. A port that a deciding rule
/// excludes does not fall through to a shorter prefix: the rules overlap there, and the shorter one would name somebody
/// who cannot have the port.
///
/// ```
/// use portledger::mapping::{BasicMappingRule, NamedRule, Reverse, RuleSet};
/// let rule = |v6: &str, v4: &str, ea_len| {
///     BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), ea_len, 6, None)
/// };
/// let set = RuleSet::new("lab", vec![
///     NamedRule::new("all", rule("2001:db8:100::/40", "192.0.2.0/24", 16)?),
///     NamedRule::new("upper", rule("2001:db8:200::/41", "192.0.2.128/25", 15)?),
/// ]);
/// let answers = set.reverse("192.0.2.128".parse().unwrap(), 80);
/// assert_eq!(answers.len(), 1);
/// assert_eq!((answers[0].rule.name(), answers[0].reverse), ("upper", Reverse::ExcludedPort));
/// assert!(set.reverse("192.0.3.0".parse().unwrap(), 4000).is_empty());
/// # Ok::<(), portledger::mapping::RuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    name: String,
    version: Option<String>,
    rules: Vec<NamedRule>,
    disabled: Vec<String>,
    /// One table for each length of a Rule IPv4 prefix, the longest first.
    tables: Vec<Table>,
}

/// The rules with Rule IPv4 prefixes of one length.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    len: u8,
    /// Network address and place in `RuleSet::rules`, ascending.
    entries: Vec<(u32, usize)>,
}

impl Table {
    /// The places of the rules that hold the address, ascending.
    fn matches(&self, addr: u32) -> &[(u32, usize)] {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.len)).unwrap_or(0);
        let network = addr & mask;
        let first = self.entries.partition_point(|e| e.0 < network);
        let rest = self.entries.get(first..).unwrap_or_default();
        // Few share a network: walking them is cheaper than a second search, and never longer than the answer.
        let count = rest.iter().take_while(|e| e.0 == network).count();
        rest.get(..count).unwrap_or_default()
    }
}

impl RuleSet {
    /// A set of rules under a name, without a version.
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of rules.
    pub fn new(name: impl Into<String>, rules: Vec<NamedRule>) -> RuleSet {
        let mut by_len: BTreeMap<u8, Vec<(u32, usize)>> = BTreeMap::new();
        for (place, rule) in rules.iter().enumerate() {
            let v4 = rule.rule().v4();
            by_len.entry(v4.prefix_len()).or_default().push((u32::from(v4.network()), place));
        }
        let tables = by_len
            .into_iter()
            .rev()
            .map(|(len, mut entries)| {
                entries.sort_unstable();
                Table { len, entries }
            })
            .collect();
        RuleSet { name: name.into(), version: None, rules, disabled: Vec::new(), tables }
    }

    /// The same set under another name.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> RuleSet {
        RuleSet { name: name.into(), ..self }
    }

    /// The same set with a version.
    #[must_use]
    pub fn with_version(self, version: impl Into<String>) -> RuleSet {
        RuleSet { version: Some(version.into()), ..self }
    }

    /// The same set, which says which rules its source names but has switched off.
    #[must_use]
    pub fn with_disabled(self, names: Vec<String>) -> RuleSet {
        RuleSet { disabled: names, ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version, where the source has one for the whole set.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The rules, in the order in which they were given.
    pub fn rules(&self) -> &[NamedRule] {
        &self.rules
    }

    /// The names of the rules that the source has switched off; they are not in [`RuleSet::rules`].
    pub fn disabled(&self) -> &[String] {
        &self.disabled
    }

    /// The rules that decide about an address: those with the longest Rule IPv4 prefix that holds it, in the order in
    /// which they were given. None when no rule holds it.
    ///
    /// # Complexity
    ///
    /// One binary search for each length of a Rule IPv4 prefix in the set, at most 33; nothing is allocated.
    pub fn matches(&self, addr: Ipv4Addr) -> impl Iterator<Item = &NamedRule> {
        let addr = u32::from(addr);
        let hits = self.tables.iter().map(|t| t.matches(addr)).find(|hits| !hits.is_empty());
        hits.unwrap_or_default().iter().filter_map(|&(_, place)| self.rules.get(place))
    }

    /// What the deciding rules ([`RuleSet::matches`]) say about a port. Empty when no rule holds the address.
    pub fn reverse(&self, addr: Ipv4Addr, port: u16) -> Vec<RuleAnswer<'_>> {
        self.matches(addr)
            .map(|rule| RuleAnswer { rule, reverse: rule.rule().reverse(addr, port) })
            .collect()
    }

    /// What the deciding rules ([`RuleSet::matches`]) say together. Every one of them is asked: rules for one
    /// subscriber each share an address, and two rules that name two holders are doubt.
    ///
    /// ```
    /// use portledger::mapping::{BasicMappingRule, NamedRule, PsidParams, RuleSet, SetAnswer};
    /// let v4 = "203.0.113.9/32".parse().unwrap();
    /// let share = |name, v6: &str, psid| {
    ///     let params = PsidParams::new(6, 4)?;
    ///     let rule = BasicMappingRule::one_to_one(v6.parse().unwrap(), v4, params, psid)?;
    ///     Ok::<_, portledger::mapping::RuleError>(NamedRule::new(name, rule))
    /// };
    /// let set = RuleSet::new(
    ///     "one-to-one",
    ///     vec![share("p0", "2001:db8:4000::/48", 0)?, share("p7", "2001:db8:4007::/48", 7)?],
    /// );
    /// let SetAnswer::Mapped(answer) = set.answer(v4.addr(), 1024 + 7 * 64) else { panic!() };
    /// assert_eq!(answer.rule.name(), "p7");
    /// assert_eq!(set.answer(v4.addr(), 1024 + 5 * 64), SetAnswer::NoSubscriber);
    /// assert_eq!(set.answer(v4.addr(), 80), SetAnswer::ExcludedPort);
    /// # Ok::<(), portledger::mapping::RuleError>(())
    /// ```
    ///
    /// # Complexity
    ///
    /// That of [`RuleSet::matches`], plus the number of deciding rules; allocates only for
    /// [`SetAnswer::Ambiguous`].
    pub fn answer(&self, addr: Ipv4Addr, port: u16) -> SetAnswer<'_> {
        let mut first: Option<RuleAnswer<'_>> = None;
        let (mut is_ambiguous, mut is_other, mut is_excluded) = (false, false, false);
        for rule in self.matches(addr) {
            let reverse = rule.rule().reverse(addr, port);
            match reverse.end_user_prefix() {
                Some(prefix) => match first {
                    Some(held) => is_ambiguous |= held.reverse.end_user_prefix() != Some(prefix),
                    None => first = Some(RuleAnswer { rule, reverse }),
                },
                None if reverse == Reverse::ExcludedPort => is_excluded = true,
                None => is_other = true,
            }
        }
        match first {
            Some(_) if is_ambiguous => {
                let mut owners = self.reverse(addr, port);
                owners.retain(|a| a.reverse.end_user_prefix().is_some());
                SetAnswer::Ambiguous(owners)
            }
            Some(answer) => SetAnswer::Mapped(answer),
            None if is_other => SetAnswer::NoSubscriber,
            None if is_excluded => SetAnswer::ExcludedPort,
            None => SetAnswer::OutsideRules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{BasicMappingRule, PsidParams};

    fn rule(name: &str, v6: &str, v4: &str, ea_len: u8) -> NamedRule {
        let rule = BasicMappingRule::new(v6.parse().unwrap(), v4.parse().unwrap(), ea_len, 6, None);
        NamedRule::new(name, rule.unwrap())
    }

    fn names(set: &RuleSet, addr: &str) -> Vec<String> {
        set.matches(addr.parse().unwrap()).map(|r| r.name().to_owned()).collect()
    }

    #[test]
    fn the_longest_ipv4_prefix_decides() {
        let set = RuleSet::new(
            "nested",
            vec![
                rule("all", "2001:db8:4000::/36", "0.0.0.0/0", 33),
                rule("c", "2001:db8:300::/48", "192.0.2.200/32", 8),
                rule("a", "2001:db8:100::/40", "192.0.2.0/24", 16),
                rule("b", "2001:db8:200::/41", "192.0.2.128/25", 15),
            ],
        );
        for (addr, name) in [
            ("192.0.2.127", "a"),
            ("192.0.2.128", "b"),
            ("192.0.2.199", "b"),
            ("192.0.2.200", "c"),
            ("192.0.2.201", "b"),
            ("192.0.3.0", "all"),
            ("255.255.255.255", "all"),
        ] {
            assert_eq!(names(&set, addr), [name], "{addr}");
        }
    }

    #[test]
    fn equally_long_rules_all_answer() {
        let set = RuleSet::new(
            "twice",
            vec![
                rule("b", "2001:db8:9000::/40", "203.0.113.0/24", 16),
                rule("shorter", "2001:db8:b000::/36", "203.0.0.0/16", 20),
                rule("a", "2001:db8:a000::/40", "203.0.113.0/24", 16),
            ],
        );
        let answers = set.reverse("203.0.113.44".parse().unwrap(), 1024);
        let named: Vec<_> = answers
            .iter()
            .map(|a| match a.reverse {
                Reverse::Mapped { end_user_prefix, .. } => {
                    (a.rule.name(), end_user_prefix.to_string())
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            named,
            [("b", "2001:db8:902c::/56".to_owned()), ("a", "2001:db8:a02c::/56".to_owned())]
        );
    }

    #[test]
    fn an_excluded_port_does_not_fall_through_to_a_shorter_prefix() {
        // The shorter rule has no offset: alone it would give port 80 to somebody.
        let shorter = BasicMappingRule::new(
            "2001:db8:9000::/36".parse().unwrap(),
            "203.0.0.0/16".parse().unwrap(),
            20,
            0,
            None,
        );
        let set = RuleSet::new(
            "nested",
            vec![
                NamedRule::new("shorter", shorter.unwrap()),
                rule("longer", "2001:db8:a000::/40", "203.0.113.0/24", 16),
            ],
        );
        let answers = set.reverse("203.0.113.1".parse().unwrap(), 80);
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].rule.name(), answers[0].reverse), ("longer", Reverse::ExcludedPort));
    }

    #[test]
    fn one_table_loaded_twice_names_one_holder() {
        let a = rule("a", "2001:db8:9000::/40", "203.0.113.0/24", 16);
        let b = rule("b", "2001:db8:9000::/40", "203.0.113.0/24", 16);
        let set = RuleSet::new("twice", vec![a, b]);
        let answer = set.answer("203.0.113.44".parse().unwrap(), 1024);
        assert!(matches!(answer, SetAnswer::Mapped(a) if a.rule.name() == "a"), "{answer:?}");
    }

    #[test]
    fn a_port_that_one_rule_excludes_and_another_leaves_open_is_not_called_excluded() {
        // Two rules of one address with different offsets: a fault, and neither says the port is nobody's.
        let one = |name, a, psid| {
            let params = PsidParams::new_assert(a, 4);
            let v6 = "2001:db8::/48".parse().unwrap();
            let v4 = "203.0.113.9/32".parse().unwrap();
            NamedRule::new(name, BasicMappingRule::one_to_one(v6, v4, params, psid).unwrap())
        };
        let set = RuleSet::new("mixed", vec![one("a6", 6, 0), one("a4", 4, 0)]);
        let answer = |port| set.answer("203.0.113.9".parse().unwrap(), port);
        assert_eq!(answer(1023), SetAnswer::ExcludedPort);
        assert_eq!(answer(4095), SetAnswer::NoSubscriber);
    }

    #[test]
    fn an_empty_set_holds_no_address() {
        let set = RuleSet::new("none", Vec::new());
        assert_eq!(set.answer(Ipv4Addr::UNSPECIFIED, 0), SetAnswer::OutsideRules);
        assert!(RuleSet::new("none", Vec::new()).reverse(Ipv4Addr::UNSPECIFIED, 0).is_empty());
    }
}
