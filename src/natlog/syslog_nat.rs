//! NAT logging in structured data of RFC 5424 (draft-ietf-behave-syslog-nat-logging-06): FD.io VPP, NetElastic.
//!
//! ```text
//! <134>1 2026-11-02T03:04:05.250Z vpp1 NAT - SADD [nsess SSUBIX="0" SVLAN="0" IATYP="IPv4" ISADDR="100.64.0.7"
//!                                            |     |                |
//!                                            event session          realm, where not 0
//!   ISPORT="50001" XATYP="IPv4" XSADDR="203.0.113.9" XSPORT="20001" PROTO="6" XDADDR="198.51.100.4" XDPORT="443"]
//!   inside                      public                              far side as the world sees it
//! ```
//!
//! | event | what is read |
//! |---|---|
//! | `SADD`, `SDEL` `[nsess` | a session begun, ended |
//! | `APMADD`, `APMDEL` `[napmap` | a mapping to any destination made, removed |
//!
//! With `SV6ENC` the inside is the B4 of DS-Lite, and with `IATYP="IPv6"` the IPv6 host of a NAT64. NetElastic adds
//! `USERNAME` (the login), `TRIG`, `IDADDR`, `IDPORT`, and the device's local time behind the bracket,
//! `time='2026-11-02 03:04:05'`: it is used where the zone is named, else the stamp of the frame. The port ranges of the
//! draft (`[nprng`) are refused as unknown: no sample of them is public.

use std::net::IpAddr;

use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::values::{self, Fields, Frame, Pairs, Refusal, cut, end_of, find, placed};
use super::{Event, EventKind, RejectReason, syslog};
use crate::inside::InsideHost;
use crate::port::PortRange;
use crate::time::{ParseTimeError, WrittenTime, Zone};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "syslog-nat",
    title: "RFC 5424 NAT logging draft: FD.io VPP, NetElastic",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: false,
        destination: true,
        login: true,
    },
    time_basis: "the frame's stamp (as fine as written); NetElastic's own local time (1 s)",
    source: "draft-ietf-behave-syslog-nat-logging-06; `nat_syslog.c` of FD.io VPP; Trisul's NetElastic pattern",
    cut: Cut::Lines,
    parser: |options| Box::new(SyslogNatParser::new(&options)),
};

const KEYS: [&[u8]; 14] = [
    b"SVLAN",
    b"SV6ENC",
    b"IATYP",
    b"ISADDR",
    b"ISPORT",
    b"IDADDR",
    b"IDPORT",
    b"XATYP",
    b"XSADDR",
    b"XSPORT",
    b"XDADDR",
    b"XDPORT",
    b"PROTO",
    b"USERNAME",
];

/// A parser of the draft's structured data.
#[derive(Debug)]
pub struct SyslogNatParser {
    frame: Frame,
    zone: Option<Zone>,
}

impl SyslogNatParser {
    /// A parser with the zone, year and realm of the options.
    pub fn new(options: &ReaderOptions) -> SyslogNatParser {
        SyslogNatParser { frame: Frame::new(options), zone: options.zone().cloned() }
    }

    fn parse<'a>(&mut self, line: &'a [u8], event: &mut Event) -> Result<(), Refusal<'a>> {
        let head = syslog::head(line, &mut self.frame.clock);
        event.time = values::readable(&head);
        let element = [&b"[nsess"[..], b"[napmap", b"[nprng"]
            .into_iter()
            .find_map(|name| cut(line, name).filter(|(_, rest)| rest.starts_with(b" ")));
        let Some((before, record)) = element else {
            let is_cut = values::words(line)
                .any(|word| matches!(word, b"SADD" | b"SDEL" | b"APMADD" | b"APMDEL"));
            let reason = if is_cut { RejectReason::CutShort } else { RejectReason::NotNat };
            return Err((reason, line));
        };
        let name = values::words(before).next_back().unwrap_or_default();
        event.kind = match name {
            b"SADD" => EventKind::SessionCreate,
            b"SDEL" => EventKind::SessionDelete,
            b"APMADD" => EventKind::PortCreate,
            b"APMDEL" => EventKind::PortDelete,
            _ => return Err((RejectReason::UnknownEvent, name)),
        };
        let mut fields = Fields::new(&KEYS, line);
        let mut pairs = Pairs::in_brackets(record);
        for pair in &mut pairs {
            let (key, value) = pair?;
            fields.put(key, value)?;
        }
        let behind = pairs.rest();
        if !behind.starts_with(b"]") {
            return Err((RejectReason::CutShort, end_of(line)));
        }
        event.inside = Some(self.inside(&fields)?);
        event.inside_port = Some(values::port(fields.need(b"ISPORT")?)?);
        if fields.get(b"XATYP").is_some_and(|family| !family.eq_ignore_ascii_case(b"IPv4")) {
            return Err((RejectReason::Ipv6Translation, record));
        }
        event.outside = Some(values::ipv4(fields.need(b"XSADDR")?)?);
        event.ports = Some(PortRange::single(values::port(fields.need(b"XSPORT")?)?));
        event.protocol = Some(values::protocol(fields.need(b"PROTO")?)?);
        if matches!(event.kind, EventKind::SessionCreate | EventKind::SessionDelete) {
            // Without a translated destination the inside sees what the world sees.
            let (addr, port) = match fields.get(b"XDADDR") {
                Some(addr) => (Some(addr), fields.get(b"XDPORT")),
                None => (fields.get(b"IDADDR"), fields.get(b"IDPORT")),
            };
            event.destination = addr.map(|addr| values::destination(addr, port)).transpose()?;
        }
        event.login = fields.name(b"USERNAME")?;
        values::stamp(event, &head, line).or_else(|refusal| {
            // Not needed where the body has a clock that can be read.
            if self.zone.is_some() && find(behind, b"time='").is_some() {
                Ok(())
            } else {
                Err(refusal)
            }
        })?;
        if let Some(time) = self.own_time(behind)? {
            event.header_time = head.time_beside(&mut self.frame.clock, time);
            event.time = Some(time);
        }
        values::settle(event);
        Ok(())
    }

    fn inside<'a, const N: usize>(
        &mut self,
        fields: &Fields<'a, N>,
    ) -> Result<InsideHost, Refusal<'a>> {
        let text = fields.need(b"ISADDR")?;
        let addr = values::ip(text)?;
        if let Some(b4) = fields.get(b"SV6ENC") {
            return match (values::ip(b4)?, addr) {
                (IpAddr::V6(b4), IpAddr::V4(inner)) => {
                    Ok(InsideHost::B4 { addr: b4, inner: Some(inner) })
                }
                _ => Err((RejectReason::BadHost, b4)),
            };
        }
        let family = fields.get(b"IATYP");
        if family.is_some_and(|family| family.eq_ignore_ascii_case(b"IPv6") != addr.is_ipv6()) {
            return Err((RejectReason::BadHost, text));
        }
        let realm = self.frame.realms.of(fields.get(b"SVLAN").unwrap_or_default())?;
        Ok(values::host(addr, realm))
    }

    /// `time='2026-11-02 03:04:05'`, where the zone is known.
    fn own_time<'a>(&self, behind: &'a [u8]) -> Result<Option<WrittenTime>, Refusal<'a>> {
        let Some((_, rest)) = cut(behind, b"time='") else { return Ok(None) };
        let (text, _) = cut(rest, b"'").ok_or((RejectReason::CutShort, end_of(rest)))?;
        let bad = (RejectReason::BadTime, text);
        let text = std::str::from_utf8(text).map_err(|_| bad)?;
        match WrittenTime::parse(text, self.zone.as_ref()) {
            Ok(time) => Ok(Some(time)),
            Err(ParseTimeError::NoZone(_)) => Ok(None),
            Err(_) => Err(bad),
        }
    }
}

impl LineParser for SyslogNatParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        self.frame.is_whole = true;
        self.parse(line, event).map_err(|refusal| placed(line, refusal))?;
        // NetElastic's lines go on behind the bracket.
        self.frame.is_whole = event.login.is_none() || line.ends_with(b"'");
        Ok(())
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

    const SESSION: &str = "<134>1 2026-11-02T03:04:05.250Z vpp1 NAT - SADD [nsess SSUBIX=\"0\" SVLAN=\"12\" IATYP=\"IPv4\" \
        ISADDR=\"100.64.0.7\" ISPORT=\"50001\" XATYP=\"IPv4\" XSADDR=\"203.0.113.9\" XSPORT=\"20001\" PROTO=\"6\" \
        XDADDR=\"198.51.100.4\" XDPORT=\"443\"]";
    const B4: &str = "<134>1 2026-11-02T03:04:05Z aftr1 NAT - APMDEL [napmap SSUBIX=\"0\" SV6ENC=\"2001:db8::b4\" \
        IATYP=\"IPv4\" ISADDR=\"192.168.1.2\" ISPORT=\"5000\" XATYP=\"IPv4\" XSADDR=\"203.0.113.9\" XSPORT=\"1026\" \
        PROTO=\"17\"]";
    const NETELASTIC: &str = "<134>1 2026-11-02T03:04:06Z bng NAT 77 SDEL [nsess TRIG=\"aged\" PROTO=\"17\" SSUBIX=\"0\" \
        IATYP=\"IPv4\" USERNAME=\"user7\" ISADDR=\"100.64.0.7\" IDADDR=\"198.51.100.4\" ISPORT=\"50001\" IDPORT=\"53\" \
        XATYP=\"IPv4\" XSADDR=\"203.0.113.9\" XDADDR=\"198.51.100.4\" XSPORT=\"20001\" XDPORT=\"53\"] \
        time='2026-11-02 12:04:05'";

    fn event(line: &str) -> Event {
        one(Format::SyslogNat, ReaderOptions::new(), line)
    }

    #[test]
    fn sessions_and_mappings_are_read() {
        let session = event(SESSION);
        assert_eq!(session.kind, EventKind::SessionCreate);
        assert_eq!(session.time.unwrap().rfc3339(), "2026-11-02T03:04:05.250Z");
        assert_eq!(session.inside.unwrap().to_string(), "100.64.0.7%12");
        assert_eq!(session.destination.unwrap().to_string(), "198.51.100.4:443");
        let b4 = event(B4);
        assert_eq!((b4.kind, b4.destination), (EventKind::PortDelete, None));
        assert_eq!(b4.inside.unwrap().to_string(), "b4[2001:db8::b4]192.168.1.2");
        let nat64 =
            B4.replace("SV6ENC=\"2001:db8::b4\" ", "").replace("IATYP=\"IPv4\"", "IATYP=\"IPv6\"");
        let nat64 = event(&nat64.replace("192.168.1.2", "2001:db8::9"));
        assert_eq!(nat64.inside.unwrap().to_string(), "2001:db8::9");
    }

    #[test]
    fn a_local_time_counts_where_its_zone_is_known() {
        let plain = event(NETELASTIC);
        assert_eq!(plain.time.unwrap().rfc3339(), "2026-11-02T03:04:06Z");
        assert_eq!((plain.login.as_deref(), plain.header_time), (Some("user7"), None));
        let options = ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap());
        let local = one(Format::SyslogNat, options, NETELASTIC);
        assert_eq!(local.time.unwrap().rfc3339(), "2026-11-02T03:04:05Z");
        assert_eq!(local.header_time.unwrap().rfc3339(), "2026-11-02T03:04:06Z");
    }

    #[test]
    fn what_is_wrong_is_refused_where_it_stands() {
        let refused = |line: &str| refused(Format::SyslogNat, ReaderOptions::new(), line);
        assert_eq!(refused("<134>1 2026-11-02T03:04:05Z r sshd - - - hello").0, "not-nat");
        assert_eq!(refused(&SESSION.replace("SADD", "SMOD")).0, "unknown-event");
        assert_eq!(
            refused(&SESSION.replace("nsess", "nprng").replace("SADD", "PRADD")).0,
            "unknown-event"
        );
        assert_eq!(refused(&SESSION.replace("XSPORT=\"20001\" ", "")).0, "missing-field");
        assert_eq!(refused(&SESSION.replace("20001", "200001")).0, "bad-port");
        assert_eq!(refused(&SESSION.replace("XDPORT", "XSPORT")).0, "repeated-field");
        assert_eq!(
            refused(&SESSION.replace("XATYP=\"IPv4\"", "XATYP=\"IPv6\"")).0,
            "ipv6-translation"
        );
        assert_eq!(refused(&SESSION.replace("100.64.0.7", "2001:db8::7")).0, "bad-host");
        assert_eq!(refused(SESSION.trim_end_matches(']')).0, "cut-short");
        assert_eq!(refused(&NETELASTIC.replace("12:04:05", "12:64:05")).0, "bad-time");
    }

    #[test]
    fn a_cut_line_is_never_another_record() {
        for line in [SESSION, B4, NETELASTIC] {
            prefixes_are_safe(Format::SyslogNat, &ReaderOptions::new(), line);
        }
    }

    #[test]
    fn hostile_bytes_are_only_refused() {
        survives(Format::SyslogNat, &[SESSION, B4, NETELASTIC]);
    }
}
