//! The one serde contract of the vocabulary: the text form where people read, fixed integers where they do not.

/// Implements `Serialize` and `Deserialize` for a type with inverse `Display` and `FromStr`.
macro_rules! serde_text {
    ($type:ty, $binary:ty, $to:expr, $from:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    let binary: $binary = ($to)(self);
                    binary.serialize(serializer)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::Error as _;
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
                } else {
                    let binary = <$binary>::deserialize(deserializer)?;
                    ($from)(binary).map_err(D::Error::custom)
                }
            }
        }
    };
}

pub(crate) use serde_text;
