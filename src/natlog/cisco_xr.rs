//! The NAT log of Cisco's `CGv6` (IOS-XR on CRS and ASR 9000; NAT44, DS-Lite, NAT64) as syslog.
//!
//! ```text
//! <134> 1 2026 May 31 11:30:00 10.0.0.1 - - NAT44 - [UserbasedA - 100.64.0.10 BLUE - 203.0.113.7 - 2048 3071 - - ][...]
//!         |                    |            |        |         | |           |    | |           | |    |    | |
//!         UTC                  host         service  event     | inside      VRF  | outside     | first last destination
//!                                                              protocol     inside IPv6        inside port
//! ```
//!
//! A datagram holds one or more records; what does not apply to one is `-`, and fields may be missing at its end.
//!
//! | event | is |
//! |---|---|
//! | `UserbasedA`, `UserbasedW` | a block given and taken back, for every protocol |
//! | `SessionbasedA`, `SessionbasedW` | one port, with `AD` and `WD` the destination too |
//! | `Portblockrunout`, `TCPseqmismatch` | in order and no event |
//!
//! # Clock
//!
//! The stamp is in UTC, unless the caller names another zone. It is that of the first record; the others follow within
//! a second, so their time is known to two.

use super::clock::{Clock, utc_stamp};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::stamp::ZoneText;
use super::syslog;
use super::texts::{self, Realms, Refusal, at_column};
use super::{Event, EventKind, RejectReason};
use crate::allocation::Destination;
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{MICROS_PER_SECOND, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "cisco-xr",
    title: "Cisco CGv6 on IOS-XR, as syslog",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: false,
        destination: true,
        login: false,
    },
    time_basis: "the head of the datagram, UTC (1 s; 2 s behind its first record)",
    source: "Cisco CGN configuration guide; cnat_syslog.c of VPP's vcgn",
    cut: Cut::Lines,
    parser: |options| Box::new(CiscoXrParser::new(&options)),
};

/// A parser of datagrams.
#[derive(Debug)]
pub struct CiscoXrParser {
    clock: Clock,
    realms: Realms,
    has_zone: bool,
    /// The head of the line that is being read, for its next record.
    stamp: Option<Result<WrittenTime, RejectReason>>,
    relay: Option<WrittenTime>,
    service: Service,
    /// Where the next record may begin in the line, from 0.
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Nat44,
    DsLite,
    Nat64,
    Unknown,
}

impl CiscoXrParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> CiscoXrParser {
        CiscoXrParser {
            clock: Clock::new(options),
            realms: Realms::new(options),
            has_zone: options.zone().is_some(),
            stamp: None,
            relay: None,
            service: Service::Unknown,
            next: 0,
        }
    }

    fn begin(&mut self, line: &[u8]) {
        let head = syslog::head(line, &mut self.clock);
        self.stamp = match head.stamp {
            Some(stamp)
                if !self.has_zone && stamp.year.is_some() && stamp.zone == ZoneText::None =>
            {
                Some(utc_stamp(&stamp))
            }
            _ => head.time,
        };
        self.relay = head.relay_time;
        let names = [head.message_id, head.app];
        let service = |name: &[u8]| match name {
            b"NAT44" => Some(Service::Nat44),
            b"DSLITE" | b"DSLite" | b"DS-LITE" => Some(Service::DsLite),
            b"NAT64" => Some(Service::Nat64),
            _ => None,
        };
        self.service = names.into_iter().flatten().find_map(service).unwrap_or(Service::Unknown);
        self.next = if head.structured.is_some() { head.structured_at } else { head.body_at };
    }

    /// The next record, if there is one.
    fn record<'a>(
        &mut self,
        line: &'a [u8],
        event: &mut Event,
        is_first: bool,
    ) -> Option<Result<(), Refusal<'a>>> {
        let rest = line.get(self.next..)?;
        let open = rest.iter().position(|&b| b == b'[')?;
        let inner = rest.get(open + 1..)?;
        let Some(close) = inner.iter().position(|&b| b == b']') else {
            self.next = line.len();
            let end = line.get(line.len()..)?;
            return Some(Err((RejectReason::CutShort, end)));
        };
        self.next += open + close + 2;
        let fields = inner.get(..close)?;
        event.time = self.stamp.and_then(Result::ok);
        let result = self.fields(fields, line, event, is_first);
        if matches!(result, Err((RejectReason::NotNat, _))) {
            self.next = line.len();
        }
        Some(result)
    }

    fn fields<'a>(
        &mut self,
        fields: &'a [u8],
        line: &'a [u8],
        event: &mut Event,
        is_first: bool,
    ) -> Result<(), Refusal<'a>> {
        let mut c = Cursor::new(fields);
        let mut next = || {
            c.skip_blanks();
            c.token()
        };
        let name = next();
        let (kind, is_block) = match name {
            b"UserbasedA" => (EventKind::BlockAlloc, true),
            b"UserbasedW" => (EventKind::BlockRelease, true),
            b"SessionbasedA" | b"SessionbasedAD" => (EventKind::SessionCreate, false),
            b"SessionbasedW" | b"SessionbasedWD" => (EventKind::SessionDelete, false),
            b"Portblockrunout" | b"TCPseqmismatch" => {
                return Err((RejectReason::OtherEvent, name));
            }
            _ if self.service == Service::Unknown => return Err((RejectReason::NotNat, name)),
            _ => return Err((RejectReason::UnknownEvent, name)),
        };
        let [protocol, inside, vrf, inside_v6, outside] = [next(), next(), next(), next(), next()];
        let [inside_port, first, last] = [next(), next(), next()];
        let [far, far_port, more] = [next(), next(), next()];
        if !more.is_empty() {
            return Err((RejectReason::FieldCount, more));
        }
        if first.is_empty() {
            return Err((RejectReason::CutShort, c.rest()));
        }
        let (start, end) = (texts::port(first)?, some(last).map(texts::port).transpose()?);
        let ports = match (end, is_block) {
            (Some(end), _) => {
                PortRange::new(start, end).map_err(|_| (RejectReason::BadPort, last))?
            }
            (None, false) => PortRange::single(start),
            (None, true) => return Err((RejectReason::MissingField, c.rest())),
        };
        event.protocol = some(protocol).map(texts::protocol).transpose()?;
        let is_portless = event.protocol.is_some_and(|p| !p.has_ports());
        event.ports = Some(if is_portless { PortRange::ALL } else { ports });
        event.inside = Some(self.inside(inside, inside_v6, vrf)?);
        event.inside_port =
            some(inside_port).map(texts::port).transpose()?.filter(|_| !is_portless);
        event.outside = Some(texts::ipv4(outside)?);
        if let Some(far) = some(far) {
            let port = some(far_port).map(texts::port).transpose()?;
            let has_port = !is_portless && event.protocol != Some(Protocol::ICMP);
            event.destination =
                Some(Destination { addr: texts::ipv4(far)?, port: port.filter(|_| has_port) });
        }
        event.kind = kind;
        event.header_time = self.relay;
        event.time = match self.stamp {
            Some(Ok(time)) if is_first => Some(time),
            Some(Ok(time)) => Some(WrittenTime::new(
                time.start(),
                time.resolution_microsecond().saturating_add(MICROS_PER_SECOND),
            )),
            Some(Err(reason)) => return Err((reason, line)),
            None => None,
        };
        Ok(())
    }

    fn inside<'a>(
        &mut self,
        v4: &'a [u8],
        v6: &'a [u8],
        vrf: &'a [u8],
    ) -> Result<InsideHost, Refusal<'a>> {
        let inner = some(v4).map(texts::ipv4).transpose()?;
        let Some(v6_text) = some(v6) else {
            let addr = inner.ok_or((RejectReason::MissingField, v4))?;
            return Ok(InsideHost::V4 { addr, realm: self.realms.named(vrf)? });
        };
        let std::net::IpAddr::V6(addr) = texts::address(v6_text)? else {
            return Err((RejectReason::BadAddress, v6_text));
        };
        match (self.service, inner) {
            (Service::Nat64, _) => Ok(InsideHost::V6(addr)),
            (Service::DsLite, inner) | (_, inner @ Some(_)) => Ok(InsideHost::B4 { addr, inner }),
            (_, None) => Ok(InsideHost::V6(addr)),
        }
    }
}

/// A field that applies.
fn some(field: &[u8]) -> Option<&[u8]> {
    if field.is_empty() || field == b"-" { None } else { Some(field) }
}

impl LineParser for CiscoXrParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.begin(line);
        match self.record(line, event, true) {
            Some(result) => result.map_err(|refusal| at_column(line, refusal)),
            None if self.service == Service::Unknown => Err((RejectReason::NotNat, 1)),
            None => Err(at_column(
                line,
                (RejectReason::CutShort, line.get(line.len()..).unwrap_or_default()),
            )),
        }
    }

    fn parse_more(
        &mut self,
        line: &[u8],
        event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        let result = self.record(line, event, false)?;
        Some(result.map_err(|refusal| at_column(line, refusal)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::natlog::{Format, Reader, Record, ndjson};

    fn read_all(text: &[u8], options: ReaderOptions) -> Vec<String> {
        let mut reader = Reader::new(Format::CiscoXr, options, text);
        let mut event = Event::default();
        let mut found = Vec::new();
        while let Some(record) = reader.next_record(&mut event).unwrap() {
            match record {
                Record::Event => {
                    let mut out = Vec::new();
                    ndjson::write_event(&event, &mut out).unwrap();
                    found.push(
                        String::from_utf8(out).unwrap().trim_end().replace(r#""line":1,"#, ""),
                    );
                }
                Record::Rejected(reject) => {
                    found.push(format!("{} {}", reject.reason, reject.column));
                }
            }
        }
        found
    }

    fn read(text: &str) -> Vec<String> {
        read_all(text.as_bytes(), ReaderOptions::new())
    }

    const TWO: &str = "<134> 1 2026 May 31 11:30:00 10.0.0.1 - - NAT44 - [UserbasedA - 100.64.0.10 BLUE - 203.0.113.7 - 2048 3071 - - ][SessionbasedWD 6 100.64.0.11 - - 203.0.113.7 5000 20017 - 192.0.2.10 443 ]";
    const BLOCK: &str = r#"{"event":"block_alloc","inside":"100.64.0.10","outside":"203.0.113.7","first":2048,"last":3071,"time":"2026-05-31T11:30:00Z","realm":"BLUE"}"#;

    #[test]
    fn every_record_of_a_datagram_is_read() {
        assert_eq!(
            read(TWO),
            [
                BLOCK,
                r#"{"event":"session_delete","proto":6,"inside":"100.64.0.11","inside_port":5000,"outside":"203.0.113.7","port":20017,"dst":"192.0.2.10","dport":443,"time":"2026-05-31T11:30:00Z","time_until":"2026-05-31T11:30:02Z"}"#
            ]
        );
        let relayed = format!("2026-05-31T11:30:01.5+00:00 10.0.0.9 {TWO}");
        let mut got = read(&relayed);
        for event in &mut got {
            *event = event.replace(r#","header_time":"2026-05-31T11:30:01.5Z""#, "");
        }
        assert_eq!(got, read(TWO));
        assert_eq!(read(&TWO.replace("][", "] [")), read(TWO));
        assert_eq!(read(&TWO.replace("NAT44 - [", "NAT44 [")), read(TWO));
        assert_eq!(read(&TWO.replace(" - - ]", "]"))[0], BLOCK);
    }

    #[test]
    fn a_zone_moves_the_stamp_that_is_else_in_utc() {
        let options = ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap());
        assert!(read_all(TWO.as_bytes(), options)[0].contains(r#""time":"2026-05-31T02:30:00Z""#));
        let named = TWO.replace("11:30:00 10", "11:30:00 CET 10");
        assert!(read(&named)[0].starts_with("no-zone"));
    }

    #[test]
    fn inside_hosts_of_ds_lite_and_nat64() {
        for (service, fields, host) in [
            ("DSLITE", "6 - BLUE 2001:db8::7", r#""inside":"b4[2001:db8::7]","#),
            ("DSLITE", "6 10.0.0.2 BLUE 2001:db8::7", r#""inside":"10.0.0.2","b4":"2001:db8::7","#),
            ("NAT64", "6 - BLUE 2001:db8::7", r#""inside":"2001:db8::7","#),
        ] {
            let line = format!(
                "<134>1 2026 May 31 11:30:00 gw - - {service} - [SessionbasedA {fields} 203.0.113.7 5 6]"
            );
            let got = read(&line);
            assert!(got[0].contains(host) && got[0].contains(r#""port":6,"#), "{got:?}");
        }
    }

    #[test]
    fn what_is_no_event_says_why() {
        let line =
            |record: &str| read(&format!("<134>1 2026 May 31 11:30:00 gw - - NAT44 - {record}"));
        assert!(
            line("[Portblockrunout 6 100.64.0.10 - - - 5 - - - - ]")[0].starts_with("other-event")
        );
        assert!(line("[Invalid 6 100.64.0.10 - - - 5 - - - - ]")[0].starts_with("unknown-event"));
        assert!(
            line("[UserbasedA - 100.64.0.10 - - 203.0.113.7 - 2048]")[0]
                .starts_with("missing-field")
        );
        assert!(
            line("[UserbasedA - 100.64.0.10 - - 203.0.113.7 - 3071 2048]")[0]
                .starts_with("bad-port")
        );
        assert!(
            line("[UserbasedA - 100.64.0.10 - - 203.0.113.7 - 1 2 - - 7]")[0]
                .starts_with("field-count")
        );
        assert!(line("[UserbasedA - - - - 203.0.113.7 - 1 2]")[0].starts_with("missing-field"));
        assert!(line("")[0].starts_with("cut-short"));
        assert_eq!(read("Jul 19 16:13:02 gw sshd[7]: x"), ["not-nat 1"]);
        let bad = TWO.replace("2048", "70000");
        let column = bad.find("70000").unwrap() + 1;
        assert_eq!(read(&bad)[0], format!("bad-port {column}"));
    }

    #[test]
    fn no_head_of_a_datagram_is_another_event() {
        let whole = read(TWO);
        for at in 0..TWO.len() {
            for got in read(&TWO[..at]) {
                assert!(whole.contains(&got) || !got.starts_with('{'), "{at}: {got}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_change_is_read_without_panic(at in 0..TWO.len(), bytes in proptest::collection::vec(any::<u8>(), 0..4)) {
            let mut line = TWO.as_bytes().to_vec();
            line.splice(at..(at + 1).min(TWO.len()), bytes);
            let _ = read_all(&line, ReaderOptions::new());
        }

        #[test]
        fn any_bytes_are_read_without_panic(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_all(&line, ReaderOptions::new());
        }
    }
}
