//! A CGN that hands out blocks of ports and logs nothing else.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::tenancy::{Parting, Tenancy};
use crate::port::PortRange;
use crate::synth::day::{Civil, MILLI, SECOND};
use crate::synth::rng::{SplitMix64, micros};

/// Ports a block.
const SIZE: u16 = 512;
/// The first block's first port.
const FIRST: u16 = 1024;
/// Blocks an address.
pub(super) const BLOCKS: u32 = 126;
/// Inside addresses an outside address serves.
pub(super) const PER_ADDRESS: u32 = 40;
/// How long a released block rests before its next holder (RFC 6888 REQ-8 asks for 120 s; many do with less).
const HOLD_DOWN: i64 = 60 * SECOND;

/// A block and its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The inside address's number.
    pub(super) slot: u32,
    /// Who was behind it.
    pub(super) subscriber: u32,
    /// The number of the block on its outside address.
    pub(super) number: u32,
    /// When it was given, microseconds.
    pub(super) alloc: i64,
    /// When it was taken back; none if it still was held when the recording ended.
    pub(super) release: Option<i64>,
    /// After which no packet used it.
    pub(super) last: i64,
}

impl Block {
    /// The ports.
    pub(super) fn ports(&self) -> PortRange {
        let first = FIRST + SIZE * u16::try_from(self.number).unwrap_or(0);
        PortRange::new(first, first + (SIZE - 1)).unwrap_or(PortRange::single(first))
    }

    /// The number of the outside address.
    pub(super) fn outside(&self) -> u32 {
        self.slot / PER_ADDRESS
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    /// Block by position; before requests of the same instant.
    Release(usize),
    /// Request of a tenancy by position.
    Request(usize),
}

/// All blocks of the tenancies, ascending by begin.
pub(super) fn blocks(tenancies: &[Tenancy], until: i64, rng: &mut SplitMix64) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    let outsides = tenancies.iter().map(|t| t.slot / PER_ADDRESS).max().map_or(0, |n| n + 1);
    let size = usize::try_from(outsides * BLOCKS).unwrap_or(0);
    // For each block, from when on it may be given again.
    let mut free_from = vec![i64::MIN; size];
    let mut agenda: BinaryHeap<Reverse<(i64, Action)>> = BinaryHeap::new();
    for (position, t) in tenancies.iter().enumerate() {
        let wanted = if rng.chance(0.3) { 2 } else { 1 };
        for _ in 0..wanted {
            let first = t.attach + rng.between(300 * MILLI, 10 * SECOND);
            agenda.push(Reverse((first, Action::Request(position))));
        }
    }
    while let Some(Reverse((now, action))) = agenda.pop() {
        if now >= until {
            break;
        }
        match action {
            Action::Release(position) => {
                let Some(block) = all.get_mut(position) else { continue };
                block.release = Some(now);
                if let Some(free) = free_from.get_mut(index(block.outside(), block.number)) {
                    *free = now + HOLD_DOWN;
                }
            }
            Action::Request(position) => {
                let Some(t) = tenancies.get(position) else { continue };
                if now + SECOND >= t.last {
                    continue;
                }
                let outside = t.slot / PER_ADDRESS;
                let number = (0..64).find_map(|_| {
                    let number = u32::try_from(rng.below(u64::from(BLOCKS))).unwrap_or(0);
                    let free = free_from.get(index(outside, number)).is_some_and(|&f| f <= now);
                    free.then_some(number)
                });
                let Some(number) = number else {
                    agenda.push(Reverse((now + 30 * SECOND, Action::Request(position))));
                    continue;
                };
                if let Some(free) = free_from.get_mut(index(outside, number)) {
                    *free = i64::MAX;
                }
                let held = micros(rng.lognormal(600.0, 1.0).clamp(30.0, 86_400.0));
                // The NAT hears of a lost line a little later; a new tenant comes at least 2.5 s after the old one.
                let cleared = match t.parting {
                    Parting::Online => i64::MAX,
                    _ => t.detach + rng.between(SECOND, 2 * SECOND),
                };
                let release = (now + held).min(cleared);
                let last = (release - SECOND).min(t.last).min(until);
                let (slot, subscriber) = (t.slot, t.subscriber);
                agenda.push(Reverse((release, Action::Release(all.len()))));
                all.push(Block { slot, subscriber, number, alloc: now, release: None, last });
                let pause = micros(rng.exponential(180.0));
                agenda.push(Reverse((release + pause, Action::Request(position))));
            }
        }
    }
    all
}

fn index(outside: u32, number: u32) -> usize {
    usize::try_from(outside * BLOCKS + number).unwrap_or(usize::MAX)
}

/// Writes the blocks' log in our own CSV, stamps in milliseconds.
pub(super) fn write(
    blocks: &[Block],
    inside: &dyn Fn(u32) -> Ipv4Addr,
    outside: &dyn Fn(u32) -> Ipv4Addr,
    out: &mut dyn Write,
) -> io::Result<()> {
    let allocs = blocks.iter().map(|b| (b.alloc, true, b));
    let releases = blocks.iter().filter_map(|b| b.release.map(|at| (at, false, b)));
    let mut lines: Vec<(i64, bool, &Block)> = allocs.chain(releases).collect();
    lines.sort_by_key(|&(at, is_alloc, b)| (at, is_alloc, b.slot, b.number));
    writeln!(out, "event,time,inside,outside,first,last")?;
    for (at, is_alloc, b) in lines {
        let event = if is_alloc { "block_alloc" } else { "block_release" };
        let (time, ports) = (Civil::new(at), b.ports());
        write!(out, "{event},{},{},", time.milli(), inside(b.slot))?;
        writeln!(out, "{},{},{}", outside(b.outside()), ports.first(), ports.last())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::provider::tenancy::{Lines, tenancies};

    #[test]
    fn a_block_has_one_holder_at_a_time_and_rests_between() {
        let until = 7_200 * SECOND;
        let lines = Lines { first: 0, count: 60, slots: 50, from: 0, until, close: false };
        let rng = &mut SplitMix64::new(1);
        let tenancies = tenancies(&lines, rng);
        let mut all = blocks(&tenancies, until, rng);
        assert!(all.len() > 300, "{}", all.len());
        for b in &all {
            assert!(b.release.is_none_or(|r| b.alloc < r && r < until) && b.last <= until);
            let tenant =
                tenancies.iter().rfind(|t| t.slot == b.slot && t.attach < b.alloc).unwrap();
            assert_eq!(tenant.subscriber, b.subscriber);
            assert!(b.alloc < tenant.last && b.last <= tenant.last);
            assert!(b.release.is_none_or(|r| r < tenant.detach + 2_500 * MILLI));
        }
        all.sort_unstable_by_key(|b| (b.outside(), b.number, b.alloc));
        let mut reused = 0;
        for pair in all
            .windows(2)
            .filter(|p| (p[0].outside(), p[0].number) == (p[1].outside(), p[1].number))
        {
            assert!(pair[0].release.unwrap() + HOLD_DOWN <= pair[1].alloc);
            reused += 1;
        }
        assert!(reused > 50, "{reused}");
        assert_eq!(Block { number: BLOCKS - 1, ..all[0] }.ports().last(), u16::MAX);
    }
}
