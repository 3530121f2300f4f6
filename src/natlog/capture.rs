//! Captures (pcap, pcapng) of logs on their way: packets -> UDP payloads.
//!
//! The files are taken apart by `pcap-parser`, the packets by `etherparse`; both are fuzzed and never panic, unlike the
//! other readers of pcapng that were looked at. Streamed: memory is bounded by [`MAX_BLOCK`].
//!
//! Link types: Ethernet (with VLAN tags, in PPPoE, under MPLS labels), raw IP, Linux cooked v1 and v2, loopback, PPP.
//! Datagrams in fragments are put together; those that stay incomplete, and packets cut off by the capture, are rejected
//! one by one. Whatever is no UDP is other traffic.

mod carried;
mod fragments;
mod link;

use std::io;

use pcap_parser::Block;
use pcap_parser::traits::PcapNGPacketBlock;

use self::carried::{Carried, UDP_HEAD, Udp, place, udp};
use self::fragments::{Added, Fragments};
use super::RejectReason;
use super::lines::LineBuffer;
use super::reader::Exporter;
use crate::allocation::Span;

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

/// Where a packet stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The number of the packet in its capture, from 1.
    pub(super) line: u64,
    /// The payload; the whole packet where there is none to be read.
    pub(super) span: Span,
}

/// The next packet of a capture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    /// What is to be consumed of the stream.
    pub(super) len: usize,
    pub(super) place: Place,
    /// Its UDP payload, or why there is none.
    pub(super) payload: Result<Payload, RejectReason>,
}

/// A UDP payload and who sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload {
    /// Counted from the current position of the stream.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) exporter: Exporter,
    /// It came in fragments, of which this was the one that was missing: it is [`Capture::whole`].
    pub(super) is_assembled: bool,
}

/// What of a capture was read so far.
#[derive(Debug, Default)]
pub(super) struct Capture {
    kind: Option<Kind>,
    /// Nothing behind this position can be made out.
    is_broken: bool,
    /// Packets so far.
    packets: u64,
    fragments: Fragments,
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
            let head = buffer.ensure(24)?;
            let is_end = self.is_broken || head == 0;
            let now = (!is_end).then_some(self.packets);
            if let Some(place) = self.fragments.give_up(now) {
                return Ok(Some(Packet { len: 0, place, payload: Err(RejectReason::Fragment) }));
            }
            if is_end {
                drain(buffer)?;
                return Ok(None);
            }
            let offset = buffer.offset();
            let Some(len) = self.block_len(buffer.bytes(0, head.min(24))) else {
                return Ok(Some(self.broken(offset, head, RejectReason::CutShort)));
            };
            if len > MAX_BLOCK {
                return Ok(Some(self.broken(offset, head, RejectReason::BadMessage)));
            }
            let there = buffer.ensure(len)?;
            if there < len {
                return Ok(Some(self.broken(offset, there, RejectReason::CutShort)));
            }
            let block = buffer.bytes(0, len);
            let (from, to, link, is_cut) = match self.block(block) {
                Found::Nothing => {
                    buffer.consume(len);
                    continue;
                }
                Found::Bad => {
                    return Ok(Some(self.broken(offset, len, RejectReason::BadMessage)));
                }
                Found::Packet { from, to, link, is_cut } => (from, to, link, is_cut),
            };
            self.packets += 1;
            let whole = Place { line: self.packets, span: span(offset, len) };
            let data = block.get(from..to).unwrap_or_default();
            let payload = match udp(link, data, is_cut) {
                Ok(Carried::Datagram(at, udp)) => {
                    udp.payload(from + at, port).map_err(|reason| (whole, reason))
                }
                Ok(Carried::Cut(udp)) => {
                    let is_ours = udp.payload(from, port);
                    Err((whole, is_ours.err().unwrap_or(RejectReason::CutShort)))
                }
                Ok(Carried::Piece(at, piece)) => match self.fragments.add(piece, whole) {
                    Added::Waiting => {
                        buffer.consume(len);
                        continue;
                    }
                    Added::Bad(first) => Err((first, RejectReason::Fragment)),
                    Added::Whole => {
                        let (from, to) = (from + at, from + at + piece.bytes.len());
                        let ends = (piece.key.source, piece.key.target);
                        let udp = Udp::read(ends, self.fragments.whole());
                        udp.and_then(|udp| udp.payload(from, port))
                            .map(|payload| Payload { from, to, is_assembled: true, ..payload })
                            .map_err(|reason| (whole, reason))
                    }
                },
                Err(reason) => Err((whole, reason)),
            };
            return Ok(Some(match payload {
                Ok(payload) => {
                    let from = offset + payload.from as u64;
                    let span = span(from, payload.to - payload.from);
                    Packet { len, place: Place { span, ..whole }, payload: Ok(payload) }
                }
                Err((place, reason)) => Packet { len, place, payload: Err(reason) },
            }));
        }
    }

    /// The payload that was put together last.
    pub(super) fn whole(&self) -> &[u8] {
        self.fragments.whole().get(UDP_HEAD..).unwrap_or_default()
    }

    fn broken(&mut self, offset: u64, len: usize, reason: RejectReason) -> Packet {
        self.is_broken = true;
        self.packets += 1;
        let place = Place { line: self.packets, span: span(offset, len) };
        Packet { len, place, payload: Err(reason) }
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
                    // The packet block of old: a shorter interface and a count of drops before the times.
                    (Block::Unknown(_), Some(Kind::Ng { is_big, links }))
                        if word_at(block, 0, *is_big) == Some(2) =>
                    {
                        old_packet(block, *is_big, links)
                    }
                    _ => Found::Nothing,
                }
            }
        }
    }
}

fn word_at(block: &[u8], at: usize, is_big: bool) -> Option<u32> {
    let bytes = block.get(at..at + 4)?.try_into().ok()?;
    Some(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

fn old_packet(block: &[u8], is_big: bool, links: &[i32]) -> Found {
    let word = |at: usize| word_at(block, at, is_big).and_then(|n| usize::try_from(n).ok());
    let (Some(first), Some(len), Some(whole)) = (word(8), word(20), word(24)) else {
        return Found::Bad;
    };
    let interface = if is_big { first >> 16 } else { first & 0xffff };
    match (links.get(interface), block.len().checked_sub(4)) {
        (Some(&link), Some(end)) if 28 + len <= end => {
            Found::Packet { from: 28, to: 28 + len, link, is_cut: len < whole }
        }
        _ => Found::Bad,
    }
}

/// Passes over what is left of a capture that cannot be made out any more.
fn drain<R: io::Read>(buffer: &mut LineBuffer<R>) -> io::Result<()> {
    loop {
        let there = buffer.ensure(1)?;
        if there == 0 {
            return Ok(());
        }
        buffer.consume(there);
    }
}

fn found(block: &[u8], data: &[u8], link: Option<&i32>, is_cut: bool) -> Found {
    let Some(&link) = link else { return Found::Bad };
    let from = place(block, data);
    Found::Packet { from, to: from + data.len(), link, is_cut }
}

fn span(offset: u64, len: usize) -> Span {
    Span { offset, length: u32::try_from(len).unwrap_or(u32::MAX) }
}
