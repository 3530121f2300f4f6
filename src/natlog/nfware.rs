//! NFWare vCGNAT: syslog of the NAT.
//!
//! ```text
//! A VRF 0 INT 100.64.0.7 EXT 203.0.113.9                                          an address pair
//! A VRF 0 6 INT 100.64.0.7:50001 EXT 203.0.113.9:20001                            a port
//! D VRF 3 6 INT 100.64.0.7:50001 EXT 203.0.113.9:20001 DST 198.51.100.4:443 DIR OUT   a session
//! A VRF 0 INT 100.64.0.7 EXT 203.0.113.9:1024-1535                                a block
//! |     | |       |                                |
//! |     | |       inside                           public address and ports
//! |     | protocol number
//! |     realm, none for 0
//! A given, D taken back
//! ```
//!
//! No time but that of the frame (RFC 5424). Whoever opened a session (`DIR`), its inside and outside are those of the
//! subscriber.

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Frame, Refusal, end_of, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::port::PortRange;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "nfware",
    title: "NFWare vCGNAT, syslog",
    status: Status::Samples,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the frame's stamp; none in the records",
    source: "docs.nfware.com 6.3, NAT logging; patterns of cgn-ec",
    cut: Cut::Lines,
    parser: |options| Box::new(NfwareParser::new(&options)),
};

/// A parser of NFWare's syslog.
#[derive(Debug)]
pub struct NfwareParser {
    frame: Frame,
}

/// The next word, or the end of the line.
fn next<'a>(
    words: &mut impl Iterator<Item = &'a [u8]>,
    line: &'a [u8],
) -> Result<&'a [u8], Refusal<'a>> {
    words.next().ok_or((RejectReason::CutShort, end_of(line)))
}

impl NfwareParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> NfwareParser {
        NfwareParser { frame: Frame::new(options) }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let other = (RejectReason::NotNat, line);
        let at = find(line, b" VRF ").ok_or(other)?;
        let (before, record) = line.split_at_checked(at).unwrap_or((line, &[]));
        let letter = values::words(before).next_back().unwrap_or_default();
        let is_given = match letter {
            b"A" => true,
            b"D" => false,
            [_] => return Err((RejectReason::UnknownEvent, letter)),
            _ => return Err(other),
        };

        let mut words = values::words(record).skip(1);
        let vrf = next(&mut words, line)?;
        if values::number(vrf).is_none() {
            return Err((RejectReason::BadHost, vrf));
        }
        let realm = self.frame.realms.of(vrf)?;
        let mut word = next(&mut words, line)?;
        if word != b"INT" {
            event.protocol = Some(values::protocol(word)?);
            word = next(&mut words, line)?;
        }
        if word != b"INT" {
            return Err((RejectReason::UnknownField, word));
        }
        let inside = next(&mut words, line)?;
        let ext = next(&mut words, line)?;
        if ext != b"EXT" {
            return Err((RejectReason::UnknownField, ext));
        }
        let outside = next(&mut words, line)?;

        let inside_port = if let Ok(addr) = values::ip(inside) {
            event.inside = Some(values::host(addr, realm));
            None
        } else {
            let (addr, port) = values::endpoint(inside)?;
            event.inside = Some(values::host(addr, realm));
            Some(values::port(port)?)
        };
        event.inside_port = inside_port;
        let ports = if let Some((addr, ports)) = values::cut_last(outside, b':') {
            event.outside = Some(values::ipv4(addr)?);
            Some(ports)
        } else {
            event.outside = Some(values::ipv4(outside)?);
            None
        };
        event.kind = match (ports, inside_port, is_given) {
            (None, None, true) => EventKind::AddressBind,
            (None, None, false) => EventKind::AddressRelease,
            (Some(ports), None, _) => {
                event.ports = Some(values::dashed_range(ports)?);
                if is_given { EventKind::BlockAlloc } else { EventKind::BlockRelease }
            }
            (Some(port), Some(_), _) => {
                event.ports = Some(PortRange::single(values::port(port)?));
                if is_given { EventKind::PortCreate } else { EventKind::PortDelete }
            }
            (None, Some(_), _) => return Err((RejectReason::BadPort, outside)),
        };
        if let Some(word) = words.next() {
            if word != b"DST"
                || !matches!(event.kind, EventKind::PortCreate | EventKind::PortDelete)
            {
                return Err((RejectReason::UnknownField, word));
            }
            let (addr, port) = values::cut_last(next(&mut words, line)?, b':')
                .ok_or((RejectReason::BadPort, end_of(line)))?;
            event.destination = Some(values::destination(addr, Some(port))?);
            event.kind = if is_given { EventKind::SessionCreate } else { EventKind::SessionDelete };
            let dir = next(&mut words, line)?;
            let way = next(&mut words, line)?;
            if dir != b"DIR" || !matches!(way, b"IN" | b"OUT") {
                return Err((RejectReason::UnknownField, way));
            }
            if let Some(word) = words.next() {
                return Err((RejectReason::UnknownField, word));
            }
            self.frame.is_whole = true;
        }
        values::stamp(event, &head, line)?;
        values::settle(event);
        Ok(())
    }
}

impl LineParser for NfwareParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = false;
        self.parse(line, event).map_err(|refusal| placed(line, refusal))
    }

    fn is_surely_whole(&self) -> bool {
        self.frame.is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::Format;
    use crate::natlog::values::tests::{one, prefixes_are_safe, refused, survives};

    const SESSION: &str = "<134>1 2026-11-02T03:04:05.250Z nat7 NFWare - - - D VRF 3 6 INT 100.64.0.7:50001 EXT \
        203.0.113.9:20001 DST 198.51.100.4:443 DIR OUT";
    const BLOCK: &str = "A VRF 0 INT 100.64.0.7 EXT 203.0.113.9:1024-1535";
    const PAIR: &str = "D VRF 12 INT 100.64.0.7 EXT 203.0.113.9";
    const PORT: &str = "A VRF 0 17 INT 100.64.0.7:50001 EXT 203.0.113.9:20001";

    fn event(line: &str) -> Event {
        one(Format::Nfware, ReaderOptions::new(), line)
    }

    #[test]
    fn each_of_the_four_kinds_is_read() {
        let session = event(SESSION);
        assert_eq!(session.kind, EventKind::SessionDelete);
        assert_eq!(session.inside.unwrap().to_string(), "100.64.0.7%3");
        assert_eq!(session.destination.unwrap().to_string(), "198.51.100.4:443");
        let block = event(BLOCK);
        assert_eq!((block.kind, block.protocol), (EventKind::BlockAlloc, None));
        assert_eq!(block.inside.unwrap().to_string(), "100.64.0.7");
        let pair = event(PAIR);
        assert_eq!((pair.kind, pair.ports), (EventKind::AddressRelease, None));
        assert_eq!(event(PORT).kind, EventKind::PortCreate);
        assert_eq!(event(&SESSION.replace("DIR OUT", "DIR IN")).kind, EventKind::SessionDelete);
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::Nfware, ReaderOptions::new(), line);
        assert_eq!(refused("kernel: link up").0, "not-nat");
        assert_eq!(refused(&BLOCK.replace("A VRF", "X VRF")), ("unknown-event", 1));
        assert_eq!(refused(&BLOCK.replace("VRF 0", "VRF x")), ("bad-host", 7));
        assert_eq!(refused(&BLOCK.replace("1535", "1000")), ("bad-port", 45));
        assert_eq!(refused(&PORT.replace(":20001", "")).0, "bad-port");
        assert_eq!(refused(&PORT.replace("17", "300")), ("bad-protocol", 9));
        assert_eq!(refused(&PORT.replace("EXT", "OUT")).0, "unknown-field");
        assert_eq!(refused(&SESSION.replace("OUT", "UP")).0, "unknown-field");
        assert_eq!(refused(&format!("{PORT} more")).0, "unknown-field");
        assert_eq!(refused("A VRF 0 17 INT").0, "cut-short");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [SESSION, BLOCK, PAIR, PORT] {
            prefixes_are_safe(Format::Nfware, &ReaderOptions::new(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::Nfware, &[SESSION, BLOCK, PAIR, PORT]);
    }
}
