//! The blocks that the attributes of one record give.

use std::net::Ipv4Addr;

use super::attributes::{number, text_of};
use crate::allocation::Destination;
use crate::inside::{InsideHost, Realm};
use crate::natlog::{EventKind, RejectReason};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::WrittenTime;

/// Blocks that one record may name; a RADIUS packet of 4096 bytes has room for fewer.
const MOST: usize = 512;

/// What a record says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Given,
    Held,
    Taken,
}

/// What it happened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unit {
    #[default]
    Block,
    Port,
    Flow,
    /// A public address without ports.
    Address,
}

/// One block, port or flow.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) unit: Unit,
    pub(super) change: Option<Change>,
    pub(super) kind: Option<EventKind>,
    pub(super) protocol: Option<Protocol>,
    pub(super) inside: Option<InsideHost>,
    pub(super) realm: Option<Realm>,
    pub(super) inside_port: Option<u16>,
    pub(super) outside: Option<Ipv4Addr>,
    pub(super) ports: Option<PortRange>,
    pub(super) destination: Option<Destination>,
    pub(super) pool: Option<Box<str>>,
    pub(super) start: Option<WrittenTime>,
}

/// The attributes of a group, of one maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Outside,
    First,
    Last,
    Port,
    Change,
    Transport,
    InsideV4,
    InsideV6,
    InsidePort,
    Far,
    FarPort,
    Vrf,
    Pool,
}

/// Whose attributes make up a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Rfc8045,
    Vendor,
    Nfware,
}

#[derive(Clone, Debug, Default)]
struct Group {
    maker: Option<Maker>,
    first: Option<u16>,
    last: Option<u16>,
    port: Option<u16>,
    inside_v4: Option<Ipv4Addr>,
    inside_v6: Option<std::net::Ipv6Addr>,
    far: Option<Ipv4Addr>,
    far_port: Option<u16>,
    transport: Option<Transport>,
    found: Found,
    has: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    All,
    TcpAndUdp,
    One(Protocol),
}

/// The blocks of one record, in the order of its attributes.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    found: Vec<Found>,
    open: Group,
    /// `Alc-Nat-Outside-Ip-Addr`, for ranges without an address.
    outside: Option<Ipv4Addr>,
    too_many: bool,
}

impl Blocks {
    pub(super) fn clear(&mut self) {
        self.found.clear();
        self.open = Group::default();
        self.outside = None;
        self.too_many = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Found> {
        self.found.get(at)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Found> {
        self.found.iter_mut()
    }

    /// Takes in an attribute; none if it says nothing of a block.
    pub(super) fn take(&mut self, name: &[u8], value: &[u8]) -> Option<Result<(), RejectReason>> {
        match name {
            b"Alc-Nat-Port-Range" => return Some(self.nokia(value, None)),
            b"Alc-Nat-Port-Range-Freed" => return Some(self.nokia(value, Some(Change::Taken))),
            b"Alc-Nat-Outside-Ip-Addr" => {
                return Some(match ipv4(value) {
                    Ok(addr) => {
                        self.outside = Some(addr);
                        Ok(())
                    }
                    Err(reason) => Err(reason),
                });
            }
            _ => {}
        }
        let (maker, part) = match raw(name, value) {
            Raw::Part(part) => (Maker::Vendor, part),
            Raw::Unread => return Some(Err(RejectReason::UnknownField)),
            Raw::No => part(name)?,
        };
        if self.open.maker.is_some_and(|open| open != maker)
            || self.open.has & (1 << part as u16) != 0
        {
            // The same again, or another maker's: the group before is complete.
            if let Err(reason) = self.close() {
                return Some(Err(reason));
            }
        }
        self.open.maker = Some(maker);
        self.open.has |= 1 << part as u16;
        if let Some(hex) = value.strip_prefix(b"0x") {
            return Some(self.open.set_hex(part, hex));
        }
        Some(self.open.set(maker, part, value))
    }

    /// `203.0.113.7 1024-1535 router base`, or the ports alone.
    fn nokia(&mut self, value: &[u8], change: Option<Change>) -> Result<(), RejectReason> {
        let text = std::str::from_utf8(value).map_err(|_| RejectReason::BadValue)?;
        let mut words = text.split_ascii_whitespace();
        let first = words.next().ok_or(RejectReason::MissingField)?;
        let (outside, range) = match first.parse::<Ipv4Addr>() {
            Ok(addr) => (Some(addr), words.next().ok_or(RejectReason::MissingField)?),
            Err(_) => (None, first),
        };
        let (first, last) = range.split_once('-').ok_or(RejectReason::BadPort)?;
        let port = |text: &str| port(text.as_bytes());
        let ports = PortRange::new(port(first)?, port(last)?).map_err(|_| RejectReason::BadPort)?;
        self.push(Found { change, outside, ports: Some(ports), ..Found::default() });
        Ok(())
    }

    fn push(&mut self, found: Found) {
        if self.found.len() < MOST {
            self.found.push(found);
        } else {
            self.too_many = true;
        }
    }

    /// Ends the group that is open.
    fn close(&mut self) -> Result<(), RejectReason> {
        let group = std::mem::take(&mut self.open);
        if group.maker.is_none() {
            return Ok(());
        }
        let mut found = group.found;
        found.ports = match (group.port, group.first, group.last) {
            (Some(port), None, None) => Some(PortRange::single(port)),
            (None, Some(first), Some(last)) => {
                Some(PortRange::new(first, last).map_err(|_| RejectReason::BadPort)?)
            }
            (None, None, None) if found.outside.is_some() => None,
            // What is left of a range, or a limit without one.
            (None, None, None) => return Ok(()),
            _ => return Err(RejectReason::MissingField),
        };
        found.outside.ok_or(RejectReason::MissingField)?;
        found.unit = match (group.far, group.port, found.ports) {
            (_, _, None) => Unit::Address,
            (Some(_), ..) => Unit::Flow,
            (None, Some(_), _) => Unit::Port,
            (None, None, _) => Unit::Block,
        };
        found.destination = match (group.far, group.far_port) {
            (Some(addr), port) => Some(Destination { addr, port }),
            (None, Some(_)) => return Err(RejectReason::MissingField),
            (None, None) => None,
        };
        found.inside = match (group.inside_v4, group.inside_v6) {
            (inner, Some(addr)) if inner.is_some() => Some(InsideHost::B4 { addr, inner }),
            (_, Some(addr)) => Some(InsideHost::V6(addr)),
            (Some(addr), None) => Some(InsideHost::v4(addr)),
            (None, None) => None,
        };
        match group.transport {
            Some(Transport::TcpAndUdp) => {
                // Not ICMP: its identifiers are somebody else's.
                self.push(Found { protocol: Some(Protocol::TCP), ..found.clone() });
                self.push(Found { protocol: Some(Protocol::UDP), ..found });
            }
            Some(Transport::One(protocol)) => {
                self.push(Found { protocol: Some(protocol), ..found });
            }
            Some(Transport::All) | None => self.push(found),
        }
        Ok(())
    }

    /// Ends the record.
    pub(super) fn finish(&mut self) -> Result<(), RejectReason> {
        self.close()?;
        if self.too_many {
            return Err(RejectReason::LineTooLong);
        }
        for found in &mut self.found {
            found.outside = found.outside.or(self.outside);
            found.outside.ok_or(RejectReason::MissingField)?;
        }
        Ok(())
    }
}

impl Group {
    /// Four bytes in hex, as FreeRADIUS writes a number or address that no dictionary of its names.
    fn set_hex(&mut self, part: Part, hex: &[u8]) -> Result<(), RejectReason> {
        let text = std::str::from_utf8(hex).ok().filter(|text| text.len() == 8);
        let value = text.and_then(|text| u32::from_str_radix(text, 16).ok());
        let value = value.ok_or(RejectReason::BadValue)?;
        let port = || u16::try_from(value).map_err(|_| RejectReason::BadPort);
        match part {
            Part::Outside => self.found.outside = Some(Ipv4Addr::from(value)),
            Part::First => self.first = Some(port()?),
            Part::Last => self.last = Some(port()?),
            Part::Change => {
                self.found.change = Some(match value {
                    0 => Change::Given,
                    1 => Change::Taken,
                    _ => return Err(RejectReason::UnknownEvent),
                });
            }
            _ => return Err(RejectReason::BadValue),
        }
        Ok(())
    }

    fn set(&mut self, maker: Maker, part: Part, value: &[u8]) -> Result<(), RejectReason> {
        let text = || std::str::from_utf8(value).map_err(|_| RejectReason::BadValue);
        match part {
            Part::Outside => self.found.outside = Some(ipv4(value)?),
            Part::First => self.first = Some(port(value)?),
            Part::Last => self.last = Some(port(value)?),
            Part::Port => self.port = Some(port(value)?),
            Part::InsideV4 => self.inside_v4 = Some(ipv4(value)?),
            Part::InsideV6 => {
                self.inside_v6 = Some(text()?.parse().map_err(|_| RejectReason::BadAddress)?);
            }
            Part::InsidePort => self.found.inside_port = Some(port(value)?),
            Part::Far => self.far = Some(ipv4(value)?),
            Part::FarPort => self.far_port = Some(port(value)?),
            Part::Vrf => match value {
                b"0" | b"-" | b"" => {}
                _ => self.found.realm = Some(Realm::new(text()?)),
            },
            Part::Pool => self.found.pool = text_of(value),
            Part::Change => self.found.change = Some(change(maker, value)?),
            Part::Transport => self.transport = Some(transport(maker, value)?),
        }
        Ok(())
    }
}

/// What an attribute is that FreeRADIUS writes by number, for want of a dictionary.
enum Raw {
    Part(Part),
    /// One of ours, in a form that is not read.
    Unread,
    No,
}

/// `Attr-26.VENDOR.NUMBER`, or `Vendor-VENDOR-Attr-NUMBER` of older servers.
fn raw(name: &[u8], value: &[u8]) -> Raw {
    if name == b"Extended-Attribute-1" && value.windows(13).any(|w| w == b"IP-Port-Range") {
        return Raw::Unread;
    }
    if name.starts_with(b"Attr-241.6.") || name == b"Attr-241.6" {
        return Raw::Unread;
    }
    let split = |prefix: &[u8], between: &[u8]| {
        let rest = name.strip_prefix(prefix)?;
        let at = rest.windows(between.len()).position(|w| w == between)?;
        let (vendor, number) = rest.split_at_checked(at)?;
        Some((vendor, number.get(between.len()..)?))
    };
    let Some((vendor, number)) = split(b"Attr-26.", b".").or_else(|| split(b"Vendor-", b"-Attr-"))
    else {
        return Raw::No;
    };
    match (vendor, number) {
        (b"2011" | b"54268", b"161") | (b"25506", b"32") | (b"18681", b"16") => {
            Raw::Part(Part::Outside)
        }
        (b"2011" | b"54268", b"162") | (b"25506", b"33") | (b"18681", b"28") => {
            Raw::Part(Part::First)
        }
        (b"2011" | b"54268", b"163") | (b"25506", b"34") | (b"18681", b"29") => {
            Raw::Part(Part::Last)
        }
        (b"2011", b"165") => Raw::Part(Part::Change),
        (b"6527", b"121" | b"141") => Raw::Unread,
        _ => Raw::No,
    }
}

fn part(name: &[u8]) -> Option<(Maker, Part)> {
    if let Some(name) = name.strip_prefix(b"NFWare-vCGNAT-") {
        let part = match name {
            b"Action" => Part::Change,
            b"VRF" => Part::Vrf,
            b"Protocol" => Part::Transport,
            b"Inside-Addr" => Part::InsideV4,
            b"Inside-Port" => Part::InsidePort,
            b"NAT-Addr" => Part::Outside,
            b"NAT-Port" => Part::Port,
            b"NAT-Port-Start" => Part::First,
            b"NAT-Port-End" => Part::Last,
            b"Dest-Addr" => Part::Far,
            b"Dest-Port" => Part::FarPort,
            _ => return None,
        };
        return Some((Maker::Nfware, part));
    }
    let rfc = name.strip_prefix(b"Extended-Attribute-1.").unwrap_or(name);
    if let Some(rfc) = rfc.strip_prefix(b"IP-Port-Range") {
        let part = match rfc.get(1..)? {
            b"Type" => Part::Transport,
            b"Ext-IPv4-Addr" => Part::Outside,
            b"Int-IPv4-Addr" => Part::InsideV4,
            b"Int-IPv6-Addr" => Part::InsideV6,
            b"Alloc" => Part::Change,
            b"Range-Start" | b"Start" => Part::First,
            b"Range-End" | b"End" => Part::Last,
            _ => return None,
        };
        return Some((Maker::Rfc8045, part));
    }
    let prefixes: [&[u8]; 5] = [b"Huawei-", b"HW-", b"H3C-", b"NetElastic-", b"TP-"];
    let name = prefixes.iter().find_map(|prefix| name.strip_prefix(*prefix))?;
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    let part = if is(b"NAT-Public-Address") || is(b"NAT-IP-Address") {
        Part::Outside
    } else if is(b"NAT-Start-Port") || is(b"NAT-Port-Start") {
        Part::First
    } else if is(b"NAT-End-Port") || is(b"NAT-Port-End") {
        Part::Last
    } else if is(b"NAT-Port-Range-Update") {
        Part::Change
    } else if is(b"NAT-Pool-Id") {
        Part::Pool
    } else {
        return None;
    };
    Some((Maker::Vendor, part))
}

fn change(maker: Maker, value: &[u8]) -> Result<Change, RejectReason> {
    match (maker, value) {
        (Maker::Rfc8045, b"1" | b"Allocation")
        | (Maker::Vendor, b"0")
        | (Maker::Nfware, b"Port-Allocated" | b"Session-Created" | b"Port-Block-Allocated") => {
            Ok(Change::Given)
        }
        (Maker::Rfc8045, b"2" | b"Deallocation")
        | (Maker::Vendor, b"1")
        | (Maker::Nfware, b"Port-Freed" | b"Session-Deleted" | b"Port-Block-Freed") => {
            Ok(Change::Taken)
        }
        // Huawei's 3: the public side is another one from now on, and what it was is not said.
        _ => Err(RejectReason::UnknownEvent),
    }
}

fn transport(maker: Maker, value: &[u8]) -> Result<Transport, RejectReason> {
    let bad = RejectReason::BadProtocol;
    match maker {
        // RFC 8045, section 3.2.1.
        Maker::Rfc8045 => match value {
            b"1" => Ok(Transport::All),
            b"2" => Ok(Transport::TcpAndUdp),
            b"3" => Ok(Transport::One(Protocol::TCP)),
            b"4" => Ok(Transport::One(Protocol::UDP)),
            b"5" => Ok(Transport::One(Protocol::ICMP)),
            _ => Err(bad),
        },
        Maker::Vendor | Maker::Nfware => {
            let text = std::str::from_utf8(value).map_err(|_| bad)?;
            text.parse().map(Transport::One).map_err(|_| bad)
        }
    }
}

fn ipv4(value: &[u8]) -> Result<Ipv4Addr, RejectReason> {
    let text = std::str::from_utf8(value).map_err(|_| RejectReason::BadAddress)?;
    text.parse().map_err(|_| RejectReason::BadAddress)
}

fn port(value: &[u8]) -> Result<u16, RejectReason> {
    number(value).and_then(|n| u16::try_from(n).ok()).ok_or(RejectReason::BadPort)
}
