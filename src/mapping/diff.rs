//! What a change of rules takes from whom and gives to whom.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv4Addr;

use super::holders::{Holdings, PortHolder, PortWalk, Step};
use super::{AddressRanges, BasicMappingRule, NamedRule, RuleSet, Stateless};
use crate::port::PortRange;
use crate::time::TimeRange;

/// Ports whose holder is another one under the new rules, on each of a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortChange {
    /// The first public address.
    pub first: Ipv4Addr,
    /// The last one.
    pub last: Ipv4Addr,
    /// The ports, on each of the addresses.
    pub ports: PortRange,
    /// Who had them.
    pub old: PortHolder,
    /// Who has them now; never the same.
    pub new: PortHolder,
}

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// From nobody to somebody, or to the pool that is handed out on demand.
    Gained,
    /// From somebody, or from the pool that is handed out on demand, to nobody.
    Lost,
    /// From one to another.
    Moved,
}

impl PortChange {
    /// The kind.
    pub const fn kind(&self) -> ChangeKind {
        match (&self.old, &self.new) {
            (PortHolder::Nobody, _) => ChangeKind::Gained,
            (_, PortHolder::Nobody) => ChangeKind::Lost,
            _ => ChangeKind::Moved,
        }
    }

    /// How many addresses there are.
    pub fn addresses(&self) -> u64 {
        u64::from(u32::from(self.last) - u32::from(self.first)) + 1
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChangeKind::Gained => "gained",
            ChangeKind::Lost => "lost",
            ChangeKind::Moved => "moved",
        })
    }
}

/// Every port whose holder is another one under new rules, of whichever mechanisms: ascending by address, then by port.
///
/// Neighbouring ports with the same two holders are one [`PortChange`], and so are neighbouring addresses all of whose
/// changes are the same. A port that a rule hands out on demand has the holder [`PortHolder::OnDemand`]. Hosts are
/// compared as the rules name them: an End-user prefix and a B4 in it are two.
///
/// ```
/// use portledger::TimeRange;
/// use portledger::mapping::{RulesDiff, read_rules};
/// let old = read_rules(b"address,first,last,inside\n192.0.2.1,1024,2047,100.64.0.1\n")?;
/// let new = read_rules(b"address,first,last,inside\n192.0.2.1,1024,1535,100.64.0.1\n192.0.2.1,1536,2559,100.64.0.2\n")?;
/// let changes: Vec<String> = RulesDiff::new(&old, &new)
///     .map(|c| format!("{}:{} {} {} -> {}", c.first, c.ports, c.kind(), c.old, c.new))
///     .collect();
/// assert_eq!(changes, [
///     "192.0.2.1:1536-2047 moved 100.64.0.1 -> 100.64.0.2",
///     "192.0.2.1:2048-2559 gained nobody -> 100.64.0.2",
/// ]);
/// # Ok::<(), portledger::mapping::ReadRulesError>(())
/// ```
///
/// # Complexity
///
/// Linear in the port ranges of both on every address that one of them has; addresses on which the deciding MAP rules
/// are the same are stepped over. Memory for the port ranges of two addresses at a time.
#[derive(Clone, Debug)]
pub struct RulesDiff<'a> {
    old: (&'a Stateless, TimeRange),
    new: (&'a Stateless, TimeRange),
    /// Addresses that are still to be looked at, the first ones last.
    spans: Vec<(u32, u32)>,
    /// An address that was read, and is not like the one before.
    ahead: Option<(u32, View)>,
    /// The addresses whose changes are being told.
    telling: Option<Telling>,
}

#[derive(Clone, Debug)]
struct Telling {
    first: u32,
    last: u32,
    view: View,
    walk: ChangeWalk,
}

impl<'a> RulesDiff<'a> {
    /// The changes from old rules to new ones. Rows of binding tables that have times are taken for all time together,
    /// as [`Stateless::reverse`] does.
    pub fn new(old: &'a Stateless, new: &'a Stateless) -> RulesDiff<'a> {
        RulesDiff::at(old, TimeRange::ALL, new, TimeRange::ALL)
    }

    /// The changes from the rows that are in force at any instant of one time to those of another; for rules without
    /// times of their own the same as [`RulesDiff::new`].
    pub fn at(
        old: &'a Stateless,
        old_during: TimeRange,
        new: &'a Stateless,
        new_during: TimeRange,
    ) -> RulesDiff<'a> {
        let (had, has) = (old.addresses(old_during), new.addresses(new_during));
        let addresses = had.union(&has);
        let mut spans = match (old, new) {
            (Stateless::Map(old), Stateless::Map(new)) => changed_spans(old, new, &addresses),
            (Stateless::Deterministic(old), Stateless::Deterministic(new)) if old == new => {
                Vec::new()
            }
            _ => addresses.numbers().to_vec(),
        };
        spans.reverse();
        RulesDiff {
            old: (old, old_during),
            new: (new, new_during),
            spans,
            ahead: None,
            telling: None,
        }
    }

    /// Looks at so many addresses only; whether that leaves some out.
    pub(super) fn cut_to(&mut self, limit: u64) -> bool {
        let (mut kept, mut room, mut is_cut) = (Vec::new(), limit, false);
        while let Some((first, last)) = self.spans.pop() {
            let len = u64::from(last - first) + 1;
            if room >= len {
                kept.push((first, last));
                room -= len;
                continue;
            }
            let part = u32::try_from(room).ok().filter(|room| *room > 0);
            kept.extend(part.map(|room| (first, first + room - 1)));
            is_cut = true;
            break;
        }
        kept.reverse();
        self.spans = kept;
        is_cut
    }

    fn read_address(&mut self) -> Option<(u32, View)> {
        let (first, last) = self.spans.pop()?;
        if first < last {
            self.spans.push((first + 1, last));
        }
        let addr = Ipv4Addr::from(first);
        let view = View {
            old: Holdings::of(self.old.0, addr, self.old.1),
            new: Holdings::of(self.new.0, addr, self.new.1),
        };
        Some((first, view))
    }

    /// The next addresses that are alike.
    fn next_alike(&mut self) -> Option<Telling> {
        let (first, view) = match self.ahead.take() {
            Some(ahead) => ahead,
            None => self.read_address()?,
        };
        let mut last = first;
        while let Some((addr, next)) = self.read_address() {
            if last.checked_add(1) != Some(addr) || !view.changes_as(&next) {
                self.ahead = Some((addr, next));
                break;
            }
            last = addr;
        }
        Some(Telling { first, last, view, walk: ChangeWalk::default() })
    }
}

impl Iterator for RulesDiff<'_> {
    type Item = PortChange;

    fn next(&mut self) -> Option<PortChange> {
        loop {
            if let Some(telling) = &mut self.telling
                && let Some((ports, old, new)) = telling.walk.next(&telling.view)
            {
                let (first, last) = (telling.first.into(), telling.last.into());
                return Some(PortChange { first, last, ports, old, new });
            }
            self.telling = Some(self.next_alike()?);
        }
    }
}

/// The addresses on which the deciding rules differ.
fn changed_spans(old: &RuleSet, new: &RuleSet, addresses: &AddressRanges) -> Vec<(u32, u32)> {
    // Between two edges of rules the same rules decide.
    let nets = old.rules().iter().chain(new.rules()).map(|rule| rule.rule().v4());
    let mut edges: Vec<u32> = nets
        .flat_map(|v4| [Some(v4.network().into()), u32::from(v4.broadcast()).checked_add(1)])
        .flatten()
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let mut spans = Vec::new();
    for &(first, last) in addresses.numbers() {
        let mut from = first;
        loop {
            let next = edges.get(edges.partition_point(|edge| *edge <= from));
            let end = next.map_or(last, |edge| last.min(edge - 1));
            if deciding(old, from) != deciding(new, from) {
                spans.push((from, end));
            }
            if end == last {
                break;
            }
            from = end + 1;
        }
    }
    spans
}

fn deciding(set: &RuleSet, addr: u32) -> HashSet<&BasicMappingRule> {
    set.matches(addr.into()).map(NamedRule::rule).collect()
}

/// One address under both.
#[derive(Clone, Debug)]
struct View {
    old: Holdings,
    new: Holdings,
}

impl View {
    /// Whether another address has exactly the same changes.
    fn changes_as(&self, other: &View) -> bool {
        let (mut own, mut theirs) = (ChangeWalk::default(), ChangeWalk::default());
        loop {
            match (own.next(self), theirs.next(other)) {
                (None, None) => return true,
                (a, b) if a != b => return false,
                _ => {}
            }
        }
    }
}

/// A place in the changes of an address.
#[derive(Clone, Debug, Default)]
struct ChangeWalk {
    old: Side,
    new: Side,
    /// A change that may still grow: its first port, the port behind it, and the two holders.
    open: Option<(u32, u32, PortHolder, PortHolder)>,
}

#[derive(Clone, Debug, Default)]
struct Side {
    walk: PortWalk,
    step: Option<Step>,
}

impl Side {
    /// Steps on where the last step ended at or before this port.
    fn reach(&mut self, port: u32, holdings: &Holdings) -> Option<&Step> {
        if self.step.as_ref().is_none_or(|step| step.end <= port) {
            self.step = self.walk.step(holdings);
        }
        self.step.as_ref()
    }
}

impl ChangeWalk {
    fn next(&mut self, view: &View) -> Option<(PortRange, PortHolder, PortHolder)> {
        let steps_end = |side: &Side| side.step.as_ref().map_or(0, |step| step.end);
        loop {
            let at = steps_end(&self.old).min(steps_end(&self.new));
            let (Some(old), Some(new)) =
                (self.old.reach(at, &view.old), self.new.reach(at, &view.new))
            else {
                return closed(self.open.take()?);
            };
            let (first, end) = (old.first.max(new.first), old.end.min(new.end));
            if old.holder == new.holder {
                if let Some(change) = self.open.take() {
                    return closed(change);
                }
                continue;
            }
            match &mut self.open {
                // A stretch without change in between would have closed it.
                Some((_, behind, was, is)) if *was == old.holder && *is == new.holder => {
                    *behind = end;
                }
                open => {
                    let next = (first, end, old.holder.clone(), new.holder.clone());
                    if let Some(change) = open.replace(next) {
                        return closed(change);
                    }
                }
            }
        }
    }
}

fn closed(
    (first, end, old, new): (u32, u32, PortHolder, PortHolder),
) -> Option<(PortRange, PortHolder, PortHolder)> {
    let (first, last) = (u16::try_from(first).ok()?, u16::try_from(end.checked_sub(1)?).ok()?);
    Some((PortRange::new(first, last).ok()?, old, new))
}

/// What changes come to, counted as they go by.
///
/// Hosts are told apart by a 64-bit hash: about 20 bytes for each, whatever their kind.
#[derive(Clone, Debug, Default)]
pub struct DiffTotals {
    addresses: u64,
    ports: u64,
    losing: HashSet<u64>,
    gaining: HashSet<u64>,
    last: Option<Ipv4Addr>,
}

impl DiffTotals {
    /// Counts a change; changes come in the order of [`RulesDiff`].
    pub fn add(&mut self, change: &PortChange) {
        if self.last.replace(change.first) != Some(change.first) {
            self.addresses += change.addresses();
        }
        self.ports += u64::from(change.ports.len()) * change.addresses();
        let (old, new) = (change.old.hosts(), change.new.hosts());
        self.losing.extend(old.iter().filter(|host| !new.contains(host)).map(hash));
        self.gaining.extend(new.iter().filter(|host| !old.contains(host)).map(hash));
    }

    /// On how many public addresses a port has another holder.
    pub const fn addresses(&self) -> u64 {
        self.addresses
    }

    /// How many ports have another holder, each on each address.
    pub const fn ports(&self) -> u64 {
        self.ports
    }

    /// How many hosts lose a port.
    pub fn losing(&self) -> usize {
        self.losing.len()
    }

    /// How many hosts gain a port.
    pub fn gaining(&self) -> usize {
        self.gaining.len()
    }
}

fn hash<T: Hash>(value: T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
