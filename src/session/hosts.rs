//! The table of inside hosts that allocations name by number.

use super::Map;
use crate::allocation::InsideId;
use crate::inside::InsideHost;

#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: Vec<InsideHost>,
    ids: Map<InsideHost, InsideId>,
}

impl Hosts {
    /// The number of the host, the same for the same host; none once the numbers are used up.
    pub(super) fn id(&mut self, host: &InsideHost) -> Option<InsideId> {
        if let Some(id) = self.ids.get(host) {
            return Some(*id);
        }
        let id = InsideId(u32::try_from(self.hosts.len()).ok()?);
        self.hosts.push(host.clone());
        self.ids.insert(host.clone(), id);
        Some(id)
    }

    pub(super) fn into_inner(self) -> Vec<InsideHost> {
        self.hosts
    }
}
