//! Where a key or a host lies: an address space of its own, and a prefix in it.

use std::sync::Arc;

use super::binding::BindingKey;
use crate::inside::{InsideHost, Realm};

/// What makes two prefixes comparable; prefixes of different spaces never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Space {
    V4(Realm),
    V6,
    Name(Arc<str>),
}

/// A prefix of either family, its bits at the top of 128; a name is the one prefix of its own space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Prefix {
    pub(super) length: u8,
    pub(super) bits: u128,
}

impl Prefix {
    fn new(bits: u128, length: u8) -> Prefix {
        Prefix { length, bits: bits & mask(length) }
    }

    /// The prefix of that length that holds this one; this one where `length` is not shorter.
    pub(super) fn widened(self, length: u8) -> Prefix {
        Prefix::new(self.bits, length.min(self.length))
    }

    /// The last address in it.
    pub(super) fn last(self) -> u128 {
        self.bits | !mask(self.length)
    }

    /// Whether `other` lies wholly in it.
    pub(super) fn covers(self, other: Prefix) -> bool {
        self.length <= other.length && other.widened(self.length) == self
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(length))).unwrap_or(0)
}

/// The space and prefix of a key.
pub(super) fn of_key(key: &BindingKey) -> (Space, Prefix) {
    match key {
        BindingKey::V4 { net, realm } => {
            let bits = u128::from(u32::from(net.addr())) << 96;
            (Space::V4(realm.clone()), Prefix::new(bits, net.prefix_len()))
        }
        BindingKey::V6(net) => (Space::V6, Prefix::new(net.addr().into(), net.prefix_len())),
        BindingKey::Name(name) => (Space::Name(Arc::clone(name)), Prefix::new(0, 0)),
    }
}

/// The space and prefix of a host; a B4 stands for its IPv6 address, the address inside its tunnel says nothing.
pub(super) fn of_host(host: &InsideHost) -> (Space, Prefix) {
    match host {
        InsideHost::V4 { addr, realm } => {
            (Space::V4(realm.clone()), Prefix::new(u128::from(u32::from(*addr)) << 96, 32))
        }
        InsideHost::B4 { addr, .. } | InsideHost::V6(addr) => {
            (Space::V6, Prefix::new((*addr).into(), 128))
        }
        InsideHost::Prefix(net) => (Space::V6, Prefix::new(net.addr().into(), net.prefix_len())),
        InsideHost::Name(name) => (Space::Name(Arc::clone(name)), Prefix::new(0, 0)),
    }
}
