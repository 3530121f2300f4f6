//! What the memory itself can do: no lookup can be faster than the lines that it has to wait for.

use memmap2::MmapMut;
use portledger::synth::SplitMix64;

use crate::measure::{Times, time};
use crate::sys::prefetch;

const LINE: usize = 64;
const HUGE: usize = 2 << 20;

/// How many reads ahead a line is asked for.
pub const DEPTHS: [usize; 3] = [16, 32, 64];

/// Lines of random memory over a footprint.
pub struct Limits {
    map: MmapMut,
    /// The first line: the mapping's first huge-page boundary.
    begin: usize,
    lines: usize,
    at: u32,
    rng: SplitMix64,
    /// Nanoseconds a dependent read.
    pub chase: Times,
    /// Nanoseconds a read that was asked for ahead, for each of [`DEPTHS`].
    pub ahead: [Times; 3],
}

impl Limits {
    /// Maps `bytes`, fills them with one random cycle.
    pub fn new(bytes: u64, huge: bool) -> Limits {
        let lines = (bytes as usize / LINE).max(1024);
        let mut map = MmapMut::map_anon(lines * LINE + HUGE).expect("memory for the limits");
        #[cfg(target_os = "linux")]
        if huge {
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        let begin = map.as_ptr().addr().next_multiple_of(HUGE) - map.as_ptr().addr();
        let mut rng = SplitMix64::new(77);
        // Sattolo: one cycle through all lines.
        let mut order: Vec<u32> = (0..lines as u32).collect();
        for i in (1..lines).rev() {
            order.swap(i, rng.below(i as u64) as usize);
        }
        for (line, next) in order.iter().enumerate() {
            let place = begin + line * LINE;
            map[place..place + 4].copy_from_slice(&next.to_le_bytes());
        }
        let times = Times::default;
        Limits { map, begin, lines, at: 0, rng, chase: times(), ahead: [times(), times(), times()] }
    }

    /// The footprint in bytes.
    pub fn bytes(&self) -> usize {
        self.lines * LINE
    }

    /// How much of the footprint lies on huge pages, in bytes, by the system's own account.
    pub fn huge_bytes(&self) -> Option<u64> {
        let inside = self.map.as_ptr().addr() + self.begin;
        let smaps = std::fs::read_to_string("/proc/self/smaps").ok()?;
        let mut own = false;
        for line in smaps.lines() {
            let head = line.split(' ').next().unwrap_or_default();
            if let Some((from, until)) = head.split_once('-') {
                let edge = |text| usize::from_str_radix(text, 16).unwrap_or(0);
                own = (edge(from)..edge(until)).contains(&inside);
            } else if own && let Some(rest) = line.strip_prefix("AnonHugePages:") {
                return rest
                    .trim()
                    .trim_end_matches(" kB")
                    .parse::<u64>()
                    .ok()
                    .map(|kib| kib << 10);
            }
        }
        None
    }

    /// One of four measurements, of `reads` reads: dependent ones, then those asked for ahead at each depth.
    pub fn step(&mut self, step: usize, reads: usize) {
        let memory = &self.map[self.begin..];
        let value = |line: u32| {
            let place = line as usize * LINE;
            u32::from_le_bytes(memory[place..place + 4].try_into().expect("four bytes"))
        };
        let Some(which) = (step % 4).checked_sub(1) else {
            let mut at = self.at;
            let took = time(|| {
                for _ in 0..reads {
                    at = value(at);
                }
            });
            self.at = at;
            self.chase.add(took, reads);
            return;
        };
        let depth = DEPTHS[which];
        let mut next = || self.rng.below(self.lines as u64) as u32;
        let stream: Vec<u32> = (0..reads + depth).map(|_| next()).collect();
        let mut sum = 0_u32;
        let took = time(|| {
            for pair in stream.windows(depth + 1) {
                prefetch(memory, pair[depth] as usize * LINE);
                sum = sum.wrapping_add(value(pair[0]));
            }
        });
        std::hint::black_box(sum);
        self.ahead[which].add(took, reads);
    }

    /// The depth that was best and its time.
    pub fn best_ahead(&self) -> (usize, f64) {
        let all = DEPTHS.into_iter().zip(&self.ahead).map(|(depth, times)| (depth, times.median()));
        all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, f64::NAN))
    }
}
