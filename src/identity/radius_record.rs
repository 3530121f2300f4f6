//! One record of a FreeRADIUS `detail` file: a block of text -> an accounting record.

use ipnet::{Ipv4Net, Ipv6Net};
use jiff::civil::DateTime;

use super::accounting::{AccountingRecord, AccountingStatus};
use super::binding::BindingKey;
use super::reject::{Refusal, RejectReason, excerpt};
use crate::allocation::Span;
use crate::inside::Realm;
use crate::subscriber::SubscriberId;
use crate::time::{TimeDelta, Timestamp, WrittenTime, Zone};

/// How a `detail` file is read.
#[derive(Clone, Debug, Default)]
pub struct DetailOptions {
    /// The attribute that names the subscriber; User-Name by default.
    pub id_attribute: Option<String>,
    /// The realm of the IPv4 addresses.
    pub realm: Realm,
    /// The zone of stamps that carry none that can be known.
    pub zone: Option<Zone>,
    /// How much is held in memory.
    pub limits: super::ReadLimits,
}

/// Addresses that one record may name; a RADIUS packet of 4096 bytes has room for fewer.
const MOST_KEYS: usize = 256;

/// The last second of year 9999: later stamps are damage.
const LAST_SECOND: i64 = 253_402_300_799;

/// The attribute lines of one record.
struct Attributes<'a> {
    list: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Attributes<'a> {
    /// Takes the lines apart; the first one is the header.
    fn parse(block: &'a [u8]) -> Result<Attributes<'a>, Refusal> {
        let mut list = Vec::new();
        for line in block.split(|b| *b == b'\n').skip(1) {
            let line = line.trim_ascii();
            let bad = || {
                let text = format!("`{}` is no attribute: expected NAME = VALUE", excerpt(line));
                Refusal::new(RejectReason::BadLine, text)
            };
            let equals = line.iter().position(|b| *b == b'=').ok_or_else(bad)?;
            let (name, value) = line.split_at(equals);
            let name = str::from_utf8(name).map_err(|_| bad())?.trim_end_matches([':', '+', ' ']);
            if name.is_empty() || name.contains(|c: char| c.is_whitespace()) {
                return Err(bad());
            }
            list.push((name, value.get(1..).unwrap_or_default().trim_ascii()));
        }
        if list.is_empty() {
            return Err(Refusal::new(RejectReason::Empty, "no attribute follows the header line"));
        }
        Ok(Attributes { list })
    }

    /// Every value of that name, in order.
    fn all(&self, name: &str) -> impl Iterator<Item = Result<String, Refusal>> {
        self.list
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(own, value)| unquote(value).ok_or_else(|| bad_value(own, value)))
    }

    /// The one value of that name; an empty one counts as none.
    fn one(&self, name: &str) -> Result<Option<String>, Refusal> {
        let mut only: Option<String> = None;
        for value in self.all(name) {
            let value = value?;
            if only.as_ref().is_some_and(|before| *before != value) {
                let text = format!("{name} has two different values; which one holds is unknown");
                return Err(Refusal::new(RejectReason::TwoValues, text));
            }
            only = Some(value);
        }
        Ok(only.filter(|value| !value.is_empty()))
    }

    fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.one(name)? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| bad_value(name, value.as_bytes()))
    }
}

fn bad_value(name: &str, value: &[u8]) -> Refusal {
    let text = format!("{name} = `{}` cannot be read", excerpt(value));
    Refusal::new(RejectReason::BadValue, text)
}

/// The text of a bare or quoted value; none where a quote is not closed or the bytes are no UTF-8.
fn unquote(value: &[u8]) -> Option<String> {
    let (Some(quote @ (b'"' | b'\'')), Some(inner)) = (value.first(), value.get(1..)) else {
        return String::from_utf8(value.to_vec()).ok();
    };
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        if byte == quote {
            break;
        }
        if *byte != b'\\' {
            text.push(*byte);
            continue;
        }
        let (escape, tail) = rest.split_first()?;
        rest = tail;
        text.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0'..=b'3' if octal(tail.first()).is_some() && octal(tail.get(1)).is_some() => {
                let high = octal(Some(escape))? << 6;
                let low = (octal(tail.first())? << 3) | octal(tail.get(1))?;
                rest = tail.get(2..).unwrap_or_default();
                high | low
            }
            other => *other,
        });
    }
    rest.is_empty().then(|| String::from_utf8(text).ok())?
}

fn octal(digit: Option<&u8>) -> Option<u8> {
    digit.filter(|d| (b'0'..=b'7').contains(*d)).map(|d| d - b'0')
}

/// Reads one record: its header line and attribute lines, separated by LF.
pub(super) fn parse(
    block: &[u8],
    options: &DetailOptions,
    span: Span,
) -> Result<AccountingRecord, Refusal> {
    let attributes = Attributes::parse(block)?;
    let status = status(&attributes)?;
    let time = time(&attributes, options.zone.as_ref())?;
    let nas = nas(&attributes)?;
    let is_restart = matches!(status, AccountingStatus::On | AccountingStatus::Off);
    let (session, subscriber, keys) = if is_restart {
        (String::new(), None, Vec::new())
    } else {
        let id = options.id_attribute.as_deref().unwrap_or("User-Name");
        let subscriber = attributes.one(id)?.map(|id| SubscriberId::new(&id));
        (session(&attributes, &nas)?, subscriber, keys(&attributes, &options.realm)?)
    };
    Ok(AccountingRecord {
        status,
        subscriber,
        session: session.into(),
        nas: nas.into(),
        keys,
        time,
        session_time_second: attributes.number("Acct-Session-Time")?,
        interim_second: attributes.number("Acct-Interim-Interval")?,
        span,
    })
}

/// RFC 2866, section 5.1; FreeRADIUS writes the names of its dictionary.
fn status(attributes: &Attributes<'_>) -> Result<AccountingStatus, Refusal> {
    let value = attributes.one("Acct-Status-Type")?;
    match value.as_deref() {
        Some("Start" | "1") => Ok(AccountingStatus::Start),
        Some("Stop" | "2") => Ok(AccountingStatus::Stop),
        Some("Interim-Update" | "Alive" | "3") => Ok(AccountingStatus::Interim),
        Some("Accounting-On" | "7") => Ok(AccountingStatus::On),
        Some("Accounting-Off" | "8") => Ok(AccountingStatus::Off),
        other => {
            let shown = other.map_or("(missing)".to_owned(), |v| excerpt(v.as_bytes()));
            let text = format!("Acct-Status-Type {shown} says nothing of a session");
            Err(Refusal::new(RejectReason::UnknownStatus, text))
        }
    }
}

/// The NAS by the attribute that FreeRADIUS itself compares on Accounting-On, else by the next best.
fn nas(attributes: &Attributes<'_>) -> Result<String, Refusal> {
    for name in ["NAS-IP-Address", "NAS-IPv6-Address", "NAS-Identifier", "Packet-Src-IP-Address"] {
        if let Some(nas) = attributes.one(name)? {
            return Ok(nas);
        }
    }
    Ok(String::new())
}

fn session(attributes: &Attributes<'_>, nas: &str) -> Result<String, Refusal> {
    if let Some(unique) = attributes.one("Acct-Unique-Session-Id")? {
        return Ok(unique);
    }
    let Some(id) = attributes.one("Acct-Session-Id")? else {
        let text = "neither Acct-Unique-Session-Id nor Acct-Session-Id: reports cannot be paired";
        return Err(Refusal::new(RejectReason::NoSession, text));
    };
    let user = attributes.one("User-Name")?.unwrap_or_default();
    Ok(format!("{nas}\t{id}\t{user}"))
}

/// The addresses that the record names. Those that stand for no address are left out: 0.0.0.0, 255.255.255.254 and
/// 255.255.255.255 (RFC 2865, section 5.8), `::`, and prefixes of length 0.
fn keys(attributes: &Attributes<'_>, realm: &Realm) -> Result<Vec<BindingKey>, Refusal> {
    let mut keys = Vec::new();
    let v4 = "Framed-IP-Address";
    for value in attributes.all(v4) {
        let value = value?;
        let addr: std::net::Ipv4Addr =
            value.parse().map_err(|_| bad_value(v4, value.as_bytes()))?;
        if !addr.is_unspecified() && u32::from(addr) < 0xffff_fffe {
            keys.push(BindingKey::V4 { net: Ipv4Net::from(addr), realm: realm.clone() });
        }
    }
    for name in ["Framed-IPv6-Address", "Framed-IPv6-Prefix", "Delegated-IPv6-Prefix"] {
        for value in attributes.all(name) {
            let value = value?;
            let bad = || bad_value(name, value.as_bytes());
            let net: Ipv6Net = match value.contains('/') {
                true => value.parse().map_err(|_| bad())?,
                false if name == "Framed-IPv6-Address" => {
                    Ipv6Net::from(value.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?)
                }
                false => return Err(bad()),
            };
            if net.prefix_len() > 0 && !net.addr().is_unspecified() {
                keys.push(BindingKey::V6(net.trunc()));
            }
        }
    }
    if keys.len() > MOST_KEYS {
        let text = format!("{} addresses in one record, more than {MOST_KEYS}", keys.len());
        return Err(Refusal::new(RejectReason::TooLarge, text));
    }
    Ok(keys)
}

/// When it happened: Event-Timestamp where its zone is known; else receipt less delay; else Event-Timestamp in the
/// zone that the caller names.
///
/// Receipt (`Timestamp`) and Acct-Delay-Time are both cut off to seconds, so the event lies up to a second before
/// their difference, and is written with two seconds' resolution.
fn time(attributes: &Attributes<'_>, zone: Option<&Zone>) -> Result<WrittenTime, Refusal> {
    let event = attributes.one("Event-Timestamp")?;
    let event = event.as_deref();
    if let Some(known) = event.and_then(|text| stamp(text, None)) {
        return Ok(known);
    }
    if let Some(receipt) = attributes.one("Timestamp")? {
        let receipt =
            epoch_second(&receipt).ok_or_else(|| bad_value("Timestamp", receipt.as_bytes()))?;
        let delay = i64::from(attributes.number("Acct-Delay-Time")?.unwrap_or(0));
        let start = Timestamp::from_second(receipt.saturating_sub(delay).saturating_sub(1));
        return Ok(WrittenTime::new(start, TimeDelta::from_second(2).as_microsecond()));
    }
    let Some(text) = event else {
        let text = "neither Event-Timestamp nor Timestamp";
        return Err(Refusal::new(RejectReason::NoTime, text));
    };
    if let Some(known) = zone.and_then(|zone| stamp(text, Some(zone))) {
        return Ok(known);
    }
    let shown = excerpt(text.as_bytes());
    Err(match stamp(text, Some(&Zone::UTC)) {
        Some(_) => Refusal::new(
            RejectReason::NoZone,
            format!(
                "Event-Timestamp `{shown}`: name the zone, its abbreviation is not one instant"
            ),
        ),
        None => bad_value("Event-Timestamp", text.as_bytes()),
    })
}

fn epoch_second(text: &str) -> Option<i64> {
    let second = text.parse::<i64>().ok()?;
    (0..=LAST_SECOND).contains(&second).then_some(second)
}

/// Reads `Nov 22 2026 00:18:59 UTC`, RFC 3339, or Unix seconds. Without `zone` only where the text says its zone
/// beyond doubt: CST alone is three zones.
fn stamp(text: &str, zone: Option<&Zone>) -> Option<WrittenTime> {
    if let Some(second) = epoch_second(text) {
        return Some(WrittenTime::from_second(second));
    }
    if let Ok(written) = WrittenTime::parse(text, zone) {
        return (written.start() >= Timestamp::from_second(0)).then_some(written);
    }
    let mut words = text.split_ascii_whitespace();
    let (month, day, year) = (words.next()?, words.next()?, words.next()?);
    let (clock, abbreviation) = (words.next()?, words.next());
    if words.next().is_some() {
        return None;
    }
    let zone = match abbreviation {
        Some("UTC" | "GMT" | "Z") => &Zone::UTC,
        _ => zone?,
    };
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = i8::try_from(months.iter().position(|m| *m == month)? + 1).ok()?;
    let mut clock = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() {
        return None;
    }
    let (year, day) = (year.parse().ok()?, day.parse().ok()?);
    let civil = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let start = zone.instant(civil, text).ok()?;
    (start >= Timestamp::from_second(0))
        .then(|| WrittenTime::new(start, crate::time::MICROS_PER_SECOND))
}
