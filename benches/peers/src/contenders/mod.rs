//! Who takes part.

mod btree_map;
mod coitrees;
mod eytzinger;
mod lapper;
mod lmdb;
mod portledger;
mod rangemap;
mod sorted_vec;
mod splus_tree;
mod sqlite;
mod superintervals;

pub use portledger::hot_bytes_of;

use crate::contender::{Build, Entry};

/// What a user would otherwise take, every record found.
const fn peer(name: &'static str, build: Build) -> Entry {
    Entry { name, complete: true, peer: true, slow: false, build }
}

/// A structure written here, every record found.
const fn own(name: &'static str, build: Build) -> Entry {
    Entry { peer: false, ..peer(name, build) }
}

/// What a user would otherwise take, overlaps lost.
const fn incomplete(name: &'static str, build: Build) -> Entry {
    Entry { complete: false, ..peer(name, build) }
}

/// A database.
const fn database(name: &'static str, build: Build) -> Entry {
    Entry { slow: true, ..peer(name, build) }
}

/// All of them, ours first. `-4`: four cells a tree, not as many as the key allows.
pub static ALL: [Entry; 15] = [
    own("portledger", portledger::build),
    peer("superintervals", superintervals::build),
    peer("superintervals-4", superintervals::build_small),
    peer("coitrees", coitrees::build),
    peer("coitrees-4", coitrees::build_small),
    peer("rust-lapper", lapper::build),
    peer("rust-lapper-4", lapper::build_small),
    incomplete("rangemap-per-port", rangemap::build_per_port),
    incomplete("rangemap-global", rangemap::build_global),
    incomplete("btreemap", btree_map::build),
    own("sorted-vec", sorted_vec::build),
    own("s+tree", splus_tree::build),
    own("eytzinger", eytzinger::build),
    database("lmdb", lmdb::build),
    database("sqlite", sqlite::build),
];

/// Those that fit beside a hundred million records, one at a time.
pub const LARGE: [&str; 5] =
    ["portledger", "superintervals", "superintervals-4", "s+tree", "sorted-vec"];
