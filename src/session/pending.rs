//! A tenancy whose end has not been read yet, and the key that its records share.

use std::net::Ipv4Addr;

use super::intervals::Stamps;
use super::profile::{EndIs, Profile};
use crate::allocation::{Destination, Grain, InsideId, Place, SourceId};
use crate::natlog::{Event, EventKind};
use crate::port::PortRange;
use crate::protocol::Protocol;
use crate::time::{TimeDelta, Timestamp, WrittenTime};

/// What the records of one flow, mapping or block have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    pub(super) grain: Grain,
    pub(super) protocol: Option<Protocol>,
    pub(super) addr: Ipv4Addr,
    pub(super) ports: PortRange,
    pub(super) destination: Option<Destination>,
    pub(super) inside: InsideId,
    pub(super) inside_port: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) stamps: Stamps,
    pub(super) flow_id: Option<u64>,
    pub(super) create: Option<Place>,
    /// The begin cannot lie before this instant, whatever the stamps leave open.
    pub(super) not_before: Option<Timestamp>,
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
    pub(super) fn new(source: SourceId, event: &Event) -> Pending {
        let created = !matches!(event.kind, EventKind::Update | EventKind::BlockInterim);
        let mut pending = Pending {
            stamps: Stamps::default(),
            flow_id: event.flow_id,
            create: Some(Place { source, span: event.span }),
            not_before: None,
        };
        if created {
            pending.stamps.create = event.time;
        }
        pending.stamps.start = event.start;
        pending.alive(event);
        pending
    }

    /// Takes in a record that shows the flow alive.
    pub(super) fn alive(&mut self, event: &Event) {
        self.stamps.activity = event.time.or(self.stamps.activity);
        let timer = &mut self.stamps.timer;
        timer.timeout_second = event.timeout_second.or(timer.timeout_second);
        timer.state = event.state.or(timer.state);
        timer.seen_update |= event.kind == EventKind::Update;
    }

    pub(super) fn same_flow_id(&self, event: &Event) -> bool {
        match (self.flow_id, event.flow_id) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        }
    }

    /// Whether `release` ends this tenancy: its stamp must fit the start that the release carries.
    pub(super) fn fit(&self, release: &Event, profile: &Profile) -> Fit {
        if !self.same_flow_id(release) {
            return Fit::LaterTenancy;
        }
        let Some(start) = release.start else { return Fit::Pairs(TimeDelta::ZERO) };
        let Some(seen) = self.stamps.create.or(self.stamps.activity) else { return Fit::Unrelated };
        if start.start() >= seen.end() {
            return Fit::LaterTenancy;
        }
        let Some(create) = self.stamps.create else { return Fit::Pairs(TimeDelta::ZERO) };
        let late = create.start().since(start.end()).max(TimeDelta::ZERO);
        let ends = |at: Option<WrittenTime>| at.is_some_and(|at| create.start() < at.end());
        let lived_then = match profile.end_is {
            EndIs::LoggedStop if release.stop.is_some() => ends(release.stop),
            _ => ends(release.time),
        };
        if late <= profile.late || lived_then { Fit::Pairs(late) } else { Fit::Unrelated }
    }
}
