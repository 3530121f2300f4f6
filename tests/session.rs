//! Records against the physics of the NAT that wrote them.

#[path = "common/session_oracle.rs"]
mod session_oracle;

use portledger::PortRange;
use portledger::allocation::{Allocation, Ended, SourceId};
use portledger::natlog::{Event, EventKind};
use portledger::session::{Assembled, Assembler, Profile};
use portledger::time::{TimeDelta, TimeRange, Timestamp};
use proptest::prelude::*;
use session_oracle::{LATE, Plan, Style, Tenancy, World, micros, tenancy_of, world};

fn profile() -> Profile {
    // The oracle puts up to a microsecond a line between lines that are read at once.
    Profile { late: TimeDelta::from_microsecond(LATE + 1_000), ..Profile::conntrack() }
}

/// No tenancy of the oracle's goes on for longer: six packets, each inside a timeout.
const LONGEST: TimeDelta = TimeDelta::from_second(150);

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let late = prop_oneof![3 => 0..2_000_i64, 1 => 0..=LATE];
    let pause = prop_oneof![Just(0), 0..5_000_i64, 0..2_000_000_i64, 0..60_000_000_i64];
    let killed = prop::option::of(prop_oneof![Just(0), 0..1_000_i64, 0..9_000_000_i64]);
    let plan = (
        (0..3_u8, 0..3_u8, pause),
        prop::collection::vec(prop_oneof![0..5_i64, 0..1_000_i64], 0..6),
        (killed, 0..26_000_000_i64, prop::array::uniform3(late)),
    );
    let plan = plan.prop_map(|((key, host, pause), gaps, (killed_after, collector, late))| Plan {
        key,
        host,
        pause,
        gaps,
        killed_after,
        collector,
        late,
    });
    prop::collection::vec(plan, 1..24)
}

fn style() -> impl Strategy<Value = Style> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(updates, flow_ids, bare_kills)| {
        // An update without a flow number may be of any tenancy of its flow.
        Style { updates: updates && flow_ids, flow_ids, bare_kills }
    })
}

fn assemble(profile: Profile, lines: &[Event]) -> Assembled {
    let mut assembler = Assembler::new(profile);
    for line in lines {
        assembler.push(SourceId(0), line).unwrap();
    }
    assembler.finish(None)
}

fn stamp(line: &Event) -> i64 {
    micros(line.time.unwrap().start())
}

fn contains(range: TimeRange, at: i64) -> bool {
    range.contains(Timestamp::from_microsecond(at))
}

/// What must be true of any allocation.
fn sane(a: &Allocation) -> Result<(), TestCaseError> {
    prop_assert!(a.used_until <= a.outer.end(), "{a:?}");
    prop_assert!(a.inner.is_none_or(|inner| a.outer.covers(inner)), "{a:?}");
    prop_assert!(a.created >= a.outer.start(), "{a:?}");
    Ok(())
}

/// An end that no stop proves is a stamp, and a stamp is late.
fn slack(tenancy: &Tenancy, a: &Allocation) -> i64 {
    if tenancy.shows_stop && a.origin.release.is_some() { 0 } else { LATE + 1_000 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Without loss, whatever part of the time was recorded: one allocation a tenancy, of the right host, that holds
    /// all its packets, is certain of nothing but its time, and is in use at its last packet.
    #[test]
    fn a_whole_log_tells_what_happened(
        plans in plans(),
        style in style(),
        from in 0..40_usize,
        until in 0..40_usize,
    ) {
        let World { tenancies, lines } = world(&plans, style);
        let until = lines.len().saturating_sub(until).max(1);
        let lines = &lines[from.min(until - 1)..until];
        let (first, last) = (stamp(&lines[0]), stamp(&lines[lines.len() - 1]));
        let done = assemble(profile(), lines);
        prop_assert!(done.audit.adds_up());
        prop_assert_eq!(done.audit.late_widened, None);
        prop_assert!(!done.audit.is_lossy(), "{:?}", done.audit);

        let mut shown: Vec<usize> = lines.iter().map(|l| tenancy_of(l.span)).collect();
        shown.sort_unstable();
        shown.dedup();
        let mut found = Vec::new();
        for a in &done.allocations {
            sane(a)?;
            let number = tenancy_of(a.origin.first().unwrap().span);
            found.push(number);
            let truth = &tenancies[number];
            let host = done.hosts[a.inside.0 as usize].to_string();
            prop_assert!(host.ends_with(&format!(".{}", truth.host)), "{} {:?}", host, truth);
            prop_assert_eq!(a.ports, PortRange::single(4000 + u16::from(truth.key)));
            for &packet in truth.packets.iter().filter(|&&p| first <= p && p <= last) {
                prop_assert!(contains(a.outer, packet), "{packet} {a:?} {truth:?}");
                if a.released.is_some() {
                    prop_assert!(packet <= micros(a.used_until), "{packet} {a:?} {truth:?}");
                }
            }
            if let Some(inner) = a.inner {
                prop_assert!(micros(inner.start()) >= truth.start(), "{a:?} {truth:?}");
                let end = truth.end + slack(truth, a);
                prop_assert!(micros(inner.end()) <= end, "{a:?} {truth:?}");
            }
        }
        found.sort_unstable();
        prop_assert_eq!(found, shown);
    }

    /// With lines lost one by one and in a gap, repeated, and out of order: a record still holds all its packets, but
    /// nothing is certain of a time at which somebody else held the key, no profile is widened, and everything is
    /// accounted for.
    #[test]
    fn a_damaged_log_is_never_certain_of_somebody_elses_time(
        plans in plans(),
        style in style(),
        damage in prop::collection::vec((0..100_u8, 0..100_u8, 0..4_900_000_i64), 100),
        drop_percent in 0..60_u8,
        gap in prop::option::of((0..72_usize, 1..40_usize)),
    ) {
        let World { tenancies, lines } = world(&plans, style);
        let mut written: Vec<(i64, Event)> = Vec::new();
        for (n, (line, &(drop, repeat, delay))) in lines.iter().zip(damage.iter().cycle()).enumerate() {
            if drop < drop_percent || gap.is_some_and(|(at, len)| (at..at + len).contains(&n)) {
                continue;
            }
            for copy in 0..=i64::from(repeat < 10) {
                written.push((stamp(line) + delay + copy, line.clone()));
            }
        }
        written.sort_by_key(|(at, _)| *at);
        let written: Vec<Event> = written.into_iter().map(|(_, line)| line).collect();
        let stamps = written.iter().map(stamp);
        let (Some(first), Some(last)) = (stamps.clone().min(), stamps.max()) else { return Ok(()) };
        let done = assemble(profile(), &written);
        prop_assert!(done.audit.adds_up(), "{:?}", done.audit);
        prop_assert_eq!(done.audit.late_widened, None);

        for a in &done.allocations {
            sane(a)?;
            let own = &tenancies[tenancy_of(a.origin.first().unwrap().span)];
            // Only a gap may keep a packet out of a record.
            if a.ended != Ended::Open {
                for &packet in own.packets.iter().filter(|&&p| first <= p && p <= last) {
                    prop_assert!(contains(a.outer, packet), "{packet} {a:?} {own:?}");
                }
            }
            let Some(inner) = a.inner else { continue };
            for other in tenancies.iter().filter(|o| o.key == own.key && o.host != own.host) {
                let (start, end) = (micros(inner.start()), micros(inner.end()) - slack(own, a));
                prop_assert!(
                    end <= other.start() || other.end <= start,
                    "{a:?} of {own:?} is certain in the time of {other:?}"
                );
            }
        }
    }

    /// Whatever the releases leave out, however many tenancies they then fit, and wherever the log begins: each tenancy
    /// whose create was read is one allocation of the right host on the right port, which holds all its packets and is
    /// certain of its time only.
    #[test]
    fn a_log_with_short_releases_names_nobody_else(
        plans in plans(),
        style in style(),
        left_out in 0..4_u8,
        has_start in any::<bool>(),
        from in prop_oneof![Just(0), 0..40_usize],
        max_life in prop::option::of(Just(LONGEST)),
    ) {
        let World { tenancies, lines } = world(&plans, style);
        prop_assert!(tenancies.iter().all(|t| t.end - t.start() <= LONGEST.as_microsecond()));
        let from = from.min(lines.len() - 1);
        let stripped: Vec<Event> = lines
            .iter()
            .skip(from)
            .map(|line| {
                let mut line = line.clone();
                line.flow_id = None;
                if line.kind == EventKind::Update {
                    // An update without a flow number may be of any tenancy of its flow.
                    line.kind = EventKind::AddressBind;
                }
                if line.kind == EventKind::SessionDelete {
                    if left_out & 1 != 0 {
                        line.destination = None;
                    }
                    if left_out & 2 != 0 {
                        (line.outside, line.ports) = (None, None);
                    }
                    if !has_start {
                        (line.start, line.stop) = (None, None);
                    }
                }
                line
            })
            .collect();
        let done = assemble(Profile { max_life, ..profile() }, &stripped);
        prop_assert!(done.audit.adds_up(), "{:?}", done.audit);
        let mut found = Vec::new();
        for a in &done.allocations {
            sane(a)?;
            // A release alone on a whole key says itself whose it was.
            let Some(create) = a.origin.create else { continue };
            let number = tenancy_of(create.span);
            found.push(number);
            let truth = &tenancies[number];
            let host = done.hosts[a.inside.0 as usize].to_string();
            prop_assert!(host.ends_with(&format!(".{}", truth.host)), "{} {:?}", host, truth);
            prop_assert_eq!(a.ports, PortRange::single(4000 + u16::from(truth.key)));
            // Only a gap may keep a packet out of a record.
            if a.ended != Ended::Open || done.audit.suspected_gaps.is_empty() {
                for &packet in &truth.packets {
                    prop_assert!(contains(a.outer, packet), "{packet} {a:?} {truth:?}");
                }
            }
            if let Some(inner) = a.inner {
                prop_assert!(micros(inner.start()) >= truth.start(), "{a:?} {truth:?}");
                prop_assert!(micros(inner.end()) <= truth.end + 27_000_000, "{a:?} {truth:?}");
            }
        }
        found.sort_unstable();
        let creates = stripped.iter().filter(|line| line.kind == EventKind::SessionCreate);
        let mut shown: Vec<usize> = creates.map(|line| tenancy_of(line.span)).collect();
        shown.sort_unstable();
        prop_assert_eq!(found, shown);
    }
}
