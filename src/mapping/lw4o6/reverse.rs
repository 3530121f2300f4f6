//! What a binding table says about an address and a port.

use std::fmt;
use std::net::Ipv6Addr;

use super::{LwB4, Softwire};

/// The kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LwKind {
    /// One B4 held the port.
    Mapped,
    /// Several B4s have rows for the port: the table contradicts itself, or the time spans a change of holder.
    Ambiguous,
    /// Rows for the address, but none for the port at that time; the relay drops such packets.
    NoSoftwire,
    /// The port belongs to nobody under any port parameters in force (`A = 0`, RFC 7597 section 5.1).
    ExcludedPort,
    /// No row for the address, at whatever time.
    UnknownAddress,
}

impl fmt::Display for LwKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LwKind::Mapped => "mapped",
            LwKind::Ambiguous => "ambiguous",
            LwKind::NoSoftwire => "no-softwire",
            LwKind::ExcludedPort => "excluded-port",
            LwKind::UnknownAddress => "unknown-address",
        })
    }
}

/// An answer of [`BindingTable::reverse`](super::BindingTable::reverse).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LwReverse<'a> {
    kind: LwKind,
    psid: Option<u16>,
    is_mixed: bool,
    rows: Vec<&'a Softwire>,
}

impl<'a> LwReverse<'a> {
    /// From the rows that own the port: at least one.
    pub(super) fn of_rows(rows: Vec<&'a Softwire>, is_mixed: bool) -> LwReverse<'a> {
        let b4 = common(&rows, Softwire::b4);
        let kind = if b4.is_some() { LwKind::Mapped } else { LwKind::Ambiguous };
        LwReverse { kind, psid: common(&rows, Softwire::psid), is_mixed, rows }
    }

    pub(super) fn nobody(kind: LwKind, psid: Option<u16>, is_mixed: bool) -> LwReverse<'a> {
        LwReverse { kind, psid, is_mixed, rows: Vec::new() }
    }

    /// The kind of answer.
    pub const fn kind(&self) -> LwKind {
        self.kind
    }

    /// The PSID of the port, where the port parameters in force agree on it; also without a holder.
    pub const fn psid(&self) -> Option<u16> {
        self.psid
    }

    /// Whether rows with different port parameters are in force on the address at that time. The relay can follow one
    /// of them only, so the table is then no proof of what it did.
    pub const fn is_mixed(&self) -> bool {
        self.is_mixed
    }

    /// The rows that own the port, by lifetime; several for one B4 where its lease was renewed.
    pub fn rows(&self) -> &[&'a Softwire] {
        &self.rows
    }

    /// The one holder; `None` when there is none or several.
    pub fn b4(&self) -> Option<LwB4> {
        common(&self.rows, Softwire::b4)
    }

    /// The tunnel address of the one holder, all 128 bits.
    pub fn b4_address(&self) -> Option<Ipv6Addr> {
        self.b4()?;
        common(&self.rows, Softwire::b4_address)
    }

    /// The address of the relay, where all rows agree on it.
    pub fn br(&self) -> Option<Ipv6Addr> {
        common(&self.rows, Softwire::br)?
    }
}

/// What all rows have in common, if there are any.
fn common<T: PartialEq>(rows: &[&Softwire], of: impl Fn(&Softwire) -> T) -> Option<T> {
    let (first, rest) = rows.split_first()?;
    let value = of(first);
    rest.iter().all(|row| of(row) == value).then_some(value)
}
