//! A binding: an inside host or prefix -> a subscriber, for a time.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{Ipv4Net, Ipv6Net};

use super::space;
use crate::allocation::{Began, Ended, SourceId, Span};
use crate::inside::{InsideHost, Realm};
use crate::subscriber::SubscriberId;
use crate::time::{TimeRange, Timestamp, WrittenTime};

/// What a subscriber was given: an address or prefix, or a name that the NAT logs.
///
/// # Text form
///
/// | kind | text |
/// |---|---|
/// | IPv4 address or prefix | `100.64.0.10`, `100.64.0.0/24`, with its realm `100.64.0.0/24%blue` |
/// | IPv6 address or prefix | `2001:db8::1`, `2001:db8::/56` |
/// | a name | `name:ppp-17` |
///
/// A single address is written without its length. A prefix with host bits set is refused: whether
/// `100.64.0.5/24` means one host or 256 cannot be known from the text.
///
/// ```
/// use portledger::identity::BindingKey;
/// for text in ["100.64.0.10%blue", "100.64.0.0/24%blue", "2001:db8::/56", "name:ppp-17"] {
///     assert_eq!(text.parse::<BindingKey>()?.to_string(), text);
/// }
/// assert!("100.64.0.5/24".parse::<BindingKey>().is_err());
/// # Ok::<(), portledger::identity::ParseBindingKeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BindingKey {
    /// An inside IPv4 address or prefix in its realm.
    V4 {
        /// The address (length 32) or prefix.
        net: Ipv4Net,
        /// The routing domain that makes it unique; the empty one is a realm of its own.
        realm: Realm,
    },
    /// An IPv6 address (length 128), a framed or a delegated prefix.
    V6(Ipv6Net),
    /// A name that the NAT itself logs.
    Name(Arc<str>),
}

impl BindingKey {
    /// One IPv4 address.
    pub fn v4(addr: Ipv4Addr, realm: Realm) -> BindingKey {
        BindingKey::V4 { net: Ipv4Net::from(addr), realm }
    }

    /// One IPv6 address.
    pub fn v6(addr: Ipv6Addr) -> BindingKey {
        BindingKey::V6(Ipv6Net::from(addr))
    }

    /// The same key in `realm`, where its kind has one and none is set yet.
    #[must_use]
    pub fn in_realm(self, realm: &Realm) -> BindingKey {
        match self {
            BindingKey::V4 { net, realm: own } if own.is_empty() => {
                BindingKey::V4 { net, realm: realm.clone() }
            }
            other => other,
        }
    }

    /// Whether key and host share an address, and if so the length of this key's prefix: the longer, the more
    /// it says about the host. A name's length is 0.
    ///
    /// IPv4 meets IPv4 of the same realm only. IPv6 addresses, prefixes and B4 meet when either holds the other;
    /// a B4 stands for its IPv6 address.
    ///
    /// ```
    /// use portledger::{InsideHost, identity::BindingKey};
    /// let key: BindingKey = "2001:db8:0:100::/56".parse()?;
    /// let b4: InsideHost = "b4[2001:db8:0:107::1]10.0.0.2".parse()?;
    /// assert_eq!(key.overlap(&b4), Some(56));
    /// let elsewhere: InsideHost = "2001:db8:0:200::1".parse()?;
    /// assert_eq!(key.overlap(&elsewhere), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn overlap(&self, host: &InsideHost) -> Option<u8> {
        let (own_space, own) = space::of_key(self);
        let (host_space, host) = space::of_host(host);
        (own_space == host_space && (own.covers(host) || host.covers(own))).then_some(own.length)
    }

    /// Whether every address of the host lies in this key.
    pub fn covers(&self, host: &InsideHost) -> bool {
        let (own_space, own) = space::of_key(self);
        let (host_space, host) = space::of_host(host);
        own_space == host_space && own.covers(host)
    }
}

impl fmt::Display for BindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindingKey::V4 { net, realm } => {
                match net.prefix_len() {
                    32 => net.addr().fmt(f)?,
                    _ => net.trunc().fmt(f)?,
                }
                if realm.is_empty() { Ok(()) } else { write!(f, "%{}", realm.as_str()) }
            }
            BindingKey::V6(net) if net.prefix_len() == 128 => net.addr().fmt(f),
            BindingKey::V6(net) => net.trunc().fmt(f),
            BindingKey::Name(name) => write!(f, "name:{name}"),
        }
    }
}

/// A text is not a binding key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseBindingKeyError {
    /// Not a form that is read.
    #[error(
        "`{0}` is no inside address, prefix or name: write 100.64.0.10, 100.64.0.0/24 (with %REALM where it has one), 2001:db8::/56 or name:NAME"
    )]
    Unreadable(String),
    /// A prefix whose host bits are not zero.
    #[error(
        "`{0}` has bits set beyond its prefix length: write the address alone, or the prefix with zeros"
    )]
    HostBits(String),
}

impl FromStr for BindingKey {
    type Err = ParseBindingKeyError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let unreadable = || ParseBindingKeyError::Unreadable(s.to_owned());
        let host_bits = || ParseBindingKeyError::HostBits(s.to_owned());
        if let Some(name) = s.strip_prefix("name:") {
            return match name {
                "" => Err(unreadable()),
                name => Ok(BindingKey::Name(Arc::from(name))),
            };
        }
        let (addr, realm) = match s.split_once('%') {
            Some((_, "")) => return Err(unreadable()),
            Some((addr, realm)) => (addr, Realm::new(realm)),
            None => (s, Realm::EMPTY),
        };
        if addr.contains(':') {
            if !realm.is_empty() {
                return Err(unreadable());
            }
            let net = if addr.contains('/') {
                addr.parse::<Ipv6Net>().map_err(|_| unreadable())?
            } else {
                Ipv6Net::from(addr.parse::<Ipv6Addr>().map_err(|_| unreadable())?)
            };
            return if net == net.trunc() { Ok(BindingKey::V6(net)) } else { Err(host_bits()) };
        }
        let net = if addr.contains('/') {
            addr.parse::<Ipv4Net>().map_err(|_| unreadable())?
        } else {
            Ipv4Net::from(addr.parse::<Ipv4Addr>().map_err(|_| unreadable())?)
        };
        if net == net.trunc() { Ok(BindingKey::V4 { net, realm }) } else { Err(host_bits()) }
    }
}

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(BindingKey, String, BindingKey::to_string, |text: String| {
    text.parse::<BindingKey>()
});

/// Which records of which source a binding was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BindingOrigin {
    /// The source of the first record.
    pub source: SourceId,
    /// The first record that shows the binding: its Start, or where that was lost the first report; a CSV row.
    pub start: Option<Span>,
    /// The last record that shows it, where it is another one: its Stop, or where that was lost the last report.
    pub end: Option<Span>,
    /// The source of the last record, where it is another one: sessions outlive the file that began them.
    pub end_source: Option<SourceId>,
}

/// An inside host or prefix belonged to a subscriber for a time.
///
/// The time is two nested statements; [`crate::identity`] draws them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Binding {
    /// What was bound.
    pub key: BindingKey,
    /// To whom.
    pub subscriber: SubscriberId,
    /// No instant outside it can be this subscriber's.
    pub outer: TimeRange,
    /// Every instant in it is this subscriber's; none where the records leave no certain instant.
    pub inner: Option<TimeRange>,
    /// How the begin is known.
    pub began: Began,
    /// How the end is known.
    pub ended: Ended,
    /// The records that prove it.
    pub origin: BindingOrigin,
}

impl Binding {
    /// The binding of a written begin and a written end; a missing side has no limit. None where the end lies
    /// wholly before the begin.
    ///
    /// Each stamp truncates some instant of its interval: possible from the first instant of the begin's to the last
    /// of the end's, certain only between the two.
    ///
    /// ```
    /// use portledger::identity::{Binding, BindingOrigin};
    /// use portledger::time::WrittenTime;
    /// let (start, end) = (WrittenTime::from_second(10), WrittenTime::from_second(20));
    /// let key = "100.64.0.10".parse()?;
    /// let origin = BindingOrigin::default();
    /// let binding = Binding::new(key, "ann".into(), Some(start), Some(end), origin).unwrap();
    /// assert_eq!(binding.outer, "@10/@21".parse()?);
    /// assert_eq!(binding.inner, Some("@11/@20".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        key: BindingKey,
        subscriber: SubscriberId,
        start: Option<WrittenTime>,
        end: Option<WrittenTime>,
        origin: BindingOrigin,
    ) -> Option<Binding> {
        let outer = TimeRange::new(
            start.map_or(Timestamp::MIN, WrittenTime::start),
            end.map_or(Timestamp::MAX, WrittenTime::end),
        );
        let inner = TimeRange::new(
            start.map_or(Timestamp::MIN, WrittenTime::end),
            end.map_or(Timestamp::MAX, WrittenTime::start),
        );
        Some(Binding {
            key,
            subscriber,
            outer: outer.ok()?,
            inner: inner.ok(),
            began: if start.is_some() { Began::Logged } else { Began::Assumed },
            ended: if end.is_some() { Ended::Logged } else { Ended::Open },
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(s: &str) -> BindingKey {
        s.parse().unwrap()
    }

    fn overlap(k: &str, host: &str) -> Option<u8> {
        key(k).overlap(&host.parse().unwrap())
    }

    #[test]
    fn text_forms_are_inverses() {
        for text in [
            "100.64.0.10",
            "100.64.0.10%blue",
            "100.64.0.0/24%blue",
            "0.0.0.0/0",
            "2001:db8::/56",
            "2001:db8::1",
            "::/0",
            "name:x y%z:1",
        ] {
            assert_eq!(key(text).to_string(), text);
        }
        assert_eq!(key("10.0.0.1/32%a").to_string(), "10.0.0.1%a");
        assert_eq!(key("::1/128").to_string(), "::1");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in ["", "name:", "10.0.0.1%", "10.0.0/24", "::1%blue", "::/129", "10.0.0.0/33", "x"]
        {
            assert!(
                matches!(bad.parse::<BindingKey>(), Err(ParseBindingKeyError::Unreadable(_))),
                "{bad}"
            );
        }
        for bad in ["10.0.0.1/8", "2001:db8::1/64"] {
            assert!(
                matches!(bad.parse::<BindingKey>(), Err(ParseBindingKeyError::HostBits(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_empty_realm_is_no_wildcard() {
        assert_eq!(overlap("10.0.0.1", "10.0.0.1"), Some(32));
        assert_eq!(overlap("10.0.0.0/8%blue", "10.0.0.1%blue"), Some(8));
        assert_eq!(overlap("10.0.0.1", "10.0.0.1%blue"), None);
        assert_eq!(overlap("10.0.0.1%blue", "10.0.0.1"), None);
        assert_eq!(overlap("0.0.0.0/0%red", "10.0.0.1%blue"), None);
    }

    #[test]
    fn ipv6_meets_when_either_holds_the_other() {
        for (k, host, length) in [
            ("2001:db8::/56", "2001:db8::/56", Some(56)),
            ("2001:db8::/56", "2001:db8:0:7::/64", Some(56)),
            ("2001:db8:0:7::/64", "2001:db8::/56", Some(64)),
            ("2001:db8::/56", "2001:db8::1", Some(56)),
            ("2001:db8::1", "b4[2001:db8::1]10.0.0.1", Some(128)),
            ("2001:db8::1", "b4[2001:db8::2]10.0.0.1", None),
            ("10.0.0.1", "b4[2001:db8::1]10.0.0.1", None),
            ("2001:db8::/56", "2001:db8:0:100::/56", None),
            ("::/0", "2001:db8::1", Some(0)),
            ("::/0", "10.0.0.1", None),
            ("0.0.0.0/0", "::1", None),
            ("name:a", "name:a", Some(0)),
            ("name:a", "name:b", None),
            ("::/0", "name:a", None),
        ] {
            assert_eq!(overlap(k, host), length, "{k} {host}");
        }
        assert!(!key("2001:db8:0:7::/64").covers(&"2001:db8::/56".parse().unwrap()));
    }

    #[test]
    fn stamps_of_one_second_nest() {
        //  start 10     stop 12
        //  [10 .. 11)   [12 .. 13)
        //  |---------------------|  outer
        //        |------|           inner
        let nested = |start: Option<i64>, end: Option<i64>| {
            let stamp = |second: Option<i64>| second.map(WrittenTime::from_second);
            let origin = BindingOrigin::default();
            Binding::new(key("10.0.0.1"), "ann".into(), stamp(start), stamp(end), origin)
                .map(|b| (b.outer, b.inner))
        };
        let range = |s: &str| s.parse::<TimeRange>().unwrap();
        assert_eq!(nested(Some(10), Some(12)), Some((range("@10/@13"), Some(range("@11/@12")))));
        assert_eq!(nested(Some(10), Some(10)), Some((range("@10/@11"), None)));
        assert_eq!(nested(Some(10), Some(9)), None);
        assert_eq!(nested(None, None), Some((TimeRange::ALL, Some(TimeRange::ALL))));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_text_form_is_inverse() {
        let k = key("100.64.0.0/24%blue");
        let json = serde_json::to_string(&k).unwrap();
        assert_eq!(json, "\"100.64.0.0/24%blue\"");
        assert_eq!(serde_json::from_str::<BindingKey>(&json).unwrap(), k);
    }
}
