//! What a frame carries: a datagram of UDP, or a piece of one.

use std::net::IpAddr;

use etherparse::{Ipv6ExtensionSlice, LaxNetSlice, TransportSlice, ip_number};

use super::super::RejectReason;
use super::super::reader::Exporter;
use super::fragments::{Key, Piece};
use super::{Payload, link};

/// The head of a datagram of UDP.
pub(super) const UDP_HEAD: usize = 8;

/// Where `part` stands in `whole`, a slice of which it is.
pub(super) fn place(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// What a frame carries, and at which byte of it.
pub(super) enum Carried<'a> {
    Datagram(usize, Udp<'a>),
    /// A datagram that was cut off by the capture.
    Cut(Udp<'a>),
    Piece(usize, Piece<'a>),
}

/// A datagram of UDP.
pub(super) struct Udp<'a> {
    exporter: Exporter,
    /// Without its head.
    payload: &'a [u8],
}

impl Udp<'_> {
    /// A datagram that was put together. Numbers of packets come again, so its fragments may be of two datagrams: it is
    /// one only if its length and checksum say so (RFC 4963).
    pub(super) fn read(
        (source, target): (IpAddr, IpAddr),
        bytes: &[u8],
    ) -> Result<Udp<'_>, RejectReason> {
        let half = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let (Some(port), Some(collector_port), Some(len)) = (half(0), half(2), half(4)) else {
            return Err(RejectReason::CutShort);
        };
        let payload = bytes.get(UDP_HEAD..).ok_or(RejectReason::CutShort)?;
        if usize::from(len) != bytes.len() || !is_intact(source, target, bytes) {
            return Err(RejectReason::Fragment);
        }
        Ok(Udp { exporter: Exporter { address: source, port, collector_port }, payload })
    }

    pub(super) fn payload(&self, from: usize, port: Option<u16>) -> Result<Payload, RejectReason> {
        if port.is_some_and(|port| port != self.exporter.collector_port) {
            return Err(RejectReason::OtherTraffic);
        }
        let to = from + self.payload.len();
        Ok(Payload { from, to, exporter: self.exporter, is_assembled: false })
    }
}

/// Whether a datagram has the checksum that it states, if any (RFC 768; RFC 8200, section 8.1).
fn is_intact(source: IpAddr, target: IpAddr, datagram: &[u8]) -> bool {
    if datagram.get(6..UDP_HEAD).is_none_or(|stated| stated == [0, 0]) {
        return true;
    }
    let address = |addr| match addr {
        IpAddr::V4(addr) => sum(&addr.octets()),
        IpAddr::V6(addr) => sum(&addr.octets()),
    };
    let head = u64::from(ip_number::UDP.0) + datagram.len() as u64;
    let mut all = address(source) + address(target) + head + sum(datagram);
    while all > 0xffff {
        all = (all & 0xffff) + (all >> 16);
    }
    all == 0xffff
}

/// The sum of 16-bit words, the last one filled up with a zero.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>() + last
}

/// The UDP payload of a frame, or the piece of one.
pub(super) fn udp(link: i32, data: &[u8], is_cut: bool) -> Result<Carried<'_>, RejectReason> {
    let cut = if is_cut { RejectReason::CutShort } else { RejectReason::OtherTraffic };
    let packet = link::packet(link, data, cut)?;
    let (source, target, payload) = match packet.net.as_ref().ok_or(cut)? {
        LaxNetSlice::Ipv4(ip) => {
            let head = ip.header();
            (IpAddr::V4(head.source_addr()), IpAddr::V4(head.destination_addr()), ip.payload())
        }
        LaxNetSlice::Ipv6(ip) => {
            let head = ip.header();
            (IpAddr::V6(head.source_addr()), IpAddr::V6(head.destination_addr()), ip.payload())
        }
        LaxNetSlice::Arp(_) => return Err(RejectReason::OtherTraffic),
    };
    if payload.ip_number != ip_number::UDP {
        return Err(RejectReason::OtherTraffic);
    }
    let at = place(data, payload.payload);
    if payload.fragmented {
        let (id, offset, more) = packet.net.as_ref().and_then(fragment).ok_or(cut)?;
        let key = Key { source, target, id };
        let bytes = payload.payload;
        let piece = Piece { key, at: usize::from(offset), is_last: !more, bytes };
        return if payload.incomplete {
            Err(RejectReason::Fragment)
        } else {
            Ok(Carried::Piece(at, piece))
        };
    }
    let Some(TransportSlice::Udp(udp)) = &packet.transport else { return Err(cut) };
    let exporter = Exporter {
        address: source,
        port: udp.source_port(),
        collector_port: udp.destination_port(),
    };
    let bytes = udp.payload();
    if payload.incomplete || usize::from(udp.length()) > bytes.len() + UDP_HEAD {
        // Of which port, the head says even so.
        let udp = Udp { exporter, payload: &[] };
        return Ok(Carried::Cut(udp));
    }
    Ok(Carried::Datagram(place(data, bytes), Udp { exporter, payload: bytes }))
}

/// The number of a fragmented packet, the place of its bytes, and whether others follow.
fn fragment(net: &LaxNetSlice<'_>) -> Option<(u32, u16, bool)> {
    match net {
        LaxNetSlice::Ipv4(ip) => {
            let head = ip.header();
            let id = u32::from(head.identification());
            Some((id, head.fragments_offset().byte_offset(), head.more_fragments()))
        }
        LaxNetSlice::Ipv6(ip) => ip.extensions().clone().into_iter().find_map(|ext| match ext {
            Ipv6ExtensionSlice::Fragment(head) => {
                let offset = head.fragment_offset().byte_offset();
                Some((head.identification(), offset, head.more_fragments()))
            }
            _ => None,
        }),
        LaxNetSlice::Arp(_) => None,
    }
}
