//! What a record says apart from its blocks.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::attributes::number;
use crate::natlog::RejectReason;
use crate::natlog::linux_flow::once;

/// What a record says apart from its blocks.
#[derive(Default)]
pub(super) struct Says<'a> {
    pub(super) header: &'a [u8],
    pub(super) status: Option<&'a [u8]>,
    pub(super) user: Option<&'a [u8]>,
    pub(super) nas: Option<&'a [u8]>,
    pub(super) event_stamp: Option<&'a [u8]>,
    pub(super) receipt: Option<u64>,
    pub(super) delay: Option<u64>,
    pub(super) session_time: Option<u64>,
    pub(super) framed_v4: Option<Ipv4Addr>,
    pub(super) framed_v6: Option<Ipv6Addr>,
    pub(super) prefix: Option<Ipv6Net>,
    pub(super) subscriber: Option<&'a [u8]>,
    pub(super) service: Option<&'a [u8]>,
}

impl<'a> Says<'a> {
    /// Keeps what an attribute says.
    pub(super) fn take(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), RejectReason> {
        let text = || std::str::from_utf8(value).map_err(|_| RejectReason::BadValue);
        let count = || number(value).ok_or(RejectReason::BadValue);
        match name {
            b"Acct-Status-Type" => once(&mut self.status, value),
            b"User-Name" => once(&mut self.user, value),
            b"NAS-IP-Address" => once(&mut self.nas, value),
            b"Event-Timestamp" => once(&mut self.event_stamp, value),
            b"Timestamp" => once(&mut self.receipt, count()?),
            b"Acct-Delay-Time" => once(&mut self.delay, count()?),
            b"Acct-Session-Time" => once(&mut self.session_time, count()?),
            b"Framed-IP-Address" => {
                let addr: Ipv4Addr = text()?.parse().map_err(|_| RejectReason::BadAddress)?;
                // RFC 2865, section 5.8: these two leave the choice to others.
                let is_one = !addr.is_unspecified() && u32::from(addr) < 0xffff_fffe;
                if is_one { once(&mut self.framed_v4, addr) } else { Ok(()) }
            }
            b"Framed-IPv6-Address" => {
                let addr = text()?.parse().map_err(|_| RejectReason::BadAddress)?;
                once(&mut self.framed_v6, addr)
            }
            b"Delegated-IPv6-Prefix" => {
                // The delegated one is the subscriber's own, whatever the link has.
                self.prefix = Some(text()?.parse().map_err(|_| RejectReason::BadAddress)?);
                Ok(())
            }
            b"Framed-IPv6-Prefix" => {
                let prefix = text()?.parse().map_err(|_| RejectReason::BadAddress)?;
                self.prefix.get_or_insert(prefix);
                Ok(())
            }
            b"Alc-Subsc-ID-Str" => once(&mut self.subscriber, value),
            b"Alc-Serv-Id" => once(&mut self.service, value),
            _ => Ok(()),
        }
    }
}
