//! The lwB4 of a row: an address, or the prefix out of which it makes its address.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::Ipv6Net;

use crate::inside::InsideHost;

/// The subscriber's end of a softwire, as the binding table names it (RFC 8676, `binding-ipv6info`).
///
/// # Text form
///
/// `2001:db8::1` or `2001:db8:12:3400::/56`. A prefix of 128 bits is the address.
///
/// ```
/// use portledger::mapping::lw4o6::LwB4;
/// let b4: LwB4 = "2001:db8:12:3400::/56".parse()?;
/// // The interface identifier of RFC 7597 section 6: 16 zero bits, the IPv4 address, the PSID.
/// assert_eq!(b4.address("192.0.2.18".parse().unwrap(), 0x34).to_string(), "2001:db8:12:3400:0:c000:212:34");
/// assert_eq!("2001:db8::1/128".parse::<LwB4>()?.to_string(), "2001:db8::1");
/// # Ok::<(), portledger::mapping::lw4o6::ParseLwB4Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LwB4(Ipv6Net);

/// A text is neither an IPv6 address nor an IPv6 prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a B4: write an IPv6 address, or an IPv6 prefix such as 2001:db8::/56")]
pub struct ParseLwB4Error(String);

impl LwB4 {
    /// A B4 that has this prefix; host bits are cleared.
    pub fn prefix(prefix: Ipv6Net) -> LwB4 {
        LwB4(prefix.trunc())
    }

    /// The address or prefix as a prefix; an address has 128 bits.
    pub const fn net(self) -> Ipv6Net {
        self.0
    }

    /// Whether the table names an address, not a prefix.
    pub const fn is_address(self) -> bool {
        self.0.prefix_len() == 128
    }

    /// The tunnel address of the B4.
    ///
    /// From a prefix: padded with zeros to 64 bits, then the interface identifier of RFC 7597 section 6 from the IPv4
    /// address and the PSID (0 where there is none). A prefix longer than 64 bits overwrites the identifier.
    pub fn address(self, ipv4: Ipv4Addr, psid: u16) -> Ipv6Addr {
        let identifier = u128::from(u32::from(ipv4)) << 16 | u128::from(psid);
        let host = u128::from(self.0.hostmask());
        Ipv6Addr::from(u128::from(self.0.network()) | (identifier & host))
    }

    /// The inside host: [`InsideHost::B4`] for an address, [`InsideHost::Prefix`] for a prefix.
    pub fn inside_host(self) -> InsideHost {
        if self.is_address() {
            InsideHost::B4 { addr: self.0.network(), inner: None }
        } else {
            InsideHost::prefix(self.0)
        }
    }
}

impl From<Ipv6Addr> for LwB4 {
    fn from(addr: Ipv6Addr) -> LwB4 {
        LwB4(Ipv6Net::from(addr))
    }
}

impl From<Ipv6Net> for LwB4 {
    fn from(prefix: Ipv6Net) -> LwB4 {
        LwB4::prefix(prefix)
    }
}

impl fmt::Display for LwB4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_address() { self.0.network().fmt(f) } else { self.0.fmt(f) }
    }
}

impl FromStr for LwB4 {
    type Err = ParseLwB4Error;

    fn from_str(s: &str) -> Result<LwB4, ParseLwB4Error> {
        let read = if s.contains('/') {
            s.parse().ok().map(LwB4::prefix)
        } else {
            s.parse::<Ipv6Addr>().ok().map(LwB4::from)
        };
        // The longest prefix has 43 characters.
        read.ok_or_else(|| ParseLwB4Error(s.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(b4: &str, psid: u16) -> String {
        let b4: LwB4 = b4.parse().unwrap();
        b4.address(Ipv4Addr::new(192, 0, 2, 18), psid).to_string()
    }

    #[test]
    fn a_prefix_is_padded_and_gets_the_identifier() {
        assert_eq!(address("2001:db8:12:3400::/56", 0), "2001:db8:12:3400:0:c000:212:0");
        assert_eq!(address("2001:db8:1:2::/64", 0xffff), "2001:db8:1:2:0:c000:212:ffff");
        assert_eq!(address("::/0", 1), "::c000:212:1");
    }

    #[test]
    fn a_prefix_beyond_64_bits_overwrites_the_identifier() {
        // 96 bits: only the low half of the address and the PSID are left of the identifier.
        assert_eq!(address("2001:db8:1:2:3:4::/96", 5), "2001:db8:1:2:3:4:212:5");
        assert_eq!(address("2001:db8::7/127", 0x35), "2001:db8::7");
        assert_eq!(address("2001:db8::7", 0x34), "2001:db8::7");
    }

    #[test]
    fn text_forms_are_inverses() {
        for text in ["2001:db8::1", "2001:db8::/56", "::/0", "::"] {
            assert_eq!(text.parse::<LwB4>().unwrap().to_string(), text);
        }
        assert_eq!("2001:db8::1/32".parse::<LwB4>().unwrap().to_string(), "2001:db8::/32");
        for bad in ["", "/", "192.0.2.1", "2001:db8::/129", "2001:db8::1 ", "[::1]"] {
            let err = bad.parse::<LwB4>().unwrap_err();
            assert!(err.to_string().contains(bad), "{err}");
        }
    }

    #[test]
    fn the_inside_host_follows_the_table() {
        let host = |s: &str| s.parse::<LwB4>().unwrap().inside_host().to_string();
        assert_eq!(host("2001:db8::1"), "b4[2001:db8::1]");
        assert_eq!(host("2001:db8::/56"), "2001:db8::/56");
    }
}
