//! The pending tenancies by their keys, each where it stays.
//!
//! ```text
//!   index:  hash of a key -> slot        5 bytes a place, so that it stays in the cache
//!   slots:  key and tenancy              freed ones are used again first: the last one freed is still in the cache
//! ```

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::pending::{FlowKey, Pending};

/// Where a key is, or would be, until the table is changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    hash: u64,
    slot: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    index: HashTable<u32>,
    slots: Vec<Option<(FlowKey, Pending)>>,
    free: Vec<u32>,
    hasher: RandomState,
}

impl Table {
    pub(super) fn find(&self, key: &FlowKey) -> Spot {
        let hash = self.hasher.hash_one(key);
        let slot = self.index.find(hash, |slot| is_at(&self.slots, *slot, key)).copied();
        Spot { hash, slot }
    }

    pub(super) fn at(&self, spot: Spot) -> Option<&Pending> {
        let (_, pending) = self.slots.get(spot.slot? as usize)?.as_ref()?;
        Some(pending)
    }

    pub(super) fn at_mut(&mut self, spot: Spot) -> Option<&mut Pending> {
        let (_, pending) = self.slots.get_mut(spot.slot? as usize)?.as_mut()?;
        Some(pending)
    }

    pub(super) fn get(&self, key: &FlowKey) -> Option<&Pending> {
        self.at(self.find(key))
    }

    pub(super) fn get_mut(&mut self, key: &FlowKey) -> Option<&mut Pending> {
        self.at_mut(self.find(key))
    }

    /// Puts a tenancy where `find` said that its key is, or would be; the one that was there.
    pub(super) fn insert_at(
        &mut self,
        spot: Spot,
        key: FlowKey,
        pending: Pending,
    ) -> Option<Pending> {
        if let Some(old) = self.at_mut(spot) {
            return Some(std::mem::replace(old, pending));
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            // A slot has hundreds of bytes: memory ends before the numbers do.
            None => u32::try_from(self.slots.len()).ok()?,
        };
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = Some((key, pending)),
            None => self.slots.push(Some((key, pending))),
        }
        let (slots, hasher) = (&self.slots, &self.hasher);
        let rehash = |slot: &u32| {
            let place = slots.get(*slot as usize).and_then(Option::as_ref);
            place.map_or(0, |(key, _)| hasher.hash_one(key))
        };
        self.index.insert_unique(spot.hash, slot, rehash);
        None
    }

    pub(super) fn remove_at(&mut self, spot: Spot) -> Option<Pending> {
        let found = spot.slot?;
        if let Ok(entry) = self.index.find_entry(spot.hash, |slot| *slot == found) {
            entry.remove();
        }
        let (_, pending) = self.slots.get_mut(found as usize)?.take()?;
        self.free.push(found);
        Some(pending)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&FlowKey, &Pending)> {
        self.slots.iter().flatten().map(|(key, pending)| (key, pending))
    }

    /// Everything, in any order.
    pub(super) fn take(&mut self) -> Vec<(FlowKey, Pending)> {
        self.index.clear();
        self.free.clear();
        self.slots.drain(..).flatten().collect()
    }
}

fn is_at(slots: &[Option<(FlowKey, Pending)>], slot: u32, key: &FlowKey) -> bool {
    slots.get(slot as usize).and_then(Option::as_ref).is_some_and(|(own, _)| own == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::allocation::InsideId;
    use crate::session::step::Step;

    fn key(n: u32) -> FlowKey {
        let step = Step {
            outside: Some([203, 0, 113, 7].into()),
            ports: Some(1024.into()),
            inside: Some(InsideId(n)),
            ..Step::default()
        };
        step.key().unwrap()
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            steps in prop::collection::vec((0_u32..40, any::<bool>()), 0..300)
        ) {
            let (mut table, mut map) = (Table::default(), BTreeMap::new());
            for ((n, is_insert), id) in steps.into_iter().zip(0_u64..) {
                let (spot, id) = (table.find(&key(n)), Some(id));
                let old = if is_insert {
                    let pending = Pending { flow_id: id, ..Pending::default() };
                    (table.insert_at(spot, key(n), pending), map.insert(n, id))
                } else {
                    (table.remove_at(spot), map.remove(&n))
                };
                prop_assert_eq!(old.0.map(|p| p.flow_id), old.1);
                prop_assert_eq!(table.get(&key(n)).map(|p| p.flow_id), map.get(&n).copied());
            }
            let count = map.len();
            prop_assert_eq!(table.iter().count(), count);
            let mut all: Vec<_> = table.take().iter().map(|(k, p)| (k.inside.0, p.flow_id)).collect();
            all.sort_unstable();
            prop_assert_eq!(all, map.into_iter().collect::<Vec<_>>());
            prop_assert!(table.get(&key(0)).is_none() && table.iter().next().is_none());
        }
    }
}
