//! What is wrong between the rules of a set.

use std::collections::HashMap;
use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::mapping::{BasicMappingRule, NamedRule, PsidParams, RuleSet};

/// Something in a rule set that its owner should look at. Rules are named by their places in [`RuleSet::rules`].
///
/// # Text form
///
/// One sentence with the names of the rules: [`Finding::describe`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The very same rule twice: a table was loaded twice. Answers stay right.
    Repeated {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
    },
    /// The inner rule says what the outer one says already: two tables of one network were loaded, one of them split
    /// further. Answers stay right.
    Implied {
        /// The rule with the shorter Rule IPv4 prefix.
        outer: usize,
        /// The rule with the longer one.
        inner: usize,
    },
    /// Two rules with the same Rule IPv4 prefix (and PSID, where they have one) name different holders: every answer
    /// from them is ambiguous.
    EqualPrefixes {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
    },
    /// One Rule IPv4 prefix lies in another. The inner rule decides on its addresses; what the outer one would give
    /// there is given to nobody.
    Overlap {
        /// The rule with the shorter Rule IPv4 prefix.
        outer: usize,
        /// The rule with the longer one.
        inner: usize,
    },
    /// Two rules share the ports of one address out differently: their port sets collide (RFC 7597 section 5.1 wants
    /// one PSID offset and length for an address).
    MixedParams {
        /// The first of the two.
        first: usize,
        /// The second.
        second: usize,
    },
    /// One Rule IPv6 prefix lies in another, or is the same. A customer edge there takes the longer one (RFC 7597
    /// section 5), so what the outer rule maps to it is not what it uses.
    OverlapIpv6 {
        /// The rule with the shorter Rule IPv6 prefix.
        outer: usize,
        /// The rule with the longer one, or the second.
        inner: usize,
    },
    /// No subscriber can have what the rule gives.
    CannotBe {
        /// The rule.
        rule: usize,
        /// Why not.
        reason: Impossible,
    },
}

/// Why no subscriber can have what a rule gives. Rules whose numbers do not fit together never come so far
/// ([`RuleError`](crate::mapping::RuleError)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Impossible {
    /// The Rule IPv4 prefix lies in 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4 or 240.0.0.0/4: no host has such an address.
    NoHostAddress,
    /// The Rule IPv6 prefix lies in `::/8` or `ff00::/8`: nobody is delegated a prefix of it.
    NoDelegatedPrefix,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Impossible::NoHostAddress => "no host can have an address of its Rule IPv4 prefix",
            Impossible::NoDelegatedPrefix => {
                "nobody can be delegated a prefix under its Rule IPv6 prefix"
            }
        })
    }
}

impl Finding {
    /// Whether answers suffer: they become ambiguous, or may name somebody who did not have the port. The others cost
    /// nothing but room.
    pub const fn harms_answers(&self) -> bool {
        !matches!(self, Finding::Repeated { .. } | Finding::Implied { .. })
    }

    /// The finding in one sentence, with the names of the rules and what to do.
    pub fn describe(&self, set: &RuleSet) -> String {
        let name = |place: &usize| {
            let rule = set.rules().get(*place);
            rule.map_or_else(|| format!("#{place}"), |r| format!("`{}`", r.name()))
        };
        match self {
            Finding::Repeated { first, second } => {
                format!("{} repeats {}: remove one", name(second), name(first))
            }
            Finding::Implied { outer, inner } => format!(
                "{} says what {} says already: load one table of the network, not two",
                name(inner),
                name(outer)
            ),
            Finding::EqualPrefixes { first, second } => format!(
                "{} and {} give the same addresses and ports to different prefixes: remove the one that was not in force",
                name(first),
                name(second)
            ),
            Finding::Overlap { outer, inner } => format!(
                "{} lies in {} and decides there: check that both were in force",
                name(inner),
                name(outer)
            ),
            Finding::MixedParams { first, second } => format!(
                "{} and {} share the ports of one address out differently: correct the PSID offset or length of one",
                name(first),
                name(second)
            ),
            Finding::OverlapIpv6 { outer, inner } => format!(
                "customers under {} take that rule, not {}: correct one of the Rule IPv6 prefixes",
                name(inner),
                name(outer)
            ),
            Finding::CannotBe { rule, reason } => {
                format!("{}: {reason}: correct the prefix", name(rule))
            }
        }
    }
}

impl RuleSet {
    /// Looks for rules that cannot stand beside each other, or cannot be at all. Empty when there is nothing to say.
    ///
    /// A prefix inside several others is reported once, against the nearest; rules that share all of a prefix are each
    /// compared with the first of them.
    ///
    /// ```
    /// use portledger::mapping::{BasicMappingRule, Finding, NamedRule, RuleSet};
    /// let rule = |name, v6: &str| {
    ///     let v4 = "203.0.113.0/24".parse().unwrap();
    ///     NamedRule::new(name, BasicMappingRule::new(v6.parse().unwrap(), v4, 16, 6, None).unwrap())
    /// };
    /// let set = RuleSet::new("x", vec![
    ///     rule("a", "2001:db8:9000::/40"),
    ///     rule("b", "2001:db8:a000::/40"),
    /// ]);
    /// let findings = set.validate();
    /// assert_eq!(findings, [Finding::EqualPrefixes { first: 0, second: 1 }]);
    /// assert!(findings[0].harms_answers() && findings[0].describe(&set).contains("`a` and `b`"));
    /// ```
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of rules, and at most five findings for each.
    pub fn validate(&self) -> Vec<Finding> {
        let rules: Vec<&BasicMappingRule> = self.rules().iter().map(NamedRule::rule).collect();
        let mut findings = Vec::new();
        for (rule, place) in rules.iter().zip(0..) {
            let reasons = [
                (is_no_host_address(rule.v4()), Impossible::NoHostAddress),
                (is_no_delegated_prefix(rule.v6()), Impossible::NoDelegatedPrefix),
            ];
            for (_, reason) in reasons.into_iter().filter(|(is, _)| *is) {
                findings.push(Finding::CannotBe { rule: place, reason });
            }
        }
        same_v4(&rules, &mut findings);
        // Only the first rule of each prefix: the others were compared with it.
        let mut by_v4: Vec<(Ipv4Net, usize)> =
            rules.iter().zip(0..).map(|(rule, place)| (rule.v4(), place)).collect();
        by_v4.sort_unstable();
        by_v4.dedup_by_key(|(v4, _)| *v4);
        nested(
            &by_v4,
            |outer, inner| outer.contains(&inner),
            |outer, inner| {
                let is_implied = match (rules.get(outer), rules.get(inner)) {
                    (Some(a), Some(b)) => implies(a, b),
                    _ => false,
                };
                findings.push(if is_implied {
                    Finding::Implied { outer, inner }
                } else {
                    Finding::Overlap { outer, inner }
                });
            },
        );
        let mut by_v6: Vec<(Ipv6Net, usize)> =
            rules.iter().zip(0..).map(|(rule, place)| (rule.v6(), place)).collect();
        by_v6.sort_unstable();
        nested(
            &by_v6,
            |outer, inner| outer.contains(&inner),
            |outer, inner| {
                let is_said = match (rules.get(outer), rules.get(inner)) {
                    (Some(a), Some(b)) => implies(a, b),
                    _ => true,
                };
                if !is_said {
                    findings.push(Finding::OverlapIpv6 { outer, inner });
                }
            },
        );
        findings
    }
}

/// Rules with one Rule IPv4 prefix.
fn same_v4(rules: &[&BasicMappingRule], findings: &mut Vec<Finding>) {
    let mut same: HashMap<&BasicMappingRule, usize> = HashMap::new();
    let mut params: HashMap<Ipv4Net, (PsidParams, usize)> = HashMap::new();
    let mut shares: HashMap<(Ipv4Net, Option<u16>), usize> = HashMap::new();
    for (rule, second) in rules.iter().zip(0..) {
        if let Some(&first) = same.get(rule) {
            findings.push(Finding::Repeated { first, second });
            continue;
        }
        same.insert(rule, second);
        let (expected, first) = *params.entry(rule.v4()).or_insert((rule.psid_params(), second));
        // Without a PSID the offset has no effect.
        let own = rule.psid_params();
        let is_same_word =
            expected.len() == own.len() && (own.len() == 0 || expected.offset() == own.offset());
        if !is_same_word {
            findings.push(Finding::MixedParams { first, second });
            continue;
        }
        let key = (rule.v4(), rule.own_psid());
        // A rule for every PSID meets each rule for one.
        let all = (rule.v4(), None);
        let any = first != second && rule.own_psid().is_none();
        let met = shares.get(&key).or_else(|| shares.get(&all)).copied().or(any.then_some(first));
        if let Some(first) = met {
            findings.push(Finding::EqualPrefixes { first, second });
        }
        shares.entry(key).or_insert(second);
    }
}

/// Calls `found` with the places of the nearest outer and the inner item, for items in the order of their prefixes.
fn nested<N: Copy>(
    items: &[(N, usize)],
    contains: impl Fn(N, N) -> bool,
    mut found: impl FnMut(usize, usize),
) {
    // The chain of prefixes that hold the present one.
    let mut open: Vec<(N, usize)> = Vec::new();
    for &(net, place) in items {
        while open.last().is_some_and(|(outer, _)| !contains(*outer, net)) {
            open.pop();
        }
        if let Some(&(_, outer)) = open.last() {
            found(outer, place);
        }
        open.push((net, place));
    }
}

/// Whether the inner rule says nothing but what the outer one says: its prefixes are the outer ones with the same bits
/// of the address after them, and the rest is read alike.
fn implies(outer: &BasicMappingRule, inner: &BasicMappingRule) -> bool {
    let word = |rule: &BasicMappingRule| (rule.psid_params(), rule.own_psid(), rule.mapped_len());
    if word(outer) != word(inner) || !outer.v4().contains(&inner.v4()) {
        return false;
    }
    let bits = inner.v4().prefix_len() - outer.v4().prefix_len();
    if inner.v6().prefix_len() != outer.v6().prefix_len().saturating_add(bits)
        || outer.ea_len() < bits
    {
        return false;
    }
    // The first holder under the inner rule is the same under both, and with it all of them.
    let addr = inner.v4().network();
    let first = |rule: &BasicMappingRule| rule.end_users(addr).next().map(|(_, prefix)| prefix);
    first(outer) == first(inner)
}

fn is_no_host_address(v4: Ipv4Net) -> bool {
    let first = v4.network().octets()[0];
    let len = v4.prefix_len();
    (len >= 8 && matches!(first, 0 | 127)) || (len >= 4 && first >= 224)
}

fn is_no_delegated_prefix(v6: Ipv6Net) -> bool {
    v6.prefix_len() >= 8 && matches!(v6.network().octets()[0], 0 | 0xff)
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
