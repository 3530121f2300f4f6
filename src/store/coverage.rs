//! For which times the ledger has complete records of an address.

use std::net::Ipv4Addr;

use rangemap::RangeSet;

use super::manifest::{Manifest, SourceEntry};
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
/// seen to lose lines covers no absence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    present: RangeSet<Timestamp>,
    absent: RangeSet<Timestamp>,
    /// Why absence is not covered where presence is.
    why: Option<AbsenceDoubt>,
}

/// Why records that are complete for what they show do not prove that nobody was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AbsenceDoubt {
    /// The profile sets no longest life: a mapping older than the log could still stand.
    NoMaxLife,
    /// The source was seen to lose lines.
    LostLines,
}

impl Coverage {
    /// The coverage of an address by the logs: every device that showed it, or that a pool declares for it, must
    /// have been recording; sources of one name are one device.
    pub fn of(manifest: &Manifest, addr: Ipv4Addr) -> Coverage {
        let mut devices: Vec<(&str, Coverage)> = Vec::new();
        for source in &manifest.sources {
            let Some(log) = &source.log else { continue };
            let declared = manifest
                .pools
                .iter()
                .any(|p| p.prefix.contains(&addr) && p.device.as_deref() == Some(&source.name));
            // A pool without a device belongs to whoever shows its addresses.
            let pooled = manifest.pools.iter().any(|p| {
                p.device.is_none() && p.prefix.contains(&addr) && shows_any(source, p.prefix)
            });
            if !declared && !pooled && !log.showed(addr) {
                continue;
            }
            let own = Coverage::of_source(source);
            match devices.iter_mut().find(|(name, _)| *name == source.name) {
                Some((_, device)) => device.join(&own),
                None => devices.push((&source.name, own)),
            }
        }
        let mut devices = devices.into_iter().map(|(_, coverage)| coverage);
        let mut all = devices.next().unwrap_or_default();
        for device in devices {
            all = all.meet(&device);
        }
        if let Some(before) = manifest.expired_before {
            all.present.remove(Timestamp::MIN..before);
            all.absent.remove(Timestamp::MIN..before);
        }
        all
    }

    fn of_source(source: &SourceEntry) -> Coverage {
        let mut coverage = Coverage::default();
        let Some(log) = &source.log else { return coverage };
        if let Some(range) = source.covers.or(source.recorded) {
            coverage.present.insert(range.start()..range.end());
        }
        let doubt = if log.lossy {
            Err(AbsenceDoubt::LostLines)
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
        self.why = self.why.or(other.why);
    }

    /// Both devices record it.
    fn meet(&self, other: &Coverage) -> Coverage {
        let both = |a: &RangeSet<Timestamp>, b: &RangeSet<Timestamp>| a.intersection(b).collect();
        Coverage {
            present: both(&self.present, &other.present),
            absent: both(&self.absent, &other.absent),
            why: self.why.or(other.why),
        }
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

    /// Whether nothing was ever recorded of the address.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// The recorded times, ascending.
    pub fn present(&self) -> impl Iterator<Item = TimeRange> {
        self.present.iter().filter_map(|r| TimeRange::new(r.start, r.end).ok())
    }

    /// The instants at which coverage of either kind begins or ends.
    pub fn edges(&self) -> impl Iterator<Item = Timestamp> {
        self.present.iter().chain(self.absent.iter()).flat_map(|r| [r.start, r.end])
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
