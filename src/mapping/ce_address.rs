//! The address of a customer edge: the End-user prefix and an interface identifier made of the share.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

use crate::mapping::BasicMappingRule;

/// Where the IPv4 address and the PSID stand in the interface identifier, the last 64 bits of the address.
///
/// ```text
///  byte          8    9   10   11   12   13   14   15
///  RFC 7597    |  0    0 |    IPv4 address    |  PSID  |
///  drafts      |  0 |    IPv4 address    |  PSID  |  0 |
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CeLayout {
    /// RFC 7597 section 6, and RFC 7599.
    #[default]
    Rfc7597,
    /// draft-ietf-softwire-map-00 to -03, one byte further left. The Japanese services use it.
    Draft03,
}

impl BasicMappingRule {
    /// The IPv6 address that the customer edge of a prefix uses for MAP: what the border relay sees in its packets.
    ///
    /// Everything between the prefix and the interface identifier is zero. A prefix longer than 64 bits overwrites the
    /// identifier (RFC 7597 section 6), so an identifier alone never proves a share. Give the prefix that was delegated
    /// where it is known: its length decides what is overwritten.
    ///
    /// `None` where [`BasicMappingRule::forward`] has none.
    ///
    /// ```
    /// use portledger::mapping::{BasicMappingRule, CeLayout};
    /// let rule = BasicMappingRule::new(
    ///     "2001:db8::/40".parse().unwrap(), "192.0.2.0/24".parse().unwrap(), 16, 6, None)?;
    /// let prefix = "2001:db8:12:3400::/56".parse().unwrap();
    /// let ce = |layout| rule.ce_address(prefix, layout).unwrap().to_string();
    /// assert_eq!(ce(CeLayout::Rfc7597), "2001:db8:12:3400:0:c000:212:34");
    /// assert_eq!(ce(CeLayout::Draft03), "2001:db8:12:3400:c0:2:1200:3400");
    /// # Ok::<(), portledger::mapping::RuleError>(())
    /// ```
    pub fn ce_address(&self, end_user_prefix: Ipv6Net, layout: CeLayout) -> Option<Ipv6Addr> {
        let (v4, psid) = self.read_prefix(end_user_prefix)?;
        let (v4, psid) = (u128::from(u32::from(v4)), u128::from(psid));
        let id = match layout {
            CeLayout::Rfc7597 => v4 << 16 | psid,
            CeLayout::Draft03 => v4 << 24 | psid << 8,
        };
        let free = u128::from(end_user_prefix.hostmask());
        Some(Ipv6Addr::from(u128::from(end_user_prefix.network()) | id & free))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::PsidParams;

    fn ce(rule: &BasicMappingRule, prefix: &str, layout: CeLayout) -> String {
        rule.ce_address(prefix.parse().unwrap(), layout).unwrap().to_string()
    }

    #[test]
    fn a_prefix_longer_than_64_bits_overwrites_the_identifier() {
        // The EA bits would collide with the identifier if they were joined by OR.
        let v6 = "2559:1432:a1a1:841b:fd90:c654::/96".parse().unwrap();
        let rule =
            BasicMappingRule::new(v6, "21.74.170.0/24".parse().unwrap(), 16, 6, None).unwrap();
        let prefix = "2559:1432:a1a1:841b:fd90:c654:4f64:0/112";
        assert_eq!(ce(&rule, prefix, CeLayout::Rfc7597), "2559:1432:a1a1:841b:fd90:c654:4f64:64");
        assert_eq!(ce(&rule, prefix, CeLayout::Draft03), "2559:1432:a1a1:841b:fd90:c654:4f64:6400");
        assert_eq!(
            ce(&rule, "2559:1432:a1a1:841b:fd90:c654:4f64:7/128", CeLayout::Rfc7597)[35..],
            *"7"
        );
    }

    #[test]
    fn an_ipv4_prefix_is_padded_with_zeros_and_has_no_psid() {
        let rule = BasicMappingRule::new(
            "2479:fcbd:ac04::/48".parse().unwrap(),
            "186.0.0.0/8".parse().unwrap(),
            16,
            0,
            None,
        );
        assert_eq!(
            ce(&rule.unwrap(), "2479:fcbd:ac04:ea42::/64", CeLayout::Rfc7597),
            "2479:fcbd:ac04:ea42:0:baea:4200:0"
        );
    }

    #[test]
    fn the_psid_of_a_rule_for_one_subscriber_is_in_its_address() {
        let rule = BasicMappingRule::one_to_one(
            "2001:db8:12:3400::/56".parse().unwrap(),
            "192.0.2.18/32".parse().unwrap(),
            PsidParams::new_assert(6, 8),
            0x34,
        )
        .unwrap();
        let layout = CeLayout::default();
        assert_eq!(ce(&rule, "2001:db8:12:3400::/56", layout), "2001:db8:12:3400:0:c000:212:34");
        assert_eq!(rule.ce_address("2001:db8::/56".parse().unwrap(), layout), None);
    }
}
