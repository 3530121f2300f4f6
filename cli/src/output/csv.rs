//! `--output csv`: one row a question, in the order asked.

use std::io::Write;

use portledger::resolver::{Answer, Evidence, Margin, Name, Reason};

const HEADER: [&str; 14] = [
    "id",
    "verdict",
    "reason",
    "subscriber",
    "inside",
    "basis",
    "candidates",
    "candidate_count",
    "margin_earlier_s",
    "margin_later_s",
    "other_earlier_s",
    "other_later_s",
    "source",
    "detail",
];

#[derive(Debug)]
pub(crate) struct AnswerCsv<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> AnswerCsv<W> {
    pub(crate) fn new(writer: W) -> Result<Self, csv::Error> {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(HEADER)?;
        Ok(AnswerCsv { writer })
    }

    pub(crate) fn write(
        &mut self,
        id: &str,
        answer: Result<&Answer, &str>,
    ) -> Result<(), csv::Error> {
        match answer {
            Ok(answer) => self.writer.write_record(row(id, answer)),
            Err(why) => {
                let mut row = [""; 14].map(str::to_owned);
                id.clone_into(&mut row[0]);
                "invalid".clone_into(&mut row[1]);
                why.clone_into(&mut row[13]);
                self.writer.write_record(row)
            }
        }
    }
}

fn row(id: &str, answer: &Answer) -> [String; 14] {
    let margins = &answer.margins;
    let margin = |m: Option<Margin>| m.map(|m| m.to_string()).unwrap_or_default();
    let joined = |texts: Vec<String>| {
        let mut texts = texts;
        texts.dedup();
        texts.join(";")
    };
    [
        id.to_owned(),
        answer.verdict.to_string(),
        reason(answer.reason),
        answer.subscriber.as_ref().map(ToString::to_string).unwrap_or_default(),
        joined(answer.candidates.iter().map(|c| escape(&c.inside.to_string())).collect()),
        joined(answer.candidates.iter().map(|c| c.basis.to_string()).collect()),
        joined(answer.names().into_iter().map(candidate).collect()),
        answer.candidate_count.to_string(),
        margin(margins.earlier),
        margin(margins.later),
        margin(margins.other_earlier),
        margin(margins.other_later),
        joined(answer.candidates.iter().map(|c| escape(&source(&c.evidence))).collect()),
        answer.detail.clone(),
    ]
}

/// The reason's name as in JSON.
pub(crate) fn reason(reason: Reason) -> String {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// A name in a list that is joined by semicolons.
fn candidate(name: &Name) -> String {
    match name {
        Name::Subscriber(id) => escape(id.as_str()),
        Name::Unknown(host) => format!("host:{}", escape(&host.to_string())),
    }
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace(';', "%3B")
}

/// `name:offset` of the first record, or `rule:version`.
pub(crate) fn source(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Records { source, records, .. } => match records.first() {
            Some(place) => format!("{source}:{}", place.offset),
            None => source.clone(),
        },
        Evidence::Rule { rule, version, .. } => format!("{rule}:{version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_and_percents_of_an_id_cannot_break_the_list() {
        let name = Name::Subscriber("a;b%c".into());
        assert_eq!(candidate(&name), "a%3Bb%25c");
    }

    #[test]
    fn an_unreadable_row_is_a_row() {
        let mut bytes = Vec::new();
        AnswerCsv::new(&mut bytes).unwrap().write("7", Err("port `x`")).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with("7,invalid,,,,,,,,,,,,port `x`\n"), "{text}");
    }
}
