//! Floor 2: events -> [`Allocation`]s. Pairing, nested intervals, loss, restarts.
//!
//! # Why an allocation is three intervals
//!
//! A record of a NAT log is close to the truth and not the truth. A create stamp is the time at which the logger
//! was scheduled, later than the packet. A release stamp is often the time at which a garbage collector came by,
//! half a minute after the mapping expired, and the next owner's create follows within microseconds. Somebody
//! else's server then writes a time truncated to the second. Taking any one of these for an instant names the wrong
//! person; so each record becomes three nested statements, made by its source's [`Profile`]:
//!
//! ```text
//!  packet   create          last        real end         release stamp
//!  on wire  stamp           activity    (kernel stop)    (garbage collector)
//!    |        |                |            |                   |
//!    .        [=== inner ======================)                .     certainly held
//! [===== outer =================================)               .     could have held
//! |<--L--->|  [=== used ==========)<--- idle --->               .     could have sent
//! ```
//!
//! - **outer** is `[create - L, min(release stamp, logged stop) + resolution)`, and never begins before a start that
//!   the source itself logs (`L` before it, where such starts are as late as creates). `L` is how late a create stamp
//!   may be.
//! - **inner** is `[create, end of outer - resolution)` once it is closed, `[create, last logged activity)` while no
//!   end of its own was logged.
//! - **used** ends at `max(last logged activity, end of outer - idle)`: a mapping that expired had no packet for at
//!   least `idle`. A killed, flushed or undeclared end may have come right behind a packet, so its idle is zero.
//!
//! Where no end was logged, `used` ends with what the last event vouches for: that event plus the shortest timeout.
//!
//! `used` settles succession only (see [`crate::resolver`]); it never makes a sole holder vanish.
//!
//! # Pairing
//!
//! A release belongs to a create of the same flow (protocol, both inside and outside ends, destination, the
//! source's own flow number where it has one) whose stamp fits the start that the release carries. Anything looser
//! fuses two tenancies when the lines between them were lost:
//!
//! ```text
//!   create A1   (release A1 lost)   B's tenancy, lost    (create A2 lost)   release A2, start = a2
//!   |-------------- pairing by flow alone would give all of this to A ----------------|
//!   |--- A1, no end ---                                   |--- A2, a full record ----|
//! ```
//!
//! A release alone, with its start, is a full record. A create alone is *open*: it claims up to its last event plus
//! the shortest timeout, beyond that only while no gap of the source lies between, and a life at most `max_life` long.
//!
//! Some devices say less in a release than in a create: Cisco CGv6 names no public side, only the first port of a
//! block; others leave the destination out. Such a release ends the only open tenancy that it can be of. Where
//! several fit (one inside port towards several destinations) nothing says which of them ended, and none does before as
//! many such releases came as tenancies they fit; what stays open then is in doubt, and carries no claim alone. Where
//! none fits it gives nobody anything: no port is known.
//!
//! A record that comes so far behind others that releases of its time were read and are no longer known is in doubt too:
//! files in the wrong order must not leave open what an earlier one of them has ended.
//!
//! A log that shows flows and never their ends (`session_seen`) is read as open records that only the next host on
//! the whole key ends; it proves nobody's absence, and carries a claim alone no longer than the shortest timeout.
//!
//! # Loss
//!
//! A release whose own start lies in the recorded time, but whose create was never read, shows that lines were lost
//! around that start; a create that a later record of the same flow supersedes, or the next holder of an exclusive
//! key, shows that a release was lost. The [`Audit`] counts both; a silence of the source within the time of such a
//! loss becomes a suspected gap. Across a gap only a release that carries its start is paired for certain.

mod assembler;
mod audit;
mod hosts;
mod imply;
mod intervals;
mod loss;
mod made;
mod open;
mod pending;
mod profile;
mod recent;
mod reorder;
mod step;
mod table;

pub use assembler::{Assembled, Assembler, EventReject};
pub use audit::Audit;
pub use profile::{EndIs, Idle, Kills, Profile, ProfileError};

#[cfg(test)]
mod tests;

/// A map with a seed of its own in every process, so that no log can be made to collide in it, and a faster hasher than the
/// standard one: these maps are asked several times a record.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// The set beside it.
type Set<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;

#[expect(unused_imports, reason = "the module text links it")]
use crate::allocation::Allocation;
