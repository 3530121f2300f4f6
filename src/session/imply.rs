//! Ends that nobody logged, shown by the next holder of an exclusive key.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::profile::Profile;
use crate::allocation::{Allocation, Destination, Ended, Grain};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, TimeRange, Timestamp};

type FullKey = (Ipv4Addr, PortRange, Option<Protocol>, Option<Destination>);

fn full_key(profile: &Profile, a: &Allocation) -> FullKey {
    let destination = a.destination.filter(|_| profile.key_has_destination);
    (a.addr, a.ports, a.protocol, destination)
}

/// Ends every open record where another record took over its exclusive key; how many were ended so.
///
/// Two hosts can never hold such a key at once, so the first create behind an open record shows that its release was
/// lost. Sessions are compared by full key, blocks by overlapping ports.
pub(super) fn imply_ends(profile: &Profile, made: &mut [Allocation]) -> u64 {
    let open: Vec<usize> =
        made.iter().enumerate().filter(|(_, a)| a.ended == Ended::Open).map(|(at, _)| at).collect();
    if open.is_empty() {
        return 0;
    }
    let mut sessions: HashMap<FullKey, Vec<Timestamp>> = HashMap::new();
    let mut blocks: HashMap<Ipv4Addr, Vec<(PortRange, Option<Protocol>, Timestamp)>> =
        HashMap::new();
    for a in open.iter().filter_map(|&at| made.get(at)) {
        match a.grain {
            Grain::Session => drop(sessions.entry(full_key(profile, a)).or_default()),
            Grain::Block => drop(blocks.entry(a.addr).or_default()),
        }
    }
    for a in made.iter() {
        match a.grain {
            Grain::Session => {
                if let Some(creates) = sessions.get_mut(&full_key(profile, a)) {
                    creates.push(a.created);
                }
            }
            Grain::Block => {
                if let Some(creates) = blocks.get_mut(&a.addr) {
                    creates.push((a.ports, a.protocol, a.created));
                }
            }
        }
    }
    for creates in sessions.values_mut() {
        creates.sort_unstable();
    }
    let mut implied = 0;
    for at in open {
        let Some(a) = made.get(at) else { continue };
        let next = match a.grain {
            Grain::Session => sessions.get(&full_key(profile, a)).and_then(|creates| {
                creates.get(creates.partition_point(|&c| c <= a.created)).copied()
            }),
            Grain::Block => blocks.get(&a.addr).and_then(|creates| {
                let takes_over =
                    |&&(ports, protocol, c): &&(PortRange, Option<Protocol>, Timestamp)| {
                        c > a.created && ports.overlaps(a.ports) && protocol == a.protocol
                    };
                creates.iter().filter(takes_over).map(|&(_, _, c)| c).min()
            }),
        };
        let tick = TimeDelta::from_microsecond(1);
        if let (Some(next), Some(a)) = (next, made.get_mut(at)) {
            let end = next.plus(tick);
            if end < a.outer.end() {
                a.outer = TimeRange::new(a.outer.start(), end).unwrap_or(a.outer);
                a.inner = a.inner.and_then(|inner| inner.intersection(a.outer));
                a.used_until = a.outer.end();
                a.released = Some(next);
                a.ended = Ended::Implied;
                implied += 1;
            }
        }
    }
    implied
}
