//! Datagrams in fragments -> whole ones (RFC 791, section 3.2; RFC 8200, section 4.5).

use std::net::IpAddr;
use std::ops::Range;

use super::Place;

/// The most datagrams that are waited for, and the most packets that one is waited for.
const MAX_OPEN: usize = 64;
const MAX_WAIT: u64 = 4096;
/// No datagram is longer.
const MAX_LEN: usize = 65_535;

/// Whose fragments belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) target: IpAddr,
    pub(super) id: u32,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) key: Key,
    /// Its place in the datagram.
    pub(super) at: usize,
    pub(super) is_last: bool,
    pub(super) bytes: &'a [u8],
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Added {
    /// Others are to come.
    Waiting,
    /// It was the one that was missing.
    Whole,
    /// It contradicts another one; where the first of them stands.
    Bad(Place),
}

/// A datagram whose fragments did not all come yet.
#[derive(Debug)]
struct Open {
    key: Key,
    /// Of the fragment that came first.
    place: Place,
    bytes: Vec<u8>,
    /// What of it is there: in order, nothing touches.
    there: Vec<Range<usize>>,
    len: Option<usize>,
}

/// The datagrams that are waited for, oldest first.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    open: Vec<Open>,
    whole: Vec<u8>,
}

impl Fragments {
    /// Takes in the fragment of a packet.
    pub(super) fn add(&mut self, piece: Piece<'_>, place: Place) -> Added {
        let at = self.open.iter().position(|open| open.key == piece.key).unwrap_or_else(|| {
            let open =
                Open { key: piece.key, place, bytes: Vec::new(), there: Vec::new(), len: None };
            self.open.push(open);
            self.open.len() - 1
        });
        let is_whole = self.open.get_mut(at).map_or(Some(false), |open| open.add(piece));
        if is_whole == Some(false) {
            return Added::Waiting;
        }
        let open = self.open.remove(at);
        if is_whole.is_none() {
            return Added::Bad(open.place);
        }
        self.whole = open.bytes;
        Added::Whole
    }

    /// The datagram that became whole last.
    pub(super) fn whole(&self) -> &[u8] {
        &self.whole
    }

    /// Gives up a datagram that was waited for until this packet, or all of them at the end; where its first fragment
    /// stands.
    pub(super) fn give_up(&mut self, packet: Option<u64>) -> Option<Place> {
        let oldest = self.open.first()?;
        let is_due = packet.is_none_or(|now| now.saturating_sub(oldest.place.line) > MAX_WAIT);
        (is_due || self.open.len() > MAX_OPEN).then(|| self.open.remove(0).place)
    }
}

impl Open {
    /// Whether it is whole with this piece; none if that contradicts another one.
    fn add(&mut self, piece: Piece<'_>) -> Option<bool> {
        let new = piece.at..piece.at + piece.bytes.len();
        // All but the last one end on eight bytes.
        let is_odd = !piece.is_last && (new.is_empty() || !new.len().is_multiple_of(8));
        let is_beyond = self.len.is_some_and(|len| new.end > len) || new.end > MAX_LEN;
        let ends_elsewhere = piece.is_last
            && (self.len.is_some_and(|len| len != new.end) || self.bytes.len() > new.end);
        if is_odd || is_beyond || ends_elsewhere {
            return None;
        }
        for old in &self.there {
            let both = old.start.max(new.start)..old.end.min(new.end);
            if both.is_empty() {
                continue;
            }
            let is_same = self.bytes.get(both.clone())
                == piece.bytes.get(both.start - new.start..both.end - new.start);
            if !is_same {
                return None;
            }
        }
        if self.bytes.len() < new.end {
            self.bytes.resize(new.end, 0);
        }
        if let Some(slot) = self.bytes.get_mut(new.clone()) {
            slot.copy_from_slice(piece.bytes);
        }
        if piece.is_last {
            self.len = Some(new.end);
        }
        self.cover(new);
        let len = self.len.unwrap_or(usize::MAX);
        Some(self.there.first().is_some_and(|first| *first == (0..len)))
    }

    /// Joins a range with those that it touches.
    fn cover(&mut self, mut new: Range<usize>) {
        self.there.retain(|old| {
            let touches = old.start <= new.end && new.start <= old.end;
            if touches {
                new = old.start.min(new.start)..old.end.max(new.end);
            }
            !touches
        });
        let at = self.there.partition_point(|old| old.start < new.start);
        self.there.insert(at, new);
    }
}
