//! Published rules of services, by name. Where they come from, and how far to trust them, is in the README beside the
//! tables.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::mapping::{BasicMappingRule, CeLayout, NamedRule, RuleSet, Transport};

/// A service whose MAP-E rules are public.
///
/// They were observed from outside by public tools and may change without notice: compare with the operator's own rules,
/// for the time of the question, before a name is given to anyone. All of these services build the address of the
/// customer edge as [`CeLayout::Draft03`](crate::mapping::CeLayout::Draft03).
///
/// # Text form
///
/// `v6plus`, `ocn`, `biglobe`.
///
/// ```
/// use portledger::mapping::{Preset, SetAnswer};
/// let set = "v6plus".parse::<Preset>()?.rules();
/// let SetAnswer::Mapped(answer) = set.answer("106.73.9.9".parse().unwrap(), 5000) else { panic!() };
/// assert_eq!(answer.reverse.end_user_prefix().unwrap().to_string(), "240b:11:909:3800::/56");
/// # Ok::<(), portledger::mapping::UnknownPreset>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// v6plus of JPNE: 4 rules, 256 subscribers to an address, 240 ports each.
    V6plus,
    /// OCN Virtual Connect: the 155 rules of its provisioning API, 64 subscribers to an address, 1008 ports each.
    Ocn,
    /// BIGLOBE: 258 rules, 256 subscribers to an address, 240 ports each.
    Biglobe,
}

/// No preset has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no published rules are known as `{0}`: write v6plus, ocn or biglobe")]
pub struct UnknownPreset(String);

impl Preset {
    /// Every preset.
    pub const ALL: [Preset; 3] = [Preset::V6plus, Preset::Ocn, Preset::Biglobe];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Preset::V6plus => "v6plus",
            Preset::Ocn => "ocn",
            Preset::Biglobe => "biglobe",
        }
    }

    /// How the customer edges of the service make their addresses: as the drafts of MAP say.
    pub const fn ce_layout(self) -> CeLayout {
        CeLayout::Draft03
    }

    const fn table(self) -> &'static str {
        match self {
            Preset::V6plus => include_str!("v6plus.csv"),
            Preset::Ocn => include_str!("ocn.csv"),
            Preset::Biglobe => include_str!("biglobe.csv"),
        }
    }

    /// The rules, each under the name of the service and its Rule IPv6 prefix, such as `v6plus 240b:10::/31`.
    #[expect(clippy::missing_panics_doc, reason = "every line of every table is read by a test")]
    pub fn rules(self) -> RuleSet {
        let rules = self.table().lines().skip(1).map(|line| {
            let (rule, br) = read(line).expect("the tables of presets are sound");
            NamedRule::new(format!("{self} {}", rule.v6()), rule)
                .with_transport(Transport::Encapsulation { br })
        });
        RuleSet::new(self.name(), rules.collect())
    }
}

/// One line of a table.
fn read(line: &str) -> Option<(BasicMappingRule, Ipv6Addr)> {
    let mut columns = line.split(',');
    let v6 = columns.next()?.parse().ok()?;
    let v4 = columns.next()?.parse().ok()?;
    let ea_len = columns.next()?.parse().ok()?;
    let offset = columns.next()?.parse().ok()?;
    let len = columns.next()?.parse().ok()?;
    let br = columns.next()?.parse().ok()?;
    let rule = BasicMappingRule::new(v6, v4, ea_len, offset, Some(len)).ok()?;
    columns.next().is_none().then_some((rule, br))
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let found = Preset::ALL.into_iter().find(|p| p.name() == s);
        found.ok_or_else(|| UnknownPreset(s.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_table_loads_and_no_two_rules_share_a_prefix() {
        for (preset, rules, ports) in
            [(Preset::V6plus, 4, 240), (Preset::Ocn, 155, 1008), (Preset::Biglobe, 258, 240)]
        {
            let set = preset.rules();
            assert_eq!((set.name(), set.rules().len()), (preset.name(), rules));
            let v4: HashSet<_> = set.rules().iter().map(|r| r.rule().v4()).collect();
            let v6: HashSet<_> = set.rules().iter().map(|r| r.rule().v6()).collect();
            assert_eq!((v4.len(), v6.len()), (rules, rules), "{preset}");
            assert_eq!(set.validate(), [], "{preset}");
            for rule in set.rules() {
                let rule = rule.rule();
                assert_eq!(rule.mapped_len(), 56, "{preset} {}", rule.v6());
                assert_eq!(rule.psid_params().ports(0).unwrap().len(), ports, "{preset}");
                // No host bits were cleared on the way in.
                let line = format!("{},{},", rule.v6(), rule.v4());
                assert!(preset.table().contains(&line), "{preset} {line}");
            }
        }
    }

    #[test]
    fn the_services_do_not_overlap() {
        let all: Vec<NamedRule> =
            Preset::ALL.iter().flat_map(|p| p.rules().rules().to_vec()).collect();
        assert_eq!(all.len(), 417);
        assert_eq!(RuleSet::new("all", all).validate(), []);
    }

    #[test]
    fn names_are_read_back_and_others_refused() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        let err = "nuro".parse::<Preset>().unwrap_err();
        assert!(err.to_string().contains("`nuro`") && err.to_string().contains("biglobe"), "{err}");
    }

    #[test]
    fn a_line_that_is_no_rule_is_not_read() {
        let good = "240b:10::/31,106.72.0.0/15,25,4,8,2404:9200:225:100::64";
        assert!(read(good).is_some());
        for bad in [&good[..good.len() - 25], &format!("{good},x"), &good.replace(",8,", ",7,")] {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
