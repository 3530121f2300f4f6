//! Begins and ends that nobody logged, shown by other holders of an exclusive key.
//!
//! ```text
//!   A   create |====- - - - - - - - - - - - - -|            A's release was lost: over when B surely held the key
//!   B                             create |====| release
//!   C               - - - - - - - - - - - - - |=========| release    C's create was lost: not before B was gone
//! ```

use std::net::Ipv4Addr;

use super::Map;
use super::profile::Profile;
use crate::allocation::{Allocation, Began, Destination, Ended, Grain};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How many records were bounded so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Implied {
    pub(super) begins: u64,
    pub(super) ends: u64,
}

/// Records that may exclude one another are compared within a group: sessions by full key, blocks by address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Group {
    addr: Ipv4Addr,
    session: Option<(PortRange, Option<Protocol>, Option<Destination>)>,
}

/// None where the key of the record is not known to be whole: two destinations that were not recorded may be two.
fn group(profile: &Profile, a: &Allocation) -> Option<Group> {
    if a.grain == Grain::Session && profile.key_has_destination && a.destination.is_none() {
        return None;
    }
    let destination = a.destination.filter(|_| profile.key_has_destination);
    let session = (a.grain == Grain::Session).then_some((a.ports, a.protocol, destination));
    Some(Group { addr: a.addr, session })
}

/// When somebody surely held the ports.
#[derive(Clone, Copy)]
struct Held {
    ports: PortRange,
    protocol: Option<Protocol>,
    /// By the first its tenancy had begun, at the last it had not ended.
    from: Timestamp,
    until: Timestamp,
}

/// `begun` is known of records without a logged end.
fn held(a: &Allocation, begun: Option<Timestamp>) -> Held {
    let tick = TimeDelta::from_microsecond(1);
    // A closed record without a certain instant still lived at some instant of its outer interval.
    let from = a.inner.map(TimeRange::start).or(begun).unwrap_or(a.outer.end().minus(tick));
    let until = a.inner.map_or(a.outer.start(), TimeRange::end);
    Held { ports: a.ports, protocol: a.protocol, from, until }
}

/// Bounds every record without a logged begin or end by the other holders of its exclusive key.
///
/// Two hosts can never hold such a key at once, so whoever comes next shows that a release was lost, and whoever came
/// before that a create was. `lost` is told between which instants.
///
/// # Complexity
///
/// `O(n log n)` for sessions; an open block is compared with the blocks of its address that come after it.
pub(super) fn imply(
    profile: &Profile,
    made: &mut [Allocation],
    begun: impl Fn(usize) -> Option<Timestamp>,
    mut lost: impl FnMut(Timestamp, Timestamp),
) -> Implied {
    let unbounded = |a: &Allocation| a.ended == Ended::Open || a.began == Began::Assumed;
    let mut groups: Map<Group, Vec<Held>> = made
        .iter()
        .filter(|a| unbounded(a))
        .filter_map(|a| Some((group(profile, a)?, Vec::new())))
        .collect();
    for (at, a) in made.iter().enumerate() {
        if let Some(group) = group(profile, a).and_then(|group| groups.get_mut(&group)) {
            group.push(held(a, begun(at)));
        }
    }
    for group in groups.values_mut() {
        group.sort_unstable_by_key(|h| h.from);
    }
    let mut implied = Implied::default();
    for (at, a) in made.iter_mut().enumerate().filter(|(_, a)| unbounded(a)) {
        let Some(group) = group(profile, a).and_then(|group| groups.get(&group)) else {
            continue;
        };
        let own = held(a, begun(at));
        let same = |h: &&Held| h.ports.overlaps(a.ports) && h.protocol == a.protocol;
        let (before, after) = group.split_at(group.partition_point(|h| h.from <= own.from));
        if a.ended == Ended::Open
            && let Some(next) = after.iter().find(same)
        {
            let survivors = profile.survivors.filter(|_| a.grain == Grain::Block);
            let end = next.from.plus(survivors.unwrap_or(TimeDelta::from_microsecond(1)));
            if end < a.outer.end() {
                lost(own.until, next.from);
                a.outer = TimeRange::new(a.outer.start(), end).unwrap_or(a.outer);
                a.inner = a.inner.and_then(|inner| inner.intersection(a.outer));
                a.used_until = a.used_until.min(a.outer.end());
                a.ended = Ended::Implied;
                implied.ends += 1;
            }
        }
        // Both ends are stamps, and as late as any: the other must surely have been first.
        let surely = own.from.minus(profile.late);
        if a.began == Began::Assumed
            && let Some(last) =
                before.iter().rev().filter(|h| h.from < own.from && h.until <= surely).find(same)
        {
            let start = last.until.minus(profile.late);
            if start > a.outer.start() {
                lost(start, own.from);
                a.outer = TimeRange::new(start, a.outer.end()).unwrap_or(a.outer);
                a.created = a.created.max(a.outer.start());
                implied.begins += 1;
            }
        }
    }
    implied
}
