//! Which rule sets were in force when.

use std::net::Ipv4Addr;

use rangemap::RangeInclusiveSet;

use crate::mapping::{NamedRule, RuleSet, Stateless};
use crate::time::{TimeRange, Timestamp};

/// The number of a rule set in its history, in the order in which they were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleSetId(pub u32);

/// A rule set and the time for which it speaks.
#[derive(Clone, Copy, Debug)]
pub struct RulesInForce<'a> {
    /// The number of the set.
    pub id: RuleSetId,
    /// The time for which the set is in force; from [`RuleHistory::matching`] the stretch of it in which the rule
    /// decides. Never clipped to the question, so that it shows how far the edge is.
    pub in_force: TimeRange,
    /// The rules.
    pub set: &'a Stateless,
}

/// Rule sets over time.
///
/// A change of the rules is a new set with its own range of time. Ranges are half-open, so the instant on the boundary
/// of two versions belongs to the later one alone. Sets of different domains can be in force at once:
///
/// ```text
///  east v1  |--------------|
///  east v2                 |-----------------...
///  west          |---------------------------...
/// ```
///
/// ```
/// use portledger::TimeRange;
/// use portledger::mapping::{RuleHistory, RuleSet};
/// let mut history = RuleHistory::new();
/// history.add(RuleSet::new("east", vec![]).with_version("1"), "@100/@200".parse()?);
/// history.add(RuleSet::new("east", vec![]).with_version("2"), "@200/".parse()?);
/// let at = TimeRange::instant("@200".parse()?);
/// let versions: Vec<_> = history.in_force(at).filter_map(|r| r.set.version()).collect();
/// assert_eq!(versions, ["2"]);
/// # Ok::<(), portledger::time::ParseTimeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RuleHistory {
    sets: Vec<(TimeRange, Stateless)>,
    /// The addresses of MAP rules.
    covered: RangeInclusiveSet<u32>,
}

/// A set of MAP rules that holds an address, and how long its longest matching prefix is.
struct Match<'a> {
    place: usize,
    in_force: TimeRange,
    set: &'a Stateless,
    rules: &'a RuleSet,
    len: u8,
}

impl RuleHistory {
    /// A history without rules.
    pub fn new() -> RuleHistory {
        RuleHistory::default()
    }

    /// Adds a set that was, or is, in force for that time.
    ///
    /// A set does not end another one: whoever replaces a version gives the old one its end
    /// ([`RuleHistory::set_in_force`]), as [`Succession`](crate::mapping::Succession) says.
    ///
    /// # Panics
    ///
    /// When there are 2^32 sets already.
    pub fn add(&mut self, set: impl Into<Stateless>, in_force: TimeRange) -> RuleSetId {
        let set = set.into();
        let id = id_of(self.sets.len());
        for rule in set.as_map().into_iter().flat_map(RuleSet::rules) {
            let v4 = rule.rule().v4();
            self.covered.insert(u32::from(v4.network())..=u32::from(v4.broadcast()));
        }
        self.sets.push((in_force, set));
        id
    }

    /// Gives a set another time for which it is in force. Nothing when there is no such set.
    pub fn set_in_force(&mut self, id: RuleSetId, in_force: TimeRange) {
        let place = usize::try_from(id.0).ok();
        if let Some((held, _)) = place.and_then(|place| self.sets.get_mut(place)) {
            *held = in_force;
        }
    }

    /// The sets that are in force at any instant of `during`, in the order in which they were added.
    ///
    /// # Complexity
    ///
    /// Linear in the number of sets in the history.
    pub fn in_force(&self, during: TimeRange) -> impl Iterator<Item = RulesInForce<'_>> {
        self.all().filter(move |r| r.in_force.overlaps(during))
    }

    /// Every set, in the order in which they were added.
    pub fn all(&self) -> impl Iterator<Item = RulesInForce<'_>> {
        self.sets.iter().enumerate().map(|(place, (in_force, set))| RulesInForce {
            id: id_of(place),
            in_force: *in_force,
            set,
        })
    }

    /// The set with that number, and the whole time for which it is in force.
    pub fn get(&self, id: RuleSetId) -> Option<RulesInForce<'_>> {
        let (in_force, set) = self.sets.get(usize::try_from(id.0).ok()?)?;
        Some(RulesInForce { id, in_force: *in_force, set })
    }

    /// Whether some rule of some version holds the address, at whatever time.
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of separate address ranges of MAP rules, linear in the number of other sets.
    pub fn covers(&self, addr: Ipv4Addr) -> bool {
        self.covered.contains(&u32::from(addr)) || self.sets.iter().any(|(_, set)| set.covers(addr))
    }

    /// The MAP rules that decide about an address during a time: at each instant, those with the longest Rule IPv4 prefix
    /// among all sets in force at that instant. Equally long ones are all kept.
    ///
    /// [`RulesInForce::in_force`] is the stretch of time in which the rule decides, not clipped to `during`. A rule that
    /// another set outranks for a while occurs once for each of its stretches that meet `during`:
    ///
    /// ```text
    ///  /24 of one set      |=====|           |=======|     two stretches
    ///  /25 of another            |===========|             one
    /// ```
    ///
    /// In the order of the sets, then of time; instants that no item holds have no rule for the address.
    ///
    /// # Complexity
    ///
    /// Linear in the number of sets in the history; quadratic in the number of sets that hold the address and meet in
    /// time.
    pub fn matching(
        &self,
        addr: Ipv4Addr,
        during: TimeRange,
    ) -> Vec<(RulesInForce<'_>, &NamedRule)> {
        let mut found = Vec::new();
        let asked = self.matches(addr, during);
        let Some(hull) = hull(asked.iter().map(|m| m.in_force)) else {
            return found;
        };
        // A set that is not in force during the question can still bound the stretch of one that is.
        let around = self.matches(addr, hull);
        for own in &asked {
            let longer: Vec<TimeRange> =
                around.iter().filter(|m| m.len > own.len).map(|m| m.in_force).collect();
            for in_force in without(own.in_force, longer) {
                if in_force.overlaps(during) {
                    let here = RulesInForce { id: id_of(own.place), in_force, set: own.set };
                    found.extend(own.rules.matches(addr).map(|rule| (here, rule)));
                }
            }
        }
        found
    }

    fn matches(&self, addr: Ipv4Addr, during: TimeRange) -> Vec<Match<'_>> {
        let sets = self.sets.iter().enumerate().filter(|(_, (t, _))| t.overlaps(during));
        sets.filter_map(|(place, (in_force, set))| {
            let rules = set.as_map()?;
            let len = rules.matches(addr).next()?.rule().v4().prefix_len();
            Some(Match { place, in_force: *in_force, set, rules, len })
        })
        .collect()
    }
}

fn id_of(place: usize) -> RuleSetId {
    RuleSetId(u32::try_from(place).expect("a history holds fewer than 2^32 sets"))
}

/// The shortest range that holds all ranges.
fn hull(ranges: impl Iterator<Item = TimeRange>) -> Option<TimeRange> {
    let (start, end) = ranges.fold((Timestamp::MAX, Timestamp::MIN), |(start, end), r| {
        (start.min(r.start()), end.max(r.end()))
    });
    TimeRange::new(start, end).ok()
}

/// What is left of `range` outside `holes`, ascending.
fn without(range: TimeRange, mut holes: Vec<TimeRange>) -> Vec<TimeRange> {
    holes.sort_unstable();
    let mut left = Vec::new();
    let mut from = range.start();
    for hole in holes {
        left.extend(TimeRange::new(from, hole.start().min(range.end())));
        from = from.max(hole.end());
    }
    left.extend(TimeRange::new(from, range.end()));
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::BasicMappingRule;

    fn set(name: &str, v4: &str) -> RuleSet {
        let v4: ipnet::Ipv4Net = v4.parse().unwrap();
        let v6 = "2001:db8::/32".parse().unwrap();
        let ea_len = 32 - v4.prefix_len() + 8;
        let rule = BasicMappingRule::new(v6, v4, ea_len, 6, None).unwrap();
        RuleSet::new(name, vec![NamedRule::new(name, rule)])
    }

    fn time(s: &str) -> TimeRange {
        s.parse().unwrap()
    }

    fn at(s: &str) -> TimeRange {
        TimeRange::instant(s.parse().unwrap())
    }

    const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 200);

    /// Name and stretch of each deciding rule.
    fn deciding(history: &RuleHistory, during: TimeRange) -> Vec<(String, TimeRange)> {
        let found = history.matching(HOST, during);
        found.iter().map(|(r, rule)| (rule.name().to_owned(), r.in_force)).collect()
    }

    #[test]
    fn the_instant_on_a_boundary_belongs_to_the_later_version() {
        let mut history = RuleHistory::new();
        assert_eq!(history.add(set("v1", "192.0.2.0/24"), time("@100/@200")), RuleSetId(0));
        assert_eq!(history.add(set("v2", "192.0.2.0/24"), time("@200/")), RuleSetId(1));
        let names = |during| -> Vec<_> {
            history.in_force(during).map(|r| r.set.name().unwrap().to_owned()).collect()
        };
        assert!(names(at("@99.999999")).is_empty());
        assert_eq!(names(at("@100")), ["v1"]);
        assert_eq!(names(at("@199.999999")), ["v1"]);
        assert_eq!(names(at("@200")), ["v2"]);
        assert_eq!(names(time("@199/@201")), ["v1", "v2"]);
        assert_eq!(deciding(&history, at("@200")), [("v2".to_owned(), time("@200/"))]);
    }

    #[test]
    fn the_longest_prefix_decides_across_sets_and_only_while_it_is_in_force() {
        //  wide    |------------------------|
        //  narrow        |------|
        let mut history = RuleHistory::new();
        history.add(set("wide", "192.0.2.0/24"), time("@0/@100"));
        history.add(set("narrow", "192.0.2.128/25"), time("@40/@60"));
        let wide = |s| ("wide".to_owned(), time(s));
        let narrow = || ("narrow".to_owned(), time("@40/@60"));
        assert_eq!(deciding(&history, at("@39.999999")), [wide("@0/@40")]);
        assert_eq!(deciding(&history, at("@40")), [narrow()]);
        assert_eq!(deciding(&history, at("@60")), [wide("@60/@100")]);
        assert_eq!(
            deciding(&history, time("@30/@70")),
            [wide("@0/@40"), wide("@60/@100"), narrow()]
        );
        assert!(deciding(&history, at("@100")).is_empty());
        assert_eq!(history.get(RuleSetId(0)).unwrap().in_force, time("@0/@100"));
        assert!(history.get(RuleSetId(2)).is_none());
    }

    #[test]
    fn equally_long_rules_of_two_domains_are_both_kept() {
        let mut history = RuleHistory::new();
        history.add(set("east", "192.0.2.0/24"), time("@0/"));
        history.add(set("west", "192.0.2.0/24"), time("/@50"));
        let found = deciding(&history, at("@10"));
        assert_eq!(found, [("east".to_owned(), time("@0/")), ("west".to_owned(), time("/@50"))]);
        assert_eq!(deciding(&history, at("@50")).len(), 1);
    }

    #[test]
    fn an_address_stays_covered_after_its_rules_ended() {
        let mut history = RuleHistory::new();
        history.add(set("old", "192.0.2.0/24"), time("@0/@1"));
        history.add(set("top", "255.255.255.255/32"), time("@0/@1"));
        for (addr, is_covered) in [
            ("192.0.1.255", false),
            ("192.0.2.0", true),
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("255.255.255.254", false),
            ("255.255.255.255", true),
        ] {
            assert_eq!(history.covers(addr.parse().unwrap()), is_covered, "{addr}");
        }
    }

    #[test]
    fn holes_leave_what_they_do_not_touch() {
        let left = |holes: &[&str]| -> Vec<String> {
            let holes = holes.iter().map(|s| time(s)).collect();
            without(time("@10/@20"), holes)
                .iter()
                .map(|r| {
                    format!(
                        "{}-{}",
                        r.start().as_microsecond() / 1_000_000,
                        r.end().as_microsecond() / 1_000_000
                    )
                })
                .collect()
        };
        assert_eq!(left(&[]), ["10-20"]);
        assert_eq!(left(&["@1/@10", "@20/@30"]), ["10-20"]);
        assert_eq!(left(&["@1/@11", "@19/@30"]), ["11-19"]);
        assert_eq!(left(&["@15/@16", "@12/@13", "@12/@14"]), ["10-12", "14-15", "16-20"]);
        assert!(left(&["/"]).is_empty());
        assert!(left(&["@5/@30", "@6/@7", "@25/@40"]).is_empty());
    }
}
