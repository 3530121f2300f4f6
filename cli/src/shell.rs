//! Command lines: to be run here, and printed so that a shell runs the same.

use std::fmt;

use clap::Parser;

use crate::Failure;
use crate::args::Args;

/// A command line of ours without the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine(Vec<String>);

impl CommandLine {
    /// A command of these words.
    pub(crate) fn new<S: Into<String>>(words: impl IntoIterator<Item = S>) -> CommandLine {
        CommandLine(words.into_iter().map(Into::into).collect())
    }

    /// With further words.
    pub(crate) fn with<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.0.extend(words.into_iter().map(Into::into));
        self
    }

    /// The arguments as the shell would hand them over.
    pub(crate) fn args(&self) -> Result<Args, Failure> {
        Ok(Args::try_parse_from(std::iter::once("portledger").chain(self.words()))?)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The line with the program's name in front.
    pub(crate) fn of(&self, program: &str) -> String {
        let words: Vec<String> = std::iter::once(program).chain(self.words()).map(quote).collect();
        words.join(" ")
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of("portledger"))
    }
}

/// A word as a POSIX shell takes it, in quotes where it needs them.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_split_or_expand_are_quoted() {
        for (word, quoted) in [
            ("a b", "'a b'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
        assert_eq!(quote("203.0.113.7:40213"), "203.0.113.7:40213");
        assert_eq!(quote("--tolerance=-5s/+0s"), "--tolerance=-5s/+0s");
    }

    #[test]
    fn a_line_parses_as_what_it_prints() {
        let line = CommandLine::new(["verify", "--ledger", "a dir"]);
        assert_eq!(line.to_string(), "portledger verify --ledger 'a dir'");
        assert!(line.args().is_ok());
    }
}
