//! Captures (pcap, pcapng) of logs on their way: packets -> UDP payloads.
//!
//! The files are taken apart by `pcap-parser`, the packets by `etherparse`; both are fuzzed and never panic, unlike the
//! other readers of pcapng that were looked at. Streamed: memory is bounded by [`MAX_BLOCK`].
//!
//! Link types: Ethernet (with VLAN tags, in PPPoE, under MPLS labels), raw IP, Linux cooked v1 and v2, loopback, PPP.
//! Packets that were fragmented, or cut off by the capture, are rejected one by one; whatever is no UDP is other traffic.

mod link;

use std::io;
use std::net::IpAddr;

use etherparse::{LaxNetSlice, TransportSlice, ip_number};
use pcap_parser::Block;
use pcap_parser::traits::PcapNGPacketBlock;

use super::RejectReason;
use super::lines::LineBuffer;
use super::reader::Exporter;

/// The longest packet, or block of pcapng, that is read: four times what any capture tool writes.
const MAX_BLOCK: usize = 1024 * 1024;
/// The most interfaces of a pcapng section that are kept.
const MAX_INTERFACES: usize = 4096;

const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const BYTE_ORDER_LITTLE: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];

/// Whether a stream that begins so is a capture.
pub(super) fn is_capture(head: &[u8]) -> bool {
    matches!(
        head,
        [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, ..]
    )
}

/// The next packet of a capture, as places counted from the current position of the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    /// What the packet takes in the file, to be consumed.
    pub(super) len: usize,
    /// Its UDP payload, or why there is none.
    pub(super) payload: Result<Payload, RejectReason>,
}

/// A UDP payload and who sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) exporter: Exporter,
}

/// What of a capture was read so far.
#[derive(Debug, Default)]
pub(super) struct Capture {
    kind: Option<Kind>,
    /// Nothing behind this position can be made out.
    is_broken: bool,
}

#[derive(Debug)]
enum Kind {
    Pcap { is_big: bool, link: i32 },
    Ng { is_big: bool, links: Vec<i32> },
}

/// What a block of a capture is.
enum Found {
    /// To be passed over.
    Nothing,
    /// A packet at that place.
    Packet { from: usize, to: usize, link: i32, is_cut: bool },
    /// Not what it should be.
    Bad,
}

impl Capture {
    /// The next packet; none at the end. `port` leaves out UDP to other ports.
    pub(super) fn next<R: io::Read>(
        &mut self,
        buffer: &mut LineBuffer<R>,
        port: Option<u16>,
    ) -> io::Result<Option<Packet>> {
        loop {
            if self.is_broken {
                return drain(buffer);
            }
            let head = buffer.ensure(24)?;
            if head == 0 {
                return Ok(None);
            }
            let Some(len) = self.block_len(buffer.bytes(0, head.min(24))) else {
                return Ok(Some(self.broken(head, RejectReason::CutShort)));
            };
            if len > MAX_BLOCK {
                return Ok(Some(self.broken(head, RejectReason::BadMessage)));
            }
            let there = buffer.ensure(len)?;
            if there < len {
                return Ok(Some(self.broken(there, RejectReason::CutShort)));
            }
            let block = buffer.bytes(0, len);
            match self.block(block) {
                Found::Nothing => buffer.consume(len),
                Found::Bad => return Ok(Some(self.broken(len, RejectReason::BadMessage))),
                Found::Packet { from, to, link, is_cut } => {
                    let data = block.get(from..to).unwrap_or_default();
                    let payload = udp(link, data, is_cut, port).map(|(at, len, exporter)| {
                        Payload { from: from + at, to: from + at + len, exporter }
                    });
                    return Ok(Some(Packet { len, payload }));
                }
            }
        }
    }

    fn broken(&mut self, len: usize, reason: RejectReason) -> Packet {
        self.is_broken = true;
        Packet { len, payload: Err(reason) }
    }

    /// How long the block is that begins so; none if that was cut off.
    fn block_len(&self, head: &[u8]) -> Option<usize> {
        let word = |at: usize, is_big: bool| {
            let bytes: [u8; 4] = head.get(at..at + 4)?.try_into().ok()?;
            let word = if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            usize::try_from(word).ok()
        };
        let is_section = head.get(..4) == Some(&SECTION);
        match &self.kind {
            Some(Kind::Pcap { is_big, .. }) => Some(word(8, *is_big)?.saturating_add(16)),
            Some(Kind::Ng { is_big, .. }) if !is_section => word(4, *is_big),
            // The byte order of a section stands behind its length.
            _ if is_section => word(4, head.get(8..12)? != BYTE_ORDER_LITTLE),
            _ => (head.len() == 24).then_some(24),
        }
    }

    fn block(&mut self, block: &[u8]) -> Found {
        match &mut self.kind {
            Some(Kind::Pcap { is_big, link }) => {
                let frame = if *is_big {
                    pcap_parser::parse_pcap_frame_be(block)
                } else {
                    pcap_parser::parse_pcap_frame(block)
                };
                let Ok((_, frame)) = frame else { return Found::Bad };
                let is_cut = frame.caplen < frame.origlen;
                Found::Packet { from: 16, to: block.len(), link: *link, is_cut }
            }
            None if block.get(..4) != Some(&SECTION) => {
                let Ok((_, header)) = pcap_parser::parse_pcap_header(block) else {
                    return Found::Bad;
                };
                // The upper half of the word tells of checksums behind the frames.
                let link = header.network.0 & 0xffff;
                self.kind = Some(Kind::Pcap { is_big: header.is_bigendian(), link });
                Found::Nothing
            }
            kind => {
                let is_big = match kind {
                    Some(Kind::Ng { is_big, .. }) => *is_big,
                    _ => false,
                };
                let parsed = if is_big {
                    pcap_parser::parse_block_be(block)
                } else {
                    pcap_parser::parse_block_le(block)
                };
                let Ok((_, parsed)) = parsed else { return Found::Bad };
                match (parsed, kind) {
                    (Block::SectionHeader(section), kind) => {
                        let is_big = section.big_endian();
                        *kind = Some(Kind::Ng { is_big, links: Vec::new() });
                        Found::Nothing
                    }
                    (Block::InterfaceDescription(interface), Some(Kind::Ng { links, .. })) => {
                        if links.len() >= MAX_INTERFACES {
                            return Found::Bad;
                        }
                        links.push(interface.linktype.0);
                        Found::Nothing
                    }
                    (Block::EnhancedPacket(packet), Some(Kind::Ng { links, .. })) => {
                        let link = usize::try_from(packet.if_id).ok().and_then(|i| links.get(i));
                        let is_cut = packet.caplen < packet.origlen;
                        found(block, packet.packet_data(), link, is_cut)
                    }
                    (Block::SimplePacket(packet), Some(Kind::Ng { links, .. })) => {
                        let data = packet.packet_data();
                        let whole = usize::try_from(packet.origlen).unwrap_or(usize::MAX);
                        found(block, data, links.first(), data.len() < whole)
                    }
                    _ => Found::Nothing,
                }
            }
        }
    }
}

/// Passes over what is left of a capture that cannot be made out any more.
fn drain<R: io::Read>(buffer: &mut LineBuffer<R>) -> io::Result<Option<Packet>> {
    loop {
        let there = buffer.ensure(1)?;
        if there == 0 {
            return Ok(None);
        }
        buffer.consume(there);
    }
}

/// Where `part` stands in `whole`, a slice of which it is.
fn place(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

fn found(block: &[u8], data: &[u8], link: Option<&i32>, is_cut: bool) -> Found {
    let Some(&link) = link else { return Found::Bad };
    let from = place(block, data);
    Found::Packet { from, to: from + data.len(), link, is_cut }
}

/// The UDP payload of a frame: where, how long, and whose.
fn udp(
    link: i32,
    data: &[u8],
    is_cut: bool,
    port: Option<u16>,
) -> Result<(usize, usize, Exporter), RejectReason> {
    let cut = if is_cut { RejectReason::CutShort } else { RejectReason::OtherTraffic };
    let packet = link::packet(link, data, cut)?;
    let (address, payload) = match packet.net.as_ref().ok_or(cut)? {
        LaxNetSlice::Ipv4(ip) => (IpAddr::V4(ip.header().source_addr()), ip.payload()),
        LaxNetSlice::Ipv6(ip) => (IpAddr::V6(ip.header().source_addr()), ip.payload()),
        LaxNetSlice::Arp(_) => return Err(RejectReason::OtherTraffic),
    };
    if payload.ip_number != ip_number::UDP {
        return Err(RejectReason::OtherTraffic);
    }
    if payload.fragmented {
        return Err(RejectReason::Fragment);
    }
    let Some(TransportSlice::Udp(udp)) = &packet.transport else { return Err(cut) };
    if port.is_some_and(|port| port != udp.destination_port()) {
        return Err(RejectReason::OtherTraffic);
    }
    let bytes = udp.payload();
    if payload.incomplete || usize::from(udp.length()) > bytes.len() + 8 {
        return Err(RejectReason::CutShort);
    }
    let exporter =
        Exporter { address, port: udp.source_port(), collector_port: udp.destination_port() };
    Ok((place(data, bytes), bytes.len(), exporter))
}
