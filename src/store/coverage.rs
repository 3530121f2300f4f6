//! For which times the ledger has complete records of an address.

use std::net::Ipv4Addr;

use rangemap::RangeSet;

use super::manifest::{Manifest, Pool, SourceEntry};
use crate::port::PortRange;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// Complete records of one address.
///
/// Presence and absence are two things. A record that is there speaks for itself as long as the source was being
/// written; that *nobody* held a port follows only where a mapping older than the log can be excluded too:
///
/// ```text
///    first                                                     last
///      |<------------------ present ----------------------------->|
///      |<- max_life ->|<------------- absent -------------------->|     creates and releases
///      |<------------- absent -------------------->|<- max_life ->|     releases only
/// ```
///
/// A time that was declared complete covers both. Gaps are in neither; nor is what was expired. A source that was
/// seen to lose lines, or that shows flows without saying who held which port, covers no absence; and neither does a
/// later one of its device before the longest life of what the first may have missed is over:
///
/// ```text
///   cgn-1, lossy       |=======|
///   cgn-1, complete             |=====================|
///   absent                      |<- max_life ->|======|
/// ```
///
/// Where several devices share an address, all of them must have been recording. A pool says that a device has a
/// share in the address, and when; a device that shows an address without one has a share at any time:
///
/// ```text
///  cgn-1, pool until 100   |=== log ===|
///  cgn-2, pool from 100                |=== log ===|
///  present                 |=======================|
///  the same without pools                               (never were both recording)
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    present: RangeSet<Timestamp>,
    absent: RangeSet<Timestamp>,
    /// What was recorded once and then expired.
    deleted: RangeSet<Timestamp>,
    /// Why absence is not covered where presence is.
    why: Option<AbsenceDoubt>,
    /// Whether a log ever showed the address, or is of a device that has it.
    known: bool,
}

/// One device of an address.
struct Device<'m> {
    name: &'m str,
    coverage: Coverage,
    /// When it had a share in the address.
    share: RangeSet<Timestamp>,
    /// When lines of it were lost, and how long what they began may go on.
    lost: Vec<(TimeRange, Option<TimeDelta>)>,
}

impl Device<'_> {
    fn lose(&mut self, source: &SourceEntry) {
        let log = source.log.as_ref().filter(|log| log.lossy);
        if let Some((log, range)) = log.zip(source.covers.or(source.recorded)) {
            self.lost.push((range, log.profile.max_life));
        }
    }

    /// Takes away the absence behind what was lost, unless another collector was complete then.
    fn doubt_what_goes_on(&mut self) {
        let absent = self.coverage.absent.clone();
        for (range, life) in &self.lost {
            for hole in absent.gaps(&(range.start()..range.end())) {
                let until = life.map_or(Timestamp::MAX, |life| hole.end.plus(life));
                self.coverage.absent.remove(hole.start..until);
            }
        }
    }
}

/// Why records that are complete for what they show do not prove that nobody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AbsenceDoubt {
    /// The profile sets no longest life: a mapping older than the log could still stand.
    NoMaxLife,
    /// The source shows flows without saying who held which public port.
    UnnamedFlows,
    /// The source was seen to lose lines.
    LostLines,
}

impl Coverage {
    /// The coverage of some ports of an address by the logs: every device that showed the address, or that a pool of
    /// these ports declares for it, must have been recording; sources of one name are one device.
    pub fn of(manifest: &Manifest, addr: Ipv4Addr, ports: PortRange) -> Coverage {
        let pools: Vec<&Pool> =
            manifest.pools.iter().filter(|p| p.prefix.contains(&addr)).collect();
        let mut devices: Vec<Device<'_>> = Vec::new();
        for name in pools.iter().filter_map(|p| p.device.as_deref()) {
            let own = pools.iter().filter(|p| p.device.as_deref() == Some(name));
            let share: RangeSet<Timestamp> = own
                .filter(|p| p.ports.overlaps(ports))
                .map(|p| p.in_force.start()..p.in_force.end())
                .collect();
            // A device without any log counts too: who it served cannot be known.
            if !share.is_empty() && !devices.iter().any(|d| d.name == name) {
                devices.push(Device {
                    name,
                    coverage: Coverage::default(),
                    share,
                    lost: Vec::new(),
                });
            }
        }
        let mut known = false;
        for source in &manifest.sources {
            let Some(log) = &source.log else { continue };
            let at = devices.iter().position(|d| d.name == source.name);
            if at.is_none() {
                let showed = log.showed(addr);
                if pools.iter().any(|p| p.device.as_deref() == Some(&source.name)) {
                    // Its pools say that it has other ports.
                    known |= showed;
                    continue;
                }
                // A pool without a device belongs to whoever shows its addresses.
                let shows = |p: &&Pool| p.device.is_none() && shows_any(source, p.prefix);
                if !showed && !pools.iter().any(shows) {
                    continue;
                }
            }
            let own = Coverage::of_source(source);
            let at = at.unwrap_or_else(|| {
                let share = [Timestamp::MIN..Timestamp::MAX].into_iter().collect();
                let coverage = Coverage::default();
                devices.push(Device { name: &source.name, coverage, share, lost: Vec::new() });
                devices.len() - 1
            });
            if let Some(device) = devices.get_mut(at) {
                device.coverage.join(&own);
                device.lose(source);
            }
        }
        devices.iter_mut().for_each(Device::doubt_what_goes_on);
        let mut all = Coverage::meet(&devices);
        all.known |= known;
        if let Some(before) = manifest.expired_before {
            all.expire(before);
        }
        all
    }

    fn of_source(source: &SourceEntry) -> Coverage {
        let mut coverage = Coverage { known: true, ..Coverage::default() };
        let Some(log) = &source.log else { return coverage };
        if let Some(range) = source.covers.or(source.recorded) {
            coverage.present.insert(range.start()..range.end());
        }
        let doubt = if log.lossy {
            Err(AbsenceDoubt::LostLines)
        } else if log.unnamed {
            Err(AbsenceDoubt::UnnamedFlows)
        } else if let Some(covers) = source.covers {
            Ok(Some(covers))
        } else {
            match (log.profile.max_life, source.recorded) {
                (Some(life), Some(recorded)) if !log.is_table => {
                    Ok(settled(recorded, life, log.has_creates))
                }
                _ => Err(AbsenceDoubt::NoMaxLife),
            }
        };
        match doubt {
            Ok(Some(range)) => coverage.absent.insert(range.start()..range.end()),
            Ok(None) => coverage.why = Some(AbsenceDoubt::NoMaxLife),
            Err(why) => coverage.why = Some(why),
        }
        for gap in &log.gaps {
            coverage.present.remove(gap.start()..gap.end());
            coverage.absent.remove(gap.start()..gap.end());
        }
        coverage
    }

    /// Either source records it.
    fn join(&mut self, other: &Coverage) {
        self.present.extend(other.present.iter().cloned());
        // One collector that lost nothing is enough for its own time.
        self.absent.extend(other.absent.iter().cloned());
        self.why = self.why.max(other.why);
        self.known |= other.known;
    }

    /// What every device records that has a share in the address at the time, and at least one does.
    fn meet(devices: &[Device<'_>]) -> Coverage {
        let mut all = Coverage::default();
        for device in devices {
            all.join(&device.coverage);
        }
        for device in devices {
            for share in device.share.iter() {
                for hole in device.coverage.present.gaps(share) {
                    all.present.remove(hole);
                }
                for hole in device.coverage.absent.gaps(share) {
                    all.absent.remove(hole);
                }
            }
        }
        all
    }

    fn expire(&mut self, before: Timestamp) {
        let gone = Timestamp::MIN..before;
        self.deleted.extend(self.present.overlapping(&gone).map(|r| r.start..r.end.min(before)));
        self.present.remove(gone.clone());
        self.absent.remove(gone);
    }

    /// Whether every instant of `range` was recorded.
    pub fn is_present(&self, range: TimeRange) -> bool {
        self.present.gaps(&(range.start()..range.end())).next().is_none()
    }

    /// Whether at every instant of `range` the records prove absence.
    pub fn is_absent(&self, range: TimeRange) -> bool {
        self.absent.gaps(&(range.start()..range.end())).next().is_none()
    }

    /// Why absence is not covered.
    pub fn doubt(&self) -> Option<AbsenceDoubt> {
        self.why
    }

    /// Whether any instant of `range` was recorded once and then expired.
    pub fn is_deleted(&self, range: TimeRange) -> bool {
        self.deleted.overlaps(&(range.start()..range.end()))
    }

    /// Whether any log ever showed the address, or is of a device that has it; what was expired counts.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Whether nothing is recorded of the address.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// The recorded times, ascending.
    pub fn present(&self) -> impl Iterator<Item = TimeRange> {
        self.present.iter().filter_map(|r| TimeRange::new(r.start, r.end).ok())
    }

    /// The instants at which coverage of either kind begins or ends.
    pub fn edges(&self) -> impl Iterator<Item = Timestamp> {
        let sets = [&self.present, &self.absent, &self.deleted];
        sets.into_iter().flat_map(RangeSet::iter).flat_map(|r| [r.start, r.end])
    }
}

fn shows_any(source: &SourceEntry, prefix: ipnet::Ipv4Net) -> bool {
    source.log.as_ref().is_some_and(|log| {
        log.addresses.iter().any(|net| net.contains(&prefix) || prefix.contains(net))
    })
}

fn settled(recorded: TimeRange, life: TimeDelta, has_creates: bool) -> Option<TimeRange> {
    let settled = if has_creates {
        TimeRange::new(recorded.start().plus(life), recorded.end())
    } else {
        TimeRange::new(recorded.start(), recorded.end().minus(life))
    };
    settled.ok()
}
