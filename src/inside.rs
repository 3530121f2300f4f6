//! The inside host: who used an address, as the NAT knows it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::Ipv6Net;

/// The routing domain (VRF, NAT instance) that makes an inside IPv4 address unique.
///
/// The empty realm is a realm of its own, never a wildcard: 10.0.0.1 in no VRF and 10.0.0.1 in VRF `blue` are two
/// hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realm(Option<Arc<str>>);

impl Realm {
    /// The realm of inside addresses that need none.
    pub const EMPTY: Realm = Realm(None);

    /// A realm by name; the empty name is [`Realm::EMPTY`].
    pub fn new(name: &str) -> Realm {
        Realm((!name.is_empty()).then(|| Arc::from(name)))
    }

    /// The name, empty for the empty realm.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// Whether this is the empty realm.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// Who used a public address, in the terms of the NAT or the rule that gave it.
///
/// # Text form
///
/// | kind | text |
/// |---|---|
/// | IPv4 (CGN) | `100.64.0.10`, with its realm `100.64.0.10%blue` |
/// | B4 of DS-Lite | `b4[2001:db8::1]`, with the host behind it `b4[2001:db8::1]10.0.0.2` |
/// | IPv6 (NAT64) | `2001:db8::1` |
/// | End-user prefix (MAP) | `2001:db8:12:3400::/56` |
/// | a name that the NAT logs | `name:ppp-17` |
///
/// ```
/// use portledger::InsideHost;
/// for text in ["100.64.0.10%blue", "b4[2001:db8::1]10.0.0.2", "2001:db8:12:3400::/56", "name:ppp-17"] {
///     assert_eq!(text.parse::<InsideHost>()?.to_string(), text);
/// }
/// # Ok::<(), portledger::inside::ParseInsideHostError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum InsideHost {
    /// An inside IPv4 address in its realm.
    V4 {
        /// The address before translation.
        addr: Ipv4Addr,
        /// The routing domain that makes it unique.
        realm: Realm,
    },
    /// The tunnel endpoint of DS-Lite or lightweight 4over6 (RFC 6333, RFC 7596).
    B4 {
        /// The IPv6 address of the B4: the part that identifies the subscriber.
        addr: Ipv6Addr,
        /// The IPv4 address inside the tunnel, every subscriber's own and no identity by itself.
        inner: Option<Ipv4Addr>,
    },
    /// An inside IPv6 address (NAT64, RFC 6146).
    V6(Ipv6Addr),
    /// The End-user IPv6 prefix of MAP (RFC 7597), host bits zero.
    Prefix(Ipv6Net),
    /// A name that the NAT itself logs.
    Name(Arc<str>),
}

impl InsideHost {
    /// An inside IPv4 address in the empty realm.
    pub const fn v4(addr: Ipv4Addr) -> InsideHost {
        InsideHost::V4 { addr, realm: Realm::EMPTY }
    }

    /// An End-user prefix; host bits are cleared.
    pub fn prefix(prefix: Ipv6Net) -> InsideHost {
        InsideHost::Prefix(prefix.trunc())
    }

    /// The realm, where the kind of host has one.
    pub fn realm(&self) -> Option<&Realm> {
        match self {
            InsideHost::V4 { realm, .. } => Some(realm),
            _ => None,
        }
    }

    /// The same host in `realm`, where its kind has one and none is set yet.
    #[must_use]
    pub fn in_realm(self, realm: &Realm) -> InsideHost {
        match self {
            InsideHost::V4 { addr, realm: own } if own.is_empty() => {
                InsideHost::V4 { addr, realm: realm.clone() }
            }
            other => other,
        }
    }
}

impl fmt::Display for InsideHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InsideHost::V4 { addr, realm } if realm.is_empty() => addr.fmt(f),
            InsideHost::V4 { addr, realm } => write!(f, "{addr}%{}", realm.as_str()),
            InsideHost::B4 { addr, inner: None } => write!(f, "b4[{addr}]"),
            InsideHost::B4 { addr, inner: Some(inner) } => write!(f, "b4[{addr}]{inner}"),
            InsideHost::V6(addr) => addr.fmt(f),
            InsideHost::Prefix(prefix) => prefix.fmt(f),
            InsideHost::Name(name) => write!(f, "name:{name}"),
        }
    }
}

/// A text is not an inside host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an inside host: write an IPv4 address (with %REALM where it has one), an IPv6 address or prefix, b4[ADDRESS], or name:NAME"
)]
pub struct ParseInsideHostError(String);

impl FromStr for InsideHost {
    type Err = ParseInsideHostError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse(s).ok_or_else(|| ParseInsideHostError(s.to_owned()))
    }
}

fn parse(s: &str) -> Option<InsideHost> {
    if let Some(name) = s.strip_prefix("name:") {
        return (!name.is_empty()).then(|| InsideHost::Name(Arc::from(name)));
    }
    if let Some(rest) = s.strip_prefix("b4[") {
        let (addr, inner) = rest.split_once(']')?;
        let inner = if inner.is_empty() { None } else { Some(inner.parse().ok()?) };
        return Some(InsideHost::B4 { addr: addr.parse().ok()?, inner });
    }
    if let Some((addr, realm)) = s.split_once('%') {
        let realm = Realm::new(realm);
        return (!realm.is_empty()).then_some(InsideHost::V4 { addr: addr.parse().ok()?, realm });
    }
    if s.contains('/') {
        return s.parse().ok().map(InsideHost::prefix);
    }
    if s.contains(':') {
        return s.parse().ok().map(InsideHost::V6);
    }
    s.parse().ok().map(InsideHost::v4)
}

#[cfg(feature = "serde")]
crate::serde_text::serde_text!(InsideHost, String, InsideHost::to_string, |text: String| {
    text.parse::<InsideHost>()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_inverses() {
        for text in [
            "10.0.0.1",
            "10.0.0.1%blue 7%x",
            "b4[2001:db8::1]",
            "b4[2001:db8::1]10.0.0.2",
            "2001:db8::1",
            "b4::1",
            "2001:db8::/56",
            "::/0",
            "name:ppp-17 name:x",
        ] {
            let host: InsideHost = text.parse().unwrap();
            assert_eq!(host.to_string(), text);
        }
    }

    #[test]
    fn host_bits_of_a_prefix_are_cleared() {
        let host: InsideHost = "2001:db8::77/64".parse().unwrap();
        assert_eq!(host.to_string(), "2001:db8::/64");
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "",
            "name:",
            "10.0.0.1%",
            "10.0.0",
            "b4[10.0.0.1]",
            "b4[::1",
            "::1/129",
            "10.0.0.0/8",
            "x",
        ] {
            assert!(bad.parse::<InsideHost>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_empty_realm_is_a_realm_of_its_own() {
        let plain: InsideHost = "10.0.0.1".parse().unwrap();
        let blue: InsideHost = "10.0.0.1%blue".parse().unwrap();
        assert_ne!(plain, blue);
        assert_eq!(plain.in_realm(&Realm::new("blue")), blue);
    }
}
