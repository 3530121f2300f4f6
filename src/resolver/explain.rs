//! A judgement in words and evidence.

use super::answer::{
    Answer, BindingEvidence, Candidate, Discriminator, Evidence, Margins, Name, RecordPlace,
};
use super::claim::Claim;
use super::discriminate::discriminators;
use super::fact::{Fact, Kind, Record, Rule};
use super::field::{Elsewhere, Field};
use super::inquiry::Inquiry;
use super::judge::Judgement;
use super::naming::deciding;
use super::verdict::{Reason, Verdict};
use crate::allocation::{Place, Span};
use crate::store::Ledger;
use crate::time::TimeRange;

const CAUTION: &str = "a subscriber line is not a person";

pub(super) fn answer(
    ledger: &Ledger,
    field: &Field<'_>,
    inquiry: &Inquiry,
    judgement: &Judgement,
    margins: Margins,
) -> Answer {
    let mut candidates = Vec::new();
    for claim in &judgement.claims {
        if let Some(fact) = field.facts.get(claim.fact) {
            for name in &claim.named.names {
                candidates.push(candidate(ledger, fact, claim, name, inquiry.window()));
            }
        }
    }
    candidates.sort_by(|a, b| (&a.name, &a.inside, &a.outer).cmp(&(&b.name, &b.inside, &b.outer)));
    let names = judgement.names();
    let subscriber = match judgement.verdict {
        Verdict::Unique => judgement.sole().and_then(Name::subscriber).cloned(),
        _ => None,
    };
    let discriminators = match judgement.verdict {
        Verdict::Ambiguous => discriminators(field, judgement),
        _ => Vec::new(),
    };
    let reason = if inquiry.is_portless() && discriminators == [Discriminator::NoneExists] {
        Reason::PortlessProtocol
    } else {
        judgement.reason
    };
    let elsewhere = match reason {
        Reason::OtherDestination => Some(Elsewhere::OtherDestination),
        Reason::OtherProtocol => Some(Elsewhere::OtherProtocol),
        _ => None,
    }
    .map_or(0, |why| field.held_elsewhere(why, inquiry.window()));
    Answer {
        inquiry: inquiry.shown(),
        verdict: judgement.verdict,
        reason,
        detail: detail(ledger, field, reason, elsewhere, &names, &discriminators),
        subscriber,
        candidate_count: names.len(),
        candidates,
        discriminators,
        margins,
        fragile: margins.is_fragile(),
        caution: (judgement.verdict == Verdict::Unique).then_some(CAUTION),
        ledger_state: ledger.manifest().state,
    }
}

fn candidate(
    ledger: &Ledger,
    fact: &Fact<'_>,
    claim: &Claim,
    name: &Name,
    window: TimeRange,
) -> Candidate {
    let record = fact.record().map(|r| r.allocation);
    Candidate {
        name: name.clone(),
        inside: fact.host.as_ref().clone(),
        basis: claim.basis,
        ports: fact.ports(),
        protocol: record.and_then(|a| a.protocol),
        destination: record.and_then(|a| a.destination),
        outer: fact.outer.rfc3339(),
        inner: fact.inner.map(TimeRange::rfc3339),
        used_until: record.map(|a| a.used_until.rfc3339()),
        began: record.map(|a| a.began),
        ended: record.map(|a| a.ended),
        evidence: match &fact.kind {
            Kind::Record(record) => records(ledger, record),
            Kind::Rule(rule) => of_rule(ledger, rule),
        },
        bindings: bindings(ledger, fact, window, name),
        notes: claim.named.notes.clone(),
    }
}

/// The bindings that give a fact's host this name.
fn bindings(
    ledger: &Ledger,
    fact: &Fact<'_>,
    window: TimeRange,
    name: &Name,
) -> Vec<BindingEvidence> {
    let found = ledger.identity().lookup(&fact.host, deciding(fact, window));
    let of_name = found.into_iter().filter(|b| name.subscriber() == Some(&b.subscriber));
    of_name
        .map(|b| {
            let origin = b.origin;
            let end_source = origin.end_source.unwrap_or(origin.source);
            let at = |role, source, span: Option<Span>| {
                record_place(ledger, role, Place { source, span: span? })
            };
            let begin = at("begin", origin.source, origin.start);
            let end = at("end", end_source, origin.end);
            BindingEvidence {
                key: b.key.clone(),
                outer: b.outer.rfc3339(),
                inner: b.inner.map(TimeRange::rfc3339),
                began: b.began,
                ended: b.ended,
                records: begin.into_iter().chain(end).collect(),
            }
        })
        .collect()
}

fn record_place(ledger: &Ledger, role: &'static str, place: Place) -> Option<RecordPlace> {
    let at = usize::try_from(place.source.0).ok()?;
    let source = ledger.manifest().sources.get(at)?;
    Some(RecordPlace {
        role,
        path: source.path.clone(),
        sha256: source.sha256.clone(),
        offset: place.span.offset,
        length: place.span.length,
    })
}

pub(super) fn records(ledger: &Ledger, record: &Record<'_>) -> Evidence {
    let origin = record.allocation.origin;
    let create = origin.create.and_then(|p| record_place(ledger, "create", p));
    let release = origin.release.and_then(|p| record_place(ledger, "release", p));
    Evidence::Records {
        source: record.source.name.clone(),
        sha256: record.source.sha256.clone(),
        path: record.source.path.clone(),
        records: create.into_iter().chain(release).collect(),
        profile: record.source.log.as_ref().map(|l| l.profile.label()).unwrap_or_default(),
    }
}

pub(super) fn of_rule(ledger: &Ledger, by: &Rule<'_>) -> Evidence {
    let number = usize::try_from(by.rules.id.0).unwrap_or(usize::MAX);
    let entry = ledger.manifest().rules.get(number);
    Evidence::Rule {
        rule: by.name.to_owned(),
        version: number.saturating_add(1).to_string(),
        file_version: by.version.or(by.rules.set.version()).map(str::to_owned),
        sha256: entry.map(|e| e.file.sha256.clone()).unwrap_or_default(),
        path: entry.map(|e| e.path.clone()).unwrap_or_default(),
        psid: by.psid,
    }
}

/// The rules that gave the port to nobody at some time of the question.
fn withholding(ledger: &Ledger, field: &Field<'_>) -> String {
    let window = field.asked.window();
    let then = field.rules.withheld.iter().filter(|w| w.during.overlaps(window));
    let named = then.map(|w| match of_rule(ledger, &w.rule) {
        Evidence::Rule { rule, version, .. } => format!("{rule}:{version}"),
        Evidence::Records { source, .. } => source,
    });
    named.collect::<Vec<_>>().join(" and ")
}

fn detail(
    ledger: &Ledger,
    field: &Field<'_>,
    reason: Reason,
    elsewhere: usize,
    names: &[&Name],
    discriminators: &[Discriminator],
) -> String {
    let count = names.len();
    let told_apart = || {
        let names: Vec<&str> = discriminators.iter().map(|d| d.name()).collect();
        names.join(", ")
    };
    let listed = || names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    match reason {
        Reason::Used => "one holder, and its record was in use then".to_owned(),
        Reason::Held => {
            "one holder; its last packet was earlier, but nobody else had the port since".to_owned()
        }
        Reason::Rule => "the rules in force give the port to one subscriber's prefix".to_owned(),
        Reason::SeveralHolders => {
            format!("{count} could have held it; what would tell them apart: {}", told_apart())
        }
        Reason::SeveralBindings => {
            format!("one host, but {count} subscribers were bound to it at that time: {}", listed())
        }
        Reason::PortlessProtocol => format!(
            "the protocol has no ports, so nothing in its packets tells the {count} sharers of the address apart"
        ),
        Reason::OutsideRecords => {
            "the time asked about is not wholly in recorded time; import the log of that time, or declare it with --covers".to_owned()
        }
        Reason::OpenRecordAlone => {
            "only a record whose begin or end was not logged speaks for it, and lines that are missing could say otherwise".to_owned()
        }
        Reason::RuleHistoryGap => {
            "no rule set was in force for all of that time; add the one that was with `rules add --from --until`".to_owned()
        }
        Reason::NoBindingRow => {
            "the binding table in force has no row for this port, so the relay would have dropped the packet; if the table is not whole, add the one that was in force".to_owned()
        }
        Reason::NoRuleForPsid => {
            "each rule in force on this address is for one subscriber, and none is for the PSID of this port; if a rule is missing, add it with `rules add`".to_owned()
        }
        Reason::NoMaxLife => {
            "no record, but a mapping made before the log began could still have stood: declare the time complete with --covers, or use a profile with max_life".to_owned()
        }
        Reason::LostLines => {
            "no record speaks for all of that time, and the source was seen to lose lines, among them perhaps this one".to_owned()
        }
        Reason::UnnamedFlows => {
            "no record, but the source shows port forwards, or flows whose public port it leaves out: this may have been one of them".to_owned()
        }
        Reason::TwoHoldersOfAnExclusiveKey => {
            format!("{} certainly held one key at once, which only one can hold", listed())
        }
        Reason::RuleAgainstLog => {
            format!("a rule and a log name different holders: {}", listed())
        }
        Reason::NobodyAgainstLog => format!(
            "the rules give this port to nobody ({}), and a log says that {} had it",
            withholding(ledger, field),
            listed()
        ),
        Reason::TwoBindings => {
            format!("the bindings certainly name two people at the deciding time: {}", listed())
        }
        Reason::Expired => "the records of that time were deleted by expire".to_owned(),
        Reason::NeverSeen => {
            "the address is in no declared pool, no rule and no record".to_owned()
        }
        Reason::NoBinding => format!(
            "{} held it, but no binding names its subscriber at that time; import the accounting of that time",
            listed()
        ),
        Reason::Idle => "recorded time, and nobody held the port".to_owned(),
        Reason::ExcludedPort => "the rules give this port to nobody".to_owned(),
        Reason::LeftoverPort => {
            "the rules could give this port out, but no inside host has it".to_owned()
        }
        Reason::DynamicPool => {
            "the rules hand this port out on demand, and only the log of blocks tells to whom; import the log of that time".to_owned()
        }
        Reason::OutsidePoolRange => "the declared pool does not use this port".to_owned(),
        Reason::OtherDestination => format!(
            "nobody held it towards that destination; inside hosts that held it towards another: {elsewhere}"
        ),
        Reason::OtherProtocol => {
            format!("nobody held it with that protocol; inside hosts that held it with another: {elsewhere}")
        }
    }
}
