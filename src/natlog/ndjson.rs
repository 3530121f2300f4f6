//! Our own NDJSON: one JSON object a line, and the form in which portledger shows what it read.
//!
//! Numbers may be given as JSON numbers or as text; `null` and the empty text count as missing. The keys are those of
//! [`super::csv`]; the table is in [`crate::natlog`]. Beside them `line`, `offset`, `column`, `datagram`, `record` and
//! `note` are passed over, and an object with `reject` is counted for that
//! reason where the line was in order there, else as [`RejectedUpstream`](RejectReason::RejectedUpstream); any other key is
//! an error.

use std::borrow::Cow;
use std::fmt;
use std::io;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::ColumnMap;
use super::columns::Bound;
use super::fields::{self, Key};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions, Unit, column};
use super::scalar::Scalar;
use super::{Event, EventKind, Reject, RejectReason};
use crate::inside::InsideHost;

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "ndjson",
    title: "our own, one JSON object a line",
    status: Status::Own,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "as written",
    source: "this crate",
    cut: Cut::Lines,
    parser: |options| Box::new(NdjsonParser::new(options)),
};

/// Keys that say something about the line, not about the NAT.
const PASSED_OVER: [&str; 6] = ["line", "offset", "column", "datagram", "record", "note"];

/// A parser of lines that hold one object each.
#[derive(Debug)]
pub struct NdjsonParser {
    options: ReaderOptions,
}

impl NdjsonParser {
    /// A parser.
    pub fn new(options: ReaderOptions) -> NdjsonParser {
        NdjsonParser { options }
    }
}

impl LineParser for NdjsonParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        let text = std::str::from_utf8(line)
            .map_err(|err| (RejectReason::NotUtf8, column(err.valid_up_to())))?;
        let map = self.options.columns();
        let mut json = serde_json::Deserializer::from_str(text);
        let object =
            Seed(map).deserialize(&mut json).and_then(|object| json.end().map(|()| object));
        let object = object.map_err(|err| {
            let at = u32::try_from(err.column()).unwrap_or(u32::MAX).max(1);
            (if err.is_eof() { RejectReason::CutShort } else { RejectReason::BadJson }, at)
        })?;
        if let Some(reason) = object.rejected {
            return Err((reason, 1));
        }
        if let Some((reason, key)) = object.refusal {
            return Err((reason, key_column(text, &key)));
        }
        let mut constants = map.into_iter().flat_map(ColumnMap::constants);
        if let Some((key, _)) =
            constants.find(|(key, _)| object.values.get(*key as usize).is_some_and(Option::is_some))
        {
            return Err((RejectReason::RepeatedColumn, key_column(text, key.name())));
        }
        let get = |key: Key| {
            let constant = || map?.constants().find(|(constant, _)| *constant == key);
            let value = object.values.get(key as usize)?.as_deref();
            value.or_else(|| constant().map(|(_, constant)| constant))
        };
        fields::fill(get, &self.options, event)
            .map_err(|(reason, key)| (reason, key.map_or(1, |key| key_column(text, key.name()))))
    }
}

/// Where a key stands; 1 where it is written with escapes.
fn key_column(text: &str, key: &str) -> u32 {
    text.find(&format!("\"{key}\"")).map_or(1, column)
}

/// An object as far as it concerns us.
struct Object<'a> {
    values: [Option<Cow<'a, str>>; Key::COUNT],
    /// Why an earlier reader rejected the record.
    rejected: Option<RejectReason>,
    refusal: Option<(RejectReason, String)>,
}

/// Reads an object with the map of its members.
#[derive(Clone, Copy)]
struct Seed<'m>(Option<&'m ColumnMap>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<'de>, A::Error> {
        let mut object =
            Object { values: [const { None }; Key::COUNT], rejected: None, refusal: None };
        Members { columns: self.0, within: "", object: &mut object }.visit_map(map)?;
        Ok(object)
    }
}

/// Reads the members of an object, or of an object in it.
struct Members<'m, 'o, 'de> {
    columns: Option<&'m ColumnMap>,
    /// The names of the objects around these members, parted by dots.
    within: &'o str,
    object: &'o mut Object<'de>,
}

impl<'de> DeserializeSeed<'de> for Members<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Members { columns, within, object } = self;
        while let Some(Scalar::Text(name)) = map.next_key()? {
            let name =
                if within.is_empty() { name } else { Cow::Owned(format!("{within}.{name}")) };
            if columns.is_some_and(|columns| columns.names_within(&name)) {
                map.next_value_seed(Members { columns, within: &name, object })?;
                continue;
            }
            let bound = match columns {
                Some(columns) => columns.bound(&name),
                None => Key::from_name(&name).map(Bound::own),
            };
            if let Some(Bound { key: None, .. }) = bound {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let Some((bound, key)) = bound.and_then(|bound| Some((bound, bound.key?))) else {
                if name == "reject" {
                    // What was in order and held no fact there holds none here.
                    let reason = match map.next_value()? {
                        Scalar::Text(name) => RejectReason::from_name(&name),
                        _ => None,
                    };
                    let reason = reason.filter(|r| r.is_expected());
                    object.rejected = Some(reason.unwrap_or(RejectReason::RejectedUpstream));
                    continue;
                } else if !PASSED_OVER.contains(&&*name) {
                    object
                        .refusal
                        .get_or_insert_with(|| (RejectReason::UnknownColumn, name.into_owned()));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let refuse = |reason| (reason, name.clone().into_owned());
            let value: Scalar<'_> = map.next_value()?;
            // Our own form has none.
            let is_broken = columns.is_none() && matches!(value, Scalar::Broken(_));
            let text = if is_broken { Err(()) } else { value.into_text() };
            match (text, object.values.get_mut(key as usize)) {
                (Ok(None), _) | (_, None) => {}
                (Err(()), _) => {
                    object.refusal.get_or_insert_with(|| refuse(RejectReason::BadValue));
                }
                (Ok(Some(text)), Some(slot)) => {
                    let text = match columns {
                        Some(columns) => {
                            let mut ours = String::new();
                            if let Err(reason) = columns.convert(bound, &text, &mut ours) {
                                object.refusal.get_or_insert_with(|| refuse(reason));
                            }
                            Cow::Owned(ours)
                        }
                        None => text,
                    };
                    if slot.replace(text).is_some() {
                        object.refusal.get_or_insert_with(|| refuse(RejectReason::RepeatedColumn));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes an event as one line, such that reading it gives the same event (its `span` apart, and `line`, which
/// becomes that of the new file).
///
/// Keys come in this order, and only those that the event has: `line`, `event`, `proto` (its number), `inside`,
/// `inside_port`, `outside`, `port` or `first` and `last`, `dst`, `dport`, `time`, `start`, `stop` (`end` of an
/// allocation), `header_time`, `realm`, `login`, `pool`, `timeout`, `state`, `killed`, `flow_id`. Times are RFC 3339 in UTC with the
/// digits of their resolution; an interval that no digits say, such as an hour that clocks repeated, is its first
/// instant, followed by its end in `time_until` (`start_until`, `stop_until`, `end_until`).
///
/// # Errors
///
/// Those of the writer.
pub fn write_event(event: &Event, w: impl io::Write) -> io::Result<()> {
    write_event_of(Unit::Line, event, w)
}

/// Writes an event as [`write_event`] does, of a stream of these units: of a stream of datagrams the first keys are
/// `datagram`, `record` (its number in the datagram) and `offset` (that of the datagram's bytes).
///
/// # Errors
///
/// Those of the writer.
pub fn write_event_of(unit: Unit, event: &Event, w: impl io::Write) -> io::Result<()> {
    let mut object = ObjectWriter { w, has_key: false };
    if event.line > 0 {
        object.number(unit.name(), event.line)?;
        if unit == Unit::Datagram {
            object.number("record", event.record)?;
            object.number("offset", event.span.offset)?;
        }
    }
    object.text("event", event.kind.name())?;
    if let Some(protocol) = event.protocol {
        object.number(Key::Proto.name(), protocol.number())?;
    }
    match &event.inside {
        // The realm has a key of its own.
        Some(InsideHost::V4 { addr, .. }) => object.text(Key::Inside.name(), &addr.to_string())?,
        Some(InsideHost::B4 { addr, inner: Some(inner) }) => {
            object.text(Key::Inside.name(), &inner.to_string())?;
            object.text(Key::B4.name(), &addr.to_string())?;
        }
        Some(host) => object.text(Key::Inside.name(), &host.to_string())?,
        None => {}
    }
    if let Some(port) = event.inside_port {
        object.number(Key::InsidePort.name(), port)?;
    }
    if let Some(addr) = event.outside {
        object.text(Key::Outside.name(), &addr.to_string())?;
    }
    match event.ports {
        Some(ports) if ports.first() == ports.last() => {
            object.number(Key::Port.name(), ports.first())?;
        }
        Some(ports) => {
            object.number(Key::First.name(), ports.first())?;
            object.number(Key::Last.name(), ports.last())?;
        }
        None => {}
    }
    if let Some(destination) = event.destination {
        object.text(Key::Dst.name(), &destination.addr.to_string())?;
        if let Some(port) = destination.port {
            object.number(Key::Dport.name(), port)?;
        }
    }
    let (end, end_until) = if event.kind == EventKind::Allocation {
        (Key::End, Key::EndUntil)
    } else {
        (Key::Stop, Key::StopUntil)
    };
    for (key, until, time) in [
        (Key::Time, Key::TimeUntil, event.time),
        (Key::Start, Key::StartUntil, event.start),
        (end, end_until, event.stop),
        (Key::HeaderTime, Key::HeaderTimeUntil, event.header_time),
    ] {
        match time {
            Some(time) if time.is_digits() => object.text(key.name(), &time.rfc3339())?,
            Some(time) => {
                object.text(key.name(), &time.start().rfc3339())?;
                object.text(until.name(), &time.end().rfc3339())?;
            }
            None => {}
        }
    }
    let realm = event.inside.as_ref().and_then(InsideHost::realm);
    object.text_if_any(Key::Realm.name(), realm.map_or("", |realm| realm.as_str()))?;
    object.text_if_any(Key::Login.name(), event.login.as_deref().unwrap_or_default())?;
    object.text_if_any(Key::Pool.name(), event.pool.as_deref().unwrap_or_default())?;
    if let Some(second) = event.timeout_second {
        object.number(Key::Timeout.name(), second)?;
    }
    if let Some(state) = event.state {
        object.text(Key::State.name(), state.name())?;
    }
    if let Some(killed) = event.killed {
        object.raw(Key::Killed.name(), killed)?;
    }
    if let Some(id) = event.flow_id {
        object.number(Key::FlowId.name(), id)?;
    }
    if let Some(why) = event.unplaced {
        object.text("note", why.name())?;
    }
    object.finish()
}

/// Writes a reject as one line, `{"line":7,"offset":512,"reject":"cut-short","column":41}`.
///
/// # Errors
///
/// Those of the writer.
pub fn write_reject(reject: &Reject, w: impl io::Write) -> io::Result<()> {
    write_reject_of(Unit::Line, reject, w)
}

/// Writes a reject of a stream of these units, with the key `datagram` for `line` where those are datagrams.
///
/// # Errors
///
/// Those of the writer.
pub fn write_reject_of(unit: Unit, reject: &Reject, w: impl io::Write) -> io::Result<()> {
    let mut object = ObjectWriter { w, has_key: false };
    object.number(unit.name(), reject.line)?;
    object.number("offset", reject.span.offset)?;
    object.text("reject", reject.reason.name())?;
    object.number("column", reject.column)?;
    object.finish()
}

struct ObjectWriter<W> {
    w: W,
    has_key: bool,
}

impl<W: io::Write> ObjectWriter<W> {
    fn raw(&mut self, key: &str, value: impl fmt::Display) -> io::Result<()> {
        let before = if self.has_key { ',' } else { '{' };
        self.has_key = true;
        write!(self.w, "{before}\"{key}\":{value}")
    }

    fn number(&mut self, key: &str, value: impl Into<u64>) -> io::Result<()> {
        self.raw(key, value.into())
    }

    fn text(&mut self, key: &str, value: &str) -> io::Result<()> {
        self.raw(key, "")?;
        serde_json::to_writer(&mut self.w, value).map_err(io::Error::from)
    }

    fn text_if_any(&mut self, key: &str, value: &str) -> io::Result<()> {
        if value.is_empty() { Ok(()) } else { self.text(key, value) }
    }

    fn finish(mut self) -> io::Result<()> {
        self.w.write_all(b"}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocation::Span;

    fn parse(line: &str) -> Result<Event, (RejectReason, u32)> {
        let mut event = Event::default();
        let mut parser = NdjsonParser::new(ReaderOptions::new());
        parser.parse_line(line.as_bytes(), &mut event).map(|()| event)
    }

    #[test]
    fn an_event_is_written_in_the_order_of_the_keys_and_read_back() {
        let line = concat!(
            r#"{"line":7,"event":"session_delete","proto":6,"inside":"100.64.0.10","inside_port":53586,"#,
            r#""outside":"203.0.113.1","port":20017,"dst":"192.0.2.10","dport":80,"#,
            r#""time":"2026-11-22T00:18:55.123403Z","start":"2026-11-22T00:18:50Z","#,
            r#""stop":"2026-11-22T00:18:55Z","realm":"blue","login":"a\"b","pool":"p","#,
            r#""timeout":5,"state":"CLOSE","killed":true,"flow_id":2028815706}"#,
            "\n"
        );
        let mut event = parse(line.trim_end()).unwrap();
        assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.10%blue");
        event.line = 7;
        let mut out = Vec::new();
        write_event(&event, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), line);
    }

    #[test]
    fn a_time_that_no_digits_say_is_written_with_its_end() {
        let line = concat!(
            r#"{"event":"session_delete","outside":"203.0.113.1","port":1,"#,
            r#""time":"2026-10-25T00:30:00Z","time_until":"2026-10-25T01:30:01Z","#,
            r#""start":"2026-10-24T00:30:00.5Z","start_until":"2026-10-24T00:30:01.5Z","#,
            r#""stop":"2026-10-25T00:30:00Z","stop_until":"2026-10-25T01:30:01Z","#,
            r#""header_time":"2026-10-25T01:30:00.125Z"}"#,
            "\n"
        );
        let event = parse(line.trim_end()).unwrap();
        assert_eq!(event.time.unwrap().resolution_microsecond(), 3_601_000_000);
        let mut out = Vec::new();
        write_event(&event, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), line);
        for (from, to, reason) in [
            (r#""time_until":"2026-10-25T01"#, r#""time_until":"2026-10-25T00"#, None),
            (
                r#""time_until":"2026-10-25T01"#,
                r#""time_until":"2026-10-24T01"#,
                Some(RejectReason::BadTime),
            ),
            (r#""time":"2026-10-25T00:30:00Z","#, "", Some(RejectReason::MissingField)),
        ] {
            let read = parse(line.replacen(from, to, 1).trim_end());
            assert_eq!(read.err().map(|(reason, _)| reason), reason, "{to}");
        }
    }

    #[test]
    fn numbers_may_be_texts_and_null_is_missing() {
        let event =
            parse(r#"{"start":"@1.5","outside":"203.0.113.1","port":"80","login":null,"pool":""}"#)
                .unwrap();
        assert_eq!((event.ports.unwrap().first(), event.login, event.pool), (80, None, None));
    }

    #[test]
    fn rejects_say_where() {
        for (line, reason, column) in [
            (r#"{"start":"@1","outside":"203.0.113.1","prot":6}"#, RejectReason::UnknownColumn, 39),
            (r#"{"port":1,"port":1}"#, RejectReason::RepeatedColumn, 2),
            (r#"{"port":[1]}"#, RejectReason::BadValue, 2),
            (r#"{"port":{"a":1}}"#, RejectReason::BadValue, 2),
            (r#"{"port":1.5}"#, RejectReason::BadValue, 2),
            (r#"{"start":"@1","port":65536}"#, RejectReason::BadPort, 15),
            (r#"{"start":"@1","port":-1}"#, RejectReason::BadPort, 15),
            (r#"{"start":"@1"#, RejectReason::CutShort, 12),
            (r#"{"start":"@1"} {}"#, RejectReason::BadJson, 16),
            ("[]", RejectReason::BadJson, 1),
            (r#"{"line":1,"reject":"cut-short","what":1}"#, RejectReason::RejectedUpstream, 1),
        ] {
            let (got, at) = parse(line).unwrap_err();
            assert_eq!((got, at), (reason, column), "{line}");
        }
    }

    #[test]
    fn a_written_reject_is_counted_upstream() {
        let span = Span { offset: 512, length: 9 };
        let reject = Reject { reason: RejectReason::CutShort, span, line: 7, column: 41 };
        let mut out = Vec::new();
        write_reject(&reject, &mut out).unwrap();
        assert_eq!(out, b"{\"line\":7,\"offset\":512,\"reject\":\"cut-short\",\"column\":41}\n");
        let line = std::str::from_utf8(&out).unwrap();
        assert_eq!(parse(line.trim_end()), Err((RejectReason::RejectedUpstream, 1)));
    }

    #[test]
    fn a_map_names_members_of_objects_in_the_object() {
        let map = "@timestamp=time, event.action=event, event(create)=session_create, event.kind=-,
            source.ip=inside, source.nat.ip=outside, source.nat.port=port, destination.ip=dst, agent=-"
            .parse()
            .unwrap();
        let options = ReaderOptions::new().with_columns(map);
        let mut parser = NdjsonParser::new(options);
        let mut read = |line: &str| {
            let mut event = Event::default();
            parser.parse_line(line.as_bytes(), &mut event).map(|()| event).map_err(|e| e.0)
        };
        let nested = r#"{"@timestamp":"2026-11-02T03:04:05Z","event":{"action":"create","kind":"event"},"source":{"ip":"100.64.0.7","nat":{"ip":"203.0.113.9","port":20001}},"destination":null,"agent":{"id":{"x":1}}}"#;
        let event = read(nested).unwrap();
        assert_eq!(event.kind, EventKind::SessionCreate);
        assert_eq!(event.inside.as_ref().unwrap().to_string(), "100.64.0.7");
        assert_eq!(event.ports.unwrap().first(), 20_001);
        let epoch = "ts:s=time, event:=session_create".parse().unwrap();
        let mut epochs = NdjsonParser::new(ReaderOptions::new().with_columns(epoch));
        let mut broken = Event::default();
        let line =
            r#"{"ts":1793588645.25,"inside":"100.64.0.7","outside":"203.0.113.9","port":20001}"#;
        epochs.parse_line(line.as_bytes(), &mut broken).unwrap();
        assert_eq!(broken.time.unwrap().rfc3339(), "2026-11-02T03:04:05.25Z");
        let flat = r#"{"@timestamp":"2026-11-02T03:04:05Z","event.action":"create","source.ip":"100.64.0.7","source.nat.ip":"203.0.113.9","source.nat.port":"20001"}"#;
        assert_eq!(read(flat).unwrap(), event);
        for (from, to, reason) in [
            ("\"kind\"", "\"other\"", RejectReason::UnknownColumn),
            ("\"destination\":null", "\"source.ip\":\"100.64.0.8\"", RejectReason::RepeatedColumn),
            ("\"destination\":null", "\"destination\":7", RejectReason::BadJson),
            ("\"nat\":{\"ip\"", "\"nat\":{\"ip6\"", RejectReason::UnknownColumn),
            ("20001", "200010", RejectReason::BadPort),
        ] {
            assert_eq!(read(&nested.replace(from, to)), Err(reason), "{to}");
        }
    }
}
