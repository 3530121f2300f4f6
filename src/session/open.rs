//! The tenancies without an end so far, by what their records say of them.
//!
//! A record of most logs says the whole [`FlowKey`]. Some releases do not (no public side, no destination, only the
//! first port of a block), and one release may stand for everything that a host holds. For these there is a second
//! index, made when the first of them comes:
//!
//! ```text
//!   inside host, mapping or flow, inside port (first port of a block)  ->  keys, releases in doubt
//! ```

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::Set;
use super::pending::{Fit, FlowKey, Pending};
use super::profile::Profile;
use super::step::Step;
use super::table::{self, Table};
use crate::allocation::{Destination, Grain, InsideId};
use crate::natlog::EventKind;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{Timestamp, WrittenTime};

/// With more tenancies than this on one inside port, a short release settles nothing, so that it costs little.
const MAX_LOOKED_AT: usize = 4096;

/// All that a release says of its tenancy, where it may not say everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    kind: EventKind,
    inside: Option<InsideId>,
    inside_port: Option<u16>,
    protocol: Option<Protocol>,
    outside: Option<Ipv4Addr>,
    ports: Option<PortRange>,
    destination: Option<Destination>,
    flow_id: Option<u64>,
    start: Option<WrittenTime>,
}

impl Shape {
    pub(super) fn of(release: &Step) -> Shape {
        Shape {
            kind: release.kind,
            inside: release.inside,
            inside_port: release.inside_port,
            protocol: release.protocol,
            outside: release.outside,
            ports: release.ports,
            destination: release.destination,
            flow_id: release.flow_id,
            start: release.start,
        }
    }

    /// Whether nothing that the release says contradicts the key.
    fn is_of(&self, key: &FlowKey) -> bool {
        fn agrees<T: PartialEq + Copy>(said: Option<T>, own: Option<T>) -> bool {
            said.is_none() || said == own
        }
        let ports = self.ports.is_none_or(|said| {
            said == key.ports
                || (key.grain == Grain::Block
                    && said.len() == 1
                    && said.first() == key.ports.first())
        });
        ports
            && Some(key.inside) == self.inside
            && agrees(self.inside_port, key.inside_port)
            && agrees(self.protocol, key.protocol)
            && agrees(self.outside, Some(key.addr))
            && agrees(self.destination, key.destination)
    }

    /// Whether no two tenancies at once can be what the release says, `key` being one of them.
    ///
    /// A flow number is the tenancy's own, and so is a start of which the create was read if it was at all. A mapping is
    /// the only one of its inside port, a flow the only one of its inside port towards its destination, a block the
    /// only one of its host with its first port (RFC 6888, REQ-2: a host keeps one public address).
    fn tells_apart(&self, key: &FlowKey, pending: &Pending, read: Read) -> bool {
        let is_own = self.start.is_some_and(|start| read.since <= start.start())
            || (self.flow_id.is_some() && pending.flow_id.is_some());
        let is_of_port = self.protocol.is_some() && self.inside_port.is_some();
        is_own
            || match key.grain {
                Grain::Block => self.ports.is_some(),
                Grain::Session => is_of_port && (pending.is_mapping || self.destination.is_some()),
            }
    }
}

/// How much of what can be open when a release comes was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// The first stamp.
    pub(super) since: Timestamp,
    /// Every tenancy that goes on began after that, and no create was lost: what fits a release is all that it can be of.
    pub(super) is_all: bool,
}

/// What a short release ends.
#[derive(Debug)]
pub(super) enum Short {
    /// Nothing that was read.
    Nothing,
    /// The only tenancy that it can be of.
    One(FlowKey),
    /// One of several, of which some may never have been read, and nothing says which; each that was is marked.
    Doubt,
    /// One of several, and by now as many such releases as tenancies were read: all of them are over.
    All(Vec<FlowKey>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    inside: InsideId,
    is_block: bool,
    is_mapping: bool,
    at: Option<u16>,
}

impl Spot {
    fn of(key: &FlowKey, pending: &Pending) -> Spot {
        let is_block = key.grain == Grain::Block;
        Spot {
            inside: key.inside,
            is_block,
            is_mapping: pending.is_mapping,
            at: if is_block { Some(key.ports.first()) } else { key.inside_port },
        }
    }
}

#[derive(Debug, Default)]
struct Shelf {
    keys: Set<FlowKey>,
    /// How many releases were read that are of one of several keys each, all of one shape.
    doubts: usize,
    shape: Option<Shape>,
    /// Releases of several shapes were: counting them tells nothing.
    is_mixed: bool,
}

type ByHost = BTreeMap<Spot, Shelf>;

fn shelve(by_host: &mut ByHost, key: FlowKey, pending: &Pending) {
    by_host.entry(Spot::of(&key, pending)).or_default().keys.insert(key);
}

fn unshelve(by_host: &mut ByHost, key: &FlowKey, pending: &Pending) {
    let spot = Spot::of(key, pending);
    if let Some(shelf) = by_host.get_mut(&spot) {
        shelf.keys.remove(key);
        // One of the releases may have been its own.
        shelf.doubts = shelf.doubts.saturating_sub(1);
        if shelf.keys.is_empty() {
            by_host.remove(&spot);
        }
    }
}

/// The tenancies without an end so far.
#[derive(Debug, Default)]
pub(super) struct Open {
    pending: Table,
    by_host: Option<ByHost>,
}

impl Open {
    pub(super) fn get(&self, key: &FlowKey) -> Option<&Pending> {
        self.pending.get(key)
    }

    /// For changes of its stamps; what it is must stay.
    pub(super) fn get_mut(&mut self, key: &FlowKey) -> Option<&mut Pending> {
        self.pending.get_mut(key)
    }

    /// Where a key is, or would be, until anything is put in or taken out.
    pub(super) fn find(&self, key: &FlowKey) -> table::Spot {
        self.pending.find(key)
    }

    /// For changes of its stamps; what it is must stay.
    pub(super) fn at_mut(&mut self, spot: table::Spot) -> Option<&mut Pending> {
        self.pending.at_mut(spot)
    }

    pub(super) fn insert(&mut self, key: FlowKey, pending: Pending) {
        self.insert_at(self.pending.find(&key), key, pending);
    }

    /// Puts in a tenancy where [`Open::find`] said that its key is, or would be.
    pub(super) fn insert_at(&mut self, spot: table::Spot, key: FlowKey, pending: Pending) {
        let old = self.pending.insert_at(spot, key, pending);
        if let Some(by_host) = &mut self.by_host {
            if let Some(old) = old {
                unshelve(by_host, &key, &old);
            }
            shelve(by_host, key, &pending);
        }
    }

    pub(super) fn remove(&mut self, key: &FlowKey) -> Option<Pending> {
        self.remove_at(self.pending.find(key), key)
    }

    pub(super) fn remove_at(&mut self, spot: table::Spot, key: &FlowKey) -> Option<Pending> {
        let pending = self.pending.remove_at(spot)?;
        if let Some(by_host) = &mut self.by_host {
            unshelve(by_host, key, &pending);
        }
        Some(pending)
    }

    /// Everything, in an order that does not depend on how it is kept.
    pub(super) fn take(&mut self) -> Vec<(FlowKey, Pending)> {
        self.by_host = None;
        let mut all = self.pending.take();
        all.sort_by_key(|(_, p)| p.order());
        all
    }

    /// What a host holds, in order.
    pub(super) fn of_host(&mut self, inside: InsideId) -> Vec<FlowKey> {
        let by_host = by_host(&mut self.by_host, &self.pending);
        let mut keys: Vec<FlowKey> =
            spots_of(by_host, inside).flat_map(|(_, shelf)| shelf.keys.iter().copied()).collect();
        self.sort(&mut keys);
        keys
    }

    fn sort(&self, keys: &mut [FlowKey]) {
        keys.sort_by_key(|key| self.pending.get(key).map(Pending::order));
    }

    /// Which tenancy a release ends whose whole key is not known, or not open.
    ///
    /// `is_again`: one of the same shape and stamp was read before; it counts for nothing, but may be another's.
    pub(super) fn short(
        &mut self,
        release: &Step,
        profile: &Profile,
        is_again: bool,
        read: Read,
    ) -> Short {
        let Some(inside) = release.inside else { return Short::Nothing };
        let shape = Shape::of(release);
        let by_host = by_host(&mut self.by_host, &self.pending);
        let is_block = release.kind == EventKind::BlockRelease;
        let is_mapping = release.kind == EventKind::PortDelete;
        let at = match release.ports {
            Some(ports) if is_block => Some(ports.first()),
            _ => release.inside_port,
        };
        let spot = at.map(|at| Spot { inside, is_block, is_mapping, at: Some(at) });
        let mut keys: Vec<FlowKey> = match spot {
            Some(spot) => {
                by_host.get(&spot).map(|shelf| of_shape(shelf, &shape)).unwrap_or_default()
            }
            None => spots_of(by_host, inside)
                .filter(|(spot, _)| spot.is_block == is_block && spot.is_mapping == is_mapping)
                .flat_map(|(_, shelf)| of_shape(shelf, &shape))
                .take(MAX_LOOKED_AT + 1)
                .collect(),
        };
        let fits = |key: &FlowKey| {
            let pending = self.pending.get(key);
            // Where the release carries its start, that must be the create's own, not just fall into its time.
            pending.is_some_and(
                |p| matches!(p.fit(release, profile), Fit::Pairs(late) if late <= profile.late),
            )
        };
        let of_its_shape = keys.len();
        keys.retain(fits);
        if keys.is_empty() {
            return Short::Nothing;
        }
        if let [key] = keys.as_slice()
            && !is_again
            && let Some(pending) = self.pending.get(key)
            && (read.is_all || shape.tells_apart(key, pending, read))
        {
            return Short::One(*key);
        }
        let shelf = spot.and_then(|spot| by_host.get_mut(&spot));
        if let Some(shelf) = shelf.filter(|_| !is_again && read.is_all) {
            shelf.is_mixed |= shelf.doubts > 0 && shelf.shape != Some(shape);
            shelf.shape = Some(shape);
            shelf.doubts += 1;
            let all_fit = keys.len() == of_its_shape && of_its_shape <= MAX_LOOKED_AT;
            let joined = |key| self.pending.get(key).map_or(0, |p| p.joined as usize);
            let tenancies = keys.iter().map(|key| 1 + joined(key)).sum();
            if all_fit && !shelf.is_mixed && shelf.doubts >= tenancies {
                self.sort(&mut keys);
                return Short::All(keys);
            }
        }
        for key in &keys {
            if let Some(pending) = self.pending.get_mut(key) {
                pending.is_in_doubt = true;
            }
        }
        Short::Doubt
    }
}

fn by_host<'a>(index: &'a mut Option<ByHost>, pending: &Table) -> &'a mut ByHost {
    index.get_or_insert_with(|| {
        let mut by_host = ByHost::new();
        for (key, pending) in pending.iter() {
            shelve(&mut by_host, *key, pending);
        }
        by_host
    })
}

fn spots_of(by_host: &ByHost, inside: InsideId) -> impl Iterator<Item = (&Spot, &Shelf)> {
    let first = Spot { inside, is_block: false, is_mapping: false, at: None };
    by_host.range(first..).take_while(move |(spot, _)| spot.inside == inside)
}

fn of_shape(shelf: &Shelf, shape: &Shape) -> Vec<FlowKey> {
    shelf.keys.iter().filter(|key| shape.is_of(key)).take(MAX_LOOKED_AT + 1).copied().collect()
}
