//! The rows of one or several relays, and their index.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::ops::Range;

use ipnet::Ipv6Net;

use super::{LwB4, LwKind, LwReverse, Softwire};
use crate::mapping::PsidParams;
use crate::port::{PortRange, PortSet};
use crate::time::{TimeRange, Timestamp};

/// A binding table over time (RFC 7596 section 6.1).
///
/// Two tables are equal when they hold the same rows, in whatever order these were given.
///
/// ```
/// use portledger::TimeRange;
/// use portledger::mapping::PsidParams;
/// use portledger::mapping::lw4o6::{BindingTable, LwB4, LwKind, Softwire};
/// let params = PsidParams::new(0, 8)?;
/// let (ann, bob): (LwB4, LwB4) = ("2001:db8::a".parse()?, "2001:db8::b".parse()?);
/// let addr = "192.0.2.1".parse()?;
/// let table = BindingTable::new(vec![
///     Softwire::new(addr, params, 52, ann)?.with_lifetime("@100/@200".parse()?),
///     Softwire::new(addr, params, 52, bob)?.with_lifetime("@200/".parse()?),
/// ]);
/// let at = |s: &str| TimeRange::instant(s.parse().unwrap());
/// assert_eq!(table.reverse(addr, 13_312, at("@199.999999")).b4(), Some(ann));
/// assert_eq!(table.reverse(addr, 13_312, at("@200")).b4(), Some(bob));
/// assert_eq!(table.reverse(addr, 13_312, "@199/@201".parse()?).kind(), LwKind::Ambiguous);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BindingTable {
    /// Ascending: the rows of an address, of its port parameters, of a PSID are neighbours, by start of lifetime.
    rows: Vec<Softwire>,
    /// For each row the latest end among it and the rows before it with its address, port parameters and PSID.
    reach: Vec<Timestamp>,
    addrs: HashMap<Ipv4Addr, Vec<Group>>,
    /// The rows of an address, port parameters and PSID.
    shares: HashMap<(Ipv4Addr, PsidParams, u16), Range<usize>>,
    /// Places of rows, ascending by B4.
    by_b4: Vec<usize>,
    /// The lengths of the B4 prefixes, ascending.
    b4_lens: Vec<u8>,
    /// How many rows were given more than once.
    repeated: usize,
}

/// The rows of one address with the same port parameters.
#[derive(Clone, Debug)]
struct Group {
    params: PsidParams,
    places: Range<usize>,
}

impl BindingTable {
    /// A table of these rows; a row given twice is kept once.
    ///
    /// # Complexity
    ///
    /// `O(n log n)` in the number of rows.
    pub fn new(mut rows: Vec<Softwire>) -> BindingTable {
        rows.sort_unstable();
        let given = rows.len();
        rows.dedup();
        let mut table = BindingTable {
            reach: Vec::with_capacity(rows.len()),
            repeated: given - rows.len(),
            ..Self::default()
        };
        for (place, row) in rows.iter().enumerate() {
            let (params, end) = (row.psid_params(), row.lifetime().end());
            let groups = table.addrs.entry(row.ipv4()).or_default();
            match groups.last_mut() {
                Some(group) if group.params == params => group.places.end = place + 1,
                _ => groups.push(Group { params, places: place..place + 1 }),
            }
            let share = table.shares.entry((row.ipv4(), params, row.psid()));
            let mut reach = end;
            share
                .and_modify(|places| {
                    places.end = place + 1;
                    reach = table.reach.last().copied().map_or(end, |before| before.max(end));
                })
                .or_insert(place..place + 1);
            table.reach.push(reach);
        }
        table.b4_lens = rows.iter().map(|row| row.b4().net().prefix_len()).collect();
        table.b4_lens.sort_unstable();
        table.b4_lens.dedup();
        table.by_b4 = (0..rows.len()).collect();
        table.by_b4.sort_by_key(|&place| rows.get(place).map(|row| b4_key(row.b4())));
        table.rows = rows;
        table
    }

    /// The rows, ascending: by address, port parameters, PSID, lifetime, B4 and relay.
    pub fn rows(&self) -> &[Softwire] {
        &self.rows
    }

    /// How many rows the table holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many rows were given again after the first time, and are not held.
    pub const fn repeated(&self) -> usize {
        self.repeated
    }

    /// Whether the table holds no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there is a row for the address, at whatever time.
    pub fn covers(&self, addr: Ipv4Addr) -> bool {
        self.addrs.contains_key(&addr)
    }

    /// Who held a port at any instant of `during`.
    ///
    /// Every row in force is asked with its own port parameters. For an ICMP query the identifier takes the place of
    /// the port, for an ICMP error the port of the quoted packet (RFC 7596 section 8.1); every protocol has the same
    /// port set.
    ///
    /// # Complexity
    ///
    /// Two hash lookups, then logarithmic in the rows of the share, as long as the address has one set of port
    /// parameters and rows of one share do not overlap in time. Without a holder, up to linear in the rows of the
    /// address.
    pub fn reverse(&self, addr: Ipv4Addr, port: u16, during: TimeRange) -> LwReverse<'_> {
        let Some(groups) = self.addrs.get(&addr) else {
            return LwReverse::nobody(LwKind::UnknownAddress, None, false);
        };
        let mut owners = Vec::new();
        for group in groups {
            if let Some(psid) = group.params.psid(port)
                && let Some(places) = self.shares.get(&(addr, group.params, psid))
            {
                self.collect_in_force(places.clone(), during, &mut owners);
            }
        }
        if groups.len() == 1 && !owners.is_empty() {
            return LwReverse::of_rows(owners, false);
        }
        let in_force = |group: &&Group| {
            self.slice(group.places.clone()).iter().any(|row| row.lifetime().overlaps(during))
        };
        let psids: Vec<Option<u16>> =
            groups.iter().filter(in_force).map(|group| group.params.psid(port)).collect();
        let is_mixed = psids.len() > 1;
        if !owners.is_empty() {
            owners.sort_unstable_by_key(|row| row.lifetime());
            return LwReverse::of_rows(owners, is_mixed);
        }
        let kind = if !psids.is_empty() && psids.iter().all(Option::is_none) {
            LwKind::ExcludedPort
        } else {
            LwKind::NoSoftwire
        };
        let first = psids.first().copied().flatten();
        let agreed = first.filter(|_| psids.iter().all(|psid| *psid == first));
        LwReverse::nobody(kind, agreed, is_mixed)
    }

    /// The ports that a B4 holds at any instant of `during`, by address; several where it has several rows.
    ///
    /// Only rows that name exactly this address or prefix count; [`BindingTable::rows_in`] joins by overlap.
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of rows, linear in the rows of the B4.
    pub fn forward(&self, b4: impl Into<LwB4>, during: TimeRange) -> Vec<(Ipv4Addr, PortSet)> {
        let mut held: BTreeMap<Ipv4Addr, Vec<PortRange>> = BTreeMap::new();
        for row in self.exactly(b4.into()).filter(|row| row.lifetime().overlaps(during)) {
            held.entry(row.ipv4()).or_default().extend(row.ports().ranges());
        }
        held.into_iter().map(|(addr, ranges)| (addr, ranges.into_iter().collect())).collect()
    }

    /// The rows in force at any instant of `during` whose B4 lies in the prefix, or is a prefix that holds it.
    ///
    /// A subscriber database may know a longer or shorter prefix than the table.
    pub fn rows_in(&self, prefix: Ipv6Net, during: TimeRange) -> Vec<&Softwire> {
        let asked = prefix.trunc();
        let shorter = self.b4_lens.iter().take_while(|len| **len < asked.prefix_len());
        let holding = shorter.filter_map(|len| Ipv6Net::new(asked.network(), *len).ok());
        let holding = holding.flat_map(|net| self.exactly(LwB4::prefix(net)));
        let first = self.first_of(b4_key(LwB4::prefix(asked)));
        let inside = self.places_from(first).take_while(|row| asked.contains(&row.b4().net()));
        holding.chain(inside).filter(|row| row.lifetime().overlaps(during)).collect()
    }

    /// Everybody who shares the address at any instant of `during`: the answer to a question without a port.
    ///
    /// # Complexity
    ///
    /// Linear in the rows of the address.
    pub fn owners(&self, addr: Ipv4Addr, during: TimeRange) -> impl Iterator<Item = &Softwire> {
        let groups = self.addrs.get(&addr).into_iter().flatten();
        groups
            .flat_map(|group| self.slice(group.places.clone()))
            .filter(move |row| row.lifetime().overlaps(during))
    }

    fn slice(&self, places: Range<usize>) -> &[Softwire] {
        self.rows.get(places).unwrap_or_default()
    }

    /// Adds the rows of one share that are in force during the time, by lifetime.
    fn collect_in_force<'a>(
        &'a self,
        places: Range<usize>,
        during: TimeRange,
        found: &mut Vec<&'a Softwire>,
    ) {
        let rows = self.slice(places.clone());
        let reach = self.reach.get(places).unwrap_or_default();
        let begun = rows.partition_point(|row| row.lifetime().start() < during.end());
        let own = found.len();
        // Backwards, until no row before can reach into the time.
        for (row, reach) in rows.iter().zip(reach).take(begun).rev() {
            if *reach <= during.start() {
                break;
            }
            if row.lifetime().overlaps(during) {
                found.push(row);
            }
        }
        if let Some(new) = found.get_mut(own..) {
            new.reverse();
        }
    }

    /// The place in `by_b4` of the first row whose B4 is not below.
    fn first_of(&self, key: (u128, u8)) -> usize {
        let is_below = |&place: &usize| self.rows.get(place).is_some_and(|r| b4_key(r.b4()) < key);
        self.by_b4.partition_point(is_below)
    }

    fn places_from(&self, first: usize) -> impl Iterator<Item = &Softwire> {
        let places = self.by_b4.get(first..).unwrap_or_default();
        places.iter().filter_map(|&place| self.rows.get(place))
    }

    fn exactly(&self, b4: LwB4) -> impl Iterator<Item = &Softwire> {
        self.places_from(self.first_of(b4_key(b4))).take_while(move |row| row.b4() == b4)
    }
}

/// The order in which what a prefix holds follows it.
fn b4_key(b4: LwB4) -> (u128, u8) {
    (u128::from(b4.net().network()), b4.net().prefix_len())
}

impl PartialEq for BindingTable {
    fn eq(&self, other: &BindingTable) -> bool {
        self.rows == other.rows
    }
}

impl Eq for BindingTable {}

impl FromIterator<Softwire> for BindingTable {
    fn from_iter<I: IntoIterator<Item = Softwire>>(rows: I) -> BindingTable {
        BindingTable::new(rows.into_iter().collect())
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
