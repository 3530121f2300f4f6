//! The parts of an allocation that are few: what it has, and how its ends are known.

use crate::allocation::{Allocation, Began, Ended, Grain};

/// Which parts an allocation has, in ten bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u16);

/// How many shapes there are.
pub(super) const SHAPES: u16 = 1 << 10;

const INNER: u16 = 1 << 4;
const RELEASED: u16 = 1 << 5;
const DESTINATION: u16 = 1 << 6;
const INSIDE_PORT: u16 = 1 << 7;
const CREATE: u16 = 1 << 8;
const RELEASE: u16 = 1 << 9;

impl Shape {
    pub(super) fn of(a: &Allocation) -> Shape {
        let flag = |on: bool, bit: u16| if on { bit } else { 0 };
        let ended = match a.ended {
            Ended::Logged => 0,
            Ended::Implied => 1,
            Ended::Open => 2,
            Ended::Assumed => 3,
        };
        Shape(
            flag(a.grain == Grain::Block, 1)
                | flag(a.began == Began::Assumed, 2)
                | ended << 2
                | flag(a.inner.is_some(), INNER)
                | flag(a.released.is_some(), RELEASED)
                | flag(a.destination.is_some(), DESTINATION)
                | flag(a.inside_port.is_some(), INSIDE_PORT)
                | flag(a.origin.create.is_some(), CREATE)
                | flag(a.origin.release.is_some(), RELEASE),
        )
    }

    /// The shape of ten bits.
    pub(super) fn from_bits(bits: u64) -> Option<Shape> {
        u16::try_from(bits).ok().filter(|b| *b < SHAPES).map(Shape)
    }

    pub(super) fn bits(self) -> u16 {
        self.0
    }

    pub(super) fn grain(self) -> Grain {
        if self.0 & 1 == 0 { Grain::Session } else { Grain::Block }
    }

    pub(super) fn began(self) -> Began {
        if self.0 & 2 == 0 { Began::Logged } else { Began::Assumed }
    }

    pub(super) fn ended(self) -> Ended {
        match self.0 >> 2 & 3 {
            0 => Ended::Logged,
            1 => Ended::Implied,
            2 => Ended::Open,
            _ => Ended::Assumed,
        }
    }

    pub(super) fn has_inner(self) -> bool {
        self.0 & INNER != 0
    }

    pub(super) fn has_released(self) -> bool {
        self.0 & RELEASED != 0
    }

    pub(super) fn has_destination(self) -> bool {
        self.0 & DESTINATION != 0
    }

    pub(super) fn has_inside_port(self) -> bool {
        self.0 & INSIDE_PORT != 0
    }

    pub(super) fn has_create(self) -> bool {
        self.0 & CREATE != 0
    }

    pub(super) fn has_release(self) -> bool {
        self.0 & RELEASE != 0
    }
}
