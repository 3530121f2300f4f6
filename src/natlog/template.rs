//! Layouts that an operator chooses: which fields a line has, in which order, and what stands between them.
//!
//! A [`Template`] is text with field names between percent signs; all else stands in the line as it does in the template.
//!
//! ```text
//! %time%|%inside%:%inside_port%|%outside%:%port%|%-%
//! ```
//!
//! | field | value |
//! |---|---|
//! | `event` | what happened, see below |
//! | `time`, `start`, `stop` | Unix time in s, ms, us or ns, or a date and time as in RFC 3339 |
//! | `proto` | a protocol by name or number |
//! | `inside`, `inside_port`, `realm` | who, in IPv4 or IPv6 |
//! | `outside`, `port`, `first`, `last` | the public address, its port or block |
//! | `dst`, `dport` | the far side |
//! | `login`, `pool`, `flow_id` | what the NAT calls the subscriber, the pool, the flow |
//! | `-` | anything, not read |
//!
//! An event is `1`, `A`, `add`, `create`, `created`, `alloc`, `allocated`, `start` or ends in `A` behind a lower-case
//! letter (`SessionbasedA`): something was given; `2`, `D`, `W`, `del`, `delete`, `deleted`, `free`, `freed`, `release`,
//! `released`, `stop` or ends in `W` (`SessionbasedW`): it was taken back. Whether that is a block, a session or a mapping
//! is told by the other fields: `first` and `last`, `dst`, or neither. An empty value or `-` is a missing one; a time of 0
//! too.
//!
//! The list of names that VAS Experts' `ajb_save_nat_format` takes is a template as well:
//! `ts:ssid:event:login:proto:ipsrc:portsrc:ipsrcpostnat:portsrcpostnat:ipdst:portdst`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::values::{self, Realms, Refusal, end_of, find};
use super::{Event, EventKind, RejectReason};
use crate::port::PortRange;
use crate::time::{ParseTimeError, WrittenTime, Zone};

macro_rules! slots {
    ($($slot:ident $name:literal $vas:literal)*) => {
        /// A field of a template.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Slot {
            $($slot,)*
        }

        impl Slot {
            const ALL: &'static [Slot] = &[$(Slot::$slot,)*];

            const fn name(self) -> &'static str {
                match self {
                    $(Slot::$slot => $name,)*
                }
            }

            /// The name that VAS Experts gives it, empty where it has none.
            const fn vas_name(self) -> &'static str {
                match self {
                    $(Slot::$slot => $vas,)*
                }
            }
        }
    };
}

slots! {
    Skip "-" ""
    Event "event" "event"
    Time "time" "ts"
    Start "start" ""
    Stop "stop" ""
    Proto "proto" "proto"
    Inside "inside" "ipsrc"
    InsidePort "inside_port" "portsrc"
    Realm "realm" ""
    Outside "outside" "ipsrcpostnat"
    Port "port" "portsrcpostnat"
    First "first" ""
    Last "last" ""
    Dst "dst" "ipdst"
    Dport "dport" "portdst"
    Login "login" "login"
    Pool "pool" ""
    FlowId "flow_id" "ssid"
}

/// A layout of lines, as its operator chose it.
///
/// # Text form
///
/// As [above](self); [`fmt::Display`] gives back the text that was read.
///
/// ```
/// use portledger::natlog::{Event, Format, Reader, ReaderOptions, Template};
/// let template: Template = "%time%|%event%|%inside%|%outside%|%first%-%last%".parse()?;
/// let log = "1795306735|A|100.64.0.7|203.0.113.9|1024-1087\n";
/// let mut reader = Reader::new(
///     Format::Huawei,
///     ReaderOptions::new().with_template(template),
///     log.as_bytes(),
/// );
/// let mut event = Event::default();
/// assert!(reader.read_event(&mut event)?);
/// assert_eq!(event.ports.map(|ports| ports.len()), Some(64));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: Arc<str>,
    /// What stands before the first field.
    lead: Box<[u8]>,
    /// Each field and what stands behind it.
    fields: Arc<[(Slot, Box<[u8]>)]>,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTemplateError {
    /// A percent sign without its partner.
    #[error("`{0}` has a percent sign too many: write each field as %name%")]
    Unpaired(String),
    /// A field that does not exist.
    #[error("`{name}` is no field of a template: write one of {list}", list = names())]
    UnknownField {
        /// The name.
        name: String,
    },
    /// A field that comes twice.
    #[error("%{0}% comes twice in the template")]
    Repeated(&'static str),
    /// Two fields with nothing between them.
    #[error("nothing stands between %{0}% and the field behind it: where one ends cannot be known")]
    Touching(&'static str),
    /// A field without which no line says anything.
    #[error("a template needs %{0}%")]
    Missing(&'static str),
}

fn names() -> String {
    Slot::ALL.iter().map(|slot| slot.name()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Template {
    type Err = ParseTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (lead, fields) = if text.contains('%') { percent(text)? } else { colons(text) };
        for (at, &(slot, ref behind)) in fields.iter().enumerate() {
            let is_again = fields.iter().skip(at + 1).any(|&(other, _)| other == slot);
            if is_again && slot != Slot::Skip {
                return Err(ParseTemplateError::Repeated(slot.name()));
            }
            if behind.is_empty() && at + 1 < fields.len() {
                return Err(ParseTemplateError::Touching(slot.name()));
            }
        }
        let has = |slot: Slot| fields.iter().any(|&(other, _)| other == slot);
        for slot in [Slot::Inside, Slot::Outside] {
            if !has(slot) {
                return Err(ParseTemplateError::Missing(slot.name()));
            }
        }
        if !has(Slot::Port) && !has(Slot::First) {
            return Err(ParseTemplateError::Missing(Slot::Port.name()));
        }
        if has(Slot::First) != has(Slot::Last) {
            return Err(ParseTemplateError::Missing(Slot::Last.name()));
        }
        Ok(Template { text: Arc::from(text), lead, fields: fields.into() })
    }
}

type Parts = (Box<[u8]>, Vec<(Slot, Box<[u8]>)>);

/// `%time%|%inside%`
fn percent(text: &str) -> Result<Parts, ParseTemplateError> {
    let mut pieces = text.split('%');
    let lead = pieces.next().unwrap_or_default().as_bytes().into();
    let mut fields = Vec::new();
    while let Some(name) = pieces.next() {
        let Some(behind) = pieces.next() else {
            return Err(ParseTemplateError::Unpaired(text.to_owned()));
        };
        let slot = Slot::ALL.iter().copied().find(|slot| slot.name() == name);
        let unknown = || ParseTemplateError::UnknownField { name: name.to_owned() };
        fields.push((slot.ok_or_else(unknown)?, behind.as_bytes().into()));
    }
    Ok((lead, fields))
}

/// `ts:ssid:event`; names that are not read are left out.
fn colons(text: &str) -> Parts {
    let mark = text.bytes().find(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(b':');
    let mark = char::from(mark);
    let mut fields: Vec<(Slot, Box<[u8]>)> = Vec::new();
    for name in text.split(mark) {
        let known = Slot::ALL.iter().copied().find(|slot| slot.vas_name() == name);
        let slot = known.filter(|_| !name.is_empty()).unwrap_or(Slot::Skip);
        fields.push((slot, mark.to_string().into_bytes().into()));
    }
    if let Some((_, behind)) = fields.last_mut() {
        *behind = Box::default();
    }
    (Box::default(), fields)
}

impl Template {
    /// The layout of VAS Experts that no operator has changed.
    pub(super) fn vas_experts() -> Option<Template> {
        "ts:ssid:event:login:proto:ipsrc:portsrc:ipsrcpostnat:portsrcpostnat:ipdst:portdst"
            .parse()
            .ok()
    }

    /// Fills `event` from a line of this layout; `given` is whether something was given or taken back, where what stands
    /// around the line tells. Also says whether nothing can be missing at its end.
    pub(super) fn fill<'a>(
        &self,
        line: &'a [u8],
        mut given: Option<bool>,
        zone: Option<&Zone>,
        realms: &mut Realms,
        event: &mut Event,
    ) -> Result<bool, Refusal<'a>> {
        let line = line.trim_ascii_end();
        let mut rest = line.strip_prefix(&*self.lead).ok_or((RejectReason::UnknownField, line))?;
        let mut texts: [&[u8]; Slot::ALL.len()] = [&[]; Slot::ALL.len()];
        let mut is_whole = false;
        for (slot, behind) in &*self.fields {
            let value;
            if behind.is_empty() {
                (value, rest) = (rest, end_of(line));
                is_whole = *slot == Slot::Skip
                    || matches!(slot, Slot::Port | Slot::InsidePort | Slot::Dport | Slot::Last)
                        && values::is_full_port(value);
            } else {
                (value, rest) =
                    values::cut(rest, behind).ok_or((RejectReason::FieldCount, end_of(line)))?;
                is_whole = true;
            }
            if let Some(text) = texts.get_mut(*slot as usize) {
                *text = value.trim_ascii();
            }
        }
        if !rest.is_empty() {
            return Err((RejectReason::FieldCount, rest));
        }
        let get = |slot: Slot| {
            texts.get(slot as usize).copied().filter(|text| !matches!(*text, b"" | b"-"))
        };
        let need = |slot: Slot| get(slot).ok_or((RejectReason::MissingField, line));
        let time = |slot: Slot| match get(slot) {
            Some(text) => time(text, zone),
            None => Ok(None),
        };

        if let Some(text) = get(Slot::Event) {
            given = Some(is_given(text)?);
        }
        let realm = realms.of(get(Slot::Realm).unwrap_or_default())?;
        event.inside = Some(values::host(values::ip(need(Slot::Inside)?)?, realm));
        event.outside = Some(values::ipv4(need(Slot::Outside)?)?);
        event.inside_port = get(Slot::InsidePort).map(values::port).transpose()?;
        event.protocol = get(Slot::Proto).map(values::protocol).transpose()?;
        event.ports = Some(match get(Slot::First) {
            Some(first) => values::range(first, need(Slot::Last)?)?,
            None => PortRange::single(values::port(need(Slot::Port)?)?),
        });
        if let Some(dst) = get(Slot::Dst) {
            event.destination = Some(values::destination(dst, get(Slot::Dport))?);
        }
        event.login = get(Slot::Login).map(values::name).transpose()?;
        event.pool = get(Slot::Pool).map(values::name).transpose()?;
        event.flow_id = get(Slot::FlowId).and_then(values::number);
        let start = time(Slot::Start)?;
        let stop = time(Slot::Stop)?;
        // Without an event a line with an end is a release.
        let given = given.or((start.is_some() || stop.is_some()).then_some(stop.is_none()));
        let given = given.ok_or((RejectReason::NoEvent, line))?;
        let is_block = get(Slot::First).is_some();
        event.kind = match (given, is_block, event.destination.is_some()) {
            (true, true, _) => EventKind::BlockAlloc,
            (false, true, _) => EventKind::BlockRelease,
            (true, false, true) => EventKind::SessionCreate,
            (false, false, true) => EventKind::SessionDelete,
            (true, false, false) => EventKind::PortCreate,
            (false, false, false) => EventKind::PortDelete,
        };
        event.time = time(Slot::Time)?;
        if given {
            event.time = event.time.or(start);
        } else {
            event.start = start;
            match event.time {
                Some(_) => event.stop = stop,
                None => event.time = stop,
            }
        }
        if let (Some(start), Some(end)) = (event.start, event.time)
            && end.end() <= start.start()
        {
            return Err((RejectReason::BadTime, line));
        }
        values::settle(event);
        Ok(is_whole)
    }
}

/// Whether the text of an event says that something was given.
fn is_given(text: &[u8]) -> Result<bool, Refusal<'_>> {
    const GIVEN: [&[u8]; 9] =
        [b"1", b"A", b"add", b"create", b"created", b"alloc", b"allocated", b"start", b"new"];
    const TAKEN: [&[u8]; 12] = [
        b"2",
        b"D",
        b"W",
        b"del",
        b"delete",
        b"deleted",
        b"free",
        b"freed",
        b"release",
        b"released",
        b"stop",
        b"withdraw",
    ];
    let is = |words: &[&[u8]]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&GIVEN) {
        return Ok(true);
    }
    if is(&TAKEN) {
        return Ok(false);
    }
    match text {
        // Addresses or ports ran out.
        b"3" => Err((RejectReason::OtherEvent, text)),
        [.., before, b'A'] if before.is_ascii_lowercase() => Ok(true),
        [.., before, b'W'] if before.is_ascii_lowercase() => Ok(false),
        _ => Err((RejectReason::UnknownEvent, text)),
    }
}

/// Unix time or a date and time; none for zero.
fn time<'a>(text: &'a [u8], zone: Option<&Zone>) -> Result<Option<WrittenTime>, Refusal<'a>> {
    if text.iter().all(|&b| b == b'0') {
        return Ok(None);
    }
    if text.iter().all(u8::is_ascii_digit) || find(text, b"-").is_none() {
        return values::epoch(text).map(Some);
    }
    let bad = (RejectReason::BadTime, text);
    let civil = std::str::from_utf8(text).map_err(|_| bad)?;
    match WrittenTime::parse(civil, zone) {
        Ok(time) => Ok(Some(time)),
        Err(ParseTimeError::NoZone(_)) => Err((RejectReason::NoZone, text)),
        Err(_) => Err(bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_give_back_their_text() {
        for text in [
            "%time%|%event%|%inside%:%inside_port%|%outside%:%port%",
            "[%-% %inside% %outside% %first% %last%]",
            "ts:event:ipsrc:portsrc:ipsrcpostnat:portsrcpostnat",
            "ts;event;ipsrc;ipsrcpostnat;portsrcpostnat",
        ] {
            assert_eq!(text.parse::<Template>().unwrap().to_string(), text);
        }
        assert!(Template::vas_experts().is_some());
    }

    #[test]
    fn what_is_no_template_says_why() {
        let parse = |text: &str| text.parse::<Template>().unwrap_err();
        assert!(matches!(parse("%inside%|%outside"), ParseTemplateError::Unpaired(_)));
        assert!(matches!(parse("%who%"), ParseTemplateError::UnknownField { .. }));
        assert_eq!(parse("%inside% %inside%"), ParseTemplateError::Repeated("inside"));
        assert_eq!(parse("%inside%%outside%"), ParseTemplateError::Touching("inside"));
        assert_eq!(parse("%inside% %port%"), ParseTemplateError::Missing("outside"));
        assert_eq!(parse("%inside% %outside%"), ParseTemplateError::Missing("port"));
        assert_eq!(parse("%inside% %outside% %first%"), ParseTemplateError::Missing("last"));
        assert_eq!(parse("hello"), ParseTemplateError::Missing("inside"));
    }
}
