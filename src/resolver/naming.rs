//! Inside host -> subscriber, at the time that decides.

use super::answer::Name;
use super::fact::Fact;
use super::field::Field;
use crate::allocation::{Began, Ended};
use crate::identity::{Binding, IdentityTable};
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// Who a host was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Each possible name once; never empty.
    pub(super) names: Vec<Name>,
    /// Two bindings *certainly* name two people at one deciding instant.
    pub(super) contradicts: bool,
    /// The deciding time lies where bindings were deleted, and none of those left is certain for all of it.
    pub(super) deleted: bool,
    /// What else the bindings say.
    pub(super) notes: Vec<String>,
}

/// Names a fact's host for a question about `window`.
///
/// A session belongs to who held the inside address when it was made, however long it lives; a block or a rule to
/// who held it when the port was used.
pub(super) fn name(
    field: &Field<'_>,
    identity: &IdentityTable,
    fact: &Fact<'_>,
    window: TimeRange,
) -> Named {
    let decides = deciding(fact, window);
    let mut named = named(field, fact, &identity.lookup(&fact.host, decides), decides);
    if !fact.is_named_by_use() {
        let used = used(fact, window);
        let at_use = names_of(fact, &identity.lookup(&fact.host, used));
        if at_use != named.names {
            let later: Vec<String> = at_use.iter().map(Name::to_string).collect();
            named.notes.push(format!(
                "the session belongs to who held {} when it was made; at the time asked about that address belonged to {}",
                fact.host,
                later.join(" or ")
            ));
        }
    }
    named
}

/// The names alone.
pub(super) fn names(identity: &IdentityTable, fact: &Fact<'_>, window: TimeRange) -> Vec<Name> {
    names_of(fact, &identity.lookup(&fact.host, deciding(fact, window)))
}

/// The time that decides whose host it was.
pub(super) fn deciding(fact: &Fact<'_>, window: TimeRange) -> TimeRange {
    match fact.record() {
        Some(record) if !fact.is_named_by_use() => record.made(),
        _ => used(fact, window),
    }
}

fn used(fact: &Fact<'_>, window: TimeRange) -> TimeRange {
    fact.outer.intersection(window).unwrap_or(window)
}

fn names_of(fact: &Fact<'_>, bindings: &[&Binding]) -> Vec<Name> {
    let mut names: Vec<Name> =
        bindings.iter().map(|b| Name::Subscriber(b.subscriber.clone())).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        names.push(Name::Unknown(fact.host.as_ref().clone()));
    }
    names
}

fn named(field: &Field<'_>, fact: &Fact<'_>, bindings: &[&Binding], deciding: TimeRange) -> Named {
    let names = names_of(fact, bindings);
    let contradicts = names.len() > 1 && certain_twice(bindings, deciding);
    let is_certain = |b: &&Binding| b.inner.is_some_and(|inner| inner.covers(deciding));
    let deleted = field.has_people
        && field.expired_before.is_some_and(|before| deciding.start() < before)
        && !bindings.iter().any(is_certain);
    Named { names, contradicts, deleted, notes: unlogged(bindings, deciding) }
}

/// What must be said where a name rests on a part of a binding that no record bounds.
fn unlogged(bindings: &[&Binding], deciding: TimeRange) -> Vec<String> {
    let rests_on = |b: &&Binding| {
        let before = b.inner.is_none_or(|inner| deciding.start() < inner.start());
        let behind = b.inner.is_none_or(|inner| deciding.end() > inner.end());
        (before && b.began == Began::Assumed) || (behind && b.ended != Ended::Logged)
    };
    let note = |b: &&Binding| {
        format!(
            "the binding of {} to {} is not certain at that time: begin {}, end {}",
            b.key, b.subscriber, b.began, b.ended
        )
    };
    bindings.iter().copied().filter(|b| rests_on(b)).map(|b| note(&b)).collect()
}

/// Whether two bindings of different subscribers are certain at one instant of `deciding`.
fn certain_twice(bindings: &[&Binding], deciding: TimeRange) -> bool {
    let inner = |b: &Binding| b.inner.and_then(|inner| inner.intersection(deciding));
    bindings.iter().enumerate().any(|(i, a)| {
        bindings.iter().skip(i + 1).any(|b| {
            a.subscriber != b.subscriber
                && matches!((inner(a), inner(b)), (Some(x), Some(y)) if x.overlaps(y))
        })
    })
}

/// The microsecond before an instant, as a question.
pub(super) fn just_before(at: Timestamp) -> TimeRange {
    TimeRange::instant(at.minus(TimeDelta::from_microsecond(1)))
}
