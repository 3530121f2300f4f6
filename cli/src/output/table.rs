//! `--output table`: a line a question, for eyes.

use std::io::{self, Write};

use portledger::resolver::Answer;

use super::csv::reason;

#[derive(Debug)]
pub(crate) struct AnswerTable<W: Write> {
    writer: W,
    header: bool,
}

impl<W: Write> AnswerTable<W> {
    pub(crate) fn new(writer: W) -> Self {
        AnswerTable { writer, header: false }
    }

    pub(crate) fn write(&mut self, id: &str, answer: Result<&Answer, &str>) -> io::Result<()> {
        if !std::mem::replace(&mut self.header, true) {
            writeln!(
                self.writer,
                "{:<10} {:<11} {:<31} {:>4} {:>10} {:>10}  who",
                "id", "verdict", "reason", "n", "earlier", "later"
            )?;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return writeln!(self.writer, "{id:<10} {:<11} {why}", "invalid"),
        };
        let margin =
            |m: Option<portledger::resolver::Margin>| m.map_or("-".to_owned(), |m| m.to_string());
        let names: Vec<String> = answer.names().iter().map(ToString::to_string).collect();
        writeln!(
            self.writer,
            "{id:<10} {:<11} {:<31} {:>4} {:>10} {:>10}  {}",
            answer.verdict.name(),
            reason(answer.reason),
            answer.candidate_count,
            margin(answer.margins.earlier),
            margin(answer.margins.later),
            names.join(" ")
        )
    }
}
