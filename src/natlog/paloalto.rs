//! Palo Alto Networks PAN-OS: the traffic log as comma-separated syslog, in its default order of fields.
//!
//! ```text
//! 1,2026/11/02 12:04:06,007,TRAFFIC,end,2561,2026/11/02 12:04:05,100.64.0.7,198.51.100.4,203.0.113.9,198.51.100.4,rule,
//!                                   |        |                   |          |            |           |
//!                                   subtype  generated, local    inside     far side     public      far side, translated
//! corp\user7,,ssl,vsys1,trust,untrust,ethernet1/1,ethernet1/2,fwd,2026/11/02 12:04:05,725,1,50001,443,20001,443,0x400000,tcp,
//! |               |                                                                   |     |     |  |     |
//! login           realm, as written                                                   |     inside |  public port
//!                                                                                     session      far side
//! allow,7312,2228,5084,22,2026/11/02 12:03:32,16,any,...
//!                         |
//!                         start, local
//! ```
//!
//! The same in CEF (`CEF:0|Palo Alto Networks|PAN-OS|...|end|TRAFFIC|...`, of the log service `...|LF|2.0|TRAFFIC|end|...`)
//! has the start in `PanOSSessionStartTime`, if at all: its `start` is when the record was generated, and what it has of the
//! duration leaves out how long the firewall waited before it. Where `start` is no time, or lies well before `rt`, `rt` is
//! the time.
//!
//! `start` begins a session, `end` ends it and carries its start; `drop` and `deny` are no sessions. A public address of
//! `0.0.0.0`, or one equal to the inside, is none. The firewall may give one public port to several clients towards
//! different destinations (oversubscription). Times are in local time of the firewall unless they say otherwise, so the
//! zone must be named.

mod cef;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::values::{self, Frame, Refusal, cut, end_of, find, placed};
use super::{Event, EventKind, RejectReason, clock, stamp, syslog};
use crate::allocation::Destination;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "paloalto",
    title: "Palo Alto PAN-OS, traffic log as CSV or CEF syslog",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "the NAT's clock, its local time unless it names another (1 s)",
    source: "PAN-OS 9.1 to 11.1 administrator's guide, traffic log fields; published samples",
    cut: Cut::Lines,
    parser: |options| Box::new(PaloAltoParser::new(&options)),
};

/// The places of the fields, of which `TRAFFIC` is the fourth, from 0.
mod place {
    pub(super) const RECEIVED: usize = 1;
    pub(super) const SUBTYPE: usize = 4;
    pub(super) const GENERATED: usize = 6;
    pub(super) const SRC: usize = 7;
    pub(super) const DST: usize = 8;
    pub(super) const NAT_SRC: usize = 9;
    pub(super) const NAT_DST: usize = 10;
    pub(super) const USER: usize = 12;
    pub(super) const VSYS: usize = 15;
    pub(super) const SESSION: usize = 22;
    pub(super) const SPORT: usize = 24;
    pub(super) const DPORT: usize = 25;
    pub(super) const NAT_SPORT: usize = 26;
    pub(super) const NAT_DPORT: usize = 27;
    pub(super) const PROTO: usize = 29;
    pub(super) const START: usize = 35;
    pub(super) const END_REASON: usize = 46;
}

/// The fields of a record, by place.
type Places<'a> = [&'a [u8]; place::END_REASON + 1];

/// A parser of traffic logs.
#[derive(Debug)]
pub struct PaloAltoParser {
    frame: Frame,
    /// The record says that its times are in UTC.
    is_utc: bool,
}

/// How far a record may be generated before it is received.
const DELAY: TimeDelta = TimeDelta::from_second(60);

impl PaloAltoParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> PaloAltoParser {
        PaloAltoParser { frame: Frame::new(options), is_utc: false }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let fields = if let Some((_, rest)) = cut(line, b",TRAFFIC,") {
            // The fields that matter are counted.
            (self.frame.is_whole, self.is_utc) = (true, false);
            from_csv(line, rest)?
        } else if let Some(at) = find(line, b"|Palo Alto Networks|") {
            let cef = cef::read(line, line.get(at + 1..).unwrap_or_default())?;
            (self.frame.is_whole, self.is_utc) = (cef.is_whole, cef.is_utc);
            cef.fields
        } else {
            return Err((RejectReason::NotNat, line));
        };
        let get = |at: usize| fields.get(at).copied().unwrap_or_default();
        let subtype = get(place::SUBTYPE);
        event.kind = match subtype {
            b"start" => EventKind::SessionCreate,
            b"end" => EventKind::SessionDelete,
            b"drop" | b"deny" => return Err((RejectReason::NoTranslation, subtype)),
            _ => return Err((RejectReason::UnknownEvent, subtype)),
        };
        let (source, public) = (get(place::SRC), get(place::NAT_SRC));
        let (far, far_translated) = (get(place::DST), get(place::NAT_DST));
        let is_none = |text: &[u8]| matches!(text, b"" | b"0.0.0.0" | b"::");
        let is_moved = !is_none(far_translated) && far_translated != far;
        let is_same_port = get(place::SPORT) == get(place::NAT_SPORT);
        if is_none(public) || public == source && is_same_port {
            let reason = if is_moved {
                RejectReason::DestinationTranslation
            } else {
                RejectReason::NoTranslation
            };
            return Err((reason, public));
        }
        let protocol = values::protocol(get(place::PROTO))?;
        event.protocol = Some(protocol);
        let realm = self.frame.realms.of(get(place::VSYS))?;
        event.inside = Some(values::host(values::ip(source)?, realm));
        event.outside = Some(values::ipv4(public)?);
        let (far, far_port) = if is_none(far_translated) {
            (far, get(place::DPORT))
        } else {
            (far_translated, get(place::NAT_DPORT))
        };
        event.destination =
            Some(Destination { addr: values::ipv4(far)?, port: Some(values::port(far_port)?) });
        let (inside_port, port) = (get(place::SPORT), get(place::NAT_SPORT));
        if protocol.has_ports() && protocol != Protocol::ICMP {
            event.inside_port = Some(values::port(inside_port)?);
            let number = values::port(port)?;
            if number == 0 {
                return Err((RejectReason::BadPort, port));
            }
            event.ports = Some(PortRange::single(number));
        } else {
            // What stands there for a ping is not said to be its identifier.
            event.inside_port = None;
        }
        event.flow_id = values::number(get(place::SESSION));
        event.login =
            Some(get(place::USER)).filter(|user| !user.is_empty()).map(values::name).transpose()?;
        let time = self.generated(get(place::GENERATED), get(place::RECEIVED))?;
        event.time = Some(time);
        event.header_time = head.time_beside(&mut self.frame.clock, time);
        if event.kind == EventKind::SessionDelete {
            let text = get(place::START);
            if !text.is_empty() {
                let start = self.time(text)?;
                if time.end() <= start.start() {
                    return Err((RejectReason::BadTime, text));
                }
                event.start = Some(start);
            }
            event.killed = match get(place::END_REASON) {
                b"aged-out" => Some(false),
                b"tcp-rst-from-client" | b"tcp-rst-from-server" => Some(true),
                _ => None,
            };
        }
        values::settle(event);
        Ok(())
    }

    /// When the record was generated.
    fn generated<'a>(
        &mut self,
        text: &'a [u8],
        received: &'a [u8],
    ) -> Result<WrittenTime, Refusal<'a>> {
        let time = self.time(text);
        if received.is_empty() {
            return time;
        }
        let received = self.time(received)?;
        let is_near = |time: &WrittenTime| time.end().plus(DELAY) >= received.start();
        Ok(time.ok().filter(is_near).unwrap_or(received))
    }

    /// `2026/11/02 12:04:05`, RFC 3339, `Nov 02 2026 03:04:05 GMT`, or milliseconds of Unix time
    fn time<'a>(&mut self, text: &'a [u8]) -> Result<WrittenTime, Refusal<'a>> {
        if text.len() == 13 && text.iter().all(u8::is_ascii_digit) {
            return values::epoch(text);
        }
        let mut cursor = Cursor::new(text);
        let stamp = stamp::stamp(&mut cursor).filter(|_| cursor.is_at_end());
        let stamp = stamp.ok_or((RejectReason::BadTime, text))?;
        if self.is_utc && stamp.zone == stamp::ZoneText::None {
            return clock::utc_stamp(&stamp).map_err(|reason| (reason, text));
        }
        self.frame.clock.read(&stamp).map_err(|reason| (reason, text))
    }
}

/// The fields behind `,TRAFFIC,`.
fn from_csv<'a>(line: &'a [u8], mut rest: &'a [u8]) -> Result<Places<'a>, Refusal<'a>> {
    let mut fields: Places<'_> = [&[]; place::END_REASON + 1];
    let mut count = place::SUBTYPE;
    for slot in fields.iter_mut().skip(place::SUBTYPE) {
        let (field, behind) = field(rest)?;
        *slot = field;
        count += 1;
        let Some(behind) = behind else { break };
        rest = behind;
    }
    if count <= place::START + 1 {
        return Err((RejectReason::CutShort, end_of(line)));
    }
    Ok(fields)
}

/// A field, without its quotes, and what is behind its comma.
fn field(text: &[u8]) -> Result<(&[u8], Option<&[u8]>), Refusal<'_>> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        return Ok(match cut(text, b",") {
            Some((field, rest)) => (field, Some(rest)),
            None => (text, None),
        });
    };
    // Quotes inside are not always doubled: one that closes stands before a comma.
    let Some((field, rest)) = cut(quoted, b"\",") else {
        return match quoted.strip_suffix(b"\"") {
            Some(field) => Ok((field, None)),
            None => Err((RejectReason::CutShort, end_of(text))),
        };
    };
    Ok((field, Some(rest)))
}

impl LineParser for PaloAltoParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
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

    const END: &str = "<14>Nov  2 12:04:06 fw 1,2026/11/02 12:04:06,007,TRAFFIC,end,2561,2026/11/02 12:04:05,100.64.0.7,\
        198.51.100.4,203.0.113.9,198.51.100.4,out,\"corp\\us,er7\",,ssl,vsys1,trust,untrust,ethernet1/1,ethernet1/2,\
        fwd,2026/11/02 12:04:05,725,1,50001,443,20001,443,0x400000,tcp,allow,7312,2228,5084,22,2026/11/02 12:03:32,\
        16,any,,72534,0x80,10.0.0.0-10.255.255.255,Japan,,12,10,aged-out,34";

    const CEF: &str = "Nov  2 12:04:06 fw CEF:0|Palo Alto Networks|PAN-OS|10.2.1|end|TRAFFIC|1|rt=Nov 02 2026 03:04:06 GMT \
        deviceExternalId=007 src=100.64.0.7 dst=198.51.100.4 sourceTranslatedAddress=203.0.113.9 \
        destinationTranslatedAddress=198.51.100.4 cs1Label=Rule cs1=out suser=corp\\user7 app=ssl \
        cs3Label=Virtual System cs3=vsys1 cn1Label=SessionID cn1=725 cnt=1 spt=50001 dpt=443 \
        sourceTranslatedPort=20001 destinationTranslatedPort=443 flexString1=0x400000 proto=tcp act=allow \
        start=Nov 02 2026 03:04:05 GMT cn3Label=Elapsed time in seconds cn3=16 externalId=72534 reason=aged-out x=1";

    fn options() -> ReaderOptions {
        ReaderOptions::new().with_year(2026).with_zone("Asia/Tokyo".parse().unwrap())
    }

    #[test]
    fn an_end_is_a_finished_session() {
        let event = one(Format::PaloAlto, options(), END);
        assert_eq!((event.kind, event.killed), (EventKind::SessionDelete, Some(false)));
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!(event.start.unwrap().rfc3339(), "2026-11-02T03:03:32Z");
        assert_eq!(event.inside.unwrap().to_string(), "100.64.0.7%vsys1");
        assert_eq!((event.inside_port, event.flow_id), (Some(50001), Some(725)));
        assert_eq!(event.ports, Some(PortRange::single(20001)));
        assert_eq!(event.destination.unwrap().to_string(), "198.51.100.4:443");
        assert_eq!(event.login.as_deref(), Some("corp\\us,er7"));
        let start = one(Format::PaloAlto, options(), &END.replace(",end,", ",start,"));
        assert_eq!((start.kind, start.start), (EventKind::SessionCreate, None));
    }

    #[test]
    fn the_common_event_format_has_other_clocks() {
        let event = one(Format::PaloAlto, options(), CEF);
        assert_eq!((event.kind, event.killed), (EventKind::SessionDelete, Some(false)));
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!((event.start, event.flow_id), (None, Some(725)));
        assert_eq!(event.inside.unwrap().to_string(), "100.64.0.7%vsys1");
        assert_eq!((event.inside_port, event.ports), (Some(50001), Some(PortRange::single(20001))));
        assert_eq!(event.destination.unwrap().to_string(), "198.51.100.4:443");
        let received = CEF.replace(" start=Nov 02 2026 03:04:05 GMT", "");
        let received = received.replace("rt=Nov 02 2026 03:04:06 GMT", "rt=1793588646000");
        let event = one(Format::PaloAlto, options(), &received);
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:06.000Z");
        // A template that was not filled in, and one with another start.
        for start in ["$cef-formatted-time_generated", "Nov 02 2026 02:50:05 GMT"] {
            let other = CEF.replace("start=Nov 02 2026 03:04:05 GMT", &format!("start={start}"));
            let event = one(Format::PaloAlto, options(), &other);
            assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:06Z");
        }
        // The log service turns the kinds around, and has a start.
        let service = CEF
            .replace("PAN-OS|10.2.1|end|TRAFFIC|1|", "LF|2.0|TRAFFIC|end|3|dtz=UTC ")
            .replace(" GMT", "")
            .replace("externalId", "PanOSSessionStartTime=Nov 02 2026 03:03:32 externalId");
        let event = one(Format::PaloAlto, options(), &service);
        assert_eq!(event.kind, EventKind::SessionDelete);
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!(event.start.unwrap().rfc3339(), "2026-11-02T03:03:32Z");
        let refused = |line: &str| refused(Format::PaloAlto, options(), line);
        assert_eq!(refused(&CEF.replace("TRAFFIC", "THREAT")).0, "not-nat");
        assert_eq!(refused(&CEF.replace("|end|", "|deny|")).0, "no-translation");
        assert_eq!(refused(&CEF.replace("=203.0.113.9", "=")).0, "no-translation");
        assert_eq!(refused(&CEF.replace("cnt=1", "spt=1")).0, "repeated-field");
        assert_eq!(refused(&CEF.replace("sourceTranslatedPort=20001 ", "")).0, "bad-port");
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::PaloAlto, options(), line);
        assert_eq!(refused(&END.replace("TRAFFIC", "THREAT")).0, "not-nat");
        assert_eq!(refused(&END.replace(",end,", ",deny,")).0, "no-translation");
        assert_eq!(refused(&END.replace(",end,", ",begin,")).0, "unknown-event");
        assert_eq!(refused(&END.replace("203.0.113.9", "0.0.0.0")).0, "no-translation");
        assert_eq!(
            refused(&END.replace("203.0.113.9,198.51.100.4", "0.0.0.0,10.0.0.9")).0,
            "destination-translation"
        );
        assert_eq!(refused(&END.replace(",20001,", ",0,")).0, "bad-port");
        assert_eq!(refused(&END.replace(",20001,", ",70001,")).0, "bad-port");
        assert_eq!(
            refused(&END.replace("2026/11/02 12:03:32", "2026/11/02 13:03:32")).0,
            "bad-time"
        );
        assert_eq!(refused(&END.replace("2561,2026/11/02", "2561,2026/13/02")).0, "bad-time");
        let no_zone = ReaderOptions::new();
        assert_eq!(values::tests::refused(Format::PaloAlto, no_zone, END).0, "no-zone");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        prefixes_are_safe(Format::PaloAlto, &options(), END);
        prefixes_are_safe(Format::PaloAlto, &options(), CEF);
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::PaloAlto, &[END, CEF]);
    }
}
