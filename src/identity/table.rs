//! The bindings of a ledger, found by inside host and time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::binding::Binding;
use super::space::{self, Prefix, Space};
use crate::inside::InsideHost;
use crate::time::{TimeRange, Timestamp};

/// All bindings, ready to be asked who an inside host was.
///
/// # Complexity
///
/// With `n` bindings, `p` prefix lengths in use in one realm and `k` results: [`new`](IdentityTable::new)
/// `O(n log n)`; [`lookup`](IdentityTable::lookup) `O(p log n + k log n)`; the changes `O(p log n)`. A host that is
/// itself a prefix also visits every key inside it.
#[derive(Clone, Debug, Default)]
pub struct IdentityTable {
    /// By key, then by the start of `outer`.
    bindings: Vec<Binding>,
    /// The latest end of `outer` in the half-open range whose middle is this position; see [`fill`].
    latest: Vec<Timestamp>,
    /// Each key's edges in time, sorted, without duplicates.
    edges: Vec<Timestamp>,
    spaces: BTreeMap<Space, BTreeMap<u8, BTreeMap<u128, Group>>>,
}

/// The bindings of one key: positions in `bindings` and in `edges`, half-open.
#[derive(Clone, Copy, Debug)]
struct Group {
    first: usize,
    end: usize,
    first_edge: usize,
    end_edge: usize,
}

impl IdentityTable {
    /// A table of these bindings, in any order.
    pub fn new(bindings: Vec<Binding>) -> IdentityTable {
        let mut placed: Vec<(Space, Prefix, Binding)> = bindings
            .into_iter()
            .map(|binding| {
                let (space, prefix) = space::of_key(&binding.key);
                (space, prefix, binding)
            })
            .collect();
        placed.sort_by(|(space_a, prefix_a, a), (space_b, prefix_b, b)| {
            (space_a, prefix_a, a.outer.start(), a.outer.end(), &a.subscriber, &a.origin).cmp(&(
                space_b,
                prefix_b,
                b.outer.start(),
                b.outer.end(),
                &b.subscriber,
                &b.origin,
            ))
        });
        let mut table = IdentityTable {
            bindings: Vec::with_capacity(placed.len()),
            ..IdentityTable::default()
        };
        let mut group_edges = Vec::new();
        let mut placed = placed.into_iter().peekable();
        while let Some((space, prefix, binding)) = placed.next() {
            let first = table.bindings.len();
            push_edges(&binding, &mut group_edges);
            table.bindings.push(binding);
            while let Some((_, _, binding)) =
                placed.next_if(|(s, p, _)| *s == space && *p == prefix)
            {
                push_edges(&binding, &mut group_edges);
                table.bindings.push(binding);
            }
            group_edges.sort_unstable();
            group_edges.dedup();
            let first_edge = table.edges.len();
            table.edges.append(&mut group_edges);
            let group =
                Group { first, end: table.bindings.len(), first_edge, end_edge: table.edges.len() };
            table.latest.resize(group.end, Timestamp::MIN);
            fill(&table.bindings, &mut table.latest, group.first, group.end);
            let lengths = table.spaces.entry(space).or_default();
            lengths.entry(prefix.length).or_default().insert(prefix.bits, group);
        }
        table
    }

    /// Who the host could have been during `during`: every binding of an overlapping key whose `outer` meets it,
    /// longest prefix first, then by time.
    ///
    /// A shorter prefix gives way to a longer one only where the longer one certainly holds the host: its key
    /// covers all of the host, and its `inner` covers all that the shorter one claims of `during`.
    pub fn lookup(&self, host: &InsideHost, during: TimeRange) -> Vec<&Binding> {
        let (space, prefix) = space::of_host(host);
        let mut found: Vec<(u8, &Binding)> = Vec::new();
        self.groups(&space, prefix, |length, group| {
            self.meeting(group.first, group.end, during, &mut |b| found.push((length, b)));
        });
        found.sort_by_key(|(length, b)| (Reverse(*length), b.outer.start()));
        let mut kept = Vec::with_capacity(found.len());
        let mut certain = Certain::default();
        for same_length in found.chunk_by(|(a, _), (b, _)| a == b) {
            kept.extend(same_length.iter().map(|(_, b)| *b).filter(|b| {
                b.outer.intersection(during).is_none_or(|claimed| !certain.covers(claimed))
            }));
            // A key longer than the host says nothing of the rest of the host.
            let inners = same_length.iter().filter(|(length, _)| *length <= prefix.length);
            certain.add(inners.filter_map(|(_, b)| b.inner));
        }
        kept
    }

    /// The first instant later than `after` at which a binding of an overlapping key begins or ends, in its outer
    /// or inner sense; none where nothing changes any more.
    pub fn next_change(&self, host: &InsideHost, after: Timestamp) -> Option<Timestamp> {
        self.change(host, |edges| edges.get(edges.partition_point(|edge| *edge <= after)).copied())
            .min()
    }

    /// The last instant earlier than `before` at which a binding of an overlapping key begins or ends, in its
    /// outer or inner sense. Ranges are half-open: an edge at `t` means that the state changed between the
    /// microsecond before `t` and `t`.
    pub fn previous_change(&self, host: &InsideHost, before: Timestamp) -> Option<Timestamp> {
        self.change(host, |edges| {
            let after = edges.partition_point(|edge| *edge < before);
            edges.get(after.checked_sub(1)?).copied()
        })
        .max()
    }

    /// How many bindings there are.
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// All bindings, by key, then by time.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Whether any binding, of any time, is of a key that overlaps the host.
    pub fn knows(&self, host: &InsideHost) -> bool {
        let (space, prefix) = space::of_host(host);
        let mut known = false;
        self.groups(&space, prefix, |_, _| known = true);
        known
    }

    /// Visits the groups of every overlapping key, shortest prefix first.
    fn groups(&self, space: &Space, host: Prefix, mut visit: impl FnMut(u8, Group)) {
        let Some(lengths) = self.spaces.get(space) else { return };
        for (&length, nets) in lengths {
            if length <= host.length {
                if let Some(group) = nets.get(&host.widened(length).bits) {
                    visit(length, *group);
                }
            } else {
                for group in nets.range(host.bits..=host.last()).map(|(_, group)| group) {
                    visit(length, *group);
                }
            }
        }
    }

    /// Visits the bindings in `[first, end)` of one group whose outer range meets `during`.
    fn meeting<'a>(
        &'a self,
        first: usize,
        end: usize,
        during: TimeRange,
        visit: &mut impl FnMut(&'a Binding),
    ) {
        if first >= end {
            return;
        }
        let middle = first.midpoint(end);
        let (Some(binding), Some(latest)) = (self.bindings.get(middle), self.latest.get(middle))
        else {
            return;
        };
        if *latest <= during.start() {
            return;
        }
        self.meeting(first, middle, during, visit);
        if binding.outer.start() < during.end() {
            if during.start() < binding.outer.end() {
                visit(binding);
            }
            self.meeting(middle + 1, end, during, visit);
        }
    }

    fn change(
        &self,
        host: &InsideHost,
        nearest: impl Fn(&[Timestamp]) -> Option<Timestamp>,
    ) -> impl Iterator<Item = Timestamp> {
        let (space, prefix) = space::of_host(host);
        let mut found = Vec::new();
        self.groups(&space, prefix, |_, group| {
            let edges = self.edges.get(group.first_edge..group.end_edge).unwrap_or_default();
            found.extend(nearest(edges));
        });
        found.into_iter()
    }
}

impl FromIterator<Binding> for IdentityTable {
    fn from_iter<I: IntoIterator<Item = Binding>>(bindings: I) -> Self {
        IdentityTable::new(bindings.into_iter().collect())
    }
}

/// What longer prefixes certainly hold; asks only whether one range covers all.
#[derive(Default)]
struct Certain {
    /// Sorted by start, each end raised to the latest end so far.
    ranges: Vec<(Timestamp, Timestamp)>,
}

impl Certain {
    fn add(&mut self, inners: impl Iterator<Item = TimeRange>) {
        self.ranges.extend(inners.map(|inner| (inner.start(), inner.end())));
        self.ranges.sort_unstable();
        let mut latest = Timestamp::MIN;
        for (_, end) in &mut self.ranges {
            latest = latest.max(*end);
            *end = latest;
        }
    }

    fn covers(&self, claimed: TimeRange) -> bool {
        let after = self.ranges.partition_point(|(start, _)| *start <= claimed.start());
        after
            .checked_sub(1)
            .and_then(|at| self.ranges.get(at))
            .is_some_and(|(_, end)| claimed.end() <= *end)
    }
}

fn push_edges(binding: &Binding, edges: &mut Vec<Timestamp>) {
    let ranges = [Some(binding.outer), binding.inner];
    edges.extend(
        ranges
            .into_iter()
            .flatten()
            .flat_map(|range| [range.start(), range.end()])
            .filter(|edge| *edge != Timestamp::MIN && *edge != Timestamp::MAX),
    );
}

/// Makes `[first, end)` an implicit search tree: the middle is the root, the halves are its subtrees, and `latest`
/// at the root is the latest end below it. The depth is the logarithm of the length.
fn fill(bindings: &[Binding], latest: &mut [Timestamp], first: usize, end: usize) -> Timestamp {
    if first >= end {
        return Timestamp::MIN;
    }
    let middle = first.midpoint(end);
    let own = bindings.get(middle).map_or(Timestamp::MIN, |b| b.outer.end());
    let below = fill(bindings, latest, first, middle).max(fill(bindings, latest, middle + 1, end));
    if let Some(slot) = latest.get_mut(middle) {
        *slot = own.max(below);
    }
    own.max(below)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::{Began, Ended};
    use crate::identity::BindingOrigin;

    fn bound(key: &str, who: &str, outer: &str, inner: Option<&str>) -> Binding {
        Binding {
            key: key.parse().unwrap(),
            subscriber: who.into(),
            outer: outer.parse().unwrap(),
            inner: inner.map(|r| r.parse().unwrap()),
            began: Began::Logged,
            ended: Ended::Logged,
            origin: BindingOrigin::default(),
        }
    }

    fn who(table: &IdentityTable, host: &str, during: &str) -> Vec<String> {
        let found = table.lookup(&host.parse().unwrap(), during.parse().unwrap());
        found.iter().map(|b| b.subscriber.to_string()).collect()
    }

    #[test]
    fn every_binding_that_could_hold_is_named() {
        //      10   11        20   21
        //  a   |----[inner----]----|
        //  b                  |----[inner ...
        let table = IdentityTable::new(vec![
            bound("10.0.0.1", "a", "@10/@21", Some("@11/@20")),
            bound("10.0.0.1", "b", "@20/", Some("@21/")),
        ]);
        assert_eq!(who(&table, "10.0.0.1", "@9/@10"), [""; 0]);
        assert_eq!(who(&table, "10.0.0.1", "@10/@11"), ["a"]);
        assert_eq!(who(&table, "10.0.0.1", "@20/@20.5"), ["a", "b"]);
        assert_eq!(who(&table, "10.0.0.1", "@21/@22"), ["b"]);
        assert_eq!(who(&table, "10.0.0.1%x", "@21/@22"), [""; 0]);
        assert_eq!(who(&table, "10.0.0.1", "/"), ["a", "b"]);
    }

    #[test]
    fn a_longer_prefix_wins_only_where_it_is_certain() {
        //            10   11        20   21
        //  /24 lan   ------------------------------   always
        //  /32 host  |----[inner----]----|
        let table = IdentityTable::new(vec![
            bound("10.0.0.0/24", "lan", "/", Some("/")),
            bound("10.0.0.1", "host", "@10/@21", Some("@11/@20")),
        ]);
        assert_eq!(who(&table, "10.0.0.1", "@12/@13"), ["host"]);
        assert_eq!(who(&table, "10.0.0.1", "@10/@10.5"), ["host", "lan"]);
        assert_eq!(who(&table, "10.0.0.1", "@19/@20.5"), ["host", "lan"]);
        assert_eq!(who(&table, "10.0.0.1", "@30/@31"), ["lan"]);
        assert_eq!(who(&table, "10.0.0.2", "@12/@13"), ["lan"]);
    }

    #[test]
    fn a_key_that_holds_only_part_of_the_host_drops_nobody() {
        let table = IdentityTable::new(vec![
            bound("2001:db8::/56", "home", "/", Some("/")),
            bound("2001:db8:0:1::/64", "guest", "/", Some("/")),
        ]);
        assert_eq!(who(&table, "2001:db8::/56", "@1/@2"), ["guest", "home"]);
        assert_eq!(who(&table, "2001:db8:0:1::5", "@1/@2"), ["guest"]);
        assert_eq!(who(&table, "2001:db8:0:2::5", "@1/@2"), ["home"]);
    }

    #[test]
    fn changes_are_strict_and_know_no_infinity() {
        let table = IdentityTable::new(vec![
            bound("10.0.0.0/8", "lan", "/", Some("/@5")),
            bound("10.0.0.1", "a", "@10/@21", Some("@11/@20")),
        ]);
        let host: InsideHost = "10.0.0.1".parse().unwrap();
        let at = Timestamp::from_second;
        assert_eq!(table.next_change(&host, Timestamp::MIN), Some(at(5)));
        assert_eq!(table.next_change(&host, at(5)), Some(at(10)));
        assert_eq!(table.next_change(&host, at(11)), Some(at(20)));
        assert_eq!(table.next_change(&host, at(21)), None);
        assert_eq!(table.previous_change(&host, at(21)), Some(at(20)));
        assert_eq!(table.previous_change(&host, at(10)), Some(at(5)));
        assert_eq!(table.previous_change(&host, at(5)), None);
    }
}
