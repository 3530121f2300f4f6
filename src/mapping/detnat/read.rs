//! Rule files of deterministic NATs: JSON with the one member `detnat`.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use super::config::DetNatConfig;
use super::{DetNatError, Deterministic};

/// The longest rule file, in bytes.
const MAX_BYTES: usize = 32 << 20;

/// Why a rule file of deterministic NATs cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadDetNatError {
    /// The file is longer than is read.
    #[error(
        "the rule file has {bytes} bytes, the limit is {limit}: import many blocks as a CSV block table"
    )]
    TooLarge {
        /// The length of the file.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes are not JSON of this form; the text has the line and column.
    #[error(
        "the rule file is not usable JSON: {0}; write {{\"detnat\": {{\"algorithm\": \"vpp-det44\", \"inside\": ..., \"outside\": ...}}}}"
    )]
    Json(#[from] serde_json::Error),
    /// The keys of a NAT do not make one.
    #[error("detnat {place}{}: {source}", name.as_ref().map(|n| format!(" `{n}`")).unwrap_or_default())]
    Config {
        /// Which of the NATs, counted from 1.
        place: usize,
        /// Its name, where it has one.
        name: Option<String>,
        /// Why not.
        source: DetNatError,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    detnat: OneOrMany,
}

/// One object, or a list of them.
struct OneOrMany(Vec<DetNatConfig>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the keys of a deterministic NAT, or a list of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany, A::Error> {
                let one = DetNatConfig::deserialize(MapAccessDeserializer::new(map))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OneOrMany, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Reads a rule file: `{"detnat": {...}}`, or a list of objects there; the keys are those of [`DetNatConfig`].
///
/// ```
/// use portledger::mapping::detnat::read_detnat;
/// let nats = read_detnat(br#"{ "detnat": { "algorithm": "rfc7422", "order": "address-major",
///     "inside": "198.51.100.1-198.51.100.14", "outside": "192.0.2.1",
///     "dynamic_factor": 2, "reserved": "0-1023", "ports_per_host": 4032 } }"#)?;
/// let outside = "192.0.2.1".parse().unwrap();
/// assert_eq!(nats[0].reverse(outside, 9087).inside(), Some("198.51.100.2".parse().unwrap()));
/// # Ok::<(), portledger::mapping::detnat::ReadDetNatError>(())
/// ```
///
/// # Errors
///
/// [`ReadDetNatError`]: one bad NAT refuses the file. A key that is not known, or written twice, is an error.
pub fn read_detnat(bytes: &[u8]) -> Result<Vec<Deterministic>, ReadDetNatError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadDetNatError::TooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    let file: File = serde_json::from_slice(bytes)?;
    let built = file.detnat.0.into_iter().zip(1..).map(|(config, place)| {
        config.build().map_err(|source| ReadDetNatError::Config {
            place,
            name: config.name,
            source,
        })
    });
    built.collect()
}
