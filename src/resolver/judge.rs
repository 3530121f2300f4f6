//! The decision: facts and a time -> a verdict. The order of its steps is the order in which they can be wrong.

use rangemap::RangeSet;

use super::answer::{Basis, Name};
use super::claim::{Claim, claims, contradiction};
use super::fact::Fact;
use super::field::{Elsewhere, Field, holds};
use super::verdict::{Reason, Verdict};
use crate::allocation::{Began, Ended};
use crate::identity::IdentityTable;
use crate::store::AbsenceDoubt;
use crate::time::{TimeRange, Timestamp};

#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    pub(super) claims: Vec<Claim>,
}

impl Judgement {
    /// The different names over all claims.
    pub(super) fn names(&self) -> Vec<&Name> {
        distinct(&self.claims)
    }

    /// The one name, where there is exactly one.
    pub(super) fn sole(&self) -> Option<&Name> {
        match self.names().as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Whether the answer is that nothing is known of that time.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.verdict, Verdict::NotCovered | Verdict::Purged | Verdict::NotOurs)
    }
}

fn distinct(claims: &[Claim]) -> Vec<&Name> {
    let mut names: Vec<&Name> = claims.iter().flat_map(|c| &c.named.names).collect();
    names.sort();
    names.dedup();
    names
}

/// Decides a question about `window`.
///
/// ```text
/// 1  never ours                                             not-ours
/// 2  claims: outer intervals that meet the question, less those that a successor has replaced
/// 3  two certain holders of an exclusive key, rule against log, two certain bindings   conflict
/// 4  two names or more                                      ambiguous
/// 5  one name: outside the records?                         purged, not-covered
///              nobody knows whose host it was?              unbound
///              otherwise                                    unique
/// 6  none:     deleted, not recorded, or                    purged, not-covered, free
/// ```
pub(super) fn judge(field: &Field<'_>, identity: &IdentityTable, window: TimeRange) -> Judgement {
    let done = |(verdict, reason), claims| Judgement { verdict, reason, claims };
    if !field.is_ours() {
        return done((Verdict::NotOurs, Reason::NeverSeen), Vec::new());
    }
    let claims = claims(field, identity, window);
    if let Some(reason) = contradiction(field, &claims, window) {
        return done((Verdict::Conflict, reason), claims);
    }
    let decision = match distinct(&claims).as_slice() {
        [] => nobody(field, window),
        [one] => one_name(field, &claims, one, window),
        _ => {
            let mut hosts = claims.iter().filter_map(|c| field.facts.get(c.fact)).map(|f| &f.host);
            let first = hosts.next();
            let one_host = hosts.all(|host| Some(host) == first);
            let reason = if one_host { Reason::SeveralBindings } else { Reason::SeveralHolders };
            (Verdict::Ambiguous, reason)
        }
    };
    done(decision, claims)
}

/// Step 5: one name, if the records reach.
fn one_name(
    field: &Field<'_>,
    claims: &[Claim],
    name: &Name,
    window: TimeRange,
) -> (Verdict, Reason) {
    let facts = || claims.iter().filter_map(|c| field.facts.get(c.fact));
    if !holds(&field.covered(), window) {
        let spans = |f: &Fact<'_>| {
            f.record().is_some_and(|r| r.leaves_no_room(&field.asked))
                && f.inner.is_some_and(|inner| inner.covers(window))
        };
        if !facts().any(spans) {
            return outside(field, window);
        }
    }
    if !is_vouched(field, facts, window) {
        let closed = |f: &Fact<'_>| {
            f.record().is_some_and(|r| {
                r.allocation.began == Began::Logged && r.allocation.ended == Ended::Logged
            })
        };
        let reason = if facts().any(closed) { Reason::LostLines } else { Reason::OpenRecordAlone };
        return (Verdict::NotCovered, reason);
    }
    if claims.iter().any(|c| c.named.deleted) {
        return (Verdict::Purged, Reason::Expired);
    }
    if name.subscriber().is_none() {
        return (Verdict::Unbound, Reason::NoBinding);
    }
    let reason = if claims.iter().any(|c| c.basis == Basis::Used) {
        Reason::Used
    } else if claims.iter().any(|c| c.basis == Basis::Rule) {
        Reason::Rule
    } else {
        Reason::Held
    };
    (Verdict::Unique, reason)
}

/// Whether the claims stand on more than the absence of other lines, wherever one of them says that it held.
fn is_vouched<'f, 'l: 'f, I>(field: &Field<'l>, facts: impl Fn() -> I, window: TimeRange) -> bool
where
    I: Iterator<Item = &'f Fact<'l>>,
{
    let range = |t: TimeRange| t.intersection(window).map(|t| t.start()..t.end());
    let vouched: RangeSet<Timestamp> =
        facts().filter_map(|f| f.vouched(&field.asked).and_then(range)).collect();
    let mut held = facts().filter_map(|f| range(f.outer));
    held.all(|t| vouched.gaps(&t).next().is_none())
}

/// Part of the question lies where nothing was recorded.
fn outside(field: &Field<'_>, window: TimeRange) -> (Verdict, Reason) {
    if field.logs.is_deleted(window) {
        (Verdict::Purged, Reason::Expired)
    } else if !field.logs.is_known()
        && field.rules.dynamic.overlaps(&(window.start()..window.end()))
    {
        (Verdict::NotCovered, Reason::DynamicPool)
    } else if field.is_ruled && !field.logs.is_known() {
        (Verdict::NotCovered, unlisted(field, window))
    } else {
        (Verdict::NotCovered, Reason::OutsideRecords)
    }
}

/// Why rules alone do not reach: the first that holds, as a set that is missing may be the one that lists the port.
fn unlisted(field: &Field<'_>, window: TimeRange) -> Reason {
    let meets = |set: &RangeSet<Timestamp>| set.overlaps(&(window.start()..window.end()));
    if !holds(&field.rules.ruled, window) {
        Reason::RuleHistoryGap
    } else if meets(&field.rules.no_row) {
        Reason::NoBindingRow
    } else if meets(&field.rules.no_psid) {
        Reason::NoRuleForPsid
    } else {
        Reason::RuleHistoryGap
    }
}

/// Step 6: nobody claims it.
fn nobody(field: &Field<'_>, window: TimeRange) -> (Verdict, Reason) {
    if field.logs.is_deleted(window) {
        return (Verdict::Purged, Reason::Expired);
    }
    let by_rule = holds(&field.rules.excluded, window);
    let is_leftover = field.rules.leftover.overlaps(&(window.start()..window.end()));
    let excluded = if is_leftover { Reason::LeftoverPort } else { Reason::ExcludedPort };
    if by_rule && !field.logs.is_known() {
        return (Verdict::Free, excluded);
    }
    // A declared pool says which ports the device uses at all, whether or not its logs are complete; a record of the
    // port, of whatever time, shows that the declaration is not to be relied on.
    if holds(&field.pooled, window)
        && !field.pooled_port.overlaps(&(window.start()..window.end()))
        && !field.has_records()
    {
        return (Verdict::Free, Reason::OutsidePoolRange);
    }
    if !field.logs.is_absent(window) {
        if !field.logs.is_present(window) {
            return outside(field, window);
        }
        return match field.logs.doubt() {
            Some(AbsenceDoubt::LostLines) => (Verdict::NotCovered, Reason::LostLines),
            Some(AbsenceDoubt::UnnamedFlows) => (Verdict::NotCovered, Reason::UnnamedFlows),
            // A longest life that is known has not gone by yet, or is still to come.
            Some(AbsenceDoubt::NoMaxLife) | None => (Verdict::NotCovered, Reason::NoMaxLife),
        };
    }
    if field.unsettled.overlaps(&(window.start()..window.end())) {
        return (Verdict::NotCovered, Reason::LostLines);
    }
    let held = |why| field.held_elsewhere(why, window) > 0;
    let reason = if by_rule {
        excluded
    } else if held(Elsewhere::OtherDestination) {
        Reason::OtherDestination
    } else if held(Elsewhere::OtherProtocol) {
        Reason::OtherProtocol
    } else {
        Reason::Idle
    };
    (Verdict::Free, reason)
}
