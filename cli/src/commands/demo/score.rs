//! The background's questions, held to the truth.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};

use portledger::inquiry::{CsvInquiries, InquiryDefaults};
use portledger::resolver::{Name, Resolver, Verdict};
use portledger::synth::ProviderFiles;

use crate::{Failure, fail};

/// How many answers were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    asked: u64,
    unique: u64,
    ambiguous: u64,
    nobody: u64,
    other: u64,
    /// Somebody was named, or everybody ruled out, against the truth.
    pub(super) wrong: u64,
}

/// Asks every question of the provider.
pub(super) fn score(files: &ProviderFiles, resolver: &Resolver<'_>) -> Result<Score, Failure> {
    let mut truth: HashMap<String, String> = HashMap::new();
    for row in csv::Reader::from_path(&files.truth)?.into_deserialize() {
        let (id, subscriber) = row?;
        truth.insert(id, subscriber);
    }
    let mut score = Score::default();
    let questions = File::open(&files.questions)?;
    for row in CsvInquiries::new(questions, InquiryDefaults::default())? {
        let answer = resolver.resolve(&row.inquiry.map_err(fail)?);
        let sender = truth.get(&row.id).map_or("none", String::as_str);
        let sender_is_candidate = answer.names().into_iter().any(|n| is_named(n, sender));
        score.asked += 1;
        match answer.verdict {
            Verdict::Unique => {
                score.unique += 1;
                score.wrong += u64::from(!sender_is_candidate);
            }
            Verdict::Ambiguous => {
                score.ambiguous += 1;
                score.wrong += u64::from(sender != "none" && !sender_is_candidate);
            }
            Verdict::Free | Verdict::Unbound => {
                score.nobody += 1;
                score.wrong += u64::from(sender != "none");
            }
            _ => score.other += 1,
        }
    }
    Ok(score)
}

fn is_named(name: &Name, sender: &str) -> bool {
    name.subscriber().is_some_and(|id| id.as_str() == sender)
}

impl Score {
    pub(super) fn write(&self, w: &mut dyn Write) -> io::Result<()> {
        writeln!(
            w,
            "{} questions about the background, whose truth is known: {} unique, {} ambiguous,\n\
             {} behind which is no subscriber, {} not answered; {} of the answers are wrong.",
            self.asked, self.unique, self.ambiguous, self.nobody, self.other, self.wrong
        )
    }
}
