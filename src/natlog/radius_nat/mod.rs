//! Port sets that RADIUS accounting carries, from FreeRADIUS `detail` files and from what `radsniff -x` prints.
//!
//! ```text
//! Sun Nov 22 00:18:59 2026                           header line, server local time, not read
//!     Acct-Status-Type = Start                       attributes, indented
//!     User-Name = "ann@isp.example"
//!     Framed-IP-Address = 100.64.0.10                the inside host
//!     IP-Port-Range-Ext-IPv4-Addr = 203.0.113.7      the block
//!     IP-Port-Range-Range-Start = 1024
//!     IP-Port-Range-Range-End = 1535
//!     Event-Timestamp = "Nov 22 2026 00:18:59 UTC"   when it happened
//!     Timestamp = 1795306739                         when it arrived
//!                                                    an empty line ends the record
//! ```
//!
//! | who | attributes of a block | what it says happened |
//! |---|---|---|
//! | RFC 8045 | `IP-Port-Range-*`, also as `Extended-Attribute-1.IP-Port-Range.*` | `Alloc` (1, 2), else the status |
//! | Huawei | `Huawei-NAT-Public-Address`, `-Start-Port`, `-End-Port` | `Huawei-NAT-Port-Range-Update` (0 added, 1 deleted), else the status |
//! | H3C, `NetElastic`, Travelping | `H3C-NAT-IP-Address`, `NetElastic-NAT-Public-Address`, `TP-NAT-IP-Address`, and start and end port | the status |
//! | Nokia | `Alc-Nat-Port-Range = "203.0.113.7 1024-1535 router base"`, one a block; `Alc-Nat-Outside-Ip-Addr` where the text has no address | the status; `Alc-Nat-Port-Range-Freed` is a release |
//! | `NFWare` | `NFWare-vCGNAT-NAT-Addr`, `-NAT-Port` or `-NAT-Port-Start` and `-End`, `-Inside-*`, `-Dest-*` | `NFWare-vCGNAT-Action` |
//!
//! Attributes that no dictionary of the server names are written by number, `Attr-26.25506.33 = 0x00000400`: those of
//! Huawei, H3C, `NetElastic` and Travelping are read all the same, any other of the table refuses its record.
//!
//! The status is Acct-Status-Type (RFC 2866): Start gives the block, Interim-Update shows it held, Stop takes it back.
//! Accounting-On and -Off mean that the NAS lost what it gave, as long as the stream is of one NAS. A record without any
//! of these attributes is passed over, and so are ports that are only forwarded inwards (IP-Port-Forwarding-Map).
//!
//! The inside host is the one that stands with the block, else Framed-IP-Address (with the realm of `Alc-Serv-Id`), else
//! `Alc-Subsc-ID-Str` (`LSN44@`, `DS-Lite@`, `NAT64@`), else an IPv6 address or the delegated prefix.
//!
//! radsniff puts no empty line between packets: its own header lines begin them, and their
//! stamps count where Event-Timestamp is missing.
//!
//! A Stop with one block carries its start, Acct-Session-Time before. Where blocks were added later, a Stop names
//! several, and which began when is not known.
//!
//! # Cut records
//!
//! A record without header or without its empty line was cut short. At the end of the stream it still counts if its
//! last line is whole and the one that FreeRADIUS writes last, `Timestamp`.

mod attributes;
mod block;
mod says;

use jiff::civil::DateTime;

pub(super) use self::attributes::is_of_radsniff;
use self::attributes::{Attributes, number, text_of};
use self::block::{Blocks, Change, Found, Unit};
use self::says::Says;
use super::clock::{Clock, utc};
use super::format::{Cut, FormatInfo, Status, Yields};
use super::reader::{LineParser, ReaderOptions};
use super::scan::Cursor;
use super::stamp::stamp;
use super::{Event, EventKind, RejectReason};
use crate::inside::{InsideHost, Realm};
use crate::time::{MICROS_PER_SECOND, TimeDelta, Timestamp, WrittenTime};

/// What is known of the format.
pub(super) const INFO: FormatInfo = FormatInfo {
    name: "radius-nat",
    title: "RADIUS accounting with port sets (FreeRADIUS detail, radsniff)",
    status: Status::Documents,
    yields: Yields {
        session: true,
        block: true,
        start_on_release: true,
        destination: true,
        login: true,
    },
    time_basis: "Event-Timestamp of the NAS (1 s), else receipt less delay (2 s)",
    source: "RFC 8045; dictionaries of FreeRADIUS 3.2; RADIUS attribute references of Nokia and Huawei",
    cut: Cut::Paragraphs,
    parser: |options| Box::new(RadiusNatParser::new(&options)),
};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The last second of year 9999: later stamps are damage.
const LAST_SECOND: i64 = 253_402_300_799;

/// A parser of records.
#[derive(Debug)]
pub struct RadiusNatParser {
    clock: Clock,
    realm: Realm,
    /// The realm of the last record that named one.
    last_realm: Realm,
    blocks: Blocks,
    /// How many blocks of the record are read.
    read: usize,
    /// What the blocks of the record share.
    shared: Event,
    /// The NAS of the stream, and whether there are several.
    nas: Vec<u8>,
    has_several_nas: bool,
    is_whole: bool,
}

/// RFC 2866, section 5.1; FreeRADIUS writes the names of its dictionary.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AcctStatus {
    Start,
    Stop,
    Interim,
    OnOrOff,
}

impl RadiusNatParser {
    /// A parser with the zone and realm of the options.
    pub fn new(options: &ReaderOptions) -> RadiusNatParser {
        RadiusNatParser {
            clock: Clock::new(options),
            realm: options.realm().clone(),
            last_realm: Realm::EMPTY,
            blocks: Blocks::default(),
            read: 0,
            shared: Event::default(),
            nas: Vec::new(),
            has_several_nas: false,
            is_whole: false,
        }
    }

    fn record(&mut self, record: &[u8]) -> Result<(), (RejectReason, u32)> {
        self.blocks.clear();
        self.read = 0;
        self.shared = Event::default();
        self.is_whole = false;
        let mut attributes = Attributes::of(record)?;
        let mut says = Says { header: attributes.header(), ..Says::default() };
        let mut last: &[u8] = b"";
        while let Some((name, value, at)) = attributes.next()? {
            let taken = match self.blocks.take(name, value) {
                Some(taken) => taken,
                None => says.take(name, value),
            };
            taken.map_err(|reason| (reason, at))?;
            last = name;
        }
        let is_last = matches!(last, b"Timestamp" | b"Authenticator-Field");
        self.is_whole = attributes.ends_with_line() && is_last;
        let at = attributes.column();
        self.blocks.finish().map_err(|reason| (reason, at))?;
        self.note_nas(says.nas);
        self.interpret(&says).map_err(|reason| (reason, at))
    }

    fn note_nas(&mut self, nas: Option<&[u8]>) {
        let Some(nas) = nas else { return };
        if self.nas.is_empty() {
            self.nas.extend_from_slice(nas);
        } else if self.nas != nas {
            self.has_several_nas = true;
        }
    }

    fn interpret(&mut self, says: &Says<'_>) -> Result<(), RejectReason> {
        let status = match says.status {
            Some(b"Start" | b"1") => Some(AcctStatus::Start),
            Some(b"Stop" | b"2") => Some(AcctStatus::Stop),
            Some(b"Interim-Update" | b"Alive" | b"3") => Some(AcctStatus::Interim),
            Some(b"Accounting-On" | b"7" | b"Accounting-Off" | b"8") => Some(AcctStatus::OnOrOff),
            Some(_) | None => None,
        };
        self.shared.time = self.time(says)?;
        if status == Some(AcctStatus::OnOrOff) {
            if self.has_several_nas {
                return Err(RejectReason::UnknownEvent);
            }
            self.need_time(says)?;
            self.shared.kind = EventKind::DeviceRestart;
            return Ok(());
        }
        if self.blocks.is_empty() {
            return Err(RejectReason::NotNat);
        }
        self.need_time(says)?;
        if let Some(user) = says.user {
            self.shared.login = Some(text_of(user).ok_or(RejectReason::NotUtf8)?);
        }
        let host = self.host(says)?;
        let is_alone = self.blocks.len() == 1;
        for found in self.blocks.iter_mut() {
            found.kind = Some(kind(found, status)?);
            if found.inside.is_none() {
                found.inside.clone_from(&host);
            }
            if let Some(InsideHost::V4 { addr, realm }) = &found.inside
                && realm.is_empty()
            {
                let realm = found.realm.as_ref().unwrap_or(&self.realm).clone();
                found.inside = Some(InsideHost::V4 { addr: *addr, realm });
            }
            found.inside.as_ref().ok_or(RejectReason::MissingField)?;
            if status == Some(AcctStatus::Stop)
                && found.kind == Some(EventKind::BlockRelease)
                && is_alone
            {
                found.start = start(self.shared.time, says.session_time);
            }
        }
        Ok(())
    }

    /// When it happened: Event-Timestamp where its zone is known, else receipt less delay.
    ///
    /// Receipt and delay are both cut off to seconds, so the event lies up to a second before their difference.
    fn time(&mut self, says: &Says<'_>) -> Result<Option<WrittenTime>, RejectReason> {
        let stamp = says.event_stamp.map(|text| self.event_stamp(text));
        match (stamp, says.receipt) {
            (Some(Ok(time)), _) => Ok(Some(time)),
            (_, Some(receipt)) => {
                let second = i64::try_from(receipt).ok().filter(|s| *s <= LAST_SECOND);
                let delay = i64::try_from(says.delay.unwrap_or(0)).ok();
                let second = second.zip(delay).and_then(|(s, d)| s.checked_sub(d)?.checked_sub(1));
                let second = second.filter(|s| *s >= 0).ok_or(RejectReason::BadTime)?;
                let start = Timestamp::from_second(second);
                Ok(Some(WrittenTime::new(start, 2 * MICROS_PER_SECOND)))
            }
            (Some(Err(reason)), None) => Err(reason),
            (None, None) => Ok(None),
        }
    }

    /// Takes the stamp of radsniff's header line where no attribute says when it was.
    fn need_time(&mut self, says: &Says<'_>) -> Result<(), RejectReason> {
        if self.shared.time.is_some() {
            return Ok(());
        }
        let stamp = stamp(&mut Cursor::new(says.header)).filter(|_| is_of_radsniff(says.header));
        let stamp = stamp.ok_or(RejectReason::NoStamp)?;
        let receipt = self.clock.read(&stamp)?;
        let delay = says.delay.unwrap_or(0).checked_add(1).and_then(|d| i64::try_from(d).ok());
        let delay = delay.filter(|d| *d <= LAST_SECOND).ok_or(RejectReason::BadTime)?;
        let start = receipt.start().minus(TimeDelta::from_second(delay));
        let resolution = receipt.resolution_microsecond().saturating_add(MICROS_PER_SECOND);
        self.shared.time = Some(WrittenTime::new(start, resolution));
        Ok(())
    }

    /// `Nov 22 2026 00:18:59 UTC`, RFC 3339 or Unix seconds.
    fn event_stamp(&mut self, text: &[u8]) -> Result<WrittenTime, RejectReason> {
        let bad = RejectReason::BadTime;
        if let Some(second) = number(text) {
            let second = i64::try_from(second).ok().filter(|s| *s <= LAST_SECOND).ok_or(bad)?;
            return Ok(WrittenTime::from_second(second));
        }
        let text = std::str::from_utf8(text).map_err(|_| bad)?;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return WrittenTime::parse(text, None).map_err(|_| bad);
        }
        let mut words = text.split_ascii_whitespace();
        let (month, day, year) = (words.next(), words.next(), words.next());
        let (clock, zone) = (words.next().unwrap_or_default(), words.next());
        let month = MONTHS.iter().position(|m| Some(*m) == month).ok_or(bad)?;
        let month = i8::try_from(month + 1).map_err(|_| bad)?;
        let day = day.and_then(|d| d.parse().ok()).ok_or(bad)?;
        let year = year.and_then(|y| y.parse().ok()).ok_or(bad)?;
        let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
        let mut part = || parts.next().flatten().ok_or(bad);
        let (hour, minute, second) = (part()?, part()?, part()?);
        if parts.next().is_some() || words.next().is_some() {
            return Err(bad);
        }
        let civil = DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| bad)?;
        match zone {
            Some("UTC" | "GMT" | "Z") => utc(civil, 0, MICROS_PER_SECOND),
            // The abbreviation alone is not one zone: CST is three.
            _ => self.clock.civil(civil, 0, MICROS_PER_SECOND),
        }
    }

    /// Whose blocks they are, where no block says it itself.
    fn host(&mut self, says: &Says<'_>) -> Result<Option<InsideHost>, RejectReason> {
        let realm = match says.service {
            None | Some(b"0" | b"-" | b"") => self.realm.clone(),
            Some(name) => {
                let name = std::str::from_utf8(name).map_err(|_| RejectReason::BadHost)?;
                if self.last_realm.as_str() != name {
                    self.last_realm = Realm::new(name);
                }
                self.last_realm.clone()
            }
        };
        if let Some(addr) = says.framed_v4 {
            return Ok(Some(InsideHost::V4 { addr, realm }));
        }
        if let Some(text) = says.subscriber
            && let Some((kind, addr)) =
                std::str::from_utf8(text).ok().and_then(|t| t.split_once('@'))
        {
            let bad = |_| RejectReason::BadHost;
            match kind {
                "LSN44" => {
                    return Ok(Some(InsideHost::V4 { addr: addr.parse().map_err(bad)?, realm }));
                }
                "DS-Lite" | "DS-lite" => {
                    let addr = addr.parse().map_err(bad)?;
                    return Ok(Some(InsideHost::B4 { addr, inner: None }));
                }
                "NAT64" => return Ok(Some(InsideHost::V6(addr.parse().map_err(bad)?))),
                _ => {}
            }
        }
        Ok(match (says.framed_v6, says.prefix) {
            (Some(addr), _) => Some(InsideHost::V6(addr)),
            (None, Some(prefix)) if prefix.prefix_len() == 128 => {
                Some(InsideHost::V6(prefix.addr()))
            }
            (None, Some(prefix)) => Some(InsideHost::prefix(prefix)),
            (None, None) => None,
        })
    }

    /// The next block as an event; none where all were read.
    fn next_block(&mut self, event: &mut Event) -> Option<()> {
        let found = self.blocks.get(self.read)?;
        self.read += 1;
        *event = self.shared.clone();
        event.kind = found.kind?;
        event.protocol = found.protocol;
        event.inside.clone_from(&found.inside);
        event.inside_port = found.inside_port;
        event.outside = found.outside;
        event.ports = found.ports;
        event.destination = found.destination;
        event.start = found.start;
        event.pool.clone_from(&found.pool);
        Some(())
    }
}

/// What happened to a block.
fn kind(found: &Found, status: Option<AcctStatus>) -> Result<EventKind, RejectReason> {
    let change = match (found.change, status) {
        // A session that ends gives nothing.
        (Some(Change::Given), Some(AcctStatus::Stop)) => return Err(RejectReason::BadValue),
        (Some(change), _) => change,
        (None, Some(AcctStatus::Start)) => Change::Given,
        (None, Some(AcctStatus::Interim)) => Change::Held,
        (None, Some(AcctStatus::Stop)) => Change::Taken,
        (None, Some(AcctStatus::OnOrOff) | None) => return Err(RejectReason::UnknownEvent),
    };
    match (found.unit, change) {
        (Unit::Block, Change::Given) => Ok(EventKind::BlockAlloc),
        (Unit::Block, Change::Held) => Ok(EventKind::BlockInterim),
        (Unit::Block, Change::Taken) => Ok(EventKind::BlockRelease),
        (Unit::Port, Change::Given) => Ok(EventKind::PortCreate),
        (Unit::Port, Change::Taken) => Ok(EventKind::PortDelete),
        (Unit::Flow, Change::Given) => Ok(EventKind::SessionCreate),
        (Unit::Flow, Change::Taken) => Ok(EventKind::SessionDelete),
        (Unit::Flow | Unit::Port, Change::Held) => Ok(EventKind::Update),
        (Unit::Address, Change::Given) => Ok(EventKind::AddressBind),
        (Unit::Address, Change::Taken) => Ok(EventKind::AddressRelease),
        (Unit::Address, Change::Held) => Err(RejectReason::OtherEvent),
    }
}

/// The begin of a session that ended at `time` after so many seconds: both are cut off, so it is known to two.
fn start(time: Option<WrittenTime>, session_time: Option<u64>) -> Option<WrittenTime> {
    let (time, length) = time.zip(session_time)?;
    let length = i64::try_from(length).ok()?.checked_add(1)?.checked_mul(MICROS_PER_SECOND)?;
    let start = time.start().as_microsecond().checked_sub(length)?;
    let resolution = time.resolution_microsecond().checked_add(MICROS_PER_SECOND)?;
    Some(WrittenTime::new(Timestamp::from_microsecond(start), resolution))
}

impl LineParser for RadiusNatParser {
    fn parse_line(&mut self, line: &[u8], event: &mut Event) -> Result<(), (RejectReason, u32)> {
        if let Err(err) = self.record(line) {
            event.time = self.shared.time;
            self.blocks.clear();
            return Err(err);
        }
        if self.shared.kind == EventKind::DeviceRestart {
            self.blocks.clear();
            event.clone_from(&self.shared);
            return Ok(());
        }
        self.next_block(event).ok_or((RejectReason::MissingField, 1))
    }

    fn parse_more(
        &mut self,
        _line: &[u8],
        event: &mut Event,
    ) -> Option<Result<(), (RejectReason, u32)>> {
        self.next_block(event).map(Ok)
    }

    fn is_surely_whole(&self) -> bool {
        self.is_whole
    }
}

#[cfg(test)]
mod tests;
