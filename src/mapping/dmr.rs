//! The default mapping rule of MAP-T: where the outside world is embedded in IPv6 (RFC 7599 section 5.1).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use crate::mapping::RuleError;

/// The IPv6 prefix into which MAP-T embeds addresses outside its domain, as RFC 6052 does.
///
/// It has no say in whose port it is; it tells how the outside address of a packet inside the domain is read. The byte
/// of bits 64 to 71 is always zero and splits the address where the prefix is shorter than 64 bits:
///
/// ```text
///  /40  |<--- 40 --->| 24 of 32 |  0  | 8 |   0 ...
///  /64  |<-------- 64 --------->|  0  |   32   | 0 ...
///  /96  |<----------------- 96 ------------->|   32   |
/// ```
///
/// ```
/// use portledger::mapping::DefaultMappingRule;
/// let dmr = DefaultMappingRule::new("2001:db8:ffff::/64".parse().unwrap())?;
/// let outside = dmr.embed("198.51.100.1".parse().unwrap());
/// assert_eq!(outside.to_string(), "2001:db8:ffff:0:c6:3364:100:0");
/// assert_eq!(dmr.extract(outside), Some("198.51.100.1".parse().unwrap()));
/// # Ok::<(), portledger::mapping::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefaultMappingRule(Ipv6Net);

/// Bits 64 to 71.
const RESERVED: u128 = 0xff << 56;

/// The bits before them.
const BEFORE: u128 = u128::MAX << 64;

impl DefaultMappingRule {
    /// A prefix of 32, 40, 48, 56, 64 or 96 bits; host bits are cleared.
    ///
    /// # Errors
    ///
    /// [`RuleError::DmrLength`] for other lengths, [`RuleError::DmrReservedByte`] when bits 64 to 71 are not zero (RFC
    /// 6052 section 2.2).
    pub fn new(prefix: Ipv6Net) -> Result<DefaultMappingRule, RuleError> {
        let dmr = prefix.trunc();
        if !matches!(dmr.prefix_len(), 32 | 40 | 48 | 56 | 64 | 96) {
            return Err(RuleError::DmrLength { dmr });
        }
        if u128::from(dmr.addr()) & RESERVED != 0 {
            return Err(RuleError::DmrReservedByte { dmr });
        }
        Ok(DefaultMappingRule(dmr))
    }

    /// The prefix, host bits zero.
    pub const fn prefix(self) -> Ipv6Net {
        self.0
    }

    /// The IPv6 address that stands for an outside IPv4 address; the suffix is zero.
    pub fn embed(self, addr: Ipv4Addr) -> Ipv6Addr {
        let len = self.0.prefix_len();
        let tail = u128::from(u32::from(addr)) << 96 >> len;
        // What would lie past bit 64 moves on by the byte that must be zero; after 96 bits nothing meets it.
        let tail = if len == 96 { tail } else { tail & BEFORE | (tail & !BEFORE) >> 8 };
        Ipv6Addr::from(u128::from(self.0.addr()) | tail)
    }

    /// The outside IPv4 address in an IPv6 address; `None` when the address is not under the prefix, or bits 64 to 71
    /// are not zero. The suffix is ignored (RFC 6052 section 2.2).
    pub fn extract(self, addr: Ipv6Addr) -> Option<Ipv4Addr> {
        let bits = u128::from(addr);
        if !self.0.contains(&addr) || bits & RESERVED != 0 {
            return None;
        }
        let len = self.0.prefix_len();
        let tail = if len == 96 { bits } else { bits & BEFORE | (bits & !BEFORE) << 8 };
        u32::try_from(tail << len >> 96).ok().map(Ipv4Addr::from)
    }
}

impl fmt::Display for DefaultMappingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dmr(s: &str) -> Result<DefaultMappingRule, RuleError> {
        DefaultMappingRule::new(s.parse().unwrap())
    }

    #[test]
    fn rfc_6052_section_2_4_examples() {
        // Network-specific prefix and address, with 192.0.2.33 inside.
        for (prefix, expected) in [
            ("2001:db8::/32", "2001:db8:c000:221::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
            ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
        ] {
            let dmr = dmr(prefix).unwrap();
            let outside: Ipv4Addr = "192.0.2.33".parse().unwrap();
            let expected: Ipv6Addr = expected.parse().unwrap();
            assert_eq!(dmr.embed(outside), expected, "{prefix}");
            assert_eq!(dmr.extract(expected), Some(outside), "{prefix}");
        }
    }

    #[test]
    fn a_suffix_is_ignored_and_the_reserved_byte_is_not() {
        let dmr = dmr("2001:db8:122:344::/64").unwrap();
        let with = |text: &str| dmr.extract(text.parse().unwrap());
        assert_eq!(with("2001:db8:122:344:c0:2:21ff:1"), with("2001:db8:122:344:c0:2:2100::"));
        assert_eq!(with("2001:db8:122:344:1c0:2:2100::"), None);
        assert_eq!(with("2001:db8:122:345:c0:2:2100::"), None);
    }

    #[test]
    fn prefixes_that_cannot_hold_an_address_are_refused() {
        for bad in ["::/0", "2001:db8::/33", "2001:db8::/65", "2001:db8::/80", "2001:db8::1/128"] {
            assert!(matches!(dmr(bad), Err(RuleError::DmrLength { .. })), "{bad}");
        }
        let err = dmr("2001:db8:0:0:100::/96").unwrap_err();
        assert!(matches!(err, RuleError::DmrReservedByte { .. }), "{err}");
        assert_eq!(dmr("2001:db8::77/64").unwrap().to_string(), "2001:db8::/64");
    }
}
