//! JSON in which no object writes a member twice.
//!
//! A plain reader keeps the last of two, silently; a rule read so may not be the rule that was in force. RFC 7951, through
//! RFC 7493 section 2.3, forbids it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads one JSON text of at most `max_values` values, every scalar, array and object counted.
///
/// An object costs hundreds of bytes and can be written in seven, so a limit on bytes alone would not bound the memory.
/// Objects and arrays nest at most 127 deep, the limit of `serde_json`.
pub(super) fn parse(bytes: &[u8], max_values: usize) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut left = max_values;
    let value = Strict { left: &mut left }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Strict<'a> {
    /// How many values may still come.
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(D::Error::custom(
                "too many values: raise SoftwireLimits::max_values if it really holds that many rules",
            ));
        };
        *self.left = left;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict { left: &mut *self.left })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                let name: String = name.chars().take(60).collect();
                return Err(A::Error::custom(format_args!(
                    "the member `{name}` is written twice in one object: keep the one that was in force"
                )));
            }
            let value = map.next_value_seed(Strict { left: &mut *self.left })?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_reads_as_serde_json_reads_it() {
        let text = r#" {"a":[null,true,-1,18446744073709551615,1.5,"\u00e9"],"b":{"a":{}}} "#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes(), 10).unwrap(), plain);
    }

    #[test]
    fn a_member_written_twice_is_refused() {
        let err = parse(br#"{"a":{"ea-len":16,"ea-len":17}}"#, 10).unwrap_err();
        assert!(err.to_string().contains("`ea-len` is written twice"), "{err}");
        // Written differently, but the same name.
        assert!(parse(br#"{"a":1,"\u0061":2}"#, 10).is_err());
    }

    #[test]
    fn what_follows_the_value_and_deep_nesting_are_refused() {
        assert!(parse(b"{} {}", 10).is_err());
        assert!(parse(b"", 10).is_err());
        assert!(parse(&b"[".repeat(100_000), 1_000_000).is_err());
    }

    #[test]
    fn values_are_counted_at_every_depth() {
        let text = br#"{"a":[1,{"b":null}],"c":""}"#;
        assert!(parse(text, 6).is_ok());
        let err = parse(text, 5).unwrap_err();
        assert!(err.to_string().contains("max_values"), "{err}");
    }
}
