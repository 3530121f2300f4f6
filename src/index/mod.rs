//! Floor 3: the hot path. A set of allocations -> an immutable index; no I/O.

mod bits;
mod build;
mod bytes;
mod clock;
mod directory;
mod exact;
mod format;
mod lean;
mod line;
mod lookup;
mod image;
mod plain;
mod prefetch;
mod region;
mod shape;
mod view;

pub use build::{BuildError, BuildOptions};
pub use format::FormatError;
pub use lean::Lean;
pub use lookup::{Hits, Question};
pub use image::Index as Fast;
pub use plain::{Index, Neighbours};
pub use view::View;
