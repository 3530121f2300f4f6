//! The table of inside hosts that allocations name by number.
//!
//! Most are IPv4 addresses in no realm, and near one another. Their numbers stand in pages of sixteen addresses, a cache
//! line each, so that a look-up hashes half a word and compares no host.

use std::net::Ipv4Addr;

use super::Map;
use crate::allocation::InsideId;
use crate::inside::InsideHost;

/// Addresses a page, as a power of two.
const PAGE_BITS: u32 = 4;

#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// By number.
    all: Vec<InsideHost>,
    /// Where the page of an address is.
    places: Map<u32, u32>,
    /// One more than the number of the host; zero where it has none yet.
    pages: Vec<[u32; 1 << PAGE_BITS]>,
    /// Every other host.
    ids: Map<InsideHost, InsideId>,
}

impl Hosts {
    /// The number of the host, the same for the same host; none once the numbers are used up.
    pub(super) fn id(&mut self, host: &InsideHost) -> Option<InsideId> {
        match host {
            InsideHost::V4 { addr, realm } if realm.is_empty() => self.plain(*addr, host),
            _ => self.other(host),
        }
    }

    fn plain(&mut self, addr: Ipv4Addr, host: &InsideHost) -> Option<InsideId> {
        let bits = addr.to_bits();
        let place = *self.places.entry(bits >> PAGE_BITS).or_insert_with(|| {
            self.pages.push([0; 1 << PAGE_BITS]);
            // There are 2^28 pages at most.
            u32::try_from(self.pages.len() - 1).unwrap_or(u32::MAX)
        });
        let within = (bits & ((1 << PAGE_BITS) - 1)) as usize;
        let number = self.pages.get_mut(place as usize)?.get_mut(within)?;
        if let Some(id) = number.checked_sub(1) {
            return Some(InsideId(id));
        }
        let id = u32::try_from(self.all.len()).ok()?;
        *number = id.checked_add(1)?;
        self.all.push(host.clone());
        Some(InsideId(id))
    }

    fn other(&mut self, host: &InsideHost) -> Option<InsideId> {
        if let Some(id) = self.ids.get(host) {
            return Some(*id);
        }
        let id = InsideId(u32::try_from(self.all.len()).ok()?);
        self.all.push(host.clone());
        self.ids.insert(host.clone(), id);
        Some(id)
    }

    pub(super) fn into_inner(self) -> Vec<InsideHost> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_number_and_no_two_share_one() {
        let texts =
            ["10.0.0.1", "10.0.0.2", "10.0.0.17", "10.0.0.1%blue", "2001:db8::1", "0.0.0.0"];
        let hosts: Vec<InsideHost> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let mut table = Hosts::default();
        for _ in 0..2 {
            for (host, number) in hosts.iter().zip(0..) {
                assert_eq!(table.id(host), Some(InsideId(number)), "{host}");
            }
        }
        assert_eq!(table.into_inner(), hosts);
    }
}
