//! Sets of public addresses, and which of them rules speak about.

use std::fmt;
use std::net::Ipv4Addr;

use super::detnat::Deterministic;
use super::lw4o6::Softwire;
use super::{RuleSet, Stateless};
use crate::time::TimeRange;

/// A set of IPv4 addresses, held as closed ranges.
///
/// # Text form
///
/// The ranges joined by commas: `192.0.2.1,198.51.100.0-198.51.100.7`; the empty set is the empty text.
///
/// ```
/// use portledger::mapping::AddressRanges;
/// let addr = |s: &str| s.parse().unwrap();
/// let one: AddressRanges = [(addr("192.0.2.4"), addr("192.0.2.7")), (addr("192.0.2.8"), addr("192.0.2.9"))].into_iter().collect();
/// assert_eq!((one.to_string().as_str(), one.len()), ("192.0.2.4-192.0.2.9", 6));
/// let two: AddressRanges = [(addr("192.0.2.6"), addr("192.0.2.7"))].into_iter().collect();
/// assert!(one.overlaps(&two));
/// assert_eq!(one.without(&two).to_string(), "192.0.2.4-192.0.2.5,192.0.2.8-192.0.2.9");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRanges {
    /// Ascending, with a gap between any two.
    ranges: Vec<(u32, u32)>,
}

impl AddressRanges {
    /// The ranges, first and last address, ascending, with a gap between any two.
    pub fn ranges(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> + '_ {
        self.ranges.iter().map(|&(first, last)| (first.into(), last.into()))
    }

    /// How many addresses there are.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether the two have an address in common.
    ///
    /// # Complexity
    ///
    /// Linear in the ranges of both.
    pub fn overlaps(&self, other: &AddressRanges) -> bool {
        self.common(other).next().is_some()
    }

    /// The addresses that are in both.
    #[must_use]
    pub fn intersection(&self, other: &AddressRanges) -> AddressRanges {
        AddressRanges { ranges: self.common(other).collect() }
    }

    /// The addresses that are not in the other.
    #[must_use]
    pub fn without(&self, other: &AddressRanges) -> AddressRanges {
        let mut left = Vec::new();
        let mut holes = other.ranges.iter().peekable();
        for &(first, last) in &self.ranges {
            let mut from = Some(first);
            while let Some(&&(hole, end)) = holes.peek() {
                if hole > last {
                    break;
                }
                if let Some(start) = from.filter(|start| *start < hole) {
                    left.push((start, hole - 1));
                }
                from = match end.checked_add(1) {
                    Some(next) => from.map(|start| start.max(next)),
                    None => None,
                };
                if end >= last {
                    break;
                }
                holes.next();
            }
            left.extend(from.filter(|start| *start <= last).map(|start| (start, last)));
        }
        AddressRanges { ranges: left }
    }

    /// The addresses of both.
    #[must_use]
    pub fn union(&self, other: &AddressRanges) -> AddressRanges {
        AddressRanges::of(self.ranges.iter().chain(&other.ranges).copied().collect())
    }

    /// The ranges as numbers.
    pub(crate) fn numbers(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Of closed ranges in any order; those that run backwards are none.
    pub(crate) fn of(mut given: Vec<(u32, u32)>) -> AddressRanges {
        given.retain(|(first, last)| first <= last);
        given.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for (first, last) in given {
            match ranges.last_mut() {
                Some(held) if u64::from(first) <= u64::from(held.1) + 1 => {
                    held.1 = held.1.max(last);
                }
                _ => ranges.push((first, last)),
            }
        }
        AddressRanges { ranges }
    }

    fn common<'a>(&'a self, other: &'a AddressRanges) -> impl Iterator<Item = (u32, u32)> + 'a {
        let (mut own, mut theirs) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        std::iter::from_fn(move || {
            loop {
                let (&&(a, b), &&(c, d)) = (own.peek()?, theirs.peek()?);
                if b <= d {
                    own.next();
                } else {
                    theirs.next();
                }
                if a.max(c) <= b.min(d) {
                    return Some((a.max(c), b.min(d)));
                }
            }
        })
    }
}

impl FromIterator<(Ipv4Addr, Ipv4Addr)> for AddressRanges {
    /// Of first and last addresses; a range that runs backwards holds none.
    fn from_iter<I: IntoIterator<Item = (Ipv4Addr, Ipv4Addr)>>(ranges: I) -> AddressRanges {
        AddressRanges::of(ranges.into_iter().map(|(a, b)| (a.into(), b.into())).collect())
    }
}

impl fmt::Display for AddressRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl Stateless {
    /// The public addresses about which a rule, row or NAT speaks at any instant of `during`. Only rows of a binding
    /// table have times of their own.
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of rules, rows or blocks.
    pub fn addresses(&self, during: TimeRange) -> AddressRanges {
        match self {
            Stateless::Map(set) => map_addresses(set),
            Stateless::Lw4o6(table) => {
                let rows = table.rows().iter().filter(|row| row.lifetime().overlaps(during));
                AddressRanges::of(rows.map(Softwire::ipv4).map(|a| (a.into(), a.into())).collect())
            }
            Stateless::Deterministic(nats) => {
                AddressRanges::of(nats.iter().flat_map(Deterministic::outside_ranges).collect())
            }
        }
    }
}

fn map_addresses(set: &RuleSet) -> AddressRanges {
    let nets = set.rules().iter().map(|rule| rule.rule().v4());
    AddressRanges::of(nets.map(|v4| (v4.network().into(), v4.broadcast().into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The addresses of the first 32 that are in the set.
    fn bits(set: &AddressRanges) -> u32 {
        let ranges = set.numbers().iter();
        ranges.flat_map(|&(a, b)| a..=b).fold(0, |bits, at| bits | 1 << at)
    }

    fn set() -> impl Strategy<Value = AddressRanges> {
        prop::collection::vec((0..32_u32, 0..8_u32), 0..6).prop_map(|ranges| {
            AddressRanges::of(ranges.iter().map(|&(a, n)| (a, (a + n).min(31))).collect())
        })
    }

    proptest! {
        #[test]
        fn sets_agree_with_bits(a in set(), b in set()) {
            prop_assert_eq!(bits(&a.without(&b)), bits(&a) & !bits(&b));
            prop_assert_eq!(bits(&a.intersection(&b)), bits(&a) & bits(&b));
            prop_assert_eq!(bits(&a.union(&b)), bits(&a) | bits(&b));
            prop_assert_eq!(a.overlaps(&b), bits(&a) & bits(&b) != 0);
            prop_assert_eq!(a.len(), u64::from(bits(&a).count_ones()));
        }
    }

    #[test]
    fn the_last_address_ends_a_set() {
        let all = AddressRanges::of(vec![(0, u32::MAX)]);
        let top = AddressRanges::of(vec![(u32::MAX, u32::MAX)]);
        assert_eq!(all.without(&top).to_string(), "0.0.0.0-255.255.255.254");
        assert_eq!(top.without(&all), AddressRanges::default());
        assert_eq!((all.len(), all.union(&top)), (1 << 32, all.clone()));
    }
}
