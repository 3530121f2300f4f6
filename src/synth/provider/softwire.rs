//! A MAP-E domain whose rule changes at a cut-over: no log, only arithmetic (RFC 7597).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::tenancy::Tenancy;
use crate::synth::rng::SplitMix64;

/// Subscribers an address; fewer than its 256 port sets, so that some are nobody's.
const PER_ADDRESS: u32 = 200;
/// Bits of the port that select a port set.
const PSID_LENGTH: u32 = 8;
/// Bits of the port above the PSID.
const PSID_OFFSET: u32 = 6;

/// One version of the domain's only rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domain {
    /// 1 before the cut-over, 2 after it.
    pub(super) version: u32,
}

impl Domain {
    /// Upper bits of the rule's IPv6 prefix, a /40.
    fn rule_prefix(self) -> u128 {
        let second = if self.version == 1 { 0xa000 } else { 0xb000 };
        0x2001_0db8 << 96 | second << 80
    }

    /// The last octet of the public address of a slot, and its PSID. Both versions deal the same port sets, to
    /// other slots.
    fn place(self, slot: u32) -> (u32, u32) {
        let within = slot % PER_ADDRESS;
        let psid = match self.version {
            1 => within * 37 + 11,
            _ => within * 59 + 90,
        };
        ((64 + slot / PER_ADDRESS) % 256, psid % (1 << PSID_LENGTH))
    }

    /// The public address of a slot.
    pub(super) fn address(self, slot: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(Ipv4Addr::new(198, 51, 100, 0).to_bits() + self.place(slot).0)
    }

    /// The End-user prefix of a slot as accounting names it: rule prefix, then suffix of the address, then PSID
    /// (RFC 7597 section 5.2).
    pub(super) fn attribute(self, tenancy: &Tenancy) -> String {
        let (octet, psid) = self.place(tenancy.slot);
        let embedded = u128::from(octet << PSID_LENGTH | psid) << 72;
        format!("Delegated-IPv6-Prefix = {}/56", Ipv6Addr::from_bits(self.rule_prefix() | embedded))
    }

    /// A port of the slot: `A` above zero, the PSID, any rest (RFC 7597 section 5.1).
    pub(super) fn port(self, slot: u32, rng: &mut SplitMix64) -> u16 {
        port(self.place(slot).1, rng)
    }

    /// A port that no slot has in either version: of a port set that is not dealt, or below all port sets.
    pub(super) fn port_of_nobody(rng: &mut SplitMix64) -> u16 {
        let dealt = |psid| {
            [Domain { version: 1 }, Domain { version: 2 }]
                .iter()
                .any(|d| (0..PER_ADDRESS).any(|slot| d.place(slot).1 == psid))
        };
        let free: Vec<u32> = (0..1 << PSID_LENGTH).filter(|&psid| !dealt(psid)).collect();
        match rng.pick(&free) {
            Some(&psid) if rng.chance(0.5) => port(psid, rng),
            _ => u16::try_from(rng.below(1 << (16 - PSID_OFFSET))).unwrap_or(0),
        }
    }

    /// The rule as a border relay's configuration holds it (RFC 8676, `ietf-softwire-br`).
    pub(super) fn json(self) -> String {
        format!(
            r#"{{
 "ietf-softwire-br:br-instances": {{
  "algorithm": {{
   "algo-instance": [
    {{
     "name": "br-1",
     "enable": true,
     "algo-versioning": {{
      "version": "{}"
     }},
     "br-ipv6-addr": "2001:db8:ffff::1",
     "ea-len": 16,
     "rule-ipv6-prefix": "{}/40",
     "rule-ipv4-prefix": "198.51.100.0/24",
     "forwarding": true,
     "port-set": {{
      "psid-offset": {PSID_OFFSET},
      "psid-len": {PSID_LENGTH}
     }}
    }}
   ]
  }}
 }}
}}
"#,
            self.version,
            Ipv6Addr::from_bits(self.rule_prefix()),
        )
    }
}

fn port(psid: u32, rng: &mut SplitMix64) -> u16 {
    let rest = 16 - PSID_OFFSET - PSID_LENGTH;
    let above = u32::try_from(rng.between(1, (1 << PSID_OFFSET) - 1)).unwrap_or(1);
    let below = u32::try_from(rng.below(1 << rest)).unwrap_or(0);
    u16::try_from(above << (16 - PSID_OFFSET) | psid << rest | below).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::provider::tenancy::Parting;

    #[test]
    fn prefix_address_and_port_agree_with_rfc_7597() {
        let tenancy = |slot| Tenancy {
            slot,
            subscriber: 0,
            attach: 0,
            last: 0,
            detach: 0,
            parting: Parting::Online,
        };
        let first = Domain { version: 1 };
        // 198.51.100.64, PSID 11: 0x40, 0x0b in the 16 EA bits behind a000::/40.
        assert_eq!(first.attribute(&tenancy(0)), "Delegated-IPv6-Prefix = 2001:db8:a040:b00::/56");
        assert_eq!(first.address(0), Ipv4Addr::new(198, 51, 100, 64));
        assert_eq!(first.address(200), Ipv4Addr::new(198, 51, 100, 65));
        let mut rng = SplitMix64::new(1);
        for _ in 0..1_000 {
            let port = first.port(0, &mut rng);
            assert!(port >= 1024 && port >> 2 & 0xff == 11, "{port}");
            let nobody = Domain::port_of_nobody(&mut rng);
            let psid = u32::from(nobody >> 2 & 0xff);
            assert!(nobody < 1024 || (0..200).all(|slot| first.place(slot).1 != psid));
        }
    }

    #[test]
    fn a_version_deals_a_port_set_once_and_the_next_to_somebody_else() {
        let (first, second) = (Domain { version: 1 }, Domain { version: 2 });
        let mut moved = 0;
        for slot in 0..400 {
            for other in 0..slot {
                assert_ne!(first.place(slot), first.place(other));
                assert_ne!(second.place(slot), second.place(other));
            }
            moved += u32::from(first.place(slot) != second.place(slot));
        }
        assert!(moved > 390);
    }
}
