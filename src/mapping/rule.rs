//! The basic mapping rule of MAP: an address and a port to an End-user IPv6 prefix, and back (RFC 7597 section 5).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::mapping::{PsidParams, RuleError, UnsupportedCase};
use crate::port::PortSet;

/// A MAP rule under which subscribers share IPv4 addresses.
///
/// The rule of RFC 7597 Appendix A, both ways:
///
/// ```
/// use portledger::mapping::{BasicMappingRule, Reverse};
/// let rule = BasicMappingRule::new(
///     "2001:db8::/40".parse().unwrap(),
///     "192.0.2.0/24".parse().unwrap(),
///     16,   // EA bits
///     6,    // PSID offset
///     None, // the PSID length follows: 16 - (32 - 24) = 8
/// )?;
/// let prefix = "2001:db8:12:3400::/56".parse().unwrap();
/// assert_eq!(
///     rule.reverse("192.0.2.18".parse().unwrap(), 1232),
///     Reverse::Mapped { end_user_prefix: prefix, psid: 0x34 }
/// );
/// assert_eq!(rule.reverse("192.0.2.18".parse().unwrap(), 80), Reverse::ExcludedPort);
///
/// let (addr, psid, ports) = rule.forward(prefix).unwrap();
/// assert_eq!((addr.to_string().as_str(), psid, ports.len()), ("192.0.2.18", 0x34, 252));
/// # Ok::<(), portledger::mapping::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BasicMappingRule {
    v6: Ipv6Net,
    v4: Ipv4Net,
    ea_len: u8,
    psid: PsidParams,
}

/// What a rule says about an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reverse {
    /// The holder of this prefix has the port.
    Mapped {
        /// The prefix that the rule determines, of length [`BasicMappingRule::mapped_len`]. The delegated prefix may be
        /// longer, a database may hold a shorter one: compare by overlap.
        end_user_prefix: Ipv6Net,
        /// The PSID, right-aligned: 0x34 of 8 bits is 52.
        psid: u16,
    },
    /// The address is the rule's, but the port belongs to no subscriber (`A = 0`).
    ExcludedPort,
    /// The address is not under the Rule IPv4 prefix.
    OutsideRule,
}

impl BasicMappingRule {
    /// A rule from the Rule IPv6 prefix, the Rule IPv4 prefix, the EA length and the PSID offset, in bits.
    ///
    /// The PSID length is what the EA bits leave after the IPv4 suffix; where it is given too, it must be that. Host
    /// bits of the prefixes are cleared, as a receiver of rules must do (RFC 7598 section 4.1).
    ///
    /// # Errors
    ///
    /// [`RuleError`]: more than 48 EA bits, an End-user prefix longer than 128 bits, a PSID that does not fit into a
    /// port, a PSID length that contradicts the EA length; then [`RuleError::NotSupported`] for valid rules under which
    /// no address is shared, or whose EA length is 0.
    pub fn new(
        v6: Ipv6Net,
        v4: Ipv4Net,
        ea_len: u8,
        psid_offset: u8,
        psid_len: Option<u8>,
    ) -> Result<BasicMappingRule, RuleError> {
        let (v6, v4) = (v6.trunc(), v4.trunc());
        if ea_len > 48 {
            return Err(RuleError::EaTooLong { ea_len });
        }
        if v6.prefix_len() > 128 - ea_len {
            return Err(RuleError::EndUserPrefixTooLong { v6, ea_len });
        }
        if ea_len == 0 {
            // Address and PSID are explicit here; where there is a PSID, it must fit a port.
            if let Some(len) = psid_len
                && len > 0
            {
                PsidParams::new(psid_offset, len)?;
            }
            return Err(RuleError::NotSupported(UnsupportedCase::OneToOne));
        }
        let suffix_bits = 32 - v4.prefix_len();
        let derived = ea_len.saturating_sub(suffix_bits);
        if let Some(given) = psid_len
            && given != derived
        {
            return Err(RuleError::PsidLenDisagrees { given, derived, v4, ea_len });
        }
        // Without a PSID the offset has no effect: published rules write 16 there (RFC 8676 allows it).
        if ea_len < suffix_bits {
            return Err(RuleError::NotSupported(UnsupportedCase::AddressPrefix));
        }
        if ea_len == suffix_bits {
            return Err(RuleError::NotSupported(UnsupportedCase::WholeAddress));
        }
        let psid = PsidParams::new(psid_offset, derived)?;
        Ok(BasicMappingRule { v6, v4, ea_len, psid })
    }

    /// The Rule IPv6 prefix, host bits zero.
    pub const fn v6(&self) -> Ipv6Net {
        self.v6
    }

    /// The Rule IPv4 prefix, host bits zero.
    pub const fn v4(&self) -> Ipv4Net {
        self.v4
    }

    /// The EA length `o`, in bits: 1 to 48.
    pub const fn ea_len(&self) -> u8 {
        self.ea_len
    }

    /// How the ports of one address are shared out.
    pub const fn psid_params(&self) -> PsidParams {
        self.psid
    }

    /// The length of the End-user prefixes that the rule determines, `n + o`.
    pub const fn mapped_len(&self) -> u8 {
        self.v6.prefix_len() + self.ea_len
    }

    /// Whose port it is.
    ///
    /// Every protocol has the same port set; for an ICMP query the identifier takes the place of the port (RFC 7597
    /// section 8.2).
    pub fn reverse(&self, addr: Ipv4Addr, port: u16) -> Reverse {
        if !self.v4.contains(&addr) {
            return Reverse::OutsideRule;
        }
        match self.psid.psid(port) {
            None => Reverse::ExcludedPort,
            Some(psid) => {
                Reverse::Mapped { end_user_prefix: self.end_user_prefix(addr, psid), psid }
            }
        }
    }

    /// The address, the PSID and the ports of the holder of a prefix.
    ///
    /// A delegated prefix longer than [`BasicMappingRule::mapped_len`] maps as the part that the rule reads. `None` when
    /// the prefix is not under the Rule IPv6 prefix, or is too short to hold all EA bits: it then holds several shares.
    pub fn forward(&self, end_user_prefix: Ipv6Net) -> Option<(Ipv4Addr, u16, PortSet)> {
        if end_user_prefix.prefix_len() < self.mapped_len() || !self.v6.contains(&end_user_prefix) {
            return None;
        }
        let ea = (u128::from(end_user_prefix.network()) >> (128 - self.mapped_len()))
            & ((1 << self.ea_len) - 1);
        let psid = u16::try_from(ea & u128::from(self.psid.max_psid())).ok()?;
        let suffix = u32::try_from(ea >> self.psid.len()).ok()?;
        let addr = Ipv4Addr::from(u32::from(self.v4.network()) | suffix);
        Some((addr, psid, self.psid.ports(psid)?))
    }

    /// Everybody who shares the address, by PSID: the answer to a question without a port.
    ///
    /// `2^k` items, at most 65536; none when the address is not under the Rule IPv4 prefix.
    pub fn end_users(&self, addr: Ipv4Addr) -> impl Iterator<Item = (u16, Ipv6Net)> + use<> {
        let rule = *self;
        let psids = rule.v4.contains(&addr).then_some(0..=rule.psid.max_psid());
        psids.into_iter().flatten().map(move |psid| (psid, rule.end_user_prefix(addr, psid)))
    }

    /// The prefix of a subscriber; the address is the rule's and the PSID has at most `k` bits.
    fn end_user_prefix(&self, addr: Ipv4Addr, psid: u16) -> Ipv6Net {
        let suffix = u128::from(u32::from(addr) & u32::from(self.v4.hostmask()));
        let ea = suffix << self.psid.len() | u128::from(psid);
        // The EA length is at least 1, so the shift is at most 127.
        let bits = u128::from(self.v6.network()) | ea << (128 - self.mapped_len());
        Ipv6Net::new_assert(Ipv6Addr::from(bits), self.mapped_len())
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
