//! Who had which inside address, when: lines come and go, and addresses pass from one to the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::synth::day::{MILLI, SECOND};
use crate::synth::rng::{SplitMix64, micros};

/// How a tenancy ended, as the access network saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// It had not, when the recording ended.
    Online,
    /// The line said goodbye.
    Request,
    /// The line vanished and was missed some seconds later.
    Lost,
}

/// A subscriber's time at an inside address or prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenancy {
    /// The number of the address or prefix.
    pub(super) slot: u32,
    /// The number of the subscriber.
    pub(super) subscriber: u32,
    /// When it began, microseconds.
    pub(super) attach: i64,
    /// After which no packet left.
    pub(super) last: i64,
    /// When the access network ended it; the end of the recording if it did not.
    pub(super) detach: i64,
    /// How.
    pub(super) parting: Parting,
}

/// What a part of the provider's lines do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    /// The first subscriber's number.
    pub(super) first: u32,
    /// How many subscribers.
    pub(super) count: u32,
    /// How many addresses or prefixes they share.
    pub(super) slots: u32,
    /// The window, microseconds.
    pub(super) from: i64,
    pub(super) until: i64,
    /// Whether all tenancies are ended in time before `until`, for a change that follows.
    pub(super) close: bool,
}

/// How long an address stays with a line, on average, in seconds.
const MEAN_TENANCY: f64 = 6_000.0;

/// All tenancies of a window, ascending by begin. Between two at one address lie at least 2.5 s.
pub(super) fn tenancies(lines: &Lines, rng: &mut SplitMix64) -> Vec<Tenancy> {
    // Who has been offline longest comes first.
    let mut offline: BinaryHeap<Reverse<(i64, u32)>> =
        (lines.first..lines.first + lines.count).map(|s| Reverse((lines.from, s))).collect();
    let mut vacant: BinaryHeap<Reverse<(i64, u32)>> = (0..lines.slots)
        .map(|slot| Reverse((lines.from + rng.between(500 * MILLI, 120 * SECOND), slot)))
        .collect();
    let mut all = Vec::new();
    while let Some(Reverse((attach, slot))) = vacant.pop() {
        let wanted = micros(rng.exponential(MEAN_TENANCY)).max(60 * SECOND);
        let goodbye = lines.until - rng.between(3 * SECOND, 33 * SECOND);
        if attach + 65 * SECOND >= lines.until {
            continue;
        }
        let Some(&Reverse((free, subscriber))) = offline.peek() else { continue };
        if free > attach {
            vacant.push(Reverse((attach + 5 * SECOND, slot)));
            continue;
        }
        offline.pop();
        let (detach, parting) = match attach + wanted {
            detach if lines.close => (detach.min(goodbye), Parting::Request),
            detach if detach >= lines.until - SECOND => (lines.until, Parting::Online),
            detach => (detach, Parting::Request),
        };
        let vanished = parting == Parting::Request && rng.chance(0.25);
        let (last, parting) = if vanished {
            (detach - rng.between(5 * SECOND, 24 * SECOND), Parting::Lost)
        } else {
            (detach, parting)
        };
        all.push(Tenancy { slot, subscriber, attach, last, detach, parting });
        offline.push(Reverse((detach + 30 * SECOND, subscriber)));
        vacant.push(Reverse((detach + 2_500 * MILLI + micros(rng.exponential(20.0)), slot)));
    }
    all.sort_unstable_by_key(|t| (t.attach, t.slot));
    all
}

/// How often an address passed from one subscriber to another.
pub(super) fn handovers(tenancies: &[Tenancy]) -> u64 {
    let mut by_slot: Vec<&Tenancy> = tenancies.iter().collect();
    by_slot.sort_unstable_by_key(|t| (t.slot, t.attach));
    let passed = by_slot
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.slot == b.slot && a.subscriber != b.subscriber));
    u64::try_from(passed.count()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_at_two_addresses_and_no_address_has_two_tenants() {
        let lines =
            Lines { first: 5, count: 60, slots: 50, from: 0, until: 7_200 * SECOND, close: false };
        for close in [false, true] {
            let lines = Lines { close, ..lines };
            let mut all = tenancies(&lines, &mut SplitMix64::new(1));
            assert!(handovers(&all) > 20, "{}", handovers(&all));
            all.sort_unstable_by_key(|t| (t.slot, t.attach));
            for pair in all.windows(2).filter(|p| p[0].slot == p[1].slot) {
                assert!(pair[0].detach + 2 * SECOND < pair[1].attach);
            }
            all.sort_unstable_by_key(|t| (t.subscriber, t.attach));
            for pair in all.windows(2).filter(|p| p[0].subscriber == p[1].subscriber) {
                assert!(pair[0].detach + 29 * SECOND < pair[1].attach);
            }
            for t in &all {
                assert!(t.attach < t.last && t.last <= t.detach && t.detach <= lines.until);
                assert!((5..65).contains(&t.subscriber) && t.slot < 50);
                assert!(!close || t.detach <= lines.until - 3 * SECOND);
            }
        }
    }
}
