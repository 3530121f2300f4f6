//! A JSON value that knows where it stands, so that every refusal can say it.

use serde_json::{Map, Value};

use super::error::{Place, SoftwireJsonError, short};

/// A value and where it stands.
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) place: Place,
}

impl<'a> Node<'a> {
    /// The member, where this is an object that has it. That it is an object is checked by `check_members` and `need`.
    pub(super) fn find(&self, member: &str) -> Option<Node<'a>> {
        let value = self.value.as_object()?.get(member)?;
        Some(Node { value, place: self.place.member(member) })
    }

    pub(super) fn need(
        &self,
        member: &'static str,
        advice: &'static str,
    ) -> Result<Node<'a>, SoftwireJsonError> {
        match self.object()?.get(member) {
            Some(value) => Ok(Node { value, place: self.place.member(member) }),
            None => Err(SoftwireJsonError::Missing { place: self.place.clone(), member, advice }),
        }
    }

    fn object(&self) -> Result<&'a Map<String, Value>, SoftwireJsonError> {
        self.value.as_object().ok_or_else(|| self.is_not("an object"))
    }

    pub(super) fn check_members(&self, known: &[&str]) -> Result<(), SoftwireJsonError> {
        match self.object()?.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(SoftwireJsonError::Unknown {
                place: self.place.member(name),
                known: known.join(", "),
            }),
        }
    }

    pub(super) fn text(&self, expected: &'static str) -> Result<&'a str, SoftwireJsonError> {
        self.value.as_str().filter(|s| !s.is_empty()).ok_or_else(|| self.is_not(expected))
    }

    pub(super) fn parse<T: std::str::FromStr>(
        &self,
        expected: &'static str,
    ) -> Result<T, SoftwireJsonError> {
        self.text(expected)?.parse().map_err(|_| self.is_not(expected))
    }

    pub(super) fn boolean(&self) -> Result<bool, SoftwireJsonError> {
        self.value.as_bool().ok_or_else(|| self.is_not("true or false"))
    }

    pub(super) fn small_number(&self) -> Result<u8, SoftwireJsonError> {
        let number = self.value.as_u64().and_then(|n| u8::try_from(n).ok());
        number.ok_or_else(|| self.is_not("a number from 0 to 255, without quotes"))
    }

    pub(super) fn is_not(&self, expected: &'static str) -> SoftwireJsonError {
        let found = match self.value {
            Value::Object(_) => "{...}".to_owned(),
            Value::Array(_) => "[...]".to_owned(),
            Value::String(text) => short(text),
            scalar => scalar.to_string(),
        };
        SoftwireJsonError::Value { place: self.place.clone(), expected, found }
    }
}
