//! Which facts claim a question, and which of them cannot all be true.

use std::collections::HashMap;

use super::answer::Basis;
use super::contradiction::{names_another, names_nobody};
use super::fact::{Fact, Kind, Record};
use super::field::Field;
use super::naming::{Named, name};
use super::verdict::Reason;
use crate::identity::IdentityTable;
use crate::port::PortRange;
use crate::time::{TimeDelta, TimeRange};

/// How soon behind a question another host's create makes it a candidate beside a holder past its last use.
pub(super) const SUCCESSOR_WITHIN: TimeDelta = TimeDelta::from_second(1);

/// A fact that could answer the question.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Which fact of the field.
    pub(super) fact: usize,
    pub(super) basis: Basis,
    pub(super) named: Named,
}

/// The claims on a question about `window`, each named.
pub(super) fn claims(field: &Field<'_>, identity: &IdentityTable, window: TimeRange) -> Vec<Claim> {
    let named = |at: usize| {
        let fact = field.facts.get(at)?;
        let basis = match fact.record() {
            None => Basis::Rule,
            Some(_) if window.start() >= fact.used_until => Basis::Held,
            Some(_) => Basis::Used,
        };
        Some(Claim { fact: at, basis, named: name(field, identity, fact, window) })
    };
    claimants(field, window).into_iter().filter_map(named).collect()
}

/// The facts that claim the question, by position: outer intervals that meet it, less those that were succeeded.
fn claimants(field: &Field<'_>, window: TimeRange) -> Vec<usize> {
    let mut claims: Vec<usize> = field.meeting(window).collect();
    claims.sort_unstable();
    drop_succeeded(field, window, &mut claims);
    let facts = || claims.iter().filter_map(|&at| field.facts.get(at));
    let one_host = facts().zip(facts().skip(1)).all(|(a, b)| a.host == b.host);
    if claims.is_empty() || !one_host || !facts().all(|f| is_past_use(f, window)) {
        return claims;
    }
    // Past its last use, the one holder may already have been replaced by a create that is stamped late.
    let holders: Vec<&Fact<'_>> = facts().collect();
    let end = window.end();
    let mut joined: Vec<usize> = field
        .created_between(end, end.plus(SUCCESSOR_WITHIN))
        .filter(|&at| field.facts.get(at).is_some_and(|next| may_take_over(&holders, next)))
        .collect();
    claims.append(&mut joined);
    claims.sort_unstable();
    claims.dedup();
    claims
}

fn is_past_use(fact: &Fact<'_>, window: TimeRange) -> bool {
    fact.record().is_some() && window.start() >= fact.used_until
}

fn may_take_over(holders: &[&Fact<'_>], next: &Fact<'_>) -> bool {
    holders.iter().any(|holder| {
        holder.host != next.host
            && matches!((holder.record(), next.record()), (Some(a), Some(b)) if a.may_share_key(&b))
    })
}

/// Succession: whoever is past its last use is out of it where another claim took over the very same key.
fn drop_succeeded(field: &Field<'_>, window: TimeRange, claims: &mut Vec<usize>) {
    let fact = |at: usize| field.facts.get(at);
    if !claims.iter().filter_map(|&at| fact(at)).any(|f| is_past_use(f, window)) {
        return;
    }
    // Without a port in the question only equal ports are one key, which keeps this from being quadratic.
    let group = |record: &Record<'_>| match field.asked.one_port() {
        Some(_) => PortRange::ALL,
        None => record.allocation.ports,
    };
    let mut in_use: HashMap<PortRange, Vec<Record<'_>>> = HashMap::new();
    for f in claims.iter().filter_map(|&at| fact(at)) {
        if let Some(record) = f.record().filter(|_| window.start() < f.used_until) {
            in_use.entry(group(&record)).or_default().push(record);
        }
    }
    claims.retain(|&at| {
        let Some(old) = fact(at).filter(|f| is_past_use(f, window)) else { return true };
        let Some(record) = old.record() else { return true };
        let Some(released) = record.allocation.released else { return true };
        let takes_over = |new: &Record<'_>| {
            new.allocation.created >= released && record.is_within_key_of(new, &field.asked)
        };
        !in_use.get(&group(&record)).is_some_and(|later| later.iter().any(takes_over))
    });
}

/// Records and rules that cannot all be true.
pub(super) fn contradiction(
    field: &Field<'_>,
    claims: &[Claim],
    window: TimeRange,
) -> Option<Reason> {
    let mut records = Vec::new();
    let mut rules = Vec::new();
    for claim in claims {
        let Some(fact) = field.facts.get(claim.fact) else { continue };
        let Some(certain) = fact.inner.and_then(|inner| inner.intersection(window)) else {
            continue;
        };
        match &fact.kind {
            Kind::Record(record) => records.push((*record, fact, claim, certain)),
            Kind::Rule(_) => rules.push((fact, claim)),
        }
    }
    records.sort_by_key(|(record, ..)| record.allocation.ports.first());
    for (i, (record, fact, _, certain)) in records.iter().enumerate() {
        let last = record.allocation.ports.last();
        let beside = records.iter().skip(i + 1);
        for (other, beside, _, then) in beside.take_while(|r| r.0.allocation.ports.first() <= last)
        {
            if fact.host != beside.host
                && certain.overlaps(*then)
                && record.shares_exclusive_key(other)
            {
                return Some(Reason::TwoHoldersOfAnExclusiveKey);
            }
        }
    }
    let asked = field.asked.ports();
    for (record, logged, by_log, certain) in &records {
        let (record, host) = (&record.allocation, logged.host.as_ref());
        for (rule, by_rule) in &rules {
            if names_another(rule, host, record, asked, *certain).is_some()
                && !is_one_subscriber(by_log, by_rule)
            {
                return Some(Reason::RuleAgainstLog);
            }
        }
        if !names_nobody(&field.rules, record, *certain).is_empty() {
            return Some(Reason::NobodyAgainstLog);
        }
    }
    claims.iter().any(|c| c.named.contradicts).then_some(Reason::TwoBindings)
}

/// Whether the hosts of two claims belong to one known subscriber.
fn is_one_subscriber(one: &Claim, other: &Claim) -> bool {
    match (one.named.names.as_slice(), other.named.names.as_slice()) {
        ([x], [y]) => x == y && x.subscriber().is_some(),
        _ => false,
    }
}
