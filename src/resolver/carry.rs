//! Records that were open when their recording ended, carried on where the next import goes on without a gap.
//!
//! ```text
//!   first import     |=================|
//!   second import                      |=========================|
//!   A, no release        [== vouched ==)- - - could be - - - - - )
//!   B, another destination                     [======)
//! ```
//!
//! Files of one import are read as one stream, and there an open record claims as far as the stream reaches. Read one
//! by one they must not name B alone, nor say that nobody held the port.

use std::collections::HashMap;

use super::fact::{Fact, Record};
use crate::allocation::Began;
use crate::store::Coverage;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// Moves the ends of open records to where recorded time ends, or to where a later record shows that they were over.
///
/// # Complexity
///
/// Each open record is held against those that begin with its port.
pub(super) fn carry_on(facts: &mut [Fact<'_>], logs: &Coverage) {
    let ends: Vec<(usize, Timestamp, Timestamp)> = facts
        .iter()
        .enumerate()
        .filter_map(|(at, fact)| {
            let (own, until) = reach(&fact.record()?, logs)?;
            Some((at, own, until))
        })
        .collect();
    if ends.is_empty() {
        return;
    }
    let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
    for (at, fact) in facts.iter().enumerate() {
        if let Some(record) = fact.record() {
            by_port.entry(record.allocation.ports.first()).or_default().push(at);
        }
    }
    for (at, own, until) in ends {
        let Some(fact) = facts.get(at) else { continue };
        let Some(open) = fact.record() else { continue };
        let start = fact.outer.start();
        let others = by_port.get(&open.allocation.ports.first()).into_iter().flatten();
        let others = others.filter(|&&other| other != at).filter_map(|&other| facts.get(other));
        let over = others.filter_map(|other| over_by(fact, &open, other, own)).min();
        let end = over.map_or(until, |over| over.clamp(own, until));
        if let (Some(fact), Ok(outer)) = (facts.get_mut(at), TimeRange::new(start, end)) {
            fact.outer = outer;
        }
    }
}

/// Up to when an open record was followed by its own source, and how far it may reach; none where that is no farther.
fn reach(record: &Record<'_>, logs: &Coverage) -> Option<(Timestamp, Timestamp)> {
    let own = record.followed_until()?;
    let end = record.allocation.outer.end();
    if end == Timestamp::MAX {
        // A row of a table without an end: it is still held.
        return Some((own, end));
    }
    let recorded = record.recorded()?;
    let tick = TimeDelta::from_microsecond(1);
    // Where it ended at a gap, that is its end.
    if end.plus(tick) < recorded.end() {
        return None;
    }
    let on = logs.present().find(|r| r.start() <= end && end <= r.end())?;
    (on.end() > end.plus(tick)).then_some((own, on.end()))
}

/// By when a later record, of the same flow or of its exclusive key, shows that the open one was over.
fn over_by(
    fact: &Fact<'_>,
    open: &Record<'_>,
    other: &Fact<'_>,
    own: Timestamp,
) -> Option<Timestamp> {
    let later = other.record().filter(|_| other.outer.end() > own)?;
    let (a, b) = (open.allocation, later.allocation);
    let is_same_flow = fact.host == other.host
        && (a.ports, a.protocol, a.destination, a.inside_port)
            == (b.ports, b.protocol, b.destination, b.inside_port);
    if !is_same_flow && !open.shares_exclusive_key(&later) {
        return None;
    }
    // Of the same tenancy, read again, that one tells more.
    Some(match b.began {
        Began::Logged => b.made().end(),
        Began::Assumed => b.outer.end(),
    })
}
