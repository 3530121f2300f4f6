//! A tenancy whose end has not been read yet, and the key that its records share.

use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use super::intervals::Stamps;
use super::profile::Profile;
use super::step::Step;
use crate::allocation::{Destination, Grain, InsideId, Place};
use crate::natlog::EventKind;
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

/// What the records of one flow, mapping or block have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowKey {
    pub(super) grain: Grain,
    pub(super) protocol: Option<Protocol>,
    pub(super) addr: Ipv4Addr,
    pub(super) ports: PortRange,
    pub(super) destination: Option<Destination>,
    pub(super) inside: InsideId,
    pub(super) inside_port: Option<u16>,
}

/// Three words instead of a dozen fields: every record is looked up by it.
impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let port = |port: Option<u16>| port.map_or(1 << 16, u64::from);
        let to = self.destination.map_or(0, |to| u64::from(to.addr.to_bits()));
        let protocol = self.protocol.map_or(1 << 8, |p| u64::from(p.number()));
        let ports = u64::from(self.ports.first()) << 16 | u64::from(self.ports.last());
        state.write_u64(u64::from(self.addr.to_bits()) << 32 | ports);
        state.write_u64(to << 32 | u64::from(self.inside.0));
        let far = self.destination.map_or(1 << 17, |to| port(to.port));
        let is_block = u64::from(self.grain == Grain::Block);
        state.write_u64(far << 40 | port(self.inside_port) << 20 | protocol << 1 | is_block);
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    pub(super) stamps: Stamps,
    pub(super) flow_id: Option<u64>,
    pub(super) create: Option<Place>,
    /// The begin cannot lie before this instant, whatever the stamps leave open.
    pub(super) not_before: Option<Timestamp>,
    /// It is a mapping towards any destination, which flows may share.
    pub(super) is_mapping: bool,
    /// It is a flow of a log that never says when flows end.
    pub(super) is_seen_only: bool,
    /// When a create of the flow was read while this one, or the one before it, was open: a release of that time may be
    /// of either.
    pub(super) again: Option<WrittenTime>,
    /// So many further flows began under its key, whose destinations were not logged: it lasts until as many were released.
    pub(super) joined: u32,
    /// A release was read that may have been its own, or another's.
    pub(super) is_in_doubt: bool,
}

/// How a release relates to the pending create of its flow.
pub(super) enum Fit {
    /// They are one tenancy; the lateness of the create stamp that this proves.
    Pairs(TimeDelta),
    /// The release is of a later tenancy: the pending one's release was lost.
    LaterTenancy,
    /// The release is of another tenancy that says nothing of the pending one.
    Unrelated,
}

impl Pending {
    pub(super) fn new(event: &Step) -> Pending {
        let created = !matches!(event.kind, EventKind::Update | EventKind::BlockInterim);
        let mut pending = Pending {
            stamps: Stamps::default(),
            flow_id: event.flow_id,
            create: Some(event.place()),
            not_before: None,
            is_mapping: event.kind == EventKind::PortCreate,
            is_seen_only: event.kind == EventKind::SessionSeen,
            again: None,
            joined: 0,
            is_in_doubt: false,
        };
        if created {
            pending.stamps.create = event.time;
        }
        pending.stamps.start = event.start;
        pending.alive(event);
        pending
    }

    /// Takes in a record that shows the flow alive; an older one than the last tells nothing new.
    pub(super) fn alive(&mut self, event: &Step) {
        let before = self.stamps.activity.map(WrittenTime::start);
        self.stamps.timer.seen_update |= event.kind == EventKind::Update;
        if event.time.map(WrittenTime::start) < before {
            return;
        }
        self.stamps.activity = event.time.or(self.stamps.activity);
        let timer = &mut self.stamps.timer;
        timer.timeout_second = event.timeout_second.or(timer.timeout_second);
        timer.state = event.state.or(timer.state);
    }

    /// What puts tenancies into an order that does not depend on how they are kept.
    pub(super) fn order(&self) -> (Option<Timestamp>, Option<Place>) {
        (self.stamps.create.map(WrittenTime::start), self.create)
    }

    pub(super) fn same_flow_id(&self, event: &Step) -> bool {
        match (self.flow_id, event.flow_id) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
    }

    /// The first stamp of a record of it.
    pub(super) fn first_seen(&self) -> Option<WrittenTime> {
        self.stamps.create.or(self.stamps.activity)
    }

    /// Whether the record was written before this tenancy began.
    pub(super) fn is_behind(&self, event: &Step) -> bool {
        match (event.time, self.first_seen()) {
            (Some(at), Some(seen)) => at.end() <= seen.start(),
            _ => false,
        }
    }

    /// Whether the record carries a start behind every record of this tenancy's begin: it is of a later one.
    pub(super) fn is_before_start_of(&self, event: &Step) -> bool {
        match (event.start, self.first_seen()) {
            (Some(start), Some(seen)) => start.start() >= seen.end(),
            _ => false,
        }
    }

    /// Whether `release` ends this tenancy: its stamp must fit the start that the release carries.
    pub(super) fn fit(&self, release: &Step, profile: &Profile) -> Fit {
        let Some(seen) = self.first_seen() else { return Fit::Unrelated };
        if self.is_behind(release) {
            return Fit::Unrelated;
        }
        let same_id = self.same_flow_id(release);
        let Some(start) = release.start else {
            return if same_id { Fit::Pairs(TimeDelta::ZERO) } else { Fit::LaterTenancy };
        };
        if start.start() >= seen.end() {
            return Fit::LaterTenancy;
        }
        if !same_id {
            // Begun no later than the pending one, and not it: an earlier tenancy, read late.
            return Fit::Unrelated;
        }
        let Some(create) = self.stamps.create else { return Fit::Pairs(TimeDelta::ZERO) };
        let late = create.start().since(start.end()).max(TimeDelta::ZERO);
        // A create that is later than any before must at least be read while the flow surely lived.
        let end = release.stop.or(release.time);
        let lived_then = end.is_some_and(|end| create.start() < end.start());
        if late <= profile.late || lived_then { Fit::Pairs(late) } else { Fit::Unrelated }
    }

    /// Whether the release may as well be of another tenancy of the flow, as their creates and it are of one stamp.
    pub(super) fn may_be_anothers(&self, release: &Step) -> bool {
        let is_beside = |at: WrittenTime| release.time.is_some_and(|r| r.start() < at.end());
        let is_earlier = |at: WrittenTime| release.start.is_some_and(|s| s.end() <= at.start());
        self.again.is_some_and(|at| is_beside(at) && !is_earlier(at))
    }

    /// Whether flows towards several destinations look like this one, since none is logged and the NAT tells them apart.
    pub(super) fn may_be_joined(&self, key: &FlowKey, profile: &Profile) -> bool {
        let is_flow = key.grain == Grain::Session && !self.is_mapping && !self.is_seen_only;
        is_flow && key.destination.is_none() && profile.key_has_destination
    }

    /// Takes out what the log said behind `start`: it is of the tenancy that began there.
    pub(super) fn split_at(&mut self, start: WrittenTime) -> Option<Pending> {
        let activity = self.stamps.activity.filter(|at| at.start() >= start.start())?;
        let mut later = *self;
        later.stamps = Stamps {
            activity: Some(activity),
            timer: self.stamps.timer,
            start: Some(start),
            ..Stamps::default()
        };
        later.create = None;
        later.not_before = None;
        later.again = None;
        later.joined = 0;
        later.is_in_doubt = false;
        self.stamps.activity = self.stamps.create;
        self.stamps.timer = super::profile::Timer::default();
        Some(later)
    }
}
