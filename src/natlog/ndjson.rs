//! Our own NDJSON: one JSON object a line, and the form in which portledger shows what it read.
//!
//! Numbers may be given as JSON numbers or as text; `null` and the empty text count as missing. The keys are those of
//! [`super::csv`]; the table is in [`crate::natlog`]. Beside them `line`, `offset`, `column`, `datagram`, `record` and
//! `note` are passed over, and an object with `reject` is counted for that
//! reason where the line was in order there, else as [`RejectedUpstream`](RejectReason::RejectedUpstream); any other key is
//! an error.

mod write;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::ColumnMap;
use super::columns::Bound;
use super::fields::{self, Key};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions, column};
use super::scalar::Scalar;
use super::{Event, RejectReason};

pub use self::write::{write_event, write_event_of, write_reject, write_reject_of};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "ndjson",
    title: "our own, one JSON object a line",
    status: Status::Own,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "as written",
    source: "this crate",
    cut: Cut::Lines,
    parser: |options| Box::new(NdjsonParser::new(options)),
};

/// Keys that say something about the line, not about the NAT.
const PASSED_OVER: [&str; 6] = ["line", "offset", "column", "datagram", "record", "note"];

/// A parser of lines that hold one object each.
#[derive(Debug)]
pub struct NdjsonParser {
    options: ReaderOptions,
}

impl NdjsonParser {
    /// A parser.
    pub fn new(options: ReaderOptions) -> NdjsonParser {
        NdjsonParser { options }
    }
}

impl LineParser for NdjsonParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let text = std::str::from_utf8(line)
            .map_err(|err| (RejectReason::NotUtf8, column(err.valid_up_to())))?;
        let map = self.options.columns();
        let mut json = serde_json::Deserializer::from_str(text);
        let object =
            Seed(map).deserialize(&mut json).and_then(|object| json.end().map(|()| object));
        let object = object.map_err(|err| {
            let at = u32::try_from(err.column()).unwrap_or(u32::MAX).max(1);
            (if err.is_eof() { RejectReason::CutShort } else { RejectReason::BadJson }, at)
        })?;
        if let Some(reason) = object.rejected {
            return Err((reason, 1));
        }
        if let Some((reason, key)) = object.refusal {
            return Err((reason, key_column(text, &key)));
        }
        let mut constants = map.into_iter().flat_map(ColumnMap::constants);
        if let Some((key, _)) =
            constants.find(|(key, _)| object.values.get(*key as usize).is_some_and(Option::is_some))
        {
            return Err((RejectReason::RepeatedColumn, key_column(text, key.name())));
        }
        let get = |key: Key| {
            let constant = || map?.constants().find(|(constant, _)| *constant == key);
            let value = object.values.get(key as usize)?.as_deref();
            value.or_else(|| constant().map(|(_, constant)| constant))
        };
        fields::fill(get, &self.options, event)
            .map_err(|(reason, key)| (reason, key.map_or(1, |key| key_column(text, key.name()))))
    }
}

/// Where a key stands; 1 where it is written with escapes.
fn key_column(text: &str, key: &str) -> u32 {
    text.find(&format!("\"{key}\"")).map_or(1, column)
}

/// An object as far as it concerns us.
struct Object<'a> {
    values: [Option<Cow<'a, str>>; Key::COUNT],
    /// Why an earlier reader rejected the record.
    rejected: Option<RejectReason>,
    refusal: Option<(RejectReason, String)>,
}

/// Reads an object with the map of its members.
#[derive(Clone, Copy)]
struct Seed<'m>(Option<&'m ColumnMap>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<'de>, A::Error> {
        let mut object =
            Object { values: [const { None }; Key::COUNT], rejected: None, refusal: None };
        Members { columns: self.0, within: "", object: &mut object }.visit_map(map)?;
        Ok(object)
    }
}

/// Reads the members of an object, or of an object in it.
struct Members<'m, 'o, 'de> {
    columns: Option<&'m ColumnMap>,
    /// The names of the objects around these members, parted by dots.
    within: &'o str,
    object: &'o mut Object<'de>,
}

impl<'de> DeserializeSeed<'de> for Members<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Members { columns, within, object } = self;
        while let Some(Scalar::Text(name)) = map.next_key()? {
            let name =
                if within.is_empty() { name } else { Cow::Owned(format!("{within}.{name}")) };
            if columns.is_some_and(|columns| columns.names_within(&name)) {
                map.next_value_seed(Members { columns, within: &name, object })?;
                continue;
            }
            let bound = match columns {
                Some(columns) => columns.bound(&name),
                None => Key::from_name(&name).map(Bound::own),
            };
            if let Some(Bound { key: None, .. }) = bound {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let Some((bound, key)) = bound.and_then(|bound| Some((bound, bound.key?))) else {
                if name == "reject" {
                    // What was in order and held no fact there holds none here.
                    let reason = match map.next_value()? {
                        Scalar::Text(name) => RejectReason::from_name(&name),
                        _ => None,
                    };
                    let reason = reason.filter(|r| r.is_expected());
                    object.rejected = Some(reason.unwrap_or(RejectReason::RejectedUpstream));
                    continue;
                } else if !PASSED_OVER.contains(&&*name) {
                    object
                        .refusal
                        .get_or_insert_with(|| (RejectReason::UnknownColumn, name.into_owned()));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let refuse = |reason| (reason, name.clone().into_owned());
            let value: Scalar<'_> = map.next_value()?;
            // Our own form has none.
            let is_broken = columns.is_none() && matches!(value, Scalar::Broken(_));
            let text = if is_broken { Err(()) } else { value.into_text() };
            match (text, object.values.get_mut(key as usize)) {
                (Ok(None), _) | (_, None) => {}
                (Err(()), _) => {
                    object.refusal.get_or_insert_with(|| refuse(RejectReason::BadValue));
                }
                (Ok(Some(text)), Some(slot)) => {
                    let text = match columns {
                        Some(columns) => {
                            let mut ours = String::new();
                            if let Err(reason) = columns.convert(bound, &text, &mut ours) {
                                object.refusal.get_or_insert_with(|| refuse(reason));
                            }
                            Cow::Owned(ours)
                        }
                        None => text,
                    };
                    if slot.replace(text).is_some() {
                        object.refusal.get_or_insert_with(|| refuse(RejectReason::RepeatedColumn));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
