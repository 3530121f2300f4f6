//! What a table shall be.

use std::net::Ipv4Addr;

use super::day::HOUR;
use super::layout::{Slot, layout};
use super::rng::{floor_u64, to_f64};
use crate::time::Timestamp;

/// The two grains that a table is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// One port a record: TCP and UDP 70 to 30, half of them shorter than 30 s, with their destination.
    Sessions,
    /// A range of ports a record, every protocol: 64 to 2048 ports, half of them shorter than 40 minutes.
    Blocks,
}

/// What a table shall be. Every field may be changed; numbers outside their limits are moved to the nearest limit
/// when the table is made. Shares are from 0 to 1.
///
/// ```
/// use portledger::synth::{LeanTable, TableConfig};
/// // Every host moves at noon, and two of a hundred records begin together with another one of their key.
/// let config = TableConfig {
///     moved_share: 1.0,
///     overlap_share: 0.02,
///     same_start_share: 1.0,
///     ..TableConfig::sessions(5_000)
/// };
/// assert_eq!(LeanTable::generate(&config).stats.check(&config), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TableConfig {
    /// Which table of its kind.
    pub seed: u64,
    /// Sessions or blocks.
    pub kind: TableKind,
    /// How many records are wanted.
    pub records: u64,
    /// How many public addresses there are, 1 to 131,072: 198.18.0.0/15, reserved for benchmarks (RFC 2544).
    pub addresses: u32,
    /// How many inside hosts share an address, at least 1.
    pub subscribers_per_address: u32,
    /// How many hours from `start` on the records cover, 1 to 8,784.
    pub hours: u32,
    /// The start of the first hour.
    pub start: Timestamp,
    /// Stamps are multiples of this many microseconds, as a log's digits make them.
    pub tick_microsecond: i64,
    /// The share of records that begin while another host holds the same ports, at most 0.5.
    pub overlap_share: f64,
    /// The share of those that begin at the very instant at which the other one began: two records of one address,
    /// port, protocol and begin.
    pub same_start_share: f64,
    /// The share of an address's hosts that have another address from the middle of the table on.
    pub moved_share: f64,
    /// Blocks: the share of /24s whose blocks do not begin at a multiple of their size. Five of the eleven sizes
    /// are no powers of two, so the other /24s have blocks off the grid too.
    pub unaligned_share: f64,
    /// Blocks: the share of addresses that are dealt in blocks of another size from the middle of the table on.
    pub resized_share: f64,
}

impl TableConfig {
    /// A day of sessions: 128 subscribers and up to half a million sessions an address, stamps in milliseconds.
    pub fn sessions(records: u64) -> TableConfig {
        let addresses = (records / 500_000).clamp(4, 65_536);
        TableConfig {
            seed: 42,
            kind: TableKind::Sessions,
            records,
            addresses: u32::try_from(addresses).unwrap_or(65_536),
            subscribers_per_address: 128,
            hours: 24,
            start: Timestamp::from_second(1_793_577_600),
            tick_microsecond: 1_000,
            overlap_share: 0.0035,
            same_start_share: 0.125,
            moved_share: 0.05,
            unaligned_share: 0.5,
            resized_share: 0.2,
        }
    }

    /// A day of sessions thinly spread: over 1,024 addresses, however many records there are.
    pub fn sessions_wide(records: u64) -> TableConfig {
        TableConfig { addresses: 1_024, ..TableConfig::sessions(records) }
    }

    /// A day of port blocks: 128 subscribers an address, about three tenants a block, stamps in milliseconds.
    pub fn blocks(records: u64) -> TableConfig {
        let mut config = TableConfig {
            seed: 43,
            kind: TableKind::Blocks,
            addresses: 0,
            overlap_share: 0.005,
            ..TableConfig::sessions(records)
        };
        // A /24 has one size, so how many addresses it takes is known only by dealing them.
        let (mut room, wanted) = (0.0, to_f64(records) * 8.0);
        while config.addresses < 65_536 && (room < wanted || config.addresses < 4) {
            room += layout(&config, config.addresses).iter().map(Slot::weight).sum::<f64>();
            config.addresses += 1;
        }
        config
    }

    /// A day of port blocks over 65,536 addresses, however many records there are: 50 million are three tenants a
    /// block.
    pub fn blocks_wide(records: u64) -> TableConfig {
        TableConfig { addresses: 65_536, records, ..TableConfig::blocks(0) }
    }

    /// The length of the table in microseconds.
    pub(super) fn span(&self) -> i64 {
        i64::from(self.hours.clamp(1, 8_784)) * HOUR
    }

    pub(super) fn tick(&self) -> i64 {
        self.tick_microsecond.clamp(1, HOUR / 3600)
    }

    pub(super) fn address_count(&self) -> u32 {
        self.addresses.clamp(1, 131_072)
    }

    pub(super) fn hosts_per_address(&self) -> u32 {
        self.subscribers_per_address.clamp(1, u32::MAX / self.address_count())
    }

    /// How many hosts of an address, the first ones, move.
    pub(super) fn movers_per_address(&self) -> u32 {
        let movers = f64::from(self.hosts_per_address()) * self.moved_share.clamp(0.0, 1.0);
        u32::try_from(floor_u64(movers)).unwrap_or(0)
    }

    /// The instant from which on hosts have moved and blocks have changed their size, microseconds.
    pub(super) fn middle(&self) -> i64 {
        self.start.as_microsecond() + self.span() / 2
    }

    /// The public address of that number.
    pub fn address(&self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + index % 131_072)
    }

    /// The records that one address shall have, overlaps left out: equal shares of sessions, blocks by their slots.
    pub(super) fn shares(&self) -> Vec<u64> {
        let addresses = self.address_count();
        let weight = |index| match self.kind {
            TableKind::Sessions => 1.0,
            TableKind::Blocks => layout(self, index).iter().map(Slot::weight).sum(),
        };
        let weights: Vec<f64> = (0..addresses).map(weight).collect();
        let total: f64 = weights.iter().sum();
        let wanted = to_f64(self.records) / (1.0 + self.overlap_share.clamp(0.0, 0.5));
        let (mut sum, mut given) = (0.0, 0);
        weights
            .into_iter()
            .map(|weight| {
                sum += weight;
                let until = floor_u64(wanted * sum / total + 0.5);
                let share = until.saturating_sub(given);
                given = until;
                share
            })
            .collect()
    }
}

/// How long tenancies of a kind last.
pub(super) struct Length {
    pub(super) median: f64,
    pub(super) sigma: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    /// Microseconds after an end in which the ports go to nobody else.
    pub(super) hold_down: i64,
}

impl TableKind {
    pub(super) const fn length(self) -> Length {
        match self {
            TableKind::Sessions => Length {
                median: 30.0,
                sigma: 1.8,
                least: 0.5,
                most: 4.0 * 3600.0,
                hold_down: 120_000_000,
            },
            TableKind::Blocks => Length {
                median: 40.0 * 60.0,
                sigma: 1.5,
                least: 60.0,
                most: 12.0 * 86_400.0,
                hold_down: 60_000_000,
            },
        }
    }
}
