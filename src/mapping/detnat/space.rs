//! The ports of an address that are not reserved, counted without gaps.

use crate::port::{PortRange, PortSet};

/// The ports that a NAT shares out, in ascending order, with rank and select over them.
///
/// A reserved list may be sparse (`1-1023,5004,5060`, RFC 7422 section 3): blocks are then cut from the ports that are
/// left, so the place of a port is not its number minus a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortSpace {
    runs: Vec<Run>,
    len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    ports: PortRange,
    /// How many ports stand before it.
    before: u32,
}

impl PortSpace {
    /// Every port that is not reserved.
    pub(super) fn without(reserved: &PortSet) -> PortSpace {
        let mut runs = Vec::new();
        let mut len = 0;
        let mut push = |first: u32, end: u32| {
            if let (Ok(first), Ok(last)) =
                (u16::try_from(first), u16::try_from(end.saturating_sub(1)))
                && let Ok(ports) = PortRange::new(first, last)
                && end > 0
            {
                runs.push(Run { ports, before: len });
                len += ports.len();
            }
        };
        let mut next = 0;
        for range in reserved.ranges() {
            push(next, u32::from(range.first()));
            next = u32::from(range.last()) + 1;
        }
        push(next, 65_536);
        PortSpace { runs, len }
    }

    /// The ports of one range.
    pub(super) fn only(ports: PortRange) -> PortSpace {
        PortSpace { runs: vec![Run { ports, before: 0 }], len: ports.len() }
    }

    /// How many ports there are, 0 to 65536.
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    /// The place of a port, counted from 0; none where it is reserved.
    pub(super) fn rank(&self, port: u16) -> Option<u32> {
        let after = self.runs.partition_point(|run| run.ports.first() <= port);
        let run = self.runs.get(after.checked_sub(1)?)?;
        run.ports.contains(port).then(|| run.before + u32::from(port - run.ports.first()))
    }

    /// The port at a place: the inverse of [`PortSpace::rank`].
    pub(super) fn select(&self, place: u32) -> Option<u16> {
        let after = self.runs.partition_point(|run| run.before <= place);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let port = run.ports.first().checked_add(u16::try_from(place - run.before).ok()?)?;
        run.ports.contains(port).then_some(port)
    }

    /// The ports at `count` places from `first`, as many of them as there are.
    pub(super) fn select_range(&self, first: u32, count: u32) -> PortSet {
        let end = first.saturating_add(count);
        self.runs
            .iter()
            .filter_map(|run| {
                let from = first.max(run.before) - run.before;
                let to = end.min(run.before + run.ports.len()).checked_sub(run.before + 1)?;
                let base = run.ports.first();
                let from = base.checked_add(u16::try_from(from).ok()?)?;
                PortRange::new(from, base.checked_add(u16::try_from(to).ok()?)?).ok()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reserved: &str) {
        let reserved: PortSet = reserved.parse().unwrap();
        let space = PortSpace::without(&reserved);
        let plain: Vec<u16> = (0..=u16::MAX).filter(|p| !reserved.contains(*p)).collect();
        assert_eq!(space.len() as usize, plain.len());
        for (place, port) in plain.iter().enumerate() {
            let place = u32::try_from(place).unwrap();
            assert_eq!((space.rank(*port), space.select(place)), (Some(place), Some(*port)));
        }
        assert_eq!(space.select(space.len()), None);
        for range in reserved.ranges() {
            assert_eq!((space.rank(range.first()), space.rank(range.last())), (None, None));
        }
        for (first, count) in [(0, 1), (0, 70_000), (4000, 2000), (3970, 40), (u32::MAX, 5), (7, 0)]
        {
            let wanted: PortSet = plain
                .iter()
                .skip(first as usize)
                .take(count as usize)
                .map(|p| PortRange::single(*p))
                .collect();
            assert_eq!(space.select_range(first, count), wanted, "{first} {count}");
        }
    }

    #[test]
    fn rank_and_select_agree_with_a_plain_list() {
        for reserved in
            ["", "0", "0-1023", "1-1023,5004,5060", "65535", "0-65535", "0-9,20-29,65530-65535"]
        {
            check(reserved);
        }
    }
}
