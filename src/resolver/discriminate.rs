//! What the asker lacks that would tell the candidates apart.

use super::answer::{Discriminator, Name};
use super::claim::Claim;
use super::fact::Fact;
use super::field::Field;
use super::judge::Judgement;
use crate::port::PortRange;

/// What would tell two differently named claims apart; [`Discriminator::NoneExists`] where nothing would.
///
/// # Complexity
///
/// `O(n log n)` for `n` claims: an address can have thousands of holders.
pub(super) fn discriminators(field: &Field<'_>, judgement: &Judgement) -> Vec<Discriminator> {
    let asked = &field.asked;
    let claims: Vec<(&Fact<'_>, &Claim)> =
        judgement.claims.iter().filter_map(|c| Some((field.facts.get(c.fact)?, c))).collect();
    let of_records = |value: &dyn Fn(&Fact<'_>) -> bool| {
        claims.iter().filter(|(f, _)| f.record().is_some() && value(f)).copied().collect::<Vec<_>>()
    };
    let allocation = |f: &Fact<'_>| f.record().map(|r| r.allocation);
    let mut found = Vec::new();
    if asked.port.is_none() && !asked.is_portless() && ports_differ(&claims) {
        found.push(Discriminator::Port);
    }
    if asked.protocol.is_none() {
        let with = of_records(&|f| allocation(f).is_some_and(|a| a.protocol.is_some()));
        if differ(&with, |f| allocation(f).and_then(|a| a.protocol)) {
            found.push(Discriminator::Protocol);
        }
    }
    if asked.destinations.is_empty() {
        let with = of_records(&|f| allocation(f).is_some_and(|a| a.destination.is_some()));
        if differ(&with, |f| allocation(f).and_then(|a| a.destination)) {
            found.push(Discriminator::Destination);
        }
    }
    if destination_is_missing(&of_records(&|_| true)) {
        found.push(Discriminator::DestinationNotRecorded);
    }
    let window = asked.window();
    let several = claims.iter().any(|(_, c)| c.named.names.len() > 1);
    if several || differ(&claims, |f| f.outer.intersection(window)) {
        found.push(Discriminator::NarrowerTime);
    }
    if found.is_empty() {
        found.push(Discriminator::NoneExists);
    }
    found
}

/// Whether two of the claims have different names and different values.
fn differ<V: Ord>(claims: &[(&Fact<'_>, &Claim)], value: impl Fn(&Fact<'_>) -> V) -> bool {
    // Two values and two names are always found in one pair, whoever has which.
    let Some((first, first_claim)) = claims.first() else { return false };
    let first_value = value(first);
    let names = |c: &Claim| c.named.names.clone();
    claims.iter().any(|(f, _)| value(f) != first_value)
        && (names(first_claim).len() > 1
            || claims.iter().any(|(_, c)| c.named.names != first_claim.named.names))
}

/// Whether two differently named claims have no port in common.
fn ports_differ(claims: &[(&Fact<'_>, &Claim)]) -> bool {
    // A hull that ends before another begins shares no port with it.
    let hulls: Vec<(PortRange, &[Name])> = claims
        .iter()
        .filter_map(|(f, c)| {
            let ports = f.ports();
            let (first, last) = (ports.ranges().first()?, ports.ranges().last()?);
            Some((PortRange::new(first.first(), last.last()).ok()?, c.named.names.as_slice()))
        })
        .collect();
    let mut sorted: Vec<_> = hulls.iter().collect();
    sorted.sort_by_key(|(ports, _)| ports.last());
    let ends = first_of_two_names(&sorted);
    sorted.sort_by_key(|(ports, _)| std::cmp::Reverse(ports.first()));
    let begins = first_of_two_names(&sorted);
    // Whoever ends first against whoever begins last, for two names: no other pair is further apart.
    let apart =
        ends.iter().any(|(a, x)| begins.iter().any(|(b, y)| x != y && a.last() < b.first()));
    // Sets with holes can differ within each other's hulls, as those of MAP do.
    apart
        || claims.iter().zip(claims.iter().skip(1)).any(|((f, x), (g, y))| {
            x.named.names != y.named.names
                && !f.ports().ranges().iter().any(|r| g.overlaps_ports(*r))
        })
}

/// The first, and the first that is named otherwise.
fn first_of_two_names<'a>(sorted: &[&(PortRange, &'a [Name])]) -> Vec<(PortRange, &'a [Name])> {
    let Some(first) = sorted.first() else { return Vec::new() };
    let other = sorted.iter().find(|(_, names)| *names != first.1);
    std::iter::once(first).chain(other).map(|hull| **hull).collect()
}

/// Whether two differently named records have port and protocol in common, and one does not say where it went.
fn destination_is_missing(claims: &[(&Fact<'_>, &Claim)]) -> bool {
    let mut by_port: Vec<_> = claims
        .iter()
        .filter_map(|(f, c)| Some((f.record()?.allocation, c.named.names.as_slice())))
        .collect();
    by_port.sort_by_key(|(a, _)| a.ports.first());
    by_port.iter().enumerate().any(|(i, (a, x))| {
        let beside = by_port.iter().skip(i + 1);
        beside
            .take_while(|(b, _)| b.ports.first() <= a.ports.last())
            .filter(|(b, y)| x != y && a.protocol.zip(b.protocol).is_none_or(|(p, q)| p == q))
            .any(|(b, _)| a.destination.is_none() || b.destination.is_none())
    })
}
