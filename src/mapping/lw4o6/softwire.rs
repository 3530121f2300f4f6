//! One row of a binding table.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::LwB4;
use crate::inside::InsideHost;
use crate::mapping::PsidParams;
use crate::port::PortSet;
use crate::time::TimeRange;

/// A share of a public address, and the B4 that holds it for a time (RFC 7596 section 6.1).
///
/// Rows are ordered by address, port parameters, PSID, lifetime, B4 and relay.
///
/// ```
/// use portledger::mapping::PsidParams;
/// use portledger::mapping::lw4o6::{LwB4, Softwire};
/// let b4: LwB4 = "2001:db8::1".parse()?;
/// let row = Softwire::new("192.0.2.1".parse()?, PsidParams::new(0, 8)?, 52, b4)?;
/// assert_eq!(row.ports().to_string(), "13312-13567");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Softwire {
    ipv4: Ipv4Addr,
    params: PsidParams,
    psid: u16,
    lifetime: TimeRange,
    b4: LwB4,
    br: Option<Ipv6Addr>,
}

/// Why numbers are not a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SoftwireError {
    /// The PSID has more bits than its length says.
    #[error(
        "PSID {psid} does not fit into {len} bits: a binding table writes it right-aligned (52 for 0x34 of 8 bits); DHCPv6 and RADIUS write it left-aligned, shift it right by {}",
        16 - len
    )]
    PsidTooLarge {
        /// The PSID as given.
        psid: u16,
        /// The PSID length, k: 0 to 15.
        len: u8,
    },
}

impl Softwire {
    /// A row that holds for all time, without the address of the relay.
    ///
    /// With a PSID length of 0 the B4 has the whole address; the offset then has no effect and is kept as 0.
    ///
    /// # Errors
    ///
    /// [`SoftwireError::PsidTooLarge`]; with a PSID length of 0 the PSID is 0.
    pub fn new(
        ipv4: Ipv4Addr,
        params: PsidParams,
        psid: u16,
        b4: impl Into<LwB4>,
    ) -> Result<Softwire, SoftwireError> {
        const WHOLE: PsidParams = PsidParams::new_assert(0, 0);
        if u32::from(psid) >= params.sharing_ratio() {
            return Err(SoftwireError::PsidTooLarge { psid, len: params.len() });
        }
        let params = if params.len() == 0 { WHOLE } else { params };
        Ok(Softwire { ipv4, params, psid, b4: b4.into(), br: None, lifetime: TimeRange::ALL })
    }

    /// The same row at this relay.
    #[must_use]
    pub const fn with_br(self, br: Ipv6Addr) -> Softwire {
        Softwire { br: Some(br), ..self }
    }

    /// The same row with another lifetime.
    #[must_use]
    pub const fn with_lifetime(self, lifetime: TimeRange) -> Softwire {
        Softwire { lifetime, ..self }
    }

    /// The public address.
    pub const fn ipv4(&self) -> Ipv4Addr {
        self.ipv4
    }

    /// How the ports of the address are shared out.
    pub const fn psid_params(&self) -> PsidParams {
        self.params
    }

    /// The PSID, right-aligned.
    pub const fn psid(&self) -> u16 {
        self.psid
    }

    /// The holder.
    pub const fn b4(&self) -> LwB4 {
        self.b4
    }

    /// The tunnel address of the holder, all 128 bits; see [`LwB4::address`].
    pub fn b4_address(&self) -> Ipv6Addr {
        self.b4.address(self.ipv4, self.psid)
    }

    /// The holder as an inside host.
    pub fn inside_host(&self) -> InsideHost {
        self.b4.inside_host()
    }

    /// The IPv6 address of the relay, where the table has it.
    pub const fn br(&self) -> Option<Ipv6Addr> {
        self.br
    }

    /// When the row is in force.
    pub const fn lifetime(&self) -> TimeRange {
        self.lifetime
    }

    /// Whether the port is the holder's, by this row alone.
    pub fn owns(&self, port: u16) -> bool {
        self.params.psid(port) == Some(self.psid)
    }

    /// The ports of the holder; never empty.
    pub fn ports(&self) -> PortSet {
        // The PSID was checked when the row was made.
        self.params.ports(self.psid).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(a: u8, k: u8, psid: u16) -> Result<Softwire, SoftwireError> {
        let b4: LwB4 = "2001:db8::1".parse().unwrap();
        Softwire::new(Ipv4Addr::new(192, 0, 2, 1), PsidParams::new_assert(a, k), psid, b4)
    }

    #[test]
    fn a_left_aligned_psid_is_refused_with_its_shift() {
        assert_eq!(row(0, 8, 0x3400), Err(SoftwireError::PsidTooLarge { psid: 0x3400, len: 8 }));
        let text = row(0, 8, 0x3400).unwrap_err().to_string();
        assert!(text.contains("right by 8"), "{text}");
        assert!(row(0, 0, 1).is_err());
        assert!(row(0, 16, 65_535).is_ok());
    }

    #[test]
    fn without_a_psid_the_offset_has_no_effect() {
        assert_eq!(row(6, 0, 0), row(0, 0, 0));
        assert!(row(6, 0, 0).unwrap().owns(80));
    }

    #[test]
    fn ports_and_owns_are_one_thing() {
        let row = row(4, 8, 224).unwrap();
        let ports = row.ports();
        assert!((0..=65_535).all(|port| row.owns(port) == ports.contains(port)));
        assert_eq!((ports.len(), row.owns(3839)), (240, false));
    }
}
