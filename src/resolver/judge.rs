//! The decision: facts and a time -> a verdict. The order of its steps is the order in which they can be wrong.

use rangemap::RangeSet;

use super::answer::{Basis, Name, Reason, Verdict};
use super::field::{Elsewhere, Fact, Field, holds};
use super::naming::{Named, name};
use crate::allocation::{Began, Ended};
use crate::identity::IdentityTable;
use crate::store::AbsenceDoubt;
use crate::time::{TimeDelta, TimeRange, Timestamp};

/// How soon behind a question another host's create makes it a candidate beside a holder past its last use.
const SUCCESSOR_WITHIN: TimeDelta = TimeDelta::from_second(1);

/// A fact that could answer the question.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Which fact of the field.
    pub(super) fact: usize,
    pub(super) basis: Basis,
    pub(super) named: Named,
}

#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    pub(super) claims: Vec<Claim>,
    /// Records of the port that another destination or protocol rules out, at the time asked about.
    pub(super) elsewhere: usize,
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
    let elsewhere = field.elsewhere.iter().filter(|(t, _)| t.overlaps(window)).count();
    let done = |verdict, reason, claims| Judgement { verdict, reason, claims, elsewhere };
    if !field.is_ours() {
        return done(Verdict::NotOurs, Reason::NeverSeen, Vec::new());
    }
    let claims: Vec<Claim> = claimants(field, window)
        .into_iter()
        .filter_map(|at| {
            let fact = field.facts.get(at)?;
            let basis = match fact.record() {
                None => Basis::Rule,
                Some(_) if window.start() >= fact.used_until => Basis::Held,
                Some(_) => Basis::Used,
            };
            Some(Claim { fact: at, basis, named: name(identity, fact, window) })
        })
        .collect();
    if let Some(reason) = contradiction(field, &claims, window) {
        return done(Verdict::Conflict, reason, claims);
    }
    let names = distinct(&claims);
    match names.as_slice() {
        [] => {
            let (verdict, reason) = nobody(field, window);
            done(verdict, reason, claims)
        }
        [one] => {
            let (verdict, reason) = one_name(field, &claims, one, window);
            done(verdict, reason, claims)
        }
        _ => {
            let one_host = claims.iter().filter_map(|c| field.facts.get(c.fact)).map(|f| &f.host);
            let mut hosts: Vec<_> = one_host.collect();
            hosts.sort();
            hosts.dedup();
            let reason =
                if hosts.len() == 1 { Reason::SeveralBindings } else { Reason::SeveralHolders };
            done(Verdict::Ambiguous, reason, claims)
        }
    }
}

/// The facts that claim the question, by position: step 2.
fn claimants(field: &Field<'_>, window: TimeRange) -> Vec<usize> {
    let meets: Vec<usize> = field
        .facts
        .iter()
        .enumerate()
        .filter(|(_, f)| f.outer.overlaps(window))
        .map(|(at, _)| at)
        .collect();
    let fact = |at: usize| field.facts.get(at);
    let mut claims: Vec<usize> = meets
        .iter()
        .copied()
        .filter(|&at| {
            let replaced = |by: &usize| {
                *by != at && fact(at).zip(fact(*by)).is_some_and(|(a, b)| is_replaced(a, b, window))
            };
            !meets.iter().any(replaced)
        })
        .collect();
    // Past its last use, the one holder may already have been replaced by a create that is stamped late.
    let past_use = |f: &Fact<'_>| f.record().is_some() && window.start() >= f.used_until;
    let one_host = |claims: &[usize]| {
        let mut hosts = claims.iter().filter_map(|&at| fact(at)).map(|f| &f.host);
        let first = hosts.next();
        hosts.all(|h| Some(h) == first)
    };
    if one_host(&claims) && claims.iter().filter_map(|&at| fact(at)).all(past_use) {
        let holders = claims.clone();
        for (at, next) in field.facts.iter().enumerate() {
            let Some(record) = next.record() else { continue };
            let created = record.allocation.created;
            let soon = created >= window.end() && created <= window.end().plus(SUCCESSOR_WITHIN);
            let takes_over =
                |holder: &Fact<'_>| holder.host != next.host && holder.same_full_key(next);
            if soon
                && holders.iter().filter_map(|&h| fact(h)).any(takes_over)
                && !claims.contains(&at)
            {
                claims.push(at);
            }
        }
    }
    claims
}

/// Succession: whether `b` held the very key of `a` after it, so that `a`, past its last use, is out of it.
fn is_replaced(a: &Fact<'_>, b: &Fact<'_>, window: TimeRange) -> bool {
    let (Some(old), Some(new)) = (a.record(), b.record()) else { return false };
    let Some(released) = old.allocation.released else { return false };
    window.start() >= a.used_until
        && a.same_full_key(b)
        && new.allocation.created >= released
        && window.start() < b.used_until
}

/// Step 3: records that cannot all be true.
fn contradiction(field: &Field<'_>, claims: &[Claim], window: TimeRange) -> Option<Reason> {
    let certain = |f: &Fact<'_>| f.inner.and_then(|inner| inner.intersection(window));
    let together = |a: &Fact<'_>, b: &Fact<'_>| match (certain(a), certain(b)) {
        (Some(x), Some(y)) => x.overlaps(y),
        _ => false,
    };
    for (i, first) in claims.iter().enumerate() {
        for second in claims.iter().skip(i + 1) {
            let (Some(a), Some(b)) = (field.facts.get(first.fact), field.facts.get(second.fact))
            else {
                continue;
            };
            if a.host == b.host || !together(a, b) {
                continue;
            }
            match (a.record(), b.record()) {
                (Some(x), Some(y)) => {
                    if x.exclusive && y.exclusive && a.same_full_key(b) {
                        return Some(Reason::TwoHoldersOfAnExclusiveKey);
                    }
                }
                (None, None) => {}
                _ => {
                    let share_ports = a
                        .ports
                        .ranges()
                        .iter()
                        .any(|r| b.ports.ranges().iter().any(|s| r.overlaps(*s)));
                    if share_ports && !is_one_subscriber(first, second) {
                        return Some(Reason::RuleAgainstLog);
                    }
                }
            }
        }
    }
    claims.iter().any(|c| c.named.contradicts).then_some(Reason::TwoBindings)
}

fn is_one_subscriber(a: &Claim, b: &Claim) -> bool {
    match (a.named.names.as_slice(), b.named.names.as_slice()) {
        ([x], [y]) => x == y && x.subscriber().is_some(),
        _ => false,
    }
}

/// Step 5: one name, if the records reach.
fn one_name(
    field: &Field<'_>,
    claims: &[Claim],
    name: &Name,
    window: TimeRange,
) -> (Verdict, Reason) {
    let facts = || claims.iter().filter_map(|c| field.facts.get(c.fact));
    let covered = field.covered();
    if !holds(&covered, window) {
        let spans = |f: &Fact<'_>| {
            f.record().is_some_and(|r| {
                r.exclusive && r.is_full_key && r.allocation.ended == Ended::Logged
            }) && f.inner.is_some_and(|inner| inner.covers(window))
        };
        if !facts().any(spans) {
            return outside(field, window);
        }
    }
    if !is_vouched(facts, window) {
        let closed = |f: &Fact<'_>| {
            f.record().is_some_and(|r| {
                r.allocation.began == Began::Logged && r.allocation.ended == Ended::Logged
            })
        };
        let reason = if facts().any(closed) { Reason::LostLines } else { Reason::OpenRecordAlone };
        return (Verdict::NotCovered, reason);
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
fn is_vouched<'f, 'l: 'f, I>(facts: impl Fn() -> I, window: TimeRange) -> bool
where
    I: Iterator<Item = &'f Fact<'l>>,
{
    let range = |t: TimeRange| t.intersection(window).map(|t| t.start()..t.end());
    let vouched: RangeSet<Timestamp> =
        facts().filter_map(|f| f.vouched().and_then(range)).collect();
    let mut held = facts().filter_map(|f| range(f.outer));
    held.all(|t| vouched.gaps(&t).next().is_none())
}

/// Part of the question lies where nothing was recorded.
fn outside(field: &Field<'_>, window: TimeRange) -> (Verdict, Reason) {
    if field.expired_before.is_some_and(|before| window.start() < before) {
        (Verdict::Purged, Reason::Expired)
    } else if !field.ruled.is_empty() && field.logs.is_empty() {
        (Verdict::NotCovered, Reason::RuleHistoryGap)
    } else {
        (Verdict::NotCovered, Reason::OutsideRecords)
    }
}

/// Step 6: nobody claims it.
fn nobody(field: &Field<'_>, window: TimeRange) -> (Verdict, Reason) {
    let by_rule = holds(&field.excluded, window);
    if field.logs.is_empty() && by_rule {
        return (Verdict::Free, Reason::ExcludedPort);
    }
    // A declared pool says which ports the device uses at all, whether or not its logs are complete.
    if holds(&field.pooled, window) && !field.pooled_port.overlaps(&(window.start()..window.end()))
    {
        return (Verdict::Free, Reason::OutsidePoolRange);
    }
    if field.expired_before.is_some_and(|before| window.start() < before) {
        return (Verdict::Purged, Reason::Expired);
    }
    if !field.logs.is_absent(window) {
        if !field.logs.is_present(window) {
            return outside(field, window);
        }
        return match field.logs.doubt() {
            Some(AbsenceDoubt::NoMaxLife) => (Verdict::NotCovered, Reason::NoMaxLife),
            Some(AbsenceDoubt::LostLines) => (Verdict::NotCovered, Reason::LostLines),
            None => (Verdict::NotCovered, Reason::OutsideRecords),
        };
    }
    if by_rule {
        return (Verdict::Free, Reason::ExcludedPort);
    }
    let held = |why| field.elsewhere.iter().any(|(t, e)| *e == why && t.overlaps(window));
    if held(Elsewhere::OtherDestination) {
        (Verdict::Free, Reason::OtherDestination)
    } else if held(Elsewhere::OtherProtocol) {
        (Verdict::Free, Reason::OtherProtocol)
    } else {
        (Verdict::Free, Reason::Idle)
    }
}
