//! The plan of a provider: who is online when, which addresses and ports there are, and what is asked.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use ipnet::Ipv4Net;

use super::cgn_block::{self, Block, blocks};
use super::cgn_session::{self, FLOWS_PER_HOUR};
use super::softwire::Domain;
use super::tenancy::{Lines, Tenancy, tenancies};
use super::truth::{self, Asked, Reservoir, Unheld};
use super::{DeclaredPool, ImportFile, ProviderConfig, ProviderFiles, ProviderSummary, RuleFile};
use super::{accounting, summary};
use crate::allocation::Destination;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::synth::day::{HOUR, SECOND, instant};
use crate::synth::rng::{SplitMix64, floor_u64};
use crate::time::TimeRange;

/// An address that nobody ever sends to.
const NOBODYS_SERVER: Destination = Destination::new(Ipv4Addr::new(192, 0, 2, 250), 4444);

/// The parts that draw from streams of their own.
#[derive(Clone, Copy)]
pub(super) enum Part {
    LinesA = 1,
    LinesB,
    LinesC,
    Flows,
    Blocks,
    AccountingA,
    AccountingB,
    AccountingC,
    AskedA,
    AskedB,
    AskedC,
    Nobody,
    Wording,
}

/// The three access networks.
#[derive(Clone, Copy)]
pub(super) enum Access {
    CgnA,
    CgnB,
    Map,
}

impl Access {
    pub(super) const ALL: [Access; 3] = [Access::CgnA, Access::CgnB, Access::Map];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Access::CgnA => "cgn-a",
            Access::CgnB => "cgn-b",
            Access::Map => "br",
        }
    }
}

pub(super) fn inside_a(slot: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(100, 64, 0, 10).to_bits() + slot)
}

pub(super) fn inside_b(slot: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(100, 65, 0, 10).to_bits() + slot)
}

/// Everything but the flows.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) config: ProviderConfig,
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) cut_over: i64,
    /// Outside addresses of `cgn-a`, their ports, and the pools of both CGNs.
    pub(super) addresses_a: u32,
    pub(super) ports_a: PortRange,
    pub(super) pool_a: Ipv4Net,
    pub(super) pool_b: Ipv4Net,
    pub(super) lines_a: Vec<Tenancy>,
    pub(super) lines_b: Vec<Tenancy>,
    /// The MAP domain's tenancies before and after the cut-over, all ascending by begin.
    pub(super) lines_c: Vec<Tenancy>,
    pub(super) blocks: Vec<Block>,
}

impl Plan {
    pub(super) fn new(config: &ProviderConfig) -> Plan {
        let mut config = config.clone();
        config.subscribers = config.subscribers.clamp(20, 100_000);
        config.hours = config.hours.clamp(1, 744);
        config.start = config.start.floor_second();
        let from = config.start.as_microsecond();
        let until = from + i64::from(config.hours) * HOUR;
        let cut_over = from + (until - from) / 2;
        let (count_a, count_b) = (config.subscribers * 45 / 100, config.subscribers * 30 / 100);
        let count_c = config.subscribers - count_a - count_b;
        let slots = |count: u32| count * 85 / 100;
        let addresses_a = slots(count_a).div_ceil(110).max(2);
        let addresses_b = slots(count_b).div_ceil(cgn_block::PER_ADDRESS);
        // Documentation addresses (RFC 5737) as far as they go, then those for benchmarks (RFC 2544).
        let small = addresses_a.max(addresses_b) <= 126;
        let pool = |high: bool| match (small, high) {
            (true, false) => (Ipv4Addr::new(203, 0, 113, 0), 25),
            (true, true) => (Ipv4Addr::new(203, 0, 113, 128), 25),
            (false, false) => (Ipv4Addr::new(198, 18, 0, 0), 16),
            (false, true) => (Ipv4Addr::new(198, 19, 0, 0), 16),
        };
        let [pool_a, pool_b] = [false, true].map(|high| {
            let (addr, length) = pool(high);
            Ipv4Net::new_assert(addr, length)
        });
        let window =
            Lines { first: 0, count: count_a, slots: slots(count_a), from, until, close: false };
        let draw = |part, lines: Lines| tenancies(&lines, &mut part_rng(config.seed, part));
        let lines_a = draw(Part::LinesA, window);
        let (first, count) = (count_a, count_b);
        let lines_b = draw(Part::LinesB, Lines { first, count, slots: slots(count), ..window });
        let (first, count) = (count_a + count_b, count_c);
        let domain = Lines { first, count, slots: slots(count), ..window };
        let rng = &mut part_rng(config.seed, Part::LinesC);
        let mut lines_c = tenancies(&Lines { until: cut_over, close: true, ..domain }, rng);
        lines_c.extend(tenancies(&Lines { from: cut_over, ..domain }, rng));
        let blocks = blocks(&lines_b, until, &mut part_rng(config.seed, Part::Blocks));
        let ports_a = ports_a(&config, slots(count_a), addresses_a);
        Plan {
            config,
            from,
            until,
            cut_over,
            addresses_a,
            ports_a,
            pool_a,
            pool_b,
            lines_a,
            lines_b,
            lines_c,
            blocks,
        }
    }

    pub(super) fn seed(&self, part: Part) -> u64 {
        part_rng(self.config.seed, part).next_u64()
    }

    pub(super) fn outside_a(&self, slot: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.pool_a.network().to_bits() + 1 + slot % self.addresses_a)
    }

    pub(super) fn outside_b(&self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.pool_b.network().to_bits() + 1 + number)
    }

    fn domain(&self, at: i64) -> Domain {
        Domain { version: if at < self.cut_over { 1 } else { 2 } }
    }

    pub(super) fn run_a(
        &self,
        is_quiet: bool,
        out: &mut dyn Write,
        opened: &mut dyn FnMut(cgn_session::Opened<'_>),
    ) -> io::Result<cgn_session::Tally> {
        let outside = |slot| self.outside_a(slot);
        let config = cgn_session::Config {
            seed: self.seed(Part::Flows),
            from: self.from,
            until: self.until,
            is_quiet,
            ports: self.ports_a,
            tenancies: &self.lines_a,
            inside: inside_a,
            outside: &outside,
        };
        cgn_session::run(config, out, opened)
    }

    pub(super) fn account(
        &self,
        access: Access,
        out: Option<&mut dyn Write>,
    ) -> io::Result<accounting::Tally> {
        let (tenancies, part, third) = match access {
            Access::CgnA => (&self.lines_a, Part::AccountingA, 0),
            Access::CgnB => (&self.lines_b, Part::AccountingB, 1),
            Access::Map => (&self.lines_c, Part::AccountingC, 2),
        };
        let nas = accounting::Nas {
            name: access.name(),
            addr: Ipv4Addr::new(10, 255, third, 2),
            seed: self.seed(part),
            until: self.until,
        };
        let address = |t: &Tenancy| match access {
            Access::CgnA => format!("Framed-IP-Address = {}", inside_a(t.slot)),
            Access::CgnB => format!("Framed-IP-Address = {}", inside_b(t.slot)),
            Access::Map => self.domain(t.attach).attribute(t),
        };
        accounting::write(&nas, tenancies, &address, out)
    }

    pub(super) fn files(&self, dir: &Path) -> ProviderFiles {
        let import =
            |name: &str, format, source| ImportFile { path: dir.join(name), format, source };
        let [start, cut_over, end] = [self.from, self.cut_over, self.until].map(instant);
        let range = |from, until| TimeRange::new(from, until).unwrap_or(TimeRange::since(from));
        ProviderFiles {
            covers: range(start, end),
            logs: vec![
                import("conntrack-cgn-a.log", "conntrack", "cgn-a"),
                import("blocks-cgn-b.csv", "csv", "cgn-b"),
            ],
            accounting: Access::ALL
                .iter()
                .map(|a| import(&format!("detail-{}", a.name()), "radius-detail", a.name()))
                .collect(),
            rules: vec![
                RuleFile { path: dir.join("softwire-br-1.json"), in_force: range(start, cut_over) },
                RuleFile {
                    path: dir.join("softwire-br-2.json"),
                    in_force: TimeRange::since(cut_over),
                },
            ],
            pools: vec![
                DeclaredPool {
                    prefix: self.pool_a,
                    ports: self.ports_a,
                    device: "cgn-a",
                    exclusive: false,
                },
                DeclaredPool {
                    prefix: self.pool_b,
                    ports: PortRange::new_assert(1024, u16::MAX),
                    device: "cgn-b",
                    exclusive: true,
                },
            ],
            questions: dir.join("questions.csv"),
            truth: dir.join("truth.csv"),
        }
    }

    /// Runs everything without writing it, draws the questions and counts.
    pub(super) fn ask(&self) -> (Vec<Asked>, ProviderSummary) {
        let wanted = u64::from(self.config.questions.max(20));
        let nobody = wanted / 20;
        let positive = wanted - nobody;
        let (wanted_b, wanted_c) = (positive * 30 / 100, positive * 25 / 100);
        let wanted_a = positive - wanted_b - wanted_c;
        let sampler = part_rng(self.config.seed, Part::AskedA);
        let mut sample = Reservoir::new(wanted_a, sampler);
        let (mut unheld, rng) = (Unheld::default(), &mut part_rng(self.config.seed, Part::Nobody));
        for _ in 0..nobody * 2 {
            unheld.add(self.blind(rng));
        }
        let mut used = summary::PortCount::default();
        let result = self.run_a(true, &mut io::sink(), &mut |opened| {
            used.add(opened.tuple);
            unheld.strike(&opened);
            sample.offer(|rng| truth::of_flow(&opened, self.until, rng));
        });
        // Nothing is written, so nothing can fail.
        let flows = result.unwrap_or_default();
        let mut asked = sample.kept;
        let held = asked.clone();
        self.ask_b(wanted_b, &mut asked);
        self.ask_c(wanted_c, &mut asked);
        let mut left = unheld.left();
        for number in 0..nobody {
            asked.extend(match number % 4 {
                0 => left.next(),
                1 => rng.pick(&held).map(|&a| Asked {
                    to: NOBODYS_SERVER,
                    with_to: true,
                    protocol: if a.protocol == Protocol::ICMP { Protocol::TCP } else { a.protocol },
                    subscriber: None,
                    ..a
                }),
                2 => self.free_block(rng),
                _ => self.port_of_nobody(rng),
            });
        }
        asked.sort_by_key(|a| (a.at, a.public, a.port, a.protocol));
        let accounts = Access::ALL.map(|a| self.account(a, None).unwrap_or_default());
        let summary = ProviderSummary::new(self, &flows, &used, &accounts, &asked);
        (asked, summary)
    }

    /// A packet from a port of `cgn-a`, at any time, that perhaps nobody sent.
    fn blind(&self, rng: &mut SplitMix64) -> Asked {
        let port = rng.between(i64::from(self.ports_a.first()), i64::from(self.ports_a.last()));
        let slot = u32::try_from(rng.below(u64::from(self.addresses_a))).unwrap_or(0);
        Asked {
            at: self.any_time(rng),
            public: self.outside_a(slot),
            port: u16::try_from(port).unwrap_or(0),
            ..truth::somewhere(rng)
        }
    }

    fn any_time(&self, rng: &mut SplitMix64) -> i64 {
        rng.between(self.from + 180 * SECOND, self.until - 60 * SECOND)
    }

    fn ask_b(&self, wanted: u64, asked: &mut Vec<Asked>) {
        let rng = &mut part_rng(self.config.seed, Part::AskedB);
        for _ in 0..wanted {
            asked.extend((0..64).find_map(|_| {
                let block = rng.pick(&self.blocks)?;
                truth::of_block(block, self.outside_b(block.outside()), rng)
            }));
        }
    }

    fn ask_c(&self, wanted: u64, asked: &mut Vec<Asked>) {
        let rng = &mut part_rng(self.config.seed, Part::AskedC);
        for _ in 0..wanted {
            let Some(t) = rng.pick(&self.lines_c) else { return };
            let domain = self.domain(t.attach);
            asked.push(Asked {
                at: rng.between(t.attach + SECOND / 5, t.last - 1),
                public: domain.address(t.slot),
                port: domain.port(t.slot, rng),
                subscriber: Some(t.subscriber),
                ..truth::somewhere(rng)
            });
        }
    }

    /// A packet from a block of `cgn-b` that nobody has held for five seconds, nor will.
    fn free_block(&self, rng: &mut SplitMix64) -> Option<Asked> {
        (0..256).find_map(|_| {
            let (at, model) = (self.any_time(rng), rng.pick(&self.blocks)?);
            let number = u32::try_from(rng.below(u64::from(cgn_block::BLOCKS))).ok()?;
            let near = |b: &&Block| {
                (b.outside(), b.number) == (model.outside(), number)
                    && b.alloc - 5 * SECOND <= at
                    && b.release.is_none_or(|r| at < r + 5 * SECOND)
            };
            if self.blocks.iter().any(|b| near(&b)) {
                return None;
            }
            let ports = Block { number, ..*model }.ports();
            let (public, port) = (self.outside_b(model.outside()), ports.first() + 99);
            Some(Asked { at, public, port, ..truth::somewhere(rng) })
        })
    }

    /// A packet from a port of the MAP domain that no rule gives to a subscriber.
    fn port_of_nobody(&self, rng: &mut SplitMix64) -> Option<Asked> {
        let (at, model) = (self.any_time(rng), rng.pick(&self.lines_c)?);
        let (public, port) = (self.domain(at).address(model.slot), Domain::port_of_nobody(rng));
        Some(Asked { at, public, port, ..truth::somewhere(rng) })
    }
}

fn part_rng(seed: u64, part: Part) -> SplitMix64 {
    SplitMix64::stream(seed, part as u64)
}

/// As many ports as give each some four flows over the recording, so that ports pass from one subscriber to the
/// next even in a small one; at least eight times what is open at once.
fn ports_a(config: &ProviderConfig, slots: u32, addresses: u32) -> PortRange {
    let per_hour = f64::from(slots) / f64::from(addresses) * FLOWS_PER_HOUR;
    let in_turn = per_hour * f64::from(config.hours) / 4.0;
    let at_once = per_hour * 60.0 / 3_600.0 * 8.0;
    let count = floor_u64(in_turn.max(at_once).clamp(64.0, 64_512.0));
    let last = 1_023 + u16::try_from(count).unwrap_or(64_512);
    PortRange::new(1_024, last).unwrap_or(PortRange::single(1_024))
}
