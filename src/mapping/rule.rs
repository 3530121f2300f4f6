//! The basic mapping rule of MAP: an address and a port to an End-user IPv6 prefix, and back (RFC 7597 section 5).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::mapping::{PsidParams, Reverse, RuleCase, RuleError, Share};

/// A MAP rule: which IPv4 addresses and ports the subscribers under an IPv6 prefix have.
///
/// MAP-E (RFC 7597) and MAP-T (RFC 7599) have the same rules; they differ in how packets travel.
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
///     Reverse::Mapped { end_user_prefix: prefix, psid: Some(0x34) }
/// );
/// assert_eq!(rule.reverse("192.0.2.18".parse().unwrap(), 80), Reverse::ExcludedPort);
///
/// let share = rule.forward(prefix).unwrap();
/// assert_eq!((share.v4.to_string().as_str(), share.ports.len()), ("192.0.2.18/32", 252));
/// # Ok::<(), portledger::mapping::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BasicMappingRule {
    v6: Ipv6Net,
    v4: Ipv4Net,
    ea_len: u8,
    psid: PsidParams,
    /// The one PSID that the rule speaks for: without EA bits, on a shared address.
    own_psid: Option<u16>,
}

impl BasicMappingRule {
    /// A rule from the Rule IPv6 prefix, the Rule IPv4 prefix, the EA length and the PSID offset, in bits.
    ///
    /// The PSID length is what the EA bits leave after the IPv4 suffix; where it is given too, it must be that. Host
    /// bits of the prefixes are cleared, as a receiver of rules must do (RFC 7598 section 4.1). Where no PSID is left
    /// the offset has no effect, but must be one (0 to 16).
    ///
    /// With an EA length of 0 the rule gives its whole IPv4 prefix to one subscriber; for one who shares an address see
    /// [`BasicMappingRule::one_to_one`].
    ///
    /// # Errors
    ///
    /// [`RuleError`]: more than 48 EA bits, an End-user prefix longer than 128 bits, a PSID that does not fit into a
    /// port, a PSID length that contradicts the EA length, a PSID length without EA bits.
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
        let derived = ea_len.saturating_sub(32 - v4.prefix_len());
        match psid_len {
            Some(len) if ea_len == 0 && len > 0 => {
                PsidParams::new(psid_offset, len)?;
                Err(RuleError::PsidMissing { len })
            }
            Some(given) if given != derived => {
                Err(RuleError::PsidLenDisagrees { given, derived, v4, ea_len })
            }
            _ => {
                let psid = PsidParams::new(psid_offset, derived)?;
                Ok(BasicMappingRule { v6, v4, ea_len, psid, own_psid: None })
            }
        }
    }

    /// A rule for one subscriber, without EA bits: its End-user prefix, address and PSID stand in the rule itself
    /// (RFC 7597 Appendix A, example 5). Without a PSID length it is [`BasicMappingRule::new`] with an EA length of 0.
    ///
    /// Several such rules share one address, each with its own PSID; ask all of them
    /// ([`RuleSet::answer`](crate::mapping::RuleSet::answer)).
    ///
    /// ```
    /// use portledger::mapping::{BasicMappingRule, PsidParams, Reverse};
    /// let prefix = "2001:db8:12:3400::/56".parse().unwrap();
    /// let v4 = "192.0.2.18/32".parse().unwrap();
    /// let rule = BasicMappingRule::one_to_one(prefix, v4, PsidParams::new(6, 8)?, 0x34)?;
    /// let addr = "192.0.2.18".parse().unwrap();
    /// let mapped = Reverse::Mapped { end_user_prefix: prefix, psid: Some(0x34) };
    /// assert_eq!(rule.reverse(addr, 1232), mapped);
    /// assert_eq!(rule.reverse(addr, 1236), Reverse::OtherPsid { psid: 0x35 });
    /// # Ok::<(), portledger::mapping::RuleError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RuleError::PsidOutOfRange`] when the PSID has more bits than its length, [`RuleError::PsidOfPrefix`] when there
    /// is a PSID length and the IPv4 prefix is no single address (RFC 7598 section 4.5).
    pub fn one_to_one(
        v6: Ipv6Net,
        v4: Ipv4Net,
        params: PsidParams,
        psid: u16,
    ) -> Result<BasicMappingRule, RuleError> {
        let (v6, v4, len) = (v6.trunc(), v4.trunc(), params.len());
        if psid > params.max_psid() {
            return Err(RuleError::PsidOutOfRange { psid, len });
        }
        if len > 0 && v4.prefix_len() < 32 {
            return Err(RuleError::PsidOfPrefix { v4, len });
        }
        let own_psid = (len > 0).then_some(psid);
        Ok(BasicMappingRule { v6, v4, ea_len: 0, psid: params, own_psid })
    }

    /// The Rule IPv6 prefix, host bits zero.
    pub const fn v6(&self) -> Ipv6Net {
        self.v6
    }

    /// The Rule IPv4 prefix, host bits zero.
    pub const fn v4(&self) -> Ipv4Net {
        self.v4
    }

    /// The EA length `o`, in bits: 0 to 48.
    pub const fn ea_len(&self) -> u8 {
        self.ea_len
    }

    /// How the ports of one address are shared out.
    pub const fn psid_params(&self) -> PsidParams {
        self.psid
    }

    /// The one PSID that a rule without EA bits speaks for; `None` for every other rule.
    pub const fn own_psid(&self) -> Option<u16> {
        self.own_psid
    }

    /// What the subscribers of the rule have.
    pub const fn case(&self) -> RuleCase {
        if self.psid.len() > 0 {
            RuleCase::SharedAddress
        } else if self.held_len() == 32 {
            RuleCase::WholeAddress
        } else {
            RuleCase::AddressPrefix
        }
    }

    /// The length of the End-user prefixes that the rule determines, `n + o`.
    pub const fn mapped_len(&self) -> u8 {
        self.v6.prefix_len() + self.ea_len
    }

    /// The length of the IPv4 prefix that a subscriber has, `r + p`: 32 for an address.
    const fn held_len(&self) -> u8 {
        let len = self.v4.prefix_len() + self.ea_len;
        if len > 32 { 32 } else { len }
    }

    /// Whose port it is.
    ///
    /// Every protocol has the same port set; for an ICMP query the identifier takes the place of the port (RFC 7597
    /// section 8.2). A protocol without ports can be answered where the address is not shared: ask any port.
    pub fn reverse(&self, addr: Ipv4Addr, port: u16) -> Reverse {
        if !self.v4.contains(&addr) {
            return Reverse::OutsideRule;
        }
        if self.psid.len() == 0 {
            let end_user_prefix = self.end_user_prefix(addr, 0);
            return match self.held_len() {
                32 => Reverse::Mapped { end_user_prefix, psid: None },
                len => {
                    let v4 = Ipv4Net::new_assert(addr, len).trunc();
                    Reverse::MappedPrefix { end_user_prefix, v4 }
                }
            };
        }
        match self.psid.psid(port) {
            None => Reverse::ExcludedPort,
            Some(psid) if self.own_psid.is_some_and(|own| own != psid) => {
                Reverse::OtherPsid { psid }
            }
            Some(psid) => Reverse::Mapped {
                end_user_prefix: self.end_user_prefix(addr, psid),
                psid: Some(psid),
            },
        }
    }

    /// What the holder of a prefix has.
    ///
    /// A delegated prefix longer than [`BasicMappingRule::mapped_len`] maps as the part that the rule reads. `None` when
    /// the prefix is not under the Rule IPv6 prefix, or is too short to hold all EA bits: it then holds several shares.
    pub fn forward(&self, end_user_prefix: Ipv6Net) -> Option<Share> {
        let (addr, psid) = self.read_prefix(end_user_prefix)?;
        Some(Share {
            end_user_prefix: Ipv6Net::new(end_user_prefix.addr(), self.mapped_len()).ok()?.trunc(),
            v4: Ipv4Net::new(addr, self.held_len()).ok()?,
            psid: (self.psid.len() > 0).then_some(psid),
            ports: self.psid.ports(psid)?,
        })
    }

    /// The address and the PSID of the holder of a prefix; host bits of an IPv4 prefix, and a PSID that is not there,
    /// are 0.
    pub(crate) fn read_prefix(&self, end_user_prefix: Ipv6Net) -> Option<(Ipv4Addr, u16)> {
        let len = self.mapped_len();
        if end_user_prefix.prefix_len() < len || !self.v6.contains(&end_user_prefix) {
            return None;
        }
        if let Some(psid) = self.own_psid {
            return Some((self.v4.addr(), psid));
        }
        // A shift by all 128 bits happens where there is no bit to read.
        let read = u128::from(end_user_prefix.network()).checked_shr(128 - u32::from(len));
        let ea = read.unwrap_or(0) & ((1 << self.ea_len) - 1);
        let psid = u16::try_from(ea & u128::from(self.psid.max_psid())).ok()?;
        let suffix = u32::try_from(ea >> self.psid.len()).ok()?;
        let place = 32 - u32::from(self.held_len());
        let suffix = suffix.checked_shl(place).unwrap_or(0);
        Some((Ipv4Addr::from(u32::from(self.v4.network()) | suffix), psid))
    }

    /// Everybody who has a part of the address, by PSID: the answer to a question without a port.
    ///
    /// `2^k` items, at most 65536, where the PSID is in the EA bits; one, without a PSID, where the address is not
    /// shared; one where the rule speaks for one PSID. None when the address is not under the Rule IPv4 prefix.
    pub fn end_users(
        &self,
        addr: Ipv4Addr,
    ) -> impl Iterator<Item = (Option<u16>, Ipv6Net)> + use<> {
        let rule = *self;
        let all = match rule.own_psid {
            Some(psid) => psid..=psid,
            None => 0..=rule.psid.max_psid(),
        };
        let psids = rule.v4.contains(&addr).then_some(all);
        psids.into_iter().flatten().map(move |psid| {
            let shown = (rule.psid.len() > 0).then_some(psid);
            (shown, rule.end_user_prefix(addr, psid))
        })
    }

    /// The prefix of a subscriber; the address is the rule's and the PSID has at most `k` bits.
    fn end_user_prefix(&self, addr: Ipv4Addr, psid: u16) -> Ipv6Net {
        let len = self.mapped_len();
        if self.ea_len == 0 {
            return self.v6;
        }
        let suffix = u32::from(addr) & u32::from(self.v4.hostmask());
        // With EA bits, at least the first bit of the address is read, so the shift is at most 31.
        let suffix = suffix >> (32 - self.held_len());
        let ea = u128::from(suffix) << self.psid.len() | u128::from(psid);
        // The EA length is at least 1, so the shift is at most 127.
        let bits = u128::from(self.v6.network()) | ea << (128 - len);
        Ipv6Net::new_assert(Ipv6Addr::from(bits), len)
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
