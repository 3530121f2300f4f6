//! Captures: every framing gives what the messages alone give, and no bytes panic.

mod common {
    pub mod messages;
}

use common::messages::Value::{U8, U16, U64, V4};
use common::messages::*;
use portledger::natlog::{Event, Format, Reader, ReaderOptions, Record, RejectReason};
use proptest::prelude::*;

const SESSION: [(u16, u16); 7] = [(323, 8), (230, 1), (8, 4), (225, 4), (4, 1), (7, 2), (227, 2)];

fn message() -> Vec<u8> {
    let inside = V4([100, 64, 0, 10]);
    let outside = V4([203, 0, 113, 7]);
    let session = [U64(1_700_000_000_123), U8(4), inside, outside, U8(6), U16(51_000), U16(1027)];
    ipfix(SENT, &[template(300, &iana(&SESSION)), set(300, &record(&session))])
}

fn placeless(event: &Event) -> Event {
    Event { span: Event::default().span, line: 0, ..event.clone() }
}

fn ipfix_of(file: &[u8]) -> Got {
    read_with(Format::Ipfix, ReaderOptions::new(), file)
}

/// One packet in every kind of frame, with the kind's number.
fn frames(payload: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let ip = ipv4(17, 0, &udp(2055, payload));
    let ip6 = ipv6(&udp(2055, payload));
    let tagged = [&[0; 12][..], &[0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 7, 0x08, 0x00], &ip].concat();
    let padded = [ethernet(2055, payload), vec![0; 9]].concat();
    let ppp_len = |ip: &[u8]| u16::try_from(ip.len() + 2).unwrap().to_be_bytes();
    let session = [&[0x11, 0, 0, 1][..], &ppp_len(&ip), &[0x00, 0x21], &ip].concat();
    let session6 = [&[0x11, 0, 0, 1][..], &ppp_len(&ip6), &[0x00, 0x57], &ip6].concat();
    let ether = |kinds: &[u8], rest: &[u8]| [&[0; 12][..], kinds, rest].concat();
    vec![
        (1, ether(&[0x88, 0x64], &session)),
        (1, ether(&[0x81, 0, 0, 9, 0x88, 0x64], &session6)),
        (1, ether(&[0x91, 0, 0, 9, 0x81, 0, 0, 8, 0x08, 0], &ip)),
        // Two labels, of which the second is the last.
        (1, ether(&[0x88, 0x47, 0, 6, 0x40, 64, 0, 12, 0x81, 64], &ip)),
        (1, ether(&[0x88, 0x47, 0, 6, 0x41, 64], &ip6)),
        (9, [&[0x21][..], &ip].concat()),
        (9, [&[0xff, 0x03, 0x00, 0x57][..], &ip6].concat()),
        (50, [&[0xff, 0x03, 0x00, 0x21][..], &ip].concat()),
        (51, session),
        (113, [&[0; 14][..], &[0x81, 0, 0, 9, 0x08, 0x00], &ip].concat()),
        (1, ethernet(2055, payload)),
        (1, tagged),
        (1, padded),
        (1, [&[0; 12][..], &[0x86, 0xdd], &ip6].concat()),
        (101, ip.clone()),
        (101, ip6.clone()),
        (228, ip.clone()),
        (229, ip6),
        (113, [&[0; 14][..], &[0x08, 0x00], &ip].concat()),
        (276, [&[0x08, 0x00][..], &[0; 18], &ip].concat()),
        (0, [&[2, 0, 0, 0][..], &ip].concat()),
        (108, [&[0, 0, 0, 2][..], &ip].concat()),
    ]
}

#[test]
fn every_frame_of_every_capture_gives_the_message_in_it() {
    let message = message();
    let bare = ipfix_of(&message).only().clone();
    for (link, frame) in frames(&message) {
        let frames = [frame.clone(), frame];
        let small = u16::try_from(link).unwrap();
        let files = [
            pcap(false, false, link, &frames),
            pcap(true, false, link, &frames),
            pcap(false, true, link, &frames),
            pcap(true, true, link, &frames),
            pcapng(false, small, &frames),
            pcapng(true, small, &frames),
        ];
        for (at, file) in files.iter().enumerate() {
            let got = ipfix_of(file);
            assert!(got.rejects.is_empty(), "link {link}, file {at}: {:?}", got.reasons());
            assert_eq!(got.events.len(), 2, "link {link}, file {at}");
            for (n, event) in got.events.iter().enumerate() {
                assert_eq!(placeless(event), placeless(&bare));
                let from = usize::try_from(event.span.offset).unwrap();
                let len = usize::try_from(event.span.length).unwrap();
                assert_eq!(file[from..from + len], message, "link {link}, file {at}");
                assert_eq!(event.line, n as u64 + 1);
            }
        }
    }
}

#[test]
fn what_is_no_export_is_other_traffic_and_what_is_in_pieces_damage() {
    use RejectReason::{CutShort, Fragment, OtherTraffic};
    let message = message();
    let tcp = [&[0; 12][..], &[8, 0], &ipv4(6, 0, &[0; 20])].concat();
    let arp = [&[0; 12][..], &[8, 6], &[0; 28]].concat();
    let dns = ethernet(53, b"\0\0\x01\0");
    let first = [&[0; 12][..], &[8, 0], &ipv4(17, 0x2000, &udp(2055, &message))].concat();
    let mut cut = ethernet(2055, &message);
    cut.truncate(80);
    let packets = [tcp, arp, dns, first, cut, ethernet(2055, &message)];
    let got = ipfix_of(&pcap(false, false, 1, &packets));
    assert_eq!(got.reasons(), [OtherTraffic, OtherTraffic, OtherTraffic, Fragment, CutShort]);
    assert_eq!(got.events.len(), 1);
    let lines: Vec<u64> = got.rejects.iter().map(|(reject, _)| reject.line).collect();
    assert_eq!((lines, got.events[0].line), (vec![1, 2, 3, 4, 5], 6));
}

#[test]
fn one_port_may_be_picked() {
    let file = pcap(false, false, 1, &[ethernet(2055, &message()), ethernet(9997, &message())]);
    assert_eq!(ipfix_of(&file).events.len(), 2);
    let got = read_with(Format::Ipfix, ReaderOptions::new().with_udp_port(9997), &file);
    assert_eq!(got.reasons(), [RejectReason::OtherTraffic]);
    assert_eq!(got.events.len(), 1);
}

#[test]
fn every_sender_has_templates_of_its_own() {
    let templates = ipfix(SENT, &[template(300, &iana(&SESSION))]);
    let whole = message();
    let data = ipfix(SENT, &[whole[16 + 8 + 4 * SESSION.len()..].to_vec()]);
    let got = ipfix_of(&pcap(false, false, 1, &[ethernet(1, &templates), ethernet(2, &data)]));
    assert_eq!(got.refused(), RejectReason::NoTemplate);
    let got = ipfix_of(&pcap(false, false, 1, &[ethernet(1, &templates), ethernet(1, &data)]));
    got.only();
}

#[test]
fn lines_are_read_out_of_a_capture_too() {
    let line = "[1795306735.123403]\t    [NEW] tcp      6 10 SYN_SENT src=100.64.0.10 \
        dst=192.0.2.10 sport=53586 dport=80 [UNREPLIED] src=192.0.2.10 dst=203.0.113.1 sport=80 \
        dport=20017 id=2028815706";
    let two = format!("{line}\n{line}\n");
    let packets = [ethernet(514, line.as_bytes()), ethernet(514, two.as_bytes())];
    let got = read_with(Format::Conntrack, ReaderOptions::new(), &pcap(false, false, 1, &packets));
    let places: Vec<(u64, u32)> = got.events.iter().map(|e| (e.line, e.record)).collect();
    assert_eq!((places, got.rejects.len()), (vec![(1, 1), (2, 1), (2, 2)], 0));
}

#[test]
fn a_loss_that_a_line_tells_of_has_its_time_in_a_capture_too() {
    let line = b"CGNAT: SESSION_CLEAR desc=\"all\" count=12 time=1795306735000005\n";
    let capture = pcap(false, false, 1, &[ethernet(514, line)]);
    for file in [&line[..], &capture] {
        let got = read_with(Format::Vyatta, ReaderOptions::new(), file);
        let [(reject, event)] = &got.rejects[..] else { panic!("{:?}", got.reasons()) };
        assert_eq!(reject.reason, RejectReason::EventsLost);
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:55.000005Z");
    }
}

#[test]
fn every_cut_of_a_capture_is_seen() {
    let frames = [ethernet(2055, &message()), ethernet(2055, &message())];
    for file in [pcap(false, false, 1, &frames), pcapng(true, 1, &frames)] {
        for len in 4..file.len() {
            let got = ipfix_of(&file[..len]);
            assert!(got.events.len() < 2 && got.rejects.len() <= 1, "{len}");
            assert!(got.reasons().iter().all(|r| *r == RejectReason::CutShort), "{len}");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        magic in prop::sample::select(vec![
            [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1],
            [0x0a, 0x0d, 0x0d, 0x0a],
        ]),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        ipfix_of(&[&magic[..], &bytes].concat());
    }

    #[test]
    fn no_change_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        is_ng in any::<bool>(),
        is_big in any::<bool>(),
        kind in 0..12_usize,
    ) {
        let (link, frame) = frames(&message()).swap_remove(kind);
        let frames = [frame.clone(), frame];
        let mut file = if is_ng {
            pcapng(is_big, u16::try_from(link).unwrap(), &frames)
        } else {
            pcap(is_big, false, link, &frames)
        };
        for (index, byte) in changes {
            let at = index.index(file.len());
            file[at] = byte;
        }
        ipfix_of(&file);
    }
}

/// A packet of Ethernet and IPv4 with a piece of a datagram: its number, the place in units of eight bytes.
fn piece(id: u16, at: u16, is_last: bool, bytes: &[u8]) -> Vec<u8> {
    let more = if is_last { 0 } else { 0x2000 };
    let mut ip = ipv4(17, at | more, bytes);
    ip[4..6].copy_from_slice(&id.to_be_bytes());
    [&[0; 12][..], &[0x08, 0x00], &ip].concat()
}

/// The same of IPv6.
fn piece6(id: u32, at: u16, is_last: bool, bytes: &[u8]) -> Vec<u8> {
    let place = at << 3 | u16::from(!is_last);
    let head = [&[17, 0][..], &place.to_be_bytes(), &id.to_be_bytes()].concat();
    let mut ip = ipv6(&[&head[..], bytes].concat());
    ip[6] = 44;
    [&[0; 12][..], &[0x86, 0xdd], &ip].concat()
}

#[test]
fn a_datagram_in_fragments_is_put_together() {
    let message = message();
    let whole = udp(2055, &message);
    let bare = ipfix_of(&message).only().clone();
    let (a, b, c) = (&whole[..24], &whole[24..56], &whole[56..]);
    for of in [
        |at, last, bytes: &[u8]| piece(7, at, last, bytes),
        |at, last, bytes: &[u8]| piece6(70_000, at, last, bytes),
    ] {
        let [a, b, c] = [of(0, false, a), of(3, false, b), of(7, true, c)];
        let other = ethernet(53, b"dns?");
        let orders: [Vec<&Vec<u8>>; 5] = [
            vec![&a, &b, &c],
            vec![&c, &b, &a],
            vec![&b, &c, &a],
            vec![&a, &a, &other, &b, &a, &c],
            vec![&a, &other, &other, &c, &other, &b],
        ];
        for order in orders {
            let packets: Vec<Vec<u8>> = order.into_iter().cloned().collect();
            for file in [pcap(false, false, 1, &packets), pcapng(true, 1, &packets)] {
                let got = ipfix_of(&file);
                assert_eq!(got.events.len(), 1);
                assert!(got.reasons().iter().all(|r| *r == RejectReason::OtherTraffic));
                // It stands where the last of them does.
                assert_eq!(got.events[0].line, packets.len() as u64);
                let end = got.events[0].span.offset + u64::from(got.events[0].span.length);
                assert!(end <= file.len() as u64);
                assert_eq!(placeless(&got.events[0]), placeless(&bare));
            }
        }
        let file = pcap(false, false, 1, &[a.clone(), b.clone(), c.clone()]);
        let got = read_with(Format::Ipfix, ReaderOptions::new().with_udp_port(9997), &file);
        assert_eq!(got.refused(), RejectReason::OtherTraffic);
    }
}

#[test]
fn a_datagram_whose_fragments_are_missing_or_at_odds_is_damage_where_it_began() {
    use RejectReason::Fragment;
    let whole = udp(2055, &message());
    let (a, b) = (&whole[..24], &whole[24..]);
    let refused = |packets: &[Vec<u8>]| -> Vec<(RejectReason, u64)> {
        let got = ipfix_of(&pcap(false, false, 1, packets));
        assert_eq!(got.events, []);
        got.rejects.iter().map(|(reject, _)| (reject.reason, reject.line)).collect()
    };
    let last = piece(7, 3, true, b);
    assert_eq!(refused(&[piece(7, 0, false, a)]), [(Fragment, 1)]);
    assert_eq!(refused(std::slice::from_ref(&last)), [(Fragment, 1)]);
    // Of another datagram; of another place; with another end; not the same bytes; not in units of eight.
    assert_eq!(refused(&[piece(8, 0, false, a), last.clone()]), [(Fragment, 1), (Fragment, 2)]);
    assert_eq!(refused(&[piece(7, 8, false, a), last.clone()]), [(Fragment, 1)]);
    let short = piece(7, 3, true, &b[..8]);
    let both = [last.clone(), short, piece(7, 0, false, a)];
    assert_eq!(refused(&both), [(Fragment, 1), (Fragment, 3)]);
    let mut changed = b[..8].to_vec();
    changed[0] ^= 1;
    let odd = piece(7, 3, false, &changed);
    assert_eq!(refused(&[last.clone(), odd]), [(Fragment, 1)]);
    assert_eq!(refused(&[piece(7, 0, false, &a[..23])]), [(Fragment, 1)]);
    // Nothing is waited for without end, and not much at once.
    let mut packets = vec![piece(7, 0, false, a)];
    packets.resize(5000, ethernet(53, b""));
    packets.push(last);
    let reasons = refused(&packets);
    let fragments: Vec<u64> =
        reasons.iter().filter(|(r, _)| *r == Fragment).map(|&(_, line)| line).collect();
    assert_eq!(fragments, [1, 5001]);
    let many: Vec<Vec<u8>> = (0..100).map(|id| piece(id, 0, false, a)).collect();
    let lines: Vec<u64> = refused(&many).iter().map(|&(_, line)| line).collect();
    assert_eq!(lines, (1..=100).collect::<Vec<_>>());
}

/// The checksum of a datagram between the addresses of [`ipv4`], or [`ipv6`].
fn checked(mut datagram: Vec<u8>, is_ipv6: bool) -> Vec<u8> {
    let mut all =
        if is_ipv6 { ipv6(&[])[8..40].to_vec() } else { ipv4(17, 0, &[])[12..20].to_vec() };
    all.extend([[0, 17], u16::try_from(datagram.len()).unwrap().to_be_bytes()].concat());
    all.extend(&datagram);
    all.resize(all.len().next_multiple_of(2), 0);
    let words = all.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum = words.fold(0, |sum, word| (sum + word) % 0xffff);
    datagram[6..8].copy_from_slice(&u16::try_from(0xffff - sum).unwrap().to_be_bytes());
    datagram
}

#[test]
fn fragments_of_two_datagrams_with_one_number_make_none() {
    let first = message();
    let mut second = first.clone();
    // Somebody else's port.
    *second.last_mut().unwrap() ^= 1;
    for (is_ipv6, of) in [
        (false, (|at, last, bytes: &[u8]| piece(7, at, last, bytes)) as fn(_, _, &[u8]) -> _),
        (true, |at, last, bytes: &[u8]| piece6(7, at, last, bytes)),
    ] {
        for odd in [false, true] {
            let datagram = |message: &[u8]| {
                let end = if odd { &[0][..] } else { &[] };
                checked(udp(2055, &[message, end].concat()), is_ipv6)
            };
            let (a, b) = (datagram(&first), datagram(&second));
            let read = |head: &[u8], tail: &[u8]| {
                ipfix_of(&pcap(false, false, 1, &[of(0, false, head), of(3, true, tail)]))
            };
            assert_eq!(read(&a[..24], &a[24..]).events.len(), 1);
            assert_eq!(read(&a[..24], &b[24..]).refused(), RejectReason::Fragment);
            assert_eq!(read(&a[..24], &a[24..a.len() - 8]).refused(), RejectReason::Fragment);
        }
    }
}

/// The packet block of pcapng before there was the enhanced one.
#[test]
fn the_old_packet_block_is_read_too() {
    for is_big in [false, true] {
        let word = |n: u32| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
        let half = |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
        let frame = ethernet(2055, &message());
        let len = u32::try_from(frame.len()).unwrap();
        let mut body = [&half(0)[..], &half(9)].concat();
        body.extend([word(1), word(2), word(len), word(len)].concat());
        body.extend(&frame);
        body.resize(body.len().next_multiple_of(4), 0);
        let total = word(u32::try_from(body.len() + 12).unwrap());
        let block = [&word(2)[..], &total, &body, &total].concat();
        let file = [pcapng(is_big, 1, &[]), block.clone()].concat();
        assert_eq!(ipfix_of(&file).only().line, 1);
        // An interface that was never described, a length beyond the block.
        for (at, to) in [(8, half(7).to_vec()), (20, word(9999).to_vec())] {
            let mut block = block.clone();
            block[at..at + to.len()].copy_from_slice(&to);
            let file = [pcapng(is_big, 1, &[]), block].concat();
            assert_eq!(ipfix_of(&file).refused(), RejectReason::BadMessage);
        }
    }
}

/// PAN-OS fills datagrams of NetFlow 9 up with zeros.
#[test]
fn a_datagram_may_be_filled_up_with_zeros() {
    let inside = V4([100, 64, 0, 10]);
    let outside = V4([203, 0, 113, 7]);
    let session = [U64(1_700_000_000_123), U8(1), inside, outside, U8(6), U16(51_000), U16(1027)];
    let data = set(300, &record(&session));
    let first = netflow9(SENT, &[template9(300, &iana(&SESSION)), data.clone()]);
    let second = netflow9(Sent { sequence: 1, ..SENT }, &[data]);
    let filled = [&first[..], &[0; 300]].concat();
    let of = |file: &[u8]| read_with(Format::Netflow9, ReaderOptions::new(), file);
    let got = of(&pcap(false, false, 1, &[ethernet(9, &filled), ethernet(9, &second)]));
    assert_eq!((got.events.len(), got.reasons()), (2, vec![]));
    // In a file, zeros stand for what is gone: it may have been a template.
    let got = of(&[filled, second].concat());
    let lost = vec![RejectReason::CutShort, RejectReason::NoTemplate];
    assert_eq!((got.events.len(), got.reasons()), (1, lost));
}

/// Captures that were cut by time or size: templates hold on where the counter of a sender shows that nothing is
/// missing between two of them.
#[test]
fn templates_hold_on_from_capture_to_capture_where_the_sender_goes_on() {
    let data = set(300, &message()[16 + 8 + 4 * SESSION.len() + 4..]);
    let second = |sequence, port| {
        let sent = Sent { sequence, ..SENT };
        pcap(false, false, 1, &[ethernet(port, &ipfix(sent, std::slice::from_ref(&data)))])
    };
    let read = |second: &[u8]| -> (u64, Vec<RejectReason>) {
        let first = pcap(false, false, 1, &[ethernet(2055, &message())]);
        let mut reader = Reader::new(Format::Ipfix, ReaderOptions::new(), &first[..]);
        let mut event = Event::default();
        while reader.read_event(&mut event).unwrap() {}
        let mut reader = Reader::resume(reader.into_learnt(), second);
        let mut reasons = Vec::new();
        while let Some(record) = reader.next_record(&mut event).unwrap() {
            if let Record::Rejected(reject) = record {
                reasons.push(reject.reason);
            }
        }
        (reader.events(), reasons)
    };
    // One record was sent before.
    assert_eq!(read(&second(1, 2055)), (1, vec![]));
    // Another one is missing, the exporter began anew or does not count; another sender.
    for (sequence, port) in [(2, 2055), (0, 2055), (70_000, 2055), (1, 9995)] {
        assert_eq!(read(&second(sequence, port)), (0, vec![RejectReason::NoTemplate]), "{port}");
    }
}

/// Interfaces of a pcapng file have links and clocks of their own; another section begins anew, in its own byte order.
#[test]
fn every_interface_of_every_section_has_a_link_of_its_own() {
    let section = |is_big: bool| {
        let word = move |n: u32| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
        let half = move |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
        let block = move |kind: u32, body: &[u8]| {
            let mut body = body.to_vec();
            body.resize(body.len().next_multiple_of(4), 0);
            let len = word(u32::try_from(body.len() + 12).unwrap());
            [&word(kind)[..], &len, &body, &len].concat()
        };
        // if_tsresol: nanoseconds; if_tsoffset: an hour.
        let options = [&half(9)[..], &half(1), &[9, 0, 0, 0], &half(14), &half(8), &[0; 8]];
        let options = [&options.concat()[..], &half(0), &half(0)].concat();
        let interface = |link: u16, options: &[u8]| {
            block(1, &[&half(link)[..], &half(0), &word(65_535), options].concat())
        };
        let packet = |interface: u32, frame: &[u8]| {
            let len = word(u32::try_from(frame.len()).unwrap());
            let head = [word(interface), word(1), word(2), len, len].concat();
            let padding = vec![0; frame.len().next_multiple_of(4) - frame.len()];
            // A comment behind the packet.
            let comment = [&half(1)[..], &half(4), b"seen", &half(0), &half(0)].concat();
            block(6, &[&head[..], frame, &padding, &comment].concat())
        };
        let head = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
        let raw = ipv4(17, 0, &udp(2055, &message()));
        [
            block(0x0a0d_0d0a, &head),
            interface(1, &options),
            interface(101, b""),
            packet(1, &raw),
            packet(0, &ethernet(2055, &message())),
            // Statistics of an interface, and names.
            block(5, &[word(0), word(1), word(2)].concat()),
            block(4, &[0; 4]),
        ]
        .concat()
    };
    let got = ipfix_of(&[section(false), section(true)].concat());
    assert_eq!((got.events.len(), got.reasons()), (4, vec![]));
    let lines: Vec<u64> = got.events.iter().map(|event| event.line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
}
