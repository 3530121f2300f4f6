//! The keys that our own two formats share, and what their values mean.

use super::reader::ReaderOptions;
use super::{Event, EventKind, RejectReason, TcpState};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::port::{PortRange, parse_port};
use crate::time::{ParseTimeError, WrittenTime};

macro_rules! keys {
    ($($key:ident $name:literal)*) => {
        /// A column of our CSV, a key of our NDJSON.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key {
            $($key,)*
        }

        impl Key {
            pub(super) const ALL: &'static [Key] = &[$(Key::$key,)*];

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Key::$key => $name,)*
                }
            }
        }
    };
}

keys! {
    Event "event"
    Proto "proto"
    Inside "inside"
    InsidePort "inside_port"
    Outside "outside"
    Port "port"
    First "first"
    Last "last"
    Dst "dst"
    Dport "dport"
    Time "time"
    Start "start"
    Stop "stop"
    End "end"
    Realm "realm"
    Login "login"
    Pool "pool"
    Timeout "timeout"
    State "state"
    Killed "killed"
    FlowId "flow_id"
    TimeUntil "time_until"
    StartUntil "start_until"
    StopUntil "stop_until"
    EndUntil "end_until"
    HeaderTime "header_time"
    HeaderTimeUntil "header_time_until"
    B4 "b4"
}

impl Key {
    pub(super) const COUNT: usize = Key::ALL.len();

    pub(super) fn from_name(name: &str) -> Option<Key> {
        Key::ALL.iter().copied().find(|key| key.name() == name)
    }
}

/// Why a record is refused, and the key to blame.
pub(super) type Refusal = (RejectReason, Option<Key>);

/// Fills `event`, which is at its default, from the values of a record; an empty value is a missing one.
pub(super) fn fill<'a>(
    get: impl Fn(Key) -> Option<&'a str>,
    options: &ReaderOptions,
    event: &mut Event,
) -> Result<(), Refusal> {
    let get = |key| get(key).filter(|text| !text.is_empty());
    let written = |key| match get(key).map(|text| WrittenTime::parse(text, options.zone())) {
        None => Ok(None),
        Some(Ok(time)) => Ok(Some(time)),
        Some(Err(ParseTimeError::NoZone(_))) => Err((RejectReason::NoZone, Some(key))),
        Some(Err(_)) => Err((RejectReason::BadTime, Some(key))),
    };
    let missing = |key| (RejectReason::MissingField, Some(key));
    let time = |key, until_key| match (written(key)?, written(until_key)?) {
        (Some(from), Some(until)) => {
            let length = until.start().since(from.start()).as_microsecond();
            if length < from.resolution_microsecond() {
                return Err((RejectReason::BadTime, Some(until_key)));
            }
            Ok(Some(WrittenTime::new(from.start(), length)))
        }
        (None, Some(_)) => Err(missing(key)),
        (from, None) => Ok(from),
    };

    event.time = time(Key::Time, Key::TimeUntil)?;
    event.header_time = time(Key::HeaderTime, Key::HeaderTimeUntil)?;
    event.start = time(Key::Start, Key::StartUntil)?;
    event.stop = match (time(Key::Stop, Key::StopUntil)?, time(Key::End, Key::EndUntil)?) {
        (Some(_), Some(_)) => return Err((RejectReason::RepeatedColumn, Some(Key::End))),
        (stop, end) => stop.or(end),
    };
    if let (Some(start), Some(stop)) = (event.start, event.stop)
        && stop.end() <= start.start()
    {
        let key = if get(Key::Stop).is_some() { Key::Stop } else { Key::End };
        return Err((RejectReason::BadTime, Some(key)));
    }
    event.kind = match get(Key::Event) {
        Some(name) => {
            EventKind::from_name(name).ok_or((RejectReason::UnknownEvent, Some(Key::Event)))?
        }
        None if event.start.is_some() => EventKind::Allocation,
        None => return Err((RejectReason::NoEvent, None)),
    };
    event.protocol = value(&get, Key::Proto, RejectReason::BadProtocol)?;
    event.inside = inside(&get, options)?;
    event.inside_port = port(&get, Key::InsidePort)?;
    event.outside = value(&get, Key::Outside, RejectReason::BadAddress)?;
    event.ports = ports(&get)?;
    let dport = port(&get, Key::Dport)?;
    event.destination = match value(&get, Key::Dst, RejectReason::BadAddress)? {
        Some(addr) => Some(Destination { addr, port: dport }),
        None if dport.is_some() => return Err(missing(Key::Dst)),
        None => None,
    };
    event.timeout_second = value(&get, Key::Timeout, RejectReason::BadValue)?;
    event.killed = value(&get, Key::Killed, RejectReason::BadValue)?;
    event.flow_id = value(&get, Key::FlowId, RejectReason::BadValue)?;
    event.state = match get(Key::State) {
        Some(name) => {
            Some(TcpState::from_name(name).ok_or((RejectReason::BadValue, Some(Key::State)))?)
        }
        None => None,
    };
    event.login = get(Key::Login).map(Box::from);
    event.pool = get(Key::Pool).map(Box::from);

    match event.kind {
        EventKind::DeviceRestart => Ok(()),
        EventKind::Allocation if event.start.is_none() => Err(missing(Key::Start)),
        EventKind::Allocation if event.outside.is_none() => Err(missing(Key::Outside)),
        _ if event.outside.is_none() && event.inside.is_none() => Err(missing(Key::Outside)),
        _ => Ok(()),
    }
}

fn value<'a, T: std::str::FromStr>(
    get: &impl Fn(Key) -> Option<&'a str>,
    key: Key,
    reason: RejectReason,
) -> Result<Option<T>, Refusal> {
    match get(key) {
        // Standard integers also read a leading plus, which no text form of ours has.
        Some(text) if text.starts_with('+') => Err((reason, Some(key))),
        Some(text) => text.parse().map(Some).map_err(|_| (reason, Some(key))),
        None => Ok(None),
    }
}

fn port<'a>(get: &impl Fn(Key) -> Option<&'a str>, key: Key) -> Result<Option<u16>, Refusal> {
    match get(key) {
        Some(text) => parse_port(text).map(Some).ok_or((RejectReason::BadPort, Some(key))),
        None => Ok(None),
    }
}

fn ports<'a>(get: &impl Fn(Key) -> Option<&'a str>) -> Result<Option<PortRange>, Refusal> {
    match (port(get, Key::Port)?, port(get, Key::First)?, port(get, Key::Last)?) {
        (None, None, None) => Ok(None),
        (Some(port), None, None) => Ok(Some(PortRange::single(port))),
        (None, Some(first), Some(last)) => PortRange::new(first, last)
            .map(Some)
            .map_err(|_| (RejectReason::BadPort, Some(Key::Last))),
        (Some(_), _, _) => Err((RejectReason::RepeatedColumn, Some(Key::Port))),
        (None, None, Some(_)) => Err((RejectReason::MissingField, Some(Key::First))),
        (None, Some(_), None) => Err((RejectReason::MissingField, Some(Key::Last))),
    }
}

/// The inside host in the realm of its own text, else that of its record, else that of the options.
fn inside<'a>(
    get: &impl Fn(Key) -> Option<&'a str>,
    options: &ReaderOptions,
) -> Result<Option<InsideHost>, Refusal> {
    let host: Option<InsideHost> = value(get, Key::Inside, RejectReason::BadHost)?;
    let bad_realm = (RejectReason::BadHost, Some(Key::Realm));
    let host = match (host, value(get, Key::B4, RejectReason::BadHost)?) {
        (host, None) => host,
        (None, Some(addr)) => Some(InsideHost::B4 { addr, inner: None }),
        (Some(InsideHost::V4 { addr: inner, realm }), Some(addr)) if realm.is_empty() => {
            Some(InsideHost::B4 { addr, inner: Some(inner) })
        }
        (Some(_), Some(_)) => return Err((RejectReason::BadHost, Some(Key::B4))),
    };
    match (host, get(Key::Realm)) {
        (None, None) => Ok(None),
        (Some(host), None) => Ok(Some(host.in_realm(options.realm()))),
        (Some(host), Some(name)) => {
            let realm = Realm::new(name);
            let host = host.in_realm(&realm);
            // A realm that cannot be kept would make one host of two.
            if host.realm() == Some(&realm) { Ok(Some(host)) } else { Err(bad_realm) }
        }
        (None, Some(_)) => Err(bad_realm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_known_columns_is_complete() {
        let names: Vec<&str> = Key::ALL.iter().map(|key| key.name()).collect();
        assert!(super::super::KNOWN_COLUMNS.ends_with(&names.join(", ")));
    }

    fn read(pairs: &[(Key, &'static str)]) -> Result<Event, Refusal> {
        let mut event = Event::default();
        let get = |key| pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        fill(get, &ReaderOptions::new(), &mut event).map(|()| event)
    }

    #[test]
    fn an_allocation_is_what_has_a_start_and_no_event() {
        let base = [(Key::Outside, "203.0.113.7"), (Key::Inside, "100.64.0.1")];
        let with = |more: &[(Key, &'static str)]| read(&[&base, more].concat());
        assert_eq!(with(&[(Key::Start, "@5")]).unwrap().kind, EventKind::Allocation);
        assert_eq!(with(&[]), Err((RejectReason::NoEvent, None)));
        assert_eq!(
            with(&[(Key::Event, "allocation")]),
            Err((RejectReason::MissingField, Some(Key::Start)))
        );
        assert_eq!(
            with(&[(Key::Start, "@5"), (Key::End, "@4")]),
            Err((RejectReason::BadTime, Some(Key::End)))
        );
        assert!(with(&[(Key::Start, "@5"), (Key::End, "@5.5")]).is_ok());
    }

    #[test]
    fn contradictions_are_refused() {
        let base = [(Key::Event, "block_alloc"), (Key::Outside, "203.0.113.7")];
        for (more, reason, key) in [
            (&[(Key::Port, "7"), (Key::First, "7")][..], RejectReason::RepeatedColumn, Key::Port),
            (&[(Key::First, "7")], RejectReason::MissingField, Key::Last),
            (&[(Key::First, "7"), (Key::Last, "6")], RejectReason::BadPort, Key::Last),
            (&[(Key::Port, "+7")], RejectReason::BadPort, Key::Port),
            (&[(Key::Dport, "80")], RejectReason::MissingField, Key::Dst),
            (&[(Key::Realm, "blue")], RejectReason::BadHost, Key::Realm),
            (
                &[(Key::Inside, "10.0.0.1%red"), (Key::Realm, "blue")],
                RejectReason::BadHost,
                Key::Realm,
            ),
            (
                &[(Key::Inside, "2001:db8::1"), (Key::Realm, "blue")],
                RejectReason::BadHost,
                Key::Realm,
            ),
            (&[(Key::Proto, "256")], RejectReason::BadProtocol, Key::Proto),
            (&[(Key::Timeout, "+5")], RejectReason::BadValue, Key::Timeout),
            (&[(Key::State, "OPEN")], RejectReason::BadValue, Key::State),
            (&[(Key::Killed, "yes")], RejectReason::BadValue, Key::Killed),
            (&[(Key::Time, "2026-11-02 03:04:05")], RejectReason::NoZone, Key::Time),
            (&[(Key::Time, "noon")], RejectReason::BadTime, Key::Time),
            (&[(Key::Stop, "@1"), (Key::End, "@1")], RejectReason::RepeatedColumn, Key::End),
        ] {
            assert_eq!(read(&[&base, more].concat()), Err((reason, Some(key))), "{more:?}");
        }
    }
}
