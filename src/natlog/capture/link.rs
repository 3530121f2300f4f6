//! What carries a packet: frames -> IP.
//!
//! Ethernet with any tags (IEEE 802.1Q), PPPoE sessions (RFC 2516) and MPLS labels (RFC 3032); raw IP; Linux cooked v1
//! and v2; loopback; PPP (RFC 1662).

use etherparse::LaxSlicedPacket;
use pcap_parser::Linktype;

use super::super::RejectReason;

/// The most tags and labels of one frame.
const MAX_TAGS: usize = 16;

/// What a frame carries.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Ip(&'a [u8]),
    /// Something else, as its head says.
    Other,
    /// Nothing that could be made out.
    Unknown,
}

/// The IP packet in a frame; what is no IP is `cut`, unless its head is whole and says so.
pub(super) fn packet(
    link: i32,
    data: &[u8],
    cut: RejectReason,
) -> Result<LaxSlicedPacket<'_>, RejectReason> {
    let behind = |at: usize| data.get(at..).map_or(Frame::Unknown, Frame::Ip);
    let typed = |at: usize, rest: usize| match (half(data, at), data.get(rest..)) {
        (Some(kind), Some(rest)) => of_type(kind, rest),
        _ => Frame::Unknown,
    };
    let frame = match Linktype(link) {
        Linktype::ETHERNET => typed(12, 14),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => behind(0),
        Linktype::NULL | Linktype::LOOP => behind(4),
        // PPP, alone, framed like HDLC, over Ethernet without its head.
        Linktype(9 | 50) => ppp(data),
        Linktype(51) => of_type(0x8864, data),
        Linktype::LINUX_SLL => typed(14, 16),
        // Linux cooked v2.
        Linktype(276) => typed(0, 20),
        _ => return Err(RejectReason::BadMessage),
    };
    match frame {
        Frame::Ip(ip) => LaxSlicedPacket::from_ip(ip).map_err(|_| cut),
        Frame::Other => Err(RejectReason::OtherTraffic),
        Frame::Unknown => Err(cut),
    }
}

fn half(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

/// What stands behind the type of a frame of Ethernet.
fn of_type(mut kind: u16, mut data: &[u8]) -> Frame<'_> {
    for _ in 0..MAX_TAGS {
        match kind {
            0x0800 | 0x86dd => return Frame::Ip(data),
            // Tags: two bytes of their own, then the type of what is tagged.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let (Some(next), Some(rest)) = (half(data, 2), data.get(4..)) else { break };
                (kind, data) = (next, rest);
            }
            // A session of PPPoE: six bytes, then PPP.
            0x8864 => return data.get(6..).map_or(Frame::Unknown, ppp),
            0x8847 | 0x8848 => return labelled(data),
            0x0806 => return Frame::Other,
            _ => break,
        }
    }
    Frame::Unknown
}

/// The packet behind a stack of labels, the last of which has its bit set; nothing but its version tells that it is IP.
fn labelled(mut data: &[u8]) -> Frame<'_> {
    for _ in 0..MAX_TAGS {
        let Some((label, rest)) = data.split_first_chunk::<4>() else { break };
        data = rest;
        if label[2] & 1 == 1 {
            let is_ip = data.first().is_some_and(|&b| matches!(b >> 4, 4 | 6));
            return if is_ip { Frame::Ip(data) } else { Frame::Unknown };
        }
    }
    Frame::Unknown
}

/// A frame of PPP: its protocol in one byte or two, an address and a control byte before it or not.
fn ppp(data: &[u8]) -> Frame<'_> {
    let data = data.strip_prefix(&[0xff, 0x03]).unwrap_or(data);
    match data {
        [0x00, 0x21 | 0x57, ip @ ..] | [0x21 | 0x57, ip @ ..] => Frame::Ip(ip),
        [_, ..] => Frame::Other,
        [] => Frame::Unknown,
    }
}
