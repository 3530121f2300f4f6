//! The JSON of ulogd2: one object a line. What its keys mean is told in [`super`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::keys::{Key, Keys, State, bad};
use crate::natlog::format::{Cut, FormatInfo, Status, Yields};
use crate::natlog::reader::{LineParser, ReaderOptions, column};
use crate::natlog::scalar::Scalar;
use crate::natlog::syslog;
use crate::natlog::{Event, RejectReason};

/// What is known of the format.
pub(in crate::natlog) const INFO: FormatInfo = FormatInfo {
    name: "ulogd-json",
    title: "Linux, ulogd2 NFCT as JSON",
    status: Status::Lab,
    yields: Yields {
        session: true,
        block: false,
        start_on_release: true,
        destination: true,
        login: false,
    },
    time_basis: "start and end of the flow (1 us); when ulogd wrote it (1 s, local)",
    source: "ulogd2 2.0.8; ulogd_inpflow_NFCT.c and ulogd_output_JSON.c",
    cut: Cut::Lines,
    parser: |options| Box::new(UlogdJsonParser::new(&options)),
};

/// A parser of lines that hold one object each.
#[derive(Debug)]
pub struct UlogdJsonParser {
    state: State,
}

impl UlogdJsonParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> UlogdJsonParser {
        UlogdJsonParser { state: State::new(options) }
    }
}

impl UlogdJsonParser {
    /// Where the object begins: behind a head of syslog, if there is one; the end of a line that is another program's.
    fn object_at(&mut self, text: &str) -> usize {
        if text.starts_with('{') {
            return 0;
        }
        let head = syslog::head(text.as_bytes(), &mut self.state.clock);
        let body = text.get(head.body_at..).unwrap_or_default();
        let object = body.trim_start().strip_prefix("@cee:").unwrap_or(body).trim_start();
        if object.starts_with('{') {
            text.len() - object.len()
        } else if head.body_at > 0 {
            text.len()
        } else {
            0
        }
    }
}

impl LineParser for UlogdJsonParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let text = std::str::from_utf8(line)
            .map_err(|err| (RejectReason::NotUtf8, column(err.valid_up_to())))?;
        let from = self.object_at(text);
        if from == text.len() {
            return Err((RejectReason::NotNat, 1));
        }
        let object = text.get(from..).unwrap_or_default();
        let Object { keys, refusal } = serde_json::from_str(object).map_err(|err| {
            let at = column(from + err.column().saturating_sub(1));
            (if err.is_eof() { RejectReason::CutShort } else { RejectReason::BadJson }, at)
        })?;
        if let Some((reason, key)) = refusal {
            return Err((reason, text.find(&*key).map_or(1, column)));
        }
        keys.read(&mut self.state, event).map_err(|reason| (reason, 1))
    }
}

/// An object as far as it concerns us.
struct Object<'a> {
    keys: Keys<'a>,
    refusal: Option<(RejectReason, Cow<'a, str>)>,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut object = Object { keys: Keys::default(), refusal: None };
        while let Some(Scalar::Text(name)) = map.next_key()? {
            let Some(key) = Key::from_name(name.as_bytes()) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let result = match map.next_value()? {
                Scalar::Text(Cow::Borrowed(text)) => object.keys.set(key, text.as_bytes()),
                Scalar::Number(value) => object.keys.set_number(key, value),
                Scalar::Null => Ok(()),
                _ if key == Key::OfPacket => object.keys.set_number(key, 0),
                // None of these values has a character that JSON would escape.
                _ => Err(bad(key)),
            };
            if let Err(reason) = result {
                object.refusal.get_or_insert((reason, name));
            }
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::natlog::EventKind;

    const NEW: &str = r#"{"timestamp": "2026-11-22T00:18:55", "dvc": "nat-7", "orig.ip.protocol": 6, "orig.l4.sport": 53586, "orig.l4.dport": 80, "reply.ip.protocol": 6, "reply.l4.sport": 80, "reply.l4.dport": 20017, "ct.mark": 0, "ct.id": 7, "ct.event": 1, "flow.start.sec": 1795306735, "flow.start.usec": 123282, "oob.family": 2, "src_ip": "100.64.0.10", "dest_ip": "192.0.2.10", "reply.ip.saddr.str": "192.0.2.10", "reply.ip.daddr.str": "203.0.113.1"}"#;

    fn destroy() -> String {
        NEW.replace("\"ct.event\": 1", "\"ct.event\": 4, \"raw.pktlen\": 5").replace(
            "\"oob.family\"",
            "\"flow.end.sec\": 1795306735, \"flow.end.usec\": 658908, \"oob.family\"",
        )
    }

    fn read_with(options: &ReaderOptions, line: &str) -> Result<Event, (RejectReason, u32)> {
        let mut event = Event::default();
        let mut parser = UlogdJsonParser::new(options);
        parser.parse_line(line.as_bytes(), &mut event).map(|()| event)
    }

    fn read(line: &str) -> Result<Event, RejectReason> {
        read_with(&ReaderOptions::new(), line).map_err(|(reason, _)| reason)
    }

    #[test]
    fn a_new_flow_is_stamped_when_ulogd_read_it() {
        let event = read(NEW).unwrap();
        assert_eq!(event.kind, EventKind::SessionCreate);
        assert_eq!(event.time.unwrap().rfc3339(), "2026-11-22T00:18:55.123282Z");
        assert_eq!((event.start, event.stop, event.killed), (None, None, None));
        assert_eq!(event.inside.unwrap().to_string(), "100.64.0.10");
        assert_eq!(event.inside_port, Some(53_586));
        assert_eq!(event.outside.unwrap().to_string(), "203.0.113.1");
        assert_eq!(event.ports.unwrap().first(), 20_017);
        assert_eq!(event.destination.unwrap().to_string(), "192.0.2.10:80");
        assert_eq!(event.flow_id, Some(7));
    }

    #[test]
    fn a_finished_flow_has_its_start_and_end_and_was_written_later() {
        let event = read(&destroy()).unwrap();
        assert_eq!(event.kind, EventKind::SessionDelete);
        assert_eq!(event.start.unwrap().rfc3339(), "2026-11-22T00:18:55.123282Z");
        assert_eq!(event.stop.unwrap().rfc3339(), "2026-11-22T00:18:55.658908Z");
        let time = event.time.unwrap();
        assert_eq!(time.start(), event.stop.unwrap().start());
        assert_eq!(time.end().rfc3339(), "2026-11-22T00:18:56Z");
        let later = destroy().replace("00:18:55\"", "00:19:04\"");
        assert_eq!(read(&later).unwrap().time.unwrap().rfc3339(), "2026-11-22T00:19:04Z");
    }

    #[test]
    fn the_stamp_may_be_of_any_zone() {
        let local = destroy().replace("2026-11-22T00:18:55\"", "2026-11-22T09:19:04\"");
        assert_eq!(read(&local).unwrap().time.unwrap().rfc3339(), "2026-11-22T00:19:04Z");
        let offset = local.replace("09:19:04\"", "09:19:04.25+0900\"");
        assert_eq!(read(&offset).unwrap().time.unwrap().rfc3339(), "2026-11-22T00:19:04.25Z");
        let tokyo = ReaderOptions::new().with_zone("Asia/Tokyo".parse().unwrap());
        let time = read_with(&tokyo, &local).unwrap().time.unwrap();
        assert_eq!(time.rfc3339(), "2026-11-22T00:19:04Z");
        let utc = ReaderOptions::new().with_zone(crate::time::Zone::UTC);
        assert_eq!(read_with(&utc, &local).unwrap_err().0, RejectReason::ZoneMismatch);
        let bare = local.replace("\"flow.", "\"other.");
        assert_eq!(read(&bare), Err(RejectReason::NoZone));
    }

    #[test]
    fn a_head_of_syslog_may_stand_before_the_object() {
        let bare = read(NEW).unwrap();
        for head in [
            "Nov 22 00:18:56 nat-7 ulogd[7]: ",
            "<13>1 2026-11-22T00:18:56Z nat-7 ulogd - - - @cee: ",
        ] {
            assert_eq!(read(&format!("{head}{NEW}")).unwrap(), bare, "{head}");
        }
        let bad = format!("Nov 22 00:18:56 nat-7 ulogd[7]: {}", NEW.replace("20017", "2x017"));
        let (reason, place) = read_with(&ReaderOptions::new(), &bad).unwrap_err();
        assert_eq!(
            (reason, place as usize),
            (RejectReason::BadJson, bad.find("x017").unwrap() + 1)
        );
        assert_eq!(read("Nov 22 00:18:56 nat-7 sshd[7]: hello"), Err(RejectReason::NotNat));
        assert_eq!(read("hello"), Err(RejectReason::BadJson));
    }

    #[test]
    fn an_echo_flow_has_no_identifier_and_a_packet_is_no_flow() {
        let icmp = NEW
            .replace("\"orig.l4.sport\": 53586, \"orig.l4.dport\": 80, ", "")
            .replace("\"reply.l4.sport\": 80, \"reply.l4.dport\": 20017, ", "\"icmp.type\": 8, ")
            .replace("ip.protocol\": 6", "ip.protocol\": 1");
        assert_eq!(read(&icmp), Err(RejectReason::PortNotLogged));
        let packet = r#"{"timestamp": "2026-11-22T00:18:56.623125", "oob.prefix": "pre ", "oob.hook": 2, "ip.protocol": 6, "src_port": 34460, "dest_port": 80, "src_ip": "100.65.0.10", "dest_ip": "192.0.2.20"}"#;
        assert_eq!(read(packet), Err(RejectReason::OtherEvent));
    }

    #[test]
    fn what_cannot_be_read_says_why_and_where() {
        for (from, to, reason) in [
            ("20017", "70000", RejectReason::BadPort),
            ("20017", "-1", RejectReason::BadPort),
            ("203.0.113.1\"", "203.0.113.1000\"", RejectReason::BadAddress),
            ("\"203.0.113.1\"", "3405803777", RejectReason::BadAddress),
            ("\"ct.event\": 1", "\"ct.event\": 3", RejectReason::UnknownEvent),
            ("\"ct.event\": 1, ", "", RejectReason::NoEvent),
            ("\"reply.l4.dport\": 20017, ", "", RejectReason::MissingField),
            ("\"dvc\"", "\"reply.l4.dport\": 1, \"dvc\"", RejectReason::RepeatedField),
            ("123282", "1232820", RejectReason::BadTime),
            ("203.0.113.1", "100.64.0.10", RejectReason::Ipv6Translation),
        ] {
            let got = read(&NEW.replace(from, to)).map(|e| e.kind);
            if reason == RejectReason::Ipv6Translation {
                // The port alone was translated.
                assert!(got.is_ok());
            } else {
                assert_eq!(got, Err(reason), "{from} {to}");
            }
        }
        let line = NEW.replace("20017", "70000");
        let place = u32::try_from(line.find("reply.l4.dport").unwrap()).unwrap() + 1;
        assert_eq!(read_with(&ReaderOptions::new(), &line), Err((RejectReason::BadPort, place)));
        let same = NEW.replace("203.0.113.1", "100.64.0.10").replace("20017", "53586");
        assert_eq!(read(&same), Err(RejectReason::NoTranslation));
        let ending = |second: &str| {
            destroy()
                .replace("\"flow.end.sec\": 1795306735", &format!("\"flow.end.sec\": {second}"))
        };
        assert_eq!(read(&ending("1795306733")), Err(RejectReason::BadTime));
        // Over before ulogd read that it had begun.
        let event = read(&ending("1795306734")).unwrap();
        assert_eq!((event.start, event.stop.is_some()), (None, true));
    }

    #[test]
    fn no_part_of_a_record_is_an_event() {
        for text in [NEW.to_owned(), destroy()] {
            for end in 1..text.len() {
                assert!(read(&text[..end]).is_err(), "{}", &text[..end]);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
            at in 0_usize..600,
        ) {
            let mut text = destroy().into_bytes();
            let at = at.min(text.len());
            text.splice(at..at, bytes.iter().copied().take(3));
            let mut parser = UlogdJsonParser::new(&ReaderOptions::new());
            let _ = parser.parse_line(&text, &mut Event::default());
            let _ = parser.parse_line(&bytes, &mut Event::default());
        }
    }
}
