//! Many questions at once: a table of made-up allocations whose holders are known, and each answer held to them.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Instant;

use portledger::InsideHost;
use portledger::resolver::{Inquiry, Resolver, Verdict};
use portledger::session::Profile;
use portledger::store::Ledger;
use portledger::synth::{AllocationTable, Question, QuestionKind, TableConfig, questions};
use portledger::time::{TimeDelta, TimeRange, WrittenTime};

const RECORDS: u64 = 50_000;
const QUESTIONS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let config = TableConfig::blocks(RECORDS);
    let table = AllocationTable::generate(&config);
    let asked = questions(&table, QUESTIONS, 7, QuestionKind::Mixed);
    let AllocationTable { allocations, hosts, .. } = table.clone();
    let mut ledger = Ledger::in_memory();
    // The table is complete from its first hour to an hour after its last: silence means that nobody was there.
    let hours = TimeDelta::from_second(3_600 * i64::from(config.hours + 1));
    let covers = TimeRange::new(config.start, config.start.plus(hours))?;
    ledger.insert_allocations("cgn-1", hosts, allocations, Profile::exact(), Some(covers))?;
    println!("{} allocations, {} questions", table.allocations.len(), asked.len());

    let resolver = Resolver::new(&ledger);
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let started = Instant::now();
    let answers: Vec<_> = asked.iter().map(|q| resolver.resolve(&inquiry(q))).collect();
    let seconds = started.elapsed().as_secs_f64();
    for (question, answer) in asked.iter().zip(&answers) {
        *verdicts.entry(answer.verdict.name()).or_default() += 1;
        let found: BTreeSet<&InsideHost> = answer.candidates.iter().map(|c| &c.inside).collect();
        if found != holders(&table, question) {
            return Err(format!("{question:?} was answered {:?}, {found:?}", answer.verdict).into());
        }
        if answer.verdict == Verdict::Unique {
            return Err("there are no bindings, so nobody can be named".into());
        }
    }
    for (verdict, count) in &verdicts {
        println!("{:>6.2} % {verdict}", 100.0 * share(*count, answers.len()));
    }
    println!("every answer has the expected holders");
    println!("{:.0} answers/s, margins and evidence included", share(answers.len(), 1) / seconds);
    Ok(())
}

/// The question as it is: at one microsecond, by a clock that is exact.
fn inquiry(question: &Question) -> Inquiry {
    let inquiry = Inquiry::new(question.addr, WrittenTime::exact(question.at))
        .port(question.port)
        .early(TimeDelta::ZERO);
    question.protocol.into_iter().fold(inquiry, Inquiry::protocol)
}

/// Who holds the port, by the table itself.
fn holders<'t>(table: &'t AllocationTable, question: &Question) -> BTreeSet<&'t InsideHost> {
    let host = |position: &u32| {
        let allocation = &table.allocations[usize::try_from(*position).ok()?];
        table.hosts.get(usize::try_from(allocation.inside.0).ok()?)
    };
    question.expected.iter().filter_map(host).collect()
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    number(part) / number(whole)
}
