//! Ours, through its public interface.

use std::net::Ipv4Addr;

use portledger::allocation::{Began, Ended, Grain, InsideId, Origin, Place, SourceId, Span};
use portledger::index::Index;
use portledger::synth::Lean;
use portledger::{Allocation, PortRange, Protocol, TimeRange, Timestamp};

use crate::contender::{Contender, Question, Row, Setup};

struct Portledger(Index);

pub fn build(records: &[Lean], _: &Setup<'_>) -> Box<dyn Contender> {
    Box::new(Portledger(Index::build((0..).zip(records).map(allocation).collect())))
}

fn allocation((id, lean): (u64, &Lean)) -> Allocation {
    let start = Timestamp::from_microsecond(lean.start_microsecond);
    let end = Timestamp::from_microsecond(lean.end_microsecond);
    let held = TimeRange::new(start, end).expect("records end after they begin");
    let place = Place { source: SourceId(0), span: Span { offset: id, length: 1 } };
    Allocation {
        addr: Ipv4Addr::from_bits(lean.addr),
        ports: PortRange::new(lean.first, lean.last).expect("ports run upwards"),
        protocol: (lean.protocol != 0).then(|| Protocol::new(lean.protocol)),
        destination: None,
        inside: InsideId(lean.inside),
        inside_port: None,
        grain: if lean.protocol == 0 { Grain::Block } else { Grain::Session },
        outer: held,
        inner: Some(held),
        used_until: end,
        created: start,
        released: Some(end),
        began: Began::Logged,
        ended: Ended::Logged,
        origin: Origin { create: Some(place), release: None },
    }
}

impl Contender for Portledger {
    fn at(&self, q: &Question, hits: &mut Vec<u32>) {
        let at = Timestamp::from_microsecond(q.at);
        let protocol = Some(Protocol::new(q.protocol));
        self.0.at(Ipv4Addr::from_bits(q.addr), q.port, protocol, at, hits);
    }

    fn id(&self, hit: u32) -> u32 {
        let place = self.0.get(hit).and_then(|a| a.origin.create);
        place.map_or(u32::MAX, |place| place.span.offset as u32)
    }

    fn row(&self, hit: u32) -> Option<Row> {
        let a = self.0.get(hit)?;
        Some((a.inside.0, a.outer.start().as_microsecond(), a.outer.end().as_microsecond()))
    }
}
