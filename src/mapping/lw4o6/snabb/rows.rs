//! Rows as the file has them, and how they become softwires.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::read::{decimal, port_params, short_bytes};
use super::super::{BadBinding, BindingReadError, BindingTable, Softwire, TextPosition};
use super::{BrBase, SnabbOptions};
use crate::mapping::PsidParams;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) psid_map: Vec<PsidMapEntry>,
    pub(super) br_addresses: Vec<Ipv6Addr>,
    pub(super) softwires: Vec<RawSoftwire>,
}

/// Addresses, first and last, that share their ports in one way.
#[derive(Clone, Copy, Debug)]
pub(super) struct PsidMapEntry {
    pub(super) at: TextPosition,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) params: PsidParams,
}

/// A row with what it says itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawSoftwire {
    pub(super) at: TextPosition,
    pub(super) ipv4: Ipv4Addr,
    pub(super) psid: u16,
    pub(super) b4: Ipv6Addr,
    pub(super) params: Option<PsidParams>,
    pub(super) br: RawBr,
}

/// How a row names its relay.
#[derive(Clone, Copy, Debug)]
pub(super) enum RawBr {
    Address(Ipv6Addr),
    Index(u64),
    /// Not at all: the first of the file.
    First,
}

impl Parts {
    /// How many things were read so far.
    pub(super) fn count(&self) -> usize {
        self.psid_map.len() + self.br_addresses.len() + self.softwires.len()
    }

    /// The table; `usual` is how the form counts the addresses of the relay.
    pub(super) fn table(
        self,
        options: &SnabbOptions,
        usual: BrBase,
    ) -> Result<BindingTable, BindingReadError> {
        let map = disjoint(self.psid_map)?;
        let base = options.br_base.unwrap_or(usual);
        let rows = self.softwires.iter().map(|raw| {
            let params = match (raw.params, map.is_empty()) {
                (Some(params), true) => params,
                (Some(_), false) => {
                    let what = BadBinding::TwoForms { first: "port-set", second: "psid-map" };
                    return Err(raw.at.bad(what));
                }
                (None, _) => find(&map, raw.ipv4)
                    .ok_or_else(|| raw.at.bad(BadBinding::NoPsidMap { addr: raw.ipv4 }))?,
            };
            let br = relay(raw, &self.br_addresses, base)?;
            let row = Softwire::new(raw.ipv4, params, raw.psid, raw.b4)
                .map_err(|e| raw.at.bad(BadBinding::Softwire(e)))?;
            let row = row.with_lifetime(options.lifetime);
            Ok(br.map_or(row, |br| row.with_br(br)))
        });
        Ok(BindingTable::new(rows.collect::<Result<_, _>>()?))
    }
}

/// The entries ascending, those that overlap joined; they must agree.
fn disjoint(mut entries: Vec<PsidMapEntry>) -> Result<Vec<PsidMapEntry>, BindingReadError> {
    entries.sort_by_key(|entry| (entry.first, entry.last));
    let mut joined: Vec<PsidMapEntry> = Vec::with_capacity(entries.len());
    for entry in entries {
        match joined.last_mut() {
            Some(last) if entry.first <= last.last => {
                if entry.params != last.params {
                    let addr = Ipv4Addr::from(entry.first);
                    // Of the two, the one that stands later in the file.
                    let at = entry.at.max(last.at);
                    return Err(at.bad(BadBinding::PsidMapOverlap { addr }));
                }
                last.last = last.last.max(entry.last);
            }
            _ => joined.push(entry),
        }
    }
    Ok(joined)
}

fn find(map: &[PsidMapEntry], addr: Ipv4Addr) -> Option<PsidParams> {
    let addr = u32::from(addr);
    let after = map.partition_point(|entry| entry.first <= addr);
    let entry = map.get(after.checked_sub(1)?)?;
    (addr <= entry.last).then_some(entry.params)
}

fn relay(
    raw: &RawSoftwire,
    addresses: &[Ipv6Addr],
    base: BrBase,
) -> Result<Option<Ipv6Addr>, BindingReadError> {
    let index = match raw.br {
        RawBr::Address(addr) => return Ok(Some(addr)),
        RawBr::First => return Ok(addresses.first().copied()),
        RawBr::Index(index) => index,
    };
    let first = match base {
        BrBase::Zero => 0,
        BrBase::One => 1,
    };
    let place = index.checked_sub(u64::from(first)).and_then(|i| usize::try_from(i).ok());
    let found = place.and_then(|place| addresses.get(place)).copied();
    let no_br = || BadBinding::NoBr { index, count: addresses.len(), base: first };
    found.map(Some).ok_or_else(|| raw.at.bad(no_br()))
}

/// Port parameters from the PSID length, the bits below the PSID, and the reserved bits.
pub(super) fn map_params(
    len: u8,
    shift: Option<u8>,
    reserved: Option<u8>,
) -> Result<PsidParams, BadBinding> {
    let left = 16_u8.checked_sub(len);
    let offset = match (shift, reserved) {
        (None, reserved) => Some(reserved.unwrap_or(0)),
        (Some(shift), None) => left.and_then(|left| left.checked_sub(shift)),
        (Some(shift), Some(reserved)) => {
            let rest = left.and_then(|left| left.checked_sub(shift));
            rest.filter(|rest| *rest == reserved)
        }
    };
    match offset {
        Some(offset) => port_params(offset, len),
        None => Err(BadBinding::PortBits {
            offset: reserved.unwrap_or(0),
            len,
            shift: shift.unwrap_or(0),
        }),
    }
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) at: TextPosition,
    pub(super) field: &'static str,
    pub(super) text: &'a [u8],
}

impl Value<'_> {
    fn bad(&self, expected: &'static str) -> BindingReadError {
        let (field, found) = (self.field, short_bytes(self.text));
        self.at.bad(BadBinding::Value { field, found, expected })
    }

    fn parse<T: std::str::FromStr>(&self, expected: &'static str) -> Result<T, BindingReadError> {
        let text = std::str::from_utf8(self.text).ok().and_then(|text| text.parse().ok());
        text.ok_or_else(|| self.bad(expected))
    }

    fn number<T: std::str::FromStr>(&self, expected: &'static str) -> Result<T, BindingReadError> {
        std::str::from_utf8(self.text).ok().and_then(decimal).ok_or_else(|| self.bad(expected))
    }

    pub(super) fn ipv4(&self) -> Result<Ipv4Addr, BindingReadError> {
        self.parse("an IPv4 address")
    }

    pub(super) fn ipv6(&self) -> Result<Ipv6Addr, BindingReadError> {
        self.parse("an IPv6 address")
    }

    /// A number of bits of a port.
    pub(super) fn bits(&self) -> Result<u8, BindingReadError> {
        let bits = self.number("a number of bits from 0 to 16")?;
        if bits > 16 { Err(self.bad("a number of bits from 0 to 16")) } else { Ok(bits) }
    }

    pub(super) fn psid(&self) -> Result<u16, BindingReadError> {
        self.number("a number from 0 to 65535")
    }

    pub(super) fn index(&self) -> Result<u64, BindingReadError> {
        self.number("a number")
    }

    /// Puts what was read into its place, which must be empty.
    pub(super) fn put<T>(&self, slot: &mut Option<T>, value: T) -> Result<(), BindingReadError> {
        if slot.replace(value).is_some() {
            return Err(self.at.bad(BadBinding::Twice { field: self.field }));
        }
        Ok(())
    }
}

/// What must be there.
pub(super) fn need<T>(
    slot: Option<T>,
    at: TextPosition,
    field: &'static str,
) -> Result<T, BindingReadError> {
    slot.ok_or_else(|| at.bad(BadBinding::Missing { field }))
}
