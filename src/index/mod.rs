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
mod machine;
mod plain;
mod region;
mod shape;
#[cfg(target_arch = "x86_64")]
mod sse2;
mod view;

pub use build::{BuildError, BuildOptions};
pub use format::FormatError;
pub use lean::Lean;
pub use lookup::{Hits, Question};
pub use image::Index as Fast;
pub use plain::{Index, Neighbours};
pub use view::View;
