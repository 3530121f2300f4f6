//! A value of a JSON object that is not itself one, borrowed where it can be.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value, borrowed where it has no escapes.
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(u64),
    Negative(i64),
    /// With a point or an exponent.
    Broken(f64),
    Text(Cow<'a, str>),
    /// An array or an object.
    Other,
}

impl<'a> Scalar<'a> {
    /// The value as a CSV would hold it; none for null.
    ///
    /// # Errors
    ///
    /// For what a CSV cannot hold.
    pub(super) fn into_text(self) -> Result<Option<Cow<'a, str>>, ()> {
        match self {
            Scalar::Null => Ok(None),
            Scalar::Bool(value) => Ok(Some(Cow::Borrowed(if value { "true" } else { "false" }))),
            Scalar::Number(value) => Ok(Some(Cow::Owned(value.to_string()))),
            Scalar::Negative(value) => Ok(Some(Cow::Owned(value.to_string()))),
            Scalar::Broken(value) => broken(value).map(|text| Some(Cow::Owned(text))).ok_or(()),
            Scalar::Text(text) => Ok(Some(text)),
            Scalar::Other => Err(()),
        }
    }
}

/// The digits of a broken number, where they are surely those that were written: a second of our days and six digits
/// behind it fit.
fn broken(value: f64) -> Option<String> {
    // Up to 2^32 the values of an f64 are closer to each other than millionths.
    const MOST: f64 = 4e9;
    let text = (value.abs() < MOST).then(|| value.to_string())?;
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    (digits <= 6).then_some(text)
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Negative(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Broken(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_number_has_the_digits_that_were_written() {
        for (json, text) in [
            ("1795306735.123456", Some("1795306735.123456")),
            ("1795306735.000001", Some("1795306735.000001")),
            ("3999999999.999999", Some("3999999999.999999")),
            ("9999999999.999999", None),
            ("1795306735.5", Some("1795306735.5")),
            ("6000.0", Some("6000")),
            ("-0.5", Some("-0.5")),
            ("1795306735.1234567", None),
            ("4000000000.5", None),
            ("1e300", None),
        ] {
            let scalar: Scalar<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(scalar.into_text().ok().flatten().as_deref(), text, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_microsecond_survives(micro in 0_u64..4_000_000_000_000_000) {
            let json = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            let scalar: Scalar<'_> = serde_json::from_str(&json).unwrap();
            let text = scalar.into_text().unwrap().unwrap();
            let written = json.trim_end_matches('0').trim_end_matches('.');
            proptest::prop_assert_eq!(&*text, if written.is_empty() { "0" } else { written });
        }
    }
}
