//! Events and rejects as lines of NDJSON.

use std::fmt;
use std::io;

use crate::inside::InsideHost;
use crate::natlog::fields::Key;
use crate::natlog::reader::Unit;
use crate::natlog::{Event, EventKind, Reject};

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
