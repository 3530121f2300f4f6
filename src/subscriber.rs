//! The subscriber: an id that is opaque here.

use std::fmt;
use std::sync::Arc;

/// The name under which the provider knows a line.
///
/// portledger never looks inside. What the user puts in (a User-Name, a contract number) is personal data, and
/// a line is not a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(Arc<str>);

impl SubscriberId {
    /// An id from its text.
    pub fn new(id: &str) -> SubscriberId {
        SubscriberId(Arc::from(id))
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SubscriberId {
    fn from(id: &str) -> Self {
        SubscriberId::new(id)
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubscriberId({:?})", &*self.0)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SubscriberId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for SubscriberId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(SubscriberId(Arc::from(String::deserialize(deserializer)?)))
    }
}
