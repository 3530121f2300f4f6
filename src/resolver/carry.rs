//! Records that were open when their recording ended, carried on into the next imports.
//!
//! ```text
//!   first import     |=================|
//!   second import                         |======================|
//!   A, no release        [== vouched ==)- - - could be - - - - - )
//!   B, another destination                     [======)
//! ```
//!
//! Files of one import are read as one stream, and there an open record claims as far as the stream reaches. Read one
//! by one they must not name B alone, nor say that nobody held the port.

use std::collections::HashMap;

use rangemap::RangeSet;

use super::fact::{Fact, Record};
use crate::allocation::{Began, Ended};
use crate::store::Coverage;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// Moves the ends of open records to where recorded time ends, or to where a later record shows that they were over.
///
/// Gives the times in which one of them may still have been open behind that: it claims nothing there, as lines were lost
/// before, but neither was it surely nobody.
///
/// # Complexity
///
/// Each open record is held against those that begin with its port.
pub(super) fn carry_on(facts: &mut [Fact<'_>], logs: &Coverage) -> RangeSet<Timestamp> {
    let mut unsettled = RangeSet::new();
    let is_open = |f: &Fact<'_>| f.record().is_some_and(|r| r.allocation.ended == Ended::Open);
    let open: Vec<usize> =
        (0..facts.len()).filter(|&at| facts.get(at).is_some_and(is_open)).collect();
    if open.is_empty() {
        return unsettled;
    }
    let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
    for (at, fact) in facts.iter().enumerate() {
        if let Some(record) = fact.record() {
            by_port.entry(record.allocation.ports.first()).or_default().push(at);
        }
    }
    for at in open {
        let Some(fact) = facts.get(at) else { continue };
        let Some((open, own)) = fact.record().and_then(|r| Some((r, r.followed_until()?))) else {
            continue;
        };
        let until = reach(&open, logs);
        let others = by_port.get(&open.allocation.ports.first()).into_iter().flatten();
        let others = others.filter(|&&other| other != at).filter_map(|&other| facts.get(other));
        let over = others.filter_map(|other| over_by(fact, &open, other, own)).min();
        let end = over.map_or(until, |over| over.clamp(own.min(until), until));
        let start = fact.outer.start();
        if let (Some(fact), Ok(outer)) = (facts.get_mut(at), TimeRange::new(start, end)) {
            fact.outer = outer;
        }
        let last = over.unwrap_or(Timestamp::MAX).min(open.longest_until());
        if end < last {
            unsettled.insert(end..last);
        }
    }
    unsettled
}

/// How far an open record may reach: as far as anything is recorded, where it was open when its own recording ended.
fn reach(record: &Record<'_>, logs: &Coverage) -> Timestamp {
    let end = record.allocation.outer.end();
    let tick = TimeDelta::from_microsecond(1);
    // Where it ended at a gap, that is its end; a row of a table without an end is still held.
    let is_last = record.recorded().is_some_and(|recorded| end.plus(tick) >= recorded.end());
    if end == Timestamp::MAX || !is_last {
        return end;
    }
    let on = logs.present().map(TimeRange::end).max().unwrap_or(end).min(record.longest_until());
    if on > end.plus(tick) { on } else { end }
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
