//! Inside host -> subscriber, at the time that decides.

use super::answer::Name;
use super::field::Fact;
use crate::identity::{Binding, IdentityTable};
use crate::time::{TimeDelta, TimeRange};

/// Who a host was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Each possible name once; never empty.
    pub(super) names: Vec<Name>,
    /// Two bindings *certainly* name two people at one deciding instant.
    pub(super) contradicts: bool,
    /// What else the bindings say.
    pub(super) notes: Vec<String>,
}

/// Names a fact's host for a question about `window`.
///
/// A session belongs to who held the inside address when it was made, however long it lives; a block or a rule to
/// who held it when the port was used.
pub(super) fn name(identity: &IdentityTable, fact: &Fact<'_>, window: TimeRange) -> Named {
    let used = fact.outer.intersection(window).unwrap_or(window);
    let Some(record) = fact.record().filter(|_| !fact.is_named_by_use()) else {
        return named(fact, &identity.lookup(&fact.host, used), used);
    };
    let made = record.allocation.made();
    let mut at_make = named(fact, &identity.lookup(&fact.host, made), made);
    let at_use = named(fact, &identity.lookup(&fact.host, used), used);
    if at_use.names != at_make.names {
        let later: Vec<String> = at_use.names.iter().map(Name::to_string).collect();
        at_make.notes.push(format!(
            "the session belongs to who held {} when it was made; at the time asked about that address belonged to {}",
            fact.host,
            later.join(" or ")
        ));
    }
    at_make
}

fn named(fact: &Fact<'_>, bindings: &[&Binding], deciding: TimeRange) -> Named {
    let mut names: Vec<Name> =
        bindings.iter().map(|b| Name::Subscriber(b.subscriber.clone())).collect();
    names.sort();
    names.dedup();
    let contradicts = names.len() > 1 && certain_twice(bindings, deciding);
    if names.is_empty() {
        names.push(Name::Unknown(fact.host.as_ref().clone()));
    }
    Named { names, contradicts, notes: Vec::new() }
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
pub(super) fn just_before(at: crate::time::Timestamp) -> TimeRange {
    TimeRange::instant(at.minus(TimeDelta::from_microsecond(1)))
}
