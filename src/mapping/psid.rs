//! The port word of MAP: which ports belong to which PSID (RFC 7597 section 5.1).

use crate::mapping::RuleError;
use crate::port::{PortRange, PortSet};

/// The PSID offset `a` and PSID length `k`: how the ports of one address are shared out.
///
/// The bits of a port are `A | PSID | j`, `a`, `k` and `16 - a - k` of them (drawn in the
/// [module documentation](crate::mapping)). With `k = 0` there is one holder, PSID 0, who has every port; the offset
/// then has no effect (RFC 7597 Appendix A, example 4).
///
/// ```
/// use portledger::mapping::PsidParams;
/// let params = PsidParams::new(6, 8)?;
/// assert_eq!(params.psid(1232), Some(0x34));
/// assert_eq!(params.psid(80), None); // A = 0: nobody's
/// let ports = params.ports(0x34).unwrap();
/// assert_eq!(ports.ranges()[0].to_string(), "1232-1235");
/// assert_eq!((ports.ranges().len(), ports.len()), (63, 252));
/// # Ok::<(), portledger::mapping::RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PsidParams {
    offset: u8,
    len: u8,
}

impl PsidParams {
    /// The PSID offset of MAP-E and MAP-T where none is given (RFC 7597 section 5.1).
    pub const DEFAULT_OFFSET: u8 = 6;

    /// An offset of 0 to 16 bits and a PSID of 0 to 16 bits, together at most 16.
    ///
    /// An offset of 16 leaves no PSID, and says nothing: RFC 8676 allows it, RFC 7598 does not.
    ///
    /// # Errors
    ///
    /// [`RuleError::PsidOffset`] and [`RuleError::PsidTooLong`].
    pub const fn new(offset: u8, len: u8) -> Result<PsidParams, RuleError> {
        if offset > 16 || (offset == 16 && len > 0) {
            return Err(RuleError::PsidOffset { offset });
        }
        // The offset is at most 16, so the difference exists.
        if len > 16 - offset {
            return Err(RuleError::PsidTooLong { offset, len });
        }
        Ok(PsidParams { offset, len })
    }

    /// The same as [`PsidParams::new`], for constants.
    ///
    /// # Panics
    ///
    /// When `offset > 16` or `offset + len > 16`; in a constant that is a compile error.
    pub const fn new_assert(offset: u8, len: u8) -> PsidParams {
        assert!(offset <= 16, "a PSID offset is at most 16");
        assert!(len <= 16 - offset, "PSID offset and PSID length are at most 16 together");
        PsidParams { offset, len }
    }

    /// The PSID offset `a`, in bits.
    pub const fn offset(self) -> u8 {
        self.offset
    }

    /// The PSID length `k`, in bits.
    #[expect(clippy::len_without_is_empty, reason = "it is the RFC's word, not a collection")]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// How many subscribers share an address, `2^k`: 1 to 65536.
    pub const fn sharing_ratio(self) -> u32 {
        1 << self.len
    }

    /// The highest PSID, `2^k - 1`.
    pub(crate) const fn max_psid(self) -> u16 {
        if self.len == 0 { 0 } else { u16::MAX >> (16 - self.len) }
    }

    /// The bits of a port below the PSID, `m`; below 16 when `k > 0`.
    const fn low_bits(self) -> u8 {
        16 - self.offset - self.len
    }

    /// The ports that belong to no subscriber: those with `A = 0`.
    ///
    /// None when `a = 0`, and when `k = 0`.
    pub const fn excluded(self) -> Option<PortRange> {
        if self.offset == 0 || self.len == 0 {
            return None;
        }
        Some(PortRange::new_assert(0, u16::MAX >> self.offset))
    }

    /// Whose port it is; `None` for an excluded port.
    pub const fn psid(self, port: u16) -> Option<u16> {
        if self.len == 0 {
            return Some(0);
        }
        if self.offset > 0 && port >> (16 - self.offset) == 0 {
            return None;
        }
        Some((port >> self.low_bits()) & self.max_psid())
    }

    /// The ports of a subscriber; `None` when the PSID has more than `k` bits.
    ///
    /// `2^a - 1` ranges of `2^m` ports when `a > 0`, one range when `a = 0`; never empty.
    pub fn ports(self, psid: u16) -> Option<PortSet> {
        if psid > self.max_psid() {
            return None;
        }
        if self.len == 0 {
            return Some(PortRange::ALL.into());
        }
        let low_bits = self.low_bits();
        let block = move |a: u16| {
            // Without an offset there is no field A to shift.
            let high = if self.offset == 0 { 0 } else { a << (16 - self.offset) };
            let first = high | psid << low_bits;
            PortRange::new_assert(first, first | ((1 << low_bits) - 1))
        };
        let blocks = if self.offset == 0 { 0..=0 } else { 1..=u16::MAX >> (16 - self.offset) };
        Some(blocks.map(block).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_beyond_a_port_are_refused() {
        assert_eq!(PsidParams::new(16, 1), Err(RuleError::PsidOffset { offset: 16 }));
        assert_eq!(PsidParams::new(17, 0), Err(RuleError::PsidOffset { offset: 17 }));
        assert_eq!(PsidParams::new(255, 255), Err(RuleError::PsidOffset { offset: 255 }));
        assert_eq!(PsidParams::new(6, 11), Err(RuleError::PsidTooLong { offset: 6, len: 11 }));
        assert_eq!(PsidParams::new(0, 17), Err(RuleError::PsidTooLong { offset: 0, len: 17 }));
        for (a, k) in [(0, 0), (0, 16), (15, 1), (15, 0), (6, 10), (16, 0)] {
            assert_eq!(PsidParams::new(a, k), Ok(PsidParams::new_assert(a, k)), "{a} {k}");
        }
    }

    #[test]
    fn excluded_ports_are_those_below_the_first_range() {
        for (a, k, last) in [(6, 8, 1023), (4, 8, 4095), (1, 3, 32_767), (15, 1, 1)] {
            let params = PsidParams::new_assert(a, k);
            assert_eq!(params.excluded(), Some(PortRange::new_assert(0, last)), "{a} {k}");
            assert_eq!(params.psid(last), None);
            assert_eq!(params.psid(last + 1), Some(0));
        }
        assert_eq!(PsidParams::new_assert(0, 8).excluded(), None);
        assert_eq!(PsidParams::new_assert(6, 0).excluded(), None);
    }

    #[test]
    fn without_an_offset_a_subscriber_has_one_range_and_psid_0_has_port_0() {
        let params = PsidParams::new_assert(0, 6);
        assert_eq!(params.psid(0), Some(0));
        assert_eq!(params.ports(0).unwrap().to_string(), "0-1023");
        assert_eq!(params.ports(63).unwrap().to_string(), "64512-65535");
        assert_eq!(params.ports(64), None);
    }

    #[test]
    fn without_a_psid_one_holder_has_every_port_whatever_the_offset() {
        let params = PsidParams::new_assert(6, 0);
        assert_eq!((params.psid(80), params.psid(65_535)), (Some(0), Some(0)));
        assert_eq!(params.ports(0).unwrap().len(), 65_536);
        assert_eq!((params.ports(1), params.sharing_ratio()), (None, 1));
    }

    #[test]
    fn a_port_can_be_a_subscriber() {
        let params = PsidParams::new_assert(0, 16);
        assert_eq!(params.sharing_ratio(), 65_536);
        assert_eq!(params.psid(65_535), Some(65_535));
        assert_eq!(params.ports(40_000).unwrap().to_string(), "40000");
    }

    #[test]
    fn ranges_can_be_single_ports() {
        // m = 0: a = 15, k = 1 is every second port from 2 on.
        let even = PsidParams::new_assert(15, 1).ports(0).unwrap();
        assert_eq!((even.len(), even.contains(2), even.contains(3)), (32_767, true, false));
        assert_eq!(PsidParams::new_assert(1, 15).ports(7).unwrap().to_string(), "32775");
    }
}
